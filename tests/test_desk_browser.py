"""The desk in a real Chromium: on a phone and on a desktop, reachable for everybody, without and with scripts."""

import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageDraw

from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Task
from weilianxin.files.intake import receive

from .support.browser import sign_in
from .test_desk import act, category, closed, do, jpeg, more_of, page, report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


def picture(colour):
    import io

    image = Image.new("RGB", (800, 600), colour)
    ImageDraw.Draw(image).rectangle((200, 250, 600, 560), fill="#8a5a3c")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return receive([out.getvalue()])


@pytest.fixture
def day(world):
    """A morning at the desk: new, late, dispatched, disputed and closed matters."""
    now = timezone.now()
    w = world
    w.late = report(w, text="3幢水池积水，请来消杀蚊虫。", photos=picture("#9ab"))
    do(w.late, "accept", w.worker)
    Case.objects.filter(pk=w.late.pk).update(next_due_at=now - timedelta(hours=2), due_at=now - timedelta(hours=2))
    w.new = report(w, text="8幢1单元飞线充电，冒过火花。", urgency="U1", photos=picture("#cba"), account=w.neighbour)
    w.sent = report(w, text="三楼转角堆了旧沙发和纸箱，晚上难走。", category=category("XQ101"), photos=picture("#bca"))
    do(w.sent, "accept", w.worker)
    links = []
    actor = actor_on(w.sent, w.worker)
    perform(w.sent, "dispatch", actor, unit=w.property, note="请今天清走", links=links)
    w.link = links[0][1]
    w.lost = report(
        w,
        text="路口井盖没了，先用树枝插着。",
        location=None,
        account=None,
        source="12345",
        source_no="T1",
        channel="phone_12345",
    )
    w.done = closed(w)
    more_of(w.new, 2, urgency="U2", phase="new")
    return w


def shoot(tab, name):
    """Keep a picture where somebody asked for pictures."""
    folder = os.environ.get("PICTURES_OF_PAGES")
    if folder:
        tab.screenshot(path=f"{folder}/{name}.png", full_page=True)


def look(tab, name, size):
    """The page has no fault axe can see, does not scroll sideways, and no script complained."""
    found = Axe().run(tab)
    shoot(tab, f"{name}-{size['width']}")
    faults = [f"{v['id']}: {[n['target'] for n in v['nodes']][:3]}" for v in found.response["violations"]]
    assert not faults, f"{name} at {size['width']}: {faults}"
    wide = tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"], f"{name} at {size['width']} is {wide} wide"
    assert not tab.context.complaints


PAGES = {
    "home": ("worker", lambda w: reverse("desk:home")),
    "case-new": ("worker", lambda w: page(w.new)),
    "case-late": ("worker", lambda w: page(w.late)),
    "case-sent": ("worker", lambda w: page(w.sent)),
    "case-done": ("verifier", lambda w: page(w.done)),
    "queue": ("dispatcher", lambda w: reverse("desk:queue")),
    "leader": ("leader", lambda w: reverse("desk:grids")),
    "grid": ("leader", lambda w: reverse("desk:grid", args=[w.grid.code])),
    "community": ("secretary", lambda w: reverse("desk:board")),
    "board": ("duty", lambda w: reverse("desk:board")),
    "verify": ("verifier", lambda w: reverse("desk:verify")),
    "callbacks": ("callback", lambda w: reverse("desk:callbacks")),
    "search": ("leader", lambda w: reverse("desk:search") + "?q=星影苑"),
    "about": ("worker", lambda w: reverse("desk:about")),
    "password": ("worker", lambda w: reverse("desk:password")),
    "second-factor": ("worker", lambda w: reverse("desk:second_factor")),
    "signin": (None, lambda w: reverse("desk:signin")),
}


@pytest.mark.looks
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_page_of_the_desk_is_reachable_for_everybody(day, live_url, browser_context, size):
    for name, (who, url) in PAGES.items():
        browser_context.clear_cookies()
        if who:
            sign_in(browser_context, getattr(day, who), live_url)
        tab = browser_context.new_page()
        tab.set_viewport_size(size)
        answer = tab.goto(live_url + url(day))
        assert answer.status == 200, name
        look(tab, name, size)
        tab.close()


@pytest.mark.looks
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_pages_of_an_outside_unit_are_reachable_for_everybody(day, live_url, browser_context, settings, size):
    settings.DEMO = True
    tab = browser_context.new_page()
    tab.set_viewport_size(size)
    tab.goto(live_url + day.link)
    look(tab, "handler-ask", size)
    tab.get_by_role("button", name="发验证码到这个手机").click()
    shown = tab.locator(".note").inner_text()
    tab.get_by_label("6 位验证码").fill("".join(c for c in shown if c.isdigit()))
    tab.get_by_label("您的姓名").fill("翼火")
    look(tab, "handler-code", size)
    tab.get_by_role("button", name="打开任务").click()
    look(tab, "handler-task", size)
    tab.get_by_role("button", name="签收任务").click()
    tab.locator(".toast-w").wait_for()
    look(tab, "handler-signed", size)
    assert Task.objects.get(case=day.sent).signed_by == "翼火"
    tab.goto(live_url + "/h/nothing/")
    look(tab, "handler-gone", size)


def test_a_refused_form_begins_at_its_sentence(day, live_url, browser_context):
    sign_in(browser_context, day.worker, live_url)
    tab = browser_context.new_page()
    tab.goto(live_url + page(day.late))
    assert not tab.locator("input[name=outcome]:checked").count()  # how it ended is said by a person
    tab.get_by_label("已解决", exact=True).first.check()
    tab.locator("#close_seen-note").fill("已经喷药，两天后再看。")
    tab.locator("button[form=act-close_seen]").click()
    tab.wait_for_selector("[role=alert]")
    assert tab.locator("#close_seen-note").input_value() == "已经喷药，两天后再看。"
    look(tab, "refused", PHONE)


def test_a_worker_closes_with_a_photo_without_any_script(day, live_url, chromium_browser):
    context = chromium_browser.new_context(viewport=PHONE, java_script_enabled=False, locale="zh-CN")
    sign_in(context, day.worker, live_url)
    tab = context.new_page()
    tab.goto(live_url + page(day.late))
    upload = jpeg()
    tab.locator("#close_seen-photos").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": upload.read()}
    )
    tab.get_by_label("已解决", exact=True).first.check()
    tab.locator("#close_seen-note").fill("已经喷药，两天后再看。")
    tab.locator("button[form=act-close_seen]").click()
    tab.wait_for_url("**done=close_seen")
    assert Case.objects.get(pk=day.late.pk).state == "closed"
    context.close()


def test_the_queue_opens_a_case_beside_the_list(day, live_url, browser_context):
    sign_in(browser_context, day.dispatcher, live_url)
    tab = browser_context.new_page()
    tab.set_viewport_size(DESKTOP)
    tab.goto(live_url + reverse("desk:queue"))
    tab.evaluate("window.stayed = true")
    tab.locator(f".queue a[data-number='{day.lost.number}']").click()
    tab.locator("#case-title", has_text="井盖").wait_for()
    assert tab.evaluate("window.stayed") is True
    assert f"case={day.lost.number}" in tab.url
    look(tab, "queue-open", DESKTOP)
    tab.set_viewport_size(PHONE)
    tab.goto(live_url + reverse("desk:queue"))
    tab.locator(f".queue a[data-number='{day.lost.number}']").click()
    tab.wait_for_url(f"**{page(day.lost)}")
    assert act(day.lost, "accept") in tab.content()
