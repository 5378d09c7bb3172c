"""The chat on an ephemeral port, and people who come in."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tercel.test_utils import TestClient, TestServer

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))


@pytest.fixture
async def client() -> AsyncIterator[TestClient]:
    from chat.app import make_app

    async with TestClient(TestServer(make_app())) as client:
        yield client
