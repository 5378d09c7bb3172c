"""Runners and sites: where a server is reached, and the order in which it ends."""

import asyncio
import os
import pathlib
import signal
import socket
from typing import Any

import pytest

from tercel.web.response import Response
from tercel.web.runner import AppRunner, ServerRunner
from tercel.web.server import Server
from tercel.web.shutdown import GracefulExit
from tercel.web.sites import SockSite, TCPSite, UnixSite


class App:
    """The least that an AppRunner runs, and a record of what is called."""

    def __init__(self, handler: Any = None) -> None:
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.handler = handler
        self.settings: dict[str, Any] = {}

    def note(self, what: str) -> None:
        self.calls.append(what)
        if what in self.failing:
            raise ZeroDivisionError(what)

    def freeze(self) -> None:
        self.note("freeze")

    async def startup(self) -> None:
        self.note("startup")

    async def shutdown(self) -> None:
        self.note("shutdown")

    async def cleanup(self) -> None:
        self.note("cleanup")

    def _make_handler(self, *, loop: Any = None, **settings: Any) -> Server:
        self.settings = settings
        return Server(self.handler or hello, **{**settings, "access_log": None})


async def hello(request: Any) -> Response:
    return Response(text="hello")


async def get(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    return await converse(reader, writer)


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data


async def test_life_of_a_runner() -> None:
    app = App()
    runner = AppRunner(app)
    assert (runner.app, runner.server, runner.sites, runner.addresses) == (app, None, set(), [])
    with pytest.raises(RuntimeError, match=r"runner\.setup\(\)"):
        TCPSite(runner)
    await runner.setup()
    assert app.calls == ["startup", "freeze"]
    assert isinstance(runner.server, Server)
    site = TCPSite(runner, "127.0.0.1", 0)
    assert (site.name, site.port) == ("http://127.0.0.1:0", 0)
    with pytest.raises(RuntimeError, match="not registered"):
        await site.stop()
    await site.start()
    assert site.port != 0
    assert site.name == f"http://127.0.0.1:{site.port}"
    assert runner.addresses == [("127.0.0.1", site.port)]
    assert runner.sites == {site}
    with pytest.raises(RuntimeError, match="already registered"):
        await site.start()
    assert (await get("127.0.0.1", site.port)).endswith(b"hello")
    await runner.cleanup()
    assert app.calls == ["startup", "freeze", "shutdown", "cleanup"]
    assert (runner.server, runner.sites, runner.addresses) == (None, set(), [])
    with pytest.raises(ConnectionRefusedError):
        await get("127.0.0.1", site.port)
    await runner.cleanup()


async def test_default_names() -> None:
    runner = ServerRunner(Server(hello))
    await runner.setup()
    assert TCPSite(runner).name == "http://0.0.0.0:8080"
    assert TCPSite(runner, "::1", 1).name == "http://[::1]:1"
    assert TCPSite(runner, ssl_context=object()).name == "https://0.0.0.0:8443"  # type: ignore[arg-type]
    with pytest.warns(DeprecationWarning, match="shutdown_timeout"):
        TCPSite(runner, shutdown_timeout=3)
    await runner.cleanup()


async def test_settings_go_to_the_server() -> None:
    app = App()
    runner = AppRunner(app, shutdown_timeout=3, lingering_time=2.0)
    await runner.setup()
    assert app.settings["lingering_time"] == 2.0
    assert app.settings["keepalive_timeout"] == 3630
    assert "shutdown_timeout" not in app.settings
    assert "handle_signals" not in app.settings
    await runner.cleanup()


def test_something_else_is_no_application() -> None:
    with pytest.raises(TypeError, match=r"web\.Application"):
        AppRunner(42)  # type: ignore[arg-type]


async def test_a_taken_port_is_one_sentence() -> None:
    runner = ServerRunner(Server(hello))
    await runner.setup()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        site = TCPSite(runner, "127.0.0.1", port)
        with pytest.raises(OSError, match="address already in use") as caught:
            await site.start()
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert runner.sites == set()
    await site.start()
    await runner.cleanup()


async def test_unix_site(tmp_path: pathlib.Path) -> None:
    runner = ServerRunner(Server(hello))
    await runner.setup()
    path = tmp_path / "s"
    site = UnixSite(runner, path)
    assert site.name == f"http://unix:{path}:"
    await site.start()
    assert runner.addresses == [str(path)]
    assert (await converse(*await asyncio.open_unix_connection(path))).endswith(b"hello")
    await runner.cleanup()
    assert not path.exists()


async def test_unix_site_leaves_the_socket_of_its_successor(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "s"
    old, new = ServerRunner(Server(hello)), ServerRunner(Server(hello))
    for runner in (old, new):
        await runner.setup()
        await UnixSite(runner, path).start()
    await old.cleanup()
    assert (await converse(*await asyncio.open_unix_connection(path))).endswith(b"hello")
    await new.cleanup()
    with pytest.raises(OSError, match="no such directory"):
        await new.setup()
        await UnixSite(new, tmp_path / "missing" / "s").start()


async def test_sock_sites(tmp_path: pathlib.Path) -> None:
    runner = ServerRunner(Server(hello))
    await runner.setup()
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    local = socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / "s"))
    first, second = SockSite(runner, tcp), SockSite(runner, local)
    assert first.name == f"http://127.0.0.1:{port}"
    assert second.name == f"http://unix:{tmp_path / 's'}:"
    await first.start()
    await second.start()
    assert (await get("127.0.0.1", port)).endswith(b"hello")
    found = await converse(*await asyncio.open_unix_connection(tmp_path / "s"))
    assert found.endswith(b"hello")
    await runner.cleanup()
    tcp.close()
    local.close()


