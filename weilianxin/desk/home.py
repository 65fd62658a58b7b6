"""What waits for me: the first page after signing in, by the posts one holds."""

from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from weilianxin.cases.models import Case
from weilianxin.lib.programme import programmes
from weilianxin.people.models import Post, Role
from weilianxin.people.posts import on_duty_many
from weilianxin.people.session import staff_required

from . import lists, overview
from .nav import render
from .offline import keep
from .reach import GRID_ROLES, areas_of, my_posts, require, roles, work_of


@require_safe
@staff_required
def home(request):
    """The worker's list, or the page where one's other posts have their work."""
    mine = roles(request)
    if not mine & set(GRID_ROLES):
        for role, name in ELSEWHERE:
            if role in mine:
                query = request.GET.urlencode()
                return HttpResponseRedirect(reverse(name) + (f"?{query}" if query else ""))
    return worker(request)


ELSEWHERE = (
    (Role.GRID_LEADER, "desk:grids"),
    (Role.COMMUNITY_SECRETARY, "desk:board"),
    (Role.DUTY_LEADER, "desk:board"),
    (Role.CENTRE_DISPATCHER, "desk:queue"),
    (Role.CENTRE_VERIFIER, "desk:verify"),
    (Role.CALLBACK_OFFICER, "desk:callbacks"),
    (Role.SYSTEM_ADMIN, "desk:admin_home"),
    (Role.AUDITOR, "desk:admin_journal"),
)


def done_word(request):
    """The verb of the act one comes from, for the line that says it is done."""
    name = request.GET.get("done", "")
    if name:
        for plug in programmes():
            for move in plug.flow.moves if plug.flow else ():
                if move.name == name:
                    return move.label
    return ""


def administrators(at):
    """Who gives somebody without a post one: a few names."""
    posts = Post.objects.at(at).filter(role=Role.SYSTEM_ADMIN).select_related("account").order_by("id")[:3]
    return [post.account.name for post in posts]


def worker(request):
    """The grid worker's phone: everything of one's grids and whatever one holds, by what is due next."""
    at = timezone.now()
    grids = areas_of(request, *GRID_ROLES)
    mine = work_of(request)
    rows, after = lists.soonest(mine, request.GET.get("after", ""))
    posts = my_posts(request)
    lists.with_photos(lists.state_words(rows))
    new = [case for case in rows if case.phase == "new"]
    going = [case for case in rows if case.phase != "new"]
    duty = on_duty_many(grids, at) if grids else {}
    context = {
        "at": at,
        "new": new,
        "sections": lists.sections(going, at),
        "offline": {name for plug in programmes() if plug.flow for name in plug.flow.offline},
        "total": lists.how_many(mine) or 0,
        "after": after,
        "paged": bool(request.GET.get("after")),
        "grids": [{"grid": grid, "duty": duty.get(grid.pk)} for grid in grids],
        "posts": posts,
        "turn_to": [] if posts else administrators(at),
        "done": done_word(request),
    }
    response = render(request, "desk/home.html", context)
    return response if context["paged"] else keep(request, response)


def held(request):
    """What lies with this person by name, soonest first."""
    rows = Case.objects.visible_to(request.account).open().filter(holder=request.account)
    return lists.state_words(lists.soonest(rows, limit=10)[0])


@require_safe
@staff_required
def leader(request):
    """The leader's grids, each with how it stands, and what the leader holds."""
    require(request, Role.GRID_LEADER)
    at = timezone.now()
    grids = areas_of(request, Role.GRID_LEADER)
    counts = lists.counted(Case.objects.visible_to(request.account).filter(grid__in=grids), "grid", at)
    duty = on_duty_many(grids, at)
    context = {
        "at": at,
        "grids": [
            {"area": grid, "counts": counts.get(grid.pk, lists.NOTHING), "duty": duty.get(grid.pk)}
            for grid in sorted(grids, key=lambda g: g.code)
        ],
        "held": held(request),
        "samples": lists.waiting_samples(request.account, at)[:100].count(),
        "done": done_word(request),
    }
    return render(request, "desk/leader.html", context)


@require_safe
@staff_required
def board(request):
    """The community of its secretary, or the subdistrict of its duty leader, with what they hold."""
    areas = areas_of(request, Role.DUTY_LEADER) or areas_of(request, Role.COMMUNITY_SECRETARY)
    if not areas:
        raise Http404
    return overview.board(request, areas[0], held=held(request), done=done_word(request))
