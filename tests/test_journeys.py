"""Whole days of the subdistrict, walked by its people on their phones; judged by what they read."""

import re
from datetime import UTC, date, datetime

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Task
from weilianxin.notify.models import Message
from weilianxin.people.session import end_all_sessions
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category
from weilianxin.programmes.reports.screening import near

from .support import catalogues
from .support.journey import People, code_told, does_not_read, fits, photo, press, reads, ready, unfold
from .support.world import at, resident
from .support.world import photo as stored_photo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RESIDENT, NEIGHBOUR = "13800000011", "13800000012"
LIGHT = "二楼到三楼的声控灯不亮了三天，老人晚上上楼看不见。找我打13800000011。"


@pytest.fixture
def people(world, live_url, chromium_browser):
    opened = People(chromium_browser, live_url)
    yield opened
    opened.close()


@pytest.fixture
def english(settings, tmp_path):
    """The English catalogue as it stands in the sources, whether or not somebody has compiled it."""
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with catalogues.ENGLISH.open("rb") as source, (folder / "django.mo").open("wb") as out:
        write_mo(out, read_po(source, locale="en"))
    settings.LOCALE_PATHS = [tmp_path]


def go(page, people, name, *args):
    page.goto(people.url + reverse(name, args=args))


def come_back(page, phone):
    """Sign in by phone and code."""
    page.get_by_label("手机号").fill(phone)
    press(page, "给我发验证码")
    reads(page, "请输入验证码", f"{phone[:3]}****{phone[-4:]}")
    page.get_by_label("短信验证码").fill(code_told(phone, "sign_in_code"))
    press(page, "登录")


def come_in(page, phone):
    """Sign in for the first time, when the consent is asked."""
    come_back(page, phone)
    page.get_by_role("checkbox", name=re.compile("^我同意")).check()
    press(page, "同意并进入")


def bind(page, people, world, phone, room):
    """From the plate at the entrance to one's own grid worker."""
    go(page, people, "portal:plate", world.plate.code)
    reads(page, "星影苑 6幢2单元", "天枢社区 · 第一网格", "角木")
    press(page, "我住这里，绑定", kind="link")
    come_in(page, phone)
    reads(page, "您选的是", "星影苑 6幢2单元")
    page.get_by_label("哪一室").select_option(label=room)
    press(page, "就是这里")
    reads(page, "您的专属网格员", "角木")
    does_not_read(page, room)


def say(page, people, words, photos=2, kind="楼道灯/单元门损坏"):
    """The first step: photos, words, the category that the words suggest."""
    go(page, people, "reports:new")
    add_photos(page, photos)
    page.get_by_label("再说几句").fill(words)
    page.locator("label", has_text=kind).filter(visible=True).first.tap()
    press(page, "下一步：说地点")
    reads(page, "在哪里？")


def add_photos(page, count):
    chosen = [photo(f"{n}.jpg", mark=f"#5a4a{n}a") for n in range(1, count + 1)]
    page.locator("input[type=file]").set_input_files(chosen)
    expect(page.get_by_role("img", name=f"第 {count} 张照片")).to_be_visible()
    ready(page)


def report(page, people, words=LIGHT, photos=2):
    """All three steps; returns the number that the page names."""
    say(page, people, words, photos)
    press(page, "下一步：核对")
    reads(page, "核对一下")
    press(page, "送出")
    reads(page, "收到了，谢谢您。")
    return number_on(page)


def number_on(page):
    return re.search(r"编号 (\d{6}-\d{4,})", page.inner_text("main"))[1]


