"""Saying where: one's own entrance, a plate, a compound step by step, a public place, an address, the phone's point."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from weilianxin.areas.choices import compounds, known, public_places
from weilianxin.areas.locate import ForeignArea, NotFound, locate
from weilianxin.areas.models import Place, PlaceKind
from weilianxin.areas.plates import resolve
from weilianxin.cases.errors import Invalid
from weilianxin.people.residents import dwelling_of

WAYS = ("plate", "home", "choose", "public", "point", "address")
FINER = (PlaceKind.COMPOUND, PlaceKind.BUILDING, PlaceKind.ENTRANCE)  # a room is nobody's business here
KEYS = ("where", "compound", "building", "entrance", "public", "address", "lat", "lon", "floor", "mark")
MOST = 400  # buildings or entrances in one choice

FLOORS = (
    ("一楼", _lazy("一楼")),
    ("二楼", _lazy("二楼")),
    ("三楼", _lazy("三楼")),
    ("四楼以上", _lazy("四楼以上")),
    ("地下", _lazy("地下")),
    ("楼外", _lazy("楼外")),
)


def read(post):
    """What the form about the place says, as the draft keeps it."""
    data = {key: post.get(key, "").strip()[:200] for key in KEYS}
    if data["where"] not in WAYS:
        data["where"] = ""
    return data


def entrance_of(account):
    """The entrance (or house) of the account's own dwelling: never the room, which is nobody's business here."""
    dwelling = dwelling_of(account) if account is not None else None
    place = getattr(dwelling, "place", None)
    if place is None:
        return None
    return place.parent if place.kind == PlaceKind.ROOM and place.parent_id else place


def plate_place(data):
    plate = resolve(data["plate"]) if data.get("plate") else None
    return plate.place if plate else None


def location(data, account):
    """The `Location` that the draft's data means. Raises `Invalid` with a sentence and the field it belongs to."""
    where = data.get("where") or ("plate" if data.get("plate") else "home" if account is not None else "")
    try:
        if where == "plate":
            place = plate_place(data)
            if place is None:
                raise Invalid(_("这块门牌已经停用了，请换一种方式说明在哪里。"), "where")
            return locate(place=place)
        if where == "home":
            place = entrance_of(account)
            if place is None:
                raise Invalid(_("我们还不知道您住哪里，请换一种方式说明在哪里。"), "where")
            return locate(place=place)
        if where == "choose":
            place = known(data["place"], *FINER) if data.get("place") else _chosen(data)
            if place is None:
                raise Invalid(_("请选是哪个小区。"), "compound")
            return locate(place=place)
        if where == "public":
            place = known(data.get("public"), PlaceKind.PUBLIC)
            if place is None:
                raise Invalid(_("请选是哪个公共场所。"), "public")
            return locate(place=place)
        if where == "point":
            if not (data.get("lat") and data.get("lon")):
                raise Invalid(_("手机没有给出位置，请点“用手机定位”，或换一种方式。"), "point")
            datum = data.get("datum") or "wgs84"
            return locate(lat=data["lat"], lon=data["lon"], datum=datum, text=data.get("mark", ""))
        if where == "address":
            if len(data.get("address", "")) < 2:
                raise Invalid(_("请写是哪里，例如“星影苑6幢”或“斗柄路12号”。"), "address")
            return locate(text=data["address"])
    except (ForeignArea, NotFound, ValueError) as problem:
        field = where if where in ("address", "point") else "where"
        raise Invalid(str(problem) or _("这个地方找不到，请换一种方式说明在哪里。"), field) from None
    raise Invalid(_("请选在哪里。"), "where")


def _chosen(data):
    """The finest place chosen so far that fits what was chosen above it."""
    compound = known(data.get("compound"), PlaceKind.COMPOUND)
    if compound is None:
        return None
    building = known(data.get("building"), PlaceKind.BUILDING)
    if building is None or building.compound_id != compound.pk:
        return compound
    entrance = known(data.get("entrance"), PlaceKind.ENTRANCE)
    return entrance if entrance is not None and entrance.parent_id == building.pk else building


def choices(data):
    """What can be chosen now: compounds by community, then the buildings and entrances below what was chosen."""
    compound, building = data.get("compound", ""), data.get("building", "")
    below = Place.objects.current().filter(kind__in=(PlaceKind.BUILDING, PlaceKind.ENTRANCE)).order_by("pk")
    return {
        "compounds": compounds(),
        "buildings": list(below.filter(kind=PlaceKind.BUILDING, parent_id=compound)[:MOST]) if number(compound) else [],
        "entrances": list(below.filter(kind=PlaceKind.ENTRANCE, parent_id=building)[:MOST]) if number(building) else [],
        "publics": public_places(),
    }


def number(text):
    return str(text).isdecimal() and len(str(text)) < 19


def words(data, found):
    """The place as it is read back to the person: name, floor, landmark."""
    name = found.place.full_name if found is not None and found.place is not None else ""
    if not name and found is not None:
        name = data.get("address") if data.get("where") == "address" else (found.text or "")
    parts = [name or (found.community.name if found is not None and found.community else "")]
    if data.get("where") == "point" and not name:
        parts = [_("手机定位的地方")]
    return " ".join(part for part in (*parts, data.get("floor", ""), data.get("mark", "")) if part)
