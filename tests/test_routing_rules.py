"""The subdistrict's own routing rules: which counts, what they leave alone, and what a change would have done."""

from types import SimpleNamespace

import pytest
from django.urls import reverse

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case
from weilianxin.config.check import of_rules
from weilianxin.journal.models import Entry
from weilianxin.programmes.reports import intake, policy
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.forms import fields_for
from weilianxin.programmes.reports.models import Category, RoutingRule
from weilianxin.programmes.reports.routing import dry_run, way

from .support.world import at, client_for

pytestmark = pytest.mark.django_db


def category(code="XQ201"):
    return Category.objects.get(code=code, scheme="resident")


def spot(world, about_unit=None):
    names = {"compound": world.compound, "grid": world.grid, "community": world.community}
    names |= {"subdistrict": world.subdistrict}
    keys = {f"{name}_id": row.pk for name, row in names.items()}
    return SimpleNamespace(about_unit_id=about_unit.pk if about_unit else None, **names, **keys)


def going(world, code="XQ201", urgency="U2", **more):
    return way(category(code), spot(world, **more), urgency=urgency, kind="求助")


def rule(unit=None, why="约定", **facts):
    return RoutingRule.objects.create(unit=unit, why=why, **facts)


def report(world, code="XQ201", moment=None, **more):
    facts = {"text": "楼道里的东西坏了。", "location": locate(place=world.entrance), **more}
    return intake.submit(world.resident, category=category(code), at=moment or at(9), **facts)


@pytest.fixture
def admin(world):
    return client_for(world.admin)


def form(world, **more):
    given = {"area": "", "compound": "", "what": "XQ201", "urgency": "", "holder": f"unit:{world.municipal.ref}"}
    return given | {"why": "合同约定由市政养护"} | more


def tokens(answer):
    return {"tried": answer.context["token"]}


# Which rule counts


def test_without_rules_the_category_decides(world):
    plain = going(world)
    assert (plain.lead, plain.unit, plain.rule) == ("property_company", None, None)


def test_the_rule_that_looks_most_closely_counts_and_says_why(world):
    units = [world.municipal, world.sanitation, world.contractor, world.committee, world.enforcement, world.property]
    steps = [
        {},
        {"area": world.subdistrict},
        {"area": world.community},
        {"area": world.grid},
        {"compound": world.compound},
        {"compound": world.compound, "column_code": "FAC"},
    ]
    for unit, facts in zip(units, steps, strict=True):
        made = rule(unit, why=f"约定{unit.pk}", **facts)
        found = going(world)
        assert (found.unit, found.rule, found.lead) == (unit.pk, made.pk, unit.kind), facts
        assert found.reasons[-1].endswith(f"约定{unit.pk}")
    nearest = rule(world.elevator, compound=world.compound, category=category())
    assert going(world).rule == nearest.pk
    urgent = rule(world.emergency, compound=world.compound, category=category(), urgency="U1")
    assert going(world).rule == nearest.pk and going(world, urgency="U1").rule == urgent.pk
    newer = rule(world.sanitation, compound=world.compound, category=category())
    assert going(world).rule == newer.pk
    RoutingRule.objects.filter(pk=newer.pk).update(ended_at=at(9))
    assert going(world).rule == nearest.pk


def test_another_place_category_or_urgency_is_not_meant(world):
    rule(world.municipal, area=world.second_grid)
    rule(world.municipal, compound=world.other_compound)
    rule(world.municipal, category=category("XQ202"))
    rule(world.municipal, column_code="ECO")
    rule(world.municipal, urgency="U1")
    assert going(world).rule is None


def test_no_rule_moves_an_emergency_or_what_leaves_the_house(world):
    rule(world.municipal)
    assert going(world, urgency="U0").lead == "emergency_post"
    for row in Category.objects.exclude(channel_out__in=("case", "emergency")):
        assert way(row, spot(world), urgency="U2", kind="求助").rule is None, row.code


def test_who_is_gone_or_complained_about_is_not_sent_it(world):
    rule(world.municipal)
    assert "投诉的就是规则指定的" in going(world, about_unit=world.municipal).reasons[-1]
    assert going(world, about_unit=world.municipal).lead == "property_company"
    world.municipal.is_active = False
    world.municipal.save()
    assert going(world).unit is None and "已经停用" in going(world).reasons[-1]
    assert len(list(of_rules(at(9)))) == 1


def test_the_named_unit_stands_first_on_the_form_and_the_grid_worker_may_send_it_there(world):
    rule(world.municipal, why="合同约定由市政养护")
    case = perform(report(world), "accept", actor_on(report(world), world.worker), at=at(9, 5))
    actor = actor_on(case, world.worker)
    field = next(f for f in fields_for(case, REPORTS.move("dispatch"), actor, at(9, 6)) if f.name == "unit")
    assert field.value == field.choices[0][0] == world.municipal.pk and "合同约定由市政养护" in field.help
    case = perform(case, "dispatch", actor, at=at(9, 10), unit=world.municipal, note="请修")
    assert "合同约定由市政养护" in case.tasks.get().reason


