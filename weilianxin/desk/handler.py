"""Outside units at work without an account: a link, a code to the registered phone, a name, and one task.

One code opens what else is sent to the same unit too, in this browser: each task still needs its own link.
They see the place, the text with personal data masked, copies of the photos and the limits; never who reported.
A link that is expired, revoked, ended or invented looks the same.
"""

from functools import wraps

from django.conf import settings
from django.db import transaction
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from weilianxin.cases.access import handler_on
from weilianxin.cases.acting import act_on, buttons
from weilianxin.cases.errors import Refused
from weilianxin.cases.links import sent_anew, task_behind
from weilianxin.cases.models import CasePhoto, Event, Task
from weilianxin.files.errors import BadPhoto
from weilianxin.files.serve import photo_response
from weilianxin.lib.digests import keyed_digest
from weilianxin.lib.masks import mask_phone, redact
from weilianxin.lib.programme import programme
from weilianxin.notify.send import tell
from weilianxin.people import codes
from weilianxin.people import errors as people_errors

from . import lists

PURPOSE = "handler"
HOURS = 12  # how long a code opens the tasks of its unit in one browser
MOST_UNITS = 20  # remembered in one browser


def gone(request):
    """The link leads nowhere any more; whoever has just given the task back reads that it was taken back."""
    given_back = request.GET.get("done") == "return_order"
    return render(request, "handler/gone.html", {"given_back": given_back}, status=200 if given_back else 404)


def with_task(view):
    """Give the view the live task behind the token; everybody else reads that the link no longer works."""

    @wraps(view)
    @never_cache
    def wrapped(request, token, *args, **kwargs):
        task = task_behind(token, timezone.now()) if len(token) <= 64 else None
        if task is None:
            return gone(request)
        return view(request, token, task, *args, **kwargs)

    return wrapped


def proven(unit):
    """Under what a browser remembers that a code to the phone of this unit was shown: another phone asks again."""
    return keyed_digest("handler-unit", f"{unit.ref}\x00{unit.phone}")


def entered(request, task):
    """The named person whose code opened the tasks of this unit in this browser, or None. A link that was sent anew
    since then asks again."""
    note = request.session.get("handler", {}).get(proven(task.unit))
    if not note or note["until"] < timezone.now().timestamp():
        return None
    anew = sent_anew(task)
    if anew is not None and anew.timestamp() > note["until"] - HOURS * 3600:
        return None
    return handler_on(task, note["named"])


def remember(request, task, named):
    notes = dict(request.session.get("handler", {}))
    notes[proven(task.unit)] = {"until": timezone.now().timestamp() + HOURS * 3600, "named": named}
    newest = sorted(notes.items(), key=lambda item: item[1]["until"])[-MOST_UNITS:]
    request.session.cycle_key()
    request.session["handler"] = dict(newest)


@require_safe
@with_task
def task(request, token, task):
    """The task, or the question for the code."""
    actor = entered(request, task)
    if actor is None:
        return ask(request, token, task)
    return show(request, token, actor)


def ask(request, token, task, *, refusal=None):
    """The page that asks for the code. In the demonstration the code, which nobody is sent, stands on it."""
    sent = request.session.get("handler_sent", {})
    sent = sent if sent.get("unit") == proven(task.unit) else {}
    context = {
        "token": token,
        "phone": mask_phone(task.unit.phone),
        "unit": task.unit,
        "sent": bool(sent),
        "shown_code": sent.get("code", "") if settings.DEMO else "",
        "named": request.POST.get("named", "")[:40],
        "refusal": refusal,
    }
    return render(request, "handler/code.html", context, status=refusal.status if refusal else 200)


