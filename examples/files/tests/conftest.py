"""The files on an ephemeral port, in a folder of their own."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tercel.test_utils import TestClient, TestServer

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))


@pytest.fixture
def shelf(tmp_path: Path):
    from files.shelf import Shelf

    return Shelf(tmp_path / "data", max_size=50_000_000, max_total=100_000_000)


@pytest.fixture
async def client(shelf) -> AsyncIterator[TestClient]:
    from files.app import make_app

    async with TestClient(TestServer(make_app(shelf))) as client:
        yield client
