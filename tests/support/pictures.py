"""A picture of every main page of the demo, in pictures/: `python -m tests.support.pictures [FOLDER]`.

Residents' pages on a phone: as they are, in large type, in English, and on a desktop. Staff pages on a phone and on a
desktop. Needs the demo's data (made when there are none) and Chromium.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.support import browser as chromium
from weilianxin.config import demo_environment

LOOKS = {
    # name: (viewport, cookies)
    "phone": (chromium.PHONE, {}),
    "elder": (chromium.PHONE, {"elder": "1"}),
    "english": (chromium.PHONE, {"lang": "en"}),
    "desktop": (chromium.DESKTOP, {}),
}
STAFF_LOOKS = ("phone", "desktop", "english")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port):
    """Start the demo's web server and wait until it answers."""
    command = [sys.executable, "-m", "weilianxin.config.cli", "serve", "--port", str(port), "--no-work"]
    server = subprocess.Popen(command, env=os.environ)
    for _try in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/robots.txt", timeout=5).close()
            return server
        except OSError:
            time.sleep(0.2)
    server.terminate()
    raise RuntimeError("the server does not answer")


def scenes():
    """(name, account or None, path, looks) of every picture."""
    from django.urls import reverse
    from django.utils import timezone

    from weilianxin.cases.models import Case
    from weilianxin.people.models import Post, Role

    everybody = tuple(LOOKS)
    for name in ("portal:home", "portal:signin", "portal:privacy", "portal:emergency", "reports:new", "reports:public"):
        yield f"visitor-{name.partition(':')[2]}", None, reverse(name), everybody
    yield "visitor-not-found", None, "/nothing-here", everybody
    yield "staff-signin", None, reverse("desk:signin"), STAFF_LOOKS
    last = Case.objects.filter(reporter__is_active=True).select_related("reporter").order_by("-id")
    active, closed = last.filter(phase="active").first(), last.filter(phase="done").first()
    resident = (active or closed).reporter if active or closed else None
    if resident is not None:
        pages = ("portal:home", "portal:me", "portal:inbox", "reports:new", "reports:matters", "reports:thread")
        for name in pages:
            yield f"resident-{name.partition(':')[2]}", resident, reverse(name), everybody
    for name, case in (("matter-active", active), ("matter-closed", closed)):
        if case is not None:
            yield f"resident-{name}", case.reporter, reverse("reports:matter", args=[case.number]), everybody
    at = timezone.now()
    lists = {
        Role.GRID_WORKER: ("desk:home", "desk:search"),
        Role.COMMUNITY_SECRETARY: ("desk:home", "desk:verify"),
        Role.CENTRE_DISPATCHER: ("desk:home", "desk:queue"),
        Role.CENTRE_VERIFIER: ("desk:home", "desk:samples"),
        Role.CALLBACK_OFFICER: ("desk:home", "desk:callbacks"),
        Role.DUTY_LEADER: ("desk:home",),
        Role.SYSTEM_ADMIN: ("desk:home", "desk:about"),
    }
    for role, names in lists.items():
        post = Post.objects.at(at).filter(role=role).select_related("account").order_by("id").first()
        if post is None:
            continue
        for name in names:
            yield f"{role}-{name.partition(':')[2]}", post.account, reverse(name), STAFF_LOOKS
        case = Case.objects.visible_to(post.account, at).open().order_by("-id").first()
        if case is not None:
            yield f"{role}-case", post.account, reverse("desk:case", args=[case.number]), STAFF_LOOKS


def take(folder, url):
    """Take every picture; returns how many there are and the complaints the browser had."""
    from playwright.sync_api import sync_playwright

    wanted, count, complaints = list(scenes()), 0, []
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        for name, account, path, looks in wanted:
            for look in looks:
                size, cookies = LOOKS[look]
                context = chromium.watch(
                    browser.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai")
                )
                if account is not None:
                    chromium.sign_in(context, account, url)
                context.add_cookies([{"name": key, "value": value, "url": url} for key, value in cookies.items()])
                page = context.new_page()
                page.goto(f"{url}{path}")
                page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)
                complaints += [f"{name}-{look}: {words}" for words in context.complaints]
                context.close()
                chromium.assert_stayed_home(context)
                count += 1
        browser.close()
    return count, complaints


def main(arguments):
    folder = Path(arguments[0] if arguments else "pictures").absolute()
    demo_environment.prepare()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    import django

    django.setup()
    from weilianxin.config.demo import fill

    fill()
    port = free_port()
    server = serve(port)
    try:
        count, complaints = take(folder, f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(30)
    print(f"{count} pictures in {folder}", *complaints, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
