"""The grid worker's part: the list by what is due next, a case with its acts, and the threads of one's grids."""

from datetime import datetime
from typing import Literal

from django.conf import settings
from django.db.models import Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status
from pydantic import Field

from weilianxin.api.frame import BODY, acted, answers, key_header, staff
from weilianxin.api.frame import before as answered_before
from weilianxin.api.schemas import Due, Line, PhotoRef, Shape, SoundRef, Text
from weilianxin.api.shapes import due_of, photo_ref, sound_ref
from weilianxin.cases.access import actor_on, may_hear, may_know_reporter
from weilianxin.cases.acting import buttons, move_of, prepare
from weilianxin.cases.engine import offered
from weilianxin.cases.errors import NotAllowed
from weilianxin.cases.models import Case, CasePhoto
from weilianxin.desk import lists, matter
from weilianxin.desk.offline import may_wait
from weilianxin.desk.reach import GRID_ROLES, areas_of, my_posts, roles
from weilianxin.files.store import claim
from weilianxin.lib import words
from weilianxin.lib.datum import wgs84_to_gcj02
from weilianxin.lib.masks import mask_name, mask_phone
from weilianxin.people.contact import reveal_contact

from .. import intake, taking, threads
from ..flow import REPORTS
from ..models import About, Kind
from ..pages import places
from ..pages.places import entrance_of
from ..pages.send import unit_at
from ..pages.steps import usual_kind
from .report import Anonymous, Code, PlaceIn, about_in, category_in, located, place_of
from .shapes import ActIn, DeskAct, Integrity, Photos, TimelineLine, act_of, form, not_integrity, photos_for
from .thread import Said, key_of, message_with, opening, said_of

router = Router(tags=["desk"], auth=staff)
ACCEPT = REPORTS.move("accept")


class DeskCard(Shape):
    """A case as a list of the desk says it; `quick` is what can be done to it in one tap."""

    number: str
    title: str
    place: str
    urgency: str
    urgency_words: str
    phase: str
    state: str
    state_words: str
    due: Due | None
    headcount: int
    seen: bool
    thumb: str | None
    quick: DeskAct | None


class DeskList(Shape):
    items: list[DeskCard]
    older: str | None


class Point(Shape):
    """A point as WeChat's maps take it."""

    lat: float
    lon: float
    datum: Literal["gcj02"] = "gcj02"


class LinkOut(Shape):
    """The link of a task for an outside unit: shown this once, to be handed over."""

    unit: str
    url: str


class DeskCase(DeskCard):
    version: int
    text: str
    category: str
    wanted: str
    reporter_words: str
    can_contact: bool  # whether there is somebody, and whoever reads this may know who
    created_at: datetime
    lines: list[TimelineLine]
    photos: list[PhotoRef]
    sound: SoundRef | None
    route_words: str
    acts: list[DeskAct]
    point: Point | None
    links: list[LinkOut] = []


class ContactIn(Shape):
    why: Line


class ContactOut(Shape):
    name: str
    phone: str


class ThreadRow(Shape):
    id: int
    name: str
    grid: str
    waiting: bool
    due: Due | None
    last_at: datetime
    last_words: str


class ThreadRows(Shape):
    items: list[ThreadRow]
    older: str | None


class StaffThread(Shape):
    id: int
    name: str
    grid: str
    home: str | None
    due: Due | None
    items: list[Said]
    older: str | None
    open: bool
    opens_words: str | None


class ReplyIn(Shape):
    body: Text = ""
    photos: Photos = []


def card_of(case, account, posts, at):
    """One case of a list whose rows went through `lists.state_words` and `with_photos`; no query."""
    actor = actor_on(case, account, posts=posts)
    return {
        "number": case.number,
        "title": case.title,
        "place": case.where or _("地点不明"),
        "urgency": case.urgency,
        "urgency_words": case.get_urgency_display(),
        "phase": case.phase,
        "state": case.state,
        "state_words": str(case.word),
        "due": due_of(case.next_due_at, at, paused=case.paused) if case.is_open else None,
        "headcount": case.headcount,
        "seen": case.seen_at is not None,
        "thumb": f"/photos/{case.thumb.ref}/thumb" if case.thumb else None,
        "quick": quick(case, actor, at),
    }


