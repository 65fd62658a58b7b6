"""`weilianxin backup DEST`: database, files and keys in one folder, while the service goes on writing.

DEST is a new folder. It is written beside its place under a temporary name, flushed to the disk and then renamed, so
a folder of that name is always a whole backup. Its manifest.json lists every file with size and SHA-256, the rows of
every table and the versions. It holds the keys of the installation: whoever has it can read everything.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin import __version__
from weilianxin.lib.progress import Progress

FORMAT = 1
PAGES = 1000  # of SQLite, copied between two pauses
DUMPS = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
FOLDERS = ("files", "keys")  # of the data folder


class BackupFailed(Exception):
    """Why there is no backup, or why one is not restored, in a sentence."""


def arguments(parser):
    parser.add_argument("destination", help=_("新备份的文件夹，不能已经存在"))


def run(options):
    try:
        manifest = backup(Path(options.destination))
    except BackupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    rows, files = sum(manifest["rows"].values()), len(manifest["files"])
    print(_("备份好了：%(rows)s 行，%(files)s 个文件。") % {"rows": rows, "files": files})
    return 0


def backup(destination):
    """Write a backup to `destination` and return its manifest; BackupFailed when it cannot be done."""
    destination = destination.absolute()
    partial = destination.with_name(f".{destination.name}.partial")
    if destination.exists():
        raise BackupFailed(_("%(path)s 已经有了，请换一个新的名字。") % {"path": destination})
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True, mode=0o700)
        at = timezone.now()
        # The database first: a row then never points to bytes that were written after the files were copied.
        rows = dump_database(partial)
        for folder in FOLDERS:
            copy_folder(settings.DATA_DIR / folder, partial / folder)
        manifest = {
            "format": FORMAT,
            "version": __version__,
            "made_at": at.isoformat(),
            "database": connection.vendor,
            "migrations": migrations(),
            "rows": rows,
            "files": describe(partial),
        }
        write_flushed(partial / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        flush_folder(partial)
        partial.rename(destination)
        flush_folder(destination.parent)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise BackupFailed(_("写不了备份：%(reason)s") % {"reason": error.strerror or error}) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return manifest


def migrations():
    """The last migration of every app, as {app: name}."""
    from django.db.migrations.recorder import MigrationRecorder

    applied = MigrationRecorder(connection).applied_migrations()
    return {app: max(name for label, name in applied if label == app) for app in sorted({a for a, _name in applied})}


def dump_database(folder):
    """Copy the database as it is at one moment; returns {table: rows} of that moment."""
    if connection.vendor == "sqlite":
        return dump_sqlite(folder / DUMPS["sqlite"])
    return dump_postgresql(folder / DUMPS["postgresql"])


def dump_sqlite(target):
    source = f"file:{connection.settings_dict['NAME']}?mode=ro"
    with closing(sqlite3.connect(source, uri=True, timeout=30, isolation_level=None)) as living:
        # One read transaction holds the moment; without it every write of others would start the copy again.
        living.execute("BEGIN")
        living.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target)) as copy, Progress(_("数据库（页）")) as step:
            living.backup(copy, pages=PAGES, sleep=0.005, progress=lambda _s, left, total: step.to(total - left, total))
            copy.execute("PRAGMA journal_mode=DELETE")
            if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise BackupFailed(_("数据库本身已经损坏，请不要覆盖以前的备份，并联系维护的人。"))
            return sqlite_rows(copy)


def sqlite_rows(copy):
    tables = copy.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables.fetchall()}


def dump_postgresql(target):
    import psycopg

    with psycopg.connect(**connection.get_connection_params() | {"context": None}) as living:
        living.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        snapshot = living.execute("SELECT pg_export_snapshot()").fetchone()[0]
        rows = postgresql_rows(living)
        command = [program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        postgresql_tool([*command, f"--file={target}"])
    return rows


def postgresql_rows(living):
    tables = living.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1").fetchall()
    return {name: living.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables}


def program(name):
    """The path of a PostgreSQL tool, the newest that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3]))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise BackupFailed(_("找不到 %(name)s，请安装 PostgreSQL 的客户端。") % {"name": name})
    return path


def postgresql_tool(command):
    """Run a tool against the configured database; the password goes by the environment, never by the command line."""
    known = connection.settings_dict
    names = {"PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGHOST": "HOST", "PGPORT": "PORT"}
    environment = os.environ | {key: str(known[name]) for key, name in names.items() if known[name]}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise BackupFailed(_("%(name)s 没有成功：%(reason)s") % {"name": Path(command[0]).name, "reason": done.stderr})


def copy_folder(source, target):
    """Copy what is there; a file that is erased meanwhile stays away, half-written files (.name) too."""
    target.mkdir(mode=0o700)
    if not source.is_dir():
        return
    with Progress(source.name) as step:
        for path in sorted(source.rglob("*")):
            if not path.is_file() or path.name.startswith("."):
                continue
            there = target / path.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(path, there)
            except FileNotFoundError:
                there.unlink(missing_ok=True)
            step()


def describe(folder):
    """{relative path: [size, SHA-256]} of every file below `folder`, each flushed to the disk."""
    found = {}
    with Progress(_("校验")) as step:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = [path.stat().st_size, digest(file)]
                os.fsync(file.fileno())
            step()
    return found


def digest(file):
    return hashlib.file_digest(file, "sha256").hexdigest()


def write_flushed(path, data):
    with path.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def flush_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
