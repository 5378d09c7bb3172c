"""Family 24: the limits of a form count all of its fields together, urlencoded forms included."""

import pytest

from tercel import web
from tests.live import serving

MULTIPART = [("Content-Type", "multipart/form-data; boundary=b")]
URLENCODED = [("Content-Type", "application/x-www-form-urlencoded")]
FIELD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n'


def multipart(count: int, size: int) -> bytes:
    return FIELD % (b"x" * size) * count + b"--b--"


def urlencoded(count: int, size: int) -> bytes:
    return b"&".join([b"a=" + b"x" * size] * count)


async def status_of(body: bytes, headers: list[tuple[str, str]], chunked: bool) -> int:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.post())))

    app = web.Application(client_max_size=10_000, client_max_fields=20)
    app.router.add_post("/", handler)
    if chunked:
        headers = [*headers, ("Transfer-Encoding", "chunked")]
        pieces = [body[i : i + 700] for i in range(0, len(body), 700)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    async with serving(app) as server:
        return (await server.post("/", body, headers)).status


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
async def test_fields(kind: str, chunked: bool) -> None:
    build, headers = (multipart, MULTIPART) if kind == "multipart" else (urlencoded, URLENCODED)
    assert await status_of(build(20, 1), headers, chunked) == 200
    assert await status_of(build(21, 1), headers, chunked) == 413


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
async def test_sizes_add_up(kind: str, chunked: bool) -> None:
    build, headers = (multipart, MULTIPART) if kind == "multipart" else (urlencoded, URLENCODED)
    whole = build(10, 900)
    assert await status_of(whole, headers, chunked) == 200
    assert await status_of(build(10, 1000), headers, chunked) == 413


@pytest.mark.parametrize("chunked", [False, True])
async def test_heads_preamble_and_epilogue_count(chunked: bool) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\nX: %s\r\n\r\n1\r\n' % (b"x" * 1000)
    assert await status_of(part * 9 + b"--b--", MULTIPART, chunked) == 200
    assert await status_of(part * 10 + b"--b--", MULTIPART, chunked) == 413
    assert await status_of(b"x" * 10_000 + b"\r\n--b--", MULTIPART, chunked) == 413
    assert await status_of(b"--b--" + b"x" * 10_000, MULTIPART, chunked) == 413


async def test_empty_fields_count() -> None:
    assert await status_of(b"&" * 19, URLENCODED, False) == 200
    assert await status_of(b"&" * 20, URLENCODED, False) == 413
