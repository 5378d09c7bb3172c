"""The harness itself: what it runs, what it refuses, and when it calls an extension stale."""

import os
import pathlib
import subprocess
import sys

import pytest

from tests.meta.house import REPOSITORY
from tests.stale import find_cimports, find_stale_extensions

SUFFIX = ".abi3.so" if sys.platform != "win32" else ".pyd"


def run_tests(folder: pathlib.Path, text: str, loop: str = "asyncio") -> str:
    (folder / "test_it.py").write_text("import asyncio, pytest\n" + text)
    environment = {**os.environ, "TERCEL_PURE": "1", "TERCEL_TEST_LOOP": loop}
    environment["PYTHONPATH"] = str(REPOSITORY)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.harness", "-p", "no:cacheprovider", "-q"]
        + ["--rootdir", str(folder), str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_coroutines_and_fixtures_share_a_loop(tmp_path: pathlib.Path, loop: str) -> None:
    text = f"""
@pytest.fixture
async def opened():
    loop = asyncio.get_running_loop()
    yield loop
    assert asyncio.get_running_loop() is loop
@pytest.fixture
async def nothing():
    return None
class TestIt:
    @pytest.fixture
    async def six(self, opened):
        return 6
    @pytest.mark.parametrize("n", [1, 2])
    async def test_it(self, opened, six, nothing, n):
        assert asyncio.get_running_loop() is opened
        assert type(opened).__module__.startswith({loop!r})
        assert six == 6 and nothing is None
"""
    assert "2 passed" in run_tests(tmp_path, text, loop)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("assert 0", "assert 0"),
        ("asyncio.get_running_loop().create_task(asyncio.sleep(60))", "left tasks pending"),
        ("asyncio.get_running_loop().call_soon(lambda: 1 / 0)", "the event loop caught errors"),
        ("import socket; socket.socket()", "unclosed <socket"),
        ("asyncio.sleep(0)", "was never awaited"),
    ],
)
def test_refuses(tmp_path: pathlib.Path, body: str, sentence: str) -> None:
    settings = "[pytest]\nfilterwarnings = error\nmarkers = loop_errors: it\n"
    (tmp_path / "pytest.ini").write_text(settings)
    text = run_tests(tmp_path, f"async def test_it():\n    {body}\n")
    assert "1 failed" in text
    assert sentence in text


def test_refuses_tasks_left_by_fixtures(tmp_path: pathlib.Path) -> None:
    text = """
@pytest.fixture
async def left():
    yield asyncio.get_running_loop().create_task(asyncio.sleep(60))
async def test_it(left):
    pass
"""
    assert "1 passed, 1 error" in run_tests(tmp_path, text)


def test_a_task_about_to_end_may_end(tmp_path: pathlib.Path) -> None:
    text = """
async def test_it():
    asyncio.get_running_loop().create_task(asyncio.sleep(0.05))
"""
    assert "1 passed" in run_tests(tmp_path, text)


@pytest.fixture
def package(tmp_path: pathlib.Path) -> pathlib.Path:
    """Modules a, b and c, compiled at time 100; a cimports b, b cimports c."""
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "a.pxd").write_text("from pkg.b cimport B\n")
    (folder / "b.pxd").write_text("cimport cython\nfrom pkg cimport c\n")
    (folder / "c.pxd").write_text("cdef int x\n")
    for name in "abc":
        (folder / f"{name}.py").touch()
        (folder / (name + SUFFIX)).touch()
    for path in folder.iterdir():
        os.utime(path, (100, 100))
    return tmp_path


def test_fresh_extensions_are_not_stale(package: pathlib.Path) -> None:
    assert find_stale_extensions(package) == []


@pytest.mark.parametrize(
    ("touched", "stale"), [("a.py", "a"), ("a.pxd", "a"), ("b.pxd", "ab"), ("c.pxd", "abc")]
)
def test_staleness_follows_cimports(package: pathlib.Path, touched: str, stale: str) -> None:
    os.utime(package / "pkg" / touched, (200, 200))
    found = find_stale_extensions(package)
    assert [path.name.partition(".")[0] for path in found] == list(stale)


def test_cimports_are_read_in_every_form(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "pkg" / "sub"
    folder.mkdir(parents=True)
    for name in ("one", "two", "three", "four"):
        (folder / f"{name}.pxd").touch()
    (tmp_path / "pkg" / "five.pxd").touch()
    (folder / "one.pxd").write_text(
        "from pkg.sub.two cimport X\nfrom .three cimport Y\nfrom . cimport (four,\n    two)\n"
        "from ..five cimport Z\ncimport cython\n"
    )
    found = find_cimports(tmp_path, folder / "one.pxd")
    assert sorted(path.stem for path in found) == ["five", "four", "three", "two"]
