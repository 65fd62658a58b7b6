"""Promises of the residents' frame: plates, sign-in, one's data, photos, switches, error pages."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.world import at
from weilianxin.areas.locate import locate
from weilianxin.cases.models import Case, CasePhoto
from weilianxin.files.models import Photo
from weilianxin.notify.models import Message, Outbox
from weilianxin.people import consent
from weilianxin.people.models import Absence, Account, Attempt, OneTimeCode
from weilianxin.people.plate import worker_plate
from weilianxin.programmes.reports import intake


@pytest.fixture
def report(world):
    def make(account=None, text="二楼声控灯不亮，已经三天了"):
        place = locate(place=world.bare_entrance)
        return intake.submit(account or world.bare_resident, text=text, location=place)

    return make


def text_of(response):
    return response.content.decode()


def away(account):
    now = timezone.now()
    Absence.objects.create(account=account, kind="sick", since=now - timedelta(hours=1), until=now + timedelta(days=1))


# Home and plates


def test_home_shows_my_own_grid_worker_and_not_my_room(world, signed_in):
    page = text_of(signed_in(world.bare_resident).get("/"))
    assert "氐土" in page and "参宿新村6幢2单元" in page.replace(" ", "")
    assert "301室" not in page


def test_home_says_who_stands_in(world, signed_in):
    away(world.bare_worker)
    page = text_of(signed_in(world.bare_resident).get("/"))
    assert "今日由房日代为服务" in page


def test_a_plate_says_whether_anybody_is_at_work_now(world):
    said = [worker_plate(world.bare_entrance, at(*moment))["duty_words"] for moment in ((10, 0), (19, 0))]
    assert said[0] == "今天在岗" and said[1].startswith("下班了") and said[1].endswith("8:30上班")


def test_nobody_of_the_demo_can_be_called(world, signed_in, settings):
    settings.CALLS = True
    page = text_of(signed_in(world.bare_resident).get("/"))
    assert set(re.findall(r"tel:(\d+)", page)) == {"110", "119", "120"}


def test_a_real_worker_can_be_called_where_calls_are_on(world, signed_in, settings):
    settings.CALLS = True
    Account.objects.filter(pk=world.bare_worker.pk).update(is_demo=False)
    client = signed_in(world.bare_resident)
    assert f"tel:{world.bare_worker.phone}" in text_of(client.get("/"))
    settings.CALLS = False
    assert f"tel:{world.bare_worker.phone}" not in text_of(client.get("/"))


def test_home_costs_the_same_with_one_matter_and_with_five(world, signed_in, report, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = signed_in(world.bare_resident)
    report()
    client.get("/")
    with CaptureQueriesContext(connection) as one:
        client.get("/")
    for n in range(4):
        report(text=f"楼道第{n}盏灯不亮")
    with CaptureQueriesContext(connection) as five:
        assert text_of(client.get("/")).count('class="card-m__t"') == 5
    assert len(five) == len(one)


def test_a_matter_on_home_says_who_by_when_and_how_it_stands(world, signed_in, report):
    report()
    page = text_of(signed_in(world.bare_resident).get("/"))
    order = [page.index(word) for word in ("谁在办", "几时好", "办得怎样")]
    assert order == sorted(order)
    assert "等氐土签收" in page


def test_a_plate_shows_its_worker_without_signing_in(world):
    response = Client().get(f"/p/{world.bare_plate.code}")
    assert response.status_code == 200
    assert "氐土" in text_of(response) and "毕奶奶" not in text_of(response)


# Signing in


def sign_in_with(client, phone, settings):
    settings.DEMO = True  # the code is shown on the page
    client.post("/signin/", {"act": "send", "phone": phone})
    code = re.search(r'class="code">(\d{6})<', text_of(client.get("/signin/")))[1]
    return client.post("/signin/", {"act": "enter", "code": code})


def test_a_known_resident_signs_in_with_the_code(world, settings):
    client = Client()
    response = sign_in_with(client, "138 0000 0003", settings)
    assert response.status_code == 302 and response.url == "/"
    assert "毕奶奶" in text_of(client.get("/me/"))


def test_nobody_is_made_before_they_agreed(world, settings):
    client = Client()
    sign_in_with(client, "13800000077", settings)
    assert not Account.objects.filter(phone="13800000077").exists()
    refused = client.post("/signin/", {"act": "agree"})
    assert refused.status_code == 422 and not Account.objects.filter(phone="13800000077").exists()
    client.post("/signin/", {"act": "agree", "agree": "1"})
    assert consent.has_consent(Account.objects.get(phone="13800000077"))


def test_consent_without_a_proven_code_is_refused(world):
    client = Client()
    client.post("/signin/", {"act": "send", "phone": "13800000077"})
    assert client.post("/signin/", {"act": "agree", "agree": "1"}).status_code == 422
    assert not Account.objects.filter(phone="13800000077").exists()


def test_a_wrong_code_is_said_and_opens_nothing(world):
    client = Client()
    client.post("/signin/", {"act": "send", "phone": "13800000003"})
    response = client.post("/signin/", {"act": "enter", "code": "12"})
    assert response.status_code == 422 and "验证码不对" in text_of(response)
    assert client.get("/me/").status_code == 302


def test_outside_a_demo_the_code_is_nowhere_on_the_page(world, settings):
    settings.DEMO = False
    client = Client()
    client.post("/signin/", {"act": "send", "phone": "13900001234"})
    sent = Outbox.objects.get()
    code = re.search(r"\d{6}", sent.body)[0]
    assert code not in text_of(client.get("/signin/"))
    assert OneTimeCode.objects.filter(phone="13900001234").exists()


def test_the_number_never_stands_in_an_address(world):
    client = Client()
    response = client.post("/signin/?next=/inbox/", {"act": "send", "phone": "13800000003", "next": "/inbox/"})
    assert "1380" not in response.url and response.url.endswith("next=%2Finbox%2F")


def test_signing_in_never_leads_to_another_host(world, settings):
    client = Client()
    settings.DEMO = True
    client.post("/signin/", {"act": "send", "phone": "13800000003"})
    code = re.search(r'class="code">(\d{6})<', text_of(client.get("/signin/")))[1]
    response = client.post("/signin/", {"act": "enter", "code": code, "next": "//evil.example/"})
    assert response.url == "/"


def test_codes_cannot_be_had_without_end(world):
    client = Client()
    first = client.post("/signin/", {"act": "send", "phone": "13800000003"})
    again = client.post("/signin/", {"act": "again"})
    assert first.status_code == 302 and again.status_code == 429


def test_behind_a_proxy_everybody_is_counted_for_themselves(world, settings):
    settings.PROXIES = 1
    Attempt.objects.all().delete()
    for n in range(12):
        forwarded = f"6.6.6.6, 10.0.0.{n}"
        answer = Client(headers={"x-forwarded-for": forwarded}).post(
            "/signin/", {"act": "send", "phone": f"1380000{5000 + n}"}
        )
        assert answer.status_code == 302


def test_signing_out_ends_it(world, signed_in):
    client = signed_in(world.bare_resident)
    client.post("/signout/")
    assert client.get("/me/").status_code == 302


# The demo's door


def test_without_a_demo_its_door_does_not_exist(world, settings):
    settings.DEMO = False
    assert Client().post("/demo/signin/", {"ref": world.bare_resident.ref}).status_code == 404


def test_the_demo_signs_in_only_its_own_people(world, settings):
    settings.DEMO = True
    Account.objects.filter(pk=world.worker.pk).update(is_demo=False)
    assert Client().post("/demo/signin/", {"ref": world.worker.ref}).status_code == 404
    client = Client()
    assert client.post("/demo/signin/", {"ref": world.bare_resident.ref}).url == "/"
    assert "毕奶奶" in text_of(client.get("/me/"))


def test_the_demo_opens_the_task_of_an_outside_unit(world, settings, report):
    from weilianxin.cases.models import Task

    settings.DEMO = True
    case = report()
    task = Task.objects.create(case=case, unit=world.contractor, issued_at=timezone.now())
    client = Client()
    assert "望星小修队" in text_of(client.get("/"))
    link = client.post("/demo/signin/", {"ref": "unit"}).url
    assert link.startswith("/h/") and client.get(link).status_code == 200
    Task.objects.filter(pk=task.pk).update(state=Task.CANCELLED)
    assert client.post("/demo/signin/", {"ref": "unit"}).status_code == 404


# Binding


def test_a_scanned_plate_binds_me_to_its_grid_worker(world, signed_in):
    newcomer = Account.objects.create(kind=Account.RESIDENT, phone="13800000088", is_demo=True)
    consent.give(newcomer, consent.SERVICE, timezone.now())
    client = signed_in(newcomer)
    assert "参宿新村" in text_of(client.get(f"/bind/?plate={world.bare_plate.code}"))
    answer = client.post("/bind/", {"place": world.bare_entrance.pk, "relation": "tenant", "done": "1"})
    assert answer.status_code == 302
    assert "氐土" in text_of(client.get("/"))


def test_a_room_of_another_entrance_is_not_taken(world, signed_in):
    client = signed_in(world.bare_resident)
    form = {"place": world.bare_entrance.pk, "room": world.room.pk, "relation": "living", "done": "1"}
    assert client.post("/bind/", form).status_code == 404


def test_what_was_typed_stands_again_after_a_place_was_not_found(world, signed_in):
    response = signed_in(world.bare_resident).post("/bind/", {"words": "火星路没有这个小区"})
    assert response.status_code == 422 and 'value="火星路没有这个小区"' in text_of(response)


# My data


def test_the_export_holds_everything_and_only_mine(world, signed_in):
    held = json.loads(signed_in(world.bare_resident).post("/me/export/").content)
    assert held["account"]["phone"] == "13800000003"
    assert "13800000001" not in json.dumps(held)


def test_my_page_shows_a_masked_number_and_a_masked_one_is_not_taken_back(world, signed_in):
    client = signed_in(world.bare_resident)
    assert "138****0003" in text_of(client.get("/me/")) and "13800000003" not in text_of(client.get("/me/"))
    answer = client.post("/me/correct/", {"act": "send", "phone": "138****0003"})
    assert answer.status_code == 422 and "星号" in text_of(answer)


def test_erasing_needs_a_tick_and_then_leaves_nothing(world, signed_in):
    client = signed_in(world.bare_resident)
    assert client.post("/me/erase/").status_code == 422
    assert client.post("/me/erase/", {"sure": "1"}).status_code == 200
    account = Account.objects.get(pk=world.bare_resident.pk)
    assert account.phone is None and account.name == "" and client.get("/me/").status_code == 302


def test_withdrawing_consent_signs_out_everywhere_at_once(world, signed_in):
    one, other = signed_in(world.bare_resident), signed_in(world.bare_resident)
    one.post("/me/consent/", {"act": "withdraw"})
    assert one.get("/me/").status_code == 302 and other.get("/me/").status_code == 302
    assert not consent.has_consent(world.bare_resident)


# Messages


def test_opening_the_messages_reads_them_and_a_page_has_an_end(world, signed_in):
    Message.objects.bulk_create(
        Message(key=str(n), account=world.bare_resident, act="x", title=f"第{n}条", body="…") for n in range(25)
    )
    client = signed_in(world.bare_resident)
    page = text_of(client.get("/inbox/"))
    assert page.count("<h2") == 20 and "第24条" in page and "第4条<" not in page
    assert Message.objects.filter(read_at__isnull=True).count() == 5
    older = re.search(r"\?before=\d+", page)[0]
    assert "第4条" in text_of(client.get(f"/inbox/{older}"))


# Photos


@pytest.fixture
def photo(world, monkeypatch):
    monkeypatch.setattr("weilianxin.files.serve.read", lambda photo, variant: b"\xff\xd8 a picture")
    return Photo.objects.create(owner=world.bare_resident, original_hash="0" * 64, width=4, height=3, size=9)


def test_a_photo_exists_only_for_those_who_may_see_it(world, signed_in, report, photo):
    case = Case.objects.get(pk=report().pk)
    CasePhoto.objects.create(case=case, photo=photo, stage="before", by_role="reporter")
    url = f"/files/{photo.ref}/thumb"
    assert signed_in(world.bare_resident).get(url).status_code == 200
    assert signed_in(world.bare_worker).get(url).status_code == 200
    for stranger in (signed_in(world.stranger), signed_in(world.stranger_worker), Client()):
        assert stranger.get(url).status_code == 404
        assert stranger.get("/files/ffffffffffffffffffffffff/thumb").status_code == 404


def test_a_photo_confirmed_for_the_public_is_public(world, report, photo):
    case = report()
    CasePhoto.objects.create(case=case, photo=photo, stage="before", by_role="reporter", public=True)
    assert Client().get(f"/files/{photo.ref}/thumb").status_code == 404  # of a matter that is still open
    Case.objects.filter(pk=case.pk).update(state="closed", phase="done")
    assert Client().get(f"/files/{photo.ref}/thumb").status_code == 200


# Switches and errors


def test_large_type_is_one_tap_both_ways(world):
    client = Client()
    client.post("/elder/", {"elder": "1", "next": "/emergency/"})
    assert 'class="elder"' in text_of(client.get("/emergency/"))
    client.post("/elder/", {"elder": "0"})
    assert 'class="elder"' not in text_of(client.get("/emergency/"))


def test_the_language_is_kept_and_goes_with_the_account(world, signed_in):
    client = signed_in(world.bare_resident)
    client.post("/language/", {"language": "en"})
    assert '<html lang="en"' in text_of(client.get("/"))
    assert Account.objects.get(pk=world.bare_resident.pk).language == "en"
    assert client.post("/language/", {"language": "xx", "next": "//evil.example"}).url == "/"


def test_a_language_chosen_before_signing_in_is_the_one_messages_come_in(world, settings):
    client = Client()
    client.post("/language/", {"language": "en"})
    sign_in_with(client, world.bare_resident.phone, settings)
    assert Account.objects.get(pk=world.bare_resident.pk).language == "en"


def test_a_missing_page_says_whose_fault_it_is_not(world):
    response = Client().get("/no/such/page")
    assert response.status_code == 404 and "不是您的错" in text_of(response)


@pytest.mark.django_db(databases=[])
def test_the_page_of_a_crash_asks_no_database(rf):
    from weilianxin.portal.errors import csrf_failure, server_error

    assert server_error(rf.get("/")).status_code == 500
    assert csrf_failure(rf.post("/")).status_code == 403


def test_a_form_without_its_token_is_refused_with_a_sentence(world):
    response = Client(enforce_csrf_checks=True).post("/signin/", {"act": "send", "phone": "13800000003"})
    assert response.status_code == 403 and "再送一次" in text_of(response)
