"""A POST to a partner's own address, signed, to nowhere but the public net.

The address is resolved here, every address it stands for must be a public one, and the connection goes to the one that
was looked at, so that a name cannot mean another machine a moment later. Nothing is followed, little is read, and all
of it is over within `IN_ALL` seconds, however slowly something comes.
"""

import base64
import contextlib
import hmac
import ipaddress
import queue
import socket
import threading
import time
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from .errors import Retry

TIMEOUT = httpx.Timeout(10.0, connect=3.0)  # of a single step: the connection, TLS, a read
IN_ALL = 10  # seconds for everything together
LOOKUP = 3  # of these for the name
READ = 2000  # bytes of an answer that are looked at
UNICAST = ipaddress.ip_network("2000::/3")  # what of IPv6 is given out: not NAT64, site-local and the like
SIX_TO_FOUR = ipaddress.ip_network("2002::/16")  # within it, and any IPv4 address can stand in one of these


def signature(secret, ref, moment, body):
    """Standard Webhooks, symmetric: base64 of HMAC-SHA256 over `ref.moment.body`. `secret` and `body` are bytes."""
    signed = b".".join((ref.encode(), moment.encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode()


def proper(url):
    """Whether an address can be a partner's: https, a host, no name and password in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    schemes = ("https", "http") if settings.WEBHOOKS_AT_HOME else ("https",)
    return bool(parts.scheme in schemes and parts.hostname and not parts.username and (port is None or port > 0))


def public(address):
    """Whether it is one machine of the public net, and no other address is hidden in it."""
    if address.version == 6 and (address not in UNICAST or address in SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast


def looked_up(host, port):
    """What the name stands for. The system's own look-up takes as long as it likes, so it is not waited for long."""
    answers = queue.SimpleQueue()

    def look():
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            answers.put(None)

    threading.Thread(target=look, daemon=True).start()
    try:
        rows = answers.get(timeout=LOOKUP)
    except queue.Empty:
        rows = None
    if not rows:
        raise Retry("unknown-host")
    return rows


class Deadline:
    """Shuts down what a request has connected when its time is over: limits of httpx are for each read, and one byte
    now and then keeps to them for ever."""

    def __init__(self, seconds):
        self.over, self.held = False, []
        self.timer = threading.Timer(max(seconds, 0), self.end)
        self.timer.daemon = True

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_more):
        self.timer.cancel()

    def see(self, event, info):
        """httpx says what it does: a connection that is made is held, first plain and then with TLS."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self.held.append(info["return_value"].get_extra_info("socket"))
            if self.over:
                self.end()

    def end(self):
        self.over = True
        for held in list(self.held):
            with contextlib.suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(held, socket.SHUT_RDWR)


def public_address(host, port):
    """An address of `host` to connect to; Retry where one of its addresses is not a public one."""
    found = {row[4][0] for row in looked_up(host, port)}
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if not settings.WEBHOOKS_AT_HOME and not public(address):
            raise Retry("private-address")
    return min(found, key=lambda text: (":" in text, text))


def post(url, ref, moment, body, secrets):
    """Hand `body` (bytes) over, signed with each of `secrets`; (status, the beginning of the answer in one line).

    Raises `Retry` with a word where there was no answer. Any status is an answer.
    """
    begin = time.monotonic()
    if not proper(url):
        raise Retry("bad-url")
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = public_address(parts.hostname, port)
    there = httpx.URL(url).copy_with(host=address, port=port)
    headers = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "weilianxin-webhooks",
        "webhook-id": ref,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(signature(secret, ref, moment, body) for secret in secrets),
    }
    with Deadline(begin + IN_ALL - time.monotonic()) as deadline:
        extensions = {"sni_hostname": parts.hostname, "trace": deadline.see}
        try:
            with (
                httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client,
                client.stream("POST", there, content=body, headers=headers, extensions=extensions) as answer,
            ):
                return answer.status_code, beginning(answer)
        except httpx.TimeoutException:
            raise Retry("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            raise Retry("timeout" if deadline.over else "unreachable") from None


def beginning(answer):
    """The first words of an answer in one line; what counts is its status, so a body that breaks off is no failure."""
    read = b""
    with contextlib.suppress(httpx.HTTPError):
        for part in answer.iter_raw():
            read += part
            if len(read) >= READ:
                break
    return " ".join(read[:READ].decode("utf-8", "replace").split())[:200]
