"""Many messages by WeChat while it fails in ten ways: `python -m tests.support.storm [--messages N] [--seed N]`.

Tells N people's matters to them through a made-up WeChat, once while it is well and once in a storm in which a fifth of
all calls go wrong, and counts what people really received. It runs in this process, both sides and the receipts, in a
database of its own; with DATABASE_URL on that one. Time is moved, so that two minutes of waiting take none.
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from datetime import datetime, timedelta

TEMPLATES = ("accepted", "asking", "closed")
TEXTS = {"accepted": "accepted", "asking": "asked", "closed": "closed"}  # the act that each template says
PATIENCE = 1  # seconds our side waits for an answer in a storm
LATE = 1400  # milliseconds after which an answer is too late
FAULTS = (
    {"action": "errcode", "value": -1},
    {"action": "errcode", "value": 45009},
    {"action": "http", "value": 502},
    {"action": "html"},
    {"action": "hang", "value": 200},
    {"action": "reset"},
    {"action": "truncate"},
    {"action": "drop"},
    {"action": "delay", "value": LATE},
    {"action": "revoke"},
)  # fmt: skip


class Storm:
    """Messages on their way through `running`, a `fakes.wechat`; `told` are the numbers of all of them."""

    def __init__(self, running, start):
        self.running, self.platform, self.moment = running, running.platform, start
        self.told, self.sms, self.pushing, self.client = [], [], 0, None
        self.calm = False  # receipts wait for the end of a turn: then the rate is that of the loop alone
        self.delivering = False

    def people(self, count):
        """Residents tied to WeChat who allow as many messages as they will get."""
        from fakes.wechat.platform import APPID
        from weilianxin.notify.models import Permission
        from weilianxin.people.models import Account, WechatIdentity

        users = [self.platform.user(f"star-{n}") for n in range(count)]
        accounts = Account.objects.bulk_create(
            [Account(phone=f"1371{n:07d}", name=f"星{n}", kind=Account.RESIDENT) for n in range(count)]
        )
        WechatIdentity.objects.bulk_create(
            [
                WechatIdentity(account=account, appid=APPID, openid=user.openid(APPID), kind=Account.RESIDENT)
                for account, user in zip(accounts, users, strict=True)
            ]
        )
        Permission.objects.bulk_create(
            [
                Permission(account=account, template=f"TPL-{name}", told=1000)
                for account in accounts
                for name in TEMPLATES
            ]
        )
        for user in users:
            for name in TEMPLATES:
                self.platform.permissions[user.openid(APPID), f"TPL-{name}"] = 1000
        return accounts

    def tell(self, messages, accounts):
        """Write `messages` messages into the outbox, one after the other for each person and template."""
        from weilianxin.notify.send import tell

        values = {"worker": "角木", "due": self.moment, "until": self.moment, "reason": "看过了。", "title": "楼道灯"}
        for n in range(messages):
            account, name = accounts[n % len(accounts)], TEMPLATES[n // len(accounts) % len(TEMPLATES)]
            number = f"261126-{len(self.told) + 1:06d}"
            self.told.append(number)
            tell(
                TEXTS[name],
                "reporter",
                account,
                values=values | {"number": number},
                url=f"/matters/{number}/",
                key=number,
                at=self.moment,
            )

    def faults(self, share):
        for fault in FAULTS:
            self.platform.faults.add(endpoint="subscribe", probability=share / len(FAULTS), **fault)

    def run(self, turns=100):
        """Deliver until nothing waits; returns the seconds that our side worked."""
        from weilianxin.notify.deliver import deliver_due
        from weilianxin.notify.models import Outbox

        worked = 0.0
        for _turn in range(turns):
            begin = time.perf_counter()
            self.delivering = True
            deliver_due(self.moment, limit=500)
            self.delivering = False
            worked += time.perf_counter() - begin
            self.wait_for_receipts()
            open_ones = Outbox.objects.filter(state__in=(Outbox.QUEUED, Outbox.SENDING, Outbox.UNSURE))
            if not open_ones.exists():
                return worked
            self.moment += timedelta(seconds=40)
        return worked

    def wait_for_receipts(self):
        from weilianxin.notify.models import Outbox

        if Outbox.objects.filter(state=Outbox.UNSURE).exists():
            time.sleep(LATE / 1000 + 0.1)  # an answer nobody waits for any more may still have its effect
        while self.platform.pushes or self.pushing:
            time.sleep(0.01)

    def push(self, url, body, kind):
        """What the made-up WeChat does with a push: our own view, without a server in between."""
        from django.db import connection
        from django.test import Client

        self.pushing += 1
        while self.calm and self.delivering:
            time.sleep(0.01)
        self.client = self.client or Client()
        try:
            answer = self.client.post(f"/wechat/push?{url.partition('?')[2]}", body, content_type=kind)
            return [answer.status_code, answer.content.decode()]
        finally:
            self.pushing -= 1
            connection.close()

    def take_sms(self, address, body):
        self.sms.append(body)
        return "taken"

    def result(self):
        """{lost, double, terminal, open, refreshes, by_wechat, by_sms}"""
        from weilianxin.notify.models import Outbox

        got = Counter(row["lines"][0][1] for row in self.platform.received())
        got.update(number for body in self.sms for number in self.told if number in body)
        ended = Outbox.objects.filter(state__in=(Outbox.SENT, Outbox.HELD, Outbox.DEAD)).count()
        return {
            "lost": sum(number not in got for number in self.told),
            "double": sum(times - 1 for number, times in got.items() if times > 1),
            "terminal": ended,
            "refreshes": len(self.platform.tokens.issued),
            "by_wechat": len(self.platform.ledger),
            "by_sms": len(self.sms),
        }


@contextlib.contextmanager
def storm(running, start, settings):
    """A Storm with its templates, its gateway and its receipts; everything is put back at the end."""
    import httpx

    from fakes.wechat import push
    from fakes.wechat.platform import AES_KEY, APPID, PUSH_TOKEN, SECRET
    from weilianxin.channels import sms
    from weilianxin.channels.wechat import client
    from weilianxin.notify.models import Template

    made, platform = Storm(running, start), running.platform
    platform.reset(1)
    platform.add_app(push_url="http://us/wechat/push", push_events=True)
    before = push.post, sms.send, client.TIMEOUT
    push.post, sms.send, client.TIMEOUT = made.push, made.take_sms, httpx.Timeout(PATIENCE)
    client._clients.clear()
    settings.WECHAT_APPID, settings.WECHAT_SECRET, settings.WECHAT_BASE = APPID, SECRET, running.url
    settings.WECHAT_TOKEN, settings.WECHAT_AES_KEY = PUSH_TOKEN, AES_KEY
    for template in Template.objects.exclude(purpose="task"):
        template.template_id = f"TPL-{template.purpose}"
        template.save()
        platform.add_template(template.template_id, template.purpose, dict(template.pairs))
    try:
        yield made
    finally:
        push.post, sms.send, client.TIMEOUT = before
        client._clients.clear()


def noon(day=None):
    """A moment of day on which nothing is quiet."""
    from weilianxin.notify.deliver import LOCAL

    return datetime.combine((day or datetime.now(LOCAL)).date(), datetime.min.time(), LOCAL).replace(hour=12)


def measure(messages, seed):
    from django.conf import settings
    from django.db import connection

    from fakes.wechat import serve
    from weilianxin.notify.models import Message, Outbox, Permission
    from weilianxin.people.models import Account

    running, failed = serve(), False
    print(f"{connection.vendor}, {messages} messages, both sides in one process")
    print(f"{'':<8}{'lost':>6}{'double':>8}{'ended':>8}{'tokens':>8}{'WeChat':>8}{'SMS':>6}{'a second':>10}")
    for name, share in (("well", 0), ("storm", 0.2)):
        (settings.DATA_DIR / "wechat-token.json").unlink(missing_ok=True)
        with storm(running, noon(), settings) as made:
            made.platform.chance.seed(seed)
            made.tell(messages, made.people(max(1, messages // 4)))
            made.faults(share)
            made.calm = not share
            seconds = made.run()
            got = made.result()
        revoked = sum(rule.acted for rule in made.platform.faults.rules if rule.action == "revoke")
        numbers = (got["lost"], got["double"], got["terminal"], got["refreshes"], got["by_wechat"], got["by_sms"])
        print(f"{name:<8}{'{:>6}{:>8}{:>8}{:>8}{:>8}{:>6}'.format(*numbers)}{messages / seconds:>10.0f}")
        failed |= bool(got["lost"] or got["double"] > 1 or got["terminal"] < messages)
        failed |= got["refreshes"] > 1 + revoked
        for model in (Outbox, Message, Permission):
            model.objects.all().delete()
        Account.objects.filter(phone__startswith="1371").delete()
    running.stop()
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="weilianxin-storm-")
    os.environ["WEILIANXIN_DATA"], os.environ["WEILIANXIN_LOG"] = folder, "CRITICAL"
    os.environ["WEILIANXIN_HOSTS"] = "testserver,localhost"
    warnings.filterwarnings("ignore", "No directory at")  # nobody collects static files for this
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    try:
        call_command("migrate", interactive=False, verbosity=0)
        return measure(options.messages, options.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    threading.excepthook = lambda args: print(f"{args.exc_type.__name__} in a thread", file=sys.stderr)
    sys.exit(main())
