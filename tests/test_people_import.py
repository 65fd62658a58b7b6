"""Staff and units from spreadsheets, all or nothing; and the people of the made-up subdistrict."""

import re
import time
from argparse import ArgumentParser

import pytest
import xlsxwriter

from tests.support.world import area, at, place
from weilianxin.areas.models import Area, Place, PropertyKind
from weilianxin.people import demo, importing, posts, residents, staff, units
from weilianxin.people.models import HANDLER_KINDS, Account, Post, Role, Unit

NOW = at(10)
STAFF_HEAD = ["登录名", "姓名", "手机", "邮箱", "岗位", "区域代码"]
STARS = ("天枢", "天璇", "天玑", "天权", "玉衡", "开阳", "摇光", "北辰")
UNIT_HEAD = ["名称", "类别", "手机", "联系人", "区域代码", "小区"]


@pytest.fixture
def sheet(tmp_path):
    """`sheet(head, *rows)` is the path of a workbook with these rows."""

    def write(head, *rows):
        path = tmp_path / "people.xlsx"
        with xlsxwriter.Workbook(path) as book:
            page = book.add_worksheet("表")
            for number, row in enumerate((head, *rows)):
                page.write_row(number, 0, row)
        return path

    return write


def test_staff_come_in_with_their_posts_and_a_first_password_each(world, sheet):
    path = sheet(
        STAFF_HEAD,
        ["loujin", "娄金", 13700000801, "", "A岗", "330102098002001"],
        ["loujin", "娄金", "", "", "网格员(B岗)", "330102098001001"],
        ["weitu", "胃土", "", "weitu@example.test", "centre_verifier", 330102098],
    )
    result = importing.import_staff(path, NOW)
    assert (result.problems, result.made) == ([], 2)
    someone = Account.objects.get(username="loujin")
    assert (someone.name, someone.phone, someone.kind) == ("娄金", "13700000801", Account.STAFF)
    held = {(post.role, post.area.code) for post in someone.posts.all()}
    assert held == {("grid_worker", "330102098002001"), ("grid_worker_backup", "330102098001001")}
    passwords = {login: password for login, _name, password in result.passwords}
    assert set(passwords) == {"loujin", "weitu"}
    account = staff.authenticate("loujin", passwords["loujin"], at=NOW)
    assert staff.next_step(account) == staff.PASSWORD


def test_the_same_file_twice_changes_nothing(world, sheet):
    path = sheet(STAFF_HEAD, ["loujin", "娄金", "", "", "A岗", "330102098002001"])
    importing.import_staff(path, NOW)
    before = list(Account.objects.order_by("pk").values()), list(Post.objects.order_by("pk").values())
    result = importing.import_staff(path, at(11))
    assert (result.made, result.changed, result.passwords) == (0, 0, [])
    assert before == (list(Account.objects.order_by("pk").values()), list(Post.objects.order_by("pk").values()))


def test_one_bad_row_keeps_the_whole_file_out_and_every_bad_one_is_told(world, sheet):
    path = sheet(
        STAFF_HEAD,
        ["loujin", "娄金", "", "", "A岗", "330102098002001"],
        ["a b", "胃土", "", "", "A岗", "330102098002001"],
        ["maori", "昴日", "137****0801", "", "皇帝", "999"],
        ["biyue", "毕月", world.worker.phone, "", "A岗", "330102098002"],
        ["zihuo", "", "", "", "派遣员", "330102098"],
    )
    before = Account.objects.count()
    result = importing.import_staff(path, NOW)
    assert Account.objects.count() == before
    assert [(p.row, p.column) for p in result.problems] == [
        (3, "登录名"),
        (4, "手机"),
        (4, "岗位"),
        (4, "区域代码"),
        (5, "手机"),
        (5, "区域代码"),
        (6, "姓名"),
    ]
    assert all(p.what and p.remedy for p in result.problems)


def test_a_file_without_the_columns_or_without_anything_says_so(world, sheet, tmp_path):
    result = importing.import_staff(sheet(["登录名", "姓名"], ["loujin", "娄金"]), NOW)
    assert [p.column for p in result.problems] == ["岗位", "区域代码"]
    assert importing.import_staff(sheet(STAFF_HEAD), NOW).problems
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 but no workbook")
    assert importing.import_units(tmp_path / "broken.xlsx", NOW).problems


