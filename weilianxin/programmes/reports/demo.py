"""The reports of the made-up 望星街道: some weeks of history and a living present, the same at every run.

Everything is done by the acts themselves, in the order of time, as its people would do them: nothing is written
behind the flow's back, so the history is as true as that of a real installation.
"""

import csv
import dataclasses
import hashlib
import random
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone, translation

from weilianxin.areas.calendar import work_calendar
from weilianxin.areas.demo import make_demo_areas
from weilianxin.areas.locate import Location, locate
from weilianxin.areas.models import Area, Level
from weilianxin.cases.access import actor_on, handler_on, posts_of
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Task
from weilianxin.files.intake import MOST, receive
from weilianxin.files.store import store
from weilianxin.journal import checkpoint
from weilianxin.lib.datum import cell
from weilianxin.lib.refusal import Refused
from weilianxin.notify.models import Message, Partner
from weilianxin.people.demo import make_demo_staff
from weilianxin.people.models import Account, Dwelling, Post, Role, Unit, new_ref
from weilianxin.people.posts import note_absence, on_duty
from weilianxin.people.units import units_for

from . import catalogue, deliveries, exporting, intake, policy, taking, threads
from .models import Category, RoutingRule

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


def seed(at=None):
    """Fill an empty installation: areas, people, history, the labelled reports, conversations. Some 20 seconds."""
    at = at or timezone.now()
    with translation.override("zh-hans"):
        with transaction.atomic():
            areas = make_demo_areas()
            make_demo_staff(areas)
            catalogue.load()
        story = Story(at)
        with transaction.atomic():
            story.history()
        with transaction.atomic():
            story.odd()
            story.left_out()
            story.causes()
            story.rules()
            story.partner()
            story.labelled()
            story.present()
            story.told()
            story.rounds()
            story.passed_on()
            story.asked_out()
            story.conversations()
            # Nobody opens an app after four weeks to sixty unread messages.
            Message.objects.filter(created_at__lt=at - timedelta(days=2)).update(read_at=at)
        checkpoint.sequence()
        checkpoint.seal_due(at)


