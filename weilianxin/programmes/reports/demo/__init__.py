"""The reports of the made-up 望星街道: some weeks of history and a living present, the same at every run.

Everything is done by the acts themselves, in the order of time, as its people would do them: nothing is written
behind the flow's back, so the history is as true as that of a real installation.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone, translation

from weilianxin.areas.demo import make_demo_areas
from weilianxin.journal import checkpoint
from weilianxin.notify.models import Message
from weilianxin.people.demo import make_demo_staff

from .. import catalogue
from .story import Story


def seed(at=None):
    """Fill an empty installation: areas, people, history, the labelled reports, conversations. Some 20 seconds."""
    at = at or timezone.now()
    with translation.override("zh-hans"):
        with transaction.atomic():
            areas = make_demo_areas()
            make_demo_staff(areas)
            catalogue.load()
        story = Story(at)
        with transaction.atomic():
            story.history()
        with transaction.atomic():
            story.odd()
            story.left_out()
            story.causes()
            story.rules()
            story.partner()
            story.labelled()
            story.present()
            story.told()
            story.rounds()
            story.passed_on()
            story.asked_out()
            story.conversations()
            # Nobody opens an app after four weeks to sixty unread messages.
            Message.objects.filter(created_at__lt=at - timedelta(days=2)).update(read_at=at)
        checkpoint.sequence()
        checkpoint.seal_due(at)
