"""我的事: what the reporter may read and do, until they have had the last word."""

from typing import Literal

from django.http import Http404
from django.utils import timezone
from ninja import Router

from weilianxin.api.frame import BODY, PICTURE, acted, answers, key_header, resident
from weilianxin.api.schemas import MatterCard, Ref, Shape
from weilianxin.api.shapes import matter_card
from weilianxin.cases import cards
from weilianxin.cases.acting import move_of, prepare
from weilianxin.files.serve import photo_response

from ..pages.matters import JOINING, actor_of, listed, mine, own_case, photos_seen
from .shapes import ActIn, Matter, form, matter_of, not_integrity, photos_for

router = Router(tags=["matters"], auth=resident)


class Matters(Shape):
    items: list[MatterCard]
    older: str | None


@router.get("/matters", response=answers(Matters, 403))
def matters(request, tab: Literal["open", "done"] = "open", before: str = ""):
    """One's own matters, newest first; those that wait for their reporter stand on top of the first page."""
    at = timezone.now()
    waiting, page, older = listed(mine(request), tab == "done", before, at)
    made = cards.cards(waiting, at) + cards.cards(page, at)
    return {"items": [matter_card(card, at) for card in made], "older": older or None}


@router.get("/matters/{number}", response=answers(Matter, 403, 404))
def matter(request, number: str):
    """Who holds it, until when, how it stands, and everything its reporter can still do."""
    return matter_of(own_case(request, number), actor_of(request), timezone.now())


@router.post("/matters/{number}/acts/{name}", response=answers(Matter, 403, 404, 409, *BODY), url_name="matter_act")
def act(request, number: str, name: str, said: ActIn, key: str = key_header()):
    """An act of the reporter, as one of the matter's `acts` asks for it."""
    case, actor = own_case(request, number), actor_of(request)
    if name == JOINING:
        raise Http404
    not_integrity(str(said.said.get("note") or ""), said.not_integrity, "note")
    move = move_of(case, name)

    def run():
        do = prepare(case, actor, name, form(said.said), version=said.version)
        do(photos_for(request.account, move, said.photos))
        return number

    acted(request, key, run)
    return matter_of(own_case(request, number), actor, timezone.now())


@router.get(
    "/matters/{number}/photos/{ref}/{variant}",
    response=answers(None, 403, 404),
    openapi_extra=PICTURE,
    url_name="matter_photo",
)
def photo(request, number: str, ref: Ref, variant: str):
    """The `picture` or `thumb` of one's own matter, or of the one it went into where staff took it."""
    row = photos_seen(own_case(request, number)).filter(photo__ref=ref).select_related("photo").first()
    if row is None:
        raise Http404
    return photo_response(row.photo, variant, request)
