"""Who may open and do what: every address of the house against every kind of visitor, as permissions.csv says.

A line of the table is an address, a method and whose object is asked for; what its cells mean stands at its top.
Whoever adds an address adds its lines here, and says with them who it is for.
"""

import csv
from operator import attrgetter
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from .support import sounds
from .support.visitors import TEXT, VISITORS, ask, come_in, make_things, outcome, taken_back

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("permissions.csv")
NOTHING_DONE = {"in", "desk", "2nd", "code", "401", "403", "404", "405"}  # after these nothing may have been written

# What an address is tried with: name -> {object: its arguments, each the name of a thing of `make_things` or a plain
# word}. Addresses without arguments have the object "-".
CASES = {"own": "case.number", "foreign": "foreign.number", "far": "far.number"}
PHOTOS = {
    "own": "photo thumb",
    "foreign": "foreign_photo thumb",
    "far": "far_photo thumb",
    "public": "told_photo thumb",
    "draft": "draft.photo thumb",
    "thread": "thread.photo thumb",
}
OBJECTS = {
    "mini_file": {"own": "mini.js"},
    "handler:task": {"own": "token", "foreign": "foreign_token", "revoked": "cut_token"},
    "handler:code": {"own": "token", "foreign": "foreign_token", "revoked": "cut_token"},
    "handler:act": {"own": "token sign", "foreign": "foreign_token sign", "revoked": "cut_token sign"},
    "handler:file": {
        "own": "token photo thumb",
        "foreign": "foreign_token foreign_photo thumb",
        "revoked": "cut_token cut_photo thumb",
        "mixed": "token foreign_photo thumb",
    },
    "desk:grid": {"own": "w.grid.code", "foreign": "w.other_grid.code", "far": "far_grid.code"},
    "desk:community": {"own": "w.community.code", "foreign": "w.other_community.code", "far": "far_community.code"},
    "desk:brief_line": {"own": "overdue"},
    "desk:rates_of": {"own": "w.grid.code", "foreign": "w.other_grid.code", "far": "far_grid.code"},
    "desk:rate_cases": {
        "own": "w.grid.code ended",
        "foreign": "w.other_grid.code ended",
        "far": "far_grid.code ended",
    },
    "desk:photo": {
        "own": "photo thumb",
        "foreign": "foreign_photo thumb",
        "far": "far_photo thumb",
        "draft": "draft.photo thumb",
    },
    "desk:case": CASES,
    "desk:reveal": CASES,
    "desk:sound": CASES,
    "desk:act": {thing: f"{number} remark" for thing, number in CASES.items()},
    "desk:admin_area": {"own": "w.grid.code"},
    "desk:admin_compound": {"own": "w.compound.pk"},
    "desk:admin_sheet": {"own": "w.compound.pk"},
    "desk:admin_plate_history": {"own": "w.entrance.pk"},
    "desk:admin_area_sheet": {"own": "w.grid.code"},
    "desk:admin_issue": {"own": "w.compound.pk"},
    "desk:admin_plate": {"own": "w.plate.code revoke"},
    "desk:admin_person": {"own": "w.worker.ref", "resident": "w.resident.ref"},
    "desk:admin_person_act": {"own": "w.worker.ref password", "resident": "w.resident.ref password"},
    "desk:admin_unit": {"own": "w.property.ref"},
    "desk:admin_partner": {"own": "partner.ref"},
    "desk:admin_partner_act": {"own": "partner.ref test"},
    "desk:admin_text": {"own": "text.pk"},
    "desk:admin_text_shipped": {"own": "text.pk"},
    "desk:admin_calendar_year": {"own": "2026"},
    "desk:admin_calendar_act": {"own": "2026 shipped"},
    "desk:admin_import_blank": {"own": "staff"},
    "desk:admin_import_reports": {"own": "reports"},
    "desk:admin_import": {"own": "staff"},
    "reports_desk:category": {"own": "XQ201"},
    "reports_desk:category_end": {"own": "XQ201"},
    "reports_desk:rule": {"own": "rule.pk"},
    "reports_desk:rule_end": {"own": "rule.pk"},
    "reports:draft_photo": {"own": "draft.photo thumb", "foreign": "foreign_draft.photo thumb"},
    "reports:matter": {"own": "case.number", "foreign": "foreign.number"},
    "reports:receipt": {"own": "case.number", "foreign": "foreign.number"},
    "reports:matter_photo": {
        "own": "case.number photo thumb",
        "foreign": "foreign.number foreign_photo thumb",
        "mixed": "case.number foreign_photo thumb",
    },
    "reports:matter_sound": {"own": "case.number", "foreign": "foreign.number"},
    "reports:act": {"own": "case.number append", "foreign": "foreign.number append"},
    "reports:thread_report": {"own": "thread.message", "foreign": "foreign_thread.message"},
    "reports:thread_photo": {"own": "thread.photo thumb", "foreign": "foreign_thread.photo thumb"},
    "reports:public_detail": {"public": "public", "secret": "secret"},
    "reports:public_photo": {
        "public": "public told_photo thumb",
        "secret": "secret photo thumb",
        "mixed": "public photo thumb",
    },
    "reports:staff_delivery": {"own": "delivery.pk"},
    "reports:staff_export_decide": {"own": "export.pk"},
    "reports:staff_export_fetch": {"own": "export.pk"},
    "reports:staff_thread": {"own": "thread.pk", "foreign": "foreign_thread.pk"},
    "reports:staff_thread_report": {
        "own": "thread.pk thread.message",
        "foreign": "foreign_thread.pk foreign_thread.message",
        "mixed": "thread.pk foreign_thread.message",
    },
    "rounds_desk:template": {"own": "exits"},
    "rounds:stop": {
        "own": "household.ref",
        "key": "round.stop.ref",
        "check": "round.check_stop.ref",
        "foreign": "foreign_round.stop.ref",
    },
    "rounds:visit": {"own": "round.visit.ref", "foreign": "foreign_round.visit.ref"},
    "rounds:check": {"own": "round.check.ref", "foreign": "foreign_round.check.ref"},
    "rounds:photo": {"own": "round.photo thumb", "foreign": "foreign_round.photo thumb"},
    "rounds:key": {"own": "round.key.ref", "foreign": "foreign_round.key.ref"},
    "rounds:key_end": {"own": "round.key.ref", "foreign": "foreign_round.key.ref"},
    "rounds:grid": {"own": "w.grid.code", "foreign": "w.other_grid.code"},
    "api:plate": {"own": "w.plate.code", "revoked": "dead_plate.code"},
    "api:place": {"own": "w.entrance.pk"},
    "api:dwelling": {"own": "w.room.pk"},
    "api:photo": PHOTOS,
    "api:sound": {"own": "case.sound.ref", "foreign": "foreign.sound.ref", "draft": "draft_sound"},
    "api:matter": {"own": "case.number", "foreign": "foreign.number"},
    "api:matter_act": {"own": "case.number append", "foreign": "foreign.number append"},
    "api:matter_photo": {
        "own": "case.number photo thumb",
        "foreign": "foreign.number foreign_photo thumb",
        "mixed": "case.number foreign_photo thumb",
    },
    "api:from_message": {"own": "thread.message", "foreign": "foreign_thread.message"},
    "api:thread_photo": {"own": "thread.photo thumb", "foreign": "foreign_thread.photo thumb"},
    "api:public_matter": {"public": "public", "secret": "secret"},
    "api:desk_case": CASES,
    "api:desk_act": {thing: f"{number} remark" for thing, number in CASES.items()},
    "api:desk_contact": CASES,
    "api:desk_visit": {"own": "household.ref", "foreign": "foreign_round.stop.ref"},
    "api:desk_thread": {"own": "thread.pk", "foreign": "foreign_thread.pk"},
    "api:nowhere": {"-": ""},
    "portal:plate": {"own": "w.plate.code", "revoked": "dead_plate.code"},
    "portal:file": PHOTOS,
}

