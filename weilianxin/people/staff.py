"""How staff sign in: a name with a password, then a second factor; and how both are set, changed and recovered."""

import functools
import io
import secrets

import pyotp
import segno
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from weilianxin.journal import log

from . import session, throttle, wechat
from .errors import Refused, TooOften, WrongCode
from .models import Account, Role

# Without 0 O 1 l I: it is read from paper.
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
STEP = 30  # seconds of a second-factor code
PASSWORD, SECOND_FACTOR, ENROL = "password", "second_factor", "enrol"


@functools.cache
def _nobody():
    """A hash that no password fits, so that an unknown name takes as long as a wrong password."""
    return make_password(secrets.token_urlsafe(24))


def authenticate(username, password, *, address="", at):
    """The staff account whose password this is. Raises `WrongCode` or `TooOften`; neither tells whether it exists.

    Failures in a quarter of an hour: ten per name from one address (the client's, if known), so that nobody shuts
    somebody else out from afar; a hundred per name from anywhere; thirty per address, behind which a whole office may
    sit. Counted before the look, so that many guesses at once are not more. Commits its count for itself: call it
    outside any transaction. Then call `enter`.
    """
    username = (username or "").strip()[:40]
    name = username.lower()
    limits = [("password", f"{name}\x00{address}", 10), ("password-name", name, 100)]
    if address:
        limits.append(("password-from", address, 30))
    with transaction.atomic(durable=True):
        ok = all(throttle.allow(what, key, limit=most, seconds=900, at=at) for what, key, most in limits)
        if not ok:  # a try that one limit refuses counts for none
            transaction.set_rollback(True)
    if not ok:
        raise TooOften(_("试的次数太多了，请过十五分钟再试，或找系统管理员。"))
    account = Account.objects.filter(username=username, kind=Account.STAFF).first()
    fits = check_password((password or "")[:200], account.password if account else _nobody())
    if not fits or account is None or not account.is_active:
        raise WrongCode(_("登录名或密码不对。"), "password")
    throttle.forget("password", f"{name}\x00{address}")
    throttle.forget("password-name", name)
    throttle.take_back("password-from", address, at)  # the failures of others there stay
    return account


def next_step(account):
    """What is missing before this account, whose password was right, is signed in: PASSWORD (its first one, which
    somebody else knows, must be changed), SECOND_FACTOR, ENROL (an administrator without one), or "" for nothing."""
    if must_change_password(account):
        return PASSWORD
    if account.totp_secret:
        return SECOND_FACTOR
    return ENROL if session.holds(account, Role.SYSTEM_ADMIN) else ""


def enter(request, account):
    """After the password: sign in, or hold the account back as `request.pending_account` for the step returned."""
    step = next_step(account)
    if step:
        session.hold(request, account)
    else:
        session.sign_in(request, account)
    return step


def must_change_password(account):
    """Whether the password is still the printed one. `last_login` is only set once the person has chosen their own."""
    return account.last_login is None


def set_initial_password(account):
    """Give `account` a password made by chance, good for the first sign-in only, and end its sessions.

    Returns it: show it once, it is kept nowhere.
    """
    password = "-".join("".join(secrets.choice(LETTERS) for _n in range(4)) for _part in range(4))
    account.password, account.last_login = make_password(password), None
    account.save(update_fields=["password", "last_login"])
    session.end_all_sessions(account)
    return password


def change_password(account, old, new, again, *, at):
    """Set a password of the person's own choice; every session ends (see `session.stay_signed_in`), and so does
    signing in by WeChat until the person ties it again.

    Raises `WrongCode` for a wrong old one, `Refused` with what the new one lacks.
    """
    if not throttle.allow("change-password", account.pk, limit=10, seconds=900, at=at):
        raise TooOften(_("试的次数太多了，请过十五分钟再试，或找系统管理员。"))
    if not check_password(old or "", account.password):
        raise WrongCode(_("原来的密码不对。"), "old")
    if new != again:
        raise Refused(_("两次输入的新密码不一样。"), "again")
    if new == old:
        raise Refused(_("新密码要和原来的不一样。"), "new")
    try:
        validate_password(new or "", account)
    except ValidationError as problem:
        raise Refused(" ".join(problem.messages), "new") from None
    with transaction.atomic():
        account.password, account.last_login = make_password(new), at
        account.save(update_fields=["password", "last_login"])
        session.end_all_sessions(account)
        wechat.let_go(account, at=at)
        log.append("accounts", "password_changed", account.ref, {"account": account.ref}, at=at)


