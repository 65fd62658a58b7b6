"""A report's own facts beside its case; categories and limits as data; drafts; the thread with one's own worker."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from weilianxin.areas.models import Area, Place, ValidQuerySet
from weilianxin.cases.models import Case, Event, Urgency
from weilianxin.files.models import Photo
from weilianxin.people.models import Account, Unit


class Channel(models.TextChoices):
    """Where a category leads; only `case` and `emergency` are worked here."""

    CASE = "case", _("报事办理")
    EMERGENCY = "emergency", _("紧急处置")
    MEDIATION = "mediation", _("人民调解")
    SERVICE = "service", _("社区服务与窗口")
    DELIBERATION = "deliberation", _("民生议事")
    POLICE = "police", _("公安")
    PETITION = "petition", _("信访")
    INTEGRITY = "integrity", _("纪检")
    COURT = "court", _("法院、仲裁")
    OTHER_AREA = "other_area", _("其他辖区")


# What these lead to is each person's own matter, never put together with another's.
NEVER_MERGE = (Channel.MEDIATION, Channel.PETITION, Channel.POLICE, Channel.INTEGRITY, Channel.SERVICE)


class Kind(models.TextChoices):
    """What the person wants."""

    HELP = "求助", _("求助")
    COMPLAINT = "投诉", _("投诉")
    TIP = "举报", _("举报")
    QUESTION = "咨询", _("咨询")
    IDEA = "建议", _("建议")
    THANKS = "表扬", _("表扬")
    OTHER = "其他", _("其他")


class About(models.TextChoices):
    """What a complaint is about; all but a thing or place are closed by another person."""

    THING = "thing", _("一件东西、一个地方")
    PERSON = "person", _("某个人")
    UNIT = "unit", _("某个单位")
    WORKER = "worker", _("我们的网格员")
    LEADER = "leader", _("我们的网格长")
    COMMUNITY = "community", _("社区的工作人员")
    OFFICE = "office", _("街道的工作人员")

    @property
    def sight(self):
        """The narrowest level whose posts see such a complaint: above whoever it is about, as far as we reach."""
        if self in (About.WORKER, About.LEADER):
            return "community"
        return "subdistrict" if self in (About.COMMUNITY, About.OFFICE) else "grid"

    @property
    def taken_by(self):
        """Who takes a complaint about somebody of ours, in words; "" for the others, which go the usual way."""
        return {"community": _("社区书记"), "subdistrict": _("街道指挥中心")}.get(self.sight, "")

    @property
    def taken_how(self):
        """What is promised of it; of the many of the subdistrict nobody can say who does not see it."""
        if self == About.OFFICE:
            return _("办的和核实的不是同一个人")
        return _("不经过被投诉的人") if self.taken_by else ""

    @property
    def hint(self):
        if self == About.OFFICE:
            return _("由街道指挥中心来办，办的和核实的不是同一个人。")
        return _("不会经过他本人，由上一级来办。") if self.taken_by else ""


class Category(models.Model):
    """A row of the resident category tree: words, urgency, limits, channel and handlers. Key: scheme, kind, code."""

    scheme = models.CharField(max_length=20, default="resident")
    kind = models.CharField(max_length=10, default="matter")
    code = models.CharField(max_length=12)
    column_code = models.CharField(max_length=8)
    column_zh = models.CharField(max_length=20)
    column_en = models.CharField(max_length=40, blank=True)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=80, blank=True)
    hint_zh = models.CharField(max_length=80, blank=True)
    national_code = models.CharField(max_length=12, blank=True)
    platform = models.CharField(max_length=24, blank=True)
    urgency = models.CharField(max_length=2, choices=Urgency.choices, default=Urgency.U2)
    accept_limit = models.CharField(max_length=8, blank=True)
    on_site_limit = models.CharField(max_length=8, blank=True)
    handle_limit = models.CharField(max_length=8, blank=True)
    channel_out = models.CharField(max_length=12, choices=Channel.choices, default=Channel.CASE)
    lead = models.CharField(max_length=24, blank=True)
    lead_without_property = models.CharField(max_length=24, blank=True)
    assists = models.CharField(max_length=120, blank=True)  # separated by semicolons
    public = models.CharField(
        max_length=8,
        choices=[("yes", _("可公开")), ("limited", _("有限公开")), ("no", _("不公开")), ("never", _("绝不公开"))],
        default="yes",
    )
    keywords = models.TextField(blank=True)  # words that suggest this category, separated by blanks
    note = models.CharField(max_length=300, blank=True)
    recheck_days = models.PositiveSmallIntegerField(
        default=0
    )  # looked at again so many days after closing; 0: by chance
    position = models.PositiveSmallIntegerField(default=0)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    objects = ValidQuerySet.as_manager()

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["scheme", "kind", "code"], condition=Q(valid_to__isnull=True), name="category_once_current"
            )
        ]

    def __str__(self):
        return self.name

    @property
    def name(self):
        return (self.name_en or self.name_zh) if get_language() == "en" else self.name_zh

    @property
    def column(self):
        return (self.column_en or self.column_zh) if get_language() == "en" else self.column_zh

    @property
    def assist_kinds(self):
        return [k for k in self.assists.split(";") if k]


class LevelLimit(models.Model):
    """The limits of an urgency level; the tighter of level and category holds."""

    urgency = models.CharField(max_length=2, choices=Urgency.choices, primary_key=True)
    accept_limit = models.CharField(max_length=8, blank=True)
    on_site_limit = models.CharField(max_length=8, blank=True)
    handle_limit = models.CharField(max_length=8, blank=True)


class Parameter(models.Model):
    """A number or a list that the subdistrict decides, with the default the programme ships."""

    key = models.CharField(max_length=40, primary_key=True)
    value = models.CharField(max_length=2000)


class RuleVersion(models.Model):
    """A version of the rules on a day; named on every case that was accepted under it."""

    name = models.CharField(max_length=24, unique=True)
    since = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(max_length=200, blank=True)


class RoutingRule(models.Model):
    """Who handles what here, where the category alone does not say it: area × category × compound × urgency → handler.

    What is blank fits everything. A rule is never changed: another takes its place, and `ended_at` says until when.
    """

    area = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    compound = models.ForeignKey(Place, null=True, on_delete=models.PROTECT, related_name="+")
    column_code = models.CharField(max_length=8, blank=True)
    category = models.ForeignKey(Category, null=True, on_delete=models.PROTECT, related_name="+")
    urgency = models.CharField(max_length=2, choices=Urgency.choices, blank=True)
    unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")  # the one who handles, or
    kind = models.CharField(max_length=24, blank=True)  # a kind of handler, found by the place
    assists = models.CharField(max_length=120, blank=True)  # kinds, by semicolons; blank: as the category says
    why = models.CharField(max_length=120)
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["ended_at", "id"])]


class Report(models.Model):
    """What the resident said, and what the programme made of it. One row per case."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="report")
    text = models.TextField()
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.HELP)
    about = models.CharField(max_length=12, choices=About.choices, default=About.THING)
    category = models.ForeignKey(Category, null=True, on_delete=models.PROTECT, related_name="+")
    floor = models.CharField(max_length=20, blank=True)
    wish = models.CharField(
        max_length=8,
        choices=[("call", _("给我打电话")), ("message", _("发消息就行")), ("none", _("不用联系我"))],
        default="call",
    )
    screening = models.JSONField(default=list)  # what intake noticed, in order, each with its reason
    consent_version = models.CharField(max_length=16, blank=True)
    happened_at = models.DateTimeField(null=True)
    # From another channel: its name and its own number and time.
    source = models.CharField(max_length=24, blank=True)
    source_no = models.CharField(max_length=64, blank=True)
    source_at = models.DateTimeField(null=True)
    source_due_at = models.DateTimeField(null=True)  # when that channel wants its answer
    # The file in which its end went back to that channel; empty while it has not.
    delivery = models.ForeignKey("Delivery", null=True, on_delete=models.SET_NULL, related_name="+")
    refusal_code = models.CharField(max_length=4, blank=True)
    right_channel = models.CharField(max_length=200, blank=True)
    public_plan = models.CharField(max_length=300, blank=True)  # 限期解决: what is planned, while it is suspended
    # The public copy is a text of its own, written or confirmed at review.
    public_title = models.CharField(max_length=60, blank=True)
    public_text = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    public_community = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "source_no"], condition=~Q(source_no=""), name="imported_once")
        ]
        indexes = [
            models.Index(fields=["public_community", "-published_at"]),
            models.Index(
                fields=["source", "source_due_at"],
                condition=~Q(source="") & Q(delivery__isnull=True),
                name="report_to_deliver",
            ),
        ]

    @property
    def wanted(self):
        """What staff must know of what the reporter wants: complaint, question … and whom it is about."""
        if self.about == About.THING:
            return "" if self.kind == Kind.HELP else self.get_kind_display()
        named = self.case.about_account or self.case.about_unit
        whom = f"{self.get_about_display()}（{named.name}）" if named else self.get_about_display()
        return _("%(kind)s：%(whom)s") % {"kind": self.get_kind_display(), "whom": whom}


