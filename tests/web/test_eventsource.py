"""EventSourceResponse over real sockets: events, pings, and every way in which a stream ends."""

import asyncio
import gc
import logging
import weakref
from typing import Any

import pytest

import tercel
from tercel import web
from tercel.wire.coding import make_decoder
from tercel.wire.sse import EventStreamDecoder, ServerSentEvent
from tests.live import serving
from tests.web.serving import eventually
from tests.web.test_compression import read_chunk

GET = b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n"


def app_of(handler: Any, *middlewares: Any) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app.router.add_get("/", handler)
    return app


async def listen(server: Any, fields: bytes = b"") -> Any:
    connection = await server.connect()
    await connection.send(GET % fields)
    connection.head = await connection.receive_head()
    return connection


async def test_a_stream_of_events() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse(retry=1500)
        with pytest.raises(RuntimeError, match="prepared"):
            events.last_event_id  # noqa: B018
        await events.prepare(request)
        assert not events.closed
        await events.send(f"after {events.last_event_id or 'nothing'}", id="8")
        await events.send("two\nlines", event="news")
        await events.send_json({"a": 1})
        await events.send_comment("no event")
        return events

    async with serving(app_of(handler)) as server:
        for fields, first in (((), "after nothing"), ([("Last-Event-ID", "7")], "after 7")):
            answer = await server.get("/", fields)
            assert answer["Content-Type"] == "text/event-stream"
            assert answer["Cache-Control"] == "no-store"
            assert answer["Transfer-Encoding"] == "chunked"
            assert answer["X-Accel-Buffering"] == "no"
            decoder = EventStreamDecoder()
            assert decoder.feed_data(answer.body) == [
                ServerSentEvent(first, id="8"),
                ServerSentEvent("two\nlines", "news", "8"),
                ServerSentEvent('{"a": 1}', id="8"),
            ]
            assert decoder.retry == 1500


async def test_headers_can_be_others() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse(
            status=201,
            headers={
                "Cache-Control": "no-cache",
                "Content-Type": "text/event-stream; charset=utf-8",
            },
        )
        await events.prepare(request)
        return events

    async with serving(app_of(handler)) as server:
        answer = await server.get("/")
        assert answer.status == 201
        assert answer["Cache-Control"] == "no-cache"
        assert answer["Content-Type"] == "text/event-stream; charset=utf-8"


async def test_pings_while_idle() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse(ping_interval=0.01)
        await events.prepare(request)
        await asyncio.Event().wait()
        return events

    for fields in (b"", b"Accept-Encoding: gzip\r\n"):
        async with serving(app_of(handler, web.compression_middleware())) as server:
            connection = await listen(server, fields)
            decoder = make_decoder("gzip")
            for _ in range(3):
                chunk = await read_chunk(connection)
                if fields:
                    chunk = decoder.decode(chunk, 1000)
                assert chunk == b": \n\n"
            connection.abort()


@pytest.mark.parametrize("interval", [0, -1])
def test_ping_interval(interval: float) -> None:
    with pytest.raises(ValueError, match="ping_interval"):
        web.EventSourceResponse(ping_interval=interval)


class Waiting:
    """A handler that waits for something that never comes, and notes how it ended."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.ends: list[str] = []
        self.events: Any = None

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse(**self.options)
        self.events = weakref.ref(events)
        await events.prepare(request)
        await events.send("welcome")
        try:
            if events._cancels_handler:
                await asyncio.Event().wait()
            await events.wait_closed()
            await events.wait_closed()
            self.ends.append(f"closed: {events.closed}")
            with pytest.raises(ConnectionResetError):
                await events.send("too late")
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        return events


@pytest.mark.parametrize("cancels", [True, False])
async def test_the_handler_ends_when_the_client_leaves(cancels: bool) -> None:
    handler = Waiting(cancels_handler=cancels)
    async with serving(app_of(handler.__call__)) as server:
        connection = await listen(server)
        assert b"welcome" in await read_chunk(connection)
        connection.abort()
        await eventually(lambda: handler.ends)
        assert handler.ends == (["cancelled"] if cancels else ["closed: True"])
        await eventually(lambda: not server.runner.server._tasks)
    gc.collect()
    assert handler.events() is None


@pytest.mark.parametrize("cancels", [True, False])
@pytest.mark.parametrize("fields", [b"", b"Accept-Encoding: br\r\n"])
async def test_shutdown_ends_the_stream_in_good_order(cancels: bool, fields: bytes) -> None:
    """The client sees the end of the body, not a cut; shutting down waits for nobody."""
    handler = Waiting(cancels_handler=cancels)
    app = app_of(handler.__call__, web.compression_middleware())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=30)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(GET % fields)
    head = await reader.readuntil(b"\r\n\r\n")
    assert (b"Content-Encoding: br" in head) is bool(fields)
    await reader.readuntil(b"\r\n")
    async with asyncio.timeout(10):
        await runner.cleanup()
        rest = await reader.read()
    assert rest.endswith(b"0\r\n\r\n")
    assert handler.ends == (["cancelled"] if cancels else ["closed: True"])
    writer.close()


@pytest.mark.parametrize("cancels", [True, False])
async def test_a_stream_is_logged_once_it_is_over(cancels: bool) -> None:
    lines: list[tuple[str, int]] = []

    class Log(tercel.abc.AbstractAccessLogger):
        @property
        def enabled(self) -> bool:
            return True

        def log(self, request: Any, response: Any, time: float) -> None:
            lines.append((request.path, response.status))

    handler = Waiting(cancels_handler=cancels)
    runner = web.AppRunner(
        app_of(handler.__call__),
        access_log=logging.getLogger("test"),
        access_log_class=Log,
        shutdown_timeout=5,
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    writers = []
    try:
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
            writers.append(writer)
            writer.write(GET % b"")
            await reader.readuntil(b"welcome")
        assert not lines
        writers[0].transport.abort()
        await eventually(lambda: lines)
        assert len(lines) == 1
    finally:
        await runner.cleanup()
        for writer in writers:
            writer.close()
    await eventually(lambda: len(lines) == 2)
    assert lines == [("/", 200)] * 2


async def test_head_is_answered_and_over() -> None:
    handler = Waiting()
    app = app_of(handler.__call__)
    async with serving(app) as server:
        async with asyncio.timeout(10):
            answer = await server.request("HEAD", "/")
        assert answer["Content-Type"] == "text/event-stream"
        await eventually(lambda: not server.runner.server._tasks)


async def test_http_10() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse()
        await events.prepare(request)
        await events.send("x")
        return events

    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        await connection.send(b"GET / HTTP/1.0\r\n\r\n")
        raw = await connection.receive_raw()
        assert b"chunked" not in raw
        assert raw.endswith(b"\r\n\r\ndata: x\n\n")


async def test_a_slow_reader_is_waited_for_and_nothing_is_lost() -> None:
    count = 400
    sent: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        events = web.EventSourceResponse(ping_interval=0.001)
        await events.prepare(request)
        for number in range(count):
            await events.send("x" * 20_000, id=str(number))
            sent.append(number)
        return events

    async with serving(app_of(handler)) as server:
        connection = await listen(server)
        await asyncio.sleep(0.2)
        assert len(sent) < count
        decoder, seen = EventStreamDecoder(), []
        while len(seen) < count:
            seen += decoder.feed_data(await read_chunk(connection))
        assert [int(event.id) for event in seen] == list(range(count))


async def test_not_prepared() -> None:
    with pytest.raises(RuntimeError, match="before prepare"):
        await web.EventSourceResponse().send("x")
