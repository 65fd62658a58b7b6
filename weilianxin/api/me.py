"""My data, where I live, and my messages."""

import re
from datetime import datetime
from typing import Literal

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status

from weilianxin.areas.choices import known
from weilianxin.cases.errors import Invalid
from weilianxin.lib import words
from weilianxin.notify import inbox as messages
from weilianxin.people import mydata, residents

from .frame import BODY, acted, answers, key_header, resident, signed_in
from .schemas import AccountOut, Shape, WorkerCard
from .shapes import account_of, worker_of

router = Router(tags=["me"])
MATTER = re.compile(r"/(?:matters|cases)/([0-9]{6}-[0-9]{4,9})")


class DwellingOut(Shape):
    place: int
    name: str
    relation: str
    relation_words: str


class ConsentGiven(Shape):
    purpose: str
    version: str
    given_at: datetime
    withdrawn_at: datetime | None


class Me(Shape):
    account: AccountOut
    dwellings: list[DwellingOut]
    consents: list[ConsentGiven]


class MeIn(Shape):
    language: Literal["zh-hans", "en"] | None = None


class DwellingIn(Shape):
    place: int
    room: int | None = None
    relation: Literal["living", "owner", "tenant", "work"] = "living"
    moved: bool = False


class Bound(Shape):
    dwelling: DwellingOut
    worker: WorkerCard | None


class MessageOut(Shape):
    id: int
    title: str
    body: str
    at: datetime
    at_words: str
    read: bool
    matter: str | None


class Inbox(Shape):
    items: list[MessageOut]
    older: str | None


class ReadIn(Shape):
    up_to: int


class Unread(Shape):
    unread: int


def dwelling_out(row):
    return {
        "place": row.place_id,
        "name": row.place.full_name,
        "relation": row.relation,
        "relation_words": row.get_relation_display(),
    }


@router.get("/me", auth=signed_in, response=answers(Me))
def me(request):
    """Who I am, where I live, and what I agreed to."""
    return about(request.account)


def about(account):
    return {
        "account": account_of(account),
        "dwellings": [dwelling_out(row) for row in residents.dwellings(account)],
        "consents": [
            {name: getattr(row, name) for name in ("purpose", "version", "given_at", "withdrawn_at")}
            for row in account.consents.order_by("-given_at", "-id")[:20]
        ],
    }


@router.patch("/me", auth=signed_in, response=answers(Me, *BODY))
def change_me(request, said: MeIn):
    """The language in which messages are written from now on."""
    mydata.correct(request.account, language=said.language, at=timezone.now())
    return about(request.account)


@router.post(
    "/dwellings", auth=resident, response=answers(Bound, 403, 404, 409, *BODY, status=201), url_name="dwellings"
)
def bind(request, said: DwellingIn, key: str = key_header()):
    """Tie oneself to a place, or to a room in it: then one has one's own grid worker."""
    at = timezone.now()
    place = known(said.place)
    if place is None:
        raise Invalid(_("这个地点已经不用了，请重新选择。"), "place")
    room = known(said.room) if said.room is not None else None
    if said.room is not None and room is None:
        raise Invalid(_("这个地点已经不用了，请重新选择。"), "room")

    def act():
        return residents.tie(request.account, place, at, said.relation, room=room, moved=said.moved).pk

    row = request.account.dwellings.select_related("place__grid", "place__parent__grid").get(
        pk=acted(request, key, act)
    )
    return Status(201, {"dwelling": dwelling_out(row), "worker": worker_of(row.place, at)})


@router.delete(
    "/dwellings/{int:place}", auth=resident, response=answers(None, 403, 404, status=204), url_name="dwelling"
)
def unbind(request, place: int):
    """End the tie to a place; ended twice, it is ended."""
    row = request.account.dwellings.filter(place=place).select_related("place").first()
    if row is None:
        raise Http404
    residents.unbind(request.account, row.place, timezone.now())
    return Status(204, None)


@router.get("/inbox", auth=signed_in, response=answers(Inbox))
def inbox(request, before: str = ""):
    """Messages, newest first."""
    page = messages.inbox(request.account, before or None)
    return {"items": [message_out(row) for row in page.rows], "older": str(page.older) if page.older else None}


def message_out(row):
    matter = MATTER.search(row.url)
    return {
        "id": row.pk,
        "title": row.title,
        "body": row.body,
        "at": row.created_at,
        "at_words": words.when(row.created_at),
        "read": row.read_at is not None,
        "matter": matter[1] if matter else None,
    }


@router.post("/inbox/read", auth=signed_in, response=answers(Unread, *BODY), url_name="inbox_read")
def read(request, said: ReadIn):
    """Mark my messages read, up to and including this one; again changes nothing."""
    messages.mark_read(request.account, up_to=said.up_to)
    return {"unread": messages.unread_count(request.account)}
