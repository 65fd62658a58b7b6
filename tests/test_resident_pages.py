"""What residents may rely on while they report: nothing typed is lost, nothing is done twice, nobody else looks in."""

import io
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from weilianxin.areas.locate import locate
from weilianxin.cases.access import actor_on
from weilianxin.cases.engine import perform
from weilianxin.cases.models import Case, Rating
from weilianxin.files.intake import receive
from weilianxin.files.models import Photo
from weilianxin.files.store import store
from weilianxin.journal.models import Entry, Opening
from weilianxin.people import session
from weilianxin.people.models import Consent
from weilianxin.programmes.reports import intake
from weilianxin.programmes.reports.models import Category, Draft, Report
from weilianxin.programmes.reports.pages import drafts, timeline, what

from .support.world import area

pytestmark = pytest.mark.django_db

TEXT = "二楼到三楼的声控灯不亮，老人晚上上楼看不见。"
BRIBE = "网格里有个干部收红包才给办事，请查一查。"


def category(code):
    return Category.objects.get(code=code, scheme="resident")


def report(world, account=None, **more):
    facts = {"text": TEXT, "location": locate(place=world.entrance), "category": category("XQ201"), **more}
    return intake.submit(account or world.resident, **facts)


def do(case, name, account, **data):
    return perform(case, name, actor_on(case, account), **data)


def closed(world, **more):
    case = report(world, photos=[picture(world.resident)], **more)
    case = do(case, "accept", world.worker)
    return do(
        case, "close_seen", world.worker, photos=[(picture(world.worker), "after")], outcome="solved", note="灯换好了。"
    )


def published(world, **more):
    case = closed(world, **more)
    return do(case, "publish", world.secretary, public_title="楼道灯修好了", public_text="三天里换了新的声控灯。")


def jpeg(name="a.jpg", colour="red"):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")


def picture(owner):
    """A stored photo with bytes, so that a 404 is the page's decision."""
    return store(receive([jpeg()])[0], owner, timezone.now())


def words(response):
    return response.content.decode()


def key(response):
    return re.search(r'name="_key" value="([^"]+)"', words(response))[1]


def shown(response):
    return re.search(r'name="draft" value="([^"]+)"', words(response))[1]


def write(client, **more):
    return client.post(reverse("reports:new"), {"text": TEXT, "category": "XQ201", "do": "next", **more})


def go_to_step_three(client, **more):
    assert write(client, **more).status_code == 302
    assert client.post(reverse("reports:place"), {"where": "home", "floor": "三楼", "do": "next"}).status_code == 302
    return client.get(reverse("reports:send"))


def test_three_forms_without_any_script_make_one_report(world, signed_in):
    client = signed_in(world.resident)
    page = go_to_step_three(client, photos=[jpeg()])
    assert world.worker.name in words(page)  # who takes it is said before it is sent
    answer = client.post(reverse("reports:send"), {"_key": key(page), "anonymity": "N1", "wish": "message"})
    case = Case.objects.get()
    assert answer.url == reverse("reports:matter", args=[case.number]) + "?sent=1"
    assert case.reporter == world.resident and case.place == world.entrance and case.photos.count() == 1
    assert case.place_text.endswith("三楼") and "301" not in case.place_text
    assert case.report.wish == "message" and case.report.text == TEXT
    assert not Draft.objects.exists()
    thanks = words(client.get(answer.url))
    assert "收到了，谢谢您。" in thanks and world.worker.name in thanks


def test_sending_twice_makes_one_report(world, signed_in):
    client = signed_in(world.resident)
    form = {"_key": key(go_to_step_three(client)), "anonymity": "N1"}
    first = client.post(reverse("reports:send"), form)
    again = client.post(reverse("reports:send"), form)
    assert Case.objects.count() == 1
    assert again.status_code == 302
    assert again.url == first.url and again.url.endswith("?sent=1")
    # The old page with another key finds no draft any more, and so makes nothing either.
    client.post(reverse("reports:send"), {"_key": "another", "anonymity": "N1"})
    assert Case.objects.count() == 1 and first.status_code == 302


