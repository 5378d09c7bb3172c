"""Uploads and downloads as a program sees them."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tercel.test_utils import TestClient

DATA = os.urandom(1024) * 300


async def begin(client: TestClient, name: str = "a.bin", size: int = len(DATA)) -> str:
    async with client.post("/uploads", json={"name": name, "size": size}) as answer:
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]


async def append(client: TestClient, url: str, offset: int, data: bytes) -> Any:
    headers = {"Upload-Offset": str(offset)}
    async with client.patch(url, data=data, headers=headers) as answer:
        await answer.read()
        return answer


async def offset_of(client: TestClient, url: str) -> int:
    async with client.head(url) as answer:
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])


async def names(client: TestClient) -> list[str]:
    async with client.get("/api/files") as answer:
        return sorted(file["name"] for file in (await answer.json())["files"])


async def test_in_pieces(client: TestClient, shelf) -> None:
    url = await begin(client)
    answer = await append(client, url, 0, DATA[:100_000])
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "100000")
    assert await names(client) == []
    assert await offset_of(client, url) == 100_000
    answer = await append(client, url, 100_000, DATA[100_000:])
    assert answer.status == 200
    found = await answer.json()
    assert (found["name"], found["size"], found["url"]) == ("a.bin", len(DATA), "/files/a.bin")
    assert await names(client) == ["a.bin"]
    assert list(shelf.coming.glob("*.part")) == []
    # The answer may have gone astray: it can be asked for again.
    assert await offset_of(client, url) == len(DATA)
    again = await append(client, url, len(DATA), b"")
    assert (again.status, (await again.json())["name"]) == (200, "a.bin")
    assert await names(client) == ["a.bin"]
    async with client.get(found["url"], headers={"Range": "bytes=1000-"}) as answer:
        assert answer.status == 206
        assert await answer.read() == DATA[1000:]
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.bin"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    async with client.delete("/api/files/a.bin") as answer:
        assert answer.status == 204
    assert (await append(client, url, len(DATA), b"")).status == 404
    async with client.head(url) as answer:
        assert answer.status == 404


async def test_a_client_that_vanishes(client: TestClient, shelf) -> None:
    """What came is kept; the upload goes on, also in another life of the server."""
    url = await begin(client)
    _, writer = await asyncio.open_connection(client.host, client.port)
    head = f"PATCH {url} HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\nContent-Length: {len(DATA)}\r\n"
    writer.write(head.encode() + b"\r\n" + DATA[:70_000])
    while await offset_of(client, url) < 70_000:
        await asyncio.sleep(0.01)
    writer.transport.abort()
    assert await offset_of(client, url) == 70_000
    from files.shelf import Shelf

    again = Shelf(shelf.kept.parent)
    upload = again.find(url.rpartition("/")[2])
    assert upload is not None
    assert (upload.name, upload.size, upload.offset) == ("a.bin", len(DATA), 70_000)
    assert (await append(client, url, 70_000, DATA[70_000:])).status == 200
    assert (shelf.kept / "a.bin").read_bytes() == DATA


async def test_a_connection_that_hangs_is_taken_over(client: TestClient, shelf) -> None:
    url = await begin(client)
    _, writer = await asyncio.open_connection(client.host, client.port)
    head = f"PATCH {url} HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\nContent-Length: {len(DATA)}\r\n"
    writer.write(head.encode() + b"\r\n" + DATA[:50_000])
    while await offset_of(client, url) < 50_000:
        await asyncio.sleep(0.01)
    assert (await append(client, url, 50_000, DATA[50_000:])).status == 200
    assert (shelf.kept / "a.bin").read_bytes() == DATA
    writer.close()


async def test_wrong_offsets_and_sizes(client: TestClient, shelf) -> None:
    url = await begin(client, size=10)
    for offset in ("1", "-1", "x", ""):
        async with client.patch(url, data=b"x", headers={"Upload-Offset": offset}) as answer:
            assert (answer.status, answer.headers["Upload-Offset"]) == (409, "0")
    assert (await append(client, url, 0, b"x" * 11)).status == 413

    async def pieces() -> Any:
        for _ in range(3):
            yield b"x" * 6

    async with client.patch(url, data=pieces(), headers={"Upload-Offset": "0"}) as answer:
        assert answer.status == 413
    assert await offset_of(client, url) <= 10
    for size in (-1, 1.5, "9", True, None, 50_000_001):
        async with client.post("/uploads", json={"name": "a", "size": size}) as answer:
            assert answer.status in (400, 413)
    async with client.post("/uploads", data={"name": "a"}) as answer:
        assert answer.status == 415
    assert len(list(shelf.coming.iterdir())) == 2


async def test_giving_up(client: TestClient, shelf) -> None:
    url = await begin(client)
    await append(client, url, 0, b"x")
    async with client.delete(url) as answer:
        assert answer.status == 204
    assert list(shelf.coming.iterdir()) == []
    async with client.delete(url) as answer:
        assert answer.status == 404


async def test_names_are_cleaned_and_counted(client: TestClient, shelf) -> None:
    for name in ("../../x.txt", "x.txt", "/etc/x.txt", "", "\u202etxt.exe"):
        url = await begin(client, name, 2)
        assert (await append(client, url, 0, b"hi")).status == 200
    assert await names(client) == ["file", "txt.exe", "x (2).txt", "x (3).txt", "x.txt"]
    async with client.post("/uploads", json={"name": "empty", "size": 0}) as answer:
        assert (await answer.json())["name"] == "empty"
    assert sorted(os.listdir(shelf.kept.parent)) == ["coming", "kept"]


async def test_deleting(client: TestClient, shelf) -> None:
    (shelf.kept / "a.txt").write_text("x")
    (shelf.kept.parent / "secret").write_text("x")
    for name in ("none", "..%2Fsecret", "..%2Fcoming", ".", "%00"):
        async with client.delete(f"/api/files/{name}") as answer:
            assert answer.status in (400, 404, 405)
    async with client.delete(
        "/api/files/a.txt", headers={"Sec-Fetch-Site": "cross-site"}
    ) as answer:
        assert answer.status == 403
    async with client.delete("/api/files/a.txt") as answer:
        assert answer.status == 204
    assert (shelf.kept.parent / "secret").exists()
    assert await names(client) == []


async def test_the_whole_is_limited(client: TestClient) -> None:
    await begin(client, size=40_000_000)
    await begin(client, size=40_000_000)
    async with client.post("/uploads", json={"name": "a", "size": 40_000_000}) as answer:
        assert answer.status == 413
        assert "no room left" in await answer.text()


@pytest.mark.parametrize("token", ["x", "0" * 32, "..%2f" + "0" * 32, "0" * 31 + "g"])
async def test_tokens_that_are_none(client: TestClient, token: str) -> None:
    assert (await append(client, f"/uploads/{token}", 0, b"x")).status == 404


def test_old_uploads_are_given_up(shelf) -> None:
    old, new = shelf.begin("old", 5), shelf.begin("new", 5)
    day = 24 * 3600
    long_ago = time.time() - day - 60
    for path in shelf.coming.glob(f"{old.token}.*"):
        os.utime(path, (long_ago, long_ago))
    os.utime(shelf.coming / f"{new.token}.json", (long_ago, long_ago))
    assert shelf.clean() == 1
    assert shelf.find(old.token) is None
    assert shelf.find(new.token) is not None
    assert shelf.clean(time.time() + 2 * day) == 1
    assert list(shelf.coming.iterdir()) == []


def test_whole_ones_are_forgotten_in_the_end(shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from files import shelf as module

    monkeypatch.setattr(module, "MAX_DONE", 2)
    uploads = [shelf.begin("a", 0) for _ in range(4)]
    for number, upload in enumerate(uploads):
        shelf.finish(upload)
        os.utime(shelf.coming / f"{upload.token}.json", (1000 + number, 1000 + number))
    shelf.begin("b", 0)
    assert [shelf.find(upload.token) is None for upload in uploads] == [True, True, False, False]


def test_notes_that_are_spoilt(shelf) -> None:
    upload = shelf.begin("a", 5)
    note: Path = shelf.coming / f"{upload.token}.json"
    for text in ("", "{}", '{"name": 1, "size": 2}', '{"name": "a", "size": "x"}', "[]"):
        note.write_text(text)
        assert shelf.find(upload.token) is None


async def test_the_page(client: TestClient) -> None:
    for path in ("/", "/static/files.js", "/static/style.css", "/static/icon.svg"):
        async with client.get(path) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-cache"
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
