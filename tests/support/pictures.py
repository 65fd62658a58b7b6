"""A picture of every page of the demo, in pictures/: `python -m tests.support.pictures [FOLDER] [NAME …]`.

Every scene of scenes.py on a phone, on a desktop and in English; residents' pages also in large type. With names,
only the scenes whose name contains one of them. `--audit` takes no picture: it prints what is wrong with each page
(see `faults_of`) as lines, and nothing when all is well. Needs Chromium; the demo's data are made when there are none.
"""

import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Error

from tests.support import browser as chromium
from weilianxin.config import demo_environment

DESKTOP = {"width": 1280, "height": 800}
NARROW = {"width": 320, "height": 640}
LOOKS = {
    # name: (viewport, cookies)
    "phone": (chromium.PHONE, {}),
    "desktop": (DESKTOP, {}),
    "elder": (chromium.PHONE, {"elder": "1"}),
    "english": (chromium.PHONE, {"lang": "en"}),
}
STAFF_LOOKS = ("phone", "desktop", "english")
FORK, WORKERS = multiprocessing.get_context("fork"), 2  # two browsers: one draws while the other waits
FIRST, LATER = 100 * 1024, 15 * 1024  # bytes on the wire of a first visit, and of a page once styles are there

# Sends the form as it stands, whatever the browser itself would refuse.
PRESS = "button => { if (button.form) button.form.noValidate = true; button.click() }"
TINY = """least => [...document.querySelectorAll('main a.btn, main button, .tabs a, .rail a, select, input.input, label.pick, label.chip')]
  .filter(e => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 && r.height < least })
  .map(e => e.className + ' ' + e.innerText.slice(0, 20) + ' ' + e.getBoundingClientRect().height)"""  # noqa: E501


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port):
    """Start the demo's web server and wait until it answers."""
    command = [sys.executable, "-m", "weilianxin.config.cli", "serve", "--port", str(port), "--no-work"]
    with (Path(os.environ["WEILIANXIN_DATA"]) / "pictures.log").open("ab") as log:
        server = subprocess.Popen(command, env=os.environ, stdout=log, stderr=log)
    for _try in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/robots.txt", timeout=5).close()
            return server
        except OSError:
            time.sleep(0.2)
    server.terminate()
    raise RuntimeError("the server does not answer")


def open_page(browser, scene, d, url, look, size=None):
    """(page, context): the scene in a fresh context; an answer that is not the scene's is among its complaints."""
    viewport, cookies = LOOKS[look]
    context = chromium.watch(
        browser.new_context(
            viewport=size or viewport, locale="zh-CN", timezone_id="Asia/Shanghai", service_workers="block"
        )
    )
    context.set_default_timeout(15_000)
    account = getattr(d, scene.who) if scene.who else None
    if account is not None or scene.session:
        cookies = {**cookies, **session_of(account, scene.session(d) if scene.session else {})}
    context.add_cookies([{"name": key, "value": value, "url": url} for key, value in cookies.items()])
    page = context.new_page()
    page.weights = weigh(context, page)
    address = url + scene.path(d) + scene.query
    if scene.html:
        status, body = scene.html(d)
        page.route(address, lambda route: route.fulfill(status=status, body=body, content_type="text/html"))
    answer = page.goto(address)
    if scene.press:
        try:
            for field, text in scene.type.items():
                page.fill(field, text, timeout=5000)
            with page.expect_navigation() as sent:
                page.locator(scene.press).first.evaluate(PRESS, timeout=5000)
            answer = sent.value
        except Error as problem:
            context.complaints.append(f"cannot press {scene.press}: {problem.message.splitlines()[0]}")
    status = scene.status if not scene.html else answer.status
    if answer.status != status or page.url.startswith("about:") or moved(page, scene, address):
        context.complaints.append(f"answered {answer.status} at {urlsplit(page.url).path}")
    if scene.html:
        context.complaints[:] = [words for words in context.complaints if not words.startswith("5")]
    return page, context


def session_of(account, more):
    """The cookie of a new session in which `account` (None for nobody) is signed in and `more` is kept."""
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore
    from django.test import RequestFactory

    from weilianxin.people.session import sign_in

    request = RequestFactory().get("/")
    request.session = SessionStore()
    if account is not None:
        sign_in(request, account, second_factor=account.is_staff_member)
    request.session.update(more)
    request.session.save()
    return {settings.SESSION_COOKIE_NAME: request.session.session_key}


def moved(page, scene, address):
    """Whether the page one was to see sent the browser elsewhere, such as to the sign-in page."""
    return not scene.press and urlsplit(page.url).path != urlsplit(address).path


