"""Telling people in WeChat: instead of an SMS where they allowed it, at most once, and by SMS after all where WeChat
cannot or does not say. Both ends are real: our client, outbox and push view against the platform of `fakes/wechat`."""

import json
import threading
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fakes.wechat import phone, push, serve
from fakes.wechat.platform import AES_KEY, APPID, PUSH_TOKEN, SECRET
from tests.support import storm as storms
from tests.support.api import Caller, error_of
from weilianxin.channels.errors import Retry
from weilianxin.config import check
from weilianxin.notify import by_wechat, deliver, send, templates, texts
from weilianxin.notify.deliver import LOCAL, deliver_due
from weilianxin.notify.models import SMS, WECHAT, Message, Outbox, Permission, Push, Template, Text
from weilianxin.notify.send import tell, tell_each
from weilianxin.people import erasure, mydata
from weilianxin.people import wechat as people_wechat
from weilianxin.people.models import Account

pytestmark = pytest.mark.django_db

NOON = datetime.now(LOCAL).replace(hour=12, minute=0, second=0, microsecond=0)
NIGHT, MORNING = NOON.replace(hour=23), NOON.replace(hour=7) + timedelta(days=1)
SOON = timedelta(seconds=31)
VALUES = {
    "number": "261126-0001",
    "title": "二楼到三楼的声控灯不亮了三天，老人晚上上楼看不见😀",
    "worker": "角木",
    "due": NOON,
    "reason": "看过了，都亮了。",
    "until": NOON,
    "place": "星影苑6幢",
    "channel": "",
}


@pytest.fixture(scope="module")
def running():
    running = serve()
    running.pusher.stopped.set()  # pushes are handed over by the test, when it wants
    yield running
    running.stop()


@pytest.fixture
def wx(running, settings, tmp_path, monkeypatch):
    """The platform with our templates, strict and forgetful; `wx.sms` is what the gateway took."""
    platform = running.platform
    platform.reset()
    platform.strict = True
    platform.add_app(push_events=True)
    settings.DATA_DIR, settings.WECHAT_BASE = tmp_path, running.url
    settings.WECHAT_APPID, settings.WECHAT_SECRET = APPID, SECRET
    settings.WECHAT_TOKEN, settings.WECHAT_AES_KEY = PUSH_TOKEN, AES_KEY
    for template in Template.objects.all():
        template.template_id = f"TPL-{template.purpose}"
        template.save()
        platform.add_template(template.template_id, template.purpose, dict(template.pairs))
    platform.sms = []
    monkeypatch.setattr(deliver.sms, "send", lambda *message: platform.sms.append(message) or "taken")
    return platform


@pytest.fixture
def star(wx):
    return person(wx, "star", "13912345678")


def person(wx, name, number, kind=Account.RESIDENT):
    account = Account.objects.create(phone=number, name=name, kind=kind)
    people_wechat.tie(account, APPID, wx.user(name).openid(APPID), at=NOON)
    return account


def allow(wx, account, purpose="accepted", times=1, answer="accept"):
    """What the person answers in WeChat, as the mini-program tells it; the push of it is left in the queue."""
    for _time in range(times):
        said = phone.answer_question(wx, account.name, APPID, {f"TPL-{purpose}": answer})
        templates.answered(account, said, NOON)


def accepted(account, key="stream:3", at=NOON, act="accepted", **more):
    values = VALUES | {"number": f"261126-{key}"}
    tell(act, "reporter", account, values=values, url="/matters/261126-0001/", key=key, at=at, **more)


def row(**facts):
    return Outbox.objects.get(**facts)


def handed(wx, **forged):
    """Every push that waits, brought to our own address; the answers."""
    answers = []
    while wx.pushes:
        app, user, facts = wx.pushes.pop(0)
        answers.append(pushed(wx, push.message_of(wx, app, user, facts), **forged))
    return answers


def pushed(wx, message, **forged):
    app = wx.apps[APPID]
    query, body, kind = push.envelope(app, message["FromUserName"], message, wx.now(), **forged)
    answer = Client().post(f"/wechat/push?{urlencode(query)}", body, content_type=kind)
    return answer.status_code, answer.content.decode()