def test_a_dark_stairwell_is_lit_within_the_hour(world, people):
    resident, neighbour, worker, unit = people.phone(), people.phone(), people.phone(world.worker), people.phone()

    # A resident scans the plate, is bound, and reports.
    bind(resident, people, world, RESIDENT, "301室")
    number = report(resident, people)
    reads(resident, "等角木签收", "前告诉您是否受理", "先答复您")

    # The neighbour starts the same, and joins.
    bind(neighbour, people, world, NEIGHBOUR, "302室")
    say(neighbour, people, "楼道里的声控灯坏了，晚上一片黑。", photos=1)
    press(neighbour, "下一步：核对")
    reads(neighbour, "是不是同一件事？", "1 人遇到")
    does_not_read(neighbour, "老人晚上上楼看不见")
    press(neighbour, "我也遇到")
    reads(neighbour, "记下了，您也遇到。", "等角木签收")

    # The grid worker takes it on with one tap.
    go(worker, people, "desk:home")
    reads(worker, "待办 1 件", "2 人遇到", "还没看过")
    worker.get_by_role("button", name=re.compile("^签收")).tap()
    reads(worker, "“签收”已记下", "已受理")
    resident.reload()
    reads(resident, "角木已签收，由他负责到底", "正在安排")

    # And hands it to the property company, whose link is shown once.
    worker.get_by_role("link", name=re.compile("声控灯")).first.tap()
    form = unfold(worker, "派给承办单位")
    expect(form.get_by_label("主办单位")).to_contain_text("星影物业")
    form.get_by_label("请对方做什么").fill("二楼三楼各换一个声控灯头")
    press(worker, "派给承办单位", within=form)
    reads(worker, "任务链接只显示这一次")
    link = worker.locator(".linkbox").inner_text()
    worker.reload()
    does_not_read(worker, "任务链接只显示这一次", link)

    # The company proves who it is, sees no resident, signs, works, answers with a photo.
    unit.goto(link)
    reads(unit, "有一件事请您办", "138****0901")
    does_not_read(unit, "声控灯", "星影苑 6幢")
    press(unit, "发验证码到这个手机")
    reads(unit, "没收到，再发一次")
    unit.get_by_label("6 位验证码").fill(code_told(world.property.phone, "handler_code"))
    unit.get_by_label("您的姓名").fill("翼火")
    press(unit, "打开任务")
    reads(unit, "二楼到三楼的声控灯不亮了三天", "二楼三楼各换一个声控灯头", "找我打***")
    does_not_read(unit, RESIDENT, "301室")
    assert unit.get_by_role("img", name="办前").count() == 2
    press(unit, "签收任务")
    reads(unit, "“签收任务”已记下", "办得怎样")
    reply = unit.locator("form", has=unit.get_by_label("办后的照片"))
    reply.locator("input[type=file]").set_input_files([photo("after.jpg", "#f0e8c0", "#d0b060")])
    unit.get_by_label("已解决", exact=True).check()
    reply.get_by_label("办得怎样").last.fill("两层都换了新灯头，试过能亮。")
    press(unit, "办好了，送去核实")
    reads(unit, "“办好了，送去核实”已记下")
    expect(unit.get_by_role("img", name="办后")).to_be_visible()

    # The worker goes to look, takes a photo and closes.
    go(worker, people, "desk:home")
    worker.get_by_role("link", name=re.compile("声控灯")).first.tap()
    reads(worker, "已反馈", "两层都换了新灯头，试过能亮。", "翼火")
    form = worker.locator("form", has=worker.get_by_label("给居民的答复"))
    form.locator("input[type=file]").set_input_files([photo("seen.jpg", "#fff4d0", "#e0c080")])
    worker.get_by_label("已解决", exact=True).check()
    worker.get_by_label("给居民的答复").fill("我去看过，二楼三楼都亮了。")
    press(worker, "我看过了，办结")
    reads(worker, "“我看过了，办结”已记下", "结果：已解决")

    # Both residents are told, and have the last word.
    for page in (resident, neighbour):
        go(page, people, "portal:inbox")
        reads(page, "您的报事已办结", "我去看过，二楼三楼都亮了。")
        page.get_by_role("link", name=re.compile("去看看.*您的报事已办结")).first.tap()
        reads(page, "结果：已解决", "角木看过现场", "解决了吗？")
        expect(page.get_by_role("img", name="办好以后的照片").first).to_be_visible()
    assert number in resident.inner_text("main") and number not in neighbour.inner_text("main")
    rate(resident, "满意")
    rate(neighbour, "不满意", "换的灯太暗，还是看不清台阶。")
    reads(neighbour, "会由另外的人联系您，不是被评价的人。")

    # The bad word reaches the call-back officer, not the one who was rated.
    officer = people.phone(world.callback)
    go(officer, people, "desk:callbacks")
    reads(officer, "差评等回访", "不满意", "换的灯太暗", "角木办的")
    officer.get_by_role("link", name=re.compile("声控灯")).first.tap()
    reads(officer, "已并案", number, "星影物业", "角木负责")  # whose work it was, and where that is told
    form = unfold_if_folded(officer, "回访：维持办结")
    form.get_by_label("回访的结果").fill("电话里说明了灯的功率，居民同意。")
    press(officer, "回访：维持办结")
    reads(officer, "“回访：维持办结”已记下")
    go(officer, people, "desk:callbacks")
    reads(officer, "没有等回访的")
    go(neighbour, people, "portal:inbox")
    reads(neighbour, "回访结果", "电话里说明了灯的功率")
    go(worker, people, "desk:home")
    does_not_read(worker, "换的灯太暗")


def rate(page, word, note=""):
    page.get_by_role("radio", name=word, exact=True).locator("xpath=..").tap()
    if note:
        page.get_by_label("还想说什么").fill(note)
    press(page, "送出评价")
    reads(page, "谢谢您的评价。", f"您的评价：{word}")