def test_two_people_do_not_share_a_login(world, sheet):
    path = sheet(
        STAFF_HEAD,
        ["loujin", "娄金", "", "", "A岗", "330102098002001"],
        ["loujin", "胃土", "", "", "B岗", "330102098002001"],
    )
    assert [p.column for p in importing.import_staff(path, NOW).problems] == ["姓名"]


def test_units_come_in_with_what_they_look_after(world, sheet):
    path = sheet(
        UNIT_HEAD,
        ["观星物业", "物业", "13700000901", "翼火", "", "星影苑、参宿新村"],
        ["观象市政", "municipal_maintenance", "", "", "330102098", ""],
    )
    result = importing.import_units(path, NOW)
    assert (result.problems, result.made) == ([], 2)
    firm = Unit.objects.get(name_zh="观星物业")
    assert (firm.kind, firm.phone, firm.contact) == ("property_company", "13700000901", "翼火")
    assert set(firm.compounds.all()) == {world.compound, world.bare_compound}
    again = importing.import_units(path, NOW)
    assert (again.made, again.changed) == (0, 0)


def test_what_a_sheet_of_units_does_not_say_stays_as_it_is(world, sheet):
    importing.import_units(sheet(UNIT_HEAD, ["观星物业", "物业", "13700000901", "翼火", "", "星影苑"]), NOW)
    firm = Unit.objects.get(name_zh="观星物业")
    firm.name_en = "Stargazers"
    firm.save()
    for head, row in (
        (["名称", "类别", "小区"], ["观星物业", "物业", "星影苑、参宿新村"]),
        (["名称", "类别", "联系人"], ["观星物业", "物业", "轸水"]),
        (UNIT_HEAD, ["观星物业", "物业", "", "", "", ""]),
    ):
        result = importing.import_units(sheet(head, row), NOW)
        assert (result.problems, result.made) == ([], 0)
    firm.refresh_from_db()
    assert (firm.phone, firm.contact, firm.name_en) == ("13700000901", "轸水", "Stargazers")
    assert set(firm.compounds.all()) == {world.compound, world.bare_compound}
    importing.import_units(sheet(["名称", "类别", "小区"], ["观星物业", "物业", "参宿新村"]), NOW)
    assert set(firm.compounds.all()) == {world.bare_compound}, "what a cell names takes the place of what was"


def test_a_file_does_not_start_a_unit_again_that_was_stopped(world, sheet):
    Unit.objects.filter(pk=world.property.pk).update(is_active=False)
    row = [world.property.name_zh, "物业", "", "", "", "星影苑"]
    assert [(p.row, p.column) for p in importing.import_units(sheet(UNIT_HEAD, row), NOW).problems] == [(2, "名称")]
    assert not Unit.objects.get(pk=world.property.pk).is_active


def test_bad_units_are_told_and_none_is_written(world, sheet):
    path = sheet(
        UNIT_HEAD,
        ["观星物业", "物业", "", "", "", "没有这个小区"],
        ["观象市政", "飞船", "", "", "330102098", ""],
        ["望星小修", "疏通、小修单位", "", "", "330102098", ""],
        ["望星派出所", "派出所", "", "", "", ""],
    )
    before = Unit.objects.count()
    result = importing.import_units(path, NOW)
    assert Unit.objects.count() == before
    assert {p.row for p in result.problems} == {2, 3, 4, 5}


def test_the_command_prints_first_passwords_once(world, sheet, capsys):
    parser = ArgumentParser()
    importing.run_staff_arguments(parser)
    path = str(sheet(STAFF_HEAD, ["loujin", "娄金", "", "", "A岗", "330102098002001"]))
    assert importing.run_staff(parser.parse_args([path])) == 0
    out = capsys.readouterr().out
    password = re.search(r"loujin\t娄金\t(\S+)", out)[1]
    assert staff.authenticate("loujin", password, at=NOW).name == "娄金"
    importing.run_staff(parser.parse_args([path]))
    assert "loujin" not in capsys.readouterr().out


def test_the_command_fails_with_every_bad_row_on_the_error_stream(world, sheet, capsys):
    parser = ArgumentParser()
    importing.run_units_arguments(parser)
    path = str(sheet(UNIT_HEAD, ["观象市政", "飞船", "", "", "330102098", ""]))
    assert importing.run_units(parser.parse_args([path])) == 1
    assert "飞船" in capsys.readouterr().err


# The made-up subdistrict


