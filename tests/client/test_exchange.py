"""Exchanges on real sockets: what servers do wrong, early, late or not at all (families 30-34)."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

import tercel
from tercel import ClientSession, ClientTimeout
from tests.client.peer import (
    Peer,
    Play,
    answer,
    read_head,
    read_request,
    scripted,
    serving_peer,
)


def open_connections(session: ClientSession) -> int:
    assert session.connector is not None
    return session.connector.stats().open


def idle_connections(session: ClientSession) -> int:
    assert session.connector is not None
    return session.connector.stats().idle


def saying(*pieces: bytes, end: bool = True) -> Play:
    """Answer a request with the pieces, one by one; then close, or wait for the next one."""

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader) is not None:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)
            if end:
                return

    return play


BROKEN_HEADS = [
    b"nonsense\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 103 Early\r\n\r\n" * 40,
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
]


@pytest.mark.parametrize("head", BROKEN_HEADS, ids=range(len(BROKEN_HEADS)))
async def test_broken_heads(head: bytes) -> None:
    async with serving_peer(saying(head, end=False)) as peer, ClientSession() as session:
        with pytest.raises(tercel.ClientResponseError) as caught:
            await session.get(peer.url)
        assert caught.value.message
        assert open_connections(session) == 0


async def test_limits_can_be_raised() -> None:
    head = b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000 + b"\r\nContent-Length: 0\r\n\r\n"
    async with serving_peer(saying(head)) as peer, ClientSession() as session:
        async with session.get(peer.url, max_field_size=10_000) as response:
            assert len(response.headers["X"]) == 9000


BROKEN_BODIES = [
    (b"Content-Length: 10\r\n\r\nabc",),
    (b"Transfer-Encoding: chunked\r\n\r\n3\r\nab", b"c\r\n"),
    (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",),
    (b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",),
    (b"Content-Length: 5\r\nContent-Encoding: gzip\r\n\r\nabcde",),
    (b"Content-Length: 10\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc")[:10],),
]


@pytest.mark.parametrize("pieces", BROKEN_BODIES, ids=range(len(BROKEN_BODIES)))
async def test_broken_bodies(pieces: tuple[bytes, ...]) -> None:
    said = (b"HTTP/1.1 200 OK\r\n" + pieces[0], *pieces[1:])
    async with serving_peer(saying(*said)) as peer, ClientSession() as session:
        response = await session.get(peer.url)
        assert response.status == 200
        with pytest.raises(tercel.ClientPayloadError):
            await response.read()
        assert open_connections(session) == 0


async def test_body_until_close() -> None:
    async with serving_peer(saying(b"HTTP/1.1 200 OK\r\n\r\nab", b"cd")) as peer:
        async with ClientSession() as session:
            async with session.get(peer.url) as response:
                assert await response.read() == b"abcd"
            async with session.get(peer.url, read_until_eof=False) as response:
                assert await response.read() == b""
            assert open_connections(session) == 0


async def test_server_closes_before_it_answers() -> None:
    async with serving_peer(saying()) as peer, ClientSession() as session:
        with pytest.raises(tercel.ServerDisconnectedError):
            await session.get(peer.url)
        assert open_connections(session) == 0


async def test_interim_answers_are_skipped() -> None:
    said = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + answer(
        200, b"ok"
    )
    async with serving_peer(saying(said, end=False)) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert response.status == 200
            assert await response.read() == b"ok"


BODILESS = [
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Encoding: gzip\r\n\r\n"),
]


@pytest.mark.parametrize(("method", "head"), BODILESS, ids=range(len(BODILESS)))
async def test_answers_without_body(method: str, head: bytes) -> None:
    async with serving_peer(scripted(head)) as peer, ClientSession() as session:
        for _ in range(2):
            async with session.request(method, peer.url) as response:
                assert await response.read() == b""
                assert await response.content.read() == b""
        assert peer.connections == 1


async def test_surplus_octets_close_the_connection() -> None:
    async with serving_peer(scripted(answer(200, b"ok") + b"HTTP/1.1 200 OK\r\n")) as peer:
        async with ClientSession() as session:
            for _ in range(2):
                async with session.get(peer.url) as response:
                    assert await response.read() == b"ok"
            assert peer.connections == 2


async def test_connection_close_is_heeded() -> None:
    async with serving_peer(scripted(answer(200, b"ok", ("Connection", "close")))) as peer:
        async with ClientSession() as session:
            for _ in range(2):
                await (await session.get(peer.url)).read()
            assert peer.connections == 2


async def test_unread_body_closes_the_connection() -> None:
    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
            assert await reader.read() == b""

    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            pass
        assert response.closed
        assert open_connections(session) == 0
        with pytest.raises(tercel.ClientConnectionError):
            await response.read()


async def test_forgotten_answer_gives_its_connection_up() -> None:
    async with serving_peer(
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", end=False)
    ) as peer:
        async with ClientSession() as session:
            response = await session.get(peer.url)
            assert open_connections(session) == 1
            del response
            assert open_connections(session) == 0


# --- stale connections ---------------------------------------------------------------------------


def closing_after_one() -> Play:
    """Every connection answers one request and closes when the second comes."""

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader):
            writer.write(answer(200, b"ok"))
        await read_head(reader)

    return play


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_stale_connection_is_retried(method: str) -> None:
    async with serving_peer(closing_after_one()) as peer, ClientSession() as session:
        for _ in range(3):
            async with session.request(method, peer.url) as response:
                assert await response.read() == b"ok"
        assert peer.connections == 3


@pytest.mark.parametrize(("method", "retries"), [("POST", True), ("PATCH", True), ("GET", False)])
async def test_stale_connection_is_not_retried(method: str, retries: bool) -> None:
    async with serving_peer(closing_after_one()) as peer:
        async with ClientSession(retry_stale=retries) as session:
            await (await session.request(method, peer.url)).read()
            with pytest.raises(tercel.ServerDisconnectedError):
                await session.request(method, peer.url)


async def test_a_fresh_connection_is_not_retried() -> None:
    async with serving_peer(saying()) as peer, ClientSession() as session:
        with pytest.raises(tercel.ServerDisconnectedError):
            await session.get(peer.url)
        assert peer.connections == 1


async def test_a_consumed_body_is_not_retried() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"

    async with serving_peer(closing_after_one()) as peer, ClientSession() as session:
        await (await session.get(peer.url)).read()
        with pytest.raises(tercel.ClientError):
            await session.put(peer.url, data=pieces())
        assert peer.connections == 1


# --- timeouts and cancellation -------------------------------------------------------------------


def silent() -> Play:
    return saying(end=False)


def stalling() -> Play:
    return saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", end=False)


async def test_total_timeout_before_the_answer() -> None:
    async with serving_peer(silent()) as peer, ClientSession() as session:
        with pytest.raises(TimeoutError):
            await session.get(peer.url, timeout=0.05)
        assert open_connections(session) == 0


async def test_total_timeout_while_reading() -> None:
    async with serving_peer(stalling()) as peer:
        async with ClientSession(timeout=ClientTimeout(total=0.05)) as session:
            response = await session.get(peer.url)
            with pytest.raises(TimeoutError):
                await response.read()
            assert open_connections(session) == 0


@pytest.mark.parametrize("play", [silent, stalling])
async def test_sock_read_timeout(play: Callable[[], Play]) -> None:
    async with serving_peer(play()) as peer, ClientSession() as session:
        with pytest.raises(tercel.SocketTimeoutError):
            async with session.get(peer.url, timeout=ClientTimeout(sock_read=0.05)) as response:
                await response.read()
        assert open_connections(session) == 0


async def test_sock_read_counts_from_the_last_piece() -> None:
    pieces = [b"x"] * 10

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            for piece in pieces:
                await asyncio.sleep(0.05)
                writer.write(piece)
            await reader.read()

    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.get(peer.url, timeout=ClientTimeout(sock_read=0.3)) as response:
            assert await response.read() == b"x" * 10


@pytest.mark.parametrize("play", [silent, stalling])
async def test_asyncio_timeout_around_it(play: Callable[[], Play]) -> None:
    async with serving_peer(play()) as peer, ClientSession() as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                async with session.get(peer.url) as response:
                    await response.read()
        assert open_connections(session) == 0


async def test_cancellation_at_every_step() -> None:
    """Cancel a streamed POST after 0, 1, 2, ... turns of the loop: nothing may stay behind."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield b"x" * 10

    async def ask(session: ClientSession, url: str) -> bytes:
        async with session.post(url, data=pieces()) as response:
            return await response.read()

    said = (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", b"def")
    async with serving_peer(saying(*said, end=False)) as peer, ClientSession() as session:
        before = asyncio.all_tasks()
        done = False
        turns = 0
        while not done:
            task = asyncio.create_task(ask(session, peer.url))
            for _ in range(turns):
                if not task.done():
                    await asyncio.sleep(0 if turns < 40 else 0.001)
            task.cancel()
            try:
                assert await task == b"abcdef"
                done = True
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                assert open_connections(session) == idle_connections(session)
            turns += 1
            assert turns < 500
            left = {each.get_coro().__qualname__ for each in asyncio.all_tasks() - before}
            assert not left & {"_upload", ask.__qualname__}
        assert turns > 5


# --- early answers and uploads -------------------------------------------------------------------


async def test_early_refusal_ends_the_upload() -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536
            await asyncio.sleep(0)

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(answer(413, b"too much"))
        while await reader.read(65_536):
            pass

    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.post(peer.url, data=pieces()) as response:
            assert response.status == 413
            assert await response.read() == b"too much"
        assert open_connections(session) == 0
        stopped_at = sent
        await asyncio.sleep(0.02)
        assert sent == stopped_at


async def test_early_answer_lets_the_upload_end() -> None:
    gate = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await gate.wait()
        yield b"last"

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        assert head is not None
        writer.write(answer(200, b"early"))
        await reader.readuntil(b"0\r\n\r\n")
        if await read_request(reader):
            writer.write(answer(200, b"again"))

    async with serving_peer(play) as peer, ClientSession() as session:
        tracker = tercel.UploadTracker()
        response = await session.post(peer.url, data=pieces(), upload_tracker=tracker)
        assert await response.read() == b"early"
        assert not tracker.upload_complete.done()
        gate.set()
        await tracker.upload_complete
        assert tracker.bytes_written == 9
        await (await session.get(peer.url)).read()
        assert peer.connections == 1


async def test_body_that_raises() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"
        raise LookupError("no more")

    async with serving_peer(silent()) as peer, ClientSession() as session:
        with pytest.raises(tercel.ClientConnectionError) as caught:
            await session.post(peer.url, data=pieces())
        assert isinstance(caught.value.__cause__, LookupError)
        assert open_connections(session) == 0


async def test_body_shorter_than_announced() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"abc"

    async with serving_peer(silent()) as peer, ClientSession() as session:
        with pytest.raises(tercel.ClientPayloadError):
            await session.post(peer.url, data=pieces(), headers={"Content-Length": "10"})
        assert open_connections(session) == 0


async def test_back_pressure_on_uploads() -> None:
    sent = 0
    gate = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 65_536
            yield b"x" * 65_536

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await gate.wait()

    async with serving_peer(play) as peer, ClientSession() as session:
        task = asyncio.create_task(session.post(peer.url, data=pieces()))
        before = -1
        while before != sent or not sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 20_000_000
        gate.set()
        with pytest.raises(tercel.ClientError):
            await task


async def test_upload_tracker() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        tracker = tercel.UploadTracker()
        await session.post(peer.url, data=b"x" * 500_000, upload_tracker=tracker)
        await tracker.upload_complete
        assert (tracker.bytes_written, tracker.attempts) == (500_000, 1)
        with pytest.raises(RuntimeError):
            await session.post(peer.url, data=b"x", upload_tracker=tracker)


async def test_upload_tracker_over_a_redirect() -> None:
    script = scripted(answer(307, b"", ("Location", "/b")), answer(200))
    async with serving_peer(script) as peer, ClientSession() as session:
        tracker = tercel.UploadTracker()
        settled: list[int] = []
        tracker.upload_complete.add_done_callback(lambda _: settled.append(tracker.attempts))
        await session.post(peer.url, data=b"x" * 100, upload_tracker=tracker)
        await tracker.upload_complete
        await asyncio.sleep(0)
        assert (tracker.bytes_written, tracker.attempts, settled) == (100, 2, [2])


async def test_upload_tracker_of_a_request_that_is_not_sent() -> None:
    async with serving_peer(scripted(answer(200))) as peer, ClientSession() as session:
        said = await session.get(peer.url)

        async def replay(
            request: tercel.ClientRequest, handler: tercel.ClientHandlerType
        ) -> tercel.ClientResponse:
            return said

        tracker = tercel.UploadTracker()
        await session.post(peer.url, data=b"x", upload_tracker=tracker, middlewares=(replay,))
        with pytest.raises(tercel.UploadAbortedError):
            await tracker.upload_complete


async def test_upload_tracker_of_a_cancelled_request() -> None:
    async with serving_peer(silent()) as peer, ClientSession() as session:
        tracker = tercel.UploadTracker()

        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await session.post(peer.url, data=pieces(), upload_tracker=tracker, timeout=0.05)
        with pytest.raises(tercel.UploadAbortedError):
            await tracker.upload_complete


async def test_upload_tracker_of_a_failed_request() -> None:
    async with ClientSession() as session:
        tracker = tercel.UploadTracker()
        with pytest.raises(tercel.ClientConnectorError):
            await session.post("http://127.0.0.1:1/", data=b"x", upload_tracker=tracker)
        with pytest.raises(tercel.UploadAbortedError):
            await tracker.upload_complete


# --- bodies in -----------------------------------------------------------------------------------


async def test_chunks_keep_their_bounds() -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    for pieces in ((said,), tuple(said[i : i + 7] for i in range(0, len(said), 7))):
        async with serving_peer(saying(*pieces, end=False)) as peer, ClientSession() as session:
            async with session.get(peer.url) as response:
                chunks: list[bytes] = [b""]
                async for data, end in response.content.iter_chunks():
                    chunks[-1] += data
                    if end:
                        chunks.append(b"")
                assert chunks == [b"abc", b"de", b""]


CODINGS = [
    ("gzip", partial(gzip.compress, mtime=0)),
    ("deflate", zlib.compress),
    ("deflate", lambda data: zlib.compress(data, wbits=-15)),
]


@pytest.mark.parametrize(("coding", "encode"), CODINGS, ids=["gzip", "zlib", "raw"])
async def test_codings(coding: str, encode: Any) -> None:
    plain = b"line of text\n" * 50_000
    said = answer(200, encode(plain), ("Content-Encoding", coding))
    pieces = [said[i : i + 1500] for i in range(0, len(said), 1500)]
    async with serving_peer(saying(*pieces, end=False)) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            assert await response.read() == plain
        async with session.get(peer.url) as response:
            got = b""
            async for piece in response.content.iter_chunked(999):
                got += piece
            assert got == plain
        async with session.get(peer.url, auto_decompress=False) as response:
            assert await response.read() == encode(plain)


async def test_bomb_is_inflated_as_it_is_read() -> None:
    size = 200 * 2**20
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(squeezer.compress(bytes(2**20)) for _ in range(200)) + squeezer.flush()
    said = answer(200, bomb, ("Content-Encoding", "gzip"))
    async with serving_peer(scripted(said)) as peer, ClientSession(max_inflation=None) as session:
        async with session.get(peer.url, read_bufsize=65_536) as response:
            await asyncio.sleep(0.05)
            stream = response.content
            most = total = 0
            async for piece in stream.iter_any():
                total += len(piece)
                most = max(most, len(piece), stream._size)
            assert total == size
            assert most < 2**20
        await asyncio.sleep(0)
        assert idle_connections(session) == 1


async def test_back_pressure_on_downloads() -> None:
    written = 0

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()
            written += 100_000

    async with serving_peer(play) as peer, ClientSession() as session:
        async with session.get(peer.url) as response:
            before = -1
            while before != written or not written:
                before = written
                await asyncio.sleep(0.1)
            assert written < 20_000_000
            assert response.content._size < 2_000_000
            assert await response.content.readexactly(30_000_000)
            assert written > 20_000_000


async def test_upgrade_hands_over_the_transport() -> None:
    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello")
        await reader.read()

    async def ask(
        request: tercel.ClientRequest, handler: tercel.ClientHandlerType
    ) -> tercel.ClientResponse:
        request.allows_upgrade = True
        return await handler(request)

    async with serving_peer(play) as peer, ClientSession(middlewares=(ask,)) as session:
        fields = {"Connection": "upgrade", "Upgrade": "echo"}
        response = await session.get(peer.url, headers=fields)
        assert response.status == 101
        assert response._exchange is not None
        transport, rest = response._exchange.upgrade()
        assert rest == b"hello"
        assert not transport.is_closing()
        response.close()
        assert open_connections(session) == 0
