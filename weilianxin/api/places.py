"""Naming a place: choices from above to below, and words that name one."""

from typing import Literal

from django.http import Http404
from ninja import Router

from weilianxin.areas.choices import compounds, known, public_places
from weilianxin.areas.models import PlaceKind
from weilianxin.areas.names import find_in_text

from .frame import BODY, OPTIONAL, answers, not_too_often
from .home import named, shown_parts
from .schemas import Line, Named, Shape

router = Router(tags=["places"])
Kind = Literal["compound", "building", "entrance", "room", "public"]


class Part(Named):
    kind: Kind


class PlaceOut(Named):
    """`bindable`: whose grid it is, is known, so that one may live here."""

    kind: Kind
    bindable: bool
    parts: list[Part]


class WordsIn(Shape):
    words: Line


class Found(Shape):
    items: list[Named]


class Community(Shape):
    name: str
    compounds: list[Named]


class Choices(Shape):
    communities: list[Community]
    public: list[Named]


@router.get("/places/choices", response=answers(Choices), openapi_extra=OPTIONAL)
def place_choices(request):
    """The compounds by community, and the public places."""
    return {
        "communities": [{"name": name, "compounds": list(map(named, rows))} for name, rows in compounds()],
        "public": list(map(named, public_places())),
    }


@router.post("/places/find", response=answers(Found, *BODY), openapi_extra=OPTIONAL, url_name="place_find")
def find(request, said: WordsIn):
    """The place that the words name, if they name one. Posted, so that nobody's home stands in a log."""
    not_too_often(request, "places")
    place, _matched = find_in_text(said.words)
    if place is not None and place.kind == PlaceKind.ROOM and not rooms_for(request):
        place = place.parent
    return {"items": [named(place)] if place is not None else []}


@router.get("/places/{int:place}", response=answers(PlaceOut, 404), openapi_extra=OPTIONAL, url_name="place")
def place(request, place: int):
    """One place with what lies below it."""
    row = known(place)
    if row is None or (row.kind == PlaceKind.ROOM and not rooms_for(request)):
        raise Http404
    grid = row.grid_id or (row.parent.grid_id if row.parent else None)
    return {
        **named(row),
        "kind": row.kind,
        "bindable": grid is not None,
        "parts": [{**named(part), "kind": part.kind} for part in shown_parts(request, row)],
    }


def rooms_for(request):
    return request.account is not None and not request.account.is_staff_member
