"""The administrator's and the auditor's pages: who may see them, what a change does, and that it is in the journal."""

import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from tests.support.world import client_for
from weilianxin.areas.models import Area, CalendarDay, Plate
from weilianxin.desk.admin.journal import act_words
from weilianxin.journal.models import Entry
from weilianxin.notify.models import Text
from weilianxin.people.models import Account, Post, Role, Unit
from weilianxin.programmes.reports import policy
from weilianxin.programmes.reports.models import Category, LevelLimit, RuleVersion

PAGES = (
    "desk:admin_home",
    "desk:admin_areas",
    "desk:admin_plates",
    "desk:admin_people",
    "desk:admin_person_add",
    "desk:admin_units",
    "desk:admin_unit_add",
    "desk:admin_texts",
    "desk:admin_calendar",
    "desk:admin_imports",
    "reports_desk:categories",
    "reports_desk:category_add",
    "reports_desk:limits",
    "reports_desk:parameters",
)


@pytest.fixture
def admin(world):
    return client_for(world.admin)


def detail_pages(world):
    text = Text.objects.first()
    return [
        reverse("desk:admin_area", args=[world.grid.code]),
        reverse("desk:admin_area", args=[world.community.code]),
        reverse("desk:admin_compound", args=[world.compound.pk]),
        reverse("desk:admin_plate_history", args=[world.entrance.pk]),
        reverse("desk:admin_person", args=[world.worker.ref]),
        reverse("desk:admin_unit", args=[world.property.ref]),
        reverse("desk:admin_unit", args=[world.sanitation.ref]),
        reverse("desk:admin_text", args=[text.pk]),
        reverse("desk:admin_calendar_year", args=[2026]),
        reverse("desk:admin_import_blank", args=["areas"]),
        reverse("desk:admin_import_blank", args=["staff"]),
        reverse("reports_desk:category", args=["XQ101"]),
    ]


def everything(world):
    return [reverse(name) for name in PAGES] + detail_pages(world)


def last(stream="configuration"):
    entry = Entry.objects.filter(stream__name=stream).order_by("-seq").first()
    return (entry.action, json.loads(entry.payload)) if entry else (None, {})


# Who may see what


def test_every_page_opens_for_an_administrator_with_a_second_factor(world, admin):
    for url in everything(world):
        assert admin.get(url).status_code == 200, url


def test_to_other_staff_the_pages_do_not_exist(world):
    for account in (world.worker, world.secretary, world.dispatcher, world.duty, world.auditor):
        client = client_for(account)
        for url in everything(world):
            assert client.get(url).status_code == 404, (account.name, url)


def test_residents_and_strangers_are_sent_to_the_sign_in_page(world, client):
    for visitor in (client, client_for(world.resident)):
        for url in everything(world):
            answer = visitor.get(url)
            assert answer.status_code == 302 and answer["Location"].startswith(reverse("desk:signin")), url


def test_an_administrator_whose_second_factor_was_not_asked_sees_nothing(world):
    client = client_for(world.admin)
    session = client.session
    session["account"] = {**session["account"], "second": False}
    session.save()
    for url in everything(world):
        answer = client.get(url)
        assert answer.status_code == 302 and answer["Location"].startswith(reverse("desk:second_factor")), url


def test_a_removed_administrator_loses_the_pages_at_the_next_request(world, admin):
    assert admin.get(reverse("desk:admin_home")).status_code == 200
    Post.objects.filter(account=world.admin).update(until=timezone.now())
    assert admin.get(reverse("desk:admin_home")).status_code == 404


def test_the_journal_is_for_the_auditor_alone(world, admin):
    for name in ("desk:admin_journal", "desk:admin_verify"):
        assert client_for(world.auditor).get(reverse(name)).status_code == 200
        assert admin.get(reverse(name)).status_code == 404


