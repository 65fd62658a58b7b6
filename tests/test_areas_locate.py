"""What locate() promises: said outranks measured, every spelling of an address, no place outside, plates that stay."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from weilianxin.areas import plates
from weilianxin.areas.demo import demo_plate_code, make_demo_areas
from weilianxin.areas.generation import AREAS
from weilianxin.areas.geo import grid_at
from weilianxin.areas.locate import ForeignArea, NotFound, locate
from weilianxin.areas.models import Area, Generation, Place, PlaceKind, Plate
from weilianxin.lib.datum import metres, neighbours, wgs84_to_gcj02

pytestmark = pytest.mark.django_db
C = "330102098001"


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """The demo, made once for all tests here: each test works in a savepoint within this transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_demo_areas()
        transaction.set_rollback(True)


@pytest.fixture
def demo(made, db):
    """What was made. Tests change rows that they fetch, never these objects."""
    return made


@pytest.mark.parametrize(
    "text, full_name, grid",
    [
        ("参宿新村6幢2单元三楼转角堆了旧沙发", "参宿新村 6幢2单元", "003"),
        ("参宿新村６号楼二单元", "参宿新村 6幢2单元", "003"),
        ("参宿新村 6 栋 2 单元 301 室", "参宿新村 6幢2单元301室", "003"),
        ("参宿新村6-2-301", "参宿新村 6幢2单元301室", "003"),
        ("参宿小区的六幢二单元", "参宿新村 6幢2单元", "003"),
        ("参宿新村十六栋", "参宿新村 16幢", "004"),
        ("斗柄路４６号二楼", "斗柄路 46号", "005"),
        ("在昴宿府3幢东边电梯", "昴宿府 3幢", "006"),
        ("毕宿公寓4楼走廊", "毕宿公寓", "007"),
        ("观星公园健身步道晚上太暗", "观星公园", "008"),
        ("铁路宿舍99幢", "铁路宿舍", "005"),
    ],
)
def test_an_address_is_understood_in_the_way_it_is_written(demo, text, full_name, grid):
    found = locate(text=text)
    assert (found.place.full_name, found.grid.code, found.how) == (full_name, C + grid, "text")
    assert found.text == text and found.matched


def test_one_in_sixteen_is_not_the_first_building(demo):
    assert locate(text="参宿新村16幢").place.full_name == "参宿新村 16幢"
    assert locate(text="参宿新村1幢").place.full_name == "参宿新村 1幢"


def test_a_bare_building_is_understood_within_the_grid_and_nowhere_else(demo):
    assert locate(text="12幢1单元不亮", area=demo["grids"][C + "002"]).place.full_name == "星影苑 12幢1单元"
    with pytest.raises(NotFound):
        locate(text="12幢1单元不亮")


def test_a_compound_over_two_grids_has_no_grid_until_something_tells(demo):
    found = locate(text="参宿新村南门")
    assert found.grid is None and found.community.name_zh == "天枢社区"
    assert locate(text="参宿新村南门", area=demo["grids"][C + "004"]).grid.code == C + "004"
    building = demo["places"]["参宿新村 20幢"]
    assert locate(text="参宿新村南门", lat=building.lat, lon=building.lon).grid.code == C + "004"
    assert locate(text="参宿新村南门", area=demo["grids"][C + "001"]).grid is None


def test_an_alias_that_two_places_share_is_decided_by_the_grid_or_not_at_all(demo):
    for name in ("昴宿府", "毕宿公寓"):
        place = Place.objects.get(full_name=name)
        place.aliases = "高楼"
        place.save()
    with pytest.raises(NotFound):
        locate(text="高楼门口")
    assert locate(text="高楼门口", area=demo["grids"][C + "007"]).place.full_name == "毕宿公寓"


def test_what_was_said_outranks_the_point_and_the_distance_is_kept(demo):
    far = demo["places"]["昴宿府 1幢"]
    found = locate(text="参宿新村6幢", lat=far.lat, lon=far.lon)
    said = demo["places"]["参宿新村 6幢"]
    assert found.grid.code == C + "003" and (found.lat, found.lon) == (said.lat, said.lon)
    assert found.distance == pytest.approx(metres(far.lat, far.lon, said.lat, said.lon)) and found.distance > 100


def test_a_point_that_agrees_makes_the_address_more_exact(demo):
    said = demo["places"]["参宿新村 6幢"]
    found = locate(place=said.pk, lat=said.lat + 0.0002, lon=said.lon)
    assert found.lat == said.lat + 0.0002 and found.distance == pytest.approx(22, abs=1)


def test_an_address_counts_even_if_the_point_lies_outside(demo):
    assert locate(text="参宿新村6幢", lat=31.0, lon=121.0).grid.code == C + "003"


