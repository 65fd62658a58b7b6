"""走访巡查: what comes due, who may see key households, what is recorded once, and the order of the day."""

import random
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from weilianxin.cases.access import ends_today
from weilianxin.cases.errors import Changed, Invalid
from weilianxin.cases.models import Case
from weilianxin.files.store import read
from weilianxin.journal.models import Entry
from weilianxin.lib import walk
from weilianxin.people import erasure, mydata
from weilianxin.people.posts import note_absence
from weilianxin.programmes.rounds import pages
from weilianxin.programmes.rounds import plan as rules
from weilianxin.programmes.rounds.models import (
    Check,
    HouseholdClass,
    KeyHousehold,
    Parameter,
    Plan,
    Template,
    Visit,
)

from .support.visitors import jpeg, said_in
from .support.visitors import report as told
from .support.world import LAT, LON, STEP, client_for, make_world, place

pytestmark = pytest.mark.django_db
SECRET = "早年中风后行走困难"


@pytest.fixture
def w(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_world()


def today():
    return timezone.localdate()


def key_at(where, by, *codes, reason=SECRET, **more):
    classes = list(HouseholdClass.objects.filter(pk__in=codes or ["alone"]))
    facts = {"since": today(), "reason": reason, "ground": "consent", "ground_note": "本人当面同意"}
    return rules.enter(where, classes, by, **{**facts, **more})


def household(where, days=0):
    return Plan.objects.create(place=where, due_on=today() + timedelta(days=days))


# What comes round


def test_every_household_comes_up_once_in_the_rhythm_and_the_staircases_are_spread(w):
    rooms = [place("room", f"{n}室", w.entrance) for n in range(401, 440)]
    other = place("entrance", "3单元", w.building)
    rooms += [place("room", f"{n}室", other) for n in range(401, 440)]
    # Those of the world: three rooms, and a staircase without any.
    assert rules.spread(timezone.now()) == len(rooms) + 4
    assert rules.spread(timezone.now()) == 0
    days = rules.number("household_days")
    for entrance in (w.entrance, other):
        due = Plan.objects.filter(place__parent=entrance).values_list("due_on", flat=True)
        assert all(today() <= day < today() + timedelta(days=days) for day in due)
        assert len(set(due)) == 7, "a staircase comes up within a week (or the turn of the rhythm)"
    first, second = (
        set(Plan.objects.filter(place__parent=e).values_list("due_on", flat=True)) for e in (w.entrance, other)
    )
    assert first != second


def test_a_house_without_rooms_comes_round_and_a_staircase_with_rooms_does_not(w):
    houses = [place("building", f"{n}幢", w.compound) for n in range(10, 15)]
    rules.spread(timezone.now())
    due = Plan.objects.filter(place__in=houses).values_list("due_on", flat=True)
    assert len(set(due)) == len(houses), "houses of a compound are no staircase"
    assert not Plan.objects.filter(place__in=[w.compound, w.building, w.entrance, w.park]).exists()


def test_a_visit_moves_the_household_on_by_its_rhythm_and_a_key_household_by_its_shortest_class(w):
    plain, key = household(w.neighbour_room), key_at(w.room, w.worker, "disabled", "alone")
    household(w.room)
    rules.visit(plain, w.worker, due=plain.due_on, outcome="met")
    plain.refresh_from_db()
    assert plain.due_on == today() + timedelta(days=182)
    rules.visit(key.plan, w.worker, due=today(), outcome="declined")
    assert Plan.objects.get(key=key).due_on == today() + timedelta(days=14)
    assert Plan.objects.get(place=w.room, key=None).due_on == today() + timedelta(days=182), "one visit for a door"


def test_a_changed_rhythm_counts_from_the_next_visit(w):
    Parameter.objects.create(key="household_days", value=90)
    HouseholdClass.objects.filter(pk="alone").update(every_days=5)
    plain, key = household(w.neighbour_room), key_at(w.room, w.worker)
    for plan in (plain, key.plan):
        rules.visit(plan, w.worker, due=plan.due_on, outcome="met")
    assert set(Plan.objects.values_list("due_on", flat=True)) == {today() + timedelta(days=n) for n in (90, 5)}


def test_nobody_at_home_comes_up_again_within_days_and_counts_the_tries(w):
    plan = household(w.room)
    rules.visit(plan, w.worker, due=today(), outcome="nobody")
    plan.refresh_from_db()
    assert (plan.due_on, plan.tries, plan.done_at) == (today() + timedelta(days=3), 1, None)
    for wrong in (today(), today() + timedelta(days=31)):
        with pytest.raises(Invalid):
            rules.visit(plan, w.worker, due=plan.due_on, outcome="nobody", next_try=wrong)
    rules.visit(plan, w.worker, due=plan.due_on, outcome="met")
    plan.refresh_from_db()
    assert plan.tries == 0


def test_of_two_who_visit_the_same_household_the_second_is_told(w):
    plan = household(w.room)
    seen = plan.due_on
    rules.visit(plan, w.worker, due=seen, outcome="met")
    with pytest.raises(Changed):
        rules.visit(plan, w.backup, due=seen, outcome="met")
    assert Visit.objects.count() == 1


def test_what_was_typed_for_a_visit_that_ended_meanwhile_is_refused_and_not_lost(w, monkeypatch):
    key, plain, client = key_at(w.room, w.worker), household(w.neighbour_room), client_for(w.worker)
    form = {"due": today().isoformat(), "outcome": "met", "note": "药按时吃"}
    rules.end(key, w.leader)
    key_at(w.neighbour_room, w.leader)  # from now on the door is visited as that
    for plan in (key.plan, plain):
        url = reverse("rounds:stop", args=[plan.ref])
        answer = client.post(url, form)
        assert answer.status_code == 409 and "药按时吃" in answer.content.decode()
        assert client.get(url).status_code == 404
    assert not Visit.objects.exists()

    again, attempt = key_at(w.room, w.worker), pages.attempt

    def erased_meanwhile(*facts):
        rules.drop(KeyHousehold.objects.filter(pk=again.pk), timezone.now())
        return attempt(*facts)

    monkeypatch.setattr(pages, "attempt", erased_meanwhile)
    answer = client.post(reverse("rounds:stop", args=[again.plan.ref]), form)
    text = answer.content.decode()
    assert answer.status_code == 409 and "药按时吃" in text and SECRET not in text


def test_the_list_shows_what_is_overdue_and_the_next_seven_days_and_nothing_later(w):
    for n, days in enumerate((-20, 0, 7, 8)):
        household(place("room", f"50{n}室", w.entrance), days)
    text = client_for(w.worker).get(reverse("rounds:index")).content.decode()
    assert [f"50{n}室" in text for n in range(4)] == [True, True, True, False]


def test_the_list_goes_on_behind_its_first_page_at_the_same_cost(w, django_assert_max_num_queries):
    for n in range(45):
        household(place("room", f"6{n:02d}室", w.entrance))
    client = client_for(w.worker)
    with django_assert_max_num_queries(30):
        page = client.get(reverse("rounds:index"))
    after = page.context["after"]
    second = client.get(reverse("rounds:index") + f"?after={after}")
    shown = [row.pk for answer in (page, second) for row in answer.context["coming"]]
    assert len(shown) == len(set(shown)) == 45
    assert client.get(reverse("rounds:index") + "?after=nonsense.1").status_code == 200


def test_the_leader_sees_what_is_a_week_late_and_who_went_nowhere(w):
    late, soon = household(w.room, -8), household(w.neighbour_room, -7)
    client = client_for(w.leader)
    page = client.get(reverse("desk:grid", args=[w.grid.code])).content.decode()
    assert reverse("rounds:stop", args=[late.ref]) in page and reverse("rounds:stop", args=[soon.ref]) not in page
    rules.visit(soon, w.worker, due=soon.due_on, outcome="met")
    people = client.get(reverse("rounds:grid", args=[w.grid.code])).context["people"]
    assert {row["post"].account.name: row["visits"] for row in people} == {"角木": 1, "亢金": 0}
    # Others who may open the page of the grid do not learn of anybody's visits there.
    assert late.ref not in client_for(w.dispatcher).get(reverse("desk:grid", args=[w.grid.code])).content.decode()


# Key households


def test_nobody_but_the_posts_of_the_grid_and_its_secretary_finds_a_key_household(w):
    key = key_at(w.room, w.worker)
    readers = (w.worker, w.backup, w.leader, w.secretary)
    others = (w.dispatcher, w.verifier, w.callback, w.duty, w.admin, w.auditor, w.bare_worker, w.stranger_worker)
    for account in (*readers, *others, w.other_leader, w.other_secretary, w.resident):
        may = account in readers
        assert KeyHousehold.objects.visible_to(account).exists() is may, account.name
        client = client_for(account)
        for url in (reverse("rounds:key", args=[key.ref]), reverse("rounds:stop", args=[key.plan.ref])):
            assert (client.get(url).status_code == 200) is may, (account.name, url)
    w.worker.posts.update(until=timezone.now())
    assert not KeyHousehold.objects.visible_to(w.worker).exists(), "who left the post sees nothing at once"


def test_the_list_of_key_households_ends_nowhere_silently_and_at_the_same_cost(w, django_assert_max_num_queries):
    entered = [key_at(place("room", f"6{n:02d}室", w.entrance), w.worker) for n in range(45)]
    rules.end(entered.pop(), w.worker)
    client, after, shown = client_for(w.worker), "", []
    for _page in range(2):
        with django_assert_max_num_queries(30):
            page = client.get(reverse("rounds:keys") + after)
        shown += re.findall(r"households/([0-9a-f]{24})/", page.content.decode())
        after = f"?after={page.context['after']}"
    assert sorted(shown) == sorted(key.ref for key in entered) and after == "?after="


def test_on_no_list_but_its_own_is_a_key_household_told_from_another(w):
    key_at(w.room, w.worker)
    household(w.neighbour_room)
    client = client_for(w.worker)
    names = [str(one.name) for one in HouseholdClass.objects.all()]
    for url in ("desk:day", "rounds:index", "desk:home", "rounds:keys"):
        text = client.get(reverse(url)).content.decode()
        assert SECRET not in text and not any(name in text for name in names), url
    stops = client.get(reverse("desk:day")).context["items"]
    assert {stop.title for stop in stops} == {"走访"} and len(stops) == 2


def test_every_reading_is_on_record_and_no_record_says_who_or_why(w, caplog):
    caplog.set_level("DEBUG")
    key = key_at(w.room, w.worker, "ill")
    client = client_for(w.leader)
    client.get(reverse("rounds:key", args=[key.ref]))
    client.get(reverse("rounds:stop", args=[key.plan.ref]))
    rows = list(Entry.objects.filter(stream__name="rounds").values_list("action", "actor", "payload"))
    assert [row[:2] for row in rows] == [
        ("key_entered", w.worker.ref),
        ("key_read", w.leader.ref),
        ("key_read", w.leader.ref),
    ]
    said = str([row[2] for row in rows]) + caplog.text
    assert said_in(w.room.full_name, "301") and not said_in(said, "301")
    for word in (SECRET, "ill", "重病", w.room.full_name):
        assert word not in said


def times_read():
    return Entry.objects.filter(stream__name="rounds", action="key_read").count()


def test_what_a_refused_visit_and_a_recorded_one_show_of_a_key_household_is_on_record(w):
    key, client = key_at(w.room, w.worker), client_for(w.worker)
    url = reverse("rounds:stop", args=[key.plan.ref])
    answer = client.post(url, {"due": today().isoformat(), "outcome": ""})
    assert answer.status_code == 422 and SECRET in answer.content.decode() and times_read() == 1
    done = rules.visit(key.plan, w.worker, due=today(), outcome="met", note="要轮椅")
    assert "要轮椅" in client.get(reverse("rounds:visit", args=[done.ref])).content.decode() and times_read() == 2


def test_what_was_written_in_care_does_not_come_up_at_the_door_after_the_care_has_ended(w):
    plain, key = household(w.room), key_at(w.room, w.worker)
    client = client_for(w.worker)
    done = rules.visit(key.plan, w.worker, due=today(), outcome="met", note="要轮椅")
    assert "要轮椅" in client.get(reverse("rounds:stop", args=[key.plan.ref])).content.decode()
    rules.end(key, w.worker)
    assert "要轮椅" not in client.get(reverse("rounds:stop", args=[plain.ref])).content.decode()
    before = times_read()
    assert "要轮椅" in client.get(reverse("rounds:visit", args=[done.ref])).content.decode()
    assert times_read() == before + 1


def test_a_sensitive_class_needs_a_note_on_what_it_rests_on(w):
    client = client_for(w.worker)
    form = {"place": w.room.full_name, "classes": ["disabled"], "reason": SECRET, "ground": "consent"}
    answer = client.post(reverse("rounds:key_add"), form)
    assert answer.status_code == 422 and SECRET in answer.content.decode(), "nothing typed is lost"
    assert not KeyHousehold.objects.exists()
    assert client.post(reverse("rounds:key_add"), {**form, "ground_note": "本人 3 月 1 日当面同意"}).status_code == 302
    key = KeyHousehold.objects.get()
    assert (key.place, key.plan.due_on) == (w.room, today())


def test_a_house_named_without_its_compound_is_taken_only_where_one_has_a_single_grid(w):
    there = place("compound", "织女里", grid=w.second_grid, community=w.community)
    twin = place("room", "301室", place("entrance", "2单元", place("building", "6幢", there)))
    form = {"place": "6幢2单元301室", "classes": ["alone"], "reason": SECRET, "ground": "consent"}
    answer = client_for(w.worker).post(reverse("rounds:key_add"), form)  # serves two grids, each with such a room
    assert answer.status_code == 422 and answer.context["refusal"].field == "place"
    assert twin.grid != w.grid and not KeyHousehold.objects.exists()
    w.worker.posts.exclude(area=w.grid).delete()
    assert client_for(w.worker).post(reverse("rounds:key_add"), form).status_code == 302
    assert KeyHousehold.objects.get().place == w.room


def test_a_household_of_another_grid_cannot_be_entered(w):
    form = {"place": w.bare_room.full_name, "classes": ["alone"], "reason": SECRET, "ground": "consent"}
    assert client_for(w.worker).post(reverse("rounds:key_add"), form).status_code == 422
    assert not KeyHousehold.objects.exists()


@pytest.mark.parametrize("words", ["星影苑 6幢2单元9999室", "星影苑 6幢2单元", "星影苑 6幢"])
def test_a_room_that_does_not_exist_makes_no_staircase_a_key_household(w, words):
    form = {"place": words, "classes": ["alone"], "reason": SECRET, "ground": "consent"}
    answer = client_for(w.worker).post(reverse("rounds:key_add"), form)
    assert answer.status_code == 422 and answer.context["refusal"].field == "place"
    assert words in answer.content.decode() and SECRET in answer.content.decode(), "nothing typed is lost"
    assert not KeyHousehold.objects.exists()


def test_a_house_without_rooms_may_be_a_key_household(w):
    house = place("building", "7幢", w.compound)
    form = {"place": house.full_name, "classes": ["alone"], "reason": SECRET, "ground": "consent"}
    assert client_for(w.worker).post(reverse("rounds:key_add"), form).status_code == 302
    assert KeyHousehold.objects.get().place == house


def test_what_ended_long_ago_falls_out_with_its_words(w):
    at = timezone.now()
    key = key_at(w.room, w.worker)
    rules.visit(key.plan, w.worker, due=today(), outcome="met", note=SECRET)
    rules.end(key, w.worker)
    assert not rules.running().filter(key=key).exists()
    rules.forget(at + timedelta(days=365))
    assert KeyHousehold.objects.exists(), "kept for a year"
    rules.forget(at + timedelta(days=367))
    assert not KeyHousehold.objects.exists() and not Visit.objects.exists()


def everything():
    """Every text in every table of the database, as bytes."""
    from django.apps import apps

    found = []
    for model in apps.get_models():
        found += [repr(row) for row in model._base_manager.values_list()]
    return "\n".join(found)


def test_who_is_erased_takes_the_key_household_along_to_the_last_word(w):
    plain = household(w.room)
    rules.visit(plain, w.worker, due=today(), outcome="met", note=f"说起{SECRET}")
    key = key_at(w.room, w.worker, reason=SECRET)
    rules.visit(
        key.plan, w.worker, due=today(), outcome="met", note=f"{SECRET}，要轮椅", noticed=f"{SECRET}的门口有台阶"
    )
    other = key_at(w.bare_room, w.bare_worker, reason="别人家的事")
    assert SECRET in everything()
    erasure.erase(w.resident, timezone.now())
    left = everything()
    assert SECRET not in left and "别人家的事" in left
    assert list(KeyHousehold.objects.all()) == [other]
    # Whoever only said that they live there has taken nobody's care away: the door is visited the next day.
    plan = Plan.objects.get(place=w.room)
    assert (plan.key, plan.due_on) == (None, today() + timedelta(days=1))


def test_erasure_and_an_end_reach_a_house_without_rooms_as_well(w):
    house = place("building", "7幢", w.compound)
    key = key_at(house, w.worker)
    rules.end(key, w.worker)
    rules.spread(timezone.now())
    assert rules.running().filter(place=house).exists(), "visited like every household again"
    key_at(house, w.worker, reason=SECRET)
    w.resident.dwellings.update(place=house)
    erasure.erase(w.resident, timezone.now())
    assert SECRET not in everything()
    assert Plan.objects.get(place=house).due_on == today() + timedelta(days=1)


def test_who_says_that_they_live_there_is_not_told_what_is_kept_about_the_household(w):
    key_at(w.room, w.worker, "ill")
    held = str(mydata.what_we_hold(w.resident))
    assert w.room.full_name in held and SECRET not in held and "重病" not in held


# Checklists


@pytest.fixture
def listed(w):
    plan = rules.plan_check(w.compound, Template.objects.get(pk="old"), today(), w.worker)
    return plan


def answers_of(plan, **bad):
    form = {"due": plan.due_on.isoformat()}
    for item in plan.template.items:
        form[f"a_{item['code']}"] = bad.get(item["code"], "good")
    return form


def test_a_check_asks_for_every_item_and_a_photo_of_what_is_not_good_and_loses_nothing(w, listed):
    client, url = client_for(w.worker), reverse("rounds:stop", args=[listed.ref])
    form = answers_of(listed, i2="bad")
    assert client.post(url, {**form, "a_i1": ""}).status_code == 422
    answer = client.post(url, {**form, "n_i2": "雨棚松了"})
    assert answer.status_code == 422 and "雨棚松了" in answer.content.decode() and not Check.objects.exists()
    # A photo that came with a form that was refused need not be chosen again.
    answer = client.post(url, {**form, "a_i1": "", "p_i2": jpeg()})
    kept = next(item["kept"] for item in answer.context["items"] if item["code"] == "i2")
    assert answer.status_code == 422 and kept
    answer = client.post(url, {**form, "n_i2": "雨棚松了", "k_i2": kept})
    assert answer.status_code == 302
    check = Check.objects.get()
    assert (check.bad, check.photos.get().photo.ref, check.planned_for) == (1, kept, today())
    listed.refresh_from_db()
    assert listed.due_on == today() + timedelta(days=90)
    page = client.get(answer["Location"]).content.decode()
    assert "雨棚松了" in page and "转成报事" in page


def test_a_photo_that_cannot_be_read_loses_none_of_the_others(w, listed):
    client, url = client_for(w.worker), reverse("rounds:stop", args=[listed.ref])
    form = answers_of(listed, i1="bad", i2="bad", i3="bad")
    wrong = SimpleUploadedFile("x.jpg", b"no picture", "image/jpeg")
    answer = client.post(url, {**form, "p_i1": jpeg(), "p_i2": wrong, "p_i3": jpeg()})
    shown = {item["code"]: item for item in answer.context["items"]}
    assert answer.status_code == 422 and shown["i2"]["error"] and not shown["i2"]["kept"]
    again = {f"k_{code}": shown[code]["kept"] for code in ("i1", "i3")}
    assert all(again.values())
    assert client.post(url, {**form, **again, "p_i2": jpeg()}).status_code == 302
    assert Check.objects.get().photos.count() == 3


def test_a_checklist_is_ended_for_a_reason_and_on_record_and_may_be_planned_again(w, listed):
    client, url = client_for(w.leader), reverse("rounds:stop", args=[listed.ref])
    assert "不再检查" in client.get(url).content.decode()
    form = {**answers_of(listed), "n_i1": "雨棚松了", "do": "end"}
    answer = client.post(url, form)
    assert answer.status_code == 422 and answer.context["reason"].error, "a reason is asked for"
    assert "雨棚松了" in answer.content.decode() and listed in rules.running()
    answer = client.post(url, {**form, "reason": "mistaken"})
    assert answer.status_code == 302 and "以后不再检查" in client.get(answer["Location"]).content.decode()
    assert listed not in rules.running() and not Check.objects.exists()
    entry = Entry.objects.get(action="check_ended")
    assert entry.actor == w.leader.ref and listed.ref in str(entry.payload) and "mistaken" in str(entry.payload)
    # Whoever was going through it meanwhile is told, and loses nothing.
    answer = client_for(w.worker).post(url, {**answers_of(listed, i2="bad"), "n_i2": "雨棚松了", "p_i2": jpeg()})
    assert answer.status_code == 409 and "雨棚松了" in answer.content.decode()
    assert next(item["kept"] for item in answer.context["items"] if item["code"] == "i2")
    later = today() + timedelta(days=9)
    assert rules.plan_check(listed.place, listed.template, later, w.worker) == listed
    assert rules.running().get(pk=listed.pk).due_on == later


def test_a_check_keeps_the_words_it_was_recorded_with(w, listed):
    rules.check(
        listed, w.worker, due=today(), answers={i["code"]: ("good", "") for i in listed.template.items}, photos={}
    )
    client = client_for(w.admin)
    url = reverse("rounds_desk:template", args=["old"])
    first, second, *_rest = listed.template.items
    form = {"name_zh": "老旧房屋", "every_days": "30", "items": f"{second['zh']}\n新的一项 | New", "is_active": "1"}
    assert client.post(url, form).status_code == 302
    changed = Template.objects.get(pk="old")
    assert [item["zh"] for item in changed.items] == [second["zh"], "新的一项"]
    assert changed.items[0]["code"] == second["code"] and changed.items[1]["code"] not in {"i1", "i2", "i3", "i4"}
    page = client_for(w.leader).get(reverse("rounds:check", args=[Check.objects.get().ref])).content.decode()
    assert first["zh"] in page and "新的一项" not in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("every_days", "0"), ("every_days", "x"), ("items", " \n "), ("items", "甲\n甲"), ("items", "长" * 81)],
)
def test_a_checklist_that_makes_no_sense_is_refused_at_its_field(w, field, value):
    form = {"name_zh": "老旧房屋", "every_days": "30", "items": "甲", "is_active": "1", field: value}
    answer = client_for(w.admin).post(reverse("rounds_desk:template", args=["old"]), form)
    assert answer.status_code == 422 and answer.context["refusal"].field == field


