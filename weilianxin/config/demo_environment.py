"""What makes an installation a demo, said in environment variables before the settings are read."""

import os
from pathlib import Path


def prepare():
    """Switch the demo on, in a data folder of its own; DEMO data never share a folder or a database with real data."""
    os.environ["WEILIANXIN_DEMO"] = "1"
    os.environ["WEILIANXIN_DATA"] = str(Path(os.environ.get("WEILIANXIN_DATA", "var")) / "demo")
    os.environ.pop("DATABASE_URL", None)
    names = ("SMS", "SMTP_HOST", "CALLS", "HTTPS", "SECRET_KEY")
    wechat = ("WECHAT_APPID", "WECHAT_SECRET", "WECHAT_TOKEN", "WECHAT_AES_KEY", "WECHAT_BASE")
    for name in (*names, *wechat):
        os.environ.pop(f"WEILIANXIN_{name}", None)
    os.environ.setdefault("WEILIANXIN_SUBDISTRICT", "330102098")