def receipt(wx, account, number, error="0", template="TPL-accepted"):
    sent = {"TemplateId": template, "MsgID": str(number), "ErrorCode": error, "ErrorStatus": "x"}
    facts = {"Event": "subscribe_msg_sent_event", "List": [sent]}
    message = push.message_of(wx, wx.apps[APPID], wx.user(account.name), facts)
    assert pushed(wx, message) == (200, "success")


def left(account, purpose="accepted"):
    found = Permission.objects.filter(account=account, template=f"TPL-{purpose}").first()
    return found.left if found else None


def calls(wx):
    return [entry for entry in wx.log if entry.get("call") == "subscribe"]


# Who is told how


def test_who_allowed_it_is_told_in_wechat_instead_of_by_sms(wx, star):
    allow(wx, star)
    accepted(star)
    assert Message.objects.count() == 1, "the message in the app is always written"
    assert (row().channel, row().template, row().address) == (WECHAT, "TPL-accepted", star.phone)
    assert wx.user("star").openid(APPID) not in json.dumps([*Outbox.objects.values()], default=str)
    assert deliver_due(NOON) == 1
    (got,) = wx.received("star")
    assert [value for _label, value in got["lines"]] == [
        "261126-stream:3",
        "二楼到三楼的声控灯不亮了三天，老人晚上…",
        "您的报事已受理",
        f"{NOON.year}年{NOON.month}月{NOON.day}日 12:00",
    ]
    assert got["page"] == "pages/matter/index?number=261126-0001" and got["lang"] == "zh_CN"
    assert (row().state, row().receipt, row().data) == (Outbox.SENT, "1", {})
    assert left(star) == 0 and wx.sms == [] and wx.violations == []
    accepted(star, key="second")
    assert row(state=Outbox.QUEUED).channel == SMS, "one yes is one message"


def test_everybody_else_is_told_by_sms_as_before(wx, star, settings):
    accepted(star, key="never asked")
    allow(wx, star)
    accepted(star, key="another kind", act="asked")
    allow(wx, star, answer="ban")
    accepted(star, key="refused")
    allow(wx, star)
    people_wechat.untie(star, APPID, at=NOON)
    accepted(star, key="untied")
    people_wechat.tie(star, APPID, wx.user("star").openid(APPID), at=NOON)
    settings.WECHAT_SECRET = ""
    accepted(star, key="no account at WeChat")
    settings.WECHAT_SECRET = SECRET
    mine = Template.objects.get(purpose="accepted")
    mine.template_id = ""
    mine.save()
    accepted(star, key="no id")
    assert set(Outbox.objects.values_list("channel", flat=True)) == {SMS} and Outbox.objects.count() == 6


def test_one_insert_for_inbox_and_outbox_whoever_is_told_how(wx, monkeypatch, django_assert_num_queries):
    accounts = [person(wx, f"star{n}", f"139123400{n:02d}") for n in range(10)]
    for account in accounts[:5]:
        allow(wx, account)
    for module in (texts, templates):
        monkeypatch.setattr(module, "FRESH", 1e9)  # nothing is looked for again meanwhile
    texts.text_for("accepted", "reporter"), templates.usable()
    with transaction.atomic(), django_assert_num_queries(4):  # who allowed it, whom WeChat reaches, two inserts
        tell_each("accepted", "reporter", accounts, values=VALUES, key="k", at=NOON)
    assert Outbox.objects.filter(channel=WECHAT).count() == Outbox.objects.filter(channel=SMS).count() == 5


def test_told_again_after_the_permission_has_gone_it_is_still_one_message(wx, star):
    allow(wx, star)
    accepted(star)
    deliver_due(NOON)
    accepted(star)
    assert Outbox.objects.count() == Message.objects.count() == 1


def test_staff_get_their_tasks_in_wechat_with_the_page_of_the_case(wx):
    worker = person(wx, "worker", "13912345670", Account.STAFF)
    worker.language = "en"
    worker.save()
    allow(wx, worker, "task")
    tell("submitted", "worker", worker, values=VALUES, url="/desk/cases/261126-0001/", key="k", at=NOON)
    assert deliver_due(NOON) == 1
    (got,) = wx.received("worker")
    assert got["page"] == "packages/desk/case/index?number=261126-0001" and got["lang"] == "en_US"
    assert got["lines"][2][1] == "New report"


