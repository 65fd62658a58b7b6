"""Telling people: once, in the act's own transaction, in their language, and delivered at least once or given up."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext_lazy

from weilianxin.channels.errors import GiveUp, NotConfigured, Retry
from weilianxin.notify import deliver, inbox, send, texts
from weilianxin.notify.deliver import deliver_due
from weilianxin.notify.models import INBOX, MAIL, SMS, Message, Outbox, Text
from weilianxin.notify.send import tell, tell_each
from weilianxin.people.models import Account

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
NIGHT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # 23:00
MORNING = datetime(2026, 3, 10, 23, 0, tzinfo=UTC)  # 7:00 on the next day
VALUES = {
    "number": "260310-0001-8",
    "title": "灯不亮",
    "worker": "角木",
    "due": NOON,
    "unit": "星影物业",
    "reason": "等配件。",
    "channel": "派出所",
    "until": NOON,
    "link": "https://weilianxin.example/t/abc",
    "code": "123456",
    "name": "亢金",
    "place": "星影苑6幢",
}


@pytest.fixture(autouse=True)
def nothing_remembered():
    texts.forget()
    yield
    texts.forget()


@pytest.fixture
def account(db):
    return Account.objects.create(phone="13912345678", name="老斗")


@pytest.fixture
def gateway(monkeypatch):
    """A gateway for SMS and mail: `sent` is what it was handed; `fails` is raised instead of sending."""

    class Gateway:
        sent, fails = [], None

        def take(self, *message, **_more):
            if self.fails is not None:
                raise self.fails
            self.sent.append(message)
            return f"receipt-{len(self.sent)}"

    gateway = Gateway()
    gateway.sent = []
    monkeypatch.setattr(deliver.sms, "send", gateway.take)
    monkeypatch.setattr(deliver.mail, "send", gateway.take)
    return gateway


def accepted(account, key="stream:3", at=NOON, **more):
    tell("accepted", "reporter", account, values=VALUES, key=key, at=at, **more)


def row():
    return Outbox.objects.get()


# Telling


def test_what_is_told_is_in_the_inbox_and_waits_in_the_outbox(account):
    accepted(account, url="/matters/260310-0001-8/")
    message = Message.objects.get()
    assert message.account == account and message.url == "/matters/260310-0001-8/"
    assert message.body == "您的报事260310-0001-8已受理，由角木负责，3月10日12:00前办好。"
    assert (row().channel, row().address, row().state) == (SMS, "13912345678", Outbox.QUEUED)


def test_told_twice_for_the_same_occasion_nothing_more_is_written(account):
    for _ in range(3):
        accepted(account)
    accepted(account, key="stream:4")
    assert (Message.objects.count(), Outbox.objects.count()) == (2, 2)


def test_all_who_joined_are_told_with_one_insert_for_inbox_and_outbox(db, monkeypatch, django_assert_num_queries):
    accounts = [Account.objects.create(phone=f"139123400{n:02d}", name="甲") for n in range(20)]
    monkeypatch.setattr(texts, "FRESH", 1e9)  # the texts are not looked for again meanwhile
    texts.text_for("accepted", "reporter")
    with transaction.atomic(), django_assert_num_queries(2):
        tell_each("accepted", "reporter", accounts, values=VALUES, key="stream:3", at=NOON)
    assert (Message.objects.count(), Outbox.objects.count()) == (20, 20)


@pytest.mark.django_db(transaction=True)
def test_an_act_that_is_rolled_back_has_told_nobody():
    account = Account.objects.create(phone="13912345678", name="老斗")
    with pytest.raises(RuntimeError), transaction.atomic():
        accepted(account)
        assert Message.objects.count() == Outbox.objects.count() == 1
        raise RuntimeError
    assert Message.objects.count() == Outbox.objects.count() == 0


def test_an_english_account_reads_english(account):
    account.language = "en"
    accepted(account)
    message = Message.objects.get()
    assert message.title == "Your report is accepted"
    assert "10 Mar 12:00" in message.body and message.body == row().body


def test_a_translated_word_is_said_in_the_receivers_language(account):
    account.language = "en"
    values = {**VALUES, "worker": gettext_lazy("是")}
    tell("accepted", "reporter", account, values=values, key="k", at=NOON)
    assert "%" not in Message.objects.get().body


def test_a_unit_without_an_account_is_told_at_its_address(db):
    tell("dispatched", "handler", address="13912345679", values=VALUES, key="k", at=NOON)
    assert not Message.objects.exists()
    assert row().address == "13912345679" and VALUES["link"] in row().body and row().secret


def test_who_is_gone_or_was_erased_is_told_nothing(account):
    account.is_active = False
    accepted(account)
    account.is_active, account.erased_at = True, NOON
    accepted(account, key="other")
    assert not Message.objects.exists() and not Outbox.objects.exists()


def test_an_act_without_a_text_is_a_mistake_that_shows_at_once(account):
    with pytest.raises(LookupError):
        tell("sung", "reporter", account, values={}, key="k", at=NOON)


def test_an_sms_is_never_endless(account):
    tell(
        "refused",
        "reporter",
        account,
        values={**VALUES, "reason": "长" * 5000, "channel": "长" * 5000},
        key="k",
        at=NOON,
    )
    assert len(row().body) <= send.LONGEST_SMS and "…" in row().body


# Texts


def test_every_shipped_text_fills_and_has_english_and_a_channel():
    assert len(texts.shipped()) >= 60
    for text in texts.shipped().values():
        text.clean()
        for language in ("zh-hans", "en"):
            for words in (text.title(language), text.body(language)):
                said = texts.fill(words, VALUES, language)
                assert said.strip() and "{" not in said and "}" not in said, text
        assert text.title_en and text.body_en, text
        assert not any("\u4e00" <= c <= "\u9fff" for c in text.title_en + text.body_en), text
        assert set(texts.SLOT.findall(text.body_en)) == set(texts.SLOT.findall(text.body_zh)), text


def test_the_shipped_texts_are_in_the_database_and_come_back_without_touching_edited_ones(db):
    texts.load_texts()
    assert Text.objects.count() == len(texts.shipped())
    mine = Text.objects.get(act="accepted", audience="reporter")
    mine.edit(NOON, body_zh="{number}受理了。")
    other = Text.objects.get(act="seen", audience="reporter")
    Text.objects.filter(pk=other.pk).update(body_zh="旧的")
    Text.objects.filter(act="asked").delete()
    assert texts.load_texts() == 2
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.body_zh == "{number}受理了。" and other.body_zh != "旧的"
    assert Text.objects.filter(act="asked").exists()


def test_an_edited_text_is_what_is_said_next(account):
    texts.load_texts()
    texts.text_for("accepted", "reporter")
    Text.objects.get(act="accepted", audience="reporter").edit(NOON, body_zh="{number}受理了。")
    accepted(account)
    assert Message.objects.get().body == "260310-0001-8受理了。"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("body_zh", "{phone}"),
        ("body_zh", "{number.__class__}"),
        ("body_zh", "{number"),
        ("title_en", "{0}"),
        ("body_zh", "  "),
        ("channels", "pigeon"),
        ("channels", ""),
    ],
)
def test_a_text_that_could_not_be_filled_is_refused_with_its_field(db, field, value):
    text = Text(act="a", audience="b", title_zh="题", body_zh="文", channels=INBOX)
    setattr(text, field, value)
    with pytest.raises(ValidationError) as caught:
        text.save()
    assert list(caught.value.message_dict) == [field]


def test_a_value_cannot_write_lines_or_fields_of_its_own():
    said = texts.fill("{title}", {"title": "一\n二\r{code}\x00", "code": "123456"})
    assert "123456" not in said and "\n" not in said and "\x00" not in said
    assert texts.fill("{until}", {"until": date(2026, 3, 1)}, "en") == "1 Mar"
    assert texts.fill("{number}好", {}) == "好"


# The inbox


def test_unread_messages_are_counted_and_read_ones_are_not(account):
    other = Account.objects.create(phone="13912345670", name="小箕")
    for n in range(5):
        accepted(account, key=f"k{n}")
    accepted(other)
    assert (inbox.unread_count(account), inbox.unread_count(other)) == (5, 1)
    first = inbox.inbox(account).rows[0]
    assert inbox.mark_read(account, [first.pk, Message.objects.get(account=other).pk, "x", 2**70], NOON) == 1
    assert (inbox.unread_count(account), inbox.unread_count(other)) == (4, 1)
    assert inbox.mark_read(account) == 4 and inbox.unread_count(account) == 0


def test_the_inbox_is_paged_by_key_newest_first(account):
    for n in range(7):
        accepted(account, key=f"k{n}")
    first = inbox.inbox(account, limit=3)
    second = inbox.inbox(account, before=first.older, limit=3)
    last = inbox.inbox(account, before=str(second.older), limit=3)
    ids = [m.pk for page in (first, second, last) for m in page.rows]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 7 and last.older is None
    assert inbox.inbox(account, before="nonsense", limit=3).rows == first.rows


# Delivery


def test_a_due_row_is_sent_once_and_keeps_its_receipt(account, gateway):
    accepted(account)
    assert deliver_due(NOON) == 1
    assert deliver_due(NOON) == 0
    assert [message[0] for message in gateway.sent] == ["13912345678"]
    assert (row().state, row().receipt, row().attempts) == (Outbox.SENT, "receipt-1", 1)


def test_a_row_of_tomorrow_waits(account, gateway):
    accepted(account, at=NOON + timedelta(days=1))
    assert deliver_due(NOON) == 0 and not gateway.sent


def test_an_sms_that_is_not_urgent_waits_for_the_morning(account, gateway):
    accepted(account, at=NIGHT)
    for hours in range(8):
        assert deliver_due(NIGHT + timedelta(hours=hours, minutes=-1)) == 0
    assert row().attempts == 0
    assert deliver_due(MORNING) == 1


def test_an_urgent_sms_and_a_code_go_out_at_night(account, gateway):
    tell("emergency", "worker", account, values=VALUES, key="k1", at=NIGHT)
    tell("sign_in_code", "resident", account, values=VALUES, key="k2", at=NIGHT)
    accepted(account, at=NIGHT, urgent=True)
    accepted(account, key="quiet", at=NIGHT)
    assert deliver_due(NIGHT) == 3


def test_mail_does_not_wake_anybody_and_goes_out_at_night(account, gateway):
    texts.load_texts()
    Text.objects.get(act="accepted", audience="reporter").edit(NOON, channels=MAIL)
    account.email = "laodou@subdistrict.cn"
    accepted(account, at=NIGHT)
    assert deliver_due(NIGHT) == 1 and len(gateway.sent[0]) == 3


def test_urgent_rows_go_first(account, gateway):
    accepted(account, at=NOON - timedelta(hours=1))
    tell("emergency", "worker", account, values=VALUES, key="k", at=NOON)
    deliver_due(NOON)
    assert gateway.sent[0][1].startswith("特急")


def test_a_failure_is_tried_again_later_and_later_and_in_the_end_given_up(account, gateway):
    accepted(account)
    gateway.fails = Retry("13912345678 busy")
    waits, moment = [], NOON
    for attempt in range(1, deliver.ATTEMPTS + 1):
        assert deliver_due(moment, limit=1) == 0
        assert row().attempts == attempt
        if attempt < deliver.ATTEMPTS:
            assert row().state == Outbox.QUEUED
            waits.append(row().next_at - moment)
            assert deliver_due(moment + waits[-1] - timedelta(seconds=5), limit=1) == 0 and row().attempts == attempt
            moment += waits[-1] + timedelta(seconds=1)
            if deliver.is_quiet(moment):
                moment = moment.replace(hour=23) if moment.hour >= 14 else moment
    tens = [round(wait / timedelta(seconds=10)) for wait in waits]  # what a turn itself takes does not count
    assert tens[:3] == [3, 9, 27] and tens == sorted(tens)
    assert waits[-1] <= deliver.LONGEST_WAIT + timedelta(seconds=5)
    assert row().state == Outbox.DEAD and "139" not in row().error
    assert deliver_due(moment + timedelta(days=3)) == 0


def test_a_failure_nobody_foresaw_is_tried_again_too(account, gateway):
    accepted(account)
    gateway.fails = ZeroDivisionError()
    assert deliver_due(NOON) == 0
    assert (row().state, row().error) == (Outbox.QUEUED, "ZeroDivisionError")
    gateway.fails = None
    assert deliver_due(NOON + timedelta(minutes=1)) == 1


def test_what_can_never_be_delivered_is_given_up_at_once(account, gateway):
    accepted(account)
    gateway.fails = GiveUp("no such number")
    deliver_due(NOON)
    assert (row().state, row().attempts) == (Outbox.DEAD, 1)


def test_without_a_gateway_rows_are_held_and_not_tried_for_ever(account, gateway):
    accepted(account)
    gateway.fails = NotConfigured("none")
    deliver_due(NOON)
    assert (row().state, row().error) == (Outbox.HELD, "not configured")


def test_what_was_held_for_want_of_a_gateway_goes_out_when_there_is_one(account, gateway, settings):
    accepted(account)
    accepted(account, key="old", at=NOON - timedelta(days=4))
    Outbox.objects.filter(pk=Outbox.objects.latest("id").pk).update(created_at=NOON - timedelta(days=4))
    gateway.fails = NotConfigured("none")
    deliver_due(NOON)
    assert deliver.backlog(NOON)["held"] == 2
    gateway.fails, settings.SMS = None, "none"
    deliver.take_up(NOON)
    assert deliver.backlog(NOON)["held"] == 2, "still nowhere to send"
    settings.SMS, settings.SMS_URL, settings.SMS_KEY = "http", "https://gateway.example/send", "key"
    deliver.take_up(NOON)
    assert deliver_due(NOON) == 1 and len(gateway.sent) == 1, "what is days old tells nobody anything"


def test_a_gateway_that_hangs_holds_up_neither_the_loop_nor_the_other_channel(account, gateway, monkeypatch):
    for n in range(10):
        accepted(account, key=f"k{n}")
    gateway.fails = Retry("timeout")
    deliver_due(NOON)
    assert sum(Outbox.objects.values_list("attempts", flat=True)) == deliver.IN_A_ROW
    clock, gateway.fails = [0.0], None

    def slowly(*message):
        clock[0] += 9
        return gateway.take(*message)

    monkeypatch.setattr(deliver.sms, "send", slowly)
    monkeypatch.setattr(deliver.time, "monotonic", lambda: clock[0])
    assert deliver_due(NOON + timedelta(minutes=1)) == 3, "a slow one has its seconds, then the alarms are rung"


def test_numbers_do_not_stay_in_what_was_sent(account, gateway):
    accepted(account)
    tell("sign_in_code", "resident", address="13912349999", values=VALUES, key="code", at=NOON)
    deliver_due(NOON)
    deliver.forget_old(NOON + timedelta(hours=23))
    assert Outbox.objects.count() == 2
    deliver.forget_old(NOON + timedelta(hours=25))
    assert Outbox.objects.get().act == "accepted"
    deliver.forget_old(NOON + timedelta(days=91))
    assert not Outbox.objects.exists()


def test_a_code_that_has_run_out_is_not_sent_any_more(account, gateway):
    tell("sign_in_code", "resident", account, values=VALUES, key="k", at=NOON, useless_at=NOON + timedelta(minutes=10))
    assert deliver_due(NOON + timedelta(minutes=11)) == 0
    assert row().state == Outbox.DEAD and not gateway.sent


def test_a_code_or_a_link_is_emptied_once_it_has_gone(account, gateway):
    tell("sign_in_code", "resident", account, values=VALUES, key="k", at=NOON)
    assert "123456" in row().body
    deliver_due(NOON)
    assert row().state == Outbox.SENT and row().body == ""


def test_what_a_dead_loop_left_behind_is_taken_up_again(account, gateway):
    accepted(account)
    claimed = deliver.claim(NOON)
    assert claimed.attempts == 1
    assert deliver_due(NOON + timedelta(minutes=4)) == 0, "it may still be at it"
    assert deliver_due(NOON + timedelta(minutes=6)) == 1
    assert deliver.finish(claimed, NOON, Outbox.DEAD) is False
    assert row().state == Outbox.SENT, "who was thought dead does not overrule who took over"


def test_a_row_that_kills_every_loop_is_given_up(account, gateway):
    accepted(account)
    moment = NOON
    for _ in range(deliver.ATTEMPTS):
        assert deliver.claim(moment) is not None
        moment += timedelta(minutes=6)
        deliver.reclaim_stale(moment)
    assert (row().state, row().error) == (Outbox.DEAD, "interrupted")


@pytest.mark.django_db(transaction=True)
def test_loops_at_the_same_time_never_send_one_row_twice(gateway):
    account = Account.objects.create(phone="13912345678", name="老斗")
    for n in range(40):
        accepted(account, key=f"k{n}")
    start, failures = threading.Barrier(4), []

    def loop():
        try:
            start.wait()
            deliver_due(NOON)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(gateway.sent) == 40
    assert set(Outbox.objects.values_list("state", "attempts")) == {(Outbox.SENT, 1)}


# The demo


def test_people_of_the_demo_have_an_inbox_and_are_never_sent_to(account, gateway):
    account.is_demo = True
    accepted(account)
    assert row().state == Outbox.HELD and Message.objects.exists()
    assert deliver_due(NOON) == 0 and not gateway.sent


@pytest.mark.parametrize("address", ["13800001234", "laodou@example.com", "laodou@demo.invalid"])
def test_an_invented_address_is_never_sent_to_even_if_a_row_says_so(account, gateway, address):
    channel = MAIL if "@" in address else SMS
    Outbox.objects.create(key="k", act="a", address=address, channel=channel, body="b", next_at=NOON)
    assert deliver_due(NOON) == 0 and not gateway.sent
    assert (row().state, row().error) == (Outbox.HELD, "demo")


def test_a_unit_of_the_demo_is_held(db, gateway):
    tell("dispatched", "handler", address="13912345679", values=VALUES, key="k", at=NOON, held=True)
    assert deliver_due(NOON) == 0 and row().state == Outbox.HELD


# Erasure and the status page


def test_an_erased_person_leaves_no_message_behind(account):
    other = Account.objects.create(phone="13912345670", name="小箕")
    accepted(account)
    accepted(other)
    tell("handler_code", "handler", address=account.phone, values=VALUES, key="k", at=NOON)
    send.erase_person(account, NOON)
    assert {message.account for message in Message.objects.all()} == {other}
    assert {out.address for out in Outbox.objects.all()} == {other.phone}


def test_the_status_page_learns_how_much_waits_and_since_when(account, gateway):
    accepted(account)
    accepted(account, key="later", at=NOON + timedelta(hours=1))
    state = deliver.backlog(NOON + timedelta(minutes=1))
    assert state == {"waiting": 1, "oldest_due_at": NOON, "dead": 0, "held": 0}
    gateway.fails = GiveUp("no")
    deliver_due(NOON)
    assert deliver.backlog(NOON)["dead"] == 1


def test_the_messages_of_a_person_go_with_the_person(account):
    from weilianxin.people.erasure import erase

    accepted(account)
    erase(account, NOON)
    assert not Message.objects.exists() and not Outbox.objects.exists()


def test_an_installation_without_a_gateway_keeps_its_messages(account, settings):
    settings.SMS = "none"
    accepted(account)
    assert deliver_due(NOON) == 0
    assert (row().state, row().error, row().body != "") == (Outbox.HELD, "not configured", True)
