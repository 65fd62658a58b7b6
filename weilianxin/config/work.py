"""The work loop: calls what is due, row by row, until it is told to stop. Any number of loops may run.

What it calls, and how often in seconds, is settings.WORK. Each is called with the moment and looks for its own due
rows; one that fails is logged and tried again, and the others go on.
"""

import logging
import os
import signal
import threading
import time

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import close_old_connections, connection
from django.utils import timezone
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)

PAUSE = 1  # seconds between two looks
AFTER_FAILURE = 30  # seconds until something that failed is tried again, if it is not due later anyway


class Job:
    """One line of settings.WORK, with the moment on the monotonic clock when it is due again."""

    def __init__(self, name, seconds):
        self.name, self.seconds, self.due = name, seconds, 0.0

    def run(self, at):
        """Call it once; False when it failed. Nothing it raises gets out, and no half transaction stays behind."""
        close_old_connections()
        begin = time.monotonic()
        try:
            import_string(self.name)(at)
        except Exception:
            log.exception("%s failed", self.name)
            if not connection.in_atomic_block:
                connection.close()  # whatever state it is in, the next one begins with a fresh one
            self.due = begin + max(self.seconds, AFTER_FAILURE)
            return False
        self.due = begin + self.seconds
        return True


def jobs():
    return [Job(name, seconds) for name, seconds in settings.WORK.items()]


def turn(work, at=None, clock=None):
    """Run what is due, once; returns how many of them failed."""
    failed = 0
    for job in work:
        if job.due <= (time.monotonic() if clock is None else clock):
            failed += not job.run(at or timezone.now())
            beat()
    return failed


def heartbeat_path():
    return settings.DATA_DIR / "work.heartbeat"


def beat():
    path = heartbeat_path()
    path.touch()
    os.utime(path)


def heartbeat_age():
    """Seconds since a loop last gave a sign of life; None when none ever did."""
    try:
        return max(0.0, time.time() - heartbeat_path().stat().st_mtime)
    except FileNotFoundError:
        return None


def clear_sessions(at):
    """Drop the sessions that have run out."""
    Session.objects.filter(expire_date__lt=at).delete()


def arguments(parser):
    parser.add_argument("--once", action="store_true", help="look once at everything and end; 1 if something failed")


def run(options):
    """Loop until SIGTERM or SIGINT; what is being done is finished first."""
    work = jobs()
    if options.once:
        return 1 if turn(work) else 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("the work loop begins")
    while not stop.is_set():
        turn(work)
        beat()
        stop.wait(PAUSE)
    connection.close()
    log.info("the work loop ends")
    return 0
