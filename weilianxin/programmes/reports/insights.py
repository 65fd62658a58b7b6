"""What the numbers of the house ask this programme: found by `weilianxin.insights.given` under this name."""

from . import policy
from .models import Category


def parameters(keys):
    return policy.parameters([key for key in keys if key in policy.PARAMETERS])


def category_names(codes):
    rows = Category.objects.filter(code__in=codes, scheme="resident").order_by("id")
    return {row.code: row.name for row in rows}
