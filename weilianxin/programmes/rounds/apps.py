from django.db.models.signals import post_migrate
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from weilianxin.lib.programme import Programme, Stop


class RoundsConfig(Programme):
    name = "weilianxin.programmes.rounds"
    label = "rounds"
    verbose_name = _("走访巡查")

    def ready(self):
        from weilianxin.people.erasure import register_eraser

        from .plan import after_migrate, erase_person

        post_migrate.connect(after_migrate, sender=self)
        register_eraser(erase_person)

    def stops(self, account, grids, until, most):
        from .plan import running, title

        rows = running().visible_to(account).filter(place__grid__in=grids, due_on__lte=until)
        return [
            Stop(
                ref=row.ref,
                kind="check" if row.template_id else "visit",
                title=title(row),
                where=row.place.full_name,
                url=reverse("rounds:stop", args=[row.ref]),
                due=row.due_on,
                tries=row.tries,
                lat=row.place.lat,
                lon=row.place.lon,
            )
            for row in rows.select_related("place", "template").order_by("due_on", "id")[:most]
        ]
