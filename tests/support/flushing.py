"""Emptying the tables after a test with real commits, although the journal lets nobody delete from it."""

from django.db import connection


def let_tests_flush():
    """Make Django's flush take the refusing triggers away for as long as it empties the tables."""
    ops, plain = connection.ops, connection.ops.execute_sql_flush

    def flush(statements):
        if connection.vendor == "postgresql":
            # A test's own server: the role may do this, and only for this session.
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = replica")
                try:
                    plain(statements)
                finally:
                    cursor.execute("SET session_replication_role = DEFAULT")
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f'DROP TRIGGER "{name}"')
        plain(statements)
        with connection.cursor() as cursor:
            for _name, sql in triggers:
                cursor.execute(sql)

    ops.execute_sql_flush = flush
