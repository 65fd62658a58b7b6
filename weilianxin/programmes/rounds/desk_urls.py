"""Addresses of this programme below desk/: the administrator's."""

from django.urls import path

from . import admin

app_name = "rounds_desk"

urlpatterns = [
    path("admin/rounds/", admin.settings, name="settings"),
    path("admin/rounds/lists/add/", admin.add, name="template_add"),
    path("admin/rounds/lists/<slug:code>/", admin.one, name="template"),
]
