"""How staff come in: name and password, their own password at first, the second factor; and their own account."""

import base64

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.lib.client import address_of
from weilianxin.people import session, staff
from weilianxin.people.errors import Refused
from weilianxin.people.session import staff_required

from .nav import render as framed
from .reach import my_posts

PAGES = {staff.PASSWORD: "desk:password", staff.SECOND_FACTOR: "desk:second_factor", staff.ENROL: "desk:second_factor"}


def onward(request, step):
    """To the step that is still missing, or to the page one came for."""
    there = session.safe_next(request, default="")
    if not step:
        return HttpResponseRedirect(there or reverse("desk:home"))
    return HttpResponseRedirect(reverse(PAGES[step]) + ("?" + urlencode({"next": there}) if there else ""))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def signin(request):
    if request.method != "POST":
        if request.account is not None and request.account.is_staff_member:
            return onward(request, "")
        return render(request, "desk/signin.html", {"next": session.safe_next(request, default="")})
    try:
        account = staff.authenticate(
            request.POST.get("username"),
            request.POST.get("password"),
            address=address_of(request),
            at=timezone.now(),
        )
    except Refused as refusal:
        context = {
            "refusal": refusal,
            "username": request.POST.get("username", "")[:40],
            "next": session.safe_next(request, default=""),
        }
        return render(request, "desk/signin.html", context, status=refusal.status)
    return onward(request, staff.enter(request, account))


def whose(request):
    """The account at this step: one that is held back after its password, or one of staff signed in."""
    if request.pending_account is not None:
        return request.pending_account
    account = request.account
    return account if account is not None and account.is_staff_member else None


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request):
    """Choose one's own password: asked for at the first sign-in, free at any time."""
    account = whose(request)
    if account is None:
        return HttpResponseRedirect(reverse("desk:signin"))
    first = request.pending_account is not None
    if first and not staff.must_change_password(account):
        return onward(request, staff.next_step(account))  # the password alone must not change the password
    context = {"first": first, "next": session.safe_next(request, default="")}
    if request.method != "POST":
        return render(request, "desk/password.html", context)
    old, new, again = (request.POST.get(name, "")[:200] for name in ("old", "new", "again"))
    try:
        staff.change_password(account, old, new, again, at=timezone.now())
    except Refused as refusal:
        return render(request, "desk/password.html", context | {"refusal": refusal}, status=refusal.status)
    if first:
        return onward(request, staff.enter(request, account))
    request.account.refresh_from_db()
    session.stay_signed_in(request)
    return HttpResponseRedirect(reverse("desk:about") + "?changed=password")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request):
    """Show the code of the second factor, or bind one where there is none yet."""
    account = whose(request)
    if account is None or (request.pending_account is not None and staff.must_change_password(account)):
        return HttpResponseRedirect(reverse("desk:signin"))
    if request.account is not None and account.totp_secret and request.second_factor:
        return onward(request, "")
    enrolling = not account.totp_secret
    context = {"enrolling": enrolling, "next": session.safe_next(request, default="")}
    refusal = None
    if request.method == "POST":
        code, at = request.POST.get("code", ""), timezone.now()
        try:
            if enrolling:
                staff.enrol(account, request.session.get("enrol", ""), code, at=at)
            else:
                staff.check_second_factor(account, code, at=at)
        except Refused as error:
            refusal = error
        else:
            request.session.pop("enrol", None)
            session.sign_in(request, account, second_factor=True)
            return onward(request, "")
    if enrolling:
        secret = request.session.get("enrol")
        if not secret:
            secret = request.session["enrol"] = staff.new_secret()
        picture = base64.b64encode(staff.otpauth_qr(account, secret)).decode()
        context |= {"secret": secret, "qr": f"data:image/svg+xml;base64,{picture}"}
    return render(
        request,
        "desk/second_factor.html",
        context | {"refusal": refusal},
        status=refusal.status if refusal else 200,
    )


@require_POST
def signout(request):
    session.sign_out(request)
    return HttpResponseRedirect(reverse("desk:signin"))


@require_safe
@staff_required
def about(request):
    """Me: my posts, my password, my second factor."""
    context = {"posts": my_posts(request), "changed": request.GET.get("changed", "")}
    return framed(request, "desk/about.html", context)
