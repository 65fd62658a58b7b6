"""People: residents and their places, consent, their own data and its erasure, posts and who stands in, units."""

import json
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from tests.support.world import BEGINNING, at, staff
from tests.test_people_sign_in import at_once
from weilianxin.journal.models import Entry
from weilianxin.people import codes, consent, contact, erasure, mydata, posts, residents, units
from weilianxin.people.errors import GridWithoutWorker, Refused, TooOften, WrongCode
from weilianxin.people.models import HANDLER_KINDS, Account, OneTimeCode, Post, Role

NOW = at(10)
PHONE = "13700000555"


class Matter:
    """As much of a case as this room looks at."""

    def __init__(self, world, **facts):
        self.district_id, self.subdistrict_id = world.district.pk, world.subdistrict.pk
        self.community_id, self.grid_id, self.compound_id = world.community.pk, world.grid.pk, world.compound.pk
        self.closer, self.closed_at, self.about_account_id, self.sight = None, None, None, "grid"
        vars(self).update(facts)


# Residents


@pytest.mark.parametrize(
    "written",
    [
        "13700000555",
        "+86 137 0000 0555",
        "0086-137-0000-0555",
        "8613700000555",
        "１３７００００　０５５５",
        "+８６13700000555",
    ],
)
def test_a_phone_is_understood_however_it_is_written(written):
    assert residents.normal_phone(written) == PHONE


@pytest.mark.parametrize(
    "written",
    ["", None, "1370000055", "137000005555", "02712345678", "10086", "12345678901", "137-abcd-0555", "1" * 500],
)
def test_a_malformed_phone_is_refused(written):
    with pytest.raises(Refused) as refusal:
        residents.normal_phone(written)
    assert refusal.value.field == "phone"


def test_a_masked_phone_is_refused():
    with pytest.raises(Refused, match="星号"):
        residents.normal_phone("137****0555")


def test_a_phone_is_one_resident_however_it_is_written(db):
    one = residents.resident_for("+86 13700000555", NOW)
    assert residents.resident_for("１３７00000555", NOW) == one
    assert (one.phone, one.kind, one.has_usable_password()) == (PHONE, Account.RESIDENT, False)


def test_a_code_to_a_phone_is_no_way_into_a_staff_account(world):
    with pytest.raises(Refused):
        residents.resident_for(world.worker.phone, NOW)


def test_whoever_left_the_staff_is_a_resident_with_their_own_number(world):
    phone = world.callback.phone
    with pytest.raises(Refused):
        residents.resident_for(phone, NOW)
    posts.leave(world.callback, NOW, world.admin)
    assert residents.resident_for(phone, NOW).kind == Account.RESIDENT


def test_the_numbers_of_those_who_left_before_are_freed(world):
    Account.objects.filter(pk=world.callback.pk).update(is_active=False)
    import_module("weilianxin.people.migrations.0004_numbers_of_those_who_left").free(apps, connection.schema_editor())
    found = dict(Account.objects.values_list("pk", "phone"))
    assert found[world.callback.pk] is None
    assert found[world.worker.pk] == world.worker.phone and found[world.resident.pk] == world.resident.phone


def test_a_shut_resident_is_refused(world):
    Account.objects.filter(pk=world.resident.pk).update(is_active=False)
    with pytest.raises(Refused):
        residents.resident_for(world.resident.phone, NOW)


def test_a_resident_bound_to_a_room_has_the_worker_of_its_grid(world):
    someone = residents.resident_for(PHONE, NOW)
    assert residents.grid_of(someone) is None
    residents.bind(someone, world.bare_room, NOW)
    assert residents.grid_of(someone) == world.grid_without_property
    assert posts.on_duty(residents.grid_of(someone), NOW).account == world.bare_worker


