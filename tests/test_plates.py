"""Plates on walls: what the print shop gets, what a scan says, what an old or an invented code says."""

import io
import json
import re
from datetime import timedelta

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
import segno
import zxingcpp
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from weilianxin.areas import plates
from weilianxin.areas.models import Place, Plate
from weilianxin.config.cli import main
from weilianxin.desk import minicodes, sheets
from weilianxin.desk.sheets import BadSheet, draw
from weilianxin.files.intake import receive
from weilianxin.files.store import store
from weilianxin.journal.models import Entry
from weilianxin.people.models import Account, Dwelling, Post

from .support.visitors import jpeg
from .support.world import at, client_for, place

pytestmark = pytest.mark.django_db
NOW = at(9)


def hang(where, code=None):
    return Plate.objects.create(place=where, issued_at=NOW, **({"code": code} if code else {}))


def rows(where):
    return list(plates.hanging(where))


def seen(made, dots=300):
    """(links on the page, its text without what only helps to break lines, its measures in mm) of every page."""
    pages = []
    for page in pypdfium2.PdfDocument(made):
        image = page.render(scale=dots / 72).to_pil()
        links = sorted(code.text for code in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode))
        words = re.sub(r"[\s\u200b\ufffe]", "", page.get_textpage().get_text_bounded())
        pages.append((links, words, tuple(round(side / 72 * 25.4) for side in page.get_size())))
    return pages


def link(plate):
    return plates.plate_url(plate)


# On paper


@pytest.mark.parametrize(
    ("size", "each", "paper"),
    [
        ("plate-a6", 4, (210, 297)),
        ("plate-a5", 2, (297, 210)),
        ("plate-a4", 1, (210, 297)),
        ("worker-a4", 1, (210, 297)),
        ("worker-a5", 2, (297, 210)),
    ],
)
def test_an_independent_reader_finds_exactly_the_links_of_the_plates_on_their_sheets(world, size, each, paper):
    for n in range(3, 7):
        hang(place("entrance", f"{n}单元", world.building))
    hung = rows(world.compound)
    assert len(hung) == 5
    pages = seen(draw(hung, size, NOW))
    assert [links for links, _words, _paper in pages] == [
        sorted(map(link, hung[n : n + each])) for n in range(0, len(hung), each)
    ]
    assert all(measures == paper for _links, _words, measures in pages)


def test_with_a_mini_program_both_codes_stand_on_the_plate(world):
    out = io.BytesIO()
    segno.make("mini " + world.plate.code).save(out, kind="png", scale=10)
    for size in sheets.SIZES:
        ((links, words, _paper),) = seen(draw(rows(world.compound), size, NOW, mini={world.plate.code: out.getvalue()}))
        assert links == [link(world.plate), "mini " + world.plate.code], size
        assert "微信扫这个" in words and "支付宝、相机扫这个" in words


def test_a_plate_says_the_place_first_what_scanning_does_whom_to_ring_and_what_to_type(world):
    ((_links, words, _paper),) = seen(draw(rows(world.compound), "plate-a6", NOW))
    assert words.startswith("星影苑6幢2单元天枢社区·第一网格Tianshu·Grid1")
    assert "微信、支付宝、手机相机都能扫扫一扫，找到管这里的网格员Scantoreachthegridworker" in words
    assert "社区电话05710000001" in words and link(world.plate).partition("://")[2] in words
    assert "角木" not in words, "a plate names a place, never a person"


def test_a_poster_names_the_grid_worker_with_hours_and_no_number_of_their_own_unless_it_may_be_called(world, settings):
    world.grid.hours = "周一至周五 8:30-17:30"
    world.grid.save()

    def words():
        return seen(draw(rows(world.compound), "worker-a4", NOW))[0][1]

    said = words()
    assert "这里的网格员角木天枢社区·第一网格周一至周五8:30-17:30" in said and "社区电话05710000001" in said
    own = world.worker.phone
    assert own not in said
    settings.CALLS = True
    assert own not in words(), "never of a demo person"
    Account.objects.filter(pk=world.worker.pk).update(is_demo=False)
    assert own in words()


