"""Pages on which staff write down what somebody tells them, and what they find on the round."""

from contextlib import suppress

from django.shortcuts import render as plain
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from weilianxin.areas.locate import PlaceError, locate
from weilianxin.cases.errors import Invalid, Refused
from weilianxin.cases.models import Anonymity, Case, Event
from weilianxin.cases.once import first_answer, once
from weilianxin.desk.nav import render
from weilianxin.desk.reach import GRID_ROLES, areas_of, require
from weilianxin.files.errors import BadPhoto
from weilianxin.files.intake import again, receive
from weilianxin.files.models import Photo
from weilianxin.files.store import claim, store, waiting_photos
from weilianxin.files.store import place as put_on_disk
from weilianxin.lib.masks import mask_name, mask_phone
from weilianxin.people import consent, throttle
from weilianxin.people.errors import TooOften
from weilianxin.people.models import Account
from weilianxin.people.posts import on_duty
from weilianxin.people.residents import normal_phone
from weilianxin.people.session import staff_required

from . import catalogue, intake, screening, taking
from .models import About, Kind
from .pages import places
from .pages.drafts import LONGEST, MOST_PHOTOS
from .pages.send import outlook, unit_at
from .pages.steps import category_of, dials, is_integrity, office, usual_kind
from .pages.what import COMPLAINTS
from .words import TAKEN_DOWN

TEXTS = ("channel", "phone", "name", "place", "category", "kind", "about", "about_unit", "anonymity", "wish", "join")
TICKS = ("agreed", "receipt", "not_integrity")
LISTS = ("shown", "near", "kept")
LOOKS = [(300, 3600)]  # telephone numbers looked up by one member of staff, per seconds


def said(request):
    """What the form says: nothing of it is kept but in the answer."""
    post = request.POST
    data = {name: post.get(name, "").strip()[:200] for name in TEXTS}
    data |= {name: bool(post.get(name)) for name in TICKS}
    data |= {name: [value[:64] for value in post.getlist(name)[:20]] for name in LISTS}
    data["text"] = post.get("text", "").strip()[:LONGEST]
    data["channel"] = data["channel"] or ("phone" if request.method == "POST" else "")
    return data


def place_of(request, text):
    """The Location that the words about the place mean: a bare number of a house is looked for in one's own grid."""
    if len(text) < 2:
        raise Invalid(_("请写是哪里，例如“星影苑6幢”或“斗柄路12号”。"), "place")
    mine = areas_of(request, *GRID_ROLES)
    try:
        found = locate(text=text, area=mine[0] if len(mine) == 1 else None)
    except PlaceError as problem:
        raise Invalid(str(problem), "place") from None
    if found.how == "area":
        raise Invalid(_("没有找到这个地点，请写上小区和幢号，或者路名。"), "place")
    return found


def known(request, phone):
    """Who comes in with this phone, masked; None for nobody, or while the number is not whole."""
    try:
        phone = normal_phone(phone)
    except Refused:
        return None
    if not throttle.allow_all("look-up", request.account.pk, LOOKS, at=timezone.now()):
        raise TooOften(_("查的电话太多了，请过一会儿再查。"))
    account = Account.objects.filter(phone=phone, kind=Account.RESIDENT, is_active=True).first()
    return account and {"account": account, "name": mask_name(account.name), "phone": mask_phone(account.phone)}


def seen(request, data, at):
    """What can be said while the person still speaks: dangers, the place and who serves it, matters like this one."""
    category, where = category_of(data["category"]), None
    try:
        where = place_of(request, data["place"]) if data["place"] else None
        problem = ""
    except Invalid as refusal:
        problem = str(refusal)
    try:
        person = known(request, data["phone"]) if data["phone"] else None
    except TooOften:  # who calls is written down all the same
        person = None
    facts = {"text": data["text"], "about": data["about"], "not_integrity": data["not_integrity"]}
    found = outlook(facts, category, where, None, at)
    before = []
    if person is not None and where is not None:
        before = taking.told_before(person["account"], request.account, category, where, at)
        own = {case.pk for case in before}
        found["near"] = [near for near in found["near"] if near["case"].pk not in own]
    return {
        **found,
        "dial": dials(data["text"]) or found["dial"],
        "where": where,
        "where_problem": problem,
        "person": person,
        "before": [{"case": case, "name": category_of(case.category)} for case in before],
        "category": category,
        "data": data,
    }


