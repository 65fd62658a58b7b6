"""Handing out a photo. Whether somebody may see it is decided by the caller, at every request."""

import logging

from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response

from .store import PICTURE, SUFFIX, read

log = logging.getLogger(__name__)


def photo_response(photo, variant, request, *, private=False):
    """The picture or thumbnail as a response; Http404 when it was erased or there is no such variant.

    A browser may keep it for five minutes for itself and ask again with its ETag; with `private` nothing is kept.
    The bytes behind a ref never change, so the ref is the ETag.
    """
    if variant not in SUFFIX or photo.erased_at is not None:
        raise Http404
    etag = f'"{photo.ref}-{variant}"'
    keep = "no-store" if private else "private, max-age=300"
    response = None if private else get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = HttpResponse(read(photo, variant), content_type="image/jpeg")
        except FileNotFoundError:
            log.error("bytes of a photo are missing (%s)", variant)
            raise Http404 from None
        name = "photo.jpg" if variant == PICTURE else "photo-small.jpg"
        response["Content-Disposition"] = f'inline; filename="{name}"'
    if not private:
        response["ETag"] = etag
    response["Cache-Control"] = keep
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
