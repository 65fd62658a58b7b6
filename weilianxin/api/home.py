"""The first page in one request, and a scanned plate."""

from typing import Literal

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import Field

from weilianxin.areas.choices import parts_of
from weilianxin.areas.home import own_subdistrict
from weilianxin.areas.models import PlaceKind
from weilianxin.areas.plates import replaced, resolve
from weilianxin.cases.cards import open_matters
from weilianxin.lib.client import address_of
from weilianxin.notify import templates
from weilianxin.notify.inbox import unread_count
from weilianxin.people import throttle
from weilianxin.people.errors import TooOften
from weilianxin.people.plate import MISSES, WITHIN, entrance_of
from weilianxin.people.residents import dwelling_of

from .frame import OPTIONAL, answers
from .schemas import AccountOut, Dial, MatterCard, Named, Shape, WorkerCard
from .shapes import account_of, matter_card, worker_of

router = Router(tags=["home"])


class DwellingShort(Shape):
    place: int
    name: str


class TemplateOut(Shape):
    """A message of WeChat that may be asked about, and what it is for."""

    id: str
    purpose: Literal["accepted", "asking", "closed", "task"] = Field(alias="for")


class Home(Shape):
    """`templates`: what may be asked about in WeChat; empty for whom WeChat does not reach."""

    account: AccountOut | None
    worker: WorkerCard | None
    dwelling: DwellingShort | None
    waiting: list[MatterCard]
    unread: int
    dial: list[Dial]
    demo: bool
    templates: list[TemplateOut]


class PlateOut(Shape):
    """`revoked` is a plate taken out of use: the place is still named, but nobody; `replaced` says that a new one hangs
    there."""

    state: str
    place: Named
    parts: list[Named]
    worker: WorkerCard | None
    replaced: bool = False


def dials():
    """Whom to call in danger, and the subdistrict's own number."""
    found = [
        {"name": _("110 有人打架、被偷、走失"), "number": "110"},
        {"name": _("119 着火、被困、漏气"), "number": "119"},
        {"name": _("120 有人受伤、发病"), "number": "120"},
    ]
    ours = own_subdistrict()
    if ours is not None and ours.phone:
        found.append({"name": _("街道值班电话"), "number": ours.phone})
    return found


@router.get("/home", response=answers(Home), by_alias=True, openapi_extra=OPTIONAL)
def home(request):
    """All that the first page shows. Works without a token."""
    account, at = request.account, timezone.now()
    resident = account is not None and not account.is_staff_member
    dwelling = dwelling_of(account) if resident else None
    place = dwelling.place if dwelling else None
    told = templates.asked_of(account) if account is not None else []
    return {
        "account": account_of(account) if account is not None else None,
        "worker": worker_of(place, at) if place else None,
        "dwelling": {"place": place.pk, "name": entrance_of(place)} if place else None,
        "waiting": [matter_card(card, at) for card in open_matters(account, at)] if resident else [],
        "unread": unread_count(account) if account is not None else 0,
        "dial": dials(),
        "demo": settings.DEMO,
        "templates": [{"id": row.template_id, "for": row.purpose} for row in told],
    }


@router.get("/plates/{code}", response=answers(PlateOut, 404, 429), openapi_extra=OPTIONAL)
def plate(request, code: str):
    """What a scanned plate says: the place, who serves it, and what lies below it. Guessing is throttled."""
    at, found = timezone.now(), resolve(code)
    if found is None:
        if not throttle.allow("plate", address_of(request), limit=MISSES, seconds=WITHIN, at=at):
            raise TooOften(_("试得太多了。请过一小时再来，或打社区电话。"))
        raise Http404
    place = found.place
    if found.revoked_at:
        gone = {"state": "revoked", "place": named(place), "parts": [], "worker": None}
        return gone | {"replaced": replaced(found)}
    return {
        "state": "ok",
        "place": named(place),
        "parts": [named(part) for part in shown_parts(request, place)],
        "worker": worker_of(place, at),
    }


def named(place):
    return {"id": place.pk, "name": place.full_name}


def shown_parts(request, place):
    """What lies below a place. Rooms are only shown to a resident, who may live in one."""
    account = request.account
    rooms = account is not None and not account.is_staff_member
    return [part for part in parts_of(place) if rooms or part.kind != PlaceKind.ROOM]
