"""Counting tries, so that nobody may try without end. Buckets are keyed hashes, never a phone or an address."""

from datetime import timedelta

from django.db import connection, transaction

from weilianxin.lib.digests import keyed_digest

from .models import Attempt

KEPT = timedelta(days=1)  # the longest stretch any limit looks back over


def allow(name, key, *, limit, seconds, at):
    """Count one try of `name` by `key` and say whether it is within `limit` tries in the last `seconds`.

    A try that is refused is not counted, so waiting always helps. Threads and processes that try at the same moment
    are counted one after the other, on both databases. Counted inside the caller's transaction: where that is rolled
    back the try was not made, so ask before the transaction of the act, not in it.
    """
    return allow_all(name, key, [(limit, seconds)], at=at)


def allow_all(name, key, limits, *, at):
    """The same for several (limit, seconds) at once; counted only when all of them hold."""
    bucket = keyed_digest("throttle", f"{name}\x00{key}")
    with transaction.atomic():
        _one_at_a_time(bucket)
        since = at - timedelta(seconds=max(seconds for _limit, seconds in limits))
        tries = list(Attempt.objects.filter(bucket=bucket, at__gt=since).values_list("at", flat=True))
        for limit, seconds in limits:
            start = at - timedelta(seconds=seconds)
            if sum(moment > start for moment in tries) >= limit:
                return False
        Attempt.objects.create(bucket=bucket, at=at)
    return True


def forget(name, key):
    """Begin the count of `key` anew, after it succeeded."""
    Attempt.objects.filter(bucket=keyed_digest("throttle", f"{name}\x00{key}")).delete()


def take_back(name, key, at):
    """The try that `allow` counted at this moment was none after all: it succeeded. The ones before it stay counted."""
    tries = Attempt.objects.filter(bucket=keyed_digest("throttle", f"{name}\x00{key}"), at=at)
    Attempt.objects.filter(pk__in=list(tries.order_by("-pk").values_list("pk", flat=True)[:1])).delete()


def cleanup(at):
    """Drop what no limit looks at any more; for the work loop. Returns how many."""
    return Attempt.objects.filter(at__lt=at - KEPT).delete()[0]


def _one_at_a_time(bucket):
    # On SQLite every transaction begins as the only writer, so the lock is there already.
    if connection.vendor == "postgresql":
        number = int(bucket[:16], 16) - (1 << 63)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
