"""The rail beside every page of staff: what one's posts bring, with a count only of what waits for oneself."""

from django.shortcuts import render as plain
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from weilianxin.cases.models import Case
from weilianxin.lib.programme import programmes
from weilianxin.people.models import Role

from . import lists
from .reach import GRID_ROLES, areas_of, roles, work_of

ANSWERABLE = {Role.COMMUNITY_SECRETARY, Role.CENTRE_DISPATCHER, Role.DUTY_LEADER}
GRID = {*GRID_ROLES, Role.GRID_LEADER}
RECEIVERS = GRID | {Role.COMMUNITY_SECRETARY, Role.CENTRE_DISPATCHER, Role.CALLBACK_OFFICER, Role.DUTY_LEADER}
# page, drawing, word, who sees it (None: everybody)
PAGES = (
    ("desk:day", "walk", _("今天"), {*GRID_ROLES}),
    ("desk:home", "list", _("待办"), {*GRID_ROLES}),
    ("desk:grids", "map", _("网格"), {Role.GRID_LEADER}),
    ("desk:queue", "list", _("派遣"), {Role.CENTRE_DISPATCHER, Role.DUTY_LEADER}),
    ("desk:board", "chart", _("看板"), {Role.COMMUNITY_SECRETARY, Role.DUTY_LEADER}),
    ("reports:staff_report", "edit", _("登记"), RECEIVERS),
    ("reports:staff_patrol", "camera", _("巡查"), {*GRID_ROLES}),
    ("reports:staff_transfers", "swap", _("转来"), {Role.CENTRE_DISPATCHER, Role.DUTY_LEADER}),
    ("reports:staff_threads", "talk", _("消息"), GRID),
    ("desk:verify", "ok", _("核实"), {Role.CENTRE_VERIFIER, Role.COMMUNITY_SECRETARY}),
    ("desk:samples", "check", _("抽查"), {Role.GRID_LEADER}),
    ("desk:callbacks", "phone", _("回访"), {Role.CALLBACK_OFFICER, Role.COMMUNITY_SECRETARY}),
    ("desk:chronic", "history", _("重复高发"), ANSWERABLE),
    ("reports:staff_export", "download", _("导出"), ANSWERABLE),
    ("desk:search", "search", _("查事"), {*Role} - {Role.SYSTEM_ADMIN, Role.AUDITOR}),
    ("desk:admin_home", "set", _("设置"), {Role.SYSTEM_ADMIN}),
    ("desk:admin_journal", "history", _("台账"), {Role.AUDITOR}),
    ("desk:about", "user", _("我"), None),
)


def to_dispatch(request, at):
    areas = areas_of(request, Role.CENTRE_DISPATCHER)
    if not areas:
        return None
    cases = Case.objects.visible_to(request.account).open().filter(subdistrict__in=areas)
    return cases.filter(lists.waits_for_dispatch(request.account, at))


def to_verify(request, at):
    return Case.objects.visible_to(request.account).filter(state__in=lists.states_for(Role.CENTRE_VERIFIER))


# What waits on each page: rows to be counted, None where nothing is.
WAITING = {
    "desk:home": lambda request, at: work_of(request),
    "desk:queue": to_dispatch,
    "desk:verify": to_verify,
    "desk:samples": lambda request, at: lists.waiting_samples(request.account, at),
    "desk:callbacks": lambda request, at: lists.waiting_callbacks(request.account, at),
}


def count(name, request, at):
    """How much waits on this page for the account, in words: "" for nothing."""
    if name in WAITING:
        rows = WAITING[name](request, at)
    else:
        asked = (plug.waiting(request.account, name) for plug in programmes() if name.startswith(f"{plug.label}:"))
        rows = next(asked, None)
    return "" if rows is None else lists.how_many(rows)


def nav(request, on=""):
    """The rail's entries for these posts; each page once, one that is not installed left out.

    `on` is the page one is on by the last part of its name ("threads"), where the address does not say it.
    """
    mine, at, seen, out = roles(request), timezone.now(), set(), []
    for name, icon, label, who in PAGES:
        if name in seen or (who is not None and not mine & who):
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        seen.add(name)
        here = name.endswith(on) if on else request.path == url
        out.append({"url": url, "icon": icon, "label": label, "count": count(name, request, at), "on": here})
    return out


def render(request, template, context, status=200):
    """The page in the frame of the desk."""
    return plain(request, template, {"nav": nav(request), **context}, status=status)
