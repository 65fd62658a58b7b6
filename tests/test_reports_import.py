"""Messages of another channel become reports: nothing lost, nothing twice, every bad row named."""

import csv
from zoneinfo import ZoneInfo

import pytest

from weilianxin.cases.models import Case
from weilianxin.programmes.reports import importing
from weilianxin.programmes.reports.models import Report
from weilianxin.programmes.reports.screening import noticed, similar, suggest

from .support.world import at

pytestmark = pytest.mark.django_db

NOW = at(15)
HEAD = ["id", "title", "created", "text", "reply", "replied"]


def write(path, *rows, head=HEAD):
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def letter(number, **more):
    row = {
        "id": number,
        "title": "小区夜间施工扰民",
        "created": "2026-03-01T22:10:00",
        "text": "工地凌晨还在打桩，睡不着。",
        "reply": "",
        "replied": "",
        **more,
    }
    return [row[name] for name in HEAD]


def test_the_original_number_time_and_every_character_are_kept(world, tmp_path):
    long = "楼下工地夜里施工。\n" * 700
    outcome = importing.import_file(write(tmp_path / "a.csv", letter("T-1", text=long)), "hotline", at=NOW)
    report = Report.objects.get(source="hotline", source_no="T-1")
    assert outcome.imported == 1 and report.text == long.strip()
    assert report.source_at == at(22, 10, day=report.source_at.astimezone(NOW.tzinfo).date())
    assert report.case.channel == "hotline" and report.case.reporter is None
    assert report.case.grid is None and report.case.accept_due_at is not None


def test_a_second_run_adds_nothing_twice(world, tmp_path):
    path = write(tmp_path / "a.csv", *[letter(n) for n in range(250)])
    first = importing.import_file(path, "mailbox", at=NOW)
    again = importing.import_file(path, "mailbox", at=NOW)
    other = importing.import_file(path, "hotline", at=NOW)
    assert (first.imported, again.imported, again.known, other.imported) == (250, 0, 250, 250)


def test_the_same_number_twice_in_one_file_is_one_report(world, tmp_path):
    outcome = importing.import_file(write(tmp_path / "a.csv", letter(7), letter(7)), "mailbox", at=NOW)
    assert (outcome.imported, outcome.known) == (1, 1)


def test_every_bad_row_is_named_and_the_good_ones_are_taken(world, tmp_path):
    rows = [letter(1), letter(""), letter(3, text="", title=""), letter(4, created="昨天下午"), letter("9" * 65)]
    outcome = importing.import_file(write(tmp_path / "a.csv", *rows), "mailbox", at=NOW)
    assert (outcome.imported, outcome.refused) == (2, 3)
    assert sorted((row, column) for row, column, _what, _todo in outcome.problems) == [
        (3, "id"), (4, "text"), (5, "created"), (6, "id"),
    ]  # fmt: skip
    assert Report.objects.get(source_no="4").source_at is None


def test_columns_are_mapped_by_a_small_file(world, tmp_path):
    head = ["工单", "主题词", "说了什么"]
    path = write(tmp_path / "a.csv", ["K9", "路灯不亮", "斗柄路三盏灯不亮"], head=head)
    (tmp_path / "map.toml").write_text(
        'source = "hotline"\n[columns]\nnumber = "工单"\ntitle = "主题词"\ntext = "说了什么"\n', encoding="utf-8"
    )
    mapping = importing.read_map(tmp_path / "map.toml")
    outcome = importing.import_file(path, mapping["source"], mapping, at=NOW)
    assert outcome.imported == 1 and Case.objects.get().title == "路灯不亮"
    with pytest.raises(ValueError, match="没有这一列"):
        importing.import_file(path, "hotline", {"columns": {"number": "编号"}}, at=NOW)


def test_the_answer_of_the_other_channel_is_kept_inside(world, tmp_path):
    row = letter(5, reply="已经责令停工。", replied="2026-03-05T09:00:00")
    importing.import_file(write(tmp_path / "a.csv", row), "mailbox", at=NOW)
    events = list(Case.objects.get().events.order_by("seq"))
    assert [e.act for e in events] == ["submit", "remark"] and events[1].internal and "责令停工" in events[1].note


def test_a_place_that_a_letter_mentions_waits_for_a_person(world, tmp_path):
    importing.import_file(write(tmp_path / "a.csv", letter(6, text="星影苑6幢楼下施工")), "mailbox", at=NOW)
    case = Case.objects.get()
    assert case.grid is None and ["place", "星影苑 6幢"] in case.report.screening


def test_an_old_danger_does_not_shorten_todays_limit(world, tmp_path):
    rows = [letter(1, text="家里着火了！"), letter(2, text="家里着火了！", created="2026-03-10T14:50:00")]
    importing.import_file(write(tmp_path / "a.csv", *rows), "hotline", at=NOW)
    found = dict(Report.objects.values_list("source_no", "case__urgency"))
    assert found == {"1": "U2", "2": "U1"}


def test_speaking_of_a_danger_is_not_the_danger():
    assert noticed("楼道堆物有火灾隐患，希望清理") == []
    assert [group for group, _dial in noticed("楼道着火了")] == ["fire"]


def test_the_title_says_more_than_the_courtesies(world):
    best = suggest("请问能不能管一管？谢谢！感谢！工地每天半夜打桩。", "夜间施工扰民")
    assert best[0].code == "08001" and all(c.column_code != "ADV" for c in best)


def test_letters_about_the_same_thing_find_each_other(world, tmp_path):
    rows = [
        letter(1, title="中海三期旁边空地夜间施工噪音扰民"),
        letter(2, title="中海三期空地半夜施工噪音太大"),
        letter(3, title="入学报名要带什么材料"),
    ]
    importing.import_file(write(tmp_path / "a.csv", *rows), "mailbox", at=NOW)
    first = Case.objects.get(report__source_no="1")
    assert [c.report.source_no for c in similar(first)] == ["2"]


def test_a_letter_about_integrity_is_not_kept_and_its_row_is_named(world, tmp_path):
    path = write(tmp_path / "a.csv", letter(1, text="听说有人收红包、受贿，请查一查。"), letter(2))
    outcome = importing.import_file(path, "mailbox", at=NOW)
    assert (outcome.imported, outcome.refused) == (1, 1)
    assert [(row, column) for row, column, _what, _todo in outcome.problems] == [(2, "text")]
    assert list(Report.objects.values_list("source_no", flat=True)) == ["2"]


@pytest.mark.parametrize(
    "written, read, ends",
    [
        ("2026/1/5", "2026-01-05 00:00", "2026-01-05 23:59"),
        ("2026/1/5 8:30", "2026-01-05 08:30", None),
        ("2026年1月5日 8:30:15", "2026-01-05 08:30", None),
        ("2026-01-05T08:30:00+08:00", "2026-01-05 08:30", None),
        ("2026-13-05", None, None),
        ("下周一", None, None),
    ],
)
def test_moments_are_read_as_spreadsheets_write_them_and_a_day_without_a_time_ends_late(written, read, ends):
    zone = ZoneInfo("Asia/Shanghai")
    for end, wanted in ((False, read), (True, ends or read)):
        moment = importing.read_time(written, zone, NOW, end=end)
        assert (moment and f"{moment.astimezone(zone):%Y-%m-%d %H:%M}") == wanted
