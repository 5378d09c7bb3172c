"""The client's WebSocket: against our own server, and against peers that say what a test wants."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import tercel
from tercel import WSMsgType, web
from tests.client.peer import serving_peer
from tests.live import serving
from tests.wspeer import RawClient, accept
from tests.wsrows import CLOSE, PING, PONG, TEXT, frame

Play = Callable[[RawClient], Awaitable[Any]]


class RawServer(RawClient):
    """The server's end of a WebSocket, frame by frame; what it reads is unmasked."""

    fields: dict[str, str]

    def send(self, opcode: int, payload: bytes = b"", **how: Any) -> None:
        self.writer.write(frame(opcode, payload, key=None, **how))

    async def read_frame(self) -> tuple[int, bytes]:
        try:
            first, size = await self.reader.readexactly(2)
            assert size >= 128, "a client must mask"
            size &= 127
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            key = await self.reader.readexactly(4)
            payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return -1, b""
        return first, bytes(octet ^ key[i & 3] for i, octet in enumerate(payload))


@asynccontextmanager
async def raw_server(play: Play, *fields: str) -> AsyncIterator[str]:
    """A server that shakes hands and then plays; its URL."""

    async def serve(peer: Any, reader: Any, writer: Any) -> None:
        end = RawServer(reader, writer)
        end.fields = await accept(reader, writer, *fields)
        await play(end)

    async with serving_peer(serve) as peer:
        yield peer.url


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=("chat",))
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            if message.data == "close":
                await socket.close(code=4000, message="as asked")
            else:
                await socket.send_str(message.data + "/answer")
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", echo)
    async with serving(app) as server:
        yield f"ws://127.0.0.1:{server.port}/"


async def test_echo() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert not socket.closed
            assert socket.protocol is None
            assert socket.close_code is None
            await socket.send_str("grüß")
            await socket.send_bytes(b"\x00" * 70_000)
            await socket.send_json([1])
            assert await socket.receive_str() == "grüß/answer"
            assert await socket.receive_bytes() == b"\x00" * 70_000
            assert await socket.receive_str() == "[1]/answer"
        assert socket.closed
        assert socket.close_code == 1000


async def test_as_documented() -> None:
    seen = []
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            await socket.send_str("one")
            async for message in socket:
                seen.append(message.data)
                await socket.send_str("close")
        assert socket.close_code == 4000
    assert seen == ["one/answer"]


async def test_awaited_instead_of_entered() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        socket = await session.ws_connect(url, protocols=("x", "chat"), origin="http://o.example")
        assert socket.protocol == "chat"
        assert socket.get_extra_info("peername")[0] == "127.0.0.1"
        assert await socket.close(code=1001, message="bye")
        assert not await socket.close()
        with pytest.raises(tercel.ClientConnectionResetError):
            await socket.send_str("x")
        assert (await socket.receive()).type is WSMsgType.CLOSED


async def test_what_the_handshake_says() -> None:
    said: list[dict[str, str]] = []

    async def play(end: Any) -> None:
        said.append(end.fields)
        end.send(CLOSE)
        await end.reader.read()

    async with raw_server(play) as url, tercel.ClientSession(headers={"X-Own": "1"}) as session:
        async with session.ws_connect(
            url,
            protocols=("a", "b"),
            origin="http://o.example",
            headers={"X-More": "2", "Sec-WebSocket-Key": "mine"},
            compress=12,
        ):
            pass
    fields = said[0]
    assert fields["Upgrade"] == "websocket"
    assert fields["Connection"] == "Upgrade"
    assert fields["Sec-WebSocket-Version"] == "13"
    assert fields["Sec-WebSocket-Key"] != "mine"
    assert fields["Sec-WebSocket-Protocol"] == "a,b"
    assert fields["Origin"] == "http://o.example"
    assert (fields["X-Own"], fields["X-More"]) == ("1", "2")
    assert "server_max_window_bits=12" in fields["Sec-WebSocket-Extensions"]


