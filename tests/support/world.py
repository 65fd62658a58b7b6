"""The small world tests live in: one subdistrict, two communities, their people and outside units; invented names.

Read it from top to bottom: area, places, units, people. Everything is written with plain ORM creates.
"""

import secrets
from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory

from weilianxin.areas.calendar import load_shipped
from weilianxin.areas.models import Area, Level, Place, PlaceKind, Plate, PropertyKind
from weilianxin.files.models import Photo, Sound
from weilianxin.people import consent, session
from weilianxin.people.models import Account, Dwelling, Post, Role, Unit
from weilianxin.programmes.reports import catalogue
from weilianxin.programmes.reports.models import Parameter

LOCAL = ZoneInfo("Asia/Shanghai")
WORK_DAY = date(2026, 3, 10)  # a Tuesday, with plain work days before and after it
BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)  # since when everybody holds their post

# The first grid: a rectangle beside the river, WGS-84; its point is the middle of the entrance.
LAT, LON = 30.2400, 120.1800
STEP = 0.004  # side of a grid in degrees, about 400 m


def at(hour, minute=0, day=WORK_DAY):
    """An aware moment in Asia/Shanghai, on a plain Tuesday unless `day` says otherwise."""
    return datetime.combine(day, time(hour, minute), LOCAL)


def square(lat, lon, side=STEP):
    """A GeoJSON square whose south-west corner is given."""
    ring = [[lon, lat], [lon + side, lat], [lon + side, lat + side], [lon, lat + side], [lon, lat]]
    return {"type": "Polygon", "coordinates": [ring]}


def area(level, code, name, parent=None, **more):
    row = Area(level=level, code=code, name_zh=name, parent=parent, **more)
    for above in (Level.DISTRICT, Level.SUBDISTRICT, Level.COMMUNITY):
        setattr(row, above, getattr(parent, above, None))
    row.save()
    if level != Level.GRID:  # the level columns hold the row itself too
        setattr(row, level, row)
        row.save(update_fields=[level])
    return row


def place(kind, name, parent=None, **more):
    """A place below `parent`; what is not said is taken from it."""
    above = {key: getattr(parent, key, None) for key in ("compound", "community", "grid", "lat", "lon")}
    full = name if parent is None else f"{parent.full_name}{'' if parent.kind != PlaceKind.COMPOUND else ' '}{name}"
    row = Place.objects.create(kind=kind, name_zh=name, full_name=full, parent=parent, **{**above, **more})
    if kind == PlaceKind.COMPOUND:
        row.compound = row
        row.save(update_fields=["compound"])
    return row


def staff(name, role=None, where=None, **more):
    """A member of staff who may sign in, holding one post since long ago."""
    number = 100 + Account.objects.count()
    account = Account(
        kind=Account.STAFF, username=f"staff{number}", phone=f"1390000{number:04d}", name=name, is_demo=True, **more
    )
    account.set_unusable_password()
    account.created_at = BEGINNING
    account.save()
    if role:
        Post.objects.create(account=account, role=role, area=where, since=BEGINNING)
    return account


def resident(name, phone, home=None):
    """A resident who agreed to the service and lives in `home`."""
    account = Account(kind=Account.RESIDENT, phone=phone, name=name, is_demo=True, created_at=BEGINNING)
    account.set_unusable_password()
    account.save()
    consent.give(account, "service", BEGINNING)
    if home is not None:
        Dwelling.objects.create(account=account, place=home, since=BEGINNING)
    return account


def unit(kind, name, phone, *, areas=(), compounds=(), **more):
    row = Unit.objects.create(kind=kind, name_zh=name, phone=phone, is_demo=True, **more)
    row.areas.set(areas)
    row.compounds.set(compounds)
    return row


def make_areas(w):
    w.district = area("district", "330102", "北斗区")
    w.subdistrict = area("subdistrict", "330102098", "望星街道", w.district, name_en="Wangxing Subdistrict")
    w.community = area(
        "community", "330102098001", "天枢社区", w.subdistrict, name_en="Tianshu", households=2560, phone="05710000001"
    )
    w.other_community = area(
        "community", "330102098002", "天璇社区", w.subdistrict, name_en="Tianxuan", households=2380
    )
    names = ("第一网格", "第二网格", "第三网格", "第四网格")
    w.grids = [
        area(
            "grid",
            f"330102098001{n:03d}",
            name,
            w.community,
            name_en=f"Grid {n}",
            households=320,
            geometry=square(LAT, LON + STEP * (n - 1)),
        )
        for n, name in enumerate(names, 1)
    ]
    w.grid, w.second_grid, w.grid_without_property, w.fourth_grid = w.grids
    w.other_grid = area(
        "grid", "330102098002001", "第一网格", w.other_community, name_en="Grid 1", geometry=square(LAT - STEP, LON)
    )


