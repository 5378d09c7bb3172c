"""How Alembic reaches the database: by the connection that `blog.db.migrate` hands over.

Alembic's own commands (`python run.py migrations ...`) bring an address and open one here.
"""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection

from blog.model import Base
from tercel.ext.db import Database


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """The table of sessions is not among the models: `SQLStorage` knows it."""
    return not (kind == "table" and name == "sessions")


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=is_ours,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on(url: str) -> None:
    async with Database(url) as database, database.engine.begin() as connection:
        await connection.run_sync(run)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_on(context.config.attributes["url"]))
