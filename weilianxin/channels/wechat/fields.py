"""The values of a subscription message: made to fit before they are sent, by the platform's own table of field types.

A message whose value is one character too long is not sent at all (error 47003), so everything is shortened here, and
counted as the platform may count: a character outside the basic plane is two, and is left out.
"""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ..errors import GiveUp

LOCAL = ZoneInfo("Asia/Shanghai")
NOTHING = "无"  # an empty value is refused, so a thing that is not there says so
DATE = r"\d{4}(?:年\d{1,2}月\d{1,2}日|-\d{1,2}-\d{1,2})"
CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d"
KINDS = {
    # kind: (longest, what may not stand in it, what the whole must be)
    "thing": (20, "", r".+"),
    "number": (32, r"[^0-9.]", r"\d+(\.\d+)?"),
    "letter": (32, r"[^A-Za-z]", r"[A-Za-z]+"),
    "symbol": (5, r"[\w\s]", r"[^\w\s]+"),
    "character_string": (32, r"[^!-~]", r"[!-~]+"),
    "time": (64, "", rf"(?:{DATE} ?)?{CLOCK}|{DATE}"),
    "date": (64, "", rf"{DATE}(?: ?{CLOCK})?"),
    "amount": (13, r"[^0-9.¥￥元]", r"[¥￥]?\d{1,10}(?:\.\d{1,2})?元?"),
    "phone_number": (17, r"[^0-9+()\-]", r"[0-9+()\-]+"),
    "car_number": (8, r"[^A-Z0-9一-鿿]", r"[一-鿿]?[A-Z0-9]{4,7}[一-鿿]?"),
    "name": (10, r"[0-9]", r".+"),
    "phrase": (5, r"[^一-鿿]", r"[一-鿿]+"),
    "enum": (20, "", r".+"),
}
CUT = {"thing", "name"}  # kinds in which a cut is shown
KEY = re.compile(f"({'|'.join(KINDS)})[0-9]{{1,3}}")


def is_key(key):
    """Whether `key` is one that a template can have, such as `thing1`."""
    return bool(KEY.fullmatch(key))


def kind_of(key):
    return re.sub(r"\d+$", "", key)


def moment(value):
    """A moment or a day as the fields of time and date want it."""
    if isinstance(value, datetime):
        local = value.astimezone(LOCAL)
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return f"{value.year}年{value.month}月{value.day}日"


def fit(key, value):
    """`value` as it may be sent in the field `key`, shortened where it is too long.

    Raises GiveUp (the operator is told) for a key of no known kind, and for a value of which nothing fits.
    """
    kind = kind_of(key)
    if not is_key(key):
        raise GiveUp(f"wechat-field-{key}", GiveUp.OPERATOR)
    longest, unwanted, whole = KINDS[kind]
    if isinstance(value, datetime | date):
        value = moment(value)
    words = " ".join("".join(c if c.isprintable() and ord(c) <= 0xFFFF else " " for c in str(value)).split())
    if unwanted:
        words = re.sub(unwanted, "", words)
    latin = kind == "name" and re.fullmatch(r"[A-Za-z .]+", words)
    if latin:
        longest = 20
    if len(words) > longest:  # a sign of the cut would make a Latin name a mixed one, which is shorter
        words = words[: longest - 1] + "…" if kind in CUT and not latin else words[:longest].rstrip()
    if kind == "number":
        words = words.rstrip(".")
    if not words and kind in CUT:
        words = NOTHING
    if not re.fullmatch(whole, words):
        raise GiveUp(f"wechat-field-{key}", GiveUp.OPERATOR)
    return words
