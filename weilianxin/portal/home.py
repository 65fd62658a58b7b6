"""The first page: my grid worker like a door plate, what I reported, and what to do in danger."""

from django.conf import settings
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from weilianxin.cases.cards import open_matters
from weilianxin.people.plate import worker_plate
from weilianxin.people.residents import dwelling_of

from . import demo


@require_safe
@never_cache
def home(request):
    account = request.account
    at = timezone.now()
    if account is None or account.is_staff_member:
        return render(
            request, "portal/welcome.html", {"roster": demo.roster(), "plates": demo.plates() if settings.DEMO else []}
        )
    dwelling = dwelling_of(account)
    mine = open_matters(account, at)
    context = {
        "plate": worker_plate(dwelling.place, at) if dwelling else None,
        "cards": mine,
        "waiting": sum(card["turn"] for card in mine),
        "roster": demo.roster(),
        "plates": demo.plates() if settings.DEMO else [],
    }
    return render(request, "portal/home_elder.html" if request.elder else "portal/home.html", context)
