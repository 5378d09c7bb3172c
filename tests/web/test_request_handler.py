"""web.RequestHandler as a class of its own: settings of one connection, and what it offers."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tercel import web
from tests.web.serving import GET, Low, eventually, low_server


async def ok(request: Any) -> web.Response:
    return web.Response(text="ok")


@asynccontextmanager
async def tuned(low: Low, **settings: Any) -> Any:
    """A second port of the server, whose connections have settings of their own."""

    def make() -> web.RequestHandler:
        return web.RequestHandler(low.server, loop=asyncio.get_running_loop(), **settings)

    listener = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    other = Low(low.server, listener.sockets[0].getsockname()[1])
    try:
        yield other
    finally:
        listener.close()
        await other.close()


async def test_settings_hold_for_one_connection() -> None:
    seen: list[Any] = []

    async def handler(request: Any) -> web.Response:
        protocol = request.protocol
        seen.append(
            [protocol.keepalive_timeout, protocol.debug, protocol.logger.name]
            + [protocol.max_line_size, protocol.max_headers, protocol.max_field_size]
        )
        return web.Response()

    async with low_server(handler, keepalive_timeout=7) as low:
        settings: dict[str, Any] = {
            "keepalive_timeout": 3,
            "debug": True,
            "logger": logging.getLogger("other"),
            "max_line_size": 100,
            "max_headers": 3,
            "max_field_size": 200,
        }
        async with tuned(low, **settings) as other:
            for each in (low, other):
                connection = await each.connect()
                await connection.send(GET)
                assert (await connection.receive()).status == 200
            assert len(low.server.connections) == 2
            long = await other.ask(b"GET /" + bytes(100).replace(b"\0", b"a") + b" HTTP/1.1\r\n")
            assert long.startswith(b"HTTP/1.1 414 ")
    assert seen == [[7, False, "tercel.server", 8190, 128, 8190], [3, True, "other", 100, 3, 200]]
    assert low.server.requests_count == 2


async def test_no_keep_alive_for_one_connection() -> None:
    async with low_server(ok) as low, tuned(low, keepalive_timeout=0) as other:
        assert (await other.ask(GET)).endswith(b"\r\n\r\nok")


async def test_an_access_log_for_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("one.connection")
    caplog.set_level(logging.INFO, logger.name)
    async with low_server(ok) as low:
        async with tuned(low, access_log=logger, access_log_format="<%s>") as other:
            await (await low.connect()).send(GET)
            connection = await other.connect()
            await connection.send(GET)
            await connection.receive()
            await eventually(lambda: caplog.messages)
    assert caplog.messages == ["<200>"]


async def test_shutdown_of_the_server_ends_tuned_connections() -> None:
    async with low_server(ok) as low, tuned(low, debug=True) as other:
        connection = await other.connect()
        await eventually(lambda: low.server.connections)
        await low.server.shutdown(0.1)
        assert await connection.is_closed_by_server()


async def test_start_lasts_as_long_as_the_connection() -> None:
    protocols: list[Any] = []

    async def handler(request: Any) -> web.Response:
        protocols.append(request.protocol)
        return web.Response()

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        await connection.receive()
        lasting = asyncio.create_task(protocols[0].start())
        await asyncio.sleep(0.02)
        assert not lasting.done()
        connection.abort()
        await lasting
        await protocols[0].start()


@pytest.mark.loop_errors
async def test_error_pages() -> None:
    async def handler(request: Any) -> web.Response:
        protocol = request.protocol
        if request.path == "/said":
            page = protocol.handle_error(request, 418, None, "I am a teapot")
        else:
            page = protocol.handle_error(request, exc=ValueError("a mistake"))
        assert isinstance(page, web.Response)
        return page

    async with low_server(handler) as low:
        said = await low.ask(GET.replace(b"/ ", b"/said "))
        assert said.startswith(b"HTTP/1.1 418 ")
        assert said.endswith(b"\r\n\r\nI am a teapot")
        assert (await low.ask(GET)).startswith(b"HTTP/1.1 500 ")


async def test_no_error_page_once_an_answer_has_begun() -> None:
    raised: list[BaseException] = []

    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"piece")
        try:
            request.protocol.handle_error(request)
        except ConnectionError as error:
            raised.append(error)
        return response

    async with low_server(handler) as low:
        await (await low.connect()).send(GET)
        await eventually(lambda: raised)


async def test_finish_response_sends_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tercel.access")
    caplog.set_level(logging.INFO, logger.name)
    outcomes: list[Any] = []

    async def handler(request: Any) -> web.Response:
        response = web.Response(text="whole")
        now = asyncio.get_running_loop().time()
        outcomes.append(await request.protocol.finish_response(request, response, now - 2))
        assert outcomes[0][0] is response
        return response

    async with low_server(handler, access_log=logger, access_log_format="%s %T") as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.receive()).text == "whole"
        await eventually(lambda: "200 2" in caplog.messages)
    assert outcomes[0][1] is False


class Parser:
    """What `set_parser` wants."""

    def __init__(self) -> None:
        self.fed: list[bytes] = []
        self.ends = 0

    def feed_data(self, data: bytes) -> None:
        self.fed.append(data)

    def feed_eof(self) -> None:
        self.ends += 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_parser_takes_the_connection_over(at_once: bool) -> None:
    parser = Parser()
    told: list[bool] = []

    async def handler(request: Any) -> web.StreamResponse:
        request.protocol.set_parser(parser, lambda: told.append(True))
        request.transport.write(b"yours")
        while not parser.ends:
            await asyncio.sleep(0.005)
        return web.Response()

    def came(octets: bytes) -> Callable[[], bool]:
        return lambda: b"".join(parser.fed) == octets

    async with low_server(handler) as low:
        connection = await low.connect()
        if at_once:
            await connection.send(GET + b"\0not HTTP")
        else:
            await connection.send(GET)
            assert await connection.reader.readexactly(5) == b"yours"
            await connection.send(b"\0not HTTP")
        await eventually(came(b"\0not HTTP"))
        connection.writer.write_eof()
        await eventually(lambda: parser.ends)
        assert (await connection.receive_raw()).endswith(b"yours" if at_once else b"")
    assert told
    assert parser.ends == 1
