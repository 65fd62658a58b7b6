"""How staff come in: password, their own password at first, a second factor; and how they go."""

import re
from datetime import timedelta

import pyotp
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from weilianxin.people import staff
from weilianxin.people.models import Account

pytestmark = pytest.mark.django_db(transaction=True)

OWN = "星星落在屋檐上2026"


def with_password(account, first=False):
    """Give `account` a password of its own, or (`first`) a printed one; return it."""
    if first:
        return staff.set_initial_password(account)
    account.set_password(OWN)
    account.last_login = timezone.now()
    account.save()
    return OWN


def sign_in(client, account, password, **more):
    form = {"username": account.username, "password": password, **more}
    return client.post(reverse("desk:signin"), form)


def test_name_and_password_lead_to_the_page_one_came_for(world):
    client, password = Client(), with_password(world.worker)
    there = reverse("desk:search") + "?q=lamp"
    asked = client.get(there)["Location"]
    assert there.split("?")[0] in client.get(asked).content.decode()
    assert sign_in(client, world.worker, password, next=there)["Location"] == there
    assert client.get(reverse("desk:home")).status_code == 200


@pytest.mark.parametrize("there", ["https://example.com/", "//example.com/x", "javascript:alert(1)"])
def test_one_is_never_sent_to_another_house(world, there):
    password = with_password(world.worker)
    assert sign_in(Client(), world.worker, password, next=there)["Location"] == reverse("desk:home")


def test_a_wrong_password_and_an_unknown_name_sound_the_same(world):
    with_password(world.worker)
    client = Client()
    wrong = sign_in(client, world.worker, "nonsense")
    unknown = client.post(reverse("desk:signin"), {"username": "nobody", "password": "nonsense"})
    sentence = re.compile(r'role="alert".*?<p>(.*?)</p>', re.S)
    assert wrong.status_code == unknown.status_code == 422
    said = [sentence.search(answer.content.decode())[1] for answer in (wrong, unknown)]
    assert said[0] == said[1]
    assert world.worker.username in wrong.content.decode()  # what was typed stays, but never the password
    assert "nonsense" not in wrong.content.decode()


def test_every_door_says_what_is_wrong_at_the_field_it_is_about(world):
    with_password(world.worker)
    client = Client()
    at_field = r'id="{0}-e">.*?<span>.+?</span></p>\s*<input[^>]*id="{0}"[^>]*aria-invalid="true"'

    def said(answer, field):
        return re.search(at_field.format(field), answer.content.decode(), re.S)

    assert said(sign_in(client, world.worker, "nonsense"), "password")
    sign_in(client, world.worker, OWN)
    change = reverse("desk:password")
    new = "a-new-word-of-mine"
    for field, form in (
        ("old", {"old": "nonsense", "new": new, "again": new}),
        ("new", {"old": OWN, "new": "123456", "again": "123456"}),
        ("again", {"old": OWN, "new": new, "again": new + "x"}),
    ):
        assert said(client.post(change, form), field), field
    assert said(client.post(reverse("desk:second_factor"), {"code": "000000"}), "code")


def test_the_printed_password_opens_nothing_but_the_choice_of_ones_own(world):
    client, printed = Client(), with_password(world.worker, first=True)
    assert sign_in(client, world.worker, printed)["Location"] == reverse("desk:password")
    assert client.get(reverse("desk:home")).status_code == 302
    assert client.get(reverse("desk:second_factor"))["Location"] == reverse("desk:signin")
    short = client.post(reverse("desk:password"), {"old": printed, "new": "kurz", "again": "kurz"})
    assert short.status_code == 422
    answer = client.post(reverse("desk:password"), {"old": printed, "new": OWN, "again": OWN})
    assert answer["Location"] == reverse("desk:home")
    assert client.get(reverse("desk:home")).status_code == 200
    assert sign_in(Client(), world.worker, printed).status_code == 422


def test_an_administrator_binds_a_second_factor_before_coming_in(world):
    account = world.admin
    Account.objects.filter(pk=account.pk).update(totp_secret="")
    account.refresh_from_db()
    client, password = Client(), with_password(account)
    url = reverse("desk:second_factor")
    assert sign_in(client, account, password)["Location"] == url
    shown = client.get(url).content.decode()
    secret = re.search(r'linkbox num">([A-Z2-7]{16,})<', shown)[1]
    assert "data:image/svg+xml" in shown
    soon = [pyotp.TOTP(secret).at(timezone.now() + timedelta(seconds=n)) for n in (-30, 0, 30)]
    wrong = next(code for code in ("000000", "111111", "222222", "333333") if code not in soon)
    assert client.post(url, {"code": wrong}).status_code == 422
    assert secret in client.get(url).content.decode()  # a mistake does not ask to scan again
    assert client.post(url, {"code": pyotp.TOTP(secret).now()}).status_code == 302
    assert client.get(reverse("desk:about")).status_code == 200


def test_a_second_factor_code_is_good_once(world):
    account = world.admin
    client, password = Client(), with_password(account)
    url = reverse("desk:second_factor")
    sign_in(client, account, password)
    assert client.get(reverse("desk:about")).status_code == 302
    code = pyotp.TOTP(account.totp_secret).now()
    assert client.post(url, {"code": code}).status_code == 302
    assert client.get(reverse("desk:about")).status_code == 200
    other = Client()
    sign_in(other, account, password)
    assert other.post(url, {"code": code}).status_code == 422
    assert other.get(reverse("desk:about")).status_code == 302


def test_the_password_alone_does_not_change_the_password_where_a_second_factor_is_asked(world):
    account = world.admin
    client, password = Client(), with_password(account)
    sign_in(client, account, password)
    change, new = reverse("desk:password"), OWN + "!"
    assert client.get(change)["Location"] == reverse("desk:second_factor")
    answer = client.post(change, {"old": password, "new": new, "again": new})
    assert answer["Location"] == reverse("desk:second_factor")
    account.refresh_from_db()
    assert account.check_password(password)
    client.post(reverse("desk:second_factor"), {"code": pyotp.TOTP(account.totp_secret).now()})
    assert client.post(change, {"old": password, "new": new, "again": new})["Location"].endswith("?changed=password")


def test_a_printed_password_is_changed_first_and_the_second_factor_asked_after_it(world):
    client, printed = Client(), with_password(world.admin, first=True)
    assert sign_in(client, world.admin, printed)["Location"] == reverse("desk:password")
    answer = client.post(reverse("desk:password"), {"old": printed, "new": OWN, "again": OWN})
    assert answer["Location"] == reverse("desk:second_factor")
    assert client.get(reverse("desk:home")).status_code == 302


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(world):
    password = with_password(world.worker)
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        sign_in(client, world.worker, password)
    new = OWN + "!"
    answer = here.post(reverse("desk:password"), {"old": password, "new": new, "again": new})
    assert answer.status_code == 302
    assert here.get(reverse("desk:about")).status_code == 200
    assert elsewhere.get(reverse("desk:about")).status_code == 302


def test_signing_out_is_a_post_and_ends_the_session(world):
    client, password = Client(), with_password(world.worker)
    sign_in(client, world.worker, password)
    assert client.get(reverse("desk:signout")).status_code == 405
    client.post(reverse("desk:signout"))
    assert client.get(reverse("desk:home")).status_code == 302


def test_a_resident_cannot_enter_by_the_staff_door(world):
    Account.objects.filter(pk=world.resident.pk).update(username="laodou")
    world.resident.refresh_from_db()
    assert sign_in(Client(), world.resident, with_password(world.resident)).status_code == 422
