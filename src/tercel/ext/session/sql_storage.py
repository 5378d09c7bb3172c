"""Sessions in a table of a database, by SQLAlchemy's asyncio engine: SQLite or PostgreSQL.

In: an engine, which stays the caller's to dispose of, or a `tercel.ext.db.Database`. Out: a
storage. The table holds hashes of keys: who reads it can take over no session.
`create_table` makes it, `purge` drops what is past its end. Needs `pip install tercel[db]`.
"""

import hashlib
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    String,
    Table,
    Text,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from tercel.ext.session.server import ServerStorage

__all__ = ("SQLStorage",)


class HasEngine(Protocol):
    """What has an engine while the application runs, such as `tercel.ext.db.Database`."""

    url: URL

    @property
    def engine(self) -> AsyncEngine:
        """The engine, when sessions are asked for."""


class SQLStorage(ServerStorage):
    """Keeps sessions in the table `table_name` of the database of `engine`.

    `engine` is an engine, or a `tercel.ext.db.Database`, which may be opened later.
    `metadata` is where the table is defined, so that Alembic sees it; a new one by default.
    ValueError for a database that is neither SQLite nor PostgreSQL. The other parameters are
    `ServerStorage`'s.
    """

    def __init__(
        self,
        engine: AsyncEngine | HasEngine,
        *,
        table_name: str = "sessions",
        metadata: MetaData | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        dialect = getattr(engine, "dialect", None) or engine.url.get_dialect()
        name = dialect.name
        if name not in ("sqlite", "postgresql"):
            raise ValueError(f"the database is {name}, and SQLStorage knows SQLite, PostgreSQL")
        self._insert: Any = sqlite.insert if name == "sqlite" else postgresql.insert
        self._given = engine
        self.table = Table(
            table_name,
            MetaData() if metadata is None else metadata,
            Column("key", String(64), primary_key=True),
            Column("data", Text, nullable=False),
            Column("expires", BigInteger, nullable=True, index=True),
        )

    @property
    def _engine(self) -> AsyncEngine:
        given = self._given
        return given if isinstance(given, AsyncEngine) else given.engine

    async def create_table(self) -> None:
        """Make the table where it is absent."""
        async with self._engine.begin() as connection:
            await connection.run_sync(lambda sync: self.table.create(sync, checkfirst=True))

    async def purge(self) -> int:
        """Drop the sessions that are past their end, and return how many there were."""
        gone = delete(self.table).where(self.table.c.expires <= int(self.clock()))
        async with self._engine.begin() as connection:
            return (await connection.execute(gone)).rowcount

    async def read(self, key: str) -> str | None:
        """The text under `key`, None where it is past its end."""
        columns = self.table.c
        alive = or_(columns.expires.is_(None), columns.expires > int(self.clock()))
        query = select(columns.data).where(columns.key == _hide(key), alive)
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def write(self, key: str, text: str, seconds: int | None, *, existing: bool) -> bool:
        """Keep `text` under `key` until `seconds` from now."""
        end = None if seconds is None else int(self.clock()) + seconds
        values = {"data": text, "expires": end}
        statement: Any
        if existing:
            statement = update(self.table).where(self.table.c.key == _hide(key)).values(values)
        else:
            statement = self._insert(self.table).values(key=_hide(key), **values)
            statement = statement.on_conflict_do_update(index_elements=["key"], set_=values)
        async with self._engine.begin() as connection:
            result = await connection.execute(statement)
        return result.rowcount > 0

    async def delete(self, key: str) -> None:
        """Forget what is under `key`."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(self.table).where(self.table.c.key == _hide(key)))


def _hide(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