class Draft(models.Model):
    """A report not yet sent: kept on the server, so that it works without JavaScript and survives a lost page."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=64, db_index=True)  # keyed hash of the browser session
    data = models.JSONField(default=dict)
    photos = models.ManyToManyField(Photo, blank=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)


class Thread(models.Model):
    """The conversation of a resident with their grid. It belongs to the grid, not to the person on duty."""

    resident = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="threads")
    grid = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+")
    last_at = models.DateTimeField(default=timezone.now)
    # Set while the resident waits for an answer: when the leader begins to see it.
    answer_due_at = models.DateTimeField(null=True)
    handed_to_leader_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["resident", "grid"], name="thread_once")]
        indexes = [models.Index(fields=["grid", "-last_at"])]


class ThreadMessage(models.Model):
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    from_staff = models.BooleanField()
    automatic = models.BooleanField(default=False)
    body = models.TextField()
    photos = models.ManyToManyField(Photo, blank=True, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    case = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="+")  # became this report

    class Meta:
        indexes = [models.Index(fields=["thread", "-at", "-id"])]


class Delivery(models.Model):
    """One file of results, handed back to the channel that passed the matters on to us."""

    subdistrict = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=24)
    by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["subdistrict", "-made_at"])]


class Delivered(models.Model):
    """That one ending of one matter stands in a file; no ending stands in two."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="rows")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")  # by which it ended, or what it joined

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "event"], name="delivered_once")]