def test_binding_twice_is_one_dwelling_and_moving_ends_the_old_one(world):
    residents.bind(world.resident, world.room, NOW, "owner")
    assert [(d.place, d.relation) for d in residents.dwellings(world.resident)] == [(world.room, "owner")]
    residents.bind(world.resident, world.bare_room, NOW)
    assert residents.dwelling_of(world.resident).place == world.room  # the first one decides
    residents.bind(world.resident, world.bare_room, NOW, moved=True)
    assert [d.place for d in residents.dwellings(world.resident)] == [world.bare_room]
    assert residents.unbind(world.resident, world.bare_room, NOW) is True
    assert residents.unbind(world.resident, world.bare_room, NOW) is False
    assert residents.dwelling_of(world.resident) is None


def test_nobody_binds_places_without_end(world):
    for place in (world.building, world.entrance, world.park, world.other_entrance):
        residents.bind(world.resident, place, NOW)
    with pytest.raises(Refused):
        residents.bind(world.resident, world.bare_room, NOW)
    with pytest.raises(Refused):
        residents.bind(world.neighbour, world.room, NOW, "king")


# Consent


def test_consent_keeps_version_hash_and_moment_and_ends_when_withdrawn(world):
    someone = residents.resident_for(PHONE, NOW)
    assert not consent.has_consent(someone)
    consent.give(someone, "service", NOW)
    consent.give(someone, "service", NOW)
    row = someone.consents.get()
    newest = consent.current_version("service")
    assert (row.version, row.text_hash, row.given_at) == (newest.version, newest.hash, NOW)
    assert consent.has_consent(someone)
    assert consent.withdraw(someone, "service", NOW) is True
    assert not consent.has_consent(someone)
    assert consent.withdraw(someone, "service", NOW) is False
    acts = Entry.objects.filter(stream__name=someone.ref).order_by("seq").values_list("action", flat=True)
    assert list(acts) == ["consent_given", "consent_withdrawn"]


def test_a_new_version_of_the_text_asks_everybody_again(world, monkeypatch):
    assert consent.has_consent(world.resident)
    newer = consent.Version("service", "v999", (("zh", "新"), ("en", "new")), "f" * 64)
    monkeypatch.setattr(consent, "current_version", lambda purpose: newer)
    assert not consent.has_consent(world.resident)
    consent.give(world.resident, "service", NOW)
    assert consent.has_consent(world.resident)
    assert world.resident.consents.filter(withdrawn_at__isnull=True).count() == 1


@pytest.mark.parametrize("purpose", ["service", "privacy"])
def test_the_texts_are_there_in_both_languages(purpose):
    assert consent.current_text(purpose, "zh-hans").startswith("# ")
    assert consent.current_text(purpose, "en").isascii()
    with pytest.raises(LookupError):
        consent.current_text("marketing")


# A person's own data


def test_a_person_sees_everything_that_is_held(world):
    held = json.loads(json.dumps(mydata.what_we_hold(world.resident)))
    assert held["account"]["phone"] == "13800000001"
    assert held["dwellings"][0]["place"] == world.room.full_name
    assert held["consents"][0]["purpose"] == "service"


def test_a_person_sees_who_was_shown_their_number_and_why(world):
    contact.reveal_contact("aaaa", world.resident, world.worker, "约上门时间", NOW)
    contact.reveal_contact("bbbb", world.neighbour, world.worker, "约别家时间", NOW)
    shown = mydata.what_we_hold(world.resident)["phone_shown_to"]
    assert [(row["by"], row["reason"]) for row in shown] == [("角木", "约上门时间")]


def test_what_another_room_holds_stands_in_the_export(world, monkeypatch):
    monkeypatch.setattr(mydata, "SECTIONS", {})
    mydata.register_section("reports", lambda account: [{"by": account.ref}])
    assert mydata.what_we_hold(world.resident)["reports"] == [{"by": world.resident.ref}]


def test_a_person_corrects_their_name(world):
    mydata.correct(world.resident, name=" 老  斗斗 ", language="en", at=NOW)
    world.resident.refresh_from_db()
    assert (world.resident.name, world.resident.language) == ("老 斗斗", "en")


