"""What is noticed about a report before it is saved: dangers first, then where it belongs, then what is near.

Nothing here decides a route. Dangers show the numbers to dial and shorten the limits; everything else is a
suggestion that a person confirms. The words are data (`data/screening.csv`, and the keywords of the categories).
"""

import csv
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

from django.core import signing
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from weilianxin.cases.models import Case
from weilianxin.lib.datum import metres, neighbours

from . import catalogue, policy
from .models import NEVER_MERGE, About, Channel

DANGERS = {
    "fire": gettext_lazy("可能着火了"),
    "gas": gettext_lazy("可能漏气：先离开，到外面再打电话，别开关电器"),
    "trapped": gettext_lazy("有人被困"),
    "medical": gettext_lazy("有人需要急救"),
    "crime": gettext_lazy("可能正在发生违法的事"),
    "violence": gettext_lazy("有人可能正在受伤害"),
    "self_harm": gettext_lazy("有人可能会伤害自己"),
    "wire": gettext_lazy("可能有触电的危险：离远一点"),
    "traffic": gettext_lazy("可能发生了交通事故"),
}
NOTICES = {
    "petition": gettext_lazy("提到信访或很多人一起去反映：请值班长先看"),
    "secret": gettext_lazy("可能涉及秘密：不要转发、不要抄进别的单子"),
    "advert": gettext_lazy("像是广告"),
    "abuse": gettext_lazy("有骂人的话"),
    "integrity": gettext_lazy("可能是廉洁问题：只能送纪检"),
}
SENSITIVE = ("violence", "self_harm", "petition", "secret")
HUSHED = ("violence", "self_harm")
TOKEN = "report-near"
MOST_NEAR = 5
ALIKE = 0.2  # the least share of common pairs of characters
ENOUGH = 2  # the least score of a suggestion: one word of two characters somewhere in the text


@dataclass
class Screening:
    """What intake noticed. `reasons` are (group, sentence) pairs, kept with the report for the people who work it."""

    dial: tuple = ()  # (number, why) pairs, shown before saving
    urgency: str | None = None
    integrity: bool = False  # must not be saved here
    sensitive: bool = False
    missing: tuple = ()  # sentences
    foreign: str | None = None
    near: tuple = ()  # mappings: token, title, place, at, headcount
    recur: object = None  # a case of the same place and category that was closed not long ago
    suggestions: tuple = ()
    reasons: list = field(default_factory=list)


