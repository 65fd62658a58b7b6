"""What is left of a person's reports once they have been erased: the matter and how it ended, not their words."""

from django.utils.translation import gettext as _

from weilianxin.cases.models import Case, Event, Rating
from weilianxin.files.store import erase_photo

from .models import Draft, Report, Thread


def erase_person(account, at):
    """Called inside the transaction that erases `account`.

    Open matters go on without a name; the words of the person, their photos, ratings' notes, drafts and threads go.
    """
    cases = Case.objects.filter(reporter=account)
    gone = _("（应本人要求已删除）")
    for case in cases.prefetch_related("photos__photo"):
        for use in case.photos.all():
            if use.by_role == "reporter":
                erase_photo(use.photo, at)
    Event.objects.filter(case__reporter=account, role="reporter").exclude(note="").update(note=gone)
    Rating.objects.filter(case__reporter=account).exclude(note="").update(note="")
    Report.objects.filter(case__reporter=account).update(text=gone, public_title="", public_text="", published_at=None)
    Event.objects.filter(actor=account).update(actor=None)
    cases.update(reporter=None, title=gone, place_text="")
    for draft in Draft.objects.filter(account=account).prefetch_related("photos"):
        for photo in draft.photos.all():
            erase_photo(photo, at)
        draft.delete()
    Thread.objects.filter(resident=account).delete()
