"""Log lines that carry no personal data: an exception is its kind and its place, never its words, and a request is
the pattern of its address, never what stood in it (the token of a link, the number of a matter)."""

import logging
import traceback


def pattern(request):
    """The address of a request as the urls write it; nothing of one that fits none of them."""
    match = getattr(request, "resolver_match", None)
    return "/" + match.route if match is not None and match.route else "/…"


class AddressFilter(logging.Filter):
    """In lines about a request its path becomes the pattern of its path."""

    def filter(self, record):
        request = getattr(record, "request", None)
        if hasattr(request, "path") and isinstance(record.args, tuple):
            own = (request.path, request.path_info, request.get_full_path())
            record.args = tuple(pattern(request) if isinstance(a, str) and a in own else a for a in record.args)
        return True


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
