"""What the form of each act on a report asks, and what it said: found by `cases.forms` under this name."""

from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from weilianxin.areas.locate import PlaceError, locate
from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.cases.models import Case, CasePhoto, Ground, Outcome, Task, Urgency
from weilianxin.lib import words as words_of
from weilianxin.people.models import HANDLER_KINDS, Unit
from weilianxin.people.units import handlers_near

from . import catalogue
from .decisions import extras
from .guards import ADVICE_KINDS, CENTRE_ROLES, CLOSING_OUTCOMES, GRID_ROLES
from .models import Channel, Report
from .screening import must_tell_police, similar
from .words import GRID_WORKER_REFUSALS, RATINGS, REACHED, REFUSALS

# What the words of an act are called, and what helps to write them: act -> (label, help).
NOTES = {
    "ask": (_lazy("想问居民什么"), _lazy("一次问清楚，最多问两次。")),
    "answer": (_lazy("您的回答"), ""),
    "contest_refusal": (_lazy("为什么请再看一次"), _lazy("会由另一个人来看。")),
    "append": (_lazy("补充什么"), ""),
    "refuse": (_lazy("给居民的说明"), _lazy("写居民看得懂的话。")),
    "transfer": (_lazy("为什么转过去"), ""),
    "dispatch": (_lazy("请对方做什么"), _lazy("不要写居民的姓名、电话和房号。")),
    "return_order": (_lazy("为什么退回"), ""),
    "recall": (_lazy("为什么收回"), ""),
    "reply": (_lazy("办得怎样"), _lazy("写做了什么，还有什么没做。")),
    "rework": (_lazy("哪里还没办好"), ""),
    "close_seen": (_lazy("给居民的答复"), _lazy("写做了什么，接下来怎样。")),
    "close_verified": (_lazy("给居民的答复"), _lazy("写做了什么，接下来怎样。")),
    "dispute": (_lazy("哪里没办好"), _lazy("会由另一个人重新负责，不会再交给同一个人办结。")),
    "call": (_lazy("和谁通话，说了什么"), _lazy("不写电话号码。")),
    "reopen": (_lazy("回访、抽查看到了什么"), ""),
    "uphold": (_lazy("回访的结果"), ""),
    "pass_sample": (_lazy("看到了什么"), ""),
    "rate": (_lazy("还想说什么"), ""),
    "designate": (_lazy("会办怎么定的"), _lazy("谁办、为什么归它办。")),
    "suspend": (_lazy("给居民的说明"), _lazy("写为什么现在办不了。")),
    "resume": (_lazy("现在可以怎么办"), ""),
    "ask_extend": (_lazy("为什么要延期"), ""),
    "extend": (_lazy("给居民的说明"), _lazy("写为什么来不及。")),
    "ask_suspend": (_lazy("现在为什么办不了"), _lazy("例如等雨停、等批复，写清楚打算怎么办、哪天再看。")),
    "object": (_lazy("为什么不该您单位办"), _lazy("任务照办，由值班长复核。")),
    "propose_void": (_lazy("为什么作废"), _lazy("只用于测试或恶意的内容，要另一个人同意。")),
    "decline": (_lazy("为什么不同意"), ""),
    "propose_exclude": (_lazy("凭什么剔除"), _lazy("写清楚依据，数字旁边会列出来。要另一个人同意。")),
    "police_report": (_lazy("情况"), _lazy("报事人看不到这一条。")),
    "seal": (_lazy("为什么保密"), _lazy("会从公开、地图和搜索里消失。")),
    "broadcast": (_lazy("告诉大家什么"), _lazy("第一位报事人和一起遇到的人都会收到，不写谁报的。")),
    "carve": (_lazy("另一件事是什么"), _lazy("从居民的话里摘出来；照片一起带过去。")),
    "transcribe": (_lazy("录音里说了什么"), _lazy("照原话写，听不清的写“听不清”。居民看得到，可以补充。")),
}
OPTIONAL_NOTES = (
    "accept", "sign", "start", "close", "withdraw", "recode", "urge", "rate", "refuse", "dispatch",
    "resume", "void", "exclude", "assist", "police_report",
)  # fmt: skip


def fields_for(case, move, actor, at):
    """The questions of this act for this actor, in order; choices are read from the data."""
    return [
        ASK[name](case, move, actor) for name in move.fields if name != "no_before" or not _has(case, CasePhoto.BEFORE)
    ]


