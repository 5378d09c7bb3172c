"""tercel fetch: a client at a terminal and in a pipe, against a server in this process."""

import asyncio
import json
import os
import pty
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tercel import web
from tercel.cli.main import main
from tests.certificates import make_authority, server_context
from tests.cli.program import environment

pytestmark = pytest.mark.slow

BINARY = bytes(range(256)) * 1000


class Done(NamedTuple):
    code: int
    out: bytes
    err: str


async def fetch(folder: Path, *arguments: str, stdin: bytes = b"", **more: str) -> Done:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "tercel", "fetch", *arguments],
        cwd=folder,
        env={**environment(folder), **more},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), 25)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Done(int(process.returncode or 0), out, err.decode())


async def echo(request: web.Request) -> web.Response:
    form = {}
    if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        for name, value in (await request.post()).items():
            is_file = isinstance(value, web.FileField)
            form[name] = [value.filename, len(value.file.read())] if is_file else value
    facts = {
        "method": request.method,
        "type": request.content_type,
        "own": request.headers.get("X-Own"),
        "user": request.headers.get("Authorization"),
        "body": "" if form else await request.text(),
        "form": form,
    }
    return web.json_response(facts)


async def binary(request: web.Request) -> web.Response:
    return web.Response(body=BINARY)


async def move(request: web.Request) -> web.Response:
    raise web.HTTPFound("/echo")


async def rude(request: web.Request) -> web.Response:
    return web.Response(text="title\x1b]0;owned\x07\n", headers={"X-Long": "a"})


async def cut(request: web.Request) -> Any:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"x" * 10)
    request.transport.abort()
    return response


