"""Sending by WeChat: many at a time, at most once, and by SMS instead where WeChat cannot.

WeChat knows no repeat, so a message whose answer was lost is not sent again. It is unsure until WeChat's own receipt
comes in (`push.py`); without one it goes out by SMS. An answer tells the number of the message, so a receipt whose
number nobody knows belongs to the one row of its person and template that has no answer, of which there is never more
than one. See docs/decisions/0016-lost-answers-of-wechat.md.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Value, When
from django.db.models.functions import Coalesce

from weilianxin.channels import wechat
from weilianxin.channels.errors import ChannelError, GiveUp, NotConfigured, Retry
from weilianxin.people.wechat import openids_of

from . import templates
from .models import SMS, WECHAT, Outbox

log = logging.getLogger(__name__)

ATTEMPTS = 4  # then it is an SMS: somebody waits for it
FIRST_WAIT = timedelta(seconds=30)
UNSURE = timedelta(minutes=2)  # receipts come within seconds; WeChat repeats them for half a minute
REST = timedelta(minutes=1)
TROUBLE = 4  # failures in a turn, and half of all tries, until WeChat's rows rest
THREADS = 8
FIRST_BATCH, LARGEST_BATCH = 4, 32  # rows whose fate a loop that dies leaves open
LATEST = timedelta(hours=1)  # after it no receipt is expected any more
UNNUMBERED = "accepted"  # the receipt of an answer without a number
RECENT = 50  # rows of one person and template among which a receipt is looked for
LATE, NO_MORE = "wechat-no-receipt", "wechat-43101"


def deliver(due, now, most):
    """Send up to `most` of the rows of `due(moment)`; returns how many were handed over. `now()` is the moment."""
    settle(now())
    sent, tried, failed, size = 0, 0, 0, FIRST_BATCH
    if most < 1 or not due(now()).exists():
        return 0
    with ThreadPoolExecutor(THREADS) as pool:
        while tried < most and (rows := claim(due(now()), now(), min(size, most - tried))):
            openids = openids_of([row.account for row in rows], settings.WECHAT_APPID)
            outcomes = list(pool.map(hand_over, rows, [openids.get(row.account_id, "") for row in rows]))
            sent += write_down(rows, outcomes, now())
            tried += len(rows)
            failed += sum(isinstance(outcome, Retry) for outcome in outcomes)
            if failed >= TROUBLE and failed * 2 >= tried:
                rest(due(now()), now())
                break
            size = min(size * 2, LARGEST_BATCH)
    return sent


def claim(rows, at, most):
    """Take up to `most` due rows for this loop, no two of the same person and template, and none beside an open one."""
    pair = {"openid_digest": OuterRef("openid_digest"), "template": OuterRef("template")}
    open_ones = Outbox.objects.filter(channel=WECHAT, state__in=(Outbox.SENDING, Outbox.UNSURE), **pair)
    rows = rows.filter(~Exists(open_ones)).select_related("account")
    if not rows.exists():  # an idle loop takes no write lock
        return []
    try:
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True, of=("self",))
            found = {}
            for row in rows[:most]:
                found.setdefault((row.openid_digest, row.template), row)
            taken = Outbox.objects.filter(pk__in=[row.pk for row in found.values()])
            taken.update(state=Outbox.SENDING, claimed_at=at, attempts=F("attempts") + 1, receipt="", error="")
    except IntegrityError:  # another loop has just taken the other message of the same pair
        return []
    for row in found.values():
        row.attempts += 1
    return list(found.values())


def hand_over(row, openid):
    """What came of it: the message's number, or the error."""
    try:
        if not wechat.configured():
            raise NotConfigured("wechat")
        if not openid or templates.digest_of(openid) != row.openid_digest:
            raise GiveUp("wechat-untied")
        values, page = dict(row.data["values"]), row.data["page"]
        return wechat.send(openid, row.template, values, page=page, language=row.account.language)
    except ChannelError as error:
        return error
    except Exception as error:
        log.error("sending by WeChat failed with %s", type(error).__name__)
        return Retry(type(error).__name__, unsure=True)


def write_down(rows, outcomes, at):
    """Keep what came of each; returns how many were handed over. A receipt may have been quicker than the answer."""
    with transaction.atomic():
        held = locked(Outbox.objects.filter(pk__in=[row.pk for row in rows], state=Outbox.SENDING).order_by("pk"))
        held = {(row.pk, row.attempts): row for row in held}  # not who was erased, or thought dead and taken over
        mine = [(held.get((row.pk, row.attempts)), outcome) for row, outcome in zip(rows, outcomes, strict=True)]
        sent = [row for row, outcome in mine if row is not None and _conclude(row, outcome, at)]
        _sent(sent, at)
    return len(sent)


