"""The one shape in which the API says that something was not done, and how a request of the API is known.

`{"error": {"code": …, "message": …, "field": …}}`: `code` is for programs, `message` a sentence for a person, `field`
the name of what it is about or null. It lies here because refusals come from the edge, the frame and the rooms alike.
"""

from django.http import JsonResponse

PREFIX = "/api/"
CODES = (
    "unauthorised",  # 401: no token, or one that is not good any more
    "not_allowed",  # 403: somebody else may do this
    "not_found",  # 404: there is none, or it is not theirs
    "method",  # 405
    "changed",  # 409: somebody else was quicker; look again
    "refused",  # 409: a rule is against it
    "too_large",  # 413
    "invalid",  # 422: a field is missing or wrong
    "edge",  # 422: what could not be stored the same way everywhere
    "integrity",  # 422: nothing was kept; `ways` says whom to turn to
    "throttled",  # 429: too often; waiting helps
    "broken",  # 500: ours
)


def is_api(request):
    """Whether a request is one of the API's, whatever comes of it."""
    return request.path_info.startswith(PREFIX)


def asks_json(request):
    """Whether whoever asks reads `problem`: the API, or a phone of staff that sends what it kept without network."""
    return is_api(request) or request.headers.get("Accept") == "application/json"


def problem(code, message, status, field=None, **more):
    """The answer that says why something was not done. `more` stands beside the error."""
    body = {"error": {"code": code, "message": str(message), "field": field}, **more}
    return JsonResponse(body, status=status, json_dumps_params={"ensure_ascii": False})
