"""The examples of deploy/, with the real nginx, supervisord and Gunicorn: their files as they are,
but for places and the number of processes.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.cli.program import environment
from tests.meta.house import REPOSITORY
from tests.peers import require_program

pytestmark = pytest.mark.slow

DEPLOY = REPOSITORY / "deploy"
#: The client's address; nginx is 127.0.0.1 or a Unix socket to the site.
CLIENT = "127.0.0.2"


class Place:
    """Where the site is deployed in a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, Any] = {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        shutil.copytree(DEPLOY / "site", folder / "site")
        for name in ("run", "log", "body"):
            (folder / name).mkdir()

    def put(self, name: str, *changes: tuple[str, str]) -> Path:
        """Write the example's file `name` here, with other places in it."""
        text = (DEPLOY / name).read_text(encoding="utf-8")
        places = [
            ("/srv/site/venv/bin/tercel", f"{sys.executable} -m tercel"),
            ("/srv/site", f"{self.folder}/site"),
            ("/run/site", f"{self.folder}/run"),
            ("/var/log/site", f"{self.folder}/log"),
        ]
        for old, new in (*changes, *places):
            assert old in text or (old, new) in places, f"{name} has no {old!r} any more"
            text = text.replace(old, new)
        path = self.folder / Path(name).name
        path.write_text(text)
        return path

    def put_nginx(self, name: str) -> Path:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/body/{kind};" for kind in kinds)
        path = self.put(
            name,
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
            ("worker_processes auto;", "worker_processes 1; daemon off;"),
            ("http {\n", f"http {{\n    root {self.folder}; {temporary}\n"),
        )
        if os.geteuid() == 0:  # or its workers could not look into the test's folder
            path.write_text("user root;\n" + path.read_text())
        return path

    async def start(self, name: str, *command: str) -> Any:
        with (self.folder / f"{name}.out").open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.folder,
                env=environment(self.folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.processes[name] = process
        return process

    def logs(self) -> str:
        paths = [*self.folder.glob("*.out"), *(self.folder / "log").iterdir()]
        return "\n".join(f"{path.name}:\n{path.read_text()[-3000:]}" for path in paths)

    async def get(self, path: str = "/", *fields: str) -> tuple[int, str]:
        """Status and body of one answer, on a connection of the client's own."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(CLIENT, 0)
        )
        try:
            lines = [f"GET {path} HTTP/1.0", "Host: example.com", *fields]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        finally:
            writer.close()
        found = re.match(r"HTTP/1\.1 (\d+) ", head)
        assert found is not None, head
        return int(found[1]), body

    async def until_served(self) -> None:
        for _ in range(1000):
            try:
                if (await self.get("/healthz"))[0] == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.02)
        raise AssertionError(f"the site is not served:\n{self.logs()}")

    async def load(self, count: int) -> set[int]:
        """The processes that answered `count` requests; every one is answered."""
        pids = set()
        left = iter(range(count))

        async def client() -> None:
            for _ in left:
                status, body = await self.get()
                assert status == 200, f"{status} {body}\n{self.logs()}"
                pids.add(json.loads(body)["pid"])

        await asyncio.gather(*[client() for _ in range(8)])
        return pids

    async def check(self) -> None:
        """What every way of deploying has to give."""
        status, body = await self.get("/", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil")
        facts = json.loads(body)
        assert status == 200
        assert facts["remote"] == CLIENT
        assert (facts["scheme"], facts["host"]) == ("http", "example.com")
        assert re.fullmatch("[0-9a-f]{32}", facts["request_id"])
        # The application has no such route.
        assert await self.get("/static/style.css") == (200, STYLE)
        async with connect(f"ws://127.0.0.1:{self.port}/echo") as peer:
            await peer.send("through nginx")
            assert await peer.recv() == "through nginx"


STYLE = (DEPLOY / "site" / "static" / "style.css").read_text(encoding="utf-8")


@asynccontextmanager
async def deployed(folder: Path) -> AsyncIterator[Place]:
    place = Place(folder)
    try:
        yield place
    finally:
        for process in reversed(place.processes.values()):
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), 10)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def end(process: Any) -> int:
    process.send_signal(signal.SIGTERM)
    return int(await asyncio.wait_for(process.wait(), 25))


async def until_replaced(place: Place, old: int, count: int) -> None:
    """Until `count` other processes answer."""
    for _ in range(200):
        pids = await place.load(16)
        if old not in pids and len(pids) >= count:
            return
        await asyncio.sleep(0.1)  # supervisord waits a second before it starts another
    raise AssertionError(f"{old} was not replaced:\n{place.logs()}")


def require_package(name: str) -> None:
    if find_spec(name) is None:
        require_program(f"the Python package {name}")


async def test_nginx_and_supervisord(tmp_path: Path) -> None:
    nginx = require_program("nginx")
    require_package("supervisor")
    async with deployed(tmp_path) as place:
        settings = place.put(
            "nginx-supervisord/supervisord.conf",
            ("numprocs = 4", "numprocs = 2"),
            ("user = www-data\n", ""),
        )
        command = (sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c")
        supervisord = await place.start("supervisord", *command, str(settings))
        path = place.put_nginx("nginx-supervisord/nginx.conf")
        await place.start("nginx", nginx, "-c", str(path))
        await place.until_served()
        await place.check()
        pids = await place.load(60)
        while len(pids) < 2:
            pids |= await place.load(10)
        killed = pids.pop()
        os.kill(killed, signal.SIGKILL)
        # nginx asks another process where one has gone; supervisord starts a new one.
        await until_replaced(place, killed, 2)
        assert await end(supervisord) == 0
        text = (tmp_path / "log" / "0-access.log").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        asked = [line for line in lines if line["path"] == "/"]
        assert {line["remote"] for line in asked} == {CLIENT}
        assert {len(line["request_id"]) for line in asked} == {32}


async def test_nginx_and_gunicorn(tmp_path: Path) -> None:
    nginx = require_program("nginx")
    require_package("gunicorn")
    async with deployed(tmp_path) as place:
        settings = place.put("nginx-gunicorn/gunicorn.conf.py", ("workers = 4", "workers = 2"))
        command = (sys.executable, "-m", "gunicorn", "--config", str(settings))
        gunicorn = await place.start("gunicorn", *command, "site_app:make_app")
        path = place.put_nginx("nginx-gunicorn/nginx.conf")
        await place.start("nginx", nginx, "-c", str(path))
        await place.until_served()
        await place.check()
        pids = await place.load(60)
        while len(pids) < 2:
            pids |= await place.load(10)
        # All are replaced while requests come, and none of them fails.
        loading = asyncio.create_task(place.load(200))
        gunicorn.send_signal(signal.SIGHUP)
        await loading
        for _ in range(200):
            now = await place.load(16)
            if not now & pids:
                break
            await asyncio.sleep(0.1)
        assert not now & pids
        killed = now.pop()
        os.kill(killed, signal.SIGKILL)
        await until_replaced(place, killed, 2)
        assert f"{CLIENT} [" in (tmp_path / "log" / "access.log").read_text()
        assert await end(gunicorn) == 0


async def test_the_unit_files_say_what_systemd_knows(tmp_path: Path) -> None:
    analyze = require_program("systemd-analyze")
    unit = tmp_path / "site.service"
    text = (DEPLOY / "systemd" / "site.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/srv/site/venv/bin/tercel", sys.executable))
    shutil.copy(DEPLOY / "systemd" / "site.socket", tmp_path)
    process = await asyncio.create_subprocess_exec(
        *[analyze, "verify", "--man=no", "--recursive-errors=no", str(unit)],
        *[str(tmp_path / "site.socket")],
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 25)
    lines = [line for line in (out + err).decode().splitlines() if "site." in line]
    assert lines == []
