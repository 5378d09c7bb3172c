"""web_reference.rst `run_app` and the command line: as processes of their own, ended by signals."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest

from tests.documented.subject import SUBJECT, improvement

ROOT = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def program(tmp_path, source, *arguments, module=None):
    """Run `source` (or `-m module`) as a program; it is killed at the end."""
    path = tmp_path / "program.py"
    path.write_text(
        f"import {SUBJECT} as aiohttp\nfrom {SUBJECT} import web\n" + textwrap.dedent(source)
    )
    command = [sys.executable, "-X", "dev", "-W", "ignore"]
    command += ["-m", module] if module else [str(path)]
    paths = [str(tmp_path), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONUNBUFFERED": "1",
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def get(port, path="/", patience=20.0):
    """GET by a plain socket, as soon as the server listens."""
    limit = time.monotonic() + patience
    while True:
        try:
            sock = socket.create_connection(("127.0.0.1", port), timeout=10)
            break
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)
    with sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while piece := sock.recv(65536):
            data += piece
    return data.partition(b"\r\n\r\n")[2].decode()


def finish(process, number=signal.SIGTERM):
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


HELLO = """
    import sys

    async def handler(request):
        return web.Response(text="hello")

    def make():
        app = web.Application()
        app.router.add_get("/", handler)
        return app

    async def coroutine():
        return make()

    PORT = int(sys.argv[1])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_with_code_0(tmp_path, free_port, number):
    source = HELLO + "    web.run_app(make(), host='127.0.0.1', port=PORT)\n"
    with program(tmp_path, source, str(free_port)) as process:
        assert get(free_port) == "hello"
        code, out, err = finish(process, number)
    assert code == 0, err
    assert f"======== Running on http://127.0.0.1:{free_port} ========" in out
    assert "(Press CTRL+C to quit)" in out


@pytest.mark.parametrize("what", ["make()", "coroutine()"])
def test_what_it_runs(tmp_path, free_port, what):
    source = HELLO + f"    web.run_app({what}, host='127.0.0.1', port=PORT, print=None)\n"
    with program(tmp_path, source, str(free_port)) as process:
        assert get(free_port) == "hello"
        code, out, _ = finish(process)
    assert (code, out) == (0, "")


@improvement("a function that makes the application is taken as well")
@pytest.mark.parametrize("what", ["make", "coroutine"])
def test_it_runs_a_factory(tmp_path, free_port, what):
    source = HELLO + f"    web.run_app({what}, host='127.0.0.1', port=PORT, print=None)\n"
    with program(tmp_path, source, str(free_port)) as process:
        assert get(free_port) == "hello"
        assert finish(process)[0] == 0


