"""The loop over clocks: whatever alarm has come is answered by its programme, one case and transaction at a time."""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from weilianxin.lib.programme import programme

from .models import Case

log = logging.getLogger(__name__)
LATER = timedelta(minutes=5)  # when to try again what failed


def ring_due(at=None, limit=200):
    """Answer up to `limit` alarms that are due at `at`; returns how many. Any number of loops may run."""
    at = at or timezone.now()
    rung = 0
    for _turn in range(limit):
        if not Case.objects.filter(alarm_at__lte=at).exists():  # an idle loop takes no write lock
            break
        pk = None
        try:
            with transaction.atomic():
                due = Case.objects.filter(alarm_at__lte=at).order_by("alarm_at", "id")
                skip = connection.features.has_select_for_update_skip_locked
                case = due.select_for_update(of=("self",), skip_locked=skip).first()
                if case is None:
                    break
                pk = case.pk
                programme(case.programme).on_alarm(case, at)
        except Exception as error:
            if pk is None:
                raise
            # One broken case must not stop the others; its people are told by the next try.
            log.error("the alarm of a case failed with %s", type(error).__name__)
            Case.objects.filter(pk=pk).update(alarm_at=at + LATER)
        rung += 1
    return rung