def plain(text):
    """The text as it is compared: one width of characters, lower case, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text or "").lower().split())


@cache
def _groups():
    path = Path(__file__).parent / "data" / "screening.csv"
    with path.open(encoding="utf-8", newline="") as source:
        return [
            (r["group"], r["dial"], tuple(map(plain, r["words"].split())), tuple(map(plain, r["unless"].split())))
            for r in csv.DictReader(source)
        ]


def noticed(text):
    """[(group, dial)] in order of the data, for every group one of whose words stands in the text.

    Phrases that speak of a danger without its being there (火灾隐患) are taken out first.
    """
    said = plain(text)
    found = []
    for group, dial, words, unless in _groups():
        left = said
        for phrase in unless:
            left = left.replace(phrase, "·")
        if any(word in left for word in words):
            found.append((group, dial))
    return found


def screen(text, *, title="", category=None, location=None, account=None, at, not_integrity=False):
    """Look at a report before it is saved. Reads the database for what is near and what came back; writes nothing."""
    result = Screening()
    dial = {}
    for group, number in noticed(f"{title} {text}"):
        if group in DANGERS:
            dial.setdefault(number, str(DANGERS[group]))
            result.urgency = "U1"
            result.reasons.append([group, str(DANGERS[group])])
        elif group == "integrity":
            result.integrity = not not_integrity
        else:
            result.reasons.append([group, str(NOTICES[group])])
        result.sensitive = result.sensitive or group in SENSITIVE
    if category is not None and category.channel_out == Channel.INTEGRITY:
        result.integrity = True
    if category is not None and category.urgency == "U0":
        dial.setdefault("119" if category.column_code == "FIRE" else "110", _("这一类很急，请先打电话"))
    result.dial = tuple(dial.items())
    result.missing = tuple(_missing(text, location))
    result.suggestions = tuple(suggest(text, title)) if category is None else ()
    if not result.integrity and category is not None and location is not None:
        if category.channel_out not in NEVER_MERGE:
            result.near = tuple(near(category, location, at))
        result.recur = recurring(category, location, at)
    return result


def _missing(text, location):
    least = policy.number("text_least")
    if len((text or "").strip()) < least:
        yield _("再多写几个字，说说是什么事（至少 %(n)s 个字）。") % {"n": least}
    if location is None:
        yield _("请告诉我们在哪里。")


def suggest(text, title="", most=3):
    """Up to `most` categories whose keywords stand in the text, the best first; nothing when nothing fits.

    What stands in the title or at the beginning says more than what long letters come to in the end; and courtesies
    (请问, 谢谢, 建议) make a matter of something else neither a question nor praise.
    """
    head, said = plain(title), plain(text)
    begins = said[:60]
    scored = []
    for category in catalogue.current():
        score = 0
        for word in map(plain, category.keywords.split()):
            if word in head:
                score += 4 * len(word)
            elif word in begins:
                score += 2 * len(word)
            elif word in said:
                score += len(word)
        if category.column_code == "ADV":
            score /= 3
        if score >= ENOUGH:
            scored.append((-score, category.position, category))
    scored.sort(key=lambda row: row[:2])
    best = -scored[0][0] if scored else 0
    return [category for score, _position, category in scored[:most] if -score * 3 >= best]


def hushed(reasons, category):
    """Whether who lives with the reporter could hurt them, or they themselves: its words stand in no title, and
    unopened on no page of theirs. `reasons` are `Screening.reasons`."""
    return any(row[0] in HUSHED for row in reasons) or _of_violence(category)


def must_tell_police(report):
    """Whether whoever works on it has to tell the police: violence at home, harm to a minor (Anti-Domestic Violence
    Law art. 14, Minors Protection Law art. 11)."""
    return any(row[0] == "violence" for row in report.screening) or _of_violence(report.category)


def _of_violence(category):
    police = category is not None and category.channel_out == Channel.POLICE
    return police and any(group == "violence" for group, _dial in noticed(category.keywords))


def similar(case, most=8):
    """Open reports that tell of the same thing in other words, the most alike first: pairs of characters in common.

    Looks at the five hundred newest of the same community (or of those without one).
    """
    mine = _pairs(case.title)
    rows = Case.objects.open().filter(
        programme=case.programme, subdistrict=case.subdistrict, community=case.community, parent__isnull=True
    )
    rows = rows.filter(sensitive=False, sight=case.sight).exclude(pk=case.pk).order_by("-created_at", "-id")
    alike = []
    for other in rows[:500]:
        theirs = _pairs(other.title)
        score = len(mine & theirs) / (len(mine | theirs) or 1)
        if score >= ALIKE:
            alike.append((-score, -other.pk, other))
    return [other for _score, _pk, other in sorted(alike, key=lambda row: row[:2])[:most]]


def _pairs(text):
    said = plain(text)
    return {said[n : n + 2] for n in range(len(said) - 1)}


def near(category, location, at):
    """Open reports of the same category around: 50 m within a day, or the same entrance within three days."""
    rows = _near_cases(category, location, at)
    return [
        {
            "token": signing.dumps(case.pk, salt=TOKEN, compress=True),
            "number_tail": case.number[-4:],
            "title": category.name,
            "place": case.compound.full_name if case.compound else (case.place.full_name if case.place else ""),
            "at": case.created_at,
            "headcount": case.headcount,
            "case": case,
        }
        for case in rows
    ]


def _near_cases(category, location, at):
    around = Q(pk__in=[])
    if location.cell is not None:
        since = at - timedelta(hours=policy.number("duplicate_hours"))
        around |= Q(cell__in=neighbours(location.cell), created_at__gte=since)
    if location.place is not None:
        since = at - timedelta(hours=policy.number("entrance_hours"))
        around |= Q(place=location.place, created_at__gte=since)
    rows = (
        Case.objects.open()
        .filter(around, programme="reports", category=category.code, sensitive=False, parent__isnull=True)
        .filter(sight="grid", report__about=About.THING)  # a complaint about somebody is nobody else's to find
        .exclude(anonymity="N2")
        .select_related("compound", "place")
        .order_by("-created_at", "-id")[:20]
    )
    most = policy.number("duplicate_metres")
    kept = []
    for case in rows:
        same = location.place is not None and case.place_id == location.place.pk
        distance = None
        if case.lat is not None and location.lat is not None:
            distance = metres(case.lat, case.lon, location.lat, location.lon)
        if same or (distance is not None and distance <= most):
            kept.append(case)
    return kept[:MOST_NEAR]


def case_behind(token):
    """The case a `near` token stands for, or None: they are signed and good for a day."""
    try:
        pk = signing.loads(token, salt=TOKEN, max_age=24 * 3600)
    except signing.BadSignature:
        return None
    return Case.objects.filter(pk=pk, programme="reports").select_related("compound", "place", "grid").first()


def earlier_here(case, at):
    """What was closed of this category at this very place not long ago, the newest first; each event once."""
    here = Q(place=case.place) if case.place_id else Q(pk__in=[])
    if case.cell is not None:
        here |= Q(cell__in=neighbours(case.cell))
    since = at - timedelta(days=policy.number("chronic_days"))
    rows = Case.objects.filter(here, programme="reports", category=case.category, state="closed", closed_at__gte=since)
    rows = rows.filter(community=case.community, sight=case.sight).exclude(pk=case.pk).exclude(channel="source")
    rows = rows.filter(sensitive=False)
    most, kept = policy.number("duplicate_metres"), []
    for row in rows.order_by("-closed_at", "-id")[:50]:
        same = case.place_id is not None and row.place_id == case.place_id
        if same or (None not in (row.lat, case.lat) and metres(row.lat, row.lon, case.lat, case.lon) <= most):
            kept.append(row)
    return kept


def recurring(category, location, at):
    """The last closed case of this category at this very place within the window, or None."""
    if location.place is None:
        return None
    since = at - timedelta(days=policy.number("recur_days"))
    return (
        Case.objects.filter(
            programme="reports",
            category=category.code,
            place=location.place,
            state="closed",
            closed_at__gte=since,
            sensitive=False,
            sight="grid",
            report__about=About.THING,
        )
        .exclude(anonymity="N2")
        .order_by("-closed_at")
        .first()
    )
