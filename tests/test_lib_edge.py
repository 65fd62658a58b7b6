"""Promises of the edge: what cannot be stored alike on both databases never reaches a page, and no answer is naked."""

import json
import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.http import Http404, HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from django.urls import path

from weilianxin.lib import edge

seen = []


def echo(request, **kwargs):
    seen.append(request.path_info)
    files = {name: upload.read().decode() for name, upload in request.FILES.items()}
    return JsonResponse({"get": dict(request.GET), "post": dict(request.POST), "files": files})


def raw(request):
    return HttpResponse(request.body, content_type="application/json", headers={"Cache-Control": "public, max-age=60"})


def missing(request):
    raise Http404


urlpatterns = [
    path("echo", echo),
    path("raw", raw),
    path("missing", missing),
    path("n/<int:number>", echo),
    path("t/<str:text>", echo),
]
handler404 = "tests.test_lib_edge.plain_404"
handler400 = "tests.test_lib_edge.plain_400"


def plain_404(request, exception):
    return HttpResponse("none", status=404)


def plain_400(request, exception):
    return HttpResponse("bad", status=400)


def wsgi(method, kind, *, body=b"", query=""):
    """(status, JSON) of a request as a server hands it over."""
    environ = RequestFactory()._base_environ(
        REQUEST_METHOD=method,
        PATH_INFO="/echo",
        QUERY_STRING=query,
        CONTENT_TYPE=kind,
        CONTENT_LENGTH=str(len(body)),
        HTTP_COOKIE="wlx-csrf=" + "a" * 32,
        HTTP_X_CSRFTOKEN="a" * 32,
        **{"wsgi.input": BytesIO(body)},
    )
    status = []
    answer = edge.without_charset(WSGIHandler())(environ, lambda line, headers: status.append(int(line[:3])))
    content = b"".join(answer)
    return status[0], json.loads(content) if status[0] == 200 else None


@pytest.fixture
def site(settings):
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "weilianxin.lib.edge.SecurityHeaders",
        "weilianxin.lib.edge.EdgeValidator",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    seen.clear()
    return Client()


def sentence(response):
    return response.content.decode()


