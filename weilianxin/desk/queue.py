"""The dispatcher's page: the list, the case in the middle, what surrounds it on the right."""

from django.db.models import Q
from django.http import Http404
from django.shortcuts import render as plain
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from weilianxin.cases.access import actor_on
from weilianxin.cases.models import Case
from weilianxin.people.models import Role
from weilianxin.people.session import staff_required

from . import lists, matter
from .nav import render
from .reach import areas_of, my_posts, require

OPEN_PHASES = ("new", "active", "waiting")

FILTERS = {
    "": _("待派遣"),
    "nowhere": _("还没有网格"),
    "returned": _("退回"),
    "pending": _("等决定"),
    "late": _("超期"),
    "urgent": _("紧急"),
    "imported": _("外来件"),
    "all": _("全部在办"),
}


def chosen(cases, name, account, at):
    """The open cases behind one of FILTERS; Http404 for another name."""
    if name not in FILTERS:
        raise Http404
    if name == "pending":  # also of what has ended: voiding, and leaving it out of the rates
        return cases.filter(~Q(pending=""))
    return cases.open().filter(
        {
            "": lists.waits_for_dispatch(account, at),
            "nowhere": Q(grid__isnull=True),
            "returned": Q(returned__gt=0, state__in=lists.states_for(Role.CENTRE_DISPATCHER)),
            "late": lists.late(at),
            "urgent": Q(urgency__in=("U0", "U1")),
            "imported": lists.imported(),
            "all": Q(),
        }[name]
    )


@require_safe
@staff_required
def queue(request):
    """Cases that wait for a dispatcher, the urgent first, then by what is due; `?case=` opens one beside the list."""
    require(request, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER)
    at = timezone.now()
    name = request.GET.get("f", "")
    areas = areas_of(request, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER)
    cases = Case.objects.visible_to(request.account).filter(subdistrict__in=areas)
    waiting = chosen(cases, name, request.account, at)
    rows, after = lists.soonest(waiting, request.GET.get("after", ""), urgent=True)
    context = {
        "at": at,
        "rows": lists.state_words(rows),
        "after": after,
        "filters": [(key, word) for key, word in FILTERS.items()],
        "filter": name,
        "case": None,
        "open": None,
    }
    number, done = request.GET.get("case", ""), request.GET.get("done", "")
    if number and done and (ended := cases.filter(number=number).exclude(phase__in=OPEN_PHASES).first()):
        # What was just brought to its end makes room for the next one.
        context |= {"left": ended, "done": matter.word_of(ended, done)}
        number = ""
    beside = bool(request.headers.get("HX-Request"))
    if not number and rows and not request.GET.get("after") and not beside:
        context["preview"] = rows[0].number
        number = rows[0].number
        context["folded"] = True  # on a phone the list comes first and nothing is opened unasked
    if number:
        case = matter.load(request, number)
        actor = actor_on(case, request.account, posts=my_posts(request))
        left = context.pop("left", None)
        context |= matter.describe(request, case, actor)
        if left is not None:
            context |= {"left": left, "done": matter.word_of(left, done)}
        context["open"] = case.number
    if beside and number:
        return plain(request, "desk/pieces/case_columns.html", context)
    return render(request, "desk/queue.html", context)
