"""一键连接: the conversation of a resident with their own grid. It belongs to the grid, so covers read on."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.calendar import work_calendar
from weilianxin.cases.access import posts_of
from weilianxin.cases.engine import stored
from weilianxin.cases.errors import Invalid, Refused
from weilianxin.journal import log
from weilianxin.lib import words
from weilianxin.notify.send import tell, tell_each
from weilianxin.people.posts import holders, on_duty
from weilianxin.people.residents import grid_of

from . import policy
from .models import Draft, Thread, ThreadMessage
from .pages import drafts
from .screening import DANGERS, noticed

MOST = 2000
PAGE = 30
MOST_WAITING = 200
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
KEPT = timedelta(days=365)
GRID_ROLES = ("grid_worker", "grid_worker_backup", "grid_leader")


def thread_for(account, at=None):
    """The account's thread with their own grid, made when there is none yet. Refused without a dwelling."""
    grid = grid_of(account)
    if grid is None:
        raise Refused(_("请先扫单元门口的码，绑定住处，就能找到您的网格员。"))
    return Thread.objects.get_or_create(resident=account, grid=grid, defaults={"last_at": at or timezone.now()})[0]


def say(thread, account, body, photos=(), at=None):
    """The resident writes; outside office hours an automatic answer names the next hour, never a promise."""
    at = at or timezone.now()
    body = _checked(body, photos)
    with transaction.atomic():
        message = _write(thread, account, body, photos, at, from_staff=False)
        due = policy.limit_end(policy.parameter("thread_limit"), at)
        # As it is now: an answer may have come while the photos were read.
        waits = Thread.objects.filter(pk=thread.pk, answer_due_at__isnull=True)
        waits.update(answer_due_at=due, handed_to_leader_at=None)
        duty = on_duty(thread.grid, at)
        if duty is not None:
            tell(
                "thread_message",
                "worker",
                duty.account,
                values={"due": due},
                url=reverse("reports:staff_thread", args=[thread.pk]),
                key=f"thread:{message.pk}",
                at=at,
            )
        _answer_by_itself(thread, body, duty, at)
    return message


def _answer_by_itself(thread, body, duty, at):
    calendar = work_calendar()
    dangers = [(number, DANGERS[group]) for group, number in noticed(body) if group in DANGERS]
    said = []
    if dangers:
        numbers = "、".join(dict.fromkeys(number for number, _why in dangers))
        said.append(_("如果情况危险，请马上打 %(numbers)s。") % {"numbers": numbers})
    if not calendar.open_at(at):
        opens = calendar.next_opening(at)
        when = f"{words.date(opens)} {words.clock(opens)}"  # the day by its name: it is still read when it has passed
        said.append(_("现在是下班时间，%(when)s 上班后回复您。急事请打社区值班电话。") % {"when": when})
    if said:
        ThreadMessage.objects.create(
            thread=thread, from_staff=True, automatic=True, body="\n".join(said), at=at, read_at=None
        )


def reply(thread, account, body, photos=(), at=None):
    """Somebody of the grid answers."""
    at = at or timezone.now()
    body = _checked(body, photos)
    with transaction.atomic():
        message = _write(thread, account, body, photos, at, from_staff=True)
        Thread.objects.filter(pk=thread.pk).update(answer_due_at=None, handed_to_leader_at=None)
        tell(
            "thread_message",
            "resident",
            thread.resident,
            values={"worker": account.name},
            url=reverse("reports:thread"),
            key=f"thread:{message.pk}",
            at=at,
        )
    return message


def _checked(body, photos):
    body = (body or "").strip()
    if not body and not photos:
        raise Invalid(_("请写几个字，或附一张照片。"), "body")
    if len(body) > MOST:
        raise Invalid(_("写得太长了，最多 %(n)s 个字。") % {"n": MOST}, "body")
    if len(photos) > 3:
        raise Invalid(_("一条消息最多三张照片。"), "photos")
    return body


def _write(thread, account, body, photos, at, *, from_staff):
    message = ThreadMessage.objects.create(thread=thread, author=account, from_staff=from_staff, body=body, at=at)
    message.photos.set([stored(photo, account, at) for photo in photos])
    Thread.objects.filter(pk=thread.pk).update(last_at=at)
    log.append(
        stream_of(thread.pk),
        "message",
        account.ref,
        {"message": message.pk, "from_staff": from_staff},
        secrets={"body": body} if body else None,
        person=thread.resident.ref,
        at=at,
    )
    return message


def stream_of(pk):
    return f"thread-{pk}"


def said_to(whose):
    """The messages of a thread, as its grid reads them; or of all threads of an account, as the resident does: whoever
    moves or has no dwelling any more still reads what was said."""
    return whose.messages.all() if isinstance(whose, Thread) else ThreadMessage.objects.filter(thread__resident=whose)


