"""send_file over real sockets: whole files, parts, slow and vanishing readers, short files."""

import asyncio
import io
import os
import pathlib
import socket
from typing import Any

import pytest

from tercel.net import sendfile
from tercel.net.sendfile import send_burst, send_file

DATA = bytes(range(256)) * 4 * 1024 * 5  # 5 MiB: more than any socket buffer


class Sink(asyncio.Protocol):
    """The least that is an Exchange here: a transport, and waiting for it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.must_drain = self.closed = False
        self.by_kernel = self.by_hand = 0
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, error: BaseException | None) -> None:
        self.closed = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError("gone"))

    def pause_writing(self) -> None:
        self.must_drain = True

    def resume_writing(self) -> None:
        self.must_drain = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def drain(self) -> None:
        if self.must_drain:
            self._waiter = self.loop.create_future()
            await self._waiter

    def write(self, data: bytes) -> None:
        self.by_hand += len(data)
        self.transport.write(data)

    def note_body(self, count: int) -> None:
        self.by_kernel += count


class Pair:
    """A sink and the socket at the other end."""

    async def __aenter__(self) -> "Pair":
        here, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        loop = asyncio.get_running_loop()
        _, self.sink = await loop.create_connection(Sink, sock=here)
        return self

    async def __aexit__(self, *args: object) -> None:
        self.sink.transport.abort()
        self.peer.close()
        await asyncio.sleep(0)

    async def receive(self, count: int) -> bytes:
        loop = asyncio.get_running_loop()
        got = bytearray()
        while len(got) < count:
            piece = await loop.sock_recv(self.peer, min(2**16, count - len(got)))
            if not piece:
                break
            got += piece
        return bytes(got)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    found = tmp_path / "file"
    found.write_bytes(DATA)
    return found


@pytest.mark.parametrize(
    ("offset", "count"), [(0, len(DATA)), (1, 10), (1000, 3_000_000), (len(DATA) - 1, 1), (5, 0)]
)
async def test_parts_by_kernel(path: pathlib.Path, offset: int, count: int) -> None:
    async with Pair() as pair:
        limits = pair.sink.transport.get_write_buffer_limits()
        with path.open("rb", buffering=0) as file:
            sending = asyncio.ensure_future(send_file(pair.sink, file, offset, count))
            got = await pair.receive(count)
            await sending
        assert got == DATA[offset : offset + count]
        assert pair.sink.by_kernel + pair.sink.by_hand == count
        if count:
            assert pair.sink.by_kernel > pair.sink.by_hand
        assert pair.sink.transport.get_write_buffer_limits() == limits


async def test_what_was_written_before_comes_before(path: pathlib.Path) -> None:
    async with Pair() as pair:
        head = b"h" * 1_000_000
        pair.sink.transport.write(head)
        with path.open("rb", buffering=0) as file:
            sending = asyncio.ensure_future(send_file(pair.sink, file, 0, 1000))
            got = await pair.receive(len(head) + 1000)
            await sending
        assert got == head + DATA[:1000]


async def test_without_a_descriptor() -> None:
    async with Pair() as pair:
        sending = asyncio.ensure_future(
            send_file(pair.sink, io.BytesIO(DATA), 3, 2_000_000, chunk_size=100_000)
        )
        got = await pair.receive(2_000_000)
        await sending
        assert got == DATA[3:2_000_003]
        assert pair.sink.by_kernel == 0


async def test_a_vanished_reader_ends_it(path: pathlib.Path) -> None:
    async with Pair() as pair:
        with path.open("rb", buffering=0) as file:
            sending = asyncio.ensure_future(send_file(pair.sink, file, 0, len(DATA)))
            await pair.receive(1000)
            pair.peer.close()
            with pytest.raises(ConnectionError):
                await sending


async def test_an_aborted_connection_ends_it(path: pathlib.Path) -> None:
    async with Pair() as pair:
        with path.open("rb", buffering=0) as file:
            sending = asyncio.ensure_future(send_file(pair.sink, file, 0, len(DATA)))
            await pair.receive(1000)
            pair.sink.transport.abort()
            with pytest.raises(ConnectionError):
                await sending


@pytest.mark.parametrize("by_kernel", [True, False])
async def test_a_file_that_is_too_short(path: pathlib.Path, by_kernel: bool) -> None:
    os.truncate(path, 1000)
    async with Pair() as pair:
        with path.open("rb", buffering=0) as file:
            source: Any = file if by_kernel else io.BytesIO(file.read())
            with pytest.raises(OSError, match="shorter"):
                await send_file(pair.sink, source, 0, 1001)
        assert await pair.receive(1000) == DATA[:1000]


async def test_a_burst_is_what_the_socket_takes(path: pathlib.Path) -> None:
    async with Pair() as pair:
        limits = pair.sink.transport.get_write_buffer_limits()
        with path.open("rb", buffering=0) as file:
            assert send_burst(pair.sink, file.fileno(), 1000) == 1000
            assert await pair.receive(1000) == DATA[:1000]
            sent = send_burst(pair.sink, file.fileno(), len(DATA))
            assert 0 < sent < len(DATA)
            assert send_burst(pair.sink, file.fileno(), 1000) == 0  # it takes no more
            assert await pair.receive(sent) == DATA[:sent]
        assert pair.sink.transport.get_write_buffer_limits() == limits


async def test_no_burst_before_what_waits(path: pathlib.Path) -> None:
    async with Pair() as pair:
        head = b"h" * 1_000_000
        pair.sink.transport.write(head)
        with path.open("rb", buffering=0) as file:
            assert send_burst(pair.sink, file.fileno(), 1000) == 0
        assert await pair.receive(len(head)) == head


async def test_a_burst_to_nobody(path: pathlib.Path) -> None:
    async with Pair() as pair:
        pair.peer.close()
        with path.open("rb", buffering=0) as file:
            with pytest.raises(ConnectionError):
                send_burst(pair.sink, file.fileno(), len(DATA))
            assert pair.sink.transport.is_closing()
            assert send_burst(pair.sink, file.fileno(), 1) == 0


async def test_the_kernel_may_be_forbidden(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendfile, "_IS_ALLOWED", False)
    async with Pair() as pair:
        with path.open("rb", buffering=0) as file:
            assert send_burst(pair.sink, file.fileno(), 10) == 0
            sending = asyncio.ensure_future(send_file(pair.sink, file, 0, 300_000))
            assert await pair.receive(300_000) == DATA[:300_000]
            await sending
        assert (pair.sink.by_kernel, pair.sink.by_hand) == (0, 300_000)


@pytest.mark.parametrize("name", ["TERCEL_NOSENDFILE", "AIOHTTP_NOSENDFILE"])
def test_by_a_variable(name: str) -> None:
    import os
    import subprocess
    import sys

    code = "from tercel.net import sendfile; print(sendfile._IS_ALLOWED)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, name: "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout == "False\n"
