"""Pages of staff."""

import importlib.util

from django.urls import include, path

from . import brief, day, entrance, find, home, matter, offline, overview, queue, rates

app_name = "desk"
urlpatterns = [
    path("", home.home, name="home"),
    path("sw.js", offline.worker, name="worker"),
    path("outbox/", offline.outbox, name="outbox"),
    path("offline/", offline.away, name="away"),
    path("day/", day.page, name="day"),
    path("signin/", entrance.signin, name="signin"),
    path("signout/", entrance.signout, name="signout"),
    path("password/", entrance.password, name="password"),
    path("second-factor/", entrance.second_factor, name="second_factor"),
    path("me/", entrance.about, name="about"),
    path("grids/", home.leader, name="grids"),
    path("board/", home.board, name="board"),
    path("queue/", queue.queue, name="queue"),
    path("brief/", brief.page, name="brief"),
    path("brief/<slug:line>/", brief.behind, name="brief_line"),
    path("signals/", rates.signals, name="signals"),
    path("rates/", rates.numbers, name="rates"),
    path("rates/<slug:code>/", rates.numbers, name="rates_of"),
    path("rates/<slug:code>/<slug:name>/", rates.behind, name="rate_cases"),
    path("verify/", find.verify, name="verify"),
    path("samples/", find.samples, name="samples"),
    path("callbacks/", find.callbacks, name="callbacks"),
    path("chronic/", find.chronic, name="chronic"),
    path("search/", find.search, name="search"),
    path("grids/<slug:code>/", overview.grid, name="grid"),
    path("communities/<slug:code>/", overview.community, name="community"),
    path("photos/<slug:ref>/<slug:variant>/", matter.photo, name="photo"),
    path("cases/<slug:number>/", matter.page, name="case"),
    path("cases/<slug:number>/sound/", matter.sound, name="sound"),
    path("cases/<slug:number>/reporter/", matter.reveal, name="reveal"),
    path("cases/<slug:number>/act/<slug:name>/", matter.act, name="act"),
]

if importlib.util.find_spec("weilianxin.desk.admin") and importlib.util.find_spec("weilianxin.desk.admin.urls"):
    from weilianxin.desk.admin.urls import admin_urls

    urlpatterns.append(path("admin/", include(admin_urls)))
