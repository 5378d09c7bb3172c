"""The application, put together from its parts."""

from typing import Any

import jinja2

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web
from tercel.ext import db, security
from tercel.ext.forwarded import forwarded_middleware
from tercel.ext.security import SessionIdentityPolicy, csrf_middleware, csrf_processor, current_user
from tercel.ext.session import session_middleware
from tercel.ext.session.sql_storage import SQLStorage

from .config import Settings
from .keys import SETTINGS
from .middlewares import error_pages
from .permissions import make_permissions
from .urls import setup_urls

LOGIN_TIME = 14 * 24 * 3600  # seconds
#: A picture, its form, and room for the text.
MAX_REQUEST = (5 << 20) + (1 << 20)  # octets


def make_app(settings: Settings) -> web.Application:
    """An application that is ready to be served; it opens its database when it starts."""
    app = web.Application(client_max_size=MAX_REQUEST)
    app[SETTINGS] = settings
    settings.uploads.mkdir(parents=True, exist_ok=True)
    # From the outside in: the session is saved when all else is done; a page for an error may
    # name the user; what is forged reaches neither database nor handler.
    setup_templates(app)
    app.middlewares.append(error_pages)
    app.middlewares.append(csrf_middleware())
    database = db.setup(app, settings.database)
    sessions = SQLStorage(database, max_age=LOGIN_TIME)
    app.middlewares.insert(0, session_middleware(sessions))
    # What nginx on this machine says of clients: behind its TLS, cookies are for https alone.
    app.middlewares.insert(0, forwarded_middleware())
    security.setup(app, SessionIdentityPolicy(), make_permissions(database))
    setup_urls(app)
    return app


def setup_templates(app: web.Application) -> None:
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("blog", "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        context_processors=[page_processor],
    )


async def page_processor(request: web.Request) -> dict[str, Any]:
    """`user` (None for a stranger) and `csrf_field()` in templates; files need neither."""
    if request.match_info.route.name in ("static", "uploads"):
        return {}
    return {"user": await current_user(request), **await csrf_processor(request)}
