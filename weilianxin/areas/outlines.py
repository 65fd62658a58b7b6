"""Checking the outlines of areas before they count: GeoJSON polygons, whole, in the country, not over one another."""

import json
import math

from django.utils.translation import gettext as _
from shapely import STRtree, transform
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.validation import explain_validity

from weilianxin.areas.models import Area
from weilianxin.lib.datum import WGS84, to_wgs84

OVERLAP = 200  # square metres that two hand-drawn neighbours may share
WEST, SOUTH, EAST, NORTH = 73, 3, 136, 54
MOST_POINTS = 20_000


class BadOutline(ValueError):
    """`str()` says what is wrong, `remedy` what to do."""

    def __init__(self, what, remedy):
        super().__init__(what)
        self.remedy = remedy


def outline(geometry, datum=WGS84):
    """The GeoJSON `geometry` (mapping or JSON text) as a WGS-84 Polygon or MultiPolygon with seven decimals.

    Raises BadOutline for anything that is not one sound area in the country.
    """
    if isinstance(geometry, str):
        try:
            geometry = json.loads(geometry)
        except ValueError:
            raise BadOutline(_("边界不是 GeoJSON"), _("请从地图软件导出 GeoJSON 再粘贴")) from None
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise BadOutline(_("边界不是面"), _("请只导出 Polygon 或 MultiPolygon"))
    try:
        drawn = shape(geometry)
        points = [point for ring in _rings(drawn) for point in ring.coords]
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise BadOutline(_("边界的坐标不完整"), _("请重新导出")) from None
    if not points or len(points) > MOST_POINTS:
        raise BadOutline(_("边界是空的，或者点太多"), _("每个面最多 %(n)s 个点") % {"n": MOST_POINTS})
    if not all(math.isfinite(value) for point in points for value in point):
        raise BadOutline(_("边界里有不是数字的坐标"), _("请重新导出"))
    if any(not (WEST <= point[0] <= EAST and SOUTH <= point[1] <= NORTH) for point in points):
        if all(WEST <= point[1] <= EAST and SOUTH <= point[0] <= NORTH for point in points):
            raise BadOutline(_("边界的经度和纬度写反了"), _("GeoJSON 里先写经度，再写纬度"))
        raise BadOutline(_("边界不在国内"), _("请核对坐标，单位是度"))
    try:
        drawn = transform(drawn, lambda points: _moved(points, datum))
    except ValueError as problem:
        raise BadOutline(str(problem).rstrip("。"), _("请写 wgs84、gcj02 或 bd09")) from None
    if not drawn.is_valid:
        reason = explain_validity(drawn)
        where = reason.partition("[")[2].rstrip("]")
        raise BadOutline(
            _("边界自己和自己相交（%(where)s）") % {"where": where or reason}, _("请在地图软件里改好这一处")
        )
    if square_metres(drawn) < 1:
        raise BadOutline(_("边界没有面积"), _("请重新画"))
    return json.loads(json.dumps(mapping(drawn)))


def square_metres(drawn):
    """The area of a small polygon in degrees, good to one per cent."""
    return drawn.area * 111_195**2 * math.cos(math.radians(drawn.centroid.y)) if not drawn.is_empty else 0.0


def same(one, other):
    """Whether two stored outlines are the same line."""
    return bool(one) == bool(other) and (not one or shape(one).normalize() == shape(other).normalize())


def overlaps(level, changed):
    """(id of a changed area, its neighbour (Area), square metres) for current areas of `level` that lie over another.

    `changed` are the ids that were drawn just now; only pairs with one of them are looked at, each pair once.
    """
    rows = [area for area in Area.objects.current().filter(level=level).exclude(geometry=None).order_by("code")]
    shapes = [shape(area.geometry) for area in rows]
    tree, found = STRtree(shapes), []
    for n, area in enumerate(rows):
        if area.pk not in changed:
            continue
        for m in sorted(tree.query(shapes[n], predicate="intersects")):
            if m == n or (rows[m].pk in changed and m < n):
                continue
            shared = square_metres(shapes[n].intersection(shapes[m]))
            if shared > OVERLAP:
                found.append((area.pk, rows[m], round(shared)))
    return found


def features(text, name):
    """[(number, code, geometry)] of a GeoJSON FeatureCollection; BadOutline if the file is none."""
    try:
        data = json.loads(text)
        found = data["features"]
        rows = [(n, one.get("properties") or {}, one.get("geometry")) for n, one in enumerate(found, start=1)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadOutline(_("“%(name)s”不是 GeoJSON") % {"name": name}, _("请导出 FeatureCollection")) from None
    return [(n, str(facts.get("code") or facts.get("编码") or "").strip(), drawn) for n, facts, drawn in rows]


def _rings(drawn):
    for part in getattr(drawn, "geoms", [drawn]):
        yield part.exterior
        yield from part.interiors


def _moved(points, datum):
    for n, (lon, lat) in enumerate(points.tolist()):
        lon, lat = to_wgs84(lon, lat, datum)
        points[n] = round(lon, 7), round(lat, 7)
    return points
