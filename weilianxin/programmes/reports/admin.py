"""The administrator's pages of this programme: categories, limits by urgency, and parameters.

Every change makes a new version of the rules; cases keep the version under which they were accepted.
"""

import re

from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.cases.models import Urgency
from weilianxin.desk.admin.frame import ADMIN, attempt, filled, page, taken, typed
from weilianxin.lib import words
from weilianxin.lib.clock import Limit
from weilianxin.people.models import HANDLER_KINDS
from weilianxin.people.session import admin_required

from . import catalogue, policy
from .admin_rules import changed
from .admin_rules import urls as rules_urls
from .guards import WORDLESS
from .models import Category, Channel, LevelLimit, Parameter, RuleVersion

# What the rail of the administrator shows of this programme: name of the page, icon, label, who has it.
PAGES = (
    ("reports_desk:categories", "list", gettext_lazy("类别"), ADMIN),
    ("reports_desk:rules", "swap", gettext_lazy("派遣规则"), ADMIN),
    ("reports_desk:limits", "clock", gettext_lazy("时限"), ADMIN),
    ("reports_desk:parameters", "set", gettext_lazy("参数"), ADMIN),
)
LIMIT_HELP = gettext_lazy("数字加单位：m 分钟、ch 小时（昼夜都算）、wh 工作小时、wd 工作日、nd 自然日。例如 2wh。")
LIMITS = (
    ("accept_limit", gettext_lazy("受理")),
    ("on_site_limit", gettext_lazy("到场")),
    ("handle_limit", gettext_lazy("办结")),
)
WORKED = (Channel.CASE, Channel.EMERGENCY)
MOST_CATEGORIES = 600  # the national catalogue has 403
# The least and the greatest a number may be; others lie between 1 and 3650.
BOUNDS = {
    "sample_percent": (1, 100),
    "ask_rounds": (0, 9),
    "text_least": (1, 200),
    "text_most": (100, 20000),
    "urgent_heads": (0, 999),
    "chronic_times": (0, 99),
}
SHOWN = ("name_zh", "name_en", "hint_zh", "urgency", *(name for name, _label in LIMITS), "channel_out")
ROUTED = ("lead", "lead_without_property", "public", "recheck_days", "keywords", "note")


def a_limit(text, field):
    """The limit as it is stored, "" for none; Invalid with a sentence otherwise."""
    if not text:
        return ""
    try:
        return str(Limit.parse(text))
    except ValueError as problem:
        raise Invalid(str(problem), field) from None


@require_safe
@admin_required
def categories(request):
    """The tree in force, column by column, each with the limits that really hold."""
    at, columns = timezone.now(), []
    levels = {u: policy.level_limits(u) for u in Urgency.values}
    for code, name, rows in catalogue.by_column(catalogue.current()[:MOST_CATEGORIES]):
        for row in rows:
            own = (row.accept_limit, row.on_site_limit, row.handle_limit)
            row.limits = [words.limit(mine or level) for mine, level in zip(own, levels[row.urgency], strict=True)]
            row.worked = row.channel_out in WORKED
            row.handler = HANDLER_KINDS[row.lead][0] if row.lead in HANDLER_KINDS else row.lead
        columns.append({"code": code, "name": name, "rows": rows})
    ended = Category.objects.filter(valid_to__lte=timezone.localdate(at)).order_by("-valid_to", "code")[:50]
    context = {"columns": columns, "ended": ended, "version": policy.rule_version()}
    return page(request, "reports/admin/categories.html", context)


def category_fields(category=None):
    kinds = [(kind, label) for kind, (label, _tied) in HANDLER_KINDS.items()]
    publics = Category._meta.get_field("public").choices
    fields = [
        Field("name_zh", "text", _("名称"), required=True, most=40),
        Field("name_en", "text", _("英文名称"), most=80),
        Field("hint_zh", "text", _("给居民的提示"), most=80),
        Field("urgency", "choice", _("紧急程度"), required=True, choices=Urgency.choices),
        Field("accept_limit", "text", _("受理时限"), most=8, help=LIMIT_HELP),
        Field("on_site_limit", "text", _("到场时限"), most=8),
        Field("handle_limit", "text", _("办结时限"), most=8, help=_("空着就按紧急程度的时限。")),
        Field("channel_out", "choice", _("去哪里办"), required=True, choices=Channel.choices),
        Field("lead", "choice", _("谁来办"), choices=kinds),
        Field("lead_without_property", "choice", _("没有物业的小区谁来办"), choices=kinds),
        Field("assists", "checks", _("谁来协助"), choices=kinds),
        Field("public", "choice", _("能不能公开"), required=True, choices=publics),
        Field("recheck_days", "text", _("办结几天后再看一次"), most=2, help=_("给白天干净、晚上又回来的事；0 不看。")),
        Field("keywords", "long", _("关键词"), most=1000, help=_("居民写到这些词时会先想到这一类，用空格隔开。")),
        Field("note", "text", _("备注"), most=300),
    ]
    if category is None:
        columns = [(code, name) for code, name, _rows in catalogue.by_column()]
        code = Field("code", "text", _("编码"), required=True, most=12, help=_("本地类别用 XQ 加数字，例如 XQ101。"))
        fields = [code, Field("column", "choice", _("栏目"), required=True, choices=columns), *fields]
    return fields


