"""The mini-program codes of plates: drawn by WeChat once, kept in the data folder, asked for several at a time.

A code opens the plate's page of the mini-program with the plate's own code as its scene. What is kept may be deleted at
any time: it is drawn again.
"""

import hashlib
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.utils.translation import gettext as _

from weilianxin.channels import wechat
from weilianxin.channels.errors import ChannelError

from .sheets import BadSheet

PAGE = "pages/plate/index"
WIDTH = 860  # dots: sharp at 60 mm
AT_ONCE = 8
PATIENCE = 40.0  # seconds that somebody waits for a download; what was drawn by then is kept for the next time


def mini_codes(rows, *, patience=PATIENCE):
    """{code: picture} of these plates (rows of Plate); {} where no mini-program is set up.

    Raises BadSheet when WeChat does not draw them all in time: a plate on a wall would stay without for years.
    """
    if not wechat.configured():
        return {}
    until = time.monotonic() + patience if patience else None

    def one(code):
        return kept(code) or (None if until and time.monotonic() > until else draw(code))

    codes, pool = [plate.code for plate in rows], ThreadPoolExecutor(AT_ONCE)
    try:
        found = dict(zip(codes, pool.map(one, codes), strict=True))
    except ChannelError as error:
        raise BadSheet(
            _("微信没有给小程序码（%(why)s）。过一会儿再下载；小程序还没有发布，就选“不印小程序码”。")
            % {"why": error.code}
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)  # whom WeChat does not answer once is not asked four hundred times
    lacking = sum(picture is None for picture in found.values())
    if lacking:
        raise BadSheet(_("微信还在画小程序码，还差 %(n)s 个。请再点一次，画好的不用重来。") % {"n": lacking})
    return found


def path(code):
    drawn_for = f"{settings.WECHAT_APPID}\0{settings.WECHAT_STATE}\0{PAGE}\0{code}"
    return settings.DATA_DIR / "codes" / hashlib.sha256(drawn_for.encode()).hexdigest()[:32]


def kept(code):
    try:
        return path(code).read_bytes()
    except FileNotFoundError:
        return None


def draw(code):
    """Have the code drawn and keep it; the file is there whole or not at all."""
    picture, target = wechat.unlimited_code(code, PAGE, width=WIDTH), path(code)
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    half = target.with_suffix(f".{secrets.token_hex(8)}")
    half.write_bytes(picture)
    os.replace(half, target)
    return picture
