"""Interim answers: 103 Early Hints and others of 1xx, as they come and afterwards."""

import asyncio
from typing import Any

import pytest
from yarl import URL

import tercel
from tercel import ClientSession, InformationalResponse
from tests.client.peer import Peer, answer, read_request, scripted, serving_peer

HINTS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nX: \xc3\xbc\r\nLink: <https://cdn.example>;rel=preconnect\r\n\r\n"
)
OTHERS = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
LAST = answer(200, b"hello")


async def test_hints_are_told_before_the_answer_comes() -> None:
    told: list[InformationalResponse] = []
    heard = asyncio.Event()

    def listen(hint: InformationalResponse) -> None:
        told.append(hint)
        if len(told) == 2:
            heard.set()

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader) is not None:
            writer.write(HINTS)
            await heard.wait()  # the answer is held back until the hints were heard
            writer.write(LAST)

    async with serving_peer(play) as peer, ClientSession() as session:
        url = peer.url + "/page"
        async with session.get(url, on_informational=listen) as response:
            assert await response.text() == "hello"
            assert response.informational == tuple(told)
        first, second = told
        assert (first.status, first.reason, first.url) == (103, "Early Hints", URL(url))
        assert first.links["preload"]["url"] == URL(peer.url + "/style.css")
        assert first.links["preload"]["as"] == "style"
        assert second.links["preconnect"]["url"] == URL("https://cdn.example")
        assert second.headers["X"] == "ü"


async def test_kept_with_the_answer() -> None:
    play = scripted(OTHERS + HINTS + LAST, LAST)
    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert [each.status for each in response.informational] == [102, 103, 103]
        async with session.get(peer.url) as response:  # the short way
            assert response.informational == ()
        assert peer.connections == 1


async def test_the_short_way_keeps_them() -> None:
    play = scripted(LAST, HINTS + LAST)
    async with serving_peer(play) as peer, ClientSession() as session:
        for count in (0, 2):
            async with session.get(peer.url) as response:
                assert len(response.informational) == count
                assert await response.text() == "hello"


async def test_of_every_hop() -> None:
    told: list[tuple[int, str]] = []
    moved = answer(302, b"", ("Location", "/there"))
    async with serving_peer(scripted(HINTS + moved, OTHERS + LAST)) as peer:
        async with ClientSession() as session:
            more: dict[str, Any] = {
                "on_informational": lambda hint: told.append((hint.status, hint.url.path))
            }
            async with session.get(peer.url + "/here", **more) as response:
                assert len(response.history[0].informational) == 2
                assert len(response.informational) == 1
    assert told == [(103, "/here"), (103, "/here"), (102, "/there")]


async def test_a_middleware_listens_to_all() -> None:
    told: list[int] = []

    async def listen(request: Any, handler: Any) -> Any:
        request.on_informational = lambda hint: told.append(hint.status)
        return await handler(request)

    async with serving_peer(scripted(HINTS + LAST)) as peer:
        async with ClientSession(middlewares=[listen]) as session:
            await session.get(peer.url)
    assert told == [103, 103]


async def test_what_the_callback_raises_ends_the_request() -> None:
    def refuse(hint: InformationalResponse) -> None:
        raise LookupError(hint.reason)

    async with serving_peer(scripted(HINTS + LAST)) as peer, ClientSession() as session:
        with pytest.raises(LookupError, match="Early Hints"):
            await session.get(peer.url, on_informational=refuse)
        assert session.connector is not None
        assert session.connector.stats().open == 0


async def test_with_expect_100() -> None:
    told: list[int] = []
    async with serving_peer(scripted(OTHERS + HINTS + LAST)) as peer, ClientSession() as session:
        more: dict[str, Any] = {"on_informational": lambda hint: told.append(hint.status)}
        async with session.post(peer.url, data=b"abc", expect100=True, **more) as response:
            assert await response.text() == "hello"
        assert peer.asked[0].body == b"abc"
    assert told == [102, 103, 103]


@pytest.mark.parametrize(("count", "is_fine"), [(32, True), (33, False)])
async def test_they_are_bounded(count: int, is_fine: bool) -> None:
    said = b"HTTP/1.1 103 Early Hints\r\n\r\n" * count + LAST
    async with serving_peer(scripted(said)) as peer, ClientSession() as session:
        if is_fine:
            async with session.get(peer.url) as response:
                assert len(response.informational) == count
        else:
            with pytest.raises(tercel.ClientResponseError):
                await session.get(peer.url)
