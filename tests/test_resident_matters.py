"""What a resident is told and asked about their matters: only what is theirs, only what waits, and all of it."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from weilianxin.areas.locate import locate
from weilianxin.cases import cards
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Invalid
from weilianxin.cases.models import Case
from weilianxin.lib import words
from weilianxin.people import erasure
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category
from weilianxin.programmes.reports.pages.send import outlook
from weilianxin.programmes.reports.screening import near, recurring

from .support.world import photo

pytestmark = pytest.mark.django_db

OWN = "我是301的老斗，三楼灯不亮我摔伤了腿。请快点换。"
DAY = timedelta(days=1)


def category(code="XQ201"):
    return Category.objects.get(code=code, scheme="resident")


def here(world):
    return locate(place=world.entrance)


def report(world, who=None, at=None, text=OWN, **more):
    return intake.submit(
        who or world.resident, text=text, location=here(world), at=at, **{"category": category(), **more}
    )


def do(case, name, who, at=None, photos=(), **data):
    return perform(Case.objects.get(pk=case.pk), name, actor_on(case, who), at=at, photos=photos, **data)


def join(world, text="", who=None, **more):
    token = near(category(), here(world), timezone.now())[0]["token"]
    return intake.join(who or world.neighbour, token, text=text, **more)


def closed(world, at=None, note="灯换好了。", case=None):
    case = do(case or report(world, at=at), "accept", world.worker, at)
    shots = [(photo(world.worker), "after")]
    return do(case, "close_seen", world.worker, at, shots, outcome="solved", note=note, no_before="到场时已经修好")


def page(client, case):
    return client.get(reverse("reports:matter", args=[case.number])).content.decode()


# Whoever joined


@pytest.mark.parametrize("said", ["", "楼道灯不亮"])
def test_whoever_joins_is_handed_nothing_of_the_first_reporters_words(world, signed_in, said):
    report(world)
    joined = join(world, said)
    assert joined.title == category().name_zh
    assert "老斗" not in page(signed_in(world.neighbour), joined)
    erasure.erase(world.resident, timezone.now())
    assert not Case.objects.filter(title__contains="老斗").exists()


def test_a_closing_note_shows_whoever_joined_no_telephone_number(world, signed_in):
    parent = report(world)
    joined = join(world)
    closed(world, note=f"已给{world.resident.phone}打过电话。", case=parent)
    assert world.resident.phone in page(signed_in(world.resident), parent)
    assert world.resident.phone not in page(signed_in(world.neighbour), joined)


def test_what_the_first_reporter_is_asked_waits_for_nobody_else(world, signed_in):
    parent = report(world)
    joined = join(world)
    do(parent, "ask", world.worker, note="几楼？")
    assert [card["turn"] for card in cards.open_matters(world.resident, timezone.now())] == [True]
    assert [card["turn"] for card in cards.open_matters(world.neighbour, timezone.now())] == [False]
    client = signed_in(world.neighbour)
    shown = page(client, joined)
    assert "等报事的邻居补充" in shown and "请您补充" not in shown and "您的回答" not in shown
    client.cookies["elder"] = "1"
    home = client.get(reverse("portal:home")).content.decode()
    assert "这件事办好了吗" not in home and "回答一句" not in home


def test_a_refusal_is_explained_to_whoever_joined_and_another_person_looks_at_theirs(world, signed_in):
    parent = report(world)
    joined = join(world)
    do(parent, "refuse", world.worker, reason="R09", right_channel="逐月街道", note="在隔壁街道")
    client = signed_in(world.neighbour)
    shown = page(client, joined)
    assert "没有受理：" in shown and "逐月街道" in shown
    assert reverse("reports:act", args=[joined.number, "split_out"]) in shown
    again = do(joined, "split_out", world.neighbour, note="就在我们小区")
    assert again.contested == 1 and again.holder == world.leader
    with pytest.raises(Exception, match="复看|另一个人"):
        do(again, "refuse", world.worker, reason="R09", right_channel="逐月街道", note="")


def test_joining_takes_only_the_choices_there_are(world):
    report(world)
    with pytest.raises(Invalid):
        join(world, anonymity="N9")


# What the first page asks for


def test_a_judgement_is_asked_for_as_long_as_it_can_be_given(world, signed_in):
    now = timezone.now()
    case = closed(world, at=now - 20 * DAY)
    case.refresh_from_db()
    assert case.rateable_until < now < case.disputable_until
    assert cards.open_matters(world.resident, now) == []
    shown = page(signed_in(world.resident), case)
    assert 'id="rate"' not in shown and 'id="dispute"' in shown
    assert cards.open_matters(world.resident, now - 10 * DAY)[0]["turn"]


def test_what_waits_for_a_person_is_never_pushed_off_the_first_page(world):
    now = timezone.now()
    asked = report(world, at=now - 3 * DAY)
    do(asked, "ask", world.worker, now - 3 * DAY, note="几楼？")
    judged = closed(world, at=now - 2 * DAY)
    for n in range(cards.MOST + 1):
        report(world, at=now - timedelta(hours=n + 1))
    shown = [card["case"].pk for card in cards.open_matters(world.resident, now)]
    assert len(shown) == cards.MOST and set(shown[:2]) == {asked.pk, judged.pk}


def test_a_matter_that_was_voided_still_has_a_word(world):
    case = report(world)
    do(case, "propose_void", world.dispatcher, note="测试时误报")
    case = do(case, "void", world.duty)
    assert cards.card(case, timezone.now())["word"]


# What everybody may see


def test_complaints_about_people_show_on_no_open_page(world):
    complaint = report(world, kind="投诉", about="worker", text="网格员态度很差，好几次说话不算数。")
    case = do(complaint, "accept", world.secretary)
    case = do(case, "start", world.secretary)
    plan = {"public_plan": "等调查结果", "review_date": timezone.localdate() + 10 * DAY, "note": "要调查"}
    do(case, "suspend", world.duty, **plan)
    shown = Client().get(reverse("reports:public_waiting")).content.decode()
    assert f"尾号 {case.number[-4:]}" not in shown and "等调查结果" not in shown


@pytest.mark.parametrize("more", [{"anonymity": "N2"}, {"kind": "投诉", "about": "person"}])
def test_what_is_hidden_is_not_told_as_what_was_done_here_before(world, more):
    case = report(world, text="三楼的人把灯拆了，晚上看不见。", **more)
    Case.objects.filter(pk=case.pk).update(state="closed", phase="done", closed_at=timezone.now())
    assert recurring(category(), here(world), timezone.now()) is None


def test_english_calls_the_days_of_the_week_by_their_names():
    monday = date(2026, 11, 23)
    with translation.override("en"):
        told = [str(words.WEEKDAYS[n]) for n in range(7)]
    assert told == [(monday + n * DAY).strftime("%a") for n in range(7)]
    assert re.fullmatch(r"[A-Z][a-z]{2}", told[0])


def test_doing_it_again_is_offered_only_while_its_reporter_can_ask_for_it(world):
    now = timezone.now()
    case = closed(world, at=now - DAY)

    def offered(moment):
        data = {"text": "三楼的灯又不亮了，晚上看不见。"}
        return outlook(data, category(), here(world), world.resident, moment)["recur_mine"]

    assert offered(now)
    Case.objects.filter(pk=case.pk).update(disputable_until=now - timedelta(hours=1))
    assert not offered(now)
    Case.objects.filter(pk=case.pk).update(disputable_until=now + DAY)
    do(case, "dispute", world.resident, now, note="还是不亮")
    Case.objects.filter(pk=case.pk).update(state="closed", phase="done", closed_at=now)
    assert not offered(now)  # once is what a reporter can ask for
