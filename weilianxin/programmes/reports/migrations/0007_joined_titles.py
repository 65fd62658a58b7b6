from django.db import migrations
from django.db.models import F


def their_own(apps, schema_editor):
    """Whoever joined with few words had the first reporter's sentence as title; it is the category's name now."""
    Case = apps.get_model("cases", "Case")
    Category = apps.get_model("reports", "Category")
    names = dict(Category.objects.filter(scheme="resident", kind="matter").values_list("code", "name_zh"))
    joined = Case.objects.filter(programme="reports", parent__isnull=False, title=F("parent__title"))
    for code in joined.values_list("category", flat=True).order_by().distinct():
        keys = list(joined.filter(category=code).values_list("pk", flat=True))
        Case.objects.filter(pk__in=keys).update(title=names.get(code, "")[:40] or "报事")


class Migration(migrations.Migration):

    dependencies = [
        ("reports", "0006_about_whom"),
        ("cases", "0006_numbers"),
    ]

    operations = [
        migrations.RunPython(their_own, migrations.RunPython.noop, elidable=True),
    ]
