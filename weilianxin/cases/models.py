"""The case, its timeline and what hangs on it. A programme adds one record of its own facts beside it."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from weilianxin.areas.models import Area, Place
from weilianxin.files.models import Photo, Sound
from weilianxin.people.models import Account, Unit

from .access import CaseQuerySet


class Phase(models.TextChoices):
    NEW = "new", _("新来")
    ACTIVE = "active", _("在办")
    WAITING = "waiting", _("等待")
    DONE = "done", _("办结")
    VOID = "void", _("作废")


class Outcome(models.TextChoices):
    SOLVED = "solved", _("已解决")
    PARTLY = "partly", _("解决了一部分")
    EXPLAINED = "explained", _("已说明情况")
    CANNOT_NOW = "cannot_now", _("暂不能解决")
    TRANSFERRED = "transferred", _("已转其他渠道")
    WITHDRAWN = "withdrawn", _("已撤回")
    DUPLICATE = "duplicate", _("与别的报事相同")


class Pending(models.TextChoices):
    """What a case waits for besides its work: a decision of the centre that somebody asked for."""

    EXTEND = "extend", _("申请延期")
    SUSPEND = "suspend", _("申请挂起")
    MEETING = "meeting", _("等会办")
    OBJECTION = "objection", _("对指定有异议")
    VOID = "void", _("提议作废")
    EXCLUDE = "exclude", _("提议剔除")


class Ground(models.TextChoices):
    """Why a closed case counts in no rate: it is listed with who agreed, never hidden."""

    FORCE = "force", _("不可抗力")
    UNREASONABLE = "unreasonable", _("诉求经查不合理")
    UNREACHED = "unreached", _("联系不上报事人")


class Sight(models.TextChoices):
    """The smallest level whose posts may see the case. A complaint about a worker rises above the worker."""

    GRID = "grid", _("网格")
    COMMUNITY = "community", _("社区")
    SUBDISTRICT = "subdistrict", _("街道")


class Anonymity(models.TextChoices):
    N0 = "N0", _("办理的人都可以知道")
    N1 = "N1", _("只有网格员和街道中心知道")
    N2 = "N2", _("只有街道中心知道")


class Urgency(models.TextChoices):
    U0 = "U0", _("特急")
    U1 = "U1", _("紧急")
    U2 = "U2", _("一般")
    U3 = "U3", _("咨询建议")


def opaque():
    return secrets.token_hex(12)


def area_key(**options):
    return models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+", **options)


class Case(models.Model):
    """One matter: one owner, one deadline, one public truth about how it ended."""

    number = models.CharField(max_length=16, unique=True)
    stream = models.CharField(max_length=24, unique=True, default=opaque)  # its journal stream
    programme = models.CharField(max_length=24)
    state = models.CharField(max_length=20)
    phase = models.CharField(max_length=8, choices=Phase.choices)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    version = models.PositiveIntegerField(default=0)  # every act raises it; the compare in compare-and-set

    title = models.CharField(max_length=120)
    category = models.CharField(max_length=24, blank=True)
    urgency = models.CharField(max_length=2, choices=Urgency.choices, default=Urgency.U2)
    channel = models.CharField(max_length=16, default="web")
    reporter = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="cases")
    anonymity = models.CharField(max_length=2, choices=Anonymity.choices, default=Anonymity.N1)

    district = area_key()
    subdistrict = area_key()
    community = area_key(null=True)
    grid = area_key(null=True)
    place = models.ForeignKey(Place, null=True, on_delete=models.PROTECT, related_name="+")
    compound = models.ForeignKey(Place, null=True, on_delete=models.PROTECT, related_name="+")
    place_text = models.CharField(max_length=256, blank=True)  # what was said or written about the place
    # The reporter's voice note: one, of no other case, heard by those who may know who reported.
    sound = models.OneToOneField(Sound, null=True, on_delete=models.PROTECT, related_name="case")
    lat = models.FloatField(null=True)  # WGS-84
    lon = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)

    sight = models.CharField(max_length=12, choices=Sight.choices, default=Sight.GRID)
    sensitive = models.BooleanField(default=False)  # never in public lists, search, maps or drill-down
    about_account = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    about_unit = models.ForeignKey(Unit, null=True, on_delete=models.SET_NULL, related_name="+")

    holder = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="held_cases")
    unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")  # who signed for it
    closer = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    route = models.JSONField(default=dict)  # channel, lead, assists, reasons: frozen as given

    # What was promised, frozen at acceptance: rule version, limits in the notation of lib.clock, deadlines.
    rule_version = models.CharField(max_length=24, blank=True)
    accept_limit = models.CharField(max_length=8, blank=True)
    on_site_limit = models.CharField(max_length=8, blank=True)
    handle_limit = models.CharField(max_length=8, blank=True)
    extra_limit = models.CharField(max_length=8, blank=True)  # one extension, running on from where the limit ends
    calendar = models.CharField(max_length=16, blank=True)  # the edition of the work calendar it is counted by
    clock_from = models.DateTimeField(null=True)  # when the handling clock started
    accept_due_at = models.DateTimeField(null=True)
    on_site_due_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    review_at = models.DateTimeField(null=True)  # suspended until then at the latest
    pending = models.CharField(max_length=10, choices=Pending.choices, blank=True)
    excluded = models.CharField(max_length=12, choices=Ground.choices, blank=True)  # 剔除: counts in no rate
    # What is due next in this case's life; the column every list sorts by and the loop watches.
    next_due_at = models.DateTimeField(null=True)
    alarm_at = models.DateTimeField(null=True)
    alarm_step = models.PositiveSmallIntegerField(default=0)

    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    disputable_until = models.DateTimeField(null=True)
    rateable_until = models.DateTimeField(null=True)

    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="joined")
    recurs_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="recurrences")
    headcount = models.PositiveIntegerField(default=1)
    closings = models.PositiveSmallIntegerField(default=0)
    reopened = models.PositiveSmallIntegerField(default=0)
    reworked = models.PositiveSmallIntegerField(default=0)
    returned = models.PositiveSmallIntegerField(default=0)
    extended = models.PositiveSmallIntegerField(default=0)
    asked = models.PositiveSmallIntegerField(default=0)
    contested = models.PositiveSmallIntegerField(default=0)

    objects = CaseQuerySet.as_manager()

    class Meta:
        # One index per list: scope level, phase, the page's order.
        indexes = [
            models.Index(fields=["grid", "phase", "next_due_at", "id"], name="case_grid"),
            models.Index(fields=["community", "phase", "next_due_at", "id"], name="case_community"),
            models.Index(fields=["subdistrict", "phase", "next_due_at", "id"], name="case_subdistrict"),
            models.Index(fields=["reporter", "-created_at", "-id"], name="case_reporter"),
            models.Index(fields=["holder", "phase", "next_due_at", "id"], name="case_holder"),
            models.Index(fields=["category", "cell", "created_at"], name="case_near"),
            models.Index(fields=["alarm_at", "id"], condition=Q(alarm_at__isnull=False), name="case_alarm"),
            models.Index(fields=["subdistrict", "next_due_at"], condition=~Q(pending=""), name="case_pending"),
            # A month of one subdistrict, for its numbers.
            models.Index(fields=["subdistrict", "closed_at", "id"], name="case_closed"),
            models.Index(fields=["subdistrict", "accept_due_at", "id"], name="case_answer_due"),
            models.Index(fields=["subdistrict", "created_at", "id"], name="case_came"),
        ]

    def __str__(self):
        return self.number

    @property
    def paused(self):
        return self.phase == Phase.WAITING

    @property
    def is_open(self):
        return self.phase in (Phase.NEW, Phase.ACTIVE, Phase.WAITING)


class Event(models.Model):
    """One line of the timeline: history, notice and statistics at once. Never edited; erasure empties `note`."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    act = models.CharField(max_length=24)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    actor = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    role = models.CharField(max_length=24)  # in what capacity: a Role, reporter, handler or system
    unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    named = models.CharField(max_length=40, blank=True)  # the named person of an outside unit
    note = models.TextField(blank=True)  # what was said, in the actor's words
    internal = models.BooleanField(default=False)  # the reporter does not read it
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["case", "seq"], name="event_once")]


