"""Where the round leads: key households, and places that get a checklist."""

from datetime import timedelta

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from weilianxin.areas.locate import PlaceError, locate
from weilianxin.areas.models import PlaceKind
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.desk.admin.frame import attempt, filled, taken
from weilianxin.desk.reach import areas_of, my_posts, require
from weilianxin.people.session import staff_required

from . import plan as rules
from .models import HouseholdClass, KeyHousehold, Plan, Template
from .pages import a_day, a_page, answer, staff_page
from .reach import READERS

# Key households


@staff_page("GET", "HEAD")
def keys(request):
    """Where the key households of one's grids are, those whose visit is due first on top, a page at a time; why stands
    on their own pages."""
    plans = Plan.objects.visible_to(request.account).filter(key__isnull=False, key__until__isnull=True)
    rows, after = a_page(request, plans.select_related("place", "key"))
    context = {"rows": rows, "after": after, "today": timezone.localdate()}
    return answer(request, "rounds/keys.html", context)


def place_in_reach(request, text, kinds):
    """The place that the words mean, in one's own grids and of these kinds; Invalid with a sentence otherwise. A house
    without its compound is looked for only by who has a single grid: of several nobody can say which is meant."""
    if len(text) < 2:
        raise Invalid(_("请写是哪里，例如“星影苑 6幢2单元301室”。"), "place")
    mine = areas_of(request, *READERS)
    try:
        found = locate(text=text, area=mine[0] if len(mine) == 1 else None)
    except PlaceError as problem:
        raise Invalid(str(problem), "place") from None
    place = found.place
    if place is None or place.kind not in kinds:
        raise Invalid(_("没有找到这样一处，请写全小区、幢、单元和室号。"), "place")
    if not type(place).objects.filter(pk=place.pk).filter(_of_mine(request)).exists():
        raise Invalid(_("这一处不在您的网格里。"), "place")
    return place


def _of_mine(request):
    grids = [post.area_id for post in my_posts(request) if post.role in READERS]
    return Q(grid__in=grids) | Q(grid__community__in=grids)


DWELLINGS = (PlaceKind.ROOM, PlaceKind.ENTRANCE, PlaceKind.BUILDING)


@staff_page("GET", "HEAD", "POST")
def key_add(request):
    """Enter a key household: only those who will visit it may."""
    classes = list(HouseholdClass.objects.all())
    fields = [
        Field("place", "text", _("哪一户"), required=True, most=120, help=_("小区、幢、单元、室号，不写姓名。")),
        Field("classes", "checks", _("哪一类"), required=True, choices=[(c.code, c.name) for c in classes]),
        Field("reason", "text", _("为什么要常去"), required=True, most=200),
        Field("ground", "radios", _("凭什么登记"), required=True, choices=KeyHousehold.GROUNDS),
        Field("ground_note", "text", _("依据说明"), most=200, help=_("谁在哪天当面同意的，或者哪条规定。")),
    ]
    refusal = None
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            place = place_in_reach(request, given["place"], DWELLINGS)
            if not rules.dwellings().filter(pk=place.pk).exists():
                raise Invalid(_("这里不止一户，请写到室号；已经写了的，请核对有没有这一室。"), "place")
            rules.enter(
                place,
                [one for one in classes if one.code in given["classes"]],
                request.account,
                since=timezone.localdate(),
                reason=given["reason"],
                ground=given["ground"],
                ground_note=given["ground_note"],
            )
            return reverse("rounds:keys") + "?done=entered"

        reply, refusal = attempt(request, act)
        if reply is not None:
            return reply
    context = {
        "heading": _("登记重点户"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("登记"),
        "up": reverse("rounds:keys"),
        "intro": _("只有本网格的网格员、网格长和社区书记看得到，每次打开都有记录。本人不愿意的，不登记。"),
    }
    return answer(request, "rounds/form.html", context, refusal)


@staff_page("GET", "HEAD")
def key(request, ref):
    """All that is kept about one key household. Every reading is journalled."""
    rows = KeyHousehold.objects.visible_to(request.account).select_related("place", "entered_by", "plan")
    row = rows.filter(ref=ref).first()
    if row is None:
        raise Http404
    rules.read(row, request.account)
    context = {
        "row": row,
        "classes": list(row.classes.all()),
        "visits": list(row.visits.select_related("by").order_by("-id")[:20]),
        "keep_days": rules.number("keep_days"),
    }
    return answer(request, "rounds/key.html", context)


@require_POST
@staff_required
def key_end(request, ref):
    """The household is no key household any more."""
    require(request, *READERS)
    row = KeyHousehold.objects.visible_to(request.account).filter(ref=ref).first()
    if row is None:
        raise Http404

    def act():
        rules.end(row, request.account)
        return reverse("rounds:keys") + "?done=ended"

    return attempt(request, act)[0]


# Checklists at places


@staff_page("GET", "HEAD", "POST")
def check_add(request):
    """A place gets a checklist that comes round."""
    templates = list(Template.objects.filter(is_active=True))
    fields = [
        Field("place", "text", _("哪里"), required=True, most=120, help=_("小区、幢、单元或公共场所。")),
        Field("template", "choice", _("哪张检查表"), required=True, choices=[(t.code, t.name) for t in templates]),
        Field("first", "date", _("第一次在哪天"), help=_("不填就是今天。")),
    ]
    refusal = None
    if request.method == "POST":

        def act():
            given = taken(fields, request)
            place = place_in_reach(request, given["place"], [k for k in PlaceKind if k != PlaceKind.ROOM])
            template = next(t for t in templates if t.code == given["template"])
            first = a_day(given["first"], "first") or timezone.localdate()
            if not timezone.localdate() <= first <= timezone.localdate() + timedelta(days=365):
                raise Invalid(_("请选今天到一年之内的日子。"), "first")
            rules.plan_check(place, template, first, request.account)
            return reverse("rounds:index") + "?done=planned"

        reply, refusal = attempt(request, act)
        if reply is not None:
            return reply
    context = {
        "heading": _("新增定期检查"),
        "fields": filled(fields, request, refusal=refusal),
        "button": _("排进来"),
        "up": reverse("rounds:index"),
        "intro": "",
    }
    return answer(request, "rounds/form.html", context, refusal)