def unfold_if_folded(page, name):
    found = page.locator("summary", has_text=re.compile(f"^{name}$"))
    if not found.count():
        return page.locator("main")
    if not found.last.is_visible():
        page.locator("summary", has_text=re.compile("^更多$")).tap()
    found.last.tap()
    return page.locator("details", has=found).last


def take_on(worker, people, number):
    """The grid worker opens the matter and accepts it there."""
    go(worker, people, "desk:case", number)
    press(worker, "签收")
    reads(worker, "“签收”已记下")


def close(page, words, colour="#fff4d0"):
    """Go there, take a photo, say what was done."""
    form = page.locator("form", has=page.get_by_label("给居民的答复")).first
    form.locator("input[type=file]").set_input_files([photo("after.jpg", colour)])
    form.get_by_label("已解决", exact=True).check()
    form.get_by_label("给居民的答复").fill(words)


def test_a_refusal_says_why_and_where_else_and_somebody_above_looks_again(world, people):
    resident, worker, leader = people.phone(world.resident), people.phone(world.worker), people.phone(world.leader)
    number = report(resident, people, photos=1)

    go(worker, people, "desk:case", number)
    form = unfold_if_folded(worker, "不予受理")
    form.get_by_label("原因").select_option(label="不在本街道")
    form.get_by_label("请居民找谁").fill("隔壁街道的城管中队")
    form.get_by_label("给居民的说明").fill("这栋楼的灯归隔壁街道管。")
    press(worker, "不予受理", within=form)
    reads(worker, "“不予受理”已记下")

    go(resident, people, "portal:inbox")
    reads(resident, "您的报事没有受理", "不在本街道", "隔壁街道的城管中队")
    resident.get_by_role("link", name=re.compile("去看看.*没有受理")).first.tap()
    reads(resident, "没有受理：不在本街道", "您可以找：隔壁街道的城管中队", "这栋楼的灯归隔壁街道管。", "不同意？")
    resident.get_by_label("为什么请再看一次").fill("星影苑就在望星街道，门牌上写着。")
    press(resident, "请再看一次")
    reads(resident, "收到，会由另一个人再看一次。", "您请我们再看一次", "等女土签收")

    # The one who refused may not take it back; the named leader accepts.
    go(worker, people, "desk:case", number)
    reads(worker, "星影苑就在望星街道，门牌上写着。")
    assert not worker.get_by_role("button", name="签收", exact=True).count()
    go(leader, people, "desk:home")
    reads(leader, "在您手上", "声控灯")
    leader.get_by_role("link", name=re.compile("声控灯")).first.tap()
    press(leader, "签收")
    reads(leader, "“签收”已记下")
    resident.reload()
    reads(resident, "女土已签收，由他负责到底")


def test_a_dispute_brings_a_named_person_above_and_another_pair_of_eyes(world, people):
    resident, worker, leader = people.phone(world.resident), people.phone(world.worker), people.phone(world.leader)
    number = report(resident, people, photos=1)
    take_on(worker, people, number)
    close(worker, "灯换好了。")
    press(worker, "我看过了，办结")
    reads(worker, "“我看过了，办结”已记下")

    go(resident, people, "reports:matter", number)
    reads(resident, "结果：已解决", "灯换好了。", "解决了吗？")
    press(resident, "没解决", kind="link")
    resident.get_by_label("哪里没办好").fill("三楼还是黑的，只换了二楼。")
    press(resident, "没办好，请重新办")
    reads(resident, "我们记下了，换人重新办。", "您说没办好，换人重新办", "女土")
    go(resident, people, "portal:inbox")
    reads(resident, "已换人再办", "现在由女土负责")

    # The leader holds it now, works on it, and may not close it alone.
    go(leader, people, "desk:home")
    reads(leader, "在您手上")
    leader.get_by_role("link", name=re.compile("声控灯")).first.tap()
    reads(leader, "居民不认可，重办", "三楼还是黑的，只换了二楼。")
    assert not leader.get_by_role("button", name="我看过了，办结", exact=True).count()
    form = unfold_if_folded(leader, "自己办")
    press(leader, "自己办")
    reads(leader, "“自己办”已记下")
    form = leader.locator("form", has=leader.get_by_label("办后的照片")).first
    form.locator("input[type=file]").set_input_files([photo("third.jpg", "#ffe0a0")])
    form.get_by_label("已解决", exact=True).check()
    form.get_by_label("办得怎样").last.fill("三楼的线路修好了。")
    press(leader, "办好了，送去核实")
    reads(leader, "“办好了，送去核实”已记下")

    # The first closer has no way to close it; somebody who did none of the work does.
    go(worker, people, "desk:case", number)
    for name in ("我看过了，办结", "核实办结"):
        assert not worker.get_by_role("button", name=name, exact=True).count()
    verifier = people.phone(world.verifier)
    go(verifier, people, "desk:verify")
    verifier.get_by_role("link", name=re.compile("声控灯")).first.tap()
    reads(verifier, "三楼的线路修好了。")
    close(verifier, "上门看过，二楼三楼都亮。", "#ffeecc")
    press(verifier, "核实办结")
    reads(verifier, "“核实办结”已记下")
    go(resident, people, "reports:matter", number)
    reads(resident, "室火核实", "不是办理的人", "上门看过，二楼三楼都亮。")
    reads(resident, "如果问题还在，请再报一件，我们会接着上次的办。")
    rate(resident, "非常满意")