def _has(case, stage):
    return CasePhoto.objects.filter(case=case, stage=stage).exists()


def _evidence(case):
    """Whether photos must show what was done; `guards.is_advice` says when they need not."""
    advice = Report.objects.filter(pk=case.pk, kind__in=ADVICE_KINDS).exists()
    return case.urgency != "U3" and not advice


def _note(case, move, actor):
    label, help_text = NOTES.get(move.name, (_("说明"), ""))
    return Field("note", "long", label, required=move.name not in OPTIONAL_NOTES, help=help_text, most=5000)


def _photos(case, move, actor):
    needed = move.name in ("reply", "close_seen", "close_verified") and _evidence(case)
    label = _("办后的照片") if photo_stage(move, actor) == CasePhoto.AFTER else _("照片")
    wanted = needed and not _has(case, CasePhoto.AFTER)
    help_text = _("至少一张。") if wanted else _("前面已经有了，可以再加。") if needed else _("最多九张。")
    return Field("photos", "photos", label, required=False, help=help_text, wanted=wanted)


def _category(case, move, actor):
    groups = tuple(
        (column, tuple((c.pk, c.name) for c in rows if c.channel_out != Channel.INTEGRITY))
        for _code, column, rows in catalogue.by_column()
    )
    report = Report.objects.filter(pk=case.pk).first()
    return Field("category", "choice", _("类别"), choices=groups, value=report.category_id if report else "")


def _urgency(case, move, actor):
    """Only the centre calls a matter less urgent (`guards.urgency_one_may_set`)."""
    centre = actor.role_for(move) in CENTRE_ROLES
    choices = tuple(pair for pair in Urgency.choices if centre or pair[0] <= case.urgency)
    return Field("urgency", "choice", _("紧急程度"), choices=choices, value=case.urgency)


def _place(case, move, actor):
    return Field(
        "place",
        "text",
        _("地点"),
        value=_guess(case),
        help=_("写小区、幢、单元或路名；不改就空着。现在是：%(now)s") % {"now": _now(case)},
    )


def _guess(case):
    """Where the words seem to say it is, while nobody has said so."""
    if case.community_id:
        return ""
    report = Report.objects.filter(pk=case.pk).only("screening").first()
    return next((said for group, said in (report.screening if report else []) if group == "place"), "")


def _now(case):
    return case.place.full_name if case.place_id else (case.place_text or _("还没有确定"))


def _reason(case, move, actor):
    only = GRID_WORKER_REFUSALS if actor.role_for(move) in GRID_ROLES else tuple(REFUSALS)
    return Field("reason", "choice", _("原因"), required=True, choices=tuple((c, str(REFUSALS[c][0])) for c in only))


def _right_channel(case, move, actor):
    return Field("right_channel", "text", _("请居民找谁"), help=_("不写就用这个原因常用的渠道。"), most=200)


def _channel(case, move, actor):
    out = tuple((c.value, c.label) for c in Channel if c not in (Channel.CASE, Channel.EMERGENCY, Channel.INTEGRITY))
    return Field("channel", "choice", _("转到哪里"), required=True, choices=out, value=case.route.get("channel", ""))


def _receiver(case, move, actor):
    if move.name == "police_report":
        law = _("这类事，法律要求立即报警。") if must_tell_police(case.report) else ""
        return Field("receiver", "text", _("接警的单位和人"), required=True, value=_("110 接警台"), most=100, help=law)
    return Field("receiver", "text", _("对方单位和接收人"), required=True, most=100)


def _extra(case, move, actor):
    words = tuple((extra, words_of.limit(extra)) for extra in extras(case))
    return Field("extra", "radios", _("延长多久"), required=True, choices=words, help=_("只能延一次，最多再给一倍。"))


def _attendees(case, move, actor):
    return Field("attendees", "text", _("谁参加了"), required=True, most=200)


def _ground(case, move, actor):
    return Field("ground", "radios", _("理由"), required=True, choices=tuple(Ground.choices))


def _public_plan(case, move, actor):
    return Field(
        "public_plan",
        "long",
        _("打算怎么解决"),
        required=True,
        help=_("公开在“限期解决”里：不写姓名、房号、电话。"),
        most=300,
    )


def _review_date(case, move, actor):
    return Field("review_date", "date", _("哪一天再看"), required=True, help=_("到那天自动接着计时。"))


