"""Access tokens. Two kinds that know nothing of each other: the stable one and the one of `cgi-bin/token`."""

import re
import secrets
from dataclasses import dataclass

from .errors import Refusal

LIFE = 7200  # seconds
OVERLAP = 300  # seconds in which an old and a new token are both good
APART = 30  # seconds between two forced refreshes; one that comes sooner changes nothing
LOOKS_LIKE_ONE = re.compile(r"\d+_[A-Za-z0-9_-]{80,509}")


@dataclass
class Token:
    word: str
    appid: str
    until: float
    dead: bool = False  # taken out of use before its time
    replaced: bool = False  # by a later fetch of `cgi-bin/token`


class Tokens:
    def __init__(self, platform):
        self.platform = platform
        self.known = {}  # word -> Token
        self.stable, self.plain, self.forced_at = {}, {}, {}
        self.issued = []  # every word ever given out, in order: how often somebody really refreshed

    def _new(self, appid):
        token = Token(f"88_{secrets.token_urlsafe(381)}", appid, self.platform.now() + LIFE)
        self.known[token.word] = token
        self.issued.append(token.word)
        return token

    def get_stable(self, appid, force):
        """The token of normal mode: the same until five minutes before its end, then a new one beside it. Forced: a
        new one, and the old one dies at once; at most 20 a day, and nothing changes within 30 seconds."""
        now, current = self.platform.now(), self.stable.get(appid)
        good = current is not None and not current.dead
        if force:
            if now - self.forced_at.get(appid, -APART) >= APART:
                self.platform.count("force_refresh", appid)
                self.forced_at[appid] = now
                if current is not None:
                    current.dead = True
                good = False
        elif good and current.until - now <= OVERLAP:
            good = False
        if not good:
            current = self.stable[appid] = self._new(appid)
        return self._answer(current)

    def get_plain(self, appid):
        """A new token at every call; the one before lives for another five minutes at most."""
        before = self.plain.get(appid)
        if before is not None:
            before.until = min(before.until, self.platform.now() + OVERLAP)
            before.replaced = True
        self.plain[appid] = self._new(appid)
        return self._answer(self.plain[appid])

    def _answer(self, token):
        return {"access_token": token.word, "expires_in": int(token.until - self.platform.now())}

    def appid_of(self, word):
        """Whose token this is; Refusal for one that is missing, malformed, out of use or at its end."""
        if not word:
            raise Refusal(41001)
        if not LOOKS_LIKE_ONE.fullmatch(word):
            raise Refusal(40014)
        token = self.known.get(word)
        if token is None or token.dead:
            raise Refusal(40001)
        if token.until <= self.platform.now():
            # One that was pushed out by its successor is "not latest", one that simply ran out has expired.
            raise Refusal(40001 if token.replaced else 42001)
        return token.appid

    def revoke(self):
        """Every token dies, as when the secret is reset in the console."""
        for token in self.known.values():
            token.dead = True
