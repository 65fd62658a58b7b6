"""What each of the platform's error numbers means to us: one of try later, fetch a token, give up and tell whom.

The numbers are those of the platform's documentation of the calls that we make. Words that come with a number are never
looked at: they change, and may repeat what was sent.
"""

from ..errors import ChannelError, GiveUp, Retry


class RefreshToken(ChannelError):
    """The token is not good any more. The client fetches another and asks once more; nobody else ever sees this."""


BUSY = {-1, 45009, 45011}  # the platform itself, the day's or the minute's quota
TOKEN = {40001, 40014, 41001, 42001}
OPERATOR = {
    # The account, its secret, its rights, the address we call from
    *(40002, 40013, 40125, 40164, 41002, 41004, 43104, 48001),
    # Templates, fields and pages that are set up wrongly
    *(40037, 41030, 40165, 47003),
    # A call that the platform does not take as we make it
    *(40097, 40129, 40169, 40212, 43001, 43002, 43302, 44002, 45002, 47001, 85401),
}
USER = {
    40003,  # not a person of this mini-program
    40029,  # the code is wrong or too old
    40163,  # the code was used
    40226,  # WeChat itself does not let this person in
    41008,  # no code
    43101,  # does not want this message, or allowed no more of them
    61010,  # not active for two hours, so nothing of theirs can be checked
    87014,  # what they wrote is not allowed
}


def verdict(number):
    """The exception for an error number. One that is not documented may pass, so it is tried again, not for ever."""
    code = f"wechat-{number}"
    if number in TOKEN:
        return RefreshToken(code)
    if number in OPERATOR:
        return GiveUp(code, GiveUp.OPERATOR)
    if number in USER:
        return GiveUp(code, GiveUp.USER)
    return Retry(code)
