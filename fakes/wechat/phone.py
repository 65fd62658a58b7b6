"""What a person does in WeChat on a telephone, as far as the platform notices."""

import secrets

MOST_IDS = 5  # templates in one question; it was three before
ANSWERS = ("accept", "reject", "ban", "filter")


class NotShown(Exception):
    """The question was not put to the person: the number that `wx.requestSubscribeMessage` fails with."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def log_in(platform, name, appid):
    """`wx.login`: a code for the app's server."""
    return platform.issue_code("login", platform.user(name), appid)


def give_phone(platform, name, appid):
    """A tap on the button that asks for the phone number."""
    user = platform.user(name)
    user.phone = user.phone or f"1390000{secrets.randbelow(10_000):04d}"
    return platform.issue_code("phone", user, appid)


def answer_question(platform, name, appid, choices):
    """`wx.requestSubscribeMessage` with what the person answers: {template id: answer} as the app gets it.

    Each "accept" is one message more (or, for a long-term template, as many as one likes); "ban" refuses this and all
    later ones. Of templates with the same title only the first is asked about. Raises NotShown.
    """
    with platform.lock:
        user = platform.user(name)
        openid = user.openid(appid)
        if not choices:
            raise NotShown(20001)
        if len(choices) > MOST_IDS:
            raise NotShown(20003)
        found = {key: platform.templates.get((appid, key)) for key in choices}
        if None in found.values():
            raise NotShown(20001)
        if len({template.long_term for template in found.values()}) > 1:
            raise NotShown(20002)
        if not user.main_switch:
            raise NotShown(20004)
        user.active[appid] = platform.now()
        titles, said = set(), {}
        for key, wanted in choices.items():
            if wanted not in ANSWERS:
                raise ValueError(wanted)
            template, pair = found[key], (openid, key)
            if template.title in titles:
                said[key] = "filter"
                continue
            titles.add(template.title)
            said[key] = "reject" if pair in platform.banned and wanted == "accept" else wanted
            if wanted == "ban":
                platform.banned.add(pair)
            if said[key] == "accept":
                platform.permissions[pair] = -1 if template.long_term else platform.permissions[pair] + 1
        app = platform.apps[appid]
        if app.push_events:
            rows = [
                {"TemplateId": key, "SubscribeStatusString": answer, "PopupScene": "0"}
                for key, answer in said.items()
                if answer in ("accept", "reject")
            ]
            platform.pushes.append((app, user, {"Event": "subscribe_msg_popup_event", "List": rows}))
        return said


def change_settings(platform, name, appid, *, main_switch=None, unban=(), ban=()):
    """The settings page of WeChat: messages at all, and the templates one always refuses."""
    with platform.lock:
        user = platform.user(name)
        if main_switch is not None:
            user.main_switch = bool(main_switch)
        openid = user.openid(appid)
        platform.banned |= {(openid, key) for key in ban}
        platform.banned -= {(openid, key) for key in unban}
