"""How a sending can fail. `code` is short and safe to keep: never an address, never a gateway's own words."""

import re


class ChannelError(Exception):
    """A message was not handed over; `code` says why."""

    def __init__(self, code):
        self.code = re.sub(r"[^A-Za-z0-9._-]", "", str(code))[:40] or "unknown"
        super().__init__(self.code)


class Retry(ChannelError):
    """It may work later, as it is."""


class GiveUp(ChannelError):
    """This message will never be accepted."""


class NotConfigured(ChannelError):
    """The installation does not speak through this channel (yet); the message can wait."""
