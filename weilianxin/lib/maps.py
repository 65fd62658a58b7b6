"""Small drawn maps: WGS-84 boundaries and points as numbers for an SVG 800 wide. No tiles, no other host."""

from math import cos, radians

WIDTH = 800
DEGREE = 111_195  # metres in a degree of latitude


class Sheet:
    """A part of the world on a picture `WIDTH` wide, with `margin` around it on every side.

    `window` is (west, south, east, north) in degrees; the height follows from it, between `least` and `most`, and what
    would be higher is drawn smaller. A degree of longitude is squeezed as it is in the middle of the window.
    """

    def __init__(self, window, *, margin=0, least=0, most=WIDTH):
        self.west, south, east, self.north = window
        self.squeeze = cos(radians((south + self.north) / 2)) or 1
        wide, high = max((east - self.west) * self.squeeze, 1e-6), max(self.north - south, 1e-6)
        inner = WIDTH - 2 * margin
        self.height = round(min(max(inner * high / wide + 2 * margin, least), most))
        self.scale = min(inner / wide, (self.height - 2 * margin) / high)  # pixels in a degree of latitude
        self.left, self.top = (WIDTH - wide * self.scale) / 2, (self.height - high * self.scale) / 2

    def at(self, lon, lat, *_height):
        """(x, y) of a position given as GeoJSON gives it."""
        x = self.left + (lon - self.west) * self.squeeze * self.scale
        return round(x, 1), round(self.top + (self.north - lat) * self.scale, 1)

    def holds(self, x, y):
        return 0 <= x <= WIDTH and 0 <= y <= self.height

    def pins(self, pins):
        """Those of `pins` (dicts with `lat` and `lon`, perhaps None) that lie on the picture, with `x` and `y`."""
        placed = []
        for pin in pins:
            if pin["lat"] is not None and pin["lon"] is not None:
                x, y = self.at(pin["lon"], pin["lat"])
                if self.holds(x, y):
                    placed.append({**pin, "x": x, "y": y})
        return placed

    def pixels(self, metres):
        return round(metres / DEGREE * self.scale, 1)


def rings(geometry):
    """The outer rings of a GeoJSON Polygon or MultiPolygon as lists of positions; [] for anything else."""
    if not isinstance(geometry, dict):
        return []
    parts = {"Polygon": lambda c: [c], "MultiPolygon": lambda c: c}.get(geometry.get("type"))
    return [[tuple(point) for point in part[0]] for part in parts(geometry.get("coordinates") or [])] if parts else []


def bounds(points):
    """The window that holds all positions, or None without any."""
    if not points:
        return None
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return min(lons), min(lats), max(lons), max(lats)


def around(lat, lon, metres):
    """The window so many metres to the left and right of a point, and half as many up and down."""
    down, across = metres / 2 / DEGREE, metres / (DEGREE * max(cos(radians(lat)), 0.01))
    return lon - across, lat - down, lon + across, lat + down


def path(placed):
    """The `d` of an SVG path through the rings of (x, y)."""
    return " ".join("M" + " L".join(f"{x} {y}" for x, y in ring) + " Z" for ring in placed)
