"""tercel new: the project runs, its tests pass, and its files are what deployment needs."""

import asyncio
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tercel.cli.mistakes import Mistake
from tercel.cli.new import make_project
from tests.cli.program import environment, run, running
from tests.meta.house import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project."""
    make_project("shop", tmp_path / "shop")
    return tmp_path / "shop"


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_its_files_are_whole_and_its_tests_pass(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("app/model", "app/sql", "app/api", "requirements", "tests", "init", "deploy"):
        assert (project / name).is_dir()
    texts = [path.read_text() for path in project.rglob("*") if path.is_file()]
    assert not [text for text in texts if "@NAME@" in text or "@UPPER@" in text]
    # Nothing but pytest and what the project names: other plugins take their time.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    done = python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


async def test_it_fills_its_database_and_runs(project: Path) -> None:
    done = await asyncio.to_thread(python, project, "-m", "init.init_db")
    assert (done.returncode, done.stderr) == (0, "")
    async with running(project, "--port", "0", module="run") as program:
        await program.ready()
        notes = json.loads(await program.get("/api/notes"))
        assert [note["text"] for note in notes] == ["The second note.", "The first note."]
        assert json.loads(await program.get("/healthz")) == {"status": "ok"}
        assert await program.end() == 0


def test_its_routes(project: Path) -> None:
    done = run(project, "routes", "app:make_app")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["METHOD", "PATH", "NAME", "HANDLER"],
        ["GET", "/", "index", "app.urls.index"],
        ["GET", "/api/notes", "notes", "app.api.notes.index"],
        ["POST", "/api/notes", "app.api.notes.create"],
        ["GET", "/api/notes/{id}", "note", "app.api.notes.show"],
        ["GET", "/healthz", "health", "tercel.ext.health.setup_health.<locals>.health"],
    ]


def test_what_is_no_name_and_what_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine").touch()
    done = run(tmp_path, "new", "shop")
    assert done.returncode == 2
    assert done.stderr == "python -m tercel new: shop is there already, and not empty\n"
    done = run(tmp_path, "new", "market")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "market" / "run.py").exists()
    for name in ("Shop", "9lives", "class", "app", "a/b", "../up"):
        with pytest.raises(Mistake, match="is no name for a project"):
            make_project(name, tmp_path / "other")


def test_the_templates_are_part_of_the_package() -> None:
    table = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert table["tool"]["setuptools"]["package-data"]["tercel.cli"] == ["project/**/*.in"]
