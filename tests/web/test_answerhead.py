"""Answers on real sockets: what the properties of their head and their sending come to."""

import asyncio
import gzip
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tercel import web
from tests.live import serving


def app_of(handler: Any, **options: Any) -> web.Application:
    app = web.Application(**options)
    app.router.add_route("*", "/", handler)
    return app


async def test_a_small_answer_to_the_octet() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="hello", headers={"Date": "now", "Server": "me"})

    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head, _, body = (await connection.receive_raw()).partition(b"\r\n\r\n")
    assert body == b"hello"
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert sorted(lines[1:]) == [
        b"Connection: close",
        b"Content-Length: 5",
        b"Content-Type: text/plain; charset=utf-8",
        b"Date: now",
        b"Server: me",
    ]


async def test_the_signal_is_sent_for_plain_answers_too() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        assert response.headers["Content-Length"] == "5"
        response.headers["X-Signed"] = "1"
        response.set_cookie("late", "1")

    app = app_of(handler)
    app.on_response_prepare.append(sign)
    async with serving(app) as server:
        answer = await server.get("/")
    assert answer["X-Signed"] == "1"
    assert answer.cookie("late") == "late=1; Path=/"
    assert answer.text == "hello"


async def test_cookies_of_a_plain_answer() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="hello")
        response.set_cookie("a", "1", httponly=True, partitioned=True, secure=True)
        response.set_cookie("b", "2")
        return response

    async with serving(app_of(handler)) as server:
        answer = await server.get("/")
    assert answer.all("Set-Cookie") == [
        "a=1; HttpOnly; Partitioned; Path=/; Secure",
        "b=2; Path=/",
    ]


async def test_head_of_nothing_names_no_length() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    async with serving(app_of(handler)) as server:
        assert (await server.request("HEAD", "/")).get("Content-Length") is None
        assert (await server.get("/"))["Content-Length"] == "0"


async def test_the_head_of_a_stream_does_not_wait_for_its_body() -> None:
    may_go_on = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await may_go_on.wait()
        await response.write(b"late")
        return response

    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await connection.receive_head()).startswith(b"HTTP/1.1 200 OK\r\n")
        may_go_on.set()
        assert await connection.receive_raw() == b"4\r\nlate\r\n0\r\n\r\n"


async def test_answers_follow_each_other_on_one_connection() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"stream")
        return response

    makers: list[Any] = [
        lambda request: web.Response(text="text"),
        lambda request: web.Response(status=204),
        stream,
        lambda request: web.Response(status=304, text="kept back"),
        lambda request: web.Response(body=pieces()),
        lambda request: web.Response(body=b"x" * 200_000),
        lambda request: web.json_response([1]),
    ]
    made = iter(makers * 3)

    async def handler(request: web.Request) -> Any:
        answer = next(made)(request)
        return await answer if hasattr(answer, "__await__") else answer

    wanted = [b"text", b"", b"stream", b"", b"ab", b"x" * 200_000, b"[1]"]
    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        for method in ("GET", "HEAD", "GET"):
            for body in wanted:
                answer = await connection.request(method, "/")
                assert answer.body == (b"" if method == "HEAD" else body)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compression(coding: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="abc" * 10_000)
        response.enable_compression()
        return response

    async with serving(app_of(handler)) as server:
        answer = await server.get("/", {"Accept-Encoding": coding})
        plain = await server.get("/")
    assert answer["Content-Encoding"] == coding
    assert answer["Content-Length"] == str(len(answer.body))
    assert len(answer.body) < 1000
    assert plain.get("Content-Encoding") is None
    assert plain.text == "abc" * 10_000


async def test_a_compressed_stream() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"abc")
        return response

    async with serving(app_of(handler)) as server:
        answer = await server.get("/")
    assert gzip.decompress(answer.body) == b"abc" * 100


async def test_a_file_as_body(tmp_path: pathlib.Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=place.open("rb"))

    place = tmp_path / "page.html"
    place.write_bytes(b"x" * 300_000)
    async with serving(app_of(handler)) as server:
        answer = await server.get("/")
    assert answer["Content-Length"] == "300000"
    assert answer["Content-Type"] == "text/html"
    assert answer.body == b"x" * 300_000


@pytest.mark.loop_errors
@pytest.mark.parametrize("octet", [chr(n) for n in range(32) if n != 9] + ["\x7f"])
@pytest.mark.parametrize("short", [True, False])
async def test_control_characters_are_not_sent(octet: str, short: bool) -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="a", headers={"X-Value": f"a{octet}b"})
        if not short:
            response.enable_chunked_encoding()
        return response

    async with serving(app_of(handler)) as server:
        answer = await server.get("/")
    assert answer.status == 500
    assert answer.get("X-Value") is None


async def test_a_body_is_closed_when_its_peer_leaves() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65_536
        finally:
            closed.set()

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=endless())

    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await connection.receive_head()
        connection.abort()
        async with asyncio.timeout(5):
            await closed.wait()


async def test_writing_waits_for_a_slow_reader() -> None:
    written = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 65_536)
            written += 65_536
        return response

    async with serving(app_of(handler)) as server:
        connection = await server.connect(limit=1024)
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await connection.receive_head()
        held = -1
        while held != written:
            held = written
            await asyncio.sleep(0.05)
        assert written < 500 * 65_536
        connection.abort()


async def test_one_response_for_many_requests() -> None:
    shared = web.Response(text="shared", headers={"X-One": "1"})

    async def handler(request: web.Request) -> web.Response:
        return shared

    async with serving(app_of(handler)) as server:
        for headers in ({"Connection": "close"}, {}, {}):
            answer = await server.get("/", headers)
            assert (answer.text, answer.all("X-One")) == ("shared", ["1"])
            assert len(answer.all("Date")) == 1


async def test_an_answer_that_was_ended_by_its_handler() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = web.Response(text="done")
        await response.prepare(request)
        if request.query.get("eof"):
            await response.write_eof()
        return response

    async with serving(app_of(handler)) as server:
        connection = await server.connect()
        for target in ("/", "/?eof=1", "/"):
            assert (await connection.request("GET", target)).text == "done"
