"""One case at the desk: everything about it on one page, and the acts that its reader may do."""

from datetime import timedelta
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from weilianxin.cases.access import actor_on, may_hear, may_know_reporter
from weilianxin.cases.acting import act_on, buttons
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Refused
from weilianxin.cases.models import Case, CasePhoto, Rating, Task
from weilianxin.cases.once import first_answer, once
from weilianxin.files.errors import BadPhoto
from weilianxin.files.serve import photo_response, sound_response
from weilianxin.files.store import THUMB
from weilianxin.lib import words as words_of
from weilianxin.lib.datum import metres, neighbours
from weilianxin.lib.masks import mask_name, mask_phone
from weilianxin.lib.problem import asks_json
from weilianxin.lib.programme import programme
from weilianxin.people import errors as people_errors
from weilianxin.people.contact import reveal_contact
from weilianxin.people.session import staff_required

from . import lists
from .maps import drawn
from .nav import render
from .offline import done_in_json, keep, may_wait, only_now, prefetched, refused_in_json
from .reach import my_posts

NEAR_METRES = 50
NEAR_DAYS = 3
SHOWN_METRES = 130  # from the middle of the small map to its sides
MOST_EVENTS = 200
SHOWN, REST, MORE = 3, 6, 7  # weights: buttons with their form open, folded ones, and those under "more"
VERDICTS = ("uphold", "pass_sample", "reopen")  # what a call-back or a check may find: none stands before another
HIDDEN = ("see",)  # done by opening the page


def load(request, number):
    """The case with this number as the account may see it; 404 for everything else."""
    cases = Case.objects.visible_to(request.account).select_related(
        "reporter",
        "holder",
        "unit",
        "closer",
        "grid",
        "community",
        "subdistrict",
        "place",
        "compound",
        "parent",
        "sound",
    )
    return get_object_or_404(cases, number=number)


def mark_seen(request, case, actor):
    """Its own grid worker has opened it: said to the resident at once. A prefetch or a HEAD has read nothing."""
    flow = programme(case.programme).flow
    offered = any(m.name == "see" for m in flow.from_state(case.state) if actor.role_for(m))
    if request.method != "GET" or prefetched(request) or case.seen_at or not offered:
        return case
    try:
        perform(case, "see", actor)
    except Refused:
        return case
    return load(request, case.number)


@require_safe
@staff_required
def page(request, number):
    case = load(request, number)
    actor = actor_on(case, request.account, posts=my_posts(request))
    case = mark_seen(request, case, actor)
    return show(request, case, actor)


def rank(case, button, at):
    """Where an act stands on the page. What the law puts first, and saying the place that nobody knows yet, come before
    everything else; what an outside unit has not signed for is not closed by the next press; what is overdue is urged
    in the open."""
    move = button["move"]
    if move.name == first_act(case) or (case.community_id is None and "place" in move.fields):
        return 0
    if move.name == "close_seen" and any(
        m.name == "sign" for m in programme(case.programme).flow.from_state(case.state)
    ):
        return REST
    late = case.next_due_at is not None and case.next_due_at < at and case.is_open and not case.paused
    return SHOWN if move.name == "urge" and late else move.weight


def first_act(case):
    """The programme's word for it, asked once for a page."""
    if not hasattr(case, "first_act"):
        case.first_act = programme(case.programme).first_act(case)
    return case.first_act


def onto_case(number, name, _post=None):
    return f"{reverse('desk:case', args=[number])}?done={name}"


# Where an act leads afterwards, as the form that did it says.
BACK = {
    "home": lambda number, name, post: f"{reverse('desk:home')}?done={name}",
    "queue": lambda number, name, post: "{}?{}".format(
        reverse("desk:queue"), urlencode({"f": post.get("f", "")[:20], "case": number, "done": name})
    ),
}


