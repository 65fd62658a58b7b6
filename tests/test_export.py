"""导出: who takes matters away as a file; what is secret only where two people say so, once."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.models import Case, ExportRequest
from weilianxin.journal.models import Entry
from weilianxin.journal.verify import verify
from weilianxin.lib.refusal import Refused
from weilianxin.people.models import Post
from weilianxin.programmes.reports import exporting, intake
from weilianxin.programmes.reports.models import Category

from .support.visitors import said_in
from .support.world import client_for, make_world
from .test_reports_races import together

PAGE = "/desk/export/"
pytestmark = pytest.mark.django_db


def report(w, place=None, who=None, sensitive=False, **more):
    facts = {"text": "=灯不亮，斗大爷住301室，电话13800000001。", "location": locate(place=place or w.entrance), **more}
    category = Category.objects.get(code="XQ201", scheme="resident")
    case = intake.submit(who or w.resident, category=category, **facts)
    Case.objects.filter(pk=case.pk).update(sensitive=sensitive)
    return case


def form(**more):
    today = timezone.localdate()
    return {"since": str(today), "until": str(today), "phase": "", "column": "", "do": "file", **more}


def rows_in(answer):
    text = answer.content.decode() if hasattr(answer, "content") else answer
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def journal(act):
    return [json.loads(row.payload) for row in Entry.objects.filter(action=act).order_by("pk")]


def approved(w, at=None):
    wanted = exporting.asked(form())
    row = exporting.ask(w.dispatcher, w.subdistrict, wanted, "区里例行检查", at)
    exporting.decide(row, w.duty, True, at)
    row.refresh_from_db()
    return row


def test_a_file_holds_the_facts_masks_the_words_leaves_the_secret_out_and_is_written_down(world):
    world.resident.name = "斗大爷"
    world.resident.save()
    plain, secret = report(world), report(world, sensitive=True)
    elsewhere = report(world, world.other_entrance, world.stranger, text="水管漏了，楼下都是水。")
    answer = client_for(world.dispatcher).post(PAGE, form())
    heads, *rows = rows_in(answer)
    assert tuple(heads) == exporting.COLUMNS and answer["Content-Type"].startswith("text/csv")
    assert [row[0] for row in rows[:-1]] == [plain.number, elsewhere.number]
    assert rows[-1] == ["另有 1 件保密的没有列出。"]
    said = answer.content.decode()
    assert said_in(world.room.full_name, "301") and not said_in(said, "301")
    for hidden in ("13800000001", "斗大爷", secret.number, "\n=", ",="):
        assert hidden not in said
    assert "灯不亮" in said and "no-store" in answer["Cache-Control"]
    (entry,) = journal("export_made")
    assert (entry["count"], entry["left_out"], entry["area"]) == (2, 1, world.subdistrict.code)


def test_a_secretary_takes_their_own_community_only(world):
    mine, _other = report(world), report(world, world.other_entrance, world.stranger)
    _heads, *rows = rows_in(client_for(world.secretary).post(PAGE, form()))
    assert [row[0] for row in rows] == [mine.number]


def test_the_filter_is_kept_to_a_year_and_to_what_there_is_and_loses_nothing_typed(world):
    client, today = client_for(world.dispatcher), timezone.localdate()
    for wrong in (
        {"since": ""}, {"until": "不是日子"}, {"until": str(today - timedelta(days=1))},
        {"since": str(today - timedelta(days=366))}, {"phase": "void"}, {"column": "NONE"},
        {"do": "ask", "purpose": "看"},
    ):  # fmt: skip
        answer = client.post(PAGE, form(**wrong))
        assert answer.status_code == 422 and 'class="bad"' in answer.content.decode(), wrong
    assert 'value="看"' in answer.content.decode()
    assert client.post(PAGE, form(since=str(today - timedelta(days=365)))).status_code == 200
    report(world)
    for chosen, found in (({"phase": "new"}, 1), ({"phase": "done"}, 0), ({"column": "FIRE"}, 0)):
        assert len(rows_in(client.post(PAGE, form(**chosen)))) == 1 + found
    assert not ExportRequest.objects.exists()


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31"])
def test_a_year_that_cannot_be_meant_is_refused_at_its_field(world, day):
    answer = client_for(world.dispatcher).post(PAGE, form(since=day, until=day))
    assert answer.status_code == 422 and "年份要在 2000 到 2099 之间。" in answer.content.decode()
    assert not journal("export_made")


def test_for_a_whole_district_the_secret_is_refused_and_the_rest_is_a_file(world):
    Post.objects.filter(account=world.dispatcher).update(area=world.district)
    report(world)
    client = client_for(world.dispatcher)
    assert len(rows_in(client.post(PAGE, form()))) == 2
    answer = client.post(PAGE, form(do="ask", purpose="区里例行检查", _key="k1"))
    assert answer.status_code == 422 and "请由街道的人申请" in answer.content.decode()
    assert not ExportRequest.objects.exists()


def test_too_many_for_one_file_are_refused_and_not_cut(world, monkeypatch):
    monkeypatch.setattr(exporting, "MOST", 1)
    report(world)
    report(world)
    answer = client_for(world.dispatcher).post(PAGE, form())
    assert answer.status_code == 422 and not journal("export_made")


def test_a_file_costs_the_same_number_of_queries_for_one_matter_and_for_many(world, django_assert_max_num_queries):
    wanted = exporting.asked(form())
    for _n in range(4):
        report(world)
    with django_assert_max_num_queries(16):
        exporting.ordinary(world.dispatcher, world.subdistrict, wanted)


def test_what_is_secret_leaves_only_when_a_second_person_agrees_and_once(world):
    secret = report(world, sensitive=True)
    client, duty = client_for(world.dispatcher), client_for(world.duty)
    send = form(do="ask", purpose="区里例行检查", _key="k1")
    assert client.post(PAGE, send).status_code == client.post(PAGE, send).status_code == 302
    row = ExportRequest.objects.get()  # sent twice it is one
    file, decision = (reverse(f"reports:staff_export_{name}", args=[row.pk]) for name in ("fetch", "decide"))
    assert client.post(file).status_code == 409  # nobody has agreed
    assert client.post(decision, {"answer": "yes"}).status_code == 404
    assert "区里例行检查" in duty.get(PAGE).content.decode()
    for _twice in (1, 2):
        assert duty.post(decision, {"answer": "yes", "_key": "d1"}).status_code == 302
    assert duty.post(decision, {"answer": "no", "_key": "d2"}).status_code == 409
    assert duty.post(file).status_code == 404  # only who asked fetches it
    sealed = report(world)
    Case.objects.filter(pk=sealed.pk).update(sensitive=True)  # meanwhile
    moved = report(world)
    Case.objects.filter(pk=moved.pk).update(about_account=world.dispatcher)  # no longer theirs to see
    first, _heads, *rows = rows_in(client.post(file))
    assert f"第 {row.pk} 号" in first[0] and world.dispatcher.name in first[0] and world.duty.name in first[0]
    assert [line[0] for line in rows] == [secret.number, sealed.number]
    again = client.post(file)
    assert again.status_code == 409 and secret.number not in again.content.decode()
    assert journal("export_asked")[0]["request"] == row.pk and journal("export_decided")[0]["approved"] is True
    assert journal("export_fetched") == [{"request": row.pk, "count": 2, "secret": 2}]
    assert verify() == []


def test_nobody_agrees_to_their_own_request(world):
    row = exporting.ask(world.duty, world.subdistrict, exporting.asked(form()), "区里例行检查")
    answer = client_for(world.duty).post(reverse("reports:staff_export_decide", args=[row.pk]), {"answer": "yes"})
    assert answer.status_code == 409
    row.refresh_from_db()
    assert row.decided_at is None


def test_a_day_for_the_decision_a_day_for_the_download_and_none_after_the_post_is_gone(world):
    now = timezone.now()
    old = exporting.ask(world.dispatcher, world.subdistrict, exporting.asked(form()), "区里例行检查", now)
    with pytest.raises(Refused):
        exporting.decide(old, world.duty, True, now + timedelta(hours=25))
    row = approved(world, now)
    with pytest.raises(Refused):
        exporting.fetch(row, world.dispatcher, now + timedelta(hours=25))
    refused = exporting.ask(world.dispatcher, world.subdistrict, exporting.asked(form()), "区里例行检查")
    exporting.decide(refused, world.duty, False)
    with pytest.raises(Refused):
        exporting.fetch(refused, world.dispatcher)
    client = client_for(world.dispatcher)
    Post.objects.filter(account=world.dispatcher).update(until=now)
    assert client.post(reverse("reports:staff_export_fetch", args=[row.pk])).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_downloads_at_once_one_gets_the_file(transactional_db):
    w = make_world()
    report(w, sensitive=True)
    row = approved(w)
    results = together(*[lambda: exporting.fetch(row, w.dispatcher)] * 2)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, Refused) for result in results) == 1
    assert len(journal("export_fetched")) == 1
