"""Telling somebody about an act, inside the transaction of that act: all or nothing (design invariant 1)."""

import hashlib
import re

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from . import templates
from .models import INBOX, MAIL, SMS, WECHAT, Message, Outbox
from .texts import SECRETS, fill, text_for, uses

# Numbers and addresses of demo people, by their plainly invented pattern. Nothing is ever sent to them.
DEMO_PHONE = re.compile(r"1\d{2}0000\d{4}")
DEMO_MAIL = re.compile(r".+(\.invalid|\.test|\.example|@example\.(com|org|net))", re.IGNORECASE)
LONGEST_SMS = 500


def tell(
    act, audience, account=None, *, address="", values, url="", key, at, urgent=False, held=False, useless_at=None
):
    """Say what was done: to `account` in its own language, or to an `address` (a phone or a mail address).

    `values` fill the text of (act, audience); moments may be given as they are, translated words lazily. `key` names
    the occasion (for example the case's stream and the event's number): told again, nothing more is written.
    `urgent` lets it out in the quiet hours; `held` keeps it from leaving (a unit of the demo); after `useless_at`
    (a code's end) it is not sent any more. Runs in the caller's transaction and costs one insert for the inbox and
    one for the outbox. Who allowed it in WeChat is told there instead of by SMS. Raises LookupError when there is no
    such text.
    """
    tell_each(
        act,
        audience,
        [account],
        address=address,
        values=values,
        url=url,
        key=key,
        at=at,
        urgent=urgent,
        held=held,
        useless_at=useless_at,
    )


def tell_each(
    act, audience, accounts, *, address="", values, url="", key, at, urgent=False, held=False, useless_at=None
):
    """The same for many accounts (all who joined a report), still with one insert each for inbox and outbox."""
    text = text_for(act, audience)
    channels = text.channels.split()
    template, reached = templates.reached(accounts, text, address)
    messages, out = [], []
    for account in accounts:
        if account is not None and (account.erased_at or not account.is_active):
            continue
        language = account.language if account is not None else "zh-hans"
        title = fill(text.title(language), values, language)[:120]
        body = fill(text.body(language), values, language)
        common = {"act": act, "account": account, "title": title, "created_at": at}
        receiver = account.ref if account is not None else ""
        if INBOX in channels and account is not None:
            messages.append(Message(key=digest(key, act, audience, receiver), body=body, url=url, **common))
        ways = {channel: destination(channel, account, address) for channel in channels}
        openid = reached.get(account.pk, "") if account is not None else ""
        if openid:
            ways[WECHAT] = ways.pop(SMS, "")
        for channel, where in ways.items():
            if not where and channel != WECHAT:
                continue
            by = {}
            if channel == WECHAT:
                lines = templates.values_of(template, values, headline=title, at=at, language=language)
                by = {"template": template.template_id, "openid_digest": openid}
                by["data"] = {"page": templates.page_of(url), "values": lines}
                hold = held or (account.is_demo and not settings.DEMO)  # the demo's WeChat is a made-up one
            else:
                hold = held or (account is not None and account.is_demo) or is_invented(where)
            out.append(
                Outbox(
                    # Told again when the permission has gone, it is still the same message.
                    key=digest(key, act, audience, receiver, where, SMS if channel == WECHAT else channel),
                    address=where,
                    channel=channel,
                    body=body[:LONGEST_SMS] if channel in (SMS, WECHAT) else body,
                    urgent=urgent or text.urgent,
                    secret=uses(text, SECRETS),
                    state=Outbox.HELD if hold else Outbox.QUEUED,
                    done_at=at if hold else None,
                    next_at=at,
                    useless_at=useless_at,
                    **by,
                    **common,
                )
            )
    with transaction.atomic(savepoint=False):
        if messages:
            Message.objects.bulk_create(messages, ignore_conflicts=True)
        if out:
            Outbox.objects.bulk_create(out, ignore_conflicts=True)


def destination(channel, account, address):
    """Where a channel reaches the receiver; "" when it does not."""
    if channel == SMS:
        return address if address and "@" not in address else (account.phone or "" if account is not None else "")
    if channel == MAIL:
        return address if "@" in address else (account.email if account is not None else "")
    return ""


def is_invented(address):
    """Whether this is an address of the demo, which is never sent to."""
    return bool(DEMO_PHONE.fullmatch(address) or DEMO_MAIL.fullmatch(address))


def digest(*parts):
    # Parts may be long and name people; the column needs neither, only that equal means equal.
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def erase_person(account, at):
    """Everything that was said to a person, everything that waits to be sent to them, and what they allowed."""
    Message.objects.filter(account=account).delete()
    theirs = Q(account=account)
    for address in (account.phone, account.email):
        if address:
            theirs |= Q(address=address)
    Outbox.objects.filter(theirs).delete()
    account.wechat_permissions.all().delete()
