"""A grid worker without network: what the phone keeps, and that every act arrives once."""

import io
import os
import re
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from weilianxin.cases.models import Case, CasePhoto, Event, Submission
from weilianxin.cases.once import forget_old
from weilianxin.programmes.reports.flow import REPORTS

from .support import browser as chromium
from .test_desk import act, do, jpeg, page, report

JSON = {"HTTP_ACCEPT": "application/json"}


def send(client, case, name, account, key="k1", **said):
    return client.post(act(case, name), {"_key": key, "_account": account.ref, **said}, **JSON)


@pytest.mark.django_db
def test_an_act_kept_on_a_phone_is_done_once_with_its_photos_however_often_it_is_sent(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client = signed_in(world.worker)
    said = {"outcome": "solved", "note": "已经清走。", "no_before": "1"}
    first = send(client, case, "close_seen", world.worker, photos=[jpeg(), jpeg("b.jpg")], **said)
    assert first.status_code == 200 and first.json()["done"], first.content
    again = send(client, case, "close_seen", world.worker, photos=[jpeg(), jpeg("b.jpg")], **said)
    assert again.json() == first.json()
    assert Event.objects.filter(case=case, act="close_seen").count() == 1
    assert CasePhoto.objects.filter(case=case).count() == 2
    # The phone tries for a week; the key must still be known then.
    forget_old(timezone.now() + timedelta(days=7, hours=1))
    assert Submission.objects.filter(key="k1").exists()
    forget_old(timezone.now() + timedelta(days=9))
    assert not Submission.objects.filter(key="k1").exists()


@pytest.mark.django_db
def test_a_refused_act_says_why_and_leaves_its_key_unused(world, signed_in):
    case = report(world)
    client = signed_in(world.worker)
    do(case, "accept", world.leader)
    late = send(client, case, "accept", world.worker)
    assert late.status_code == 409 and late.json()["error"]["code"] == "changed"
    assert world.leader.name in late.json()["error"]["message"]
    empty = send(client, case, "remark", world.worker, key="k2", note="")
    assert (empty.status_code, empty.json()["error"]["field"]) == (422, "note")
    assert send(client, case, "remark", world.worker, key="k2", note="门卫说晚上有人。").json()["done"]
    bad = send(client, case, "remark", world.worker, key="k3", note="x\x00")
    assert bad.status_code == 422 and bad.json()["error"]["code"] == "edge"
    assert Event.objects.filter(case=case, act="remark").count() == 1


@pytest.mark.django_db
def test_only_the_account_that_wrote_it_sends_it_and_only_with_a_token(world, signed_in):
    case = report(world)
    assert send(Client(), case, "remark", world.worker, note="门卫说晚上有人。").status_code == 401
    assert send(signed_in(world.leader), case, "remark", world.worker, note="门卫说晚上有人。").status_code == 401
    assert (
        send(
            signed_in(world.stranger_worker), case, "remark", world.stranger_worker, note="门卫说晚上有人。"
        ).status_code
        == 404
    )
    strict = signed_in(world.worker, enforce_csrf_checks=True)
    refused = send(strict, case, "remark", world.worker, note="门卫说晚上有人。")
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "not_allowed"
    assert not Event.objects.filter(case=case, act="remark").exists()
    # The token of the old page is gone; the phone asks for the one of now, and whose it is.
    now = strict.get(reverse("desk:outbox"), **JSON).json()
    assert now["account"] == world.worker.ref
    data = {"_key": "k1", "_account": world.worker.ref, "note": "门卫说晚上有人。"}
    assert strict.post(act(case, "remark"), data, **JSON, HTTP_X_CSRFTOKEN=now["csrf"]).json()["done"]
    assert Client().get(reverse("desk:outbox"), **JSON).status_code == 401


@pytest.mark.django_db
def test_the_flow_says_which_acts_may_wait(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client = signed_in(world.worker)
    shown = client.get(page(case)).content.decode()
    forms = {m[1]: "data-offline" in m[0] for m in re.finditer(r'<form[^>]*id="act-(\w+)"[^>]*>', shown)}
    assert forms["close_seen"] and forms["start"] and not forms["dispatch"]
    assert {name for name, waits in forms.items() if waits} == set(forms) & REPORTS.offline
    refused = send(client, case, "dispatch", world.worker, unit=world.property.ref, note="请清走")
    assert refused.status_code == 409 and Case.objects.get(pk=case.pk).state == "accepted"


@pytest.mark.django_db
def test_what_is_sensitive_or_shown_once_is_not_left_on_a_phone_and_keeping_is_not_reading(world, signed_in):
    case = report(world)
    client = signed_in(world.worker)
    kept = client.get(page(case), HTTP_PURPOSE="prefetch")
    assert kept["X-Keep"].split()[0] == world.worker.ref
    assert Case.objects.get(pk=case.pk).seen_at is None
    client.post(reverse("desk:reveal", args=[case.number]), {"reason": "核实地点", "_key": "r1"})
    assert world.resident.phone not in client.get(page(case), HTTP_PURPOSE="prefetch").content.decode()
    shown = client.get(page(case))
    assert world.resident.phone in shown.content.decode() and "X-Keep" not in shown
    Case.objects.filter(pk=case.pk).update(sensitive=True)
    assert "X-Keep" not in client.get(page(case))
    assert "X-Keep" not in client.get(reverse("desk:about"))


@pytest.mark.django_db
def test_the_service_worker_is_new_when_a_file_is_new(client, monkeypatch, tmp_path):
    from weilianxin.desk import offline

    first = client.get(reverse("desk:worker"))
    assert first["Content-Type"].startswith("text/javascript") and first["Cache-Control"] == "no-cache"
    other = tmp_path / "app.css"
    other.write_text("/* changed */")
    found = offline.finders.find
    monkeypatch.setattr(offline.finders, "find", lambda name: other if name == "css/app.css" else found(name))
    offline.script.cache_clear()
    assert client.get(reverse("desk:worker")).content != first.content


@pytest.fixture
def phone(chromium_browser):
    context = chromium_browser.new_context(viewport=chromium.PHONE, locale="zh-CN", timezone_id="Asia/Shanghai")
    chromium.watch(context)
    context.set_default_timeout(10_000)
    yield context
    context.close()
    chromium.assert_stayed_home(context)


def picture(colour):
    out = io.BytesIO()
    Image.new("RGB", (2600, 1300), colour).save(out, "JPEG")
    return {"name": f"{colour}.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


KEPT = """async n => { for (const name of await caches.keys()) if (name.startsWith('desk-pages-'))
    if ((await (await caches.open(name)).keys()).some(k => k.url.includes(n))) return true; return false }"""

DRAFT = """async ([name, note]) => { const kept = (await Outbox.draft(name)) || { photos: [] }
    return kept.photos.length === 2 && JSON.stringify(kept).includes(note) }"""


def until(holds):
    """Wait at most a minute until something holds."""
    for _try in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def shoot(tab, name):
    if folder := os.environ.get("PICTURES_OF_PAGES"):
        tab.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["zh-hans", "en"] if os.environ.get("PICTURES_OF_PAGES") else ["zh-hans"])
def test_an_afternoon_in_the_cellar(world, live_url, phone, language):
    w = world
    new = report(w, text="8幢1单元飞线充电，冒过火花。", account=w.neighbour)
    taken = report(w, text="地下车库的灯全灭了，什么也看不见。")
    late = report(w, text="3幢水池积水，请来消杀蚊虫。")
    do(late, "accept", w.worker)
    chromium.sign_in(phone, w.worker, live_url)
    phone.add_cookies([{"name": "lang", "value": language, "url": live_url}])
    tab = phone.new_page()
    tab.goto(live_url + reverse("desk:home"))
    for case in (new, taken, late):
        until(lambda case=case: tab.evaluate(KEPT, case.number))
    assert Case.objects.get(pk=new.pk).seen_at is None

    phone.set_offline(True)
    tab.reload()
    assert tab.locator("#kept").is_visible() and re.search(r"\d\d:\d\d", tab.locator("#kept").inner_text())
    shoot(tab, f"offline-list-{language}")
    tab.get_by_role("link", name=new.title, exact=True).click()
    tab.locator("#case-title", has_text=new.title).wait_for()
    tab.locator("button[form=act-accept]").click()
    tab.locator("[data-kept-of]").wait_for()
    shoot(tab, f"offline-accepted-{language}")
    tab.goto(live_url + page(taken))
    tab.locator("#act-accept textarea").fill("我下午去看，先贴一张纸。")
    tab.locator("button[form=act-accept]").click()
    tab.locator("[data-kept-of]").wait_for()
    tab.locator("#act-remark textarea").evaluate("field => field.value = '车库钥匙在门卫那里。'")
    tab.locator("#act-remark").evaluate("form => form.requestSubmit()")
    tab.locator(f"[data-kept-of='{act(taken, 'remark')}']").wait_for(state="attached")
    tab.goto(live_url + page(late))
    tab.locator("#close_seen-photos").set_input_files([picture("red"), picture("green")])
    tab.locator("#act-close_seen input[name=outcome]").first.check()
    tab.locator("#close_seen-note").fill("已经喷药，两天后再看。")
    until(lambda: tab.evaluate(DRAFT, [f"{w.worker.ref} {act(late, 'close_seen')}", "已经喷药，两天后再看。"]))
    tab.reload()  # a draft survives
    expect(tab.locator("#close_seen-note")).to_have_value("已经喷药，两天后再看。")
    expect(tab.locator("#act-close_seen [data-preview]")).to_have_count(2)
    tab.locator("#close_seen-no_before").fill("到场时水池已放空")
    tab.locator("button[form=act-close_seen]").click()
    tab.locator("[data-kept-of]").wait_for()
    tab.goto(live_url + reverse("desk:outbox"))
    expect(tab.locator("#outbox li")).to_have_count(4)
    shoot(tab, f"offline-outbox-{language}")
    assert Event.objects.exclude(act="submit").count() == 1

    do(taken, "accept", w.leader)
    phone.set_offline(False)
    tab.locator("[data-list] .tag-jade").nth(1).wait_for()
    tab.locator("[data-list] .tag-red").wait_for()
    shoot(tab, f"offline-sent-{language}")
    # What was to follow the refused one is held back, and told.
    held = tab.locator("[data-list] li", has=tab.locator(".tag-amber"))
    assert "车库钥匙在门卫那里。" in held.inner_text()
    refused = tab.locator("[data-list] li", has=tab.locator(".tag-red"))
    assert w.leader.name in refused.inner_text() and "我下午去看" in refused.inner_text()
    tab.goto(live_url + page(taken))  # whoever writes anew, knowing how it stands, is not held back
    tab.locator("#act-append textarea").evaluate("field => field.value = '已经和组长说好，我下午去。'")
    tab.locator("#act-append").evaluate("form => form.requestSubmit()")
    tab.wait_for_url("**done=append")
    assert not Event.objects.filter(case=taken, act="remark").exists()
    assert Event.objects.filter(case=new, act="accept").count() == 1
    assert Event.objects.filter(case=late, act="close_seen").count() == 1
    photos = list(CasePhoto.objects.filter(case=late).select_related("photo"))
    assert len(photos) == 2 and {max(p.photo.width, p.photo.height) <= 2048 for p in photos} == {True}
    assert list(Event.objects.filter(case=taken, act="accept").values_list("actor", flat=True)) == [w.leader.pk]

    # Somebody else on the same phone: no page, no act, no word of it.
    phone.clear_cookies()
    chromium.sign_in(phone, w.backup, live_url)
    other = phone.new_page()
    other.goto(live_url + reverse("desk:outbox"))
    other.locator("[data-none]").wait_for()
    assert other.locator("#outbox li").count() == 0 and "我下午去看" not in other.content()
    phone.set_offline(True)
    other.goto(live_url + page(late))
    assert late.title not in other.content()
    shoot(other, f"offline-away-{language}")
    phone.set_offline(False)
    # The words come back to whom they belong, until they are let go of.
    phone.clear_cookies()
    other.goto(live_url + reverse("desk:home"))
    assert "signin" in other.url
    assert other.evaluate("async () => (await caches.keys()).filter(n => n.includes('pages')).length") == 0
    assert not phone.complaints


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_kept_page_serves_for_two_acts_and_what_the_server_fails_at_holds_up_no_other(world, live_url, phone):
    w = world
    mine, other = report(w), report(w, text="地下车库的灯全灭了，什么也看不见。")
    for case in (mine, other):
        do(case, "accept", w.worker)
    chromium.sign_in(phone, w.worker, live_url)
    tab, outbox = phone.new_page(), live_url + reverse("desk:outbox")
    tab.goto(live_url + reverse("desk:home"))
    for case in (mine, other):
        until(lambda case=case: tab.evaluate(KEPT, case.number))
    tab.goto(outbox)

    def remark(case, words):
        tab.goto(live_url + page(case))
        tab.locator("#act-remark textarea").evaluate("(field, words) => field.value = words", words)
        tab.locator("#act-remark").evaluate("form => form.requestSubmit()")
        tab.locator(f"[data-kept-of='{act(case, 'remark')}']").wait_for(state="attached")
        tab.goto(outbox)

    def written():
        return list(Event.objects.filter(act="remark").order_by("pk").values_list("note", flat=True))

    for n, words in enumerate(("门卫说晚上有人。", "邻居说是昨天坏的。"), 1):
        phone.set_offline(True)
        remark(mine, words)
        phone.set_offline(False)
        until(lambda n=n: len(written()) == n)
    assert written() == ["门卫说晚上有人。", "邻居说是昨天坏的。"]

    failing = {"error": {"code": "broken", "message": "出错了", "field": None}}
    phone.route(f"**{act(mine, 'remark')}", lambda route: route.fulfill(status=500, json=failing))
    phone.set_offline(True)
    remark(mine, "这一句服务器收不下。")
    remark(other, "这一句不用等它。")
    phone.set_offline(False)
    until(lambda: tab.wait_for_timeout(50) or "这一句不用等它。" in written())  # the route is answered meanwhile
    tab.locator("[data-send] button").click()
    tab.locator("[data-how=broken]").wait_for()
    phone.unroute(f"**{act(mine, 'remark')}")
    tab.locator("[data-send] button").click()
    until(lambda: written()[-1] == "这一句服务器收不下。")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_an_ended_session_waits_for_its_account_and_a_full_phone_says_so(world, live_url, phone):
    w = world
    case = report(w, text="路灯的门开着，电线露在外面。")
    do(case, "accept", w.worker)
    chromium.sign_in(phone, w.worker, live_url)
    tab = phone.new_page()
    tab.goto(live_url + reverse("desk:home"))
    until(lambda: tab.evaluate(KEPT, case.number))
    tab.goto(live_url + page(case))
    phone.set_offline(True)
    tab.locator("#start-note").evaluate("field => field.value = '我来接线。'")
    tab.locator("#act-start").evaluate("form => form.requestSubmit()")
    tab.locator(f"[data-kept-of='{act(case, 'start')}']").wait_for(state="attached")
    phone.clear_cookies()  # as the server ends it
    phone.set_offline(False)
    tab.goto(live_url + reverse("desk:outbox"))
    assert "signin" in tab.url and not tab.evaluate(KEPT, case.number)
    assert not Event.objects.filter(case=case, act="start").exists()
    chromium.sign_in(phone, w.worker, live_url)
    tab.goto(live_url + reverse("desk:outbox"))
    tab.locator("[data-list] .tag-jade").wait_for()
    assert Event.objects.filter(case=case, act="start").count() == 1

    fill = """async account => { for (let n = 0; n < 50; n++) await Outbox.add({ account, path: '/x' + n, number: 'x',
      label: 'x', title: 'x', fields: [], photos: [], words: [], since: Date.now(), state: 'refused', at: 0 }) }"""
    tab.evaluate(fill, w.worker.ref)
    tab.goto(live_url + page(case))
    tab.locator("#act-remark textarea").evaluate("field => field.value = '线头已经包好。'")
    tab.locator("#act-remark").evaluate("form => form.requestSubmit()")
    tab.locator("#act-remark [role=alert]").wait_for(state="attached")
    assert "存满" in tab.locator("#act-remark [role=alert]").text_content()
    expect(tab.locator("#act-remark textarea")).to_have_value("线头已经包好。")
    assert not Event.objects.filter(case=case, act="remark").exists()
    # Signing out tells what has not been sent, then ends it and leaves no page behind.
    tab.goto(live_url + reverse("desk:about"))
    tab.locator("[data-signout] button").click()
    tab.locator("[data-signout] [data-note]").wait_for()
    tab.locator("[data-signout] button").click()
    tab.wait_for_url("**/signin/")
    assert not tab.evaluate(KEPT, "/desk/")
    assert not phone.complaints
