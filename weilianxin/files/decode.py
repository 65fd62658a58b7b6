"""The child that decodes photos. It is run by path, alone (`python -I decode.py SITE`), and trusts nothing it reads.

Before the first byte of a photo is looked at it has limited itself: memory, processor time, no file may be written,
no further descriptor may be opened (so no file and no network), no process may be started. Standard input brings
frames (8-byte length, bytes), standard output takes one answer per frame (4-byte length of a JSON head, the head,
the picture, the thumbnail). The parent kills it when an answer takes too long.

Imports nothing of ours. SITE is the folder in which Pillow lies.
"""

import io
import json
import resource
import struct
import sys

PIXELS, SIDE = 40_000_000, 12_000
LONG, SMALL = 1600, 320
MEMORY = 1 << 30
SECONDS = 15  # of processor time per photo
# EXIF orientation -> what Pillow calls the turn (values of Image.Transpose)
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}


def limit(name, value):
    try:
        resource.setrlimit(getattr(resource, name), (value, value))
    except (AttributeError, ValueError, OSError):
        pass  # a system without this limit still has the others and the parent's clock


def more_time():
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + SECONDS
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    except (ValueError, OSError):
        pass


class Large(Exception):
    pass


def shrink(image, longest):
    width, height = image.size
    if max(width, height) <= longest:
        return image
    ratio = longest / max(width, height)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def plain(image):
    """RGB pixels: palettes and sixteen bits brought down, what is transparent shown on white."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda v: v / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A"))
        return ground
    return image.convert("RGB")


def jpeg(image, quality):
    # Pixels go into a new image, because Pillow carries a comment segment from one JPEG into the next.
    fresh = Image.new("RGB", image.size)
    fresh.paste(image)
    out = io.BytesIO()
    fresh.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def hints(image):
    """Orientation and the moment of the shot, as text; the parent believes neither without looking."""
    try:
        exif = image.getexif()
        turn = exif.get(0x0112)
        inner = exif.get_ifd(0x8769)
        taken = " ".join(str(inner.get(tag) or "") for tag in (0x9003, 0x9011))
    except Exception:  # EXIF is full of surprises, and only a hint
        return None, ""
    return turn, taken.strip()[:40]


def prepare(data):
    image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF"))
    width, height = image.size
    if width * height > PIXELS or max(width, height) > SIDE:
        raise Large
    turn, taken = hints(image)
    image.draft("RGB", (LONG * 2, LONG * 2))  # JPEG only: decode at a fraction where that is enough
    image.load()
    picture = shrink(plain(shrink(image, LONG) if image.mode in ("RGB", "L") else image), LONG)
    if turn in TURNS:
        picture = picture.transpose(Image.Transpose(TURNS[turn]))
    head = {"ok": True, "width": picture.width, "height": picture.height, "taken": taken}
    return head, jpeg(picture, 82), jpeg(shrink(picture, SMALL), 76)


def answer(out, head, picture=b"", thumb=b""):
    head |= {"picture": len(picture), "thumb": len(thumb)}
    text = json.dumps(head).encode()
    out.write(struct.pack(">I", len(text)) + text + picture + thumb)
    out.flush()


def warm():
    """Everything that Pillow loads on first use, while files may still be opened."""
    for name in ("JPEG", "PNG", "WEBP", "GIF"):
        out = io.BytesIO()
        Image.new("P" if name == "GIF" else "RGB", (2, 2)).save(out, name)
        prepare(out.getvalue())


def main():
    limit("RLIMIT_NOFILE", 3)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(8)) == 8:
        data = source.read(struct.unpack(">Q", head)[0])
        more_time()
        try:
            answer(out, *prepare(data))
        except Large:
            answer(out, {"ok": False, "why": "large"})
        except (Exception, MemoryError):
            answer(out, {"ok": False, "why": "broken"})


if __name__ == "__main__":
    limit("RLIMIT_AS", MEMORY)
    limit("RLIMIT_FSIZE", 0)
    limit("RLIMIT_CORE", 0)
    sys.path.append(sys.argv[1])
    # Pillow and what it loads late, before the last limit falls.
    from PIL import (  # noqa: F401
        GifImagePlugin,
        Image,
        ImageSequence,
        JpegImagePlugin,
        JpegPresets,
        MpoImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    Image.MAX_IMAGE_PIXELS = None  # our own, tighter limit is checked before a pixel is decoded
    warm()
    limit("RLIMIT_NPROC", 0)
    main()
