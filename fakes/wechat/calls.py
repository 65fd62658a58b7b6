"""What each call does once its method, token and body are in order."""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote

from . import fields
from .drawing import draw
from .errors import Refusal
from .platform import ACTIVE

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]*")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")
STATES = ("developer", "trial", "formal")
LONGEST_LINK_DAYS = 30


@dataclass
class Ask:
    """One call as it came in: `query` and `said` are its parameters and its JSON, `app` whose token it bore."""

    platform: object
    query: dict
    said: object = None
    app: object = None
    ip: str = "127.0.0.1"

    def text(self, name, default=""):
        value = self.said.get(name, default)
        return value if isinstance(value, str) else str(value)


@dataclass
class Picture:
    content: bytes
    kind: str


def app_of(platform, appid, secret, ip):
    """The app whose credentials these are."""
    if not appid:
        raise Refusal(41002)
    app = platform.apps.get(appid)
    if app is None:
        raise Refusal(40013)
    if not secret:
        raise Refusal(41004)
    if secret != app.secret:
        raise Refusal(40125)
    if app.ip_allow is not None and ip not in app.ip_allow:
        raise Refusal(40164)
    return app


def code2session(ask):
    app = app_of(ask.platform, ask.query.get("appid"), ask.query.get("secret"), ask.ip)
    if not ask.query.get("js_code"):
        raise Refusal(41008)
    if ask.query.get("grant_type") != "authorization_code":
        raise Refusal(40002)
    known = ask.platform.codes.get(ask.query["js_code"])
    if known is not None:
        ask.platform.count("jscode2session", known.user.name, minute_code=45011)
        if known.user.high_risk:
            raise Refusal(40226)
    user = ask.platform.use_code("login", ask.query["js_code"], app.appid, used=40163).user
    answer = {"openid": user.openid(app.appid), "session_key": secrets.token_urlsafe(16) + "=="}
    # Since 2019 the answer is good without an errcode; no client may ask for one.
    return answer | ({"unionid": user.unionid} if app.open_platform else {})


def stable_token(ask):
    app = app_of(ask.platform, ask.said.get("appid"), ask.said.get("secret"), ask.ip)
    if ask.said.get("grant_type") != "client_credential":
        raise Refusal(40002)
    ask.platform.count("stable_token", app.appid)
    return ask.platform.tokens.get_stable(app.appid, bool(ask.said.get("force_refresh")))


def token(ask):
    app = app_of(ask.platform, ask.query.get("appid"), ask.query.get("secret"), ask.ip)
    if ask.query.get("grant_type") != "client_credential":
        raise Refusal(40002)
    ask.platform.count("token", app.appid)
    return ask.platform.tokens.get_plain(app.appid)


def person(ask, openid, foreign=40003):
    """Who this openid is in the calling app."""
    user = ask.platform.user_of(ask.app.appid, openid)
    if user is None:
        raise Refusal(foreign if ask.platform.belongs_elsewhere(ask.app.appid, openid) else 40003)
    return user


def published(app, path):
    """Whether `path` (without a query) is a page of the released mini-program."""
    return app.pages is None or path in app.pages


def send_subscription(ask):
    platform, app = ask.platform, ask.app
    user = person(ask, ask.text("touser"))
    template = platform.templates.get((app.appid, ask.text("template_id")))
    if template is None:
        raise Refusal(40037)
    page = ask.text("page")
    if page and not published(app, page.partition("?")[0]):
        raise Refusal(41030)
    if ask.said.get("miniprogram_state", "formal") not in STATES:
        raise Refusal(40097, "miniprogram_state")
    if ask.said.get("lang", "zh_CN") not in LANGUAGES:
        raise Refusal(40097, "lang")
    data = ask.said.get("data")
    if not isinstance(data, dict):
        raise Refusal(47001)
    for key in template.fields:
        value = data[key].get("value") if isinstance(data.get(key), dict) else None
        if not fields.fits(key, value, template.choices.get(key, ())):
            raise Refusal(47003, f"data.{key}.value invalid")
    pair = user.openid(app.appid), template.template_id
    if pair in platform.banned or not user.main_switch or not platform.permissions[pair]:
        raise Refusal(43101)
    platform.count("subscribe_paid" if app.paid else "subscribe", app.appid)
    if platform.permissions[pair] > 0:
        platform.permissions[pair] -= 1
    row = platform.deliver(user, app, template, ask.said)
    if app.push_events:
        sent = {
            "TemplateId": template.template_id,
            "MsgID": str(row["msgid"]),
            "ErrorCode": "0",
            "ErrorStatus": "success",
        }
        platform.pushes.append((app, user, {"Event": "subscribe_msg_sent_event", "List": [sent]}))
    return {"errcode": 0, "errmsg": "ok", "msgid": row["msgid"]}


