"""The application, put together from its parts."""

from collections.abc import AsyncIterator

from tercel import web

from .board import Board, MemoryBoard
from .hub import Hub
from .views import HUB, STATIC, index, talk


def make_app(board: Board | None = None) -> web.Application:
    """An application that is ready to be served; without `board` it is alone."""
    app = web.Application()
    app[HUB] = Hub(board or MemoryBoard())
    app.router.add_get("/", index)
    app.router.add_get("/rooms/{room}/socket", talk)
    app.router.add_static("/static/", STATIC)
    app.cleanup_ctx.append(hub_context)
    app.on_shutdown.append(say_goodbye)
    return app


async def hub_context(app: web.Application) -> AsyncIterator[None]:
    async with app[HUB].run():
        yield


async def say_goodbye(app: web.Application) -> None:
    """Close the sockets with 1001, so that the pages look for another worker."""
    await app[HUB].close()
