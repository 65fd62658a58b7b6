"""导出: the form, the requests for what is secret, their decision, the one download."""

from datetime import timedelta

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from weilianxin.cases.access import posts_of
from weilianxin.cases.models import ExportRequest, Phase
from weilianxin.cases.once import once
from weilianxin.desk.nav import render
from weilianxin.desk.reach import areas_of, roles
from weilianxin.lib.refusal import Refused
from weilianxin.people.models import Role
from weilianxin.people.session import staff_required

from . import exporting

LISTED = 50


def home(request):
    """The subdistrict of a dispatcher or duty leader, else the community of a secretary; 404 for everybody else."""
    areas = areas_of(request, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER) or areas_of(request, Role.COMMUNITY_SECRETARY)
    if not areas:
        raise Http404
    return areas[0]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def export(request):
    """The form; sent, a file without what is secret, or a request for one with it."""
    area = home(request)
    if request.method != "POST":
        return show(request, area)
    try:
        wanted = exporting.asked(request.POST)
        if request.POST.get("do") == "ask":
            purpose = request.POST.get("purpose", "")

            def act():
                row = exporting.ask(request.account, area, wanted, purpose)
                return f"{reverse('reports:staff_export')}?asked={row.pk}#asked"

            return once(request, act)
        text = exporting.ordinary(request.account, area, wanted)
    except Refused as refusal:
        return show(request, area, refusal)
    return file(text, f"{wanted.since}-{wanted.until}")


@require_POST
@staff_required
def decide(request, pk):
    """The duty leader's yes or no."""
    area, row = home(request), asked_for(request, pk)
    if not decides(request, row):
        raise Http404

    def act():
        exporting.decide(row, request.account, request.POST.get("answer") == "yes")
        return f"{reverse('reports:staff_export')}?decided={row.pk}#asked"

    try:
        return once(request, act)
    except Refused as refusal:
        return show(request, area, refusal)


@never_cache
@require_POST
@staff_required
def fetch(request, pk):
    """The approved file, once."""
    area, row = home(request), asked_for(request, pk)
    if row.by_id != request.account.pk:
        raise Http404
    try:
        text = exporting.fetch(row, request.account)
    except Refused as refusal:
        return show(request, area, refusal)
    return file(text, f"secret-{row.pk}")


def file(text, name):
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="export-{name}.csv"'
    return response


def decides(request, row):
    return row.subdistrict in areas_of(request, Role.DUTY_LEADER)


def requests_of(request):
    """One's own, and for a duty leader all of the subdistrict."""
    if Role.DUTY_LEADER in roles(request):
        return ExportRequest.objects.filter(subdistrict__in=areas_of(request, Role.DUTY_LEADER))
    return ExportRequest.objects.filter(by=request.account)


def to_decide(account):
    """Requests that wait for this duty leader; None for everybody else."""
    at = timezone.now()
    areas = [post.area_id for post in posts_of(account, at) if post.role == Role.DUTY_LEADER]
    return exporting.waiting(at).filter(subdistrict__in=areas).exclude(by=account) if areas else None


def asked_for(request, pk):
    return get_object_or_404(requests_of(request).select_related("by", "subdistrict", "area", "decided_by"), pk=pk)


def show(request, area, refusal=None):
    at = timezone.now()
    rows = list(requests_of(request).select_related("by", "area", "decided_by").order_by("-asked_at", "-pk")[:LISTED])
    names = exporting.columns()
    for row in rows:
        row.word, row.open = word(row, at)
        row.part = " · ".join(filter(None, (names.get(row.column), row.get_phase_display())))
        row.mine = row.by_id == request.account.pk
    today = timezone.localdate(at)
    first = {"since": today.replace(day=1).isoformat(), "until": today.isoformat()}
    context = {
        "area": area,
        "typed": request.POST if request.method == "POST" and "since" in request.POST else first,
        "phases": [(value, Phase(value).label) for value in exporting.PHASES],
        "columns": names.items(),
        "rows": rows,
        "duty": Role.DUTY_LEADER in roles(request),
        "refusal": refusal,
        "asked": request.GET.get("asked", ""),
        "decided": request.GET.get("decided", ""),
        "most": exporting.MOST,
        "days": exporting.MOST_DAYS,
    }
    return render(request, "reports/desk/export.html", context, status=getattr(refusal, "status", 200))


def word(row, at):
    """How a request stands, and what may still be done with it: "decide", "fetch" or ""."""
    old = at - timedelta(hours=exporting.HOURS)
    if row.decided_at is None:
        return (_("等值班长批准"), "decide") if row.asked_at > old else (_("一天内没有人批准，已失效"), "")
    if not row.approved:
        return _("没有批准"), ""
    if row.fetched_at is not None:
        return _("已下载"), ""
    return (_("已批准，可以下载一次"), "fetch") if row.decided_at > old else (_("批准了没有下载，已失效"), "")
