"""Promises of the everyday loop that a cold reading asked about: what leaks, what stays, what rings, what breaks."""

import json
import logging
import random
import re
from datetime import timedelta
from io import BytesIO
from unittest.mock import patch

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.db.models import CharField, JSONField, TextField
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.acting import buttons
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Refused
from weilianxin.cases.links import issue_link
from weilianxin.cases.models import Case, CasePhoto, Submission, Task
from weilianxin.cases.once import once
from weilianxin.cases.ring import ring_due
from weilianxin.config.logs import AddressFilter
from weilianxin.journal.models import Entry, Opening
from weilianxin.journal.verify import verify
from weilianxin.lib import words
from weilianxin.notify.models import Message, Outbox
from weilianxin.people.erasure import erase
from weilianxin.people.models import Post
from weilianxin.people.posts import leave
from weilianxin.programmes.reports import intake, screening, threads
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category, Draft, Parameter

from .support.world import at, photo, resident

pytestmark = pytest.mark.django_db

TEN, NIGHT = at(10), at(2)


def jpeg():
    out = BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG")
    return out.getvalue()


def category(code):
    return Category.objects.get(code=code, scheme="resident")


def report(world, **more):
    facts = {
        "text": "二楼到三楼的声控灯不亮，老人晚上上楼看不见。",
        "location": locate(place=world.entrance),
        "category": category("XQ201"),
        "at": TEN,
        **more,
    }
    return intake.submit(facts.pop("account", world.resident), **facts)


def do(case, name, who, minutes=0, photos=(), **data):
    moment = case.created_at + timedelta(minutes=minutes)
    actor = who if hasattr(who, "roles") else actor_on(case, who, moment)
    return perform(case, name, actor, at=moment, photos=photos, **data)


def closed(world, **more):
    case = do(report(world, **more), "accept", world.worker, 1)
    shots = [(photo(world.worker), "before"), (photo(world.worker), "after")]
    return do(case, "close_seen", world.worker, 2, photos=shots, outcome="solved", note="换了灯。")


def payloads(case):
    return "".join(Entry.objects.filter(stream__name=case.stream).values_list("payload", flat=True))


# What leaks


def test_a_log_line_names_the_pattern_of_an_address_and_never_what_stood_in_it(client, caplog):
    caplog.handler.addFilter(AddressFilter())
    with caplog.at_level(logging.WARNING, "django.request"):
        client.get("/h/SecretTokenOfALink/")
        client.get("/nowhere/13800001234/")
    lines = [record.getMessage() for record in caplog.records if record.name == "django.request"]
    assert len(lines) == 2 and "/h/<str:token>/" in lines[0]
    assert "SecretToken" not in "".join(lines) and "1380000" not in "".join(lines)


def test_every_line_goes_through_the_filter(settings):
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["address"]
    record = logging.LogRecord("x", 30, "", 0, "%s: %s", ("Gone", "/h/abc/"), None)
    record.request = RequestFactory().get("/h/abc/")
    AddressFilter().filter(record)
    assert "abc" not in record.getMessage()


def test_the_receiver_of_a_transfer_is_not_in_the_journal_for_ever(world):
    case = do(report(world), "transfer", world.leader, 1, channel="mediation", receiver="调委会 张月鹿", note="请调解")
    assert "张月鹿" not in payloads(case)
    assert Opening.objects.filter(field="receiver", value="调委会 张月鹿", person=world.resident.ref).exists()
    assert "调委会 张月鹿" in Message.objects.get(act="transferred", account=world.resident).body


def test_who_a_handler_proposes_is_not_in_the_journal_for_ever(world):
    case = do(report(world), "accept", world.worker, 1)
    case = do(case, "dispatch", world.worker, 2, unit=world.property, assists=[], note="")
    actor = handler_on(Task.objects.get(case=case), "翼火")
    case = do(case, "return_order", actor, 3, note="不归我们管", proposed="供电所 张月鹿")
    assert "张月鹿" not in payloads(case) and "不归我们管" not in payloads(case)