def test_every_step_sent_twice_is_done_once_and_answered_alike(world, signed_in):
    report(world)
    client = signed_in(world.neighbour)
    five = {"_key": "five", "text": TEXT, "category": "XQ201", "do": "next"}
    answers = [client.post(reverse("reports:new"), {**five, "photos": [jpeg() for _n in range(5)]}) for _time in "12"]
    assert [answer.url for answer in answers] == [reverse("reports:place")] * 2
    assert Draft.objects.get().photos.count() == 5
    for _time in "12":
        short = client.post(reverse("reports:new"), {"_key": "short", "text": "灯坏", "photos": [jpeg(), jpeg()]})
        assert short.status_code == 422 and "再多写几个字" in words(short) and "灯坏" in words(short)
    assert Draft.objects.get().photos.count() == 7
    page = go_to_step_three(client)
    token = re.search(r'name="token" value="([^"]+)"', words(page))[1]
    form = {"_key": key(page), "draft": shown(page), "token": token}
    first, again = client.post(reverse("reports:join"), form), client.post(reverse("reports:join"), form)
    assert first.url == again.url and first.url.endswith("?joined=1")
    assert Case.objects.filter(reporter=world.neighbour).count() == 1


def test_a_form_sends_the_draft_it_showed_and_no_other(world, signed_in):
    client = signed_in(world.resident)
    page = go_to_step_three(client)
    other = Draft.objects.create(account=world.resident, session="", data={"text": "车棚顶漏雨", "where": "home"})
    form = {"_key": key(page), "draft": shown(page), "anonymity": "N1"}
    client.post(reverse("reports:send"), form)
    assert Case.objects.get().report.text == TEXT
    for step in ("reports:send", "reports:join"):
        late = client.post(reverse(step), {**form, "_key": step, "token": "none"})
        assert late.status_code == 409 and "已经不在了" in words(late) and reverse("reports:matters") in words(late)
    client.post(reverse("reports:discard"), {"draft": shown(page)})
    assert Case.objects.count() == 1 and Draft.objects.get() == other


def test_what_was_changed_in_another_tab_is_shown_before_it_is_sent(world, signed_in):
    client = signed_in(world.resident)
    page = go_to_step_three(client)
    write(client, text="三楼的窗户也破了，玻璃掉在楼道里。")
    stale = client.post(reverse("reports:send"), {"draft": shown(page), "anonymity": "N2", "_key": key(page)})
    assert stale.status_code == 409 and "窗户也破了" in words(stale) and "您在别处改过" in words(stale)
    assert not Case.objects.exists()
    client.post(reverse("reports:send"), {"draft": shown(stale), "_key": key(stale)})
    assert Case.objects.get().anonymity == "N2"


def test_another_persons_draft_is_not_sent_by_naming_it(world, signed_in):
    theirs = shown(go_to_step_three(signed_in(world.resident)))
    client = signed_in(world.neighbour)
    for named in (theirs, "0", "junk"):
        assert client.post(reverse("reports:send"), {"draft": named, "anonymity": "N1"}).status_code == 409
        client.post(reverse("reports:discard"), {"draft": named})
    assert Draft.objects.exists() and not Case.objects.exists()


def come_in(client, account):
    """Sign in as the page does: what the session held comes along."""
    request = RequestFactory().get("/")
    request.session, request.account, request.user = client.session, None, None
    session.sign_in(request, account)
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key


def chosen(page):
    """The boxes of the third step that are ticked."""
    return set(re.findall(r'name="(?:anonymity|wish|category)" value="([^"]*)" checked', words(page)))


