"""What is due next in a report's life, and when somebody must be told. Pure but for the parameters it reads.

`next_due_at` is what lists sort by; `alarm_at` is when the loop looks at the case; `alarm_step` counts the rings.
"""

from datetime import timedelta

from weilianxin.cases.engine import by_system, clock_from, deadline
from weilianxin.people.posts import people_above

from . import policy

NONE = {"next_due_at": None, "alarm_at": None, "alarm_step": 0}
LAST_STEP = 4  # after this ring the duty leader has been told; then once a day is enough


def until_accepted(case, at, start=None):
    """Waiting for somebody to take it on; `start` begins the clock anew, otherwise it runs on from where it began."""
    clock = {} if start is None and case.clock_from else clock_from(start or case.created_at)
    for name, value in clock.items():
        setattr(case, name, value)
    due = deadline(case, limit=case.accept_limit)
    # There is no reminder before it, so the first ring counts as the one after that.
    return {**clock, "accept_due_at": due, "next_due_at": due, "alarm_at": due, "alarm_step": 1}


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


def until_met(case, meet_by):
    """A joint meeting has to decide first; the promise to the resident runs on."""
    due = min(filter(None, (meet_by, case.due_at)))
    return {"next_due_at": due, "alarm_at": due, "alarm_step": 0}


def after_ring(case, at):
    """When to ring next: at the deadline if it is still ahead, else sooner for the urgent than for the rest. What is
    promised in working hours rings in working hours: a Friday's lateness does not reach the duty leader on Saturday."""
    due = case.next_due_at
    if due and at < due:
        return {"alarm_at": due, "alarm_step": case.alarm_step + 1}
    pace = {"U0": "5m", "U1": "30m"}.get(case.urgency)
    if case.alarm_step >= LAST_STEP:
        pace = "24ch" if pace else "1wd"
    return {"alarm_at": policy.limit_end(pace or "4wh", at), "alarm_step": case.alarm_step + 1}


def ring(case, at):
    """The alarm of a case has come: end a wait in vain, or remind, or tell one more person a step up."""
    if case.state == "asking":
        by_system(case, "no_answer", at=at)
        return
    if case.state == "suspended":
        by_system(case, "resume", at=at)
        return
    if not case.is_open:
        type(case).objects.filter(pk=case.pk).update(alarm_at=None)
        return
    if unsigned(case, at):
        by_system(case, "escalate", at=at, ahead=True, unsigned=True)
        return
    ahead = case.next_due_at is not None and at < case.next_due_at
    above = None
    if not ahead:
        above = one_step_up(case, at)
    first = not ahead and not case.events.filter(act="escalate", data__ahead=False).exists()
    by_system(case, "escalate", at=at, ahead=ahead, above=above, first=first, to=above.ref if above else "")


def unsigned(case, at):
    """Whether a unit has let the time for signing pass, and nobody has been reminded of it yet."""
    if case.state != "dispatched" or (case.due_at and case.due_at <= at):
        return False
    return case.tasks.filter(part="lead", state="issued", sign_due_at__lte=at, chased_at__isnull=True).exists()


def one_step_up(case, at):
    """Who is told next: above the holder first, and one more step with every ring that changed nothing."""
    told = [case.holder] if case.holder_id else []
    for _step in range(max(0, case.alarm_step - 1)):
        person = people_above(case, at, exclude=told)
        if person is None:
            break
        told.append(person)
    return people_above(case, at, exclude=told) or (told[-1] if told else None)
