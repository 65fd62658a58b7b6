"""What an act on a report changes besides its state. Called inside the act's transaction."""

import hashlib
from datetime import timedelta

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import by_system, clock_from, deadline, pause, resume, write_event
from weilianxin.cases.errors import Refused
from weilianxin.cases.links import issue_link
from weilianxin.cases.models import Case, Rating, Sample, Task
from weilianxin.lib.clock import Limit, half
from weilianxin.people.posts import on_duty, people_above

from . import alarms, intake, policy
from .guards import BAD_RATING, waiting_ratings
from .models import Category, Report
from .routing import way
from .screening import hushed
from .words import REFUSALS


def asked(doing):
    doing.set(asked=doing.case.asked + 1)
    pause(doing.case, "asking", doing.at)
    doing.set(**alarms.while_asking(doing.at))


def answered(doing):
    resume(doing.case, doing.at)
    doing.set(**alarms.until_accepted(doing.case, doing.at))


def asked_in_vain(doing):
    """The wait is over without an answer: whether somebody was there in time is counted as if nobody had waited."""
    resume(doing.case, doing.at)
    doing.set(accept_due_at=deadline(doing.case, limit=doing.case.accept_limit))


def unanswered(doing):
    asked_in_vain(doing)
    _refuse(doing, "R08", str(REFUSALS["R08"][1]))


def accepted(doing):
    """立案: the holder by name, and everything that is promised, frozen with the version of the rules."""
    case, report = doing.case, doing.facts["report"]
    category = doing.data.get("category") or report.category
    urgency = doing.data.get("urgency") or case.urgency
    _reclassify(doing, category, urgency)
    accept, on_site, handle = policy.limits_for(category, urgency, doing.at)
    doing.set(
        holder=doing.actor.account,
        rule_version=policy.rule_version(),
        on_site_limit=on_site,
        handle_limit=handle,
        **clock_from(doing.at),
        accepted_at=doing.at,
        seen_at=case.seen_at or doing.at,
        on_site_due_at=policy.limit_end(on_site, case.created_at),
    )
    if case.channel == "source":
        doing.set(handle_limit=(handle := policy.parameter("source_limit")))
    doing.set(due_at=deadline(case))
    doing.set(**alarms.until_done(case, doing.at))
    intake.source_of(case, category, doing.at)
    doing.public |= {"limit": handle, "rules": case.rule_version, "urgency": urgency, "category": category.code}


def _reclassify(doing, category, urgency):
    """Category, urgency and what follows from them: route with its reason, sight, secrecy."""
    case, report = doing.case, doing.facts["report"]
    if report.category_id != category.pk:
        Report.objects.filter(pk=case.pk).update(category=category)
        report.category = category
    if category.public in ("no", "never") and not case.sensitive:
        seal_joined(case, category)
    if hushed((), category):
        doing.set(title=intake.title_of("", category))
    doing.set(
        category=category.code,
        urgency=urgency,
        route=way(category, case, urgency=urgency, kind=report.kind).as_json(),
        sensitive=case.sensitive or category.public in ("no", "never"),
    )


def recoded(doing):
    """A new category, urgency or place. After acceptance the promise moves only when it becomes more urgent."""
    case, report = doing.case, doing.facts["report"]
    category = doing.data.get("category") or report.category
    urgency = doing.data.get("urgency") or case.urgency
    before = {"category": case.category, "urgency": case.urgency, "grid": case.grid.code if case.grid else ""}
    rises = urgency < case.urgency
    location = doing.data.get("place")
    if location is not None:
        _move(doing, location)
    if category is not None:
        _reclassify(doing, category, urgency)
    if case.state == "received":
        accept = policy.limits_for(category, urgency, case.clock_from)[0]
        doing.set(accept_limit=policy.tighter(accept, case.accept_limit, at=case.clock_from))
        doing.set(**alarms.until_accepted(case, doing.at))
    elif rises:
        _tighten(doing, category)
    doing.public |= {"before": before, "after": {"category": case.category, "urgency": case.urgency}}