def test_who_may_know_is_still_as_chosen_after_signing_in(world):
    client = Client()
    write(client, category="")
    client.post(reverse("reports:place"), {"where": "choose", "compound": world.compound.pk, "do": "next"})
    page = client.get(reverse("reports:send"))
    form = {"_key": key(page), "draft": shown(page), "anonymity": "N2", "wish": "none", "category": "XQ201"}
    answer = client.post(reverse("reports:send"), form)
    assert answer.url.startswith(reverse("portal:signin")) and reverse("reports:send") in unquote(answer.url)
    come_in(client, world.resident)
    page = client.get(reverse("reports:send"))
    assert chosen(page) == {"N2", "none"} and category("XQ201").name in words(page)
    client.post(reverse("reports:send"), {"_key": key(page), "draft": shown(page)})
    case = Case.objects.get()
    assert (case.anonymity, case.report.wish, case.category) == ("N2", "none", "XQ201")


def test_who_may_know_is_still_as_chosen_when_the_session_ended_before_sending(world, signed_in):
    client = signed_in(world.resident)
    page = go_to_step_three(client)
    session.end_all_sessions(world.resident)
    form = {"_key": key(page), "draft": shown(page), "anonymity": "N2", "wish": "message"}
    assert client.post(reverse("reports:send"), form).url.startswith(reverse("portal:signin"))
    come_in(client, world.resident)
    assert chosen(client.get(reverse("reports:send"))) == {"N2", "message"}
    # Somebody else who comes in at the same browser has a draft of their own, and chose nothing.
    session.end_all_sessions(world.resident)
    client.post(reverse("reports:send"), form)
    come_in(client, world.neighbour)
    assert chosen(go_to_step_three(client)) == {"N1", "call"}


@pytest.mark.parametrize("part", ["what", "place", "photos", "category"])
def test_changing_a_part_keeps_who_may_know(world, signed_in, part):
    client = signed_in(world.resident)
    page = go_to_step_three(client)
    assert f'name="do" value="{part}"' in words(page)
    assert not re.search(r'<a [^>]*href="/report/', words(page)), "a link would leave the choice behind"
    form = {"_key": key(page), "draft": shown(page), "anonymity": "N2", "do": part}
    answer = client.post(reverse("reports:send"), form)
    assert answer.url.partition("#")[0] == reverse("reports:place" if part == "place" else "reports:new")
    assert not Case.objects.exists()
    assert chosen(go_to_step_three(client)) == {"N2", "call"}


def test_what_was_typed_survives_a_lost_page_and_signing_in(world, signed_in):
    client = Client()
    write(client, photos=[jpeg()], do="later")
    assert TEXT in words(client.get(reverse("reports:new")))  # the page was lost, the draft was not
    come_in(client, world.resident)
    assert TEXT in words(client.get(reverse("reports:new")))
    draft = Draft.objects.get()
    assert draft.account == world.resident and draft.photos.count() == 1
    # And the account finds it on another device.
    assert TEXT in words(signed_in(world.resident).get(reverse("reports:new")))
    assert TEXT not in words(signed_in(world.neighbour).get(reverse("reports:new")))


def test_a_refused_step_keeps_every_word_and_photo(world, signed_in):
    client = signed_in(world.resident)
    answer = write(client, text="灯坏", kind="投诉", photos=[jpeg()])
    assert answer.status_code == 422
    assert "灯坏" in words(answer) and "再多写几个字" in words(answer)
    assert Draft.objects.get().photos.count() == 1
    answer = client.post(reverse("reports:new"), {"text": TEXT, "photos": [SimpleUploadedFile("a.jpg", b"no photo")]})
    assert answer.status_code == 422 and TEXT in words(answer)
    write(client, text=TEXT)
    answer = client.post(reverse("reports:place"), {"where": "address", "address": "天边外的一条小路", "do": "next"})
    assert answer.status_code == 422 and "天边外的一条小路" in words(answer)


def test_a_complaint_is_asked_what_it_is_about(world, signed_in):
    client = signed_in(world.resident)
    assert write(client, kind="投诉").status_code == 422
    assert write(client, kind="投诉", about="worker").status_code == 302
    client.post(reverse("reports:place"), {"where": "home", "do": "next"})
    page = client.get(reverse("reports:send"))
    assert world.worker.name not in words(page)  # never promised to the one it is about
    assert "不知道是您" in words(page) and "社区书记" in words(page)
    client.post(reverse("reports:send"), {"_key": key(page), "anonymity": "N1"})
    assert Case.objects.get().sight == "community"


