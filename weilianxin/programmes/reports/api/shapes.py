"""The shapes of reports: acts with their questions, the matter as its reporter reads it, and words about integrity."""

from datetime import datetime
from typing import Any, Literal

from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from pydantic import Field

from weilianxin.api.schemas import MatterCard, PhotoRef, Photos, Shape, SoundRef
from weilianxin.api.shapes import matter_card, photo_ref, sound_ref
from weilianxin.cases.errors import Invalid
from weilianxin.files.store import claim
from weilianxin.lib import words
from weilianxin.lib.refusal import Refused

from ..pages import matters
from ..pages.steps import is_integrity, office
from ..screening import hushed

KINDS = {"long": "textarea", "choice": "select", "rating": "radios"}
PRIMARY = 3  # weights up to this one stand first on the page


class Option(Shape):
    value: str
    label: str
    group: str | None


class Question(Shape):
    """One question of an act. The answer goes into the act's body under `name`; checks take a list."""

    name: str
    kind: Literal["text", "textarea", "radios", "checks", "select", "date", "photos"]
    label: str
    help: str
    required: bool
    options: list[Option]
    value: str | list[str] | None
    most: int | None


class Act(Shape):
    name: str
    label: str
    fields: list[Question]
    primary: bool


class DeskAct(Act):
    """`offline`: whether a phone may keep it until there is a network. What hands over a link that is shown once,
    decides for others or must be seen by them at once may not wait: it is sent now, or not at all."""

    offline: bool


class TimelineLine(Shape):
    title: str
    note: str
    at: datetime
    at_words: str
    photos: list[PhotoRef]
    took: str | None


class Ahead(Shape):
    title: str
    who: str
    kind: str


class Matter(MatterCard):
    """A matter with everything its reporter may read and do. `ways` of saying more stand in `acts`."""

    version: int
    text: str
    hushed: bool  # its words, photos and voice are shown when they are asked for, not at a glance
    place_words: str
    category: str
    created_at: datetime
    plan: str | None  # how what had to be suspended will be solved, or the rest of what is solved in part
    lines: list[TimelineLine]
    ahead: list[Ahead]
    photos: list[PhotoRef]
    sound: SoundRef | None
    headcount: int
    acts: list[Act]
    can_dispute_until_words: str | None
    joined: bool


class ActIn(Shape):
    """What an act's form says: `version` as it was read, ids of photos sent ahead, and under `said` an answer for each
    question."""

    version: int | None = None
    photos: Photos = []
    not_integrity: bool = False
    said: dict[str, str | int | float | bool | list[str | int] | None] = Field(default={}, max_length=40)


class Integrity(Refused):
    """Words about integrity: nothing was kept, and `ways` says whom to turn to."""

    code, status = "integrity", 422

    def __init__(self, field):
        super().__init__(_("您写的像是廉洁问题。这类事只能直接交给纪检，我们没有保存，也没有任何人看到。"), field)
        ours = office()
        ways = [{"name": _("全国统一的纪检监察举报电话："), "number": "12388", "words": ""}]
        if ours is not None:
            number = ours.phone if ours.phone and not ours.is_demo else None
            ways.append({"name": ours.name_zh, "number": number, "words": ""})
        ways.append({"name": _("写信、当面反映都可以；可以不写姓名，写了有人会答复您。"), "number": None, "words": ""})
        self.more = {"ways": ways}


def not_integrity(text, sure, field):
    """Raise `Integrity` for words that only the discipline office may keep, unless their writer says otherwise."""
    if is_integrity(text) and not sure:
        raise Integrity(field)


def form(said):
    """What a body says, as the forms read it: texts by name, several for a list."""
    return MultiValueDict({name: _texts(value) for name, value in said.items() if value is not None})


def _texts(value):
    return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]


def _text(value):
    if isinstance(value, bool):
        return "1" if value else ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def photos_for(account, move, refs):
    """The photos of an act, sent ahead; to be called inside its transaction."""
    if refs and "photos" not in move.fields:
        raise Invalid(_("这一步不收照片。"), "photos")
    return claim(account, refs, timezone.now())


def act_of(button, first=False):
    """A button of `cases.acting.buttons`; `first`: it comes before everything else here, whatever it weighs."""
    move = button["move"]
    return {
        "name": move.name,
        "label": str(move.label),
        "fields": [question_of(field) for field in button["fields"]],
        "primary": first or move.weight <= PRIMARY,
    }


def question_of(field):
    value = field.value
    if field.kind == "checks":
        value = sorted(field.chosen)
    elif value is not None:
        value = str(value)
    return {
        "name": field.name,
        "kind": KINDS.get(field.kind, field.kind),
        "label": str(field.label),
        "help": str(field.help),
        "required": field.required or field.wanted,
        "options": list(options_of(field.choices)),
        "value": value,
        "most": field.most,
    }


def options_of(choices):
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            yield from ({"value": str(v), "label": str(name), "group": str(value)} for v, name in label)
        else:
            yield {"value": str(value), "label": str(label), "group": None}


def matter_of(case, actor, at) -> dict[str, Any]:
    """`case` (as `matters.own_case` loads it) as its reporter reads it."""
    seen = matters.told(case, at)
    shown, base = seen["shown"], f"/matters/{case.number}/photos"
    until = shown.disputable_until if shown.state == "closed" else None
    return {
        **matter_card(seen["card"], at),
        "version": case.version,
        "text": case.report.text,
        "hushed": hushed(case.report.screening, case.report.category),
        "place_words": seen["place"],
        "category": case.report.category.name if case.report.category else "",
        "created_at": case.created_at,
        "plan": plan_of(seen),
        "lines": [line_of(line, base) for line in seen["events"]],
        "ahead": seen["ahead"],
        "photos": [picture_of(photo, base) for photo in seen["photos"]],
        "sound": sound_ref(case, True, seen["written"]),
        "headcount": shown.headcount,
        "acts": [act_of(button) for button in matters.acts_of(case, actor, at)],
        "can_dispute_until_words": words.before(until, at) if until and until >= at else None,
        "joined": case.parent_id is not None,
    }


def plan_of(seen):
    """限期解决, until when and how; of a closing, the day on which the rest is to be done."""
    shown, answer = seen["shown"], seen["answer"]
    if shown.review_at:
        until = _("限期解决，最晚 %(day)s再看。") % {"day": words.date(shown.review_at)}
        return f"{until} {seen['plan']}".strip()
    day = answer.data.get("plan_date") if answer is not None else None
    return _("下一步在 %(day)s 前。") % {"day": day} if day else None


def line_of(line, base):
    return {
        "title": line["title"],
        "note": line["note"],
        "at": line["at"],
        "at_words": words.when(line["at"]),
        "photos": [picture_of(photo, base) for photo in line.get("photos", ())],
        "took": line.get("took"),
    }


def picture_of(photo, base):
    return photo_ref(photo["ref"], base, caption=photo["caption"], after=photo["after"])