def _move(doing, location):
    """To another place. Words that name no place of the list stand beside the one that was known; whoever no longer
    reaches it hands it over to whoever serves the new place."""
    case = doing.case
    if location.how == "area":
        doing.set(place_text=location.text[:256])
    else:
        doing.set(place=location.place, lat=location.lat, lon=location.lon, cell=location.cell)
        doing.set(compound=location.compound, grid=location.grid, community=location.community)
    if case.holder_id and case.state != "received" and not actor_on(case, case.holder, doing.at).areas:
        duty = on_duty(case.grid, doing.at) if case.grid_id and case.sight == "grid" else None
        accused = duty is not None and duty.account.pk == case.about_account_id
        heir = people_above(case, doing.at, exclude=[]) if duty is None or accused else duty.account
        if heir is not None:
            doing.set(holder=heir)
            doing.public |= {"holder": heir.name}


def _tighten(doing, category):
    """More urgent than was promised: the limit of the urgency, counted from now, where that ends sooner than what was
    promised; never a looser one, and none that has passed already."""
    case = doing.case
    _accept, on_site, handle = policy.limits_for(category, case.urgency, doing.at)
    doing.set(on_site_limit=on_site, on_site_due_at=policy.limit_end(on_site, doing.at))
    ends = policy.limit_end(handle, doing.at)
    if ends is not None and (case.due_at is None or ends < case.due_at):
        doing.set(**clock_from(doing.at), handle_limit=handle, extra_limit="")
    promise(doing)


def crowded(case, at):
    """Somebody has joined `case`: where that makes enough of them, it is urgent from now on."""
    most = policy.number("urgent_heads")
    if most and case.headcount >= most and case.urgency == "U2" and case.is_open and not case.paused:
        by_system(case, "rise", at=at)


def risen(doing):
    """So many people meet it that it is urgent. That some leave again does not make it less so; people may."""
    case, category = doing.case, doing.facts["report"].category
    doing.set(urgency="U1")
    doing.public |= {"headcount": case.headcount}
    if case.state == "received":
        accept = policy.limits_for(category, "U1", case.clock_from)[0]
        doing.set(accept_limit=policy.tighter(accept, case.accept_limit, at=case.clock_from))
        doing.set(**alarms.until_accepted(case, doing.at))
    else:
        _tighten(doing, category)


def carved(doing):
    """Another matter in the same words: its own case, with the clock of the day on which it was reported."""
    new = intake.carve(doing.case, doing.data["category"], doing.note, doing.actor, doing.at)
    doing.public |= {"number": new.number}
    doing.facts["carved"] = new


def refused(doing):
    _refuse(doing, doing.data["reason"], doing.data["right_channel"])


def _refuse(doing, code, right_channel):
    Report.objects.filter(pk=doing.case.pk).update(refusal_code=code, right_channel=right_channel)
    doing.facts["report"].refusal_code, doing.facts["report"].right_channel = code, right_channel
    doing.set(
        closer=doing.actor.account,
        closed_at=doing.at,
        disputable_until=policy.dispute_until(doing.at),
        **alarms.NONE,
    )
    doing.public |= {"reason": code}


def contested(doing):
    case = doing.case
    above = named_above(case, doing.at, case.closer)
    doing.set(contested=case.contested + 1, holder=above, closed_at=None, disputable_until=None)
    doing.set(accept_limit=policy.limits_for(doing.facts["report"].category, case.urgency, doing.at)[0])
    doing.set(**alarms.until_accepted(case, doing.at, start=doing.at))


def transferred(doing):
    end_tasks(doing, Task.CANCELLED)
    doing.set(outcome="transferred", closed_at=doing.at, closer=doing.actor.account, **alarms.NONE)
    doing.public |= {"channel": doing.data["channel"]}
    doing.private |= {"receiver": doing.data["receiver"]}


def taken_back(doing):
    # That it was handed on was the answer, in its time; nobody of ours has returned it.
    answered = doing.case.accepted_at or doing.case.closed_at
    doing.set(outcome="", closed_at=None, holder=doing.actor.account)
    if not doing.case.handle_limit:
        _accept, _site, handle = policy.limits_for(doing.facts["report"].category, doing.case.urgency, doing.at)
        doing.set(**clock_from(doing.at), handle_limit=handle, accepted_at=answered, rule_version=policy.rule_version())
    doing.set(due_at=deadline(doing.case))
    doing.set(**alarms.until_done(doing.case, doing.at))


