"""The shapes that several calls answer with. Sentences come ready to show, in the language that was asked for."""

from datetime import datetime
from typing import Annotated, Literal

from django.utils.functional import Promise
from ninja import Schema
from pydantic import Field, field_validator

Ref = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
Photos = Annotated[list[Ref], Field(max_length=9)]
Line = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=20_000)]


class Shape(Schema):
    """What every shape is: words of the catalogue are said in the reader's language when they are written."""

    @field_validator("*", mode="before")
    @classmethod
    def in_words(cls, value):
        return str(value) if isinstance(value, Promise) else value


class Fault(Shape):
    code: str
    message: str
    field: str | None


class Way(Shape):
    """Whom to turn to with what is not kept here."""

    name: str
    number: str | None
    words: str


class Problem(Shape):
    """Why nothing was done. `ways` only where the words are about integrity."""

    error: Fault
    ways: list[Way] | None = None


class Named(Shape):
    id: int
    name: str


class Coded(Shape):
    code: str
    name: str


class Dial(Shape):
    name: str
    number: str


class PostHeld(Shape):
    role: str
    role_words: str
    area: str


class AccountOut(Shape):
    """Who is signed in. `ref` is the same at every sign-in and says nothing about the person: a phone marks with it
    whose something is that it keeps."""

    ref: Ref
    kind: Literal["resident", "staff"]
    name: str
    masked_phone: str
    language: str
    posts: list[PostHeld]


class WorkerCard(Shape):
    """Who serves a place, as on a door plate. `photo` is a path of this host that needs no token; `can_call` says
    whether the number may be dialled (never for people of the demo)."""

    name: str
    photo: str
    grid: str
    community: str
    area_words: str
    hours: str
    phone: str | None
    can_call: bool
    stand_in: bool
    stand_in_for: str | None
    on_duty: bool
    on_duty_words: str
    backup: str | None


class Due(Shape):
    """A deadline and how it stands: `words` is the badge, the absolute moment stands in the card's `by`."""

    at: datetime | None
    words: str
    kind: Literal["ok", "soon", "late", "paused", "kept"]


class MatterCard(Shape):
    """A matter as its reporter reads it in a list."""

    number: str
    title: str
    turn: bool
    phase: str
    word: str
    who: str
    who_more: str
    by: str
    by_more: str
    how: str
    how_more: str
    due: Due | None


class Transcript(Shape):
    """What somebody wrote down of a voice note."""

    text: str
    by: str
    at_words: str


class SoundRef(Shape):
    """A voice note; `url` is a path below /api/v1, null for whoever may not hear it."""

    id: str | None
    url: str | None
    seconds: int
    transcript: Transcript | None


class PhotoRef(Shape):
    """A photo; `url` and `thumb` are paths below /api/v1, asked for with the token in the header."""

    id: str
    url: str
    thumb: str
    caption: str = ""
    after: bool = False
