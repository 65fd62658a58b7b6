"""Where a report goes follows from category, compound, urgency and kind alone, by rules one can read."""

import csv
from pathlib import Path

import pytest

from weilianxin.programmes.reports import catalogue
from weilianxin.programmes.reports.models import Category, Kind
from weilianxin.programmes.reports.routing import route

REPORTS = Path(catalogue.DATA) / "demo_reports.csv"
WITHOUT_PROPERTY = {"003", "004", "005"}  # grids of 天枢社区 without a property company; the eighth has a 准物业
NEEDS_READING = {"E1", "E2", "E4", "E5", "E7", "E9"}

TREE = {row["code"]: row for row in catalogue.shipped()}


def category(code, **changes):
    return Category(scheme="resident", kind="matter", **{**TREE[code], **changes})


def rows():
    with REPORTS.open(encoding="utf-8", newline="") as source:
        return [row for row in csv.DictReader(source) if row["no"] not in NEEDS_READING]


def went(way):
    worked = way.channel in ("case", "emergency")
    return way.channel, way.lead if worked else "", ";".join(way.assists)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["no"])
def test_the_labelled_reports_go_where_their_rows_say(row):
    has_property = row["grid"] not in WITHOUT_PROPERTY and row["grid"] != "-"
    way = route(category(row["category_code"]), has_property=has_property, urgency=row["urgency"], kind=row["kind"])
    assert went(way) == (row["channel_out"], row["handler_kind"], row["assists"])
    assert way.reasons and all(way.reasons)


def test_there_are_sixty_eight_rows_that_need_no_reading():
    assert len(rows()) == 68


EVERY = [
    (code, urgency, has_property, kind)
    for code in TREE
    for urgency in ("U0", "U1", "U2", "U3")
    for has_property in (True, False)
    for kind in Kind.values
]


def ways():
    return [(c, u, p, k, route(category(c), has_property=p, urgency=u, kind=k)) for c, u, p, k in EVERY]


def test_nothing_goes_to_a_property_company_where_there_is_none():
    for code, _u, has_property, _k, way in ways():
        if not has_property:
            assert "property_company" not in (way.lead, *way.assists), code


def test_integrity_goes_to_discipline_whatever_else_the_row_says():
    for code, _u, _p, _k, way in ways():
        assert (way.channel == "integrity") == (TREE[code]["channel_out"] == "integrity")
        if way.channel == "integrity":
            assert (way.lead, way.assists) == ("", ())


def test_violence_in_a_dispute_is_for_the_police_and_never_mediated():
    for code, urgency, _p, _k, way in ways():
        if TREE[code]["channel_out"] == "mediation":
            assert way.channel == ("police" if urgency == "U0" else "mediation")
            if urgency == "U0":
                assert way.assists[0] == "emergency_post"


def test_an_emergency_is_led_by_the_emergency_post_with_the_grid_worker_first_on_site():
    for code, urgency, _p, _k, way in ways():
        if urgency == "U0" and TREE[code]["channel_out"] == "case":
            assert (way.channel, way.lead, way.assists[0]) == ("emergency", "emergency_post", "grid_worker")


def test_urgency_below_emergency_changes_no_route():
    for code in TREE:
        for has_property in (True, False):
            got = {
                went(route(category(code), has_property=has_property, urgency=u, kind="求助"))
                for u in ("U1", "U2", "U3")
            }
            assert len(got) == 1


def test_an_idea_is_answered_by_the_community():
    for code, urgency, _p, kind, way in ways():
        if kind == "建议" and urgency != "U0" and TREE[code]["channel_out"] == "case":
            assert (way.channel, way.lead) == ("case", "community_committee")


def test_nobody_is_asked_twice_and_the_lead_does_not_assist_itself():
    for _c, _u, _p, _k, way in ways():
        assert len(set(way.assists)) == len(way.assists) and way.lead not in way.assists


def test_a_category_the_rules_have_never_seen_follows_its_own_row():
    odd = category("XQ101", lead="property_company", lead_without_property="sanitation_contractor",
                   assists="property_company;enforcement_team")  # fmt: skip
    way = route(odd, has_property=False, urgency="U2", kind="求助")
    assert went(way) == ("case", "sanitation_contractor", "enforcement_team")
