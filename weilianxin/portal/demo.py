"""Trying the demo: one press signs in as a made-up person. Without WEILIANXIN_DEMO nothing here exists."""

from django.conf import settings
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from weilianxin.cases.links import issue_link
from weilianxin.cases.models import Case, Task
from weilianxin.people import session
from weilianxin.people.models import Account, Dwelling, Post, Role

UNIT = "unit"  # the outside unit of the newest task that is still open


def roster():
    """Whom one may try the demo as: dicts of `label`, `hint` and `ref`; empty outside a demo.

    A function named by the setting DEMO_ROSTER gives its own list; else the people are found by their posts.
    """
    if not settings.DEMO:
        return []
    named = getattr(settings, "DEMO_ROSTER", "")
    return import_string(named)() if named else found_roster()


def found_roster():
    at = timezone.now()
    rows = []
    dwellings = Dwelling.objects.filter(account__is_demo=True, account__is_active=True, until__isnull=True)
    dwellings = dwellings.select_related("account", "place__grid").order_by("id")
    # Somebody who has something open shows more than somebody who has not.
    lively = Case.objects.open().filter(reporter__in=dwellings.order_by().values("account")).order_by("-id").first()
    dwelling = (lively and dwellings.filter(account=lively.reporter_id).first()) or dwellings.first()
    grid = None
    if dwelling:
        grid = dwelling.place.grid
        rows.append(row(_("居民"), dwelling.account, _("报一件事，看它怎么办")))
    roles = (
        (Role.GRID_WORKER, _("网格员"), _("手机上的待办，签收、派单、办结")),
        (UNIT, _("物业公司"), _("没有账号，点链接办任务")),
        (Role.CENTRE_DISPATCHER, _("派遣员"), _("街道中心的分派台")),
        (Role.COMMUNITY_SECRETARY, _("社区书记"), _("社区的看板和核查")),
        (Role.DUTY_LEADER, _("值班长"), _("全街道看板")),
        (Role.SYSTEM_ADMIN, _("系统管理员"), _("人员、类别、门牌")),
    )
    posts = list(
        Post.objects.at(at)
        .filter(role__in=[role for role, _label, _hint in roles], account__is_demo=True, account__is_active=True)
        .select_related("account")
        .order_by("id")[:400]
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
