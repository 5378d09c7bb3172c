"""Readers of a WebSocket that wait: `async for`, its cancellation, its successors, its end."""

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from tercel import WSMessage, WSMsgType, web
from tests.net.test_channel import Noted, Play, fed, opened
from tests.wspeer import handshake
from tests.wsrows import BINARY, CLOSE, PING, TEXT, frame


async def until(is_so: Any) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0)


async def collect(socket: Any, into: list[Any]) -> None:
    async for message in socket:
        into.append(message.data)


async def test_a_message_is_not_lost_to_an_iteration_that_is_cancelled() -> None:
    """It comes in the same turn of the loop; whoever reads next has it."""
    found: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        reading = asyncio.ensure_future(collect(socket, found))
        await asyncio.sleep(0.001)
        transport.protocol.data_received(frame(TEXT, b"kept"))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert found == []
        found.append(await socket.receive_str())

    async with opened(play) as transport:
        await until(lambda: found)
    assert found == ["kept"]


async def test_a_cancelled_iteration_makes_room_for_the_next_reader() -> None:
    found: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await collect(socket, found)
        reading = asyncio.ensure_future(collect(socket, found))
        await asyncio.sleep(0)
        reading.cancel()
        # It has not heard of that yet, and waits no longer.
        found.append(await socket.receive_str())
        await collect(socket, found)

    async with opened(play) as transport:
        await asyncio.sleep(0.02)
        for word in (b"one", b"two", b"three"):
            await fed(transport, frame(TEXT, word))
        await until(lambda: len(found) == 3)
    assert found == ["one", "two", "three"]


async def test_nobody_reads_beside_an_iteration() -> None:
    errors: list[str] = []

    async def play(socket: web.WebSocketResponse) -> None:
        reading = asyncio.ensure_future(collect(socket, []))
        await asyncio.sleep(0)
        for second in (socket.receive(), collect(socket, []), anext(socket)):
            with pytest.raises(RuntimeError, match="Concurrent call to receive"):
                await second
        with pytest.raises(RuntimeError, match="Concurrent call to receive"):
            socket.listen(web.WebSocketListener())
        errors.append("four")
        await reading

    async with opened(play):
        await until(lambda: errors)


async def test_readers_take_turns_each_in_its_own_task_and_context() -> None:
    """What was known of the one before does not wake the next."""
    who: ContextVar[str] = ContextVar("who", default="nobody")
    seen: list[Any] = []

    async def read_two(socket: Any, name: str) -> None:
        who.set(name)
        task = asyncio.current_task()
        count = 0
        async for message in socket:
            seen.append((message.data, who.get(), asyncio.current_task() is task))
            count += 1
            if count == 2:
                return

    async def play(socket: web.WebSocketResponse) -> None:
        for name in ("ann", "bob"):
            await asyncio.create_task(read_two(socket, name))

    async with opened(play) as transport:
        for word in (b"1", b"2", b"3", b"4"):
            await fed(transport, frame(TEXT, word))
            count = int(word)
            assert len(seen) == count, "the reader has it before data_received returns"
            await asyncio.sleep(0.001)
    assert seen == [
        ("1", "ann", True),
        ("2", "ann", True),
        ("3", "bob", True),
        ("4", "bob", True),
    ]


async def test_a_message_between_a_first_step_and_its_task() -> None:
    """The handler waits, but the task that goes on with it has not begun."""
    found: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await collect(socket, found)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    transport = Noted(runner.server())

    def feed() -> None:
        transport.protocol.data_received(handshake())
        transport.protocol.data_received(frame(TEXT, b"early"))

    asyncio.get_running_loop().call_soon(feed)
    await until(lambda: found)
    await fed(transport, frame(TEXT, b"late"))
    assert found == ["early", "late"]
    transport.close()
    await asyncio.sleep(0)
    await runner.cleanup()


