"""Keyed hashes: what must be recognised again but never read back (codes, link tokens, throttle buckets)."""

import hashlib
import hmac

from django.conf import settings


def keyed_digest(purpose, value):
    """HMAC-SHA256 of `value` under the installation's secret, 64 hex digits; different for every purpose."""
    message = f"{purpose}\x00{value}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()
