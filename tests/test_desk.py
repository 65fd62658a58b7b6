"""The desk: what waits for whom, one case on one page, and nothing for those whom it does not concern."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on, handler_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Event, Rating, Sample, Task
from weilianxin.files.intake import receive
from weilianxin.journal.models import Entry
from weilianxin.programmes.reports import intake, threads
from weilianxin.programmes.reports.models import Category, Report

from .support.world import photo

pytestmark = pytest.mark.django_db

TEXT = "二楼到三楼的声控灯不亮，老人晚上上楼看不见。"


def category(code):
    return Category.objects.get(code=code, scheme="resident")


def report(world, **more):
    facts = {"text": TEXT, "location": locate(place=world.entrance), "category": category("XQ201"), **more}
    return intake.submit(facts.pop("account", world.resident), **facts)


def do(case, name, account, **data):
    return perform(case, name, actor_on(case, account), **data)


def more_of(case, n, **facts):
    """`n` further cases like this one, without their histories: rows for lists."""
    first = Case.objects.order_by("-id").first().pk
    rows = []
    for i in range(n):
        row = Case.objects.get(pk=case.pk)
        row.pk, row.number, row.stream = None, f"990101-{first + i:05d}", f"s{first + i}"
        row.next_due_at = timezone.now() + timedelta(minutes=i // 2)
        for name, value in facts.items():
            setattr(row, name, value)
        rows.append(row)
    Case.objects.bulk_create(rows)
    rows = list(Case.objects.filter(number__in=[row.number for row in rows]))
    mine = Report.objects.get(pk=case.pk)
    Report.objects.bulk_create(Report(case=row, text=mine.text, category=mine.category) for row in rows)
    return rows


def jpeg(name="a.jpg"):
    """An upload of a small real picture."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")


def page(case):
    return reverse("desk:case", args=[case.number])


def act(case, name):
    return reverse("desk:act", args=[case.number, name])


def test_a_case_does_not_exist_for_those_it_does_not_concern(world, signed_in):
    case = report(world)
    nowhere = reverse("desk:case", args=["990101-9999"])
    for stranger in (world.stranger_worker, world.other_leader, world.other_secretary, world.admin, world.auditor):
        client = signed_in(stranger)
        assert client.get(page(case)).status_code == client.get(nowhere).status_code == 404
        assert client.post(act(case, "accept")).status_code == 404
        assert client.get(reverse("desk:grid", args=[world.grid.code])).status_code == 404
    case.refresh_from_db()
    assert case.state == "received" and case.seen_at is None


def test_the_desk_is_closed_to_residents_and_to_nobody(world, signed_in):
    case = report(world)
    for client in (signed_in(world.resident), Client()):
        for url in (page(case), reverse("desk:home"), reverse("desk:queue"), reverse("desk:search")):
            answer = client.get(url)
            assert answer.status_code == 302 and answer["Location"].startswith(reverse("desk:signin"))


def test_a_worker_accepts_with_one_tap_on_the_list(world, signed_in):
    case = report(world)
    client = signed_in(world.worker)
    shown = client.get(reverse("desk:home")).content.decode()
    assert case.title in shown and act(case, "accept") in shown
    answer = client.post(act(case, "accept"), {"back": "home", "_key": "k1"}, follow=True)
    assert answer.redirect_chain[0][0].startswith(reverse("desk:home"))
    case.refresh_from_db()
    assert case.state == "accepted" and case.holder == world.worker
    client.post(act(case, "accept"), {"back": "home", "_key": "k1"})  # the second press of the same button
    assert Event.objects.filter(case=case, act="accept").count() == 1


def test_a_list_names_no_room_and_tells_no_sensitive_matter_beside_another(world, signed_in):
    location = locate(place=world.room)
    quiet = report(world, location=location, text="家里有人动手，我不敢出声。")
    Case.objects.filter(pk=quiet.pk).update(sensitive=True)
    case = report(world, location=location, text="门口的灯不亮，晚上看不见。")
    client = signed_in(world.worker)
    shown = client.get(reverse("desk:home")).content.decode()
    assert case.title in shown and world.entrance.full_name in shown and world.room.full_name not in shown
    shown = client.get(page(case)).content.decode()
    assert world.room.full_name in shown and quiet.title not in shown


