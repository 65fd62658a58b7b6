"""Maps without tiles: our own polygons projected onto an SVG of fixed width. Areas and pins come in WGS-84."""

from math import cos, radians

WIDTH = 800


def draw(areas, pins=(), *, focus=None, names=True):
    """What pieces/map.html draws.

    `areas`: dicts of `geometry` (GeoJSON Polygon or MultiPolygon), `name`, and optionally `url`, `on` (the chosen
    one), `shade` (1-5). `pins`: dicts of `lat`, `lon`, `kind` (done open late paused here), `mark` (✓ number ! Ⅱ),
    and optionally `url`, `label`. `focus` (lat, lon, metres) shows only what is near. None when nothing has a shape.
    """
    rings = [(area, list(rings_of(area.get("geometry")))) for area in areas]
    points = [p for _area, parts in rings for ring in parts for p in ring]
    points += [(pin["lon"], pin["lat"]) for pin in pins]
    if focus:
        lat, lon, metres = focus
        dlat, dlon = metres / 111_320, metres / (111_320 * cos(radians(lat)))
        west, east, south, north = lon - dlon, lon + dlon, lat - dlat, lat + dlat
    elif points:
        west, east = min(p[0] for p in points), max(p[0] for p in points)
        south, north = min(p[1] for p in points), max(p[1] for p in points)
    else:
        return None
    squeeze = cos(radians((south + north) / 2)) or 1
    scale = (WIDTH - 40) / max((east - west) * squeeze, 1e-6)
    height = max(round((north - south) * scale) + 40, 200)

    def place(lon, lat):
        return round(20 + (lon - west) * squeeze * scale, 1), round(20 + (north - lat) * scale, 1)

    shapes = []
    for area, parts in rings:
        placed = [[place(*p[:2]) for p in ring] for ring in parts]
        if not placed:
            continue
        outer = max(placed, key=len)
        x = sum(p[0] for p in outer) / len(outer)
        y = sum(p[1] for p in outer) / len(outer)
        shapes.append(
            {
                "path": "".join("M" + "L".join(f"{a} {b}" for a, b in ring) + "z" for ring in placed),
                "name": area.get("name", "") if names else "",
                "url": area.get("url", ""),
                "on": area.get("on", False),
                "shade": area.get("shade", 0),
                "x": round(x, 1),
                "y": round(y, 1),
            }
        )
    marks = []
    for pin in pins:
        x, y = place(pin["lon"], pin["lat"])
        marks.append({**pin, "x": x, "y": y})
    shapes.sort(key=lambda shape: shape["on"])  # the chosen one last, so that its edge lies on top
    return {"width": WIDTH, "height": height, "areas": shapes, "pins": marks, "size": 24 if len(shapes) < 12 else 18}


def rings_of(geometry):
    """The outer rings of a GeoJSON polygon."""
    if not geometry:
        return
    coordinates = geometry.get("coordinates") or []
    polygons = coordinates if geometry.get("type") == "MultiPolygon" else [coordinates]
    for polygon in polygons:
        if polygon:
            yield [tuple(point) for point in polygon[0]]
