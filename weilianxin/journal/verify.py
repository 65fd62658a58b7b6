"""Checking the journal from the first entry to the last: what was changed, removed, moved or cut off.

Reads every row once, in order, a bounded number at a time, and changes nothing.
"""

import hmac
import json
import sys
from itertools import chain
from pathlib import Path

from django.utils.translation import gettext as _

from .checkpoint import BATCH, is_signed, order_size, public_keys, published
from .log import commitment, hash_of
from .models import Checkpoint, Entry, LogIndex, Opening, Stream
from .receipts import check_receipt
from .tree import Tree

MOST = 200  # problems told; more than that is one more sentence
STEP = 20_000  # rows between two words of progress


def verify(report=None, kept=()):
    """Check everything; returns what is wrong as sentences, an empty list when nothing is.

    `report` is called with a sentence about the progress now and then. `kept` are checkpoints as they were given out
    and kept elsewhere (dicts of `checkpoint.published`): only they show that the end was not cut off together with
    the checkpoints over it.
    """
    problems = []
    for part in (check_chains, check_openings, check_order):
        try:
            for sentence in part(report or (lambda sentence: None), *([kept] if part is check_order else [])):
                if len(problems) == MOST:
                    return [*problems, _("问题太多，其余没有列出。")]
                problems.append(sentence)
        except Exception as error:  # a row so broken that it cannot be read is a finding, not a crash
            problems.append(_("台账有读不出来的内容（%(kind)s），这一部分没有查完。") % {"kind": type(error).__name__})
    return problems


def check_chains(report):
    """Every stream: each entry's hash, its link to the one before it, no gap, and the head row at the end."""
    fields = ("seq", "at", "actor", "action", "payload", "prev_hash", "entry_hash", "alg")
    # One statement, so one snapshot: the head of a stream belongs to the entries that are read.
    rows = Entry.objects.order_by("stream_id", "seq").values_list(
        "stream__name", "stream__seq", "stream__head", *fields
    )
    stream, head, seq, last = None, (0, ""), 0, ""
    for count, (name, head_seq, head_hash, *entry) in enumerate(rows.iterator(chunk_size=BATCH), 1):
        if name != stream:
            yield from check_end(stream, head, seq, last)
            stream, head, seq, last = name, (head_seq, head_hash), 0, ""
        yield from check_entry(stream, entry, seq, last)
        seq, last = entry[0], entry[6]
        if count % STEP == 0:
            report(_("已核对 %(count)s 条记录。") % {"count": count})
    yield from check_end(stream, head, seq, last)
    for name in Stream.objects.filter(seq__gt=0, entries__isnull=True).values_list("name", flat=True).iterator():
        yield _("台账 %(stream)s：全部记录都不见了。") % {"stream": name}


def check_entry(stream, entry, before, last):
    seq, at, actor, action, payload, prev_hash, entry_hash, alg = entry
    where = {"stream": stream, "seq": seq}
    try:
        right = hash_of(stream, seq, at, actor, action, payload, prev_hash, alg)
    except (ValueError, TypeError, AttributeError):
        right = ""
    if not hmac.compare_digest(right, entry_hash):
        yield _("台账 %(stream)s 第 %(seq)s 条：内容被改过。") % where
    if seq != before + 1:
        missing = {"stream": stream, "from": before + 1, "to": seq - 1}
        yield _("台账 %(stream)s：第 %(from)s 条到第 %(to)s 条不见了。") % missing
    if prev_hash != last:
        yield _("台账 %(stream)s 第 %(seq)s 条：和前一条接不上，顺序被动过或者前面被改过。") % where


def check_end(stream, head, seq, last):
    if stream is not None and head != (seq, last):
        where = {"stream": stream, "seq": seq, "head": head[0]}
        yield _("台账 %(stream)s：应当有 %(head)s 条，最后一条却是第 %(seq)s 条，末尾被截断或改过。") % where


