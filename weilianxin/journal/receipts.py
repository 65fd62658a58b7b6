"""What a resident keeps of an act: enough to show, without this system, that it was written down and when."""

import json
from datetime import datetime

from django.utils.translation import gettext as _

from .checkpoint import inclusion_proof, is_signed, published, verify_proof
from .log import commitment, hash_of, moment_text
from .models import Checkpoint, LogIndex


def receipt(entry, person=""):
    """The receipt of an entry, JSON-ready; `person` also gets the salts and values of their own words in it.

    Right after the act it holds the entry; once a checkpoint covers the entry (within the hour), also that checkpoint
    and the proof that the entry is under it. Making the proof reads every entry the checkpoint covers.
    """
    paper = {
        "stream": entry.stream.name,
        "seq": entry.seq,
        "at": moment_text(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "payload": entry.payload,
        "prev_hash": entry.prev_hash,
        "alg": entry.alg,
        "entry_hash": entry.entry_hash,
    }
    if person:
        paper["openings"] = list(entry.openings.filter(person=person).order_by("pk").values("field", "salt", "value"))
    index = LogIndex.objects.filter(entry=entry).values_list("index", flat=True).first()
    mark = None if index is None else Checkpoint.objects.filter(size__gt=index).order_by("size").first()
    if mark is not None:
        paper |= {"index": index, "checkpoint": published(mark), "proof": inclusion_proof(index, mark.size)}
    return paper


def check_receipt(paper, keys):
    """What is wrong with a receipt, as sentences; needs no database, only the public keys {key_id: key}."""
    problems = []
    try:
        columns = [paper[name] for name in ("stream", "seq", "actor", "action", "payload", "prev_hash", "alg")]
        stream, seq, actor, action, payload, prev_hash, alg = columns
        at = datetime.fromisoformat(paper["at"])
        if hash_of(stream, seq, at, actor, action, payload, prev_hash, alg) != paper["entry_hash"]:
            problems.append(_("回执的内容和它的编码不一致。"))
        hashes = json.loads(payload).get("commit", {})
        for opening in paper.get("openings", ()):
            if commitment(opening["salt"], opening["field"], opening["value"]) != hashes.get(opening["field"]):
                problems.append(_("回执里的原文和当时记下的不一致。"))
        if "checkpoint" in paper:
            mark = paper["checkpoint"]
            if not is_signed(mark, keys):
                problems.append(_("回执里封存点的签名不对。"))
            if not verify_proof(paper["entry_hash"], paper["index"], mark["size"], paper["proof"], mark["root"]):
                problems.append(_("回执不能证明这条记录在封存点之内。"))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        problems.append(_("回执残缺，读不懂。"))
    return problems
