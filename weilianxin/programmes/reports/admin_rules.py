"""设置 → 派遣规则: who handles what where, tried on the last five hundred reports before it is saved."""

import hashlib
import json

from django.core import signing
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from weilianxin.areas.home import own_subdistrict
from weilianxin.areas.models import Area, Place, PlaceKind
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.cases.models import Case, Urgency
from weilianxin.desk.admin.frame import attempt, filled, note, page, taken
from weilianxin.people.models import HANDLER_KINDS, Unit
from weilianxin.people.session import admin_required

from . import catalogue, policy
from .models import Channel, RoutingRule
from .routing import MOST_RULES, dry_run, kind_name, precedence, rules_in_force

LAST = 500  # reports on which a change is tried
SHOWN = 100
SALT = "routing-rule"
BY_STAFF = ("grid_worker", "dispatcher")  # kinds that are posts: nobody outside to send it to


def changed(request, action, said, **facts):
    """After a change: a new version of the rules, and an entry in the journal."""
    version = policy.new_version(request.account, said, timezone.now())
    note(request, action, version=version.name, **facts)


@require_safe
@admin_required
def rules(request):
    """The rules in force, those that look most closely first, and what was ended lately."""
    rows = sorted(rules_in_force(), key=precedence, reverse=True)
    ended = RoutingRule.objects.filter(ended_at__isnull=False).select_related("unit", "area", "compound", "category")
    ended = worded(ended.order_by("-ended_at")[:30])
    context = {"rows": worded(rows), "ended": ended, "version": policy.rule_version()}
    return page(request, "reports/admin/rules.html", context)


def worded(rules):
    columns = {code: name for code, name, _rows in catalogue.by_column()}
    for rule in rules:
        area = full_name(rule.area) if rule.area_id else ""
        rule.where = rule.compound.full_name if rule.compound_id else area or _("整个街道")
        rule.what = rule.category.name if rule.category_id else columns.get(rule.column_code, "") or _("所有类别")
        rule.who = rule.unit.name if rule.unit_id else kind_name(rule.kind)
        rule.helpers = [kind_name(kind) for kind in rule.assists.split(";") if kind]
    return rules


def full_name(area):
    return f"{area.community.name} {area.name}" if area.level == "grid" and area.community else area.name


def fields_of():
    here = Area.objects.current().select_related("community")
    home = own_subdistrict()
    areas = [*here.filter(pk=home.pk if home else 0), *here.filter(level="community").order_by("code")[:100]]
    areas += here.filter(level="grid").order_by("code")[:800]
    areas = [(area.code, full_name(area)) for area in areas]
    compounds = Place.objects.current().filter(kind=PlaceKind.COMPOUND).select_related("community")
    compounds = [(str(c.pk), in_community(c)) for c in compounds.order_by("community__code", "full_name")[:1500]]
    tree = catalogue.by_column()
    columns = [(f"column:{code}", _("%(name)s（整栏）") % {"name": name}) for code, name, _rows in tree]
    categories = [
        (name, [(row.code, row.name) for row in rows if row.channel_out == Channel.CASE]) for _code, name, rows in tree
    ]
    kinds = [(kind, str(label)) for kind, (label, _tied) in HANDLER_KINDS.items() if kind not in BY_STAFF]
    units = Unit.objects.filter(is_active=True).order_by("kind", "pk")[:800]
    holders = (
        (_("按地点找这一类单位"), [(f"kind:{kind}", label) for kind, label in kinds]),
        (_("指定的单位"), [(f"unit:{unit.ref}", f"{unit.name}（{kind_name(unit.kind)}）") for unit in units]),
    )
    what = ((_("栏目"), columns), *categories)
    levels = [(value, label) for value, label in Urgency.choices if value != Urgency.U0]
    no_emergency = _("特急的事总由应急值班主办，不受规则影响。")
    return [
        Field("area", "choice", _("哪里"), choices=areas, help=_("空着就是整个街道。")),
        Field("compound", "choice", _("哪个小区"), choices=compounds),
        Field("what", "choice", _("哪一类"), choices=what, help=_("空着就是所有类别。")),
        Field("urgency", "choice", _("紧急程度"), choices=levels, help=no_emergency),
        Field("holder", "choice", _("交给谁"), required=True, choices=holders),
        Field("assists", "checks", _("请谁协办"), choices=kinds, help=_("都不选就按类别。")),
        Field("why", "text", _("为什么"), required=True, most=120, help=_("派遣员和承办单位看得到。")),
    ]


def in_community(compound):
    return f"{compound.full_name}（{compound.community.name}）" if compound.community_id else compound.full_name


def values_of(rule):
    return {
        "area": rule.area.code if rule.area_id else "",
        "compound": str(rule.compound_id or ""),
        "what": f"column:{rule.column_code}" if rule.column_code else rule.category.code if rule.category_id else "",
        "urgency": rule.urgency,
        "holder": f"unit:{rule.unit.ref}" if rule.unit_id else f"kind:{rule.kind}",
        "assists": [kind for kind in rule.assists.split(";") if kind],
        "why": rule.why,
    }


def drafted(given, account):
    """The rule that the form describes, unsaved."""
    what, (sort, _colon, key) = given["what"], given["holder"].partition(":")
    column = what.removeprefix("column:") if what.startswith("column:") else ""
    assists = ";".join(given["assists"])
    if len(assists) > 120:
        raise Invalid(_("协助的单位太多了，请少选几个。"), "assists")
    compounds = Place.objects.current().select_related("community")
    return RoutingRule(
        area=Area.objects.current().get(code=given["area"]) if given["area"] else None,
        compound=compounds.get(pk=given["compound"]) if given["compound"] else None,
        column_code=column,
        category=catalogue.current().get(code=what) if what and not column else None,
        urgency=given["urgency"],
        unit=Unit.objects.get(ref=key) if sort == "unit" else None,
        kind=key if sort == "kind" else "",
        assists=assists,
        why=given["why"],
        by=account,
    )