def _unit(case, move, actor):
    units = reachable(case, actor.role_for(move))
    lead, named = case.route.get("lead", ""), case.route.get("unit")
    near = ("compound", "grid")
    ranked = sorted(units, key=lambda u: (u.pk != named, u.kind != lead, HANDLER_KINDS[u.kind][1] not in near))
    choices = tuple((u.pk, f"{u.name_zh}（{HANDLER_KINDS[u.kind][0]}）") for u in ranked)
    last = case.tasks.filter(part=Task.LEAD).select_related("unit").order_by("-id").first()
    if last is not None and last.state == Task.RETURNED:  # not sent back by a thoughtless press to who returned it
        first, hint = "", _("%(unit)s刚退回，请另选一个。") % {"unit": last.unit.name_zh}
    else:
        first = ranked[0].pk if ranked and (ranked[0].pk == named or ranked[0].kind == lead) else ""
        hint = "；".join(case.route.get("reasons", []))
    return Field("unit", "choice", _("主办单位"), required=True, choices=choices, value=first, help=hint)


def _assists(case, move, actor):
    wanted = case.route.get("assists", [])
    units = [u for u in reachable(case, actor.role_for(move)) if u.kind in wanted]
    return Field("assists", "checks", _("请谁协办"), choices=tuple((u.pk, u.name_zh) for u in units), value=[])


def reachable(case, role):
    """The units this role may send the case to: those of the compound and grid, and for posts above all others."""
    units = [u for u in handlers_near(case) if u.kind != "grid_worker"]
    if role in GRID_ROLES:
        units = [u for u in units if HANDLER_KINDS[u.kind][1] in ("compound", "grid")]
    named = case.route.get("unit")
    if named and named not in {u.pk for u in units}:
        units += Unit.objects.filter(pk=named, is_active=True)
    return units


def _parent(case, move, actor):
    rows = candidates(case)
    if actor.account is not None:
        mine = Case.objects.visible_to(actor.account).filter(pk__in=[c.pk for c in rows])
        seen = set(mine.values_list("pk", flat=True))
        rows = [c for c in rows if c.pk in seen]
    options = tuple((c.number, f"{c.number} {c.title}") for c in rows)
    return Field("parent", "radios", _("并到哪一件"), required=True, choices=options)


def candidates(case):
    """Open cases this one could join: the most alike, then the newest of its category in its community."""
    rows = Case.objects.open().filter(
        programme="reports",
        category=case.category,
        parent__isnull=True,
        sensitive=False,
        community=case.community,
        sight=case.sight,
    )
    newest = rows.exclude(pk=case.pk).order_by("-created_at")[:8]
    alike = [c for c in similar(case) if c.category == case.category]
    return list({c.pk: c for c in [*alike, *newest]}.values())[:8]


def _proposed(case, move, actor):
    return Field("proposed", "text", _("应该由谁来办"), required=True, most=100)


def _outcome(case, move, actor):
    words = dict(Outcome.choices)
    return Field(
        "outcome",
        "radios",
        _("结果"),
        required=True,
        choices=tuple((o, words[o]) for o in CLOSING_OUTCOMES),
    )


def _plan_date(case, move, actor):
    return Field("plan_date", "date", _("下一步的日期"), help=_("只解决了一部分时要写。"))


def _no_before(case, move, actor):
    return Field(
        "no_before",
        "text",
        _("没有办前照片的原因"),
        help=_("这件事没有办前照片，请写明为什么。"),
        most=200,
        wanted=_evidence(case),
    )


def _level(case, move, actor):
    return Field(
        "level", "rating", _("您满意吗"), required=True, choices=tuple((n, str(w)) for n, w in RATINGS.items())
    )


def _public_title(case, move, actor):
    return Field("public_title", "text", _("公开的标题"), required=True, value=case.title, most=60)


def _public_text(case, move, actor):
    return Field(
        "public_text",
        "long",
        _("公开的内容"),
        required=True,
        help=_("重新写一遍：不写姓名、房号、电话、车牌。"),
        most=1000,
    )


def _public_photos(case, move, actor):
    words = {CasePhoto.BEFORE: _("办前"), CasePhoto.AFTER: _("办后")}
    rows = []
    for stage, word in words.items():  # as the page shows and counts them
        shown = case.photos.filter(stage=stage, photo__erased_at__isnull=True).order_by("pk")
        rows += [(photo.pk, f"{word} {n}") for n, photo in enumerate(shown[:20], 1)]
    return Field("public_photos", "checks", _("可以公开的照片"), choices=rows, value=[])


