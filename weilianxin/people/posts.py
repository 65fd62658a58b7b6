"""Posts held in areas for a time: who is on duty, who stands in for whom, and who stands above whom."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from weilianxin.areas.models import Area
from weilianxin.journal import log

from . import session, wechat
from .errors import GridWithoutWorker, Refused
from .models import Absence, Account, Post, Role

# Who serves a grid, in the order in which they stand in for one another.
DUTY_CHAIN = (Role.GRID_WORKER, Role.GRID_WORKER_BACKUP, Role.GRID_LEADER)
# The level each role belongs to; a post elsewhere is refused.
LEVEL_OF = {
    Role.GRID_WORKER: ("grid",),
    Role.GRID_WORKER_BACKUP: ("grid",),
    Role.GRID_LEADER: ("grid",),
    Role.COMMUNITY_SECRETARY: ("community",),
}
ELSEWHERE = ("subdistrict", "district")
# The steps up from a case, and which roles stand on each. Work that goes up goes to the first of a step.
LADDER = (
    ("grid", (Role.GRID_WORKER, Role.GRID_WORKER_BACKUP)),
    ("grid", (Role.GRID_LEADER,)),
    ("community", (Role.COMMUNITY_SECRETARY,)),
    ("subdistrict", (Role.CENTRE_DISPATCHER, Role.CENTRE_VERIFIER, Role.CALLBACK_OFFICER)),
    ("subdistrict", (Role.DUTY_LEADER,)),
)
SIGHT_STEP = {"grid": 0, "community": 2, "subdistrict": 3}  # below this step a case's posts do not see it


@dataclass(frozen=True)
class Duty:
    """Who serves a grid now, in what post; `standing_in_for` is the A post's holder when that is somebody else."""

    account: Account
    role: str
    standing_in_for: Account | None
    area: Area


def _away(accounts, at):
    """The ids of those of `accounts` who are absent at this moment."""
    rows = Absence.objects.filter(account__in=accounts, since__lte=at, until__gt=at)
    return set(rows.values_list("account_id", flat=True))


def _held(at):
    return Post.objects.at(at).filter(account__is_active=True).select_related("account").order_by("since", "id")


def on_duty_many(grids, at):
    """{grid id: Duty} for all `grids` that somebody serves at this moment. Two queries however many there are."""
    areas = {grid.pk: grid for grid in grids}
    posts = list(_held(at).filter(area__in=areas, role__in=DUTY_CHAIN))
    away = _away({post.account_id for post in posts}, at)
    by_grid = {}
    for post in sorted(posts, key=lambda post: DUTY_CHAIN.index(post.role)):  # stable: the longest-serving first
        by_grid.setdefault(post.area_id, []).append(post)
    duties = {}
    for grid_id, chain in by_grid.items():
        present = next((post for post in chain if post.account_id not in away), None)
        if present is None:
            continue
        main = next((post.account for post in chain if post.role == Role.GRID_WORKER), None)
        stands_in = main if main is not None and main.pk != present.account_id else None
        duties[grid_id] = Duty(present.account, present.role, stands_in, areas[grid_id])
    return duties


def on_duty(grid, at):
    """The Duty of one grid: the A post unless absent, else the B post, else the grid leader; None for nobody."""
    return on_duty_many([grid], at).get(grid.pk) if grid is not None else None


def holders(role, area, at):
    """The accounts that hold `role` in exactly this area and are not absent, the longest-serving first."""
    if area is None:
        return []
    accounts = [post.account for post in _held(at).filter(role=role, area=area)]
    away = _away(accounts, at)
    return [account for account in accounts if account.pk not in away]


def holder_of(role, area, at):
    """The account that has held `role` in exactly this area for the longest, present or not; None for nobody."""
    post = _held(at).filter(role=role, area=area).first() if area is not None else None
    return post.account if post else None


