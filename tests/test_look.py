"""Promises of the look: old phones, no inline anything, accessible, light, one act at a time."""

import gzip
import re
from pathlib import Path

import pytest

import weilianxin
from tests.support import browser as chromium

ROOT = Path(weilianxin.__file__).parent
TEMPLATES = sorted(ROOT.rglob("templates/**/*.html"))
SHEETS = sorted((ROOT / "static/css").glob("*.css"))
SCRIPT = ROOT / "static/js/app.js"
SPRITE = ROOT / "static/art/icons.svg"

# What phones of 2018 do not know.
TOO_NEW = (":has(", "color-mix", "oklch", "@layer", "@container", "aspect-ratio", "inset:", "clamp(", ":is(", ":where(")


def names(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("sheet", SHEETS, ids=names)
def test_styles_are_for_old_phones(sheet):
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.S)
    assert [new for new in TOO_NEW if new in text] == []
    assert not re.search(r"(?<!grid-)(?<!-)\b(row-|column-)?gap:", text), "flex gap"
    for block in re.findall(r"{([^{}]*)}", text):
        assert "&" not in block, f"nesting: {block}"
    assert "url(" not in text and "@import" not in text


@pytest.mark.parametrize("template", TEMPLATES, ids=names)
def test_no_page_carries_inline_styles_or_scripts(template):
    text = template.read_text()
    assert not re.search(r"<[^>]+\sstyle\s*=", text)
    assert not re.search(r"<style|<[^>]+\son[a-z]+\s*=", text)
    for tag in re.findall(r"<script[^>]*>", text):
        assert " src=" in tag, tag


@pytest.mark.parametrize("template", TEMPLATES, ids=names)
def test_every_form_that_changes_something_bears_its_token(template):
    text = template.read_text()
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, flags=re.S | re.I):
        assert "{% csrf_token %}" in form, form[:120]


@pytest.mark.parametrize("template", TEMPLATES, ids=names)
def test_every_icon_is_drawn(template):
    drawn = set(re.findall(r'id="i-([a-z]+)"', SPRITE.read_text()))
    assert set(re.findall(r'{% icon "([a-z]+)"', template.read_text())) <= drawn


def test_the_script_is_small():
    assert SCRIPT.stat().st_size <= 8 * 1024


