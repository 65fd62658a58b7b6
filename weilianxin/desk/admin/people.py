"""Staff: accounts, the posts they hold, who is away, and the way back in for somebody who lost it."""

from datetime import datetime, time, timedelta

from django.db.models import Prefetch, Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.areas.models import Area, Level
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.notify.send import tell, tell_each
from weilianxin.people import posts, staff
from weilianxin.people.models import Absence, Account, Post, Role
from weilianxin.people.session import admin_required, end_all_sessions

from .frame import attempt, filled, note, page, paged, taken, typed

FRESH = "fresh_password"
ROLE_HELP = gettext_lazy("网格员和网格长任在网格，书记任在社区，其余任在街道。")


@require_safe
@admin_required
def people(request):
    """All staff, with the posts they hold now; narrowed by a name, a role or a community."""
    at = timezone.now()
    rows = Account.objects.filter(kind=Account.STAFF, erased_at=None)
    role, code, asked = (
        request.GET.get("role", ""),
        request.GET.get("area", "")[:15],
        request.GET.get("q", "").strip()[:40],
    )
    if asked:
        rows = rows.filter(Q(name__icontains=asked) | Q(username__icontains=asked))
    if role in Role.values:
        rows = rows.filter(posts__in=Post.objects.at(at).filter(role=role))
    if code:
        inside = Post.objects.at(at).filter(area__in=Area.objects.filter(code__startswith=code))
        rows = rows.filter(posts__in=inside)
    held = Prefetch("posts", Post.objects.at(at).select_related("area__community").order_by("pk"), to_attr="held")
    rows, older, newest = paged(rows.distinct().prefetch_related(held), request)
    away = set(
        Absence.objects.filter(account__in=rows, since__lte=at, until__gt=at).values_list("account_id", flat=True)
    )
    for row in rows:
        row.away = row.pk in away
    context = {
        "rows": rows,
        "older": older,
        "newest": newest,
        "roles": Role.choices,
        "role": role,
        "q": asked,
        "communities": Area.objects.current().filter(level=Level.COMMUNITY)[:200],
        "code": code,
    }
    return page(request, "desk/admin/people.html", context)


def account_fields():
    return [
        Field("name", "text", _("姓名"), required=True, most=40),
        Field("username", "text", _("登录名"), required=True, most=40, help=_("字母、数字、点、横线。")),
        *phone_fields(),
    ]


