"""tercel new: the project runs, its tests pass, and its files are what deployment needs."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.program import environment, run, running
from tests.meta.house import REPOSITORY

pytestmark = pytest.mark.slow


async def test_a_new_project_runs_and_tests_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, "new", "shop")
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "shop"
    for name in ("app/model", "app/sql", "app/api", "requirements", "tests", "init", "deploy"):
        assert (folder / name).is_dir()
    texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert not [text for text in texts if "@NAME@" in text or "@UPPER@" in text]
    for command in (["pytest", "-q", "-p", "no:cacheprovider"], ["init.init_db"]):
        ran = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    done = run(folder, "routes", "app:make_app")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["METHOD", "PATH", "NAME", "HANDLER"],
        ["GET", "/", "index", "app.urls.index"],
        ["GET", "/api/notes", "notes", "app.api.notes.index"],
        ["POST", "/api/notes", "app.api.notes.create"],
        ["GET", "/api/notes/{id}", "note", "app.api.notes.show"],
        ["GET", "/healthz", "health", "tercel.ext.health.setup_health.<locals>.health"],
    ]
    options = ("--port", "0", "--workers", "2")
    async with running(folder, *options, module="run") as program:
        program.folder = folder
        await program.ready()
        notes = json.loads(await program.get("/api/notes"))
        assert [note["text"] for note in notes] == ["The second note.", "The first note."]
        assert json.loads(await program.get("/healthz")) == {"status": "ok"}
        assert await program.end() == 0


def test_what_is_no_name_and_what_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine").touch()
    done = run(tmp_path, "new", "shop")
    assert done.returncode == 2
    assert done.stderr == "python -m tercel new: shop is there already, and not empty\n"
    for name in ("Shop", "9lives", "class", "app", "a/b", "../up"):
        done = run(tmp_path, "new", name)
        assert done.returncode == 2
        assert done.stderr.startswith(f"python -m tercel new: {name!r} is no name for a project")


def test_the_templates_are_part_of_the_package() -> None:
    table = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert table["tool"]["setuptools"]["package-data"]["tercel.cli"] == ["project/**/*.in"]