@require_POST
@with_task
def code(request, token, task):
    """Send a code to the unit's registered phone, or check the one that came with a name."""
    at = timezone.now()
    subject = f"unit:{task.unit_id}"
    here = reverse("handler:task", args=[token])
    if not task.unit.phone:
        return ask(request, token, task, refusal=people_errors.Refused(_("这个单位还没有登记手机号，请找派单的人。")))
    try:
        if request.POST.get("step") == "send":
            send(request, task, subject, at)
        else:
            named = " ".join(request.POST.get("named", "").split())[:40]
            if len(named) < 2:
                raise people_errors.Refused(_("请写上您的姓名。"), "named")
            codes.check_code(task.unit.phone, PURPOSE, request.POST.get("code", ""), subject=subject, at=at)
            request.session.pop("handler_sent", None)
            remember(request, task, named)
    except people_errors.Refused as refusal:
        return ask(request, token, task, refusal=refusal)
    return HttpResponseRedirect(here)


def send(request, task, subject, at):
    with transaction.atomic():
        digits = codes.send_code(task.unit.phone, PURPOSE, subject=subject, at=at)
        tell(
            "handler_code",
            "handler",
            address=task.unit.phone,
            values={"code": digits, "number": task.case.number},
            key=f"{subject}:{at.isoformat()}",
            at=at,
            urgent=True,
            held=task.unit.is_demo,
            useless_at=at + codes.LIFE,
        )
    request.session["handler_sent"] = {"unit": proven(task.unit), "code": digits if settings.DEMO else ""}


@require_POST
@with_task
def act(request, token, task, name):
    actor = entered(request, task)
    here = reverse("handler:task", args=[token])
    if actor is None:
        return HttpResponseRedirect(here)
    try:
        return act_on(request, task.case, actor, name, f"{here}?done={name}")
    except (Refused, BadPhoto) as refusal:
        task = task_behind(token, timezone.now())
        if task is None:
            return gone(request)
        return show(request, token, handler_on(task, actor.named), failed=name, refusal=refusal)


def show(request, token, actor, *, failed=None, refusal=None):
    at, task, case = timezone.now(), actor.task, actor.task.case
    words = {move.name: move.label for move in programme(case.programme).flow.moves}
    first = case.events.order_by("seq").first()
    photos = list(seen_photos(case))
    own = Event.objects.filter(case=case, unit=task.unit).order_by("seq")[:50]
    context = {
        "at": at,
        "token": token,
        "task": task,
        "case": case,
        "named": actor.named,
        "text": unroomed(redact(first.note)) if first else "",
        "asked": redact(task.note),
        "place": unroomed(redact(lists.where(case))),
        "before": [p for p in photos if p.stage == CasePhoto.BEFORE],
        "after": [p for p in photos if p.stage == CasePhoto.AFTER],
        "back": last_words(case, task),
        "own": [(event, words.get(event.act, event.act)) for event in own],
        "buttons": buttons(case, actor, at, failed=failed, post=request.POST if failed else None, refusal=refusal),
        "failed": failed,
        "refusal": refusal,
        "done": words.get(request.GET.get("done", "")),
    }
    return render(request, "handler/task.html", context, status=getattr(refusal, "status", 422) if refusal else 200)


def unroomed(text):
    """`text` without the numbers of rooms: which door is whose is told by the one who sends the task, if at all."""
    return lists.ROOM.sub(r"**\2", text)


def seen_photos(case):
    return case.photos.filter(for_handler=True, photo__erased_at__isnull=True).select_related("photo")


def last_words(case, task):
    """Why the work came back to this unit, masked; "" if it did not."""
    if task.state != Task.SIGNED:
        return ""
    event = case.events.filter(act__in=("rework", "reply")).order_by("-seq").first()
    return redact(event.note) if event and event.act == "rework" else ""


@require_safe
@with_task
def photo(request, token, task, ref, variant):
    """A copy of a photo that handlers may see, while the task is open in this browser."""
    if entered(request, task) is None:
        return gone(request)
    use = seen_photos(task.case).filter(photo__ref=ref).first()
    if use is None:
        return gone(request)
    return photo_response(use.photo, variant, request, private=True)