def promise(doing):
    """The deadline anew from what is frozen, and the alarms and open tasks with it."""
    case = doing.case
    doing.set(due_at=deadline(case))
    doing.set(**alarms.until_done(case, doing.at))
    case.tasks.filter(state__in=(Task.ISSUED, Task.SIGNED)).update(due_at=case.due_at)


def assisted(doing):
    _issue(doing, [(unit, Task.ASSIST) for unit in doing.data["assists"]])
    doing.public |= {"assists": [unit.name_zh for unit in doing.data["assists"]]}


def police_told(doing):
    """Reported to the police, whatever the reporter wishes; the entry is the receipt."""
    doing.private |= {"receiver": doing.data["receiver"]}
    _seal(doing)


def sealed(doing):
    _seal(doing)


def _seal(doing):
    """Off every list, and what neighbours joined with it: of its reporter's words they keep the category's name."""
    case = doing.case
    doing.set(sensitive=True)
    hide(case)
    seal_joined(case, doing.facts["report"].category)


def seal_joined(case, category):
    """What joined a matter is as secret, and keeps of the words of its reporter the category's name."""
    joined = Case.objects.filter(parent=case)
    if category is not None:
        called = Category.objects.filter(scheme="resident", kind="matter", code=case.category).values("name_zh")
        joined.filter(Q(title=case.title) | Q(title__in=called)).update(title=category.name_zh)
    joined.update(sensitive=True)


def unsealed(doing):
    doing.set(sensitive=False)
    Case.objects.filter(parent=doing.case).update(sensitive=False)  # nothing that was secret by itself can join


def dispatched(doing):
    """Tasks for one lead and any number of assistants, each with a link; the dispatching post stays responsible."""
    case, unit = doing.case, doing.data["unit"]
    parts = [(unit, Task.LEAD)] + [(u, Task.ASSIST) for u in doing.data.get("assists", []) if u.pk != unit.pk]
    _issue(doing, parts)
    sign_by = policy.sign_by(case.urgency, doing.at)
    doing.set(holder=doing.actor.account, **alarms.until_done(case, doing.at))
    if case.alarm_at is None or sign_by < case.alarm_at:
        doing.set(alarm_at=sign_by)
    doing.public |= {"unit": unit.name_zh, "assists": [u.name_zh for u, part in parts if part == Task.ASSIST]}


def _issue(doing, parts):
    """A task and its link for each (unit, part)."""
    case = doing.case
    for who, part in parts:
        task = Task.objects.create(
            case=case,
            unit=who,
            part=part,
            note=(doing.data.get("note") or "").strip()[:2000],
            reason=(doing.data.get("why") or "；".join(case.route.get("reasons", [])))[:200],
            issued_by=doing.actor.account,
            issued_at=doing.at,
            due_at=case.due_at,
            sign_due_at=policy.sign_by(case.urgency, doing.at),
            return_until=policy.limit_end(policy.parameter("return_limit"), doing.at),
        )
        doing.links.append((task, issue_link(task, doing.at)))


def signed(doing):
    task = doing.actor.task
    Task.objects.filter(pk=task.pk).update(state=Task.SIGNED, signed_at=doing.at, signed_by=doing.actor.named[:40])
    doing.set(unit=task.unit, **alarms.until_done(doing.case, doing.at))


def started(doing):
    # Whoever takes it into their own hands makes the joint meeting needless that it may have waited for.
    doing.set(holder=doing.actor.account, unit=None, **alarms.until_done(doing.case, doing.at))


def returned(doing):
    task = doing.actor.task
    Task.objects.filter(pk=task.pk).update(state=Task.RETURNED, ended_at=doing.at)
    doing.set(unit=None, returned=doing.case.returned + 1)
    if doing.case.returned > 1:  # the two do not agree whose it is: a joint meeting decides
        meet_by = policy.limit_end(policy.parameter("meeting_limit"), doing.at)
        doing.set(pending="meeting", **alarms.until_met(doing.case, meet_by))
    doing.public |= {"unit": task.unit.name_zh}
    doing.private |= {"proposed": doing.data["proposed"]}


