"""What the numbers of the house ask this programme: found by `weilianxin.insights.given` under this name."""

from . import policy
from .models import Category


def parameter(key):
    """The value in force, as text; None where it is not one of ours."""
    return policy.parameter(key) if key in policy.PARAMETERS else None


def category_names(codes):
    return {row.code: row.name for row in Category.objects.filter(code__in=codes, scheme="resident").order_by("id")}
