"""望星街道, the invented subdistrict: its areas, places and plates, the same at every run.

The facts lie in `data/demo/*.csv`. The outlines are an invented tessellation; the names are those of the sky,
so that nobody takes them for real ones. Codes of plates are derived from the name of their place, which a real
installation must never do: there they are random.
"""

import base64
import csv
import hashlib
from pathlib import Path

from django.db import transaction
from shapely.geometry import Polygon, mapping
from shapely.ops import unary_union

from weilianxin.areas.calendar import load_shipped
from weilianxin.areas.generation import AREAS, stamp
from weilianxin.areas.models import Area, Level, Place, PlaceKind, Plate

DATA = Path(__file__).resolve().parent / "data" / "demo"
DISTRICT = ("330102", "北斗区", "Beidou District")
SUBDISTRICT = ("330102098", "望星街道", "Wangxing Subdistrict")
NEIGHBOUR = ("330102099", "逐月街道", "Zhuyue Subdistrict")
NEIGHBOUR_BOX = ((120.1890, 30.2160), (120.2100, 30.2160), (120.2100, 30.2405), (120.1890, 30.2405))
# In the order of the sky: the seven stars of the Dipper and Polaris.
ENGLISH = {
    "天枢社区": "Tianshu Community",
    "天璇社区": "Tianxuan Community",
    "天玑社区": "Tianji Community",
    "天权社区": "Tianquan Community",
    "玉衡社区": "Yuheng Community",
    "开阳社区": "Kaiyang Community",
    "摇光社区": "Yaoguang Community",
    "北辰社区": "Beichen Community",
}
PHONE = "0571-0000 {:04d}"  # plainly invented; shown, never dialled
HOURS = "周一至周五 8:30-12:00、13:30-17:30"


@transaction.atomic
def make_demo_areas():
    """Make the areas, places, plates and the work calendar of the demo, and return what was made.

    The mapping holds `district`, `subdistrict`, `neighbour` (Area), `communities` (by name), `grids` (by code),
    `compounds` (by name), `places` (by full name; all but rooms), `companies` (letter of the property company
    by name of the compound, where there is one) and `grid_rows` (the rows of grids.csv by code, with the A and
    B posts of 天枢社区). Raises ValueError if the subdistrict is there already.
    """
    if Area.objects.filter(code=SUBDISTRICT[0]).exists():
        raise ValueError("演示区域已经建好了。")
    load_shipped()
    made = _areas() | {"places": {}}
    _compounds(made)
    _buildings(made)
    _plates()
    stamp(AREAS)
    return made


