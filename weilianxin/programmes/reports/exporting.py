"""导出: matters as a table, for those who answer for them; the secret ones only where two people say so.

A file is made when it is fetched and kept nowhere: whoever may see a matter then, and what is secret then, decides
what stands in it. The journal says who took how many, by which filter.
"""

import csv
import io
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.cases.models import Case, ExportRequest, Phase
from weilianxin.desk.lists import ROOM, where
from weilianxin.journal import log
from weilianxin.lib.masks import mask_name, redact
from weilianxin.lib.refusal import Refused

from . import catalogue
from .deliveries import moment, safe
from .words import STATES

MOST = 20_000  # rows of a file
MOST_DAYS = 366
YEARS = range(2000, 2100)  # beyond lie typing mistakes, and dates whose next day does not exist
HOURS = 24  # for the decision, and again for the download
STREAM = "exports"
COLUMNS = (
    "编号", "状态", "结果", "大类", "类别", "紧急程度", "社区", "网格", "地点", "什么事",
    "报来", "受理", "应办结", "办结", "承办单位", "负责人", "几人遇到", "重开几次",
)  # fmt: skip


class Again(Refused):
    """It was decided, fetched, or its time is over."""

    status = 409


def asked(post):
    """The filter that a form asks for: since, until (dates), phase and column ("" for all). Raises `Refused`."""
    days = {}
    for name in ("since", "until"):
        try:
            days[name] = date.fromisoformat(post.get(name, "").strip())
        except ValueError:
            raise Refused(_("请选日期。"), name) from None
        if days[name].year not in YEARS:
            words = {"first": YEARS[0], "last": YEARS[-1]}
            raise Refused(_("年份要在 %(first)s 到 %(last)s 之间。") % words, name)
    if days["until"] < days["since"]:
        raise Refused(_("结束的日子要在开始之后。"), "until")
    if (days["until"] - days["since"]).days >= MOST_DAYS:
        raise Refused(_("一次最多导出 %(n)s 天。") % {"n": MOST_DAYS}, "until")
    phase, column = post.get("phase", ""), post.get("column", "")
    if phase and phase not in PHASES:
        raise Refused(_("请从名单里选。"), "phase")
    if column and column not in columns():
        raise Refused(_("请从名单里选。"), "column")
    return SimpleNamespace(**days, phase=phase, column=column)


PHASES = [value for value in Phase.values if value != Phase.VOID]


def columns():
    """{code: name} of the columns of the tree."""
    return {code: name for code, name, _rows in catalogue.by_column()}


def matching(account, area, wanted, at):
    """What of `area` the account may see now and `wanted` asks for, oldest first."""
    zone = timezone.get_default_timezone()
    begin = datetime.combine(wanted.since, time(), zone)
    end = datetime.combine(wanted.until + timedelta(days=1), time(), zone)
    rows = Case.objects.visible_to(account, at).filter(programme="reports", created_at__gte=begin, created_at__lt=end)
    rows = rows.filter(**{area.level: area}).exclude(phase=Phase.VOID)
    if wanted.phase:
        rows = rows.filter(phase=wanted.phase)
    if wanted.column:
        rows = rows.filter(report__category__column_code=wanted.column)
    return rows.order_by("created_at", "id")


def ordinary(account, area, wanted, at=None):
    """The file without what is secret; its last line says how many those are. Every one that is handed out is a line of
    the journal. Raises `Refused`."""
    at = at or timezone.now()
    # Read before the transaction: nobody waits with their report until thousands of rows have been written out.
    rows = matching(account, area, wanted, at)
    left = rows.filter(sensitive=True).count()
    lines, _secret = table(rows.filter(sensitive=False))
    with transaction.atomic():
        payload = {**facts(area, wanted), "count": len(lines), "left_out": left}
        log.append(STREAM, "export_made", account.ref, payload, at=at)
    return sheet([], lines, [_("另有 %(n)s 件保密的没有列出。") % {"n": left}] if left else [])


def facts(area, wanted):
    days = {"since": wanted.since.isoformat(), "until": wanted.until.isoformat()}
    return {"area": area.code, **days, "phase": wanted.phase, "column": wanted.column}


