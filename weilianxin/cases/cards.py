"""A case as its reporter reads it in a list: who, by when, how it stands; and whether it waits for them."""

from importlib import import_module

from django.db.models import Case as If
from django.db.models import Exists, OuterRef, Q, When
from django.db.models.functions import Coalesce
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.lib import words
from weilianxin.lib.programme import programme
from weilianxin.people.posts import on_duty_many

from .models import Case, Outcome, Phase, Rating

OPEN = (Phase.NEW, Phase.ACTIVE, Phase.WAITING)
MOST = 5  # matters on the first page; the rest one tap away


def for_cards(cases):
    """The queryset with everything a card reads, so that a list costs the same however long it is."""
    closing = Coalesce(OuterRef("parent__closings"), OuterRef("closings"))  # who joined rates what they joined
    rated = Rating.objects.filter(case=OuterRef("pk"), closing=closing)
    shown = ("holder", "unit", "grid")
    return cases.select_related(*shown, "parent", *(f"parent__{name}" for name in shown)).annotate(rated=Exists(rated))


def cards(cases, at=None):
    """One card for each case of `for_cards`, those that wait for the reader first; pieces/matter_card.html draws it."""
    at = at or timezone.now()
    cases = list(cases)
    # A complaint about those who serve the grid is not theirs to take up, so nobody of the grid is named.
    shown = [c.parent or c for c in cases]
    waiting = [c for c in shown if c.grid_id and not c.holder_id and c.is_open and c.sight == "grid"]
    duties = on_duty_many({c.grid_id: c.grid for c in waiting}.values(), at) if waiting else {}
    first = {c.pk: duties.get(c.grid_id) for c in waiting}
    made = [card(case, at, rated=case.rated, first=first.get(case.parent_id or case.pk)) for case in cases]
    made.sort(key=lambda c: not c["turn"])  # stable: the order given otherwise
    return made


def open_matters(account, at):
    """The cards of what is not over for this person: open ones, and closed ones that wait for their word; what they
    joined is over when that is."""
    asked = Q(phase=Phase.WAITING, review_at__isnull=True)
    own, joined = to_judge(at), to_judge(at, "parent__")
    waits = When(asked | (own | joined) & Q(rated=False), then=1)
    found = for_cards(Case.objects.visible_to(account)).annotate(waits=If(waits, default=0))
    found = found.filter(Q(phase__in=OPEN) | Q(parent__phase__in=OPEN) | Q(waits=1))
    return cards(found.order_by("-waits", "-created_at", "-id")[:MOST], at)


def to_judge(at, of=""):
    """Cases (or with `of` their parents) that are over and may still be both rated and disputed."""
    ended = {"phase": Phase.DONE, "rateable_until__gte": at, "disputable_until__gte": at}
    return Q(**{of + name: value for name, value in ended.items()})


def card(case, at, *, rated=False, first=None):
    """What pieces/matter_card.html needs for one case; `first` is the Duty that takes it up, until somebody has."""
    shown = case.parent if case.parent_id else case  # a merged one stands as the case it went into
    word = reader_word(shown, rated=rated, at=at)
    confirm = bool(shown.outcome and shown.phase == Phase.DONE and shown.closed_at and not rated)
    confirm = confirm and all(until and at <= until for until in (shown.disputable_until, shown.rateable_until))
    asking = shown.paused and shown.review_at is None  # what is suspended waits for its day, not for the reader
    asked = asking and shown is case  # who joined has not been asked
    turn = asked or confirm
    phase = Phase.WAITING if turn else Phase.VOID if not_done(shown) else shown.phase
    url = address(case)
    # Until somebody has taken it up, what is promised is an answer; afterwards, that it is done.
    due = shown.due_at if shown.accepted_at else shown.accept_due_at
    made = {
        "case": case,
        "url": url,
        "title": case.title,
        "word": word,
        "phase": phase,
        "turn": turn,
        "due": due if shown.is_open or shown.closings and shown.closed_at else None,
        "done": shown.closed_at if shown.phase == Phase.DONE else None,
        "paused": shown.paused,
        "who": shown.unit.name if shown.unit_id and shown.is_open else shown.holder.name if shown.holder_id else "",
        "who_more": shown.holder.name if shown.unit_id and shown.is_open and shown.holder_id else "",
        "by": "",
        "by_more": "",
        "how": word,
        "how_more": "",
        "how_url": "",
    }
    if shown.outcome == Outcome.TRANSFERRED and not shown.is_open:
        made["who"] = made["who"] or _("其他渠道")
    if not made["who"] and first is not None and shown.is_open:
        if asking:
            made["who"] = first.account.name
        else:
            made["who_more"] = _("等%(name)s签收") % {"name": first.account.name}
    if shown.closed_at and shown.phase == Phase.DONE:
        made["by"] = words.day(shown.closed_at)
        made["by_more"] = shown.get_outcome_display()
    elif asking:
        made["by"] = _("等您回答以后") if asked else _("等报事的邻居补充")
    elif shown.paused:
        made["by"], made["by_more"] = words.day(shown.review_at), _("限期解决，到时再看")
    elif due and shown.is_open:
        made["by"] = words.before(due)
        made["by_more"] = words.beside(due, at) if shown.accepted_at else _("先答复您")
    if asked:
        made["word"] = _("等您补充")
        made["how"], made["how_url"] = _("请您补充一句"), url
    elif confirm:
        made["how"], made["how_url"] = _("看结果，评一评"), url
    elif shown.outcome and not shown.is_open:
        made["how"] = shown.get_outcome_display()
    elif not shown.is_open:
        made["by"], made["how"] = _("已结束"), word
    elif shown.seen_at and not shown.accepted_at:
        made["how"] = _("已经看到")
    return made


def not_done(case):
    """Ended without anybody's work: refused, transferred, withdrawn."""
    return case.phase == Phase.VOID or (case.phase == Phase.DONE and not case.closings)


def reader_word(case, *, rated, at):
    """The programme's word for its reporter (`words.resident_word`), else the state's."""
    config = programme(case.programme)
    try:
        return import_module(f"{config.name}.words").resident_word(case, rated=rated, at=at)
    except (ModuleNotFoundError, AttributeError):
        return config.flow.words.get(case.state, case.get_phase_display())


def address(case):
    """The page of one's own matter, in the programme it belongs to."""
    try:
        return reverse(f"{case.programme}:matter", args=[case.number])
    except NoReverseMatch:
        return ""
