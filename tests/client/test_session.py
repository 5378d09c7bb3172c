"""Sessions against a server that says what the test wants: requests, answers, bodies, redirects."""

import asyncio
import gc
import io
import json
import warnings
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from multidict import MultiDict
from yarl import URL

import tercel
from tercel import ClientSession, ClientTimeout
from tests.client.peer import (
    Asked,
    Peer,
    answer,
    read_body,
    read_head,
    read_request,
    scripted,
    serving_peer,
)

AUTO = ["Host", "Accept", "Accept-Encoding", "User-Agent"]


async def test_plain_get() -> None:
    async with serving_peer(scripted(answer(200, b"hello"))) as peer, ClientSession() as session:
        async with session.get(peer.url + "/a?b=c#d") as response:
            assert response.status == 200
            assert response.reason == "Said"
            assert response.ok
            assert response.method == "GET"
            assert response.version == tercel.HttpVersion11
            assert response.url == URL(peer.url + "/a?b=c")
            assert response.real_url == URL(peer.url + "/a?b=c#d")
            assert response.host == "127.0.0.1"
            assert await response.read() == b"hello"
            assert await response.text() == "hello"
        asked = peer.asked[0]
        assert asked.line == "GET /a?b=c HTTP/1.1"
        assert [name for name, _ in asked.fields] == AUTO
        assert asked.get("Host") == f"127.0.0.1:{peer.port}"


async def test_connection_is_reused() -> None:
    async with serving_peer(scripted(answer(200, b"x" * 10))) as peer, ClientSession() as session:
        for _ in range(5):
            async with session.get(peer.url) as response:
                await response.read()
        assert peer.connections == 1


async def test_answer_read_without_async_with_gives_its_connection_back() -> None:
    async with serving_peer(scripted(answer(200, b"x"))) as peer, ClientSession() as session:
        response = await session.get(peer.url)
        await response.read()
        assert response.closed
        assert response.connection is None
        await (await session.get(peer.url)).read()
        assert peer.connections == 1


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


@pytest.mark.parametrize("method", METHODS)
async def test_methods(method: str) -> None:
    said = answer(200, b"") if method == "HEAD" else answer(200, b"ok")
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        async with getattr(session, method.lower())(peer.url) as response:
            assert await response.read() == (b"" if method == "HEAD" else b"ok")
        async with session.request(method.lower(), peer.url) as response:
            assert response.method == method
        assert [asked.method for asked in peer.asked] == [method, method]
        has_length = peer.asked[0].get("Content-Length") == "0"
        assert has_length is (method not in ("GET", "HEAD", "OPTIONS"))


async def _pieces() -> AsyncIterator[bytes]:
    yield b"one"
    await asyncio.sleep(0)
    yield b""
    yield b"two"


BODIES: list[tuple[Any, bytes, str, str | None]] = [
    (b"abc", b"abc", "application/octet-stream", "3"),
    (bytearray(b"abc"), b"abc", "application/octet-stream", "3"),
    (memoryview(b"abc"), b"abc", "application/octet-stream", "3"),
    ("Тест", "Тест".encode(), "text/plain; charset=utf-8", "8"),
    ({"a": "b c", "d": "é"}, b"a=b+c&d=%C3%A9", "application/x-www-form-urlencoded", "14"),
    ([("a", "1"), ("a", "2")], b"a=1&a=2", "application/x-www-form-urlencoded", "7"),
    (MultiDict([("a", "1"), ("a", "2")]), b"a=1&a=2", "application/x-www-form-urlencoded", "7"),
    (io.BytesIO(b"memory"), b"memory", "application/octet-stream", "6"),
    (io.StringIO("mémoire"), "mémoire".encode(), "text/plain; charset=utf-8", "8"),
    (b"z" * 1_000_000, b"z" * 1_000_000, "application/octet-stream", "1000000"),
    (_pieces, b"onetwo", "application/octet-stream", None),
]


