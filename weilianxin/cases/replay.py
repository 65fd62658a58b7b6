"""A case told again by its events alone: where it stands, and what was promised when.

Nothing else is read, so that a changed limit, rule or calendar cannot alter what a running case was promised: the
events say it, and the journal holds the events.
"""

from dataclasses import dataclass, field
from datetime import datetime

from weilianxin.areas.calendar import edition
from weilianxin.lib.clock import Limit, due_at


@dataclass
class Told:
    """What the events say: state, deadline (None without one), and what it was worked out from."""

    state: str = ""
    accept_due: datetime | None = None
    due: datetime | None = None
    accept: str = ""
    limit: str = ""
    extra: str = ""
    start: datetime | None = None
    calendar: str = ""
    pauses: list = field(default_factory=list)

    def deadline(self):
        """The deadline worked out anew: limit, extension and pauses over the calendar of the promise."""
        ends = self._end(self.limit, self.start)
        return self._end(self.extra, ends) if ends and self.extra else ends

    def accept_deadline(self):
        """By when somebody had to take it on, worked out anew."""
        return self._end(self.accept, self.start)

    def _end(self, limit, start):
        if not limit or start is None:
            return None
        return due_at(start, Limit.parse(limit), edition(self.calendar), self.pauses)


def replay(events, phases):
    """Tell the case again from its `events` in order; `phases` are those of its flow's states."""
    told = Told()
    for event in events:
        waited, waits = phases.get(told.state) == "waiting", phases.get(event.to_state) == "waiting"
        if waits and not waited:
            told.pauses.append((event.at, None))
        elif waited and not waits:
            told.pauses[-1] = (told.pauses[-1][0], event.at)
        told.state = event.to_state
        promise = event.data.get("promise")
        if promise is not None:
            told.accept, told.limit, told.extra = promise.get("accept", ""), promise["limit"], promise["extra"]
            told.calendar = promise.get("calendar", "")
            told.start, told.due = _moment(promise["from"]), _moment(promise["due"])
            told.accept_due = _moment(promise.get("accept_due"))
    return told


def _moment(text):
    return datetime.fromisoformat(text) if text else None