def phone_fields():
    return [Field("phone", "text", _("手机"), most=20, help=_("通知发到这里；不填只能在系统里看通知。"))]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def add(request):
    """A new account of staff; its first password is shown once, on the next page."""
    refusal, fields = None, account_fields()
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            check_account(given)
            account = Account.objects.create(
                kind=Account.STAFF,
                username=given["username"],
                name=given["name"],
                phone=given["phone"] or None,
            )
            password = staff.set_initial_password(account)
            request.session[FRESH] = {"account": account.ref, "password": password}
            note(request, "account_added", account=account.ref)
            return reverse("desk:admin_person", args=[account.ref]) + "?done=added"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    context = {
        "heading": _("新建账号"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("新建"),
        "back": reverse("desk:admin_people"),
        "intro": _("初始密码由系统生成，只显示一次，请当面交给本人。第一次登录要换成自己的。"),
    }
    return page(request, "desk/admin/form.html", context, refusal=refusal)


def check_account(given, account=None):
    """Raise Invalid for a user name or telephone that cannot be, or that somebody else has."""
    others = Account.objects.exclude(pk=account.pk if account else None)
    name = given["username"]
    if not all(c.isascii() and (c.isalnum() or c in "._-") for c in name) or len(name) < 3:
        raise Invalid(_("登录名至少 3 位，只能用字母、数字、点和横线。"), "username")
    if others.filter(username__iexact=name).exists():
        raise Invalid(_("这个登录名已经有人用了。"), "username")
    check_phone(given["phone"], others)


def check_phone(phone, others):
    if phone and not (phone.isascii() and phone.isdecimal() and 7 <= len(phone) <= 12):
        raise Invalid(_("手机号只写数字，例如 11 位手机号。"), "phone")
    if phone and others.filter(phone=phone).exists():
        raise Invalid(_("这个手机号已经登记在别的账号上了。"), "phone")


def area_choices(levels=Level.values):
    """Current areas as grouped choices: the wide ones first, then each community with its grids."""
    wide, groups = [], {}
    rows = Area.objects.current().filter(level__in=levels).select_related("community")
    for area in rows.order_by("code")[:3000]:
        if area.level == Level.GRID:
            groups.setdefault(area.community.name if area.community else "", []).append((area.code, area.name))
        elif area.level == Level.COMMUNITY:
            groups.setdefault(area.name, []).insert(0, (area.code, area.name))
        else:
            wide.append((area.code, area.name))
    return [*wide, *groups.items()]


def post_fields():
    return [
        Field("role", "choice", _("岗位"), required=True, choices=Role.choices, help=ROLE_HELP),
        Field("area", "choice", _("任在哪里"), required=True, choices=area_choices()),
    ]


def absence_fields():
    kinds = Absence._meta.get_field("kind").choices
    return [
        Field("kind", "choice", _("为什么不在岗"), required=True, choices=kinds),
        Field("since", "date", _("从哪天起"), required=True),
        Field("until", "date", _("到哪天为止（含这天）"), required=True),
    ]


def one(request, account, *, failed="", refusal=None):
    """The page of one account; after a refusal the form that failed keeps what was typed."""
    at = timezone.now()
    fresh = request.session.get(FRESH)
    password = ""
    if fresh and fresh["account"] == account.ref:
        password = request.session.pop(FRESH)["password"]
    forms = {"post": post_fields(), "absence": absence_fields(), "phone": phone_fields(), "return": phone_fields()}
    if failed in forms:
        filled(forms[failed], request, refusal=refusal)
    elif not failed:
        day = timezone.localdate(at).isoformat()
        filled(forms["absence"], values={"since": day, "until": day})
    context = {
        "person": account,
        "password": password,
        "held": account.posts.filter(until__isnull=True).select_related("area__community").order_by("pk")[:50],
        "past": account.posts.filter(until__isnull=False).select_related("area").order_by("-until")[:20],
        "absences": account.absences.filter(until__gt=at).order_by("since")[:20],
        "post_fields": forms["post"],
        "absence_fields": forms["absence"],
        "phone_fields": forms["phone" if account.is_active else "return"],
        "failed": failed,
        "must_change": staff.must_change_password(account),
        "self": account.pk == request.account.pk,
    }
    return page(request, "desk/admin/person.html", context, refusal=refusal)


def loaded(ref):
    return get_object_or_404(Account, ref=ref, kind=Account.STAFF, erased_at=None)


@never_cache
@require_safe
@admin_required
def person(request, ref):
    return one(request, loaded(ref))


def day(request, name):
    try:
        moment = parse_date(typed(request, name, 10))
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid(_("请写日期，例如 2026-10-01。"), name)
    return datetime.combine(moment, time.min, timezone.get_current_timezone())


def assign(request, account, at):
    given = taken(post_fields(), request)
    area = get_object_or_404(Area.objects.current(), code=given["area"])
    posts.assign(account, given["role"], area, at, request.account)
    return "post"


def end(request, account, at):
    number = typed(request, "post", 18)
    post = get_object_or_404(account.posts.select_related("area"), pk=int(number) if number.isdecimal() else 0)
    if post.role == Role.SYSTEM_ADMIN and account.pk == request.account.pk:
        raise Invalid(_("自己的管理员岗位要由另一位管理员来结束。"))
    posts.end_post(post, at, request.account)
    return "ended"


def absent(request, account, at):
    taken(absence_fields(), request)
    since, until = day(request, "since"), day(request, "until") + timedelta(days=1)
    absence = posts.note_absence(account, typed(request, "kind"), since, until, request.account, at)
    tell_covers(absence, at)
    return "absent"


def tell_covers(absence, at):
    """Who stands in, and the leaders of their grids, hear of it when it is noted, with the days."""
    account, moment = absence.account, max(absence.since, at)
    last = timezone.localdate(absence.until - timedelta(seconds=1))
    values = {"name": account.name, "due": timezone.localdate(absence.since), "until": last}
    told = {"values": values, "key": f"absence:{absence.pk}", "at": at}
    for post, cover in posts.covers_of(account, moment):
        if post.role in (Role.GRID_WORKER_BACKUP, Role.GRID_LEADER):
            continue  # whoever serves the grid goes on serving it
        tell("absence", "worker", cover, **told)
        leaders = [one for one in posts.holders(Role.GRID_LEADER, post.area, moment) if one.pk != cover.pk]
        tell_each("absence", "leader", leaders, **{**told, "values": {**values, "worker": cover.name}})


def back_early(request, account, at):
    number = typed(request, "absence", 18)
    absence = get_object_or_404(account.absences, pk=int(number) if number.isdecimal() else 0)
    posts.end_absence(absence, at, request.account)
    return "back"


def new_password(request, account, at):
    password = staff.reset_password(account, by=request.account, at=at)
    request.session[FRESH] = {"account": account.ref, "password": password}
    return "password"


def no_factor(request, account, at):
    staff.reset_second_factor(account, by=request.account, at=at)
    return "factor"


def leave(request, account, at):
    if account.pk == request.account.pk:
        raise Invalid(_("自己的账号要由另一位管理员来停用。"))
    posts.leave(account, at, request.account)
    return "left"


def given_phone(request, account):
    phone = taken(phone_fields(), request)["phone"]
    check_phone(phone, Account.objects.exclude(pk=account.pk))
    return phone or None


def number(request, account, at):
    phone = given_phone(request, account)
    if not account.is_active:
        raise Invalid(_("这个账号停用了，重新启用时再写手机。"), "phone")
    Account.objects.filter(pk=account.pk).update(phone=phone)
    note(request, "account_phone", account=account.ref)
    return "phone"


def come_back(request, account, at):
    """Back in the same account. The number was free meanwhile and is asked for anew."""
    phone = given_phone(request, account)
    Account.objects.filter(pk=account.pk, is_active=False).update(is_active=True, phone=phone)
    end_all_sessions(account)
    note(request, "account_reopened", account=account.ref)
    return "returned"


ACTS = {
    "post": assign,
    "end": end,
    "absence": absent,
    "back": back_early,
    "password": new_password,
    "factor": no_factor,
    "phone": number,
    "leave": leave,
    "return": come_back,
}


@never_cache
@require_POST
@admin_required
def act(request, ref, what):
    """One change to an account: a post, an absence, a way back in."""
    account = loaded(ref)
    deed = ACTS.get(what)
    if deed is None:
        raise Http404

    def do():
        done = deed(request, account, timezone.now())
        return reverse("desk:admin_person", args=[ref]) + f"?done={done}"

    answer, refusal = attempt(request, do)
    return answer if answer is not None else one(request, loaded(ref), failed=what, refusal=refusal)
