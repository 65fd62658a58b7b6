"""Finding the place that a text names: 参宿新村６号楼二单元, 6-2-301, 斗柄路46号, an alias, a public place.

Names and text are folded in the same way, the longest and most exact match wins. Nothing stored is changed.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from django.utils import timezone

from weilianxin.areas.generation import AREAS, Kept
from weilianxin.areas.models import Area, Level, Place, PlaceKind

MOST = 2000  # characters of a text that are looked at
DIGITS = {digit: n for n, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
DEPTH = {PlaceKind.COMPOUND: 1, PlaceKind.PUBLIC: 2, PlaceKind.BUILDING: 3, PlaceKind.ENTRANCE: 4, PlaceKind.ROOM: 5}

FILLER = r"[的里内,，、之在]?(?:小区|院内|里面|那边)?"
NUMBER = r"(?:[0-9]+[a-z]?(?:-[0-9]+)?|[a-z]|[甲乙丙丁戊己庚辛壬癸东南西北中])"
BUILDING = re.compile(rf"{FILLER}({NUMBER})(幢|号)")
ENTRANCE = re.compile(rf"{FILLER}({NUMBER})单元")
ROOM = re.compile(rf"{FILLER}(?:[0-9]{{1,2}}楼)?([0-9]{{1,4}}[a-z]?)(?![0-9年月日个人次米点户:：.])室?")
DASHED = re.compile(rf"{FILLER}([0-9]+)-([0-9]+)(?:-([0-9]{{2,4}}))?(?![0-9])")
LOOSE = re.compile(rf"(?<![0-9a-z-])({NUMBER})幢")


@dataclass
class Names:
    """What a text can name, as of one state of the areas."""

    whole: dict = field(default_factory=lambda: defaultdict(set))  # folded full name or alias -> place ids
    below: dict = field(default_factory=dict)  # (place id, folded own name) -> place id
    kinds: dict = field(default_factory=dict)  # place id -> kind
    compounds: dict = field(default_factory=lambda: defaultdict(set))  # grid id -> compounds and streets in it
    communities: dict = field(default_factory=dict)  # folded name -> area id
    neighbours: dict = field(default_factory=dict)  # folded name -> name of a subdistrict that is not ours


def fold(text):
    """`text` for comparing: one width, no blanks, 号楼 栋 座 as 幢, numerals before 幢 单元 室 号 as digits."""
    text = unicodedata.normalize("NFKC", text or "")[:MOST].lower()
    text = re.sub(r"[\s·•()（）“”\"'#]+", "", text)
    text = re.sub(r"[-‐‑‒–—―−~]+", "-", text)
    text = re.sub(r"(?<=[0-9a-z甲乙丙丁戊己庚辛东南西北一二三四五六七八九十])(?:号楼|栋楼|幢楼|栋|座|棟)", "幢", text)
    text = re.sub(r"(?<=[0-9一二三四五六七八九十])(?:门洞|單元)", "单元", text)
    return re.sub(r"[〇零一二两三四五六七八九十百]+(?=幢|单元|室|号|弄)", lambda found: _numeral(found[0]), text)


def find_in_text(text, *, area=None, compound=None):
    """(place, what was matched) for the most exact place that `text` names, or (None, "").

    A bare 12幢1单元 is understood within `compound` (Place) or, if only one fits, within the grid `area`.
    """
    names, folded = _kept.get(), fold(text)
    found = []
    for name, ids in names.whole.items():
        start = folded.find(name)
        while start >= 0:
            if not _cut(name, folded, start):
                found += [_deeper(names, folded, pk, start, start + len(name)) for pk in ids]
            start = folded.find(name, start + 1)
    if not found:
        found = _bare(names, folded, area, compound)
    if not found:
        return None, ""
    deepest = max(found, key=_weight(names))
    rivals = {
        one[0] for one in found if _weight(names)(one)[:2] == _weight(names)(deepest)[:2] and one[1] == deepest[1]
    }
    if len(rivals) > 1:  # an alias that two places share: the one in this grid, else nobody can say
        rivals = {pk for pk in rivals if area and Place.objects.filter(pk=pk, grid=area).exists()}
        if len(rivals) != 1:
            return None, ""
        deepest = (rivals.pop(), *deepest[1:])
    pk, start, end = deepest
    place = Place.objects.filter(pk=pk).first()
    if place is None:
        return None, ""
    return _room(place, folded, start, end)


def community_in_text(text):
    """The community (Area) that `text` names, or None."""
    folded = fold(text)
    found = [pk for name, pk in _kept.get().communities.items() if name in folded]
    return Area.objects.filter(pk=found[0]).first() if len(found) == 1 else None


def neighbour_in_text(text):
    """The name of a neighbouring subdistrict that `text` names, or the empty string."""
    folded = fold(text)
    return next((name for key, name in _kept.get().neighbours.items() if key in folded), "")


def _numeral(text):
    """十二 -> 12; what is no number comes back as it was."""
    if re.fullmatch(r"[〇零一二两三四五六七八九]+", text):
        return "".join(str(DIGITS[digit]) for digit in text)
    match = re.fullmatch(
        r"(?:([一二两三四五六七八九])百零?)?(?:([一二两三四五六七八九])?(十))?([一二三四五六七八九])?", text
    )
    if not match:
        return text
    hundreds, tens, ten, ones = match.groups()
    return str(DIGITS[hundreds or "零"] * 100 + (DIGITS[tens or "一"] * 10 if ten else 0) + DIGITS[ones or "零"])


def _cut(name, folded, start):
    """Whether the match cuts a number in two, as 1幢 in 11幢."""
    end = start + len(name)
    return (name[0].isdigit() and start > 0 and folded[start - 1].isdigit()) or (
        name[-1].isdigit() and end < len(folded) and folded[end].isdigit()
    )


def _deeper(names, folded, pk, start, end):
    """From a place that was named on to the building and entrance that follow: (place id, start, end)."""
    if names.kinds[pk] in (PlaceKind.COMPOUND, PlaceKind.PUBLIC):
        match = BUILDING.match(folded, end)
        own = match and (names.below.get((pk, match[1] + match[2])) or names.below.get((pk, match[1] + "号")))
        if own:
            pk, end = own, match.end()
        elif dashed := DASHED.match(folded, end):
            building = names.below.get((pk, dashed[1] + "幢"))
            entrance = building and names.below.get((building, dashed[2] + "单元"))
            if entrance:
                return entrance, start, dashed.end(2)
            if building:
                return building, start, dashed.end(1)
    if names.kinds[pk] == PlaceKind.BUILDING:
        match = ENTRANCE.match(folded, end)
        own = match and names.below.get((pk, match[1] + "单元"))
        if own:
            pk, end = own, match.end()
    return pk, start, end


def _bare(names, folded, area, compound):
    """A building named without its compound, where the caller knows which compound or grid is meant."""
    match = LOOSE.search(folded)
    if not match:
        return []
    bases = [compound.pk] if compound else names.compounds.get(area.pk if area else None, ())
    found = [names.below.get((base, match[1] + "幢")) for base in bases]
    found = [pk for pk in found if pk]
    return [_deeper(names, folded, found[0], match.start(), match.end())] if len(found) == 1 else []


def _weight(names):
    return lambda one: (DEPTH[names.kinds[one[0]]], one[2] - one[1], -one[1])


def _room(place, folded, start, end):
    """The room that follows a building or entrance, if there is one of that number."""
    match = ROOM.match(folded, end + (folded[end : end + 1] == "-"))
    if match and place.kind in (PlaceKind.BUILDING, PlaceKind.ENTRANCE):
        rooms = Place.objects.current().filter(kind=PlaceKind.ROOM, parent=place)
        for room in rooms:
            if fold(room.name_zh).removesuffix("室") == match[1]:
                return room, folded[start : match.end()]
    return place, folded[start:end]


def _load():
    names = Names()
    rows = Place.objects.current().exclude(kind=PlaceKind.ROOM)
    for pk, kind, parent, grid, own, full, aliases in rows.values_list(
        "pk", "kind", "parent_id", "grid_id", "name_zh", "full_name", "aliases"
    ):
        names.kinds[pk] = kind
        if parent:
            names.below[(parent, fold(own))] = pk
        if kind == PlaceKind.BUILDING and parent and grid:
            names.compounds[grid].add(parent)
        for name in (full, *aliases.splitlines()):
            if len(fold(name)) > 1:
                names.whole[fold(name)].add(pk)
    ours = set()
    subdistricts = {}
    for pk, level, name, subdistrict in Area.objects.current().values_list("pk", "level", "name_zh", "subdistrict_id"):
        if level == Level.COMMUNITY:
            names.communities[fold(name)] = pk
        if level in (Level.COMMUNITY, Level.GRID):
            ours.add(subdistrict)
        if level == Level.SUBDISTRICT:
            subdistricts[pk] = name
    # A subdistrict that is entered without communities is a neighbour: known by name, served by others.
    names.neighbours = {fold(name): name for pk, name in subdistricts.items() if ours and pk not in ours}
    return names


_kept = Kept(AREAS, _load, also=timezone.localdate)
