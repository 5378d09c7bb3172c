"""The way in: `python run.py` serves the blog, `python run.py --help` tells what else there is."""

import argparse
import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import alembic.command

from blog.app import make_app
from blog.config import Settings, load
from blog.db import migrate, migration_config
from init.samples import add_samples, make_admin
from tercel import web
from tercel.ext.config import SettingsError
from tercel.ext.db import DatabaseUnavailable


def serve(settings: Settings, options: argparse.Namespace) -> None:
    path = options.path
    where = {"path": path} if path else {"host": settings.host, "port": settings.port}
    web.run_app(make_app(settings), **where)


def init(settings: Settings, options: argparse.Namespace) -> None:
    asyncio.run(migrate(settings.database))
    if options.samples:
        count = asyncio.run(add_samples(settings))
        print(f"{count} sample posts." if count else "There are posts; they stay as they are.")


def admin(settings: Settings, options: argparse.Namespace) -> None:
    print(asyncio.run(make_admin(settings, options.name)))


def migrations(settings: Settings, options: argparse.Namespace) -> None:
    config = migration_config(settings.database)
    if options.message:
        alembic.command.revision(config, options.message, autogenerate=True)
    else:
        alembic.command.history(config, indicate_current=True)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description="A blog on Tercel.")
    parser.add_argument("-c", "--config", help="settings file (default: config/default.yaml)")
    parser.set_defaults(run=serve, path=None)
    commands = parser.add_subparsers(title="commands")
    command = commands.add_parser("serve", help="serve the blog (the default)")
    command.add_argument("--path", help="listen on a Unix socket")
    command.set_defaults(run=serve)
    command = commands.add_parser("init", help="make the tables, or bring them up to date")
    command.add_argument("--samples", action="store_true", help="with something to read")
    command.set_defaults(run=init)
    command = commands.add_parser("admin", help="make a user an administrator")
    command.add_argument("name")
    command.set_defaults(run=admin)
    command = commands.add_parser("migrations", help="list the migrations, or write a new one")
    command.add_argument("--message", help="what a new migration is for")
    command.set_defaults(run=migrations)
    return parser.parse_args()


def main() -> None:
    options = read_arguments()
    try:
        settings = load(["--config", options.config] if options.config else None)
        options.run(settings, options)
    except (SettingsError, DatabaseUnavailable, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
