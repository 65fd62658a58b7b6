"""Taking a report in: one transaction with its case, first event, messages and photos, or nothing."""

from datetime import timedelta
from types import SimpleNamespace

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from weilianxin.areas.home import own_subdistrict
from weilianxin.areas.models import Area
from weilianxin.cases.access import LEVELS, SYSTEM_ACTOR, Actor
from weilianxin.cases.engine import NOTE_LIMIT, open_case, perform, stored, stored_sound
from weilianxin.cases.errors import Invalid, Refused
from weilianxin.cases.models import Anonymity, Case, CasePhoto
from weilianxin.people.consent import current_version
from weilianxin.people.posts import holder_of, holders, on_duty, people_above

from . import alarms, messages, policy
from .models import About, Category, Channel, Kind, Report
from .routing import way
from .screening import case_behind, earlier_here, hushed, noticed, screen

LABEL = "reports"
STALE = timedelta(days=2)
COMPLAINTS = (Kind.COMPLAINT, Kind.TIP)


class IntegrityElsewhere(Refused):
    """Integrity matters are never kept here; the page shows the discipline office's ways instead."""

    status = 422


def submit(
    account,
    *,
    text,
    location,
    category=None,
    kind=Kind.HELP,
    about=About.THING,
    about_unit=None,
    anonymity=Anonymity.N1,
    photos=(),
    sound=None,
    channel="web",
    at=None,
    urgency=None,
    place_text="",
    title="",
    wish="call",
    happened_at=None,
    not_integrity=False,
    source="",
    source_no="",
    source_at=None,
    source_due_at=None,
    by=None,
    maybe_at="",
    tell=True,
    stream="",
    since=None,
    consent="service",
):
    """Save a report and put it before the grid worker; returns the `Case`.

    `account` is the reporter or None (another channel), `by` the account that files it for somebody; `location` an
    `areas.locate.Location` or None (then the dispatcher places it); `category` None leaves the choice to staff;
    `photos` are `Prepared` or stored photos, `sound` a `PreparedSound` or a stored one of the reporter; `maybe_at` a
    place that somebody has to confirm; `stream` names the journal's stream, by which closings are drawn for a check:
    only the demo, which is the same every time, names it; `since` is when the clock began, where that is not now;
    `consent` is what the reporter agreed to (`people.consent`).
    Raises `Invalid` with the field, `IntegrityElsewhere`,
    `BadSound` for a voice note that was used before, or `Refused`.
    """
    at = at or timezone.now()
    text = text.strip()
    imported = bool(source)
    _check(account, text, kind, about, anonymity, location, imported, at)
    weighed = _weigh(
        text,
        location,
        at=at,
        title=title,
        category=category,
        urgency=urgency,
        account=account,
        said_at=source_at,
        imported=imported,
        not_integrity=not_integrity,
        maybe_at=maybe_at,
    )
    facts = _where(location)
    with transaction.atomic():
        case = _open(
            Actor(account=by or account, roles=frozenset({"reporter"})),
            text,
            weighed,
            facts,
            at=at,
            # An imported report's clock starts when it reaches this house: what came before was not ours to promise.
            since=since,
            role="reporter" if account and by is None else ("staff" if by else "system"),
            photos=[(stored(p, account or by, at), CasePhoto.BEFORE) for p in photos],
            title=title,
            report={
                "kind": kind,
                "about": about,
                "wish": wish,
                "consent_version": agreed_to(consent) if account else "",
                "happened_at": happened_at,
                "source": source,
                "source_no": source_no,
                "source_at": source_at,
                "source_due_at": source_due_at,
            },
            channel=channel,
            reporter=account,
            sound=stored_sound(sound, account, at),
            anonymity=anonymity,
            sight=sight_of(about, weighed.category),
            about_account=_accused(about, facts, at),
            about_unit=about_unit,
            place_text=place_text[:256] or (location.text[:256] if location and location.how != "text" else ""),
            **({"stream": stream} if stream else {}),
        )
        if tell:
            messages.on_submitted(case, at)
    return case


