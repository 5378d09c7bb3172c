"""Real Redis and PostgreSQL servers for tests, each in a folder of its own, on Unix sockets.

A server is handed out once it accepts connections. Missing programs skip or fail the test as
`tests.peers` decides. Used as fixtures: `redis_server`, `postgres_url` (tests/harness.py has them).
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import require_program
from tests.ports import free_port

__all__ = ["RedisServer", "serve_memcached", "serve_postgres"]

PATIENCE = 60.0  # seconds for a server to accept its first connection


class RedisServer:
    """A Redis on the Unix socket `path`; it can be stopped and started again and keeps its data."""

    def __init__(self, folder: Path) -> None:
        self.program = require_program("redis-server")
        self.path = folder / "socket"
        self.url = f"unix://{self.path}"
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.path), "--appendonly", "yes"]
        options += ["--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen([self.program, *options], stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, "redis-server ended at once"
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.01)

    def answers(self) -> bool:
        """True once it has read its data and answers a PING."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            try:
                probe.connect(str(self.path))
                probe.sendall(b"PING\r\n")
                return probe.recv(5) == b"+PONG"
            except OSError:
                return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None


@contextmanager
def serve_postgres() -> Iterator[str]:
    """The URL of an empty database of a fresh server: `postgresql://tests@/postgres?host=...`."""
    programs = Path(require_program("postgres")).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="tercel-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    data = ["-D", str(folder / "data")]
    control = [programs / "pg_ctl", *data, "-w", "-t", "60"]
    try:
        subprocess.run(
            [programs / "initdb", *data, "-U", "tests", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            user=user,
            timeout=90,
        )
        options = f"-F -c listen_addresses= -c unix_socket_directories={folder}"
        start = ["-l", str(folder / "log"), "-o", options, "start"]
        subprocess.run(
            [*control, *start], check=True, user=user, timeout=90, stdout=subprocess.DEVNULL
        )
        try:
            yield f"postgresql://tests@/postgres?host={folder}"
        finally:
            subprocess.run(
                [*control, "-m", "immediate", "stop"],
                check=True,
                user=user,
                timeout=90,
                stdout=subprocess.DEVNULL,
            )
    finally:
        shutil.rmtree(folder)


@contextmanager
def serve_memcached() -> Iterator[int]:
    """The port of an empty Memcached on 127.0.0.1."""
    program = require_program("memcached")
    port = free_port()
    options = ["-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "8"]
    if os.geteuid() == 0:
        options += ["-u", "nobody"]
    process = subprocess.Popen([program, *options])
    try:
        until = time.monotonic() + PATIENCE
        while not _listens(port):
            assert process.poll() is None, "memcached ended at once"
            assert time.monotonic() < until, "memcached does not answer"
            time.sleep(0.01)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        try:
            probe.connect(("127.0.0.1", port))
        except OSError:
            return False
        return True
