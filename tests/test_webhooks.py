"""What partners' systems are told: signed, in order, again until it arrives, and never about a person."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Task
from weilianxin.channels import webhook
from weilianxin.channels.errors import Retry
from weilianxin.journal.models import Entry
from weilianxin.notify import webhooks
from weilianxin.notify.models import Delivery, Message, Partner
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category

from .support.visitors import said_in
from .support.world import at, client_for, photo

pytestmark = pytest.mark.django_db

NOW = timezone.now


class There(ThreadingHTTPServer):
    """A partner's system on this machine: keeps what it is sent and answers what it is told to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taker)
        self.got, self.answers, self.headers, self.drip = [], [], {}, ""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://localhost:{self.server_port}/hooks?from=wlx"


class Taker(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        if self.server.drip == "head":
            return self.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: " + b"x" * 900)
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()
        if self.server.drip == "body":
            return self.drip(b"x" * 900)
        self.wfile.write(b"thank   you\n" + b"x" * 5000)

    def drip(self, said):
        """A byte now and then, each soon enough for a limit that counts from byte to byte."""
        with contextlib.suppress(OSError):
            for byte in said[:60]:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)

    def log_message(self, *_more):
        pass


@pytest.fixture
def there(settings):
    settings.WEBHOOKS_AT_HOME = True
    server = There()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def partner(world, there):
    return Partner.objects.create(name="星影物业系统", url=there.url, unit=world.property)


def told(there):
    return [json.loads(body) for _path, _headers, body in there.got]


def reported(world, **more):
    facts = {"text": "二楼的灯不亮，找我打13800000001。", "location": locate(place=world.room), **more}
    category = Category.objects.get(code="XQ201", scheme="resident")
    case = intake.submit(world.resident, category=category, at=at(9), **facts)
    return perform(case, "accept", actor_on(case, world.worker), at=at(9, 5))


def handed(world, case=None):
    case = case or reported(world)
    return perform(case, "dispatch", actor_on(case, world.worker), at=at(9, 10), unit=world.property, note="请修")


def signed(world, case):
    task = Task.objects.select_related("unit").get(case=case)
    return perform(case, "sign", handler_on(task, "翼火"), at=at(9, 20))