def recalled(doing):
    end_tasks(doing, Task.CANCELLED)
    doing.set(unit=None, holder=doing.actor.account)


def end_tasks(doing, state):
    Task.objects.filter(case=doing.case, state__in=(Task.ISSUED, Task.SIGNED)).update(state=state, ended_at=doing.at)
    if state == Task.CANCELLED or doing.target == "closed":
        Task.objects.filter(case=doing.case, link_revoked_at__isnull=True).update(link_revoked_at=doing.at)


def replied(doing):
    if doing.actor.task:
        Task.objects.filter(pk=doing.actor.task.pk).update(state=Task.DONE, ended_at=doing.at)
    doing.public |= {"outcome": doing.data["outcome"]}
    if doing.data.get("plan_date"):
        doing.public["plan_date"] = str(doing.data["plan_date"])


def sent_back(doing):
    """返工: half the original limit, at least four work hours."""
    case = doing.case
    limit = rework_limit(case)
    # The unit's last task, which is still open where somebody of the grid replied in its stead.
    task = case.tasks.filter(part=Task.LEAD).order_by("-id").first()
    if task is not None and task.state == Task.DONE and case.unit_id == task.unit_id:
        task.state, task.ended_at = Task.SIGNED, None
        task.save(update_fields=["state", "ended_at"])
        doing.links.append((task, issue_link(task, doing.at)))
    doing.set(reworked=case.reworked + 1, handle_limit=limit, extra_limit="", **clock_from(doing.at))
    doing.set(due_at=deadline(case))
    doing.set(**alarms.until_done(case, doing.at))
    doing.public |= {"limit": limit}


def rework_limit(case):
    """Half the original limit; what has been halved once is not halved again."""
    halved = case.reworked or case.reopened
    return str(half(Limit.parse(case.handle_limit))) if case.handle_limit and not halved else case.handle_limit


def closed(doing):
    """A claim, open to dispute until the window ends. What the grid worker closed alone is drawn for a sample."""
    case = doing.case
    outcome = doing.data["outcome"]
    doing.set(
        outcome=outcome,
        closer=doing.actor.account,
        closed_at=doing.at,
        closings=_next_closing(case),
        disputable_until=policy.dispute_until(doing.at),
        rateable_until=policy.rate_until(doing.at),
        **alarms.NONE,
    )
    end_tasks(doing, Task.DONE)
    doing.public |= {"outcome": outcome, "closing": case.closings}
    if doing.data.get("plan_date"):
        doing.public["plan_date"] = str(doing.data["plan_date"])
    again = doing.facts[
        "report"
    ].category.recheck_days  # what is clean for the photo and back at night is looked at later
    chance = doing.move.name == "close_seen" and drawn(case.stream, case.closings, policy.number("sample_percent"))
    if again or chance:
        Sample.objects.create(
            case=case,
            closing=case.closings,
            drawn_at=doing.at + timedelta(days=again),
            community=case.community,
            subdistrict=case.subdistrict,
        )


def _next_closing(case):
    """The number of this closing: above whatever its reporters have rated before, here or in a matter they left."""
    rated = Rating.objects.filter(Q(case=case) | Q(case__parent=case)).aggregate(most=Max("closing"))["most"] or 0
    return max(case.closings, rated) + 1


def drawn(stream, closing, percent):
    """Whether a closing is sampled: a fair draw that nobody at the desk can foresee or repeat until it suits."""
    value = int(hashlib.sha256(f"sample:{stream}:{closing}".encode()).hexdigest()[:8], 16)
    return value % 100 < percent


def named_above(case, at, closer):
    """Whoever decides instead of the one who decided; where there is nobody, it is not given back to that one."""
    above = people_above(case, at, exclude=[closer])
    if above is None:
        raise Refused(_("现在没有可以接手的人，请打社区电话。"))
    return above


def hide(case):
    """Off the public pages, and its photos with it."""
    Report.objects.filter(pk=case.pk).update(published_at=None)
    case.photos.update(public=False)