async def test_frames_are_masked_with_a_key_of_their_own() -> None:
    keys: list[bytes] = []

    async def play(end: Any) -> None:
        for _ in range(20):
            head = await end.reader.readexactly(6)
            assert head[1] & 128
            keys.append(head[2:])
            await end.reader.readexactly(head[1] & 127)

    async with raw_server(play) as url, tercel.ClientSession() as session:
        socket = await session.ws_connect(url)
        for _ in range(20):
            await socket.send_str("the same")
        while len(keys) < 20:
            await asyncio.sleep(0.001)
        await socket.close()
    assert len(set(keys)) == 20


@pytest.mark.parametrize("level", [9, 12, 15])
async def test_compressed_both_ways(level: int) -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url, compress=level) as socket:
            assert socket.compress == 15
            assert socket.client_notakeover
            for text in ("", "hello " * 200, "hello " * 200, "ü" * 5000):
                await socket.send_str(text)
                assert await socket.receive_str() == text + "/answer"


async def test_the_servers_windows_are_kept_to() -> None:
    async def play(end: Any) -> None:
        first, _ = await end.read_frame()
        assert first == 0xC1
        end.send(CLOSE, b"\x03\xe8")
        await end.reader.read()

    chosen = (
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10; "
        "client_no_context_takeover"
    )
    async with raw_server(play, chosen) as url, tercel.ClientSession() as session:
        async with session.ws_connect(url, compress=15) as socket:
            assert socket.compress == 10
            assert socket.client_notakeover
            await socket.send_str("x" * 50)
            assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_a_window_that_zlib_can_not_write() -> None:
    async def play(end: Any) -> None:
        assert await end.read_frame() == (0x81, b"x" * 50)
        end.send(CLOSE, b"\x03\xe8")
        await end.reader.read()

    chosen = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8"
    async with raw_server(play, chosen) as url, tercel.ClientSession() as session:
        async with session.ws_connect(url, compress=15) as socket:
            await socket.send_str("x" * 50)
            assert (await socket.receive()).type is WSMsgType.CLOSE


@pytest.mark.parametrize("compress", [True, 1, 8, 16, -1])
async def test_windows_that_can_not_be_had(compress: int) -> None:
    async with tercel.ClientSession() as session:
        with pytest.raises(ValueError, match="compress"):
            await session.ws_connect("ws://127.0.0.1:1/", compress=compress)


async def test_a_server_that_vanishes() -> None:
    async def play(end: Any) -> None:
        end.send(TEXT, b"last")

    async with raw_server(play) as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert await socket.receive_str() == "last"
            assert (await socket.receive()).type is WSMsgType.CLOSED
            assert socket.close_code == 1006
            assert isinstance(socket.exception(), tercel.ClientConnectionResetError)


async def test_a_server_that_breaks_the_rules() -> None:
    async def play(end: Any) -> None:
        end.writer.write(frame(TEXT, b"masked"))
        assert await end.read_frame() == (0x88, b"\x03\xea")
        await end.reader.read()

    async with raw_server(play) as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            message = await socket.receive()
            assert message.type is WSMsgType.ERROR
            assert message.data.code == 1002
            assert (await socket.receive()).type is WSMsgType.CLOSED


async def test_timeouts() -> None:
    async def play(end: Any) -> None:
        await end.reader.read()

    async with raw_server(play) as url, tercel.ClientSession() as session:
        timeout = tercel.ClientWSTimeout(ws_receive=0.01, ws_close=0.01)
        socket = await session.ws_connect(url, timeout=timeout)
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive()
        assert not socket.closed
        assert await socket.close()
        assert socket.close_code == 1006
        assert isinstance(socket.exception(), TimeoutError)


async def test_timeouts_of_old() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        with pytest.warns(DeprecationWarning, match="ws_close"):
            async with session.ws_connect(url, timeout=3.0):
                pass
        with pytest.warns(DeprecationWarning, match="ws_receive"):
            async with session.ws_connect(url, receive_timeout=0.01) as socket:
                with pytest.raises(asyncio.TimeoutError):
                    await socket.receive()
        async with session.ws_connect(url, timeout=None):
            pass


async def test_the_total_timeout_is_the_handshakes() -> None:
    async with echo_server() as url:
        timeout = tercel.ClientTimeout(total=0.05)
        async with tercel.ClientSession(timeout=timeout) as session:
            async with session.ws_connect(url) as socket:
                await asyncio.sleep(0.1)
                await socket.send_str("still")
                assert await socket.receive_str() == "still/answer"


