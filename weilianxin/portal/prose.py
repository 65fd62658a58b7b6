"""Our own short texts, written with a little Markdown, as HTML: headings, paragraphs, lists, bold. Nothing else."""

import re

from django.utils.html import escape
from django.utils.safestring import mark_safe


def prose(text, level=2):
    """`text` as safe HTML; everything in it is escaped. `# ` becomes a heading of `level`."""
    out, items, kind = [], [], ""

    def end_list():
        nonlocal items, kind
        if items:
            out.append(f"<{kind}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{kind}>")
        items, kind = [], ""

    for line in text.splitlines():
        line = line.strip()
        words = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(line))
        listed = re.match(r"(- |\d+\. )", line)
        if listed:
            wanted = "ul" if line.startswith("-") else "ol"
            if kind and kind != wanted:
                end_list()
            kind = wanted
            items.append(words[len(listed[0]) :])
            continue
        end_list()
        if line.startswith("#"):
            depth = min(level + len(line) - len(line.lstrip("#")) - 1, 6)
            out.append(f"<h{depth}>{words.lstrip('# ')}</h{depth}>")
        elif line:
            out.append(f"<p>{words}</p>")
    end_list()
    return mark_safe("\n".join(out))  # escaped line by line above
