"""`weilianxin check`: what an installation still lacks before residents may use it, and what to do about each.

`serve` refuses to go live while anything stands here. A problem is a fact of this installation's data or settings,
never a matter of taste; warnings that nobody heeds would make the list worthless.
"""

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.calendar import missing_years
from weilianxin.areas.models import Area, Level
from weilianxin.channels import sms
from weilianxin.channels.wechat import inbound
from weilianxin.notify.models import Text
from weilianxin.notify.templates import TITLES, usable
from weilianxin.notify.texts import shipped
from weilianxin.people.models import HANDLER_KINDS, Account, Post, Role, Unit
from weilianxin.programmes.reports import catalogue, policy
from weilianxin.programmes.reports.admin_rules import worded
from weilianxin.programmes.reports.models import Channel
from weilianxin.programmes.reports.routing import rules_in_force

log = logging.getLogger(__name__)

NAMED = 8  # how many of many are named in one problem
BY_STAFF = {"grid_worker", "dispatcher"}  # kinds of handler that are posts, not units
WORKED = (Channel.CASE, Channel.EMERGENCY)
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "::1"}


@dataclass(frozen=True)
class Problem:
    """`what` is wrong and `remedy`: what to do, both in a sentence. What is not `grave` yet does not stop a start."""

    what: str
    remedy: str
    grave: bool = True


def arguments(parser):
    parser.add_argument("--quiet", action="store_true", help=_("没有问题时什么也不说"))


def run(options):
    found = problems()
    show(found)
    if not found and not options.quiet:
        print(_("检查过了，没有发现问题，可以上线。"))
    return 1 if found else 0


def show(found):
    for number, problem in enumerate(found, 1):
        print(f"{number}. {problem.what}\n   {problem.remedy}")


def problems(at=None):
    """Everything that is missing at `at`; without tables it is only that."""
    at = at or timezone.now()
    if schema := list(of_schema()):
        return schema
    return [problem for look in LOOKS for problem in look(at)]


def of_schema():
    try:
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        log.exception("the database does not answer")
        yield Problem(_("数据库连不上。"), _("请检查 DATABASE_URL，或数据目录 WEILIANXIN_DATA 能不能写。"))
        return
    if behind:
        yield Problem(_("数据库还没有升级到这个版本。"), _("请先备份，再运行 weilianxin migrate。"))


def of_settings(at):
    """What would be unsafe or unreachable in public."""
    if settings.DEBUG:
        yield Problem(_("调试开着，出错时会把内部情况给别人看。"), _("请去掉 WEILIANXIN_DEBUG。"))
    if not settings.HTTPS:
        yield Problem(
            _("没有开 HTTPS，登录和照片会在网上明文传送。"),
            _("请在前面放一台反向代理，并设 WEILIANXIN_PUBLIC_URL=https://您的域名、WEILIANXIN_PROXIES=1。"),
        )
    elif not settings.PROXIES:
        yield Problem(
            _("开了 HTTPS，却没有说明前面有几层反向代理，登录会失败。"),
            _("请设 WEILIANXIN_PROXIES=1（见 docs/run.md）。"),
        )
    hosts = set(settings.ALLOWED_HOSTS)
    if hosts <= LOCAL_HOSTS or "*" in hosts:
        yield Problem(_("没有写明网站的域名。"), _("请设 WEILIANXIN_HOSTS=您的域名。"))
    if urlsplit(settings.PUBLIC_URL).hostname in LOCAL_HOSTS:
        yield Problem(
            _("门牌和短信里的网址只在本机能开。"), _("请设 WEILIANXIN_PUBLIC_URL=https://您的域名，然后再印门牌。")
        )
    if len(settings.SECRET_KEY) < 32:
        yield Problem(_("WEILIANXIN_SECRET_KEY 太短。"), _("请去掉它，由程序自己生成，保存在数据目录的 keys 里。"))


def of_sms(at):
    """Residents sign in by SMS: without it nobody can."""
    if settings.SMS == "http" and not sms.configured():
        yield Problem(
            _("短信网关没有写全。"), _("请设 WEILIANXIN_SMS_URL（http 或 https 开头）和 WEILIANXIN_SMS_KEY。")
        )
    elif settings.SMS != "http":
        yield Problem(
            _("没有配置短信，居民收不到登录验证码，承办单位收不到任务链接。"),
            _("请设 WEILIANXIN_SMS=http、WEILIANXIN_SMS_URL 和 WEILIANXIN_SMS_KEY。"),
        )


