"""Family 34: where a reader stops, its writer stops too: both sides, both directions.

The kernel takes a few megabytes on the way; what is sent here is far more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import tercel
from tercel import web
from tests.web.serving import eventually, low_server

PIECE = bytes(65536)
MANY = 1600  # pieces: 100 MiB
#: Octets that our side may hold for one body: twice read_bufsize, and one read of the socket.
MOST_HELD = 2 * 65536 + 262144 + 65536
MOST_HELD_BY_CLIENT = 2 * 262144 + 262144  # its sessions hold more


class Source:
    """Pieces, counted."""

    def __init__(self) -> None:
        self.given = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(MANY):
            self.given += 1
            yield PIECE

    async def has_stopped(self) -> bool:
        """Wait until it is asked for nothing more; True if there would be more."""
        quiet = before = 0
        while quiet < 20:
            await asyncio.sleep(0.005)
            quiet = quiet + 1 if self.given == before and self.given else 0
            before = self.given
        return self.given < MANY


@asynccontextmanager
async def client_of(handler: Any, **settings: Any) -> AsyncIterator[tuple[Any, Any, str]]:
    async with low_server(handler, **settings) as low:
        async with tercel.ClientSession(retry_stale=False) as session:
            yield low, session, f"http://127.0.0.1:{low.port}/"


@pytest.mark.parametrize("reads", [True, False])
async def test_an_upload_that_the_handler_reads_late(reads: bool) -> None:
    release = asyncio.Event()
    total = 0

    async def handler(request: Any) -> web.Response:
        nonlocal total
        await release.wait()
        if reads:
            async for piece in request.content.iter_any():
                total += len(piece)
        return web.Response(text="read")

    async with client_of(handler, lingering_time=30) as (low, session, url):
        source = Source()
        asking = asyncio.ensure_future(session.post(url, data=source))
        await eventually(lambda: low.server._tasks)
        assert await source.has_stopped()
        (server_side,) = low.server.connections
        assert not server_side.transport.is_reading()
        body = server_side.exchange.body
        assert body.total_bytes + server_side.held <= MOST_HELD
        release.set()
        async with await asking as answer:
            assert await answer.text() == "read"
        assert source.given == MANY or not reads
        assert total == (MANY * len(PIECE) if reads else 0)


@pytest.mark.parametrize("framing", ["chunked", "length"])
async def test_a_download_that_the_client_reads_late(framing: str) -> None:
    source = Source()

    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        if framing == "length":
            response.content_length = MANY * len(PIECE)
        await response.prepare(request)
        async for piece in source:
            await response.write(piece)
        return response

    async with client_of(handler) as (low, session, url):
        async with session.get(url) as answer:
            assert await source.has_stopped()
            assert answer.content.total_bytes <= MOST_HELD_BY_CLIENT
            (server_side,) = low.server.connections
            assert server_side.must_drain
            assert server_side.transport.get_write_buffer_size() <= MOST_HELD
            got = 0
            async for piece in answer.content.iter_any():
                got += len(piece)
            assert got == MANY * len(PIECE)


async def test_an_echo_stops_both_directions_and_goes_on() -> None:
    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece)
        return response

    async with client_of(handler) as (low, session, url):
        source = Source()
        async with session.post(url, data=source) as answer:
            assert await source.has_stopped()
            (server_side,) = low.server.connections
            assert server_side.must_drain
            assert server_side.transport.get_write_buffer_size() <= MOST_HELD
            got = 0
            async for piece in answer.content.iter_any():
                got += len(piece)
        assert got == MANY * len(PIECE)
        assert source.given == MANY


async def test_a_websocket_whose_handler_reads_late() -> None:
    release = asyncio.Event()
    got = 0

    async def handler(request: Any) -> web.WebSocketResponse:
        nonlocal got
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await release.wait()
        async for message in socket:
            got += len(message.data)
        return socket

    async with client_of(handler) as (low, session, url):
        async with session.ws_connect(url) as socket:
            source = Source()

            async def send() -> None:
                async for piece in source:
                    await socket.send_bytes(piece)

            sending = asyncio.ensure_future(send())
            assert await source.has_stopped()
            (server_side,) = low.server.connections
            assert not server_side.transport.is_reading()
            release.set()
            await sending
            await socket.close()
    assert got == MANY * len(PIECE)


async def test_a_websocket_whose_client_reads_late() -> None:
    source = Source()

    async def handler(request: Any) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for piece in source:
            await socket.send_bytes(piece)
        await socket.close()
        return socket

    async with client_of(handler) as (low, session, url):
        async with session.ws_connect(url) as socket:
            assert await source.has_stopped()
            (server_side,) = low.server.connections
            assert server_side.transport.get_write_buffer_size() <= MOST_HELD
            got = 0
            async for message in socket:
                got += len(message.data)
            assert got == MANY * len(PIECE)


async def test_a_writer_is_let_go_when_its_reader_vanishes() -> None:
    source = Source()

    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in source:
            await response.write(piece)
        return response

    async with client_of(handler) as (low, session, url):
        answer = await session.get(url)
        assert await source.has_stopped()
        answer.close()
        await eventually(lambda: not low.server.connections and not low.server._tasks)
        assert source.given < MANY
