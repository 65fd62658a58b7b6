"""QR plates: what hangs on the wall. A plate names a place, never a person, so no change of staff touches it.

Scanning is throttled by whoever receives the request. The scan is a hint of the place, not a proof of presence:
a plate can be photographed.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from weilianxin.areas.models import Area, Level, Place, PlaceKind, Plate


def issue(place, at=None):
    """The plate in use on `place`; a new one if there is none."""
    with transaction.atomic():
        type(place).objects.select_for_update().get(pk=place.pk)  # two clerks, one plate
        found = place.plates.filter(revoked_at=None).order_by("pk").first()
        return found or Plate.objects.create(place=place, issued_at=at or timezone.now())


def issue_missing(places, at=None):
    """A plate for each of `places` (a query of Place) that has none in use; returns how many were made."""
    bare = places.exclude(plates__in=Plate.objects.filter(revoked_at=None))
    made = [Plate(place=place, issued_at=at or timezone.now()) for place in bare]
    Plate.objects.bulk_create(made, batch_size=500)
    return len(made)


def revoke(plate, at=None):
    """Take a plate out of use: a scan then says so. Returns False if it was out of use already."""
    moment = at or timezone.now()
    done = Plate.objects.filter(pk=plate.pk, revoked_at=None).update(revoked_at=moment)
    if done:
        plate.revoked_at = moment
    return bool(done)


@transaction.atomic
def reissue(plate, at=None):
    """Revoke a plate and return its successor on the same place; asked twice, the same successor."""
    moment = at or timezone.now()
    revoke(plate, moment)
    found = Plate.objects.filter(place_id=plate.place_id, revoked_at=None).order_by("pk").first()
    return found or Plate.objects.create(place_id=plate.place_id, issued_at=moment, replaces=plate)


def resolve(code):
    """The plate with this code, or None. A revoked one is returned with `revoked_at`, so that the page can say it.

    Whoever typed it may have put blanks between the letters and held the shift key.
    """
    code = "".join(str(code or "").split())
    if not 0 < len(code) <= 32 or not code.isascii() or not code.isprintable():
        return None
    rows = Plate.objects.select_related("place__grid", "place__parent", "place__compound")
    found = rows.filter(code=code).first()
    return rows.filter(code=code.lower()).first() if found is None and code != code.lower() else found


def around(place):
    """Where plates hang in a compound: at its entrances, or at buildings without one; a public place is its own."""
    if place.kind == PlaceKind.PUBLIC:
        return Place.objects.filter(pk=place.pk)
    inside = Place.objects.current().filter(compound=place)
    entrances = Place.objects.current().filter(parent=OuterRef("pk"), kind=PlaceKind.ENTRANCE)
    return inside.filter(Q(kind=PlaceKind.ENTRANCE) | Q(kind=PlaceKind.BUILDING) & ~Exists(entrances))


def replaced(plate):
    """Whether another plate is in use at the place of this one."""
    return Plate.objects.filter(place_id=plate.place_id, revoked_at=None).exclude(pk=plate.pk).exists()


def hanging(where):
    """The plates in use in a place with all that lies in it, or in an area, with what is printed on them, in the order
    of the buildings."""
    if isinstance(where, Area):
        above = {Level.GRID: "grid", Level.COMMUNITY: "community"}.get(where.level, f"community__{where.level}")
        inside = Q(**{f"place__{above}": where})
    else:
        inside = Q(place=where) | Q(place__parent=where) | Q(place__compound=where)
    rows = Plate.objects.filter(inside, revoked_at=None).order_by("place_id", "pk")
    return rows.select_related(
        "place__compound", "place__community", "place__grid__community", "place__parent__grid__community"
    )


def plate_url(plate):
    """The address that the QR code holds: nothing but the opaque code."""
    return f"{settings.PUBLIC_URL}/p/{plate.code}"