def test_the_administrator_sets_the_numbers_within_their_bounds(w):
    client, url = client_for(w.admin), reverse("rounds_desk:settings")
    form = {key: str(rules.number(key)) for key in rules.PARAMETERS}
    form |= {f"class_{c.code}": str(c.every_days) for c in HouseholdClass.objects.all()}
    assert client.post(url, {**form, "retry_days": "0"}).status_code == 422
    assert client.post(url, {**form, "household_days": "90", "class_alone": "7"}).status_code == 302
    assert (rules.number("household_days"), HouseholdClass.objects.get(pk="alone").every_days) == (90, 7)


# What was noticed becomes a report


def test_what_was_noticed_is_handed_over_in_a_form_and_in_no_address(w):
    plan, client = household(w.room), client_for(w.worker)
    form = {"due": plan.due_on.isoformat(), "outcome": "met", "noticed": "二楼的灯不亮，台阶看不清"}
    answer = client.post(reverse("rounds:stop", args=[plan.ref]), form)
    assert "灯" not in answer["Location"]
    page = client.get(answer["Location"]).content.decode()
    form = page[page.index(f'action="{reverse("reports:staff_report")}"') :]
    sent = dict(re.findall(r'name="(do|channel|text|place)" value="([^"]*)"', form))
    assert sent["text"] == "二楼的灯不亮，台阶看不清"
    opened = client.post(reverse("reports:staff_report"), sent)
    said = opened.context["data"]
    assert opened.status_code == 200 and not Case.objects.exists(), "only filled in: a person sends it"
    assert (said["text"], said["place"]) == ("二楼的灯不亮，台阶看不清", w.entrance.full_name)
    assert opened.context["where"].grid == w.grid


