"""The maps of the desk: areas with what is late in them, and the pins around one matter."""

from weilianxin.lib.maps import WIDTH, Sheet, around, bounds, path, rings

MARGIN = WIDTH * 0.06


def drawn(areas, pins=(), *, focus=None, ring=None, way=()):
    """What the piece `desk/pieces/map.html` draws, or None where nothing has a boundary.

    `areas`: dicts with `area` (its `geometry` is GeoJSON in WGS-84), and anything the piece reads (`fill`, `label`,
    `words`); `pins`: dicts with `lat`, `lon`, `kind` and perhaps `mark`. `focus` (lat, lon, metres) shows only what
    lies around a point, half as high as wide, and `ring` draws a circle of so many metres about it. `way` are points
    (lat, lon) that a line runs through; the picture is made wide enough for them.
    """
    shapes = [(entry, found) for entry in areas if (found := rings(entry["area"].geometry))]
    window = (
        around(*focus)
        if focus
        else bounds([p for _entry, found in shapes for part in found for p in part] + [(lon, lat) for lat, lon in way])
    )
    if window is None:
        return None
    sheet = Sheet(window, margin=0 if focus else MARGIN, most=WIDTH * 0.9)
    picture = {"width": WIDTH, "height": sheet.height, "pins": sheet.pins(pins)}
    picture["shapes"] = [_shape(entry, [[sheet.at(*p) for p in part] for part in found]) for entry, found in shapes]
    picture["way"] = " ".join(f"{x},{y}" for x, y in (sheet.at(lon, lat) for lat, lon in way))
    if focus and ring:
        x, y = sheet.at(focus[1], focus[0])
        picture["ring"] = {"x": x, "y": y, "r": sheet.pixels(ring)}
    return picture


def _shape(entry, placed):
    largest = max(placed, key=len)
    xs, ys = [x for x, _y in largest], [y for _x, y in largest]
    x, y = round((min(xs) + max(xs)) / 2, 1), round((min(ys) + max(ys)) / 2, 1)
    # A label of two lines, 150 by 74, in the middle of its area.
    return {**entry, "path": path(placed), "x": x, "box_x": x - 75, "box_y": y - 37, "name_y": y - 7, "fact_y": y + 25}