def test_what_is_typed_reaches_outside_units_without_telephone_numbers(world):
    location = locate(place=world.entrance)
    location.place = location.compound = None
    case = report(world, location=location, place_text="三楼 13900001111 老斗家门口")
    case = do(case, "accept", world.worker, 1)
    case = do(case, "dispatch", world.worker, 2, unit=world.contractor, assists=[], note="")
    task = Task.objects.get(case=case)
    do(case, "sign", handler_on(task, "鬼火"), 3)
    task.refresh_from_db()
    shot = [(photo(), "after")]
    do(case, "reply", handler_on(task, "鬼火"), 4, photos=shot, outcome="solved", note="好了")
    do(case, "rework", world.worker, 5, note="居民电话 13900001111，灯还不亮")
    sent = "".join(Outbox.objects.filter(address=world.contractor.phone).values_list("body", flat=True))
    assert "三楼" in sent and "灯还不亮" in sent and "13900001111" not in sent


def test_work_sent_back_leaves_the_task_with_the_unit_that_still_holds_it(world):
    """The unit's first task ended with the first closing; for its second one the worker replied in its stead."""

    def shot():
        return [(photo(), "before"), (photo(), "after")]

    case = do(report(world), "accept", world.worker, 1)
    for minute, who in ((2, world.worker), (12, world.leader)):
        case = do(case, "dispatch", who, minute, unit=world.property, assists=[], note="")
        task = Task.objects.filter(case=case).latest("id")
        case = do(case, "sign", handler_on(task, "翼火"), minute + 1)
        case = do(case, "reply", world.worker, minute + 2, photos=shot(), outcome="solved", note="看过了，亮了")
        if minute == 2:
            case = do(case, "close_seen", world.worker, 5, photos=shot(), outcome="solved", note="看过了，亮了")
            case = do(case, "dispute", world.resident, 6, note="又不亮了")
            case = do(case, "recode", world.leader, 7)
    case = do(case, "rework", world.verifier, 15, note="还不行")
    assert case.state == "working" and case.unit == world.property
    told = Message.objects.filter(account=world.resident, act="rework").get()  # until when, and nothing of the note
    assert f"日{words.clock(case.due_at)}前" in told.body and "还不行" not in told.body
    assert list(case.tasks.order_by("id").values_list("state", flat=True)) == ["done", "signed"]


def test_a_neighbour_who_joined_does_not_read_the_first_reporters_number(world):
    parent = report(world)
    child = report(world, account=world.neighbour)
    do(child, "merge", world.worker, 1, parent=parent)
    do(parent, "accept", world.worker, 2, note="老人电话 13900001111，先打电话")
    do(parent, "transfer", world.leader, 3, channel="service", receiver="窗口", note="找 13900001111 的老人")
    told = "".join(Message.objects.filter(account=world.neighbour).values_list("body", flat=True))
    assert "的老人" in told and "13900001111" not in told


def test_a_complaint_about_the_worker_is_not_offered_to_the_worker_for_merging(world):
    report(world, kind="投诉", about="worker", account=world.neighbour)
    mine = report(world)
    [merge] = [b for b in buttons(mine, actor_on(mine, world.worker, TEN), TEN) if b["move"].name == "merge"]
    assert [f.choices for f in merge["fields"] if f.name == "parent"] == [()]


def test_neighbours_are_shown_nothing_about_complaints_or_what_is_each_ones_own(world):
    lamp = report(world)
    here, minute = locate(place=world.entrance), TEN + timedelta(minutes=1)
    assert [n["case"] for n in screening.near(category("XQ201"), here, minute)] == [lamp]
    Case.objects.filter(pk=lamp.pk).update(sight="community")
    assert screening.near(category("XQ201"), here, minute) == []
    dispute = category("XQ601") if category("XQ601").channel_out == "mediation" else category("XQ701")
    report(world, category=dispute, kind="求助", text="楼上半夜总是很吵，睡不着。")
    assert screening.screen("楼上很吵", category=dispute, location=here, at=minute).near == ()


def test_whoever_joined_cannot_be_put_into_what_they_may_not_read(world):
    about = report(world, kind="投诉", about="worker", account=world.neighbour)
    mine = report(world)
    with pytest.raises(Refused):
        do(mine, "merge", world.dispatcher, 1, parent=about)


def test_a_photo_is_public_only_while_its_report_is(world, client):
    case = closed(world)
    shown = CasePhoto.objects.filter(case=case, stage="after").first()
    Case.objects.filter(pk=case.pk).update(closer=world.leader)
    case.refresh_from_db()
    publish = {"public_title": "楼道灯修好了", "public_text": "换了灯泡，亮了。", "public_photos": [shown.pk]}
    do(case, "publish", world.verifier, 3, **publish)
    shown.refresh_from_db()
    assert shown.public
    do(case, "dispute", world.resident, 4, note="又不亮了")
    shown.refresh_from_db()
    assert not shown.public


