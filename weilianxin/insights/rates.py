"""The three rates and their neighbours of one month, area by area, each with what it is counted from.

Everything is counted from the rows of cases and ratings when it is asked for; no number is kept. A month of one
subdistrict is read through an index, so that the cost follows the month and not the years behind it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from weilianxin.areas.models import Area
from weilianxin.cases.models import Case, Event, Outcome, Pause, Rating, Task

CLOSINGS = (Outcome.SOLVED, Outcome.PARTLY, Outcome.EXPLAINED, Outcome.CANNOT_NOW)
BAD_RATING = 2  # this level and below
BELOW = {"district": "subdistrict", "subdistrict": "community", "community": "grid", "grid": "grid"}
FIRST_YEAR = 2020

RATED_ITSELF = Exists(Rating.objects.filter(case=OuterRef("pk"), closing=OuterRef("closings")))
RATED_BESIDE = Exists(Rating.objects.filter(case=OuterRef("pk"), closing=OuterRef("parent__closings")))
# By the tasks and not by the unit of the case: who did it without signing did it, and a reopening unties the unit.
LEAD = Task.objects.filter(case=OuterRef("pk"), part=Task.LEAD)
SENT = Exists(LEAD.exclude(state=Task.CANCELLED))
DONE_BY_UNIT = Exists(LEAD.filter(state=Task.DONE))
LEFT_IN_TIME = Exists(
    Event.objects.filter(case=OuterRef("pk"), act__in=("merge", "withdraw"), at__lte=OuterRef("accept_due_at"))
)
SUSPENDED = Exists(Pause.objects.filter(case=OuterRef("pk"), cause="suspended"))

# What is counted, by the rows it is counted among. The drill-down lists the same rows by the same conditions.
# What grid workers found on the round and closed themselves nobody asked for: it is counted apart.
KEPT = Q(excluded="") & ~Q(channel="patrol")
OURS = Q(channel__in=("patrol", "source"))
COUNTS = {
    "due": {
        "due": Q(),
        "answered": Q(accepted_at__lte=F("accept_due_at"))
        | Q(accepted_at__isnull=True, closed_at__lte=F("accept_due_at")),
    },
    "closed": {
        "ended": KEPT,
        **{outcome.value: KEPT & Q(outcome=outcome) for outcome in CLOSINGS},
        "dated": KEPT & Q(due_at__isnull=False),
        "timely": KEPT & Q(closed_at__lte=F("due_at")),
        "reworked": KEPT & Q(reworked__gt=0),
        "sent": KEPT & Q(SENT),
        "returned": KEPT & Q(SENT, returned__gt=0),
        "suspended": KEPT & Q(SUSPENDED),
        "reopened": KEPT & Q(reopened__gt=0),
        "own": KEPT & ~Q(DONE_BY_UNIT),
        "asked": KEPT & Q(reporter__isnull=False),
        "covered": KEPT & Q(reporter__isnull=False) & Q(RATED_ITSELF),
        "patrol": Q(excluded="", channel="patrol"),
        "excluded": ~Q(excluded=""),  # the last: from here on the name is that of the count
    },
    "joined": {"beside": Q(), "beside_covered": Q(RATED_BESIDE)},
    "rated": {
        "rated": Q(),
        "good": Q(ratings__level__gt=BAD_RATING),
        "bad": Q(ratings__level__lte=BAD_RATING),
        "called": Q(ratings__level__lte=BAD_RATING, ratings__callback_at__isnull=False),
    },
}
NAMES = [name for counts in COUNTS.values() for name in counts]
NOTHING = dict.fromkeys(NAMES, 0)

# What can be looked at case by case: name -> (among what, which of it, what it is called).
LISTS = {
    "due": ("due", Q(), gettext_lazy("应在这个月答复是否受理的")),
    "unanswered": ("due", ~COUNTS["due"]["answered"], gettext_lazy("没有按时答复是否受理的")),
    "ended": ("closed", KEPT, gettext_lazy("办结的")),
    "solved": ("closed", COUNTS["closed"]["solved"], gettext_lazy("已解决的")),
    "partly": ("closed", COUNTS["closed"]["partly"], gettext_lazy("解决了一部分的")),
    "explained": ("closed", COUNTS["closed"]["explained"], gettext_lazy("已说明情况的")),
    "cannot_now": ("closed", COUNTS["closed"]["cannot_now"], gettext_lazy("暂不能解决的")),
    "untimely": ("closed", KEPT & Q(closed_at__gt=F("due_at")), gettext_lazy("超期办结的")),
    "reworked": ("closed", COUNTS["closed"]["reworked"], gettext_lazy("返工过的")),
    "returned": ("closed", COUNTS["closed"]["returned"], gettext_lazy("被退回过的")),
    "suspended": ("closed", COUNTS["closed"]["suspended"], gettext_lazy("挂起过的")),
    "reopened": ("closed", COUNTS["closed"]["reopened"], gettext_lazy("重新办过的")),
    "own": ("closed", COUNTS["closed"]["own"], gettext_lazy("自己办的")),
    "unrated": ("closed", COUNTS["closed"]["asked"] & ~Q(RATED_ITSELF), gettext_lazy("能评还没有评的")),
    "excluded": ("closed", ~Q(excluded=""), gettext_lazy("剔除的")),
    "rated": ("rated", Q(), gettext_lazy("有评价的")),
    "good": ("rated", COUNTS["rated"]["good"], gettext_lazy("评价满意的")),
    "bad": ("rated", COUNTS["rated"]["bad"], gettext_lazy("评价不满意的")),
    "uncalled": (
        "rated",
        COUNTS["rated"]["bad"] & Q(ratings__callback_at__isnull=True),
        gettext_lazy("不满意还没有回访的"),
    ),
}
WHEN = {"due": "accept_due_at", "closed": "closed_at", "rated": "ratings__at"}

# key: (what it is called, counted, of what, what one looks at)
RATES = {
    "response": (gettext_lazy("响应率"), "answered", "due", "unanswered"),
    "solved": (gettext_lazy("解决率"), "solved", "ended", "solved"),
    "satisfied": (gettext_lazy("满意率"), "good", "rated", "bad"),
    "timely": (gettext_lazy("按期办结率"), "timely", "dated", "untimely"),
    "rework": (gettext_lazy("返工率"), "reworked", "ended", "reworked"),
    "return": (gettext_lazy("退单率"), "returned", "sent", "returned"),
    "suspension": (gettext_lazy("挂起率"), "suspended", "ended", "suspended"),
    "reopening": (gettext_lazy("重开率"), "reopened", "ended", "reopened"),
    "own": (gettext_lazy("自办率"), "own", "ended", "own"),
}
THREE = ("response", "solved", "satisfied")


@dataclass(frozen=True)
class Month:
    """A month of the local calendar; `until` is the first moment after it, or now while it lasts."""

    year: int
    month: int
    at: datetime

    @property
    def since(self):
        return datetime(self.year, self.month, 1, tzinfo=timezone.get_default_timezone())

    @property
    def until(self):
        return min(self.at, self._start(1))

    @property
    def key(self):
        return f"{self.year}-{self.month:02d}"

    @property
    def lasts(self):
        return self.at < self._start(1)

    @property
    def before(self):
        return self._moved(-1) if self.year > FIRST_YEAR else None

    @property
    def after(self):
        return None if self.lasts else self._moved(1)

    def _moved(self, by):
        n = self.year * 12 + self.month - 1 + by
        return Month(n // 12, n % 12 + 1, self.at)

    def _start(self, by):
        return self._moved(by).since


def month_of(text, at):
    """The Month called `text` ("2026-11"), that of `at` for an empty one; ValueError for none, or one to come."""
    now = timezone.localtime(at)
    if not text:
        return Month(now.year, now.month, at)
    year, _dash, month = text.partition("-")
    if not (year.isascii() and month.isascii() and year.isdecimal() and month.isdecimal() and len(text) == 7):
        raise ValueError(text)
    year, month = int(year), int(month)
    if not (1 <= month <= 12 and year >= FIRST_YEAR and (year, month) <= (now.year, now.month)):
        raise ValueError(text)
    return Month(year, month, at)


def streets(areas):
    """The ids of the subdistricts these areas belong to: the first column of every index here."""
    own = {area.subdistrict_id for area in areas if area.level != "district"}
    wide = [area.pk for area in areas if area.level == "district"]
    if wide:
        own |= set(Area.objects.filter(level="subdistrict", district__in=wide).values_list("pk", flat=True))
    return own


def within(areas):
    """The cases of areas that are all of one level."""
    return Q(**{f"{areas[0].level}__in": areas}) if areas else Q(pk__in=[])


def among(what, account, areas, month, which=Q()):  # noqa: B008
    """The visible cases of `areas` that `month` counts among `what`, one of COUNTS; `which` of them."""
    cases = Case.objects.visible_to(account).filter(within(areas)).exclude(phase="void")
    mine = streets(areas)
    if what == "due":
        # Whoever joined another matter or withdrew before an answer was due waits for none; the rest does, also what
        # is refused. What falls due later this month is not due yet. To what we found ourselves nobody waits for an
        # answer.
        return (
            cases.filter(
                which,
                subdistrict__in=mine,
                accept_due_at__gte=month.since,
                accept_due_at__lt=month.until,
                excluded="",
            )
            .exclude(OURS)
            .exclude(Q(LEFT_IN_TIME), accepted_at__isnull=True, outcome__in=(Outcome.DUPLICATE, Outcome.WITHDRAWN))
        )
    if what == "closed":
        return cases.filter(
            which,
            subdistrict__in=mine,
            closed_at__gte=month.since,
            closed_at__lt=month.until,
            outcome__in=CLOSINGS,
        )
    if what == "joined":
        # From the few that others joined to those who joined: by their keys, or every case of the place would be read.
        parents = Case.objects.filter(
            subdistrict__in=mine,
            closed_at__gte=month.since,
            closed_at__lt=month.until,
            outcome__in=CLOSINGS,
            excluded="",
            headcount__gt=1,
        )
        return cases.filter(pk__in=parents.values("joined__pk"), state="merged", reporter__isnull=False)
    # One call of filter: all of it is about the same rating.
    return cases.filter(
        which,
        Q(parent__isnull=True) | Q(parent__excluded=""),
        excluded="",
        ratings__subdistrict__in=mine,
        ratings__at__gte=month.since,
        ratings__at__lt=month.until,
    )


def figures(account, areas, month):
    """{id of an area one level below, None for nowhere: {name: n}}: four queries, however many areas and cases."""
    level, out = BELOW[areas[0].level], {}
    for what, counts in COUNTS.items():
        asked = {name: Count("ratings" if what == "rated" else "pk", filter=which) for name, which in counts.items()}
        if what == "due":
            asked["due"] = Count("pk")
        elif what == "rated":
            asked["rated"] = Count("ratings")
        elif what == "joined":
            asked["beside"] = Count("pk")
        for row in among(what, account, areas, month).order_by().values(f"{level}_id").annotate(**asked):
            mine = out.setdefault(row.pop(f"{level}_id"), dict(NOTHING))
            mine.update(row)
    return out


def total(found):
    return {name: sum(row[name] for row in found.values()) for name in NAMES}


def share(top, of):
    """A percentage with one decimal; None of nothing. Only what is whole reads 100, only what is nothing reads 0."""
    if not of:
        return None
    value = round(100 * top / of, 1)
    if top < of:
        value = min(value, 99.9)
    return max(value, 0.1) if top else value


def rate(key, counts):
    """One of RATES as numbers: what, how many, of how many, in per cent, and which list shows the cases behind it."""
    label, top, of, look = RATES[key]
    return {
        "key": key,
        "label": label,
        "top": counts[top],
        "of": counts[of],
        "percent": share(counts[top], counts[of]),
        "list": look,
        "whole": "rated" if key == "satisfied" else "due" if key == "response" else "ended",
    }


def coverage(counts):
    """How far ratings can be trusted: whoever could rate and did, and bad ratings that somebody called back."""
    asked, covered = counts["asked"] + counts["beside"], counts["covered"] + counts["beside_covered"]
    return {
        "asked": asked,
        "covered": covered,
        "percent": share(covered, asked),
        "bad": counts["bad"],
        "called": counts["called"],
        "called_percent": share(counts["called"], counts["bad"]),
    }


def board(account, areas, month):
    """All about a month of `areas` (of one level, not empty): totals, and each area below by its code."""
    found = figures(account, areas, month)
    everything, level = total(found), BELOW[areas[0].level]
    # Areas of today, and those of the month that are no more.
    children = Q(pk__in=[area.pk for area in areas])
    if areas[0].level != level:
        children = within(areas) & Q(level=level, valid_to__isnull=True)
    rows = Area.objects.filter(children | Q(pk__in=[pk for pk in found if pk])).order_by("code", "id")
    table = [
        {
            "area": area,
            "rates": [rate(key, counts) for key in THREE],
            "coverage": coverage(counts),
        }
        for area, counts in [
            *((area, found.get(area.pk, NOTHING)) for area in rows),
            *([(None, found[None])] if None in found else []),
        ]
    ]
    return {
        "counts": everything,
        "three": [rate(key, everything) for key in THREE],
        "others": [rate(key, everything) for key in RATES if key not in THREE],
        "coverage": coverage(everything),
        "table": table,
    }


def listed(name, account, areas, month):
    """The cases behind a number, each with its `moment`; sensitive ones are counted and never listed by a page."""
    what, which, _label = LISTS[name]
    field = WHEN[what]
    return among(what, account, areas, month, which).annotate(moment=F(field))


def exclusions(cases):
    """Give each excluded case of a page who proposed, who agreed, when and with what words; one query."""
    events = Event.objects.filter(case__in=cases, act__in=("propose_exclude", "exclude")).select_related("actor")
    found = {}
    for event in events.order_by("seq"):
        found.setdefault(event.case_id, {})[event.act] = event
    for case in cases:
        case.proposed, case.agreed = (found.get(case.pk, {}).get(act) for act in ("propose_exclude", "exclude"))
    return cases
