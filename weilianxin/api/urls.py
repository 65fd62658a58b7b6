"""Every address of the API: this room's routers, then what each programme brings in its `api` (a list of routers)."""

from functools import wraps
from importlib import import_module

from django.urls import path, re_path
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from weilianxin.lib.problem import problem
from weilianxin.lib.programme import programmes

from . import home, me, places, session, subscriptions, uploads
from .frame import api, not_found


def routers():
    yield from (module.router for module in (session, home, places, me, subscriptions, uploads))
    for config in programmes():
        if module_has_submodule(import_module(config.name), "api"):
            yield from import_module(f"{config.name}.api").ROUTERS


def one_shape(view):
    """The view, which also says in the one shape of refusals that it does not know a method."""

    @wraps(view)
    def asked(request, *args, **kwargs):
        answer = view(request, *args, **kwargs)
        if answer.status_code != 405:
            return answer
        told = problem("method", _("这个地址不是这样用的。"), 405)
        told["Allow"] = answer["Allow"]
        return told

    asked.csrf_exempt = True  # no cookie is ever looked at
    return asked


def addresses():
    """One address for each path, whatever methods it knows."""
    seen = set()
    for pattern in api.urls[0]:
        route = str(pattern.pattern)
        if route not in seen and pattern.name != "api-root":
            seen.add(route)
            view = require_safe(pattern.callback) if pattern.name == "openapi-json" else pattern.callback
            yield path(route, one_shape(view), name=pattern.name)


for router in routers():
    api.add_router("", router)

app_name = "api"
urlpatterns = [
    path("", one_shape(not_found), name="api-root"),  # the name by which the description finds where it lies
    *addresses(),
    re_path(r"", one_shape(not_found), name="nowhere"),
]
