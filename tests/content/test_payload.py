"""Payloads: what they say of themselves, what they write, when they can be written again."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tercel.content.payload import (
    PAYLOAD_REGISTRY,
    AsyncIterablePayload,
    BufferedReaderPayload,
    BytesIOPayload,
    BytesPayload,
    JsonPayload,
    Order,
    Payload,
    PayloadLookupError,
    PayloadRegistry,
    StreamReaderPayload,
    StringIOPayload,
    StringPayload,
    TextIOPayload,
    get_payload,
)
from tercel.content.streamer import streamer
from tercel.net.streams import StreamReader


class Written:
    """A body writer that keeps its pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, chunk: Any) -> None:
        self.pieces.append(bytes(chunk))

    @property
    def octets(self) -> bytes:
        return b"".join(self.pieces)


async def written(payload: Payload, length: int | None = None) -> bytes:
    target = Written()
    if length is None:
        await payload.write(target)
    else:
        await payload.write_with_length(target, length)
    return target.octets


KINDS = [
    (b"abc", BytesPayload, 3, "application/octet-stream", b"abc"),
    (bytearray(b"abc"), BytesPayload, 3, "application/octet-stream", b"abc"),
    (memoryview(b"abcdef")[::1], BytesPayload, 6, "application/octet-stream", b"abcdef"),
    ("é", StringPayload, 2, "text/plain; charset=utf-8", "é".encode()),
    (io.StringIO("é"), StringIOPayload, 2, "text/plain; charset=utf-8", "é".encode()),
    (io.BytesIO(b"abc"), BytesIOPayload, 3, "application/octet-stream", b"abc"),
]


@pytest.mark.parametrize(("value", "kind", "size", "content_type", "octets"), KINDS)
async def test_kinds(value: Any, kind: type, size: int, content_type: str, octets: bytes) -> None:
    payload = get_payload(value)
    assert type(payload) is kind
    assert payload.size == size
    assert payload.content_type == content_type
    assert payload.headers["Content-Type"] == content_type
    assert payload.decode() == octets.decode()
    assert await written(payload) == octets
    assert await written(payload, 1) == octets[:1]
    assert await payload.as_bytes() == octets
    assert not payload.consumed
    await payload.close()


def test_wide_memoryview_counts_octets() -> None:
    assert get_payload(memoryview(b"abcdefgh").cast("I")).size == 8


def test_headers_and_content_type() -> None:
    payload = BytesPayload(b"x", content_type="a/b", headers={"X": "y"})
    assert dict(payload.headers) == {"Content-Type": "a/b", "X": "y"}
    assert BytesPayload(b"x", headers={"content-type": "c/d"}).content_type == "c/d"
    assert BytesPayload(b"x", filename="q.png").content_type == "image/png"


def test_charsets() -> None:
    assert StringPayload("é", encoding="latin-1")._value == b"\xe9"
    assert StringPayload("é", encoding="latin-1").content_type == "text/plain; charset=latin-1"
    assert StringPayload("é", content_type="text/x; charset=latin-1")._value == b"\xe9"
    assert StringPayload("é", content_type="text/x")._value == "é".encode()


def test_json() -> None:
    payload = JsonPayload({"a": 1})
    assert payload.decode() == '{"a": 1}'
    assert payload.content_type == "application/json"
    assert JsonPayload(1, dumps=lambda _: "two").decode() == "two"


def test_wrong_values() -> None:
    with pytest.raises(TypeError):
        BytesPayload("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        AsyncIterablePayload([b"a"])  # type: ignore[arg-type]
    with pytest.raises(PayloadLookupError):
        get_payload(5)


async def test_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"abc" * 200_000)
    file = path.open("rb")
    file.seek(3)
    payload = get_payload(file, disposition=None)
    assert type(payload) is BufferedReaderPayload
    assert (payload.size, payload.filename) == (599_997, "page.html")
    assert payload.content_type == "text/html"
    target = Written()
    await payload.write(target)
    assert target.octets == path.read_bytes()[3:]
    assert len(target.pieces) > 1
    assert await written(payload, 5) == b"abcab"
    assert await payload.as_bytes() == path.read_bytes()[3:]
    assert payload.size == 599_997
    assert not payload.consumed
    await payload.close()
    assert file.closed
    await payload.close()


