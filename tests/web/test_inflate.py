"""Requests whose body has a content coding, over real sockets: read, streamed, left, broken."""

import asyncio
import gzip
import zlib
from typing import Any

import brotli
import pytest

from tercel import web
from tercel.net.streams import StreamReader
from tercel.web.inflate import InflatedBody
from tercel.wire.coding import make_decoder
from tercel.wire.libraries import find_zstd
from tests.live import serving
from tests.web.serving import low_server, post

PLAIN = b"so much for the peregrine, said the tercel\n" * 20_000
CODED = {
    "gzip": gzip.compress(PLAIN),
    "x-gzip": gzip.compress(PLAIN),
    "GZIP": gzip.compress(PLAIN),
    "deflate": zlib.compress(PLAIN),
    "br": brotli.compress(PLAIN, quality=5),
    "zstd": find_zstd().compress(PLAIN),
    "gzip, br": brotli.compress(gzip.compress(PLAIN), quality=5),
    "identity, deflate, zstd": find_zstd().compress(zlib.compress(PLAIN)),
}


async def read(request: web.BaseRequest) -> web.Response:
    return web.Response(body=await request.read())


async def stream(request: web.BaseRequest) -> web.Response:
    held = bytearray()
    async for piece in request.content.iter_chunked(1000):
        held += piece
        await asyncio.sleep(0)
    counted = f"{request.content.total_raw_bytes} {request.content.total_bytes}"
    return web.Response(body=bytes(held), headers={"X-Counted": counted})


def app_of(handler: Any, **options: Any) -> web.Application:
    app = web.Application(**options)
    app.router.add_post("/", handler)
    return app


def in_chunks(data: bytes, size: int) -> bytes:
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("coding", CODED)
async def test_codings(coding: str) -> None:
    async with serving(app_of(read, client_max_size=2**20)) as server:
        answer = await server.post("/", CODED[coding], [("Content-Encoding", coding)])
        assert answer.status == 200
        assert answer.body == PLAIN


@pytest.mark.parametrize("chunk", [7, 65_536])
@pytest.mark.parametrize("coding", ["gzip", "zstd", "gzip, br"])
async def test_streamed_in_chunks(coding: str, chunk: int) -> None:
    headers = [("Content-Encoding", coding), ("Transfer-Encoding", "chunked")]
    async with serving(app_of(stream)) as server:
        answer = await server.post("/", in_chunks(CODED[coding], chunk), headers)
        assert answer.body == PLAIN
        assert answer["X-Counted"] == f"{len(CODED[coding])} {len(PLAIN)}"


async def test_forms_and_json() -> None:
    async def form(request: web.Request) -> web.Response:
        return web.json_response([*(await request.post()).items()])

    app = app_of(form)
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n--b--' % (b"x" * 9)
    async with serving(app) as server:
        coding = ("Content-Encoding", "gzip")
        answer = await server.post("/", gzip.compress(b"a=1&b=2"), [kind, coding])
        assert answer.text == '[["a", "1"], ["b", "2"]]'
        kind = ("Content-Type", "multipart/form-data; boundary=b")
        answer = await server.post("/", gzip.compress(part), [kind, coding])
        assert answer.text == '[["a", "xxxxxxxxx"]]'


async def test_the_size_counts_what_it_becomes() -> None:
    async with serving(app_of(read, client_max_size=len(PLAIN))) as server:
        for extra, status in ((b"", 200), (b"!", 413)):
            body = gzip.compress(PLAIN + extra)
            answer = await server.post("/", body, [("Content-Encoding", "gzip")])
            assert answer.status == status


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("handler", [read, stream])
async def test_malformed(handler: Any, coding: str) -> None:
    broken = {
        "junk": b"\x07 no such thing " * 9,
        "cut off": CODED[coding][:-3],
    }
    async with serving(app_of(handler)) as server:
        for body in broken.values():
            answer = await server.post("/", body, [("Content-Encoding", coding)])
            assert answer.status == 400
            assert coding in answer.text
            assert len(answer.text.strip().splitlines()) == 3