def _conclude(row, outcome, at):
    """Settle one row by its answer and, where there was none, by the receipt that may stand on it. True when it was
    sent; then its `receipt` is its number, to be written with the others'."""
    number = "" if isinstance(outcome, Exception) else outcome
    if row.receipt and (not number or number == row.receipt):
        outcome = GiveUp(row.error) if row.error else row.receipt
    if not isinstance(outcome, Exception):
        row.receipt = outcome
        return True
    one = Outbox.objects.filter(pk=row.pk)
    if isinstance(outcome, Retry):
        if outcome.unsure:
            one.update(state=Outbox.UNSURE, unsure_at=at, next_at=at + UNSURE, claimed_at=None, error=outcome.code)
        elif row.attempts >= ATTEMPTS:
            fall_back(one, at, outcome.code)
        else:
            wait = FIRST_WAIT * 3 ** (row.attempts - 1)
            one.update(state=Outbox.QUEUED, claimed_at=None, next_at=at + wait, error=outcome.code)
        return False
    if getattr(outcome, "tell", "") == GiveUp.OPERATOR:
        log.error("WeChat does not take the template of %s: %s", row.act, outcome.code)
    if outcome.code == NO_MORE or row.error:
        templates.used_up(row.account_id, row.template)
    fall_back(one, at, "not configured" if isinstance(outcome, NotConfigured) else outcome.code)
    return False


def _sent(rows, at):
    """Mark rows that this transaction holds as sent, each under the number it bears."""
    if not rows:
        return
    number = Case(*(When(pk=row.pk, then=Value(row.receipt)) for row in rows), output_field=CharField())
    end = {"state": Outbox.SENT, "channel": WECHAT, "done_at": at, "claimed_at": None, "unsure_at": None, "error": ""}
    Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(**end, receipt=number, data={})
    for template in sorted({row.template for row in rows}):
        templates.used([row.account_id for row in rows if row.template == template], template)


def fall_back(rows, at, error):
    """By SMS where the text has it and a phone is known; otherwise the message in the app has to do."""
    end = {"claimed_at": None, "receipt": "", "error": error, "data": {}}
    rows.filter(address="").update(state=Outbox.DEAD, done_at=at, **end)
    rows.exclude(address="").update(channel=SMS, state=Outbox.QUEUED, attempts=0, next_at=at, done_at=None, **end)


def settle(at):
    """Whatever has waited long enough for a receipt, or for a WeChat that answers, goes another way."""
    rows = Outbox.objects.filter(channel=WECHAT, next_at__lte=at)
    for late, error in (
        (rows.filter(state=Outbox.UNSURE), LATE),
        (rows.filter(state=Outbox.QUEUED, attempts__gte=ATTEMPTS), "wechat-dead"),
    ):
        if late.exists():
            with transaction.atomic():
                fall_back(late, at, error)


def rest(rows, at):
    """WeChat does not answer: nobody tries for a while, and for every row that waits it was one try."""
    log.error("WeChat does not answer; its messages rest for %s s", REST.seconds)
    pks = list(rows.values_list("pk", flat=True)[:5000])
    Outbox.objects.filter(pk__in=pks, state=Outbox.QUEUED).update(attempts=F("attempts") + 1, next_at=at + REST)


def reclaim(stale, at):
    """Rows whose loop died while sending: their receipt decides, now or within its time; none is sent again."""
    with transaction.atomic():
        told = list(locked(stale.exclude(receipt="").order_by("pk")))
        _sent([row for row in told if _conclude(row, Retry("interrupted", unsure=True), at)], at)
    return len(told) + stale.filter(receipt="").update(
        state=Outbox.UNSURE,
        unsure_at=Coalesce("unsure_at", "claimed_at", Value(at)),
        claimed_at=None,
        next_at=at,  # a loop is thought dead later than a receipt is waited for
        error="interrupted",
    )


def receipt(openid, template, number, error, at):
    """WeChat says what became of a message: `error` is "" when it arrived. May come before its answer, and again."""
    with transaction.atomic():
        rows = Outbox.objects.filter(openid_digest=templates.digest_of(openid), template=template)
        rows = list(locked(rows.order_by("-id"))[:RECENT])
        row = next((row for row in rows if row.receipt == number), None)
        row = row or next((row for row in rows if row.state == Outbox.SENT and row.receipt == UNNUMBERED), None)
        if row is not None:
            Outbox.objects.filter(pk=row.pk, receipt=UNNUMBERED).update(receipt=number)
            if error and (row.channel, row.state) == (WECHAT, Outbox.SENT):
                templates.used_up(row.account_id, row.template)
                fall_back(Outbox.objects.filter(pk=row.pk), at, error)
            return
        # The oldest that was never answered first: a receipt that comes after its time must not stand for a newer one.
        waiting = [row for row in rows if row.unsure_at is not None]
        waiting = [row for row in waiting if row.state == Outbox.UNSURE or row.unsure_at > at - LATEST]
        waiting.sort(key=lambda row: (row.unsure_at, row.pk))
        waiting += [row for row in rows if (row.channel, row.state) == (WECHAT, Outbox.SENDING)]
        if not waiting:
            return
        row = waiting[0]
        one = Outbox.objects.filter(pk=row.pk)
        if (row.channel, row.state) == (WECHAT, Outbox.SENDING):
            one.update(receipt=number, error=error)  # its answer is still on the way, or its loop died
        elif error:
            one.update(unsure_at=None)
            if row.state == Outbox.UNSURE:
                templates.used_up(row.account_id, row.template)
                fall_back(one, at, error)
        elif row.state in (Outbox.UNSURE, Outbox.QUEUED):  # queued: the SMS in its stead has not left yet
            row.receipt = number
            _sent([row], at)
        else:
            one.update(unsure_at=None)
            templates.used([row.account_id], row.template)


def locked(rows):
    """The rows, held until the transaction ends; on SQLite the whole database is."""
    return rows.select_for_update() if connection.features.has_select_for_update else rows