async def test_an_iteration_ends_with_the_peers_close() -> None:
    found: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        await collect(socket, found)
        found.append(socket.close_code)

    async with opened(play) as transport:
        await fed(transport, frame(TEXT, b"last") + frame(CLOSE, b"\x03\xe9"))
        await until(lambda: len(found) == 2)
    assert found == ["last", 1001]


async def test_an_iteration_ends_with_the_connection() -> None:
    found: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        await collect(socket, found)
        found.append(socket.close_code)

    async with opened(play) as transport:
        await fed(transport, frame(TEXT, b"last"))
        transport.close()
        await until(lambda: len(found) == 2)
    assert found == ["last", 1006]


async def test_an_iteration_is_told_of_a_broken_protocol_and_then_ends() -> None:
    found: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            found.append(message.type)
        found.append(socket.close_code)

    async with opened(play) as transport:
        await fed(transport, b"\xff\x80\x00\x00\x00\x00")
        await until(lambda: len(found) == 2)
    assert found == [WSMsgType.ERROR, 1002]


async def test_our_own_close_ends_an_iteration() -> None:
    found: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        reading = asyncio.ensure_future(collect(socket, found))
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(socket.close(code=1001))
        await reading
        found.append("ended")
        await closing

    async with opened(play) as transport:
        await until(lambda: found)
        await fed(transport, frame(CLOSE, b"\x03\xe9"))
    assert found == ["ended"]


async def test_what_a_subclass_receives_is_what_it_iterates() -> None:
    found: list[Any] = []

    class Shouting(web.WebSocketResponse):
        async def receive(self, timeout: float | None = None) -> WSMessage:
            message = await super().receive(timeout)
            if message.type is WSMsgType.TEXT:
                message = message._replace(data=message.data.upper())
            return message

    class Calm(Shouting):
        pass

    class Counting(web.WebSocketResponse):
        async def __anext__(self) -> WSMessage:
            message = await super().__anext__()
            return message._replace(data=(message.data, len(message.data)))

    for kind, expected in ((Shouting, "WORD"), (Calm, "WORD"), (Counting, ("word", 4))):

        async def handler(
            request: web.Request, kind: type[web.WebSocketResponse] = kind
        ) -> web.StreamResponse:
            socket = kind()
            await socket.prepare(request)
            await collect(socket, found)
            return socket

        app = web.Application()
        app.router.add_get("/", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        assert runner.server is not None
        transport = Noted(runner.server())
        transport.protocol.data_received(handshake())
        await fed(transport, frame(TEXT, b"word"))
        await until(lambda: found)
        assert found.pop() == expected
        transport.close()
        await asyncio.sleep(0)
        await runner.cleanup()


async def iterated(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        await socket.send_bytes(message.data)


async def received(socket: web.WebSocketResponse) -> None:
    while True:
        message = await socket.receive()
        if message.type is not WSMsgType.BINARY:
            return
        await socket.send_bytes(message.data)


@pytest.mark.parametrize("play", [iterated, received])
async def test_messages_at_hand_and_messages_to_come(play: Play) -> None:
    """In one read, in several, cut anywhere: each is answered, once and in order."""
    words = [b"%d" % count for count in range(40)]
    raw = b"".join(frame(BINARY, word) for word in words)
    expected = b"".join(bytes((0x82, len(word))) + word for word in words)
    for size in (1, 2, 5, 7, 64, len(raw)):
        async with opened(play) as transport:
            sent = b""
            for start in range(0, len(raw), size):
                sent += b"".join(await fed(transport, raw[start : start + size]))
            await until(lambda: True)
        assert sent == expected, size


async def test_an_iteration_has_the_control_frames_that_nobody_answers() -> None:
    found: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        async for message in socket:
            found.append((message.type, message.data))
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    transport = Noted(runner.server())
    transport.protocol.data_received(handshake())
    await fed(transport, frame(PING, b"?") + frame(TEXT, b"word"))
    await until(lambda: len(found) == 2)
    assert found == [(WSMsgType.PING, b"?"), (WSMsgType.TEXT, "word")]
    transport.close()
    await asyncio.sleep(0)
    await runner.cleanup()