@pytest.mark.parametrize(("data", "octets", "kind", "length"), BODIES, ids=range(len(BODIES)))
async def test_bodies(data: Any, octets: bytes, kind: str, length: str | None) -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        async with session.post(peer.url, data=data() if callable(data) else data) as response:
            assert response.status == 200
        asked = peer.asked[0]
        assert asked.body == octets
        assert asked.get("Content-Type") == kind
        assert asked.get("Content-Length") == length
        assert asked.get("Transfer-Encoding") == (None if length else "chunked")


async def test_json_body() -> None:
    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession() as session:
            await session.post(peer.url, json={"a": [1, "é"]})
        async with ClientSession(json_serialize=lambda _: "[]") as session:
            await session.post(peer.url, json=1)
        async with ClientSession(json_serialize_bytes=lambda _: b"{}") as session:
            await session.post(peer.url, json=1)
        first, second, third = peer.asked
        assert json.loads(first.body) == {"a": [1, "é"]}
        assert first.get("Content-Type") == "application/json"
        assert (second.body, third.body) == (b"[]", b"{}")
        assert third.get("Content-Type") == "application/json"


async def test_data_and_json_exclude_each_other() -> None:
    async with ClientSession() as session:
        with pytest.raises(ValueError, match="data and json"):
            await session.post("http://127.0.0.1:1/", data=b"", json=1)


async def test_file_streams_and_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"<p>" * 200_000)
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        file = path.open("rb")
        async with session.put(peer.url, data=file) as response:
            assert response.status == 200
        assert file.closed
        assert peer.asked[0].body == path.read_bytes()
        assert peer.asked[0].get("Content-Length") == "600000"
        assert peer.asked[0].get("Content-Type") == "text/html"


async def test_another_answer_as_body() -> None:
    async with (
        serving_peer(scripted(answer(200, b"m" * 100_000), answer(200))) as peer,
        ClientSession() as session,
        session.get(peer.url) as source,
    ):
        await session.post(peer.url, data=source.content)
        assert peer.asked[1].body == b"m" * 100_000


async def test_chunked_and_compressed() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        await session.post(peer.url, data=b"abc", chunked=True)
        await session.post(peer.url, data=b"abc" * 100, compress=True)
        await session.post(peer.url, data=b"abc" * 100, compress="gzip")
        plain, deflated, zipped = peer.asked
        assert plain.raw_body == b"3\r\nabc\r\n0\r\n\r\n"
        assert zlib.decompress(deflated.body) == b"abc" * 100
        assert deflated.get("Content-Encoding") == "deflate"
        assert zlib.decompress(zipped.body, 31) == b"abc" * 100


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"chunked": True, "headers": {"Content-Length": "3"}}, ValueError),
    ({"chunked": True, "headers": {"Transfer-Encoding": "chunked"}}, ValueError),
    ({"compress": True, "headers": {"Content-Encoding": "gzip"}}, ValueError),
    ({"headers": {"X": "a\r\nB: c"}}, ValueError),
    ({"headers": {"X\r\nB": "c"}}, ValueError),
    ({"headers": {"X": "a\0"}}, ValueError),
    ({"headers": {"X": 1}}, TypeError),
    ({"auth": tercel.BasicAuth("a", "b"), "headers": {"Authorization": "c"}}, ValueError),
    ({"nonsense": True}, TypeError),
    ({"auth": ("a", "b")}, TypeError),
    ({"auth": "a:b"}, TypeError),
    ({"proxy": "http://127.0.0.1:1", "proxy_auth": ("a", "b")}, TypeError),
    ({"compress": "nonsense"}, ValueError),
    ({"data": object()}, TypeError),
    ({"timeout": "soon"}, TypeError),
    ({"ssl": "yes"}, TypeError),
]


