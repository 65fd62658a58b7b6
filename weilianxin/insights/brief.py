"""The morning brief: what is due, late, unhappy, unusual and undecided for one person, and once a work day a message.

Whoever has nothing of it is told nothing.
"""

import logging
from datetime import datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from weilianxin.areas.calendar import work_calendar
from weilianxin.areas.models import Place
from weilianxin.cases.access import ends_today, late, posts_of
from weilianxin.cases.models import Case, Rating
from weilianxin.notify.send import tell
from weilianxin.people.models import Absence, Post, Role

from . import given
from .models import Morning
from .rates import BAD_RATING, streets

log = logging.getLogger(__name__)

CENTRE = (Role.DUTY_LEADER, Role.CENTRE_DISPATCHER)
ROLES = (*CENTRE, Role.COMMUNITY_SECRETARY, Role.GRID_LEADER, Role.GRID_WORKER, Role.GRID_WORKER_BACKUP)
LASTS = timedelta(hours=3)  # how long after its time a brief is still one of the morning
KEPT = timedelta(days=31)
WEEK, PAST, WEEKS = timedelta(days=7), timedelta(days=35), 4
MOST_UNUSUAL = 5

LINES = {
    "overdue": gettext_lazy("已经超期"),
    "today": gettext_lazy("今天到期"),
    "disputed": gettext_lazy("居民不认可，正在重办"),
    "bad": gettext_lazy("评价不满意，还没有回访"),
    "pending": gettext_lazy("等您决定的申请"),
    "review": gettext_lazy("挂起的，今天到日子"),
    "unusual": gettext_lazy("比平时多"),
}


class Desk:
    """One person at one moment: what their posts make theirs to look after."""

    def __init__(self, account, at, posts=None):
        posts = posts_of(account, at) if posts is None else posts
        self.account, self.at = account, at
        self.posts = [post for post in posts if post.role in ROLES]
        self.roles = {post.role for post in self.posts}
        self.areas = [post.area for post in self.posts]

    @property
    def place(self):
        """What lies in the areas of these posts; of a dispatcher's only what nobody else has in hand."""
        found = Q(pk__in=[])
        for post in self.posts:
            here = Q(**{f"{post.area.level}_id": post.area_id})
            if post.role == Role.CENTRE_DISPATCHER:
                here &= Q(grid__isnull=True) | Q(returned__gt=0)
            found |= here
        return found

    @property
    def cases(self):
        seen = Case.objects.visible_to(self.account, self.at)
        return seen.filter(self.place | Q(holder=self.account) if self.posts else Q(pk__in=[]))


def conditions(at):
    """The lines that are conditions on what is open."""
    return {
        "overdue": late(at),
        "today": Q(phase__in=("new", "active"), next_due_at__range=(at, ends_today(at))),
        "disputed": Q(phase__in=("new", "active")) & (Q(reopened__gt=0) | Q(contested__gt=0)),
        "review": Q(phase="waiting", review_at__lte=ends_today(at)),
    }


def behind(desk, line):
    """The cases of one line of LINES but the unusual ones; KeyError for no line."""
    if line == "pending":
        mine = desk.roles & set(CENTRE)
        wide = Q(subdistrict__in=streets([p.area for p in desk.posts if p.role in mine])) if mine else Q(pk__in=[])
        return Case.objects.visible_to(desk.account, desk.at).filter(wide).exclude(pending="")
    if line == "bad":
        # Nobody looks after the rating of their own work.
        waiting = Rating.objects.filter(
            subdistrict__in=streets(desk.areas), level__lte=BAD_RATING, callback_at__isnull=True
        ).exclude(rated=desk.account)
        return desk.cases.filter(pk__in=waiting.values("case"))
    return desk.cases.open().filter(conditions(desk.at)[line])


def unusual(desk):
    """Categories and compounds of which the last seven days brought far more than the weeks before.

    The rule is plain: at least so many, and at least so many times the weekly mean of the four weeks before, both
    parameters. Where hardly anything came before there is nothing to compare with.
    """
    if not desk.posts:
        return []
    said = given.parameters("unusual_least", "unusual_times")
    least, times = int(said.get("unusual_least", 5)), int(said.get("unusual_times", 3))
    came = recent(desk, PAST)
    recently = Q(created_at__gte=desk.at - WEEK)
    found = []
    for field in ("category", "compound"):
        rows = came.exclude(**({"category": ""} if field == "category" else {"compound": None}))
        rows = (
            rows.order_by()
            .values(field)
            .annotate(week=Count("pk", filter=recently), before=Count("pk", filter=~recently))
        )
        rows = list(rows)
        if sum(row["before"] for row in rows) < least:
            continue
        found += [
            {"field": field, "key": row[field], "n": row["week"], "mean": round(row["before"] / WEEKS, 1)}
            for row in rows
            if row["week"] >= least and row["week"] * WEEKS >= times * row["before"]
        ]
    found = sorted(found, key=lambda row: (-row["n"], row["field"], str(row["key"])))[:MOST_UNUSUAL]
    called = {
        field: names(field, [row["key"] for row in found if row["field"] == field])
        for field in ("category", "compound")
    }
    for row in found:
        row["name"] = called[row["field"]].get(row["key"], "")
    return found


