"""How often a client may ask: the arithmetic, both stores, the middleware, the decorator."""

import asyncio
import logging
from typing import Any

import pytest

from tercel import web
from tercel.ext.security import (
    MemoryRates,
    Rate,
    RateStore,
    client_address,
    rate_limit,
    rate_limit_middleware,
    setup_rates,
)
from tercel.ext.security.rates import RateStoreError, Verdict
from tercel.ext.security.redis_rates import RedisRates
from tercel.test_utils import TestClient, TestServer
from tests.services import RedisServer


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


@pytest.mark.parametrize(
    ("text", "limit", "period"),
    [
        ("5/minute", 5, 60),
        ("100 / 15 minutes", 100, 900),
        ("1/second", 1, 1),
        (" 7/2hours ", 7, 7200),
        ("9/day", 9, 86400),
    ],
)
def test_rates(text: str, limit: int, period: int) -> None:
    assert Rate.parse(text) == Rate(limit, period)
    assert Rate.parse(Rate(limit, period)) == Rate(limit, period)


@pytest.mark.parametrize("text", ["", "5", "5/", "x/minute", "0/minute", "5/0 minutes", "-1/day"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="a rate "):
        Rate.parse(text)


async def test_all_at_once_then_evenly() -> None:
    clock = Clock()
    store = MemoryRates(clock=clock)
    rate = Rate(3, 60)
    assert [await store.take("a", rate) for _ in range(4)] == [
        Verdict(True, 2, 20.0, 0.0),
        Verdict(True, 1, 40.0, 0.0),
        Verdict(True, 0, 60.0, 0.0),
        Verdict(False, 0, 60.0, 20.0),
    ]
    assert (await store.take("b", rate)).allowed
    clock.go(19)
    assert await store.take("a", rate) == Verdict(False, 0, 41.0, 1.0)
    clock.go(1)
    assert await store.take("a", rate) == Verdict(True, 0, 60.0, 0.0)
    clock.go(3600)
    assert await store.take("a", rate) == Verdict(True, 2, 20.0, 0.0)


async def test_no_window_lets_twice_as_many_pass() -> None:
    clock = Clock()
    store = MemoryRates(clock=clock)
    passed = 0
    for _ in range(120):  # two requests a second for a minute
        passed += (await store.take("a", Rate(10, 60))).allowed
        clock.go(0.5)
    assert passed == 19  # 10 at once, and those that came back meanwhile


async def test_memory_is_bounded() -> None:
    store = MemoryRates(3)
    for name in "abcade":
        await store.take(name, Rate(1, 60))
    assert len(store) == 3
    assert not (await store.take("a", Rate(1, 60))).allowed
    assert (await store.take("b", Rate(1, 60))).allowed


@pytest.mark.parametrize(
    ("remote", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("strange:name", "strange:name"),
        (None, None),
    ],
)
def test_addresses(remote: str | None, key: str | None) -> None:
    class Request:
        pass

    request: Any = Request()
    request.remote = remote
    assert client_address(request) == key


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def refuse(request: web.Request) -> web.Response:
    raise web.HTTPForbidden


@rate_limit("2/hour", name="login")
async def log_in(request: web.Request) -> web.Response:
    return web.Response(text="in")


class View(web.View):
    @rate_limit("1/hour")
    async def get(self) -> web.Response:
        return web.Response(text="view")


def make_app(*middlewares: Any) -> web.Application:
    app = web.Application(middlewares=middlewares)
    app.add_routes(
        [
            web.get("/", hello),
            web.get("/refuse", refuse),
            web.get("/login", log_in),
            web.get("/view", View),
        ]
    )
    return app


async def test_middleware() -> None:
    app = make_app(rate_limit_middleware("3/hour"))
    async with TestClient(TestServer(app)) as client:
        for path, status, remaining in (("/", 200, 2), ("/refuse", 403, 1), ("/nowhere", 404, 0)):
            async with client.get(path) as response:
                assert response.status == status
                assert response.headers["RateLimit-Policy"] == '"default";q=3;w=3600'
                assert response.headers["RateLimit"].startswith(f'"default";r={remaining};t=')
                assert "Retry-After" not in response.headers
        async with client.get("/") as response:
            assert response.status == 429
            assert 1100 <= int(response.headers["Retry-After"]) <= 1200
            assert response.headers["RateLimit"].startswith('"default";r=0;t=')
            text = await response.text()
            assert text.startswith("429: 3 requests in 3600 seconds are allowed here; the next ")


async def test_decorator_and_both() -> None:
    app = make_app(rate_limit_middleware("100/hour"))
    setup_rates(app, MemoryRates())
    async with TestClient(TestServer(app)) as client:
        for status in (200, 200, 429):
            async with client.get("/login") as response:
                assert response.status == status
                policy = response.headers["RateLimit-Policy"]
                assert policy == '"login";q=2;w=3600, "default";q=100;w=3600'
        for status in (200, 429):
            async with client.get("/view") as response:
                assert response.status == status
        async with client.get("/") as response:
            assert response.status == 200


async def test_keys() -> None:
    def who(request: web.Request) -> str | None:
        return request.query.get("who")

    async with TestClient(TestServer(make_app(rate_limit_middleware("1/day", key=who)))) as client:
        for path, status in (
            ("/?who=a", 200),
            ("/?who=a", 429),
            ("/?who=b", 200),
            ("/", 200),
            ("/", 200),
        ):
            async with client.get(path) as response:
                assert response.status == status
    with pytest.raises(ValueError, match="the name of a limit"):
        rate_limit_middleware("1/day", name='a"b')


async def test_streams_are_left_alone() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    app = make_app(rate_limit_middleware("1/day"))
    app.router.add_get("/stream", stream)
    async with TestClient(TestServer(app)) as client, client.get("/stream") as response:
        assert response.status == 200
        assert "RateLimit" not in response.headers


class Broken(RateStore):
    async def take(self, key: str, rate: Rate) -> Verdict:
        raise RateStoreError("nobody is there")


async def test_a_store_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    for refuse_on_failure, status in ((False, 200), (True, 503)):
        limit = rate_limit_middleware("1/day", store=Broken(), refuse_on_failure=refuse_on_failure)
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            async with TestClient(TestServer(make_app(limit))) as client:
                for _ in range(3):
                    async with client.get("/") as response:
                        assert response.status == status
            told = [record for record in caplog.records if record.name == "tercel.ext.security"]
            assert [record.getMessage() for record in told] == [
                "requests are not limited, or refused, meanwhile: nobody is there"
            ]


async def test_redis(redis_server: RedisServer) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(redis_server.url) as redis, Redis.from_url(redis_server.url) as two:
        stores = [RedisRates(redis), RedisRates(two)]
        rate = Rate(20, 86400)
        # Two processes' worth of stores, all at once: as many pass as may.
        verdicts = await asyncio.gather(*(stores[n % 2].take("a", rate) for n in range(60)))
        assert sum(verdict.allowed for verdict in verdicts) == 20
        last = await stores[0].take("a", rate)
        assert not last.allowed
        assert 4000 < last.retry_after <= 4320
        first = await stores[0].take("b", rate)
        assert (first.allowed, first.remaining) == (True, 19)
        assert 4310 < first.reset <= 4320
        assert set(await redis.keys("*")) == {b"rate:a", b"rate:b"}
        assert 86300 < await redis.ttl("rate:a") <= 86400
        redis_server.stop()
        with pytest.raises(RateStoreError, match="Redis does not answer"):
            await stores[0].take("a", rate)
