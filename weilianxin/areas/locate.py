"""Where a matter is: the one answer made of a choice, a plate, a text, a point or an area.

What was said outranks what was measured: a place that was chosen, then a place that the text names, then
the plate, then the point, then the area. Everything that was given is kept: the text, and how far the
point lies from the address.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from weilianxin.areas import geo, plates
from weilianxin.areas.models import Area, Level, Place, PlaceKind
from weilianxin.areas.names import community_in_text, find_in_text, neighbour_in_text
from weilianxin.lib import datum as points
from weilianxin.lib.refusal import Refused

AGREE = 100  # metres within which a point only makes an address more exact
BESIDE = 40  # metres from a point to the building whose compound it is taken to lie in
LOST = 150  # without polygons: metres to the nearest known building


class PlaceError(Refused, ValueError):
    """The place cannot be used; `str()` is a sentence for whoever gave it."""

    status = 422


class NotFound(PlaceError):
    """Nothing is known that matches."""


class ForeignArea(PlaceError):
    """The place lies outside the subdistrict; `neighbour` names whose it is, if that is known."""

    def __init__(self, neighbour=""):
        self.neighbour = neighbour
        if neighbour:
            text = _("这个位置属于%(name)s，不在本街道范围内，请拨打 12345，或请当地受理。") % {"name": neighbour}
        else:
            text = _("这个位置不在本街道范围内，请拨打 12345，或请当地受理。")
        super().__init__(text)


@dataclass
class Location:
    """The answer. `how` is place, text, plate, point or area; the point is WGS-84; `cell` is its lib.datum cell.

    `grid` is None for a compound that spans grids and for a point in a gap: then the community decides.
    `distance` is how many metres the given point lies from the address (None without both), `matched` the
    part of the text that named the place.
    """

    place: Place | None = None
    compound: Place | None = None
    grid: Area | None = None
    community: Area | None = None
    subdistrict: Area | None = None
    district: Area | None = None
    lat: float | None = None
    lon: float | None = None
    cell: int | None = None
    how: str = ""
    text: str = ""
    distance: float | None = None
    matched: str = ""


def locate(*, plate=None, place=None, text="", lat=None, lon=None, datum=points.WGS84, area=None):
    """The Location of what was given. Raises NotFound or ForeignArea, each with a sentence.

    `plate`: a plate's code; `place`: a Place or its id; `text`: what was written about the place; `lat`, `lon`
    in `datum` (wgs84, gcj02, bd09); `area`: the grid or community (Area) to fall back on, which is also
    where a bare 12幢1单元 is looked for.
    """
    text = text or ""
    point = _point(lat, lon, datum)
    chosen = _chosen(place)
    scanned = _scanned(plate)
    named, matched = (
        (None, "") if chosen else find_in_text(text, area=_grid(area), compound=scanned and _compound_of(scanned))
    )
    if named and scanned and _holds(named, scanned):
        named = None  # the text says less than the plate
    address = chosen or named or scanned
    if address:
        how = "place" if chosen else "text" if named else "plate"
        return _at_place(address, how, text, point, area, matched if named else "")
    if neighbour := neighbour_in_text(text):
        raise ForeignArea(neighbour)
    if point:
        return _at_point(point, text)
    found = community_in_text(text)
    if found or area:
        return _in_area(area if found is None or _within(area, found) else found, "text" if found else "area", text)
    raise NotFound(_("没有找到这个地点，请写上小区和幢号，或者在地图上点一下位置。"))


def _point(lat, lon, datum):
    if lat in (None, "") or lon in (None, ""):
        return None
    try:
        lon, lat = points.to_wgs84(lon, lat, datum)
    except ValueError as problem:
        raise NotFound(str(problem)) from None
    return lat, lon


def _chosen(place):
    if place in (None, ""):
        return None
    if isinstance(place, Place):
        return place
    found = Place.objects.current().filter(pk=place).first() if re.fullmatch(r"[0-9]{1,18}", str(place)) else None
    if found is None:
        raise NotFound(_("这个地点已经不用了，请重新选择。"))
    return found


def _scanned(code):
    if not code:
        return None
    plate = plates.resolve(code)
    if plate is None:
        raise NotFound(_("没有找到这块二维码牌，请手工填写地点。"))
    if plate.revoked_at:
        raise NotFound(_("这块二维码牌已经停用，请扫新牌，或者手工填写地点。"))
    return plate.place


def _holds(outer, inner):
    """Whether `inner` is `outer` or lies in it."""
    while inner:
        if inner.pk == outer.pk:
            return True
        inner = inner.parent
    return False


def _at_place(place, how, text, point, area, matched):
    place = (
        Place.objects.select_related(
            "compound", "parent", "grid__community", "grid__subdistrict", "grid__district",
            "community__subdistrict", "community__district",
        )
        .filter(pk=place.pk)
        .first()
    )  # fmt: skip
    lat, lon = _coordinates(place)
    distance = points.metres(*point, lat, lon) if point and lat is not None else None
    grid = place.grid or _grid_of_wide(place, point, area)
    agrees = distance is not None and distance <= AGREE
    if agrees or (point and lat is None and grid and geo.grid_at(*point) == grid):
        lat, lon = point
    return _location(
        place=place,
        compound=_compound_of(place),
        grid=grid,
        community=(grid and grid.community) or place.community,
        point=None if lat is None else (lat, lon),
        how=how,
        text=text,
        distance=distance,
        matched=matched,
    )


def _coordinates(place):
    while place:
        if place.lat is not None and place.lon is not None:
            return place.lat, place.lon
        place = place.parent
    return None, None


def _grid_of_wide(place, point, area):
    """A compound or street that spans grids: the grid of the point, or the given one, if it has a part there."""
    candidates = [geo.grid_at(*point) if point else None, _grid(area)]
    for grid in filter(None, candidates):
        if Place.objects.current().filter(parent=place, grid=grid).exists():
            return grid
    return None


def _at_point(point, text):
    grid = geo.grid_at(*point)
    if grid:
        beside = geo.nearest_place(*point, BESIDE, grid=grid)
        return _location(
            compound=beside and _compound_of(beside),
            grid=grid,
            community=grid.community,
            point=point,
            how="point",
            text=text,
        )
    community = geo.area_at(Level.COMMUNITY, *point)
    if community:
        return _location(community=community, point=point, how="point", text=text)
    if geo.has_map():
        neighbour = geo.area_at(Level.SUBDISTRICT, *point)
        # Our own subdistrict has a polygon too: then the point lies in a gap that no community covers.
        if neighbour and Area.objects.current().filter(level=Level.GRID, subdistrict=neighbour).exists():
            return _location(subdistrict=neighbour, point=point, how="point", text=text)
        raise ForeignArea(neighbour.name if neighbour else "")
    beside = geo.nearest_place(*point, LOST, grid__isnull=False)
    if beside is None:
        raise NotFound(_("没有找到这个位置附近的地点，请写上小区和幢号。"))
    grid = beside.grid
    return _location(
        compound=_compound_of(beside), grid=grid, community=grid.community, point=point, how="point", text=text
    )


def _in_area(area, how, text):
    if area.level == Level.GRID:
        # The only compound of a grid is the compound; of several nobody can say.
        compounds = Place.objects.current().filter(kind=PlaceKind.BUILDING, grid=area).values("compound").distinct()
        only = compounds[0]["compound"] if len(compounds) == 1 else None
        compound = Place.objects.filter(pk=only).first() if only else None
        return _location(grid=area, compound=compound, community=area.community or area.parent, how=how, text=text)
    if area.level == Level.COMMUNITY:
        return _location(community=area, how=how, text=text)
    return _location(subdistrict=area if area.level == Level.SUBDISTRICT else None, how=how, text=text)


def _location(*, point=None, community=None, subdistrict=None, **facts):
    subdistrict = subdistrict or (community and community.subdistrict)
    district = subdistrict and (subdistrict.district or subdistrict.parent)
    lat, lon = point or (None, None)
    return Location(
        community=community,
        subdistrict=subdistrict,
        district=district,
        lat=lat,
        lon=lon,
        cell=points.cell(lat, lon) if point else None,
        **facts,
    )


def _compound_of(place):
    return place if place.kind == PlaceKind.COMPOUND else place.compound


def _grid(area):
    return area if area is not None and area.level == Level.GRID else None


def _within(area, community):
    return area is not None and community.pk in (area.pk, area.community_id)