def test_the_photo_of_what_was_not_good_goes_along_into_the_report_and_stays_with_the_check(w, listed):
    client, url = client_for(w.worker), reverse("rounds:stop", args=[listed.ref])
    answer = client.post(url, {**answers_of(listed, i2="bad"), "n_i2": "雨棚松了", "p_i2": jpeg()})
    page = client.get(answer["Location"]).content.decode()
    form = page[page.index(f'action="{reverse("reports:staff_report")}"') :]
    sent = dict(re.findall(r'name="(do|channel|text|place|kept)" value="([^"]*)"', form))
    own = Check.objects.get().photos.get().photo
    assert sent["kept"] == own.ref
    opened = client.post(reverse("reports:staff_report"), sent)
    (shown,) = opened.context["photos"]
    assert shown.ref != own.ref and (read(shown), shown.taken_at) == (read(own), own.taken_at)
    more = {"do": "send", "kept": shown.ref, "category": "XQ201", "_key": "k" * 16}
    done = client.post(reverse("reports:staff_report"), sent | more)
    assert done.status_code == 302, done.context["refusal"]
    case = Case.objects.get()
    assert [use.photo for use in case.photos.all()] == [shown]
    # Nobody hands over another person's photo.
    other = client_for(w.backup).post(reverse("reports:staff_report"), sent)
    assert other.context["photos"] == []


