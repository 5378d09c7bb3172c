"""The cache of files: what it keeps, for how long it is believed, and what it may hold."""

import os
import pathlib
import threading
import time

import pytest

from tercel.web.filecache import (
    MAX_OCTETS,
    SMALL,
    FileCache,
    StoredFile,
    is_settled,
    open_plain,
    store_file,
)


def later() -> int:
    """A clock ahead of time: what was written just now has settled."""
    return time.time_ns() + 60_000_000_000


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    found = tmp_path / "a.txt"
    found.write_bytes(b"hello")
    return found


def keep(cache: FileCache, path: pathlib.Path) -> StoredFile:
    stored = store_file(str(path))
    cache.keep(str(path), stored)
    return stored


def test_what_is_kept(path: pathlib.Path) -> None:
    cache = FileCache(clock=later)
    assert cache.find(str(path), None) is None
    stored = keep(cache, path)
    assert cache.find(str(path), None) is stored
    assert stored.data == b"hello"
    assert stored.facts.content_type == "text/plain; charset=utf-8"
    block = stored.block(None)
    assert block.startswith(b"Content-Type: text/plain; charset=utf-8\r\nETag: ")
    assert stored.block(None) is block
    assert stored.block("no-cache") == block + b"Cache-Control: no-cache\r\n"
    assert cache.octets == 5


def rewrite(path: pathlib.Path) -> None:
    """Other contents of the same size, and the old time of modification put back."""
    found = path.stat()
    path.write_bytes(b"HELLO")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replace(path: pathlib.Path) -> None:
    found = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"HELLO")
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)


