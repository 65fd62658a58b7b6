"""Hiding what identifies a person: masked telephone numbers and names, and free text made fit to be shown."""

import re

STARS = "*＊∗✱•●"  # what people and keyboards write for a star
HANZI = "〇一-鿿㐀-䶿"

# One character becomes one character, so a place found in the plain copy is the same place in the text.
_PLAIN = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys("\u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u2060\u3000\ufeff", " ")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | {"。": "."}
)
_FIRST, _LAST = r"(?<![0-9])", r"(?![0-9])"
_GAP = r"[ .-]{0,2}"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PATTERNS = [
    # mail
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}",
    # identity cards, also in groups; any other run of 15 to 19 digits is a card or an account
    r"(?<![0-9A-Za-z])[0-9]{6} ?[0-9]{4} ?[0-9]{4} ?[0-9]{3}[0-9Xx](?![0-9A-Za-z])",
    r"(?<![0-9A-Za-z])[0-9]{14,18}[0-9Xx](?![0-9A-Za-z])",
    r"(?<![0-9A-Za-z])[0-9]{4}(?: [0-9]{4}){3}(?: [0-9]{1,3})?(?![0-9A-Za-z])",
    # mobile: 138 0000 1234, 138-0000-1234, +86 138…, 13 800 001 234
    _FIRST + r"(?:\+?86" + _GAP + r")?1[3-9][0-9]" + _GAP + "[0-9]{4}" + _GAP + "[0-9]{4}" + _LAST,
    _FIRST + r"1[3-9][ -]?[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}" + _LAST,
    _FIRST + r"1(?:[ .-][0-9]){10}" + _LAST,
    "[零〇一二三四五六七八九幺]{11}",
    # landline with its area code, and without it where the words before say that it is one
    _FIRST + r"(?:\+?86" + _GAP + r")?\(?0[1-9][0-9]{1,2}\)?" + _GAP + "[2-9][0-9]{3}" + _GAP + "[0-9]{3,4}" + _LAST,
    r"(?<=电话|座机|拨打|致电|固话)[ :是为打]{0,3}[2-9][0-9]{3}" + _GAP + "[0-9]{3,4}" + _LAST,
    # number plates, with six places for new-energy cars; trailers, learners and police have a character at the end
    f"[{_PROVINCES}使][A-HJ-Za-hj-z]" + r"[ ·•.-]?(?=[A-Za-z]{0,5}[0-9])[A-HJ-NP-Za-hj-np-z0-9]{4}"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]{1,2}|[挂学警港澳领])(?![A-Za-z0-9])",
]
_PERSONAL = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS))


def mask_phone(phone):
    """`138****1234`: who it is stays recognisable to whoever knows the number; anything unusual is all stars."""
    plain = re.sub(r"[\s-]", "", (phone or "").translate(_PLAIN))
    if match := re.fullmatch(r"(?:\+?86)?(1[0-9]{2})[0-9]{4}([0-9]{4})", plain):
        return f"{match[1]}****{match[2]}"
    if match := re.fullmatch(r"(0[12][0-9]|0[3-9][0-9]{2})([0-9]{3,4})([0-9]{4})", plain):
        return f"{match[1]}-****{match[3]}"
    return "*" * min(len(plain), 8)


def mask_name(name):
    """`虚*`: the first character, and stars for the rest (three for names in letters); a single one is a star."""
    name = (name or "").strip()
    if len(name) < 2:
        return "*" * len(name)
    if re.fullmatch(f"[{HANZI}·]+", name):
        return name[0] + "*" * min(len(name) - 1, 3)
    return name[0] + "***"


def redact(text):
    """`text` with telephone numbers, identity and card numbers, number plates and mail addresses as stars.

    Also when written in full-width digits or in groups. Names are not found; a person has to look for those.
    """
    if not text:
        return ""
    parts, end = [], 0
    for match in _PERSONAL.finditer(text.translate(_PLAIN)):
        found = text[match.start() : match.end()]
        parts += [text[end : match.start()], re.sub(r"[^\s(（)）:：是为打]", "*", found)]
        end = match.end()
    return "".join([*parts, text[end:]])


def is_masked(value):
    """Whether a value went through a mask: such a value is never taken back as a telephone number or a name."""
    return any(star in (value or "") for star in STARS)
