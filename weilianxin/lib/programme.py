"""The plug: a programme is a Django app whose config says the few things an engine must ask it.

Everything else of a programme is found by name (templates `<label>/panel.html`, `urls.py`, `forms.py`).
"""

from dataclasses import dataclass
from datetime import date

from django.apps import AppConfig, apps


@dataclass
class Stop:
    """Something to be done at a place by a day. What is shown of it may be read over one's shoulder."""

    ref: str
    kind: str  # a word of its programme: visit, check
    title: str
    where: str
    url: str
    due: date
    tries: int = 0
    lat: float | None = None  # WGS-84
    lon: float | None = None


class Programme(AppConfig):
    """A programme of the subdistrict. At most eight members; a ninth needs a decision record."""

    default = False  # or Django would choose this base class itself
    flow = None  # a cases.flow.Flow, where the programme is shaped like a case

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.default = True

    def situation(self, case):
        """The programme's own facts that guards ask for, as a plain mapping; read once per act."""
        return {}

    def heading(self, event):
        """What staff read as the verb of an event where its move does not say it well enough; "" otherwise."""
        return ""

    def checks_due(self, moments):
        """By when a call-back or a check that waits since each of these moments should be done; None for no limit."""
        return [None for _moment in moments]

    def waiting(self, account, page):
        """Rows that wait for this account on the programme's own `page` of the desk; None where nothing is counted."""
        return None

    def stops(self, account, grids, until, most):
        """At most `most` `Stop`s that this account may do at places of `grids` by the end of the day `until`, the
        earliest first: the day of a grid worker, and what the grid leader sees late."""
        return []

    def on_event(self, case, event, doing=None):
        """Called inside the transaction that wrote `event`; `doing` is the act while it is done."""

    def on_alarm(self, case, at):
        """Called by the loop, in a transaction with the case locked, when `case.alarm_at` has come.

        Must move `alarm_at` on (usually by performing a system act).
        """


def programmes():
    """All programmes switched on in this installation."""
    return [config for config in apps.get_app_configs() if isinstance(config, Programme)]


def programme(label):
    """The programme with this app label; LookupError if there is none."""
    config = apps.get_app_config(label)
    if not isinstance(config, Programme):
        raise LookupError(label)
    return config
