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


def prepare(case, actor, name, said, *, version=None):
    """The act `name` as `said` (a mapping with `get` and `getlist`, as forms are) asks for it, read and checked.

    Returns `do(photos, done=None)`, to be called inside a transaction: `photos` are Photo or Prepared rows, and
    `done(case, links)` is called after the act. It returns the case as it then stands. `version` is the one that was
    shown. Raises Http404 for an act there is none of, `Refused` with a sentence.
    """
    move = move_of(case, name)
    if actor.role_for(move) is None:
        raise NotAllowed()
    forms = forms_of(case)
    data = forms.clean(case, move, actor, said)
    stage = forms.photo_stage(move, actor)
    seen = version if move.fresh else None

    def do(photos, done=None):
        links = []
        pairs = [(photo, stage) for photo in photos]
        after = perform(case, name, actor, seen_version=seen, photos=pairs, links=links, **data)
        if done is not None:
            done(after, links)
        return after

    return do


def move_of(case, name):
    """The row of the case's flow called `name`; Http404 where there is none."""
    try:
        return programme(case.programme).flow.move(name)
    except KeyError:
        raise Http404 from None


def act_on(request, case, actor, name, url, *, done=None):
    """Do the act `name` as the form of `request` says, once, and redirect to `url`.

    `done(case, links)` is called after the act inside its transaction, for pages that must hand something over.
    Raises Http404 for an act there is none of, `Refused` or `BadPhoto` with a sentence for the page.
    """
    move = move_of(case, name)
    repeated = first_answer(request)
    if repeated is not None:
        return repeated
    seen = request.POST.get("_version", "")
    do = prepare(case, actor, name, request.POST, version=int(seen) if seen.isdecimal() and len(seen) < 9 else None)
    photos = receive(request.FILES.getlist("photos")) if "photos" in move.fields else []
    photos = [place(photo) for photo in photos]  # on the disk before any lock is held

    def act():
        do(photos, done)
        return url

    return once(request, act)
