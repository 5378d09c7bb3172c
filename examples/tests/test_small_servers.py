"""The one-file servers: hello, class views, WebSocket echo, posts in SQLite, uploads."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import tercel
from tercel import FormData, WSCloseCode, WSMsgType
from tercel.test_utils import TestClient, TestServer
from tests.ports import free_port

from .one_file import FOLDER, load

SOURCE = Path(tercel.__file__).resolve().parent.parent


async def test_hello() -> None:
    async with TestClient(TestServer(load("hello").make_app())) as client:
        for path, name in (("/", "Anonymous"), ("/Ada", "Ada"), ("/%C3%89va", "Éva")):
            async with client.get(path) as response:
                assert await response.text() == f"Hello, {name}"


async def test_class_views() -> None:
    async with TestClient(TestServer(load("class_views").make_app())) as client:
        async with client.post("/notes", data={"text": "milk"}) as response:
            assert (response.status, response.headers["Location"]) == (201, "/notes/1")
            assert await response.json() == {"id": 1}
        async with client.get("/notes/1") as response:
            assert await response.text() == "milk"
        async with client.get("/notes") as response:
            assert await response.json() == {"1": "milk"}
        for data in ({"text": " "}, {"other": "x"}, b"\x00"):
            async with client.post("/notes", data=data) as response:
                assert response.status == 400
        async with client.put("/notes") as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET,POST")
        async with client.delete("/notes/1") as response:
            assert response.status == 204
        async with client.delete("/notes/1") as response:
            assert (response.status, await response.text()) == (404, "There is no note 1.")


async def test_websocket_echo() -> None:
    server = TestServer(load("websocket_echo").make_app())
    async with TestClient(server) as client:
        async with client.get("/") as response:
            assert "new WebSocket" in await response.text()
        async with client.ws_connect("/echo") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
            await socket.send_bytes(b"\x00\x01")
            assert await socket.receive_bytes() == b"\x00\x01"
            closing = asyncio.create_task(server.close())
            message = await socket.receive()
            assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)
            assert message.extra == "the server stops"
            await closing


@pytest.fixture
async def posts(tmp_path: Path) -> AsyncIterator[TestClient]:
    pytest.importorskip("aiosqlite")
    app = load("posts_api").make_app(str(tmp_path / "posts.sqlite3"))
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_posts_are_kept_and_deleted(posts: TestClient) -> None:
    post = {"title": "One", "text": "Robert'); DROP TABLE posts;--"}
    async with posts.post("/posts", json=post) as response:
        assert (response.status, response.headers["Location"]) == (201, "/posts/1")
    async with posts.get("/posts/1") as response:
        assert await response.json() == {"id": 1, **post}
    async with posts.get("/posts") as response:
        assert await response.json() == [{"id": 1, **post}]
    async with posts.delete("/posts/1") as response:
        assert response.status == 204
    async with posts.get("/posts/1") as response:
        assert (response.status, await response.json()) == (
            404,
            {"error": "There is no such post."},
        )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The body is not JSON."),
        (b"[]", "A post has a 'title' and a 'text', and nothing else."),
        (b'{"title": "a"}', "A post has a 'title' and a 'text', and nothing else."),
        (b'{"title": "a", "text": 1}', "The title and the text are strings."),
        (b'{"title": "", "text": ""}', "The title has between 1 and 200 characters."),
    ],
)
async def test_posts_that_are_none(posts: TestClient, body: bytes, sentence: str) -> None:
    async with posts.post("/posts", data=body) as response:
        assert (response.status, await response.json()) == (400, {"error": sentence})


async def test_posts_written_at_once_are_all_there(posts: TestClient) -> None:
    async def write(number: int) -> None:
        async with posts.post("/posts", json={"title": str(number), "text": ""}) as response:
            assert response.status == 201

    await asyncio.gather(*(write(number) for number in range(20)))
    async with posts.get("/posts") as response:
        assert {post["title"] for post in await response.json()} == set(map(str, range(20)))


async def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("aiosqlite")
    module = load("posts_api")
    app = module.make_app(str(tmp_path / "posts.sqlite3"))

    async def write(request: tercel.web.Request) -> tercel.web.Response:
        await request[module.DATABASE].execute("INSERT INTO posts (title, text) VALUES ('a', 'b')")
        how = request.match_info["how"]
        if how == "raise":
            raise tercel.web.HTTPConflict
        if how == "redirect":
            raise tercel.web.HTTPSeeOther("/posts")
        return tercel.web.Response(status=503)

    app.router.add_post("/write/{how}", write)
    async with TestClient(TestServer(app)) as client:
        for how, count in (("raise", 0), ("answer", 0), ("redirect", 1)):
            async with client.post(f"/write/{how}", allow_redirects=False):
                pass
            async with client.get("/posts") as response:
                assert len(await response.json()) == count


async def test_upload(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    async with TestClient(TestServer(load("upload").make_app(tmp_path))) as client:
        form = FormData()
        form.add_field("file", content, filename="a picture.png")
        form.add_field("file", b"two", filename="C:\\folder\\two.txt")
        async with client.post("/", data=form) as response:
            assert "<li>a picture.png</li><li>two.txt</li>" in await response.text()
        assert (tmp_path / "a picture.png").read_bytes() == content
        for filename, status in (("two.txt", 409), ("..", 400), ("a\u0085", 400), ("x.part", 409)):
            form = FormData()
            form.add_field("file", b"other", filename=filename)
            async with client.post("/", data=form) as response:
                assert response.status == status
        async with client.post("/", data={"a": "b"}) as response:
            assert response.status == 415
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a picture.png", "two.txt"]
    assert (tmp_path / "two.txt").read_bytes() == b"two"


async def test_an_upload_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    server = TestServer(load("upload").make_app(tmp_path))
    async with TestClient(server):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n"
            b"Content-Type: multipart/form-data; boundary=B\r\n\r\n"
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="half"\r\n\r\n'
            + bytes(200_000)
        )
        await writer.drain()
        for _ in range(1000):
            if list(tmp_path.iterdir()):
                break
            await asyncio.sleep(0.01)
        assert len(list(tmp_path.iterdir())) == 1
        writer.close()
        for _ in range(1000):
            if not list(tmp_path.iterdir()):
                break
            await asyncio.sleep(0.01)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["hello", "class_views", "websocket_echo", "posts_api", "upload"])
def test_each_is_run_by_one_command(tmp_path: Path, name: str) -> None:
    if name == "posts_api":
        pytest.importorskip("aiosqlite")
    argument = {"posts_api": [str(tmp_path / "file")], "upload": [str(tmp_path)]}.get(name, [])
    port = free_port()
    code = (FOLDER / f"{name}.py").read_text("utf-8").replace("port=8080", f"port={port}")
    program = tmp_path / f"{name}.py"
    program.write_text(code, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(
        [sys.executable, program, *argument], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert re.search(rf"http://127\.0\.0\.1:{port} ", process.stdout.readline())
            page = {"class_views": "notes", "posts_api": "posts"}.get(name, "")
            url = f"http://127.0.0.1:{port}/{page}"
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
