"""Every page of the house as it can be met with the demo's data: full, empty, refused and broken.

A scene names the view it shows; tests/test_pictures.py fails when a page of the resolver is in no scene.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

from django.urls import reverse


@dataclass(frozen=True)
class Scene:
    """One picture: who looks at which page, and what was done before."""

    name: str  # the file's name begins with it
    view: str  # name of the URL; "" for what has none
    who: str = ""  # a name in `stage()`; "" is a visitor
    to: object = ()  # arguments of the URL as names in `stage()`, or a function of the stage giving the whole path
    query: str = ""
    session: object = None  # function of the stage: what the session holds besides the account
    press: str = ""  # CSS of the button that sends a form as it stands; the page refuses
    type: dict = field(default_factory=dict)  # CSS of a field: text, typed before the button is pressed
    html: object = None  # function of the stage: (status, page) that cannot be reached by an address
    status: int = 200

    @property
    def frame(self):
        """ "staff" for pages of the desk, else "resident": how it is pictured and how much it may weigh."""
        staff = self.view.startswith(("desk:", "reports_desk:", "reports:staff", "rounds", "handler:"))
        return "staff" if staff else "resident"

    def path(self, d):
        if callable(self.to):
            return self.to(d)
        given = [getattr(d, name) for name in ([self.to] if isinstance(self.to, str) else self.to)]
        return reverse(self.view, args=given) if self.view else f"/{self.name}"


SAVE = "main form button:not([type=button])"


def desk(name, view, who, to=(), query="", **more):
    return Scene(name, f"desk:{view}", who, to, query, **more)


def case(name, who, number, query="", **more):
    return desk(name, "case", who, number, query, **more)


VISITOR = (
    Scene("home-visitor", "portal:home"),
    Scene("signin", "portal:signin"),
    Scene("signin-refused", "portal:signin", press="button[name=act][value=send]", status=422),
    Scene("signin-code", "portal:signin", session=lambda d: {"signin": d.asked}),
    Scene("signin-consent", "portal:signin", session=lambda d: {"signin": d.proven}),
    Scene(
        "signin-consent-refused",
        "portal:signin",
        session=lambda d: {"signin": d.proven},
        press="button[name=act][value=agree]",
        status=422,
    ),
    Scene("plate", "portal:plate", to="plate"),
    Scene("plate-of-a-gone-place", "portal:plate", to="revoked", status=410),
    Scene("privacy", "portal:privacy"),
    Scene("emergency", "portal:emergency"),
    Scene("public", "reports:public"),
    Scene("public-empty", "reports:public", query="?community=330102098008&column=CARE"),
    Scene("public-map", "reports:public_map"),
    Scene("public-map-community", "reports:public_map", query="?community=330102098001"),
    Scene("public-waiting", "reports:public_waiting"),
    Scene("public-detail", "reports:public_detail", to="published"),
    Scene("report-1-visitor", "reports:new"),
    Scene("report-1-refused", "reports:new", press=".bar button[value=next]", status=422),
    Scene("report-1-danger", "reports:new", session=lambda d: d.danger),
    Scene("report-1-complaint", "reports:new", session=lambda d: d.complaint),
    Scene("report-3-complaint", "reports:send", session=lambda d: d.complaint),
    Scene("report-2-visitor", "reports:place", session=lambda d: d.words),
    Scene("report-2-refused", "reports:place", session=lambda d: d.words, press=".bar button[value=next]", status=422),
    Scene("report-3-visitor", "reports:send", session=lambda d: d.whole),
    Scene("integrity", "reports:integrity"),
    Scene(
        "integrity-said",
        "reports:new",
        press=".bar button[value=next]",
        type={"#what": "社区有人收好处费，把工程给了亲戚。"},
        status=422,
    ),
    Scene("error-400", "", html=lambda d: d.error("bad_request")),
    Scene("error-403", "", html=lambda d: d.error("forbidden")),
    Scene("error-404", "", status=404),
    Scene("error-500", "", html=lambda d: d.error("server_error")),
    Scene("error-csrf", "", html=lambda d: d.error("csrf_failure")),
)

RESIDENT = (
    Scene("home", "portal:home", "resident"),
    Scene("home-unbound", "portal:home", "newcomer"),
    Scene("bind", "portal:bind", "newcomer"),
    Scene("bind-refused", "portal:bind", "newcomer", press=SAVE, status=422),
    Scene("bind-entrance", "portal:bind", "newcomer", to=lambda d: f"/bind/?plate={d.plate}"),
    Scene("inbox", "portal:inbox", "resident"),
    Scene("inbox-empty", "portal:inbox", "newcomer"),
    Scene("me", "portal:me", "resident"),
    Scene("me-unbound", "portal:me", "newcomer"),
    Scene("me-correct", "portal:me_correct", "resident"),
    Scene("me-correct-refused", "portal:me_correct", "resident", press="button[name=act][value=send]", status=422),
    Scene("me-correct-code", "portal:me_correct", "resident", session=lambda d: {"new_phone": d.asked}),
    Scene("me-consent", "portal:consent", "resident"),
    Scene("me-erase", "portal:me_erase", "resident"),
    Scene("me-erase-refused", "portal:me_erase", "resident", press=SAVE, status=422),
    Scene("me-erased", "", html=lambda d: d.erased()),
    Scene("report-1", "reports:new", "newcomer"),
    Scene("report-1-draft", "reports:new", "writer"),
    Scene("report-2", "reports:place", "writer"),
    Scene("report-3", "reports:send", "writer"),
    Scene("matters", "reports:matters", "resident"),
    Scene("matters-empty", "reports:matters", "newcomer"),
    Scene("matter-sent", "reports:matter", "reporter_new", "new", "?sent=1"),
    Scene("matter-active", "reports:matter", "reporter_sent", "sent"),
    Scene("matter-closed", "reports:matter", "reporter_closed", "closed"),
    Scene("matter-rated", "reports:matter", "reporter_rated", "rated"),
    Scene("matter-reopened", "reports:matter", "reporter_reopened", "reopened"),
    Scene("matter-elsewhere", "reports:matter", "reporter_elsewhere", "elsewhere"),
    Scene(
        "matter-refused",
        "reports:matter",
        "reporter_closed",
        "closed",
        press="form[action$=dispute] button:not([type=button])",
        status=422,
    ),  # fmt: skip  # noqa: E501
    Scene("thread", "reports:thread", "resident"),
    Scene("thread-refused", "reports:thread", "resident", press="#end button[type=submit]", status=422),
    Scene("thread-nobody", "reports:thread", "newcomer"),
)

STAFF = (
    desk("staff-signin", "signin", ""),
    desk("staff-signin-refused", "signin", "", press=SAVE, status=422),
    desk("staff-password-first", "password", "", session=lambda d: d.held("unseen")),
    desk("staff-password", "password", "worker"),
    desk("staff-password-refused", "password", "worker", press=SAVE, status=422),
    desk("staff-second-factor", "second_factor", "", session=lambda d: d.held("admin")),
    desk("staff-second-factor-new", "second_factor", "worker"),
    desk("staff-second-factor-refused", "second_factor", "worker", press=SAVE, status=422),
    desk("staff-about", "about", "worker"),
    desk("worker-outbox", "outbox", "worker"),
    desk("worker-away", "away", ""),
    desk("worker-home", "home", "worker"),
    desk("worker-home-empty", "home", "idle_worker"),
    case("worker-case-new", "worker", "new"),
    case("worker-case-sent", "worker", "sent"),
    case("worker-case-replied", "worker_replied", "replied"),
    case("worker-case-late", "worker_late", "late"),
    case("worker-case-closed", "worker_closed", "closed"),
    case("worker-case-refused", "worker", "sent", press="#act-recall button, [form=act-recall]", status=422),
    desk("search", "search", "worker"),
    desk("search-found", "search", "worker", query="?q=灯"),
    desk("search-empty", "search", "worker", query="?q=飞碟"),
    Scene("worker-report", "reports:staff_report", "worker"),
    Scene(
        "report-look",
        "reports:staff_report",
        "worker",
        press="button[value=look]",
        type={"#text": "楼道着火了，快来人！灯也不亮。", "#place": "星影苑6幢", "#phone": "13800000001"},
    ),
    Scene(
        "report-integrity",
        "reports:staff_report",
        "dispatcher",
        press="button[value=send]",
        type={"#text": "社区有人收好处费，把工程给了亲戚。"},
        status=422,
    ),
    Scene("report-taken", "reports:staff_report", "taker", to=lambda d: f"/desk/report/?done={d.taken}"),
    Scene("patrol", "reports:staff_patrol", "worker"),
    Scene("patrol-refused", "reports:staff_patrol", "worker", press=SAVE, status=422),
    Scene("transfers", "reports:staff_transfers", "dispatcher"),
    Scene("export", "reports:staff_export", "dispatcher"),
    Scene("export-refused", "reports:staff_export", "dispatcher", press='main form button[value="ask"]', status=422),
    Scene("export-decide", "reports:staff_export", "duty"),
    Scene("worker-threads", "reports:staff_threads", "worker"),
    Scene("worker-threads-empty", "reports:staff_threads", "idle_worker"),
    Scene("worker-thread", "reports:staff_thread", "worker", "thread"),
    Scene("worker-thread-report", "reports:staff_thread_report", "worker", ("thread", "message")),
    Scene(
        "worker-thread-report-refused",
        "reports:staff_thread_report",
        "worker",
        ("thread", "message"),
        press=SAVE,
        status=422,
    ),  # fmt: skip  # noqa: E501
    desk("worker-day", "day", "worker"),
    desk("worker-day-empty", "day", "idle_grid"),
    Scene("rounds", "rounds:index", "worker"),
    Scene("rounds-visit", "rounds:stop", "worker", "visit_stop"),
    Scene("rounds-visit-key", "rounds:stop", "worker", "key_stop"),
    Scene("rounds-visit-refused", "rounds:stop", "worker", "visit_stop", press=SAVE, status=422),
    Scene("rounds-visit-done", "rounds:visit", "worker", "visit_done"),
    Scene("rounds-check", "rounds:stop", "worker", "check_stop"),
    Scene("rounds-check-refused", "rounds:stop", "worker", "check_stop", press=SAVE, status=422),
    Scene("rounds-check-done", "rounds:check", "worker", "check_done"),
    Scene("rounds-check-add", "rounds:check_add", "worker"),
    Scene("rounds-check-add-refused", "rounds:check_add", "worker", press=SAVE, status=422),
    Scene("rounds-keys", "rounds:keys", "worker"),
    Scene("rounds-key", "rounds:key", "worker", "key_ref"),
    Scene("rounds-key-add", "rounds:key_add", "worker"),
    Scene("rounds-key-add-refused", "rounds:key_add", "worker", press=SAVE, status=422),
    Scene("rounds-grid", "rounds:grid", "leader", "grid"),
    desk("leader-grids", "grids", "leader"),
    desk("leader-grid", "grid", "leader", "grid"),
    desk("leader-samples", "samples", "leader"),
    desk("secretary-board", "board", "secretary"),
    desk("secretary-community", "community", "secretary", "community"),
    desk("secretary-verify", "verify", "secretary"),
    desk("secretary-chronic", "chronic", "secretary"),
    desk("dispatcher-chronic", "chronic", "dispatcher"),
    desk("dispatcher-queue", "queue", "dispatcher"),
    desk("dispatcher-queue-all", "queue", "dispatcher", query="?f=all"),
    desk("dispatcher-queue-returned", "queue", "dispatcher", query="?f=returned"),
    case("dispatcher-case", "dispatcher", "nowhere"),
    desk("verifier-verify", "verify", "verifier"),
    desk("verifier-samples", "samples", "verifier"),
    case("verifier-case", "verifier", "verifiable"),
    case("verifier-case-publish", "verifier", "closed"),
    desk("callback-callbacks", "callbacks", "callback"),
    case("callback-case", "callback", "bad"),
    desk("chief-board", "board", "duty"),
    desk("chief-brief", "brief", "duty"),
    desk("chief-brief-line", "brief_line", "duty", to=lambda d: reverse("desk:brief_line", args=["overdue"])),
    desk("chief-rates", "rates", "duty"),
    desk("chief-rates-before", "rates", "duty", query="?month=2024-01"),
    desk("secretary-rates", "rates_of", "secretary", "community"),
    desk("leader-rates", "rates_of", "leader", "grid"),
    desk(
        "chief-rate-cases", "rate_cases", "duty", to=lambda d: reverse("desk:rate_cases", args=["330102098", "solved"])
    ),
    desk(
        "chief-excluded", "rate_cases", "duty", to=lambda d: reverse("desk:rate_cases", args=["330102098", "excluded"])
    ),
    desk("chief-signals", "signals", "duty"),
    desk("chief-signals-empty", "signals", "duty", query="?month=2024-01"),
    desk("chief-community", "community", "duty", "community"),
    case("chief-case-late", "duty", "late"),
    Scene("handler-ask", "handler:task", "", "token"),
    Scene("handler-code", "handler:task", "", "token", session=lambda d: d.handler_sent),
    Scene(
        "handler-code-refused",
        "handler:task",
        "",
        "token",
        session=lambda d: d.handler_sent,
        press="form.stack button",
        status=422,
    ),  # fmt: skip  # noqa: E501
    Scene("handler-task", "handler:task", "", "token", session=lambda d: d.handler_in),
    Scene("handler-signed", "handler:task", "", "signed_token", session=lambda d: d.handler_signed),
    Scene(
        "handler-refused",
        "handler:task",
        "",
        "signed_token",
        session=lambda d: d.handler_signed,
        press="#act-reply button, [form=act-reply]",
        status=422,
    ),  # fmt: skip  # noqa: E501
    Scene("handler-gone", "handler:task", to=lambda d: "/h/nothing/", status=404),
)


def admin(name, to=(), query="", **more):
    label = name.replace("_", "-")
    return desk(more.pop("called", f"admin-{label}"), f"admin_{name}", more.pop("who", "admin"), to, query, **more)


def rules(name, to=(), **more):
    called = more.pop("called", f"admin-{name.replace('_', '-')}")
    return Scene(called, f"reports_desk:{name}", "admin", to, **more)


def rounds(name, to=(), **more):
    called = more.pop("called", f"admin-rounds-{name.replace('_', '-')}")
    return Scene(called, f"rounds_desk:{name}", "admin", to, **more)


ADMIN = (
    admin("home"),
    admin("areas"),
    admin("area", "grid"),
    admin("area", "community", called="admin-area-community"),
    admin("plates"),
    admin("plates", query="?q=飞碟", called="admin-plates-empty"),
    admin("compound", "compound"),
    admin("plate_history", "hung"),
    admin("people"),
    admin("people", query="?q=飞碟", called="admin-people-empty"),
    admin("person_add"),
    admin("person_add", called="admin-person-add-refused", press=SAVE, status=422),
    admin("person", "worker_ref"),
    admin("units"),
    admin("unit_add"),
    admin("unit_add", called="admin-unit-add-refused", press=SAVE, status=422),
    admin("unit", "unit_ref"),
    admin("partners"),
    admin("partner", "partner"),
    admin("partner_add"),
    admin("partner_add", called="admin-partner-add-refused", press=SAVE, status=422),
    admin("texts"),
    admin("text", "text"),
    admin("templates"),
    admin("calendar"),
    admin("calendar_year", to=lambda d: reverse("desk:admin_calendar_year", args=[2031])),
    admin("imports"),
    admin("imports", called="admin-imports-refused", press=SAVE, status=422),
    admin("journal", who="auditor"),
    admin("verify", who="auditor"),
    rules("categories"),
    rules("category", "category"),
    rules("category_add"),
    rules("category_add", called="admin-category-add-refused", press=SAVE, status=422),
    rules("rules"),
    rules("rule_add"),
    rules("rule_add", called="admin-rule-add-refused", press=SAVE, status=422),
    rules("rule", "rule"),
    rules("rule", "rule", called="admin-rule-tried", press=SAVE, status=200),
    rules("rule_end", "rule"),
    rules("limits"),
    rules("parameters"),
    rounds("settings"),
    rounds("settings", called="admin-rounds-refused", press=SAVE, type={"[name=household_days]": "0"}, status=422),
    rounds("template", "checklist"),
    rounds("template_add"),
    rounds("template_add", called="admin-template-add-refused", press=SAVE, status=422),
)

SCENES = (*VISITOR, *RESIDENT, *STAFF, *ADMIN)

# What a browser does not show as a page: files and one-word answers. (A view that only takes forms needs no entry.)
FILES = {
    "healthz",
    "reports:staff_delivery",
    "mini",  # its pages are pictured by mini_pictures.py
    "mini_file",
    "mini_places",
    "mini_people",
    "mini_code",
    "mini_answer",
    "mini_messages",
    "wechat_push",
    "portal:robots",
    "portal:favicon",
    "portal:checkpoints",
    "portal:file",
    "desk:photo",
    "desk:worker",
    "desk:sound",
    "desk:admin_import_blank",
    "desk:admin_sheet",
    "desk:admin_area_sheet",
    "handler:file",
    "reports:draft_photo",
    "reports:matter_photo",
    "reports:matter_sound",
    "reports:receipt",
    "reports:thread_photo",
    "reports:public_photo",
    "rounds:photo",
}


def stage():
    """What the scenes speak of, found in the demo's data; the few rows that are missing are made."""
    from django.utils import timezone

    from weilianxin.areas.models import Plate
    from weilianxin.cases.links import issue_link
    from weilianxin.cases.models import Case, Event, Task
    from weilianxin.desk.handler import proven
    from weilianxin.files.models import Photo
    from weilianxin.notify.models import Partner, Text
    from weilianxin.people import consent
    from weilianxin.people.models import Account, Dwelling, Post, Role
    from weilianxin.programmes.reports import threads
    from weilianxin.programmes.reports.models import Draft, Report, RoutingRule, Thread
    from weilianxin.programmes.reports.pages.drafts import digest
    from weilianxin.programmes.reports.pages.public import published, token
    from weilianxin.programmes.rounds.models import Check, Plan, Visit

    at = timezone.now()
    d = SimpleNamespace(grid="330102098001001", community="330102098001", category="XQ201")
    posts = Post.objects.at(at).select_related("account").order_by("id")

    def holder(role, **where):
        return posts.filter(role=role, **where).first().account

    here = {"area__code": d.grid}
    d.worker, d.leader = holder(Role.GRID_WORKER, **here), holder(Role.GRID_LEADER, **here)
    d.secretary = holder(Role.COMMUNITY_SECRETARY, area__code=d.community)
    d.dispatcher, d.verifier = holder(Role.CENTRE_DISPATCHER), holder(Role.CENTRE_VERIFIER)
    d.callback, d.duty = holder(Role.CALLBACK_OFFICER), holder(Role.DUTY_LEADER)
    d.admin, d.auditor = holder(Role.SYSTEM_ADMIN), holder(Role.AUDITOR)
    d.worker_ref = d.worker.ref
    d.idle_worker = _once(Account, "13900009901", "闲木", kind=Account.STAFF, username="idle", last_login=at)
    d.unseen = _once(Account, "13900009902", "初木", kind=Account.STAFF, username="unseen")
    d.newcomer = _once(Account, "13800009901", "新邻居", kind=Account.RESIDENT)
    d.writer = _once(Account, "13800009902", "写信人", kind=Account.RESIDENT)
    for person in (d.newcomer, d.writer):
        consent.give(person, consent.SERVICE, at)

    known = Case.objects.filter(reporter__isnull=False, sensitive=False, sight="grid").order_by("-id")
    local = known.filter(grid__code=d.grid)
    cases = {
        "new": local.filter(state="received", photos__isnull=False).first(),
        "sent": local.filter(state="dispatched", photos__isnull=False).first(),
        "replied": local.filter(state="replied").first() or known.filter(state="replied").first(),
        "closed": known.filter(
            state="closed", ratings__isnull=True, disputable_until__gt=at, photos__stage="after"
        ).first(),
        "rated": known.filter(state="closed", ratings__level__gte=4).first(),
        "reopened": known.filter(reopened__gt=0, phase="active").first(),
        "elsewhere": known.filter(state="transferred_out").first(),
        "late": known.filter(state__in=("accepted", "working"), due_at__lt=at, holder__isnull=False).first(),
        "nowhere": Case.objects.open().filter(grid__isnull=True).first() or known.filter(state="received").first(),
        "verifiable": known.filter(state="replied", urgency__in=("U0", "U1")).first(),
        "bad": Case.objects.filter(ratings__level__lte=2, phase="done").order_by("-id").first(),
    }
    for name, row in cases.items():
        row = row or known.first()
        setattr(d, name, row.number)
        setattr(d, f"reporter_{name}", row.reporter)
        setattr(d, f"worker_{name}", holder(Role.GRID_WORKER, area=row.grid) if row.grid_id else d.worker)
    heard = (
        Event.objects.filter(act="submit", role="staff", data__channel="phone").select_related("case", "actor").last()
    )
    d.taker, d.taken = heard.actor, heard.case.number
    talk = Thread.objects.filter(grid__code=d.grid, answer_due_at__isnull=False).first()
    d.thread, d.resident = talk.pk, _busiest(Thread.objects.filter(grid__code=d.grid), Case)
    d.message = talk.messages.filter(from_staff=False, case__isnull=True).first().pk
    threads.thread_for(d.resident, at)

    home = Dwelling.objects.filter(place__grid__code=d.grid, until__isnull=True).select_related("place__parent").first()
    entrance = home.place.parent or home.place
    d.plate = entrance.plates.filter(revoked_at=None).first().code
    d.compound = home.place.compound_id
    d.hung = Plate.objects.filter(place__compound=d.compound, revoked_at__isnull=True).order_by("pk").first().place_id
    d.revoked = _revoked(Plate, d.grid, at)
    d.published = token(published().select_related("case").order_by("-published_at").first().case)
    d.idle_grid = _idle(Post, Role, d.grid)
    mine = Plan.objects.filter(place__grid__code=d.grid)
    d.visit_stop = mine.filter(key=None, template=None).order_by("due_on").first().ref
    d.key_stop, d.key_ref = mine.exclude(key=None).order_by("due_on").values_list("ref", "key__ref").first()
    d.check_stop = mine.exclude(template=None).order_by("due_on").first().ref
    d.check_done = Check.objects.filter(place__grid__code=d.grid, bad__gt=0).first().ref
    seen = Visit.objects.filter(place__grid__code=d.grid, outcome="met")
    d.visit_done = seen.order_by("id").first().ref
    seen.filter(ref=d.visit_done).update(noticed="单元门关不上，晚上谁都能进来。")
    d.checklist = "exits"
    d.text = Text.objects.order_by("pk").first().pk
    d.asked = {"phone": "13800009903", "shown": "246813"}
    d.proven = {"phone": "13800009903", "proven": at.timestamp()}

    said = {
        "text": "单元门口的灯一闪一闪的，晚上看不清台阶。",
        "category": d.category,
        "where": "plate",
        "plate": d.plate,
    }
    d.danger = _draft(Draft, digest, "danger", {"text": "三楼冒浓烟，好像着火了！"})
    d.words = _draft(Draft, digest, "words", {"text": said["text"]})
    d.whole = _draft(Draft, digest, "whole", said)
    words = "网格员叫了三次都不来，电话里说话难听。"
    d.complaint = _draft(Draft, digest, "complaint", said | {"text": words, "kind": "投诉", "about": "community"})
    Draft.objects.filter(account=d.writer).delete()
    mine = Draft.objects.create(account=d.writer, session=digest("writer"), data=said)
    mine.photos.set(Photo.objects.filter(erased_at__isnull=True).order_by("pk")[:2])

    tasks = Task.objects.filter(part=Task.LEAD, unit__phone__gt="").select_related("unit").order_by("-id")
    task = tasks.filter(state=Task.ISSUED).first()
    signed = tasks.filter(state=Task.SIGNED, case__state="working").first()
    d.unit_ref = task.unit.ref
    d.partner = Partner.objects.order_by("id").first().ref
    d.rule = RoutingRule.objects.filter(ended_at__isnull=True).order_by("id").first().pk
    d.token, d.signed_token = (issue_link(row, at).strip("/").split("/")[-1] for row in (task, signed))
    d.handler_sent = {"handler_sent": {"unit": proven(task.unit), "code": "246813"}}
    d.handler_in, d.handler_signed = _entered(task, at), _entered(signed, at)
    d.held = lambda name: {"pending": _held(getattr(d, name), at)}
    d.error = _error
    d.erased = lambda: _erased(Account, consent, at)
    assert Report.objects.exists()
    return d