def test_a_message_leads_to_what_its_url_shows():
    number = "261126-0001"
    assert templates.page_of(reverse("reports:matter", args=[number])) == f"pages/matter/index?number={number}"
    assert templates.page_of(reverse("desk:case", args=[number])) == f"packages/desk/case/index?number={number}"
    assert templates.page_of(reverse("reports:thread")) == "pages/thread/index"
    assert templates.page_of("") == templates.page_of("/desk/threads/9/") == "pages/inbox/index"


def test_an_emergency_always_rings_by_sms(wx):
    worker = person(wx, "worker", "13912345670", Account.STAFF)
    allow(wx, worker, "task")
    tell("emergency", "worker", worker, values=VALUES, url="/desk/cases/1/", key="k", at=NOON, urgent=True)
    assert row().channel == SMS


def test_wechat_does_not_ring_in_the_quiet_hours(wx, star):
    allow(wx, star)
    accepted(star, at=NIGHT)
    assert deliver_due(NIGHT) == 0 and calls(wx) == []
    assert deliver_due(MORNING) == 1


def test_whoever_tries_the_demo_at_night_sees_the_message(wx, star, settings):
    settings.DEMO = True
    allow(wx, star)
    accepted(star, at=NIGHT)
    assert deliver_due(NIGHT) == 1


def test_a_long_term_permission_is_not_used_up(wx, star):
    template = Template.objects.get(purpose="accepted")
    template.long_term = True
    template.save()
    wx.add_template("TPL-accepted", "办理", dict(template.pairs), long_term=True)
    allow(wx, star)
    for n in range(3):
        accepted(star, key=f"k{n}")
        deliver_due(NOON)
    assert len(wx.received("star")) == 3 and left(star) == 1


def test_a_demo_person_is_told_in_the_made_up_wechat_of_a_demo_only(wx, star, settings):
    star.is_demo = True
    allow(wx, star, times=2)
    accepted(star)
    assert row().state == Outbox.HELD
    settings.DEMO = True
    accepted(star, key="demo")
    assert deliver_due(NOON) == 1 and len(wx.ledger) == 1


# When WeChat cannot


@pytest.mark.parametrize("number", [43101, 40003, 40037, 47003, 41030, 48001])
def test_what_wechat_will_never_take_goes_by_sms_at_once(wx, star, number):
    allow(wx, star)
    accepted(star)
    wx.faults.add(endpoint="subscribe", action="errcode", value=number)
    assert deliver_due(NOON) == 1 and len(calls(wx)) == 1
    assert wx.sms == [(star.phone, row().body)] and "受理" in row().body
    assert (row().channel, row().state) == (SMS, Outbox.SENT)
    assert left(star) == (0 if number == 43101 else 1), "only that number says that nothing is left"


def test_without_a_phone_or_an_sms_text_the_message_in_the_app_stands(wx, star):
    star.phone = None
    star.save()
    allow(wx, star)
    accepted(star)
    wx.faults.add(action="errcode", endpoint="subscribe", value=43101)
    assert deliver_due(NOON) == 0
    assert (row().state, row().error, wx.sms) == (Outbox.DEAD, "wechat-43101", [])
    assert Message.objects.count() == 1


def test_who_let_go_of_wechat_meanwhile_gets_an_sms(wx, star):
    allow(wx, star)
    accepted(star)
    people_wechat.tie(star, APPID, "o-another-telephone", at=NOON)
    deliver_due(NOON)
    assert calls(wx) == [] and len(wx.sms) == 1


def test_an_installation_that_gives_up_its_account_sends_by_sms(wx, star, settings):
    allow(wx, star)
    accepted(star)
    settings.WECHAT_APPID = ""
    deliver_due(NOON)
    assert (row().channel, row().state, len(wx.sms)) == (SMS, Outbox.SENT, 1)


def test_a_busy_platform_is_asked_four_times_and_then_it_is_an_sms(wx, star):
    allow(wx, star)
    accepted(star)
    wx.faults.add(endpoint="subscribe", action="errcode", value=-1)
    moment = NOON
    for attempt in (1, 2, 3):
        assert deliver_due(moment) == 0
        assert (row().state, row().attempts) == (Outbox.QUEUED, attempt)
        assert row().next_at - moment >= timedelta(seconds=30) * 3 ** (attempt - 1)
        moment = row().next_at + timedelta(seconds=1)
    deliver_due(moment)
    assert len(calls(wx)) == 4 and len(wx.sms) == 1 and left(star) == 1


