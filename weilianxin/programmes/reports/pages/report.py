"""我要报事 in three steps: what, where, send. The draft lies on the server; every step is a plain form."""

from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from weilianxin.cases.errors import Invalid, Refused
from weilianxin.cases.models import Case
from weilianxin.cases.once import once
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive
from weilianxin.files.serve import photo_response
from weilianxin.files.store import place as put_on_disk
from weilianxin.files.store import store
from weilianxin.people import consent
from weilianxin.people.models import Unit
from weilianxin.people.posts import on_duty

from .. import alarms, catalogue, intake, messages, policy, screening
from ..models import About, Category, Kind, ThreadMessage
from . import drafts, places

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


def columns():
    """The columns of the tree but integrity, each with its icon and its categories."""
    return [
        {"code": code, "name": name, "icon": ICONS.get(code, "doc"), "categories": rows}
        for code, name, rows in catalogue.by_column()
        if rows[0].channel_out != "integrity"
    ]


def usual_kind(category):
    """What people usually want when they choose this category."""
    if category is not None and category.column_code == "ADV":
        return Kind.IDEA if "建议" in category.name_zh else Kind.QUESTION
    return Kind.HELP


def dials(text):
    """The numbers to dial that the words ask for, with the reason, before anything is saved."""
    found = {}
    for group, number in screening.noticed(text or ""):
        if group in screening.DANGERS:
            found.setdefault(number, str(screening.DANGERS[group]))
    return tuple(found.items())


# Step 1: what


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
        data["text"], category=_category(data["category"]), at=at, not_integrity=data["not_integrity"]
    )
    if found.integrity:
        return integrity_page(request, data["text"])
    draft = draft or drafts.open_(request)
    have = drafts.photos(draft)
    try:
        uploads = request.FILES.getlist("photos")
        if len(have) + len(uploads) > drafts.MOST_PHOTOS:
            raise BadPhoto("many")
        prepared = [put_on_disk(p) for p in receive(uploads)]
    except BadPhoto as problem:
        return _what_page(request, draft, data, problem=str(problem), field="photos", status=problem.status)
    do = post.get("do", "next")

    def act():
        draft.data = {**draft.data, **data}
        draft.save()
        draft.photos.add(*[store(p, request.account, at) for p in prepared])
        if do.startswith("drop:"):
            drafts.drop_photo(draft, do[5:])
        if do == "later":
            return reverse("portal:home")
        if do == "photos" or do.startswith("drop:"):
            return reverse("reports:new") + "#photos"
        return reverse("reports:place")

    problem = _unclear(data, have or prepared) if do == "next" else None
    if problem is None:
        return once(request, act)
    with transaction.atomic():
        act()
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
    if _category(data["category"]) is None:
        data["category"] = ""
    if data["kind"] not in COMPLAINTS:
        data["about"] = ""
    return data


def _category(code):
    if not code:
        return None
    return Category.objects.current().filter(scheme="resident", kind="matter", code=code).first()


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
        "abouts": About.choices,
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
@require_GET
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
    draft = drafts.find(request)

    def act():
        if draft is not None:
            drafts.drop(draft)
        return reverse("portal:home")

    return once(request, act)


# What never stays here


@never_cache
@require_http_methods(["GET", "HEAD"])
def integrity(request):
    """The ways to the discipline office; nothing can be typed here."""
    return integrity_page(request, "", status=200)


def integrity_page(request, text, status=422):
    """What is said about integrity is not saved, not even as a draft: only this answer still holds the words."""
    office = Unit.objects.filter(kind="discipline_inspection", is_active=True).order_by("pk").first()
    response = render(request, "reports/integrity.html", {"office": office, "text": text}, status=status)
    response["Cache-Control"] = "no-store"
    return response


