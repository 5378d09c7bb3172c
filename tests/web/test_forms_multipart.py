"""Multipart forms over real sockets: fields, files on disk, limits, and what is left behind."""

import asyncio
import gc
import os
import tempfile
import tracemalloc
from typing import Any

import pytest

from tercel import web
from tercel.web import uploads
from tests.live import serving

TYPE = [("Content-Type", "multipart/form-data; boundary=b")]
FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
END = b"--b--\r\n"
LARGE = uploads.SPOOL_SIZE + 1


def app_of(handler: Any, **options: Any) -> web.Application:
    app = web.Application(**options)
    app.router.add_post("/", handler)
    return app


async def tell(request: web.Request) -> web.Response:
    form = await request.post()
    assert form is await request.post()
    lines = []
    for name, value in form.items():
        if isinstance(value, web.FileField):
            data = value.file.read()
            value = f"{value.filename} {value.content_type} {len(data)} {data[:5]!r}"
        lines.append(f"{name}: {value}")
    return web.Response(text="\n".join(lines))


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every temporary file that was opened."""
    opened: list[Any] = []
    make = tempfile.TemporaryFile

    def keep(*args: Any, **kwargs: Any) -> Any:
        opened.append(make(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", keep)
    return opened


def all_closed(files: list[Any]) -> bool:
    gc.collect()
    return all(file.closed for file in files)


async def test_fields_and_files(files: list[Any]) -> None:
    body = (
        FIELD % (b"a", "é".encode())
        + FIELD % (b"a", b"2")
        + FILE % (b"f", b"x.txt", b"hello")
        + FILE % (b"g", "é.bin".encode(), b"x" * LARGE)
        + FILE % (b"h", b"", b"")
        + END
    )
    async with serving(app_of(tell, client_max_size=2**20)) as server:
        answer = await server.post("/", body, TYPE)
    octets = "application/octet-stream"
    assert answer.text.split("\n") == [
        "a: é",
        "a: 2",
        f"f: x.txt {octets} 5 b'hello'",
        f"g: é.bin {octets} {LARGE} b'xxxxx'",
        "h: ",
    ]
    assert len(files) == 1
    assert all_closed(files)


BAD: dict[str, tuple[int, bytes]] = {
    "cut off": (400, FIELD % (b"a", b"1")),
    "no delimiter": (400, b"hello"),
    "no name": (400, b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + END),
    "no disposition": (400, b"--b\r\n\r\n1\r\n" + END),
    "no text": (400, FIELD % (b"a", b"\xff") + END),
    "nested": (
        400,
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n" + END,
    ),
    "bad base64": (
        400,
        b'--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nabcde\r\n" + END,
    ),
    "unknown coding": (
        400,
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
        b"Content-Transfer-Encoding: zip\r\n\r\nabcde\r\n" + END,
    ),
    "too many fields": (413, FIELD % (b"a", b"1") * 11 + END),
    "too large": (413, FILE % (b"a", b"a", b"x" * 600_000) + END),
    "too large a field": (413, FIELD % (b"a", b"x" * 600_000) + END),
    "too large an epilogue": (413, FIELD % (b"a", b"1") + END + b"x" * 600_000),
    "too many head fields": (400, b"--b\r\n" + b"A: 1\r\n" * 129 + b"\r\n\r\n" + END),
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("case", BAD)
async def test_refused(case: str, chunked: bool, files: list[Any]) -> None:
    status, body = BAD[case]
    body = FILE % (b"first", b"first", b"x" * LARGE) + body
    headers = TYPE
    if chunked:
        headers = [*TYPE, ("Transfer-Encoding", "chunked")]
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    app = app_of(tell, client_max_fields=11, client_max_size=500_000)
    async with serving(app) as server:
        answer = await server.post("/", body, headers)
    assert answer.status == status
    assert all_closed(files)


async def test_limits_are_reached_without_refusal() -> None:
    body = FIELD % (b"a", b"1") * 11 + END
    app = app_of(tell, client_max_fields=11, client_max_size=len(body))
    async with serving(app) as server:
        assert (await server.post("/", body, TYPE)).status == 200


async def test_no_limits() -> None:
    body = FIELD % (b"a", b"1") * 2000 + FIELD % (b"b", b"x" * 2**21) + END
    async with serving(app_of(tell, client_max_fields=0, client_max_size=0)) as server:
        assert (await server.post("/", body, TYPE)).status == 200


async def test_a_peer_that_leaves(files: list[Any]) -> None:
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        try:
            return await tell(request)
        finally:
            ended.set()

    body = FILE % (b"a", b"a", b"x" * LARGE)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\nContent-Type: "
    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        await connection.send(head + TYPE[0][1].encode() + b"\r\n\r\n" + body)
        while not files:
            await asyncio.sleep(0.01)
        connection.abort()
        await ended.wait()
        await asyncio.sleep(0)
    assert len(files) == 1
    assert all_closed(files)


@pytest.mark.parametrize("outcome", ["error", "cancelled"])
async def test_files_of_a_handler_that_fails(outcome: str, files: list[Any]) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.post()
        if outcome == "cancelled":
            raise asyncio.CancelledError
        raise web.HTTPConflict

    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        body = FILE % (b"a", b"a", b"x" * LARGE) + END
        head = f"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}"
        await connection.send(f"{head}\r\nContent-Type: {TYPE[0][1]}\r\n\r\n".encode() + body)
        await connection.receive_raw()
    assert len(files) == 1
    assert all_closed(files)


async def test_multipart_reads_up_to_the_size_limit() -> None:
    async def handler(request: web.Request) -> web.Response:
        part = await (await request.multipart()).next()
        return web.Response(text=str(len(await part.read())))

    async with serving(app_of(handler, client_max_size=1000)) as server:
        assert (await server.post("/", FIELD % (b"a", b"x" * 1000) + END, TYPE)).text == "1000"
        answer = await server.post("/", FIELD % (b"a", b"x" * 1001) + END, TYPE)
        assert answer.status == 413
        assert (await server.post("/", b"hello", TYPE)).status == 400
        assert (await server.post("/", b"hello", [("Content-Type", "text/plain")])).status == 400


async def test_64_mib_with_flat_memory(tmp_path: Any) -> None:
    path = tmp_path / "upload"
    size = 64 * 2**20
    peak = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal peak
        tracemalloc.start()
        try:
            part = await (await request.multipart()).next()
            with path.open("wb") as file:
                while chunk := await part.read_chunk(65_536):
                    file.write(chunk)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        return web.Response(text=str(os.path.getsize(path)))

    head, tail = b"--b\r\n\r\n", b"\r\n--b--\r\n"
    total = len(head) + size + len(tail)
    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        await connection.send(
            f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\n"
            f"Content-Type: {TYPE[0][1]}\r\n\r\n".encode()
            + head
        )
        piece = bytes(2**18)
        for _ in range(size // len(piece)):
            await connection.send(piece)
        await connection.send(tail)
        answer = await connection.receive("POST")
    assert answer.text == str(size)
    assert peak < 4 * 2**20
