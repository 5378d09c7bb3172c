"""The examples of docs/companions.md do what they say."""

import os
import subprocess
import sys

import pytest

from tercel.test_utils import TestClient, TestServer
from tests.interop.companions import load
from tests.meta.house import REPOSITORY, SOURCE
from tests.peers import require_folder


def test_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    assert uvloop.run(load("uvloop")["main"]()) == "uvloop"


@pytest.mark.slow
async def test_asyncpg(postgres_url: str) -> None:
    app = load("asyncpg")["make_app"](postgres_url)
    async with TestClient(TestServer(app)) as client:
        for number in (1, 2):
            async with client.post("/visits?who=ada") as response:
                assert await response.json() == {"id": number}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "package"),
    [("files", "aiofiles"), ("s3", "aiobotocore"), ("search", "elasticsearch")],
)
def test_those_in_a_folder_of_their_own(name: str, package: str) -> None:
    """In a program of its own: two of them import aiohttp, which must not be there elsewhere."""
    folder = require_folder("companions", package)
    done = subprocess.run(
        [sys.executable, "-m", "tests.interop.companions", name],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), folder])},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
