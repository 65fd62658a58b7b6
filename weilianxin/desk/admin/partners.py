"""设置 → 对接: systems outside that are told what happens to a unit's tasks or to a channel's matters."""

from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.channels import webhook
from weilianxin.notify import webhooks
from weilianxin.notify.models import Delivery, Partner
from weilianxin.people.models import Unit
from weilianxin.people.session import admin_required

from ..lists import newest
from .frame import address, attempt, filled, note, page, taken, typed

MOST = 200
PAGE = 30


@require_safe
@admin_required
def partners(request):
    rows = Partner.objects.select_related("unit").order_by("-active", "name", "id")[:MOST]
    return page(request, "desk/admin/partners.html", {"rows": rows})


def partner_fields(partner=None):
    units = [
        (unit.ref, f"{unit.name}（{unit.get_kind_display()}）") for unit in Unit.objects.order_by("kind", "id")[:800]
    ]
    fields = [
        Field("name", "text", _("名称"), required=True, most=60),
        Field("url", "text", _("接收地址"), required=True, most=300, help=_("以 https:// 开头。只发到公网地址。")),
        Field("unit", "choice", _("哪个单位的任务"), choices=units),
        Field("source", "text", _("或者哪个渠道转来的事"), most=24, help=_("导入时写的渠道名，例如 hotline。")),
    ]
    if partner is not None:
        states = [("yes", _("发送")), ("no", _("停用"))]
        fields.append(Field("active", "radios", _("状态"), required=True, choices=states))
    return fields


def settled(fields, request, partner):
    """`partner` with what was typed, unsaved."""
    given = taken(fields, request)
    if not webhook.proper(given["url"]):
        raise Invalid(_("地址要以 https:// 开头，不写用户名和密码。"), "url")
    if bool(given["unit"]) == bool(given["source"]):
        raise Invalid(_("单位和渠道，请选一样。"), "unit")
    partner.name, partner.url, partner.source = given["name"], given["url"], given["source"]
    partner.unit = Unit.objects.get(ref=given["unit"]) if given["unit"] else None
    if "active" in given:
        if given["active"] == "yes" and not partner.active:
            partner.failing_since = None
        partner.active = given["active"] == "yes"
    return partner


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def add(request):
    fields, refusal = partner_fields(), None
    if request.method == "POST":

        def act():
            partner = settled(fields, request, Partner())
            partner.save()
            note(request, "partner_added", partner=partner.ref)
            request.session["partner_secret"] = partner.ref
            return reverse("desk:admin_partner", args=[partner.ref]) + "?done=added"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    context = {
        "heading": _("登记对接系统"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("登记"),
        "back": reverse("desk:admin_partners"),
        "intro": _("登记以后密钥只显示一次，请交给对方验签用。"),
    }
    return page(request, "desk/admin/form.html", context, refusal=refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def one(request, ref):
    """A partner: its facts, its secret when it is new, and what was sent lately."""
    partner = get_object_or_404(Partner, ref=ref)
    fields, refusal = partner_fields(partner), None
    if request.method == "POST":

        def act():
            settled(fields, request, partner).save()
            note(request, "partner_changed", partner=partner.ref, active=partner.active)
            return reverse("desk:admin_partner", args=[ref]) + "?done=saved"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
        partner = Partner.objects.get(ref=ref)
        filled(fields, request, refusal=refusal)
    else:
        filled(fields, values=_values(partner))
    rows, before = newest(partner.deliveries.all(), request.GET.get("before", ""), PAGE)
    here = reverse("desk:admin_partner", args=[ref])
    shown = request.method == "GET" and request.session.pop("partner_secret", "") == ref
    context = {
        "partner": partner,
        "fields": fields,
        "secret": webhooks.written(webhooks.secret(partner)) if shown else "",
        "rows": rows,
        "older": address(here, {"before": before}) if before else "",
        "newest": here if request.GET.get("before") else "",
    }
    return page(request, "desk/admin/partner.html", context, refusal=refusal)


def _values(partner):
    return {
        "name": partner.name,
        "url": partner.url,
        "unit": partner.unit.ref if partner.unit_id else "",
        "source": partner.source,
        "active": "yes" if partner.active else "no",
    }


@require_POST
@admin_required
def act(request, ref, what):
    """Another secret, something to try, or a delivery once more."""
    partner = get_object_or_404(Partner, ref=ref)
    here = reverse("desk:admin_partner", args=[ref])
    at = timezone.now()

    def do():
        if what == "rotate":
            Partner.objects.filter(pk=partner.pk).update(generation=partner.generation + 1, rotated_at=at)
            request.session["partner_secret"] = ref
            note(request, "partner_rotated", partner=ref)
        elif what == "test":
            webhooks.test_delivery(partner, at)
            note(request, "partner_tested", partner=ref)
        else:
            row = Delivery.objects.filter(partner=partner, ref=typed(request, "delivery", 24)).first()
            if row is None:
                raise Invalid(_("没有这一条。"))
            webhooks.again(row, at)
            note(request, "partner_again", partner=ref, delivery=row.ref)
        return f"{here}?done={what}"

    answer, refusal = attempt(request, do)
    return answer if refusal is None else HttpResponseRedirect(f"{here}?done=gone")
