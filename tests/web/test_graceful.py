"""Graceful shutdown under load (web_advanced, "Graceful shutdown"): the whole of it, with real wrk.

A program of its own serves wrk, clients that check every octet, WebSockets and handlers that never
end; SIGTERM comes in the middle of it all.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import tercel
from tests.peers import require_program

PROGRAM = """
import asyncio, sys
from tercel import web

BODY = b"0123456789" * 30_000

def tell(*words):
    print(*words, flush=True)

async def quick(request):
    return web.Response(text="quick")

async def slow(request):
    await asyncio.sleep(0.05)
    return web.Response(body=BODY)

async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for at in range(0, len(BODY), 10_000):
        await response.write(BODY[at:at + 10_000])
        await asyncio.sleep(0.005)
    return response

async def never(request):
    tell("never began")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        tell("never was cancelled")
        raise

async def deaf(request):
    tell("deaf began")
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            tell("deaf was asked")

async def on_shutdown(app):
    try:
        await asyncio.open_connection("127.0.0.1", PORT)
    except ConnectionRefusedError:
        tell("refuses connections")
    for socket in [*open_sockets]:
        await socket.close(code=1001)
    tell("on_shutdown")

async def on_cleanup(app):
    tell("on_cleanup")

open_sockets = set()

async def keep(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    open_sockets.add(socket)
    try:
        async for message in socket:
            await socket.send_str(message.data)
    finally:
        open_sockets.discard(socket)
    tell("socket ended")
    return socket

async def make_app():
    app = web.Application()
    for handler in (quick, slow, stream, never, deaf, keep):
        app.router.add_get("/" + handler.__name__, handler)
    app.on_shutdown.append(on_shutdown)
    app.on_cleanup.append(on_cleanup)
    return app

def listening(text):
    global PORT
    PORT = int(text.split("Running on ")[1].split()[0].rstrip("/").rpartition(":")[2])
    tell("port", PORT)

loop = asyncio.new_event_loop() if sys.argv[1] == "asyncio" else None
web.run_app(make_app(), host="127.0.0.1", port=0, print=listening, loop=loop, access_log=None,
            shutdown_timeout=float(sys.argv[2]))
tell("returned")
"""
BODY = b"0123456789" * 30_000


class Program:
    """The running program; `lines` is what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.port = 0

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())

    async def wait_for(self, line: str, count: int = 1) -> str:
        """Wait until lines that begin so were printed; the limit is the test's."""
        while True:
            found = [each for each in self.lines if each.startswith(line)]
            if len(found) >= count:
                return found[0]
            assert self.process.returncode is None, self.lines
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(loop: str, shutdown_timeout: float) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, loop, str(shutdown_timeout)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(Path(tercel.__file__).parent.parent)},
    )
    program = Program(process)
    reading = asyncio.ensure_future(program.read())
    try:
        program.port = int((await program.wait_for("port")).split()[1])
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


class Counted:
    """How the requests of all clients went."""

    def __init__(self) -> None:
        self.whole = 0
        self.unanswered = 0
        self.cut: list[str] = []


async def ask_on(port: int, path: str, body: bytes, counted: Counted) -> None:
    """Ask over one connection after the other, without a pause, until nobody listens."""
    question = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            return
        try:
            while await _ask(reader, writer, question, body, counted):
                pass
        finally:
            writer.transport.abort()


async def _ask(reader: Any, writer: Any, question: bytes, body: bytes, counted: Counted) -> bool:
    """One question; False where the connection is over. An answer that began must be whole."""
    begun = b""
    try:
        writer.write(question)
        begun = await reader.read(1)
        if not begun:
            counted.unanswered += 1
            return False
        head = begun + await reader.readuntil(b"\r\n\r\n")
        begun = head
        if b"Content-Length:" in head:
            got = await reader.readexactly(len(body))
        else:
            got = b""
            while size := int(await reader.readline(), 16):
                got += await reader.readexactly(size)
                assert await reader.readexactly(2) == b"\r\n"
            assert await reader.readexactly(2) == b"\r\n"
        assert got == body
        counted.whole += 1
        return b"Connection: close" not in head
    except (OSError, EOFError, AssertionError, ValueError) as error:
        if begun:
            counted.cut.append(f"{begun!r}: {error!r}")
        else:
            # The server closed while the question was on its way: it may be asked again elsewhere.
            counted.unanswered += 1
        return False


async def hold_socket(session: Any, port: int, opened: asyncio.Event) -> int | None:
    async with session.ws_connect(f"http://127.0.0.1:{port}/keep") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "hello"
        opened.set()
        message = await socket.receive()
        assert message.type is tercel.WSMsgType.CLOSE
        code: int | None = socket.close_code
        return code


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_no_answer_is_cut_and_the_order_is_kept(loop: str) -> None:
    wrk = require_program("wrk")
    async with running(loop, 10.0) as program, tercel.ClientSession() as session:
        port = program.port
        load = subprocess.Popen(
            [wrk, "-t1", "-c20", "-d30s", f"http://127.0.0.1:{port}/quick"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            counted = Counted()
            clients = [
                asyncio.ensure_future(ask_on(port, path, body, counted))
                for path, body in [("/quick", b"quick"), ("/slow", BODY), ("/stream", BODY)] * 5
            ]
            events = [asyncio.Event() for _ in range(5)]
            holders = [asyncio.ensure_future(hold_socket(session, port, each)) for each in events]
            for each in events:
                await each.wait()
            while counted.whole < 100:
                await asyncio.sleep(0.01)
            program.process.send_signal(signal.SIGTERM)
            assert await program.process.wait() == 0, program.lines
            await asyncio.gather(*clients)
            assert [await each for each in holders] == [1001] * 5
        finally:
            load.kill()
            load.communicate()
        assert counted.cut == []
        assert counted.whole >= 100
    said = program.lines
    assert said.count("socket ended") == 5
    order = ["refuses connections", "on_shutdown", "on_cleanup", "returned"]
    assert [line for line in said if line in order] == order
    assert said[-1] == "returned"


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_handlers_that_never_end_are_cancelled_and_left(loop: str) -> None:
    async with running(loop, 0.5) as program:
        counted = Counted()
        paths = ["/never", "/never", "/deaf", "/slow"]
        clients = [
            asyncio.ensure_future(ask_on(program.port, path, BODY, counted)) for path in paths
        ]
        await program.wait_for("never began", 2)
        await program.wait_for("deaf began")
        begun = time.monotonic()
        program.process.send_signal(signal.SIGTERM)
        assert await program.process.wait() == 0, program.lines
        # Not a measure of speed: an hour would be the alternative.
        assert time.monotonic() - begun < 25
        await asyncio.gather(*clients)
        assert counted.cut == []
    said = program.lines
    assert said.count("never was cancelled") == 2
    order = ["refuses connections", "on_shutdown", "deaf was asked", "on_cleanup", "returned"]
    assert list(dict.fromkeys(line for line in said if line in order)) == order
    assert said.index("on_shutdown") < said.index("never was cancelled") < said.index("on_cleanup")
    assert any("it is left behind" in line for line in said)
