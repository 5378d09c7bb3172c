"""Family 22, the server: a small request that becomes a large body, read or left unread."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest

from tercel import web
from tercel.wire.libraries import find_zstd
from tests.live import serving
from tests.web.serving import low_server, post

SIZE = 2**24
FREE = 2**20
PLAIN = bytes(SIZE)
zstd = find_zstd()
BOMBS = {
    "gzip": gzip.compress(PLAIN, mtime=0),
    "deflate": zlib.compress(PLAIN),
    "br": brotli.compress(PLAIN, quality=5),
    "zstd": zstd.compress(PLAIN),
    "gzip, gzip": gzip.compress(gzip.compress(PLAIN)),
    "zstd, br": brotli.compress(zstd.compress(PLAIN), quality=5),
}
READERS: dict[str, Callable[[Any], Any]] = {
    "content.read": lambda request: request.content.read(),
    "content.readexactly": lambda request: request.content.readexactly(SIZE),
    "read": lambda request: request.read(),
    "release": lambda request: request.release(),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("coding", BOMBS)
async def test_a_bomb_is_refused(coding: str, reader: str) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        request._client_max_size = 0
        await READERS[reader](request)
        return web.Response()

    async with low_server(handler, free_inflation=FREE, max_inflation=20) as low:
        said = await low.ask(post(BOMBS[coding], b"Content-Encoding: " + coding.encode()))
        assert said.startswith(b"HTTP/1.1 413 ")
        assert b"grew beyond 1048576 bytes" in said


@pytest.mark.parametrize("coding", BOMBS)
async def test_below_the_limits_it_is_a_body(coding: str) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=str(len(await request.content.read())))

    ratio = SIZE // len(BOMBS[coding]) + 1
    for free, times in ((SIZE, 1), (FREE, ratio), (0, None)):
        async with low_server(handler, free_inflation=free, max_inflation=times) as low:
            connection = await low.connect()
            await connection.send(post(BOMBS[coding], b"Content-Encoding: " + coding.encode()))
            assert (await connection.receive("POST")).text == str(SIZE)


@pytest.mark.parametrize("coding", BOMBS)
async def test_client_max_size_comes_first(coding: str) -> None:
    taken: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        try:
            await request.read()
        finally:
            taken.append(request.content.total_bytes)
        return web.Response()

    app = web.Application(client_max_size=FREE)
    app.router.add_post("/", handler)
    async with serving(app) as server:
        answer = await server.post("/", BOMBS[coding], [("Content-Encoding", coding)])
        assert answer.status == 413
    assert taken[0] <= FREE + 2**19


@pytest.mark.parametrize("coding", BOMBS)
async def test_what_nobody_reads_is_not_unfolded(coding: str) -> None:
    """The handler answers without reading: the rest is read over as it came, never decoded."""
    bodies: list[Any] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        bodies.append(request._payload)
        return web.Response(text="done")

    async with low_server(handler) as low:
        connection = await low.connect()
        for _ in range(3):
            await connection.send(post(BOMBS[coding], b"Content-Encoding: " + coding.encode()))
            async with asyncio.timeout(20):
                assert (await connection.receive("POST")).text == "done"
    assert all(body.total_bytes <= 2**18 for body in bodies)
