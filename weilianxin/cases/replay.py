"""A case told again by its events alone: where it stands, and what was promised when.

Nothing else is read, so that a changed limit, rule or calendar cannot alter what a running case was promised: the
events say it, and the journal holds the events.
"""

from dataclasses import dataclass, field
from datetime import datetime

from weilianxin.lib.clock import Limit, due_at


@dataclass
class Told:
    """What the events say: state, deadline (None without one), and what it was worked out from."""

    state: str = ""
    due: datetime | None = None
    limit: str = ""
    extra: str = ""
    start: datetime | None = None
    pauses: list = field(default_factory=list)

    def deadline(self, calendar):
        """The deadline worked out anew: limit, extension and pauses over the calendar."""
        if not self.limit or self.start is None:
            return None
        ends = due_at(self.start, Limit.parse(self.limit), calendar, self.pauses)
        return due_at(ends, Limit.parse(self.extra), calendar, self.pauses) if ends and self.extra else ends


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
            told.limit, told.extra = promise["limit"], promise["extra"]
            told.start = datetime.fromisoformat(promise["from"]) if promise["from"] else None
            told.due = datetime.fromisoformat(promise["due"]) if promise["due"] else None
    return told
