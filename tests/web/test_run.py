"""run_app as a program: each test is a process of its own, ended by a signal."""

import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest

PRELUDE = """
import asyncio, os, signal, socket, sys
from tercel.web.run import run_app
from tercel.web.response import Response
from tercel.web.server import Server
from tercel.web.shutdown import GracefulExit

async def hello(request):
    return Response(text="hello")

class App:
    _debug = False
    handler = staticmethod(hello)
    def freeze(self): pass
    async def startup(self):
        print("startup", type(asyncio.get_running_loop()).__module__, flush=True)
    async def shutdown(self): print("shutdown", flush=True)
    async def cleanup(self): print("cleanup", flush=True)
    def _make_handler(self, *, loop=None, **settings): return Server(self.handler, **settings)
"""


class Program:
    """A running script; what it has printed so far is in `text`."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + textwrap.dedent(script), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.text = ""

    def wait_for(self, pattern: str) -> "re.Match[str]":
        assert self.process.stdout is not None
        until = time.monotonic() + 30
        while (found := re.search(pattern, self.text)) is None:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.1)
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b"\0"
            assert piece, f"the program ended without {pattern!r}:\n{self.text}"
            self.text += piece.decode().strip("\0")
            assert time.monotonic() < until, f"no {pattern!r} in:\n{self.text}"
        return found

    def end(self, number: int | None = signal.SIGTERM) -> int:
        if number is not None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.text += rest.decode()
        return self.process.returncode

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *args: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def get(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := sock.recv(65536):
            data += piece
        return data


SERVING = r"======== Running on http://127\.0\.0\.1:(\d+) ========\n\(Press CTRL\+C to quit\)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loop", ["None", "asyncio.new_event_loop()"])
def test_signals_end_it_with_code_0(number: int, loop: str) -> None:
    with Program(
        f"run_app(App(), host='127.0.0.1', port=0, loop={loop}); print('after')"
    ) as program:
        port = int(program.wait_for(SERVING)[1])
        assert get(port).endswith(b"hello")
        assert program.end(number) == 0
    assert program.text.endswith("shutdown\ncleanup\nafter\n")
    assert ("startup uvloop" in program.text) == (loop == "None")


def test_without_signal_handlers_ctrl_c_works_too() -> None:
    with Program("run_app(App(), host='127.0.0.1', port=0, handle_signals=False)") as program:
        program.wait_for(SERVING)
        assert program.end(signal.SIGINT) == 0
    assert program.text.endswith("shutdown\ncleanup\n")


@pytest.mark.parametrize("what", ["App()", "make()", "make", "App", "lambda: make()"])
def test_what_makes_an_application(what: str) -> None:
    script = f"""
    async def make():
        return App()
    run_app({what}, host="127.0.0.1", port=0)
    """
    with Program(script) as program:
        port = int(program.wait_for(SERVING)[1])
        assert get(port).endswith(b"hello")
        assert program.end() == 0


def test_several_places(tmp_path: pathlib.Path) -> None:
    script = """
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    paths = [sys.argv[1] + "/a", sys.argv[1] + "/b"]
    run_app(App(), path=paths, sock=socks)
    """
    with Program(script, str(tmp_path)) as program:
        names = program.wait_for(r"Running on (.*) ====")[1].split(", ")
        assert len(names) == 4
        assert names == sorted(names)
        assert f"http://unix:{tmp_path}/a:" in names
        for name in names:
            if "unix" not in name:
                assert get(int(name.rpartition(":")[2])).endswith(b"hello")
        assert program.end() == 0
    assert list(tmp_path.iterdir()) == []


def test_print_can_be_replaced_or_silenced() -> None:
    script = """
    async def stop(request):
        raise GracefulExit
    class Stopping(App):
        async def startup(self):
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    run_app(Stopping(), host="127.0.0.1", port=0, print=None)
    print("between")
    run_app(Stopping(), host="127.0.0.1", port=0, print=lambda text: print("[" + text[:8]))
    """
    with Program(script) as program:
        assert program.end(None) == 0
    assert program.text == "shutdown\ncleanup\nbetween\n[========\nshutdown\ncleanup\n"


def test_a_taken_port_is_an_oserror() -> None:
    script = """
    try:
        run_app(App(), host="127.0.0.1", port=int(sys.argv[1]))
    except OSError as error:
        print("error:", error)
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Program(script, str(port)) as program:
            assert program.end(None) == 0
    assert f"cannot listen on http://127.0.0.1:{port}: address already in use" in program.text
    assert "Traceback" not in program.text
    assert "cleanup" in program.text


