"""The rows of an import of areas: what is checked, and how an area is made, changed or succeeded."""

import re
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.models import Area, Level, Place
from weilianxin.areas.outlines import BadOutline, outline, overlaps, same

DIGITS = {Level.DISTRICT: 6, Level.SUBDISTRICT: 9, Level.COMMUNITY: 12, Level.GRID: 15}
LEVELS = {length: level for level, length in DIGITS.items()}
LEVEL_WORDS = {
    **{level.value: level for level in Level},
    **dict.fromkeys(("区", "县", "市", "区县"), Level.DISTRICT),
    **dict.fromkeys(("街道", "镇", "乡", "镇街"), Level.SUBDISTRICT),
    **dict.fromkeys(("社区", "村", "行政村"), Level.COMMUNITY),
    **dict.fromkeys(("网格", "基础网格", "专属网格"), Level.GRID),
}
AREA_ALIASES = {
    **dict.fromkeys(("级别", "level", "区域级别"), "层级"),
    **dict.fromkeys(("代码", "区域编码", "区域代码", "code"), "编码"),
    **dict.fromkeys(("name", "name_zh", "区域名称"), "名称"),
    **dict.fromkeys(("英文名称", "name_en"), "英文名"),
    **dict.fromkeys(("range", "range_zh", "管辖范围"), "范围"),
    **dict.fromkeys(("households", "居民户数"), "户数"),
    **dict.fromkeys(("phone", "监督电话", "值班电话", "联系电话"), "电话"),
    **dict.fromkeys(("hours", "时间"), "办公时间"),
    **dict.fromkeys(("valid_from", "启用日期"), "生效日期"),
    "valid_to": "停用日期",
    **dict.fromkeys(("predecessors", "原代码", "原区域编码"), "原编码"),
    **dict.fromkeys(("geometry", "outline", "平面"), "边界"),
}
FACTS = {"英文名": "name_en", "电话": "phone", "办公时间": "hours"}  # kept in place when they change
COLUMNS = (Level.DISTRICT, Level.SUBDISTRICT, Level.COMMUNITY)
KEPT = ("name_zh", "name_en", "range_zh", "geometry", "households", "phone", "hours")


