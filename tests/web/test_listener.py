"""The raw listener on the server's side: what it is told, and when it is told no more."""

import asyncio
import logging
from typing import Any

import pytest

import tercel
from tercel import web
from tests.live import serving
from tests.wspeer import connected
from tests.wsrows import BINARY, CLOSE, PING, PONG, TEXT, frame


class Notes(web.WebSocketListener):
    """Writes down what it is told; echoes messages."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_open(self, transport: web.WebSocketTransport) -> None:
        self.told.append("open")

    def on_text(self, transport: web.WebSocketTransport, data: str) -> None:
        self.told.append(data)
        transport.send_str(data)

    def on_binary(self, transport: web.WebSocketTransport, data: bytes) -> None:
        self.told.append(data)
        transport.send_bytes(data)

    def on_frame(
        self, transport: web.WebSocketTransport, opcode: int, data: bytes, is_final: bool
    ) -> None:
        self.told.append((opcode, data, is_final))

    def on_ping(self, transport: web.WebSocketTransport, data: bytes) -> None:
        self.told.append(("ping", data))
        transport.pong(data)

    def on_pong(self, transport: web.WebSocketTransport, data: bytes) -> None:
        self.told.append(("pong", data))

    def on_writable(self, transport: web.WebSocketTransport) -> None:
        self.told.append("writable")

    def on_close(self, transport: web.WebSocketTransport, code: int, reason: str) -> None:
        self.told.append(("close", code, reason))

    def on_lost(self, transport: web.WebSocketTransport, error: BaseException | None) -> None:
        self.told.append(("lost", error and type(error)))


def site(
    listener: web.WebSocketListener,
    codes: list[int | None] | None = None,
    *,
    frames: bool = False,
    **how: Any,
) -> web.Application:
    """An application whose "/" is listened to; close codes go to `codes`."""

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(**how)
        await socket.prepare(request)
        code = await socket.listen(listener, frames=frames)
        if codes is not None:
            codes.append(code)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def until(happened: Any) -> None:
    while not happened():
        await asyncio.sleep(0.001)


async def test_a_conversation() -> None:
    notes = Notes()
    codes: list[int | None] = []
    async with serving(site(notes, codes)) as server, connected(server.port) as peer:
        peer.send(TEXT, "grüß".encode())
        peer.send(BINARY, b"\x00")
        peer.send(PING, b"p")
        peer.send(PONG, b"unasked")
        peer.send(TEXT, b"in ", fin=False)
        peer.send(0, b"two")
        peer.send(CLOSE, b"\x03\xe9bye")
        assert await peer.read_frame() == (0x81, "grüß".encode())
        assert await peer.read_frame() == (0x82, b"\x00")
        assert await peer.read_frame() == (0x8A, b"p")
        assert await peer.read_frame() == (0x81, b"in two")
        assert await peer.read_frame() == (0x88, b"\x03\xe9")
        assert await peer.read_frame() == (-1, b"")
        await until(lambda: codes)
    assert codes == [1001]
    assert notes.told == [
        "open", "grüß", b"\x00", "in two", ("close", 1001, "bye"), ("lost", None)
    ]  # fmt: skip


async def test_what_comes_in_one_piece_is_answered_in_order() -> None:
    async with serving(site(Notes())) as server, connected(server.port) as peer:
        sizes = [3, 200, 5000, 0, 70_000, 1, 20_000, 2]
        peer.writer.write(b"".join(frame(BINARY, b"x" * size) for size in sizes))
        for size in sizes:
            assert await peer.read_frame() == (0x82, b"x" * size)


async def test_frames_right_behind_the_handshake() -> None:
    from tests.wspeer import handshake

    notes = Notes()
    async with serving(site(notes)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake() + frame(TEXT, b"early") + frame(CLOSE, b"\x03\xe8"))
        rest = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
    assert rest == b"\x81\x05early\x88\x02\x03\xe8"
    assert notes.told == ["open", "early", ("close", 1000, ""), ("lost", None)]


@pytest.mark.parametrize("pieces", [1, 3])
async def test_frame_by_frame(pieces: int) -> None:
    notes = Notes()
    raw = (
        frame(TEXT, b"a\xc3", fin=False)
        + frame(PING, b"between")
        + frame(0, b"\xbc", fin=False)
        + frame(0, b"")
        + frame(BINARY, b"whole")
        + frame(TEXT, b"t")
        + frame(CLOSE, b"\x03\xe8")
    )
    async with serving(site(notes, frames=True)) as server, connected(server.port) as peer:
        size = len(raw) // pieces + 1
        for at in range(0, len(raw), size):
            peer.writer.write(raw[at : at + size])
            await asyncio.sleep(0.01)
        assert await peer.read_frame() == (0x8A, b"between")
        assert await peer.read_frame() == (0x88, b"\x03\xe8")
        await until(lambda: notes.told[-1] == ("lost", None))
    assert notes.told == [
        "open",
        (1, b"a\xc3", False),
        (0, b"\xbc", False),
        (0, b"", True),
        (2, b"whole", True),
        (1, b"t", True),
        ("close", 1000, ""),
        ("lost", None),
    ]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"a\xc3", fin=False) + frame(0, b""), 1007),
        (frame(BINARY, b"x" * 60, fin=False) + frame(0, b"x" * 50), 1009),
        (frame(3, b""), 1002),
    ],
)
@pytest.mark.parametrize("frames", [False, True])
async def test_limits_and_the_protocol_hold(raw: bytes, code: int, frames: bool) -> None:
    notes = Notes()
    codes: list[int | None] = []
    app = site(notes, codes, frames=frames, max_msg_size=100)
    async with serving(app) as server, connected(server.port) as peer:
        peer.writer.write(raw)
        assert await peer.read_frame() == (0x88, code.to_bytes(2, "big"))
        peer.writer.close()
        await until(lambda: codes)
    assert codes == [code]
    assert notes.told[-1] == ("lost", tercel.WebSocketError)


async def test_no_automatic_pong() -> None:
    notes = Notes()
    app = site(notes, autoping=False)
    async with serving(app) as server, connected(server.port) as peer:
        peer.send(PING, b"1")
        peer.send(PONG, b"2")
        assert await peer.read_frame() == (0x8A, b"1")
        await until(lambda: ("pong", b"2") in notes.told)
    assert notes.told[:3] == ["open", ("ping", b"1"), ("pong", b"2")]


@pytest.mark.parametrize("where", ["on_open", "on_text", "on_close", "on_lost"])
async def test_an_exception_of_the_listener(where: str, caplog: pytest.LogCaptureFixture) -> None:
    notes = Notes()
    codes: list[int | None] = []

    def fail(*what: Any) -> None:
        notes.told.append(where)
        raise ZeroDivisionError("the listener's own")

    setattr(notes, where, fail)
    with caplog.at_level(logging.ERROR, "tercel.websocket"):
        async with serving(site(notes, codes)) as server, connected(server.port) as peer:
            peer.send(TEXT, b"first")
            peer.send(TEXT, b"second")
            peer.send(CLOSE, b"\x03\xe8")
            frames = []
            while (found := await peer.read_frame())[0] != -1:
                frames.append(found)
            await until(lambda: codes)
    assert "Error in a WebSocket listener" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert frames[-1] == (0x88, b"\x03\xe8" if where == "on_lost" else b"\x03\xf3")
    if where in ("on_open", "on_text"):
        assert "second" not in notes.told
    assert notes.told.count(where) == 1


async def test_the_peer_vanishes() -> None:
    notes = Notes()
    codes: list[int | None] = []
    async with serving(site(notes, codes)) as server:
        async with connected(server.port) as peer:
            peer.send(TEXT, b"x")
            await peer.read_frame()
            peer.writer.transport.abort()
        await until(lambda: codes)
    assert codes == [1006]
    assert notes.told == ["open", "x", ("lost", tercel.ClientConnectionResetError)]


async def test_closing_from_this_side() -> None:
    class Closing(Notes):
        def on_text(self, transport: web.WebSocketTransport, data: str) -> None:
            self.told.append(data)
            transport.close(4000, "enough")
            transport.close()
            assert transport.closed
            with pytest.raises(tercel.ClientConnectionResetError):
                transport.send_str("too late")

    notes = Closing()
    codes: list[int | None] = []
    async with serving(site(notes, codes)) as server, connected(server.port) as peer:
        peer.send(TEXT, b"x")
        peer.send(TEXT, b"ignored")
        assert await peer.read_frame() == (0x88, (4000).to_bytes(2, "big") + b"enough")
        peer.send(CLOSE, b"\x0f\xa0")
        assert await peer.read_frame() == (-1, b"")
        await until(lambda: codes)
    assert codes == [4000]
    assert notes.told == ["open", "x", ("lost", None)]


async def test_a_peer_that_does_not_close() -> None:
    class Closing(Notes):
        def on_text(self, transport: web.WebSocketTransport, data: str) -> None:
            transport.close()

    notes = Closing()
    codes: list[int | None] = []
    async with serving(site(notes, codes, timeout=0.05)) as server:
        async with connected(server.port) as peer:
            peer.send(TEXT, b"x")
            assert await peer.read_frame() == (0x88, b"\x03\xe8")
            assert await peer.read_frame() == (-1, b"")
            await until(lambda: codes)
    assert codes == [1006]
    assert notes.told == ["open", ("lost", TimeoutError)]


async def test_a_dead_peer_is_noticed() -> None:
    notes = Notes()
    codes: list[int | None] = []
    async with serving(site(notes, codes, heartbeat=0.1)) as server:
        async with connected(server.port) as peer:
            assert await peer.read_frame() == (0x89, b"")
            await until(lambda: codes)
    assert codes == [1006]
    assert notes.told == ["open", ("lost", TimeoutError)]


async def test_a_peer_that_does_not_read_is_not_read_from() -> None:
    notes = Notes()
    seen: list[bool] = []

    class Watch(Notes):
        def on_binary(self, transport: web.WebSocketTransport, data: bytes) -> None:
            self.told.append(len(data))
            seen.append(transport.send_bytes(data))

    notes = Watch()
    async with serving(site(notes, max_msg_size=0)) as server, connected(server.port) as peer:
        raw = frame(BINARY, b"x" * 1_000_000)
        # Where the kernel takes it all, some more will do.
        for _ in range(40):
            peer.writer.write(raw)
            await asyncio.sleep(0.01)
            if False in seen:
                break
        await until(lambda: False in seen)
        count = seen.index(False) + 1
        for _ in range(10):
            await asyncio.sleep(0.01)
            assert len(seen) == count, "delivered although the peer does not read"
        for _ in range(count):
            assert (await peer.read_frame())[0] == 0x82
        await until(lambda: "writable" in notes.told)
        peer.writer.transport.abort()


async def test_pausing() -> None:
    class Pausing(Notes):
        transport: web.WebSocketTransport

        def on_text(self, transport: web.WebSocketTransport, data: str) -> None:
            self.transport = transport
            self.told.append(data)
            if data == "pause":
                transport.pause_reading()

    notes = Pausing()
    async with serving(site(notes)) as server, connected(server.port) as peer:
        peer.send(TEXT, b"pause")
        peer.send(TEXT, b"held")
        await until(lambda: "pause" in notes.told)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert notes.told == ["open", "pause"]
        notes.transport.resume_reading()
        await until(lambda: notes.told[-1] == "held")
        peer.send(TEXT, b"free")
        await until(lambda: notes.told[-1] == "free")


async def test_state_and_every_way_to_send() -> None:
    found: dict[str, Any] = {}

    class Sends(Notes):
        def on_open(self, transport: web.WebSocketTransport) -> None:
            found["socket"] = transport.socket
            found["peer"] = transport.get_extra_info("peername")
            found["none"] = transport.get_extra_info("nothing", "default")
            found["state"] = (transport.closed, transport.close_code, transport.exception())
            found["can"] = transport.can_write
            assert transport.send_str("s")
            assert transport.send_bytes(b"b")
            assert transport.send_bytes(bytearray(b"a"))
            assert transport.send_bytes(memoryview(b"m"))
            assert transport.send_frame(b"t", 1)
            assert transport.ping("p")
            assert transport.pong(b"q")
            for call, kind in (
                (lambda: transport.send_str(b""), TypeError),  # type: ignore[arg-type]
                (lambda: transport.send_bytes(""), TypeError),  # type: ignore[arg-type]
                (lambda: transport.send_frame(b"", 8), ValueError),
                (lambda: transport.ping(b"x" * 126), ValueError),
                (lambda: transport.close(999), ValueError),
                (lambda: transport.close(1000, "x" * 124), ValueError),
            ):
                with pytest.raises(kind):
                    call()
            transport.abort()

    async with serving(site(Sends())) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x81, b"s")
        assert await peer.read_frame() == (0x82, b"b")
        assert await peer.read_frame() == (0x82, b"a")
        assert await peer.read_frame() == (0x82, b"m")
        assert await peer.read_frame() == (0x81, b"t")
        assert await peer.read_frame() == (0x89, b"p")
        assert await peer.read_frame() == (0x8A, b"q")
        assert await peer.read_frame() == (-1, b"")
    assert isinstance(found["socket"], web.WebSocketResponse)
    assert found["peer"][0] == "127.0.0.1"
    assert found["none"] == "default"
    assert found["state"] == (False, None, None)
    assert found["can"]


async def test_compressed() -> None:
    from tercel.wire.ws.connection import Connection
    from tercel.wire.ws.deflate import Deflater, Inflater

    wire = Connection(False, 0, True, Inflater(15, True), Deflater(15, False))
    async with (
        serving(site(Notes())) as server,
        connected(server.port, "Sec-WebSocket-Extensions: permessage-deflate") as peer,
    ):
        for _ in range(3):
            text = "the same words " * 20
            peer.writer.write(wire.encode(TEXT, text.encode(), b"abcd", -1))
            opcode, payload = await peer.read_frame()
            assert opcode == 0xC1
            wire.feed_data(bytes((opcode, len(payload))) + payload)
            assert wire.next_event()[1] == text  # type: ignore[index]


async def test_nobody_reads_beside_a_listener() -> None:
    outcome: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        with pytest.raises(RuntimeError):
            socket.listen(Notes())
        await socket.prepare(request)
        ended = socket.listen(Notes())
        with pytest.raises(RuntimeError):
            await socket.receive()
        with pytest.raises(RuntimeError):
            socket.listen(Notes())
        outcome.append("checked")
        await ended
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    async with serving(app) as server, connected(server.port) as peer:
        peer.send(TEXT, b"x")
        assert await peer.read_frame() == (0x81, b"x")
        peer.send(CLOSE)
        assert await peer.read_frame() == (0x88, b"")
    assert outcome == ["checked"]


async def test_shutdown_closes_with_1001() -> None:
    notes = Notes()
    codes: list[int | None] = []
    app = web.Application()
    sockets = web.WebSocketSet(app)

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets.add(socket)
        codes.append(await socket.listen(notes))
        return socket

    app.router.add_get("/", handler)
    async with serving(app) as server, connected(server.port) as peer:
        await until(lambda: len(sockets))
        assert sockets.broadcast("to all") == 1
        closing = asyncio.ensure_future(server.runner.shutdown())
        assert await peer.read_frame() == (0x81, b"to all")
        assert (await peer.read_frame())[1][:2] == b"\x03\xe9"
        peer.send(CLOSE, b"\x03\xe9")
        await closing
        await until(lambda: codes)
    assert codes == [1001]
    assert notes.told == ["open", ("lost", None)]


async def test_the_handler_is_cancelled() -> None:
    """The connection goes on without its handler only as long as that lasts."""
    notes = Notes()
    tasks: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        tasks.append(asyncio.current_task())
        await socket.listen(notes)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    async with serving(app) as server, connected(server.port) as peer:
        await until(lambda: tasks)
        tasks[0].cancel()
        assert await peer.read_frame() == (-1, b"")
        await until(lambda: len(notes.told) > 1)
    assert notes.told == ["open", ("lost", tercel.ClientConnectionResetError)]
