"""Somebody who speaks JSON: with a token or without, one call at a time."""

import io
import secrets

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from weilianxin.people import tokens

BASE = "/api/v1"


class Caller:
    """`get`, `post`, `patch` and `delete` answer with the response; its JSON is `response.json()`."""

    def __init__(self, account=None, *, token=None, language=""):
        self.token = tokens.issue(account, "test", timezone.now())[0] if account is not None else token
        self.language, self.client = language, Client()

    def headers(self, key=None):
        found = {"Idempotency-Key": key or secrets.token_hex(8)}
        if self.token:
            found["Authorization"] = f"Bearer {self.token}"
        if self.language:
            found["Accept-Language"] = self.language
        return found

    def get(self, path, **query):
        return self.client.get(BASE + path, query, headers=self.headers())

    def post(self, path, body=None, *, key=None):
        return self.client.post(BASE + path, body or {}, content_type="application/json", headers=self.headers(key))

    def patch(self, path, body):
        return self.client.patch(BASE + path, body, content_type="application/json", headers=self.headers())

    def delete(self, path):
        return self.client.delete(BASE + path, headers=self.headers())

    def raw(self, path, body, content_type="application/json"):
        return self.client.post(BASE + path, body, content_type=content_type, headers=self.headers())

    def upload(self, colour="green"):
        """Send a photo ahead; its id."""
        answer = self.client.post(BASE + "/photos", {"photo": picture(colour)}, headers=self.headers())
        assert answer.status_code == 201, answer.content
        return answer.json()["id"]


def picture(colour="green"):
    out = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(out, "JPEG")
    return SimpleUploadedFile("a.jpg", out.getvalue(), "image/jpeg")


def error_of(response):
    """(status, code, field) of a refusal, whose sentence is never empty."""
    error = response.json()["error"]
    assert error["message"], error
    return response.status_code, error["code"], error["field"]