def people_above(case, at, exclude=()):
    """The named person above those in `exclude` (and above the case's closer), to whom a dispute or an alarm goes.

    Walks up from the grid leader over the community secretary and the centre's dispatcher to the duty leader, in the
    case's own areas, past whoever is absent, excluded, or the one complained about. It begins above the highest post
    of the excluded; above a duty leader stands only another duty leader. When everybody above is away, somebody who
    is away is named all the same: work without a name would be nobody's. None only where there is nobody at all.
    """
    below = [account for account in (*exclude, getattr(case, "closer", None)) if account is not None]
    barred = {account.pk for account in below} | {getattr(case, "about_account_id", None)}
    reach = Q(pk__in=[])
    for level, roles in LADDER:
        if getattr(case, f"{level}_id", None):
            reach |= Q(area_id=getattr(case, f"{level}_id"), role__in=roles)
    # A post that ended since the closing still says on which step its holder closed.
    moment = min(at, getattr(case, "closed_at", None) or at)
    posts = list(
        Post.objects.filter(reach, since__lte=at)
        .filter(Q(until__isnull=True) | Q(until__gt=moment))
        .select_related("account")
        .order_by("since", "id")
    )
    away = _away({post.account_id for post in posts}, at)
    lowest = max(1, SIGHT_STEP.get(getattr(case, "sight", "grid"), 0))
    for step, (_level, roles) in enumerate(LADDER):
        if any(post.role in roles and post.account_id in {account.pk for account in below} for post in posts):
            lowest = max(lowest, min(step + 1, len(LADDER) - 1))
    now = [p for p in posts if p.account.is_active and p.account_id not in barred and (not p.until or p.until > at)]
    for absent_too in (False, True):
        for _level, roles in LADDER[lowest:]:
            for post in now:
                if post.role == roles[0] and (absent_too or post.account_id not in away):
                    return post.account
    return None


def stand_ins(account, at, grid=None):
    """Who does the work of `account` while it is absent, first who does that of `grid`; nobody while it is there."""
    if not _away([account], at):
        return []
    covers = covers_of(account, at)
    covers.sort(key=lambda pair: grid is None or pair[0].area_id != grid.pk)  # stable
    return list(dict.fromkeys(cover for _post, cover in covers))


def covers_of(account, at):
    """[(post, who stands in)] for the posts that `account`, who is absent, holds at this moment."""
    posts = list(account.posts.at(at).select_related("area"))
    duties = on_duty_many([post.area for post in posts if post.role in DUTY_CHAIN], at)
    found = []
    for post in posts:
        if post.role in DUTY_CHAIN:
            duty = duties.get(post.area_id)
            others = [duty.account] if duty else []
        else:
            others = holders(post.role, post.area, at)
        found += [(post, other) for other in others[:1] if other.pk != account.pk]
    return found


def assign(account, role, area, at, by):
    """Give `account` the post `role` in `area` from `at`. Journalled. Returns the Post.

    Raises `Refused` for somebody who is not staff, a role that does not belong to this level, and a post held already.
    """
    if not account.is_staff_member or not account.is_active:
        raise Refused(_("只有在岗的工作人员可以任岗。"))
    if role not in Role.values:
        raise Refused(_("没有这个岗位。"), "role")
    if area.level not in LEVEL_OF.get(role, ELSEWHERE):
        raise Refused(_("“%(role)s”不设在“%(area)s”这一级。") % {"role": Role(role).label, "area": area.name}, "area")
    try:
        with transaction.atomic():
            post = Post.objects.create(account=account, role=role, area=area, since=at)
            _journal("post_assigned", by, account, at, role=role, area=area.code)
    except IntegrityError:
        raise Refused(_("这个人已经在这个岗位上了。")) from None
    return post


def end_post(post, at, by):
    """End a post; its rights are gone at the next request. Journalled.

    Raises `GridWithoutWorker` where its grid would be left with nobody on duty, now or in a stretch already known.
    """
    with transaction.atomic():
        if post.role in DUTY_CHAIN:
            _lock([post.area_id])
            _refuse_gap(post.area, at, None, without=lambda p: p.pk == post.pk)
        changed = Post.objects.filter(pk=post.pk, until__isnull=True).update(until=at)
        if changed:
            _journal("post_ended", by, post.account, at, role=post.role, area=post.area.code)
    post.refresh_from_db(fields=["until"])