@pytest.mark.parametrize(("arguments", "error"), REFUSED, ids=range(len(REFUSED)))
async def test_refused_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    arguments.setdefault("data", b"abc")
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        with pytest.raises(error):
            await session.post(peer.url, **arguments)
        assert peer.asked == []
        await session.post(peer.url)
        assert session.connector is not None
        assert session.connector.stats().open == 1


async def test_an_argument_that_does_not_exist_is_named_in_the_users_terms() -> None:
    async with ClientSession() as session:
        with pytest.raises(TypeError, match=r"ClientSession\.request\(\).*'nonsense'"):
            await session.get("http://127.0.0.1:1/", nonsense=1)


async def test_nothing_is_compressed_where_there_is_no_body() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        await session.post(peer.url, compress=True)
        await session.post(peer.url, data=b"abc", compress=True)
        assert peer.asked[0].get("Content-Encoding") is None
        assert peer.asked[0].get("Content-Length") == "0"
        assert peer.asked[1].get("Content-Encoding") == "deflate"


@pytest.mark.parametrize("data", [b"", "", {}, []])
async def test_an_empty_body_is_not_compressed(data: Any) -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        await session.post(peer.url, data=data, compress="gzip")
        assert peer.asked[0].get("Content-Encoding") is None
        assert peer.asked[0].get("Content-Length") == "0"


async def test_no_body_in_chunks_has_a_type_as_one_of_no_octets_has() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        await session.post(peer.url, chunked=True)
        await session.delete(peer.url, chunked=True)
        types = [asked.get("Content-Type") for asked in peer.asked]
        assert types == ["application/octet-stream", None]
        assert peer.asked[0].get("Content-Length") is None


@pytest.mark.parametrize("method", ["GE T", "GET\r\nX: y", "", "G\0T"])
async def test_method_is_a_token(method: str) -> None:
    async with ClientSession() as session:
        with pytest.raises(ValueError):
            await session.request(method, "http://127.0.0.1:1/")


URLS = [
    ("http://", tercel.InvalidUrlClientError),
    ("foo", tercel.InvalidUrlClientError),
    ("", tercel.InvalidUrlClientError),
    ("/x", tercel.InvalidUrlClientError),
    ("http:///x", tercel.InvalidUrlClientError),
    ("http://[::1", tercel.InvalidUrlClientError),
    ("http://h:99999/", tercel.InvalidUrlClientError),
    ("ftp://h/", tercel.NonHttpUrlClientError),
    ("file:///etc/passwd", tercel.NonHttpUrlClientError),
]


@pytest.mark.parametrize(("url", "error"), URLS)
async def test_urls_that_cannot_be_asked_for(url: str, error: type[Exception]) -> None:
    async with ClientSession() as session:
        with pytest.raises(error):
            await session.get(url)


async def test_headers_of_session_and_request() -> None:
    own = {"X-Session": "1", "Accept": "text/html"}
    async with serving_peer(scripted(answer(200))) as peer, ClientSession(headers=own) as session:
        own["X-Session"] = "changed"
        await session.get(peer.url, headers=[("x-session", "2"), ("X-More", "3"), ("X-More", "4")])
        await session.get(peer.url)
        session.headers["X-Session"] = "5"
        await session.get(peer.url)
        await session.get(peer.url, skip_auto_headers=["user-agent"], headers={"Host": "other"})
        first, second, third, fourth = peer.asked
        assert ("x-session", "2") in first.fields
        assert [value for name, value in first.fields if name == "X-More"] == ["3", "4"]
        assert second.get("X-Session") == "1"
        assert second.get("Accept") == "text/html"
        assert third.get("X-Session") == "5"
        assert fourth.get("User-Agent") is None
        assert fourth.get("Host") == "other"


async def test_params() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        async with session.get(peer.url + "/p?a=1", params={"b": "c d", "e": [1, 2]}) as response:
            assert str(response.url) == peer.url + "/p?a=1&b=c+d&e=1&e=2"
        await session.get(peer.url, params=[("k", "1"), ("k", "2")])
        await session.get(peer.url, params="q=1+2")
        assert [asked.target for asked in peer.asked] == [
            "/p?a=1&b=c+d&e=1&e=2",
            "/?k=1&k=2",
            "/?q=1+2",
        ]


