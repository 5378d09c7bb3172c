"""The application, put together from its parts."""

from collections.abc import AsyncIterator

import jinja2
from sqlalchemy.ext.asyncio import async_sessionmaker

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web

from .db import DatabaseError, connect, has_tables, name_database
from .keys import SESSIONS, SETTINGS
from .middlewares import setup_middlewares
from .routes import setup_routes
from .settings import Settings


def make_app(settings: Settings) -> web.Application:
    """An application that is ready to be served; it opens its database when it starts."""
    app = web.Application()
    app[SETTINGS] = settings
    setup_templates(app)
    setup_routes(app)
    setup_middlewares(app)
    app.cleanup_ctx.append(database_context)
    return app


def setup_templates(app: web.Application) -> None:
    app[aiohttp_jinja2.static_root_key] = "/static/"
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("polls", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        context_processors=[aiohttp_jinja2.request_processor],
    )


async def database_context(app: web.Application) -> AsyncIterator[None]:
    """Up to `yield` when the application starts, the rest when it ends."""
    url = app[SETTINGS].database
    async with connect(url) as engine:
        if not await has_tables(engine):
            raise DatabaseError(
                f"The database {name_database(url)} has no tables yet: "
                "run `python -m polls.init_db` first."
            )
        app[SESSIONS] = async_sessionmaker(engine, expire_on_commit=False)
        yield
