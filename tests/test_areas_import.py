"""What the import of areas promises: every bad row told, nothing half imported, versions instead of overwriting."""

import io
import json
import re

import pytest
import xlsxwriter

from weilianxin.areas.geo import grid_at
from weilianxin.areas.importing import import_areas, import_calendar, templates
from weilianxin.areas.locate import locate
from weilianxin.areas.models import Area, CalendarDay, Place
from weilianxin.people.models import Account, Post, Role, Unit

pytestmark = pytest.mark.django_db

AREA_HEAD = ["层级", "编码", "名称", "范围", "户数", "电话", "生效日期", "停用日期", "原编码", "边界"]
PLACE_HEAD = ["小区", "幢", "单元", "室", "公共场所", "网格编码", "物业", "别名", "纬度", "经度", "坐标系", "停用日期"]
C = "330102098001"
GRID, NEXT = C + "001", C + "002"
GOOD = [
    ["区", "330102", "北斗区"],
    ["街道", "330102098", "望星街道"],
    ["社区", C, "天枢社区"],
    ["网格", GRID, "第一网格", "星影苑1-8幢", 312],
    ["网格", NEXT, "第二网格", "星影苑9-16幢", 326],
]
HOMES = [
    ["星影苑", "", "", "", "", "", "物业公司", "星影小区"],
    ["星影苑", "1", "1", "101", "", GRID],
    ["星影苑", 9, 2, "", "", NEXT],
    ["", "", "", "", "观星公园", NEXT],
]


def book(areas=None, places=None):
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out)
    for name, head, rows in (("区域", AREA_HEAD, areas), ("地点", PLACE_HEAD, places)):
        if rows is not None:
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate([head, *rows]):
                sheet.write_row(number, 0, row)
    workbook.close()
    out.seek(0)
    out.name = "区域.xlsx"
    return out


def polygon(*corners):
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def square(lon, lat, side=0.003):
    return polygon([lon, lat], [lon + side, lat], [lon + side, lat + side], [lon, lat + side])


def geojson(**shapes):
    found = [{"type": "Feature", "properties": {"code": k[1:]}, "geometry": g} for k, g in shapes.items()]
    out = io.BytesIO(json.dumps({"type": "FeatureCollection", "features": found}).encode())
    out.name = "边界.geojson"
    return out


def snapshot():
    return list(Area.objects.order_by("pk").values()), list(Place.objects.order_by("pk").values())


def test_a_good_file_makes_areas_with_their_level_columns_and_places_with_their_paths():
    report = import_areas(book(GOOD, HOMES))
    assert not report.problems and report.made == 5 + 7
    grid = Area.objects.get(code=GRID)
    assert [grid.district.code, grid.subdistrict.code, grid.community.code] == ["330102", "330102098", C]
    room = Place.objects.get(kind="room")
    assert room.full_name == "星影苑 1幢1单元101室" and room.grid == grid and room.compound.full_name == "星影苑"
    compound = Place.objects.get(kind="compound")
    assert compound.grid is None and compound.community.code == C and compound.property_kind == "company"
    assert locate(text="星影小区９栋二单元").grid.code == NEXT


def test_the_same_file_twice_changes_nothing():
    import_areas(book(GOOD, HOMES), geojson=geojson(**{"c" + GRID: square(120.16, 30.23)}))
    before = snapshot()
    report = import_areas(book(GOOD, HOMES), geojson=geojson(**{"c" + GRID: square(120.16, 30.23)}))
    assert not report.problems and snapshot() == before
    assert (report.made, report.changed, report.succeeded, report.closed) == (0, 0, 0, 0)