def test_a_form_sent_twice_is_one_visit(w):
    plan, client = household(w.room), client_for(w.worker)
    form = {"due": plan.due_on.isoformat(), "outcome": "met", "_key": "k" * 20}
    first, second = (client.post(reverse("rounds:stop", args=[plan.ref]), form) for _n in range(2))
    assert first["Location"] == second["Location"] and Visit.objects.count() == 1


def test_the_telephone_marks_a_visit_done_once(w):
    from weilianxin.people import tokens

    token = tokens.issue(w.worker, "test", timezone.now())[0]
    plan, client = household(w.room), client_for(w.worker)
    more = {
        "content_type": "application/json",
        "headers": {"Authorization": f"Bearer {token}", "Idempotency-Key": "abcdefgh"},
    }
    listed = client.get("/api/v1/desk/day", **more).json()
    item = next(item for item in listed["items"] if item["kind"] == "visit")
    assert (item["ref"], item["window"], item["n"]) == (plan.ref, "today", 1)
    body = {"due": item["due_on"], "outcome": "met"}
    first, second = (client.post(f"/api/v1/desk/visits/{item['ref']}", body, **more) for _n in range(2))
    assert first.json() == second.json() and Visit.objects.count() == 1
    again = client.post(
        f"/api/v1/desk/visits/{item['ref']}",
        body,
        **more | {"headers": {**more["headers"], "Idempotency-Key": "12345678"}},
    )
    assert again.status_code == 409
    assert client.get("/api/v1/desk/day", **more).json()["items"] == []


