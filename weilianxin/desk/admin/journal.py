"""The auditor's page: what was done, by whom and when; whether the chain still holds; what was sealed."""

import json
from importlib import import_module

from django.views.decorators.http import require_safe

from weilianxin.journal.models import Checkpoint, Entry
from weilianxin.people.models import Account, Role, Unit
from weilianxin.people.session import roles_required

from ..lists import newest
from .frame import PAGE, address, page

SHOWN = 300  # characters of a payload in the list


def people_behind(actors):
    """{reference: name} of staff and units among `actors`; residents stay references."""
    refs = {actor.removeprefix("unit:") for actor in actors}
    names = dict(Account.objects.filter(ref__in=refs, kind=Account.STAFF).values_list("ref", "name"))
    return names | {
        f"unit:{ref}": name for ref, name in Unit.objects.filter(ref__in=refs).values_list("ref", "name_zh")
    }


@require_safe
@roles_required(Role.AUDITOR)
def entries(request):
    """Entries, newest first, of one stream or by one actor."""
    rows = Entry.objects.select_related("stream")
    stream, actor = request.GET.get("stream", "").strip()[:64], request.GET.get("actor", "").strip()[:64]
    if stream:
        rows = rows.filter(stream__name=stream)
    if actor:
        rows = rows.filter(actor=actor)
    found, before = newest(rows, request.GET.get("before", ""), PAGE)
    names = people_behind({row.actor for row in found})
    for row in found:
        row.who = names.get(row.actor, row.actor)
        row.facts = short(row.payload)
    here = {key: value for key, value in (("stream", stream), ("actor", actor)) if value}
    context = {
        "rows": found,
        "older": address(request.path, here | {"before": before}) if before else "",
        "newest": address(request.path, here) if request.GET.get("before") else "",
        "stream": stream,
        "actor": actor,
        "marks": Checkpoint.objects.order_by("-size")[:10],
    }
    return page(request, "desk/admin/journal.html", context)


def short(payload):
    """A payload as pairs of name and value, cut short; the whole stands in the export."""
    try:
        facts = json.loads(payload)
    except ValueError:
        return [("", payload[:SHOWN])]
    if not isinstance(facts, dict):
        return [("", payload[:SHOWN])]
    shown = []
    for name, value in sorted(facts.items()):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown.append((name, text[:SHOWN]))
    return shown


@require_safe
@roles_required(Role.AUDITOR)
def verified(request):
    """The whole chain, checked now. Reads every entry once."""
    lines = []
    problems = import_module("weilianxin.journal.verify").verify(report=lines.append)
    context = {"problems": [str(problem) for problem in problems][:200], "lines": [str(line) for line in lines][:50]}
    return page(request, "desk/admin/verified.html", context)