@pytest.mark.parametrize(
    "name",
    ["desk:admin_people", "desk:admin_units", "desk:admin_areas", "desk:admin_plates", "reports_desk:categories"],
)
def test_a_list_costs_the_same_with_many_rows(world, admin, name, django_assert_max_num_queries):
    admin.get(reverse(name))
    for n in range(40):
        account = Account.objects.create(kind=Account.STAFF, username=f"more{n}", name="多")
        Post.objects.create(account=account, role=Role.CENTRE_VERIFIER, area=world.subdistrict)
        Unit.objects.create(kind="sanitation_contractor", name_zh=f"环卫{n}")
    with django_assert_max_num_queries(16):
        admin.get(reverse(name))


# The first page


def test_the_first_page_says_what_the_check_says(world, admin):
    from weilianxin.config.check import problems

    page = admin.get(reverse("desk:admin_home")).content.decode()
    found = problems()
    assert found and all(problem.what.split("：")[0] in page for problem in found)


# Staff


def new_account(admin, **more):
    values = {"name": "昴日", "username": "maori", "phone": "13900009999", "_key": "k1"} | more
    return admin.post(reverse("desk:admin_person_add"), values)


def test_a_new_account_has_a_password_that_is_shown_once_and_must_be_changed(world, admin):
    answer = new_account(admin)
    account = Account.objects.get(username="maori")
    page = admin.get(answer["Location"]).content.decode()
    word = page.split('class="secretword">')[1].split("<")[0]
    assert account.check_password(word) and account.last_login is None
    assert word not in admin.get(answer["Location"]).content.decode()
    assert last() == ("account_added", {"account": account.ref})
    assert "昴日" not in Entry.objects.order_by("-pk").first().payload


def test_a_form_sent_twice_makes_one_account(world, admin):
    first, second = new_account(admin), new_account(admin)
    assert first["Location"] == second["Location"]
    assert Account.objects.filter(name="昴日").count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "staff100"), ("username", "毛日"), ("username", "ab"), ("phone", "13900000100"), ("name", "")],
)
def test_what_cannot_be_an_account_is_refused_and_what_was_typed_stays(world, admin, field, value):
    Account.objects.filter(pk=world.worker.pk).update(username="staff100", phone="13900000100")
    answer = new_account(admin, **{field: value})
    assert answer.status_code == 422 and not Account.objects.filter(name="昴日", username="maori").exists()
    page = answer.content.decode()
    assert 'role="alert"' in page and ("昴日" in page or field == "name") and "is-bad" in page


def test_an_absence_that_leaves_a_grid_without_anybody_is_refused_with_the_reason(world, admin):
    day = timezone.localdate() + timedelta(days=1)
    Post.objects.filter(area=world.grid).exclude(account=world.worker).update(until=timezone.now())
    url = reverse("desk:admin_person_act", args=[world.worker.ref, "absence"])
    answer = admin.post(url, {"kind": "leave", "since": day, "until": day})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "没有人值守" in page and day.isoformat() in page
    assert not world.worker.absences.exists()


def test_an_absence_that_is_covered_is_noted(world, admin):
    day = timezone.localdate() + timedelta(days=1)
    url = reverse("desk:admin_person_act", args=[world.worker.ref, "absence"])
    assert admin.post(url, {"kind": "leave", "since": day, "until": day}).status_code == 302
    absence = world.worker.absences.get()
    assert timezone.localtime(absence.until).date() == day + timedelta(days=1)
    assert last("posts")[0] == "absence"


def test_a_post_is_given_and_ended(world, admin):
    url = reverse("desk:admin_person_act", args=[world.verifier.ref, "post"])
    wrong = admin.post(url, {"role": Role.GRID_WORKER, "area": world.community.code})
    assert wrong.status_code == 422 and "不设在" in wrong.content.decode()
    admin.post(url, {"role": Role.GRID_WORKER_BACKUP, "area": world.grid.code})
    post = world.verifier.posts.get(role=Role.GRID_WORKER_BACKUP)
    admin.post(reverse("desk:admin_person_act", args=[world.verifier.ref, "end"]), {"post": post.pk})
    post.refresh_from_db()
    assert post.until is not None and last("posts")[0] == "post_ended"


def test_the_last_worker_of_a_grid_cannot_be_taken_away(world, admin):
    Post.objects.filter(area=world.grid).exclude(account=world.worker).update(until=timezone.now())
    post = world.worker.posts.get(area=world.grid)
    answer = admin.post(reverse("desk:admin_person_act", args=[world.worker.ref, "end"]), {"post": post.pk})
    assert answer.status_code == 409
    post.refresh_from_db()
    assert post.until is None
    assert admin.post(reverse("desk:admin_person_act", args=[world.worker.ref, "leave"])).status_code == 409


