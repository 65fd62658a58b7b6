"""Asking the platform: one connection pool, short timeouts, and a token that all processes share."""

import threading

import httpx
from django.conf import settings

from ..errors import NotConfigured, Retry
from . import token
from .verdicts import RefreshToken, verdict

# Seconds. A person may be waiting for the answer, and the loop has other messages to send.
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=5.0)
LARGEST = 2 * 1024 * 1024  # bytes of an answer; a picture of a code is far below

_clients, _lock = {}, threading.Lock()


def configured():
    """Whether this installation has a mini-program."""
    return bool(settings.WECHAT_APPID and settings.WECHAT_SECRET and settings.WECHAT_BASE)


def call(path, said, *, picture=False):
    """POST `said` with the token; the answer as a dict, or as bytes where a `picture` is expected.

    A token that is refused is fetched anew and the call made once more.
    """
    word = token.current(fetch_token)
    try:
        return ask("POST", path, query={"access_token": word}, said=said, picture=picture)
    except RefreshToken:
        word = token.refused(word, fetch_token)
    try:
        return ask("POST", path, query={"access_token": word}, said=said, picture=picture)
    except RefreshToken as error:
        raise Retry(error.code) from None


def fetch_token(force=False):
    """(token, seconds it lives) from the platform. In normal mode it gives the same one until it is nearly over, so
    that several machines may ask; forced, the one before dies at once."""
    said = credentials() | {"grant_type": "client_credential", "force_refresh": force}
    try:
        answer = ask("POST", "/cgi-bin/stable_token", said=said)
    except (RefreshToken, Retry) as error:  # whatever the token was wanted for has not been done
        raise Retry(error.code) from None
    word, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(word, str) or not word or not isinstance(seconds, int):
        raise Retry("wechat-answer")
    return word, seconds


def credentials():
    if not configured():
        raise NotConfigured("wechat")
    return {"appid": settings.WECHAT_APPID, "secret": settings.WECHAT_SECRET}


def ask(method, path, *, query=None, said=None, picture=False):
    """One request, without a second try. Raises RefreshToken, Retry or GiveUp."""
    if not configured():
        raise NotConfigured("wechat")
    try:
        answer = client().request(method, path, params=query, json=said)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        raise Retry("wechat-unreachable") from None
    except httpx.TimeoutException:
        raise Retry("wechat-timeout", unsure=True) from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL):
        raise NotConfigured("wechat-base") from None
    except httpx.HTTPError:
        raise Retry("wechat-cut", unsure=True) from None
    if answer.status_code != 200:
        raise Retry(f"wechat-http-{answer.status_code}", unsure=answer.status_code >= 500)
    if picture and answer.headers.get("content-type", "").startswith("image/"):
        return answer.content[:LARGEST]
    try:
        told = answer.json()
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(number := told.get("errcode", 0), int):
        raise Retry("wechat-answer", unsure=True)  # half an answer, or a page of somebody in between
    if number:
        raise verdict(number)
    if picture:
        raise Retry("wechat-answer")
    return told


def client():
    """The pool of connections of this process. Nothing of the machine's proxy settings is used."""
    with _lock:
        base = settings.WECHAT_BASE
        if base not in _clients:
            _clients[base] = httpx.Client(
                base_url=base, timeout=TIMEOUT, limits=LIMITS, trust_env=False, follow_redirects=False
            )
        return _clients[base]
