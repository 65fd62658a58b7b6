"""Signing in and out: whom WeChat names, a phone with its code, a name with its password.

Whoever WeChat names for the first time gets a ticket; signing in another way with it ties the two for good.
"""

from datetime import datetime
from typing import Annotated, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status
from pydantic import Field

from weilianxin.cases.errors import Invalid, Refused
from weilianxin.channels import wechat
from weilianxin.channels.errors import ChannelError, GiveUp
from weilianxin.lib.client import address_of
from weilianxin.notify.code import SIGN_IN, send_sign_in_code
from weilianxin.people import codes, consent, residents, tokens
from weilianxin.people import staff as entrance
from weilianxin.people import wechat as people_wechat
from weilianxin.people.models import Account

from . import tickets
from .frame import BODY, answers, not_too_often, signed_in
from .schemas import AccountOut, Line, Shape
from .shapes import account_of

router = Router(tags=["session"])
Ticket = Annotated[str, Field(max_length=400)]
WAIT = codes.PER_PHONE[0][1]  # seconds between two codes


class SignedIn(Shape):
    state: Literal["signed_in"] = "signed_in"
    token: str
    expires_at: datetime
    account: AccountOut


class PhoneNeeded(Shape):
    """WeChat names somebody nobody here knows: sign in another way, with this ticket, within ten minutes."""

    state: Literal["phone_needed"] = "phone_needed"
    ticket: str
    expires_at: datetime


class WechatIn(Shape):
    """`code` of wx.login; `as` says as what one wants to sign in."""

    code: Line
    kind: Literal["resident", "staff"] = Field(alias="as")


class WechatPhoneIn(Shape):
    """`phone_code` of the button for the phone number."""

    ticket: Ticket
    phone_code: Line
    consent: Line = ""


class SmsIn(Shape):
    phone: Line


class SmsOut(Shape):
    sent: bool
    wait_seconds: int
    demo_code: str | None


class CodeIn(Shape):
    ticket: Ticket = ""
    phone: Line
    code: Line
    consent: Line = ""


class StaffIn(Shape):
    ticket: Ticket = ""
    username: Line
    password: Line
    second_factor: Line = ""


class ConsentOut(Shape):
    """The text one agrees to. `text` has a little Markdown: headings, lists, bold."""

    version: str
    title: str
    text: str


def begin(account, channel, at, openid=""):
    """Sign `account` in: a token that is shown this once. From now on `openid`, if there is one, is this account."""
    if openid:
        people_wechat.tie(account, settings.WECHAT_APPID, openid, at=at)
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


def ask_wechat(ask, field):
    """What WeChat says, or the sentence why not: its code is used up, or it does not answer."""
    try:
        return ask()
    except GiveUp as error:
        if error.tell == GiveUp.USER:
            raise Invalid(_("微信的登录码过期了，请再点一次。"), field) from None
    except ChannelError:
        pass
    raise Refused(_("微信现在没有回应，请稍后再试，或用手机号和验证码登录。"))


@router.post("/session", response=answers(SignedIn | PhoneNeeded, 409, *BODY), url_name="session")
def wechat_session(request, said: WechatIn):
    """Sign in as whom WeChat names; a ticket where nobody here is known by that, or has not agreed yet."""
    not_too_often(request, "wechat")
    at = timezone.now()
    person = ask_wechat(lambda: wechat.code_to_session(said.code), "code")
    account = people_wechat.account_of(settings.WECHAT_APPID, person.openid, said.kind)
    if account is not None and may_begin(account):
        return begin(account, "wechat", at)
    ticket, until = tickets.make(person.openid, said.kind, at)
    return {"state": "phone_needed", "ticket": ticket, "expires_at": until}


def may_begin(account):
    """Whether nothing is missing: a resident's consent, a password of one's own where it was set anew."""
    if account.is_staff_member:
        return not entrance.must_change_password(account)
    return consent.has_consent(account)


@router.post("/session/phone", response=answers(SignedIn, 409, *BODY), url_name="session_phone")
def wechat_phone(request, said: WechatPhoneIn):
    """The number that WeChat knows, given by the person with one tap: signed in, at the first time made."""
    not_too_often(request, "wechat")
    agreed(said.consent)
    at = timezone.now()
    openid = tickets.read(said.ticket, Account.RESIDENT, at)
    phone = ask_wechat(lambda: wechat.phone_number(said.phone_code, openid), "phone_code")
    return begin(resident_with(residents.normal_phone(phone), at), "wechat", at, openid)


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
    openid = tickets.read(said.ticket, Account.RESIDENT, at)
    codes.check_code(phone, SIGN_IN, said.code, at=at)
    return begin(resident_with(phone, at), "sms", at, openid)


@router.post("/session/staff", response=answers(SignedIn, 409, *BODY), url_name="session_staff")
def staff(request, said: StaffIn):
    """Name, password and, where the account has one, the second factor. The first password is changed at the desk."""
    at = timezone.now()
    openid = tickets.read(said.ticket, Account.STAFF, at)
    account = entrance.authenticate(said.username, said.password, address=address_of(request), at=at)
    step = entrance.next_step(account)
    if step in (entrance.PASSWORD, entrance.ENROL):
        raise Refused(_("请先在电脑上登录工作台，改好密码、绑好动态码，再来这里登录。"))
    if step == entrance.SECOND_FACTOR:
        if not said.second_factor.strip():
            raise Invalid(_("请再填手机上的动态码。"), "second_factor")
        entrance.check_second_factor(account, said.second_factor, at=at)
    return begin(account, "password", at, openid)


@router.delete("/session", auth=signed_in, response=answers(None, status=204), url_name="session")
def end(request):
    """Sign out: this token is worth nothing any more."""
    tokens.revoke(request.token, timezone.now())
    return Status(204, None)
