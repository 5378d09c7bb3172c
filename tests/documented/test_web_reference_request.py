"""web_reference.rst "Request and Base Request": what a handler can read of a request."""

import asyncio
import datetime
import types

import pytest
from multidict import CIMultiDictProxy, MultiDictProxy
from yarl import URL

from tests.documented.subject import improvement, load


async def test_class(grab, web):
    kind = await grab(lambda request: type(request))
    assert issubclass(kind, web.Request)
    assert issubclass(web.Request, web.BaseRequest)


async def test_it_is_a_mapping(grab):
    def look(request):
        request["a"] = 1
        request["b"] = 2
        del request["b"]
        return request["a"], len(request), list(request), "a" in request, request.get("x", 9)

    assert await grab(look) == (1, 1, ["a"], True, 9)


async def test_request_key(grab, web):
    key = web.RequestKey("key", str)

    def look(request):
        request[key] = "value"
        return request[key], key in request, request.get(key), request.get(web.RequestKey("z", int))

    assert await grab(look) == ("value", True, "value", None)


async def test_requests_are_equal_only_to_themselves(grab):
    def look(request):
        return request == request, request == request.clone(), bool(request)

    assert await grab(look) == (True, False, True)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
async def test_method(grab, method):
    assert await grab(lambda request: request.method, method) == method


async def test_version(grab, aiohttp):
    assert await grab(lambda request: request.version) == aiohttp.HttpVersion11 == (1, 1)


async def test_version_1_0(serve, web, aiohttp):
    async def handler(request):
        assert request.version == aiohttp.HttpVersion10
        return web.Response(text="ok")

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    answer = await connection.receive()
    assert answer.text == "ok"
    assert await connection.is_closed_by_server()


@pytest.mark.parametrize(
    ("target", "host", "url"),
    [
        ("/", "example.com", "http://example.com/"),
        ("/a/b?c=d", "example.com:8080", "http://example.com:8080/a/b?c=d"),
        ("/%D1%84", "[::1]:81", "http://[::1]:81/%D1%84"),
        ("/a%2Fb", "h", "http://h/a%2Fb"),
    ],
)
async def test_url(grab, target, host, url):
    seen = await grab(lambda request: request.url, "GET", target, {"Host": host})
    assert isinstance(seen, URL)
    assert seen == URL(url)


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query_string", "path_qs"),
    [
        ("/", "/", "/", "", "/"),
        ("/app/blog?id=10", "/app/blog", "/app/blog?id=10", "id=10", "/app/blog?id=10"),
        ("/a?", "/a", "/a?", "", "/a"),
        ("/?a=b&a=c", "/", "/?a=b&a=c", "a=b&a=c", "/?a=b&a=c"),
        ("/%D1%84%20x", "/\u0444 x", "/%D1%84%20x", "", "/%D1%84%20x"),
        ("/a%2Fb", "/a/b", "/a%2Fb", "", "/a%2Fb"),
        ("/a+b", "/a+b", "/a+b", "", "/a+b"),
        ("/a%25b", "/a%b", "/a%25b", "", "/a%25b"),
        (
            "/my%2Fpath%7Cwith%21some%25strange%24characters",
            "/my/path|with!some%strange$characters",
            "/my%2Fpath%7Cwith%21some%25strange%24characters",
            "",
            "/my%2Fpath%7Cwith%21some%25strange%24characters",
        ),
        ("/?q=%26+x", "/", "/?q=%26+x", "q=%26 x", "/?q=%26+x"),
    ],
)
async def test_paths(grab, target, path, raw_path, query_string, path_qs):
    def look(request):
        return request.path, request.raw_path, request.query_string, request.path_qs

    assert await grab(look, "GET", target) == (path, raw_path, query_string, path_qs)


@pytest.mark.parametrize(
    "target", ["/", "/a/b", "/a?b=c", "/%D1%84?%D1%84=%20", "/a/../b", "//a//b", "/a;b=c", "/a:b@c"]
)
async def test_rel_url(grab, target):
    def look(request):
        return request.rel_url

    seen = await grab(look, "GET", target)
    assert isinstance(seen, URL)
    assert not seen.is_absolute()
    assert (
        seen.raw_path_qs
        == URL.build(
            path=target.partition("?")[0], query_string=target.partition("?")[2], encoded=True
        ).raw_path_qs
    )


async def test_absolute_form_target(serve, web):
    async def handler(request):
        return web.Response(text=f"{request.path} {request.url} {request.method}")

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET http://example.com/a?b=c HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert (await connection.receive()).text == "/a http://example.com/a?b=c GET"


