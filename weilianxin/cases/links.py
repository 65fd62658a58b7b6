"""How an outside unit acts without an account: an expiring, revocable link plus a code to its registered phone."""

import secrets
from datetime import timedelta

from django.urls import reverse

from weilianxin.lib.digests import keyed_digest

from .models import Task

LINK_DAYS = 30


def issue_link(task, at):
    """A fresh link for this task; the ones before it die. Only its keyed hash is kept. Returns the path."""
    token = secrets.token_urlsafe(18)
    task.link_digest = keyed_digest("handler-link", token)
    task.link_until = at + timedelta(days=LINK_DAYS)
    task.link_revoked_at = None
    task.save(update_fields=["link_digest", "link_until", "link_revoked_at"])
    return reverse("handler:task", args=[token])


def sent_anew(task):
    """The moment of the task's present link where there was another before it; None for its first one."""
    made = task.link_until - timedelta(days=LINK_DAYS)
    return made if made > task.issued_at else None


def revoke_link(task, at):
    Task.objects.filter(pk=task.pk, link_revoked_at__isnull=True).update(link_revoked_at=at)


def task_behind(token, at):
    """The live task behind a link, or None: expired, revoked, ended and invented ones look the same, and those of a
    unit that was stopped."""
    return (
        Task.objects.select_related("case", "unit", "case__place", "case__compound", "case__grid")
        .filter(
            link_digest=keyed_digest("handler-link", token),
            link_until__gt=at,
            link_revoked_at__isnull=True,
            unit__is_active=True,
            state__in=(Task.ISSUED, Task.SIGNED, Task.DONE),
        )
        .first()
    )
