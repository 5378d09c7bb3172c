"""Fields after the body, sent and received (RFC 9110 section 6.5)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from multidict import CIMultiDict

import tercel
from tercel import ClientSession
from tercel.client.trailers import announce_trailers, last_chunk, read_trailers
from tercel.wire.trailers import FORBIDDEN_TRAILERS, check_trailers
from tests.client.peer import Asked, Peer, Play, answer, read_head, scripted, serving_peer

ENDED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n"


async def read_whole(reader: asyncio.StreamReader) -> tuple[Asked, bytes] | None:
    """A request with a chunked body, and its trailer section."""
    asked = await read_head(reader)
    if asked is None:
        return None
    trailers = b""
    if asked.get("Transfer-Encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            asked.body += (await reader.readexactly(size + 2))[:-2]
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            trailers += line
    else:
        asked.body = await reader.readexactly(int(asked.get("Content-Length") or 0))
    return asked, trailers


def noting(seen: list[bytes], *answers: bytes) -> Play:
    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (found := await read_whole(reader)) is not None:
            peer.asked.append(found[0])
            seen.append(found[1])
            said = answers[len(seen) - 1] if len(seen) <= len(answers) else answer(200)
            writer.write(said)
            await writer.drain()

    return play


BODIES: list[Any] = [b"abc", "abc", b"", {"a": "b"}, None]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("given", [{"X-Sum": "1"}, [("X-Sum", "1")], CIMultiDict({"X-Sum": "1"})])
async def test_sent(body: Any, given: Any) -> None:
    seen: list[bytes] = []
    async with serving_peer(noting(seen)) as peer, ClientSession() as session:
        for _ in range(2):
            async with session.post(peer.url, data=body, trailers=given) as response:
                assert response.status == 200
        (asked, again) = peer.asked
        assert asked.get("Trailer") == "X-Sum"
        assert asked.get("Content-Length") is None
        assert asked.body == again.body == (b"a=b" if body == {"a": "b"} else b"abc" * bool(body))
        assert seen == [b"X-Sum: 1\r\n"] * 2
        assert peer.connections == 1


async def test_filled_while_the_body_is_sent() -> None:
    trailers: dict[str, str] = {"Digest-Of-Body": ""}
    digest = hashlib.sha256()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            digest.update(b"x" * 10_000)
            yield b"x" * 10_000
        trailers["Digest-Of-Body"] = digest.hexdigest()
        trailers["X-More"] = "ü"

    seen: list[bytes] = []
    async with serving_peer(noting(seen)) as peer, ClientSession() as session:
        async with session.put(peer.url, data=pieces(), trailers=trailers) as response:
            assert response.status == 200
        assert peer.asked[0].get("Trailer") == "Digest-Of-Body"
    said = f"Digest-Of-Body: {digest.hexdigest()}\r\nX-More: ü\r\n"
    assert seen == [said.encode()]


async def test_with_a_coding_and_with_an_own_trailer_field() -> None:
    seen: list[bytes] = []
    async with serving_peer(noting(seen)) as peer, ClientSession() as session:
        own = {"Trailer": "X-Later"}
        empty: dict[str, str] = {}
        await session.post(peer.url, data=b"a" * 99, compress=True, headers=own, trailers=empty)
        assert peer.asked[0].get("Trailer") == "X-Later"
        assert peer.asked[0].get("Content-Encoding") == "deflate"
        await session.post(peer.url, data=b"a" * 99, compress=True, trailers={"A": "1", "B": "2"})
        assert peer.asked[1].get("Trailer") == "A, B"
    assert seen == [b"", b"A: 1\r\nB: 2\r\n"]


async def test_set_by_a_middleware() -> None:
    async def sign(request: Any, handler: Any) -> Any:
        request.trailers = {"X-Signed": request.method}
        return await handler(request)

    seen: list[bytes] = []
    async with serving_peer(noting(seen)) as peer, ClientSession(middlewares=[sign]) as session:
        await session.post(peer.url, data=b"abc")
        assert peer.asked[0].get("Content-Length") is None
        assert peer.asked[0].body == b"abc"
    assert seen == [b"X-Signed: POST\r\n"]


@pytest.mark.parametrize(("status", "sent"), [(307, b"X: 1\r\n"), (303, b"")])
async def test_redirects(status: int, sent: bytes) -> None:
    seen: list[bytes] = []
    play = noting(seen, answer(status, b"", ("Location", "/there")))
    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.post(peer.url, data=b"abc", trailers={"X": "1"}) as response:
            assert len(response.history) == 1
        assert peer.asked[1].get("Trailer") == ("X" if sent else None)
    assert seen == [b"X: 1\r\n", sent]


REFUSED: list[dict[str, Any]] = [
    {"trailers": {"Content-Length": "3"}},
    {"trailers": {"content-type": "a/b"}},
    {"trailers": {"Authorization": "x"}},
    {"trailers": {"Host": "x"}},
    {"trailers": {"X": "1"}, "headers": {"Content-Length": "3"}},
]


@pytest.mark.parametrize("arguments", REFUSED, ids=range(len(REFUSED)))
async def test_refused(arguments: dict[str, Any]) -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        with pytest.raises(ValueError):
            await session.post(peer.url, data=b"abc", **arguments)
        assert peer.asked == []


async def test_http_10_has_none() -> None:
    async with serving_peer(scripted(answer(200))) as peer:
        async with ClientSession(version=tercel.HttpVersion10) as session:
            with pytest.raises(ValueError, match="trailers"):
                await session.post(peer.url, data=b"abc", trailers={"X": "1"})
        assert peer.asked == []


@pytest.mark.parametrize("late", [{"Set-Cookie": "a=b"}, {"X": "a\r\nB: c"}, {"X Y": "1"}])
async def test_forbidden_ones_that_come_late_end_the_upload(late: dict[str, str]) -> None:
    trailers: dict[str, str] = {}

    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        trailers.update(late)

    seen: list[bytes] = []
    async with serving_peer(noting(seen)) as peer, ClientSession() as session:
        with pytest.raises(tercel.ClientConnectionError):
            await session.post(peer.url, data=pieces(), trailers=trailers)
        assert session.connector is not None
        assert session.connector.stats().open == 0
    assert seen == []


async def test_received() -> None:
    said = ENDED + b"X-Sum: 9\r\nX-Sum: 8\r\nX-Name: \xc3\xbc\r\n\r\n"
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        for _ in range(2):
            async with session.get(peer.url) as response:
                assert await response.read() == b"abc"
                assert response.trailers.getall("x-sum") == ["9", "8"]
                assert response.trailers["X-Name"] == "ü"
                assert "X-Sum" not in response.headers
        assert peer.connections == 1


async def test_received_after_the_body() -> None:
    more = asyncio.Event()

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(ENDED)
        await more.wait()
        writer.write(b"X-Sum: 9\r\n\r\n")
        await reader.read()

    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert await response.content.readany() == b"abc"
            assert not response.trailers
            more.set()
            assert await response.content.readany() == b""
            assert response.trailers == {"X-Sum": "9"}
            with pytest.raises(TypeError):
                response.trailers["X"] = "1"  # type: ignore[index]


@pytest.mark.parametrize("name", [b"Content-Length", b"Host", b"Set-Cookie", b"Authorization"])
async def test_received_forbidden_ones_break_the_body(name: bytes) -> None:
    said = ENDED + name + b": 1\r\n\r\n"
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        with pytest.raises(tercel.ClientPayloadError):
            async with session.get(peer.url) as response:
                await response.read()
        assert session.connector is not None
        assert session.connector.stats().open == 0


async def test_none_by_default() -> None:
    async with serving_peer(scripted(answer(200, b"x"))) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            await response.read()
            assert response.trailers == {}


def test_the_parts() -> None:
    assert last_chunk(None) == last_chunk({}) == b"0\r\n\r\n"
    assert last_chunk({"A": "1"}) == b"0\r\nA: 1\r\n\r\n"
    assert read_trailers(((b"A", b"1"), (b"a", b"2"))).getall("A") == ["1", "2"]
    for name in FORBIDDEN_TRAILERS:
        with pytest.raises(ValueError):
            check_trailers({name.decode().title(): "1"})
        with pytest.raises(ValueError):
            last_chunk({name.decode(): "1"})


def test_announced_once() -> None:
    class Request:
        version = tercel.HttpVersion11
        chunked: bool | None = None
        trailers: Mapping[str, str] | None = CIMultiDict([("A", "1"), ("A", "2"), ("B", "3")])
        headers: CIMultiDict[str] = CIMultiDict({"Content-Length": "3"})

    request = Request()
    for _ in range(2):
        announce_trailers(request)
        assert dict(request.headers) == {"Transfer-Encoding": "chunked", "Trailer": "A, B"}