async def test_query(grab):
    def look(request):
        assert isinstance(request.query, MultiDictProxy)
        return list(request.query.items())

    assert await grab(look, "GET", "/?a=1&b=&c&a=%20+") == [
        ("a", "1"),
        ("b", ""),
        ("c", ""),
        ("a", "  "),
    ]


async def test_headers(grab):
    def look(request):
        headers = request.headers
        assert isinstance(headers, CIMultiDictProxy)
        assert headers["x-a"] == headers["X-A"]
        return headers["X-A"], headers.getall("x-b"), headers.get("none"), "x-b" in headers

    pairs = [("X-A", "1"), ("X-B", "2"), ("x-b", "3")]
    assert await grab(look, "GET", "/", pairs) == ("1", ["2", "3"], None, True)


async def test_raw_headers(grab):
    pairs = [("Host", "h"), ("X-a", "1"), ("x-A", "\u0444")]
    seen = await grab(lambda request: request.raw_headers, "GET", "/", pairs)
    assert tuple(seen) == ((b"Host", b"h"), (b"X-a", b"1"), (b"x-A", "\u0444".encode()))


async def test_values_of_headers_are_stripped_and_decoded(serve, web):
    async def handler(request):
        return web.json_response([request.headers["X-A"], request.headers["X-B"]])

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \t b  \r\nX-B:\xd1\x84\r\n\r\n")
    assert (await connection.receive()).text == '["b", "\\u0444"]'


@pytest.mark.parametrize(
    ("version", "header", "wanted"),
    [
        ("1.1", None, True),
        ("1.1", "close", False),
        ("1.1", "Close", False),
        ("1.1", "keep-alive", True),
        ("1.0", None, False),
        ("1.0", "keep-alive", True),
        ("1.0", "close", False),
    ],
)
async def test_keep_alive(serve, web, version, header, wanted):
    async def handler(request):
        return web.Response(text=str(request.keep_alive))

    connection = await (await serve(handler)).connect()
    line = f"Connection: {header}\r\n" if header else ""
    await connection.send(f"GET / HTTP/{version}\r\nHost: a\r\n{line}\r\n".encode())
    answer = await connection.receive()
    assert answer.text == str(wanted)
    if wanted:
        if version == "1.0":
            assert answer["Connection"] == "keep-alive"
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await connection.receive()).status == 200
    else:
        if version == "1.1":
            assert answer["Connection"] == "close"
        assert await connection.is_closed_by_server()


async def test_transport(serve, web):
    async def handler(request):
        host, port = request.transport.get_extra_info("peername")
        assert request.get_extra_info("peername") == (host, port)
        assert request.get_extra_info("nothing", "default") == "default"
        assert request.get_extra_info("nothing") is None
        return web.Response(text=f"{host}:{port}")

    connection = await (await serve(handler)).connect()
    assert (await connection.request("GET", "/")).text == f"127.0.0.1:{connection.port}"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("a=b", {"a": "b"}),
        ("a=b; c=d", {"a": "b", "c": "d"}),
        ("a=b;c=d", {"a": "b", "c": "d"}),
        ('a="b c"; d=e', {"a": "b c", "d": "e"}),
        ("a=b; a=c", {"a": "c"}),
        ("a=", {"a": ""}),
        ("a=x=y", {"a": "x=y"}),
        ("", {}),
    ],
)
async def test_cookies(grab, header, wanted):
    def look(request):
        assert isinstance(request.cookies, types.MappingProxyType)
        with pytest.raises(TypeError):
            request.cookies["a"] = "b"
        return dict(request.cookies)

    assert await grab(look, "GET", "/", {"Cookie": header}) == wanted


async def test_no_cookies(grab):
    assert await grab(lambda request: dict(request.cookies)) == {}


async def test_match_info_app_and_config_dict(serve, web):
    async def handler(request):
        assert isinstance(request.match_info, load("abc").AbstractMatchInfo)
        assert isinstance(request.match_info, dict)
        assert request.app is app
        return web.json_response(
            [dict(request.match_info), request.app["a"], request.config_dict["a"]]
        )

    app = web.Application()
    app["a"] = 1
    app.router.add_get("/{x}/{y}", handler)
    assert (await (await serve(app)).get("/1/2")).text == '[{"x": "1", "y": "2"}, 1, 1]'


# Bodies


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_read(grab, framing):
    async def look(request):
        first = await request.read()
        return first, await request.read(), await request.text()

    headers, body = {}, b"hello"
    if framing == "chunked":
        headers, body = {"Transfer-Encoding": "chunked"}, b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    assert await grab(look, "POST", "/", headers, body) == (b"hello", b"hello", "hello")