class Story:
    """Tells what happened: every method is an everyday turn of the loop."""

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

    # Today

    def causes(self):
        """Whoever holds what keeps coming back has taken it on."""
        for case in Case.objects.filter(channel="source", state="received").select_related("holder"):
            self.act(case, "accept", case.holder, self.working(case.created_at, 30, 180), note="先看清楚原因。")

    def rules(self):
        """What this subdistrict has agreed on beyond the categories."""
        first = Area.objects.current().get(code="330102098001")
        unit = Unit.objects.filter(kind="municipal_maintenance", is_active=True).order_by("id").first()
        since = self.at - timedelta(days=12)
        RoutingRule.objects.create(
            area=first, category=self.categories["06013"], unit=unit, why="社区道路今年由市政养护包干", since=since
        )
        RoutingRule.objects.create(
            column_code="ECO", urgency="U1", kind="sanitation_contractor", why="紧急的卫生问题先请环卫到场", since=since
        )

    def partner(self):
        """A system that could be told; switched off, for nothing leaves the demo."""
        unit = Unit.objects.filter(kind="property_company", is_active=True).order_by("id").first()
        name, url = f"{unit.name_zh}的工单系统", "https://orders.example/hooks"
        Partner.objects.create(name=name, url=url, unit=unit, active=False)

    def labelled(self):
        """The labelled reports, of the last two days; the integrity one is not kept, as promised."""
        with (catalogue.DATA / "demo_reports.csv").open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source))
        told = {text["code"]: text for text in self.texts}
        for n, row in enumerate(rows):
            at = self.at - timedelta(hours=46) + timedelta(minutes=36 * n)
            grid = next((g for g in self.grids if g.code == f"330102098001{row['grid']}"), None)
            home = self.r.choice(self.residents[(grid or self.grids[0]).pk])
            location = self.placed(row["text_zh"], grid, home)
            by_hotline = row["channel"].startswith("phone") or location is None
            try:
                case = intake.submit(
                    home.account,
                    text=row["text_zh"] if len(row["text_zh"]) > 4 else row["text_zh"] + "？请回复",
                    location=location,
                    category=self.categories[row["category_code"]],
                    kind=row["kind"]
                    if row["kind"] in ("求助", "投诉", "举报", "咨询", "建议", "表扬", "其他")
                    else "举报",
                    anonymity=row["anonymity"] if row["anonymity"] != "N3" else "N2",
                    urgency=row["urgency"],
                    channel="hotline" if by_hotline else "web",
                    source="hotline" if by_hotline else "",
                    source_no=f"T{n:04d}" if by_hotline else "",
                    source_due_at=at + timedelta(days=3) if by_hotline else None,
                    at=at,
                    stream=self.stream(),
                )
            except Refused:
                continue
            reply = told.get(row["category_code"], {"text": row["text_zh"], "reply": "已经处理，谢谢您告诉我们。"})
            self.go_on(case, home.account, reply, at, until=self.at - timedelta(hours=(n * 7) % 30))

    def placed(self, text, grid, home):
        if grid is None:
            return None if "隔壁" in text else self.where(home.place, home.place.grid)
        try:
            found = locate(text=text, area=grid)
        except Refused:
            found = None
        if found is None or found.grid is None or found.how == "area":
            found = self.where(home.place.compound or home.place, grid)
        return found

    def present(self):
        """What waits in the first grid this very hour, so that everybody who visits finds work."""
        grid = next(g for g in self.grids if g.code == "330102098001001")
        mine = self.residents[grid.pk]
        lamp = self.categories["XQ201"]
        entrance = mine[0].place.parent or mine[0].place
        minutes = (
            (95, mine[1], "单元门口的灯一闪一闪的，晚上看不清台阶。", lamp, True),
            (50, mine[0], "二楼到三楼的声控灯不亮，我妈妈晚上上楼看不见，差点摔倒。", lamp, False),
            (14, mine[2], "垃圾房门口一地的水，走过去滑脚。", self.categories["XQ102"], False),
        )
        worker = self.worker(grid, self.at)
        for ago, home, text, category, sent in minutes:
            at = self.at - timedelta(minutes=ago)
            shots = self.before(category.code)
            case = self.report(home, text, category, entrance if sent else home.place.parent, at, photos=shots)
            if case is None or ago < 20:
                continue
            self.act(case, "see", worker, at + timedelta(minutes=3))
            if sent:
                self.act(case, "accept", worker, at + timedelta(minutes=4), note="")
                company = self.unit(case, "property_company")
                asked = {"unit": company, "assists": [], "note": "请今天换一只灯。"}
                self.act(case, "dispatch", worker, at + timedelta(minutes=6), **asked)
        away = next(g for g in self.grids if g.code == "330102098001007")
        chief = self.role[Role.CENTRE_DISPATCHER][0]
        start = self.at - timedelta(hours=5)
        try:
            note_absence(self.worker(away, start), "leave", start, self.at + timedelta(days=3), chief, start)
        except Refused:
            return

    def odd(self):
        """A morning that deserves a look: ten small matters of one resident, all closed within minutes by one person,
        with one photo, and rated at once."""
        grid = next(g for g in self.grids if g.code == "330102098001005")
        start = self.calendar.next_opening(self.at - timedelta(days=4))
        home, worker = self.residents[grid.pk][0], self.worker(grid, start)
        lamp, shots = self.categories["XQ201"], self.after("XQ201")
        for n in range(10):
            at = start + timedelta(minutes=5 * n)
            case = self.report(home, f"{n + 1} 号灯箱有一只灯不太亮。", lamp, home.place.compound, at)
            if case is None:
                continue
            self.act(case, "see", worker, at + timedelta(minutes=1))
            self.act(case, "accept", worker, at + timedelta(minutes=1), note="")
            closing = {"outcome": "solved", "note": "已换灯。", "no_before": "到场时已在处理"}
            at += timedelta(minutes=3)
            case = self.act(case, "close_seen", worker, at, shots, **closing)
            if n < 6:
                self.act(case, "rate", home.account, at + timedelta(seconds=20), level=5, note="")

    def left_out(self):
        """Two matters that count in no rate, each agreed by another person, and one that waits for a decision."""
        secretary, duty = (
            Post.objects.at(self.at).filter(role=role, area__code=code).order_by("id").first().account
            for role, code in ((Role.COMMUNITY_SECRETARY, "330102098001"), (Role.DUTY_LEADER, "330102098"))
        )
        caller, since = self.role[Role.CALLBACK_OFFICER][0], self.at - timedelta(days=14)
        rows = Case.objects.filter(state="closed", community__code="330102098001", closed_at__gte=since)
        rows = rows.filter(
            closed_at__lt=self.at - timedelta(days=4), ratings__isnull=True, reporter__isnull=False, sensitive=False
        ).exclude(closer__in=[secretary, duty, caller])
        # Silent since it was closed, so that nobody can say that its reporter was heard of.
        told = zip(
            rows.exclude(recurrences__isnull=False).order_by("-closed_at")[:3],
            ("unreached", "unreasonable", "force"),
            (
                "三次都没有人接。",
                "要求在公共绿地里给自家停车划线，已说明规定。",
                "台风天停工两天，恢复后就办好了。",
            ),
            strict=False,
        )
        for case, ground, words in told:
            who = caller if ground == "unreached" else secretary
            # More than a day from the first to the last, so that they are calls of two days at any hour.
            for hours in (54, 46, 27) if ground == "unreached" else ():
                self.act(case, "call", caller, self.at - timedelta(hours=hours), reached="no", note="没有人接。")
            self.act(case, "propose_exclude", who, self.at - timedelta(hours=20), ground=ground, note=words)
            if ground != "force":
                self.act(case, "exclude", duty, self.at - timedelta(hours=3), note="")

    def told(self):
        """What a caller, a visitor and a neighbour on the way said this morning, and who wrote it down."""
        grid = next(g for g in self.grids if g.code == "330102098001001")
        homes, worker = self.residents[grid.pk], self.worker(grid, self.at)
        # minutes ago, who wrote it down, how they came, telephone, name, what it is, whose place it is, words
        rows = (
            (
                75,
                worker,
                "grid_worker",
                "13700001102",
                "昴日奶奶",
                "XQ105",
                3,
                "花坛边上蚊子特别多，想请人来消杀一下。",
            ),
            (40, None, "window", "", "", "01037", 1, "小区门口那条路的路灯两天没亮了。"),
            (25, None, "phone", "13700001101", "参水师傅", "XQ104", 2, "分类投放点的桶坏了，垃圾撒了一地。"),
        )
        for ago, by, channel, phone, name, code, home, text in rows:
            place = homes[home].place.compound or homes[home].place
            taking.take_down(
                by or self.role[Role.CENTRE_DISPATCHER][0],
                channel=channel,
                phone=phone,
                name=name,
                agreed=bool(phone),
                receipt=channel == "phone",
                text=text,
                category=self.categories[code],
                location=self.where(place, grid),
                at=self.at - timedelta(minutes=ago),
            )

    def passed_on(self):
        """What 12345 passed on these days: some of it open, some ended, and some of that sent back in a file."""
        chance = random.Random(SEED + 2)
        texts = [text for text in self.texts if text["code"] in ("XQ101", "06017", "XQ102", "09010")]
        for n in range(12):
            at = self.working(self.at - timedelta(hours=104 - 8 * n), 5, 60)
            if at + timedelta(hours=2) > self.at:
                return
            grid, told = chance.choice(self.grids), chance.choice(texts)
            place = self.residents[grid.pk][0].place
            case = intake.submit(
                None,
                text=told["text"],
                location=self.where(place.compound or place, grid),
                category=self.categories[told["code"]],
                channel="12345",
                source="12345",
                source_no=f"JQ2611{n:04d}",
                source_at=at - timedelta(hours=1),
                source_due_at=at + timedelta(days=chance.choice((3, 5))),
                at=at,
                stream=f"{chance.getrandbits(96):024x}",
            )
            if n % 3 == 2 or told["code"] not in SCENE_OF:
                continue
            worker, later = self.worker(grid, at), at + timedelta(minutes=40)
            self.act(case, "accept", worker, later, note="")
            shots = [(self.before(told["code"])[0], "before"), *self.after(told["code"])]
            closing = {"outcome": "solved", "note": told["reply"]}
            self.act(case, "close_seen", worker, later + timedelta(minutes=50), shots, **closing)
            if n == 4:
                chief = self.role[Role.CENTRE_DISPATCHER][0]
                deliveries.deliver(chief, self.subdistrict, "12345", later + timedelta(hours=1))

    def asked_out(self):
        """A request for a file with what is secret in it; the duty leader has not decided yet."""
        today = timezone.localdate(self.at)
        wanted = exporting.asked({"since": str(today - timedelta(days=28)), "until": str(today)})
        chief = self.role[Role.CENTRE_DISPATCHER][0]
        exporting.ask(chief, self.subdistrict, wanted, "区里统一回头看", self.at - timedelta(minutes=50))

    def rounds(self):
        """What the grid workers of the first community put right on their rounds, and one thing that is still open."""
        chance = random.Random(SEED + 1)
        grids = [grid for grid in self.grids if grid.code.startswith("330102098001")]
        scenes = {"XQ101": "stairs", "09010": "bikes", "06013": "wall", "XQ103": "bins"}
        for back in range(12, -1, -1):
            for _n in range(2 if back else 1):
                grid, code = chance.choice(grids) if back else grids[0], chance.choice(sorted(scenes))
                at = self.at - timedelta(days=back, minutes=chance.randint(20, 90))
                place = self.residents[grid.pk][0].place
                taking.found(
                    self.worker(grid, at),
                    category=self.categories[code],
                    location=self.where(place.compound or place, grid),
                    before=[self.photos[f"{scenes[code]}-before"]],
                    after=[self.photos[f"{scenes[code]}-after"]] if back else (),
                    fixed=bool(back),
                    at=at,
                    stream=f"{chance.getrandbits(96):024x}",
                )

    def conversations(self):
        for number, (question, answer) in enumerate(
            (
                ("您好，请问老年食堂周末开门吗？", "开的，周六周日中午十一点到一点，带上老年卡。"),
                ("谢谢您昨天帮忙联系维修，灯已经亮了。", "不客气，有事随时找我。"),
                ("楼下的健身器材好像松了，能来看看吗？", ""),
                ("我妈妈想办送餐，要什么材料？", ""),
            )
        ):
            grid = next(g for g in self.grids if g.code == "330102098001001")
            resident = self.residents[grid.pk][number].account
            at = self.at - timedelta(hours=26 - number * 8)
            thread = threads.thread_for(resident, at)
            threads.say(thread, resident, question, at=at)
            if answer:
                later = self.working(at, 5, 60)
                threads.reply(thread, self.worker(grid, at), answer, at=min(later, self.at))
