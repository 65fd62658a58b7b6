"""Matters that somebody of the house writes down: for a caller, a visitor, a neighbour met on the way; and what a grid
worker finds on the round. Each is one transaction, like a report that a resident sends.

A caller is kept as a resident's account that nobody has come in with yet (docs/decisions/0020).
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.cases.access import actor_on, may_know_reporter, posts_of
from weilianxin.cases.engine import perform, stored
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.models import Anonymity, Case, CasePhoto
from weilianxin.files.models import Photo
from weilianxin.people import consent, residents
from weilianxin.people.models import Account, Role

from . import intake, messages, policy
from .guards import GRID_ROLES, WORDLESS
from .models import About, Channel, Kind
from .pages.steps import is_integrity
from .words import TAKEN_DOWN

# Posts that people talk to.
RECEIVERS = frozenset(
    {
        *GRID_ROLES,
        Role.GRID_LEADER,
        Role.COMMUNITY_SECRETARY,
        Role.CENTRE_DISPATCHER,
        Role.CALLBACK_OFFICER,
        Role.DUTY_LEADER,
    }
)
WISHES = ("call", "message")


class ToldBefore(Refused):
    """The same person told the same thing a moment ago, perhaps to somebody else of the house; `cases` are those."""

    status = 409

    def __init__(self, cases):
        numbers = "、".join(case.number for case in cases)
        super().__init__(
            _("这个电话刚报过同样的事，编号 %(numbers)s。如果是另一件，再按一次登记。") % {"numbers": numbers}
        )
        self.cases = cases


def take_down(
    by,
    *,
    channel,
    text,
    location,
    phone="",
    name="",
    agreed=False,
    receipt=False,
    shown=(),
    token="",
    category=None,
    kind=Kind.HELP,
    about=About.THING,
    about_unit=None,
    anonymity=Anonymity.N1,
    wish="call",
    photos=(),
    place_text="",
    not_integrity=False,
    at=None,
):
    """Write down what somebody says to `by`; returns the `Case`.

    Without a `phone` nobody is kept, and nobody can be asked. `agreed` says that the person was told what is kept and
    said yes; `receipt` that they want the number by SMS; `shown` are the numbers of matters of the same person that
    `by` has looked at and found to be others; `token` (of `screening.near`) joins a neighbour's matter instead.
    Raises `Invalid` with the field, `IntegrityElsewhere`, `ToldBefore`, or another `Refused`.
    """
    at = at or timezone.now()
    if channel not in TAKEN_DOWN:
        raise Invalid(_("请选对方是怎么来的。"), "channel")
    if wish not in WISHES:
        raise Invalid(_("请选怎么告诉对方。"), "wish")
    if is_integrity(text) and not not_integrity:
        raise intake.IntegrityElsewhere(_("廉洁问题请直接交给纪检，这里不保存。"))
    if not phone and (name or receipt or token):
        raise Invalid(_("没有电话就联系不上。请写电话，或者不记姓名。"), "phone")
    if phone and not agreed:
        raise Invalid(_("请先念一遍，对方同意了再勾上。"), "agreed")
    with transaction.atomic():
        account = None
        if phone:
            account = residents.contact_for(phone, name, at)
            # Two who take down the same call at the same moment: the second waits here and then sees the first.
            Account.objects.select_for_update().get(pk=account.pk)
            consent.give(account, consent.CONTACT, at, channel="aloud", by=by)
            if not token:
                told = [c for c in told_before(account, by, category, location, at) if c.number not in shown]
                if told:
                    raise ToldBefore(told)
        photos = [stored(photo, by, at) for photo in photos]
        if account is not None:  # they are the caller's, and go when the caller wants to be forgotten
            Photo.objects.filter(pk__in=[photo.pk for photo in photos]).update(owner=account)
        facts = {"text": text, "photos": photos, "channel": channel, "by": by, "at": at, "wish": wish}
        facts |= {"anonymity": anonymity, "consent": consent.CONTACT}
        if token:
            case = intake.join(account, token, location=location, **facts)
        else:
            case = intake.submit(
                account,
                location=location,
                category=category,
                kind=kind,
                about=about,
                about_unit=about_unit,
                place_text=place_text,
                not_integrity=not_integrity,
                **facts,
            )
        if receipt:
            messages.receipt(case, at)
    return case


def told_before(account, by, category, location, at):
    """Open matters of this person, of the last hours, of the same category or place: those only of which `by` may know
    who reported them."""
    since = at - timedelta(hours=policy.number("duplicate_hours"))
    same = Q(category=category.code if category else WORDLESS)
    if location is not None and location.place is not None:
        same |= Q(place=location.place)
    rows = Case.objects.visible_to(by, at).open().filter(same, reporter=account, created_at__gte=since)
    posts = posts_of(by, at)
    rows = rows.filter(programme="reports").order_by("-id")[:5]
    return [case for case in rows if may_know_reporter(case, actor_on(case, by, at, posts=posts))]


# Found on the round


def may_find(category):
    """Whether a grid worker on the round can come upon this: what is worked here, and no question or praise."""
    return category.channel_out in (Channel.CASE, Channel.EMERGENCY) and category.column_code != "ADV"


def found(by, *, category, location, before, after=(), fixed=False, text="", place_text="", at=None, stream=""):
    """What the grid worker `by` found on the round, in one of their own grids; returns the `Case`, which is `by`'s.

    With `fixed` it is opened and closed by them at once, with the photos of `before` and `after`; the rules of closing
    alone hold (never what is urgent), and so does the draw for a check. Else it is theirs to work, and its clock runs.
    `stream` is as in `intake.submit`.
    Raises `Invalid` with the field, or another `Refused`; then nothing has happened.
    """
    at = at or timezone.now()
    posts = posts_of(by, at)
    if location is None:
        raise Invalid(_("请告诉我们在哪里。"), "place")
    mine = {post.area_id for post in posts if post.role in GRID_ROLES}
    if location.grid is None or location.grid.pk not in mine:
        raise Invalid(_("这里不在您的网格里。别处的事请用“登记”来记。"), "place")
    if category is None or not may_find(category) or category.code == WORDLESS:
        raise Invalid(_("请选是哪一类。"), "category")
    if not before:
        raise Invalid(_("请拍一张处理前的照片。"), "before")
    if fixed and not after:
        raise Invalid(_("请拍一张处理后的照片。"), "after")
    text = text.strip()
    with transaction.atomic():
        case = intake.submit(
            None,
            text=text if len(text) >= policy.number("text_least") else f"巡查发现：{category.name_zh}。{text}",
            title=text or category.name_zh,
            location=location,
            category=category,
            photos=before,
            channel="patrol",
            place_text=place_text,
            by=by,
            at=at,
            tell=False,
            stream=stream,
        )
        actor = actor_on(case, by, at, posts=posts)
        case = perform(case, "accept", actor, at=at, note="")
        if not fixed:
            if case.urgency == "U0":
                messages.on_submitted(case, at)
            return case
        pictures = [(photo, CasePhoto.AFTER) for photo in after]
        said = {"outcome": "solved", "note": text if len(text) > 1 else _("巡查时当场处理好了。")}
        try:
            return perform(case, "close_seen", actor, at=at, photos=pictures, **said)
        except NotAllowed:
            raise Refused(_("紧急的事要由另一个人核实，不能当场办结。请选“还没解决”，办好后送去核实。")) from None
