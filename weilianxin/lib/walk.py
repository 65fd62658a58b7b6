"""The shortest sensible order on foot: nearest neighbour, then 2-opt, over WGS-84 points. The same every time."""

from math import cos, hypot, radians

from .maps import DEGREE

SWEEPS = 40  # of 2-opt; sixty stops settle in far fewer
LEAST = 1e-6  # metres: less is no gain, so that rounding never makes it go round in circles


def metres(a, b):
    """How far apart two points (lat, lon) are in a straight line; exact enough within a city."""
    return hypot(a[0] - b[0], (a[1] - b[1]) * cos(radians((a[0] + b[0]) / 2))) * DEGREE


def length(points, start=None):
    """Metres of the way through `points` in their order, from `start` where there is one."""
    way = [start, *points] if start is not None else list(points)
    return sum(metres(a, b) for a, b in zip(way, way[1:], strict=False))


def ordered(groups, start=None):
    """The order in which to walk: a list of (group, index), group after group as they stand.

    `groups` are lists of points (lat, lon); what is urgent stands in an earlier one and stays ahead. Never longer than
    the order in which they were given. For some sixty points; the end is open.
    """
    given = [(g, i) for g, points in enumerate(groups) for i in range(len(points))]
    near = _nearest(groups, start)

    def place(stop):
        return groups[stop[0]][stop[1]]

    best = min((given, near), key=lambda way: length([place(stop) for stop in way], start))
    return _two_opt(best, place, start)


def _nearest(groups, start):
    at, way = start, []
    for g, points in enumerate(groups):
        left = list(range(len(points)))
        while left:
            i = left[0] if at is None else min(left, key=lambda i: (metres(at, points[i]), i))
            left.remove(i)
            way.append((g, i))
            at = points[i]
    return way


def _two_opt(way, place, start):
    """Turn stretches round while that makes the whole way shorter, each within one group."""
    for _sweep in range(SWEEPS):
        better = False
        for i in range(len(way)):
            before = place(way[i - 1]) if i else start
            for j in range(i + 1, len(way)):
                if way[j][0] != way[i][0]:
                    break
                first, last = place(way[i]), place(way[j])
                gain = metres(before, first) - metres(before, last) if before is not None else 0
                if j + 1 < len(way):
                    after = place(way[j + 1])
                    gain += metres(last, after) - metres(first, after)
                if gain > LEAST:
                    way[i : j + 1] = way[i : j + 1][::-1]
                    better = True
        if not better:
            break
    return way
