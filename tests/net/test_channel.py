"""What a channel does within one `data_received`, over a transport that only takes notes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from tercel import web
from tests.wspeer import handshake
from tests.wsrows import BINARY, CLOSE, PING, TEXT, frame


class Noted(asyncio.Transport):
    """Writes down what is written."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self.writes: list[bytes] = []
        self.closed = False
        protocol.connection_made(self)

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def fed(transport: Noted, raw: bytes) -> list[bytes]:
    """What has been written when `data_received` returns, called by the event loop."""
    done: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()

    def feed() -> None:
        transport.writes.clear()
        transport.protocol.data_received(raw)
        done.set_result(list(transport.writes))

    asyncio.get_running_loop().call_soon(feed)
    return await done


Play = Callable[[web.WebSocketResponse], Awaitable[Any]]


@asynccontextmanager
async def opened(play: Play) -> AsyncIterator[Noted]:
    """The transport of a WebSocket that `play` serves, its handshake done."""

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await play(socket)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    transport = Noted(runner.server())
    transport.protocol.data_received(handshake())
    await asyncio.sleep(0)
    assert transport.writes[0].startswith(b"HTTP/1.1 101 ")
    transport.writes.clear()
    try:
        yield transport
    finally:
        transport.close()
        await asyncio.sleep(0)
        await runner.cleanup()


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        await socket.send_bytes(message.data)


async def listen(socket: web.WebSocketResponse) -> None:
    class Echo(web.WebSocketListener):
        def on_binary(self, transport: web.WebSocketTransport, data: bytes) -> None:
            transport.send_bytes(data)

    await socket.listen(Echo())


@pytest.mark.parametrize("play", [echo, listen])
async def test_the_answer_leaves_before_data_received_returns(play: Play) -> None:
    async with opened(play) as transport:
        for payload in (b"one", b"two"):
            assert await fed(transport, frame(BINARY, payload)) == [b"\x82\x03" + payload]


@pytest.mark.parametrize("play", [echo, listen])
async def test_several_answers_leave_in_one_write(play: Play) -> None:
    async with opened(play) as transport:
        part = frame(BINARY, b"part")
        writes = await fed(transport, frame(BINARY, b"one") * 3 + part[:5])
        assert writes == [b"\x82\x03one" * 3]
        writes = await fed(transport, part[5:] + frame(CLOSE, b"\x03\xe8"))
        assert b"".join(writes) == b"\x82\x04part\x88\x02\x03\xe8"


async def test_much_is_not_kept_back() -> None:
    async with opened(echo) as transport:
        writes = await fed(transport, frame(BINARY, b"x" * 3000) * 20)
        assert len(writes) > 1
        assert b"".join(writes) == (b"\x82\x7e\x0b\xb8" + b"x" * 3000) * 20


async def test_the_order_is_kept_with_pings_between() -> None:
    async with opened(echo) as transport:
        raw = frame(BINARY, b"1") + frame(PING, b"p") + frame(BINARY, b"2")
        sent = b"".join(await fed(transport, raw))
        assert sorted(sent) == sorted(b"\x82\x011\x8a\x01p\x82\x012")
        assert sent.index(b"\x82\x011") < sent.index(b"\x82\x012")


async def test_the_reader_keeps_its_task_and_context() -> None:
    name: ContextVar[str] = ContextVar("name", default="none")
    seen: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        name.set("mine")
        task = asyncio.current_task()
        async for message in socket:
            seen.append((message.data, name.get(), asyncio.current_task() is task))
            async with asyncio.timeout(5):
                await asyncio.sleep(0)

    async with opened(play) as transport:
        await fed(transport, frame(TEXT, b"a"))
        assert seen == [("a", "mine", True)]
        await fed(transport, frame(TEXT, b"b"))
        while len(seen) < 2:
            await asyncio.sleep(0)
    assert seen == [("a", "mine", True), ("b", "mine", True)]


async def test_octets_that_come_while_a_task_runs() -> None:
    """A transport in memory may call from within another task: no task is stepped inside it."""
    async with opened(echo) as transport:
        await fed(transport, frame(BINARY, b"from a callback"))
        transport.protocol.data_received(frame(BINARY, b"from a task"))
        while len(transport.writes) < 2:
            await asyncio.sleep(0)
    assert transport.writes[1] == b"\x82\x0bfrom a task"


async def test_a_message_is_not_lost_to_a_cancelled_reader() -> None:
    """It stays queued until the reader has it in hand."""
    got: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        reading = asyncio.ensure_future(socket.receive())
        await asyncio.sleep(0.001)
        transport.protocol.data_received(frame(TEXT, b"kept"))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        got.append(await socket.receive_str())

    async with opened(play) as transport:
        while not got:
            await asyncio.sleep(0.001)
    assert got == ["kept"]