def quick(case, actor, at):
    """Taking a new case on in one tap, where nothing has to be filled in."""
    ready = case.state in ACCEPT.sources and actor.role_for(ACCEPT) and case.community_id is not None
    if not ready or not offered(case, ACCEPT, actor, at, {}):
        return None
    named = {"name": ACCEPT.name, "label": str(ACCEPT.label), "fields": []}
    return {**named, "primary": True, "offline": may_wait(case, ACCEPT.name)}


@router.get("/desk/list", response=answers(DeskList, 403), url_name="desk_list")
def desk_list(request, tab: Literal["todo", "done"] = "todo", before: str = ""):
    """Everything of one's grids and whatever one holds: open by what is due next, done the newest first."""
    at, account = timezone.now(), request.account
    mine = Case.objects.visible_to(account).filter(Q(grid__in=areas_of(request, *GRID_ROLES)) | Q(holder=account))
    if tab == "done":
        rows, older = lists.newest(lists.rows_of(mine.filter(phase="done")), before)
    else:
        rows, older = lists.soonest(mine.open(), before)
    rows = lists.with_photos(lists.state_words(rows))
    return {"items": [card_of(case, account, my_posts(request), at) for case in rows], "older": older or None}


def case_of(request, case, links=()):
    """All that the worker's page says about a case."""
    at, account = timezone.now(), request.account
    actor = actor_on(case, account, posts=my_posts(request))
    photos = list(case.photos.select_related("photo", "event").filter(photo__erased_at__isnull=True))
    case.thumb = photos[-1].photo if photos else None
    lists.state_words([case], rooms=True)
    named = {move.name: move.label for move in REPORTS.moves}
    offers = [b for b in buttons(case, actor, at) if b["move"].name not in matter.HIDDEN]
    offers.sort(key=lambda button: matter.rank(case, button, at))
    events = matter.timeline(case, named)
    written = next((event for event in reversed(events) if event.act == "transcribe"), None)
    point = wgs84_to_gcj02(case.lon, case.lat) if case.lat is not None else None
    return {
        **card_of(case, account, my_posts(request), at),
        "version": case.version,
        "text": matter.first_text(case),
        "category": case.report.category.name if case.report.category else "",
        "wanted": case.report.wanted,
        "reporter_words": reporter_words(case, actor),
        "can_contact": case.reporter is not None and may_know_reporter(case, actor),
        "created_at": case.created_at,
        "lines": [line_of(event, photos) for event in events],
        "photos": [picture_of(row) for row in photos],
        "sound": sound_ref(case, may_hear(case, actor), written),
        "route_words": "；".join(case.route.get("reasons", [])),
        "acts": [
            act_of(button, first=matter.rank(case, button, at) == 0) | {"offline": may_wait(case, button["move"].name)}
            for button in offers
        ],
        "point": {"lat": point[1], "lon": point[0]} if point else None,
        "links": [{"unit": task.unit.name_zh, "url": settings.PUBLIC_URL + path} for task, path in links],
    }


def reporter_words(case, actor):
    if case.reporter is None:
        return _("不是居民直接报的")
    if not may_know_reporter(case, actor):
        return _("报事人不公开")
    return f"{mask_name(case.reporter.name)} {mask_phone(case.reporter.phone or '')}".strip()


def line_of(event, photos):
    return {
        "title": _("%(who)s：%(act)s") % {"who": event.who, "act": event.label} if event.who else str(event.label),
        "note": event.note,
        "at": event.at,
        "at_words": words.when(event.at),
        "photos": [picture_of(row) for row in photos if row.event_id == event.pk],
        "took": None,
    }


def picture_of(row):
    after = row.stage == CasePhoto.AFTER
    return photo_ref(row.photo.ref, "/photos", caption=_("办后") if after else _("办前"), after=after)


