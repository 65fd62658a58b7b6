"""The report loop on a phone with a script: quicker than without, and readable by everybody."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from weilianxin.cases.models import Case
from weilianxin.programmes.reports.models import Draft

from .support import browser
from .support.journey import ready
from .test_resident_pages import TEXT, closed, jpeg, report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sound(page, name):
    """No rule of axe is broken, and nothing has to be scrolled sideways."""
    broken = Axe().run(page).response["violations"]
    assert not broken, f"{name}: {[(rule['id'], rule['nodes'][0]['target']) for rule in broken]}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"


@pytest.mark.parametrize("elder", [False, True])
def test_a_report_is_made_on_a_phone_from_photo_to_thanks(world, live_url, browser_context, elder):
    browser.sign_in(browser_context, world.resident, live_url)
    if elder:
        browser_context.add_cookies([{"name": "elder", "value": "1", "url": live_url}])
    page = browser_context.new_page()
    page.goto(live_url + reverse("reports:new"))
    picture = jpeg()
    page.set_input_files("input[name=photos]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture.read()})
    page.wait_for_selector(".photo.mine")  # sent at once, without another button
    ready(page)
    page.fill("#what", TEXT)
    page.click("#guess .chip >> nth=0")  # what the words suggest comes while one writes
    sound(page, "step 1")
    page.click(".bar .btn-main")
    page.wait_for_url("**/place/")
    page.select_option("#compound", str(world.compound.pk))
    page.wait_for_selector("#building")
    page.check("input[name=where][value=home]")
    sound(page, "step 2")
    page.click(".bar .btn-main")
    page.wait_for_url("**/send/")
    sound(page, "step 3")
    page.click(".bar .btn-act")
    page.wait_for_url("**/matters/*sent=1")
    expect(page.get_by_text("收到了，谢谢您。")).to_be_visible()
    sound(page, "matter")
    case = Case.objects.get()
    assert case.category == "XQ201" and case.photos.count() == 1 and not Draft.objects.exists()
    assert not browser_context.complaints


def test_the_phone_says_where_one_stands_only_when_asked(world, live_url, browser_context):
    browser_context.grant_permissions(["geolocation"], origin=live_url)
    browser_context.set_geolocation({"latitude": world.entrance.lat, "longitude": world.entrance.lon})
    browser.sign_in(browser_context, world.stranger, live_url)
    page = browser_context.new_page()
    page.goto(live_url + reverse("reports:new"))
    page.fill("#what", TEXT)
    page.click(".bar .btn-main")
    page.wait_for_url("**/place/")
    assert page.input_value("[name=lat]") == ""
    page.click("[data-locate]")
    expect(page.locator("[data-located]")).to_be_visible()
    assert page.is_checked("input[name=where][value=point]")
    page.click(".bar .btn-main")
    page.wait_for_url("**/send/")
    expect(page.locator("#then + .promise, .promise").first).to_contain_text(world.worker.name)


def test_danger_is_told_while_one_still_writes(world, live_url, browser_context):
    page = browser_context.new_page()
    page.goto(live_url + reverse("reports:new"))
    page.fill("#what", "三楼着火了，冒浓烟！")
    expect(page.locator("#dial a[href='tel:119']")).to_be_visible()
    assert not Draft.objects.exists()


def test_the_closed_page_the_thread_and_the_public_list_are_sound(world, live_url, browser_context):
    case = closed(world)
    browser.sign_in(browser_context, world.resident, live_url)
    page = browser_context.new_page()
    for address in (
        reverse("reports:matter", args=[case.number]),
        reverse("reports:matters"),
        reverse("reports:thread"),
        reverse("reports:public"),
        reverse("reports:public_map") + f"?community={world.community.code}",
        reverse("reports:integrity"),
    ):
        page.goto(live_url + address)
        sound(page, address)


def test_enter_goes_on_and_never_joins_a_neighbour_or_puts_the_words_away(world, live_url, browser_context):
    parent = report(world)
    browser.sign_in(browser_context, world.neighbour, live_url)
    page = browser_context.new_page()
    page.goto(live_url + reverse("reports:new"))
    page.fill("#what", TEXT)
    page.click("#guess .chip >> nth=0")
    page.press("input[name=kind] >> nth=0", "Enter")
    page.wait_for_url("**/place/")
    page.press("input[name=where][value=home]", "Enter")
    page.wait_for_url("**/send/")
    expect(page.get_by_role("button", name="我也遇到")).to_be_visible()
    page.check("input[name=anonymity][value=N2]")
    page.press("input[name=anonymity][value=N2]", "Enter")
    page.wait_for_url("**/matters/*sent=1")
    case = Case.objects.exclude(pk=parent.pk).get()
    assert case.parent is None and case.anonymity == "N2"