def check_openings(report):
    """What lies beside the entries must be what the entries' hashes say; what was erased is simply absent."""
    rows = Opening.objects.order_by("entry_id").values_list(
        "entry__stream__name", "entry__seq", "entry__payload", "field", "salt", "value"
    )
    for count, (stream, seq, payload, field, salt, value) in enumerate(rows.iterator(chunk_size=BATCH), 1):
        try:
            right = json.loads(payload)["commit"][field] == commitment(salt, field, value)
        except (ValueError, KeyError, TypeError, RecursionError):
            right = False
        if not right:
            where = {"stream": stream, "seq": seq, "field": field}
            yield _("台账 %(stream)s 第 %(seq)s 条：“%(field)s”的原文和当时记下的不一致。") % where
        if count % STEP == 0:
            report(_("已核对 %(count)s 段原文。") % {"count": count})


def check_order(report, kept=()):
    """The public order without a gap, and every checkpoint's root and signature over it."""
    keys = public_keys()
    # Checkpoints are read first, so that what they cover is surely among the rows read after them.
    top = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    ours = (published(mark) for mark in Checkpoint.objects.filter(size__lte=top).order_by("size").iterator(BATCH))
    for foreign in [mark for mark in kept if not is_signed(mark, keys)]:
        which = {"size": foreign.get("size", "")}
        yield _("拿来核对的封存点（%(size)s 条）签名不对，不是本系统发出的，没有用它核对。") % which
    kept = sorted((mark for mark in kept if is_signed(mark, keys)), key=lambda mark: mark["size"])
    marks = iter(merged(ours, kept))
    mark, tree = next(marks, None), Tree()
    rows = LogIndex.objects.order_by("index").values_list("index", "entry__entry_hash")
    for index, entry_hash in rows.iterator(chunk_size=BATCH):
        if index != tree.size:
            yield _("公开顺序缺了第 %(from)s 号到第 %(to)s 号。") % {"from": tree.size, "to": index - 1}
            return
        tree.add(bytes.fromhex(entry_hash))
        while mark is not None and mark["size"] <= tree.size:
            yield from check_mark(mark, tree, keys)
            mark = next(marks, None)
        if tree.size % STEP == 0:
            report(_("已核对公开顺序 %(count)s 条。") % {"count": tree.size})
    for beyond in chain([mark] if mark else [], marks):
        sizes = {"size": beyond["size"], "have": tree.size}
        yield _("封存点写明有 %(size)s 条，现在只有 %(have)s 条，末尾被截断。") % sizes


def check_mark(mark, tree, keys):
    which = {"size": mark["size"], "key_id": mark.get("key_id", "")}
    if mark["size"] != tree.size or mark.get("root") != tree.root().hex():
        yield _("前 %(size)s 条与封存点不符：封存以后有记录被改过或换过。") % which
    if not is_signed(mark, keys):
        yield _("%(size)s 条的封存点签名不对，或者没有它的公钥 %(key_id)s。") % which


def merged(ours, kept):
    """Two sequences of checkpoints, each by size, as one by size; `ours` is never held in memory."""
    kept = list(kept)
    for mark in ours:
        while kept and kept[0]["size"] < mark["size"]:
            yield kept.pop(0)
        yield mark
    yield from kept


def run(arguments):
    """The command `verify [FILE ...]`: check everything, and the receipts and checkpoints kept in the files.

    Progress goes to stderr, findings to stdout; returns 1 when something was found, 2 when a file cannot be read.
    """

    def say(sentence):
        print(sentence, file=sys.stderr, flush=True)

    kept, receipts = [], []
    for name in arguments:
        try:
            paper = json.loads(Path(name).read_text("utf-8"))
            is_receipt = bool(dict.get(paper, "entry_hash"))
            (receipts if is_receipt else kept).append(paper)
        except (OSError, RecursionError, TypeError, ValueError):
            say(_("读不懂文件 %(name)s：应当是回执或者封存点。") % {"name": name})
            return 2
    problems = verify(report=say, kept=kept)
    for paper in receipts:
        problems += check_receipt(paper, public_keys())
        if not Entry.objects.filter(entry_hash=paper["entry_hash"]).exists():
            problems.append(_("台账里没有这张回执说的记录。"))
    for sentence in problems:
        print(sentence)
    if problems:
        say(_("发现 %(count)s 个问题。") % {"count": len(problems)})
        return 1
    say(_("台账完整：%(count)s 条已排定公开顺序，没有发现问题。") % {"count": order_size()})
    return 0
