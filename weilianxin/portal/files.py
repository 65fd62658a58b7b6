"""A photo, for those who may see it; for everybody else it does not exist."""

from django.http import Http404
from django.views.decorators.http import require_safe

from weilianxin.cases.photos import is_public, may_see
from weilianxin.files.models import Photo
from weilianxin.files.serve import photo_response


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
