"""The calls we make, one function each: what goes in, what comes back, and nothing of the platform's own shapes."""

import re
from typing import NamedTuple

from django.conf import settings

from ..errors import GiveUp, Retry
from .client import ask, call, credentials
from .fields import fit
from .verdicts import RefreshToken

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
LONGEST_TEXT = 2000  # characters of one check; the platform takes 2500
LANGUAGES = {"zh-hans": "zh_CN", "en": "en_US"}
VERSIONS = {"developer": "develop", "trial": "trial", "formal": "release"}
PROFILE, COMMENT, FORUM, SOCIAL = 1, 2, 3, 4  # where a checked text stands
AUDIO, IMAGE = 1, 2


class Person(NamedTuple):
    """Who signs in: `openid` names them to this mini-program only, `unionid` to all of its owner's (often empty)."""

    openid: str
    unionid: str


class Judgement(NamedTuple):
    """What the platform thinks of a text: `suggest` is pass, review or risky; `label` its reason (100: none)."""

    suggest: str
    label: int
    words: tuple


def code_to_session(code):
    """The Person whose login code this is. GiveUp with `tell` USER: the code is used or too old, get another."""
    query = credentials() | {"js_code": str(code or "")[:200], "grant_type": "authorization_code"}
    try:
        answer = ask("GET", "/sns/jscode2session", query=query)
    except RefreshToken as error:  # this call has no token
        raise Retry(error.code) from None
    openid = answer.get("openid")
    if not isinstance(openid, str) or not re.fullmatch(r"[\w-]{1,64}", openid):
        raise Retry("wechat-answer")
    return Person(openid, str(answer.get("unionid") or "")[:64])


def phone_number(code, openid=""):
    """The number behind a code of the button; `openid` says whose it must be. Numbers from abroad keep their +."""
    said = {"code": str(code or "")[:200]} | ({"openid": openid} if openid else {})
    info = call("/wxa/business/getuserphonenumber", said).get("phone_info")
    try:
        number, country = str(info["purePhoneNumber"]), str(info["countryCode"])
        appid = info["watermark"]["appid"]
    except (KeyError, TypeError):
        raise Retry("wechat-answer") from None
    if appid != settings.WECHAT_APPID:
        raise GiveUp("wechat-watermark", GiveUp.OPERATOR)
    if not re.fullmatch(r"[0-9]{4,15}", number):
        raise Retry("wechat-answer")
    return number if country == "86" else f"+{country}{number}"


def send(openid, template, data, *, page="", language="zh-hans"):
    """Send a subscription message; `data` maps the template's keys to values, which are made to fit. Returns its id.

    One permission of the person is used up. GiveUp with `tell` USER: the person refused, or has none left.
    """
    said = {
        "touser": openid,
        "template_id": template,
        "data": {key: {"value": fit(key, value)} for key, value in data.items()},
        "miniprogram_state": settings.WECHAT_STATE,
        "lang": LANGUAGES.get(language, "zh_CN"),
    }
    if page:
        said["page"] = page
    answer = call("/cgi-bin/message/subscribe/send", said)
    return str(answer.get("msgid") or "accepted")[:80]


def unlimited_code(scene, page="", *, width=430, clear=False):
    """The picture (bytes) of a mini-program code that opens `page` with `scene`, of which there may be any number.

    `scene` has 1 to 32 characters out of A-Z a-z 0-9 and !#$&'()*+,/:;=?@-._~; `page` has no slash in front and no
    query. `clear` leaves the ground transparent. ValueError for what the platform would refuse.
    """
    if not SCENE.fullmatch(scene or ""):
        raise ValueError("scene")
    if page.startswith("/") or "?" in page:
        raise ValueError("page")
    said = {
        "scene": scene,
        "page": page,
        # A page is on the platform only once it was released; in trials it need not be.
        "check_path": bool(page) and settings.WECHAT_STATE == "formal",
        "env_version": VERSIONS.get(settings.WECHAT_STATE, "release"),
        "width": max(280, min(int(width), 1280)),
        "is_hyaline": clear,
    }
    if not page:
        del said["page"]
    return call("/wxa/getwxacodeunlimit", said, picture=True)


def check_text(openid, words, scene=COMMENT):
    """The Judgement on what `openid` wrote: the worst of its parts, each at most 2000 characters.

    GiveUp with `tell` USER and code wechat-61010: the person was not in the mini-program for two hours, so WeChat does
    not judge; then our own words and a human decide.
    """
    worst = Judgement("pass", 100, ())
    for begin in range(0, max(1, len(words)), LONGEST_TEXT):
        said = {"version": 2, "scene": scene, "openid": openid, "content": words[begin : begin + LONGEST_TEXT] or " "}
        answer = call("/wxa/msg_sec_check", said)
        try:
            suggest, label = str(answer["result"]["suggest"]), int(answer["result"]["label"])
            found = tuple(str(row["keyword"])[:40] for row in answer.get("detail", ()) if row.get("keyword"))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Retry("wechat-answer") from None
        order = ("pass", "review", "risky")
        if suggest not in order:
            suggest = "review"
        if order.index(suggest) > order.index(worst.suggest):
            worst = Judgement(suggest, label, found)
    return worst


def check_media(openid, url, kind=IMAGE, scene=COMMENT):
    """Ask for a look at a picture or a sound that WeChat can download from `url`. Returns the id (`trace_id`) under
    which the answer is pushed within half an hour (`inbound.media_result`)."""
    said = {"version": 2, "scene": scene, "openid": openid, "media_type": kind, "media_url": url}
    trace = call("/wxa/media_check_async", said).get("trace_id")
    if not isinstance(trace, str) or not trace:
        raise Retry("wechat-answer")
    return trace[:80]


def url_link(page, query="", days=30):
    """An address that opens `page` in WeChat from an SMS or a mail, for at most 30 days."""
    said = {"path": page, "query": query, "expire_type": 1, "expire_interval": max(1, min(int(days), 30))}
    said["env_version"] = VERSIONS.get(settings.WECHAT_STATE, "release")
    link = call("/wxa/generate_urllink", said).get("url_link")
    if not isinstance(link, str) or not link.startswith("https://"):
        raise Retry("wechat-answer")
    return link[:500]
