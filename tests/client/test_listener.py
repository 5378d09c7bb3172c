"""The raw listener on the client's side."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import web
from tests.live import serving


class Notes(tercel.WebSocketListener):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_open(self, transport: tercel.WebSocketTransport) -> None:
        self.told.append("open")
        transport.send_str("hello")

    def on_text(self, transport: tercel.WebSocketTransport, data: str) -> None:
        self.told.append(data)
        if len(data) < 8:
            transport.send_str(data + "+")
        else:
            transport.close(4001, "done")

    def on_close(self, transport: tercel.WebSocketTransport, code: int, reason: str) -> None:
        self.told.append(("close", code, reason))

    def on_lost(self, transport: tercel.WebSocketTransport, error: BaseException | None) -> None:
        self.told.append(("lost", error and type(error)))


def echo_site(**how: Any) -> web.Application:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(**how)
        await socket.prepare(request)
        async for message in socket:
            if message.data == "close":
                await socket.close(code=4002, message="bye")
            elif message.data == "vanish":
                request.transport.abort()  # type: ignore[union-attr]
            else:
                await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    return app


@pytest.mark.parametrize("compress", [0, 15])
async def test_a_conversation(compress: int) -> None:
    notes = Notes()
    async with serving(echo_site()) as server, tercel.ClientSession() as session:
        url = f"ws://127.0.0.1:{server.port}/"
        async with session.ws_connect(url, compress=compress) as socket:
            assert await socket.listen(notes) == 4001
            assert socket.closed
            assert socket.exception() is None
    assert notes.told == ["open", "hello", "hello+", "hello++", "hello+++", ("lost", None)]


async def test_the_server_closes() -> None:
    class Asks(Notes):
        def on_open(self, transport: tercel.WebSocketTransport) -> None:
            transport.send_str("close")

    notes = Asks()
    async with serving(echo_site()) as server, tercel.ClientSession() as session:
        async with session.ws_connect(f"ws://127.0.0.1:{server.port}/") as socket:
            assert await socket.listen(notes) == 4002
    assert notes.told == [("close", 4002, "bye"), ("lost", None)]


async def test_the_server_vanishes() -> None:
    class Asks(Notes):
        def on_open(self, transport: tercel.WebSocketTransport) -> None:
            transport.send_str("vanish")

    notes = Asks()
    async with serving(echo_site()) as server, tercel.ClientSession() as session:
        async with session.ws_connect(f"ws://127.0.0.1:{server.port}/") as socket:
            assert await socket.listen(notes) == 1006
            assert socket.exception() is not None
    assert notes.told == [("lost", tercel.ClientConnectionResetError)]


async def test_in_the_background() -> None:
    """Nothing has to be awaited, and the comfortable calls go on working."""

    class Quiet(Notes):
        def on_text(self, transport: tercel.WebSocketTransport, data: str) -> None:
            self.told.append(data)

    notes = Quiet()
    async with serving(echo_site()) as server, tercel.ClientSession() as session:
        async with session.ws_connect(f"ws://127.0.0.1:{server.port}/") as socket:
            ended = socket.listen(notes)
            while "hello" not in notes.told:
                await asyncio.sleep(0.001)
            await socket.close(code=4003)
        assert await ended == 4003
    assert notes.told[-1] == ("lost", None)


async def test_the_session_closes() -> None:
    notes = Notes()
    async with serving(echo_site()) as server:
        async with tercel.ClientSession() as session:
            socket = await session.ws_connect(f"ws://127.0.0.1:{server.port}/")
            ended = socket.listen(notes)
            while "hello" not in notes.told:
                await asyncio.sleep(0.001)
        await ended
    assert notes.told[-1][0] == "lost"


async def test_both_ends_listen() -> None:
    class Counts(tercel.WebSocketListener):
        count = 0

        def on_binary(self, transport: tercel.WebSocketTransport, data: bytes) -> None:
            self.count += 1
            if self.count < 1000:
                transport.send_bytes(data)
            else:
                transport.close()

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.listen(Counts())
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    async with serving(app) as server, tercel.ClientSession() as session:
        async with session.ws_connect(f"ws://127.0.0.1:{server.port}/") as socket:
            await socket.send_bytes(b"ball")
            assert await socket.listen(Counts()) == 1000
