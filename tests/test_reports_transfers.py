"""What other channels passed on: by their deadline, and every result goes back once."""

import csv
import io
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.support.world import at, client_for, make_world, photo
from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.journal.models import Entry
from weilianxin.programmes.reports import deliveries, intake
from weilianxin.programmes.reports.importing import import_file
from weilianxin.programmes.reports.models import Category, Delivery, Report

pytestmark = pytest.mark.django_db

TEN = at(10)


@pytest.fixture
def world(db):
    return make_world()


def passed_on(world, number, **more):
    facts = {"text": "楼道口堆了纸箱，过不去。", "location": locate(place=world.entrance), "source": "12345", "at": TEN}
    facts |= {"category": Category.objects.get(code="XQ101"), "channel": "12345", "source_no": number}
    return intake.submit(None, **(facts | more))


def do(case, name, who, minutes=0, photos=(), **data):
    return perform(case, name, actor_on(case, who, TEN), at=TEN + timedelta(minutes=minutes), photos=photos, **data)


def end(world, case, minutes=10, note="纸箱已经清走了，谢谢。"):
    do(case, "accept", world.worker, minutes - 1, note="")
    pictures = [(photo(world.worker), "before"), (photo(world.worker), "after")]
    return do(case, "close_seen", world.worker, minutes, pictures, outcome="solved", note=note)


def deliver(world, who=None, source="12345"):
    return deliveries.deliver(who or world.dispatcher, world.subdistrict, source, TEN + timedelta(hours=1))


def rows_in(batch):
    return list(csv.DictReader(io.StringIO(deliveries.sheet(batch).removeprefix("\ufeff"))))


def test_every_result_goes_back_once_and_is_journalled(world):
    end(world, passed_on(world, "H-1"))
    passed_on(world, "H-2")  # still open
    batch = deliver(world)
    (row,) = rows_in(batch)
    assert (row["原编号"], row["状态"], row["结果"], row["办后照片数"]) == ("H-1", "办结", "已解决", "1")
    assert row["答复"] == "纸箱已经清走了，谢谢。" and row["办结时间"] == "2026-03-10 10:10"
    entry = Entry.objects.get(action="results_delivered")
    assert entry.actor == world.dispatcher.ref and '"count":1' in entry.payload
    with pytest.raises(deliveries.NothingNew):
        deliver(world)
    assert Delivery.objects.count() == 1


def test_an_old_file_says_the_same_again_whatever_came_later(world):
    case = end(world, passed_on(world, "H-1"))
    batch = deliver(world)
    before = deliveries.sheet(batch)
    do(case, "remark", world.worker, 70, note="又去看了一次")
    assert deliveries.sheet(batch) == before


def test_what_ends_anew_goes_back_anew(world):
    case = end(world, passed_on(world, "H-1"))
    deliver(world)
    do(case, "propose_void", world.dispatcher, 80, note="是测试的件")
    do(case, "void", world.duty, 81, note="")
    (row,) = rows_in(deliver(world))
    assert (row["原编号"], row["状态"], row["答复"]) == ("H-1", "作废", "")
    assert rows_in(Delivery.objects.first())[0]["状态"] == "办结"


def test_what_joined_another_matter_goes_back_when_that_one_ends(world):
    first, second = passed_on(world, "H-1"), passed_on(world, "H-2")
    do(second, "merge", world.worker, 5, parent=first)
    with pytest.raises(deliveries.NothingNew):
        deliver(world)
    end(world, first, note="已清走，打 13800000001 找我。")
    told = {row["原编号"]: row["答复"] for row in rows_in(deliver(world))}
    assert "13800000001" in told["H-1"] and "13800000001" not in told["H-2"] and "已清走" in told["H-2"]


def test_a_refusal_goes_back_with_its_reason_and_the_right_channel(world):
    do(passed_on(world, "H-1"), "refuse", world.dispatcher, 5, reason="R09", right_channel="逐月街道", note="在隔壁")
    (row,) = rows_in(deliver(world))
    assert row["状态"] == "不予受理" and row["答复"] == "不在本街道；在隔壁；逐月街道"


def test_no_cell_is_taken_for_a_formula(world):
    end(world, passed_on(world, "=1+1"), note="=HYPERLINK(1)")
    (row,) = rows_in(deliver(world))
    assert row["原编号"] == "'=1+1" and row["答复"] == "'=HYPERLINK(1)"


def test_the_button_pressed_twice_makes_one_file(world):
    end(world, passed_on(world, "H-1"))
    client, url = client_for(world.dispatcher), reverse("reports:staff_deliver")
    first, second = (client.post(url, {"source": "12345", "_key": "k1"}) for _n in range(2))
    assert first["Location"] == second["Location"] and Delivery.objects.count() == 1
    assert client.post(url, {"source": "12345", "_key": "k2"}).status_code == 409
    page = client.get(reverse("reports:staff_transfers")).content.decode()
    batch = Delivery.objects.get()
    assert reverse("reports:staff_delivery", args=[batch.pk]) in page
    file = client.get(reverse("reports:staff_delivery", args=[batch.pk]))
    assert "attachment" in file["Content-Disposition"] and "H-1" in file.content.decode()


def test_the_list_begins_with_what_the_channel_wants_first_and_goes_on_by_key(world, monkeypatch):
    monkeypatch.setattr("weilianxin.desk.lists.PAGE", 2)
    for number, hours in (("H-1", None), ("H-2", 5), ("H-3", 2), ("H-4", None)):
        passed_on(world, number, source_due_at=hours and TEN + timedelta(hours=hours))
    client, url = client_for(world.dispatcher), reverse("reports:staff_transfers")
    first = client.get(url)
    assert [case.report.source_no for case in first.context["rows"]] == ["H-3", "H-2"]
    rest = client.get(url + f"?after={first.context['after']}")
    assert [case.report.source_no for case in rest.context["rows"]] == ["H-1", "H-4"] and not rest.context["after"]


def test_the_page_costs_the_same_for_one_and_for_many(world, django_assert_num_queries):
    client, url = client_for(world.dispatcher), reverse("reports:staff_transfers")
    for n in range(2):
        passed_on(world, f"A-{n}")
        end(world, passed_on(world, f"B-{n}"))
    client.get(url)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    few = cost()
    for n in range(8):
        passed_on(world, f"C-{n}")
        end(world, passed_on(world, f"D-{n}"))
    assert cost() == few
    batch = deliver(world)
    with django_assert_num_queries(2):
        deliveries.sheet(batch)


def test_the_deadline_of_the_channel_comes_with_the_import(world, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(
        "编号,内容,办理期限\nH-1,楼道口堆了纸箱过不去,2026-03-20 17:00\nH-2,楼道口又堆了纸箱,哪天\n", encoding="utf-8"
    )
    outcome = import_file(path, "12345", at=TEN)
    due = dict(Report.objects.values_list("source_no", "source_due_at"))
    assert due["H-1"] == at(17, day=TEN.date().replace(day=20)) and due["H-2"] is None
    assert outcome.imported == 2 and [column for _row, column, *_more in outcome.problems] == ["办理期限"]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_hand_back_at_once_one_takes_it_all(transactional_db):
    world = make_world()
    for n in range(3):
        end(world, passed_on(world, f"H-{n}"))
    won, lost = [], []
    gate = threading.Barrier(2)

    def run(by):
        gate.wait()
        try:
            won.append(deliver(world, by))
        except deliveries.NothingNew:
            lost.append(by)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(by,)) for by in (world.dispatcher, world.duty)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert (len(won), len(lost)) == (1, 1) and won[0].count == 3 and Delivery.objects.count() == 1
