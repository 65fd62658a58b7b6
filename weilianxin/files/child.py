"""The parent's side of `decode.py`: one child for the photos of one submission, fed one by one, killed when slow."""

import importlib.util
import json
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

WALL = 15.0  # seconds for one photo, the child's start included
MOST = 16 * 1024 * 1024  # no answer is longer; a child that writes more is not ours any more
WAIT = 30.0
# Children of one server process at a time: memory for decoding stays bounded however many people send photos.
_room = threading.BoundedSemaphore(3)


class Busy(Exception):
    """All places for decoding stayed taken for half a minute."""


class Slow(Exception):
    """The child gave no answer in time and was killed."""


class Lost(Exception):
    """The child ended or spoke nonsense."""


class Decoder:
    """A context in which photos are decoded.

    `decode(data)` returns the child's head (a dict with `ok`), the picture and the thumbnail; raises Slow or Lost,
    after which the context is of no further use. Entering raises Busy.
    """

    def __init__(self, wall=WALL):
        self.wall = wall

    def __enter__(self):
        if not _room.acquire(timeout=WAIT):
            raise Busy
        try:
            self.process = subprocess.Popen(
                command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={k: os.environ[k] for k in ("LD_LIBRARY_PATH", "SYSTEMROOT") if k in os.environ},
                bufsize=0,
            )
            for pipe in (self.process.stdin, self.process.stdout):
                os.set_blocking(pipe.fileno(), False)
        except BaseException:
            _room.release()
            raise
        return self

    def __exit__(self, *exc):
        try:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        finally:
            _room.release()

    def decode(self, data):
        deadline = time.monotonic() + self.wall
        reply = self._exchange((struct.pack(">Q", len(data)), data), deadline)
        try:
            (length,) = struct.unpack_from(">I", reply)
            head = json.loads(bytes(reply[4 : 4 + length]))
            split = 4 + length + head["picture"]
            return head, bytes(reply[4 + length : split]), bytes(reply[split:])
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise Lost from error

    def _exchange(self, parts, deadline):
        """Write all parts and read one whole answer, whichever pipe is ready, until the deadline."""
        pending = [memoryview(part) for part in parts]
        reply, whole = bytearray(), None
        stdin, stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            ready.register(stdin, selectors.EVENT_WRITE)
            while whole is None or len(reply) < whole:
                left = deadline - time.monotonic()
                if left <= 0:
                    self.process.kill()
                    raise Slow
                for key, _mask in ready.select(left):
                    if key.fd == stdin:
                        pending = self._write(stdin, pending)
                        if not pending:
                            ready.unregister(stdin)
                        continue
                    chunk = os.read(stdout, 1 << 18)
                    if not chunk:
                        raise Lost
                    reply += chunk
                    whole = expected(reply) if whole is None else whole
                    if len(reply) > MOST or (whole or 0) > MOST:
                        raise Lost
        if len(reply) != whole:
            raise Lost
        return reply

    @staticmethod
    def _write(fd, pending):
        try:
            sent = os.write(fd, pending[0][: 1 << 18])
        except BlockingIOError:
            return pending
        except OSError as error:
            raise Lost from error
        rest = pending[0][sent:]
        return [rest, *pending[1:]] if rest else pending[1:]


def expected(reply):
    """How long the whole answer will be; None while its head is not there yet."""
    if len(reply) < 4:
        return None
    (length,) = struct.unpack_from(">I", reply)
    if length > 4096:
        raise Lost
    if len(reply) < 4 + length:
        return None
    try:
        head = json.loads(bytes(reply[4 : 4 + length]))
        sizes = head["picture"], head["thumb"]
        if not all(isinstance(n, int) and n >= 0 for n in sizes):
            raise Lost
    except (ValueError, KeyError, TypeError) as error:
        raise Lost from error
    return 4 + length + sum(sizes)


def command():
    """How the child is started. By path, so that it works from a checkout and from an installed package alike."""
    pillow = Path(importlib.util.find_spec("PIL").origin).parent.parent
    return [sys.executable, "-I", "-B", str(Path(__file__).with_name("decode.py")), str(pillow)]
