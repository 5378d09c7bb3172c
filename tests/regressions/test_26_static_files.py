"""Family 26: static files. No name leads out, and nothing is told of what lies outside.

CVE-2024-23334 (symbolic links), CVE-2024-42367 (links as compressed siblings), CVE-2024-27306
(names in the index page); `..` in every spelling, absolute names, what Windows makes of a
name, what the status tells of files outside, links that change between looking and opening.
"""

import os
import pathlib
import time
from collections.abc import Iterator

import pytest

from tercel import web
from tercel.web import folder as folder_module
from tercel.web.filecache import FileCache
from tercel.web.folder import names_a_way_out
from tests.live import serving

SECRET = b"nobody may read this"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "a.txt").write_text("inside")
    (root / "dir" / "b.txt").write_text("below")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(SECRET)
    (outside / "a.txt").write_bytes(SECRET)
    (tmp_path / "root-twin").mkdir()
    (tmp_path / "root-twin" / "secret.txt").write_bytes(SECRET)
    closed = outside / "closed"
    closed.mkdir()
    (closed / "secret.txt").write_bytes(SECRET)
    closed.chmod(0)
    yield root
    closed.chmod(0o700)


def make_app(root: pathlib.Path, **options: bool) -> web.Application:
    app = web.Application()
    resource = app.router.add_static("/s", root, **options)
    # A clock ahead of time: files are kept from the first request on, however new they are.
    resource._folder.files = FileCache(clock=lambda: time.time_ns() + 60_000_000_000)
    return app


WAYS_OUT = [
    "/s/../outside/secret.txt",
    "/s/%2e%2e/outside/secret.txt",
    "/s/%2E./outside/secret.txt",
    "/s/..%2foutside%2fsecret.txt",
    "/s/dir/../../outside/secret.txt",
    "/s/dir/%2e%2e/%2e%2e/outside/secret.txt",
    "/s/%252e%252e/outside/secret.txt",
    "/s/..%5coutside%5csecret.txt",
    "/s/..\\outside\\secret.txt",
    "/s/%c0%ae%c0%ae/outside/secret.txt",
    "/s/../root-twin/secret.txt",
    "/s/.%00./outside/secret.txt",
    "/s/a.txt%00.html",
    "/s/a.txt/../../outside/secret.txt",
    "/s//{outside}/secret.txt",
    "/s/%2f{outside}/secret.txt",
    "/s/file://{outside}/secret.txt",
    "/s/~root/.bashrc",
    "/s/....//....//outside/secret.txt",
]


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("options", [{}, {"show_index": True}, {"follow_symlinks": True}])
async def test_no_name_leads_out(root: pathlib.Path, way: str, options: dict[str, bool]) -> None:
    target = way.replace("{outside}", str(root.parent / "outside").lstrip("/"))
    async with serving(make_app(root, **options)) as server:
        answer = await server.get(target)
    assert answer.status in (400, 404)
    assert SECRET not in answer.body


@pytest.mark.parametrize(
    "name",
    [
        "//host/share/x", "\\\\host\\share\\x", "\\\\?\\C:\\x", "\\\\.\\nul", "C:\\x", "C:/x",
        "c:x", "dir\\..\\..\\x", "a.txt::$DATA", "a.txt:stream", "dir:x/a", "con", "CON.txt",
        "dir/nul", "aux.a.b", "COM1", "com\u00b9.log", "LPT9 .txt", "conin$", "a.txt.", "a.txt ",
        "dir./x", "x\0",
    ],
)  # fmt: skip
def test_what_windows_makes_of_a_name(name: str) -> None:
    assert names_a_way_out(name, windows=True)


@pytest.mark.parametrize("name", ["/etc/passwd", "//host/share", "..", "a/../b", "a\0b", "../x"])
@pytest.mark.parametrize("windows", [True, False])
def test_names_that_are_refused_everywhere(name: str, windows: bool) -> None:
    assert names_a_way_out(name, windows=windows)


@pytest.mark.parametrize("name", ["a.txt", "a..b/c", "...", "console.log", "nullable", "com10", ""])
def test_names_that_only_look_like_it(name: str) -> None:
    assert not names_a_way_out(name, windows=False)
    if not name.endswith("."):
        assert not names_a_way_out(name, windows=True)


