"""What the centre decides about a report: more time, waiting, a meeting, voiding, and what counts in no rate.

What must hold, then what follows, as in `guards.py` and `effects.py`.
"""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.cases.engine import pause, resume
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.links import issue_link
from weilianxin.cases.models import Event, Ground, Task
from weilianxin.lib.clock import Limit, half

from . import alarms, policy
from .effects import count_heads, dispatched, end_tasks, hide, promise, settle
from .guards import text
from .models import Report

CALLS, CALL_DAYS, CALLS_READ = 3, 2, 20  # calls on days until nobody is reached; how far back it is read
CALL_PAUSE, CALL_SPAN = timedelta(minutes=30), timedelta(hours=12)  # between two tries; from the first to the last


def nothing_pending(doing):
    if doing.case.pending:
        raise Refused(_("已经有一项申请在等街道中心决定。"))


def nothing_else_pending(doing):
    if doing.case.pending not in ("", "extend"):
        raise Refused(_("还有另一项申请在等决定，请先定那一项。"))


def decision_waits(doing):
    if doing.case.pending not in ("extend", "suspend", "objection", "void", "exclude"):
        raise Refused(_("没有等决定的申请。"))


def extendable(doing):
    """Once, and before the deadline: afterwards it would only hide that it is late."""
    case = doing.case
    if case.extended:
        raise Refused(_("已经延过一次了，不能再延。"))
    if case.urgency == "U0":
        raise Refused(_("特急的事不能延期。"))
    if case.due_at is None or doing.at >= case.due_at:
        raise Refused(_("期限已经到了，不能再申请延期。"))


def extra_named(doing):
    if doing.data.get("extra") not in extras(doing.case):
        raise Invalid(_("请选延长多久。"), "extra")


def extras(case):
    """By how much a promise may be put off: half of it, where that is less, or at most as long again."""
    whole = Limit.parse(case.handle_limit)
    less = half(whole)  # never less than four hours, which may be more than all of it
    shorter = less.unit == whole.unit and less.amount < whole.amount or whole == Limit(1, "wd")
    return [str(less), str(whole)] if shorter else [str(whole)]


def not_an_emergency(doing):
    if doing.case.urgency == "U0":
        raise Refused(_("特急的事不能挂起。"))


def review_day(doing):
    day = doing.data.get("review_date")
    if day is None:
        raise Invalid(_("请写哪一天再看。"), "review_date")
    most = policy.number("review_days")
    if not timezone.localdate(doing.at) < day <= timezone.localdate(doing.at) + timedelta(days=most):
        raise Invalid(_("最晚 %(n)s 天以内，最早明天。") % {"n": most}, "review_date")


def no_meeting_waits(doing):
    if doing.case.pending == "meeting":
        raise Refused(_("已经退回两次，要由街道中心会办指定。"))


def meeting_waits(doing):
    if doing.case.pending != "meeting":
        raise Refused(_("没有要会办的。"))


def designated_once(doing):
    """A designated unit cannot return the task; it may say once why it disagrees, and works on meanwhile."""
    task = doing.actor.task
    if not task.designated:
        raise Refused(_("不是会办指定的任务，可以退回。"))
    if Event.objects.filter(case=doing.case, act="object", unit=task.unit, at__gte=task.issued_at).exists():
        raise Refused(_("已经提过一次异议了。"))


def nobody_joined(doing):
    if doing.case.headcount > 1:
        raise Refused(_("下面还并着邻居的报事，先把它们分出来。"))


def void_proposed_by_another(doing):
    last = Event.objects.filter(case=doing.case, act="propose_void").order_by("-seq").first()
    if doing.case.pending != "void" or last is None:
        raise Refused(_("没有人提议作废。"))
    if last.actor_id == doing.actor.account.pk:
        raise NotAllowed(_("作废要由另一个人同意。"))
    nobody_joined(doing)


def still_counted(doing):
    if doing.case.excluded:
        raise Refused(_("已经剔除了。"))


def ground_named(doing):
    """Why it shall count in no rate; that nobody was reached shows in the calls that were written down."""
    ground = doing.data.get("ground")
    if ground not in Ground.values:
        raise Invalid(_("请选剔除的理由。"), "ground")
    if ground == Ground.UNREACHED and not unreached(doing.case):
        raise Invalid(_("要在两天里打过三次电话都没联系上，而且报事人后来也没有消息。"), "ground")
    doing.data["ground"] = ground


