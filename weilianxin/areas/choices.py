"""What there is to choose from when somebody says where: compounds by community, what lies below, public places."""

from .models import Place, PlaceKind

MOST = 400  # compounds or public places in one choice
MOST_PARTS = 200  # rooms of an entrance, entrances of a building


def known(pk, *kinds):
    """The place with this key and of one of these kinds (any, without) as it is today; None otherwise."""
    if not str(pk or "").isdecimal() or len(str(pk)) > 18:
        return None
    rows = Place.objects.current().filter(pk=int(pk)).select_related("parent", "grid")
    return rows.filter(kind__in=kinds).first() if kinds else rows.first()


def parts_of(place):
    """What lies below a place, to choose from: buildings of a compound, entrances of a building, rooms."""
    if place is None:
        return []
    return list(Place.objects.current().filter(parent=place).order_by("id")[:MOST_PARTS])


def compounds():
    """[(name of the community, [compounds])] in the order of the communities' codes."""
    rows = Place.objects.current().filter(kind=PlaceKind.COMPOUND).select_related("community")
    groups = {}
    for place in rows.order_by("community__code", "full_name")[:MOST]:
        groups.setdefault(place.community.name if place.community else "", []).append(place)
    return list(groups.items())


def public_places():
    return list(Place.objects.current().filter(kind=PlaceKind.PUBLIC).order_by("full_name")[:MOST])
