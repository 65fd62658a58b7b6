"""Who calls the API: signing in by phone, password and WeChat; tokens, how they end, and what never counts."""

from datetime import timedelta
from http.cookies import SimpleCookie

import pyotp
import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from fakes.wechat import phone, serve
from fakes.wechat.platform import APPID, SECRET
from tests.support.api import BASE, Caller, error_of
from tests.support.visitors import TEXT, cookie_of, report
from weilianxin.api import tickets
from weilianxin.cases.errors import Invalid
from weilianxin.cases.models import Case
from weilianxin.people import consent, erasure, posts, session, staff, tokens
from weilianxin.people.models import Account, Consent, Token

pytestmark = pytest.mark.django_db


def test_somebody_new_signs_in_with_a_code_binds_a_home_and_has_a_grid_worker(world, settings):
    settings.DEMO = True
    guest = Caller()
    assert guest.get("/home").json()["account"] is None
    plate = guest.get(f"/plates/{world.plate.code}").json()
    assert (plate["state"], plate["worker"]["name"], plate["parts"]) == ("ok", "角木", [])
    version = guest.get("/consent").json()["version"]
    code = guest.post("/session/sms", {"phone": "13800000077"}).json()["demo_code"]
    said = {"phone": "138 0000 0077", "code": code}
    assert error_of(guest.post("/session/sms/confirm", said)) == (422, "invalid", "consent")
    assert not Account.objects.filter(phone="13800000077").exists()
    signed = guest.post("/session/sms/confirm", {**said, "consent": version}).json()
    assert signed["account"]["masked_phone"] == "138****0077"
    assert Consent.objects.get(account__phone="13800000077").channel == "mini_program"

    me = Caller(token=signed["token"])
    rooms = me.get(f"/places/{world.entrance.pk}").json()["parts"]
    assert {room["name"] for room in rooms} == {world.room.full_name, world.neighbour_room.full_name}
    bound = me.post("/dwellings", {"place": world.entrance.pk, "room": rooms[0]["id"]})
    assert bound.status_code == 201 and bound.json()["worker"]["name"] == "角木"
    home = me.get("/home").json()
    assert home["dwelling"]["name"] == world.entrance.full_name, "never the room"
    assert home["worker"]["grid"] == "第一网格" and home["worker"]["can_call"] is False
    assert me.delete(f"/dwellings/{rooms[0]['id']}").status_code == 204
    assert me.get("/me").json()["dwellings"] == []
    assert me.delete("/session").status_code == 204
    assert error_of(me.get("/me")) == (401, "unauthorised", None)


def test_a_token_ends_with_its_time_its_account_and_its_sessions(world):
    now = timezone.now()
    me = Caller(world.resident)
    row = Token.objects.get(account=world.resident)
    assert me.token not in row.digest and len(row.digest) == 64, "only its keyed hash is kept"
    assert row.expires_at - row.created_at == timedelta(days=30)
    Token.objects.filter(pk=row.pk).update(seen_at=now - timedelta(hours=2), expires_at=now + timedelta(minutes=5))
    assert me.get("/me").status_code == 200
    row.refresh_from_db()
    assert row.expires_at > now + timedelta(days=29), "a resident's begins anew with every use"
    worker = Caller(world.worker)
    held = Token.objects.get(account=world.worker)
    assert held.expires_at - held.created_at == timedelta(hours=12)
    Token.objects.filter(pk=held.pk).update(seen_at=now - timedelta(hours=2))
    assert worker.get("/me").status_code == 200
    held.refresh_from_db()
    assert held.expires_at - held.created_at == timedelta(hours=12), "that of staff does not"

    Token.objects.filter(pk=held.pk).update(expires_at=now)
    assert error_of(worker.get("/home")) == (401, "unauthorised", None), "a bad token is told also where none is needed"
    ended = Caller(world.neighbour)
    session.end_all_sessions(world.neighbour)
    assert error_of(ended.get("/me"))[0] == 401
    erased = Caller(world.stranger)
    erasure.erase(world.stranger, now)
    assert error_of(erased.get("/me"))[0] == 401
    assert not Token.objects.filter(account=world.stranger).exists()
    for nonsense in ("", "x" * 43, "Bearer", "x" * 2000, "é" * 20):
        answer = me.client.get(BASE + "/me", headers={"Authorization": f"Bearer {nonsense}"})
        assert error_of(answer)[0] == 401
    assert tokens.cleanup(now + timedelta(days=2)) == 1, "the worker's"


def test_no_cookie_is_ever_accepted(world):
    guest = Caller()
    for account in (world.resident, world.worker):
        guest.client.cookies = SimpleCookie(cookie_of(account))
        for address in ("/me", "/matters", "/desk/list", "/inbox"):
            assert error_of(guest.get(address))[0] == 401
        assert guest.get("/home").json()["account"] is None
        assert error_of(guest.post("/reports", {"text": TEXT, "category": "XQ201", "place": {"how": "home"}}))[0] == 401
    assert not Case.objects.exists()


def test_a_removed_post_reaches_nothing_at_the_next_call(world):
    case, worker = report(world.resident, world.entrance), Caller(world.worker)
    assert worker.get(f"/desk/cases/{case.number}").status_code == 200
    now = timezone.now()
    world.worker.posts.update(until=now)
    assert error_of(worker.get(f"/desk/cases/{case.number}"))[0] == 404
    assert worker.get("/desk/list").json()["items"] == []
    assert error_of(worker.post(f"/desk/cases/{case.number}/acts/accept"))[0] == 404
    posts.leave(world.worker, now, world.admin)
    assert error_of(worker.get("/desk/list"))[0] == 401


