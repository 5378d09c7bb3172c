"""A directory that is served: what a request costs, and that every change is seen at once."""

import asyncio
import contextlib
import os
import pathlib
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tercel import web
from tercel.web.filecache import FileCache
from tests.certificates import client_context, server_context
from tests.live import serving


def make_app(root: pathlib.Path, **options: Any) -> tuple[web.Application, Any]:
    app = web.Application()
    folder = app.router.add_static("/s", root, **options)._folder
    folder.files = FileCache(clock=lambda: time.time_ns() + 60_000_000_000)
    return app, folder


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    found = tmp_path / "a.txt"
    found.write_bytes(b"hello")
    os.utime(found, (1_700_000_000, 1_700_000_000))
    return found


async def test_the_second_answer_comes_from_memory(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, folder = make_app(path.parent)
    loads = []
    load = folder.load
    monkeypatch.setattr(folder, "load", lambda name: loads.append(name) or load(name))
    async with serving(app) as server:
        connection = await server.connect()
        answers = [await connection.request("GET", "/s/a.txt") for _ in range(3)]
        assert loads == ["a.txt"]
        for answer in answers:
            assert (answer.status, answer.body, answer["Content-Length"]) == (200, b"hello", "5")
            assert answer["ETag"] == answers[0]["ETag"]
            assert answer.get("Date")
            assert answer.get("Server")
        head = await connection.request("HEAD", "/s/a.txt")
        assert (head.status, head.body, head["Content-Length"]) == (200, b"", "5")
        tag = {"If-None-Match": answers[0]["ETag"]}
        same = await connection.request("GET", "/s/a.txt", tag)
        assert (same.status, same.body, same["ETag"]) == (304, b"", answers[0]["ETag"])
        assert same.get("Content-Length") is None
        part = await connection.request("GET", "/s/a.txt", {"Range": "bytes=1-2"})
        assert (part.status, part.body, part["Content-Range"]) == (206, b"el", "bytes 1-2/5")
        failed = await connection.request("GET", "/s/a.txt", {"If-Match": '"x"'})
        assert (failed.status, failed.body, failed["Content-Length"]) == (412, b"", "0")
        outside = await connection.request("GET", "/s/a.txt", {"Range": "bytes=5-"})
        assert (outside.status, outside["Content-Range"]) == (416, "bytes */5")
        assert loads == ["a.txt"]


@pytest.mark.parametrize("size", [5, 300_000])
async def test_changes_are_seen_by_the_next_request(path: pathlib.Path, size: int) -> None:
    path.write_bytes(b"x" * size)
    app, _ = make_app(path.parent)
    async with serving(app) as server:

        async def ask() -> tuple[int, bytes]:
            answer = await server.get("/s/a.txt")
            return answer.status, answer.body

        for _ in range(2):
            assert await ask() == (200, b"x" * size)
        await asyncio.sleep(0.02)  # more than one tick of the file system's clock
        path.write_bytes(b"y" * size)
        assert await ask() == (200, b"y" * size)
        path.with_name("new").write_bytes(b"z" * size)
        path.with_name("new").replace(path)
        assert await ask() == (200, b"z" * size)
        os.truncate(path, 3)
        assert await ask() == (200, b"zzz")
        first = (await server.get("/s/a.txt"))["ETag"]
        os.utime(path, (5, 5))
        answer = await server.get("/s/a.txt", {"If-None-Match": first})
        assert (answer.status, answer["Last-Modified"]) == (200, "Thu, 01 Jan 1970 00:00:05 GMT")
        path.unlink()
        assert (await ask())[0] == 404
        path.write_bytes(b"again")
        assert await ask() == (200, b"again")


async def test_a_handler_that_writes_reads_what_it_wrote(path: pathlib.Path) -> None:
    """With the clock as it is: no two requests are so near that a change between is missed."""
    app = web.Application()
    app.router.add_static("/s", path.parent)
    async with serving(app) as server:
        for number in range(100, 300):
            path.write_bytes(b"%d" % number)
            assert (await server.get("/s/a.txt")).body == b"%d" % number


async def test_own_headers_and_cookies(path: pathlib.Path) -> None:
    app, _ = make_app(path.parent, cache_control="public, max-age=60")

    @web.middleware
    async def mark(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if "mark" in request.query:
            response.headers["X-Mark"] = "1"
            response.set_cookie("a", "b")
        return response

    app.middlewares.append(mark)
    async with serving(app) as server:
        for _ in range(2):
            for query in ("", "?mark"):
                answer = await server.get(f"/s/a.txt{query}")
                assert (answer.status, answer.body) == (200, b"hello")
                assert answer["Cache-Control"] == "public, max-age=60"
                assert answer.get("X-Mark") == ("1" if query else None)
                assert answer.get("Set-Cookie") == ("a=b; Path=/" if query else None)
        tag = {"If-None-Match": answer["ETag"]}
        assert (await server.get("/s/a.txt", tag))["Cache-Control"] == "public, max-age=60"
        failed = await server.get("/s/a.txt", {"If-Match": '"x"'})
        assert failed.get("Cache-Control") is None


@pytest.mark.parametrize("value", ["a\r\nb", "a\0"])
def test_a_bad_cache_control(path: pathlib.Path, value: str) -> None:
    with pytest.raises(ValueError, match="Cache-Control"):
        web.Application().router.add_static("/s", path.parent, cache_control=value)


async def test_a_hook_is_called(path: pathlib.Path) -> None:
    app, _ = make_app(path.parent)
    seen = []

    async def note(request: web.Request, response: web.StreamResponse) -> None:
        seen.append(type(response))
        response.headers["X-Hook"] = "1"

    app.on_response_prepare.append(note)
    async with serving(app) as server:
        for _ in range(2):
            answer = await server.get("/s/a.txt")
            assert (answer["X-Hook"], answer.body) == ("1", b"hello")
    assert seen == [web.FileResponse] * 2


@pytest.mark.parametrize("size", [70_000, 1_000_000, 20_000_000])
async def test_large_files(path: pathlib.Path, size: int) -> None:
    """Sent at once as far as the socket takes it, the rest in a task; HEAD too, and pipelined."""
    data = os.urandom(1000) * (size // 1000)
    path.with_name("a.bin").write_bytes(data)
    app, _ = make_app(path.parent, cache_control="no-cache")
    async with serving(app) as server:
        connection = await server.connect()
        get = b"GET /s/a.bin HTTP/1.1\r\nHost: a\r\n\r\n"
        await connection.send(get + get + get.replace(b"GET", b"HEAD") + get)
        for method in ("GET", "GET", "HEAD", "GET"):
            answer = await connection.receive(method)
            assert (answer.status, answer["Content-Length"]) == (200, str(size))
            assert answer.body == (b"" if method == "HEAD" else data)
            assert answer["Cache-Control"] == "no-cache"
            assert answer.get("ETag")
            assert answer.get("Date")
        closing = await server.get("/s/a.bin", {"Connection": "close"})
        assert (closing.body, closing["Connection"]) == (data, "close")


async def test_a_large_file_over_tls(path: pathlib.Path) -> None:
    data = os.urandom(1000) * 3000
    path.with_name("a.bin").write_bytes(data)
    app, _ = make_app(path.parent, chunk_size=100_000)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context()).start()
        port = runner.addresses[0][1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(), server_hostname="localhost"
        )
        for _ in range(3):
            writer.write(b"GET /s/a.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert await reader.readexactly(len(data)) == data
        writer.close()
    finally:
        await runner.cleanup()


async def test_a_large_file_for_clients_that_leave(path: pathlib.Path) -> None:
    """At the first octet, in the middle, with a reset: nothing stays open, nothing is logged."""
    path.with_name("a.bin").write_bytes(bytes(20_000_000))
    app, _ = make_app(path.parent)
    async with serving(app) as server:
        for count in (0, 1, 100_000, 5_000_000):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(b"GET /s/a.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readexactly(count)
            writer.transport.abort()
        assert (await server.get("/s/a.txt")).body == b"hello"
        fds = pathlib.Path("/proc/self/fd")
        while fds.exists() and any(_leads_to(one, "a.bin") for one in list(fds.iterdir())):
            await asyncio.sleep(0.01)


def _leads_to(link: pathlib.Path, name: str) -> bool:
    try:
        return link.readlink().name == name
    except OSError:
        return False


@pytest.mark.parametrize("size", [50_000, 500_000])
async def test_several_ranges(path: pathlib.Path, size: int) -> None:
    from email.parser import BytesParser

    data = bytes(range(256)) * (size // 256)
    path.with_name("a.bin").write_bytes(data)
    app, _ = make_app(path.parent)
    async with serving(app) as server:
        for _ in range(2):
            answer = await server.get("/s/a.bin", {"Range": "bytes=-3,0-9,200-40000"})
            assert (answer.status, answer["Content-Length"]) == (206, str(len(answer.body)))
            head = f"Content-Type: {answer['Content-Type']}\r\n\r\n".encode()
            parts = BytesParser().parsebytes(head + answer.body).get_payload()
            found = [(part["Content-Range"], part.get_payload(decode=True)) for part in parts]
            whole = len(data)
            assert found == [
                (f"bytes {whole - 3}-{whole - 1}/{whole}", data[-3:]),
                (f"bytes 0-9/{whole}", data[:10]),
                (f"bytes 200-40000/{whole}", data[200:40001]),
            ]
            assert all(part["Content-Type"] == "application/octet-stream" for part in parts)


async def test_a_sibling_in_parts(path: pathlib.Path) -> None:
    """A part of a sibling is one of the coded octets, under the sibling's own tag."""
    path.with_name("a.txt.gz").write_bytes(b"0123456789")
    app, _ = make_app(path.parent)
    async with serving(app) as server:
        plain = await server.get("/s/a.txt")
        assert plain["Vary"] == "Accept-Encoding"
        coded = await server.get("/s/a.txt", {"Accept-Encoding": "gzip"})
        headers = {"Accept-Encoding": "gzip", "Range": "bytes=2-4", "If-Range": coded["ETag"]}
        part = await server.get("/s/a.txt", headers)
        assert (part.status, part.body, part["Content-Encoding"]) == (206, b"234", "gzip")
        headers["If-Range"] = plain["ETag"]
        assert (await server.get("/s/a.txt", headers)).status == 200
        del headers["Accept-Encoding"]
        part = await server.get("/s/a.txt", headers)
        assert (part.status, part.body, part.get("Content-Encoding")) == (206, b"llo", None)


async def test_in_a_subapplication_with_a_variable(path: pathlib.Path) -> None:
    outer, inner = web.Application(), web.Application()
    inner.router.add_static("/files", path.parent, show_index=True)
    outer.add_subapp("/x", inner)
    async with serving(outer) as server:
        for _ in range(2):
            assert (await server.get("/x/files/a.txt")).body == b"hello"
        assert 'href="/x/files/a.txt"' in (await server.get("/x/files/")).text


_tally: Counter[str] = Counter()
_counting = threading.Event()


def _note_event(event: str, args: tuple[Any, ...]) -> None:
    if _counting.is_set() and event in ("open", "os.listdir", "os.scandir", "os.open"):
        _tally[event] += 1


@pytest.fixture
def large(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory of 100,000 names; few files, as a file may have no more names than so many."""
    root = tmp_path / "large"
    root.mkdir()
    with contextlib.chdir(root):
        for number in range(100_000):
            if number % 20_000:
                os.link(f"{number // 20_000 * 20_000}.txt", f"{number}.txt")
            else:
                pathlib.Path(f"{number}.txt").touch()
    return root


async def test_a_large_directory_costs_no_more(tmp_path: pathlib.Path, large: pathlib.Path) -> None:
    """The same system calls for a file among 100,000 as for one among ten."""
    small = tmp_path / "small"
    small.mkdir()
    for number in range(10):
        (small / f"{number}.txt").touch()
    sys.addaudithook(_note_event)
    costs = [await count_calls(root) for root in (small, large)]
    assert costs[0] == costs[1]
    first, second, _ = costs[1]
    assert first[0] == {"open": 4}  # the file, and three siblings that are not there
    assert second[0] == {}  # what is kept opens nothing


async def count_calls(root: pathlib.Path) -> list[tuple[dict[str, int], dict[str, int]]]:
    """What a first, a second and a vain request open, and call of the operating system."""
    app, folder = make_app(root)
    tallies = []
    async with serving(app) as server:
        connection = await server.connect()
        for target in ("/s/5.txt", "/s/5.txt", "/s/none"):
            calls: Counter[str] = Counter()

            def note(frame: Any, event: str, called: Any, calls: Any = calls) -> None:
                if event == "c_call" and called.__module__ in ("posix", "nt"):
                    calls[called.__name__] += 1

            with ThreadPoolExecutor(1, initializer=lambda note=note: sys.setprofile(note)) as pool:
                asyncio.get_running_loop().set_default_executor(pool)
                _tally.clear()
                _counting.set()
                sys.setprofile(note)
                answer = await connection.request("GET", target)
                sys.setprofile(None)
                _counting.clear()
            assert answer.status == (404 if "none" in target else 200)
            calls.pop("cpu_count", None)
            tallies.append((dict(_tally), dict(calls)))
        assert len(folder.files) == 1
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    return tallies
