"""/healthz: whether the service can do its work now, for a monitor. Says nothing about people or secrets."""

import logging
import shutil

from django.conf import settings
from django.db import DatabaseError, transaction
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from weilianxin.areas.models import Plate
from weilianxin.notify.deliver import backlog

from .work import heartbeat_age

log = logging.getLogger(__name__)

LOOP_MAY_REST = 180  # seconds without a sign of life of the work loop
OLDEST_MAY_WAIT = 3600  # seconds a message that is due may wait
DISK_AT_LEAST = 200 * 1024 * 1024  # bytes


def database_takes_writes():
    """Whether a write transaction can begin and write; it changes nothing."""
    try:
        with transaction.atomic():
            Plate.objects.filter(pk=0).update(code="")
            transaction.set_rollback(True)
        return True
    except DatabaseError:
        log.exception("the database takes no writes")
        return False


def state(at=None):
    """What /healthz answers, as a dict; `ok` is whether all of it is well."""
    at = at or timezone.now()
    answer = {"database": database_takes_writes()}
    age = heartbeat_age()
    answer["work_loop_seconds"] = None if age is None else round(age)
    answer["work_loop"] = age is not None and age <= LOOP_MAY_REST
    answer["disk"] = shutil.disk_usage(settings.DATA_DIR).free >= DISK_AT_LEAST
    if answer["database"]:
        waiting = backlog(at)
        oldest = waiting["oldest_due_at"]
        seconds = 0 if oldest is None else max(0, round((at - oldest).total_seconds()))
        answer["outbox"] = {"oldest_seconds": seconds, **{name: waiting[name] for name in ("waiting", "dead", "held")}}
    # A gateway that is down makes messages wait; the service itself still works, so this alone is no 503.
    answer["late_messages"] = answer.get("outbox", {}).get("oldest_seconds", 0) > OLDEST_MAY_WAIT
    answer["ok"] = answer["database"] and answer["work_loop"] and answer["disk"]
    return answer


@never_cache
@require_safe
def healthz(request):
    answer = state()
    return JsonResponse(answer, status=200 if answer["ok"] else 503)
