"""examples/downloader.py against servers that cut, change, lie and refuse."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from yarl import URL

import tercel
from tercel import web
from tests.live import serving

from .one_file import load

PROGRAM = Path(__file__).resolve().parent.parent / "downloader.py"
SOURCE = Path(tercel.__file__).resolve().parent.parent
CONTENT = bytes(range(256)) * 4096  # 1 MiB whose every place is told from its neighbours
HALF = len(CONTENT) // 2


downloader = load("downloader")


class Site:
    """One file, served by ranges; `cuts` answers of it break off after half of what is asked."""

    def __init__(self, cuts: int = 0, etag: str = '"one"') -> None:
        self.content = CONTENT
        self.cuts = cuts
        self.etag = etag
        self.takes_ranges = True
        self.asked: list[tuple[str | None, str | None]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        field = request.headers.get("Range")
        self.asked.append((field, request.headers.get("If-Range")))
        assert request.headers["Accept-Encoding"] == "identity"
        start = 0
        headers = {"ETag": self.etag} if self.etag else {}
        if field is not None and request.headers["If-Range"] == self.etag and self.takes_ranges:
            start = int(field.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.content):
                return web.Response(status=416)
            end = len(self.content)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{end}"
        body = self.content[start:]
        headers["Content-Length"] = str(len(body))
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        await response.prepare(request)
        if self.cuts:
            self.cuts -= 1
            await response.write(body[: len(body) // 2])
            await asyncio.sleep(0.05)
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(body)
        return response


@asynccontextmanager
async def serve(handler: Any) -> AsyncIterator[str]:
    """Serve every path with `handler`; gives the server's URL."""
    app = web.Application()
    app.router.add_get("/{name:.*}", handler)
    async with serving(app) as server:
        yield f"http://{server.host}:{server.port}"


async def run(urls: list[str], folder: Path, at_once: int = 8, attempts: int = 2) -> list[str]:
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        bars = downloader.Bars(Console(file=nowhere))
        jobs = downloader.make_jobs(map(URL, urls), folder)
        failed: list[str] = await downloader.download_all(jobs, bars, at_once, attempts)
    return failed


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_many_files_arrive_whole(tmp_path: Path) -> None:
    async with serve(Site()) as base:
        assert await run([f"{base}/file-{n}.bin" for n in range(12)], tmp_path, 3) == []
    assert names(tmp_path) == sorted(f"file-{n}.bin" for n in range(12))
    assert all(path.read_bytes() == CONTENT for path in tmp_path.iterdir())


async def test_no_more_are_on_their_way_than_allowed(tmp_path: Path) -> None:
    now = most = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response(text="here")

    async with serve(handler) as base:
        assert await run([f"{base}/{n}" for n in range(20)], tmp_path, 4) == []
    assert most == 4


async def test_a_cut_connection_is_gone_on_with(tmp_path: Path) -> None:
    site = Site(cuts=3)
    async with serve(site) as base:
        assert await run([f"{base}/file.bin"], tmp_path) == []
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]
    assert site.asked[0] == (None, None)
    starts = [int(str(field)[len("bytes=") : -1]) for field, _ in site.asked[1:]]
    assert starts == sorted(set(starts))
    assert starts[0] > 0
    assert {condition for _, condition in site.asked[1:]} == {'"one"'}


async def test_the_next_run_asks_for_the_rest_only(tmp_path: Path) -> None:
    site = Site(cuts=1)
    async with serve(site) as base:
        url = f"{base}/file.bin"
        failed = await run([url], tmp_path, attempts=1)
        assert len(failed) == 1
        assert failed[0].startswith(f"{url}: the connection broke off")
        assert names(tmp_path) == ["file.bin.part", "file.bin.part.json"]
        assert await run([url], tmp_path) == []
    assert site.asked[1] == (f"bytes={HALF}-", '"one"')
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert names(tmp_path) == ["file.bin"]


async def test_a_file_that_has_changed_begins_anew(tmp_path: Path) -> None:
    site = Site(cuts=1)
    async with serve(site) as base:
        url = f"{base}/file.bin"
        assert await run([url], tmp_path, attempts=1)
        site.etag, site.content = '"two"', CONTENT[::-1][:-5]
        assert await run([url], tmp_path) == []
    assert (tmp_path / "file.bin").read_bytes() == site.content


async def test_a_server_without_ranges_begins_anew(tmp_path: Path) -> None:
    site = Site(cuts=1)
    site.takes_ranges = False
    async with serve(site) as base:
        assert await run([f"{base}/file.bin"], tmp_path) == []
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
async def test_without_a_strong_validator_nothing_is_put_together(
    tmp_path: Path, etag: str
) -> None:
    site = Site(cuts=1, etag=etag)
    async with serve(site) as base:
        assert await run([f"{base}/file.bin"], tmp_path) == []
    assert site.asked == [(None, None)] * 2
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