def test_a_changed_rule_alters_no_running_promise_and_no_way_that_was_given(world):
    case = report(world)
    case = perform(case, "accept", actor_on(case, world.worker), at=at(9, 5))
    before = (case.route, case.due_at, case.rule_version)
    rule(world.municipal)
    policy.new_version(world.admin, "规则", at(10))
    after = Case.objects.get(pk=case.pk)
    assert (after.route, after.due_at, after.rule_version) == before
    assert report(world, moment=at(11)).route["unit"] == world.municipal.pk


# Trying before saving


def test_the_trial_shows_which_reports_would_have_gone_elsewhere_from_whom_to_whom_and_why(world, admin):
    mine, other = report(world), report(world, "06010", at(9, 1))
    hidden = report(world, moment=at(9, 2))
    Case.objects.filter(pk=hidden.pk).update(sensitive=True)
    answer = admin.post(reverse("reports_desk:rule_add"), form(world))
    page = answer.content.decode()
    assert answer.status_code == 200 and not RoutingRule.objects.exists()
    assert "最近 3 件报事，有 2 件会改派。" in page and "其中 1 件保密，不列出。" in page
    assert mine.number in page and other.number not in page and hidden.number not in page
    for word in ("物业", world.municipal.name_zh, "按类别由物业主办", "合同约定由市政养护"):
        assert word in page
    assert world.resident.name not in page and "楼道里的东西坏了" not in page
    saved = admin.post(reverse("reports_desk:rule_add"), form(world) | tokens(answer) | {"_key": "r1"})
    assert saved.status_code == 302
    assert report(world, moment=at(10)).route["unit"] == world.municipal.pk
    # Sent twice it is one rule, with one entry in the journal and one version of the rules.
    again = admin.post(reverse("reports_desk:rule_add"), form(world) | tokens(answer) | {"_key": "r1"})
    assert again.status_code == 302 and RoutingRule.objects.count() == 1
    assert Entry.objects.filter(action="routing_rule_set").count() == 1


def test_what_was_not_tried_or_is_not_what_was_tried_is_not_saved(world, admin):
    url = reverse("reports_desk:rule_add")
    trial = admin.post(url, form(world))
    other = form(world, holder=f"unit:{world.sanitation.ref}")
    for sent in (other | tokens(trial), form(world) | {"tried": "x"}):
        answer = admin.post(url, sent)
        assert answer.status_code == 422 and "请再看一遍" in answer.content.decode()
    policy.new_version(world.admin, "别人改了")
    assert admin.post(url, form(world) | tokens(trial)).status_code == 422
    assert admin.post(url, form(world, why="")).status_code == 422
    assert not RoutingRule.objects.exists()


def test_a_rule_is_replaced_and_ended_with_a_trial_each_and_nothing_is_forgotten(world, admin):
    report(world)
    first = rule(world.municipal)
    url = reverse("reports_desk:rule", args=[first.pk])
    given = form(world, holder=f"unit:{world.sanitation.ref}", what="")
    trial = admin.post(url, given)
    assert world.municipal.name_zh in trial.content.decode() and world.sanitation.name_zh in trial.content.decode()
    assert admin.post(url, given | tokens(trial)).status_code == 302
    first.refresh_from_db()
    second = RoutingRule.objects.get(ended_at__isnull=True)
    assert first.ended_at and second.unit == world.sanitation
    assert admin.get(url).status_code == 404
    url = reverse("reports_desk:rule_end", args=[second.pk])
    trial = admin.get(url)
    assert "有 1 件会改派" in trial.content.decode()
    assert admin.post(url, {"tried": "x"}).status_code == 422
    assert admin.post(url, tokens(trial) | {"_key": "e1"}).status_code == 302
    assert admin.post(url, tokens(trial) | {"_key": "e1"}).status_code == 302  # sent twice
    assert not RoutingRule.objects.filter(ended_at__isnull=True).exists()
    assert RoutingRule.objects.count() == 2


def test_a_trial_costs_the_same_for_few_reports_and_for_many(world, django_assert_max_num_queries):
    cases = Case.objects.select_related("report__category", "compound", "community", "grid")
    tried = rule(world.municipal)
    for count in (2, 30):
        while Case.objects.count() < count:
            intake.submit(
                None, text="楼道里的东西坏了。", location=locate(place=world.entrance), category=category(), at=at(9)
            )
        with django_assert_max_num_queries(2):
            assert dry_run(cases, []) and tried