def test_a_word_to_the_grid_worker_becomes_a_matter_with_an_owner_and_a_date(world, people):
    resident, worker = people.phone(world.resident), people.phone(world.worker)
    go(resident, people, "portal:home")
    press(resident, "发消息", kind="link")
    reads(resident, "角木", "您的专属网格员")
    resident.get_by_label("说一句").fill("二楼的声控灯又不亮了，能来看看吗？")
    press(resident, "发送")
    reads(resident, "二楼的声控灯又不亮了", "已送达")

    go(worker, people, "desk:home")
    press(worker, "消息", kind="link", exact=False)  # the rail says how many wait
    reads(worker, "1 位在等回复", "老斗")
    press(worker, "老斗", kind="link")
    reads(worker, "能来看看吗？", "这之前请回复")
    worker.get_by_label("回复").fill("看到了，我帮您记成一件报事。")
    press(worker, "发送")
    reads(worker, "看到了，我帮您记成一件报事。")
    press(worker, "转成报事", kind="link", exact=False)
    worker.get_by_label("类别").select_option(label="楼道灯/单元门损坏")
    expect(worker.get_by_label("地点")).to_have_value("星影苑 6幢2单元")
    press(worker, "替居民报事")
    reads(worker, "已经成为报事")

    go(resident, people, "portal:inbox")
    reads(resident, "网格员回复了您")
    go(resident, people, "reports:thread")
    reads(resident, "看到了，我帮您记成一件报事。", "已读")
    press(resident, "已经成为报事", kind="link", exact=False)
    reads(resident, "工作人员替您报了这件事", "二楼的声控灯又不亮了", "等角木签收")


def test_a_resident_turns_a_message_into_a_report(world, people):
    resident = people.phone(world.resident)
    go(resident, people, "reports:thread")
    resident.get_by_label("说一句").fill("单元门关不上，晚上谁都能进来。")
    press(resident, "发送")
    press(resident, "这件事要有人办：转成报事", exact=False)
    expect(resident.get_by_label("再说几句")).to_have_value("单元门关不上，晚上谁都能进来。")
    press(resident, "下一步：说地点")
    press(resident, "下一步：核对")
    press(resident, "送出")
    reads(resident, "收到了，谢谢您。")
    go(resident, people, "reports:thread")
    reads(resident, "已经成为报事")


def test_from_the_plate_to_the_rating_without_any_script(world, people):
    resident, worker = people.phone(js=False), people.phone(world.worker, js=False)
    bind(resident, people, world, RESIDENT, "301室")
    go(resident, people, "reports:new")
    resident.locator("input[type=file]").set_input_files([photo("1.jpg", mark="#5a4a1a"), photo("2.jpg")])
    press(resident, "把选好的照片加上")
    expect(resident.get_by_role("img", name="第 2 张照片")).to_be_visible()
    press(resident, "去掉第 1 张")
    expect(resident.get_by_role("img", name="第 2 张照片")).to_have_count(0)
    resident.get_by_label("再说几句").fill("灯坏")
    press(resident, "下一步：说地点")
    reads(resident, "再多写几个字，说说是什么事")
    expect(resident.get_by_role("img", name="第 1 张照片")).to_be_visible()
    resident.get_by_label("再说几句").fill(LIGHT)
    press(resident, "下一步：说地点")
    reads(resident, "在哪里？", "您住的地方（不写房号）")
    resident.get_by_text("二楼", exact=True).tap()
    press(resident, "下一步：核对")
    reads(resident, "核对一下", "星影苑 6幢2单元 二楼", "我们猜是")
    resident.get_by_text("楼道灯/单元门损坏", exact=True).tap()
    press(resident, "送出")
    reads(resident, "收到了，谢谢您。", "公共设施 · 楼道灯/单元门损坏")
    number = number_on(resident)

    take_on(worker, people, number)
    close(worker, "换了灯头，亮了。")
    press(worker, "我看过了，办结")
    reads(worker, "“我看过了，办结”已记下")

    go(resident, people, "portal:inbox")
    press(resident, re.compile("去看看.*您的报事已办结"), kind="link")
    reads(resident, "结果：已解决", "换了灯头，亮了。")
    press(resident, "送出评价")
    reads(resident, "请选一个评价。")
    rate(resident, "满意", "来得很快。")


