"""The rows of an import of places. One row is one place, named by its path: 小区, 幢, 单元, 室, or 公共场所.

What a path needs above it is made by itself. A place is known by its path, in any spelling (6栋, 6幢, ６号楼).
"""

import re
from collections import defaultdict

from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry import Point, shape

from weilianxin.areas.area_rows import as_date
from weilianxin.areas.models import Area, Level, Place, PlaceKind, PropertyKind
from weilianxin.areas.names import fold
from weilianxin.lib.datum import WGS84, to_wgs84

PLACE_ALIASES = {
    **dict.fromkeys(("compound", "小区名称", "院落"), "小区"),
    **dict.fromkeys(("building", "栋", "幢号", "楼幢", "门牌"), "幢"),
    **dict.fromkeys(("entrance", "单元号"), "单元"),
    **dict.fromkeys(("room", "室号", "房号"), "室"),
    **dict.fromkeys(("public", "公共场所名称"), "公共场所"),
    **dict.fromkeys(("grid", "网格代码", "所属网格"), "网格编码"),
    **dict.fromkeys(("property", "property_kind", "物业类型"), "物业"),
    "aliases": "别名",
    "lat": "纬度",
    **dict.fromkeys(("lon", "lng"), "经度"),
    "datum": "坐标系",
    **dict.fromkeys(("place_code", "标准地址编码"), "地点编码"),
}
PROPERTY_WORDS = {
    **{kind.value: kind for kind in PropertyKind},
    **dict.fromkeys(("物业公司", "有", "物业"), PropertyKind.COMPANY),
    "准物业": PropertyKind.QUASI,
    **dict.fromkeys(("无", "没有", "无物业"), PropertyKind.NONE),
}
LEVELS = (
    ("小区", PlaceKind.COMPOUND, "", ""),
    ("幢", PlaceKind.BUILDING, "幢", " "),
    ("单元", PlaceKind.ENTRANCE, "单元", ""),
    ("室", PlaceKind.ROOM, "室", ""),
)
OUTSIDE = 100  # metres a place may lie outside its grid, for grids are drawn by hand


def place_rows(rows, report, at, mentioned=()):
    """Check and write `rows` [(sheet, number, values)] inside the caller's transaction; problems go to `report`.

    `mentioned` are codes of areas in the same file, which have been told already if they are wrong.
    """
    if rows:
        _Places(report, timezone.localdate(at), mentioned).all(rows)


