"""Addresses of the administrator's and the auditor's pages; desk/urls.py puts them below desk/admin/."""

from django.urls import path, re_path

from . import areas, calendar, home, imports, journal, partners, people, plates, texts, units

ACT = "(?P<what>[a-z]{3,8})"

admin_urls = [
    path("", home.home, name="admin_home"),
    path("areas/", areas.tree, name="admin_areas"),
    path("areas/<slug:code>/", areas.one, name="admin_area"),
    path("plates/", plates.compounds, name="admin_plates"),
    path("plates/<int:pk>/", plates.compound, name="admin_compound"),
    path("plates/<int:pk>/sheet/", plates.sheet, name="admin_sheet"),
    path("plates/<int:pk>/history/", plates.history, name="admin_plate_history"),
    path("plates/areas/<slug:code>/sheet/", plates.area_sheet, name="admin_area_sheet"),
    path("plates/<int:pk>/issue/", plates.issue, name="admin_issue"),
    re_path(rf"^plates/(?P<code>[\w-]{{1,32}})/{ACT}/$", plates.change, name="admin_plate"),
    path("people/", people.people, name="admin_people"),
    path("people/add/", people.add, name="admin_person_add"),
    re_path(r"^people/(?P<ref>[0-9a-f]{24})/$", people.person, name="admin_person"),
    re_path(r"^people/(?P<ref>[0-9a-f]{24})/(?P<what>[a-z]{3,8})/$", people.act, name="admin_person_act"),
    path("units/", units.units, name="admin_units"),
    path("units/add/", units.add, name="admin_unit_add"),
    re_path(r"^units/(?P<ref>[0-9a-f]{24})/$", units.one, name="admin_unit"),
    path("partners/", partners.partners, name="admin_partners"),
    path("partners/add/", partners.add, name="admin_partner_add"),
    re_path(r"^partners/(?P<ref>[0-9a-f]{24})/$", partners.one, name="admin_partner"),
    re_path(r"^partners/(?P<ref>[0-9a-f]{24})/(?P<what>rotate|test|again)/$", partners.act, name="admin_partner_act"),
    path("texts/", texts.all_texts, name="admin_texts"),
    path("texts/wechat/", texts.in_wechat, name="admin_templates"),
    path("texts/<int:pk>/", texts.one, name="admin_text"),
    path("texts/<int:pk>/shipped/", texts.back_to_shipped, name="admin_text_shipped"),
    path("calendar/", calendar.this_year, name="admin_calendar"),
    path("calendar/<int:year>/", calendar.one_year, name="admin_calendar_year"),
    path("calendar/<int:year>/<slug:what>/", calendar.act, name="admin_calendar_act"),
    path("imports/", imports.imports, name="admin_imports"),
    re_path(r"^imports/(?P<kind>[a-z]+)\.csv$", imports.blank, name="admin_import_blank"),
    re_path(r"^imports/reports/(?P<label>[a-z]+)/$", imports.take_reports, name="admin_import_reports"),
    re_path(r"^imports/(?P<kind>[a-z]+)/$", imports.take, name="admin_import"),
    path("journal/", journal.entries, name="admin_journal"),
    path("journal/verify/", journal.verified, name="admin_verify"),
]
