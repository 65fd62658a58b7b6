"""What looks odd in a month and deserves a look: rows with words and cases, never a score.

Only what stored rows can honestly say. Every rule is a condition with a threshold that the subdistrict sets.
"""

from datetime import timedelta

from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import TruncDate
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from weilianxin.cases.models import Case, CasePhoto
from weilianxin.people.models import Account

from . import given
from .rates import among, within

SAID = ("grid", "place", "holder", "unit")  # what a list says beside a case
ROWS, SHOWN, READ = 10, 30, 400  # rows of a kind, cases of a row, cases read for a kind
HOUR = timedelta(hours=1)
DEFAULTS = {
    "odd_ratings": 5,
    "odd_rating_seconds": 60,
    "odd_last_minutes": 30,
    "odd_self_closed": 10,
    "odd_quick_minutes": 10,
    "odd_quick_times": 3,
}


def signals(account, areas, month):
    """The rows of a month, kind by kind: dicts of `kind`, `words`, `n`, `cases` (a few, none sensitive) and `more`,
    how many are not shown. The number of queries does not depend on the data."""
    said = {key: int(value) for key, value in {**DEFAULTS, **given.parameters(*DEFAULTS)}.items()}
    look = Look(account, areas, month, said)
    return [
        *look.many_ratings(),
        *look.hasty_ratings(),
        *look.last_minute(),
        *look.self_closed(),
        *look.same_photo(),
        *look.quick(),
    ]


