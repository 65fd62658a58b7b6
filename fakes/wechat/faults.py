"""What goes wrong on purpose, by rules: which calls, how often, and how.

A rule: {"endpoint": name of a call or "*", "match": words that stand in the query or the body, "nth": the how-manyeth
matching call (or a list of them), "probability": 0 to 1, "times": how often at most, "action": one of ACTIONS,
"value": what the action needs}. Rules are asked in order, the first that fits acts.
"""

from dataclasses import dataclass, field

ACTIONS = {
    "errcode": "answer with this error number",
    "http": "answer with this HTTP status and a page of HTML",
    "delay": "answer after so many milliseconds",
    "hang": "never answer; the connection stays open for `value` milliseconds (a minute)",
    "reset": "cut the connection before anything is done",
    "truncate": "do it, and cut the answer in half",
    "html": "answer 200 with a page of HTML instead of JSON",
    "duplicate-effect": "do it twice",
    "drop": "do it, and cut the connection instead of answering",
    "revoke": "let every token die, then go on",
    "skew": "move the platform's clock by so many seconds, then go on",
}


@dataclass
class Rule:
    action: str
    endpoint: str = "*"
    match: str = ""
    nth: object = None
    probability: float = 1.0
    times: int | None = None
    value: object = None
    seen: int = 0
    acted: int = field(default=0)

    def __post_init__(self):
        if self.action not in ACTIONS:
            raise ValueError(f"no action {self.action}")

    def fits(self, name, words):
        return self.endpoint in ("*", name) and self.match in words

    def acts_now(self, chance):
        self.seen += 1
        if self.times is not None and self.acted >= self.times:
            return False
        if self.nth is not None:
            wanted = self.nth if isinstance(self.nth, list) else [self.nth]
            if self.seen not in wanted:
                return False
        return self.probability >= 1 or chance.random() < self.probability


class Faults:
    def __init__(self, platform):
        self.platform, self.rules = platform, []

    def add(self, **facts):
        rule = Rule(**facts)
        with self.platform.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        with self.platform.lock:
            self.rules.clear()

    def for_call(self, name, words):
        """The rule that acts on this call, or None."""
        with self.platform.lock:
            for rule in self.rules:
                if rule.fits(name, words) and rule.acts_now(self.platform.chance):
                    rule.acted += 1
                    return rule
        return None
