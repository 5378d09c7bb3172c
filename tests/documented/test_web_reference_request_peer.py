"""web_reference.rst "Request": ranges, forwarded, host, remote, scheme, and clone()."""

import types
from email.utils import parsedate_to_datetime

import pytest
from multidict import CIMultiDict
from yarl import URL

from tests.documented.subject import improvement


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, slice(None, None, 1)),
        ("bytes=0-499", slice(0, 500, 1)),
        ("bytes=500-999", slice(500, 1000, 1)),
        ("bytes=5-5", slice(5, 6, 1)),
        ("bytes=500-", slice(500, None, 1)),
        ("bytes=-500", slice(-500, None, 1)),
    ],
)
async def test_http_range(grab, header, wanted):
    headers = {"Range": header} if header else {}
    assert await grab(lambda request: request.http_range, "GET", "/", headers) == wanted


async def test_http_range_as_a_slice(grab):
    def look(request):
        return bytes(range(10))[request.http_range]

    assert await grab(look, "GET", "/", {"Range": "bytes=2-4"}) == b"\x02\x03\x04"
    assert await grab(look, "GET", "/", {"Range": "bytes=-2"}) == b"\x08\x09"


@pytest.mark.parametrize(
    "header", ["blocks=1-2", "bytes=4-3", "bytes=-", "bytes=a-b", "1-2", "bytes=", "bytes 1-2"]
)
async def test_http_range_that_is_none(grab, header):
    with pytest.raises(ValueError):
        await grab(lambda request: request.http_range, "GET", "/", {"Range": header})


# forwarded


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([], []),
        (["for=192.0.2.60"], [{"for": "192.0.2.60"}]),
        (
            ["for=192.0.2.60;proto=http;by=203.0.113.43"],
            [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}],
        ),
        (["For=a; PROTO=b"], [{"for": "a", "proto": "b"}]),
        (["for=a, for=b"], [{"for": "a"}, {"for": "b"}]),
        (["for=a", "for=b"], [{"for": "a"}, {"for": "b"}]),
        (['for="[2001:db8:cafe::17]:4711"'], [{"for": "[2001:db8:cafe::17]:4711"}]),
        (['for="a\\"b\\\\c"'], [{"for": 'a"b\\c'}]),
        (['for="_gazonk"'], [{"for": "_gazonk"}]),
        (["host=example.com;for=a"], [{"host": "example.com", "for": "a"}]),
        (['for="a,b;c"'], [{"for": "a,b;c"}]),
        (["secret=egah2CGj55fSJFs"], [{"secret": "egah2CGj55fSJFs"}]),
    ],
)
async def test_forwarded(grab, values, wanted):
    def look(request):
        assert isinstance(request.forwarded, tuple)
        assert all(isinstance(each, types.MappingProxyType) for each in request.forwarded)
        return [dict(each) for each in request.forwarded]

    pairs = [("Forwarded", value) for value in values]
    assert await grab(look, "GET", "/", pairs) == wanted


@pytest.mark.parametrize("value", ['for="unterminated', "for=a b", 'for="a"b'])
async def test_forwarded_with_a_broken_element(grab, value):
    def look(request):
        return [dict(each) for each in request.forwarded]

    seen = await grab(look, "GET", "/", {"Forwarded": value + ", for=good"})
    assert all(set(each) <= {"for"} for each in seen)


