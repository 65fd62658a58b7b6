"""`weilianxin route FILE.csv`: which way each row would go and why, without keeping anything.

Columns: `category_code`, `urgency`, `kind`, and either `property` (yes or no) or `grid` (a grid's code, or its last
three digits with --community). If the file says `channel_out`, `handler_kind` and `assists`, differences are shown.
"""

import csv
import sys
from pathlib import Path

from django.utils.translation import gettext as _

from weilianxin.areas.models import Place, PlaceKind, PropertyKind

from . import catalogue
from .models import Channel, Kind
from .routing import route

COLUMNS = ("category_code", "urgency", "kind")


def arguments(parser):
    parser.add_argument("file", help=_("CSV 文件"))
    parser.add_argument("--community", default="", help=_("社区代码（12 位），配合三位的网格号"))


def run(options):
    """Print one line for each row; 1 when a row disagrees with what the file says or cannot be routed."""
    with Path(options.file).open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    missing = [c for c in COLUMNS if rows and c not in rows[0]]
    if missing:
        print(_("缺少列：%(columns)s") % {"columns": "、".join(missing)}, file=sys.stderr)
        return 2
    categories = {c.code: c for c in catalogue.current()}
    served = _grids_with_property()
    different = 0
    for line, row in enumerate(rows, 2):
        category = categories.get(row["category_code"])
        if category is None or row["urgency"] not in ("U0", "U1", "U2", "U3") or row["kind"] not in Kind.values:
            print(_("第 %(line)s 行：类别、紧急程度或诉求类型不对") % {"line": line})
            different += 1
            continue
        way = route(
            category,
            has_property=_has_property(row, served, options.community),
            urgency=row["urgency"],
            kind=row["kind"],
        )
        said = _said(row)
        mark = " " if said is None else ("=" if said == _short(way) else "≠")
        different += mark == "≠"
        print(f"{mark} {row.get('no') or line}\t{' '.join(filter(None, _short(way)))}\t{'；'.join(way.reasons)}")
        if mark == "≠":
            print("  " + _("文件里写的是：%(said)s") % {"said": " ".join(filter(None, said))})
    print(_("共 %(rows)s 行，%(different)s 行不同") % {"rows": len(rows), "different": different}, file=sys.stderr)
    return 1 if different else 0


def _grids_with_property():
    kinds = (PropertyKind.COMPANY, PropertyKind.QUASI)
    rows = Place.objects.current().filter(kind=PlaceKind.COMPOUND, property_kind__in=kinds, grid__isnull=False)
    wide = Place.objects.current().filter(compound__property_kind__in=kinds, grid__isnull=False)
    return set(rows.values_list("grid__code", flat=True)) | set(wide.values_list("grid__code", flat=True).distinct())


def _has_property(row, served, community):
    if row.get("property"):
        return row["property"].strip().lower() in ("yes", "1", "true", "是", "有")
    grid = row.get("grid", "").strip()
    return (community + grid if len(grid) == 3 else grid) in served


def _short(way):
    worked = way.channel in (Channel.CASE, Channel.EMERGENCY)
    return str(way.channel), way.lead if worked else "", ";".join(way.assists)


def _said(row):
    if not row.get("channel_out"):
        return None
    return row["channel_out"], row.get("handler_kind", ""), row.get("assists", "")
