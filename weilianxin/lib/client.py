"""Whose request it is, for counting tries."""

from django.conf import settings


def address_of(request):
    """The client's address: the connection's, or what the outermost of our own PROXIES proxies says of it.

    Each proxy appends whom it talked to, so the entry as many places from the end as there are proxies is the first
    one that nobody outside could write.
    """
    if settings.PROXIES:
        told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
        if len(told) >= settings.PROXIES:
            return told[-settings.PROXIES][:64]
    return request.META.get("REMOTE_ADDR", "")