async def test_encoded_url_is_sent_as_it_is() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        await session.get(URL(peer.url + "/%30", encoded=True))
        await session.get(peer.url + "/%30/путь")
        assert peer.asked[0].target == "/%30"
        assert peer.asked[1].target == "/0/%D0%BF%D1%83%D1%82%D1%8C"


async def test_base_url() -> None:
    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession(peer.url + "/foo/") as session:
            await session.get("bar")
            await session.get("/bar")
            await session.get(peer.url + "/abs")
        assert [asked.target for asked in peer.asked] == ["/foo/bar", "/bar", "/abs"]
    with pytest.raises(ValueError):
        ClientSession("http://h/foo")
    with pytest.raises(ValueError):
        ClientSession("/foo/")


async def test_auth() -> None:
    auth = tercel.BasicAuth("user", "pass")
    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession(auth=auth) as session:
            await session.get(peer.url)
            with pytest.raises(ValueError):
                await session.get(peer.url, headers={"Authorization": "own"})
        async with ClientSession() as session:
            await session.get(peer.url.replace("//", "//u:p@"))
            with pytest.raises(ValueError):
                await session.get(peer.url.replace("//", "//u:p@"), auth=auth)
        async with ClientSession("http://other.example/", auth=auth) as session:
            await session.get(peer.url)
        assert [asked.get("Authorization") for asked in peer.asked] == [
            "Basic dXNlcjpwYXNz",
            "Basic dTpw",
            None,
        ]


async def test_redirects_and_history() -> None:
    def say(asked: Asked) -> bytes:
        number = int(asked.target[1:])
        if not number:
            return answer(200, b"end")
        return answer(302, b"gone", ("Location", f"/{number - 1}"))

    async with serving_peer(scripted(say)) as peer, ClientSession() as session:
        async with session.get(peer.url + "/3") as response:
            assert await response.text() == "end"
            assert [each.status for each in response.history] == [302, 302, 302]
            assert str(response.history[0].url) == peer.url + "/3"
        async with session.get(peer.url + "/3", allow_redirects=False) as response:
            assert response.status == 302
            assert response.history == ()
            assert await response.read() == b"gone"
        with pytest.raises(tercel.TooManyRedirects) as caught:
            await session.get(peer.url + "/30")
        assert len(caught.value.history) == 10
        assert caught.value.request_info.real_url == URL(peer.url + "/30")
        async with session.get(peer.url + "/30", max_redirects=0) as response:
            assert len(response.history) == 30
        async with session.head(peer.url + "/3") as response:
            assert response.status == 302


async def test_redirect_to_another_origin_takes_no_secrets() -> None:
    async with (
        serving_peer(scripted(answer(200))) as other,
        serving_peer(scripted(answer(302, b"", ("Location", other.url)))) as peer,
        ClientSession(headers={"authorization": "session", "X-Kept": "1"}) as session,
    ):
        await session.get(peer.url, headers={"Cookie": "a=b"}, cookies={"c": "d"})
        await session.get(peer.url, headers={"Authorization": "own"})
        assert peer.asked[0].get("Authorization") == "session"
        assert peer.asked[0].get("Cookie") is not None
        for asked in other.asked:
            assert asked.get("Authorization") is None
            assert asked.get("Cookie") is None
            assert asked.get("X-Kept") == "1"
            assert asked.get("Host") == f"127.0.0.1:{other.port}"


async def test_redirect_replays_the_body(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"q" * 300_000)
    script = scripted(answer(307, b"", ("Location", "/next")), answer(200))
    for data in (b"abc", path.open("rb")):
        async with serving_peer(script) as peer, ClientSession() as session:
            await session.post(peer.url, data=data)
            assert peer.asked[0].body == peer.asked[1].body
            assert peer.asked[1].method == "POST"
        script = scripted(answer(307, b"", ("Location", "/next")), answer(200))


