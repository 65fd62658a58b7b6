"""Areas, places and the calendar from spreadsheets: everything or nothing, and every bad row told.

    weilianxin import areas FILE [--geojson FILE] [--datum gcj02]
    weilianxin import places FILE
    weilianxin import calendar FILE

A file may hold the sheets 区域 and 地点, or only one of them. An empty cell changes nothing; what is not in the file
stays as it is; the same file twice changes nothing. A changed name or boundary closes the area and opens a successor.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.area_rows import AREA_ALIASES, AreaRows, as_date
from weilianxin.areas.calendar import load_calendar
from weilianxin.areas.generation import AREAS, stamp
from weilianxin.areas.models import DayKind
from weilianxin.areas.outlines import BadOutline, features
from weilianxin.areas.placing import PLACE_ALIASES, place_rows
from weilianxin.journal import log
from weilianxin.lib.datum import DATUMS, WGS84
from weilianxin.lib.tables import Problem, Unreadable, decoded, read_tables

TEMPLATES = Path(__file__).resolve().parent / "data" / "templates"
CALENDAR_ALIASES = {
    "date": "日期",
    **dict.fromkeys(("kind", "类型"), "类别"),
    **dict.fromkeys(("name", "name_zh"), "名称"),
    **dict.fromkeys(("year_source", "source", "文号"), "依据"),
}
DAY_WORDS = {
    **{kind.value: kind for kind in DayKind},
    **dict.fromkeys(("放假", "节假日", "节日"), DayKind.HOLIDAY),
    **dict.fromkeys(("上班", "调休上班", "补班", "调休"), DayKind.SWAP_WORK),
    "工作日": DayKind.WORK,
    **dict.fromkeys(("休息", "休息日"), DayKind.REST),
}


@dataclass
class Report:
    """What an import did. With `problems` nothing was changed, whatever the numbers say."""

    problems: list = field(default_factory=list)
    made: int = 0
    changed: int = 0  # in place
    succeeded: int = 0  # closed, with a successor of the same code
    closed: int = 0
    same: int = 0

    def bad(self, sheet, row, column, value, what, remedy):
        self.problems.append(Problem(sheet, row, column, str(value)[:80], what, remedy))


class _Undo(Exception):
    pass


def import_areas(file, *, geojson=None, datum=WGS84, name="", at=None, by=None):
    """Read areas, places and outlines from `file` and `geojson` (paths or binary files). Returns a Report.

    One transaction: with a single problem nothing is changed, and the report holds every problem of every row.
    `datum` is that of the outlines. `by` is the account that imports (for the journal), None for the command line.
    """
    at, report = at or timezone.now(), Report()
    try:
        sheets = read_tables(file, name=name, aliases=AREA_ALIASES | PLACE_ALIASES) if file else {}
        drawn = features(_text_of(geojson), _name_of(geojson)) if geojson else []
    except Unreadable as problem:
        report.bad(_name_of(file), 0, "", "", str(problem).rstrip("。"), _("请换一个文件再试"))
        return report
    except BadOutline as problem:
        report.bad(_name_of(geojson), 0, "", "", str(problem), problem.remedy)
        return report
    areas, places = _sorted_out(sheets, report)
    if not areas and not places and not drawn and not report.problems:
        report.bad("", 0, "", "", _("文件里没有内容"), _("请照样表填写，第一行是列名"))
    try:
        with transaction.atomic():
            done = AreaRows(report, at)
            done.draw(drawn, _name_of(geojson), datum)
            done.read(areas)
            place_rows(places, report, at, done.mentioned)
            done.finish()
            if report.problems:
                raise _Undo
            if report.made or report.changed or report.succeeded or report.closed:
                stamp(AREAS)
                counts = {key: getattr(report, key) for key in ("made", "changed", "succeeded", "closed")}
                log.append("areas", "areas_imported", by.ref if by else "system", counts, at=at)
    except _Undo:
        report.problems.sort(key=lambda problem: (problem.sheet, problem.row))
    return report


def import_calendar(file, *, name="", at=None, by=None):
    """Read the days of one or more years from `file` (columns 日期, 类别, 名称, 依据). Returns a Report.

    Every year in the file is replaced as a whole.
    """
    report, rows, seen = Report(), [], {}
    try:
        sheets = read_tables(file, name=name, aliases=CALENDAR_ALIASES)
    except Unreadable as problem:
        report.bad(_name_of(file), 0, "", "", str(problem).rstrip("。"), _("请换一个文件再试"))
        return report
    for sheet, lines in sheets.items():
        for number, values in lines:
            day, kind = as_date(values.get("日期", "")), DAY_WORDS.get(values.get("类别", ""))
            if day is None:
                report.bad(sheet, number, "日期", values.get("日期", ""), _("看不懂日期"), _("请写成 2026-10-01"))
            if kind is None:
                words = "、".join(("放假", "上班", "工作日", "休息日"))
                report.bad(
                    sheet,
                    number,
                    "类别",
                    values.get("类别", ""),
                    _("没有这一类"),
                    _("请写其中之一：%(w)s") % {"w": words},
                )
            if day and seen.setdefault(day, number) != number:
                report.bad(sheet, number, "日期", day, _("和第%(row)s行重复") % {"row": seen[day]}, _("请删掉一行"))
            rows.append(
                {"date": day, "kind": kind, "name_zh": values.get("名称", ""), "year_source": values.get("依据", "")}
            )
    if not rows:
        report.bad(_name_of(file), 0, "", "", _("文件里没有内容"), _("请照样表填写，第一行是列名"))
    if not report.problems:
        with transaction.atomic():
            report.changed = load_calendar(rows)
            report.same = len(rows) - min(len(rows), report.changed)
            if report.changed:
                years = sorted({row["date"].year for row in rows})
                payload = {"years": years, "days": report.changed}
                log.append("areas", "calendar_imported", by.ref if by else "system", payload, at=at or timezone.now())
    return report


def templates():
    """{file name: path} of the empty tables that an administrator downloads, fills in and imports."""
    return {path.name: path for path in sorted(TEMPLATES.glob("*.csv"))}


def _sorted_out(sheets, report):
    """The rows of areas and of places, [(sheet, number, values)] each, told apart by their columns."""
    areas, places = [], []
    for sheet, rows in sheets.items():
        if not rows:
            continue
        columns = set(rows[0][1])
        if {"编码", "名称"} <= columns and "小区" not in columns:
            areas += [(sheet, number, values) for number, values in rows]
        elif columns & {"小区", "公共场所"}:
            places += [(sheet, number, values) for number, values in rows]
        elif len(sheets) == 1 or sheet in ("区域", "地点"):
            report.bad(
                sheet,
                1,
                "",
                "、".join(sorted(columns)),
                _("认不出这张表"),
                _("区域要有“编码、名称”，地点要有“小区”这几列"),
            )
    return areas, places


def _name_of(file):
    return Path(str(getattr(file, "name", file) or "")).name


def _text_of(file):
    if hasattr(file, "read"):
        return decoded(file.read())
    try:
        return decoded(Path(file).read_bytes())
    except OSError:
        raise Unreadable(_("打不开文件“%(name)s”。") % {"name": _name_of(file)}) from None


def run_areas_arguments(parser):
    parser.add_argument("file", help=_("xlsx 或 csv，里面有“区域”表，也可以有“地点”表"))
    parser.add_argument("--geojson", metavar="FILE", help=_("区域的边界，GeoJSON，properties 里写 code"))
    parser.add_argument("--datum", choices=DATUMS, default=WGS84, help=_("边界的坐标系，默认 wgs84"))


def run_places_arguments(parser):
    parser.add_argument("file", help=_("xlsx 或 csv，列：小区、幢、单元、室、公共场所、网格编码……"))


def run_calendar_arguments(parser):
    parser.add_argument("file", help=_("xlsx 或 csv，列：日期、类别、名称、依据"))


def run_areas(options):
    return _tell(import_areas(options.file, geojson=options.geojson, datum=options.datum))


def run_places(options):
    return _tell(import_areas(options.file))


def run_calendar(options):
    return _tell(import_calendar(options.file))


def _tell(report):
    """Print what was done, or every bad row; the exit code."""
    for problem in report.problems:
        print(
            _("%(sheet)s 第%(row)s行 %(column)s“%(value)s”：%(what)s。%(remedy)s。")
            % {name: getattr(problem, name) for name in ("sheet", "row", "column", "value", "what", "remedy")},
            file=sys.stderr,
        )
    if report.problems:
        print(_("有%(n)s处要改，什么都没有导入。") % {"n": len(report.problems)}, file=sys.stderr)
        return 1
    print(
        _("新增 %(made)s，更新 %(changed)s，换新版本 %(succeeded)s，停用 %(closed)s，没有变化 %(same)s。")
        % {name: getattr(report, name) for name in ("made", "changed", "succeeded", "closed", "same")}
    )
    return 0