async def test_a_silent_socket_outlives_sock_read() -> None:
    async with echo_server() as url:
        timeout = tercel.ClientTimeout(sock_read=0.02)
        async with tercel.ClientSession(timeout=timeout) as session:
            async with session.ws_connect(url) as socket:
                await asyncio.sleep(0.06)
                await socket.send_str("still")
                assert await socket.receive_str() == "still/answer"


async def test_heartbeat() -> None:
    async def play(end: Any) -> None:
        for _ in range(2):
            assert await end.read_frame() == (0x89, b"")
            end.send(PONG)
        await end.reader.read()

    async with raw_server(play) as url, tercel.ClientSession() as session:
        async with session.ws_connect(url, heartbeat=0.02) as socket:
            message = await socket.receive()
            assert message.type is WSMsgType.ERROR
            assert isinstance(message.data, tercel.ServerTimeoutError)
            assert socket.close_code == 1006
            assert socket.closed


async def test_pings() -> None:
    async def play(end: Any) -> None:
        end.send(PING, b"?")
        assert await end.read_frame() == (0x8A, b"?")
        assert await end.read_frame() == (0x89, b"!")
        end.send(PONG, b"!")
        end.send(CLOSE)
        await end.reader.read()

    async with raw_server(play) as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            await asyncio.sleep(0.01)
            await socket.ping(b"!")
            assert (await socket.receive()) == (WSMsgType.CLOSE, 0, "")


async def test_connections_of_sockets_are_not_used_again() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        for _ in range(3):
            async with session.ws_connect(url) as socket:
                await socket.send_str("x")
                assert await socket.receive_str() == "x/answer"
        connector: Any = session.connector
        while connector._live:
            await asyncio.sleep(0.001)


async def test_the_limit_of_connections_counts_open_sockets() -> None:
    connector = tercel.TCPConnector(limit=1)
    async with echo_server() as url, tercel.ClientSession(connector=connector) as session:
        first = await session.ws_connect(url)
        second = asyncio.ensure_future(session.ws_connect(url))
        await asyncio.sleep(0.02)
        assert not second.done()
        await first.close()
        socket = await second
        await socket.close()


async def test_closing_the_session_closes_its_sockets() -> None:
    async with echo_server() as url:
        session = tercel.ClientSession()
        socket = await session.ws_connect(url)
        reading = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        await session.close()
        assert (await reading).type is WSMsgType.CLOSED
        assert socket.close_code == 1006


async def test_an_open_socket_survives_the_collector() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            gc.collect()
            await socket.send_str("x")
            assert await socket.receive_str() == "x/answer"


async def test_a_handshake_that_is_cancelled_leaves_nothing() -> None:
    asked = asyncio.Event()

    async def serve(peer: Any, reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        assert not await reader.read()

    async with serving_peer(serve) as peer, tercel.ClientSession() as session:
        connecting = asyncio.ensure_future(session.ws_connect(peer.url))
        await asyncio.wait_for(asked.wait(), 10)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        while peer.open_connections:
            await asyncio.sleep(0.001)


async def test_a_reader_that_is_cancelled_may_read_again() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            reading = asyncio.create_task(socket.receive())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await socket.send_str("x")
            assert await socket.receive_str() == "x/answer"


async def test_a_class_of_ones_own() -> None:
    class Socket(tercel.ClientWebSocketResponse):
        async def hello(self) -> str:
            await self.send_str("hello")
            return await self.receive_str()

    async with echo_server() as url:
        async with tercel.ClientSession(ws_response_class=Socket) as session:
            async with session.ws_connect(url) as socket:
                assert isinstance(socket, Socket)
                assert await socket.hello() == "hello/answer"


async def test_text_as_bytes() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url, decode_text=False) as socket:
            await socket.send_str("x")
            assert await socket.receive() == (WSMsgType.TEXT, b"x/answer", "")


async def test_max_msg_size() -> None:
    async with echo_server() as url, tercel.ClientSession() as session:
        async with session.ws_connect(url, max_msg_size=10) as socket:
            await socket.send_bytes(b"x" * 10)
            assert await socket.receive_bytes() == b"x" * 10
            await socket.send_bytes(b"x" * 11)
            message = await socket.receive()
            assert message.type is WSMsgType.ERROR
            assert message.data.code == 1009