def test_a_complaint_about_one_of_ours_joins_nobody_elses_matter(world, signed_in):
    report(world, at=timezone.now(), account=world.neighbour)
    client = signed_in(world.resident)
    tokens = []
    for about in ("thing", "leader"):
        write(client, kind="投诉", about=about, category="XQ201")
        client.post(reverse("reports:place"), {"where": "home", "do": "next"})
        page = client.get(reverse("reports:send"))
        assert ("我也遇到" in words(page)) == (about == "thing")
        tokens += re.findall(r'name="token" value="([^"]+)"', page.content.decode())
    refused = client.post(reverse("reports:join"), {"token": tokens[0], "_key": "k9"})
    assert refused.status_code in (409, 422) and Case.objects.count() == 1
    draft = Draft.objects.get()
    draft.data |= {"about": "staff"}  # of a version before
    draft.save()
    assert client.get(reverse("reports:send")).status_code == 200


def test_photos_are_kept_shown_and_taken_back_one_by_one(world, signed_in):
    client = signed_in(world.resident)
    client.post(reverse("reports:new"), {"text": "", "do": "photos", "photos": [jpeg(), jpeg("b.jpg", "blue")]})
    first, second = Draft.objects.get().photos.order_by("pk")
    address = reverse("reports:draft_photo", args=[first.ref, "thumb"])
    assert client.get(address).status_code == 200
    assert signed_in(world.neighbour).get(address).status_code == 404
    assert Client().get(address).status_code == 404
    client.post(reverse("reports:new"), {"text": "还在写", "do": f"drop:{first.ref}"})
    assert list(Draft.objects.get().photos.all()) == [second]
    assert Photo.objects.get(pk=first.pk).erased_at is not None
    full = client.post(reverse("reports:new"), {"text": TEXT, "do": "photos", "photos": [jpeg() for _n in range(9)]})
    assert full.status_code == 422 and TEXT in words(full)


def test_who_is_not_signed_in_cannot_fill_the_disk(world, monkeypatch):
    monkeypatch.setattr(what, "UPLOADS_PER_HOUR", 2)
    client = Client()
    for n in range(3):
        answer = client.post(reverse("reports:new"), {"text": f"第{n}次", "do": "photos", "photos": [jpeg()]})
    assert answer.status_code == 422 and "第2次" in words(answer)
    assert Draft.objects.get().photos.count() == 2


def test_a_draft_is_forgotten_after_a_month_with_its_photos(world):
    client = Client()
    write(client, photos=[jpeg()], do="later")
    soon = timezone.now() + timedelta(days=drafts.KEPT_DAYS - 1)
    assert drafts.forget_old(soon) == 0 and Draft.objects.exists()
    assert drafts.forget_old(soon + timedelta(days=2)) == 1
    assert not Draft.objects.exists() and Photo.objects.get().erased_at is not None


def test_integrity_is_never_saved_not_even_as_a_draft(world, signed_in):
    client = signed_in(world.resident)
    entries = Entry.objects.count()
    answer = client.post(reverse("reports:new"), {"text": BRIBE, "do": "next", "photos": [jpeg()]})
    assert "12388" in words(answer) and BRIBE in words(answer)
    assert "no-store" in answer["Cache-Control"]
    assert not Draft.objects.exists() and not Photo.objects.exists() and not Case.objects.exists()
    assert Entry.objects.count() == entries and not Opening.objects.filter(value__contains="收红包").exists()
    assert BRIBE not in str(dict(client.session))
    by_category = client.post(reverse("reports:new"), {"text": "想反映一个问题", "category": "XQI01", "do": "later"})
    assert "12388" in words(by_category) and not Draft.objects.exists()
    said = client.post(reverse("reports:thread"), {"body": BRIBE})
    assert "12388" in words(said)
    case = report(world)
    added = client.post(reverse("reports:act", args=[case.number, "append"]), {"note": BRIBE})
    assert "12388" in words(added) and case.events.count() == 1
    again = {"note": BRIBE, "not_integrity": "1"}
    assert client.post(reverse("reports:act", args=[case.number, "append"]), again).status_code == 302
    # Whoever says that it is none goes on, with the same words.
    client.post(reverse("reports:new"), {"text": BRIBE, "not_integrity": "1", "do": "next"})
    assert Draft.objects.get().data["text"] == BRIBE


