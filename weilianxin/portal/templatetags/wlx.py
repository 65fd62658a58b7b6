"""Tags and filters of every template (a builtin: no {% load %}). docs/ui.md shows each one in use."""

import secrets

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from weilianxin.lib import numbers, words
from weilianxin.people import contact
from weilianxin.people.plate import portrait

register = template.Library()

register.filter("when", words.when)
register.filter("before", words.before)
register.filter("due", words.due)
register.filter("clock", lambda moment: words.clock(moment) if moment else "")
register.filter("date_words", lambda moment: words.date(moment) if moment else "")
register.filter("day_words", lambda moment: words.day(moment) if moment else "")
register.filter("span", lambda delta: words.span(delta) if delta else "")


@register.filter
def unbroken(text):
    """A moment or a length of time in which a narrow column breaks between day and hour, and nowhere else."""
    first, blank, last = str(text or "").rpartition(" ")
    return f"{first}\u00a0{last}" if blank else last


PHASES = {"new": "ring", "active": "half", "waiting": "diamond", "done": "ok", "void": "void"}


@register.simple_tag
def icon(name, size=""):
    """A drawing from static/art/icons.svg. A word stands beside it, or a hidden one: `{% icon "phone" %}打电话`.
    `size` is "s" (small) or "l" (large)."""
    kind = f"i i-{size}" if size else "i"
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><use href="{}#i-{}"/></svg>',
        kind,
        static("art/icons.svg"),
        name,
    )


@register.simple_tag
def hidden_key():
    """The idempotency key of a form: sent twice, it is done once (cases.once)."""
    return format_html('<input type="hidden" name="_key" value="{}">', secrets.token_urlsafe(12))


@register.simple_tag
def link(name, *args):
    """The address of a named page, or "" where this installation has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def avatar(account, size=68):
    """A person's picture: a drawing of ours, a stored photo, or the drawing of nobody in particular."""
    name = getattr(account, "name", "") or ""
    alt = _("%(name)s的照片") % {"name": name} if name else ""
    return format_html('<img src="{}" alt="{}" width="{}" height="{}">', portrait(account), alt, size, size)


@register.inclusion_tag("pieces/due.html")
def due_badge(moment, done=None, paused=False, big=False):
    """The due badge of a deadline; `done` is when the matter ended."""
    return {"badge": words.badge(moment, done=done, paused=paused), "big": big}


@register.inclusion_tag("pieces/phase.html")
def phase_chip(phase, word):
    """A phase with its own glyph: `phase` is new, active, waiting, done or void; `word` what the reader reads."""
    return {"phase": phase, "glyph": PHASES.get(phase, "ring"), "word": word}


@register.inclusion_tag("pieces/map.html")
def svg_map(drawing, label):
    """A map drawn by the server (portal.maps.draw); `label` says its finding in a sentence."""
    return {"map": drawing, "label": label}


@register.filter
def grouped(choices):
    """Choices as (group, pairs): plain pairs come as one group without a name."""
    plain, groups = [], []
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            groups.append((value, label))
        else:
            plain.append((value, label))
    return ([("", plain)] if plain else []) + groups


@register.filter
def has(values, value):
    """Whether `value` is among the ticked ones, compared as text."""
    return str(value) in values


@register.filter
def up_to(value, most):
    """[True, True, False …]: how many of `most` bars are filled."""
    return [n < int(value) for n in range(int(most))]


@register.filter
def spaced(phone):
    """A number in groups one can read out: 139 0000 0102."""
    return numbers.spaced(phone)


@register.filter
def can_call(person):
    """Whether this person's or office's telephone may be a link to call."""
    return contact.can_call(person)