@require_POST
@staff_required
@done_in_json
def act(request, number, name):
    """Do one act on the case; a refusal shows the page again with the sentence and what was typed."""
    repeated, away = first_answer(request), f"{reverse('desk:home')}?done={name}"
    if repeated is not None:
        mine = Case.objects.visible_to(request.account).filter(number=number).exists()
        return repeated if mine else HttpResponseRedirect(away)
    case = load(request, number)
    if asks_json(request) and not may_wait(case, name):
        return only_now()
    actor = actor_on(case, request.account, posts=my_posts(request))
    url = BACK.get(request.POST.get("back", ""), onto_case)(number, name, request.POST)

    def done(_after, links):
        if links:
            request.session["fresh_links"] = {
                "case": number,
                "links": [[task.unit.name_zh, request.build_absolute_uri(path)] for task, path in links],
            }

    try:
        response = act_on(request, case, actor, name, url, done=done)
    except (Refused, BadPhoto) as refusal:
        if asks_json(request):
            return refused_in_json(refusal)
        case = load(request, number)
        actor = actor_on(case, request.account, posts=my_posts(request))
        return show(request, case, actor, failed=name, refusal=refusal)
    # An act may move a case out of one's own reach (another grid, the subdistrict's eyes only).
    if not Case.objects.visible_to(request.account).filter(pk=case.pk).exists():
        return HttpResponseRedirect(away)
    return response


@require_POST
@staff_required
def reveal(request, number):
    """Show the reporter's telephone to the asker, once, with a reason that stays in the journal."""
    case = load(request, number)
    actor = actor_on(case, request.account, posts=my_posts(request))
    if not may_know_reporter(case, actor):
        raise Http404

    def write():
        reveal_contact(case.stream, case.reporter, request.account, request.POST.get("reason", ""), timezone.now())
        request.session["revealed"] = number
        return reverse("desk:case", args=[number]) + "#reporter"

    try:
        return once(request, write)
    except people_errors.Refused as refusal:
        return show(request, case, actor, failed="reveal", refusal=refusal)


@require_safe
@staff_required
def photo(request, ref, variant):
    """A photo of a case that the account may see; the same photo may belong to several."""
    uses = CasePhoto.objects.filter(photo__ref=ref, case__in=Case.objects.visible_to(request.account))
    use = uses.select_related("photo", "case").first()
    if use is None:
        raise Http404
    response = photo_response(use.photo, variant, request)
    return response if use.case.sensitive or variant != THUMB else keep(request, response)


@require_safe
@staff_required
def sound(request, number):
    """The voice note of a case, for those who may know who reported."""
    case = load(request, number)
    if not may_hear(case, actor_on(case, request.account, posts=my_posts(request))):
        raise Http404
    return sound_response(case.sound, request)


def show(request, case, actor, *, failed=None, refusal=None):
    context = describe(request, case, actor, failed=failed, refusal=refusal)
    status = getattr(refusal, "status", 422) if refusal else 200
    response = render(request, "desk/case.html", context, status=status)
    # What is shown once, a refusal, and what is sensitive are not left on a phone.
    once_only = context["fresh_links"] or (context["reporter"] or {}).get("shown")
    return response if refusal or once_only or case.sensitive else keep(request, response)


