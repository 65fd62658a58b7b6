"""What the subdistrict promises: parameters, limits of categories and urgency levels, and the version of the rules."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from weilianxin.areas.calendar import work_calendar
from weilianxin.lib.clock import Limit, due_at

from .models import LevelLimit, Parameter, RuleVersion

# key: (default, what it means). Numbers are proposals that every subdistrict may change, not law.
PARAMETERS = {
    "dispute_days": ("30", _("办结后多少天内可以不认可办结")),
    "rating_days": ("15", _("办结后多少天内可以评价")),
    "ask_rounds": ("2", _("受理前最多问几次")),
    "answer_limit": ("3wd", _("居民补充的期限，过期先行了结")),
    "return_limit": ("4wh", _("承办单位退回的期限")),
    "sign_limit": ("4wh", _("承办单位签收的期限，过期提醒双方；紧急的事半小时")),
    "meeting_limit": ("1wd", _("第二次退回后会办的期限")),
    "review_days": ("90", _("挂起最多多少天后必须再看")),
    "duplicate_metres": ("50", _("多少米内算附近")),
    "duplicate_hours": ("24", _("多少小时内的同类算可能相同")),
    "entrance_hours": ("72", _("同一单元同类多少小时内算可能相同")),
    "recur_days": ("30", _("办结后多少天内又出现算重复发生")),
    "urgent_heads": ("10", _("多少人遇到同一件一般的事，就升为紧急；0 不升")),
    "chronic_times": ("3", _("同一地点同类第几次发生，就要源头治理；0 不要")),
    "chronic_days": ("180", _("多少天内的算同一地点反复发生")),
    "source_limit": ("20wd", _("源头治理的期限")),
    "sample_percent": ("8", _("网格员自行办结的抽查比例，百分之几")),
    "check_limit": ("2wd", _("回访和抽查的期限")),
    "thread_limit": ("4wh", _("居民消息首次回复的期限，过期网格长可见")),
    "reports_per_day": ("20", _("一个人一天最多报几件")),
    "text_least": ("5", _("报事最少几个字")),
    "text_most": ("5000", _("报事最多几个字")),
    "brief_time": ("08:20", _("工作日几点发晨报")),
    "unusual_least": ("5", _("一周至少几件，才说比平时多")),
    "unusual_times": ("3", _("一周到前四周平均的几倍，才说比平时多")),
    "odd_ratings": ("5", _("同一账号一小时内评几件，列进反常提示")),
    "odd_rating_seconds": ("60", _("办结后几秒内的评价，列进反常提示")),
    "odd_last_minutes": ("30", _("到期前几分钟内用说明情况办结，列进反常提示")),
    "odd_self_closed": ("10", _("一个人一天自办自结几件，列进反常提示")),
    "odd_quick_minutes": ("10", _("受理后几分钟内办结算很快")),
    "odd_quick_times": ("3", _("同一个人一个月里几件很快办结，列进反常提示")),
}

LEVELS = {
    # urgency: (accept, on site, handle)
    "U0": ("5m", "30m", "2ch"),
    "U1": ("30m", "2ch", "1wd"),
    "U2": ("2wh", "", "5wd"),
    "U3": ("1wd", "", "1wd"),
}


def parameter(key):
    """The value in force, as text; the default where nobody changed it."""
    return parameters([key])[key]


def parameters(keys):
    """{key: the value in force} of several in one query."""
    stored = dict(Parameter.objects.values_list("key", "value"))
    return {key: stored.get(key, PARAMETERS[key][0]) for key in keys}


def number(key):
    return int(parameter(key))


def tighter(*limits, at):
    """Of several limits the one that ends first when counted from `at`; blanks are ignored."""
    given = [limit for limit in dict.fromkeys(limits) if limit]
    if len(given) < 2:
        return given[0] if given else ""
    calendar = work_calendar()
    return min(given, key=lambda text: due_at(at, Limit.parse(text), calendar))


def level_limits(urgency):
    row = LevelLimit.objects.filter(pk=urgency).first()
    return (row.accept_limit, row.on_site_limit, row.handle_limit) if row else LEVELS[urgency]


def limits_for(category, urgency, at):
    """(accept, on site, handle) for a category at an urgency.

    The category's own limits hold; where it is more urgent than the category usually is, the tighter of category
    and level; where the category says nothing, the level's.
    """
    level = level_limits(urgency)
    own = (category.accept_limit, category.on_site_limit, category.handle_limit) if category else ("", "", "")
    raised = category is not None and urgency < category.urgency  # U0 < U1 < U2
    return tuple(
        tighter(mine, theirs, at=at) if raised and mine and theirs else (mine or theirs)
        for mine, theirs in zip(own, level, strict=True)
    )


def rule_version():
    """The name of the rules now in force."""
    row = RuleVersion.objects.order_by("-since", "-id").first()
    return row.name if row else "1"


def new_version(by, note, at=None):
    """Name a new version of the rules: every change of limits, categories or parameters calls this."""
    at = at or timezone.now()
    day = timezone.localdate(at).strftime("%Y-%m-%d")
    count = RuleVersion.objects.filter(name__startswith=day).count()
    return RuleVersion.objects.create(name=f"{day}.{count + 1}", since=at, by=by, note=note[:200])


def limit_end(text, start):
    """When a limit that starts at `start` ends; None for an empty one."""
    return due_at(start, Limit.parse(text), work_calendar()) if text else None


def sign_by(urgency, at):
    """By when an outside unit should have signed for a task."""
    return limit_end({"U0": "10m", "U1": "30m"}.get(urgency) or parameter("sign_limit"), at)


def check_by(at):
    """By when a call-back or a check should be done."""
    return limit_end(parameter("check_limit"), at)


def checks_due(moments):
    """The same for many: the limit and the calendar are read once."""
    limit, calendar = Limit.parse(parameter("check_limit")), work_calendar()
    return [due_at(at, limit, calendar) for at in moments]


def absolute(path):
    """A path as it can be sent in a message."""
    return settings.PUBLIC_URL + path


def end_of(day):
    """The last second of a day."""
    return datetime.combine(day, time(23, 59, 59), timezone.get_default_timezone())


def rate_until(at):
    """The last moment at which a closing can be rated."""
    return at + timedelta(days=number("rating_days"))


def dispute_until(at):
    """The last moment at which a closing can be disputed: the end of the last day of the window."""
    return end_of(timezone.localdate(at) + timedelta(days=number("dispute_days")))
