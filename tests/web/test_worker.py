"""Gunicorn's workers under the real Gunicorn: starts, ends, replacements, TLS, the access log."""

import asyncio
import contextlib
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tercel
from tests.certificates import client_context, make_authority
from tests.meta.house import SOURCE

if find_spec("gunicorn") is None and os.environ.get("TERCEL_REQUIRE_PEERS", "") in ("", "0"):
    pytest.skip("needs gunicorn, and it is not installed", allow_module_level=True)

pytestmark = pytest.mark.slow

APP = """
import asyncio, os, pathlib, time
from tercel import web

notes = pathlib.Path(__file__).with_name("notes")

def note(word):
    with notes.open("a") as file:
        file.write(word + "\\n")

async def index(request):
    return web.Response(text=str(os.getpid()), headers={"X-Scheme": request.scheme})

async def loop_name(request):
    return web.Response(text=type(asyncio.get_running_loop()).__module__)

async def slow(request):
    note("begun")
    await asyncio.sleep(float(request.query.get("time", "0.5")))
    note("answered")
    return web.Response(text="late")

async def endless(request):
    note("begun")
    try:
        await asyncio.Event().wait()
    finally:
        note("cancelled")

async def stuck(request):
    time.sleep(60)

def make():
    app = web.Application()
    for handler in (loop_name, slow, endless, stuck):
        app.router.add_get("/" + handler.__name__, handler)
    app.router.add_get("/", index)
    async def down(app):
        note("shutdown")
    async def clean(app):
        note("cleanup")
    app.on_shutdown.append(down)
    app.on_cleanup.append(clean)
    return app

async def make_later():
    await asyncio.sleep(0)
    return make()

def make_runner():
    return web.AppRunner(make(), keepalive_timeout=5)

async def broken():
    raise RuntimeError("there is no database")

def number():
    return 42

app = make()
"""

SLOW_IMPORT = """
import time
from served import app, note

note("importing")
time.sleep(1)
"""


class Gunicorn:
    """One Gunicorn with its application in a folder of its own, on a Unix socket and a port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "s")
        self.port = 0
        self.process: Any = None

    async def start(
        self,
        target: str,
        *options: str,
        worker: str = "GunicornWebWorker",
        module: str = "served",
    ) -> None:
        (self.folder / "served.py").write_text(APP)
        path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "gunicorn", f"{module}:{target}"],
                *["--bind", f"unix:{self.socket}", "--bind", "127.0.0.1:0"],
                *["--worker-class", f"tercel.{worker}", "--graceful-timeout", "10"],
                *["--worker-tmp-dir", str(self.folder), *options],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": path, "HOME": str(self.folder)},
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def notes(self) -> list[str]:
        path = self.folder / "notes"
        return path.read_text().split() if path.exists() else []

    async def ready(self) -> None:
        """Until a request is answered on the Unix socket."""
        await self.until(lambda: "Listening at" in self.log)
        found = re.search(r"127\.0\.0\.1:(\d+)", self.log)
        assert found is not None, self.log
        self.port = int(found[1])

    async def until(self, holds: Any) -> None:
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"waited in vain; the log:\n{self.log}")

    async def until_noted(self, word: str) -> None:
        await self.until(lambda: word in self.notes)

    async def connect(self, tls: Any = None, *, port: bool = False) -> Any:
        if port:
            return await asyncio.open_connection("127.0.0.1", self.port, ssl=tls)
        name = {"server_hostname": "localhost"} if tls else {}
        return await asyncio.open_unix_connection(self.socket, ssl=tls, **name)

    async def get(self, path: str = "/", tls: Any = None, *, port: bool = False) -> str:
        """The body of one answer, on a connection of its own."""
        reader, writer = await self.connect(tls, port=port)
        try:
            return await ask(reader, writer, path, close=True)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    async def replace_workers(self, count: int) -> None:
        """Until so many have gone after SIGHUP."""
        wanted = self.log.count("Worker exiting") + count
        self.send(signal.SIGHUP)
        await self.until(lambda: self.log.count("Worker exiting") >= wanted)

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Ask for the end; the exit code."""
        if self.process.returncode is None:
            self.send(number)
        return int(await self.process.wait())


async def ask(reader: Any, writer: Any, path: str = "/", *, close: bool = False) -> str:
    field = "Connection: close\r\n" if close else ""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    assert head.startswith("HTTP/1.1 200 "), head
    length = re.search(r"(?i)content-length: (\d+)", head)
    assert length is not None, head
    return str((await reader.readexactly(int(length[1]))).decode())


@pytest.fixture
async def gunicorn(tmp_path: Path) -> AsyncIterator[Gunicorn]:
    made = Gunicorn(tmp_path)
    yield made
    process = made.process
    if process is not None and process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 12)
        except TimeoutError:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("target", ["app", "make", "make()", "make_later", "make_runner"])