def load(request, number):
    """The case as the account may see it, with its report; opening it says so to the reporter."""
    case = matter.load(request, number)
    if case.programme != "reports":
        raise Http404
    return case


@router.get("/desk/cases/{number}", response=answers(DeskCase, 403, 404), url_name="desk_case")
def desk_case(request, number: str):
    """One case. That its own grid worker opened it is told to the resident at once."""
    case = load(request, number)
    case = matter.mark_seen(request, case, actor_on(case, request.account, posts=my_posts(request)))
    return case_of(request, case)


@router.post(
    "/desk/cases/{number}/acts/{name}",
    response={**answers(DeskCase, 403, 404, 409, *BODY), 204: None},
    url_name="desk_act",
)
def desk_act(request, number: str, name: str, said: ActIn, key: str = key_header()):
    """An act of staff, as one of the case's `acts` asks for it. 204: it was done, and the case is now others'."""
    account, links = request.account, []
    if answered_before(request, key) is None:
        case = load(request, number)
        actor = actor_on(case, account, posts=my_posts(request))
        move = move_of(case, name)

        def run():
            do = prepare(case, actor, name, form(said.said), version=said.version)
            do(photos_for(account, move, said.photos), lambda _after, made: links.extend(made))
            return number

        acted(request, key, run)
    if not Case.objects.visible_to(account).filter(number=number).exists():
        return Status(204, None)
    return case_of(request, load(request, number), links)


@router.post(
    "/desk/cases/{number}/contact", response=answers(ContactOut, 403, 404, 409, *BODY), url_name="desk_contact"
)
def contact(request, number: str, said: ContactIn, key: str = key_header()):
    """The reporter's name and number, for a reason that stays in the journal and that the resident can read."""
    case = load(request, number)
    if not may_know_reporter(case, actor_on(case, request.account, posts=my_posts(request))):
        raise Http404

    def act():
        reveal_contact(case.stream, case.reporter, request.account, said.why, timezone.now())
        return number

    acted(request, key, act)
    return {"name": case.reporter.name, "phone": case.reporter.phone}


def due_of_thread(thread, at):
    return due_of(thread.answer_due_at, at) if thread.answer_due_at else None


@router.get("/desk/threads", response=answers(ThreadRows, 403), url_name="desk_threads")
def desk_threads(request, before: str = ""):
    """The threads of one's grids: those that wait for an answer, then a page of the others; `before` asks for the next
    page of those."""
    at = timezone.now()
    waiting, answered, older = threads.inbox_for(request.account, at, before)
    return {
        "older": older or None,
        "items": [
            {
                "id": row.pk,
                "name": row.resident.name or _("居民"),
                "grid": row.grid.name,
                "waiting": row.answer_due_at is not None,
                "due": due_of_thread(row, at),
                "last_at": row.last_at,
                "last_words": words.when(row.last_at, at),
            }
            for row in [*waiting, *answered]
        ],
    }


def thread_of(request, pk):
    row = threads.visible_to(request.account).filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


@router.get("/desk/threads/{int:thread}", response=answers(StaffThread, 403, 404), url_name="desk_thread")
def desk_thread(request, thread: int, before: str = ""):
    """One conversation; reading it marks it read."""
    at, row = timezone.now(), thread_of(request, thread)
    threads.read(row, request.account, at)
    messages, older = threads.page(row, key_of(before))
    home = entrance_of(row.resident)
    return {
        "id": row.pk,
        "name": row.resident.name or _("居民"),
        "grid": row.grid.name,
        "home": home.full_name if home else None,
        "due": due_of_thread(row, at),
        "items": [said_of(message, by_staff=True) for message in messages],
        "older": str(older) if older else None,
        **opening(at),
    }


@router.post("/desk/threads/{int:thread}", response=answers(Said, 403, 404, 409, *BODY, status=201))
def answer(request, thread: int, said: ReplyIn, key: str = key_header()):
    """Answer a resident of one's grid."""
    at, row = timezone.now(), thread_of(request, thread)

    def act():
        return threads.reply(row, request.account, said.body, claim(request.account, said.photos, at), at).pk

    return Status(201, said_of(message_with(acted(request, key, act)), by_staff=True))


