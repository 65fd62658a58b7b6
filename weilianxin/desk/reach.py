"""What the account's posts reach: which areas it may look at, and which pages its roles bring."""

from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from weilianxin.areas.models import Area
from weilianxin.cases.access import BLIND_ROLES, posts_of
from weilianxin.cases.models import Case

GRID_ROLES = ("grid_worker", "grid_worker_backup")


def my_posts(request):
    """The account's posts now, read once per request."""
    if not hasattr(request, "desk_posts"):
        request.desk_posts = posts_of(request.account, timezone.now())
    return request.desk_posts


def roles(request):
    return {post.role for post in my_posts(request)}


def areas_of(request, *wanted):
    """The areas in which the account holds one of these roles, each once."""
    return list({post.area_id: post.area for post in my_posts(request) if post.role in wanted}.values())


def work_of(request):
    """What is open in the grids one serves, and what one holds oneself."""
    open_cases = Case.objects.visible_to(request.account).open()
    return open_cases.filter(Q(grid__in=areas_of(request, *GRID_ROLES)) | Q(holder=request.account))


def require(request, *wanted):
    """404 for everybody without one of these roles: for them the page does not exist."""
    if not roles(request) & set(wanted):
        raise Http404


def area_or_404(request, level, code):
    """The area with this code as one of the account's posts covers it; 404 otherwise."""
    area = (
        Area.objects.current()
        .filter(level=level, code=code)
        .select_related("community", "subdistrict", "district", "parent")
        .first()
    )
    if area is None:
        raise Http404
    above = {area.pk, area.community_id, area.subdistrict_id, area.district_id}
    if not any(post.area_id in above and post.role not in BLIND_ROLES for post in my_posts(request)):
        raise Http404
    return area
