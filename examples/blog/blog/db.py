"""The database's tables, brought to what `model` says by the migrations in `sql`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from tercel.ext.db import Database

__all__ = ("migrate", "migration_config")

SCRIPTS = Path(__file__).resolve().parent / "sql"


def migration_config(url: str) -> Config:
    """What Alembic's commands take: `alembic.command.history(migration_config(url))`."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["url"] = url
    return config


async def migrate(url: str) -> None:
    """Run the migrations that have not been run; DatabaseUnavailable without a database."""
    config = migration_config(url)

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with Database(url) as database, database.engine.begin() as connection:
        await connection.run_sync(upgrade)