def page(whose, before=None):
    """(messages oldest first, key of the older page or None) of a thread or of a resident, see `said_to`."""
    rows = said_to(whose).select_related("author", "case").prefetch_related("photos").order_by("-id")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    rows = list(rows[: PAGE + 1])
    older = rows[PAGE - 1].pk if len(rows) > PAGE else None
    return rows[:PAGE][::-1], older


def read(whose, account, at=None):
    """Mark what the other side wrote as read by this side, in a thread or in all of a resident, see `said_to`."""
    theirs = said_to(whose).filter(read_at__isnull=True, from_staff=not account.is_staff_member)
    return theirs.update(read_at=at or timezone.now())


def visible_to(account, at=None):
    """The threads a member of staff may open: of the grids where they hold a post of the grid."""
    grids = [p.area_id for p in posts_of(account, at) if p.role in GRID_ROLES and p.area.level == "grid"]
    return Thread.objects.filter(grid__in=grids).select_related("resident", "grid")


def inbox_for(account, at=None, before=""):
    """(threads of the account's grids that wait for an answer, the most urgent first; a page of the others, the newest
    first; the key of the page after it or ""). With the key of a page before, those that wait are not said again."""
    rows = visible_to(account, at)
    waiting, answered = rows.filter(answer_due_at__isnull=False), rows.filter(answer_due_at__isnull=True)
    last, _dot, pk = before.partition(".")
    later = last.isdecimal() and pk.isdecimal() and len(before) < 40
    if later:
        moment = EPOCH + timedelta(microseconds=int(last))
        answered = answered.filter(Q(last_at__lt=moment) | Q(last_at=moment, pk__lt=int(pk)))
    found = list(answered.order_by("-last_at", "-pk")[: PAGE + 1])
    more, found = len(found) > PAGE, found[:PAGE]
    key = f"{(found[-1].last_at - EPOCH) // timedelta(microseconds=1)}.{found[-1].pk}" if more else ""
    return [] if later else list(waiting.order_by("answer_due_at", "pk")[:MOST_WAITING]), found, key


def to_report(message, by, at=None):
    """A draft made from a message with its photos: of the resident, or filed for them by staff.

    The clock of the report starts at the time of the message.
    """
    resident = message.thread.resident
    data = {"text": message.body, "message": message.pk, "grid": message.thread.grid_id}
    for old in Draft.objects.filter(account=resident, session="").prefetch_related("photos"):
        if old.data.get("message") or not (old.data.get("text") or old.photos.all()):  # what they wrote stays for later
            drafts.drop(old)
    draft = Draft.objects.create(account=resident, session="", data=data)
    draft.photos.set(message.photos.all())
    return draft


def forget_old(at=None, most=500):
    """Delete messages that are older than a year, as the page promises, and their words behind the journal's hashes;
    for the work loop. Returns how many.

    What became a report stays with it; photos that nothing shows any more go with the sweep of those.
    """
    at = at or timezone.now()
    old = ThreadMessage.objects.filter(at__lt=at - KEPT, case__isnull=True).order_by("pk")
    rows = dict(old.values_list("pk", "thread_id")[:most])
    with transaction.atomic():
        ThreadMessage.objects.filter(pk__in=rows).delete()
        for thread in sorted(set(rows.values())):
            log.expire(stream_of(thread), "body", "message", [pk for pk in rows if rows[pk] == thread], at=at)
    return len(rows)


def ring_due(at=None, limit=100):
    """Show the grid leader what nobody answered in time; for the work loop. Returns how many."""
    at = at or timezone.now()
    late = Thread.objects.filter(answer_due_at__lte=at, handed_to_leader_at__isnull=True).select_related("grid")
    count = 0
    for thread in late.order_by("-answer_due_at", "pk")[:limit]:  # those for whom nobody is there stand last
        with transaction.atomic():
            mine = Thread.objects.filter(pk=thread.pk, answer_due_at__lte=at, handed_to_leader_at__isnull=True)
            # Where no leader is there, whoever else serves the grid; where nobody is, it is looked at again.
            others = holders("grid_leader", thread.grid, at) or holders("grid_worker_backup", thread.grid, at)
            if others and mine.update(handed_to_leader_at=at):
                duty = on_duty(thread.grid, at)
                tell_each(
                    "thread_message",
                    "leader",
                    others,
                    values={"due": thread.answer_due_at, "worker": duty.account.name if duty else ""},
                    url=reverse("reports:staff_thread", args=[thread.pk]),
                    key=f"thread:{thread.pk}:{thread.answer_due_at.isoformat()}",
                    at=at,
                )
                count += 1
    return count
