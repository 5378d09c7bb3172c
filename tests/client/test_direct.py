"""Large bodies that are wanted whole: every way in which they come, and in which they don't."""

import asyncio
import gc
import io
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tercel import (
    ClientError,
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    SocketTimeoutError,
    TCPConnector,
)
from tercel.client import response as response_module
from tercel.client.body import blank
from tercel.client.buffered import BufferedClient
from tercel.client.direct import DirectBody, _Place, find_direct
from tercel.client.exchange import ROOM, Asker, ClientProtocol, Exchange
from tercel.client.options import DEFAULT_READ
from tests.certificates import client_context, server_context

BODY = bytes(range(256)) * 8192  # 2 MiB
HALF = len(BODY) // 2
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer, tls: bool = False) -> AsyncIterator[tuple[str, list[int]]]:
    """Answer every request with `answer`; gives the URL, and requests by connection."""
    served: list[int] = []
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(served)
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        served.append(0)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                served[number] += 1
                await answer(writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    context = server_context() if tls else None
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}/", served
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def whole(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % (len(BODY), b""))
    for start in range(0, len(BODY), 300_007):
        await asyncio.sleep(0)
        writer.write(BODY[start : start + 300_007])
        await writer.drain()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each body that was read, whether it took the direct way."""
    seen: list[bool] = []
    find = response_module.find_direct

    def watch(*arguments: Any) -> DirectBody | None:
        found = find(*arguments)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(response_module, "find_direct", watch)
    return seen


@pytest.mark.parametrize("tls", [False, True])
async def test_bodies_arrive_and_the_connection_is_kept(tls: bool, taken: list[bool]) -> None:
    async with serving(whole, tls) as (url, served), ClientSession() as session:
        for _ in range(4):
            async with session.get(url, ssl=client_context() if tls else True) as response:
                assert await response.read() == BODY
                assert await response.read() == BODY
                assert response.content.total_bytes == len(BODY)
                assert response.content.at_eof()
    assert served == [4]
    assert taken == [True] * 4


async def test_what_was_read_already_is_not_read_again(taken: list[bool]) -> None:
    async with serving(whole) as (url, served), ClientSession() as session:
        for _ in range(2):
            async with session.get(url) as response:
                start = await response.content.readexactly(1000)
                assert start + await response.read() == BODY
    assert (served, taken) == ([2], [True, True])


async def test_a_slow_reader_gets_all_of_it(taken: list[bool]) -> None:
    async with serving(whole) as (url, served), ClientSession(read_bufsize=8192) as session:
        async with session.get(url) as response:
            await asyncio.sleep(0.05)
            assert await response.read() == BODY
        async with session.get(url) as response:
            assert await response.read() == BODY
    assert (served, taken) == ([2], [True, True])


@pytest.mark.parametrize("size", [0, 1, 100, 131_071, 131_072, 131_073, 300_000])
async def test_every_size(size: int) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (size, b""))
        await asyncio.sleep(0.01)
        writer.write(BODY[:size])

    async with serving(answer) as (url, served), ClientSession() as session:
        for _ in range(2):
            async with session.get(url) as response:
                assert await response.read() == BODY[:size]
    assert served == [2]


async def test_octets_after_the_body_end_the_connection() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (len(BODY), b"") + BODY + b"HTTP/1.1 200 OK\r\n\r\n")

    async with serving(answer) as (url, served), ClientSession() as session:
        for _ in range(2):
            async with session.get(url) as response:
                assert await response.read() == BODY
            await asyncio.sleep(0.02)
    assert served == [1, 1]


@pytest.mark.parametrize("abrupt", [False, True])
async def test_a_body_that_breaks_off(abrupt: bool, taken: list[bool]) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (len(BODY), b"") + BODY[:HALF])
        await writer.drain()
        await asyncio.sleep(0.02)
        if abrupt:
            writer.transport.abort()
        else:
            writer.close()

    async with serving(answer) as (url, _), ClientSession() as session:
        async with session.get(url) as response:
            with pytest.raises(ClientPayloadError):
                await response.read()
    assert taken == [True]


async def stalling(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % (len(BODY), b"") + BODY[:HALF])
    await asyncio.sleep(30)


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        (ClientTimeout(total=0.1), TimeoutError),
        (ClientTimeout(sock_read=0.1), SocketTimeoutError),
    ],
)
async def test_timeouts(timeout: ClientTimeout, error: type[Exception], taken: list[bool]) -> None:
    async with serving(stalling) as (url, _), ClientSession(timeout=timeout) as session:
        async with session.get(url) as response:
            with pytest.raises(error):
                await response.read()
        assert session.connector is not None
        assert session.connector.stats().open == 0
    assert taken == [True]


async def test_a_cancelled_read_closes_the_connection(taken: list[bool]) -> None:
    async with serving(stalling) as (url, _), ClientSession() as session:
        async with session.get(url) as response:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await response.read()
            assert response.closed
        assert session.connector is not None
        assert session.connector.stats().open == 0
    assert taken == [True]


async def test_bodies_in_pieces_or_coded_go_the_usual_way(taken: list[bool]) -> None:
    import zlib

    coder = zlib.compressobj(0, wbits=31)
    coded = coder.compress(BODY) + coder.flush()

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD % (len(coded), b"Content-Encoding: gzip\r\n") + coded)

    async with serving(answer) as (url, _), ClientSession() as session:
        async with session.get(url) as response:
            assert await response.read() == BODY
    assert taken == [False]


@pytest.mark.parametrize("size", [2, 131_072, 2**20])
def test_room_is_of_its_size_and_nobody_elses(size: int) -> None:
    rooms = [blank(size), blank(size)]
    assert [len(room) for room in rooms] == [size, size]
    assert rooms[0] is not rooms[1]


# --- how transports are let read ---------------------------------------------------------------


class Reading(asyncio.Transport):
    """A transport that says whether it would read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True
        self.pauses = 0
        self.sent = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def pause_reading(self) -> None:
        self.reads = False
        self.pauses += 1

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.reads = False

    abort = close


