"""Who serves a place, as it stands on a door plate: for the first page, a scanned plate and the mini-program alike."""

from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from weilianxin.areas.calendar import office_hours
from weilianxin.lib import words

from .models import Role
from .posts import holders, on_duty

MISSES, WITHIN = 30, 3600  # plates that do not exist, asked for from one address, in seconds


def worker_plate(place, at):
    """What a door plate says of a place: its address, its grid, and who serves it now."""
    grid = place.grid or (place.parent.grid if place.parent else None)
    duty = on_duty(grid, at)
    backups = holders(Role.GRID_WORKER_BACKUP, grid, at) if duty and duty.role == Role.GRID_WORKER else []
    community = grid.community if grid else place.community
    return {
        "address": entrance_of(place),
        "grid": grid,
        "community": community,
        "duty": duty,
        "worker": duty.account if duty else None,
        "duty_words": duty_words(duty, at) if duty else "",
        "hours": (grid.hours if grid else "") or (community.hours if community else ""),
        "backup": backups[0] if backups else None,
    }


def duty_words(duty, at):
    """Whether one may count on them now: 今天在岗, for whom they stand in, or when work begins again."""
    if duty.standing_in_for is not None:
        return _("今日由%(name)s代为服务") % {"name": duty.account.name}
    is_open, opens = office_hours(at)
    return _("今天在岗") if is_open else _("下班了，%(when)s上班") % {"when": words.when(opens, at)}


def entrance_of(place):
    """The address down to the entrance: a room number is nobody else's business."""
    if place.kind == "room" and place.parent:
        return place.parent.full_name
    return place.full_name


def portrait(account):
    """The address of a person's picture: a drawing of ours, a stored photo, or the drawing of nobody in particular."""
    photo = getattr(account, "photo", "") or ""
    if not photo:
        return static("art/people/nobody.svg")
    if len(photo) < 8:  # p01 to p12
        return static(f"art/people/{photo}.svg")
    return reverse("portal:file", args=[photo, "thumb"])
