"""Outside units: who they are, their registered telephone, and the compounds or areas they look after."""

from django.db.models import Count
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from weilianxin.areas.models import Area, Place, PlaceKind
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.people.models import HANDLER_KINDS, Unit
from weilianxin.people.session import admin_required

from .frame import attempt, filled, known, note, page, paged, taken
from .people import area_choices

KINDS = [(kind, label) for kind, (label, _tied) in HANDLER_KINDS.items()]


@require_safe
@admin_required
def units(request):
    rows = Unit.objects.annotate(in_areas=Count("areas", distinct=True), in_compounds=Count("compounds", distinct=True))
    kind = request.GET.get("kind", "")
    if kind in HANDLER_KINDS:
        rows = rows.filter(kind=kind)
    rows, older, newest = paged(rows, request)
    for row in rows:
        row.ties = row.in_compounds if tied(row.kind) == "compound" else row.in_areas
    context = {"rows": rows, "older": older, "newest": newest, "kinds": KINDS, "kind": kind}
    return page(request, "desk/admin/units.html", context)


def tied(kind):
    return HANDLER_KINDS[kind][1] if kind in HANDLER_KINDS else ""


def unit_fields(unit=None):
    fields = [
        Field("name_zh", "text", _("名称"), required=True, most=60),
        Field("name_en", "text", _("英文名称"), most=80),
        Field("phone", "text", _("登记的手机"), most=20, help=_("任务链接和验证码发到这里。")),
        Field("contact", "text", _("联系人"), most=40),
    ]
    if unit is None:
        kind = Field("kind", "choice", _("类型"), required=True, choices=KINDS)
        return [kind, *fields]
    active = [("yes", _("可以派任务给它")), ("no", _("停用，不再派任务"))]
    return [*fields, Field("is_active", "radios", _("状态"), required=True, choices=active)]


def ties_field(unit):
    """The places a unit of this kind can look after, grouped by community."""
    level = tied(unit.kind)
    if level == "compound":
        groups = {}
        compounds = Place.objects.current().filter(kind=PlaceKind.COMPOUND).select_related("community")
        for place in compounds.order_by("community__code", "full_name")[:2000]:
            groups.setdefault(place.community.name if place.community else "", []).append((place.pk, place.full_name))
        choices, value = list(groups.items()), unit.compounds.values_list("pk", flat=True)
    else:
        choices, value = area_choices([level]), unit.areas.values_list("code", flat=True)
    label = _("负责哪些小区") if level == "compound" else _("负责哪些地方")
    return Field("ties", "checks", label, choices=choices, value=[str(v) for v in value])


def cleaned(fields, request):
    given = taken(fields, request)
    phone = given["phone"]
    if phone and not (phone.isascii() and phone.replace("-", "").isdecimal() and 3 <= len(phone) <= 15):
        raise Invalid(_("电话只写数字，例如 11 位手机号。"), "phone")
    return given


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def add(request):
    refusal, fields = None, unit_fields()
    if request.method == "POST":

        def act():
            unit = Unit.objects.create(**cleaned(fields, request))
            note(request, "unit_added", unit=unit.ref, kind=unit.kind)
            return reverse("desk:admin_unit", args=[unit.ref]) + "?done=added"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    context = {
        "heading": _("登记单位"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("登记"),
        "back": reverse("desk:admin_units"),
        "intro": _("登记以后再勾选它负责的小区或区域。"),
    }
    return page(request, "desk/admin/form.html", context, refusal=refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def one(request, ref):
    """A unit's facts and its ties, in one form."""
    unit = get_object_or_404(Unit, ref=ref)
    fields, ties, refusal = unit_fields(unit), ties_field(unit), None
    if request.method == "POST":
        answer, refusal = attempt(request, lambda: save(request, unit, fields, ties))
        if answer is not None:
            return answer
        filled([*fields, ties], request, refusal=refusal)
    else:
        values = {field.name: getattr(unit, field.name) for field in fields}
        filled(fields, values=values | {"is_active": "yes" if unit.is_active else "no"})
    context = {"unit": unit, "fields": fields, "ties": ties}
    return page(request, "desk/admin/unit.html", context, refusal=refusal)


def save(request, unit, fields, ties):
    given = cleaned(fields, request)
    chosen = [value for value in request.POST.getlist("ties") if value in known(ties.choices)]
    given["is_active"] = given["is_active"] == "yes"
    changed = [name for name, value in given.items() if getattr(unit, name) != value]
    for name, value in given.items():
        setattr(unit, name, value)
    unit.save()
    before = set(ties.value)
    if tied(unit.kind) == "compound":
        unit.compounds.set(Place.objects.current().filter(kind=PlaceKind.COMPOUND, pk__in=chosen))
    else:
        unit.areas.set(Area.objects.current().filter(code__in=chosen))
    gone, new = sorted(before - set(chosen)), sorted(set(chosen) - before)
    note(request, "unit_changed", unit=unit.ref, fields=changed, tied=new, untied=gone)
    return reverse("desk:admin_unit", args=[unit.ref]) + "?done=saved"