def demo_plate_code(full_name):
    """The code of the demo's plate on the place with this full name; 16 characters."""
    digest = hashlib.sha256(f"望星街道演示牌 {full_name}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:12]).decode()


def _rows(name):
    with open(DATA / name, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _areas():
    community_rows, grid_rows = _rows("communities.csv"), _rows("grids.csv")
    drawn = {
        row["code"]: Polygon([tuple(map(float, p.split())) for p in row["outline"].split(";")]) for row in grid_rows
    }
    outline = {
        row["code"]: unary_union([drawn[c] for c in drawn if c.startswith(row["code"])]) for row in community_rows
    }

    def area(level, code, name_zh, name_en, parent, shape, **facts):
        made = Area(level=level, code=code, name_zh=name_zh, name_en=name_en, parent=parent, **facts)
        made.geometry = shape and mapping(shape)
        return made

    district = area(Level.DISTRICT, *DISTRICT, None, None)
    district.save()
    district.district = district
    district.save()
    subdistricts = []
    for facts, shape in ((SUBDISTRICT, unary_union(list(outline.values()))), (NEIGHBOUR, Polygon(NEIGHBOUR_BOX))):
        row = area(Level.SUBDISTRICT, *facts, district, shape, district=district, hours=HOURS, phone=PHONE.format(1000))
        row.save()
        row.subdistrict = row
        row.save()
        subdistricts.append(row)
    subdistrict, neighbour = subdistricts
    above = {"district": district, "subdistrict": subdistrict}
    communities = {}
    for row in community_rows:
        name = row["name_zh"]
        made = area(
            Level.COMMUNITY, row["code"], name, ENGLISH[name], subdistrict, outline[row["code"]],
            households=int(row["households"]), hours=HOURS, phone=PHONE.format(1000 + int(row["code"][9:])), **above,
        )  # fmt: skip
        made.save()
        made.community = made
        made.save()
        communities[name] = made
    by_code = {made.code: made for made in communities.values()}
    grids = []
    for row in grid_rows:
        parent, number = by_code[row["code"][:12]], int(row["code"][12:])
        grids.append(
            area(
                Level.GRID, row["code"], row["name_zh"], f"Grid {number}", parent, drawn[row["code"]],
                range_zh=row["range_zh"], households=int(row["households"]), community=parent, **above,
            )
        )  # fmt: skip
    Area.objects.bulk_create(grids)
    return {
        "district": district,
        "subdistrict": subdistrict,
        "neighbour": neighbour,
        "communities": communities,
        "grids": {grid.code: grid for grid in grids},
        "grid_rows": {row["code"]: row for row in grid_rows},
    }


def _compounds(made):
    rows, building_rows = _rows("compounds.csv"), _rows("buildings.csv")
    by_code = {community.code: community for community in made["communities"].values()}
    compounds = []
    for row in rows:
        parts = [part for part in building_rows if part["compound"] == row["name"]]
        grids = {part["grid"] for part in parts}
        compounds.append(
            Place(
                kind=PlaceKind.COMPOUND,
                name_zh=row["name"],
                full_name=row["name"],
                aliases=row["aliases"].replace(";", "\n"),
                community=by_code[row["community"]],
                grid=made["grids"][grids.pop()] if len(grids) == 1 else None,
                property_kind=row["property_kind"],
                lat=round(sum(float(part["lat"]) for part in parts) / len(parts), 6),
                lon=round(sum(float(part["lon"]) for part in parts) / len(parts), 6),
            )
        )
    for row in _rows("public_places.csv"):
        grid = made["grids"][row["grid"]]
        compounds.append(
            Place(
                kind=PlaceKind.PUBLIC,
                name_zh=row["name"],
                full_name=row["name"],
                aliases=row["aliases"].replace(";", "\n"),
                community=grid.community,
                grid=grid,
                lat=float(row["lat"]),
                lon=float(row["lon"]),
            )
        )
    Place.objects.bulk_create(compounds)
    made["places"] |= {place.full_name: place for place in compounds}
    made["compounds"] = {place.name_zh: place for place in compounds if place.kind == PlaceKind.COMPOUND}
    made["companies"] = {row["name"]: row["company"] for row in rows if row["company"]}


def _buildings(made):
    rows = _rows("buildings.csv")

    def child(parent, kind, name, gap="", **facts):
        facts = {
            "compound": parent.compound or parent,
            "grid": parent.grid,
            "lat": parent.lat,
            "lon": parent.lon,
        } | facts
        return Place(
            kind=kind, name_zh=name, full_name=f"{parent.full_name}{gap}{name}", parent=parent,
            community=parent.community, **facts,
        )  # fmt: skip

    buildings = [
        child(
            made["compounds"][row["compound"]], PlaceKind.BUILDING, row["name"], " ",
            grid=made["grids"][row["grid"]], lat=float(row["lat"]), lon=float(row["lon"]),
        )
        for row in rows
    ]  # fmt: skip
    Place.objects.bulk_create(buildings, batch_size=500)
    entrances, plans = [], []
    for row, building in zip(rows, buildings, strict=True):
        for n in range(1, int(row["entrances"]) + 1):
            beside = round(building.lon + (n - 1.5) * 0.00012, 6)  # entrances lie some 12 m apart
            entrances.append(child(building, PlaceKind.ENTRANCE, f"{n}单元", lon=beside))
            plans.append((int(row["floors"]), int(row["per_floor"])))
    Place.objects.bulk_create(entrances, batch_size=500)
    rooms = [
        child(entrance, PlaceKind.ROOM, f"{floor}{door:02d}室")
        for entrance, (floors, doors) in zip(entrances, plans, strict=True)
        for floor in range(1, floors + 1)
        for door in range(1, doors + 1)
    ]
    Place.objects.bulk_create(rooms, batch_size=500)
    made["places"] |= {place.full_name: place for place in (*buildings, *entrances)}


def _plates():
    """On every entrance, and on every building that has none."""
    entrances = Place.objects.filter(kind=PlaceKind.ENTRANCE)
    lone = Place.objects.filter(kind=PlaceKind.BUILDING).exclude(pk__in=entrances.values("parent"))
    places = [*entrances.values_list("pk", "full_name"), *lone.values_list("pk", "full_name")]
    Plate.objects.bulk_create([Plate(place_id=pk, code=demo_plate_code(name)) for pk, name in places], batch_size=500)
