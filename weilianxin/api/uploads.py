"""Photos and voice notes sent ahead: private to their sender until an act uses them within a day."""

from django.http import Http404
from django.utils import timezone
from ninja import File, Router, Status
from ninja.files import UploadedFile

from weilianxin.cases.errors import Invalid
from weilianxin.cases.photos import is_public, may_listen, may_see
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import receive, receive_sound
from weilianxin.files.models import Photo, Sound
from weilianxin.files.serve import photo_response, sound_response
from weilianxin.files.store import place, store, store_sound

from .frame import BODY, OPTIONAL, PICTURE, answers, not_too_often, signed_in
from .schemas import Ref, Shape

router = Router(tags=["photos"])
UPLOADS = 120  # in an hour


class PhotoOut(Shape):
    id: str
    width: int
    height: int


class SoundOut(Shape):
    id: str
    seconds: int


HEARD = {
    "responses": {
        200: {"description": "The voice note", "content": {"audio/*": {"schema": {"type": "string"}}}},
        206: {"description": "The piece a player asked for", "content": {"audio/*": {"schema": {"type": "string"}}}},
        416: {"description": "No such piece"},
    }
}


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


@router.post("/sounds", auth=signed_in, response=answers(SoundOut, *BODY, status=201), url_name="sounds")
def send_sound(request, sound: File[UploadedFile]):
    """A voice note of at most 60 seconds and 2 MB. Its id goes into a report, within a day."""
    not_too_often(request, "sounds", UPLOADS)
    prepared = place(receive_sound(sound))
    row = store_sound(prepared, request.account, timezone.now())
    return Status(201, {"id": row.ref, "seconds": row.seconds})


@router.get("/sounds/{ref}", auth=signed_in, response=answers(None, 404), openapi_extra=HEARD, url_name="sound")
def sound(request, ref: Ref):
    """The voice note, or the piece a player asks for: for its sender and those who may know who reported."""
    row = Sound.objects.filter(ref=ref, erased_at__isnull=True).first()
    if row is None or not may_listen(row, request.account):
        raise Http404
    return sound_response(row, request)