def test_the_telephone_is_told_of_a_visit_that_ended_meanwhile(w):
    key = key_at(w.room, w.worker)
    rules.end(key, w.leader)
    answer = from_phone(w.worker, key.plan, {"due": today().isoformat(), "outcome": "met"})
    assert answer.status_code == 409 and not Visit.objects.exists()


def test_a_visit_that_waited_for_a_network_counts_from_when_it_was(w):
    now, plan = timezone.now(), household(w.room, -3)
    was = now - timedelta(days=3)
    body = {"due": plan.due_on.isoformat(), "outcome": "met", "at": was.isoformat()}
    assert from_phone(w.worker, plan, body).status_code == 200
    plan.refresh_from_db()
    assert (plan.due_on, plan.done_at) == (timezone.localdate(was) + timedelta(days=182), was)
    assert Visit.objects.get().at == was
    assert Entry.objects.get(action="visit").at >= now, "the journal keeps the server's own moment"


@pytest.mark.parametrize("hours", [-24 * 8, 2, None])
def test_a_moment_too_long_ago_or_yet_to_come_counts_as_now(w, hours):
    now, plan = timezone.now(), household(w.room)
    body = {"due": plan.due_on.isoformat(), "outcome": "nobody"}
    if hours is not None:
        body["at"] = (now + timedelta(hours=hours)).isoformat()
    assert from_phone(w.worker, plan, body).status_code == 200
    assert now <= Visit.objects.get().at <= timezone.now()


