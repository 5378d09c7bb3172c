"""A real browser plays sound and video by ranges, and jumps about in them."""

import base64
import os
import pathlib
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.peers import require_program

playwright = pytest.importorskip("playwright.async_api")

RATE, SECONDS = 44_100, 120

# A video of a second's length, made by the browser itself: nobody else here can.
RECORD = """async () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 64;
    const pen = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(25), {mimeType: "video/webm"});
    const pieces = [];
    recorder.ondataavailable = event => pieces.push(event.data);
    const stopped = new Promise(done => recorder.onstop = done);
    recorder.start();
    for (let n = 0; n < 25; n++) {
        pen.fillStyle = `hsl(${n * 14}, 80%, 50%)`;
        pen.fillRect(0, 0, 64, 64);
        await new Promise(done => setTimeout(done, 40));
    }
    recorder.stop();
    await stopped;
    const octets = new Uint8Array(await new Blob(pieces).arrayBuffer());
    return btoa(Array.from(octets, octet => String.fromCharCode(octet)).join(""));
}"""

PLAY = """async ([kind, url]) => {
    const player = document.createElement(kind);
    player.muted = true;
    player.src = url;
    document.body.append(player);
    const ended = new Promise((done, fail) => {
        player.onended = done;
        player.onerror = () => fail(new Error(player.error.message));
    });
    await player.play();
    if (kind === "audio") {
        for (const where of [100, 20, player.duration - 1]) {
            const there = new Promise(done => player.onseeked = done);
            player.currentTime = where;
            await there;
        }
    }
    await ended;
    return [player.duration, player.currentTime];
}"""


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield await browser.new_page()
        await browser.close()


def make_app(root: pathlib.Path) -> tuple[web.Application, list[tuple[str, str, int]]]:
    """Files, an empty page, and the name, Range and status of every request for a file."""
    seen: list[tuple[str, str, int]] = []

    @web.middleware
    async def note(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if isinstance(response, web.FileResponse):
            entry = [request.match_info["filename"], request.headers.get("Range", ""), 0]
            try:
                await response.prepare(request)
            finally:  # a player leaves when it has what it wants
                seen.append((entry[0], entry[1], response.status))
        return response

    async def empty(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>x</title>", content_type="text/html")

    app = web.Application(middlewares=[note])
    app.router.add_get("/", empty)
    app.router.add_static("/s", root)
    return app, seen


def write_sound(path: pathlib.Path) -> None:
    """Two minutes of noise as WAV: 21 MB, more than a player fetches ahead."""
    size = RATE * SECONDS * 4
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, RATE, RATE * 4, 4, 16, b"data", size,
    )  # fmt: skip
    second = os.urandom(RATE * 4)
    with path.open("wb") as file:
        file.write(head)
        for _ in range(SECONDS):
            file.write(second)


@pytest.mark.slow
async def test_sound_is_played_by_ranges(page: Any, tmp_path: pathlib.Path) -> None:
    write_sound(tmp_path / "noise.wav")
    app, seen = make_app(tmp_path)
    async with serving(app) as server:
        await page.goto(f"http://{server.authority}/")
        duration, position = await page.evaluate(PLAY, ["audio", "/s/noise.wav"])
        await page.goto("about:blank")
    assert duration == position == SECONDS
    statuses = {status for _, _, status in seen}
    assert 206 in statuses
    assert statuses <= {206, 304}
    starts = {int(value.removeprefix("bytes=").partition("-")[0]) for _, value, _ in seen}
    assert 0 in starts
    assert max(starts) > RATE * 4 * 90  # it jumped there, and did not read all before


@pytest.mark.slow
async def test_video_is_played_by_ranges(page: Any, tmp_path: pathlib.Path) -> None:
    app, seen = make_app(tmp_path)
    async with serving(app) as server:
        await page.goto(f"http://{server.authority}/")
        (tmp_path / "colours.webm").write_bytes(base64.b64decode(await page.evaluate(RECORD)))
        _, position = await page.evaluate(PLAY, ["video", "/s/colours.webm"])
        await page.goto("about:blank")
    assert position > 0.3
    assert seen[0] == ("colours.webm", "bytes=0-", 206)
