"""Step 1 of 我要报事: photos, words, what kind of thing it is, and what the person wants."""

from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.cases.errors import Invalid
from weilianxin.cases.once import first_answer, once
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive
from weilianxin.files.serve import photo_response
from weilianxin.files.store import place as put_on_disk
from weilianxin.files.store import store
from weilianxin.lib.client import address_of
from weilianxin.people.throttle import allow

from .. import catalogue, policy, screening
from ..models import About, Kind
from . import drafts, places
from .steps import category_of, dials, integrity_page, usual_kind

ICONS = {
    "ECO": "trash",
    "FAC": "set",
    "ORDER": "map",
    "FIRE": "alert",
    "SEC": "shield",
    "PROP": "home",
    "CARE": "people",
    "DISP": "talk",
    "ADV": "msg",
}
COMPLAINTS = (Kind.COMPLAINT, Kind.TIP)
UPLOADS_PER_HOUR = 60  # a whole building may share one address


def columns():
    """The columns of the tree but integrity, each with its icon and its categories."""
    return [
        {"code": code, "name": name, "icon": ICONS.get(code, "doc"), "categories": rows}
        for code, name, rows in catalogue.by_column()
        if rows[0].channel_out != "integrity"
    ]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request):
    """Photos, words, category and what the person wants."""
    if request.method == "POST":
        return _said(request)
    draft = drafts.find(request)
    plate = request.GET.get("plate", "")[:32]
    if plate and places.plate_place({"plate": plate}):
        draft = draft or drafts.open_(request)
        draft.data |= {"plate": plate, "where": "plate"}
        draft.save()
        return HttpResponseRedirect(reverse("reports:new"))
    return _what_page(request, draft, draft.data if draft else {})


def _said(request):
    post, at = request.POST, timezone.now()
    draft = drafts.find(request)
    data = _read(post, draft)
    found = screening.screen(
        data["text"], category=category_of(data["category"]), at=at, not_integrity=data["not_integrity"]
    )
    if found.integrity:
        return integrity_page(request, data["text"])
    draft, do = draft or drafts.open_(request), post.get("do", "next")
    have, again = drafts.photos(draft), reverse("reports:new")
    repeated = first_answer(request)  # asked after its photos were counted: a twin may just have brought them
    if repeated is not None:
        unclear = _unclear(data, have) if repeated.url == again else None
        return _refused(request, draft, data, unclear) if unclear else repeated
    try:
        uploads = request.FILES.getlist("photos")
        if len(have) + len(uploads) > drafts.MOST_PHOTOS:
            raise BadPhoto("many")
        if uploads and not _may_upload(request, at):
            raise BadPhoto("busy", 0)
        prepared = [put_on_disk(p) for p in receive(uploads)]
    except BadPhoto as problem:
        return _what_page(request, draft, data, problem=str(problem), field="photos", status=problem.status)
    problem = _unclear(data, have or prepared) if do == "next" else None

    def act():
        draft.data = {**draft.data, **data}
        draft.save()
        draft.photos.add(*[store(p, request.account, at) for p in prepared])
        if do.startswith("drop:"):
            drafts.drop_photo(draft, do[5:])
        if do == "later":
            return reverse("portal:home")
        if do == "photos" or do.startswith("drop:"):
            return again + "#photos"
        return again if problem else reverse("reports:place")

    answer = once(request, act)
    return _refused(request, draft, data, problem) if problem else answer


def _refused(request, draft, data, problem):
    """The page with what is missing. What was typed and photographed is kept, so its form is done once as well."""
    return _what_page(request, draft, data, problem=str(problem), field=problem.field, status=problem.status)


def _read(post, draft):
    before = draft.data if draft else {}
    data = {
        "text": post.get("text", "").strip()[: drafts.LONGEST],
        "category": post.get("category", "")[:12],
        "kind": post.get("kind", "") if post.get("kind") in Kind.values else "",
        "about": post.get("about", "") if post.get("about") in About.values else "",
        "not_integrity": bool(post.get("not_integrity") or before.get("not_integrity")),
    }
    if category_of(data["category"]) is None:
        data["category"] = ""
    if data["kind"] not in COMPLAINTS:
        data["about"] = ""
    return data


def _may_upload(request, at):
    """Whoever has not signed in may not fill the disk: so many times an hour from one address."""
    if request.account is not None:
        return True
    return allow("draft-photos", address_of(request), limit=UPLOADS_PER_HOUR, seconds=3600, at=at)


def _unclear(data, photos):
    least, most = policy.number("text_least"), policy.number("text_most")
    if len(data["text"]) < least:
        return Invalid(_("再多写几个字，说说是什么事（至少 %(n)s 个字）。") % {"n": least}, "text")
    if len(data["text"]) > most:
        return Invalid(_("写得太长了，最多 %(n)s 个字。") % {"n": most}, "text")
    if data["kind"] in COMPLAINTS and not data["about"]:
        return Invalid(_("投诉或举报的是什么？请选一个。"), "about")
    return None


def _what_page(request, draft, data, *, problem="", field="", status=200):
    tree = columns()
    chosen = next((c for column in tree for c in column["categories"] if c.code == data.get("category")), None)
    guesses = screening.suggest(data.get("text", ""))
    context = {
        "step": 1,
        "draft": draft,
        "data": data,
        "photos": drafts.photos(draft),
        "most_photos": drafts.MOST_PHOTOS,
        "columns": tree,
        "column": chosen.column_code if chosen and chosen not in guesses else "",
        "guesses": [c for c in guesses if c.channel_out != "integrity"],
        "kinds": Kind.choices,
        "kind": data.get("kind") or usual_kind(chosen),
        "abouts": About,
        "ask_about": data.get("kind") in COMPLAINTS,
        "dial": dials(data.get("text", "")),
        "problem": problem,
        "field": field,
    }
    return render(request, "reports/what.html", context, status=status)


@never_cache
@require_POST
def guess(request):
    """The categories the words suggest, as a piece of the page; nothing is kept."""
    text = request.POST.get("text", "")[: drafts.LONGEST]
    rows = [c for c in screening.suggest(text) if c.channel_out != "integrity"]
    chosen = {"category": request.POST.get("category", "")[:12]}
    return render(request, "reports/guessed.html", {"guesses": rows, "dial": dials(text), "data": chosen})


@never_cache
@require_safe
def draft_photo(request, ref, variant):
    """A photo of one's own draft."""
    draft = drafts.find(request)
    photo = draft.photos.filter(ref=ref).first() if draft else None
    if photo is None:
        raise Http404
    return photo_response(photo, variant, request, private=True)


@require_POST
def discard(request):
    """Throw the draft away, photos and all."""
    draft = drafts.find(request, request.POST.get("draft", ""))

    def act():
        if draft is not None:
            drafts.drop(draft)
        return reverse("portal:home")

    return once(request, act)


@never_cache
@require_safe
def integrity(request):
    """The ways to the discipline office; nothing can be typed here."""
    return integrity_page(request, "", status=200)