@pytest.fixture
def sixty_two_grids(db):
    """The areas of the demo in outline: eight communities, 62 grids, a compound with a few rooms in each."""
    district = area("district", "330102", "观象区")
    subdistrict = area("subdistrict", "330102098", "望星街道", district)
    for number, grids in enumerate((8, 8, 8, 6, 8, 8, 8, 8), 1):
        code = f"330102098{number:03d}"
        community = area("community", code, f"{STARS[number - 1]}社区", subdistrict)
        for n in range(1, grids + 1):
            grid = area("grid", f"{code}{n:03d}", f"第{n}网格", community)
            kind = PropertyKind.NONE if (number, n) in ((1, 3), (1, 4), (1, 5)) else PropertyKind.COMPANY
            home = place("compound", f"小区{number}-{n}", grid=grid, community=community, property_kind=kind)
            for room in range(6):
                place("room", f"{room + 1}01室", home)
    return subdistrict


def test_the_demo_has_everybody_it_needs_in_a_few_seconds(sixty_two_grids):
    begun = time.monotonic()
    made = demo.make_demo_staff()
    assert time.monotonic() - begun < 5
    grids = list(Area.objects.filter(level="grid"))
    assert len(grids) == 62
    for role in posts.DUTY_CHAIN:
        assert Post.objects.filter(role=role).values("area").distinct().count() == 62, role
    assert Post.objects.filter(role=Role.COMMUNITY_SECRETARY).count() == 8
    assert {post.role for post in Post.objects.filter(area=sixty_two_grids)} == {
        Role.CENTRE_DISPATCHER,
        Role.CENTRE_VERIFIER,
        Role.CALLBACK_OFFICER,
        Role.DUTY_LEADER,
        Role.SYSTEM_ADMIN,
        Role.AUDITOR,
    }
    assert posts.uncovered(grids, NOW) == []
    assert set(Unit.objects.values_list("kind", flat=True)) == set(HANDLER_KINDS)
    assert 290 <= len(made["residents"]) <= 320
    assert all(residents.grid_of(account) for account in made["residents"][:10])


def test_a_and_b_posts_are_crossed_in_pairs(sixty_two_grids):
    demo.make_demo_staff()

    def names(code):
        grid = Area.objects.get(code=code)
        return [Post.objects.get(area=grid, role=role).account.name for role in posts.DUTY_CHAIN]

    assert names("330102098001001") == ["角木", "亢金", "女土"]
    assert names("330102098001002") == ["亢金", "角木", "女土"]
    assert names("330102098001003") == ["氐土", "房日", "女土"]
    assert names("330102098001008") == ["斗木", "箕水", "女土"]


def test_nobody_of_the_demo_has_a_number_that_could_be_real_or_a_name_twice(sixty_two_grids):
    made = demo.make_demo_staff()
    everyone = [*Account.objects.all(), *Unit.objects.all()]
    assert all(re.fullmatch(r"1\d{2}0000\d{4}", one.phone) and one.is_demo for one in everyone)
    assert len({one.phone for one in everyone}) == len(everyone)
    names = [account.name for account in Account.objects.filter(kind=Account.STAFF)]
    assert len(set(names)) == len(names)
    assert all(len(name) == 2 and name[0] in demo.MANSIONS and name[1] in demo.LUMINARIES for name in names)
    assert {account.name for account in made["residents"]}.isdisjoint(names)


def test_the_demo_can_be_signed_in_to_and_its_administrator_has_a_second_factor(sixty_two_grids):
    made = demo.make_demo_staff()
    worker = staff.authenticate("ditu", made["password"], at=NOW)
    assert (worker.name, staff.next_step(worker)) == ("氐土", "")
    admin = staff.authenticate("admin", made["password"], at=NOW)
    assert staff.next_step(admin) == staff.SECOND_FACTOR
    row = next(row for row in made["staff"] if row["role"] == Role.COMMUNITY_SECRETARY)
    assert (row["name"], row["username"], row["area"].name_zh) == ("牛金", "niujin", "天枢社区")


def test_every_grid_of_the_demo_reaches_the_handlers_of_its_kinds(sixty_two_grids):
    demo.make_demo_staff()
    for grid in Area.objects.filter(level="grid").select_related("community", "subdistrict", "district"):
        compound = Place.objects.get(grid=grid, kind="compound")
        for kind, (_zh, tied) in HANDLER_KINDS.items():
            found = units.units_for(
                kind,
                grid=grid,
                compound=compound,
                community=grid.community,
                subdistrict=grid.subdistrict,
                district=grid.district,
            )
            looked_after = tied != "compound" or compound.property_kind != PropertyKind.NONE
            assert bool(found) == looked_after, (grid.code, kind)
