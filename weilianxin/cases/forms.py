"""What a form for an act asks: plain descriptions that any page can draw.

A programme's `forms.py` gives `fields_for(case, move, actor, at)`, `clean(case, move, actor, post)` and
`photo_stage(move, actor)`; the engine and the pages find it by that name.
"""

from dataclasses import dataclass
from importlib import import_module

from weilianxin.lib.programme import programme


@dataclass
class Field:
    """One question. `kind`: text, long, choice, radios, checks, photos, date or rating.

    `choices` are (value, label) pairs, or (group, pairs) for a grouped choice; `most` is the greatest length.
    """

    name: str
    kind: str
    label: str
    required: bool = False
    choices: tuple = ()
    help: str = ""
    value: object = ""
    most: int | None = None
    error: str = ""
    wanted: bool = False  # asked for all the same; whether it may stay empty is decided when the form is read

    @property
    def chosen(self):
        """The values that are ticked, as text, whatever `value` is."""
        values = self.value if isinstance(self.value, (list, tuple, set)) else [self.value]
        return {str(v) for v in values if v not in (None, "")}


def forms_of(case):
    """The module of forms of the case's programme."""
    return import_module(f"{programme(case.programme).name}.forms")
