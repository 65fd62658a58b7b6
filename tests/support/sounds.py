"""Voice notes as recorders give them, made here: silence, but whole containers that players play."""

import io
import struct
import wave

from weilianxin.files.sounds import _ogg_page

WORDS = b"RECORDER-OF-LAODOU +30.2400+120.1800/"  # what must never come out again: who, with what, where
SILENT = b"\xf8\xff\xfe"  # 20 ms of Opus


def wav(seconds=2, rate=8000):
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(bytes(2 * rate * seconds))
    data = out.getvalue()
    tags = b"LIST" + struct.pack("<I", len(WORDS) + 1) + WORDS + b"\0"
    return data[:12] + tags + data[12:]


def mp3(seconds=2):
    """MPEG 2 layer III, 16 kHz, 16 kbit/s: frames of 36 ms whose side information says silence."""
    frame = b"\xff\xf3\x28\xc0" + bytes(68)
    tag = b"ID3\x03\0\0" + bytes([0, 0, 0, len(WORDS)]) + WORDS
    return tag + frame * round(seconds / 0.036) + b"TAG" + WORDS.ljust(125, b"\0")


def aac(seconds=2):
    """ADTS, AAC-LC, 16 kHz, mono: frames of 64 ms."""
    body = bytes.fromhex("00c800802380")
    size = len(body) + 7
    head = bytes([0xFF, 0xF1, 0x40 | 8 << 2, 0x40 | size >> 11, size >> 3 & 255, (size & 7) << 5 | 31, 0xFC])
    return (head + body) * round(seconds / 0.064)


