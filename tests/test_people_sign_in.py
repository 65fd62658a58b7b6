"""Signing in: sessions that follow the account, codes that are good once, passwords and the second factor."""

import threading
from datetime import timedelta

import pyotp
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path
from django.utils import timezone

from weilianxin.lib.client import address_of
from weilianxin.people import codes, erasure, posts, session, staff, throttle
from weilianxin.people.errors import Refused, TooOften, WrongCode
from weilianxin.people.models import Account, Attempt, OneTimeCode, Role

PHONE = "13800000777"
PASSWORD = "eight bells at sea"
NOON = timezone.make_aware(timezone.datetime(2026, 3, 10, 12, 0))


def _seen(request):
    account = request.account.name if request.account else ""
    return HttpResponse(f"{account}|{request.elder}|{request.LANGUAGE_CODE}")


def _named(name):
    return include(([path("signin", _seen, name="signin"), path("factor", _seen, name="second_factor")], name))


urlpatterns = [
    path("seen", _seen),
    path("staff", session.staff_required(_seen)),
    path("home", session.resident_required(_seen)),
    path("admin", session.admin_required(_seen)),
    path("centre", session.roles_required(Role.CENTRE_DISPATCHER, Role.DUTY_LEADER)(_seen)),
    path("p/", _named("portal")),
    path("d/", _named("desk")),
]


