"""What the administrator's pages share: their navigation, forms, lists and the journal of every change."""

from importlib import import_module
from urllib.parse import urlencode

from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from weilianxin.cases.errors import Invalid
from weilianxin.cases.once import once
from weilianxin.journal import log
from weilianxin.lib.programme import programmes
from weilianxin.lib.refusal import Refused
from weilianxin.people.models import Role

from ..reach import roles

STREAM = "configuration"
PAGE = 50
LONGEST = 4000  # characters of one field, whatever a browser sends

ADMIN, AUDITOR = (Role.SYSTEM_ADMIN,), (Role.AUDITOR,)
PAGES = (
    # name of the page, icon, label, who has it
    ("desk:admin_home", "home", gettext_lazy("设置"), ADMIN),
    ("desk:admin_areas", "map", gettext_lazy("区域"), ADMIN),
    ("desk:admin_plates", "qr", gettext_lazy("门牌"), ADMIN),
    ("desk:admin_people", "people", gettext_lazy("人员"), ADMIN),
    ("desk:admin_units", "hall", gettext_lazy("单位"), ADMIN),
    ("desk:admin_partners", "link", gettext_lazy("对接"), ADMIN),
    ("desk:admin_texts", "msg", gettext_lazy("文字"), ADMIN),
    ("desk:admin_calendar", "calendar", gettext_lazy("日历"), ADMIN),
    ("desk:admin_imports", "upload", gettext_lazy("导入"), ADMIN),
    ("desk:admin_journal", "history", gettext_lazy("台账"), AUDITOR),
)


def all_pages():
    """PAGES, and what programmes bring in `PAGES` of their module `admin`, ahead of the last two."""
    brought = []
    for config in programmes():
        if module_has_submodule(import_module(config.name), "admin"):
            brought += getattr(import_module(f"{config.name}.admin"), "PAGES", ())
    return [*PAGES[:5], *brought, *PAGES[5:]]


def navigation(request):
    """The entries of the rail for this account, the current one marked."""
    mine, found = roles(request), []
    for name, icon, label, whose in all_pages():
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        if mine & set(whose):
            found.append({"url": url, "icon": icon, "label": label})
    if mine - {*ADMIN, *AUDITOR}:
        found.append({"url": reverse("desk:home"), "icon": "list", "label": _("工作台")})
    found.append({"url": reverse("desk:about"), "icon": "user", "label": _("我")})
    longest = max((e["url"] for e in found if request.path.startswith(e["url"])), key=len, default="")
    for entry in found:
        entry["on"] = entry["url"] == longest
    return found


def page(request, template, context=None, *, refusal=None):
    """A page of the administrator; after a refusal with its sentence and its status."""
    more = {"nav": navigation(request), "refusal": refusal, "done": request.GET.get("done", "")[:20]}
    return render(request, template, more | (context or {}), status=refusal.status if refusal else 200)


def attempt(request, act):
    """(answer, None) when `act() -> address` was done once, (None, refusal) when it was refused."""
    try:
        return once(request, act), None
    except Refused as refusal:
        return None, refusal


def note(request, action, **facts):
    """Write a change of the configuration into the journal. Facts are codes and opaque references, never names or
    telephone numbers: they stay for ever."""
    log.append(STREAM, action, request.account.ref, facts)


def typed(request, name, most=LONGEST):
    """A field as it was sent: without blanks around it, never longer than `most`."""
    return request.POST.get(name, "").strip()[:most]


def filled(fields, request=None, values=None, refusal=None):
    """Fields with what was typed, or else with `values`; the refusal's sentence stands at its field."""
    for field in fields:
        if request is not None and request.method == "POST":
            several = field.kind == "checks"
            field.value = request.POST.getlist(field.name) if several else request.POST.get(field.name, "")
        elif values is not None:
            field.value = values.get(field.name, "")
        if refusal is not None and getattr(refusal, "field", None) == field.name:
            field.error = str(refusal)
    return fields


def taken(fields, request):
    """{name: value} of a form: what is asked for is there, not too long, and among the choices; Invalid otherwise."""
    found = {}
    for field in fields:
        if field.kind == "checks":
            found[field.name] = [value for value in request.POST.getlist(field.name) if value in known(field.choices)]
            continue
        value = typed(request, field.name)
        if field.required and not value:
            raise Invalid(_("请填写“%(label)s”。") % {"label": field.label}, field.name)
        if field.most and len(value) > field.most:
            message = _("“%(label)s”最多 %(most)s 个字。") % {"label": field.label, "most": field.most}
            raise Invalid(message, field.name)
        if value and field.choices and value not in known(field.choices):
            raise Invalid(_("请在“%(label)s”里选一项。") % {"label": field.label}, field.name)
        found[field.name] = value
    return found


def known(choices):
    """The values of plain or grouped choices, as text."""
    found = set()
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            found |= {str(inner) for inner, _label in label}
        else:
            found.add(str(value))
    return found


def paged(rows, request, limit=PAGE):
    """A page of `rows` by key, smallest first: (rows, address of the next page, address of the first page)."""
    after = request.GET.get("after", "")
    here = {key: value for key, value in request.GET.items() if key not in ("after", "done")}
    if after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__gt=int(after))
    else:
        after = ""
    rows = list(rows.order_by("pk")[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    first = address(request.path, here) if after else ""
    return rows, address(request.path, here | {"after": rows[-1].pk}) if more else "", first


def address(path, query):
    return f"{path}?{urlencode(query)}" if query else path
