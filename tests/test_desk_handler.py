"""Outside units behind a link and a code: one task, masked words, no resident's identity."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import CasePhoto, Event, Task
from weilianxin.desk.handler import proven
from weilianxin.files.intake import receive
from weilianxin.notify.models import Outbox
from weilianxin.people.models import Attempt, OneTimeCode, Unit
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category

from .test_desk import jpeg

pytestmark = pytest.mark.django_db

TEXT = "二楼声控灯不亮，打我电话13800000001，我身份证330102199003070000，车牌浙A12345也被挡了。"


def sent_to(world, unit, text=TEXT):
    """A task of `unit`, with the path of its link."""
    case = intake.submit(
        world.resident,
        text=text,
        location=locate(place=world.entrance),
        category=Category.objects.get(code="XQ201", scheme="resident"),
        photos=receive([jpeg()]),
    )
    perform(case, "accept", actor_on(case, world.worker))
    links = []
    perform(
        case,
        "dispatch",
        actor_on(case, world.worker),
        unit=unit,
        note="找老王，电话13900001111，换两层的灯",
        links=links,
    )
    (row, path), *_ = links
    row.path = path
    row.token = path.strip("/").split("/")[-1]
    return row


@pytest.fixture
def task(world):
    return sent_to(world, world.property)


def code_of(task):
    """The code as the (held) message to the unit says it."""
    row = Outbox.objects.filter(act="handler_code", address=task.unit.phone).order_by("-id").first()
    return re.search(r"\d{6}", row.body)[0]


def enter(client, task, named="翼火"):
    url = reverse("handler:code", args=[task.token])
    client.post(url, {"step": "send"})
    answer = client.post(url, {"step": "check", "code": code_of(task), "named": named}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def act(task, name):
    return reverse("handler:act", args=[task.token, name])


def test_the_link_alone_shows_a_masked_phone_and_nothing_of_the_matter(world, task):
    shown = Client().get(task.path).content.decode()
    assert "138****0901" in shown and world.property.phone not in shown
    assert "声控灯" not in shown and world.entrance.full_name not in shown


def test_the_page_of_the_task_names_no_resident_and_masks_what_was_written(world, task):
    shown = enter(Client(), task)
    assert "声控灯不亮" in shown and "翼火" in shown
    for secret in ("13800000001", "13900001111", "330102199003070000", "浙A12345", world.resident.name):
        assert secret not in shown
    assert "老斗" not in shown


def test_the_code_opens_one_task_in_one_browser(world, task):
    client = Client()
    enter(client, task)
    assert "声控灯" in client.get(task.path).content.decode()
    assert "声控灯" not in Client().get(task.path).content.decode()


def test_one_code_opens_every_task_of_the_unit_each_by_its_own_link(world, task):
    client, more = Client(), [sent_to(world, world.property, f"三楼声控灯第{n}次坏了。") for n in range(11)]
    enter(client, task)
    for other in more:
        shown = client.get(other.path).content.decode()
        assert "声控灯" in shown and "翼火" in shown
    assert Outbox.objects.filter(act="handler_code").count() == 1
    assert client.post(act(more[0], "sign"), {"_key": "m1"}).status_code == 302
    assert Event.objects.get(case=more[0].case, act="sign").named == "翼火"
    assert "声控灯" not in Client().get(more[0].path).content.decode(), "another browser asks for its own code"


def test_a_code_of_one_unit_opens_nothing_of_another_and_nothing_of_its_new_telephone(world, task):
    client, foreign = Client(), sent_to(world, world.contractor)
    enter(client, task)
    assert "声控灯" not in client.get(foreign.path).content.decode()
    url = reverse("handler:code", args=[foreign.token])
    Attempt.objects.all().delete()  # a minute later
    client.post(reverse("handler:code", args=[task.token]), {"step": "send"})
    answer = client.post(url, {"step": "check", "code": code_of(task), "named": "翼火"})
    assert answer.status_code == 422
    Unit.objects.filter(pk=world.property.pk).update(phone="13800000909")
    assert "声控灯" not in client.get(task.path).content.decode()


def test_a_wrong_code_opens_nothing_and_keeps_the_name(world, task):
    client = Client()
    url = reverse("handler:code", args=[task.token])
    client.post(url, {"step": "send"})
    wrong = f"{(int(code_of(task)) + 1) % 1000000:06d}"
    answer = client.post(url, {"step": "check", "code": wrong, "named": "翼火"})
    assert answer.status_code == 422 and "翼火" in answer.content.decode()
    assert "声控灯" not in client.get(task.path).content.decode()


def test_without_a_name_nothing_opens_and_the_code_stays_good(world, task):
    client = Client()
    url = reverse("handler:code", args=[task.token])
    client.post(url, {"step": "send"})
    assert client.post(url, {"step": "check", "code": code_of(task), "named": " "}).status_code == 422
    answer = client.post(url, {"step": "check", "code": code_of(task), "named": "翼火"}, follow=True)
    assert "声控灯" in answer.content.decode()


def test_a_second_code_within_a_minute_is_refused_with_a_sentence(world, task):
    client = Client()
    url = reverse("handler:code", args=[task.token])
    client.post(url, {"step": "send"})
    assert client.post(url, {"step": "send"}).status_code == 429
    assert Outbox.objects.filter(act="handler_code").count() == 1


def test_the_named_person_signs_and_replies_with_a_photo(world, task):
    client = Client()
    enter(client, task)
    assert client.post(act(task, "sign"), {"_key": "h1"}).status_code == 302
    refused = client.post(act(task, "reply"), {"outcome": "solved", "note": "两盏灯都换了", "_key": "h2"})
    assert refused.status_code == 422 and "两盏灯都换了" in refused.content.decode()
    form = {"outcome": "solved", "note": "两盏灯都换了", "_key": "h2", "photos": jpeg("after.jpg")}
    answer = client.post(act(task, "reply"), form, follow=True)
    assert answer.status_code == 200
    task.case.refresh_from_db()
    assert task.case.state == "replied"
    event = Event.objects.get(case=task.case, act="reply")
    assert event.named == "翼火" and event.unit == world.property and event.actor is None
    assert CasePhoto.objects.filter(case=task.case, stage="after", by_role="handler").count() == 1


def test_an_act_without_the_code_does_nothing(world, task):
    answer = Client().post(act(task, "sign"), {"_key": "h3"})
    assert answer.status_code == 302 and answer["Location"] == task.path
    task.case.refresh_from_db()
    assert task.case.state == "dispatched"


def test_photos_are_for_the_open_task_only_and_only_those_meant_for_handlers(world, task):
    ref = task.case.photos.get().photo.ref
    url = reverse("handler:file", args=[task.token, ref, "thumb"])
    assert Client().get(url).status_code == 404
    client = Client()
    enter(client, task)
    answer = client.get(url)
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    task.case.photos.update(for_handler=False)
    assert client.get(url).status_code == 404
    assert ref not in client.get(task.path).content.decode()


def test_expired_revoked_ended_and_invented_links_look_the_same(world, task):
    client = Client()
    enter(client, task)
    invented = client.get(reverse("handler:task", args=["x" * 24]))
    pages = {invented.content}
    now = timezone.now()
    for change in ({"link_revoked_at": now}, {"link_until": now}, {"state": Task.CANCELLED}, {"state": Task.RETURNED}):
        kept = {name: getattr(Task.objects.get(pk=task.pk), name) for name in change}
        Task.objects.filter(pk=task.pk).update(**change)
        for method in (client.get, Client().get):
            answer = method(task.path)
            assert answer.status_code == 404
            pages.add(answer.content)
        assert client.post(act(task, "sign"), {"_key": "h4"}).status_code == 404
        Task.objects.filter(pk=task.pk).update(**kept)
    assert len(pages) == 1
    assert "链接已失效" in invented.content.decode()
    task.case.refresh_from_db()
    assert task.case.state == "dispatched"


def test_a_fresh_link_asks_for_a_fresh_code(world, task):
    client = Client()
    enter(client, task)
    links = []
    perform(task.case, "relink", actor_on(task.case, world.worker), links=links)
    assert client.get(task.path).status_code == 404
    answer = client.get(links[0][1])
    assert answer.status_code == 200 and "声控灯" not in answer.content.decode()
    Attempt.objects.all().delete()  # a minute later
    task.token = links[0][1].strip("/").split("/")[-1]
    assert "声控灯" in enter(client, task)


def test_access_ends_after_twelve_hours(world, task):
    client = Client()
    enter(client, task)
    session = client.session
    notes = session["handler"]
    notes[proven(task.unit)]["until"] -= 13 * 3600
    session["handler"] = notes
    session.save()
    assert "声控灯" not in client.get(task.path).content.decode()


def test_a_returned_task_closes_its_page(world, task):
    client = Client()
    enter(client, task)
    form = {"note": "这是公共照明，不归物业", "proposed": "市政养护", "_key": "h5"}
    answer = client.post(act(task, "return_order"), form, follow=True)
    assert "任务已退回" in answer.content.decode()
    again = client.get(task.path)
    assert again.status_code == 404 and "链接已失效" in again.content.decode()
    task.case.refresh_from_db()
    assert task.case.state == "accepted" and task.case.returned == 1


def test_the_code_is_shown_on_the_page_only_in_the_demonstration(world, task, settings):
    client = Client()
    url = reverse("handler:code", args=[task.token])
    client.post(url, {"step": "send"})
    assert code_of(task) not in client.get(task.path).content.decode()
    Outbox.objects.all().delete()
    settings.DEMO = True
    Attempt.objects.all().delete()
    OneTimeCode.objects.all().delete()
    client.post(url, {"step": "send"})
    assert code_of(task) in client.get(task.path).content.decode()
