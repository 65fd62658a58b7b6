"""Which way a report goes, from category, place, urgency and kind. The text is not read here.

`route` is what law, safety and the category say: an ordered list, first match wins. `way` adds the subdistrict's own
rules (`RoutingRule`), which name who handles what is worked here; they lead nothing out of the house and touch no
emergency. Each decision leaves a reason that a person can read.
"""

from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from weilianxin.people.models import HANDLER_KINDS

from .models import Channel, Kind, RoutingRule


@dataclass(frozen=True)
class Route:
    """Where a report goes. `lead` is empty when it is not worked here."""

    channel: str
    lead: str = ""
    assists: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    unit: int | None = None  # the one whom a rule names
    rule: int | None = None

    def as_json(self):
        named = {name: value for name in ("unit", "rule") if (value := getattr(self, name)) is not None}
        return {
            **named,
            "channel": self.channel,
            "lead": self.lead,
            "assists": list(self.assists),
            "reasons": list(self.reasons),
        }


@dataclass
class _Row:
    """A category's handlers once rule 1 has looked at the compound."""

    lead: str
    assists: list = field(default_factory=list)
    reasons: list = field(default_factory=list)


def _for_place(category, has_property):
    lead, assists, reasons = category.lead, list(category.assist_kinds), []
    if not has_property:
        if lead == "property_company":
            lead = category.lead_without_property
            reasons.append(_("这里没有物业，改由%(handler)s主办") % {"handler": kind_name(lead)})
        if "property_company" in assists:
            assists.remove("property_company")
            reasons.append(_("这里没有物业，不请物业协办"))
    return _Row(lead, assists, reasons)


def kind_name(kind):
    return str(HANDLER_KINDS[kind][0]) if kind in HANDLER_KINDS else kind


def _others(lead, *kinds):
    """The kinds in order, each once, without the lead."""
    return tuple(k for k in dict.fromkeys(kinds) if k and k != lead)


def route(category, *, has_property, urgency, kind):
    """Decide the way of a report.

    `category`: a row of the tree; `has_property`: whether the compound has a property company (准物业 counts);
    `urgency`: U0 to U3; `kind`: what the person wants (`models.Kind`). Returns a `Route`.
    """
    row = _for_place(category, has_property)
    said = (_("类别是“%(name)s”") % {"name": category.name_zh},)
    because = said + tuple(row.reasons)

    if category.channel_out == Channel.INTEGRITY:
        return Route(Channel.INTEGRITY, reasons=said + (_("廉洁问题只送纪检，不进报事"),))

    police = category.channel_out == Channel.POLICE
    violence = category.channel_out == Channel.MEDIATION and urgency == "U0"
    if police or violence:
        why = _("纠纷正在动手，先找公安，不调解") if violence else _("这一类由公安办理")
        helpers = row.assists
        if urgency == "U0":
            helpers = ["emergency_post", *helpers]
            why += _("；特急，应急值班先打电话并登记")
        return Route(Channel.POLICE, "", _others("", *helpers), because + (why,))

    if urgency == "U0":
        helpers = _others("emergency_post", "grid_worker", row.lead, *row.assists)
        return Route(Channel.EMERGENCY, "emergency_post", helpers, because + (_("特急：应急值班主办，网格员先到现场"),))

    if category.channel_out != Channel.CASE:
        channel = Channel(category.channel_out)
        return Route(channel, reasons=said + (_("这一类转到“%(channel)s”") % {"channel": channel.label},))

    if kind == Kind.IDEA:
        helpers = _others("community_committee", row.lead, *row.assists)
        return Route(Channel.CASE, "community_committee", helpers, because + (_("是建议，由社区答复，可以提到议事厅"),))

    why = _("按类别由%(handler)s主办") % {"handler": kind_name(row.lead)}
    return Route(Channel.CASE, row.lead, _others(row.lead, *row.assists), because + (why,))


MOST_RULES = 500  # read whole for every report


def rules_in_force():
    """The subdistrict's rules, the newest first."""
    rows = RoutingRule.objects.filter(ended_at__isnull=True).select_related("unit", "area", "compound", "category")
    return list(rows.order_by("-id")[:MOST_RULES])


def has_property(compound):
    """Whether the compound has a property company; 准物业 counts; a place outside compounds has none."""
    return bool(compound and compound.property_kind in ("company", "quasi"))


def way(category, where, *, urgency, kind, rules=None):
    """The way of a report at `where`, anything with compound, grid, community, subdistrict and `about_unit_id`.

    `rules` are those to go by, the subdistrict's own where None.
    """
    plain = route(category, has_property=has_property(where.compound), urgency=urgency, kind=kind)
    if plain.channel != Channel.CASE:
        return plain
    rules = rules_in_force() if rules is None else rules
    found = [rule for rule in rules if _fits(rule, category, where, urgency)]
    rule = max(found, key=precedence, default=None)
    if rule is None:
        return plain
    if rule.unit_id and not rule.unit.is_active:
        return _but(plain, _("规则指定的“%(unit)s”已经停用，仍按类别") % {"unit": rule.unit.name_zh})
    if rule.unit_id and rule.unit_id == where.about_unit_id:
        return _but(plain, _("投诉的就是规则指定的“%(unit)s”，仍按类别") % {"unit": rule.unit.name_zh})
    lead = rule.unit.kind if rule.unit_id else rule.kind
    assists = tuple(filter(None, rule.assists.split(";"))) or _others(lead, *plain.assists)
    said = _("街道的规则：%(why)s") % {"why": rule.why}
    return replace(plain, lead=lead, unit=rule.unit_id, rule=rule.pk, assists=assists, reasons=(plain.reasons[0], said))


def _but(plain, why):
    return replace(plain, reasons=(*plain.reasons, why))


def _fits(rule, category, where, urgency):
    areas = [getattr(where, f"{level}_id") for level in ("grid", "community", "subdistrict")]
    return (
        (rule.area_id is None or rule.area_id in areas)
        and (rule.compound_id is None or rule.compound_id == where.compound_id)
        and (rule.category_id is None or rule.category_id == category.pk)
        and (not rule.column_code or rule.column_code == category.column_code)
        and (not rule.urgency or rule.urgency == urgency)
    )


def precedence(rule):
    """The more closely a rule looks, the more it counts: by place, then category, then urgency; else the newest."""
    near = {"grid": 3, "community": 2, "subdistrict": 1}.get(rule.area.level, 0) if rule.area_id else 0
    kind = 2 if rule.category_id else bool(rule.column_code)
    return 4 if rule.compound_id else near, kind, bool(rule.urgency), rule.pk or MOST_RULES**6


@dataclass
class Differs:
    """A case that would have gone elsewhere: by the rules of now, and by those that are tried."""

    case: object
    now: Route
    then: Route


def dry_run(cases, rules):
    """Which of `cases` (with category, report and places loaded) go elsewhere by `rules` than by those in force."""
    current, found = rules_in_force(), []
    for case in cases:
        facts = {"urgency": case.urgency, "kind": case.report.kind}
        now = way(case.report.category, case, rules=current, **facts)
        then = way(case.report.category, case, rules=rules, **facts)
        if (now.channel, now.lead, now.unit, now.assists) != (then.channel, then.lead, then.unit, then.assists):
            found.append(Differs(case, now, then))
    return found
