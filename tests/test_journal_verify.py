"""Promises of checkpoints and the verifier: whatever is changed in the journal behind its back is found."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from weilianxin.journal import checkpoint, guard, log, tree, verify
from weilianxin.journal.models import Checkpoint, Entry, LogIndex
from weilianxin.journal.receipts import check_receipt, receipt

AT = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)
LEAVES = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
# The roots of the well-known test leaves of Certificate Transparency, by number of leaves.
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


class TestTree:
    @pytest.mark.parametrize("size", ROOTS)
    def test_roots_are_those_of_rfc_9162(self, size):
        assert tree.root_of(LEAVES[:size]).hex() == ROOTS[size]

    def test_the_path_of_leaf_two_among_three_is_what_one_computes_by_hand(self):
        left = tree.node_hash(tree.leaf_hash(LEAVES[0]), tree.leaf_hash(LEAVES[1]))
        assert tree.path_ranges(2, 3) == [(0, 2)]
        assert tree.verify_path(LEAVES[2], 2, 3, [left], bytes.fromhex(ROOTS[3]))

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
    def test_every_leaf_is_proved_where_it_stands_and_nowhere_else(self, size):
        leaves = [bytes([n]) for n in range(size)]
        root = tree.root_of(leaves)
        for index in range(size):
            path = [tree.root_of(leaves[low:high]) for low, high in tree.path_ranges(index, size)]
            assert tree.verify_path(leaves[index], index, size, path, root)
            assert not tree.verify_path(b"other", index, size, path, root)
            assert not tree.verify_path(leaves[index], index, size, [*path, root], root)
            if size > 1:
                assert not tree.verify_path(leaves[index], (index + 1) % size, size, path, root)
                assert not tree.verify_path(leaves[index], index, size, path[:-1], root)

    def test_a_leaf_outside_the_tree_has_no_path(self):
        with pytest.raises(ValueError):
            tree.path_ranges(3, 3)
        assert not tree.verify_path(b"", 3, 3, [], b"")


@pytest.fixture
def keys(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / "keys"


@pytest.fixture
def journal(db, keys):
    """Three streams under a checkpoint, and two entries written after it."""
    for n in range(4):
        for stream in ("case-a", "case-b", "case-c"):
            log.append(stream, "note", "acc-1", {"n": n}, secrets={"note": f"第{n}句", "place": "三楼"}, person="acc-1")
    mark = checkpoint.seal(AT)
    log.append("case-a", "note", "acc-2", {"n": 4}, at=AT)
    log.append("case-new", "note", "acc-2", {"n": 0}, at=AT)
    return mark


@contextmanager
def tampered(*statements):
    """The database as somebody who owns it left it; everything is as before after the block."""
    with transaction.atomic():
        with guard.lifted(connection), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield
        transaction.set_rollback(True)


def row(stream, seq):
    return f"stream_id = (SELECT id FROM journal_stream WHERE name = '{stream}') AND seq = {seq}"


def opening(stream, seq, field="note"):
    return f"field = '{field}' AND entry_id = (SELECT id FROM journal_entry WHERE {row(stream, seq)})"


CHANGES = {
    "a payload": f"UPDATE journal_entry SET payload = '{{}}' WHERE {row('case-a', 2)}",
    "an actor": f"UPDATE journal_entry SET actor = 'acc-9' WHERE {row('case-a', 1)}",
    "an action": f"UPDATE journal_entry SET action = 'close' WHERE {row('case-a', 5)}",
    "a moment": f"UPDATE journal_entry SET at = '2026-03-09 00:00:00+00:00' WHERE {row('case-b', 4)}",
    "a hash": f"UPDATE journal_entry SET entry_hash = '{'0' * 64}' WHERE {row('case-b', 2)}",
    "an algorithm": f"UPDATE journal_entry SET alg = 'none' WHERE {row('case-b', 2)}",
    "the last of a chain": f"UPDATE journal_entry SET payload = '{{}}' WHERE {row('case-new', 1)}",
    "the name of a stream": "UPDATE journal_stream SET name = 'case-x' WHERE name = 'case-b'",
    "words": f"UPDATE journal_opening SET value = '别的' WHERE {opening('case-c', 3)}",
    "a salt": f"UPDATE journal_opening SET salt = '{'0' * 64}' WHERE {opening('case-c', 3)}",
    "whose words they are": f"UPDATE journal_opening SET field = 'other' WHERE {opening('case-c', 3)}",
    "a salt into nonsense": f"UPDATE journal_opening SET salt = 'zz' WHERE {opening('case-c', 3)}",
    "a root": f"UPDATE journal_checkpoint SET root = '{'0' * 64}'",
    "a signature": f"UPDATE journal_checkpoint SET signature = '{'0' * 128}'",
    "the time of a checkpoint": "UPDATE journal_checkpoint SET at = '2026-03-09 00:00:00+00:00'",
    "the size of a checkpoint": "UPDATE journal_checkpoint SET size = 11",
    "a checkpoint beyond the end": "UPDATE journal_checkpoint SET size = 1000",
    "a gap in the order": "DELETE FROM journal_logindex WHERE index = 3",
    "the end of the order": "DELETE FROM journal_logindex WHERE index > 9",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_found(journal, change):
    assert verify.verify() == []
    with tampered(change.replace(" index ", ' "index" ')):
        assert verify.verify()
    assert verify.verify() == []


def test_rows_that_changed_places_are_found(journal):
    swap = [
        f"UPDATE journal_entry SET seq = {new} WHERE {row('case-a', old)}" for old, new in ((2, 99), (3, 2), (99, 3))
    ]
    with tampered(*swap):
        assert len(verify.verify()) >= 3


def test_places_in_the_order_that_changed_are_found(journal):
    first, second = LogIndex.objects.order_by("index").values_list("entry_id", flat=True)[:2]
    with transaction.atomic():
        with guard.lifted(connection):
            LogIndex.objects.filter(index=0).delete()
            LogIndex.objects.filter(index=1).update(entry_id=first)
            LogIndex.objects.create(index=0, entry_id=second)
        assert any("封存" in problem for problem in verify.verify())
        transaction.set_rollback(True)


def removed(stream, seq):
    """What it takes to remove a row so that every reference in the database stays whole."""
    which = f"(SELECT id FROM journal_entry WHERE {row(stream, seq)})"
    return [
        f"DELETE FROM journal_opening WHERE entry_id = {which}",
        f"DELETE FROM journal_logindex WHERE entry_id = {which}",
        f"DELETE FROM journal_entry WHERE {row(stream, seq)}",
    ]


@pytest.mark.parametrize(
    ("stream", "seq"), [("case-a", 1), ("case-a", 3), ("case-a", 5), ("case-b", 4), ("case-new", 1)]
)
def test_a_removed_row_is_found_wherever_it_stood(journal, stream, seq):
    with tampered(*removed(stream, seq)):
        assert any(stream in problem for problem in verify.verify())


def rewrite(stream):
    """Make the chain of a stream right again from what it now holds, as an owner of the database could."""
    head = log.lock_head(stream)
    last, count = "", 0
    for entry in Entry.objects.filter(stream=head).order_by("seq"):
        made = log.hash_of(stream, entry.seq, entry.at, entry.actor, entry.action, entry.payload, last, entry.alg)
        Entry.objects.filter(pk=entry.pk).update(prev_hash=last, entry_hash=made)
        last, count = made, entry.seq
    head.seq, head.head = count, last
    head.save()


@contextmanager
def rewritten(stream, *statements):
    with transaction.atomic():
        with guard.lifted(connection):
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            rewrite(stream)
        yield
        transaction.set_rollback(True)


def test_a_chain_made_anew_contradicts_the_checkpoint_over_it(journal):
    with rewritten("case-b", f"UPDATE journal_entry SET actor = 'acc-9' WHERE {row('case-b', 2)}"):
        problems = verify.verify()
        assert len(problems) == 1 and "封存" in problems[0]


def test_a_tail_cut_off_with_its_head_contradicts_the_checkpoint_over_it(journal):
    with rewritten("case-c", *removed("case-c", 4)):
        assert verify.verify()


def test_a_cut_that_takes_the_checkpoint_along_is_shown_by_a_checkpoint_kept_outside(journal):
    kept = checkpoint.published(journal)
    with rewritten("case-c", "DELETE FROM journal_checkpoint", *removed("case-c", 4)):
        assert verify.verify() == []  # the limit of what the database alone can show
        assert verify.verify(kept=[kept])
    assert verify.verify(kept=[kept]) == []


def test_a_forged_checkpoint_from_outside_is_called_what_it_is(journal):
    forged = {**checkpoint.published(journal), "size": 3}
    assert len(verify.verify(kept=[forged, {}])) == 2


def test_a_moment_that_cannot_be_read_is_a_finding_and_not_a_crash(journal):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite stores anything in any column")
    with tampered(f"UPDATE journal_entry SET at = 'nonsense' WHERE {row('case-a', 2)}"):
        assert verify.verify()


def test_a_wreck_is_told_in_a_bounded_number_of_sentences(journal):
    for n in range(verify.MOST + 10):
        log.append("long", "note", "a", {"n": n})
    with tampered("UPDATE journal_entry SET payload = '[]'"):
        assert len(verify.verify()) <= verify.MOST + 3


@pytest.mark.django_db
class TestSealing:
    def test_every_entry_gets_one_place_without_gaps(self, keys):
        for n in range(7):
            log.append(f"s{n % 3}", "note", "a", {})
        assert checkpoint.sequence() == 7 and checkpoint.sequence() == 0
        assert list(LogIndex.objects.order_by("index").values_list("index", flat=True)) == list(range(7))

    def test_more_entries_than_a_batch_holds_are_all_placed(self, keys, monkeypatch):
        monkeypatch.setattr(checkpoint, "BATCH", 3)
        for _n in range(10):
            log.append("s", "note", "a", {})
        assert checkpoint.sequence() == 10
        assert verify.verify() == []

    def test_a_checkpoint_is_due_after_an_hour_and_only_when_something_was_written(self, keys):
        assert checkpoint.seal_due(AT) is None
        log.append("s", "note", "a", {})
        assert checkpoint.seal_due(AT).size == 1
        log.append("s", "note", "a", {})
        assert checkpoint.seal_due(AT + timedelta(minutes=59)) is None
        assert checkpoint.seal_due(AT + timedelta(minutes=60)).size == 2
        assert checkpoint.seal_due(AT + timedelta(hours=9)) is None

    def test_an_idle_journal_is_looked_at_with_few_queries(self, keys, django_assert_max_num_queries):
        log.append("s", "note", "a", {})
        checkpoint.seal_due(AT)
        with django_assert_max_num_queries(4):
            checkpoint.seal_due(AT + timedelta(hours=2))

    def test_nothing_is_signed_over_a_history_that_contradicts_what_was_signed(self, journal):
        with rewritten("case-b", f"UPDATE journal_entry SET actor = 'acc-9' WHERE {row('case-b', 2)}"):
            with pytest.raises(checkpoint.Contradiction):
                checkpoint.seal_due(AT + timedelta(hours=2))
            assert Checkpoint.objects.count() == 1

    def test_nothing_is_signed_over_a_history_that_was_cut_short(self, journal):
        with rewritten("case-c", *removed("case-c", 4)):
            with pytest.raises(checkpoint.Contradiction):
                checkpoint.seal_due(AT + timedelta(hours=2))
            assert Checkpoint.objects.count() == 1

    def test_the_key_is_made_once_and_only_its_owner_reads_it(self, keys):
        first = checkpoint.private_key().private_bytes_raw()
        assert checkpoint.private_key().private_bytes_raw() == first
        assert stat.S_IMODE((keys / checkpoint.KEY).stat().st_mode) == 0o600
        assert sorted(path.suffix for path in keys.iterdir()) == ["", ".pub"]

    def test_checkpoints_of_a_replaced_key_still_verify(self, journal, keys):
        (keys / checkpoint.KEY).unlink()
        assert checkpoint.seal(AT + timedelta(hours=1)).key_id != journal.key_id
        assert verify.verify() == []

    def test_a_checkpoint_signed_by_a_foreign_key_is_found(self, journal, keys):
        for path in keys.iterdir():
            path.unlink()
        checkpoint.private_key()
        assert verify.verify()


@pytest.mark.django_db(transaction=True)
def test_several_loops_at_once_leave_one_order_and_one_checkpoint(keys):
    for n in range(40):
        log.append(f"s{n % 5}", "note", "a", {})

    def work(_n):
        try:
            checkpoint.seal_due(AT)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(LogIndex.objects.order_by("index").values_list("index", flat=True)) == list(range(40))
    assert list(Checkpoint.objects.values_list("size", flat=True)) == [40]
    assert verify.verify() == []


class TestReceipts:
    def entry(self, stream="case-a", seq=2):
        return Entry.objects.get(stream__name=stream, seq=seq)

    def test_a_receipt_is_checked_without_the_database(self, journal):
        paper = json.loads(json.dumps(receipt(self.entry(), person="acc-1")))
        public = checkpoint.public_keys()
        assert {o["value"] for o in paper["openings"]} == {"第1句", "三楼"}
        assert paper["checkpoint"]["size"] == 12 and check_receipt(paper, public) == []
        # Who keeps the key from the checkpoint they were given needs nothing else.
        assert set(public) == {paper["checkpoint"]["key_id"]}

    @pytest.mark.parametrize("seq", [1, 2, 3, 4])
    def test_every_entry_under_a_checkpoint_can_be_proved(self, journal, seq):
        for stream in ("case-a", "case-b", "case-c"):
            paper = receipt(self.entry(stream, seq))
            assert paper["proof"] and check_receipt(paper, checkpoint.public_keys()) == []

    def test_a_fresh_receipt_holds_the_entry_and_no_proof_yet(self, journal):
        paper = receipt(self.entry(seq=5))
        assert "proof" not in paper and check_receipt(paper, {}) == []

    def test_a_receipt_shows_nobody_elses_words(self, journal):
        assert receipt(self.entry(), person="acc-2")["openings"] == []
        assert "openings" not in receipt(self.entry())

    @pytest.mark.parametrize(
        "change",
        [
            {"payload": "{}"},
            {"actor": "acc-9"},
            {"at": "2026-01-01T00:00:00+00:00"},
            {"at": "yesterday"},
            {"entry_hash": "0" * 64},
            {"index": 0},
            {"index": "x"},
            {"proof": []},
            {"proof": ["zz"]},
            {"checkpoint": {}},
            {"openings": [{"field": "note", "salt": "00", "value": "别的"}]},
            {"openings": 1},
            {"payload": None},
        ],
    )
    def test_a_changed_receipt_is_refused(self, journal, change):
        assert check_receipt({**receipt(self.entry(), person="acc-1"), **change}, checkpoint.public_keys())


class TestCommand:
    def test_a_sound_journal_ends_with_zero_and_says_so(self, journal, capsys):
        assert verify.run([]) == 0
        out = capsys.readouterr()
        assert out.out == "" and "12" in out.err

    def test_findings_go_to_stdout_and_end_with_one(self, journal, capsys):
        with tampered(CHANGES["a payload"]):
            assert verify.run([]) == 1
        assert "case-a" in capsys.readouterr().out

    def test_a_receipt_kept_on_file_is_checked_against_the_journal(self, journal, tmp_path, capsys):
        paper = receipt(Entry.objects.get(stream__name="case-new", seq=1))
        (tmp_path / "receipt.json").write_text(json.dumps(paper))
        (tmp_path / "checkpoint.json").write_text(json.dumps(checkpoint.published(journal)))
        names = [str(tmp_path / "receipt.json"), str(tmp_path / "checkpoint.json")]
        assert verify.run(names) == 0
        with rewritten("case-new", *removed("case-new", 1)):
            assert verify.run(names) == 1

    @pytest.mark.parametrize("content", ["", "[1]", "{", "null", '"entry_hash"'])
    def test_a_file_that_is_neither_is_refused(self, journal, tmp_path, content):
        (tmp_path / "x.json").write_text(content)
        assert verify.run([str(tmp_path / "x.json")]) == 2
        assert verify.run([str(tmp_path / "missing.json")]) == 2

    def test_progress_is_told_on_the_way(self, journal, monkeypatch):
        monkeypatch.setattr(verify, "STEP", 5)
        told = []
        assert verify.verify(report=told.append) == []
        assert len(told) >= 3
