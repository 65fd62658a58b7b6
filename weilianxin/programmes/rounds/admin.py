"""设置 → 走访与检查: rhythms of households and their classes, and the checklists."""

import re

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.desk.admin.frame import ADMIN, attempt, filled, note, page, taken, typed
from weilianxin.people.session import admin_required

from .models import HouseholdClass, Parameter, Template
from .plan import PARAMETERS, number

# What the rail of the administrator shows of this programme: name of the page, icon, label, who has it.
PAGES = (("rounds_desk:settings", "walk", gettext_lazy("走访与检查"), ADMIN),)
LEAST, MOST = 1, 730  # days of a rhythm
ITEMS = 20


def whole(text, field, least=LEAST, most=MOST):
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most):
        raise Invalid(_("请写 %(least)s 到 %(most)s 之间的数。") % {"least": least, "most": most}, field)
    return int(text)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def settings(request):
    """Every number of the rounds in one form, and the checklists. Who the households are is on no page of settings."""
    classes = list(HouseholdClass.objects.all())
    numbers = [Field(key, "text", words, required=True, most=5) for key, (_d, _l, _m, words) in PARAMETERS.items()]
    rhythms = [
        Field(f"class_{c.code}", "text", _("%(name)s：多少天一次") % {"name": c.name}, required=True, most=5)
        for c in classes
    ]
    refusal = None
    if request.method == "POST":

        def act():
            given = taken([*numbers, *rhythms], request)
            facts = {}
            for key, (_default, least, most, _words) in PARAMETERS.items():
                value = whole(given[key], key, least, most)
                if value != number(key):
                    Parameter.objects.update_or_create(key=key, defaults={"value": value})
                    facts[key] = value
            for one in classes:
                value = whole(given[f"class_{one.code}"], f"class_{one.code}")
                if value != one.every_days:
                    HouseholdClass.objects.filter(pk=one.pk).update(every_days=value)
                    facts[one.code] = value
            if facts:
                note(request, "rounds_changed", **facts)
            return reverse("rounds_desk:settings") + "?done=saved"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    values = {key: number(key) for key in PARAMETERS} | {f"class_{c.code}": c.every_days for c in classes}
    context = {
        "numbers": filled(numbers, request, values, refusal),
        "rhythms": filled(rhythms, request, values, refusal),
        "templates": list(Template.objects.all()),
    }
    return page(request, "rounds/admin/settings.html", context, refusal=refusal)


def template_fields(template=None):
    fields = [
        Field("name_zh", "text", _("名称"), required=True, most=40),
        Field("name_en", "text", _("英文名称"), most=80),
        Field("every_days", "text", _("多少天一次"), required=True, most=4),
        Field(
            "items",
            "long",
            _("检查项"),
            required=True,
            most=3000,
            help=_("一行一项，写成“好”的样子；英文写在 | 后面。最多 %(n)s 项。") % {"n": ITEMS},
        ),
    ]
    if template is None:
        return [Field("code", "text", _("编码"), required=True, most=24, help=_("小写字母、数字和短横。")), *fields]
    return [*fields, Field("is_active", "checks", _("状态"), choices=[("1", _("在用"))])]


def items_of(text, before):
    """The lines as items; a line that was there keeps its code, so that a form opened before still fits."""
    codes = {item["zh"]: item["code"] for item in before}
    used = {item["code"] for item in before}
    items, seen, n = [], set(), 0
    for line in text.splitlines():
        zh, _bar, en = (part.strip() for part in line.partition("|"))
        if not zh:
            continue
        if zh in seen:
            raise Invalid(_("“%(item)s”写了两遍。") % {"item": zh}, "items")
        if len(zh) > 80 or len(en) > 160:
            raise Invalid(_("“%(item)s…”太长了，请写短些。") % {"item": zh[:12]}, "items")
        seen.add(zh)
        code = codes.get(zh)
        while code is None or (zh not in codes and code in used):
            n += 1
            code = f"i{n}"
        used.add(code)
        items.append({"code": code, "zh": zh, "en": en})
    if not items:
        raise Invalid(_("请至少写一项。"), "items")
    if len(items) > ITEMS:
        raise Invalid(_("最多 %(n)s 项，请分成两张表。") % {"n": ITEMS}, "items")
    return items


def lines_of(template):
    return "\n".join(f"{item['zh']} | {item['en']}" if item.get("en") else item["zh"] for item in template.items)


def settle(template, given):
    template.name_zh, template.name_en = given["name_zh"], given["name_en"]
    template.every_days = whole(given["every_days"], "every_days")
    template.items = items_of(given["items"], template.items)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def one(request, code):
    """One checklist to edit. What was recorded keeps the words it was recorded with."""
    row, refusal = get_object_or_404(Template, code=code), None
    fields = template_fields(row)
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            settle(row, given)
            row.is_active = bool(given["is_active"])
            row.save()
            note(request, "checklist_changed", code=code)
            return reverse("rounds_desk:settings") + "?done=saved"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
        filled(fields, request, refusal=refusal)
    else:
        values = {name: getattr(row, name) for name in ("name_zh", "name_en", "every_days")}
        filled(fields, values=values | {"items": lines_of(row), "is_active": ["1"] if row.is_active else []})
    context = {
        "heading": Template.objects.get(pk=code).name,
        "fields": fields,
        "button": _("保存"),
        "back": reverse("rounds_desk:settings"),
        "intro": _("改了只管以后的检查；查过的按当时的样子留着。"),
    }
    return page(request, "desk/admin/form.html", context, refusal=refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def add(request):
    fields, refusal = template_fields(), None
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            code = typed(request, "code", 24)
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,23}", code) or code == "add":
                raise Invalid(_("编码用小写字母、数字和短横，至少两个字。"), "code")
            if Template.objects.filter(pk=code).exists():
                raise Invalid(_("这个编码用过了，编码不能重复使用。"), "code")
            row = Template(code=code, position=Template.objects.count())
            settle(row, given)
            row.save(force_insert=True)
            note(request, "checklist_added", code=code)
            return reverse("rounds_desk:settings") + "?done=added"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    context = {
        "heading": _("新增检查表"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("新增"),
        "back": reverse("rounds_desk:settings"),
        "intro": "",
    }
    return page(request, "desk/admin/form.html", context, refusal=refusal)
