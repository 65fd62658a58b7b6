"""Small drawn maps: the boundaries of areas and pins on them, as numbers for an SVG. No tiles, no other host."""

import math

WIDTH = 800


def drawn(areas, pins=(), *, room=0.06):
    """What the piece `desk/pieces/map.html` draws, or None without any boundary.

    `areas`: dicts with `area` (its `geometry` is GeoJSON in WGS-84), and anything the piece reads (`fill`, `label`);
    `pins`: dicts with `lat`, `lon`, `label`, `kind`. Coordinates come back in a picture 800 wide.
    """
    shapes = [(entry, rings(entry["area"].geometry)) for entry in areas]
    points = [point for _entry, found in shapes for ring in found for point in ring]
    if not points:
        return None
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    margin = WIDTH * room
    scale = (WIDTH - 2 * margin) / wide
    height = round(min(high * scale + 2 * margin, WIDTH * 1.2))
    scale = min(scale, (height - 2 * margin) / high)
    left = (WIDTH - wide * scale) / 2
    top = (height - high * scale) / 2

    def at(lon, lat):
        return round(left + (lon - west) * squeeze * scale, 1), round(top + (north - lat) * scale, 1)

    out = []
    for entry, found in shapes:
        if not found:
            continue
        placed = [[at(*point) for point in ring] for ring in found]
        path = " ".join("M" + " L".join(f"{x} {y}" for x, y in ring) + " Z" for ring in placed)
        xs, ys = [x for x, _y in placed[0]], [y for _x, y in placed[0]]
        x, y = round((min(xs) + max(xs)) / 2, 1), round((min(ys) + max(ys)) / 2, 1)
        # A label of two lines, 150 by 74, in the middle of its area.
        box = {"x": x, "y": y, "box_x": x - 75, "box_y": y - 37, "name_y": y - 7, "fact_y": y + 25}
        out.append({**entry, "path": path, **box})
    marks = []
    for pin in pins:
        if pin["lat"] is None or pin["lon"] is None:
            continue
        x, y = at(pin["lon"], pin["lat"])
        if 0 <= x <= WIDTH and 0 <= y <= height:
            marks.append({**pin, "x": x, "y": y})
    return {"width": WIDTH, "height": height, "shapes": out, "pins": marks}


def rings(geometry):
    """The outer rings of a GeoJSON Polygon or MultiPolygon as lists of (lon, lat); [] for anything else."""
    if not isinstance(geometry, dict):
        return []
    if geometry.get("type") == "Polygon":
        return [[tuple(p[:2]) for p in geometry["coordinates"][0]]]
    if geometry.get("type") == "MultiPolygon":
        return [[tuple(p[:2]) for p in part[0]] for part in geometry["coordinates"]]
    return []
