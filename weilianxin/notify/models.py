"""Texts, the outbox and the in-app inbox."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from weilianxin.people.models import Account

INBOX, SMS, MAIL = "inbox", "sms", "mail"
CHANNELS = (INBOX, SMS, MAIL)


class Text(models.Model):
    """What is said for an act to an audience. Values in braces are filled in; an unknown one is refused when saved."""

    act = models.CharField(max_length=32)
    audience = models.CharField(max_length=16)  # reporter | worker | leader | handler | dispatcher ...
    title_zh = models.CharField(max_length=60)
    body_zh = models.TextField()
    title_en = models.CharField(max_length=120, blank=True)
    body_en = models.TextField(blank=True)
    channels = models.CharField(max_length=40, default=INBOX)  # of: inbox sms mail, separated by blanks
    urgent = models.BooleanField(default=False)  # goes out in quiet hours too
    edited_at = models.DateTimeField(null=True, blank=True)  # by an administrator; then defaults leave it alone

    class Meta:
        ordering = ["act", "audience"]
        constraints = [models.UniqueConstraint(fields=["act", "audience"], name="text_once")]

    def __str__(self):
        return f"{self.act}/{self.audience}"

    def save(self, *args, **kwargs):
        self.clean()
        super().save(*args, **kwargs)

    def clean(self):
        """Raises ValidationError, with the field's name, for an unknown value in braces or an unknown channel."""
        from .texts import check

        check(self)

    def edit(self, at, **fields):
        """An administrator's change: checked, saved, and from now on never replaced by a default."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.edited_at = at
        self.save()

    def title(self, language):
        return (self.title_en or self.title_zh) if language == "en" else self.title_zh

    def body(self, language):
        return (self.body_en or self.body_zh) if language == "en" else self.body_zh


class Message(models.Model):
    """In-app message; written in the act's transaction, so it is there when the act is."""

    key = models.CharField(max_length=64, unique=True)  # digest of act, receiver and occasion: once, however often told
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="messages")
    act = models.CharField(max_length=32)
    title = models.CharField(max_length=120)
    body = models.TextField()
    url = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="message_inbox"),
            models.Index(fields=["account", "-id"], condition=Q(read_at__isnull=True), name="message_unread"),
        ]


class Outbox(models.Model):
    """A message to send outside. Every row ends sent, held (demo, or nowhere to send) or dead."""

    QUEUED, SENDING, SENT, HELD, DEAD = "queued", "sending", "sent", "held", "dead"

    key = models.CharField(max_length=64, unique=True)  # digest of act, receiver, channel and occasion
    act = models.CharField(max_length=32)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE)
    address = models.CharField(max_length=254)  # phone or mail address
    channel = models.CharField(max_length=8)
    title = models.CharField(max_length=120, blank=True)
    body = models.TextField()
    urgent = models.BooleanField(default=False)
    secret = models.BooleanField(default=False)  # carries a code or a link: the body is emptied once it has gone
    state = models.CharField(max_length=8, default=QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    useless_at = models.DateTimeField(null=True, blank=True)  # a code that has run out is not sent any more
    claimed_at = models.DateTimeField(null=True, blank=True)
    receipt = models.CharField(max_length=80, blank=True)
    error = models.CharField(max_length=120, blank=True)  # a kind of failure, never an address
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_at"], name="outbox_due"),
            models.Index(fields=["address"], name="outbox_address"),
        ]