HOSTILE = {
    "NUL": "a\x00b",
    "a bell": "\x07",
    "escape": "\x1b[31m",
    "vertical tab": "a\x0bb",
    "delete": "\x7f",
    "C1 control": "a\x85b",
    "no character": "\uffff",
    "a number beyond the databases": "9223372036854775808",
    "a negative one": "-9223372036854775809",
    "in full-width digits": "９９９９９９９９９９９９９９９９９９９９",
    "five thousand digits": "9" * 5000,
    "a huge exponent": "1e999999",
    "text without end": "长" * 20_001,
}
FINE = {
    "nothing": "",
    "words of several lines": "三楼的灯\r\n\t坏了，\n请来看看 😀 𠮷",
    "the largest number": "9223372036854775807",
    "an identity card's digits": "330102199001011234",
    "text with a number in it": "编号 99999999999999999999 的那件",
    "the longest text": "长" * 20_000,
    "a right-to-left mark": "a\u200fb",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
class TestHostileValues:
    def test_in_a_form(self, site, value):
        response = site.post("/echo", {"note": value})
        assert response.status_code == 422 and not seen

    def test_in_a_form_with_photos(self, site, value):
        upload = SimpleUploadedFile("a.jpg", b"abc")
        body = {"note": value, "photo": upload}
        assert site.post("/echo", body).status_code == 422 and not seen

    def test_in_an_urlencoded_form(self, site, value):
        from urllib.parse import urlencode

        body = urlencode({"ok": "1", "note": value})
        response = site.post("/echo", body, content_type="application/x-www-form-urlencoded")
        assert response.status_code == 422 and not seen

    def test_in_a_query(self, site, value):
        assert site.get("/echo", {"before": value}).status_code == 422 and not seen

    def test_as_a_second_value_of_a_field(self, site, value):
        assert site.post("/echo", {"kind": ["a", value]}).status_code == 422 and not seen


@pytest.mark.parametrize("value", FINE.values(), ids=FINE)
def test_what_people_write_arrives_as_they_wrote_it(site, value):
    assert site.post("/echo", {"note": value}).json()["post"] == {"note": [value]}


@pytest.mark.parametrize("name", ["a\x00b", "n" * 101, "x\x1b"])
def test_a_bad_field_name_is_refused(site, name):
    assert site.post("/echo", {name: "1"}).status_code == 422
    assert site.get("/echo", {name: "1"}).status_code == 422
    assert not seen


@pytest.mark.parametrize(
    ("name", "value"), [("lat", "90.1"), ("lat", "nan"), ("lon", "-181"), ("lon", "inf"), ("lat", "x")]
)
def test_a_place_that_is_not_on_earth_is_refused(site, name, value):
    assert site.post("/echo", {name: value}).status_code == 422


@pytest.mark.parametrize(("name", "value"), [("lat", "30.25"), ("lon", "-120"), ("lat", ""), ("lat", " ")])
def test_a_place_on_earth_and_no_place_pass(site, name, value):
    assert site.post("/echo", {name: value}).status_code == 200


def test_a_form_key_of_nothing_but_digits_passes(site):
    assert site.post("/echo", {"_key": "9" * 32}).status_code == 200


PATHS = ["/t/%00", "/t/a%07b", "/t/%C2%85", "/n/99999999999999999999", "/t/" + "a" * 1200]


@pytest.mark.parametrize("address", PATHS)
def test_a_hostile_path_is_refused_with_a_page(site, address):
    response = site.get(address)
    assert response.status_code == 422 and not seen


@pytest.mark.parametrize("raw_path", ["/%ff", "/t/%ed%a0%80/x", "/%zz", "/%", "/%00"])
def test_malformed_encoding_in_a_path_is_a_page_that_does_not_exist(site, raw_path):
    assert site.get(raw_path).status_code in (404, 422) and not seen


@pytest.mark.parametrize("raw_path", [b"/t/\xff\xfe", b"/\xed\xa0\x80", b"/t/\xc0\xaf", b"/\x80\x00"])
def test_bytes_that_are_no_text_in_a_path_never_break_anything(site, raw_path):
    response = site.get("/", PATH_INFO=raw_path.decode("latin-1"))
    assert response.status_code < 500


@pytest.mark.parametrize("query", [b"a=\xff\xfe", b"%", b"a=%zz", b"=", b"&&&", b"a=%ed%a0%80"])
def test_bytes_that_are_no_text_in_a_query_never_break_anything(site, query):
    assert site.get("/echo", QUERY_STRING=query.decode("latin-1")).status_code < 500


def test_a_query_without_end_is_refused(site):
    assert site.get("/echo?" + "a=1&" * 1200).status_code == 422
    assert site.get("/echo?" + "&".join(f"a{n}=" for n in range(401))).status_code == 422
    assert not seen


class TestForms:
    def test_a_form_without_end_is_refused_with_a_sentence(self, site):
        assert site.post("/echo", {f"f{n}": "1" for n in range(401)}).status_code == 422
        body = "&".join(f"f{n}={'长' * 1000}" for n in range(360))
        assert site.post("/echo", body, content_type="application/x-www-form-urlencoded").status_code == 413
        assert not seen

    def test_more_photos_than_allowed_are_refused(self, site):
        photos = [SimpleUploadedFile(f"{n}.jpg", b"x") for n in range(25)]
        assert site.post("/echo", {"photo": photos}).status_code == 422

    @pytest.mark.parametrize(
        "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=é"]
    )
    def test_a_broken_form_is_refused(self, site, kind):
        assert site.post("/echo", b"--x\r\n", content_type=kind).status_code in (400, 422)
        assert not seen

    def test_a_form_cut_off_in_the_middle_never_breaks_anything(self, site):
        body = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\nabc'
        assert site.post("/echo", body, content_type="multipart/form-data; boundary=x").status_code < 500

    @pytest.mark.parametrize("charset", ["hex", "utf-16", "utf-7", "rot13", "idna", "nonsense", '"hex"'])
    def test_an_odd_charset_is_refused_for_forms_and_ignored_elsewhere(self, site, charset):
        kind = f"application/x-www-form-urlencoded; Charset={charset}"
        assert wsgi("POST", kind, body=b"note=a")[0] == 422
        assert wsgi("GET", kind, query="note=%E7%81%AF") == (200, {"get": {"note": ["灯"]}, "post": {}, "files": {}})

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"'])
    def test_the_usual_charset_passes(self, site, charset):
        kind = f"application/x-www-form-urlencoded; charset={charset}"
        assert wsgi("POST", kind, body=b"note=a")[1]["post"] == {"note": ["a"]}

    def test_many_fields_and_a_charset_are_refused_like_any_other(self, site):
        query = "&".join(f"a{n}=" for n in range(401))
        assert wsgi("GET", "text/html; charset=utf-8", query=query)[0] == 422

    def test_uploads_pass_untouched(self, site):
        response = site.post("/echo", {"note": "灯", "photo": SimpleUploadedFile("a.jpg", "照片\x00".encode())})
        assert response.json()["files"] == {"photo": "照片\x00"}

    def test_a_body_that_is_no_form_is_left_to_its_page(self, site):
        assert site.post("/raw", b'"\\u0000"', content_type="application/json").content == b'"\\u0000"'

    def test_the_csrf_check_still_stands(self, site):
        strict = Client(enforce_csrf_checks=True)
        assert strict.post("/echo", {"note": "灯"}).status_code == 403
        strict.cookies["wlx-csrf"] = token = "a" * 32
        assert strict.post("/echo", {"note": "灯", "csrfmiddlewaretoken": token}).status_code == 200