# Methods besides GET and POST that an address knows.
MORE = {"api:session": ["DELETE"], "api:me": ["PUT"], "api:dwelling": ["DELETE"]}

# What is sent with a POST; what is not named here is sent empty.
SENT = {
    "handler:code": lambda t: {"step": "send"},
    "desk:reveal": lambda t: {"reason": "要约上门的时间"},
    "desk:act": lambda t: {"note": "看过了"},
    "desk:admin_unit_add": lambda t: {"kind": "property_company", "name_zh": "新物业"},
    "desk:admin_person_add": lambda t: {"name": "新人", "username": "newcomer"},
    "reports:new": lambda t: {"text": TEXT, "kind": "求助"},
    "reports:place": lambda t: {"where": "home"},
    "reports:send": lambda t: {"anonymity": "N1"},
    "reports:guess": lambda t: {"text": TEXT},
    "reports:act": lambda t: {"note": "三楼的也不亮"},
    "reports:thread": lambda t: {"body": "谢谢您"},
    "reports:staff_report": lambda t: {
        "channel": "phone", "text": TEXT, "place": t.w.entrance.full_name, "category": "XQ105", "do": "send",
    },
    "reports:staff_report_look": lambda t: {"text": TEXT, "place": t.w.entrance.full_name},
    "reports:staff_patrol": lambda t: {"category": "XQ105", "where": "address", "address": t.w.entrance.full_name},
    "reports:staff_export": lambda t: {
        "since": "2026-01-01", "until": "2026-01-31", "do": "ask", "purpose": "区里例行检查",
    },
    "reports:staff_export_decide": lambda t: {"answer": "yes"},
    "reports:staff_deliver": lambda t: {"source": "12345"},
    "reports:staff_thread": lambda t: {"body": "马上来看"},
    "reports:staff_thread_report": lambda t: {
        "category": "XQ201", "text": TEXT, "place": t.w.entrance.full_name,
    },
    "rounds:stop": lambda t: {"due": t.household.due_on.isoformat(), "outcome": "met"},
    "rounds:key_add": lambda t: {
        "place": t.w.neighbour_room.full_name, "classes": ["alone"], "reason": "常去看看", "ground": "consent",
    },
    "rounds:check_add": lambda t: {"place": t.w.entrance.full_name, "template": "exits"},
    "desk:day": lambda t: {"lat": "30.24", "lon": "120.18"},
    "api:desk_visit": lambda t: {"due": t.household.due_on.isoformat(), "outcome": "met"},
    "api:session": lambda t: {"code": "none", "as": "resident"},
    "api:session_phone": lambda t: {"ticket": "none", "phone_code": "none"},
    "api:session_sms": lambda t: {"phone": "13800000099"},
    "api:session_sms_confirm": lambda t: {"phone": "13800000099", "code": "000000"},
    "api:session_staff": lambda t: {"username": "nobody", "password": "nothing"},
    "api:me": lambda t: {"language": "en"},
    "api:place_find": lambda t: {"words": "星影苑6幢"},
    "api:dwellings": lambda t: {"place": t.w.entrance.pk},
    "api:inbox_read": lambda t: {"up_to": 9},
    "api:subscriptions": lambda t: {"results": {"TPL-closed": "accept"}},
    "api:photos": lambda t: {"photo": SimpleUploadedFile("a.txt", b"no photo", "text/plain")},
    "api:sounds": lambda t: {"sound": SimpleUploadedFile("a.wav", sounds.wav(1), "audio/wav")},
    "api:preview": lambda t: {"text": TEXT, "place": {"how": "home"}},
    "api:reports": lambda t: {"text": TEXT, "category": "XQ202", "place": {"how": "home"}},
    "api:join": lambda t: {"token": "none"},
    "api:matter_act": lambda t: {"said": {"note": "三楼的也不亮"}},
    "api:thread": lambda t: {"body": "谢谢您"},
    "api:desk_act": lambda t: {"said": {"note": "看过了"}},
    "api:desk_reports": lambda t: {
        "channel": "phone", "text": TEXT, "place": {"how": "choose", "place": t.w.entrance.pk},
    },
    "api:desk_found": lambda t: {"category": "XQ105", "place": {"how": "choose", "place": t.w.entrance.pk}},
    "api:desk_contact": lambda t: {"why": "要约上门的时间"},
    "api:desk_thread": lambda t: {"body": "马上来看"},
    "portal:bind": lambda t: {"place": t.w.entrance.pk, "relation": "living"},
    "portal:unbind": lambda t: {"place": t.w.room.pk},
    "portal:signin": lambda t: {"act": "send", "phone": "13800000099"},
    "portal:me_correct": lambda t: {"act": "name", "name": "斗大爷"},
    "portal:me_erase": lambda t: {"sure": "1"},
    "portal:elder": lambda t: {"elder": "1"},
    "portal:language": lambda t: {"language": "en"},
    "portal:demo_signin": lambda t: {"ref": t.w.worker.ref},
}  # fmt: skip


