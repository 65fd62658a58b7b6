"""Showing a person's full number: for a reason, counted, and written down where they can find it."""

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from weilianxin.journal import log
from weilianxin.journal.models import Opening

from . import throttle
from .errors import Refused, TooOften
from .models import Account

LEAST_REASON = 4  # characters
LIMITS = [(20, 3600), (60, 86400)]  # numbers per seconds and member of staff


def reveal_contact(stream, reporter, by, reason, at):
    """The phone of `reporter`, for `by` who works on the case with this journal `stream`. Journalled with the reason.

    Whether `by` may know the reporter at all is decided by the caller (`cases.access.may_know_reporter`).
    Raises `Refused` without a reason or a number, `TooOften` for somebody who collects numbers.
    """
    reason = " ".join((reason or "").split())[:200]
    if len(reason) < LEAST_REASON:
        raise Refused(_("请写明为什么要看电话，至少%(n)s个字。") % {"n": LEAST_REASON}, "reason")
    if reporter is None or not reporter.phone:
        raise Refused(_("没有留下电话。"))
    with transaction.atomic():
        if not throttle.allow_all("reveal", by.pk, LIMITS, at=at):
            raise TooOften(_("看的电话太多了，请过一小时再看。确有需要请找值班长。"))
        payload = {"person": reporter.ref}
        log.append(stream, "reveal_contact", by.ref, payload, secrets={"reason": reason}, person=reporter.ref, at=at)
    return reporter.phone


def shown(account, most=200):
    """Who was shown the number of `account`, when and why, the newest first: for the person's own export."""
    found = Opening.objects.filter(person=account.ref, field="reason", entry__action="reveal_contact")
    rows = list(found.select_related("entry").order_by("-entry_id")[:most])
    names = dict(Account.objects.filter(ref__in={row.entry.actor for row in rows}).values_list("ref", "name"))
    return [{"at": row.entry.at.isoformat(), "by": names.get(row.entry.actor, ""), "reason": row.value} for row in rows]


def can_call(person):
    """Whether the telephone of a person or office of ours may be shown to be called: never in a demo, and only where
    the installation says so."""
    return bool(settings.CALLS and not getattr(person, "is_demo", False) and getattr(person, "phone", ""))
