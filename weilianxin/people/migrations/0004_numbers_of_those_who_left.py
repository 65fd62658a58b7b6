from django.db import migrations


def free(apps, schema_editor):
    """Whoever left before leaving freed the number: it was shut for them as a resident and for its next owner."""
    accounts = apps.get_model("people", "Account").objects.using(schema_editor.connection.alias)
    accounts.filter(kind="staff", is_active=False).update(phone=None)


class Migration(migrations.Migration):
    dependencies = [("people", "0003_tokens")]

    operations = [migrations.RunPython(free, migrations.RunPython.noop, elidable=True)]
