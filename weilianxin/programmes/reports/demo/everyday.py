"""The weeks behind: every method is an everyday turn of the loop."""

import csv
import dataclasses
import hashlib
import random
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from weilianxin.areas.calendar import work_calendar
from weilianxin.areas.locate import Location
from weilianxin.areas.models import Area, Level
from weilianxin.cases.access import actor_on, handler_on, posts_of
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Task
from weilianxin.files.intake import MOST, receive
from weilianxin.files.store import store
from weilianxin.lib.datum import cell
from weilianxin.lib.refusal import Refused
from weilianxin.people.models import Account, Dwelling, Post, Role, new_ref
from weilianxin.people.posts import on_duty
from weilianxin.people.units import units_for

from .. import catalogue, intake, policy
from ..models import Category

SEED = 20261124
DAYS, PER_DAY = 28, 11
LOCAL = ZoneInfo("Asia/Shanghai")
# How often a report is sent at each hour of the day.
HOURS = (1, 0, 0, 0, 0, 1, 2, 5, 8, 9, 8, 6, 5, 5, 6, 6, 6, 7, 7, 7, 6, 4, 2, 1)
# What was photographed, by category: a drawing before and one after; a work slip where nothing is to be seen.
SCENES = {
    "stairs": ("XQ101",),
    "lamp": ("XQ201", "01037", "XQ902"),
    "sewer": ("XQ202",),
    "green": ("06017", "06045", "XQ105"),
    "bins": ("XQ102", "XQ103", "XQ104", "06010", "06012"),
    "bikes": ("09010", "09011", "XQ301", "06051"),
    "lane": ("09012", "09009", "XQ505", "09006", "09005"),
    "wall": ("XQ302", "06013"),
}
SCENE_OF = {code: scene for scene, codes in SCENES.items() for code in codes}
SLIP = "slip-after"