def settled(fields, request, category):
    """`category` with what was typed, unsaved; Invalid when a matter of this kind would have no limit."""
    given = taken(fields, request)
    for name, _label in LIMITS:
        given[name] = a_limit(given[name], name)
    if category.channel_out == Channel.INTEGRITY and given["channel_out"] != Channel.INTEGRITY:
        raise Invalid(_("举报干部的事只走纪检渠道，不能改到别处。"), "channel_out")
    given["recheck_days"] = given["recheck_days"] or "0"
    if not given["recheck_days"].isdecimal() or int(given["recheck_days"]) > 30:
        raise Invalid(_("请写 0 到 30 的天数。"), "recheck_days")
    given["recheck_days"] = int(given["recheck_days"])
    before = {name: getattr(category, name) for name in (*SHOWN, *ROUTED, "assists")}
    for name in (*SHOWN, *ROUTED):
        setattr(category, name, given[name])
    category.assists = ";".join(given["assists"])
    if len(category.assists) > 120:
        raise Invalid(_("协助的单位太多了，请少选几个。"), "assists")
    if category.channel_out in WORKED:
        accept, _on_site, handle = policy.limits_for(category, category.urgency, timezone.now())
        if not accept or not handle:
            raise Invalid(_("这一类要有受理和办结的时限。"), "accept_limit" if not accept else "handle_limit")
    return [name for name, value in before.items() if getattr(category, name) != value]


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def category(request, code):
    """One category to edit. Its code never changes."""
    row = get_object_or_404(catalogue.current(), code=code)
    if request.method != "POST":
        return show(request, row)
    fields = category_fields(row)

    def act():
        names = settled(fields, request, row)
        if names:
            row.save()
            changed(request, "category_changed", f"{code}: {' '.join(names)}", code=code, fields=names)
        return reverse("reports_desk:categories") + "?done=saved"

    answer, refusal = attempt(request, act)
    return answer if answer is not None else show(request, row, filled(fields, request, refusal=refusal), refusal)


