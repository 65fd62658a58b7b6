"""我的事: what the reporter may see and do, until they have had the last word."""

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.http import Http404, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from weilianxin.cases import cards
from weilianxin.cases.access import Actor
from weilianxin.cases.acting import act_on, buttons
from weilianxin.cases.errors import Refused
from weilianxin.cases.models import Case, CasePhoto, Event, Rating
from weilianxin.files.errors import BadPhoto
from weilianxin.files.serve import photo_response, sound_response
from weilianxin.journal.models import Entry
from weilianxin.journal.receipts import receipt
from weilianxin.lib import words
from weilianxin.lib.masks import redact
from weilianxin.people.session import resident_required
from weilianxin.people.throttle import allow

from .. import policy
from ..messages import serving
from ..models import Report
from ..screening import hushed
from ..words import RATINGS, REFUSALS
from . import timeline
from .steps import integrity_page, is_integrity

PAGE = 20
OPEN = ("new", "active", "waiting")
MOST_EVENTS, MOST_PHOTOS = 300, 60  # of one matter on its page, the newest
JOINING = "merge"  # a reporter joins while reporting, by what is near; naming a number here would tell whose exist


def mine(request):
    """The reporter's own reports; nobody else's exist here, whatever their post."""
    return Case.objects.visible_to(request.account).filter(reporter=request.account, programme="reports")


@never_cache
@require_safe
@resident_required
def matters(request):
    """在办 and 已完成, the newest first; those that wait for the reader stand on top of the first page."""
    at = timezone.now()
    done, before = request.GET.get("tab") == "done", request.GET.get("before", "")
    waiting, page, older = listed(mine(request), done, before, at)
    made = cards.cards(waiting, at) + cards.cards(page, at)
    context = {
        "cards": made,
        "done": done,
        "first": not before,
        "older": f"?{'tab=done&' if done else ''}before={older}" if older else "",
        "newest": ("?tab=done" if done else reverse("reports:matters")) if before else "",
    }
    return render(request, "reports/matters.html", context)


def listed(rows, done, before, at):
    """A page of the reporter's `rows`, the newest first: (those that wait for the reader, on the first page only; the
    others; the key of the next page or "")."""
    under_way = Q(phase__in=OPEN) | Q(state="merged", parent__phase__in=OPEN)
    yours, rows, waiting = rows, rows.exclude(phase="void"), []
    if done:
        rows = rows.exclude(under_way)
    else:
        if not before:
            yours = waiting_for_reader(yours, at)
            waiting = list(cards.for_cards(yours).order_by("-created_at", "-id")[:PAGE])
        rows = rows.filter(under_way).exclude(state="asking")
    return waiting, *keyset(cards.for_cards(rows), before)


def waiting_for_reader(rows, at):
    """What waits for the reporter: a question, or a closing they may still judge and have not."""
    rated = Rating.objects.filter(
        case=OuterRef("pk"), closing=Coalesce(OuterRef("parent__closings"), OuterRef("closings"))
    )
    own = Q(state="closed") & cards.to_judge(at)
    joined = Q(state="merged", parent__state="closed") & cards.to_judge(at, "parent__")
    return rows.filter(Q(state="asking") | ((own | joined) & ~Exists(rated)))


