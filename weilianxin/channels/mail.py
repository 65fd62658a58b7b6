"""Mail through the operator's SMTP server (WEILIANXIN_SMTP_*)."""

import re
import smtplib
from email.utils import make_msgid

from django.conf import settings
from django.core.mail import BadHeaderError, EmailMessage, get_connection

from .errors import GiveUp, NotConfigured, Retry

TIMEOUT = 20  # seconds


def configured():
    """Whether there is a server to hand mail to."""
    return bool(settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL)


def send(address, title, body):
    """Send a plain text mail; returns its Message-ID. Raises Retry, GiveUp or NotConfigured."""
    if not configured():
        raise NotConfigured("mail")
    if not re.fullmatch(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,190}", address or ""):
        raise GiveUp("bad-address")
    message = EmailMessage(" ".join(title.split()), body, to=[address], connection=get_connection(timeout=TIMEOUT))
    # Made here, so that the receipt is the id the mail really bears.
    message.extra_headers["Message-ID"] = receipt = _message_id()
    try:
        message.send()
    except smtplib.SMTPAuthenticationError:
        raise Retry("smtp-auth") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _answered(min((code for code, _words in error.recipients.values()), default=450)) from None
    except smtplib.SMTPResponseException as error:
        raise _answered(error.smtp_code) from None
    except smtplib.SMTPNotSupportedError:
        raise Retry("smtp-unsupported") from None
    except (BadHeaderError, UnicodeError):
        raise GiveUp("bad-address") from None
    except TimeoutError:
        raise Retry("timeout") from None
    except (smtplib.SMTPException, OSError):
        raise Retry("unreachable") from None
    return receipt


def _answered(code):
    """What a refusal with this SMTP code means: 5xx is for ever, everything else may pass."""
    return GiveUp(f"smtp-{code}") if 500 <= code < 600 else Retry(f"smtp-{code}")


def _message_id():
    return make_msgid(domain=settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >") or None)
