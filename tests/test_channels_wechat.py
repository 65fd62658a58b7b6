"""Our client against the platform of `fakes/wechat`: every error it documents is one verdict, values fit before they
are sent, a token is fetched once for each expiry, and what is pushed to us is WeChat's own or refused."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from urllib.parse import urlencode

import httpx
import pytest

from fakes.wechat import crypt, errors, phone, push, serve
from fakes.wechat import fields as theirs
from fakes.wechat.platform import AES_KEY, APPID, PUSH_TOKEN, SECRET
from weilianxin.channels import wechat
from weilianxin.channels.errors import GiveUp, NotConfigured, Retry
from weilianxin.channels.wechat import client, fields, inbound, token, verdicts
from weilianxin.channels.wechat.inbound import Media, Refused

DONE, DATA = "TPL-done", {"thing1": "楼道灯修好了", "phrase2": "已解决"}


@pytest.fixture(scope="module")
def running():
    running = serve()
    yield running
    running.stop()


@pytest.fixture
def wx(running, settings, tmp_path):
    """The platform, strict and forgetful, and our settings for it."""
    platform = running.platform
    platform.reset()
    platform.strict = True
    platform.add_template(DONE, "办结通知", {"thing1": "事项", "phrase2": "结果"})
    platform.add_user("star", phone="13900001111")
    settings.DATA_DIR, settings.WECHAT_BASE = tmp_path, running.url
    settings.WECHAT_APPID, settings.WECHAT_SECRET = APPID, SECRET
    settings.WECHAT_TOKEN, settings.WECHAT_AES_KEY = PUSH_TOKEN, AES_KEY
    yield platform
    assert platform.violations == []


def openid(wx, name="star"):
    return wx.user(name).openid(APPID)


def login(wx, name="star"):
    return phone.log_in(wx, name, APPID)


def allow(wx, times=1, name="star", template=DONE):
    for _time in range(times):
        phone.answer_question(wx, name, APPID, {template: "accept"})


def send(wx, **data):
    return wechat.send(openid(wx), DONE, DATA | data, page="pages/matter/index?number=1")


def issued(wx):
    return len(wx.tokens.issued)


# What we do with it


def test_a_login_code_becomes_a_person_and_nothing_else_is_kept(wx):
    assert wechat.code_to_session(login(wx)) == (openid(wx), "")
    wx.apps[APPID].open_platform = True
    assert wechat.code_to_session(login(wx)).unionid == wx.user("star").unionid
    assert issued(wx) == 0


def test_a_code_is_good_once_and_the_person_is_told(wx):
    code = login(wx)
    wechat.code_to_session(code)
    for wrong in (code, "invented", "", None):
        with pytest.raises(GiveUp) as error:
            wechat.code_to_session(wrong)
        assert error.value.tell == GiveUp.USER


def test_a_phone_code_becomes_a_number_whichever_shape_the_country_has(wx):
    assert [wechat.phone_number(phone.give_phone(wx, "star", APPID)) for _ in "ab"] == ["13900001111"] * 2
    wx.add_user("abroad", phone="91234567", country="852")
    assert wechat.phone_number(phone.give_phone(wx, "abroad", APPID)) == "+85291234567"
    code = phone.give_phone(wx, "star", APPID)
    with pytest.raises(GiveUp):
        wechat.phone_number(code, openid(wx, "abroad"))


def test_a_message_is_received_with_its_lines(wx, settings):
    allow(wx)
    settings.WECHAT_STATE = "trial"
    assert send(wx) == "1"
    (got,) = wx.received("star")
    assert got["lines"] == [["事项", "楼道灯修好了"], ["结果", "已解决"]]
    assert (got["page"], got["state"], got["lang"]) == ("pages/matter/index?number=1", "trial", "zh_CN")


def test_values_are_shortened_before_they_are_sent(wx):
    allow(wx)
    send(wx, thing1="三楼到四楼之间的\n楼道灯😀不亮已经有整整两个星期了", phrase2="已经办好了吧 OK")
    assert dict(wx.received()[0]["lines"]) == {
        "事项": "三楼到四楼之间的 楼道灯 不亮已经有整…",
        "结果": "已经办好了",
    }


def test_a_field_that_cannot_be_right_is_never_sent(wx):
    allow(wx)
    for data in ({"phrase2": "OK"}, {"nothing9": "x"}):
        with pytest.raises(GiveUp) as error:
            send(wx, **data)
        assert error.value.tell == GiveUp.OPERATOR
    assert not [entry for entry in wx.log if entry.get("call") == "subscribe"]


def test_a_code_is_a_picture_and_what_would_be_refused_is_not_asked_for(wx):
    assert wechat.unlimited_code("p.4kT7", "pages/plate/index")[:2] == b"\xff\xd8"
    assert wechat.unlimited_code("p.4kT7", clear=True)[:4] == b"\x89PNG"
    asked = len(wx.log)
    for scene, page in (("a" * 33, ""), ("门牌", ""), ("a%20", ""), ("", ""), ("a", "/pages/x"), ("a", "pages/x?y")):
        with pytest.raises(ValueError, match="scene|page"):
            wechat.unlimited_code(scene, page)
    assert len(wx.log) == asked


def test_a_text_of_any_length_is_judged_by_its_worst_part(wx):
    wx.bad_words |= {"坏词": 20003, "疑词": -10001}
    login(wx)
    assert wechat.check_text(openid(wx), "您好") == ("pass", 100, ())
    assert wechat.check_text(openid(wx), "") == ("pass", 100, ())
    assert wechat.check_text(openid(wx), "长" * 2100 + "疑词") == ("review", 10001, ("疑词",))
    assert wechat.check_text(openid(wx), "疑词" + "长" * 4000 + "坏词") == ("risky", 20003, ("坏词",))


def test_who_was_not_active_cannot_be_checked_and_that_is_said(wx):
    with pytest.raises(GiveUp) as error:
        wechat.check_text(openid(wx), "您好")
    assert error.value.code == "wechat-61010"


def test_a_media_check_has_an_id_and_a_link_opens_the_page(wx):
    login(wx)
    assert len(wechat.check_media(openid(wx), "http://127.0.0.1:1/x")) == 24
    assert wechat.url_link("pages/home/index", "a=1", days=90).startswith("https://")


# Every error number is one verdict


@pytest.mark.parametrize("number", sorted(set(errors.WORDS) - verdicts.TOKEN))
def test_every_documented_error_is_try_later_or_give_up_and_tell_somebody(wx, number):
    allow(wx)
    wx.faults.add(action="errcode", value=number, endpoint="subscribe")
    with pytest.raises((Retry, GiveUp)) as error:
        send(wx)
    assert error.value.code == f"wechat-{number}" and not getattr(error.value, "unsure", False)
    expected = Retry if number in verdicts.BUSY else GiveUp
    assert type(error.value) is expected
    if expected is GiveUp:
        assert error.value.tell == (GiveUp.USER if number in verdicts.USER else GiveUp.OPERATOR)
    assert issued(wx) == 1 and not wx.received()


@pytest.mark.parametrize("number", sorted(verdicts.TOKEN))
def test_a_refused_token_is_fetched_anew_and_the_call_made_once_more(wx, number):
    allow(wx)
    wx.faults.add(action="errcode", value=number, endpoint="subscribe", nth=1)
    assert send(wx) == "1"
    assert issued(wx) == 2 and len(wx.received()) == 1


def test_a_token_that_is_refused_twice_is_tried_later(wx):
    allow(wx)
    wx.faults.add(action="errcode", value=40001, endpoint="subscribe")
    with pytest.raises(Retry) as error:
        send(wx)
    assert error.value.code == "wechat-40001"
    assert times_asked(wx, "subscribe") == 2


def times_asked(wx, name):
    return sum(entry.get("call") == name for entry in wx.log)


def test_every_number_has_one_verdict_and_the_platform_knows_them_all():
    groups = [verdicts.BUSY, verdicts.TOKEN, verdicts.OPERATOR, verdicts.USER]
    assert len(set().union(*groups)) == sum(map(len, groups))
    assert set().union(*groups) == set(errors.WORDS)
    assert type(verdicts.verdict(99999)) is Retry


# What is no answer


@pytest.mark.parametrize(
    ("action", "value", "code", "unsure"),
    [
        ("http", 502, "wechat-http-502", True),
        ("http", 404, "wechat-http-404", False),
        ("html", None, "wechat-answer", True),
        ("truncate", None, "wechat-answer", True),
        ("reset", None, "wechat-cut", True),
        ("drop", None, "wechat-cut", True),
        ("hang", 500, "wechat-timeout", True),
    ],
)
def test_what_is_no_answer_is_tried_later_and_says_whether_it_may_have_been_done(
    wx, monkeypatch, action, value, code, unsure
):
    if action == "hang":
        token.current(client.fetch_token)  # only the message itself meets the short wait
        monkeypatch.setattr(client, "TIMEOUT", httpx.Timeout(0.2))
        monkeypatch.setattr(client, "_clients", {})
    allow(wx)
    wx.faults.add(action=action, value=value, endpoint="subscribe")
    with pytest.raises(Retry) as error:
        send(wx)
    assert (error.value.code, error.value.unsure) == (code, unsure)


def test_a_platform_that_is_not_there_is_tried_later_and_nothing_was_done(wx, settings):
    settings.WECHAT_BASE = "http://127.0.0.1:1"
    for ask in (lambda: send(wx), lambda: wechat.code_to_session("x")):
        with pytest.raises(Retry) as error:
            ask()
        assert not error.value.unsure


@pytest.mark.parametrize("name", ["WECHAT_APPID", "WECHAT_SECRET", "WECHAT_BASE"])
def test_without_a_mini_program_nothing_is_asked(wx, settings, name):
    setattr(settings, name, "")
    assert not wechat.configured()
    for ask in (lambda: send(wx), lambda: wechat.code_to_session("x"), lambda: wechat.check_text("o", "x")):
        with pytest.raises(NotConfigured):
            ask()
    assert wx.log == []


def test_a_secret_that_is_wrong_is_the_operators_business(wx, settings):
    settings.WECHAT_SECRET = "wrong"
    with pytest.raises(GiveUp) as error:
        send(wx)
    assert (error.value.tell, error.value.code) == (GiveUp.OPERATOR, "wechat-40125")


# The token


def test_one_token_serves_until_it_is_nearly_over(wx, monkeypatch):
    allow(wx, 4)
    send(wx)
    send(wx)
    assert issued(wx) == 1
    real = time.time
    for later in (6000, 6970):
        monkeypatch.setattr(time, "time", lambda later=later: real() + later)
        send(wx)
    assert issued(wx) == 2 and len(wx.received()) == 4


def test_many_threads_that_find_the_token_expired_fetch_one(wx):
    allow(wx, 40)
    send(wx)
    wx.skew += 7300
    threads = [threading.Thread(target=send, args=(wx,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert issued(wx) == 2 and len(wx.received()) == 21


WORKER = """
import sys
from types import SimpleNamespace
from pathlib import Path
import django.conf
django.conf.settings.configure(DATA_DIR=Path(sys.argv[1]), WECHAT_BASE=sys.argv[2], WECHAT_APPID=sys.argv[3],
    WECHAT_SECRET=sys.argv[4], WECHAT_STATE="formal")
