"""From rows to the shapes of `schemas.py`."""

from weilianxin.cases.access import posts_of
from weilianxin.lib import words
from weilianxin.lib.masks import mask_phone
from weilianxin.people.contact import can_call
from weilianxin.people.plate import duty_words, portrait, worker_plate


def account_of(account):
    """Who is signed in; the number masked, as everywhere."""
    return {
        "ref": account.ref,
        "kind": account.kind,
        "name": account.name,
        "masked_phone": mask_phone(account.phone or ""),
        "language": account.language,
        "posts": [
            {"role": post.role, "role_words": post.get_role_display(), "area": post.area.name}
            for post in posts_of(account)
        ],
    }


def worker_of(place, at):
    """The card of who serves `place` now, or None for nobody."""
    plate = worker_plate(place, at)
    return card_of(plate["duty"], at, plate["community"], plate["hours"], plate["backup"]) if plate["duty"] else None


def card_of(duty, at, community=None, hours="", backup=None):
    """The card of a Duty, as it is to be read at `at`."""
    worker, instead, grid = duty.account, duty.standing_in_for, duty.area
    community = community or grid.community
    area = community.name if community else ""
    return {
        "name": worker.name,
        "photo": portrait(worker),
        "grid": grid.name,
        "community": area,
        "area_words": f"{area} · {grid.name}" if area else grid.name,
        "hours": hours or grid.hours or (community.hours if community else ""),
        "phone": worker.phone,
        "can_call": can_call(worker),
        "stand_in": instead is not None,
        "stand_in_for": instead.name if instead is not None else None,
        "on_duty": True,
        "on_duty_words": duty_words(duty, at),
        "backup": backup.name if backup is not None else None,
    }


def due_of(moment, at, *, done=None, paused=False):
    """A deadline as `schemas.Due`, or None where there is nothing to say."""
    badge = words.badge(moment, at, done=done, paused=paused)
    return {"at": moment, "words": badge["word"], "kind": badge["kind"]} if badge else None


def matter_card(card, at):
    """A card of `cases.cards` as JSON."""
    keys = ("title", "turn", "phase", "word", "who", "who_more", "by", "by_more", "how", "how_more")
    return {
        "number": card["case"].number,
        **{key: card[key] for key in keys},
        "due": due_of(card["due"], at, done=card["done"], paused=card["paused"]),
    }


def photo_ref(ref, base, *, caption="", after=False):
    """A photo under `base`, a path below /api/v1."""
    return {
        "id": ref,
        "url": f"{base}/{ref}/picture",
        "thumb": f"{base}/{ref}/thumb",
        "caption": caption,
        "after": after,
    }


def sound_ref(case, heard, written):
    """The voice note of a case for somebody who may or may not hear it; `written` is the event of its transcript."""
    if case.sound_id is None or case.sound.erased_at is not None:
        return None
    by = written.actor.name if written is not None and written.actor_id else ""
    told = {"text": written.note, "by": by, "at_words": words.when(written.at)} if written is not None else None
    ref = case.sound.ref if heard else None
    return {"id": ref, "url": ref and f"/sounds/{ref}", "seconds": case.sound.seconds, "transcript": told}
