"""A blog of its own for each test, on SQLite, and people who visit it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tercel import ClientSession, CookieJar
from tercel.test_utils import TestServer

from .people import Visitor

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

pytest.importorskip("alembic")
pytest.importorskip("argon2")


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/blog.sqlite3"


@pytest.fixture
async def server(database: str, tmp_path: Path) -> AsyncIterator[TestServer]:
    from blog.app import make_app
    from blog.config import Settings
    from blog.db import migrate

    await migrate(database)
    settings = Settings(database=database, uploads=tmp_path / "uploads")
    async with TestServer(make_app(settings)) as server:
        yield server


@pytest.fixture
async def visitors(server: TestServer) -> AsyncIterator[Any]:
    """`visitors()` is somebody new at each call."""
    sessions: list[ClientSession] = []

    def arrive() -> Visitor:
        session = ClientSession(cookie_jar=CookieJar(unsafe=True))
        sessions.append(session)
        return Visitor(server, session)

    yield arrive
    for session in sessions:
        await session.close()


@pytest.fixture
async def visitor(visitors: Any) -> Visitor:
    made: Visitor = visitors()
    return made