def test_a_point_is_placed_in_its_grid_and_compound_whatever_datum_it_comes_in(demo):
    there = demo["places"]["昴宿府 2幢"]
    lon, lat = wgs84_to_gcj02(there.lon, there.lat)
    for found in (
        locate(lat=there.lat, lon=there.lon),
        locate(lat=str(there.lat), lon=str(there.lon), datum="CGCS2000"),
        locate(lat=lat, lon=lon, datum="gcj02"),
    ):
        assert (found.grid.code, found.compound.full_name, found.how) == (C + "006", "昴宿府", "point")
        assert metres(found.lat, found.lon, there.lat, there.lon) < 0.01
    wrong = locate(lat=lat, lon=lon)  # the same numbers taken for WGS-84 lie half a kilometre off
    assert metres(wrong.lat, wrong.lon, there.lat, there.lon) > 400


def test_the_cell_finds_what_is_near(demo):
    here = locate(lat=30.2300, lon=120.1700)
    assert locate(lat=30.2304, lon=120.1700).cell in neighbours(here.cell)
    assert locate(lat=30.2330, lon=120.1700).cell not in neighbours(here.cell)


@pytest.mark.parametrize(
    "lat, lon, datum", [("x", 1, "wgs84"), (91, 1, "wgs84"), (30, 120, ""), (30, 120, "mars"), ("nan", 1, "wgs84")]
)
def test_a_point_that_is_none_is_refused_with_a_sentence(demo, lat, lon, datum):
    with pytest.raises(NotFound, match="。"):
        locate(lat=lat, lon=lon, datum=datum)


def test_outside_the_grids_is_foreign_and_the_neighbour_is_named(demo):
    with pytest.raises(ForeignArea, match="逐月街道") as told:
        locate(lat=30.23, lon=120.20)
    assert told.value.neighbour == "逐月街道"
    with pytest.raises(ForeignArea, match="12345"):
        locate(lat=30.40, lon=120.20)


def test_a_text_that_names_the_neighbour_is_foreign_unless_it_names_a_place_of_ours(demo):
    with pytest.raises(ForeignArea, match="逐月街道"):
        locate(text="隔壁逐月街道的机场路口有个大坑,你们修一下。", area=demo["grids"][C + "001"])
    assert locate(text="观星公园往逐月街道方向").place.full_name == "观星公园"


def test_a_few_metres_outside_are_the_telephones_mistake(demo):
    west = min(point[0] for point in demo["grids"][C + "001"].geometry["coordinates"][0])
    assert grid_at(30.2386, west - 0.0001).code == C + "001"
    assert grid_at(30.2386, west - 0.0010) is None


def test_every_point_inside_belongs_to_exactly_one_grid(demo):
    for row in range(20):
        for column in range(20):
            assert grid_at(30.2170 + row * 0.0011, 120.1610 + column * 0.00125) is not None


def test_a_point_in_a_gap_goes_to_the_community(demo):
    grid = demo["grids"][C + "003"]
    at = locate(lat=demo["places"]["参宿新村 6幢"].lat, lon=demo["places"]["参宿新村 6幢"].lon)
    assert at.grid == grid
    at.grid.geometry = None
    at.grid.save()
    gap = locate(lat=at.lat, lon=at.lon)
    assert gap.grid is None and gap.community == grid.community


def test_without_any_polygon_a_point_goes_by_the_nearest_building(demo):
    for area in Area.objects.all():
        area.geometry = None
        area.save()
    there = demo["places"]["昴宿府 2幢"]
    assert locate(lat=there.lat, lon=there.lon).grid.code == C + "006"
    with pytest.raises(NotFound):
        locate(lat=30.5, lon=120.5)


def test_an_area_alone_is_an_answer_with_its_only_compound(demo):
    found = locate(area=demo["grids"][C + "001"], text="楼上漏水")
    assert (found.how, found.grid.code, found.compound.full_name) == ("area", C + "001", "星影苑")
    assert locate(area=demo["grids"][C + "007"]).compound is None  # two compounds: nobody can say
    assert (found.community.name_zh, found.subdistrict.name_zh, found.district.name_zh) == (
        "天枢社区",
        "望星街道",
        "北斗区",
    )
    assert locate(area=demo["communities"]["天璇社区"]).grid is None


def test_a_community_named_in_the_text_is_found(demo):
    assert locate(text="北辰社区有人反映").community.name_zh == "北辰社区"


def test_nothing_is_not_found(demo):
    for text in ("", "在吗", "\x00", "幢单元" * 2000):
        with pytest.raises(NotFound, match="。"):
            locate(text=text)


def test_a_place_that_was_closed_is_neither_found_nor_chosen(demo):
    place = Place.objects.get(full_name="昴宿府 5幢")
    place.valid_to = timezone.localdate()
    place.save()
    assert locate(text="昴宿府5幢").place.full_name == "昴宿府"
    with pytest.raises(NotFound):
        locate(place=place.pk)


@pytest.mark.parametrize("choice", [999999999, "abc", "-1", "٣"])
def test_a_choice_that_is_none_is_refused(demo, choice):
    with pytest.raises(NotFound):
        locate(place=choice)