def _weigh(
    text,
    location,
    *,
    at,
    title="",
    category=None,
    urgency=None,
    account=None,
    said_at=None,
    imported=False,
    not_integrity=False,
    maybe_at="",
):
    """What words that become a report are taken for: `found` in them, `category`, `urgency`. Writes nothing;
    `said_at` is when they were said, where that is not now. Raises `IntegrityElsewhere`."""
    found = screen(
        text, title=title, category=category, location=location, account=account, at=at, not_integrity=not_integrity
    )
    if said_at is not None and at - said_at > STALE:
        found.urgency = None  # whatever was dangerous then is not cured by a shorter limit now
    if found.integrity and not imported:
        raise IntegrityElsewhere(_("廉洁问题请直接交给纪检，这里不保存。"))
    if category is None:
        category = Category.objects.current().get(scheme="resident", kind="matter", code="XQ999")
        found.reasons += [["category", _("可能是：%(name)s") % {"name": c.name_zh}] for c in found.suggestions]
    if maybe_at:
        found.reasons.append(["place", maybe_at])
    urgency = min(u for u in (urgency or category.urgency, found.urgency or "U9") if u)
    return SimpleNamespace(found=found, category=category, urgency=urgency)


def _open(
    actor,
    text,
    weighed,
    place,
    *,
    at,
    role,
    report,
    since=None,
    limits_of=None,
    photos=(),
    title="",
    hush=(),
    sensitive=False,
    data=None,
    **facts,
):
    """The case and the report of what `_weigh` weighed, in the caller's transaction: all that follows from its words,
    category, urgency and place, however it came. Returns the case.

    `place` and `facts` are the case's, `report` the report's own; `since` is when the clock began, `limits_of` the day
    whose limits hold; `hush` are the reasons of words it stood among.
    """
    found, category, urgency = weighed.found, weighed.category, weighed.urgency
    unit = facts["about_unit"]
    spot = SimpleNamespace(about_unit_id=unit.pk if unit else None, **_keys(place))
    case, _event = open_case(
        LABEL,
        actor,
        at=at,
        role=role,
        note=text[:NOTE_LIMIT],
        photos=photos,
        data={"channel": facts["channel"], "category": category.code, "urgency": urgency, **(data or {})},
        clocks=lambda case: alarms.until_accepted(case, at, start=since),
        title=title_of(title or text, category, [*found.reasons, *hush]),
        category=category.code,
        urgency=urgency,
        sensitive=found.sensitive or sensitive or category.public in ("no", "never"),
        route=way(category, spot, urgency=urgency, kind=report["kind"]).as_json(),
        accept_limit=policy.limits_for(category, urgency, limits_of or at)[0],
        recurs_of=found.recur,
        **place,
        **facts,
    )
    case.report = Report.objects.create(case=case, text=text, category=category, screening=found.reasons, **report)
    return case


def agreed_to(purpose):
    """The version of what a reporter agreed to, as a report keeps it."""
    version = current_version(purpose).version
    return version if purpose == "service" else f"{purpose} {version}"


def join(
    account,
    token,
    *,
    text="",
    photos=(),
    anonymity=Anonymity.N1,
    channel="web",
    at=None,
    location=None,
    by=None,
    wish="call",
    consent="service",
):
    """我也遇到: this reporter's own case, merged into the one that is under way; returns it.

    They keep notices, rating and dispute of their own; `by` is who filed it for them. Raises `Refused` when that case
    has just ended, and for words that need to be looked at by themselves: violence, or a danger the other has not.
    """
    at = at or timezone.now()
    parent = case_behind(token)
    if parent is None or parent.sensitive or parent.sight != "grid":
        raise Refused(_("那件事找不到了，请直接报事。"))
    if Case.objects.filter(reporter=account, parent=parent).exists() or parent.reporter_id == account.pk:
        raise Refused(_("您已经在这件事里了，进展会告诉您。"))
    if anonymity not in Anonymity.values:
        raise Invalid(_("请选谁可以知道是您。"), "anonymity")
    _limit_per_day(account, at)
    text = text.strip() or _("我也遇到了。")
    category = parent.report.category
    found = screen(text, at=at, not_integrity=True)  # those who call have asked about integrity
    if found.sensitive or (found.urgency or parent.urgency) < parent.urgency:
        raise Refused(_("您说的情况要单独看，请另外送出，不并到那件事里。"))
    where = _same_place(parent)
    if location is not None:
        where |= {name: getattr(location, name) for name in ("place", "lat", "lon", "cell")}
    with transaction.atomic():
        pictures = [(stored(p, account, at), CasePhoto.BEFORE) for p in photos]
        actor = Actor(account=by or account, roles=frozenset({"reporter"}))
        case, _event = open_case(
            LABEL,
            actor,
            at=at,
            role="staff" if by else "reporter",
            note=text[:NOTE_LIMIT],
            photos=pictures,
            data={"channel": channel, "category": category.code, "urgency": parent.urgency},
            # Never the parent's: that is the first reporter's own sentence.
            title=title_of(text, category, found.reasons) if len(text) > 8 else category.name_zh,
            category=category.code,
            urgency=parent.urgency,
            channel=channel,
            reporter=account,
            anonymity=anonymity,
            sight=parent.sight,
            route=parent.route,
            accept_limit=parent.accept_limit,
            **where,
        )
        facts = {"category": category, "wish": wish, "consent_version": agreed_to(consent)}
        Report.objects.create(case=case, text=text, screening=found.reasons, **facts)
        case = perform(case, "merge", actor, at=at, parent=parent)
    return case


