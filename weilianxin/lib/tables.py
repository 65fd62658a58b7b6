"""Spreadsheets that people fill in: .xlsx and .csv as rows with their numbers, so that every bad row can be named.

Cells come as text: a number without its .0, a date as 2026-10-01. CSV may be UTF-8 with or without a mark, or
GB18030, which is what Excel writes in China.
"""

import csv
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

MOST_BYTES = 20 * 1024 * 1024
MOST_UNPACKED = 200 * 1024 * 1024  # an xlsx is a zip, and a small zip can hold a very large sheet
MOST_ROWS = 50_000
MOST_COLUMNS = 60
MOST_TEXT = 100_000  # characters of one cell
CONTROLS = {n: None for n in (*range(9), 11, 12, *range(14, 32), 127)}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file: where it is, what was found, what is wrong and what to do about it."""

    sheet: str
    row: int
    column: str
    value: str
    what: str
    remedy: str


class Unreadable(ValueError):
    """The file as a whole cannot be read; `str()` is a sentence that says what to do."""


def read_tables(source, *, name="", aliases=None, most_rows=MOST_ROWS):
    """{sheet: [(row number, {column: text})]} of the file `source`, a path or a binary file.

    The first row that is not empty names the columns; empty rows are left out; the number is the one that the
    spreadsheet shows. `aliases` maps another spelling of a column to the one wanted ({"code": "编码"}); a remark
    in brackets and a star after a column's name do not count. A CSV has one sheet, named after the file.
    Unreadable if it is no such file, too large, or names a column twice.
    """
    content, name = _content(source, name)
    wanted = {_plain(key): value for key, value in (aliases or {}).items()}
    if content[:4] == b"PK\x03\x04":
        sheets = _workbook(content, most_rows)
    elif content[:8] == bytes.fromhex("d0cf11e0a1b11ae1"):
        raise Unreadable(_("这是旧式的 xls 文件，或者加了密码，请另存为不加密的 xlsx 再导入。"))
    else:
        sheets = {Path(name).stem: _csv(content, most_rows)}
    return {sheet: _rows(sheet, lines, wanted) for sheet, lines in sheets.items()}


def decoded(content):
    """The text of bytes that are UTF-8 (with or without a mark), UTF-16 with a mark, or GB18030; else Unreadable."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise Unreadable(_("看不懂这个文件，请存为 xlsx，或 UTF-8 编码的 csv。"))


def _content(source, name):
    if hasattr(source, "read"):
        name = name or getattr(source, "name", "") or ""
        content = source.read(MOST_BYTES + 1)
    else:
        path = Path(source)
        name = name or path.name
        try:
            with open(path, "rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError:
            raise Unreadable(_("打不开文件“%(name)s”。") % {"name": name}) from None
    if len(content) > MOST_BYTES:
        raise Unreadable(_("文件太大，最多 %(n)s MB，请分成几个文件。") % {"n": MOST_BYTES // 1024 // 1024})
    if not content:
        raise Unreadable(_("文件是空的。"))
    return content, str(name)


def _workbook(content, most_rows):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
                raise Unreadable(_("文件展开后太大，请分成几个文件。"))
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = {}
        for sheet in workbook.sheet_names:
            # Rows above the first filled one count too, or the numbers would not be those on the screen.
            found = workbook.get_sheet_by_name(sheet)
            if (found.height or 0) > most_rows + 1:
                raise _too_many(most_rows)
            if (found.width or 0) > 10 * MOST_COLUMNS:
                raise Unreadable(_("列数太多，最多 %(n)s 列。") % {"n": MOST_COLUMNS})
            sheets[sheet] = list(enumerate(found.to_python(skip_empty_area=False), start=1))
        return sheets
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as problem:
        if isinstance(problem, Unreadable):
            raise
        raise Unreadable(_("这个文件已损坏，或者不是 xlsx，请重新另存一次。")) from None


def _csv(content, most_rows):
    text = decoded(content)
    first = text.split("\n", 1)[0]
    mark = max(",\t;", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    rows, before = [], 0
    try:
        for values in lines:
            # A cell may hold line breaks: a row's number is that of its first line, as an editor shows it.
            rows.append((before + 1, values))
            before = lines.line_num
            if len(rows) > most_rows + 1:
                raise _too_many(most_rows)
    except csv.Error:
        raise Unreadable(_("第%(row)s行的引号没有配对。") % {"row": before + 1}) from None
    return rows


def _too_many(most_rows):
    return Unreadable(_("行数太多，最多 %(n)s 行，请分成几个文件。") % {"n": most_rows})


def _rows(sheet, lines, wanted):
    columns, rows = None, []
    for number, values in lines:
        cells = [_text(value) for value in values]
        if not any(cells):
            continue
        if columns is None:
            columns = _columns(sheet, cells, wanted)
            continue
        rows.append((number, {column: cells[n] if n < len(cells) else "" for n, column in columns.items()}))
    return rows


def _columns(sheet, cells, wanted):
    columns = {}
    for n, cell in enumerate(cells):
        if not cell:
            continue
        column = wanted.get(_plain(cell), re.sub(r"\s*[*＊]$", "", cell))
        if column in columns.values():
            raise Unreadable(_("“%(sheet)s”里“%(column)s”这一列出现了两次。") % {"sheet": sheet, "column": column})
        columns[n] = column
    if len(columns) > MOST_COLUMNS:
        raise Unreadable(_("列数太多，最多 %(n)s 列。") % {"n": MOST_COLUMNS})
    return columns


def _plain(header):
    """A column's name for comparing: one width, lower case, no blanks, stars or bracketed remarks."""
    text = unicodedata.normalize("NFKC", header).lower()
    return re.sub(r"\(.*?\)|[\s*_:]+", "", text)


def _text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    # What a spreadsheet hides (and PostgreSQL refuses) is no part of what somebody typed.
    return str(value)[:MOST_TEXT].translate(CONTROLS).replace("\u00a0", " ").strip()
