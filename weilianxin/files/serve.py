"""Handing out a photo or a voice note. Whether somebody may have it is decided by the caller, at every request."""

import logging
import re

from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response

from .sounds import TYPES
from .store import PICTURE, SOUND, THUMB, read

log = logging.getLogger(__name__)


def photo_response(photo, variant, request, *, private=False):
    """The picture or thumbnail as a response; Http404 when it was erased or there is no such variant.

    A browser may keep it for five minutes for itself and ask again with its ETag; with `private` nothing is kept.
    The bytes behind a ref never change, so the ref is the ETag.
    """
    if variant not in (PICTURE, THUMB) or photo.erased_at is not None:
        raise Http404
    etag = f'"{photo.ref}-{variant}"'
    keep = "no-store" if private else "private, max-age=300"
    response = None if private else get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(_bytes(photo, variant), content_type="image/jpeg")
        name = "photo.jpg" if variant == PICTURE else "photo-small.jpg"
        response["Content-Disposition"] = f'inline; filename="{name}"'
    if not private:
        response["ETag"] = etag
    response["Cache-Control"] = keep
    return _closed(response)


RANGE = re.compile(r"bytes=(\d{0,9})-(\d{0,9})")


def sound_response(sound, request):
    """The voice note as a response, or the piece of it that a player asks for (RFC 9110, section 14); never cached.

    Http404 when it was erased.
    """
    if sound.erased_at is not None:
        raise Http404
    data = _bytes(sound, SOUND)
    response = HttpResponse(data, content_type=TYPES[sound.kind])
    wanted = RANGE.fullmatch(request.headers.get("Range", ""))
    if wanted and any(wanted.groups()):
        first, last = wanted.groups()
        begin = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last) + 1, len(data)) if first and last else len(data)
        if begin >= end:
            response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        else:
            response.content, response.status_code = data[begin:end], 206
            response["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = f'inline; filename="sound.{sound.kind}"'
    response["Cache-Control"] = "no-store"
    return _closed(response)


def _bytes(row, variant):
    try:
        return read(row, variant)
    except FileNotFoundError:
        log.error("bytes are missing (%s)", variant)
        raise Http404 from None


def _closed(response):
    """For this house's pages alone, and as nothing else than what it says it is."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
