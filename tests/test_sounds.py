"""Voice notes: what is taken in, what never comes out again, who may hear it, and who writes down what it says."""

import hashlib
import io
import random
import re
import time
from datetime import timedelta

import pytest
from django.urls import reverse

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import allowed, perform
from weilianxin.cases.errors import Refused
from weilianxin.cases.models import Case
from weilianxin.files import sounds, store
from weilianxin.files.errors import BadSound
from weilianxin.files.intake import PreparedSound, receive_sound
from weilianxin.files.models import Sound
from weilianxin.files.serve import sound_response
from weilianxin.journal.models import Entry
from weilianxin.journal.verify import verify
from weilianxin.people import mydata
from weilianxin.people.erasure import erase
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category

from .support import sounds as made
from .support.world import at, client_for

TEXT = "二楼到三楼的声控灯不亮，老人晚上上楼看不见。"
SAID = "灯坏了三天了，我妈妈晚上不敢下楼。"
EVERY = sorted(made.ALL)


def refusal(data):
    with pytest.raises(BadSound) as caught:
        receive_sound(data)
    assert "\u4e00" <= str(caught.value)[0] <= "\u9fff", "the refusal is a sentence for its sender"
    return caught.value.why


# What is taken in


@pytest.mark.parametrize("name", EVERY)
def test_what_recorders_give_is_taken_by_its_content_and_its_length_is_counted_from_its_frames(name):
    data = made.ALL[name](3)
    upload = io.BytesIO(data)
    upload.name, upload.content_type, upload.size = "photo.jpg", "image/jpeg", len(data)
    sound = receive_sound(upload)
    assert (sound.kind, sound.seconds) == (name.removeprefix("live_"), 3)
    assert sound.original_hash == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", EVERY)
def test_nothing_of_who_recorded_with_what_where_and_when_is_kept(name):
    data = made.ALL[name](2)
    kept = receive_sound(data).data
    for mark in (b"LAODOU", b"+30.2400", made.RECORDED[:4]):
        assert mark not in kept
    assert name == "aac" or b"LAODOU" in data, "the sound sent carries what is searched for"
    assert receive_sound(kept).data == kept, "what is kept is a whole sound itself"


@pytest.mark.parametrize("name", EVERY)
def test_a_minute_is_taken_and_more_than_a_minute_is_not(name):
    assert receive_sound(made.ALL[name](60)).seconds == 60
    assert refusal(made.ALL[name](63)) == "long"


def test_a_head_that_claims_less_than_there_is_makes_no_minute_of_two():
    long = made.m4a(120)
    claim = re.search(rb"mdhd.{4}" + re.escape(made.RECORDED), long, re.DOTALL).end() + 4
    assert refusal(long[:claim] + bytes([0, 0, 0, 9]) + long[claim + 4 :]) == "long"


def test_comments_longer_than_a_page_are_left_out_whole():
    kept = receive_sound(made.ogg(2, made.WORDS * 4000)).data
    assert len(kept) < 1000 and b"LAODOU" not in kept and receive_sound(kept).seconds == 2