def test_nobody_at_home_last_week_comes_up_today_and_not_in_the_past(w):
    plan = household(w.room, -6)
    was = timezone.now() - timedelta(days=6)
    body = {"due": plan.due_on.isoformat(), "outcome": "nobody", "at": was.isoformat()}
    assert from_phone(w.worker, plan, body).status_code == 200
    plan.refresh_from_db()
    assert plan.due_on == today()
    wrong = {**body, "due": today().isoformat(), "at": "2026-03-10T08:00:00"}  # of no time zone
    assert from_phone(w.worker, plan, wrong, "12345678").status_code == 422


def from_phone(account, plan, body, key="abcdefgh"):
    from weilianxin.people import tokens

    token = tokens.issue(account, "test", timezone.now())[0]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    url = f"/api/v1/desk/visits/{plan.ref}"
    return client_for(account).post(url, body, content_type="application/json", headers=headers)


# The order of the day


def test_the_way_is_never_longer_than_the_order_given_and_always_the_same():
    chance = random.Random(20261126)
    for case in range(120):
        sizes = [chance.randint(0, 20) for _group in range(3)]
        groups = [
            [(LAT + chance.random() * STEP, LON + chance.random() * STEP) for _n in range(size)] for size in sizes
        ]
        start = (LAT, LON) if case % 3 else None
        order = walk.ordered(groups, start)
        assert sorted(order) == [(g, i) for g, points in enumerate(groups) for i in range(len(points))]
        assert [g for g, _i in order] == sorted(g for g, _i in order), "what is urgent stays ahead"
        given = [point for points in groups for point in points]
        walked = [groups[g][i] for g, i in order]
        assert walk.length(walked, start) <= walk.length(given, start) + 1e-6
        assert order == walk.ordered(groups, start)