async def test_whatever_makes_an_application_is_served(gunicorn: Gunicorn, target: str) -> None:
    await gunicorn.start(target)
    await gunicorn.ready()
    pids = {await gunicorn.get(), await gunicorn.get(port=True)}
    assert len(pids) == 1
    assert pids != {str(gunicorn.process.pid)}
    assert await gunicorn.end() == 0
    assert gunicorn.notes == ["shutdown", "cleanup"]


@pytest.mark.parametrize(
    ("worker", "module"),
    [("GunicornWebWorker", "asyncio"), ("GunicornUVLoopWebWorker", "uvloop")],
)
async def test_each_worker_has_its_event_loop(gunicorn: Gunicorn, worker: str, module: str) -> None:
    if module == "uvloop":
        pytest.importorskip("uvloop")
    await gunicorn.start("app", "--workers", "2", worker=worker)
    await gunicorn.ready()
    answers = await asyncio.gather(*[gunicorn.get("/loop_name") for _ in range(50)])
    assert {answer.partition(".")[0] for answer in answers} == {module}
    begun = asyncio.create_task(gunicorn.get("/slow"))
    await gunicorn.until_noted("begun")
    assert await gunicorn.end() == 0
    assert await begun == "late"


@pytest.mark.parametrize(
    ("target", "sentence"),
    [("broken", "there is no database"), ("number", "not 42")],
)
async def test_what_cannot_start_is_told_and_given_up(
    gunicorn: Gunicorn, target: str, sentence: str
) -> None:
    await gunicorn.start(target)
    assert await gunicorn.process.wait() == 3
    assert sentence in gunicorn.log


async def test_a_request_under_way_is_answered_before_the_end(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app")
    await gunicorn.ready()
    begun = [asyncio.create_task(gunicorn.get("/slow")) for _ in range(20)]
    await gunicorn.until(lambda: gunicorn.notes.count("begun") == 20)
    assert await gunicorn.end() == 0
    assert await asyncio.gather(*begun) == ["late"] * 20
    assert gunicorn.notes == ["begun"] * 20 + ["shutdown"] + ["answered"] * 20 + ["cleanup"]


@pytest.mark.parametrize("worker", ["GunicornWebWorker", "GunicornUVLoopWebWorker"])
async def test_an_end_during_the_import_of_the_application_is_heard(
    gunicorn: Gunicorn, worker: str
) -> None:
    if worker == "GunicornUVLoopWebWorker":
        pytest.importorskip("uvloop")
    (gunicorn.folder / "late.py").write_text(SLOW_IMPORT)
    options = ("--graceful-timeout", "60")
    await gunicorn.start("app", *options, worker=worker, module="late")
    await gunicorn.until_noted("importing")
    assert await gunicorn.end() == 0
    assert gunicorn.notes == ["importing"]


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT])
async def test_a_quick_end_cancels_handlers_and_cleans_up(gunicorn: Gunicorn, number: int) -> None:
    await gunicorn.start("app", "--graceful-timeout", "60")
    await gunicorn.ready()
    begun = asyncio.create_task(gunicorn.get("/endless"))
    await gunicorn.until_noted("begun")
    assert await gunicorn.end(number) == 0
    assert gunicorn.notes == ["begun", "shutdown", "cancelled", "cleanup"]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await begun