def become_a_folder(path: pathlib.Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES = {
    "rewritten": rewrite,
    "replaced": replace,
    "truncated": lambda path: os.truncate(path, 2),
    "longer": lambda path: path.write_bytes(b"hello, world"),
    "touched": lambda path: os.utime(path, (1, 1)),
    "closed": lambda path: path.chmod(0),
    "deleted": lambda path: path.unlink(),
    "a folder": become_a_folder,
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_noticed(path: pathlib.Path, change: str) -> None:
    cache = FileCache(clock=later)
    keep(cache, path)
    time.sleep(0.02)  # more than one tick of the file system's clock
    CHANGES[change](path)
    assert cache.find(str(path), None) is None
    assert (len(cache), cache.octets) == (0, 0)


def test_reading_is_no_change(path: pathlib.Path) -> None:
    cache = FileCache(clock=later)
    stored = keep(cache, path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns))
    keep(cache, path)
    path.read_bytes()
    assert cache.find(str(path), None) is not stored
    assert cache.find(str(path), None) is not None


@pytest.mark.parametrize(
    ("age", "fraction", "settled"),
    [
        (40_000_000, 1, False), (60_000_000, 1, True), (-5_000_000_000, 1, False),
        (1_900_000_000, 0, False), (2_100_000_000, 0, True),
    ],
)  # fmt: skip
def test_what_changed_a_moment_ago_is_not_kept(age: int, fraction: int, settled: bool) -> None:
    stamp = 1_700_000_000_000_000_000 + fraction
    found = os.stat_result(
        (0o100644, 1, 1, 1, 0, 0, 5, 0, 0, 0),
        {"st_mtime_ns": stamp, "st_ctime_ns": stamp},
    )
    assert is_settled(found, stamp + age) is settled


def test_a_new_file_is_not_kept(path: pathlib.Path) -> None:
    stamp = path.stat().st_ctime_ns
    cache = FileCache(clock=lambda: stamp)
    keep(cache, path)
    assert len(cache) == 0


def test_siblings(path: pathlib.Path) -> None:
    cache = FileCache(clock=later)
    for suffix in (".gz", ".br"):
        pathlib.Path(f"{path}{suffix}").write_bytes(suffix.encode())
    stored = keep(cache, path)
    assert stored.facts.varies
    assert cache.octets == 5 + 3 + 3
    found = cache.find(str(path), "gzip;q=0.5, br;q=0.1")
    assert found is stored.siblings["gzip"]
    assert found.data == b".gz"
    assert found.facts.content_type == "text/plain; charset=utf-8"
    assert cache.find(str(path), "deflate") is stored
    assert cache.find(str(path), "gzip, identity;q=0.1" + " " * 300) is found
    os.unlink(f"{path}.gz")
    assert cache.find(str(path), "br") is stored.siblings["br"]
    assert cache.find(str(path), "gzip") is None
    assert len(cache) == 0


def test_a_new_sibling_is_looked_for_after_a_second(path: pathlib.Path) -> None:
    cache = FileCache(clock=later)
    stored = keep(cache, path)
    assert cache.find(str(path), "gzip") is stored
    stored.looked_at -= 1.1
    assert cache.find(str(path), "gzip") is None
    assert cache.find(str(path), None) is stored


def test_the_number_of_files_is_bounded(tmp_path: pathlib.Path) -> None:
    cache = FileCache(3, clock=later)
    paths = [tmp_path / str(number) for number in range(5)]
    for path in paths:
        path.write_bytes(b"12")
        keep(cache, path)
        cache.find(str(paths[0]), None)  # used every time: the last to go
    assert (len(cache), cache.octets) == (3, 6)
    assert cache.find(str(paths[0]), None) is not None
    assert cache.find(str(paths[1]), None) is None
    assert cache.find(str(paths[4]), None) is not None


def test_the_octets_are_bounded(tmp_path: pathlib.Path) -> None:
    cache = FileCache(most_octets=10, clock=later)
    for number in range(4):
        path = tmp_path / str(number)
        path.write_bytes(b"1234")
        keep(cache, path)
    assert (len(cache), cache.octets) == (2, 8)
    assert SMALL <= MAX_OCTETS


@pytest.mark.parametrize(("size", "kept"), [(SMALL, True), (SMALL + 1, False)])
def test_large_contents_are_not_held(tmp_path: pathlib.Path, size: int, kept: bool) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * size)
    stored = store_file(str(path))
    assert (stored.data is not None) is kept
    assert stored.facts.size == size


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (b"", True), (b"plain", True), ("\u00fc".encode(), True),
        ("\u00fc".encode("latin-1"), False),
        (b"\xff\xfea\0", False), (b"x" * (SMALL - 1) + "\u00fc".encode() + b"x" * 9, True),
        (b"x" * (SMALL - 1) + b"\xc3", False),
    ],
)  # fmt: skip
def test_the_charset_is_what_the_text_shows(path: pathlib.Path, data: bytes, charset: bool) -> None:
    path.write_bytes(data)
    content_type = store_file(str(path)).facts.content_type
    assert content_type == ("text/plain; charset=utf-8" if charset else "text/plain")


def test_what_is_no_file(tmp_path: pathlib.Path, path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe"):
        with pytest.raises(PermissionError):
            open_plain(str(tmp_path / name))
    with pytest.raises(OSError, match="link"):
        open_plain(str(tmp_path / "link"), follow=False)
    with pytest.raises(FileNotFoundError):
        store_file(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="null"):
        store_file("a\0b")


def test_a_check_that_fails_leaves_nothing_open(path: pathlib.Path) -> None:
    def refuse(found: os.stat_result) -> None:
        raise FileNotFoundError

    fds = pathlib.Path("/proc/self/fd")
    before = len(list(fds.iterdir())) if fds.exists() else 0
    for _ in range(20):
        with pytest.raises(FileNotFoundError):
            store_file(str(path), None, refuse)
    assert (len(list(fds.iterdir())) if fds.exists() else 0) <= before + 5


def test_many_threads(tmp_path: pathlib.Path) -> None:
    cache = FileCache(8, 40, clock=later)
    paths = [tmp_path / str(number) for number in range(16)]
    for path in paths:
        path.write_bytes(b"12345")
    failures: list[BaseException] = []

    def use() -> None:
        try:
            for _ in range(20):
                for path in paths:
                    if cache.find(str(path), None) is None:
                        keep(cache, path)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(cache) <= 8
    assert cache.octets == 5 * len(cache)