def test_stops_along_a_street_are_walked_from_one_end_to_the_other():
    street = [(LAT, LON + n * 0.001) for n in (3, 0, 4, 1, 2)]
    assert [street[i] for _g, i in walk.ordered([street], (LAT, LON - 0.001))] == sorted(street)
    # Nearest first alone would turn back; the way through all of them does not cross itself.
    ring = [(LAT, LON), (LAT + 0.001, LON + 0.001), (LAT, LON + 0.001), (LAT + 0.001, LON)]
    assert walk.length([ring[i] for _g, i in walk.ordered([ring], (LAT, LON))], (LAT, LON)) < 320


def report(w, where, **more):
    case = told(w.resident, where)
    Case.objects.filter(pk=case.pk).update(next_due_at=ends_today(timezone.now()), **more)
    case.refresh_from_db()
    return case


def test_the_urgent_comes_first_then_the_overdue_then_the_shortest_way(w):
    far = {"lat": LAT + STEP, "lon": LON + STEP}
    urgent = report(w, w.entrance, urgency="U1", **far)
    quiet = report(w, w.entrance, urgency="U2")
    near = household(w.room)
    late = household(place("room", "999室", w.entrance, **far), -1)
    items = client_for(w.worker).get(reverse("desk:day")).context["items"]
    assert [item.ref for item in items[:2]] == [urgent.number, late.ref]
    assert {item.ref for item in items[2:]} == {quiet.number, near.ref}
    assert [item.n for item in items] == [1, 2, 3, 4]


