"""Texts, the templates and permissions of WeChat, the outbox and the in-app inbox."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

from weilianxin.people.models import Account, Unit

INBOX, SMS, MAIL, WECHAT = "inbox", "sms", "mail", "wechat"
CHANNELS = (INBOX, SMS, MAIL)  # of a text; WeChat takes the place of an SMS by itself, where it may


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
    template = models.CharField(max_length=12, blank=True)  # the purpose of the Template that says it in WeChat
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


class Template(models.Model):
    """A subscription message of the mini-program: chosen in WeChat's console, where it gets its id."""

    ACCEPTED, ASKING, CLOSED, TASK = "accepted", "asking", "closed", "task"

    purpose = models.CharField(max_length=12, unique=True)  # what the mini-program asks about, one of the above
    template_id = models.CharField(max_length=64, blank=True)  # until there is one, nothing is told this way
    long_term = models.BooleanField(default=False)  # else a yes is good for one message
    fields = models.CharField(max_length=300)  # "thing1=title time2=due": field of the template, value of the text
    edited_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return self.purpose

    @property
    def pairs(self):
        """[(field, value's name)], in the order of the template."""
        return [tuple(pair.split("=", 1)) for pair in self.fields.split()]


class Permission(models.Model):
    """What somebody allowed for a template. The mini-program tells of each yes and so does WeChat's push; either may be
    lost or come later, so both are counted and the larger count holds."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="wechat_permissions")
    template = models.CharField(max_length=64)  # its id: another template needs another yes
    told = models.PositiveIntegerField(default=0)
    pushed = models.PositiveIntegerField(default=0)
    used = models.PositiveIntegerField(default=0)
    refused = models.BooleanField(default=False)  # always refuse, in the settings of WeChat
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "template"], name="permission_once")]

    @property
    def left(self):
        return 0 if self.refused else max(self.told, self.pushed) - self.used


class Push(models.Model):
    """A push of WeChat that was taken, so that its repeat is answered and nothing more."""

    key = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(default=timezone.now)


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
    """A message to send outside. Every row ends sent, held (demo, or nowhere to send) or dead.

    A row of WeChat becomes one of SMS when WeChat cannot (`by_wechat.py`), so there is one row for one message.
    """

    QUEUED, SENDING, SENT, HELD, DEAD = "queued", "sending", "sent", "held", "dead"
    UNSURE = "unsure"  # WeChat may have it: its answer was lost, and it does not know a repeat

    key = models.CharField(max_length=64, unique=True)  # digest of act, receiver, channel and occasion
    act = models.CharField(max_length=32)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE)
    address = models.CharField(max_length=254)  # phone or mail address; with WeChat the phone it falls back to, if any
    channel = models.CharField(max_length=8)
    template = models.CharField(max_length=64, blank=True)  # with WeChat: the template's id
    openid_digest = models.CharField(max_length=64, blank=True)  # with WeChat: whose; the openid itself is not kept
    data = models.JSONField(default=dict, blank=True)  # with WeChat: its page and values, until it has gone
    title = models.CharField(max_length=120, blank=True)
    body = models.TextField()
    urgent = models.BooleanField(default=False)
    secret = models.BooleanField(default=False)  # carries a code or a link: the body is emptied once it has gone
    state = models.CharField(max_length=8, default=QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    useless_at = models.DateTimeField(null=True, blank=True)  # a code that has run out is not sent any more
    claimed_at = models.DateTimeField(null=True, blank=True)
    unsure_at = models.DateTimeField(null=True, blank=True)  # since when no receipt told what came of it
    receipt = models.CharField(max_length=80, blank=True)
    error = models.CharField(max_length=120, blank=True)  # a kind of failure, never an address
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_at"], name="outbox_due"),
            models.Index(fields=["address"], name="outbox_address"),
            models.Index(fields=["openid_digest", "template"], condition=~Q(template=""), name="outbox_of_template"),
        ]
        constraints = [
            # A receipt of an unknown number then belongs to this one row.
            models.UniqueConstraint(
                fields=["openid_digest", "template"],
                condition=Q(channel="wechat", state__in=("sending", "unsure")),
                name="outbox_one_open",
            )
        ]


def opaque():
    return secrets.token_hex(12)


class Partner(models.Model):
    """A system outside that is told what happens to the tasks of one unit, or to what one source handed over."""

    ref = models.CharField(max_length=24, unique=True, default=opaque)
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=300)
    unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=24, blank=True)
    active = models.BooleanField(default=True)
    # The secret is worked out of the installation's key and this number; nothing that signs is stored.
    generation = models.PositiveIntegerField(default=1)
    rotated_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)  # the last time
    created_at = models.DateTimeField(default=timezone.now)


class Delivery(models.Model):
    """One thing a partner is told, and how it went: written in the act's transaction, sent by the loop."""

    QUEUED, SENDING, SENT, DEAD = "queued", "sending", "sent", "dead"

    ref = models.CharField(max_length=24, unique=True, default=opaque)  # the partner knows a repeat by it
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="deliveries")
    subject = models.CharField(max_length=24)  # the case's stream: what is told of one matter is told in order
    body = models.TextField()
    state = models.CharField(max_length=8, default=QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=200, blank=True)  # the beginning of what came back, or why nothing did
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_at"], name="delivery_due"),
            models.Index(fields=["partner", "subject", "state", "id"], name="delivery_order"),
        ]
