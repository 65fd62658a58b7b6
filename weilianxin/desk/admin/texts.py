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
from weilianxin.notify import texts
from weilianxin.notify.models import CHANNELS, Text
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
    ]


def checked(fields, request, text):
    """`text` with what was typed, unsaved; Invalid where a notice could not be made of it."""
    given = taken(fields, request)
    for name in texts.WORDS:
        setattr(text, name, given[name])
    text.channels = " ".join(given["channels"])
    text.urgent = given["urgent"] == "yes"
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
        filled(fields, values=values | {"channels": text.channels.split(), "urgent": "yes" if text.urgent else "no"})
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
        for name in (*texts.WORDS, "channels", "urgent"):
            setattr(text, name, getattr(default, name))
        text.edited_at = None
        text.save()
        note(request, "text_restored", text=str(text))
        return reverse("desk:admin_text", args=[pk]) + "?done=restored"

    return attempt(request, act)[0]