def test_who_becomes_anonymous_leaves_the_public_pages_for_good(world):
    case = closed(world)
    Case.objects.filter(pk=case.pk).update(closer=world.leader)
    case.refresh_from_db()
    publish = {"public_title": "楼道灯修好了", "public_text": "换了灯泡，亮了。", "public_photos": []}
    case = do(case, "publish", world.verifier, 3, **publish)
    case = do(case, "anonymise", world.resident, 4)
    case.report.refresh_from_db()
    assert case.report.published_at is None
    with pytest.raises(Refused):
        do(case, "publish", world.verifier, 5, **publish)


# What rings


def test_an_urgent_report_at_night_wakes_somebody_at_every_step(world):
    case = report(world, urgency="U0", at=NIGHT)
    assert set(Outbox.objects.values_list("address", flat=True)) >= {world.worker.phone, world.leader.phone}
    Outbox.objects.all().delete()
    told = []
    for minutes in (5, 10, 15, 20):
        case.refresh_from_db()
        assert case.alarm_at == NIGHT + timedelta(minutes=minutes)
        ring_due(case.alarm_at)
        rows = Message.objects.filter(act="escalated").order_by("-id").select_related("account")
        told.append(rows[0].account)
    assert told == [world.leader, world.secretary, world.dispatcher, world.duty]  # one more step with every ring
    assert not Outbox.objects.filter(urgent=False).exists() and Outbox.objects.count() >= 8


def test_an_urgent_report_without_a_grid_reaches_people_too(world):
    case = report(world, urgency="U1", at=NIGHT, location=None, source="hotline", source_no="1")
    woken = set(Outbox.objects.filter(urgent=True).values_list("address", flat=True))
    assert case.grid is None and woken == {world.dispatcher.phone, world.duty.phone}


def test_a_u1_report_at_night_does_not_wait_for_the_morning(world):
    report(world, urgency="U1", at=NIGHT)
    assert Outbox.objects.get(address=world.worker.phone).urgent
    Outbox.objects.all().delete()
    report(world, urgency="U2", at=NIGHT, account=world.neighbour)
    assert not Outbox.objects.get(address=world.worker.phone).urgent


def test_a_refusal_reaches_everybody_who_joined(world):
    parent = report(world)
    child = do(report(world, account=world.neighbour), "merge", world.worker, 1, parent=parent)
    do(parent, "refuse", world.dispatcher, 2, reason="R10", right_channel="12345", note="请打供电热线。")
    assert child.number in Message.objects.get(account=world.neighbour, act="refused").body


def test_half_the_limit_is_half_of_the_original_however_often(world):
    case = do(report(world, category=category("01037")), "accept", world.worker, 1, category=category("01037"))
    limit = case.handle_limit
    case = do(case, "start", world.worker, 2)
    case = do(case, "reply", world.worker, 3, photos=[(photo(), "after")], outcome="solved", note="好了")
    case = do(case, "rework", world.verifier, 4, note="还不行")
    once = case.handle_limit
    case = do(case, "reply", world.worker, 5, photos=[(photo(), "after")], outcome="solved", note="好了")
    case = do(case, "rework", world.verifier, 6, note="还不行")
    assert limit != once == case.handle_limit


def test_what_staff_reopened_can_still_be_disputed_once_by_the_reporter(world):
    case = closed(world)
    do(case, "rate", world.resident, 3, level=1, note="没亮")
    case = do(case, "reopen", world.callback, 4, note="看了，没亮")
    case = do(case, "start", case.holder, 5)
    case = do(case, "reply", case.holder, 6, photos=[(photo(), "after")], outcome="solved", note="好了")
    case = do(case, "close_verified", world.verifier, 7, photos=[], outcome="solved", note="看过了")
    case = do(case, "dispute", world.resident, 8, note="还是不亮")
    assert case.state == "accepted" and case.holder not in (world.verifier, world.worker)


def test_what_is_split_out_is_new_and_nobodys(world):
    parent = report(world)
    child = do(report(world, account=world.neighbour), "accept", world.worker, 1)
    child = do(child, "merge", world.worker, 2, parent=parent)
    child = do(child, "split_out", world.neighbour, 3, note="不是一回事")
    assert (child.state, child.holder, child.accepted_at, child.due_at) == ("received", None, None, None)
    assert child.alarm_at == child.next_due_at == child.accept_due_at


