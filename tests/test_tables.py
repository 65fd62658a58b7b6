"""What reading a spreadsheet promises: the same text from every format, the row numbers of the screen, limits."""

import io
from datetime import date

import pytest
import xlsxwriter

from weilianxin.lib import tables
from weilianxin.lib.tables import Unreadable, read_tables


def workbook(**sheets):
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in rows.items():
            for column, value in enumerate(row):
                sheet.write(number - 1, column, value)
    book.close()
    out.seek(0)
    return out


def test_a_workbook_gives_rows_with_the_numbers_of_the_screen():
    book = workbook(区域={3: ["编码", "名称"], 5: [330102098001, "天枢社区"]}, 空={})
    assert read_tables(book) == {"区域": [(5, {"编码": "330102098001", "名称": "天枢社区"})], "空": []}


def test_numbers_and_dates_come_as_they_were_typed():
    book = workbook(a={1: ["n", "x", "d", "t"], 2: [16, 1.5, date(2026, 10, 1), " 6幢\u00a02单元\x0b "]})
    assert read_tables(book)["a"] == [(2, {"n": "16", "x": "1.5", "d": "2026-10-01", "t": "6幢 2单元"})]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_is_read_in_every_encoding_that_excel_writes(encoding, tmp_path):
    path = tmp_path / "地点.csv"
    path.write_bytes("小区,幢\r\n\r\n参宿新村,6\r\n".encode(encoding))
    assert read_tables(path) == {"地点": [(3, {"小区": "参宿新村", "幢": "6"})]}


def test_a_row_after_a_cell_with_line_breaks_keeps_its_number():
    file = io.BytesIO('名称,别名\n甲,"一\n二"\n乙,\n'.encode())
    assert [number for number, _row in read_tables(file, name="x.csv")["x"]] == [2, 4]


def test_a_column_may_have_another_name_a_star_or_a_remark():
    file = io.BytesIO("Code *,名称（必填）,其他\n1,甲,x\n".encode())
    found = read_tables(file, name="x.csv", aliases={"code": "编码", "名称": "名称"})
    assert found["x"] == [(2, {"编码": "1", "名称": "甲", "其他": "x"})]


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 no zip", bytes.fromhex("d0cf11e0a1b11ae1") + b"old", b"\x81\xff\xfe\x00\x01", b"a\x00b,c\n1,2"],
)
def test_what_is_no_table_is_refused_with_a_sentence(content):
    with pytest.raises(Unreadable, match="。"):
        read_tables(io.BytesIO(content), name="x.csv")


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(Unreadable, match="nothing.csv"):
        read_tables(tmp_path / "nothing.csv")


def test_a_column_named_twice_is_refused():
    with pytest.raises(Unreadable, match="编码"):
        read_tables(io.BytesIO("编码,code\n1,2\n".encode()), name="x.csv", aliases={"code": "编码"})


def test_size_rows_and_columns_have_an_end(monkeypatch):
    many = "a\n" + "1\n" * 12
    with pytest.raises(Unreadable, match="10 行"):
        read_tables(io.BytesIO(many.encode()), name="x.csv", most_rows=10)
    with pytest.raises(Unreadable, match="10 行"):
        read_tables(workbook(a={1: ["a"], 30: ["1"]}), most_rows=10)
    with pytest.raises(Unreadable, match="列"):
        read_tables(io.BytesIO(",".join(f"c{n}" for n in range(99)).encode()), name="x.csv")
    monkeypatch.setattr(tables, "MOST_UNPACKED", 1000)
    with pytest.raises(Unreadable, match="展开"):
        read_tables(workbook(a={1: ["a"]}))
    monkeypatch.setattr(tables, "MOST_BYTES", 5)
    with pytest.raises(Unreadable, match="太大"):
        read_tables(io.BytesIO(many.encode()), name="x.csv")
