"""Rows of the journal. Nothing in the program updates or deletes an Entry; triggers refuse it in the database."""

from django.db import models


class Stream(models.Model):
    """One chain (a case, a person's file, the configuration). Its head row is the lock of every append."""

    name = models.CharField(max_length=64, unique=True)  # opaque: never a case number
    seq = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, default="")


class Entry(models.Model):
    """One act. `entry_hash` covers every other column and the entry before it."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="entries")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)  # an account's ref, "system", or a handler's ref
    action = models.CharField(max_length=64)
    payload = models.TextField()  # canonical JSON: sorted keys, no floats
    prev_hash = models.CharField(max_length=64)
    entry_hash = models.CharField(max_length=64)
    alg = models.CharField(max_length=8, default="sha256")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="journal_entry_once")]


class Opening(models.Model):
    """Salt and value behind a commitment in an entry's payload. Erasure deletes this row; the chain stays whole."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="openings")
    field = models.CharField(max_length=32)
    salt = models.CharField(max_length=64)
    value = models.TextField()
    person = models.CharField(max_length=64, db_index=True)  # ref of the person whose erasure takes this row along


class LogIndex(models.Model):
    """The place of an entry in the one public order; assigned in batches, gap-free, never changed."""

    index = models.PositiveBigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT)


class Checkpoint(models.Model):
    """A signed statement: the first `size` entries have this Merkle root (RFC 9162 hashing)."""

    size = models.PositiveBigIntegerField(unique=True)
    root = models.CharField(max_length=64)
    at = models.DateTimeField()
    signature = models.CharField(max_length=128)
    key_id = models.CharField(max_length=16)
