"""What the pages for readers say: their code runs, their commands and links lead somewhere."""

import asyncio
import os
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.live import serving
from tests.meta.house import REPOSITORY, SOURCE

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}


def code_below(heading: str) -> str:
    """The first Python block of README.md below the heading."""
    _, found, rest = (REPOSITORY / "README.md").read_text("utf-8").partition(f"\n## {heading}\n")
    assert found
    block = re.search(r"```python\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL)
    assert block is not None
    return block[1]


def replace_once(code: str, old: str, new: str) -> str:
    assert code.count(old) == 1
    return code.replace(old, new)


def write(folder: Path, code: str) -> str:
    path = folder / "program.py"
    path.write_text(code, "utf-8")
    return str(path)


async def test_the_client_asks_the_server(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(compile(code_below("A server"), "README.md", "exec"), names)
    async with serving(names["app"]) as server:
        url = f"http://{server.host}:{server.port}/reader"
        client = replace_once(code_below("A client"), "http://python.org", url)
        said = await run(write(tmp_path, client))
    assert said == "Status: 200\nBody: Hello, reader ...\n"


async def run(program: str) -> str:
    """The output of a Python program that ends well and says nothing on its standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = await process.communicate()
    assert (process.returncode, error) == (0, b"")
    return out.decode()


def test_the_server_as_a_program(tmp_path: Path) -> None:
    code = replace_once(code_below("A server"), "web.run_app(app)", "web.run_app(app, port=0)")
    with subprocess.Popen(
        [sys.executable, write(tmp_path, code)], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            line = program.stdout.readline()
            found = re.search(r"http://\S+:(\d+)", line)
            assert found, line
            assert ask(int(found[1]), "/you") == "Hello, you"
            program.terminate()
            assert program.wait(60) == 0
        finally:
            program.kill()


def ask(port: int, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    with connection.getresponse() as response:
        text = response.read().decode()
    connection.close()
    return text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    told = set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )?make ([a-z-]+)", page.read_text("utf-8"), re.M))
    assert told <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose)
    assert [link for link in links if not (page.parent / link).exists()] == []