@pytest.mark.looks
@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize(("elder", "language"), [(False, ""), (True, ""), (False, "en"), (True, "en")])
def test_a_report_fits_a_small_phone_large_type_and_english(world, people, english, width, elder, language):
    page = people.phone(world.resident, width=width, elder=elder, language=language)
    least = 60 if elder else 44
    go(page, people, "portal:home")
    fits(page, least)
    go(page, people, "reports:new")
    expect(page.locator("html")).to_have_attribute("lang", "en" if language else "zh-CN")
    fits(page, least)
    page.locator("input[type=file]").set_input_files([photo()])
    expect(page.locator(".photo.mine img")).to_be_visible()
    ready(page)
    page.locator("#what").fill(LIGHT)
    page.locator("#guess .chip").first.tap()
    fits(page, least)
    page.locator(".bar [value=next]").tap()
    page.wait_for_url("**/place/")
    fits(page, least)
    page.locator(".bar [value=next]").tap()
    page.wait_for_url("**/send/")
    fits(page, least)
    page.locator(".bar .btn-act").tap()
    page.wait_for_url("**/matters/**")
    fits(page, least)
    if language:
        reads(page, "We have it, thank you.")
        does_not_read(page, "谁在办", "几时好", "您报的")
    else:
        reads(page, "谁在办", "几时好", "您报的")


@pytest.mark.parametrize("js", [True, False], ids=["script", "plain"])
def test_pressing_send_twice_makes_one_report_and_going_back_sends_nothing(world, people, js):
    page = people.phone(world.resident, js=js)
    go(page, people, "reports:new")
    page.get_by_label("再说几句").fill(LIGHT)
    press(page, "下一步：说地点")
    press(page, "下一步：核对")
    page.get_by_role("button", name="送出", exact=True).dblclick()
    reads(page, "收到了，谢谢您。")
    number = number_on(page)
    page.go_back()
    does_not_read(page, "收到了，谢谢您。")
    go(page, people, "reports:matters")
    assert page.get_by_role("heading", name=re.compile("声控灯")).count() == 1
    press(page, "二楼到三楼的声控灯", kind="link", exact=False)
    assert number_on(page) == number


def test_what_was_written_is_there_again_after_the_session_was_lost(world, people):
    page = people.phone(world.resident)
    say(page, people, LIGHT, photos=1)
    press(page, "下一步：核对")
    reads(page, "核对一下")
    end_all_sessions(world.resident)
    press(page, "送出")
    come_back(page, world.resident.phone)
    reads(page, "核对一下", "二楼到三楼的声控灯不亮了三天")
    expect(page.get_by_role("img", name="第 1 张照片")).to_be_visible()
    press(page, "送出")
    reads(page, "收到了，谢谢您。")


def test_words_typed_and_not_sent_survive_a_page_that_was_lost(world, people):
    page = people.phone(world.resident)
    go(page, people, "reports:new")
    page.get_by_label("再说几句").fill(LIGHT)
    go(page, people, "portal:home")
    go(page, people, "reports:new")
    expect(page.get_by_label("再说几句")).to_have_value(LIGHT)


def test_what_a_resident_disputes_is_not_lost_with_the_session(world, people):
    resident, worker = people.phone(world.resident), people.phone(world.worker)
    number = report(resident, people, photos=1)
    take_on(worker, people, number)
    close(worker, "灯换好了。")
    press(worker, "我看过了，办结")
    reads(worker, "结果：已解决")
    go(resident, people, "reports:matter", number)
    ready(resident)
    resident.get_by_label("哪里没办好").fill("三楼还是黑的。")
    end_all_sessions(world.resident)
    press(resident, "没办好，请重新办")
    come_back(resident, world.resident.phone)
    reads(resident, "解决了吗？")
    expect(resident.get_by_label("哪里没办好")).to_have_value("三楼还是黑的。")
    press(resident, "没办好，请重新办")
    reads(resident, "我们记下了，换人重新办。")
    go(resident, people, "reports:matters")
    go(resident, people, "reports:matter", number)
    reads(resident, "三楼还是黑的。", "女土")


@pytest.fixture
def clock(monkeypatch):
    """The hour as the house knows it: `clock(moment)` sets it, and it runs on from there."""

    def set_to(moment):
        ahead = moment - datetime.now(UTC)
        monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + ahead)

    return set_to


def sent_by(world, words="路面塌了一个坑，雨天看不见，老人差点摔倒。", code="XQ201"):
    """A report of the resident, taken on by the worker."""
    category = Category.objects.get(code=code, scheme="resident")
    case = intake.submit(world.resident, text=words, location=locate(place=world.entrance), category=category)
    return perform(case, "accept", actor_on(case, world.worker))


