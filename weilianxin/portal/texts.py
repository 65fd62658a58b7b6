"""Pages that say the same to everybody: the privacy notice, what to do in danger, the journal's
checkpoints, and two files browsers ask for."""

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from weilianxin.journal import checkpoint
from weilianxin.journal.models import Checkpoint
from weilianxin.people import consent

from .prose import prose

# What is public may be found; what belongs to somebody, or leads to a plate or a task, may not.
ROBOTS = "User-agent: *\n" + "".join(
    f"Disallow: /{path}\n" for path in ("desk/", "h/", "p/", "me/", "bind/", "inbox/", "signin/", "files/", "demo/")
)


@require_safe
def privacy(request):
    return render(request, "portal/privacy.html", {"text": prose(consent.current_text("privacy"))})


@require_safe
@cache_control(max_age=300, public=True)
def checkpoints(request):
    """The latest signed checkpoints of the journal, newest first: whoever keeps them can tell if history changes."""
    marks = Checkpoint.objects.order_by("-size")[:100]
    return JsonResponse({"checkpoints": [checkpoint.published(mark) for mark in marks]})


@require_safe
def emergency(request):
    return render(request, "portal/emergency.html")


@require_safe
@cache_control(max_age=86400, public=True)
def robots(request):
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(max_age=86400, public=True)
def favicon(request):
    return HttpResponseRedirect(static("art/mark.svg"))