def begun_exchange(
    body: int, eager: "Eager | None" = None
) -> tuple[ClientProtocol, Exchange, Reading]:
    """An exchange whose head has come, with the first ten octets of a body of so many.

    `eager`, if there is one, is told of the head.
    """
    protocol = BufferedClient(asyncio.get_running_loop())
    transport = Reading()
    protocol.connection_made(transport)
    exchange = Exchange(protocol, Pooled(), "GET", DEFAULT_READ)
    if eager is not None:
        eager.exchange = exchange
        exchange.asker = eager
    protocol.begin(exchange)
    read_into(protocol, HEAD % (body, b"") + BODY[:10])
    return protocol, exchange, transport


class Eager(Asker):
    """Asks for the body the moment its head is there."""

    __slots__ = ("exchange", "how", "steps")

    def __init__(self, how: str) -> None:
        self.exchange: Any = None
        self.how = how
        self.steps: Any = None

    def tell_head(self) -> None:
        stream = self.exchange.open_stream()
        if self.how == "direct":
            body = find_direct(self.exchange, stream)
            assert body is not None
            self.steps = body.read()
        else:
            self.steps = getattr(stream, self.how)()
        self.steps.send(None)


class Pooled:
    """A connection that the pool lent."""

    def release(self) -> None:
        """It comes back."""

    close = release


def read_into(protocol: ClientProtocol, data: bytes) -> None:
    """What a transport does with octets that it has read."""
    while data:
        place = protocol.get_buffer(-1)
        size = min(len(place), len(data))
        assert size
        place[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]


LARGE = 262_144 + 10


@pytest.mark.parametrize(("body", "waits"), [(LARGE, True), (LARGE - 1, False)])
async def test_much_is_not_read_before_it_is_known_where_it_is_wanted(
    body: int, waits: bool
) -> None:
    protocol, exchange, transport = begun_exchange(body)
    assert transport.reads is not waits
    exchange.open_stream()._let_flow()
    assert transport.reads
    read_into(protocol, BODY[10:body])
    assert exchange.body_done
    assert exchange.is_done


@pytest.mark.parametrize("how", ["direct", "read", "wait_eof"])
async def test_nothing_is_held_for_who_asks_at_once(how: str) -> None:
    eager = Eager(how)
    protocol, exchange, transport = begun_exchange(LARGE, eager)
    steps = eager.steps
    assert transport.pauses == 0
    read_into(protocol, BODY[10:LARGE])
    assert exchange.body_done
    if how == "read":  # what is read past the limit makes it pause, as ever
        steps.close()
        return
    with pytest.raises(StopIteration) as stopped:
        steps.send(None)
    assert stopped.value.value == (BODY[:LARGE] if how == "direct" else None)


