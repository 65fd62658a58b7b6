"""Photos: what is taken in, what is refused and in which words, and what never comes out again."""

import hashlib
import io
import os
import struct
import time
import zlib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from weilianxin.files import child, intake, kinds
from weilianxin.files.child import Decoder
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
HOME = (30.0, 14.0, 24.4242)  # degrees, minutes, seconds of somebody's door


def picture(kind="JPEG", size=(640, 480), colour=(200, 30, 30), **more):
    """A photo in this format as bytes."""
    out = io.BytesIO()
    Image.new("P" if kind == "GIF" else "RGB", size, 1 if kind == "GIF" else colour).save(out, kind, **more)
    return out.getvalue()


def quarters(orientation=None):
    """A JPEG whose top left quarter alone is red, with this EXIF orientation."""
    image = Image.new("RGB", (400, 200), "blue")
    image.paste((255, 0, 0), (0, 0, 200, 100))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue()


def with_everything():
    """A JPEG with a position, a camera's name, XMP, a comment, a colour profile and bytes after its end."""
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-OF-LAODOU"
    exif[0x8825] = {1: "N", 2: HOME, 3: "E", 4: HOME, 29: "2026:03:09"}
    exif[0x8769] = {0x9003: "2026:03:09 18:20:00", 0x9011: "+08:00", 0x927C: b"MAKER-NOTE"}
    data = picture(
        exif=exif,
        xmp=b"<x:xmpmeta>XMP-OF-LAODOU</x:xmpmeta>",
        comment=b"COMMENT-OF-LAODOU",
        icc_profile=b"\0" * 40 + b"PROFILE-OF-LAODOU" + b"\0" * 100,
    )
    return data + b"PK\x03\x04TRAILER-OF-LAODOU"


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, body=b""):
    """A PNG that claims these measures."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def refusal(*uploads):
    with pytest.raises(BadPhoto) as caught:
        receive(list(uploads), at=NOW)
    assert "\u4e00" <= str(caught.value)[0] <= "\u9fff", "the refusal is a sentence for its sender"
    return caught.value


# What is taken in


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_four_formats_are_taken_by_their_content_and_come_out_as_jpeg(kind):
    (photo,) = receive([picture(kind)], at=NOW)
    assert (photo.width, photo.height) == (640, 480)
    assert kinds.only_pixels(photo.picture) and kinds.only_pixels(photo.thumb)
    Image.open(io.BytesIO(photo.picture)).verify()


def test_a_wrong_name_and_type_do_not_matter():
    upload = io.BytesIO(picture("PNG"))
    upload.name, upload.content_type, upload.size = "notes.txt", "text/plain", len(upload.getvalue())
    assert len(receive([upload], at=NOW)) == 1


def test_a_large_photo_is_brought_to_1600_and_its_thumb_to_320():
    (photo,) = receive([picture(size=(4000, 3000))], at=NOW)
    assert (photo.width, photo.height) == (1600, 1200)
    assert Image.open(io.BytesIO(photo.picture)).size == (1600, 1200)
    assert Image.open(io.BytesIO(photo.thumb)).size == (320, 240)


def test_transparency_is_shown_on_white():
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(out, "PNG")
    (photo,) = receive([out.getvalue()], at=NOW)
    assert min(Image.open(io.BytesIO(photo.picture)).getpixel((25, 25))) > 250


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(None, "tl"), (1, "tl"), (2, "tr"), (3, "br"), (4, "bl"), (5, "tl"), (6, "tr"), (7, "br"), (8, "bl")],
)
def test_every_photo_stands_upright(orientation, corner):
    (photo,) = receive([quarters(orientation)], at=NOW)
    turned = orientation in (5, 6, 7, 8)
    assert (photo.width, photo.height) == ((200, 400) if turned else (400, 200))
    for data in (photo.picture, photo.thumb):
        image = Image.open(io.BytesIO(data)).convert("RGB")
        x, y = image.width // 4, image.height // 4
        spots = {"tl": (x, y), "tr": (3 * x, y), "bl": (x, 3 * y), "br": (3 * x, 3 * y)}
        red = [name for name, spot in spots.items() if image.getpixel(spot)[0] > 200]
        assert red == [corner]


def test_photos_come_back_in_the_order_they_were_sent():
    photos = receive([picture(size=(100 + n, 50)) for n in range(9)], at=NOW)
    assert [photo.width for photo in photos] == [100 + n for n in range(9)]
    assert len({photo.ref for photo in photos}) == 9


def test_the_hash_of_what_was_sent_is_kept():
    data = with_everything()
    (photo,) = receive([data], at=NOW)
    assert photo.original_hash == hashlib.sha256(data).hexdigest()


def test_nothing_is_asked_of_a_child_when_there_are_no_photos(monkeypatch):
    monkeypatch.setattr(intake, "Decoder", None)
    assert receive([], at=NOW) == []


# What never comes out again


def test_position_camera_comment_profile_and_trailing_bytes_are_in_neither_picture_nor_thumb():
    data = with_everything()
    seconds = struct.pack("<II", 244242, 10000)
    marks = (b"Exif", b"GPS", b"LAODOU", b"xmpmeta", b"MAKER", b"ICC_PROFILE", b"2026:03:09", seconds, seconds[::-1])
    assert sum(mark in data for mark in marks) >= 6, "the photo sent carries what is searched for"
    (photo,) = receive([data], at=NOW)
    for made in (photo.picture, photo.thumb):
        assert [mark for mark in marks if mark in made] == []
        assert not Image.open(io.BytesIO(made)).getexif()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_of_other_formats_is_gone_too(kind):
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-OF-LAODOU"
    exif[0x8825] = {1: "N", 2: HOME}
    data = picture(kind, exif=exif)
    assert b"LAODOU" in data
    (photo,) = receive([data], at=NOW)
    assert b"LAODOU" not in photo.picture + photo.thumb and b"Exif" not in photo.picture + photo.thumb


def test_the_moment_of_the_shot_is_kept_when_it_can_be_true():
    (photo,) = receive([with_everything()], at=NOW)
    assert photo.taken_at == datetime(2026, 3, 9, 10, 20, tzinfo=UTC)
    assert intake.taken_at("2026:03:09 18:20:00", NOW) == datetime(2026, 3, 9, 10, 20, tzinfo=UTC)
    for untrue in ("2036:01:01 00:00:00", "1999:01:01 00:00:00", "2026:13:40 99:00:00", "yesterday", ""):
        assert intake.taken_at(untrue, NOW) is None


# What is refused


def test_a_renamed_text_file_is_refused_with_its_place_in_the_row():
    bad = refusal(picture(), "你好，我是文本文件".encode())
    assert (bad.why, bad.index, bad.status) == ("kind", 1, 422)
    assert "第2个文件不是照片" in str(bad)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("html", b"<!doctype html><script>alert(1)</script>"),
        ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
        ("zip", b"PK\x03\x04" + b"\0" * 60),
        ("bmp", b"BM" + b"\0" * 60),
        ("tiff", b"II*\0" + b"\0" * 60),
        ("mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 60),
    ],
)
def test_what_is_not_one_of_the_four_formats_is_refused(name, data):
    assert refusal(data).why == "kind"


def test_heic_is_refused_with_the_way_out():
    bad = refusal(b"\0\0\0\x18ftypheic" + b"\0" * 60)
    assert bad.why == "heic" and "兼容性最佳" in str(bad)


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a/*" + b"A" * 40 + b"*/=1;alert(1)",
        b"\xff\xd8\xff\xe0<script>alert(1)</script>" + b"\0" * 64,
        b"RIFF\x24\0\0\0WEBPVP8 <script>alert(1)</script>" + b"\0" * 64,
        b"\x89PNG\r\n\x1a\n<?php system($_GET[0]); ?>" + b"\0" * 64,
    ],
)
def test_a_script_that_begins_like_a_photo_is_refused(data):
    assert refusal(data).why in ("broken", "large")


def test_a_photo_with_a_page_hidden_behind_it_loses_the_page():
    (photo,) = receive([picture("GIF") + b"<html><script>alert(1)</script>"], at=NOW)
    assert b"script" not in photo.picture + photo.thumb


def test_a_photo_that_did_not_arrive_whole_is_refused():
    noise = io.BytesIO()
    Image.effect_noise((900, 900), 80).convert("RGB").save(noise, "JPEG")
    bad = refusal(noise.getvalue()[: len(noise.getvalue()) // 3])
    assert bad.why == "broken" and "没有传完整" in str(bad)


def test_an_empty_file_is_refused():
    assert refusal(b"").why == "empty"
    assert refusal(io.BytesIO()).why == "empty"


def test_nine_photos_are_the_most():
    bad = refusal(*[picture(size=(20, 20))] * 10)
    assert bad.why == "many" and "9张" in str(bad)


def test_a_file_over_20_megabytes_is_refused_whatever_size_it_claims():
    assert refusal(picture() + b"\0" * intake.HEAVIEST).why == "heavy"
    liar = io.BytesIO(picture() + b"\0" * intake.HEAVIEST)
    liar.size = 10
    assert refusal(liar).why == "heavy"


def forged_jpeg(width, height):
    data = bytearray(picture())
    at = next(body for marker, body, _ in kinds.segments(data) if marker in kinds.SOF)
    struct.pack_into(">HH", data, at + 1, height, width)
    return bytes(data)


def forged_gif(width, height):
    return b"GIF89a" + struct.pack("<HH", width, height) + picture("GIF")[10:]


def forged_webp(width, height):
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + picture("WEBP")[12:]


@pytest.mark.parametrize("make", [png, forged_jpeg, forged_gif, forged_webp])
@pytest.mark.parametrize(("width", "height"), [(10_000, 5_000), (12_001, 2)])
def test_a_header_of_50_megapixels_or_an_endless_side_is_refused_before_anything_is_decoded(
    make, width, height, monkeypatch
):
    monkeypatch.setattr(Decoder, "decode", lambda *_: pytest.fail("was decoded"))
    assert refusal(make(width, height)).why == "large"


def test_a_frame_larger_than_the_gif_it_lies_in_is_refused():
    data = bytearray(picture("GIF", size=(8, 8)))
    at = data.index(b"\x2c", 13 + 3 * (2 << (data[10] & 7)))
    struct.pack_into("<HHHH", data, at + 1, 0, 0, 20_000, 20_000)
    assert refusal(bytes(data)).why in ("large", "broken")


def test_a_bomb_that_unpacks_to_more_than_it_claims_is_harmless():
    rows = zlib.compress(b"\0" * 64_000_000, 9)
    data = png(40, 40, rows)
    assert len(data) < 100_000
    begun = time.monotonic()
    try:
        receive([data], at=NOW)
    except BadPhoto as bad:
        assert bad.why == "broken"
    assert time.monotonic() - begun < 10


def test_a_text_that_unpacks_to_gigabytes_is_harmless():
    bomb = chunk(b"zTXt", b"note\0\0" + zlib.compress(b"\0" * 100_000_000, 9))
    good = picture("PNG")
    data = good[:33] + bomb * 3 + good[33:]
    try:
        receive([data], at=NOW)
    except BadPhoto as bad:
        assert bad.why == "broken"


# The child and its limits


HOSTILE = """
_prepare = prepare


