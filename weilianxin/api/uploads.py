"""Photos sent ahead: private to their sender until an act uses them within a day, then part of that act."""

from django.http import Http404
from django.utils import timezone
from ninja import File, Router, Status
from ninja.files import UploadedFile

from weilianxin.cases.errors import Invalid
from weilianxin.cases.photos import is_public, may_see
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive
from weilianxin.files.models import Photo
from weilianxin.files.serve import photo_response
from weilianxin.files.store import place, store

from .frame import BODY, OPTIONAL, PICTURE, answers, not_too_often, signed_in
from .schemas import Ref, Shape

router = Router(tags=["photos"])
UPLOADS = 120  # in an hour


class PhotoOut(Shape):
    id: str
    width: int
    height: int


@router.post("/photos", auth=signed_in, response=answers(PhotoOut, *BODY, status=201), url_name="photos")
def send_photo(request, photo: File[UploadedFile]):
    """One photo, made anew without metadata. Its id goes into the act it belongs to, within a day."""
    not_too_often(request, "photos", UPLOADS)
    try:
        prepared = place(receive([photo])[0])
    except BadPhoto as problem:
        raise Invalid(str(problem), "photo") from None
    row = store(prepared, request.account, timezone.now())
    return Status(201, {"id": row.ref, "width": row.width, "height": row.height})


@router.get(
    "/photos/{ref}/{variant}", response=answers(None, 404), openapi_extra={**OPTIONAL, **PICTURE}, url_name="photo"
)
def photo(request, ref: Ref, variant: str):
    """The `picture` or its `thumb`: what is public, what one sent, and what hangs on a case one may open."""
    row = Photo.objects.filter(ref=ref, erased_at__isnull=True).first()
    public = row is not None and is_public(row)
    if row is None or not (public or may_see(row, request.account)):
        raise Http404
    return photo_response(row, variant, request, private=not public)
