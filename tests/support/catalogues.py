"""The English catalogue and the Chinese sentences it translates: `python -m tests.support.catalogues [--check]`.

Without --check the sentences of the sources are merged into weilianxin/locale/en; with it nothing is written, and the
exit code is 1 when a sentence has no English or its placeholders differ.
"""

import io
import os
import re
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "weilianxin"
MINI = ROOT / "miniprogram"
NOT_OURS = {"node_modules", "dist", "generated", "harness"}
ENGLISH = SOURCES / "locale" / "en" / "LC_MESSAGES" / "django.po"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
CALL = re.compile(r"\bt\(\s*'((?:[^'\\]|\\.)+)'")
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z_]*\}")


def sentences():
    """Every message of the sources, as (file, line, message, comments, context)."""
    from django.utils.translation.template import templatize

    for path in sorted(SOURCES.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            source, method = path.read_bytes(), "python"
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            # What templatize leaves looks like program text with calls of gettext in it.
            source, method = templatize(path.read_text(encoding="utf-8")).encode(), "javascript"
        else:
            continue
        for line, message, comments, context in extract(method, io.BytesIO(source), KEYWORDS):
            yield path.relative_to(ROOT).as_posix(), line, message, comments, context


def sentences_of_the_mini_program():
    """The messages of the mini-program: what stands in `t('…')`, as harness/generate.mjs finds it."""
    for path in sorted([*MINI.rglob("*.wxml"), *MINI.rglob("*.ts")]):
        if NOT_OURS & set(path.relative_to(MINI).parts):
            continue
        for message in CALL.findall(path.read_text(encoding="utf-8")):
            yield path.relative_to(ROOT).as_posix(), None, message, (), None


def template():
    catalogue = Catalog(charset="utf-8", fuzzy=False)
    for path, _line, message, comments, context in (*sentences(), *sentences_of_the_mini_program()):
        catalogue.add(message, locations=[(path, None)], auto_comments=comments, context=context)
    return catalogue


def english():
    if not ENGLISH.exists():
        return Catalog(locale="en", charset="utf-8", fuzzy=False)
    with ENGLISH.open("rb") as source:
        return read_po(source, locale="en")


def update():
    """Merge the sources' sentences into the English catalogue; returns how many have no English yet."""
    catalogue = english()
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as out:
        write_po(out, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)
    return sum(1 for _fault in faults(catalogue))


def parts(value):
    return [value] if isinstance(value, str) else list(value or ())


def said_again(text):
    """Whether a sentence is nothing but another one several times."""
    return len(text) > 40 and text in (text + text)[1:-1]


def faults(catalogue=None):
    """What is wrong with the English catalogue, sentence by sentence."""
    catalogue = english() if catalogue is None else catalogue
    for wanted in template():
        if not wanted.id:
            continue
        sentence = parts(wanted.id)[-1]
        found = catalogue.get(wanted.id if isinstance(wanted.id, str) else wanted.id[0], wanted.context)
        if found is None or not found.string or not all(parts(found.string)):
            yield f"no English: {sentence!r} ({wanted.locations[0][0]})"
        elif found.fuzzy:  # which no page would show
            yield f"English to be looked at: {sentence!r}"
        elif any(said_again(text) for text in parts(found.string)):
            yield f"English said more than once: {sentence!r}"
        elif set(PLACEHOLDER.findall(sentence)) != set(PLACEHOLDER.findall(parts(found.string)[-1])):
            yield f"other placeholders: {sentence!r}"


def main(arguments):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilianxin.config.settings")
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=True)
    if "--check" in arguments:
        found = list(faults())
        print("\n".join(found[:40]) or "every sentence has its English")
        if len(found) > 40:
            print(f"and {len(found) - 40} more")
        return 1 if found else 0
    print(f"{update()} sentences have no English yet: {ENGLISH.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