def test_a_poster_shows_a_stored_portrait_and_does_without_one_that_is_gone(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    photo = store(receive([jpeg("red")])[0], world.worker, NOW)
    for portrait in (photo.ref, "f" * 24, "p99", ""):
        Account.objects.filter(pk=world.worker.pk).update(photo=portrait)
        assert "角木" in seen(draw(rows(world.compound), "worker-a4", NOW))[0][1]


def test_a_grid_without_a_grid_worker_gets_its_plates_but_no_poster(world):
    Post.objects.filter(area=world.grid, role="grid_worker").delete()
    assert draw(rows(world.compound), "plate-a6", NOW)
    with pytest.raises(BadSheet, match="第一网格”还没有网格员"):
        draw(rows(world.compound), "worker-a4", NOW)


NASTY = (
    "12幢\"引号\" '单' #set $x^2$ @ref \\u{41} *粗* _斜_ `code` <b> // /* ~ -- [方括号] {花括号}",
    'sys.inputs.data #panic() #import "@preview/x:1.0.0"',
    "长" * 158,
    "a" * 158,
    "𬭎𫖯䶮㐂鱻砼号（东区）　二期",
    "1",
)


@pytest.mark.parametrize("size", ["plate-a6", "worker-a4"])
def test_no_name_can_break_a_sheet_and_all_of_it_can_be_read(world, size):
    for name in NASTY:
        Place.objects.filter(pk=world.entrance.pk).update(full_name=name)
        ((links, words, _paper),) = seen(draw(rows(world.compound), size, NOW))
        assert links == [link(world.plate)], name
        assert re.sub(r"\s", "", name) in words, name


def test_the_font_is_embedded_and_a_sheet_with_another_is_refused_by_ourselves(world, monkeypatch):
    document, checked = pypdfium2.PdfDocument(draw(rows(world.compound), "plate-a6", NOW)), 0
    for thing in document[0].get_objects([pdfium.FPDF_PAGEOBJ_TEXT]):
        font = pdfium.FPDFTextObj_GetFont(thing.raw)
        assert pdfium.FPDFFont_GetIsEmbedded(font) == 1
        checked += 1
    assert checked > 5
    monkeypatch.setattr(sheets, "FONT", "No Such Font")
    with pytest.raises(RuntimeError, match="font"):
        draw(rows(world.compound), "plate-a6", NOW)


@pytest.mark.parametrize("character", ["𠮷", "\U0001f600", "\x07"])
def test_a_character_the_font_does_not_have_is_named_and_never_printed_as_a_box(world, character):
    Place.objects.filter(pk=world.entrance.pk).update(full_name=f"星影苑 {character}祥里")
    with pytest.raises(BadSheet, match="字库里没有") as caught:
        draw(rows(world.compound), "plate-a6", NOW)
    assert character in str(caught.value)


def test_drawing_asks_the_database_the_same_for_one_plate_and_for_forty(world):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            draw(plates.hanging(world.compound), "worker-a4", NOW)
        return len(queries)

    one = asked()
    for n in range(3, 43):
        hang(place("entrance", f"{n}单元", world.building))
    assert asked() == one


# The administrator


def test_an_administrator_downloads_what_was_chosen_and_nothing_else(world):
    admin = client_for(world.admin)
    other = place("entrance", "1单元", place("building", "7幢", world.compound))
    mine, url = hang(other), reverse("desk:admin_sheet", args=[world.compound.pk])

    def links(address, **chosen):
        answer = admin.get(address, chosen)
        assert answer["Content-Type"] == "application/pdf" and answer["Cache-Control"] == "no-store"
        assert "attachment" in answer["Content-Disposition"]
        return [link for links, *_rest in seen(answer.content) for link in links]

    assert links(url) == sorted([link(world.plate), link(mine)])
    assert links(url, part=other.parent_id, size="plate-a5") == links(url, part=other.pk) == [link(mine)]
    assert admin.get(url, {"part": world.bare_entrance.pk}).status_code == 404
    assert admin.get(url, {"part": "x"}).status_code == 404
    for area, hung in ((world.grid, [world.plate, mine]), (world.community, [world.plate, mine, world.bare_plate])):
        address = reverse("desk:admin_area_sheet", args=[area.code])
        assert sorted(links(address)) == sorted(map(link, hung))


def test_what_cannot_be_drawn_is_said_on_the_page_it_was_asked_from(world, monkeypatch):
    admin = client_for(world.admin)
    url = reverse("desk:admin_sheet", args=[world.compound.pk])
    page = admin.get(url, {"size": "a3"})
    assert page.status_code == 422 and "请选印成多大" in page.content.decode()
    empty = admin.get(reverse("desk:admin_area_sheet", args=[world.other_community.code]))
    assert empty.status_code == 422 and "还没有发放门牌" in empty.content.decode()
    hang(place("entrance", "3单元", world.building))
    monkeypatch.setattr(sheets, "MOST", 1)
    page = admin.get(url)
    assert page.status_code == 422 and "一次最多 1 块" in page.content.decode()


def test_one_plate_is_replaced_or_stopped_without_its_neighbours_and_its_history_stays(world):
    admin, neighbour = client_for(world.admin), hang(place("entrance", "3单元", world.building))
    admin.post(reverse("desk:admin_plate", args=[world.plate.code, "reissue"]))
    new = Plate.objects.get(place=world.entrance, revoked_at=None)
    neighbour.refresh_from_db()
    assert neighbour.revoked_at is None and new.replaces == world.plate
    page = admin.get(reverse("desk:admin_plate_history", args=[world.entrance.pk])).content.decode()
    assert new.code in page and page.count(world.plate.code) == 2 and "在用" in page and neighbour.code not in page
    assert [link for links, *_rest in seen(draw(rows(world.compound), "plate-a6")) for link in links] == sorted(
        [link(new), link(neighbour)]
    )
    assert json.loads(Entry.objects.filter(action="plate_reissue").get().payload)["plate"] == world.plate.pk


def test_the_command_writes_a_file_for_every_compound_says_each_and_how_long_it_took(world, tmp_path, capsys):
    def plates_command(*words):
        with pytest.raises(SystemExit) as ended:
            main(["plates", str(tmp_path), *words])
        return ended.value.code, capsys.readouterr()

    code, told = plates_command("--community", world.community.code, "--issue")
    assert code == 0 and "3 块" in told.out.splitlines()[-1] and "每百块" in told.out
    made = sorted(tmp_path.rglob("*.pdf"))
    assert [path.relative_to(tmp_path).as_posix() for path in made] == [
        f"天枢社区/{top.full_name}-{top.pk}.pdf" for top in (world.bare_compound, world.compound, world.park)
    ]
    assert seen(made[1].read_bytes())[0][0] == [link(world.plate)]
    assert plates_command("--community", "999")[0] == 1


# On a wall


def test_a_code_that_was_typed_with_blanks_and_capitals_is_found(world):
    plate = hang(world.park)
    assert re.fullmatch(r"[2-9a-hjkmnp-tw-z]{16}", plate.code), "no letter that looks like another"
    typed = " ".join(plate.code[n : n + 4] for n in range(0, 16, 4)).upper()
    assert plates.resolve(typed) == plate
    assert Client().get(reverse("portal:plate", args=[typed])).status_code == 200


def test_a_replaced_plate_says_so_politely_and_leads_on_to_the_same_place_without_binding(world):
    plates.reissue(world.plate, NOW)
    client, old = client_for(world.neighbour), world.plate.code
    Dwelling.objects.filter(account=world.neighbour).delete()
    answer = client.get(reverse("portal:plate", args=[old]))
    page = answer.content.decode()
    assert answer.status_code == 410 and "这块门牌换过了" in page and "不是您的错" in page
    assert world.entrance.full_name in page and "角木" not in page
    onward = re.findall(r'href="([^"]*plate=[^"]*)"', page)
    assert len(onward) == 2
    for url in onward:
        shown = client.get(url, follow=True)
        assert shown.status_code == 200
    assert world.entrance.full_name in client.get(reverse("portal:bind") + f"?plate={old}").content.decode()
    assert not Dwelling.objects.filter(account=world.neighbour, until=None).exists(), "nobody is bound by a scan"


def test_a_plate_that_was_stopped_says_that_and_not_that_there_is_another(world):
    plates.revoke(world.plate, NOW)
    page = Client().get(reverse("portal:plate", args=[world.plate.code])).content.decode()
    assert "这块门牌停用了" in page and "换过了" not in page and "不是您的错" in page


def test_guessing_codes_is_stopped_and_real_plates_go_on_answering(world):
    client = Client(REMOTE_ADDR="198.51.100.7")
    answers = [client.get(reverse("portal:plate", args=[f"{n:016d}"])).status_code for n in range(31)]
    assert answers == [404] * 30 + [429]
    assert client.get(reverse("portal:plate", args=[world.plate.code])).status_code == 200
    assert Client(REMOTE_ADDR="198.51.100.8").get(reverse("portal:plate", args=["nope"])).status_code == 404


def test_a_plate_out_of_use_is_on_no_sheet(world):
    plates.revoke(world.plate, NOW + timedelta(days=1))
    with pytest.raises(BadSheet, match="还没有发放"):
        draw(rows(world.compound), "plate-a6", NOW)


# With a mini-program


@pytest.fixture
def platform(settings, tmp_path):
    """The platform of `fakes/wechat`, and our settings for it."""
    from fakes.wechat import serve
    from fakes.wechat.platform import APPID, SECRET

    running = serve()
    settings.DATA_DIR, settings.WECHAT_BASE = tmp_path, running.url
    settings.WECHAT_APPID, settings.WECHAT_SECRET, settings.WECHAT_STATE = APPID, SECRET, "trial"
    yield running.platform
    running.stop()


def asked_for_codes(platform):
    return sum(line.get("call") == "getwxacodeunlimit" for line in platform.log)


def test_both_codes_stand_on_what_is_downloaded_and_wechat_draws_each_once(world, platform):
    hang(place("entrance", "3单元", world.building))
    admin, url = client_for(world.admin), reverse("desk:admin_sheet", args=[world.compound.pk])
    for _time in range(2):
        ((links, words, _paper),) = seen(admin.get(url).content)
        assert "微信扫这个" in words
        drawn = [
            f"{next(iter(platform.apps.values())).site}/p/{plate.code}" for plate in rows(world.compound)
        ]  # the scene, as it draws it
        assert links == sorted([*map(link, rows(world.compound)), *drawn])
    assert asked_for_codes(platform) == 2
    ((links, words, _paper),) = seen(admin.get(url, {"mini": "no"}).content)
    assert len(links) == 2 and "微信扫这个" not in words


def test_no_plate_is_printed_without_its_code_when_wechat_does_not_draw_it(world, platform, capsys, tmp_path):
    platform.faults.add(action="errcode", endpoint="getwxacodeunlimit", value=41030)
    page = client_for(world.admin).get(reverse("desk:admin_sheet", args=[world.compound.pk]))
    said = page.content.decode()
    assert page.status_code == 422 and "微信没有给小程序码（wechat-41030）" in said and "不印小程序码" in said
    with pytest.raises(SystemExit) as ended:
        main(["plates", str(tmp_path / "out"), "--community", world.community.code])
    assert ended.value.code == 1 and "wechat-41030" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.pdf"))


def test_what_was_drawn_in_time_is_kept_for_the_next_download(world, platform):
    hung = rows(world.compound)
    with pytest.raises(BadSheet, match="还差 1 个"):
        minicodes.mini_codes(hung, patience=-1)
    first = minicodes.mini_codes(hung)
    platform.faults.add(action="errcode", endpoint="getwxacodeunlimit", value=-1)
    assert minicodes.mini_codes(hung) == first
