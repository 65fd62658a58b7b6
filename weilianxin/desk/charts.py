"""Received and solved, day by day: two counts a day, and the numbers of their drawing."""

from datetime import timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

DAYS = 14
WIDTH, HEIGHT, FLOOR, TALL = 520, 190, 160, 144


def per_day(visible, at):
    """[(day, received, solved)] of the last fourteen days, in two queries; without what was found on the round."""
    visible = visible.exclude(channel="patrol")
    today = timezone.localdate(at)
    first = today - timedelta(days=DAYS - 1)
    start = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)

    def counted(field, cases):
        rows = cases.filter(**{f"{field}__gte": start}).annotate(day=TruncDate(field)).values("day").order_by("day")
        return dict(rows.annotate(n=Count("id")).values_list("day", "n"))

    came, solved = counted("created_at", visible), counted("closed_at", visible.filter(outcome="solved"))
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return [(day, came.get(day, 0), solved.get(day, 0)) for day in days]


def drawn(rows):
    """The numbers of the drawing and the sentence that says what it shows."""
    most = max([4, *(n for row in rows for n in row[1:])])
    step = -(-most // 4)
    scale = TALL / (step * 4)
    bars = []
    for n, (day, came, solved) in enumerate(rows):
        x = 39 + n * 35
        label = date_format(day, _("j日")) if (len(rows) - 1 - n) % 2 == 0 else ""
        bars.append(
            {
                "x": x,
                "y": round(FLOOR - came * scale, 1),
                "h": round(came * scale, 1),
                "middle": x + 9,
                "solved_y": round(FLOOR - solved * scale, 1),
                "label": label,
            }
        )
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "lines": [
            {"n": step * n, "y": round(FLOOR - step * n * scale, 1), "label_y": round(FLOOR - step * n * scale + 4, 1)}
            for n in range(5)
        ],
        "bars": bars,
        "path": "M" + "L".join(f"{bar['middle']} {bar['solved_y']}" for bar in bars),
        "alt": _("近 %(days)s 天收到 %(came)s 件，真解决 %(solved)s 件；今天收到 %(today)s 件，解决 %(done)s 件")
        % {
            "days": len(rows),
            "came": sum(row[1] for row in rows),
            "solved": sum(row[2] for row in rows),
            "today": rows[-1][1],
            "done": rows[-1][2],
        },
    }
