"""client_quickstart.rst: requests, parameters, bodies in and out, JSON, timeouts."""

import asyncio
import gzip
import io
import json
import zlib

import attr
import pytest
from multidict import MultiDict
from yarl import URL

from tests.documented.site import Last, reply
from tests.documented.subject import improvement


async def test_get(site, session):
    there = await site(reply("hello", headers={"Content-Type": "text/plain"}))
    async with session.get(there.url + "/get") as resp:
        assert resp.status == 200
        assert await resp.text() == "hello"
    assert (there.last.method, there.last.target) == ("GET", "/get")
    assert there.last["Host"] == f"127.0.0.1:{there.port}"


async def test_awaited_get(site, session):
    there = await site(reply("hello"))
    resp = await session.get(URL(there.url))
    assert await resp.read() == b"hello"


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options", "patch", "head"])
async def test_each_method(site, session, method):
    there = await site(lambda asked: reply(b"" if asked.method == "HEAD" else b"ok"))
    async with getattr(session, method)(there.url + "/x") as resp:
        assert resp.status == 200
        assert resp.method == method.upper()
    assert there.last.method == method.upper()


async def test_request_with_a_method_of_ones_own(site, session):
    there = await site(reply("ok"))
    async with session.request("PROPFIND", there.url):
        pass
    assert there.last.method == "PROPFIND"


@pytest.mark.parametrize(
    ("base", "path", "target"),
    [
        ("", "/get", "/get"),
        ("/", "get", "/get"),
        ("/foo/", "bar", "/foo/bar"),
        ("/foo/", "/bar", "/bar"),
        ("/foo/", "bar?x=y", "/foo/bar?x=y"),
    ],
)
async def test_base_url(site, aiohttp, base, path, target):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(there.url + base) as session:
        async with session.get(path):
            pass
    assert there.last.target == target


async def test_base_url_can_be_overridden(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession("http://nowhere.invalid/") as session:
        async with session.get(there.url + "/abs"):
            pass
    assert there.last.target == "/abs"


@pytest.mark.parametrize("base", ["http://h/foo", "/relative"])
async def test_bad_base_urls(aiohttp, base):
    with pytest.raises(ValueError):
        aiohttp.ClientSession(base)


async def test_closing_by_hand(site, aiohttp):
    there = await site(reply("ok"))
    session = aiohttp.ClientSession()
    assert not session.closed
    async with session.get(there.url) as resp:
        await resp.read()
    await session.close()
    assert session.closed
    with pytest.raises(RuntimeError):
        await session.get(there.url)


async def test_keep_alive(site, session):
    there = await site(reply("ok"))
    for _ in range(3):
        async with session.get(there.url) as resp:
            await resp.read()
    assert there.connections == 1


# Parameters


@pytest.mark.parametrize(
    ("params", "target"),
    [
        ({"key1": "value1", "key2": "value2"}, "/get?key1=value1&key2=value2"),
        ([("key", "value1"), ("key", "value2")], "/get?key=value1&key=value2"),
        (MultiDict([("key", "1"), ("key", "2")]), "/get?key=1&key=2"),
        ({"key": ["value1", "value2"]}, "/get?key=value1&key=value2"),
        ("key=value+1", "/get?key=value+1"),
        ({"a": "b c"}, "/get?a=b+c"),
        ({"a": "\u0444"}, "/get?a=%D1%84"),
        ({"a": "&="}, "/get?a=%26%3D"),
        ({"a": 5}, "/get?a=5"),
        ({"a": 1.5}, "/get?a=1.5"),
        ({}, "/get"),
        (None, "/get"),
    ],
)
async def test_params(site, session, params, target):
    there = await site(reply("ok"))
    async with session.get(there.url + "/get", params=params) as resp:
        assert str(resp.url) == there.url + target
    assert there.last.target == target


async def test_params_join_a_query(site, session):
    there = await site(reply("ok"))
    async with session.get(there.url + "/?a=1", params={"b": "2"}):
        pass
    assert there.last.target == "/?a=1&b=2"


@pytest.mark.parametrize("params", [{"a": True}, {"a": None}, {"a": object()}])
async def test_params_of_another_type(site, session, params):
    there = await site(reply("ok"))
    with pytest.raises(TypeError):
        await session.get(there.url, params=params)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/\u043f\u0443\u0442\u044c/%30?a=%31", "/%D0%BF%D1%83%D1%82%D1%8C/0?a=1"),
        ("/a b", "/a%20b"),
        ("/a#fragment", "/a"),
        ("", "/"),
    ],
)
async def test_canonicalization(site, session, path, target):
    there = await site(reply("ok"))
    async with session.get(there.url + path):
        pass
    assert there.last.target == target


