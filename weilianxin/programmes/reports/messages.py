"""Who is told what after an act, inside its transaction. The words are data (`notify/data/texts.csv`)."""

from django.db.models import Q
from django.urls import reverse

from weilianxin.cases.models import Case, Task
from weilianxin.lib.masks import redact
from weilianxin.notify.send import tell, tell_each
from weilianxin.notify.webhooks import announce
from weilianxin.people.posts import holders, on_duty, people_above

from . import policy
from .guards import in_charge, waiting_samples
from .words import REFUSALS

# Acts that everybody who joined a matter hears of, under their own number.
BROADCAST = {
    "accept": "accepted",
    "dispatch": "dispatched",
    "sign": "signed",
    "start": "started",
    "close_seen": "closed",
    "close_verified": "closed",
    "refuse": "refused",
    "no_answer": "refused",
    "transfer": "transferred",
    "take_back": "taken_back",
    "rework": "rework",
    "reopen": "reopened",
    "designate": "dispatched",
    "suspend": "suspended",
    "resume": "resumed",
    "extend": "extended",
    "broadcast": "broadcast",
    "rise": "risen",
}
REPORTER_ONLY = {
    "see": "seen",
    "ask": "asked",
    "contest_refusal": "contested",
    "merge": "merged",
    "split_out": "split",
    "dispute": "disputed",
    "uphold": "upheld",
    "carve": "carved",
}


def serving(case, at):
    """The account that answers for a case now: its holder or who stands in for them while they are away, else (nobody
    yet, or somebody who has left or moved) whoever is on duty in its grid, else the next above."""
    charged = in_charge(case, at)
    if charged is not None:
        return charged
    if case.grid_id and case.sight == "grid":
        duty = on_duty(case.grid, at)
        if duty is not None and duty.account.pk != case.about_account_id:
            return duty.account
    return people_above(case, at, exclude=[])


def _values(case, worker, at, **more):
    place = case.compound or case.place
    return {
        "number": case.number,
        "title": case.title,
        "worker": worker.name if worker else "",
        "due": case.next_due_at or case.due_at or at,
        "unit": case.unit.name_zh if case.unit_id else "",
        "place": place.full_name if place else case.place_text,
        "reason": "",
        "channel": case.report.right_channel,
        "until": case.disputable_until or case.next_due_at or at,
        "name": "",
        "link": "",
        **more,
    }


def pressing(case):
    """Whether staff are told in the quiet hours too: limits of minutes and hours run day and night."""
    return case.urgency in ("U0", "U1")


def matter_url(case):
    return reverse("reports:matter", args=[case.number])


def case_url(case):
    return reverse("desk:case", args=[case.number])


def receipt(case, at):
    """To whoever had it taken down by somebody at the desk and wants it in writing: the number, also by SMS."""
    values = _values(case, serving(case, at), at)
    tell(
        "taken_down", "reporter", case.reporter, values=values, url=matter_url(case), key=f"{case.stream}:taken", at=at
    )


def on_submitted(case, at, told=False):
    """A new report: its reporter (unless they were `told` in other words), and the people who must decide on it."""
    worker = serving(case, at)
    key = f"{case.stream}:submitted"
    values = _values(case, worker, at)
    if case.reporter_id and not told:
        tell("submitted", "reporter", case.reporter, values=values, url=matter_url(case), key=key, at=at)
    audience = "worker" if case.grid_id and case.sight == "grid" else "leader"
    if case.grid_id is None:
        tell_each(
            "submitted",
            "dispatcher",
            holders("centre_dispatcher", case.subdistrict, at),
            values=values,
            url=case_url(case),
            key=key,
            at=at,
        )
    if case.urgency == "U0" or (case.urgency == "U1" and case.grid_id is None):
        if worker is not None:
            tell("emergency", "worker", worker, values=values, url=case_url(case), key=key, at=at, urgent=True)
        watching = {a.pk: a for a in _leaders(case, at) if worker is None or a.pk != worker.pk}
        tell_each(
            "emergency",
            "leader",
            list(watching.values()),
            values=values,
            url=case_url(case),
            key=key,
            at=at,
            urgent=True,
        )
    elif case.grid_id is not None and worker is not None:
        tell(
            "submitted",
            audience,
            worker,
            values=values,
            url=case_url(case),
            key=key,
            at=at,
            urgent=pressing(case),
        )


def _leaders(case, at):
    of_the_grid = holders("grid_leader", case.grid, at) if case.sight == "grid" else []
    accounts = [*of_the_grid, *holders("duty_leader", case.subdistrict, at)]
    return [a for a in accounts if a.pk != case.about_account_id]