@pytest.mark.parametrize("change", [{"name": "老*"}, {"name": "老＊"}, {"email": "a***@b.test"}])
def test_a_masked_value_is_never_accepted_back(world, change):
    with pytest.raises(Refused) as refusal:
        mydata.correct(world.resident, **change, at=NOW)
    assert refusal.value.field == next(iter(change))
    world.resident.refresh_from_db()
    assert (world.resident.name, world.resident.email) == ("老斗", "")


@pytest.mark.parametrize("change", [{"name": "斗" * 41}, {"email": "nobody"}, {"email": "a b@c"}, {"language": "xx"}])
def test_a_correction_that_cannot_be_is_refused(world, change):
    with pytest.raises(Refused):
        mydata.correct(world.resident, **change, at=NOW)


def test_a_phone_changes_only_with_the_code_sent_to_the_new_one(world):
    phone, code = mydata.ask_new_phone(world.resident, "+86 137 0000 0555", at=NOW)
    assert phone == PHONE
    with pytest.raises(WrongCode):
        mydata.change_phone(world.neighbour, PHONE, code, at=NOW)  # somebody else's session
    mydata.change_phone(world.resident, PHONE, code, at=NOW)
    world.resident.refresh_from_db()
    assert (world.resident.phone, world.resident.epoch) == (PHONE, 1)


def test_a_phone_of_somebody_else_is_refused_after_the_code_only(world):
    phone, code = mydata.ask_new_phone(world.resident, world.neighbour.phone, at=NOW)
    with pytest.raises(Refused, match="别的账号"):
        mydata.change_phone(world.resident, phone, code, at=NOW)
    world.resident.refresh_from_db()
    assert (world.resident.phone, world.resident.epoch) == ("13800000001", 0)


def test_erasing_leaves_an_empty_account_without_sessions(world):
    codes.send_code(world.resident.phone, "sign_in", at=NOW)
    mydata.erase_me(world.resident, at=NOW)
    gone = Account.objects.get(pk=world.resident.pk)
    assert (gone.name, gone.phone, gone.email, gone.username) == ("", None, "", None)
    assert (gone.is_active, gone.erased_at, gone.epoch) == (False, NOW, 1)
    assert not gone.dwellings.exists() and not gone.consents.exists() and not OneTimeCode.objects.exists()
    erasure.erase(gone, NOW + timedelta(days=1))
    assert Account.objects.get(pk=gone.pk).erased_at == NOW


def test_after_erasing_the_phone_may_begin_anew(world):
    mydata.erase_me(world.resident, at=NOW)
    again = residents.resident_for("13800000001", NOW)
    assert again.pk != world.resident.pk and not again.cases.exists()


def test_every_room_is_asked_and_one_that_fails_undoes_all(world, monkeypatch):
    monkeypatch.setattr(erasure, "ERASERS", list(erasure.ERASERS))
    seen = []
    erasure.register_eraser(lambda account, moment: seen.append((account.phone, moment)))

    def fails(account, moment):
        raise ValueError("this room could not let go")

    erasure.register_eraser(fails)
    with pytest.raises(ValueError, match="let go"):
        erasure.erase(world.resident, NOW)
    assert seen == [("13800000001", NOW)]
    world.resident.refresh_from_db()
    assert world.resident.phone == "13800000001" and world.resident.dwellings.exists()