async def test_no_canonicalization(site, session):
    there = await site(reply("ok"))
    async with session.get(URL(there.url + "/%30?a=%31", encoded=True)):
        pass
    assert there.last.target == "/%30?a=%31"


# Bodies in


@pytest.mark.parametrize(
    ("content_type", "body", "encoding", "wanted"),
    [
        ("text/plain; charset=utf-8", "\u0444".encode(), None, "\u0444"),
        ("text/plain", "\u0444".encode(), None, "\u0444"),
        ("text/plain; charset=cp1251", b"\xf4", None, "\u0444"),
        ("text/plain; charset=utf-8", b"\xf4", "windows-1251", "\u0444"),
        ("text/plain; charset=nonsense", "\u0444".encode(), None, "\u0444"),
    ],
)
async def test_text(site, session, content_type, body, encoding, wanted):
    there = await site(reply(body, headers={"Content-Type": content_type}))
    async with session.get(there.url) as resp:
        assert await resp.text(encoding=encoding) == wanted


async def test_text_that_is_not(site, session):
    there = await site(reply(b"\xff", headers={"Content-Type": "text/plain"}))
    async with session.get(there.url) as resp:
        with pytest.raises(UnicodeDecodeError):
            await resp.text()
        assert await resp.text(errors="replace") == "\ufffd"


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
    ],
)
async def test_decompression(site, session, coding, encode):
    there = await site(reply(encode(b"hello" * 100), headers={"Content-Encoding": coding}))
    async with session.get(there.url) as resp:
        assert await resp.read() == b"hello" * 100
        assert resp.headers["Content-Encoding"] == coding
    assert "gzip" in there.last["Accept-Encoding"]
    assert "deflate" in there.last["Accept-Encoding"]


@pytest.mark.parametrize("where", ["session", "request"])
async def test_no_decompression(site, aiohttp, where):
    data = gzip.compress(b"hello")
    there = await site(reply(data, headers={"Content-Encoding": "gzip"}))
    async with aiohttp.ClientSession(auto_decompress=where != "session") as session:
        options = {"auto_decompress": False} if where == "request" else {}
        async with session.get(there.url, **options) as resp:
            assert await resp.read() == data