def test_order_of_its_life(tmp_path, free_port):
    source = (
        HELLO
        + """
    def say(text):
        async def receiver(app):
            print(text)
        return receiver

    async def context(app):
        print("context up")
        yield
        print("context down")

    app = make()
    app.on_startup.append(say("startup"))
    app.on_shutdown.append(say("shutdown"))
    app.on_cleanup.append(say("cleanup"))
    app.cleanup_ctx.append(context)
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)
    print("done")
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        get(free_port)
        code, out, err = finish(process)
    assert code == 0, err
    lines = out.split("\n")
    assert lines[:3] == ["context up", "startup", "shutdown"]
    assert sorted(lines[3:5]) == ["cleanup", "context down"]
    assert lines[5] == "done"


def test_own_print(tmp_path, free_port):
    source = (
        HELLO
        + """
    def show(text, **kwargs):
        print("<" + text.strip() + ">", **kwargs)
    web.run_app(make(), host="127.0.0.1", port=PORT, print=show)
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        get(free_port)
        _, out, _ = finish(process)
    assert out.startswith("<========")


def test_several_hosts_paths_and_sockets(tmp_path, free_port):
    source = (
        HELLO
        + """
    import socket
    sock = socket.create_server(("127.0.0.1", 0))
    print(sock.getsockname()[1])
    web.run_app(make(), host=["127.0.0.1", "127.0.0.2"], port=PORT, path="unix.sock", sock=sock)
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        other = int(process.stdout.readline())
        assert get(free_port) == "hello"
        assert get(other) == "hello"
        assert (tmp_path / "unix.sock").exists()
        # It is told once all of them listen, which may be later than the first answer.
        told = process.stdout.readline()
        code, _, err = finish(process)
    assert code == 0, err
    for name in (
        f"http://127.0.0.1:{free_port}",
        f"http://127.0.0.2:{free_port}",
        "http://unix:unix.sock:",
        f"http://127.0.0.1:{other}",
    ):
        assert name in told


def test_only_a_path(tmp_path):
    source = HELLO + "    web.run_app(make(), path='unix.sock')\n"
    with program(tmp_path, source, "0") as process:
        line = process.stdout.readline()
        code, _, err = finish(process)
    assert code == 0, err
    assert line == "======== Running on http://unix:unix.sock: ========\n"


def test_access_log(tmp_path, free_port):
    source = (
        HELLO
        + """
    import logging
    logging.basicConfig(level=logging.INFO, format="%(name)s|%(message)s")
    web.run_app(make(), host="127.0.0.1", port=PORT, access_log_format="%a %r %s")
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        get(free_port)
        _, _, err = finish(process)
    assert f"{SUBJECT}.access|127.0.0.1 GET / HTTP/1.1 200" in err


def test_no_access_log(tmp_path, free_port):
    source = (
        HELLO
        + """
    import logging
    logging.basicConfig(level=logging.INFO, format="%(name)s|%(message)s")
    web.run_app(make(), host="127.0.0.1", port=PORT, access_log=None)
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        get(free_port)
        _, _, err = finish(process)
    assert "GET / HTTP" not in err


def test_taken_port(tmp_path):
    taken = socket.create_server(("127.0.0.1", 0))
    source = HELLO + "    web.run_app(make(), host='127.0.0.1', port=PORT)\n"
    with program(tmp_path, source, str(taken.getsockname()[1])) as process:
        _, err = process.communicate(timeout=20)
        assert process.returncode != 0
    taken.close()
    assert "address already in use" in err.lower()


def test_failing_startup(tmp_path, free_port):
    source = (
        HELLO
        + """
    async def fail(app):
        raise ValueError("no database")

    app = make()
    app.on_startup.append(fail)
    web.run_app(app, host="127.0.0.1", port=PORT)
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        _, err = process.communicate(timeout=20)
        assert process.returncode == 1
    assert "ValueError: no database" in err


def test_exit_in_a_handler(tmp_path, free_port):
    source = (
        HELLO
        + """
    async def leave(app):
        raise web.GracefulExit

    app = make()
    app.on_startup.append(leave)
    web.run_app(app, host="127.0.0.1", port=PORT)
    print("left")
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
    assert "left" in out


def test_remaining_tasks_are_cancelled(tmp_path, free_port):
    source = (
        HELLO
        + """
    import asyncio

    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            print("task ended")

    async def start(app):
        app["task"] = asyncio.create_task(forever())

    app = make()
    app.on_startup.append(start)
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)
    """
    )
    with program(tmp_path, source, str(free_port)) as process:
        get(free_port)
        code, out, err = finish(process)
    assert (code, out) == (0, "task ended\n"), err


def test_contextvars_example(tmp_path, free_port):
    source = """
    import sys
    from contextvars import ContextVar
    VAR = ContextVar("VAR", default="default")

    async def coro():
        return VAR.get()

    async def handler(request):
        var = VAR.get()
        VAR.set("handler")
        return web.Response(text=var + " " + await coro())

    async def on_startup(app):
        print("on_startup", VAR.get())
        VAR.set("on_startup")

    async def on_cleanup(app):
        print("on_cleanup", VAR.get())
        VAR.set("on_cleanup")

    async def init():
        print("init", VAR.get())
        VAR.set("init")
        app = web.Application()
        app.router.add_get("/", handler)
        app.on_startup.append(on_startup)
        app.on_cleanup.append(on_cleanup)
        return app

    web.run_app(init(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
    print("done", VAR.get())
    """
    with program(tmp_path, source, str(free_port)) as process:
        assert get(free_port) == "on_startup handler"
        assert get(free_port) == "on_startup handler"
        code, out, err = finish(process)
    assert code == 0, err
    assert out == "init default\non_startup init\non_cleanup on_startup\ndone default\n"


def test_command_line(tmp_path, free_port):
    source = """
    async def index(request):
        return web.Response(text=str(request.app["argv"]))

    def init_func(argv):
        app = web.Application()
        app["argv"] = argv
        app.router.add_get("/", index)
        return app
    """
    arguments = ["-H", "127.0.0.1", "-P", str(free_port), "program:init_func", "extra"]
    with program(tmp_path, source, *arguments, module=f"{SUBJECT}.web") as process:
        assert get(free_port) == "['extra']"
        assert finish(process)[0] in (0, 1)


@pytest.mark.parametrize("beside_tcp", [False, True])
def test_command_line_with_a_unix_socket(tmp_path, free_port, beside_tcp):
    source = """
    def init_func(argv):
        return web.Application()
    """
    arguments = ["-U", "unix.sock", "-P", str(free_port), "program:init_func"]
    tcp = ["-H", "127.0.0.1"] if beside_tcp else []
    with program(tmp_path, source, *tcp, *arguments, module=f"{SUBJECT}.web") as process:
        line = process.stdout.readline()
        finish(process)
    names = [f"http://127.0.0.1:{free_port}"] if beside_tcp else []
    assert line == f"======== Running on {', '.join([*names, 'http://unix:unix.sock:'])} ========\n"


@pytest.mark.parametrize(
    "arguments", [[], ["nomodule:func"], ["program"], ["program:missing"], [":func"]]
)
def test_command_line_errors(tmp_path, arguments):
    with program(tmp_path, "x = 1", *arguments, module=f"{SUBJECT}.web") as process:
        _, err = process.communicate(timeout=20)
        assert process.returncode == 2
    assert "error" in err


@improvement("uvloop runs the server unless told otherwise")
def test_uvloop(tmp_path, free_port):
    source = """
    import asyncio, sys

    async def handler(request):
        return web.Response(text=type(asyncio.get_running_loop()).__module__)

    app = web.Application()
    app.router.add_get("/", handler)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
    """
    pytest.importorskip("uvloop")
    with program(tmp_path, source, str(free_port)) as process:
        assert get(free_port).startswith("uvloop")
        assert finish(process)[0] == 0


def test_own_loop(tmp_path, free_port):
    source = """
    import asyncio, sys
    loop = asyncio.new_event_loop()

    async def handler(request):
        return web.Response(text=str(asyncio.get_running_loop() is loop))

    app = web.Application()
    app.router.add_get("/", handler)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), loop=loop)
    """
    with program(tmp_path, source, str(free_port)) as process:
        assert get(free_port) == "True"
        assert finish(process)[0] == 0