@pytest.mark.parametrize("name", EVERY)
def test_a_recording_that_was_cut_off_gives_what_there_is_or_a_sentence_and_never_an_accident(name):
    data = made.ALL[name](2)
    for end in range(0, len(data), max(1, len(data) // 150)):
        try:
            assert receive_sound(data[:end]).seconds in (1, 2)
        except BadSound as refused:
            assert refused.why in ("empty", "kind", "broken")


@pytest.mark.parametrize("name", EVERY)
def test_bytes_that_are_not_what_they_should_be_get_a_sentence_and_never_an_accident(name):
    chance, data = random.Random(7), made.ALL[name](2)
    for _turn in range(150):
        wrong = bytearray(data)
        for _byte in range(chance.randint(1, 8)):
            wrong[chance.randrange(min(len(wrong), 900))] = chance.choice(
                (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
            )
        try:
            assert isinstance(receive_sound(bytes(wrong)), PreparedSound)
        except BadSound as refused:
            assert refused.why in ("kind", "broken", "long")


def test_what_is_not_a_sound_gets_the_sentence_that_helps():
    assert refusal(b"") == "empty"
    assert refusal(bytes(2 * 1024 * 1024 + 1)) == "heavy"
    jpeg, page, film = b"\xff\xd8\xff\xe0" + bytes(900), b"<script>alert(1)</script>", made.webm(2, b"V_VP9")
    assert [refusal(d) for d in (jpeg, page, b"%PDF-1.7", film)] == ["kind", "kind", "kind", "broken"]
    vorbis = made.ogg().replace(b"OpusHead", b"\x01vorbis\0")
    assert refusal(vorbis) == "broken", "its checksum is wrong too"
    assert refusal(made.mp3()[:40] + b"<html>" * 2000) == "broken"


@pytest.mark.parametrize("begin", [b"\x1a\x45\xdf\xa3", b"\x00\x00\x00\x08ftyp", b"RIFF0000WAVE", b"OggS", b"ID3"])
def test_two_megabytes_made_to_be_slow_are_answered_at_once(begin):
    for pattern in (b"\xec\x80", b"\x00\x00\x00\x08free", b"\x00", b"\xa0\x80", b"\x00\x00\x00\x08moov"):
        data = (begin + pattern * (1 << 20))[: 2 * 1024 * 1024]
        begun = time.process_time()
        assert refusal(data) in ("broken", "kind")
        assert time.process_time() - begun < 10, "the worst took about one second on the machine it was written on"


# Storing, handing out, sweeping


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def test_a_player_gets_the_whole_or_the_piece_it_asks_for_and_nothing_is_cached(world, media, rf):
    sound = store.store_sound(receive_sound(made.mp3()), world.resident, at(9))
    whole = sound_response(sound, rf.get("/"))
    data = whole.content
    assert (whole.status_code, whole["Content-Type"], len(data)) == (200, "audio/mpeg", sound.size)
    assert whole["Cache-Control"] == "no-store" and whole["X-Content-Type-Options"] == "nosniff"
    for asked, begin, end in (("0-1", 0, 2), ("10-", 10, None), ("-7", -7, None), (f"9-{len(data) + 99}", 9, None)):
        piece = sound_response(sound, rf.get("/", headers={"Range": f"bytes={asked}"}))
        assert (piece.status_code, piece.content) == (206, data[begin:end]), asked
        assert piece["Content-Range"].endswith(f"/{len(data)}")
    assert sound_response(sound, rf.get("/", headers={"Range": "bytes=99999999-"})).status_code == 416
    for nonsense in ("bytes=-", "bytes=x", "lines=0-1", "bytes=0-1,5-6"):
        assert sound_response(sound, rf.get("/", headers={"Range": nonsense})).status_code == 200


def test_what_nobody_used_is_swept_after_a_day_and_what_a_case_has_stays(
    world, media, django_capture_on_commit_callbacks
):
    alone = store.store_sound(receive_sound(made.wav()), world.resident, at(9))
    used = report(world).sound
    assert store.sweep_sounds(at(10)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert store.sweep_sounds(at(10) + timedelta(days=1)) == 1
    alone.refresh_from_db()
    assert alone.erased_at and not alone.owner_id and not alone.original_hash
    assert files_in(media) == [f"{used.ref}.snd"]
    assert store.sweep_orphans(at(10)) == 0, "the sweep of bytes knows the rows of voice notes"


# In a case


def report(world, **more):
    facts = {"text": TEXT, "location": locate(place=world.entrance), "sound": receive_sound(made.mp3()), "at": at(9)}
    category = Category.objects.get(code="XQ201", scheme="resident")
    return intake.submit(world.resident, category=category, **{**facts, **more})


def write(case, account, said=SAID):
    return perform(case, "transcribe", actor_on(case, account), at=at(11), note=said)


def test_a_voice_note_belongs_to_one_case_and_its_hash_to_the_journal(world, media):
    case = report(world)
    first = Entry.objects.filter(stream__name=case.stream).order_by("seq").first()
    assert hashlib.sha256(made.mp3()).hexdigest() in str(first.payload)
    with pytest.raises(BadSound) as caught:
        report(world, sound=case.sound)
    assert caught.value.why == "used" and Case.objects.count() == 1
    assert report(world, sound=store.store_sound(receive_sound(made.ogg()), world.resident, at(9))).sound.kind == "ogg"
    assert verify() == []


@pytest.mark.parametrize(
    ("anonymity", "hear"),
    [("N0", "worker leader secretary dispatcher"), ("N1", "worker dispatcher"), ("N2", "dispatcher")],
)
def test_only_those_hear_a_voice_who_may_know_whose_it_is(world, media, anonymity, hear):
    case = report(world, anonymity=anonymity)
    for name in ("worker", "leader", "secretary", "dispatcher", "stranger_worker", "admin", "auditor"):
        account = getattr(world, name)
        client, may = client_for(account), name in hear.split()
        heard = client.get(reverse("desk:sound", args=[case.number]))
        assert heard.status_code == (200 if may else 404), name
        offered = {move.name for move in allowed(case, actor_on(case, account))}
        assert ("transcribe" in offered) == may, name
        page = client.get(reverse("desk:case", args=[case.number]))
        if page.status_code == 200:
            assert (b"<audio" in page.content) == may, name
        if not may:
            with pytest.raises(Refused):
                write(case, account)


def test_a_person_writes_down_what_was_said_and_the_reporter_reads_it_and_a_better_one_replaces_it(world, media):
    case = report(world)
    resident, desk = client_for(world.resident), client_for(world.worker)
    own = reverse("reports:matter", args=[case.number])
    before = resident.get(own).content.decode()
    assert "您的录音（2 秒）" in before and "<audio" in before and SAID not in before
    url = reverse("desk:act", args=[case.number, "transcribe"])
    assert "没有文字稿" in desk.get(reverse("desk:case", args=[case.number])).content.decode()
    assert desk.post(url, {"note": ""}).status_code == 422
    assert desk.post(url, {"note": "灯坏了"}).status_code == 302
    assert desk.post(url, {"note": SAID}).status_code == 302
    after = resident.get(own).content.decode()
    assert after.count(SAID) == 1 and "文字稿由角木听了写下" in after and ">灯坏了<" not in after
    entries = Entry.objects.filter(stream__name=case.stream, action="transcribe")
    assert entries.count() == 2 and SAID not in str([entry.payload for entry in entries]), "the journal keeps it salted"
    heard = resident.get(reverse("reports:matter_sound", args=[case.number]))
    assert heard.status_code == 200 and heard["Content-Type"] == "audio/mpeg"


def test_who_joined_neither_hears_nor_reads_what_the_first_reporter_said(world, media):
    case = write(report(world), world.worker)
    joined = intake.submit(
        world.neighbour, text=TEXT, location=locate(place=world.entrance), category=case.report.category, at=at(10)
    )
    perform(joined, "merge", actor_on(joined, world.neighbour), at=at(11), parent=case)
    client = client_for(world.neighbour)
    page = client.get(reverse("reports:matter", args=[joined.number])).content.decode()
    assert SAID not in page and "<audio" not in page
    assert client.get(reverse("reports:matter_sound", args=[joined.number])).status_code == 404
    assert client.get(reverse("reports:matter_sound", args=[case.number])).status_code == 404


def test_an_outside_unit_never_meets_a_voice(world, media):
    case = write(report(world), world.worker)
    perform(case, "accept", actor_on(case, world.worker), at=at(12))
    links = []
    perform(case, "dispatch", actor_on(case, world.worker), at=at(12), unit=world.property, links=links)
    task = links[0][0]
    from weilianxin.cases.access import handler_on, may_hear

    assert not may_hear(case, handler_on(task, "翼火"))


def test_erasure_takes_the_voice_and_the_transcript_and_the_export_names_them_before(
    world, media, django_capture_on_commit_callbacks
):
    case = write(report(world), world.worker)
    alone = store.store_sound(receive_sound(made.wav()), world.resident, at(9))
    held = mydata.what_we_hold(world.resident)
    assert {row["sha256"] for row in held["sounds"]} == {case.sound.original_hash, alone.original_hash}
    assert SAID in str(held["matters"]) and held["matters"]["reports"][0]["sound"] == case.sound.original_hash
    with django_capture_on_commit_callbacks(execute=True):
        erase(world.resident, at(12))
    assert files_in(media) == [] and verify() == []
    assert not Sound.objects.filter(erased_at=None).exists()
    case.refresh_from_db()
    assert SAID not in str(list(case.events.values_list("note", flat=True)))
    client = client_for(world.worker)
    assert client.get(reverse("desk:sound", args=[case.number])).status_code == 404
    assert b"<audio" not in client.get(reverse("desk:case", args=[case.number])).content


# An independent reader: what is kept plays


DECODE = """async data => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  return (await new OfflineAudioContext(1, 16000, 16000).decodeAudioData(bytes.buffer)).duration;
}"""


@pytest.mark.browser
def test_what_is_kept_of_every_kind_plays_in_a_browser_as_long_as_it_did(browser_context):
    from base64 import b64encode

    tab = browser_context.new_page()
    for name in EVERY:
        kept = receive_sound(made.ALL[name](2)).data
        assert abs(tab.evaluate(DECODE, b64encode(kept).decode()) - 2) < 0.05, name
        assert abs(sounds.read(kept, sounds.kind(kept))[1] - 2) < 0.05, name
