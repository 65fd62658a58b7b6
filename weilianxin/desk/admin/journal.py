"""The auditor's page: what was done, by whom and when; whether the chain still holds; what was sealed."""

from importlib import import_module

from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from weilianxin.cases.flow import SYSTEM
from weilianxin.journal.models import Checkpoint, Entry
from weilianxin.lib.programme import programmes
from weilianxin.people.models import Account, Role, Unit
from weilianxin.people.session import roles_required

from ..lists import newest
from ..matter import OTHER_ACTS
from .frame import PAGE, address, page

SHOWN = 2000  # characters of a payload in the list; the whole stands in the export

SYSTEM_WORD = _("系统")
STREAMS = {
    "configuration": _("设置"),
    "posts": _("岗位"),
    "accounts": _("账号"),
    "units": _("单位"),
    "areas": _("区域"),
    "erasures": _("注销"),
}
# What is called something else than on a button of a case.
ACTS = {
    **OTHER_ACTS,
    "message": _("发消息"),
    "reveal_contact": _("看电话"),
    "correct": _("改自己的资料"),
    "consent_given": _("同意"),
    "consent_withdrawn": _("收回同意"),
    "erase": _("注销"),
    "expire": _("到期删去"),
    "wechat_tied": _("绑定微信"),
    "wechat_untied": _("解除微信"),
    "password_changed": _("改密码"),
    "password_reset": _("给新的初始密码"),
    "second_factor_set": _("绑定动态码"),
    "second_factor_reset": _("解除动态码"),
    "account_added": _("新建账号"),
    "staff_made": _("新建账号"),
    "account_shut": _("停用账号"),
    "account_reopened": _("重新启用账号"),
    "account_phone": _("改工作人员的手机"),
    "post_assigned": _("安排岗位"),
    "post_ended": _("结束岗位"),
    "absence": _("登记不在岗"),
    "absence_ended": _("提前回来"),
    "unit_added": _("登记单位"),
    "unit_changed": _("改单位"),
    "unit_imported": _("导入单位"),
    "imported": _("导入"),
    "reports_imported": _("导入其他渠道的报事"),
    "results_delivered": _("把结果送回其他渠道"),
    "export_made": _("导出"),
    "export_asked": _("申请导出保密的事"),
    "export_decided": _("定导出的申请"),
    "export_fetched": _("下载保密的导出"),
    "areas_imported": _("导入区域"),
    "calendar_imported": _("导入日历"),
    "calendar_loaded": _("用自带的日历"),
    "calendar_day": _("改日历的一天"),
    "calendar_day_removed": _("去掉日历的一天"),
    "office_hours": _("改上班时间"),
    "text_changed": _("改通知文字"),
    "text_restored": _("换回自带的文字"),
    "template_changed": _("改微信模板"),
    "plates_issued": _("发放门牌"),
    "plate_reissue": _("换门牌"),
    "plate_revoke": _("停用门牌"),
    "category_changed": _("改类别"),
    "partner_added": _("登记对接系统"),
    "partner_changed": _("改对接系统"),
    "partner_rotated": _("换对接密钥"),
    "partner_tested": _("测试对接"),
    "partner_again": _("重发对接消息"),
    "routing_rule_set": _("定派遣规则"),
    "routing_rule_ended": _("停用派遣规则"),
    "category_added": _("新增类别"),
    "category_ended": _("停用类别"),
    "limits_changed": _("改时限"),
    "parameters_changed": _("改参数"),
    "rounds_changed": _("改走访的参数"),
    "checklist_changed": _("改检查表"),
    "checklist_added": _("新增检查表"),
    "visit": _("走访"),
    "check": _("检查"),
    "check_planned": _("排进定期检查"),
    "check_ended": _("不再定期检查"),
    "key_entered": _("登记重点户"),
    "key_read": _("查看重点户"),
    "key_ended": _("结束重点户"),
    "key_dropped": _("删除重点户"),
}


def people_behind(actors):
    """{reference: name} of staff and units among `actors`; residents stay references."""
    refs = {actor.removeprefix("unit:") for actor in actors}
    names = dict(Account.objects.filter(ref__in=refs, kind=Account.STAFF).values_list("ref", "name"))
    return names | {
        f"unit:{ref}": name for ref, name in Unit.objects.filter(ref__in=refs).values_list("ref", "name_zh")
    }


def act_words():
    """{act: what it is called}: the words on the buttons of cases, and ACTS."""
    buttons = {move.name: move.label for plug in programmes() if plug.flow for move in plug.flow.moves}
    return buttons | ACTS


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
    names, acts = people_behind({row.actor for row in found}), act_words()
    for row in found:
        row.who = SYSTEM_WORD if row.actor == SYSTEM else names.get(row.actor, row.actor)
        row.word = acts.get(row.action, row.action)
        row.book = STREAMS.get(row.stream.name, "")
        row.raw = row.payload[:SHOWN]
    here = {key: value for key, value in (("stream", stream), ("actor", actor)) if value}
    context = {
        "rows": found,
        "older": address(request.path, here | {"before": before}) if before else "",
        "newest": address(request.path, here) if request.GET.get("before") else "",
        "stream": stream,
        "streams": STREAMS.items(),
        "actor": actor,
        "marks": Checkpoint.objects.order_by("-size")[:10],
    }
    return page(request, "desk/admin/journal.html", context)


@require_safe
@roles_required(Role.AUDITOR)
def verified(request):
    """The whole chain, checked now. Reads every entry once."""
    lines = []
    problems = import_module("weilianxin.journal.verify").verify(report=lines.append)
    context = {"problems": [str(problem) for problem in problems][:200], "lines": [str(line) for line in lines][:50]}
    return page(request, "desk/admin/verified.html", context)
