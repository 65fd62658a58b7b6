"""What must hold before an act on a report. Each raises a `Refused` with a sentence, or returns nothing."""

from datetime import timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from weilianxin.cases.access import actor_on, may_hear
from weilianxin.cases.errors import Invalid, NotAllowed, Refused
from weilianxin.cases.models import CasePhoto, Event, Rating, Task
from weilianxin.people.models import HANDLER_KINDS
from weilianxin.people.posts import stand_ins
from weilianxin.people.units import units_for

from . import policy
from .models import NEVER_MERGE, About, Channel, Kind
from .words import CONTESTABLE, GRID_WORKER_REFUSALS, REACHED, REFUSALS

GRID_ROLES = ("grid_worker", "grid_worker_backup")
CENTRE_ROLES = ("centre_dispatcher", "duty_leader")
RANKS = {"grid_leader": 1, "community_secretary": 2, **dict.fromkeys(CENTRE_ROLES, 3)}  # of the grid itself: 0
ADVICE_KINDS = (Kind.QUESTION, Kind.IDEA, Kind.THANKS)
SAFETY_COLUMNS = ("FIRE", "SEC")
CLOSING_OUTCOMES = ("solved", "partly", "explained", "cannot_now")
BAD_RATING = 2  # this level and below ask for a call-back by somebody else
WORDLESS = "XQ999"  # 其他: must be given a real category before closing


def is_advice(doing):
    report = doing.facts["report"]
    return doing.case.urgency == "U3" or report.kind in ADVICE_KINDS


def needs_other_closer(case, report):
    """Whether another person must close: urgent, about a person, a unit or staff, or already disputed once."""
    return case.urgency in ("U0", "U1") or report.about != About.THING or case.reopened > 0


def text(field, sentence, least=1, most=5000):
    """A guard: the form's `field` holds between `least` and `most` characters."""

    def guard(doing):
        value = (doing.data.get(field) or "").strip()
        if len(value) < least:
            raise Invalid(sentence(), field)
        if len(value) > most:
            raise Invalid(_("写得太长了，最多 %(n)s 个字。") % {"n": most}, field)
        doing.data[field] = value
        if field == "note":
            doing.note = value

    return guard


note_needed = text("note", lambda: _("请写几句话，说清楚情况。"), least=2)


def note_optional(doing):
    doing.note = (doing.data.get("note") or "").strip()[:5000]


def may_listen(doing):
    if doing.case.sound_id is None or doing.case.sound.erased_at is not None:
        raise Refused(_("这件事没有录音。"))
    if not may_hear(doing.case, doing.actor):
        raise NotAllowed(_("报事人不想让更多人知道是谁，录音由能知道的岗位来听。"))


def somebody_to_ask(doing):
    if doing.case.reporter_id is None:
        raise Refused(_("这件事没有能回答的居民，请向转来的渠道了解。"))


def ordinary_urgency(doing):
    if doing.case.urgency not in ("U2", "U3"):
        raise Refused(_("紧急的事不能停下来等补充，请先受理，再用消息联系。"))


def rounds_left(doing):
    if doing.case.asked >= policy.number("ask_rounds"):
        raise Refused(_("已经问过 %(n)s 次了，请先受理或另想办法。") % {"n": doing.case.asked})


def somebody_joined(doing):
    if doing.case.headcount < 2:
        raise Refused(_("只有一位报事人，用消息联系就行。"))


def carvable(doing):
    if doing.facts["channel_out"] in NEVER_MERGE or doing.case.channel == "source":
        raise Refused(_("这一类事不拆。"))


def new_category(doing):
    category = doing.data.get("category")
    if category is None or category.channel_out in NEVER_MERGE:
        raise Invalid(_("请选另一件事的类别。"), "category")


words_of_the_new = text("note", lambda: _("请写另一件事是什么，用居民的话。"), least=5)


def assists_named(doing):
    if not doing.data.get("assists"):
        raise Invalid(_("请选请谁协办。"), "assists")


def not_secret(doing):
    if doing.case.sensitive:
        raise Refused(_("已经是保密的了。"))


def secret_by_hand(doing):
    if not doing.case.sensitive:
        raise Refused(_("这件事不是保密的。"))
    if doing.facts["public"] in ("no", "never"):
        raise Refused(_("这一类事一直保密。"))


def urgency_one_may_set(doing):
    """More urgent is for anybody to say; less urgent, on which photos and a second person hang, for the centre."""
    urgency = doing.data.get("urgency")
    if urgency is None or urgency <= doing.case.urgency:
        return
    if doing.role not in CENTRE_ROLES:
        raise Invalid(_("降低紧急程度要由街道中心来定，请先留个备注。"), "urgency")
    if len(doing.note) < 2:
        raise Invalid(_("降低紧急程度，请写明为什么。"), "note")


