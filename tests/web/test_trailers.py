"""Trailers of answers and requests, 103 Early Hints and 100 Continue, over real sockets."""

import asyncio
import gzip
from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.web.serving import low_server, post

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def send(handler: Any, request: bytes = GET) -> tuple[bytes, bytes]:
    """Head and body of the answer as they were on the wire."""
    async with low_server(handler) as low:
        raw = await low.ask(request)
    head, _, body = raw.partition(b"\r\n\r\n")
    return head, body


async def whole(request: web.BaseRequest) -> web.Response:
    response = web.Response(text="abc")
    response.trailers["X-Sum"] = "1"
    response.trailers.add("X-Sum", "2")
    return response


async def stream(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    response.trailers["X-Sum"] = ""
    await response.prepare(request)
    await response.write(b"abc")
    response.trailers["X-Sum"] = "1"
    response.trailers["X-Late"] = "2"
    return response


# Answers


async def test_of_a_whole_answer() -> None:
    head, body = await send(whole)
    assert b"\r\nTrailer: X-Sum" in head
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert body == b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n"


async def test_of_a_stream() -> None:
    head, body = await send(stream)
    assert b"\r\nTrailer: X-Sum\r\n" in head
    assert body == b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Late: 2\r\n\r\n"


async def test_that_nobody_announced() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write_eof(b"x" * 70_000)
        return response

    async def late(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        response.trailers["X-Sum"] = "1"
        await response.write_eof(b"x" * 70_000)
        return response

    assert (await send(handler))[1].endswith(b"x\r\n0\r\n\r\n")
    head, body = await send(late)
    assert b"Trailer:" not in head
    assert body.endswith(b"x\r\n0\r\nX-Sum: 1\r\n\r\n")


async def test_of_a_compressed_answer() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        response = web.Response(text="abc" * 1000)
        response.enable_compression(web.ContentCoding.gzip)
        response.trailers["X-Sum"] = "1"
        return response

    _, body = await send(handler)
    size, _, rest = body.partition(b"\r\n")
    assert gzip.decompress(rest[: int(size, 16)]) == b"abc" * 1000
    assert rest[int(size, 16) :] == b"\r\n0\r\nX-Sum: 1\r\n\r\n"


async def test_empty_ones_change_nothing() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        response = web.Response(text="abc")
        assert not response.trailers
        return response

    head, body = await send(handler)
    assert b"Content-Length: 3" in head
    assert body == b"abc"


@pytest.mark.parametrize("handler", [whole, stream])
async def test_where_they_can_not_be_sent_they_are_left_out(handler: Any) -> None:
    head, body = await send(handler, b"GET / HTTP/1.0\r\n\r\n")
    assert b"Trailer" not in head
    assert body == b"abc"
    head, body = await send(handler, GET.replace(b"GET", b"HEAD"))
    assert body == b""


async def test_they_need_chunks() -> None:
    caught: list[str] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 3
        await response.prepare(request)
        try:
            response.trailers  # noqa: B018
        except RuntimeError as error:
            caught.append(str(error))
        await response.write_eof(b"abc")
        if response._trailers is None:
            with pytest.raises(RuntimeError, match="ended"):
                response.trailers  # noqa: B018
        return response

    assert (await send(handler))[1] == b"abc"
    assert caught == ["An answer with a known length has no trailers: set them before prepare()"]
    await send(handler, GET.replace(b"GET", b"HEAD"))
    await send(handler, b"GET / HTTP/1.0\r\n\r\n")
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("Content-Length", "3"), ("set-cookie", "a=b"), ("Host", "x"), ("X", "a\r\nb"), ("X Y", "1")],
)
async def test_what_is_forbidden_is_never_sent(name: str, value: str) -> None:
    async def early(request: web.BaseRequest) -> web.Response:
        response = web.Response(text="abc")
        response.trailers[name] = value
        return response

    async def late(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        response.trailers[name] = value
        return response

    async with low_server(early) as low:
        raw = await low.ask(GET)
        if name.lower() in ("content-length", "set-cookie", "host"):
            assert raw.startswith(b"HTTP/1.1 500 ")
        assert name.encode() + b": " + value.encode() not in raw.partition(b"0\r\n")[2]

    async def before(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.trailers[name] = value
        await response.prepare(request)
        return response

    if name.lower() in ("content-length", "set-cookie", "host"):
        async with low_server(before) as low:
            assert (await low.ask(GET)).startswith(b"HTTP/1.1 500 ")
    async with low_server(late) as low:
        raw = await low.ask(GET)
        assert raw.endswith(b"3\r\nabc\r\n")  # cut off: the client must not take it for whole


# Requests


def chunked(trailers: bytes) -> bytes:
    return (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n"
    )


async def tell(request: web.BaseRequest) -> web.Response:
    text = await request.text()
    return web.json_response([text, *map(list, request.trailers.items())])


async def test_of_a_request() -> None:
    _, body = await send(tell, chunked(b"X-Sum: 1\r\nx-sum:  2 \r\nX-Name: \xc3\xa9\r\n"))
    assert body == b'["abc", ["X-Sum", "1"], ["x-sum", "2"], ["X-Name", "\\u00e9"]]'
    assert (await send(tell, chunked(b"")))[1] == b'["abc"]'
    assert (await send(tell, GET))[1] == b'[""]'


async def test_they_come_after_the_body() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        with pytest.raises(RuntimeError, match="after the body"):
            request.trailers  # noqa: B018
        await request.release()
        return web.Response(text=request.clone(method="PUT").trailers["X-Sum"])

    assert (await send(handler, chunked(b"X-Sum: 1\r\n")))[1] == b"1"


async def test_they_belong_to_one_request() -> None:
    async with low_server(tell) as low:
        connection = await low.connect()
        for trailers, said in ((b"X: 1\r\n", '["abc", ["X", "1"]]'), (b"", '["abc"]')):
            await connection.send(chunked(trailers).replace(b"Connection: close\r\n", b""))
            assert (await connection.receive("POST")).text == said


# Early hints


async def test_early_hints() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        await request.send_early_hints("</a.css>; rel=preload; as=style")
        await request.send_early_hints(["</b.js>; rel=preload", "</c>; rel=x"], headers={"X": "1"})
        return web.Response(text="done")

    async with low_server(handler) as low:
        raw = await low.ask(GET)
        assert raw.startswith(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style\r\n\r\n"
            b"HTTP/1.1 103 Early Hints\r\nX: 1\r\nLink: </b.js>; rel=preload\r\n"
            b"Link: </c>; rel=x\r\n\r\nHTTP/1.1 200 OK\r\n"
        )
        connection = await low.connect()
        await connection.send(GET)
        answer = await connection.receive()
        assert (answer.interim, answer.text) == ([103, 103], "done")
        assert b"103" not in await low.ask(b"GET / HTTP/1.0\r\n\r\n")


async def test_early_hints_that_can_not_be_sent() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        with pytest.raises(ValueError, match="no link"):
            await request.send_early_hints()
        with pytest.raises(ValueError, match="control characters"):
            await request.send_early_hints("</a>\r\nX: 1")
        response = web.StreamResponse()
        await response.prepare(request)
        with pytest.raises(RuntimeError, match="before the answer"):
            await request.send_early_hints("</a>; rel=preload")
        return response

    assert (await send(handler))[0].startswith(b"HTTP/1.1 200 OK\r\n")


# 100 Continue

EXPECTING = post(b"", b"Expect: 100-continue").replace(b"Length: 0", b"Length: 3")
READS: dict[str, Any] = {
    "read": lambda request: request.read(),
    "text": lambda request: request.text(),
    "content": lambda request: request.content.read(),
    "release": lambda request: request.release(),
    "post": lambda request: request.post(),
}


@pytest.mark.parametrize("reader", READS)
async def test_a_low_level_handler_asks_for_the_body_by_reading_it(reader: str) -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        for _ in range(2):
            await READS[reader](request)
        return web.Response(text="read")

    async with low_server(handler) as low:
        connection = await low.connect()
        for _ in range(2):
            await connection.send(EXPECTING)
            assert await connection.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await connection.send(b"a=b")
            answer = await connection.receive("POST")
            assert (answer.interim, answer.text) == ([], "read")


async def test_a_multipart_reader_asks_too() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        part = await (await request.multipart()).next()
        return web.Response(text=await part.text())

    body = b"--b\r\n\r\nabc\r\n--b--"
    head = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Length: %d" % len(body)
    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(EXPECTING.replace(b"Content-Length: 3", head))
        assert await connection.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(body)
        assert (await connection.receive("POST")).text == "abc"


async def test_a_handler_that_does_not_read_asks_for_nothing() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(status=413)

    async with low_server(handler) as low:
        raw = await low.ask(EXPECTING)
        assert raw.startswith(b"HTTP/1.1 413 ")
        assert b"100 Continue" not in raw


async def test_expect_handlers_have_the_only_say() -> None:
    """One that writes past the exchange, as documented, is not followed by a second 100."""

    async def past(request: web.Request) -> None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def refuses(request: web.Request) -> web.Response | None:
        return web.Response(status=403, text="no")

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    app = web.Application()
    app.router.add_post("/past", handler, expect_handler=past)
    app.router.add_post("/refuses", handler, expect_handler=refuses)
    app.router.add_post("/plain", handler)
    async with serving(app) as server:
        for path in (b"/past", b"/plain"):
            connection = await server.connect()
            await connection.send(EXPECTING.replace(b"POST /", b"POST " + path))
            assert await connection.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await connection.send(b"abc")
            answer = await connection.receive("POST")
            assert (answer.interim, answer.text) == ([], "abc")
        connection = await server.connect()
        await connection.send(EXPECTING.replace(b"POST /", b"POST /refuses"))
        assert (await connection.receive("POST")).status == 403
        async with asyncio.timeout(10):
            assert await connection.is_closed_by_server()
