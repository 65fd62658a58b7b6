"""Addresses of 我要报事: residents' pages, the public list, and the staff side of the thread."""

from django.urls import path, re_path

from . import desk_pages, export_pages, filing_pages, transfers_pages
from .pages import matters, public, send, thread, what, where

app_name = "reports"

REF, VARIANT = "(?P<ref>[0-9a-f]{24})", "(?P<variant>picture|thumb)"
NUMBER = "(?P<number>[0-9]{6}-[0-9]{4,9})"

urlpatterns = [
    path("report/", what.new, name="new"),
    path("report/place/", where.place, name="place"),
    path("report/send/", send.send, name="send"),
    path("report/join/", send.join, name="join"),
    path("report/guess/", what.guess, name="guess"),
    path("report/discard/", what.discard, name="discard"),
    path("report/integrity/", what.integrity, name="integrity"),
    re_path(rf"^report/photos/{REF}/{VARIANT}$", what.draft_photo, name="draft_photo"),
    path("matters/", matters.matters, name="matters"),
    re_path(rf"^matters/{NUMBER}$", matters.matter, name="matter"),
    re_path(rf"^matters/{NUMBER}/photos/{REF}/{VARIANT}$", matters.matter_photo, name="matter_photo"),
    re_path(rf"^matters/{NUMBER}/sound$", matters.matter_sound, name="matter_sound"),
    re_path(rf"^matters/{NUMBER}/receipt\.json$", matters.matter_receipt, name="receipt"),
    re_path(rf"^matters/{NUMBER}/(?P<name>[a-z_]{{2,24}})$", matters.act, name="act"),
    path("thread/", thread.thread, name="thread"),
    path("thread/<int:message>/report", thread.to_report, name="thread_report"),
    re_path(rf"^thread/photos/{REF}/{VARIANT}$", thread.thread_photo, name="thread_photo"),
    path("public/", public.public, name="public"),
    path("public/map/", public.public_map, name="public_map"),
    path("public/waiting/", public.public_waiting, name="public_waiting"),
    re_path(r"^public/(?P<token>[0-9]{4}-[0-9A-Za-z_-]{22})$", public.public_detail, name="public_detail"),
    re_path(
        rf"^public/(?P<token>[0-9]{{4}}-[0-9A-Za-z_-]{{22}})/{REF}/{VARIANT}$",
        public.public_photo,
        name="public_photo",
    ),
    path("desk/report/", filing_pages.report, name="staff_report"),
    path("desk/report/look/", filing_pages.look, name="staff_report_look"),
    path("desk/patrol/", filing_pages.patrol, name="staff_patrol"),
    path("desk/transfers/", transfers_pages.transfers, name="staff_transfers"),
    path("desk/transfers/deliver/", transfers_pages.deliver, name="staff_deliver"),
    path("desk/export/", export_pages.export, name="staff_export"),
    path("desk/export/<int:pk>/decide/", export_pages.decide, name="staff_export_decide"),
    path("desk/export/<int:pk>/file/", export_pages.fetch, name="staff_export_fetch"),
    path("desk/transfers/<int:pk>.csv", transfers_pages.delivery, name="staff_delivery"),
    path("desk/threads/", desk_pages.threads_page, name="staff_threads"),
    path("desk/threads/<int:pk>/", desk_pages.thread_page, name="staff_thread"),
    path("desk/threads/<int:pk>/report/<int:message>", desk_pages.report_page, name="staff_thread_report"),
]
