"""The subscription messages of WeChat as data: which text is said by which, what stands in it, and who allowed it.

Three purposes are a resident's (accepted, asking, closed), one is the staff's (task); a text names its purpose. Each
template has its id from WeChat's console, and until then texts go out as if there were no WeChat. A person's yes is
good for one message, or for any number where the template is a long-term one.
"""

import csv
import re
import time
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.db.models import F, Q
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from weilianxin.channels import wechat
from weilianxin.channels.errors import GiveUp
from weilianxin.channels.wechat.fields import fit, is_key, moment
from weilianxin.lib.digests import keyed_digest
from weilianxin.people.models import Account
from weilianxin.people.wechat import openids_of

from .models import Permission, Template
from .texts import FIELDS, FRESH, PURPOSES, SECRETS, clip

SHIPPED = Path(__file__).parent / "data" / "templates.csv"
HEADLINE, NOW = "headline", "at"  # values that every text has: its own title, and when it was said
LABELS = {
    "number": gettext_lazy("编号"),
    "title": gettext_lazy("事项"),
    "worker": gettext_lazy("网格员"),
    "due": gettext_lazy("最迟时间"),
    "unit": gettext_lazy("承办单位"),
    "reason": gettext_lazy("说明"),
    "until": gettext_lazy("截止时间"),
    "place": gettext_lazy("地点"),
    HEADLINE: gettext_lazy("进展"),
    NOW: gettext_lazy("时间"),
}
TITLES = {
    Template.ACCEPTED: gettext_lazy("报事受理通知"),
    Template.ASKING: gettext_lazy("补充情况提醒"),
    Template.CLOSED: gettext_lazy("报事办结通知"),
    Template.TASK: gettext_lazy("待办任务提醒"),
}
VALUES = (*(name for name in FIELDS if name not in SECRETS), HEADLINE, NOW)
LONGEST = 60  # characters of a value; no field of WeChat takes more
ID = re.compile(r"[\w-]{8,64}", re.ASCII)
PAGES = (
    (re.compile(r"/matters/([\w-]+)"), "pages/matter/index?number={}"),
    (re.compile(r"/cases/([\w-]+)"), "packages/desk/case/index?number={}"),
    (re.compile(r"^/thread/?$"), "pages/thread/index"),
)
INBOX_PAGE = "pages/inbox/index"
SOME_LEFT = Q(told__gt=F("used")) | Q(pushed__gt=F("used"))


# What there is


@cache
def shipped():
    """The defaults by purpose, none of them saved; they have no id."""
    with SHIPPED.open(encoding="utf-8", newline="") as source:
        return {row["purpose"]: Template(**row) for row in csv.DictReader(source)}


def load_templates(using="default"):
    """Bring the shipped templates into the database; those an administrator has touched are left alone."""
    have = {template.purpose: template for template in Template.objects.using(using).all()}
    for purpose, default in shipped().items():
        mine = have.get(purpose)
        if mine is None:
            Template.objects.using(using).bulk_create([Template(purpose=purpose, fields=default.fields)])
        elif mine.edited_at is None and mine.fields != default.fields:
            Template.objects.using(using).filter(pk=mine.pk).update(fields=default.fields)
    forget()


def after_migrate(using, **_signal):
    if Template._meta.db_table in connections[using].introspection.table_names():
        load_templates(using)


@lru_cache(maxsize=1)
def kept(_period):
    """The templates that have an id by purpose, read once in a period."""
    return {template.purpose: template for template in Template.objects.exclude(template_id="")}


