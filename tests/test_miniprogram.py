"""The mini-program from its own source, in a real browser against the real server: residents, workers, 375 px."""

import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from fakes import wechat as fake_wechat
from weilianxin.api import tickets
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Event
from weilianxin.config import demo, mini
from weilianxin.files.models import Photo
from weilianxin.notify.deliver import deliver_due
from weilianxin.notify.models import WECHAT, Outbox, Template
from weilianxin.people.models import Attempt
from weilianxin.programmes.reports.models import Parameter, Report
from weilianxin.programmes.reports.pages import public
from weilianxin.programmes.rounds.models import Plan

from .support import browser as chromium
from .support import storm, visitors
from .support.journey import WAIT, does_not_read, photo, reads

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SOURCE = Path(mini.FOLDER).parent
NODE = Path(sys.executable).with_name("node")
PASSWORD = "wangxing-lamp-2026"
TOO_OFTEN = {"error": {"code": "throttled", "message": "操作得太勤了，请过一会儿再试。", "field": None}}
LAMPS = "楼道灯/单元门损坏"
LAMP = "二楼到三楼的声控灯不亮了三天，老人晚上上楼看不见。"


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The mini-program's files, built from the source as it stands."""
    assert (SOURCE / "node_modules").exists(), "the tools are missing: make mini"
    folder = tmp_path_factory.mktemp("mini")
    made = subprocess.run([NODE, SOURCE / "harness/build.mjs", folder], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder


class Phones:
    """Telephones with the mini-program on them, each with its own storage."""

    def __init__(self, browser, url):
        self.browser, self.url, self.contexts = browser, url, []

    def phone(self, *, scene="", elder=False, lang="zh"):
        context = self.browser.new_context(
            viewport={"width": 375, "height": 812},
            has_touch=True,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            service_workers="block",
        )
        chromium.watch(context)
        context.set_default_timeout(WAIT)
        look = json.dumps({"lang": lang, "elder": "elder" if elder else ""})
        context.add_init_script(
            "if (location.protocol === 'http:')"
            f"localStorage.getItem('mini:look') || localStorage.setItem('mini:look', {json.dumps(look)})"
        )
        self.contexts.append(context)
        page = context.new_page()
        page.goto(f"{self.url}/mini/" + (f"?scene={scene}" if scene else ""))
        return page

    def open(self, page, route):
        """Go straight to a page, as from a message."""
        page.evaluate("route => wx.reLaunch({ url: '/' + route })", route)

    def close(self):
        for context in self.contexts:
            context.close()
        for context in self.contexts:
            chromium.assert_stayed_home(context)
            assert not context.complaints, context.complaints


@pytest.fixture
def phones(world, live_url, chromium_browser, built, settings, monkeypatch):
    settings.DEMO = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(mini, "FOLDER", built)
    opened = Phones(chromium_browser, live_url)
    yield opened
    opened.close()


def tap(page, name, kind="button", exact=True):
    page.get_by_role(kind, name=name, exact=exact).filter(visible=True).first.tap()


def fill(page, label, words):
    page.get_by_label(label).filter(visible=True).first.fill(words)


def come_in(page, phone):
    """Sign in by SMS; the demo shows the code. Nothing is agreed to beforehand."""
    agree = page.get_by_role("checkbox", name=re.compile("我同意"))
    expect(agree).to_have_attribute("aria-checked", "false")
    agree.tap()
    fill(page, "手机号", phone)
    tap(page, "给我发验证码")
    reads(page, "验证码就在这里")
    fill(page, "短信验证码", re.search(r"就在这里：\s*(\d{6})", page.inner_text("#stage"))[1])
    tap(page, "登录")


def take_photo(page, name="before.jpg", colour="#8a9ab0"):
    with page.expect_file_chooser() as chooser:
        tap(page, re.compile("拍照或选照片|再拍一张"), exact=False)
        agree = page.get_by_role("button", name="同意", exact=True)
        if not page.evaluate("localStorage.getItem('mini-privacy')"):
            agree.filter(visible=True).first.tap()
    chooser.value.set_files([photo(name, colour)])
    expect(page.get_by_role("button", name="去掉第 1 张").filter(visible=True)).to_be_visible()


def report(page, words, *, guess=LAMPS, with_photo=True):
    """The three steps for one's own entrance, to the page before sending."""
    tap(page, "我要报事")
    if with_photo:
        take_photo(page)
    fill(page, "再说几句", words)
    page.get_by_label("再说几句").first.blur()
    if guess:
        tap(page, guess, "radio")
    tap(page, "下一步：说地点")
    reads(page, "您住的地方（不写房号）")
    tap(page, "下一步：核对")
    reads(page, "送出以后")


def by_password(page, world):
    fill(page, "登录名", world.worker.username)
    fill(page, "密码", PASSWORD)
    tap(page, "登录")
    reads(page, "居民的消息")


def with_password(world):
    world.worker.set_password(PASSWORD)
    world.worker.last_login = timezone.now()
    world.worker.save()


def signed_in_resident(phones, world):
    me = phones.phone()
    phones.open(me, "pages/signin/index")
    come_in(me, world.resident.phone)
    reads(me, "角木", "我要报事")
    return me


def signed_in_worker(phones, world):
    with_password(world)
    page = phones.phone()
    phones.open(page, "packages/desk/signin/index")
    by_password(page, world)
    return page


def test_from_the_plate_to_the_last_word(phones, world):
    # Scan: whose place this is, without signing in.
    me = phones.phone(scene=world.plate.code)
    reads(me, "星影苑 6幢2单元", "天枢社区 · 第一网格", "角木", "这里的网格员")
    tap(me, "我住这里，绑定")

    # Bind: the room is offered to whoever is signed in, nothing is chosen for anybody.
    reads(me, "您选的是", "您和这里的关系")
    expect(me.get_by_role("radio", checked=True)).to_have_count(0)
    tap(me, "住在这里", "radio", exact=False)
    tap(me, "就是这里")
    come_in(me, "13800000077")
    reads(me, "哪一室")
    tap(me, "301室", "radio", exact=False)
    tap(me, "住在这里", "radio", exact=False)
    tap(me, "就是这里")
    reads(me, "您的专属网格员", "角木", "现在没有在办的事")
    does_not_read(me, "301室")

    # Report with a photo and a voice note.
    tap(me, "我要报事")
    take_photo(me)
    fill(me, "再说几句", LAMP)
    tap(me, "按一下，开始说")
    reads(me, "正在录，最长一分钟。")
    me.wait_for_timeout(1200)
    tap(me, "说好了，停下")
    tap(me, LAMPS, "radio")
    tap(me, "下一步：说地点")
    tap(me, "三楼", "radio")
    tap(me, "下一步：核对")
    reads(me, "送出以后", "角木", LAMP, "有录音", "三楼")
    tap(me, "送出")
    reads(me, "收到了，谢谢您。", "等角木签收", "听录音")
    case = Case.objects.get()
    assert case.channel == "mini_program" and case.grid == world.grid and case.sound is not None
    assert Report.objects.get().category.name == LAMPS
    number = case.number

    # The worker accepts in one tap, looks at it, and closes with an after-photo.
    worker = signed_in_worker(phones, world)
    reads(worker, "声控灯", "星影苑 6幢2单元")
    tap(worker, "签收")
    reads(worker, "签收了：")
    tap(worker, re.compile("声控灯"), "link", exact=False)
    reads(worker, number, "听录音", "办到哪一步了")
    expect(worker.locator(".photo-strip__img img").first).to_be_visible()
    does_not_read(worker, "13800000077")
    tap(worker, "我看过了，办结")
    reads(worker, "办之前是这样")
    tap(worker, "我看过了，办结")
    reads(worker, "请填这一项")  # nothing is chosen beforehand
    take_photo(worker, "after.jpg", "#fff4d0")
    tap(worker, "已解决", "radio")
    fill(worker, "给居民的答复", "我去看过，二楼三楼都亮了。")
    tap(worker, "我看过了，办结")
    reads(worker, "办好了：我看过了，办结")
    case.refresh_from_db()
    assert case.state == "closed"

    # The resident gets the message and has the last word, with nothing preselected.
    phones.open(me, "pages/home/index")
    reads(me, "待您确认")
    tap(me, re.compile("^消息"), "link", exact=False)
    reads(me, "您的报事已办结", "我去看过，二楼三楼都亮了。")
    me.get_by_role("link").filter(has_text="您的报事已办结").first.tap()
    reads(me, "角木办结", "办后")
    expect(me.get_by_role("radio")).to_have_count(5)
    expect(me.get_by_role("radio", checked=True)).to_have_count(0)
    tap(me, "不满意", "radio")
    me.locator("act-form").get_by_role("button").last.tap()
    reads(me, "评价收到了")
    tap(me, "没办好，请重新办", exact=False)
    me.locator("act-form textarea").fill("三楼的还是黑的。")
    me.locator("act-form").get_by_role("button").last.tap()
    reads(me, "送出了，谢谢您。", "女土")
    assert [*Event.objects.filter(case=case).order_by("seq").values_list("act", flat=True)][-2:] == ["rate", "dispute"]


@pytest.fixture
def made_up_wechat(phones, live_url, settings, tmp_path):
    """The platform as the demo starts it, with its pushes coming in to our server."""
    for template in Template.objects.all():
        template.template_id = f"DEMO-{template.purpose}"
        template.save()
    settings.DATA_DIR = tmp_path
    running, told = demo.wechat(live_url)
    for name, value in told.items():
        setattr(settings, name, value)
    yield running.platform
    running.stop()


def test_progress_is_told_in_wechat_and_a_tap_on_it_opens_the_matter(phones, world, made_up_wechat):
    me = phones.phone(scene=world.plate.code)
    tap(me, "在这里报一件事")
    take_photo(me)
    fill(me, "再说几句", LAMP)
    me.get_by_label("再说几句").first.blur()
    tap(me, LAMPS, "radio")
    tap(me, "下一步：说地点")
    tap(me, "下一步：核对")
    tap(me, "用手机号登录，再送出")

    # One tap of WeChat: the number is the phone's own, nothing is typed.
    me.get_by_role("checkbox", name=re.compile("我同意")).tap()
    tap(me, "用微信里的手机号登录")
    me.get_by_role("dialog").get_by_text("老斗").tap()
    tap(me, "允许")
    tap(me, "送出")
    reads(me, "收到了，谢谢您。", "要不要在微信里告诉您办到哪一步？")
    tap(me, "有进展告诉我")
    tap(me, "允许")
    reads(me, "好的，有进展在微信里告诉您。")

    worker = signed_in_worker(phones, world)
    tap(worker, "签收")
    reads(worker, "签收了：")
    noon = storm.noon() + timedelta(days=1)
    assert deliver_due(noon) == 1, "accepted"
    tap(worker, re.compile("声控灯"), "link", exact=False)
    tap(worker, "我看过了，办结")
    take_photo(worker, "after.jpg", "#fff4d0")
    tap(worker, "已解决", "radio")
    fill(worker, "给居民的答复", "我去看过，二楼三楼都亮了。")
    tap(worker, "我看过了，办结")
    reads(worker, "办好了：我看过了，办结")
    assert deliver_due(noon) == 1, "closed"
    mine = Outbox.objects.filter(account=world.resident)
    assert [*mine.values_list("channel", "state")] == [(WECHAT, Outbox.SENT)] * 2
    assert [row["title"] for row in made_up_wechat.ledger] == ["报事受理通知", "报事办结通知"]

    # What came in WeChat leads back to the matter.
    me.get_by_role("button", name="小程序菜单").tap()
    tap(me, "微信里收到的消息")
    newest = me.get_by_role("dialog").get_by_role("button").first
    expect(newest).to_contain_text("报事办结通知")
    expect(newest).to_contain_text("我去看过，二楼三楼都亮了。")
    newest.tap()
    reads(me, "角木办结", Case.objects.get().number)


def test_what_is_written_without_a_network_is_sent_once_when_it_is_back(phones, world):
    me = signed_in_resident(phones, world)
    report(me, LAMP)

    # The network goes in the middle: what was written is kept, also by a phone that is switched off.
    me.context.set_offline(True)
    tap(me, "送出")
    reads(me, "存在手机里了，连上网络自动送出。", "等着送出", LAMP)
    me.route("**/api/v1/**", lambda route: route.abort())
    me.context.set_offline(False)
    me.reload()
    reads(me, "等着送出", LAMP, "1 张照片")
    assert not Case.objects.exists()

    # The server takes it, but its answer is lost on the way: the same key makes the second try harmless.
    lost = []

    def swallow(route):
        if route.request.method == "POST" and route.request.url.endswith("/reports") and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    me.unroute("**/api/v1/**")
    me.route("**/api/v1/**", swallow)
    tap(me, "现在送")
    me.wait_for_function("() => document.querySelector('.mp-toast')")  # 还是没有连上。
    assert lost == [201] and Case.objects.count() == 1
    reads(me, "等着送出")
    me.context.set_offline(True)
    me.context.set_offline(False)  # the phone says that the network is back
    reads(me, "都送出了")
    assert Case.objects.count() == 1 and Case.objects.get().photos.count() == 1

    # What is refused says why, stays until somebody has looked, and can be put right.
    me.unroute("**/api/v1/**")
    tap(me, "回首页")
    report(me, "楼道里有人堆了旧沙发，挡住了路。", guess=None, with_photo=False)
    me.context.set_offline(True)
    tap(me, "送出")
    reads(me, "等着送出")
    Parameter.objects.update_or_create(key="text_least", defaults={"value": "60"})
    me.context.set_offline(False)
    reads(me, "没有送成", "再多写几个字", "改一改再送")
    tap(me, "改一改再送")
    reads(me, "先拍照片")
    expect(me.get_by_label("再说几句").first).to_have_value("楼道里有人堆了旧沙发，挡住了路。")


def sign_out(page):
    """From any of the tabs."""
    tap(page, "我的", "tab")
    tap(page, "退出登录")
    reads(page, "还没有登录")


def stored(page, name):
    """What the phone keeps under a name."""
    return page.evaluate("name => JSON.parse(localStorage.getItem('mini:' + name) || 'null')", name)


def change_waiting(page, **facts):
    """Change every act that waits on the phone, as time or another hand would have."""
    page.evaluate(
        "facts => localStorage.setItem('mini:outbox', JSON.stringify("
        "JSON.parse(localStorage.getItem('mini:outbox')).map(item => ({ ...item, ...facts }))))",
        facts,
    )


def saved_files(page):
    return page.evaluate(
        "() => new Promise(tell => wx.getFileSystemManager().getSavedFileList("
        "{ success: ({ fileList }) => tell(fileList.length) }))"
    )


def by_another_number(page, phone):
    tap(page, "换一个手机号：收短信验证码")
    come_in(page, phone)


def test_what_one_person_left_on_a_phone_is_neither_sent_nor_read_by_the_next(phones, world):
    visitors.report(world.resident, world.entrance)
    me = phones.phone()
    phones.open(me, "pages/signin/index")
    come_in(me, world.resident.phone)
    reads(me, "角木", "等角木签收")
    tap(me, "我的事", "tab", exact=False)
    reads(me, "等角木签收")
    phones.open(me, "pages/thread/index")
    fill(me, "说一句", "只说给网格员听的话")
    phones.open(me, "pages/home/index")
    report(me, LAMP)
    me.context.set_offline(True)
    tap(me, "送出")
    reads(me, "等着送出", LAMP)
    me.route("**/api/v1/reports", lambda route: route.abort())
    me.context.set_offline(False)
    phones.open(me, "pages/report/what/index")
    fill(me, "再说几句", "写了一半的另一件事")

    # Without a network signing out works all the same; what was seen and begun goes, what waits is counted.
    phones.open(me, "pages/home/index")
    reads(me, "等角木签收")
    tap(me, "我的事", "tab", exact=False)
    reads(me, "等角木签收")
    me.context.set_offline(True)
    sign_out(me)
    reads(me, "手机里还有 1 条没送出，等写的人登录后再送。")
    for tab in ("首页", "我的事"):
        tap(me, tab, "tab", exact=False)
        reads(me, "现在没有网络")
        does_not_read(me, "等角木签收")
    assert not stored(me, "draft") and not stored(me, "written") and not stored(me, "templates-resident")
    me.context.set_offline(False)
    me.unroute("**/api/v1/reports")

    # The next one sends nothing of it and sees none of its words.
    phones.open(me, "pages/signin/index")
    by_another_number(me, world.neighbour.phone)
    reads(me, "我要报事", "现在没有在办的事")
    phones.open(me, "pages/outbox/index")
    reads(me, "手机里还有 1 条没送出，等写的人登录后再送。")
    does_not_read(me, "声控灯", "现在送", "都送出了")
    for route in ("pages/report/what/index", "pages/thread/index"):
        phones.open(me, route)
        reads(me, "先拍照片" if "report" in route else "说一句")
        assert [box.input_value() for box in me.locator(".mp-page:not([hidden]) textarea").all()] == [""]
    assert Case.objects.count() == 1

    # It goes when its writer is back.
    Attempt.objects.all().delete()  # a minute later, for the next code
    phones.open(me, "pages/me/index")
    sign_out(me)
    tap(me, "登录")
    by_another_number(me, world.resident.phone)
    reads(me, "138****0001")
    phones.open(me, "pages/outbox/index")
    reads(me, "都送出了")
    assert [*Case.objects.order_by("id").values_list("reporter", flat=True)] == [world.resident.pk] * 2


def test_whoever_signed_out_comes_in_again_by_a_tap_alone(phones, world, made_up_wechat):
    me = phones.phone()
    asked = []
    me.on("request", lambda request: request.url.endswith("/api/v1/session") and asked.append(request.method))

    # The number of WeChat wants the platform's agreement, which this page asks for in its own words.
    phones.open(me, "pages/signin/index")
    me.get_by_role("checkbox", name=re.compile("我同意")).tap()
    tap(me, "用微信里的手机号登录")
    reads(me, "用手机号登录之前")
    tap(me, "不同意")
    reads(me, "给我发验证码")  # another way is open
    phones.open(me, "pages/signin/index")
    me.get_by_role("checkbox", name=re.compile("我同意")).tap()
    tap(me, "用微信里的手机号登录")
    tap(me, "同意")
    me.get_by_role("dialog").get_by_text("老斗").tap()
    tap(me, "允许")
    reads(me, "我要报事", "角木")

    # A token that ran out is asked for anew by itself, but not after signing out.
    me.evaluate("() => localStorage.removeItem('mini:session-resident')")
    phones.open(me, "pages/matters/index")
    reads(me, "现在没有在办的事")
    sign_out(me)
    asked.clear()
    for route, words in {
        "pages/home/index": "还不知道您住哪里",
        "pages/matters/index": "登录以后才看得到",
        "pages/inbox/index": "登录以后才看得到",
    }.items():
        phones.open(me, route)
        reads(me, words)
    tap(me, "登录")
    reads(me, "用微信登录", "换一个手机号：收短信验证码")
    assert asked == []
    tap(me, "用微信登录")
    reads(me, "还没有消息")  # back on the page that asked for it, which looks again
    phones.open(me, "pages/home/index")
    reads(me, "星影苑 6幢2单元")

    # Somebody else comes in by another number; WeChat does not put the first one in their place.
    phones.open(me, "pages/me/index")
    sign_out(me)
    tap(me, "登录")
    by_another_number(me, world.neighbour.phone)
    reads(me, "138****0002")
    me.evaluate("() => localStorage.removeItem('mini:session-resident')")
    phones.open(me, "pages/matters/index")
    reads(me, "登录以后才看得到")

    # Staff too.
    with_password(world)
    worker = phones.phone()
    phones.open(worker, "packages/desk/signin/index")
    worker.wait_for_function("() => getCurrentPages().at(-1).data.ticket")
    by_password(worker, world)
    tap(worker, "退出登录")
    reads(worker, "还没有登录")
    tap(worker, "我是网格员", "link")
    reads(worker, "工作人员登录", "用微信登录")
    worker.wait_for_timeout(500)
    reads(worker, "登录名")
    tap(worker, "用微信登录")
    reads(worker, "居民的消息")


def test_a_ticket_that_is_too_old_is_fetched_anew(phones, world, made_up_wechat, monkeypatch):
    me = phones.phone()
    with monkeypatch.context() as late:
        late.setattr(tickets, "LIFE", timedelta(0))
        phones.open(me, "pages/signin/index")
        me.get_by_role("checkbox", name=re.compile("我同意")).tap()
    tap(me, "用微信里的手机号登录")
    tap(me, "同意")
    me.get_by_role("dialog").get_by_text("老斗").tap()
    tap(me, "允许")
    reads(me, "我要报事", "角木")


def kept_report(phones, page, words=LAMP, **how):
    """A report that waits on the phone, which is back in the network, though the server takes none."""
    phones.open(page, "pages/home/index")
    report(page, words, **how)
    page.route("**/api/v1/reports", lambda route: route.abort())
    tap(page, "送出")
    reads(page, "等着送出", words)


def test_one_who_has_to_sign_in_holds_up_nobody_else_and_too_much_at_once_waits(phones, world):
    visitors.report(world.resident, world.entrance)
    page = signed_in_worker(phones, world)
    phones.open(page, "pages/signin/index")
    come_in(page, world.resident.phone)
    reads(page, "我要报事")

    # The worker's act comes first, and is refused as nobody's; the resident's report goes all the same.
    phones.open(page, "packages/desk/list/index")
    page.context.set_offline(True)
    tap(page, "签收")
    reads(page, "1 条已存在手机里")
    page.route("**/api/v1/desk/**", lambda route: route.abort())
    page.context.set_offline(False)
    kept_report(phones, page, "楼道里有人堆了旧沙发，挡住了路。", guess=None, with_photo=False)
    page.unroute("**/api/v1/desk/**")
    page.evaluate(
        "() => { const key = 'mini:session-staff', kept = JSON.parse(localStorage.getItem(key));"
        "localStorage.setItem(key, JSON.stringify({ ...kept, token: 'not good any more' })) }"
    )
    page.unroute("**/api/v1/reports")
    answers = [{"status": 403, "body": "not from here"}, {"status": 429, "json": TOO_OFTEN}]
    page.route("**/api/v1/reports", lambda route: route.fulfill(**answers.pop(0)))
    while answers:
        with page.expect_response("**/api/v1/reports"):
            tap(page, "现在送")
    reads(page, "请先登录：1 条已存在手机里", "没有信号。1 条已存在手机里")
    does_not_read(page, "没有送成")
    assert Case.objects.count() == 1
    page.unroute("**/api/v1/reports")
    page.get_by_role("button", name="现在送").filter(visible=True).last.tap()
    expect(page.get_by_role("button", name="现在送").filter(visible=True)).to_have_count(1)
    assert Case.objects.count() == 2 and Case.objects.order_by("id").first().state == "received"

    tap(page, "登录")
    by_password(page, world)
    phones.open(page, "pages/outbox/index")
    reads(page, "都送出了")
    assert Case.objects.order_by("id").first().state == "accepted"


def test_photos_the_server_forgot_go_once_more_and_what_waited_a_week_is_asked_about(phones, world):
    me = phones.phone()
    phones.open(me, "pages/signin/index")
    come_in(me, world.resident.phone)
    reads(me, "我要报事")
    kept_report(phones, me)
    assert Photo.objects.count() == 1
    Photo.objects.update(created_at=timezone.now() - timedelta(days=2))
    me.unroute("**/api/v1/reports")
    tap(me, "现在送")
    reads(me, "都送出了")
    assert Photo.objects.count() == 2 and Case.objects.get().photos.count() == 1

    # Uploads of yesterday are not even tried.
    kept_report(phones, me, "楼道里有人堆了旧沙发，挡住了路。", guess=None)
    change_waiting(me, uploaded=(timezone.now() - timedelta(hours=21)).timestamp() * 1000)
    me.unroute("**/api/v1/reports")
    tap(me, "现在送")
    reads(me, "都送出了")
    assert Photo.objects.count() == 4 and Case.objects.count() == 2

    # After a week the server may not know a repeat any more: a person looks first.
    kept_report(phones, me, "路口的井盖松了，车一过就响。", guess=None, with_photo=False)
    change_waiting(me, since=(timezone.now() - timedelta(days=7, hours=1)).timestamp() * 1000)
    me.unroute("**/api/v1/reports")
    phones.open(me, "pages/outbox/index")
    reads(me, "没有送成", "放了 7 天没有送出，情况可能变了。请打开这件事核对后再办。", "改一改再送")
    assert Case.objects.count() == 2


def test_what_may_not_wait_says_so_and_files_nobody_goes_on_with_are_removed(phones, world):
    case = visitors.report(world.resident, world.entrance)
    visitors.do(case, "accept", world.worker)
    worker = signed_in_worker(phones, world)
    phones.open(worker, f"packages/desk/case/index?number={case.number}")
    tap(worker, "更多办法")
    tap(worker, "已报警")
    reads(worker, "办理")
    expect(worker.locator("act-form input")).to_be_visible()
    labels = [box.get_attribute("aria-label") for box in worker.locator("act-form input, act-form textarea").all()]
    for label in labels:
        fill(worker, label, f"写给{label}的话")
    worker.context.set_offline(True)
    tap(worker, "已报警")
    reads(worker, "这一步要有信号才能办，没有存下。写的都还在，等有信号再点一次。")
    assert not stored(worker, "outbox")
    for label in labels:
        expect(worker.get_by_label(label).first).to_have_value(f"写给{label}的话")

    # The server takes it, its answer is lost: a second tap does it no second time.
    worker.context.set_offline(False)
    lost = []

    def swallow(route):
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    worker.route("**/acts/police_report", swallow)
    with worker.expect_event("requestfailed"):
        tap(worker, "已报警")
    reads(worker, "这一步要有信号才能办")
    tap(worker, "已报警")
    reads(worker, "办好了：已报警")
    assert lost == [200] and Event.objects.filter(case=case, act="police_report").count() == 1

    # Photos that nothing names any more go with the next launch; those of a report that is begun stay.
    phones.open(worker, "packages/desk/patrol/index")
    take_photo(worker)
    phones.open(worker, "pages/report/what/index")
    take_photo(worker)
    assert saved_files(worker) == 2
    worker.evaluate("wx.removeStorageSync('written')")
    worker.reload()
    reads(worker, "先拍照片")
    for _try in range(100):
        if saved_files(worker) == 1:
            break
        worker.wait_for_timeout(100)
    assert saved_files(worker) == 1
    expect(worker.locator(".photo-pick__img img").first).to_be_visible()


def test_neighbours_threads_and_everything_else_one_may_open(phones, world):
    me = signed_in_resident(phones, world)
    report(me, LAMP, with_photo=False)
    tap(me, "送出")
    reads(me, "收到了，谢谢您。")

    # A neighbour is offered the same thing and joins with one tap.
    you = phones.phone(scene=world.plate.code)
    tap(you, "在这里报一件事")
    fill(you, "再说几句", "声控灯不亮，二楼三楼都黑。")
    you.get_by_label("再说几句").first.blur()
    tap(you, LAMPS, "radio")
    tap(you, "下一步：说地点")
    reads(you, "您刚扫的门牌")
    tap(you, "下一步：核对")
    reads(you, "用手机号登录，再送出", "是不是同一件事？")
    tap(you, "用手机号登录，再送出")
    come_in(you, world.neighbour.phone)
    reads(you, "核对后送出", "声控灯不亮，二楼三楼都黑。")
    tap(you, "我也遇到")
    reads(you, "记下了，您也遇到。")

    # The thread with one's own grid worker, both ends.
    phones.open(me, "pages/thread/index")
    reads(me, "角木")
    fill(me, "说一句", "请问楼下的桌子什么时候搬走？")
    tap(me, "发送")
    reads(me, "转成报事")
    worker = signed_in_worker(phones, world)
    tap(worker, "居民的消息", "link", exact=False)
    tap(worker, "老斗", "link", exact=False)
    reads(worker, "请问楼下的桌子什么时候搬走？")
    fill(worker, "回一句", "今天下午就搬。")
    tap(worker, "发送")
    reads(worker, "今天下午就搬。")
    phones.open(me, "pages/thread/index")
    reads(me, "今天下午就搬。")

    # What the worker finds on the round is noted with two photos and closed at once.
    phones.open(worker, "packages/desk/list/index")
    tap(worker, "巡查发现", "link", exact=False)
    tap(worker, "记下")
    reads(worker, "请拍一张处理前的照片。")
    take_photo(worker)
    tap(worker, "自己写地址", "radio")
    fill(worker, "地址", "星影苑6幢2单元")
    tap(worker, "楼道堆物", "radio")
    tap(worker, "已当场处理", "radio")
    with worker.expect_file_chooser() as chooser:
        worker.get_by_role("button", name="拍照或选照片").filter(visible=True).last.tap()
    chooser.value.set_files([photo("after.jpg", "#fff4d0")])
    expect(worker.get_by_role("button", name="去掉第 1 张").filter(visible=True)).to_have_count(2)
    tap(worker, "记下")
    reads(worker, "已记下并办结，编号")
    assert Case.objects.get(channel="patrol").photos.count() == 2

    # Words about integrity are not kept, and lead where they belong; danger is dialled first.
    phones.open(me, "pages/report/what/index")
    fill(me, "再说几句", "楼下着火了，有人被困在屋里")
    me.get_by_label("再说几句").first.blur()
    reads(me, "先打电话，不要等", "119")

    # The rest opens and says what it should.
    phones.open(me, "pages/matters/index")
    reads(me, "声控灯")
    tap(me, "已完成", "tab")
    reads(me, "还没有办完的事")
    visitors.made_public(Case.objects.order_by("id").first())
    phones.open(me, "pages/public/index")
    reads(me, "办结不等于解决，分开数。")
    tap(me, "楼道灯修好了", "link")
    reads(me, "换了两只灯", "居民评价")
    phones.open(me, "pages/me/index")
    reads(me, "老斗", "138****0001", "星影苑 6幢2单元")
    tap(me, "退出登录")
    reads(me, "还没有登录")


def test_a_report_made_from_a_message_brings_its_photos_and_puts_the_one_begun_aside(phones, world):
    me = signed_in_resident(phones, world)
    phones.open(me, "pages/thread/index")
    fill(me, "说一句", "车棚顶上漏雨，电动车都淋湿了。")
    take_photo(me)
    tap(me, "发送")
    reads(me, "转成报事")
    phones.open(me, "pages/report/what/index")
    fill(me, "再说几句", LAMP)
    phones.open(me, "pages/thread/index")
    tap(me, re.compile("转成报事"), "link")
    expect(me.get_by_label("再说几句").first).to_have_value("车棚顶上漏雨，电动车都淋湿了。")
    reads(me, "消息里的照片会一起带上。")
    tap(me, "下一步：说地点")
    reads(me, "您住的地方（不写房号）")
    tap(me, "下一步：核对")
    reads(me, "送出以后")
    tap(me, "送出")
    reads(me, "收到了，谢谢您。")
    case = Case.objects.get()
    assert case.report.text == "车棚顶上漏雨，电动车都淋湿了。" and case.photos.count() == 1
    phones.open(me, "pages/report/what/index")
    expect(me.get_by_label("再说几句").first).to_have_value(LAMP)


def test_what_is_written_on_a_page_outlives_leaving_it(phones, world):
    worker = signed_in_worker(phones, world)
    case = visitors.report(world.resident, world.entrance)
    perform(case, "accept", actor_on(case, world.worker))
    phones.open(worker, "packages/desk/patrol/index")
    take_photo(worker)
    tap(worker, "自己写地址", "radio")
    fill(worker, "地址", "星影苑6幢2单元")
    phones.open(worker, f"packages/desk/act/index?number={case.number}&name=remark")
    worker.get_by_role("textbox").filter(visible=True).first.fill("约了明天上午九点上门")
    phones.open(worker, "packages/desk/list/index")
    worker.reload()
    phones.open(worker, "packages/desk/patrol/index")
    expect(worker.get_by_role("button", name="去掉第 1 张").filter(visible=True)).to_be_visible()
    expect(worker.get_by_label("地址").filter(visible=True).first).to_have_value("星影苑6幢2单元")
    phones.open(worker, f"packages/desk/case/index?number={case.number}")
    tap(worker, "更多办法")
    tap(worker, "内部备注")
    expect(worker.get_by_role("textbox").filter(visible=True).first).to_have_value("约了明天上午九点上门")
    worker.get_by_role("button", name="内部备注").filter(visible=True).last.tap()
    reads(worker, "办好了：内部备注")
    phones.open(worker, f"packages/desk/act/index?number={case.number}&name=remark")
    expect(worker.get_by_role("textbox").filter(visible=True).first).to_have_value("")


def test_an_answer_that_comes_late_does_not_stand_under_another_heading(phones, world):
    me = phones.phone()
    phones.open(me, "pages/signin/index")
    come_in(me, world.resident.phone)
    visitors.report(world.resident, world.entrance)
    held = []
    me.route("**/api/v1/matters?tab=done", lambda route: held.append(route))
    phones.open(me, "pages/matters/index")
    reads(me, "声控灯")
    tap(me, "已完成", "tab")
    tap(me, "在办", "tab")
    reads(me, "声控灯")
    held[0].fulfill(json={"items": [], "older": None})
    me.wait_for_timeout(300)
    reads(me, "声控灯")


def test_a_complaint_goes_nowhere_before_it_is_said_whom_it_is_about(phones, world):
    me = signed_in_resident(phones, world)
    tap(me, "我要报事")
    fill(me, "再说几句", "上门的态度很差，说话不算数。")
    tap(me, "投诉", "radio")
    choices = me.get_by_role("radiogroup", name="投诉、举报的是什么？")
    expect(choices.get_by_role("radio", checked=True)).to_have_count(0)
    tap(me, "下一步：说地点")
    reads(me, "投诉、举报的是什么？请选一个。")
    tap(me, re.compile("我们的网格员"), "radio", exact=False)
    tap(me, "下一步：说地点")
    reads(me, "您住的地方（不写房号）")
    tap(me, "下一步：核对")
    reads(me, "被投诉的人看不到这件事", "只有接手的人和街道中心知道")
    tap(me, "送出")
    reads(me, "收到了，谢谢您。")
    assert Case.objects.get().about_account == world.worker


def test_words_that_only_sound_like_integrity_go_on_as_they_are(phones, world):
    me = signed_in_resident(phones, world)
    phones.open(me, "pages/thread/index")
    fill(me, "说一句", "物业说不收好处费，可是门还没有修好。")
    tap(me, "发送")
    reads(me, "这类事请直接找纪检", "12388")
    tap(me, "这不是廉洁问题，照原样送出")
    reads(me, "转成报事")
    case = visitors.report(world.resident, world.entrance)
    phones.open(me, f"pages/matter/index?number={case.number}")
    tap(me, "补充")
    me.get_by_role("textbox").filter(visible=True).first.fill("物业说不收好处费，可是门还没有修好。")
    me.get_by_role("button", name="补充", exact=True).filter(visible=True).last.tap()
    reads(me, "这类事请直接找纪检", "12388")
    tap(me, "这不是廉洁问题，照原样送出")
    reads(me, "送出了，谢谢您。")
    assert case.events.filter(act="append").count() == 1


def test_a_report_is_begun_and_found_on_the_round_without_any_network(phones, world):
    me = signed_in_resident(phones, world)
    report(me, "看一看就不报了，先不送。", guess=None, with_photo=False)
    worker = signed_in_worker(phones, world)
    tap(worker, "居民的消息", "link", exact=False)
    reads(worker, "还没有居民的消息")
    phones.open(worker, "packages/desk/patrol/index")
    reads(worker, "楼道堆物")
    for page in (me, worker):
        page.route("**/api/v1/**", lambda route: route.abort())
    phones.open(me, "pages/report/what/index")
    fill(me, "再说几句", LAMP)
    tap(me, "下一步：说地点")
    tap(me, re.compile("自己写地址"), "radio")
    fill(me, "地址", "星影苑6幢2单元")
    tap(me, "下一步：核对")
    tap(me, "送出")
    reads(me, "等着送出", LAMP)
    phones.open(worker, "packages/desk/patrol/index")
    reads(worker, "楼道堆物")
    for page in (me, worker):
        page.unroute("**/api/v1/**")
    tap(me, "现在送")
    reads(me, "都送出了")
    assert Case.objects.get().report.text == LAMP


def test_a_revoked_plate_says_so_and_an_unknown_one_too(phones, world):
    world.plate.revoked_at = world.plate.issued_at
    world.plate.save()
    page = phones.phone(scene=world.plate.code)
    reads(page, "这块门牌换过了", "不是您的错。")
    other = phones.phone(scene="nosuchplate")
    reads(other, "没有打开")


SMALL = """() => [...document.querySelectorAll('.mp-page:not([hidden]) .page *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length)
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 18)
  .map(e => e.className + ' ' + e.innerText.slice(0, 20))"""
TINY = """() => ['[role=button]', '[role=radio]', '[role=checkbox]', '[role=link]', '[role=tab]', 'input', 'textarea']
  .flatMap(s => [...document.querySelectorAll('.mp-page:not([hidden]) ' + s + ', #tabs ' + s)])
  .filter(e => e.getClientRects().length && !e.closest('wx-picker'))
  .map(e => (e.matches('input') ? e.parentElement : e))
  .filter(e => { const r = e.getBoundingClientRect(); return r.height < 60 || r.width < 60 })
  .map(e => e.className + ' ' + e.innerText.slice(0, 20) + ' ' + e.getBoundingClientRect().height)"""
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.looks
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_on_every_page_large_type_is_large_and_nothing_runs_off_the_side(phones, world, lang):
    told, case = visitors.report(world.resident, world.entrance), visitors.report(world.resident, world.entrance)
    visitors.made_public(told)
    thread = visitors.conversation(world.resident)
    Plan.objects.create(place=world.room, due_on=timezone.localdate(), tries=1)
    page = signed_in_worker(phones, world)
    phones.open(page, "pages/signin/index")
    come_in(page, world.resident.phone)
    reads(page, "我要报事")
    page.evaluate("look => localStorage.setItem('mini:look', look)", json.dumps({"lang": lang, "elder": "elder"}))
    page.reload()
    asked = {
        "pages/plate/index": f"scene={world.plate.code}",
        "pages/matter/index": f"number={case.number}",
        "pages/public/detail/index": f"token={public.token(told)}",
        "packages/desk/case/index": f"number={case.number}",
        "packages/desk/act/index": f"number={case.number}&name=accept",
        "packages/desk/thread/index": f"id={thread.pk}",
    }
    app = json.loads((SOURCE / "app.json").read_text(encoding="utf-8"))
    parts = [f"{part['root']}/{route}" for part in app["subPackages"] for route in part["pages"]]
    for route in (*app["pages"], *parts):
        phones.open(page, f"{route}?{asked.get(route, '')}")
        page.wait_for_function("() => !document.querySelector('.mp-page:not([hidden]) .empty[role=status]')")
        page.wait_for_timeout(200)
        expect(page.locator(".mp-page:not([hidden]) .empty[role=alert]")).to_have_count(0)
        assert page.evaluate(SMALL) == [], route
        assert page.evaluate(TINY) == [], route
        assert page.evaluate(WIDE) <= 0, route


def test_what_the_platform_would_refuse_or_the_browser_cannot_show_ends_the_build(tmp_path):
    """Each fault is put into a copy of the source, and named by the check or the build."""
    copy = tmp_path / "miniprogram"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "generated"))
    (copy / "node_modules").symlink_to(SOURCE / "node_modules")
    (tmp_path / "weilianxin").symlink_to(SOURCE.parent / "weilianxin")

    def run(script):
        made = subprocess.run([NODE, copy / script], capture_output=True, text=True)
        return made.returncode, made.stdout + made.stderr

    assert run("check.mjs")[0] == 0
    home = copy / "pages/home/index"
    wxml, ts = home.with_suffix(".wxml"), home.with_suffix(".ts")
    wxml.write_text(wxml.read_text() + '<video /><view style="color: red" bindtap="nowhere">没有翻译</view>')
    ts.write_text(ts.read_text() + "wx.getLocation({}); eval('1'); wx.navigateTo({ url: '/pages/none/index' })\n")
    (copy / "pages/me/index.json").unlink()
    (copy / "pages/me/index.json").write_text('{ "usingComponents": {} }')
    signin = copy / "pages/signin/index.wxml"
    signin.write_text(signin.read_text().replace("<privacy-sheet", "<view"))
    (copy / "generated.bin").write_bytes(bytes(500 * 1024))
    code, said = run("check.mjs")
    assert code == 1
    named = ("no handler nowhere", "wx.getLocation", "eval", "no page /pages/none", "words outside", "bytes")
    for words in (*named, "no <privacy-sheet>"):
        assert words in said, said
    code, said = run("harness/build.mjs")
    assert code == 1 and "<video>" in said and "wx.getLocation" in said and "style=" in said


