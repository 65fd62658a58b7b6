"""The people of the made-up 望星街道: staff with posts in every grid, outside units, residents. All invented.

Nobody is called like this: staff carry a lunar mansion and a luminary. Their numbers are 1xx0000xxxx, which are never
shown as links and never sent to. What is made is the same every time but for the opaque references.
"""

from datetime import UTC, datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import translation

from weilianxin.areas.models import Area, Level, Place, PlaceKind, PropertyKind

from . import consent
from .models import HANDLER_KINDS, Account, Consent, Dwelling, Post, Role, Unit

PASSWORD = "wangxing-2026"  # of everybody in the demo; it opens nothing but the demo
SECOND_FACTOR = "WANGXINGDEMOSTAR" * 2  # of the demo's administrators
SINCE = datetime(2025, 1, 1, tzinfo=UTC)  # since when everybody holds their post
RESIDENTS_PER_GRID = 5

MANSIONS = "角亢氐房心尾箕斗牛女虚危室壁奎娄胃昴毕觜参井鬼星翼轸"
LUMINARIES = "木金土日月火水"
# The traditional luminary of each mansion: seven by seven, 柳 and 张 left out.
TRADITIONAL = "木金土日月火水木金土日月火水木金土日月火水木金日火水"
# Who is named in the story of the demo: login -> name.
NAMED = {
    "jiaomu": "角木",
    "kangjin": "亢金",
    "ditu": "氐土",
    "fangri": "房日",
    "xinyue": "心月",
    "weihuo": "尾火",
    "jishui": "箕水",
    "doumu": "斗木",
    "niujin": "牛金",
    "nvtu": "女土",
    "xuri": "虚日",
    "weiyue": "危月",
    "shihuo": "室火",
    "bishui": "壁水",
    "kuimu": "奎木",
}
# Named elsewhere in the demo, so nobody else is called so.
KEPT = ["娄金", "胃土", "昴日", "毕月", "觜火", "参水", "井木", "鬼金", "翼土", "星日", "翼火", "轸水", "鬼火", "角土"]
CENTRE = (
    (Role.CENTRE_DISPATCHER, ("weiyue", "xuri")),
    (Role.CENTRE_VERIFIER, ("shihuo", None)),
    (Role.CALLBACK_OFFICER, ("bishui", None)),
    (Role.DUTY_LEADER, ("kuimu", None, None)),
    (Role.SYSTEM_ADMIN, ("admin", "admin2")),
    (Role.AUDITOR, ("auditor",)),
)
FIRMS = ("星影物业", "昴宿物业", "毕宿物业", "银汉准物业")  # A to D, with their named persons
FIRM_PEOPLE = ("翼火", "轸水", "鬼火", "角土")
STORY = {"星影苑": 0, "昴宿府": 1, "毕宿公寓": 2, "毕宿商铺": 2, "银汉里弄": 3, "观星里": 3}
OTHER_FIRMS = [f"{m}宿物业" for m in "角亢氐房心尾箕牛女虚危室壁奎"]


def make_demo_staff(areas=None, *, since=SINCE):
    """Staff, units and residents for the areas of the demo, which are read from the database (`areas` is what made
    them returned, and not looked at). All or nothing, in a few seconds.

    Returns what the demo panel shows: `password`, `second_factor`, `staff` (rows of role, name, username, area and
    account, the named ones first in their post), `units`, `residents` (Accounts; the first ones live in 参宿新村).
    """
    with transaction.atomic(), translation.override("zh-hans"):
        subdistrict = Area.objects.current().get(level=Level.SUBDISTRICT, code="330102098")
        communities = list(
            Area.objects.current().filter(level=Level.COMMUNITY, subdistrict=subdistrict).order_by("code")
        )
        grids = list(Area.objects.current().filter(level=Level.GRID, subdistrict=subdistrict).order_by("code"))
        staff = _make_staff(subdistrict, communities, grids, since)
        units = _make_units(subdistrict, communities, grids)
        residents = _make_residents(grids, since)
    return {
        "password": PASSWORD,
        "second_factor": SECOND_FACTOR,
        "staff": staff,
        "units": units,
        "residents": residents,
    }