class AreaRows:
    """One import of areas, inside its transaction. Bad rows are told and left out, so that all are told at once."""

    def __init__(self, report, at):
        self.report, self.at = report, at
        self.today = timezone.localdate(at)
        self.known = {area.code: area for area in Area.objects.on(self.today)}
        self.mentioned = {}  # code -> (sheet, number) of what the file speaks of, good or bad
        self.shapes, self.drawn, self.closing = {}, {}, []

    def read(self, rows):
        for place in rows:
            sheet, number, values = place
            code = values["编码"]
            if code in self.mentioned:
                before = self.mentioned[code][1]
                self.bad(place, "编码", _("和第%(row)s行重复") % {"row": before}, _("请删掉一行"))
            else:
                self.mentioned[code] = (sheet, number)
        taken = set()
        for place in sorted(rows, key=lambda row: len(row[2]["编码"])):  # parents first
            code = place[2]["编码"]
            if code not in taken:
                taken.add(code)
                self.row(place, code)
        for code, (place, shape) in self.shapes.items():
            area = self.known.get(code)
            if area is None and code not in self.mentioned:
                self.bad(place, "编码", _("没有这个区域"), _("在 properties 里写 code，并先导入这个区域"))
            elif area and shape and code not in self.mentioned:
                area = self.keep(code, area.level, area, area.parent, {"geometry": shape}, {}, None)
                self.drawn[area.pk] = place

    def bad(self, place, column, what, remedy):
        sheet, number, values = place
        self.report.bad(sheet, number, column, values.get(column, ""), what, remedy)

    def row(self, place, code):
        values, before = place[2], len(self.report.problems)
        level = LEVELS.get(len(code)) if code.isascii() and code.isdigit() else None
        if level is None:
            return self.bad(place, "编码", _("编码不对"), _("区 6 位、街道 9 位、社区 12 位、网格 15 位数字"))
        said = values.get("层级", "")
        if said and LEVEL_WORDS.get(said) != level:
            self.bad(place, "层级", _("层级和编码的位数不符"), _("请核对层级，或核对编码"))
        if set(code[-3:]) == {"0"}:
            self.bad(place, "编码", _("最后三位不能是 000"), _("请写本级自己的编号"))
        old, parent = self.known.get(code), None
        if level != Level.DISTRICT:
            above = code[: DIGITS[level] - 3]
            parent = self.known.get(above)
            if parent is None and above not in self.mentioned:
                self.bad(place, "编码", _("没有上级区域 %(code)s") % {"code": above}, _("请先写上级那一行，或核对编码"))
        if old is None and Area.objects.filter(code=code).exists():
            self.bad(place, "编码", _("这个编码停用了，不能再用"), _("请用新的编码"))
        name = values.get("名称", "")
        if (not name and old is None) or len(name) > 60:
            self.bad(place, "名称", _("没有名称，或太长"), _("请写名称，最多 60 个字"))
        facts = self.facts(place)
        opens, closes = self.dates(place)
        if opens and old and old.valid_from and opens < old.valid_from:
            self.bad(place, "生效日期", _("早于现有区域的生效日期"), _("请核对日期"))
        forerunners = self.forerunners(place)
        where, shape = self.shapes.get(code, (place, None))
        if values.get("边界"):
            try:
                shape = outline(values["边界"])
            except BadOutline as problem:
                self.bad(place, "边界", str(problem), problem.remedy)
        if len(self.report.problems) > before or (parent is None and level != Level.DISTRICT):
            return None
        versioned = {"name_zh": name, "range_zh": facts.pop("range_zh", ""), "geometry": shape}
        area = self.keep(code, level, old, parent, versioned, facts, opens)
        if shape:
            self.drawn[area.pk] = where
        if forerunners:
            area.predecessors.add(*forerunners)
        if closes:
            self.closing.append((place, area, closes))
        return area

    def facts(self, place):
        values, facts = place[2], {}
        for column, name in FACTS.items():
            most = Area._meta.get_field(name).max_length
            if len(values.get(column, "")) > most:
                self.bad(place, column, _("太长"), _("最多 %(n)s 个字") % {"n": most})
            elif values.get(column):
                facts[name] = values[column]
        if len(values.get("范围", "")) > 200:
            self.bad(place, "范围", _("太长"), _("最多 %(n)s 个字") % {"n": 200})
        elif values.get("范围"):
            facts["range_zh"] = values["范围"]
        phone = values.get("电话", "")
        if phone and not re.fullmatch(r"[0-9+][0-9 \-转,，、/]{2,19}", phone):
            self.bad(place, "电话", _("电话不对"), _("请写数字，例如 0571-00000000"))
        households = values.get("户数", "")
        if households and not re.fullmatch(r"[0-9]{1,7}", households):
            self.bad(place, "户数", _("户数不是数字"), _("请只写数字"))
        elif households:
            facts["households"] = int(households)
        return facts

    def dates(self, place):
        found = []
        for column in ("生效日期", "停用日期"):
            text = place[2].get(column, "")
            day = as_date(text) if text else None
            if text and (day is None or day > self.today):
                self.bad(place, column, _("日期看不懂，或晚于今天"), _("请写成 2026-10-01，到了那天再导入"))
                day = None
            found.append(day)
        return found

    def forerunners(self, place):
        found = []
        for code in filter(None, re.split(r"[、,，;；\s]+", place[2].get("原编码", ""))):
            area = self.known.get(code) or Area.objects.filter(code=code).order_by("-valid_to", "-pk").first()
            if area is None:
                self.bad(place, "原编码", _("没有原区域 %(code)s") % {"code": code}, _("请核对原编码，或留空"))
            else:
                found.append(area)
        return found

    def keep(self, code, level, old, parent, versioned, facts, opens):
        """Make the area, change it in place, or close it and open its successor; the row that counts from now on."""
        versioned = {name: value for name, value in versioned.items() if value}
        if old is None:
            area = Area(level=level, code=code, valid_from=opens, **versioned, **facts)
            self.hang(area, parent)
            self.report.made += 1
            self.known[code] = area
            return area
        changed = {name: value for name, value in versioned.items() if getattr(old, name) != value}
        if "geometry" in changed and same(old.geometry, changed["geometry"]):
            del changed["geometry"]
        first = {name for name in changed if not getattr(old, name)}  # said for the first time: no change of it
        if set(changed) - first:
            return self.succeed(old, changed, facts, opens or self.today)
        facts = {name: value for name, value in {**facts, **changed}.items() if getattr(old, name) != value}
        if facts:
            for name, value in facts.items():
                setattr(old, name, value)
            old.save(update_fields=list(facts))
            self.report.changed += 1
        else:
            self.report.same += 1
        return old

    def hang(self, area, parent):
        """Save the area under its parent, with the level columns."""
        area.parent = parent
        for level in COLUMNS:
            setattr(area, level.value, getattr(parent, level.value) if parent else None)
        area.save()
        if area.level != Level.GRID:
            setattr(area, area.level, area)
            area.save(update_fields=[area.level])

    def succeed(self, old, changed, facts, day):
        kept = {name: getattr(old, name) for name in KEPT}
        old.valid_to = max(day, old.valid_from or day)
        old.save(update_fields=["valid_to"])
        new = Area(level=old.level, code=old.code, valid_from=old.valid_to, **{**kept, **changed, **facts})
        self.hang(new, old.parent)
        new.predecessors.add(old)
        below = Area.objects.filter(valid_to=None)
        below.filter(parent=old).update(parent=new)
        if old.level != Level.GRID:
            below.filter(**{old.level: old}).update(**{old.level: new})
        hand_over(old, new)
        self.known = {area.code: area for area in Area.objects.on(self.today)}  # their level columns have changed
        self.report.succeeded += 1
        return self.known[new.code]

    def draw(self, found, name, datum):
        """Take the outlines of a GeoJSON file to hand; `read` gives them to their rows."""
        for number, code, geometry in found:
            place = (name, number, {"编码": code})
            if code in self.shapes:
                self.bad(
                    place,
                    "编码",
                    _("和第%(row)s个面重复") % {"row": self.shapes[code][0][1]},
                    _("请合成一个 MultiPolygon"),
                )
                continue
            self.shapes[code] = (place, None)
            try:
                self.shapes[code] = (place, outline(geometry, datum))
            except BadOutline as problem:
                self.bad((name, number, {"边界": code}), "边界", str(problem), problem.remedy)

    def finish(self):
        """What can only be said once everything is in place: overlaps, and nothing left under a closed area."""
        for level in (Level.GRID, Level.COMMUNITY):
            for pk, neighbour, shared in overlaps(level, set(self.drawn)):
                place = self.drawn[pk]
                what = _("和%(name)s（%(code)s）重叠 %(n)s 平方米") % {
                    "name": neighbour.name_zh,
                    "code": neighbour.code,
                    "n": shared,
                }
                self.bad(
                    (*place[:2], {"边界": place[2]["编码"]}), "边界", what, _("请在地图软件里让两块只相接、不重叠")
                )
        for _row, area, day in self.closing:
            Area.objects.filter(pk=area.pk).update(valid_to=day)
            self.report.closed += 1
        for place, area, _day in self.closing:
            left = Area.objects.on(self.today).filter(parent=area).count()
            left += Place.objects.on(self.today).filter(grid=area).count() if area.level == Level.GRID else 0
            if left:
                self.bad(place, "停用日期", _("下面还有 %(n)s 个区域或地点") % {"n": left}, _("请先把它们改到别的区域"))


def hand_over(old, new):
    """Let everything that hangs on the row `old` hang on `new`: places, posts, units, cases, whatever room has it.

    The code is the same, so it is the same area to everybody who works there; asking by area finds the past too.
    """
    for relation in Area._meta.get_fields(include_hidden=True):
        model = relation.related_model if relation.auto_created and not relation.concrete else None
        # Tables between two models show up as models of their own; those of versions of areas tell the past.
        if model is None or relation.many_to_many or Area in (model, model._meta.auto_created):
            continue
        name = relation.field.name
        model._base_manager.filter(**{name: old}).update(**{name: new})


def as_date(text):
    """The date in `text` (2026-10-01, 2026/10/1, 2026年10月1日), or None."""
    match = re.fullmatch(r"([0-9]{4})[-./年]([0-9]{1,2})[-./月]([0-9]{1,2})日?", text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