def on_event(case, event, doing):
    """Everything that is said because of an act; one function, so that it can be read like the flow."""
    at, act, key = event.at, event.act, f"{case.stream}:{event.seq}"
    worker = serving(case, at)
    values = _values(case, worker, at, reason=_reason(case, event))

    def to_staff(text, audience, accounts, **more):
        apart = (event.actor_id, case.about_account_id)  # who did it knows, who is complained about is not told
        accounts = [a for a in accounts if a is not None and a.pk not in apart]
        if accounts:
            given = {**values, **more}
            tell_each(text, audience, accounts, values=given, url=case_url(case), key=key, at=at, urgent=pressing(case))

    def to_unit(text, receiver, **more):
        # What is typed leaves the house without the numbers and addresses of people.
        outside = {"title": "", "place": redact(values["place"]), "reason": redact(values["reason"])}
        given = {**values, **outside, **more}
        tell(
            text,
            "handler",
            address=receiver.phone,
            values=given,
            key=f"{key}:{receiver.pk}",
            at=at,
            urgent=pressing(case),
            held=receiver.is_demo,
        )

    _to_reporters(case, event, values, key)
    _to_partners(case, event)
    if act in ("answer", "append"):
        to_staff("answered" if act == "answer" else "appended", "worker", [worker])
    elif act == "contest_refusal":
        to_staff("contested", "leader", [worker])
    elif act == "split_out":
        to_staff("split", "worker", [worker])
    elif act in ("dispatch", "designate", "assist", "relink"):
        for task, path in doing.links:
            text = "dispatched" if task.part == Task.LEAD else "assist"
            to_unit(text, task.unit, link=policy.absolute(path), unit=task.unit.name_zh)
    elif act == "sign":
        to_staff("signed", "worker", [worker], name=event.named)
    elif act == "return_order":
        unit = event.unit.name_zh
        to_staff("returned", "worker", [worker], unit=unit)
        if case.pending == "meeting":
            for role in ("centre_dispatcher", "duty_leader"):
                to_staff("returned", "dispatcher", holders(role, case.subdistrict, at), unit=unit)
    elif act in ("ask_extend", "ask_suspend", "object", "propose_void", "propose_exclude"):
        roles = ["centre_dispatcher", "duty_leader"]
        if act in ("object", "propose_void", "propose_exclude"):
            roles.reverse()
        first, second = (holders(role, case.subdistrict, at) for role in roles)
        asked = [one for one in first if one.pk != event.actor_id] or second  # a request that nobody reads is none
        to_staff("asked_for", "centre", asked, name=doing.move.label)
    elif act in ("extend", "suspend", "decline"):
        to_staff("declined" if act == "decline" else f"{act}ed", "worker", [worker])
        task = case.tasks.filter(part=Task.LEAD, state__in=(Task.ISSUED, Task.SIGNED)).select_related("unit").first()
        if task is not None:
            to_unit("declined" if act == "decline" else f"{act}ed", task.unit)
    elif act == "resume":
        to_staff("resumed", "worker", [worker])
        for task, path in doing.links:
            to_unit("resumed", task.unit, link=policy.absolute(path))
    elif act == "police_report":
        to_staff("police", "leader", holders("duty_leader", case.subdistrict, at))
    elif act in ("recall", "withdraw", "merge", "transfer", "void"):
        for task in case.tasks.filter(state=Task.CANCELLED, ended_at=at).select_related("unit"):
            to_unit("withdrawn" if act == "withdraw" else "recalled", task.unit)
        if act == "withdraw":
            to_staff("withdrawn", "worker", [worker])
    elif act == "reply":
        unit = event.unit.name_zh if event.unit_id else event.actor.name
        to_staff("replied", "worker", [worker], unit=unit)
        if case.urgency in ("U0", "U1") or case.reopened or case.report.about != "thing":
            to_staff("replied", "verifier", holders("centre_verifier", case.subdistrict, at), unit=unit)
    elif act == "rework":
        for task, path in doing.links:
            to_unit("rework", task.unit, link=policy.absolute(path))
        if not doing.links:
            to_staff("rework", "worker", [worker])
    elif act in ("close_seen", "close_verified"):
        for task in case.tasks.filter(state=Task.DONE, part=Task.LEAD).select_related("unit"):
            to_unit("closed", task.unit)
        if waiting_samples(case, at).exists():
            to_staff("sampled", "verifier", holders("centre_verifier", case.subdistrict, at), due=policy.check_by(at))
    elif act == "rate" and doing.data["level"] <= 2:
        callers = holders("callback_officer", case.subdistrict, at)
        to_staff("rated_badly", "callback", callers, due=policy.check_by(at))
    elif act in ("dispute", "reopen"):
        to_staff("disputed" if act == "dispute" else "reopened", "holder", [case.holder])
    elif act == "recode" and "holder" in event.data:
        to_staff("submitted", "worker", [case.holder])
    elif act == "carve":
        on_submitted(doing.facts["carved"], at, told=True)
    elif act == "rise":
        to_staff("risen", "worker", [worker])
        to_staff("risen", "leader", _leaders(case, at))
    elif act == "urge":
        to_staff("urged", "holder", [worker])
    elif act == "escalate":
        _escalated(case, doing, values, key, at, worker)