def test_a_second_factor_is_reset_by_another_administrator_only(world, admin):
    own = admin.post(reverse("desk:admin_person_act", args=[world.admin.ref, "factor"]))
    assert own.status_code == 422
    Account.objects.filter(pk=world.duty.pk).update(totp_secret="JBSWY3DPEHPK3PXP")
    admin.post(reverse("desk:admin_person_act", args=[world.duty.ref, "factor"]))
    world.duty.refresh_from_db()
    assert world.duty.totp_secret == "" and last("accounts")[0] == "second_factor_reset"


def test_a_shut_account_is_out_at_once_and_may_come_back(world, admin):
    theirs = client_for(world.callback)
    assert theirs.get(reverse("desk:about")).status_code == 200
    admin.post(reverse("desk:admin_person_act", args=[world.callback.ref, "leave"]))
    assert theirs.get(reverse("desk:about")).status_code == 302
    admin.post(reverse("desk:admin_person_act", args=[world.callback.ref, "return"]))
    world.callback.refresh_from_db()
    assert world.callback.is_active and not world.callback.posts.filter(until=None).exists()


def test_whoever_comes_back_says_their_number_anew(world, admin):
    old, back = world.callback.phone, reverse("desk:admin_person_act", args=[world.callback.ref, "return"])
    admin.post(reverse("desk:admin_person_act", args=[world.callback.ref, "leave"]))
    Account.objects.create(phone=old)  # its next owner, or they themselves as a resident
    refused = admin.post(back, {"phone": old})
    assert refused.status_code == 422 and "is-bad" in refused.content.decode()
    assert admin.post(back, {"phone": "13900009998"}).status_code == 302
    world.callback.refresh_from_db()
    assert world.callback.is_active and world.callback.phone == "13900009998"


def test_the_number_of_staff_is_corrected_and_the_journal_does_not_learn_it(world, admin):
    url = reverse("desk:admin_person_act", args=[world.worker.ref, "phone"])
    assert admin.post(url, {"phone": world.resident.phone}).status_code == 422
    assert admin.post(url, {"phone": "13900009998"}).status_code == 302
    world.worker.refresh_from_db()
    assert world.worker.phone == "13900009998"
    assert last() == ("account_phone", {"account": world.worker.ref})
    shown = admin.get(reverse("desk:admin_person", args=[world.worker.ref])).content.decode()
    assert "139****9998" in shown and "13900009998" not in shown


def test_residents_are_not_among_the_staff(world, admin):
    assert admin.get(reverse("desk:admin_person", args=[world.resident.ref])).status_code == 404
    assert "老斗" not in admin.get(reverse("desk:admin_people")).content.decode()


# Units


def test_a_unit_is_registered_and_tied_to_its_compounds(world, admin):
    answer = admin.post(
        reverse("desk:admin_unit_add"), {"kind": "property_company", "name_zh": "新物业", "phone": "13800000999"}
    )
    unit = Unit.objects.get(name_zh="新物业")
    values = {"name_zh": "新物业", "is_active": "yes", "ties": [world.compound.pk, world.other_compound.pk, "99999"]}
    assert admin.post(answer["Location"].split("?")[0], values).status_code == 302
    assert set(unit.compounds.all()) == {world.compound, world.other_compound}
    action, facts = last()
    assert action == "unit_changed" and facts["unit"] == unit.ref and len(facts["tied"]) == 2
    assert "13800000999" not in "".join(Entry.objects.values_list("payload", flat=True))


def test_a_unit_tied_to_areas_is_offered_areas_of_its_level_only(world, admin):
    url = reverse("desk:admin_unit", args=[world.committee.ref])
    values = {"name_zh": "居委会", "is_active": "no", "ties": [world.other_community.code, world.grid.code]}
    admin.post(url, values)
    world.committee.refresh_from_db()
    assert list(world.committee.areas.all()) == [world.other_community] and not world.committee.is_active


