"""Family 34, the client: whoever is slow slows down the other end, and memory stays flat."""

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import tercel
from tests.certificates import client_context, server_context
from tests.client.peer import Peer, Play, read_head, serving_peer

PIECE = b"x" * 65_536
#: Pieces that a sender without limits would send; far more than all sockets' buffers hold.
PIECES = 1_600
#: What may be on the way: buffers of the kernel (two sockets), of the transport, of the reader.
ON_THE_WAY = 40_000_000


def sending(form: str, sent: list[int]) -> Play:
    """Answer with a long body, noting what the socket took; end when nothing goes on."""

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        packer = zlib.compressobj(0, zlib.DEFLATED, 31)  # gzip that takes nothing away
        head = b"HTTP/1.1 200 OK\r\n"
        if form in ("chunked", "gzip"):
            head += b"Transfer-Encoding: chunked\r\n"
        if form == "gzip":
            head += b"Content-Encoding: gzip\r\n"
        if form == "length":
            head += b"Content-Length: %d\r\n" % (len(PIECE) * PIECES)
        writer.write(head + b"\r\n")
        for _ in range(PIECES):
            piece = PIECE
            if form == "gzip":
                piece = packer.compress(PIECE)
            if form in ("chunked", "gzip"):
                piece = b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
            writer.write(piece)
            await writer.drain()
            sent[0] += len(piece)
        if form == "gzip":
            piece = packer.flush()
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if form in ("chunked", "gzip"):
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    return play


async def settle(sent: list[int]) -> int:
    """What was sent once it grows no more."""
    seen = -1
    for _ in range(100):
        if sent[0] == seen:
            return seen
        seen = sent[0]
        await asyncio.sleep(0.1)
    raise AssertionError("the sender never waits")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("form", ["length", "chunked", "gzip", "close"])
async def test_a_reader_that_stops_stops_the_server(form: str, tls: bool) -> None:
    sent = [0]
    ssl = server_context() if tls else None
    async with serving_peer(sending(form, sent), ssl) as peer, tercel.ClientSession() as session:
        url = f"https://localhost:{peer.port}/" if tls else peer.url
        async with session.get(url, ssl=client_context()) as response:
            first = await response.content.readexactly(10)
            assert first == b"x" * 10
            assert await settle(sent) < ON_THE_WAY
            size = len(first)
            async for piece in response.content.iter_any():
                size += len(piece)
            assert size == len(PIECE) * PIECES


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("form", ["chunked", "length", "compress"])
async def test_a_server_that_reads_no_more_stops_the_upload(form: str, tls: bool) -> None:
    sent = [0]
    go_on = asyncio.Event()
    taken = [0]

    async def play(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await go_on.wait()
        while data := await reader.read(2**20):
            taken[0] += len(data)

    async def pieces() -> AsyncIterator[bytes]:
        noise = os.urandom(len(PIECE))  # nothing can be compressed in it
        for _ in range(PIECES):
            sent[0] += len(noise)
            yield noise

    more: dict[str, Any] = {"ssl": client_context()}
    if form == "length":
        more["headers"] = {"Content-Length": str(len(PIECE) * PIECES)}
    if form == "compress":
        more["compress"] = "gzip"
    ssl = server_context() if tls else None
    async with serving_peer(play, ssl) as peer, tercel.ClientSession() as session:
        url = f"https://localhost:{peer.port}/" if tls else peer.url
        request = asyncio.ensure_future(session.put(url, data=pieces(), **more))
        await asyncio.sleep(0.1)
        assert await settle(sent) < ON_THE_WAY
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        go_on.set()
        assert session.connector is not None
        assert session.connector.stats().open == 0
