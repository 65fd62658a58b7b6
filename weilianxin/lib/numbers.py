"""Numbers people read out to one another: case numbers, error codes, and telephone numbers that are invented."""

import re
import secrets
import unicodedata
from datetime import date

# Nothing that is mistaken on paper or over the telephone: no 0 O, 1 I L, U V.
READABLE = "23456789ABCDEFGHJKMNPQRSTWXYZ"


def case_number(prefix_date: date, n: int) -> str:
    """`261124-0387`: the day in Asia/Shanghai and the running number of that day; grows past four digits."""
    if n < 1:
        raise ValueError("编号从 1 开始。")
    return f"{prefix_date:%y%m%d}-{n:04d}"


def parse_case_number(text):
    """(date, n) of a number as people type it: full-width digits, blanks and other dashes pass. else ValueError."""
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or ""))
    match = re.fullmatch(r"([0-9]{6})[-‐‑‒–—―−ー_]?([0-9]{4,9})", plain)
    if match and int(match[2]):
        day, n = match[1], int(match[2])
        try:
            return date(2000 + int(day[:2]), int(day[2:4]), int(day[4:])), n
        except ValueError:
            pass
    raise ValueError("编号的样子是 261124-0387，请再看一看。")


def short_error_code():
    """`E-7Q2K`: says which line of the log belongs to what somebody saw."""
    return "E-" + "".join(secrets.choice(READABLE) for _ in range(4))


def is_invented_phone(phone):
    """Whether a number has the shape of the demonstration's people (1xx0000xxxx); nothing is ever sent there."""
    return bool(re.fullmatch(r"1[0-9]{2}0000[0-9]{4}", re.sub(r"[\s-]", "", phone or "")))


def spaced(phone):
    """A telephone number in groups one can read out: 139 0000 0102, 0571 8000 0001; any other stays as it is."""
    phone = str(phone or "")
    if not phone.isdecimal() or not 10 <= len(phone) <= 12 or (phone[0] == "1" and len(phone) != 11):
        return phone
    area = 3 if phone[0] == "1" or phone[:2] in ("01", "02") else 4
    return f"{phone[:area]} {phone[area:-4]} {phone[-4:]}" if phone[0] in "01" else phone
