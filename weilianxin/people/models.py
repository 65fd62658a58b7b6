"""Accounts, dwellings, consent, posts, absence and the outside units that handle."""

import secrets

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from weilianxin.areas.models import Area, Place


def new_ref():
    return secrets.token_hex(12)


class AccountManager(BaseUserManager):
    def get_by_natural_key(self, username):
        return self.get(username=username)


class Account(AbstractBaseUser):
    """Somebody who can sign in: a resident by phone and one-time code, staff by name and password.

    `ref` is the opaque reference that the journal and every other room may keep.
    """

    RESIDENT, STAFF = "resident", "staff"

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    kind = models.CharField(max_length=8, choices=[(RESIDENT, "居民"), (STAFF, "工作人员")], default=RESIDENT)
    username = models.CharField(max_length=40, unique=True, null=True, blank=True)  # staff only
    phone = models.CharField(max_length=20, null=True, blank=True, unique=True)
    name = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    photo = models.CharField(max_length=40, blank=True)  # a drawing in static/art, or a stored file's ref
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    epoch = models.PositiveIntegerField(default=0)  # raised to end all sessions
    totp_secret = models.CharField(max_length=64, blank=True)
    totp_last = models.BigIntegerField(default=0)  # a second-factor code is good once
    language = models.CharField(max_length=8, default="zh-hans")
    created_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "username"
    objects = AccountManager()

    def __str__(self):
        return self.name or self.ref

    @property
    def is_staff_member(self):
        return self.kind == self.STAFF


class Dwelling(models.Model):
    """A person's tie to a place for a time. The current first one decides their own grid worker."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="dwellings")
    place = models.ForeignKey(Place, on_delete=models.PROTECT)
    relation = models.CharField(
        max_length=10,
        choices=[
            ("living", _("住在这里")),
            ("owner", _("业主，不住这里")),
            ("tenant", _("租住")),
            ("work", _("在这里上班")),
        ],
        default="living",
    )
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "place"], condition=Q(until__isnull=True), name="dwelling_once")
        ]


class Consent(models.Model):
    """What a person agreed to, in which version, when and how (PIPL arts. 14-17). Withdrawal closes the row."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(max_length=24)  # "service" is the only one the service cannot do without
    version = models.CharField(max_length=16)
    text_hash = models.CharField(max_length=64)
    channel = models.CharField(max_length=12, default="web")
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)


class WechatIdentity(models.Model):
    """Who a person is in a mini-program: the openid that WeChat gives for them to this app, and to no other.

    A grid worker is a resident of somewhere too, so the same openid may stand for one resident and one member of
    staff. It is an identifier of a person: never in logs or addresses, and it goes with the account.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="wechat")
    appid = models.CharField(max_length=32)
    openid = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=Account._meta.get_field("kind").choices)  # that of the account
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["appid", "openid", "kind"], name="wechat_one_account"),
            models.UniqueConstraint(fields=["account", "appid"], name="wechat_one_openid"),
        ]


class OneTimeCode(models.Model):
    """A code sent to a phone: kept as a keyed hash, good once, ten minutes, five tries."""

    phone = models.CharField(max_length=20, db_index=True)
    purpose = models.CharField(max_length=16)  # sign_in | handler
    subject = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class Token(models.Model):
    """A sign-in of the API: opaque, kept as a keyed hash, bound to one account and its epoch, for a time."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    channel = models.CharField(max_length=12)  # through what it was asked for: wechat, sms, password
    epoch = models.PositiveIntegerField()  # the account's when it was given: raised, the token is worth nothing
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"])]


class Attempt(models.Model):
    """One counted try at something that is throttled. `bucket` is a keyed hash, never a phone or an address."""

    bucket = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["bucket", "at"])]


