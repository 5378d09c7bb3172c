"""Family 33: slow header, slow body, slow read and idle connections, each with its own deadline."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from tercel import web
from tests.web.serving import GET, Low, eventually, low_server, post, warnings_of

#: Seconds: short ones for the deadline that is meant, long ones for those that must not pass first.
SHORT = 0.2
LONG = 3600.0
ALL_LONG = {
    "keepalive_timeout": LONG,
    "head_timeout": LONG,
    "body_timeout": LONG,
    "send_timeout": LONG,
    "lingering_time": LONG,
}
LENGTH = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def read_body(request: Any) -> web.Response:
    return web.Response(text=str(len(await request.read())))


async def never(request: Any) -> web.Response:
    await asyncio.sleep(LONG)
    raise AssertionError


def serve(handler: Any, **settings: Any) -> Any:
    return low_server(handler, **{**ALL_LONG, **settings})


# Heads and idle connections


async def test_a_connection_that_never_asks_is_closed() -> None:
    async with serve(read_body, keepalive_timeout=SHORT) as low:
        assert await low.ask(b"") == b""


async def test_a_connection_that_asks_no_more_is_closed() -> None:
    async with serve(read_body, keepalive_timeout=SHORT) as low:
        answer = await low.ask(GET)
        assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("before", [b"", GET])
async def test_a_head_that_does_not_end_gets_408(before: bytes) -> None:
    async with serve(read_body, head_timeout=SHORT) as low:
        answer = await low.ask(before + b"GET / HTTP/1.1\r\nHost:")
        assert b"HTTP/1.1 408 " in answer


async def test_a_head_that_comes_in_drops_has_no_more_time_than_another() -> None:
    async with serve(read_body, head_timeout=SHORT) as low:
        connection = await low.connect()
        await connection.send(b"GET / HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                await connection.send(b"A: b\r\n")
                await asyncio.sleep(SHORT / 10)

        dripping = asyncio.ensure_future(drip())
        answer = await connection.receive()
        dripping.cancel()
        await asyncio.wait({dripping})
        assert answer.status == 408


# Bodies


@pytest.mark.parametrize("head", [LENGTH, LENGTH + b"12345", CHUNKED, CHUNKED + b"5\r\n12345\r\n"])
async def test_a_body_that_stops_gets_408(head: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(read_body, body_timeout=SHORT, lingering_time=SHORT) as low:
        with caplog.at_level(logging.WARNING):
            answer = await low.ask(head)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"nothing more of the body came within 0.2 seconds" in answer
        assert b"\r\nConnection: close\r\n" in answer
        assert len(warnings_of(caplog.records)) == 1


async def test_a_form_that_stops_leaves_no_file_behind() -> None:
    async def form(request: Any) -> web.Response:
        await request.post()
        return web.Response()

    body = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: 900\r\n\r\n--x\r\nContent-Disposition: form-data; name=a; "
        b"filename=b\r\n\r\nhalf a file"
    )
    async with serve(form, body_timeout=SHORT, lingering_time=SHORT) as low:
        assert (await low.ask(body)).startswith(b"HTTP/1.1 408 ")


async def test_a_handler_may_answer_a_body_that_stops_by_itself() -> None:
    async def handler(request: Any) -> web.Response:
        try:
            await request.read()
        except web.RequestPayloadError:
            return web.Response(status=418)
        raise AssertionError

    async with serve(handler, body_timeout=SHORT, lingering_time=SHORT) as low:
        assert (await low.ask(LENGTH + b"1")).startswith(b"HTTP/1.1 418 ")


async def test_a_handler_that_reads_later_is_told_later() -> None:
    async def handler(request: Any) -> web.Response:
        await eventually(lambda: request.content.exception() is not None)
        with pytest.raises(web.RequestPayloadError):
            await request.read()
        return web.Response(text="told")

    async with serve(handler, body_timeout=SHORT, lingering_time=SHORT) as low:
        assert (await low.ask(LENGTH + b"1")).endswith(b"told")


async def test_a_handler_that_does_not_read_is_not_the_peers_fault() -> None:
    release = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        await release.wait()
        return web.Response(text=str(len(await request.read())))

    async with serve(handler, body_timeout=SHORT) as low:
        low.server.client_max_size = 0
        connection = await low.connect()
        size = 3_000_000
        sending = asyncio.ensure_future(connection.send(post(bytes(size))))
        await eventually(lambda: low.server.connections)
        (server_side,) = low.server.connections
        await eventually(lambda: not server_side.transport.is_reading())
        await asyncio.sleep(3 * SHORT)
        release.set()
        assert (await connection.receive()).text == str(size)
        await sending


async def test_a_peer_that_waits_for_100_continue_has_its_time() -> None:
    release = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        await release.wait()
        request.writer.send_informational(100)
        return web.Response(text=await request.text())

    async with serve(handler, body_timeout=0.5) as low:
        connection = await low.connect()
        await connection.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        await asyncio.sleep(1.2)
        release.set()
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(b"ok")
        assert (await connection.receive()).text == "ok"


async def test_a_body_that_nobody_reads_and_that_stops_ends_with_the_lingering_time() -> None:
    async def handler(request: Any) -> web.Response:
        return web.Response(text="unread")

    async with serve(handler, lingering_time=SHORT) as low:
        answer = await low.ask(LENGTH + b"1")
        assert answer.endswith(b"unread")


# Readers


async def stream(request: Any) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(50_000))


async def whole(request: Any) -> web.Response:
    return web.Response(body=bytes(30_000_000))


async def last(request: Any) -> web.Response:
    response = web.Response(body=bytes(30_000_000))
    response.force_close()
    return response


async def send_file(request: Any) -> web.FileResponse:
    return web.FileResponse(request.protocol.server.file)


async def socket(request: Any) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    while True:
        await response.send_bytes(bytes(50_000))


async def cut_off(low: Low, request: bytes) -> None:
    """Ask, read nothing, and wait until nothing of the connection is left."""
    connection = await low.connect(receive_buffer=4096)
    connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await connection.send(request)
    await eventually(lambda: low.server.requests_count)
    await eventually(lambda: not low.server.connections and not low.server._tasks)


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    return path


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize(
    ("handler", "request_"),
    [
        (stream, GET),
        (whole, GET),
        (last, GET),
        (whole, GET * 50),
        (send_file, GET),
        (socket, UPGRADE),
    ],
    ids=["stream", "whole", "last", "pipelined", "sendfile", "websocket"],
)
async def test_an_answer_that_nobody_reads_is_cut_off(
    handler: Any, request_: bytes, big_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(handler, send_timeout=SHORT) as low:
        low.server.file = big_file
        with caplog.at_level(logging.WARNING):
            await cut_off(low, request_)
        (record,) = warnings_of(caplog.records)
        assert "Cut off 127.0.0.1: it took nothing" in record.getMessage()


async def test_a_refusal_that_nobody_reads_does_not_keep_its_connection() -> None:
    async with serve(whole, send_timeout=SHORT, keepalive_timeout=SHORT) as low:
        await cut_off(low, GET + b"no request\r\n\r\n")


@pytest.mark.parametrize("off", [0, None])
async def test_times_may_be_switched_off(off: float | None) -> None:
    async with serve(read_body, body_timeout=off, send_timeout=off) as low:
        connection = await low.connect()
        await connection.send(LENGTH)
        await eventually(lambda: low.server._tasks)
        (server_side,) = low.server.connections
        server_side.check_progress()
        await connection.send(bytes(100_000))
        assert (await connection.receive()).text == "100000"