async def test_broken_compression(site, session, aiohttp):
    there = await site(reply(b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    async with session.get(there.url) as resp:
        with pytest.raises(aiohttp.ClientPayloadError):
            await resp.read()


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_streaming(site, session, aiohttp, framing):
    data = bytes(range(256)) * 100
    if framing == "length":
        script = reply(data)
    elif framing == "chunked":
        body = (
            b"64\r\n" + data[:100] + b"\r\n%x\r\n" % len(data[100:]) + data[100:] + b"\r\n0\r\n\r\n"
        )
        script = reply(body, headers={"Transfer-Encoding": "chunked"}, length=False)
    else:
        script = Last(reply(data, length=False))
    there = await site(script)
    async with session.get(there.url) as resp:
        assert isinstance(resp.content, aiohttp.StreamReader)
        first = await resp.content.read(10)
        rest = [chunk async for chunk in resp.content.iter_chunked(1000)]
    assert first + b"".join(rest) == data
    assert all(len(chunk) <= 1000 for chunk in rest)


async def test_read_twice(site, session):
    there = await site(reply("hello"))
    async with session.get(there.url) as resp:
        assert await resp.read() == b"hello"
        assert await resp.read() == b"hello"
        assert await resp.text() == "hello"


@pytest.mark.parametrize(
    ("content_type", "options", "ok"),
    [
        ("application/json", {}, True),
        ("application/json; charset=utf-8", {}, True),
        ("application/vnd.custom-type+json", {}, True),
        ("text/html", {}, False),
        (None, {}, False),
        ("text/html", {"content_type": None}, True),
        ("custom/type", {"content_type": "custom/type"}, True),
        ("application/json", {"content_type": "custom/type"}, False),
    ],
)
async def test_json(site, session, aiohttp, content_type, options, ok):
    headers = {"Content-Type": content_type} if content_type else {}
    there = await site(reply('{"a": [1]}', headers=headers))
    async with session.get(there.url) as resp:
        if ok:
            assert await resp.json(**options) == {"a": [1]}
        else:
            with pytest.raises(aiohttp.ContentTypeError) as caught:
                await resp.json(**options)
            assert caught.value.status == 200


async def test_json_loads(site, session):
    there = await site(reply("{}", headers={"Content-Type": "application/json"}))
    async with session.get(there.url) as resp:
        assert await resp.json(loads=lambda text: text + "!") == "{}!"


@pytest.mark.parametrize("body", ["", "   \n"])
async def test_json_of_nothing(site, session, body):
    there = await site(reply(body, headers={"Content-Type": "application/json"}))
    async with session.get(there.url) as resp:
        assert await resp.json() is None


async def test_json_that_is_not(site, session):
    there = await site(reply("{", headers={"Content-Type": "application/json"}))
    async with session.get(there.url) as resp:
        with pytest.raises(json.JSONDecodeError):
            await resp.json()


# Bodies out


async def numbers():
    for number in range(3):
        yield f"line {number}\n".encode()


@pytest.mark.parametrize(
    ("make", "content_type", "body", "chunked"),
    [
        (lambda: b"\0Binary\0", "application/octet-stream", b"\0Binary\0", False),
        (lambda: bytearray(b"ab"), "application/octet-stream", b"ab", False),
        (lambda: memoryview(b"ab"), "application/octet-stream", b"ab", False),
        (
            lambda: "\u0422\u0435\u0441\u0442",
            "text/plain; charset=utf-8",
            "\u0422\u0435\u0441\u0442".encode(),
            False,
        ),
        (
            lambda: {"a": "1", "b": "x y&"},
            "application/x-www-form-urlencoded",
            b"a=1&b=x+y%26",
            False,
        ),
        (lambda: [("a", "1"), ("a", "2")], "application/x-www-form-urlencoded", b"a=1&a=2", False),
        (lambda: (("a", "1"), ("b", "2")), "application/x-www-form-urlencoded", b"a=1&b=2", False),
        (lambda: MultiDict(a="1"), "application/x-www-form-urlencoded", b"a=1", False),
        (lambda: io.BytesIO(b"file"), "application/octet-stream", b"file", False),
        (lambda: io.StringIO("text"), "text/plain; charset=utf-8", b"text", False),
        (numbers, "application/octet-stream", b"line 0\nline 1\nline 2\n", True),
    ],
)
async def test_data(site, session, make, content_type, body, chunked):
    there = await site(reply("ok"))
    async with session.post(there.url, data=make()):
        pass
    assert there.last.body == body
    assert there.last["Content-Type"] == content_type
    if chunked:
        assert there.last["Transfer-Encoding"] == "chunked"
        assert there.last.get("Content-Length") is None
    else:
        assert there.last["Content-Length"] == str(len(body))


async def test_a_file(site, session, tmp_path):
    path = tmp_path / "report.txt"
    path.write_bytes(b"x" * 300_000)
    there = await site(reply("ok"))
    with path.open("rb") as file:
        async with session.post(there.url, data=file):
            pass
    assert there.last.body == b"x" * 300_000
    assert there.last["Content-Length"] == "300000"
    assert there.last["Content-Type"] == "text/plain"


async def test_another_response_as_body(site, session):
    source = await site(reply("from there"))
    there = await site(reply("ok"))
    resp = await session.get(source.url)
    async with session.post(there.url, data=resp.content):
        pass
    assert there.last.body == b"from there"


async def test_form_data(site, session, aiohttp):
    there = await site(reply("ok"))
    form = aiohttp.FormData()
    form.add_field("a", "1")
    form.add_field("b", "\u0444")
    async with session.post(there.url, data=form):
        pass
    assert there.last.body == b"a=1&b=%D1%84"
    assert there.last["Content-Type"] == "application/x-www-form-urlencoded"


async def test_json_out(site, session):
    there = await site(reply("ok"))
    async with session.post(there.url, json={"test": "\u0444"}):
        pass
    assert json.loads(there.last.body) == {"test": "\u0444"}
    assert there.last["Content-Type"] == "application/json"


async def test_json_serialize(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(json_serialize=lambda data: "serialized") as session:
        async with session.post(there.url, json={"a": 1}):
            pass
    assert there.last.body == b"serialized"


async def test_json_serialize_bytes(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(json_serialize_bytes=lambda data: b"bytes") as session:
        async with session.post(there.url, json={"a": 1}):
            pass
    assert there.last.body == b"bytes"
    assert there.last["Content-Type"] == "application/json"


async def test_data_and_json(site, session):
    there = await site(reply("ok"))
    with pytest.raises(ValueError):
        await session.post(there.url, data=b"x", json={})


@pytest.mark.parametrize("method", ["post", "put", "patch"])
async def test_no_body_has_length_zero(site, session, method):
    there = await site(reply("ok"))
    async with getattr(session, method)(there.url):
        pass
    assert there.last["Content-Length"] == "0"
    assert there.last.get("Transfer-Encoding") is None


async def test_get_without_a_body_says_nothing_of_it(site, session):
    there = await site(reply("ok"))
    async with session.get(there.url):
        pass
    for name in ("Content-Length", "Transfer-Encoding", "Content-Type"):
        assert there.last.get(name) is None


# Timeouts


@pytest.fixture
def silent(site):
    async def start():
        async def never(asked):
            await asyncio.Event().wait()

        return await site(never)

    return start


@pytest.mark.parametrize("where", ["session", "request", "number"])
async def test_total_timeout(silent, aiohttp, where):
    there = await silent()
    timeout = aiohttp.ClientTimeout(total=0.02)
    options = {"timeout": timeout} if where == "session" else {}
    async with aiohttp.ClientSession(**options) as session:
        options = {"request": {"timeout": timeout}, "number": {"timeout": 0.02}}.get(where, {})
        with pytest.raises(asyncio.TimeoutError):
            await session.get(there.url, **options)


async def test_sock_read_timeout(silent, session, aiohttp):
    there = await silent()
    with pytest.raises(aiohttp.SocketTimeoutError) as caught:
        await session.get(there.url, timeout=aiohttp.ClientTimeout(sock_read=0.02))
    assert isinstance(caught.value, aiohttp.ServerTimeoutError)
    assert isinstance(caught.value, asyncio.TimeoutError)


async def test_sock_read_timeout_within_a_body(site, session, aiohttp):
    async def script(asked):
        return reply(b"x" * 5, headers={"Content-Length": "100"}, length=False)

    there = await site(script)
    async with session.get(there.url, timeout=aiohttp.ClientTimeout(sock_read=0.05)) as resp:
        with pytest.raises(aiohttp.SocketTimeoutError):
            await resp.read()


async def test_default_timeout(session, aiohttp):
    assert session.timeout == aiohttp.ClientTimeout(total=300, sock_connect=30)


def test_client_timeout(aiohttp):
    timeout = aiohttp.ClientTimeout()
    assert (timeout.total, timeout.connect, timeout.sock_connect, timeout.sock_read) == (None,) * 4
    assert timeout.ceil_threshold == 5
    assert aiohttp.ClientTimeout(total=1) == aiohttp.ClientTimeout(total=1)
    with pytest.raises(AttributeError):
        timeout.total = 5


def test_timeouts_are_changed_by_attrs(aiohttp):
    timeout = attr.evolve(aiohttp.ClientTimeout(total=1, sock_read=3), total=None)
    assert timeout == aiohttp.ClientTimeout(sock_read=3)
    assert attr.asdict(aiohttp.ClientWSTimeout(ws_close=4)) == {"ws_receive": None, "ws_close": 4}


async def test_timeout_of_zero_is_none(site, session, aiohttp):
    there = await site(reply("ok"))
    async with session.get(there.url, timeout=aiohttp.ClientTimeout(total=0)) as resp:
        assert resp.status == 200


async def test_asyncio_timeout_around(silent, session):
    there = await silent()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await session.get(there.url)


@improvement("leaving a session closes its transports before it returns: no sleep is needed")
async def test_nothing_is_open_after_the_session(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession() as session:
        resp = await session.get(there.url)
        transport = resp.connection.transport if resp.connection else None
        await resp.read()
    assert transport is None or transport.is_closing()