def proven(secret, headers, body):
    """As a partner checks it, written from the published scheme and not from our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    mine = "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return mine in headers["webhook-signature"].split(" ")


# What is told


def test_a_unit_s_system_is_told_of_its_task_signed_and_in_order(world, there, partner):
    case = signed(world, handed(world))
    assert webhooks.deliver_due(at(9, 30)) == 2
    assert [said["type"] for said in told(there)] == ["case.dispatch", "case.sign"]
    path, headers, body = there.got[0]
    assert path == "/hooks?from=wlx" and proven(webhooks.written(webhooks.secret(partner)), headers, body)
    assert not proven(webhooks.written(webhooks.secret(partner)), headers, body + b" ")
    assert told(there)[1]["data"]["number"] == case.number and told(there)[1]["data"]["state"] == "working"
    row = Delivery.objects.order_by("id").first()
    assert (row.state, row.status, row.ref) == ("sent", 200, headers["webhook-id"])
    assert row.answer.startswith("thank you x") and len(row.answer) == 200
    assert webhooks.deliver_due(at(9, 31)) == 0


def test_the_published_vector_of_the_scheme_is_met():
    # The example of the Standard Webhooks specification.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = webhook.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_nothing_in_it_says_who_reported_what_they_said_or_which_room(world, there, partner):
    case = handed(world)
    task = Task.objects.select_related("unit").get(case=case)
    perform(case, "return_order", handler_on(task, "翼火"), at=at(9, 30), note="老斗家的灯", proposed="市政")
    webhooks.deliver_due(at(9, 40))
    said = b"".join(body for _path, _headers, body in there.got).decode()
    assert said_in(world.room.full_name, "301") and not said_in(said, "301")
    for word in (world.resident.name, world.resident.phone, "13800000001", "灯不亮", "老斗", "翼火", "角木"):
        assert word not in said, word


def test_another_unit_and_another_channel_hear_nothing(world, there, partner):
    Partner.objects.filter(pk=partner.pk).update(unit=world.municipal)
    handed(world)
    assert not Delivery.objects.exists()


def test_the_channel_that_handed_it_over_hears_how_it_ends(world, there, partner):
    Partner.objects.filter(pk=partner.pk).update(unit=None, source="hotline")
    category = Category.objects.get(code="XQ201", scheme="resident")
    case = intake.submit(
        None, text="灯不亮了，请派人看看。", location=locate(place=world.entrance), category=category, at=at(9),
        channel="hotline", source="hotline", source_no="H-77",
    )  # fmt: skip
    case = perform(case, "accept", actor_on(case, world.worker), at=at(9, 5))
    pictures = [(photo(), "before"), (photo(), "after")]
    perform(case, "close_seen", actor_on(case, world.worker), at=at(10), photos=pictures, outcome="solved", note="好了")
    webhooks.deliver_due(at(10, 5))
    last, facts = told(there)[-1], told(there)[-1]["data"]
    assert (last["type"], facts["source_number"], facts["outcome"]) == ("case.close_seen", "H-77", "solved")


def test_the_channel_of_what_joined_another_matter_hears_how_that_ended_and_nothing_of_it(world, there, partner):
    Partner.objects.filter(pk=partner.pk).update(unit=None, source="hotline")
    case = reported(world)
    category = Category.objects.get(code="XQ201", scheme="resident")
    joined = intake.submit(
        None, text="灯不亮了，请派人看看。", location=locate(place=world.entrance), category=category, at=at(9, 6),
        channel="hotline", source="hotline", source_no="H-78",
    )  # fmt: skip
    joined = perform(joined, "merge", actor_on(joined, world.worker), at=at(9, 8), parent=case)
    case = Case.objects.get(pk=case.pk)
    signed(world, handed(world, case))
    case = Case.objects.get(pk=case.pk)
    pictures = [(photo(), "before"), (photo(), "after")]
    perform(case, "close_seen", actor_on(case, world.worker), at=at(10), photos=pictures, outcome="solved", note="好了")
    webhooks.deliver_due(at(10, 5))
    assert [said["type"] for said in told(there)] == ["case.merge", "case.close_seen"]
    facts = told(there)[-1]["data"]
    assert (facts["number"], facts["source_number"]) == (joined.number, "H-78")
    assert (facts["state"], facts["phase"], facts["outcome"]) == ("closed", "done", "solved")
    said = there.got[-1][2].decode()
    assert case.number not in said and world.property.name_zh not in said


def test_a_secret_matter_is_told_to_no_system(world, there, partner):
    case = reported(world)
    case = perform(case, "seal", actor_on(case, world.leader), at=at(9, 6), note="涉及家暴")
    handed(world, case)
    assert not Delivery.objects.exists()


# When it does not arrive


def test_it_is_tried_again_later_and_what_comes_after_it_waits_behind(world, there, partner):
    there.answers = [500, 302]
    case = signed(world, handed(world))
    assert webhooks.deliver_due(at(9, 30)) == 0
    first, second = Delivery.objects.order_by("id")
    assert (first.state, first.attempts, first.status) == ("queued", 1, 500)
    assert second.attempts == 0
    wait = first.next_at - at(9, 30)
    assert timedelta(seconds=20) < wait < timedelta(seconds=40)
    assert webhooks.deliver_due(first.next_at) == 0  # a redirect is not followed
    assert len(there.got) == 2
    first.refresh_from_db()
    assert webhooks.deliver_due(first.next_at) == 2
    assert [said["type"] for said in told(there)[2:]] == ["case.dispatch", "case.sign"]
    assert len({headers["webhook-id"] for _p, headers, _b in there.got[:3]}) == 1
    # Another matter did not wait for this one.
    other = handed(world, reported(world, text="三楼的灯也不亮了。"))
    Delivery.objects.filter(subject=case.stream).update(state="queued", next_at=at(23))
    assert webhooks.deliver_due(at(9, 50)) == 1
    assert told(there)[-1]["data"]["number"] == other.number


def test_after_ten_tries_it_is_given_up_and_can_be_sent_again_by_hand(world, there, partner):
    there.answers = [503] * 10
    handed(world)
    row, moment = Delivery.objects.get(), at(9, 30)
    for _n in range(10):
        webhooks.deliver_due(moment)
        row.refresh_from_db()
        moment = max(moment, row.next_at)
    assert (row.state, row.attempts) == ("dead", 10) and moment - at(9, 30) < timedelta(days=2)
    assert webhooks.deliver_due(moment + timedelta(days=1)) == 0
    webhooks.again(row, moment)
    assert webhooks.deliver_due(moment) == 1


def test_nobody_there_is_no_answer_and_no_harm(world, there, partner):
    there.shutdown()
    there.server_close()
    handed(world)
    assert webhooks.deliver_due(at(9, 30)) == 0
    assert Delivery.objects.get().answer == "unreachable"


def test_who_does_not_answer_for_three_days_is_switched_off_and_the_administrator_told(world, there, partner):
    there.answers = [500] * 9
    handed(world)
    for hours in range(0, 81, 10):
        partner.refresh_from_db()
        assert partner.active
        Delivery.objects.update(next_at=at(9, 30))
        webhooks.deliver_due(at(9, 30) + timedelta(hours=hours))
    partner.refresh_from_db()
    assert not partner.active
    assert Message.objects.filter(account=world.admin, act="partner_off").exists()
    assert webhooks.deliver_due(at(9) + timedelta(days=9)) == 0


def test_one_failure_after_days_in_which_nothing_was_sent_switches_nobody_off(world, there, partner):
    there.answers = [500] * 2
    handed(world)
    webhooks.deliver_due(at(9, 30))
    Delivery.objects.update(next_at=at(9) + timedelta(days=4))
    webhooks.deliver_due(at(9) + timedelta(days=4))
    partner.refresh_from_db()
    assert partner.active and partner.failing_since >= at(9) + timedelta(days=4)


def test_one_good_answer_and_all_is_well_again(world, there, partner):
    there.answers = [500]
    handed(world)
    webhooks.deliver_due(at(9, 30))
    partner.refresh_from_db()
    assert partner.failing_since
    webhooks.deliver_due(at(10))
    partner.refresh_from_db()
    assert partner.failing_since is None and partner.active


@pytest.mark.django_db(transaction=True)
def test_two_loops_send_each_once_and_keep_the_order_of_a_matter(world, there, partner):
    for n in range(6):
        signed(world, handed(world, reported(world, text=f"第{n}盏灯不亮了，请来看。")))

    def loop():
        try:
            for _turn in range(12):
                webhooks.deliver_due(at(10))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=loop) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [headers["webhook-id"] for _path, headers, _body in there.got]
    assert len(ids) == len(set(ids)) == 12 == Delivery.objects.filter(state="sent").count()
    for case in Case.objects.all():
        kinds = [said["type"] for said in told(there) if said["data"]["number"] == case.number]
        assert kinds == ["case.dispatch", "case.sign"]


def test_what_a_loop_held_when_it_was_killed_is_sent_by_the_next_under_the_same_number(world, there, partner):
    handed(world)
    row = webhooks.claim(at(9, 30))  # and then nothing more is heard of that loop
    assert webhooks.deliver_due(at(9, 34)) == 0
    assert webhooks.deliver_due(at(9, 36)) == 1
    assert [headers["webhook-id"] for _path, headers, _body in there.got] == [row.ref]


def test_who_fails_is_left_alone_until_the_next_look_and_the_others_are_told(world, there, partner):
    other = Partner.objects.create(name="另一个系统", url=there.url.replace("hooks", "other"), unit=world.property)
    there.answers = [500]
    for n in range(3):
        handed(world, reported(world, text=f"第{n}盏灯不亮了，请来看。"))
    assert webhooks.deliver_due(at(9, 30)) == 3
    assert [path for path, _headers, _body in there.got] == ["/hooks?from=wlx"] + ["/other?from=wlx"] * 3
    assert not other.deliveries.exclude(state="sent").exists()
    assert webhooks.deliver_due(at(9, 30)) == 2


def test_a_look_begins_nothing_more_when_its_time_is_over(world, there, partner, monkeypatch):
    for n in range(3):
        handed(world, reported(world, text=f"第{n}盏灯不亮了，请来看。"))
    monkeypatch.setattr(webhooks, "LOOK", 1)
    monkeypatch.setattr(webhook, "post", lambda *a: time.sleep(1.1) or (200, ""))
    assert webhooks.deliver_due(at(9, 30)) == 1
    assert Delivery.objects.filter(state="queued", attempts=0).count() == 2


def test_who_sends_a_byte_now_and_then_holds_nobody_up(there, monkeypatch):
    monkeypatch.setattr(webhook, "IN_ALL", 2)
    begin = time.monotonic()
    there.drip = "head"
    with pytest.raises(Retry) as refusal:
        webhook.post(there.url, "id", "1", b"{}", [b"k"])
    assert refusal.value.code == "timeout"
    there.drip = "body"  # the status has come, and that is what was asked for
    assert webhook.post(there.url, "id", "1", b"{}", [b"k"])[0] == 200
    assert time.monotonic() - begin < 10


def test_a_name_server_that_says_nothing_holds_nobody_up(monkeypatch, settings):
    monkeypatch.setattr(webhook, "LOOKUP", 0.2)
    monkeypatch.setattr(webhook.socket, "getaddrinfo", lambda *a, **k: time.sleep(3))
    begin = time.monotonic()
    with pytest.raises(Retry) as refusal:
        webhook.post("https://partner.example/", "id", "1", b"{}", [b"k"])
    assert refusal.value.code == "unknown-host" and time.monotonic() - begin < 2


# Where it goes


HOME = ["127.0.0.1", "localhost", "10.1.2.3", "192.168.1.9", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0.0.0.0"]
WRONG = ["http://partner.example/", "ftp://x/", "https://", "https://a:b@x/", "https://x:99999/", "javascript:1"]


@pytest.mark.parametrize("host", HOME)
def test_nothing_is_sent_into_the_house_s_own_net(host, settings):
    settings.WEBHOOKS_AT_HOME = False
    with pytest.raises(Retry) as refusal:
        webhook.post(f"https://{host}/x", "id", "1", b"{}", [b"k"])
    assert refusal.value.code in ("private-address", "unknown-host")


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch, settings):
    settings.WEBHOOKS_AT_HOME = False
    rows = [(2, 1, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(webhook.socket, "getaddrinfo", lambda *a, **k: rows)
    with pytest.raises(Retry) as refusal:
        webhook.public_address("partner.example", 443)
    assert refusal.value.code == "private-address"
    monkeypatch.setattr(webhook.socket, "getaddrinfo", lambda *a, **k: rows[:1])
    assert webhook.public_address("partner.example", 443) == "93.184.216.34"


@pytest.mark.parametrize(
    "ip",
    ["64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "::10.0.0.1", "::ffff:0:10.0.0.1", "fec0::1", "ff0e::1"],
)
def test_an_address_in_which_a_private_one_can_be_hidden_is_refused(ip, monkeypatch, settings):
    settings.WEBHOOKS_AT_HOME = False
    rows = [(10, 1, 6, "", (ip, 443, 0, 0))]
    monkeypatch.setattr(webhook.socket, "getaddrinfo", lambda *a, **k: rows)
    with pytest.raises(Retry) as refusal:
        webhook.public_address("partner.example", 443)
    assert refusal.value.code == "private-address"
    rows[:] = [(10, 1, 6, "", ("2606:2800:220:1::1", 443, 0, 0))]
    assert webhook.public_address("partner.example", 443) == "2606:2800:220:1::1"


@pytest.mark.parametrize("url", WRONG)
def test_an_address_is_https_and_names_no_user(url, settings):
    settings.WEBHOOKS_AT_HOME = False
    assert not webhook.proper(url)
    assert webhook.proper("https://partner.example:8443/hooks?a=1")


# The administrator's page


def test_a_partner_is_registered_tried_and_gets_another_secret(world, there):
    client = client_for(world.admin)
    form = {"name": "物业系统", "url": there.url, "unit": world.property.ref, "source": ""}
    answer = client.post(reverse("desk:admin_partner_add"), form | {"_key": "p1"}, follow=True)
    partner = Partner.objects.get()
    first = webhooks.written(webhooks.secret(partner))
    assert first in answer.content.decode()
    here = reverse("desk:admin_partner", args=[partner.ref])
    assert first not in client.get(here).content.decode()
    client.post(reverse("desk:admin_partner_act", args=[partner.ref, "test"]), {"_key": "p2"})
    client.post(reverse("desk:admin_partner_act", args=[partner.ref, "test"]), {"_key": "p2"})
    assert Delivery.objects.count() == 1 and webhooks.deliver_due() == 1
    answer = client.post(reverse("desk:admin_partner_act", args=[partner.ref, "rotate"]), {"_key": "p3"}, follow=True)
    partner.refresh_from_db()
    second = webhooks.written(webhooks.secret(partner))
    assert second in answer.content.decode() and second != first
    # For two days both secrets fit, then only the new one.
    row = Delivery.objects.get()
    for moment, both in ((NOW(), True), (NOW() + timedelta(days=3), False)):
        webhooks.again(row, moment)
        webhooks.deliver_due(moment)
        _path, headers, body = there.got[-1]
        assert proven(second, headers, body) and proven(first, headers, body) == both
    answer = client.post(reverse("desk:admin_partner_act", args=[partner.ref, "again"]), {"delivery": row.ref})
    assert answer.status_code == 302 and Delivery.objects.get().state == "queued"
    actions = set(Entry.objects.values_list("action", flat=True))
    assert {"partner_added", "partner_tested", "partner_rotated", "partner_again"} <= actions


def test_what_cannot_be_is_refused_at_its_field(world, settings):
    client, url = client_for(world.admin), reverse("desk:admin_partner_add")
    good = {"name": "物业系统", "url": "https://partner.example/", "unit": world.property.ref, "source": ""}
    for wrong in ({"url": "http://partner.example/"}, {"unit": ""}, {"source": "hotline"}, {"name": ""}):
        assert client.post(url, good | wrong).status_code == 422, wrong
    assert not Partner.objects.exists()


def test_what_has_ended_is_forgotten_after_a_month(world, there, partner):
    handed(world)
    webhooks.deliver_due(at(9, 30))
    webhooks.forget_old(at(9) + timedelta(days=29))
    assert Delivery.objects.count() == 1
    webhooks.forget_old(at(10) + timedelta(days=30))
    assert not Delivery.objects.exists()