def new_secret():
    """A secret for a second factor, to be shown and then confirmed with `enrol`."""
    return pyotp.random_base32()


def otpauth_uri(account, secret):
    return pyotp.TOTP(secret).provisioning_uri(name=account.username or account.ref, issuer_name=_("微连心"))


def otpauth_qr(account, secret):
    """The same as a picture: an SVG document, bytes."""
    out = io.BytesIO()
    segno.make(otpauth_uri(account, secret), error="m").save(
        out, kind="svg", scale=5, border=4, dark="#000", light="#fff"
    )
    return out.getvalue()


def _counter(secret, code, at):
    """Which step of `secret` this code belongs to, the one before and after now included; None for none of them."""
    code = "".join(str(int(c)) for c in str(code)[:20] if c.isdecimal())
    now = int(at.timestamp()) // STEP
    totp, found = pyotp.TOTP(secret), None
    for counter in (now - 1, now, now + 1):
        if secrets.compare_digest(totp.generate_otp(counter), code):
            found = counter
    return found


def check_second_factor(account, code, *, at):
    """Use up a second-factor code. Raises `WrongCode` or `TooOften`.

    A code is good once, also when two bring it at the same moment. Outside any transaction, as its tries are counted.
    """
    with transaction.atomic(durable=True):
        ok = throttle.allow("second-factor", account.pk, limit=5, seconds=300, at=at)
    if not ok:
        raise TooOften(_("输错太多次了，请过五分钟再试。"))
    counter = _counter(account.totp_secret, code, at) if account.totp_secret else None
    if counter is None:
        raise WrongCode(_("动态码不对，请看手机上最新的一个。"), "code")
    if not Account.objects.filter(pk=account.pk, totp_last__lt=counter).update(totp_last=counter):
        raise WrongCode(_("这个动态码已经用过了，请等下一个。"), "code")
    throttle.forget("second-factor", account.pk)


def enrol(account, secret, code, *, at):
    """Make `secret` the account's second factor, once `code` shows that the phone has it. Raises `WrongCode`."""
    if not throttle.allow("enrol", account.pk, limit=20, seconds=300, at=at):
        raise TooOften(_("输错太多次了，请过五分钟再试。"))
    counter = _counter(secret, code, at) if secret else None  # none was shown yet: the page was never opened
    if counter is None:
        raise WrongCode(_("动态码不对，请看手机上最新的一个。"), "code")
    with transaction.atomic():
        changed = Account.objects.filter(pk=account.pk, totp_secret=account.totp_secret).update(
            totp_secret=secret, totp_last=counter
        )
        if not changed:
            raise WrongCode(_("刚刚已经绑定过了，请重新登录。"), "code")
        log.append("accounts", "second_factor_set", account.ref, {"account": account.ref}, at=at)
    account.totp_secret, account.totp_last = secret, counter


def _another_administrator(account, by, at):
    if by.pk == account.pk or not session.holds(by, Role.SYSTEM_ADMIN, at=at):
        raise Refused(_("这要由另一位系统管理员来办。"))


def reset_second_factor(account, *, by, at):
    """Take away a lost second factor; the account's sessions end. Only by another administrator."""
    _another_administrator(account, by, at)
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(totp_secret="", totp_last=0)
        session.end_all_sessions(account)
        wechat.let_go(account, at=at)
        log.append("accounts", "second_factor_reset", by.ref, {"account": account.ref}, at=at)
    account.totp_secret = ""


def reset_password(account, *, by, at):
    """A new first password for somebody who forgot theirs, returned once. Only by another administrator."""
    _another_administrator(account, by, at)
    with transaction.atomic():
        password = set_initial_password(account)
        wechat.let_go(account, at=at)
        log.append("accounts", "password_reset", by.ref, {"account": account.ref}, at=at)
    return password
