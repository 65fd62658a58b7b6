"""Where the bytes of photos and sounds lie: under names nobody chose, written so that a row never points to nothing."""

import logging
import os
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from weilianxin.people.models import Account

from .errors import BadPhoto, BadSound
from .models import Photo, Sound

log = logging.getLogger(__name__)

PICTURE, THUMB, SOUND = "picture", "thumb", "sound"
SUFFIX = {PICTURE: ".jpg", THUMB: ".s.jpg", SOUND: ".snd"}
# For so long bytes may wait for their row, and what was sent ahead for the act that uses it.
UNCLAIMED = timedelta(days=1)


def path(photo, variant=PICTURE):
    """The file of `photo` (anything with a `ref`) in this variant: picture, thumb or sound; KeyError for others."""
    ref = photo.ref
    return Path(settings.MEDIA_ROOT) / ref[:2] / ref[2:4] / f"{ref}{SUFFIX[variant]}"


def read(photo, variant=PICTURE):
    """The bytes; FileNotFoundError when they are gone."""
    return path(photo, variant).read_bytes()


def place(prepared):
    """Put the bytes into the data folder, flushed to the disk, and nothing into the database.

    Worth calling before the transaction begins: then no lock is held while the disk works. What never gets its row
    is swept away after a day.
    """
    if not prepared.placed:
        for variant, data in prepared.parts.items():
            _write(path(prepared, variant), data)
        prepared.placed = True
    return prepared


def store(prepared, owner, at):
    """The row of a received photo, inside the caller's transaction; its bytes are on the disk before the row is."""
    place(prepared)
    return Photo.objects.create(
        ref=prepared.ref,
        owner=owner,
        original_hash=prepared.original_hash,
        width=prepared.width,
        height=prepared.height,
        size=prepared.size,
        taken_at=prepared.taken_at,
        created_at=at,
    )


def store_sound(prepared, owner, at):
    """The row of a received voice note, as `store` does it for photos."""
    place(prepared)
    return Sound.objects.create(
        ref=prepared.ref,
        owner=owner,
        kind=prepared.kind,
        original_hash=prepared.original_hash,
        seconds=prepared.seconds,
        size=len(prepared.data),
        created_at=at,
    )


def claim(account, refs, at, *, also=()):
    """The photos sent ahead by `account` within a day under these refs, in this order, for the act that uses them.

    Inside the act's transaction: their rows are locked, so that nobody else uses or sweeps them meanwhile. `also` are
    photos that may be named besides. Raises BadPhoto for a ref that is neither.
    """
    refs = list(dict.fromkeys(refs))
    sent = list(Photo.objects.filter(owner=account, ref__in=refs, created_at__gt=at - UNCLAIMED).select_for_update())
    # Looked at again once the rows are held: whoever held them before may have used them.
    mine = waiting_photos().filter(pk__in=[photo.pk for photo in sent])
    found = {photo.ref: photo for photo in (*mine, *also)}
    for index, ref in enumerate(refs):
        if ref not in found:
            raise BadPhoto("gone", index)
    return [found[ref] for ref in refs]


def claim_sound(account, ref, at):
    """The same for a voice note, or None without a ref; BadSound where it is gone or used."""
    if not ref:
        return None
    sent = list(Sound.objects.filter(owner=account, ref=ref, created_at__gt=at - UNCLAIMED).select_for_update())
    sound = unused(Sound).filter(pk__in=[row.pk for row in sent]).first()
    if sound is None:
        raise BadSound("used")
    return sound


def erase_photo(photo, at=None):
    """Take a photo's bytes away and empty its row. The bytes go once the transaction stands; a crash between the
    two leaves them to the sweep."""
    photo.taken_at = None
    _erase(photo, at, "taken_at")


def erase_sound(sound, at=None):
    """Take a voice note's bytes away and empty its row, as `erase_photo` does."""
    _erase(sound, at)


def _erase(row, at, *emptied):
    row.erased_at = at or timezone.now()
    row.original_hash, row.owner = "", None
    row.save(update_fields=["erased_at", "original_hash", "owner", *emptied])
    transaction.on_commit(lambda: remove_bytes(row))


