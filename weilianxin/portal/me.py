"""My data: what is held, correcting it, taking it along, letting go of it, and what I agreed to."""

import json
import secrets

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.cases.forms import Field
from weilianxin.cases.once import once
from weilianxin.lib.client import address_of
from weilianxin.lib.masks import mask_phone
from weilianxin.lib.refusal import Refused
from weilianxin.notify.send import tell
from weilianxin.people import codes, consent, mydata, residents, session
from weilianxin.people.session import resident_required

from .prose import prose

NEW_PHONE = "new_phone"  # in the session: the number that waits for its code


@require_safe
@never_cache
@resident_required
def me(request):
    context = {
        "shown_phone": mydata.shown_phone(request.account),
        "dwellings": residents.dwellings(request.account),
        "agreed": consent.has_consent(request.account),
    }
    return render(request, "portal/me.html", context)


@never_cache
@sensitive_post_parameters("phone", "code")
@resident_required
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request):
    """The name in one form; a new number in two steps, because it must be shown to be theirs."""
    refusal = None
    if request.method == "POST":
        act = {"name": new_name, "send": ask_phone, "enter": new_phone, "other": forget_phone}
        try:
            return act.get(request.POST.get("act"), forget_phone)(request)
        except Refused as refused:
            refusal = refused
    state = request.session.get(NEW_PHONE) or {}
    name = request.POST.get("name", request.account.name)
    fields = {
        "name": Field(
            "name", "text", _("怎么称呼您"), help=_("方便网格员称呼您，可以只写姓，例如：王阿姨。"), value=name, most=40
        ),
        "phone": Field("phone", "text", _("新手机号"), True, value=request.POST.get("phone", ""), most=20),
        "code": Field("code", "text", _("短信验证码"), True, help=_("发到新号码上的6位数字"), most=10),
    }
    if refusal is not None and refusal.field in fields:
        fields[refusal.field].error = str(refusal)
    context = {
        "fields": fields,
        "refusal": refusal,
        "shown_phone": mydata.shown_phone(request.account),
        "masked": mask_phone(state["phone"]) if state else "",
        "shown_code": state.get("shown", "") if settings.DEMO else "",
    }
    return render(request, "portal/me_correct.html", context, status=refusal.status if refusal else 200)


def new_name(request):
    def act():
        mydata.correct(request.account, name=request.POST.get("name", ""), at=timezone.now())
        return reverse("portal:me")

    return once(request, act)


def ask_phone(request):
    at = timezone.now()
    with transaction.atomic():
        phone, code = mydata.ask_new_phone(
            request.account, request.POST.get("phone", ""), at=at, bucket=address_of(request)
        )
        tell(
            "sign_in_code",
            "resident",
            address=phone,
            values={"code": code},
            key=f"new_phone:{secrets.token_hex(8)}",
            at=at,
            urgent=True,
            useless_at=at + codes.LIFE,
        )
    request.session[NEW_PHONE] = {"phone": phone} | ({"shown": code} if settings.DEMO else {})
    return HttpResponseRedirect(reverse("portal:me_correct"))


def new_phone(request):
    state = request.session.get(NEW_PHONE) or {}
    mydata.change_phone(request.account, state.get("phone", ""), request.POST.get("code", ""), at=timezone.now())
    request.session.pop(NEW_PHONE, None)
    session.stay_signed_in(request)  # the other sessions ended with the old number
    return HttpResponseRedirect(reverse("portal:me"))


def forget_phone(request):
    request.session.pop(NEW_PHONE, None)
    return HttpResponseRedirect(reverse("portal:me_correct"))


@require_POST
@resident_required
def export(request):
    """Everything held about the person, as a file for them."""
    held = json.dumps(mydata.what_we_hold(request.account), ensure_ascii=False, indent=2, default=str)
    response = HttpResponse(held, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="weilianxin.json"'
    response["Cache-Control"] = "no-store"
    return response


@never_cache
@resident_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request):
    """What will happen, a tick, and it happens. Nobody is called back and nobody is asked why."""
    refusal = None
    if request.method == "POST":
        try:
            if request.POST.get("sure") != "1":
                raise Refused(_("要注销，请先勾上“我想好了”。"), "sure")
            mydata.erase_me(request.account, at=timezone.now())
            session.sign_out(request)
            return render(request, "portal/erased.html")
        except Refused as refused:
            refusal = refused
    return render(request, "portal/me_erase.html", {"refusal": refusal}, status=refusal.status if refusal else 200)


@never_cache
@resident_required
@require_http_methods(["GET", "HEAD", "POST"])
def consent_page(request):
    """What the person agreed to and when. Withdrawing takes effect at once and signs them out."""
    if request.method == "POST":
        at = timezone.now()
        if request.POST.get("act") == "withdraw":
            consent.withdraw(request.account, consent.SERVICE, at)
            session.end_all_sessions(request.account)
            session.sign_out(request)
            return HttpResponseRedirect(reverse("portal:home"))
        consent.give(request.account, consent.SERVICE, at)
        return HttpResponseRedirect(reverse("portal:consent"))
    context = {
        "text": prose(consent.current_text(consent.SERVICE)),
        "agreed": consent.has_consent(request.account),
        "given": list(request.account.consents.order_by("-given_at", "-id")[:20]),
    }
    return render(request, "portal/consent.html", context)
