"""What a file is and how large its picture is, read from its first bytes: nothing is decoded here.

A name or a declared content type is never believed. The picture's measures are those that its header claims; the
child that decodes checks them again.
"""

import struct

JPEG, PNG, WEBP, GIF, HEIC = "JPEG", "PNG", "WEBP", "GIF", "HEIC"
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# Start-of-frame markers of JPEG: C0-CF without DHT (C4), JPG (C8) and DAC (CC).
SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers that stand without a length


def kind(data):
    """JPEG, PNG, WEBP, GIF or HEIC by the first bytes; None for everything else."""
    if data[:3] == b"\xff\xd8\xff":
        return JPEG
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return GIF
    if data[4:8] == b"ftyp" and (data[8:12] in HEIC_BRANDS):
        return HEIC
    return None


def segments(data):
    """(marker, offset of the body, length of the body) of a JPEG up to its first scan; ValueError if malformed."""
    at = 2
    while True:
        if at + 4 > len(data) or data[at] != 0xFF:
            raise ValueError("marker expected")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or marker == 0xD9:
            raise ValueError("bad segment")
        yield marker, at + 4, length - 2
        if marker == 0xDA:
            return
        at += 2 + length


def measures(data, what):
    """(width, height) as the header claims; None if it does not say."""
    try:
        if what == PNG:
            return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None
        if what == GIF:
            return struct.unpack_from("<HH", data, 6)
        if what == JPEG:
            for marker, body, _length in segments(data):
                if marker in SOF:
                    height, width = struct.unpack_from(">HH", data, body + 1)
                    return width, height
        if what == WEBP:
            return _webp(data)
    except (ValueError, struct.error, IndexError):
        pass
    return None


def _webp(data):
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def only_pixels(data):
    """Whether `data` is a JPEG that carries nothing but a picture: a plain JFIF head, no other APP, no comment."""
    if data[:3] != b"\xff\xd8\xff" or data[-2:] != b"\xff\xd9":
        return False
    try:
        for marker, body, length in segments(data):
            if marker == 0xE0 and data[body : body + 5] == b"JFIF\0" and length == 14:
                continue
            if 0xE0 <= marker <= 0xEF or marker == 0xFE:
                return False
    except ValueError:
        return False
    return True
