import array
import asyncio
from typing import Any

import pytest
from multidict import CIMultiDict

from tercel import web
from tests.web.serving import GET, low_server

PIECES = [
    b"abc",
    bytearray(b"abc"),
    memoryview(b"abc"),
    memoryview(array.array("I", range(3))),
    memoryview(b"abcdef")[::2],
    bytes(100_000),
    bytearray(100_000),
    memoryview(array.array("Q", range(20_000))),
]


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: type(piece).__name__)
@pytest.mark.parametrize("framing", ["chunked", "length"])
@pytest.mark.parametrize("last", [False, True])
async def test_every_kind_of_octets_is_framed_by_its_size(
    piece: Any, framing: str, last: bool
) -> None:
    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        if framing == "length":
            response.content_length = 2 * len(bytes(piece))
        await response.prepare(request)
        await response.write(piece)
        if last:
            await response.write_eof(piece)
        else:
            await response.write(piece)
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET + GET)
        for _ in range(2):
            assert (await connection.receive()).body == bytes(piece) * 2


def count_writes(request: Any, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the connection's transport is given, a write each."""
    writes: list[bytes] = []
    transport = request.transport

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(transport, name)

        def write(self, data: bytes) -> None:
            writes.append(data)
            transport.write(data)

    monkeypatch.setattr(request.protocol, "transport", Counting())
    return writes


@pytest.mark.parametrize("size", [100, 4_096, 20_000])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
async def test_pieces_at_hand_leave_in_one_write(
    framing: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[list[bytes]] = []

    async def handler(request: Any) -> web.StreamResponse:
        writes.append(count_writes(request, monkeypatch))
        response = web.StreamResponse()
        if framing == "length":
            response.content_length = 10 * size + 10
        await response.prepare(request)
        for n in range(10):
            await response.write(bytes([65 + n]) * size)
        await response.write_eof(b"0123456789")
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET.replace(b"1.1", b"1.0") if framing == "close" else GET)
        answer = await connection.receive()
        assert answer.body == b"".join(bytes([65 + n]) * size for n in range(10)) + b"0123456789"
    assert len(writes[0]) == 1


async def test_large_pieces_leave_in_few_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[list[bytes]] = []

    async def handler(request: Any) -> web.StreamResponse:
        writes.append(count_writes(request, monkeypatch))
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(8):
            await response.write(bytes(65_536))
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.receive()).body == bytes(8 * 65_536)
    assert sum(map(len, writes[0])) > 8 * 65_536
    assert max(map(len, writes[0])) < 263_000


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("framing", ["chunked", "length", "none"])
async def test_what_waits_leaves_before_the_next_answer(method: str, framing: str) -> None:
    async def handler(request: Any) -> web.StreamResponse:
        if request.path == "/plain":
            return web.Response(text="plain")
        response = web.StreamResponse(status=204 if framing == "none" else 200)
        if framing == "length":
            response.content_length = 3
        await response.prepare(request)
        if framing != "none":
            await response.write(b"one")
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        first = GET.replace(b"GET", method.encode())
        await connection.send((first + GET.replace(b" / ", b" /plain ")) * 3)
        octets = b""
        while octets.count(b"\r\n\r\nplain") < 3:
            octets += await asyncio.wait_for(connection.reader.read(65536), 5)
    answers = octets.split(b"HTTP/1.1 ")[1:]
    assert [b"plain" in answer.partition(b"\r\n\r\n")[2] for answer in answers] == [False, True] * 3


async def test_a_piece_leaves_while_the_handler_waits() -> None:
    gate = asyncio.Event()

    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await gate.wait()
        await response.write(b"second")
        await response.flush()
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.reader.readuntil(b"5\r\nfirst\r\n")).startswith(b"HTTP/1.1 200")
        gate.set()
        assert await connection.reader.readuntil(b"0\r\n\r\n") == b"6\r\nsecond\r\n0\r\n\r\n"


async def test_many_small_pieces_are_not_held_without_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writes: list[bytes] = []

    async def handler(request: Any) -> web.StreamResponse:
        writes[:] = ()
        seen = count_writes(request, monkeypatch)
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 100)
        writes.extend(seen)
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        assert (await connection.receive()).body == b"x" * 100_000
    assert 5 < len(writes) < 10
    assert max(map(len, writes)) < 20_000


