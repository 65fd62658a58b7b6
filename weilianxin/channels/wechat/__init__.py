"""WeChat's platform: signing people in, telling them, checking what they write, drawing codes, taking its pushes.

Every call raises Retry, GiveUp or NotConfigured (`channels/errors.py`); nothing of a person stands in them. Settings:
WEILIANXIN_WECHAT_*. Start reading at `calls.py`, then `client.py`; pushes come in through `inbound.py`.
"""

from .calls import (
    check_media,
    check_text,
    code_to_session,
    phone_number,
    send,
    unlimited_code,
    url_link,
)
from .client import configured

__all__ = [
    "check_media",
    "check_text",
    "code_to_session",
    "configured",
    "phone_number",
    "send",
    "unlimited_code",
    "url_link",
]
