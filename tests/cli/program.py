"""Tercel's command line as a process, with bounded waits; used by the tests of commands."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.meta.house import SOURCE

__all__ = ["APP", "Program", "ask", "environment", "run", "running"]

APP = """
import asyncio, os
from tercel import web

async def pid(request):
    return web.Response(text=str(os.getpid()))

async def slow(request):
    await asyncio.sleep(float(request.query["time"]))
    return web.Response(text="late")

async def echo(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(f"{os.getpid()} {message.data}")
    return ws

def make():
    app = web.Application()
    app.add_routes([
        web.get("/", pid, name="pid"), web.get("/slow", slow), web.get("/ws/{room}", echo),
    ])
    return app

async def make_later():
    await asyncio.sleep(0)
    return make()

app = make()
"""


def environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TERCEL_", "LISTEN_"))}
    pure = {k: v for k, v in os.environ.items() if k == "TERCEL_PURE"}
    return {**kept, **pure, "PYTHONPATH": path, "HOME": str(folder), "NO_COLOR": "1"}


def run(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """One command from start to end."""
    return subprocess.run(
        [sys.executable, "-m", "tercel", *arguments],
        cwd=folder,
        env={**environment(folder), **variables},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


class Program:
    """A command that runs on; `out` and `err` are what it has written so far."""

    def __init__(self, folder: Path, process: Any) -> None:
        self.folder = folder
        self.process = process

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def port(self) -> int:
        found = re.search(r"Running on https?://[^/\s]*:(\d+)", self.out + self.err)
        assert found is not None, self.out + self.err
        return int(found[1])

    async def until(self, holds: Callable[[], Any]) -> None:
        for _ in range(1250):
            if holds():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"waited in vain; out:\n{self.out}\nerr:\n{self.err}")

    async def ready(self) -> None:
        await self.until(
            lambda: "Running on" in self.out + self.err or self.process.returncode is not None
        )
        assert self.process.returncode is None, self.err

    async def get(self, path: str = "/") -> str:
        """The body of one answer, on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return await ask(reader, writer, path, close=True)
        finally:
            writer.close()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Ask for the end; the exit code."""
        if self.process.returncode is None:
            self.send(number)
        return int(await asyncio.wait_for(self.process.wait(), 25))


async def ask(reader: Any, writer: Any, path: str = "/", *, close: bool = False) -> str:
    """The body of one answer of 200; ConnectionResetError where the connection ends first."""
    field = "Connection: close\r\n" if close else ""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n".encode())
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError(f"closed after {error.partial!r}") from error
    assert head.startswith("HTTP/1.1 200 "), head
    length = re.search(r"(?i)content-length: (\d+)", head)
    assert length is not None, head
    body = (await reader.readexactly(int(length[1]))).decode()
    if "connection: close" in head.lower():
        assert await reader.read() == b""
        writer.close()
    return str(body)


@asynccontextmanager
async def running(
    folder: Path, *arguments: str, module: str = "tercel", fds: tuple[int, ...] = (), **more: str
) -> AsyncIterator[Program]:
    """A command while the block lasts; killed if it does not end by itself."""
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-u", "-m", module, *arguments],
            cwd=folder,
            env={**environment(folder), **more},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=fds,
        )
    program = Program(folder, process)
    try:
        yield program
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()
