"""python run.py, as somebody at a terminal meets it; migrations; PostgreSQL."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import tercel
from tercel.test_utils import TestServer

from .people import Visitor

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = Path(tercel.__file__).resolve().parent.parent


def environment(folder: Path, **variables: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "BLOG_DATABASE": f"sqlite:///{folder}/blog.sqlite3",
        "BLOG_UPLOADS": str(folder / "uploads"),
        "BLOG_PORT": "0",
        **variables,
    }


def run(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, PROJECT / "run.py", *arguments],
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.mark.slow
def test_from_an_empty_folder_to_a_page_and_a_good_end(tmp_path: Path) -> None:
    done = run(tmp_path, "init", "--samples")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 sample posts.\n", "")
    assert run(tmp_path, "init", "--samples").stdout == "There are posts; they stay as they are.\n"
    with subprocess.Popen(
        [sys.executable, PROJECT / "run.py"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", program.stdout.readline())
            assert found
            with urllib.request.urlopen(found[0] + "/", timeout=60) as answer:
                assert b"What tercel means" in answer.read()
            program.send_signal(signal.SIGTERM)
            assert program.wait(60) == 0
        finally:
            program.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"BLOG_PORT": "many"}, "BLOG_PORT: port: expected int, got 'many'"),
        ({"BLOG_COLOUR": "red"}, "BLOG_COLOUR"),
        ({"BLOG_DATABASE": "sqlite:////no/such/folder/x"}, "unable to open database file"),
    ],
)
def test_a_mistake_is_one_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    done = run(tmp_path, **variables)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


async def test_migrations_make_what_the_models_say(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import Connection

    from blog.db import migrate
    from blog.model import Base
    from tercel.ext.db import Database

    url = f"sqlite:///{tmp_path}/blog.sqlite3"
    await migrate(url)
    await migrate(url)  # nothing is left to do

    def compare(connection: Connection) -> list[Any]:
        options = {"include_name": lambda name, kind, parents: name != "sessions"}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))

    async with Database(url) as database, database.engine.connect() as connection:
        assert await connection.run_sync(compare) == []


@pytest.mark.slow
async def test_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    from blog.app import make_app
    from blog.config import Settings
    from blog.db import migrate
    from tercel import ClientSession, CookieJar

    await migrate(postgres_url)
    app = make_app(Settings(database=postgres_url, uploads=tmp_path / "uploads"))
    async with (
        TestServer(app) as server,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as session,
    ):
        visitor = Visitor(server, session)
        await visitor.register("Ada")
        path = await visitor.write("One")
        await visitor.post(f"{path}/comments", {"text": "Two"})
        assert "1 comment<" in visitor.text
        await visitor.post(f"{path}/delete")
        assert "Nothing has been written yet" in visitor.text