# Plates


def test_plates_are_issued_for_every_entrance_once(world, admin):
    Plate.objects.filter(place__compound=world.compound).delete()
    url = reverse("desk:admin_issue", args=[world.compound.pk])
    admin.post(url, {"_key": "a"})
    admin.post(url, {"_key": "b"})
    assert Plate.objects.filter(place=world.entrance, revoked_at=None).count() == 1


def test_a_plate_is_replaced_and_taken_out_of_use(world, admin):
    admin.post(reverse("desk:admin_plate", args=[world.plate.code, "reissue"]))
    world.plate.refresh_from_db()
    new = Plate.objects.get(place=world.entrance, revoked_at=None)
    assert world.plate.revoked_at and new.code != world.plate.code
    admin.post(reverse("desk:admin_plate", args=[new.code, "revoke"]))
    assert not Plate.objects.filter(place=world.entrance, revoked_at=None).exists()
    assert last()[0] == "plate_revoke"


# Texts


def words(text, **more):
    values = {name: getattr(text, name) for name in ("title_zh", "body_zh", "title_en", "body_en")}
    return values | {"channels": text.channels.split(), "urgent": "no"} | more


def test_a_text_is_changed_and_journalled_and_can_come_back(world, admin):
    text = Text.objects.get(act="accepted", audience="reporter")
    before, url = text.body_zh, reverse("desk:admin_text", args=[text.pk])
    admin.post(url, words(text, body_zh="{number}受理了。"))
    text.refresh_from_db()
    assert text.body_zh == "{number}受理了。" and text.edited_at and last()[0] == "text_changed"
    admin.post(reverse("desk:admin_text_shipped", args=[text.pk]))
    text.refresh_from_db()
    assert text.body_zh == before and text.edited_at is None


def test_a_preview_shows_the_words_filled_in_and_keeps_nothing(world, admin):
    text = Text.objects.get(act="accepted", audience="reporter")
    url = reverse("desk:admin_text", args=[text.pk])
    page = admin.post(url, words(text, body_zh="试一试{number}", preview="1"))
    assert page.status_code == 200 and "试一试260310-0001-8" in page.content.decode()
    assert Text.objects.get(pk=text.pk).body_zh == text.body_zh and last()[0] != "text_changed"


def test_a_text_with_an_unknown_field_is_refused_at_its_field(world, admin):
    text = Text.objects.get(act="accepted", audience="reporter")
    answer = admin.post(reverse("desk:admin_text", args=[text.pk]), words(text, body_zh="{phone}"))
    assert answer.status_code == 422 and "{phone}" in answer.content.decode()
    assert Text.objects.get(pk=text.pk).body_zh == text.body_zh


# The calendar


def test_a_day_is_entered_and_removed_and_a_missing_year_is_an_alarm(world, admin):
    year = timezone.localdate().year
    CalendarDay.objects.all().delete()
    url = reverse("desk:admin_calendar_year", args=[year])
    assert f"还没有 {year}" in admin.get(url).content.decode()
    day = {"date": f"{year}-10-01", "kind": "holiday", "name_zh": "国庆节", "year_source": "通知"}
    assert admin.post(reverse("desk:admin_calendar_act", args=[year, "day"]), day).status_code == 302
    page = admin.get(url).content.decode()
    assert "国庆节" in page and f"还没有 {year}" not in page
    admin.post(reverse("desk:admin_calendar_act", args=[year, "remove"]), {"date": f"{year}-10-01"})
    assert not CalendarDay.objects.exists() and last()[0] == "calendar_day_removed"


def test_days_and_hours_that_cannot_be_are_refused(world, admin):
    for what, values in (
        ("day", {"date": "2026-02-30", "kind": "holiday", "year_source": "x"}),
        ("day", {"date": "1026-02-03", "kind": "holiday", "year_source": "x"}),
        ("day", {"date": "2026-02-03", "kind": "party", "year_source": "x"}),
        ("hours", {"hours": "8 to 5"}),
        ("hours", {"hours": "13:00-12:00"}),
    ):
        answer = admin.post(reverse("desk:admin_calendar_act", args=[2026, what]), values)
        assert answer.status_code == 422, values
    assert admin.post(reverse("desk:admin_calendar_act", args=[2026, "sing"])).status_code == 404


