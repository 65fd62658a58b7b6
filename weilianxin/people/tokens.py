"""Tokens of the API: who asks is read afresh from the database at every request, as with sessions.

A token is worth nothing once it was revoked, its time is over, the account was shut or its sessions were ended (the
epoch), at the next request. Residents' tokens live thirty days from their last use, those of staff twelve hours.
"""

import re
import secrets
from datetime import timedelta

from django.utils import timezone

from weilianxin.lib.digests import keyed_digest

from .models import Token

SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
RESIDENT = timedelta(days=30)
STAFF = timedelta(hours=12)
NOTE_EVERY = timedelta(hours=1)  # a token is not written at every request
KEPT = timedelta(days=1)  # for so long rows stay after their end


def issue(account, channel, at):
    """A fresh token for `account`: (the token, when it ends). Only its keyed hash is kept, so show it once."""
    token = secrets.token_urlsafe(32)
    life = STAFF if account.is_staff_member else RESIDENT
    row = Token.objects.create(
        account=account,
        digest=_digest(token),
        channel=channel,
        epoch=account.epoch,
        created_at=at,
        seen_at=at,
        expires_at=at + life,
    )
    return token, row.expires_at


def find(token, at):
    """The row of a token that is good now, with its account; None otherwise. A resident's life begins anew."""
    if not SHAPE.fullmatch(token or ""):
        return None
    row = Token.objects.select_related("account").filter(digest=_digest(token), revoked_at__isnull=True).first()
    if row is None or row.expires_at <= at or not row.account.is_active or row.epoch != row.account.epoch:
        return None
    if at - row.seen_at > NOTE_EVERY:
        row.seen_at = at
        if not row.account.is_staff_member:
            row.expires_at = at + RESIDENT
        row.save(update_fields=["seen_at", "expires_at"])
    return row


def revoke(row, at):
    """End one token; the others of its account stay."""
    Token.objects.filter(pk=row.pk, revoked_at__isnull=True).update(revoked_at=at)


def recognise(request):
    """Set `request.account` from the token in the header; `request.token` is its row, `request.token_refused` says that
    one was sent which is not good."""
    told = request.headers.get("Authorization", "")
    if not told:
        return
    kind, _blank, token = told.partition(" ")
    row = find(token.strip(), timezone.now()) if kind.lower() == "bearer" else None
    if row is None:
        request.token_refused = True
    else:
        request.token, request.account = row, row.account


def cleanup(at):
    """Drop the rows of tokens that ended a day ago; for the work loop. Returns how many."""
    return Token.objects.filter(expires_at__lt=at - KEPT).delete()[0]


def _digest(token):
    return keyed_digest("token", token)
