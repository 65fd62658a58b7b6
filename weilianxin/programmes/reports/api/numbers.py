"""The numbers of a month and the morning brief, of whatever the one who asks looks after."""

from django.utils import timezone
from ninja import Router

from weilianxin.api.frame import answers, staff
from weilianxin.api.schemas import Shape
from weilianxin.desk.rates import area_of, month_or_404, own_areas
from weilianxin.desk.reach import my_posts, require
from weilianxin.insights import brief as briefs
from weilianxin.insights import rates

router = Router(tags=["desk"], auth=staff)


class Rate(Shape):
    """`top` of `of`; `percent` is null where there is nothing to count yet, which is neither good nor bad."""

    key: str
    label: str
    top: int
    of: int
    percent: float | None


class Coverage(Shape):
    """What the satisfaction rests on: who could rate and did, and bad ratings that were called back."""

    asked: int
    covered: int
    percent: float | None
    bad: int
    called: int


class Endings(Shape):
    solved: int
    partly: int
    explained: int
    cannot_now: int
    excluded: int


class AreaRates(Shape):
    """One area below; `code` and `name` are null for cases of which nobody knows the place yet."""

    code: str | None
    name: str | None
    rates: list[Rate]
    coverage: Coverage


class Rates(Shape):
    month: str
    areas: list[str]
    rates: list[Rate]
    others: list[Rate]
    coverage: Coverage
    endings: Endings
    below: list[AreaRates]


class Unusual(Shape):
    name: str
    count: int
    weekly_mean: float


class BriefLine(Shape):
    key: str
    label: str
    count: int
    unusual: list[Unusual]


class Brief(Shape):
    items: list[BriefLine]


@router.get("/desk/rates", response=answers(Rates, 403, 404), url_name="desk_rates")
def desk_rates(request, month: str = "", area: str = ""):
    """The rates of a `month` (2026-11, else this one) of an `area` by its code, else of one's widest own."""
    areas = [area_of(request, area)] if area else own_areas(request)
    chosen = month_or_404(month, timezone.now())
    found = rates.board(request.account, areas, chosen)
    return {
        "month": chosen.key,
        "areas": [row.code for row in areas],
        "rates": found["three"],
        "others": found["others"],
        "coverage": found["coverage"],
        "endings": found["counts"],
        "below": [
            {"code": row["area"] and row["area"].code, "name": row["area"] and row["area"].name, **row}
            for row in found["table"]
        ],
    }


@router.get("/desk/brief", response=answers(Brief, 403, 404), url_name="desk_brief")
def desk_brief(request):
    """What is due, late, unhappy, unusual and undecided for the one who asks; no items where there is nothing."""
    require(request, *briefs.ROLES)
    lines = briefs.brief(request.account, timezone.now(), my_posts(request))
    return {
        "items": [
            {
                "key": line["key"],
                "label": line["label"],
                "count": line["n"],
                "unusual": [
                    {"name": row["name"], "count": row["n"], "weekly_mean": row["mean"]} for row in line["rows"]
                ],
            }
            for line in lines
        ]
    }