def test_office_hours_are_what_limits_count_in(world, admin):
    from weilianxin.areas.calendar import work_calendar

    admin.post(reverse("desk:admin_calendar_act", args=[2026, "hours"]), {"hours": "09:00-12:00 14:00-18:00"})
    assert [f"{a:%H%M}-{b:%H%M}" for a, b in work_calendar().windows] == ["0900-1200", "1400-1800"]


# Imports


def sheet(text, name="x.csv"):
    file = io.BytesIO(text.encode())
    file.name = name
    return file


def test_an_import_with_a_bad_row_takes_nothing_and_shows_the_row(world, admin):
    text = f"登录名,姓名,手机,邮箱,岗位,区域代码\nnewone,毕月,,,网格长,{world.grid.code}\nbad,觜火,,,没有这种岗位,1\n"
    answer = admin.post(reverse("desk:admin_import", args=["staff"]), {"file": sheet(text)})
    page = answer.content.decode()
    assert answer.status_code == 422 and "没有这种岗位" in page and "怎么改" in page
    assert not Account.objects.filter(username="newone").exists()


def test_staff_are_imported_and_their_first_passwords_shown_once(world, admin):
    text = f"登录名,姓名,手机,邮箱,岗位,区域代码\nnewone,毕月,,,网格长,{world.grid.code}\n"
    answer = admin.post(reverse("desk:admin_import", args=["staff"]), {"file": sheet(text)})
    assert answer.status_code == 302
    account = Account.objects.get(username="newone")
    page = admin.get(answer["Location"]).content.decode()
    word = page.split('<td class="mono">')[1].split("<")[0]
    assert account.check_password(word)
    assert word not in admin.get(answer["Location"]).content.decode()


def test_areas_and_outlines_are_imported_through_the_page(world, admin):
    blank = admin.get(reverse("desk:admin_import_blank", args=["areas"])).content.decode("utf-8-sig")
    assert "编码" in blank.splitlines()[0]
    text = f"编码,名称,级别,上级编码\n330102098003,天玑社区,社区,{world.subdistrict.code}\n"
    answer = admin.post(reverse("desk:admin_import", args=["areas"]), {"file": sheet(text)})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    assert Area.objects.filter(code="330102098003").exists()
    broken = admin.post(reverse("desk:admin_import", args=["outlines"]), {"file": sheet("{", "x.geojson")})
    assert broken.status_code == 422


def test_messages_of_another_channel_are_imported_once(world, admin):
    from weilianxin.cases.models import Case

    text = "编号,标题,内容,时间\nA-1,路灯不亮,星影苑6幢门口的路灯不亮了,2026-03-01 10:00\n"
    for _again in range(2):
        url = reverse("desk:admin_import_reports", args=["reports"])
        assert admin.post(url, {"file": sheet(text), "source": "hotline"}).status_code == 302
    assert Case.objects.count() == 1
    nameless = admin.post(url, {"file": sheet(text)})
    assert nameless.status_code == 422 and "哪个渠道" in nameless.content.decode()


def test_a_refused_import_names_its_file_and_its_column_and_keeps_what_was_typed(world, admin):
    url = reverse("desk:admin_import_reports", args=["reports"])
    text = "工单,标题,写了什么\nA-1,路灯不亮,星影苑6幢门口的路灯不亮了\n"
    form = {"source": "hotline", "column_number": "工单"}
    shown = admin.post(url, {"file": sheet(text), **form}).content.decode()
    assert re.search(r'id="column_text-e".*?“内容”.*?id="m-text"', shown, re.S)
    assert 'value="hotline"' in shown and 'value="工单"' in shown
    shown = admin.post(url, {"file": sheet(text), **form, "column_text": "写的"}).content.decode()
    assert re.search(r'id="column_text-e".*?写的.*?id="m-text"', shown, re.S)
    bad = "登录名,姓名,手机,邮箱,岗位,区域代码\nbad,觜火,,,没有这种岗位,1\n"
    shown = admin.post(reverse("desk:admin_import", args=["staff"]), {"file": sheet(bad, "新人.csv")}).content.decode()
    assert "人员和岗位：新人.csv 里要改的" in shown
    shown = admin.post(reverse("desk:admin_import", args=["units"])).content.decode()
    assert 'id="f-units-e"' in shown and 'id="f-staff-e"' not in shown