def names():
    """All names of the rule: the traditional pairs first, then the others; those of the story left out."""
    pairs = [m + l for m, l in zip(MANSIONS, TRADITIONAL, strict=True)]
    others = [m + l for l in LUMINARIES for m in MANSIONS if m + l not in pairs]
    taken = {*NAMED.values(), *KEPT}
    return [name for name in pairs + others if name not in taken]


def _make_staff(subdistrict, communities, grids, since):
    wanted = []  # (login or None, role, area)
    of = {c.pk: [g for g in grids if g.community_id == c.pk] for c in communities}
    named_workers = list(NAMED)[:8]
    for number, community in enumerate(communities):
        wanted.append(("niujin" if number == 0 else None, Role.COMMUNITY_SECRETARY, community))
        mine = of[community.pk]
        logins = named_workers if number == 0 else [f"w{community.code[-1]}{n + 1:02d}" for n in range(len(mine))]
        for n, grid in enumerate(mine):
            # A and B posts are crossed in pairs; an odd last grid is covered by the first of its community.
            other = n ^ 1 if n ^ 1 < len(mine) else 0
            wanted.append((logins[n], Role.GRID_WORKER, grid))
            if other != n:
                wanted.append((logins[other], Role.GRID_WORKER_BACKUP, grid))
            leader = "nvtu" if number == 0 else f"l{community.code[-1]}{n // 2 + 1}"
            wanted.append((leader, Role.GRID_LEADER, grid))
    for role, logins in CENTRE:
        wanted += [(login, role, subdistrict) for login in logins]
    free, accounts, hashed = iter(names()), {}, make_password(PASSWORD)
    rows = []
    for number, (login, role, area) in enumerate(wanted):
        login = login or f"s{number:03d}"
        if login not in accounts:
            accounts[login] = Account(
                kind=Account.STAFF,
                username=login,
                name=NAMED[login] if login in NAMED else next(free),
                phone=f"1390000{len(accounts) + 1:04d}",
                photo=f"p{len(accounts) % 12 + 1:02d}",
                password=hashed,
                last_login=since,
                created_at=since,
                is_demo=True,
                totp_secret=SECOND_FACTOR if role == Role.SYSTEM_ADMIN else "",
            )
        rows.append((login, role, area))
    Account.objects.bulk_create(accounts.values())
    Post.objects.bulk_create(Post(account=accounts[a], role=role, area=area, since=since) for a, role, area in rows)
    return [
        {"role": role, "name": accounts[a].name, "username": a, "area": area, "account": accounts[a]}
        for a, role, area in sorted(rows, key=lambda row: Role.values.index(row[1]))
    ]


