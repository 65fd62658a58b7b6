"""Whose request it is, for counting tries."""

from ipaddress import ip_address, ip_network

from django.conf import settings


def address_of(request):
    """The client's address: the connection's, or what the outermost of our own PROXIES proxies says of it.

    Each proxy appends whom it talked to, so the entry as many places from the end as there are proxies is the first
    one that nobody outside could write. Of an IPv6 address the network counts (its /64): whoever has one has all of it.
    """
    if settings.PROXIES:
        told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
        if len(told) >= settings.PROXIES:
            return network_of(told[-settings.PROXIES][:64])
    return network_of(request.META.get("REMOTE_ADDR", ""))


def network_of(address):
    try:
        known = ip_address(address)
    except ValueError:  # a proxy may write a port behind it
        return address
    if known.version == 4:
        return address
    return str(known.ipv4_mapped or ip_network((int(known), 64), strict=False))
