"""The desk without network: what a phone may keep and for how long, and acts that come later (docs/decisions/0022).

The scripts are static/desk/sw.js, outbox.js and offline.js; what may be kept and what may wait is said here, by a
header on the page and by a mark on the form.
"""

import hashlib
import json
from functools import cache, wraps
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render as plain
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from weilianxin.cases.errors import Changed
from weilianxin.lib.problem import asks_json, problem
from weilianxin.lib.programme import programme
from weilianxin.people.session import staff_required

from .nav import render

KEEP_SECONDS = 12 * 3600  # no longer than staff stay signed in
FILES = (
    *("css/app.css", "css/desk.css", "desk/pages.css", "js/app.js", "desk/outbox.js", "desk/offline.js"),
    *("art/icons.svg", "art/mark.svg", "art/skyline.svg"),
)
SCRIPTS = ("desk/outbox.js", "desk/sw.js")


def keep(request, response):
    """Allow the phone of this account to keep the page for KEEP_SECONDS, and to show it when there is no network."""
    response["X-Keep"] = f"{request.account.ref} {KEEP_SECONDS}"
    return response


def prefetched(request):
    """Whether a phone fetches the page to keep it: nobody has read it, and what is shown once is not for it."""
    return "prefetch" in request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose") == "prefetch"


def may_wait(case, name):
    return name in programme(case.programme).flow.offline


def only_now():
    return problem("refused", _("这一步要连上网在页面上办，不能先存着。"), 409)


def refused_in_json(refusal):
    code = "changed" if isinstance(refusal, Changed) else "invalid" if refusal.status == 422 else "refused"
    return problem(code, refusal, refusal.status, refusal.field)


def done_in_json(view):
    """For an act that a phone kept: it comes with the account it was written by, and is answered in JSON.

    `{"done": true, "url": …}`, or the shape of `lib.problem`. What another account wrote waits for that account (401).
    """

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        if not asks_json(request):
            return view(request, *args, **kwargs)
        if request.POST.get("_account") != request.account.ref:
            return problem("unauthorised", _("这一件是另一个账号办的，等那个账号登录后再送。"), 401)
        response = view(request, *args, **kwargs)
        return JsonResponse({"done": True, "url": response["Location"]}) if response.status_code == 302 else response

    return wrapped


@cache
def script():
    """The service worker: its files by their addresses, named by what is in them, before its source."""
    sources = [Path(finders.find(name)).read_bytes() for name in SCRIPTS]
    parts = sources + [Path(finders.find(name)).read_bytes() for name in FILES]
    facts = {
        "version": hashlib.sha256(b"\0".join(parts)).hexdigest()[:16],
        "files": [static(name) for name in FILES],
        "home": reverse("desk:home"),
        "outbox": reverse("desk:outbox"),
        "away": reverse("desk:away"),
        "signin": reverse("desk:signin"),
        "signout": reverse("desk:signout"),
    }
    return b"self.DESK = " + json.dumps(facts).encode() + b";\n" + b"\n".join(sources)


@require_safe
def worker(request):
    """The service worker. A browser asks for it at each visit, so that a new version is there at the next page."""
    if settings.DEBUG:
        script.cache_clear()
    response = HttpResponse(script(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def away(request):
    """What stands for a page that was not kept; the same for everybody."""
    return plain(request, "desk/away.html")


@require_safe
@staff_required
def outbox(request):
    """What waits on this phone, written by its script; in JSON, who is signed in and the token that sends it."""
    if asks_json(request):
        return JsonResponse({"account": request.account.ref, "csrf": get_token(request)})
    return keep(request, render(request, "desk/outbox.html", {}))