# What stays


def everything_kept():
    """Every text and JSON value of every table, as one string."""
    said = []
    for model in apps.get_models():
        fields = [f.name for f in model._meta.concrete_fields if isinstance(f, TextField | CharField | JSONField)]
        said += [json.dumps(row, ensure_ascii=False) for row in model.objects.values_list(*fields)] if fields else []
    return "\n".join(said)


def filed_from_thread(world):
    said = threads.say(
        threads.thread_for(world.resident, TEN), world.resident, "老斗说楼梯扶手松了", [photo(world.resident)]
    )
    case = intake.submit(
        world.resident,
        text=said.body,
        location=locate(place=world.entrance),
        category=category("XQ201"),
        photos=list(said.photos.all()),
        by=world.worker,
        channel="thread",
        at=TEN,
    )
    return said, case


def test_nothing_of_an_erased_reporter_is_left_in_any_table(world):
    said, filed = filed_from_thread(world)
    mine = report(world, text="老斗家的灯不亮，电话13800000001。", photos=[photo(world.resident)])
    do(mine, "accept", world.worker, 1, note="老斗说晚上在家，打 13800000001")
    nowhere = locate(place=world.entrance)
    nowhere.place = nowhere.compound = None
    report(world, location=nowhere, place_text="老斗家楼下", text="水管漏水了，地上都是水。")
    rows = [*said.photos.all(), *(use.photo for use in CasePhoto.objects.filter(case__in=(mine, filed)))]
    stay = [row for row in everything_kept().splitlines() if "老斗" in row]
    assert stay
    erase(world.resident, TEN + timedelta(days=1))
    left = [row for row in everything_kept().splitlines() if "老斗" in row or "13800000001" in row]
    assert left == []
    for row in rows:
        row.refresh_from_db()
        assert row.erased_at and not row.owner_id
    mine.refresh_from_db()
    assert mine.state == "accepted" and mine.holder == world.worker and verify() == []


def test_the_name_of_an_erased_person_goes_from_the_words_of_others_and_the_rest_stays(world):
    case = do(report(world), "accept", world.worker, 1, note="和老斗说好了，周三来修")
    erase(world.resident, TEN + timedelta(days=1))
    assert case.events.get(act="accept").note == "和**说好了，周三来修"


def test_a_room_is_no_longer_the_place_of_what_an_erased_person_reported(world):
    case = report(world, location=locate(place=world.room))
    Case.objects.filter(pk=case.pk).update(place=world.room)
    erase(world.resident, TEN + timedelta(days=1))
    case.refresh_from_db()
    assert case.place == world.entrance


def test_a_person_takes_along_reports_messages_and_photos_and_nothing_internal(world, signed_in):
    _said, filed = filed_from_thread(world)
    case = do(report(world, photos=[photo(world.resident)]), "accept", world.worker, 1, note="周三来修")
    do(case, "remark", world.worker, 2, note="不让居民看的话")
    do(report(world, account=world.neighbour, text="邻居自己的事，不相干。"), "accept", world.worker, 1)
    answer = signed_in(world.resident).post("/me/export/")
    held = json.loads(answer.content)
    assert {row["number"] for row in held["matters"]["reports"]} == {case.number, filed.number}
    assert held["matters"]["thread"][-1]["words"] == "老斗说楼梯扶手松了"
    assert any(case.number in row["words"] for row in held["messages"])
    assert len(held["photos"]) == 2 and all(row["url"].startswith("/") for row in held["photos"])
    text = answer.content.decode()
    assert "周三来修" in text and "不让居民看的话" not in text and "邻居自己的事" not in text


# What is sent twice, and what two do at once


def test_an_act_that_takes_the_case_out_of_ones_sight_is_answered_the_same_when_sent_again(world, signed_in):
    case, client = report(world), signed_in(world.worker)
    form = {"place": "银汉里弄1幢1单元", "note": "地址写错了", "_key": "move-1", "back": ""}
    first = client.post(f"/desk/cases/{case.number}/act/recode/", form)
    again = client.post(f"/desk/cases/{case.number}/act/recode/", form)
    assert Case.objects.get(pk=case.pk).grid == world.other_grid
    assert (again.status_code, again.url) == (first.status_code, first.url) == (302, "/desk/?done=recode")
    assert case.events.filter(act="recode").count() == 1


