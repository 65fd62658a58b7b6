"""Reporting in one body: the choices, what can be said before it is sent, sending it, and joining a neighbour's."""

from datetime import datetime
from typing import Annotated, Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status
from pydantic import Field

from weilianxin.api.frame import BODY, OPTIONAL, acted, answers, key_header, not_too_often, resident
from weilianxin.api.schemas import Coded, Line, Named, Photos, Ref, Shape, Text, WorkerCard
from weilianxin.api.shapes import card_of
from weilianxin.cases.errors import Invalid
from weilianxin.cases.models import Anonymity
from weilianxin.files.store import claim, claim_sound
from weilianxin.lib import words
from weilianxin.people import consent

from .. import intake, policy
from ..intake import COMPLAINTS
from ..models import About, Kind, Report
from ..pages import drafts, places
from ..pages.matters import actor_of, own_case
from ..pages.send import agree, message_of, outlook, said_in_thread, unit_at
from ..pages.steps import category_of, usual_kind
from ..pages.what import columns
from .shapes import Integrity, Matter, matter_of, not_integrity

router = Router(tags=["report"])
Code = Annotated[str, Field(max_length=12)]
Anonymous = Literal["N0", "N1", "N2"]


class Category(Coded):
    hint: str


class Column(Coded):
    categories: list[Category]


class Choice(Coded):
    words: str = ""


class Limits(Shape):
    text_least: int
    text_most: int
    photos: int


class Categories(Shape):
    columns: list[Column]
    kinds: list[Choice]
    abouts: list[Choice]
    floors: list[Choice]
    anonymity: list[Choice]
    wishes: list[Choice]
    limits: Limits


class PlaceIn(Shape):
    """Where it is, in one of six ways. A point says its datum; what was said outranks what was measured."""

    how: Literal["plate", "home", "choose", "public", "point", "address"]
    plate: Line = ""
    place: int | None = None
    lat: float | None = None
    lon: float | None = None
    datum: Literal["gcj02", "wgs84"] = "wgs84"
    address: Line = ""
    floor: Line = ""
    mark: Line = ""


class PreviewIn(Shape):
    text: Text
    category: Code = ""
    kind: Literal[tuple(Kind.values)] | None = None
    about: Literal[tuple(About.values)] | None = None
    place: PlaceIn | None = None
    not_integrity: bool = False


class DialWhy(Shape):
    number: str
    why: str


class Near(Shape):
    """A neighbour's report of the same thing; `token` joins it, for a day."""

    token: str
    title: str
    place: str
    at: datetime
    at_words: str
    headcount: int
    word: str


class Own(Shape):
    number: str
    title: str


class Preview(Shape):
    dial: list[DialWhy]
    suggestions: list[Coded]
    place_words: str | None
    place_problem: str | None
    worker: WorkerCard | None
    taken_by: str | None
    taken_how: str | None
    unseen: bool
    accept_words: str
    limit_words: str
    urgent: bool
    near: list[Near]
    own: list[Own]
    units: list[Named]
    ask_consent: bool


class ReportIn(Shape):
    """A report; `about` has to be said of 投诉 and 举报."""

    text: Text
    category: Code = ""
    kind: Literal[tuple(Kind.values)] | None = None
    about: Literal[tuple(About.values)] | None = None
    about_unit: int | None = None
    anonymity: Anonymous = "N1"
    wish: Literal["call", "message", "none"] = "call"
    place: PlaceIn
    photos: Photos = []
    sound: Ref | None = None
    message: int | None = None
    not_integrity: bool = False
    consent: Line = ""


class JoinIn(Shape):
    token: Line
    text: Text = ""
    photos: Photos = []
    anonymity: Anonymous = "N1"
    not_integrity: bool = False
    consent: Line = ""


@router.get("/categories", response=answers(Categories))
def categories(request):
    """What can be chosen in a report, in order; integrity is not among it."""
    number = policy.number
    return {
        "columns": [
            {
                "code": column["code"],
                "name": column["name"],
                "categories": [
                    {"code": row.code, "name": row.name, "hint": row.hint_zh} for row in column["categories"]
                ],
            }
            for column in columns()
        ],
        "kinds": pairs(Kind.choices),
        "abouts": [{"code": one.value, "name": str(one.label), "words": str(one.hint)} for one in About],
        "floors": pairs(places.FLOORS),
        "anonymity": pairs(Anonymity.choices),
        "wishes": pairs(Report._meta.get_field("wish").choices),
        "limits": {
            "text_least": number("text_least"),
            "text_most": number("text_most"),
            "photos": drafts.MOST_PHOTOS,
        },
    }


def pairs(choices):
    return [{"code": str(code), "name": str(name)} for code, name in choices]


def place_of(said):
    """A place of a body as `pages.places` keeps it."""
    text = {name: getattr(said, name).strip() for name in ("plate", "address", "floor", "mark", "datum")}
    if said.how == "public":
        text["public"] = said.place
    numbers = {name: getattr(said, name) for name in ("lat", "lon")}
    point = {name: "" if number is None else str(number) for name, number in numbers.items()}
    return {"where": said.how, "place": said.place, **text, **point}


