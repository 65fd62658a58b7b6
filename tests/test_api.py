"""The API for residents: journeys in JSON, what is refused and how, tokens, keys, photos, and what a call costs."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support import sounds
from tests.support.api import BASE, Caller, error_of
from tests.support.visitors import TEXT, do, report
from tests.support.world import at
from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, CasePhoto, Event, Submission
from weilianxin.files.models import Photo
from weilianxin.files.store import path, sweep_photos
from weilianxin.journal.models import Entry
from weilianxin.lib.edge import SENTENCES
from weilianxin.notify.models import Outbox
from weilianxin.people.models import Dwelling
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.flow import OFFLINE
from weilianxin.programmes.reports.models import Category, Report, ThreadMessage

pytestmark = pytest.mark.django_db

HOME = {"how": "home"}
INTEGRITY = "村干部收了红包，贪污公款"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def body(**more):
    return {"text": TEXT, "category": "XQ201", "place": HOME, **more}


def the_act(matter, name):
    return next(act for act in matter["acts"] if act["name"] == name)


# Journeys


def test_a_report_goes_from_sent_to_disputed_by_json_alone(world):
    me, worker = Caller(world.resident), Caller(world.worker)
    photo = me.upload()
    sent = me.post("/reports", body(photos=[photo]))
    assert sent.status_code == 201, sent.content
    matter = sent.json()
    number = matter["number"]
    assert matter["text"] == TEXT and matter["word"] == "已提交" and "角木" in matter["who_more"]
    assert [p["id"] for p in matter["photos"]] == [photo]
    assert me.get(matter["photos"][0]["thumb"]).headers["Content-Type"] == "image/jpeg"
    case = Case.objects.get(number=number)
    assert case.channel == "mini_program" and case.grid == world.grid

    todo = worker.get("/desk/list").json()["items"]
    assert [row["number"] for row in todo] == [number] and todo[0]["quick"]["name"] == "accept"
    assert worker.get(todo[0]["thumb"]).status_code == 200
    assert worker.get(f"/desk/cases/{number}").json()["seen"] is True
    accepted = worker.post(f"/desk/cases/{number}/acts/accept")
    assert accepted.status_code == 200, accepted.content
    close = the_act(accepted.json(), "close_seen")
    assert {field["name"] for field in close["fields"]} >= {"photos", "outcome", "note"}
    refused = worker.post(f"/desk/cases/{number}/acts/close_seen", {"said": {"outcome": "solved", "note": "换好了"}})
    assert error_of(refused) == (422, "invalid", "photos")
    after = worker.upload("white")
    closed = worker.post(
        f"/desk/cases/{number}/acts/close_seen", {"said": {"outcome": "solved", "note": "换好了"}, "photos": [after]}
    )
    assert closed.status_code == 200, closed.content
    assert [row["number"] for row in worker.get("/desk/list", tab="done").json()["items"]] == [number]

    mine = me.get("/matters").json()["items"]
    assert mine[0]["turn"] and mine[0]["word"] == "待您确认"
    matter = me.get(f"/matters/{number}").json()
    assert [line["title"] for line in matter["lines"]][-1].startswith("角木办结")
    assert [p["id"] for p in matter["photos"] if p["after"]] == [after]
    levels = the_act(matter, "rate")["fields"][0]
    assert (levels["name"], levels["kind"], len(levels["options"])) == ("level", "radios", 5)
    rated = me.post(f"/matters/{number}/acts/rate", {"said": {"level": 1, "note": "还是不亮"}})
    assert rated.status_code == 200 and rated.json()["word"] == "已评价"
    told = me.post(f"/matters/{number}/acts/dispute", {"said": {"note": "三楼还是黑的"}})
    assert told.status_code == 200, told.content
    assert told.json()["phase"] == "active" and told.json()["who"] == "女土"
    acts = list(Event.objects.filter(case=case).order_by("seq").values_list("act", flat=True))
    assert acts == ["submit", "see", "accept", "close_seen", "rate", "dispute"]


def test_the_desk_says_which_acts_may_wait_on_a_phone_and_whose_they_are(world):
    case = report(world.resident, world.entrance)
    me, worker = Caller(world.resident), Caller(world.worker)
    row = next(card for card in worker.get("/desk/list").json()["items"] if card["number"] == case.number)
    assert row["quick"]["name"] == "accept" and row["quick"]["offline"] is True
    worker.post(f"/desk/cases/{case.number}/acts/accept")
    acts = worker.get(f"/desk/cases/{case.number}").json()["acts"]
    waits = {act["name"]: act["offline"] for act in acts}
    assert waits == {name: name in OFFLINE for name in waits} and {True, False} == set(waits.values()), waits
    # Whose an act is that waits: the same mark at every sign-in, another one for somebody else.
    accounts = [
        me.get("/me").json()["account"],
        me.get("/home").json()["account"],
        worker.get("/home").json()["account"],
    ]
    assert [account["ref"] for account in accounts] == [world.resident.ref, world.resident.ref, world.worker.ref]


def test_a_neighbours_report_is_found_and_joined(world):
    first = report(world.resident, world.entrance)
    me = Caller(world.neighbour)
    seen = me.post("/reports/preview", body()).json()
    assert [near["title"] for near in seen["near"]] == ["楼道灯/单元门损坏"]
    assert seen["worker"]["name"] == "角木" and seen["limit_words"] and seen["accept_words"]
    joined = me.post("/reports/join", {"token": seen["near"][0]["token"], "text": TEXT, "photos": [me.upload()]})
    assert joined.status_code == 201, joined.content
    assert joined.json()["joined"] and joined.json()["headcount"] == 2
    assert Case.objects.get(number=joined.json()["number"]).parent == first
    again = me.post("/reports/join", {"token": seen["near"][0]["token"]})
    assert error_of(again)[:2] == (409, "refused")
    mine = Caller(world.resident).post("/reports/preview", body()).json()
    assert [own["number"] for own in mine["own"]] == [first.number] and mine["near"] == []


def test_what_has_to_wait_says_how_and_until_when_also_to_whoever_joined(world):
    parent = report(world.resident, world.entrance)
    me, neighbour = Caller(world.resident), Caller(world.neighbour)
    token = neighbour.post("/reports/preview", body()).json()["near"][0]["token"]
    joined = neighbour.post("/reports/join", {"token": token}).json()["number"]
    perform(parent, "accept", actor_on(parent, world.worker))
    perform(parent, "start", actor_on(parent, world.worker))
    assert me.get(f"/matters/{parent.number}").json()["plan"] is None
    plan = {"public_plan": "换线要等材料", "review_date": timezone.localdate() + timedelta(days=9), "note": "等材料"}
    perform(parent, "suspend", actor_on(parent, world.duty), **plan)
    for caller, number in ((me, parent.number), (neighbour, joined)):
        told = caller.get(f"/matters/{number}").json()["plan"]
        assert "限期解决" in told and "换线要等材料" in told


def test_a_number_is_offered_only_where_there_is_one_to_see(world):
    open_one = report(world.resident, world.entrance)
    hidden = intake.submit(
        world.neighbour,
        text="三楼的灯也坏了，请来看看。",
        location=locate(place=world.entrance),
        category=Category.objects.get(code="XQ203", scheme="resident"),
        anonymity="N2",
    )
    worker = Caller(world.worker)
    offered = [worker.get(f"/desk/cases/{case.number}").json()["can_contact"] for case in (open_one, hidden)]
    assert offered == [True, False]
    assert worker.post(f"/desk/cases/{hidden.number}/contact", {"why": "约时间"}).status_code == 404


def test_the_thread_with_ones_grid_worker_and_a_report_made_from_it(world):
    me, worker = Caller(world.resident), Caller(world.worker)
    photo = me.upload("blue")
    said = me.post("/thread", {"body": "楼下的灯坏了两天了", "photos": [photo]})
    assert said.status_code == 201 and said.json()["mine"], said.content
    url = said.json()["photos"][0]["url"]
    waiting = worker.get("/desk/threads").json()["items"]
    assert waiting[0]["waiting"] and waiting[0]["name"] == "老斗"
    thread = worker.get(f"/desk/threads/{waiting[0]['id']}").json()
    assert thread["home"] == world.entrance.full_name
    assert worker.get(url).status_code == me.get(url).status_code == 200
    assert error_of(Caller(world.stranger).get(url))[0] == 404
    answer = worker.post(f"/desk/threads/{waiting[0]['id']}", {"body": "马上来看"})
    assert answer.status_code == 201 and answer.json()["mine"]
    talk = me.get("/thread").json()
    assert "马上来看" in [item["body"] for item in talk["items"]] and talk["worker"]["name"] == "角木"
    inbox = me.get("/inbox").json()["items"]
    assert inbox and not inbox[0]["read"]
    assert me.post("/inbox/read", {"up_to": inbox[0]["id"]}).json() == {"unread": 0}

    begun = me.get(f"/thread/{said.json()['id']}/report").json()
    sent = me.post("/reports", body(text=begun["text"], message=begun["message"], photos=[photo]))
    assert sent.status_code == 201, sent.content
    message = ThreadMessage.objects.get(pk=begun["message"])
    assert message.case.number == sent.json()["number"]
    assert CasePhoto.objects.filter(case=message.case, photo__ref=photo).exists()
    assert error_of(me.post("/reports", body(message=begun["message"])))[:3] == (422, "invalid", "message")
    alone = Caller(world.resident)
    Dwelling.objects.filter(account=world.resident).delete()
    left = alone.get("/thread").json()  # what was said is still to be read, by whoever lives nowhere any more too
    assert len(left["items"]) == len(talk["items"]) and not left["can_write"] and left["worker"] is None
    assert error_of(alone.post("/thread", {"body": "还有一件事"}))[:2] == (409, "refused")
    Dwelling.objects.filter(account=world.neighbour).delete()
    assert error_of(Caller(world.neighbour).get("/thread"))[:2] == (409, "refused")


def test_the_public_list_needs_no_token_and_names_nobody(world):
    from tests.support.visitors import made_public

    case = report(world.resident, world.entrance)
    made_public(case)
    guest = Caller()
    item = guest.get("/public").json()["items"][0]
    assert item["place"] == "星影苑" and guest.get(item["thumb"]).status_code == 200
    matter = guest.get(f"/public/{item['token']}").json()
    assert matter["text"] == "换了两只灯" and len(matter["photos"]) == 1
    assert "老斗" not in json.dumps(matter, ensure_ascii=False) and case.number not in json.dumps(matter)
    assert error_of(guest.get(f"/public/{item['token'][:5]}{'A' * 22}")) == (404, "not_found", None)


def test_the_sentences_come_in_the_language_that_was_asked_for(world):
    sent = Caller(world.resident).post("/reports", body()).json()["number"]
    english, chinese = Caller(world.resident, language="en"), Caller(world.resident, language="zh-hans")
    assert english.get(f"/matters/{sent}").json()["word"] == "Submitted"
    assert chinese.get(f"/matters/{sent}").json()["word"] == "已提交"
    assert "please" in english.post("/reports", {}).json()["error"]["message"].lower()
    assert english.put("/me", {"language": "en"}).json()["account"]["language"] == "en"
    assert Caller(world.resident).get(f"/matters/{sent}").json()["word"] == "Submitted"


# Keys


def test_a_retry_gets_the_first_answer_and_nothing_is_done_again(world):
    me = Caller(world.resident)
    first, again = (me.post("/reports", body(), key="a-key-of-mine") for _n in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json()["number"] == again.json()["number"] and Case.objects.count() == 1
    assert Outbox.objects.filter(act="submitted").count() <= 1
    other = me.post("/thread", {"body": "您好"}, key="a-key-of-mine")
    assert error_of(other)[:2] == (409, "refused"), "a key belongs to one act"
    assert not ThreadMessage.objects.exists()
    refused = me.post("/reports", body(text="灯"), key="another-key")
    assert error_of(refused) == (422, "invalid", "text")
    assert me.post("/reports", body(), key="another-key").status_code == 201, "a refused one may be mended"
    assert Submission.objects.count() == 2
    bare = me.client.post(
        BASE + "/thread",
        {"body": "您好"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {me.token}"},
    )
    assert error_of(bare) == (422, "invalid", "Idempotency-Key")


@pytest.mark.django_db(transaction=True)
def test_the_same_key_twice_at_the_same_moment_makes_one_report(world):
    me, answers = Caller(world.resident), []
    ready = threading.Barrier(4)

    def send():
        mine = Caller(token=me.token)
        ready.wait()
        try:
            answers.append(mine.post("/reports", body(), key="one-key-for-all"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert Case.objects.count() == 1


# Refusals


def test_every_refusal_has_one_shape_and_names_its_field(world):
    me, guest = Caller(world.resident), Caller()
    mine = report(world.resident, world.entrance)
    theirs = report(world.stranger, world.other_entrance)
    cases = [
        (me.post("/reports", body(text="灯")), (422, "invalid", "text")),
        (me.post("/reports", {"text": TEXT}), (422, "invalid", "place")),
        (me.post("/reports", body(place={"how": "nowhere"})), (422, "invalid", "place.how")),
        (me.post("/reports", body(place={"how": "address", "address": "火星路1号"})), (422, "invalid", "place")),
        (me.post("/reports", body(category="XX")), (422, "invalid", "category")),
        (me.post("/reports", body(about="worker", kind="求助")), (422, "invalid", "about")),
        (me.post("/reports", body(kind="投诉")), (422, "invalid", "about")),
        (me.post("/reports", body(photos=["f" * 24])), (422, "invalid", "photos")),
        (me.post("/reports", body(anonymity="N9")), (422, "invalid", "anonymity")),
        (me.post(f"/matters/{mine.number}/acts/append", {"said": {"note": ""}}), (422, "invalid", "note")),
        (me.post(f"/matters/{mine.number}/acts/dispute", {"said": {"note": "没办"}}), (409, "changed", None)),
        (me.post(f"/matters/{mine.number}/acts/accept"), (403, "not_allowed", None)),
        (me.post(f"/matters/{mine.number}/acts/nonsense"), (404, "not_found", None)),
        (me.post(f"/matters/{mine.number}/acts/merge", {"said": {"parent": theirs.number}}), (404, "not_found", None)),
        (me.get(f"/matters/{theirs.number}"), (404, "not_found", None)),
        (me.get("/nowhere"), (404, "not_found", None)),
        (me.delete("/matters"), (405, "method", None)),
        (me.get("/desk/list"), (403, "not_allowed", None)),
        (Caller(world.worker).get("/matters"), (403, "not_allowed", None)),
        (guest.get("/matters"), (401, "unauthorised", None)),
        (guest.get("/plates/none-of-ours"), (404, "not_found", None)),
        (guest.post("/session/sms", {"phone": "12"}), (422, "invalid", "phone")),
        (guest.post("/session/staff", {"username": "x", "password": "y"}), (422, "invalid", "password")),
        (me.raw("/photos", {"photo": "no file"}, "multipart/form-data; boundary=x"), (422, "invalid", "photo")),
    ]
    for response, wanted in cases:
        assert error_of(response) == wanted, response.content.decode()


def test_what_could_not_be_stored_the_same_way_everywhere_is_refused_with_a_sentence(world):
    me = Caller(world.resident)
    nested = "[" * 3000 + "]" * 3000
    wrong = {
        '{"text": "a\\u0000b"}': "characters",
        '{"text": "\\ud800"}': "characters",
        '{"text": "' + "字" * 20_001 + '"}': "length",
        '{"place": {"how": "point", "lat": 91}}': "number",
        '{"place": {"how": "point", "lat": "91"}}': "number",
        '{"place": {"how": "point", "lon": 1e999}}': "number",
        '{"about_unit": 9223372036854775808}': "number",
        '{"about_unit": ' + "9" * 5000 + "}": "number",
        '{"about_unit": NaN}': "number",
        '{"said": ' + nested + "}": "form",
        '{"a": [[[[[[[[[[1]]]]]]]]]]}': "form",
        '{"' + "x" * 101 + '": 1}': "form",
        '{"text": ': "form",
        "nonsense": "form",
        b'{"text": "\xff"}': "form",
    }
    for raw, reason in wrong.items():
        answer = me.raw("/reports", raw)
        assert error_of(answer)[:2] == (422, "edge"), (raw[:40], answer.content)
        assert answer.json()["error"]["message"] == SENTENCES[reason], raw[:40]
    assert error_of(me.raw("/reports", '{"text": "' + "字" * 600_000 + '"}'))[:2] == (413, "too_large")
    assert error_of(me.raw("/thread", "a=1", "multipart/form-data; boundary=x"))[0] == 422
    assert error_of(me.get("/matters", before="\x00"))[:2] == (422, "edge")
    assert error_of(me.get("/places/99999999999999999999"))[:2] == (422, "edge")
    assert not Case.objects.exists() and not Entry.objects.filter(action="submit").exists()


def test_words_about_integrity_are_kept_nowhere(world):
    me = Caller(world.resident)
    mine = report(world.resident, world.entrance)
    before = (Case.objects.count(), ThreadMessage.objects.count(), Event.objects.count(), Submission.objects.count())
    tries = [
        ("/reports/preview", body(text=INTEGRITY), "text"),
        ("/reports", body(text=INTEGRITY), "text"),
        ("/reports/join", {"token": "x", "text": INTEGRITY}, "text"),
        ("/thread", {"body": INTEGRITY}, "body"),
        (f"/matters/{mine.number}/acts/append", {"said": {"note": INTEGRITY}}, "note"),
    ]
    for address, said, field in tries:
        answer = me.post(address, said)
        assert error_of(answer) == (422, "integrity", field)
        assert answer.json()["ways"][0]["number"] == "12388"
    after = (Case.objects.count(), ThreadMessage.objects.count(), Event.objects.count(), Submission.objects.count())
    assert before == after
    assert me.post("/thread", {"body": INTEGRITY, "not_integrity": True}).status_code == 201


# Photos


def test_a_photo_is_private_until_it_is_used_and_goes_when_it_is_not(world, django_capture_on_commit_callbacks):
    me, neighbour = Caller(world.resident), Caller(world.neighbour)
    used, unused = me.upload(), me.upload("red")
    assert me.get(f"/photos/{used}/picture").status_code == 200
    for stranger in (neighbour, Caller(world.worker), Caller()):
        assert error_of(stranger.get(f"/photos/{used}/picture"))[0] == 404
    assert error_of(neighbour.post("/reports", body(photos=[used]))) == (422, "invalid", "photos")
    assert me.post("/reports", body(photos=[used])).status_code == 201
    assert error_of(me.post("/reports", body(photos=[used]))) == (422, "invalid", "photos"), "once"
    assert Caller(world.worker).get(f"/photos/{used}/picture").status_code == 200
    tomorrow = timezone.now() + timedelta(days=1, minutes=1)
    file = path(Photo.objects.get(ref=unused))
    assert file.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep_photos(tomorrow) == 1
    assert not file.exists() and Photo.objects.get(ref=unused).owner is None
    Photo.objects.filter(ref=used).update(created_at=timezone.now() - timedelta(days=3))
    assert sweep_photos(tomorrow) == 0 and path(Photo.objects.get(ref=used)).exists()
    old = me.upload("blue")
    Photo.objects.filter(ref=old).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    assert error_of(me.post("/thread", {"body": "您好", "photos": [old]})) == (422, "invalid", "photos")


def test_a_voice_note_is_sent_ahead_heard_by_those_who_may_know_and_written_down_by_a_person(world):
    me, worker = Caller(world.resident), Caller(world.worker)
    note = SimpleUploadedFile("note.mp3", sounds.mp3(3), "audio/mpeg")
    sent = me.client.post(BASE + "/sounds", {"sound": note}, headers=me.headers())
    assert sent.status_code == 201 and sent.json()["seconds"] == 3, sent.content
    ref = sent.json()["id"]
    assert me.get(f"/sounds/{ref}").headers["Content-Type"] == "audio/mpeg"
    assert error_of(worker.get(f"/sounds/{ref}"))[0] == 404
    assert error_of(Caller(world.neighbour).post("/reports", body(sound=ref))) == (422, "invalid", "sound")
    matter = me.post("/reports", body(sound=ref, anonymity="N2")).json()
    assert matter["sound"] == {"id": ref, "url": f"/sounds/{ref}", "seconds": 3, "transcript": None}
    assert error_of(me.post("/reports", body(sound=ref))) == (422, "invalid", "sound"), "once"
    seen = worker.get(f"/desk/cases/{matter['number']}").json()
    assert seen["sound"]["seconds"] == 3 and seen["sound"]["url"] is None, "a voice tells who speaks"
    assert error_of(worker.get(f"/sounds/{ref}"))[0] == 404
    centre = Caller(world.dispatcher)
    assert centre.get(f"/sounds/{ref}").status_code == 200
    written = centre.post(f"/desk/cases/{matter['number']}/acts/transcribe", {"said": {"note": "灯坏了"}})
    assert written.status_code == 200, written.content
    assert me.get(f"/matters/{matter['number']}").json()["sound"]["transcript"]["text"] == "灯坏了"
    broken = SimpleUploadedFile("note.mp3", b"no sound at all", "audio/mpeg")
    refused = me.client.post(BASE + "/sounds", {"sound": broken}, headers=me.headers())
    assert error_of(refused) == (422, "invalid", "sound")


# What a call costs


def queries_of(caller, path, **query):
    with CaptureQueriesContext(connection) as queries:
        assert caller.get(path, **query).status_code == 200
    return len(queries)


def test_a_call_costs_the_same_however_many_rows_there_are(world):
    me, worker = Caller(world.resident), Caller(world.worker)
    addresses = [(me, "/home"), (me, "/matters"), (me, "/inbox"), (me, "/thread"), (me, "/public")]
    addresses += [(worker, "/desk/list"), (worker, "/desk/threads")]
    for caller, address in addresses:
        caller.get(address)

    def add(n):
        for _n in range(n):
            case = report(world.resident, world.entrance)
            Case.objects.filter(pk=case.pk).update(created_at=at(9))
        me.post("/thread", {"body": "您好"})
        do(report(world.neighbour, world.entrance), "accept", world.worker)

    add(1)
    few = [queries_of(*address) for address in addresses]
    add(6)
    many = [queries_of(*address) for address in addresses]
    assert few == many, list(zip(addresses, few, many, strict=True))
    assert many[0] <= 14, "the first page is one request and few queries"


def test_one_matter_costs_the_same_however_much_has_happened_to_it(world):
    case = report(world.resident, world.entrance)
    me, worker = Caller(world.resident), Caller(world.worker)
    addresses = [(me, f"/matters/{case.number}"), (worker, f"/desk/cases/{case.number}")]
    for caller, address in addresses:
        caller.get(address)
    me.post(f"/matters/{case.number}/acts/append", {"said": {"note": "三楼也不亮"}, "photos": [me.upload()]})
    few = [queries_of(*address) for address in addresses]
    for colour in ("red", "blue", "white"):
        said = {"said": {"note": "还是不亮"}, "photos": [me.upload(colour)]}
        assert me.post(f"/matters/{case.number}/acts/append", said).status_code == 200
        assert worker.post(f"/desk/cases/{case.number}/acts/append", {"said": {"note": "去看过"}}).status_code == 200
    assert few == [queries_of(*address) for address in addresses]


@pytest.mark.django_db(transaction=True)
def test_one_photo_sent_into_two_reports_at_the_same_moment_is_used_once(world):
    me = Caller(world.resident)
    photo, answers, ready = me.upload(), [], threading.Barrier(2)

    def send():
        mine = Caller(token=me.token)
        ready.wait()
        try:
            answers.append(mine.post("/reports", body(photos=[photo])))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert CasePhoto.objects.filter(photo__ref=photo).count() == Case.objects.count() == 1


def test_a_long_list_is_read_on_by_its_cursor_without_a_gap_or_a_double(world):
    me = Caller(world.resident)
    for n in range(23):
        row = report(world.neighbour, world.entrance)
        Case.objects.filter(pk=row.pk).update(reporter=world.resident, created_at=at(9) + timedelta(minutes=n // 2))
    seen, before = [], ""
    while True:
        page = me.get("/matters", before=before).json()
        seen += [item["number"] for item in page["items"]]
        before = page["older"]
        if not before:
            break
    assert len(seen) == len(set(seen)) == 23
    assert Report.objects.count() == 23