def _reached(case, move, actor):
    choices = tuple((code, str(word)) for code, word in REACHED.items())
    return Field("reached", "radios", _("打通了吗"), required=True, choices=choices)


ASK = {
    "reached": _reached,
    "note": _note,
    "photos": _photos,
    "category": _category,
    "urgency": _urgency,
    "place": _place,
    "reason": _reason,
    "right_channel": _right_channel,
    "channel": _channel,
    "receiver": _receiver,
    "unit": _unit,
    "assists": _assists,
    "extra": _extra,
    "attendees": _attendees,
    "ground": _ground,
    "public_plan": _public_plan,
    "review_date": _review_date,
    "parent": _parent,
    "proposed": _proposed,
    "outcome": _outcome,
    "plan_date": _plan_date,
    "no_before": _no_before,
    "level": _level,
    "public_title": _public_title,
    "public_text": _public_text,
    "public_photos": _public_photos,
}


def photo_stage(move, actor):
    """Pictures of a reporter, and additions, are from before; those of a reply or a closing from after."""
    after = move.name in ("reply", "close_seen", "close_verified", "assist_done")
    return CasePhoto.AFTER if after else CasePhoto.BEFORE


def clean(case, move, actor, post):
    """What the form said, as `perform` takes it: rows instead of keys. Raises `Invalid` with the field."""
    said = {name: CLEAN.get(name, _text)(case, move, actor, post, name) for name in move.fields if name != "photos"}
    if "reason" in said and not said["right_channel"] and said["reason"] in REFUSALS:
        said["right_channel"] = str(REFUSALS[said["reason"]][1])
    return said


def _text(case, move, actor, post, name):
    return post.get(name, "").strip()


def _key(text):
    return int(text) if text.isdecimal() and len(text) < 18 else None


def _read_category(case, move, actor, post, name):
    if not post.get(name):
        return None
    category = catalogue.current().filter(pk=_key(post[name])).exclude(channel_out=Channel.INTEGRITY).first()
    if category is None:
        raise Invalid(_("没有这个类别，请重新选。"), name)
    return category


def _read_urgency(case, move, actor, post, name):
    value = post.get(name) or None
    if value is not None and value not in Urgency.values:
        raise Invalid(_("请选紧急程度。"), name)
    return value


def _read_unit(case, move, actor, post, name):
    if not post.get(name):
        return None
    return _units(case, move, actor, [post[name]], name)[0]


def _read_units(case, move, actor, post, name):
    return _units(case, move, actor, post.getlist(name), name)


def _units(case, move, actor, keys, name):
    allowed = {u.pk: u for u in reachable(case, actor.role_for(move))}
    chosen = [allowed.get(_key(k)) for k in keys[:10]]
    if None in chosen:
        raise Invalid(_("这个单位不管这里，请从名单里选。"), name)
    return chosen


def _read_parent(case, move, actor, post, name):
    number = post.get(name, "").strip()
    rows = Case.objects.filter(number=number, programme="reports")
    if actor.account is not None and actor.account.is_staff_member:
        rows = rows.visible_to(actor.account)
    else:
        rows = rows.filter(pk__in=[c.pk for c in candidates(case)])
    return rows.first()


def _read_date(case, move, actor, post, name):
    value = post.get(name, "").strip()
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise Invalid(_("日期请写成 2026-11-30 这样。"), name) from None
    if not timezone.localdate() <= day <= timezone.localdate() + timedelta(days=5 * 366):
        raise Invalid(_("日期要在今天以后。"), name)
    return day


def _read_level(case, move, actor, post, name):
    return _key(post.get(name, ""))


def _read_keys(case, move, actor, post, name):
    return [k for k in map(_key, post.getlist(name)[:20]) if k is not None]


def _read_location(case, move, actor, post, name):
    text = post.get(name, "").strip()
    try:
        return locate(text=text, area=case.grid) if text else None
    except PlaceError as error:
        raise Invalid(str(error), name) from None


CLEAN = {
    "category": _read_category,
    "urgency": _read_urgency,
    "unit": _read_unit,
    "assists": _read_units,
    "parent": _read_parent,
    "plan_date": _read_date,
    "review_date": _read_date,
    "level": _read_level,
    "public_photos": _read_keys,
    "place": _read_location,
}
