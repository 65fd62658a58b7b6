"""From a page's form to an act: the same few lines for residents, staff and outside units."""

from django.http import Http404
from django.utils import timezone

from weilianxin.files.intake import receive
from weilianxin.files.store import place
from weilianxin.lib.programme import programme

from .engine import allowed, perform
from .errors import NotAllowed
from .forms import forms_of
from .once import first_answer, once


def buttons(case, actor, at=None, *, failed=None, post=None, refusal=None):
    """What this actor can do now: dicts of `move` and `fields`, primary first.

    After a refusal pass the name of the `failed` move, its `post` and the `refusal`: what was typed stands there
    again and the sentence stands at its field.
    """
    at = at or timezone.now()
    forms = forms_of(case)
    result = []
    for move in allowed(case, actor, at=at):
        fields = forms.fields_for(case, move, actor, at)
        if move.name == failed and post is not None:
            for field in fields:
                field.value = post.getlist(field.name) if field.kind == "checks" else post.get(field.name, "")
                if refusal is not None and getattr(refusal, "field", None) == field.name:
                    field.error = str(refusal)
        result.append({"move": move, "fields": fields, "failed": move.name == failed})
    return result


def act_on(request, case, actor, name, url, *, done=None):
    """Do the act `name` as the form of `request` says, once, and redirect to `url`.

    `done(case, links)` is called after the act inside its transaction, for pages that must hand something over.
    Raises Http404 for an act there is none of, `Refused` or `BadPhoto` with a sentence for the page.
    """
    flow = programme(case.programme).flow
    try:
        move = flow.move(name)
    except KeyError:
        raise Http404 from None
    repeated = first_answer(request)
    if repeated is not None:
        return repeated
    if actor.role_for(move) is None:
        raise NotAllowed()
    forms = forms_of(case)
    data = forms.clean(case, move, actor, request.POST)
    prepared = receive(request.FILES.getlist("photos")) if "photos" in move.fields else []
    stage = forms.photo_stage(move, actor)
    photos = [(place(p), stage) for p in prepared]  # on the disk before any lock is held
    seen = request.POST.get("_version", "")
    seen = int(seen) if move.fresh and seen.isdecimal() and len(seen) < 9 else None

    def act():
        links = []
        after = perform(case, name, actor, seen_version=seen, photos=photos, links=links, **data)
        if done is not None:
            done(after, links)
        return url

    return once(request, act)
