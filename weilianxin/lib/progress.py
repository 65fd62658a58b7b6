"""A line on stderr that says how far a long command has come."""

import sys
import time


class Progress:
    """`with Progress("照片", total) as step: step()`; on a screen one line that counts, in a log two lines a minute."""

    def __init__(self, label, total=None):
        self.label, self.total, self.done = label, total, 0
        self.screen = sys.stderr.isatty()
        self.pace = 0.2 if self.screen else 30
        self.shown_at = time.monotonic()

    def __call__(self, count=1):
        self.done += count
        if time.monotonic() - self.shown_at >= self.pace:
            self.show()

    def to(self, done, total):
        """Say how far it is, where somebody else counts."""
        self.total = total
        self(done - self.done)

    def show(self, end=""):
        self.shown_at = time.monotonic()
        of = f" / {self.total}" if self.total is not None else ""
        start, end = ("\r", end) if self.screen else ("", "\n")
        print(f"{start}{self.label} {self.done}{of}", end=end, file=sys.stderr, flush=True)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.show(end="\n")
