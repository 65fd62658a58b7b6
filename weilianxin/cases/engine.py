"""Opening a case and performing an act: one transaction each, with its event, its journal entry and its messages."""

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from weilianxin.areas.calendar import edition, keep_edition
from weilianxin.files.errors import BadSound
from weilianxin.files.intake import Prepared, PreparedSound
from weilianxin.files.models import Sound
from weilianxin.files.store import store, store_sound
from weilianxin.journal import log
from weilianxin.lib.clock import Limit, due_at
from weilianxin.lib.numbers import case_number
from weilianxin.lib.programme import programme

from .access import SYSTEM_ACTOR
from .errors import Changed, NotAllowed, Refused
from .flow import Doing
from .models import Case, CasePhoto, Counter, Event, Pause

NOTE_LIMIT = 20_000


def next_number(at):
    """The next number of the day, e.g. 261124-0387. Call inside the transaction that uses it."""
    day = timezone.localdate(at)
    if not Counter.objects.filter(day=day).update(last=F("last") + 1):
        try:
            with transaction.atomic():
                Counter.objects.create(day=day, last=1)
        except IntegrityError:
            Counter.objects.filter(day=day).update(last=F("last") + 1)
    return case_number(day, Counter.objects.values_list("last", flat=True).get(day=day))


def write_event(
    case, act, actor, *, at, role, from_state="", note="", internal=False, data=None, private=None, photos=()
):
    """One line of the timeline and its entry in the journal; photos are (Photo, stage) pairs.

    `data` may stay for ever; the note and what is `private` enter the journal so that erasing the reporter, about
    whom anybody's words on their case may speak, takes them out again.
    """
    case_photos = []
    event = Event.objects.create(
        case=case,
        seq=case.version + 1,
        at=at,
        act=act,
        from_state=from_state,
        to_state=case.state,
        actor=actor.account,
        role=role,
        unit=actor.task.unit if actor.task else None,
        named=actor.named,
        note=note[:NOTE_LIMIT],
        internal=internal,
        data={**(data or {}), **(private or {})},
    )
    for photo, stage in photos:
        case_photos.append(CasePhoto(case=case, photo=photo, stage=stage, event=event, by_role=role))
    if case_photos:
        CasePhoto.objects.bulk_create(case_photos)
    payload = {"seq": event.seq, "role": role, "from": from_state, "to": case.state}
    if data:
        payload["data"] = data
    if photos:
        payload["photos"] = [photo.original_hash for photo, _stage in photos]
    if event.seq == 1 and case.sound_id:
        payload["sound"] = case.sound.original_hash
    if case.due_at:
        payload["due_at"] = case.due_at.isoformat()
    secrets = {**({"note": event.note} if note else {}), **(private or {})} or None
    person = case.reporter.ref if secrets and case.reporter_id else ""
    log.append(case.stream, act, actor.ref, payload, secrets=secrets, person=person, at=at)
    return event


def open_case(
    programme_label,
    actor,
    *,
    at=None,
    act="submit",
    role="reporter",
    note="",
    data=None,
    photos=(),
    clocks=None,
    **facts,
):
    """Make a case in the first state of its programme's flow and write its first event.

    `clocks`, a function of the case, gives the fields of its first promise. Inside the caller's transaction, so that
    the programme's own record is made with it or not at all.
    """
    at = at or timezone.now()
    flow = programme(programme_label).flow
    case = Case(
        number=next_number(at),
        programme=programme_label,
        state=flow.initial,
        phase=flow.phases[flow.initial],
        created_at=at,
        **facts,
    )
    case.save(force_insert=True)
    promised = clocks(case) if clocks else {}
    for name, value in promised.items():
        setattr(case, name, value)
    if promised:
        data = {**(data or {}), "promise": promise_of(case)}
    event = write_event(case, act, actor, at=at, role=role, note=note, data=data, photos=photos)
    Case.objects.filter(pk=case.pk).update(version=F("version") + 1, **promised)
    case.version += 1
    return case, event


def allowed(case, actor, *, at=None):
    """The moves this actor could begin now, primary first: the buttons of the case page.

    Guards that need what the form says are asked when it is sent.
    """
    at = at or timezone.now()
    plug = programme(case.programme)
    moves = [m for m in plug.flow.from_state(case.state) if actor.role_for(m)]
    facts = plug.situation(case) if moves else {}
    return sorted((m for m in moves if offered(case, m, actor, at, facts)), key=lambda m: m.weight)


def offered(case, move, actor, at, facts):
    """Whether what must hold before `move` holds; `facts` are the programme's, where a condition asks for them."""
    doing = Doing(case=case, move=move, actor=actor, at=at, data={}, facts=facts, role=actor.role_for(move))
    try:
        for condition in move.when:
            condition(doing)
    except Refused:
        return False
    return True


def stored(photo, owner, at):
    """The row of a photo that may only be prepared yet."""
    return store(photo, owner, at) if isinstance(photo, Prepared) else photo


