"""Compression of answers: what is chosen, what is left alone, and that nothing is held back."""

import asyncio
import gzip
import pathlib
import zlib
from typing import Any

import brotli
import pytest

from tercel import web
from tercel.web.codings import BodyEncoder
from tercel.web.compression import is_compressible
from tercel.wire.coding import make_decoder
from tercel.wire.libraries import find_zstd
from tests.live import serving
from tests.web.fake_exchange import FakeExchange

TEXT = "plain words, many times over. " * 200
DECODE: dict[str, Any] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "zstd": find_zstd().decompress,
}
BROWSER = [("Accept-Encoding", "gzip, deflate, br, zstd")]


def app_of(make: Any, *middlewares: Any) -> web.Application:
    async def handler(request: web.Request) -> Any:
        made = make(request)
        return await made if asyncio.iscoroutine(made) else made

    app = web.Application(middlewares=middlewares)
    app.router.add_route("*", "/", handler)
    return app


def enabled(*args: Any, **kwargs: Any) -> web.Response:
    response = web.Response(*args, **kwargs)
    response.enable_compression()
    return response


# enable_compression


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate", "deflate"),
        ("gzip", "gzip"),
        ("zstd;q=0.1, gzip;q=0.9", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *;q=0.1", "br"),
        ("identity;q=0, br;q=0.001", "br"),
        ("identity;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("compress", None),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_accept_encoding(accepted: str | None, coding: str | None, is_stream: bool) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_compression()
        await response.prepare(request)
        for start in range(0, len(TEXT), 1000):
            await response.write(TEXT[start : start + 1000].encode())
        return response

    headers = [] if accepted is None else [("Accept-Encoding", accepted)]
    async with serving(app_of(stream if is_stream else lambda r: enabled(text=TEXT))) as server:
        answer = await server.get("/", headers)
    assert answer.get("Content-Encoding") == coding
    assert answer["Vary"] == "Accept-Encoding"
    body = answer.body if coding is None else DECODE[coding](answer.body)
    assert body.decode() == TEXT
    if coding:
        assert len(answer.body) < len(TEXT) / 5


@pytest.mark.parametrize("coding", DECODE)
async def test_forced(coding: str) -> None:
    def make(request: web.Request) -> web.Response:
        response = web.Response(text=TEXT)
        response.enable_compression(web.ContentCoding(coding))
        return response

    async with serving(app_of(make)) as server:
        answer = await server.get("/")
    assert answer["Content-Encoding"] == coding
    assert answer.get("Vary") is None
    assert DECODE[coding](answer.body).decode() == TEXT


async def test_large_bodies_of_every_kind() -> None:
    """Above `zlib_executor_size` the work is done in a thread; the octets keep their order."""
    data = bytes(range(256)) * 4096

    async def pieces() -> Any:
        for start in range(0, len(data), 70_000):
            yield data[start : start + 70_000]

    for coding, decode in DECODE.items():
        for body in (data, bytearray(data), pieces):
            made = body() if callable(body) else body
            async with serving(app_of(lambda r, made=made: enabled(body=made))) as server:
                answer = await server.get("/", [("Accept-Encoding", coding)])
            assert answer["Content-Encoding"] == coding
            assert decode(answer.body) == data


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (204, {}),
        (304, {}),
        (206, {"Content-Range": "bytes 0-9/20"}),
        (206, {}),
        (200, {"Content-Range": "bytes 0-9/20"}),
        (200, {"Content-Encoding": "br"}),
    ],
)
@pytest.mark.parametrize("through", ["enabled", "middleware"])
async def test_left_alone(status: int, headers: dict[str, str], through: str) -> None:
    def make(request: web.Request) -> web.Response:
        body = b"" if status in (204, 304) else b"0123456789" * 200
        response = web.Response(
            body=body, status=status, headers={"Content-Type": "text/plain", **headers}
        )
        if through == "enabled":
            response.enable_compression()
        return response

    chain = [web.compression_middleware()] if through == "middleware" else []
    async with serving(app_of(make, *chain)) as server:
        answer = await server.get("/", BROWSER)
    assert answer.get("Content-Encoding") == headers.get("Content-Encoding")
    assert answer.get("Vary") is None
    assert answer.body in (b"", b"0123456789" * 200)


@pytest.mark.parametrize("through", ["enabled", "middleware"])
async def test_head_says_what_get_would_and_does_no_work(through: str, monkeypatch: Any) -> None:
    def make(request: web.Request) -> web.Response:
        response = web.Response(text=TEXT, headers={"ETag": '"x"'})
        if through == "enabled":
            response.enable_compression()
        return response

    def fail(*args: Any) -> None:
        raise AssertionError("something was compressed for HEAD")

    chain = [web.compression_middleware()] if through == "middleware" else []
    async with serving(app_of(make, *chain)) as server:
        seen = await server.get("/", BROWSER)
        monkeypatch.setattr("tercel.web.response._encode_all", fail)
        head = await server.request("HEAD", "/", BROWSER)
    for name in ("Content-Encoding", "Vary", "ETag", "Content-Type"):
        assert head[name] == seen[name]
    assert head.get("Content-Length") is None
    assert head.body == b""


