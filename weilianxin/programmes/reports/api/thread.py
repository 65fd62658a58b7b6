"""一键连接: the conversation with one's own grid worker."""

from datetime import datetime

from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status

from weilianxin.api.frame import BODY, PICTURE, acted, answers, key_header, resident, signed_in
from weilianxin.api.schemas import PhotoRef, Ref, Shape, Text, WorkerCard
from weilianxin.api.shapes import card_of, photo_ref
from weilianxin.areas.calendar import office_hours
from weilianxin.files.serve import photo_response
from weilianxin.files.store import claim
from weilianxin.lib import words
from weilianxin.lib.refusal import Refused
from weilianxin.people.posts import on_duty

from .. import threads
from ..models import ThreadMessage
from ..pages.steps import dials
from ..pages.thread import photo_behind
from .report import DialWhy
from .shapes import Photos, not_integrity

router = Router(tags=["thread"])


class Said(Shape):
    id: int
    mine: bool
    name: str
    body: str
    at: datetime
    at_words: str
    photos: list[PhotoRef]
    matter: str | None


class Thread(Shape):
    worker: WorkerCard | None
    items: list[Said]
    older: str | None
    can_write: bool  # somebody without a dwelling reads what was said, and has to name their home to write
    open: bool
    opens_words: str | None
    dial: list[DialWhy]


class SayIn(Shape):
    body: Text = ""
    photos: Photos = []
    not_integrity: bool = False


class FromMessage(Shape):
    """What a report made from a message begins with; send it with `message`, and its time starts the clock."""

    message: int
    text: str
    photos: list[PhotoRef]


def key_of(before):
    """The id an older page goes on from, or None for anything that is not one."""
    return int(before) if before.isdecimal() and len(before) < 19 else None


def said_of(message, by_staff):
    name = message.author.name if message.author_id else _("系统")
    return {
        "id": message.pk,
        "mine": message.from_staff == by_staff and not message.automatic,
        "name": name,
        "body": message.body,
        "at": message.at,
        "at_words": words.when(message.at),
        "photos": [photo_ref(photo.ref, "/thread/photos") for photo in message.photos.all()],
        "matter": message.case.number if message.case_id else None,
    }


def opening(at):
    is_open, opens = office_hours(at)
    return {"open": is_open, "opens_words": None if is_open else words.when(opens, at)}


@router.get("/thread", auth=resident, response=answers(Thread, 403, 409))
def thread(request, before: str = ""):
    """The newest messages, oldest first, of every grid one has written to; reading them marks them read. Refused for
    somebody without a dwelling to whom nothing was ever said."""
    at, account = timezone.now(), request.account
    try:
        mine = threads.thread_for(account, at)
    except Refused:
        if not threads.said_to(account).exists():
            raise
        mine = None
    threads.read(account, account, at)
    messages, older = threads.page(account, key_of(before))
    duty = on_duty(mine.grid, at) if mine is not None else None
    last = next((m for m in reversed(messages) if not m.from_staff), None)
    return {
        "worker": card_of(duty, at) if duty else None,
        "items": [said_of(message, by_staff=False) for message in messages],
        "older": str(older) if older else None,
        "can_write": mine is not None,
        "dial": [
            {"number": number, "why": why}
            for number, why in (dials(last.body) if last is not None and (at - last.at).days < 1 else ())
        ],
        **opening(at),
    }


@router.post("/thread", auth=resident, response=answers(Said, 403, 409, *BODY, status=201))
def say(request, said: SayIn, key: str = key_header()):
    """Write to one's own grid worker; outside office hours an automatic answer says when it opens."""
    at, account = timezone.now(), request.account
    not_integrity(said.body, said.not_integrity, "body")
    mine = threads.thread_for(account, at)

    def act():
        return threads.say(mine, account, said.body, claim(account, said.photos, at), at).pk

    return Status(201, said_of(message_with(acted(request, key, act)), by_staff=False))


def message_with(pk):
    return ThreadMessage.objects.select_related("author", "case").get(pk=pk)


@router.get(
    "/thread/{int:message}/report", auth=resident, response=answers(FromMessage, 403, 404), url_name="from_message"
)
def from_message(request, message: int):
    """What a report made from one's own message begins with."""
    row = ThreadMessage.objects.filter(
        pk=message, thread__resident=request.account, from_staff=False, case__isnull=True
    ).first()
    if row is None:
        raise Http404
    photos = [photo_ref(photo.ref, "/thread/photos") for photo in row.photos.all()]
    return {"message": row.pk, "text": row.body, "photos": photos}


@router.get(
    "/thread/photos/{ref}/{variant}",
    auth=signed_in,
    response=answers(None, 404),
    openapi_extra=PICTURE,
    url_name="thread_photo",
)
def photo(request, ref: Ref, variant: str):
    """A photo of a message, for the resident and for those who serve their grid."""
    row = photo_behind(request.account, ref)
    if row is None:
        raise Http404
    return photo_response(row, variant, request, private=True)