def has_category(doing):
    category = doing.data.get("category") or doing.facts["report"].category
    if category is None:
        raise Invalid(_("请先选好类别。"), "category")
    if doing.case.community_id is None:
        raise Invalid(_("请先确定地点属于哪个社区。"), "place")


def not_skipping_the_named_person(doing):
    """After a contested refusal or a dispute a named person holds it; only they, or the centre, take it on, and never
    whoever refused."""
    case = doing.case
    if case.state != "received":
        return
    if case.contested and doing.actor.account.pk == case.closer_id:
        raise NotAllowed(_("上次是您没有受理的，要由另一个人来看。"))
    below = doing.role in GRID_ROLES + ("grid_leader",)
    if below and case.contested and not in_hands(doing):
        raise NotAllowed(_("这件事由%(name)s复看。") % {"name": case.holder.name})


def not_taken_from_the_named_person(doing):
    """What was disputed or reopened stays with whom it was given to; the centre may decide otherwise, never the one
    who closed it."""
    case, me = doing.case, doing.actor.account
    if not (case.reopened or case.contested) or case.holder_id in (None, me.pk):
        return
    if me.pk == case.closer_id:
        raise NotAllowed(_("上次是您定的，这次由%(name)s负责。") % {"name": case.holder.name})
    if doing.role not in CENTRE_ROLES and not in_hands(doing):
        raise NotAllowed(_("这件事在%(name)s手上。") % {"name": case.holder.name})


def in_charge(case, at):
    """Who has the matter in hand: its holder or, while they are away, who stands in and reaches it, but never whom it
    is about nor who closed it. None where the holder has left or no post of theirs reaches it: it is nobody's yet."""
    holder = case.holder
    if holder is None or not holder.is_active or not actor_on(case, holder, at).areas:
        return None
    for cover in stand_ins(holder, at, case.grid):
        if cover.pk not in (case.about_account_id, case.closer_id) and actor_on(case, cover, at).areas:
            return cover
    return holder


def in_hands(doing):
    """Whether whoever acts may take it for theirs: they hold it, stand in for who does, or nobody has it."""
    me = doing.actor.account.pk
    if me == doing.case.holder_id:
        return True
    charged = in_charge(doing.case, doing.at)
    return charged is None or charged.pk == me


def dispatched_by_no_higher_post(doing):
    """A task is taken back by the post that gave it or one above, what a meeting decided by the centre."""
    given = Event.objects.filter(case=doing.case, act__in=("dispatch", "designate")).order_by("-seq").first()
    if given is not None and RANKS.get(given.role, 0) > RANKS.get(doing.role, 0):
        raise NotAllowed(_("这是%(name)s派的，要由上级来收回。") % {"name": given.actor.name})


def refusal_reason(doing):
    code = doing.data.get("reason") or ""
    if code not in REFUSALS:
        raise Invalid(_("请选一个不予受理的原因。"), "reason")
    if doing.role in GRID_ROLES and code not in GRID_WORKER_REFUSALS:
        raise NotAllowed(_("这个原因要由网格长以上的岗位来定。"))
    channel = (doing.data.get("right_channel") or "").strip()
    if not channel:
        raise Invalid(_("请告诉居民该找谁。"), "right_channel")
    doing.data["right_channel"] = channel[:200]


def contestable(doing):
    report = doing.facts["report"]
    if report.refusal_code not in CONTESTABLE:
        raise Refused(_("这一类不能申请复看。"))
    if doing.case.contested:
        raise Refused(_("已经复看过一次了。有新情况可以再报。"))
    inside_window(doing)


def inside_window(doing):
    until = doing.case.disputable_until
    if until is None or doing.at > until:
        raise Refused(_("已经过了可以提出的日子。如果问题还在，请再报一件，我们会接着上次的办。"))


def unit_in_reach(doing):
    """A grid worker dispatches to handlers tied to the compound or grid; the rest goes through those above."""
    unit = doing.data.get("unit")
    if unit is None:
        raise Invalid(_("请选一个承办单位。"), "unit")
    case = doing.case
    if not unit.is_active:
        raise Refused(_("这个单位已经停用了，请另选。"))
    if case.about_unit_id == unit.pk:
        raise Refused(_("投诉的就是这个单位，不能只派给它。"))
    if doing.role in GRID_ROLES and unit.pk != case.route.get("unit"):  # whom a rule names, the subdistrict named
        if HANDLER_KINDS[unit.kind][1] not in ("compound", "grid"):
            raise NotAllowed(_("这个单位要由网格长、社区书记或派遣员来派。"))
        mine = units_for(
            unit.kind,
            grid=case.grid,
            compound=case.compound,
            community=case.community,
            subdistrict=case.subdistrict,
            district=case.district,
        )
        if unit.pk not in {u.pk for u in mine}:
            raise NotAllowed(_("这个单位不管这个小区，请找派遣员。"))
    if unit.kind == "community_committee" and not (doing.data.get("note") or "").strip():
        raise Invalid(_("派给居委会要写明理由。"), "note")


