"""`weilianxin import reports FILE.csv`: messages from another channel (hotline, mailbox) become reports.

A small TOML file says which column is what; without one the usual names are tried. The original number and time are
kept, a second run adds nothing twice, long texts stay whole, and what could not be taken is listed by row.
"""

import csv
import re
import sys
import time
import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.locate import ForeignArea, PlaceError, locate
from weilianxin.cases.access import SYSTEM_ACTOR
from weilianxin.cases.engine import NOTE_LIMIT, write_event
from weilianxin.cases.models import Case
from weilianxin.lib.progress import Progress
from weilianxin.lib.refusal import Refused

from .intake import submit
from .models import Report
from .screening import noticed

# What a column may be called when nobody says so.
USUAL = {
    "number": ("number", "no", "id", "编号", "工单编号", "留言编号"),
    "title": ("title", "标题", "主题", "留言主题"),
    "text": ("text", "内容", "诉求内容", "留言详情", "正文"),
    "time": ("created", "time", "时间", "来电时间", "留言时间"),
    "due": ("due", "deadline", "办理期限", "截止时间", "办结时限"),
    "place": ("place", "address", "地址", "地点"),
    "reply": ("reply", "答复", "答复意见"),
    "replied": ("replied", "答复时间"),
}
NEEDED = ("number", "text")
BATCH = 100
LONGEST_NUMBER = 64
LONGEST_LIMIT = timedelta(days=400)  # that a channel sets for its answer
FIRST_YEAR, AHEAD = 1990, timedelta(days=2)  # a message older than this, or from the future, has a wrong time


@dataclass
class Outcome:
    """What became of a file. `problems` are (row, column, what, what to do); a `kept` one was imported all the same."""

    rows: int = 0
    imported: int = 0
    known: int = 0
    refused: int = 0
    seconds: float = 0.0
    problems: list = field(default_factory=list)

    def note(self, row, column, what, remedy):
        self.problems.append((row, column, what, remedy))


def arguments(parser):
    parser.add_argument("file", help=_("CSV 文件（UTF-8）"))
    parser.add_argument("--source", default="", help=_("渠道名称，例如 hotline、mailbox；也可以写在对照文件里"))
    parser.add_argument("--map", default="", help=_("列名对照文件（TOML），见 docs/import.md"))
    parser.add_argument("--problems", default="", help=_("把有问题的行另存为这个 CSV"))
    parser.add_argument("--limit", type=int, default=0, help=_("只导入前几行，先试一试"))


def run(options):
    """Import and say how many, how fast, what was refused and why; 1 when rows were refused."""
    mapping = read_map(options.map) if options.map else {}
    source = options.source or mapping.get("source", "")
    if not source:
        print(_("请用 --source 写明是哪个渠道。"), file=sys.stderr)
        return 2
    try:
        outcome = import_file(Path(options.file), source, mapping, limit=options.limit or None)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for row, column, what, remedy in outcome.problems[:50]:
        print(
            _("第 %(row)s 行“%(column)s”：%(what)s%(remedy)s")
            % {"row": row, "column": column, "what": what, "remedy": remedy}
        )
    if len(outcome.problems) > 50:
        print(_("……还有 %(n)s 处，用 --problems 存成文件看全部。") % {"n": len(outcome.problems) - 50})
    if options.problems:
        with Path(options.problems).open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["row", "column", "what", "remedy"])
            writer.writerows(outcome.problems)
    print(
        _("共 %(rows)s 行：导入 %(imported)s，已有 %(known)s，没有导入 %(refused)s；%(seconds).1f 秒，每秒 %(pace)d 行")
        % {**vars(outcome), "pace": outcome.rows / max(outcome.seconds, 0.001)}
    )
    return 1 if outcome.refused else 0


def read_map(path):
    """The mapping file: `source`, `zone`, and a table `columns` (our name = theirs). ValueError with a sentence."""
    try:
        mapping = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ValueError(_("对照文件读不出来：%(error)s") % {"error": error}) from None
    unknown = set(mapping.get("columns", {})) - set(USUAL)
    if unknown:
        raise ValueError(
            _("对照文件里不认识：%(names)s。可以用：%(known)s")
            % {"names": "、".join(sorted(unknown)), "known": "、".join(USUAL)}
        )
    return mapping


def import_file(path, source, mapping=None, *, limit=None, at=None):
    """Import the rows of a CSV file as reports of the channel `source`; returns an `Outcome`.

    Rows are saved in batches of a hundred, each batch whole; a stopped import is simply run again.
    """
    mapping = mapping or {}
    csv.field_size_limit(NOTE_LIMIT * 8)
    outcome, begun = Outcome(), time.monotonic()
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        columns = columns_of(reader.fieldnames or [], mapping)
        zone = ZoneInfo(mapping.get("zone", "Asia/Shanghai"))
        rows = enumerate(reader, 2)
        if limit:
            rows = islice(rows, limit)
        with Progress(_("报事")) as step:
            while batch := list(islice(rows, BATCH)):
                save_batch(batch, columns, source, zone, outcome, at)
                step(len(batch))
    outcome.seconds = time.monotonic() - begun
    return outcome


