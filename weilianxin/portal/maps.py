"""The public map: areas shaded by what ended there, each with its number."""

from weilianxin.lib.maps import WIDTH, Sheet, bounds, path, rings


def draw(areas, pins=()):
    """What pieces/map.html draws, or None when nothing has a shape.

    `areas`: dicts of `geometry` (GeoJSON Polygon or MultiPolygon), `name`, and optionally `url`, `on` (the chosen
    one), `shade` (1-5). `pins`: dicts of `lat`, `lon`, `kind` (done open late paused here), `mark` (✓ number ! Ⅱ),
    and optionally `url`, `label`.
    """
    found = [(area, rings(area.get("geometry"))) for area in areas]
    window = bounds(
        [p for _area, parts in found for ring in parts for p in ring] + [(p["lon"], p["lat"]) for p in pins]
    )
    if window is None:
        return None
    sheet = Sheet(window, margin=20, least=200, most=WIDTH * 3)
    shapes = [_shape(area, [[sheet.at(*p) for p in ring] for ring in parts]) for area, parts in found if parts]
    shapes.sort(key=lambda shape: shape["on"])  # the chosen one last, so that its edge lies on top
    size = 24 if len(shapes) < 12 else 18
    return {"width": WIDTH, "height": sheet.height, "areas": shapes, "pins": sheet.pins(pins), "size": size}


def _shape(area, placed):
    outer = max(placed, key=len)
    return {
        "path": path(placed),
        "name": area.get("name", ""),
        "url": area.get("url", ""),
        "on": area.get("on", False),
        "shade": area.get("shade", 0),
        "x": round(sum(x for x, _y in outer) / len(outer), 1),
        "y": round(sum(y for _x, y in outer) / len(outer), 1),
    }
