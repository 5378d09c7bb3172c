"""A web application on a real socket, and a client of neither library to ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tercel import web
from tests.documented.neutral import Server

__all__ = ("serving",)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Server]:
    """Serve `app` on an ephemeral port of 127.0.0.1 for as long as the block lasts."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = Server(runner, site, "127.0.0.1", runner.addresses[0][1])
    try:
        yield server
    finally:
        await server.close()