async def test_a_handler_may_catch_it_and_the_connection_goes_on() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        try:
            await request.read()
        except web.RequestPayloadError:
            return web.Response(text="caught")
        return web.Response(text="read")

    async with low_server(handler) as low:
        connection = await low.connect()
        for body, said in ((b"junk", "caught"), (CODED["gzip"], "read")):
            await connection.send(post(body, b"Content-Encoding: gzip"))
            assert (await connection.receive("POST")).text == said


@pytest.mark.parametrize("coding", ["compress", "identity", "", "gzip, what", "gzip," * 4 + "gzip"])
async def test_unknown_codings_are_handed_on(coding: str) -> None:
    async with serving(app_of(read)) as server:
        answer = await server.post("/", b"as it is", [("Content-Encoding", coding)])
        assert answer.body == b"as it is"


async def test_switched_off() -> None:
    async with low_server(read, auto_decompress=False) as low:
        connection = await low.connect()
        await connection.send(post(CODED["gzip"], b"Content-Encoding: gzip"))
        assert (await connection.receive("POST")).body == CODED["gzip"]


async def test_no_body_at_all() -> None:
    async with low_server(read) as low:
        connection = await low.connect()
        await connection.send(post(b"", b"Content-Encoding: gzip"))
        assert (await connection.receive("POST")).body == b""
        await connection.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert (await connection.receive("POST")).body == b""


async def test_requests_in_a_row() -> None:
    """Pipelined: the next request waits in the same octets as the end of the body before."""
    async with low_server(stream) as low:
        connection = await low.connect()
        await connection.send(post(CODED["zstd"], b"Content-Encoding: zstd") * 3 + post(b"plain"))
        for _ in range(3):
            assert (await connection.receive("POST")).body == PLAIN
        assert (await connection.receive("POST")).body == b"plain"


async def test_a_peer_that_leaves_in_mid_body() -> None:
    seen: list[BaseException] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        try:
            await request.read()
        except ConnectionResetError as error:
            seen.append(error)
        return web.Response()

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(post(CODED["gzip"], b"Content-Encoding: gzip")[:-9])
        while not low.server._tasks:
            await asyncio.sleep(0.005)
        connection.abort()
        while low.server._tasks:
            await asyncio.sleep(0.005)
        assert len(seen) == 1


class Flow:
    """A connection as a body sees it."""

    def __init__(self) -> None:
        self.paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def small_body() -> tuple[InflatedBody, Flow]:
    flow = Flow()
    return InflatedBody(flow, make_decoder("gzip"), StreamReader(limit=1000)), flow


async def test_no_more_is_decoded_than_there_is_room_for() -> None:
    body, flow = small_body()
    body.feed_data(gzip.compress(bytes(2**24)))
    body.feed_eof()
    assert body.is_eof()
    assert flow.paused
    assert body.stream.total_bytes <= 65_536
    assert not body.stream.is_eof()
    taken = 0
    while piece := await body.stream.readany():
        taken += len(piece)
        assert body.stream.total_bytes - taken <= 2 * 65_536
        assert flow.paused is (taken < body.stream.total_bytes and not body.stream.is_eof())
    assert taken == 2**24
    assert not flow.paused


async def test_what_failed_takes_no_more() -> None:
    body, _ = small_body()
    body.feed_data(b"junk")
    body.feed_data(b"junk")
    body.feed_eof()
    with pytest.raises(web.RequestPayloadError, match="not valid gzip"):
        await body.stream.read()


async def test_ends_of_chunks() -> None:
    body, _ = small_body()
    body.stream.begin_http_chunk_receiving()
    squeezer = zlib.compressobj(wbits=31)
    for text in (b"one", b"two"):
        body.feed_data(squeezer.compress(text) + squeezer.flush(zlib.Z_SYNC_FLUSH))
        body.end_http_chunk_receiving()
    body.feed_data(squeezer.flush())
    body.end_http_chunk_receiving()
    body.feed_eof()
    chunks = [chunk async for chunk in body.stream.iter_chunks()]
    assert chunks == [(b"one", True), (b"two", True)]