def describe(request, case, actor, *, failed=None, refusal=None):
    """All that the case page and the queue's middle column say about a case."""
    at = timezone.now()
    plug = programme(case.programme)
    words = {move.name: move.label for move in plug.flow.moves}
    typed = request.POST if failed else None
    offered = [
        button
        for button in buttons(case, actor, at, failed=failed, post=typed, refusal=refusal)
        if button["move"].name not in HIDDEN
    ]
    offered.sort(key=lambda button: rank(case, button, at))
    any_open = any(button["failed"] for button in offered)
    verdicts = [button for button in offered if button["move"].name in VERDICTS]
    heard = next((b for b in offered if b["move"].name == "transcribe"), None)  # stands at the voice note
    offered = [button for button in offered if button is not heard and button not in verdicts]
    fresh = request.session.get("fresh_links")
    handed = fresh and fresh["case"] == case.number and request.method == "GET" and not prefetched(request)
    links = request.session.pop("fresh_links")["links"] if handed else []
    lists.state_words([case], rooms=True)
    case.limit_words, case.accept_words = words_of.limit(case.handle_limit), words_of.limit(case.accept_limit)
    around = near(request, case, at)
    joined = family(request, case)
    photos = case.photos.select_related("photo", "event").filter(photo__erased_at__isnull=True)
    photos = list(photos.order_by("pk"))
    return {
        "case": case,
        "at": at,
        "actor": actor,
        "facts": plug.situation(case),
        "panel": panel(plug),
        "text": first_text(case),
        "photos_before": [p for p in photos if p.stage == CasePhoto.BEFORE],
        "photos_after": [p for p in photos if p.stage == CasePhoto.AFTER],
        "reporter": reporter(request, case, actor),
        "timeline": (events := timeline(case, words)),
        "sent_back": sent_back(events),
        "verdicts": verdicts,
        "bad_ratings": (bad := bad_ratings(request, case) if verdicts else []),
        "calling": any(rating.case_id == case.pk for rating in bad),  # it is this case's own reporter who is called
        "voice": voice(case, actor, events, heard),
        "tasks": tasks(case, at),
        "fresh_links": links,
        "family": joined,
        "shown": next((row for row in joined if row.pk == case.parent_id), case),  # who joined waits for that one
        "near": around,
        "here": here(request, case),
        "times": times(request, case),
        "may_merge": any(b["move"].name == "merge" for b in offered),
        "may_recode": any(b["move"].name == "recode" for b in offered),
        "map": small_map(case, around),
        "primary": [b for b in offered if rank(case, b, at) <= SHOWN],
        "secondary": [b for b in offered if SHOWN < rank(case, b, at) <= REST],
        "more": (more := [b for b in offered if rank(case, b, at) >= MORE]),
        "offline": plug.flow.offline,
        "failed": failed,
        "any_open": any_open,  # else the sentence stands at the top of the page
        "more_open": any(b["failed"] for b in more),
        "refusal": refusal,
        "typed": typed,
        "done": words.get(request.GET.get("done", "")),
    }


def word_of(case, name):
    """The word on the button of an act, "" for one there is none of."""
    return next((m.label for m in programme(case.programme).flow.moves if m.name == name), "")


def panel(plug):
    """The programme's own panel, by name, or none."""
    name = f"{plug.label}/panel.html"
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return ""
    return name


def first_text(case):
    first = case.events.order_by("seq").first()
    return first.note if first else ""


def timeline(case, words):
    """Every event with the verb people know it by, oldest first."""
    events = list(case.events.select_related("actor", "unit").prefetch_related("photos").order_by("-seq")[:MOST_EVENTS])
    for event in events:
        event.label = (
            programme(case.programme).heading(event) or words.get(event.act) or OTHER_ACTS.get(event.act, event.act)
        )
        unit = event.unit.name_zh if event.unit else ""
        event.who = f"{unit} {event.named}".strip() or (event.actor.name if event.actor else "")
        if event.role == "reporter":
            event.who = _("报事人")
        elif event.role == "system":
            event.who = _("系统")
    return events[::-1]


def sent_back(events):
    """The event by which a unit returned its task, while nobody else has been found; None otherwise."""
    last = next((event for event in reversed(events) if event.to_state != event.from_state), None)
    return last if last is not None and last.act == "return_order" else None


def bad_ratings(request, case):
    """What waits for a call-back here: the words of the case's own reporter and of those who joined it."""
    mine = Case.objects.visible_to(request.account).filter(Q(pk=case.pk) | Q(parent=case))
    rows = Rating.objects.filter(case__in=mine, level__lte=lists.BAD_RATING, callback_at__isnull=True)
    return list(rows.select_related("case").order_by("id")[:20])


def voice(case, actor, events, button):
    """The reporter's voice note as this reader meets it, and what somebody wrote down of it; None without one."""
    if case.sound_id is None or case.sound.erased_at is not None:
        return None
    written = next((event for event in reversed(events) if event.act == "transcribe"), None)
    heard = may_hear(case, actor)
    return {"seconds": case.sound.seconds, "heard": heard, "written": written, "button": button}


