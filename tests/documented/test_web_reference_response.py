"""web_reference.rst "Response classes": responses as objects, json_response."""

import datetime
import http.cookies

import pytest
from multidict import CIMultiDict

from tests.documented.subject import improvement


@pytest.fixture
def answer_of(serve):
    """Serve one response made by a function of the request, and give what came."""

    async def ask(make, method="GET", headers=()):
        async def handler(request):
            found = make(request)
            return await found if hasattr(found, "__await__") else found

        return await (await serve(handler)).request(method, "/", headers)

    return ask


# A response as an object


def test_hierarchy(web):
    assert issubclass(web.Response, web.StreamResponse)
    assert issubclass(web.FileResponse, web.StreamResponse)


@pytest.mark.parametrize("name", ["Response", "StreamResponse"])
def test_defaults(web, name):
    response = getattr(web, name)()
    assert response.status == 200
    assert response.reason == "OK"
    assert response.prepared is False
    assert response.keep_alive is None
    assert response.chunked is False
    assert response.compression is False
    assert response.last_modified is None
    assert response.etag is None
    assert isinstance(response.headers, CIMultiDict)
    assert isinstance(response.cookies, http.cookies.SimpleCookie)
    assert len(response.cookies) == 0


@pytest.mark.parametrize("name", ["Response", "StreamResponse"])
def test_mapping(web, name):
    response = getattr(web, name)()
    response["key"] = "value"
    assert response["key"] == "value"
    assert len(response) == 1
    assert list(response) == ["key"]
    del response["key"]
    assert "key" not in response
    assert bool(response)
    assert response == response
    assert response != getattr(web, name)()


def test_response_key(web):
    key = web.ResponseKey("key", int)
    response = web.Response()
    response[key] = 5
    assert response[key] == 5
    assert key in response
    assert response.get(web.ResponseKey("other", int)) is None


@pytest.mark.parametrize(
    ("status", "reason", "wanted"),
    [
        (200, None, "OK"),
        (404, None, "Not Found"),
        (299, None, ""),
        (200, "Fine", "Fine"),
        (200, "", ""),
    ],
)
def test_status_and_reason(web, status, reason, wanted):
    assert web.StreamResponse(status=status, reason=reason).reason == wanted
    response = web.Response()
    response.set_status(status, reason)
    assert (response.status, response.reason) == (status, wanted)


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\r\nb"])
def test_reason_refuses_line_breaks(web, bad):
    with pytest.raises(ValueError):
        web.Response(reason=bad)
    with pytest.raises(ValueError):
        web.Response().set_status(200, bad)


def test_only_names(web):
    with pytest.raises(TypeError):
        web.Response(b"body")
    with pytest.raises(TypeError):
        web.StreamResponse(200)


@pytest.mark.parametrize(
    ("arguments", "content_type", "charset", "body"),
    [
        ({}, "application/octet-stream", None, None),
        ({"text": "\u0444"}, "text/plain", "utf-8", "\u0444".encode()),
        ({"body": b"x"}, "application/octet-stream", None, b"x"),
        ({"text": "a", "content_type": "text/html"}, "text/html", "utf-8", b"a"),
        ({"text": "\u0444", "charset": "cp1251"}, "text/plain", "cp1251", b"\xf4"),
        (
            {"text": "\xe9", "content_type": "text/x", "charset": "latin-1"},
            "text/x",
            "latin-1",
            b"\xe9",
        ),
        ({"body": b"a", "content_type": "image/png"}, "image/png", None, b"a"),
        (
            {"text": "a", "headers": {"Content-Type": "text/html; charset=koi8-r"}},
            "text/html",
            "koi8-r",
            b"a",
        ),
        ({"body": b"a", "headers": {"Content-Type": "text/css"}}, "text/css", None, b"a"),
        ({"text": ""}, "text/plain", "utf-8", b""),
        ({"body": bytearray(b"a")}, "application/octet-stream", None, b"a"),
    ],
)
def test_arguments(web, arguments, content_type, charset, body):
    response = web.Response(**arguments)
    assert response.content_type == content_type
    assert response.charset == charset
    if body is None:
        assert response.body is None
    else:
        assert bytes(response.body) == body


@pytest.mark.parametrize(
    "arguments",
    [
        {"text": "a", "body": b"a"},
        {"content_type": "text/plain; charset=utf-8"},
        {"text": "a", "content_type": "text/plain; charset=utf-8"},
        {"headers": {"Content-Type": "text/plain"}, "content_type": "text/html"},
        {"headers": {"Content-Type": "text/plain"}, "text": "a", "charset": "utf-8"},
    ],
)
def test_arguments_that_contradict(web, arguments):
    with pytest.raises(ValueError):
        web.Response(**arguments)


