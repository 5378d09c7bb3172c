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
        assert max(map(len, connector.made[0].writes)) <= 262_144


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
