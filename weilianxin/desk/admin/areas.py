"""Areas: the tree with its codes, and what is known of one of them."""

from django.db.models import Count, Q
from django.http import Http404
from django.utils import timezone
from django.views.decorators.http import require_safe

from weilianxin.areas.models import Area, Level, Place, PlaceKind
from weilianxin.people.models import Role
from weilianxin.people.posts import on_duty_many
from weilianxin.people.session import admin_required

from .frame import page, paged
from .plates import choices


@require_safe
@admin_required
def tree(request):
    """Districts, subdistricts and communities, each with how many grids and households it has."""
    today = timezone.localdate()
    valid = Q(children__valid_to__isnull=True) | Q(children__valid_to__gt=today)
    above = Area.objects.current().exclude(level=Level.GRID).select_related("parent")
    rows, older, newest = paged(above.annotate(below=Count("children", filter=valid)), request)
    rows.sort(key=lambda area: area.code)
    return page(request, "desk/admin/areas.html", {"rows": rows, "older": older, "newest": newest})


@require_safe
@admin_required
def one(request, code):
    """An area with what lies below it, who serves it, and its earlier versions."""
    versions = list(
        Area.objects.filter(code=code).select_related("parent", "community", "subdistrict").order_by("-valid_from")[:20]
    )
    today = timezone.localdate()
    area = next((v for v in versions if v.valid_to is None or v.valid_to > today), versions[0] if versions else None)
    if area is None:
        raise Http404
    below = list(Area.objects.current().filter(parent=area)[:200])
    grids = [row for row in below if row.level == Level.GRID]
    duties = on_duty_many(grids, timezone.now()) if grids else {}
    for row in grids:
        row.duty = duties.get(row.pk)
    places = Place.objects.current().filter(**{"grid" if area.level == Level.GRID else "community": area})
    context = {
        "area": area,
        "below": below,
        "versions": [v for v in versions if v.pk != area.pk],
        "posts": area.posts.at(timezone.now()).select_related("account").order_by("role", "pk")[:50],
        "roles": dict(Role.choices),
        **choices(request),
        "counts": {
            "compounds": places.filter(kind=PlaceKind.COMPOUND).count(),
            "entrances": places.filter(kind=PlaceKind.ENTRANCE).count(),
        }
        if area.level in (Level.GRID, Level.COMMUNITY)
        else None,
    }
    return page(request, "desk/admin/area.html", context)
