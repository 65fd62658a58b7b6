"""What a voice note is and how long it lasts, read from its own bytes; and those bytes without what tells on somebody.

Nothing is decoded: each reader walks its container once, in plain Python that cannot be made to run foreign code, over
at most two megabytes and with every step moving on, so no child process is needed (decisions/0013). What is not known
to be needed for playing (tags, the moment of recording, a position, pictures) is left out or blanked in place. How long
it lasts is counted from the sound's own frames, never believed from a head.

Sources: ISO/IEC 11172-3 and 13818-3 (MP3), 13818-7 (ADTS), 14496-12 (MP4), RFC 3533, 6716, 7845 (Ogg, Opus), RFC 8794
and 9559 (WebM).
"""

import struct
import zlib

MP3, AAC, M4A, OGG, WEBM, WAV = "mp3", "aac", "m4a", "ogg", "webm", "wav"
TYPES = {
    MP3: "audio/mpeg", AAC: "audio/aac", M4A: "audio/mp4", OGG: "audio/ogg", WEBM: "audio/webm", WAV: "audio/wav",
}  # fmt: skip


class Broken(ValueError):
    """The container does not hold together, or is not of a sound that browsers play."""


def kind(data):
    """The kind of sound by its first bytes, or None; a name or a declared type is never believed."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return WAV
    if data[:4] == b"OggS":
        return OGG
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return WEBM
    if data[4:8] == b"ftyp":
        return M4A
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return MP3
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return AAC
    return None


def read(data, what):
    """(bytes to keep, seconds) of a sound of this kind; Broken when it does not hold together."""
    try:
        kept, seconds = READERS[what](data)
    except (struct.error, IndexError, ZeroDivisionError, OverflowError) as error:
        raise Broken(str(error)) from error
    if seconds <= 0:
        raise Broken("no sound in it")
    return kept, seconds


# MP3 and AAC: a row of frames, each saying how long it is


MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
MP3_BITS = {  # kbit/s of layer III by index: MPEG 1, then MPEG 2 and 2.5
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
TAIL = 4096  # a recorder that is cut off leaves less than this behind its last whole frame


def _mp3(data):
    return _frames(data, _mp3_frame)


def _aac(data):
    return _frames(data, _aac_frame)


def _frames(data, frame):
    """All whole frames one after the other, without the tags before and behind them."""
    begin = at = _behind_id3(data)
    seconds, count = 0.0, 0
    while at + 7 <= len(data):
        size, length = frame(data, at)
        if not size or at + size > len(data):
            break
        at, seconds, count = at + size, seconds + length, count + 1
    if count < 3 or (len(data) - at > TAIL and not data[at:].startswith(TAGS)):
        raise Broken("frames expected")
    return data[begin:at], seconds


def _behind_id3(data):
    at = 0
    while data[at : at + 3] == b"ID3":
        a, b, c, d = data[at + 6 : at + 10]
        if (a | b | c | d) & 0x80:
            raise Broken("bad tag")
        at += 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if data[at + 5] & 0x10 else 0)
    while at < len(data) and data[at] == 0:
        at += 1
    return at


def _mp3_frame(data, at):
    """(bytes, seconds) of the layer III frame at `at`; (0, 0) when there is none."""
    if data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0, 0
    version, index, rate = data[at + 1] >> 3 & 3, data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or index in (0, 15) or rate == 3:
        return 0, 0
    first = version == 3
    rate = MP3_RATES[version][rate]
    size = (144 if first else 72) * MP3_BITS[first][index] * 1000 // rate + (data[at + 2] >> 1 & 1)
    return size, (1152 if first else 576) / rate


def _aac_frame(data, at):
    """(bytes, seconds) of the ADTS frame at `at`; (0, 0) when there is none."""
    if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return 0, 0
    rate = data[at + 2] >> 2 & 15
    size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    if rate >= len(AAC_RATES) or size < 8:
        return 0, 0
    return size, 1024 * ((data[at + 6] & 3) + 1) / AAC_RATES[rate]


# WAV: kept are the format and the samples


def _wav(data):
    at, shape = 12, None
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            shape = struct.unpack_from("<HHIIHH", data, at + 8)
        if name == b"data":
            break
        at += 8 + size + size % 2
    else:
        raise Broken("no samples")
    if shape is None:
        raise Broken("no format")
    form, channels, rate, _bytes, block, bits = shape
    if form != 1 or channels not in (1, 2) or bits not in (8, 16, 24, 32) or not 4000 <= rate <= 96000:
        raise Broken("not plain PCM")
    if block != channels * bits // 8:
        raise Broken("bad block")
    samples = data[at + 8 : at + 8 + size]  # a recorder that was cut off has promised more than there is
    samples = samples[: len(samples) - len(samples) % block]
    head = struct.pack("<HHIIHH", form, channels, rate, rate * block, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(samples)) + samples
    body += b"\0" * (len(samples) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body, len(samples) / (rate * block)


# Opus, in Ogg and in WebM


def _opus(packet):
    """Seconds of one Opus packet by its first two bytes (RFC 6716, section 3)."""
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        each = (10, 20, 40, 60)[config & 3]
    elif config < 16:
        each = (10, 20)[config & 1]
    else:
        each = (2.5, 5, 10, 20)[config & 3]
    frames = (1, 2, 2)[code] if code < 3 else packet[1] & 63
    if not frames or frames * each > 120:
        raise Broken("bad packet")
    return frames * each / 1000


TURNED = bytes(int(f"{n:08b}"[::-1], 2) for n in range(256))


def _ogg_check(page):
    """The checksum of an Ogg page (its own field zero): zlib's polynomial with every bit order turned round."""
    turned = zlib.crc32(page.translate(TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{turned:032b}"[::-1], 2)


def _ogg_page(head, number, body, sizes):
    page = head[:18] + struct.pack("<II", number, 0) + bytes([len(sizes)]) + bytes(sizes) + body
    return page[:22] + struct.pack("<I", _ogg_check(page)) + page[26:]


def _ogg_pages(data):
    """(head, segment sizes, body) of every page; the last one may be cut off."""
    at = 0
    while data[at : at + 4] == b"OggS":
        sizes = data[at + 27 : at + 27 + data[at + 26]]
        begin = at + 27 + len(sizes)
        if data[at + 4] or begin + sum(sizes) > len(data):
            break
        head, body = data[at : at + 26], data[begin : begin + sum(sizes)]
        if (
            _ogg_check(data[at : at + 22] + bytes(4) + data[at + 26 : begin] + body)
            != struct.unpack("<I", head[22:])[0]
        ):
            raise Broken("bad checksum")
        yield head, sizes, body
        at = begin + len(body)


def _ogg(data):
    """One Opus stream. The comments are replaced by none, and the pages behind them numbered anew."""
    made, seconds, serial, packets, whole = [], 0.0, None, 0, b""
    for head, sizes, body in _ogg_pages(data):
        first, at = serial is None, 0
        if first:
            serial = head[14:18]
        elif head[14:18] != serial or head[5] & 2:
            raise Broken("more than one stream")
        headers = packets < 2
        for size in sizes:
            whole += body[at : at + min(size, 64 - len(whole))] if len(whole) < 64 else b""
            at += size
            if size < 255:
                if packets > 1 and whole:
                    seconds += _opus(whole)
                elif packets == 0 and not (
                    whole[:8] == b"OpusHead" and whole[9:10] in (b"\1", b"\2") and len(sizes) == 1
                ):
                    raise Broken("not Opus")
                elif packets == 0:
                    seconds -= struct.unpack_from("<H", whole, 10)[0] / 48000
                elif packets == 1 and whole[:8] != b"OpusTags":
                    raise Broken("no comments")
                packets, whole = packets + 1, b""
        if first:
            made.append(_ogg_page(head, 0, body, sizes))
        elif headers and packets >= 2:
            if packets > 2 or whole:
                raise Broken("sound among the comments")
            head = head[:5] + b"\0" + bytes(8) + head[14:]
            made.append(_ogg_page(head, 1, b"OpusTags" + bytes(8), [16]))
        elif not headers:
            made.append(_ogg_page(head, len(made), body, sizes))
    return b"".join(made), seconds


# WebM: elements that are not known to be needed become Void of the same length


def _id(text):
    return {int(word, 16) for word in text.split()}


# Segment, Info, Tracks, TrackEntry, Cluster, BlockGroup: walked into. Segments and clusters of a live recording do
# not say how long they are; as their parts follow one another without gaps, nobody has to know.
WEBM_OPENED = _id("18538067 1549A966 1654AE6B AE 1F43B675 A0")
# EBML head, scale, duration; number, UID, type, codec, private data, delays, defaults and audio of the track; moments,
# blocks and what belongs to them; Void, cues.
WEBM_KEPT = _id(
    "1A45DFA3 2AD7B1 4489 D7 73C5 83 86 63A2 56AA 56BB B9 88 9C 23E383 E1 E7 A3 A1 9B 75A2 FB AB A7 EC 1C53BB6B"
)
WEBM_EMPTIED = _id("4D80 5741")  # the programs that wrote it: must be there, and may be empty
SIMPLE_BLOCK, BLOCK, TRACK_TYPE, CODEC, ENCODINGS, UNKNOWN = 0xA3, 0xA1, 0x83, 0x86, 0x6D80, -1


def _vint(data, at, mask):
    """(value, length) of the variable number at `at`; with `mask` its mark is taken off, all ones mean unknown."""
    length = 9 - data[at].bit_length()
    if length > 8 or at + length > len(data):
        raise Broken("bad number")
    value = int.from_bytes(data[at : at + length], "big")
    if mask:
        value -= 1 << 7 * length
        value = UNKNOWN if value == (1 << 7 * length) - 1 else value
    return value, length


def _void(total):
    """An element of `total` bytes that says nothing."""
    if total < 129:
        return b"\xec" + bytes([0x80 | total - 2]) + bytes(total - 2)
    return b"\xec\x01" + (total - 9).to_bytes(7, "big") + bytes(total - 9)


def _webm(data):
    made, seconds, types, codecs, at = [], 0.0, [], [], 0
    while at < len(data):
        if at + 2 > len(data):
            break
        name, head = _vint(data, at, mask=False)
        size, more = _vint(data, at + head, mask=True)
        body = at + head + more
        if name in WEBM_OPENED:
            made.append(data[at:body])
            at = body
            continue
        if size == UNKNOWN or name == ENCODINGS:
            raise Broken("cannot be read")
        if body + size > len(data):
            break  # a recording that was cut off
        inside = data[body : body + size]
        if name in (SIMPLE_BLOCK, BLOCK):
            _track, more = _vint(inside, 0, mask=True)
            if inside[more + 2] & 6:
                raise Broken("laced")
            seconds += _opus(inside[more + 3 : more + 5])
        elif name == TRACK_TYPE:
            types.append(int.from_bytes(inside, "big"))
        elif name == CODEC:
            codecs.append(inside.rstrip(b"\0"))
        if name in WEBM_KEPT:
            made.append(data[at : body + size])
        elif name in WEBM_EMPTIED:
            made.append(data[at:body] + bytes(size))
        else:
            made.append(_void(body + size - at))
        at = body + size
    if (types, codecs) != ([2], [b"A_OPUS"]):
        raise Broken("not one sound of Opus")
    return b"".join(made), seconds


# MP4: boxes that are not known to be needed become free space of the same length


M4A_KEPT = {
    b"": b"ftyp styp moov moof mdat sidx",
    b"moov": b"mvhd trak mvex",
    b"trak": b"tkhd mdia edts",
    b"edts": b"elst",
    b"mdia": b"mdhd hdlr minf",
    b"minf": b"smhd dinf stbl",
    b"dinf": b"dref",
    b"stbl": b"stsd stts stsc stsz stco co64 sgpd sbgp",
    b"mvex": b"mehd trex",
    b"moof": b"mfhd traf",
    b"traf": b"tfhd tfdt trun sgpd sbgp",
}
M4A_KEPT = {name: set(inside.split()) for name, inside in M4A_KEPT.items()}
DATED = (b"mvhd", b"tkhd", b"mdhd")  # when it was recorded and changed, behind version and flags


class _M4A:
    """One walk over the boxes, noting what the length of the sound is counted from."""

    def __init__(self, data):
        self.data, self.made = data, bytearray(data)
        self.scale = self.each = self.usual = self.ticks = self.tracks = self.size = 0
        self.handler = self.codec = b""

    def walk(self, at, end, parent=b""):
        while at + 8 <= end:
            size, name = struct.unpack_from(">I4s", self.data, at)
            body = at + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self.data, body)
                body += 8
            elif size == 0:
                size = end - at
            if size < body - at or at + size > end:
                if parent or name != b"mdat":
                    raise Broken("bad box")
                size = end - at  # a recording that was cut off
            self.box(name, at, body, at + size, parent)
            at += size

    def box(self, name, at, body, end, parent):
        if name not in M4A_KEPT[parent]:
            self.made[at + 4 : at + 8] = b"free"
            self.made[body:end] = bytes(end - body)
        elif name in M4A_KEPT:
            self.tracks += name == b"trak"
            self.walk(body, end, name)
        else:
            note = getattr(self, name.decode(), None)
            if note:
                note(body, end)
        if name in DATED and parent in (b"moov", b"trak", b"mdia"):
            self.made[body + 4 : body + (20 if self.data[body] else 12)] = bytes(16 if self.data[body] else 8)

    def number(self, at):
        return struct.unpack_from(">I", self.data, at)[0]

    def mdat(self, body, end):
        self.size += end - body

    def mdhd(self, body, end):
        self.scale = self.number(body + (20 if self.data[body] else 12))

    def hdlr(self, body, end):
        self.handler = self.data[body + 8 : body + 12]
        self.made[body + 24 : end] = bytes(max(0, end - body - 24))  # the name a program gave it

    def stsd(self, body, end):
        self.codec = self.data[body + 12 : body + 16]

    def stts(self, body, end):
        for n in range(self.number(body + 4)):
            if body + 16 + 8 * n > end:
                raise Broken("bad times")
            self.ticks += self.number(body + 8 + 8 * n) * self.number(body + 12 + 8 * n)

    def trex(self, body, end):
        self.usual = self.number(body + 12)

    def tfdt(self, body, end):
        """Where this piece stands: a gap before it lasts too."""
        begin = struct.unpack_from(">Q" if self.data[body] else ">I", self.data, body + 4)[0]
        self.ticks = max(self.ticks, begin)

    def tfhd(self, body, end):
        flags = self.number(body) & 0xFFFFFF
        at = body + 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
        self.each = self.number(at) if flags & 8 else self.usual

    def trun(self, body, end):
        flags, count = self.number(body) & 0xFFFFFF, self.number(body + 4)
        at = body + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
        if not flags & 0x100:
            self.ticks += count * self.each
            return
        step = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
        if at + count * step > end:
            raise Broken("bad run")
        for n in range(count):
            self.ticks += self.number(at + n * step)


def _m4a(data):
    found = _M4A(data)
    found.walk(0, len(data))
    if found.tracks != 1 or found.handler != b"soun" or found.codec not in (b"mp4a", b"Opus") or not found.size:
        raise Broken("not one sound that browsers play")
    return bytes(found.made), found.ticks / found.scale


READERS = {MP3: _mp3, AAC: _aac, M4A: _m4a, OGG: _ogg, WEBM: _webm, WAV: _wav}