# Written down for others, and found on the round


class TakenIn(Shape):
    """What a caller or a visitor says. `agreed`: they heard what is kept and said yes. `shown` names matters of the
    same person that were looked at and are others; `token` joins the neighbour's matter that a preview showed."""

    channel: Literal["phone", "window", "grid_worker"]
    phone: Line = ""
    name: Line = ""
    agreed: bool = False
    receipt: bool = False
    wish: Literal["call", "message"] = "call"
    text: Text
    category: Code = ""
    kind: Literal[tuple(Kind.values)] | None = None
    about: Literal[tuple(About.values)] | None = None
    about_unit: int | None = None
    anonymity: Anonymous = "N1"
    place: PlaceIn
    photos: Photos = []
    shown: list[Line] = Field(default=[], max_length=20)
    token: Line = ""
    not_integrity: bool = False


class Taken(Shape):
    """The number to read out. `open`: whether its writer can open the matter."""

    number: str
    open: bool
    accept_words: str


class FoundIn(Shape):
    """What was found. The first `befores` of `photos` show how it was, the others how it is now."""

    category: Code
    place: PlaceIn
    photos: Photos = []
    befores: int = Field(default=0, ge=0, le=9)
    fixed: bool = False
    text: Text = ""
    not_integrity: bool = False


@router.post("/desk/reports", response=answers(Taken, 403, 409, *BODY, status=201), url_name="desk_reports")
def take_down(request, said: TakenIn, key: str = key_header()):
    """Write down what somebody says on the phone, at the window or on the way. 409 when the same person told the same
    a moment ago: the sentence names the number; sent again with it in `shown` it is another matter."""
    at, account = timezone.now(), request.account
    if not roles(request) & taking.RECEIVERS:
        raise NotAllowed()

    def act():
        data = place_of(said.place)
        where, category = located(data, None), category_in(said.category)
        kind = said.kind or usual_kind(category)
        return taking.take_down(
            account,
            channel=said.channel,
            phone=said.phone,
            name=said.name,
            agreed=said.agreed,
            receipt=said.receipt,
            shown=said.shown,
            token=said.token,
            text=said.text,
            location=where,
            category=category,
            kind=kind,
            about=about_in(said.about, kind),
            about_unit=unit_at(said.about_unit, where) if said.about_unit is not None else None,
            anonymity=said.anonymity,
            wish=said.wish,
            photos=claim(account, said.photos, at),
            place_text=places.words(data, where),
            not_integrity=said.not_integrity,
            at=at,
        ).number

    try:
        number = acted(request, key, act)
    except intake.IntegrityElsewhere:
        raise Integrity("text") from None
    case = Case.objects.get(number=number)
    seen = Case.objects.visible_to(account).filter(pk=case.pk).exists()
    due = words.before(case.accept_due_at, at) if case.accept_due_at else ""
    return Status(201, {"number": number, "open": seen, "accept_words": due})


@router.post("/desk/found", response=answers(DeskCase, 403, 404, 409, *BODY, status=201), url_name="desk_found")
def found(request, said: FoundIn, key: str = key_header()):
    """What a grid worker found on the round in their own grid: with `fixed` opened and closed at once, else theirs."""
    at, account = timezone.now(), request.account
    if not roles(request) & set(GRID_ROLES):
        raise NotAllowed()
    not_integrity(said.text, said.not_integrity, "text")

    def act():
        data = place_of(said.place)
        where = located(data, None)
        return taking.found(
            account,
            category=category_in(said.category),
            location=where,
            before=claim(account, said.photos[: said.befores], at),
            after=claim(account, said.photos[said.befores :], at),
            fixed=said.fixed,
            text=said.text,
            place_text=places.words(data, where),
            at=at,
        ).number

    return Status(201, case_of(request, load(request, acted(request, key, act))))