def test_a_dead_platform_holds_up_neither_the_act_nor_the_sms_of_others(wx, star, settings, monkeypatch):
    settings.WECHAT_BASE = "http://127.0.0.1:9"
    people = [person(wx, f"star{n}", f"139123401{n:02d}") for n in range(20)]
    asked = []
    hand_over = by_wechat.hand_over
    monkeypatch.setattr(by_wechat, "hand_over", lambda row, openid: asked.append(row.pk) or hand_over(row, openid))
    for account in people:
        allow(wx, account)
        accepted(account)
    accepted(star)
    assert asked == [] and Outbox.objects.filter(channel=WECHAT).count() == 20
    assert deliver_due(NOON) == 1, "the SMS"
    assert len(asked) == by_wechat.FIRST_BATCH
    assert deliver_due(NOON + timedelta(seconds=20)) == 0 and len(asked) == by_wechat.FIRST_BATCH, "it rests"
    moment = NOON
    for _minute in range(12):
        moment += timedelta(minutes=1)
        deliver_due(moment)
    assert not Outbox.objects.exclude(state=Outbox.SENT).exists() and len(wx.sms) == 21
    assert len(asked) <= 8 * by_wechat.FIRST_BATCH, "a few are tried each minute, not all of them"


def test_a_token_that_cannot_be_had_means_that_nothing_was_sent(wx, star):
    allow(wx, star)
    accepted(star)
    wx.faults.add(endpoint="stable_token", action="http", value=502, times=1)
    deliver_due(NOON)
    assert row().state == Outbox.QUEUED
    assert deliver_due(NOON + timedelta(seconds=40)) in (0, 1)


# Lost answers


@pytest.mark.parametrize("action", ["drop", "truncate"])
def test_after_a_lost_answer_nothing_is_sent_again_and_the_receipt_decides(wx, star, action):
    allow(wx, star)
    accepted(star)
    wx.faults.add(endpoint="subscribe", action=action)
    assert deliver_due(NOON) == 0
    assert (row().state, row().unsure_at is not None) == (Outbox.UNSURE, True)
    deliver_due(NOON + SOON)
    assert len(calls(wx)) == 1
    handed(wx)
    assert (row().state, row().receipt, row().channel) == (Outbox.SENT, "1", WECHAT) and left(star) == 0
    deliver_due(NOON + timedelta(minutes=3))
    assert len(wx.received("star")) == 1 and wx.sms == []


@pytest.mark.parametrize(("action", "value"), [("reset", None), ("http", 502), ("html", None)])
def test_without_a_receipt_in_two_minutes_it_goes_by_sms(wx, star, action, value):
    allow(wx, star)
    accepted(star)
    wx.faults.add(endpoint="subscribe", action=action, value=value)
    deliver_due(NOON)
    handed(wx)
    deliver_due(NOON + timedelta(seconds=110))
    assert row().state == Outbox.UNSURE and wx.sms == []
    deliver_due(NOON + timedelta(seconds=125))
    assert (row().state, row().channel, len(wx.sms)) == (Outbox.SENT, SMS, 1)
    assert len(calls(wx)) == 1 and wx.ledger == []


def test_a_receipt_of_failure_sends_the_unsure_and_the_answered_by_sms_and_corrects_the_count(wx, star):
    allow(wx, star, times=3)
    accepted(star)
    wx.faults.add(endpoint="subscribe", action="drop", times=1)
    deliver_due(NOON)
    receipt(wx, star, 1, error="20001")
    assert (row().channel, row().state, row().error) == (SMS, Outbox.QUEUED, "receipt-20001") and left(star) == 0
    allow(wx, star)
    accepted(star, key="answered")
    deliver_due(NOON)
    assert row(channel=WECHAT).state == Outbox.SENT
    receipt(wx, star, row(channel=WECHAT).receipt, error="43101")
    Outbox.objects.update(next_at=NOON)  # receipts come at the clock's own time
    deliver_due(NOON)
    assert len(wx.sms) == 2 and set(Outbox.objects.values_list("channel", flat=True)) == {SMS}