def lead_task(doing):
    task = doing.actor.task
    if task is None or task.case_id != doing.case.pk or task.part != Task.LEAD:
        raise NotAllowed()
    if task.state not in (Task.ISSUED, Task.SIGNED):
        raise Refused(_("这项任务已经结束了。"))


def lead_if_handler(doing):
    if doing.role == "handler":
        lead_task(doing)
        named_person(doing)


def assist_task(doing):
    task = doing.actor.task
    if task is None or task.case_id != doing.case.pk or task.part != Task.ASSIST:
        raise NotAllowed()


def named_person(doing):
    if not doing.actor.named.strip():
        raise Invalid(_("请写上您的姓名。"), "named")


def still_returnable(doing):
    task = doing.actor.task
    if task.designated:
        raise Refused(_("这是会办指定的，不能再退。"))
    if task.return_until and doing.at > task.return_until:
        raise Refused(_("退回的时间已经过了，请先办理，或打电话给派单的人。"))


proposed_holder = text("proposed", lambda: _("请写明应该由谁来办。"), least=2, most=100)


def is_holder(doing):
    """For the grid and the dispatcher: it is in their hands, or in those of somebody for whom they stand in."""
    case = doing.case
    if doing.role in (*GRID_ROLES, "centre_dispatcher") and not in_hands(doing):
        raise NotAllowed(_("这件事在%(name)s手上。") % {"name": case.holder.name})


def own_hands_in_the_centre(doing):
    """What the centre took into its own hands it says is done itself, and nothing of others."""
    if doing.role in CENTRE_ROLES and (doing.case.unit_id or doing.actor.account.pk != doing.case.holder_id):
        raise NotAllowed()


def fresh_photos(doing, stage):
    """Photos of a stage: those sent with this act, or taken since the case was last reopened or sent back."""
    if any(s == stage for _photo, s in doing.photos):
        return True
    mine = CasePhoto.objects.filter(case=doing.case, stage=stage)
    if stage == CasePhoto.AFTER and (doing.case.reopened or doing.case.reworked):
        since = (
            Event.objects.filter(case=doing.case, act__in=("dispute", "reopen", "rework"))
            .order_by("-seq")
            .values_list("at", flat=True)
            .first()
        )
        mine = mine.filter(event__at__gte=since)
    return mine.exists()


def evidence_after(doing):
    if not is_advice(doing) and not fresh_photos(doing, CasePhoto.AFTER):
        raise Invalid(_("请附上办好以后的照片，或办理单据的照片。"), "photos")


def evidence_both(doing):
    if is_advice(doing):
        return
    evidence_after(doing)
    if not fresh_photos(doing, CasePhoto.BEFORE) and not (doing.data.get("no_before") or "").strip():
        raise Invalid(_("没有办前照片。请补一张，或写明为什么没有。"), "no_before")


def real_category(doing):
    if doing.case.category == WORDLESS:
        raise Refused(_("类别还是“其他”，办结前请先改成具体类别。"))


def outcome_named(doing):
    """How it ended is said; where only a part is solved, what comes next and when."""
    if doing.data.get("outcome") not in CLOSING_OUTCOMES:
        raise Invalid(_("请选办得怎样。"), "outcome")
    if doing.data["outcome"] == "partly" and not doing.data.get("plan_date"):
        raise Invalid(_("只解决了一部分，请写下一步的日期。"), "plan_date")


def one_may_close(doing):
    case = doing.case
    if (case.reopened or case.contested) and case.closer_id == doing.actor.account.pk:
        raise NotAllowed(_("上次是您定的，这次要由另一个人来看。"))
    if needs_other_closer(doing.case, doing.facts["report"]):
        raise NotAllowed(_("紧急的事、对人对单位的投诉、重办的事，要由另一个人核实后办结。"))


def outcome_one_may_claim(doing):
    if doing.data.get("outcome") in ("explained", "cannot_now") and not is_advice(doing):
        raise NotAllowed(_("“说明情况”和“暂不能解决”要有第二个人看过才能办结。"))


def another_pair_of_eyes(doing):
    """The closer neither handled the matter nor, where four eyes matter, sent it out or closed it before."""
    case, me = doing.case, doing.actor.account
    acts = ["start", "reply"]
    if needs_other_closer(case, doing.facts["report"]):
        acts += ["dispatch", "designate"]
    if Event.objects.filter(case=case, actor=me, act__in=acts).exists():
        raise NotAllowed(_("您办过这件事，要由另一个人核实办结。"))
    if (case.reopened or case.contested) and case.closer_id == me.pk:
        raise NotAllowed(_("上次是您定的，这次要由另一个人来看。"))


