"""The language of a page: what the switch says (a cookie), else the installation's. A browser's wishes are not asked,
so that a phone set to another language still shows what the neighbours see. The API has no cookies: there the header
`Accept-Language` is the switch."""

from django.conf import settings
from django.utils import translation

from .problem import is_api


class LanguageMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response
        self.known = {code for code, _name in settings.LANGUAGES}

    def __call__(self, request):
        if is_api(request):
            wished = request.headers.get("Accept-Language", "")[:2].lower()
            chosen = {"zh": "zh-hans", "en": "en"}.get(wished, "")
        else:
            chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        request.language_chosen = chosen in self.known
        with translation.override(chosen if request.language_chosen else settings.LANGUAGE_CODE):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
            return response
