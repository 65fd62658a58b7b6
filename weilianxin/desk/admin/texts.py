"""The words of every notice: read, changed and tried out with examples before they are kept."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from weilianxin.cases.errors import Invalid
from weilianxin.cases.forms import Field
from weilianxin.notify import templates, texts
from weilianxin.notify.models import CHANNELS, Template, Text
from weilianxin.people.session import admin_required

from .frame import attempt, filled, note, page, paged, taken

AUDIENCES = {
    "reporter": gettext_lazy("报事人"),
    "resident": gettext_lazy("居民"),
    "worker": gettext_lazy("网格员"),
    "leader": gettext_lazy("网格长"),
    "holder": gettext_lazy("负责人"),
    "handler": gettext_lazy("承办单位"),
    "dispatcher": gettext_lazy("派遣员"),
    "verifier": gettext_lazy("核查员"),
    "callback": gettext_lazy("回访员"),
}
CHANNEL_WORDS = {"inbox": gettext_lazy("站内消息"), "sms": gettext_lazy("短信"), "mail": gettext_lazy("邮件")}


def examples():
    """What stands for each value in a preview."""
    soon = timezone.now() + timedelta(days=1)
    return {
        "number": "260310-0001-8",
        "title": _("楼道灯不亮"),
        "worker": _("角木"),
        "due": soon,
        "unit": _("星影物业"),
        "reason": _("等配件，周五到货。"),
        "channel": _("派出所（110）"),
        "until": soon,
        "link": "https://…/h/…",
        "code": "123456",
        "name": _("亢金"),
        "place": _("6幢2单元门口"),
    }


@require_safe
@admin_required
def all_texts(request):
    rows, older, newest = paged(Text.objects.all(), request)
    for row in rows:
        row.reader = AUDIENCES.get(row.audience, row.audience)
        row.ways = [CHANNEL_WORDS.get(channel, channel) for channel in row.channels.split()]
        if row.template:
            row.ways.append(_("微信"))
    return page(request, "desk/admin/texts.html", {"rows": rows, "older": older, "newest": newest})


def text_fields():
    ways = [(name, CHANNEL_WORDS[name]) for name in CHANNELS]
    quiet = [("yes", _("夜里也发")), ("no", _("夜里 10 点到早上 7 点不发短信，等到早上"))]
    return [
        Field("title_zh", "text", _("标题"), required=True, most=60),
        Field("body_zh", "long", _("正文"), required=True, most=1000),
        Field("title_en", "text", _("英文标题"), most=120),
        Field("body_en", "long", _("英文正文"), most=1000),
        Field("channels", "checks", _("怎么告诉"), required=True, choices=ways),
        Field("urgent", "radios", _("夜里"), required=True, choices=quiet),
        Field("template", "choice", _("微信里用哪种消息"), choices=list(templates.TITLES.items())),
    ]


def checked(fields, request, text):
    """`text` with what was typed, unsaved; Invalid where a notice could not be made of it."""
    given = taken(fields, request)
    for name in texts.WORDS:
        setattr(text, name, given[name])
    text.channels = " ".join(given["channels"])
    text.urgent = given["urgent"] == "yes"
    text.template = given["template"]
    try:
        text.clean()
    except ValidationError as problem:
        field, sentences = next(iter(problem.message_dict.items()))
        raise Invalid(sentences[0], field) from None
    return text


def previews(text):
    """The notice with examples filled in, in both languages."""
    values, found = examples(), []
    for language, label in (("zh-hans", _("中文")), ("en", "English")):
        title = texts.fill(text.title(language), values, language)
        found.append({"label": label, "title": title, "body": texts.fill(text.body(language), values, language)})
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def one(request, pk):
    """A text to edit. With the button 预览 it is shown as it would be sent, and nothing is kept."""
    text = get_object_or_404(Text, pk=pk)
    fields, refusal, preview = text_fields(), None, None
    if request.method == "POST" and "preview" in request.POST:
        try:
            preview = previews(checked(fields, request, Text(act=text.act, audience=text.audience)))
        except Invalid as problem:
            refusal = problem
    elif request.method == "POST":

        def act():
            new = checked(fields, request, text)
            new.edit(timezone.now())
            note(request, "text_changed", text=str(text))
            return reverse("desk:admin_text", args=[pk]) + "?done=saved"

        answer, refusal = attempt(request, act)
        if answer is not None:
            return answer
    if request.method == "POST":
        filled(fields, request, refusal=refusal)
    else:
        values = {name: getattr(text, name) for name in texts.WORDS}
        values |= {"channels": text.channels.split(), "urgent": "yes" if text.urgent else "no"}
        filled(fields, values=values | {"template": text.template})
    context = {
        "text": text,
        "reader": AUDIENCES.get(text.audience, text.audience),
        "fields": fields,
        "slots": list(texts.FIELDS),
        "previews": preview or previews(Text.objects.get(pk=pk)),
        "trying": preview is not None,
    }
    return page(request, "desk/admin/text.html", context, refusal=refusal)


@require_POST
@admin_required
def back_to_shipped(request, pk):
    """Take the words that came with the software again."""
    text = get_object_or_404(Text, pk=pk)

    default = texts.shipped().get((text.act, text.audience))
    if default is None:
        raise Http404

    def act():
        for name in texts.SHIPPED_FIELDS:
            setattr(text, name, getattr(default, name))
        text.edited_at = None
        text.save()
        note(request, "text_restored", text=str(text))
        return reverse("desk:admin_text", args=[pk]) + "?done=restored"

    return attempt(request, act)[0]


def template_fields(template):
    """What is asked about one template, its names made its own."""
    kinds = [("one", _("一次性：同意一次，发一条")), ("long", _("长期：同意一次，一直可以发"))]
    return [
        Field(f"{template.purpose}_id", "text", _("模板编号"), most=64),
        Field(f"{template.purpose}_kind", "radios", _("种类"), required=True, choices=kinds),
        Field(f"{template.purpose}_fields", "text", _("字段"), required=True, most=300),
    ]


def as_typed(template):
    kind = "long" if template.long_term else "one"
    return {
        f"{template.purpose}_id": template.template_id,
        f"{template.purpose}_kind": kind,
        f"{template.purpose}_fields": template.fields,
    }


def change_templates(rows, request):
    """What was typed on the page of WeChat's messages, kept; Invalid where WeChat would not take it."""
    values = examples() | {templates.HEADLINE: _("您的报事已受理"), templates.NOW: timezone.now()}
    changed = []
    for row, fields in rows:
        given, before = taken(fields, request), as_typed(row)
        row.template_id = given[f"{row.purpose}_id"]
        row.long_term = given[f"{row.purpose}_kind"] == "long"
        row.fields = " ".join(given[f"{row.purpose}_fields"].split())
        try:
            templates.check(row, values)
        except ValidationError as problem:
            field, sentences = next(iter(problem.message_dict.items()))
            raise Invalid(sentences[0], f"{row.purpose}_{field.removeprefix('template_')}") from None
        if as_typed(row) != before:
            changed.append(row)
    ids = [row.template_id for row, _fields in rows if row.template_id]
    if len(set(ids)) < len(ids):
        raise Invalid(_("两种消息不能用同一个模板编号。"), f"{rows[0][0].purpose}_id")
    ours = [row for row, _fields in rows if row.template_id and row.purpose != Template.TASK]
    if len({row.long_term for row in ours}) > 1:
        raise Invalid(_("给居民的几种消息要么都是一次性，要么都是长期：微信不肯一起问。"), f"{ours[0].purpose}_kind")
    for row in changed:
        row.edited_at = timezone.now()
        row.save()
        note(request, "template_changed", purpose=row.purpose, template=row.template_id)
    return reverse("desk:admin_templates") + "?done=saved"


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def in_wechat(request):
    """The messages of WeChat: their ids in the console, and what stands in their fields."""
    rows = sorted(Template.objects.all(), key=lambda row: texts.PURPOSES.index(row.purpose))
    rows = [(row, template_fields(row)) for row in rows]
    for row, fields in rows:
        filled(fields, values=as_typed(row))
    refusal = None
    if request.method == "POST":
        answer, refusal = attempt(request, lambda: change_templates(rows, request))
        if answer is not None:
            return answer
        for _row, fields in rows:
            filled(fields, request, refusal=refusal)
    parts = [{"title": templates.TITLES[row.purpose], "fields": fields} for row, fields in rows]
    known = [(name, templates.LABELS.get(name, "")) for name in templates.VALUES]
    return page(request, "desk/admin/templates.html", {"parts": parts, "known": known}, refusal=refusal)