def box(name, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + name + body


def full(name, *parts):
    return box(name, bytes(4), *parts)


MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
RECORDED = struct.pack(">II", 0xE5F0A1B2, 0xE5F0A1B2)  # the moment of the recording


def esds():
    config = b"\x05\x02" + bytes([0x14, 0x08])  # AAC-LC, 16 kHz, mono
    decoder = b"\x40\x15" + bytes(3) + struct.pack(">II", 16000, 16000) + config
    inside = bytes(3) + b"\x04" + bytes([len(decoder)]) + decoder + b"\x06\x01\x02"
    return full(b"esds", b"\x03" + bytes([len(inside)]) + inside)


def track(count, stts, sizes, offset):
    entry = box(b"mp4a", bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", 1, 16, 0, 0, 16000 << 16), esds())
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", stts),
        full(b"stsc", struct.pack(">I", 1 if count else 0), struct.pack(">III", 1, count, 1) if count else b""),
        full(b"stsz", struct.pack(">II", 0, len(sizes)), *(struct.pack(">I", n) for n in sizes)),
        full(b"stco", struct.pack(">I", 1 if count else 0), struct.pack(">I", offset) if count else b""),
    )
    reference = box(b"dinf", full(b"dref", struct.pack(">I", 1), box(b"url ", b"\0\0\0\1")))
    media = box(
        b"mdia",
        full(b"mdhd", RECORDED, struct.pack(">II", 16000, count * 1024), b"\x55\xc4\0\0"),
        full(b"hdlr", bytes(4), b"soun", bytes(12), WORDS + b"\0"),
        box(b"minf", full(b"smhd", bytes(4)), reference, table),
    )
    place = (
        struct.pack(">III", 1, 0, count * 1024) + bytes(8) + struct.pack(">HHHH", 0, 0, 0x100, 0) + MATRIX + bytes(8)
    )
    return box(b"trak", box(b"tkhd", b"\0\0\0\7", RECORDED, place), media)


def moov(count, stts, sizes, offset, *more):
    head = RECORDED + struct.pack(">II", 16000, count * 1024) + struct.pack(">IH", 0x10000, 0x100) + bytes(10)
    return box(
        b"moov",
        full(b"mvhd", head, MATRIX, bytes(24), struct.pack(">I", 2)),
        track(count, stts, sizes, offset),
        *more,
        box(b"udta", box(b"\xa9xyz", WORDS)),
    )


FRAME = bytes.fromhex("00c800802380")


def m4a(seconds=2):
    count = round(seconds / 0.064)
    kind = box(b"ftyp", b"M4A \0\0\2\0", b"M4A mp42isom")
    stts = struct.pack(">III", 1, count, 1024)
    size = len(moov(count, stts, [len(FRAME)] * count, 0))
    head = kind + moov(count, stts, [len(FRAME)] * count, len(kind) + size + 8)
    return head + box(b"mdat", FRAME * count) + box(b"meta", WORDS)


def live_m4a(seconds=2):
    """As a browser records: the track first without samples, then pieces with theirs."""
    count = round(seconds / 0.064)
    usual = box(b"mvex", full(b"trex", struct.pack(">IIIII", 1, 1, 1024, len(FRAME), 0)))
    head = box(b"ftyp", b"iso5\0\0\2\0", b"iso5mp42") + moov(0, struct.pack(">I", 0), [], 0, usual)
    half = count // 2
    for number, n in ((1, half), (2, count - half)):

        def piece(offset, number=number, n=n):
            run = box(b"trun", b"\0\0\0\1", struct.pack(">II", n, offset))
            when = full(b"tfdt", struct.pack(">I", (number - 1) * half * 1024))
            part = box(b"traf", box(b"tfhd", b"\0\2\0\0", struct.pack(">I", 1)), when, run)
            return box(b"moof", full(b"mfhd", struct.pack(">I", number)), part)

        head += piece(len(piece(0)) + 8) + box(b"mdat", FRAME * n)
    return head


def ogg(seconds=2, tags=WORDS):
    count, head = round(seconds / 0.02), b"OggS\0"

    def start(kind, granule):
        return head + bytes([kind]) + struct.pack("<q", granule) + b"\1\2\3\4" + bytes(8)

    says = b"OpusTags" + struct.pack("<I", len(tags)) + tags + bytes(4)
    body = b"OpusHead\1\1" + struct.pack("<HIhB", 312, 16000, 0, 0)
    pages = [_ogg_page(start(2, 0), 0, body, [len(body)])]
    for at in range(0, len(says), 255 * 255):  # comments that are longer than a page go on in the next
        part = says[at : at + 255 * 255]
        more = at + 255 * 255 < len(says)
        sizes = [255] * (len(part) // 255) + ([] if more else [len(part) % 255])
        pages.append(_ogg_page(start(1 if at else 0, -1 if more else 0), len(pages), part, sizes))
    for at in range(0, count, 50):
        n = min(50, count - at)
        kind = 4 if at + n == count else 0
        pages.append(_ogg_page(start(kind, 960 * (at + n)), len(pages), SILENT * n, [3] * n))
    return b"".join(pages)


def element(name, *parts, unknown=False):
    body = b"".join(parts)
    size = b"\x01" + b"\xff" * 7 if unknown else (1 << 56 | len(body)).to_bytes(8, "big")
    return bytes.fromhex(name) + size + body


def webm(seconds=2, codec=b"A_OPUS"):
    """As a browser records: segment and clusters do not say how long they are."""
    blocks, count = [], round(seconds / 0.02)
    for at in range(0, count, 50):
        row = [element("a3", b"\x81" + struct.pack(">hB", 20 * n, 0x80) + SILENT) for n in range(min(50, count - at))]
        blocks.append(element("1f43b675", element("e7", struct.pack(">I", 20 * at)), *row, unknown=True))
    private = b"OpusHead\1\1" + struct.pack("<HIhB", 312, 16000, 0, 0)
    audio = element("e1", element("b5", struct.pack(">d", 48000.0)), element("9f", b"\1"))
    parts = element("d7", b"\1"), element("73c5", b"\5"), element("83", b"\2"), element("536e", WORDS)
    return element(
        "1a45dfa3", element("4286", b"\1"), element("42f7", b"\1"), element("42f2", b"\4"), element("42f3", b"\x08"),
        element("4282", b"webm"), element("4287", b"\4"), element("4285", b"\2"),
    ) + element(
        "18538067",
        element("1549a966", element("2ad7b1", b"\x0f\x42\x40"), element("4d80", WORDS), element("5741", WORDS)),
        element("1654ae6b", element("ae", *parts, element("86", codec), element("63a2", private), audio)),
        *blocks,
        element("1254c367", WORDS * 5),
        unknown=True,
    )  # fmt: skip


ALL = {"wav": wav, "mp3": mp3, "aac": aac, "m4a": m4a, "live_m4a": live_m4a, "ogg": ogg, "webm": webm}
