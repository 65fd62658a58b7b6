"""The calls the platform knows, and the checks that come first: method, token, body."""

import json
from dataclasses import dataclass

from . import calls
from .errors import Refusal


@dataclass
class Call:
    method: str
    do: object
    needs: tuple = ()  # what strict mode asks for
    may: tuple = ()  # what else it knows
    token: bool = True
    wrong_method: int = 43002


GRANT = ("grant_type", "appid", "secret")
EXPIRY = ("expire_type", "expire_time", "expire_interval", "is_expire", "env_version")
CALLS = {
    "/sns/jscode2session": Call("GET", calls.code2session, (*GRANT, "js_code"), token=False, wrong_method=43001),
    "/cgi-bin/stable_token": Call("POST", calls.stable_token, GRANT, ("force_refresh",), token=False),
    "/cgi-bin/token": Call("GET", calls.token, GRANT, token=False, wrong_method=43001),
    "/cgi-bin/message/subscribe/send": Call(
        "POST", calls.send_subscription, ("touser", "template_id", "data", "miniprogram_state", "lang"), ("page",)
    ),
    "/wxa/getwxacodeunlimit": Call(
        "POST",
        calls.unlimited_code,
        ("scene",),
        ("page", "check_path", "env_version", "width", "auto_color", "line_color", "is_hyaline"),
    ),
    "/wxa/business/getuserphonenumber": Call("POST", calls.phone_number, ("code",), ("openid",)),
    "/wxa/msg_sec_check": Call(
        "POST",
        calls.text_check,
        ("version", "scene", "openid", "content"),
        ("title", "nickname", "signature"),
        wrong_method=43302,
    ),
    "/wxa/media_check_async": Call(
        "POST", calls.media_check, ("version", "scene", "openid", "media_type", "media_url"), wrong_method=43302
    ),
    "/wxa/generate_urllink": Call("POST", calls.url_link, (), ("path", "query", *EXPIRY)),
    "/wxa/generatescheme": Call("POST", calls.scheme, (), ("jump_wxa", *EXPIRY)),
}
NAMES = {path: path.rpartition("/")[2] for path in CALLS} | {"/cgi-bin/message/subscribe/send": "subscribe"}


def answer(platform, path, method, query, raw, ip="127.0.0.1"):
    """What the platform says: a dict, or a Picture. Raises Refusal. One call at a time, under the platform's lock."""
    call = CALLS[path]
    with platform.lock:
        if method != call.method:
            raise Refusal(call.wrong_method)
        ask = calls.Ask(platform, query, ip=ip)
        if call.token:
            ask.app = platform.apps[platform.tokens.appid_of(query.get("access_token"))]
            if NAMES[path] in ask.app.unauthorised:
                raise Refusal(48001)
        if method == "POST":
            ask.said = parsed(raw)
        if platform.strict:
            look_closely(platform, path, call, ask)
        return call.do(ask)


def parsed(raw):
    if not raw:
        raise Refusal(44002)
    try:
        said = json.loads(raw.decode("utf-8"))
    except (ValueError, UnicodeDecodeError):
        raise Refusal(47001) from None
    if not isinstance(said, dict):
        raise Refusal(47001)
    return said


def look_closely(platform, path, call, ask):
    """Strict mode: what is missing or not known is written down as a violation and refused; a test fails on either."""
    given = set(ask.said if ask.said is not None else ask.query) - {"access_token"}
    wrong = [f"{path} lacks {name}" for name in call.needs if name not in given]
    wrong += [f"{path} does not know {name}" for name in sorted(given - {*call.needs, *call.may})]
    if wrong:
        platform.violations += wrong
        raise Refusal(40097, "; ".join(wrong))
