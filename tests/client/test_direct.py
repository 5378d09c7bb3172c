"""Large bodies that are wanted whole: every way in which they come, and in which they don't."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tercel import ClientPayloadError, ClientSession, ClientTimeout, SocketTimeoutError
from tercel.client import response as response_module
from tercel.client.direct import DirectBody
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
