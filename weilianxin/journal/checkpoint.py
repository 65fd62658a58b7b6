"""Checkpoints: the one public order of all entries, its Merkle root every hour, and the key that signs it.

A checkpoint says: the first `size` entries have this root. Whoever keeps one outside can show that nothing
before it was changed since.
"""

import os
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from .log import lock_head, moment_text
from .models import Checkpoint, Entry, LogIndex
from .tree import Tree, path_ranges, root_of, verify_path

EVERY = timedelta(hours=1)
BATCH = 2000
ORDER = "order"  # the head row that lets one sequencer work at a time; the stream itself stays empty
KEY = "journal-ed25519"


class Contradiction(Exception):
    """The journal no longer has the root that was signed before; nothing more is signed over it."""


def sequence():
    """Give every committed entry its place in the order, without gaps; returns how many were placed.

    Any number of loops may run. Entries are looked for outside the lock, so writers wait for one batch only.
    """
    placed = last = 0
    while True:
        waiting = Entry.objects.filter(pk__gt=last, logindex__isnull=True).order_by("pk")
        ids = list(waiting.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return placed
        with transaction.atomic():
            lock_head(ORDER)
            still = Entry.objects.filter(pk__range=(ids[0], ids[-1]), logindex__isnull=True).order_by("pk")
            start = order_size()
            rows = [LogIndex(index=start + n, entry_id=pk) for n, pk in enumerate(still.values_list("pk", flat=True))]
            LogIndex.objects.bulk_create(rows)
        placed, last = placed + len(rows), ids[-1]


def order_size():
    top = LogIndex.objects.order_by("-index").values_list("index", flat=True).first()
    return 0 if top is None else top + 1


def seal_due(at=None):
    """Sign a checkpoint if the last one is an hour old and something was written since; returns it or None.

    Raises `Contradiction` when the entries under the last checkpoint are no longer those that were signed.
    """
    at = at or timezone.now()
    last = Checkpoint.objects.order_by("-size").first()
    if last is not None and last.at > at - EVERY:
        return None
    # Cheap when idle: an entry that commits out of turn is found as soon as a newer one comes.
    newest = Entry.objects.order_by("-pk").values_list("pk", flat=True).first()
    top = LogIndex.objects.order_by("-index").values_list("entry_id", flat=True).first()
    if newest == top and (last is None or last.size == order_size()):
        return None
    return seal(at)


def seal(at=None):
    """Order what is new and sign a checkpoint over everything now; None when nothing is new."""
    at = at or timezone.now()
    sequence()
    last = Checkpoint.objects.order_by("-size").first()
    tree, size = Tree(), order_size()
    if size == (last.size if last else 0):
        return None
    if last is not None and size < last.size:
        raise Contradiction(f"{last.size} entries were signed at {last.at:%F %T}, and only {size} are left")
    # Read from the first entry each time: what was signed once must still be there before more is signed.
    for data in leaves(0, size):
        tree.add(data)
        if last is not None and tree.size == last.size and tree.root().hex() != last.root:
            raise Contradiction(f"the first {last.size} entries do not have the root signed at {last.at:%F %T}")
    if tree.size != size:
        raise Contradiction("the order of entries has a gap")
    key = private_key()
    mark = Checkpoint(size=size, root=tree.root().hex(), at=at, key_id=key_id(key.public_key()))
    mark.signature = key.sign(statement(mark.size, mark.root, mark.at, mark.key_id)).hex()
    try:
        with transaction.atomic():
            mark.save(force_insert=True)
    except IntegrityError:  # another loop signed the same size
        return None
    return mark


def leaves(low, high):
    """The leaves of places `low` up to `high`: entry hashes as bytes, in order, a bounded number at a time."""
    rows = LogIndex.objects.filter(index__gte=low, index__lt=high).order_by("index")
    for value in rows.values_list("entry__entry_hash", flat=True).iterator(chunk_size=BATCH):
        yield bytes.fromhex(value)


def inclusion_proof(index, size):
    """The hashes (hex) that prove place `index` in the tree of the first `size` entries. Reads all of them."""
    return [root_of(leaves(low, high)).hex() for low, high in path_ranges(index, size)]


def verify_proof(entry_hash, index, size, proof, root):
    """Whether the entry is what stands at `index` under `root`; every hash in hex. Never raises."""
    try:
        path = [bytes.fromhex(part) for part in proof]
        return verify_path(bytes.fromhex(entry_hash), index, size, path, bytes.fromhex(root))
    except (TypeError, ValueError):
        return False


def statement(size, root, at, key):
    """The bytes that are signed."""
    return f"weilianxin checkpoint 1\n{key}\n{size}\n{root}\n{moment_text(at)}\n".encode()


def published(mark):
    """A checkpoint as it is given out: JSON-ready, with the public key it can be checked by."""
    public = public_keys().get(mark.key_id)
    return {
        "size": mark.size,
        "root": mark.root,
        "at": moment_text(mark.at),
        "key_id": mark.key_id,
        "public_key": public.public_bytes_raw().hex() if public else "",
        "signature": mark.signature,
    }


def is_signed(mark, keys):
    """Whether a checkpoint as given out bears the signature of one of `keys` ({key_id: public key})."""
    try:
        key, at = keys[mark["key_id"]], datetime.fromisoformat(mark["at"])
        key.verify(bytes.fromhex(mark["signature"]), statement(mark["size"], mark["root"], at, mark["key_id"]))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True


def key_id(public):
    return sha256(public.public_bytes_raw()).hexdigest()[:16]


def private_key():
    """The signing key of this installation, made once, readable by its owner only.

    Its public half is kept beside it under its id, and stays there when the key is replaced.
    """
    folder = settings.DATA_DIR / "keys"
    path = folder / KEY
    if not path.exists():
        _keep(path, Ed25519PrivateKey.generate().private_bytes_raw().hex())
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    public = folder / f"journal-{key_id(key.public_key())}.pub"
    if not public.exists():
        _keep(public, key.public_key().public_bytes_raw().hex() + "\n")
    return key


def _keep(path, text):
    """Write a new file whole or not at all; when two processes begin at once, the first one's file stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = path.with_name(f".{path.name}.{token_hex(8)}")
    with os.fdopen(os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()


def public_keys():
    """Every public key this installation ever signed with: {key_id: key}."""
    keys = {}
    for path in sorted((settings.DATA_DIR / "keys").glob("journal-*.pub")):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(path.read_text().strip()))
        keys[key_id(key)] = key
    return keys