def test_a_start_that_fails() -> None:
    script = """
    class Failing(App):
        async def startup(self): raise ZeroDivisionError("at the start")
    run_app(Failing(), host="127.0.0.1", port=0)
    """
    with Program(script) as program:
        assert program.end(None) == 1
    assert program.text.count("ZeroDivisionError: at the start") == 1
    assert "cleanup" in program.text
    assert "never retrieved" not in program.text


def test_tasks_left_over_are_cancelled_and_their_failures_reported() -> None:
    script = """
    async def good():
        try:
            await asyncio.sleep(3600)
        finally:
            print("good ended", flush=True)
    async def bad():
        try:
            await asyncio.sleep(3600)
        finally:
            1 / 0
    class Busy(App):
        async def startup(self):
            self.tasks = [asyncio.create_task(good()), asyncio.create_task(bad())]
    run_app(Busy(), host="127.0.0.1", port=0)
    """
    with Program(script) as program:
        program.wait_for(SERVING)
        assert program.end() == 0
    assert "good ended" in program.text
    assert "ZeroDivisionError" in program.text
    assert program.text.index("cleanup") < program.text.index("good ended")


@pytest.mark.parametrize("loop", ["None", "asyncio.new_event_loop()"])
def test_a_handler_may_end_the_program(loop: str) -> None:
    script = f"""
    class Stopping(App):
        @staticmethod
        async def handler(request):
            raise GracefulExit
    run_app(Stopping(), host="127.0.0.1", port=0, loop={loop})
    print("after")
    """
    with Program(script) as program:
        port = int(program.wait_for(SERVING)[1])
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert program.end(None) == 0
    assert program.text.endswith("shutdown\ncleanup\nafter\n")


@pytest.mark.parametrize("loop", ["None", "asyncio.new_event_loop()"])
def test_the_loop_is_closed(loop: str) -> None:
    script = f"""
    made = {loop}
    run_app(App(), host="127.0.0.1", port=0, loop=made)
    print("closed", made is None or made.is_closed())
    """
    with Program(script) as program:
        program.wait_for(SERVING)
        assert program.end() == 0
    assert program.text.endswith("closed True\n")
    assert "ResourceWarning" not in program.text


def test_the_access_log_is_seen_in_debug_mode_only() -> None:
    script = """
    App._debug = bool(int(sys.argv[1]))
    run_app(App(), host="127.0.0.1", port=0)
    """
    seen: list[Any] = []
    for debug in "01":
        with Program(script, debug) as program:
            port = int(program.wait_for(SERVING)[1])
            get(port)
            assert program.end() == 0
            seen.append('"GET / HTTP/1.1" 200' in program.text)
    assert seen == [False, True]


def test_an_application_from_start_to_end() -> None:
    script = """
    from tercel import web

    async def hello(request):
        return web.Response(text="hello")

    async def context(app):
        print("context begins")
        yield
        print("context ends")

    async def note(app):
        print("on_shutdown")

    app = web.Application()
    app.router.add_get("/", hello)
    app.cleanup_ctx.append(context)
    app.on_shutdown.append(note)
    web.run_app(app, host="127.0.0.1", port=0)
    """
    with Program(script) as program:
        port = int(program.wait_for(SERVING)[1])
        assert get(port).endswith(b"hello")
        assert program.end() == 0
    assert program.text.startswith("context begins\n")
    assert program.text.endswith("on_shutdown\ncontext ends\n")
    assert "Warning" not in program.text
