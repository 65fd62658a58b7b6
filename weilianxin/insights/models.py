"""What this room keeps: only that a morning's brief was done, so that it is done once."""

from django.db import models

from weilianxin.people.models import Account


class Morning(models.Model):
    """One person's brief of one day: written, or found empty and left unsaid."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    said = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="brief_once_a_day")]
        indexes = [models.Index(fields=["day"])]