@never_cache
@require_POST
@staff_required
def look(request):
    """The same as a piece of the page, while one types; nothing is kept."""
    require(request, *taking.RECEIVERS)
    return plain(request, "reports/desk/look.html", seen(request, said(request), timezone.now()))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def report(request):
    """Write down what a caller or a visitor says, and read the number out to them."""
    require(request, *taking.RECEIVERS)
    if request.method != "POST":
        done = taken(request, request.GET.get("done", ""))
        return render(request, "reports/desk/taken.html", done) if done else form(request, said(request))
    repeated = first_answer(request)
    if repeated is not None:
        return repeated
    data, at = said(request), timezone.now()
    try:
        return file(request, data, at)
    except intake.IntegrityElsewhere as stop:
        return form(request, data, refusal=stop, integrity=True)
    except (Refused, BadPhoto) as refusal:
        return form(request, data, refusal=refusal)


def file(request, data, at):
    if is_integrity(data["text"]) and not data["not_integrity"]:
        raise intake.IntegrityElsewhere("")  # before a photo is kept
    earlier = [photo.ref for photo in kept(request, data)] + copied(request.account, data["kept"], at)
    data["kept"] = earlier + keep(request, "photos", len(earlier), at)
    where = place_of(request, data["place"])
    category = category_of(data["category"])
    kind = data["kind"] if data["kind"] in Kind.values else usual_kind(category)
    about = data["about"] if data["about"] in About.values else About.THING
    if about != About.THING and kind not in COMPLAINTS:
        if data["kind"]:
            raise Invalid(_("说的是谁，只有投诉、举报才选。请核对对方想要什么。"), "kind")
        kind = Kind.COMPLAINT  # whoever says whom it is about complains
    if kind in COMPLAINTS and not data["about"]:  # nobody is let off by silence: it decides who gets to see it
        raise Invalid(_("投诉或举报的是什么？请选一个。"), "about")
    look_at = seen(request, data, at)
    new = [near for near in look_at["near"] if near["number_tail"] not in data["near"]]
    joined = next((near for near in look_at["near"] if near["number_tail"] == data["join"]), None)
    if data["join"] and joined is None:
        raise Refused(_("那件事找不到了，请另记一件。"))
    if request.POST.get("do") == "look" or (new and joined is None):
        return form(request, data, look_at=look_at, told=bool(new))

    def act():
        case = taking.take_down(
            request.account,
            channel=data["channel"],
            phone=data["phone"],
            name=data["name"],
            agreed=data["agreed"],
            receipt=data["receipt"],
            shown=data["shown"],
            token=joined["token"] if joined else "",
            text=data["text"],
            location=where,
            category=category,
            kind=kind,
            about=about,
            about_unit=unit_at(data["about_unit"], where) if about == About.UNIT else None,
            anonymity=data["anonymity"] or Anonymity.N1,
            wish=data["wish"] or "call",
            photos=claim(request.account, data["kept"], at),
            place_text=data["place"],
            not_integrity=data["not_integrity"],
            at=at,
        )
        return f"{reverse('reports:staff_report')}?done={case.number}"

    return once(request, act)


def kept(request, data, name="kept"):
    """The photos that came with an earlier try of the same form and wait for it."""
    return list(waiting_photos().filter(owner=request.account, ref__in=data[name]).order_by("pk")[:MOST_PHOTOS])


def copied(account, refs, at):
    """The refs of copies of what they photographed for something else, a checklist say: it stays where it is."""
    waits = waiting_photos().filter(ref__in=refs)
    mine = Photo.objects.filter(owner=account, ref__in=refs, erased_at__isnull=True).exclude(pk__in=waits)
    made = []
    for photo in mine.order_by("pk")[:MOST_PHOTOS]:
        with suppress(FileNotFoundError):  # a photo whose bytes are gone holds up no report
            made.append(store(again(photo), account, at).ref)
    return made


def keep(request, name, have, at):
    """Store what was chosen just now, so that a refused form has not lost it; returns the refs."""
    uploads = request.FILES.getlist(name)
    if len(uploads) + have > MOST_PHOTOS:
        raise BadPhoto("many")
    prepared = [put_on_disk(photo) for photo in receive(uploads)]
    return [store(photo, request.account, at).ref for photo in prepared]


def form(request, data, *, refusal=None, integrity=False, look_at=None, told=False):
    at = timezone.now()
    if not integrity and look_at is None:
        try:
            look_at = seen(request, data, at)
        except Refused as problem:
            refusal = refusal or problem
    context = {
        **(look_at or {}),
        "data": data,
        "channels": TAKEN_DOWN.items(),
        "notice": consent.current_text(consent.CONTACT).strip(),
        "columns": [(name, rows) for _code, name, rows in catalogue.by_column() if rows[0].channel_out != "integrity"],
        "kinds": Kind.choices,
        "abouts": About.choices,
        "anonymities": Anonymity.choices,
        "photos": kept(request, data) if not integrity else [],
        "most_photos": MOST_PHOTOS,
        "refusal": refusal,
        "integrity": integrity,
        "office": office() if integrity else None,
        "told": told,
        "nothing": request.method != "POST",
    }
    status = getattr(refusal, "status", 422) if refusal is not None else 200
    return render(request, "reports/desk/report.html", context, status=status)


