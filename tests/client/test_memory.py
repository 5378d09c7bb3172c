"""Memory stays flat however large the bodies are."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tercel
from tests.client.peer import Peer, answer, read_head, read_request, serving_peer

GIB = 2**30

DOWNLOAD = """
import asyncio, resource, sys
import tercel

async def main():
    async with tercel.ClientSession() as session:
        async with session.get(sys.argv[1]) as response:
            await response.content.readany()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            total = 0
            async for piece in response.content.iter_any():
                total += len(piece)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(total, after - before)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_download_of_a_gibibyte(
    framing: str, record_property: Callable[[str, object], None]
) -> None:
    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await read_request(reader):
            if framing == "length":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
                piece = bytes(2**20)
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                piece = (b"10000\r\n" + bytes(2**16) + b"\r\n") * 16
            for _ in range(1024):
                writer.write(piece)
                await writer.drain()
            if framing == "chunked":
                writer.write(b"0\r\n\r\n")
            await reader.read()

    async with serving_peer(play) as peer:
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            DOWNLOAD,
            peer.url,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(Path(tercel.__file__).parent.parent)},
        )
        out, _ = await program.communicate()
    total, growth = map(int, out.split())
    assert total > GIB - 2**22
    record_property("growth of the peak", growth)
    # ru_maxrss is in KiB on Linux and in octets on macOS.
    assert growth * (1 if sys.platform == "darwin" else 1024) < 2**25


async def test_upload_of_a_file_larger_than_the_buffers(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    received = 0

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        asked = await read_head(reader)
        if asked is None:
            return
        while received < int(asked.get("Content-Length") or 0):
            received += len(await reader.read(2**20))
        writer.write(answer(200))
        await read_head(reader)

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with session.put(peer.url, data=path.open("rb")) as response:
            assert response.status == 200
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert received == 200 * 2**20
        assert growth * (1 if sys.platform == "darwin" else 1024) < 100 * 2**20