def usable():
    """{purpose: Template} of what can be sent; nothing without an account at WeChat."""
    return kept(int(time.monotonic() // FRESH)) if wechat.configured() else {}


def forget(**_signal):
    """Read the templates again at the next message."""
    kept.cache_clear()


post_save.connect(forget, sender=Template)
post_delete.connect(forget, sender=Template)


def kind_of(purpose):
    """Whose template it is: an account's kind."""
    return Account.STAFF if purpose == Template.TASK else Account.RESIDENT


def asked_of(account):
    """The templates an account may be asked about: of its kind, and only where WeChat reaches it."""
    found = [usable()[purpose] for purpose in PURPOSES if purpose in usable() and kind_of(purpose) == account.kind]
    return found if found and openids_of([account], settings.WECHAT_APPID) else []


# What is said


def values_of(template, values, *, headline, at, language):
    """[[field, text]] of a message, in the template's order and the reader's language; made to fit when it is sent."""
    given = {**values, HEADLINE: headline, NOW: at}
    with override(language):
        return [[field, _shown(given.get(name))] for field, name in template.pairs]


def _shown(value):
    if isinstance(value, datetime | date):
        return moment(value)
    return "" if value is None else clip(str(value), LONGEST)


def page_of(url):
    """The page of the mini-program that shows what `url` shows in the portal or at the desk."""
    for pattern, page in PAGES:
        if match := pattern.search(url):
            return page.format(*match.groups())
    return INBOX_PAGE


def check(template, examples):
    """Raises ValidationError, with the field's name, for what WeChat would not take of the template."""
    wrong = {}
    if template.template_id and not ID.fullmatch(template.template_id):
        wrong["template_id"] = _("模板编号请从公众平台原样复制，只有字母、数字、横线和下划线。")
    names = [pair[0] for pair in template.pairs if len(pair) == 2 and is_key(pair[0])]
    if not names or len(set(names)) < len(template.pairs):
        wrong["fields"] = _("请写成“thing1=title time2=due”：左边是模板里的字段，右边是要填的项。")
    for field, value in [] if wrong else template.pairs:
        if value not in VALUES:
            wrong["fields"] = _("没有“%(name)s”这一项。可以用的有：%(known)s") % {
                "name": value,
                "known": " ".join(VALUES),
            }
            break
        try:
            fit(field, examples[value])
        except GiveUp:
            wrong["fields"] = _("“%(value)s”填不进“%(field)s”这种字段。") % {"value": value, "field": field}
            break
    if wrong:
        raise ValidationError(wrong)


# Who allowed it


def digest_of(openid):
    """How an openid is known on a message: recognised again, never read back."""
    return keyed_digest("openid", f"{settings.WECHAT_APPID}/{openid}")


def reached(accounts, text, address=""):
    """(Template, {account id: digest of the openid}) of those of `accounts` who allowed this text in WeChat."""
    template = usable().get(text.template) if text.template and not address else None
    ids = [account.pk for account in accounts if account is not None]
    if template is None or not ids:
        return None, {}
    allowed = Permission.objects.filter(account__in=ids, template=template.template_id, refused=False)
    allowed = set(allowed.filter(SOME_LEFT).values_list("account_id", flat=True))
    willing = [account for account in accounts if account is not None and account.pk in allowed]
    openids = openids_of(willing, settings.WECHAT_APPID) if willing else {}
    return template, {pk: digest_of(openid) for pk, openid in openids.items()}


def of_id(template_id):
    return next((template for template in usable().values() if template.template_id == template_id), None)


def answered(account, results, at, *, by="told"):
    """Keep what somebody answered: {template id: accept, reject, ban or filter}. Ids that are not ours are passed over.

    `by` says who told of it: the mini-program ("told") or WeChat's push ("pushed"). Returns the purposes that were
    allowed.
    """
    allowed = []
    for template_id, answer in results.items():
        template = of_id(template_id)
        if template is None or kind_of(template.purpose) != account.kind:
            continue
        if answer.startswith("accept"):
            allowed.append(template.purpose)
            _change(account.pk, template_id, at, **{by: F(by) + 1}, refused=False)
        elif answer == "ban":
            _change(account.pk, template_id, at, refused=True)
    return allowed


def switched(account, results, at):
    """Keep what somebody changed in WeChat's own settings: {template id: accept or reject}."""
    for template_id, answer in results.items():
        if of_id(template_id) is not None:
            _change(account.pk, template_id, at, refused=answer != "accept")


def _change(account, template_id, at, **changes):
    with transaction.atomic():
        Permission.objects.bulk_create(
            [Permission(account_id=account, template=template_id, at=at)], ignore_conflicts=True
        )
        Permission.objects.filter(account=account, template=template_id).update(at=at, **changes)


def used(accounts, template_id):
    """Each of the accounts (their ids) was sent one message: one yes less, unless they are for ever."""
    template = of_id(template_id)
    if template is None or not template.long_term:
        Permission.objects.filter(SOME_LEFT, account__in=accounts, template=template_id).update(used=F("used") + 1)


def used_up(account, template_id):
    """WeChat says there is no yes left, whatever we counted."""
    Permission.objects.filter(account=account, template=template_id).update(told=0, pushed=0, used=0)


def held(account):
    """What the account allowed, for the person's own export."""
    return [
        {"template": row.template, "left": max(0, row.left), "refused": row.refused, "at": row.at.isoformat()}
        for row in account.wechat_permissions.order_by("id")
    ]
