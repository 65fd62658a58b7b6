"""A ticket: whom WeChat named, until the person has shown which account is theirs.

The openid never leaves the server in the clear: it is sealed under a key of the installation, with what the ticket is
for and until when. Nothing is kept, so a ticket may be shown again within its ten minutes; every use of it needs a
code, a password or WeChat's own word besides.
"""

import base64
import binascii
import json
import secrets
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from weilianxin.cases.errors import Invalid
from weilianxin.lib.digests import keyed_digest

LIFE = timedelta(minutes=10)
NONCE = 12


def _box():
    return AESGCM(bytes.fromhex(keyed_digest("ticket", "key")))


def make(openid, kind, at):
    """(ticket, when it ends) for this openid, to become an account of this `kind`."""
    until = at + LIFE
    nonce = secrets.token_bytes(NONCE)
    sealed = _box().encrypt(nonce, json.dumps([openid, int(until.timestamp())]).encode(), kind.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("="), until


def read(ticket, kind, at):
    """The openid in a ticket of this `kind`, "" for no ticket. Raises `Invalid` for one that is not good any more."""
    if not ticket:
        return ""
    try:
        sealed = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
        openid, until = json.loads(_box().decrypt(sealed[:NONCE], sealed[NONCE:], kind.encode()))
    except (InvalidTag, ValueError, binascii.Error):
        openid, until = "", 0
    if until <= at.timestamp():
        raise Invalid(_("隔得太久了，请重新从微信登录。"), "ticket")
    return openid