def not_the_handler(doing):
    last = Event.objects.filter(case=doing.case, act="reply").order_by("-seq").first()
    if last and last.actor_id and last.actor_id == doing.actor.account.pk:
        raise NotAllowed(_("自己办的，要由另一个人来看。"))


def withdrawable(doing):
    case = doing.case
    if case.urgency in ("U0", "U1") or doing.facts["column"] in SAFETY_COLUMNS:
        raise Refused(_("安全的事不能撤回。您可以改为不留姓名，事情我们接着办。"))
    if case.headcount > 1:
        raise Refused(_("还有邻居也遇到了，事情要接着办。您可以改为不留姓名。"))
    if Task.objects.filter(case=case, state__in=(Task.SIGNED, Task.DONE)).exists():
        raise Refused(_("已经有人在办了，不能撤回。您可以补充说明。"))


def call_told(doing):
    if doing.data.get("reached") not in REACHED:
        raise Invalid(_("请选打通了没有。"), "reached")


def unseen(doing):
    if doing.case.seen_at:
        raise Refused(_("已经看过了。"))


def waiting_ratings(case):
    """Bad ratings of its last closing that nobody has called back: the case's own, and of those who joined it."""
    closing = (case.parent or case).closings
    rows = Rating.objects.filter(Q(case=case) | Q(case__parent=case, case__state="merged"), closing=closing)
    return rows.filter(level__lte=BAD_RATING, callback_at__isnull=True)


def waiting_samples(case, at):
    """The check of its last closing, once its day has come."""
    return case.samples.filter(closing=case.closings, checked_at__isnull=True, drawn_at__lte=at)


def lead_open(doing):
    task = doing.case.tasks.filter(state__in=(Task.ISSUED, Task.SIGNED), part=Task.LEAD).select_related("unit").first()
    if task is None:
        raise Refused(_("没有进行中的任务。"))
    if not task.unit.is_active:
        raise Refused(_("这个单位停用了，请收回任务另派。"))


def assist_issued(doing):
    if doing.actor.task.state != Task.ISSUED:
        raise Refused(_("已经签收过了。"))


def assist_open(doing):
    if doing.actor.task.state not in (Task.ISSUED, Task.SIGNED):
        raise Refused(_("这项任务已经结束了。"))


def live_link(doing):
    if not doing.case.tasks.filter(link_revoked_at__isnull=True).exclude(link_digest="").exists():
        raise Refused(_("没有有效的链接。"))


def still_named(doing):
    if doing.case.anonymity == "N2":
        raise Refused(_("现在只有街道中心知道是您。"))


def once_a_day(doing):
    last = Event.objects.filter(case=doing.case, act="urge", role=doing.role).order_by("-seq").first()
    if last and doing.at - last.at < timedelta(hours=24):
        raise Refused(_("今天已经催过了，办理的人看得到。"))


def no_dispute_to_bury(doing):
    """What its reporter says is not solved is settled by itself; only they may join it to another."""
    if doing.role != "reporter" and (doing.case.reopened or doing.case.contested):
        raise Refused(_("居民说没办好的事要单独办完，不并到别的事里。"))


def mergeable(doing):
    parent, case = doing.data.get("parent"), doing.case
    if parent is None or parent.pk == case.pk:
        raise Invalid(_("请选要并到哪一件。"), "parent")
    if parent.programme != case.programme or not parent.is_open or parent.parent_id:
        raise Refused(_("那件事已经办结或并到别处了。"))
    if parent.sensitive or case.sensitive or doing.facts["channel_out"] in NEVER_MERGE:
        raise Refused(_("这一类事各办各的，不并案。"))
    if parent.sight != case.sight:  # whoever joins reads the timeline of what they join
        raise Refused(_("这一类事各办各的，不并案。"))
    if doing.role != "reporter":
        if parent.category != case.category:
            raise Refused(_("两件事类别不同，先改类别再并。"))
        if parent.community_id != case.community_id:
            raise Refused(_("两件事不在一个社区，不能并。"))
    if case.headcount > 1:
        raise Refused(_("这件事下面已经并了别的报事，请反过来并。"))


def channel_named(doing):
    channel = doing.data.get("channel")
    if channel not in Channel.values or channel in (Channel.CASE, Channel.EMERGENCY, Channel.INTEGRITY):
        raise Invalid(_("请选转到哪个渠道。"), "channel")


receiver_named = text("receiver", lambda: _("请写接收的单位和人。"), least=2, most=100)