@pytest.mark.parametrize("cookie", ['wlx="\\000aaaaaaaa"', 'wlx="\\033"', "wlx=" + "a" * 4001])
def test_a_cookie_with_a_hidden_nul_is_ignored_before_anything_is_looked_up_by_it(site, cookie):
    factory = RequestFactory()
    request = factory.get("/echo", HTTP_COOKIE=f"{cookie}; lang=en")
    edge.EdgeValidator(lambda request: HttpResponse())(request)
    assert request.COOKIES == {"lang": "en"}


class TestRefusal:
    def test_it_is_said_in_words_with_a_code_and_nothing_of_what_was_sent(self, site, caplog):
        with caplog.at_level("WARNING"):
            response = site.post("/echo", {"note": "13800001234\x00"})
        code = re.search(r"E-[0-9A-Z]{4}", sentence(response))[0]
        assert str(edge.SENTENCES["characters"]) in sentence(response)
        assert f"{code} refused at the edge: characters" in caplog.text
        assert "13800001234" not in caplog.text + sentence(response)

    def test_the_address_with_its_token_is_not_in_the_log(self, site, caplog):
        with caplog.at_level("INFO"):
            assert site.post("/t/qwertyuiop", {"note": "\x00"}).status_code == 422
        assert "refused" in caplog.text and "qwertyuiop" not in caplog.text

    def test_it_is_told_in_plain_words_where_there_is_no_page(self, site, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError

        monkeypatch.setattr(edge, "render", broken)
        response = site.post("/echo", {"note": "\x00"})
        assert response.status_code == 422 and response["Content-Type"] == "text/plain; charset=utf-8"
        assert str(edge.SENTENCES["characters"]) in sentence(response)

    def test_its_page_gets_what_it_shows(self, site, monkeypatch):
        given = {}

        def page(request, name, context, status):
            given.update(context, name=name)
            return HttpResponse(status=status)

        monkeypatch.setattr(edge, "render", page)
        site.get("/t/%00")
        assert given["name"] == "portal/error.html" and given["status"] == 422
        assert given["sentence"] == edge.SENTENCES["address"] and given["title"] and given["code"]


class TestHeaders:
    @pytest.mark.parametrize(
        ("address", "status"), [("/echo", 200), ("/missing", 404), ("/t/%00", 422), ("/nowhere", 404)]
    )
    def test_every_answer_bears_them(self, site, address, status):
        response = site.get(address)
        assert response.status_code == status
        for name, value in edge.HEADERS.items():
            assert response[name] == value

    def test_no_page_may_run_or_load_what_is_not_ours(self, site):
        rules = dict(rule.strip().split(" ", 1) for rule in site.get("/echo")["Content-Security-Policy"].split(";"))
        assert rules["default-src"] == rules["script-src"] == rules["style-src"] == rules["form-action"] == "'self'"
        assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in str(rules) and "http" not in str(rules)

    def test_a_page_that_may_be_kept_says_so_itself(self, site):
        assert site.post("/raw", b"1", content_type="application/json")["Cache-Control"] == "public, max-age=60"

    def test_https_is_promised_only_over_https(self, site, settings):
        settings.SECURE_HSTS_SECONDS = 31536000
        assert "Strict-Transport-Security" not in site.get("/echo")
        assert site.get("/echo", secure=True)["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_lone_surrogates_are_refused_wherever_they_come_from():
    for half in ("\ud800", "\udfff"):
        assert edge.wrong_value("note", f"a{half}b") == "characters"
        assert edge.wrong_name(half) == "form"


def test_a_body_that_never_comes_is_not_our_error(site):
    class Broken(BytesIO):
        def read(self, *args):
            raise OSError("gone")

    kind = "application/x-www-form-urlencoded"
    request = RequestFactory().generic("POST", "/echo", b"note=a", content_type=kind)
    request._stream = Broken()
    middleware = edge.EdgeValidator(lambda request: HttpResponse())
    middleware(request)
    assert middleware.process_view(request, echo, (), {}).status_code == 422
