"""Lists of cases: bounded, in the order of what is due, at a cost that does not grow with the rows."""

import re
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from weilianxin.cases.access import ends_today, late
from weilianxin.cases.models import Case, CasePhoto, Rating, Sample, Urgency
from weilianxin.lib.programme import programme, programmes

ROOM = re.compile("([0-9０-９A-Za-z]{1,5})( ?(?:室|号房|房间))")
PAGE = 30
UNSEEN = timedelta(minutes=30)  # a new report that nobody has opened for so long is shown to those above
OPEN = ("new", "active", "waiting")
BAD_RATING = 2
MOST = 99  # nothing is counted further: above it a list is long, by however much


def rows_of(cases):
    """With what a row of a list says, in one query."""
    return cases.select_related("grid", "community", "holder", "unit", "place")


def soonest(cases, after="", limit=PAGE, urgent=False):
    """A page of `cases` by due time, those without one last: (rows, key of the next page or "").

    With `urgent` the more urgent stand ahead of all others. `after` is the key a page before gave; one that is not
    ours begins at the front.
    """
    urgency, _dot, rest = (after or "").partition(".") if urgent else ("", "", after)
    place = _place(rest)
    if place is not None and (not urgent or urgency in Urgency.values):
        due, pk = place
        beyond = Q(next_due_at__isnull=True, id__gt=pk)
        if due is not None:
            beyond = Q(next_due_at__gt=due) | Q(next_due_at=due, id__gt=pk) | Q(next_due_at__isnull=True)
        cases = cases.filter(Q(urgency__gt=urgency) | Q(urgency=urgency) & beyond if urgent else beyond)
    rows = list(rows_of(cases).soonest_first(urgent)[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    if not more:
        return rows, ""
    return rows, f"{rows[-1].urgency}.{_key(rows[-1])}" if urgent else _key(rows[-1])


def newest(rows, before="", limit=PAGE):
    """A page of any rows by id, newest first: (rows, key of the next page or "")."""
    return _by_id(rows, before, limit, "-pk", "pk__lt")


def oldest(rows, after="", limit=PAGE):
    """A page of any rows by id, oldest first: (rows, key of the next page or "")."""
    return _by_id(rows, after, limit, "pk", "pk__gt")


def _by_id(rows, key, limit, order, beyond):
    if key.isdecimal() and len(key) < 19:
        rows = rows.filter(**{beyond: int(key)})
    rows = list(rows.order_by(order)[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, str(rows[-1].pk) if more else ""


def how_many(rows):
    """Their number, "" for none and 99+ for all that are more."""
    n = rows.order_by()[: MOST + 1].count()
    return f"{MOST}+" if n > MOST else n or ""


def with_due(rows, since):
    """Give each waiting call-back or check of a page `due`: by when its programme wants it, counted from `since`."""
    rows = list(rows)
    for label in {row.case.programme for row in rows}:
        own = [row for row in rows if row.case.programme == label]
        for row, due in zip(own, programme(label).checks_due([getattr(row, since) for row in own]), strict=True):
            row.due = due
    return rows


def _key(case):
    due = case.next_due_at
    micro = "n" if due is None else str(int((due - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)))
    return f"{micro}.{case.pk}"


def _place(key):
    due, dot, pk = (key or "")[:40].partition(".")
    if not dot or not pk.isdecimal() or len(pk) > 18:
        return None
    if due == "n":
        return None, int(pk)
    if not due.isdecimal() or len(due) > 16:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(due)), int(pk)


def with_photos(rows):
    """Give every case of a page its first photo as `thumb`, in one query."""
    rows = list(rows)
    first = {}
    photos = CasePhoto.objects.filter(case__in=rows, photo__erased_at__isnull=True).select_related("photo")
    for use in photos.order_by("-id"):
        first[use.case_id] = use.photo
    for case in rows:
        case.thumb = first.get(case.pk)
    return rows


def unseen(at):
    return Q(phase="new", seen_at__isnull=True, created_at__lt=at - UNSEEN)


def counted(cases, level, at):
    """{area id: how its open cases stand} in one query, for an overview of areas of one level."""
    rows = (
        cases.filter(phase__in=OPEN)
        .values(f"{level}_id")
        .annotate(
            open=Count("id"),
            overdue=Count("id", filter=late(at)),
            today=Count("id", filter=Q(phase__in=("new", "active"), next_due_at__range=(at, ends_today(at)))),
            unseen=Count("id", filter=unseen(at)),
            disputed=Count("id", filter=Q(reopened__gt=0) | Q(contested__gt=0)),
            waiting=Count("id", filter=Q(phase="waiting")),
        )
        .order_by()
    )
    return {row[f"{level}_id"]: row for row in rows}


NOTHING = {"open": 0, "overdue": 0, "today": 0, "unseen": 0, "disputed": 0, "waiting": 0}


def totals(counts):
    return {name: sum(row[name] for row in counts.values()) for name in NOTHING}


def states_for(role, most=3):
    """The states in which this role has a first-rank act, in any programme: what waits for it."""
    return {
        state
        for plug in programmes()
        if plug.flow
        for move in plug.flow.moves
        if role in move.roles and move.weight <= most
        for state in move.sources
        if plug.flow.phases[state] in OPEN
    }


def state_words(rows, rooms=False):
    """Give every case of a page `word`, what staff call its state, `ended`, its outcome where that says more, and
    `where`, how staff find it.

    A list may be read over one's shoulder: which room it is stands on the page of the case (`rooms`) only.
    """
    words = {plug.label: plug.flow.words for plug in programmes() if plug.flow}
    for case in rows:
        case.word = words.get(case.programme, {}).get(case.state, case.state)
        outcome = case.get_outcome_display() if case.outcome else ""
        case.ended = "" if outcome == str(case.word) else outcome
        case.where = where(case) if rooms else ROOM.sub("", where(case)).strip()
    return rows


def where(case):
    """The address, and what was said about the place beyond it."""
    full, said = case.place.full_name if case.place else "", case.place_text
    if not full or full in said:
        return said
    # What came from another channel names its place inside the report itself; that is not said twice.
    if not said or said in full or said.startswith(case.title[:8]):
        return full
    return f"{full} {said}"


def sections(rows, at):
    """A page of cases under the three headings of a day, empty ones left out."""
    end = ends_today(at)
    parts = {_("已经超期"): [], _("今天"): [], _("以后"): []}
    over, today, later = parts.values()
    for case in rows:
        if case.next_due_at is None or case.next_due_at > end:
            later.append(case)
        elif case.next_due_at < at and not case.paused:
            over.append(case)
        else:
            today.append(case)
    return [(title, cases) for title, cases in parts.items() if cases]


# Through which residents and staff of the grid come; everything else was passed on by somebody.
OWN_CHANNELS = ("web", "mini_program", "qr_plate", "voice", "phone", "window", "patrol", "grid_worker", "thread")
OWN_CHANNELS += ("source",)  # what the house itself asks after


def imported():
    return ~Q(channel__in=OWN_CHANNELS)


def waits_for_dispatch(account, at):
    """What a dispatcher must turn to: what nobody's grid has, what came back, what nobody took on in time, what is
    urgent or came from elsewhere and nobody has taken on, and what the dispatcher holds and has not sent on."""
    mine = Q(state__in=states_for("centre_dispatcher"))
    lost = Q(grid__isnull=True) | Q(returned__gt=0) | Q(holder=account)
    new = Q(phase="new") & (Q(next_due_at__lt=at) | Q(urgency__in=("U0", "U1")) | imported())
    return mine & (lost | new)


def waiting_samples(account, at):
    """Closings drawn for a look that this account may look at; never its own."""
    mine = Case.objects.visible_to(account, at)
    rows = Sample.objects.filter(checked_at__isnull=True, drawn_at__lte=at, case__in=mine).exclude(case__closer=account)
    return rows.select_related("case", "case__place", "case__grid", "case__community", "case__closer")


def waiting_callbacks(account, at):
    """Bad ratings nobody has called back yet; never those of one's own work."""
    mine = Case.objects.visible_to(account, at)
    rows = Rating.objects.filter(level__lte=BAD_RATING, callback_at__isnull=True, case__in=mine)
    return rows.exclude(rated=account).select_related("case", "case__place", "case__grid", "case__community", "rated")
