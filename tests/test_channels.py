"""Promises of the channels: what a gateway says becomes one of three words, and no number leaks on the way."""

import json
import smtplib
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from django.core import mail as outbox

from weilianxin.channels import mail, sms
from weilianxin.channels.errors import ChannelError, GiveUp, NotConfigured, Retry

NUMBER, WORDS = "13900000123", "【测试】您报的事已有人接手。"


@pytest.fixture
def gateway(settings):
    """A gateway on this machine that answers as told and remembers what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append((dict(self.headers), body))
            time.sleep(server.wait)
            status, content, headers = server.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer, server.wait = [], (200, b'{"id": "m-1"}', {}), 0
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    settings.SMS, settings.SMS_KEY, settings.SMS_SIGN = "http", "secret", "微连心"
    settings.SMS_URL = f"http://127.0.0.1:{server.server_port}/send"
    yield server
    server.shutdown()
    server.server_close()


class TestSms:
    def test_a_message_is_posted_and_its_receipt_comes_back(self, gateway):
        assert sms.send(NUMBER, WORDS) == "m-1"
        headers, body = gateway.asked[0]
        assert json.loads(body) == {"to": NUMBER, "text": WORDS, "sign": "微连心"}
        assert headers["X-Weilianxin-Signature"] == sms.signature("secret", headers["X-Weilianxin-Time"], body)
        assert abs(int(headers["X-Weilianxin-Time"]) - time.time()) < 60

    def test_the_signature_depends_on_key_time_and_body(self):
        right = sms.signature("secret", "1", b"{}")
        assert len({right, sms.signature("other", "1", b"{}"), sms.signature("secret", "2", b"{}")}) == 3
        assert right != sms.signature("secret", "1", b"[]")

    @pytest.mark.parametrize("content", [b"", b"OK", b"[]", b'{"id": null}', b'{"id": {"a": 1}}', b'{"id": "<b>"}'])
    def test_a_gateway_that_says_little_has_still_taken_it(self, gateway, content):
        gateway.answer = (202, content, {})
        assert sms.send(NUMBER, WORDS) == "accepted"

    @pytest.mark.parametrize("status", [301, 302, 401, 403, 408, 425, 429, 500, 502, 503])
    def test_what_may_pass_is_tried_again(self, gateway, status):
        gateway.answer = (status, b"", {"Location": gateway.server_name})
        with pytest.raises(Retry) as error:
            sms.send(NUMBER, WORDS)
        assert error.value.code == f"http-{status}" and len(gateway.asked) == 1

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b'{"code": "no-such-number"}', "no-such-number"),
            (b"", "http-400"),
            (b'{"code": "13900000123 unknown"}', "http-400"),
            (b'{"code": "13900000123"}', "http-400"),
            (b'{"code": ["a"]}', "http-400"),
        ],
    )
    def test_what_will_never_be_taken_is_given_up_with_a_reason_that_names_nobody(self, gateway, content, code):
        gateway.answer = (400, content, {})
        with pytest.raises(GiveUp) as error:
            sms.send(NUMBER, WORDS)
        assert error.value.code == code

    def test_a_gateway_that_hangs_is_left_alone(self, gateway, monkeypatch):
        monkeypatch.setattr(sms, "TIMEOUT", httpx.Timeout(0.05))
        gateway.wait = 0.3
        with pytest.raises(Retry) as error:
            sms.send(NUMBER, WORDS)
        assert error.value.code == "timeout"

    def test_a_gateway_that_is_not_there_is_tried_again(self, gateway, settings):
        settings.SMS_URL = "http://127.0.0.1:1/"
        with pytest.raises(Retry) as error:
            sms.send(NUMBER, WORDS)
        assert error.value.code == "unreachable"

    @pytest.mark.parametrize(
        "wrong", [{"SMS": "none"}, {"SMS_URL": ""}, {"SMS_KEY": ""}, {"SMS_URL": "ftp://x/"}, {"SMS_URL": "nonsense"}]
    )
    def test_without_a_gateway_the_message_can_wait(self, gateway, settings, wrong):
        for name, value in wrong.items():
            setattr(settings, name, value)
        with pytest.raises(NotConfigured):
            sms.send(NUMBER, WORDS)
        assert not gateway.asked

    @pytest.mark.parametrize("address", ["", None, "abc", "139\n0000", "1" * 16, "a@b.cn"])
    def test_what_is_no_number_is_given_up(self, gateway, address):
        with pytest.raises(GiveUp):
            sms.send(address, WORDS)
        assert not gateway.asked

    def test_a_developer_sees_it_on_the_console(self, settings, capsys):
        settings.SMS = "console"
        assert sms.send(NUMBER, WORDS) == "console"
        assert WORDS in capsys.readouterr().err


@pytest.fixture
def server(settings):
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "smtp.example.com", "微连心 <wlx@example.com>"


class TestMail:
    def test_a_mail_goes_out_and_its_id_is_the_receipt(self, server):
        receipt = mail.send("star@example.com", "您报的事\n有人接手了", WORDS)
        sent = outbox.outbox[0]
        assert (sent.to, sent.subject, sent.body) == (["star@example.com"], "您报的事 有人接手了", WORDS)
        assert sent.message()["Message-ID"] == receipt and receipt.endswith("@example.com>")

    @pytest.mark.parametrize("missing", ["EMAIL_HOST", "DEFAULT_FROM_EMAIL"])
    def test_without_a_server_the_message_can_wait(self, server, settings, missing):
        setattr(settings, missing, "")
        with pytest.raises(NotConfigured):
            mail.send("star@example.com", "题", WORDS)

    @pytest.mark.parametrize("address", ["", None, "star", "a@b@c", "a@b.cn,c@d.cn", "a@b.cn\nBcc: c@d.cn", "<a@b.cn>"])
    def test_what_is_no_address_is_given_up(self, server, address):
        with pytest.raises(GiveUp):
            mail.send(address, "题", WORDS)
        assert not outbox.outbox

    @pytest.mark.parametrize(
        ("error", "kind", "code"),
        [
            (
                smtplib.SMTPRecipientsRefused({"star@example.com": (550, b"star@example.com unknown")}),
                GiveUp,
                "smtp-550",
            ),
            (smtplib.SMTPRecipientsRefused({"star@example.com": (451, b"later")}), Retry, "smtp-451"),
            (smtplib.SMTPRecipientsRefused({}), Retry, "smtp-450"),
            (smtplib.SMTPSenderRefused(550, b"no", "wlx@example.com"), GiveUp, "smtp-550"),
            (smtplib.SMTPDataError(554, b"spam"), GiveUp, "smtp-554"),
            (smtplib.SMTPDataError(452, b"full"), Retry, "smtp-452"),
            (smtplib.SMTPAuthenticationError(535, b"no"), Retry, "smtp-auth"),
            (smtplib.SMTPServerDisconnected("gone"), Retry, "unreachable"),
            (smtplib.SMTPNotSupportedError("no"), Retry, "smtp-unsupported"),
            (ConnectionRefusedError(), Retry, "unreachable"),
            (TimeoutError(), Retry, "timeout"),
            (UnicodeEncodeError("ascii", "灯", 0, 1, "no"), GiveUp, "bad-address"),
        ],
    )
    def test_what_the_server_says_becomes_one_of_three_words(self, server, monkeypatch, error, kind, code):
        def fail(self, messages):
            raise error

        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
        with pytest.raises(kind) as raised:
            mail.send("star@example.com", "题", WORDS)
        assert raised.value.code == code and "star" not in str(raised.value)


def test_a_code_never_holds_more_than_a_short_word():
    assert ChannelError("no such <number>\n" + "x" * 99).code == ("nosuchnumber" + "x" * 99)[:40]
    assert ChannelError("").code == "unknown"
