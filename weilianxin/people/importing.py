"""Staff with their posts, and outside units, from a spreadsheet: all rows or none, and every bad row told.

    weilianxin import staff FILE
    weilianxin import units FILE

One row of staff is one post; somebody with two posts stands in two rows. Reading the same file twice changes nothing.
"""

import re
import sys
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from weilianxin.areas.models import Area, Place, PlaceKind
from weilianxin.journal import log
from weilianxin.lib.masks import is_masked
from weilianxin.lib.tables import Problem, Unreadable, read_tables

from . import posts, staff
from .errors import Refused
from .models import HANDLER_KINDS, Account, Role, Unit
from .residents import normal_phone

USERNAME = re.compile(r"[\w.@-]{3,40}")
STAFF_COLUMNS = ("登录名", "姓名", "手机", "邮箱", "岗位", "区域代码")
UNIT_COLUMNS = ("名称", "英文名称", "类别", "手机", "联系人", "区域代码", "小区")
SHORT_ROLES = {"A岗": Role.GRID_WORKER, "网格员": Role.GRID_WORKER, "B岗": Role.GRID_WORKER_BACKUP}


@dataclass
class Result:
    """What an import did. With `problems` nothing was written. `passwords`: (login, name, password), once only."""

    problems: list = field(default_factory=list)
    made: int = 0
    changed: int = 0
    passwords: list = field(default_factory=list)


class _Rows:
    """The rows of a file one by one, with a way to say what is wrong with the one at hand."""

    def __init__(self, source, name, needed):
        self.problems, self.found = [], []
        try:
            tables = read_tables(source, name=name)
        except Unreadable as problem:
            self.problems.append(Problem("", 0, "", "", str(problem), ""))
            return
        self.found = [(sheet, number, values) for sheet, rows in tables.items() for number, values in rows]
        if not self.found:
            self.problems.append(Problem("", 0, "", "", _("文件里没有内容。"), _("请照样表填写，第一行是列名。")))
            return
        columns = set().union(*(values for _sheet, _number, values in self.found))
        for column in needed:
            if column not in columns:
                self.problems.append(
                    Problem("", 0, column, "", _("缺“%(column)s”这一列。") % {"column": column}, _("请照样表补上。"))
                )

    def __iter__(self):
        if not self.problems:
            for sheet, number, values in self.found:
                self.sheet, self.number = sheet, number
                yield {**dict.fromkeys((*STAFF_COLUMNS, *UNIT_COLUMNS), ""), **values}

    def bad(self, column, value, what, remedy):
        self.problems.append(Problem(self.sheet, self.number, column, value, what, remedy))


def _by_code(codes):
    return {area.code: area for area in Area.objects.current().filter(code__in=codes)}


def _phone(rows, values):
    if not values["手机"]:
        return ""
    try:
        return normal_phone(values["手机"])
    except Refused as refusal:
        return rows.bad("手机", values["手机"], str(refusal), _("请改成11位手机号，或留空"))


def _role(text):
    with override("zh-hans"):  # what stands in a sheet does not depend on who uploads it
        labels = {str(label): value for value, label in Role.choices}
    with_codes = {**{value: value for value in Role.values}, **labels, **SHORT_ROLES}
    return with_codes.get(text.replace("(", "（").replace(")", "）"))


