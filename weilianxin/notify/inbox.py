"""The in-app inbox: newest first, paged by key, bounded."""

from typing import NamedTuple

from django.utils import timezone

from .models import Message

MOST = 100


class Page(NamedTuple):
    rows: list
    older: int | None  # pass it as `before` for the next page; None at the end


def inbox(account, before=None, limit=20):
    """A page of the account's messages, one query whatever their number. `before` is a page's `older`; one that is
    not a number of ours begins at the newest."""
    limit = max(1, min(int(limit), MOST))
    rows = Message.objects.filter(account=account).order_by("-id")
    before = known(before)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    rows = list(rows[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, rows[-1].pk if more else None)


def unread_count(account):
    """How many are unread, counted up to 100."""
    return Message.objects.filter(account=account, read_at__isnull=True)[:MOST].count()


def mark_read(account, which="all", at=None, *, up_to=None):
    """Mark the account's own messages read: `which` is "all" or their ids. Returns how many were unread before.

    Ids of somebody else's messages are passed over in silence. `up_to` leaves what came after that id.
    """
    rows = Message.objects.filter(account=account, read_at__isnull=True)
    if which != "all":
        rows = rows.filter(pk__in=[n for n in map(known, list(which)[:MOST]) if n is not None])
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    return rows.update(read_at=at or timezone.now())


def held(account, most=2000):
    """What was said to the account, newest first, for the person's own export."""
    rows = Message.objects.filter(account=account).order_by("-id")[:most]
    return [
        {
            "at": row.created_at.isoformat(),
            "title": row.title,
            "words": row.body,
            "read_at": row.read_at.isoformat() if row.read_at else None,
        }
        for row in rows
    ]


def known(number):
    """An id that a database could hold, or None."""
    try:
        number = int(number)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < 2**63 else None