def last_reports():
    rows = Case.objects.filter(programme="reports", subdistrict=own_subdistrict(), parent__isnull=True)
    rows = rows.exclude(channel="source").filter(report__category__isnull=False)
    return list(rows.select_related("report__category", "compound", "community", "grid").order_by("-id")[:LAST])


def tried(rules):
    """What the last reports say to `rules`: how many, which go elsewhere and why; a sensitive one is only counted."""
    cases = last_reports()
    found = dry_run(cases, rules)
    named = {going.unit for row in found for going in (row.now, row.then) if going.unit}
    units = {unit.pk: unit.name for unit in Unit.objects.filter(pk__in=named)}
    open_ones = [row for row in found if not row.case.sensitive]
    for row in open_ones[:SHOWN]:
        row.before, row.after = said(row.now, units), said(row.then, units)
        spot = row.case.compound or row.case.community
        row.where = getattr(spot, "full_name", "") or getattr(spot, "name", "")
    return {
        "of": len(cases),
        "count": len(found),
        "hidden": len(found) - len(open_ones),
        "rows": open_ones[:SHOWN],
        "more": len(open_ones) > SHOWN,
    }


def said(way, units):
    """Who would handle it, who would help, and the reason that is the rule's own."""
    return {
        "lead": units.get(way.unit) or kind_name(way.lead),
        "assists": [kind_name(kind) for kind in way.assists],
        "why": way.reasons[-1],
    }


def token_of(rule, content):
    """What is saved is what was tried: the words of the form, the rule it replaces, and the rules of that moment."""
    whole = json.dumps([content, rule.pk if rule else 0, policy.rule_version()], sort_keys=True)
    return signing.dumps(hashlib.sha256(whole.encode()).hexdigest(), salt=SALT)


def same(token, rule, content):
    try:
        return signing.loads(token, salt=SALT, max_age=3600) == signing.loads(token_of(rule, content), salt=SALT)
    except signing.BadSignature:
        return False


def in_force(pk):
    rows = RoutingRule.objects.select_related("unit", "area", "compound", "category")
    return get_object_or_404(rows, pk=pk, ended_at__isnull=True)


def stale():
    return Invalid(_("试算以后规则变了，请再看一遍。"))


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def rule(request, pk=None):
    """A new rule, or one that takes the place of another: first tried, then saved."""
    fields, refusal = fields_of(), None
    if request.method == "POST" and request.POST.get("tried"):
        answer, refusal = attempt(request, lambda: save(request, pk, fields))
        if answer is not None:
            return answer
    old = in_force(pk) if pk else None
    if request.method == "POST":
        try:
            given = taken(fields, request)
            draft = drafted(given, request.account)
            trial = tried([draft, *without(old)])
        except Invalid as problem:
            refusal = refusal or problem
        else:
            typed = [(f.name, value) for f in fields for value in request.POST.getlist(f.name) if value]
            context = {"old": old, "draft": worded([draft])[0], "trial": trial, "typed": typed}
            context["token"] = token_of(old, given)
            return page(request, "reports/admin/dry_run.html", context, refusal=refusal)
        filled(fields, request, refusal=refusal)
    elif old is not None:
        filled(fields, values=values_of(old))
    return page(request, "reports/admin/rule.html", {"fields": fields, "old": old}, refusal=refusal)


def without(old):
    return [row for row in rules_in_force() if old is None or row.pk != old.pk]


def save(request, pk, fields):
    """Keep what was tried; where to go on."""
    old, given, at = (in_force(pk) if pk else None), taken(fields, request), timezone.now()
    new = drafted(given, request.account)
    if not same(request.POST["tried"], old, given):
        raise stale()
    if len(without(old)) >= MOST_RULES:
        raise Invalid(_("规则已经有 %(n)s 条了，请先停用不用的。") % {"n": MOST_RULES})
    if old is not None and not RoutingRule.objects.filter(pk=pk, ended_at__isnull=True).update(ended_at=at):
        raise stale()
    new.since = at
    new.save()
    changed(request, "routing_rule_set", f"#{new.pk}", rule=new.pk, instead=pk or 0)
    return reverse("reports_desk:rules") + "?done=saved"


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def end_rule(request, pk):
    """What would go elsewhere without it; then it is ended."""
    refusal = None
    if request.method == "POST":

        def act():
            if not same(request.POST.get("tried", ""), in_force(pk), {}):
                raise stale()
            RoutingRule.objects.filter(pk=pk).update(ended_at=timezone.now())
            changed(request, "routing_rule_ended", f"-#{pk}", rule=pk)
            return reverse("reports_desk:rules") + "?done=ended"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    old = in_force(pk)
    context = {"old": old, "draft": worded([old])[0], "ending": True, "trial": tried(without(old))}
    context["token"] = token_of(old, {})
    return page(request, "reports/admin/dry_run.html", context, refusal=refusal)


urls = [
    path("rules/", rules, name="rules"),
    path("rules/add/", rule, name="rule_add"),
    path("rules/<int:pk>/", rule, name="rule"),
    path("rules/<int:pk>/end/", end_rule, name="rule_end"),
]