@pytest.mark.parametrize(
    ("tag", "sent"), [('"x"', 'W/"x"'), ('W/"x"', 'W/"x"'), ("malformed", "malformed")]
)
async def test_strong_tags_become_weak(tag: str, sent: str) -> None:
    response = web.Response(text=TEXT, headers={"ETag": tag, "Accept-Ranges": "bytes"})
    response.enable_compression()
    async with serving(app_of(lambda r: response)) as server:
        coded = await server.get("/", BROWSER)
        plain = await server.get("/")
        again = await server.get("/", BROWSER)
    assert coded["ETag"] == again["ETag"] == sent
    assert coded.get("Accept-Ranges") is None
    assert plain["ETag"] == tag  # one response for many requests
    assert plain.text == TEXT


@pytest.mark.parametrize(
    ("vary", "sent"),
    [
        ("Cookie", "Cookie, Accept-Encoding"),
        ("accept-encoding", "accept-encoding"),
        ("Cookie, Accept-Encoding", "Cookie, Accept-Encoding"),
        ("*", "*"),
        ("X-Accept-Encoding", "X-Accept-Encoding, Accept-Encoding"),
    ],
)
async def test_vary(vary: str, sent: str) -> None:
    async with serving(app_of(lambda r: enabled(text=TEXT, headers={"Vary": vary}))) as server:
        for headers in (BROWSER, []):
            assert (await server.get("/", headers)).all("Vary") == [sent]


def test_a_coding_without_its_library(monkeypatch: Any) -> None:
    monkeypatch.setitem(
        __import__("tercel.wire.encoders", fromlist=["x"])._OPTIONAL, "br", lambda: False
    )
    response = web.Response(text="x")
    with pytest.raises(ValueError, match="Content coding 'br' is not known"):
        response.enable_compression(web.ContentCoding.br)
    web.compression_middleware()


async def test_flush_lets_the_peer_read_all() -> None:
    for coding in DECODE:
        go_on = asyncio.Event()

        async def stream(request: web.Request, go_on: Any = go_on) -> web.StreamResponse:
            response = web.StreamResponse()
            with pytest.raises(RuntimeError, match="flush"):
                await response.flush()
            response.enable_compression()
            await response.prepare(request)
            await response.write(b"first")
            await response.flush()
            await go_on.wait()
            await response.write(b" last")
            await response.write_eof()
            with pytest.raises(RuntimeError, match="flush"):
                await response.flush()
            return response

        async with serving(app_of(stream)) as server:
            connection = await server.connect()
            await connection.send(
                b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %b\r\n\r\n" % coding.encode()
            )
            await connection.receive_head()
            decoder, seen = make_decoder(coding), b""
            while seen != b"first":
                seen += decoder.decode(await read_chunk(connection), 1000)
            go_on.set()
            while not seen.endswith(b"last"):
                seen += decoder.decode(await read_chunk(connection), 1000)
            assert seen == b"first last"


async def read_chunk(connection: Any) -> bytes:
    held = connection._held
    connection._held = b""
    while b"\r\n" not in held or len(held) < int(held.split(b"\r\n")[0], 16):
        data = await connection.reader.read(65_536)
        assert data, held
        held += data
    line, _, rest = held.partition(b"\r\n")
    size = int(line, 16)
    while len(rest) < size + 2:
        rest += await connection.reader.readexactly(size + 2 - len(rest))
    connection._held = rest[size + 2 :]
    return bytes(rest[:size])


async def test_tasks_that_write_at_the_same_time() -> None:
    """A large piece is in a thread while small ones come: none overtakes it, none is lost."""
    for coding, decode in DECODE.items():
        exchange: Any = FakeExchange()
        exchange.start(200, "OK", __import__("multidict").CIMultiDict(), None, True)
        encoder = BodyEncoder(coding, None, 100, None)
        pieces = [bytes([65 + n]) * (50_000 if n % 3 == 0 else 9) for n in range(20)]
        async with asyncio.TaskGroup() as group:
            for piece in pieces:
                group.create_task(encoder.write(exchange, piece, True))
            await asyncio.sleep(0)
            assert not encoder.write_now(exchange, b"!")
            assert encoder.finish_now() is None
        assert encoder.write_now(exchange, b"!")
        exchange.finish(await encoder.finish(b"?"))
        assert decode(exchange.body) == b"".join(pieces) + b"!?"