def handed_to(world, case, unit, by=None):
    """The matter sent to a unit; the link that the unit gets."""
    links = []
    perform(case, "dispatch", actor_on(case, by or world.dispatcher), unit=unit, note="请修好", links=links)
    return links[-1][1]


def enter(page, people, link, unit, name):
    """The unit proves who it is."""
    page.goto(people.url + link)
    press(page, "发验证码到这个手机")
    reads(page, "没收到，再发一次")
    page.get_by_label("6 位验证码").fill(code_told(unit.phone, "handler_code"))
    page.get_by_label("您的姓名").fill(name)
    press(page, "打开任务")
    reads(page, "签收任务")


def give_back(page, why, whose):
    form = unfold_if_folded(page, "退回")
    form.get_by_label("为什么退回").fill(why)
    form.get_by_label("应该由谁来办").fill(whose)
    press(page, "退回", within=form)
    reads(page, "任务已退回", "由派单的人另派")


def test_two_units_return_it_a_meeting_decides_and_the_named_unit_cannot_return_it(world, people, clock):
    clock(at(9))
    case = sent_by(world)
    clock(at(9, 30))
    company, crew = people.phone(), people.phone()
    enter(company, people, handed_to(world, case, world.property), world.property, "翼火")
    give_back(company, "市政道路不归物业", "望星小修队")
    enter(crew, people, handed_to(world, Case.objects.get(), world.contractor), world.contractor, "轸水")
    give_back(crew, "坑在小区红线里", "星影物业")

    # Nobody dispatches any more; the centre sees that a meeting is due, holds it, and names the unit.
    worker, dispatcher = people.phone(world.worker), people.phone(world.dispatcher, width=1280)
    go(worker, people, "desk:case", case.number)
    reads(worker, "等会办")
    assert not worker.get_by_role("button", name="派给承办单位").count()
    go(dispatcher, people, "desk:queue")
    reads(dispatcher, "路面塌了一个坑")
    go(dispatcher, people, "desk:case", case.number)
    reads(dispatcher, "等会办", "坑在小区红线里")
    form = dispatcher.locator("form", has=dispatcher.get_by_label("谁参加了"))
    form.get_by_label("主办单位").select_option(str(world.property.pk))
    form.get_by_label("谁参加了").fill("值班长、物业、小修队")
    form.get_by_label("会办怎么定的").fill("坑在红线以内，由物业修。")
    press(dispatcher, "会办指定")
    reads(dispatcher, "“会办指定”已记下")
    link = dispatcher.locator(".linkbox").first.inner_text().replace(people.url, "")

    # The unit reads that it was decided; it may say why it disagrees, and works on.
    clock(at(11))
    page = people.phone()
    enter(page, people, re.sub(r"^https?://[^/]+", "", link), world.property, "翼火")
    assert not page.locator("form[action*=return_order]").count()
    press(page, "签收任务")
    reads(page, "“签收任务”已记下")
    form = unfold_if_folded(page, "对指定有异议")
    form.get_by_label("为什么不该您单位办").fill("图纸上这一段是市政的。")
    press(page, "对指定有异议", within=form)
    reads(page, "“对指定有异议”已记下")
    duty = people.phone(world.duty)
    go(duty, people, "desk:case", case.number)
    reads(duty, "图纸上这一段是市政的。")
    form = unfold_if_folded(duty, "不同意申请")
    form.get_by_label("为什么不同意").fill("会办看过图纸，维持。")
    press(duty, "不同意申请", within=form)
    reads(duty, "“不同意申请”已记下")

    # The resident reads who has it now, and nothing of the quarrel.
    resident = people.phone(world.resident)
    go(resident, people, "reports:matter", case.number)
    reads(resident, "星影物业")
    does_not_read(resident, "红线", "图纸", "退回")


