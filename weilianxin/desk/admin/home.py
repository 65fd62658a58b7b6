"""The administrator's first page: what the installation still lacks, and what waits to be sent."""

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from weilianxin.areas.calendar import missing_years
from weilianxin.journal.models import Checkpoint
from weilianxin.notify.deliver import backlog
from weilianxin.people.session import admin_required

from .frame import navigation, page


@require_safe
@admin_required
def home(request):
    """What `weilianxin check` says, the outbox, the last checkpoint, and the way to every page."""
    at = timezone.now()
    context = {
        "problems": import_string(settings.CHECK)(at),
        "outbox": backlog(at),
        "mark": Checkpoint.objects.order_by("-size").first(),
        "missing_years": missing_years(timezone.localdate(at)),
        "pages": navigation(request)[1:-1],
    }
    return page(request, "desk/admin/home.html", context)
