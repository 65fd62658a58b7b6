"""Every page of the house is pictured, and every pictured page is sound on a phone."""

import os
import subprocess
import sys

import pytest
from django.test import RequestFactory
from django.urls import get_resolver

from tests.support.scenes import FILES, SCENES


def views(resolver=None, space=""):
    """(name with its namespace, pattern) of every URL."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if hasattr(pattern, "url_patterns"):
            below = ":".join(filter(None, (space, pattern.namespace)))
            yield from views(pattern, below)
        else:
            yield (f"{space}:{pattern.name}" if space else pattern.name), pattern


def takes_only_forms(pattern):
    """Whether the view answers a GET with 405, before it looks at anything else."""
    wanted = {name: "x" for name in pattern.pattern.converters} | {
        name: "x" for name in getattr(getattr(pattern.pattern, "regex", None), "groupindex", {})
    }
    try:
        return pattern.callback(RequestFactory().get("/"), **wanted).status_code == 405
    except Exception:  # the view began its work, so it does answer a GET
        return False


def test_every_page_has_a_picture():
    pictured = {scene.view for scene in SCENES} - {""}
    names = dict(views())
    assert pictured <= set(names)
    missing = [
        name
        for name, pattern in names.items()
        if name not in pictured and name not in FILES and not name.startswith("api:") and not takes_only_forms(pattern)
    ]
    assert missing == [], "no scene shows these pages"


def test_what_is_called_a_file_is_no_page_and_is_there():
    assert set(dict(views())) >= FILES
    assert not FILES & {scene.view for scene in SCENES}


def test_pictures_have_names_of_their_own():
    names = [scene.name for scene in SCENES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.browser
@pytest.mark.looks
def test_every_page_is_sound_on_a_phone(tmp_path):
    """axe finds nothing, nothing scrolls sideways at 390 and 320, no complaint in the console, no request to another
    host, at most 100 KB at a first visit and 15 KB for a page once the styles are there."""
    command = [sys.executable, "-m", "tests.support.pictures", "--audit"]
    environment = {**os.environ, "WEILIANXIN_DATA": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