def test_what_waits_over_a_holiday_says_so_in_public_and_goes_on_where_it_stood(world, people, clock):
    # The holidays begin on Thursday 1 October; Saturday 10 October is worked in their stead.
    clock(at(9, day=date(2026, 9, 28)))
    case = sent_by(world)
    Case.objects.filter(pk=case.pk).update(handle_limit="5wd", due_at=at(17, 30, day=date(2026, 10, 12)))
    perform(Case.objects.get(), "start", actor_on(case, world.worker))
    clock(at(10, day=date(2026, 9, 29)))
    duty, resident, visitor = people.phone(world.duty), people.phone(world.resident), people.phone()
    go(duty, people, "desk:case", case.number)
    form = unfold_if_folded(duty, "挂起")
    form.get_by_label("给居民的说明").fill("连续下雨，沥青铺不了。")
    form.get_by_label("打算怎么解决").fill("雨停后重铺这一段路面")
    form.get_by_label("哪一天再看").fill("2026-10-09")
    press(duty, "挂起", within=form)
    reads(duty, "“挂起”已记下")
    go(resident, people, "reports:matter", case.number)
    reads(resident, "限期解决", "连续下雨，沥青铺不了。", "雨停后重铺这一段路面", "10月9日")
    go(visitor, people, "reports:public_waiting")
    reads(visitor, "雨停后重铺这一段路面", "10月9日")
    does_not_read(visitor, "老人差点摔倒", world.resident.name)

    clock(at(9, day=date(2026, 10, 9)))
    duty, resident = people.phone(world.duty), people.phone(world.resident)  # the sessions of last month are over
    go(duty, people, "desk:case", case.number)
    unfold_if_folded(duty, "接着办")
    press(duty, "接着办")
    reads(duty, "“接着办”已记下")
    # 28 September counted for nothing; 9, 10 (worked), 12, 13 and 14 October do.
    go(resident, people, "reports:matter", case.number)
    reads(resident, "10月14日")
    does_not_read(resident, "限期解决")
    go(visitor, people, "reports:public_waiting")
    does_not_read(visitor, "雨停后重铺这一段路面")


def test_a_bad_rating_is_called_back_by_another_reopened_and_closed_by_another(world, people, clock):
    clock(at(9))
    case = sent_by(world, LIGHT)
    clock(at(10))
    worker, resident = people.phone(world.worker), people.phone(world.resident)
    go(worker, people, "desk:case", case.number)
    close(worker, "灯换好了。")
    worker.get_by_label("没有办前照片的原因").first.fill("到场时已经黑了，拍不清。")
    press(worker, "我看过了，办结")
    reads(worker, "“我看过了，办结”已记下")
    go(resident, people, "reports:matter", case.number)
    rate(resident, "非常不满意", "还是不亮，白跑一趟。")

    # Not the one who was rated: the officer rings, and it is not solved.
    officer = people.phone(world.callback)
    go(worker, people, "desk:case", case.number)
    does_not_read(worker, "回访：维持办结")
    go(officer, people, "desk:callbacks")
    reads(officer, "还是不亮，白跑一趟。")
    officer.get_by_role("link", name=re.compile("声控灯")).first.tap()
    reads(officer, case.number)
    form = unfold_if_folded(officer, "重新办理")
    form.get_by_label("回访、抽查看到了什么").fill("居民说三楼一直不亮，视频里看得到。")
    press(officer, "重新办理", within=form)
    reads(officer, "“重新办理”已记下")
    go(resident, people, "reports:matter", case.number)
    reads(resident, "女土")

    # A named person above works on it, with half the time, and somebody else closes it.
    leader, verifier = people.phone(world.leader), people.phone(world.verifier)
    go(leader, people, "desk:case", case.number)
    unfold_if_folded(leader, "自己办")
    press(leader, "自己办")
    reads(leader, "“自己办”已记下")
    form = leader.locator("form", has=leader.get_by_label("办后的照片")).first
    form.locator("input[type=file]").set_input_files([photo("third.jpg", "#ffe0a0")])
    form.get_by_label("已解决", exact=True).check()
    form.get_by_label("办得怎样").last.fill("三楼的线路修好了。")
    press(leader, "办好了，送去核实")
    reads(leader, "“办好了，送去核实”已记下")
    go(worker, people, "desk:case", case.number)
    assert not worker.get_by_role("button", name="核实办结", exact=True).count()
    go(verifier, people, "desk:case", case.number)
    close(verifier, "上门看过，二楼三楼都亮。", "#ffeecc")
    press(verifier, "核实办结")
    reads(verifier, "“核实办结”已记下")
    go(resident, people, "reports:matter", case.number)
    rate(resident, "满意")
    go(officer, people, "desk:callbacks")
    reads(officer, "没有等回访的")


