"""What staff write down for callers and visitors: the same matter, the same protection, and the person finds it."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Event
from weilianxin.desk.charts import per_day
from weilianxin.files.store import store
from weilianxin.insights import rates
from weilianxin.journal.models import Opening
from weilianxin.notify.models import Message, Outbox
from weilianxin.people import consent, erasure, residents, tokens
from weilianxin.people.models import Account
from weilianxin.programmes.reports import filing_pages, intake, taking
from weilianxin.programmes.reports.models import Category, Parameter, Report

from .support.visitors import jpeg, picture
from .support.world import at, client_for, make_world, photo

pytestmark = pytest.mark.django_db

TEN = at(10)
PHONE = "13700001234"
LAMP = "二楼到三楼的声控灯不亮，老人晚上上楼看不见。"
PAGE = "reports:staff_report"


@pytest.fixture
def world(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_world()


def take(world, by=None, **more):
    facts = {"channel": "phone", "text": LAMP, "location": locate(place=world.entrance), "phone": PHONE, "name": "觜火"}
    facts |= {"agreed": True, "category": Category.objects.get(code="XQ201"), "at": TEN}
    return taking.take_down(by or world.dispatcher, **(facts | more))


def said(world, **more):
    facts = {"channel": "phone", "text": LAMP, "place": world.entrance.full_name, "category": "XQ201", "do": "send"}
    return facts | {"phone": PHONE, "name": "觜火", "agreed": "1", "_key": "k1"} | more


def send(world, who=None, **more):
    return client_for(who or world.dispatcher).post(reverse(PAGE), said(world, **more))


def number_in(response):
    return re.search(r"done=([0-9-]+)", response["Location"])[1]


def test_a_caller_is_kept_as_an_account_that_nobody_has_come_in_with(world):
    case = take(world, receipt=True)
    caller = case.reporter
    assert (caller.phone, caller.name, caller.kind) == (PHONE, "觜火", "resident")
    assert consent.has_consent(caller, consent.CONTACT) and not consent.has_consent(caller)
    assert Report.objects.get(case=case).consent_version == "contact v1"
    first = case.events.get(seq=1)
    assert (first.actor, first.role, first.data["channel"]) == (world.dispatcher, "staff", "phone")
    assert Outbox.objects.filter(address=PHONE, act="taken_down").count() == 1
    assert case.number in Outbox.objects.get(address=PHONE, act="taken_down").body


def test_whoever_shows_the_phone_later_finds_the_matter_and_agrees_first(world):
    case = take(world)
    mine = residents.resident_for(PHONE, TEN)
    assert list(Case.objects.visible_to(mine)) == [case]
    page = client_for(mine).get(reverse("reports:matter", args=[case.number]))
    assert "危月替您登记了这件事（打电话来）" in page.content.decode()
    assert not consent.has_consent(mine)  # the sign-in page asks for it before it lets anybody in


def test_a_resident_who_calls_keeps_name_and_account(world):
    case = take(world, phone=world.resident.phone, name="别人说的名字")
    assert case.reporter == world.resident
    assert Account.objects.get(pk=world.resident.pk).name == "老斗"


def test_the_phone_of_the_caller_shows_masked_and_only_as_anonymity_allows(world):
    case = take(world, anonymity="N2")
    url = reverse("desk:case", args=[case.number])
    centre, worker = (client_for(who).get(url).content.decode() for who in (world.dispatcher, world.worker))
    assert "137****1234" in centre and PHONE not in centre
    assert "137****1234" not in worker and PHONE not in worker
    assert "替人登记（打电话来）" in centre


def test_nobody_is_kept_without_a_yes_and_without_a_phone_nobody_is_kept(world):
    before = Account.objects.count()
    refused = send(world, agreed="")
    assert refused.status_code == 422 and "对方同意了再勾上" in refused.content.decode()
    assert LAMP in refused.content.decode() and PHONE in refused.content.decode()  # nothing typed is lost
    nameless = send(world, phone="", name="", agreed="")
    case = Case.objects.get(number=number_in(nameless))
    assert case.reporter is None and Account.objects.count() == before
    assert "没有留电话" in client_for(world.dispatcher).get(nameless["Location"]).content.decode()
    assert send(world, phone="", name="觜火", near=case.number[-4:], _key="k2").status_code == 422


def test_erasing_the_caller_takes_name_number_words_and_photos(world):
    case = take(world, receipt=True, photos=[photo(world.dispatcher)])
    caller, words = case.reporter, case.events.get(seq=1).note
    assert words == LAMP and Opening.objects.filter(person=caller.ref).exists()
    erasure.erase(caller, TEN)
    caller.refresh_from_db()
    case.refresh_from_db()
    assert (caller.phone, caller.name, case.reporter) == (None, "", None)
    assert LAMP not in f"{case.title}{case.report.text}{case.events.get(seq=1).note}"
    assert case.photos.get().photo.erased_at and not Opening.objects.filter(person=caller.ref).exists()
    assert not Outbox.objects.filter(address=PHONE).exists() and not Message.objects.filter(account=caller).exists()
    assert not caller.consents.exists()


def test_sent_twice_it_is_one_matter_and_the_same_number(world):
    first, second = send(world), send(world)
    assert first["Location"] == second["Location"] and Case.objects.count() == 1


def test_the_number_is_read_out_only_to_who_wrote_it_down(world):
    url = send(world)["Location"]
    number = Case.objects.get().number
    page = client_for(world.dispatcher).get(url).content.decode()
    assert number in page
    assert number not in client_for(world.worker).get(url).content.decode()


def test_integrity_stops_the_form_and_keeps_nothing(world):
    words = "社区有人收好处费，把工程给了亲戚。"
    page = send(world, text=words)
    assert page.status_code == 422 and "12388" in page.content.decode() and words in page.content.decode()
    assert not Case.objects.exists() and not Account.objects.filter(phone=PHONE).exists()
    assert send(world, text=words, not_integrity="1").status_code == 302


def test_dangers_the_place_and_what_is_near_are_said_while_one_types_and_nothing_is_kept(world):
    case = take(world, phone="13700009999", at=timezone.now())
    client, url = client_for(world.worker), reverse("reports:staff_report_look")
    shown = client.post(url, said(world, text="楼道着火了，灯不亮", phone=world.resident.phone)).content.decode()
    assert "119" in shown and world.entrance.full_name in shown and "角木" in shown
    assert "老*" in shown and "老斗" not in shown and world.resident.phone not in shown
    assert case.number[-4:] in shown and Case.objects.count() == 1


def test_a_matter_nearby_is_shown_before_anything_is_written_and_can_be_joined(world):
    case = take(world, phone="13700009999", at=timezone.now())
    asked = send(world)
    assert "先看看是不是同一件" in asked.content.decode() and Case.objects.count() == 1
    joined = Case.objects.get(number=number_in(send(world, join=case.number[-4:])))
    case.refresh_from_db()
    assert (joined.parent, case.headcount, joined.reporter.phone) == (case, 2, PHONE)
    other = send(world, near=case.number[-4:], phone="13700008888", _key="k2")
    assert Case.objects.get(number=number_in(other)).parent is None


def test_a_second_colleague_hears_that_the_same_person_has_told_it(world):
    case = take(world, by=world.worker)
    with pytest.raises(taking.ToldBefore) as refused:
        take(world)
    assert case.number in str(refused.value)
    assert take(world, shown=[case.number]).pk != case.pk


def test_a_colleague_is_not_told_of_what_the_same_person_keeps_to_the_centre(world):
    take(world, anonymity="N2")
    assert take(world, by=world.worker).pk  # nothing is said of the first


def test_photos_survive_a_refused_form(world):
    client = client_for(world.dispatcher)
    page = client.post(reverse(PAGE), said(world, agreed="", photos=jpeg())).content.decode()
    ref = re.search(r'name="kept" value="([0-9a-f]{24})"', page)[1]
    sent = client.post(reverse(PAGE), said(world, kept=ref))
    assert Case.objects.get(number=number_in(sent)).photos.get().photo.owner.phone == PHONE


def test_a_complaint_about_the_worker_who_writes_it_down_leaves_their_sight(world):
    case = take(world, by=world.worker, kind="投诉", about="worker")
    assert not Case.objects.visible_to(world.worker).filter(pk=case.pk).exists()
    page = client_for(world.worker).get(reverse(PAGE) + f"?done={case.number}").content.decode()
    assert case.number in page and reverse("desk:case", args=[case.number]) not in page


def test_who_says_whom_it_is_about_complains_and_what_does_not_fit_is_asked_again(world):
    sent = send(world, about="worker", kind="")
    case = Case.objects.get(number=number_in(sent))
    assert (case.sight, case.about_account, case.report.kind) == ("community", world.worker, "投诉")
    refused = send(
        world, about="worker", kind="建议", _key="k2", text="网格员应该多来看看，楼道太暗了。", phone="13700005678"
    )
    assert refused.status_code == 422 and "多来看看" in refused.content.decode()
    assert send(world, about="", kind="投诉", _key="k3", phone="13700005678").status_code == 422
    assert Case.objects.count() == 1


def test_whom_nobody_talks_to_there_is_no_such_page(world):
    for who in (world.verifier, world.admin, world.auditor):
        assert client_for(who).get(reverse(PAGE)).status_code == 404
        assert send(world, who).status_code == 404
    assert not Case.objects.exists()


def test_the_page_costs_the_same_however_much_is_near(world, django_assert_max_num_queries):
    client = client_for(world.dispatcher)
    for n in range(6):
        take(world, phone=f"1370000{n:04d}", at=timezone.now())
    client.get(reverse(PAGE))
    with django_assert_max_num_queries(45):
        client.post(reverse(PAGE), said(world, do="look"))


# Found on the round


def do(case, name, who, **data):
    return perform(case, name, actor_on(case, who, TEN), at=TEN, **data)


def find(world, by=None, **more):
    facts = {"category": Category.objects.get(code="XQ101"), "location": locate(place=world.entrance), "at": TEN}
    facts |= {"before": [photo(world.worker)], "after": [photo(world.worker)], "fixed": True}
    return taking.found(by or world.worker, **(facts | more))


def test_what_was_put_right_on_the_spot_is_opened_and_closed_by_the_worker_in_one_step(world):
    case = find(world, text="楼道口的纸箱已经清走")
    assert (case.state, case.outcome, case.channel, case.closer) == ("closed", "solved", "patrol", world.worker)
    assert case.reporter is None and [e.act for e in case.events.all()] == ["submit", "accept", "close_seen"]
    assert sorted(use.stage for use in case.photos.all()) == ["after", "before"]
    assert not Message.objects.filter(account=world.worker).exists()


def test_it_is_drawn_for_a_check_like_whatever_is_closed_alone(world):
    Parameter.objects.filter(key="sample_percent").update(value="100")
    assert find(world).samples.count() == 1


def test_it_counts_apart_from_what_residents_report(world):
    case = find(world)
    month = rates.total(rates.figures(world.secretary, [world.community], rates.month_of("", TEN + timedelta(hours=1))))
    assert (month["ended"], month["solved"], month["patrol"]) == (0, 0, 1)
    assert not any(came or solved for _day, came, solved in per_day(Case.objects.all(), TEN))
    with pytest.raises(intake.Refused, match="大家的事"):
        do(case, "publish", world.secretary, public_title="纸箱清走了", public_text="楼道口的纸箱清走了。")


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"category": "01002"}, "不能当场办结"),  # urgent by its category
        ({"text": "纸箱着火了，已经扑灭"}, "不能当场办结"),  # urgent by its words
        ({"category": "XQ999"}, "哪一类"),
        ({"before": ()}, "处理前"),
        ({"after": ()}, "处理后"),
        ({"grid": "other"}, "不在您的网格"),
    ],
)
def test_what_may_not_be_closed_on_the_spot_leaves_nothing_behind(world, wrong, said):
    more = dict(wrong)
    if "category" in more:
        more["category"] = Category.objects.get(code=more["category"])
    if more.pop("grid", None):
        more["location"] = locate(place=world.other_entrance)
    with pytest.raises(intake.Refused, match=said):
        find(world, **more)
    assert not Case.objects.exists() and not Event.objects.exists()


def test_what_is_not_solved_is_the_workers_own_matter_with_its_clock(world):
    case = find(world, fixed=False, category=Category.objects.get(code="01002"))
    assert (case.state, case.holder, case.urgency) == ("accepted", world.worker, "U1")
    assert case.due_at and case.accepted_at == TEN


def patrol(world, who=None, **more):
    facts = {"where": "address", "address": world.entrance.full_name, "category": "XQ101", "fixed": "1", "_key": "p1"}
    facts |= {"before": jpeg("red"), "after": jpeg("green")}
    return client_for(who or world.worker).post(reverse("reports:staff_patrol"), facts | more)


def test_the_page_of_the_round_closes_once_however_often_it_is_sent(world):
    first, second = patrol(world), patrol(world)
    assert first["Location"] == second["Location"] and Case.objects.get().state == "closed"
    assert Case.objects.get().number in client_for(world.worker).get(first["Location"]).content.decode()


def test_the_round_asks_how_it_is_now_and_a_photo_chosen_for_afterwards_is_not_lost(world):
    asked = patrol(world, fixed="")
    assert asked.status_code == 422 and "请选现在怎样" in asked.content.decode() and not Case.objects.exists()
    kept = dict(re.findall(r'name="(kept_\w+)" value="([0-9a-f]{24})"', asked.content.decode()))
    assert set(kept) == {"kept_before", "kept_after"}
    assert patrol(world, before="", after="", fixed="0", **kept).status_code == 302
    case = Case.objects.get()
    assert case.state == "accepted" and set(case.photos.values_list("stage", flat=True)) == {"before"}
    assert case.photos.count() == 2


def test_nine_photos_of_before_and_nine_of_afterwards_come_in_one_form(world):
    many = {"before": [jpeg("red") for _ in range(9)], "after": [jpeg("green") for _ in range(9)]}
    assert patrol(world, **many).status_code == 302
    assert Case.objects.get().photos.count() == 18


def test_whoever_looked_up_too_many_telephones_writes_a_call_down_all_the_same(world, monkeypatch):
    monkeypatch.setattr(filing_pages, "LOOKS", [(0, 3600)])
    client = client_for(world.worker)
    facts = {"channel": "phone", "phone": PHONE, "text": LAMP, "place": world.entrance.full_name, "_key": "many"}
    assert client.post(reverse("reports:staff_report_look"), facts).status_code == 200
    done = client.post(reverse("reports:staff_report"), facts | {"agreed": "1", "do": "send"})
    assert done.status_code == 302 and Case.objects.count() == 1


def test_a_matter_that_is_under_way_is_shown_before_it_is_found_again(world):
    case = take(world, at=timezone.now(), category=Category.objects.get(code="XQ101"))
    asked = patrol(world)
    assert "附近有同类的事正在办" in asked.content.decode() and Case.objects.count() == 1
    kept = re.findall(r'name="(kept_\w+)" value="([0-9a-f]{24})"', asked.content.decode())
    again = patrol(world, near=case.number[-4:], before="", after="", **dict(kept))
    assert again.status_code == 302 and Case.objects.count() == 2


def test_only_a_grid_worker_makes_the_round(world):
    for who in (world.leader, world.dispatcher, world.verifier):
        assert patrol(world, who).status_code == 404
    assert not Case.objects.exists()


def test_a_call_about_a_matter_is_kept_with_what_came_of_it_and_the_reporter_does_not_read_it(world):
    case = take(world)
    url = reverse("desk:act", args=[case.number, "call"])
    assert client_for(world.worker).post(url, {"note": "约好下午上门看"}).status_code == 422
    client_for(world.worker).post(url, {"note": "约好下午上门看", "reached": "yes"})
    assert case.events.get(act="call").data == {"reached": "yes"}
    page = client_for(world.worker).get(reverse("desk:case", args=[case.number])).content.decode()
    assert "通话（打通了）" in page and "约好下午上门看" in page
    mine = client_for(case.reporter).get(reverse("reports:matter", args=[case.number])).content.decode()
    assert "约好下午上门看" not in mine


# The same through the API


def call(world, path, body, who=None, key="round-0001"):
    token = tokens.issue(who or world.worker, "test", timezone.now())[0]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    return Client().post(f"/api/v1/desk/{path}", body, content_type="application/json", headers=headers)


def test_the_api_writes_down_once_and_says_what_was_told_before(world):
    body = {"channel": "window", "phone": PHONE, "agreed": True, "text": LAMP, "category": "XQ201"}
    body["place"] = {"how": "choose", "place": world.entrance.pk}
    first, again = call(world, "reports", body), call(world, "reports", body)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    number = first.json()["number"]
    other = call(world, "reports", body, who=world.dispatcher, key="round-0002")
    assert other.status_code == 409 and number in other.json()["error"]["message"]
    sure = call(world, "reports", body | {"shown": [number]}, who=world.dispatcher, key="round-0003")
    assert sure.status_code == 201 and Case.objects.count() == 2
    stop = call(world, "reports", body | {"text": "社区有人收好处费。"}, key="round-0004").json()
    assert stop["error"]["code"] == "integrity" and stop["ways"]
    assert call(world, "reports", body, who=world.verifier, key="round-0005").status_code == 403


def test_the_api_takes_the_round(world):
    refs = [store(picture(colour), world.worker, timezone.now()).ref for colour in ("red", "green")]
    body = {"category": "XQ101", "place": {"how": "choose", "place": world.entrance.pk}, "fixed": True}
    body |= {"photos": refs, "befores": 1}
    first, again = call(world, "found", body), call(world, "found", body)
    assert first.status_code == again.status_code == 201
    assert first.json()["number"] == again.json()["number"] and first.json()["state"] == "closed"
    assert call(world, "found", body, who=world.dispatcher, key="round-0002").status_code == 403
    assert Case.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_down_the_same_call_at_once_one_does(transactional_db):
    world = make_world()
    results, gate = [], threading.Barrier(2)

    def run(by):
        gate.wait(60)
        try:
            results.append(take(world, by=by))
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(by,)) for by in (world.dispatcher, world.worker)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert not any(thread.is_alive() for thread in threads), results
    won = [result for result in results if isinstance(result, Case)]
    lost = [result for result in results if isinstance(result, taking.ToldBefore)]
    assert (len(won), len(lost)) == (1, 1), results
    assert Case.objects.count() == 1 and Account.objects.filter(phone=PHONE).count() == 1
    assert Event.objects.filter(act="submit").count() == 1
    assert isinstance(lost[0], intake.Refused)
