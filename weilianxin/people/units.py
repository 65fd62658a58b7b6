"""Outside units by what their kind is tied to: a compound, a grid, a community, the subdistrict or the district."""

from django.db.models import Q

from .models import HANDLER_KINDS, Unit


def units_for(kind, *, grid=None, compound=None, community=None, subdistrict=None, district=None):
    """The active units of `kind` that look after this place. Empty for an unknown kind or where the place lacks what
    the kind is tied to (a property company outside compounds)."""
    if kind not in HANDLER_KINDS:
        return []
    tied = HANDLER_KINDS[kind][1]
    where = {
        "grid": grid,
        "compound": compound,
        "community": community,
        "subdistrict": subdistrict,
        "district": district,
    }[tied]
    if where is None:
        return []
    link = "compounds" if tied == "compound" else "areas"
    return list(Unit.objects.filter(kind=kind, is_active=True, **{link: where}).distinct().order_by("id"))


def handlers_near(case, kinds=None):
    """All active units in reach of `case` (anything with compound, grid, community, subdistrict, district), ordered
    from what is tied to the compound to what is tied to the district. One query. `kinds` narrows it."""
    reach = Q(pk__in=[])
    for tied in ("compound", "grid", "community", "subdistrict", "district"):
        where = getattr(case, f"{tied}_id", None)
        if where is not None:
            names = [name for name, (_zh, to) in HANDLER_KINDS.items() if to == tied and (not kinds or name in kinds)]
            link = "compounds" if tied == "compound" else "areas"
            reach |= Q(kind__in=names, **{link: where})
    order = {name: number for number, name in enumerate(sorted(HANDLER_KINDS, key=_nearness))}
    units = Unit.objects.filter(reach, is_active=True).distinct()
    return sorted(units, key=lambda unit: (order.get(unit.kind, 99), unit.pk))


def _nearness(kind):
    return ("compound", "grid", "community", "subdistrict", "district").index(HANDLER_KINDS[kind][1])