async def test_links_lead_out_only_where_asked_for(root: pathlib.Path) -> None:
    outside = root.parent / "outside"
    (root / "file").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "chain").symlink_to(root / "file")
    (root / "relative").symlink_to("../outside/secret.txt")
    (root / "fine").symlink_to(root / "a.txt")
    names = ["file", "folder/secret.txt", "chain", "relative"]
    async with serving(make_app(root)) as server:
        for name in names:
            assert (await server.get(f"/s/{name}")).status == 404
        assert (await server.get("/s/fine")).text == "inside"
    async with serving(make_app(root, follow_symlinks=True)) as server:
        for name in names:
            assert (await server.get(f"/s/{name}")).body == SECRET


@pytest.mark.parametrize("options", [{}, {"follow_symlinks": True}])
@pytest.mark.parametrize(("suffix", "coding"), [(".gz", "gzip"), (".br", "br"), (".zst", "zstd")])
async def test_a_sibling_is_no_link(
    root: pathlib.Path, suffix: str, coding: str, options: dict[str, bool]
) -> None:
    (root / f"a.txt{suffix}").symlink_to(root.parent / "outside" / "secret.txt")
    async with serving(make_app(root, **options)) as server:
        for _ in range(2):
            answer = await server.get("/s/a.txt", {"Accept-Encoding": coding})
            assert (answer.body, answer.get("Content-Encoding")) == (b"inside", None)
        # Nor does a good one become one later.
        (root / f"a.txt{suffix}").unlink()
        (root / f"dir/b.txt{suffix}").write_bytes(b"coded")
        answer = await server.get("/s/dir/b.txt", {"Accept-Encoding": coding})
        assert answer.body == b"coded"
        (root / f"dir/b.txt{suffix}").unlink()
        (root / f"dir/b.txt{suffix}").symlink_to(root.parent / "outside" / "secret.txt")
        answer = await server.get("/s/dir/b.txt", {"Accept-Encoding": coding})
        assert answer.body == b"below"


async def test_what_exists_outside_is_not_told(root: pathlib.Path) -> None:
    """The same answer for a file, a folder, nothing, and what may not be looked at."""
    outside = root.parent / "outside"
    (root / "up").symlink_to(outside)
    for number, name in enumerate(["secret.txt", "none", "closed", "closed/secret.txt"]):
        (root / f"link{number}").symlink_to(outside / name)
    names = ["up", "up/", "up/secret.txt", "up/secret.txt/", "up/none", "up/closed", "up/closed/x"]
    names += ["up/closed/secret.txt", "up/secret.txt/x", "link0", "link1", "link2", "link3", "none"]
    for options in ({}, {"show_index": True}):
        seen = set()
        async with serving(make_app(root, **options)) as server:
            for name in names:
                for headers in ({}, {"If-Match": "*"}, {"Range": "bytes=0-0"}):
                    answer = await server.get(f"/s/{name}", headers)
                    seen.add((answer.status, answer.body, answer.get("Content-Type")))
        assert len(seen) == 1, seen
        assert seen.pop()[0] == 404


async def test_the_index_tells_nothing_of_the_outside(root: pathlib.Path) -> None:
    (root / "out").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "gone").symlink_to(root.parent / "outside" / "none")
    (root / "in").symlink_to(root / "a.txt")
    async with serving(make_app(root, show_index=True)) as server:
        answer = await server.get("/s/")
    assert 'href="/s/in"' in answer.text
    assert "out" not in answer.text.partition("<tbody>")[2]
    assert "gone" not in answer.text


NASTY = [
    "<script>alert(1)</script>",
    "\"onmouseover='alert(1)'",
    "'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "a&lt;b",
    "%3Cscript%3E",
    "a#b?c",
    "</table>",
    "line\nfeed",
]


async def test_names_in_the_index_are_text(root: pathlib.Path) -> None:
    from html.parser import HTMLParser

    names = [name.replace("/", "\u2215") for name in NASTY]
    for name in names:
        (root / name).write_text(name)
    os.makedirs(root / "<b>" / "deep")
    raw = os.path.join(os.fsencode(root), b"\xff\xfe.txt")
    with open(raw, "wb") as file:
        file.write(b"raw")
    tags: set[str] = set()
    links: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            for name, value in attrs:
                assert not name.startswith("on")
                if name == "href":
                    links.append(value or "")

    async with serving(make_app(root, show_index=True)) as server:
        for target in ("/s/", "/s/%3Cb%3E/"):
            answer = await server.get(target)
            assert "default-src 'none'" in answer["Content-Security-Policy"]
            Reader().feed(answer.text)
        assert "script" not in tags
        assert "img" not in tags
        assert all(link.startswith("/s/") for link in links)
        # And every link leads to its file.
        bodies = [(await server.get(link)).body for link in links if not link.endswith("/")]
        assert {name.encode() for name in names} <= set(bodies)
        assert any("%FF%FE" in link for link in links)


