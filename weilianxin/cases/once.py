"""Every form and every call may be sent twice: the second time gets the first answer, nothing is done again."""

from datetime import timedelta

from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpResponseRedirect
from django.utils.translation import gettext as _

from weilianxin.lib.digests import keyed_digest

from .errors import Refused
from .models import Submission

KEPT = timedelta(days=8)  # a phone without network tries for a week (static/desk/outbox.js)
GIVEN_UP = ("40P01", "40001")  # deadlock, serialization failure: nothing was done, and the next try may succeed


def scope_of(request):
    """Whose keys these are: the account's, or else the browser session's."""
    account = getattr(request, "account", None)
    if account is not None:
        return f"account:{account.pk}"
    if not request.session.session_key:
        request.session.save()
    return keyed_digest("submission", request.session.session_key)


def first_answer(request):
    """The redirect that the same form got when it was sent before, or None. Worth asking before anything is loaded:
    the act may have taken its object out of the sender's sight."""
    key = request.POST.get("_key", "")[:64]
    first = Submission.objects.filter(scope=scope_of(request), key=key).first() if key else None
    return HttpResponseRedirect(_opened(request, first.answer)) if first is not None else None


def _token(request):
    """The token of the link that this request came by, or "": of a link only the hash is ever kept."""
    match = getattr(request, "resolver_match", None)
    return match.kwargs.get("token", "") if match is not None else ""


def _sealed(request, url):
    token = _token(request)
    return url.replace(token, "{token}") if token else url


def _opened(request, answer):
    return answer.replace("{token}", _token(request))


def once(request, act):
    """Run `act() -> url` in one transaction and redirect there; a repeat of the same `_key` redirects there too.

    What `act` raises passes through, and the key stays unused, so a refused form can be mended and sent again.
    A form without a key (an old page) is done plainly.
    """
    key = request.POST.get("_key", "")[:64]
    path = _sealed(request, request.path)[:200]
    answer = done_once(scope_of(request) if key else "", key, path, lambda: _sealed(request, act()))
    return HttpResponseRedirect(_opened(request, answer))


def done_once(scope, key, path, act, *, strict=False):
    """Run `act() -> str` (at most 300 characters) in one transaction; a repeat of `key` in `scope` gets the first text.

    Without a key it is done plainly. Where two acts wait for one another's rows and the database gives one of them
    up, that one is done again. `strict` refuses a key that was first used for another path.
    """
    for attempt in (1, 2, 3):
        try:
            return _done_once(scope, key, path, act, strict)
        except OperationalError as error:
            if attempt == 3 or getattr(error.__cause__, "sqlstate", "") not in GIVEN_UP:
                raise


def answered(scope, key, path, *, strict=False):
    """The text that this key got when it was used before, or None; worth asking before anything is loaded."""
    first = Submission.objects.filter(scope=scope, key=key).first()
    if first is not None and strict and first.path != path:
        raise Refused(_("这个幂等键已经用在别的请求上了，请换一个新的。"))
    return first.answer if first is not None else None


def _done_once(scope, key, path, act, strict):
    if not key:
        with transaction.atomic():
            return act()
    for _attempt in (1, 2):
        first = answered(scope, key, path, strict=strict)
        if first is not None:
            return first
        try:
            with transaction.atomic():
                # Claimed before the act: a concurrent twin waits here and then fails on the constraint.
                claim = Submission.objects.create(scope=scope, key=key, path=path, answer="/")
                claim.answer = act()
                claim.save(update_fields=["answer"])
            return claim.answer
        except IntegrityError:
            if not Submission.objects.filter(scope=scope, key=key).exists():
                raise
    return answered(scope, key, path, strict=strict) or "/"


def forget_old(at):
    """Drop keys older than KEPT; for the work loop."""
    return Submission.objects.filter(at__lt=at - KEPT).delete()[0]