def import_staff(source, at=None, by=None, name=""):
    """Read staff and posts from a spreadsheet (a path, or a binary file called `name`). Returns a `Result`."""
    at = at or timezone.now()
    rows, people, wanted = _Rows(source, name, ("登录名", "姓名", "岗位", "区域代码")), {}, []
    areas = _by_code({values.get("区域代码", "") for _sheet, _number, values in rows.found})
    known = {a.username: a for a in Account.objects.filter(kind=Account.STAFF, username__isnull=False)}
    phones = dict(Account.objects.filter(phone__isnull=False).values_list("phone", "username"))
    for values in rows:
        login, name, email = values["登录名"], values["姓名"], values["邮箱"]
        if not USERNAME.fullmatch(login):
            rows.bad("登录名", login, _("登录名不对"), _("用3到40个字母、数字或汉字，不要空格"))
        if not 1 <= len(name) <= 40:
            rows.bad("姓名", name, _("没有姓名，或太长"), _("请写姓名，最多40个字"))
        if is_masked(name):
            rows.bad("姓名", name, _("里面有星号"), _("请写完整的姓名"))
        if email and not re.fullmatch(r"[^@\s*]+@[^@\s*]+", email[:300]) or len(email) > 254:
            rows.bad("邮箱", email[:40], _("邮箱地址不对"), _("请改正，或留空"))
        phone = _phone(rows, values)
        person = people.setdefault(login, {"name": name, "phone": phone, "email": email})
        if person["name"] != name:
            rows.bad("姓名", name, _("同一个登录名有两个姓名"), _("每人用自己的登录名"))
        if phone:
            person["phone"] = phone
            if phones.setdefault(phone, login) != login:
                rows.bad("手机", values["手机"], _("这个手机号是别人的"), _("每人写自己的手机号，或留空"))
        if login in known and not known[login].is_active:
            rows.bad("登录名", login, _("这个账号停用了"), _("请换一个登录名"))
        role, area = _role(values["岗位"]), areas.get(values["区域代码"])
        if role is None:
            names = "、".join(str(label) for label in Role.labels)
            rows.bad("岗位", values["岗位"], _("没有这个岗位"), _("请写其中之一：%(names)s") % {"names": names})
        if area is None:
            rows.bad("区域代码", values["区域代码"], _("没有这个区域"), _("先导入区域，再核对代码"))
        if role is not None and area is not None:
            if area.level not in posts.LEVEL_OF.get(role, posts.ELSEWHERE):
                rows.bad("区域代码", values["区域代码"], _("这个岗位不设在这一级"), _("请写对应级别的区域代码"))
            wanted.append((login, role, area))
    if rows.problems:
        return Result(problems=rows.problems)
    return _write_staff(people, wanted, known, at, by)


def _write_staff(people, wanted, known, at, by):
    result = Result()
    with transaction.atomic():
        for login, person in people.items():
            account = known.get(login)
            facts = {"name": person["name"], "phone": person["phone"] or None, "email": person["email"]}
            if account is None:
                account = known[login] = Account(kind=Account.STAFF, username=login, created_at=at, **facts)
                account.set_unusable_password()
                account.save()
                result.made += 1
                result.passwords.append((login, person["name"], staff.set_initial_password(account)))
                log.append("accounts", "staff_made", by.ref if by else "system", {"account": account.ref}, at=at)
                continue
            facts = {key: value for key, value in facts.items() if value and getattr(account, key) != value}
            if facts:
                Account.objects.filter(pk=account.pk).update(**facts)
                result.changed += 1
        held = set(posts.Post.objects.filter(until__isnull=True).values_list("account_id", "role", "area_id"))
        for login, role, area in wanted:
            key = (known[login].pk, str(role), area.pk)
            if key not in held:
                held.add(key)
                posts.assign(known[login], role, area, at, by)
    return result


