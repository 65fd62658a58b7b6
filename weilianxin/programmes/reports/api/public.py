"""大家的事: what was reviewed for the public. Nothing here leads back to a person."""

from django.http import Http404
from django.utils.translation import gettext as _
from ninja import Router

from weilianxin.api.frame import OPTIONAL, answers
from weilianxin.api.schemas import PhotoRef, Shape
from weilianxin.api.shapes import photo_ref
from weilianxin.cases.models import CasePhoto
from weilianxin.lib import words

from ..pages import public as pages

router = Router(tags=["public"])


class PublicItem(Shape):
    token: str
    title: str
    place: str
    community: str
    phase: str
    outcome_words: str
    closed_words: str
    headcount: int
    thumb: str | None


class PublicList(Shape):
    items: list[PublicItem]
    older: str | None


class PublicMatter(PublicItem):
    text: str
    category: str
    unit: str
    took_words: str | None
    rating_words: str
    photos: list[PhotoRef]


def item_of(report, thumbs):
    told = pages.item(report)
    photo = thumbs.get(report.pk)
    return {
        "token": pages.token(report.case),
        "title": told["title"],
        "place": told["place"],
        "community": told["community"],
        "phase": report.case.phase,
        "outcome_words": str(told["outcome_word"]),
        "closed_words": words.day(report.case.closed_at) if report.case.closed_at else "",
        "headcount": report.case.headcount,
        "thumb": f"/photos/{photo.ref}/thumb" if photo else None,
    }


def thumbs_of(reports):
    """{report: its newest public photo} in one query."""
    rows = CasePhoto.objects.filter(case__in=[r.pk for r in reports], public=True, photo__erased_at__isnull=True)
    return {row.case_id: row.photo for row in rows.select_related("photo").order_by("id")}


@router.get("/public", response=answers(PublicList), openapi_extra=OPTIONAL)
def public(request, before: str = ""):
    """The list, newest review first."""
    rows, older = pages.listed(before)
    thumbs = thumbs_of(rows)
    return {"items": [item_of(report, thumbs) for report in rows], "older": older or None}


@router.get("/public/{token}", response=answers(PublicMatter, 404), openapi_extra=OPTIONAL, url_name="public_matter")
def public_matter(request, token: str):
    """One reviewed matter with the photos that were chosen for the public one by one."""
    report = pages.behind(token)
    if report is None:
        raise Http404
    told = pages.item(report)
    rows = CasePhoto.objects.filter(case=report.case, public=True, photo__erased_at__isnull=True)
    return {
        **item_of(report, thumbs_of([report])),
        "text": told["text"],
        "category": told["category"],
        "unit": told["unit"],
        "took_words": words.span(told["took"]) if told["took"] else None,
        "rating_words": str(told["rating"]),
        "photos": [
            photo_ref(
                row.photo.ref,
                "/photos",
                caption=_("办后") if row.stage == CasePhoto.AFTER else _("办前"),
                after=row.stage == CasePhoto.AFTER,
            )
            for row in rows.select_related("photo")[:20]
        ],
    }
