"""一键连接: the conversation with one's own grid worker, as the resident sees it."""

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.areas.calendar import office_hours
from weilianxin.cases.errors import Refused
from weilianxin.cases.once import first_answer, once
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive
from weilianxin.files.models import Photo
from weilianxin.files.serve import photo_response
from weilianxin.files.store import place as put_on_disk
from weilianxin.people.posts import on_duty
from weilianxin.people.session import resident_required

from .. import threads
from ..models import ThreadMessage
from . import drafts
from .steps import dials, integrity_page, is_integrity

MOST_PHOTOS = 3


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@resident_required
def thread(request):
    """Read and write; the automatic answer outside office hours is `threads.say`'s.

    Everything ever said is read here, whichever grid it was said to; what is written goes to the grid of now.
    """
    if request.method == "POST" and (repeated := first_answer(request)) is not None:
        return repeated
    at, account = timezone.now(), request.account
    try:
        mine = threads.thread_for(account, at)
    except Refused as refusal:
        return _nowhere(request, refusal)
    if request.method != "POST":
        threads.read(account, account, at)
        return _page(request, mine)
    body = request.POST.get("body", "")
    if is_integrity(body) and not request.POST.get("not_integrity"):
        return integrity_page(request, body, field="body")
    try:
        photos = photos_of(request)

        def act():
            threads.say(mine, account, body, photos, at)
            return reverse("reports:thread") + "#end"

        return once(request, act)
    except (Refused, BadPhoto) as problem:
        return _page(request, mine, problem)


def _nowhere(request, refusal):
    """Whoever lives nowhere we know reads on, and is told what is missing to write."""
    if not threads.said_to(request.account).exists():
        return render(request, "reports/thread_nobody.html", {"refusal": str(refusal)}, status=200)
    if request.method != "POST":
        threads.read(request.account, request.account, timezone.now())
        return _page(request, None)
    return _page(request, None, refusal)


def photos_of(request):
    """The photos of a message, ready to be stored inside the act."""
    uploads = request.FILES.getlist("photos")
    if len(uploads) > MOST_PHOTOS:
        raise Refused(_("一条消息最多三张照片。"))
    return [put_on_disk(photo) for photo in receive(uploads)]


def before_of(request):
    """The key of an older page, or None for anything that is not one."""
    text = request.GET.get("before", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _page(request, mine, problem=None):
    at, grid = timezone.now(), mine.grid if mine is not None else None
    messages, older = threads.page(request.account, before_of(request))
    said = next((m for m in reversed(messages) if not m.from_staff), None)
    is_open, opens = office_hours(at)
    context = {
        "tab": "home",
        "grid": grid,
        "elsewhere": mine is not None and any(m.thread_id != mine.pk for m in messages),
        "messages": messages,
        "older": f"?before={older}" if older else "",
        "newest": reverse("reports:thread") if request.GET.get("before") else "",
        "duty": on_duty(grid, at) if grid is not None else None,
        "is_open": is_open,
        "opens": opens,
        "dial": dials(said.body) if said is not None and (at - said.at).days < 1 else (),
        "body": request.POST.get("body", ""),
        "problem": str(problem) if problem else "",
        "mine_is_staff": False,
    }
    return render(request, "reports/thread.html", context, status=getattr(problem, "status", 200))


@require_POST
@resident_required
def to_report(request, message):
    """A message that needs an owner and a date becomes a report; its time starts the clock."""
    row = ThreadMessage.objects.filter(
        pk=message, thread__resident=request.account, from_staff=False, case__isnull=True
    ).first()
    if row is None:
        raise Http404

    def act():
        threads.to_report(row, request.account, timezone.now())
        request.session.pop(drafts.SESSION, None)  # the account's newest draft is now this one
        return reverse("reports:new")

    return once(request, act)


@never_cache
@require_safe
def thread_photo(request, ref, variant):
    """A photo of a message, for the resident and for those who serve their grid."""
    photo = photo_behind(request.account, ref)
    if photo is None:
        raise Http404
    return photo_response(photo, variant, request, private=True)


def photo_behind(account, ref):
    """The photo of a message that this account may read, or None."""
    if account is None:
        return None
    messages = ThreadMessage.objects.filter(photos__ref=ref)
    if account.is_staff_member:
        messages = messages.filter(thread__in=threads.visible_to(account))
    else:
        messages = messages.filter(thread__resident=account)
    return Photo.objects.filter(ref=ref).first() if messages.exists() else None
