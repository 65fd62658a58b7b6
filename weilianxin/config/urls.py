"""Every address of the house, put together from the rooms: frames first, then what each programme brings.

A programme may bring two modules, found by name: `urls` (residents, at the top) and `desk_urls` (staff, below desk/);
`weilianxin.api.urls` finds a third, `api`.
"""

from importlib import import_module

from django.urls import include, path
from django.utils.module_loading import module_has_submodule

from weilianxin.lib.programme import programmes
from weilianxin.notify.push import push

from . import mini
from .health import healthz


def of_programmes(name, prefix):
    """The addresses that programmes bring in their module `name`, below `prefix`."""
    return [
        path(prefix, include(f"{config.name}.{name}"))
        for config in programmes()
        if module_has_submodule(import_module(config.name), name)
    ]


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", include("weilianxin.api.urls")),
    path("mini/", mini.page, name="mini"),
    path("mini/demo/places", mini.places, name="mini_places"),
    path("mini/demo/people", mini.people, name="mini_people"),
    path("mini/demo/code", mini.code, name="mini_code"),
    path("mini/demo/answer", mini.answer, name="mini_answer"),
    path("mini/demo/messages", mini.messages, name="mini_messages"),
    path("mini/<str:name>", mini.page, name="mini_file"),
    path("wechat/push", push, name="wechat_push"),
    path("h/", include("weilianxin.desk.handler_urls")),
    *of_programmes("desk_urls", "desk/"),
    path("desk/", include("weilianxin.desk.urls")),
    *of_programmes("urls", ""),
    path("", include("weilianxin.portal.urls")),
]

handler400 = "weilianxin.portal.errors.bad_request"
handler403 = "weilianxin.portal.errors.forbidden"
handler404 = "weilianxin.portal.errors.not_found"
handler500 = "weilianxin.portal.errors.server_error"
