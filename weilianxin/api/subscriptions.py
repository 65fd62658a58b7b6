"""What somebody answered when WeChat asked whether they want messages."""

from typing import Annotated, Literal

from django.utils import timezone
from ninja import Router
from pydantic import Field

from weilianxin.notify import templates

from .frame import BODY, acted, answers, key_header, signed_in
from .schemas import Shape

router = Router(tags=["me"])
Id = Annotated[str, Field(max_length=64)]
Answer = Literal["accept", "acceptWithAudio", "acceptWithAlert", "reject", "ban", "filter"]


class SubscriptionsIn(Shape):
    """The answer of `wx.requestSubscribeMessage` by template id."""

    results: Annotated[dict[Id, Answer], Field(max_length=20)]


class Subscribed(Shape):
    """What may be told in WeChat now, once more for each."""

    allowed: list[Literal["accepted", "asking", "closed", "task"]]


@router.post("/subscriptions", auth=signed_in, response=answers(Subscribed, 409, *BODY), url_name="subscriptions")
def subscribe(request, said: SubscriptionsIn, key: str = key_header()):
    """Keep what I allowed and refused. Ids that are not ours, or not for me, are passed over."""

    def act():
        return templates.answered(request.account, said.results, timezone.now())

    return {"allowed": acted(request, key, act)}
