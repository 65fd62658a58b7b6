"""The edge of the system: headers every answer bears, and what no page ever gets to see.

`EdgeValidator` answers 422 with a sentence where a value could not be stored the same way on both databases, so
that pages need not ask themselves. What a number or a date may be in its field is still the form's business.
"""

import logging
import math
import re

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .numbers import short_error_code
from .problem import asks_json, problem

log = logging.getLogger(__name__)

FIELD_LIMIT = 20_000  # characters in one field
NAME_LIMIT = 100  # characters in a field's name, or in an uploaded file's field
QUERY_LIMIT = 4_000  # characters in a query string
PATH_LIMIT = 1_000
LARGEST = 2**63 - 1  # what both databases can still compare
COORDINATES = {"lat": 90, "lon": 180}  # fields of these names hold degrees or nothing

# Unicode Cc except tab and line ends, halves of surrogate pairs, and the two code points that are no characters.
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
HUGE = re.compile(r"[+-]?(\d{19,}|[\d.]+[eE][+-]?\d{3,})")

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    # Whatever a page shows may be somebody's own; static files and public pictures say otherwise themselves.
    "Cache-Control": "private, no-store",
}

# Why something is refused: a word for the log and a sentence for whoever sent it.
SENTENCES = {
    "characters": gettext_lazy("您填的内容里有无法保存的特殊字符，请删去后再发送。"),
    "length": gettext_lazy("您填的内容太长了：一栏最多 20000 个字，请分几次说。"),
    "number": gettext_lazy("您填的数字超出了能处理的范围，请核对后再发送。"),
    "address": gettext_lazy("这个网址不对，请回到首页重新进入。"),
    "form": gettext_lazy("这张表没有完整送到，请返回后再发送一次。"),
    "size": gettext_lazy("内容太大，没有收下。照片请少选几张，文字请短一些。"),
}


def without_charset(application):
    """A WSGI application around Django's in which the client does not choose how its text is decoded.

    Django takes any codec Python knows from the Content-Type and decodes the query by it before any middleware is
    asked, so that a header alone could make an error. `EdgeValidator` refuses forms that are not UTF-8.
    """

    def guarded(environ, start_response):
        kind = environ.get("CONTENT_TYPE", "")
        if "charset" in kind.lower():
            environ["CONTENT_TYPE"] = re.sub(r"(?i)(;\s*)charset\b", r"\1x-charset", kind)
        return application(environ, start_response)

    return guarded


class SecurityHeaders:
    """Sets HEADERS on every answer that does not already say otherwise, and HSTS where the installation has HTTPS."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.SECURE_HSTS_SECONDS and request.is_secure():
            hsts = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
            response.headers.setdefault("Strict-Transport-Security", hsts)
        return response


class EdgeValidator:
    """Refuses a request whose path, query or form holds what must not come in.

    The look happens in `process_view`: the language and the account are known by then, so the refusal is a proper
    page; and it is just before the CSRF check, which reads the form anyway, so uploads are streamed to where the
    settings say exactly once. Bodies that are not forms are left to their view.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        # Before anybody looks anything up by them. A bad cookie would come back with every request of its browser,
        # so it is ignored, not refused.
        for name in [n for n, v in request.COOKIES.items() if len(v) > QUERY_LIMIT or UNWANTED.search(n + v)]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        """The refusal, or None to let the request through."""
        reason = wrong_address(request, kwargs)
        if reason:
            return refuse(request, reason)
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return None
        if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return None
        charset = request.content_params.get("charset") or request.content_params.get("x-charset") or "utf-8"
        if charset.lower() not in ("utf-8", "utf8"):
            return refuse(request, "form")
        try:
            form, uploads = request.POST, request.FILES
        except RequestDataTooBig:
            return refuse(request, "size", status=413)
        except (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError):
            return refuse(request, "form")
        reason = wrong_fields(form) or next(filter(None, (wrong_name(name) for name in uploads)), None)
        return refuse(request, reason) if reason else None


def wrong_address(request, kwargs):
    """Why the path (with the values found in it) or the query cannot be used; None when they can."""
    if len(request.path_info) > PATH_LIMIT or UNWANTED.search(request.path_info):
        return "address"
    if any(isinstance(value, int) and abs(value) > LARGEST for value in kwargs.values()):
        return "address"
    if len(request.META.get("QUERY_STRING", "")) > QUERY_LIMIT:
        return "address"
    try:
        return wrong_fields(request.GET)
    except SuspiciousOperation:  # more fields than the settings allow
        return "address"


def wrong_fields(fields):
    """Why a form or query (QueryDict) cannot be used; None when it can."""
    for name, values in fields.lists():
        reason = wrong_name(name) or next(filter(None, (wrong_value(name, value) for value in values)), None)
        if reason:
            return reason
    return None


def wrong_name(name):
    return "form" if len(name) > NAME_LIMIT or UNWANTED.search(name) else None


def wrong_value(name, value):
    if len(value) > FIELD_LIMIT:
        return "length"
    if UNWANTED.search(value):
        return "characters"
    if name.startswith("_"):  # keys of the forms themselves: random text that may happen to be all digits
        return None
    if is_huge(value) or (name in COORDINATES and value.strip() and not is_degrees(value, COORDINATES[name])):
        return "number"
    return None


def is_huge(text):
    """Whether a text is nothing but a number beyond what the databases hold (digits of any script, as int() reads)."""
    text = text.strip()
    if len(text) < 5 or not HUGE.fullmatch(text):
        return False
    return len(text) > 20 or not text.lstrip("+-").isdecimal() or abs(int(text)) > LARGEST


def is_degrees(text, most):
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and abs(number) <= most


def refuse(request, reason, status=422):
    """The page that says why, or the plain sentence where there is no such page; never an error of its own."""
    code, sentence = short_error_code(), SENTENCES[reason]
    log.warning("%s refused at the edge: %s", code, reason)
    if asks_json(request):
        return problem("too_large" if status == 413 else "edge", sentence, status)
    context = {"status": status, "title": _("这次没有收下"), "sentence": sentence, "code": code}
    try:
        response = render(request, "portal/error.html", context, status=status)
    except Exception as error:  # the frame may ask for more than a refusal can depend on
        log.warning("%s was told without its page: %s", code, type(error).__name__)
        words = f"{sentence} ({code})"
        response = HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
    response._has_been_logged = True  # Django's own line would hold the path, and with it the token of a link
    return response