async def test_a_file_that_becomes_a_link_out(root: pathlib.Path) -> None:
    """What was found inside and kept is looked at again before it is sent."""
    outside = root.parent / "outside"
    async with serving(make_app(root)) as server:
        for _ in range(2):
            assert (await server.get("/s/a.txt")).text == "inside"
            assert (await server.get("/s/dir/b.txt")).text == "below"
        (root / "a.txt").unlink()
        (root / "a.txt").symlink_to(outside / "secret.txt")
        assert (await server.get("/s/a.txt")).status == 404
        (root / "dir").rename(root / "old")
        (outside / "b.txt").write_bytes(SECRET)
        (root / "dir").symlink_to(outside)
        assert (await server.get("/s/dir/b.txt")).status == 404


@pytest.mark.parametrize("size", [10, 300_000])
async def test_a_link_that_changes_after_the_look(
    root: pathlib.Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding that a path lies inside and opening it, it is made to lead out."""
    (root / "c.txt").write_bytes(b"x" * size)
    (root.parent / "outside" / "secret.txt").write_bytes(SECRET * (1 + size // 20))
    store_file = folder_module.store_file

    def swap(path: str, *more: object) -> object:
        os.unlink(path)
        os.symlink(root.parent / "outside" / "secret.txt", path)
        return store_file(path, *more)

    monkeypatch.setattr(folder_module, "store_file", swap)
    async with serving(make_app(root)) as server:
        answer = await server.get("/s/c.txt")
    assert answer.status == 404
    assert SECRET not in answer.body


async def test_a_large_file_that_changes_after_the_look(root: pathlib.Path) -> None:
    """It is opened for each answer: what is opened must be what was looked at."""
    big, outside = root / "big.bin", root.parent / "outside" / "big.bin"
    big.write_bytes(b"x" * 300_000)
    outside.write_bytes(SECRET * 20_000)
    app = make_app(root)
    folder = next(iter(app.router.resources()))._folder
    found = folder._look_up("big.bin")
    big.unlink()
    big.symlink_to(outside)

    async def handler(request: web.Request) -> web.FileResponse:
        return web.FileResponse._of(found, folder, "big.bin")

    app.router.add_get("/stale", handler)
    async with serving(app) as server:
        answer = await server.get("/stale")
    assert (answer.status, answer.body) == (404, b"")


async def test_ranges_of_a_file_that_grows_and_shrinks(root: pathlib.Path) -> None:
    """What Content-Range says is what is sent, of the file as it is at the request."""
    log = root / "log.bin"
    async with serving(make_app(root)) as server:
        for size in (10, 11, 100_000, 200_000, 50, 0, 70_000):
            log.write_bytes(b"x" * size)
            answer = await server.get("/s/log.bin", {"Range": "bytes=5-"})
            if size <= 5:
                assert (answer.status, answer["Content-Range"]) == (416, f"bytes */{size}")
                continue
            assert (answer.status, len(answer.body)) == (206, size - 5)
            assert answer["Content-Range"] == f"bytes 5-{size - 1}/{size}"
            with log.open("ab") as file:
                file.write(b"y")
            answer = await server.get("/s/log.bin", {"Range": "bytes=-1"})
            assert (answer.status, answer.body) == (206, b"y")
            assert answer["Content-Range"] == f"bytes {size}-{size}/{size + 1}"


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
async def test_what_is_no_file_is_not_opened_for_good(
    root: pathlib.Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    path = root / "special"
    with socket.socket(socket.AF_UNIX) as sock:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            monkeypatch.chdir(root)  # a socket's path must be short
            sock.bind("special")
        else:
            path.symlink_to("/dev/zero")
        async with serving(make_app(root, follow_symlinks=True)) as server:
            answer = await server.get("/s/special")
    assert answer.status in (403, 404)
