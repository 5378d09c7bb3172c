import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

from tercel import web
from tests.web.serving import GET, eventually, low_server, post, warnings_of


async def ok(request: Any) -> web.Response:
    return web.Response(text="ok")


async def numbered(request: Any) -> web.Response:
    if int(request.query.get("pause", 0)):
        await asyncio.sleep(0)
    return web.Response(text=request.query["n"])


# Order and memory


@pytest.mark.parametrize("pause", [0, 1])
async def test_a_thousand_pipelined_requests_are_answered_in_order(pause: int) -> None:
    async with low_server(numbered) as low:
        connection = await low.connect()
        connection.writer.writelines(
            b"GET /?pause=%d&n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % (pause and n % 2, n)
            for n in range(1000)
        )
        bodies = [(await connection.receive()).text for _ in range(1000)]
        assert bodies == [str(n) for n in range(1000)]
        assert low.server.requests_count == 1000


async def test_pipelined_requests_wait_outside_once_64_kilobytes_are_held() -> None:
    release = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        await release.wait()
        return web.Response(text="ok")

    async with low_server(handler) as low:
        connection = await low.connect()
        count = 300_000
        sending = asyncio.ensure_future(connection.send(GET * count))
        await eventually(lambda: low.server.connections)
        (server_side,) = low.server.connections
        await eventually(lambda: not server_side.transport.is_reading())
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert server_side.held <= 65536 + 262144
        assert not sending.done()
        sending.cancel()
        await asyncio.wait({sending})
        release.set()


async def test_answers_that_nobody_reads_stop_the_handlers() -> None:
    served = 0

    async def handler(request: Any) -> web.Response:
        nonlocal served
        served += 1
        return web.Response(body=bytes(100_000))

    async with low_server(handler) as low:
        connection = await low.connect(receive_buffer=4096)
        connection.writer.write(GET * 2000)
        before = -1
        while served != before:
            before = served
            await asyncio.sleep(0.05)
        (server_side,) = low.server.connections
        assert served < 200
        assert server_side.transport.get_write_buffer_size() < 1_000_000


async def test_a_stream_that_nobody_reads_stops_its_handler() -> None:
    sent = 0

    async def handler(request: Any) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(50_000))
            sent += 50_000

    async with low_server(handler, handler_cancellation=True) as low:
        connection = await low.connect(receive_buffer=4096)
        await connection.send(GET)
        before = -1
        while sent != before or not sent:
            before = sent
            await asyncio.sleep(0.05)
        (server_side,) = low.server.connections
        # The high mark, and what leaves in one write.
        assert server_side.transport.get_write_buffer_size() < 65_536 + 262_144 + 60_000
        connection.abort()
        await eventually(lambda: not low.server._tasks)


async def test_a_body_that_nobody_reads_stops_the_peer() -> None:
    release = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        await release.wait()
        return web.Response(text=str(len(await request.read())))

    async with low_server(handler, read_bufsize=10_000) as low:
        connection = await low.connect()
        body = bytes(30_000_000)
        sending = asyncio.ensure_future(connection.send(post(body)))
        await eventually(lambda: low.server.connections)
        (server_side,) = low.server.connections
        await eventually(lambda: not server_side.transport.is_reading())
        await asyncio.sleep(0.02)
        assert server_side.reader.total_bytes <= 2 * 10_000 + 262_144
        assert not sending.done()
        sending.cancel()
        await asyncio.wait({sending})
        connection.abort()
        release.set()


# What is left unread


@pytest.mark.parametrize("size", [1, 1000, 140_000, 262_144 - 200, 3_000_000])
@pytest.mark.parametrize("pause", [False, True])
async def test_the_request_after_an_unread_body_is_answered(size: int, pause: bool) -> None:
    async def handler(request: Any) -> web.Response:
        if pause:
            await asyncio.sleep(0.01)
        return web.Response(text=request.method)

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(post(bytes(size)))
        assert (await connection.receive("POST")).text == "POST"
        await connection.send(GET)
        assert (await connection.receive()).text == "GET"


async def test_a_pause_for_a_body_ends_with_its_request() -> None:
    """The whole body came in one piece, passed the high mark, and nobody read it."""
    async with low_server(ok, read_bufsize=1000) as low:
        connection = await low.connect()
        for _ in range(3):
            await connection.send(post(bytes(50_000)))
            assert (await connection.receive("POST")).text == "ok"


async def test_a_body_without_end_is_read_over_for_the_lingering_time_only() -> None:
    async with low_server(ok, lingering_time=0.1) as low:
        connection = await low.connect()
        await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        assert (await connection.receive("POST")).text == "ok"

        async def feed() -> None:
            while True:
                await connection.send(bytes(1000))
                await asyncio.sleep(0.005)

        with pytest.raises(ConnectionError):
            await feed()
        await eventually(lambda: not low.server.connections)


