"""Telling partners' systems what happens: written with the act, sent by the loop, signed, at least once, in order.

What is told of one matter reaches a partner in the order in which it happened: while one delivery waits or is tried
again, the later ones of that matter wait behind it. After ten tries in about a day it is given up, and they go on. A
partner that has not answered well for three days is switched off and the administrators are told.
"""

import base64
import hmac
import json
import logging
import random
import time
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from weilianxin.channels import webhook
from weilianxin.channels.errors import ChannelError
from weilianxin.people.models import Post, Role

from .models import Delivery, Partner
from .send import tell_each

log = logging.getLogger(__name__)

ATTEMPTS = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=8)
STALE = timedelta(minutes=5)
PATIENCE = timedelta(days=3)
SILENCE = timedelta(days=1)  # longer than any wait between two tries: so long without a failure says nothing was sent
OVERLAP = timedelta(days=2)  # so long both secrets sign after a change
KEPT = timedelta(days=30)
# One look of the loop, in whose thread codes by SMS and alarms wait: so many posts, none begun after so many seconds.
TURNS, LOOK = 30, 20


def secret(partner, generation=None):
    """The secret of a partner, 32 bytes; the one before it with an earlier `generation`."""
    said = f"webhook:{partner.ref}:{generation or partner.generation}"
    return hmac.new(settings.SECRET_KEY.encode(), said.encode(), sha256).digest()


def written(key):
    """A secret as it is handed over."""
    return "whsec_" + base64.b64encode(key).decode()


def announce(*, units, source, kind, facts, subject, at):
    """Queue an event for the partners of these units (keys) and of this source. `facts` names nobody."""
    if not units and not source:
        return
    wanted = Q(unit_id__in=units)
    if source:
        wanted |= Q(source=source)
    rows = []
    for partner in Partner.objects.filter(wanted, active=True)[:20]:
        body = {"type": kind, "timestamp": at.isoformat(), "data": facts}
        rows.append(_row(partner, subject, body, at))
    Delivery.objects.bulk_create(rows)


def _row(partner, subject, body, at):
    said = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return Delivery(partner=partner, subject=subject, body=said, next_at=at, created_at=at)


def test_delivery(partner, at):
    """Something to see whether it arrives."""
    row = _row(partner, "", {"type": "test", "timestamp": at.isoformat(), "data": {}}, at)
    row.save()
    return row


def again(delivery, at):
    """Send a finished delivery once more, under the number it had."""
    Delivery.objects.filter(pk=delivery.pk, state__in=(Delivery.SENT, Delivery.DEAD)).update(
        state=Delivery.QUEUED, attempts=0, next_at=at, done_at=None
    )


def due(at):
    """What may be sent now: nothing before what was told earlier of the same matter."""
    earlier = Delivery.objects.filter(
        partner=OuterRef("partner"),
        subject=OuterRef("subject"),
        state__in=(Delivery.QUEUED, Delivery.SENDING),
        pk__lt=OuterRef("pk"),
    )
    rows = Delivery.objects.filter(state=Delivery.QUEUED, next_at__lte=at, partner__active=True)
    return rows.filter(~Exists(earlier)).order_by("next_at", "id")


def deliver_due(at=None):
    """Send what is due; returns how many arrived. Who fails is left alone until the next look."""
    begin, start, sent = at or timezone.now(), time.monotonic(), 0
    stale = Delivery.objects.filter(state=Delivery.SENDING, claimed_at__lte=begin - STALE)
    if stale.exists():
        stale.update(state=Delivery.QUEUED, claimed_at=None)
    failing = set()
    for _turn in range(TURNS):
        passed = time.monotonic() - start
        moment = begin + timedelta(seconds=passed)
        row = claim(moment, failing) if passed < LOOK else None
        if row is None:
            break
        if send_one(row, moment):
            sent += 1
        else:
            failing.add(row.partner_id)
    return sent


def claim(at, without=()):
    """The next delivery, now ours to send; None where nothing is due but for the partners (keys) in `without`."""
    while True:
        if not due(at).exclude(partner__in=without).exists():  # an idle loop takes no write lock
            return None
        with transaction.atomic():
            rows = due(at).exclude(partner__in=without)
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True, of=("self",))
            row = rows.select_related("partner").first()
            if row is None:
                return None
            won = Delivery.objects.filter(pk=row.pk, state=Delivery.QUEUED).update(
                state=Delivery.SENDING, claimed_at=at, attempts=F("attempts") + 1
            )
        if won:
            row.attempts += 1
            return row


def send_one(row, at):
    partner = row.partner
    keys = [secret(partner)]
    if partner.rotated_at is not None and at < partner.rotated_at + OVERLAP:
        keys.append(secret(partner, partner.generation - 1))
    status, answer = None, ""
    try:
        status, answer = webhook.post(partner.url, row.ref, str(int(at.timestamp())), row.body.encode(), keys)
    except ChannelError as error:
        answer = error.code
    except Exception as error:
        log.error("a webhook failed with %s", type(error).__name__)
        answer = type(error).__name__
    well = status is not None and 200 <= status < 300
    mine = Delivery.objects.filter(pk=row.pk, state=Delivery.SENDING, attempts=row.attempts)
    end = {"status": status, "answer": answer[:200], "claimed_at": None}
    if well:
        mine.update(state=Delivery.SENT, done_at=at, **end)
        Partner.objects.filter(pk=partner.pk, failing_since__isnull=False).update(failing_since=None)
        return True
    if row.attempts >= ATTEMPTS:
        mine.update(state=Delivery.DEAD, done_at=at, **end)
    else:
        mine.update(state=Delivery.QUEUED, next_at=at + wait(row.attempts), **end)
    failed(partner, at)
    return False


def wait(attempts):
    """How long after the n-th failure the next try comes: longer each time, and never all at one moment."""
    longest = min(FIRST_WAIT * 3 ** (attempts - 1), LONGEST_WAIT)
    return longest * random.uniform(0.8, 1.2)


def failed(partner, at):
    """Note since when it fails, try upon try; switch it off when that is too long, and say so."""
    mine = Partner.objects.filter(pk=partner.pk)
    mine.filter(Q(failing_since__isnull=True) | Q(failed_at__lt=at - SILENCE)).update(failing_since=at)
    mine.update(failed_at=at)
    off = Partner.objects.filter(pk=partner.pk, active=True, failing_since__lte=at - PATIENCE)
    if off.update(active=False):
        log.warning("a partner did not answer for days and is switched off")
        posts = Post.objects.at(at).filter(role=Role.SYSTEM_ADMIN).select_related("account")
        tell_each(
            "partner_off",
            "admin",
            [post.account for post in posts[:10]],
            values={"name": partner.name},
            key=f"partner:{partner.ref}:{at.isoformat()}",
            at=at,
        )


def forget_old(at):
    """What has ended is kept for a month."""
    Delivery.objects.filter(state__in=(Delivery.SENT, Delivery.DEAD), done_at__lt=at - KEPT).delete()
