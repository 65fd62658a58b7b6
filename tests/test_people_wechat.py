"""Who a person of WeChat is here: an openid is one account of a kind, an account has one openid, and none leaks."""

import json
from datetime import UTC, timedelta

import pytest
from django.contrib.auth.hashers import make_password

from tests.support.world import at
from tests.test_people_sign_in import at_once
from weilianxin.journal.models import Entry
from weilianxin.people import mydata, posts, staff, wechat
from weilianxin.people.errors import WrongCode
from weilianxin.people.models import Account, WechatIdentity

NOW, APP, OPENID = at(10), "wx0000000000000001", "oDOU-star_1"
RESIDENT, STAFF = Account.RESIDENT, Account.STAFF


def test_nobody_stands_behind_an_openid_that_was_never_tied(world):
    assert wechat.account_of(APP, OPENID, RESIDENT) is None
    assert wechat.account_of("", "", RESIDENT) is None and wechat.openid_of(world.resident, APP) == ""
    assert wechat.openids_of([world.resident], "") == {}


def test_a_tied_openid_is_one_resident_and_one_member_of_staff_in_this_app_only(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    wechat.tie(world.worker, APP, OPENID, at=NOW)
    assert wechat.account_of(APP, OPENID, RESIDENT) == world.resident
    assert wechat.account_of(APP, OPENID, STAFF) == world.worker
    assert wechat.account_of("wx-other", OPENID, RESIDENT) is None
    assert wechat.openids_of([world.resident, world.worker, world.neighbour], APP) == {
        world.resident.pk: OPENID,
        world.worker.pk: OPENID,
    }


def test_another_wechat_of_the_same_person_takes_the_place_of_the_old_one(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    wechat.tie(world.resident, APP, "o-new-phone", at=NOW + timedelta(days=1))
    assert wechat.account_of(APP, OPENID, RESIDENT) is None
    assert wechat.openid_of(world.resident, APP) == "o-new-phone"


def test_a_wechat_that_somebody_else_takes_is_theirs_alone(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    wechat.tie(world.neighbour, APP, OPENID, at=NOW)
    assert wechat.account_of(APP, OPENID, RESIDENT) == world.neighbour
    assert wechat.openid_of(world.resident, APP) == ""


def test_a_tie_is_ended_once(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    assert wechat.untie(world.resident, APP, at=NOW) is True
    assert wechat.untie(world.resident, APP, at=NOW) is False
    assert wechat.account_of(APP, OPENID, RESIDENT) is None


def test_the_journal_knows_of_ties_and_of_no_openid(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    wechat.tie(world.resident, APP, OPENID, at=NOW)  # changes nothing
    wechat.tie(world.neighbour, APP, OPENID, at=NOW)
    wechat.untie(world.neighbour, APP, at=NOW)
    entries = list(Entry.objects.filter(action__startswith="wechat").order_by("id"))
    me, other = world.resident.ref, world.neighbour.ref
    assert [(e.action, json.loads(e.payload)["account"]) for e in entries] == [
        ("wechat_tied", me),
        ("wechat_tied", other),
        ("wechat_untied", me),
        ("wechat_untied", other),
    ]
    assert not any(OPENID in e.payload + e.actor for e in entries)


def test_staff_who_left_are_nobody(world):
    wechat.tie(world.auditor, APP, OPENID, at=NOW)
    posts.leave(world.auditor, NOW, world.admin)
    assert wechat.account_of(APP, OPENID, STAFF) is None and wechat.openid_of(world.auditor, APP) == ""


def test_a_password_that_staff_change_themselves_lets_go_of_wechat_until_they_tie_it_again(world):
    world.worker.password = make_password("eight bells at sea")
    world.worker.save(update_fields=["password"])
    wechat.tie(world.worker, APP, OPENID, at=NOW)
    new = "another long one"
    with pytest.raises(WrongCode):
        staff.change_password(world.worker, "wrong", new, new, at=NOW)
    assert wechat.account_of(APP, OPENID, STAFF) == world.worker
    staff.change_password(world.worker, "eight bells at sea", new, new, at=NOW)
    assert wechat.account_of(APP, OPENID, STAFF) is None
    wechat.tie(world.worker, APP, OPENID, at=NOW)
    assert wechat.account_of(APP, OPENID, STAFF) == world.worker


def test_a_changed_number_lets_go_of_the_wechat_of_the_old_telephone(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    phone, code = mydata.ask_new_phone(world.resident, "13700000555", at=NOW)
    mydata.change_phone(world.resident, phone, code, at=NOW)
    assert wechat.account_of(APP, OPENID, RESIDENT) is None


def test_a_person_reads_it_in_their_export_and_it_goes_with_the_account(world):
    wechat.tie(world.resident, APP, OPENID, at=NOW)
    held = mydata.what_we_hold(world.resident)["wechat"]
    assert held == [{"appid": APP, "openid": OPENID, "since": NOW.astimezone(UTC).isoformat()}]
    mydata.erase_me(world.resident, at=NOW)
    assert not WechatIdentity.objects.exists()


def test_an_empty_openid_is_a_mistake_that_shows_at_once(world):
    with pytest.raises(ValueError, match="nobody"):
        wechat.tie(world.resident, APP, "", at=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_take_the_same_wechat_at_once_the_last_one_has_it():
    accounts = [Account.objects.create(phone=f"139123400{n:02d}") for n in range(8)]
    assert at_once(lambda n: wechat.tie(accounts[n], APP, OPENID, at=NOW)) == [None] * 8
    assert WechatIdentity.objects.count() == 1
