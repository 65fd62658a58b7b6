"""The report one is writing: on the server, so that it survives a lost page, and found again after signing in."""

import secrets

from weilianxin.files.store import erase_photo
from weilianxin.lib.digests import keyed_digest

from ..models import Draft

SESSION = "report_draft"
MOST_PHOTOS = 9
LONGEST = 20_000  # kept as typed; the form's own limit is told when it is sent


def find(request):
    """The draft of this browser, else the account's, or None. One begun before signing in becomes the account's."""
    token = request.session.get(SESSION)
    drafts = Draft.objects.order_by("-updated_at", "-id")
    draft = drafts.filter(session=digest(token)).first() if token else None
    account = request.account
    if draft is not None and draft.account_id and (account is None or draft.account_id != account.pk):
        draft = None
    if account is None:
        return draft
    if draft is None:
        return drafts.filter(account=account).first()
    if draft.account_id is None:
        draft.account = account
        draft.save(update_fields=["account"])
        photos_to(account, draft)
        Draft.objects.filter(account=account).exclude(pk=draft.pk).delete()
    return draft


def open_(request):
    """The draft, made where there is none; in memory until it is saved."""
    draft = find(request)
    if draft is not None:
        return draft
    token = request.session.get(SESSION) or secrets.token_urlsafe(18)
    request.session[SESSION] = token
    return Draft(account=request.account, session=digest(token), data={})


def digest(token):
    return keyed_digest("report-draft", token)


def photos_to(account, draft):
    draft.photos.filter(owner__isnull=True).update(owner=account)


def photos(draft):
    """The draft's photos in the order they came, one query."""
    return list(draft.photos.order_by("pk")) if draft is not None and draft.pk else []


def drop(draft):
    """Forget the draft. Photos that became part of a case stay with it, the others are erased."""
    for photo in draft.photos.filter(uses__isnull=True):
        erase_photo(photo)
    draft.delete()


def drop_photo(draft, ref):
    """Take one photo out of the draft and erase it."""
    for photo in draft.photos.filter(ref=ref):
        draft.photos.remove(photo)
        erase_photo(photo)
