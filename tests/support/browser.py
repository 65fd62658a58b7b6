"""A real Chromium for tests: found on the machine, never downloaded, never allowed to reach another host."""

import os
import shutil
from urllib.parse import urlsplit

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
NAMES = ("chromium", "chromium-browser", "google-chrome")
HOME = {"127.0.0.1", "localhost", "::1"}


def executable():
    """The path of Chromium: the one WEILIANXIN_CHROMIUM names, else the one that is installed; LookupError says
    what to install."""
    named = os.environ.get("WEILIANXIN_CHROMIUM")
    if named:
        if os.access(named, os.X_OK):
            return named
        raise LookupError(f"WEILIANXIN_CHROMIUM names {named}, which cannot be run.")
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise LookupError("No Chromium here: install the package chromium, or name one in WEILIANXIN_CHROMIUM.")


def watch(context):
    """Note every request and every complaint of the pages of a context, in `context.asked` and `context.complaints`."""
    context.asked, context.complaints = [], []
    context.on("request", lambda request: context.asked.append(request.url))
    context.on("response", lambda answer: context.complaints.append(_words(answer)) if answer.status >= 500 else None)
    context.on("weberror", lambda error: context.complaints.append(str(error.error)))
    context.on("console", lambda line: context.complaints.append(line.text) if _is_complaint(line) else None)
    return context


def _words(answer):
    return f"{answer.status} {urlsplit(answer.url).path}"


def _is_complaint(line):
    # A page that answers 404 or 422 on purpose makes the browser say so; that is not a fault of the page.
    return line.type == "error" and not line.text.startswith("Failed to load resource")


def assert_stayed_home(context):
    """No page of the context has asked anything of another host."""
    abroad = [url for url in context.asked if urlsplit(url).scheme in ("http", "https", "ws", "wss") and not _home(url)]
    assert not abroad, f"asked of another host: {abroad}"


def _home(url):
    return urlsplit(url).hostname in HOME


def sign_in(context, account, url):
    """Sign `account` in for all pages of the context, without walking through the sign-in page."""
    from django.conf import settings

    from .world import client_for

    client = client_for(account)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
    return context
