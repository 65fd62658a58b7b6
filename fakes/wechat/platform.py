"""What the platform remembers: its apps, people, codes, permissions and everything that a person really received."""

import base64
import hashlib
import random
import secrets
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from .errors import Refusal

CODE_LIFE = 300  # seconds; a login code and a phone code alike
ACTIVE = 2 * 3600  # seconds after which somebody is no longer "active" for a text check
MINUTE, DAY = 60, 86400
LIMITS = {
    # calls per minute and per day; None for no such limit
    "jscode2session": (100, None),  # each person
    "getuserphonenumber": (100, None),
    "stable_token": (10_000, 500_000),
    "force_refresh": (None, 20),
    "token": (None, 2_000),
    "subscribe": (None, 10_000_000),
    "subscribe_paid": (None, 30_000_000),
    "getwxacodeunlimit": (5_000, None),
    "msg_sec_check": (4_000, 2_000_000),
    "media_check_async": (2_000, 200_000),
    "pages_unchecked": (None, 60_000),
}
APPID, SECRET = "wxfake000000000001", "fake-secret-of-a-demo"
PUSH_TOKEN, AES_KEY = "fakepushtoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@dataclass
class App:
    """A mini-program as its console knows it."""

    appid: str = APPID
    secret: str = SECRET
    name: str = "微连心"
    pages: list | None = None  # what is published; None: any page
    unauthorised: list = field(default_factory=list)  # names of calls that answer 48001
    ip_allow: list | None = None
    paid: bool = False
    open_platform: bool = False  # bound, so that people have a unionid
    site: str = "https://weilianxin.example"  # of the link that stands for a drawn code
    push_url: str = ""
    push_token: str = PUSH_TOKEN
    aes_key: str = AES_KEY
    push_format: str = "json"  # or xml
    push_mode: str = "aes"  # or plain, or compat: both
    push_events: bool = False  # tell of permissions given and messages sent
    media_push: int = 2  # the shape of a media check's result


@dataclass
class User:
    """A person of WeChat. `openid` differs from app to app."""

    name: str
    phone: str = ""
    country: str = "86"
    high_risk: bool = False
    main_switch: bool = True  # messages of mini-programs are wanted at all
    active: dict = field(default_factory=dict)  # appid -> when they last used it

    def openid(self, appid):
        digest = hashlib.sha256(f"{appid}/{self.name}".encode()).digest()
        return "o" + base64.urlsafe_b64encode(digest).decode()[:27]

    @property
    def unionid(self):
        return "u" + base64.urlsafe_b64encode(hashlib.sha256(self.name.encode()).digest()).decode()[:27]


@dataclass
class Template:
    """A message an app may send: `fields` are keys like `thing1` with what they are called."""

    template_id: str
    title: str
    fields: dict  # key -> label
    long_term: bool = False
    choices: dict = field(default_factory=dict)  # key -> values of an enum


@dataclass
class Code:
    kind: str  # login | phone
    appid: str
    user: User
    until: float
    used: bool = False


class Platform:
    """All state, behind one lock. `clock` moves time; `seeded` makes faults that come by chance repeatable."""

    def __init__(self, seeded=1):
        self.lock = threading.RLock()
        self.reset(seeded)

    def reset(self, seeded=1):
        from .faults import Faults
        from .tokens import Tokens

        with self.lock:
            self.skew = 0.0
            self.strict = False
            self.chance = random.Random(seeded)
            self.apps, self.users, self.codes, self.templates = {}, {}, {}, {}
            self.permissions = defaultdict(int)  # (openid, template) -> sends left; -1: for ever
            self.banned = set()  # (openid, template): "always refuse" in the settings of that app
            self.ledger, self.log, self.pushes, self.violations = [], [], [], []
            self.windows = defaultdict(deque)
            self.limits = dict(LIMITS)
            self.bad_words, self.bad_media = {}, {}
            self.unchecked_pages = set()
            self.phone_answers = 0
            self.tokens, self.faults = Tokens(self), Faults(self)
            self.add_app()

    def now(self):
        return time.time() + self.skew

    # Who and what there is

    def add_app(self, **facts):
        app = App(**facts)
        self.apps[app.appid] = app
        return app

    def add_user(self, name, **facts):
        with self.lock:
            user = self.users[name] = User(name, **facts)
            return user

    def user(self, name):
        """The person called so, made when nobody is: in the demo anybody may come along."""
        with self.lock:
            return self.users.get(name) or self.add_user(name)

    def add_template(self, template_id, title, fields, appid=APPID, **facts):
        with self.lock:
            self.templates[appid, template_id] = template = Template(template_id, title, dict(fields), **facts)
            return template

    def user_of(self, appid, openid):
        """The person with this openid in this app, or None."""
        return next((user for user in self.users.values() if user.openid(appid) == openid), None)

    def belongs_elsewhere(self, appid, openid):
        """Whether the openid is somebody's in another app."""
        return any(
            user.openid(other) == openid for other in self.apps if other != appid for user in self.users.values()
        )

    # Codes

    def issue_code(self, kind, user, appid):
        with self.lock:
            code = secrets.token_urlsafe(24)
            user.active[appid] = self.now()
            self.codes[code] = Code(kind, appid, user, self.now() + CODE_LIFE)
            return code

    def use_code(self, kind, code, appid, used=40029):
        """The Code, used up; Refusal 40029 for a wrong or an old one, `used` for one that was used."""
        found = self.codes.get(code)
        if found is None or found.kind != kind or found.appid != appid:
            raise Refusal(40029)
        if found.used:
            raise Refusal(used)
        if found.until <= self.now():
            raise Refusal(40029)
        found.used = True
        return found

    # Quotas

    def count(self, name, key="", minute_code=45009):
        """Count one call of `name` by `key`; Refusal once the minute or the day is full."""
        a_minute, a_day = self.limits[name]
        for seconds, most, code in ((MINUTE, a_minute, minute_code), (DAY, a_day, 45009)):
            if most is None:
                continue
            window, now = self.windows[name, key, seconds], self.now()
            while window and window[0] <= now - seconds:
                window.popleft()
            if len(window) >= most:
                raise Refusal(code)
            window.append(now)

    # What a person received

    def deliver(self, user, app, template, said):
        self.ledger.append(
            {
                "at": self.now(),
                "user": user.name,
                "openid": user.openid(app.appid),
                "template_id": template.template_id,
                "title": template.title,
                "lines": [[template.fields.get(k, k), v["value"]] for k, v in said["data"].items()],
                "page": said.get("page", ""),
                "lang": said.get("lang", ""),
                "state": said.get("miniprogram_state", ""),
                "msgid": len(self.ledger) + 1,
            }
        )
        return self.ledger[-1]

    def received(self, user=None):
        with self.lock:
            return [row for row in self.ledger if user is None or row["user"] == user]
