from functools import partial

from django.db.models.signals import post_migrate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from weilianxin.lib.programme import Programme


class ReportsConfig(Programme):
    name = "weilianxin.programmes.reports"
    label = "reports"
    verbose_name = gettext_lazy("我要报事")

    def ready(self):
        from weilianxin.people.erasure import register_eraser
        from weilianxin.people.mydata import register_section

        from .catalogue import after_migrate
        from .erasure import erase_person, held

        post_migrate.connect(after_migrate, sender=self)
        register_eraser(erase_person)
        register_section("matters", held)

    @property
    def flow(self):
        from .flow import REPORTS

        return REPORTS

    def situation(self, case):
        from .models import Report
        from .words import SOURCES

        report = Report.objects.select_related("category").get(pk=case.pk)
        case.report = report
        category = report.category
        return {
            "report": report,
            "source": SOURCES.get(report.source, report.source),
            "column": category.column_code if category else "",
            "channel_out": category.channel_out if category else "case",
            "public": category.public if category else "no",
            # What only a page asks for is worked out when it asks.
            "noticed": [row for row in report.screening if row[0] not in ("category", "place")],
            "suggestions": partial(self._suggestions, case, report),
            "alike": partial(self._alike, case),
        }

    def first_act(self, case):
        from .screening import must_tell_police

        if not must_tell_police(case.report):
            return ""
        return "" if case.events.filter(act="police_report").exists() else "police_report"

    def heading(self, event):
        from .words import REACHED, TAKEN_DOWN

        if event.act == "call":
            return _("通话（%(how)s）") % {"how": REACHED[event.data["reached"]]}
        if event.act != "submit":
            return ""
        channel = event.data.get("channel", "")
        if channel == "patrol":
            return _("巡查发现")
        return _("替人登记（%(how)s）") % {"how": TAKEN_DOWN[channel]} if channel in TAKEN_DOWN else ""

    def checks_due(self, moments):
        from .policy import checks_due

        return checks_due(moments)

    def waiting(self, account, page):
        if page == "reports:staff_export":
            from .export_pages import to_decide

            return to_decide(account)
        from .threads import visible_to

        return visible_to(account).filter(answer_due_at__isnull=False) if page == "reports:staff_threads" else None

    def _suggestions(self, case, report):
        from .guards import WORDLESS
        from .screening import suggest

        if case.category != WORDLESS or not case.is_open:
            return []
        return [c for c in suggest(report.text, case.title) if c.channel_out != "integrity"]

    def _alike(self, case):
        from .screening import similar

        return similar(case) if case.phase == "new" and not case.grid_id else []

    def on_event(self, case, event, doing=None):
        if doing is not None:
            from .deliveries import again
            from .messages import on_event

            again(case, event)

            case.report = doing.facts["report"]
            on_event(case, event, doing)
            if event.act == "merge":
                from .effects import crowded

                crowded(case.parent, event.at)

    def on_alarm(self, case, at):
        from .alarms import ring

        ring(case, at)
