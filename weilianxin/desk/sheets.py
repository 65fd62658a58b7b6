"""Sheets for the print shop: plates for entrances and posters with the grid worker, as PDF.

Drawn by typst from `print/plates.typ`, with the one font that is embedded. What stands on a sheet goes in as JSON and
is never pasted into markup. A warning of typst is an error here: a sheet with a box for a character is worthless.
"""

import base64
import functools
import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import pylopdf_fonts_zh_cn
import segno
import typst
from django.contrib.staticfiles import finders
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from weilianxin.areas import plates
from weilianxin.areas.home import own_subdistrict
from weilianxin.files import store
from weilianxin.files.models import Photo
from weilianxin.lib.numbers import spaced
from weilianxin.lib.refusal import Refused
from weilianxin.people.contact import can_call
from weilianxin.people.models import Post, Role

TEMPLATE = Path(__file__).with_name("print") / "plates.typ"
FONT = "Noto Sans SC"
MOST = 400  # plates in one file


class BadSheet(Refused):
    """The sheets cannot be drawn; `str()` says why and what to do."""

    status = 422


@dataclass(frozen=True)
class Size:
    """How plates lie on a sheet: measures of the paper in millimetres, and how many stand beside and below another."""

    words: str
    design: str
    width: float
    height: float
    columns: int
    rows: int


SIZES = {
    "plate-a6": Size(gettext_lazy("门牌 A6，一张 A4 四块"), "plate", 210, 297, 2, 2),
    "plate-a5": Size(gettext_lazy("门牌 A5，一张 A4 两块"), "plate", 297, 210, 2, 1),
    "plate-a4": Size(gettext_lazy("大门牌 A4，一张一块"), "plate", 210, 297, 1, 1),
    "worker-a4": Size(gettext_lazy("网格员公示 A4，一张一份"), "worker", 210, 297, 1, 1),
    "worker-a5": Size(gettext_lazy("网格员公示 A5，一张 A4 两份"), "worker", 297, 210, 2, 1),
}


def draw(rows, size, at=None, *, mini=None):
    """The sheets of these plates (rows of Plate with their places) as the bytes of a PDF, in their order.

    `size` is a name of SIZES; `mini` {code: image} the mini-program codes: whoever has none has the plain link alone.
    Raises BadSheet for an unknown size, for no or too many plates, for a grid without a grid worker where a poster is
    wanted, and for a name with a character that the font does not have.
    """
    at = at or timezone.now()
    if size not in SIZES:
        raise BadSheet(_("请选印成多大。"), "size")
    rows, shape = list(rows), SIZES[size]
    if not rows:
        raise BadSheet(_("这里还没有发放门牌。请先发放，再来下载。"))
    if len(rows) > MOST:
        raise BadSheet(_("一次最多 %(n)s 块。请选小一点的范围，或用命令 weilianxin plates。") % {"n": MOST})
    workers = grid_workers(rows, at) if shape.design == "worker" else {}
    told = [facts(plate, workers, (mini or {}).get(plate.code), shape) for plate in rows]
    for words in told:
        printable(words)
    data = {
        "title": str(shape.words),
        "design": shape.design,
        "width": shape.width,
        "height": shape.height,
        "columns": shape.columns,
        "rows": shape.rows,
        "font": FONT,
        "house": house(),
        "plates": told,
    }
    made, warnings = typst.compile_with_warnings(
        str(TEMPLATE),
        font_paths=fonts(),
        sys_inputs={"data": json.dumps(data)},
        format="pdf",
        timestamp=int(at.timestamp()),
    )
    if warnings:
        raise RuntimeError(f"typst warns: {warnings[0].message}")
    return made


