"""Triggers that refuse, in the database itself, to change or remove what the journal holds.

They stop slips and programs, not somebody who owns the database: that is what checkpoints are for. A migration that
rebuilds one of these tables on SQLite loses its triggers and must call `install` again.
"""

from contextlib import contextmanager

WORDS = "the journal is only added to"
# An opening is deleted when a person is erased; it is never changed.
REFUSED = {
    "journal_entry": ("UPDATE", "DELETE"),
    "journal_logindex": ("UPDATE", "DELETE"),
    "journal_checkpoint": ("UPDATE", "DELETE"),
    "journal_opening": ("UPDATE",),
}


def install(connection):
    """Put the triggers in place; those that are there are replaced."""
    remove(connection)
    with connection.cursor() as cursor:
        for statement in _postgresql() if connection.vendor == "postgresql" else _sqlite():
            cursor.execute(statement)


def remove(connection):
    tail = " ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for table, acts in REFUSED.items():
            for act in (*acts, "TRUNCATE"):
                cursor.execute(f"DROP TRIGGER IF EXISTS {_name(table, act)}{tail.format(table=table)}")


@contextmanager
def lifted(connection):
    """Without the triggers inside the block: for tests that tamper, and for emptying a test database."""
    _settle(connection)
    remove(connection)
    try:
        yield
    finally:
        _settle(connection)
        install(connection)


def _settle(connection):
    """PostgreSQL changes no table while checks of this transaction are still put off on it."""
    if connection.vendor == "postgresql" and connection.in_atomic_block and not connection.needs_rollback:
        connection.check_constraints()


def _name(table, act):
    return f"{table}_no_{act.lower()}"


def _sqlite():
    for table, acts in REFUSED.items():
        for act in acts:
            yield (
                f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            )


def _postgresql():
    yield (
        "CREATE OR REPLACE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table, acts in REFUSED.items():
        for act in (*acts, "TRUNCATE"):
            each = "STATEMENT" if act == "TRUNCATE" else "ROW"
            yield (
                f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION journal_refuse()"
            )