def show(request, row, fields=None, refusal=None):
    if fields is None:
        values = {name: getattr(row, name) for name in (*SHOWN, *ROUTED)}
        fields = filled(category_fields(row), values=values | {"assists": row.assist_kinds})
    context = {"category": Category.objects.get(pk=row.pk), "fields": fields}
    return page(request, "reports/admin/category.html", context, refusal=refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def add_category(request):
    fields, refusal = category_fields(), None
    if request.method == "POST":

        def act():
            code = typed(request, "code", 12).upper()
            if not (code.startswith("XQ") and code[2:].isascii() and code[2:].isdecimal()):
                raise Invalid(_("本地类别的编码用 XQ 加数字，例如 XQ101。"), "code")
            if Category.objects.filter(scheme="resident", kind="matter", code=code).exists():
                raise Invalid(_("这个编码用过了，编码不能重复使用。"), "code")
            column = typed(request, "column", 8)
            sibling = catalogue.current().filter(column_code=column).order_by("-position").first()
            if sibling is None:
                raise Invalid(_("请选一个栏目。"), "column")
            row = Category(
                code=code,
                column_code=column,
                column_zh=sibling.column_zh,
                column_en=sibling.column_en,
                position=sibling.position,
                valid_from=timezone.localdate(),
            )
            settled(fields, request, row)
            row.save()
            changed(request, "category_added", f"+{code}", code=code)
            return reverse("reports_desk:categories") + "?done=added"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    context = {
        "heading": _("新增类别"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("新增"),
        "back": reverse("reports_desk:categories"),
        "intro": "",
    }
    return page(request, "desk/admin/form.html", context, refusal=refusal)


@require_POST
@admin_required
def end_category(request, code):
    """Nobody can choose it from today; reports that have it keep it. What ended already stays as it is."""
    row = get_object_or_404(Category, scheme="resident", kind="matter", code=code)

    def act():
        if row.valid_to is not None:
            return reverse("reports_desk:categories") + "?done=ended"
        if row.channel_out == Channel.INTEGRITY or row.code == WORDLESS:
            raise Invalid(_("这一类不能停用：报事总要有地方去。"))
        Category.objects.filter(pk=row.pk).update(valid_to=timezone.localdate())
        changed(request, "category_ended", f"-{code}", code=code)
        return reverse("reports_desk:categories") + "?done=ended"

    answer, refusal = attempt(request, act)
    return answer if answer is not None else show(request, row, refusal=refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def limits(request):
    """The limits of the four urgency levels, and the versions of the rules so far."""
    refusal = None
    if request.method == "POST":

        def act():
            new = {}
            for urgency in Urgency.values:
                row = {
                    name: a_limit(typed(request, f"{urgency}-{name}", 8), f"{urgency}-{name}") for name, _l in LIMITS
                }
                for name in ("accept_limit", "handle_limit"):
                    if not row[name]:
                        raise Invalid(_("每一级都要有受理和办结的时限。"), f"{urgency}-{name}")
                new[urgency] = row
            names = [u for u, row in new.items() if tuple(row.values()) != tuple(policy.level_limits(u))]
            for urgency in names:
                LevelLimit.objects.update_or_create(pk=urgency, defaults=new[urgency])
            if names:
                facts = {urgency: " ".join(value or "-" for value in new[urgency].values()) for urgency in names}
                changed(request, "limits_changed", " ".join(names), limits=facts)
            return reverse("reports_desk:limits") + "?done=saved"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    rows = []
    for urgency, label in Urgency.choices:
        stored = dict(zip((name for name, _l in LIMITS), policy.level_limits(urgency), strict=True))
        cells = []
        for name, head in LIMITS:
            field = f"{urgency}-{name}"
            value = request.POST.get(field, "") if refusal is not None else stored[name]
            wrong = refusal is not None and refusal.field == field
            said = words.limit(stored[name])
            cells.append({"name": field, "label": head, "value": value, "said": said, "wrong": wrong})
        rows.append({"urgency": urgency, "label": label, "cells": cells})
    context = {
        "rows": rows,
        "heads": [label for _name, label in LIMITS],
        "help": LIMIT_HELP,
        "versions": RuleVersion.objects.select_related("by").order_by("-since", "-pk")[:20],
    }
    return page(request, "reports/admin/limits.html", context, refusal=refusal)


def parameter_fields():
    fields = []
    for key, (default, label) in policy.PARAMETERS.items():
        shown = (
            default
            if default.isdecimal() or ":" in default
            else _("%(words)s，写作 %(text)s") % {"words": words.limit(default), "text": default}
        )
        fields.append(
            Field(key, "text", label, required=True, most=12, help=_("自带的值：%(default)s") % {"default": shown})
        )
    return fields


def proper(key, text):
    """A parameter's value as it is stored: a time, a number within its bounds, or a limit, as its default is."""
    if ":" in policy.PARAMETERS[key][0]:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
            raise Invalid(_("时间请写成 08:20 这样。"), key)
        return text
    if not policy.PARAMETERS[key][0].isdecimal():
        return a_limit(text, key)
    least, most = BOUNDS.get(key, (1, 3650))
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise Invalid(_("请写 %(least)s 到 %(most)s 之间的数。") % {"least": least, "most": most}, key)
    return str(int(text))


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def parameters(request):
    """The numbers that the subdistrict decides, each with what it means and what it was shipped as."""
    fields, refusal = parameter_fields(), None
    if request.method == "POST":

        def act():
            new = {key: proper(key, value) for key, value in taken(fields, request).items()}
            if int(new["text_least"]) >= int(new["text_most"]):
                raise Invalid(_("最少的字数要比最多的少。"), "text_least")
            facts = {key: value for key, value in new.items() if value != policy.parameter(key)}
            for key, value in facts.items():
                Parameter.objects.update_or_create(key=key, defaults={"value": value})
            if facts:
                changed(request, "parameters_changed", " ".join(facts), **facts)
            return reverse("reports_desk:parameters") + "?done=saved"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
        filled(fields, request, refusal=refusal)
    else:
        filled(fields, values={field.name: policy.parameter(field.name) for field in fields})
    return page(request, "reports/admin/parameters.html", {"fields": fields}, refusal=refusal)


admin_urls = [
    path("categories/", categories, name="categories"),
    path("categories/add/", add_category, name="category_add"),
    path("categories/<slug:code>/", category, name="category"),
    path("categories/<slug:code>/end/", end_category, name="category_end"),
    *rules_urls,
    path("limits/", limits, name="limits"),
    path("parameters/", parameters, name="parameters"),
]
