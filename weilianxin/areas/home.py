"""Whose installation this is, where neighbouring subdistricts are entered by name as well."""

from django.conf import settings
from django.db.models import Exists, OuterRef

from .models import Area, Level


def own_subdistrict():
    """The subdistrict that is served here: the one of the settings, else the first that has grids; None without any."""
    grids = Area.objects.current().filter(level=Level.GRID, subdistrict=OuterRef("pk"))
    rows = Area.objects.current().filter(level=Level.SUBDISTRICT).select_related("district", "parent")
    if settings.SUBDISTRICT_CODE:
        rows = rows.filter(code=settings.SUBDISTRICT_CODE)
    return rows.annotate(served=Exists(grids)).order_by("-served", "code").first()
