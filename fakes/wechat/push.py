"""Pushes to the app's own server: signed, sealed, and sent again when nobody says "success" within five seconds."""

import json
import secrets
import threading
import time
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener
from xml.sax.saxutils import escape

from .calls import judged
from .crypt import seal, signature

PATIENCE = 5  # seconds
TRIES = 3
LARGEST = 10 * 1024 * 1024  # bytes of a picture or a sound
NOT_DOWNLOADED = 4294966288  # how version 1 says that it could not get the file
OPEN = build_opener(ProxyHandler({}))


def as_xml(message):
    def inside(value):
        if isinstance(value, dict):
            return "".join(element(name, inner) for name, inner in value.items())
        if isinstance(value, int | float):
            return str(value)
        return f"<![CDATA[{value}]]>"

    def element(name, value):
        if isinstance(value, list):
            return "".join(element(name, inner) for inner in value)
        return f"<{escape(name)}>{inside(value)}</{escape(name)}>"

    return element("xml", message)


def written(message, form):
    return as_xml(message) if form == "xml" else json.dumps(message, ensure_ascii=False)


def envelope(app, openid, message, at, *, token=None, nonce=None, appid=None):
    """(query, body, content type) of a push. `token`, `nonce` and `appid` are for those who forge."""
    timestamp, nonce = str(int(at)), nonce or str(secrets.randbelow(10**10))
    token = token or app.push_token
    query = {"signature": signature(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce, "openid": openid}
    body = written(message, app.push_format)
    if app.push_mode in ("aes", "compat"):
        sealed = seal(app.aes_key, appid or app.appid, body)
        query |= {"encrypt_type": "aes", "msg_signature": signature(token, timestamp, nonce, sealed)}
        whole = dict(message) if app.push_mode == "compat" else {"ToUserName": message["ToUserName"]}
        body = written(whole | {"Encrypt": sealed}, app.push_format)
    kind = "text/xml" if app.push_format == "xml" else "application/json"
    return query, body.encode(), f"{kind}; charset=utf-8"


def message_of(platform, app, user, facts):
    """A message as it is pushed: who, when, what happened."""
    common = {
        "ToUserName": "gh_" + app.appid[-12:],
        "FromUserName": user.openid(app.appid),
        "CreateTime": int(platform.now()),
        "MsgType": "event",
    }
    if facts.get("Event") == "wxa_media_check":
        facts = checked_media(platform, app, facts)
    elif str(facts.get("Event", "")).startswith("subscribe_msg"):
        facts = {"Event": facts["Event"], "List": facts["List"]}
    return common | facts


def checked_media(platform, app, facts):
    """The result of looking at a file, in the shape this app gets."""
    problem, content = "", b""
    try:
        with OPEN.open(Request(facts["media_url"]), timeout=PATIENCE) as answer:
            content = answer.read(LARGEST + 1)
        problem = "too large" if len(content) > LARGEST else ""
    except (OSError, ValueError, URLError):
        problem = "download failed"
    suggest, label, _word = judged(content.decode("utf-8", "ignore"), platform.bad_media)
    common = {"Event": "wxa_media_check", "appid": app.appid, "trace_id": facts["trace_id"]}
    if app.media_push == 1:
        risky = int(suggest == "risky")
        return common | {
            "isrisky": risky,
            "status_code": NOT_DOWNLOADED if problem else 0,
            "extra_info_json": "",
        }
    if problem:
        return common | {"version": 2, "detail": [], "errcode": -1008, "errmsg": problem}
    detail = [{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}]
    return common | {
        "version": 2,
        "detail": detail,
        "errcode": 0,
        "errmsg": "ok",
        "result": {"suggest": suggest, "label": label},
    }


def send(platform, app, user, facts, *, tries=TRIES, **forged):
    """Push until the app's server says "success" or the tries are used up. Returns what it said each time."""
    message = facts if "ToUserName" in facts else message_of(platform, app, user, facts)
    said = []
    for attempt in range(tries):
        # Signed afresh for each try; what is inside stays the same, so that the receiver can tell it is a repeat.
        query, body, kind = envelope(app, user.openid(app.appid), message, platform.now(), **forged)
        said.append(post(f"{app.push_url}?{urlencode(query)}", body, kind))
        entry = {"at": platform.now(), "event": message.get("Event", ""), "attempt": attempt + 1, "answer": said[-1]}
        with platform.lock:
            platform.log.append({"push": app.push_url, **entry})
        if said[-1] == [200, "success"]:
            break
    return said


def post(url, body, kind):
    request = Request(url, data=body, headers={"Content-Type": kind}, method="POST")
    return fetched(request)


def fetched(request):
    """[status, words] of the app's server; [0, why] when there was no answer."""
    try:
        with OPEN.open(request, timeout=PATIENCE) as answer:
            return [answer.status, answer.read(1000).decode("utf-8", "replace")]
    except URLError as error:
        code = getattr(error, "code", 0)
        return [code, "" if code else "no answer"]
    except OSError:
        return [0, "no answer"]


def verify(platform, app, token=None):
    """The question that comes when somebody saves the address in the console: True if the echo came back."""
    timestamp, nonce, echo = str(int(platform.now())), secrets.token_hex(4), secrets.token_hex(8)
    query = {
        "signature": signature(token or app.push_token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": echo,
    }
    return fetched(Request(f"{app.push_url}?{urlencode(query)}")) == [200, echo]


class Pusher(threading.Thread):
    """Sends what calls have left in `platform.pushes`, one after the other."""

    def __init__(self, platform):
        super().__init__(daemon=True)
        self.platform, self.stopped = platform, threading.Event()

    def run(self):
        while not self.stopped.is_set():
            if not self.turn():
                time.sleep(0.02)

    def turn(self):
        with self.platform.lock:
            if not self.platform.pushes:
                return False
            app, user, facts = self.platform.pushes.pop(0)
        if app.push_url:
            send(self.platform, app, user, facts)
        return True