def objects_of(name):
    return OBJECTS.get(name, {"-": ""})


def address(name, thing, t):
    """The address `name` of one of its objects."""
    found = []
    for word in objects_of(name)[thing].split():
        try:
            found.append(attrgetter(word)(t))
        except AttributeError:
            found.append(word)
    return reverse(name, args=found)


def sent(name, t):
    return SENT[name](t) if name in SENT else {}


def table():
    """The lines of the table: dicts of url, method, object and a cell per visitor."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader((line for line in file if not line.startswith("#")), skipinitialspace=True)
        heads, *lines = [[cell.strip() for cell in row] for row in rows if row]
    lines = [[*line[:3], *line[3:] * len(VISITORS)] if len(line) == 4 else line for line in lines]
    return [dict(zip(heads, line, strict=True)) for line in lines]


def addresses(resolver=None, spaces=()):
    """The full name of every address of the house, as often as it is there; one without a name is an error."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry, (*spaces, entry.namespace) if entry.namespace else spaces)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"the address {entry.pattern} has no name"
            yield ":".join((*spaces, entry.name))


def methods(name):
    """What an address is tried with: GET and POST, and what else an address of the API knows."""
    return ("GET", "POST", *MORE.get(name, ()))


def section(name):
    """Which part of the house an address belongs to: the tests go through them one by one."""
    room, _colon, page = name.rpartition(":")
    return "admin" if page.startswith("admin_") or room in ("reports_desk", "rounds_desk") else room or "house"