@pytest.mark.parametrize(
    ("content_type", "body", "wanted"),
    [
        (None, "\u0444".encode(), "\u0444"),
        ("text/plain", "\u0444".encode(), "\u0444"),
        ("text/plain; charset=utf-8", "\u0444".encode(), "\u0444"),
        ("text/plain; charset=cp1251", b"\xf4", "\u0444"),
        ('text/plain; charset="latin-1"', b"\xe9", "\xe9"),
    ],
)
async def test_text(grab, content_type, body, wanted):
    headers = {"Content-Type": content_type} if content_type else {}
    assert await grab(lambda request: request.text(), "POST", "/", headers, body) == wanted


@improvement("a body in a charset that Python lacks is the client's fault, so it is not 500")
async def test_unknown_charset(serve, web):
    async def handler(request):
        return web.Response(text=await request.text())

    server = await serve(handler)
    answer = await server.post("/", b"x", {"Content-Type": "text/plain; charset=nonsense"})
    assert answer.status == 415


async def test_json(grab):
    async def look(request):
        return await request.json(), await request.json(loads=lambda text: text.upper())

    seen = await grab(look, "POST", "/", (), b'{"a": [1, "\xd1\x84"]}')
    assert seen == ({"a": [1, "\u0444"]}, '{"A": [1, "\u0424"]}')


async def test_json_of_bad_data(grab):
    with pytest.raises(ValueError):
        await grab(lambda request: request.json(), "POST", "/", (), b"{")


async def test_content_is_a_stream(grab, aiohttp):
    async def look(request):
        assert isinstance(request.content, aiohttp.StreamReader)
        return await request.content.read(2), await request.content.read()

    assert await grab(look, "POST", "/", (), b"hello") == (b"he", b"llo")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "TRACE", "DELETE"])
async def test_post_of_urlencoded(grab, method):
    async def look(request):
        data = await request.post()
        assert isinstance(data, MultiDictProxy)
        assert await request.post() is data
        return list(data.items())

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await grab(look, method, "/", headers, b"a=1&b=&a=%D1%84+x&c") == [
        ("a", "1"),
        ("b", ""),
        ("a", "\u0444 x"),
        ("c", ""),
    ]


async def test_post_in_another_charset(grab):
    async def look(request):
        return dict(await request.post())

    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=cp1251"}
    assert await grab(look, "POST", "/", headers, b"a=%F4") == {"a": "\u0444"}


@improvement("a form without a Content-Type is read, as the page says")
async def test_post_without_content_type(grab):
    async def look(request):
        return dict(await request.post())

    assert await grab(look, "POST", "/", (), b"a=b") == {"a": "b"}


@pytest.mark.parametrize(
    ("method", "content_type"),
    [
        ("GET", "application/x-www-form-urlencoded"),
        ("POST", "application/json"),
        ("OPTIONS", "application/x-www-form-urlencoded"),
        ("POST", "text/plain"),
    ],
)
async def test_post_is_empty_elsewhere(grab, method, content_type):
    async def look(request):
        return dict(await request.post())

    assert await grab(look, method, "/", {"Content-Type": content_type}, b"a=b") == {}


async def test_read_then_post(grab):
    async def look(request):
        await request.read()
        return dict(await request.post())

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await grab(look, "POST", "/", headers, b"a=b") == {"a": "b"}


@pytest.mark.parametrize("reading", ["read", "text", "json", "post"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(10, 200), (11, 413)])
async def test_client_max_size(serve, web, reading, framing, size, status):
    async def handler(request):
        assert request.client_max_size == 10
        await getattr(request, reading)()
        return web.Response(text="ok")

    app = web.Application(client_max_size=10)
    app.router.add_post("/", handler)
    server = await serve(app)
    data = b"1" * size
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
        data = b"%x\r\n%s\r\n0\r\n\r\n" % (size, data)
    answer = await server.request("POST", "/", headers, data)
    assert answer.status == status
    if status == 413:
        assert "Maximum request body size 10 exceeded" in answer.text


async def test_default_client_max_size_is_a_mebibyte(grab):
    assert await grab(lambda request: request.client_max_size) == 1024**2


@pytest.mark.parametrize("size", [0])
async def test_client_max_size_of_zero_is_no_limit(serve, web, size):
    async def handler(request):
        return web.Response(text=str(len(await request.read())))

    app = web.Application(client_max_size=size)
    app.router.add_post("/", handler)
    assert (await (await serve(app)).post("/", b"x" * 2_000_000)).text == "2000000"


@pytest.mark.parametrize(("count", "status"), [(3, 200), (4, 413)])
async def test_client_max_fields(serve, web, count, status):
    async def handler(request):
        assert request.client_max_fields == 3
        await request.post()
        return web.Response(text="ok")

    app = web.Application(client_max_fields=3)
    app.router.add_post("/", handler)
    server = await serve(app)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await server.post("/", b"&".join([b"a=b"] * count), headers)
    assert answer.status == status


