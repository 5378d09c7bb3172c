"""Uploads of any size: to disk with flat memory, and nothing left of a client that vanishes."""

import asyncio
import gc
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import tercel
from tercel import web
from tercel.web.uploads import SPOOL_SIZE
from tests.live import serving
from tests.web.serving import eventually

#: Mebibytes sent; TERCEL_UPLOAD_MIB=1024 for the figure in docs/bodies.md.
MIB = int(os.environ.get("TERCEL_UPLOAD_MIB", "256"))

SERVER = """
import asyncio, resource, sys
from tercel import web

async def store(request):
    reader = await request.multipart()
    part = await reader.next()
    before = peak = None
    size = 0
    with open(sys.argv[1], "wb") as file:
        while chunk := await part.read_chunk(65536):
            size += file.write(chunk)
            if before is None and size > 2**24:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return web.json_response([part.filename, size, before, peak])

async def main():
    app = web.Application()
    app.router.add_post("/", store)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()

asyncio.run(main())
"""
HEAD = b'--b\r\nContent-Disposition: form-data; name="f"; filename="big.bin"\r\n\r\n'
TAIL = b"\r\n--b--\r\n"


@pytest.mark.slow
async def test_a_large_file_to_disk_with_flat_memory(
    tmp_path: pathlib.Path, record_property: Callable[[str, object], None]
) -> None:
    target = tmp_path / "big.bin"
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SERVER,
        str(target),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(tercel.__file__).parent.parent)},
    )
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        async with asyncio.timeout(20):
            port = int(await program.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        length = len(HEAD) + MIB * 2**20 + len(TAIL)
        writer.write(
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" % length + HEAD
        )
        piece = (b"\r\n--" + bytes(range(256)) * 4096)[: 2**20]
        for _ in range(MIB):
            writer.write(piece)
            await writer.drain()
        writer.write(TAIL)
        said = await reader.read(100_000)
        writer.close()
    finally:
        program.stdin.close()
        try:
            async with asyncio.timeout(20):
                await program.wait()
        except TimeoutError:
            program.kill()
            raise
    name, size, before, peak = __import__("json").loads(said.partition(b"\r\n\r\n")[2])
    assert (name, size) == ("big.bin", MIB * 2**20)
    assert target.stat().st_size == size
    target.unlink()
    # ru_maxrss is in KiB on Linux and in octets on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    record_property("peak", peak * unit)
    record_property("growth of the peak", (peak - before) * unit)
    print(f"peak {peak * unit / 2**20:.1f} MiB, grown by {(peak - before) * unit / 2**20:.1f} MiB")
    assert (peak - before) * unit < 2**23


def open_files() -> set[str]:
    """Files that this process has open, with or without a name."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            place = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if place.startswith("/") and not place.startswith(("/dev", "/proc")):
            found.add(f"{name} {place}")
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="no list of descriptors")
@pytest.mark.parametrize("farewell", ["abort", "close", "half"])
@pytest.mark.parametrize("way", ["multipart", "post"])
async def test_a_client_that_vanishes_half_way(
    way: str, farewell: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file stays open, no temporary file stays, no task stays, and the handler is told."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ends: list[BaseException] = []
    begun = asyncio.Event()

    async def by_parts(request: web.Request) -> None:
        part: Any = await (await request.multipart()).next()
        with (tmp_path / "upload").open("wb") as file:
            while chunk := await part.read_chunk():
                file.write(chunk)
                begun.set()

    async def handler(request: web.Request) -> web.Response:
        try:
            if way == "multipart":
                await by_parts(request)
            else:
                begun.set()
                await request.post()
        except BaseException as error:
            ends.append(error)
            raise
        return web.Response()

    app = web.Application(client_max_size=2**30)
    app.router.add_post("/", handler)
    before = open_files()
    async with serving(app) as server:
        tasks = asyncio.all_tasks()
        connection = await server.connect()
        await connection.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + HEAD
        )
        await connection.send(bytes(4 * SPOOL_SIZE))
        await begun.wait()
        await eventually(lambda: len(open_files()) > len(before))
        if farewell == "abort":
            connection.abort()
        elif farewell == "close":
            connection.writer.close()
        else:
            connection.writer.write_eof()
        await eventually(lambda: ends)
        assert isinstance(ends[0], ConnectionResetError | ValueError)
        await eventually(lambda: not server.runner.server._tasks)
        await eventually(lambda: not server.runner.server.connections)
        if farewell != "half":
            assert asyncio.all_tasks() <= tasks | {asyncio.current_task()}
    gc.collect()
    assert open_files() <= before
    assert [each.name for each in tmp_path.iterdir()] == (["upload"] if way == "multipart" else [])
