"""A sensitive matter leaves every place at once, and nobody comes across it again."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.models import Case
from weilianxin.lib.refusal import Refused
from weilianxin.notify.models import Message, Outbox
from weilianxin.programmes.reports import intake, screening
from weilianxin.programmes.reports.models import Category, Report

from .support.api import Caller
from .support.visitors import ask, come_in, do, made_public, make_things, picture, report, taken_back
from .support.world import resident
from .test_permissions import address, table

pytestmark = pytest.mark.django_db

# Who has no part in a matter of 天枢社区; and its posts, who see it where they work and nowhere else.
OUTSIDERS = (
    "nobody", "neighbour", "stranger", "handler", "admin", "auditor", "far-worker", "far-secretary"
)  # fmt: skip
POSTS = ("worker", "leader", "secretary", "dispatcher", "verifier", "duty")
FOR_ALL = ("reports:public", "reports:public_map", "reports:public_waiting")


@pytest.fixture
def things(db, settings, tmp_path):
    settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path
    return make_things()


@pytest.fixture
def secret(things):
    """Two matters of one entrance: one that was public until it was sealed, one that a neighbour joined and that waits
    with a public plan until the police is told."""
    w = things.w
    who = w.bare_resident
    shown = report(who, w.entrance, text="暗号甲楼上天天吵闹砸东西。", place_text="暗处甲三楼东边")
    made_public(shown)
    Report.objects.filter(pk=shown.pk).update(public_title="暗题甲", public_text="暗文甲")
    waits = report(who, w.entrance, text="暗号乙隔壁整夜有人哭喊。", place_text="暗处乙三楼西边")
    token = screening.near(waits.report.category, locate(place=w.entrance), timezone.now())
    token = next(row["token"] for row in token if row["case"].pk == waits.pk)
    things.joined = intake.join(w.neighbour, token)
    do(waits, "accept", w.worker)
    do(waits, "start", w.worker)
    day = timezone.localdate() + timedelta(days=20)
    do(waits, "suspend", w.duty, note="要等人", public_plan="暗计乙：请人上门量声音", review_date=day)
    things.matters, things.near_token = (shown, waits), token
    things.cookies = come_in(things)
    return things


def words_of(things):
    return {word for c in things.matters for word in (c.number, c.title[:6])} | {
        "暗号甲", "暗号乙", "暗处甲", "暗处乙", "暗题甲", "暗文甲", "暗计乙",
    }  # fmt: skip


def seal(things):
    shown, waits = things.matters
    do(Case.objects.get(pk=shown.pk), "seal", things.w.secretary, note="家里的事")
    do(Case.objects.get(pk=waits.pk), "police_report", things.w.worker, receiver="110 接警台")


def found(things, visitors, addresses):
    """[(visitor, address, word)] of every page that names one of the matters."""
    client, wrong, read = Client(), [], 0
    words, numbers = words_of(things), {case.number for case in things.matters}
    for visitor in visitors:
        for url in addresses(visitor):
            with taken_back():
                response, _tables = ask(client, things.cookies[visitor], "GET", url)
                body = b"".join(response.streaming_content) if response.streaming else response.content
            read += response.status_code == 200
            said = body.decode(errors="replace")
            for echo in (
                "暗号甲",
                "暗号乙",
                *(c.number for c in things.matters),
            ):  # what was asked for may be said back
                said = said.replace(f'value="{echo}"', "") if echo in url or quote(echo) in url else said
            # The journal is for ever: numbers stand in it, which open nothing to its reader.
            named = words - numbers if url.startswith(reverse("desk:admin_journal")) else words
            wrong += [(visitor, url, word) for word in named if word in said]
    return wrong, read


def every_page(things):
    """All that a visitor may open by GET as the table of permissions says, and what they might ask for with words."""
    rows = [row for row in table() if row["method"] == "GET"]
    community = things.w.community.code

    def of(visitor):
        for row in rows:
            if row[visitor] == "ok":
                yield address(row["url"], row["object"], things)
        for name in FOR_ALL:
            yield f"{reverse(name)}?community={community}"
        if visitor not in ("nobody", "neighbour", "stranger", "handler"):
            for asked in ("暗号甲", "暗号乙", *(case.number for case in things.matters)):
                yield f"{reverse('desk:search')}?q={quote(asked)}"

    return of


def test_whoever_has_no_part_in_a_sealed_matter_reads_of_it_on_no_page_and_in_no_list(secret):
    everywhere = every_page(secret)
    before, _read = found(secret, ("nobody",), everywhere)
    assert {word for _visitor, _url, word in before} >= {"暗题甲", "暗计乙"}, "it was public until then"
    seal(secret)
    wrong, read = found(secret, OUTSIDERS, everywhere)
    assert not wrong, "\n".join(map(str, wrong))
    assert read > 200


def test_who_joined_a_matter_that_was_sealed_reads_their_own_words_only(secret):
    seal(secret)
    mine = [reverse(f"reports:{name}", args=[secret.joined.number]) for name in ("matter", "receipt")]
    mine += [reverse("reports:matters"), reverse("portal:home"), reverse("portal:inbox"), reverse("portal:me")]
    mine += [reverse("api:matter", args=[secret.joined.number]), reverse("api:matters")]
    wrong, read = found(secret, ("neighbour",), lambda _visitor: mine)
    assert not wrong and read == len(mine)
    secret.joined.refresh_from_db()
    assert secret.joined.sensitive, "what they saw is as secret"
    do(Case.objects.get(pk=secret.matters[1].pk), "unseal", secret.w.duty, note="弄清楚了，不是")
    secret.joined.refresh_from_db()
    assert not secret.joined.sensitive


def test_the_posts_of_its_area_come_across_it_in_no_search_map_or_neighbourhood(secret):
    w = secret.w
    other = report(w.stranger, w.entrance, text="走廊里又有声音，灯也不亮。")
    seal(secret)

    def pages(_visitor):
        yield from (f"{reverse('desk:search')}?q={quote(word)}" for word in ("暗号甲", "暗号乙", "暗处"))
        yield reverse("desk:case", args=[other.number])
        yield from (f"{reverse(name)}?community={w.community.code}" for name in FOR_ALL)

    wrong, read = found(secret, POSTS, pages)
    assert not wrong and read > 40
    case = Case.objects.visible_to(w.worker).get(pk=secret.matters[1].pk)  # and those who handle it still do
    assert case.sensitive and not Case.objects.visible_to(w.stranger_worker).filter(pk=case.pk).exists()


def test_nobody_is_led_to_a_sealed_matter_by_reporting_the_same(secret):
    w, at = secret.w, timezone.now()
    category = Category.objects.get(code="XQ201", scheme="resident")
    here = locate(place=w.entrance)
    assert screening.recurring(category, here, at) == secret.matters[0]
    seal(secret)
    assert not {row["case"] for row in screening.near(category, here, at)} & set(secret.matters)
    assert screening.recurring(category, here, at) not in secret.matters
    assert not set(secret.matters) & set(screening.similar(report(w.stranger, w.entrance)))
    with pytest.raises(Refused):
        intake.join(resident("女宿", "13800000061", w.entrance), secret.near_token)
    fresh = report(w.resident, w.entrance, photos=[picture()])
    assert secret.matters[0] not in screening.earlier_here(fresh, at), "nor is it counted as coming back"


def test_what_could_hurt_its_reporter_has_neither_words_in_its_title_nor_open_on_their_page(things):
    w, text = things.w, "隔壁家暴，男的往死里打老婆。"
    case, plain = report(w.resident, w.entrance, text=text), report(w.resident, w.entrance)
    assert case.title == "一件事" and plain.title in plain.report.text
    me = Caller(w.resident)
    hushed = [me.get(f"/matters/{one.number}").json()["hushed"] for one in (case, plain)]
    assert hushed == [True, False]
    said = [row.title + row.body for rows in (Message.objects.all(), Outbox.objects.all()) for row in rows]
    assert any("一件事" in words for words in said) and not any("家暴" in words for words in said)
    # What staff find out afterwards hides it as well.
    do(plain, "recode", w.worker, category=Category.objects.get(code="XQ704"))
    plain.refresh_from_db()
    assert plain.title == "一件事" and me.get(f"/matters/{plain.number}").json()["hushed"]