def _idle(posts, roles, grid):
    """A new B post of a grid, who has nothing to go out for while the A post is there."""
    from weilianxin.people.models import Account

    area = posts.objects.filter(area__code=grid, role=roles.GRID_WORKER).first().area
    row = _once(Account, "13900009903", "轮木", kind=Account.STAFF, username="spare")
    posts.objects.get_or_create(account=row, role=roles.GRID_WORKER_BACKUP, area=area, until=None)
    return row


def _once(model, phone, name, **more):
    row, new = model.objects.get_or_create(phone=phone, defaults={"name": name, "is_demo": True, **more})
    if new:
        row.set_unusable_password()
        row.save()
    return row


def _busiest(rows, cases):
    """Whoever of these talkers has a matter that is open."""
    people = [row.resident for row in rows.select_related("resident").order_by("id")]
    return next((p for p in people if cases.objects.filter(reporter=p).open().exists()), people[0])


def _revoked(plates, grid, at):
    old = plates.objects.filter(revoked_at__isnull=False).first()
    if old is None:
        old = plates.objects.filter(place__grid__code=grid, revoked_at=None).order_by("-pk").first()
        plates.objects.filter(pk=old.pk).update(revoked_at=at)
    return old.code


def _draft(drafts, digest, token, data):
    """The session of a visitor who has begun a report."""
    drafts.objects.filter(session=digest(token)).delete()
    drafts.objects.create(session=digest(token), data=data)
    return {"report_draft": token}


def _entered(task, at):
    from weilianxin.desk.handler import HOURS, proven

    until = (at + timedelta(hours=HOURS, minutes=1)).timestamp()
    return {"handler": {proven(task.unit): {"until": until, "named": "翼火"}}}


def _held(account, at):
    now = int(at.timestamp())
    return {"id": account.pk, "epoch": account.epoch, "since": now, "seen": now, "second": False}


def _error(name):
    """An error page that no address leads to, as its handler makes it."""
    from django.test import RequestFactory

    from weilianxin.portal import errors

    request = RequestFactory().get("/")
    request.account, request.elder = None, False
    answer = getattr(errors, name)(request)
    return answer.status_code, answer.content.decode()


def _erased(accounts, consent, at):
    """What one reads after erasing everything: somebody comes and goes again."""
    from .world import client_for

    gone = _once(accounts, "13800009904", "过路人", kind=accounts.RESIDENT)
    consent.give(gone, consent.SERVICE, at)
    answer = client_for(gone, HTTP_HOST="127.0.0.1").post(reverse("portal:me_erase"), {"sure": "1"})
    return answer.status_code, answer.content.decode()
