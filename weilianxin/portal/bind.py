"""Tying oneself to a place, from a scanned plate or by naming it: then one has one's own grid worker."""

from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from weilianxin.areas.choices import parts_of
from weilianxin.areas.models import Place
from weilianxin.areas.names import find_in_text
from weilianxin.areas.plates import resolve
from weilianxin.cases.forms import Field
from weilianxin.cases.once import once
from weilianxin.lib.refusal import Refused
from weilianxin.notify.inbox import known
from weilianxin.people import residents
from weilianxin.people.models import Dwelling
from weilianxin.people.session import resident_required


@never_cache
@resident_required
@require_http_methods(["GET", "HEAD", "POST"])
def bind(request):
    """Three small steps on one address: which place (a plate, or words), which part of it, and how one is tied to it.

    An address is typed into a form that is posted, so that nobody's home stands in a log.
    """
    post = request.POST
    place, refusal, words = None, None, post.get("words", "")[:100]
    try:
        if request.method != "POST":
            place = scanned(request.GET.get("plate", ""))
        elif "place" in post:
            place = chosen(post["place"])
            if "relation" in post or "done" in post:
                return once(request, lambda: tie(request, place))
        elif words.strip():
            place = named(words)
        else:
            raise Refused(_("请写您住的小区、几幢、几单元。"), "words")
    except Refused as refused:
        refusal = refused
    context = {
        "place": place,
        "parts": parts_of(place),
        "fields": fields(request, place, refusal),
        "words": Field("words", "text", _("您住哪里？"), True, help=_("例如：参宿新村6幢2单元"), value=words, most=100),
        "refusal": refusal,
        "moving": residents.dwelling_of(request.account) is not None,
    }
    if refusal is not None and refusal.field == "words":
        context["words"].error = str(refusal)
    return render(request, "portal/bind.html", context, status=refusal.status if refusal else 200)


def scanned(code):
    """The place of a plate to choose from, of one that was replaced too: nobody is bound by a scan."""
    plate = resolve(code) if code else None
    return plate.place if plate else None


def chosen(key):
    number = known(key)
    if number is None:
        raise Http404
    return get_object_or_404(Place.objects.current().select_related("parent", "grid"), pk=number)


def named(words):
    place, _matched = find_in_text(words)
    if place is None:
        raise Refused(_("没有找到这个地方。请写小区和几幢，例如：参宿新村6幢。"), "words")
    return place


def fields(request, place, refusal):
    if place is None:
        return []
    post = request.POST
    relations = tuple(Dwelling._meta.get_field("relation").choices)
    asked = [Field("relation", "radios", _("您和这里的关系"), True, relations, value=post.get("relation", "living"))]
    for field in asked:
        if refusal is not None and refusal.field == field.name:
            field.error = str(refusal)
    return asked


def tie(request, place):
    room = request.POST.get("room", "")
    below = chosen(room) if room else None
    if below is not None and below.parent_id != place.pk:
        raise Http404
    moved = request.POST.get("moved") == "1"
    relation = request.POST.get("relation", "")
    residents.tie(request.account, place, timezone.now(), relation, room=below, moved=moved)
    return reverse("portal:home")


@require_POST
@resident_required
def unbind(request):
    place = chosen(request.POST.get("place", ""))

    def act():
        residents.unbind(request.account, place, timezone.now())
        return reverse("portal:me")

    return once(request, act)