def test_the_browser_gets_its_codes_from_the_made_up_platform_and_only_in_a_demo(client, settings, world):
    platform = fake_wechat.serve()
    try:
        settings.WECHAT_BASE, settings.DEMO = platform.url, True
        code = client.get("/mini/demo/code", {"kind": "login", "user": "guest"}).json()["code"]
        assert code and code != client.get("/mini/demo/code", {"kind": "login", "user": "guest"}).json()["code"]
        client.get("/mini/demo/code", {"kind": "phone", "user": "guest", "phone": "13800000001"})
        assert platform.platform.user("guest").phone == "13800000001"
        people = client.get("/mini/demo/people").json()
        assert people["worker"]["username"] == world.worker.username and people["phones"][0]["name"] == "老斗"
        asked = client.get("/mini/demo/answer", {"user": "guest", "ids": "none", "answer": "accept"}).json()
        assert asked == {"errCode": 20001}
        assert client.get("/mini/demo/messages", {"user": "guest"}).json() == {"received": []}
        settings.WECHAT_BASE = "https://api.weixin.qq.com"
        assert client.get("/mini/demo/code", {"kind": "login", "user": "guest"}).status_code == 404
        settings.DEMO = False
        for path in ("", "mini.js", "demo/places", "demo/people", "demo/code", "demo/answer", "demo/messages"):
            assert client.get(f"/mini/{path}").status_code == 404
    finally:
        platform.stop()


def test_without_a_build_the_page_says_how_to_make_one(client, settings, tmp_path, monkeypatch, db):
    settings.DEMO = True
    monkeypatch.setattr(mini, "FOLDER", tmp_path)
    answer = client.get("/mini/")
    assert answer.status_code == 503 and "make mini" in answer.content.decode()