# The middleware


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("text/html", True),
        ("text/event-stream", True),
        ("application/json", True),
        ("application/problem+json", True),
        ("image/svg+xml", True),
        ("application/wasm", True),
        ("font/ttf", True),
        ("application/octet-stream", False),
        ("image/png", False),
        ("image/jpeg", False),
        ("video/mp4", False),
        ("font/woff2", False),
        ("application/zip", False),
        ("application/gzip", False),
        ("application/pdf", False),
        ("multipart/form-data", False),
    ],
)
async def test_types(kind: str, says: bool) -> None:
    assert is_compressible(kind) is says

    def make(request: web.Request) -> web.Response:
        return web.Response(body=TEXT.encode(), content_type=kind, charset="utf-8")

    async with serving(app_of(make, web.compression_middleware())) as server:
        answer = await server.get("/", BROWSER)
    assert answer.get("Content-Encoding") == ("zstd" if says else None)
    assert answer.get("Vary") == ("Accept-Encoding" if says else None)


async def test_threshold() -> None:
    sizes = {"small": 999, "large": 1000}
    app = web.Application(middlewares=[web.compression_middleware(minimum_size=1000)])

    async def whole(request: web.Request) -> web.Response:
        return web.Response(text="x" * sizes[request.match_info["size"]])

    async def streamed(request: web.Request) -> web.StreamResponse:
        size = sizes[request.match_info["size"]]
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        if "known" in request.query:
            response.content_length = size
        await response.prepare(request)
        await response.write(b"x" * size)
        return response

    app.router.add_get("/whole/{size}", whole)
    app.router.add_get("/streamed/{size}", streamed)
    async with serving(app) as server:
        for path, coding in {
            "/whole/small": None,
            "/whole/large": "gzip",
            "/streamed/small": "gzip",
            "/streamed/small?known": None,
            "/streamed/large?known": "gzip",
        }.items():
            answer = await server.get(path, [("Accept-Encoding", "gzip")])
            assert answer.get("Content-Encoding") == coding, path
            body = gzip.decompress(answer.body) if coding else answer.body
            assert len(body) == (999 if "small" in path else 1000)


async def test_the_middleware_leaves_decisions_alone() -> None:
    def forced(request: web.Request) -> web.Response:
        response = web.Response(text=TEXT)
        response.enable_compression(web.ContentCoding.identity)
        return response

    def kept(request: web.Request) -> web.Response:
        return web.Response(text=TEXT, headers={"Cache-Control": "public, No-Transform"})

    for make in (forced, kept):
        async with serving(app_of(make, web.compression_middleware())) as server:
            answer = await server.get("/", BROWSER)
        assert answer.get("Content-Encoding") is None
        assert answer.text == TEXT


async def test_raised_answers_and_clones() -> None:
    def raises(request: web.Request) -> web.Response:
        raise web.HTTPNotFound(text=TEXT)

    @web.middleware
    async def cloning(request: web.Request, handler: Any) -> Any:
        return await handler(request.clone(headers=request.headers))

    async def streams(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(TEXT.encode())
        return response

    for make, status in ((raises, 404), (streams, 200)):
        app = app_of(make, web.compression_middleware(codings=("gzip",)), cloning)
        async with serving(app) as server:
            answer = await server.get("/", BROWSER)
        assert answer.status == status
        assert gzip.decompress(answer.body).decode() == TEXT


async def test_a_stream_under_the_middleware_is_not_held_back() -> None:
    go_on = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(b"{}\n")
        await go_on.wait()
        return response

    async with serving(app_of(stream, web.compression_middleware())) as server:
        connection = await server.connect()
        await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n")
        await connection.receive_head()
        assert make_decoder("br").decode(await read_chunk(connection), 99) == b"{}\n"
        go_on.set()


async def test_files(tmp_path: pathlib.Path) -> None:
    (tmp_path / "page.css").write_text(TEXT)
    (tmp_path / "picture.png").write_bytes(TEXT.encode())
    app = web.Application(middlewares=[web.compression_middleware(codings=("gzip",))])
    app.router.add_static("/", tmp_path)
    async with serving(app) as server:
        for _ in range(3):  # the second time the file is at hand
            plain = await server.get("/page.css")
            assert (plain["Vary"], plain.text) == ("Accept-Encoding", TEXT)
            answer = await server.get("/page.css", BROWSER)
            assert (answer["Vary"], answer["Content-Encoding"]) == ("Accept-Encoding", "gzip")
        assert answer["ETag"].startswith("W/")
        assert gzip.decompress(answer.body).decode() == TEXT
        part = await server.get("/page.css", [*BROWSER, ("Range", "bytes=0-4")])
        assert (part.status, part.text) == (206, TEXT[:5])
        again = await server.get("/page.css", [*BROWSER, ("If-None-Match", answer["ETag"])])
        assert again.status == 304
        head = await server.request("HEAD", "/page.css", BROWSER)
        assert head["Content-Encoding"] == "gzip"
        assert head.get("Content-Length") is None
        picture = await server.get("/picture.png", BROWSER)
        assert picture.get("Content-Encoding") is picture.get("Vary") is None
        assert picture.text == TEXT


@pytest.mark.parametrize("codings", [(), ("lzma",), ("gzip", "identity")])
def test_wrong_settings(codings: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected some of zstd, br, deflate, gzip"):
        web.compression_middleware(codings=codings)