# Step 2: where


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def place(request):
    """Where it is: whichever way comes easiest."""
    draft = drafts.find(request)
    if draft is None or not draft.data.get("text"):
        return HttpResponseRedirect(reverse("reports:new"))
    if request.method != "POST":
        return _where_page(request, draft, draft.data)
    do = request.POST.get("do", "next")
    said = places.read(request.POST)
    if do == "choose":
        said["where"] = "choose"
    data = {**draft.data, **said}
    problem = None
    if do == "next":
        try:
            places.location(data, request.account)
        except Invalid as refusal:
            problem = refusal

    def act():
        draft.data = data
        draft.save()
        if do == "back":
            return reverse("reports:new")
        return reverse("reports:place") + "#choose" if do == "choose" else reverse("reports:send")

    if problem is None:
        return once(request, act)
    with transaction.atomic():
        act()
    return _where_page(request, draft, data, problem=str(problem), field=problem.field, status=problem.status)


def _where_page(request, draft, data, *, problem="", field="", status=200):
    own, plate = places.entrance_of(request.account), places.plate_place(data)
    where = data.get("where") or ("plate" if plate else "home" if own else "choose")
    found = duty = None
    if not problem:
        try:
            found = places.location({**data, "where": where}, request.account)
            duty = on_duty(found.grid, timezone.now()) if found.grid else None
        except Invalid:
            found = None
    context = {
        "step": 2,
        "draft": draft,
        "data": data,
        "where": where,
        "own": own,
        "plate": plate,
        "floors": places.FLOORS,
        "found": found,
        "duty": duty,
        "dial": dials(data.get("text", "")),
        "problem": problem,
        "field": field,
        **places.choices(data),
    }
    return render(request, "reports/where.html", context, status=status)


# Step 3: look it over and send


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send(request):
    """Dangers, neighbours' reports, who may know, who takes it until when; then it is sent, once."""
    draft = drafts.find(request)
    if draft is None or not draft.data.get("text"):
        sent = request.method == "POST" and request.account is not None
        return HttpResponseRedirect(reverse("reports:matters" if sent else "reports:new"))
    if request.method != "POST":
        return _send_page(request, draft)
    account = request.account
    if account is None or account.is_staff_member:
        return to_sign_in_and_back(request)
    post, data = request.POST, draft.data
    at = timezone.now()
    try:
        _agree(account, post, at)
        where = places.location(data, account)
        category = _category(post.get("category") or data.get("category"))
        kind = data.get("kind") or usual_kind(category)
        photos = drafts.photos(draft)
        message = _message(data, account)

        def act():
            case = intake.submit(
                account,
                text=data["text"],
                category=category,
                location=where,
                kind=kind,
                about=data.get("about") or About.THING,
                about_unit=_unit(post.get("about_unit"), where),
                anonymity=post.get("anonymity", "N1"),
                photos=photos,
                at=at,
                place_text=places.words(data, where),
                wish=post.get("wish") if post.get("wish") in ("call", "message", "none") else "call",
                not_integrity=data.get("not_integrity", False),
                tell=message is None,
            )
            if message is not None:
                said_in_thread(case, message, at)
            drafts.drop(draft)
            return reverse("reports:matter", args=[case.number]) + "?sent=1"

        return once(request, act)
    except intake.IntegrityElsewhere:
        text = data["text"]
        drafts.drop(draft)
        return integrity_page(request, text)
    except Refused as refusal:
        return _send_page(request, draft, problem=refusal, status=refusal.status)


def _message(data, account):
    """The message of the thread that this report was made from, if it has not become one meanwhile."""
    rows = ThreadMessage.objects.filter(thread__resident=account, from_staff=False, case__isnull=True)
    return rows.filter(pk=data["message"]).first() if data.get("message") else None


def said_in_thread(case, message, at):
    """The clock of a report made from a message starts when the message was written; the message says where it went."""
    clocks = alarms.until_accepted(case, at, start=message.at)
    Case.objects.filter(pk=case.pk).update(**clocks)
    for name, value in clocks.items():
        setattr(case, name, value)
    ThreadMessage.objects.filter(pk=message.pk).update(case=case)
    messages.on_submitted(case, at)