def test_eleven_neighbours_report_one_burst_pipe_and_each_has_the_last_word(world, people, clock):
    clock(at(9))
    words = "水管爆了，一楼楼道全是水。"
    kind = Category.objects.get(code="XQ204", scheme="resident")
    case = intake.submit(world.resident, text=words, location=locate(place=world.entrance), category=kind)
    clock(at(9, 2))
    joined = []
    for n in range(9):
        token = near(kind, locate(place=world.entrance), at(9, 2))[0]["token"]
        joined.append(intake.join(resident(f"邻居{n}", f"1380003{n:04d}", world.entrance), token))
    neighbour, worker = people.phone(world.neighbour), people.phone(world.worker)
    say(neighbour, people, "水管爆了，楼道里漫出来了。", photos=1, kind="公共水管爆裂/漏水")
    press(neighbour, "下一步：核对")
    reads(neighbour, "是不是同一件事？", "10 人遇到")
    press(neighbour, "我也遇到")
    reads(neighbour, "记下了，您也遇到。")
    mine = number_on(neighbour)

    # One word of the worker reaches all eleven.
    go(worker, people, "desk:case", case.number)
    reads(worker, "紧急", "11 人遇到")
    press(worker, "签收")
    reads(worker, "“签收”已记下")
    form = unfold_if_folded(worker, "告诉所有遇到的人")
    form.get_by_label("告诉大家什么").fill("抢修队十点到，请先关好家里的水阀。")
    press(worker, "告诉所有遇到的人", within=form)
    reads(worker, "“告诉所有遇到的人”已记下")
    assert Message.objects.filter(act="broadcast").count() == 11
    go(neighbour, people, "portal:inbox")
    reads(neighbour, "抢修队十点到，请先关好家里的水阀。")

    # The company mends it; urgent, so somebody else closes. All are told, one is not satisfied and goes on alone.
    link = handed_to(world, Case.objects.get(pk=case.pk), world.property, by=world.worker)
    task = Task.objects.select_related("unit").get(case=case)
    for name, said in (("sign", {}), ("reply", {"outcome": "solved", "note": "换了一段水管。"})):
        pictures = [(stored_photo(), "after")] if name == "reply" else []
        perform(Case.objects.get(pk=case.pk), name, handler_on(task, "翼火"), photos=pictures, **said)
    assert link
    verifier = people.phone(world.verifier)
    go(verifier, people, "desk:case", case.number)
    close(verifier, "看过了，不漏了，水也扫干净了。")
    press(verifier, "核实办结")
    reads(verifier, "“核实办结”已记下")
    assert Message.objects.filter(act="closed").count() == 11
    go(neighbour, people, "reports:matter", mine)
    rate(neighbour, "不满意", "我家门口还在滴水。")
    form = neighbour.locator("#dispute form")
    form.get_by_role("textbox").fill("我家门口还在滴水。")
    form.get_by_role("button").tap()
    reads(neighbour, "改为单独办理了。", "等奎木签收")
    assert Case.objects.get(pk=case.pk).headcount == 10


def test_a_domestic_violence_report_reaches_the_police_in_one_tap_and_endangers_nobody(world, people):
    reporter, worker, elsewhere = people.phone(world.neighbour), people.phone(world.worker), people.phone()
    go(reporter, people, "reports:new")
    ready(reporter)
    reporter.get_by_label("再说几句").fill("隔壁家暴，男的往死里打老婆，孩子一直在哭。")
    reads(reporter, "先打电话，不要等", "有人可能正在受伤害")
    expect(reporter.locator("#dial a[href='tel:110']")).to_be_visible()
    assert not Case.objects.exists()  # the number stands there before anything is kept
    press(reporter, "下一步：说地点")
    press(reporter, "下一步：核对")
    press(reporter, "送出")
    reads(reporter, "收到了，谢谢您。")
    number = number_on(reporter)

    # The worker: the police first, one tap; who took the call stays on the case.
    go(worker, people, "desk:case", number)
    first = worker.locator("main .btn-main, main .btn-act").filter(visible=True).first
    expect(first).to_have_text("已报警")
    press(worker, "已报警")
    reads(worker, "“已报警”已记下", "110 接警台接收", world.worker.name)
    expect(worker.locator("main .btn-main, main .btn-act").filter(visible=True).first).not_to_have_text("已报警")

    # Whoever holds the reporter's phone learns nothing of it.
    for name, args in (
        ("reports:matter", [number]),
        ("portal:inbox", []),
        ("reports:matters", []),
        ("portal:home", []),
    ):
        go(reporter, people, name, *args)
        does_not_read(reporter, "报警", "110 接警台", "公安", "派出所", "保密")
        for word in ("家暴", "打老婆"):
            expect(reporter.locator("body")).not_to_contain_text(word, use_inner_text=True)
    # Their own words are one tap away for themselves.
    go(reporter, people, "reports:matter", number)
    reporter.locator("summary", has_text="您报的").tap()
    reads(reporter, "往死里打老婆")
    # Nor does anybody elsewhere.
    for name in ("reports:public", "reports:public_map", "reports:public_waiting"):
        go(elsewhere, people, name)
        does_not_read(elsewhere, number, "家暴", "打老婆")
    far = people.phone(world.other_secretary)
    for asked in (number, "家暴"):
        far.goto(f"{people.url}{reverse('desk:search')}?q={asked}")
        reads(far, "没有找到")
    far.goto(people.url + reverse("desk:case", args=[number]))
    does_not_read(far, "打老婆")
