"""Whose request it is, for counting tries."""

from weilianxin.lib import edge


def address_of(request):
    """The client's address as the edge believes it; "" where it is not known."""
    find = getattr(edge, "client_address", None)
    return find(request) if find else request.META.get("REMOTE_ADDR", "")
