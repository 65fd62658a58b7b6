"""What a grid worker goes round for: households to be visited, key households, checklists, and what was found."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from weilianxin.areas.models import Place
from weilianxin.files.models import Photo
from weilianxin.people.models import Account, new_ref

from .reach import place_q


class Named(models.Model):
    """Something that the administrator names in two languages, with how often it comes round."""

    code = models.CharField(max_length=24, primary_key=True)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=80, blank=True)
    every_days = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering = ["position", "code"]

    def __str__(self):
        return self.name

    @property
    def name(self):
        return (self.name_en or self.name_zh) if get_language() == "en" else self.name_zh


class HouseholdClass(Named):
    """A class of households that need care. No class of people under control: those are the police's."""

    sensitive = models.BooleanField(default=False)  # separate consent or a duty by law must be noted (PIPL art. 29)


class InReach(models.QuerySet):
    """Rows with a `place` of a grid that one serves."""

    def visible_to(self, account, at=None):
        """Those whose grid the account serves, leads, or is secretary of: nobody else's exist for them."""
        return self.filter(place_q(account, at))


class KeyHousehold(models.Model):
    """A household that is visited more often, and why. Sensitive personal data (PIPL arts. 28-30): read by the A and B
    posts of its grid, the grid leader and the secretary only; deleted some time after it ended, and when somebody who
    lives or lived there has their data erased."""

    GROUNDS = [("consent", _("本人或监护人同意")), ("duty", _("法定职责"))]

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    classes = models.ManyToManyField(HouseholdClass, related_name="households")
    since = models.DateField()
    until = models.DateField(null=True, blank=True, db_index=True)
    reason = models.CharField(max_length=200)
    ground = models.CharField(max_length=8, choices=GROUNDS)
    ground_note = models.CharField(max_length=200, blank=True)
    entered_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = InReach.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place"], condition=Q(until__isnull=True), name="key_household_once")
        ]


class Template(Named):
    """A checklist. `items` are {code, zh, en}; a code outlives a change of the list around it."""

    items = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)


class Plan(models.Model):
    """What comes round at a place, and the day it is due next: a household, a key household, or a checklist. One that
    ended stays, so that whoever was there meanwhile is told."""

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="plans")
    key = models.OneToOneField(KeyHousehold, null=True, blank=True, on_delete=models.CASCADE)
    template = models.ForeignKey(Template, null=True, blank=True, on_delete=models.PROTECT)
    due_on = models.DateField(db_index=True)
    until = models.DateField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)  # since it was last done: nobody was at home

    objects = InReach.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place"], condition=Q(key__isnull=True, template__isnull=True), name="household_planned_once"
            ),
            models.UniqueConstraint(
                fields=["place", "template"], condition=Q(template__isnull=False), name="check_planned_once"
            ),
        ]


class Outcome(models.TextChoices):
    MET = "met", _("见到人了")
    NOBODY = "nobody", _("没人在家")
    DECLINED = "declined", _("不愿意见")


class Visit(models.Model):
    """One visit: for when it was planned, when it was, and what came of it. Its words go with the key household."""

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    plan = models.ForeignKey(Plan, null=True, on_delete=models.SET_NULL, related_name="visits")
    key = models.ForeignKey(KeyHousehold, null=True, on_delete=models.CASCADE, related_name="visits")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    planned_for = models.DateField()
    at = models.DateTimeField(default=timezone.now, db_index=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    note = models.CharField(max_length=500, blank=True)
    noticed = models.CharField(max_length=500, blank=True)
    next_try = models.DateField(null=True, blank=True)

    objects = InReach.as_manager()


class Answer(models.TextChoices):
    GOOD = "good", _("好")
    BAD = "bad", _("不好")
    NONE = "none", _("无此项")


class Check(models.Model):
    """One checklist that was gone through. `items` keep the words as they were: {code, zh, en, answer, note}."""

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="checks")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    planned_for = models.DateField()
    at = models.DateTimeField(default=timezone.now, db_index=True)
    items = models.JSONField()
    bad = models.PositiveSmallIntegerField(default=0)

    objects = InReach.as_manager()


class CheckPhoto(models.Model):
    """What was not good, photographed."""

    check_done = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="photos")
    photo = models.ForeignKey(Photo, on_delete=models.PROTECT, related_name="checks")
    item = models.CharField(max_length=24)


class Parameter(models.Model):
    """A number that the subdistrict changed; the shipped ones stand in `plan.PARAMETERS`."""

    key = models.CharField(max_length=24, primary_key=True)
    value = models.PositiveIntegerField()
