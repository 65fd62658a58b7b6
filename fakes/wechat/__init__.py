"""A WeChat platform on this machine: it answers, refuses, forgets and pushes as the real one is known to.

    address = serve(port=0)         # a running server; `address.url`, `address.platform`, `address.stop()`
    python -m fakes.wechat --port 9000

Start reading at `platform.py` (what it remembers), then `endpoints.py` (what it answers). Every rule it keeps has a row
in tests/test_fake_wechat.py with its mark: [V] read in public documentation, [L] computed, [K] general knowledge.

Not like the real one: the drawing that `getwxacodeunlimit` returns is a plain QR code of `<site>/p/<scene>`,
so that any scanner reads it in tests and in the demo; only WeChat draws (and reads) its round codes. There is no
telephone: what a person does in WeChat (`wx.login`, the button for the phone number, the question about messages) is
done by `phone.py`, over `/__ctl/phone`.
"""

from .server import Running, serve

__all__ = ["Running", "serve"]
