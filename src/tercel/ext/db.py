"""A database for an application: an engine for its lifetime, a session and a transaction a request.

In: a URL of SQLite or PostgreSQL, or any that SQLAlchemy's asyncio engine takes. Out: sessions. A
request that asks for none costs nothing; one that does is committed where its answer is a good one
and rolled back where it failed, was refused, cancelled, or where the client has gone.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, TypeVar, cast

from sqlalchemy import MetaData, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from tercel import web

__all__ = ("Database", "DatabaseUnavailable", "db_session", "get_database", "setup")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_T = TypeVar("_T")

PATIENCE = 30.0  # seconds for the end of a transaction, even of a cancelled request
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}


class DatabaseUnavailable(Exception):
    """The database does not answer."""


class Database:
    """One database: its engine while it is open, and sessions.

    `url` is SQLAlchemy's; "postgresql:" means asyncpg, "sqlite:" aiosqlite. `rollback_from` is the
    status from which on an answer rolls back, None for none. With `rollback_when_gone` a client
    that has closed its connection rolls back too; so does, then, one that has closed its sending
    side only, which looks the same. `metadata` names tables that are made
    when the database is opened, for applications without migrations. `check` asks the database
    something when it is opened. `options` go to `create_async_engine`. Sessions don't expire what
    they loaded when they commit. SQLite enforces foreign keys and, in a file, keeps a write-ahead
    log, so that readers and a writer don't wait for each other.
    """

    def __init__(
        self,
        url: str,
        *,
        rollback_from: int | None = 400,
        rollback_when_gone: bool = True,
        metadata: MetaData | None = None,
        check: bool = True,
        **options: Any,
    ) -> None:
        parsed = make_url(url)
        driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
        self.url = parsed.set(drivername=driver)
        self.rollback_from = rollback_from
        self.rollback_when_gone = rollback_when_gone
        self._metadata = metadata
        self._check = check
        self._options = options
        self._engine: AsyncEngine | None = None
        self._make_session: async_sessionmaker[AsyncSession] | None = None
        self._held = web.RequestKey("_held", _Held)

    def __repr__(self) -> str:
        return f"<Database {self.url.render_as_string(hide_password=True)}>"

    @property
    def engine(self) -> AsyncEngine:
        """The engine. RuntimeError while the database is not open."""
        if self._engine is None:
            raise RuntimeError(f"{self!r} is not open: the application has not started")
        return self._engine

    async def open(self) -> None:
        """Make the engine. DatabaseUnavailable where the database does not answer.

        RuntimeError where it is open already.
        """
        if self._engine is not None:
            raise RuntimeError(f"{self!r} is open already")
        options = dict(self._options)
        is_sqlite = self.url.get_backend_name() == "sqlite"
        if is_sqlite:
            self._try_file()
        options.setdefault("pool_pre_ping", not is_sqlite)
        engine = create_async_engine(self.url, **options)
        if is_sqlite:
            event.listen(engine.sync_engine, "connect", _settle_sqlite)
        try:
            if self._metadata is not None:
                async with engine.begin() as connection:
                    await connection.run_sync(self._metadata.create_all)
            elif self._check:
                await _ask(engine)
        except (SQLAlchemyError, OSError) as error:
            await engine.dispose()
            raise DatabaseUnavailable(f"{self!r} can't be used: {_first_line(error)}") from error
        except BaseException:
            await engine.dispose()
            raise
        self._engine = engine
        self._make_session = async_sessionmaker(
            engine, expire_on_commit=False, close_resets_only=False
        )

    def _try_file(self) -> None:
        """Open SQLite's file once without aiosqlite, whose thread would outlive a failure."""
        file = self.url.database
        if file and file != ":memory:" and "uri" not in self.url.query:
            try:
                sqlite3.connect(file).close()
            except sqlite3.Error as error:
                raise DatabaseUnavailable(f"{self!r} can't be used: {error}") from error

    async def close(self) -> None:
        """Close all connections; once is enough."""
        engine, self._engine, self._make_session = self._engine, None, None
        if engine is not None:
            await engine.dispose()

    async def __aenter__(self) -> "Database":
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A session outside of requests: committed at the end of the block, rolled back where it
        raises.
        """
        session = self._new_session()
        try:
            yield session
        except BaseException:
            await _finish(_drop(session))
            raise
        await _finish(_commit(session))

    def _new_session(self) -> AsyncSession:
        if self._make_session is None:
            raise RuntimeError(f"{self!r} is not open: the application has not started")
        return self._make_session()

    async def check(self) -> None:
        """Ask the database something. DatabaseUnavailable where it does not answer in 5 seconds."""
        try:
            async with asyncio.timeout(5):
                await _ask(self.engine)
        except (SQLAlchemyError, OSError) as error:
            what = "it does not answer" if isinstance(error, TimeoutError) else _first_line(error)
            raise DatabaseUnavailable(f"{self!r} can't be used: {what}") from error

    async def health(self, request: web.Request) -> web.Response:
        """A handler for monitors: 200 where the database answers, 503 where it does not."""
        try:
            await self.check()
        except DatabaseUnavailable:
            return web.json_response({"database": "unavailable"}, status=503)
        return web.json_response({"database": "ok"})

    # Requests

    def setup(self, app: web.Application) -> None:
        """Open the database with the application, and put each request into a transaction."""

        async def open_and_close(app: web.Application) -> AsyncIterator[None]:
            async with self:
                yield

        app.cleanup_ctx.append(open_and_close)
        app.middlewares.append(self.middleware())

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """The middleware that `setup` appends."""
        key = self._held

        @web.middleware
        async def run_in_transaction(request: web.Request, handler: Handler) -> web.StreamResponse:
            held = request[key] = _Held()
            try:
                response = await handler(request)
            except web.HTTPException as answer:
                await self._end(held, request, answer)
                raise
            except BaseException:
                if held.session is not None:
                    await _finish(_drop(held.session))
                raise
            finally:
                held.end()
            await self._end(held, request, response)
            return response

        return run_in_transaction

    async def _end(self, held: "_Held", request: web.Request, response: Any) -> None:
        session = held.session
        if session is None:
            return
        status = getattr(response, "status", 500)
        is_refused = self.rollback_from is not None and status >= self.rollback_from
        if is_refused or held.has_gone(request):
            await _finish(_drop(session))
        else:
            await _finish(_commit(session))

    def session(self, request: web.Request) -> AsyncSession:
        """The session of the request, the same one on every call; it connects when it is used.

        RuntimeError where the application was not set up, and after the request.
        """
        held: _Held | None = request.get(self._held)
        if held is None:
            raise RuntimeError(f"the application has no transactions: call setup() of {self!r}")
        if held.is_over:
            raise RuntimeError("the request is over, and so is its transaction: use begin()")
        if held.session is None:
            held.session = self._new_session()
            if self.rollback_when_gone:
                held.watch = asyncio.ensure_future(request.wait_for_disconnection())
        return held.session


class _Held:
    """What one request holds: its session, once asked for, and who watches its client."""

    __slots__ = ("is_over", "session", "watch")

    def __init__(self) -> None:
        self.session: AsyncSession | None = None
        self.watch: asyncio.Future[None] | None = None
        self.is_over = False

    def end(self) -> None:
        self.is_over = True
        if self.watch is not None:
            self.watch.cancel()

    def has_gone(self, request: web.Request) -> bool:
        """True where the client is known to have gone."""
        watch = self.watch
        if watch is None:
            return False
        if watch.done() and not watch.cancelled() and watch.exception() is None:
            return True
        transport = request.transport
        return transport is None or transport.is_closing()


_DATABASE: Final = web.AppKey("_DATABASE", Database)


def setup(app: web.Application, url: str, **options: Any) -> Database:
    """Give `app` the database at `url`, and return it; `options` are `Database`'s.

    RuntimeError where the application has one: make a second `Database` and call its `setup`.
    """
    if _DATABASE in app:
        raise RuntimeError(f"the application has {app[_DATABASE]!r} already")
    database = app[_DATABASE] = Database(url, **options)
    database.setup(app)
    return database


def get_database(app: web.Application) -> Database:
    """The database that `setup` gave to `app`. RuntimeError where there is none."""
    return _require(app.get(_DATABASE))


def db_session(request: web.Request) -> AsyncSession:
    """The session of the request, within its transaction; of the application's or its parents'
    database. RuntimeError where there is none, and after the request.
    """
    found = cast("Database | None", request.config_dict.get(_DATABASE))
    return _require(found).session(request)


def _require(found: Database | None) -> Database:
    if found is None:
        raise RuntimeError("the application has no database: call tercel.ext.db.setup(app, url)")
    return found


async def _ask(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


async def _commit(session: AsyncSession) -> None:
    try:
        await session.commit()
    finally:
        await session.close()  # rolls back what could not be committed


async def _drop(session: AsyncSession) -> None:
    await session.close()


async def _finish(ending: Coroutine[Any, Any, _T]) -> _T:
    """Await `ending` to its end, for `PATIENCE` at most, also when this task is cancelled.

    A connection that was left within a transaction would go back to nobody.
    """
    task = asyncio.ensure_future(asyncio.wait_for(ending, PATIENCE))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue  # told already, and raised below
        if not task.cancelled():
            task.exception()
        raise


def _settle_sqlite(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.close()


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    lines = str(original).splitlines()
    return lines[0].strip() if lines else type(original).__name__
