"""Addresses of this programme below desk/."""

from django.urls import include, path

from .admin import admin_urls

app_name = "reports_desk"

urlpatterns = [path("admin/", include(admin_urls))]
