"""Every kind of visitor of the small world, what they might try to open, and what came of it; for the permission table.

`make_things` writes one of everything that has an address: own things lie in 天枢社区, where most visitors live or
work, foreign ones in 天璇社区, far ones in another subdistrict.
"""

import contextlib
import dataclasses
import functools
import io
import json
import re
import secrets
from datetime import timedelta
from http.cookies import SimpleCookie
from types import SimpleNamespace

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from tests.support import sounds
from tests.support.world import area, make_world, place, resident
from weilianxin.areas.locate import locate
from weilianxin.areas.models import Plate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, CasePhoto, ExportRequest, Task
from weilianxin.files.intake import receive, receive_sound
from weilianxin.files.store import store, store_sound
from weilianxin.lib.problem import PREFIX
from weilianxin.notify.models import Outbox, Partner, Text
from weilianxin.people import session, tokens
from weilianxin.people.models import Attempt, OneTimeCode, new_ref
from weilianxin.programmes.reports import intake, threads
from weilianxin.programmes.reports.models import Category, Delivery, Draft, Report, RoutingRule
from weilianxin.programmes.reports.pages import public
from weilianxin.programmes.rounds import plan as rounds
from weilianxin.programmes.rounds.models import HouseholdClass, Plan, Template

# Columns of the table, and whose account of the world each is. "half" has not shown the second factor.
ACCOUNTS = {
    "resident": "resident", "neighbour": "neighbour", "stranger": "stranger",
    "worker": "worker", "backup": "backup", "leader": "leader", "secretary": "secretary",
    "dispatcher": "dispatcher", "verifier": "verifier", "callback": "callback", "duty": "duty",
    "admin": "admin", "admin-half": "admin", "auditor": "auditor",
    "far-worker": "stranger_worker", "far-leader": "other_leader", "far-secretary": "other_secretary",
}  # fmt: skip
HANDLERS = ("handler", "other-handler", "cut-handler")
VISITORS = ("nobody", *ACCOUNTS, *HANDLERS)

SIGN_INS = (("portal:signin", "in"), ("desk:signin", "desk"), ("desk:second_factor", "2nd"))
WRITES = re.compile(r'(?:INSERT (?:OR IGNORE )?INTO|UPDATE|DELETE FROM) "(\w+)"')
TEXT = "二楼到三楼的声控灯不亮，老人晚上上楼看不见。"


def jpeg(colour="green"):
    out = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(out, "JPEG")
    return SimpleUploadedFile("a.jpg", out.getvalue(), "image/jpeg")


@functools.cache
def made_anew(colour):
    return receive([jpeg(colour)])[0]


def picture(colour="green"):
    """A photo as it was received, under a name of its own; decoded once for the run."""
    return dataclasses.replace(made_anew(colour), ref=new_ref(), placed=False)


def voice():
    return receive_sound(sounds.mp3())


def report(account, where, *, code="XQ201", **more):
    facts = {"text": TEXT, "location": locate(place=where), "photos": [picture()], "sound": voice(), **more}
    category = Category.objects.get(code=code, scheme="resident")
    return intake.submit(account, category=category, **facts)


def do(case, name, account, **data):
    return perform(case, name, actor_on(case, account), **data)


def handed(case, worker, unit):
    """Accept the case and hand it to the unit: (case, task, token of its link)."""
    do(case, "accept", worker)
    links = []
    case = do(case, "dispatch", worker, unit=unit, links=links)
    (task, path), *_more = links
    return case, task, path.strip("/").split("/")[-1]


def conversation(account):
    thread = threads.thread_for(account)
    message = threads.say(thread, account, "楼下的灯坏了两天了", [picture("blue")])
    return SimpleNamespace(pk=thread.pk, message=message.pk, photo=message.photos.get().ref)


def draft(account):
    row = Draft.objects.create(account=account, session="", data={"text": TEXT, "where": "home", "kind": "求助"})
    photo = store(picture("red"), account, timezone.now())
    row.photos.add(photo)
    return SimpleNamespace(row=row, photo=photo.ref)


