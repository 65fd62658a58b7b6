"""`weilianxin plates FOLDER`: the sheets of a community, or of all, one PDF for every compound and public place."""

import re
import sys
import time
from pathlib import Path

from django.utils.translation import gettext as _

from weilianxin.areas import plates
from weilianxin.areas.models import Area, Level, Place, PlaceKind

from .minicodes import mini_codes
from .sheets import MOST, SIZES, BadSheet, draw


def arguments(parser):
    parser.add_argument("folder", help=_("放 PDF 的文件夹"))
    parser.add_argument("--community", default="", help=_("社区代码（12 位）；不写就是全部社区"))
    parser.add_argument("--size", default="plate-a6", choices=list(SIZES), help=_("印成多大；默认 A6，一张 A4 四块"))
    parser.add_argument("--no-mini", action="store_true", help=_("不印小程序码，只印网页的二维码"))
    parser.add_argument("--issue", action="store_true", help=_("还没有门牌的地方先发放"))


def run(options):
    """Write the files, saying each, and at the end how long a hundred plates took; 1 when one could not be drawn."""
    communities = Area.objects.current().filter(level=Level.COMMUNITY).order_by("code")
    if options.community:
        communities = communities.filter(code=options.community)
    if not (found := list(communities)):
        print(_("没有这个社区。"), file=sys.stderr)
        return 1
    begin, total, failed = time.monotonic(), 0, 0
    for top in tops(found):
        if options.issue:
            plates.issue_missing(plates.around(top))
        rows = list(plates.hanging(top))
        folder = Path(options.folder) / file_name(top.community.name_zh)
        for part in range(0, len(rows), MOST):
            some, more = rows[part : part + MOST], f"-{part // MOST + 1}" if len(rows) > MOST else ""
            target = folder / f"{file_name(top.full_name)}-{top.pk}{more}.pdf"
            try:
                made = draw(some, options.size, mini={} if options.no_mini else mini_codes(some, patience=None))
            except BadSheet as refused:
                failed += 1
                print(f"{top.full_name}: {refused}", file=sys.stderr)
                continue
            folder.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made)
            total += len(some)
            print(_("%(n)s 块  %(file)s") % {"n": len(some), "file": target}, flush=True)
    seconds = time.monotonic() - begin
    each = round(seconds / max(1, total) * 100, 2)
    said = _("共 %(n)s 块，用了 %(seconds)s 秒；每百块 %(each)s 秒。")
    print(said % {"n": total, "seconds": round(seconds, 1), "each": each})
    return 1 if failed else 0


def tops(communities):
    """The compounds and public places of these communities, in their order."""
    rows = Place.objects.current().filter(community__in=communities, kind__in=(PlaceKind.COMPOUND, PlaceKind.PUBLIC))
    return rows.select_related("community").order_by("community__code", "pk")


def file_name(text):
    """`text` as the name of a file on any system."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "_", text).strip(" .")[:60] or "_"
