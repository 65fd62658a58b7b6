"""What a value of a template's field may be (the official table of field types)."""

import re

DATE = r"\d{4}(?:年\d{1,2}月\d{1,2}日|-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2})"
CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
MOMENT = rf"(?:{DATE} ?{CLOCK}|{DATE}|{CLOCK})"
RULES = {
    "thing": r".{1,20}",
    "number": r"(?=.{1,32}$)\d+(?:\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[!-~]{1,32}",
    "time": rf"{MOMENT}(?: ?~ ?{MOMENT})?",
    "date": rf"{DATE}(?: ?{CLOCK})?(?: ?~ ?{DATE}(?: ?{CLOCK})?)?",
    "amount": r"[¥￥$€£]?\d{1,10}(?:\.\d+)?元?",
    "phone_number": r"[0-9+()\- ]{1,17}",
    "car_number": r"[一-鿿A-Z]?[A-Z0-9]{4,7}[一-鿿A-Z0-9]?",
    "phrase": r"[一-鿿]{1,5}",
}
LONGEST_PLATE = 8


def kind_of(key):
    """The type that a field's key says: `thing1` is a thing."""
    return re.sub(r"\d+$", "", key)


def units(text):
    """Length as the platform counts it: a character outside the basic plane is two."""
    return len(text.encode("utf-16-le")) // 2


def fits(key, value, choices=()):
    """Whether `value` may stand in the field `key`; `choices` are the values of an enum."""
    kind = kind_of(key)
    if not isinstance(value, str) or not value.strip() or re.search(r"[\r\n]", value):
        return False
    if any(ord(c) > 0xFFFF for c in value):
        return False
    if kind == "enum":
        return value in choices
    if kind == "name":
        return bool(re.fullmatch(r"[A-Za-z .]{1,20}", value)) or units(value) <= 10
    if kind == "car_number" and len(value) > LONGEST_PLATE:
        return False
    return kind in RULES and bool(re.fullmatch(RULES[kind], value))