def keyset(rows, before):
    """(a page of rows, the key of the next one or "") by creation, newest first."""
    rows = rows.order_by("-created_at", "-id")
    moment, pk = parse_key(before)
    if moment is not None:
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=pk))
    page = list(rows[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    return page, key_of(page[-1].created_at, page[-1].pk) if more else ""


def key_of(moment, pk):
    return f"{int(moment.timestamp() * 1_000_000)}-{pk}"


def parse_key(text):
    moment, _dash, pk = text.partition("-")
    if not (moment.isdecimal() and pk.isdecimal() and len(moment) < 18 and len(pk) < 19):
        return None, None
    seconds, micro = divmod(int(moment), 1_000_000)
    try:
        return timezone.datetime.fromtimestamp(seconds, tz=timezone.get_current_timezone()).replace(
            microsecond=micro
        ), int(pk)
    except (OverflowError, ValueError, OSError):
        return None, None


# One matter


def own_case(request, number):
    case = (
        mine(request)
        .filter(number=number)
        .select_related(
            "report__category", "holder", "unit", "grid", "compound", "place", "closer", "community", "subdistrict",
            "sound", "parent__holder", "parent__unit", "parent__grid", "parent__closer", "parent__compound",
            "parent__community", "parent__subdistrict", "recurs_of",
        )
        .first()
    )  # fmt: skip
    if case is None:
        raise Http404
    return case


def actor_of(request):
    return Actor(account=request.account, roles=frozenset({"reporter"}))


@never_cache
@require_safe
@resident_required
def matter(request, number):
    """Who holds it, until when, how it stands; and everything the reporter can still do."""
    return _page(request, own_case(request, number))


@never_cache
@require_POST
@resident_required
def act(request, number, name):
    """An act of the reporter; a refusal shows the page again with the sentence and everything that was typed."""
    case, note = own_case(request, number), request.POST.get("note", "")
    if name == JOINING:
        raise Http404
    if is_integrity(note) and not request.POST.get("not_integrity"):
        return integrity_page(request, note, field="note")
    try:
        return act_on(
            request, case, actor_of(request), name, reverse("reports:matter", args=[number]) + f"?done={name}"
        )
    except Refused as refusal:
        return _page(request, own_case(request, number), name, refusal, refusal.status)
    except BadPhoto as problem:
        problem.field = "photos"
        return _page(request, own_case(request, number), name, problem, problem.status)


@never_cache
@require_safe
@resident_required
def matter_photo(request, number, ref, variant):
    """A photo of one's own matter, or of the matter it went into where staff took it."""
    case = own_case(request, number)
    row = photos_seen(case).filter(photo__ref=ref).select_related("photo").first()
    if row is None:
        raise Http404
    return photo_response(row.photo, variant, request)


@require_safe
@resident_required
def matter_sound(request, number):
    """The voice note of one's own matter."""
    case = own_case(request, number)
    if case.sound_id is None:
        raise Http404
    return sound_response(case.sound, request)


@never_cache
@require_safe
@resident_required
def matter_receipt(request, number):
    """The receipt of one's own report, to keep: what was written into the journal and, once there, its proof."""
    case = own_case(request, number)
    entry = Entry.objects.filter(stream__name=case.stream).order_by("seq").first()
    if entry is None:
        raise Http404
    if not allow("receipt", str(request.account.pk), limit=20, seconds=3600, at=timezone.now()):
        raise Http404
    answer = JsonResponse(receipt(entry, person=request.account.ref), json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="receipt-{number}.json"'
    return answer


def photos_seen(case):
    """The photos the reporter of `case` may see: its own, and those staff took of the matter it went into."""
    seen = Q(case=case)
    if case.parent_id:
        seen |= Q(case=case.parent) & ~first_reporters(case)
    return CasePhoto.objects.filter(seen)


def first_reporters(case):
    """The photos of the matter this one joined that are its reporter's own, whoever filed them."""
    own = Q(by_role="reporter")
    return own | Q(photo__owner=case.parent.reporter_id) if case.parent.reporter_id else own


def thanks(name):
    """What is said after an act, in a sentence; nothing for a name that is not ours."""
    return {
        "rate": _("谢谢您的评价。"),
        "append": _("补充的情况已经送到办理的人手上。"),
        "answer": _("收到您的回答，我们接着办。"),
        "urge": _("已经替您催了，办理的人看得到。"),
        "dispute": _("我们记下了，换人重新办。"),
        "contest_refusal": _("收到，会由另一个人再看一次。"),
        "withdraw": _("已经撤回。"),
        "anonymise": _("现在只有街道中心知道是您。"),
        "split_out": _("改为单独办理了。"),
    }.get(name, "")


def told(case, at):
    """What the reporter reads of a matter: the one that is shown, its card, timeline, what is ahead, photos, rating,
    and who serves it."""
    shown = case.parent or case
    rating = case.ratings.filter(closing=shown.closings).first() if shown.closings else None
    card = cards.card(case, at, rated=rating is not None)
    worker = serving(shown, at) if shown.is_open else None
    answer = _closing_words(shown) if shown.state == "closed" else None
    if answer is not None and shown is not case:
        answer.note = redact(answer.note)  # written for the first reporter
    events, photos = _history(case, at)
    return {
        "shown": shown,
        "card": card | standing(shown, worker, answer),
        "place": case.place_text or (case.place.full_name if case.place_id else ""),
        "events": events,
        "ahead": timeline.ahead(shown, policy.number("dispute_days"), mine=shown is case),
        "photos": photos,
        "written": _transcript(case) if case.sound_id else None,
        "plan": public_plan(case, shown),
        "answer": answer,
        "rating": rating,
        "worker": worker,
    }


def public_plan(case, shown):
    """How what had to be suspended will be solved, in the words that everybody may read; "" for none."""
    if not shown.review_at or (shown is not case and shown.sensitive):
        return ""
    return Report.objects.values_list("public_plan", flat=True).get(pk=shown.pk)


def acts_of(case, actor, at, **refused):
    """The acts the reporter can do now, as `buttons` describes them; joining is not one of them."""
    return [form for form in buttons(case, actor, at, **refused) if form["move"].name != JOINING]


def _page(request, case, failed=None, refusal=None, status=200):
    at = timezone.now()
    seen = told(case, at)
    shown, card, photos, rating = seen["shown"], seen["card"], seen["photos"], seen["rating"]
    report = case.report
    forms = acts_of(case, actor_of(request), at, failed=failed, post=request.POST if failed else None, refusal=refusal)
    by_name = {form["move"].name: form for form in forms}
    for name, form in by_name.items():
        form["url"] = reverse("reports:act", args=[case.number, name])
        form["prefix"] = name
    closed, refused = shown.state == "closed", shown.state == "refused"
    ended = report if shown is case else Report.objects.get(pk=shown.pk) if refused else None
    split = by_name.pop("split_out", None) if closed or refused else None
    days = policy.number("dispute_days")
    context = {
        "tab": "matters",
        "case": case,
        "shown": shown,
        "report": report,
        "hushed": hushed(report.screening, report.category),
        "plan": seen["plan"],
        "card": card,
        "word": card["word"],
        "place": seen["place"],
        "lines": [*seen["events"], *seen["ahead"]],
        "before_photos": [p for p in photos if not p["after"]],
        "after_photos": [p for p in photos if p["after"]],
        "voice": case.sound if case.sound_id and case.sound.erased_at is None else None,
        "written": seen["written"],
        "closed": closed,
        "outcome": shown.outcome if closed else "",
        "outcome_word": shown.get_outcome_display() if closed else "",
        "answer": seen["answer"],
        "rating": rating,
        "rating_word": RATINGS.get(rating.level, "") if rating else "",
        "rate": by_name.pop("rate", None),
        "dispute": by_name.pop("dispute", None),
        "split": split if closed else None,
        "reply": by_name.pop("answer", None),
        "contest": by_name.pop("contest_refusal", None) or (split if refused else None),
        "append": by_name.pop("append", None),
        "more": list(by_name.values()),
        "days": days,
        "question": _question(case) if case.state == "asking" else None,
        "refused": refused,
        "refusal_reason": REFUSALS.get(ended.refusal_code, ("",))[0] if refused else "",
        "right_channel": ended.right_channel if refused else "",
        "headcount": shown.headcount - 1,
        "worker": seen["worker"],
        "receipt": Entry.objects.filter(stream__name=case.stream).order_by("seq").first(),
        "sent": request.GET.get("sent") == "1",
        "joined": request.GET.get("joined") == "1",
        "thanks": thanks(request.GET.get("done", "")),
        "refusal": str(refusal) if refusal else "",
        "failed": failed,
        "told_below": any(form["failed"] for form in forms),  # then the sentence stands at its form, not on top
    }
    return render(request, "reports/matter.html", context, status=status)


def standing(case, worker, answer):
    """谁在办, 几时好, 办得怎样 of one matter, at greater length than in a list; the holder stands before the unit."""
    unit = case.unit.name if case.unit_id else ""
    grid = case.grid.name if case.grid_id else ""
    if answer is not None:
        seen = {"how": _("%(name)s看过现场"), "how_more": ""}
        if answer.act == "close_verified":
            seen = {"how": _("%(name)s核实"), "how_more": _("不是办理的人")}
        seen["how"] %= {"name": answer.actor.name if answer.actor_id else ""}
        holder = case.holder.name if case.holder_id else ""
        due = _("期限 %(due)s") % {"due": words.when(case.due_at)} if case.due_at else ""
        return {"who": holder, "who_more": unit or grid, "by": words.when(case.closed_at), "by_more": due, **seen}
    if not case.is_open:
        return {}
    if case.accepted_at is None or not case.holder_id:
        name = worker.name if worker is not None else ""
        how = _("已经看到") if case.seen_at else _("等签收")
        who = {"who": "", "who_more": _("等%(name)s签收") % {"name": name} if name else _("街道中心来派")}
        return {"who": name, "who_more": ""} if case.paused else {**who, "how": how}
    how = {
        "accepted": _("正在安排"),
        "dispatched": _("等对方接手"),
        "working": _("正在办"),
        "replied": _("办好了，等核实"),
    }.get(case.state)
    return {"who": case.holder.name, "who_more": grid, **({"how": how, "how_more": unit} if how else {})}


def _history(case, at):
    """(timeline lines, photos) of the case, and of the one it went into without its first reporter's words."""
    both = [case.pk, case.parent_id] if case.parent_id else [case.pk]
    events = Event.objects.filter(case__in=both).select_related("actor", "unit").order_by("-at", "-seq")
    events = list(events[:MOST_EVENTS])[::-1]
    rows = photos_seen(case).filter(photo__erased_at__isnull=True).select_related("photo", "event")
    rows = list(rows.order_by("id")[:MOST_PHOTOS])
    own = timeline.lines(case, [e for e in events if e.case_id == case.pk], rows)
    if case.parent_id:
        theirs = [e for e in events if e.case_id == case.parent_id and e.act not in ("submit", "joined")]
        own = sorted(own + timeline.lines(case, theirs, rows, mine=False), key=lambda line: line["at"])
    return own, [timeline.picture(case, p, own=p.by_role == "reporter") for p in rows]


def _closing_words(case):
    closings = case.events.filter(act__in=("close_seen", "close_verified")).select_related("actor")
    return closings.order_by("-seq").first()


def _transcript(case):
    return case.events.filter(act="transcribe").select_related("actor").order_by("-seq").first()


def _question(case):
    return case.events.filter(act="ask").select_related("actor").order_by("-seq").first()
