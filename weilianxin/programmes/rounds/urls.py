"""Addresses of 走访巡查. A ref is opaque: which household it is, and why it is visited, stands in no address."""

from django.urls import path, re_path

from . import pages, places_pages

app_name = "rounds"

REF = "(?P<ref>[0-9a-f]{24})"

urlpatterns = [
    path("desk/rounds/", pages.index, name="index"),
    re_path(rf"^desk/rounds/stops/{REF}/$", pages.stop, name="stop"),
    re_path(rf"^desk/rounds/visits/{REF}/$", pages.visit, name="visit"),
    re_path(rf"^desk/rounds/checks/{REF}/$", pages.check, name="check"),
    re_path(rf"^desk/rounds/photos/{REF}/(?P<variant>picture|thumb)/$", pages.photo, name="photo"),
    path("desk/rounds/checks/add/", places_pages.check_add, name="check_add"),
    path("desk/rounds/households/", places_pages.keys, name="keys"),
    path("desk/rounds/households/add/", places_pages.key_add, name="key_add"),
    re_path(rf"^desk/rounds/households/{REF}/$", places_pages.key, name="key"),
    re_path(rf"^desk/rounds/households/{REF}/end/$", places_pages.key_end, name="key_end"),
    path("desk/rounds/grids/<slug:code>/", pages.grid, name="grid"),
]
