"""Everything that is asked of the database; nothing here knows about HTTP."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import inspect, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import selectinload

from .models import Choice, Question

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class DatabaseError(Exception):
    """The database can't be used; the message is one sentence for whoever runs the program."""


def name_database(url: URL) -> str:
    """The database for people: the file, or the URL without its password."""
    return f"{url.database}" if url.drivername == "sqlite" else url.render_as_string()


@asynccontextmanager
async def connect(url: URL) -> AsyncIterator[AsyncEngine]:
    """Open the database at `url` for the block; DatabaseError where it can't be used."""
    name = name_database(url)
    try:
        engine = create_async_engine(url.set(drivername=DRIVERS[url.drivername]))
    except ModuleNotFoundError as error:
        raise DatabaseError(f"The database {name} needs `pip install {error.name}`.") from error
    try:
        try:
            if url.drivername == "sqlite":
                # Without the thread of aiosqlite, which would outlive a failure to open the file.
                sqlite3.connect(f"{url.database}").close()
            await has_tables(engine)
        except (OSError, sqlite3.Error, SQLAlchemyError, TypeError) as error:
            raise DatabaseError(f"The database {name} can't be used: {_explain(error)}.") from error
        yield engine
    finally:
        await engine.dispose()


async def has_tables(engine: AsyncEngine) -> bool:
    """Whether `python -m polls.init_db` has been here."""
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    return {Question.__tablename__, Choice.__tablename__} <= set(names)


def _explain(error: Exception) -> str:
    """What the driver says, in its first line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")


async def list_questions(session: AsyncSession) -> Sequence[Question]:
    """All questions with their choices, the newest first."""
    statement = (
        select(Question)
        .options(selectinload(Question.choices))
        .order_by(Question.pub_date.desc(), Question.id)
    )
    return (await session.scalars(statement)).all()


async def find_question(session: AsyncSession, question_id: int) -> Question | None:
    """One question with its choices, or None."""
    return await session.get(Question, question_id, options=[selectinload(Question.choices)])


async def count_vote(session: AsyncSession, choice: Choice) -> None:
    """Add one vote. The database does the sum, in one statement, so no vote is ever lost."""
    await session.execute(
        update(Choice).where(Choice.id == choice.id).values(votes=Choice.votes + 1)
    )
    await session.commit()