def weigh(context, page):
    """Bytes that come over the wire for a page, noted by kind while it loads; photos of reports are content."""
    weights = {"page": 0, "static": 0, "photos": 0}
    kinds, talk = {}, context.new_cdp_session(page)
    talk.send("Network.enable")

    def answered(event):
        path = urlsplit(event["response"]["url"]).path
        kinds[event["requestId"]] = (
            "static" if path.startswith("/static/") else "photos" if event["type"] == "Image" else "page"
        )

    talk.on("Network.responseReceived", answered)
    talk.on(
        "Network.loadingFinished",
        lambda event: weights.__setitem__(
            kinds.get(event["requestId"], "page"),
            weights[kinds.get(event["requestId"], "page")] + event["encodedDataLength"],
        ),
    )
    return weights


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def faults_of(page, context, scene, look):
    """What is wrong with the page: rules of axe, sideways scrolling at 390 and 320, complaints of the browser,
    requests to other hosts, weight."""
    from axe_playwright_python.sync_playwright import Axe

    found = list(context.complaints)
    if look == "phone":
        for rule in Axe().run(page).response["violations"]:
            found.append(f"axe {rule['id']}: {[node['html'][:160] for node in rule['nodes'][:3]]}")
        weights = page.weights
        if weights["page"] > LATER * (1 + bool(scene.press)):
            found.append(f"page of {weights['page']} bytes")
        if weights["page"] + weights["static"] > FIRST:
            found.append(f"first visit of {weights} bytes")
    for size in (chromium.PHONE, NARROW):
        page.set_viewport_size(size)
        if (wide := sideways(page)) > 0:
            found.append(f"{wide} px too wide at {size['width']}")
    try:
        chromium.assert_stayed_home(context)
    except AssertionError as abroad:
        found.append(str(abroad))
    return found


def wanted(names):
    from tests.support.scenes import SCENES

    return [scene for scene in SCENES if not names or any(name in scene.name for name in names)]


def looks_of(scene):
    return STAFF_LOOKS if scene.frame == "staff" else tuple(LOOKS)


def take(scenes, *, d, folder, url, browser):
    """Take every picture; yields what the browser complained of."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        for look in looks_of(scene):
            page, context = open_page(browser, scene, d, url, look)
            # As high as the page, so that what sticks to the window's end covers nothing.
            high = page.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)")
            page.set_viewport_size({"width": page.viewport_size["width"], "height": min(high, 9000)})
            page.screenshot(path=folder / f"{scene.name}-{look}.png", full_page=True)
            yield from (f"{scene.name}-{look}: {words}" for words in context.complaints)
            context.close()


def audit(scenes, *, d, url, browser):
    """Look at every page on a phone, residents' also in large type and English; yields the faults."""
    for scene in scenes:
        for look in looks_of(scene):
            if look != "desktop":
                page, context = open_page(browser, scene, d, url, look)
                yield from (f"{scene.name}-{look}: {words}" for words in faults_of(page, context, scene, look))
                context.close()


def walk(scenes, look):
    """One worker: its own browser through its share of the scenes; exits with 1 when anything was complained of."""
    from playwright.sync_api import sync_playwright

    complaints = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        for line in look(scenes, browser=browser):
            complaints += 1
            print(line, flush=True)
        browser.close()
    sys.exit(1 if complaints else 0)


def of_the_mini_program(d, folder, url, names):
    """Take its pictures; whether anything was complained of."""
    from playwright.sync_api import sync_playwright

    from tests.support import mini_pictures

    complaints = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        for line in mini_pictures.take(d, folder=folder, url=url, browser=browser, names=names):
            complaints += 1
            print(line, flush=True)
        browser.close()
    return bool(complaints)


def main(arguments):
    auditing, names = "--audit" in arguments, [name for name in arguments if not name.startswith("-")]
    folder = Path(names.pop(0) if names else "pictures").absolute()
    demo_environment.prepare()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    import django

    django.setup()
    logging.disable(logging.ERROR)  # pages that refuse and break on purpose would fill the screen
    from django.db import connection

    from tests.support.scenes import stage
    from weilianxin.config.demo import fill

    fill()
    scenes, port = wanted(names), free_port()
    server, url = serve(port), f"http://127.0.0.1:{port}"
    try:
        d = stage()
        connection.close()  # each worker opens its own
        look = partial(audit, d=d, url=url) if auditing else partial(take, d=d, folder=folder, url=url)
        workers = [FORK.Process(target=walk, args=(scenes[n::WORKERS], look), daemon=True) for n in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        complaints = any(worker.exitcode for worker in workers)
        if not auditing:
            complaints |= of_the_mini_program(d, folder, url, names)
    finally:
        server.terminate()
        server.wait(30)
    if not auditing:
        print(f"{sum(len(looks_of(scene)) for scene in scenes)} pictures in {folder}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
