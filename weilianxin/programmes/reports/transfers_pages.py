"""转来的事: what other channels passed on, first what they want back first, and the results that go back to them."""

from datetime import UTC, datetime, timedelta

from django.db.models import Count, F, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from weilianxin.cases.models import Case
from weilianxin.cases.once import once
from weilianxin.desk import lists
from weilianxin.desk.nav import render
from weilianxin.desk.reach import areas_of
from weilianxin.lib.refusal import Refused
from weilianxin.people.models import Role
from weilianxin.people.session import staff_required

from . import deliveries
from .models import Delivery
from .words import SOURCES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def home(request):
    """The subdistrict whose dispatcher or duty leader asks; 404 for everybody else."""
    areas = areas_of(request, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER)
    if not areas:
        raise Http404
    return areas[0]


def cases_of(request, subdistrict):
    return Case.objects.visible_to(request.account).filter(programme="reports", subdistrict=subdistrict)


def page_of(cases, after):
    """A page of what is open, first what the channel wants back first: (rows, key of the next page or "")."""
    rows = cases.open().exclude(report__source="").annotate(wanted=F("report__source_due_at"))
    due, dot, pk = after[:40].partition(".")
    if dot and pk.isdecimal() and len(pk) < 19 and (due == "n" or due.isdecimal() and len(due) < 17):
        beyond = Q(wanted__isnull=True, id__gt=int(pk))
        if due != "n":
            moment = EPOCH + timedelta(microseconds=int(due))
            beyond = Q(wanted__gt=moment) | Q(wanted=moment, id__gt=int(pk)) | Q(wanted__isnull=True)
        rows = rows.filter(beyond)
    rows = lists.rows_of(rows).select_related("report", "grid", "community", "holder", "unit", "place")
    found = list(rows.order_by(F("wanted").asc(nulls_last=True), "id")[: lists.PAGE + 1])
    more, found = len(found) > lists.PAGE, found[: lists.PAGE]
    if not more:
        return found, ""
    last = found[-1]
    micro = "n" if last.wanted is None else (last.wanted - EPOCH) // timedelta(microseconds=1)
    return found, f"{micro}.{last.pk}"


@never_cache
@require_safe
@staff_required
def transfers(request):
    """What other channels passed on and is open, what can go back, and the last files."""
    return show(request, home(request))


def show(request, subdistrict, refusal=None):
    cases = cases_of(request, subdistrict)
    rows, after = page_of(cases, request.GET.get("after", ""))
    ready = deliveries.waiting(cases).values("source").annotate(n=Count("pk")).order_by("source")[:20]
    batches = Delivery.objects.filter(subdistrict=subdistrict).select_related("by").order_by("-made_at", "-pk")
    context = {
        "at": timezone.now(),
        "rows": lists.state_words(rows),
        "after": after,
        "paged": bool(request.GET.get("after")),
        "ready": [{"source": row["source"], "name": named(row["source"]), "n": row["n"]} for row in ready],
        "batches": [{"batch": batch, "name": named(batch.source)} for batch in batches[: deliveries.LISTED]],
        "made": request.GET.get("made", ""),
        "refusal": refusal,
    }
    for row in rows:
        row.source_name = named(row.report.source)
    return render(request, "reports/desk/transfers.html", context, status=getattr(refusal, "status", 200))


def named(source):
    return SOURCES.get(source, source)


@require_POST
@staff_required
def deliver(request):
    """Take everything of one channel that ended since the last time as a file, once."""
    subdistrict = home(request)

    def act():
        batch = deliveries.deliver(request.account, subdistrict, request.POST.get("source", "")[:24])
        return f"{reverse('reports:staff_transfers')}?made={batch.pk}#files"

    try:
        return once(request, act)
    except Refused as refusal:
        return show(request, subdistrict, refusal=refusal)


@never_cache
@require_safe
@staff_required
def delivery(request, pk):
    """One of the last files, as often as it is wanted."""
    mine = Delivery.objects.filter(subdistrict=home(request))
    kept = mine.order_by("-made_at", "-pk").values("pk")[: deliveries.LISTED]
    batch = get_object_or_404(mine.filter(pk__in=list(kept.values_list("pk", flat=True))), pk=pk)
    response = HttpResponse(deliveries.sheet(batch), content_type="text/csv; charset=utf-8")
    day = timezone.localtime(batch.made_at).strftime("%Y%m%d-%H%M")
    response["Content-Disposition"] = f'attachment; filename="results-{day}-{batch.pk}.csv"'
    return response
