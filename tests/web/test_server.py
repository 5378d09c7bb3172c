import asyncio
import logging
from typing import Any

import pytest

from tercel import web
from tercel.web.accesslog import AccessLogger
from tests.web.serving import GET, eventually, low_server


async def ok(request: Any) -> web.Response:
    return web.Response(text="ok")


async def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(TypeError):
        web.Server(ok, no_such_setting=1)  # type: ignore[call-arg]


async def test_shutdown_closes_idle_waits_for_busy_and_cancels_the_endless() -> None:
    ends: list[str] = []
    begun: list[str] = []

    async def handler(request: Any) -> web.StreamResponse:
        kind = request.path[1:]
        begun.append(kind)
        try:
            if kind == "busy":
                await asyncio.sleep(0.1)
            elif kind == "endless":
                await asyncio.sleep(1000)
            elif kind == "stream":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(5):
                    await response.write(b"piece")
                    await asyncio.sleep(0.02)
                ends.append(kind)
                return response
            ends.append(kind)
        except asyncio.CancelledError:
            ends.append(f"{kind} cancelled")
            raise
        return web.Response(text=kind)

    async with low_server(handler) as low:
        made = {}
        for kind in ("idle", "busy", "endless", "stream"):
            made[kind] = await low.connect()
            await made[kind].send(GET.replace(b"/ ", b"/" + kind.encode() + b" "))
        assert (await made["idle"].receive()).text == "idle"
        fresh = await low.connect()
        await eventually(lambda: len(begun) == 4 and len(low.server.connections) == 5)
        await low.server.shutdown(0.5)
        assert await made["idle"].is_closed_by_server()
        assert await fresh.is_closed_by_server()
        busy = await made["busy"].receive_raw()
        assert busy.endswith(b"busy")
        assert b"Connection: close\r\n" in busy
        assert (await made["stream"].receive_raw()).endswith(b"0\r\n\r\n")
        assert await made["endless"].is_closed_by_server()
        assert sorted(ends) == ["busy", "endless cancelled", "idle", "stream"]
        assert not low.server.connections


async def test_shutdown_under_load_answers_whole_or_not_at_all() -> None:
    async def handler(request: Any) -> web.Response:
        await asyncio.sleep(0.001)
        return web.Response(body=bytes(10_000))

    async with low_server(handler) as low:
        received: list[bytes] = []

        async def press() -> None:
            connection = await low.connect()
            got = b""
            try:
                connection.writer.write(GET * 500)
                while data := await connection.reader.read(65536):
                    got += data
            except ConnectionError:
                pass
            received.append(got)

        pressing = [asyncio.ensure_future(press()) for _ in range(20)]
        await asyncio.sleep(0.05)
        await low.server.shutdown(5)
        await asyncio.gather(*pressing)
    assert len(received) == 20
    for got in received:
        *_, last = got.split(b"HTTP/1.1 200 OK\r\n")
        assert len(last.partition(b"\r\n\r\n")[2]) == 10_000


async def test_a_handler_that_refuses_to_be_cancelled_does_not_hold_the_shutdown() -> None:
    release = asyncio.Event()
    begun = asyncio.Event()

    async def handler(request: Any) -> web.Response:
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return web.Response(text="late")

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        await begun.wait()
        await low.server.shutdown(0.05)
        assert await connection.is_closed_by_server()
        release.set()
        await eventually(lambda: not low.server._tasks)


async def test_what_a_connection_tells() -> None:
    seen: dict[str, Any] = {}

    async def handler(request: Any) -> web.Response:
        protocol = request.protocol
        assert isinstance(protocol, web.RequestHandler)
        for name in (
            "peername",
            "sockname",
            "ssl_context",
            "logger",
            "debug",
            "keepalive_timeout",
            "access_log",
            "access_logger",
            "max_line_size",
            "max_field_size",
            "max_headers",
        ):
            seen[name] = getattr(protocol, name)
        protocol.keep_alive(False)
        return web.Response(text="ok")

    logger = logging.getLogger("tests.server")
    async with low_server(
        handler, logger=logger, access_log=logger, max_line_size=100, max_field_size=200
    ) as low:
        answer = await low.ask(GET)
        assert b"Connection: close\r\n" in answer
        assert seen["sockname"] == ("127.0.0.1", low.port)
        assert seen["peername"][0] == "127.0.0.1"
        assert seen["ssl_context"] is None
        assert seen["logger"] is seen["access_log"] is logger
        assert isinstance(seen["access_logger"], AccessLogger)
        assert (seen["max_line_size"], seen["max_field_size"], seen["max_headers"]) == (
            100,
            200,
            128,
        )


@pytest.mark.parametrize("timeout", [0.05, 5.0])
async def test_one_connection_is_shut_down(timeout: float) -> None:
    async def handler(request: Any) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response(text="ok")

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        await eventually(lambda: low.server._tasks)
        await low.server.connections[0].shutdown(timeout)
        try:
            data = await connection.receive_raw()
        except ConnectionError:
            data = b""
        assert data.endswith(b"ok") == (timeout > 1)


async def test_an_access_logger_that_fails_spoils_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(AccessLogger):
        def log(self, request: Any, response: Any, time: float) -> None:
            raise ValueError("broken logger")

    caplog.set_level(logging.INFO)
    logger = logging.getLogger("tercel.access")
    async with low_server(ok, access_log=logger, access_log_class=Failing) as low:
        connection = await low.connect()
        for _ in range(2):
            await connection.send(GET)
            assert (await connection.receive()).text == "ok"
    assert sum("access logger failed" in each.getMessage() for each in caplog.records) == 2
