"""What WeChat pushes to us: receipts, and what people allow or refuse. Anything that is not WeChat's own is refused."""

import logging

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import transaction
from django.http import HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from weilianxin.channels.wechat import inbound
from weilianxin.people.wechat import account_of

from . import by_wechat, templates
from .models import Push

log = logging.getLogger(__name__)

KEPT = timezone.timedelta(days=1)  # WeChat repeats a push within seconds, and is believed for five minutes
LONGEST_ECHO = 200
POPUP, CHANGED, SENT = "subscribe_msg_popup_event", inbound.CHANGED, inbound.SENT
UNREADABLE = (RequestDataTooBig, BadRequest, SuspiciousOperation, RawPostDataException, UnreadablePostError)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def push(request):
    """WeChat asks whether we are who the console says (GET), or tells something (POST); 403 for everybody else."""
    query = request.GET.dict()
    try:
        if not inbound.configured():
            raise inbound.Refused("not configured")
        if request.method == "GET":
            inbound.check_signature(query)
            return words(query.get("echostr", "")[:LONGEST_ECHO])
        message = inbound.read(query, request.body)
    except (inbound.Refused, *UNREADABLE) as error:
        log.warning("a push was refused: %s", error if isinstance(error, inbound.Refused) else type(error).__name__)
        return words("no", 403)
    take(message, timezone.now())
    return words("success")


def words(said, status=200):
    return HttpResponse(said, status=status, content_type="text/plain; charset=utf-8")


def take(message, at):
    """Do what a message asks for, once however often it comes."""
    event, openid = message.get("Event"), message.get("FromUserName")
    if event not in (POPUP, CHANGED, SENT) or not isinstance(openid, str):
        return
    with transaction.atomic():
        _row, new = Push.objects.get_or_create(key=inbound.key_of(message), defaults={"at": at})
        if not new:
            return
        rows = inbound.rows_of(message)
        if event == SENT:
            for row in rows:
                error = "" if row.error == "0" else f"receipt-{row.error}"[:40]
                by_wechat.receipt(openid, row.template, row.message, error, at)
            return
        for row in rows:
            template = templates.of_id(row.template)
            account = template and account_of(settings.WECHAT_APPID, openid, templates.kind_of(template.purpose))
            if account is None:
                continue
            if event == CHANGED:
                templates.switched(account, {row.template: row.status}, at)
            else:
                templates.answered(account, {row.template: row.status}, at, by="pushed")


def forget_old(at):
    """Drop the keys of pushes that nobody repeats any more; for the work loop."""
    return Push.objects.filter(at__lt=at - KEPT).delete()[0]
