"""What the grid worker does on the round: what comes up, one stop, what was recorded; and how a grid stands."""

from datetime import date, timedelta

from django.db.models import Count, Q
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from weilianxin.areas.models import Area, PlaceKind
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.cases.once import first_answer
from weilianxin.desk.admin.frame import attempt, filled, taken
from weilianxin.desk.nav import render
from weilianxin.desk.reach import my_posts, require
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive
from weilianxin.files.serve import photo_response
from weilianxin.files.store import place as put_on_disk
from weilianxin.files.store import store, waiting_photos
from weilianxin.people.models import Post, Role
from weilianxin.people.session import staff_required

from . import plan as rules
from .models import Answer, Check, CheckPhoto, Outcome, Plan, Visit
from .reach import READERS

PAGE = 30
MONTH = timedelta(days=30)
WORKERS = (Role.GRID_WORKER, Role.GRID_WORKER_BACKUP)


def staff_page(*methods):
    """A page for those who go round and those above them in the grid; for everybody else it does not exist."""

    def wrap(view):
        def guarded(request, *args, **kwargs):
            require(request, *READERS)
            return view(request, *args, **kwargs)

        return never_cache(require_http_methods([*methods])(staff_required(guarded)))

    return wrap


def a_day(text, field):
    """A date field; None when it is empty, Invalid for anything that is no day."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(_("请选一个日子。"), field) from None


def answer(request, template, context, refusal=None):
    context = {"refusal": refusal, "done": request.GET.get("done", "")[:10], **context}
    return render(request, template, context, status=refusal.status if refusal else 200)


def a_page(request, plans):
    """(a page of these plans in the order of days, what `after` says in the address of the next one, if any)."""
    day, _dot, pk = request.GET.get("after", "")[:40].partition(".")
    try:
        if pk.isdecimal() and len(pk) < 19:
            day = date.fromisoformat(day)
            plans = plans.filter(Q(due_on__gt=day) | Q(due_on=day, pk__gt=int(pk)))
    except ValueError:
        pass  # a key that is not ours begins at the front
    found = list(plans.order_by("due_on", "id")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    return found, f"{found[-1].due_on.isoformat()}.{found[-1].pk}" if more else ""


# What comes up


@staff_page("GET", "HEAD")
def index(request):
    """What is overdue and what comes up within a week, in the order of days; a page at a time."""
    today = timezone.localdate()
    rows = rules.running().visible_to(request.account).filter(due_on__lte=today + rules.AHEAD)
    found, after = a_page(request, rows.select_related("place", "template"))
    for row in found:
        row.title, row.late = rules.title(row), row.due_on < today
    context = {
        "late": [row for row in found if row.late],
        "coming": [row for row in found if not row.late],
        "after": after,
        "worker": any(post.role in WORKERS for post in my_posts(request)),
    }
    return answer(request, "rounds/index.html", context)


# One stop


def plan_or_404(request, ref):
    # A form that comes back finds also what has ended meanwhile: it is refused with all that was typed into it.
    rows = Plan.objects.all() if request.method == "POST" else rules.running()
    row = rows.visible_to(request.account).select_related("place", "template", "key").filter(ref=ref).first()
    if row is None:
        raise Http404
    return row


@staff_page("GET", "HEAD", "POST")
def stop(request, ref):
    """A visit or a check to be done: who, where, what was there before, and one form."""
    if request.method == "POST" and (repeated := first_answer(request)) is not None:
        return repeated
    plan = plan_or_404(request, ref)
    return check_page(request, plan) if plan.template_id else visit_page(request, plan)


def renew(plan):
    """Bring the plan of a refused form up to date. One that was deleted went with its key household: nothing of that
    is shown."""
    now = Plan.objects.filter(pk=plan.pk).first()
    if now is None:
        plan.key = None
    else:
        plan.due_on = now.due_on


def visit_page(request, plan):
    fields, refusal = visit_fields(), None
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            done = rules.visit(
                plan,
                request.account,
                due=a_day(request.POST.get("due", ""), "due"),
                outcome=given["outcome"],
                note=given["note"],
                noticed=given["noticed"],
                next_try=a_day(given["next_try"], "next_try"),
            )
            return reverse("rounds:visit", args=[done.ref]) + "?done=1" if done.noticed else back(request)

        reply, refusal = attempt(request, act)
        if reply is not None:
            return reply
        renew(plan)
    if plan.key_id:  # also what is shown again after a refusal was read
        rules.read(plan.key, request.account)
    # What was written in the care of a key household is read on its own pages only, also when the care has ended.
    before = Visit.objects.visible_to(request.account).filter(place=plan.place)
    before = before.filter(Q(key__isnull=True) | Q(key=plan.key_id))
    context = {
        "plan": plan,
        "fields": filled(fields, request, refusal=refusal),
        "classes": list(plan.key.classes.all()) if plan.key_id else [],
        "before": list(before.select_related("by").order_by("-id")[:5]),
    }
    return answer(request, "rounds/visit.html", context, refusal)


def back(request):
    """Where one goes on after a visit: the day of who has one, else the list."""
    worker = any(post.role in WORKERS for post in my_posts(request))
    return reverse("desk:day" if worker else "rounds:index") + "?done=1"


def visit_fields():
    return [
        Field("outcome", "radios", _("这次怎么样"), required=True, choices=Outcome.choices),
        Field("note", "long", _("记几句"), most=500),
        Field("next_try", "date", _("没人在家的话，哪天再去"), help=_("不填就过几天再排进来。")),
        Field("noticed", "long", _("看到要处理的问题"), most=500, help=_("写了这一栏，记下以后一按就转成报事。")),
    ]


def check_page(request, plan):
    items, refusal, kept, bad = plan.template.items, None, {}, {}
    reason = Field("reason", "radios", _("为什么"), required=True, choices=tuple(rules.END_REASONS.items()))
    if request.method == "POST":
        kept, bad = keep_photos(request, items)
        refusal = next(iter(bad.values()), None)
        if refusal is None:

            def act():
                due = a_day(request.POST.get("due", ""), "due")
                if request.POST.get("do") == "end":
                    rules.end_check(plan, request.account, due=due, reason=request.POST.get("reason", ""))
                    return reverse("rounds:index") + "?done=ended"
                done = rules.check(
                    plan,
                    request.account,
                    due=due,
                    answers={
                        item["code"]: (
                            request.POST.get(f"a_{item['code']}", ""),
                            request.POST.get(f"n_{item['code']}", "").strip(),
                        )
                        for item in items
                    },
                    photos=kept,
                )
                return reverse("rounds:check", args=[done.ref])

            reply, refusal = attempt(request, act)
            if reply is not None:
                return reply
        renew(plan)
    wrong = getattr(refusal, "field", None) or ""
    context = {
        "plan": plan,
        "answers": Answer.choices,
        "items": [
            {
                "code": item["code"],
                "words": words_of(item),
                "answer": request.POST.get(f"a_{item['code']}", ""),
                "note": request.POST.get(f"n_{item['code']}", ""),
                "kept": kept.get(item["code"], ""),
                "error": str(bad.get(item["code"]) or (refusal if wrong[2:] == item["code"] else "")),
            }
            for item in items
        ],
        "reason": filled([reason], request, refusal=refusal)[0],
        "last": Check.objects.filter(place=plan.place, template=plan.template).order_by("-id").first(),
    }
    return answer(request, "rounds/check.html", context, refusal)


def words_of(item):
    return (item.get("en") or item["zh"]) if get_language() == "en" else item["zh"]


def keep_photos(request, items):
    """({code: ref}, {code: problem}): the photos that came with this form or with an earlier try of it, which wait for
    it, and those that could not be taken in."""
    sent = {item["code"]: request.POST.get(f"k_{item['code']}", "")[:24] for item in items}
    mine = waiting_photos().filter(owner=request.account, ref__in=[ref for ref in sent.values() if ref])
    there = set(mine.values_list("ref", flat=True))
    kept, bad = {code: ref for code, ref in sent.items() if ref in there}, {}
    at = timezone.now()
    for item in items:
        upload = request.FILES.get(f"p_{item['code']}")
        if upload is not None:
            try:
                prepared = [put_on_disk(photo) for photo in receive([upload])]
            except BadPhoto as problem:
                problem.field = f"p_{item['code']}"
                bad[item["code"]] = problem
            else:
                kept[item["code"]] = store(prepared[0], request.account, at).ref
    return kept, bad


# What was recorded


@staff_page("GET", "HEAD")
def visit(request, ref):
    """A visit as it was recorded; what was noticed becomes a report with one tap. Reading one of a key household is
    journalled."""
    rows = Visit.objects.visible_to(request.account).select_related("place__parent", "by", "key")
    row = rows.filter(ref=ref).first()
    if row is None:
        raise Http404
    if row.key_id:
        rules.read(row.key, request.account)
    entrance = row.place.parent if row.place.kind == PlaceKind.ROOM else row.place
    context = {"visit": row, "where": (entrance or row.place).full_name}
    return answer(request, "rounds/visit_done.html", context)


@staff_page("GET", "HEAD")
def check(request, ref):
    """A check as it was recorded; whatever is not good becomes a report with one tap."""
    rows = Check.objects.visible_to(request.account).select_related("place", "template", "by")
    row = rows.filter(ref=ref).first()
    if row is None:
        raise Http404
    photos = {use.item: use.photo for use in row.photos.select_related("photo").filter(photo__erased_at__isnull=True)}
    words = dict(Answer.choices)
    items = [
        {
            **item,
            "words": words_of(item),
            "answer_words": words[item["answer"]],
            "bad": item["answer"] == Answer.BAD,
            "photo": photos.get(item["code"]),
        }
        for item in row.items
    ]
    items.sort(key=lambda item: not item["bad"])
    return answer(request, "rounds/check_done.html", {"check": row, "items": items})


@staff_page("GET", "HEAD")
def photo(request, ref, variant):
    seen = Check.objects.visible_to(request.account)
    use = CheckPhoto.objects.filter(photo__ref=ref, check_done__in=seen).select_related("photo").first()
    if use is None:
        raise Http404
    return photo_response(use.photo, variant, request)


# The grid leader's view


@staff_page("GET", "HEAD")
def grid(request, code):
    """How the rounds of one grid stand: what is late, who was never visited, who went how often."""
    area = Area.objects.current().filter(level="grid", code=code).select_related("community").first()
    mine = {post.area_id for post in my_posts(request) if post.role in READERS}
    if area is None or not mine & {area.pk, area.community_id}:
        raise Http404
    at = timezone.now()
    today = timezone.localdate(at)
    plans = rules.running().filter(place__grid=area)
    visits = Visit.objects.filter(place__grid=area, at__gte=at - MONTH)
    went = dict(visits.values("by").annotate(n=Count("id")).values_list("by", "n"))
    checked = dict(
        Check.objects.filter(place__grid=area, at__gte=at - MONTH)
        .values("by")
        .annotate(n=Count("id"))
        .values_list("by", "n")
    )
    posts = Post.objects.at(at).filter(area=area, role__in=WORKERS).select_related("account").order_by("role")
    late = plans.filter(due_on__lt=today).select_related("place", "template").order_by("due_on", "id")[:PAGE]
    households = plans.filter(template__isnull=True)
    context = {
        "at": at,
        "area": area,
        "late": [(rules.title(row), row) for row in late],
        "counts": households.aggregate(
            all=Count("id"),
            never=Count("id", filter=Q(done_at__isnull=True)),
            late=Count("id", filter=Q(due_on__lt=today)),
            unmet=Count("id", filter=Q(tries__gte=3)),
        ),
        "people": [
            {"post": post, "visits": went.get(post.account_id, 0), "checks": checked.get(post.account_id, 0)}
            for post in posts
        ],
        "checks": list(
            Check.objects.filter(place__grid=area).select_related("template", "place", "by").order_by("-id")[:10]
        ),
    }
    return answer(request, "rounds/grid.html", context)