def of_calendar(at):
    today = timezone.localdate(at)
    for year in missing_years(today):
        yield Problem(
            _("没有 %(year)s 年的工作日历，期限会按周一到周五算。") % {"year": year},
            _("国务院的放假通知出来后运行 weilianxin import calendar，或在工作台“日历”里填。"),
            grave=year == today.year,
        )


def of_areas(at):
    """Every grid has an A post, a B post and a leader; every community a secretary."""
    current = Area.objects.current()
    grids = list(current.filter(level=Level.GRID).select_related("community"))
    communities = list(current.filter(level=Level.COMMUNITY))
    if not grids:
        yield Problem(_("还没有网格。"), _("请运行 weilianxin import areas 导入街道、社区和网格。"))
        return
    remedy = _("请在工作台“岗位”里安排，或运行 weilianxin import staff。")
    posts = Post.objects.at(at).filter(account__is_active=True)
    held = set(posts.values_list("role", "area_id"))
    a_posts = {area for role, area in held if role == Role.GRID_WORKER}
    b_posts = {area for role, area in held if role == Role.GRID_WORKER_BACKUP}
    wanting = [
        (a_posts, grids, _("这些网格没有 A 岗网格员：%(names)s。")),
        (b_posts, grids, _("这些网格没有 B 岗，A 岗不在时没人接：%(names)s。")),
        ({area for role, area in held if role == Role.GRID_LEADER}, grids, _("这些网格没有网格长：%(names)s。")),
        (
            {area for role, area in held if role == Role.COMMUNITY_SECRETARY},
            communities,
            _("这些社区没有书记：%(names)s。"),
        ),
    ]
    for have, wanted, sentence in wanting:
        without = [full_name(area) for area in wanted if area.pk not in have]
        if without:
            yield Problem(sentence % {"names": named(without)}, remedy)
    both = Post.objects.at(at).filter(role=Role.GRID_WORKER).values_list("account_id", "area_id")
    backup = set(Post.objects.at(at).filter(role=Role.GRID_WORKER_BACKUP).values_list("account_id", "area_id"))
    same = {area for account, area in both if (account, area) in backup}
    if same:
        names = named(full_name(grid) for grid in grids if grid.pk in same)
        yield Problem(_("这些网格的 A 岗和 B 岗是同一个人：%(names)s。") % {"names": names}, remedy)


def of_centre(at):
    """A subdistrict's centre: who dispatches, verifies, calls back and leads at night."""
    held = set(Post.objects.at(at).filter(account__is_active=True).values_list("role", "area__level", "area_id"))
    served = Area.objects.current().filter(level=Level.GRID).values("subdistrict")  # neighbours have no grids here
    subdistricts = Area.objects.current().filter(pk__in=served)
    roles = (Role.CENTRE_DISPATCHER, Role.CENTRE_VERIFIER, Role.CALLBACK_OFFICER, Role.DUTY_LEADER)
    for area in subdistricts:
        missing = [str(role.label) for role in roles if (role, area.level, area.pk) not in held]
        if missing:
            yield Problem(
                _("%(area)s没有：%(roles)s。") % {"area": area.name_zh, "roles": named(missing)},
                _("请在工作台“岗位”里安排，或运行 weilianxin import staff。"),
            )


def of_categories(at):
    """Every category that is worked here has limits."""
    categories = list(catalogue.current())
    if not categories:
        yield Problem(_("还没有报事类别。"), _("请运行 weilianxin migrate，它会装上自带的类别。"))
    without = []
    for category in categories:
        if category.channel_out in WORKED:
            accept, _on_site, handle = policy.limits_for(category, category.urgency, at)
            if not accept or not handle:
                without.append(category.name_zh)
    if without:
        yield Problem(_("这些类别没有时限：%(names)s。") % {"names": named(without)}, _("请在工作台“类别”里填上时限。"))


def of_units(at):
    """Every kind of unit that a category names exists."""
    wanted = {}
    for category in catalogue.current():
        if category.channel_out in WORKED:
            for kind in (category.lead, category.lead_without_property):
                if kind and kind not in BY_STAFF:
                    wanted.setdefault(kind, category.name_zh)
    wanted.setdefault("emergency_post", _("特急的事"))
    have = set(Unit.objects.filter(is_active=True).values_list("kind", flat=True))
    missing = [
        _("%(kind)s（如“%(category)s”）") % {"kind": HANDLER_KINDS[kind][0], "category": category}
        for kind, category in wanted.items()
        if kind not in have and kind in HANDLER_KINDS
    ]
    if missing:
        yield Problem(
            _("有类别要派给这些单位，但还没有登记：%(names)s。") % {"names": named(missing)},
            _("请在工作台“承办单位”里登记，或运行 weilianxin import units。"),
        )
    silent = Unit.objects.filter(is_active=True, phone="").values_list("name_zh", flat=True)[: NAMED + 1]
    if silent:
        yield Problem(
            _("这些承办单位没有登记手机，收不到任务：%(names)s。") % {"names": named(silent)},
            _("请在工作台“承办单位”里补上。"),
        )


