"""The description of the API, and made-up calls against it; `make fuzz` makes ten thousand on each database."""

import json
from pathlib import Path

import pytest
from django.core import signals
from django.db import close_old_connections

from tests.support import fuzz
from tests.support.api import Caller
from tests.support.visitors import make_things
from weilianxin.lib.problem import CODES

pytestmark = pytest.mark.django_db


@pytest.fixture
def things(db, settings, tmp_path):
    settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path
    both = (signals.request_started, signals.request_finished)
    for signal in both:  # the server would close the connection that holds the test's transaction
        signal.disconnect(close_old_connections)
    yield make_things()
    for signal in both:
        signal.connect(close_old_connections)


def test_the_description_names_every_refusal_and_who_may_call(db):
    described = Caller().get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    told = [(path, method, call) for path, calls in described["paths"].items() for method, call in calls.items()]
    assert len(told) > 35
    for path, method, call in told:
        assert {"401", "422"} <= set(call["responses"]), (path, method)
        assert call["description"], (path, method)
        if "requestBody" in call:
            assert {"413", "429"} <= set(call["responses"]), (path, method)
        keyed = [p for p in call["parameters"] if p["name"] == "Idempotency-Key"]
        assert all(p["required"] for p in keyed)
        for status, answer in call["responses"].items():
            if status[0] == "4" and status != "416":
                assert "Problem" in json.dumps(answer["content"]), (path, method, status)


def test_made_up_calls_never_break_it_and_get_only_answers_that_are_declared(things):
    found = fuzz.Fuzz(fuzz.known_things(), *fuzz.callers()).run(400, seed=20)
    assert found.calls >= 400
    assert not found.failures, fuzz.told(found)
    assert {status for _label, status in found.answers} >= {200, 201, 401, 403, 404, 422}
    assert {status for _label, status in found.answers} <= {
        200,
        201,
        204,
        206,
        304,
        401,
        403,
        404,
        405,
        409,
        413,
        422,
        429,
    }


def test_every_code_of_a_refusal_is_told_to_those_who_write_programs():
    page = (Path(__file__).resolve().parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    assert [code for code in CODES if f"`{code}`" not in page] == []
