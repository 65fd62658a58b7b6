"""A backup is whole, taken while the service writes, and goes into an empty installation only."""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

WRITER = """
import os, sys, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
import django; django.setup()
from django.conf import settings
from weilianxin.journal import log
stop, n = sys.argv[1], 0
while not os.path.exists(stop):
    n += 1
    log.append("backup-test", "write", "system", {"n": n, "filler": "x" * 400}, secrets={"note": "words"}, person="p")
    folder = settings.MEDIA_ROOT / "ab" / "cd"; folder.mkdir(parents=True, exist_ok=True)
    (folder / f"abcd{n:04d}.jpg").write_bytes(os.urandom(2000))
print(n)
"""

DUMP = """
import os, json
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
import django; django.setup()
from django.apps import apps
rows = {}
for model in apps.get_models(include_auto_created=True):
    rows[model._meta.db_table] = sorted(map(repr, model._base_manager.values_list()))
print(json.dumps(rows))
"""


class Installation:
    """A data folder of its own and, on PostgreSQL, a database of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, "WEILIANXIN_DATA": str(folder), "PYTHONPATH": os.getcwd()}
        url = os.environ.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            import psycopg

            name = f"wlx_{secrets.token_hex(4)}"
            with psycopg.connect(url, autocommit=True) as server:
                server.execute(f"CREATE DATABASE {name}")
            self.environment["DATABASE_URL"] = urlsplit(url)._replace(path=f"/{name}").geturl()

    def run(self, *command, code=0):
        """Run the `weilianxin` command and return what it said on both channels."""
        done = subprocess.run(
            [sys.executable, "-m", "weilianxin.config.cli", *map(str, command)],
            env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def python(self, program, *words):
        return [sys.executable, "-c", program, *map(str, words)]

    def rows(self):
        done = subprocess.run(self.python(DUMP), env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def write(self, tmp_path, meanwhile):
        """Keep writing while `meanwhile()` runs; returns how much was written."""
        stop = tmp_path / f"stop-{secrets.token_hex(4)}"
        writer = subprocess.Popen(
            self.python(WRITER, stop), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 30
            while len(list(self.folder.glob("files/ab/cd/*"))) < 20 and time.monotonic() < deadline:
                time.sleep(0.05)
            meanwhile()
        finally:
            stop.touch()
            out, err = writer.communicate(timeout=60)
        assert writer.returncode == 0, err
        return int(out)


@pytest.fixture
def make(tmp_path):
    return lambda name: Installation(tmp_path / name)


@pytest.fixture
def living(make):
    installation = make("living")
    installation.run("migrate")
    return installation


def test_a_backup_taken_while_others_write_is_restored_whole(living, make, tmp_path):
    written = living.write(tmp_path, lambda: living.run("backup", tmp_path / "saved"))
    manifest = json.loads((tmp_path / "saved" / "manifest.json").read_text())
    kept = manifest["rows"]["journal_entry"]
    assert 0 < kept < written, "the writer went on during and after the backup"

    fresh = make("fresh")
    said = fresh.run("restore", tmp_path / "saved")
    assert "恢复好了" in said
    entries = fresh.rows()["journal_entry"]
    assert len(entries) == kept
    fresh.run("verify")
    # Files are copied after the database, so at least every file of that moment is there, byte for byte.
    files = {p.name: p.read_bytes() for p in (fresh.folder / "files").rglob("*.jpg")}
    assert len(files) >= kept - 1
    assert all(content == (living.folder / "files/ab/cd" / name).read_bytes() for name, content in files.items())


def test_what_is_restored_is_what_was_saved_in_every_table_and_every_key(living, make, tmp_path):
    living.write(tmp_path, lambda: None)
    living.run("backup", tmp_path / "saved")
    fresh = make("fresh")
    fresh.run("restore", tmp_path / "saved")
    before, after = living.rows(), fresh.rows()
    assert {t for t in before if before[t] != after[t]} == set()
    keys = {p.name: p.read_text() for p in (living.folder / "keys").iterdir()}
    assert keys and keys == {p.name: p.read_text() for p in (fresh.folder / "keys").iterdir()}


@pytest.mark.parametrize("which", ["database", "keys", "files", "missing"])
def test_a_damaged_backup_is_refused_and_nothing_is_written(living, make, tmp_path, which):
    living.write(tmp_path, lambda: None)
    living.run("backup", tmp_path / "saved")
    victim = next(
        p for p in sorted((tmp_path / "saved").rglob("*")) if p.is_file() and (which in str(p) or which == "missing")
    )
    if which == "missing":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    fresh = make("fresh")
    said = fresh.run("restore", tmp_path / "saved", code=1)
    assert "已损坏" in said and "没有恢复任何东西" in said
    assert not list((fresh.folder / "files").rglob("*"))
    fresh.run("migrate")  # the database is still empty and usable


def test_an_installation_with_data_is_never_written_over(living, tmp_path):
    living.run("backup", tmp_path / "saved")
    before = living.rows()
    said = living.run("restore", tmp_path / "saved", code=1)
    assert "不是空的" in said
    assert living.rows() == before


def test_a_backup_never_replaces_another_and_leaves_no_half_one(living, tmp_path):
    living.run("backup", tmp_path / "saved")
    assert "已经有了" in living.run("backup", tmp_path / "saved", code=1)
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_a_folder_that_is_no_backup_is_refused_with_a_sentence(make, tmp_path):
    (tmp_path / "other").mkdir()
    assert "不是完整的备份" in make("fresh").run("restore", tmp_path / "other", code=1)


def test_a_manifest_cannot_name_files_outside_the_backup():
    from weilianxin.config.restore import is_inside

    assert is_inside("files/ab/cd/x.jpg")
    assert not any(is_inside(name) for name in ("../x", "/etc/x", "files/../../x", "", "files\\..\\x"))


def test_only_the_owner_can_read_a_backup(living, tmp_path):
    living.run("backup", tmp_path / "saved")
    assert Path(tmp_path / "saved").stat().st_mode & 0o077 == 0