def stored_sound(sound, owner, at):
    """The row of a voice note that may only be prepared yet; BadSound for one that is gone or part of another case."""
    if sound is None or isinstance(sound, PreparedSound):
        return sound and store_sound(sound, owner, at)
    sound = Sound.objects.select_for_update().get(pk=sound.pk)  # two reports, one voice note
    if sound.erased_at or Case.objects.filter(sound=sound).exists():
        raise BadSound("used")
    return sound


def last_event_words(case):
    flow = programme(case.programme).flow
    event = case.events.select_related("actor", "unit").order_by("-seq").first()
    if event is None:
        return None
    try:
        label = flow.move(event.act).label
    except KeyError:
        label = event.act
    who = event.actor.name if event.actor else (event.unit.name_zh if event.unit else "")
    return {"who": who, "act": label}


def perform(case, name, actor, *, at=None, seen_version=None, photos=(), links=None, **data):
    """Do the act `name` on `case` as `actor`, wholly or not at all.

    `photos` are (Photo or Prepared, stage) pairs; what is only prepared is stored with the act. `data` is what the
    form said. `seen_version` makes an edit refuse when the case has changed since it was shown.
    `links` (a list) receives the (task, path) pairs of links made by the act, which are shown once and never kept.
    Raises `NotAllowed`, `Changed`, `Invalid` or another `Refused`; then nothing has happened.
    Returns the case as it now stands.
    """
    at = at or timezone.now()
    plug = programme(case.programme)
    move = plug.flow.move(name)
    with transaction.atomic():
        case = (
            Case.objects.select_for_update(of=("self",))
            .select_related("reporter", "holder", "unit", "grid", "community", "subdistrict", "compound", "closer")
            .get(pk=case.pk)
        )
        role = actor.role_for(move)
        if role is None:
            raise NotAllowed()
        if case.state not in move.sources or (seen_version is not None and seen_version != case.version):
            raise Changed(last_event_words(case))
        from_state, version = case.state, case.version
        doing = Doing(
            case=case,
            move=move,
            actor=actor,
            at=at,
            data=data,
            facts=plug.situation(case),
            target=move.target,
            role=role,
            photos=[(stored(photo, actor.account, at), stage) for photo, stage in photos],
        )
        for guard in (*move.when, *move.guards):
            guard(doing)
        if doing.target:  # a decision that was asked for is no longer needed once the case has moved on, but for some
            asked = case.pending if case.pending in plug.flow.keeps.get(name, ()) else ""
            doing.set(state=doing.target, phase=plug.flow.phases[doing.target], pending=asked)
        if move.effect:
            move.effect(doing)
        if PROMISE & set(doing.changes):
            doing.public["promise"] = promise_of(case)
        event = write_event(
            case,
            name,
            actor,
            at=at,
            role=role,
            from_state=from_state,
            note=doing.note,
            internal=move.internal,
            data=doing.public,
            private=doing.private,
            photos=doing.photos,
        )
        # The lock orders the writers; the compare on state and version is what makes a second winner impossible.
        changed = Case.objects.filter(pk=case.pk, state=from_state, version=version).update(
            version=F("version") + 1, **doing.changes
        )
        if not changed:
            raise Changed(last_event_words(case))
        case.version = version + 1
        plug.on_event(case, event, doing)
        if links is not None:
            links.extend(doing.links)
    return case


PROMISE = {"accept_limit", "handle_limit", "extra_limit", "clock_from", "accept_due_at", "due_at"}


def promise_of(case):
    """What is promised from now on, as the event keeps it: enough to work the deadlines out again (`replay`)."""
    moments = {"from": case.clock_from, "accept_due": case.accept_due_at, "due": case.due_at}
    return {
        "accept": case.accept_limit,
        "limit": case.handle_limit,
        "extra": case.extra_limit,
        "calendar": case.calendar,
        **{name: moment.isoformat() if moment else "" for name, moment in moments.items()},
    }


def clock_from(at):
    """The fields of a clock that starts at `at`, counted by the calendar as it stands now, whatever becomes of it."""
    return {"clock_from": at, "calendar": keep_edition()}


def pauses_of(case):
    return [(p.since, p.until) for p in case.pauses.all()]


def deadline(case, limit=None, start=None):
    """The deadline of a case, recomputed from what was frozen: limit, start, calendar, pauses. None without a limit."""
    extra = "" if limit else case.extra_limit
    limit = limit or case.handle_limit
    start = start or case.clock_from
    if not limit or not start:
        return None
    calendar, pauses = edition(case.calendar), pauses_of(case)
    ends = due_at(start, Limit.parse(limit), calendar, pauses)
    return due_at(ends, Limit.parse(extra), calendar, pauses) if ends and extra else ends


def pause(case, cause, at):
    Pause.objects.create(case=case, cause=cause, since=at)


def resume(case, at):
    Pause.objects.filter(case=case, until__isnull=True).update(until=at)


def by_system(case, name, *, at, **data):
    return perform(case, name, SYSTEM_ACTOR, at=at, **data)


__all__ = [
    "Refused",
    "allowed",
    "by_system",
    "clock_from",
    "deadline",
    "open_case",
    "pause",
    "perform",
    "resume",
    "write_event",
]