def import_units(source, at=None, by=None, name=""):
    """Read outside units from a spreadsheet like `import_staff`. A unit is known by kind and name.

    What a row does not say stays as it is: to the phone go links and codes, by the places tasks are found.
    """
    at = at or timezone.now()
    rows, wanted, seen = _Rows(source, name, ("名称", "类别")), [], set()
    with override("zh-hans"):
        kinds = {str(zh): kind for kind, (zh, _tied) in HANDLER_KINDS.items()} | {kind: kind for kind in HANDLER_KINDS}
    areas = _by_code({c for _s, _n, values in rows.found for c in _several(values.get("区域代码", ""))})
    compounds = {}
    for place in Place.objects.current().filter(kind=PlaceKind.COMPOUND):
        for name in filter(None, (place.code, place.full_name, *place.aliases.splitlines())):
            compounds.setdefault(name, place)
    named = {values.get("名称", "") for _s, _n, values in rows.found}
    # Of two with one name it is the one that still works.
    known = {(u.kind, u.name_zh): u for u in Unit.objects.filter(name_zh__in=named).order_by("is_active", "-pk")}
    for values in rows:
        name, kind = values["名称"], kinds.get(values["类别"])
        if not 2 <= len(name) <= 60:
            rows.bad("名称", name, _("没有名称，或太长"), _("请写单位名称，2到60个字"))
        if kind is None:
            names = "、".join(str(zh) for zh, _tied in HANDLER_KINDS.values())
            rows.bad("类别", values["类别"], _("没有这一类单位"), _("请写其中之一：%(names)s") % {"names": names})
            continue
        if (kind, name) in seen:
            rows.bad("名称", name, _("同一个单位写了两行"), _("请并成一行，区域代码、小区之间用顿号隔开"))
        seen.add((kind, name))
        unit = known.get((kind, name))
        if unit is not None and not unit.is_active:
            rows.bad("名称", name, _("这个单位停用了"), _("先在单位的页面上恢复，或换一个名称"))
        tied = HANDLER_KINDS[kind][1]
        mine, homes = [], []
        for code in _several(values["区域代码"]):
            if code not in areas or areas[code].level != tied:
                rows.bad(
                    "区域代码", code, _("没有这个区域，或级别不对"), _("这一类单位按“%(level)s”来定") % {"level": tied}
                )
            else:
                mine.append(areas[code])
        for home in _several(values["小区"]):
            if home not in compounds or tied != "compound":
                rows.bad("小区", home, _("没有这个小区，或这一类单位不按小区来定"), _("先导入小区，再核对名称"))
            else:
                homes.append(compounds[home])
        if unit is None and not mine and not homes:
            column = "小区" if tied == "compound" else "区域代码"
            rows.bad(column, "", _("没有写管哪里"), _("请写这个单位管的小区或区域代码"))
        phone = _phone(rows, values)
        facts = {"phone": phone, "contact": values["联系人"][:40], "name_en": values["英文名称"][:80]}
        wanted.append((unit or Unit(kind=kind, name_zh=name), facts, mine, homes))
    if rows.problems:
        return Result(problems=rows.problems)
    result = Result()
    with transaction.atomic():
        for unit, facts, mine, homes in wanted:
            new = unit.pk is None
            facts = {key: value for key, value in facts.items() if value and getattr(unit, key) != value}
            for key, value in facts.items():
                setattr(unit, key, value)
            if new or facts:
                unit.save()
            moved = False
            for ties, now in ((unit.areas, mine), (unit.compounds, homes)):
                if now and set(ties.all()) != set(now):
                    ties.set(now)
                    moved = True
            if not (new or facts or moved):
                continue
            result.made, result.changed = result.made + new, result.changed + (not new)
            facts = {"unit": unit.ref, "kind": unit.kind}
            log.append("units", "unit_imported", by.ref if by else "system", facts, at=at)
    return result


def _several(text):
    return [part for part in re.split(r"[、,，;；\s]+", text) if part]


def run_staff_arguments(parser):
    parser.add_argument("file", help=_("xlsx 或 csv，列：%(columns)s") % {"columns": "、".join(STAFF_COLUMNS)})


def run_units_arguments(parser):
    parser.add_argument("file", help=_("xlsx 或 csv，列：%(columns)s") % {"columns": "、".join(UNIT_COLUMNS)})


def run_staff(options):
    result = import_staff(options.file)
    if not _tell(result) and result.passwords:
        print(_("首次登录密码只显示这一次，请交给本人，登录后必须修改："))
        for login, name, password in result.passwords:
            print(f"{login}\t{name}\t{password}")
    return 1 if result.problems else 0


def run_units(options):
    return _tell(import_units(options.file))


def sentence(problem):
    """A Problem in one line."""
    if not problem.row:
        return f"{problem.what}{problem.remedy}"
    names = ("sheet", "row", "column", "value", "what", "remedy")
    return _("%(sheet)s 第%(row)s行 %(column)s“%(value)s”：%(what)s。%(remedy)s。") % {
        n: getattr(problem, n) for n in names
    }


def _tell(result):
    """Print what was done, or every bad row; the exit code."""
    for problem in result.problems:
        print(sentence(problem), file=sys.stderr)
    if result.problems:
        print(_("有%(n)s处要改，什么都没有导入。") % {"n": len(result.problems)}, file=sys.stderr)
        return 1
    print(_("新增%(made)s个，更新%(changed)s个。") % {"made": result.made, "changed": result.changed})
    return 0
