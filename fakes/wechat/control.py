"""`/__ctl/…`: what a test or the demo's telephone tells the platform, in JSON. Never part of the real one.

| POST | JSON | does |
|---|---|---|
| reset | `{seed?}` | everything is forgotten but the default app |
| seed | `{apps, users, templates, limits, bad_words, bad_media}` | adds or changes them |
| clock | `{advance}` or `{set}` | moves the platform's time, in seconds |
| user | `{name, phone?, high_risk?, main_switch?, idle?}` | changes a person; answers with their openid |
| template | `{template_id, title, fields, appid?, long_term?, choices?}` | adds one |
| fault | a rule of `faults.py`, or `{clear: true}` | |
| push | `{event: {…}, user, appid?}`, `{verify: true}` or `{again: n}` | pushes now; answers with what came back |
| phone | `{user, do: login, phone, subscribe or settings, …}` | what a person does on a telephone |
| strict | `{on}` | refuse what the documentation does not know |

GET: `log` (calls, pushes and violations), `received?user=` (the ledger), `state` (permissions left, tokens issued).
"""

from dataclasses import asdict

from . import phone, push
from .platform import APPID


def reset(platform, said):
    platform.reset(said.get("seed", 1))
    return {}


def seed(platform, said):
    for facts in said.get("apps", ()):
        known = platform.apps.get(facts.get("appid", APPID))
        platform.add_app(**(asdict(known) if known else {}) | facts)
    for facts in said.get("users", ()):
        user(platform, facts)
    for facts in said.get("templates", ()):
        template(platform, facts)
    for name, limits in said.get("limits", {}).items():
        platform.limits[name] = tuple(limits)
    platform.bad_words |= said.get("bad_words", {})
    platform.bad_media |= said.get("bad_media", {})
    return {}


def clock(platform, said):
    platform.skew = said["set"] - (platform.now() - platform.skew) if "set" in said else platform.skew + said["advance"]
    return {"now": platform.now()}


def user(platform, said):
    found, appid = platform.user(said["name"]), said.get("appid", APPID)
    for name in ("phone", "country", "high_risk", "main_switch"):
        if name in said:
            setattr(found, name, said[name])
    if "idle" in said:  # seconds since they last used the app
        found.active[appid] = platform.now() - said["idle"]
    return {"openid": found.openid(appid)}


def template(platform, said):
    platform.add_template(**said)
    return {}


def fault(platform, said):
    if said.get("clear"):
        platform.faults.clear()
    else:
        platform.faults.add(**said)
    return {}


def push_now(platform, said):
    app = platform.apps[said.get("appid", APPID)]
    if said.get("verify"):
        return {"verified": push.verify(platform, app)}
    return {"answers": push.send(platform, app, platform.user(said["user"]), said["event"])}


def telephone(platform, said):
    """A person's hand: login and phone give a code, subscribe the answers, settings nothing."""
    name, appid = said["user"], said.get("appid", APPID)
    if said["do"] == "login":
        return {"code": phone.log_in(platform, name, appid)}
    if said["do"] == "phone":
        return {"code": phone.give_phone(platform, name, appid)}
    if said["do"] == "subscribe":
        try:
            return {"results": phone.answer_question(platform, name, appid, said["choices"])}
        except phone.NotShown as error:
            return {"errCode": error.code}
    rest = {key: said[key] for key in ("main_switch", "ban", "unban") if key in said}
    phone.change_settings(platform, name, appid, **rest)
    return {}


def strict(platform, said):
    platform.strict = bool(said.get("on", True))
    return {}


def log(platform, query):
    return {"log": platform.log[-1000:], "violations": platform.violations}


def received(platform, query):
    return {"received": platform.received(query.get("user"))}


def state(platform, query):
    left = [{"openid": pair[0], "template_id": pair[1], "left": n} for pair, n in platform.permissions.items() if n]
    return {"now": platform.now(), "permissions": left, "tokens_issued": len(platform.tokens.issued)}


POST = {
    "reset": reset,
    "seed": seed,
    "clock": clock,
    "user": user,
    "template": template,
    "fault": fault,
    "push": push_now,
    "phone": telephone,
    "strict": strict,
}
GET = {"log": log, "received": received, "state": state}
