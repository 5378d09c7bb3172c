"""Sessions: the mapping, the middleware, what is saved and when, keys and cookies."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet

from tercel import web
from tercel.ext.session import (
    Session,
    SessionTooLarge,
    SimpleCookieStorage,
    get_session,
    new_session,
    save_session,
    session_middleware,
    setup,
)
from tercel.ext.session.cookie_storage import EncryptedCookieStorage
from tercel.test_utils import TestClient, TestServer, make_mocked_request
from tests.services import RedisServer


@asynccontextmanager
async def client_of(handler: Any, storage: Any = None, **options: Any) -> AsyncIterator[TestClient]:
    app = web.Application()
    setup(app, storage if storage is not None else SimpleCookieStorage(**options))
    app.router.add_get("/", handler)
    app.router.add_get("/{more}", handler)
    async with TestClient(TestServer(app)) as client:
        yield client


def test_mapping() -> None:
    session = Session(None, data=None, new=True)
    assert session.new
    assert session.empty
    assert not session
    assert not session.is_changed
    assert abs(session.created - time.time()) < 5
    session["a"] = 1
    assert session.is_changed
    assert dict(session) == {"a": 1}
    assert "a" in session
    assert len(session) == 1
    session.saved()
    assert session.pop("a") == 1
    assert session.is_changed
    session.set_new_identity("me")
    assert session.identity == "me"
    session["secret"] = "hush"
    assert "hush" not in repr(session)
    assert "secret" in repr(session)


def test_identity_of_a_session_that_is_not_new() -> None:
    session = Session("me", data={"created": time.time(), "session": {"a": 1}}, new=False)
    with pytest.raises(RuntimeError, match="only a new session's identity"):
        session.set_new_identity("you")
    session.renew()
    assert session.identity is None
    assert session["a"] == 1


@pytest.mark.parametrize(
    "data",
    [
        (),
        [],
        {},
        {"created": 1},
        {"session": {}},
        {"created": "1", "session": {}},
        {"created": True, "session": {}},
        {"created": float("nan"), "session": {}},
        {"created": float("inf"), "session": {}},
        {"created": 1, "session": []},
        {"created": 1, "session": {"a": 1}, "max_age": "10"},
        {"created": 1, "session": {"a": 1}, "max_age": 10},
    ],
)
def test_malformed_or_past_its_end(data: Any) -> None:
    session = Session("me", data=data, new=False, now=11)
    assert session.new
    assert session.empty
    assert session.identity is None
    assert session.created == 11


def test_its_own_max_age_wins() -> None:
    session = Session(None, data=None, new=True, max_age=10, now=0)
    assert "max_age" not in session.payload()
    assert session.remaining(4.5) == 5
    session.max_age = 100
    again = Session(None, data=session.payload(), new=False, max_age=10, now=50)
    assert again.max_age == 100
    assert again.remaining(50) == 50
    again.max_age = None
    assert Session(None, data=again.payload(), new=False, max_age=10, now=5000).remaining(1) is None


async def test_a_session_that_nobody_touched_costs_nothing() -> None:
    class Strict(SimpleCookieStorage):
        def load_cookie(self, request: web.Request) -> str | None:
            raise AssertionError("looked at the cookie")

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    async with client_of(handler, Strict()) as client, client.get("/") as response:
        assert response.status == 200
        assert "Set-Cookie" not in response.headers


async def test_the_payload_is_the_documented_one() -> None:
    async def handler(request: web.Request) -> web.Response:
        session = await get_session(request)
        session["visits"] = session.get("visits", 0) + 1
        return web.json_response(dict(session))

    async with client_of(handler, max_age=100) as client:
        async with client.get("/") as response:
            cookie = response.cookies["AIOHTTP_SESSION"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert not cookie["secure"]
        assert cookie["path"] == "/"
        assert 50 <= int(cookie["max-age"]) <= 100
        data = json.loads(cookie.value)
        assert data == {"created": data["created"], "session": {"visits": 1}}
        async with client.get("/") as response:
            assert await response.json() == {"visits": 2}


async def test_saved_into_a_raised_answer_but_not_where_the_handler_fails() -> None:
    async def handler(request: web.Request) -> web.Response:
        (await get_session(request))["a"] = 1
        if request.match_info.get("more") == "found":
            raise web.HTTPFound("/elsewhere")
        raise ValueError("a failure of the test")

    async with client_of(handler) as client:
        async with client.get("/found", allow_redirects=False) as response:
            assert response.status == 302
            assert "AIOHTTP_SESSION" in response.cookies
        async with client.get("/") as response:
            assert response.status == 500
            assert "AIOHTTP_SESSION" not in response.cookies


async def test_two_tasks_of_a_handler_get_one_session() -> None:
    class Slow(SimpleCookieStorage):
        async def load_session(self, request: web.Request) -> Session:
            await asyncio.sleep(0.01)
            return await super().load_session(request)

    async def handler(request: web.Request) -> web.Response:
        one, two = await asyncio.gather(get_session(request), get_session(request))
        assert one is two
        assert await get_session(request) is one
        assert await new_session(request) is not one
        return web.Response()

    async with client_of(handler, Slow()) as client, client.get("/") as response:
        assert response.status == 200


async def test_inner_applications_may_have_sessions_of_their_own() -> None:
    async def handler(request: web.Request) -> web.Response:
        (await get_session(request))["inner"] = 1
        return web.Response()

    @web.middleware
    async def outer(request: web.Request, handler: Any) -> web.StreamResponse:
        (await get_session(request))["outer"] = 1
        response: web.StreamResponse = await handler(request)
        assert "inner" not in await get_session(request)
        return response

    inner = web.Application()
    setup(inner, SimpleCookieStorage(cookie_name="INNER"))
    inner.router.add_get("/", handler)
    app = web.Application(middlewares=[session_middleware(SimpleCookieStorage()), outer])
    app.add_subapp("/in", inner)
    async with TestClient(TestServer(app)) as client, client.get("/in/") as response:
        assert json.loads(response.cookies["INNER"].value)["session"] == {"inner": 1}
        assert json.loads(response.cookies["AIOHTTP_SESSION"].value)["session"] == {"outer": 1}


async def test_a_stream_saves_before_it_starts() -> None:
    caught: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        (await get_session(request))["a"] = 1
        response = web.StreamResponse()
        if request.match_info.get("more") == "saved":
            await save_session(request, response)
        await response.prepare(request)
        return response

    @web.middleware
    async def catch(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except RuntimeError as error:
            caught.append(str(error))
            raise
        return response

    app = web.Application(middlewares=[catch, session_middleware(SimpleCookieStorage())])
    app.router.add_get("/{more}", handler)
    async with TestClient(TestServer(app)) as client:
        async with client.get("/saved") as response:
            assert "AIOHTTP_SESSION" in response.cookies
        assert not caught
        try:
            async with client.get("/late") as response:
                await response.read()
        except Exception:
            pass
        assert caught == [
            "the session changed after the answer had been started: call "
            "`await save_session(request, response)` before `response.prepare(request)`"
        ]


async def test_without_a_middleware() -> None:
    request = make_mocked_request("GET", "/")
    for ask in (get_session, new_session):
        with pytest.raises(RuntimeError, match="this application has no sessions"):
            await ask(request)


def test_what_is_no_storage() -> None:
    with pytest.raises(TypeError, match="got dict"):
        session_middleware({})  # type: ignore[arg-type]


async def test_secure_under_tls_by_itself() -> None:
    async def handler(request: web.Request) -> web.Response:
        session = await get_session(request)
        if request.match_info.get("more") == "out":
            session.invalidate()
        else:
            session["a"] = 1
        return web.Response()

    @web.middleware
    async def behind_a_proxy(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request.clone(scheme="https"))
        return response

    for secure, expected in ((None, True), (True, True), (False, "")):
        middleware = session_middleware(SimpleCookieStorage(secure=secure))
        app = web.Application(middlewares=[behind_a_proxy, middleware])
        app.router.add_get("/{more}", handler)
        async with TestClient(TestServer(app)) as client:
            for path in ("/in", "/out"):
                async with client.get(path) as response:
                    assert response.cookies["AIOHTTP_SESSION"]["secure"] == expected


async def test_too_much_for_a_cookie() -> None:
    caught: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        session = await get_session(request)
        response = web.Response()
        session["a"] = "x" * 5000
        try:
            await save_session(request, response)
        except SessionTooLarge as error:
            caught.append(str(error))
        assert not response.cookies
        session["a"] = "x"
        return response

    for storage in (SimpleCookieStorage(), EncryptedCookieStorage(b"k" * 32)):
        async with client_of(handler, storage) as client, client.get("/") as response:
            assert response.status == 200
            assert "AIOHTTP_SESSION" in response.cookies
    assert len(caught) == 2
    assert "octets, and browsers keep 4096: put less into it" in caught[0]


KEY = b"Thirty  two  length  bytes  key."


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        bytearray(KEY),
        base64.urlsafe_b64encode(KEY),
        base64.urlsafe_b64encode(KEY).decode(),
        Fernet(base64.urlsafe_b64encode(KEY)),
        MultiFernet([Fernet(Fernet.generate_key()), Fernet(base64.urlsafe_b64encode(KEY))]),
    ],
)
async def test_keys_of_encrypted_cookies(key: Any) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(dict(await get_session(request)))

    data = json.dumps({"created": int(time.time()), "session": {"a": 1}})
    token = Fernet(base64.urlsafe_b64encode(KEY)).encrypt(data.encode()).decode()
    async with client_of(handler, EncryptedCookieStorage(key)) as client:
        for cookie, expected in ((token, {"a": 1}), (token[:-4] + "AAAA", {}), ("ż", {})):
            headers = {"Cookie": f"AIOHTTP_SESSION={cookie}"}
            async with client.get("/", headers=headers) as response:
                assert await response.json() == expected


@pytest.mark.parametrize("key", [b"", b"short", "k" * 32, "!" * 44, b"k" * 33])
def test_keys_that_are_none(key: Any) -> None:
    with pytest.raises(ValueError, match="the secret key is 32 octets"):
        EncryptedCookieStorage(key)


@pytest.mark.parametrize("key", [b"", b"k" * 31, "k" * 32])
def test_keys_of_nacl(key: Any) -> None:
    from tercel.ext.session.nacl_storage import NaClCookieStorage

    with pytest.raises(ValueError, match="the secret key is 32 octets"):
        NaClCookieStorage(key)


async def test_redis_as_documented(redis_server: RedisServer) -> None:
    from redis.asyncio import Redis

    from tercel.ext.session import redis_storage

    async def handler(request: web.Request) -> web.Response:
        session = await get_session(request)
        last_visit = session.get("last_visit")
        session["last_visit"] = time.time()
        return web.Response(text=f"Last visited: {last_visit}")

    async with Redis.from_url(redis_server.url) as redis:
        storage = redis_storage.RedisStorage(redis.connection_pool, max_age=100)
        async with client_of(handler, storage) as client:
            async with client.get("/") as response:
                assert await response.text() == "Last visited: None"
                cookie = response.cookies["AIOHTTP_SESSION"].value
            async with client.get("/") as response:
                assert await response.text() != "Last visited: None"
        name = f"AIOHTTP_SESSION_{cookie}"
        assert await redis.keys("*") == [name.encode()]
        assert set(json.loads(await redis.get(name))) == {"created", "session"}
        assert 90 <= await redis.ttl(name) <= 100
    with pytest.raises(TypeError, match="got str"):
        redis_storage.RedisStorage(redis_server.url)  # type: ignore[arg-type]


async def test_sql_knows_two_databases() -> None:
    from tercel.ext.session.sql_storage import SQLStorage

    class Engine:
        class dialect:
            name = "mysql"

    with pytest.raises(ValueError, match="the database is mysql"):
        SQLStorage(Engine())  # type: ignore[arg-type]