def unreached(case):
    """Whether three calls on two days reached nobody, and the reporter has not been heard of since the first.

    Calls within half an hour of one another are one try.
    """
    events = Event.objects.filter(case=case).filter(Q(act="call") | Q(role="reporter")).order_by("-seq")
    calls = []
    for event in events[:CALLS_READ]:
        if event.role == "reporter" or event.data.get("reached") != "no":
            break
        if not calls or calls[-1] - event.at >= CALL_PAUSE:
            calls.append(event.at)
    days = {timezone.localdate(at) for at in calls}
    return len(calls) >= CALLS and len(days) >= CALL_DAYS and calls[0] - calls[-1] >= CALL_SPAN


def exclusion_proposed_by_another(doing):
    last = Event.objects.filter(case=doing.case, act="propose_exclude").order_by("-seq").first()
    if doing.case.pending != "exclude" or last is None:
        raise Refused(_("没有人提议剔除。"))
    me = doing.actor.account.pk
    if me in (last.actor_id, doing.case.closer_id):
        raise NotAllowed(_("剔除要由另一个人同意，也不能是办结的人。"))


attendees_named = text("attendees", lambda: _("请写谁参加了会办。"), least=2, most=200)
plan_told = text("public_plan", lambda: _("请写打算怎么解决，居民看得到。"), least=4, most=300)


# What follows


def pending(what):
    """An effect: a decision of the centre is asked for; the case goes on meanwhile."""

    def effect(doing):
        doing.set(pending=what)
        doing.public |= {"asked": what}

    return effect


def exclusion_proposed(doing):
    pending("exclude")(doing)
    doing.public |= {"ground": doing.data["ground"]}


def excluded(doing):
    """Out of every rate, with the ground that was proposed; the numbers list it beside them."""
    proposed = doing.case.events.filter(act="propose_exclude").order_by("-seq").first()
    doing.set(excluded=proposed.data["ground"], pending="")
    doing.public |= {"ground": doing.case.excluded}


def declined(doing):
    doing.public |= {"asked": doing.case.pending}
    doing.set(pending="")


def extended(doing):
    """One extension, told with its reason; the deadline stays a matter of limits, calendar and events."""
    case = doing.case
    doing.set(extended=case.extended + 1, extra_limit=doing.data["extra"], pending="")
    promise(doing)
    doing.public |= {"extra": case.extra_limit}


def suspended(doing):
    """Both clocks stand until the review date at the latest; the plan can be read by everybody."""
    case, day = doing.case, doing.data["review_date"]
    pause(case, "suspended", doing.at)
    ends = policy.end_of(day)
    doing.set(review_at=ends, due_at=None, next_due_at=ends, alarm_at=ends, alarm_step=0, pending="")
    Report.objects.filter(pk=case.pk).update(public_plan=doing.data["public_plan"])
    doing.public |= {"until": str(day)}


def resumed(doing):
    resume(doing.case, doing.at)
    doing.set(review_at=None)
    promise(doing)
    Report.objects.filter(pk=doing.case.pk).update(public_plan="")
    if doing.role != "handler":  # a long wait outlives the link, and the day that was named may not be this one
        tasks = doing.case.tasks.filter(part=Task.LEAD, state=Task.SIGNED, unit__is_active=True)
        tasks = tasks.select_related("unit")
        doing.links += [(task, issue_link(task, doing.at)) for task in tasks]


def voided(doing):
    """Out of every count and list; the journal keeps that it was, and who said so."""
    resume(doing.case, doing.at)
    end_tasks(doing, Task.CANCELLED)
    settle(doing)
    hide(doing.case)
    if doing.case.parent_id:
        count_heads(doing, doing.case.parent, "left", -1)
    doing.set(review_at=None, outcome="", closed_at=doing.at, disputable_until=None, parent=None, **alarms.NONE)


def designated(doing):
    """What a joint meeting decided: this unit does it and cannot return it."""
    doing.private |= {"attendees": doing.data["attendees"]}
    dispatched(doing)
    doing.case.tasks.filter(part=Task.LEAD, issued_at=doing.at, state=Task.ISSUED).update(designated=True)
    doing.public |= {"designated": True}