@pytest.mark.parametrize("how", ["read", "readany", "readexactly", "wait_eof", "iter_chunked"])
async def test_every_reader_lets_it_go_on(how: str) -> None:
    protocol, exchange, transport = begun_exchange(LARGE)
    stream = exchange.open_stream()

    async def read() -> bytes:
        if how == "iter_chunked":
            return b"".join([piece async for piece in stream.iter_chunked(1000)])
        if how == "readany":
            pieces = []
            while piece := await stream.readany():
                pieces.append(piece)
            return b"".join(pieces)
        if how == "readexactly":
            return await stream.readexactly(LARGE)
        if how == "wait_eof":
            await stream.wait_eof()
        return await stream.read()

    task = asyncio.ensure_future(read())
    data = BODY[10:LARGE]
    while data:
        await asyncio.sleep(0)
        if transport.reads:
            read_into(protocol, data[:50_000])
            data = data[50_000:]
    assert await task == BODY[:LARGE]


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("surplus", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_transports_of_both_kinds_fill_the_place(buffered: bool, surplus: bytes) -> None:
    protocol, exchange, transport = begun_exchange(LARGE)
    direct = find_direct(exchange, exchange.open_stream())
    assert direct is not None
    assert transport.reads
    task = asyncio.ensure_future(direct.read())
    await asyncio.sleep(0)
    data = BODY[10:LARGE] + surplus
    if buffered:
        read_into(protocol, data)
    else:
        for start in range(0, len(data), 100_000):
            protocol.data_received(data[start : start + 100_000])
    assert await task == BODY[:LARGE]
    assert exchange.is_done
    assert protocol.should_close is bool(surplus)


async def test_a_place_is_left_where_the_exchange_ends() -> None:
    protocol, exchange, _ = begun_exchange(LARGE)
    direct = find_direct(exchange, exchange.open_stream())
    assert direct is not None
    place = protocol.get_buffer(-1)
    assert len(place) == LARGE - 10
    exchange.abandon()
    assert len(protocol.get_buffer(-1)) == ROOM
    with pytest.raises(ClientError):
        await direct.read()


async def test_little_is_read_at_once_while_a_head_is_awaited() -> None:
    protocol = ClientProtocol(asyncio.get_running_loop())
    protocol.connection_made(Reading())
    assert len(protocol.get_buffer(-1)) == ROOM
    protocol.begin(Exchange(protocol, Pooled(), "GET", DEFAULT_READ))
    assert len(protocol.get_buffer(-1)) < ROOM
    read_into(protocol, HEAD % (LARGE, b""))
    assert len(protocol.get_buffer(-1)) == ROOM


async def test_connections_of_a_connector_share_their_room() -> None:
    async with TCPConnector() as connector:
        one, other = connector._make_protocol(), connector._make_protocol()
        one.get_buffer(-1)[:3] = b"abc"
        assert bytes(other.get_buffer(-1)[:3]) == b"abc"


async def test_several_at_once_do_not_disturb_each_other() -> None:
    async def mine(writer: asyncio.StreamWriter) -> None:
        seed = next(numbers)
        writer.write(HEAD % (500_000, b"") + bytes([seed]) * 1000)
        for _ in range(499):
            writer.write(bytes([seed]) * 1000)
            if seed % 3 == 0:
                await writer.drain()
                await asyncio.sleep(0)

    numbers = iter(range(1, 100))
    async with serving(mine) as (url, _), ClientSession() as session:

        async def read() -> set[int]:
            async with session.get(url) as response:
                body = await response.read()
                assert len(body) == 500_000
                return set(body)

        found = await asyncio.gather(*(read() for _ in range(30)))
    assert all(len(each) == 1 for each in found)
    assert len(set().union(*found)) == 30


async def half(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % (len(BODY), b"") + BODY[:HALF])
    await asyncio.sleep(60)


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[DirectBody]:
    """The large bodies that are begun."""
    begun: list[DirectBody] = []

    def find(exchange: Exchange, stream: Any) -> DirectBody | None:
        body = find_direct(exchange, stream)
        if body is not None:
            begun.append(body)
        return body

    monkeypatch.setattr(response_module, "find_direct", find)
    return begun


async def test_a_body_that_is_given_up_leaves_no_view(bodies: list[DirectBody]) -> None:
    async with serving(half) as (url, _), ClientSession() as session:
        response = await session.get(url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.read(), 0.1)
        task = asyncio.create_task(session.get(url, timeout=ClientTimeout(sock_read=0.1)))
        with pytest.raises(SocketTimeoutError):
            await (await task).read()
    assert len(bodies) == 2
    for body in bodies:
        io.BytesIO.close(body._place)  # BufferError while there is a view


def test_a_body_whose_reader_is_collected_leaves_no_view(
    bodies: list[DirectBody], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    async def main() -> None:
        async with serving(half) as (url, _), ClientSession() as session:
            response = await session.get(url)
            reading: list[Any] = [response.read()]
            reading[0].send(None)
            reading.append(reading)

    asyncio.run(main())
    gc.collect()
    assert len(bodies) == 1
    io.BytesIO.close(bodies.pop()._place)
    assert told == []


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="3.12.1 crashes, and never comes here")
def test_a_body_that_is_given_up_is_collected_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    place = _Place(bytes(1000))
    cycle: list[Any] = [place, place.getbuffer()]
    cycle.append(cycle)
    del place, cycle
    gc.collect()
    assert told == []
