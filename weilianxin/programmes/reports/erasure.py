"""What is left of a person's reports once they have been erased: the matter and how it ended, not their words.

And what a person takes along who asks for everything that is held about them.
"""

from django.db.models import Q
from django.utils.translation import gettext as _

from weilianxin.areas.models import PlaceKind
from weilianxin.cases.models import Case, CasePhoto, Event, Rating, Submission, Task
from weilianxin.files.store import erase_photo, erase_sound
from weilianxin.lib.masks import redact
from weilianxin.notify.models import Message, Outbox

from .models import Draft, Report, Thread, ThreadMessage

MOST = 2000  # of anything in an export


def erase_person(account, at):
    """Called inside the transaction that erases `account`.

    Open matters go on without a name; the words of the person, their photos, ratings' notes, drafts and threads go.
    What staff wrote about their matters stays without their name and numbers.
    """
    cases = list(Case.objects.filter(reporter=account).select_related("place__parent", "sound"))
    gone = _("（应本人要求已删除）")
    theirs = Q(case__in=cases) & (Q(by_role="reporter") | Q(photo__owner=account))
    for use in CasePhoto.objects.filter(theirs, photo__erased_at__isnull=True).select_related("photo"):
        erase_photo(use.photo, at)
    for case in cases:
        if case.sound is not None and case.sound.erased_at is None:
            erase_sound(case.sound, at)
    events = Event.objects.filter(case__in=cases)
    own = Q(role="reporter") | Q(act__in=("submit", "transcribe"))  # a transcript is what the person said
    events.filter(own).exclude(note="").update(note=gone)
    _without_name(account, (events, "note"), (Task.objects.filter(case__in=cases), "note"))
    ratings = Rating.objects.filter(case__in=cases)
    ratings.exclude(note="").update(note="")
    _without_name(account, (ratings, "callback_note"))
    reports = Report.objects.filter(case__in=cases)
    reports.update(text=gone, public_title="", public_text="", published_at=None, floor="")
    CasePhoto.objects.filter(case__in=cases).update(public=False)
    Event.objects.filter(actor=account).update(actor=None)
    for case in cases:
        _from_notices(case, gone)
        if case.place is not None and case.place.kind == PlaceKind.ROOM:
            Case.objects.filter(pk=case.pk).update(place=case.place.parent)
    Case.objects.filter(reporter=account).update(reporter=None, title=gone, place_text="")
    for draft in Draft.objects.filter(account=account).prefetch_related("photos"):
        for photo in draft.photos.all():
            erase_photo(photo, at)
        draft.delete()
    for message in ThreadMessage.objects.filter(thread__resident=account).prefetch_related("photos"):
        for photo in message.photos.filter(erased_at__isnull=True):
            if not photo.uses.exclude(case__in=cases).exists():
                erase_photo(photo, at)
    Thread.objects.filter(resident=account).delete()
    Submission.objects.filter(scope=f"account:{account.pk}").delete()


def _without_name(account, *columns):
    """In what others wrote (rows, column) the person's name becomes stars, and so do telephone numbers and the like."""
    for rows, column in columns:
        for row in rows.exclude(**{column: ""}).only(column):
            said = redact(getattr(row, column))
            if len(account.name) > 1:
                said = said.replace(account.name, "*" * len(account.name))
            if said != getattr(row, column):
                type(row).objects.filter(pk=row.pk).update(**{column: said})


def _from_notices(case, gone):
    """Where only the person's own words say the place, they stand in the notices about the case too."""
    if case.place_text and case.place_id is None and case.compound_id is None:
        Message.objects.filter(url__endswith=f"/cases/{case.number}/").update(body=gone)
        sent = Outbox.objects.filter(body__contains=case.number).exclude(
            state__in=(Outbox.QUEUED, Outbox.SENDING, Outbox.UNSURE)
        )
        sent.update(body=gone)


def held(account):
    """The person's reports with everything the reporter may read, ratings, what was said in the thread, and drafts."""

    def moment(value):
        return value.isoformat() if value else None

    def event(row):
        return {"at": moment(row.at), "act": row.act, "by": row.role, "words": row.note}

    cases = Case.objects.filter(reporter=account).select_related("report__category", "place", "sound")
    cases = cases.order_by("-id")[:MOST]
    said = ThreadMessage.objects.filter(thread__resident=account).order_by("-id")[:MOST]
    return {
        "reports": [
            {
                "number": case.number,
                "title": case.title,
                "text": case.report.text,
                "category": case.report.category.name if case.report.category else "",
                "place": case.place.full_name if case.place else "",
                "place_said": case.place_text,
                "lat": str(case.lat) if case.lat is not None else None,
                "lon": str(case.lon) if case.lon is not None else None,
                "anonymity": case.anonymity,
                "state": case.state,
                "outcome": case.outcome,
                "created_at": moment(case.created_at),
                "closed_at": moment(case.closed_at),
                "timeline": [event(row) for row in case.events.filter(internal=False)[:MOST]],
                "ratings": [
                    {"at": moment(row.at), "level": row.level, "words": row.note} for row in case.ratings.all()
                ],
                "sound": case.sound.original_hash if case.sound else None,
                "photos": [
                    row.photo.ref
                    for row in case.photos.filter(Q(by_role="reporter") | Q(photo__owner=account)).select_related(
                        "photo"
                    )
                ],
            }
            for case in cases
        ],
        "thread": [
            {"at": moment(row.at), "mine": not row.from_staff, "words": row.body, "read_at": moment(row.read_at)}
            for row in said
        ],
        "drafts": [
            {"text": draft.data.get("text", ""), "updated_at": moment(draft.updated_at)}
            for draft in Draft.objects.filter(account=account).order_by("-id")[:MOST]
        ],
    }