def test_a_receipt_may_be_quicker_than_our_own_writing(wx, star):
    allow(wx, star, times=2)
    due = Outbox.objects.filter(state=Outbox.QUEUED)
    accepted(star)
    (claimed,) = by_wechat.claim(due, NOON, 9)
    receipt(wx, star, 77)
    by_wechat.write_down([claimed], [Retry("timeout", unsure=True)], NOON)
    assert (row().state, row().receipt) == (Outbox.SENT, "77"), "a lost answer needs no waiting then"
    accepted(star, key="answered")
    (claimed,) = by_wechat.claim(due, NOON, 9)
    receipt(wx, star, 78, error="1")
    by_wechat.write_down([claimed], ["78"], NOON)
    assert row(key=claimed.key).channel == SMS, "answered well, and failed on its way"
    Permission.objects.update(told=9)
    accepted(star, key="somebody else's")
    (claimed,) = by_wechat.claim(due.filter(channel=WECHAT), NOON, 9)
    receipt(wx, star, 79, error="1")
    by_wechat.write_down([claimed], ["80"], NOON)
    assert (row(key=claimed.key).state, row(key=claimed.key).receipt) == (Outbox.SENT, "80")


def test_a_row_whose_loop_died_is_unsure_since_then_and_never_sent_again(wx, star):
    allow(wx, star)
    accepted(star)
    by_wechat.claim(Outbox.objects.all(), NOON, 9)
    assert deliver_due(NOON + timedelta(minutes=4)) == 0 and row().state == Outbox.SENDING
    assert deliver.reclaim_stale(NOON + timedelta(minutes=6)) == 1
    assert (row().state, row().unsure_at) == (Outbox.UNSURE, NOON)
    later = NOON + timedelta(minutes=9)
    Outbox.objects.update(state=Outbox.SENDING, claimed_at=NOON + timedelta(minutes=2))
    deliver.reclaim_stale(later)
    assert row().unsure_at == NOON, "the older moment stays"
    assert deliver_due(later, limit=0) == 0, "an empty turn ends, and settles what has waited"
    assert (row().channel, row().state) == (SMS, Outbox.QUEUED) and calls(wx) == []


def test_a_dead_loop_whose_receipt_came_in_has_sent_its_row(wx, star):
    allow(wx, star, times=2)
    accepted(star)
    by_wechat.claim(Outbox.objects.all(), NOON, 9)
    receipt(wx, star, 5)
    assert deliver.reclaim_stale(NOON + timedelta(minutes=6)) == 1
    assert (row().state, row().receipt) == (Outbox.SENT, "5") and left(star) == 1


def test_of_a_person_and_a_template_only_one_is_ever_open(wx, star):
    allow(wx, star, times=2)
    allow(wx, star, "closed")
    accepted(star)
    wx.faults.add(endpoint="subscribe", action="drop", times=1)
    deliver_due(NOON)
    accepted(star, key="second")
    accepted(star, key="other template", act="closed")
    assert deliver_due(NOON + SOON) == 1, "that of the other template"
    assert row(key=send.digest("second", "accepted", "reporter", star.ref, star.phone, SMS)).state == Outbox.QUEUED
    handed(wx)
    assert deliver_due(NOON + SOON) == 1
    assert len(wx.received("star")) == 3 and wx.sms == []


def test_a_receipt_that_comes_after_its_time_does_not_stand_for_a_newer_message(wx, star):
    allow(wx, star, times=3)
    wx.faults.add(endpoint="subscribe", action="drop", times=2)
    accepted(star)
    deliver_due(NOON)
    late = wx.pushes.pop()
    deliver_due(NOON + timedelta(minutes=3))
    assert len(wx.sms) == 1
    accepted(star, key="second", at=NOON + timedelta(minutes=4))
    deliver_due(NOON + timedelta(minutes=4))
    second = row(state=Outbox.UNSURE)
    wx.pushes[:] = []  # the second one's receipt is lost
    number = late[2]["List"][0]["MsgID"]
    by_wechat.receipt(wx.user("star").openid(APPID), "TPL-accepted", number, "", NOON + timedelta(minutes=5))
    assert row(pk=second.pk).state == Outbox.UNSURE, "rather told twice than not at all"
    deliver_due(NOON + timedelta(minutes=7))
    assert len(wx.sms) == 2