class Everyday:
    """Tells what happened to reports like hundreds of others, as its people would have done it."""

    def __init__(self, at):
        self.at, self.r = at, random.Random(SEED)
        self.calendar = work_calendar()
        self.subdistrict = Area.objects.current().get(level=Level.SUBDISTRICT, code="330102098")
        self.grids = list(Area.objects.current().filter(level=Level.GRID, subdistrict=self.subdistrict))
        self.residents = {}
        for dwelling in Dwelling.objects.select_related("account", "place__compound", "place__grid", "place__parent"):
            self.residents.setdefault(dwelling.place.grid_id, []).append(dwelling)
        self.categories = {c.code: c for c in Category.objects.all()}
        self.posts, self.duties, self.units = {}, {}, {}
        self.role = {
            role: [
                p.account
                for p in Post.objects.at(at).filter(role=role, area=self.subdistrict).select_related("account")
            ]
            for role in (Role.CENTRE_DISPATCHER, Role.CENTRE_VERIFIER, Role.CALLBACK_OFFICER)
        }
        with (catalogue.DATA / "demo_texts.csv").open(encoding="utf-8", newline="") as source:
            self.texts = list(csv.DictReader(source))
        folder = catalogue.DATA / "demo_photos"
        files = sorted(folder.glob("*.jpg"))
        prepared = []
        for start in range(0, len(files), MOST):
            prepared += receive([file.read_bytes() for file in files[start : start + MOST]])
        self.prepared = {file.stem: p for file, p in zip(files, prepared, strict=True)}
        self.photos = {name: store(p, None, at - timedelta(days=40)) for name, p in self.prepared.items()}
        self.taken = 0

    def act(self, case, name, who, at, photos=(), **data):
        if isinstance(who, Account):
            posts = self.posts.get(who.pk)
            if posts is None:
                posts = self.posts[who.pk] = posts_of(who, at)
            who = actor_on(case, who, at, posts=posts)
        return perform(case, name, who, at=at, photos=photos, **data)

    def worker(self, grid, at):
        key = grid.pk, at.date()
        if key not in self.duties:
            self.duties[key] = on_duty(grid, at).account
        return self.duties[key]

    def unit(self, case, kind):
        key = kind, case.compound_id, case.grid_id
        if key not in self.units:
            found = units_for(
                kind,
                grid=case.grid,
                compound=case.compound,
                community=case.community,
                subdistrict=case.subdistrict,
                district=case.district,
            )
            self.units[key] = found[0] if found else None
        return self.units[key]

    def working(self, at, least, most):
        """Some minutes later, in working time."""
        return self.calendar.next_opening(at) + timedelta(minutes=self.r.randint(least, most))

    def before(self, code):
        """The drawing of a category before it was seen to, in a list; an empty one where nothing can be seen."""
        name = f"{SCENE_OF.get(code)}-before"
        return [self.photos[name]] if name in self.photos else []

    def after(self, code):
        """A photo of what was done, taken for this matter: the drawing is the same, what was sent is not."""
        name = f"{SCENE_OF.get(code)}-after"
        drawing = self.prepared.get(name, self.prepared[SLIP])
        self.taken += 1
        sent = hashlib.sha256(f"{name} {self.taken}".encode()).hexdigest()
        again = dataclasses.replace(drawing, original_hash=sent, ref=new_ref(), placed=False)
        return [(store(again, None, self.at - timedelta(days=40)), "after")]

    # The weeks behind

    def history(self):
        moments = []
        today = timezone.localtime(self.at).replace(minute=0, second=0, microsecond=0)
        for back in range(DAYS, -1, -1):
            day = today - timedelta(days=back)
            factor = 1.2 if day.weekday() == 0 else (0.8 if day.weekday() > 4 else 1)
            for _n in range(round(PER_DAY * factor * self.r.uniform(0.7, 1.3))):
                moment = day.replace(hour=self.r.choices(range(24), HOURS)[0], minute=self.r.randrange(60))
                if moment < self.at - timedelta(minutes=20):
                    moments.append(moment)
        for moment in sorted(moments):
            self.one(moment)

    def one(self, at):
        r = self.r
        # The first community is the best known one: a third of all comes from there.
        grid = r.choice(
            [g for g in self.grids if g.code.startswith("330102098001")] if r.random() < 0.35 else self.grids
        )
        home = r.choice(self.residents[grid.pk])
        told = r.choice(self.texts)
        category = self.categories[told["code"]]
        place = r.choice([home.place.parent or home.place, home.place.compound or home.place])
        pictures = self.before(category.code) if r.random() < 0.8 else []
        case = self.report(home, told["text"], category, place, at, photos=pictures)
        if case is not None:
            self.go_on(case, home.account, told, at)

    def report(self, home, text, category, place, at, **more):
        try:
            return intake.submit(
                home.account,
                text=text,
                location=self.where(place, home.place.grid),
                category=category,
                kind="咨询" if category.urgency == "U3" else "求助",
                anonymity=self.r.choices(("N0", "N1", "N2"), (55, 37, 8))[0],
                at=at,
                stream=self.stream(),
                **more,
            )
        except Refused:
            return None

    def stream(self):
        """The same name for the same report at every telling, so that the same closings are drawn for a check."""
        return f"{self.r.getrandbits(96):024x}"

    def where(self, place, grid=None):
        grid = place.grid or grid
        community = place.community or grid.community
        return Location(
            place=place,
            compound=place if place.kind == "compound" else place.compound,
            grid=grid,
            community=community,
            subdistrict=community.subdistrict,
            district=community.district,
            lat=place.lat,
            lon=place.lon,
            cell=None if place.lat is None else cell(place.lat, place.lon),
            how="place",
        )

    def go_on(self, case, reporter, told, at, until=None):
        """Everything that happens to a report, as far as time allows."""
        r, until = self.r, until or self.at
        if case.grid is None:
            return
        worker = self.worker(case.grid, at)
        steps = self.plan(case, reporter, worker, told, at)
        for _n in range(40):
            step = next(steps, None)
            if step is None or step[0] >= until or r.random() < 0.004:
                return
            try:
                step[1](step[0])
            except Refused:
                return

    def plan(self, case, reporter, worker, told, at):
        """(moment, act) pairs; each act is done before the next moment is asked for."""
        r = self.r
        now = self.working(at, 2, 40) if case.urgency != "U0" else at + timedelta(minutes=3)

        def do(name, who, photos=(), **data):
            return lambda moment: self.act(Case.objects.get(pk=case.pk), name, who, moment, photos, **data)

        yield now, do("see", worker)
        now += timedelta(minutes=r.randint(1, 12))
        channel = case.route["channel"]
        if channel not in ("case", "emergency"):
            leader = self.leader(case)
            note, receiver = told["reply"], self.receiver(channel)
            yield self.working(now, 5, 90), do("transfer", leader, channel=channel, receiver=receiver, note=note)
            return
        yield now, do("accept", worker, note="")
        lead = case.route["lead"]
        unit = None if lead in ("grid_worker", "dispatcher") else self.unit(case, lead)
        urgent = case.urgency in ("U0", "U1")
        shots = self.after(case.category)
        if unit is not None and case.urgency != "U3":
            near = lead in ("property_company", "repair_contractor", "elevator_maintainer")
            sender = worker if near else self.role[Role.CENTRE_DISPATCHER][0]
            now += timedelta(minutes=r.randint(3, 25))
            yield now, do("dispatch", sender, unit=unit, assists=[], note="请到现场看一看，办好后回传照片。")
            task = Task.objects.filter(case=case).select_related("unit").last()
            handler = handler_on(task, unit.contact or "值班员") if task else None
            now = self.working(now, 10, 120)
            yield now, do("sign", handler, note="")
            if not urgent and r.random() < 0.05:
                dispatcher, day = self.role[Role.CENTRE_DISPATCHER][0], (now + timedelta(days=r.randint(5, 12))).date()
                now += timedelta(minutes=40)
                yield now, do("ask_suspend", handler, note="要等产权单位排期，一周左右。")
                now += timedelta(minutes=25)
                waits = {
                    "note": "要等产权单位排期，约好了就来办。",
                    "public_plan": "已和产权单位约时间，到期前处理好；先放提示牌。",
                }
                yield now, do("suspend", dispatcher, review_date=day, **waits)
                now = self.working(policy.end_of(day), 60, 300)
                yield now, do("resume", dispatcher, note="约好了，接着办。")
            now = self.working(now, 60, 900 if not urgent else 240)
            if r.random() < 0.06 and now - task.issued_at < timedelta(hours=3):
                yield now, do("return_order", handler, note="这里不归我们管。", proposed="产权单位")
                return
            yield now, do("reply", handler, shots, outcome="solved", note="已经处理好了。")
        else:
            now = self.working(now, 20, 300)
            yield now, do("start", worker, note="")
            now = self.working(now, 30, 400)
            if urgent:
                yield now, do("reply", worker, shots, outcome="solved", note=told["reply"])
        now = self.working(now, 20, 240)
        outcome = r.choices(("solved", "partly"), (93, 7))[0]
        if case.urgency == "U3":
            outcome = "explained"
        plan_date = (now + timedelta(days=30)).date() if outcome == "partly" else None
        closing = {"outcome": outcome, "plan_date": plan_date, "note": told["reply"]}
        closer = self.role[Role.CENTRE_VERIFIER][0] if urgent else worker
        if urgent:
            yield now, do("close_verified", closer, **closing)
        else:
            seen = [] if Case.objects.get(pk=case.pk).photos.filter(stage="after").exists() else shots
            yield now, do("close_seen", worker, seen, no_before="到场时已在处理", **closing)
        yield from self.afterwards(case, reporter, closer, told, now, do)

    def afterwards(self, case, reporter, closer, told, now, do):
        r = self.r
        if r.random() < 0.04 and case.urgency != "U3":
            yield now + timedelta(hours=r.randint(3, 30)), do("dispute", reporter, note="过了一天又和原来一样了。")
            return
        if r.random() < 0.42:
            level = r.choices((5, 4, 3, 2, 1), (62, 21, 9, 5, 3))[0]
            words = {5: "办得快，谢谢！", 4: "还可以", 3: "", 2: "拖得有点久", 1: "没有解决"}[level]
            now += timedelta(hours=r.randint(1, 40))
            yield now, do("rate", reporter, level=level, note=words)
            if level <= 2 and r.random() < 0.7:
                caller = self.role[Role.CALLBACK_OFFICER][0]
                yield self.working(now, 60, 900), do("uphold", caller, note="已电话回访并到现场看过，问题确已处理。")
        checker = self.role[Role.CENTRE_VERIFIER][-1]
        if closer.pk != checker.pk:
            sampled = Case.objects.get(pk=case.pk).samples.filter(checked_at__isnull=True).exists()
            if sampled and r.random() < 0.75:
                yield self.working(now, 120, 1200), do("pass_sample", checker, note="现场看过，确已办好。")
            category = self.categories[case.category]
            if category.public == "yes" and case.outcome != "withdrawn" and r.random() < 0.6:
                now = self.working(now, 60, 2000)
                chosen = list(case.photos.filter(stage="after").values_list("pk", flat=True)[:1])
                yield (
                    now,
                    do(
                        "publish",
                        checker,
                        public_title=category.name_zh[:50] + "：已办结",
                        public_text=f"居民反映：{told['text']}\n办理结果：{told['reply']}",
                        public_photos=chosen,
                    ),
                )

    def leader(self, case):
        key = "leader", case.grid_id
        if key not in self.duties:
            self.duties[key] = Post.objects.select_related("account").filter(
                role=Role.GRID_LEADER, area=case.grid
            )[0].account  # fmt: skip
        return self.duties[key]

    def receiver(self, channel):
        return {
            "mediation": "街道人民调解委员会 觜火",
            "service": "综合窗口 娄金",
            "deliberation": "社区议事厅 牛金",
            "police": "望星派出所 值班民警",
            "petition": "街道信访窗口",
        }.get(channel, "有关单位")
