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
from weilianxin.cases.access import Actor
from weilianxin.cases.engine import offered
from weilianxin.cases.errors import Invalid, Refused
from weilianxin.cases.models import Anonymity
from weilianxin.cases.once import first_answer, once
from weilianxin.lib.clock import Limit
from weilianxin.people import consent
from weilianxin.people.models import Unit
from weilianxin.people.posts import on_duty

from .. import intake, messages, policy, screening
from ..flow import REPORTS
from ..models import About, Draft, Kind, ThreadMessage
from . import drafts, places
from .steps import category_of, integrity_page, to_sign_in_and_back, usual_kind
from .where import where_page

REPORTER = Actor(roles=frozenset({"reporter"}))
WISHES = ("call", "message", "none")
LEFT = "report_choices"  # in the session: what was chosen on the third step when nobody was signed in any more
EDIT = {  # what is pressed to change a part, and where it leads
    "what": ("reports:new", ""),
    "place": ("reports:place", ""),
    "photos": ("reports:new", "#photos"),
    "category": ("reports:new", "#category"),
}


class Gone(Refused):
    """The draft was sent or thrown away in another tab."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send(request):
    """Dangers, neighbours' reports, who may know, who takes it until when; then it is sent, once."""
    if request.method == "POST":
        return _posted(request)
    draft = drafts.find(request)
    if draft is None or not draft.data.get("text"):
        return HttpResponseRedirect(reverse("reports:new"))
    left = request.session.pop(LEFT, None)  # chosen when the session had ended
    if left and drafts.pk_in(left["draft"]) == draft.pk:
        drafts.keep(draft, left["chosen"])
    return _send_page(request, draft)


def _posted(request):
    account, post = request.account, request.POST
    if account is not None and (repeated := first_answer(request)) is not None:
        return repeated
    draft = drafts.find(request, post.get("draft", ""))
    if draft is None or not draft.data.get("text"):
        return _gone(request) if account else _to_sign_in(request, None)
    shown = _is_as_shown(request, draft)
    if post.get("do") in EDIT:
        drafts.keep(draft, chosen(post))
        step, part = EDIT[post["do"]]
        return HttpResponseRedirect(reverse(step) + part)
    if account is None or account.is_staff_member:
        return _to_sign_in(request, draft)
    drafts.keep(draft, chosen(post))
    data, at = draft.data, timezone.now()
    try:
        agree(account, post.get("consent"), at)
        where = places.location(data, account)
        category = category_of(data.get("category"))
        kind = data.get("kind") or usual_kind(category)
        photos = drafts.photos(draft)
        message = message_of(data.get("message"), account)

        def act():
            row = _hold(draft, shown)
            case = intake.submit(
                account,
                text=data["text"],
                category=category,
                location=where,
                kind=kind,
                about=about_of(data),
                about_unit=unit_at(data.get("about_unit"), where),
                anonymity=data.get("anonymity", "N1"),
                photos=photos,
                at=at,
                place_text=places.words(data, where),
                wish=data.get("wish", "call"),
                not_integrity=data.get("not_integrity", False),
                tell=message is None,
                since=message.at if message else None,
            )
            if message is not None:
                said_in_thread(case, message, at)
            drafts.drop(row)
            return reverse("reports:matter", args=[case.number]) + "?sent=1"

        return once(request, act)
    except Gone:
        return _gone(request)
    except intake.IntegrityElsewhere:
        return _elsewhere(request, draft)
    except Refused as refusal:
        return _send_page(request, draft, problem=refusal, status=refusal.status)


def chosen(post):
    """What the form of the third step says: who may know, how to be asked, the unit, a category that was guessed."""
    said = {key: post[key][:20] for key in drafts.CHOICES if key in post}
    if said.get("anonymity") not in Anonymity.values:
        said.pop("anonymity", None)
    if said.get("wish") not in WISHES:
        said.pop("wish", None)
    category = category_of(post.get("category"))
    return said | ({"category": category.code} if category is not None else {})