from weilianxin.channels import wechat
sys.stdin.readline()
for _ in range(5):
    wechat.url_link("pages/home/index")
"""


def test_several_processes_share_one_token(wx, settings):
    words = [str(settings.DATA_DIR), settings.WECHAT_BASE, APPID, SECRET]
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, *words], stdin=subprocess.PIPE) for _ in range(3)]
    for worker in workers:
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert issued(wx) == 1 and times_asked(wx, "generate_urllink") == 15


def test_the_token_is_kept_for_its_owner_only(wx):
    allow(wx)
    send(wx)
    kept = token.path()
    assert os.stat(kept).st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["token"] == wx.tokens.issued[0]
    kept.write_text("{half")
    allow(wx)
    send(wx)  # what cannot be read is fetched again


def test_another_account_does_not_use_this_ones_token(wx, settings):
    allow(wx)
    send(wx)
    wx.add_app(appid="wxother", secret="other")
    settings.WECHAT_APPID, settings.WECHAT_SECRET = "wxother", "other"
    wechat.url_link("pages/home/index")
    assert issued(wx) == 2


def test_a_platform_that_gives_the_dead_token_again_is_made_to_give_another(wx):
    assert token.current(client.fetch_token) == wx.tokens.issued[0]
    wx.skew += 31
    assert token.refused(wx.tokens.issued[0], client.fetch_token) == wx.tokens.issued[1]
    assert token.refused(wx.tokens.issued[0], client.fetch_token) == wx.tokens.issued[1]
    assert issued(wx) == 2


def test_who_waits_for_a_dead_platform_waits_once(wx, settings):
    wx.faults.add(action="http", value=503, endpoint="stable_token", nth=1)
    for _time in range(5):
        with pytest.raises(Retry):
            send(wx)
    assert times_asked(wx, "stable_token") == 1


# Fields


@pytest.mark.parametrize(
    ("key", "value", "sent"),
    [
        ("thing1", "灯" * 30, "灯" * 19 + "…"),
        ("thing1", "  两\n行\t字 ", "两 行 字"),
        ("thing1", "", "无"),
        ("thing1", "😀", "无"),
        ("number2", "3.50元", "3.50"),
        ("letter1", "ab-12", "ab"),
        ("symbol1", "!a!!!!!!", "!!!!!"),
        ("character_string3", "报事260310-0001-8", "260310-0001-8"),
        ("time4", datetime(2026, 3, 10, 4, 5, tzinfo=UTC), "2026年3月10日 12:05"),
        ("date4", date(2026, 3, 10), "2026年3月10日"),
        ("amount1", "约￥100.5元", "￥100.5元"),
        ("phone_number1", "0571-0000 0001 转 2", "0571-000000012"),
        ("car_number1", "浙A·12345", "浙A12345"),
        ("name1", "角木角木角木角木角木角木", "角木角木角木角木角…"),
        ("name1", "Kui Mulang Of The Stars", "Kui Mulang Of The St"),
        ("phrase1", "已办结（满意）", "已办结满意"),
        ("enum1", "已办", "已办"),
    ],
)
def test_a_value_is_made_to_fit_and_the_platform_takes_it(key, value, sent):
    assert fields.fit(key, value) == sent
    assert theirs.fits(key, sent, ("已办",))


@pytest.mark.parametrize(
    ("key", "value"),
    [("phrase1", "OK"), ("number1", "许多"), ("time1", "昨天"), ("date1", ""), ("letter1", "字"), ("wish1", "x")],
)
def test_a_value_of_which_nothing_fits_is_not_sent(key, value):
    with pytest.raises(GiveUp) as error:
        fields.fit(key, value)
    assert error.value.tell == GiveUp.OPERATOR


def test_whatever_people_write_fits_or_is_refused_here():
    pieces = ["灯", "a", "1", " ", "\n", "😀", "，", "…", "é", "\u200b", "（", "%", ".", "浙"]
    for kind in set(fields.KINDS) - {"enum"}:
        for n in range(400):
            value = "".join(pieces[(n * 7 + k * k) % len(pieces)] for k in range(n % 43))
            try:
                sent = fields.fit(f"{kind}1", value)
            except GiveUp:
                continue
            assert theirs.fits(f"{kind}1", sent), (kind, value, sent)


# What is pushed to us


def pushed(wx, facts, *, at=None, **forged):
    """(query, body) of a push to us."""
    app = wx.apps[APPID]
    message = push.message_of(wx, app, wx.user("star"), facts)
    query, body, _kind = push.envelope(app, openid(wx), message, at or time.time(), **forged)
    return query, body


def test_the_published_signature_comes_out():
    assert inbound.signature("AAAAA", "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("mode", ["aes", "compat"])
def test_a_push_is_read_in_both_languages_and_both_safe_modes(wx, form, mode):
    app = wx.apps[APPID]
    app.push_format, app.push_mode = form, mode
    message = inbound.read(*pushed(wx, {"Event": "user_enter_tempsession", "Words": "a]b<c"}))
    assert (message["FromUserName"], message["Event"], message["Words"]) == (
        openid(wx),
        "user_enter_tempsession",
        "a]b<c",
    )


def test_a_forged_push_is_refused(wx):
    query, body = pushed(wx, {"Event": "x"})
    other, _body = pushed(wx, {"Event": "y"})
    for wrong in (
        query | {"signature": "0" * 40},
        query | {"msg_signature": "0" * 40},
        query | {"msg_signature": other["msg_signature"]},
        query | {"nonce": "1"},
        query | {"encrypt_type": "raw"},
        {key: value for key, value in query.items() if key != "msg_signature"},
        {},
    ):
        with pytest.raises(Refused):
            inbound.read(wrong, body)
    with pytest.raises(Refused, match="signature"):
        inbound.read(*pushed(wx, {"Event": "x"}, token="guessed"))


def test_an_old_push_is_refused(wx):
    for at in (time.time() - 301, time.time() + 330):
        with pytest.raises(Refused, match="too old"):
            inbound.read(*pushed(wx, {"Event": "x"}, at=at))
    query, body = pushed(wx, {"Event": "x"}, at=time.time() - 290)
    assert inbound.read(query, body)["Event"] == "x"
    with pytest.raises(Refused):  # the moment is part of what is signed
        inbound.read(query | {"timestamp": str(int(time.time()))}, body)


def test_a_push_for_another_app_is_refused(wx):
    with pytest.raises(Refused, match="another app"):
        inbound.read(*pushed(wx, {"Event": "x"}, appid="wxother"))


def test_a_push_that_says_nothing_sealed_is_refused(wx):
    wx.apps[APPID].push_mode = "plain"
    with pytest.raises(Refused, match="not sealed"):
        inbound.read(*pushed(wx, {"Event": "x"}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{half",
        b"<xml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        b"\xff\xfe",
        b'{"Encrypt": 5}',
        b'{"Encrypt": "AAAA"}',
        b"<a>" * 2000,
        b"x" * 100_001,
    ],
)
def test_nonsense_that_is_signed_is_refused_and_nothing_breaks(wx, body):
    query, _body = pushed(wx, {"Event": "x"})
    for sealed in ("", "AAAA", "5"):
        signed = inbound.signature(PUSH_TOKEN, query["timestamp"], query["nonce"], sealed)
        with pytest.raises(Refused):
            inbound.read(query | {"msg_signature": signed}, body)


def test_what_was_sealed_with_another_key_or_was_cut_does_not_open():
    sealed = crypt.seal(AES_KEY, APPID, "灯")
    assert inbound.unseal(AES_KEY, sealed) == ("灯", APPID)
    for wrong in (crypt.seal("z" * 43, APPID, "灯"), sealed[:-4], sealed[:44], "", "%%%", "灯"):
        with pytest.raises(Refused):
            inbound.unseal(AES_KEY, wrong)


def test_what_comes_again_has_the_same_key_and_what_is_new_another(wx):
    event = {"Event": "wxa_media_check", "trace_id": "t1"}
    first, again = ({**event, "FromUserName": "o", "CreateTime": 1} for _ in "ab")
    assert inbound.key_of(first) == inbound.key_of(again)
    others = [first | {"trace_id": "t2"}, first | {"CreateTime": 2}, first | {"FromUserName": "p"}, {"MsgId": 5}]
    assert len({inbound.key_of(m) for m in [first, *others]}) == 5
    assert inbound.key_of({"MsgId": 5, "CreateTime": 1}) == inbound.key_of({"MsgId": 5, "CreateTime": 2})


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ({"trace_id": "t", "errcode": 0, "result": {"suggest": "pass", "label": 100}}, Media("t", "pass", 100)),
        ({"trace_id": "t", "errcode": 0, "result": {"suggest": "risky", "label": 20002}}, Media("t", "risky", 20002)),
        ({"trace_id": "t", "errcode": 0, "result": {"suggest": "new", "label": 1}}, Media("t", "review", 1)),
        ({"trace_id": "t", "errcode": -1008}, Media("t", "unseen", 0)),
        ({"trace_id": "t", "isrisky": 1, "status_code": 0}, Media("t", "risky", 0)),
        ({"trace_id": "t", "isrisky": "0", "status_code": "0"}, Media("t", "pass", 0)),
        ({"trace_id": "t", "isrisky": 0, "status_code": 4294966288}, Media("t", "unseen", 0)),
        ({}, Media("", "unseen", 0)),
    ],
)
def test_a_media_result_is_understood_in_both_shapes(message, result):
    assert inbound.media_result(message) == result


def test_rows_of_a_subscription_event_are_found_in_json_and_in_xml():
    row = {"TemplateId": "T", "MsgID": "7", "ErrorCode": "0", "ErrorStatus": "success"}
    inside = "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in row.items())
    one = f"<xml><Event>e</Event><SubscribeMsgSentEvent><List>{inside}</List></SubscribeMsgSentEvent></xml>"
    two = one.replace("</List>", f"</List><List>{inside}</List>")
    for message, n in (
        ({"List": row}, 1),
        ({"List": [row, row]}, 2),
        (inbound.parsed(one.encode()), 1),
        (inbound.parsed(two.encode()), 2),
    ):
        assert [tuple(r) for r in inbound.rows_of(message)] == [("T", "7", "0", "")] * n
    assert inbound.rows_of({"List": "x"}) == [] and inbound.rows_of({}) == []


def test_pushes_need_their_token_and_key(settings, wx):
    assert inbound.configured()
    settings.WECHAT_AES_KEY = "short"
    assert not inbound.configured()


def test_nothing_of_a_person_stands_in_an_error(wx):
    with pytest.raises(GiveUp) as error:
        send(wx)
    said = f"{error.value!r} {error.value}"
    assert openid(wx) not in said and "13900001111" not in said and not re.search(r"\d{7}", said)


def test_an_address_of_a_push_is_as_the_platform_writes_it(wx):
    query, _body = pushed(wx, {"Event": "x"})
    assert set(query) == {"signature", "timestamp", "nonce", "openid", "encrypt_type", "msg_signature"}
    assert len(urlencode(query)) < 400
