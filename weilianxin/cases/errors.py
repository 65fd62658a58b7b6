"""Why an act was not done, in a sentence its reader can act upon."""

from django.utils.translation import gettext as _

from weilianxin.lib import refusal


class Refused(refusal.Refused):
    """The act breaks a rule. `str()` is the sentence."""

    status = 409


class NotAllowed(Refused):
    """Somebody else may do this, not this actor."""

    def __init__(self, message=None):
        super().__init__(message or _("这一步要由别的岗位来办。"))


class Changed(Refused):
    """Somebody else was quicker."""

    def __init__(self, event=None):
        if event is None:
            message = _("这件事刚刚有了变化，请看最新情况再办。")
        else:
            message = _("%(who)s刚刚办了“%(act)s”，请看最新情况再办。") % {"who": event["who"], "act": event["act"]}
        super().__init__(message)


class Invalid(Refused):
    """Something is missing or wrong in what was filled in. `field` says where."""

    status = 422