async def test_a_part_that_is_longer_than_the_file_is_dropped(tmp_path: Path) -> None:
    site = Site(cuts=1)
    async with serve(site) as base:
        url = f"{base}/file.bin"
        assert await run([url], tmp_path, attempts=1)
        (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
        assert await run([url], tmp_path) == []
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


async def test_a_part_from_another_place_is_refused(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        if "Range" not in request.headers:
            return web.Response(body=CONTENT, headers={"ETag": '"one"'})
        headers = {"ETag": '"one"', "Content-Range": f"bytes 0-9/{len(CONTENT)}"}
        return web.Response(status=206, body=CONTENT[:10], headers=headers)

    async with serve(handler) as base:
        url = f"{base}/file.bin"
        job = downloader.make_jobs([URL(url)], tmp_path)[0]
        job.part.write_bytes(CONTENT[:100])
        downloader.write_note(job, downloader.Part(100, '"one"', len(CONTENT)))
        assert await run([url], tmp_path) == []
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


async def test_what_is_here_is_not_asked_for(tmp_path: Path) -> None:
    site = Site()
    (tmp_path / "file.bin").write_bytes(b"mine")
    async with serve(site) as base:
        assert await run([f"{base}/file.bin"], tmp_path) == []
    assert site.asked == []
    assert (tmp_path / "file.bin").read_bytes() == b"mine"


async def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    asked = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked < 3:
            return web.Response(status=503)
        return web.Response(text="at last")

    async with serve(handler) as base:
        assert await run([f"{base}/file"], tmp_path, attempts=3) == []
    assert (tmp_path / "file").read_text() == "at last"


async def test_each_failure_is_one_sentence_and_the_others_arrive(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/missing":
            raise web.HTTPNotFound
        return web.Response(text="here")

    async with serve(handler) as base:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/closed"
            failed = await run([f"{base}/missing", closed, f"{base}/good"], tmp_path, attempts=1)
    assert len(failed) == 2
    assert f"{base}/missing: the server answered 404 Not Found" in failed
    assert any(sentence.startswith(f"{closed}: Cannot connect to host") for sentence in failed)
    assert names(tmp_path) == ["good"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://a/", "index"),
        ("http://a/b/c.tar.gz?d=e/f", "c.tar.gz"),
        ("http://a/b/", "b"),
        ("http://a/%2e%2e%2fetc%2fpasswd", "_etc_passwd"),
        ("http://a/..%5Cx", "_x"),
        ("http://a/" + "n" * 400, "n" * 180),
        ("http://a/%C3%A4.txt", "ä.txt"),
    ],
)
def test_names(url: str, name: str) -> None:
    assert downloader.name_of(URL(url)) == name


def test_names_that_meet_get_numbers(tmp_path: Path) -> None:
    urls = [URL(f"http://{host}/a.txt") for host in "xyz"] + [URL("http://x/a.txt.part")]
    jobs = downloader.make_jobs(urls, tmp_path)
    assert [job.path.name for job in jobs] == ["a.txt", "a-2.txt", "a-3.txt", "a.txt-2.part"]


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "COLUMNS": "400"}


async def program(environment: dict[str, str], *arguments: str | Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        PROGRAM,
        *arguments,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, told = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


async def test_the_program_reads_urls_from_a_file(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "new" / "folder"
    async with serve(Site()) as base:
        listing = tmp_path / "urls"
        listing.write_text(f"# a comment\n\n  {base}/a.bin\n{base}/b.bin\n")
        code, told = await program(environment, "--from", listing, "--to", folder, f"{base}/a.bin")
    assert (code, sorted(told.splitlines())) == (
        0,
        [f"{folder / name}, {len(CONTENT)} bytes." for name in ("a.bin", "b.bin")],
    )


async def test_the_program_fails_with_1(tmp_path: Path, environment: dict[str, str]) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=410)

    async with serve(handler) as base:
        code, told = await program(environment, f"{base}/x", "--to", tmp_path)
    assert (code, told) == (1, f"{base}/x: the server answered 410 Gone\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "no URL is given"),
        (["ftp://a/b"], "'ftp://a/b' is no URL of http or https"),
        (["http://a/b", "--at-once", "0"], "'0' is not a number of 1 or more"),
        (["--from", "nowhere"], "No such file or directory: 'nowhere'"),
    ],
)
async def test_wrong_arguments_end_with_2(
    environment: dict[str, str], arguments: list[str], sentence: str
) -> None:
    code, told = await program(environment, *arguments)
    assert code == 2
    assert sentence in told
