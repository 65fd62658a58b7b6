"""The timeline in a neighbour's words: what was done, by whom, and what comes next."""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.cases.models import CasePhoto, Outcome
from weilianxin.lib import words
from weilianxin.lib.masks import redact

from ..models import Channel
from ..words import REFUSALS, TAKEN_DOWN

# Acts whose note was written for somebody else than the reporter.
FOR_OTHERS = ("dispatch", "designate", "recall", "rework")
# Acts whose note was written to the first reporter alone; the neighbours who joined read that it was done.
BETWEEN_TWO = ("ask", "answer", "append", "contest_refusal", "transcribe", "carve")
# What happens next from a state: [(title, what is said of it)].
NEXT = {
    "received": "accept",
    "asking": "accept",
    "accepted": "work",
    "dispatched": "work",
    "working": "check",
    "suspended": "check",
    "replied": "check",
}


def lines(case, events, photos, *, mine=True):
    """One line for each event the reader may read; `photos` are the case's `CasePhoto`s they may see.

    `mine` False is for somebody who joined: what the first reporter wrote and photographed is not theirs to read.
    """
    by_event = {}
    for row in photos:
        by_event.setdefault(row.event_id, []).append(row)
    made = []
    for event in events:
        if event.internal or (not mine and event.role == "reporter"):
            continue
        note = event.note if event.act not in FOR_OTHERS else ""
        if not mine:
            note = "" if event.act in BETWEEN_TWO else redact(note)
        if event.act in ("submit", "transcribe"):
            note = ""  # the words stand beside what the person reported
        line = {"title": said(event), "note": note, "at": event.at, "event": event}
        shown = [p for p in by_event.get(event.pk, ()) if event.act != "submit"]
        if shown:
            line["photos"] = [picture(case, p, own=event.role == "reporter") for p in shown]
        if event.act == "accept" and case.accepted_at == event.at:
            line["took"] = _("用了 %(span)s") % {"span": words.span(event.at - case.created_at)}
        made.append(line)
    return made


def who(event):
    """Who did it, as the reporter may know it: staff by name, an outside unit by its own name."""
    if event.unit_id:
        return event.unit.name
    if event.role == "reporter":
        return _("您")
    return event.actor.name if event.actor_id else _("系统")


def said(event):
    """The event as a sentence."""
    name, data = who(event), event.data or {}
    mine = event.role == "reporter"
    sentences = {
        "submit": _("您送出了报事") if mine else taken_down(data.get("channel")),
        "see": _("%(who)s已经看到"),
        "ask": _("%(who)s想问您一句"),
        "answer": _("您回答了") if mine else _("%(who)s补充了情况"),
        "no_answer": _("没有等到您的补充，先办到这里"),
        "accept": _("%(who)s已签收，由他负责到底") if not event.unit_id else _("%(who)s已签收"),
        "refuse": _("%(who)s没有受理：%(reason)s"),
        "contest_refusal": _("您请我们再看一次"),
        "transfer": _("已转到%(channel)s"),
        "take_back": _("%(who)s收回来接着办"),
        "merge": _("和邻居报的是同一件事，一起办"),
        "split_out": _("改为单独办理"),
        "dispatch": _("%(who)s交给%(unit)s去办"),
        "sign": _("%(who)s已接手"),
        "start": _("%(who)s开始办了"),
        "recall": _("%(who)s换人来办"),
        "reply": _("%(who)s说办好了，等另一个人核实"),
        "rework": _("%(who)s看了还不行，请重新处理"),
        "close_seen": _("%(who)s办结：%(outcome)s"),
        "close_verified": _("%(who)s核实后办结：%(outcome)s"),
        "dispute": _("您说没办好，换人重新办"),
        "reopen": _("%(who)s回访发现没办好，重新办"),
        "withdraw": _("您撤回了这件事"),
        "append": _("您补充了情况") if mine else _("%(who)s补充了情况"),
        "transcribe": _("%(who)s听了录音，写了文字稿"),
        "urge": _("您催了一次") if mine else _("%(who)s催办了一次"),
        "anonymise": _("您改为只让街道中心知道是您"),
        "joined": _("又有一位邻居也遇到了"),
        "left": _("有一位邻居改为单独办理"),
        "suspend": _("%(who)s说要等一等，暂停计时"),
        "resume": _("%(who)s接着办"),
        "extend": _("%(who)s延长了时间"),
        "designate": _("会办决定：由%(unit)s来办"),
        "broadcast": _("%(who)s告诉大家"),
        "rise": _("遇到的人多，升为紧急"),
        "carve": _("里面还有另一件事，单独办：%(number)s"),
        "on_site": _("%(who)s到了现场"),
    }
    sentence = sentences.get(event.act)
    if sentence is None:
        return _("%(who)s更新了进展") % {"who": name}
    if "%(" not in sentence:
        return sentence
    return sentence % {
        "who": name,
        "unit": data.get("unit", ""),
        "number": data.get("number", ""),
        "reason": REFUSALS.get(data.get("reason"), (_("见说明"),))[0],
        "channel": dict(Channel.choices).get(data.get("channel"), _("其他渠道")),
        "outcome": dict(Outcome.choices).get(data.get("outcome"), ""),
        "how": TAKEN_DOWN.get(data.get("channel"), ""),
    }


