"""What the platform says when it refuses: a number and some words. Clients decide by the number only."""

import secrets

BUSY = -1
WORDS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40037: "invalid template_id",
    40097: "invalid args",
    40125: "invalid appsecret",
    40129: "invalid scene",
    40163: "code been used",
    40164: "invalid ip, not in whitelist",
    40165: "invalid weapp pagepath",
    40169: "invalid length for scene, or the data is not json string",
    40212: "invalid query",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    43104: "appid not match openid",
    43302: "method not allowed",
    44002: "empty post data",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    61010: "code is expired, user not active",
    85401: "expire time or interval out of range",
    87014: "risky content",
}


class Refusal(Exception):
    """The call is refused with `code`; `more` names what was wrong, as in `data.thing1.value invalid`."""

    def __init__(self, code, more=""):
        super().__init__(code)
        self.code, self.more = code, more


def body(code, more=""):
    """The JSON of a refusal, with the request's id at the end of its words as the platform writes it."""
    words = f"{WORDS.get(code, 'error')} {more}".strip()
    rid = "-".join(secrets.token_hex(4) for _part in range(3))
    return {"errcode": code, "errmsg": f"{words} rid: {rid}"}
