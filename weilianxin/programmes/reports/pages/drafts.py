"""The report one is writing: on the server, so that it survives a lost page, and found again after signing in."""

import json
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from weilianxin.files.store import erase_photo
from weilianxin.lib.digests import keyed_digest

from ..models import Draft, ThreadMessage

SESSION = "report_draft"
MOST_PHOTOS = 9
KEPT_DAYS = 30
LONGEST = 20_000  # kept as typed; the form's own limit is told when it is sent
CHOICES = ("anonymity", "wish", "about_unit")  # what the third step asks


def find(request, shown=""):
    """The newest draft of this browser or account, or of its drafts the one that a form `shown`; None without one.
    One begun before signing in becomes the account's."""
    token, account = request.session.get(SESSION), request.account
    own = Q(account=account) if account is not None else Q(pk__in=[])
    if token:
        own |= Q(session=digest(token), account__isnull=True)
    if shown:
        own &= Q(pk=pk_in(shown))
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


def mark(draft):
    """Which draft a page shows, and as it is now: a form that says it sends nothing its page did not show."""
    said = {key: value for key, value in draft.data.items() if key not in CHOICES}
    seen = json.dumps([draft.pk, said, [photo.pk for photo in photos(draft)]], sort_keys=True)
    return f"{draft.pk}.{keyed_digest('draft-shown', seen)[:16]}"


def pk_in(shown):
    """The key of the draft that a form showed; 0 for what is no mark."""
    pk = shown.partition(".")[0]
    return int(pk) if pk.isdecimal() and len(pk) < 19 else 0


def keep(draft, choices):
    """Note what was chosen, if the draft is still there; it is now the one that is being written."""
    draft.data = {**draft.data, **choices}
    with transaction.atomic():
        row = Draft.objects.select_for_update().filter(pk=draft.pk).first()
        if row is not None:  # its words may just have been changed in another tab
            row.data |= choices
            row.save()


def photos(draft):
    """The draft's photos in the order they came, one query."""
    return list(draft.photos.order_by("pk")) if draft is not None and draft.pk else []


def drop(draft):
    """Forget the draft. Photos that became part of a case or stand in a message stay there, the others are erased."""
    for photo in _only_here(draft):
        erase_photo(photo)
    draft.delete()


def drop_photo(draft, ref):
    """Take one photo out of the draft, and erase it where it is part of nothing else."""
    for photo in _only_here(draft).filter(ref=ref):
        erase_photo(photo)
    draft.photos.remove(*draft.photos.filter(ref=ref))


def _only_here(draft):
    said = ThreadMessage.photos.through.objects.filter(photo=OuterRef("pk"))
    return draft.photos.filter(~Exists(said), uses__isnull=True)


def forget_old(at=None, limit=200):
    """Drop drafts that nobody has touched for a month, photos and all; for the work loop. Returns how many."""
    old = Draft.objects.filter(updated_at__lt=(at or timezone.now()) - timedelta(days=KEPT_DAYS))[:limit]
    count = 0
    for draft in old:
        with transaction.atomic():
            drop(draft)
        count += 1
    return count
