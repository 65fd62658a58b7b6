"""Trying the demo: one press signs in as a made-up person. Without WEILIANXIN_DEMO nothing here exists."""

from django.conf import settings
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from weilianxin.areas.models import PlaceKind, Plate, PropertyKind
from weilianxin.cases.links import issue_link
from weilianxin.cases.models import Task
from weilianxin.people import session
from weilianxin.people.models import Account, Dwelling, Post, Role

UNIT = "unit"  # the outside unit of the newest task that is still open


def roster():
    """Whom one may try the demo as: dicts of `label`, `hint`, `name` and `ref`; empty outside a demo.

    The same people at every visit: two neighbours of the first grid with a property company, and those who serve them.
    """
    if not settings.DEMO:
        return []
    dwellings = Dwelling.objects.filter(account__is_demo=True, account__is_active=True, until__isnull=True)
    dwellings = dwellings.select_related("account", "place__grid").order_by("place__grid__code", "id")
    first = dwellings.filter(place__compound__property_kind=PropertyKind.COMPANY).first() or dwellings.first()
    grid, rows = None, []
    if first:
        grid = first.place.grid
        rows.append(row(_("居民"), first.account, _("报一件事，看它怎么办")))
        neighbour = dwellings.filter(place__grid=grid).exclude(account=first.account).first()
        if neighbour:
            rows.append(row(_("邻居"), neighbour.account, _("点“我也遇到”，一起等结果")))
    roles = (
        (Role.GRID_WORKER, _("网格员"), _("手机上的待办，签收、派单、办结")),
        (UNIT, _("物业公司"), _("没有账号，点链接办任务")),
        (Role.GRID_LEADER, _("网格长"), _("看一个网格的全部情况")),
        (Role.CENTRE_DISPATCHER, _("派遣员"), _("街道中心的派遣台")),
        (Role.CENTRE_VERIFIER, _("核查员"), _("核实、抽查、审公开")),
        (Role.CALLBACK_OFFICER, _("回访员"), _("差评由别人来回访")),
        (Role.COMMUNITY_SECRETARY, _("社区书记"), _("社区的看板和核实")),
        (Role.DUTY_LEADER, _("值班长"), _("全街道看板")),
        (Role.SYSTEM_ADMIN, _("系统管理员"), _("人员、类别、门牌")),
    )
    posts = list(
        Post.objects.at(timezone.now())
        .filter(role__in=[role for role, _label, _hint in roles], account__is_demo=True, account__is_active=True)
        .select_related("account")
        .order_by("id")[:600]
    )
    for role, label, hint in roles:
        if role == UNIT:
            task = open_task()
            if task:
                rows.append({"label": label, "hint": hint, "name": task.unit.name_zh, "ref": UNIT})
            continue
        held = [post for post in posts if post.role == role]
        # The resident's own grid worker comes first, so that a report can be followed from one to the other.
        held.sort(key=lambda post: grid is None or post.area_id != grid.pk)
        if held:
            rows.append(row(label, held[0].account, hint))
    return rows


def plates(most=3):
    """Plates to scan with the mini-program: those at the entrances of the first residents, as `code` and `name`."""
    homes = Dwelling.objects.filter(account__is_demo=True, until__isnull=True).select_related("place")
    homes = [row.place for row in homes.order_by("place__grid__code", "id")[:most]]
    near = [place.parent_id if place.kind == PlaceKind.ROOM else place.pk for place in homes]
    live = Plate.objects.filter(revoked_at__isnull=True).select_related("place").order_by("id")
    found = list(live.filter(place__in=near)[:most]) or list(live[:most])
    return [{"code": plate.code, "name": plate.place.full_name} for plate in found]


def row(label, account, hint):
    return {"label": label, "hint": hint, "name": account.name, "ref": account.ref}


def open_task():
    tasks = Task.objects.filter(unit__is_demo=True, state__in=(Task.ISSUED, Task.SIGNED)).select_related("unit")
    return tasks.filter(part=Task.LEAD).order_by("-id").first()


@require_POST
def demo_signin(request):
    """Sign in as one of the demo's people; anybody else, and every other installation, is a 404."""
    if not settings.DEMO:
        raise Http404
    ref = request.POST.get("ref", "")
    if ref == UNIT:
        task = open_task()
        if task is None:
            raise Http404
        session.sign_out(request)
        return HttpResponseRedirect(issue_link(task, timezone.now()))
    account = Account.objects.filter(ref=ref[:24], is_demo=True, is_active=True).first()
    if account is None:
        raise Http404
    session.sign_in(request, account, second_factor=True)
    return HttpResponseRedirect(reverse("desk:home" if account.is_staff_member else "portal:home"))
