"""The platform over HTTP: a threaded server of the standard library, for this machine only."""

import json
import socket
import socketserver
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from . import control, errors
from .calls import Picture
from .endpoints import CALLS, NAMES, answer
from .platform import Platform
from .push import Pusher

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
LONGEST_HANG = 60_000  # milliseconds
LARGEST = 1024 * 1024  # bytes of a request


def readable(raw):
    """A body as people read it: JSON without its escapes."""
    try:
        return json.dumps(json.loads(raw), ensure_ascii=False)
    except ValueError:
        return raw.decode("utf-8", "replace")


class Running:
    """A server that runs: `url`, `port`, `platform`, and `stop()`."""

    def __init__(self, server, pusher, platform):
        self.server, self.pusher, self.platform = server, pusher, platform
        self.port = server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __str__(self):
        return self.url

    def stop(self):
        self.pusher.stopped.set()
        self.platform.closing.set()
        self.server.shutdown()
        self.server.server_close()


def serve(port=0, platform=None, host="127.0.0.1"):
    """Start a platform in threads of this process; port 0 takes a free one. Returns a Running."""
    platform = platform or Platform()
    platform.closing = threading.Event()
    server = Server((host, port), Handler)
    server.platform = platform
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    pusher = Pusher(platform)
    pusher.start()
    return Running(server, pusher, platform)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = allow_reuse_address = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a client that went away, or one that a fault cut off


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.take("GET")

    def do_POST(self):
        self.take("POST")

    def do_OPTIONS(self):
        self.reply(204, b"", "text/plain")

    def take(self, method):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        raw = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
        if url.path.startswith("/__ctl/"):
            return self.control(method, url.path.removeprefix("/__ctl/"), query, raw)
        if url.path not in CALLS:
            return self.reply(404, HTML, "text/html")
        return self.call(method, url.path, query, raw)

    def control(self, method, name, query, raw):
        table = control.POST if method == "POST" else control.GET
        if name not in table:
            return self.json({"error": f"no {method} {name}"}, 404)
        try:
            return self.json(table[name](self.server.platform, json.loads(raw or b"{}") if method == "POST" else query))
        except (KeyError, TypeError, ValueError) as error:
            return self.json({"error": f"{type(error).__name__}: {error}"}, 400)

    def call(self, method, path, query, raw):
        platform, name = self.server.platform, NAMES[path]
        rule = platform.faults.for_call(name, f"{self.path} {readable(raw)}") if platform.faults.rules else None
        entry = {"at": platform.now(), "call": name, "fault": rule.action if rule else "", "errcode": None}
        with platform.lock:
            platform.log.append(entry)
        if rule is not None and self.spoilt(rule, entry):
            return None
        try:
            said = answer(platform, path, method, query, raw, self.client_address[0])
            if rule is not None and rule.action == "duplicate-effect":
                said = answer(platform, path, method, query, raw, self.client_address[0])
        except errors.Refusal as refusal:
            said = errors.body(refusal.code, refusal.more)
        entry["errcode"] = said.get("errcode", 0) if isinstance(said, dict) else 0
        if rule is not None and rule.action == "drop":
            return self.cut()
        if isinstance(said, Picture):
            return self.reply(200, said.content, said.kind)
        content = json.dumps(said, ensure_ascii=False).encode()
        if rule is not None and rule.action == "truncate":
            content = content[: len(content) // 2]
        return self.reply(200, content, "application/json; encoding=utf-8")

    def spoilt(self, rule, entry):
        """Do what the rule says before the call; True when there is nothing more to do."""
        platform, value = self.server.platform, rule.value
        if rule.action == "errcode":
            entry["errcode"] = int(value)
            self.json(errors.body(int(value)))
        elif rule.action == "http":
            self.reply(int(value), HTML, "text/html")
        elif rule.action == "html":
            self.reply(200, HTML, "text/html")
        elif rule.action == "reset":
            self.cut()
        elif rule.action == "hang":
            platform.closing.wait(min(int(value or LONGEST_HANG), LONGEST_HANG) / 1000)
            self.cut()
        else:
            if rule.action == "delay":
                time.sleep(int(value) / 1000)
            elif rule.action == "revoke":
                with platform.lock:
                    platform.tokens.revoke()
            elif rule.action == "skew":
                platform.skew += float(value)
            return False
        return True

    def cut(self):
        """End the connection without a word: the client sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def json(self, said, status=200):
        self.reply(status, json.dumps(said, ensure_ascii=False).encode(), "application/json; encoding=utf-8")

    def reply(self, status, content, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.path.startswith("/__ctl/"):  # the demo's telephone is a page of another origin
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "*")
        self.end_headers()
        self.wfile.write(content)
