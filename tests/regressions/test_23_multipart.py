"""Family 23: multipart bodies that want more work or memory than they are long [CVE-2024-30251].

Parts, heads, depth, preamble, epilogue, boundary; truncated input must end in an error each time it
is read, and never spin. tests/content/test_multipart.py runs the same under `python -O`.
"""

import asyncio
from typing import Any

import pytest

from tercel.content.multipart import BadMultipart, MultipartReader
from tercel.net.streams import StreamReader
from tercel.wire.encoders import make_encoder
from tercel.wire.errors import BadMessage
from tercel.wire.limits import DEFAULT_MULTIPART_LIMITS as LIMITS
from tercel.wire.multipart import MultipartParser

TYPE = {"Content-Type": "multipart/mixed; boundary=b"}
PART = b"--b\r\n\r\n\r\n"


def reader_of(raw: bytes, content_type: str = "multipart/mixed; boundary=b") -> MultipartReader:
    stream = StreamReader()
    stream.feed_data(raw)
    stream.feed_eof()
    return MultipartReader({"Content-Type": content_type}, stream)


async def read(raw: bytes) -> int:
    reader = reader_of(raw)
    count = 0
    while (part := await reader.next()) is not None:
        await part.read()
        count += 1
    return count


CUT = [
    b"",
    b"\r\n",
    b"--",
    b"--b",
    b"--b\r",
    b"--b\r\n",
    b"--b\r\n\r\n",
    b"--b\r\nA: 1",
    b"--b\r\nA: 1\r\n\r\nx",
    PART,
    PART[:-1],
    PART + b"--b",
    PART + b"--b-",
    PART * 3 + b"--b ",
]


@pytest.mark.parametrize("raw", CUT)
@pytest.mark.parametrize("times", [1, 3])
async def test_truncated(raw: bytes, times: int) -> None:
    reader = reader_of(raw)
    async with asyncio.timeout(30):
        for _ in range(times):
            with pytest.raises(ValueError, match="ended"):
                while (part := await reader.next()) is not None:
                    await part.read()
            with pytest.raises(ValueError, match="ended"):
                await reader.release()


LIMITED: dict[str, tuple[Any, int]] = {
    "preamble": (lambda n: b"x" * n + b"\r\n--b--", LIMITS.max_preamble),
    "head fields": (lambda n: b"--b\r\n" + b"A: 1\r\n" * n + b"\r\n\r\n--b--", LIMITS.max_headers),
    "field": (
        lambda n: b"--b\r\nA:" + b"x" * (n - 2) + b"\r\n\r\n\r\n--b--",
        LIMITS.max_field_size,
    ),
    "padding": (lambda n: b"--b" + b" " * n + b"\r\n\r\n\r\n--b--", LIMITS.max_padding),
}


@pytest.mark.parametrize("what", LIMITED)
async def test_limits(what: str) -> None:
    build, limit = LIMITED[what]
    await read(build(limit))
    with pytest.raises(BadMultipart):
        await read(build(limit + 1))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_part_that_is_a_bomb(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Family 22 within family 23: the coding of one part, whichever way it is read."""
    monkeypatch.setattr("tercel.content.parts.FREE_INFLATION", 2**20)
    monkeypatch.setattr("tercel.content.parts.MAX_INFLATION", 20)
    encoder = make_encoder(coding)
    bomb = encoder.encode(bytes(2**24)) + encoder.finish()
    raw = b"--b\r\nContent-Encoding: %b\r\n\r\n%b\r\n--b--" % (coding.encode(), bomb)
    readers: list[Any] = [
        lambda part: part.text(),
        lambda part: part.json(),
        lambda part: part.form(),
        lambda part: part.read(decode=True),
    ]
    for read_part in readers:
        with pytest.raises(BadMessage, match="beyond 1048576 bytes"):
            await read_part(await reader_of(raw).next())
    part = await reader_of(raw).next()
    data = await part.read()
    with pytest.raises(BadMessage, match="beyond 1048576 bytes"):
        part.decode(data)
    taken = 0
    with pytest.raises(BadMessage, match="beyond 1048576 bytes"):
        async for piece in part.decode_iter(data):
            taken += len(piece)
    assert taken <= 2**20 + 2**18


async def test_boundary() -> None:
    assert (
        await reader_of(b"--%s--" % (b"x" * 70), f"multipart/x; boundary={'x' * 70}").next() is None
    )
    with pytest.raises(BadMultipart, match="boundary"):
        reader_of(b"", f"multipart/x; boundary={'x' * 71}")


async def test_epilogue_is_not_held() -> None:
    parser = MultipartParser(b"b")
    parser.feed_data(b"--b--" + b"x" * 100)
    while parser.next_event() is not None:
        pass
    for _ in range(100):
        parser.feed_data(b"--b\r\n" * 20_000)
        assert parser.next_event() is None


async def test_many_parts_are_linear() -> None:
    assert await read(PART * 100_000 + b"--b--") == 100_000


@pytest.mark.parametrize(
    "piece", [b"\r", b"\n", b"\r\n", b"\r\n-", b"\r\n--", b"-", b"\r\n--c", b" ", b"x"]
)
@pytest.mark.parametrize("size", [1, 65_536])
def test_content_is_linear(piece: bytes, size: int) -> None:
    # A quadratic reader would run into the timeout.
    raw = b"--b\r\n\r\n" + piece * (200_000 // len(piece)) + b"\r\n--b--"
    parser = MultipartParser(b"b")
    taken = 0
    for start in range(0, len(raw), size):
        parser.feed_data(raw[start : start + size])
        while (event := parser.next_event()) is not None:
            if isinstance(event, bytes):
                taken += len(event)
    assert parser.is_done
    assert taken == len(raw) - len(b"--b\r\n\r\n\r\n--b--")


def test_long_boundary_of_one_octet() -> None:
    boundary = b"-" * 70
    raw = b"--%s\r\n\r\n" % boundary + b"\r\n-" * 100_000 + b"-" * 60 + b"\r\n--%s--" % boundary
    parser = MultipartParser(boundary)
    parser.feed_data(raw)
    while parser.next_event() is not None:
        pass
    assert parser.is_done