def carve(case, category, words, actor, at):
    """Another matter that stood in the same report: a case of its own, of the same reporter, place and photos, whose
    clock began when the report came. Inside the act that takes it out; returns it.

    Its words are screened like those of any report. Where the report came from another channel, only the case it
    became is handed back: that channel has one number and waits for one result; what was taken out is ours.
    """
    report = case.report
    weighed = _weigh(
        words,
        case,
        at=at,
        category=category,
        account=case.reporter,
        said_at=report.source_at or case.created_at,
        # What was kept although its words sound like it was said not to be; a part of it is not asked again.
        not_integrity="integrity" in dict(noticed(report.text)),
        maybe_at=next((said for group, said in report.screening if group == "place"), ""),
    )
    before = case.photos.filter(stage=CasePhoto.BEFORE).select_related("photo")
    return _open(
        actor,
        words,
        weighed,
        _same_place(case),
        at=at,
        since=case.created_at,
        limits_of=case.created_at,
        role="staff",
        photos=[(use.photo, CasePhoto.BEFORE) for use in before],
        hush=report.screening,
        sensitive=case.sensitive,
        data={"carved": case.number},
        report={
            "kind": report.kind,
            "about": report.about,
            "floor": report.floor,
            "wish": report.wish,
            "consent_version": report.consent_version,
            "happened_at": report.happened_at,
        },
        channel=case.channel,
        reporter=case.reporter,
        anonymity=case.anonymity,
        sight=case.sight,
        about_account=case.about_account,
        about_unit=case.about_unit,
        place_text=case.place_text,
    )


def source_of(case, category, at):
    """源头治理: what comes back at one place so often gets a matter of its own about why, held by the secretary.

    One at a time for a place; None where it is not (yet) so.
    """
    times = policy.number("chronic_times")
    ours = case.channel != "source" and case.community_id is not None and not case.sensitive
    if not times or not ours or category.urgency == "U3":  # advice has no cause to remove
        return None
    earlier = earlier_here(case, at)
    if len(earlier) + 1 < times:
        return None
    Area.objects.select_for_update().get(pk=case.community_id)  # two third times at once make one
    open_ones = Case.objects.open().filter(channel="source", category=case.category, community=case.community)
    if open_ones.filter(Q(place=case.place) if case.place_id else Q(cell=case.cell)).exists():
        return None
    numbers = [case.number] + [row.number for row in earlier]
    words = _("“%(name)s”在这里反复发生，已经是第 %(n)s 次。请找到原因，从源头解决。这几次是：%(numbers)s。") % {
        "name": category.name_zh,
        "n": len(numbers),
        "numbers": "、".join(numbers[:10]),
    }
    source, _event = open_case(
        LABEL,
        SYSTEM_ACTOR,
        at=at,
        role="system",
        note=words,
        data={"channel": "source", "category": category.code, "urgency": "U2", "cases": numbers[:10]},
        clocks=lambda new: alarms.until_accepted(new, at),
        title=_("源头治理：%(name)s") % {"name": category.name_zh},
        category=category.code,
        channel="source",
        sight="community",
        holder=people_above(case, at, exclude=holders("grid_leader", case.grid, at) if case.grid_id else []),
        accept_limit=policy.limits_for(category, "U2", at)[0],
        place_text="" if case.place_id else case.place_text,  # a reporter's own words only where nothing else says it
        **_same_place(case),
    )
    source.report = Report.objects.create(case=source, text=words, category=category)
    messages.on_submitted(source, at)
    return source