def test_a_photo_that_is_sent_twice_is_kept_once(world, signed_in):
    case, client = report(world), signed_in(world.resident)
    for _time in (1, 2):
        shot = SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg")
        form = {"note": "补一张照片", "photos": shot, "_key": "twice"}
        assert client.post(f"/matters/{case.number}/append", form).status_code == 302
    assert CasePhoto.objects.filter(case=case).count() == 1 and case.events.filter(act="append").count() == 1


def test_the_victim_of_a_deadlock_is_tried_again_and_other_failures_are_not(world, rf):
    class Lost(Exception):
        sqlstate = "40P01"

    def asked(cause):
        tries = []

        def act():
            tries.append(1)
            if len(tries) == 1:
                raise OperationalError("victim") from cause
            return "/done"

        request = rf.post("/", {"_key": "k"})
        request.account = world.resident
        return tries, lambda: once(request, act)

    tries, run = asked(Lost())
    assert run().url == "/done" and len(tries) == 2
    Submission.objects.all().delete()
    tries, run = asked(None)
    with pytest.raises(OperationalError):
        run()
    assert len(tries) == 1


def test_what_staff_wrote_to_the_first_reporter_alone_is_not_shown_to_those_who_joined(world, signed_in):
    parent = report(world)
    do(parent, "ask", world.worker, 1, note="老斗您是住三楼吗？")
    parent = do(parent, "answer", world.worker, 2, note="他说住三楼最里面")
    child = do(report(world, account=world.neighbour), "merge", world.worker, 1, parent=parent)
    do(parent, "accept", world.worker, 3, note="下午去修，他的电话是13900001111")
    page = signed_in(world.neighbour).get(f"/matters/{child.number}").content.decode()
    assert "下午去修" in page and "13900001111" not in page and "最里面" not in page and "您是住" not in page
    do(child, "split_out", world.neighbour, 4, note="不是一回事")
    page = signed_in(world.resident).get(f"/matters/{parent.number}").content.decode()
    assert "改为单独办理" in page and "您更新了进展" not in page


def test_a_message_becomes_a_draft_however_many_drafts_there_are(world):
    thread = threads.thread_for(world.resident, TEN)
    said = threads.say(thread, world.resident, "楼梯扶手松了", [photo(world.resident)])
    for _n in (1, 2):
        Draft.objects.create(account=world.resident, session="", data={})
    draft = threads.to_report(said, world.resident, TEN)
    assert list(Draft.objects.filter(account=world.resident)) == [draft] and draft.photos.count() == 1


def test_a_photo_that_staff_filed_for_somebody_is_not_shown_to_the_neighbours(world, signed_in):
    _said, parent = filed_from_thread(world)
    [use] = CasePhoto.objects.filter(case=parent)
    child = do(report(world, account=world.neighbour), "merge", world.worker, 1, parent=parent)
    client = signed_in(world.neighbour)
    assert use.photo.ref not in client.get(f"/matters/{child.number}").content.decode()
    with patch("weilianxin.files.serve.read", lambda *_: b"picture"):
        assert client.get(f"/matters/{child.number}/photos/{use.photo.ref}/picture").status_code == 404
        own = signed_in(world.resident).get(f"/matters/{parent.number}/photos/{use.photo.ref}/picture")
    assert own.status_code == 200


# What comes in from outside


NUMBERS = ("", "0", "-1", "x", "９９", "9" * 18, "1.5", "²")
WORDS = ("", "z", "好" * 15_000, "a\u200bb", "%(x)s{y}<b>'\"", "9999-12-31", "0001-01-01", "2024-02-29")
HOSTILE = ("\x00", "x" * 25_000, "9" * 40)


def guess(rng, name, forms):
    """A value for a field: sometimes one of its choices, sometimes nonsense."""
    if rng.random() < 0.01:
        return rng.choice(HOSTILE)
    ours = forms.get(name, ())
    return rng.choice(ours if ours and rng.random() < 0.6 else NUMBERS + WORDS)


