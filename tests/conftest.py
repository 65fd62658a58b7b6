"""What every test may ask for: the small world, clients that are signed in, a server and a browser."""

import functools
import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.support import browser as chromium


def pytest_configure(config):
    from django.conf import settings

    # Tests read the sources of styles and scripts; the hashed copies are made by `weilianxin serve`.
    storages = {**settings.STORAGES}
    storages["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = storages
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


# The longest come first, so that no worker is left alone with one of them at the end.
LONGEST = ("test_pictures.py", "test_reports_walk.py", "test_journeys.py", "test_desk_browser.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def pytest_runtest_setup():
    """A test that asks twice what day it is hears the same: none begins in the last minute of a day."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    if (now.hour, now.minute) == (23, 59):
        time.sleep(61 - now.second)


@pytest.fixture(autouse=True)
def fresh_caches():
    """Nothing that one test had cached in this process is seen by the next one."""
    yield
    for name, module in list(sys.modules.items()):
        if name.startswith("weilianxin."):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()
    from weilianxin.notify import texts

    texts.forget()


@pytest.fixture
def world(db):
    """The small world of tests/support/world.py."""
    from tests.support.world import make_world

    return make_world()


@pytest.fixture
def signed_in():
    """`signed_in(account)` is a django.test.Client in whose session the account is signed in."""
    from tests.support.world import client_for

    return client_for


@pytest.fixture
def live_url(live_server):
    """The address of a server that runs in this process, on a database other threads see."""
    return live_server.url


@pytest.fixture(scope="session")
def chromium_browser():
    """One Chromium for the run. A machine without one fails here: a page nobody has seen is not tested."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browser_context(chromium_browser):
    """A fresh phone-sized context. At the end it must have asked nothing of another host."""
    context = chromium_browser.new_context(
        viewport=chromium.PHONE, locale="zh-CN", timezone_id="Asia/Shanghai", service_workers="block"
    )
    chromium.watch(context)
    context.set_default_timeout(15_000)
    yield context
    context.close()
    chromium.assert_stayed_home(context)