@functools.cache
def fonts():
    folder = str(pylopdf_fonts_zh_cn.sans_path().parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def house():
    subdistrict = own_subdistrict()
    return f"{subdistrict.name_zh} · 微连心" if subdistrict else "微连心"


def facts(plate, workers, mini, shape):
    """What stands on one plate: all texts, and drawings as SVG."""
    place = plate.place
    grid = grid_of(place)
    community = grid.community if grid else place.community
    within = place.compound.full_name if place.compound and place.compound_id != place.pk else ""
    own = place.full_name.removeprefix(within).strip() or place.full_name
    link = plates.plate_url(plate)
    words = {
        "within": within,
        "place": own,
        "grid": " · ".join(area.name_zh for area in (community, grid) if area),
        "grid_en": " · ".join(area.name_en for area in (community, grid) if area and area.name_en),
        "phone": spaced(community.phone) if community else "",
        "link": link.partition("://")[2],
        "qr": qr(link),
        "mini": picture(mini) if mini else None,
    }
    if shape.design == "worker":
        worker = workers.get(grid.pk) if grid else None
        if worker is None:
            where = words["grid"] or place.full_name
            raise BadSheet(_("“%(where)s”还没有网格员。请先安排岗位，再印公示。") % {"where": where})
        words |= {
            "name": worker.name,
            "mobile": spaced(worker.phone) if can_call(worker) else "",
            "hours": grid.hours or (community.hours if community else ""),
            "face": face(worker),
        }
    return words


def grid_of(place):
    return place.grid or (place.parent.grid if place.parent else None)


def grid_workers(rows, at):
    """{grid id: the account that holds the A post there}, one query however many plates."""
    grids = {grid.pk for plate in rows if (grid := grid_of(plate.place))}
    held = Post.objects.at(at).filter(role=Role.GRID_WORKER, area__in=grids, account__is_active=True)
    found = {}
    for post in held.select_related("account").order_by("since", "id"):
        found.setdefault(post.area_id, post.account)
    return found


def qr(link):
    """The QR code of a link as SVG. Error correction Q: a quarter may be scratched off."""
    out = io.BytesIO()
    segno.make(link, error="q", micro=False).save(out, kind="svg", border=2, xmldecl=False, omitsize=True)
    return out.getvalue().decode()


def picture(data):
    """A PNG or JPEG as an SVG that holds it."""
    kind = "png" if data[:4] == b"\x89PNG" else "jpeg"
    held = base64.b64encode(data).decode()
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
        f'<image href="data:image/{kind};base64,{held}" width="100" height="100"/></svg>'
    )


@functools.lru_cache(maxsize=64)
def drawing(name):
    found = finders.find(f"art/people/{name}.svg")
    return Path(found).read_text(encoding="utf-8") if found else None


def face(account):
    """The picture of a grid worker: a drawing of ours or a stored photo; None without."""
    if not account.photo:
        return None
    if len(account.photo) < 8:
        return drawing(account.photo)
    photo = Photo.objects.filter(ref=account.photo, erased_at=None).first()
    try:
        return picture(store.read(photo, store.THUMB)) if photo else None
    except FileNotFoundError:
        return None


# What the font cannot show


@functools.cache
def shown():
    """(first, last) of every run of characters that the font has: table cmap, format 12 (OpenType 1.9)."""
    data = Path(pylopdf_fonts_zh_cn.sans_path()).read_bytes()
    tables = {data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0] for at in range(12, 12 + 16 * data[5], 16)}
    cmap = tables[b"cmap"]
    for at in range(cmap + 4, cmap + 4 + 8 * struct.unpack_from(">H", data, cmap + 2)[0], 8):
        table = cmap + struct.unpack_from(">I", data, at + 4)[0]
        if struct.unpack_from(">H", data, table)[0] == 12:
            count = struct.unpack_from(">I", data, table + 12)[0]
            return [struct.unpack_from(">II", data, table + 16 + 12 * n) for n in range(count)]
    raise RuntimeError("the font has no table of its characters")


@functools.lru_cache(maxsize=4096)
def has(character):
    return any(first <= ord(character) <= last for first, last in shown())


def printable(words):
    """Raise BadSheet when a text of a plate holds a character that would come out as a box."""
    for name in ("within", "place", "grid", "grid_en", "phone", "link", "name", "mobile", "hours"):
        text = words.get(name, "")
        lacking = "".join(dict.fromkeys(c for c in text if not has(c)))
        if lacking:
            raise BadSheet(
                _("“%(text)s”里的“%(lacking)s”字库里没有，印不出来。请换成通用的字。")
                % {"text": text, "lacking": lacking}
            )
