"""Sending what waits in the outbox. At least once: a row is marked sent after the sending, never before. Only WeChat
is told at most once, because it knows no repeat: see `by_wechat.py`.

The work loop calls `deliver_due`; any number of loops may run. A loop that dies in the middle leaves its row
"sending", and after five minutes another takes it up again.
"""

import logging
import re
import time
from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from weilianxin.channels import mail, sms
from weilianxin.channels.errors import GiveUp, NotConfigured, Retry

from . import by_wechat
from .models import MAIL, SMS, WECHAT, Outbox
from .send import is_invented

log = logging.getLogger(__name__)

ATTEMPTS = 20  # over three days: an outage or an unpaid account is mended by then
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=6)
STALE = timedelta(minutes=5)  # longer than any sending takes: clients give up after seconds
LOCAL = ZoneInfo("Asia/Shanghai")
QUIET_FROM, QUIET_TO = 22, 7  # o'clock; what rings and is not urgent waits for the morning, its row stays as it is
LOOK = 20  # seconds of one look: a gateway that hangs must not hold up the alarms, which the same loop rings
IN_A_ROW = 3  # failures of one channel, after which the others go first until the next look
CODES = ("sign_in_code", "handler_code")
NOWHERE = "not configured"
FRESH = timedelta(days=3)  # how old a message may be that was held, to be of use yet
KEPT = timedelta(days=90)  # what has ended; codes for a day
BY_WECHAT = 20  # rows of WeChat for one of the others: they go out many at a time


def deliver_due(at=None, limit=50):
    """Send up to `limit` rows that are due at `at`, and twenty times as many by WeChat; returns how many were handed
    over.

    First takes back what a dead loop left behind. Failures are tried again after 30 seconds, then three times as
    long each time up to 6 hours; after three days of tries the row is dead and says why.
    """
    begin, start = at or timezone.now(), time.monotonic()

    def now():
        # Sending takes time, and how old a claim is must be known to the reclaimer.
        return begin + timedelta(seconds=time.monotonic() - start)

    reclaim_stale(begin)
    sent = by_wechat.deliver(lambda moment: due(moment).filter(channel=WECHAT), now, limit * BY_WECHAT)
    failures = Counter()
    for _turn in range(limit):
        moment = now()
        apart = [WECHAT, *(channel for channel, times in failures.items() if times >= IN_A_ROW)]
        row = claim(moment, apart) if moment < begin + timedelta(seconds=LOOK) else None
        if row is None:
            break
        outcome = send_one(row, moment)
        failures[row.channel] = failures[row.channel] + 1 if outcome is None else 0
        sent += bool(outcome)
    return sent


def due(at):
    """Rows that may be sent at `at`, urgent ones first."""
    rows = Outbox.objects.filter(state=Outbox.QUEUED, next_at__lte=at)
    if is_quiet(at) and not settings.DEMO:  # whoever tries the demo in the evening does not wait for the morning
        rows = rows.exclude(channel__in=(SMS, WECHAT), urgent=False)
    return rows.order_by("-urgent", "next_at", "id")


def is_quiet(at):
    hour = at.astimezone(LOCAL).hour
    return hour >= QUIET_FROM or hour < QUIET_TO


def claim(at, apart=(WECHAT,)):
    """Take one due row for this loop alone, of no channel of `apart`; None when nothing is due.

    PostgreSQL passes over rows that others hold; on SQLite the conditional update decides. Either way the change of
    state is what claims, and its row count says who won.
    """
    while True:
        if not due(at).exclude(channel__in=apart).exists():  # an idle loop takes no write lock
            return None
        with transaction.atomic():
            rows = due(at).exclude(channel__in=apart)
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True)
            row = rows.first()
            if row is None:
                return None
            won = Outbox.objects.filter(pk=row.pk, state=Outbox.QUEUED).update(
                state=Outbox.SENDING, claimed_at=at, attempts=F("attempts") + 1
            )
        if won:
            row.attempts += 1
            return row