def taken(request, number):
    """What is read out once a matter is written down: only to who wrote it down. None for another number."""
    event = (
        Event.objects.filter(case__number=number, seq=1, act="submit", role="staff", actor=request.account)
        .select_related("case__grid", "case__parent", "case__reporter", "case__community")
        .first()
    )
    if event is None or event.data.get("channel") not in TAKEN_DOWN:
        return None
    case, at = event.case, timezone.now()
    duty = on_duty(case.grid, at) if case.grid_id and case.sight == "grid" else None
    return {
        "case": case,
        "open": Case.objects.visible_to(request.account).filter(pk=case.pk).exists(),
        "duty": duty,
        "joined": case.parent_id is not None,
        "reachable": case.reporter_id is not None,
    }


# Found on the round


def found_said(request):
    post = request.POST
    data = places.read(post) | {"plate": post.get("plate", "").strip()[:32], "category": post.get("category", "")[:12]}
    data |= {"text": post.get("text", "").strip()[:2000], "fixed": post.get("fixed", "")[:1]}
    data |= {name: [v[:64] for v in post.getlist(name)[:20]] for name in ("near", "kept_before", "kept_after")}
    return data


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def patrol(request):
    """What a grid worker finds on the round: put right and closed at once, or theirs to work."""
    require(request, *GRID_ROLES)
    if request.method != "POST":
        done = Case.objects.visible_to(request.account).filter(
            channel="patrol", number=request.GET.get("done", "")[:16]
        )
        return found_form(request, found_said(request), done=done.first())
    repeated = first_answer(request)
    if repeated is not None:
        return repeated
    data, at = found_said(request), timezone.now()
    try:
        return find(request, data, at)
    except (Refused, BadPhoto) as refusal:
        return found_form(request, data, refusal=refusal)


def find(request, data, at):
    if is_integrity(data["text"]):
        raise intake.IntegrityElsewhere(_("廉洁问题请直接交给纪检，这里不保存。"), "text")
    for name in ("before", "after"):
        kept_now = [photo.ref for photo in kept(request, data, f"kept_{name}")]
        data[f"kept_{name}"] = kept_now + keep(request, name, len(kept_now), at)
    where = found_where(request, data)
    category = category_of(data["category"])
    if data["fixed"] not in ("0", "1"):
        raise Invalid(_("请选现在怎样。"), "fixed")
    fixed = data["fixed"] == "1"
    if not fixed and len(data["kept_before"] + data["kept_after"]) > MOST_PHOTOS:
        raise BadPhoto("many")
    near = screening.near(category, where, at) if category is not None else []
    new = [row for row in near if row["number_tail"] not in data["near"]]
    if new:
        return found_form(request, data, near=near)

    def act():
        case = taking.found(
            request.account,
            category=category,
            location=where,
            # Of what is not put right every photo shows how it is.
            before=claim(request.account, data["kept_before"] + ([] if fixed else data["kept_after"]), at),
            after=claim(request.account, data["kept_after"], at) if fixed else (),
            fixed=fixed,
            text=data["text"],
            place_text=places.words(data, where),
            at=at,
        )
        if fixed:
            return f"{reverse('reports:staff_patrol')}?done={case.number}"
        return reverse("desk:case", args=[case.number])

    return once(request, act)


def found_where(request, data):
    """The Location, whichever of the three ways says it; what is wrong with it stands at the place."""
    if data["where"] == "address":
        return place_of(request, data["address"])
    try:
        return places.location(data | {"where": data["where"] or "none"}, None)
    except Invalid as problem:
        raise Invalid(str(problem), "place") from None


def found_form(request, data, *, refusal=None, near=(), done=None):
    columns = [(name, [c for c in rows if taking.may_find(c)]) for _code, name, rows in catalogue.by_column()]
    mine = Case.objects.visible_to(request.account).filter(pk__in=[row["case"].pk for row in near])
    seen = set(mine.values_list("pk", flat=True))
    context = {
        "data": data,
        "columns": [(name, rows) for name, rows in columns if rows],
        "before": kept(request, data, "kept_before"),
        "after": kept(request, data, "kept_after"),
        "near": [row | {"open": row["case"].pk in seen} for row in near],
        "refusal": refusal,
        "done": done,
        "where": data["where"],
    }
    status = getattr(refusal, "status", 422) if refusal is not None else 200
    return render(request, "reports/desk/patrol.html", context, status=status)
