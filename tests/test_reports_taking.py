"""What staff write down for callers and visitors: the same matter, the same protection, and the person finds it."""

import re
import threading

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.models import Case, Event
from weilianxin.journal.models import Opening
from weilianxin.notify.models import Message, Outbox
from weilianxin.people import consent, erasure, residents
from weilianxin.people.models import Account
from weilianxin.programmes.reports import intake, taking
from weilianxin.programmes.reports.models import Category, Report

from .support.visitors import jpeg
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
    case = take(world, by=world.worker, kind="投诉", about="staff")
    assert not Case.objects.visible_to(world.worker).filter(pk=case.pk).exists()
    page = client_for(world.worker).get(reverse(PAGE) + f"?done={case.number}").content.decode()
    assert case.number in page and reverse("desk:case", args=[case.number]) not in page


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


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_down_the_same_call_at_once_one_does(transactional_db):
    world = make_world()
    results, gate = [], threading.Barrier(2)

    def run(by):
        gate.wait()
        try:
            results.append(take(world, by=by))
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(by,)) for by in (world.dispatcher, world.worker)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    won = [result for result in results if isinstance(result, Case)]
    lost = [result for result in results if isinstance(result, taking.ToldBefore)]
    assert (len(won), len(lost)) == (1, 1), results
    assert Case.objects.count() == 1 and Account.objects.filter(phone=PHONE).count() == 1
    assert Event.objects.filter(act="submit").count() == 1
    assert isinstance(lost[0], intake.Refused)
