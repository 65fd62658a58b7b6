"""One-time codes to a phone: six digits, ten minutes, five tries, good once."""

import hmac
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from weilianxin.lib.digests import keyed_digest

from . import throttle
from .errors import TooOften, WrongCode
from .models import OneTimeCode

LIFE = timedelta(minutes=10)
TRIES = 5
PER_PHONE = [(1, 60), (5, 3600), (10, 86400)]  # codes per seconds


def _digest(phone, purpose, subject, code):
    return keyed_digest(f"code:{purpose}", f"{phone}\x00{subject}\x00{code}")


def send_code(phone, purpose, *, subject="", at, bucket=""):
    """A fresh code for `phone`; the ones before it for the same purpose and subject die. Returns the six digits.

    Nothing is sent here: the caller tells it in the same transaction (people lies below notify). `phone` is as
    `residents.normal_phone` returns it. `bucket` is the client's address, if known. Strict is the limit of the phone;
    those of the address, behind which hundreds may stand, and of the installation are settings, against floods.
    Raises `TooOften` with the sentence.
    """
    with transaction.atomic():
        per_address = [(settings.CODES_HOUR, 3600), (settings.CODES_DAY, 86400)]
        if bucket and not throttle.allow_all("code-from", bucket, per_address, at=at):
            raise TooOften(_("从这里取验证码太多次了，请过一小时再试，或打社区电话。"))
        if not throttle.allow_all("code", phone, PER_PHONE, at=at):
            raise TooOften(_("验证码取得太勤了。一分钟内只能取一次，一小时最多五次，请稍后再取，或打社区电话。"))
        # Last, as whoever asks for codes at the same moment waits for this one.
        if not throttle.allow("code-all", "", limit=settings.CODES_MINUTE, seconds=60, at=at):
            raise TooOften(_("现在取验证码的人太多，请过一分钟再试，或打社区电话。"))
        code = f"{secrets.randbelow(1_000_000):06d}"
        OneTimeCode.objects.filter(
            phone=phone, purpose=purpose, subject=subject, used_at__isnull=True, expires_at__gt=at
        ).update(expires_at=at)
        OneTimeCode.objects.create(
            phone=phone,
            purpose=purpose,
            subject=subject,
            digest=_digest(phone, purpose, subject, code),
            created_at=at,
            expires_at=at + LIFE,
        )
    return code


def check_code(phone, purpose, code, *, subject="", at):
    """Use up the code sent to `phone`. Returns None, or raises `WrongCode` with the sentence.

    Commits for itself, so that a wrong try stays counted: call it before the transaction of the act (and outside
    `once`), never inside. Of two that bring the right code at the same moment one is refused.
    """
    code = "".join(str(int(c)) for c in str(code)[:40] if c.isdecimal())
    refusal = None
    with transaction.atomic(durable=True):
        row = (
            OneTimeCode.objects.filter(
                phone=phone, purpose=purpose, subject=subject, used_at__isnull=True, expires_at__gt=at
            )
            .order_by("-id")
            .first()
        )
        if row is None:
            refusal = _("验证码已经过期或用过了，请重新取一个。")
        # The try is counted before the look, so that many guesses at once are still at most five.
        elif not OneTimeCode.objects.filter(pk=row.pk, tries__lt=TRIES).update(tries=F("tries") + 1):
            refusal = _("输错太多次了，请重新取一个验证码。")
        elif not hmac.compare_digest(row.digest, _digest(phone, purpose, subject, code)):
            refusal = _("验证码不对，请再看一看短信。")
        elif not OneTimeCode.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=at):
            refusal = _("验证码已经过期或用过了，请重新取一个。")
    if refusal:
        raise WrongCode(refusal, "code")


def cleanup(at):
    """Drop codes that ended more than a day ago, and the phones with them; for the work loop. Returns how many."""
    return OneTimeCode.objects.filter(expires_at__lt=at - timedelta(days=1)).delete()[0]
