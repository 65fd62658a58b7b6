"""The first page: my grid worker like a door plate, what I reported, and what to do in danger."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from weilianxin.cases.models import Case
from weilianxin.people.models import Role
from weilianxin.people.posts import holders, on_duty
from weilianxin.people.residents import dwelling_of

from . import demo
from .cards import cards, for_cards

MOST = 5  # matters on the first page; the rest one tap away


@require_safe
@never_cache
def home(request):
    account = request.account
    at = timezone.now()
    if account is None or account.is_staff_member:
        return render(request, "portal/welcome.html", {"roster": demo.roster()})
    dwelling = dwelling_of(account)
    mine = open_matters(account, at)
    context = {
        "plate": worker_plate(dwelling.place, at) if dwelling else None,
        "cards": mine,
        "waiting": sum(card["turn"] for card in mine),
        "roster": demo.roster(),
    }
    return render(request, "portal/home_elder.html" if request.elder else "portal/home.html", context)


def open_matters(account, at):
    """The cards of what is not over for this person: open ones, and closed ones that wait for their word."""
    cases = for_cards(Case.objects.visible_to(account))
    found = cases.open() | cases.filter(phase="done", disputable_until__gte=at, rated=False)
    return cards(found.order_by("-created_at", "-id")[:MOST], at)


def worker_plate(place, at):
    """What pieces/plate.html shows for a place: its address, its grid, and who serves it now."""
    grid = place.grid or (place.parent.grid if place.parent else None)
    duty = on_duty(grid, at)
    backups = holders(Role.GRID_WORKER_BACKUP, grid, at) if duty and duty.role == Role.GRID_WORKER else []
    community = grid.community if grid else place.community
    return {
        "address": entrance_of(place),
        "grid": grid,
        "community": community,
        "duty": duty,
        "worker": duty.account if duty else None,
        "hours": (grid.hours if grid else "") or (community.hours if community else ""),
        "backup": backups[0] if backups else None,
    }


def entrance_of(place):
    """The address down to the entrance: a room number is nobody else's business."""
    if place.kind == "room" and place.parent:
        return place.parent.full_name
    return place.full_name
