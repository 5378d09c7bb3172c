"""The last moments of a server: who has come is heard, who asks once more is told to go."""

import asyncio
import socket
from typing import Any

import pytest

from tercel import web
from tercel.web.drain import drain
from tests.certificates import client_context, server_context
from tests.cli.program import ask

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def start(**settings: Any) -> Any:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, **settings).start()
    return runner


async def stop(runner: Any, **limits: Any) -> "asyncio.Task[None]":
    for site in runner.sites:
        await site.stop()
    return asyncio.create_task(drain(runner.server, **limits))


async def until_accepted(runner: Any) -> None:
    async with asyncio.timeout(10):
        while not (runner.server.expected or runner.server.connections):
            await asyncio.sleep(0)


async def test_a_connection_that_has_said_nothing_is_heard() -> None:
    runner = await start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    await asyncio.sleep(0.01)
    draining = await stop(runner, first=20)
    await asyncio.sleep(0.05)
    assert not draining.done()
    assert await ask(reader, writer) == "hello"
    await draining
    await runner.cleanup()


async def test_a_connection_that_the_loop_has_only_just_accepted_is_heard() -> None:
    runner = await start()
    with socket.create_connection(runner.addresses[0]) as peer:
        peer.sendall(REQUEST)
        # The loop has made a protocol of it, which learns of its transport in a later turn.
        await until_accepted(runner)
        await (await stop(runner, first=20))
        await runner.cleanup()
        peer.settimeout(10)
        assert b"200 OK" in peer.recv(1000)


async def test_an_idle_one_may_ask_once_more_and_is_told_that_it_was_the_last() -> None:
    runner = await start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    assert await ask(reader, writer) == "hello"
    draining = await stop(runner, idle=20)
    await asyncio.sleep(0.05)
    writer.write(REQUEST)
    answer = (await reader.read()).decode()
    assert "connection: close" in answer.lower()
    await draining
    writer.close()
    await runner.cleanup()


@pytest.mark.parametrize("limits", [{"first": 0.05, "idle": 0.05}, {"is_hurried": lambda: True}])
async def test_nobody_is_waited_for_without_end(limits: Any) -> None:
    runner = await start()
    silent = await asyncio.open_connection(*runner.addresses[0])
    idle = await asyncio.open_connection(*runner.addresses[0])
    await ask(*idle)
    await (await stop(runner, **limits))
    await runner.cleanup()
    for reader, writer in (silent, idle):
        assert await reader.read() == b""
        writer.close()


async def test_a_handshake_under_way_is_waited_for() -> None:
    runner = await start(ssl_context=server_context())
    address = runner.addresses[0]
    peer = socket.create_connection(address)
    peer.setblocking(False)
    await until_accepted(runner)
    draining = await stop(runner, first=20)
    reader, writer = await asyncio.open_connection(
        sock=peer, ssl=client_context(), server_hostname="localhost"
    )
    assert await ask(reader, writer) == "hello"
    writer.close()
    await draining
    await runner.cleanup()
