"""The same application on PostgreSQL: only the line `database` of the settings differs."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from polls.app import make_app
from polls.init_db import init_db
from polls.settings import load_settings
from tercel.test_utils import TestClient, TestServer
from tests.peers import require_program


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a database that lives in a folder of its own and is asked by a Unix socket."""
    programs = Path(require_program("postgres")).resolve().parent
    pytest.importorskip("asyncpg")
    folder = Path(tempfile.mkdtemp(prefix="polls-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "polls", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            user=user,
        )
        options = f"-F -c listen_addresses= -c unix_socket_directories={folder}"
        control = [programs / "pg_ctl", "-D", folder / "data", "-w"]
        log = ["-l", folder / "log"]
        subprocess.run([*control, *log, "-o", options, "start"], check=True, user=user)
        try:
            yield f"postgresql://polls@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, user=user)
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
async def test_votes_on_postgresql(server: str, tmp_path: Path) -> None:
    path = tmp_path / "polls.yaml"
    path.write_text(f"database: {server}\n", encoding="utf-8")
    settings = load_settings(path)
    assert await init_db(settings.database) == 4
    assert await init_db(settings.database) == 0

    async with TestClient(TestServer(make_app(settings))) as client:

        async def vote() -> str:
            async with client.post("/question/4", data={"choice": "12"}) as response:
                assert response.status == 200
                return await response.text()

        pages = await asyncio.gather(*(vote() for _ in range(20)))
        assert all("Thank you!" in page for page in pages)
        async with client.get("/question/4/results") as response:
            assert "20 votes" in await response.text()