def names(field, keys):
    """{key: how people call it} of categories or compounds."""
    if field == "category":
        return given.category_names(keys)
    return dict(Place.objects.filter(pk__in=keys).values_list("pk", "full_name"))


def recent(desk, span, **which):
    """What came to one's places within `span`; sensitive matters are in no such comparison."""
    seen = Case.objects.visible_to(desk.account, desk.at)
    return seen.filter(
        desk.place,
        subdistrict__in=streets(desk.areas),
        created_at__gte=desk.at - span,
        created_at__lte=desk.at,
        parent__isnull=True,
        sensitive=False,
        **which,
    ).exclude(Q(phase="void") | Q(channel__in=("patrol", "source")))


def brief(account, at, posts=None):
    """The lines that have something, in the order of LINES: dicts of `key`, `label`, `n` and, for what is unusual,
    `rows`. Empty for whoever has nothing. The number of queries does not depend on the data."""
    desk = Desk(account, at, posts)
    if not desk.posts:
        return []
    counts = desk.cases.open().aggregate(**{name: Count("pk", filter=which) for name, which in conditions(at).items()})
    counts["bad"] = behind(desk, "bad").count()
    counts["pending"] = behind(desk, "pending").count() if desk.roles & set(CENTRE) else 0
    rows = unusual(desk)
    counts["unusual"] = len(rows)
    return [
        {"key": key, "label": label, "n": counts[key], "rows": rows if key == "unusual" else []}
        for key, label in LINES.items()
        if counts[key]
    ]


def words(lines):
    """A brief on one line, for the message."""
    said = []
    for line in lines:
        if line["key"] == "unusual":
            said += [
                _("%(what)s近 7 天 %(n)s 件，比平时多") % {"what": row["name"], "n": row["n"]} for row in line["rows"]
            ]
        else:
            said.append(_("%(what)s %(n)s 件") % {"what": line["label"], "n": line["n"]})
    return _("；").join(said)


# Once a work day


def send_due(at):
    """Say the morning's brief to everybody who has one and is here; returns how many. Any number of loops may run."""
    day = timezone.localdate(at)
    begin = time.fromisoformat(given.parameters("brief_time").get("brief_time", "08:20"))
    begin = datetime.combine(day, begin, timezone.get_default_timezone())
    if not begin <= at < begin + LASTS or not work_calendar().is_workday(day):
        return 0
    posts = Post.objects.at(at).filter(role__in=ROLES, account__is_active=True)
    posts = posts.exclude(account__in=Morning.objects.filter(day=day).values("account")).select_related(
        "account", "area"
    )
    people = {}
    for post in posts.order_by("account_id", "id"):
        people.setdefault(post.account_id, []).append(post)
    here = Absence.objects.filter(account__in=list(people), since__lte=at, until__gt=at)
    for pk in here.values_list("account_id", flat=True):
        people.pop(pk, None)
    sent = 0
    for mine in people.values():
        try:
            sent += _say(mine[0].account, mine, day, at)
        except Exception as error:  # one person's brief must not keep the others from theirs
            log.error("a brief failed with %s", type(error).__name__)
    if people:
        Morning.objects.filter(day__lt=day - KEPT).delete()
    return sent


def _say(account, posts, day, at):
    with override(account.language):
        lines = brief(account, at, posts)
        said = words(lines)
    try:
        with transaction.atomic():
            # The row is the claim: whoever comes second finds it there, and has said nothing.
            Morning.objects.create(account=account, day=day, said=bool(lines))
            if lines:
                values = {
                    "name": account.name,
                    "reason": said,
                    "number": str(sum(line["n"] for line in lines)),
                    "place": "、".join(sorted({post.area.name_zh for post in posts})),
                    "due": ends_today(at),
                }
                tell("brief", "staff", account, values=values, url=reverse("desk:brief"), key=f"brief:{day}", at=at)
    except IntegrityError:
        if Morning.objects.filter(account=account, day=day).exists():
            return 0
        raise
    return int(bool(lines))
