"""The access token, in a file of the data folder that all processes of a machine read under one lock.

So there is one refresh for each expiry, however many processes and threads find it at the same moment. The file can
only be read by the service's own user; it is not part of a backup, because the token is worth nothing two hours later.
See docs/decisions/0015-wechat-token-file.md.
"""

import fcntl
import json
import os
import time
from contextlib import contextmanager

from django.conf import settings

from ..errors import Retry

EARLY = 240  # seconds before its end; from five minutes before it the platform has the next one ready
REST = 3  # seconds in which those who waited for the lock do not each try a platform that has just not answered
NAME = "wechat-token.json"


def current(fetch):
    """A token that is good as far as we know; `fetch(force)` gets another as (token, seconds)."""
    kept = read()
    if kept and time.time() < kept["renew_at"]:
        return kept["token"]
    with locked():
        kept = read()
        if kept and time.time() < kept["renew_at"]:
            return kept["token"]
        return renew(fetch, kept)


def refused(word, fetch):
    """The platform did not take `word`: another one. Only the first of those who were refused asks for it."""
    with locked():
        kept = read()
        if kept and kept.get("token") and kept["token"] != word:
            return kept["token"]
        return renew(fetch, kept, word)


def renew(fetch, kept, bad=None):
    """Fetch a token and keep it. A platform that goes on giving out the one it refused is made to give another."""
    if kept and time.time() - kept.get("failed_at", 0) < REST:
        raise Retry("wechat-token")
    try:
        word, seconds = fetch(False)
        if word == bad:
            word, seconds = fetch(True)
    except Retry:
        write({"token": "", "renew_at": 0, "failed_at": time.time()})
        raise
    write({"token": word, "renew_at": time.time() + max(seconds - EARLY, seconds / 2)})
    return word


def path():
    return settings.DATA_DIR / NAME


def read():
    """What is kept for this mini-program at this platform; None for anything else."""
    try:
        kept = json.loads(path().read_text(encoding="utf-8"))
        mine = kept["of"] == [settings.WECHAT_APPID, settings.WECHAT_BASE]
        return kept if mine and isinstance(kept["token"], str) and kept["renew_at"] >= 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(kept):
    """Replace the file at once, so that nobody reads half of it."""
    fresh = path().with_suffix(f".{os.getpid()}")
    handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(kept | {"of": [settings.WECHAT_APPID, settings.WECHAT_BASE]}, out)
    os.replace(fresh, path())


@contextmanager
def locked():
    """One process, and in it one thread, at a time."""
    handle = os.open(path().with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
