"""What may follow what, as a table one can read aloud.

A `Flow` belongs to a programme. A `Move` changes the state, an `Act` is recorded and leaves it. Guards raise
`errors.Refused`; effects change the case through `Doing.set` and write rows that belong to the act.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

# Actors that are not posts.
REPORTER, HANDLER, SYSTEM = "reporter", "handler", "system"


@dataclass(frozen=True)
class Move:
    """One way on. `target` None means that the state stays (an act)."""

    name: str
    label: str  # the verb on the button
    sources: tuple[str, ...]
    target: str | None
    roles: tuple[str, ...]
    when: tuple[Callable, ...] = ()  # must hold before the button is offered, and again when it is pressed
    guards: tuple[Callable, ...] = ()  # must hold of what the form says
    effect: Callable | None = None
    fields: tuple[str, ...] = ()  # what the form asks for, in order
    internal: bool = False  # the reporter does not read it
    fresh: bool = False  # refused when the case has changed since the form was shown
    weight: int = 5  # 1 = the primary button; above 5 under "more"


def Act(name, label, sources, roles, **options):  # noqa: N802 (reads as a row of the table)
    return Move(name, label, sources, None, roles, **options)


@dataclass(frozen=True)
class Flow:
    initial: str
    phases: dict[str, str]
    moves: tuple[Move, ...]
    words: dict[str, str] = field(default_factory=dict)  # state -> what staff read
    offline: frozenset[str] = frozenset()  # acts that may wait on a phone until there is a network
    keeps: dict[str, tuple] = field(default_factory=dict)  # move -> the requests that outlive it

    def __post_init__(self):
        known = set(self.phases)
        for move in self.moves:
            unknown = {*move.sources, move.target or self.initial} - known
            if unknown:
                raise ValueError(f"{move.name} names unknown states {sorted(unknown)}")
        if unknown := self.offline - {m.name for m in self.moves}:
            raise ValueError(f"acts that may wait are unknown: {sorted(unknown)}")
        if len({m.name for m in self.moves}) != len(self.moves):
            raise ValueError("a move's name stands twice")

    def move(self, name):
        """The row called `name`; KeyError if there is none."""
        for move in self.moves:
            if move.name == name:
                return move
        raise KeyError(name)

    def from_state(self, state):
        return [m for m in self.moves if state in m.sources]


@dataclass
class Doing:
    """One act while it is done: what guards and effects may look at and change."""

    case: object
    move: Move
    actor: object
    at: object
    data: dict
    facts: dict  # the programme's own record
    changes: dict = field(default_factory=dict)
    note: str = ""
    public: dict = field(default_factory=dict)  # kept in the event and for ever in the journal: no personal values
    private: dict = field(default_factory=dict)  # kept in the event; what people typed enters the journal salted
    photos: list = field(default_factory=list)  # stored photos and their stage, attached to the event
    target: str | None = None
    links: list = field(default_factory=list)  # (task, path) of links made by this act, to hand over once
    role: str = ""  # in what capacity the actor does it

    def set(self, **values):
        self.changes.update(values)
        for name, value in values.items():
            setattr(self.case, name, value)