def seeds(world, case):
    """What a clever stranger would try in fields of these names."""
    other = report(world, account=world.neighbour, location=locate(place=world.other_entrance))
    spare = Category.objects.create(scheme="other", code="XQ201", column_code="ECO", column_zh="x", name_zh="x")
    return {
        "category": [str(spare.pk), str(category("XQI01").pk), "XQ201", str(category("XQ201").pk), "XQI01"],
        "parent": [other.number, case.number, "999999-9999"],
        "unit": [str(world.other_property.pk), str(world.property.pk)],
        "assists": [str(world.elevator.pk), str(world.other_property.pk)],
        "channel": ["integrity", "case", "police", "mediation"],
        "outcome": ["solved", "partly", "withdrawn", "duplicate"],
        "urgency": ["U0", "U9"],
        "reason": ["R01", "R10", "R99"],
        "level": ["1", "5", "6"],
        "place": ["银汉里弄1幢1单元", "上海市人民广场"],
        "token": [signing.dumps(other.pk, salt=screening.TOKEN, compress=True), "a:b:c"],
        "where": ["home", "plate", "choose", "public", "point", "address", "nowhere"],
        "do": ["next", "later", "photos", "drop:" + "a" * 24, "drop:", "choose", "back"],
        "lat": ["30.24", "91", "nan"],
        "lon": ["120.18", "1e400"],
        "kind": ["投诉", "求助"],
        "about": ["worker", "unit", "thing"],
        "anonymity": ["N0", "N3"],
        "back": ["queue", "home", "//evil.example"],
        "_version": ["-1", "99999999999"],
        "relation": ["living", "king"],
        "public_photos": ["1", "9" * 17],
    }


def plain_words(answer):
    return re.sub(r"<[^>]+>", "", answer.content.decode())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nonsense_in_any_form_is_answered_with_a_sentence_and_never_with_an_error(world, signed_in, seed):
    rng = random.Random(seed)
    case = do(report(world), "accept", world.worker, 1)
    case = do(case, "dispatch", world.worker, 2, unit=world.property, assists=[], note="")
    fresh = report(world, account=world.neighbour)
    task = Task.objects.get(case=case)
    token = issue_link(task, timezone.now()).split("/")[2]
    forms = seeds(world, case)
    people = {who: signed_in(who) for who in (world.resident, world.worker, world.dispatcher, world.verifier)}
    for client in people.values():
        client.raise_request_exception = False
    thread = threads.thread_for(world.resident, TEN)
    said = threads.say(thread, world.resident, "楼梯扶手松了", at=TEN)
    names = [m.name for m in REPORTS.moves] + ["nothing"]
    fields = [
        *forms,
        "note",
        "receiver",
        "proposed",
        "plan_date",
        "no_before",
        "right_channel",
        "text",
        "body",
        "words",
    ]
    fields += ["public_title", "public_text", "floor", "mark", "address", "compound", "building", "entrance", "public"]
    fields += ["code", "named", "step", "about_unit", "wish", "consent", "q", "plate", "name", "phone", "act", "f"]
    paths = [
        (world.resident, "/report/"), (world.resident, "/report/place/"), (world.resident, "/report/send/"),
        (world.resident, "/report/join/"), (world.resident, "/report/guess/"), (world.resident, "/thread/"),
        (world.resident, f"/thread/{said.pk}/report"), (world.resident, "/bind/"), (world.resident, "/me/correct/"),
        (world.worker, f"/desk/threads/{thread.pk}/"), (world.worker, f"/desk/threads/{thread.pk}/report/{said.pk}"),
        (world.worker, f"/desk/cases/{case.number}/reporter/"), (world.resident, f"/h/{token}/code/"),
    ]  # fmt: skip
    for turn in range(150):
        name = rng.choice(names)
        number = rng.choice((case.number, fresh.number))
        who, path = rng.choice(
            [
                *paths,
                (world.resident, f"/matters/{case.number}/{name}"),
                *((who, f"/desk/cases/{number}/act/{name}/") for who in list(people)[1:]),
            ]
        )
        form = {field: guess(rng, field, forms) for field in rng.sample(fields, 12)} | {"_key": f"{seed}-{turn}"}
        if rng.random() < 0.2:
            form["photos"] = [
                SimpleUploadedFile(f"{n}.jpg", b"no picture", "image/jpeg") for n in range(rng.choice((1, 10)))
            ]
        answer = people[who].post(path, form)
        hint = (path, {k: v[:40] if isinstance(v, str) else v for k, v in form.items()})
        assert answer.status_code in (200, 302, 400, 404, 409, 413, 422, 429), (answer.status_code, hint)
        if answer.status_code in (409, 422):
            assert re.search("[一-鿿]{4}.*。", plain_words(answer)), hint
    assert verify() == []