@pytest.fixture(scope="module")
def running():
    running = serve()
    yield running
    running.stop()


@pytest.fixture
def wx(running, settings, tmp_path):
    """The platform of fakes/wechat, forgetful, with somebody in WeChat."""
    platform = running.platform
    platform.reset()
    platform.add_user("star", phone="13800000088")
    settings.DATA_DIR, settings.WECHAT_BASE = tmp_path, running.url
    settings.WECHAT_APPID, settings.WECHAT_SECRET = APPID, SECRET
    return platform


def test_whoever_wechat_names_signs_in_with_one_tap_from_the_second_time_on(world, wx):
    guest = Caller()
    openid = wx.user("star").openid(APPID)

    def come(kind="resident"):
        return guest.post("/session", {"code": phone.log_in(wx, "star", APPID), "as": kind})

    first = come()
    assert first.json()["state"] == "phone_needed" and openid not in first.content.decode()
    said = {"ticket": first.json()["ticket"], "phone_code": phone.give_phone(wx, "star", APPID)}
    assert error_of(guest.post("/session/phone", said)) == (422, "invalid", "consent")
    version = guest.get("/consent").json()["version"]
    signed = guest.post("/session/phone", {**said, "consent": version})
    assert signed.status_code == 200, signed.content
    assert signed.json()["account"]["masked_phone"] == "138****0088"
    account = Account.objects.get(phone="13800000088")
    assert come().json()["state"] == "signed_in"
    assert error_of(guest.post("/session/phone", {**said, "consent": version})) == (422, "invalid", "phone_code"), (
        "once"
    )
    consent.withdraw(account, consent.SERVICE, timezone.now())
    assert come().json()["state"] == "phone_needed", "nobody is signed in without their consent"
    consent.give(account, consent.SERVICE, timezone.now())
    erasure.erase(account, timezone.now())
    assert come().json()["state"] == "phone_needed", "who was erased is nobody"


def test_a_ticket_ties_a_phone_or_a_password_to_wechat_and_a_reset_lets_go_of_it(world, wx, settings):
    settings.DEMO = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    guest, kinds = Caller(), ("resident", "staff")

    def come(kind):
        return guest.post("/session", {"code": phone.log_in(wx, "star", APPID), "as": kind}).json()

    mine, work = (come(kind)["ticket"] for kind in kinds)
    version = guest.get("/consent").json()["version"]
    code = guest.post("/session/sms", {"phone": world.resident.phone}).json()["demo_code"]
    said = {"phone": world.resident.phone, "code": code, "consent": version}
    assert error_of(guest.post("/session/sms/confirm", {**said, "ticket": work})) == (422, "invalid", "ticket")
    assert error_of(guest.post("/session/sms/confirm", {**said, "ticket": mine[:-2]})) == (422, "invalid", "ticket")
    assert guest.post("/session/sms/confirm", {**said, "ticket": mine}).status_code == 200
    Account.objects.filter(pk=world.worker.pk).update(password=make_password("grid work"), last_login=timezone.now())
    entered = {"username": world.worker.username, "password": "grid work"}
    assert guest.post("/session/staff", {**entered, "ticket": work}).status_code == 200
    names = [come(kind)["account"]["name"] for kind in kinds]
    assert names == ["老斗", "角木"], "one WeChat may be a resident and a worker"
    staff.reset_password(world.worker, by=world.admin, at=timezone.now())
    assert come("staff")["state"] == "phone_needed" and come("resident")["state"] == "signed_in"
    with pytest.raises(Invalid):
        tickets.read(mine, "resident", timezone.now() + timedelta(minutes=11))


def test_when_wechat_fails_one_is_told_and_can_sign_in_by_phone(world, wx, settings):
    guest = Caller()
    used = phone.log_in(wx, "star", APPID)
    assert guest.post("/session", {"code": used, "as": "resident"}).status_code == 200
    assert error_of(guest.post("/session", {"code": used, "as": "resident"})) == (422, "invalid", "code")
    for broken in ({"WECHAT_SECRET": "wrong"}, {"WECHAT_BASE": "http://127.0.0.1:9"}, {"WECHAT_APPID": ""}):
        for name, value in broken.items():
            setattr(settings, name, value)
        answer = guest.post("/session", {"code": phone.log_in(wx, "star", APPID), "as": "resident"})
        assert error_of(answer) == (409, "refused", None), broken
    assert guest.post("/session/sms", {"phone": "13800000088"}).json()["sent"]


def test_staff_sign_in_with_their_second_factor_and_never_with_a_printed_password(world, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    said = {"username": world.admin.username, "password": "correct horse"}
    Account.objects.filter(pk=world.admin.pk).update(password=make_password("correct horse"))
    guest = Caller()
    assert error_of(guest.post("/session/staff", said))[:2] == (409, "refused")
    Account.objects.filter(pk=world.admin.pk).update(last_login=timezone.now())
    assert error_of(guest.post("/session/staff", said)) == (422, "invalid", "second_factor")
    code = pyotp.TOTP(world.admin.totp_secret).now()
    signed = guest.post("/session/staff", {**said, "second_factor": code})
    assert signed.status_code == 200 and signed.json()["account"]["posts"][0]["role"] == "system_admin"
    assert error_of(guest.post("/session/staff", {**said, "second_factor": code}))[0] == 422, "good once"