def test_photos_that_came_with_words_taken_for_integrity_are_asked_for_again(world, signed_in):
    case = closed(world)
    client = signed_in(world.resident)
    note = "没修好，物业说要收好处费才修。"
    for address, field in (
        (reverse("reports:act", args=[case.number, "dispute"]), "note"),
        (reverse("reports:new"), "text"),
        (reverse("reports:thread"), "body"),
    ):
        page = words(client.post(address, {field: note, "photos": [jpeg()]}))
        form = page[page.index(f'action="{address}"') :].partition("</form>")[0]
        assert (
            "照片要重新选" in form and 'enctype="multipart/form-data"' in form and 'type="file" name="photos"' in form
        )
        page = words(client.post(address, {field: note}))
        assert "照片要重新选" not in page and 'type="file"' not in page
    before = case.photos.count()
    act = reverse("reports:act", args=[case.number, "dispute"])
    client.post(act, {"note": note, "not_integrity": "1", "photos": [jpeg()]})
    assert Case.objects.get().reopened == 1 and case.photos.count() == before + 1


def test_words_found_to_be_about_integrity_at_the_last_step_can_be_sent_from_the_first(world, signed_in):
    draft = Draft.objects.create(account=world.resident, session="", data={"text": BRIBE, "where": "home"})
    draft.photos.add(picture(world.resident))
    client = signed_in(world.resident)
    page = words(client.get(reverse("reports:send")))
    assert f'action="{reverse("reports:new")}"' in page and BRIBE in page and "照片要重新选" in page
    assert not Draft.objects.exists()
    client.post(reverse("reports:new"), {"text": BRIBE, "not_integrity": "1", "photos": [jpeg()]})
    assert Draft.objects.get().data["text"] == BRIBE and Draft.objects.get().photos.count() == 1


def test_danger_is_told_before_saving_and_the_report_is_still_saved(world, signed_in):
    client = signed_in(world.resident)
    page = go_to_step_three(client, text="三楼有煤气味，楼道里闻着头晕。", category="")
    assert 'href="tel:119"' in words(page)
    assert not Case.objects.exists()
    client.post(reverse("reports:send"), {"_key": key(page), "anonymity": "N1"})
    assert Case.objects.get().urgency == "U1"


def test_a_neighbours_report_can_be_joined_instead(world, signed_in):
    parent = report(world)
    client = signed_in(world.neighbour)
    page = go_to_step_three(client)
    token = re.search(r'name="token" value="([^"]+)"', words(page))[1]
    assert parent.number not in words(page) and world.resident.name not in words(page)
    answer = client.post(reverse("reports:join"), {"_key": key(page), "token": token, "anonymity": "N1"})
    child = Case.objects.get(reporter=world.neighbour)
    assert child.parent == parent and child.number in answer.url
    do(parent, "accept", world.worker, note="我十点去看")
    mine = words(client.get(reverse("reports:matter", args=[child.number])))
    assert "我十点去看" in mine  # the parent's progress
    assert "您送出了报事" in mine