class _Places:
    def __init__(self, report, today, mentioned):
        self.report, self.today, self.mentioned = report, today, mentioned
        self.grids = {
            area.code: area for area in Area.objects.on(today).filter(level=Level.GRID).select_related("community")
        }
        self.shapes = {}
        self.places, self.seen, self.spoken = {}, {}, {}
        for place in Place.objects.on(today).select_related("compound", "grid"):
            self.places[fold(place.full_name)] = place
        self.touched, self.fresh = {}, {kind: [] for kind in PlaceKind}

    def bad(self, row, column, what, remedy):
        sheet, number, values = row
        self.report.bad(sheet, number, column, values.get(column, ""), what, remedy)

    def all(self, rows):
        checked = [facts for row in rows if (facts := self.check(row))]
        checked.sort(key=lambda facts: len(facts[1]))  # what lies above first
        for row, path, given in checked:
            self.keep(row, path, given)
        if self.report.problems:
            return
        # The grid of a compound follows from its buildings, so it is settled before new rows are written.
        parts = defaultdict(list)
        for building in self.fresh[PlaceKind.BUILDING]:
            parts[id(building.parent)].append(building)
        for compound, row in self.touched.values():
            self.settle(compound, parts[id(compound)])
            if compound.community_id is None:
                self.bad(row, "网格编码", _("没有写属于哪个网格"), _("请写 15 位网格编码，或写上它的幢"))
        for kind in PlaceKind:
            for place in self.fresh[kind]:
                place.parent = place.parent  # takes the key that the parent has got by now
                place.compound = place.compound
            Place.objects.bulk_create(self.fresh[kind], batch_size=500)

    def check(self, row):
        """(row, path, facts) of a row, or None after saying what is wrong with it. A path is [(kind, name)]."""
        values, before = row[2], len(self.report.problems)
        path = self.path(row)
        if path:
            key = fold("".join(name for _kind, name in path))
            first = self.seen.setdefault(key, row[1])
            if first != row[1]:
                self.bad(row, "小区", _("和第%(row)s行是同一个地点") % {"row": first}, _("请删掉一行"))
        code, given = values.get("网格编码", ""), {}
        if code:
            given["grid"] = self.grids.get(code)
            if given["grid"] is None and code not in self.mentioned:
                self.bad(row, "网格编码", _("没有这个网格"), _("请先导入网格，或核对 15 位编码"))
        if values.get("物业"):
            given["property_kind"] = PROPERTY_WORDS.get(values["物业"])
            if given["property_kind"] is None:
                self.bad(row, "物业", _("没有这一类"), _("请写物业公司、准物业或无"))
            elif path and path[0][0] == PlaceKind.COMPOUND:
                told = self.spoken.setdefault(path[0][1], (given["property_kind"], row[1]))
                if told[0] != given["property_kind"]:
                    self.bad(row, "物业", _("和第%(row)s行不一致") % {"row": told[1]}, _("同一个小区只写一种"))
        if values.get("别名"):
            given["aliases"] = "\n".join(
                filter(None, (part.strip() for part in re.split(r"[、,，;；\n]+", values["别名"])))
            )
        if values.get("地点编码"):
            given["code"] = values["地点编码"]
            if len(given["code"]) > 40:
                self.bad(row, "地点编码", _("太长"), _("最多 %(n)s 个字") % {"n": 40})
        self.point(row, given)
        if values.get("停用日期"):
            given["valid_to"] = as_date(values["停用日期"])
            if given["valid_to"] is None or given["valid_to"] > self.today:
                self.bad(row, "停用日期", _("日期看不懂，或晚于今天"), _("请写成 2026-10-01，到了那天再导入"))
        return (row, path, given) if len(self.report.problems) == before else None

    def path(self, row):
        values = row[2]
        public = values.get("公共场所", "")
        parts = [values.get(column, "") for column, *_rest in LEVELS]
        if public:
            if any(parts):
                self.bad(row, "公共场所", _("公共场所和小区不能写在同一行"), _("请分成两行"))
            path = [(PlaceKind.PUBLIC, public)]
        else:
            if not parts[0]:
                self.bad(row, "小区", _("没有写小区或公共场所"), _("请写小区的名称；沿街门牌写路名"))
                return None
            if (parts[2] or parts[3]) and not parts[1]:
                self.bad(row, "幢", _("写了单元或室，没有写幢"), _("请写幢号"))
                return None
            path = [
                (kind, _named(part, ending))
                for part, (_column, kind, ending, _gap) in zip(parts, LEVELS, strict=True)
                if part
            ]
        if any(len(name) > 80 for _kind, name in path) or sum(len(name) for _kind, name in path) > 150:
            self.bad(row, "小区", _("名称太长"), _("最多 %(n)s 个字") % {"n": 80})
            return None
        return path

    def point(self, row, given):
        values = row[2]
        lat, lon = values.get("纬度", ""), values.get("经度", "")
        if not lat and not lon:
            return
        try:
            lon, lat = to_wgs84(lon, lat, values.get("坐标系") or WGS84)
        except ValueError as problem:
            return self.bad(row, "纬度", str(problem).rstrip("。"), _("请写度数，例如 30.235000 和 120.165000"))
        if not (3 <= lat <= 54 and 73 <= lon <= 136):
            return self.bad(row, "纬度", _("坐标不在国内"), _("请看经纬度有没有写反"))
        given["lat"], given["lon"] = round(lat, 7), round(lon, 7)
        grid = given.get("grid")
        if grid and grid.geometry:
            drawn = self.shapes.setdefault(grid.pk, shape(grid.geometry))
            away = drawn.distance(Point(lon, lat)) * 111_000
            if away > OUTSIDE:
                what = _("坐标在网格外约 %(n)s 米") % {"n": round(away)}
                self.bad(row, "纬度", what, _("请核对坐标、坐标系或网格编码"))

    def keep(self, row, path, given):
        compound, parent, full = None, None, ""
        for kind, name in path:
            full += (" " if kind == PlaceKind.BUILDING else "") + name
            place = self.places.get(fold(full))
            grid = given.get("grid") or (place and place.grid) or (parent and parent.grid)
            if place is None:
                if grid is None and kind != PlaceKind.COMPOUND:
                    return self.bad(row, "网格编码", _("没有写属于哪个网格"), _("请写 15 位网格编码"))
                place = Place(
                    kind=kind, name_zh=name, full_name=full, parent=parent, compound=compound, grid=grid,
                    community=grid and grid.community,
                )  # fmt: skip
                self.fresh[kind].append(place)
                self.places[fold(full)] = place
                self.report.made += 1
            if kind == PlaceKind.COMPOUND:
                compound = place
                self.touched.setdefault(id(place), (place, row))  # not by key: a new one has none yet
                if given.get("property_kind"):
                    self.change(place, {"property_kind": given["property_kind"]}, counts=False)
            parent = place
        self.change(place, {name: value for name, value in given.items() if name != "property_kind"})

    def change(self, place, facts, counts=True):
        """Set what differs on a place; a grid reaches everything in it that was in the same grid before."""
        facts = {name: value for name, value in facts.items() if value is not None and getattr(place, name) != value}
        if place.pk is None:
            for name, value in facts.items():
                setattr(place, name, value)
            return
        if place.kind == PlaceKind.COMPOUND and "grid" in facts and self.places_in(place).exists():
            del facts["grid"]  # settled from its buildings
        if "grid" in facts:
            self.move(place, place.grid_id, facts["grid"])
        if "valid_to" in facts:
            self.close(place, facts["valid_to"])
        if facts:
            for name, value in facts.items():
                setattr(place, name, value)
            place.save(update_fields=[*facts])
            self.report.closed += counts and "valid_to" in facts
            self.report.changed += "valid_to" not in facts
        elif counts:
            self.report.same += 1

    def move(self, place, before, grid):
        place.community = grid.community
        place.save(update_fields=["community"])
        for child in self.below(place):
            if child.grid_id == before:
                child.grid, child.community = grid, grid.community
                child.save(update_fields=["grid", "community"])

    def close(self, place, day):
        for child in self.below(place):
            child.valid_to = day
            child.save(update_fields=["valid_to"])

    def below(self, place):
        """Every stored place under this one, as the very objects that this import works on."""
        level = [place.pk]
        while level:
            found = list(Place.objects.on(self.today).filter(parent__in=level).values_list("pk", "full_name"))
            level = [pk for pk, _name in found]
            yield from (self.places[fold(name)] for _pk, name in found)

    def places_in(self, compound):
        return Place.objects.on(self.today).filter(parent=compound, kind=PlaceKind.BUILDING)

    def settle(self, compound, parts):
        """A compound lies in the grid of its buildings if they agree, else it spans grids and has none."""
        grids = {part.grid_id for part in parts}
        communities = {part.community_id for part in parts}
        if compound.pk:
            for grid, community in self.places_in(compound).values_list("grid_id", "community_id"):
                grids.add(grid)
                communities.add(community)
        if not grids:
            return
        grid = grids.pop() if len(grids) == 1 else None
        community = communities.pop() if len(communities) == 1 else compound.community_id
        if (compound.grid_id, compound.community_id) != (grid, community):
            compound.grid_id, compound.community_id = grid, community
            if compound.pk:
                compound.save(update_fields=["grid", "community"])


def _named(part, ending):
    """The name of a part as it is written: 6 becomes 6幢, while 6号 and 甲楼 stay."""
    if ending and re.fullmatch(r"[0-9]+[A-Za-z]?(-[0-9]+)?|[A-Za-z]|[甲乙丙丁戊己庚辛东南西北中]", part):
        return part + ending
    return part