def unlimited_code(ask):
    platform, app = ask.platform, ask.app
    platform.count("getwxacodeunlimit", app.appid)
    scene, page = ask.said.get("scene"), ask.text("page")
    if not isinstance(scene, str) or not 0 < len(scene) <= 32:
        raise Refusal(40169)
    if not SCENE.fullmatch(scene):
        raise Refusal(40129)
    if page.startswith("/") or "?" in page or "scancode_time" in page:
        raise Refusal(41030)
    if page and ask.said.get("check_path", True) and not published(app, page):
        raise Refusal(41030)
    if page and not ask.said.get("check_path", True):
        if page not in platform.unchecked_pages:
            platform.count("pages_unchecked", app.appid)
        platform.unchecked_pages.add(page)
    if ask.said.get("env_version", "release") not in ("release", "trial", "develop"):
        raise Refusal(40097, "env_version")
    width = ask.said.get("width", 430)
    if not isinstance(width, int):
        raise Refusal(40097, "width")
    line = ask.said.get("line_color") or {}
    colour = (0, 0, 0) if ask.said.get("auto_color") else tuple(int(line.get(c, 0)) & 255 for c in "rgb")
    hyaline = bool(ask.said.get("is_hyaline"))
    link = f"{app.site}/p/{quote(scene, safe='')}"
    content = draw(link, max(280, min(width, 1280)), colour, hyaline)
    return Picture(content, "image/png" if hyaline else "image/jpeg")


def phone_number(ask):
    platform, app = ask.platform, ask.app
    code = ask.text("code")
    known = platform.codes.get(code)
    if known is not None:
        platform.count("getuserphonenumber", known.user.name, minute_code=45011)
        openid = ask.said.get("openid")
        if openid and known.user.openid(app.appid) != openid:
            raise Refusal(40003)
    user = platform.use_code("phone", code, app.appid).user
    platform.phone_answers += 1
    # Documented as text and seen as a number: a client must take both.
    country = user.country if platform.phone_answers % 2 else int(user.country)
    info = {
        "phoneNumber": user.phone if user.country == "86" else f"+{user.country}{user.phone}",
        "purePhoneNumber": user.phone,
        "countryCode": country,
        "watermark": {"timestamp": int(platform.now()), "appid": app.appid},
    }
    return {"errcode": 0, "errmsg": "ok", "phone_info": info}


def judged(words, bad):
    """(suggest, label, the word) for a text: `bad` maps words to labels, a negative one means "have a look"."""
    for word, label in bad.items():
        if word in words:
            return ("risky" if label > 0 else "review"), abs(label), word
    return "pass", 100, ""


def active_person(ask):
    user = person(ask, ask.text("openid"), foreign=43104)
    if ask.platform.now() - user.active.get(ask.app.appid, 0) > ACTIVE:
        raise Refusal(61010)
    return user


def text_check(ask):
    ask.platform.count("msg_sec_check", ask.app.appid)
    content = ask.text("content")
    if len(content) > 2500:
        raise Refusal(45002)
    whole = "\n".join(ask.text(name) for name in ("content", "title", "nickname", "signature"))
    suggest, label, word = judged(whole, ask.platform.bad_words)
    if str(ask.said.get("version", 1)) == "1":
        if suggest == "risky":
            raise Refusal(87014)
        return {"errcode": 0, "errmsg": "ok"}
    if ask.said.get("scene") not in (1, 2, 3, 4):
        raise Refusal(40129)
    active_person(ask)
    detail = [{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}]
    if word:
        detail.append(
            {"strategy": "keyword", "errcode": 0, "suggest": suggest, "label": label, "level": 90, "keyword": word}
        )
    return {
        "errcode": 0,
        "errmsg": "ok",
        "result": {"suggest": suggest, "label": label},
        "detail": detail,
        "trace_id": secrets.token_hex(12),
    }


def media_check(ask):
    platform, app = ask.platform, ask.app
    platform.count("media_check_async", app.appid)
    if ask.said.get("scene") not in (1, 2, 3, 4):
        raise Refusal(40129)
    if ask.said.get("media_type") not in (1, 2):
        raise Refusal(40097, "media_type")
    user = active_person(ask)
    trace = secrets.token_hex(12)
    platform.pushes.append(
        (app, user, {"Event": "wxa_media_check", "media_url": ask.text("media_url"), "trace_id": trace})
    )
    return {"errcode": 0, "errmsg": "ok", "trace_id": trace}


def link_terms(ask, path, query, expiry):
    if path and not published(ask.app, path.lstrip("/")):
        raise Refusal(40165)
    if len(query) > 1024:
        raise Refusal(40212)
    now, kind = ask.platform.now(), expiry.get("expire_type", 0)
    if kind == 1 and not 1 <= int(expiry.get("expire_interval", 0)) <= LONGEST_LINK_DAYS:
        raise Refusal(85401)
    until = expiry.get("expire_time")
    if kind == 0 and until is not None and not 60 <= int(until) - now <= LONGEST_LINK_DAYS * 86400:
        raise Refusal(85401)


def url_link(ask):
    link_terms(ask, ask.text("path"), ask.text("query"), ask.said)
    return {"errcode": 0, "errmsg": "ok", "url_link": f"https://wxaurl.example/{secrets.token_urlsafe(8)}"}


def scheme(ask):
    jump = ask.said.get("jump_wxa") or {}
    link_terms(ask, str(jump.get("path", "")), str(jump.get("query", "")), ask.said)
    return {"errcode": 0, "errmsg": "ok", "openlink": f"weixin://dl/business/?t={secrets.token_urlsafe(8)}"}
