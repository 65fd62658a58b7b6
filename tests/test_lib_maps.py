"""Drawn maps: what is north stands above, nothing leaves the picture, shapes keep their shape."""

from weilianxin.lib.maps import WIDTH, Sheet, around, bounds, path, rings

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[120.0, 30.0], [120.1, 30.0], [120.1, 30.1], [120.0, 30.1], [120.0, 30.0]]],
}
HOUSE = (30.05, 120.05)


def test_a_boundary_fills_its_sheet_with_the_north_on_top():
    (ring,) = rings(SQUARE)
    sheet = Sheet(bounds(ring), margin=20, most=2 * WIDTH)
    xs, ys = zip(*(sheet.at(*point) for point in ring), strict=True)
    assert (min(xs), max(xs)) == (20, WIDTH - 20) and min(ys) >= 19 and max(ys) <= sheet.height - 19
    assert sheet.at(120.0, 30.1)[1] < sheet.at(120.0, 30.0)[1]
    # A degree of longitude is shorter than one of latitude: at 30 degrees a "square" is higher than wide.
    assert 1.14 < (max(ys) - min(ys)) / (max(xs) - min(xs)) < 1.17


def test_what_is_too_high_for_its_sheet_is_drawn_smaller_and_in_the_middle():
    sheet = Sheet((120.0, 30.0, 120.01, 30.4), margin=40, most=600)
    assert sheet.height == 600
    left, right = sheet.at(120.0, 30.0), sheet.at(120.01, 30.4)
    assert left[0] > 300 and right[0] < 500 and (left[1], right[1]) == (560, 40)


def test_around_a_point_metres_are_metres_and_what_lies_outside_is_left_out():
    sheet = Sheet(around(*HOUSE, 200))
    assert sheet.at(HOUSE[1], HOUSE[0]) == (WIDTH / 2, sheet.height / 2)
    assert abs(sheet.pixels(200) - WIDTH / 2) < 1 and abs(sheet.height - WIDTH / 2) <= 1
    pins = [{"lat": HOUSE[0], "lon": HOUSE[1]}, {"lat": 31.0, "lon": 120.05}, {"lat": None, "lon": None}]
    assert [(pin["x"], pin["y"]) for pin in sheet.pins(pins)] == [(WIDTH / 2, sheet.height / 2)]


def test_what_is_no_boundary_is_drawn_as_nothing():
    assert rings(None) == rings({}) == rings({"type": "Point", "coordinates": [1, 2]}) == []
    two = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], SQUARE["coordinates"]]}
    assert len(rings(two)) == 2 and bounds([]) is None
    assert path([[(1, 2), (3, 4)]]) == "M1 2 L3 4 Z"
