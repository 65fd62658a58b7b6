"""The grid worker's day as JSON, and a visit marked done: what the mini-program's page 今天 needs."""

from datetime import date, datetime, timedelta
from typing import Literal

from django.http import Http404
from django.utils import timezone
from ninja import Router
from pydantic import AwareDatetime, Field

from weilianxin.api.frame import BODY, acted, answers, key_header, staff
from weilianxin.api.frame import before as answered_before
from weilianxin.api.schemas import Shape
from weilianxin.desk.day import OVERDUE, URGENT, far, today

from . import plan as rules
from .models import Plan

router = Router(tags=["desk"], auth=staff)
ROUTERS = [router]
KEPT, ASTRAY = timedelta(days=7), timedelta(minutes=1)  # how long a phone keeps a visit; how wrong its clock may go
WINDOWS = {URGENT: "urgent", OVERDUE: "overdue"}


class DayItem(Shape):
    """One stop. `n` is its number on the way, null where it has no point."""

    n: int | None
    kind: str  # matter, visit, check
    ref: str  # a case's number, or the ref of a stop
    title: str
    place: str
    window: Literal["urgent", "overdue", "today"]
    due_at: datetime | None  # of a matter
    due_on: date | None  # of a stop; sent back with its visit
    tries: int


class Day(Shape):
    items: list[DayItem]
    more: bool
    far_words: str
    metres: int
    grids: list[str]


class VisitIn(Shape):
    due: date
    outcome: Literal["met", "nobody", "declined"]
    note: str = Field("", max_length=500)
    noticed: str = Field("", max_length=500)
    next_try: date | None = None
    at: AwareDatetime | None = None  # when it was, of a visit that waited for a network


class VisitOut(Shape):
    ref: str


def moment(said, now):
    """When a visit was, as the phone says it; now, where that was too long ago or is yet to come."""
    return min(said, now) if said is not None and now - KEPT <= said <= now + ASTRAY else now


def item_of(item):
    day = None if item.kind == "matter" else item.due
    return {
        "n": item.n,
        "kind": item.kind,
        "ref": item.ref,
        "title": item.title,
        "place": item.where,
        "window": WINDOWS.get(item.window, "today"),
        "due_at": item.due if item.kind == "matter" else None,
        "due_on": day,
        "tries": item.tries,
    }


@router.get("/desk/day", response=answers(Day, 403), url_name="desk_day")
def desk_day(request):
    """Everything one goes out for today, in the order to walk it from the middle of one's grids; empty for others."""
    day = today(request, timezone.now())
    return {
        "items": [item_of(item) for item in day["items"]],
        "more": day["more"],
        "far_words": far(day["metres"]),
        "metres": day["metres"],
        "grids": [grid.name for grid in day["grids"]],
    }


@router.post("/desk/visits/{ref}", response=answers(VisitOut, 403, 404, 409, *BODY), url_name="desk_visit")
def desk_visit(request, ref: str, body: VisitIn, key: str = key_header()):
    """A visit is done: `due` is the day for which the list showed it, so that two do not go for the same one. Refused
    as changed also where it comes round no more. `at` is when it was, at most seven days ago; any other counts as
    now."""
    kept = answered_before(request, key)
    if kept is not None:
        return kept
    row = Plan.objects.visible_to(request.account).filter(ref=ref[:24], template__isnull=True).first()
    if row is None:
        raise Http404

    def act():
        now, facts = timezone.now(), body.dict()
        was = moment(facts.pop("at"), now)
        done = rules.visit(row, request.account, **facts, was=was, at=now)
        return {"ref": done.ref}

    return acted(request, key, act)
