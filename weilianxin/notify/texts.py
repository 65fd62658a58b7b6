"""The words: shipped defaults, what an administrator made of them, and how values get into them.

Values are put in by a replacer of our own. `str.format` would let a text reach into objects, and these texts are
edited by people.
"""

import csv
import logging
import re
import time
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import connections
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext as _
from django.utils.translation import override

from .models import CHANNELS, Template, Text

log = logging.getLogger(__name__)

# What may stand in braces, and how many characters of it are shown.
FIELDS = {
    "number": 20,
    "title": 60,
    "worker": 40,
    "due": 40,
    "unit": 60,
    "reason": 200,
    "channel": 120,
    "until": 40,
    "link": 300,
    "code": 12,
    "name": 40,
    "place": 80,
}
SECRETS = ("code", "link")
SLOT = re.compile(r"\{([a-z]+)\}")
LOCAL = ZoneInfo("Asia/Shanghai")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHIPPED = Path(__file__).parent / "data" / "texts.csv"
FRESH = 30.0  # seconds until a process looks for edited texts again
WORDS = ("title_zh", "body_zh", "title_en", "body_en")
SHIPPED_FIELDS = (*WORDS, "channels", "urgent", "template")
PURPOSES = (Template.ACCEPTED, Template.ASKING, Template.CLOSED, Template.TASK)


def check(text):
    """Refuse braces that are not one of FIELDS, an empty text, and channels that do not exist."""
    wrong = {}
    for field in WORDS:
        value = getattr(text, field)
        unknown = sorted({name for name in SLOT.findall(value) if name not in FIELDS})
        if unknown:
            wrong[field] = _("没有“{%(name)s}”这一项。可以用的有：%(known)s") % {
                "name": unknown[0],
                "known": " ".join(f"{{{name}}}" for name in FIELDS),
            }
        elif re.search(r"[{}]", SLOT.sub("", value)):
            wrong[field] = _("花括号只能用来写要填的项，例如{number}。")
        elif not value.strip() and field.endswith("_zh"):
            wrong[field] = _("这里不能空着。")
    if set(text.channels.split()) - set(CHANNELS) or not text.channels.split():
        wrong["channels"] = _("发送方式只能是 inbox、sms、mail，用空格分开。")
    if text.template and text.template not in PURPOSES:
        wrong["template"] = _("没有这种微信消息。")
    if wrong:
        raise ValidationError(wrong)


def uses(text, names):
    """Whether the text has one of these fields in it."""
    found = {name for field in WORDS for name in SLOT.findall(getattr(text, field))}
    return bool(found & set(names))


def fill(template, values, language="zh-hans"):
    """`template` with its fields filled in: each value once, clipped, on one line; what is missing leaves nothing."""

    def slot(match):
        name = match.group(1)
        if name not in FIELDS:
            return match.group(0)
        if values.get(name) is None:
            log.error("a text wants %s and was not given it", name)
            return ""
        return clip(shown(values[name], language), FIELDS[name])

    with override(language):
        return SLOT.sub(slot, template)


def shown(value, language):
    """A value as people read it: moments in local time, days without one, everything else as it names itself."""
    if isinstance(value, datetime):
        local = value.astimezone(LOCAL)
        if language == "en":
            return f"{local.day} {MONTHS[local.month - 1]} {local:%H:%M}"
        return f"{local.month}月{local.day}日{local:%H:%M}"
    if isinstance(value, date):
        return f"{value.day} {MONTHS[value.month - 1]}" if language == "en" else f"{value.month}月{value.day}日"
    return str(value)


def clip(value, length):
    # Line breaks and control characters would let a title write lines of its own into an SMS.
    value = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    return value if len(value) <= length else value[: length - 1] + "…"


def text_for(act, audience):
    """The text as an administrator left it, else the shipped one; LookupError if neither exists."""
    found = kept(int(time.monotonic() // FRESH)).get((act, audience)) or shipped().get((act, audience))
    if found is None:
        raise LookupError(f"no text for {act}/{audience}")
    return found


@lru_cache(maxsize=1)
def kept(_period):
    """The texts of the database by (act, audience), read once in a period."""
    return {(text.act, text.audience): text for text in Text.objects.all()}


def forget(**_signal):
    """Read the texts again at the next message."""
    kept.cache_clear()


post_save.connect(forget, sender=Text)
post_delete.connect(forget, sender=Text)


@cache
def shipped():
    """The defaults, each a Text that is not saved, by (act, audience)."""
    with SHIPPED.open(encoding="utf-8", newline="") as source:
        rows = [{**row, "urgent": row["urgent"] == "yes"} for row in csv.DictReader(source)]
    return {(row["act"], row["audience"]): Text(**row) for row in rows}


def load_texts(using="default"):
    """Bring the shipped texts into the database: new ones added, changed ones renewed, edited ones left alone.

    May be called any number of times. Returns how many rows were written.
    """
    fields = SHIPPED_FIELDS
    have = {(t.act, t.audience): t for t in Text.objects.using(using).all()}
    new, changed = [], []
    for key, default in shipped().items():
        mine = have.get(key)
        if mine is None:
            new.append(Text(act=key[0], audience=key[1], **{f: getattr(default, f) for f in fields}))
        elif mine.edited_at is None and any(getattr(mine, f) != getattr(default, f) for f in fields):
            for field in fields:
                setattr(mine, field, getattr(default, field))
            changed.append(mine)
    Text.objects.using(using).bulk_create(new, ignore_conflicts=True)
    if changed:
        Text.objects.using(using).bulk_update(changed, fields)
    forget()
    return len(new) + len(changed)


ensure_texts = load_texts


def after_migrate(using, **_signal):
    """Texts are there after every migration; a table that was just taken away is none of our business."""
    if Text._meta.db_table in connections[using].introspection.table_names():
        load_texts(using)
