"""Moments and deadlines in the words of a neighbour: relative and absolute, 24-hour clock, in both languages."""

from datetime import timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .clock import Limit

WEEKDAYS = (
    gettext_lazy("周一"),
    gettext_lazy("周二"),
    gettext_lazy("周三"),
    gettext_lazy("周四"),
    gettext_lazy("周五"),
    gettext_lazy("周六"),
    gettext_lazy("周日"),
)
SOON = timedelta(hours=24)  # from here on a deadline is shown as close


def clock(moment):
    """8:42"""
    local = timezone.localtime(moment)
    return f"{local.hour}:{local.minute:02d}"


def day(moment, now=None):
    """今天, 昨天, 明天, else 11月25日; with the year when it is not this year's."""
    local, here = timezone.localtime(moment), timezone.localtime(now)
    away = (local.date() - here.date()).days
    if away == 0:
        return _("今天")
    if away == 1:
        return _("明天")
    if away == -1:
        return _("昨天")
    # Translators: a date format of Django, month and day; in English "j M"
    form = _("n月j日") if local.year == here.year else _("Y年n月j日")
    return date_format(local, form)


def date(moment):
    """11月25日 周三"""
    local = timezone.localtime(moment)
    return _("%(date)s %(weekday)s") % {
        "date": date_format(local, _("n月j日")),
        "weekday": WEEKDAYS[local.weekday()],
    }


def beside(moment, now=None):
    """What `day` leaves out: 11月25日 周三 beside 明天, and 周三 alone beside a date."""
    away = (timezone.localdate(moment) - timezone.localdate(now)).days
    return date(moment) if abs(away) <= 1 else WEEKDAYS[timezone.localtime(moment).weekday()]


def when(moment, now=None):
    """今天 8:42"""
    return _("%(day)s %(time)s") % {"day": day(moment, now), "time": clock(moment)} if moment else ""


def before(moment, now=None):
    """明天 18:00 前"""
    return _("%(day)s %(time)s 前") % {"day": day(moment, now), "time": clock(moment)} if moment else ""


def span(delta):
    """How long, in the largest whole unit: 3 天, 5 小时, 12 分钟."""
    minutes = max(int(delta.total_seconds() // 60), 1)
    if minutes >= 24 * 60:
        n = minutes // (24 * 60)
        return ngettext("%(n)s 天", "%(n)s 天", n) % {"n": n}
    if minutes >= 60:
        n = minutes // 60
        return ngettext("%(n)s 小时", "%(n)s 小时", n) % {"n": n}
    return ngettext("%(n)s 分钟", "%(n)s 分钟", minutes) % {"n": minutes}


def limit(text):
    """A limit as people read it: 2wh is 2 个工作小时; "" for none."""
    if not text:
        return ""
    limit = Limit.parse(text)
    n = limit.amount
    forms = {
        "m": lambda: ngettext("%(n)s 分钟", "%(n)s 分钟", n),
        "ch": lambda: ngettext("%(n)s 小时（不分昼夜）", "%(n)s 小时（不分昼夜）", n),
        "wh": lambda: ngettext("%(n)s 个工作小时", "%(n)s 个工作小时", n),
        "wd": lambda: ngettext("%(n)s 个工作日", "%(n)s 个工作日", n),
        "nd": lambda: ngettext("%(n)s 天", "%(n)s 天", n),
    }
    return forms[limit.unit]() % {"n": n}


def due(moment, now=None):
    """还有 1 天, 今天 16:00 到期, 还剩 12 分钟, 超期 5 小时"""
    return badge(moment, now)["word"] if moment else ""


def badge(moment, now=None, *, done=None, paused=False):
    """The due badge: `kind` (ok soon late paused kept), `icon` and `word`; None where there is nothing to say.

    `done` is when it was finished; then the badge says by how much the promise was kept or missed.
    """
    now = now or timezone.now()
    if done is not None:
        if moment is None:
            return None
        if done > moment:
            return {"kind": "late", "icon": "alert", "word": _("超期 %(span)s办结") % {"span": span(done - moment)}}
        early = moment - done
        word = _("按期办结") if early < timedelta(hours=1) else _("提前 %(span)s办结") % {"span": span(early)}
        return {"kind": "kept", "icon": "check", "word": word}
    if paused:
        return {"kind": "paused", "icon": "pause", "word": _("暂停计时")}
    if moment is None:
        return None
    left = moment - now
    if left < timedelta(0):
        return {"kind": "late", "icon": "alert", "word": _("超期 %(span)s") % {"span": span(-left)}}
    if left < timedelta(hours=1):
        return {"kind": "soon", "icon": "half", "word": _("还剩 %(span)s") % {"span": span(left)}}
    if left < SOON and timezone.localdate(moment) == timezone.localdate(now):
        word = _("%(when)s 到期") % {"when": when(moment, now)}
        return {"kind": "soon", "icon": "half", "word": word}
    if left < SOON:
        return {"kind": "ok", "icon": "clock", "word": before(moment, now)}
    return {"kind": "ok", "icon": "clock", "word": _("还有 %(span)s") % {"span": span(left)}}