def _to_sign_in(request, draft):
    """Signing in keeps what was chosen: in the draft, or in the session where the draft went out of sight with one."""
    if draft is not None:
        drafts.keep(draft, chosen(request.POST))
    elif request.POST.get("draft"):
        request.session[LEFT] = {"draft": request.POST["draft"][:40], "chosen": chosen(request.POST)}
    return to_sign_in_and_back(request)


def _is_as_shown(request, draft):
    return request.POST.get("draft", "") in ("", drafts.mark(draft))  # a page of a version before does not say


def _hold(draft, shown):
    """Lock the draft inside the act: of two tabs one sends it, and only what its page showed."""
    row = Draft.objects.select_for_update().filter(pk=draft.pk).first()
    if row is None:
        raise Gone
    if not shown or drafts.mark(row) != drafts.mark(draft):
        raise Refused(_("您在别处改过这份报事。请看一看现在的样子，再送出。"))
    return row


def _gone(request):
    """Whoever is signed in has sent it already, or threw it away; nothing else is sent in its place."""
    if not request.POST.get("draft"):
        return HttpResponseRedirect(reverse("reports:matters"))
    return render(request, "reports/gone.html", status=409)


def _elsewhere(request, draft):
    """Words about integrity are forgotten with their photos; who says that they are none begins at the first step."""
    photos = bool(drafts.photos(draft))
    drafts.drop(draft)
    return integrity_page(request, draft.data["text"], again=reverse("reports:new"), photos=photos)


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
    account, post = request.account, request.POST
    if account is not None and (repeated := first_answer(request)) is not None:
        return repeated
    draft = drafts.find(request, post.get("draft", ""))
    if account is None or account.is_staff_member:
        return _to_sign_in(request, draft)
    if draft is None:
        return _gone(request)
    shown = _is_as_shown(request, draft)
    drafts.keep(draft, chosen(post))
    at = timezone.now()
    try:
        if about_of(draft.data) != About.THING:
            raise Refused(_("您说的情况要单独看，请另外送出，不并到那件事里。"))
        agree(account, post.get("consent"), at)

        def act():
            row = _hold(draft, shown)
            case = intake.join(
                account,
                post.get("token", "")[:200],
                text=draft.data.get("text", ""),
                photos=drafts.photos(draft),
                anonymity=draft.data.get("anonymity", "N1"),
                wish=draft.data.get("wish", "call"),
                at=at,
            )
            drafts.drop(row)
            return reverse("reports:matter", args=[case.number]) + "?joined=1"

        return once(request, act)
    except Gone:
        return _gone(request)
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
    category = category_of(data.get("category"))
    seen = outlook(data, category, where, account, at)
    if seen["integrity"]:
        return _elsewhere(request, draft)
    signed_in = account is not None and not account.is_staff_member
    about = about_of(data)
    context = {
        **seen,
        "step": 3,
        "draft": draft,
        "shown": drafts.mark(draft),
        "data": data,
        "photos": drafts.photos(draft),
        "where": where,
        "category": category,
        "kind": Kind(data.get("kind") or usual_kind(category)).label,
        "about": about.label if about != About.THING else "",
        "signed_in": signed_in,
        "ask_consent": signed_in and not consent.has_consent(account, "service"),
        "anonymity": data.get("anonymity", "N1"),
        "wish": data.get("wish", "call"),
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
        "recur_mine": bool(found.recur and account and found.recur.reporter_id == account.pk)
        and offered(found.recur, REPORTS.move("dispute"), REPORTER, at, {}),
        "accept_due": policy.limit_end(limits[0], at),
        "limit": limit_words(limits[2]),
        "taken_by": about.taken_by,
        "taken_how": about.taken_how,
        "unseen": about.sight != "grid" and about != About.OFFICE,
        "duty": on_duty(where.grid, at) if where is not None and where.grid and not about.taken_by else None,
    }