def made_public(case):
    at = timezone.now()
    ended = {"state": "closed", "phase": "done", "outcome": "solved", "closed_at": at, "closings": 1}
    Case.objects.filter(pk=case.pk).update(**ended, disputable_until=at + timedelta(days=5), next_due_at=None)
    Report.objects.filter(pk=case.pk).update(
        published_at=at, public_title="楼道灯修好了", public_text="换了两只灯", public_community=case.community
    )
    CasePhoto.objects.filter(case=case).update(public=True)


def photo_of(case):
    return CasePhoto.objects.filter(case=case).first().photo.ref


def far_case(w):
    """A case of another subdistrict, whose people are none of the visitors."""
    subdistrict = area("subdistrict", "330102099", "远星街道", w.district)
    community = area("community", "330102099001", "天玑社区", subdistrict)
    grid = area("grid", "330102099001001", "第一网格", community)
    compound = place("compound", "远星苑", grid=grid, community=community)
    case = report(resident("危燕", "13800000005", compound), w.entrance)
    inside = {"subdistrict": subdistrict, "community": community, "grid": grid, "compound": compound}
    Case.objects.filter(pk=case.pk).update(**inside, place=compound, next_due_at=None)
    case.refresh_from_db()
    return case, grid, community


def round_of(home, compound, worker, at):
    """A key household at `home` that was visited, and a checklist at `compound` that was gone through."""
    today = timezone.localdate(at)
    key = rounds.enter(
        home,
        [HouseholdClass.objects.get(pk="alone")],
        worker,
        since=today,
        reason="腿脚不便",
        ground="consent",
        at=at,
    )
    visit = rounds.visit(key.plan, worker, due=key.plan.due_on, outcome="met", note="都好", noticed="灯不亮", at=at)
    plan = rounds.plan_check(compound, Template.objects.get(pk="old"), today, worker, at)
    photo = store(picture("grey"), worker, at)
    answers = {item["code"]: ("bad" if n == 0 else "good", "") for n, item in enumerate(plan.template.items)}
    first = plan.template.items[0]["code"]
    check = rounds.check(plan, worker, due=today, answers=answers, photos={first: photo.ref}, at=at)
    key.plan.refresh_from_db()
    plan.refresh_from_db()
    return SimpleNamespace(key=key, stop=key.plan, visit=visit, check=check, check_stop=plan, photo=photo.ref)


def make_things():
    """The small world with one of everything that has an address."""
    t = SimpleNamespace(w=make_world())
    w = t.w
    t.case, t.task, t.token = handed(report(w.resident, w.entrance), w.worker, w.property)
    t.foreign, t.foreign_task, t.foreign_token = handed(
        report(w.stranger, w.other_entrance), w.stranger_worker, w.other_property
    )
    t.cut, t.cut_task, t.cut_token = handed(report(w.resident, w.entrance, code="XQ202"), w.worker, w.contractor)
    t.far, t.far_grid, t.far_community = far_case(w)
    t.told = report(w.resident, w.entrance)
    made_public(t.told)
    t.photo, t.foreign_photo, t.cut_photo, t.far_photo, t.told_photo = map(
        photo_of, (t.case, t.foreign, t.cut, t.far, t.told)
    )
    t.public, t.secret = public.token(t.told), public.token(t.case)
    t.thread, t.foreign_thread = conversation(w.resident), conversation(w.stranger)
    t.draft, t.foreign_draft = draft(w.resident), draft(w.stranger)
    t.partner = Partner.objects.create(name="物业系统", url="https://partner.example/", unit=w.property)
    t.rule = RoutingRule.objects.create(unit=w.property, why="约定")
    t.draft_sound = store_sound(voice(), w.resident, timezone.now()).ref
    t.dead_plate = Plate.objects.create(place=w.entrance, issued_at=timezone.now(), revoked_at=timezone.now())
    t.delivery = Delivery.objects.create(
        subdistrict=w.subdistrict, source="12345", by=w.dispatcher, made_at=timezone.now(), count=0
    )
    at = timezone.now()
    t.export = ExportRequest.objects.create(
        area=w.subdistrict, subdistrict=w.subdistrict, by=w.dispatcher, purpose="区里例行检查",
        since=at.date(), until=at.date(), asked_at=at,
    )  # fmt: skip
    t.round = round_of(w.room, w.compound, w.worker, at)
    t.foreign_round = round_of(w.other_entrance, w.other_compound, w.stranger_worker, at)
    t.household = Plan.objects.create(place=w.neighbour_room, due_on=timezone.localdate(at))
    t.text = Text.objects.order_by("pk").first()
    return t


