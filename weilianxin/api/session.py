"""Signing in and out: a phone with its code, a name with its password; a ticket ties what began in WeChat."""

from datetime import datetime
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status

from weilianxin.cases.errors import Invalid, Refused
from weilianxin.lib.client import address_of
from weilianxin.notify.code import SIGN_IN, send_sign_in_code
from weilianxin.people import codes, consent, residents, tokens
from weilianxin.people import staff as entrance

from .frame import BODY, answers, signed_in
from .schemas import AccountOut, Line, Shape
from .shapes import account_of

router = Router(tags=["session"])
WAIT = codes.PER_PHONE[0][1]  # seconds between two codes


class SignedIn(Shape):
    state: Literal["signed_in"] = "signed_in"
    token: str
    expires_at: datetime
    account: AccountOut


class SmsIn(Shape):
    phone: Line


class SmsOut(Shape):
    sent: bool
    wait_seconds: int
    demo_code: str | None


class CodeIn(Shape):
    phone: Line
    code: Line
    consent: Line = ""


class StaffIn(Shape):
    username: Line
    password: Line
    second_factor: Line = ""


class ConsentOut(Shape):
    """The text one agrees to. `text` has a little Markdown: headings, lists, bold."""

    version: str
    title: str
    text: str


def begin(account, channel, at):
    """Sign `account` in: a token that is shown this once."""
    token, expires = tokens.issue(account, channel, at)
    return {"state": "signed_in", "token": token, "expires_at": expires, "account": account_of(account)}


def agreed(version):
    """Nobody is signed in without having been shown what they agree to; asked of everybody, so that it tells nobody
    who is known here."""
    if version != consent.current_version(consent.SERVICE).version:
        raise Invalid(_("请先看一看并同意我们怎样用您的信息。"), "consent")


def resident_with(phone, at):
    """The resident whose phone this was shown to be, with the consent just given."""
    with transaction.atomic():
        account = residents.resident_for(phone, at)
        consent.give(account, consent.SERVICE, at, channel="mini_program")
    return account


@router.get("/consent", response=answers(ConsentOut))
def consent_text(request):
    """What one agrees to when signing in for the first time."""
    newest = consent.current_version(consent.SERVICE)
    text = newest.text()
    title, _line, rest = text.lstrip("# ").partition("\n")
    return {"version": newest.version, "title": title.strip(), "text": rest.strip()}


@router.post("/session/sms", response=answers(SmsOut, *BODY), url_name="session_sms")
def sms(request, said: SmsIn):
    """Send a one-time code."""
    code = send_sign_in_code(residents.normal_phone(said.phone), timezone.now(), bucket=address_of(request))
    return {"sent": True, "wait_seconds": WAIT, "demo_code": code if settings.DEMO else None}


@router.post("/session/sms/confirm", response=answers(SignedIn, *BODY), url_name="session_sms_confirm")
def sms_confirm(request, said: CodeIn):
    """The code, and the version of the consent that was shown: the resident is signed in, at the first time made."""
    agreed(said.consent)
    phone, at = residents.normal_phone(said.phone), timezone.now()
    codes.check_code(phone, SIGN_IN, said.code, at=at)
    return begin(resident_with(phone, at), "sms", at)


@router.post("/session/staff", response=answers(SignedIn, 409, *BODY), url_name="session_staff")
def staff(request, said: StaffIn):
    """Name, password and, where the account has one, the second factor. The first password is changed at the desk."""
    at = timezone.now()
    account = entrance.authenticate(said.username, said.password, address=address_of(request), at=at)
    step = entrance.next_step(account)
    if step in (entrance.PASSWORD, entrance.ENROL):
        raise Refused(_("请先在电脑上登录工作台，改好密码、绑好动态码，再来这里登录。"))
    if step == entrance.SECOND_FACTOR:
        if not said.second_factor.strip():
            raise Invalid(_("请再填手机上的动态码。"), "second_factor")
        entrance.check_second_factor(account, said.second_factor, at=at)
    return begin(account, "password", at)


@router.delete("/session", auth=signed_in, response=answers(None, status=204), url_name="session")
def end(request):
    """Sign out: this token is worth nothing any more."""
    tokens.revoke(request.token, timezone.now())
    return Status(204, None)