def test_no_file_and_a_file_that_is_none_are_refused_with_a_sentence(world, admin):
    for kind in ("areas", "places", "outlines", "calendar", "staff", "units"):
        url = reverse("desk:admin_import", args=[kind])
        assert admin.post(url).status_code == 422, kind
        garbage = io.BytesIO(bytes(range(256)) * 20)
        garbage.name = "x.xlsx"
        assert admin.post(url, {"file": garbage}).status_code == 422, kind


# Categories, limits, parameters


def category_form(code="XQ101", **more):
    row = Category.objects.get(code=code)
    names = ("name_zh", "name_en", "hint_zh", "urgency", "accept_limit", "on_site_limit", "handle_limit")
    names += ("channel_out", "lead", "lead_without_property", "public", "recheck_days", "keywords", "note")
    return {name: getattr(row, name) for name in names} | {"assists": row.assist_kinds} | more


def test_a_changed_category_makes_a_new_version_of_the_rules(world, admin):
    before = policy.rule_version()
    url = reverse("reports_desk:category", args=["XQ101"])
    admin.post(url, category_form(handle_limit="3wd"))
    assert Category.objects.get(code="XQ101").handle_limit == "3wd"
    assert policy.rule_version() != before
    action, facts = last()
    assert action == "category_changed" and facts["fields"] == ["handle_limit"]
    assert facts["version"] == policy.rule_version()
    versions = RuleVersion.objects.count()
    admin.post(url, category_form())
    assert RuleVersion.objects.count() == versions, "nothing changed, so no new version"


@pytest.mark.parametrize("value", ["soon", "0wd", "3 weeks", "-1wd"])
def test_a_limit_that_is_none_is_refused_at_its_field(world, admin, value):
    before = policy.rule_version()
    answer = admin.post(reverse("reports_desk:category", args=["XQ101"]), category_form(handle_limit=value))
    assert answer.status_code == 422 and value in answer.content.decode()
    assert policy.rule_version() == before


def test_integrity_reports_cannot_be_led_elsewhere(world, admin):
    row = Category.objects.filter(channel_out="integrity").first()
    answer = admin.post(reverse("reports_desk:category", args=[row.code]), category_form(row.code, channel_out="case"))
    assert answer.status_code == 422
    row.refresh_from_db()
    assert row.channel_out == "integrity"


def test_a_local_category_is_added_and_ended(world, admin):
    values = category_form(name_zh="楼顶种菜") | {"code": "XQ998", "column": "ECO"}
    assert admin.post(reverse("reports_desk:category_add"), values | {"code": "06001"}).status_code == 422
    assert admin.post(reverse("reports_desk:category_add"), values).status_code == 302
    assert admin.post(reverse("reports_desk:category_add"), values).status_code == 422
    assert Category.objects.current().get(code="XQ998").column_zh == "生态安全"
    for _again in range(2):  # the button pressed twice, or on a page that was left open
        assert admin.post(reverse("reports_desk:category_end", args=["XQ998"])).status_code == 302
    assert not Category.objects.current().filter(code="XQ998").exists()
    assert Entry.objects.filter(stream__name="configuration", action="category_ended").count() == 1


@pytest.mark.parametrize("code", ["XQ999", "XQI01"])
def test_what_every_report_may_fall_back_on_cannot_be_ended(world, admin, code):
    assert admin.post(reverse("reports_desk:category_end", args=[code])).status_code == 422
    assert Category.objects.current().filter(code=code).exists()


def test_limits_of_a_level_are_changed_with_a_new_version(world, admin):
    values = {}
    for level in LevelLimit.objects.all():
        for name in ("accept_limit", "on_site_limit", "handle_limit"):
            values[f"{level.pk}-{name}"] = getattr(level, name)
    before = policy.rule_version()
    url = reverse("reports_desk:limits")
    admin.post(url, values | {"U2-handle_limit": "7wd"})
    assert LevelLimit.objects.get(pk="U2").handle_limit == "7wd" and policy.rule_version() != before
    assert last()[1]["limits"] == {"U2": "2wh - 7wd"}
    empty = admin.post(url, values | {"U2-handle_limit": ""})
    assert empty.status_code == 422 and LevelLimit.objects.get(pk="U2").handle_limit == "7wd"


