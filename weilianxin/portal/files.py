"""A photo, for those who may see it; for everybody else it does not exist."""

from django.http import Http404
from django.views.decorators.http import require_safe

from weilianxin.cases.models import Case, CasePhoto
from weilianxin.files.models import Photo
from weilianxin.files.serve import photo_response
from weilianxin.people.models import Account


@require_safe
def file(request, ref, variant):
    """The picture or its thumbnail. What everybody may see may be kept by the browser for a while."""
    photo = Photo.objects.filter(ref=ref[:24], erased_at__isnull=True).first()
    if photo is None:
        raise Http404
    public = is_public(photo)
    if not public and not may_see(photo, request.account):
        raise Http404
    return photo_response(photo, variant, request, private=not public)


def is_public(photo):
    """Confirmed for the public one by one at review, or the portrait of somebody who serves a grid."""
    if CasePhoto.objects.filter(photo=photo, public=True, case__phase="done", case__sensitive=False).exists():
        return True
    return Account.objects.filter(photo=photo.ref, kind=Account.STAFF, is_active=True).exists()


def may_see(photo, account):
    if account is None:
        return False
    if photo.owner_id == account.pk:
        return True
    uses = CasePhoto.objects.filter(photo=photo).values("case")
    return Case.objects.visible_to(account).filter(pk__in=uses).exists()
