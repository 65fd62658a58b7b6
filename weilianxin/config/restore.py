"""`weilianxin restore SRC`: put a backup into an empty installation, then prove that the journal is whole."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

from weilianxin import __version__
from weilianxin.lib.progress import Progress

from .backup import (
    DUMPS,
    FOLDERS,
    FORMAT,
    BackupFailed,
    digest,
    flush_folder,
    postgresql_rows,
    postgresql_tool,
    program,
    sqlite_rows,
)


def arguments(parser):
    parser.add_argument("source", help=_("备份的文件夹"))


def run(options):
    try:
        manifest = restore(Path(options.source).absolute())
    except BackupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    call_command("migrate", interactive=False, verbosity=0)
    connection.close()
    print(_("恢复好了：%(at)s 的备份。现在核对台账。") % {"at": manifest["made_at"]}, flush=True)
    # Another process, so that it reads the keys that were just restored.
    return subprocess.run([sys.executable, "-m", "weilianxin.config.cli", "verify"]).returncode


def restore(source):
    """Put the backup in `source` in place and return its manifest. Nothing is written before all of it is checked."""
    manifest = read_manifest(source)
    check_fits(manifest)
    check_files(source, manifest)
    check_empty()
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        put_folder(source, manifest, folder)
    dump = source / DUMPS[connection.vendor]
    rows = put_sqlite(dump) if connection.vendor == "sqlite" else put_postgresql(dump)
    if rows != manifest["rows"]:
        differing = sorted(t for t in rows.keys() | manifest["rows"].keys() if rows.get(t) != manifest["rows"].get(t))
        raise BackupFailed(_("恢复后的行数与备份时不同：%(tables)s。") % {"tables": ", ".join(differing)})
    return manifest


def read_manifest(source):
    try:
        manifest = json.loads((source / "manifest.json").read_bytes())
        files, rows = manifest["files"], manifest["rows"]
        manifest["format"], manifest["version"], manifest["database"], manifest["made_at"]
        if not all(is_inside(name) for name in files) or not isinstance(rows, dict):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupFailed(_("%(path)s 不是完整的备份：清单 manifest.json 读不出来。") % {"path": source}) from error
    return manifest


def is_inside(name):
    parts = PurePosixPath(name).parts
    return bool(parts) and ".." not in parts and not name.startswith("/") and "\\" not in name


def check_fits(manifest):
    if manifest["format"] != FORMAT or number(manifest["version"]) > number(__version__):
        raise BackupFailed(
            _("这份备份来自更新的版本 %(theirs)s，请先升级程序（现在是 %(ours)s）。")
            % {"theirs": manifest["version"], "ours": __version__}
        )
    if manifest["database"] != connection.vendor:
        raise BackupFailed(
            _("这份备份是 %(theirs)s 的，现在配置的数据库是 %(ours)s；请用同一种数据库恢复。")
            % {"theirs": manifest["database"], "ours": connection.vendor}
        )


def number(version):
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def check_files(source, manifest):
    """Every file is there, whole and unchanged."""
    if DUMPS[connection.vendor] not in manifest["files"]:
        raise BackupFailed(_("备份里没有数据库，不能恢复。"))
    with Progress(_("校验"), len(manifest["files"])) as step:
        for name, (size, expected) in manifest["files"].items():
            path = source / name
            try:
                with path.open("rb") as file:
                    whole = path.stat().st_size == size and digest(file) == expected
            except OSError:
                whole = False
            if not whole:
                raise BackupFailed(
                    _("备份里的 %(name)s 缺失或已损坏，没有恢复任何东西。请换一份备份。") % {"name": name}
                )
            step()


def check_empty():
    """Refuse to write over anything. Keys that were made just now, for an installation without data, do not count."""
    occupied = connection.introspection.table_names()
    connection.close()
    if occupied:
        raise BackupFailed(_("现在的数据库不是空的。请换一个空的数据目录（WEILIANXIN_DATA）或空的数据库再恢复。"))
    files = settings.DATA_DIR / "files"
    if files.is_dir() and any(files.iterdir()):
        raise BackupFailed(_("数据目录里已经有文件。请换一个空的数据目录（WEILIANXIN_DATA）再恢复。"))


def put_folder(source, manifest, folder):
    target, partial = settings.DATA_DIR / folder, settings.DATA_DIR / f".{folder}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    for name in manifest["files"]:
        path = PurePosixPath(name)
        if path.parts[0] == folder:
            there = partial.joinpath(*path.parts[1:])
            there.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            shutil.copy2(source / name, there)
            with there.open("rb") as file:
                os.fsync(file.fileno())
    shutil.rmtree(target, ignore_errors=True)  # empty, or keys of an installation without data
    partial.rename(target)
    flush_folder(settings.DATA_DIR)


def put_sqlite(dump):
    target = Path(connection.settings_dict["NAME"])
    for suffix in ("", "-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.copyfile(dump, partial)
    with closing(sqlite3.connect(partial)) as copy:
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupFailed(_("备份里的数据库打不开。请换一份备份。"))
        rows = sqlite_rows(copy)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)
    flush_folder(target.parent)
    return rows


def put_postgresql(dump):
    name = str(connection.settings_dict["NAME"])
    restoring = [program("pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    postgresql_tool([*restoring, f"--dbname={name}", str(dump)])
    with connection.cursor() as cursor:
        return postgresql_rows(cursor)
