"""tercel run --workers: one socket, several processes, and no request lost while they change."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.cli.program import APP, Program, ask, running

pytestmark = pytest.mark.slow

OPTIONS = ("--port", "0", "--no-access-log", "--shutdown-timeout", "10")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served.py").write_text(APP)
    return tmp_path


def put(folder: Path, text: str) -> None:
    """Change the code in one step: half of a file would be another change."""
    (folder / "served.new").write_text(text)
    os.replace(folder / "served.new", folder / "served.py")


class Load:
    """Clients that ask on and on, half of them on connections that live on. Nothing may fail."""

    def __init__(self, program: Program, *kinds: str) -> None:
        self.program = program
        self.kinds = kinds or ("fresh", "lasting")
        self.pids: list[str] = []
        self.is_over = False
        self.asking = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def fresh(self) -> None:
        while not self.is_over:
            await self.gate.wait()
            self.asking += 1
            self.pids.append(await self.program.get())
            self.asking -= 1

    async def lasting(self) -> None:
        while not self.is_over:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.program.port)
            try:
                while not self.is_over and not writer.is_closing():
                    self.pids.append(await ask(reader, writer))
            finally:
                writer.close()

    async def between_requests(self, call: Callable[[], None]) -> None:
        """Hold the clients, wait until none of them asks, call, and let them go on."""
        self.gate.clear()
        while self.asking and not any(task.done() for task in self.tasks):
            await asyncio.sleep(0)
        call()
        self.gate.set()

    async def more(self, count: int) -> None:
        """Until so many more are answered, or one has failed."""
        target = len(self.pids) + count
        while len(self.pids) < target and not any(task.done() for task in self.tasks):
            await asyncio.sleep(0.01)

    async def until_gone(self, pids: set[str]) -> None:
        """Until none of these workers answers any more."""
        await self.program.until(
            lambda: not pids & set(self.pids[-40:]) or any(task.done() for task in self.tasks)
        )

    async def __aenter__(self) -> "Load":
        kinds = (self.kinds * 8)[:8]
        self.tasks = [asyncio.create_task(getattr(self, kind)()) for kind in kinds]
        return self

    async def __aexit__(self, *args: object) -> None:
        self.is_over = True
        await asyncio.gather(*self.tasks)


@asynccontextmanager
async def workers(folder: Path, *options: str) -> AsyncIterator[Program]:
    async with running(folder, "run", "served:app", *OPTIONS, *options) as program:
        await program.ready()
        yield program


async def test_all_are_replaced_under_load_and_end_in_good_order(folder: Path) -> None:
    async with workers(folder, "--workers", "2") as program:
        async with Load(program) as load:
            await load.more(60)
            old = set(load.pids)
            assert str(program.process.pid) not in old
            program.send(signal.SIGHUP)
            await load.until_gone(old)
            await load.more(60)
        late = asyncio.create_task(program.get("/slow?time=1"))
        await asyncio.sleep(0.3)
        assert await program.end() == 0
        assert await late == "late"
    assert "ended by" not in program.err


async def test_one_is_killed_between_requests_and_replaced(folder: Path) -> None:
    async with workers(folder, "--workers", "2") as program:
        async with Load(program, "fresh") as load:
            await load.more(60)
            killed = load.pids[-1]
            await load.between_requests(lambda: os.kill(int(killed), signal.SIGKILL))
            count = len(load.pids)
            await load.more(60)
            await program.until(lambda: program.err.count("is ready") == 3)
            await load.more(60)
        assert killed not in load.pids[count:]
        assert "has ended by signal 9: it is replaced" in program.err
        assert await program.end() == 0


async def test_new_code_comes_with_sighup_and_bad_code_does_not(folder: Path) -> None:
    async with workers(folder, "--workers", "1", "--loop", "asyncio", "--reload") as program:
        put(folder, "def broken(:\n")
        await program.until(lambda: "(the old code serves on)" in program.err)
        assert "served.py, line 1: invalid syntax: def broken(:" in program.err
        assert (await program.get()).isdecimal()
        put(folder, APP.replace("str(os.getpid())", "'new'"))
        await program.until(lambda: program.err.count("is ready") >= 2)
        for _ in range(100):
            if await program.get() == "new":
                break
        assert await program.get() == "new"
        # Templates are read again by those who use them, without a new worker.
        (folder / "page.html").write_text("changed")
        put(folder, APP.replace("str(os.getpid())", "'newer'"))
        await program.until(lambda: program.err.count("is ready") >= 3)
        assert await program.end(signal.SIGINT) == 0
    assert "page.html" not in program.err


async def test_reload_waits_for_code_that_starts(folder: Path) -> None:
    (folder / "served.py").write_text("def broken(:\n")
    async with running(folder, "run", "served:app", *OPTIONS, "--reload") as program:
        await program.until(lambda: "(waiting for a change)" in program.err)
        put(folder, APP)
        await program.ready()
        assert (await program.get()).isdecimal()
        assert await program.end() == 0


async def test_websockets_are_told_and_signals_change_the_number(folder: Path) -> None:
    async with workers(folder, "--workers", "2", "--shutdown-timeout", "0.5") as program:
        peer = await connect(f"ws://127.0.0.1:{program.port}/ws/hall")
        await peer.send("hello")
        assert str(await peer.recv()).endswith(" hello")
        program.send(signal.SIGTTIN)
        await program.until(lambda: program.err.count("is ready") == 3)
        program.send(signal.SIGTTOU)
        await program.until(lambda: "has ended" in program.err)
        # The handler waits for its peer without end, so it is cancelled.
        assert await program.end() == 0
        await peer.wait_closed()


async def test_workers_end_where_their_supervisor_was_killed(folder: Path) -> None:
    async with workers(folder, "--workers", "2") as program:
        pids = {int(await program.get()) for _ in range(20)}
        program.process.kill()
        await program.process.wait()
        await program.until(lambda: not any(is_alive(pid) for pid in pids))


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
