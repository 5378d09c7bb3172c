import asyncio
import json
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from tercel import web
from tercel.wire.h1.head import make_request_head
from tercel.wire.version import HttpVersion11
from tests.web.serving import Low, low_server, post


async def ask(low: Low, data: bytes) -> Any:
    connection = await low.connect()
    await connection.send(data)
    return await connection.receive(data.split(b" ", 1)[0].decode())


async def see(data: bytes, look: Any, **settings: Any) -> Any:
    """What `look(request)` gives in a handler."""
    seen: list[Any] = []

    async def handler(request: Any) -> web.Response:
        try:
            found = look(request)
            if asyncio.iscoroutine(found):
                found = await found
        except Exception as error:
            found = error
        seen.append(found)
        return web.Response(text="ok")

    async with low_server(handler, **settings) as low:
        await ask(low, data)
    return seen[0]


def get(target: str, *fields: str, host: str = "example.com") -> bytes:
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        ("/", "/", "/", ""),
        ("/a%2Fb", "/a/b", "/a%2Fb", ""),
        ("/a%20b?c=d%20e", "/a b", "/a%20b?c=d%20e", "c=d e"),
        ("/%C3%A9", "/é", "/%C3%A9", ""),
        ("//else.org/x", "//else.org/x", "//else.org/x", ""),
        ("/?a=1&a=2", "/", "/?a=1&a=2", "a=1&a=2"),
        ("/a:b@c", "/a:b@c", "/a:b@c", ""),
    ],
)
async def test_targets(target: str, path: str, raw_path: str, query: str) -> None:
    seen = await see(get(target), lambda r: (r.path, r.raw_path, r.query_string))
    assert seen == (path, raw_path, query)


@pytest.mark.parametrize("target", ["/%ff", "/%FF%FE?%ff=%ff", "/%", "/%zz", "/%2e%2e/x"])
async def test_odd_octets_in_targets_crash_nothing(target: str) -> None:
    def look(r: Any) -> Any:
        return [str(r.url), str(r.rel_url), r.path, r.raw_path, r.path_qs, dict(r.query), repr(r)]

    seen = await see(get(target), look)
    assert not isinstance(seen, Exception), seen
    assert seen[3] == target


@pytest.mark.parametrize(
    ("target", "host", "url"),
    [
        ("/a?b=c", "example.com", "http://example.com/a?b=c"),
        ("/a", "example.com:8080", "http://example.com:8080/a"),
        ("/a", "[::1]:8080", "http://[::1]:8080/a"),
        ("http://example.com/a?b", "example.com", "http://example.com/a?b"),
        ("//else.org/x", "example.com", "http://example.com//else.org/x"),
    ],
)
async def test_urls(target: str, host: str, url: str) -> None:
    seen = await see(get(target, host=host), lambda r: (r.url, r.host))
    assert seen == (URL(url), host)


async def test_fields() -> None:
    data = get("/", "X-A: 1", "x-a: 2", "Cookie: a=1; b=2", "Cookie: c=3; a=4")

    def look(r: Any) -> Any:
        return r.headers.getall("X-A"), dict(r.cookies), r.raw_headers[1]

    assert await see(data, look) == (["1", "2"], {"a": "4", "b": "2", "c": "3"}, (b"X-A", b"1"))


async def test_ranges_and_dates() -> None:
    data = get("/", "Range: bytes=1-3", "If-Modified-Since: nonsense", 'If-None-Match: W/"x", "y"')

    def look(r: Any) -> Any:
        tags = [(tag.value, tag.is_weak) for tag in r.if_none_match]
        return r.http_range, r.if_modified_since, tags, r.if_match

    expected = (slice(1, 4, 1), None, [("x", True), ("y", False)], None)
    assert await see(data, look) == expected
    assert isinstance(await see(get("/", "Range: x"), lambda r: r.http_range), ValueError)


