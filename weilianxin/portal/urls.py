"""The residents' own addresses. Those of a programme's pages stand in its `urls`."""

from django.urls import path

from . import bind, demo, files, home, inbox, me, plates, signin, switches, texts

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("p/<str:code>", plates.plate, name="plate"),
    path("bind/", bind.bind, name="bind"),
    path("bind/end/", bind.unbind, name="unbind"),
    path("signin/", signin.signin, name="signin"),
    path("signout/", signin.signout, name="signout"),
    path("demo/signin/", demo.demo_signin, name="demo_signin"),
    path("me/", me.me, name="me"),
    path("me/correct/", me.correct, name="me_correct"),
    path("me/export/", me.export, name="me_export"),
    path("me/erase/", me.erase, name="me_erase"),
    path("me/consent/", me.consent_page, name="consent"),
    path("inbox/", inbox.inbox_page, name="inbox"),
    path("privacy/", texts.privacy, name="privacy"),
    path("emergency/", texts.emergency, name="emergency"),
    path("files/<slug:ref>/<slug:variant>", files.file, name="file"),
    path("elder/", switches.elder, name="elder"),
    path("language/", switches.language, name="language"),
    path("checkpoints.json", texts.checkpoints, name="checkpoints"),
    path("robots.txt", texts.robots, name="robots"),
    path("favicon.ico", texts.favicon, name="favicon"),
]