async def test_client_max_fields_counts_empty_segments(serve, web):
    async def handler(request):
        await request.post()
        return web.Response(text="ok")

    app = web.Application(client_max_fields=3)
    app.router.add_post("/", handler)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await (await serve(app)).post("/", b"&&&&", headers)).status == 413


async def test_default_client_max_fields(grab):
    assert await grab(lambda request: request.client_max_fields) == 1000


@pytest.mark.parametrize(
    ("headers", "body", "wanted"),
    [
        ({}, None, (False, False)),
        ({}, b"x", (True, True)),
        ({}, b"", (False, False)),
        ({"Transfer-Encoding": "chunked"}, b"1\r\nx\r\n0\r\n\r\n", (True, True)),
    ],
)
async def test_body_exists(grab, headers, body, wanted):
    def look(request):
        return request.body_exists, request.can_read_body

    assert await grab(look, "POST", "/", headers, body) == wanted


async def test_can_read_body_until_it_is_read(grab):
    async def look(request):
        before = request.can_read_body
        await request.read()
        return before, request.can_read_body, request.body_exists

    assert await grab(look, "POST", "/", (), b"abc") == (True, False, True)


async def test_has_body_is_deprecated(grab):
    def look(request):
        with pytest.warns(DeprecationWarning):
            return request.has_body

    assert await grab(look, "POST", "/", (), b"abc") is True


async def test_release_eats_the_body(grab):
    async def look(request):
        await request.release()
        return request.content.at_eof()

    assert await grab(look, "POST", "/", (), b"x" * 1000) is True


@pytest.mark.parametrize(
    ("header", "content_type", "charset"),
    [
        (None, "application/octet-stream", None),
        ("text/html", "text/html", None),
        ("text/html; charset=utf-8", "text/html", "utf-8"),
        ('text/html; charset="utf-8"; a=b', "text/html", "utf-8"),
        ("TEXT/HTML;CHARSET=UTF-8", "text/html", "UTF-8"),
        ("text/html; charset=", "text/html", None),
        ("nonsense", "application/octet-stream", None),
    ],
)
async def test_content_type(grab, header, content_type, charset):
    headers = {"Content-Type": header} if header else {}
    seen = await grab(lambda request: (request.content_type, request.charset), "GET", "/", headers)
    assert seen == (content_type, charset)


@pytest.mark.parametrize(("body", "wanted"), [(None, None), (b"", 0), (b"abc", 3)])
async def test_content_length(grab, body, wanted):
    assert await grab(lambda request: request.content_length, "POST", "/", (), body) == wanted


@improvement("a handler can wait until its client is gone")
async def test_wait_for_disconnection(serve, web):
    gone = asyncio.Event()

    async def handler(request):
        await request.wait_for_disconnection()
        gone.set()
        return web.Response()

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await asyncio.sleep(0.05)
    assert not gone.is_set()
    connection.abort()
    await asyncio.wait_for(gone.wait(), 5)


async def test_loop(grab):
    async def look(request):
        with pytest.warns(DeprecationWarning):
            return request.loop is asyncio.get_running_loop()

    assert await grab(look)


@improvement("request.task is the task that runs the handler, not the connection's")
async def test_task(grab):
    async def look(request):
        return request.task is asyncio.current_task()

    assert await grab(look)


@improvement("any token is a method")
async def test_own_method(grab):
    assert await grab(lambda request: request.method, "BREW") == "BREW"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime.datetime(1994, 11, 6, 8, 49, 37)),
        ("nonsense", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
async def test_conditional_dates(grab, name, header, wanted):
    attribute = name.lower().replace("-", "_")
    headers = {name: header} if header else {}
    seen = await grab(lambda request: getattr(request, attribute), "GET", "/", headers)
    assert seen == (wanted and wanted.replace(tzinfo=datetime.UTC))


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ('"67ab43"', [("67ab43", False)]),
        ('W/"67ab43"', [("67ab43", True)]),
        ('"a", W/"b",  "c"', [("a", False), ("b", True), ("c", False)]),
        ("*", [("*", False)]),
        (None, None),
    ],
)
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
async def test_conditional_etags(grab, aiohttp, name, header, wanted):
    attribute = name.lower().replace("-", "_")
    headers = {name: header} if header else {}
    seen = await grab(lambda request: getattr(request, attribute), "GET", "/", headers)
    if wanted is None:
        assert seen is None
    else:
        assert list(seen) == [aiohttp.ETag(value=value, is_weak=weak) for value, weak in wanted]


@improvement("If-Match with a list that is not one gives no tags rather than some")
async def test_etag_lists_that_are_not_lists(grab):
    assert not await grab(lambda request: request.if_match, "GET", "/", {"If-Match": "nonsense"})
