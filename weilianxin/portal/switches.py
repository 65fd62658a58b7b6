"""Large type and language: cookies, one tap both ways."""

from django.conf import settings
from django.http import HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from weilianxin.people import mydata
from weilianxin.people.session import safe_next

YEAR = 365 * 24 * 3600


def kept(response, name, value):
    response.set_cookie(name, value, max_age=YEAR, secure=settings.HTTPS, httponly=True, samesite="Lax")
    return response


@require_POST
def elder(request):
    there = HttpResponseRedirect(safe_next(request))
    return kept(there, "elder", "1" if request.POST.get("elder") == "1" else "0")


@require_POST
def language(request):
    """Also what a signed-in person's messages are written in from now on."""
    there = HttpResponseRedirect(safe_next(request))
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return there
    if request.account is not None:
        mydata.correct(request.account, language=chosen, at=timezone.now())
    return kept(there, settings.LANGUAGE_COOKIE_NAME, chosen)
