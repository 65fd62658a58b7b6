# ruff: noqa: E501 (rows of a table)
"""What may follow what in a report: the table of states, moves and acts, who may do them and under what guard.

Source: the subdistrict's report loop; the limits behind the words are data (`policy.py`).
"""

from django.utils.translation import gettext_lazy as _

from weilianxin.cases.flow import HANDLER, REPORTER, SYSTEM, Act, Flow, Move

from . import afterwards as a
from . import decisions as d
from . import effects as e
from . import guards as g
from .words import STATES

WORKER, BACKUP = "grid_worker", "grid_worker_backup"
LEADER, SECRETARY = "grid_leader", "community_secretary"
DISPATCHER, VERIFIER = "centre_dispatcher", "centre_verifier"
CALLBACK, DUTY = "callback_officer", "duty_leader"

GRID = (WORKER, BACKUP)
ABOVE = (LEADER, SECRETARY, DISPATCHER, DUTY)
OPEN = ("received", "asking", "accepted", "dispatched", "working", "suspended", "replied")
CLOCKED = tuple(state for state in OPEN if state not in ("asking", "suspended"))  # their clock runs
ENDED = ("closed", "refused", "transferred_out", "merged", "withdrawn")
CENTRE = (DISPATCHER, DUTY)

MOVES = (
    # name, button, from, to, who, what must hold, what follows
    Move("ask", _("请居民补充"), ("received",), "asking", GRID + (DISPATCHER,),
         when=(g.somebody_to_ask, g.ordinary_urgency, g.rounds_left, g.not_skipping_the_named_person), guards=(g.note_needed,), effect=e.asked, fields=("note",), weight=6),
    Move("answer", _("补充回答"), ("asking",), "received", (REPORTER,) + GRID + (DISPATCHER,),
         guards=(g.note_needed,), effect=e.answered, fields=("note", "photos"), weight=1),
    Move("no_answer", _("没有等到补充"), ("asking",), "refused", (SYSTEM,), effect=e.unanswered),
    Move("accept", _("签收"), ("received",), "accepted", GRID + ABOVE,
         when=(g.not_skipping_the_named_person,), guards=(g.has_category, g.note_optional, g.urgency_one_may_set), effect=e.accepted,
         fields=("category", "urgency", "note"), weight=1),
    Move("refuse", _("不予受理"), ("received",), "refused", GRID + (LEADER, SECRETARY, DISPATCHER),
         when=(g.not_skipping_the_named_person,), guards=(g.refusal_reason, g.note_optional), effect=e.refused,
         fields=("reason", "right_channel", "note"), weight=6),
    Move("contest_refusal", _("请再看一次"), ("refused",), "received", (REPORTER,),
         when=(g.contestable,), guards=(g.note_needed,), effect=e.contested, fields=("note",), weight=2),
    Move("transfer", _("转其他渠道"), ("received", "accepted", "dispatched", "working"), "transferred_out", ABOVE,
         when=(g.not_skipping_the_named_person,), guards=(g.channel_named, g.receiver_named, g.note_needed), effect=e.transferred,
         fields=("channel", "receiver", "note"), weight=8),
    Move("take_back", _("收回来办"), ("transferred_out",), "accepted", (DISPATCHER, DUTY),
         guards=(g.note_needed,), effect=e.taken_back, fields=("note",), weight=6),
    Move("merge", _("并到另一件"), ("received", "accepted"), "merged", (REPORTER,) + GRID + (LEADER, DISPATCHER),
         when=(g.no_dispute_to_bury,), guards=(g.mergeable,), effect=e.merged, fields=("parent",), weight=7),
    Move("split_out", _("单独办理"), ("merged",), "received", (REPORTER, WORKER, LEADER, DISPATCHER),
         guards=(g.note_needed,), effect=e.split, fields=("note",), weight=6),
    Move("dispatch", _("派给承办单位"), ("accepted",), "dispatched", GRID + ABOVE,
         when=(d.no_meeting_waits, g.not_taken_from_the_named_person), guards=(g.unit_in_reach,), effect=e.dispatched, fields=("unit", "assists", "note"), weight=2),
    Move("designate", _("会办指定"), ("accepted",), "dispatched", CENTRE,
         when=(d.meeting_waits,), guards=(g.unit_in_reach, d.attendees_named, g.note_needed), effect=d.designated,
         fields=("unit", "assists", "attendees", "note"), weight=1),
    Move("sign", _("签收任务"), ("dispatched",), "working", (HANDLER,),
         when=(g.lead_task,), guards=(g.named_person, g.note_optional), effect=e.signed, fields=("note",), weight=1),
    Move("start", _("自己办"), ("accepted",), "working", GRID + (LEADER, SECRETARY) + CENTRE,
         when=(g.is_holder, g.not_taken_from_the_named_person), guards=(g.note_optional,), effect=e.started, fields=("note",), weight=3),
    Move("return_order", _("退回"), ("dispatched", "working"), "accepted", (HANDLER,),
         when=(g.lead_task, g.still_returnable), guards=(g.named_person, g.note_needed, g.proposed_holder),
         effect=e.returned, fields=("note", "proposed"), weight=8, internal=True),
    Move("recall", _("收回任务"), ("dispatched", "working"), "accepted", GRID + (LEADER, DISPATCHER, DUTY),
         when=(g.dispatched_by_no_higher_post, g.not_taken_from_the_named_person), guards=(g.note_needed,), effect=e.recalled, fields=("note",), weight=7),
    Move("suspend", _("挂起"), ("working",), "suspended", CENTRE,
         when=(d.not_an_emergency,), guards=(g.note_needed, d.plan_told, d.review_day), effect=d.suspended,
         fields=("note", "public_plan", "review_date"), weight=7),
    Move("resume", _("接着办"), ("suspended",), "working", (HANDLER,) + CENTRE + (SYSTEM,),
         when=(g.lead_if_handler,), guards=(g.note_optional,), effect=d.resumed, fields=("note",), weight=2),
    Move("reply", _("办好了，送去核实"), ("working",), "replied", (HANDLER,) + GRID + (LEADER, SECRETARY) + CENTRE,
         when=(g.lead_if_handler, g.own_hands_in_the_centre), guards=(g.outcome_named, g.note_needed, g.evidence_after),
         effect=e.replied, fields=("photos", "outcome", "plan_date", "note"), weight=2),
    Move("rework", _("请重新处理"), ("replied",), "working", (WORKER, LEADER, SECRETARY, VERIFIER),
         when=(g.not_the_handler,), guards=(g.note_needed,), effect=e.sent_back, fields=("note",), weight=6),
    Move("close_seen", _("我看过了，办结"), ("accepted", "dispatched", "working", "replied"), "closed", GRID + (LEADER,),
         when=(g.one_may_close,),
         guards=(g.outcome_named, g.outcome_one_may_claim, g.real_category, g.note_needed, g.evidence_both),
         effect=e.closed, fields=("photos", "outcome", "plan_date", "note", "no_before"), weight=1),
    Move("close_verified", _("核实办结"), ("replied",), "closed", (VERIFIER, SECRETARY, LEADER, DUTY),
         when=(g.another_pair_of_eyes,), guards=(g.outcome_named, g.real_category, g.note_needed, g.evidence_after),
         effect=e.closed, fields=("photos", "outcome", "plan_date", "note"), weight=1),
    Move("dispute", _("没办好，请重新办"), ("closed",), "accepted", (REPORTER,),
         when=(g.inside_window, a.disputed_once), guards=(g.note_needed,), effect=a.disputed, fields=("note", "photos"),
         weight=6),
    Move("reopen", _("重新办理"), ("closed",), "accepted", (CALLBACK, VERIFIER, SECRETARY),
         when=(a.not_closer_nor_rated, a.reason_to_look), guards=(g.note_needed,), effect=a.reopened, fields=("note",), weight=6),
    Move("withdraw", _("撤回"), ("received", "asking", "accepted", "dispatched", "merged"), "withdrawn", (REPORTER,),
         when=(g.withdrawable,), guards=(g.note_optional,), effect=e.withdrawn, fields=("note",), weight=9),
    Move("void", _("同意作废"), OPEN + ENDED, "void", CENTRE, when=(d.void_proposed_by_another,),
         guards=(g.note_optional,), effect=d.voided, fields=("note",), weight=3, internal=True),
    # Acts: recorded, the state stays.
    Act("see", _("已看到"), ("received",), GRID, when=(g.unseen,), effect=e.seen),
    Act("append", _("补充"), OPEN, (REPORTER,) + GRID, guards=(g.note_needed,), fields=("note", "photos"), weight=6),
    Act("transcribe", _("写文字稿"), OPEN + ("closed", "merged"), GRID + ABOVE + (VERIFIER, CALLBACK), when=(g.may_listen,),
        guards=(g.note_needed,), fields=("note",), weight=7),
    Act("recode", _("改类别或地点"), ("received", "accepted", "dispatched", "working"), (WORKER, BACKUP, LEADER, DISPATCHER),
        guards=(g.note_optional, g.urgency_one_may_set), effect=e.recoded, fields=("place", "category", "urgency", "note"), weight=7,
        internal=True, fresh=True),
    Act("remark", _("内部备注"), OPEN + ("closed",), GRID + ABOVE + (VERIFIER, CALLBACK), guards=(g.note_needed,),
        fields=("note",), weight=8, internal=True),
    Act("call", _("记通话"), OPEN + ("closed",), GRID + ABOVE + (VERIFIER, CALLBACK), guards=(g.call_told, g.note_needed),
        effect=e.called, fields=("reached", "note"), weight=8, internal=True),
    Act("urge", _("催一催"), OPEN, (REPORTER, LEADER, DISPATCHER, DUTY), when=(g.once_a_day,), guards=(g.note_optional,),
        fields=("note",), weight=8),
    Act("ask_extend", _("申请延期"), ("accepted", "dispatched", "working"), (HANDLER,) + GRID + (LEADER, SECRETARY),
        when=(g.lead_if_handler, d.nothing_pending, d.extendable), guards=(g.note_needed,), effect=d.pending("extend"),
        fields=("note",), weight=7, internal=True),
    Act("extend", _("延长时间"), ("accepted", "dispatched", "working"), CENTRE, when=(d.extendable, d.nothing_else_pending),
        guards=(d.extra_named, g.note_needed), effect=d.extended, fields=("extra", "note"), weight=7),
    Act("ask_suspend", _("申请挂起"), ("working",), (HANDLER,) + GRID + (LEADER, SECRETARY),
        when=(g.lead_if_handler, d.nothing_pending, d.not_an_emergency), guards=(g.note_needed,),
        effect=d.pending("suspend"), fields=("note",), weight=7, internal=True),
    Act("object", _("对指定有异议"), ("dispatched", "working"), (HANDLER,),
        when=(g.lead_task, d.designated_once, d.nothing_pending), guards=(g.named_person, g.note_needed),
        effect=d.pending("objection"), fields=("note",), weight=8, internal=True),
    Act("propose_void", _("提议作废"), OPEN + ENDED, CENTRE, when=(d.nothing_pending, d.nobody_joined),
        guards=(g.note_needed,), effect=d.pending("void"), fields=("note",), weight=9, internal=True),
    Act("propose_exclude", _("提议剔除"), ("closed",), (LEADER, SECRETARY, DISPATCHER, VERIFIER, CALLBACK, DUTY),
        when=(d.nothing_pending, d.still_counted), guards=(d.ground_named, g.note_needed), effect=d.exclusion_proposed,
        fields=("ground", "note"), weight=9, internal=True),
    Act("exclude", _("同意剔除"), ("closed",), CENTRE, when=(d.exclusion_proposed_by_another,), guards=(g.note_optional,),
        effect=d.excluded, fields=("note",), weight=3, internal=True),
    Act("decline", _("不同意申请"), OPEN + ENDED, CENTRE, when=(d.decision_waits,), guards=(g.note_needed,),
        effect=d.declined, fields=("note",), weight=4, internal=True),
    Act("assist", _("请人协办"), ("dispatched", "working"), GRID + ABOVE, guards=(g.assists_named, g.note_optional),
        effect=e.assisted, fields=("assists", "note"), weight=7, internal=True),
    Act("police_report", _("已报警"), OPEN, GRID + ABOVE, guards=(g.receiver_named, g.note_optional),
        effect=e.police_told, fields=("receiver", "note"), weight=6, internal=True),
    Act("broadcast", _("告诉所有遇到的人"), OPEN + ("closed",), GRID + ABOVE, when=(g.somebody_joined,),
        guards=(g.note_needed,), fields=("note",), weight=5),
    Act("carve", _("拆出另一件"), ("received", "accepted"), GRID + (LEADER, DISPATCHER), when=(g.carvable,),
        guards=(g.new_category, g.words_of_the_new), effect=e.carved, fields=("category", "note"), weight=7),
    Act("rise", _("人多，升为紧急"), CLOCKED, (SYSTEM,), effect=e.risen),
    Act("seal", _("设为保密"), OPEN + ("closed",), ABOVE, when=(g.not_secret,), guards=(g.note_needed,), effect=e.sealed,
        fields=("note",), weight=8, internal=True),
    Act("unseal", _("解除保密"), OPEN + ("closed",), (DUTY,), when=(g.secret_by_hand,), guards=(g.note_needed,),
        effect=e.unsealed, fields=("note",), weight=9, internal=True),
    Act("rate", _("评价"), ("closed", "merged"), (REPORTER,), when=(a.rating_window,),
        guards=(a.level_named, g.note_optional), effect=a.rated,
        fields=("level", "note"), weight=1, internal=True),
    Act("uphold", _("回访：维持办结"), ("closed", "merged"), (CALLBACK, SECRETARY),
        when=(a.not_closer_nor_rated, a.rating_waits), guards=(g.note_needed,),
        effect=a.upheld, fields=("note",), weight=6, internal=True),
    Act("pass_sample", _("抽查通过"), ("closed",), (VERIFIER, LEADER, SECRETARY),
        when=(a.not_closer_nor_rated, a.sample_waits), guards=(g.note_needed,), effect=a.sample_passed, fields=("note",), weight=6,
        internal=True),
    Act("publish", _("公开"), ("closed",), (VERIFIER, SECRETARY),
        when=(a.publishable,), guards=(a.public_title, a.public_text), effect=a.published,
        fields=("public_title", "public_text", "public_photos"), weight=7, internal=True),
    Act("unpublish", _("撤下公开"), ("closed",), (VERIFIER, SECRETARY), when=(a.is_public,), guards=(g.note_needed,), effect=a.unpublished,
        fields=("note",), weight=8, internal=True),
    Act("anonymise", _("只让街道中心知道是我"), OPEN + ("closed",), (REPORTER,), when=(g.still_named,), effect=e.anonymised, weight=9),
    Act("assist_sign", _("收到协办"), ("dispatched", "working"), (HANDLER,), when=(g.assist_task, g.assist_issued), guards=(g.named_person,),
        effect=e.assist_signed, weight=1, internal=True),
    Act("assist_done", _("协办做完了"), ("dispatched", "working", "replied"), (HANDLER,),
        when=(g.assist_task, g.assist_open), guards=(g.named_person, g.note_needed), effect=e.assist_done, fields=("note", "photos"), weight=2,
        internal=True),
    Act("relink", _("重发任务链接"), ("dispatched", "working"), GRID + ABOVE, when=(g.lead_open,), effect=e.relinked, weight=8, internal=True),
    Act("cut_link", _("作废任务链接"), ("dispatched", "working", "replied"), GRID + ABOVE, when=(g.live_link,), effect=e.link_cut, weight=9,
        internal=True),
    Act("escalate", _("逐级提醒"), CLOCKED, (SYSTEM,), effect=e.escalated, internal=True),
)  # fmt: skip

# What a grid worker does on the spot may wait on the phone. What hands over a link that is shown once, decides for
# others or must be seen by them at once may not.
OFFLINE = frozenset(
    ("ask", "answer", "accept", "start", "append", "transcribe", "remark", "urge", "ask_extend", "ask_suspend")
    + ("reply", "rework", "close_seen", "call")
)

REPORTS = Flow(
    initial="received",
    phases={
        "received": "new",
        "asking": "waiting",
        "accepted": "active",
        "dispatched": "active",
        "working": "active",
        "suspended": "waiting",
        "replied": "active",
        "closed": "done",
        "refused": "done",
        "transferred_out": "done",
        "merged": "done",
        "withdrawn": "done",
        "void": "void",
    },
    moves=MOVES,
    words=STATES,
    offline=OFFLINE,
    # Who asked for more time or objects to a designation is answered, although the work has begun meanwhile.
    keeps={"dispatch": ("extend",), "sign": ("extend", "objection"), "start": ("extend",)},
)
