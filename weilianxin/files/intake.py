"""Taking photos in: what was sent is looked at, decoded by a limited child and made anew without any metadata.

Voice notes too: their containers are read by `sounds.py`, which keeps what plays and leaves out what tells.

No database is touched here and no lock is held, so that a slow photo delays nobody else. What comes out is stored
by `store.store` inside the transaction of the act it belongs to.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from weilianxin.people.models import new_ref

from . import kinds, sounds
from .child import Busy, Decoder, Lost, Slow
from .decode import LONG, PIXELS, SIDE, SMALL
from .errors import BadPhoto, BadSound
from .store import PICTURE, SOUND, THUMB, read

MOST = 9
HEAVIEST = 20 * 1024 * 1024
LONGEST, HEAVIEST_SOUND = 60, 2 * 1024 * 1024  # seconds and bytes of a voice note
LATE = 1.5  # seconds that a recorder stops late
LOCAL = ZoneInfo("Asia/Shanghai")
SHOT = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d):(\d\d))?")


@dataclass(repr=False)
class Prepared:
    """A photo made anew and not yet stored. `ref` is already the name it will have."""

    picture: bytes
    thumb: bytes
    width: int
    height: int
    original_hash: str
    taken_at: datetime | None = None
    ref: str = field(default_factory=new_ref)
    placed: bool = False  # the bytes are in the data folder

    @property
    def size(self):
        return len(self.picture)

    @property
    def parts(self):
        """What goes into the data folder: variant -> bytes."""
        return {PICTURE: self.picture, THUMB: self.thumb}


@dataclass(repr=False)
class PreparedSound:
    """A voice note without what tells on its sender, not yet stored. `kind` is one of `sounds.TYPES`."""

    data: bytes
    kind: str
    seconds: int
    original_hash: str
    ref: str = field(default_factory=new_ref)
    placed: bool = False

    @property
    def parts(self):
        return {SOUND: self.data}


def again(photo):
    """A stored photo as a `Prepared` for another use: under a name of its own, so that each follows the rule of what
    it hangs on. FileNotFoundError when its bytes are gone."""
    facts = {name: getattr(photo, name) for name in ("width", "height", "original_hash", "taken_at")}
    return Prepared(picture=read(photo), thumb=read(photo, THUMB), **facts)


def receive_sound(upload):
    """A voice note as sent (an uploaded file, or bytes), safe to keep and to play: a `PreparedSound`.

    Promises: MP3, AAC, M4A (AAC or Opus), Ogg and WebM (Opus) or WAV (PCM) by content; at most 2 MB and 60 seconds,
    counted from its frames; without tags, position, moment and program of the recording. Raises BadSound with a
    sentence for the sender; never anything else for bad bytes.
    """
    if (getattr(upload, "size", None) or 0) > HEAVIEST_SOUND:
        raise BadSound("heavy")
    data = read_up_to(upload, HEAVIEST_SOUND)
    if len(data) > HEAVIEST_SOUND:
        raise BadSound("heavy")
    if not data:
        raise BadSound("empty")
    what = sounds.kind(data)
    if what is None:
        raise BadSound("kind")
    try:
        kept, seconds = sounds.read(data, what)
    except sounds.Broken:
        raise BadSound("broken") from None
    if seconds > LONGEST + LATE:
        raise BadSound("long")
    seconds = min(LONGEST, max(1, round(seconds)))
    return PreparedSound(data=kept, kind=what, seconds=seconds, original_hash=hashlib.sha256(data).hexdigest())


def receive(uploads, *, at=None):
    """Photos as sent (uploaded files, or bytes), made safe to keep and to show: a list of `Prepared`, in order.

    Promises: at most nine; JPEG, PNG, WebP or the first frame of a GIF by content; at most 20 MB, 40 megapixels and
    12000 pixels a side, checked before anything is decoded; upright; a JPEG of at most 1600 pixels and a thumbnail
    of 320, both without EXIF, XMP, colour profile, comment or trailing bytes. `taken_at` is a hint from the camera.
    Raises BadPhoto with a sentence for the sender; never anything else for bad bytes.
    """
    uploads = list(uploads)
    at = at or timezone.now()
    if len(uploads) > MOST:
        raise BadPhoto("many")
    if not uploads:
        return []
    for index, upload in enumerate(uploads):
        if (getattr(upload, "size", None) or 0) > HEAVIEST:
            raise BadPhoto("heavy", index)
        look(first_bytes(upload), index)
    prepared, index = [], 0
    try:
        with Decoder() as decoder:
            for index, upload in enumerate(uploads):
                prepared.append(one(decoder, whole(upload, index), index, at))
    except Slow:
        raise BadPhoto("slow", index) from None
    except Lost:
        raise BadPhoto("broken", index) from None
    except Busy:
        raise BadPhoto("busy", index) from None
    return prepared


def one(decoder, data, index, at):
    measure(data, look(data, index), index)
    head, picture, thumb = decoder.decode(data)
    if not head.get("ok"):
        raise BadPhoto("large" if head.get("why") == "large" else "broken", index)
    # The child reads hostile bytes, so what it says is checked like anything else from outside.
    size, small = kinds.measures(picture, kinds.JPEG), kinds.measures(thumb, kinds.JPEG)
    if not (kinds.only_pixels(picture) and size and max(size) <= LONG):
        raise Lost
    if not (kinds.only_pixels(thumb) and small and max(small) <= SMALL):
        raise Lost
    return Prepared(
        picture=picture,
        thumb=thumb,
        width=size[0],
        height=size[1],
        original_hash=hashlib.sha256(data).hexdigest(),
        taken_at=taken_at(str(head.get("taken", "")), at),
    )


def look(data, index):
    """The kind of file by its first bytes; BadPhoto when it is none that is taken."""
    if not data:
        raise BadPhoto("empty", index)
    what = kinds.kind(data)
    if what is None:
        raise BadPhoto("kind", index)
    if what == kinds.HEIC:
        raise BadPhoto("heic", index)
    return what


def measure(data, what, index):
    size = kinds.measures(data, what)
    if size and (size[0] * size[1] > PIXELS or max(size) > SIDE):
        raise BadPhoto("large", index)


def first_bytes(upload):
    if isinstance(upload, (bytes, bytearray, memoryview)):
        return bytes(upload[:64])
    upload.seek(0)
    return upload.read(64)


def whole(upload, index):
    """All bytes of an upload, never more than one over the limit, whatever size it claims."""
    data = read_up_to(upload, HEAVIEST)
    if len(data) > HEAVIEST:
        raise BadPhoto("heavy", index)
    return data


def read_up_to(upload, most):
    """All bytes of an upload, or one more than `most`."""
    if isinstance(upload, (bytes, bytearray, memoryview)):
        return bytes(upload)
    upload.seek(0)
    return upload.read(most + 1)


def taken_at(text, at):
    """The moment a camera noted, read as local time unless it says otherwise; None when it cannot be true."""
    match = SHOT.fullmatch(text)
    if not match:
        return None
    *parts, sign, hours, minutes = match.groups()
    try:
        moment = datetime(*map(int, parts), tzinfo=LOCAL)
        if sign:
            shift = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment.replace(tzinfo=UTC) - (shift if sign == "+" else -shift)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if at - timedelta(days=3660) <= moment <= at + timedelta(minutes=10) else None
