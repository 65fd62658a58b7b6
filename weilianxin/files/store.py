"""Where the bytes of photos lie: under names nobody chose, written so that a row never points to nothing."""

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

from .errors import BadPhoto
from .models import Photo

log = logging.getLogger(__name__)

PICTURE, THUMB = "picture", "thumb"
SUFFIX = {PICTURE: ".jpg", THUMB: ".s.jpg"}
UNCLAIMED = timedelta(days=1)  # for so long bytes may wait for their row, and a photo sent ahead for its act


def path(photo, variant=PICTURE):
    """The file of `photo` (anything with a `ref`) in this variant: "picture" or "thumb"; KeyError for others."""
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
        _write(path(prepared, PICTURE), prepared.picture)
        _write(path(prepared, THUMB), prepared.thumb)
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


def alone():
    """The photos that are part of nothing: of no case, message or draft."""
    unused = {f"{relation.name}__isnull": True for relation in Photo._meta.related_objects}
    return Photo.objects.filter(erased_at__isnull=True, **unused)


def unused():
    """The photos that wait for an act to use them: part of nothing, and nobody's portrait."""
    return alone().exclude(ref__in=Account.objects.exclude(photo="").values("photo"))


def claim(account, refs, at, *, also=()):
    """The photos sent ahead by `account` within a day under these refs, in this order, for the act that uses them.

    Inside the act's transaction: their rows are locked, so that nobody else uses or sweeps them meanwhile. `also` are
    photos that may be named besides. Raises BadPhoto for a ref that is neither.
    """
    refs = list(dict.fromkeys(refs))
    mine = unused().filter(owner=account, ref__in=refs, created_at__gt=at - UNCLAIMED)
    found = {photo.ref: photo for photo in (*mine.select_for_update(of=("self",)), *also)}
    for index, ref in enumerate(refs):
        if ref not in found:
            raise BadPhoto("gone", index)
    return [found[ref] for ref in refs]


def erase_photo(photo, at=None):
    """Take a photo's bytes away and empty its row. The bytes go once the transaction stands; a crash between the
    two leaves them to the sweep."""
    photo.erased_at = at or timezone.now()
    photo.original_hash, photo.taken_at, photo.owner = "", None, None
    photo.save(update_fields=["erased_at", "original_hash", "taken_at", "owner"])
    transaction.on_commit(lambda: remove_bytes(photo))


def erase_person(account, at):
    """Erase the photos of a person that hang on nothing else; what belongs to a case follows the case's own rule."""
    for photo in alone().filter(owner=account):
        erase_photo(photo, at)


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


def remove_bytes(photo):
    for variant in SUFFIX:
        path(photo, variant).unlink(missing_ok=True)


def sweep_unused(at=None, limit=500):
    """Erase photos that were sent ahead a day ago and became part of nothing; for the work loop. Returns how many."""
    before = (at or timezone.now()) - UNCLAIMED
    count = 0
    for pk in list(unused().filter(created_at__lte=before).values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            photo = unused().filter(pk=pk).select_for_update(of=("self",)).first()
            if photo is not None:
                erase_photo(photo, at)
                count += 1
    return count


def sweep_orphans(at=None):
    """Delete bytes older than a day that no row claims, or whose row was erased, and half-written files.

    Returns how many files went. For the work loop, once a day; looks at one folder at a time.
    """
    before = ((at or timezone.now()) - UNCLAIMED).timestamp()
    gone = 0
    for folder in sorted(Path(settings.MEDIA_ROOT).glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]")):
        files = [entry for entry in folder.iterdir() if entry.is_file()]
        refs = {entry.name.partition(".")[0] for entry in files if not entry.name.startswith(".")}
        rows = dict(Photo.objects.filter(ref__in=refs).values_list("ref", "erased_at")) if refs else {}
        for entry in files:
            ref = entry.name.partition(".")[0]
            if rows.get(ref) is not None or (ref not in rows and entry.stat().st_mtime < before):
                entry.unlink(missing_ok=True)
                gone += 1
    if gone:
        log.info("removed %d files that no photo claims", gone)
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