# Acts that a partner's system hears of; the others are between people.
TOLD_PARTNERS = (
    *BROADCAST,
    "reply",
    "return_order",
    "recall",
    "dispute",
    "merge",
    "split_out",
    "withdraw",
    "void",
)


ENDINGS = ("close_seen", "close_verified", "refuse", "no_answer", "transfer")


def _to_partners(case, event):
    """The partners of the units that have a task here, and of the channel it came from: facts, nobody's words. The
    channels of what joined it hear how it ended, each of its own number and nothing of this one's."""
    if event.act not in TOLD_PARTNERS or case.sensitive:
        return
    kind, mine = f"case.{event.act}", Q(state__in=(Task.ISSUED, Task.SIGNED, Task.DONE)) | Q(ended_at=event.at)
    facts = _facts(case) | {"unit": case.unit.name_zh if case.unit_id else ""}
    units = set(case.tasks.filter(mine).values_list("unit_id", flat=True))
    announce(units=units, source=case.report.source, kind=kind, facts=facts, subject=case.stream, at=event.at)
    if event.act in ENDINGS and case.headcount > 1:
        joined = Case.objects.filter(parent=case, state="merged", sensitive=False).exclude(report__source="")
        ending = {"state": case.state, "phase": case.phase, "outcome": case.outcome}
        for one in joined.select_related("report", "compound"):
            facts, source = _facts(one) | ending, one.report.source
            announce(units=(), source=source, kind=kind, facts=facts, subject=one.stream, at=event.at)


def _facts(case):
    return {
        "number": case.number,
        "source": case.report.source,
        "source_number": case.report.source_no,
        "category": case.category,
        "urgency": case.urgency,
        "state": case.state,
        "phase": case.phase,
        "outcome": case.outcome,
        "unit": "",
        "compound": case.compound.full_name if case.compound_id else "",
        "due_at": case.due_at.isoformat() if case.due_at else None,
    }


def _reason(case, event):
    if event.act in ("refuse", "no_answer"):
        return f"{REFUSALS[case.report.refusal_code][0]}。{event.note}"
    return event.note


def _to_reporters(case, event, values, key):
    text = BROADCAST.get(event.act) or REPORTER_ONLY.get(event.act)
    if text is None:
        return
    if event.act in ("dispatch", "designate"):
        values = {**values, "unit": event.data["unit"]}
    if event.act == "carve":
        values = {**values, "link": event.data["number"], "reason": event.note}
    if event.act == "transfer":
        values = {**values, "channel": event.data["receiver"]}
    told = [case]
    if event.act in BROADCAST and case.headcount > 1:
        told += Case.objects.filter(parent=case, state="merged").select_related("reporter")[:200]
    for one in told:
        # Whoever did it themselves needs no message, but for what they disputed: that is the receipt.
        if one.reporter_id and (one.reporter_id != event.actor_id or event.act in ("dispute", "contest_refusal")):
            given = {**values, "number": one.number}
            if one is not case:  # what was written to the first reporter is read by the neighbours too
                given |= {"title": one.title, "reason": redact(values["reason"])}
            tell(text, "reporter", one.reporter, values=given, url=matter_url(one), key=f"{key}:{one.pk}", at=event.at)


def _escalated(case, doing, values, key, at, worker):
    """A reminder before the deadline; after it the holder, the reporter, and one more person a step up."""
    url, above, urgent = case_url(case), doing.data.get("above"), pressing(case)
    if doing.data["ahead"]:
        if worker is not None:
            tell("reminder", "holder", worker, values=values, url=url, key=key, at=at, urgent=urgent)
        open_states = (Task.ISSUED,) if doing.data.get("unsigned") else (Task.SIGNED,)
        for task in case.tasks.filter(state__in=open_states, part=Task.LEAD).select_related("unit"):
            tell(
                "unsigned" if doing.data.get("unsigned") else "reminder",
                "handler",
                address=task.unit.phone,
                values={**values, "title": "", "place": redact(values["place"])},
                key=key,
                at=at,
                urgent=urgent,
                held=task.unit.is_demo,
            )
        return
    values = {**values, "name": above.name if above else ""}
    if worker is not None:
        tell("overdue", "holder", worker, values=values, url=url, key=key, at=at, urgent=urgent)
    if above is not None:
        tell("escalated", "leader", above, values=values, url=url, key=key, at=at, urgent=urgent)
    first = doing.data["first"]
    if first and case.reporter_id and case.accepted_at and above is not None:
        tell("overdue", "reporter", case.reporter, values=values, url=matter_url(case), key=key, at=at)
