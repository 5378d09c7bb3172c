"""The session counter on a real Redis."""

import pytest

from tercel.test_utils import TestClient, TestServer
from tests.services import RedisServer

from .one_file import load


async def test_each_visitor_is_counted_alone(redis_server: RedisServer) -> None:
    redis = pytest.importorskip("redis.asyncio")
    module = load("session_counter")
    async with TestServer(module.make_app(redis_server.url)) as server:
        async with TestClient(server) as ada:
            for visits in (1, 2, 3):
                async with ada.get("/") as response:
                    assert (await response.text()).startswith(f"Visits: {visits}\n")
            async with redis.Redis.from_url(redis_server.url) as asked:
                (key,) = await asked.keys()
                assert key.startswith(b"AIOHTTP_SESSION_")
                assert 0 < await asked.ttl(key) <= 3600
                async with ada.post("/forget") as response:
                    assert (await response.text()).startswith("Visits: 1\nLast visited: None")
                assert await asked.keys() != [key]
