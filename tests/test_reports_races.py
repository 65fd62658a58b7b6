"""Real threads on one case: exactly one wins, and the other is told why."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.errors import Changed, NotAllowed, Refused
from weilianxin.cases.models import Case, Event
from weilianxin.journal import verify
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category, Draft
from weilianxin.programmes.reports.pages import send

from .support.world import at, make_world, photo

pytestmark = pytest.mark.django_db(transaction=True)

TEN = at(10)


@pytest.fixture
def world(transactional_db):
    return make_world()


def together(*acts):
    """Run each act in a thread of its own, all let go at once; returns what each gave or raised, in order."""
    results, gate = [None] * len(acts), threading.Barrier(len(acts))

    def run(n, act):
        gate.wait(60)
        try:
            results[n] = act()
        except Exception as error:
            results[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), results
    return results


def report(world):
    return intake.submit(
        world.resident,
        text="二楼到三楼的声控灯不亮。",
        location=locate(place=world.entrance),
        category=Category.objects.get(code="XQ201"),
        at=TEN,
    )


def act(case, name, account, minutes=1, photos=(), **data):
    return lambda: perform(
        case, name, actor_on(case, account, TEN), at=TEN + timedelta(minutes=minutes), photos=photos, **data
    )


def one_winner(results):
    won = [r for r in results if not isinstance(r, Exception)]
    lost = [r for r in results if isinstance(r, Exception)]
    assert len(won) == 1 and all(isinstance(r, Refused) for r in lost), results
    return won[0], lost


def test_of_two_who_accept_one_wins_and_the_other_reads_who_was_quicker(world):
    case = report(world)
    _won, lost = one_winner(together(act(case, "accept", world.worker), act(case, "accept", world.backup)))
    case.refresh_from_db()
    assert isinstance(lost[0], Changed) and case.holder.name in str(lost[0]) and "签收" in str(lost[0])
    assert Event.objects.filter(case=case, act="accept").count() == 1


def test_closing_against_closing_gives_one_closing(world):
    case = act(report(world), "accept", world.worker)()
    shots = [(photo(), "before"), (photo(), "after")]
    more = [(photo(), "before"), (photo(), "after")]
    one_winner(
        together(
            act(case, "close_seen", world.worker, 5, shots, outcome="solved", note="好了"),
            act(case, "close_seen", world.backup, 5, more, outcome="solved", note="好了"),
        )
    )
    case.refresh_from_db()
    assert case.closings == 1


def test_closing_against_a_dispute_from_an_old_page_keeps_one_order_of_things(world):
    case = act(report(world), "accept", world.worker)()
    shots = [(photo(), "before"), (photo(), "after")]
    closed, disputed = together(
        act(case, "close_seen", world.worker, 5, shots, outcome="solved", note="好了"),
        act(case, "dispute", world.resident, 5, note="还是不亮"),
    )
    assert not isinstance(closed, Exception)
    case.refresh_from_db()
    if isinstance(disputed, Exception):  # the resident was first: there was nothing to dispute yet
        assert isinstance(disputed, Refused) and case.state == "closed" and case.reopened == 0
    else:
        assert case.state == "accepted" and case.holder == world.leader and case.closings == case.reopened == 1


def test_of_two_disputes_sent_at_once_one_reopens(world):
    case = act(report(world), "accept", world.worker)()
    shots = [(photo(), "before"), (photo(), "after")]
    case = act(case, "close_seen", world.worker, 5, shots, outcome="solved", note="好了")()
    dispute = act(case, "dispute", world.resident, 7, note="还是不亮")
    one_winner(together(dispute, dispute))
    case.refresh_from_db()
    assert case.reopened == 1


def test_a_dispute_against_a_callback_that_upholds_never_loses_the_dispute(world):
    case = act(report(world), "accept", world.worker)()
    shots = [(photo(), "before"), (photo(), "after")]
    case = act(case, "close_seen", world.worker, 5, shots, outcome="solved", note="好了")()
    act(case, "rate", world.resident, 6, level=1)()
    results = together(
        act(case, "dispute", world.resident, 7, note="还是不亮"),
        act(case, "uphold", world.callback, 7, note="看过了"),
    )
    assert not isinstance(results[0], Exception)
    assert results[1] is None or not isinstance(results[1], Exception) or isinstance(results[1], Refused)
    case.refresh_from_db()
    assert case.state == "accepted" and case.holder == world.leader


def test_close_against_withdraw_leaves_one_truth(world):
    case = act(report(world), "accept", world.worker)()
    shots = [(photo(), "before"), (photo(), "after")]
    one_winner(
        together(
            act(case, "close_seen", world.worker, 5, shots, outcome="solved", note="好了"),
            act(case, "withdraw", world.resident, 5),
        )
    )
    case.refresh_from_db()
    assert (case.state, case.outcome) in {("closed", "solved"), ("withdrawn", "withdrawn")}


def test_of_two_edits_from_the_same_page_the_later_is_refused(world):
    case = report(world)
    codes = ("01037", "XQ202")

    def edit(code):
        new = Category.objects.get(code=code)
        return lambda: perform(
            case, "recode", actor_on(case, world.worker, TEN), at=TEN, seen_version=case.version, category=new
        )

    won, lost = one_winner(together(*map(edit, codes)))
    assert isinstance(lost[0], Changed)
    case.refresh_from_db()
    assert case.category == won.category in codes


def test_the_same_form_sent_twice_at_once_makes_one_report(world, signed_in):
    from weilianxin.cases.once import once

    made = []

    class Request:
        path, POST, account = "/report/", {"_key": "the-same"}, world.resident

    def send():
        def make():
            case = report(world)
            made.append(case.pk)
            return f"/matters/{case.number}"

        return once(Request(), make).url

    answers = together(*[send] * 6)
    assert len(set(answers)) == 1 and Case.objects.count() == 1, answers


def test_of_two_tabs_that_send_one_draft_at_once_one_sends_it(world, signed_in, monkeypatch):
    client = signed_in(world.resident)
    Draft.objects.create(account=world.resident, session="", data={"text": "二楼到三楼的声控灯不亮。", "where": "home"})
    page = client.get(reverse("reports:send")).content.decode()
    draft = re.search(r'name="draft" value="([^"]+)"', page)[1]
    both_found_it = threading.Barrier(2)
    monkeypatch.setattr(send, "agree", lambda *_all: both_found_it.wait(30))

    def tab(key):
        return lambda: signed_in(world.resident).post(reverse("reports:send"), {"draft": draft, "_key": key})

    answers = together(tab("one"), tab("other"))
    assert sorted(answer.status_code for answer in answers) == [302, 409], answers
    assert Case.objects.count() == 1 and not Draft.objects.exists()


def test_neighbours_who_join_at_once_are_all_counted(world):
    from weilianxin.people.models import Dwelling
    from weilianxin.programmes.reports.screening import near

    from .support.world import resident

    parent = report(world)
    token = near(Category.objects.get(code="XQ201"), locate(place=world.entrance), TEN)[0]["token"]
    others = [resident(f"居民{n}", f"1390000{n:04d}") for n in range(9000, 9008)]
    for account in others:
        Dwelling.objects.create(account=account, place=world.entrance)
    results = together(*[lambda a=a: intake.join(a, token, at=TEN + timedelta(minutes=2)) for a in others])
    assert not [r for r in results if isinstance(r, Exception)], results
    parent.refresh_from_db()
    assert parent.headcount == 9 and Case.objects.filter(parent=parent, state="merged").count() == 8


def test_numbers_of_a_day_are_given_once_and_without_gaps(world):
    results = together(*[lambda: report(world).number for _n in range(8)])
    assert sorted(results) == [f"260310-{n:04d}" for n in range(1, 9)]


def test_a_post_that_was_just_taken_away_does_not_win_a_race(world):
    case = report(world)
    world.worker.posts.update(until=TEN)
    with pytest.raises(NotAllowed):
        act(case, "accept", world.worker)()


def test_the_journal_is_whole_after_the_races(world):
    case = report(world)
    together(*[act(case, "append", world.resident, n, note=f"补充第{n}次") for n in range(1, 7)])
    assert case.events.count() == 7
    assert verify.verify() == []
