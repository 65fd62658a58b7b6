"""What the grid worker does on the round: what comes up, one stop, what was recorded, key households."""

from datetime import date, timedelta

from django.db.models import Count, Q
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from weilianxin.areas.locate import PlaceError, locate
from weilianxin.areas.models import Area, PlaceKind
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.cases.once import first_answer
from weilianxin.desk.admin.frame import attempt, filled, taken
from weilianxin.desk.nav import render
from weilianxin.desk.reach import areas_of, my_posts, require
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive
from weilianxin.files.serve import photo_response
from weilianxin.files.store import place as put_on_disk
from weilianxin.files.store import store, waiting_photos
from weilianxin.people.models import Post, Role
from weilianxin.people.session import staff_required

from . import plan as rules
from .models import Answer, Check, CheckPhoto, HouseholdClass, KeyHousehold, Outcome, Plan, Template, Visit
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


# Key households


@staff_page("GET", "HEAD")
def keys(request):
    """Where the key households of one's grids are, those whose visit is due first on top, a page at a time; why stands
    on their own pages."""
    plans = Plan.objects.visible_to(request.account).filter(key__isnull=False, key__until__isnull=True)
    rows, after = a_page(request, plans.select_related("place", "key"))
    context = {"rows": rows, "after": after, "today": timezone.localdate()}
    return answer(request, "rounds/keys.html", context)


def place_in_reach(request, text, kinds):
    """The place that the words mean, in one's own grids and of these kinds; Invalid with a sentence otherwise. A house
    without its compound is looked for only by who has a single grid: of several nobody can say which is meant."""
    if len(text) < 2:
        raise Invalid(_("请写是哪里，例如“星影苑 6幢2单元301室”。"), "place")
    mine = areas_of(request, *READERS)
    try:
        found = locate(text=text, area=mine[0] if len(mine) == 1 else None)
    except PlaceError as problem:
        raise Invalid(str(problem), "place") from None
    place = found.place
    if place is None or place.kind not in kinds:
        raise Invalid(_("没有找到这样一处，请写全小区、幢、单元和室号。"), "place")
    if not type(place).objects.filter(pk=place.pk).filter(_of_mine(request)).exists():
        raise Invalid(_("这一处不在您的网格里。"), "place")
    return place


def _of_mine(request):
    grids = [post.area_id for post in my_posts(request) if post.role in READERS]
    return Q(grid__in=grids) | Q(grid__community__in=grids)


DWELLINGS = (PlaceKind.ROOM, PlaceKind.ENTRANCE, PlaceKind.BUILDING)


@staff_page("GET", "HEAD", "POST")
def key_add(request):
    """Enter a key household: only those who will visit it may."""
    classes = list(HouseholdClass.objects.all())
    fields = [
        Field("place", "text", _("哪一户"), required=True, most=120, help=_("小区、幢、单元、室号，不写姓名。")),
        Field("classes", "checks", _("哪一类"), required=True, choices=[(c.code, c.name) for c in classes]),
        Field("reason", "text", _("为什么要常去"), required=True, most=200),
        Field("ground", "radios", _("凭什么登记"), required=True, choices=KeyHousehold.GROUNDS),
        Field("ground_note", "text", _("依据说明"), most=200, help=_("谁在哪天当面同意的，或者哪条规定。")),
    ]
    refusal = None
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            place = place_in_reach(request, given["place"], DWELLINGS)
            if not rules.dwellings().filter(pk=place.pk).exists():
                raise Invalid(_("这里不止一户，请写到室号；已经写了的，请核对有没有这一室。"), "place")
            rules.enter(
                place,
                [one for one in classes if one.code in given["classes"]],
                request.account,
                since=timezone.localdate(),
                reason=given["reason"],
                ground=given["ground"],
                ground_note=given["ground_note"],
            )
            return reverse("rounds:keys") + "?done=entered"

        reply, refusal = attempt(request, act)
        if reply is not None:
            return reply
    context = {
        "heading": _("登记重点户"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("登记"),
        "up": reverse("rounds:keys"),
        "intro": _("只有本网格的网格员、网格长和社区书记看得到，每次打开都有记录。本人不愿意的，不登记。"),
    }
    return answer(request, "rounds/form.html", context, refusal)


@staff_page("GET", "HEAD")
def key(request, ref):
    """All that is kept about one key household. Every reading is journalled."""
    rows = KeyHousehold.objects.visible_to(request.account).select_related("place", "entered_by", "plan")
    row = rows.filter(ref=ref).first()
    if row is None:
        raise Http404
    rules.read(row, request.account)
    context = {
        "row": row,
        "classes": list(row.classes.all()),
        "visits": list(row.visits.select_related("by").order_by("-id")[:20]),
        "keep_days": rules.number("keep_days"),
    }
    return answer(request, "rounds/key.html", context)


@require_POST
@staff_required
def key_end(request, ref):
    """The household is no key household any more."""
    require(request, *READERS)
    row = KeyHousehold.objects.visible_to(request.account).filter(ref=ref).first()
    if row is None:
        raise Http404

    def act():
        rules.end(row, request.account)
        return reverse("rounds:keys") + "?done=ended"

    return attempt(request, act)[0]


# Checklists at places


@staff_page("GET", "HEAD", "POST")
def check_add(request):
    """A place gets a checklist that comes round."""
    templates = list(Template.objects.filter(is_active=True))
    fields = [
        Field("place", "text", _("哪里"), required=True, most=120, help=_("小区、幢、单元或公共场所。")),
        Field("template", "choice", _("哪张检查表"), required=True, choices=[(t.code, t.name) for t in templates]),
        Field("first", "date", _("第一次在哪天"), help=_("不填就是今天。")),
    ]
    refusal = None
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            place = place_in_reach(request, given["place"], [k for k in PlaceKind if k != PlaceKind.ROOM])
            template = next(t for t in templates if t.code == given["template"])
            first = a_day(given["first"], "first") or timezone.localdate()
            if not timezone.localdate() <= first <= timezone.localdate() + timedelta(days=365):
                raise Invalid(_("请选今天到一年之内的日子。"), "first")
            rules.plan_check(place, template, first, request.account)
            return reverse("rounds:index") + "?done=planned"

        reply, refusal = attempt(request, act)
        if reply is not None:
            return reply
    context = {
        "heading": _("新增定期检查"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("排进来"),
        "up": reverse("rounds:index"),
        "intro": "",
    }
    return answer(request, "rounds/form.html", context, refusal)


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
