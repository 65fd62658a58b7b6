"""Which way a report goes, from category, compound, urgency and kind. The text is not read here.

The rules are an ordered list, first match wins; each leaves a reason that a person can read.
"""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from weilianxin.people.models import HANDLER_KINDS

from .models import Channel, Kind


@dataclass(frozen=True)
class Route:
    """Where a report goes. `lead` is empty when it is not worked here."""

    channel: str
    lead: str = ""
    assists: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def as_json(self):
        return {
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