def of_rules(at):
    """Routing rules that lead nowhere any more."""
    day = timezone.localdate(at)
    for rule in worded(rules_in_force()):
        ends = [row.valid_to for row in (rule.area, rule.compound, rule.category) if row and row.valid_to]
        if any(end <= day for end in ends) or (rule.unit_id and not rule.unit.is_active):
            what = _("派遣规则“%(where)s · %(what)s → %(who)s”指着已经停用的地方、类别或单位。")
            said = {"where": rule.where, "what": rule.what, "who": rule.who}
            yield Problem(what % said, _("请在设置 → 派遣规则里改或停用。"), grave=False)


def of_texts(at):
    have = set(Text.objects.values_list("act", "audience"))
    missing = [f"{act}/{audience}" for act, audience in shipped() if (act, audience) not in have]
    if missing:
        yield Problem(
            _("缺少这些通知的文字：%(names)s。") % {"names": named(missing)}, _("请运行 weilianxin migrate 补齐。")
        )


def of_wechat(at):
    """What keeps the mini-program from telling people; SMS tells them until then."""
    named_one = settings.WECHAT_APPID or settings.WECHAT_SECRET
    if named_one and not (settings.WECHAT_APPID and settings.WECHAT_SECRET):
        yield Problem(
            _("小程序的账号没有写全。"), _("请设 WEILIANXIN_WECHAT_APPID 和 WEILIANXIN_WECHAT_SECRET，或两项都去掉。")
        )
    if not named_one or not (settings.WECHAT_APPID and settings.WECHAT_SECRET):
        return
    if not inbound.configured():
        yield Problem(
            _("微信的消息推送没有配好，收不到送达回执。"),
            _("请设 WEILIANXIN_WECHAT_TOKEN 和 WEILIANXIN_WECHAT_AES_KEY，与公众平台“消息推送”里填的相同。"),
            grave=False,
        )
    missing = [str(title) for purpose, title in TITLES.items() if purpose not in usable()]
    if missing:
        yield Problem(
            _("这些微信消息还没有模板编号，先用短信告诉：%(names)s。") % {"names": named(missing)},
            _("请在公众平台选好模板，把编号填到工作台“文字”的“微信消息”里。"),
            grave=False,
        )
    if settings.WECHAT_STATE != "formal":
        yield Problem(
            _("微信消息现在打开的不是正式版小程序。"), _("上线后请去掉 WEILIANXIN_WECHAT_STATE。"), grave=False
        )


def of_administrators(at):
    admins = Account.objects.filter(is_active=True, posts__in=Post.objects.at(at).filter(role=Role.SYSTEM_ADMIN))
    admins = list(admins.distinct())
    if not admins:
        yield Problem(_("没有系统管理员。"), _("请运行 weilianxin admin 登录名 姓名。"))
    bare = [admin.name or admin.username or admin.ref for admin in admins if not admin.totp_secret]
    if bare:
        yield Problem(
            _("这些管理员还没有绑定动态码：%(names)s。") % {"names": named(bare)},
            _("请他们登录一次工作台，按提示绑定。"),
        )


def of_demo(at):
    """Invented people in a real installation would hold real posts and receive nothing."""
    if Account.objects.filter(is_demo=True, is_active=True).exists() or Unit.objects.filter(is_demo=True).exists():
        yield Problem(
            _("库里有演示用的人或单位，发给他们的消息都不会送出。"),
            _("请换一个空的数据目录重新开始，不要在演示数据上正式使用。"),
        )


LOOKS = (
    of_settings,
    of_administrators,
    of_demo,
    of_areas,
    of_centre,
    of_categories,
    of_units,
    of_rules,
    of_sms,
    of_calendar,
    of_texts,
    of_wechat,
)


def full_name(area):
    return f"{area.community.name_zh}{area.name_zh}" if area.level == Level.GRID and area.community else area.name_zh


def named(names):
    """The first names, and how many more there are."""
    names = list(names)
    if len(names) <= NAMED:
        return "、".join(names)
    return _("%(names)s 等 %(n)s 个") % {"names": "、".join(names[:NAMED]), "n": len(names)}