@pytest.fixture
def middleware(settings):
    """Only what carries the session: these tests are about who is signed in, not about pages."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "weilianxin.people.session.AccountMiddleware",
    ]


def client_of(account, **state):
    """A client whose session holds `account`, signed in as the pages do it; `state` overrides what it remembers."""
    request = RequestFactory().get("/")
    request.session = SessionStore()
    session.sign_in(request, account, second_factor=state.pop("second", False))
    request.session[session.ACCOUNT] |= state
    request.session.save()
    client = Client()
    client.cookies["wlx"] = request.session.session_key
    return client


def text(client, url):
    return client.get(url).content.decode()


def with_password(account, password=PASSWORD):
    account.password, account.last_login = make_password(password), NOON
    account.save(update_fields=["password", "last_login"])
    return account


# Sessions


def test_nobody_is_signed_in_without_a_session_and_it_costs_no_query(db, middleware, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert text(Client(), "/seen").startswith("|False")


def test_the_account_is_known_at_the_cost_of_one_query_beside_the_session(world, middleware, django_assert_num_queries):
    client = client_of(world.resident)
    with django_assert_num_queries(2):
        assert text(client, "/seen").startswith("老斗|")


def test_a_removed_post_loses_its_rights_at_the_next_request(world, middleware):
    client = client_of(world.dispatcher)
    assert client.get("/centre").status_code == 200
    posts.end_post(world.dispatcher.posts.get(), timezone.now(), world.admin)
    assert client.get("/centre").status_code == 404
    assert client.get("/staff").status_code == 200


def test_a_shut_account_is_signed_out_at_the_next_request(world, middleware):
    client = client_of(world.dispatcher)
    posts.leave(world.dispatcher, timezone.now(), world.admin)
    assert text(client, "/seen").startswith("|")


def test_ending_all_sessions_ends_them_on_every_device(world, middleware):
    first, second = client_of(world.resident), client_of(world.resident)
    session.end_all_sessions(world.resident)
    assert text(first, "/seen").startswith("|")
    assert text(second, "/seen").startswith("|")
    assert text(client_of(world.resident), "/seen").startswith("老斗|")


def test_staff_sign_in_again_after_eight_idle_hours_and_residents_do_not(world, middleware):
    long_ago = int(timezone.now().timestamp()) - session.STAFF_IDLE - 5
    assert text(client_of(world.worker, seen=long_ago), "/seen").startswith("|")
    assert text(client_of(world.worker, seen=long_ago + 60), "/seen").startswith("角木|")
    assert text(client_of(world.resident, seen=long_ago), "/seen").startswith("老斗|")


def test_staff_sign_in_again_after_twelve_hours_however_busy(world, middleware):
    long_ago = int(timezone.now().timestamp()) - session.STAFF_LONGEST - 5
    assert text(client_of(world.worker, since=long_ago), "/seen").startswith("|")


def test_a_used_session_stays_fresh(world, middleware):
    client = client_of(world.worker, seen=int(timezone.now().timestamp()) - 3600)
    client.get("/seen")
    assert client.session[session.ACCOUNT]["seen"] > timezone.now().timestamp() - 60


def test_signing_in_changes_the_key_of_the_session_and_keeps_the_draft(world):
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.session["draft"] = "路灯不亮"
    request.session.save()
    before = request.session.session_key
    session.sign_in(request, world.resident)
    assert request.session.session_key != before
    assert request.session["draft"] == "路灯不亮"
    assert not Session.objects.filter(session_key=before).exists()


def test_another_person_on_the_same_browser_does_not_get_the_draft(world):
    request = RequestFactory().get("/")
    request.session = SessionStore()
    session.sign_in(request, world.resident)
    request.session["draft"] = "路灯不亮"
    session.sign_in(request, world.neighbour)
    assert "draft" not in request.session


def test_strangers_are_sent_to_the_right_sign_in_and_back(db, middleware):
    assert Client().get("/home?tab=1")["Location"] == "/p/signin?next=%2Fhome%3Ftab%3D1"
    assert Client().get("/staff")["Location"] == "/d/signin?next=%2Fstaff"
    assert Client().post("/staff")["Location"] == "/d/signin"


def test_residents_are_nobody_at_the_desk_and_staff_nobody_at_home(world, middleware):
    assert client_of(world.resident).get("/staff").status_code == 302
    assert client_of(world.worker).get("/home").status_code == 302


@pytest.mark.parametrize(
    "url", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_signing_in_leads_nowhere_else_than_to_our_own_pages(url):
    assert session.safe_next(RequestFactory().get("/", {"next": url}), "/mine") == "/mine"
    assert session.safe_next(RequestFactory().get("/", {"next": "/matters/?a=1"}), "/mine") == "/matters/?a=1"


def test_an_administrator_without_second_factor_has_no_admin_page(world, middleware):
    answer = client_of(world.admin).get("/admin")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/d/factor")
    assert client_of(world.admin, second=True).get("/admin").status_code == 200


def test_a_second_factor_does_not_make_an_administrator(world, middleware):
    assert client_of(world.worker, second=True).get("/admin").status_code == 404


def test_the_accounts_language_is_spoken_unless_the_browser_chose(world, middleware):
    Account.objects.filter(pk=world.resident.pk).update(language="en")
    client = client_of(world.resident)
    assert text(client, "/seen").endswith("|en")
    client.cookies["lang"] = "zh-hans"
    assert text(client, "/seen").endswith("|zh-hans")


def test_elder_mode_is_a_cookie(db, middleware):
    client = Client()
    client.cookies["elder"] = "1"
    assert "|True|" in text(client, "/seen")


def test_erasing_a_person_deletes_their_sessions_with_the_draft_in_them(world, middleware):
    mine, other = client_of(world.resident, draft="路灯不亮"), client_of(world.neighbour)
    erasure.erase(world.resident, NOON)
    assert text(mine, "/seen").startswith("|")
    assert text(other, "/seen").startswith("小箕|")
    assert Session.objects.count() == 1


# One-time codes


def test_a_code_is_good_once(db):
    code = codes.send_code(PHONE, "sign_in", at=NOON)
    codes.check_code(PHONE, "sign_in", code, at=NOON)
    with pytest.raises(WrongCode):
        codes.check_code(PHONE, "sign_in", code, at=NOON)


def test_a_code_ends_after_ten_minutes(db):
    code = codes.send_code(PHONE, "sign_in", at=NOON)
    with pytest.raises(WrongCode):
        codes.check_code(PHONE, "sign_in", code, at=NOON + timedelta(minutes=10))


def test_a_code_is_for_its_phone_purpose_and_subject_only(db):
    code = codes.send_code(PHONE, "handler", subject="task:1", at=NOON)
    for phone, purpose, subject in (
        (PHONE, "handler", "task:2"),
        (PHONE, "sign_in", "task:1"),
        ("13800000778", "handler", "task:1"),
    ):
        with pytest.raises(WrongCode):
            codes.check_code(phone, purpose, code, subject=subject, at=NOON)
    codes.check_code(PHONE, "handler", code, subject="task:1", at=NOON)


def test_a_new_code_kills_the_one_before(db):
    old = codes.send_code(PHONE, "sign_in", at=NOON)
    later = NOON + timedelta(minutes=2)
    new = codes.send_code(PHONE, "sign_in", at=later)
    if old != new:
        with pytest.raises(WrongCode):
            codes.check_code(PHONE, "sign_in", old, at=later)
    codes.check_code(PHONE, "sign_in", new, at=later)


def test_after_five_wrong_tries_the_right_code_is_dead(db):
    code = codes.send_code(PHONE, "sign_in", at=NOON)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _n in range(5):
        with pytest.raises(WrongCode):
            codes.check_code(PHONE, "sign_in", wrong, at=NOON)
    with pytest.raises(WrongCode):
        codes.check_code(PHONE, "sign_in", code, at=NOON)


@pytest.mark.parametrize("written", ["%s %s", "%s-%s", "　%s%s　"])
def test_a_code_may_be_typed_with_gaps(db, written):
    code = codes.send_code(PHONE, "sign_in", at=NOON)
    codes.check_code(PHONE, "sign_in", written % (code[:3], code[3:]), at=NOON)


def test_a_code_is_never_kept_in_the_clear(db):
    code = codes.send_code(PHONE, "sign_in", at=NOON)
    digest, *kept = OneTimeCode.objects.values_list("digest", "subject", "purpose").get()
    assert len(digest) == 64 and code not in "|".join(kept)


def test_codes_are_throttled_per_phone(db):
    codes.send_code(PHONE, "sign_in", at=NOON)
    with pytest.raises(TooOften) as refusal:
        codes.send_code(PHONE, "new_phone", at=NOON + timedelta(seconds=59))
    assert refusal.value.status == 429
    for minute in (1, 2, 3, 4):
        codes.send_code(PHONE, "sign_in", at=NOON + timedelta(minutes=minute))
    with pytest.raises(TooOften):
        codes.send_code(PHONE, "sign_in", at=NOON + timedelta(minutes=5))
    for minute in (61, 62, 63, 64, 65):
        codes.send_code(PHONE, "sign_in", at=NOON + timedelta(minutes=minute))
    with pytest.raises(TooOften):
        codes.send_code(PHONE, "sign_in", at=NOON + timedelta(hours=5))
    codes.send_code(PHONE, "sign_in", at=NOON + timedelta(days=1, minutes=1))


def test_many_telephones_behind_one_address_get_their_codes_and_a_flood_does_not(db, settings):
    for n in range(40):
        codes.send_code(f"138000008{n:02d}", "sign_in", at=NOON, bucket="192.0.2.7")
    settings.CODES_HOUR = 41
    codes.send_code("13800000898", "sign_in", at=NOON, bucket="192.0.2.7")
    with pytest.raises(TooOften, match="从这里"):
        codes.send_code("13800000899", "sign_in", at=NOON, bucket="192.0.2.7")
    codes.send_code("13800000899", "sign_in", at=NOON, bucket="192.0.2.8")


def test_a_flood_of_codes_from_everywhere_stops_within_the_minute(db, settings):
    settings.CODES_MINUTE = 3
    for n in range(3):
        codes.send_code(f"138000008{n:02d}", "sign_in", at=NOON, bucket=f"192.0.2.{n}")
    with pytest.raises(TooOften):
        codes.send_code("13800000899", "sign_in", at=NOON, bucket="192.0.2.99")
    later = NOON + timedelta(seconds=60)
    codes.send_code("13800000899", "sign_in", at=later, bucket="192.0.2.99")  # the refused one did not count


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::2", True),
        ("2001:db8:1:1::1", "2001:db8:1:2::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
        ("192.0.2.7", "192.0.2.8", False),
    ],
)
def test_addresses_of_one_ipv6_line_count_as_one(settings, one, other, same):
    seen = [address_of(RequestFactory().get("/", REMOTE_ADDR=address)) for address in (one, other)]
    assert (seen[0] == seen[1]) is same
    settings.PROXIES = 1
    assert address_of(RequestFactory().get("/", headers={"X-Forwarded-For": one})) == seen[0]


def test_a_check_inside_somebody_elses_transaction_is_refused_as_its_tries_could_be_undone(db):
    codes.send_code(PHONE, "sign_in", at=NOON)
    with pytest.raises(RuntimeError), transaction.atomic():
        codes.check_code(PHONE, "sign_in", "000000", at=NOON)


def at_once(work, threads=8):
    """What `work(n)` returned or raised in each of so many threads that begin at the same moment."""
    barrier, answers = threading.Barrier(threads), [None] * threads

    def run(n):
        try:
            barrier.wait()
            answers[n] = work(n)
        except Exception as problem:
            answers[n] = problem
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return answers


def both_kinds(answers, good):
    """How many answers were `good`; every other one must be a refusal and not a failure."""
    others = [a for a in answers if a != good]
    assert all(isinstance(a, Refused) or a is False for a in others), others
    return len(answers) - len(others)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_bring_the_same_code_one_gets_in():
    for round_ in range(5):
        at = NOON + timedelta(hours=round_)
        code = codes.send_code(PHONE, "sign_in", at=at)
        answers = at_once(lambda n, at=at, code=code: codes.check_code(PHONE, "sign_in", code, at=at))
        assert both_kinds(answers, None) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_wrong_guesses_at_once_are_no_more_than_five_tries():
    codes.send_code(PHONE, "sign_in", at=NOON)
    at_once(lambda n: codes.check_code(PHONE, "sign_in", "abc", at=NOON))
    assert OneTimeCode.objects.get().tries == codes.TRIES


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_ask_for_a_code_at_once_one_gets_it():
    answers = at_once(lambda n: len(codes.send_code(PHONE, "sign_in", at=NOON)))
    assert both_kinds(answers, 6) == 1
    assert OneTimeCode.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_limit_holds_under_threads():
    answers = at_once(lambda n: throttle.allow("test", "one", limit=3, seconds=60, at=NOON))
    assert both_kinds(answers, True) == 3
    assert Attempt.objects.count() == 3


def test_buckets_do_not_say_whose_they_are_and_are_swept(db):
    throttle.allow("code", PHONE, limit=1, seconds=60, at=NOON)
    assert PHONE not in Attempt.objects.get().bucket
    assert throttle.cleanup(NOON + timedelta(hours=23)) == 0
    assert throttle.cleanup(NOON + timedelta(hours=25)) == 1
    codes.send_code(PHONE, "sign_in", at=NOON)
    assert codes.cleanup(NOON + timedelta(hours=24)) == 0
    assert codes.cleanup(NOON + timedelta(hours=25)) == 1


# Staff


def test_staff_get_in_with_name_and_password(world):
    account = with_password(world.worker)
    assert staff.authenticate(account.username, PASSWORD, at=NOON) == account
    assert staff.next_step(account) == ""


def test_neither_name_nor_password_nor_a_shut_account_is_told_apart(world):
    with_password(world.worker)
    with_password(world.backup)
    Account.objects.filter(pk=world.backup.pk).update(is_active=False)
    sentences = set()
    for name, password in (("nobody", PASSWORD), (world.worker.username, "wrong"), (world.backup.username, PASSWORD)):
        with pytest.raises(WrongCode) as refusal:
            staff.authenticate(name, password, at=NOON)
        sentences.add(str(refusal.value))
    assert len(sentences) == 1


def test_an_unknown_name_costs_as_much_work_as_a_wrong_password(world, monkeypatch):
    with_password(world.worker)
    checked = []
    real = staff.check_password
    monkeypatch.setattr(staff, "check_password", lambda p, hashed: checked.append(hashed) or real(p, hashed))
    for name in ("nobody", world.worker.username):
        with pytest.raises(WrongCode):
            staff.authenticate(name, "wrong", at=NOON)
    assert len(checked) == 2
    assert all(hashed.startswith("argon2") for hashed in checked)
    assert checked[0].split("$")[3] == checked[1].split("$")[3]  # the same cost


@pytest.fixture
def quick(settings):
    """Passwords that are cheap to check, where many are."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    staff._nobody.cache_clear()
    yield
    staff._nobody.cache_clear()


