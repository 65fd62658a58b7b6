"""A person's own data: what is held, correcting it, and letting go of it (PIPL arts. 44 to 48)."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from weilianxin.journal import log
from weilianxin.lib.masks import is_masked, mask_phone

from . import codes, contact, erasure, session, wechat
from .errors import Refused
from .models import Account
from .residents import normal_phone

SECTIONS = {}
NEW_PHONE = "new_phone"  # the purpose of the code that a changed phone needs


def register_section(name, fn):
    """Have `fn(account)` add what another room holds to a person's export, under `name`. For the `ready()` of an app.

    It returns plain lists, mappings, texts and numbers, moments as ISO text.
    """
    SECTIONS[name] = fn


def what_we_hold(account):
    """Everything held about `account`, ready to be written as JSON. Only for the person: nothing is masked."""

    def moment(value):
        return value.isoformat() if value else None

    held = {
        "account": {
            "phone": account.phone,
            "name": account.name,
            "email": account.email,
            "language": account.language,
            "created_at": moment(account.created_at),
        },
        "dwellings": [
            {
                "place": dwelling.place.full_name,
                "relation": dwelling.relation,
                "since": moment(dwelling.since),
                "until": moment(dwelling.until),
            }
            for dwelling in account.dwellings.select_related("place").order_by("since", "id")
        ],
        "consents": [
            {
                "purpose": consent.purpose,
                "version": consent.version,
                "text_sha256": consent.text_hash,
                "channel": consent.channel,
                "given_at": moment(consent.given_at),
                "withdrawn_at": moment(consent.withdrawn_at),
            }
            for consent in account.consents.order_by("given_at", "id")
        ],
        "wechat": [
            {"appid": tied.appid, "openid": tied.openid, "since": moment(tied.since)}
            for tied in account.wechat.order_by("since", "id")
        ],
        "sign_ins": [
            {"through": token.channel, "since": moment(token.created_at), "last": moment(token.seen_at)}
            for token in account.tokens.order_by("-id")[:200]
        ],
        "phone_shown_to": contact.shown(account),
    }
    for name, fn in SECTIONS.items():
        held[name] = fn(account)
    return held


def correct(account, *, name=None, email=None, language=None, at):
    """Change what is given (None leaves it). A masked value is refused: it is what we showed, not what they wrote."""
    changes = {}
    if name is not None:
        changes["name"] = " ".join(name.split())
    if email is not None:
        changes["email"] = email.strip()
    if language is not None:
        changes["language"] = language
    for field, value in changes.items():
        if is_masked(value):
            raise Refused(_("里面有星号。请写完整，或者不改这一项。"), field)
        most = Account._meta.get_field(field).max_length
        if len(value) > most:
            raise Refused(_("太长了，最多%(n)s个字。") % {"n": most}, field)
    if changes.get("email") and ("@" not in changes["email"].strip("@") or " " in changes["email"]):
        raise Refused(_("邮箱地址不对。"), "email")
    if language is not None and language not in ("zh-hans", "en"):
        raise Refused(_("没有这种语言。"), "language")
    changes = {field: value for field, value in changes.items() if getattr(account, field) != value}
    if not changes:
        return
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(**changes)
        log.append(account.ref, "correct", account.ref, {"fields": sorted(changes)}, at=at)
    for field, value in changes.items():
        setattr(account, field, value)


def ask_new_phone(account, phone, *, at, bucket=""):
    """The code for a changed phone; the caller tells it to the new number. Returns (number, code)."""
    phone = normal_phone(phone)
    if phone == account.phone:
        raise Refused(_("这就是现在的号码。"), "phone")
    return phone, codes.send_code(phone, NEW_PHONE, subject=account.ref, at=at, bucket=bucket)


def change_phone(account, phone, code, *, at):
    """Move the account to a phone that was shown to be theirs. Ends all sessions of the account (the caller may sign
    this one in again), and signing in by WeChat until it is tied again. Counts tries, so it stands outside any
    transaction, like `codes.check_code`."""
    phone = normal_phone(phone)
    codes.check_code(phone, NEW_PHONE, code, subject=account.ref, at=at)
    try:
        with transaction.atomic():
            Account.objects.filter(pk=account.pk).update(phone=phone)
            session.end_all_sessions(account)
            wechat.let_go(account, at=at)
            log.append(account.ref, "correct", account.ref, {"fields": ["phone"]}, at=at)
    except IntegrityError:
        raise Refused(_("这个号码已经登记了别的账号。请先用它登录并注销那个账号，或打社区电话。"), "phone") from None
    account.phone = phone


def erase_me(account, *, at):
    """What “注销” does, see `erasure.erase`. Staff are let go by an administrator (`posts.leave`)."""
    if account.is_staff_member:
        raise Refused(_("工作人员的账号要由系统管理员来停用。"))
    erasure.erase(account, at)


def shown_phone(account):
    """The phone as other pages show it."""
    return mask_phone(account.phone) if account.phone else ""