def test_staff_do_not_erase_themselves(world):
    with pytest.raises(Refused):
        mydata.erase_me(world.worker, at=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the file of SQLite")
def test_after_erasing_no_byte_of_phone_or_name_is_left_in_the_file(world):
    name, phone, mail = "名字罕见㛃", "13912340000", "rare-name@example.test"
    someone = residents.resident_for(phone, NOW)
    mydata.correct(someone, name=name, email=mail, at=NOW)
    residents.bind(someone, world.room, NOW)
    consent.give(someone, "service", NOW)
    codes.send_code(phone, "sign_in", at=NOW)
    contact.reveal_contact("aaaa", someone, world.worker, "打电话问" + name, NOW)
    needles = [text.encode() for text in (name, phone, mail)]

    def found():
        file = settings.DATABASES["default"]["NAME"]
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA database_list")
            file = cursor.fetchone()[2]
        content = b""
        for suffix in ("", "-wal"):
            try:
                with open(f"{file}{suffix}", "rb") as handle:
                    content += handle.read()
            except FileNotFoundError:
                pass
        return [needle for needle in needles if needle in content]

    assert found() == needles  # or the search would prove nothing
    mydata.erase_me(someone, at=NOW)
    assert found() == []


# Posts


def absent(account, since=NOW - timedelta(hours=1), until=NOW + timedelta(hours=8)):
    account.absences.create(kind="leave", since=since, until=until)


def test_the_a_post_serves_then_the_b_post_then_the_leader(world):
    duty = posts.on_duty(world.grid, NOW)
    assert (duty.account, duty.role, duty.standing_in_for) == (world.worker, Role.GRID_WORKER, None)
    absent(world.worker)
    duty = posts.on_duty(world.grid, NOW)
    assert (duty.account, duty.role, duty.standing_in_for) == (world.backup, Role.GRID_WORKER_BACKUP, world.worker)
    assert posts.stand_ins(world.worker, NOW) == [world.backup]
    absent(world.backup)
    duty = posts.on_duty(world.grid, NOW)
    assert (duty.account, duty.role, duty.standing_in_for) == (world.leader, Role.GRID_LEADER, world.worker)
    absent(world.leader)
    assert posts.on_duty(world.grid, NOW) is None
    assert posts.uncovered([world.grid, world.grid_without_property], NOW) == [world.grid]
    assert posts.on_duty(world.grid, NOW + timedelta(hours=8)).account == world.worker
    assert posts.on_duty(None, NOW) is None


def test_who_serves_many_grids_costs_two_queries(world, django_assert_num_queries):
    grids = [*world.grids, world.other_grid]
    with django_assert_num_queries(2):
        duties = posts.on_duty_many(grids, NOW)
        names = [duties[grid.pk].account.name for grid in grids]
    assert names == ["角木", "亢金", "氐土", "房日", "心月"]


def test_a_shut_account_serves_nobody(world):
    Account.objects.filter(pk=world.worker.pk).update(is_active=False)
    assert posts.on_duty(world.grid, NOW).account == world.backup


def test_a_grid_is_never_left_without_an_active_post(world):
    """Its A and B posts end; the last one who serves it may not go."""
    grid = world.other_grid
    main, second, leader = (Post.objects.get(area=grid, role=role) for role in posts.DUTY_CHAIN)
    posts.end_post(second, NOW, world.admin)
    posts.end_post(leader, NOW, world.admin)
    with pytest.raises(GridWithoutWorker, match=grid.name_zh) as refusal:
        posts.end_post(main, NOW, world.admin)
    assert refusal.value.grid == grid
    main.refresh_from_db()
    assert main.until is None
    with pytest.raises(GridWithoutWorker):
        posts.leave(world.stranger_worker, NOW, world.admin)
    with pytest.raises(GridWithoutWorker):
        posts.note_absence(world.stranger_worker, "leave", NOW, NOW + timedelta(days=1), world.admin, NOW)
    assert posts.on_duty(grid, NOW).account == world.stranger_worker
    posts.assign(world.bare_worker, Role.GRID_WORKER, grid, NOW, world.admin)
    posts.end_post(main, NOW, world.admin)
    assert posts.on_duty(grid, NOW).account == world.bare_worker


def test_leave_that_overlaps_for_an_hour_in_the_middle_is_refused(world):
    grid = world.other_grid
    absent(world.other_leader, NOW, NOW + timedelta(days=30))
    absent(world.stranger_backup, NOW + timedelta(days=3), NOW + timedelta(days=3, hours=1))
    with pytest.raises(GridWithoutWorker):
        posts.note_absence(world.stranger_worker, "leave", NOW, NOW + timedelta(days=7), world.admin, NOW)
    posts.note_absence(world.stranger_worker, "leave", NOW, NOW + timedelta(days=3), world.admin, NOW)
    assert posts.on_duty(grid, NOW).account == world.stranger_backup
    with pytest.raises(GridWithoutWorker):  # and the cover may not leave either
        posts.end_post(Post.objects.get(area=grid, account=world.stranger_backup), NOW, world.admin)


def test_somebody_is_back_sooner(world):
    absence = posts.note_absence(world.worker, "sick", NOW, NOW + timedelta(days=3), world.leader, NOW)
    assert posts.on_duty(world.grid, NOW + timedelta(days=1)).account == world.backup
    posts.end_absence(absence, NOW + timedelta(hours=5), world.leader)
    assert posts.on_duty(world.grid, NOW + timedelta(days=1)).account == world.worker


@pytest.mark.parametrize(("kind", "hours"), [("leave", (2, 1)), ("leave", (-3, -2)), ("holiday", (0, 1))])
def test_an_absence_that_makes_no_sense_is_refused(world, kind, hours):
    since, until = (NOW + timedelta(hours=h) for h in hours)
    with pytest.raises(Refused):
        posts.note_absence(world.worker, kind, since, until, world.admin, NOW)


def test_posts_are_journalled_with_references_and_no_names(world):
    post = posts.assign(world.verifier, Role.DUTY_LEADER, world.subdistrict, NOW, world.admin)
    posts.end_post(post, NOW + timedelta(days=1), world.admin)
    entries = list(Entry.objects.filter(stream__name="posts").order_by("seq"))
    assert [entry.action for entry in entries] == ["post_assigned", "post_ended"]
    assert all(entry.actor == world.admin.ref and world.verifier.name not in entry.payload for entry in entries)


def test_a_post_is_refused_where_it_does_not_belong(world):
    with pytest.raises(Refused):
        posts.assign(world.verifier, Role.GRID_WORKER, world.community, NOW, world.admin)
    with pytest.raises(Refused):
        posts.assign(world.verifier, Role.CENTRE_DISPATCHER, world.grid, NOW, world.admin)
    with pytest.raises(Refused):
        posts.assign(world.resident, Role.GRID_WORKER, world.grid, NOW, world.admin)
    with pytest.raises(Refused):
        posts.assign(world.worker, Role.GRID_WORKER, world.grid, NOW, world.admin)  # holds it already
    with pytest.raises(Refused):
        posts.assign(world.verifier, "emperor", world.grid, NOW, world.admin)


def test_above_the_worker_stands_the_leader_and_so_on_up(world):
    matter = Matter(world)
    up = [world.worker]
    for expected in (world.leader, world.secretary, world.dispatcher, world.duty):
        assert posts.people_above(matter, NOW, exclude=up) == expected
        up.append(expected)
    assert posts.people_above(matter, NOW, exclude=up) is None


def test_above_the_closer_is_never_somebody_beside_or_below(world):
    assert posts.people_above(Matter(world, closer=world.leader), NOW) == world.secretary
    assert posts.people_above(Matter(world), NOW, exclude=[world.verifier]) == world.duty
    second = staff("娄火", Role.DUTY_LEADER, world.subdistrict)
    assert posts.people_above(Matter(world), NOW, exclude=[world.duty]) == second


def test_the_absent_and_the_one_complained_about_are_passed(world):
    absent(world.leader)
    assert posts.people_above(Matter(world), NOW, exclude=[world.worker]) == world.secretary
    about = Matter(world, sight="subdistrict", about_account_id=world.dispatcher.pk)
    assert posts.people_above(about, NOW) == world.duty
    assert posts.people_above(Matter(world, sight="community"), NOW) == world.secretary


def test_when_everybody_above_is_away_the_work_still_has_a_name(world):
    for account in (world.leader, world.secretary, world.dispatcher, world.duty):
        absent(account)
    assert posts.people_above(Matter(world), NOW, exclude=[world.worker]) == world.leader


def test_a_closer_who_has_left_the_post_still_counts_with_it(world):
    Post.objects.filter(account=world.secretary).update(until=NOW - timedelta(days=1))
    matter = Matter(world, closer=world.secretary, closed_at=NOW - timedelta(days=2))
    assert posts.people_above(matter, NOW) == world.dispatcher


def test_holders_are_those_of_exactly_this_area_who_are_present(world):
    assert posts.holders(Role.COMMUNITY_SECRETARY, world.community, NOW) == [world.secretary]
    assert posts.holders(Role.COMMUNITY_SECRETARY, world.subdistrict, NOW) == []
    assert posts.holders(Role.COMMUNITY_SECRETARY, world.community, BEGINNING - timedelta(days=1)) == []
    absent(world.secretary)
    assert posts.holders(Role.COMMUNITY_SECRETARY, world.community, NOW) == []


@pytest.mark.django_db(transaction=True)
def test_two_who_cover_one_another_do_not_both_get_leave_at_the_same_moment(world):
    Post.objects.filter(area=world.other_grid, role=Role.GRID_LEADER).delete()
    pair = [world.stranger_worker, world.stranger_backup]
    until = NOW + timedelta(days=1)
    answers = at_once(lambda n: posts.note_absence(pair[n % 2], "leave", NOW, until, world.admin, NOW).pk)
    given = {absence.account_id for account in pair for absence in account.absences.all()}
    assert len(given) == 1
    assert all(isinstance(answer, int | GridWithoutWorker) for answer in answers), answers


@pytest.mark.django_db(transaction=True)
def test_a_phone_that_signs_in_eight_times_at_once_is_one_resident():
    answers = at_once(lambda n: residents.resident_for(PHONE, NOW).pk)
    assert answers == [Account.objects.get(phone=PHONE).pk] * 8


# Units and contact


def reach(world):
    return {
        "grid": world.grid,
        "compound": world.compound,
        "community": world.community,
        "subdistrict": world.subdistrict,
        "district": world.district,
    }


def test_a_kind_is_found_by_what_it_is_tied_to(world):
    assert units.units_for("property_company", **reach(world)) == [world.property]
    assert units.units_for("repair_contractor", **reach(world)) == [world.contractor]
    assert units.units_for("community_committee", **reach(world)) == [world.committee]
    assert units.units_for("sanitation_contractor", **reach(world)) == [world.sanitation]
    assert units.units_for("property_company", **{**reach(world), "compound": None}) == []
    assert units.units_for("nobody", **reach(world)) == []


def test_a_unit_that_stopped_is_not_found(world):
    world.property.is_active = False
    world.property.save()
    assert units.units_for("property_company", **reach(world)) == []
    assert world.property not in units.handlers_near(Matter(world))


def test_all_handlers_near_a_case_come_in_one_query_nearest_first(world, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = units.handlers_near(Matter(world))
    assert {world.property, world.elevator} == set(found[:2])
    assert found[2] == world.contractor
    assert world.other_property not in found
    assert set(found) == {u for kind in HANDLER_KINDS for u in units.units_for(kind, **reach(world))}


def test_a_number_is_shown_for_a_reason_that_stays_in_the_journal(world):
    assert contact.reveal_contact("aaaa", world.resident, world.worker, "约上门时间", NOW) == "13800000001"
    entry = Entry.objects.get(stream__name="aaaa")
    assert (entry.action, entry.actor) == ("reveal_contact", world.worker.ref)
    assert "约上门时间" not in entry.payload
    assert entry.openings.get().value == "约上门时间"
    for reason in ("", "   x ", "看看"):
        with pytest.raises(Refused):
            contact.reveal_contact("aaaa", world.resident, world.worker, reason, NOW)
    with pytest.raises(Refused):
        contact.reveal_contact("aaaa", None, world.worker, "约上门时间", NOW)


def test_nobody_collects_numbers(world):
    for _n in range(20):
        contact.reveal_contact("aaaa", world.resident, world.worker, "约上门时间", NOW)
    with pytest.raises(TooOften):
        contact.reveal_contact("aaaa", world.resident, world.worker, "约上门时间", NOW)
    assert Entry.objects.filter(stream__name="aaaa").count() == 20
    contact.reveal_contact("aaaa", world.resident, world.leader, "约上门时间", NOW)