# Coming in


class Cookies(dict):
    """The cookies of a visitor's browser, and the token of the same person's mini-program ("" without an account)."""

    token = ""


def cookie_of(account, second_factor=None):
    """The cookies of a browser in which the account is signed in."""
    request = RequestFactory().get("/")
    request.session = SessionStore()
    session.sign_in(request, account, second_factor=account.is_staff_member if second_factor is None else second_factor)
    request.session.save()
    return {settings.SESSION_COOKIE_NAME: request.session.session_key}


def entered(task, token, named="翼火"):
    """The cookies of a browser in which somebody of the unit has passed the code of this task."""
    client, url = Client(), reverse("handler:code", args=[token])
    client.post(url, {"step": "send"})
    told = Outbox.objects.filter(act="handler_code", address=task.unit.phone).order_by("-id").first()
    sent = client.post(url, {"step": "check", "code": re.search(r"\d{6}", told.body)[0], "named": named})
    assert sent.status_code == 302
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def come_in(t):
    """{visitor: cookies}; the third handler's link is revoked after they came in."""
    found = {"nobody": {}}
    for name, account in ACCOUNTS.items():
        account = getattr(t.w, account)
        found[name] = Cookies(cookie_of(account, second_factor=False if name == "admin-half" else None))
        found[name].token = tokens.issue(account, "test", timezone.now())[0]
    found["handler"] = entered(t.task, t.token)
    found["other-handler"] = entered(t.foreign_task, t.foreign_token, "轸水")
    found["cut-handler"] = entered(t.cut_task, t.cut_token, "鬼火")
    do(t.cut, "cut_link", t.w.worker)
    assert Task.objects.get(pk=t.cut_task.pk).link_revoked_at is not None
    OneTimeCode.objects.all().delete()  # what was sent on the way in counts for nobody who comes later
    Attempt.objects.all().delete()
    return found


# Asking, and what came of it


def ask(client, cookies, method, url, data=None, **more):
    """One request in the browser with these cookies: (response, tables written to besides the session's)."""
    client.cookies = SimpleCookie(cookies)
    data = data or {}
    for value in data.values():
        if hasattr(value, "seek"):  # a file that somebody sent before
            value.seek(0)
    if url.startswith(PREFIX):
        data, more = as_call(data, method, getattr(cookies, "token", ""), more)
    connection.queries_log.clear()  # it forgets the oldest when it is full, and the count of new ones with them
    with CaptureQueriesContext(connection) as queries:
        response = getattr(client, method.lower())(url, data, **more)
    return response, written(queries)


def as_call(data, method, token, more):
    """The same as a call of the API: with the token, a key of its own, and the form as JSON where it holds no file."""
    headers = {"Idempotency-Key": secrets.token_hex(8), **({"Authorization": f"Bearer {token}"} if token else {})}
    if method != "GET" and not any(hasattr(value, "read") for value in data.values()):
        data, more = json.dumps(data), {"content_type": "application/json", **more}
    return data, {**more, "headers": {**headers, **more.get("headers", {})}}


def said_in(body, number):
    """Whether a text says this number itself: a date, a matter's number or a random reference may hold its digits."""
    return re.search(rf"(?<![0-9A-Za-z-]){number}(?![0-9A-Za-z])", body) is not None


def written(queries):
    found = {match[1] for query in queries.captured_queries if (match := WRITES.match(query["sql"]))}
    return found - {"django_session"}


@contextlib.contextmanager
def taken_back():
    """What is written inside is undone, so that the next visitor finds everything as it was."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def outcome(response, tables, method):
    """What came of a request, as the cells of the table say it."""
    templates = {template.name for template in response.templates or ()}
    if response.status_code == 200 and "handler/code.html" in templates:
        return "code"
    if response.status_code in (301, 302):
        path = response["Location"].partition("?")[0]
        for page, word in () if path == response.request["PATH_INFO"] else SIGN_INS:
            if path == reverse(page):
                return word
        return "done" if method == "POST" and tables else "go"
    if response.status_code in (200, 201, 204):
        return "done" if method != "GET" and tables else "ok"
    return str(response.status_code)