def _make_units(subdistrict, communities, grids):
    compounds = list(
        Place.objects.current()
        .filter(kind=PlaceKind.COMPOUND, community__subdistrict=subdistrict)
        .select_related("community")
        .order_by("id")
    )
    looked_after = [c for c in compounds if c.property_kind in (PropertyKind.COMPANY, PropertyKind.QUASI)]
    plan = []  # (kind, name, contact, areas, compounds)
    firms = {name: [] for name in (*FIRMS, *OTHER_FIRMS)}
    for number, compound in enumerate(looked_after):
        firms[_firm_of(compound, number)].append(compound)
    for name, homes in firms.items():
        if homes:
            contact = dict(zip(FIRMS, FIRM_PEOPLE, strict=True)).get(name, "")
            plan.append(("property_company", name, contact, [], homes))
    for number, name in enumerate(("轻云电梯维保", "天梯电梯维保", "升平电梯维保")):
        plan.append(("elevator_maintainer", name, "", [], looked_after[number::3]))
    for community in communities:
        mine = [grid for grid in grids if grid.community_id == community.pk]
        short = community.name_zh.removesuffix("社区")
        plan.append(("repair_contractor", f"{short}疏通小修队", "", mine, []))
        plan.append(("community_committee", f"{community.name_zh}居委会", "", [community], []))
        plan.append(("elderly_care_worker", f"{short}居家养老服务站", "", [community], []))
    special = {
        "grid_worker": ("望星专职网格队", grids),
        "emergency_post": ("望星街道应急消防值班室", [subdistrict]),
        "police_station": ("望星派出所", [subdistrict]),
        "utility_company": ("观象水电气通信联合服务", [subdistrict.district]),
    }
    made = {kind for kind, *_rest in plan}
    for kind, (zh, tied) in HANDLER_KINDS.items():
        if kind not in made:
            default = (f"观象区{zh}", [subdistrict.district]) if tied == "district" else (f"望星{zh}", [subdistrict])
            name, where = special.get(kind, default)
            plan.append((kind, name, "", where, []))
    units = [
        Unit(kind=kind, name_zh=name, contact=contact, phone=f"1370000{n + 1:04d}", is_demo=True)
        for n, (kind, name, contact, _areas, _homes) in enumerate(plan)
    ]
    Unit.objects.bulk_create(units)
    areas, homes = Unit.areas.through, Unit.compounds.through
    areas.objects.bulk_create(
        areas(unit_id=u.pk, area_id=a.pk) for u, row in zip(units, plan, strict=True) for a in row[3] if a
    )
    homes.objects.bulk_create(
        homes(unit_id=u.pk, place_id=p.pk) for u, row in zip(units, plan, strict=True) for p in row[4]
    )
    return units


def _firm_of(compound, number):
    """The four firms of the story look after their compounds of 天枢; the rest goes round among the others."""
    if compound.community.code.endswith("001") and compound.name_zh in STORY:
        return FIRMS[STORY[compound.name_zh]]
    return OTHER_FIRMS[number % len(OTHER_FIRMS)]


def _make_residents(grids, since):
    homes = {}
    kinds = (PlaceKind.ROOM, PlaceKind.ENTRANCE, PlaceKind.BUILDING, PlaceKind.COMPOUND)
    for kind in kinds:  # rooms where there are any, else what is nearest to a home
        rows = Place.objects.current().filter(kind=kind, grid__in=grids).order_by("grid_id", "id")
        found = {}
        for pk, grid_id in rows.values_list("id", "grid_id").iterator():
            found.setdefault(grid_id, []).append(pk)
        for grid_id, ids in found.items():
            homes.setdefault(grid_id, ids)
    third = [grid for grid in grids if grid.code.endswith("001003")]
    ordered = third + [grid for grid in grids if grid not in third]
    pattern = ("老%s", "%s奶奶", "小%s", "%s阿姨", "%s爷爷", "%s叔叔")
    accounts, places = [], []
    for grid in ordered:
        ids = homes.get(grid.pk, [])
        for n in range(min(RESIDENTS_PER_GRID, len(ids))):
            number = len(accounts)
            accounts.append(
                Account(
                    kind=Account.RESIDENT,
                    phone=f"1380000{number + 1:04d}",
                    name=pattern[number % 6] % MANSIONS[(number * 7 + 7) % len(MANSIONS)],
                    password="!",
                    created_at=since,
                    is_demo=True,
                )
            )
            places.append(ids[n * len(ids) // RESIDENTS_PER_GRID])
    Account.objects.bulk_create(accounts)
    Dwelling.objects.bulk_create(
        Dwelling(account=a, place_id=p, since=since) for a, p in zip(accounts, places, strict=True)
    )
    newest = consent.current_version(consent.SERVICE)
    Consent.objects.bulk_create(
        Consent(account=a, purpose=newest.purpose, version=newest.version, text_hash=newest.hash, given_at=since)
        for a in accounts
    )
    return accounts
