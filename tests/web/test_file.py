"""FileResponse on a real server: what arrives, and that no file stays open whoever leaves."""

import asyncio
import gc
import os
import pathlib
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tercel.web import file as file_module
from tercel.web.file import FileResponse
from tercel.web.server import Server
from tests.certificates import client_context, server_context

BIG = bytes(range(256)) * 4 * 1024 * 5  # 5 MiB: more than any socket buffer
Ask = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]


@pytest.fixture(autouse=True)
def no_file_stays_open() -> Any:
    """An unclosed file fails the test: FileIO warns when it is collected."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert [str(w.message) for w in caught if "unclosed file" in str(w.message)] == []


def open_descriptors() -> set[str]:
    """What descriptors of regular files are open, where the system tells."""
    found = set()
    for entry in pathlib.Path("/proc/self/fd").glob("*"):
        try:
            found.add(f"{entry.name} {entry.readlink()}")
        except OSError:
            continue
    return {line for line in found if " /tmp" in line or "/pytest-" in line}


class Site:
    """A low-level server on a free port, answering with `self.make(request)`."""

    def __init__(self) -> None:
        self.make: Callable[[Any], Any] = lambda request: None
        self.failures: list[BaseException] = []

    async def handle(self, request: Any) -> Any:
        return self.make(request)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await self.connect()
        lines = [f"{method} / HTTP/1.1", "Host: a", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        data = await reader.read()
        writer.close()
        await writer.wait_closed()
        head, _, body = data.partition(b"\r\n\r\n")
        first, *fields = head.decode().split("\r\n")
        return (
            int(first.split()[1]),
            {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)},
            body,
        )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    server = Server(lambda request: made.handle(request), access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield made
    listening.close()
    await server.shutdown(1.0)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    found = tmp_path / "a.txt"
    found.write_bytes(b"hello" * 10)
    os.utime(found, (1_700_000_000, 1_700_000_000))
    return found


async def test_a_small_file(site: Site, path: pathlib.Path) -> None:
    site.make = lambda request: FileResponse(path)
    status, headers, body = await site.ask()
    assert (status, body) == (200, b"hello" * 10)
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["content-length"] == "50"
    assert headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"].startswith('"')
    assert "transfer-encoding" not in headers


async def test_head_and_empty(site: Site, path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    site.make = lambda request: FileResponse(str(path))
    status, headers, body = await site.ask("HEAD")
    assert (status, headers["content-length"], body) == (200, "50", b"")
    empty = tmp_path / "empty.html"
    empty.touch()
    site.make = lambda request: FileResponse(empty)
    status, headers, body = await site.ask()
    assert (status, headers["content-length"], body) == (200, "0", b"")
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, len(BIG)])
async def test_sizes(site: Site, tmp_path: pathlib.Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG[:size])
    site.make = lambda request: FileResponse(path)
    status, headers, body = await site.ask()
    assert (status, headers["content-length"]) == (200, str(size))
    assert body == BIG[:size]
    start = size // 2
    status, headers, body = await site.ask(Range=f"bytes={start}-")
    assert (status, headers["content-range"]) == (206, f"bytes {start}-{size - 1}/{size}")
    assert body == BIG[start:size]


async def test_two_on_one_connection(site: Site, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)
    site.make = lambda request: FileResponse(path)
    reader, writer = await site.connect()
    for _ in range(2):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(BIG)) == BIG
    writer.close()


async def test_over_tls(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)

    async def handle(request: Any) -> FileResponse:
        return FileResponse(path, chunk_size=100_000)

    server = Server(handle, access_log=None)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(server, "127.0.0.1", 0, ssl=server_context())
    port = listening.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(), server_hostname="localhost"
    )
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(len(BIG)) == BIG
    writer.close()
    listening.close()
    await server.shutdown(1.0)


async def test_conditions(site: Site, path: pathlib.Path) -> None:
    site.make = lambda request: FileResponse(path)
    _, headers, _ = await site.ask()
    status, found, body = await site.ask(If_None_Match=headers["etag"])
    assert (status, body) == (304, b"")
    assert found["etag"] == headers["etag"]
    assert "content-length" not in found
    assert "content-type" not in found
    status, found, body = await site.ask(If_Match='"x"')
    assert (status, found["content-length"], body) == (412, "0", b"")
    status, found, body = await site.ask(Range="bytes=50-")
    assert (status, found["content-range"], body) == (416, "bytes */50", b"")


async def test_own_status_and_headers(site: Site, path: pathlib.Path) -> None:
    site.make = lambda request: FileResponse(
        path, status=404, reason="Gone Fishing", headers={"Content-Type": "text/x", "X-A": "b"}
    )
    status, headers, body = await site.ask(Range="bytes=0-1")
    assert (status, headers["content-type"], headers["x-a"]) == (404, "text/x", "b")
    assert body == b"hello" * 10


async def test_chunked_and_compressed(site: Site, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG[:200_000])

    def make_chunked(request: Any) -> FileResponse:
        response = FileResponse(path, chunk_size=65536)
        response.enable_chunked_encoding()
        return response

    site.make = make_chunked
    status, headers, body = await site.ask()
    assert (status, headers["transfer-encoding"]) == (200, "chunked")
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        pieces.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    assert b"".join(pieces) == BIG[:200_000]

    def make_compressed(request: Any) -> FileResponse:
        response = FileResponse(path)
        response.enable_compression()
        return response

    site.make = make_compressed
    status, headers, body = await site.ask(Accept_Encoding="gzip", Range="bytes=0-1")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert headers["etag"].startswith("W/")
    assert "content-length" not in headers


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("br;q=0.1, gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip;q=0", None),
    ],
)
async def test_siblings(
    site: Site, path: pathlib.Path, accepted: str | None, coding: str | None
) -> None:
    for name, suffix in (("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz")):
        pathlib.Path(f"{path}{suffix}").write_bytes(name.encode())
    site.make = lambda request: FileResponse(path, headers={"Vary": "X"})
    status, headers, body = await site.ask(**{"Accept_Encoding": accepted} if accepted else {})
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert headers.get("content-encoding") == coding
    assert headers["vary"] == "X, Accept-Encoding"
    assert body == (coding.encode() if coding else b"hello" * 10)
    assert headers["content-length"] == str(len(body))


async def test_a_sibling_that_is_a_link_or_alone_is_not_sent(
    site: Site, path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    pathlib.Path(f"{path}.gz").symlink_to(tmp_path / "secret")
    pathlib.Path(f"{path}.br").mkdir()
    site.make = lambda request: FileResponse(path)
    status, headers, body = await site.ask(Accept_Encoding="gzip, br")
    assert (status, body) == (200, b"hello" * 10)
    assert "content-encoding" not in headers
    (tmp_path / "b.txt.gz").write_bytes(b"alone")
    site.make = lambda request: FileResponse(tmp_path / "b.txt")
    assert (await site.ask(Accept_Encoding="gzip"))[0] == 404


@pytest.mark.parametrize(
    ("kind", "status"),
    [("missing", 404), ("under a file", 404), ("nul", 404), ("directory", 403), ("pipe", 403)],
)
async def test_what_is_no_file(
    site: Site, path: pathlib.Path, tmp_path: pathlib.Path, kind: str, status: int
) -> None:
    target = {
        "missing": str(tmp_path / "missing"),
        "under a file": str(path / "x"),
        "nul": str(path) + "\0",
        "directory": str(tmp_path),
        "pipe": str(tmp_path / "pipe"),
    }[kind]
    if kind == "pipe":
        os.mkfifo(target)
    site.make = lambda request: FileResponse(target)
    found, headers, body = await site.ask()
    assert (found, headers["content-length"], body) == (status, "0", b"")
    assert "content-type" not in headers


@pytest.mark.parametrize("by_handler", [False, True])
async def test_a_client_that_leaves_in_mid_body(
    site: Site, tmp_path: pathlib.Path, by_handler: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)
    done = asyncio.Event()

    class Response(FileResponse):
        async def prepare(self, request: Any) -> Any:
            try:
                return await super().prepare(request)
            finally:
                done.set()

    async def handle(request: Any) -> Any:
        response = Response(path)
        if by_handler:
            await response.prepare(request)
        return response

    site.handle = handle  # type: ignore[method-assign]
    before = open_descriptors()
    for linger in (b"\1\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\0"):
        done.clear()
        reader, writer = await site.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readexactly(1000)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await done.wait()
        await asyncio.sleep(0)
    assert open_descriptors() <= before
    assert "Error handling request" not in caplog.text


async def test_a_slow_reader_holds_no_memory_of_the_file(
    site: Site, tmp_path: pathlib.Path
) -> None:
    """What is sent waits in the file: the transport holds next to nothing of it."""
    path = tmp_path / "file"
    path.write_bytes(BIG)
    transports = []

    def make(request: Any) -> FileResponse:
        transports.append(request.transport)
        return FileResponse(path)

    site.make = make
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=4096)  # type: ignore[attr-defined]
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    most = got = 0
    while got < len(BIG):
        piece = await reader.read(65536)
        assert piece == BIG[got : got + len(piece)]
        got += len(piece)
        most = max(most, transports[0].get_write_buffer_size())
        await asyncio.sleep(0)
    assert most <= 64 * 1024
    writer.close()
    assert open_descriptors() == set() or str(path) not in str(open_descriptors())


async def test_a_task_cancelled_while_the_file_is_opened(
    site: Site, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    path = tmp_path / "file"
    path.write_bytes(BIG)
    loop = asyncio.get_running_loop()
    began, go_on = asyncio.Event(), threading.Event()
    left = threading.Event()
    store_file = file_module.store_file

    def store_slowly(*arguments: Any, **options: Any) -> Any:
        loop.call_soon_threadsafe(began.set)
        go_on.wait(20)
        try:
            return store_file(*arguments, **options)
        finally:
            left.set()

    monkeypatch.setattr(file_module, "store_file", store_slowly)

    class Request:
        method = "GET"
        headers: dict[str, str] = {}

    before = open_descriptors()
    task = asyncio.ensure_future(FileResponse(path).prepare(Request()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await loop.run_in_executor(None, left.wait, 20)
    assert open_descriptors() <= before


async def test_a_file_that_shrinks_closes_the_connection(
    site: Site, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)
    site.make = lambda request: FileResponse(path)
    reader, writer = await site.connect()
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    os.truncate(path, 10)
    try:
        rest = await reader.read(-1)
    except ConnectionResetError:
        rest = b""
    assert len(rest) < len(BIG)
    writer.close()
    assert "shorter" in caplog.text
