"""What people are asked to agree to, in versions, and the ledger of who agreed to which (PIPL arts. 14 to 17).

The texts are data files `data/<purpose>_v<n>.<language>.md`. A changed text is a new file with the next number:
then everybody is asked again. Files that somebody agreed to are never edited.
"""

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils.translation import get_language

from weilianxin.journal import log

from .models import Account

FOLDER = Path(__file__).parent / "data"
SERVICE = "service"  # the only one the service cannot do without
CONTACT = "contact"  # given aloud, for name and number beside one matter: read out by whoever takes it down
FILES = {SERVICE: "consent_service", CONTACT: "consent_contact", "privacy": "privacy"}  # privacy: told, not agreed to


@dataclass(frozen=True)
class Version:
    """One version of a text. `hash` is the SHA-256 of all its languages."""

    purpose: str
    version: str
    texts: tuple[tuple[str, str], ...]
    hash: str

    def text(self, language=None):
        texts = dict(self.texts)
        return texts["en" if (language or get_language()) == "en" else "zh"]


@functools.cache
def current_version(purpose):
    """The newest Version of this purpose's text; LookupError for a purpose that has none."""
    stem = FILES.get(purpose)
    if stem is None:
        raise LookupError(purpose)
    numbers = [int(re.search(r"_v(\d+)\.", path.name)[1]) for path in FOLDER.glob(f"{stem}_v*.zh.md")]
    version = f"v{max(numbers)}"
    texts = tuple(
        (language, (FOLDER / f"{stem}_{version}.{language}.md").read_text(encoding="utf-8"))
        for language in ("zh", "en")
    )
    whole = "\x00".join(text for _language, text in texts)
    return Version(purpose, version, texts, hashlib.sha256(whole.encode()).hexdigest())


def current_text(purpose, language=None):
    """The newest text, in the reader's language."""
    return current_version(purpose).text(language)


def has_consent(account, purpose=SERVICE):
    """Whether the account agrees to the newest version and has not withdrawn."""
    version = current_version(purpose).version
    return account.consents.filter(purpose=purpose, version=version, withdrawn_at__isnull=True).exists()


def give(account, purpose, at, channel="web", by=None):
    """Write down that the account agrees to the newest version; an older agreement ends. Twice changes nothing.

    `by` is the member of staff who heard it, where it was given aloud.
    """
    newest = current_version(purpose)
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        if has_consent(account, purpose):
            return
        account.consents.filter(purpose=purpose, withdrawn_at__isnull=True).update(withdrawn_at=at)
        account.consents.create(
            purpose=purpose, version=newest.version, text_hash=newest.hash, channel=channel, given_at=at
        )
        facts = {"purpose": purpose, "version": newest.version, "text": newest.hash}
        log.append(account.ref, "consent_given", (by or account).ref, facts, at=at)


def withdraw(account, purpose, at):
    """Withdraw; takes effect at once. False if there was nothing to withdraw."""
    with transaction.atomic():
        changed = account.consents.filter(purpose=purpose, withdrawn_at__isnull=True).update(withdrawn_at=at)
        if changed:
            log.append(account.ref, "consent_withdrawn", account.ref, {"purpose": purpose}, at=at)
    return bool(changed)