def test_who_joined_does_not_read_what_the_first_reporter_wrote_or_photographed(world, signed_in):
    parent = report(world, photos=[picture(world.resident)])
    perform(parent, "append", actor_on(parent, world.resident), note="我家门牌是三零一")
    page = go_to_step_three(signed_in(world.neighbour))
    token = re.search(r'name="token" value="([^"]+)"', words(page))[1]
    client = signed_in(world.neighbour)
    client.post(reverse("reports:join"), {"_key": key(page), "token": token})
    child = Case.objects.get(reporter=world.neighbour)
    mine = words(client.get(reverse("reports:matter", args=[child.number])))
    assert "三零一" not in mine
    ref = parent.photos.get().photo.ref
    assert ref not in mine
    own = reverse("reports:matter_photo", args=[parent.number, ref, "thumb"])
    assert signed_in(world.resident).get(own).status_code == 200
    assert client.get(reverse("reports:matter_photo", args=[child.number, ref, "thumb"])).status_code == 404


def test_a_stranger_gets_404_as_for_what_does_not_exist(world, signed_in):
    case = report(world, photos=[picture(world.resident)])
    ref = case.photos.get().photo.ref
    pages = [
        reverse("reports:matter", args=[case.number]),
        reverse("reports:matter_photo", args=[case.number, ref, "thumb"]),
    ]
    client = signed_in(world.stranger)
    for page in pages:
        assert client.get(page).status_code == 404
        assert signed_in(world.resident).get(page).status_code == 200
    assert client.get(reverse("reports:matter", args=["260310-9999"])).status_code == 404
    assert client.post(reverse("reports:act", args=[case.number, "withdraw"])).status_code == 404
    assert Case.objects.get().state == "received"
    assert Client().get(pages[0]).status_code == 302  # to the sign-in
    assert case.number not in words(client.get(reverse("reports:matters")))


def test_the_matter_says_who_until_when_and_has_a_receipt(world, signed_in):
    case = do(report(world), "accept", world.worker)
    page = words(signed_in(world.resident).get(reverse("reports:matter", args=[case.number])))
    assert world.worker.name in page and "已受理" in page and TEXT in page
    assert Entry.objects.filter(stream__name=case.stream).order_by("seq").first().entry_hash in page


def test_what_staff_note_for_themselves_is_not_shown(world, signed_in):
    case = do(report(world), "accept", world.worker)
    do(case, "remark", world.worker, note="这户常来电话")
    do(case, "dispatch", world.worker, unit=world.property, assists=[], note="请修二楼的灯")
    page = words(signed_in(world.resident).get(reverse("reports:matter", args=[case.number])))
    assert "常来电话" not in page and world.property.name_zh in page


def test_a_question_is_answered_on_the_page(world, signed_in):
    case = do(report(world), "ask", world.worker, note="是哪一层的灯？")
    client = signed_in(world.resident)
    address = reverse("reports:matter", args=[case.number])
    page = client.get(address)
    assert "是哪一层的灯？" in words(page)
    empty = client.post(reverse("reports:act", args=[case.number, "answer"]), {"note": ""})
    assert empty.status_code == 422
    client.post(reverse("reports:act", args=[case.number, "answer"]), {"note": "二楼半的", "_key": key(page)})
    case.refresh_from_db()
    assert case.state == "received"


def test_the_closed_page_asks_whether_it_is_solved_and_nothing_is_ticked_beforehand(world, signed_in):
    case = closed(world)
    client = signed_in(world.resident)
    page = words(client.get(reverse("reports:matter", args=[case.number])))
    assert "灯换好了。" in page and "解决了" in page and "没解决" in page
    rating = page[page.index('id="rate"') : page.index('id="dispute"')]
    assert rating.count('type="radio"') == 5 and "checked" not in rating
    client.post(reverse("reports:act", args=[case.number, "rate"]), {"level": "4", "note": "还行"})
    assert Rating.objects.get().level == 4
    assert "您的评价：满意" in words(client.get(reverse("reports:matter", args=[case.number])))


def test_a_dispute_reopens_it_and_a_refused_one_keeps_its_words(world, signed_in):
    case = closed(world)
    client = signed_in(world.resident)
    act = reverse("reports:act", args=[case.number, "dispute"])
    assert client.post(act, {"note": "又不亮了"}).status_code == 302
    case.refresh_from_db()
    assert case.state == "accepted" and case.holder != world.worker
    again = client.post(act, {"note": "还是不亮啊"})
    assert again.status_code == 409
    client.post(reverse("reports:act", args=[case.number, "urge"]))
    late = client.post(reverse("reports:act", args=[case.number, "append"]), {"note": "短"})
    assert late.status_code == 422 and "短" in words(late)