@pytest.mark.parametrize("rest", [GET * 30_000, bytes(500_000)])
async def test_the_last_answer_is_not_lost_to_octets_that_nobody_wants(rest: bytes) -> None:
    async with low_server(ok, lingering_time=0.5) as low:
        data = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + rest
        answer = await low.ask(data)
        assert answer.count(b"HTTP/1.1 200 OK") == 1
        assert answer.endswith(b"\r\n\r\nok")


# Half-closed and vanished peers


@pytest.mark.parametrize("tail", [b"", b"\r\n", b"GET", GET[:-2]])
async def test_a_peer_that_only_stops_sending_gets_its_answer(tail: bytes) -> None:
    async def handler(request: Any) -> web.Response:
        await asyncio.sleep(0.02)
        return web.Response(text="late")

    async with low_server(handler) as low:
        assert (await low.ask(GET + tail, end=True)).endswith(b"late")
        assert (await low.ask(GET * 3 + tail, end=True)).count(b"late") == 3


@pytest.mark.parametrize(
    "sent", [b"", b"G", GET[:-2], post(b"abc")[:-1], post(b"abc"), b"\r\n\r\n"]
)
@pytest.mark.parametrize("how", ["abort", "eof", "close"])
async def test_a_peer_that_vanishes_leaves_nothing(
    sent: bytes, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> web.Response:
        await request.read()
        await asyncio.sleep(0.02)
        return web.Response(text="ok")

    async with low_server(handler) as low:
        connection = await low.connect()
        if sent:
            await connection.send(sent)
        await eventually(lambda: low.server.connections)
        await asyncio.sleep(0.01)
        if how == "abort":
            connection.abort()
        elif how == "eof":
            connection.writer.write_eof()
        else:
            await connection.close()
        await eventually(lambda: not low.server.connections and not low.server._tasks)
    assert not warnings_of(caplog.records)


@pytest.mark.parametrize("cancels", [False, True])
async def test_a_handler_is_cancelled_only_where_asked_for(cancels: bool) -> None:
    ends: list[str] = []
    begun = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        begun.set()
        try:
            await asyncio.sleep(0.1)
            ends.append("ran")
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        return web.Response()

    async with low_server(handler, handler_cancellation=cancels) as low:
        connection = await low.connect()
        await connection.send(GET)
        await begun.wait()
        connection.abort()
        await eventually(lambda: ends)
    assert ends == ["cancelled" if cancels else "ran"]


@pytest.mark.parametrize("how", ["abort", "eof"])
async def test_wait_for_disconnection(how: str) -> None:
    ends: list[str] = []
    begun = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        begun.set()
        await request.wait_for_disconnection()
        ends.append("gone")
        await request.wait_for_disconnection()
        ends.append("still gone")
        return web.Response()

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        await begun.wait()
        if how == "abort":
            connection.abort()
        else:
            connection.writer.write_eof()
        await eventually(lambda: len(ends) == 2)


async def test_wait_for_disconnection_after_the_peer_has_stopped_sending() -> None:
    gone = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        await asyncio.sleep(0.05)
        await request.wait_for_disconnection()
        gone.set()
        return web.Response()

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        connection.writer.write_eof()
        await gone.wait()


async def test_a_waiter_for_the_end_ends_with_its_handler() -> None:
    waiters: list[asyncio.Task[None]] = []

    async def handler(request: Any) -> web.Response:
        waiters.append(asyncio.ensure_future(request.wait_for_disconnection()))
        await asyncio.sleep(0.01)
        return web.Response(text="ok")

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.receive()).text == "ok"
        await asyncio.wait(waiters)
        assert waiters[0].cancelled()


async def test_a_drain_ends_when_the_peer_vanishes() -> None:
    errors: list[BaseException] = []

    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(100_000))
        except ConnectionError as error:
            errors.append(error)
            raise
        return response

    async with low_server(handler) as low:
        connection = await low.connect(receive_buffer=4096)
        await connection.send(GET)
        await asyncio.sleep(0.05)
        connection.abort()
        await eventually(lambda: errors and not low.server._tasks)


# Deadlines


async def test_an_idle_connection_is_closed_after_the_keepalive_time() -> None:
    async with low_server(ok, keepalive_timeout=0.05) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.receive()).text == "ok"
        assert await connection.is_closed_by_server()