def test_a_late_receipt_stops_the_sms_that_still_waits_for_the_morning(wx, star):
    night = NOON.replace(hour=21, minute=59)
    allow(wx, star)
    accepted(star, at=night)
    wx.faults.add(endpoint="subscribe", action="drop", times=1)
    deliver_due(night)
    deliver_due(night + timedelta(minutes=3))
    assert (row().channel, row().state) == (SMS, Outbox.QUEUED)
    facts = wx.pushes.pop()[2]["List"][0]
    openid = wx.user("star").openid(APPID)
    by_wechat.receipt(openid, "TPL-accepted", facts["MsgID"], "", night + timedelta(minutes=4))
    assert (row().channel, row().state) == (WECHAT, Outbox.SENT)
    deliver_due(MORNING)
    assert wx.sms == []


@pytest.mark.django_db(transaction=True)
def test_loops_at_the_same_time_send_each_message_once(wx):
    people = [person(wx, f"star{n}", f"139123402{n:02d}") for n in range(12)]
    for account in people:
        allow(wx, account, times=3)
        for n in range(3):
            accepted(account, key=f"{account.pk}:{n}")
    start, failures = threading.Barrier(4), []

    def loop():
        try:
            start.wait()
            for _turn in range(10):
                deliver_due(NOON)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    deliver_due(NOON)
    assert failures == []
    assert len(wx.ledger) == len({row["lines"][0][1] for row in wx.ledger}) == 36
    assert len(calls(wx)) == 36 and len(wx.tokens.issued) == 1
    assert set(Outbox.objects.values_list("state", flat=True)) == {Outbox.SENT}


@pytest.mark.django_db(transaction=True)
def test_in_a_storm_nothing_is_lost_and_nothing_told_twice(settings, tmp_path):
    """A fifth of the calls fails in ten ways, some after they had their effect."""
    settings.DATA_DIR = tmp_path
    running = serve()
    try:
        with storms.storm(running, NOON, settings) as made:
            made.tell(200, made.people(80))
            made.faults(0.2)
            made.run()
            got = made.result()
            rules = made.platform.faults.rules
    finally:
        running.stop()
    assert len(rules) == 10 and sum(rule.acted for rule in rules) >= 20
    assert (got["lost"], got["terminal"]) == (0, 200) and got["double"] <= 1, got
    assert got["refreshes"] <= 1 + sum(rule.acted for rule in rules if rule.action == "revoke"), got
    assert got["by_wechat"] > 150


# What WeChat pushes


def test_the_console_may_verify_the_address_and_nobody_else_learns_anything(wx, settings):
    timestamp = str(int(wx.now()))
    query = {"timestamp": timestamp, "nonce": "7", "echostr": "hello"}
    query["signature"] = push.signature(PUSH_TOKEN, timestamp, "7")
    answer = Client().get("/wechat/push", query)
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer["Content-Type"].startswith("text/plain")
    old = query | {"timestamp": "1700000000", "signature": push.signature(PUSH_TOKEN, "1700000000", "7")}
    for wrong in (query | {"signature": "x"}, {}, old):
        assert Client().get("/wechat/push", wrong).status_code == 403
    settings.WECHAT_TOKEN = ""
    assert Client().get("/wechat/push", query | {"signature": push.signature("", timestamp, "7")}).status_code == 403


def test_a_forged_push_changes_nothing(wx, star):
    allow(wx, star)
    accepted(star)
    wx.faults.add(endpoint="subscribe", action="drop", times=1)
    deliver_due(NOON)
    (_popup, sent) = wx.pushes
    message = push.message_of(wx, *sent)
    wx.pushes[:] = []
    for forged in ({"token": "another"}, {"appid": "wx-other"}):
        assert pushed(wx, message, **forged)[0] == 403
    wx.apps[APPID].push_mode = "plain"
    assert pushed(wx, message)[0] == 403
    wx.apps[APPID].push_mode = "aes"
    query, body, kind = push.envelope(wx.apps[APPID], "o", message, wx.now() - 400)
    post = f"/wechat/push?{urlencode(query)}"
    assert Client().post(post, body, content_type=kind).status_code == 403
    assert Client().post("/wechat/push", {"a": "b"}).status_code == 403
    assert Client().post("/wechat/push", b"x" * 2_000_000, content_type="text/xml").status_code == 403
    assert row().state == Outbox.UNSURE and not Push.objects.exists()


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_push_that_comes_again_counts_once_in_either_form(wx, star, form):
    wx.apps[APPID].push_format = form
    phone.answer_question(wx, "star", APPID, {"TPL-accepted": "accept"})
    (popup,) = wx.pushes
    message = push.message_of(wx, *popup)
    for _time in range(3):
        assert pushed(wx, message) == (200, "success")
    assert left(star) == 1 and Push.objects.count() == 1
    templates_told = Permission.objects.get()
    assert (templates_told.told, templates_told.pushed) == (0, 1)