def test_ten_kinds_of_mistakes_are_told_at_once_and_nothing_is_imported():
    areas = [
        *GOOD,
        ["网格", "33010209800100", "位数不对"],  # 7
        ["网格", "330102098009001", "没有上级"],  # 8
        ["社区", C + "003", "层级不符"],  # 9
        ["网格", C + "004", ""],  # 10
        ["网格", C + "005", "户数", "", "三百"],  # 11
        ["网格", C + "006", "电话", "", "", "打我手机"],  # 12
        ["网格", C + "007", "日期", "", "", "", "去年"],  # 13
        ["网格", C + "008", "原编码", "", "", "", "", "", "330102098777"],  # 14
        ["网格", GRID, "重复"],  # 15
        ["网格", C + "000", "全零"],  # 16
        ["网格", C + "009", "边界", "", "", "", "", "", "", '{"type":"Point"}'],  # 17
    ]
    places = [
        ["星影苑", "1", "", "", "", "330102098001099"],  # 2
        ["", "3", "", "", "", GRID],  # 3
        ["星影苑", "", "2", "", "", GRID],  # 4
        ["星影苑", "4", "", "", "", GRID, "很好"],  # 5
        ["星影苑", "5", "", "", "", GRID, "", "", "北纬30度", "120"],  # 6
        ["星影苑", "6", "", "", "", GRID, "", "", "120.16", "30.23"],  # 7
        ["星影苑", "7", "", "", "", GRID],
        ["星影苑", "7幢", "", "", "", GRID],  # 9
        ["无格苑", "1", "", "", ""],  # 10
    ]
    before = snapshot()
    report = import_areas(book(areas, places))
    found = {(problem.sheet, problem.row, problem.column) for problem in report.problems}
    assert found == {
        ("区域", 7, "编码"),
        ("区域", 8, "编码"),
        ("区域", 9, "层级"),
        ("区域", 10, "名称"),
        ("区域", 11, "户数"),
        ("区域", 12, "电话"),
        ("区域", 13, "生效日期"),
        ("区域", 14, "原编码"),
        ("区域", 15, "编码"),
        ("区域", 16, "编码"),
        ("区域", 17, "边界"),
        ("地点", 2, "网格编码"),
        ("地点", 3, "小区"),
        ("地点", 4, "幢"),
        ("地点", 5, "物业"),
        ("地点", 6, "纬度"),
        ("地点", 7, "纬度"),
        ("地点", 9, "小区"),
        ("地点", 10, "网格编码"),
    }
    assert len(report.problems) == len(found) and all(problem.what and problem.remedy for problem in report.problems)
    assert snapshot() == before


def test_one_bad_place_keeps_the_good_areas_out_too():
    assert import_areas(book(GOOD, [*HOMES, ["星影苑", "2", "", "", "", "9"]])).problems
    assert not Area.objects.exists() and not Place.objects.exists()


def test_a_bad_parent_is_told_once_and_not_again_for_every_child():
    rows = [row if row[1] != C else ["社区", C, ""] for row in GOOD]
    assert [(problem.row, problem.column) for problem in import_areas(book(rows)).problems] == [(4, "名称")]


def test_a_changed_grid_closes_and_is_succeeded():
    import_areas(book(GOOD, HOMES))
    old = Area.objects.get(code=GRID)
    report = import_areas(book([["网格", GRID, "第一网格", "星影苑1-7幢"]]))
    new = Area.objects.current().get(code=GRID)
    old.refresh_from_db()
    assert report.succeeded == 1 and new.pk != old.pk and list(new.predecessors.all()) == [old]
    assert old.valid_to == new.valid_from and old.range_zh == "星影苑1-8幢" and new.households == 312


def test_what_hangs_on_a_grid_follows_its_successor_so_that_nobody_loses_their_worker():
    import_areas(book(GOOD, HOMES))
    old = Area.objects.get(code=GRID)
    worker = Account.objects.create(kind=Account.STAFF, username="角木", name="角木")
    post = Post.objects.create(account=worker, role=Role.GRID_WORKER, area=old)
    unit = Unit.objects.create(kind="grid_worker", name_zh="第一网格")
    unit.areas.add(old)
    import_areas(book([["网格", GRID, "第一网格", "星影苑1-7幢"]]))
    new = Area.objects.current().get(code=GRID)
    post.refresh_from_db()
    assert post.area == new and list(unit.areas.all()) == [new]
    assert Place.objects.get(kind="room").grid == new
    assert list(new.predecessors.all()) == [old] and not old.predecessors.exists()


def test_a_renamed_community_keeps_its_grids():
    import_areas(book(GOOD, HOMES))
    import_areas(book([["社区", C, "天枢新社区"]]))
    new = Area.objects.current().get(code=C)
    assert new.community == new and new.name_zh == "天枢新社区"
    for grid in Area.objects.current().filter(level="grid"):
        assert (grid.parent, grid.community) == (new, new)
    assert Place.objects.get(kind="room").community == new


def test_a_new_phone_or_number_of_households_is_no_new_version():
    import_areas(book(GOOD))
    report = import_areas(book([["网格", GRID, "第一网格", "", 320, "0571-00000000"]]))
    grid = Area.objects.get(code=GRID)
    assert (report.changed, report.succeeded) == (1, 0)
    assert (grid.households, grid.phone, grid.range_zh) == (320, "0571-00000000", "星影苑1-8幢")


def test_a_grid_closes_only_when_nothing_lies_in_it_and_its_code_is_never_used_again():
    import_areas(book(GOOD, HOMES))
    row = ["网格", NEXT, "第二网格", "", "", "", "", "2026-01-01"]
    assert [problem.column for problem in import_areas(book([row])).problems] == ["停用日期"]
    moved = [["星影苑", "9", "", "", "", GRID], ["", "", "", "", "观星公园", GRID]]
    import_areas(book(None, moved))
    assert Place.objects.get(kind="entrance", parent__name_zh="9幢").grid.code == GRID
    assert Place.objects.get(kind="compound").grid.code == GRID
    assert import_areas(book([row])).closed == 1
    assert [problem.column for problem in import_areas(book([["网格", NEXT, "又来"]])).problems] == ["编码"]


