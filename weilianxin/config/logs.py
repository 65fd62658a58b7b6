"""Log lines that carry no personal data: an exception is its kind and its place, never its words."""

import logging
import traceback


class Line(logging.Formatter):
    """Formats an exception without its message, which may repeat what somebody typed or a row of the database."""

    def formatException(self, ei):  # noqa: N802 (the name logging gives it)
        lines, error, seen = [], ei[1], set()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
            lines += [f"  {f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
            error = error.__cause__ or error.__context__
        return "\n".join(lines)

    def format(self, record):
        # A handler before this one may have kept the full text of the exception on the record.
        record.exc_text = None
        return super().format(record)
