"""How requests leave: how many writes and tasks they take."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import tercel
from tests.client.peer import answer, scripted, serving_peer


class Counting:
    """A transport that keeps what is written to it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.writes: list[bytes] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class CountingConnector(tercel.TCPConnector):
    """Keeps the transports that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Counting] = []

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:
        protocol = await super()._create_connection(req, traces, timeout)
        self.made.append(Counting(protocol.transport))
        protocol.transport = self.made[-1]
        return protocol


ONE_WRITE: list[tuple[str, dict[str, Any]]] = [
    ("GET", {}),
    ("GET", {"headers": {"X": "y"}, "cookies": {"a": "b"}}),
    ("DELETE", {}),
    ("POST", {"data": b"x" * 10_000}),
    ("POST", {"json": {"a": 1}}),
    ("POST", {"data": {"a": "b"}}),
    ("POST", {"data": "text"}),
]


@pytest.mark.parametrize(("method", "arguments"), ONE_WRITE, ids=range(len(ONE_WRITE)))
async def test_one_write_and_no_task(method: str, arguments: dict[str, Any]) -> None:
    tasks: set[asyncio.Task[Any]] = set()

    def factory(loop: Any, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=loop, **kwargs)
        tasks.add(task)
        return task

    connector = CountingConnector()
    async with (
        serving_peer(scripted(answer(200))) as peer,
        tercel.ClientSession(connector=connector) as session,
    ):
        await session.request(method, peer.url, **arguments)
        writes = connector.made[0].writes
        writes.clear()
        asyncio.get_running_loop().set_task_factory(factory)
        await session.request(method, peer.url, **arguments)
        asyncio.get_running_loop().set_task_factory(None)
        assert len(connector.made) == 1
        assert len(writes) == 1
        assert tasks == set()


async def test_large_octets_go_in_pieces() -> None:
    connector = CountingConnector()
    async with (
        serving_peer(scripted(answer(200))) as peer,
        tercel.ClientSession(connector=connector) as session,
    ):
        await session.post(peer.url, data=b"x" * 1_000_000)
        assert peer.asked[0].body == b"x" * 1_000_000
        # The head leaves with the first piece.
        assert max(map(len, connector.made[0].writes)) <= 262_144 + 500


PIECES: list[tuple[list[bytes], dict[str, str], int]] = [
    ([b"a", b"bc", b"d" * 20_000, b"e"], {}, 1),
    ([b"a", b"bc", b"d" * 20_000, b"e"], {"Content-Length": "20004"}, 1),
    ([b"x" * 65_536] * 4, {}, 2),
    ([b"x" * 65_536] * 8, {}, 3),
    ([b"x" * 65_536] * 8, {"Content-Length": "524288"}, 2),
]


@pytest.mark.parametrize(("pieces", "headers", "writes"), PIECES)
async def test_pieces_at_hand_leave_together(
    pieces: list[bytes], headers: dict[str, str], writes: int
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    connector = CountingConnector()
    async with (
        serving_peer(scripted(answer(200))) as peer,
        tercel.ClientSession(connector=connector) as session,
    ):
        await session.post(peer.url, data=b"")
        connector.made[0].writes.clear()
        await session.post(peer.url, data=body(), headers=headers)
        assert peer.asked[1].body == b"".join(pieces)
        assert len(connector.made) == 1
        assert len(connector.made[0].writes) == writes


async def test_a_piece_leaves_while_the_next_is_waited_for() -> None:
    came = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.wait_for(came.wait(), 5)
        yield b"second"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"first\r\n")
        came.set()
        await reader.readuntil(b"second\r\n0\r\n\r\n")
        writer.write(answer(200))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, tercel.ClientSession() as session:
        response = await session.post(f"http://127.0.0.1:{port}/", data=body())
        assert response.status == 200


def loops() -> list[Any]:
    found: list[Any] = [asyncio.new_event_loop]
    try:
        import uvloop
    except ImportError:
        pass
    else:
        found.append(uvloop.new_event_loop)
    return found


@pytest.mark.parametrize("loop", loops(), ids=lambda loop: loop.__module__.partition(".")[0])
@pytest.mark.parametrize("size", [100, 5_000, 100_000])
def test_a_buffer_that_is_used_again_is_sent_as_it_was(loop: Any, size: int) -> None:
    """The peer reads slowly, so that pieces wait while the next is made."""
    count = 3_000_000 // size

    async def body() -> AsyncIterator[bytearray]:
        buffer = bytearray(size)
        for index in range(count):
            buffer[:] = bytes([index % 251]) * size
            yield buffer

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        is_right = True
        for index in range(count):
            await reader.readuntil(b"\r\n")
            piece = await reader.readexactly(size)
            is_right = is_right and piece == bytes([index % 251]) * size
            await reader.readexactly(2)
        writer.write(answer(200 if is_right else 400))
        await writer.drain()
        writer.close()

    async def run() -> int:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, tercel.ClientSession() as session:
            response = await session.post(f"http://127.0.0.1:{port}/", data=body())
            return response.status

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(run()) == 200


async def test_one_timer_serves_many_requests() -> None:
    loop = asyncio.get_running_loop()
    async with (
        serving_peer(scripted(answer(200))) as peer,
        tercel.ClientSession() as session,
    ):
        await session.get(peer.url)
        for _ in range(100):
            await session.get(peer.url)
        assert len(session._deadlines._buckets) <= 3
        assert not any(waiting for waiting, _ in session._deadlines._buckets.values())
    assert session._deadlines._buckets == {}
    assert loop.is_running()


async def test_writer_of_streamers() -> None:
    with pytest.warns(DeprecationWarning):

        @tercel.streamer
        async def body(writer: Any, count: int) -> None:
            assert writer.transport is not None
            for number in range(count):
                await writer.write(b"%d," % number)
                await writer.drain()

    async with (
        serving_peer(scripted(answer(200))) as peer,
        tercel.ClientSession() as session,
    ):
        await session.post(peer.url, data=body(count=3))
        assert peer.asked[0].body == b"0,1,2,"


WRONG = ["text", 5, None]


@pytest.mark.parametrize("piece", WRONG)
async def test_pieces_are_octets(piece: Any) -> None:
    async def pieces() -> AsyncIterator[Any]:
        yield b"good"
        yield piece or [1]

    async with (
        serving_peer(scripted(answer(200))) as peer,
        tercel.ClientSession() as session,
    ):
        with pytest.raises(tercel.ClientConnectionError) as caught:
            await session.post(peer.url, data=pieces())
        assert isinstance(caught.value.__cause__, TypeError)
