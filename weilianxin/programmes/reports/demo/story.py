"""Today, and what is out of the ordinary: each method tells one thing that a visitor should find."""

import csv
import random
from datetime import timedelta

from django.utils import timezone

from weilianxin.areas.locate import locate
from weilianxin.areas.models import Area
from weilianxin.cases.access import handler_on
from weilianxin.cases.models import Case, Task
from weilianxin.lib.refusal import Refused
from weilianxin.notify.models import Partner
from weilianxin.people.models import Post, Role, Unit
from weilianxin.people.posts import note_absence

from .. import catalogue, deliveries, exporting, intake, taking, threads
from ..models import RoutingRule
from .everyday import SCENE_OF, SEED, Everyday


class Story(Everyday):
    """The everyday weeks, and one example of whatever else can happen to a report."""

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
            (130, mine[3], "一楼门厅的灯不亮，晚上钥匙孔都看不清。", lamp, ("dispatch", "sign")),
            (95, mine[1], "单元门口的灯一闪一闪的，晚上看不清台阶。", lamp, ("dispatch",)),
            (50, mine[0], "二楼到三楼的声控灯不亮，我妈妈晚上上楼看不见，差点摔倒。", lamp, ()),
            (14, mine[2], "垃圾房门口一地的水，走过去滑脚。", self.categories["XQ102"], ()),
        )
        worker = self.worker(grid, self.at)
        for ago, home, text, category, acts in minutes:
            at = self.at - timedelta(minutes=ago)
            shots = self.before(category.code)
            case = self.report(home, text, category, entrance if acts else home.place.parent, at, photos=shots)
            if case is None or ago < 20:
                continue
            self.act(case, "see", worker, at + timedelta(minutes=3))
            if acts:
                self.act(case, "accept", worker, at + timedelta(minutes=4), note="")
                company = self.unit(case, "property_company")
                asked = {"unit": company, "assists": [], "note": "请今天换一只灯。"}
                case = self.act(case, "dispatch", worker, at + timedelta(minutes=6), **asked)
            if "sign" in acts:
                handler = handler_on(Task.objects.get(case=case), company.contact or "值班员")
                self.act(case, "sign", handler, at + timedelta(minutes=30), note="")
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