def test_guessing_a_password_is_stopped_per_name(world):
    account = with_password(world.worker)
    for _n in range(10):
        with pytest.raises(WrongCode):
            staff.authenticate(account.username, "wrong", at=NOON)
    with pytest.raises(TooOften):
        staff.authenticate(account.username, PASSWORD, at=NOON)
    assert staff.authenticate(account.username, PASSWORD, at=NOON + timedelta(minutes=16)) == account


def test_wrong_tries_from_one_address_keep_nobody_out_who_comes_from_another(world, quick):
    account = with_password(world.worker)
    for n in range(120):
        with pytest.raises(WrongCode if n < 10 else TooOften):
            staff.authenticate(account.username, "wrong", address="192.0.2.7", at=NOON)
    assert staff.authenticate(account.username, PASSWORD, address="198.51.100.1", at=NOON) == account


def test_guessing_a_password_from_many_addresses_is_stopped(world, quick):
    account = with_password(world.worker)
    for n in range(100):
        with pytest.raises(WrongCode):
            staff.authenticate(account.username, "wrong", address=f"192.0.2.{n // 10}", at=NOON)
    with pytest.raises(TooOften):
        staff.authenticate(account.username, PASSWORD, address="198.51.100.1", at=NOON)


def test_a_whole_office_comes_in_through_one_address_and_failures_there_stay_counted(world, quick):
    account, office = with_password(world.worker), "192.0.2.7"
    for n in range(29):
        with pytest.raises(WrongCode):
            staff.authenticate(f"nobody{n}", "x", address=office, at=NOON)
    for n in range(40):
        assert staff.authenticate(account.username, PASSWORD, address=office, at=NOON + timedelta(seconds=n)) == account
    with pytest.raises(WrongCode):
        staff.authenticate("nobody30", "x", address=office, at=NOON)
    with pytest.raises(TooOften):
        staff.authenticate("nobody31", "x", address=office, at=NOON)