def taken_down(channel):
    return _("%(who)s替您登记了这件事（%(how)s）") if channel in TAKEN_DOWN else _("工作人员替您报了这件事")


def by(moment):
    """Until when a step is promised; once that has passed, by how much it is late."""
    return words.due(moment) if moment and moment < timezone.now() else words.before(moment)


def ahead(case, days, *, mine=True):
    """What is still to come, dashed: the present step, those after it, and the reader's own word at the end. `mine`
    False is for somebody who joined `case`."""
    stage = NEXT.get(case.state)
    if stage is None:
        return []
    steps = []
    due, first = by(case.due_at), by(case.accept_due_at)
    if case.state == "asking":
        steps.append((_("正在等：您的回答"), _("您回答以后接着计时")) if mine else (_("等报事的邻居补充"), ""))
    if stage == "accept":
        steps.append((_("签收并告诉您"), first))
    if stage in ("accept", "work"):
        unit = case.unit.name if case.unit_id else ""
        steps.append((_("去现场处理"), unit))
    if case.state == "suspended":
        until = words.day(case.review_at) if case.review_at else ""
        steps.append((_("限期解决，先等一等"), _("最晚%(day)s再看") % {"day": until} if until else ""))
    if case.state == "working":
        name = case.unit.name if case.unit_id else case.holder.name if case.holder_id else ""
        steps.append((_("正在办：%(who)s") % {"who": name} if name else _("正在办"), due))
    if case.state == "replied":
        steps.append((_("正在等：另一个人去核实"), due))
    else:
        steps.append((_("拍办好以后的照片，核实办结"), due if stage != "accept" else ""))
    steps.append((_("请您来说办得好不好"), _("不急，办结后 %(n)s 天内都可以说没办好") % {"n": days}))
    kinds = ["now"] + ["next"] * (len(steps) - 2) + ["next you"]
    return [{"title": t, "who": n, "kind": k} for (t, n), k in zip(steps, kinds, strict=True)]


def picture(case, row, *, own=False, url_name="reports:matter_photo"):
    """A case photo as pieces/photos.html draws it."""
    after = row.stage == CasePhoto.AFTER
    day = words.day(row.photo.taken_at or (row.event.at if row.event_id else row.photo.created_at))
    if own:
        caption = _("您拍的")
    else:
        caption = _("办后 %(day)s") % {"day": day} if after else _("办前 %(day)s") % {"day": day}
    return {
        "ref": row.photo.ref,
        "url": reverse(url_name, args=[case.number, row.photo.ref, "picture"]),
        "thumb": reverse(url_name, args=[case.number, row.photo.ref, "thumb"]),
        "alt": _("办好以后的照片") if after else _("办之前的照片"),
        "caption": caption,
        "after": after,
    }