async def test_forwarded_headers_are_not_trusted(grab):
    def look(request):
        return request.scheme, request.host, request.remote, request.secure

    headers = [
        ("Host", "real"),
        ("Forwarded", "for=1.2.3.4;proto=https;host=evil"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil"),
    ]
    assert await grab(look, "GET", "/", headers) == ("http", "real", "127.0.0.1", False)


@pytest.mark.parametrize("host", ["example.com", "example.com:8080", "[::1]:8080", "1.2.3.4"])
async def test_host(grab, host):
    assert await grab(lambda request: request.host, "GET", "/", {"Host": host}) == host


async def test_host_in_upper_case(grab):
    def look(request):
        return request.host, str(request.url), request.url.host

    seen = await grab(look, "GET", "/Path", {"Host": "Example.COM:8080"})
    assert seen == ("Example.COM:8080", "http://example.com:8080/Path", "example.com")


async def test_host_without_the_header(serve, web):
    async def handler(request):
        return web.Response(text=request.host)

    server = await serve(handler)
    connection = await server.connect()
    await connection.send(b"GET / HTTP/1.0\r\n\r\n")
    assert (await connection.receive()).text in ("127.0.0.1", server.authority)


async def test_missing_host_is_refused_in_1_1(serve, web):
    async def handler(request):
        return web.Response(text="never")

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\n\r\n")
    answer = await connection.receive()
    assert answer.status == 400
    # RFC 9110 section 6.6.1: whoever has a clock states the date in every 4xx.
    assert parsedate_to_datetime(answer["Date"])
    assert answer["Server"]


async def test_remote(grab):
    assert await grab(lambda request: request.remote) == "127.0.0.1"


async def test_scheme(grab):
    assert await grab(lambda request: (request.scheme, request.secure)) == ("http", False)


# clone


async def test_clone_is_a_copy(grab, web):
    def look(request):
        copy = request.clone()
        assert copy is not request
        assert type(copy) is type(request)
        return [
            getattr(copy, name) == getattr(request, name)
            for name in ("method", "rel_url", "headers", "host", "scheme", "remote", "version")
        ]

    assert all(await grab(look, "GET", "/a?b=c", {"X-A": "1"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "POST"),
        ("scheme", "https"),
        ("host", "other.example:81"),
        ("remote", "10.1.2.3"),
        ("client_max_size", 7),
        ("client_max_fields", 7),
    ],
)
async def test_clone_replaces(grab, name, value):
    def look(request):
        copy = request.clone(**{name: value})
        return getattr(copy, name), getattr(request, name) == value

    assert await grab(look) == (value, False)


@pytest.mark.parametrize("url", ["/x/%D1%84?y=z", URL("/x/\u0444?y=z")])
async def test_clone_with_another_url(grab, url):
    def look(request):
        copy = request.clone(rel_url=url)
        return str(copy.rel_url), copy.path, dict(copy.query), request.path

    seen = await grab(look, "GET", "/old")
    assert seen == ("/x/%D1%84?y=z", "/x/\u0444", {"y": "z"}, "/old")


@pytest.mark.parametrize("kind", [dict, CIMultiDict])
async def test_clone_with_other_headers(grab, kind):
    def look(request):
        copy = request.clone(headers=kind({"X-B": "2"}))
        return copy.headers.get("x-b"), copy.headers.get("x-a"), copy.raw_headers

    seen = await grab(look, "GET", "/", {"X-A": "1"})
    assert seen == ("2", None, ((b"X-B", b"2"),))


async def test_clone_and_secure(grab):
    def look(request):
        copy = request.clone(scheme="https", host="h")
        return copy.secure, str(copy.url)

    assert await grab(look, "GET", "/a") == (True, "https://h/a")


async def test_clone_keeps_what_is_stored(grab):
    def look(request):
        request["a"] = 1
        return request.clone()["a"]

    assert await grab(look) == 1


async def test_clone_keeps_match_info_and_app(serve, web):
    async def handler(request):
        copy = request.clone()
        assert copy.app is request.app
        return web.Response(text=copy.match_info["x"])

    assert (await (await serve([web.get("/{x}", handler)])).get("/1")).text == "1"


async def test_clone_after_reading(grab):
    async def look(request):
        await request.read()
        with pytest.raises(RuntimeError):
            request.clone()
        return True

    assert await grab(look, "POST", "/", (), b"abc")


async def test_clone_after_reading_no_body(grab):
    async def look(request):
        assert await request.read() == b""
        return await request.clone().text()

    assert await grab(look) == ""


async def test_clone_reads_the_same_body(grab):
    async def look(request):
        return await request.clone(method="PUT").text()

    assert await grab(look, "POST", "/", (), b"abc") == "abc"


async def test_clone_in_a_middleware(serve, web):
    @web.middleware
    async def behind_proxy(request, handler):
        return await handler(
            request.clone(
                scheme=request.headers["X-Forwarded-Proto"],
                host=request.headers["X-Forwarded-Host"],
                remote=request.headers["X-Forwarded-For"],
            )
        )

    async def handler(request):
        return web.Response(text=f"{request.url} {request.remote}")

    app = web.Application(middlewares=[behind_proxy])
    app.router.add_get("/a", handler)
    answer = await (await serve(app)).get(
        "/a",
        {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "h", "X-Forwarded-For": "10.0.0.1"},
    )
    assert answer.text == "https://h/a 10.0.0.1"


@improvement("the bytes of the body that a clone reads are limited by the clone's own limit")
async def test_clone_with_a_smaller_limit(serve, web):
    async def handler(request):
        await request.clone(client_max_size=2).read()

    assert (await (await serve(handler)).post("/", b"abc")).status == 413


# The connection of requests


async def test_keep_alive_serves_many(serve, web):
    async def handler(request):
        return web.Response(text=request.path + (await request.text()))

    connection = await (await serve(handler)).connect()
    for number in range(5):
        answer = await connection.request("POST", f"/{number}", (), b"x" * number)
        assert answer.text == f"/{number}" + "x" * number


async def test_pipelining_answers_in_order(serve, web):
    import asyncio

    async def handler(request):
        if request.path == "/slow":
            await asyncio.sleep(0.02)
        return web.Response(text=request.path)

    connection = await (await serve(handler)).connect()
    await connection.send(
        b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        b"GET /c HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert [(await connection.receive()).text for _ in range(3)] == ["/slow", "/b", "/c"]


async def test_an_unread_body_does_not_disturb_the_next_request(serve, web):
    async def handler(request):
        return web.Response(text=request.method)

    connection = await (await serve(handler)).connect()
    await connection.send(
        b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n"
        b"PUT /c HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert (await connection.receive()).text == "POST"
    assert (await connection.receive()).text == "PUT"


async def test_a_head_in_pieces(serve, web):
    import asyncio

    async def handler(request):
        return web.Response(text=request.headers["X-A"] + await request.text())

    connection = await (await serve(handler)).connect()
    for piece in (
        b"POST / HT",
        b"TP/1.1\r",
        b"\nHost: a\r\nX-",
        b"A: b\r\nContent-Length: 2\r\n\r",
        b"\n",
        b"c",
        b"d",
    ):
        await connection.send(piece)
        await asyncio.sleep(0.005)
    assert (await connection.receive()).text == "bcd"


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    ],
)
@pytest.mark.loop_errors
async def test_bad_requests(serve, web, data):
    async def handler(request):
        return web.Response(text="never")

    connection = await (await serve(handler)).connect()
    await connection.send(data)
    assert (await connection.receive()).status == 400
    assert await connection.is_closed_by_server()


@pytest.mark.parametrize(
    ("options", "lines", "status"),
    [
        ({"max_line_size": 100}, [f"GET /{'a' * 50} HTTP/1.1", "Host: a"], 200),
        ({"max_line_size": 100}, [f"GET /{'a' * 150} HTTP/1.1", "Host: a"], 400),
        ({"max_field_size": 100}, ["GET / HTTP/1.1", "Host: a", f"X: {'a' * 50}"], 200),
        ({"max_field_size": 100}, ["GET / HTTP/1.1", "Host: a", f"X: {'a' * 150}"], 400),
        ({"max_headers": 4}, ["GET / HTTP/1.1", "Host: a", "A: b", "C: d"], 200),
        ({"max_headers": 4}, ["GET / HTTP/1.1", "Host: a", *(f"X{n}: b" for n in range(6))], 400),
        ({}, ["GET /" + "a" * 8000 + " HTTP/1.1", "Host: a", "X: " + "b" * 8000], 200),
        ({}, ["GET /" + "a" * 9000 + " HTTP/1.1", "Host: a"], 400),
        ({}, ["GET / HTTP/1.1", "Host: a", "X: " + "b" * 9000], 400),
        ({}, ["GET / HTTP/1.1", "Host: a", *(f"X{n}: b" for n in range(120))], 200),
        ({}, ["GET / HTTP/1.1", "Host: a", *(f"X{n}: b" for n in range(130))], 400),
    ],
)
@pytest.mark.loop_errors
async def test_limits_of_the_head(serve, web, options, lines, status):
    async def handler(request):
        return web.Response()

    connection = await (await serve(handler, **options)).connect()
    await connection.send("\r\n".join([*lines, "", ""]).encode())
    answer = await connection.receive()
    if status == 400:
        assert answer.status in (400, 414, 431)
    else:
        assert answer.status == status