async def test_redirect_of_a_consumed_body() -> None:
    script = scripted(answer(307, b"", ("Location", "/next")))
    async with serving_peer(script) as peer, ClientSession() as session:
        with pytest.raises(tercel.ClientPayloadError):
            await session.post(peer.url, data=_pieces())


async def test_303_drops_the_body() -> None:
    script = scripted(answer(303, b"", ("Location", "/next")), answer(200))
    async with serving_peer(script) as peer, ClientSession() as session:
        await session.put(peer.url, data=b"abc", headers={"Content-Type": "x/y"})
        asked = peer.asked[1]
        assert (asked.method, asked.body) == ("GET", b"")
        assert asked.get("Content-Type") is None
        assert asked.get("Content-Length") is None


async def test_raise_for_status() -> None:
    async with serving_peer(scripted(answer(404, b"no such page"))) as peer:
        async with ClientSession() as session:
            response = await session.get(peer.url)
            with pytest.raises(tercel.ClientResponseError) as caught:
                response.raise_for_status()
            assert (caught.value.status, caught.value.message) == (404, "Said")
            assert caught.value.body == b"no such page"
        async with ClientSession(raise_for_status=True) as session:
            with pytest.raises(tercel.ClientResponseError) as caught:
                await session.get(peer.url)
            assert caught.value.body == b"no such page"
            async with session.get(peer.url, raise_for_status=False) as response:
                assert response.status == 404

            async def check(response: tercel.ClientResponse) -> None:
                raise RuntimeError(response.status)

            with pytest.raises(RuntimeError, match="404"):
                await session.get(peer.url, raise_for_status=check)


async def test_error_body_is_bounded() -> None:
    async with serving_peer(scripted(answer(500, b"x" * 1_000_000))) as peer:
        async with ClientSession(raise_for_status=True) as session:
            with pytest.raises(tercel.ClientResponseError) as caught:
                await session.get(peer.url)
            body = caught.value.body
            assert body is not None
            assert 0 < len(body) <= 16_384
            assert session.connector is not None
            assert session.connector.stats().open == 0


async def test_json_answers() -> None:
    kind = ("Content-Type", "application/vnd.x+json; charset=utf-8")
    script = scripted(
        answer(200, '{"é": 1}'.encode(), kind),
        answer(200, b"  ", kind),
        answer(200, b"[]", ("Content-Type", "text/html")),
    )
    async with serving_peer(script) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert await response.json() == {"é": 1}
        async with session.get(peer.url) as response:
            assert await response.json() is None
        async with session.get(peer.url) as response:
            with pytest.raises(tercel.ContentTypeError):
                await response.json()
            assert await response.json(content_type=None) == []
            assert await response.json(content_type="text/html", loads=len) == 2


async def test_charsets() -> None:
    script = scripted(
        answer(200, "привет".encode("cp1251"), ("Content-Type", "text/plain; charset=cp1251")),
        answer(200, "привет".encode("koi8-r"), ("Content-Type", "text/plain; charset=nonsense")),
        answer(200, "привет".encode("koi8-r"), ("Content-Type", "text/plain")),
    )

    def resolve(response: tercel.ClientResponse, body: bytes) -> str:
        return "koi8-r"

    async with (
        serving_peer(script) as peer,
        ClientSession(fallback_charset_resolver=resolve) as session,
    ):
        for _ in range(3):
            async with session.get(peer.url) as response:
                assert await response.text() == "привет"
        async with session.get(peer.url) as response:
            with pytest.raises(RuntimeError):
                response.get_encoding()
            assert await response.text("latin-1") != "привет"


