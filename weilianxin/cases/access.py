"""Who may see a case, decided where it is loaded; and in what capacities somebody may act on it."""

from dataclasses import dataclass, field

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .flow import HANDLER, REPORTER, SYSTEM

# From the narrowest to the widest; a case's `sight` is the narrowest level whose posts may see it.
LEVELS = ("grid", "community", "subdistrict", "district")
# Posts that look after the installation and not after cases.
BLIND_ROLES = frozenset({"system_admin", "auditor"})


def posts_of(account, at=None):
    """The account's posts now, read afresh (a removed post loses its rights at the next request)."""
    if account is None or not account.is_staff_member or not account.is_active:
        return []
    return list(account.posts.at(at or timezone.now()).select_related("area"))


def staff_q(posts, account):
    """The cases these posts reach: an equality on the level column each, never complaints about oneself."""
    reach = Q(pk__in=[])
    for post in posts:
        if post.role in BLIND_ROLES:
            continue
        level = post.area.level
        seen = LEVELS[: LEVELS.index(level) + 1]
        reach |= Q(**{f"{level}_id": post.area_id, "sight__in": [s for s in seen if s != "district"]})
    return reach & (Q(about_account__isnull=True) | ~Q(about_account=account))


def late(at):
    """What is overdue at `at`; a clock that stands still is not."""
    return Q(phase__in=("new", "active"), next_due_at__lt=at)


def ends_today(at):
    """The end of the local day of `at`."""
    return timezone.localtime(at).replace(hour=23, minute=59, second=59, microsecond=999999)


class CaseQuerySet(models.QuerySet):
    def visible_to(self, account, at=None):
        """What this account may open. Everybody else's cases do not exist for them."""
        if account is None:
            return self.none()
        if not account.is_staff_member:
            return self.filter(reporter=account)
        return self.filter(staff_q(posts_of(account, at), account))

    def open(self):
        return self.filter(phase__in=("new", "active", "waiting"))

    def soonest_first(self, urgent=False):
        """By what is due next; with `urgent` the more urgent ahead of all others."""
        return self.order_by(*(["urgency"] if urgent else []), models.F("next_due_at").asc(nulls_last=True), "id")


def may_hear(case, actor):
    """Whether this actor may hear the reporter's voice note: a voice tells who speaks, whatever name is hidden."""
    return case.sound_id is not None and may_know_reporter(case, actor)


@dataclass(frozen=True)
class Actor:
    """Who acts on one case, and as what. `ref` is what the journal keeps."""

    account: object = None
    roles: frozenset = frozenset()
    task: object = None
    named: str = ""
    areas: dict = field(default_factory=dict)  # role -> level of the post

    @property
    def ref(self):
        if self.task is not None:
            return f"unit:{self.task.unit.ref}"
        return self.account.ref if self.account else SYSTEM

    @property
    def name(self):
        if self.task is not None:
            return f"{self.task.unit.name_zh} {self.named}".strip()
        return self.account.name if self.account else ""

    def role_for(self, move):
        """The capacity in which this move is done: the first of the move's roles that the actor has."""
        return next((role for role in move.roles if role in self.roles), None)


SYSTEM_ACTOR = Actor(roles=frozenset({SYSTEM}))


def actor_on(case, account, at=None, posts=None):
    """The capacities of `account` on `case`: reporter, and each post whose area covers it."""
    roles, areas = set(), {}
    if account is not None and case.reporter_id == account.pk:
        roles.add(REPORTER)
    for post in posts_of(account, at) if posts is None else posts:
        level = post.area.level
        covers = getattr(case, f"{level}_id") == post.area_id
        if covers and LEVELS.index(level) >= LEVELS.index(case.sight) and post.role not in BLIND_ROLES:
            roles.add(post.role)
            areas[post.role] = level
    if account is not None and case.about_account_id == account.pk:
        roles &= {REPORTER}
    return Actor(account=account, roles=frozenset(roles), areas=areas)


def handler_on(task, named):
    """The named person of an outside unit behind a link and a code."""
    return Actor(roles=frozenset({HANDLER}), task=task, named=named)


def may_know_reporter(case, actor):
    """Whether this actor may learn who reported (N0 all staff on it, N1 the worker and the centre, N2 the centre)."""
    if case.reporter_id is None or actor.task is not None:
        return False
    if REPORTER in actor.roles:
        return True
    levels = set(actor.areas.values())
    centre = bool(levels & {"subdistrict", "district"})
    if case.anonymity == "N2":
        return centre
    if case.anonymity == "N1":
        return centre or bool(actor.roles & {"grid_worker", "grid_worker_backup"})
    return bool(levels)