def make_places(w):
    middle = {"lat": LAT + STEP / 2, "lon": LON + STEP / 2}
    w.compound = place(
        "compound", "星影苑", grid=w.grid, community=w.community, property_kind=PropertyKind.COMPANY, **middle
    )
    w.building = place("building", "6幢", w.compound)
    w.entrance = place("entrance", "2单元", w.building)
    w.room = place("room", "301室", w.entrance)
    w.neighbour_room = place("room", "302室", w.entrance)
    w.plate = Plate.objects.create(place=w.entrance, issued_at=BEGINNING)
    far = {"lat": LAT + STEP / 2, "lon": LON + STEP * 2.5}
    w.bare_compound = place(
        "compound",
        "参宿新村",
        grid=w.grid_without_property,
        community=w.community,
        property_kind=PropertyKind.NONE,
        **far,
    )
    w.bare_building = place("building", "6幢", w.bare_compound)
    w.bare_entrance = place("entrance", "2单元", w.bare_building)
    w.bare_room = place("room", "301室", w.bare_entrance)
    w.bare_plate = Plate.objects.create(place=w.bare_entrance, issued_at=BEGINNING)
    w.park = place(
        "public", "观星公园", grid=w.fourth_grid, community=w.community, lat=LAT + STEP / 2, lon=LON + STEP * 3.5
    )
    w.other_compound = place(
        "compound",
        "银汉里弄",
        grid=w.other_grid,
        community=w.other_community,
        property_kind=PropertyKind.COMPANY,
        lat=LAT - STEP / 2,
        lon=LON + STEP / 2,
    )
    w.other_entrance = place("entrance", "1单元", place("building", "1幢", w.other_compound))


def make_units(w):
    w.property = unit("property_company", "星影物业", "13800000901", compounds=[w.compound], contact="翼火")
    w.other_property = unit("property_company", "银汉物业", "13800000902", compounds=[w.other_compound], contact="轸水")
    w.contractor = unit("repair_contractor", "望星小修队", "13800000903", areas=w.grids, contact="鬼火")
    w.elevator = unit("elevator_maintainer", "轻云电梯维保", "13800000904", compounds=[w.compound])
    w.committee = unit("community_committee", "天枢社区居委会", "13800000905", areas=[w.community])
    w.emergency = unit("emergency_post", "望星街道应急消防值班", "13800000906", areas=[w.subdistrict])
    w.sanitation = unit("sanitation_contractor", "望星环卫", "13800000907", areas=[w.subdistrict])
    w.municipal = unit("municipal_maintenance", "望星市政养护", "13800000908", areas=[w.subdistrict])
    w.enforcement = unit("enforcement_team", "望星综合行政执法队", "13800000909", areas=[w.subdistrict])


def make_people(w):
    grid_worker, backup, leader = Role.GRID_WORKER, Role.GRID_WORKER_BACKUP, Role.GRID_LEADER
    w.worker = staff("角木", grid_worker, w.grid, photo="p01")
    w.backup = staff("亢金", backup, w.grid)
    # A and B posts are crossed in pairs, as in a real community.
    Post.objects.create(account=w.backup, role=grid_worker, area=w.second_grid, since=BEGINNING)
    Post.objects.create(account=w.worker, role=backup, area=w.second_grid, since=BEGINNING)
    w.bare_worker = staff("氐土", grid_worker, w.grid_without_property)
    w.bare_backup = staff("房日", backup, w.grid_without_property)
    Post.objects.create(account=w.bare_backup, role=grid_worker, area=w.fourth_grid, since=BEGINNING)
    Post.objects.create(account=w.bare_worker, role=backup, area=w.fourth_grid, since=BEGINNING)
    w.leader = staff("女土")
    for grid in w.grids:
        Post.objects.create(account=w.leader, role=leader, area=grid, since=BEGINNING)
    w.secretary = staff("牛金", Role.COMMUNITY_SECRETARY, w.community)
    w.dispatcher = staff("危月", Role.CENTRE_DISPATCHER, w.subdistrict)
    w.verifier = staff("室火", Role.CENTRE_VERIFIER, w.subdistrict)
    w.callback = staff("壁水", Role.CALLBACK_OFFICER, w.subdistrict)
    w.duty = staff("奎木", Role.DUTY_LEADER, w.subdistrict)
    w.admin = staff("虚日", Role.SYSTEM_ADMIN, w.subdistrict, totp_secret="JBSWY3DPEHPK3PXP" * 2)
    w.auditor = staff("娄金", Role.AUDITOR, w.subdistrict)
    w.stranger_worker = staff("心月", grid_worker, w.other_grid)
    w.stranger_backup = staff("尾火", backup, w.other_grid)
    w.other_leader = staff("胃土", leader, w.other_grid)
    w.other_secretary = staff("井木", Role.COMMUNITY_SECRETARY, w.other_community)
    w.resident = resident("老斗", "13800000001", w.room)
    w.neighbour = resident("小箕", "13800000002", w.neighbour_room)
    w.bare_resident = resident("毕奶奶", "13800000003", w.bare_room)
    w.stranger = resident("小昴", "13800000004", w.other_entrance)


def make_world():
    """Write the world and return its rows as attributes of one plain object."""
    w = SimpleNamespace()
    load_shipped()
    make_areas(w)
    make_places(w)
    make_units(w)
    make_people(w)
    catalogue.load()
    # Which closings are drawn for a check is chance; tests about the draw say how many are.
    Parameter.objects.update_or_create(key="sample_percent", defaults={"value": "0"})
    return w


def client_for(account, **options):
    """A test client in whose session `account` is signed in, as the sign-in page would leave it.

    Staff have passed the second factor. `options` go to django.test.Client.
    """
    client = Client(**options)
    request = RequestFactory().get("/")
    request.session = SessionStore()
    session.sign_in(request, account, second_factor=account.is_staff_member)
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client


def photo(owner=None):
    """A stored photo without bytes, for what only asks whether there is one."""
    return Photo.objects.create(owner=owner, original_hash=secrets.token_hex(32), width=4, height=3, size=100)


def sound(owner=None):
    """A stored voice note without bytes."""
    return Sound.objects.create(owner=owner, kind="mp3", original_hash=secrets.token_hex(32), seconds=9, size=100)
