"""How a sending can fail. `code` is short and safe to keep: never an address, never a gateway's own words."""

import re


class ChannelError(Exception):
    """A message was not handed over; `code` says why."""

    def __init__(self, code):
        self.code = re.sub(r"[^A-Za-z0-9._-]", "", str(code))[:40] or "unknown"
        super().__init__(self.code)


class Retry(ChannelError):
    """It may work later, as it is. `unsure`: the answer was lost on the way, so it may have been done already."""

    def __init__(self, code, unsure=False):
        super().__init__(code)
        self.unsure = unsure


class GiveUp(ChannelError):
    """This message will never be accepted. `tell` is who can do something about it: OPERATOR, USER, or nobody ("")."""

    OPERATOR, USER = "operator", "user"

    def __init__(self, code, tell=""):
        super().__init__(code)
        self.tell = tell


class NotConfigured(ChannelError):
    """The installation does not speak through this channel (yet); the message can wait."""
