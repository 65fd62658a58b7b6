"""The words of a report: what staff read for a state, what the resident reads, reason codes and right channels."""

from django.utils.translation import gettext_lazy as _

STATES = {
    "received": _("待受理"),
    "asking": _("待补充"),
    "accepted": _("已受理"),
    "dispatched": _("已派遣"),
    "working": _("处置中"),
    "suspended": _("挂起"),
    "replied": _("已反馈"),
    "closed": _("办结"),
    "refused": _("不予受理"),
    "transferred_out": _("已转其他渠道"),
    "merged": _("已并案"),
    "withdrawn": _("已撤回"),
    "void": _("作废"),
}

_RESIDENT = {
    "received": _("已提交"),
    "asking": _("已提交"),
    "accepted": _("已受理"),
    "dispatched": _("处理中"),
    "working": _("处理中"),
    "suspended": _("处理中"),
    "replied": _("处理中"),
    "refused": _("不予受理"),
    "transferred_out": _("已转其他渠道"),
    "withdrawn": _("已撤回"),
    "void": _("作废"),
}


def resident_word(case, *, rated, at):
    """What the reporter reads about the state of a case; for a merged one pass its parent."""
    if case.state != "closed":
        return _RESIDENT.get(case.state, "")
    if rated:
        return _("已评价")
    if case.disputable_until and at <= case.disputable_until:
        return _("待您确认")
    return _("已办结")


# code: (reason, the usual right channel)
REFUSALS = {
    "R01": (_("紧急情况，请马上打 110、119 或 120"), _("110 / 119 / 120")),
    "R02": (_("法院、仲裁正在办或应由其办理"), _("人民法院或仲裁机构")),
    "R03": (_("属于纪检监察"), _("街道纪工委")),
    "R04": (_("属于行政复议"), _("区行政复议机构")),
    "R05": (_("属于政府信息公开申请"), _("信息公开受理机构")),
    "R06": (_("信访程序正在办理"), _("原信访受理单位")),
    "R07": (_("同一件事已办完，没有新情况"), _("原办理结果；有新情况可以再报")),
    "R08": (_("信息不够，找不到地方或办理人"), _("补充后随时可以再报")),
    "R09": (_("不在本街道"), _("当地街道或 12345")),
    "R10": (_("不属于各单位职责"), _("12345 或相关机构")),
    "R11": (_("涉及国家秘密或他人隐私"), _("有关主管部门")),
    "R12": (_("要求不合法或言语辱骂"), _("依法提出的途径")),
    "R13": (_("测试或广告"), _("无")),
}
GRID_WORKER_REFUSALS = ("R01", "R09", "R13")
CONTESTABLE = tuple(code for code in REFUSALS if code != "R13")

# Channels whose reports are brought in, by the name under which they are; one that is not here is called as it is.
SOURCES = {"hotline": _("热线"), "12345": _("12345 热线"), "mailbox": _("信箱")}


# What came of a call that somebody made about a matter.
REACHED = {"yes": _("打通了"), "no": _("没有人接")}

# How a report came that somebody of the house wrote down, and what its timeline says of it.
TAKEN_DOWN = {"phone": _("打电话来"), "window": _("到窗口来"), "grid_worker": _("路上、上门说的")}


RATINGS = {
    5: _("非常满意"),
    4: _("满意"),
    3: _("基本满意"),
    2: _("不满意"),
    1: _("非常不满意"),
}