def test_opening_is_seen_once_and_a_prefetch_has_read_nothing(world, signed_in):
    case = report(world)
    client = signed_in(world.worker)
    client.head(page(case))
    client.get(page(case), headers={"Sec-Purpose": "prefetch;prerender"})
    client.get(page(case), headers={"Purpose": "prefetch"})
    signed_in(world.leader).get(page(case))
    case.refresh_from_db()
    assert case.seen_at is None
    client.get(page(case))
    client.get(page(case))
    case.refresh_from_db()
    assert case.seen_at is not None
    assert Event.objects.filter(case=case, act="see").count() == 1


def test_a_refused_form_says_why_and_keeps_what_was_typed(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client = signed_in(world.worker)
    words = "灯泡已经换好，明晚再来看一次。"
    answer = client.post(act(case, "close_seen"), {"outcome": "solved", "note": words, "_key": "k2"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert words in shown and "照片" in shown and 'role="alert"' in shown
    case.refresh_from_db()
    assert case.state == "accepted"


def test_what_somebody_else_did_meanwhile_is_said(world, signed_in):
    case = report(world)
    do(case, "accept", world.backup)
    answer = signed_in(world.worker).post(act(case, "accept"), {"_key": "k3"})
    assert answer.status_code == 409
    assert world.backup.name in answer.content.decode()


def test_an_act_nobody_has_heard_of_is_not_found(world, signed_in):
    case = report(world)
    assert signed_in(world.worker).post(act(case, "bless"), {"_key": "k4"}).status_code == 404


def test_the_reporter_is_masked_and_the_phone_is_shown_once_for_a_reason(world, signed_in):
    case = report(world)
    client = signed_in(world.worker)
    shown = client.get(page(case)).content.decode()
    assert "138****0001" in shown
    assert world.resident.phone not in shown and world.resident.name not in shown
    reveal = reverse("desk:reveal", args=[case.number])
    assert client.post(reveal, {"reason": "", "_key": "r1"}).status_code == 422
    answer = client.post(reveal, {"reason": "约时间上门看灯", "_key": "r2"}, follow=True)
    assert world.resident.phone in answer.content.decode()
    assert world.resident.phone not in client.get(page(case)).content.decode()
    assert Entry.objects.filter(action="reveal_contact", actor=world.worker.ref).count() == 1
    # A colleague who asked nothing is shown nothing.
    assert world.resident.phone not in signed_in(world.backup).get(page(case)).content.decode()


def test_a_reporter_known_to_the_centre_only_cannot_be_revealed_to_the_worker(world, signed_in):
    case = report(world, anonymity="N2")
    client = signed_in(world.worker)
    assert "138****0001" not in client.get(page(case)).content.decode()
    reveal = reverse("desk:reveal", args=[case.number])
    assert client.post(reveal, {"reason": "想打个电话", "_key": "r3"}).status_code == 404


def test_the_task_link_is_shown_once_to_the_one_who_dispatched(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client = signed_in(world.worker)
    form = {"unit": world.property.pk, "note": "请换二楼和三楼的灯", "_key": "d1"}
    shown = client.post(act(case, "dispatch"), form, follow=True).content.decode()
    link = re.search(r"https?://[^/]+(/h/[^/<]+/)", shown)
    assert link and Client().get(link[1]).status_code == 200
    assert "/h/" not in client.get(page(case)).content.decode()


def test_a_photo_is_only_for_those_who_see_the_case(world, signed_in):
    case = report(world, photos=receive([jpeg()]))
    ref = case.photos.get().photo.ref
    url = reverse("desk:photo", args=[ref, "thumb"])
    assert signed_in(world.worker).get(url).status_code == 200
    assert signed_in(world.stranger_worker).get(url).status_code == 404
    assert signed_in(world.worker).get(reverse("desk:photo", args=[ref, "original"])).status_code == 404


def test_everybody_begins_where_their_work_is(world, signed_in):
    report(world)
    home = reverse("desk:home")

    def beginning(account):
        return signed_in(account).get(home, follow=True).content.decode()

    assert beginning(world.leader).count(reverse("desk:grid", args=[world.grid.code])) == 1
    assert world.community.name in beginning(world.secretary)
    board = beginning(world.duty)
    assert reverse("desk:community", args=[world.community.code]) in board
    assert signed_in(world.dispatcher).get(home)["Location"] == reverse("desk:queue")
    assert signed_in(world.verifier).get(home)["Location"] == reverse("desk:verify")
    assert signed_in(world.callback).get(home)["Location"] == reverse("desk:callbacks")


def test_the_dispatcher_is_not_shown_what_a_grid_worker_still_has_time_for(world, signed_in):
    case = report(world)
    queue, number = reverse("desk:queue"), f'data-number="{case.number}"'
    client = signed_in(world.dispatcher)
    assert number not in client.get(queue).content.decode()
    assert number in client.get(queue, {"f": "all"}).content.decode()
    Case.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))  # nobody took it on in time
    assert number in client.get(queue).content.decode()


def test_pages_of_a_post_do_not_exist_for_those_who_do_not_hold_it(world, signed_in):
    client = signed_in(world.worker)
    for name in ("queue", "callbacks", "samples", "verify", "grids", "board"):
        assert client.get(reverse(f"desk:{name}")).status_code == 404
    assert client.get(reverse("desk:community", args=[world.community.code])).status_code == 404
    assert client.get(reverse("desk:grid", args=[world.grid.code])).status_code == 200


def test_a_removed_post_ends_the_view_at_the_next_request(world, signed_in):
    case = report(world)
    client = signed_in(world.worker)
    assert client.get(page(case)).status_code == 200
    world.worker.posts.update(until=timezone.now())
    assert client.get(page(case)).status_code == 404
    assert case.title not in client.get(reverse("desk:home")).content.decode()


def test_somebody_without_a_post_is_told_who_gives_one(world, signed_in):
    report(world)
    world.worker.posts.update(until=timezone.now())
    shown = signed_in(world.worker).get(reverse("desk:home")).content.decode()
    assert "还没有给您安排岗位" in shown and world.admin.name in shown and "待办 0 件" not in shown


@pytest.mark.parametrize(("n", "said"), [(34, "35"), (120, "99+")])
def test_the_number_of_what_waits_is_true_or_says_that_it_is_more(world, signed_in, n, said):
    more_of(report(world), n)
    shown = signed_in(world.worker).get(reverse("desk:home")).content.decode()
    assert f"待办 {said} 件" in shown
    assert f"<b>{said}<span" in shown  # and so does the rail


def test_the_rail_counts_messages_and_checks_that_wait(world, signed_in):
    def counted(account, name):
        shown = signed_in(account).get(reverse("desk:about")).content.decode()
        found = re.search(rf'<a href="{reverse(name)}"[^>]*>.*?</a>', shown, re.S)[0]
        return re.findall(r"<b>([0-9+]+)<", found)

    assert counted(world.worker, "reports:staff_threads") == counted(world.leader, "desk:samples") == []
    threads.say(threads.thread_for(world.resident), world.resident, "今天有人来看灯吗？")
    case = closed(world)
    facts = {"drawn_at": timezone.now(), "subdistrict": case.subdistrict}
    Sample.objects.get_or_create(case=case, closing=1, defaults=facts)
    assert counted(world.worker, "reports:staff_threads") == ["1"]
    assert counted(world.leader, "desk:samples") == ["1"]


@pytest.mark.parametrize(
    ("who", "url"),
    [
        ("worker", lambda w: reverse("desk:home")),
        ("leader", lambda w: reverse("desk:grids")),
        ("duty", lambda w: reverse("desk:board")),
        ("secretary", lambda w: reverse("desk:community", args=[w.community.code])),
        ("leader", lambda w: reverse("desk:grid", args=[w.grid.code])),
        ("dispatcher", lambda w: reverse("desk:queue") + "?f=late"),
        ("dispatcher", lambda w: reverse("desk:search") + "?q=星影"),
        ("verifier", lambda w: reverse("desk:verify")),
    ],
)
def test_a_page_asks_the_same_number_of_questions_for_many_rows(
    world, signed_in, who, url, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    case = report(world, photos=[photo(world.resident)])
    client = signed_in(getattr(world, who))
    late = timezone.now() - timedelta(hours=1)
    state = {"state": "replied", "phase": "active"} if who == "verifier" else {}
    more_of(case, 2, **state)
    Case.objects.update(next_due_at=late)
    client.get(url(world))  # caches of the process are warm
    with CaptureQueriesContext(connection) as few:
        assert client.get(url(world)).status_code == 200
    more_of(case, 40, **state)
    Case.objects.update(next_due_at=late)
    with django_assert_max_num_queries(len(few)):
        assert client.get(url(world)).status_code == 200


def test_a_list_is_paged_without_loss_or_repetition(world, signed_in):
    case = report(world)
    more_of(case, 70)
    Case.objects.filter(number__endswith="3").update(next_due_at=None)
    client, found, url = signed_in(world.worker), [], reverse("desk:home")
    for _page in range(10):
        shown = client.get(url).content.decode()
        found += dict.fromkeys(re.findall(r"/desk/cases/([0-9-]+)/\"", shown))
        after = re.search(r'href="(\?after=[^"]+)"', shown)
        if not after:
            break
        url = reverse("desk:home") + after[1]
    assert sorted(found) == sorted(Case.objects.values_list("number", flat=True))


@pytest.mark.parametrize(
    "after", ["", "x", "1.", ".1", "99999999999999999999.1", "n.x", "-1.5", "１.２", "9" * 16 + ".1"]
)
def test_a_made_up_page_key_begins_at_the_front(world, signed_in, after):
    case = report(world)
    answer = signed_in(world.worker).get(reverse("desk:home"), {"after": after})
    assert answer.status_code == 200
    assert case.title in answer.content.decode() or "待办" in answer.content.decode()


def test_the_queue_has_the_urgent_first_and_loses_nothing_from_page_to_page(world, signed_in):
    rows, now = more_of(report(world), 75), timezone.now()
    for n, row in enumerate(rows):
        due = None if n % 7 == 0 else now + timedelta(minutes=n % 11)
        Case.objects.filter(pk=row.pk).update(urgency=f"U{n * 3 % 4}", next_due_at=due)
    client, found, queue = signed_in(world.dispatcher), [], reverse("desk:queue") + "?f=all"
    url = queue
    for _page in range(5):
        shown = client.get(url).content.decode()
        found += re.findall(r'data-number="([0-9-]+)"', shown)
        after = re.search(r'href="(\?f=all&amp;after=[^"]+)"', shown)
        if not after:
            break
        url = reverse("desk:queue") + after[1].replace("&amp;", "&")
    latest = datetime.max.replace(tzinfo=UTC)
    cases = sorted(Case.objects.all(), key=lambda c: (c.urgency, c.next_due_at or latest, c.pk))
    assert found == [case.number for case in cases]


def test_who_waited_longest_for_a_call_back_stands_first_and_says_by_when(world, signed_in):
    cases = [closed(world), closed(world)]
    for case in cases:
        do(case, "rate", world.resident, level=1, note="没修好")
    first, second = Rating.objects.order_by("id")
    Rating.objects.filter(pk=first.pk).update(at=timezone.now() - timedelta(days=20))
    shown = signed_in(world.callback).get(reverse("desk:callbacks")).content.decode()
    assert shown.index(page(first.case)) < shown.index("超期") < shown.index(page(second.case))
    assert shown.count('class="due due-') == 2


def test_words_of_two_characters_find_and_only_what_one_may_see(world, signed_in):
    case = report(world)
    search = reverse("desk:search")
    assert case.number in signed_in(world.leader).get(search, {"q": "声控"}).content.decode()
    assert case.number in signed_in(world.leader).get(search, {"q": "星影苑 声控"}).content.decode()
    assert page(case) not in signed_in(world.leader).get(search, {"q": "声控 井盖"}).content.decode()
    assert page(case) not in signed_in(world.stranger_worker).get(search, {"q": "声控"}).content.decode()
    assert page(case) not in signed_in(world.leader).get(search, {"q": "%"}).content.decode()
    full_width = case.number.translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))
    assert page(case) in signed_in(world.leader).get(search, {"q": full_width}).content.decode()


def test_a_sensitive_matter_is_found_by_its_number_only(world, signed_in):
    case = report(world)
    Case.objects.update(sensitive=True)
    client, search = signed_in(world.leader), reverse("desk:search")
    assert page(case) not in client.get(search, {"q": "声控"}).content.decode()
    assert page(case) in client.get(search, {"q": case.number}).content.decode()


@pytest.mark.parametrize("name", ["", "nowhere", "returned", "late", "urgent", "imported"])
def test_each_filter_of_the_queue_shows_what_it_says(world, signed_in, name):
    plain = report(world)
    Case.objects.filter(pk=plain.pk).update(state="working", phase="active")
    facts = {
        "": {"state": "accepted", "phase": "active", "holder": world.dispatcher},
        "nowhere": {"grid_id": None, "state": "working"},
        "returned": {"returned": 1, "state": "accepted", "phase": "active"},
        "late": {"state": "working", "phase": "active", "next_due_at": timezone.now() - timedelta(hours=1)},
        "urgent": {"urgency": "U0", "state": "working"},
        "imported": {"channel": "phone_12345", "state": "working"},
    }[name]
    (wanted,) = more_of(plain, 1, **facts)
    shown = signed_in(world.dispatcher).get(reverse("desk:queue"), {"f": name}).content.decode()
    assert f'data-number="{wanted.number}"' in shown
    assert f'data-number="{plain.number}"' not in shown


def test_an_unknown_filter_is_not_found(world, signed_in):
    assert signed_in(world.dispatcher).get(reverse("desk:queue"), {"f": "nonsense"}).status_code == 404


def test_looking_into_the_queue_is_not_the_grid_worker_opening_it(world, signed_in):
    case = report(world)
    signed_in(world.dispatcher).get(reverse("desk:queue"), {"case": case.number})
    case.refresh_from_db()
    assert case.seen_at is None


def closed(world):
    case = report(world, photos=[photo(world.resident)])
    do(case, "accept", world.worker)
    case = do(
        case, "close_seen", world.worker, photos=[(photo(world.worker), "after")], outcome="solved", note="灯换好了。"
    )
    assert case.state == "closed"
    return case


def test_a_bad_rating_waits_for_somebody_else(world, signed_in):
    case = closed(world)
    do(case, "rate", world.resident, level=1, note="没修好")
    callbacks = reverse("desk:callbacks")
    assert page(case) in signed_in(world.callback).get(callbacks).content.decode()
    answer = signed_in(world.callback).post(act(case, "uphold"), {"note": "电话里说好了，灯是亮的。", "_key": "c1"})
    assert answer.status_code == 302
    assert Rating.objects.get(case=case).callback_by == world.callback
    assert page(case) not in signed_in(world.callback).get(callbacks).content.decode()


def test_a_call_back_begins_with_the_words_and_the_telephone_and_favours_no_answer(world, signed_in):
    case = closed(world)
    do(case, "rate", world.resident, level=1, note="三楼还是黑的")
    shown = signed_in(world.callback).get(page(case)).content.decode()
    order = ["非常不满意", "三楼还是黑的", reverse("desk:reveal", args=[case.number])]
    for name in ("uphold", "reopen"):
        places = [shown.index(text) for text in (*order, f'id="act-{name}"')]
        assert places == sorted(places)
        assert f'form="act-{name}"' not in shown  # neither is the button at the foot of the page
    assert "btn-act" not in shown and shown.count('<button class="btn btn-main">') == 2


def test_who_joined_is_called_on_their_own_page_and_not_on_the_matters(world, signed_in):
    parent = report(world, photos=[photo(world.resident)])
    child = report(world, account=world.neighbour, text="门厅的灯坏了，请来看看。")
    do(child, "merge", world.worker, parent=parent)
    do(parent, "accept", world.worker)
    done = {"photos": [(photo(world.worker), "after")], "outcome": "solved", "note": "灯换好了。"}
    do(parent, "close_seen", world.worker, **done)
    do(Case.objects.get(pk=child.pk), "rate", world.neighbour, level=2, note="门厅还是黑的")
    shown = signed_in(world.callback).get(page(parent)).content.decode()
    look = shown[shown.index('id="look"') : shown.index("</section>", shown.index('id="look"'))]
    assert "门厅还是黑的" in look and page(child) in look
    assert reverse("desk:reveal", args=[parent.number]) not in look


def test_one_is_never_offered_the_check_of_what_one_closed(world, signed_in):
    case = closed(world)
    Sample.objects.get_or_create(
        case=case, closing=1, defaults={"drawn_at": timezone.now(), "subdistrict": case.subdistrict}
    )
    assert page(case) in signed_in(world.verifier).get(reverse("desk:samples")).content.decode()
    Case.objects.update(closer=world.leader)
    assert page(case) not in signed_in(world.leader).get(reverse("desk:samples")).content.decode()


def test_a_stopped_clock_is_not_late(world, signed_in):
    case = report(world)
    Case.objects.update(next_due_at=timezone.now() - timedelta(days=1), phase="waiting", state="asking")
    assert "due-late" not in signed_in(world.worker).get(reverse("desk:home")).content.decode()
    assert page(case) not in signed_in(world.duty).get(reverse("desk:board")).content.decode()


def test_a_task_that_ended_says_that_its_link_is_dead(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    do(case, "dispatch", world.worker, unit=world.property)
    assert "链接有效" in signed_in(world.worker).get(page(case)).content.decode()
    answer = signed_in(world.worker).post(act(case, "cut_link"), {"_key": "x1"}, follow=True)
    assert "链接已失效" in answer.content.decode()
    assert Task.objects.get(case=case).link_revoked_at is not None


def test_who_returned_a_task_is_not_chosen_again_unasked_and_their_reason_stands_on_top(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client, chosen = signed_in(world.dispatcher), f'<option value="{world.property.pk}" selected'
    assert chosen in client.get(page(case)).content.decode()
    do(case, "dispatch", world.worker, unit=world.property)
    perform(case, "return_order", handler_on(Task.objects.get(), "翼火"), note="灯是市政装的", proposed="望星市政养护")
    shown = client.get(page(case)).content.decode()
    assert chosen not in shown and f'<option value="{world.property.pk}">' in shown
    assert shown.index("灯是市政装的") < shown.index("建议由望星市政养护办") < shown.index('id="act-dispatch"')
    do(case, "dispatch", world.dispatcher, unit=world.municipal)
    assert "退回的原因" not in client.get(page(case)).content.decode()


def test_what_a_unit_has_not_signed_for_is_not_closed_by_the_first_press(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client, bar = signed_in(world.worker), 'form="act-close_seen"'
    assert bar in client.get(page(case)).content.decode()
    do(case, "dispatch", world.worker, unit=world.property)
    shown = client.get(page(case)).content.decode()
    assert act(case, "close_seen") in shown and bar not in shown
    perform(case, "sign", handler_on(Task.objects.get(), "翼火"))
    assert bar in client.get(page(case)).content.decode()


def test_an_overdue_case_is_urged_in_the_open_and_another_is_not(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    client = signed_in(world.duty)

    def above_more():
        shown = client.get(page(case)).content.decode()
        return shown.index(act(case, "urge")) < shown.index("<summary>更多</summary>")

    assert not above_more()
    Case.objects.update(next_due_at=timezone.now() - timedelta(hours=1))
    assert above_more()


def test_what_lies_near_can_be_joined_with_one_press(world, signed_in):
    first = report(world)
    second = report(world, account=world.neighbour)
    client = signed_in(world.worker)
    shown = client.get(page(second)).content.decode()
    assert act(second, "merge") in shown and f'name="parent" value="{first.number}"' in shown
    client.post(act(second, "merge"), {"parent": first.number, "_key": "m1"})
    second.refresh_from_db()
    assert second.parent == first


def test_what_is_elsewhere_or_of_another_kind_is_not_called_near(world, signed_in):
    report(world, location=locate(place=world.bare_entrance))
    report(world, category=category("XQ101"), account=world.neighbour)
    case = report(world)
    assert 'name="parent"' not in signed_in(world.worker).get(page(case)).content.decode().split("</article>")[1]


def test_the_third_time_in_a_year_is_said(world, signed_in):
    case = report(world)
    more_of(case, 1)
    last = report(world)
    assert "一年里第 3 次" in signed_in(world.worker).get(page(last)).content.decode()
    assert "一年里第" not in signed_in(world.worker).get(page(case)).content.decode()


def test_a_leader_sees_who_covers_and_whom_to_call(world, signed_in):
    shown = signed_in(world.leader).get(reverse("desk:grid", args=[world.grid.code])).content.decode()
    assert world.worker.name in shown and world.property.name_zh in shown
    assert "tel:" not in shown  # nobody of the demonstration is ever a link to call


def test_an_overdue_matter_is_urged_from_the_board(world, signed_in):
    case = report(world)
    Case.objects.update(next_due_at=timezone.now() - timedelta(hours=1))
    client = signed_in(world.duty)
    assert act(case, "urge") in client.get(reverse("desk:board")).content.decode()
    client.post(act(case, "urge"), {"back": "home", "_key": "u1"})
    assert Event.objects.filter(case=case, act="urge", actor=world.duty).count() == 1
    assert act(case, "urge") not in signed_in(world.secretary).get(reverse("desk:board")).content.decode()


def test_a_joined_matter_one_may_not_see_is_not_named(world, signed_in):
    parent = report(world)
    child = report(world, account=world.neighbour, text="门厅的灯坏了，请来看看。")
    do(child, "merge", world.worker, parent=parent)
    client = signed_in(world.worker)
    assert child.number in client.get(page(parent)).content.decode()
    Case.objects.filter(pk=child.pk).update(sight="subdistrict")
    assert child.number not in client.get(page(parent)).content.decode()


def test_a_case_that_moves_out_of_reach_leads_home(world, signed_in):
    case = report(world)
    form = {"category": case.report.category_id, "urgency": "U2", "place": world.park.full_name, "_key": "o1"}
    answer = signed_in(world.worker).post(act(case, "recode"), form)
    case.refresh_from_db()
    if case.grid != world.grid:
        assert answer["Location"].startswith(reverse("desk:home"))
        assert signed_in(world.worker).get(page(case)).status_code == 404
    else:
        pytest.fail("the place was not changed")


def test_administration_and_audit_have_their_own_beginning(world, signed_in):
    for account in (world.admin, world.auditor):
        answer = signed_in(account).get(reverse("desk:home"))
        assert answer.status_code == 302 and "/admin/" in answer["Location"]


def test_where_the_place_is_unknown_saying_it_comes_first(world, signed_in):
    case = report(world, account=None, location=None, source="12345", source_no="T7", channel="phone_12345")
    client = signed_in(world.dispatcher)
    assert 'form="act-recode"' in client.get(page(case)).content.decode()
    form = {"category": case.report.category_id, "urgency": "U2", "place": world.park.full_name, "_key": "p1"}
    client.post(act(case, "recode"), form)
    case.refresh_from_db()
    assert case.grid == world.fourth_grid
    assert 'form="act-accept"' in client.get(page(case)).content.decode()


def test_an_ending_is_not_said_twice_and_another_channel_has_its_chinese_name(world, signed_in):
    case = report(world, account=None, source="hotline", source_no="T7", channel="hotline")
    do(case, "accept", world.dispatcher)
    do(case, "transfer", world.dispatcher, channel="police", receiver="望星派出所 张宿", note="属于治安")
    client = signed_in(world.dispatcher)
    assert "从热线转来" in client.get(page(case)).content.decode()
    for url in (page(case), reverse("desk:search") + f"?q={case.number}"):
        shown = client.get(url).content.decode()
        assert "结果：已转其他渠道" not in shown and "已转其他渠道 · 已转其他渠道" not in shown


def test_a_narrow_column_breaks_a_moment_between_day_and_hour_only(world, signed_in):
    case = report(world)
    do(case, "accept", world.worker)
    shown = signed_in(world.worker).get(page(case)).content.decode()
    strip = shown[shown.index('<dl class="promise">') : shown.index("</dl>")]
    assert re.search("[0-9]{1,2}:[0-9]{2}\u00a0前", strip) and not re.search("[0-9]{1,2}:[0-9]{2} 前", strip)