def test_guessing_names_is_stopped_per_address(world):
    for n in range(30):
        with pytest.raises(WrongCode):
            staff.authenticate(f"nobody{n}", "x", address="192.0.2.7", at=NOON)
    with pytest.raises(TooOften):
        staff.authenticate("nobody99", "x", address="192.0.2.7", at=NOON)


def test_the_printed_password_must_be_changed_before_anything_else(world):
    password = staff.set_initial_password(world.worker)
    account = staff.authenticate(world.worker.username, password, at=NOON)
    assert staff.next_step(account) == staff.PASSWORD
    request = RequestFactory().get("/")
    request.session = SessionStore()
    assert staff.enter(request, account) == staff.PASSWORD
    assert request.account is None and request.pending_account == account
    staff.change_password(account, password, PASSWORD, PASSWORD, at=NOON)
    assert staff.enter(request, account) == ""
    assert request.account == account


def test_what_is_held_back_is_nobody_yet(world, middleware):
    request = RequestFactory().get("/")
    request.session = SessionStore()
    session.hold(request, world.admin)
    request.session.save()
    client = Client()
    client.cookies["wlx"] = request.session.session_key
    assert text(client, "/seen").startswith("|")
    assert client.get("/admin")["Location"].startswith("/d/signin")


def test_a_bad_new_password_is_refused_with_its_reason(world):
    account = with_password(world.worker)
    for new, again in (
        ("short", "short"),
        ("password123", "password123"),
        (PASSWORD, PASSWORD),
        ("another long one", "x"),
    ):
        with pytest.raises(Refused):
            staff.change_password(account, PASSWORD, new, again, at=NOON)
    with pytest.raises(WrongCode):
        staff.change_password(account, "wrong", "another long one", "another long one", at=NOON)