class Look:
    def __init__(self, account, areas, month, said):
        self.account, self.areas, self.month, self.said = account, areas, month, said
        self.centre = areas[0].level in ("subdistrict", "district")

    def among(self, what, which=Q()):  # noqa: B008
        return among(what, self.account, self.areas, self.month, which).select_related(*SAID)

    def row(self, kind, words, cases, n=None):
        cases = list({case.pk: case for case in cases}.values())
        n = len(cases) if n is None else n
        shown = [case for case in cases if not case.sensitive][:SHOWN]
        return {"kind": kind, "words": words, "n": n, "cases": shown, "more": n - len(shown)}

    def many_ratings(self):
        """Many ratings of one account within an hour. Whose it is, is not said."""
        least = self.said["odd_ratings"]
        rated = self.among("rated", Q(reporter__isnull=False))
        busy = rated.order_by().values("reporter").annotate(n=Count("ratings")).filter(n__gte=least)
        keys = list(busy.order_by("-n", "reporter").values_list("reporter", flat=True)[:ROWS])
        rows = self.among("rated", Q(reporter__in=keys)).annotate(moment=F("ratings__at"))
        of = {}
        for case in rows.order_by("reporter", "moment", "pk")[:READ]:
            of.setdefault(case.reporter_id, []).append(case)
        out = []
        for cases in of.values():
            best, start = [], 0
            for end, case in enumerate(cases):
                while case.moment - cases[start].moment > HOUR:
                    start += 1
                if end + 1 - start > len(best):
                    best = cases[start : end + 1]
            if len(best) < least:
                continue
            minutes = int((best[-1].moment - best[0].moment).total_seconds() // 60) + 1
            words = _("同一个账号 %(minutes)s 分钟里评了 %(n)s 件") % {"minutes": minutes, "n": len(best)}
            # Beside its neighbours a matter tells who reported it: those that only the centre may know are left out.
            open_ones = [case for case in best if self.centre or case.anonymity == "N0"]
            out.append(self.row("ratings", words, open_ones, len(best)))
        return out

    def hasty_ratings(self):
        seconds = self.said["odd_rating_seconds"]
        after = timedelta(seconds=seconds)
        soon = Q(ratings__at__gte=F("closed_at"), ratings__at__lt=F("closed_at") + after)
        soon |= Q(ratings__at__gte=F("parent__closed_at"), ratings__at__lt=F("parent__closed_at") + after)
        cases = list(self.among("rated", soon).order_by("-pk")[:READ])
        words = _("办结不到 %(n)s 秒就有了评价") % {"n": seconds}
        return [self.row("hasty", words, cases)] if cases else []

    def last_minute(self):
        minutes = self.said["odd_last_minutes"]
        last = Q(closed_at__lte=F("due_at"), closed_at__gt=F("due_at") - timedelta(minutes=minutes))
        cases = self.among("closed", last & Q(outcome="explained")).select_related(*SAID, "closer")
        of = {}
        for case in cases.order_by("-closed_at")[:READ]:
            of.setdefault(case.closer, []).append(case)
        return [
            self.row(
                "last",
                _("%(who)s在到期前 %(n)s 分钟内用“说明情况”办结")
                % {"who": closer.name if closer else "", "n": minutes},
                found,
            )
            for closer, found in list(of.items())[:ROWS]
        ]

    def self_closed(self):
        """Many small matters that one person did and closed alone on one day."""
        alone = Q(unit__isnull=True, urgency__in=("U2", "U3"), holder=F("closer"))
        rows = self.among("closed", alone).annotate(day=TruncDate("closed_at")).order_by().values("closer", "day")
        rows = rows.annotate(n=Count("pk")).filter(n__gte=self.said["odd_self_closed"])
        rows = list(rows.order_by("-n", "day", "closer")[:ROWS])
        which, people = Q(pk__in=[]), self.people(rows)
        for row in rows:
            which |= Q(closer=row["closer"], day=row["day"])
        cases = self.among("closed", alone).annotate(day=TruncDate("closed_at")).filter(which).order_by("-closed_at")
        cases, out = list(cases[:READ]), []
        for row in rows:
            mine = [case for case in cases if (case.closer_id, case.day) == (row["closer"], row["day"])]
            said = {"who": people.get(row["closer"], ""), "n": row["n"], "day": date_format(row["day"], _("n月j日"))}
            words = _("%(who)s在%(day)s自己办、自己办结 %(n)s 件") % said
            if (row["day"] + timedelta(days=1)).day == 1:
                words = _("%(words)s（那天是月末）") % {"words": words}
            out.append(self.row("alone", words, mine, row["n"]))
        return out

    def same_photo(self):
        """One photo as what was done in several matters; also of months before."""
        hashed = {"hash": F("photos__photo__original_hash"), "stage": F("photos__stage")}
        after = CasePhoto.objects.filter(stage=CasePhoto.AFTER)
        elsewhere = after.filter(photo__original_hash=OuterRef("hash")).exclude(case=OuterRef("pk"))
        found = self.among("closed").annotate(**hashed).filter(Exists(elsewhere), stage=CasePhoto.AFTER)
        hashes = list(dict.fromkeys(found.order_by("-closed_at").values_list("hash", flat=True)[:READ]))[:ROWS]
        seen = Case.objects.visible_to(self.account).filter(within(self.areas), closings__gt=0)
        uses = seen.select_related(*SAID).annotate(**hashed).filter(stage=CasePhoto.AFTER, hash__in=hashes)
        of = {}
        for case in uses.order_by("-closed_at", "-pk")[:READ]:
            of.setdefault(case.hash, {})[case.pk] = case
        return [
            self.row("photo", _("同一张照片用在 %(n)s 件事的办后照片里") % {"n": len(cases)}, cases.values())
            for cases in (of.get(key, {}) for key in hashes)
            if len(cases) > 1
        ]

    def quick(self):
        minutes = self.said["odd_quick_minutes"]
        fast = Q(reopened=0, accepted_at__isnull=False, closed_at__lt=F("accepted_at") + timedelta(minutes=minutes))
        fast &= ~Q(channel="patrol")  # found and put right in one moment, as it should be
        rows = self.among("closed", fast).order_by().values("closer").annotate(n=Count("pk"))
        rows = list(rows.filter(n__gte=self.said["odd_quick_times"]).order_by("-n", "closer")[:ROWS])
        people = self.people(rows)
        cases = self.among("closed", fast & Q(closer__in=[row["closer"] for row in rows])).order_by("-closed_at")
        cases = list(cases[:READ])
        return [
            self.row(
                "quick",
                _("%(who)s受理后 %(minutes)s 分钟内就办结，一共 %(n)s 件")
                % {"who": people.get(row["closer"], ""), "minutes": minutes, "n": row["n"]},
                [case for case in cases if case.closer_id == row["closer"]],
                row["n"],
            )
            for row in rows
        ]

    def people(self, rows):
        return dict(Account.objects.filter(pk__in={row["closer"] for row in rows}).values_list("pk", "name"))
