"""Messages: newest first; opening the page is reading them."""

from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from weilianxin.notify.inbox import inbox, mark_read
from weilianxin.people.session import resident_required


@require_safe
@never_cache
@resident_required
def inbox_page(request):
    before = request.GET.get("before", "")
    if before and not before.isdecimal():
        raise Http404
    page = inbox(request.account, before or None)
    fresh = [message.pk for message in page.rows if message.read_at is None]
    if fresh and request.method == "GET":
        mark_read(request.account, fresh)
    address = reverse("portal:inbox")
    context = {
        "messages": page.rows,
        "fresh": set(fresh),
        "older": f"{address}?before={page.older}" if page.older else "",
        "newest": address if before else "",
    }
    return render(request, "portal/inbox.html", context)