def test_a_changed_password_ends_the_other_sessions(world, middleware):
    account = with_password(world.worker)
    other = client_of(account)
    staff.change_password(account, PASSWORD, "another long one", "another long one", at=NOON)
    assert text(other, "/seen").startswith("|")


def test_a_second_factor_is_asked_of_administrators_and_may_be_set_by_others(world):
    with_password(world.worker)
    admin = with_password(world.admin)
    assert staff.next_step(admin) == staff.SECOND_FACTOR
    Account.objects.filter(pk=admin.pk).update(totp_secret="")
    admin.refresh_from_db()
    assert staff.next_step(admin) == staff.ENROL
    secret = staff.new_secret()
    with pytest.raises(WrongCode):
        staff.enrol(world.worker, secret, "000000" if pyotp.TOTP(secret).at(NOON) != "000000" else "111111", at=NOON)
    staff.enrol(world.worker, secret, pyotp.TOTP(secret).at(NOON), at=NOON)
    assert staff.next_step(world.worker) == staff.SECOND_FACTOR
    assert staff.otpauth_qr(world.worker, secret).startswith(b"<?xml")


def test_a_second_factor_code_is_good_once(world):
    code = pyotp.TOTP(world.admin.totp_secret).at(NOON)
    staff.check_second_factor(world.admin, code, at=NOON)
    with pytest.raises(WrongCode):
        staff.check_second_factor(world.admin, code, at=NOON)
    later = NOON + timedelta(seconds=60)
    staff.check_second_factor(world.admin, pyotp.TOTP(world.admin.totp_secret).at(later), at=later)


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_bring_the_same_second_factor_one_gets_in(world):
    code = pyotp.TOTP(world.admin.totp_secret).at(NOON)
    answers = at_once(lambda n: staff.check_second_factor(world.admin, code, at=NOON))
    assert both_kinds(answers, None) == 1


def test_guessing_the_second_factor_is_stopped(world):
    right = pyotp.TOTP(world.admin.totp_secret).at(NOON)
    for _n in range(5):
        with pytest.raises(WrongCode):
            staff.check_second_factor(world.admin, "12", at=NOON)
    with pytest.raises(TooOften):
        staff.check_second_factor(world.admin, right, at=NOON)


def test_a_lost_second_factor_is_taken_away_by_another_administrator_only(world):
    with pytest.raises(Refused):
        staff.reset_second_factor(world.admin, by=world.admin, at=NOON)
    with pytest.raises(Refused):
        staff.reset_second_factor(world.admin, by=world.duty, at=NOON)
    posts.assign(world.verifier, Role.SYSTEM_ADMIN, world.subdistrict, NOON - timedelta(days=1), world.admin)
    staff.reset_second_factor(world.admin, by=world.verifier, at=NOON)
    world.admin.refresh_from_db()
    assert world.admin.totp_secret == "" and world.admin.epoch == 1