def located(place, account):
    """The Location of a body's place. Raises `Invalid`, always about the place."""
    try:
        return places.location(place, account)
    except Invalid as problem:
        raise Invalid(str(problem), "place") from None


def about_in(about, kind):
    """What a complaint is about. Nobody is let off by silence: it decides who gets to see it. Raises `Invalid`."""
    if about is None and kind in COMPLAINTS:
        raise Invalid(_("投诉或举报的是什么？请选一个。"), "about")
    return about or About.THING


def category_in(code):
    """The category with this code, None for an empty one; the choice of integrity leads elsewhere."""
    category = category_of(code)
    if code and category is None:
        raise Invalid(_("没有这个类别，请重新选。"), "category")
    return category


@router.post(
    "/reports/preview",
    response=answers(Preview, *BODY),
    openapi_extra=OPTIONAL,
    url_name="preview",
)
def preview(request, said: PreviewIn):
    """What can be said before a report is sent; nothing is kept. A place that cannot be used says why in
    `place_problem`."""
    not_too_often(request, "preview")
    account, at = request.account, timezone.now()
    if account is not None and account.is_staff_member:
        account = None
    data = {"text": said.text.strip(), "about": said.about, "not_integrity": said.not_integrity}
    where, problem = None, None
    if said.place is not None:
        data |= place_of(said.place)
        try:
            where = located(data, account)
        except Invalid as refusal:
            problem = str(refusal)
    seen = outlook(data, category_in(said.category), where, account, at)
    if seen["integrity"]:
        raise Integrity("text")
    return {
        "dial": [{"number": number, "why": why} for number, why in seen["dial"]],
        "suggestions": [{"code": row.code, "name": row.name} for row in seen["guesses"]],
        "place_words": seen["place_words"] or None,
        "place_problem": problem,
        "worker": card_of(seen["duty"], at) if seen["duty"] else None,
        "taken_by": str(seen["taken_by"]) or None,
        "taken_how": str(seen["taken_how"]) or None,
        "unseen": seen["unseen"],
        "accept_words": words.before(seen["accept_due"], at),
        "limit_words": seen["limit"],
        "urgent": seen["urgent"],
        "near": [near_of(near, at) for near in seen["near"]],
        "own": [{"number": near["case"].number, "title": near["case"].title} for near in seen["own"]],
        "units": [{"id": unit.pk, "name": unit.name} for unit in seen["units"]],
        "ask_consent": account is not None and not consent.has_consent(account),
    }


def near_of(near, at):
    return {
        **{name: near[name] for name in ("token", "title", "place", "at", "headcount", "word")},
        "at_words": words.when(near["at"], at),
    }


def consented(account, version, at):
    """The consent that is still missing, in the version that was shown."""
    agree(account, version == consent.current_version(consent.SERVICE).version, at)


@router.post("/reports", auth=resident, response=answers(Matter, 403, 409, *BODY, status=201), url_name="reports")
def submit(request, said: ReportIn, key: str = key_header()):
    """Send a report. With `message` it is made from that message of the thread, whose time starts the clock."""
    account, at = request.account, timezone.now()
    consented(account, said.consent, at)

    def act():
        data = place_of(said.place)
        where, category = located(data, account), category_in(said.category)
        message = message_of(said.message, account)
        if said.message is not None and message is None:
            raise Invalid(_("这条消息已经变成报事了，或者不是您的。"), "message")
        kind = said.kind or usual_kind(category)
        case = intake.submit(
            account,
            text=said.text,
            category=category,
            location=where,
            kind=kind,
            about=about_in(said.about, kind),
            about_unit=unit_at(said.about_unit, where) if said.about_unit is not None else None,
            anonymity=said.anonymity,
            photos=claim(account, said.photos, at, also=message.photos.all() if message else ()),
            sound=claim_sound(account, said.sound, at),
            channel="mini_program",
            at=at,
            place_text=places.words(data, where),
            wish=said.wish,
            not_integrity=said.not_integrity,
            tell=message is None,
            since=message.at if message else None,
        )
        if message is not None:
            said_in_thread(case, message, at)
        return case.number

    try:
        number = acted(request, key, act)
    except intake.IntegrityElsewhere:
        raise Integrity("text") from None
    return Status(201, matter_of(own_case(request, number), actor_of(request), at))


@router.post("/reports/join", auth=resident, response=answers(Matter, 403, 409, *BODY, status=201), url_name="join")
def join(request, said: JoinIn, key: str = key_header()):
    """我也遇到: one's own matter, joined to the neighbour's behind `token`."""
    account, at = request.account, timezone.now()
    consented(account, said.consent, at)
    not_integrity(said.text, said.not_integrity, "text")

    def act():
        case = intake.join(
            account,
            said.token,
            text=said.text,
            photos=claim(account, said.photos, at),
            anonymity=said.anonymity,
            channel="mini_program",
            at=at,
        )
        return case.number

    number = acted(request, key, act)
    return Status(201, matter_of(own_case(request, number), actor_of(request), at))