def test_keys_of_pages_that_are_not_ours_are_passed_over(world, signed_in):
    report(world)
    keys = ("x", "9" * 17, "9" * 17 + "-1", "1-" + "9" * 18, "n.9", "9999999999999999.1", "-", ".", "²", "1e9")
    for who, path, name in (
        (world.resident, "/matters/", "before"), (world.resident, "/inbox/", "before"),
        (world.resident, "/public/", "before"), (world.resident, "/thread/", "before"),
        (world.worker, "/desk/", "after"), (world.worker, "/desk/search/?q=灯", "before"),
        (world.dispatcher, "/desk/queue/?f=all", "after"), (world.verifier, "/desk/samples/", "before"),
    ):  # fmt: skip
        client = signed_in(who)
        for key in keys:
            answer = client.get(f"{path}{'&' if '?' in path else '?'}{name}={key}")
            assert answer.status_code in (200, 404), (path, key)
    assert signed_in(world.dispatcher).get("/desk/queue/?f=nonsense").status_code == 404


# What it costs


LISTS = (
    ("resident", "/"), ("resident", "/matters/"), ("resident", "/matters/?tab=done"), ("resident", "/inbox/"),
    ("worker", "/desk/"), ("worker", "/desk/search/?q=灯"), ("worker", "/desk/threads/"), ("leader", "/desk/grids/"),
    ("dispatcher", "/desk/queue/?f=all"), ("dispatcher", "/desk/queue/"), ("secretary", "/desk/board/"),
    ("leader", "/desk/grids/330102098001001/"), ("verifier", "/desk/verify/"), ("verifier", "/desk/samples/"),
    ("secretary", "/desk/callbacks/"),
)  # fmt: skip


def busy_days(world, n):
    """`n` times a message, a new report, one that is answered, one that is closed and rated badly."""
    for k in range(n):
        account = resident(f"住户{k}", f"137{Case.objects.count():08d}", world.room)
        threads.say(threads.thread_for(account, TEN), account, "灯不亮", at=TEN)
        report(world, account=account)
        case = do(report(world), "accept", world.worker, 1)
        if k % 2:
            shots = [(photo(), "before"), (photo(), "after")]
            case = do(case, "close_seen", world.worker, 2, photos=shots, outcome="solved", note="换了灯。")
            do(case, "rate", world.resident, 3, level=1, note="")
        else:
            case = do(case, "start", world.worker, 2)
            do(case, "reply", world.worker, 3, photos=[(photo(), "after")], outcome="solved", note="好了")


def test_lists_ask_the_database_as_often_for_many_rows_as_for_few(world, signed_in):
    Parameter.objects.create(key="reports_per_day", value="500")
    Parameter.objects.filter(key="sample_percent").update(value="100")
    clients = {who: signed_in(getattr(world, who)) for who, _path in LISTS}

    def asked(who, path):
        clients[who].get(path)  # what is made or cached at the first look is not counted
        with CaptureQueriesContext(connection) as queries:
            assert clients[who].get(path).status_code == 200, path
        return len(queries)

    busy_days(world, 4)
    few = {page: asked(*page) for page in LISTS}
    busy_days(world, 20)
    many = {page: asked(*page) for page in LISTS}
    assert {page: (few[page], n) for page, n in many.items() if n > few[page] + 1} == {}
    assert max(many.values()) < 60, many


# Who decides


def nobody_above(world):
    Post.objects.exclude(role__in=("grid_worker", "grid_worker_backup")).update(until=TEN)


def test_where_nobody_is_above_nothing_is_given_back_to_whoever_decided(world):
    case = closed(world)
    refused = do(report(world), "refuse", world.worker, 1, reason="R09", right_channel="12345", note="")
    parent = closed(world, account=world.neighbour)
    child = report(world)
    Case.objects.filter(pk=child.pk).update(state="merged", phase="done", outcome="duplicate", parent=parent)
    Case.objects.filter(pk=parent.pk).update(headcount=2)
    nobody_above(world)
    for one, name in ((case, "dispute"), (refused, "contest_refusal"), (child, "split_out")):
        one.refresh_from_db()
        before = one.state, one.holder, one.version
        with pytest.raises(Refused, match="请打社区电话"):
            do(one, name, world.resident, 5, note="还是不行")
        one.refresh_from_db()
        assert before == (one.state, one.holder, one.version)


