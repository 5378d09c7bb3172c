"""tercel run: what is served, where, from which settings; every mistake is one sentence."""

import asyncio
import json
import signal
import socket
import ssl
import sys
from pathlib import Path

import pytest

from tercel.cli.main import main
from tests.certificates import client_context, make_authority
from tests.cli.program import APP, ask, environment, run, running
from tests.peers import require_program

pytestmark = pytest.mark.slow

FREE = ("--port", "0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served.py").write_text(APP)
    return tmp_path


@pytest.mark.parametrize("target", ["served:app", "served:make", "served:make_later", "served"])
async def test_whatever_makes_an_application_is_served(folder: Path, target: str) -> None:
    async with running(folder, "run", target, *FREE) as program:
        await program.ready()
        assert await program.get() == str(program.process.pid)
        assert await program.end() == 0
    assert program.err == ""
    assert '"GET / HTTP/1.1" 200' in program.out


async def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    folder: Path,
) -> None:
    (folder / "run.toml").write_text(
        'app = "served:app"\nport = 1\nlog-format = "json"\nkeepalive_timeout = 1\n'
        f'path = ["{folder}/s"]\nloop = "uvloop"\n'
    )
    variables = {"TERCEL_CONFIG": "run.toml", "TERCEL_PORT": "2", "TERCEL_LOOP": "asyncio"}
    async with running(folder, "run", *FREE, **variables) as program:
        await program.ready()
        assert f"unix:{folder}/s" in program.err
        await program.get("/?a=1")
        assert await program.end() == 0
    # Nothing but JSON, and on standard output nothing but the access log.
    (line,) = map(json.loads, program.out.splitlines())
    assert {json.loads(text)["logger"] for text in program.err.splitlines()} == {"tercel.server"}
    assert (line["method"], line["path"], line["query"]) == ("GET", "/", "a=1")
    assert (line["status"], line["route"], line["logger"]) == (200, "pid", "tercel.access")
    assert not (folder / "s").exists()


async def test_tls_and_a_silent_log(folder: Path) -> None:
    certificate = make_authority().issue_cert("localhost", "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    options = (*FREE, "--cert", "both.pem", "--no-access-log")
    async with running(folder, "run", "served:app", *options) as program:
        await program.ready()
        assert "Running on https://127.0.0.1:" in program.out
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", program.port, ssl=client_context()
        )
        await ask(reader, writer)
        writer.close()
        try:
            await writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            pass
        assert await program.end() == 0
    assert "GET" not in program.out


async def test_an_inherited_socket_is_served(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        options = ("--fd", str(sock.fileno()))
        async with running(folder, "run", "served:app", *options, fds=(sock.fileno(),)) as program:
            await program.ready()
            assert program.port == sock.getsockname()[1]
            await program.get()


async def test_systemd_hands_over_its_socket(folder: Path) -> None:
    activate = require_program("systemd-socket-activate")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *[activate, f"--listen=127.0.0.1:{port}", "--setenv=PYTHONPATH"],
        *[sys.executable, "-m", "tercel", "run", "served:app", "--workers", "2"],
        cwd=folder,
        env=environment(folder),
    )
    try:
        for _ in range(500):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
        # The first connection starts the program, and waits for it in the socket's queue.
        assert (await ask(reader, writer, close=True)).isdecimal()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


MISTAKES = {
    "nowhere:app": "there is no module 'nowhere'",
    "served:nothing": "module 'served' has no attribute 'nothing'",
    "served.py": "'served.py' is no application; expected module:attribute, such as main:app",
    "needy:app": "module 'needy' needs 'what_is_not_there', which is not installed",
    "broken:app": "broken.py, line 2: invalid syntax: def x(:",
    "served:pid": "'served:pid' can't be called without arguments; it asks for request",
    "served:os.getpid": "'served:os.getpid' is to be a web.Application or to make one, "
    "but gives a int",
    "served:app --cert none.pem": "none.pem can't be read: No such file or directory",
    "served:app --cert served.py": "served.py can't be used as certificate and key: "
    "expected text in PEM, the server's certificate first",
    "served:app --key served.py": "--key and --client-ca need --cert, "
    "the certificate of the server",
    "served:app --fd 0": "descriptor 0 is no socket: Socket operation on non-socket",
    "served:app --port 0 --host 192.0.2.1": "192.0.2.1:0 is no address of this machine",
    "served:app --path none/s": "socket none/s lies in no folder that exists",
    "served:app --path served.py": "served.py is there already, and is no socket",
    "served:app --port many": "Invalid value for '--port' / '-P': 'many' is not a whole number.",
    "served:app --config none.toml": "none.toml: can't be read: No such file or directory",
    "served:app --config served.py": "served.py: settings are read from files that end in "
    ".toml, .yaml, .yml or .json",
    "served:app --config port.json": "Invalid value for '--port' / '-P': 'x' is not a whole number "
    "(in the file of --config)",
    "served:app --access-log-format %Q": "'%Q' is no atom of the access log; see its format",
    "served:app --app-dir none": "there is no folder 'none'",
    "": "Missing argument 'MODULE:APP'.",
}


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder as the current one of this process, which forgets the modules that it had."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["tercel"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("served", "needy", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("tercel.cli.run.set_up_logs", lambda settings: None)
    return folder


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_sentence(
    here: Path, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # In this process: it saves twenty starts of Python.
    (here / "needy.py").write_text("import what_is_not_there\n")
    (here / "broken.py").write_text("x = 1\ndef x(:\n")
    (here / "port.json").write_text('{"port": "x"}')
    free = () if "--p" in line or "--config" in line else FREE
    code = main(["run", *line.split(), *free])
    sys.modules.pop("served", None)
    assert (code, *capfd.readouterr()) == (2, "", f"tercel run: {MISTAKES[line]}\n")


def test_a_port_that_is_taken_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        done = run(folder, "run", "served:app", TERCEL_PORT=str(port))
    place = f"127.0.0.1:{port}"
    assert done.stderr == f"python -m tercel run: {place} is taken by another program\n"
    assert done.returncode == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_the_application_raises_is_shown_from_its_first_frame(
    folder: Path, workers: str
) -> None:
    (folder / "failing.py").write_text("def app():\n    raise RuntimeError('no database')\n")
    done = run(folder, "run", "failing:app", *FREE, "--workers", workers)
    assert done.returncode == 1
    # Two workers may write between each other's lines.
    frames = [line for line in done.stderr.splitlines() if line.lstrip().startswith("File ")]
    assert set(frames) == {f'  File "{folder}/failing.py", line 2, in app'}
    assert "RuntimeError: no database" in done.stderr


def test_a_socket_that_somebody_serves_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "s"
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("s")
        sock.listen()
        done = run(folder, "run", "served:app", "--path", "s")
        assert done.stderr.endswith("run: socket s is taken by another program\n")
        assert path.exists()
