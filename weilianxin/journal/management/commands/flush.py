"""Django's `flush` for databases with a journal: empties a test database, and refuses to empty any other."""

from pathlib import Path

from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connections

from weilianxin.journal import guard


class Command(flush.Command):
    def handle(self, **options):
        connection = connections[options["database"]]
        # The name Django gives a test database begins with "test" on PostgreSQL, and in our settings on SQLite.
        if not Path(str(connection.settings_dict["NAME"])).name.startswith("test"):
            raise CommandError("This database holds a journal, which is only added to; it is never emptied.")
        with guard.lifted(connection):
            super().handle(**options)
