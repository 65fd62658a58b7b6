"""Whether somebody may see a photo or hear a voice note, by what it is part of."""

from weilianxin.people.models import Account

from .access import actor_on, may_hear
from .models import Case, CasePhoto


def is_public(photo):
    """Confirmed for the public one by one at review, or the portrait of somebody who serves a grid."""
    if CasePhoto.objects.filter(photo=photo, public=True, case__phase="done", case__sensitive=False).exists():
        return True
    return Account.objects.filter(photo=photo.ref, kind=Account.STAFF, is_active=True).exists()


def may_see(photo, account):
    """Whoever sent it, and those who may open a case it is part of."""
    if account is None:
        return False
    if photo.owner_id == account.pk:
        return True
    uses = CasePhoto.objects.filter(photo=photo).values("case")
    return Case.objects.visible_to(account).filter(pk__in=uses).exists()


def may_listen(sound, account):
    """Whoever sent it, and those of its case who may know who reported."""
    if account is None:
        return False
    if sound.owner_id == account.pk:
        return True
    case = Case.objects.visible_to(account).filter(sound=sound).first()
    return case is not None and may_hear(case, actor_on(case, account))