@never_cache
@require_POST
def join(request):
    """我也遇到: no report of one's own is needed; the progress is told all the same."""
    draft, account = drafts.find(request), request.account
    if account is None or account.is_staff_member:
        return to_sign_in_and_back(request)
    if draft is None:
        return HttpResponseRedirect(reverse("reports:matters"))
    at = timezone.now()
    try:
        _agree(account, request.POST, at)

        def act():
            case = intake.join(
                account,
                request.POST.get("token", "")[:200],
                text=draft.data.get("text", ""),
                photos=drafts.photos(draft),
                anonymity=request.POST.get("anonymity", "N1"),
                at=at,
            )
            drafts.drop(draft)
            return reverse("reports:matter", args=[case.number]) + "?joined=1"

        return once(request, act)
    except Refused as refusal:
        return _send_page(request, draft, problem=refusal, status=refusal.status)


def to_sign_in_and_back(request):
    """Signing in leads back to the third step, where the draft waits."""
    return HttpResponseRedirect(reverse("portal:signin") + "?" + urlencode({"next": reverse("reports:send")}))


def _agree(account, post, at):
    """The service cannot be given without the consent to it; it is asked once, and never ticked beforehand."""
    if consent.has_consent(account, "service"):
        return
    if not post.get("consent"):
        raise Invalid(_("请先看一看并同意我们怎样用您的信息。"), "consent")
    consent.give(account, "service", at)


def _units(where):
    """The outside units that serve this place: whom a complaint about a unit may be about."""
    if where is None:
        return []
    reach = Q(areas__in=[a.pk for a in (where.grid, where.community, where.subdistrict) if a is not None])
    if where.compound is not None:
        reach |= Q(compounds=where.compound)
    return list(Unit.objects.filter(reach, is_active=True).distinct().order_by("kind", "pk")[:60])


def _unit(pk, where):
    return next((unit for unit in _units(where) if str(unit.pk) == str(pk)), None)


def _send_page(request, draft, *, problem=None, status=200):
    data, at, account = draft.data, timezone.now(), request.account
    try:
        where = places.location(data, account)
    except Invalid as nowhere:
        return _where_page(request, draft, data, problem=str(nowhere), field=nowhere.field, status=422)
    category = _category(request.POST.get("category") or data.get("category"))
    found = screening.screen(
        data["text"],
        category=category,
        location=where,
        account=account,
        at=at,
        not_integrity=data.get("not_integrity", False),
    )
    if found.integrity:
        drafts.drop(draft)
        return integrity_page(request, data["text"])
    urgency = min(u for u in (category.urgency if category else "U2", found.urgency or "U9") if u)
    about = data.get("about") or About.THING
    duty = on_duty(where.grid, at) if where.grid and about != About.STAFF else None
    signed_in = account is not None and not account.is_staff_member
    own = [near for near in found.near if account is not None and near["case"].reporter_id == account.pk]
    context = {
        "step": 3,
        "draft": draft,
        "data": data,
        "post": request.POST,
        "photos": drafts.photos(draft),
        "place_words": places.words(data, where),
        "where": where,
        "category": category,
        "guesses": [c for c in found.suggestions if c.channel_out != "integrity"],
        "kind": Kind(data.get("kind") or usual_kind(category)).label,
        "about": About(about).label if about != About.THING else "",
        "about_staff": about == About.STAFF,
        "units": _units(where) if about == About.UNIT else [],
        "dial": found.dial,
        "urgent": urgency in ("U0", "U1"),
        "near": [near for near in found.near if near not in own],
        "own": own,
        "recur": found.recur,
        "recur_mine": bool(found.recur and account and found.recur.reporter_id == account.pk),
        "accept_due": policy.limit_end(policy.limits_for(category, urgency, at)[0], at),
        "duty": duty,
        "signed_in": signed_in,
        "ask_consent": signed_in and not consent.has_consent(account, "service"),
        "anonymity": request.POST.get("anonymity", "N1"),
        "wish": request.POST.get("wish", "call"),
        "problem": str(problem) if problem else "",
        "field": getattr(problem, "field", ""),
    }
    return render(request, "reports/send.html", context, status=status)