def test_text_must_be_text(web):
    with pytest.raises(TypeError):
        web.Response(text=b"bytes")


def test_text_property(web):
    response = web.Response(text="a")
    assert response.text == "a"
    response.text = "\u0444"
    assert response.body == "\u0444".encode()
    assert response.content_length == 2
    assert web.Response().text is None
    assert web.Response(body=b"abc").text == "abc"


def test_body_property(web):
    response = web.Response(body=b"abc")
    response.body = b"other"
    assert response.body == b"other"
    assert response.content_length == 5
    response.body = None
    assert response.body is None


async def test_str_body_is_encoded(answer_of, web, aiohttp):
    response = web.Response(body="\u0444")
    assert isinstance(response.body, aiohttp.StringPayload)
    answer = await answer_of(lambda request: web.Response(body="\u0444"))
    assert answer.body == "\u0444".encode()
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


@improvement("a text as body is encoded by the charset of Content-Type, as the page promises")
async def test_str_body_is_encoded_by_its_charset(answer_of, web):
    headers = {"Content-Type": "text/x; charset=cp1251"}
    answer = await answer_of(lambda request: web.Response(body="\u0444", headers=headers))
    assert answer.body == b"\xf4"


@pytest.mark.parametrize(
    "kind", ["bytes", "bytearray", "memoryview", "BytesIO", "StringIO", "generator"]
)
async def test_bodies(answer_of, web, kind):
    import io

    async def generate():
        yield b"ab"
        yield b"c"

    bodies = {
        "bytes": lambda: b"abc",
        "bytearray": lambda: bytearray(b"abc"),
        "memoryview": lambda: memoryview(b"abc"),
        "BytesIO": lambda: io.BytesIO(b"abc"),
        "StringIO": lambda: io.StringIO("abc"),
        "generator": generate,
    }
    answer = await answer_of(lambda request: web.Response(body=bodies[kind]()))
    assert answer.body == b"abc"
    if kind == "generator":
        assert answer["Transfer-Encoding"] == "chunked"
    else:
        assert answer["Content-Length"] == "3"


def test_content_length_property(web):
    response = web.StreamResponse()
    assert response.content_length is None
    response.content_length = 42
    assert response.content_length == 42
    assert response.headers["Content-Length"] == "42"
    response.content_length = None
    assert "Content-Length" not in response.headers


def test_content_type_property(web):
    response = web.Response()
    response.content_type = "text/html"
    assert response.headers["Content-Type"] == "text/html"
    response.charset = "KOI8-R"
    assert response.charset == "koi8-r"
    assert response.headers["Content-Type"] == "text/html; charset=koi8-r"
    response.charset = None
    assert response.headers["Content-Type"] == "text/html"


def test_charset_needs_a_type(web):
    with pytest.raises(RuntimeError):
        web.StreamResponse().charset = "utf-8"


def test_chunked_excludes_content_length(web):
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    assert response.chunked
    with pytest.raises(RuntimeError):
        response.content_length = 4
    response = web.StreamResponse()
    response.content_length = 4
    with pytest.raises(RuntimeError):
        response.enable_chunked_encoding()


MOMENT = datetime.datetime(1990, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "value", [631249445, 631249445.0, 631249444.3, MOMENT, "Tue, 02 Jan 1990 03:04:05 GMT"]
)
def test_last_modified(web, value):
    response = web.StreamResponse()
    response.last_modified = value
    assert response.headers["Last-Modified"] == "Tue, 02 Jan 1990 03:04:05 GMT"
    assert response.last_modified == MOMENT
    response.last_modified = None
    assert "Last-Modified" not in response.headers
    assert response.last_modified is None


@pytest.mark.parametrize("value", [[], b"bytes", object()])
def test_last_modified_of_another_type(web, value):
    with pytest.raises(TypeError):
        web.StreamResponse().last_modified = value


def test_etag(web, aiohttp):
    response = web.StreamResponse()
    response.etag = "abc"
    assert response.headers["ETag"] == '"abc"'
    assert response.etag == aiohttp.ETag("abc", False)
    response.etag = aiohttp.ETag("abc", is_weak=True)
    assert response.headers["ETag"] == 'W/"abc"'
    assert response.etag == aiohttp.ETag("abc", True)
    response.etag = None
    assert "ETag" not in response.headers


