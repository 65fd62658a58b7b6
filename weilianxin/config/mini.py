"""The mini-program in a browser, for the demo and the tests: its built files, and what a phone would know by itself.

`make demo` builds `miniprogram/dist` from the mini-program's own source; without it the page says how. Outside a demo
nothing here exists.
"""

from functools import wraps

import httpx
from django.conf import settings
from django.http import FileResponse, Http404, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from weilianxin.areas.models import Place, PlaceKind
from weilianxin.lib.datum import wgs84_to_gcj02
from weilianxin.people.demo import PASSWORD
from weilianxin.people.models import Account, Role
from weilianxin.portal.demo import plates

FOLDER = settings.BASE_DIR.parent / "miniprogram" / "dist"
KINDS = {
    "index.html": "text/html; charset=utf-8",
    "mini.js": "text/javascript; charset=utf-8",
    "mini.css": "text/css; charset=utf-8",
    "mark.svg": "image/svg+xml",
    "skyline.svg": "image/svg+xml",
}
MOST = 6  # plates, points and numbers to choose from


def is_built():
    return (FOLDER / "index.html").exists()


def of_the_demo(view):
    """The view, and 404 outside a demo."""

    @wraps(view)
    @require_safe
    @never_cache
    def shown(request, *args, **kwargs):
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return shown


@of_the_demo
def page(request, name="index.html"):
    """One of the built files; a page that says how to build them where they are missing."""
    if name not in KINDS:
        raise Http404
    if not is_built():
        words = _("小程序还没有造出来：连上软件仓库以后，运行 make mini 再打开这一页。")
        return render(
            request, "portal/error.html", {"title": _("小程序"), "sentence": words, "code": "mini"}, status=503
        )
    return FileResponse((FOLDER / name).open("rb"), content_type=KINDS[name])


@of_the_demo
def places(request):
    """What a camera would scan and a map would offer; points as WeChat gives them, in GCJ-02."""
    points = []
    rows = Place.objects.filter(kind__in=(PlaceKind.COMPOUND, PlaceKind.PUBLIC), lat__isnull=False).order_by("id")
    for row in rows[:MOST]:
        lon, lat = wgs84_to_gcj02(row.lon, row.lat)
        points.append({"name": row.full_name, "lat": lat, "lon": lon})
    return JsonResponse({"plates": plates(), "points": points})


def of_wechat(call="phone", method="POST", **said):
    """What the made-up platform answers to a hand on a telephone; 404 without one, and people sign in by SMS."""
    base = getattr(settings, "WECHAT_BASE", "")
    if not base.startswith("http://127.0.0.1:"):
        return JsonResponse({}, status=404)
    how = {"params": said} if method == "GET" else {"json": said}
    try:
        answer = httpx.request(method, f"{base}/__ctl/{call}", **how, timeout=5, trust_env=False)
        return JsonResponse(answer.json(), status=answer.status_code)
    except (httpx.HTTPError, ValueError):
        return JsonResponse({}, status=404)


@of_the_demo
def code(request):
    """`wx.login` and the button for the phone number: a code that the platform gives to `user`."""
    name, kind = request.GET.get("user", "")[:40], request.GET.get("kind")
    if not name or kind not in ("login", "phone"):
        raise Http404
    if kind == "phone" and (number := request.GET.get("phone", "")[:20]):
        of_wechat(call="user", name=name, phone=number)
    return of_wechat(do=kind, user=name)


@of_the_demo
def answer(request):
    """`wx.requestSubscribeMessage`: the same answer for each of the templates `ids`."""
    ids = [one for one in request.GET.get("ids", "").split(",") if one][:MOST]
    said = request.GET.get("answer", "reject")
    if said not in ("accept", "reject"):
        raise Http404
    return of_wechat(do="subscribe", user=request.GET.get("user", "")[:40], choices=dict.fromkeys(ids, said))


@of_the_demo
def messages(request):
    """What `user` has received in the made-up WeChat, each with the page it opens."""
    return of_wechat("received", "GET", user=request.GET.get("user", "")[:40])


@of_the_demo
def people(request):
    """Numbers that the phones of made-up residents have, and with what their grid worker signs in."""
    rows = Account.objects.filter(kind=Account.RESIDENT, is_demo=True, is_active=True).exclude(phone=None)
    workers = Account.objects.filter(posts__role=Role.GRID_WORKER, is_demo=True, is_active=True).exclude(username=None)
    worker = workers.order_by("posts__area__code").first()
    return JsonResponse(
        {
            "phones": [{"phone": row.phone, "name": row.name} for row in rows.order_by("id")[:MOST]],
            "worker": worker and {"name": worker.name, "username": worker.username, "password": PASSWORD},
        }
    )
