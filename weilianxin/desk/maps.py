"""Small drawn maps: the boundaries of areas and pins on them, as numbers for an SVG. No tiles, no other host."""

import math

WIDTH = 800
MARGIN = 0.06  # of the width, on each side
DEGREE = 111_195  # metres in a degree of latitude


def drawn(areas, pins=(), *, focus=None, ring=None):
    """What the piece `desk/pieces/map.html` draws in a picture 800 wide, or None where nothing has a boundary.

    `areas`: dicts with `area` (its `geometry` is GeoJSON in WGS-84), and anything the piece reads (`fill`, `label`,
    `words`); `pins`: dicts with `lat`, `lon`, `kind` and perhaps `mark`. `focus` (lat, lon, metres) shows only what
    lies around a point, half as high as wide, and `ring` draws a circle of so many metres about it.
    """
    shapes = [(entry, found) for entry in areas if (found := rings(entry["area"].geometry))]
    window = _around(*focus) if focus else _bounds(shapes)
    if window is None:
        return None
    west, south, east, north = window
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    margin = 0 if focus else WIDTH * MARGIN
    height = round(min(WIDTH * high / wide if focus else (WIDTH - 2 * margin) * high / wide + 2 * margin, WIDTH * 0.9))
    scale = min((WIDTH - 2 * margin) / wide, (height - 2 * margin) / high)
    left, top = (WIDTH - wide * scale) / 2, (height - high * scale) / 2

    def at(lon, lat):
        return round(left + (lon - west) * squeeze * scale, 1), round(top + (north - lat) * scale, 1)

    marks = []
    for pin in pins:
        if pin["lat"] is None or pin["lon"] is None:
            continue
        x, y = at(pin["lon"], pin["lat"])
        if 0 <= x <= WIDTH and 0 <= y <= height:
            marks.append({**pin, "x": x, "y": y})
    picture = {"width": WIDTH, "height": height, "pins": marks}
    picture["shapes"] = [_shape(entry, [[at(*point) for point in part] for part in found]) for entry, found in shapes]
    if focus and ring:
        x, y = at(focus[1], focus[0])
        picture["ring"] = {"x": x, "y": y, "r": round(ring / DEGREE * scale, 1)}
    return picture


def _shape(entry, placed):
    path = " ".join("M" + " L".join(f"{x} {y}" for x, y in part) + " Z" for part in placed)
    largest = max(placed, key=len)
    xs, ys = [x for x, _y in largest], [y for _x, y in largest]
    x, y = round((min(xs) + max(xs)) / 2, 1), round((min(ys) + max(ys)) / 2, 1)
    # A label of two lines, 150 by 74, in the middle of its area.
    return {**entry, "path": path, "x": x, "box_x": x - 75, "box_y": y - 37, "name_y": y - 7, "fact_y": y + 25}


def _bounds(shapes):
    points = [point for _entry, found in shapes for part in found for point in part]
    if not points:
        return None
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return min(lons), min(lats), max(lons), max(lats)


def _around(lat, lon, metres):
    down = metres / 2 / DEGREE
    across = metres / (DEGREE * max(math.cos(math.radians(lat)), 0.01))
    return lon - across, lat - down, lon + across, lat + down


def rings(geometry):
    """The outer rings of a GeoJSON Polygon or MultiPolygon as lists of (lon, lat); [] for anything else."""
    if not isinstance(geometry, dict):
        return []
    if geometry.get("type") == "Polygon":
        return [[tuple(p[:2]) for p in geometry["coordinates"][0]]]
    if geometry.get("type") == "MultiPolygon":
        return [[tuple(p[:2]) for p in part[0]] for part in geometry["coordinates"]]
    return []