def test_a_sensitive_matter_stands_on_the_list_and_not_on_the_map(w):
    case = report(w, w.entrance, urgency="U2", sensitive=True)
    page = client_for(w.worker).get(reverse("desk:day"))
    (item,) = page.context["items"]
    assert (item.ref, item.n, page.context["map"]) == (case.number, None, None)


def test_whoever_stands_in_has_the_rounds_and_who_is_away_has_none(w):
    household(w.room)
    assert client_for(w.backup).get(reverse("desk:day")).context["items"] == []
    at = timezone.now()
    note_absence(w.worker, "sick", at - timedelta(hours=1), at + timedelta(days=1), w.leader, at)
    assert len(client_for(w.backup).get(reverse("desk:day")).context["items"]) == 1
    assert client_for(w.worker).get(reverse("desk:day")).context["items"] == []


def test_where_the_phone_is_changes_the_order_and_is_kept_nowhere(w):
    west = household(place("room", "1室", w.entrance, lat=LAT, lon=LON))
    east = household(place("room", "2室", w.entrance, lat=LAT, lon=LON + STEP))
    client = client_for(w.worker)
    orders = []
    for lon in (LON - 0.00123456, LON + STEP + 0.00123456):
        page = client.post(reverse("desk:day"), {"lat": f"{LAT}", "lon": f"{lon:.8f}"})
        orders.append([item.ref for item in page.context["items"]])
        assert page.status_code == 200 and f"{lon:.8f}" not in everything()
    assert orders == [[west.ref, east.ref], [east.ref, west.ref]]
    assert client.post(reverse("desk:day"), {"lat": "nowhere", "lon": "1"}).status_code == 422


def test_a_day_of_sixty_stops_costs_no_more_than_one_of_ten_and_says_what_is_left_out(w, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, counts = client_for(w.worker), []
    for upto in (10, 60, 70):
        for n in range(Plan.objects.count(), upto):
            spot = {"lat": LAT + STEP * ((n * 7) % 11) / 11, "lon": LON + STEP * ((n * 5) % 13) / 13}
            household(place("room", f"{n}室", w.entrance, **spot))
        with CaptureQueriesContext(connection) as queries:
            page = client.get(reverse("desk:day"))
        counts.append(len(queries))
        assert (len(page.context["items"]), page.context["more"]) == (min(upto, 60), upto > 60)
    assert len(set(counts)) == 1 and counts[0] <= 30, counts