@pytest.mark.parametrize("value", ['a"b', "a b\u0444", '"quoted"'])
def test_etag_with_forbidden_characters(web, value):
    with pytest.raises(ValueError):
        web.StreamResponse().etag = value


@pytest.mark.parametrize("value", [123, b"bytes"])
def test_etag_of_another_type(web, value):
    with pytest.raises(ValueError):
        web.StreamResponse().etag = value


# Cookies


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({}, {"path=/"}),
        ({"path": "/some"}, {"path=/some"}),
        ({"max_age": 10}, {"path=/", "max-age=10"}),
        ({"max_age": 0}, {"path=/", "max-age=0"}),
        ({"domain": "example.com"}, {"path=/", "domain=example.com"}),
        ({"secure": True}, {"path=/", "secure"}),
        ({"httponly": True}, {"path=/", "httponly"}),
        ({"samesite": "Lax"}, {"path=/", "samesite=lax"}),
        ({"samesite": "Strict"}, {"path=/", "samesite=strict"}),
        ({"samesite": "None", "secure": True}, {"path=/", "samesite=none", "secure"}),
        (
            {"expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
            {"path=/", "expires=thu, 01 jan 1970 00:00:00 gmt"},
        ),
        (
            {
                "path": "/a",
                "max_age": 5,
                "secure": True,
                "httponly": True,
                "samesite": "Lax",
                "domain": "h",
            },
            {"path=/a", "max-age=5", "secure", "httponly", "samesite=lax", "domain=h"},
        ),
    ],
)
async def test_set_cookie(answer_of, web, arguments, wanted):
    def make(request):
        response = web.Response()
        response.set_cookie("name", "value", **arguments)
        return response

    first, *rest = (await answer_of(make)).cookie("name").split("; ")
    assert first == "name=value"
    assert {part.lower() for part in rest} == wanted


async def test_several_cookies(answer_of, web):
    def make(request):
        response = web.Response()
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        response.set_cookie("a", "3")
        return response

    answer = await answer_of(make)
    assert sorted(answer.all("Set-Cookie")) == ["a=3; Path=/", "b=2; Path=/"]


def test_cookie_value_is_made_a_string(web):
    response = web.Response()
    response.set_cookie("a", 5)
    assert response.cookies["a"].value == "5"
    assert response.cookies["a"]["path"] == "/"


async def test_del_cookie(answer_of, web):
    def make(request):
        response = web.Response()
        response.set_cookie("a", "1")
        response.del_cookie("a", path="/p", domain="h")
        return response

    line = (await answer_of(make)).cookie("a").lower()
    for part in ('a=""', "max-age=0", "path=/p", "domain=h", "expires=thu, 01 jan 1970"):
        assert part in line


async def test_set_after_del(answer_of, web):
    def make(request):
        response = web.Response()
        response.del_cookie("a")
        response.set_cookie("a", "1")
        return response

    assert (await answer_of(make)).cookie("a") == "a=1; Path=/"


async def test_cookies_on_streams(answer_of, web):
    async def make(request):
        response = web.StreamResponse()
        response.set_cookie("a", "1")
        await response.prepare(request)
        return response

    assert (await answer_of(make)).cookie("a") == "a=1; Path=/"


# json_response


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({"data": {"a": 1}}, b'{"a": 1}'),
        ({"data": None}, b"null"),
        ({"data": []}, b"[]"),
        ({"text": "{}"}, b"{}"),
        ({"body": b"[1]"}, b"[1]"),
    ],
)
def test_json_response(web, arguments, body):
    response = web.json_response(**arguments)
    assert isinstance(response, web.Response)
    assert response.body == body
    assert response.content_type == "application/json"
    assert response.status == 200


def test_json_response_options(web):
    response = web.json_response(
        [1],
        status=201,
        reason="Made",
        headers={"X-A": "b"},
        content_type="application/vnd.api+json",
        dumps=lambda data: "dumped",
    )
    assert (response.status, response.reason, response.text) == (201, "Made", "dumped")
    assert response.headers["X-A"] == "b"
    assert response.content_type == "application/vnd.api+json"


@pytest.mark.parametrize("other", [{"text": "a"}, {"body": b"a"}])
def test_json_response_of_two_things(web, other):
    with pytest.raises(ValueError):
        web.json_response({"a": 1}, **other)


def test_json_bytes_response(web):
    response = web.json_bytes_response([1], dumps=lambda data: b"[1]", status=202)
    assert (response.body, response.status) == (b"[1]", 202)
    assert response.content_type == "application/json"
    assert response.charset is None
    with pytest.raises(TypeError):
        web.json_bytes_response([1])