async def test_a_handler_that_never_ends_is_cancelled_in_time(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--graceful-timeout", "1")
    await gunicorn.ready()
    begun = asyncio.create_task(gunicorn.get("/endless"))
    await gunicorn.until_noted("begun")
    assert await gunicorn.end() == 0
    assert gunicorn.notes == ["begun", "shutdown", "cancelled", "cleanup"]
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await begun


class Load:
    """Clients that ask on and on, each request on a connection of its own. None may fail."""

    def __init__(self, gunicorn: Gunicorn, *, port: bool) -> None:
        self.gunicorn = gunicorn
        self.port = port
        self.pids: list[str] = []
        self.is_over = False

    async def one(self) -> None:
        while not self.is_over:
            self.pids.append(await self.gunicorn.get(port=self.port))

    async def more(self, count: int) -> None:
        """Until so many more requests are answered."""
        target = len(self.pids) + count
        while len(self.pids) < target:
            if any(task.done() for task in self.tasks):
                return
            await asyncio.sleep(0.01)

    async def __aenter__(self) -> "Load":
        self.tasks = [asyncio.create_task(self.one()) for _ in range(8)]
        return self

    async def __aexit__(self, *args: object) -> None:
        self.is_over = True
        await asyncio.gather(*self.tasks)


async def test_hup_replaces_all_workers_under_load(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--workers", "2")
    await gunicorn.ready()
    async with Load(gunicorn, port=True) as load:
        await load.more(100)
        first = set(load.pids)
        for _ in range(2):
            await gunicorn.replace_workers(2)
        before = len(load.pids)
        await load.more(100)
    assert not first & set(load.pids[before + 8 :])
    assert os.path.exists(gunicorn.socket)


async def test_a_worker_that_is_killed_is_replaced(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app")
    await gunicorn.ready()
    first = await gunicorn.get()
    os.kill(int(first), signal.SIGKILL)
    second = await gunicorn.get()
    assert second != first
    answers = await asyncio.gather(*[gunicorn.get() for _ in range(50)])
    assert set(answers) == {second}


async def test_max_requests_replaces_a_worker_under_load(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--max-requests", "50")
    await gunicorn.ready()
    async with Load(gunicorn, port=True) as load:
        while len(set(load.pids)) < 3 and not any(task.done() for task in load.tasks):
            await load.more(10)
    assert "Max requests" in gunicorn.log


async def test_a_stuck_worker_is_aborted_and_replaced(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--timeout", "2")
    await gunicorn.ready()
    first = await gunicorn.get()
    # A slow handler is no stuck worker.
    assert await gunicorn.get("/slow?time=4") == "late"
    assert await gunicorn.get() == first
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await gunicorn.get("/stuck")
    assert await gunicorn.get() != first
    assert "WORKER TIMEOUT" in gunicorn.log


async def test_keepalive_is_gunicorns(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--keep-alive", "1")
    await gunicorn.ready()
    reader, writer = await gunicorn.connect()
    assert await ask(reader, writer) == await ask(reader, writer)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_the_access_log_is_ours_in_gunicorns_file(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--access-logfile", "access")
    await gunicorn.ready()
    await gunicorn.get("/?a=1", port=True)
    path = gunicorn.folder / "access"
    await gunicorn.until(path.read_text)
    assert re.fullmatch(
        r'127\.0\.0\.1 \[[^]]+\] "GET /\?a=1 HTTP/1\.1" 200 \d+ "-" "-"\n', path.read_text()
    )
    path.rename(gunicorn.folder / "older")
    gunicorn.send(signal.SIGUSR1)
    await gunicorn.until(path.exists)
    for _ in range(100):  # the worker reopens it when it gets to it
        await gunicorn.get("/?after")
        if path.read_text():
            break
    assert "/?after" in path.read_text()


async def test_the_access_log_has_the_format_that_was_chosen(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--access-logfile", "-", "--access-logformat", "<%s of %r>")
    await gunicorn.ready()
    await gunicorn.get("/")
    await gunicorn.until(lambda: "<200 of GET / HTTP/1.1>" in gunicorn.log)


async def test_without_accesslog_nothing_is_logged(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--access-logformat", "<%s>")
    await gunicorn.ready()
    await gunicorn.get("/")
    assert await gunicorn.end() == 0
    assert "<200>" not in gunicorn.log


async def test_gunicorns_own_log_format_is_refused(gunicorn: Gunicorn) -> None:
    await gunicorn.start("app", "--access-logfile", "-", "--access-logformat", "%(h)s %s")
    assert await gunicorn.process.wait() == 3
    assert "access_log_format holds '%(h)s'" in gunicorn.log


def write_certificate(folder: Path) -> list[str]:
    certificate = make_authority().issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    chain = folder / "cert.pem"
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(chain), append=True)
    return ["--certfile", str(chain), "--keyfile", str(folder / "key.pem")]


async def test_tls(gunicorn: Gunicorn) -> None:
    files = write_certificate(gunicorn.folder)
    await gunicorn.start("app", *files, "--ciphers", "ECDHE+AESGCM", "--ssl-version", "TLSv1_2")
    await gunicorn.ready()
    reader, writer = await gunicorn.connect(client_context(), port=True)
    name, version, _ = writer.get_extra_info("cipher")
    assert (name[:5], version) == ("ECDHE", "TLSv1.2")
    await ask(reader, writer)
    begun = asyncio.create_task(ask(reader, writer, "/slow"))
    await gunicorn.until_noted("begun")
    assert await gunicorn.end() == 0
    assert await begun == "late"
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


async def test_the_ssl_context_hook_has_the_last_word(gunicorn: Gunicorn) -> None:
    files = write_certificate(gunicorn.folder)
    (gunicorn.folder / "settings.py").write_text(
        "def ssl_context(config, make):\n"
        "    context = make()\n"
        "    context.set_alpn_protocols(['http/1.1'])\n"
        "    return context\n"
    )
    await gunicorn.start("app", *files, "--config", "settings.py")
    await gunicorn.ready()
    context = client_context()
    reader, writer = await gunicorn.connect(context, port=True)
    assert writer.get_extra_info("cipher")[1] == "TLSv1.3"
    await ask(reader, writer, close=True)
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


def test_the_names_stand_at_the_front_door_but_not_in_its_list() -> None:
    from tercel.web import worker

    assert tercel.GunicornWebWorker is worker.GunicornWebWorker
    assert issubclass(tercel.GunicornUVLoopWebWorker, tercel.GunicornWebWorker)
    assert "GunicornWebWorker" not in tercel.__all__  # `import *` would need Gunicorn
