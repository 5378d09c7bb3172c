"""Family 30, the server's side: a connection is used again only where both ends agree on it."""

from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.web.serving import GET

EXPECT = b"POST /%b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"


def site() -> Any:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=(await request.read()).decode())

    async def ignore(request: web.Request) -> web.Response:
        return web.Response(text="ignored")

    async def refuse(request: web.Request) -> None:
        raise web.HTTPExpectationFailed

    app = web.Application()
    app.router.add_post("/read", read)
    app.router.add_post("/ignore", ignore)
    app.router.add_post("/refuse", ignore, expect_handler=refuse)
    app.router.add_get("/", ignore)
    return app


async def test_continue_is_sent_once_and_the_connection_goes_on() -> None:
    async with serving(site()) as server:
        connection = await server.connect()
        for _ in range(2):
            await connection.send(EXPECT % b"read")
            assert await connection.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await connection.send(b"abc")
            assert (await connection.receive("POST")).text == "abc"


async def test_a_body_that_was_asked_for_and_not_read_is_read_over() -> None:
    async with serving(site()) as server:
        connection = await server.connect()
        for _ in range(2):
            await connection.send(EXPECT % b"ignore")
            assert (await connection.receive("POST")).interim == [100]
            await connection.send(b"abc")
        await connection.send(GET)
        assert (await connection.receive()).text == "ignored"


@pytest.mark.parametrize("target", [b"refuse", b"nowhere"])
async def test_a_body_that_may_not_come_ends_the_connection(target: bytes) -> None:
    """After the answer the next octets may be the body or a request: nobody can tell."""
    async with serving(site()) as server:
        connection = await server.connect()
        await connection.send(EXPECT % target)
        await connection.send(GET)
        answer = await connection.receive_raw()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close\r\n" in answer


@pytest.mark.parametrize("value", [b"200-ok", b"100-continue, x"])
async def test_another_expectation_is_417(value: bytes) -> None:
    async with serving(site()) as server:
        connection = await server.connect()
        await connection.send((EXPECT % b"read").replace(b"100-continue", value))
        assert (await connection.receive("POST")).status == 417