async def test_no_keepalive_time_means_one_request_a_connection() -> None:
    async with low_server(ok, keepalive_timeout=0) as low:
        answer = await low.ask(GET + GET)
        assert answer.count(b"200 OK") == 1
        assert b"Connection: close\r\n" in answer


async def test_a_slow_head_gets_408() -> None:
    async with low_server(ok, head_timeout=0.1) as low:
        connection = await low.connect()

        async def drip() -> None:
            for n in range(10_000):
                connection.writer.write(b"GET /"[n : n + 1] or b"a")
                await asyncio.sleep(0.01)

        dripping = asyncio.ensure_future(drip())
        answer = await connection.receive_raw()
        dripping.cancel()
        await asyncio.wait({dripping})
        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_slow_handler_has_no_deadline() -> None:
    async def handler(request: Any) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response(text="ok")

    async with low_server(handler, keepalive_timeout=0.05, head_timeout=0.05) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.receive()).text == "ok"


# Versions, methods, bad requests


async def test_http_1_0() -> None:
    async with low_server(ok) as low:
        answer = await low.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert answer.endswith(b"ok")
        connection = await low.connect()
        for _ in range(2):
            await connection.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = await connection.receive_head() + await connection.reader.readexactly(
                2 - len(connection._held)
            )
            connection._held = b""
            assert b"Connection: keep-alive\r\n" in answer


async def test_head_has_no_body_and_the_connection_goes_on() -> None:
    async with low_server(ok) as low:
        connection = await low.connect()
        await connection.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert b"Content-Length: 2\r\n" in await connection.receive_head()
        assert (await connection.receive()).text == "ok"


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(status: int) -> None:
    async def handler(request: Any) -> web.Response:
        return web.Response(status=status, body=None if status == 204 else b"dropped")

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET + GET)
        for _ in range(2):
            answer = await connection.receive()
            assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"G\x1b[31mT / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n" + bytes(1_000_000),
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_request_gets_a_sentence_and_one_line(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with low_server(ok) as low:
        answer = await low.ask(data, end=True)
    assert answer[:10] in (b"HTTP/1.1 4", b"HTTP/1.1 5")
    assert b"Connection: close\r\n" in answer
    assert answer.split(b"\r\n\r\n", 1)[1]
    (record,) = warnings_of(caplog.records)
    assert record.getMessage().isprintable()


async def test_a_bad_request_after_good_ones_ends_the_connection_after_their_answers() -> None:
    async with low_server(numbered) as low:
        good = b"".join(b"GET /?n=%d&pause=1 HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(3))
        answer = await low.ask(good + b"GET / HTTP/1.1\r\nHost : a\r\n\r\n" + GET)
    assert answer.count(b"200 OK") == 3
    assert answer.count(b"HTTP/1.1 400") == 1
    assert answer.rindex(b"200 OK") < answer.index(b"HTTP/1.1 400")


# Nothing stays


async def test_nothing_of_a_connection_stays() -> None:
    seen: list[weakref.ref[Any]] = []

    async def handler(request: Any) -> web.Response:
        seen.append(weakref.ref(request))
        await request.read()
        return web.Response(text="ok")

    async with low_server(handler) as low:
        for _ in range(10):
            connection = await low.connect()
            await connection.send(post(b"abc"))
            assert (await connection.receive("POST")).text == "ok"
            await connection.close()
        await eventually(lambda: not low.server.connections)
        gc.collect()
        assert [each() for each in seen] == [None] * 10


@pytest.mark.parametrize("level", [logging.WARNING, logging.INFO])
async def test_requests_are_counted_and_logged_with_their_time(
    level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, "tercel.access")

    async def handler(request: Any) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response(text="ok")

    logger = logging.getLogger("tercel.access")
    async with low_server(handler, access_log=logger, access_log_format="%s %Tf") as low:
        connection = await low.connect()
        for _ in range(2):
            await connection.send(GET)
            assert (await connection.receive()).text == "ok"
        await eventually(lambda: not low.server._tasks)
        assert len(low.server.connections) == 1
        assert low.server.requests_count == 2
    lines = [record.getMessage().split() for record in caplog.records]
    if level == logging.WARNING:
        assert not lines
    else:
        assert [line[0] for line in lines] == ["200", "200"]
        assert all(float(line[1]) >= 0.04 for line in lines)


@pytest.mark.parametrize(("status", "framed"), [(200, False), (403, True)])
async def test_connect_is_answered_without_framing_and_ends_the_connection(
    status: int, framed: bool
) -> None:
    async def handler(request: Any) -> web.Response:
        return web.Response(status=status)

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n")
        answer = await asyncio.wait_for(connection.reader.read(-1), 5)
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert (b"Content-Length" in answer) is framed
    assert b"Connection: close" in answer
