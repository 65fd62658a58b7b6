"""The staff side of the thread: who waits for an answer, the conversation, and a report made from a message."""

from django.db import transaction
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from weilianxin.areas.locate import PlaceError, locate
from weilianxin.cases.errors import Invalid, Refused
from weilianxin.cases.once import first_answer, once
from weilianxin.files.errors import BadPhoto
from weilianxin.people.posts import on_duty
from weilianxin.people.session import staff_required

from . import catalogue, intake, threads
from .models import Category, Kind
from .pages.places import entrance_of
from .pages.send import said_in_thread
from .pages.thread import before_of, office_hours, photos_of


def nav(request, on):
    """The rail of the desk, where the desk has one to give."""
    try:
        from weilianxin.desk.nav import nav as rail
    except ImportError:
        return []
    return rail(request, on)


@never_cache
@require_safe
@staff_required
def threads_page(request):
    """The threads of one's grids, those that wait for an answer first; a page of the others at a time."""
    at, before = timezone.now(), request.GET.get("after", "")
    waiting, answered, older = threads.inbox_for(request.account, at, before)
    context = {
        "nav": nav(request, "threads"),
        "waiting": waiting,
        "answered": answered,
        "older": f"?after={older}" if older else "",
        "first": not before,
        "now": at,
    }
    return render(request, "reports/desk/threads.html", context)


def _thread(request, pk):
    thread = threads.visible_to(request.account).filter(pk=pk).first()
    if thread is None:
        raise Http404
    return thread


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def thread_page(request, pk):
    """One conversation; whoever serves the grid reads on and answers."""
    at, thread, problem = timezone.now(), _thread(request, pk), None
    if request.method == "POST":
        body = request.POST.get("body", "")
        try:
            photos = photos_of(request)

            def act():
                threads.reply(thread, request.account, body, photos, at)
                return reverse("reports:staff_thread", args=[pk]) + "#end"

            return once(request, act)
        except (Refused, BadPhoto) as refusal:
            problem = refusal
    else:
        threads.read(thread, request.account, at)
    messages, older = threads.page(thread, before_of(request))
    is_open, opens = office_hours(at)
    context = {
        "nav": nav(request, "threads"),
        "thread": thread,
        "home": entrance_of(thread.resident),
        "messages": messages,
        "older": f"?before={older}" if older else "",
        "newest": reverse("reports:staff_thread", args=[pk]) if request.GET.get("before") else "",
        "duty": on_duty(thread.grid, at),
        "is_open": is_open,
        "opens": opens,
        "body": request.POST.get("body", ""),
        "problem": str(problem) if problem else "",
        "mine_is_staff": True,
    }
    return render(request, "reports/desk/thread.html", context, status=getattr(problem, "status", 200))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def report_page(request, pk, message):
    """File a report for the resident from what they wrote: the matter gets an owner and a date."""
    if request.method == "POST" and (repeated := first_answer(request)) is not None:
        return repeated
    at, thread = timezone.now(), _thread(request, pk)
    row = thread.messages.filter(pk=message, from_staff=False, case__isnull=True).first()
    if row is None:
        raise Http404
    refusal = None
    if request.method == "POST":
        try:
            return _file(request, thread, row, at)
        except Refused as error:
            refusal = error
    home = entrance_of(thread.resident)
    context = {
        "nav": nav(request, "threads"),
        "thread": thread,
        "message": row,
        "photos": row.photos.all(),
        "columns": catalogue.by_column(),
        "post": request.POST,
        "text": request.POST.get("text", row.body),
        "place": request.POST.get("place", home.full_name if home else ""),
        "refusal": refusal,
    }
    return render(request, "reports/desk/thread_report.html", context, status=getattr(refusal, "status", 200))


def _file(request, thread, message, at):
    post = request.POST
    category = Category.objects.current().filter(code=post.get("category", "")[:12], scheme="resident").first()
    if category is None:
        raise Invalid(_("请先选好类别。"), "category")
    try:
        where = locate(text=post.get("place", "")[:200], area=thread.grid)
    except PlaceError as problem:
        raise Invalid(str(problem), "place") from None

    def act():
        with transaction.atomic():
            # Of two who file the same message at once, the second is told.
            waits = thread.messages.select_for_update().filter(pk=message.pk, case__isnull=True)
            if not list(waits.values_list("pk")):
                raise Refused(_("这条消息已经转成报事了。"))
            case = intake.submit(
                thread.resident,
                text=post.get("text", ""),
                location=where,
                category=category,
                kind=Kind.HELP,
                photos=list(message.photos.all()),
                channel="thread",
                at=at,
                place_text=post.get("place", "")[:200],
                by=request.account,
                tell=False,
                since=message.at,
            )
            said_in_thread(case, message, at)
        return reverse("reports:staff_thread", args=[thread.pk]) + "#end"

    return once(request, act)