def test_a_refusal_names_the_right_channel_and_can_be_contested_once(world, signed_in):
    case = do(report(world), "refuse", world.leader, reason="R10", right_channel="找维修基金窗口", note="不归街道管")
    client = signed_in(world.resident)
    page = words(client.get(reverse("reports:matter", args=[case.number])))
    assert "找维修基金窗口" in page and "不属于各单位职责" in page
    client.post(reverse("reports:act", args=[case.number, "contest_refusal"]), {"note": "就是楼道里的灯"})
    case.refresh_from_db()
    assert case.state == "received" and case.holder == world.secretary


def test_my_matters_has_what_waits_for_me_on_top_and_pages_by_key(world, signed_in):
    waiting = closed(world)
    for _n in range(19):
        report(world)
    client = signed_in(world.resident)
    first = words(client.get(reverse("reports:matters")))
    assert first.index(waiting.number) < min(m.start() for m in re.finditer("matters/[0-9]{6}-", first)) + 30
    assert "回到最前" not in first
    Case.objects.filter(pk=waiting.pk).update(disputable_until=timezone.now() - timedelta(days=1))
    done = words(client.get(reverse("reports:matters") + "?tab=done"))
    assert waiting.number in done
    assert client.get(reverse("reports:matters") + "?before=junk").status_code == 200


def test_lists_cost_the_same_however_long_they_are(world, signed_in):
    def cost(client, address):
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    resident = signed_in(world.resident)
    report(world)
    published(world, account=world.neighbour)
    mine, public = reverse("reports:matters"), reverse("reports:public")
    few = cost(resident, mine), cost(Client(), public)
    for _n in range(5):
        report(world)
        published(world, account=world.neighbour)
    assert (cost(resident, mine), cost(Client(), public)) == few
    assert max(few) < 20


def test_the_public_list_leads_back_to_nobody(world, signed_in):
    case = published(world)
    page = words(Client().get(reverse("reports:public")))
    assert "楼道灯修好了" in page and world.compound.full_name in page
    detail = re.search(r'href="(/public/[0-9]{4}-[^"]+)"', page)[1]
    shown = page + words(Client().get(detail))
    for secret in (case.number, "6幢", "2单元", world.resident.name, TEXT, world.resident.phone):
        assert secret not in shown
    spare = {"A": "B", "Q": "R", "g": "h", "w": "x"}[detail[-1]]  # the bits of the last sign that say nothing
    other = "B" if detail[-10] == "A" else "A"
    elsewhere = detail.replace(case.number[-4:], "0000", 1)
    for not_it in (detail[:-1] + spare, detail[:-10] + other + detail[-9:], elsewhere):
        assert Client().get(not_it).status_code == 404
    ref = case.photos.first().photo.ref
    assert Client().get(f"{detail}/{ref}/thumb").status_code == 404  # not chosen for the public
    case.photos.update(public=True)
    assert Client().get(f"{detail}/{ref}/thumb").status_code == 200
    do(Case.objects.get(pk=case.pk), "unpublish", world.secretary, note="先撤下")
    assert Client().get(detail).status_code == 404


def test_in_public_a_late_one_is_called_late(world):
    case = published(world)
    page = words(Client().get(reverse("reports:public")))
    assert "按期" in page and "超期" not in page
    Case.objects.filter(pk=case.pk).update(due_at=case.closed_at - timedelta(hours=1))
    page = words(Client().get(reverse("reports:public")))
    assert "超期" in page and "按期" not in page


def test_a_step_to_come_whose_time_has_passed_says_how_late_it_is(world):
    case = report(world)
    Case.objects.filter(pk=case.pk).update(accept_due_at=timezone.now() - timedelta(hours=3))
    case.refresh_from_db()
    assert timeline.ahead(case, 5)[0]["who"] == "超期 3 小时"


