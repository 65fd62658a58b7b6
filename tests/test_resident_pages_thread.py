"""The conversation with one's own grid worker: seen by its two sides only, and no place for promises."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.models import Case
from weilianxin.files.store import sweep_photos
from weilianxin.journal.models import Opening
from weilianxin.journal.verify import verify
from weilianxin.people.models import Dwelling
from weilianxin.programmes.reports import intake, policy, threads
from weilianxin.programmes.reports.models import Draft, Thread, ThreadMessage

from .support.world import resident
from .test_resident_pages import jpeg, words

pytestmark = pytest.mark.django_db


def say(client, body="单元门关不上，能来看看吗？", **more):
    return client.post(reverse("reports:thread"), {"body": body, **more})


def test_what_one_side_writes_the_other_reads_and_answers(world, signed_in):
    resident, worker = signed_in(world.resident), signed_in(world.worker)
    assert say(resident, photos=[jpeg()]).status_code == 302
    thread = Thread.objects.get()
    assert world.resident.name in words(worker.get(reverse("reports:staff_threads")))
    page = reverse("reports:staff_thread", args=[thread.pk])
    assert "单元门关不上" in words(worker.get(page))
    assert "已读" in words(resident.get(reverse("reports:thread")))
    assert worker.post(page, {"body": "下午去看。"}).status_code == 302
    assert "下午去看。" in words(resident.get(reverse("reports:thread")))
    thread.refresh_from_db()
    assert thread.answer_due_at is None


def test_nobody_else_reads_the_thread_or_its_photos(world, signed_in):
    say(signed_in(world.resident), photos=[jpeg()])
    thread = Thread.objects.get()
    page = reverse("reports:staff_thread", args=[thread.pk])
    for account in (world.stranger_worker, world.dispatcher, world.verifier, world.admin):
        assert signed_in(account).get(page).status_code == 404
    ref = ThreadMessage.objects.get(from_staff=False).photos.get().ref
    picture = reverse("reports:thread_photo", args=[ref, "thumb"])
    assert signed_in(world.resident).get(picture).status_code == 200
    assert signed_in(world.worker).get(picture).status_code == 200
    for client in (signed_in(world.neighbour), signed_in(world.stranger_worker), Client()):
        assert client.get(picture).status_code == 404
    assert "单元门" not in words(signed_in(world.neighbour).get(reverse("reports:thread")))


def test_words_of_danger_show_the_numbers_to_dial(world, signed_in):
    client = signed_in(world.resident)
    say(client, "楼下有煤气味")
    assert 'class="danger"' in words(client.get(reverse("reports:thread")))


def test_an_empty_message_is_refused_and_too_many_photos_keep_the_words(world, signed_in):
    client = signed_in(world.resident)
    assert say(client, "  ").status_code == 422
    full = say(client, "四张照片", photos=[jpeg() for _n in range(4)])
    assert full.status_code in (409, 422) and "四张照片" in words(full)
    assert not ThreadMessage.objects.exists()


def test_a_message_becomes_a_report_whose_clock_started_when_it_was_written(world, signed_in):
    client = signed_in(world.resident)
    say(client)
    message = ThreadMessage.objects.get(from_staff=False)
    earlier = timezone.now() - timezone.timedelta(days=10)
    ThreadMessage.objects.filter(pk=message.pk).update(at=earlier)
    answer = client.post(reverse("reports:thread_report", args=[message.pk]))
    assert answer.url == reverse("reports:new")
    assert "单元门关不上" in words(client.get(reverse("reports:new")))
    client.post(reverse("reports:new"), {"text": message.body, "category": "XQ201", "do": "next"})
    client.post(reverse("reports:place"), {"where": "home", "do": "next"})
    client.post(reverse("reports:send"), {"anonymity": "N1"})
    case = Case.objects.get()
    message.refresh_from_db()
    assert message.case == case
    assert case.accept_due_at == policy.limit_end(case.accept_limit, earlier)
    assert not Draft.objects.exists()
    assert signed_in(world.neighbour).post(reverse("reports:thread_report", args=[message.pk])).status_code == 404


def test_a_draft_made_from_a_message_leaves_the_message_its_photos_when_it_is_thrown_away(world, signed_in):
    client = signed_in(world.resident)
    say(client, photos=[jpeg()])
    message = ThreadMessage.objects.get(from_staff=False)
    client.post(reverse("reports:thread_report", args=[message.pk]))
    client.post(reverse("reports:discard"))
    assert not Draft.objects.exists()
    assert message.photos.get().erased_at is None


def test_a_report_that_was_begun_outlives_one_made_from_a_message(world, signed_in):
    begun = Draft.objects.create(account=world.resident, session="", data={"text": "车棚顶漏雨，写到一半"})
    Draft.objects.create(account=world.resident, session="", data={"text": ""})
    client = signed_in(world.resident)
    say(client)
    for _time in range(2):
        client.post(reverse("reports:thread_report", args=[ThreadMessage.objects.get(from_staff=False).pk]))
    assert Draft.objects.count() == 2 and Draft.objects.filter(pk=begun.pk).exists()
    client.post(reverse("reports:discard"))
    assert "写到一半" in words(client.get(reverse("reports:new")))


def test_messages_are_kept_for_a_year_and_what_became_a_report_stays_with_it(world, signed_in):
    client, at = signed_in(world.resident), timezone.now()
    say(client, photos=[jpeg()])
    case = intake.submit(world.resident, text="楼道灯不亮了", location=locate(place=world.entrance), at=at)
    kept = ThreadMessage.objects.create(
        thread=Thread.objects.get(), author=world.resident, from_staff=False, body="灯坏了", at=at, case=case
    )
    assert threads.forget_old(at + timedelta(days=364)) == 0
    assert threads.forget_old(at + timedelta(days=366)) > 0
    assert list(ThreadMessage.objects.all()) == [kept]
    assert not Opening.objects.filter(entry__stream__name__startswith="thread-").exists()  # nor behind the journal
    assert verify() == []
    assert sweep_photos(at + timedelta(days=366)) == 1


def test_staff_file_a_report_for_the_resident_from_a_message(world, signed_in):
    say(signed_in(world.resident))
    message = ThreadMessage.objects.get(from_staff=False)
    worker = signed_in(world.worker)
    page = reverse("reports:staff_thread_report", args=[message.thread_id, message.pk])
    assert worker.get(page).status_code == 200
    refused = worker.post(page, {"text": "单元门关不上，请修", "category": "", "place": "星影苑6幢2单元"})
    assert refused.status_code == 422 and "单元门关不上，请修" in words(refused)
    assert 'id="category-e"' in refused.content.decode()
    refused = worker.post(page, {"text": "门", "category": "XQ201", "place": "星影苑6幢"}).content.decode()
    assert 'id="text-e"' in refused and 'value="XQ201" selected' in refused and 'value="星影苑6幢"' in refused
    form = {"text": "单元门关不上，请修", "category": "XQ201", "place": "星影苑6幢2单元", "_key": "k1"}
    sent = worker.post(page, form)
    assert worker.post(page, form).url == sent.url, "the answer was lost: it is the same at the second try"
    case = Case.objects.get()
    assert case.reporter == world.resident and case.grid == world.grid
    assert case.number in words(signed_in(world.resident).get(reverse("reports:matters")))
    assert worker.get(page).status_code == 404  # it has become one
    assert signed_in(world.stranger_worker).get(page).status_code == 404


def test_without_a_dwelling_the_page_says_how_to_find_the_worker(world, signed_in):
    Dwelling.objects.filter(account=world.resident).delete()
    page = signed_in(world.resident).get(reverse("reports:thread"))
    assert page.status_code == 200 and reverse("portal:bind") in words(page)


def move(account, place):
    Dwelling.objects.filter(account=account).delete()
    if place is not None:
        Dwelling.objects.create(account=account, place=place)


def test_whoever_moves_reads_what_was_said_before_and_writes_to_the_grid_of_now(world, signed_in):
    client, worker = signed_in(world.resident), signed_in(world.worker)
    say(client, photos=[jpeg()])
    before = Thread.objects.get()
    old = reverse("reports:staff_thread", args=[before.pk])
    picture = reverse("reports:thread_photo", args=[before.messages.earliest("pk").photos.get().ref, "thumb"])
    move(world.resident, world.bare_entrance)
    worker.post(old, {"body": "锁舌换好了。"})  # the old grid answers what was said to it
    page = words(client.get(reverse("reports:thread")))
    assert "单元门关不上" in page and "锁舌换好了。" in page and world.bare_worker.name in page and picture in page
    assert "现在的网格员看不到" in page
    assert not before.messages.filter(from_staff=True, read_at__isnull=True).exists()
    assert client.get(picture).status_code == worker.get(picture).status_code == 200
    say(client, "楼上漏水，能来看看吗？")
    now = Thread.objects.exclude(pk=before.pk).get()
    assert now.grid == world.bare_entrance.grid and now.messages.filter(body="楼上漏水，能来看看吗？").exists()
    page = words(client.get(reverse("reports:thread")))
    assert page.index("单元门关不上") < page.index("锁舌换好了。") < page.index("楼上漏水")
    # Each grid reads what was said to it, and no more.
    assert "楼上漏水" not in words(worker.get(old))
    theirs = signed_in(world.bare_worker)
    assert "单元门关不上" not in words(theirs.get(reverse("reports:staff_thread", args=[now.pk])))
    assert theirs.get(picture).status_code == 404


def test_whoever_lives_nowhere_any_more_reads_on_and_is_told_what_is_missing_to_write(world, signed_in):
    client = signed_in(world.resident)
    say(client)
    signed_in(world.worker).post(reverse("reports:staff_thread", args=[Thread.objects.get().pk]), {"body": "看过了。"})
    move(world.resident, None)
    page = words(client.get(reverse("reports:thread")))
    assert "单元门关不上" in page and "看过了。" in page and reverse("portal:bind") in page
    assert "<textarea" not in page
    assert not ThreadMessage.objects.filter(from_staff=True, read_at__isnull=True).exists()
    refused = say(client, "还是关不上。")
    assert refused.status_code == 409 and "还是关不上。" in words(refused) and "绑定住处" in words(refused)
    assert not ThreadMessage.objects.filter(body="还是关不上。").exists()


def test_pages_of_a_conversation_go_on_over_the_grids_and_cost_the_same(world, signed_in):
    client, at = signed_in(world.resident), timezone.now()
    first = threads.thread_for(world.resident, at)
    move(world.resident, world.bare_entrance)
    second = threads.thread_for(world.resident, at)

    def cost():
        client.get(reverse("reports:thread"))
        with CaptureQueriesContext(connection) as asked:
            page = words(client.get(reverse("reports:thread")))
        return len(asked), page

    for thread in (first, second):
        threads.reply(thread, world.worker, "您好")
    few, _page = cost()
    for n in range(20):
        for thread in (first, second):
            threads.reply(thread, world.worker, f"第{n}句对{thread.pk}号")
    many, page = cost()
    assert many == few
    seen = []
    while True:
        seen = re.findall(r"第\d+句对\d+号|您好", page) + seen
        older = re.search(r'href="\?before=(\d+)"', page)
        if older is None:
            break
        page = words(client.get(reverse("reports:thread") + f"?before={older[1]}"))
    both = (first.pk, second.pk)
    assert seen == ["您好", "您好", *(f"第{n}句对{pk}号" for n in range(20) for pk in both)]


def test_long_conversations_are_paged(world, signed_in):
    thread = threads.thread_for(world.resident, timezone.now())
    at = timezone.now()
    ThreadMessage.objects.bulk_create(
        ThreadMessage(thread=thread, author=world.resident, from_staff=False, body=f"第{n}句", at=at) for n in range(40)
    )
    client = signed_in(world.resident)
    page = words(client.get(reverse("reports:thread")))
    assert "第39句" in page and "第3句" not in page
    older = page.partition('href="?before=')[2].partition('"')[0]
    assert "第3句" in words(client.get(reverse("reports:thread") + f"?before={older}"))


def test_every_conversation_of_a_grid_can_be_reached_a_page_at_a_time(world, signed_in):
    at, tops = timezone.now(), threads.PAGE
    people = [resident("女宿", f"1360000{n:04d}", world.entrance) for n in range(2 * tops + 3)]
    for n, one in enumerate(people):
        Thread.objects.create(resident=one, grid=world.grid, last_at=at - timedelta(minutes=n // 2))
    waits = Thread.objects.order_by("pk").last()
    Thread.objects.filter(pk=waits.pk).update(answer_due_at=at)
    worker, address, seen, pages = signed_in(world.worker), reverse("reports:staff_threads"), [], 0
    while address and pages < 9:
        page, pages = worker.get(address).content.decode(), pages + 1
        seen += re.findall(r"/desk/threads/(\d+)/", page)
        onward = re.search(r'href="(\?after=[^"]+)"', page)
        address = reverse("reports:staff_threads") + onward[1] if onward else ""
    assert seen[0] == str(waits.pk) and pages == 3
    assert len(seen) == len(set(seen)) == len(people)
