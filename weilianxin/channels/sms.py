"""SMS through the operator's gateway.

`WEILIANXIN_SMS=http` posts JSON `{"to", "text", "sign"}` to WEILIANXIN_SMS_URL, with the headers
`X-Weilianxin-Time` (seconds since 1970) and `X-Weilianxin-Signature`: HMAC-SHA256 under WEILIANXIN_SMS_KEY, in hex,
of the time, a full stop and the body. The gateway answers with a status and may add JSON:

    2xx {"id": "…"}                     taken; `id` is the receipt
    408, 425, 429, 5xx                  try again later
    401, 403, 3xx                       the installation is set up wrongly: try again, somebody will mend it
    other 4xx {"code": "no-such-number"}   never: `code` (letters, digits, . _ -) is kept as the reason

A gateway may see a message twice when its answer was lost on the way. No proxy settings of the machine are used.
"""

import hmac
import json
import re
import sys
import time
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from .errors import GiveUp, NotConfigured, Retry

TIMEOUT = httpx.Timeout(10.0, connect=5.0)  # seconds; a stuck gateway must not hold up the outbox
LATER = {401, 403, 408, 425, 429}


def configured():
    """Whether there is a gateway to hand messages to."""
    if settings.SMS == "http":
        return bool(settings.SMS_KEY) and urlsplit(settings.SMS_URL).scheme in ("http", "https")
    return settings.SMS == "console"


def send(address, body):
    """Hand `body` to the gateway for the telephone number `address`; returns the gateway's receipt.

    Raises Retry, GiveUp or NotConfigured.
    """
    number = re.sub("[ -]", "", address or "")
    if not re.fullmatch(r"\+?[0-9]{5,15}", number):
        raise GiveUp("bad-address")
    if not configured():
        raise NotConfigured("sms")
    if settings.SMS == "console":
        print(f"[SMS {number}] {body}", file=sys.stderr, flush=True)
        return "console"
    return _post({"to": number, "text": body, "sign": settings.SMS_SIGN})


def signature(key, moment, body):
    """The signature of a request: `moment` in seconds as text, `body` as bytes."""
    return hmac.new(key.encode(), moment.encode() + b"." + body, sha256).hexdigest()


def _post(message):
    body, moment = json.dumps(message, ensure_ascii=False).encode(), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Weilianxin-Time": moment,
        "X-Weilianxin-Signature": signature(settings.SMS_KEY, moment, body),
    }
    try:
        with httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client:
            answer = client.post(settings.SMS_URL, content=body, headers=headers)
    except httpx.TimeoutException:
        raise Retry("timeout") from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL):
        raise NotConfigured("sms-url") from None
    except httpx.HTTPError:
        raise Retry("unreachable") from None
    if answer.is_success:
        return _word(answer, "id") or "accepted"
    code = f"http-{answer.status_code}"
    if answer.status_code in LATER or not 400 <= answer.status_code < 500:
        raise Retry(code)
    raise GiveUp(_word(answer, "code") or code)


def _word(answer, name):
    """A short word out of the gateway's answer; nothing when there is none that is safe to keep."""
    try:
        word = answer.json()[name]
    except (KeyError, TypeError, IndexError, ValueError, RecursionError):
        return ""
    word = str(word) if isinstance(word, str | int) else ""
    if name == "code" and re.search(r"[0-9]{7}", word):  # could be the number the message was for
        return ""
    return word if re.fullmatch(r"[A-Za-z0-9._-]{1,80}", word) else ""