async def talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.data == "end":
            await socket.close(code=4000)
        else:
            await socket.send_str(f"you said {message.data}")
    return socket


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[str]:
    app = web.Application()
    for handler in (echo, binary, move, rude, cut, talk):
        app.router.add_route("*", f"/{handler.__name__}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context()).start()
    await web.UnixSite(runner, str(tmp_path / "s")).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_bodies_of_each_kind(site: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("four")
    rows: list[tuple[tuple[str, ...], bytes, dict[str, Any]]] = [
        (("-H", "X-Own: yes", "-u", "a:b"), b"", {"method": "GET", "own": "yes"}),
        (("-d", "text"), b"", {"method": "POST", "body": "text"}),
        (("-X", "PUT", "-d", "@-"), b"piped", {"method": "PUT", "body": "piped"}),
        (("-j", '{"a": 1}'), b"", {"type": "application/json", "body": '{"a": 1}'}),
        (("-F", "a=1"), b"", {"form": {"a": "1"}}),
        (("-F", "a=1", "-F", "f=@file.txt"), b"", {"form": {"a": "1", "f": ["file.txt", 4]}}),
    ]
    found = await asyncio.gather(
        *[fetch(tmp_path, *options, f"{site}/echo", stdin=stdin) for options, stdin, _ in rows]
    )
    for done, (_, _, expected) in zip(found, rows, strict=True):
        assert (done.code, done.err) == (0, "")
        assert expected.items() <= json.loads(done.out).items()
    assert json.loads(found[0].out)["user"] == "Basic YTpi"


async def test_pipes_files_redirects_and_codes(site: str, tmp_path: Path) -> None:
    saved, piped, moved, stayed, failed, fine = await asyncio.gather(
        fetch(tmp_path, "-o", "saved", f"{site}/binary"),
        fetch(tmp_path, f"http://{site}/binary"),
        fetch(tmp_path, f"{site}/move"),
        fetch(tmp_path, "-i", "--no-follow", f"{site}/move"),
        fetch(tmp_path, "--fail", f"{site}/nowhere"),
        fetch(tmp_path, "--socket", "s", "http://name/echo"),
    )
    assert (saved.code, saved.out) == (0, b"")
    assert (tmp_path / "saved").read_bytes() == BINARY
    assert piped.out == BINARY
    assert json.loads(moved.out)["method"] == "GET"
    assert stayed.out.startswith(b"HTTP/1.1 302 Found\n")
    assert b"Location: /echo\n" in stayed.out
    assert failed.code == 1
    assert json.loads(fine.out)["method"] == "GET"


async def test_a_mistake_is_one_sentence(
    site: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = {
        ("http://127.0.0.1:1/",): "http://127.0.0.1:1/: connection refused",
        ("ftp://a",): "'ftp://a' begins with no http://, https://, ws:// or wss://",
        ("http://",): "http://: this is no URL that can be asked",
        (site, "-H", "a"): "--header is 'a'; expected 'Name: value'",
        (site, "-H", "a b: c"): "the request can't be sent: the field name is 'a b', "
        "expected a token (RFC 9110 section 5.6.2)",
        (site, "-j", "{"): "--json is no JSON: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)",
        (site, "-d", "@none"): "none can't be read: No such file or directory",
        (site, "-d", "a", "-j", "1"): "only one of --data, --json and --form can be the body",
        (f"ws://{site}/echo",): f"ws://{site}/echo: the server does not speak WebSocket there "
        "(status 200)",
        (f"{site}/binary", "-o", "none/f"): "none/f can't be written: No such file or directory",
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tercel"])
    for arguments, sentence in rows.items():
        # In a thread of this process, with an event loop of its own: it saves ten starts of Python.
        code = await asyncio.to_thread(main, ["fetch", *arguments])
        assert (code, *capsys.readouterr()) == (2, "", f"tercel fetch: {sentence}\n")


async def test_a_download_that_breaks_off_leaves_no_file(site: str, tmp_path: Path) -> None:
    done = await fetch(tmp_path, "-o", "saved", f"{site}/cut")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert not list(tmp_path.glob("saved*"))


async def test_tls_is_verified_unless_told_otherwise(tmp_path: Path) -> None:
    app = web.Application()
    app.router.add_get("/echo", echo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context()).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/echo"
    make_authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    refused, trusted, told = await asyncio.gather(
        fetch(tmp_path, url), fetch(tmp_path, "--ca", "ca.pem", url), fetch(tmp_path, "-k", url)
    )
    assert refused.code == 2
    assert "certificate verify failed" in refused.err.lower()
    assert (trusted.code, told.code) == (0, 0)
    await runner.cleanup()


async def test_a_chat(site: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "tercel", "fetch", f"ws://{site}/talk"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in ("hello", "again"):
            process.stdin.write(f"{word}\n".encode())
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            assert line == f"you said {word}\n".encode()
        out, err = await asyncio.wait_for(process.communicate(b"end\n"), 20)
        assert (process.returncode, out) == (0, b"")
        assert b"closed with code 4000" in err
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_at_a_terminal_the_head_is_shown_and_nothing_is_obeyed(
    site: str, tmp_path: Path
) -> None:
    shown = {}
    for path in ("rude", "echo", "binary"):
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "tercel", "fetch", f"{site}/{path}"],
            cwd=tmp_path,
            env={**environment(tmp_path), "TERM": "xterm"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown[path] = await asyncio.wait_for(asyncio.to_thread(read_all, ours), 25)
        assert await asyncio.wait_for(process.wait(), 25) == 0
    assert "HTTP/1.1 200 OK" in shown["rude"]
    assert "title\\x1b]0;owned\\x07" in shown["rude"]
    assert '"method": "GET"' in shown["echo"]
    assert (
        "(256000 octets of application/octet-stream; --output FILE saves them)" in shown["binary"]
    )


def read_all(number: int) -> str:
    pieces = []
    try:
        while piece := os.read(number, 65536):
            pieces.append(piece)
    except OSError:  # how Linux tells that the other side is closed
        pass
    finally:
        os.close(number)
    return b"".join(pieces).decode().replace("\r\n", "\n")
