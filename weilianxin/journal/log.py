"""Writing the journal: one entry per act, chained to the one before it, inside the transaction of the act itself."""

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from secrets import token_hex
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise

from .models import Entry, Opening, Stream

ALG = "sha256"
ERASURES = "erasures"  # the stream that says how much was erased, and when
NAME_LIMIT = 64  # stream, actor, action, person
FIELD_LIMIT = 32


def append(stream, action, actor, payload, *, secrets=None, person="", at=None):
    """Write what `actor` did as the next entry of `stream` (made on first use) and return it.

    `stream`, `actor` and `person` are opaque references, never names or numbers that people know. `payload` is a
    mapping of what may stay for ever. `secrets` maps fields to values that must be erasable: only a salted hash of
    each enters the entry; salt and value lie beside it until `erase_person(person)`.
    Part of the caller's transaction: what is undone is not in the journal, and what cannot be journalled is undone.
    ValueError for what has no one spelling (floats, naive moments, lone surrogates) or is too long.
    """
    at = timezone.now() if at is None else at
    names = {"stream": stream, "action": action, "actor": actor, "person": person}
    for what, text in names.items():
        if len(text) > NAME_LIMIT or not (text or what in ("actor", "person")):
            raise ValueError(f"{what}: 1 to {NAME_LIMIT} characters")
    openings = [_opening(field, value, person) for field, value in (secrets or {}).items()]
    if openings:
        if "commit" in payload:
            raise ValueError("payload: 'commit' is where the hashes of the secrets go")
        payload = {**payload, "commit": {o.field: commitment(o.salt, o.field, o.value) for o in openings}}
    words = canonical(payload)
    moment_text(at)  # refused before anything is locked
    with transaction.atomic(savepoint=False):
        head = lock_head(stream)
        entry = Entry(
            stream=head,
            seq=head.seq + 1,
            at=at,
            actor=actor,
            action=action,
            payload=words,
            prev_hash=head.head,
            alg=ALG,
        )
        entry.entry_hash = hash_of(stream, entry.seq, at, actor, action, words, head.head, ALG)
        entry.save(force_insert=True)
        if openings:
            for opening in openings:
                opening.entry = entry
            Opening.objects.bulk_create(openings)
        head.seq, head.head = entry.seq, entry.entry_hash
        head.save(update_fields=["seq", "head"])
    return entry


def erase_person(ref, *, actor="system", at=None):
    """Delete the salts and values of everything kept for the person `ref`; returns how many there were.

    The entries stay and still verify; without its salt a hash cannot be matched to any guess. What was done is
    itself an entry.
    """
    if not ref:
        raise ValueError("an empty reference is nobody's")
    with transaction.atomic():
        erased, _by_model = Opening.objects.filter(person=ref).delete()
        append(ERASURES, "erase", actor, {"person": ref, "openings": erased}, at=at)
    return erased


def expire(stream, field, fact, values, *, at=None):
    """Delete what opens `field` in those entries of a stream whose payload has one of `values` as `fact`: its time is
    over. Returns how many there were; what was done is itself an entry, with nobody in it."""
    rows = Opening.objects.filter(entry__stream__name=stream, field=field).values_list("pk", "entry__payload")
    values = set(values)
    gone = [pk for pk, payload in rows.iterator(chunk_size=500) if json.loads(payload).get(fact) in values]
    with transaction.atomic():
        erased, _by_model = Opening.objects.filter(pk__in=gone).delete()
        append(ERASURES, "expire", "system", {"stream": stream, "openings": erased}, at=at)
    return erased


def lock_head(name):
    """The head row of a stream, made if need be, locked until the transaction ends.

    PostgreSQL locks the row; on SQLite the transaction is the only writer from its beginning.
    """
    for _try in (1, 2):
        head = Stream.objects.select_for_update().filter(name=name).first()
        if head is not None:
            return head
        Stream.objects.bulk_create([Stream(name=name)], ignore_conflicts=True)  # or somebody else just did
    return Stream.objects.select_for_update().get(name=name)


def canonical(value):
    """The one JSON spelling of `value`: sorted keys, no blanks, no floats, moments in UTC."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def commitment(salt, field, value):
    """Hash of a secret: SHA-256 of 0x02, the salt (hex), the field's name, 0x00 and the value in UTF-8."""
    return hashlib.sha256(b"\x02" + bytes.fromhex(salt) + field.encode() + b"\x00" + value.encode()).hexdigest()


def hash_of(stream, seq, at, actor, action, payload, prev_hash, alg):
    """The hash of an entry: over every column and the hash before it. ValueError for an unknown `alg`."""
    if alg != ALG:
        raise ValueError(f"unknown algorithm {alg}")
    columns = ["WLX1", alg, stream, seq, moment_text(at), actor, action, payload, prev_hash]
    return hashlib.sha256(json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def moment_text(at):
    """A moment as it is hashed: UTC with microseconds, both databases give back no less and no more."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _opening(field, value, person):
    if not 0 < len(field) <= FIELD_LIMIT:
        raise ValueError(f"field: 1 to {FIELD_LIMIT} characters")
    value = value if isinstance(value, str) else canonical(value)
    _plain(value)
    return Opening(field=field, salt=token_hex(32), value=value, person=person)


def _plain(value):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str | Promise):
        text = str(value)
        text.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        return text
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("keys are text")
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise ValueError(f"{type(value).__name__} has no one spelling in the journal")
