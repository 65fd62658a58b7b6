"""A random walk over the flow of a report: whoever does whatever, in any order, no promise breaks.

Twenty thousand steps, fourteen on SQLite and six on PostgreSQL, with all posts, strangers, outside units, merged
neighbours and the clock; `make walk` goes further on both. After every act the case is held against the invariants
below; after every refusal it must stand as before.
"""

import os
import random
import sys
from collections import Counter
from datetime import timedelta
from time import time
from types import SimpleNamespace

import pytest

from weilianxin.areas.locate import locate
from weilianxin.cases import models
from weilianxin.cases.access import SYSTEM_ACTOR, actor_on, handler_on, posts_of
from weilianxin.cases.engine import allowed, deadline, offered, perform
from weilianxin.cases.errors import Refused
from weilianxin.cases.models import Case, CasePhoto, Event, Task
from weilianxin.cases.replay import replay
from weilianxin.cases.ring import ring_due
from weilianxin.journal.models import Entry
from weilianxin.journal.verify import verify
from weilianxin.lib.programme import programme
from weilianxin.people.models import Unit
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.decisions import extras
from weilianxin.programmes.reports.flow import REPORTS
from weilianxin.programmes.reports.models import Category, Parameter, Report
from weilianxin.programmes.reports.words import RATINGS, REFUSALS

from .support.world import at, photo, sound

pytestmark = pytest.mark.django_db

SEEDS = (1, 2)
STEPS = int(os.environ.get("WALK_STEPS", "6000" if os.environ.get("DATABASE_URL") else "14000")) // len(SEEDS)
LONG = 50_000  # steps of a walk that comes to every row of the table
POPULATION, LOOKED_AT = 7, 10  # matters under way at a time; looked through for what has never been done
FEW = 40  # rows to go: from here on they are what is looked for most
ENDED = ("closed", "refused", "transferred_out", "merged", "withdrawn", "void")


# What chance alone would hardly come to: a meeting needs two returns in time, an objection a meeting, a call-back a bad
# rating, taking down what is public.
SELDOM = (
    "merge", "sign", "return_order", "designate", "object", "suspend", "reply", "close_verified", "rate", "uphold",
    "reopen", "pass_sample", "publish", "unpublish",
)  # fmt: skip

# What has to be done first, some time before.
PREPARED_BY = {
    "broadcast": "merge", "rise": "merge", "uphold": "rate", "unpublish": "publish", "void": "propose_void",
}  # fmt: skip


def every_row():
    """Every (state, move, post) of the table that can come to be."""
    rows = {(state, move.name, role) for move in REPORTS.moves for state in move.sources for role in move.roles}
    return rows - {("accepted", "ask_extend", "handler")}  # nothing is a unit's before it is dispatched


def rows_reached():
    return set(Event.objects.order_by().values_list("from_state", "act", "role").distinct())


