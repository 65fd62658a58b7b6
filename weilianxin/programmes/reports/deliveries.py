"""Handing results back: what came of the matters that another channel passed on to us, each ending once.

Whoever exports takes everything that ended since the last time, at most `MOST` at once; the file can be made again from
the events for as long as it is listed. A matter that was taken up again and ends anew is handed back anew.
"""

import csv
import io

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.cases.models import Case, CasePhoto, Event, Outcome
from weilianxin.journal import log
from weilianxin.lib.masks import redact
from weilianxin.lib.refusal import Refused

from .flow import ENDED, REPORTS
from .models import Delivered, Delivery, Report
from .words import REFUSALS, STATES

MOST = 2000  # matters in one file
LISTED = 50  # files that can be fetched again
STREAM = "deliveries"
OVER = (*ENDED, "void")
COLUMNS = ("原编号", "本地编号", "状态", "结果", "答复", "来件时间", "收到时间", "受理时间", "办结时间", "办后照片数")


class NothingNew(Refused):
    """Nothing has ended since the last time."""

    status = 409


def again(case, event):
    """Called for every event: what ended and goes on, or ends otherwise, is to be handed back anew."""
    ended = event.from_state and REPORTS.phases[event.from_state] in ("done", "void")
    if ended and event.to_state != event.from_state:
        rows = Report.objects.filter(Q(pk=case.pk) | Q(case__parent=case))
        rows.exclude(source="").filter(delivery__isnull=False).update(delivery=None)


def waiting(cases):
    """The reports among `cases` that came from elsewhere, have ended and have not been handed back; one that joined
    another matter ends with that."""
    own = Q(case__phase__in=("done", "void"), case__parent__isnull=True, case__closed_at__isnull=False)
    joined = Q(case__parent__phase="done", case__parent__closed_at__isnull=False)
    rows = Report.objects.filter(own | joined, delivery__isnull=True, case__in=cases)
    return rows.exclude(source="").exclude(source_no="")


def deliver(by, subdistrict, source, at=None):
    """Take what waits of `source` in `subdistrict`, as far as `by` may see it, as one file; returns the `Delivery`.

    Journalled with who and how many. Two at once share nothing: what one takes the other finds taken. Raises
    `NothingNew`.
    """
    at = at or timezone.now()
    with transaction.atomic():
        cases = Case.objects.visible_to(by, at).filter(subdistrict=subdistrict)
        found = list(waiting(cases).filter(source=source).order_by("pk").values_list("pk", "case__parent")[:MOST])
        keys, held = [pk for pk, _parent in found], {pk for pair in found for pk in pair if pk}
        # Held with what they joined, so that nobody takes them up again, or hands them back, between look and note.
        list(Case.objects.select_for_update().filter(pk__in=held).order_by("pk").values_list("pk", flat=True))
        rows = list(waiting(cases).filter(pk__in=keys).select_related("case__parent").order_by("pk"))
        if not rows:
            raise NothingNew(_("没有新办结的，都送过了。"))
        batch = Delivery.objects.create(subdistrict=subdistrict, source=source, by=by, made_at=at, count=len(rows))
        ends = Event.objects.filter(case__in={row.case.parent_id or row.pk for row in rows}, to_state__in=OVER)
        last = {event.case_id: event for event in ends.exclude(from_state=F("to_state")).order_by("seq")}
        Delivered.objects.bulk_create(
            [Delivered(delivery=batch, case=row.case, event=last[row.case.parent_id or row.pk]) for row in rows]
        )
        Report.objects.filter(pk__in=[row.pk for row in rows]).update(delivery=batch)
        facts = {"delivery": batch.pk, "source": source, "count": len(rows)}
        log.append(STREAM, "results_delivered", by.ref, facts, at=at)
    return batch


def sheet(batch):
    """The file of a delivery as CSV with a mark, which spreadsheets open as they are; the same at every call but for
    what was erased meanwhile."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([safe(value) for value in line] for line in lines(batch))
    return "\ufeff" + out.getvalue()


def safe(value):
    """A text that a spreadsheet does not take for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def lines(batch):
    rows = list(batch.rows.select_related("case__report", "event__case__report").order_by("pk"))
    photos = {}
    after = CasePhoto.objects.filter(case__in={row.event.case_id for row in rows}, stage=CasePhoto.AFTER)
    for case, at in after.filter(photo__erased_at__isnull=True).values_list("case", "event__at"):
        photos.setdefault(case, []).append(at)
    for row in rows:
        case, event = row.case, row.event
        yield (
            case.report.source_no,
            case.number,
            str(STATES[event.to_state]),
            str(dict(Outcome.choices).get(event.data.get("outcome"), "")),
            reply(event, own=event.case_id == case.pk),
            moment(case.report.source_at),
            moment(case.created_at),
            moment(case.accepted_at),
            moment(event.at),
            sum(at is None or at <= event.at for at in photos.get(event.case_id, ())),
        )


def reply(event, own):
    """What the channel may tell whoever turned to it."""
    if event.internal:
        return ""
    words = [event.note if own else redact(event.note)]
    if event.to_state == "refused":
        code = event.data.get("reason")
        words = [str(REFUSALS[code][0]) if code in REFUSALS else "", *words, event.case.report.right_channel]
    elif event.to_state == "transferred_out":
        words.append(event.data.get("receiver", ""))
    return "；".join(word.strip() for word in words if word and word.strip())


def moment(at):
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