SECTIONS = ("house", "portal", "reports", "rounds", "handler", "desk", "admin", "api")


@pytest.fixture
def things(db, settings, tmp_path):
    settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path
    return make_things()


def test_the_table_names_every_address_method_and_object_once_and_nothing_else():
    names = list(addresses())
    assert len(names) == len(set(names)), "two addresses share a name"
    told = [(row["url"], row["method"], row["object"]) for row in table()]
    assert len(told) == len(set(told))
    meant = {(name, method, thing) for name in names for method in methods(name) for thing in objects_of(name)}
    assert set(told) == meant
    assert set(OBJECTS) | set(SENT) <= set(names)
    assert {section(name) for name in names} == set(SECTIONS)
    assert all(set(row) == {"url", "method", "object", *VISITORS} for row in table())


@pytest.mark.parametrize("part", SECTIONS)
def test_every_visitor_gets_what_the_table_says(things, part):
    cookies, client, wrong = come_in(things), Client(), []
    for row in table():
        if section(row["url"]) != part:
            continue
        method, url = row["method"], address(row["url"], row["object"], things)
        data = sent(row["url"], things) if method in ("POST", "PUT") else {}
        for visitor in VISITORS:
            with taken_back():
                response, tables = ask(client, cookies[visitor], method, url, data)
            got = outcome(response, tables, method)
            where = f"{method} {row['url']} ({row['object']}) as {visitor}"
            if got != row[visitor]:
                wrong.append(f"{where}: {got}, the table says {row[visitor]}")
            if got in NOTHING_DONE and tables:
                wrong.append(f"{where}: {got}, and yet wrote to {', '.join(sorted(tables))}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_form_from_elsewhere_does_nothing_for_anybody(things):
    """Whoever may send a form is refused without the token of the page, before anything is done."""
    cookies, client, tried = come_in(things), Client(enforce_csrf_checks=True), 0
    for row in table():
        able = next((visitor for visitor in VISITORS if row[visitor] in ("done", "go", "ok", "422", "409")), None)
        if row["method"] != "POST" or able is None or section(row["url"]) == "api":
            continue  # the API looks at no cookie, so nobody's browser can be used against them
        url = address(row["url"], row["object"], things)
        response, tables = ask(client, cookies[able], "POST", url, sent(row["url"], things))
        assert (response.status_code, tables) == (403, set()), (row["url"], able)
        tried += 1
    assert tried > 40


def test_no_address_knows_another_method(things):
    """Whoever gets a page or may send its form gets 405 for PUT, PATCH and DELETE, and nothing is written."""
    cookies, client = come_in(things), Client()
    for row in table():
        able = next((visitor for visitor in VISITORS if row[visitor] in ("done", "go", "ok", "422", "409")), None)
        if able is None:
            continue
        for method in {"PUT", "PATCH", "DELETE"} - set(methods(row["url"])):
            response, tables = ask(client, cookies[able], method, address(row["url"], row["object"], things))
            assert (response.status_code, tables) == (405, set()), (method, row["url"], able)
