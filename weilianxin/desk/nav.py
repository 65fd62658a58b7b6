"""The rail beside every page of staff: what one's posts bring, with a count only of what waits for oneself."""

from django.shortcuts import render as plain
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from weilianxin.cases.models import Case
from weilianxin.people.models import Role

from . import lists
from .reach import GRID_ROLES, areas_of, roles

GRID = {*GRID_ROLES, Role.GRID_LEADER}
# page, drawing, word, who sees it (None: everybody)
PAGES = (
    ("desk:home", "list", _("待办"), {*GRID_ROLES}),
    ("desk:grids", "map", _("网格"), {Role.GRID_LEADER}),
    ("desk:queue", "list", _("分派"), {Role.CENTRE_DISPATCHER, Role.DUTY_LEADER}),
    ("desk:board", "chart", _("看板"), {Role.COMMUNITY_SECRETARY, Role.DUTY_LEADER}),
    ("reports:staff_threads", "talk", _("消息"), GRID),
    ("desk:verify", "ok", _("核实"), {Role.CENTRE_VERIFIER, Role.COMMUNITY_SECRETARY}),
    ("desk:samples", "check", _("抽查"), {Role.GRID_LEADER}),
    ("desk:callbacks", "phone", _("回访"), {Role.CALLBACK_OFFICER, Role.COMMUNITY_SECRETARY}),
    ("desk:search", "search", _("查事"), {*Role} - {Role.SYSTEM_ADMIN, Role.AUDITOR}),
    ("desk:admin_home", "set", _("设置"), {Role.SYSTEM_ADMIN}),
    ("desk:admin_journal", "history", _("日志"), {Role.AUDITOR}),
    ("desk:about", "user", _("我"), None),
)


def count_queue(request, at):
    areas = areas_of(request, Role.CENTRE_DISPATCHER)
    if not areas:
        return 0
    cases = Case.objects.visible_to(request.account).open().filter(subdistrict__in=areas)
    return cases.filter(lists.waits_for_dispatch(request.account, at))[:100].count()


def count_verify(request, at):
    cases = Case.objects.visible_to(request.account).filter(state__in=lists.states_for(Role.CENTRE_VERIFIER))
    return cases[:100].count()


def count_callbacks(request, at):
    return lists.waiting_callbacks(request.account, at)[:100].count()


COUNTS = {"desk:queue": count_queue, "desk:verify": count_verify, "desk:callbacks": count_callbacks}


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
        count = COUNTS[name](request, at) if name in COUNTS else 0
        out.append({"url": url, "icon": icon, "label": label, "count": count, "on": here})
    return out


def render(request, template, context, status=200):
    """The page in the frame of the desk."""
    return plain(request, template, {"nav": nav(request), **context}, status=status)
