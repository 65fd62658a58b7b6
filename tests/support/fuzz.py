"""Throws made-up calls at the API and looks at the answers: `python -m tests.support.fuzz [--calls N] [--seed N]`.

Every call of the description (/api/v1/openapi.json) is made with bodies, headers and parameters that fit it and that do
not, by residents, staff and nobody. No answer may be a server error, and every answer must be one that the description
declares, in its shape. It runs in this process on the demo's data, which it makes in a folder of its own; with
DATABASE_URL on that database.
"""

import argparse
import logging
import os
import random
import shutil
import sys
import tempfile
from collections import Counter

CALLS = 10_000
SWEPT = 50  # after so many calls the throttles forget, or nothing but 429 would be seen
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


class Fuzz:
    """One round over all operations. `things` maps a parameter or a field to values that make sense; `residents` and
    `staff` are the callers."""

    def __init__(self, things, residents, staff):
        self.things, self.residents, self.staff = things, residents, staff
        self.tokens, self.answers, self.failures, self.calls = {}, Counter(), [], 0

    def run(self, calls, seed):
        """At least `calls` calls, the same for the same seed and data."""
        import schemathesis

        from weilianxin.config.wsgi import application

        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
        operations = [result.ok() for result in schema.get_all_operations()]
        modes = schemathesis.GenerationMode
        while self.calls < calls:  # to some operations nothing wrong can be sent
            each = -(-(calls - self.calls) // (2 * len(operations)))
            for mode in (modes.POSITIVE, modes.NEGATIVE):
                for operation in operations:
                    self.operation(operation, mode, each, seed)
            seed += 1
        return self

    def operation(self, operation, mode, count, seed):
        import hypothesis
        from hypothesis import strategies as st

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode), pick=st.integers(0, 10**6))
        def ask(case, pick):
            self.ask(case, random.Random(pick))

        try:
            ask()
        except hypothesis.errors.Unsatisfiable:
            pass  # there is nothing wrong one could send to it

    def ask(self, case, chance):
        """One call and a look at its answer."""
        from schemathesis.checks import CHECKS as known
        from schemathesis.core.failures import FailureGroup

        from weilianxin.people.models import Attempt

        self.calls += 1
        if self.calls % SWEPT == 0:
            Attempt.objects.all().delete()
        for said, often in ((case.path_parameters, 0.8), (case.body, 0.5)):
            for name in list(said) if isinstance(said, dict) else ():
                if name in self.things and chance.random() < often:
                    said[name] = chance.choice(self.things[name])
        mine, others = (self.staff, self.residents) if "/desk/" in case.path else (self.residents, self.staff)
        account = chance.choice([*mine * 4, *others, None])
        headers = {"Accept-Encoding": "identity"}  # in this process nobody would unpack it
        if account is not None:
            headers["Authorization"] = f"Bearer {self.token_of(account)}"
        response = case.call(headers=headers)
        if response.status_code == 204 and case.method == "DELETE":
            self.tokens.clear()  # somebody signed out
        label = f"{case.method} {case.path}"
        self.answers[label, response.status_code] += 1
        try:
            checks = [known.get_one(name) for name in CHECKS]
            case.validate_response(response, checks=checks)
        except FailureGroup as failure:
            self.failures.append(f"{label} {case.path_parameters} {case.body!r:.300} -> {failure}")

    def token_of(self, account):
        from django.utils import timezone

        from weilianxin.people import tokens

        if account.pk not in self.tokens:
            self.tokens[account.pk] = tokens.issue(account, "fuzz", timezone.now())[0]
        return self.tokens[account.pk]


# Answers to the questions of every act, so that some acts are done and lead on.
SAID = {
    "note": "看过了，情况属实", "outcome": "explained", "level": "1", "reason": "R09", "channel": "police",
    "receiver": "派出所 值班室", "right_channel": "12345", "proposed": "市政养护", "public_title": "楼道灯修好了",
    "public_text": "换了两只灯", "reached": "yes",
}  # fmt: skip


def known_things():
    """What there is of everything that a path or a body names, so that calls meet real rows too."""
    from weilianxin.areas.models import Place, Plate
    from weilianxin.cases.models import Case
    from weilianxin.files.models import Photo, Sound
    from weilianxin.people import consent
    from weilianxin.programmes.reports.flow import REPORTS
    from weilianxin.programmes.reports.models import Thread, ThreadMessage
    from weilianxin.programmes.reports.pages import public

    told = [public.token(report.case) for report in public._rows()[:20]]
    things = {
        "number": list(Case.objects.order_by("-id").values_list("number", flat=True)[:60]),
        "name": [move.name for move in REPORTS.moves],
        "code": list(Plate.objects.values_list("code", flat=True)[:20]),
        "place": [*Place.objects.values_list("pk", flat=True)[:40], {"how": "home"}],
        "ref": [*Photo.objects.values_list("ref", flat=True)[:40], *Sound.objects.values_list("ref", flat=True)[:10]],
        "variant": ["picture", "thumb"],
        "token": told,
        "message": list(ThreadMessage.objects.values_list("pk", flat=True)[:20]),
        "text": ["二楼到三楼的声控灯不亮，老人晚上上楼看不见。", "家里漏气了，有味道", "你好"],
        "body": ["谢谢您", "楼下的灯坏了两天了"],
        "category": ["XQ201", "XQ202", ""],
        "how": ["home", "choose", "point", "address"],
        "said": [SAID],
        "photos": [[]],
        "room": [None],
        "sound": [None],
        "consent": [consent.current_version("service").version],
        "thread": list(Thread.objects.values_list("pk", flat=True)[:20]),
    }
    return {name: values for name, values in things.items() if values}


def callers():
    """(two residents who reported something, somebody of each post)"""
    from weilianxin.people.models import Account, Role

    residents = Account.objects.filter(kind="resident", cases__isnull=False).distinct().order_by("pk")[:2]
    staff = [Account.objects.filter(posts__role=role).order_by("pk").first() for role in Role.values]
    return list(residents), [account for account in staff if account is not None]


def told(fuzz):
    """What came of it, for a person: answers by status, and every kind of failure once."""
    by_status = Counter()
    for (_label, status), count in fuzz.answers.items():
        by_status[status] += count
    lines = [f"{fuzz.calls} calls: " + ", ".join(f"{count} x {status}" for status, count in sorted(by_status.items()))]
    kinds = {failure.partition(" -> ")[2][:200]: failure for failure in fuzz.failures}
    return "\n".join([*lines, f"{len(fuzz.failures)} failures, {len(kinds)} kinds", *kinds.values()])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="weilianxin-fuzz-")
    os.environ |= {"WEILIANXIN_DATA": folder, "WEILIANXIN_DEMO": "1"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "weilianxin.config.settings"
    try:
        import django

        django.setup()
        logging.disable(logging.WARNING)
        from django.core.management import call_command

        from weilianxin.config import demo
        from weilianxin.programmes.reports.models import Parameter

        demo.fill()
        call_command("collectstatic", interactive=False, verbosity=0)
        Parameter.objects.update_or_create(key="reports_per_day", defaults={"value": "1000000"})
        fuzz = Fuzz(known_things(), *callers()).run(options.calls, options.seed)
        print(told(fuzz))
        return 1 if fuzz.failures else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
