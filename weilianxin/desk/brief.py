"""The morning brief as a page, and the list behind each of its lines."""

from django.http import Http404
from django.utils import timezone
from django.views.decorators.http import require_safe

from weilianxin.insights import brief
from weilianxin.people.session import staff_required

from . import lists
from .nav import render
from .reach import my_posts, require


@require_safe
@staff_required
def page(request):
    """What this person's day begins with; quiet where there is nothing."""
    require(request, *brief.ROLES)
    at = timezone.now()
    context = {"at": at, "lines": brief.brief(request.account, at, my_posts(request))}
    return render(request, "desk/brief.html", context)


@require_safe
@staff_required
def behind(request, line):
    """The cases of one line, what is due first; of something unusual, what came in its seven days, the newest first."""
    require(request, *brief.ROLES)
    at = timezone.now()
    desk = brief.Desk(request.account, at, my_posts(request))
    label, query = brief.LINES.get(line), ""
    if line == "unusual":
        field, key = chosen(request)
        label = brief.names(field, [key]).get(key) or label
        query = f"{field}={key}&"
        rows, after = lists.newest(
            lists.rows_of(brief.recent(desk, brief.WEEK, **{field: key})), request.GET.get("after", "")
        )
    elif label:
        rows, after = lists.soonest(brief.behind(desk, line), request.GET.get("after", ""))
    else:
        raise Http404
    context = {"at": at, "label": label, "rows": lists.state_words(rows), "after": after, "query": query}
    return render(request, "desk/brief_line.html", context)


def chosen(request):
    """Which category or compound is asked for; 404 for neither."""
    category, compound = request.GET.get("category", ""), request.GET.get("compound", "")
    if category and len(category) <= 24:
        return "category", category
    if compound.isascii() and compound.isdecimal() and len(compound) < 18:
        return "compound", int(compound)
    raise Http404
