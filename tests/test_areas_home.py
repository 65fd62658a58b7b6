"""A neighbouring subdistrict that is entered by name is never taken for the one that is served."""

from argparse import Namespace

import pytest

from weilianxin.areas.home import own_subdistrict
from weilianxin.areas.models import Area
from weilianxin.config import commands
from weilianxin.people.models import Account

pytestmark = pytest.mark.django_db


@pytest.fixture
def neighbour(world):
    """A subdistrict without grids whose code is lower than that of our own."""
    above = {"parent": world.district, "district": world.district}
    area = Area.objects.create(level="subdistrict", code="330102097", name_zh="摇光街道", **above)
    Area.objects.filter(pk=area.pk).update(subdistrict=area)
    return area


def test_the_subdistrict_with_grids_is_our_own(world, neighbour):
    assert own_subdistrict() == world.subdistrict


def test_the_settings_have_the_last_word(world, neighbour, settings):
    settings.SUBDISTRICT_CODE = neighbour.code
    assert own_subdistrict() == neighbour


def test_without_areas_there_is_none(db):
    assert own_subdistrict() is None


@pytest.mark.parametrize("code, told", [("", 1), ("330102098", 0)])
def test_an_administrator_belongs_to_the_subdistrict_of_the_settings(
    world, neighbour, settings, monkeypatch, code, told
):
    settings.SUBDISTRICT_CODE = code
    monkeypatch.setattr(commands, "ask_password", lambda: "Zhongxing-2026!")
    assert commands.admin(Namespace(username="chief", name="张月", subdistrict=None)) == told
    made = Account.objects.filter(username="chief").first()
    assert (made.posts.get().area == world.subdistrict) if code else made is None