def leave(account, at, by):
    """Somebody leaves: all posts end, the account is shut and its sessions with it. Journalled, all or nothing.

    Their number is free: for themselves as a resident, and for whoever has it next. WeChat lets go of them.

    Raises `GridWithoutWorker` like `end_post`.
    """
    with transaction.atomic():
        for post in account.posts.filter(until__isnull=True).select_related("area", "account"):
            end_post(post, at, by)
        Account.objects.filter(pk=account.pk).update(is_active=False, phone=None)
        session.end_all_sessions(account)
        wechat.let_go(account, at=at)
        _journal("account_shut", by, account, at)
    account.is_active, account.phone = False, None


def note_absence(account, kind, since, until, by, at):
    """Somebody is away from `since` to `until`. Journalled. Returns the Absence.

    Raises `GridWithoutWorker` where a grid would have nobody on duty at some moment of it, `Refused` for a stretch
    that makes no sense.
    """
    if kind not in dict(Absence._meta.get_field("kind").choices):
        raise Refused(_("请选为什么不在岗。"), "kind")
    if until <= since:
        raise Refused(_("结束的时间要晚于开始的时间。"), "until")
    if until <= at:
        raise Refused(_("这段时间已经过去了。"), "until")
    with transaction.atomic():
        held = Q(until__isnull=True) | Q(until__gt=since)
        posts = list(account.posts.filter(held, role__in=DUTY_CHAIN).select_related("area"))
        _lock({post.area_id for post in posts})
        for grid in {post.area_id: post.area for post in posts}.values():
            _refuse_gap(grid, max(since, at), until, without=lambda p: p.account_id == account.pk)
        absence = Absence.objects.create(account=account, kind=kind, since=since, until=until, noted_by=by)
        _journal("absence", by, account, at, kind=kind, since=since.isoformat(), until=until.isoformat())
    return absence


def end_absence(absence, at, by):
    """Somebody is back sooner (or does not leave at all)."""
    with transaction.atomic():
        if absence.since >= at:
            absence.delete()
        else:
            Absence.objects.filter(pk=absence.pk, until__gt=at).update(until=at)
        _journal("absence_ended", by, absence.account, at)


def uncovered(grids, at):
    """The grids that nobody serves at this moment."""
    grids = list(grids)
    duties = on_duty_many(grids, at)
    return [grid for grid in grids if grid.pk not in duties]


def _lock(area_ids):
    # Two who ask for leave at the same moment must see one another.
    list(Area.objects.select_for_update().filter(pk__in=area_ids).order_by("pk").values_list("pk", flat=True))


def _refuse_gap(grid, since, until, *, without):
    """Raise GridWithoutWorker when in [since, until) there is a moment without anybody; `without(post)` leaves out
    posts. `until` None looks as far as anything is known. A gap that was there before is not the fault of this."""
    later = Q(until__isnull=True) | Q(until__gt=since)
    posts = list(Post.objects.filter(later, area=grid, role__in=DUTY_CHAIN, account__is_active=True))
    absences = list(Absence.objects.filter(account__in=[p.account_id for p in posts], until__gt=since))
    moments = {since}
    for row in (*posts, *absences):
        moments |= {m for m in (row.since, row.until) if m and m > since and (until is None or m < until)}

    def served(moment, left_out=lambda post: False):
        away = {a.account_id for a in absences if a.since <= moment < a.until}
        return any(
            p.since <= moment and (p.until is None or moment < p.until) and p.account_id not in away and not left_out(p)
            for p in posts
        )

    if any(not served(moment, without) and served(moment) for moment in moments):
        raise GridWithoutWorker(grid)


def _journal(action, by, account, at, **facts):
    log.append("posts", action, by.ref if by is not None else "system", {"account": account.ref, **facts}, at=at)
