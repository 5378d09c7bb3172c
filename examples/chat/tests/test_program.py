"""python -m chat, as somebody at a terminal meets it."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import tercel
from tests.ports import free_port
from tests.services import RedisServer

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = Path(tercel.__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), str(PROJECT)])}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "chat", *arguments]


def test_several_workers_need_redis() -> None:
    done = subprocess.run(
        command("--workers", "2"), env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "several workers need --redis" in done.stderr


def test_a_missing_redis_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("redis")
    arguments = command("--port", "0", "--redis", f"unix://{tmp_path}/nobody")
    done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("Redis can't be reached: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shares a port among processes")
async def test_two_processes_on_one_port(redis_server: RedisServer) -> None:
    port = free_port()
    arguments = command("--port", str(port), "--redis", redis_server.url, "--workers", "2")
    with subprocess.Popen(arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            started = 0
            while started < 2:
                line = program.stdout.readline()
                assert line, "the program ended before both workers ran"
                started += "Running on" in line
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
                assert b"<title>Chat</title>" in page.read()
            url = f"http://127.0.0.1:{port}/rooms/lobby/socket"
            async with tercel.ClientSession() as session:
                sockets = []
                for number in range(8):  # the kernel spreads them over both
                    query = {"name": f"P{number}", "key": f"{number}" * 16}
                    socket = await session.ws_connect(url, params=query)
                    while (await socket.receive_json())["kind"] != "welcome":
                        pass
                    sockets.append(socket)
                await sockets[0].send_json({"text": "to all"})
                for socket in sockets:
                    while (event := await socket.receive_json())["kind"] != "said":
                        pass
                    assert (event["name"], event["text"]) == ("P0", "to all")
                for socket in sockets:
                    await socket.close()
        finally:
            program.send_signal(signal.SIGTERM)
            code = program.wait(20)
    assert code == 0