async def test_cookies_come_and_go() -> None:
    script = scripted(
        answer(200, b"", ("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "c=d; Path=/")), answer(200)
    )
    jar = tercel.CookieJar(unsafe=True)
    async with serving_peer(script) as peer, ClientSession(cookie_jar=jar) as session:
        async with session.get(peer.url) as response:
            assert {name: each.value for name, each in response.cookies.items()} == {
                "a": "b",
                "c": "d",
            }
        await session.get(peer.url, cookies={"e": "f"})
        assert session.cookie_jar is jar
        cookie = peer.asked[1].get("Cookie")
        assert cookie is not None
        assert sorted(cookie.split("; ")) == ["a=b", "c=d", "e=f"]


async def test_session_is_closed() -> None:
    session = ClientSession()
    assert not session.closed
    await session.close()
    assert session.closed
    assert session.connector is None
    await session.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.get("http://127.0.0.1:1/")


async def test_close_waits_for_the_transports() -> None:
    async with serving_peer(scripted(answer(200, b"x"))) as peer:
        async with ClientSession() as session:
            await (await session.get(peer.url)).read()
            response = await session.get(peer.url)
            assert session.connector is not None
            live = set(session.connector._live)
            assert live
        assert all(protocol.transport is None for protocol in live)
        response.close()


async def test_connector_owner() -> None:
    connector = tercel.TCPConnector()
    async with ClientSession(connector=connector, connector_owner=False):
        pass
    assert not connector.closed
    async with ClientSession(connector=connector) as session:
        session.detach()
        assert session.closed
    assert not connector.closed
    await connector.close()


async def test_unclosed_session_warns_where_it_was_made() -> None:
    def forget() -> None:
        ClientSession()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forget()
        gc.collect()
    sentences = [str(each.message) for each in caught if "session" in str(each.message)]
    assert len(sentences) == 1
    assert "test_session.py" in sentences[0]


async def test_one_shot_request() -> None:
    async with serving_peer(scripted(answer(200, b"one"))) as peer:
        async with tercel.request("GET", peer.url, cookies={"a": "b"}) as response:
            assert await response.text() == "one"
        assert peer.asked[0].get("Cookie") == "a=b"
        assert peer.asked[0].get("Connection") == "close"


async def test_requests_are_coroutines() -> None:
    async with serving_peer(scripted(answer(200, b"x"))) as peer, ClientSession() as session:
        task = asyncio.create_task(session.get(peer.url))
        async with await task as response:
            assert response.status == 200
        found = await asyncio.gather(session.get(peer.url), session.get(peer.url))
        assert [await each.read() for each in found] == [b"x", b"x"]


async def test_old_timeout_names() -> None:
    with pytest.warns(DeprecationWarning):
        session = ClientSession(read_timeout=7, conn_timeout=3)
    assert (session.timeout.total, session.timeout.connect) == (7, 3)
    await session.close()
    session = ClientSession(timeout=5)
    assert session.timeout == ClientTimeout(total=5)
    await session.close()


async def test_http_10() -> None:
    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession(version=tercel.HttpVersion10) as session:
            await session.get(peer.url)
        assert peer.asked[0].line == "GET / HTTP/1.0"
        assert peer.asked[0].get("Connection") == "keep-alive"


async def test_expect_100() -> None:
    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read_head(reader)
        assert asked is not None
        assert asked.get("Expect") == "100-continue"
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await read_body(reader, asked)
        peer.asked.append(asked)
        writer.write(answer(200))
        await read_request(reader)

    async with serving_peer(play) as peer, ClientSession() as session:
        await session.post(peer.url, data=b"abc", expect100=True)
        assert peer.asked[0].body == b"abc"


async def test_expect_100_refused_sends_no_body() -> None:
    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await read_head(reader) is not None
        writer.write(answer(417, b"no"))
        assert await reader.read() == b""

    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.post(peer.url, data=b"abc", expect100=True) as response:
            assert response.status == 417
            assert await response.read() == b"no"
        assert session.connector is not None
        assert session.connector.stats().open == 0