def test_parameters_are_changed_within_their_bounds(world, admin):
    values = {key: policy.parameter(key) for key in policy.PARAMETERS} | {"sample_percent": "5"}
    url = reverse("reports_desk:parameters")
    assert admin.post(url, values | {"dispute_days": "45"}).status_code == 302
    assert policy.parameter("dispute_days") == "45" and last()[1]["dispute_days"] == "45"
    for key, wrong in (
        ("sample_percent", "0"),
        ("sample_percent", "101"),
        ("dispute_days", "many"),
        ("answer_limit", "3 weeks"),
        ("text_least", "6000"),
        ("rating_days", ""),
    ):
        assert admin.post(url, values | {key: wrong}).status_code == 422, (key, wrong)


# The journal


def test_the_auditor_sees_who_changed_what_and_can_narrow_it(world, admin):
    new_account(admin)
    auditor = client_for(world.auditor)
    page = auditor.get(reverse("desk:admin_journal"), {"stream": "configuration"}).content.decode()
    assert "account_added" in page and world.admin.name in page
    assert "account_added" not in auditor.get(reverse("desk:admin_journal"), {"actor": "nobody"}).content.decode()


def test_the_journal_is_paged(world, admin, django_assert_max_num_queries):
    from weilianxin.journal import log

    for n in range(120):
        log.append("configuration", f"act_{n:03d}", world.admin.ref, {"n": n})
    auditor = client_for(world.auditor)
    with django_assert_max_num_queries(14):
        page = auditor.get(reverse("desk:admin_journal")).content.decode()
    assert page.count("<summary>原文") == 50 and "before=" in page


def test_everything_that_is_written_into_the_journal_has_a_word(world):
    """What the sources hand to the journal, found as it is written there."""
    words, sources = act_words(), Path(settings.BASE_DIR)
    calls = re.compile(
        r'(?:\bnote|\bchanged)\(request, "(\w+)"|_journal\("(\w+)"|log\.append\([^"]*"?[^",]*"?,\s*"(\w+)"'
    )
    found = {next(filter(None, hit)) for file in sources.rglob("*.py") for hit in calls.findall(file.read_text())}
    assert len(found) > 30 and not found - set(words)


def test_the_auditor_reads_words_and_unfolds_what_was_recorded(world, admin):
    new_account(admin)
    page = client_for(world.auditor).get(reverse("desk:admin_journal")).content.decode()
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "新建账号" in page and "account_added" in folded and "{" in folded


def test_limits_are_read_in_words(world, admin):
    shown = admin.get(reverse("reports_desk:categories")).content.decode()
    assert "2 个工作小时" in shown and ">2wh<" not in shown
    assert "5 分钟" in admin.get(reverse("reports_desk:limits")).content.decode()
    assert "3 个工作日，写作 3wd" in admin.get(reverse("reports_desk:parameters")).content.decode()


def test_staff_are_found_by_name_and_an_empty_answer_says_what_to_do(world, admin):
    url = reverse("desk:admin_people")
    shown = admin.get(url, {"q": "角木"}).content.decode()
    assert world.worker.ref in shown and world.backup.ref not in shown
    assert world.worker.ref in admin.get(url, {"q": world.worker.username.upper()}).content.decode()
    assert "没有找到这样的人员" in admin.get(url, {"q": "没有这个人"}).content.decode()


def test_verifying_says_that_the_chain_holds_and_finds_what_was_changed(world, admin):
    new_account(admin)
    auditor = client_for(world.auditor)
    assert "没有发现改动" in auditor.get(reverse("desk:admin_verify")).content.decode()
    from weilianxin.journal.models import Stream

    Stream.objects.filter(name="configuration").update(seq=9)
    assert "发现" in auditor.get(reverse("desk:admin_verify")).content.decode()
