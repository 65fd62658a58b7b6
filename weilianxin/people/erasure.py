"""Erasing a person: every room that keeps something about people registers how it lets go of it."""

from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone

from weilianxin.journal import log

from .models import Account, OneTimeCode
from .session import ACCOUNT, PENDING

ERASERS = []


def register_eraser(fn):
    """Have `fn(account, at)` called when a person is erased, in the same transaction, while the account still has its
    name, phone and mail address. For the `ready()` of an app. Returns `fn`, so it may stand as a decorator."""
    if fn not in ERASERS:
        ERASERS.append(fn)
    return fn


def erase(account, at):
    """Erase what identifies `account` in every room, wholly or not at all; the empty row and the journal stay.

    Deletes all its sessions, so a view calls `session.sign_out` afterwards. On SQLite what was deleted is overwritten
    (`secure_delete`) and the write-ahead log, which still holds the old pages, is emptied once the transaction stands.
    Doing it twice does no harm.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account.pk)
        for fn in ERASERS:
            fn(account, at)
        if account.phone:
            OneTimeCode.objects.filter(phone=account.phone).delete()
        account.dwellings.all().delete()
        account.consents.all().delete()
        account.tokens.all().delete()
        account.wechat.all().delete()
        account.absences.all().delete()
        account.posts.filter(until__isnull=True).update(until=at)
        _drop_sessions(account)
        log.erase_person(account.ref, at=at)
        account.name, account.email, account.photo, account.totp_secret = "", "", "", ""
        account.phone = account.username = None
        account.set_unusable_password()
        account.is_active, account.erased_at, account.epoch = False, account.erased_at or at, account.epoch + 1
        account.save()
        log.append(account.ref, "erase", account.ref, {}, at=at)
        transaction.on_commit(_empty_write_ahead_log, robust=True)


def _drop_sessions(account):
    """Sessions may hold a draft, so they are deleted and not only ended. Whose one is can only be read from it; one
    in which somebody only asked for a code holds the number and nobody's name."""
    mine = []
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        data = row.get_decoded()
        state = data.get(ACCOUNT) or data.get(PENDING) or {}
        numbers = [step.get("phone") for step in data.values() if isinstance(step, dict)]
        if state.get("id") == account.pk or (account.phone and account.phone in numbers):
            mine.append(row.pk)
    Session.objects.filter(pk__in=mine).delete()


def _empty_write_ahead_log():
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
