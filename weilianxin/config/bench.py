"""`weilianxin bench`: how long the everyday pages take on this machine, with this installation's data.

Changes nothing but a short session for each of four people. Measures the server's part in one process: without the
network, the web server and other users.
"""

import gzip
import statistics
import time

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.cases.models import Case
from weilianxin.people import session
from weilianxin.people.models import Account, Post, Role

RESIDENT_PAGES = ("portal:home", "reports:new", "reports:matters", "reports:public", "portal:inbox")
STAFF_PAGES = (
    ("worker", Role.GRID_WORKER, ("desk:home",)),
    ("secretary", Role.COMMUNITY_SECRETARY, ("desk:home", "desk:verify")),
    ("dispatcher", Role.CENTRE_DISPATCHER, ("desk:queue", "desk:search")),
)


def arguments(parser):
    parser.add_argument("--turns", type=int, default=50, help=_("每个页面量几次"))


def run(options):
    call_command("collectstatic", interactive=False, verbosity=0)  # pages name the hashed files
    rows = list(measure(max(2, options.turns)))
    if not rows:
        print(_("没有数据可量：请先运行 weilianxin demo --only-data，或导入数据。"))
        return 1
    print(f"{'page':<28}{'who':<10}{'p50 ms':>8}{'p95 ms':>8}{'queries':>9}{'gzip B':>9}")
    for page, who, times, queries, size in rows:
        middle, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{page:<28}{who:<10}{middle:>8.1f}{high:>8.1f}{queries:>9}{size:>9}")
    return 0


def measure(turns):
    """(page, who, milliseconds of each turn, queries, bytes when compressed) of every page somebody here can open."""
    for who, account, pages in people():
        client = client_of(account)
        for name, url in pages:
            client.get(url)  # templates and caches are warm
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(url)
            queries = len(asked)
            if answer.status_code != 200:
                continue
            times = []
            for _turn in range(turns):
                begin = time.perf_counter()
                client.get(url)
                times.append((time.perf_counter() - begin) * 1000)
            yield name, who, times, queries, len(gzip.compress(answer.content))


def people():
    """Who opens what: a resident with reports, and staff of three posts, each with a case they may see."""
    reporting = Case.objects.filter(reporter__is_active=True).order_by("-id").first()
    if reporting is not None:
        pages = [(name, reverse(name)) for name in RESIDENT_PAGES]
        pages.append(("reports:matter", reverse("reports:matter", args=[reporting.number])))
        yield "resident", reporting.reporter, pages
    for who, role, names in STAFF_PAGES:
        held = Post.objects.at(timezone.now()).filter(role=role, account__is_active=True).select_related("account")
        post = held.order_by("id").first()
        if post is None:
            continue
        pages = [(name, reverse(name)) for name in names]
        case = Case.objects.visible_to(post.account).order_by("-id").first()
        if case is not None:
            pages.append(("desk:case", reverse("desk:case", args=[case.number])))
        yield who, post.account, pages


def client_of(account: Account):
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0].strip("."), headers={"accept-encoding": "identity"})
    request = RequestFactory().get("/")
    request.session = SessionStore()
    session.sign_in(request, account, second_factor=account.is_staff_member)
    request.session.set_expiry(600)
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client
