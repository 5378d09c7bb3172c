"""Jobs of an application: spawned by handlers, ended with it, before what they use is closed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tercel import web
from tercel.ext.jobs import (
    atomic,
    get_scheduler,
    get_scheduler_from_app,
    get_scheduler_from_request,
    setup,
    shield,
    spawn,
)
from tercel.test_utils import TestClient, TestServer, make_mocked_request

ROOT = web.AppKey("ROOT", web.Application)
STEPS = web.AppKey("STEPS", list[str])
GO = web.AppKey("GO", asyncio.Event)


async def work(app: web.Application) -> None:
    app[STEPS].append("began")
    try:
        await app[GO].wait()
    finally:
        app[STEPS].append("ended")


async def begin(request: web.Request) -> web.Response:
    job = await spawn(request, work(request.config_dict[ROOT]))
    assert job in get_scheduler(request)
    return web.Response(text="begun")


async def protect(request: web.Request) -> web.Response:
    await shield(request, work(request.config_dict[ROOT]))
    return web.Response()


@atomic
async def whole(request: web.Request) -> web.Response:
    await work(request.config_dict[ROOT])
    return web.Response(text="whole")


@atomic
async def raising(request: web.Request) -> web.Response:
    raise web.HTTPFound("/elsewhere")


class View(web.View):
    @atomic
    async def get(self) -> web.Response:
        return web.Response(text=self.request.path)


class Group:
    @atomic
    async def get(self, request: web.Request) -> web.Response:
        return web.Response(text=f"group {request.path}")


def make_app(**options: Any) -> web.Application:
    app = web.Application()
    app[ROOT] = app
    app[STEPS] = []
    app[GO] = asyncio.Event()

    async def database(app: web.Application) -> AsyncIterator[None]:
        yield
        app[STEPS].append("closed")

    setup(app, **options)
    app.cleanup_ctx.append(database)
    app.add_routes(
        [
            web.get("/begin", begin),
            web.get("/protect", protect),
            web.get("/whole", whole),
            web.get("/raising", raising),
            web.view("/view", View),
            web.get("/group", Group().get),
        ]
    )
    inner = web.Application()
    inner.router.add_get("/begin", begin)
    app.add_subapp("/inner", inner)
    return app


@pytest.mark.parametrize("path", ["/begin", "/inner/begin"])
async def test_jobs_end_before_what_they_use(path: str) -> None:
    app = make_app()
    async with TestClient(TestServer(app)) as client:
        async with client.get(path) as response:
            assert await response.text() == "begun"
        await asyncio.sleep(0)
        assert app[STEPS] == ["began"]
        asyncio.get_running_loop().call_later(0.05, app[GO].set)
    assert app[STEPS] == ["began", "ended", "closed"]
    scheduler = get_scheduler_from_app(app)
    assert scheduler is not None
    assert scheduler.closed


async def test_jobs_that_take_too_long_are_cancelled() -> None:
    app = make_app(wait_timeout=0.01)
    async with TestClient(TestServer(app)) as client, client.get("/begin"):
        pass
    assert app[STEPS] == ["began", "ended", "closed"]


@pytest.mark.parametrize("path", ["/whole", "/protect"])
async def test_a_client_that_goes_does_not_cancel_it(path: str) -> None:
    app = make_app()
    server = TestServer(app)
    await server.start_server(handler_cancellation=True)
    async with TestClient(server) as client:
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while not app[STEPS]:
            await asyncio.sleep(0.01)
        writer.transport.abort()
        for _ in range(2):
            async with client.get("/view") as response:
                assert await response.text() == "/view"
        assert app[STEPS] == ["began"]
        app[GO].set()
    assert app[STEPS] == ["began", "ended", "closed"]


async def test_atomic_answers() -> None:
    app = make_app()
    app[GO].set()
    async with TestClient(TestServer(app)) as client:
        async with client.get("/whole") as response:
            assert await response.text() == "whole"
        async with client.get("/group") as response:
            assert await response.text() == "group /group"
        async with client.get("/raising", allow_redirects=False) as response:
            assert response.status == 302


async def test_a_start_that_fails_leaves_no_job() -> None:
    app = make_app()

    async def fail(app: web.Application) -> None:
        scheduler = get_scheduler_from_app(app)
        assert scheduler is not None
        await scheduler.spawn(work(app))
        await asyncio.sleep(0)
        raise ValueError("a failure of the test")

    app.on_startup.append(fail)
    runner = web.AppRunner(app)
    with pytest.raises(ValueError, match="a failure"):
        await runner.setup()
    await runner.cleanup()
    assert app[STEPS][:2] == ["began", "closed"] or app[STEPS][:2] == ["began", "ended"]
    assert "ended" in app[STEPS]


async def test_without_setup() -> None:
    app = web.Application()
    request = make_mocked_request("GET", "/", app=app)
    assert get_scheduler_from_app(app) is None
    assert get_scheduler_from_request(request) is None
    with pytest.raises(RuntimeError, match=r"Call aiojobs\.aiohttp\.setup"):
        get_scheduler(request)
    with pytest.raises(RuntimeError, match=r"Call aiojobs\.aiohttp\.setup"):
        await spawn(request, asyncio.sleep(0))
    app = make_app()
    with pytest.raises(RuntimeError, match="has a scheduler already"):
        setup(app)
