"""What the platform pushes to us: is it WeChat's, is it for this app, is it fresh, was it here before, what is it.

Only the safe mode is spoken: in the plain one the signature does not cover the message, so that whoever sees one
address could send messages of their own.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import struct
import time
from typing import NamedTuple
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

WINDOW = 300  # seconds a push may be old, or ahead of our clock
LARGEST = 100_000  # bytes
BLOCK = 32  # of the padding; AES itself has blocks of 16
MEDIA, SENT, CHANGED = "wxa_media_check", "subscribe_msg_sent_event", "subscribe_msg_change_event"
NOT_DOWNLOADED = 4294966288  # a status of the old shape


class Refused(Exception):
    """This is not a push for us. The reason is for the log only."""


def configured():
    """Whether pushes can be taken: the token and the key of the console are here, and the key is one."""
    return bool(
        settings.WECHAT_APPID and settings.WECHAT_TOKEN and re.fullmatch(r"[0-9A-Za-z]{43}", settings.WECHAT_AES_KEY)
    )


def signature(*parts):
    """SHA-1 over the sorted parts, in hex: the token, a timestamp, a nonce and, for a message, what is sealed."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def same(given, expected):
    return hmac.compare_digest(given.encode(), expected.encode())


def check_signature(query, at=None):
    """Raises Refused unless `query` (a mapping) was signed with our token in the last five minutes."""
    stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not same(query.get("signature", ""), signature(settings.WECHAT_TOKEN, stamp, nonce)):
        raise Refused("signature")
    if not re.fullmatch(r"\d{1,12}", stamp) or abs(int(stamp) - (at or time.time())) > WINDOW:
        raise Refused("too old")


def read(query, body, at=None):
    """The message of a push as a dict. Raises Refused for what is forged, too old, or for another app."""
    check_signature(query, at)  # first: nobody without the token gets as far as our parsers
    if len(body) > LARGEST:
        raise Refused("too large")
    sealed = parsed(body).get("Encrypt")
    if query.get("encrypt_type") != "aes" or not isinstance(sealed, str):
        raise Refused("not sealed")
    expected = signature(settings.WECHAT_TOKEN, query.get("timestamp", ""), query.get("nonce", ""), sealed)
    if not same(query.get("msg_signature", ""), expected):
        raise Refused("signature")
    message, appid = unseal(settings.WECHAT_AES_KEY, sealed)
    if not same(appid, settings.WECHAT_APPID):
        raise Refused("another app")
    return parsed(message.encode())


def parsed(body):
    """JSON or XML as a dict; elements of XML that stand several times become a list."""
    try:
        text = body.decode("utf-8").strip()
        if text.startswith("{"):
            found = json.loads(text)
        elif "<!" in text.replace("<![CDATA[", ""):
            raise Refused("not a message")  # no doctype, no entities
        else:
            found = inside(ElementTree.fromstring(text))
    except (ValueError, ElementTree.ParseError, RecursionError):
        raise Refused("not a message") from None
    if not isinstance(found, dict):
        raise Refused("not a message")
    return found


def inside(element):
    if not len(element):
        return element.text or ""
    found = {}
    for child in element:
        value = inside(child)
        if child.tag in found:
            before = found[child.tag]
            found[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[child.tag] = value
    return found


def cipher(aes_key):
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def unseal(aes_key, sealed):
    """(message, appid) out of what was sealed; Refused for anything that was not sealed with this key."""
    try:
        closed = base64.b64decode(sealed, validate=True)
        opener = cipher(aes_key).decryptor()
        inside = opener.update(closed) + opener.finalize()
        padding = inside[-1]
        (length,) = struct.unpack(">I", inside[16:20])
        if not 1 <= padding <= BLOCK or inside[-padding:] != bytes([padding]) * padding:
            raise ValueError
        inside = inside[:-padding]
        if 20 + length > len(inside):
            raise ValueError
        return inside[20 : 20 + length].decode(), inside[20 + length :].decode()
    except (ValueError, IndexError, struct.error, binascii.Error):
        raise Refused("not sealed with our key") from None


def key_of(message):
    """What is the same of a push that comes again: a digest of its id or, for an event, of who, when and what."""
    if message.get("MsgId"):
        parts = ["id", message["MsgId"]]
    else:
        names = ("FromUserName", "CreateTime", "Event", "trace_id")
        parts = [*(message.get(name, "") for name in names), rows_of(message)]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class Media(NamedTuple):
    """The answer to `check_media`: `suggest` is pass, review, risky, or unseen when WeChat could not get the file."""

    trace: str
    suggest: str
    label: int


def media_result(message):
    """The Media of a `wxa_media_check` in either of its shapes."""
    trace = str(message.get("trace_id", ""))[:80]
    try:
        if "isrisky" in message:
            if int(message.get("status_code") or 0):
                return Media(trace, "unseen", 0)
            return Media(trace, "risky" if int(message["isrisky"]) else "pass", 0)
        if int(message.get("errcode") or 0):
            return Media(trace, "unseen", 0)
        result = message["result"]
        suggest = result["suggest"] if result["suggest"] in ("pass", "review", "risky") else "review"
        return Media(trace, suggest, int(result["label"]))
    except (KeyError, TypeError, ValueError):
        return Media(trace, "unseen", 0)


class Row(NamedTuple):
    """One line of a subscription event: for a sent message its id and error, for a changed setting the answer."""

    template: str
    message: str
    error: str
    status: str


def rows_of(message):
    """The Rows of a subscription event, in whatever of its shapes it came."""
    rows = message.get("List")
    if rows is None:  # XML wraps them in an element named after the event
        inner = next((v for k, v in message.items() if k.startswith("Subscribe") and isinstance(v, dict)), {})
        rows = inner.get("List", [])
    rows = [rows] if isinstance(rows, dict) else rows
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            words = (
                str(row.get(name, ""))[:80] for name in ("TemplateId", "MsgID", "ErrorCode", "SubscribeStatusString")
            )
            found.append(Row(*words))
    return found
