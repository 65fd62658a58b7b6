"""Points on the earth: WGS-84 inside, GCJ-02 and BD-09 at the edge, distances, and cells for nearness.

Chinese maps shift every point inside the country by some 500 m (GCJ-02; Tencent, AMap and WeChat's
chooseLocation), Baidu shifts again (BD-09). A point without its datum cannot be placed, so it is refused.
CGCS2000 differs from WGS-84 by less than a metre and is taken as equal. The constants of the shift are
public knowledge; forward it is a formula, backward it is found by iteration.
"""

import math

WGS84, GCJ02, BD09 = "wgs84", "gcj02", "bd09"
DATUMS = (WGS84, GCJ02, BD09)
_NAMES = {"wgs84": WGS84, "cgcs2000": WGS84, "gcj02": GCJ02, "bd09": BD09, "bd09ll": BD09}

EARTH = 6371008.8  # mean radius, metres
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323  # Krasovsky 1940
_BAIDU = math.pi * 3000 / 180


def to_wgs84(lon, lat, datum):
    """(lon, lat) in WGS-84. ValueError with a sentence when the datum is missing or unknown, or the place nowhere."""
    lon, lat = checked(lon, lat)
    known = _NAMES.get(str(datum or "").strip().lower().replace("-", "").replace("_", ""))
    if known is None:
        raise ValueError("这个位置没有说明坐标系，无法使用。" if not datum else f"不认识坐标系“{datum}”。")
    if known == GCJ02:
        return gcj02_to_wgs84(lon, lat)
    if known == BD09:
        return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
    return lon, lat


def checked(lon, lat):
    """The pair as floats on the globe; ValueError with a sentence otherwise."""
    try:
        lon, lat = float(lon), float(lat)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("经纬度不是数字。") from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # also refuses NaN and the infinities
        raise ValueError("经纬度超出范围。")
    return lon, lat


def _shifted(lon, lat):
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _waves(value, *terms):
    return sum(weight * math.sin(value * factor * math.pi) for weight, factor in terms) * 2 / 3


def wgs84_to_gcj02(lon, lat):
    """The point as Chinese maps draw it; unchanged outside the rectangle in which they shift."""
    if not _shifted(lon, lat):
        return lon, lat
    x, y = lon - 105, lat - 35
    common = _waves(x, (20, 6), (20, 2)) + 0.1 * x * y
    north = common - 100 + 2 * x + 3 * y + 0.2 * y * y + 0.2 * math.sqrt(abs(x))
    north += _waves(y, (20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30))
    east = common + 300 + x + 2 * y + 0.1 * x * x + 0.1 * math.sqrt(abs(x))
    east += _waves(x, (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30))
    angle = math.radians(lat)
    flat = 1 - _ECCENTRICITY * math.sin(angle) ** 2
    metres_north = _AXIS * (1 - _ECCENTRICITY) / (flat * math.sqrt(flat))
    metres_east = _AXIS / math.sqrt(flat) * math.cos(angle)
    return lon + math.degrees(east / metres_east), lat + math.degrees(north / metres_north)


def gcj02_to_wgs84(lon, lat):
    """The inverse, by fixed point: each round takes away the error the guess still has (below a micrometre)."""
    guess_lon, guess_lat = lon, lat
    for _round in range(12):
        got_lon, got_lat = wgs84_to_gcj02(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - got_lon, guess_lat + lat - got_lat
        if abs(lon - got_lon) + abs(lat - got_lat) < 1e-12:
            break
    return guess_lon, guess_lat


def gcj02_to_bd09(lon, lat):
    """Baidu's second shift."""
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BAIDU)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BAIDU)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def bd09_to_gcj02(lon, lat):
    """The inverse of Baidu's shift, by the same fixed point."""
    guess_lon, guess_lat = lon - 0.0065, lat - 0.006
    for _round in range(12):
        got_lon, got_lat = gcj02_to_bd09(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - got_lon, guess_lat + lat - got_lat
        if abs(lon - got_lon) + abs(lat - got_lat) < 1e-12:
            break
    return guess_lon, guess_lat


def wgs84_to_bd09(lon, lat):
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def metres(a_lat, a_lon, b_lat, b_lon):
    """The distance of two WGS-84 points in metres, on the sphere (good to 0.5 %)."""
    north, south = math.radians(a_lat), math.radians(b_lat)
    half_lon = math.radians(b_lon - a_lon) / 2
    chord = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(half_lon) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(chord)))


# Cells. Rows are 0.0005 degrees high (55.6 m). All rows share one column width, so that columns line up and
# nine neighbours are enough; it is chosen so that a column is still wider than 50 m at 54 degrees north, the
# tip of the country, and therefore 74 m wide in Hangzhou. The exact distance decides afterwards.
_ROWS_PER_DEGREE = 2000
_COLUMNS = 467_000
_SHIFT = 1 << 20


def cell(lat, lon):
    """The integer of the square a WGS-84 point lies in; index it and look up `neighbours()`."""
    return _cell(math.floor((lat + 90) * _ROWS_PER_DEGREE), math.floor((lon + 180) * _COLUMNS / 360))


def _cell(row, column):
    return row * _SHIFT + column % _COLUMNS


def neighbours(number):
    """The cell and the eight around it: every point within 50 m of any point in the cell lies in one (to 54° N)."""
    row, column = divmod(number, _SHIFT)
    return tuple(_cell(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1))
