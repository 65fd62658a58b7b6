"""Residents by their phone, and the places they are tied to: from these follows who their own grid worker is."""

import re
import unicodedata

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from weilianxin.lib.masks import is_masked

from .errors import Refused
from .models import Account, Dwelling

MOBILE = re.compile(r"1[3-9]\d{9}")
MOST_DWELLINGS = 5


def normal_phone(text):
    """A mobile number as eleven digits; +86, blanks, dashes and full-width digits are understood.

    Raises `Refused` (field "phone") for anything else, and for a masked number.
    """
    text = unicodedata.normalize("NFKC", str(text or ""))[:40]
    if is_masked(text):
        raise Refused(_("号码里有星号。请写完整的手机号。"), "phone")
    digits = re.sub(r"[\s().\-‐-―]", "", text)
    digits = re.sub(r"^(\+86|0086|86(?=1\d{10}$))", "", digits)
    if not MOBILE.fullmatch(digits):
        raise Refused(_("手机号不对，要11位数字，比如138开头的。"), "phone")
    return digits


def resident_for(phone, at):
    """The resident with this phone, made if need be. Only after a code has shown that the phone is theirs, or through
    `contact_for`.

    Raises `Refused` where the phone is malformed, belongs to staff (who sign in at the desk), or is shut.
    """
    phone = normal_phone(phone)
    account = Account.objects.filter(phone=phone).first()
    if account is None:
        try:
            with transaction.atomic():
                account = Account(kind=Account.RESIDENT, phone=phone, created_at=at)
                account.set_unusable_password()
                account.save()
        except IntegrityError:  # the same phone signed in elsewhere at this moment
            account = Account.objects.get(phone=phone)
    if account.is_staff_member:
        raise Refused(_("这个号码登记的是工作人员，请从工作台登录。"), "phone")
    if not account.is_active:
        raise Refused(_("这个账号停用了，请打社区电话。"), "phone")
    return account


def contact_for(phone, name, at):
    """The resident with this phone, made if need be, as somebody at the desk heard it: nobody has shown yet that it is
    theirs. Whoever shows it by a code later comes in as this very account, after agreeing to the service.

    `name` is kept only while nobody has come in with the phone. Raises `Refused` like `resident_for`.
    """
    account = resident_for(phone, at)
    name = " ".join((name or "").split())
    if is_masked(name):
        raise Refused(_("姓名里有星号。请写完整，或者不写。"), "name")
    if len(name) > 40:
        raise Refused(_("太长了，最多%(n)s个字。") % {"n": 40}, "name")
    if name and not account.name and not account.consents.filter(purpose="service").exists():
        account.name = name
        account.save(update_fields=["name"])
    return account


def known_resident(phone, at):
    """The resident with this phone who is there already, or None: nobody is made before they agreed.

    Raises `Refused` like `resident_for`.
    """
    return resident_for(phone, at) if Account.objects.filter(phone=phone).exists() else None


def tie(account, place, at, relation, *, room=None, moved=False):
    """Tie `account` to `place`, or to its `room`, both as chosen from what there is. Returns the Dwelling.

    Raises `Refused` where the room is not of that place, where nobody could say whose grid it is, and like `bind`.
    """
    if room is not None:
        if room.parent_id != place.pk:
            raise Refused(_("这个室号不在这里，请重新选。"), "room")
        place = room
    if place.grid_id is None and (place.parent is None or place.parent.grid_id is None):
        raise Refused(_("请再选细一点：几幢、几单元。"), "place")
    return bind(account, place, at, relation, moved=moved)


def bind(account, place, at, relation="living", *, moved=False):
    """Tie `account` to `place` from now on; `moved` ends what it was tied to before. Returns the Dwelling.

    Binding twice changes only the relation. Raises `Refused` for an unknown relation and beyond five places.
    """
    if relation not in dict(Dwelling._meta.get_field("relation").choices):
        raise Refused(_("请选您和这个地方的关系。"), "relation")
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        current = account.dwellings.filter(until__isnull=True)
        if moved:
            current.exclude(place=place).update(until=at)
        mine = current.filter(place=place).first()
        if mine is not None:
            mine.relation = relation
            mine.save(update_fields=["relation"])
            return mine
        if current.count() >= MOST_DWELLINGS:
            raise Refused(_("最多绑定%(n)s个地方，请先解除一个。") % {"n": MOST_DWELLINGS})
        return Dwelling.objects.create(account=account, place=place, relation=relation, since=at)


def unbind(account, place, at):
    """End the tie to `place`; False if there was none."""
    return bool(account.dwellings.filter(place=place, until__isnull=True).update(until=at))


def dwellings(account):
    """What the account is tied to now, the one that decides its grid worker first."""
    found = account.dwellings.filter(until__isnull=True).order_by("since", "id")
    return list(found.select_related("place__grid", "place__compound", "place__community", "place__parent__grid"))


def dwelling_of(account):
    """The first current Dwelling, with its place and grid; None for somebody who has not bound a place."""
    return next(iter(dwellings(account)), None)


def grid_of(account):
    """The grid whose worker is this person's own; None without a place, or for a place outside the grids."""
    dwelling = dwelling_of(account)
    if dwelling is None:
        return None
    place = dwelling.place
    return place.grid or (place.parent.grid if place.parent else None)
