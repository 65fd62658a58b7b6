"""Step 3 of 我要报事: dangers, neighbours' reports, who may know, who takes it until when; then it is sent, once."""

from django.db.models import Q
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from weilianxin.cases import cards
from weilianxin.cases.errors import Invalid, Refused
from weilianxin.cases.once import once
from weilianxin.lib.clock import Limit
from weilianxin.people import consent
from weilianxin.people.models import Unit
from weilianxin.people.posts import on_duty

from .. import intake, messages, policy, screening
from ..models import About, Kind, ThreadMessage
from . import drafts, places
from .steps import category_of, integrity_page, to_sign_in_and_back, usual_kind
from .where import where_page


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send(request):
    """Dangers, neighbours' reports, who may know, who takes it until when; then it is sent, once."""
    draft = drafts.find(request)
    if draft is None or not draft.data.get("text"):
        if request.method != "POST":
            return HttpResponseRedirect(reverse("reports:new"))
        # Whoever is signed in has sent it already; whoever is not lost the session on the way, and finds it again.
        return HttpResponseRedirect(reverse("reports:matters")) if request.account else to_sign_in_and_back(request)
    if request.method != "POST":
        return _send_page(request, draft)
    account = request.account
    if account is None or account.is_staff_member:
        return to_sign_in_and_back(request)
    post, data = request.POST, draft.data
    at = timezone.now()
    try:
        agree(account, post.get("consent"), at)
        where = places.location(data, account)
        category = category_of(post.get("category") or data.get("category"))
        kind = data.get("kind") or usual_kind(category)
        photos = drafts.photos(draft)
        message = message_of(data.get("message"), account)

        def act():
            case = intake.submit(
                account,
                text=data["text"],
                category=category,
                location=where,
                kind=kind,
                about=about_of(data),
                about_unit=unit_at(post.get("about_unit"), where),
                anonymity=post.get("anonymity", "N1"),
                photos=photos,
                at=at,
                place_text=places.words(data, where),
                wish=post.get("wish") if post.get("wish") in ("call", "message", "none") else "call",
                not_integrity=data.get("not_integrity", False),
                tell=message is None,
                since=message.at if message else None,
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


def message_of(key, account):
    """The message of the thread that this report was made from, if it has not become one meanwhile."""
    rows = ThreadMessage.objects.filter(thread__resident=account, from_staff=False, case__isnull=True)
    return rows.filter(pk=key).first() if key else None


def said_in_thread(case, message, at):
    """The message says where it went; the clock of the report starts when it was written (`since`)."""
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
        if about_of(draft.data) != About.THING:
            raise Refused(_("您说的情况要单独看，请另外送出，不并到那件事里。"))
        agree(account, request.POST.get("consent"), at)

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


def agree(account, agreed, at):
    """The service cannot be given without the consent to it; it is asked once, and never ticked beforehand."""
    if consent.has_consent(account, "service"):
        return
    if not agreed:
        raise Invalid(_("请先看一看并同意我们怎样用您的信息。"), "consent")
    consent.give(account, "service", at)


def units_at(where):
    """The outside units that serve this place: whom a complaint about a unit may be about."""
    if where is None:
        return []
    reach = Q(areas__in=[a.pk for a in (where.grid, where.community, where.subdistrict) if a is not None])
    if where.compound is not None:
        reach |= Q(compounds=where.compound)
    return list(Unit.objects.filter(reach, is_active=True).distinct().order_by("kind", "pk")[:60])


def unit_at(pk, where):
    return next((unit for unit in units_at(where) if str(unit.pk) == str(pk)), None)


def limit_words(text):
    """A limit that starts when somebody has taken it on, in words; nothing without one."""
    if not text:
        return ""
    limit = Limit.parse(text)
    sentence = {
        "m": _("签收后 %(n)s 分钟内"),
        "ch": _("签收后 %(n)s 小时内"),
        "wh": _("签收后 %(n)s 个工作小时内"),
        "wd": _("签收后 %(n)s 个工作日内"),
        "nd": _("签收后 %(n)s 天内"),
    }[limit.unit]
    return sentence % {"n": limit.amount}


def _send_page(request, draft, *, problem=None, status=200):
    data, at, account = draft.data, timezone.now(), request.account
    try:
        where = places.location(data, account)
    except Invalid as nowhere:
        return where_page(request, draft, data, problem=str(nowhere), field=nowhere.field, status=422)
    category = category_of(request.POST.get("category") or data.get("category"))
    seen = outlook(data, category, where, account, at)
    if seen["integrity"]:
        drafts.drop(draft)
        return integrity_page(request, data["text"])
    signed_in = account is not None and not account.is_staff_member
    about = about_of(data)
    context = {
        **seen,
        "step": 3,
        "draft": draft,
        "data": data,
        "post": request.POST,
        "photos": drafts.photos(draft),
        "where": where,
        "category": category,
        "kind": Kind(data.get("kind") or usual_kind(category)).label,
        "about": about.label if about != About.THING else "",
        "signed_in": signed_in,
        "ask_consent": signed_in and not consent.has_consent(account, "service"),
        "anonymity": request.POST.get("anonymity", "N1"),
        "wish": request.POST.get("wish", "call"),
        "problem": str(problem) if problem else "",
        "field": getattr(problem, "field", ""),
    }
    return render(request, "reports/send.html", context, status=status)


def about_of(data):
    """What a form or a draft says the complaint is about; what is none of the choices is a thing."""
    return About(data["about"]) if data.get("about") in About.values else About.THING


def outlook(data, category, where, account, at):
    """What can be said of a report before it is sent: dangers, what is near, who takes it and until when. `where` is a
    Location or None. Reads only; `integrity` says that the words must not be kept here."""
    found = screening.screen(
        data["text"],
        category=category,
        location=where,
        account=account,
        at=at,
        not_integrity=data.get("not_integrity", False),
    )
    urgency = min(u for u in (category.urgency if category else "U2", found.urgency or "U9") if u)
    about = about_of(data)
    limits = policy.limits_for(category, urgency, at)
    if about != About.THING:  # a complaint about somebody joins nobody else's matter
        found.near = ()
    own = [near for near in found.near if account is not None and near["case"].reporter_id == account.pk]
    return {
        "integrity": found.integrity,
        "place_words": places.words(data, where) if where is not None else "",
        "guesses": [c for c in found.suggestions if c.channel_out != "integrity"],
        "units": units_at(where) if about == About.UNIT else [],
        "dial": found.dial,
        "urgent": urgency in ("U0", "U1"),
        "near": [
            {**near, "word": cards.reader_word(near["case"], rated=False, at=at)}
            for near in found.near
            if near not in own
        ],
        "own": own,
        "recur": found.recur,
        "recur_mine": bool(found.recur and account and found.recur.reporter_id == account.pk),
        "accept_due": policy.limit_end(limits[0], at),
        "limit": limit_words(limits[2]),
        "taken_by": about.taken_by,
        "taken_how": about.taken_how,
        "unseen": about.sight != "grid" and about != About.OFFICE,
        "duty": on_duty(where.grid, at) if where is not None and where.grid and not about.taken_by else None,
    }