def test_sensitive_reports_and_those_only_the_centre_may_know_are_never_public(world):
    for change in ({"anonymity": "N2"}, {"sensitive": True}):
        case = published(world)
        token = re.search(r'href="(/public/[0-9]{4}-[^"]+)"', words(Client().get(reverse("reports:public"))))[1]
        Case.objects.filter(pk=case.pk).update(**change)
        assert "楼道灯修好了" not in words(Client().get(reverse("reports:public")))
        assert "楼道灯修好了" not in words(Client().get(reverse("reports:public_map")))
        assert Client().get(token).status_code == 404


def test_the_public_list_can_be_narrowed_and_its_map_counts_the_same(world):
    published(world)
    here = reverse("reports:public") + f"?community={world.community.code}&column=FAC"
    there = reverse("reports:public") + f"?community={world.other_community.code}"
    assert "楼道灯修好了" in words(Client().get(here)) and "<svg" in words(Client().get(here))
    assert "楼道灯修好了" not in words(Client().get(there))
    table = words(Client().get(here)).partition("<tbody>")[2].partition("</tbody>")[0]
    assert re.search(rf"{world.grid.name}</th><td>1</td>", table)
    assert Report.objects.filter(published_at__isnull=False).count() == 1


def test_the_service_is_agreed_to_once_and_never_ticked_beforehand(world, signed_in):
    Consent.objects.filter(account=world.resident).delete()
    client = signed_in(world.resident)
    page = go_to_step_three(client)
    assert 'name="consent" value="1"' in words(page) and 'consent" value="1" checked' not in words(page)
    refused = client.post(reverse("reports:send"), {"_key": key(page), "anonymity": "N2"})
    assert refused.status_code == 422 and TEXT[:10] in words(refused) and not Case.objects.exists()
    client.post(reverse("reports:send"), {"_key": key(refused), "anonymity": "N2", "consent": "1"})
    assert Case.objects.get().anonymity == "N2"


def test_a_compound_is_chosen_step_by_step_without_a_script(world, signed_in):
    client = signed_in(world.stranger)
    write(client)
    place = reverse("reports:place")
    client.post(place, {"where": "choose", "compound": world.compound.pk, "do": "choose"})
    page = words(client.get(place))
    assert f'value="{world.building.pk}"' in page and f'value="{world.entrance.pk}"' not in page
    chosen = {"where": "choose", "compound": world.compound.pk, "building": world.building.pk}
    client.post(place, {**chosen, "do": "choose"})
    assert f'value="{world.entrance.pk}"' in words(client.get(place))
    client.post(place, {**chosen, "entrance": world.entrance.pk, "do": "next"})
    page = client.get(reverse("reports:send"))
    client.post(reverse("reports:send"), {"_key": key(page)})
    case = Case.objects.get()
    assert case.place == world.entrance and case.grid == world.grid


def test_a_place_of_the_neighbours_is_told_whose_it_is_and_the_words_stay(world, signed_in):
    area("subdistrict", "330102099", "逐月街道", world.district)
    client = signed_in(world.resident)
    write(client)
    answer = client.post(reverse("reports:place"), {"where": "address", "address": "逐月街道月光路3号", "do": "next"})
    assert answer.status_code == 422
    assert "逐月街道月光路3号" in words(answer) and "12345" in words(answer)
    far = client.post(reverse("reports:place"), {"where": "point", "lat": "39.9", "lon": "116.4", "do": "next"})
    assert far.status_code == 422 and "12345" in words(far)


def test_a_scanned_plate_is_where_it_is(world):
    client = Client()
    client.get(reverse("reports:new") + f"?plate={world.bare_plate.code}")
    write(client)
    assert world.bare_entrance.full_name in words(client.get(reverse("reports:place")))
    assert world.bare_worker.name in words(client.get(reverse("reports:place")))
