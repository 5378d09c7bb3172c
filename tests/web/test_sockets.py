"""All open sockets at once: broadcast, members that fall behind, shutdown."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.wspeer import connected
from tests.wsrows import CLOSE, TEXT

SOCKETS = web.AppKey("sockets", web.WebSocketSet)
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def make_app(**how: Any) -> web.Application:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(**how)
        await socket.prepare(request)
        request.app[SOCKETS].add(socket)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app = web.Application()
    app[SOCKETS] = web.WebSocketSet(app)
    app.router.add_get("/", handler)
    return app


async def until(happened: Callable[[], object]) -> None:
    while not happened():
        await asyncio.sleep(0.001)


async def test_broadcast() -> None:
    app = make_app()
    sockets = app[SOCKETS]
    assert sockets.broadcast("nobody hears") == 0
    async with serving(app) as server, AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(server.port)) for _ in range(5)]
        await until(lambda: len(sockets) == 5)
        assert sockets.broadcast("news") == 5
        assert sockets.broadcast(b"\x00") == 5
        for peer in peers:
            assert await peer.read_frame() == (0x81, b"news")
            assert await peer.read_frame() == (0x82, b"\x00")
        left_out = next(iter(sockets))
        assert left_out in sockets
        assert sockets.broadcast("again", skip=[left_out]) == 4
        sockets.discard(left_out)
        assert len(sockets) == 4


async def test_members_that_compress_keep_their_own_windows() -> None:
    app = make_app()
    sockets = app[SOCKETS]
    from tercel.wire.ws.connection import Connection
    from tercel.wire.ws.deflate import Inflater

    async with serving(app) as server:
        async with (
            connected(server.port, DEFLATE) as first,
            connected(server.port, DEFLATE) as second,
            connected(server.port) as plain,
        ):
            await until(lambda: len(sockets) == 3)
            wire = Connection(False, 0, True, Inflater(15, True))
            text = "the same words, " * 20
            for turn in range(3):
                first.send(TEXT, text.encode())
                opcode, payload = await first.read_frame()
                wire.feed_data(bytes((opcode, len(payload))) + payload)
                assert sockets.broadcast(text + str(turn)) == 3
                opcode, shared = await first.read_frame()
                assert opcode == 0xC1
                wire.feed_data(bytes((opcode, len(shared))) + shared)
                assert wire.next_event()[1] == text  # type: ignore[index]
                assert wire.next_event()[1] == text + str(turn)  # type: ignore[index]
                assert await second.read_frame() == (0xC1, shared)
                assert await plain.read_frame() == (0x81, (text + str(turn)).encode())


@pytest.mark.parametrize("behind", ["drop", "disconnect"])
async def test_members_that_fall_behind(behind: Any) -> None:
    app = make_app(writer_limit=1000)
    sockets = app[SOCKETS]
    async with (
        serving(app) as server,
        connected(server.port) as slow,
        connected(server.port) as quick,
    ):
        await until(lambda: len(sockets) == 2)
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]
        data = b"x" * 100_000
        counts = []
        for _ in range(400):
            counts.append(sockets.broadcast(data, behind=behind))
            assert await quick.read_frame() == (0x82, data)
            if counts[-1] == 1:
                break
        assert counts[0] == 2
        assert counts[-1] == 1
        await asyncio.sleep(0.01)
        assert len(sockets) == (2 if behind == "drop" else 1)


async def test_wrong_choices() -> None:
    sockets = web.WebSocketSet()
    with pytest.raises(ValueError, match="behind"):
        sockets.broadcast("x", behind="wait")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="prepared"):
        sockets.add(web.WebSocketResponse())


async def test_members_leave_by_themselves() -> None:
    app = make_app()
    sockets = app[SOCKETS]
    async with serving(app) as server:
        async with connected(server.port) as peer:
            await until(lambda: len(sockets) == 1)
            peer.send(CLOSE)
            await until(lambda: len(sockets) == 0)
            assert sockets.broadcast("x") == 0
        await asyncio.sleep(0.01)
        gc.collect()
        assert not sockets._members


async def test_shutdown_closes_all() -> None:
    app = make_app()
    async with serving(app) as server:
        async with connected(server.port) as one, connected(server.port) as two:
            await until(lambda: len(app[SOCKETS]) == 2)
            closing = asyncio.create_task(server.close())
            for peer in (one, two):
                assert await peer.read_frame() == (0x88, b"\x03\xe9Server shutdown")
            for peer in (one, two):
                peer.send(CLOSE, b"\x03\xe9")
                assert await peer.read_frame() == (-1, b"")
            await closing