async def test_text_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes("é\r\nb".encode())
    payload = get_payload(path.open(encoding="utf-8"), disposition=None)
    assert type(payload) is TextIOPayload
    assert payload.size is None
    assert await written(payload) == "é\nb".encode()
    await payload.close()


async def test_pipe_is_written_once() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"through a pipe")
    os.close(write_end)
    payload = get_payload(os.fdopen(read_end, "rb"))
    assert payload.size is None
    assert not payload.consumed
    assert await written(payload) == b"through a pipe"
    assert payload.consumed
    with pytest.raises(ValueError, match="sent before"):
        await written(payload)
    await payload.close()


async def test_bytesio_from_its_position_and_open_afterwards() -> None:
    value = io.BytesIO(b"abcdef")
    value.read(2)
    payload = get_payload(value)
    assert payload.size == 4
    for _ in range(2):
        assert await written(payload) == b"cdef"
    await payload.close()
    assert not value.closed


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    await asyncio.sleep(0)
    yield b"two"


async def test_async_iterable() -> None:
    payload = get_payload(pieces())
    assert type(payload) is AsyncIterablePayload
    assert payload.size is None
    assert not payload.consumed
    assert await written(payload) == b"onetwo"
    assert payload.consumed
    with pytest.raises(ValueError, match="sent before"):
        await written(payload)
    with pytest.raises(TypeError):
        payload.decode()


async def test_async_iterable_is_cut_and_closed() -> None:
    closed = False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            while True:
                yield b"xxx"
        finally:
            closed = True

    assert await written(get_payload(endless()), 7) == b"xxxxxxx"
    assert closed


async def test_async_iterable_as_bytes_can_still_be_written() -> None:
    payload = get_payload(pieces())
    assert await payload.as_bytes() == b"onetwo"
    assert await written(payload) == b"onetwo"


async def test_stream_reader() -> None:
    stream = StreamReader()
    stream.feed_data(b"abc")
    stream.feed_eof()
    payload = get_payload(stream)
    assert type(payload) is StreamReaderPayload
    assert await written(payload) == b"abc"


async def test_streamers_of_old() -> None:
    with pytest.warns(DeprecationWarning):

        @streamer
        def file_sender(writer, content=None):  # type: ignore[no-untyped-def]
            for _ in range(2):
                yield from writer.write(content)

    with pytest.warns(DeprecationWarning):

        @streamer
        async def plain(writer):  # type: ignore[no-untyped-def]
            await writer.write(b"plain")

    payload = get_payload(file_sender(content=b"ab"))
    assert await written(payload) == b"abab"
    assert await written(payload, 3) == b"aba"
    assert await payload.as_bytes() == b"abab"
    assert await written(get_payload(plain)) == b"plain"


def test_registry_order() -> None:
    class Own(bytes):
        pass

    class First(BytesPayload):
        pass

    class Last(BytesPayload):
        pass

    registry = PayloadRegistry()
    registry.register(BytesPayload, bytes)
    registry.register(Last, Own, order=Order.try_last)
    assert type(registry.get(Own())) is BytesPayload
    registry.register(First, bytes, order=Order.try_first)
    assert type(registry.get(Own())) is First
    assert type(registry.get(b"")) is First
    same = registry.get(b"")
    assert registry.get(same) is same


def test_later_and_nearer_registrations_win() -> None:
    class Own(bytes):
        pass

    class One(BytesPayload):
        pass

    class Two(BytesPayload):
        pass

    registry = PayloadRegistry()
    registry.register(One, Own)
    registry.register(Two, bytes)
    assert type(registry.get(Own())) is One
    registry.register(Two, Own)
    assert type(registry.get(Own())) is Two


def test_registry_is_public() -> None:
    assert isinstance(PAYLOAD_REGISTRY, PayloadRegistry)