class NoColumn(ValueError):
    """A column is not in the file; `column` is our name of the first one."""

    def __init__(self, message, column):
        super().__init__(message)
        self.column = column


def called(ours):
    """What a column of ours is called in a sentence: its usual Chinese name."""
    return next(name for name in USUAL[ours] if not name.isascii())


def columns_of(names, mapping):
    """Our name -> their name. NoColumn with a sentence when a needed one is missing."""
    given = mapping.get("columns", {})
    missing = {ours: theirs for ours, theirs in given.items() if theirs not in names}
    if missing:
        raise NoColumn(_("文件里没有这一列：%(names)s") % {"names": "、".join(missing.values())}, next(iter(missing)))
    found = {ours: next((n for n in usual if n in names), None) for ours, usual in USUAL.items()} | given
    lacking = [ours for ours in NEEDED if not found.get(ours)]
    if lacking:
        words = "、".join(f"“{called(ours)}”" for ours in lacking)
        raise NoColumn(_("不知道哪一列是%(names)s，请写明列名。") % {"names": words}, lacking[0])
    return {ours: theirs for ours, theirs in found.items() if theirs}


def save_batch(batch, columns, source, zone, outcome, at=None):
    at = at or timezone.now()
    numbers = [(row.get(columns["number"]) or "").strip() for _line, row in batch]
    known = set(Report.objects.filter(source=source, source_no__in=numbers).values_list("source_no", flat=True))
    with transaction.atomic():
        for (line, row), number in zip(batch, numbers, strict=True):
            outcome.rows += 1
            if number in known:
                outcome.known += 1
                continue
            try:
                save_row(line, row, number, columns, source, zone, outcome, at)
            except Refused as error:
                outcome.refused += 1
                outcome.note(line, columns.get(error.field or "text", ""), str(error), "")
            except IntegrityError:
                outcome.known += 1  # another import was quicker
            else:
                known.add(number)
                outcome.imported += 1


def save_row(line, row, number, columns, source, zone, outcome, at):
    def said(name):
        return (row.get(columns.get(name, "")) or "").strip()

    if not number or len(number) > LONGEST_NUMBER:
        raise bad("number", _("没有原编号。") if not number else _("原编号太长。"))
    text, title = clean(said("text")), clean(said("title"))
    if not text and not title:
        raise bad("text", _("没有内容。"))
    if "integrity" in dict(noticed(f"{title} {text}")):
        raise bad("text", _("廉洁问题请直接交给纪检，这里不保存。"))
    moment = read_time(said("time"), zone, at)
    if said("time") and moment is None:
        outcome.note(line, columns["time"], _("时间不对，已导入，时间空着。"), _("请核对原渠道。"))
    due = read_time(said("due"), zone, at + LONGEST_LIMIT, end=True)
    if said("due") and due is None:
        outcome.note(line, columns["due"], _("期限不对，已导入，期限空着。"), _("请核对原渠道。"))
    location = find_place(said("place"))
    # What a letter mentions need not be where it is: a person confirms it.
    maybe = None if location else find_place(title, text[:1000])
    with transaction.atomic():
        case = submit(
            None,
            text=text if len(text) > 4 else f"{title}。{text}",
            title=title,
            location=location,
            channel=source[:16],
            source=source[:24],
            source_no=number,
            source_at=moment,
            source_due_at=due,
            place_text=said("place"),
            maybe_at=maybe.place.full_name if maybe and maybe.place else "",
            at=at,
            tell=False,
        )
        answer = clean(said("reply"))
        if answer:
            write_event(
                case,
                "remark",
                SYSTEM_ACTOR,
                at=at,
                role="system",
                note=_("原渠道的答复：%(text)s") % {"text": answer},
                internal=True,
                data={"source": source, "replied": said("replied")[:40]},
            )
            Case.objects.filter(pk=case.pk).update(version=case.version + 1)


def bad(name, sentence):
    return Refused(sentence, name)


def clean(text):
    """The text as it came, without characters that no page can show."""
    return "".join(c for c in text if c in "\n\t" or c.isprintable() or c == "\u3000").strip()


# As spreadsheets write a moment here: 2026/1/5, 2026-1-5 8:30, 2026年1月5日 8:30:00.
MOMENT = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]*(\d{1,2})(:.*))?", re.ASCII)


def read_time(text, zone, at, *, end=False):
    """The moment, or None when it cannot be one; of a day without a time its beginning or, with `end`, its end."""
    found = MOMENT.fullmatch(text.strip())
    if found:
        year, month, day, hour, rest = found.groups()
        clock = f"{hour:0>2}{rest}" if hour else ("23:59" if end else "00:00")
        text = f"{year}-{month:0>2}-{day:0>2}T{clock}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return moment if moment.year >= FIRST_YEAR and moment <= at + AHEAD else None


def find_place(*texts):
    """Where it is, if one of the texts names a place of ours; None leaves it to the dispatcher."""
    for words in filter(None, texts):
        try:
            return locate(text=words)
        except ForeignArea:
            return None
        except PlaceError:
            continue
    return None
