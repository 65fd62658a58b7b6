"""What every call shares: who asks, how a body is read, how an act is done once, and the one shape of a refusal."""

import json
import math

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Header, NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer

from weilianxin import __version__
from weilianxin.cases.errors import Changed, NotAllowed
from weilianxin.cases.once import answered, done_once, scope_of
from weilianxin.lib import edge
from weilianxin.lib.client import address_of
from weilianxin.lib.problem import problem
from weilianxin.lib.refusal import Refused
from weilianxin.people import throttle
from weilianxin.people.errors import TooOften

from .schemas import Problem

DEEPEST = 8  # lists and mappings inside one another in a body; no call needs more than three
HOUR = 3600
ACTS, ASKED = 300, 600  # acts of an account, and questions of one address without a token, in an hour
BODY = (413, 429)  # refusals of calls that bring something


class Unauthorised(Refused):
    """No token where one is needed, or one that is not good any more."""

    status = 401


class Wrong(Exception):
    """A body that cannot be used; `reason` is one of `lib.edge.SENTENCES`."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


# Bodies


class Checked(Parser):
    """Reads a JSON body as strictly as `lib.edge` reads forms, so that no view has to ask itself."""

    def parse_body(self, request):
        try:
            value = json.loads(request.body.decode(), parse_constant=_no_number)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            raise Wrong("form") from None
        except ValueError:  # a number of more digits than Python reads
            raise Wrong("number") from None
        check(value)
        return value


def _no_number(_name):
    raise Wrong("number")  # NaN and the infinities are no JSON


def check(value, name="", depth=0):
    """Raise `Wrong` for what could not be stored the same way on both databases, anywhere in a body."""
    reason = None
    if depth > DEEPEST:
        reason = "form"
    elif isinstance(value, dict):
        for key, inner in value.items():
            if edge.wrong_name(key):
                raise Wrong("form")
            check(inner, key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check(inner, name, depth + 1)
    elif isinstance(value, str):
        reason = edge.wrong_value(name, value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        most = edge.COORDINATES.get(name, edge.LARGEST)
        reason = None if math.isfinite(value) and abs(value) <= most else "number"
    if reason:
        raise Wrong(reason)


# Who asks


class Bearer(HttpBearer):
    """Only with a token that is good now; who it is was read by the middleware (`people.tokens`)."""

    def __init__(self, kind=None):
        super().__init__()
        self.kind = kind

    def __call__(self, request):
        account = request.account
        if account is None:
            raise Unauthorised(_("请先登录。") if not request.token_refused else _("登录已经过期，请重新登录。"))
        if self.kind and account.kind != self.kind:
            raise NotAllowed(_("这里是居民用的。") if self.kind == "resident" else _("这里是工作人员用的。"))
        return account

    def authenticate(self, request, token):
        raise NotImplementedError


signed_in, resident, staff = Bearer(), Bearer("resident"), Bearer("staff")


def anyone(request):
    """For everybody. A token is not needed, but one that is sent must be good."""
    if request.token_refused:
        raise Unauthorised(_("登录已经过期，请重新登录。"))
    return True


OPTIONAL = {"security": [{}, {"Bearer": []}]}  # how the description says it


# What may be answered


def answers(model, *codes, status=200):
    """The answers of a call: `model` with `status`, and the refusals it may give besides 401 and 422."""
    return {status: model, **{code: Problem for code in sorted({401, 422, *codes})}}


PICTURE = {
    "responses": {
        200: {
            "description": "The picture",
            "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "Not changed since it was kept"},
    }
}


# Acts


def key_header():
    """The idempotency key that every act carries: a retry with the same one gets the first answer."""
    return Header(..., alias="Idempotency-Key", pattern=r"^[A-Za-z0-9_-]{8,64}$", description="made by chance, per act")


def _path(request):
    return f"{request.method} {request.path}"[:200]


def acted(request, key, act):
    """Run `act() -> small JSON value` once for this key; the value again for a repeat. Raises `Refused` for a key that
    was used for another call, and what `act` raises."""
    if not throttle.allow("api-act", request.account.pk, limit=ACTS, seconds=HOUR, at=timezone.now()):
        raise TooOften(_("操作得太勤了，请过一会儿再试。"))
    kept = done_once(scope_of(request), key, _path(request), lambda: json.dumps(act()), strict=True)
    return json.loads(kept)


def before(request, key):
    """What `acted` answered to this key before, or None. Worth asking before anything is loaded: the act may have taken
    its object out of sight."""
    kept = answered(scope_of(request), key, _path(request), strict=True)
    return None if kept is None else json.loads(kept)


def not_too_often(request, name, most=ASKED):
    """Count a question that costs something; raises `TooOften` for whoever asks without end."""
    who = f"account:{request.account.pk}" if request.account is not None else address_of(request)
    if not throttle.allow(f"api-{name}", who, limit=most, seconds=HOUR, at=timezone.now()):
        raise TooOften(_("操作得太勤了，请过一会儿再试。"))


# Refusals

api = NinjaAPI(
    title="Weilianxin 微连心",
    version=__version__,
    description="For the mini-program and partners. docs/api.md says how to sign in, to retry and to read on.",
    docs_url=None,
    urls_namespace="api",
    parser=Checked(),
    auth=anyone,
    servers=[{"url": "/"}],
)


def code_of(refusal):
    """(code, status) of a refusal, as `lib.problem.CODES` lists them."""
    if isinstance(refusal, NotAllowed):
        return "not_allowed", 403
    if isinstance(refusal, Changed):
        return "changed", 409
    if hasattr(refusal, "code"):
        return refusal.code, refusal.status
    by_status = {401: "unauthorised", 404: "not_found", 409: "refused", 429: "throttled"}
    return by_status.get(refusal.status, "invalid"), refusal.status if refusal.status in by_status else 422


@api.exception_handler(Refused)
def refused(request, refusal):
    code, status = code_of(refusal)
    return problem(code, refusal, status, refusal.field, **getattr(refusal, "more", {}))


@api.exception_handler(Http404)
def not_found(request, error=None):
    return problem("not_found", _("没有找到，或者只有报的人能看。"), 404)


@api.exception_handler(ValidationError)
def invalid(request, error):
    first = error.errors[0]
    return problem("invalid", sentence_of(first), 422, field_of(first["loc"]))


def sentence_of(wrong):
    """What is wrong with a field, for a person."""
    kind, facts = wrong["type"], wrong.get("ctx", {})
    if kind == "missing":
        return _("少了必填的一项，请补上。")
    if kind == "string_too_long":
        return _("写得太长了，最多 %(n)s 个字。") % {"n": facts["max_length"]}
    if kind == "too_long":
        return _("选得太多了，最多 %(n)s 个。") % {"n": facts["max_length"]}
    return _("这一项填得不对，请核对后再发送。")


def field_of(loc):
    """The field's name as the client wrote it: (body, said, place, lat) is place.lat."""
    source, *names = loc
    names = names[1:] if source == "body" and len(names) > 1 else names
    return ".".join(str(name) for name in names if isinstance(name, (str, int))) or None


@api.exception_handler(HttpError)
def unreadable(request, error):
    """A body that cannot be read; ninja wraps what the parser raised."""
    reason = getattr(error.__cause__, "reason", "form")
    return problem("edge", edge.SENTENCES[reason], 422)


@api.exception_handler(RequestDataTooBig)
def too_large(request, error):
    return problem("too_large", edge.SENTENCES["size"], 413)


for _kind in (BadRequest, MultiPartParserError, RawPostDataException, SuspiciousOperation, UnreadablePostError):
    api.add_exception_handler(_kind, unreadable)
