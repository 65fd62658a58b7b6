"""A scanned plate: the place and who serves it, for anybody, without signing in."""

from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from weilianxin.areas.plates import replaced, resolve
from weilianxin.lib.client import address_of
from weilianxin.people import throttle
from weilianxin.people.plate import MISSES, WITHIN, worker_plate

from .errors import error_page


@require_safe
def plate(request, code):
    """200 with the worker, 410 for a plate taken out of use, 404 for none, 429 for somebody who guesses."""
    at = timezone.now()
    found = resolve(code)
    if found is None:
        if not throttle.allow("plate", address_of(request), limit=MISSES, seconds=WITHIN, at=at):
            return error_page(request, 429, _("请歇一会儿再扫"), _("试得太多了。请过一小时再来，或打社区电话。"))
        raise Http404
    if found.revoked_at:
        context = {"place": found.place, "code": found.code, "replaced": replaced(found)}
        return render(request, "portal/plate_revoked.html", context, status=410)
    context = {"code": found.code, "place": found.place, "plate": worker_plate(found.place, at)}
    return render(request, "portal/plate.html", context)
