"""Areas with official codes and validity, places inside them, plates on them, and the work calendar."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from weilianxin.lib.numbers import READABLE


class Level(models.TextChoices):
    DISTRICT = "district", "区"
    SUBDISTRICT = "subdistrict", "街道"
    COMMUNITY = "community", "社区"
    GRID = "grid", "网格"


class ValidQuerySet(models.QuerySet):
    def on(self, day):
        """Rows valid on `day` (a date); the first day counts, the last one does not."""
        return self.filter(Q(valid_from__isnull=True) | Q(valid_from__lte=day)).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=day)
        )

    def current(self):
        return self.on(timezone.localdate())


class Area(models.Model):
    """One version of an area. A changed boundary or name closes the row and opens a successor.

    Codes: district 6, subdistrict 9, community 12 digits (statistical division code), grid = community + 3.
    """

    level = models.CharField(max_length=12, choices=Level.choices)
    code = models.CharField(max_length=15)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=80, blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    # Level columns: the ancestor at each level, this row included, so that scope is an equality.
    district = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subdistrict = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    community = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    geometry = models.JSONField(null=True, blank=True)  # GeoJSON Polygon or MultiPolygon, WGS-84
    range_zh = models.CharField(max_length=200, blank=True)
    households = models.PositiveIntegerField(default=0)
    phone = models.CharField(max_length=20, blank=True)  # the duty or supervision phone that is posted in public
    hours = models.CharField(max_length=60, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    predecessors = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="successors")

    objects = ValidQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code"], condition=Q(valid_to__isnull=True), name="area_code_once_current")
        ]
        indexes = [models.Index(fields=["level", "code"])]

    def __str__(self):
        return self.name

    @property
    def name(self):
        return (self.name_en or self.name_zh) if get_language() == "en" else self.name_zh


class PlaceKind(models.TextChoices):
    COMPOUND = "compound", "小区"
    BUILDING = "building", "幢"
    ENTRANCE = "entrance", "单元"
    ROOM = "room", "室"
    PUBLIC = "public", "公共场所"


class PropertyKind(models.TextChoices):
    COMPANY = "company", "物业公司"
    QUASI = "quasi", "准物业"
    NONE = "none", "无物业"


class Place(models.Model):
    """A compound, building, entrance, room or public place. A compound may span grids, so the grid sits on each row."""

    kind = models.CharField(max_length=10, choices=PlaceKind.choices)
    code = models.CharField(max_length=40, blank=True, db_index=True)
    name_zh = models.CharField(max_length=80)  # own part only: 6幢
    full_name = models.CharField(max_length=160, db_index=True)  # 参宿新村 6幢2单元
    aliases = models.TextField(blank=True)  # one per line
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    compound = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    community = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+")
    grid = models.ForeignKey(Area, null=True, blank=True, on_delete=models.PROTECT, related_name="places")
    property_kind = models.CharField(max_length=8, choices=PropertyKind.choices, blank=True)  # of a compound
    lat = models.FloatField(null=True, blank=True)  # WGS-84
    lon = models.FloatField(null=True, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    objects = ValidQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["grid", "kind"]), models.Index(fields=["parent", "kind"])]

    def __str__(self):
        return self.full_name


def plate_code():
    """Sixteen letters, 77 bits: cannot be guessed, can be read off a wall and typed, fits a mini-program's scene."""
    return "".join(secrets.choice(READABLE.lower()) for _n in range(16))


class Plate(models.Model):
    """A QR plate on a wall. It names a place, never a person, so it outlives every change of staff."""

    code = models.CharField(max_length=32, unique=True, default=plate_code)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="plates")
    issued_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")


class DayKind(models.TextChoices):
    WORK = "work", "工作日"
    REST = "rest", "休息日"
    HOLIDAY = "holiday", "节假日"
    SWAP_WORK = "swap_work", "调休上班"


class CalendarDay(models.Model):
    """A day that differs from plain Monday to Friday, from the yearly notice. A year without rows is an alarm."""

    date = models.DateField(primary_key=True)
    kind = models.CharField(max_length=10, choices=DayKind.choices)
    name_zh = models.CharField(max_length=40, blank=True)
    year_source = models.CharField(max_length=80)


class WorkWindow(models.Model):
    """Office hours on a work day, in order: 08:30 to 12:00, 13:30 to 17:30. Without rows these are the hours."""

    opens = models.TimeField()
    closes = models.TimeField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "opens"]


class CalendarEdition(models.Model):
    """The work calendar as it stood when something was promised by it. Written once, never changed."""

    name = models.CharField(max_length=16, primary_key=True)  # a hash of what it says
    content = models.JSONField()
    since = models.DateTimeField(default=timezone.now)


class Generation(models.Model):
    """A stamp that changes whenever a kind of data does, so that what is kept in memory knows when it is old."""

    name = models.CharField(max_length=20, primary_key=True)
    stamp = models.CharField(max_length=16)
