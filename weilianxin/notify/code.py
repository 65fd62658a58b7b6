"""Telling a one-time code for signing in: made and put into the outbox in one transaction."""

import secrets

from django.db import transaction

from weilianxin.people import codes

from .send import tell

SIGN_IN = "sign_in"


def send_sign_in_code(phone, at, bucket=""):
    """A fresh code to `phone` (as `residents.normal_phone` returns it); returns it, for the demo to show.

    `bucket` is what is counted besides the phone. Raises `TooOften` with the sentence.
    """
    with transaction.atomic():
        code = codes.send_code(phone, SIGN_IN, at=at, bucket=bucket)
        tell(
            "sign_in_code",
            "resident",
            address=phone,
            values={"code": code},
            key=f"sign_in:{secrets.token_hex(8)}",
            at=at,
            urgent=True,
            useless_at=at + codes.LIFE,
        )
    return code
