"""Promises of the journal while it is written: one chain per stream, nothing changed afterwards, words erasable."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction

from weilianxin.journal import guard, log
from weilianxin.journal.models import Checkpoint, Entry, LogIndex, Opening, Stream
from weilianxin.journal.verify import verify

AT = datetime(2026, 3, 10, 1, 2, 3, 456789, tzinfo=UTC)


@pytest.mark.django_db
class TestAppending:
    def test_entries_of_a_stream_are_numbered_and_chained(self):
        first = log.append("case-a", "submit", "acc-1", {"to": "new"}, at=AT)
        second = log.append("case-a", "accept", "acc-2", {"to": "active"}, at=AT)
        other = log.append("case-b", "submit", "acc-1", {}, at=AT)
        assert [(e.seq, e.prev_hash) for e in (first, second, other)] == [(1, ""), (2, first.entry_hash), (1, "")]
        head = Stream.objects.get(name="case-a")
        assert (head.seq, head.head) == (2, second.entry_hash)
        assert verify() == []

    def test_the_hash_covers_every_column(self):
        columns = {"stream": "s", "seq": 1, "at": AT, "actor": "a", "action": "x", "payload": "{}", "prev_hash": ""}
        right = log.hash_of(**columns, alg="sha256")
        changed = {"stream": "t", "seq": 2, "at": AT + timedelta(microseconds=1), "actor": "b", "action": "y"}
        for name, value in {**changed, "payload": "[]", "prev_hash": "0"}.items():
            assert log.hash_of(**{**columns, name: value}, alg="sha256") != right, name
        # What belongs to one column cannot be moved into the next.
        assert log.hash_of(**{**columns, "actor": "ax", "action": ""}, alg="sha256") != right

    def test_the_same_facts_have_one_spelling(self):
        here = datetime(2026, 3, 10, 9, 2, 3, 456789, tzinfo=timezone(timedelta(hours=8)))
        one = log.canonical({"b": [1, True, None], "a": "灯", "at": AT, "day": date(2026, 3, 10)})
        two = log.canonical({"day": date(2026, 3, 10), "at": here, "a": "灯", "b": (1, True, None)})
        assert one == two
        assert one == ('{"a":"灯","at":"2026-03-10T01:02:03.456789+00:00","b":[1,true,null],"day":"2026-03-10"}')

    @pytest.mark.parametrize(
        "payload",
        [{"lat": 30.5}, {"x": float("nan")}, {1: "a"}, {"x": {1, 2}}, {"x": "\ud800"}, {"at": datetime(2026, 1, 1)}],
        ids=["float", "nan", "number as key", "set", "lone surrogate", "naive moment"],
    )
    def test_what_has_no_one_spelling_is_refused_and_nothing_is_written(self, payload):
        with pytest.raises(ValueError):
            log.append("case-a", "submit", "acc-1", payload)
        assert not Entry.objects.exists() and not Stream.objects.exists()

    @pytest.mark.parametrize("wrong", [{"stream": ""}, {"stream": "s" * 65}, {"action": ""}, {"actor": "a" * 65}])
    def test_a_reference_that_would_not_fit_is_refused(self, wrong):
        with pytest.raises(ValueError):
            log.append(**{"stream": "s", "action": "x", "actor": "a", "payload": {}, **wrong})

    def test_a_nul_in_a_payload_is_kept_escaped_on_both_databases(self):
        entry = log.append("case-a", "note", "acc-1", {"x": "a\x00b"})
        entry.refresh_from_db()
        assert json.loads(entry.payload) == {"x": "a\x00b"}

    def test_an_act_that_is_undone_is_not_in_the_journal(self):
        log.append("case-a", "submit", "acc-1", {})
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            log.append("case-a", "accept", "acc-1", {})
            raise ZeroDivisionError
        assert list(Entry.objects.values_list("seq", flat=True)) == [1]
        assert log.append("case-a", "accept", "acc-1", {}).seq == 2
        assert verify() == []

    def test_an_append_costs_the_same_queries_in_a_long_stream(self, django_assert_num_queries):
        for _n in range(30):
            log.append("case-a", "note", "acc-1", {})
        with django_assert_num_queries(3):
            log.append("case-a", "note", "acc-1", {})
        with django_assert_num_queries(4):
            log.append("case-a", "note", "acc-1", {}, secrets={"note": "一", "place": "二"}, person="acc-1")


@pytest.mark.django_db
class TestErasing:
    def test_the_words_of_an_erased_person_are_gone_while_the_chain_verifies(self):
        entry = log.append("case-a", "submit", "acc-1", {"to": "new"}, secrets={"note": "三楼的灯坏了"}, person="acc-1")
        log.append("case-a", "note", "acc-2", {}, secrets={"note": "已经联系"}, person="acc-2")
        assert "三楼" not in entry.payload
        assert log.erase_person("acc-1") == 1
        assert list(Opening.objects.values_list("value", flat=True)) == ["已经联系"]
        assert "三楼" not in "".join(Entry.objects.values_list("payload", flat=True))
        assert verify() == []

    def test_the_same_words_never_have_the_same_hash(self):
        entries = [log.append("s", "note", "a", {}, secrets={"note": "灯坏了"}, person="a") for _n in range(2)]
        commits = {json.loads(entry.payload)["commit"]["note"] for entry in entries}
        assert len(commits) == 2

    def test_an_erasure_is_itself_an_entry_without_the_words(self):
        log.append("case-a", "submit", "acc-1", {}, secrets={"note": "灯坏了", "where": "三楼"}, person="acc-1")
        log.erase_person("acc-1", actor="acc-9", at=AT)
        entry = Entry.objects.get(stream__name=log.ERASURES)
        assert (entry.actor, json.loads(entry.payload)) == ("acc-9", {"openings": 2, "person": "acc-1"})

    def test_nobody_is_never_erased(self):
        log.append("case-a", "note", "acc-1", {}, secrets={"note": "内部意见"})
        with pytest.raises(ValueError):
            log.erase_person("")
        assert Opening.objects.count() == 1

    def test_a_payload_cannot_pretend_to_hold_hashes(self):
        with pytest.raises(ValueError):
            log.append("case-a", "note", "acc-1", {"commit": {}}, secrets={"note": "x"})


@pytest.mark.django_db(transaction=True)
def test_eight_threads_leave_one_unbroken_chain():
    def write(worker):
        try:
            for n in range(50):
                log.append("busy", "note", f"acc-{worker}", {"n": n}, secrets={"note": "字"}, person="acc-1")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    seqs = list(Entry.objects.filter(stream__name="busy").order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, 401))
    assert Stream.objects.get(name="busy").seq == 400
    assert verify() == []


@pytest.mark.django_db(transaction=True)
def test_no_byte_of_an_erased_persons_words_is_left_in_the_database_file():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps old versions of a row until it is vacuumed; see docs/journal.md")

    def bytes_on_disk():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(connection.settings_dict["NAME"]).read_bytes()

    words = "奎娄胃昴毕觜参三楼的灯"
    log.append("case-a", "submit", "acc-1", {}, secrets={"note": words}, person="acc-1")
    assert words.encode() in bytes_on_disk()
    log.erase_person("acc-1")
    assert words.encode() not in bytes_on_disk()


@pytest.fixture
def guarded(db):
    guard.install(connection)  # as the migrations leave it, also when a run was told to skip them
    entry = log.append("case-a", "submit", "acc-1", {}, secrets={"note": "灯坏了"}, person="acc-1")
    LogIndex.objects.create(index=0, entry=entry)
    Checkpoint.objects.create(size=1, root="00", at=AT, signature="00", key_id="00")
    return entry


TAMPERING = [
    "UPDATE journal_entry SET payload = '{}'",
    "DELETE FROM journal_entry",
    "UPDATE journal_logindex SET entry_id = entry_id + 1",
    "DELETE FROM journal_logindex",
    "UPDATE journal_checkpoint SET size = 2",
    "DELETE FROM journal_checkpoint",
    "UPDATE journal_opening SET value = 'x'",
]


@pytest.mark.parametrize("statement", TAMPERING)
def test_the_database_refuses_to_change_what_was_written(guarded, statement):
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_refuses_to_empty_the_journal_at_a_stroke(guarded):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    connection.check_constraints()
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE journal_checkpoint")


def test_the_guard_is_back_after_it_was_lifted(guarded):
    with guard.lifted(connection), connection.cursor() as cursor:
        cursor.execute("UPDATE journal_entry SET actor = actor")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE journal_entry SET actor = actor")


@pytest.mark.django_db(transaction=True)
def test_a_test_database_can_be_emptied_and_stays_guarded():
    guard.install(connection)
    log.append("case-a", "submit", "acc-1", {})
    call_command("flush", interactive=False, verbosity=0, inhibit_post_migrate=True)
    assert not Entry.objects.exists()
    log.append("case-a", "submit", "acc-1", {})
    with pytest.raises(DatabaseError), transaction.atomic():
        Entry.objects.update(actor="x")


@pytest.mark.django_db
def test_a_database_in_use_is_never_emptied(monkeypatch):
    log.append("case-a", "submit", "acc-1", {})
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", "/srv/weilianxin/weilianxin.sqlite3")
        with pytest.raises(CommandError):
            call_command("flush", interactive=False, verbosity=0)
    assert Entry.objects.exists()