async def test_an_answer_under_way_is_waited_for() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def handler(request: Any) -> Response:
        began.set()
        await go_on.wait()
        return Response(text="late")

    app = App(handler)
    runner = AppRunner(app)
    await runner.setup()
    site = TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    idle = await asyncio.open_connection("127.0.0.1", site.port)
    asking = asyncio.ensure_future(get("127.0.0.1", site.port))
    await began.wait()
    ending = asyncio.ensure_future(runner.cleanup())
    assert await idle[0].read() == b""  # idle connections are closed while handlers are waited for
    assert app.calls[-1] == "shutdown"
    with pytest.raises(ConnectionRefusedError):
        await get("127.0.0.1", site.port)
    go_on.set()
    assert (await asking).endswith(b"late")
    await ending
    assert app.calls[-1] == "cleanup"
    idle[1].close()


async def test_a_handler_that_takes_too_long_is_cancelled_before_cleanup() -> None:
    began = asyncio.Event()
    app = App()

    async def handler(request: Any) -> Response:
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            app.note("cancelled")
        return Response()

    app.handler = handler
    runner = AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    site = TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    asking = asyncio.ensure_future(get("127.0.0.1", site.port))
    await began.wait()
    await runner.cleanup()
    assert app.calls == ["startup", "freeze", "shutdown", "cancelled", "cleanup"]
    await asyncio.wait([asking])
    if asking.exception() is None:
        assert asking.result() == b""


@pytest.mark.parametrize("step", ["shutdown", "cleanup"])
async def test_a_step_that_fails_keeps_no_other_from_running(step: str) -> None:
    app = App()
    app.failing.add(step)
    runner = AppRunner(app)
    await runner.setup()
    site = TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    idle = await asyncio.open_connection("127.0.0.1", site.port)
    with pytest.raises(ZeroDivisionError):
        await runner.cleanup()
    assert app.calls[2:] == ["shutdown", "cleanup"]
    assert await idle[0].read() == b""
    idle[1].close()
    assert runner.server is None


async def test_cleanup_after_a_start_that_failed() -> None:
    app = App()
    app.failing.add("startup")
    runner = AppRunner(app)
    with pytest.raises(ZeroDivisionError):
        await runner.setup()
    await runner.cleanup()
    assert app.calls == ["startup", "cleanup"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(number: signal.Signals) -> None:
    loop = asyncio.new_event_loop()
    before = signal.getsignal(number)
    runner = ServerRunner(Server(hello), handle_signals=True)
    loop.run_until_complete(runner.setup())
    with pytest.raises(GracefulExit) as caught:
        loop.run_until_complete(_signal_self(number))
    assert caught.value.code == 1
    assert isinstance(caught.value, SystemExit)
    loop.run_until_complete(runner.cleanup())
    # SIGTERM must do again what it did before.
    assert signal.getsignal(number) in (before, signal.default_int_handler)
    loop.run_until_complete(loop.shutdown_default_executor())
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    loop.close()


async def _signal_self(number: int) -> None:
    os.kill(os.getpid(), number)
    await asyncio.sleep(10)
