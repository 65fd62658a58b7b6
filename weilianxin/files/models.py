"""Stored photos and voice notes. The bytes lie in the data folder under names nobody chose."""

from django.db import models
from django.utils import timezone

from weilianxin.people.models import Account, new_ref


class Photo(models.Model):
    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    owner = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="photos")
    original_hash = models.CharField(max_length=64)  # SHA-256 of what was sent; the original itself is not kept
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()  # bytes of the re-encoded copy
    taken_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["original_hash"], name="photo_sent_twice")]


class Sound(models.Model):
    """A voice note. Only those hear it who may know whose voice it is; what it says is written down by a person."""

    ref = models.CharField(max_length=24, unique=True, default=new_ref)
    owner = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="sounds")
    kind = models.CharField(max_length=4)  # one of sounds.TYPES, found from the bytes
    original_hash = models.CharField(max_length=64)  # SHA-256 of what was sent
    seconds = models.PositiveSmallIntegerField()
    size = models.PositiveIntegerField()  # bytes of what is kept
    created_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(erased_at__isnull=True), name="sound_waiting")
        ]
