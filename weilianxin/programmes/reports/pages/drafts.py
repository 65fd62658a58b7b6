"""The report one is writing: on the server, so that it survives a lost page, and found again after signing in."""

import secrets

from django.db.models import Q

from weilianxin.files.store import erase_photo
from weilianxin.lib.digests import keyed_digest

from ..models import Draft

SESSION = "report_draft"
MOST_PHOTOS = 9
LONGEST = 20_000  # kept as typed; the form's own limit is told when it is sent


def find(request):
    """The newest draft of this browser or account, or None. One begun before signing in becomes the account's."""
    token, account = request.session.get(SESSION), request.account
    own = Q(account=account) if account is not None else Q(pk__in=[])
    if token:
        own |= Q(session=digest(token), account__isnull=True)
    draft = Draft.objects.filter(own).order_by("-updated_at", "-id").first()
    if draft is not None and account is not None and draft.account_id is None:
        draft.account = account
        draft.save(update_fields=["account"])
        draft.photos.filter(owner__isnull=True).update(owner=account)
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
