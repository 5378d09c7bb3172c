"""Our WebSockets against those of `websockets`: either side, compressed and plain."""

import os
from typing import Any

import pytest

import tercel
from tercel import WSMsgType, web
from tests.live import serving

if os.environ.get("TERCEL_REQUIRE_PEERS") == "1":
    import websockets.asyncio.client as theirs
    import websockets.asyncio.server as their_server
else:
    theirs = pytest.importorskip("websockets.asyncio.client")
    their_server = pytest.importorskip("websockets.asyncio.server")

MESSAGES: list[str | bytes] = [
    "",
    "x",
    "grüß €\U0001f30d" * 10,
    "the same again " * 500,
    "the same again " * 500,
    b"",
    bytes(range(256)) * 400,
]


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=("chat",), heartbeat=5)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_their_client(compression: Any) -> None:
    app = web.Application()
    app.router.add_get("/", echo)
    async with serving(app) as server:
        async with theirs.connect(
            f"ws://127.0.0.1:{server.port}/",
            compression=compression,
            subprotocols=["chat"],
            proxy=None,
        ) as socket:
            assert socket.subprotocol == "chat"
            for message in MESSAGES:
                await socket.send(message)
                assert await socket.recv() == message
            await socket.send(["in ", "frag", "ments, ü"])
            assert await socket.recv() == "in fragments, ü"
            await (await socket.ping(b"?"))
            await socket.close(code=4001, reason="enough")
        assert socket.close_code == 4001
        assert (socket.protocol.close_rcvd.code, socket.protocol.close_rcvd_then_sent) == (
            4001,
            False,
        )


@pytest.mark.parametrize("compress", [0, 9, 12, 15])
async def test_their_server(compress: int) -> None:
    async def handler(socket: Any) -> None:
        async for message in socket:
            if message == "close":
                await socket.close(code=4002, reason="as asked")
            else:
                await socket.send(message)

    async with their_server.serve(handler, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        port = server.sockets[0].getsockname()[1]
        async with tercel.ClientSession() as session:
            async with session.ws_connect(
                f"ws://127.0.0.1:{port}/", compress=compress, protocols=("chat",)
            ) as socket:
                assert socket.protocol == "chat"
                assert bool(socket.compress) is bool(compress)
                for message in MESSAGES:
                    if isinstance(message, str):
                        await socket.send_str(message)
                    else:
                        await socket.send_bytes(message)
                    assert (await socket.receive()).data == message
                await socket.send_str("close")
                assert await socket.receive() == (WSMsgType.CLOSE, 4002, "as asked")
            assert socket.close_code == 4002