def test_a_changed_polygon_counts_at_once_also_when_another_process_changed_it(demo):
    there = demo["places"]["昴宿府 2幢"]
    assert grid_at(there.lat, there.lon).code == C + "006"
    mine, theirs = demo["grids"][C + "006"], demo["grids"][C + "005"]
    Area.objects.filter(pk=theirs.pk).update(geometry=mine.geometry)
    Area.objects.filter(pk=mine.pk).update(geometry=None)
    Generation.objects.filter(name=AREAS).update(stamp="elsewhere")
    assert grid_at(there.lat, there.lon).code == C + "005"


def test_looking_up_points_reads_the_polygons_once(demo, django_assert_num_queries):
    grid_at(30.23, 120.17)
    with django_assert_num_queries(2):  # the stamp, and the grid that was found
        assert grid_at(30.231, 120.171)


# Plates


def test_a_plate_leads_to_its_place_and_holds_nothing_else(demo):
    plate = Plate.objects.get(place__full_name="参宿新村 6幢2单元")
    found = locate(plate=plate.code)
    assert (found.place.full_name, found.grid.code, found.how) == ("参宿新村 6幢2单元", C + "003", "plate")
    assert plates.plate_url(plate) == f"{settings.PUBLIC_URL}/p/{plate.code}" and len(plate.code) <= 32
    fields = {field.name for field in Plate._meta.get_fields()}
    assert fields == {"id", "code", "place", "issued_at", "revoked_at", "replaces"}  # no person, so staff may change


def test_a_text_that_says_more_than_the_plate_counts_and_one_that_says_less_does_not(demo):
    code = Plate.objects.get(place__full_name="参宿新村 6幢2单元").code
    assert locate(plate=code, text="参宿新村楼道").place.full_name == "参宿新村 6幢2单元"
    assert locate(plate=code, text="参宿新村6幢2单元301").place.kind == PlaceKind.ROOM
    assert locate(plate=code, text="是昴宿府3幢的事").place.full_name == "昴宿府 3幢"
    assert locate(plate=code, text="8幢楼下").place.full_name == "参宿新村 8幢"


def test_a_revoked_plate_says_so_and_its_successor_works(demo):
    plate = Plate.objects.get(place__full_name="参宿新村 6幢2单元")
    successor = plates.reissue(plate)
    assert plates.resolve(plate.code).revoked_at and successor.replaces == plate
    with pytest.raises(NotFound, match="停用"):
        locate(plate=plate.code)
    assert locate(plate=successor.code).place == plate.place
    assert plates.reissue(plate) == successor  # asked twice, one plate
    assert plates.revoke(plate) is False


@pytest.mark.parametrize("code", ["nothing", "x" * 33, "二维码", "a\x00b", " "])
def test_an_unknown_plate_is_nobody(demo, code):
    assert plates.resolve(code) is None
    if code.strip():
        with pytest.raises(NotFound, match="二维码"):
            locate(plate=code)


def test_a_place_has_one_plate_in_use_and_codes_cannot_be_guessed(demo):
    place = demo["places"]["观星公园"]
    plate = plates.issue(place)
    assert plates.issue(place) == plate and len(plate.code) == 16
    later = timezone.now() + timedelta(days=1)
    assert plates.revoke(plate, later) and plate.revoked_at == later
    assert plates.issue(place).code != plate.code
    bare = Place.objects.filter(kind=PlaceKind.COMPOUND)
    assert plates.issue_missing(bare) == 74 and plates.issue_missing(bare) == 0


# The demo


def test_the_demo_has_the_sums_of_the_subdistrict(demo):
    grids = list(demo["grids"].values())
    assert (len(demo["communities"]), len(grids), len(demo["compounds"])) == (8, 62, 74)
    assert sum(grid.households for grid in grids) == 19_200
    for community in demo["communities"].values():
        assert sum(grid.households for grid in grids if grid.community == community) == community.households
    none = Place.objects.filter(kind=PlaceKind.COMPOUND, property_kind="none")
    assert none.count() == 17 and none.filter(community__name_zh="天枢社区").count() == 3
    assert Place.objects.count() <= 6000


def test_in_the_demo_the_third_to_fifth_grid_have_no_company_and_the_eighth_a_quasi_one(demo):
    for grid, kind in {
        "001": "company",
        "003": "none",
        "004": "none",
        "005": "none",
        "007": "company",
        "008": "quasi",
    }.items():
        buildings = Place.objects.filter(grid=demo["grids"][C + grid], kind=PlaceKind.BUILDING)
        assert set(buildings.values_list("compound__property_kind", flat=True)) == {kind}, grid


def test_in_the_demo_every_place_lies_in_its_grid_and_every_entrance_has_its_plate(demo):
    for building in Place.objects.filter(kind=PlaceKind.BUILDING).order_by("?")[:60]:
        assert grid_at(building.lat, building.lon).pk == building.grid_id
    for entrance in Place.objects.filter(kind=PlaceKind.ENTRANCE).prefetch_related("plates"):
        assert [plate.code for plate in entrance.plates.all()] == [demo_plate_code(entrance.full_name)]
    lone = Place.objects.filter(kind=PlaceKind.BUILDING, children=None)
    assert lone.count() == lone.filter(plates__isnull=False).count() > 0


def test_the_demo_is_made_once(demo):
    with pytest.raises(ValueError):
        make_demo_areas()
