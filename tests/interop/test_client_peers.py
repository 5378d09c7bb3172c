"""The client against servers that are not ours: nginx, and Node where it is installed."""

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import tercel
from tests.peers import require_program
from tests.ports import free_port

LARGE = os.urandom(2**20) * 3

NGINX = """
daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
{user}
events {{ worker_connections 64; }}
http {{
  access_log off; default_type application/octet-stream;
  types {{ text/html html; text/plain txt; }}
  client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
  uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
  server {{
    listen 127.0.0.1:{port}; root {root}/files; client_max_body_size 1m;
    gzip on; gzip_types text/plain; gzip_min_length 10;
    keepalive_requests 3;
    location /go {{ return 302 /page.html; }}
    location /back {{ return 307 /echo; }}
    location /echo {{ return 200 "$request_method $http_x_own $content_length"; }}
    location /none {{ return 204; }}
  }}
}}
"""

NODE = """
const http = require("http");
const server = http.createServer((req, res) => {
  if (req.url === "/early") {
    res.writeHead(413, {"Connection": "close"}); res.end("too large"); return;
  }
  if (req.url === "/hints") res.writeEarlyHints({link: "</a>; rel=preload"});
  const pieces = [];
  req.on("data", (piece) => pieces.push(piece));
  req.on("end", () => {
    const body = Buffer.concat(pieces);
    res.setHeader("X-Framing", req.headers["transfer-encoding"] || "length");
    res.write(String(body.length));
    setTimeout(() => res.end(" octets"), 5);
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
"""


@contextlib.contextmanager
def running(port: int, *command: str) -> Iterator[str]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            assert process.poll() is None, f"{command[0]} ended at once"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[str]:
    program = require_program("nginx")
    port = free_port()
    files = tmp_path / "files"
    files.mkdir()
    (files / "page.html").write_text("<p>a page")
    (files / "text.txt").write_text("line of text\n" * 10_000)
    (files / "large").write_bytes(LARGE)
    for path in (tmp_path, files, *files.iterdir()):
        path.chmod(0o755)
    user = "user root;" if os.getuid() == 0 else ""
    settings = tmp_path / "nginx.conf"
    settings.write_text(NGINX.format(root=tmp_path, port=port, user=user))
    with running(port, program, "-p", str(tmp_path), "-c", str(settings)) as url:
        yield url


@pytest.fixture
def node(tmp_path: Path) -> Iterator[str]:
    program = require_program("node", "nodejs")
    script = tmp_path / "server.js"
    script.write_text(NODE)
    port = free_port()
    with running(port, program, str(script), str(port)) as url:
        yield url


async def test_nginx_files(nginx: str) -> None:
    async with tercel.ClientSession() as session:
        async with session.get(nginx + "/page.html") as response:
            assert await response.text() == "<p>a page"
            assert response.content_type == "text/html"
        async with session.get(nginx + "/large") as response:
            assert await response.read() == LARGE
        async with session.get(nginx + "/large", headers={"Range": "bytes=5-9"}) as response:
            assert (response.status, await response.read()) == (206, LARGE[5:10])
            tag = {"If-None-Match": response.headers["ETag"]}
        async with session.get(nginx + "/large", headers=tag) as response:
            assert (response.status, await response.read()) == (304, b"")
        async with session.head(nginx + "/large") as response:
            assert response.content_length == len(LARGE)
            assert await response.read() == b""
        async with session.get(nginx + "/absent") as response:
            assert response.status == 404
            assert b"nginx" in await response.read()
        async with session.get(nginx + "/none") as response:
            assert (response.status, await response.read()) == (204, b"")


async def test_nginx_compresses(nginx: str) -> None:
    async with tercel.ClientSession() as session:
        async with session.get(nginx + "/text.txt") as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert await response.text() == "line of text\n" * 10_000
        async with session.get(nginx + "/text.txt", auto_decompress=False) as response:
            assert len(await response.read()) < 5000


async def test_nginx_redirects_and_keep_alive(nginx: str) -> None:
    async with tercel.ClientSession() as session:
        for _ in range(10):  # nginx closes each connection after three requests
            async with session.get(nginx + "/go") as response:
                assert await response.text() == "<p>a page"
                assert len(response.history) == 1
        async with session.put(nginx + "/back", data=b"abc", headers={"X-Own": "o"}) as response:
            assert await response.text() == "PUT o 3"
        found = await asyncio.gather(*(fetch(session, nginx + "/page.html") for _ in range(50)))
        assert set(found) == {"<p>a page"}


async def fetch(session: tercel.ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


async def test_nginx_refuses_a_large_body_early(nginx: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(65_536)

    async with tercel.ClientSession() as session:
        fields = {"Content-Length": str(64 * 65_536)}
        async with session.post(nginx + "/echo", data=pieces(), headers=fields) as response:
            assert response.status == 413


async def test_node_bodies(node: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    async with tercel.ClientSession() as session:
        async with session.post(node, data=LARGE) as response:
            assert await response.text() == f"{len(LARGE)} octets"
            assert response.headers["X-Framing"] == "length"
        async with session.post(node, data=pieces()) as response:
            assert await response.text() == "1000000 octets"
            assert response.headers["X-Framing"] == "chunked"
        async with session.post(node, data=b"abc", expect100=True) as response:
            assert await response.text() == "3 octets"
        async with session.get(node + "/hints") as response:
            assert await response.text() == "0 octets"
        assert session.connector is not None
        assert session.connector.stats().open == 1


async def test_node_answers_early(node: str) -> None:
    async with tercel.ClientSession() as session:
        async with session.post(node + "/early", data=LARGE) as response:
            assert (response.status, await response.text()) == (413, "too large")