def prepare(data):
    for word, deed in DEEDS.items():
        if data.endswith(word):
            deed()
    return _prepare(data)


def spin():
    while True:
        pass


def sleep():
    import time
    time.sleep(60)


def die():
    import ctypes
    ctypes.string_at(0)


def chatter():
    out = sys.stdout.buffer
    while True:
        out.write(b"x" * 65536)


def tell():
    open("/etc/passwd").read()


def spread():
    import os
    os.open("/tmp", os.O_RDONLY)


DEEDS = {b"MEMORY": lambda: bytearray(1 << 31), b"SPIN": spin, b"SLEEP": sleep, b"DIE": die, b"CHATTER": chatter}
DEEDS |= {b"FILES": tell, b"FOLDER": spread}
"""


@pytest.fixture
def possessed(monkeypatch, tmp_path):
    """The real child with its real limits, that does what the end of a photo tells it."""
    source = Path(child.__file__).with_name("decode.py").read_text()
    source = source.replace("SECONDS = 15", "SECONDS = 1", 1)
    source = source.replace('if __name__ == "__main__":', HOSTILE + '\n\nif __name__ == "__main__":', 1)
    script = tmp_path / "decode.py"
    script.write_text(source)
    usual = child.command()
    usual[-2] = str(script)
    monkeypatch.setattr(child, "command", lambda: usual)
    monkeypatch.setattr(intake, "Decoder", partial(Decoder, wall=3))


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        (b"MEMORY", "broken"),
        (b"SPIN", "broken slow"),  # whichever limit is first on a busy machine
        (b"SLEEP", "slow"),
        (b"DIE", "broken"),
        (b"CHATTER", "broken"),
        (b"FILES", "broken"),
        (b"FOLDER", "broken"),
    ],
)
def test_a_photo_that_takes_over_the_child_is_refused_and_the_server_goes_on(deed, why, possessed, monkeypatch):
    if deed != b"SLEEP":
        monkeypatch.setattr(intake, "Decoder", partial(Decoder, wall=15))  # a busy machine is no reason to say "slow"
    for _again in range(4):  # more often than there are places, so that a place never given back shows
        assert refusal(picture(), picture() + deed).why in why.split()
        if deed in (b"SPIN", b"SLEEP"):
            break
    assert len(receive([picture()], at=NOW)) == 1


def test_processor_time_counts_per_photo_and_is_a_second_limit_beside_the_clock(possessed, monkeypatch):
    monkeypatch.setattr(intake, "Decoder", partial(Decoder, wall=30))
    begun = time.monotonic()
    assert refusal(picture() + b"SPIN").why == "broken"
    assert time.monotonic() - begun < 15


def test_no_child_is_left_behind(possessed):
    before = children()
    receive([picture()], at=NOW)
    refusal(picture() + b"DIE")
    refusal(picture() + b"SLEEP")
    assert children() == before


def children():
    me, found = os.getpid(), set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == me:
            found.add(entry.parent.name)
    return found


def test_when_all_places_are_taken_the_sender_is_asked_to_come_back(monkeypatch):
    monkeypatch.setattr(child, "WAIT", 0.05)
    with Decoder(), Decoder(), Decoder():
        bad = refusal(picture())
    assert bad.why == "busy" and "过一分钟" in str(bad)
    assert len(receive([picture()], at=NOW)) == 1


def test_an_answer_that_is_not_a_clean_picture_is_not_believed(monkeypatch):
    dirty = picture(comment=b"HELLO")
    monkeypatch.setattr(Decoder, "decode", lambda *_: ({"ok": True}, dirty, dirty))
    assert refusal(picture()).why == "broken"


# Where the bytes lie


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


@pytest.fixture
def photo(media, db, django_capture_on_commit_callbacks):
    from weilianxin.files import store
    from weilianxin.people.models import Account

    owner = Account.objects.create(phone="13800000001", name="老斗")
    (prepared,) = receive([with_everything()], at=NOW)
    return store.store(prepared, owner, NOW)


def test_a_stored_photo_has_its_bytes_under_a_name_nobody_chose(photo, media):
    from weilianxin.files import store

    assert files_in(media) == sorted([f"{photo.ref}.jpg", f"{photo.ref}.s.jpg"])
    assert len(store.read(photo)) == photo.size
    assert kinds.only_pixels(store.read(photo, store.THUMB))
    assert photo.original_hash and photo.taken_at and photo.created_at == NOW


def test_erasing_a_photo_takes_bytes_hash_moment_and_owner(photo, media, django_capture_on_commit_callbacks):
    from weilianxin.files import store

    with django_capture_on_commit_callbacks(execute=True):
        store.erase_photo(photo, NOW)
    assert files_in(media) == []
    photo.refresh_from_db()
    assert (photo.original_hash, photo.taken_at, photo.owner, photo.erased_at) == ("", None, None, NOW)


@pytest.mark.django_db(transaction=True)
def test_an_erasure_that_is_rolled_back_keeps_the_bytes(media):
    from django.db import transaction

    from weilianxin.files import store
    from weilianxin.people.models import Account

    owner = Account.objects.create(phone="13800000001", name="老斗")
    (prepared,) = receive([picture()], at=NOW)
    photo = store.store(prepared, owner, NOW)
    with pytest.raises(RuntimeError), transaction.atomic():
        store.erase_photo(photo, NOW)
        raise RuntimeError
    assert len(files_in(media)) == 2
    photo.refresh_from_db()
    assert photo.erased_at is None


def test_a_person_who_is_erased_takes_photos_along_that_hang_on_nothing(
    photo, media, django_capture_on_commit_callbacks
):
    from weilianxin.files import store

    with django_capture_on_commit_callbacks(execute=True):
        store.erase_person(photo.owner, NOW)
    assert files_in(media) == []


def age(media, days):
    then = (NOW - timedelta(days=days)).timestamp()
    for path in media.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_the_sweep_takes_what_no_row_claims_after_a_day_and_leaves_the_rest(photo, media):
    from weilianxin.files import store

    (lost,) = receive([picture()], at=NOW)
    store.place(lost)
    half = store.path(photo).with_name(".0123.tmp")
    half.write_bytes(b"half")
    age(media, 0.5)
    assert store.sweep_orphans(NOW) == 0
    age(media, 2)
    assert store.sweep_orphans(NOW) == 3
    assert files_in(media) == sorted([f"{photo.ref}.jpg", f"{photo.ref}.s.jpg"])


def test_the_sweep_finishes_an_erasure_that_a_crash_interrupted(photo, media):
    from weilianxin.files import store

    store.erase_photo(photo, NOW)  # its commit hook does not run inside a test's transaction
    assert len(files_in(media)) == 2
    assert store.sweep_orphans(NOW) == 2
    assert files_in(media) == []


# Handing out


def get(rf, **headers):
    return rf.get("/", headers=headers)


def test_a_photo_is_served_as_a_jpeg_that_nobody_else_may_keep(photo, rf):
    from weilianxin.files.serve import photo_response

    response = photo_response(photo, "picture", get(rf))
    assert response.status_code == 200 and response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"].startswith("private")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert photo.ref not in response["Content-Disposition"]
    again = photo_response(photo, "picture", get(rf, **{"If-None-Match": response["ETag"]}))
    assert again.status_code == 304 and not again.content
    private = photo_response(photo, "thumb", get(rf), private=True)
    assert private["Cache-Control"] == "no-store" and "ETag" not in private


def test_an_erased_photo_and_an_unknown_variant_do_not_exist(photo, rf):
    from django.http import Http404

    from weilianxin.files.serve import photo_response

    with pytest.raises(Http404):
        photo_response(photo, "original", get(rf))
    photo.erased_at = NOW
    with pytest.raises(Http404):
        photo_response(photo, "picture", get(rf))


def test_bytes_that_are_missing_are_a_404_and_a_line_in_the_log(rf, media, caplog):
    from django.http import Http404

    from weilianxin.files.serve import photo_response

    with pytest.raises(Http404):
        photo_response(SimpleNamespace(ref="ab" * 12, erased_at=None), "picture", get(rf))
    assert "missing" in caplog.text and "abab" not in caplog.text


def test_the_photos_of_a_person_go_with_the_person(photo, media, django_capture_on_commit_callbacks):
    from weilianxin.people.erasure import erase

    with django_capture_on_commit_callbacks(execute=True):
        erase(photo.owner, NOW)
    assert files_in(media) == []