OTHER_ACTS = {
    "submit": gettext_lazy("报事"),
    "import": gettext_lazy("转来"),
    "joined": gettext_lazy("又有一人遇到"),
    "left": gettext_lazy("有一人改为单独办理"),
}


def reporter(request, case, actor):
    """What this reader may know about who reported: masked, or a telephone that was just asked for."""
    if case.reporter is None:
        return None
    if not may_know_reporter(case, actor):
        return {"known": False}
    shown = request.session.get("revealed") == case.number and request.method == "GET" and not prefetched(request)
    if shown:
        del request.session["revealed"]
    return {
        "known": True,
        "name": case.reporter.name if shown else mask_name(case.reporter.name),
        "phone": case.reporter.phone if shown else mask_phone(case.reporter.phone or ""),
        "shown": shown,
    }


def tasks(case, at):
    rows = list(case.tasks.select_related("unit", "issued_by").order_by("id"))
    for task in rows:
        live = task.link_digest and task.link_revoked_at is None and task.link_until and task.link_until > at
        task.link_state = _("链接有效") if live and task.state != Task.CANCELLED else _("链接已失效")
        task.link_live = bool(live)
    return rows


def near(request, case, at):
    """Open cases of the same category within fifty metres: perhaps the same matter; a person decides."""
    if case.cell is None or case.lat is None or not case.is_open:
        return []
    rows = (
        Case.objects.visible_to(request.account)
        .open()
        .filter(category=case.category, cell__in=neighbours(case.cell), sensitive=False)
        .filter(created_at__gte=case.created_at - timedelta(days=NEAR_DAYS))
        .exclude(pk=case.pk)
    )
    found = []
    for row in lists.rows_of(rows).order_by("-id")[:30]:
        if row.lat is not None:
            row.metres = round(metres(case.lat, case.lon, row.lat, row.lon))
            if row.metres <= NEAR_METRES:
                found.append(row)
    return lists.state_words(sorted(found, key=lambda row: row.metres)[:5])


def family(request, case):
    """The matter this one joined and those that joined it, as far as the account may see them."""
    both = Q(parent=case)
    if case.parent_id:
        both |= Q(pk=case.parent_id)
    return list(Case.objects.visible_to(request.account).filter(both).order_by("id")[:50])


def here(request, case):
    """What this place had before; what is sensitive is not read by chance beside another matter."""
    if case.place_id is None:
        return []
    earlier = {"place": case.place_id, "created_at__lt": case.created_at, "sensitive": False}
    rows = Case.objects.visible_to(request.account).filter(**earlier)
    return lists.state_words(list(lists.rows_of(rows).order_by("-id")[:5]))


def times(request, case):
    """How often this category came at this place within a year, this time included."""
    if case.place_id is None:
        return 1
    since = case.created_at - timedelta(days=365)
    same = {"place": case.place_id, "category": case.category, "parent__isnull": True}
    rows = Case.objects.visible_to(request.account).filter(created_at__range=(since, case.created_at), **same)
    return rows.count()


def small_map(case, around):
    """The neighbourhood of the case: its grid's edge, the circle in which matters may be the same, and those."""
    if case.lat is None:
        return None
    pins = [{"lat": row.lat, "lon": row.lon, "kind": "open", "mark": n} for n, row in enumerate(around, 1)]
    pins.append({"lat": case.lat, "lon": case.lon, "kind": "here"})
    areas = [{"area": case.grid, "label": case.grid.name}] if case.grid else []
    picture = drawn(areas, pins, focus=(case.lat, case.lon, SHOWN_METRES), ring=NEAR_METRES)
    grid = case.grid.name if case.grid else ""
    picture["alt"] = _("%(place)s在%(grid)s的位置，50 米内还有 %(n)s 件") % {
        "place": case.where,
        "grid": grid,
        "n": len(around),
    }
    return picture