class Role(models.TextChoices):
    """Posts of the everyday loop; identifiers are those of the glossary."""

    GRID_WORKER = "grid_worker", _("网格员（A岗）")
    GRID_WORKER_BACKUP = "grid_worker_backup", _("网格员（B岗）")
    GRID_LEADER = "grid_leader", _("网格长")
    COMMUNITY_SECRETARY = "community_secretary", _("社区书记")
    CENTRE_DISPATCHER = "centre_dispatcher", _("派遣员")
    CENTRE_VERIFIER = "centre_verifier", _("核查员")
    CALLBACK_OFFICER = "callback_officer", _("回访员")
    DUTY_LEADER = "duty_leader", _("值班长")
    SYSTEM_ADMIN = "system_admin", _("系统管理员")
    AUDITOR = "auditor", _("审计员")


class PostQuerySet(models.QuerySet):
    def at(self, moment):
        return self.filter(since__lte=moment).filter(Q(until__isnull=True) | Q(until__gt=moment))


class Post(models.Model):
    """A role held in an area for a time. The area's level says how far it reaches."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="posts")
    role = models.CharField(max_length=24, choices=Role.choices)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="posts")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["area", "role"])]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "role", "area"], condition=Q(until__isnull=True), name="post_held_once"
            )
        ]


class Absence(models.Model):
    """Somebody is away; who covers follows from the posts. Refused where a grid would be left without anybody."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="absences")
    kind = models.CharField(
        max_length=10,
        choices=[("leave", _("休假")), ("sick", _("病假")), ("training", _("培训")), ("suspended", _("停职"))],
    )
    since = models.DateTimeField()
    until = models.DateTimeField()
    noted_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")


HANDLER_KINDS = {
    # identifier: (Chinese, what it is tied to); a closed list
    "grid_worker": (_("网格员"), "grid"),
    "property_company": (_("物业"), "compound"),
    "repair_contractor": (_("疏通、小修单位"), "grid"),
    "elevator_maintainer": (_("电梯维保单位"), "compound"),
    "community_committee": (_("社区居委会"), "community"),
    "sanitation_contractor": (_("环卫保洁单位"), "subdistrict"),
    "municipal_maintenance": (_("市政养护单位"), "subdistrict"),
    "emergency_post": (_("街道应急消防值班"), "subdistrict"),
    "enforcement_team": (_("综合行政执法队"), "subdistrict"),
    "property_office": (_("街道物业房管办"), "subdistrict"),
    "civil_affairs_clerk": (_("街道民政干事"), "subdistrict"),
    "elderly_care_worker": (_("助老员"), "community"),
    "mediation_committee": (_("人民调解委员会"), "subdistrict"),
    "relocation_team": (_("征迁工作组"), "subdistrict"),
    "integrated_window": (_("综合窗口"), "subdistrict"),
    "dispatcher": (_("指挥室派遣员"), "subdistrict"),
    "discipline_inspection": (_("街道纪工委"), "subdistrict"),
    "police_station": (_("派出所"), "subdistrict"),
    "traffic_police": (_("交警"), "district"),
    "utility_company": (_("水电气通信单位"), "district"),
    "bike_operator": (_("共享单车企业"), "district"),
    "water_authority": (_("水务、河道管理"), "district"),
    "market_supervision": (_("市场监管"), "district"),
    "labour_inspection": (_("劳动监察"), "district"),
}


class Unit(models.Model):
    """Somebody outside the desk who handles: reached by a link and a code to the registered phone."""

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    kind = models.CharField(max_length=24, choices=[(k, v[0]) for k, v in HANDLER_KINDS.items()])
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=20, blank=True)  # registered; the one-time code goes here
    contact = models.CharField(max_length=40, blank=True)
    areas = models.ManyToManyField(Area, blank=True, related_name="units")  # grid, community, subdistrict or district
    compounds = models.ManyToManyField(Place, blank=True, related_name="units")
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)

    def __str__(self):
        return self.name_zh

    @property
    def name(self):
        return (self.name_en or self.name_zh) if get_language() == "en" else self.name_zh