def settle(doing):
    """It ends without anybody's look: no bad word of its reporter waits for a call-back, no closing for a check."""
    case, ended = doing.case, doing.target
    bad = case.ratings.filter(level__lte=BAD_RATING, callback_at__isnull=True)
    bad.update(callback_at=doing.at, callback_result=ended)
    case.samples.filter(checked_at__isnull=True).update(checked_at=doing.at)


def withdrawn(doing):
    if doing.case.accept_due_at is None:  # only asking takes it away
        asked_in_vain(doing)
    end_tasks(doing, Task.CANCELLED)
    settle(doing)
    if doing.case.parent_id:
        count_heads(doing, doing.case.parent, "left", -1)
    doing.set(outcome="withdrawn", closed_at=doing.at, parent=None, **alarms.NONE)


def anonymised(doing):
    doing.set(anonymity="N2")
    hide(doing.case)


def merged(doing):
    """The parent works on; this reporter keeps notices, rating and dispute."""
    parent = count_heads(doing, doing.data["parent"], "joined", +1)
    if not parent.is_open or parent.parent_id:
        raise Refused(_("那件事已经办结或并到别处了。"))
    end_tasks(doing, Task.CANCELLED)  # assistants of a task that was returned may still be at it
    doing.set(parent=parent, outcome="duplicate", **alarms.NONE)
    doing.public |= {"parent": parent.number}


def count_heads(doing, parent, act, change):
    """One reporter more or less on the matter they share: its own line in its timeline, under its lock."""
    parent = Case.objects.select_for_update(of=("self",)).get(pk=parent.pk)
    parent.headcount += change
    write_event(parent, act, doing.actor, at=doing.at, role=doing.role, data={"headcount": parent.headcount})
    parent.version += 1
    parent.save(update_fields=["headcount", "version"])
    return parent


def split(doing):
    """Own case again under its own number; after the parent closed this is the child's dispute."""
    case, parent = doing.case, doing.case.parent
    inside = parent.is_open or (parent.disputable_until and doing.at <= parent.disputable_until)
    if not inside:
        raise Refused(_("已经过了可以提出的日子。如果问题还在，请再报一件。"))
    count_heads(doing, parent, "left", -1)
    doing.public |= {"parent": parent.number}
    waiting_ratings(case).filter(case=case).update(callback_at=doing.at, callback_result="reopened")
    # Whatever was promised before it joined is over; it is new, and nobody's yet.
    doing.set(parent=None, outcome="", holder=None, unit=None, accepted_at=None, due_at=None, handle_limit="")
    if parent.state in ("closed", "refused"):  # somebody else looks, as at a dispute or a contest
        doing.set(contested=case.contested + 1, closer=parent.closer)
        doing.set(holder=named_above(case, doing.at, parent.closer))
    doing.set(**alarms.until_accepted(case, doing.at, start=doing.at))


def called(doing):
    """A call about the matter, kept as what was done: with whom it was and what was said stands in the words."""
    doing.public |= {"reached": doing.data["reached"]}


def seen(doing):
    doing.set(seen_at=doing.at)


def assist_signed(doing):
    Task.objects.filter(pk=doing.actor.task.pk, state=Task.ISSUED).update(
        state=Task.SIGNED, signed_at=doing.at, signed_by=doing.actor.named[:40]
    )


def assist_done(doing):
    Task.objects.filter(pk=doing.actor.task.pk).update(state=Task.DONE, ended_at=doing.at)


def relinked(doing):
    """A fresh link for the open lead task; the one before it dies at once."""
    task = doing.case.tasks.filter(state__in=(Task.ISSUED, Task.SIGNED), part=Task.LEAD).first()
    doing.links.append((task, issue_link(task, doing.at)))


def link_cut(doing):
    doing.case.tasks.filter(link_revoked_at__isnull=True).update(link_revoked_at=doing.at)


def escalated(doing):
    """The case stays with its holder; one more person is told, one step up each time."""
    if doing.data.get("unsigned"):
        doing.case.tasks.filter(part=Task.LEAD, state=Task.ISSUED).update(chased_at=doing.at)
        doing.set(**alarms.until_done(doing.case, doing.at))
    else:
        doing.set(**alarms.after_ring(doing.case, doing.at))
    doing.public |= {"step": doing.case.alarm_step, "to": doing.data.get("to", ""), "ahead": doing.data["ahead"]}
