"""Bodies against peers of others: Node (trailers, hints, codings), curl, and a page in Chromium."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tercel import web
from tests.live import serving
from tests.peers import require_program

LIMIT = 30.0
TEXT = "the tercel is a third smaller than the falcon\n" * 2000


async def run(*command: str, stdin: bytes = b"") -> bytes:
    """What a program prints; its time is limited."""
    program = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LIMIT):
            out, _ = await program.communicate(stdin)
    except BaseException:
        program.kill()
        await program.wait()
        raise
    assert program.returncode == 0
    return out


# Node

NODE = """
const http = require("node:http"), zlib = require("node:zlib");
const seen = {hints: [], codings: {}};
const base = {host: "127.0.0.1", port: +process.argv[2], agent: false};
function ask(options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({...base, ...options}, response => {
      const parts = [];
      response.on("data", part => parts.push(part));
      response.on("end", () => resolve([response, Buffer.concat(parts)]));
      response.on("error", reject);
    });
    request.on("information", info => seen.hints.push([info.statusCode, info.headers.link]));
    request.on("error", reject);
    if (body) body(request); else request.end();
  });
}
(async () => {
  const [told] = await ask({path: "/told"});
  seen.announced = told.headers.trailer;
  seen.trailers = told.trailers;
  const [, echoed] = await ask({
    path: "/trailers", method: "POST",
    headers: {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"},
  }, request => {
    request.write("abc");
    request.addTrailers({"X-Sum": "42"});
    request.end();
  });
  seen.echoed = JSON.parse(echoed);
  const decode = {
    gzip: zlib.gunzipSync, deflate: zlib.inflateSync, br: zlib.brotliDecompressSync,
    ...(zlib.zstdDecompressSync ? {zstd: zlib.zstdDecompressSync} : {}),
  };
  const encode = {
    gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync,
    ...(zlib.zstdCompressSync ? {zstd: zlib.zstdCompressSync} : {}),
  };
  for (const coding in decode) {
    const [answer, body] = await ask({path: "/text", headers: {"Accept-Encoding": coding}});
    const text = decode[coding](body);
    const [, size] = await ask({
      path: "/size", method: "POST", headers: {"Content-Encoding": coding},
    }, request => request.end(encode[coding](text)));
    seen.codings[coding] = [answer.headers["content-encoding"], text.length, +size];
  }
  console.log(JSON.stringify(seen));
})();
"""


async def told(request: web.Request) -> web.StreamResponse:
    await request.send_early_hints("</style.css>; rel=preload; as=style")
    response = web.StreamResponse()
    response.trailers["X-Sum"] = ""
    await response.prepare(request)
    await response.write(b"abc")
    response.trailers["X-Sum"] = "42"
    return response


async def trailers(request: web.Request) -> web.Response:
    body = await request.text()
    return web.json_response([body, dict(request.trailers)])


async def text(request: web.Request) -> web.Response:
    return web.Response(text=TEXT)


async def size(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


def app() -> web.Application:
    made = web.Application(middlewares=[web.compression_middleware()])
    made.router.add_get("/told", told)
    made.router.add_post("/trailers", trailers)
    made.router.add_get("/text", text)
    made.router.add_post("/size", size)
    return made


async def test_node(tmp_path: Path) -> None:
    node = require_program("node", "nodejs")
    script = tmp_path / "ask.js"
    script.write_text(NODE)
    async with serving(app()) as server:
        seen = json.loads(await run(node, str(script), str(server.port)))
    assert seen["hints"] == [[103, "</style.css>; rel=preload; as=style"]]
    assert seen["announced"] == "X-Sum"
    assert seen["trailers"] == {"x-sum": "42"}
    assert seen["echoed"] == ["abc", {"X-Sum": "42"}]
    assert set(seen["codings"]) >= {"gzip", "deflate", "br"}
    for coding, found in seen["codings"].items():
        assert found == [coding, len(TEXT), len(TEXT)]


# curl


@pytest.mark.parametrize("http", ["--http1.1", "--http1.0"])
async def test_curl(http: str, tmp_path: Path) -> None:
    curl = require_program("curl")
    async with serving(app()) as server:
        base = f"http://127.0.0.1:{server.port}"
        out = await run(curl, "-sS", http, "--compressed", f"{base}/text")
        assert out.decode() == TEXT
        out = await run(curl, "-sS", http, "-i", f"{base}/told")
        assert (b"103" in out) is (http == "--http1.1")
        large = tmp_path / "large"
        large.write_bytes(bytes(2**20 - 1))
        # Above a mebibyte curl waits for 100 Continue.
        expect = ["-H", "Expect: 100-continue", "--data-binary", f"@{large}"]
        out = await run(curl, "-sS", http, *expect, f"{base}/size")
        assert out == b"1048575"


# Chromium

PAGE = """<!doctype html><meta charset=utf-8><title>Events</title><script>
const seen = [];
const source = new EventSource("/events");
const note = event => seen.push([event.type, event.data, event.lastEventId]);
source.onmessage = note;
source.addEventListener("news", note);
source.onerror = () => {
  if (source.readyState === EventSource.CLOSED) document.title = JSON.stringify(seen);
};
</script>
"""


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    playwright = pytest.importorskip("playwright.async_api")
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.mark.slow
async def test_events_in_chromium(browser: Any) -> None:
    """It connects again with the last id, reads what we wrote, and is ended by 204."""
    asked: list[str | None] = []

    async def events(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Last-Event-ID"))
        if len(asked) == 3:
            return web.Response(status=204)
        stream = web.EventSourceResponse(retry=1)
        await stream.prepare(request)
        await stream.send(f"two\r\nlines\rof {len(asked)}\n", id=f"n°{len(asked)}")
        await stream.send_comment("not seen\ndata: not seen")
        await stream.send_json({"é": "🦅"}, event="news")
        return stream

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    made = web.Application(middlewares=[web.compression_middleware()])
    made.router.add_get("/", page)
    made.router.add_get("/events", events)
    async with serving(made) as server:
        tab = await browser.new_page()
        await tab.goto(f"http://127.0.0.1:{server.port}/")
        await tab.wait_for_function("document.title !== 'Events'", timeout=20_000)
        seen = json.loads(await tab.title())
        await tab.close()
    news = '{"\\u00e9": "\\ud83e\\udd85"}'
    assert asked == [None, "n°1", "n°2"]
    assert seen == [
        ["message", "two\nlines\nof 1\n", "n°1"],
        ["news", news, "n°1"],
        ["message", "two\nlines\nof 2\n", "n°2"],
        ["news", news, "n°2"],
    ]