def test_one_yes_is_one_whichever_way_it_becomes_known_first(wx, star):
    for order in ("push first", "push last"):
        said = phone.answer_question(wx, "star", APPID, {"TPL-accepted": "accept"})
        if order == "push first":
            handed(wx)
        templates.answered(star, said, NOON)
        handed(wx)
    assert left(star) == 2 == wx.permissions[wx.user("star").openid(APPID), "TPL-accepted"]


def test_what_is_switched_off_in_wechats_settings_is_told_by_sms(wx, star):
    allow(wx, star)

    def switched(status):
        rows = [{"TemplateId": "TPL-accepted", "SubscribeStatusString": status}]
        facts = {"Event": "subscribe_msg_change_event", "List": rows, "At": status}
        message = push.message_of(wx, wx.apps[APPID], wx.user("star"), facts)
        assert pushed(wx, message) == (200, "success")

    switched("reject")
    assert left(star) == 0
    accepted(star)
    assert row().channel == SMS
    switched("accept")
    assert left(star) == 1


def test_pushes_of_strangers_and_of_other_kinds_are_taken_and_nothing_comes_of_them(wx, star):
    stranger = {"Event": "subscribe_msg_popup_event", "List": [{"TemplateId": "X", "SubscribeStatusString": "accept"}]}
    for facts in (stranger, {"Event": "user_enter_tempsession"}, {"Event": "subscribe_msg_sent_event", "List": []}):
        message = push.message_of(wx, wx.apps[APPID], wx.user("nobody here"), facts)
        assert pushed(wx, message) == (200, "success")
    receipt(wx, star, 99)
    assert not Permission.objects.exists() and not Outbox.objects.exists()
    Push.objects.update(at=NOON - timedelta(days=3))
    from weilianxin.notify.push import forget_old

    assert forget_old(timezone.now()) == Push.objects.count() + 3


# The mini-program


def test_the_answer_of_the_question_is_kept_once_for_its_key(wx, star):
    me, results = Caller(star), {"TPL-accepted": "accept", "TPL-asking": "reject", "TPL-task": "accept", "TPL-x": "ban"}
    for _time in range(2):
        answer = me.post("/subscriptions", {"results": results}, key="a-key-of-mine")
        assert (answer.status_code, answer.json()) == (200, {"allowed": ["accepted"]})
    assert (left(star), left(star, "asking"), left(star, "task")) == (1, None, None)
    me.post("/subscriptions", {"results": {"TPL-accepted": "accept"}})
    assert left(star) == 2
    me.post("/subscriptions", {"results": {"TPL-accepted": "ban"}})
    assert left(star) == 0
    me.post("/subscriptions", {"results": {"TPL-accepted": "accept"}})
    assert left(star) == 3
    assert error_of(me.post("/subscriptions", {"results": {"TPL-accepted": "maybe"}}))[0] == 422
    assert error_of(Caller().post("/subscriptions", {"results": {}}))[0] == 401


def test_the_first_page_says_what_may_be_asked_about_and_only_whom_wechat_reaches(wx, star):
    worker = person(wx, "worker", "13912345670", Account.STAFF)
    apart = Account.objects.create(phone="13912345671", name="without")

    def told(caller):
        return [(row["id"], row["for"]) for row in caller.get("/home").json()["templates"]]

    purposes = ("accepted", "asking", "closed")
    assert told(Caller(star)) == [(f"TPL-{purpose}", purpose) for purpose in purposes]
    assert told(Caller(worker)) == [("TPL-task", "task")]
    assert told(Caller(apart)) == told(Caller()) == []
    Template.objects.update(template_id="")
    templates.forget()
    assert told(Caller(star)) == []