class Walk:
    def __init__(self, world, seed):
        self.w, self.r, self.now, self.steps = world, random.Random(seed), at(9), 0
        self.cases, self.last, self.done, self.refused = [], None, Counter(), Counter()
        self.tried, self.reached, self.to_go = Counter(), Counter(), every_row()
        self.categories = {c.code: c for c in Category.objects.order_by("code") if c.channel_out != "integrity"}
        self.units = list(Unit.objects.order_by("id"))
        self.staff = [
            world.worker, world.backup, world.leader, world.secretary, world.dispatcher, world.verifier,
            world.callback, world.duty, world.admin, world.auditor, world.stranger_worker, world.other_leader,
        ]  # fmt: skip
        self.residents = [world.resident, world.neighbour, world.stranger]
        self.posts = {account: posts_of(account, self.now) for account in (*self.staff, *self.residents)}

    def report(self):
        r = self.r
        codes = ("XQ201", "XQ201", "XQ202", "09012", "XQ902", "XQ999", "XQ601", "06027")
        like = (self.joined() or r.choice(self.cases)) if self.cases and self.few() and r.random() < 0.5 else None
        about = r.choice(("thing",) * 6 + ("person", "unit", "worker", "leader", "community", "office"))
        about, kept = ("thing", ("N0", "N1")) if like else (about, ("N0", "N1", "N2"))
        return intake.submit(
            r.choice(self.residents[:2]),
            text=r.choice(("楼道里的灯不亮了", "下水道堵了味道很大", "有人把车停在消防通道")),
            location=locate(place=r.choice((self.w.entrance, self.w.room, self.w.compound))),
            category=self.categories[like.category if like else r.choice(codes)],
            kind="投诉" if about != "thing" else r.choice(("求助", "咨询", "建议")),
            about=about,
            anonymity=r.choice(kept),
            sound=sound() if r.random() < (0.6 if self.few("transcribe") else 0.3) else None,
            at=self.now,
        )

    def actors(self, case):
        """Everybody who could come near this case, each in their capacity."""
        tasks = Task.objects.filter(case=case, state__in=("issued", "signed", "done")).select_related("unit")
        people = [actor_on(case, account, self.now, posts=posts) for account, posts in self.posts.items()]
        return people + [handler_on(task, self.r.choice(("翼火", "轸水", "翼火", ""))) for task in tasks]

    def choose(self, case):
        """An act and somebody for it: mostly one who may, sometimes anybody."""
        actors = self.actors(case)
        if self.r.random() < 0.1:
            return self.r.choice(REPORTS.moves), self.r.choice([*actors, SYSTEM_ACTOR])
        moves = [m for m in REPORTS.from_state(case.state) if any(a.role_for(m) for a in actors)]
        if not moves:
            return self.r.choice(REPORTS.moves), self.r.choice(actors)
        chance = self.r.random()
        if self.few() and chance < 0.2 and (ahead := self.ahead(case, actors)):
            return self.r.choice(ahead)
        towards = "designate" if case.pending == "meeting" else "return_order" if case.returned == 1 else ""
        towards = [(m, a) for m in moves for a in actors if m.name == towards and a.role_for(m)]
        if towards and chance < 0.5:  # a meeting needs two returns in time, and somebody who then names a unit
            return self.r.choice(towards)
        if chance < 0.3:  # what was reached least, so that a long walk comes everywhere
            pairs = [(m, a) for m in moves for a in actors if a.role_for(m)]
            rows = [(case.state, m.name, a.role_for(m)) for m, a in pairs]
            counts = [(self.reached[row], self.tried[row]) for row in rows]
            return pairs[counts.index(min(counts))]
        actor = self.r.choice([a for a in actors if any(a.role_for(m) for m in moves)])
        moves = [m for m in moves if actor.role_for(m)]
        if chance < 0.9:  # mostly what the page would offer them
            moves = allowed(case, actor, at=self.now) or moves
        seldom = [m for m in moves if m.name in SELDOM]
        if seldom and chance < 0.6:
            return min(seldom, key=lambda m: self.done[m.name]), actor
        return self.r.choice(moves), actor

    def sought(self):
        """(case, act, somebody who may do it now), of what has not been done in this state by this post; or None."""
        states = {state for state, _name, _role in self.to_go}
        cases = list(Case.objects.filter(pk__in=[case.pk for case in self.cases], state__in=states).order_by("pk"))
        for case in self.r.sample(cases, min(LOOKED_AT, len(cases))):
            state = case.state
            rows = {(name, role) for where, name, role in self.to_go if where == state}
            if any(name == "merge" for name, _role in rows) and (case.headcount > 1 or not self.parents(case)):
                rows = {(name, role) for name, role in rows if name != "merge"}
            pairs = self.offers(
                case, self.actors(case) if rows else (), lambda m, role, rows=rows: (m.name, role) in rows
            )
            if pairs:
                return case, *min(pairs, key=lambda pair: self.tried[state, pair[0].name, pair[1].role_for(pair[0])])
        return None

    def offers(self, case, actors, wanted):
        """The (act, actor) that the page would offer now, of those of which `wanted(act, role)`."""
        pairs = [(m, a) for m in REPORTS.from_state(case.state) for a in actors if a.role_for(m)]
        pairs = [(m, a) for m, a in pairs if wanted(m, a.role_for(m))]
        facts = programme(case.programme).situation(case) if pairs else {}
        return [(m, a) for m, a in pairs if offered(case, m, a, self.now, facts)]

    def alike(self, case):
        """The others that could be one matter with `case`."""
        same = {name: getattr(case, name) for name in ("category", "sight", "community_id", "sensitive")}
        return Case.objects.filter(pk__in=[one.pk for one in self.cases], **same).exclude(pk=case.pk).order_by("pk")

    def joined(self):
        """The matter that should be joined next, since with enough heads it does what it never did in its state."""
        lacking = {state for state, name, _role in self.to_go if name == "rise"}
        mine = Case.objects.filter(pk__in=[case.pk for case in self.cases], state__in=lacking, urgency="U2")
        return mine.filter(parent=None, sensitive=False).order_by("-headcount", "pk").first()

    def joining(self):
        """(case, "merge", somebody who may do it now) of a matter like the one that should be joined; or None."""
        if (joined := self.joined()) is None:
            return None
        for case in self.alike(joined).filter(headcount=1):
            pairs = self.offers(case, self.actors(case), lambda m, _role: m.name == "merge")
            if pairs:
                return case, *min(pairs, key=lambda pair: self.reached[case.state, "merge", pair[1].role_for(pair[0])])
        return None

    def few(self, name=""):
        """Whether few rows are to go, or at any time whether the act `name` is among them."""
        return any(name == one for _state, one, _role in self.to_go) if name else 0 < len(self.to_go) < FEW

    def ahead(self, case, actors):
        """(act, actor) of whatever leads on to something that has never been done."""
        states = {state for state, _name, _role in self.to_go}
        first = {PREPARED_BY.get(name) for _state, name, _role in self.to_go}
        return self.offers(case, actors, lambda m, _role: m.target in states - {case.state} or m.name in first)

    def parents(self, case):
        """What `case` may join."""
        return [one for one in self.alike(case).filter(parent=None, sensitive=False) if one.is_open and not one.paused]

    def parent(self, case):
        """A matter that `case` may join: rather one where one more makes it urgent, or gives it somebody to tell the
        same, in a state as never before."""
        found = self.parents(case)
        self.r.shuffle(found)
        lacking = {state for state, name, _role in self.to_go if name in ("rise", "broadcast")}
        lacking |= {"received"} if "asking" in lacking else set()  # nothing joins what waits for an answer
        found.sort(key=lambda one: (one.state not in lacking, one.urgency != "U2", -one.headcount))
        return found[0] if found else self.r.choice(self.cases)

    def unreached(self, state):
        return sum(where == state for where, _name, _role in self.to_go)

    def reach(self, rows):
        self.reached.update(rows)
        self.to_go.difference_update(rows)

    def left(self):
        """What has never been done, in order; what followed by itself was done as well."""
        self.reach(rows_reached() & self.to_go)
        return sorted(self.to_go)

    def data(self, case, move, rough):
        r = self.r
        values = {
            "note": "" if rough else r.choice(("看过了，情况属实", "请再说清楚一点", "已经处理好了")),
            "category": r.choice([None, None, *self.categories.values()]),
            "urgency": r.choice((None, None, None, "U0", "U1", "U2", "U3")),
            "place": None,
            "reason": r.choice(list(REFUSALS)),
            "right_channel": "" if rough else "12345",
            "parent": self.parent(case) if move.name == "merge" and r.random() < 0.8 else r.choice(self.cases),
            "channel": r.choice(("mediation", "police", "service", "case")),
            "receiver": "" if rough else "派出所 值班室",
            "unit": None if rough else r.choice(self.units),
            "assists": r.sample(self.units, r.randint(0, 2)),
            "proposed": "" if rough else "市政养护",
            "outcome": r.choice(("solved", "solved", "solved", "partly", "explained", "cannot_now", "withdrawn")),
            "plan_date": None if rough else (self.now + timedelta(days=7)).date(),
            "no_before": "" if rough else "到场时已经修好",
            "level": 1 if self.few("uphold") and r.random() < 0.5 else r.choice([*RATINGS, 7]),
            "extra": None if rough or not case.handle_limit else r.choice(extras(case)),
            "ground": "" if rough else r.choice(("force", "unreasonable", "unreached")),
            "reached": "" if rough else r.choice(("yes", "no")),
            "attendees": "" if rough else "值班长、物业、市政",
            "public_plan": "" if rough else "等雨停后重铺路面",
            "review_date": None if rough else (self.now + timedelta(days=r.choice((1, 3, 9)))).date(),
            "public_title": "" if rough else "楼道灯修好了",
            "public_text": "" if rough else "换了新灯泡，楼道亮了。",
            "public_photos": [],
        }
        return {name: values[name] for name in move.fields if name in values}

    def step(self):
        r = self.r
        # By turns busy hours, in which much can be done before a deadline, and days, in which deadlines come.
        pace = (0, 0, 1, 1, 5, 5, 30, 240) if self.steps // 100 % 2 else (0, 0, 0, 1, 1, 5)
        self.now += timedelta(minutes=r.choice(pace) if r.random() < 0.97 else 1500)
        states = dict(Case.objects.filter(pk__in=[c.pk for c in self.cases]).values_list("pk", "state"))
        if sum(state not in ENDED for state in states.values()) < POPULATION:
            self.cases.append(self.report())
            states[self.cases[-1].pk] = "received"
        sought = self.sought() if self.to_go and r.random() < (0.6 if self.few() else 0.2) else None
        if sought is None and self.few("rise") and self.few() and r.random() < 0.5:
            sought = self.joining()
        # The same again, for what needs several acts in a row; else of some chosen by chance, rather of those under
        # way, the one whose state has most of its rows still before it.
        under_way = sorted(pk for pk, state in states.items() if state not in ENDED)
        some = r.choices(under_way if r.random() < 0.6 else sorted(states), k=3 if r.random() < 0.3 else 1)
        again = self.last in states and r.random() < 0.3
        self.last = self.last if again else max(some, key=lambda pk: self.unreached(states[pk]))
        case = Case.objects.get(pk=self.last)
        move, actor = self.choose(case)
        if sought:
            case, move, actor = sought
        self.steps += 1
        self.tried[case.state, move.name, actor.role_for(move)] += 1
        if move.name in ("escalate", "no_answer"):
            ring_due(self.now)
            self.left()
            case.refresh_from_db()
            self.check(case)
            return
        if r.random() < 0.05:
            assert all(actor.role_for(m) for m in allowed(case, actor, at=self.now))
        photos = []
        if "photos" in move.fields and r.random() < 0.8:
            photos = [(photo(), CasePhoto.AFTER if "outcome" in move.fields else CasePhoto.BEFORE)]
        seen = case.version if r.random() < 0.9 else max(0, case.version - 1)
        before = (case.state, case.version, case.holder_id, case.due_at, case.headcount)
        try:
            perform(
                case, move.name, actor, at=self.now, seen_version=seen if move.fresh else None, photos=photos,
                **self.data(case, move, rough=not sought and r.random() < 0.08),  # sometimes the form says nonsense
            )  # fmt: skip
        except Refused as refusal:
            assert str(refusal), move.name
            self.refused[move.name] += 1
            case = Case.objects.get(pk=case.pk)
            assert before == (case.state, case.version, case.holder_id, case.due_at, case.headcount), move.name
        else:
            assert actor.role_for(move), f"{move.name} was done by somebody who may not"
            self.done[move.name] += 1
            self.reach([(before[0], move.name, actor.role_for(move))])
            case = Case.objects.get(pk=case.pk)
            self.check(case, move.name)
            if case.parent_id:
                self.check(Case.objects.get(pk=case.parent_id))
        # What is over goes; later, where something has never been done with it.
        if case.state in ENDED and r.random() < (0.02 if self.unreached(case.state) else 0.2):
            self.cases = [c for c in self.cases if c.pk != case.pk]

    def check(self, case, act=""):
        hint = f"{case.number} {act} in {case.state}"
        report = Report.objects.get(pk=case.pk)
        tasks = Counter(Task.objects.filter(case=case).values_list("part", "state"))
        open_tasks = sum(n for (_part, state), n in tasks.items() if state in ("issued", "signed"))
        pauses = case.pauses.filter(until__isnull=True).count()
        # State, phase and outcome are three axes that agree.
        assert case.phase == REPORTS.phases[case.state], hint
        ends = {"closed": True, "transferred_out": True, "withdrawn": True, "merged": True}
        assert bool(case.outcome) == ends.get(case.state, False), f"{hint} {case.outcome}"
        # One owner and one deadline while it is open, none afterwards.
        if case.state in ("accepted", "dispatched", "working", "replied"):
            assert case.holder_id and case.handle_limit and case.rule_version, hint
            assert case.due_at == deadline(case), hint
            meets = case.pending == "meeting"
            assert case.next_due_at <= case.due_at if meets else case.next_due_at == case.due_at, hint
            told = replay(case.events.all(), REPORTS.phases)
            assert told.state == case.state and told.due == told.deadline() == case.due_at, hint
        if case.state == "suspended":
            assert case.due_at is None and case.next_due_at == case.review_at > case.created_at, hint
        assert case.extended <= 1 and (not case.pending or case.phase != "void"), hint
        if case.state == "received":
            due = deadline(case, limit=case.accept_limit)
            assert due is not None and due == case.accept_due_at == case.next_due_at, hint
            told = replay(case.events.all(), REPORTS.phases)
            assert told.state == case.state and told.accept_due == told.accept_deadline() == due, hint
        assert (case.alarm_at is not None) == case.is_open, hint
        assert (case.phase == "waiting") == (pauses == 1), hint
        # A closing is a claim: another person where it matters, evidence, a window.
        if case.state == "closed":
            event = case.events.filter(act__startswith="close").latest("seq")
            assert case.closer_id == event.actor_id and case.disputable_until > case.closed_at, hint
            if act.startswith("close"):
                acts = case.events.filter(seq__lt=event.seq, act__in=("start", "reply"))
                if case.urgency in ("U0", "U1") or report.about != "thing" or case.reopened:
                    assert not acts.filter(actor=case.closer).exists(), hint
                advice = case.urgency == "U3" or report.kind in ("咨询", "建议", "表扬")
                assert advice or case.photos.filter(stage="after").exists(), hint
        if act in ("dispute", "reopen"):
            assert case.holder_id not in (None, case.closer_id), hint
            assert case.about_account_id is None or case.holder_id != case.about_account_id, hint
        if case.state in ENDED:
            assert open_tasks == 0, f"{hint} {tasks}"
        assert sum(n for (part, s), n in tasks.items() if part == "lead" and s in ("issued", "signed")) <= 1, hint
        # Merging counts heads and makes no chains.
        assert case.headcount == 1 + Case.objects.filter(parent=case, state="merged").count(), hint
        assert (case.state == "merged") == (case.parent_id is not None), hint
        if case.parent_id:
            assert case.parent.parent_id is None, hint
        assert case.asked <= 2 and case.reopened <= 2, hint  # once by staff, once by the reporter
        # The timeline, the version and the journal tell the same story.
        assert list(case.events.values_list("seq", flat=True)) == list(range(1, case.version + 1)), hint
        if self.r.random() < 0.05:
            assert Entry.objects.filter(stream__name=case.stream).count() == case.version, hint
            for account in (self.w.stranger_worker, self.w.other_leader, self.w.admin, self.w.auditor, self.w.stranger):
                seen = Case.objects.visible_to(account, self.now).filter(pk=case.pk).exists()
                assert seen == (case.reporter_id == account.pk), hint


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_walk_breaks_no_invariant(world, seed, monkeypatch):
    # What is drawn for a check follows from the name of the case's stream: here the same at every run of a seed.
    names = random.Random(seed)
    monkeypatch.setattr(models, "secrets", SimpleNamespace(token_hex=lambda n: names.randbytes(n).hex()))
    for key, value in (("sample_percent", "40"), ("urgent_heads", "3")):
        Parameter.objects.update_or_create(key=key, defaults={"value": value})
    walk = Walk(world, seed)
    # What needs several chances in a row; tests of their own do these.
    rare = "see escalate no_answer publish unpublish take_back contest_refusal split_out uphold reopen pass_sample"
    rare += " designate object exclude rise"
    wanted = {m.name for m in REPORTS.moves} - set(rare.split()) if STEPS >= 5000 else set()

    began, everywhere = time(), STEPS >= LONG
    # Chance may be slow to come to one of them: the walk goes on for as long again before it gives up.
    while walk.steps < STEPS or (walk.steps < 2 * STEPS and (wanted - set(walk.done) or everywhere and walk.to_go)):
        walk.step()
        if everywhere and walk.steps % 2500 == 0:  # on the terminal, past whatever captures what tests print
            left = walk.left()
            told = f"seed {seed}: {walk.steps} steps in {time() - began:.0f} s, {len(left)} rows to go: {left[:9]}"
            print(told, file=sys.__stderr__, flush=True)
    unreached = wanted - set(walk.done)
    assert not unreached, f"never done: {unreached}"
    left = walk.left()
    print(f"seed {seed}: {walk.steps} steps, {len(every_row())} rows of the table, not reached: {left}")
    assert not (everywhere and left)
    assert verify() == []
