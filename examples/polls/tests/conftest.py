"""A database with the sample questions, and a client of the application that serves it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tercel.test_utils import TestClient, TestServer

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))


@pytest.fixture
async def database(tmp_path: Path) -> URL:
    from polls.init_db import init_db

    url = URL.create("sqlite", database=str(tmp_path / "polls.sqlite3"))
    await init_db(url)
    return url


@pytest.fixture
async def client(database: URL) -> AsyncIterator[TestClient]:
    from polls.app import make_app
    from polls.settings import Settings

    async with TestClient(TestServer(make_app(Settings(database=database)))) as client:
        yield client