# Templates, and who looks after them


def test_every_shipped_template_takes_what_its_texts_give_and_every_text_has_a_known_one(wx):
    from weilianxin.desk.admin.texts import examples

    values = examples() | {"headline": "您的报事已受理", "at": NOON}
    used = {text.template for text in texts.shipped().values()} - {""}
    assert used == set(templates.shipped()) == set(texts.PURPOSES) == set(templates.TITLES)
    for template in templates.shipped().values():
        templates.check(template, values)
        assert {name for _field, name in template.pairs} <= set(templates.LABELS)
    for text in texts.shipped().values():
        assert not (text.template and text.urgent), "what is urgent is an SMS"


def test_shipped_templates_come_back_without_touching_edited_ones(db):
    Template.objects.filter(purpose="task").delete()
    Template.objects.filter(purpose="asking").update(fields="thing1=title")
    Template.objects.filter(purpose="closed").update(fields="thing1=title", edited_at=NOON)
    templates.load_templates()
    found = {row.purpose: row.fields for row in Template.objects.all()}
    assert found["task"] and found["asking"] == templates.shipped()["asking"].fields
    assert found["closed"] == "thing1=title"


def test_the_administrator_enters_the_ids_and_what_wechat_would_refuse_is_said(world, signed_in):
    admin, url = signed_in(world.admin), "/desk/admin/texts/wechat/"
    asked = {}
    for template in templates.shipped().values():
        asked |= {f"{template.purpose}_id": f"TPL-{template.purpose}", f"{template.purpose}_kind": "one"}
        asked |= {f"{template.purpose}_fields": template.fields}
    assert "微信消息" in admin.get(url).content.decode()
    for wrong in (
        {"accepted_id": "有空格 的"},
        {"accepted_fields": "thing1"},
        {"accepted_fields": "nothing1=title"},
        {"accepted_fields": "thing1=link"},
        {"accepted_fields": "amount1=title"},
        {"accepted_fields": "thing1=title thing1=due"},
        {"accepted_id": "TPL-closed"},
        {"accepted_kind": "long"},
        {"accepted_kind": ""},
    ):
        answer = admin.post(url, asked | wrong)
        assert answer.status_code == 422 and 'class="bad"' in answer.content.decode(), wrong
        assert not Template.objects.exclude(template_id="").exists()
    assert admin.post(url, asked).status_code == 302
    assert dict(Template.objects.values_list("purpose", "template_id")) == {
        purpose: f"TPL-{purpose}" for purpose in texts.PURPOSES
    }
    text = Text.objects.get(act="seen", audience="reporter")
    page = f"/desk/admin/texts/{text.pk}/"
    said = {name: getattr(text, name) for name in texts.WORDS} | {"channels": ["inbox"], "urgent": "no"}
    assert admin.post(page, said | {"template": "pigeon"}).status_code == 422
    assert admin.post(page, said | {"template": "accepted"}).status_code == 302
    text.refresh_from_db()
    assert text.template == "accepted" and "微信" in admin.get("/desk/admin/texts/").content.decode()


def test_the_check_says_what_wechat_still_lacks(wx, settings):
    def said():
        return " ".join(problem.what for problem in check.of_wechat(NOON))

    assert said() == ""
    mine = Template.objects.get(purpose="closed")
    mine.template_id = ""
    mine.save()
    settings.WECHAT_AES_KEY, settings.WECHAT_STATE = "short", "trial"
    assert all(words in said() for words in ("推送", "报事办结通知", "正式版"))
    assert not any(problem.grave for problem in check.of_wechat(NOON)), "SMS goes on"
    settings.WECHAT_SECRET = ""
    assert "没有写全" in said()
    settings.WECHAT_APPID = ""
    assert said() == ""


def test_what_somebody_allowed_is_in_their_export_and_goes_with_them(wx, star):
    allow(wx, star)
    accepted(star)
    assert mydata.what_we_hold(star)["wechat_permissions"][0]["left"] == 1
    erasure.erase(star, NOON)
    assert not Permission.objects.exists() and not Outbox.objects.exists()