class Pause(models.Model):
    """A stretch in which both clocks of a case stand still."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="pauses")
    cause = models.CharField(max_length=16)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case"], condition=Q(until__isnull=True), name="one_open_pause")]


class Task(models.Model):
    """What an outside unit is asked to do, with its own limit, reached by an expiring, revocable link."""

    LEAD, ASSIST = "lead", "assist"
    ISSUED, SIGNED, DONE, RETURNED, CANCELLED = "issued", "signed", "done", "returned", "cancelled"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tasks")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="tasks")
    part = models.CharField(max_length=6, choices=[(LEAD, _("主办")), (ASSIST, _("协办"))], default=LEAD)
    state = models.CharField(
        max_length=10,
        default=ISSUED,
        choices=[
            (ISSUED, _("等签收")),
            (SIGNED, _("已签收")),
            (DONE, _("已反馈")),
            (RETURNED, _("已退回")),
            (CANCELLED, _("已取消")),
        ],
    )
    note = models.TextField(blank=True)  # what the dispatcher asks for, in words without names
    reason = models.CharField(max_length=200, blank=True)  # why this unit
    issued_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    signed_at = models.DateTimeField(null=True)
    signed_by = models.CharField(max_length=40, blank=True)
    sign_due_at = models.DateTimeField(null=True)
    return_until = models.DateTimeField(null=True)
    chased_at = models.DateTimeField(null=True)  # when both sides were reminded that nobody had signed
    ended_at = models.DateTimeField(null=True)
    designated = models.BooleanField(default=False)
    link_digest = models.CharField(max_length=64, blank=True, db_index=True)
    link_until = models.DateTimeField(null=True)
    link_revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(part="lead", state__in=("issued", "signed")),
                name="one_lead_at_a_time",
            )
        ]


class CasePhoto(models.Model):
    """A photo's place in a case: whose, of when, and who outside may see a copy."""

    BEFORE, AFTER = "before", "after"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="photos")
    photo = models.ForeignKey(Photo, on_delete=models.PROTECT, related_name="uses")
    stage = models.CharField(max_length=8, choices=[(BEFORE, _("办前")), (AFTER, _("办后"))])
    event = models.ForeignKey(Event, null=True, on_delete=models.SET_NULL, related_name="photos")
    by_role = models.CharField(max_length=24)
    for_handler = models.BooleanField(default=True)
    public = models.BooleanField(default=False)  # set one by one at review, never by default

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["case", "photo"], name="photo_once_per_case")]