def erase_person(account, at):
    """Erase what a person sent that hangs on nothing else; what belongs to a case follows the case's own rule."""
    for photo in unused(Photo).filter(owner=account):
        erase_photo(photo, at)
    for sound in unused(Sound).filter(owner=account):
        erase_sound(sound, at)


def unused(model):
    """Photos or voice notes that are there and that no row of another table points to."""
    alone = {f"{relation.name}__isnull": True for relation in model._meta.related_objects}
    return model.objects.filter(erased_at__isnull=True, **alone)


def waiting_photos():
    """The photos that wait for an act to use them: part of nothing, and nobody's portrait."""
    return unused(Photo).exclude(ref__in=Account.objects.exclude(photo="").values("photo"))


def held(account, most=5000):
    """The photos a person sent, for their own export: where they are shown to them, when, and their fingerprint."""
    rows = Photo.objects.filter(owner=account, erased_at__isnull=True).order_by("-pk")[:most]
    return [
        {
            "url": reverse("portal:file", args=[row.ref, PICTURE]),
            "received_at": row.created_at.isoformat(),
            "taken_at": row.taken_at.isoformat() if row.taken_at else None,
            "sha256": row.original_hash,
        }
        for row in rows
    ]


def held_sounds(account, most=5000):
    """The voice notes a person sent, for their own export: when, how long, and their fingerprint."""
    rows = Sound.objects.filter(owner=account, erased_at__isnull=True).order_by("-pk")[:most]
    return [
        {"received_at": row.created_at.isoformat(), "seconds": row.seconds, "sha256": row.original_hash} for row in rows
    ]


def remove_bytes(row):
    for variant in SUFFIX:
        path(row, variant).unlink(missing_ok=True)


def sweep_sounds(at=None, most=500):
    """Erase voice notes that became part of no case within a day; for the work loop. Returns how many."""
    at = at or timezone.now()
    old = list(unused(Sound).filter(created_at__lt=at - UNCLAIMED).values_list("pk", flat=True)[:most])
    with transaction.atomic():
        list(Sound.objects.filter(pk__in=old).select_for_update())  # nobody makes one part of a case from here on
        rows = list(unused(Sound).filter(pk__in=old))
        for sound in rows:
            erase_sound(sound, at)
    return len(rows)


def sweep_photos(at=None, most=500):
    """The same for photos that were sent ahead and became part of nothing."""
    at = at or timezone.now()
    old = list(waiting_photos().filter(created_at__lte=at - UNCLAIMED).values_list("pk", flat=True)[:most])
    with transaction.atomic():
        list(Photo.objects.filter(pk__in=old).select_for_update())
        rows = list(waiting_photos().filter(pk__in=old))
        for photo in rows:
            erase_photo(photo, at)
    return len(rows)


def sweep_orphans(at=None):
    """Delete bytes older than a day that no row claims, or whose row was erased, and half-written files.

    Returns how many files went. For the work loop, once a day; looks at one folder at a time.
    """
    before = ((at or timezone.now()) - UNCLAIMED).timestamp()
    gone = 0
    for folder in sorted(Path(settings.MEDIA_ROOT).glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]")):
        files = [entry for entry in folder.iterdir() if entry.is_file()]
        refs = {entry.name.partition(".")[0] for entry in files if not entry.name.startswith(".")}
        rows = {}
        for model in (Photo, Sound) if refs else ():
            rows |= dict(model.objects.filter(ref__in=refs).values_list("ref", "erased_at"))
        for entry in files:
            ref = entry.name.partition(".")[0]
            if rows.get(ref) is not None or (ref not in rows and entry.stat().st_mtime < before):
                entry.unlink(missing_ok=True)
                gone += 1
    if gone:
        log.info("removed %d files that no row claims", gone)
    return gone


def _write(target, data):
    """Write, flush, rename, flush the folder: after this returns a power cut does not take the file away."""
    _folder(target.parent)
    temp = target.with_name(f".{secrets.token_hex(8)}.tmp")
    handle = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temp, target)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    _flush(target.parent)


def _folder(folder):
    if folder.is_dir():
        return
    _folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o750)
    _flush(folder.parent)


def _flush(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
