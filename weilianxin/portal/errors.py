"""When something is not there or went wrong: what happened, whose fault it is not, and the way on."""

import logging

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from weilianxin.lib.numbers import short_error_code
from weilianxin.lib.problem import asks_json, problem

log = logging.getLogger(__name__)


def error_page(request, status, title, sentence, *, code=None, bare=False):
    """portal/error.html. `bare` renders without a request, so that neither session nor database is asked."""
    code = code or short_error_code()
    context = {"status": status, "title": title, "sentence": sentence, "code": code, "bare": bare}
    if bare:
        return HttpResponse(render_to_string("portal/error.html", context), status=status)
    log.info("error page %s %s", status, code)
    return render(request, "portal/error.html", context, status=status)


@requires_csrf_token
def bad_request(request, exception=None):
    if asks_json(request):
        return problem("edge", _("请回上一页，看看填的内容，再试一次。"), 400)
    return error_page(request, 400, _("这一次没看懂"), _("请回上一页，看看填的内容，再试一次。"), bare=True)


@requires_csrf_token
def forbidden(request, exception=None):
    return error_page(request, 403, _("这一页不能打开"), _("它要由别的岗位来看。不是您的错。"))


@requires_csrf_token
def not_found(request, exception=None):
    if asks_json(request):
        return problem("not_found", _("这件事现在不归您看，可能已转给别人。"), 404)
    return error_page(request, 404, _("这一页找不到了"), _("不是您的错。可能是链接旧了，或者这件事只有报的人能看。"))


def server_error(request):
    """Must work when nothing else does: no database, no session, no context processor."""
    code = short_error_code()
    log.error("error page 500 %s", code)
    sentence = _("是我们的系统出了问题，不是您的错。请过几分钟再试；急事请直接打电话。")
    if asks_json(request):
        return problem("broken", f"{sentence} ({code})", 500)
    return error_page(request, 500, _("系统出了点问题"), sentence, code=code, bare=True)


def csrf_failure(request, reason=""):
    """A form from a page that stood open too long, or from elsewhere."""
    sentence = _("这一页开得太久了。请回上一页刷新，再送一次。")
    if asks_json(request):
        return problem("not_allowed", sentence, 403)
    return error_page(request, 403, _("没有送出去"), sentence, bare=True)
