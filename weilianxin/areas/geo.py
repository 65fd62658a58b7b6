"""Which grid a point lies in. Polygons are held in memory, one snapshot for each state of the areas."""

import math

from django.utils import timezone
from shapely import STRtree
from shapely.errors import ShapelyError
from shapely.geometry import Point, shape
from shapely.ops import nearest_points
from shapely.prepared import prep

from weilianxin.areas.generation import AREAS, Kept
from weilianxin.areas.models import Area, Level, Place, PlaceKind
from weilianxin.lib.datum import metres

EDGE = 30  # metres a telephone may err at the border of a grid
WITH_PARENTS = ("district", "subdistrict", "community", "parent")


class Shapes:
    """The polygons of one level, each found by point."""

    def __init__(self, rows):
        self.ids, self.shapes = [], []
        for pk, geometry in rows:
            try:
                drawn = shape(geometry)
            except (ShapelyError, ValueError, TypeError, KeyError, AttributeError):
                continue  # the import refuses such a thing; what got in by hand must not stop everybody
            if not drawn.is_empty:
                self.ids.append(pk)
                self.shapes.append(drawn)
        self.tree = STRtree(self.shapes)
        self.prepared = [prep(drawn) for drawn in self.shapes]

    def at(self, lat, lon):
        """The ids whose polygon covers the point; borders belong to both sides."""
        point = Point(lon, lat)
        return [self.ids[n] for n in sorted(self.tree.query(point)) if self.prepared[n].covers(point)]

    def near(self, lat, lon, reach):
        """The id of the nearest polygon within `reach` metres, or None."""
        point = Point(lon, lat)
        wide = reach / 111_000 / max(0.1, math.cos(math.radians(lat)))
        best = None
        for n in self.tree.query(point.buffer(wide)):
            edge = nearest_points(self.shapes[n], point)[0]
            away = metres(lat, lon, edge.y, edge.x)
            if away <= reach and (best is None or away < best[0]):
                best = (away, self.ids[n])
        return best and best[1]


def grid_at(lat, lon):
    """The current grid (Area) at a WGS-84 point, or None.

    On a border the nearest entrance decides; a point up to 30 m outside belongs to the nearest grid.
    """
    drawn = _shapes()[Level.GRID]
    found = drawn.at(lat, lon)
    if len(found) > 1:
        nearest = nearest_place(lat, lon, 200, grid__in=found)
        found = [nearest.grid_id if nearest else found[0]]
    number = found[0] if found else drawn.near(lat, lon, EDGE)
    return _area(number)


def area_at(level, lat, lon):
    """The current area of `level` whose own polygon covers the point, or None."""
    found = _shapes()[level].at(lat, lon)
    return _area(found[0]) if found else None


def has_map():
    """Whether any grid has a polygon; without one nothing can be said to lie outside."""
    return bool(_shapes()[Level.GRID].ids)


def nearest_place(lat, lon, reach, **conditions):
    """The current building or entrance nearest to a WGS-84 point within `reach` metres, or None."""
    up = reach / 111_000
    side = up / max(0.1, math.cos(math.radians(lat)))
    around = (
        Place.objects.current()
        .filter(kind__in=(PlaceKind.BUILDING, PlaceKind.ENTRANCE), lat__range=(lat - up, lat + up))
        .filter(lon__range=(lon - side, lon + side), **conditions)
        .values_list("pk", "lat", "lon")
    )
    away = sorted((metres(lat, lon, b_lat, b_lon), pk) for pk, b_lat, b_lon in around)
    return Place.objects.get(pk=away[0][1]) if away and away[0][0] <= reach else None


def _area(pk):
    return pk and Area.objects.select_related(*WITH_PARENTS).filter(pk=pk).first()


def _load():
    rows = Area.objects.current().exclude(geometry=None).values_list("level", "pk", "geometry")
    return {level: Shapes([(pk, drawn) for found, pk, drawn in rows if found == level]) for level in Level.values}


_kept = Kept(AREAS, _load, also=timezone.localdate)
_shapes = _kept.get