def test_what_somebody_held_who_has_left_is_told_to_whoever_serves_the_grid(world):
    case = do(report(world), "accept", world.worker, 1)
    leave(world.worker, TEN + timedelta(minutes=2), world.admin)
    do(case, "append", world.resident, 3, note="还有四楼的灯")
    assert Message.objects.filter(act="appended", account=world.backup).exists()


def test_a_category_that_is_no_longer_public_takes_its_reports_off_the_pages(world, client):
    case = closed(world)
    Case.objects.filter(pk=case.pk).update(closer=world.leader)
    case.refresh_from_db()
    publish = {"public_title": "楼道灯修好了", "public_text": "换了灯泡，亮了。", "public_photos": []}
    do(case, "publish", world.verifier, 3, **publish)
    assert "楼道灯修好了" in client.get("/public/").content.decode()
    Category.objects.filter(code="XQ201").update(public="never")
    assert "楼道灯修好了" not in client.get("/public/").content.decode()


def test_whatever_comes_back_rings_again(world):
    case = do(report(world), "accept", world.worker, 1)
    case = do(case, "transfer", world.leader, 2, channel="service", receiver="窗口", note="归窗口办")
    assert case.alarm_at is None
    late = int(timedelta(days=20) / timedelta(minutes=1))
    case = do(case, "take_back", world.dispatcher, late, note="窗口说不归他们")
    assert case.alarm_at == TEN + timedelta(minutes=late) and case.due_at < case.alarm_at
    told = []
    for _turn in range(3):
        ring_due(case.alarm_at)
        case.refresh_from_db()
        told.append(Message.objects.filter(act="escalated").latest("id").account)
    assert told[-1] == world.duty and case.alarm_at


def test_a_session_that_only_asked_for_a_code_goes_with_the_person_whose_number_it_holds(world):
    own, other = Client(), Client()
    own.post("/signin/", {"act": "send", "phone": world.resident.phone})
    other.post("/signin/", {"act": "send", "phone": world.neighbour.phone})
    assert Session.objects.count() == 2
    erase(world.resident, timezone.now())
    assert [row.get_decoded()["signin"]["phone"] for row in Session.objects.all()] == [world.neighbour.phone]


def test_the_token_of_a_link_is_kept_nowhere_and_the_form_sent_again_finds_its_way_back(world, signed_in, client):
    case = do(report(world, at=timezone.now()), "accept", world.worker, 1)
    case = do(case, "dispatch", world.worker, 2, unit=world.property, assists=[], note="")
    path = issue_link(Task.objects.get(case=case), timezone.now())
    client.post(f"{path}code/", {"step": "send"})
    code = re.search(r"\d{6}", Outbox.objects.filter(act="handler_code").latest("id").body)[0]
    client.post(f"{path}code/", {"code": code, "named": "翼火"})
    answers = [client.post(f"{path}act/sign/", {"_key": "sign-1", "note": "收到"}) for _time in (1, 2)]
    assert [a.url for a in answers] == [f"{path}?done=sign"] * 2
    assert Task.objects.get(case=case).state == "signed" and Submission.objects.filter(key="sign-1").count() == 1
    token, kept = path.strip("/").split("/")[1], everything_kept()
    assert len(token) > 20 and "sign-1" in kept and token not in kept


def test_a_drawn_closing_is_looked_at_by_another_person_who_passes_or_reopens_it(world):
    Parameter.objects.filter(key="sample_percent").update(value="100")
    good, bad = closed(world), closed(world)
    with pytest.raises(Refused):
        do(good, "pass_sample", world.worker, 3, note="看过了")
    do(good, "pass_sample", world.verifier, 3, note="到现场看了，亮着")
    sample = good.samples.get()
    assert (sample.passed, sample.checked_by) == (True, world.verifier)
    with pytest.raises(Refused):
        do(good, "reopen", world.verifier, 4, note="没有等抽查的了")
    bad = do(bad, "reopen", world.verifier, 3, note="到现场看了，没亮")
    sample = bad.samples.get()
    assert (sample.passed, sample.checked_by) == (False, world.verifier)
    assert bad.state == "accepted" and bad.holder != world.worker
