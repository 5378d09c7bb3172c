"""Family 37: answers 404 and 405 that pass through middlewares keep no memory [CVE-2024-52303]."""

import gc
from typing import Any

import pytest

from tercel import web
from tests.live import serving


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_many_different_misses(method: str) -> None:
    @web.middleware
    async def through(request: web.Request, handler: Any) -> Any:
        return await handler(request)

    async def ok(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application(middlewares=[through])
    app.router.add_get("/{name}/known", ok)
    async with serving(app) as server:
        connection = await server.connect()

        async def miss(first: int, count: int) -> None:
            for n in range(first, first + count):
                target = f"/{n}/known" if method == "POST" else f"/{n}"
                answer = await connection.request(method, target)
                assert answer.status == (405 if method == "POST" else 404)

        await miss(0, 100)
        gc.collect()
        before = len(gc.get_objects())
        await miss(100, 300)
        gc.collect()
        assert len(gc.get_objects()) - before < 150