async def test_what_a_handler_gives_the_transport_comes_after_what_it_wrote() -> None:
    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        request.transport.write(b"3\r\ntwo\r\n")
        await response.write(b"three")
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET + GET)
        for _ in range(2):
            assert (await connection.receive()).body == b"onetwothree"


async def test_a_buffer_may_be_used_again_after_write() -> None:
    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 3_000_000
        await response.prepare(request)
        buffer = bytearray(300_000)
        for n in range(10):
            buffer[:] = bytes([n]) * 300_000
            request._exchange.write(buffer)
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        body = (await connection.receive()).body
    assert body == b"".join(bytes([n]) * 300_000 for n in range(10))


async def run(look: Any, data: bytes = GET) -> bytes:
    """What goes over the wire for what `look(exchange)` does, then the connection ends."""

    async def handler(request: Any) -> web.StreamResponse:
        exchange = request._exchange
        look(exchange)
        exchange.keep_alive = False
        if not exchange.finished:
            exchange.finish()
        response = web.StreamResponse()
        response._exchange = exchange
        response._eof_sent = True
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(data)
        return await connection.receive_raw()


async def test_head_and_first_piece_leave_together() -> None:
    def look(exchange: Any) -> None:
        exchange.start(200, "OK", CIMultiDict({"Content-Length": "3"}), 3, False)
        assert not exchange.head_sent
        exchange.write(b"abc")
        assert exchange.head_sent
        assert exchange.body_bytes_sent == 3

    assert await run(look) == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


async def test_more_than_announced_is_refused() -> None:
    def look(exchange: Any) -> None:
        exchange.start(200, "OK", CIMultiDict({"Content-Length": "3"}), 3, False)
        exchange.write(b"ab")
        with pytest.raises(RuntimeError):
            exchange.write(b"cd")
        exchange.write(b"c")
        exchange.finish()
        with pytest.raises(RuntimeError):
            exchange.write(b"d")

    assert (await run(look)).endswith(b"\r\n\r\nabc")


async def test_less_than_announced_ends_the_connection() -> None:
    async def handler(request: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 10
        await response.prepare(request)
        await response.write(b"abc")
        return response

    async with low_server(handler) as low:
        answer = await low.ask(GET + GET)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"\r\n\r\nabc")


@pytest.mark.parametrize("octet", ["\r", "\n", "\x00"])
async def test_no_injection(octet: str) -> None:
    def look(exchange: Any) -> None:
        for reason, fields in (
            (f"O{octet}K", {}),
            ("OK", {"A": f"b{octet}c"}),
            ("OK", {f"A{octet}": "b"}),
        ):
            with pytest.raises(ValueError, match=r"\w"):
                exchange.start(200, reason, CIMultiDict(fields), 0, False)
            with pytest.raises(ValueError, match=r"\w"):
                exchange.respond(200, reason, CIMultiDict(fields), b"")
        assert not exchange.head_sent
        exchange.start(204, "No Content", CIMultiDict(), 0, False)

    assert await run(look) == b"HTTP/1.1 204 No Content\r\n\r\n"


async def test_interim_answers() -> None:
    def look(exchange: Any) -> None:
        exchange.send_informational(103, CIMultiDict({"Link": "</a>; rel=preload"}))
        with pytest.raises(ValueError, match="101"):
            exchange.send_informational(101)
        exchange.start(204, "No Content", CIMultiDict(), 0, False)
        with pytest.raises(RuntimeError):
            exchange.send_informational(100)

    answer = await run(look)
    assert answer.startswith(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 204"
    )


async def test_no_interim_answer_for_http_1_0() -> None:
    def look(exchange: Any) -> None:
        exchange.send_informational(100)
        exchange.start(204, "No Content", CIMultiDict(), 0, False)

    assert (await run(look, b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 204")


async def test_a_write_to_a_peer_that_is_gone_raises() -> None:
    errors: list[BaseException] = []
    gone = asyncio.Event()

    async def handler(request: Any) -> web.StreamResponse:
        await request.wait_for_disconnection()
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            await response.write(b"abc")
        except ConnectionResetError as error:
            errors.append(error)
        gone.set()
        return response

    async with low_server(handler) as low:
        connection = await low.connect()
        await connection.send(GET)
        await asyncio.sleep(0.02)
        connection.abort()
        await gone.wait()
    assert len(errors) == 1
