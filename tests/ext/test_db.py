"""A transaction a request: what is committed, what is rolled back, on SQLite and on PostgreSQL."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKey, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tercel import web
from tercel.ext import db
from tercel.ext.db import Database, DatabaseUnavailable, db_session, get_database
from tercel.test_utils import TestClient, TestServer, make_mocked_request
from tests.services import serve_postgres


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(unique=True)


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post: Mapped[int] = mapped_column(ForeignKey("posts.id"))


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with serve_postgres() as url:
        folder = tmp_path_factory.mktemp("db")
        yield {"sqlite": f"sqlite:///{folder}/test.db", "postgresql": url}


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, urls: dict[str, str]) -> str:
    found = urls[request.param]
    async with Database(found, metadata=Base.metadata) as database:
        async with database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
    return found


async def add(request: web.Request) -> web.Response:
    """Write a post, then do what the path says."""
    session = db_session(request)
    assert db_session(request) is session
    session.add(Post(title=request.query.get("title", "a")))
    await session.flush()
    match request.match_info["then"]:
        case "answer":
            return web.Response(text="added")
        case "refuse":
            return web.Response(status=409)
        case "redirect":
            raise web.HTTPSeeOther("/count")
        case "forbid":
            raise web.HTTPForbidden
        case "fail":
            raise ValueError("a failure of the test")
        case "commit":
            await session.commit()
            raise web.HTTPForbidden
        case "wait":
            request.app[ENTERED].set()
            await request.app[GO].wait()
        case "orphan":
            session.add(Comment(post=77))
            await session.flush()
    return web.Response(text="added")


ENTERED = web.AppKey("ENTERED", asyncio.Event)
GO = web.AppKey("GO", asyncio.Event)


async def count_posts(session: AsyncSession) -> int:
    return (await session.execute(select(func.count()).select_from(Post))).scalar_one()


async def nothing(request: web.Request) -> web.Response:
    return web.Response()


@asynccontextmanager
async def serving(
    url: str, *, handler_cancellation: bool = False, **options: Any
) -> AsyncIterator[tuple[TestClient, Database]]:
    app = web.Application()
    app[ENTERED] = asyncio.Event()
    app[GO] = asyncio.Event()
    database = db.setup(app, url, metadata=Base.metadata, **options)
    assert get_database(app) is database
    with pytest.raises(RuntimeError, match="is not open"):
        _ = database.engine
    app.add_routes(
        [
            web.post("/add/{then}", add),
            web.get("/count", nothing),
            web.get("/health", database.health),
        ]
    )
    server = TestServer(app)
    await server.start_server(handler_cancellation=handler_cancellation)
    async with TestClient(server) as client:
        yield client, database


async def post(client: TestClient, path: str) -> int:
    async with client.post(path) as response:
        return response.status


@pytest.mark.parametrize(
    ("then", "status", "count"),
    [
        ("answer", 200, 1),
        ("redirect", 200, 1),
        ("refuse", 409, 0),
        ("forbid", 403, 0),
        ("fail", 500, 0),
        ("commit", 403, 1),
        ("orphan", 500, 0),
    ],
)
async def test_what_is_committed(url: str, then: str, status: int, count: int) -> None:
    async with serving(url) as (client, database):
        assert await post(client, f"/add/{then}") == status
        async with database.begin() as session:
            assert await count_posts(session) == count
        assert checked_out(database) == 0


def checked_out(database: Database) -> int:
    pool: Any = database.engine.pool
    return int(pool.checkedout())


async def test_statuses_are_a_choice(url: str) -> None:
    for rollback_from, count in ((None, 1), (500, 2)):
        async with serving(url, rollback_from=rollback_from) as (client, database):
            assert await post(client, f"/add/refuse?title={count}") == 409
            async with database.begin() as session:
                assert await count_posts(session) == count


@pytest.mark.parametrize("handler_cancellation", [False, True])
async def test_a_client_that_goes(url: str, handler_cancellation: bool) -> None:
    async with serving(url, handler_cancellation=handler_cancellation) as (client, database):
        app = client.app
        assert app is not None
        _, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"POST /add/wait HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        await app[ENTERED].wait()
        assert checked_out(database) == 1
        writer.transport.abort()
        # Two more requests, so that the server has surely seen the first client go.
        for _ in range(2):
            async with client.get("/count") as response:
                assert response.status == 200
        app[GO].set()
        while checked_out(database):
            await asyncio.sleep(0.01)
        async with database.begin() as session:
            assert await count_posts(session) == 0
        assert await post(client, "/add/answer") == 200


async def test_many_at_once(url: str) -> None:
    async with serving(url) as (client, database):
        statuses = await asyncio.gather(
            *(post(client, f"/add/answer?title={number}") for number in range(20))
        )
        assert statuses == [200] * 20
        async with database.begin() as session:
            assert await count_posts(session) == 20


async def test_outside_of_requests(url: str) -> None:
    async with Database(url, metadata=Base.metadata) as database:
        async with database.begin() as session:
            session.add(Post(title="a"))
        with pytest.raises(ZeroDivisionError):
            async with database.begin() as session:
                session.add(Post(title="b"))
                await session.flush()
                _ = 1 / 0
        with pytest.raises(IntegrityError):
            async with database.begin() as session:
                session.add(Post(title="a"))
        async with database.begin() as session:
            assert await count_posts(session) == 1
        with pytest.raises(RuntimeError, match="is open already"):
            await database.open()
        assert checked_out(database) == 0
    await database.close()
    with pytest.raises(RuntimeError, match="is not open"):
        async with database.begin():
            pass


async def test_a_cancelled_block_gives_its_connection_back(url: str) -> None:
    async with Database(url, metadata=Base.metadata) as database:
        entered = asyncio.Event()

        async def work() -> None:
            async with database.begin() as session:
                session.add(Post(title="a"))
                await session.flush()
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await entered.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert checked_out(database) == 0
        async with database.begin() as session:
            assert await count_posts(session) == 0


async def test_health(url: str) -> None:
    async with serving(url) as (client, database):
        async with client.get("/health") as response:
            assert (response.status, await response.json()) == (200, {"database": "ok"})
        await database.close()
        with pytest.raises(RuntimeError, match="is not open"):
            await database.check()


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    for url in (
        f"postgresql://ada:secret@/x?host={tmp_path}",
        f"sqlite:///{tmp_path}/no/folder/test.db",
    ):
        with pytest.raises(DatabaseUnavailable) as caught:
            await Database(url).open()
        assert "can't be used: " in str(caught.value)
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
    # The thread of the connection that failed tells the loop that it ends.
    while any("_connection_worker_thread" in thread.name for thread in threading.enumerate()):
        await asyncio.sleep(0.01)


async def test_a_database_that_goes_away() -> None:
    with serve_postgres() as url:
        app = web.Application()
        database = db.setup(app, url)
        app.router.add_get("/health", database.health)
        client = TestClient(TestServer(app))
        await client.start_server()
        async with client.get("/health") as response:
            assert response.status == 200
    try:
        async with client.get("/health") as response:
            assert (response.status, await response.json()) == (503, {"database": "unavailable"})
    finally:
        await client.close()


async def test_a_request_that_asks_for_nothing(tmp_path: Path) -> None:
    async with serving(f"sqlite:///{tmp_path}/test.db") as (client, database):
        database._new_session = None  # type: ignore[assignment,method-assign]
        async with client.get("/count") as response:
            assert response.status == 200


async def test_parts_use_their_parents_database(tmp_path: Path) -> None:
    seen: list[AsyncSession] = []

    async def handler(request: web.Request) -> web.Response:
        session = db_session(request)
        seen.append(session)
        found = (await session.execute(text("PRAGMA foreign_keys"))).scalar_one()
        return web.Response(text=str(found))

    late: list[web.Request] = []

    @web.middleware
    async def keep(request: web.Request, handler: Any) -> web.StreamResponse:
        late.append(request)
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=[keep])
    database = db.setup(app, f"sqlite:///{tmp_path}/test.db")
    inner = web.Application()
    inner.router.add_get("/", handler)
    app.add_subapp("/inner", inner)
    async with TestClient(TestServer(app)) as client:
        async with client.get("/inner/") as response:
            assert await response.text() == "1"
        with pytest.raises(RuntimeError, match="the request is over"):
            database.session(late[0])
        with pytest.raises(Exception, match="closed"):
            await seen[0].execute(text("SELECT 1"))
    with pytest.raises(RuntimeError, match=r"has <Database .*> already"):
        db.setup(app, "sqlite://")


def test_without_setup() -> None:
    app = web.Application()
    with pytest.raises(RuntimeError, match="the application has no database"):
        get_database(app)
    request = make_mocked_request("GET", "/", app=app)
    with pytest.raises(RuntimeError, match="the application has no database"):
        db_session(request)
    with pytest.raises(RuntimeError, match="the application has no transactions"):
        Database("sqlite://").session(request)
