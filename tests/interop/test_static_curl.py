"""curl against files and forms: downloads resumed, uploads, redirects followed."""

import asyncio
import os
import pathlib
from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.peers import require_program

DATA = os.urandom(1024) * 700


async def curl(*arguments: str | pathlib.Path) -> str:
    """What curl prints; fails the test where curl fails."""
    process = await asyncio.create_subprocess_exec(
        require_program("curl"), "-sS", "--fail", "--max-time", "30", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, errors.decode()
    return output.decode()


def make_app(root: pathlib.Path) -> tuple[web.Application, list[tuple[str, int]]]:
    """Files, a form, a redirect; and the Range and status of each request for a file."""
    seen: list[tuple[str, int]] = []

    @web.middleware
    async def note(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if isinstance(response, web.FileResponse):
            await response.prepare(request)
            seen.append((request.headers.get("Range", ""), response.status))
        return response

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        lines = []
        for name, value in form.items():
            if isinstance(value, web.FileField):
                value = f"{value.filename} {value.content_type} {len(value.file.read())}"
            lines.append(f"{name}={value}")
        return web.Response(text="\n".join(lines))

    async def move(request: web.Request) -> web.Response:
        raise web.HTTPFound("/s/data.bin")

    async def keep(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/form")

    app = web.Application(middlewares=[note], client_max_size=4 * 1024 * 1024)
    app.router.add_static("/s", root)
    app.add_routes([web.post("/form", take), web.get("/moved", move), web.post("/kept", keep)])
    return app, seen


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "data.bin").write_bytes(DATA)
    return root


@pytest.mark.parametrize("have", [1, 65_536, len(DATA) - 1])
async def test_a_download_is_resumed(root: pathlib.Path, tmp_path: pathlib.Path, have: int) -> None:
    app, seen = make_app(root)
    target = tmp_path / "got.bin"
    target.write_bytes(DATA[:have])
    async with serving(app) as server:
        await curl("-C", "-", "-o", target, f"http://{server.authority}/s/data.bin")
    assert target.read_bytes() == DATA
    assert seen == [(f"bytes={have}-", 206)]


async def test_only_what_changed_is_fetched(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    app, seen = make_app(root)
    target, tags = tmp_path / "got.bin", tmp_path / "tags"
    async with serving(app) as server:
        url = f"http://{server.authority}/s/data.bin"
        for _ in range(2):
            await curl("--etag-compare", tags, "--etag-save", tags, "-o", target, url)
        await curl("-R", "-o", target, url)  # gives the file the time of Last-Modified
        await curl("-z", target, "-o", tmp_path / "other", url)
    assert target.read_bytes() == DATA
    assert [status for _, status in seen] == [200, 304, 200, 304]
    assert not (tmp_path / "other").exists()


async def test_parts(root: pathlib.Path) -> None:
    (root / "a.txt").write_bytes(b"0123456789")
    app, seen = make_app(root)
    async with serving(app) as server:
        url = f"http://{server.authority}/s/a.txt"
        assert await curl("-r", "2-4", url) == "234"
        assert await curl("-r", "-2", url) == "89"
        output = await curl("-r", "0-1,8-", url)
    assert "bytes 0-1/10\r\n\r\n01\r\n--" in output
    assert "bytes 8-9/10\r\n\r\n89\r\n--" in output
    assert [status for _, status in seen] == [206] * 3


async def test_a_compressed_sibling(root: pathlib.Path) -> None:
    import gzip

    (root / "a.txt").write_text("plain")
    (root / "a.txt.gz").write_bytes(gzip.compress(b"coded"))
    async with serving(make_app(root)[0]) as server:
        url = f"http://{server.authority}/s/a.txt"
        assert await curl("-H", "Accept-Encoding: gzip", "--compressed", url) == "coded"
        assert await curl(url) == "plain"


async def test_forms(root: pathlib.Path) -> None:
    async with serving(make_app(root)[0]) as server:
        url = f"http://{server.authority}"
        output = await curl("-F", "a=1", "-F", f"f=@{root / 'data.bin'}", f"{url}/form")
        assert output == f"a=1\nf=data.bin application/octet-stream {len(DATA)}"
        named = f"f=@{root / 'data.bin'};filename=\u00fc.txt;type=text/x"
        output = await curl("-F", named, "-H", "Expect: 100-continue", f"{url}/form")
        assert output == f"f=\u00fc.txt text/x {len(DATA)}"
        output = await curl("--data-urlencode", "a=b c&d", "-d", "e=f", f"{url}/form")
        assert output == "a=b c&d\ne=f"


async def test_redirects(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    async with serving(make_app(root)[0]) as server:
        url = f"http://{server.authority}"
        await curl("-L", "-o", tmp_path / "got", f"{url}/moved")
        assert (tmp_path / "got").read_bytes() == DATA
        assert await curl("-L", "-F", "a=1", f"{url}/kept") == "a=1"