def test_text_and_edges_have_enough_contrast():
    tokens = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", (ROOT / "static/css/app.css").read_text()))

    def light(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    def contrast(one, two):
        high, low = sorted((light(tokens[one]), light(tokens[two])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for text, ground in (
        ("ink", "paper"),
        ("ink-2", "paper"),
        ("ink-2", "sunken"),
        ("ink-3", "card"),
        ("blue", "paper"),
        ("act", "paper"),
        ("jade", "jade-tint"),
        ("amber", "amber-tint"),
        ("red", "red-tint"),
        ("grey", "grey-tint"),
    ):
        assert contrast(text, ground) >= 4.5, (text, ground)
    assert contrast("edge", "card") >= 3 and contrast("edge", "paper") >= 3


# In words


@pytest.mark.parametrize(
    ("minutes", "kind", "word"),
    [
        (12, "soon", "还剩 12 分钟"),
        (5 * 60, "soon", "今天 14:00 到期"),
        (20 * 60, "ok", "明天 5:00 前"),
        (3 * 24 * 60, "ok", "还有 3 天"),
        (-5 * 60, "late", "超期 5 小时"),
    ],
)
def test_a_deadline_is_said_as_a_neighbour_would(minutes, kind, word):
    from datetime import timedelta

    from tests.support.world import at
    from weilianxin.lib import words

    now = at(9)
    badge = words.badge(now + timedelta(minutes=minutes), now)
    assert (badge["kind"], badge["word"]) == (kind, word)


def test_a_kept_promise_and_a_missed_one_are_told_apart():
    from tests.support.world import at
    from weilianxin.lib import words

    assert words.badge(at(18), done=at(15))["word"] == "提前 3 小时办结"
    assert words.badge(at(18), done=at(20))["kind"] == "late"
    assert words.badge(at(18), paused=True)["kind"] == "paused"


@pytest.mark.parametrize("kind", ["text", "long", "choice", "radios", "checks", "photos", "date", "rating"])
def test_a_refused_field_says_why_beside_it_and_keeps_what_was_typed(kind):
    from django.template.loader import render_to_string

    from weilianxin.cases.forms import Field

    choices = ((5, "好"), (4, "中")) if kind != "choice" else (("一组", ((4, "中"),)), (5, "好"))
    field = Field("x", kind, "问题", choices=choices, value=4, error="请再看一看")
    html = render_to_string("pieces/field.html", {"field": field})
    assert "请再看一看" in html and "is-bad" in html
    kept = {"choice": '<option value="4" selected>', "long": ">4</textarea>", "photos": 'type="file"'}
    assert kept.get(kind, "checked" if kind in ("radios", "checks", "rating") else 'value="4"') in html


def test_no_rating_is_preselected():
    from django.template.loader import render_to_string

    from weilianxin.cases.forms import Field

    field = Field("level", "rating", "办得怎么样", choices=((5, "非常满意"), (1, "非常不满意")))
    assert "checked" not in render_to_string("pieces/rate.html", {"field": field})


# Weight, as sent


def squeezed(content):
    return len(gzip.compress(content, 6))


def test_pages_are_light(world, signed_in):
    client = signed_in(world.bare_resident)
    weights = {url: squeezed(client.get(url).content) for url in ("/", "/me/", "/inbox/", "/emergency/", "/bind/")}
    assert max(weights.values()) <= 15 * 1024, weights
    static = ROOT / "static"
    pictures = ("art/icons.svg", "art/mark.svg", "art/skyline.svg", "art/people/p01.svg")
    whole = [static / "css/app.css", SCRIPT, *(static / picture for picture in pictures)]
    assert weights["/"] + sum(squeezed(path.read_bytes()) for path in whole) <= 100 * 1024


# In a real browser

OPEN = ("/", "/signin/", "/emergency/", "/privacy/", "/no/such/page")
OWN = ("/", "/inbox/", "/me/", "/me/correct/", "/me/erase/", "/me/consent/", "/bind/")
MODES = {"phone": {}, "elder": {"elder": "1"}, "english": {"lang": "en"}, "desktop": {}}
SMALL = """least => [...document.querySelectorAll('a.btn, button, .tabs a, select, .input, label.pick, .list a.item')]
  .filter(e => { const r = e.getBoundingClientRect(); return r.width && (r.height < least || r.width < least) })
  .map(e => e.outerHTML.slice(0, 100))"""


def look(page, url, least):
    from axe_playwright_python.sync_playwright import Axe

    page.goto(url)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found] == [], url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"sideways: {url}"
    assert page.evaluate(SMALL, least) == [], url


@pytest.mark.browser
@pytest.mark.looks
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.django_db(transaction=True)
def test_pages_are_accessible_and_fit(mode, live_url, browser_context, world):
    context = browser_context
    for name, value in MODES[mode].items():
        context.add_cookies([{"name": name, "value": value, "url": live_url}])
    page = context.new_page()
    if mode == "desktop":
        page.set_viewport_size(chromium.DESKTOP)
    least = 59.5 if mode == "elder" else 43.5
    for path in (*OPEN, f"/p/{world.bare_plate.code}"):
        look(page, live_url + path, least)
    chromium.sign_in(context, world.bare_resident, live_url)
    for path in OWN:
        look(page, live_url + path, least)
    assert context.complaints == []


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_form_is_sent_once_however_often_its_button_is_pressed(live_url, browser_context, world):
    chromium.sign_in(browser_context, world.bare_resident, live_url)
    page = browser_context.new_page()
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(live_url + "/me/correct/")
    page.fill("[name=name]", "毕奶奶好")
    page.evaluate(
        """() => { const b = document.querySelector('button[value=name]'); b.click(); b.click(); b.click() }"""
    )
    page.wait_for_url("**/me/")
    assert len(sent) == 1
