"""The same application on PostgreSQL: only the line `database` of the settings differs."""

import asyncio
from pathlib import Path

import pytest

from polls.app import make_app
from polls.init_db import init_db
from polls.settings import load_settings
from tercel.test_utils import TestClient, TestServer

pytest.importorskip("asyncpg")


@pytest.mark.slow
async def test_votes_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    path = tmp_path / "polls.yaml"
    path.write_text(f"database: {postgres_url}\n", encoding="utf-8")
    settings = load_settings(path)
    assert await init_db(settings.database) == 4
    assert await init_db(settings.database) == 0

    async with TestClient(TestServer(make_app(settings))) as client:

        async def vote() -> str:
            async with client.post("/question/4", data={"choice": "12"}) as response:
                assert response.status == 200
                return await response.text()

        pages = await asyncio.gather(*(vote() for _ in range(20)))
        assert all("Thank you!" in page for page in pages)
        async with client.get("/question/4/results") as response:
            assert "20 votes" in await response.text()