def ask(account, area, wanted, purpose, at=None):
    """Ask for a file with what is secret in it; returns the `ExportRequest`. Raises `Refused`."""
    at = at or timezone.now()
    if area.subdistrict is None:  # a whole district, for which no one duty leader answers
        raise Refused(_("保密的事由各街道的值班长批准，请由街道的人申请。"), "purpose")
    purpose = purpose.strip()
    if len(purpose) < 5:
        raise Refused(_("请写拿去做什么，至少 5 个字。"), "purpose")
    chosen = {"since": wanted.since, "until": wanted.until, "phase": wanted.phase, "column": wanted.column}
    with transaction.atomic():
        row = ExportRequest.objects.create(
            area=area, subdistrict=area.subdistrict, by=account, purpose=purpose[:200], asked_at=at, **chosen
        )
        payload = {**facts(area, wanted), "request": row.pk}
        log.append(STREAM, "export_asked", account.ref, payload, secrets={"purpose": row.purpose}, at=at)
    return row


def waiting(at):
    """Requests that somebody may still decide."""
    return ExportRequest.objects.filter(decided_at__isnull=True, asked_at__gt=at - timedelta(hours=HOURS))


def decide(row, account, approved, at=None):
    """A duty leader says yes or no, once, within a day, never to their own request. Raises `Again`."""
    at = at or timezone.now()
    with transaction.atomic():
        mine = waiting(at).filter(pk=row.pk).exclude(by=account)
        if not mine.update(decided_by=account, decided_at=at, approved=approved):
            raise Again(_("这个申请已经有人定了、过了时间，或者是您自己提的。"))
        log.append(STREAM, "export_decided", account.ref, {"request": row.pk, "approved": approved}, at=at)


def fetch(row, account, at=None):
    """The file of an approved request, once, for who asked, within a day: its text. Raises `Again`.

    What was sealed since is in it, as two people agreed; what the account may no longer see is not.
    """
    at = at or timezone.now()
    fresh = ExportRequest.objects.filter(
        pk=row.pk, by=account, approved=True, fetched_at__isnull=True, decided_at__gt=at - timedelta(hours=HOURS)
    )
    lines, secret = table(matching(account, row.area, row, at)) if fresh.exists() else ([], 0)
    with transaction.atomic():
        if not fresh.update(fetched_at=at):  # of two who come at once the second finds it taken
            raise Again(_("这份文件已经下载过，或者过了时间。"))
        row.refresh_from_db()
        words = {"pk": row.pk, "by": row.by.name, "who": row.decided_by.name, "at": moment(at)}
        first = [_("含保密件，申请第 %(pk)s 号：%(by)s申请，%(who)s批准，%(at)s下载。用完即删。") % words]
        payload = {"request": row.pk, "count": len(lines), "secret": secret}
        log.append(STREAM, "export_fetched", account.ref, payload, at=at)
    return sheet(first, lines, [])


def table(rows):
    """(lines, how many of them are secret) of these matters. Raises `Refused` where they are too many for a file."""
    found = rows.select_related("report__category", "community", "grid", "place", "unit", "holder", "reporter")
    found = list(found[: MOST + 1])
    if len(found) > MOST:
        raise Refused(_("超过 %(n)s 件了，请缩短日期。") % {"n": MOST}, "until")
    return [line(case) for case in found], sum(case.sensitive for case in found)


def line(case):
    """The facts of a matter; its words without telephones, rooms and the reporter's name."""
    category = case.report.category
    return (
        case.number,
        str(STATES[case.state]),
        case.get_outcome_display() if case.outcome else "",
        category.column_zh if category else "",
        category.name_zh if category else "",
        case.get_urgency_display(),
        case.community.name_zh if case.community else "",
        case.grid.name_zh if case.grid else "",
        masked(where(case), case),
        masked(case.report.text[:1000], case)[:500],
        moment(case.created_at),
        moment(case.accepted_at),
        moment(case.due_at),
        moment(case.closed_at),
        case.unit.name_zh if case.unit else "",
        case.holder.name if case.holder else "",
        case.headcount,
        case.reopened,
    )


def masked(text, case):
    text = ROOM.sub("", redact(text))
    name = case.reporter.name if case.reporter else ""
    return text.replace(name, mask_name(name)) if len(name) > 1 else text


def sheet(first, lines, last):
    """CSV with a mark, which spreadsheets open as they are."""
    out = io.StringIO()
    writer = csv.writer(out)
    for line in ([first] if first else []) + [COLUMNS] + lines + ([last] if last else []):
        writer.writerow([safe(value) for value in line])
    return "\ufeff" + out.getvalue()
