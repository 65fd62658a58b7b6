"""What is kept in memory, and how it learns that the data has changed.

Saving or deleting a row stamps its kind of data by itself; whoever writes in bulk (`bulk_create`,
`update`) calls `stamp()` in the same transaction.
"""

import secrets

from django.db.models.signals import post_delete, post_save

from weilianxin.areas.models import Area, CalendarDay, Generation, Place, WorkWindow

CALENDAR, AREAS = "calendar", "areas"
KINDS = {CalendarDay: CALENDAR, WorkWindow: CALENDAR, Area: AREAS, Place: AREAS}


def stamp(name):
    """Say that data of the kind `name` has changed. Counts from the commit on, here and in every other process."""
    # Random, not a counter: a number that was rolled back would come again with other data behind it.
    Generation.objects.update_or_create(name=name, defaults={"stamp": secrets.token_hex(8)})


class Kept:
    """The value of `load()`, loaded again when the data of the kind `name` or `also()` has changed.

    `get()` costs one look-up by primary key; callers that walk a list take the value once.
    """

    def __init__(self, name, load, also=lambda: None):
        self.name, self.load, self.also = name, load, also
        self.held = (None, None)  # key and value in one, so that threads never see half

    def get(self):
        # The stamp is read before the data: should both change in between, the next look finds an old stamp.
        found = Generation.objects.filter(name=self.name).values_list("stamp", flat=True).first()
        if found is None:
            return self.load()
        wanted = (found, self.also())
        key, value = self.held
        if key != wanted:
            value = self.load()
            self.held = (wanted, value)
        return value


def watch():
    """Stamp on every save and delete; called once when the app is ready."""
    for model in KINDS:
        post_save.connect(_changed, sender=model, dispatch_uid=f"generation-{model.__name__}-saved")
        post_delete.connect(_changed, sender=model, dispatch_uid=f"generation-{model.__name__}-gone")


def _changed(sender, raw=False, **_more):
    if not raw:
        stamp(KINDS[sender])
