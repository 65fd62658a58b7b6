"""Signing in by phone and one-time code: number, code, and at the first time the consent. Works without JavaScript."""

from django.conf import settings
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from weilianxin.lib.client import address_of
from weilianxin.lib.masks import mask_phone
from weilianxin.lib.refusal import Refused
from weilianxin.notify.code import SIGN_IN, send_sign_in_code
from weilianxin.people import codes, consent, mydata, residents, session

from . import demo
from .prose import prose

STEP = "signin"  # in the session: the number that waits for its code, and whether it was shown to be theirs
PROVEN_FOR = 900  # seconds between the code and the consent


@never_cache
@sensitive_post_parameters("phone", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def signin(request):
    """The step that is next. The number is kept in the session, never in an address."""
    if request.method != "POST":
        if request.account is not None and not request.account.is_staff_member:
            return HttpResponseRedirect(session.safe_next(request, reverse("portal:home")))
        return page(request)
    act = {"send": send, "again": send, "enter": enter, "agree": agree, "other": other}.get(request.POST.get("act"))
    if act is None:
        return here(request)
    try:
        return act(request)
    except Refused as refusal:
        return page(request, refusal)


def page(request, refusal=None):
    state = request.session.get(STEP) or {}
    step = "consent" if is_proven(state) else "code" if state.get("phone") else "phone"
    context = {
        "step": step,
        "refusal": refusal,
        "next": session.safe_next(request, ""),
        "phone": request.POST.get("phone", "")[:20],
        "masked": mask_phone(state["phone"]) if state.get("phone") else "",
        "shown_code": state.get("shown", "") if settings.DEMO else "",
        "text": prose(consent.current_text(consent.SERVICE)) if step == "consent" else "",
        "roster": demo.roster() if step == "phone" else [],
    }
    return render(request, "portal/signin.html", context, status=refusal.status if refusal else 200)


def here(request):
    there = session.safe_next(request, "")
    return HttpResponseRedirect(reverse("portal:signin") + ("?" + urlencode({"next": there}) if there else ""))


def is_proven(state):
    return bool(state.get("proven")) and timezone.now().timestamp() - state["proven"] < PROVEN_FOR


def send(request):
    kept = (request.session.get(STEP) or {}).get("phone", "")
    phone = residents.normal_phone(kept if request.POST["act"] == "again" else request.POST.get("phone"))
    at = timezone.now()
    code = send_sign_in_code(phone, at, bucket=address_of(request))
    request.session[STEP] = {"phone": phone} | ({"shown": code} if settings.DEMO else {})
    return here(request)


def enter(request):
    state = request.session.get(STEP) or {}
    if not state.get("phone"):
        return here(request)
    at = timezone.now()
    codes.check_code(state["phone"], SIGN_IN, request.POST.get("code", ""), at=at)
    request.session[STEP] = {"phone": state["phone"], "proven": at.timestamp()}
    account = residents.known_resident(state["phone"], at)
    if account is not None and consent.has_consent(account):
        return come_in(request, account)
    return here(request)


def agree(request):
    state = request.session.get(STEP) or {}
    if not is_proven(state):
        request.session.pop(STEP, None)
        raise Refused(_("隔得太久了，请重新取一个验证码。"), "phone")
    if request.POST.get("agree") != "1":
        raise Refused(_("请先看一看，勾上“我同意”。不同意也能看公开的事、打电话。"), "agree")
    at = timezone.now()
    with transaction.atomic():
        account = residents.resident_for(state["phone"], at)
        consent.give(account, consent.SERVICE, at)
    return come_in(request, account)


def come_in(request, account):
    there = session.safe_next(request, reverse("portal:home"))
    request.session.pop(STEP, None)
    session.sign_in(request, account)
    if request.language_chosen and account.language != request.LANGUAGE_CODE:  # messages speak as the pages do
        mydata.correct(account, language=request.LANGUAGE_CODE, at=timezone.now())
    return HttpResponseRedirect(there)


def other(request):
    request.session.pop(STEP, None)
    return here(request)


@require_POST
def signout(request):
    session.sign_out(request)
    return HttpResponseRedirect(reverse("portal:home"))