def send_one(row, at):
    """Send a claimed row and write down how it went: True for handed over, None for to be tried again."""
    if is_invented(row.address):
        return finish(row, at, Outbox.HELD, error="demo")
    if row.useless_at is not None and row.useless_at <= at:
        return finish(row, at, Outbox.DEAD, error="too late")
    try:
        if row.channel == SMS:
            receipt = sms.send(row.address, row.body)
        else:
            receipt = mail.send(row.address, row.title, row.body)
    except NotConfigured:
        return finish(row, at, Outbox.HELD, error=NOWHERE)
    except GiveUp as error:
        return finish(row, at, Outbox.DEAD, error=reason(error))
    except Exception as error:  # Retry, and whatever else a client may raise
        if not isinstance(error, Retry):
            log.error("sending by %s failed with %s", row.channel, type(error).__name__)
        return again(row, at, reason(error))
    return finish(row, at, Outbox.SENT, receipt=str(receipt or "")[:80])


def reason(error):
    """A word for why it failed. What could be a number somebody is reached at is never kept."""
    code = str(getattr(error, "code", ""))[:120]
    return code if code and not re.search("[0-9]{7}|@", code) else type(error).__name__


def again(row, at, error):
    if row.attempts >= ATTEMPTS:
        return finish(row, at, Outbox.DEAD, error=error)
    mine(row).update(state=Outbox.QUEUED, claimed_at=None, next_at=at + wait(row.attempts), error=error)
    return None


def wait(attempts):
    """How long after the n-th failed try the next one comes."""
    return min(FIRST_WAIT * 3 ** (attempts - 1), LONGEST_WAIT)


def finish(row, at, state, receipt="", error=""):
    end = {"state": state, "done_at": at, "claimed_at": None, "receipt": receipt, "error": error}
    if row.secret and state != Outbox.HELD:
        end["body"] = ""
    if state == Outbox.DEAD:
        log.warning("a message by %s could not be delivered: %s", row.channel, error)
    mine(row).update(**end)
    return state == Outbox.SENT


def mine(row):
    """The row while it is still this loop's: one who was thought dead must not overrule who took over."""
    return Outbox.objects.filter(pk=row.pk, state=Outbox.SENDING, attempts=row.attempts)


def reclaim_stale(at):
    """Rows whose loop died while sending go back into the queue, or are given up after the last try; those of WeChat
    are unsure.

    Returns how many there were.
    """
    stale = Outbox.objects.filter(state=Outbox.SENDING).filter(
        Q(claimed_at__isnull=True) | Q(claimed_at__lte=at - STALE)
    )
    if not stale.exists():
        return 0
    unsure = by_wechat.reclaim(stale.filter(channel=WECHAT), at)
    stale = stale.exclude(channel=WECHAT)
    stale.filter(attempts__gte=ATTEMPTS, secret=True).update(body="")
    given_up = stale.filter(attempts__gte=ATTEMPTS).update(
        state=Outbox.DEAD, done_at=at, claimed_at=None, error="interrupted"
    )
    return unsure + given_up + stale.update(state=Outbox.QUEUED, claimed_at=None, next_at=at, error="interrupted")


def take_up(at):
    """What was held while there was no gateway goes out when there is one, unless it is stale; for the work loop."""
    for channel, client in ((SMS, sms), (MAIL, mail)):
        if client.configured():
            held = Outbox.objects.filter(channel=channel, state=Outbox.HELD, error=NOWHERE, created_at__gt=at - FRESH)
            held.update(state=Outbox.QUEUED, next_at=at, done_at=None, attempts=0, error="")


def forget_old(at):
    """Delete what has ended: telephone numbers do not stay for ever in what was sent to them; for the work loop."""
    ended = Outbox.objects.filter(state__in=(Outbox.SENT, Outbox.HELD, Outbox.DEAD))
    ended.filter(act__in=CODES, done_at__lt=at - timedelta(days=1)).delete()
    ended.filter(done_at__lt=at - KEPT).delete()


def backlog(at):
    """What a status page says of the outbox: how many wait, since when the oldest is due, how many are dead, and how
    many are held because there is no gateway."""
    waiting = Outbox.objects.filter(state__in=(Outbox.QUEUED, Outbox.SENDING, Outbox.UNSURE), next_at__lte=at)
    return {
        "waiting": waiting[:1000].count(),
        "oldest_due_at": waiting.order_by("next_at").values_list("next_at", flat=True).first(),
        "dead": Outbox.objects.filter(state=Outbox.DEAD)[:1000].count(),
        "held": Outbox.objects.filter(state=Outbox.HELD, error=NOWHERE)[:1000].count(),
    }
