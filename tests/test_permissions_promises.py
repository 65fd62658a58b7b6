"""What the permission table means for people: strangers learn nothing, names stay hidden, rights end at once."""

import re
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from weilianxin.cases.models import Case, Rating, Sample, Task
from weilianxin.files.store import store
from weilianxin.notify.models import Outbox
from weilianxin.people import erasure, posts
from weilianxin.people.models import Account, Post, Token
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category

from .support.visitors import (
    ACCOUNTS,
    VISITORS,
    ask,
    come_in,
    do,
    entered,
    handed,
    jpeg,
    make_things,
    outcome,
    picture,
    report,
    said_in,
    taken_back,
)
from .test_permissions import address, section, sent, table

pytestmark = pytest.mark.django_db

MADE_UP = "f" * 24  # a reference that nothing has


def spare(pk):
    """A key as long as this one that no row has."""
    return int("9" * len(str(pk)))


@pytest.fixture
def things(db, settings, tmp_path):
    settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path
    return make_things()


# What is not there and what is not theirs


def told(response, word):
    """An answer as far as it could tell two apart: status, headers, and the body without what differs every time."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    # The moment of the answer may fall on either side of a second.
    said = [body.decode(), *(f"{name}: {value}" for name, value in response.headers.items() if name != "Expires")]
    said = [text.replace(word, "…").replace(quote(word, safe=""), "…") for text in said]
    said[0] = re.sub(r"E-[A-Z0-9]{4}\b", "E-…", said[0])
    said[0] = re.sub(r'(name="(?:csrfmiddlewaretoken|_key)" value=")[^"]*', r"\1", said[0])
    return response.status_code, said


def pairs(t):
    """(address, somebody else's thing, one there is none of, the rest of the arguments, who asks)."""
    number = f"{t.foreign.number[:-4]}9999"
    residents, staff = ("neighbour", "resident"), ("worker", "secretary", "leader", "admin", "auditor")
    everybody = ("nobody", *residents, *staff)
    for name, rest in (("reports:matter", []), ("reports:receipt", []), ("reports:act", ["append"])):
        yield name, [t.foreign.number, *rest], [number, *rest], residents
    yield "reports:act", [t.foreign.number, "merge"], [number, "merge"], residents
    yield "reports:matter_photo", [t.foreign.number, t.photo, "thumb"], [number, t.photo, "thumb"], residents
    yield "reports:thread_report", [t.foreign_thread.message], [spare(t.foreign_thread.message)], residents
    yield "reports:thread_photo", [t.foreign_thread.photo, "thumb"], [MADE_UP, "thumb"], everybody
    yield "reports:draft_photo", [t.foreign_draft.photo, "thumb"], [MADE_UP, "thumb"], everybody
    yield "portal:file", [t.foreign_photo, "thumb"], [MADE_UP, "thumb"], ("nobody", "neighbour", *staff)
    yield "reports:public_detail", [t.secret], [f"{t.secret[:5]}{'A' * 22}"], everybody
    for name, rest in (("desk:case", []), ("desk:reveal", []), ("desk:act", ["remark"])):
        yield name, [t.foreign.number, *rest], [number, *rest], (*staff, *residents)
        yield name, [t.far.number, *rest], [number, *rest], ("dispatcher", "duty", "callback")
    yield "desk:photo", [t.foreign_photo, "thumb"], [MADE_UP, "thumb"], staff
    yield "desk:grid", [t.w.other_grid.code], ["330102098009001"], staff
    yield "desk:community", [t.w.other_community.code], ["330102098009"], staff
    yield "reports:staff_thread", [t.foreign_thread.pk], [spare(t.foreign_thread.pk)], staff
    yield "reports:staff_thread_report", [t.foreign_thread.pk, 1], [spare(t.foreign_thread.pk), 1], staff
    yield "desk:admin_person", [t.w.resident.ref], [MADE_UP], ("admin",)
    for name, rest in (("api:matter", []), ("api:matter_act", ["append"]), ("api:matter_act", ["merge"])):
        yield name, [t.foreign.number, *rest], [number, *rest], residents
    yield "api:matter_photo", [t.foreign.number, t.photo, "thumb"], [number, t.photo, "thumb"], residents
    yield "api:from_message", [t.foreign_thread.message], [spare(t.foreign_thread.message)], residents
    yield "api:thread_photo", [t.foreign_thread.photo, "thumb"], [MADE_UP, "thumb"], everybody
    yield "api:photo", [t.foreign_photo, "thumb"], [MADE_UP, "thumb"], ("nobody", "neighbour", *staff)
    yield "api:sound", [t.foreign.sound.ref], [MADE_UP], ("nobody", "neighbour", *staff)
    yield "api:public_matter", [t.secret], [f"{t.secret[:5]}{'A' * 22}"], everybody
    for name, rest in (("api:desk_case", []), ("api:desk_act", ["remark"]), ("api:desk_contact", [])):
        yield name, [t.foreign.number, *rest], [number, *rest], (*staff, *residents)
        yield name, [t.far.number, *rest], [number, *rest], ("dispatcher", "duty", "callback")
    yield "api:desk_thread", [t.foreign_thread.pk], [spare(t.foreign_thread.pk)], staff
    for name, rest in (("handler:task", []), ("handler:code", []), ("handler:act", ["sign"])):
        yield name, [t.cut_token, *rest], ["x" * len(t.cut_token), *rest], ("nobody", "cut-handler", "handler")
    yield "handler:file", [t.token, t.foreign_photo, "thumb"], [t.token, MADE_UP, "thumb"], ("nobody", "handler")


def test_a_stranger_cannot_tell_what_is_not_theirs_from_what_is_not_there(things):
    cookies, client = come_in(things), Client()
    for name, theirs, none, visitors in pairs(things):
        for method in ("GET", "POST"):
            for visitor in visitors:
                seen = []
                for args in (theirs, none):
                    url = reverse(name, args=args)
                    with taken_back():
                        response, _tables = ask(client, cookies[visitor], method, url)
                    seen.append(told(response, url))
                assert seen[0] == seen[1], (name, method, visitor)


def test_neither_search_nor_queue_nor_a_merge_tells_whether_a_foreign_number_exists(things):
    cookies, client, none = come_in(things), Client(), f"{things.foreign.number[:-4]}9999"
    tries = [
        ("worker", "GET", "desk:search", [], "q"),
        ("secretary", "GET", "desk:search", [], "q"),
        ("worker", "POST", "desk:act", [things.case.number, "merge"], "parent"),
        ("resident", "POST", "reports:act", [things.case.number, "merge"], "parent"),
    ]
    for visitor, method, name, args, field in tries:
        seen = []
        for number in (things.foreign.number, none):
            with taken_back():
                response, _tables = ask(client, cookies[visitor], method, reverse(name, args=args), {field: number})
            seen.append(told(response, number))
        assert seen[0] == seen[1], (name, visitor)
    seen = []
    for number in (things.far.number, none):
        response, _tables = ask(client, cookies["dispatcher"], "GET", reverse("desk:queue"), {"case": number})
        seen.append(told(response, number))
    assert seen[0] == seen[1] and seen[0][0] == 404


def test_a_resident_joins_no_matter_by_guessing_its_number(things):
    w = things.w
    mine, other = report(w.resident, w.entrance), report(w.neighbour, w.entrance)
    client = Client()
    answer, _tables = ask(
        client, come_in(things)["resident"], "POST", reverse("reports:act", args=[mine.number, "merge"]),
        {"parent": other.number},
    )  # fmt: skip
    mine.refresh_from_db()
    assert answer.status_code == 404 and mine.parent_id is None


# Names


def desk_pages(case):
    """Every page of the desk on which something of the case could stand."""
    named = [reverse(f"desk:{name}") for name in ("home", "grids", "board", "queue", "verify", "samples", "callbacks")]
    found = [f"{reverse('desk:search')}?q={word}" for word in (case.number, case.title[:4], "小箕", "13800000002")]
    areas = [reverse("desk:grid", args=[case.grid.code]), reverse("desk:community", args=[case.community.code])]
    return [*named, *found, *areas, reverse("desk:case", args=[case.number]), reverse("reports:staff_threads")]


def test_whom_only_the_centre_may_know_is_named_to_nobody_of_the_grid(things):
    w, cookies, client = things.w, come_in(things), Client()
    case = report(w.neighbour, w.entrance, anonymity="N2")
    secrets = (w.neighbour.name, w.neighbour.phone, "小*", "138****0002")
    read = 0
    for step in ("received", "accepted", "closed"):
        if step == "accepted":
            do(case, "accept", w.worker)
        elif step == "closed":
            at = timezone.now()
            over = {"state": "closed", "phase": "done", "outcome": "solved", "closings": 1, "closed_at": at}
            Case.objects.filter(pk=case.pk).update(**over, closer=w.worker, disputable_until=at)
            Rating.objects.create(case=case, closing=1, level=1, note="没人来", subdistrict=w.subdistrict, at=at)
            more = {"community": w.community, "subdistrict": w.subdistrict}
            Sample.objects.create(case=case, closing=1, drawn_at=at, **more)
        for visitor in ("worker", "backup", "leader", "secretary"):
            for url in desk_pages(case):
                response, _tables = ask(client, cookies[visitor], "GET", url)
                body = (
                    response.content.decode()
                    .replace(f'value="{w.neighbour.name}"', "")
                    .replace(f'value="{w.neighbour.phone}"', "")
                )  # the search field keeps what was typed
                read += response.status_code == 200
                assert not [word for word in secrets if word in body], (step, visitor, url)
            answer, _tables = ask(
                client, cookies[visitor], "POST", reverse("desk:reveal", args=[case.number]), {"reason": "要打电话"}
            )
            assert answer.status_code == 404
    assert read > 60
    shown, _tables = ask(client, cookies["dispatcher"], "GET", reverse("desk:case", args=[case.number]))
    assert "小*" in shown.content.decode()
    for body in Outbox.objects.exclude(account=w.neighbour).values_list("body", flat=True):
        assert w.neighbour.name not in body and w.neighbour.phone not in body


def test_an_outside_unit_reads_neither_name_nor_telephone_nor_room(things):
    w, client = things.w, Client()
    case = report(w.neighbour, w.neighbour_room, place_text="6幢2单元302室门口")
    assert case.place == w.neighbour_room
    case, task, token = handed(case, w.worker, w.property)
    cookies = entered(task, token)
    here, code = reverse("handler:task", args=[token]), reverse("handler:code", args=[token])
    acts = [reverse("handler:act", args=[token, name]) for name in ("sign", "reply", "return_order")]
    asked = [ask(client, {}, "GET", here), ask(client, cookies, "GET", here), ask(client, cookies, "POST", code)]
    asked += [ask(client, cookies, "POST", url) for url in acts] + [ask(client, cookies, "GET", here)]
    bodies = [response.content.decode() for response, _tables in asked]
    assert "声控灯" in bodies[1] and "声控灯" in bodies[-1]
    for body in bodies:
        assert said_in(case.place.full_name, "302") and not said_in(body, "302")
        for secret in (w.neighbour.name, w.neighbour.phone, "138****0002"):
            assert secret not in body


def test_what_is_sensitive_stands_on_no_public_page(things):
    client, photo = Client(), reverse("portal:file", args=[things.told_photo, "thumb"])
    detail = reverse("reports:public_detail", args=[things.public])
    picture = reverse("reports:public_photo", args=[things.public, things.told_photo, "thumb"])
    lists = [reverse("reports:public"), reverse("reports:public_map")]
    lists += [f"{url}?community={things.w.community.code}" for url in lists]
    assert all("楼道灯修好了" in client.get(url).content.decode() for url in lists)
    assert [client.get(url).status_code for url in (detail, picture, photo)] == [200] * 3
    Case.objects.filter(pk=things.told.pk).update(sensitive=True)
    assert not any("楼道灯修好了" in client.get(url).content.decode() for url in lists)
    assert [client.get(url).status_code for url in (detail, picture, photo)] == [404] * 3


# Rights that end

FOR_ALL_STAFF = {
    "desk:home", "desk:about", "desk:password", "desk:second_factor", "desk:search", "desk:signin", "desk:signout",
    "reports:staff_threads", "desk:worker", "desk:away", "desk:outbox",
    "api:desk_list", "api:desk_day", "api:desk_threads",
}  # fmt: skip


def asked_again(things, client, cookies, row):
    """What comes of a line of the table now: (response, tables written to)."""
    data = sent(row["url"], things) if row["method"] == "POST" else {}
    with taken_back():
        return ask(client, cookies, row["method"], address(row["url"], row["object"], things), data)


def test_a_removed_post_opens_nothing_at_the_next_request(things):
    everybody, client = come_in(things), Client()
    for visitor in set(ACCOUNTS) - {"resident", "neighbour", "stranger"}:
        account, lost = getattr(things.w, ACCOUNTS[visitor]), 0
        with taken_back():
            Post.objects.filter(account=account, until__isnull=True).update(until=timezone.now())
            for row in table():
                staffs = section(row["url"]) in ("desk", "admin", "rounds")
                staffs = staffs or row["url"].startswith(("reports:staff_", "api:desk_"))
                if not staffs or row[visitor] in ("404", "405"):
                    continue
                response, tables = asked_again(things, client, everybody[visitor], row)
                if row["url"] in FOR_ALL_STAFF:
                    assert things.case.number not in response.content.decode(), (visitor, row["url"])
                else:
                    assert response.status_code in (403, 404) and not tables, (visitor, row["method"], row["url"])
                    lost += 1
            found, _tables = ask(client, everybody[visitor], "GET", reverse("desk:search"), {"q": things.case.number})
            assert things.case.title not in found.content.decode()
        assert lost > 1, visitor


def test_who_is_erased_or_switched_off_is_nobody_at_the_next_request(things):
    everybody, client, at = come_in(things), Client(), timezone.now()
    endings = {
        "worker": lambda account: posts.leave(account, at, things.w.admin),
        "resident": lambda account: erasure.erase(account, at),
        "admin": lambda account: Account.objects.filter(pk=account.pk).update(is_active=False),
    }
    for visitor, end in endings.items():
        changed = 0
        with taken_back():
            end(getattr(things.w, ACCOUNTS[visitor]))
            for row in table():
                if row[visitor] == row["nobody"] or row["object"] == "public":
                    continue
                response, tables = asked_again(things, client, everybody[visitor], row)
                wanted = "401" if section(row["url"]) == "api" else row["nobody"]  # a token that was good is told so
                assert outcome(response, tables, row["method"]) == wanted, (visitor, row["method"], row["url"])
                changed += 1
        assert changed > 10


def test_a_token_that_is_revoked_or_over_opens_nothing_at_all(things):
    """Whatever the API gives to somebody, it does not give it to their token once that has ended, in either way."""
    everybody, client, tried = come_in(things), Client(), 0
    now = timezone.now()
    endings = [("resident", {"revoked_at": now}), ("worker", {"expires_at": now}), ("far-worker", {"epoch": 99})]
    for visitor, ending in endings:
        Token.objects.filter(account=getattr(things.w, ACCOUNTS[visitor])).update(**ending)
        for row in table():
            if section(row["url"]) != "api" or row[visitor] in ("404", "405"):
                continue
            response, tables = asked_again(things, client, everybody[visitor], row)
            wanted = 200 if row["url"] == "api:openapi-json" else 401
            assert (response.status_code, tables) == (wanted, set()), (visitor, row["method"], row["url"])
            tried += 1
    assert tried > 90


def test_nobody_ends_somebody_elses_tie_to_their_home(things):
    home, client = things.w.resident.dwellings.get(), Client()
    for cookies in come_in(things).values():
        if cookies:
            with taken_back():
                ask(client, cookies, "POST", reverse("portal:unbind"), {"place": home.place_id})
                home.refresh_from_db()
                if client.session.get("account", {}).get("id") != home.account_id:
                    assert home.until is None


# Acts

ROLES = {
    "worker": {"grid_worker"}, "backup": {"grid_worker_backup"}, "leader": {"grid_leader"},
    "secretary": {"community_secretary"}, "dispatcher": {"centre_dispatcher"}, "verifier": {"centre_verifier"},
    "callback": {"callback_officer"}, "duty": {"duty_leader"}, "resident": {"reporter"}, "handler": {"handler"},
}  # fmt: skip
TASKS = {"dispatched": Task.ISSUED, "working": Task.SIGNED, "replied": Task.DONE, "closed": Task.DONE}
PENDING = {"designate": "meeting", "decline": "extend"}  # what a decision waits for
# These need a history besides a state: a bad rating, a sample, an assistant's task, a refusal, a proposal.
NEEDS_MORE = {
    "see", "rate", "uphold", "reopen", "pass_sample", "contest_refusal", "assist_sign", "assist_done", "unpublish",
    "void", "broadcast", "exclude",
}  # fmt: skip


def form(t, other):
    """A form that answers every question of every act."""
    units = {"unit": t.w.property.pk, "proposed": "市政养护"}
    outcomes = {"outcome": "solved", "level": "5", "reason": "R01", "channel": "police", "receiver": "派出所 值班室"}
    public = {"public_title": "楼道灯修好了", "public_text": "换了两只灯"}
    category = Category.objects.get(code="XQ201", scheme="resident").pk
    words = {"note": "看过了，情况属实", "category": category, "parent": other.number, "right_channel": "12345"}
    beside = {
        "extra": Case.objects.get(pk=t.case.pk).handle_limit,
        "assists": [t.w.contractor.pk],
        "attendees": "值班长",
        "reached": "yes",
        "ground": "force",
    }
    waits = {"public_plan": "等雨停后重铺", "review_date": str(timezone.localdate() + timezone.timedelta(days=3))}
    return {**units, **outcomes, **public, **words, **beside, **waits}


def prepared(case, move, other):
    """Put the case into a state as if it had come there; its tasks and link stay as they are."""
    at, state = timezone.now(), move.sources[-1]
    phase = REPORTS.phases[state]
    ended = {"closed_at": at, "disputable_until": at + timezone.timedelta(days=3)} if phase == "done" else {}
    outcome = "solved" if state == "closed" else ""
    parent = other if state == "merged" else None
    beside = {"pending": PENDING.get(move.name, ""), "sensitive": move.name == "unseal"}
    Case.objects.filter(pk=case.pk).update(state=state, phase=phase, outcome=outcome, parent=parent, **ended, **beside)
    Task.objects.filter(case=case).update(state=TASKS.get(state, Task.CANCELLED), designated=move.name == "object")


def photo_of(t, visitor):
    """The id of a photo that this visitor sent ahead."""
    return [store(picture(), getattr(t.w, ACCOUNTS[visitor]), timezone.now()).ref]


def test_no_act_is_done_by_anybody_without_the_role_for_it(things, monkeypatch):
    """Every act, from a state it begins in, tried by every visitor at each of the places where acts are sent."""
    # Only what is done counts here: the pages after a refusal are not drawn, and no photo is decoded twice.
    for page in ("desk.matter.show", "desk.handler.show", "programmes.reports.pages.matters._page"):
        monkeypatch.setattr(f"weilianxin.{page}", lambda *_args, **_more: HttpResponse(status=422))
    monkeypatch.setattr("weilianxin.cases.acting.receive", lambda uploads: [picture() for _upload in uploads])
    t, cookies, client = things, come_in(things), Client()
    other = report(t.w.neighbour, t.w.entrance)
    data, succeeded, by_json = form(t, other), {}, set()
    for move in REPORTS.moves:
        prepared(t.case, move, other)
        for visitor in VISITORS:
            # Staff try it at the desk, everybody on residents' pages and with the link; both redirect strangers away.
            places = [("desk:act", t.case.number), ("reports:act", t.case.number), ("handler:act", t.token)]
            if visitor in ACCOUNTS:  # the same by JSON, where only a token counts
                places += [("api:desk_act", t.case.number), ("api:matter_act", t.case.number)]
            for name, key in places:
                with taken_back():
                    before = list(Case.objects.filter(pk=t.case.pk).values_list("state", "version"))
                    url = reverse(name, args=[key, move.name])
                    if name.startswith("api:"):
                        ready = photo_of(t, visitor) if "photos" in move.fields and name == "api:desk_act" else []
                        said = {"said": data, "photos": ready}
                    else:
                        said = data if name == "reports:act" else {**data, "photos": jpeg()}
                    ask(client, cookies[visitor], "POST", url, said)
                    changed = list(Case.objects.filter(pk=t.case.pk).values_list("state", "version")) != before
                if changed:
                    assert ROLES.get(visitor, set()) & set(move.roles), (move.name, visitor, name)
                    succeeded.setdefault(move.name, set()).add(visitor)
                    by_json |= {move.name} if name.startswith("api:") else set()
    never = {move.name for move in REPORTS.moves if move.roles != ("system",)} - set(succeeded)
    assert never == NEEDS_MORE
    ours = {move.name for move in REPORTS.moves if set(move.roles) - {"handler", "system"}}
    assert ours - by_json == NEEDS_MORE - {"assist_sign", "assist_done"}, "whatever a page does, a call does"