async def test_a_body_is_read_once_and_kept() -> None:
    async def look(r: Any) -> Any:
        first = await r.read()
        return first is await r.read(), await r.text(), await r.json(), r.can_read_body

    assert await see(post(b"[1]"), look) == (True, "[1]", [1], False)


async def test_json_with_another_reader() -> None:
    async def look(r: Any) -> Any:
        return await r.json(loads=lambda text: json.loads(text, parse_float=str))

    assert await see(post(b"1.50"), look) == "1.50"


@pytest.mark.parametrize(
    ("charset", "body", "text"), [("latin-1", b"\xe9", "é"), ("UTF-16", "é".encode("utf-16"), "é")]
)
async def test_charsets(charset: str, body: bytes, text: str) -> None:
    data = post(body, b"Content-Type: text/plain; charset=" + charset.encode())
    assert await see(data, lambda r: r.text()) == text


async def test_an_unknown_charset_is_415() -> None:
    data = post(b"a", b"Content-Type: text/plain; charset=nonsense")
    assert isinstance(await see(data, lambda r: r.text()), web.HTTPUnsupportedMediaType)
    data = post(b"a=b", b"Content-Type: application/x-www-form-urlencoded; charset=nonsense")
    assert isinstance(await see(data, lambda r: r.post()), web.HTTPUnsupportedMediaType)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1024**2, 1024**2 + 1])
async def test_client_max_size(size: int, chunked: bool) -> None:
    async def handler(request: Any) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    data = post(bytes(size))
    if chunked:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        data = head + b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size))
    async with low_server(handler) as low:
        assert (await ask(low, data)).status == (200 if size <= 1024**2 else 413)


@pytest.mark.parametrize("count", [1000, 1001])
async def test_client_max_fields(count: int) -> None:
    data = post(b"&".join([b"a=1"] * count), b"Content-Type: application/x-www-form-urlencoded")
    found = await see(data, lambda r: r.post())
    if count <= 1000:
        assert len(found) == count
    else:
        assert isinstance(found, web.HTTPRequestEntityTooLarge)


async def test_state() -> None:
    key = web.RequestKey("key", int)

    def look(r: Any) -> Any:
        r["a"] = 1
        r[key] = 2
        found = (r["a"], r[key], len(r), set(r), r.get("x"), "a" in r)
        del r["a"]
        with pytest.raises(KeyError):
            r["a"]
        with pytest.raises(KeyError):
            del r["a"]
        return found, bool(r), r == r, len({r})

    assert await see(get("/"), look) == ((1, 2, 2, {"a", key}, None, True), True, True, 1)


async def test_clone() -> None:
    def look(r: Any) -> Any:
        r["a"] = 1
        made = r.clone(
            method="PUT",
            rel_url="/new?x=1",
            headers={"X": "y"},
            scheme="https",
            host="h",
            remote="r",
        )
        made["b"] = 2
        assert "b" not in r
        return (
            made.method,
            made.path_qs,
            dict(made.headers),
            str(made.url),
            made.secure,
            made.remote,
            made["a"],
            r.method,
        )

    expected = ("PUT", "/new?x=1", {"X": "y"}, "https://h/new?x=1", True, "r", 1, "GET")
    assert await see(get("/"), look) == expected


async def test_no_clone_once_the_body_is_read() -> None:
    async def look(r: Any) -> Any:
        assert await r.clone().read() == b"abc"
        await r.read()
        r.clone()

    assert isinstance(await see(post(b"abc"), look), RuntimeError)


async def test_a_request_without_a_connection() -> None:
    class Protocol:
        transport = None

    head = make_request_head("GET", "/x", HttpVersion11, CIMultiDict({"Host": "a"}))
    loop = asyncio.get_running_loop()
    request = web.BaseRequest(head, None, Protocol(), None, None, loop)  # type: ignore[arg-type]
    assert request.transport is None
    assert request.remote is None
    assert request.scheme == "http"
    assert repr(request) == "<BaseRequest GET /x >"