def _same_place(case):
    names = ("place", "compound", "grid", "community", "subdistrict", "district", "lat", "lon", "cell")
    return {name: getattr(case, name) for name in names}


def _check(account, text, kind, about, anonymity, location, imported, at):
    least, most = policy.number("text_least"), policy.number("text_most")
    if len(text) < least:
        raise Invalid(_("再多写几个字，说说是什么事（至少 %(n)s 个字）。") % {"n": least}, "text")
    if len(text) > (NOTE_LIMIT if imported else most):
        raise Invalid(_("写得太长了，最多 %(n)s 个字。") % {"n": most}, "text")
    if kind not in Kind.values:
        raise Invalid(_("请选您想要什么。"), "kind")
    if about not in About.values or (about != About.THING and kind not in COMPLAINTS and not imported):
        raise Invalid(_("请选投诉的是什么。"), "about")
    if anonymity not in Anonymity.values:
        raise Invalid(_("请选谁可以知道是您。"), "anonymity")
    if location is None and not imported:
        raise Invalid(_("请告诉我们在哪里。"), "place")
    if account is not None and not imported:
        _limit_per_day(account, at)


def _limit_per_day(account, at):
    most = policy.number("reports_per_day")
    if Case.objects.filter(reporter=account, created_at__gte=at - timedelta(days=1))[:most].count() >= most:
        raise Refused(_("今天已经报了 %(n)s 件，请明天再报；急事请打电话。") % {"n": most})


def title_of(text, category, reasons=()):
    """The first sentence, for lists and messages; of what is to be hushed a title that tells nobody anything."""
    if hushed(reasons, category):
        return _("一件事")
    first = " ".join(text.split())
    for stop in "。！？!?\n":
        first = first.partition(stop)[0]
    return (first[:38] + "…") if len(first) > 39 else (first or category.name_zh)


def home():
    """The subdistrict of this installation, for what has no place yet."""
    subdistrict = own_subdistrict()
    if subdistrict is None:
        raise Refused(_("还没有导入区域，请联系管理员。"))
    return subdistrict


def _where(location):
    if location is None or location.subdistrict is None:
        subdistrict = home()
        return {
            "district": subdistrict.district or subdistrict.parent,
            "subdistrict": subdistrict,
            "community": None,
            "grid": None,
            "place": None,
            "compound": None,
        }
    return {
        "district": location.district,
        "subdistrict": location.subdistrict,
        "community": location.community,
        "grid": location.grid,
        "place": location.place,
        "compound": location.compound,
        "lat": location.lat,
        "lon": location.lon,
        "cell": location.cell,
    }


def _keys(facts):
    """The places of a report as a case names them: rows and their keys."""
    places = {name: facts[name] for name in ("compound", "grid", "community", "subdistrict")}
    return places | {f"{name}_id": row.pk if row else None for name, row in places.items()}


def sight_of(about, category):
    """A complaint about one of ours is seen above them, a petition in the subdistrict."""
    petition = "subdistrict" if category.channel_out == Channel.PETITION else "grid"
    return max(About(about).sight, petition, key=LEVELS.index)


def _accused(about, place, at):
    """Whom a complaint about one of ours is about, as far as a post names one person, who then cannot see it: whoever
    serves that grid, the grid leader, the community's secretary. Of the subdistrict's many it could be anybody."""
    if about == About.WORKER:
        duty = on_duty(place["grid"], at)
        return duty.account if duty else None
    if about == About.LEADER:
        return holder_of("grid_leader", place["grid"], at)
    return holder_of("community_secretary", place["community"], at) if about == About.COMMUNITY else None
