"""python -m polls and python -m polls.init_db, as somebody at a terminal meets them."""

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

import tercel
from polls.db import DatabaseError, connect

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = Path(tercel.__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(PROJECT)])}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_refused(done: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert done.stderr == sentence + "\n"
    assert done.stdout == ""
    assert done.returncode == 2


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "polls.yaml"
    path.write_text("port: 0\ndatabase: sqlite:///polls.sqlite3\n", encoding="utf-8")
    return path


def test_from_an_empty_folder_to_a_page_and_a_good_end(settings: Path) -> None:
    name = settings.parent.resolve() / "polls.sqlite3"
    done = run("polls.init_db", "--config", settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Put 4 questions into the database {name}.\n"
    with subprocess.Popen(
        [sys.executable, "-m", "polls", "--config", str(settings)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", program.stdout.readline())
            assert found, program.communicate(timeout=60)
            with urllib.request.urlopen(found[0] + "/question/1") as response:
                assert b"Which season" in response.read()
            program.send_signal(signal.SIGINT)
            _, log = program.communicate(timeout=60)
        finally:
            program.kill()
    assert program.returncode == 0
    assert log == '127.0.0.1 "GET /question/1 HTTP/1.1" 200\n'


def test_filling_twice_keeps_what_is_there(settings: Path) -> None:
    run("polls.init_db", "--config", settings)
    done = run("polls.init_db", "--config", settings)
    assert done.returncode == 0
    assert done.stdout.endswith("has questions; they stay as they are.\n")


def test_a_database_without_tables(settings: Path) -> None:
    name = settings.parent.resolve() / "polls.sqlite3"
    assert_refused(
        run("polls", "--config", settings),
        f"The database {name} has no tables yet: run `python -m polls.init_db` first.",
    )


@pytest.mark.parametrize("program", ["polls", "polls.init_db"])
def test_a_database_out_of_reach(settings: Path, program: str) -> None:
    settings.write_text("database: sqlite:///no/folder/polls.sqlite3\n", encoding="utf-8")
    name = settings.parent.resolve() / "no" / "folder" / "polls.sqlite3"
    assert_refused(
        run(program, "--config", settings),
        f"The database {name} can't be used: unable to open database file.",
    )


def test_a_database_that_is_none(settings: Path) -> None:
    path = settings.parent.resolve() / "polls.sqlite3"
    path.write_text("only words\n" * 1000, encoding="utf-8")
    assert_refused(
        run("polls", "--config", settings),
        f"The database {path} can't be used: file is not a database.",
    )


def test_a_database_server_out_of_reach(settings: Path) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unheard.getsockname()[1]}"
        settings.write_text(f"database: postgresql://me:secret@{place}/polls\n", encoding="utf-8")
        assert_refused(
            run("polls", "--config", settings),
            f"The database postgresql://me:***@{place}/polls can't be used: Connection refused.",
        )


def test_a_taken_port(settings: Path) -> None:
    run("polls.init_db", "--config", settings)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("polls", "--config", settings, "--host", "127.0.0.1", "--port", str(port))
    assert_refused(
        done,
        f"Port {port} on 127.0.0.1 is taken by another program; please choose another port.",
    )


def test_a_host_of_somebody_else(settings: Path) -> None:
    run("polls.init_db", "--config", settings)
    done = run("polls", "--config", settings, "--host", "203.0.113.1")
    assert done.returncode == 2
    assert re.fullmatch(r"Cannot listen on \S+: .+\.\n", done.stderr)


@pytest.mark.parametrize("program", ["polls", "polls.init_db"])
def test_settings_that_do_not_fit(settings: Path, program: str) -> None:
    settings.write_text("prot: 80\n", encoding="utf-8")
    assert_refused(
        run(program, "--config", settings),
        f"{settings}: unknown key 'prot'; the keys are host, port, database, access_log.",
    )


@pytest.mark.parametrize("port", ["http", "65536", "-1", "²"])
def test_a_port_that_is_none(port: str) -> None:
    done = run("polls", "--port=" + port)
    assert done.returncode == 2
    assert done.stderr.endswith(
        f"argument --port: must be a whole number from 0 to 65535, not {port!r}\n"
    )


async def test_postgresql_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(DatabaseError) as caught:
        async with connect(URL.create("postgresql", host="db.example", database="votes")):
            pass
    assert str(caught.value) == (
        "The database postgresql://db.example/votes needs `pip install asyncpg`."
    )


def test_the_requirements_are_those_that_make_demo_installs() -> None:
    wanted = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((PROJECT.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    installed = project["project"]["optional-dependencies"]
    listed = {line for line in wanted if line and not line.startswith("#")}
    assert listed == {*installed["polls"], "tercel[jinja2]"} - set(installed["jinja2"])
