"""After a closing: disputes, ratings, call-backs, checks by draw, and what is made public.

What must hold, then what follows, as in `guards.py` and `effects.py`.
"""

from django.utils.translation import gettext as _

from weilianxin.cases.engine import clock_from, deadline
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.models import Event, Rating

from . import alarms
from .effects import hide, named_above, rework_limit
from .guards import text, waiting_ratings, waiting_samples
from .models import Report
from .words import RATINGS


def disputed_once(doing):
    """The reporter's own word, once; that staff found something to mend themselves does not use it up."""
    if Event.objects.filter(case=doing.case, act="dispute").exists():
        raise Refused(_("已经重办过一次了。如果问题还在，请再报一件，我们会接着上次的办。"))


def not_closer_nor_rated(doing):
    """Call-back, sampling and reopening are somebody else's work than the closer's and the rated one's."""
    me, case = doing.actor.account, doing.case
    source = case.parent or case  # who joined a matter rates, and is called back about, the work on that one
    if source.closer_id == me.pk or case.ratings.filter(closing=source.closings, rated=me).exists():
        raise NotAllowed(_("您办结的或被评价的事，要由另一个人来回访。"))
    if Event.objects.filter(case=source, actor=me, act__in=("start", "reply")).exists():
        raise NotAllowed(_("您办过这件事，要由另一个人来看。"))


def rating_window(doing):
    case = doing.case.parent or doing.case
    if case.state != "closed":
        raise Refused(_("办结以后才能评价。"))
    if case.rateable_until and doing.at > case.rateable_until:
        raise Refused(_("评价的日子已经过了。"))
    if doing.case.ratings.filter(closing=case.closings).exists():
        raise Refused(_("这次办理您已经评价过了。"))


def level_named(doing):
    if doing.data.get("level") not in RATINGS:
        raise Invalid(_("请选一个评价。"), "level")


def rating_waits(doing):
    if not waiting_ratings(doing.case).filter(case=doing.case).exists():
        raise Refused(_("没有等回访的评价。"))


def sample_waits(doing):
    case = doing.case
    if not waiting_samples(case, doing.at).exists():
        raise Refused(_("没有等抽查的办结。"))


def reason_to_look(doing):
    """Reopening follows from a call-back or a check, not from nothing."""
    case = doing.case
    if case.reopened:
        raise Refused(_("已经重办过一次了，请另立一件。"))
    if not (waiting_ratings(case).exists() or waiting_samples(case, doing.at).exists()):
        raise Refused(_("没有等回访的评价，也没有等抽查的办结。"))


def is_public(doing):
    if doing.facts["report"].published_at is None:
        raise Refused(_("这件事没有公开。"))


def publishable(doing):
    case, facts = doing.case, doing.facts
    hidden = case.sensitive or case.anonymity == "N2" or facts["public"] in ("no", "never")
    if hidden or case.outcome in ("withdrawn", "transferred"):
        raise Refused(_("这一类不公开。"))
    if case.channel == "patrol":  # or what nobody asked for would count among what was solved for residents
        raise Refused(_("巡查发现的另外计数，不进“大家的事”。"))
    if case.closer_id == doing.actor.account.pk:
        raise NotAllowed(_("自己办结的，要由另一个人来审公开。"))


public_title = text("public_title", lambda: _("请写公开的标题。"), least=4, most=60)
public_text = text("public_text", lambda: _("请写公开的内容。"), least=4, most=1000)


# What follows


def disputed(doing):
    _reopen(doing, "dispute")


def reopened(doing):
    _reopen(doing, "reopen", doing.actor.account)


def _reopen(doing, why, caller=None):
    """Back to a named person above the closer, with half the original limit. Whatever waited for a call-back or a
    check of this closing has its answer with that; `caller` is the officer who looked, if one did."""
    case = doing.case
    waiting_ratings(case).update(
        callback_at=doing.at, callback_by=caller, callback_result="reopened", callback_note=doing.note if caller else ""
    )
    case.samples.filter(closing=case.closings, checked_at__isnull=True).update(
        checked_at=doing.at, checked_by=caller, passed=False if caller else None, note=doing.note if caller else ""
    )
    above = named_above(case, doing.at, case.closer)
    doing.public |= {"was": case.outcome, "why": why}
    doing.set(
        reopened=case.reopened + 1,
        excluded="",
        holder=above,
        unit=None,
        outcome="",
        closed_at=None,
        disputable_until=None,
        handle_limit=rework_limit(case),
        extra_limit="",
        **clock_from(doing.at),
    )
    doing.set(due_at=deadline(case))
    doing.set(**alarms.until_done(case, doing.at))
    hide(case)


def rated(doing):
    """One rating per closing; a merged reporter rates the closing of the matter that theirs joined."""
    case = doing.case
    source = case.parent or case
    Rating.objects.create(
        case=case,
        closing=source.closings,
        level=doing.data["level"],
        note=doing.note,
        rated=source.closer,
        subdistrict=case.subdistrict,
        at=doing.at,
    )
    doing.public |= {"closing": source.closings}


def upheld(doing):
    case = doing.case
    closing = (case.parent or case).closings
    case.ratings.filter(closing=closing, callback_at__isnull=True).update(
        callback_at=doing.at, callback_by=doing.actor.account, callback_result="upheld", callback_note=doing.note
    )


def sample_passed(doing):
    doing.case.samples.filter(closing=doing.case.closings, checked_at__isnull=True).update(
        checked_at=doing.at, checked_by=doing.actor.account, passed=True, note=doing.note
    )


def published(doing):
    case = doing.case
    Report.objects.filter(pk=case.pk).update(
        public_title=doing.data["public_title"],
        public_text=doing.data["public_text"],
        published_at=doing.at,
        published_by=doing.actor.account,
        public_community=case.community,
    )
    chosen = doing.data.get("public_photos") or []
    case.photos.update(public=False)
    case.photos.filter(pk__in=chosen).update(public=True)


def unpublished(doing):
    hide(doing.case)
