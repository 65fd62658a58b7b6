"""What is due next in a report's life, and when somebody must be told. Pure but for the parameters it reads.

`next_due_at` is what lists sort by; `alarm_at` is when the loop looks at the case; `alarm_step` counts the rings.
"""

from datetime import timedelta

from weilianxin.cases.engine import deadline

from . import policy

NONE = {"next_due_at": None, "alarm_at": None, "alarm_step": 0}
LAST_STEP = 4  # after this ring the duty leader has been told; then once a day is enough


def until_accepted(case, at, start=None):
    """Waiting for somebody to take it on."""
    due = deadline(case, limit=case.accept_limit, start=start or case.created_at)
    case_alarm = due
    return {"accept_due_at": due, "next_due_at": due, "alarm_at": case_alarm, "alarm_step": 0}


def while_asking(at):
    """Waiting for the reporter: both clocks stand; the alarm is the end of patience."""
    ends = policy.limit_end(policy.parameter("answer_limit"), at)
    return {"next_due_at": ends, "alarm_at": ends, "alarm_step": 0, "accept_due_at": None}


def until_done(case, at):
    """Accepted: a reminder shortly before the deadline, then one step up at the deadline and each day after."""
    due = case.due_at
    if due is None:
        return NONE
    early = min(timedelta(hours=4), (due - at) / 5)
    return {"next_due_at": due, "alarm_at": max(at, due - early), "alarm_step": 0}


def after_ring(case, at):
    """When to ring next: at the deadline if it is still ahead, else sooner for the urgent than for the rest."""
    due = case.next_due_at
    if due and at < due:
        return {"alarm_at": due, "alarm_step": case.alarm_step + 1}
    pace = {"U0": timedelta(minutes=5), "U1": timedelta(minutes=30)}.get(case.urgency, timedelta(hours=4))
    if case.alarm_step >= LAST_STEP:
        pace = timedelta(days=1)
    return {"alarm_at": at + pace, "alarm_step": case.alarm_step + 1}
