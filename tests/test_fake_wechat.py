"""The platform of `fakes/wechat` against what is known of the real one.

A row of FACTS names a fact and its mark: [V] read in public documentation or SDK source, [L] computed, [K] general
knowledge, not checked. Whoever learns better changes the row, then the platform.
"""

# ruff: noqa: E501 - a fact and its proof stand on one line
import base64
import io
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
import zxingcpp
from PIL import Image

from fakes.wechat import crypt, push, serve
from fakes.wechat.endpoints import CALLS
from fakes.wechat.platform import AES_KEY, APPID, PUSH_TOKEN, SECRET

PATHS = {path.rpartition("/")[2]: path for path in CALLS} | {"subscribe": "/cgi-bin/message/subscribe/send"}
DONE, ASK = "TPL-done", "TPL-ask"
GRANT = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
SAID = {"touser": "", "template_id": DONE, "miniprogram_state": "formal", "lang": "zh_CN"}
MEDIA = {"version": 2, "scene": 2, "media_type": 2, "media_url": "http://127.0.0.1:1/none"}


class Wx:
    """The platform as an app's server and a telephone see it. Every test begins with everything forgotten."""

    def __init__(self, running):
        self.running, self.platform = running, running.platform
        self.http = httpx.Client(base_url=running.url, trust_env=False, timeout=5)
        self.word = ""

    def fresh(self):
        self.platform.reset()
        self.platform.add_template(DONE, "办结通知", {"thing1": "事项", "phrase2": "结果"})
        self.platform.add_user("star", phone="13900001111")
        self.word = ""
        return self

    # The app's server

    def ask(self, name, method="POST", raw=None, token=True, **said):
        query = {} if method == "POST" else dict(said)
        if token:
            query["access_token"] = self.token() if token is True else token
        content = (raw if raw is not None else json.dumps(said).encode()) if method == "POST" else None
        answer = self.http.request(method, PATHS.get(name, name), params=query, content=content)
        if answer.headers["content-type"].startswith("image/"):
            return answer
        return answer.json()

    def code_of(self, name, **more):
        """The number that a call is answered with; 0 for success, said or not."""
        answer = self.ask(name, **more)
        return 0 if isinstance(answer, httpx.Response) else answer.get("errcode", 0)

    def token(self):
        self.word = self.word or self.stable()["access_token"]
        return self.word

    def stable(self, force=False, **more):
        return self.ask("stable_token", token=False, **{**GRANT, "force_refresh": force, **more})

    def plain(self, **more):
        return self.ask("token", method="GET", token=False, **{**GRANT, **more})

    def session(self, code, **more):
        query = {"appid": APPID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"} | more
        return self.ask(
            "jscode2session", method="GET", token=False, **{k: v for k, v in query.items() if v is not None}
        )

    def works(self, token):
        return self.code_of("generate_urllink", token=token)

    def send(self, user="star", data=None, **more):
        data = data or {"thing1": "楼道灯修好了", "phrase2": "已解决"}
        values = {key: {"value": value} for key, value in data.items()}
        return self.ask("subscribe", **{**SAID, "touser": self.openid(user), "data": values, **more})

    def sent(self, *args, **more):
        return self.send(*args, **more)["errcode"]

    def check(self, content="您好", **more):
        said = {"version": 2, "scene": 2, "openid": self.openid(), "content": content} | more
        return self.ask("msg_sec_check", **said)

    def drawn(self, **more):
        return self.code_of("getwxacodeunlimit", **more)

    # The telephone and the console

    def ctl(self, what, /, **said):
        return self.http.post(f"/__ctl/{what}", json=said).json()

    def openid(self, user="star", appid=APPID):
        return self.platform.user(user).openid(appid)

    def login(self, user="star", appid=APPID):
        return self.ctl("phone", user=user, do="login", appid=appid)["code"]

    def phone_code(self, user="star"):
        return self.ctl("phone", user=user, do="phone")["code"]

    def phone_number(self, code, **more):
        return self.ask("getuserphonenumber", code=code, **more)

    def allow(self, times=1, user="star", key=DONE, answer="accept"):
        for _time in range(times):
            said = self.ctl("phone", user=user, do="subscribe", choices={key: answer})
        return said

    def question(self, choices, user="star"):
        said = self.ctl("phone", user=user, do="subscribe", choices=choices)
        return said.get("errCode") or said["results"]

    def later(self, seconds):
        self.ctl("clock", advance=seconds)
        return self

    def app(self, **facts):
        self.ctl("seed", apps=[facts])
        return self

    def limit(self, name, minute, day=None):
        self.ctl("seed", limits={name: [minute, day]})
        return self

    def received(self, user="star"):
        return self.http.get("/__ctl/received", params={"user": user}).json()["received"]

    def try_field(self, key, value, **template):
        """The number that a message with this one field is answered with."""
        self.platform.add_template(ASK, "试", {key: "项"}, **template)
        self.allow(key=ASK)
        return self.sent(template_id=ASK, data={key: value})


def twice(w, first, second):
    return [first(w), second(w)]


def err(answer):
    return answer.get("errcode", 0)


def other_app(w):
    w.app(appid="wxother", secret="s")
    return w


# fmt: off
# Signing in


def used_by_two_at_once(w):
    code, codes = w.login(), []
    threads = [threading.Thread(target=lambda: codes.append(err(w.session(code)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(codes)


SIGN_IN = [
    ("V", "a login code gives openid and session key", lambda w: set(w.session(w.login())), {"openid", "session_key"}),
    ("V", "success of jscode2session bears no errcode", lambda w: "errcode" in w.session(w.login()), False),
    ("V", "unionid comes when the app is bound to an open platform", lambda w: "unionid" in w.app(open_platform=True).session(w.login()), True),
    ("V", "a login code is good once", lambda w: (lambda c: [err(w.session(c)), err(w.session(c))])(w.login()), [0, 40163]),
    ("V", "of six who use a code at once one succeeds", used_by_two_at_once, [0] + [40163] * 5),
    ("V", "a login code lives five minutes", lambda w: (lambda c: err(w.later(301).session(c)))(w.login()), 40029),
    ("V", "a login code is good just before its five minutes end", lambda w: (lambda c: err(w.later(297).session(c)))(w.login()), 0),
    ("V", "an invented code is refused", lambda w: err(w.session("invented")), 40029),
    ("V", "a code of another app is refused", lambda w: err(other_app(w).session(w.login(appid="wxother"))), 40029),
    ("V", "a phone code is no login code", lambda w: err(w.session(w.phone_code())), 40029),
    ("V", "a high-risk user is blocked", lambda w: (w.ctl("user", name="star", high_risk=True), err(w.session(w.login())))[1], 40226),
    ("V", "more than a hundred a minute by one user are refused", lambda w: w.limit("jscode2session", 2) and [err(w.session(w.login())) for _ in range(3)], [0, 0, 45011]),
    ("V", "another user's minute is not full", lambda w: w.limit("jscode2session", 1) and [err(w.session(w.login(u))) for u in "ab"], [0, 0]),
    ("V", "the next minute is free again", lambda w: w.limit("jscode2session", 1) and [err(w.session(w.login())), err(w.later(61).session(w.login()))], [0, 0]),
    ("V", "a wrong secret is refused", lambda w: err(w.session(w.login(), secret="wrong")), 40125),
    ("V", "an unknown appid is refused", lambda w: err(w.session(w.login(), appid="wxnone")), 40013),
    ("V", "a missing appid is refused", lambda w: err(w.session(w.login(), appid=None)), 41002),
    ("K", "a missing secret is refused", lambda w: err(w.session(w.login(), secret=None)), 41004),
    ("K", "a missing code is refused", lambda w: err(w.session(None)), 41008),
    ("K", "another grant type is refused", lambda w: err(w.session(w.login(), grant_type="password")), 40002),
    ("V", "a person's openid differs from app to app", lambda w: w.openid() == w.openid(appid="wxother"), False),
    ("V", "a person's openid stays the same", lambda w: w.session(w.login())["openid"] == w.session(w.login())["openid"], True),
    ("V", "the session key changes", lambda w: w.session(w.login())["session_key"] == w.session(w.login())["session_key"], False),
    ("V", "a phone code gives the number", lambda w: w.phone_number(w.phone_code())["phone_info"]["purePhoneNumber"], "13900001111"),
    ("V", "the number bears the app's watermark", lambda w: w.phone_number(w.phone_code())["phone_info"]["watermark"]["appid"], APPID),
    ("V", "the country is text or number", lambda w: [w.phone_number(w.phone_code())["phone_info"]["countryCode"] for _ in "ab"], ["86", 86]),
    ("V", "a foreign number bears its country", lambda w: (w.ctl("user", name="star", country="852", phone="91234567"), w.phone_number(w.phone_code())["phone_info"]["phoneNumber"])[1], "+85291234567"),
    ("V", "a phone code is good once", lambda w: (lambda c: [err(w.phone_number(c)) for _ in "ab"])(w.phone_code()), [0, 40029]),
    ("V", "a phone code lives five minutes", lambda w: (lambda c: err(w.later(301).phone_number(c)))(w.phone_code()), 40029),
    ("V", "a login code is no phone code", lambda w: err(w.phone_number(w.login())), 40029),
    ("V", "a phone code is checked against an openid that is given", lambda w: [err(w.phone_number(w.phone_code(), openid=w.openid(u))) for u in ("star", "other")], [0, 40003]),
    ("V", "phone numbers too often are refused", lambda w: w.limit("getuserphonenumber", 1) and [err(w.phone_number(w.phone_code())) for _ in "ab"], [0, 45011]),
]

# Tokens


def words(*answers):
    return len({answer["access_token"] for answer in answers})


TOKENS = [
    ("V", "a stable token says how long it lives, at most two hours", lambda w: 7190 < w.stable()["expires_in"] <= 7200, True),
    ("V", "a token may need 512 characters of room", lambda w: 256 < len(w.stable()["access_token"]) <= 512, True),
    ("V", "asked again, the stable token is the same", lambda w: words(w.stable(), w.stable()), 1),
    ("V", "an hour later it is still the same", lambda w: words(w.stable(), w.later(3600).stable()), 1),
    ("V", "five minutes before its end there is a new one", lambda w: words(w.stable(), w.later(6950).stable()), 2),
    ("V", "the old one is good for its last minutes", lambda w: (lambda old: [w.later(6950).works(w.stable()["access_token"]), w.works(old)])(w.token()), [0, 0]),
    ("V", "a stable token is never given with less than five minutes to live", lambda w: all(w.later(1000).stable()["expires_in"] >= 300 for _ in range(9)), True),
    ("V", "at its end the old one has expired", lambda w: (lambda old: w.later(7201).works(old))(w.token()), 42001),
    ("V", "a forced refresh gives another token", lambda w: words(w.stable(), w.later(31).stable(force=True)), 2),
    ("V", "a forced refresh kills the old one at once", lambda w: (lambda old: (w.later(31).stable(force=True), w.works(old))[1])(w.token()), 40001),
    ("V", "a second forced refresh within thirty seconds changes nothing", lambda w: words(w.stable(force=True), w.later(20).stable(force=True)), 1),
    ("V", "at most twenty forced refreshes a day", lambda w: [err(w.later(31).stable(force=True)) for _ in range(21)][-2:], [0, 45009]),
    ("V", "more than the day's stable tokens are refused", lambda w: w.limit("stable_token", None, 1) and [err(w.stable()) for _ in "ab"], [0, 45009]),
    ("V", "more than the minute's stable tokens are refused", lambda w: w.limit("stable_token", 1) and [err(w.stable()) for _ in "ab"], [0, 45009]),
    ("V", "a stable token needs POST", lambda w: w.code_of("stable_token", method="GET", token=False, **GRANT), 43002),
    ("V", "a stable token needs the secret", lambda w: err(w.stable(secret="wrong")), 40125),
    ("V", "a stable token needs the appid", lambda w: err(w.stable(appid="")), 41002),
    ("K", "a stable token needs its grant type", lambda w: err(w.stable(grant_type="x")), 40002),
    ("V", "each fetch of cgi-bin/token gives another", lambda w: words(w.plain(), w.plain()), 2),
    ("V", "the one before lives five more minutes", lambda w: (lambda old: (w.plain(), w.later(290).works(old))[1])(w.plain()["access_token"]), 0),
    ("V", "then it is not the latest", lambda w: (lambda old: (w.plain(), w.later(310).works(old))[1])(w.plain()["access_token"]), 40001),
    ("V", "cgi-bin/token and stable_token do not touch each other", lambda w: (lambda old: (w.plain(), w.plain(), w.later(400).works(old))[2])(w.token()), 0),
    ("K", "cgi-bin/token has a daily limit", lambda w: w.limit("token", None, 1) and [err(w.plain()) for _ in "ab"], [0, 45009]),
    ("V", "a call without a token is refused", lambda w: w.works(""), 41001),
    ("V", "an invented token is refused", lambda w: w.works("88_" + "x" * 200), 40001),
    ("V", "what is no token at all is refused", lambda w: w.works("hello"), 40014),
    ("K", "a caller whose address is not allowed gets no token", lambda w: err(w.app(ip_allow=["192.0.2.1"]).stable()), 40164),
    ("K", "a caller whose address is allowed gets one", lambda w: err(w.app(ip_allow=["127.0.0.1"]).stable()), 0),
    ("V", "a call the app has no right to is refused", lambda w: w.app(unauthorised=["generate_urllink"]).works(w.token()), 48001),
]

# How it answers


def rid(w):
    words = w.session("invented")["errmsg"]
    return [len(part) for part in words.rpartition("rid: ")[2].split("-")]


MANNERS = [
    ("V", "a refusal is HTTP 200 with a number", lambda w: w.http.get(PATHS["jscode2session"]).status_code, 200),
    ("V", "the words of a refusal end with the id of the request", rid, [8, 8, 8]),
    ("V", "a POST without a body is refused", lambda w: w.code_of("subscribe", raw=b""), 44002),
    ("V", "a body that is no JSON is refused", lambda w: w.code_of("subscribe", raw=b"{nonsense"), 47001),
    ("V", "a body that is not UTF-8 is refused", lambda w: w.code_of("subscribe", raw=b'{"a": "\xff"}'), 47001),
    ("V", "a list is no body", lambda w: w.code_of("subscribe", raw=b"[]"), 47001),
    ("V", "subscription messages need POST", lambda w: w.code_of("subscribe", method="GET"), 43002),
    ("V", "the text check has a refusal of its own for GET", lambda w: w.code_of("msg_sec_check", method="GET"), 43302),
    ("K", "what is no call is a page of HTML", lambda w: w.http.get("/cgi-bin/none").status_code, 404),
]

# Subscription messages


def after(w, *steps):
    for step in steps[:-1]:
        step(w)
    return steps[-1](w)


def send_all(w, n):
    return [w.sent() for _ in range(n)]


MESSAGES = [
    ("V", "without a permission nothing is sent", lambda w: w.sent(), 43101),
    ("V", "one accept is one message", lambda w: after(w, Wx.allow, lambda w: send_all(w, 2)), [0, 43101]),
    ("V", "permissions add up", lambda w: after(w, lambda w: w.allow(3), lambda w: send_all(w, 4)), [0, 0, 0, 43101]),
    ("V", "a refusal gives no permission", lambda w: after(w, lambda w: w.allow(answer="reject"), Wx.sent), 43101),
    ("V", "who bans a template loses what they had allowed", lambda w: after(w, Wx.allow, lambda w: w.allow(answer="ban"), Wx.sent), 43101),
    ("V", "who banned is not asked again", lambda w: after(w, lambda w: w.allow(answer="ban"), lambda w: w.question({DONE: "accept"})), {DONE: "reject"}),
    ("V", "the settings page lifts the ban", lambda w: after(w, lambda w: w.allow(answer="ban"), lambda w: w.ctl("phone", user="star", do="settings", unban=[DONE]), Wx.allow, Wx.sent), 0),
    ("V", "a permission is the person's own", lambda w: after(w, lambda w: w.allow(user="other"), Wx.sent), 43101),
    ("V", "a permission is the template's own", lambda w: after(w, lambda w: w.platform.add_template(ASK, "询问", {}), Wx.allow, lambda w: w.sent(template_id=ASK)), 43101),
    ("V", "a long-term permission is not used up", lambda w: after(w, lambda w: w.platform.add_template(ASK, "长期", {}, long_term=True), lambda w: w.allow(key=ASK), lambda w: [w.sent(template_id=ASK) for _ in "abc"]), [0, 0, 0]),
    ("V", "an unknown openid is refused", lambda w: w.sent(touser="onobody"), 40003),
    ("V", "an openid of another app is refused", lambda w: other_app(w).sent(touser=w.openid(appid="wxother")), 40003),
    ("V", "an unknown template is refused", lambda w: w.sent(template_id="none"), 40037),
    ("V", "a page that is not published is refused", lambda w: after(w, Wx.allow, lambda w: w.app(pages=["pages/home/index"]).sent(page="pages/none?x=1")), 41030),
    ("V", "a published page with a query is good", lambda w: after(w, Wx.allow, lambda w: w.app(pages=["pages/home/index"]).sent(page="pages/home/index?n=1")), 0),
    ("K", "an unknown state of the app is refused", lambda w: after(w, Wx.allow, lambda w: w.sent(miniprogram_state="beta")), 40097),
    ("K", "an unknown language is refused", lambda w: after(w, Wx.allow, lambda w: w.sent(lang="de_DE")), 40097),
    ("V", "a wrong field is named", lambda w: w.send(data={"thing1": "长" * 21, "phrase2": "好"})["errmsg"].split("rid")[0].strip(), "argument invalid! data.thing1.value invalid"),
    ("V", "a missing field is refused", lambda w: w.sent(data={"thing1": "好"}), 47003),
    ("V", "a refused message uses up no permission", lambda w: after(w, Wx.allow, lambda w: w.sent(data={"thing1": ""}), Wx.sent), 0),
    ("V", "the day's messages have a limit", lambda w: after(w, lambda w: w.limit("subscribe", None, 1), lambda w: w.allow(2), lambda w: send_all(w, 2)), [0, 45009]),
    ("V", "an app that pays has another limit", lambda w: after(w, lambda w: w.limit("subscribe", None, 1).app(paid=True), lambda w: w.allow(2), lambda w: send_all(w, 2)), [0, 0]),
    ("K", "a sent message has an id", lambda w: after(w, Wx.allow, lambda w: w.send()["msgid"] > 0), True),
    ("V", "what was sent was received, line by line", lambda w: after(w, Wx.allow, Wx.sent, lambda w: w.received()[0]["lines"]), [["事项", "楼道灯修好了"], ["结果", "已解决"]]),
    ("V", "what was refused was not received", lambda w: after(w, Wx.sent, Wx.received), []),
    ("V", "at most five templates in one question", lambda w: w.question({str(n): "accept" for n in range(6)}), 20003),
    ("V", "a question without templates is not shown", lambda w: w.question({}), 20001),
    ("V", "a question with an unknown template is not shown", lambda w: w.question({"none": "accept"}), 20001),
    ("V", "one-time and long-term templates do not mix", lambda w: after(w, lambda w: w.platform.add_template(ASK, "长期", {}, long_term=True), lambda w: w.question({DONE: "accept", ASK: "accept"})), 20002),
    ("V", "of two templates with one title one is asked about", lambda w: after(w, lambda w: w.platform.add_template(ASK, "办结通知", {}), lambda w: w.question({DONE: "accept", ASK: "accept"})), {DONE: "accept", ASK: "filter"}),
    ("V", "with the main switch off nothing is asked", lambda w: after(w, lambda w: w.ctl("user", name="star", main_switch=False), lambda w: w.question({DONE: "accept"})), 20004),
    ("V", "with the main switch off nothing is sent", lambda w: after(w, Wx.allow, lambda w: w.ctl("user", name="star", main_switch=False), Wx.sent), 43101),
]

# Fields: (mark, key, good values, bad values)

FIELDS = [
    ("V", "thing1", ["长" * 20, "灯 6幢2单元"], ["长" * 21]),
    ("V", "number2", ["12", "3.5", "1" * 32], ["1" * 33, "一", "1a"]),
    ("V", "letter1", ["Abc", "a" * 32], ["a" * 33, "a1", "字"]),
    ("V", "symbol1", ["!?", "*****"], ["******", "a"]),
    ("V", "character_string3", ["260310-0001-8", "a" * 32], ["a" * 33, "报事1"]),
    ("V", "time1", ["15:01", "2019年10月1日 15:01", "2019年10月1日15:01", "15:01~16:02"], ["25:01", "昨天"]),
    ("V", "date2", ["2019年10月1日", "2019-12-25 09:42", "2019年10月1日 15:01"], ["十月一日"]),
    ("V", "amount1", ["￥100.05", "100元", "¥1"], ["1" * 11, "一百元"]),
    ("V", "phone_number1", ["+86-0766-66888866"[:17], "13900001111"], ["1" * 18, "电话"]),
    ("V", "car_number1", ["粤A8Z888挂", "浙A12345"], ["浙A123456789"]),
    ("V", "name1", ["角木", "一二三四五六七八九十", "Kui Mulang Of Stars"], ["一二三四五六七八九十一", "a" * 21]),
    ("V", "phrase1", ["已解决"], ["一二三四五六", "ok", "已办1"]),
    ("V", "thing9", ["x"], ["", " "]),
    ("K", "thing8", ["，。"], ["第一行\n第二行", "笑😀"]),
]

# Codes


def scanned(w, **more):
    picture = w.ask("getwxacodeunlimit", **more)
    image = Image.open(io.BytesIO(picture.content))
    return image, [found.text for found in zxingcpp.read_barcodes(image.convert("RGBA"))]


CODES = [
    ("V", "the answer is a picture, not JSON", lambda w: w.ask("getwxacodeunlimit", scene="a").headers["content-type"], "image/jpeg"),
    ("K", "a scanner reads our drawing of a code", lambda w: scanned(w, scene="p.4kT7")[1], ["https://weilianxin.example/p/p.4kT7"]),
    ("V", "a code is 430 wide unless asked otherwise", lambda w: scanned(w, scene="a")[0].size, (430, 430)),
    ("V", "a code is as wide as asked", lambda w: scanned(w, scene="a", width=1280)[0].size, (1280, 1280)),
    ("K", "a code is never narrower than 280", lambda w: scanned(w, scene="a", width=1)[0].size, (280, 280)),
    ("V", "a transparent code is a PNG", lambda w: w.ask("getwxacodeunlimit", scene="a", is_hyaline=True).headers["content-type"], "image/png"),
    ("V", "a scene of 32 characters is good", lambda w: w.drawn(scene="a" * 32), 0),
    ("V", "a scene of 33 characters is refused", lambda w: w.drawn(scene="a" * 33), 40169),
    ("V", "an empty scene is refused", lambda w: w.drawn(scene=""), 40169),
    ("V", "a scene that is no text is refused", lambda w: w.drawn(scene=5), 40169),
    ("V", "all its signs may stand in a scene", lambda w: w.drawn(scene="!#$&'()*+,/:;=?@-._~"), 0),
    ("V", "a per cent sign may not stand in a scene", lambda w: w.drawn(scene="a%20b"), 40129),
    ("V", "Chinese may not stand in a scene", lambda w: w.drawn(scene="门牌"), 40129),
    ("V", "a page with a leading slash is refused", lambda w: w.drawn(scene="a", page="/pages/home"), 41030),
    ("V", "a page with a query is refused", lambda w: w.drawn(scene="a", page="pages/home?a=1"), 41030),
    ("V", "a code for a page that is not published is refused", lambda w: w.app(pages=["pages/home"]).drawn(scene="a", page="pages/none"), 41030),
    ("V", "unless nobody is to check it", lambda w: w.app(pages=["pages/home"]).drawn(scene="a", page="pages/none", check_path=False), 0),
    ("V", "unchecked pages have a limit", lambda w: w.limit("pages_unchecked", None, 1) and [w.drawn(scene="a", page=p, check_path=False) for p in "aab"], [0, 0, 45009]),
    ("V", "codes a minute have a limit", lambda w: w.limit("getwxacodeunlimit", 1) and [w.drawn(scene="a") for _ in "ab"], [0, 45009]),
    ("K", "an unknown version is refused", lambda w: w.drawn(scene="a", env_version="beta"), 40097),
]

# Checks of text and pictures, links


def links(w, name, **said):
    return w.code_of(name, **said)


def seeded(w):
    w.ctl("seed", bad_words={"坏词": 20003, "疑词": -10001})
    return w


CHECKS = [
    ("V", "a plain text passes", lambda w: (w.login(), w.check()["result"])[1], {"suggest": "pass", "label": 100}),
    ("V", "a bad word is risky and named", lambda w: (w.login(), seeded(w).check("有坏词")["detail"][1]["keyword"])[1], "坏词"),
    ("V", "a risky text bears its label", lambda w: (w.login(), seeded(w).check("有坏词")["result"])[1], {"suggest": "risky", "label": 20003}),
    ("V", "a doubtful text is for review", lambda w: (w.login(), seeded(w).check("有疑词")["result"])[1], {"suggest": "review", "label": 10001}),
    ("V", "a check bears its id", lambda w: (w.login(), "trace_id" in w.check())[1], True),
    ("V", "who was not active for two hours cannot be checked", lambda w: (w.login(), err(w.later(7300).check()))[1], 61010),
    ("V", "somebody who never came was never active", lambda w: err(w.check()), 61010),
    ("V", "an unknown openid is refused by the check", lambda w: err(w.check(openid="onobody")), 40003),
    ("V", "an openid of another app has a refusal of its own", lambda w: err(other_app(w).check(openid=w.openid(appid="wxother"))), 43104),
    ("V", "an unknown kind of text is refused", lambda w: (w.login(), err(w.check(scene=5)))[1], 40129),
    ("V", "2500 characters can be checked", lambda w: (w.login(), err(w.check("长" * 2500)))[1], 0),
    ("K", "2501 characters are too many", lambda w: (w.login(), err(w.check("长" * 2501)))[1], 45002),
    ("V", "the old version only says no", lambda w: err(seeded(w).check("有坏词", version=1)), 87014),
    ("V", "checks a minute have a limit", lambda w: (w.login(), w.limit("msg_sec_check", 1), [err(w.check()) for _ in "ab"])[2], [0, 45009]),
    ("V", "a media check bears its id", lambda w: (w.login(), "trace_id" in w.ask("media_check_async", openid=w.openid(), **MEDIA))[1], True),
    ("K", "an unknown kind of media is refused", lambda w: (w.login(), w.code_of("media_check_async", **{**MEDIA, "openid": w.openid(), "media_type": 9}))[1], 40097),
    ("V", "media checks a minute have a limit", lambda w: (w.login(), w.limit("media_check_async", 1), [w.code_of("media_check_async", **MEDIA, openid=w.openid()) for _ in "ab"])[2], [0, 45009]),
    ("V", "a link for an SMS is given", lambda w: w.ask("generate_urllink", path="pages/home", query="a=1")["url_link"].startswith("https://"), True),
    ("V", "a scheme is given", lambda w: w.ask("generatescheme", jump_wxa={"path": "pages/home"})["openlink"].startswith("weixin://"), True),
    ("V", "a query of a link has 1024 characters at most", lambda w: [links(w, "generate_urllink", query="a" * n) for n in (1024, 1025)], [0, 40212]),
    ("K", "a link lives thirty days at most", lambda w: [links(w, "generate_urllink", expire_type=1, expire_interval=n) for n in (30, 31)], [0, 85401]),
    ("K", "a link to a page that is not published is refused", lambda w: links(w.app(pages=["pages/home"]), "generate_urllink", path="pages/none"), 40165),
]

# What strict mode adds, and faults


def strictly(w, **more):
    w.allow()
    w.ctl("strict", on=True)
    code = w.sent(**more)
    return code, len(w.http.get("/__ctl/log").json()["violations"])


def fault(w, **rule):
    w.ctl("fault", **{"endpoint": "subscribe", **rule})
    w.allow(2)
    try:
        answer = w.http.post(
            PATHS["subscribe"],
            params={"access_token": w.token()},
            json={
                **SAID,
                "touser": w.openid(),
                "data": {"thing1": {"value": "灯"}, "phrase2": {"value": "好"}},
            },
            timeout=0.5 if rule["action"] == "hang" else 5,
        )
    except httpx.TransportError as error:
        kind = "timeout" if isinstance(error, httpx.TimeoutException) else "cut"
        return kind, len(w.received())
    try:
        return answer.json()["errcode"], len(w.received())
    except ValueError:
        return answer.status_code, len(w.received())


OURS = [
    ("K", "strict: a full call passes", lambda w: strictly(w), (0, 0)),
    ("V", "strict: the state of the app must be said", lambda w: (w.ctl("strict", on=True), w.code_of("subscribe", touser="o", template_id="t", data={}, lang="zh_CN"))[1], 40097),
    ("K", "strict: an unknown parameter is a violation", lambda w: strictly(w, emphasis="x"), (40097, 1)),
    ("K", "fault: an error number", lambda w: fault(w, action="errcode", value=-1), (-1, 0)),
    ("K", "fault: an HTTP status", lambda w: fault(w, action="http", value=502), (502, 0)),
    ("K", "fault: HTML instead of JSON", lambda w: fault(w, action="html"), (200, 0)),
    ("K", "fault: half an answer, after it was done", lambda w: fault(w, action="truncate"), (200, 1)),
    ("K", "fault: cut before it was done", lambda w: fault(w, action="reset"), ("cut", 0)),
    ("K", "fault: done, and the answer lost", lambda w: fault(w, action="drop"), ("cut", 1)),
    ("K", "fault: no answer", lambda w: fault(w, action="hang", value=900), ("timeout", 0)),
    ("K", "fault: a late answer", lambda w: fault(w, action="delay", value=50), (0, 1)),
    ("K", "fault: done twice", lambda w: fault(w, action="duplicate-effect"), (0, 2)),
    ("K", "fault: all tokens die", lambda w: fault(w, action="revoke"), (40001, 0)),
    ("K", "fault: the clock jumps", lambda w: fault(w, action="skew", value=7300), (42001, 0)),
    ("K", "fault: only the second call", lambda w: [w.ctl("fault", endpoint="subscribe", action="errcode", value=-1, nth=2), w.allow(3), send_all(w, 3)][2], [0, -1, 0]),
    ("K", "fault: only calls that say so", lambda w: [w.ctl("fault", action="errcode", value=-1, match="修好"), w.allow(2), [w.sent(), w.sent(data={"thing1": "灯", "phrase2": "好"})]][2], [-1, 0]),
    ("K", "fault: by chance, the same at every run", lambda w: [w.ctl("fault", endpoint="subscribe", action="errcode", value=-1, probability=0.5), w.allow(8), Counter(send_all(w, 8))[-1]][2], 4),
    ("K", "an unknown fault is refused", lambda w: "error" in w.ctl("fault", action="sing"), True),
]

# fmt: on
FACTS = [*SIGN_IN, *TOKENS, *MANNERS, *MESSAGES, *CODES, *CHECKS, *OURS]
FACTS += [
    (mark, f"{key} takes {value!r}", lambda w, k=key, v=value: w.try_field(k, v), 0)
    for mark, key, good, _bad in FIELDS
    for value in good
]
FACTS += [
    (mark, f"{key} refuses {value!r}", lambda w, k=key, v=value: w.try_field(k, v), 47003)
    for mark, key, _good, bad in FIELDS
    for value in bad
]


@pytest.fixture(scope="module")
def running():
    running = serve()
    yield running
    running.stop()


@pytest.fixture
def w(running):
    wx = Wx(running).fresh()
    yield wx
    wx.http.close()


@pytest.mark.parametrize(("do", "expected"), [row[2:] for row in FACTS], ids=[f"[{r[0]}] {r[1]}" for r in FACTS])
def test_the_platform_does_as_is_known(w, do, expected):
    assert do(w) == expected


def test_there_are_facts_enough_and_each_has_its_mark():
    assert len(FACTS) >= 120 and len({row[1] for row in FACTS}) == len(FACTS)
    assert {row[0] for row in FACTS} <= {"V", "L", "K"}


def test_an_enum_takes_what_is_listed(w):
    template = {"choices": {"enum1": ["已办"]}}
    assert [w.try_field("enum1", value, **template) for value in ("已办", "别的")] == [0, 47003]


# Pushes


@pytest.fixture
def ours():
    """The app's own server: remembers what was pushed, says `answer` after `wait` seconds, serves a file."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            self.say(server.file if "echostr" not in query else query["echostr"].encode())

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            server.got.append(SimpleNamespace(query=query, body=body, kind=self.headers["Content-Type"]))
            self.say(server.answers.pop(0) if server.answers else b"success")

        def say(self, words):
            self.send_response(200 if words is not None else 500)
            self.end_headers()
            self.wfile.write(words or b"")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answers, server.file = [], [], b"picture"
    server.url = f"http://127.0.0.1:{server.server_port}/push"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def wait_for(server, n=1):
    until = time.monotonic() + 5
    while len(server.got) < n and time.monotonic() < until:
        time.sleep(0.01)
    return server.got


def unsealed(got, form="json"):
    body = json.loads(got.body) if form == "json" else {e.tag: e.text for e in ElementTree.fromstring(got.body)}
    message, appid = crypt.unseal(AES_KEY, body["Encrypt"])
    return message, appid, body


def test_the_published_signature_comes_out():  # [L]
    assert crypt.signature("AAAAA", "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


def test_what_is_sealed_is_whole_blocks_of_32_and_opens_again():  # [V]
    for n in range(70):
        sealed = crypt.seal(AES_KEY, APPID, "灯" * n)
        assert len(base64.b64decode(sealed)) % 32 == 0
        assert crypt.unseal(AES_KEY, sealed) == ("灯" * n, APPID)


def test_a_media_check_is_answered_by_a_sealed_and_signed_push(w, ours):  # [V]
    w.app(push_url=ours.url)
    w.login()
    trace = w.ask("media_check_async", **{**MEDIA, "media_url": ours.url}, openid=w.openid())["trace_id"]
    got = wait_for(ours)[0]
    message, appid, body = unsealed(got)
    said = json.loads(message)
    assert appid == APPID and set(body) == {"ToUserName", "Encrypt"} and got.query["encrypt_type"] == "aes"
    assert (said["Event"], said["trace_id"], said["version"]) == ("wxa_media_check", trace, 2)
    assert said["result"] == {"suggest": "pass", "label": 100} and said["errcode"] == 0
    stamp, nonce = got.query["timestamp"], got.query["nonce"]
    assert got.query["signature"] == crypt.signature(PUSH_TOKEN, stamp, nonce)
    assert got.query["msg_signature"] == crypt.signature(PUSH_TOKEN, stamp, nonce, body["Encrypt"])


def test_a_bad_picture_is_risky_and_one_that_is_not_there_says_so_in_either_shape(w, ours):  # [V]
    w.app(push_url=ours.url)
    w.ctl("seed", bad_media={"bad picture": 20002})
    ours.file = b"a bad picture"
    w.login()
    for number, (shape, url) in enumerate([(2, ours.url), (1, ours.url), (1, "http://127.0.0.1:1/"), (2, "ftp:x")], 1):
        w.app(media_push=shape)
        w.ask("media_check_async", **{**MEDIA, "media_url": url}, openid=w.openid())
        wait_for(ours, number)
    said = [json.loads(unsealed(got)[0]) for got in ours.got]
    assert said[0]["result"] == {"suggest": "risky", "label": 20002}
    assert (said[1]["isrisky"], said[1]["status_code"]) == (1, 0) and "version" not in said[1]
    assert said[2]["status_code"] == 4294966288 and said[3]["errcode"] < 0


def test_pushes_come_as_xml_and_plain_too(w, ours):  # [V]
    app = w.app(push_url=ours.url, push_format="xml").platform.apps[APPID]
    user, event = w.platform.user("star"), {"Event": "user_enter", "Words": "a]b"}
    assert push.send(w.platform, app, user, event) == [[200, "success"]]
    message, _appid, _body = unsealed(ours.got[0], "xml")
    inside = {e.tag: e.text for e in ElementTree.fromstring(message)}
    assert inside["Event"] == "user_enter" and inside["FromUserName"] == w.openid()
    app.push_mode = "plain"
    push.send(w.platform, app, user, event)
    assert "Encrypt" not in ours.got[1].body.decode() and "msg_signature" not in ours.got[1].query
    app.push_mode, app.push_format = "compat", "json"
    push.send(w.platform, app, user, event)
    assert {"Event", "Encrypt"} <= set(json.loads(ours.got[2].body))


def test_what_is_not_answered_with_success_comes_three_times_with_the_same_inside(w, ours):  # [K]
    app = w.app(push_url=ours.url).platform.apps[APPID]
    ours.answers = [b"no", None]
    assert push.send(w.platform, app, w.platform.user("star"), {"Event": "x"}) == [
        [200, "no"],
        [500, ""],
        [200, "success"],
    ]
    assert len({unsealed(got)[0] for got in ours.got}) == 1 and len({got.query["nonce"] for got in ours.got}) == 3
    app.push_url = "http://127.0.0.1:1/"
    assert push.send(w.platform, app, w.platform.user("star"), {"Event": "x"}) == [[0, "no answer"]] * 3


def test_the_address_is_verified_by_an_echo(w, ours):  # [V]
    w.app(push_url=ours.url)
    assert w.ctl("push", verify=True) == {"verified": True}
    w.app(push_url="http://127.0.0.1:1/")
    assert w.ctl("push", verify=True) == {"verified": False}


def test_permissions_and_messages_are_told_when_the_app_wants_to_know(w, ours):  # [K]
    w.app(push_url=ours.url, push_events=True)
    w.allow()
    w.sent()
    said = [json.loads(unsealed(got)[0]) for got in wait_for(ours, 2)]
    assert [(m["Event"], m["List"][0]["TemplateId"]) for m in said] == [
        ("subscribe_msg_popup_event", DONE),
        ("subscribe_msg_sent_event", DONE),
    ]