def test_outlines_are_drawn_from_geojson_and_found_at_once():
    import_areas(book(GOOD))
    assert grid_at(30.2315, 120.1615) is None
    shapes = {"c" + GRID: square(120.16, 30.23), "c" + NEXT: square(120.163, 30.23)}
    report = import_areas(None, geojson=geojson(**shapes))
    assert not report.problems and report.changed == 2
    assert grid_at(30.2315, 120.1615).code == GRID and grid_at(30.2315, 120.1645).code == NEXT


@pytest.mark.parametrize(
    "shape, what",
    [
        (polygon([120.1, 30.2], [120.2, 30.3], [120.2, 30.2], [120.1, 30.3]), "相交"),
        (square(30.23, 120.16), "写反"),
        (square(10.0, 50.0), "国内"),
        ({"type": "Polygon", "coordinates": []}, "空"),
        ({"type": "Polygon", "coordinates": [[[1, 2], ["x"]]]}, "坐标"),
        ({"type": "LineString", "coordinates": [[120, 30], [121, 30]]}, "不是面"),
        (None, "不是面"),
        (polygon([120, 30], [121, 30], [122, 30]), "相交|面积"),
    ],
)  # fmt: skip
def test_an_unsound_outline_is_told_and_not_taken(shape, what):
    import_areas(book(GOOD))
    report = import_areas(None, geojson=geojson(**{"c" + GRID: shape}))
    assert len(report.problems) == 1 and re.search(what, report.problems[0].what)
    assert Area.objects.get(code=GRID).geometry is None


def test_neighbours_may_touch_but_not_lie_over_one_another():
    import_areas(book(GOOD))
    shapes = {"c" + GRID: square(120.16, 30.23), "c" + NEXT: square(120.162, 30.23)}
    report = import_areas(None, geojson=geojson(**shapes))
    assert len(report.problems) == 1 and "重叠" in report.problems[0].what
    assert not Area.objects.exclude(geometry=None).exists()


def test_outlines_of_a_chinese_map_are_moved_to_where_they_are():
    import_areas(book(GOOD))
    import_areas(None, geojson=geojson(**{"c" + GRID: square(120.1646757, 30.2176581)}), datum="gcj02")
    lon, lat = Area.objects.get(code=GRID).geometry["coordinates"][0][0]
    assert abs(lon - 120.16) < 2e-6 and abs(lat - 30.22) < 2e-6


def test_a_changed_outline_opens_a_new_version_and_the_first_one_does_not():
    import_areas(book(GOOD), geojson=geojson(**{"c" + GRID: square(120.16, 30.23)}))
    report = import_areas(None, geojson=geojson(**{"c" + GRID: square(120.16, 30.23, 0.002)}))
    assert report.succeeded == 1 and Area.objects.filter(code=GRID).count() == 2


def test_a_place_far_outside_its_grid_is_told():
    import_areas(book(GOOD), geojson=geojson(**{"c" + GRID: square(120.16, 30.23)}))
    row = ["星影苑", "1", "", "", "", GRID, "", "", "30.24", "120.161"]
    assert ["网格外" in problem.what for problem in import_areas(book(None, [row])).problems] == [True]


@pytest.mark.parametrize("content", [b"", b"not a table", b"PK\x03\x04broken", "甲,乙\n1,2\n".encode()])
def test_a_file_that_is_no_such_table_is_told_as_a_whole(content):
    report = import_areas(io.BytesIO(content), name="x.csv")
    assert len(report.problems) == 1 and report.problems[0].remedy


def test_the_templates_can_be_imported_as_they_are():
    files = templates()
    for name in ("区域.csv", "地点.csv"):
        assert files[name].read_bytes().startswith(b"\xef\xbb\xbf")
        assert not import_areas(files[name]).problems, name
    assert locate(text="参宿小区6幢2单元301").place.kind == "room"
    assert not import_calendar(files["日历.csv"]).problems


def test_a_calendar_is_imported_and_its_bad_rows_are_told():
    def table(*rows):
        return io.BytesIO(("日期,类别,名称,依据\n" + "\n".join(rows)).encode("gb18030"))

    bad = import_calendar(
        table("2027-02-30,放假,春节,x", "2027-02-06,过节,春节,x", "2027-02-07,放假,,", "2027/2/7,放假,,")
    )
    assert [(problem.row, problem.column) for problem in bad.problems] == [(2, "日期"), (3, "类别"), (5, "日期")]
    assert not CalendarDay.objects.filter(date__year=2027).exists()
    good = import_calendar(table("2027-02-06,放假,春节,x", "2027年2月20日,上班,春节,x"))
    assert good.changed == 2 and not good.problems
    assert import_calendar(table("2027-02-06,放假,春节,x", "2027-02-20,上班,春节,x")).changed == 0
