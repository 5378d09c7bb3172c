"""Family 22, the client: a small answer that becomes a large body [CVE-2026-54278]."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest

import tercel
from tercel.wire.coding import _find_zstd
from tests.client.peer import Play, answer, scripted, serving_peer

zstd = _find_zstd()
SIZE = 2**24
FREE = 2**20
PLAIN = bytes(SIZE)
BOMBS = {
    "gzip": gzip.compress(PLAIN, mtime=0),
    "x-gzip": gzip.compress(PLAIN, mtime=0),
    "deflate": zlib.compress(PLAIN),
    "br": brotli.compress(PLAIN, quality=5),
    "zstd": zstd.compress(PLAIN),
    "gzip, gzip": gzip.compress(gzip.compress(PLAIN)),
    "zstd, br": brotli.compress(zstd.compress(PLAIN)),
}
READERS: dict[str, Callable[[tercel.ClientResponse], object]] = {
    "read": lambda response: response.read(),
    "text": lambda response: response.text(),
    "json": lambda response: response.json(content_type=None),
    "content.read": lambda response: response.content.read(),
    "content.readexactly": lambda response: response.content.readexactly(SIZE),
}


def exploding(coding: str, status: int = 200, *fields: tuple[str, str]) -> Play:
    return scripted(answer(status, BOMBS[coding], ("Content-Encoding", coding), *fields))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("coding", BOMBS)
async def test_a_bomb_is_refused(coding: str, reader: str) -> None:
    async with serving_peer(exploding(coding)) as peer:
        async with tercel.ClientSession(free_inflation=FREE) as session:
            with pytest.raises(tercel.ClientPayloadError, match="body grew beyond 1048576 bytes"):
                async with session.get(peer.url) as response:
                    await READERS[reader](response)  # type: ignore[misc]
            assert session.connector is not None
            assert session.connector.stats().open == 0


@pytest.mark.parametrize("coding", BOMBS)
async def test_below_the_limits_it_is_a_body(coding: str) -> None:
    ratio = SIZE // len(BOMBS[coding]) + 1
    for free, times in ((SIZE, 1), (FREE, ratio), (0, None)):
        async with serving_peer(exploding(coding)) as peer:
            async with tercel.ClientSession(free_inflation=free, max_inflation=times) as session:
                async with session.get(peer.url) as response:
                    assert len(await response.read()) == SIZE


async def test_the_limits_are_there_by_default() -> None:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(squeezer.compress(bytes(2**20)) for _ in range(65)) + squeezer.flush()
    async with serving_peer(scripted(answer(200, bomb, ("Content-Encoding", "gzip")))) as peer:
        async with tercel.ClientSession() as session:
            with pytest.raises(tercel.ClientPayloadError, match="beyond 67108864 bytes"):
                async with session.get(peer.url, read_bufsize=2**16) as response:
                    await response.read()


@pytest.mark.parametrize("coding", BOMBS)
async def test_what_nobody_reads_is_not_unfolded(coding: str) -> None:
    """At clean-up, and on a redirect: no more than a reader's buffer is ever decoded."""
    async with serving_peer(scripted(answer(200, b"there"))) as other:
        play = exploding(coding, 302, ("Location", other.url))
        async with serving_peer(play) as peer, tercel.ClientSession() as session:
            async with session.get(peer.url) as response:
                assert await response.read() == b"there"
                (left,) = response.history
                assert left.content.total_bytes < 2**20
            async with session.get(peer.url, allow_redirects=False) as left:
                pass
            assert left.content.total_bytes < 2**20


@pytest.mark.parametrize("coding", BOMBS)
async def test_the_body_of_an_error_is_bounded(coding: str) -> None:
    async with serving_peer(exploding(coding, 500)) as peer:
        async with tercel.ClientSession(raise_for_status=True) as session:
            with pytest.raises(tercel.ClientResponseError) as caught:
                await session.get(peer.url)
    assert caught.value.body == bytes(16_384)


async def test_a_chain_longer_than_four_stays_as_it_is() -> None:
    body = b"abc"
    for _ in range(5):
        body = gzip.compress(body)
    said = answer(200, body, *[("Content-Encoding", "gzip")] * 5)
    async with serving_peer(scripted(said)) as peer, tercel.ClientSession() as session:
        async with session.get(peer.url) as response:
            assert await response.read() == body


async def test_several_fields_are_one_chain() -> None:
    said = answer(
        200,
        zlib.compress(gzip.compress(b"abc")),
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "deflate"),
    )
    async with serving_peer(scripted(said)) as peer, tercel.ClientSession() as session:
        async with session.get(peer.url) as response:
            assert await response.read() == b"abc"


@pytest.mark.parametrize("coding", ["gzip", "zstd", "gzip, gzip"])
@pytest.mark.parametrize("how", ["release", "close", "leave", "forget", "redirect", "head"])
async def test_a_body_that_nobody_asks_for_is_not_unfolded(coding: str, how: str) -> None:
    """Clean-up and redirects drop a bomb without decoding more than what waits to be read."""
    fields = (("Location", "/there"),) if how == "redirect" else ()
    bomb = answer(
        302 if how == "redirect" else 200, BOMBS[coding], ("Content-Encoding", coding), *fields
    )
    if how == "head":
        bomb = bomb[: bomb.index(b"\r\n\r\n") + 4]
    async with serving_peer(scripted(bomb, answer(200, b"fine"))) as peer:
        async with tercel.ClientSession(read_bufsize=2**16) as session:
            tracemalloc.start()
            try:
                if how == "redirect":
                    async with session.get(peer.url) as response:
                        assert await response.read() == b"fine"
                else:
                    response = await session.request("HEAD" if how == "head" else "GET", peer.url)
                    if how == "leave":
                        async with response:
                            pass
                    elif how == "forget":
                        del response
                    elif how != "head":
                        getattr(response, how)()
                    async with session.get(peer.url) as response:
                        assert await response.read() == b"fine"
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert peak < SIZE // 8
