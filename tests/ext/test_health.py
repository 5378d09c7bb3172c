"""/healthz: well, failing, slow, and on its way out."""

import asyncio

import pytest

from tercel import web
from tercel.ext.health import setup_health
from tests.live import serving


async def test_it_is_well_where_all_checks_pass() -> None:
    app = web.Application()
    database = ["there"]

    async def check(app: web.Application) -> bool:
        return bool(database)

    setup_health(app, {"database": check})
    async with serving(app) as server:
        answer = await server.request("GET", "/healthz")
        assert (answer.status, answer.text) == (200, '{"status": "ok"}')
        assert answer["Cache-Control"] == "no-store"
        database.clear()
        answer = await server.request("GET", "/healthz")
    assert answer.status == 503
    assert answer.text == '{"status": "failing", "failed": ["database"]}'


async def test_what_fails_and_what_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application()

    async def fail(app: web.Application) -> None:
        raise RuntimeError("password=secret")

    async def hang(app: web.Application) -> None:
        await asyncio.Event().wait()

    async def fine(app: web.Application) -> None:
        return None

    setup_health(app, {"a": fail, "b": hang, "c": fine}, path="/ready", timeout=0.05)
    async with serving(app) as server:
        answer = await server.request("GET", "/ready")
    assert answer.text == '{"status": "failing", "failed": ["a", "b"]}'
    assert "secret" not in answer.text
    assert "the check 'b' took longer than 0.05 seconds" in caplog.text


async def test_who_leaves_says_so() -> None:
    app = web.Application()
    setup_health(app)
    reached = asyncio.Event()
    going = asyncio.Event()

    async def down(app: web.Application) -> None:
        going.set()

    app.on_shutdown.append(down)
    route = next(iter(app.router["health"]))

    async def ask_late(request: web.Request) -> web.StreamResponse:
        reached.set()
        await going.wait()
        return await route.handler(request)

    app.router.add_get("/late", ask_late)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
    await reached.wait()
    await runner.cleanup()
    assert b"503 Service Unavailable" in (answer := await reader.read())
    assert answer.endswith(b'{"status": "leaving"}')
    writer.close()
