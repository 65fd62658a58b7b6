"""Pages of outside units, behind a link and a code."""

from django.urls import path

from . import handler

app_name = "handler"
urlpatterns = [
    path("<str:token>/", handler.task, name="task"),
    path("<str:token>/code/", handler.code, name="code"),
    path("<str:token>/act/<slug:name>/", handler.act, name="act"),
    path("<str:token>/photo/<slug:ref>/<slug:variant>/", handler.photo, name="file"),
]
