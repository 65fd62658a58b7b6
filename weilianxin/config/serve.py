"""`weilianxin serve`: the web server and the work loop as two children that live and end together."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext as _

from . import check

log = logging.getLogger(__name__)

PATIENCE = 20  # seconds a child gets to finish what it is doing
FIRST_WAIT, LONGEST_WAIT = 1, 60  # seconds before a loop that died is started again


def arguments(parser):
    parser.add_argument("--host", default="127.0.0.1", help=_("在哪个地址上听，默认只听本机"))
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=8, help=_("每个进程同时办几个请求"))
    parser.add_argument("--processes", type=int, default=2, help=_("几个进程；用 SQLite 时总是一个"))
    parser.add_argument("--no-work", action="store_true", help=_("不带后台循环，另外用 weilianxin work 跑"))
    parser.add_argument("--anyway", action="store_true", help=_("上线检查没通过也开"))


def run(options):
    """Serve until SIGTERM or SIGINT. 1 when the installation is not ready, else the code of the web server."""
    if not settings.DEMO:
        found = check.problems()
        check.show(found)
        if any(problem.grave for problem in found) and not options.anyway:
            print(_("没有上线。补好以后再开；一定要现在开，请加 --anyway。"), file=sys.stderr)
            return 1
    call_command("collectstatic", interactive=False, verbosity=0)
    connection.close()  # the children open their own
    children = {"web": web_command(options)}
    if not options.no_work:
        children["work"] = [sys.executable, "-m", "weilianxin.config.cli", "work"]
    return supervise(children)


def web_command(options):
    # SQLite has one writer; a second process would only wait for the first.
    processes = 1 if connection.vendor == "sqlite" else max(1, options.processes)
    return [
        sys.executable,
        *("-m", "granian", "--interface", "wsgi", "--host", options.host, "--port", str(options.port)),
        *("--workers", str(processes), "--blocking-threads", str(max(1, options.threads))),
        *("--backlog", "1024", "--no-ws", "--respawn-failed-workers", "--log-level", "error"),
        "weilianxin.config.wsgi:application",
    ]


def supervise(commands):
    """Keep the children alive until told to stop. The web server's end is the end; a dead loop is started again."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    children, waits, due = {}, {}, {}
    code = 0
    try:
        for name, command in commands.items():
            children[name] = start(command)
        while not stop.wait(0.3):
            code = children["web"].poll()
            if code is not None:
                log.error("the web server has ended with %s", code)
                code = code or 1
                break
            restart_dead(commands, children, waits, due)
        else:
            code = 0
    finally:
        end(children)
    return code


def start(command):
    # Their own group: Ctrl-C reaches only us, and we end them in order.
    child = subprocess.Popen(command, env=os.environ.copy(), start_new_session=True, preexec_fn=end_with_parent)
    child.started = time.monotonic()
    return child


def end_with_parent():
    """Linux: a supervisor that is killed leaves no child behind that holds the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def restart_dead(commands, children, waits, due):
    """Start again what has died: at once after a good while, later each time when it keeps dying."""
    now = time.monotonic()
    for name, child in children.items():
        if name == "web" or child.poll() is None:
            continue
        if name not in due:
            quick = now - child.started < LONGEST_WAIT
            waits[name] = min(waits[name] * 2, LONGEST_WAIT) if quick and name in waits else FIRST_WAIT
            due[name] = now + waits[name]
            log.error("%s has ended with %s, starting it again in %s s", name, child.returncode, waits[name])
        elif now >= due[name]:
            del due[name]
            children[name] = start(commands[name])


def end(children):
    """Ask the children to end, the web server first; who does not within PATIENCE is killed."""
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + PATIENCE
    for child in children.values():
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
