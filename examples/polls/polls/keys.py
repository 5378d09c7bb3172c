"""Where the application keeps what its views share: `request.app[SESSIONS]` and the like."""

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tercel import web

from .settings import Settings

SETTINGS = web.AppKey("SETTINGS", Settings)
SESSIONS = web.AppKey("SESSIONS", async_sessionmaker[AsyncSession])