class Rating(models.Model):
    """Five levels, voluntary, once per closing. The two worst ask for a call-back by somebody else."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="ratings")
    closing = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField(choices=[(n, n) for n in range(1, 6)])
    note = models.TextField(blank=True)
    rated = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")  # whose work it was
    subdistrict = area_key()
    at = models.DateTimeField()
    callback_at = models.DateTimeField(null=True)
    callback_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    callback_result = models.CharField(max_length=10, blank=True)  # upheld | reopened | withdrawn | void
    callback_note = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "closing"], name="rated_once_per_closing")]
        indexes = [
            models.Index(fields=["subdistrict", "callback_at", "level"]),
            models.Index(fields=["subdistrict", "at"], name="rating_given"),
        ]


class Sample(models.Model):
    """A closing drawn for a look by another person."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="samples")
    closing = models.PositiveSmallIntegerField()
    drawn_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)
    checked_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    passed = models.BooleanField(null=True)
    note = models.TextField(blank=True)
    community = area_key(null=True)
    subdistrict = area_key()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "closing"], name="sampled_once")]
        indexes = [models.Index(fields=["subdistrict", "checked_at"])]


class Counter(models.Model):
    """The last case number given on a day."""

    day = models.DateField(primary_key=True)
    last = models.PositiveIntegerField(default=0)


class ExportRequest(models.Model):
    """Somebody asks for a file with what is secret in it; another person decides, and it is fetched once."""

    area = area_key()
    subdistrict = area_key()
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=200)
    since = models.DateField()
    until = models.DateField()
    phase = models.CharField(max_length=8, choices=Phase.choices, blank=True)
    column = models.CharField(max_length=8, blank=True)  # the programme's own part of its categories
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(default=False)
    fetched_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subdistrict", "-asked_at"], name="export_subdistrict"),
            models.Index(fields=["by", "-asked_at"], name="export_by"),
        ]


class Submission(models.Model):
    """A form that was sent: the same key from the same sender gets the first answer again."""

    scope = models.CharField(max_length=64)
    key = models.CharField(max_length=64)
    path = models.CharField(max_length=200)
    answer = models.CharField(max_length=300)  # where the first one was sent on to
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="submission_once")]
        indexes = [models.Index(fields=["at"])]
