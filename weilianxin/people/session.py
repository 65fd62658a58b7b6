"""Who is signed in: read afresh from the database at every request, so that what was taken away is gone at once."""

import time
from functools import wraps
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db.models import F
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from weilianxin.lib.problem import asks_json, is_api, problem

from . import tokens
from .models import Account, Role

ACCOUNT, PENDING = "account", "pending"
STAFF_IDLE = 8 * 3600  # seconds without a request after which staff sign in again
STAFF_LONGEST = tokens.STAFF.total_seconds()  # seconds after which staff sign in again however busy they were
PENDING_LONGEST = 10 * 60  # seconds between the password and the second factor
NOTE_EVERY = 300  # seconds; the session is not written at every request


class AccountMiddleware:
    """Sets `request.account` (None for nobody), `request.pending_account` (its password was right, a step is missing)
    and `request.elder` (large type), and speaks the account's language where the browser has not chosen one.

    Costs nothing without a session, one query with one. For the API only a token counts, never a cookie.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.elder = request.COOKIES.get("elder") == "1"
        request.account = request.pending_account = None
        request.second_factor = request.token_refused = False
        request.token = None
        if is_api(request):
            tokens.recognise(request)
        elif settings.SESSION_COOKIE_NAME in request.COOKIES:
            _recognise(request)
        _speak(request)
        return self.get_response(request)


def _speak(request):
    chosen_here = settings.LANGUAGE_COOKIE_NAME in request.COOKIES or getattr(request, "language_chosen", False)
    if request.account is not None and not chosen_here and request.account.language in dict(settings.LANGUAGES):
        translation.activate(request.account.language)
        request.LANGUAGE_CODE = translation.get_language()


def _recognise(request):
    now = time.time()
    state = request.session.get(ACCOUNT) or request.session.get(PENDING)
    if not state:
        return
    account = Account.objects.filter(pk=state["id"], is_active=True, epoch=state["epoch"]).first()
    pending = ACCOUNT not in request.session
    if account is None or _too_old(account, state, pending, now):
        request.session.flush()
    elif pending:
        request.pending_account = account
    else:
        request.account, request.second_factor = account, state["second"]
        if now - state["seen"] > NOTE_EVERY:
            request.session[ACCOUNT] = {**state, "seen": int(now)}  # also lets a resident's week begin anew


def _too_old(account, state, pending, now):
    if pending:
        return now - state["since"] > PENDING_LONGEST
    if not account.is_staff_member:
        return False  # the session's own age: a week without a request
    return now - state["seen"] > STAFF_IDLE or now - state["since"] > STAFF_LONGEST


def _state(account, second_factor=False):
    now = int(time.time())
    return {"id": account.pk, "epoch": account.epoch, "since": now, "seen": now, "second": bool(second_factor)}


def sign_in(request, account, *, second_factor=False):
    """Begin a session for `account` under a new key; what an anonymous session held (a draft) comes along.

    Staff go through `staff.enter`, which asks for what is still missing before it calls this.
    """
    before = request.session.get(ACCOUNT)
    if before and before["id"] != account.pk:
        request.session.flush()
    request.session.pop(PENDING, None)
    request.session.cycle_key()
    request.session[ACCOUNT] = _state(account, second_factor)
    request.account, request.pending_account, request.second_factor = account, None, bool(second_factor)
    rotate_token(request)


def pass_second_factor(request):
    """The signed-in account has just shown its second factor (after enrolling, or asked again)."""
    request.session[ACCOUNT] = {**request.session[ACCOUNT], "second": True}
    request.second_factor = True


def hold(request, account):
    """Remember that the password of `account` was right while another step is missing. Nobody is signed in yet."""
    request.session.flush()
    request.session[PENDING] = _state(account)
    request.account, request.pending_account = None, account


def sign_out(request):
    """End this session; its data is gone from the server."""
    request.session.flush()
    request.account = request.pending_account = None
    request.second_factor = False


def end_all_sessions(account):
    """End every session of `account` on every device, at their next request."""
    Account.objects.filter(pk=account.pk).update(epoch=F("epoch") + 1)
    account.refresh_from_db(fields=["epoch"])


def stay_signed_in(request):
    """Keep this session of the signed-in account while `end_all_sessions` ended the others."""
    sign_in(request, request.account, second_factor=request.second_factor)


def safe_next(request, default="/"):
    """Where to go after signing in: `next` of the form or the address, if it is a page of ours; else `default`."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    inside = url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return url if inside and len(url) <= 500 else default


def _to(request, page):
    """To a sign-in page, and afterwards back: here where here is a page, else to the page whose form was sent."""
    if asks_json(request):
        return problem("unauthorised", _("请先登录。"), 401)
    here = request.get_full_path() if request.method in ("GET", "HEAD") else _came_from(request)
    url = reverse(page) + ("?" + urlencode({"next": here}) if here else "")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": reverse(page)})
    return HttpResponseRedirect(url)


def _came_from(request):
    page = urlsplit(request.headers.get("Referer", ""))
    return page.path if page.netloc == request.get_host() else ""


def _staff(request):
    return request.account is not None and request.account.is_staff_member


def holds(account, *roles, at=None):
    """Whether the account holds one of these posts now, anywhere; read afresh."""
    return account.posts.at(at or timezone.now()).filter(role__in=roles).exists()


def resident_required(view):
    """Only for a signed-in resident; others go to the residents' sign-in."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        if request.account is None or request.account.is_staff_member:
            return _to(request, "portal:signin")
        return view(request, *args, **kwargs)

    return wrapped


def staff_required(view):
    """Only for signed-in staff; others go to the desk's sign-in. What they may see is decided where it is loaded."""

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        if not _staff(request):
            return _to(request, "desk:signin")
        return view(request, *args, **kwargs)

    return wrapped


def roles_required(*roles):
    """Only for staff who hold one of these posts now; to other staff the page does not exist."""

    def decorate(view):
        @wraps(view)
        def wrapped(request, *args, **kwargs):
            if not _staff(request):
                return _to(request, "desk:signin")
            if not holds(request.account, *roles):
                raise Http404
            return view(request, *args, **kwargs)

        return wrapped

    return decorate


def admin_required(view):
    """Only for a system administrator whose second factor was asked in this session."""

    @wraps(view)
    @roles_required(Role.SYSTEM_ADMIN)
    def wrapped(request, *args, **kwargs):
        if not request.second_factor:
            return _to(request, "desk:second_factor")
        return view(request, *args, **kwargs)

    return wrapped
