"""The shipped category tree and the limits of the levels: loaded once, then the administrator's to change."""

import csv
from functools import cache
from pathlib import Path

from django.db import connections

from . import policy
from .models import Category, LevelLimit, RuleVersion

DATA = Path(__file__).parent / "data"


@cache
def shipped():
    """The rows of the shipped tree, in order, as mappings."""
    with (DATA / "categories.csv").open(encoding="utf-8", newline="") as source:
        return tuple(csv.DictReader(source))


def load(using="default"):
    """Add what is missing; what stands is never touched. Returns how many categories were added."""
    have = set(Category.objects.using(using).filter(scheme="resident", kind="matter").values_list("code", flat=True))
    new = [
        Category(scheme="resident", kind="matter", position=position, **row)
        for position, row in enumerate(shipped())
        if row["code"] not in have
    ]
    Category.objects.using(using).bulk_create(new, ignore_conflicts=True)
    LevelLimit.objects.using(using).bulk_create(
        [LevelLimit(pk=u, accept_limit=a, on_site_limit=s, handle_limit=h) for u, (a, s, h) in policy.LEVELS.items()],
        ignore_conflicts=True,
    )
    RuleVersion.objects.using(using).bulk_create([RuleVersion(name="1", note="")], ignore_conflicts=True)
    return len(new)


def after_migrate(using, **_signal):
    """The tree is there after every migration."""
    if Category._meta.db_table in connections[using].introspection.table_names():
        load(using)


def current():
    """The categories of the residents' tree in force today, in its order; other schemes stand beside it."""
    return Category.objects.current().filter(scheme="resident", kind="matter")


def by_column(categories=None):
    """[(column code, column name, [categories])] in the order of the tree, for a choice in two steps."""
    columns = {}
    for category in current() if categories is None else categories:
        columns.setdefault(category.column_code, (category.column, []))[1].append(category)
    return [(code, name, rows) for code, (name, rows) in columns.items()]
