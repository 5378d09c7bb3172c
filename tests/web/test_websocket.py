"""The server's WebSocket, seen by a peer that says exactly what the test wants."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import tercel
from tercel import WSMsgType, web
from tests.live import serving
from tests.wspeer import connected
from tests.wsrows import BINARY, CLOSE, PING, PONG, TEXT, frame

Play = Callable[[web.WebSocketResponse], Awaitable[Any]]


def site(play: Play, ended: list[Any] | None = None, **how: Any) -> web.Application:
    """An application whose "/" is a WebSocket; what `play` returns or raises goes to `ended`."""

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(**how)
        await socket.prepare(request)
        try:
            result = await play(socket)
        except BaseException as error:
            if ended is not None:
                ended.append(error)
            raise
        if ended is not None:
            ended.append(result)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def echo(socket: web.WebSocketResponse) -> web.WebSocketResponse:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def until(happened: Callable[[], object]) -> None:
    while not happened():
        await asyncio.sleep(0.001)


async def test_echo() -> None:
    ended: list[Any] = []
    async with serving(site(echo, ended)) as server, connected(server.port) as peer:
        peer.send(TEXT, "grüß".encode())
        peer.send(BINARY, b"\x00\xff")
        assert await peer.read_frame() == (0x81, "grüß".encode())
        assert await peer.read_frame() == (0x82, b"\x00\xff")
        peer.send(CLOSE, b"\x03\xe9bye")
        assert await peer.read_frame() == (0x88, b"\x03\xe9")
        assert await peer.read_frame() == (-1, b"")
    socket = ended[0]
    assert socket.closed
    assert socket.close_code == 1001
    assert socket.exception() is None


def fields_of(head: bytes) -> list[tuple[str, str]]:
    """The fields of a head, names in lower case."""
    lines = head.decode().split("\r\n")[1:-2]
    return [(name.lower(), value) for name, value in (line.split(": ", 1) for line in lines)]


@pytest.mark.parametrize("given", [{}, {"Content-Type": "text/plain"}])
async def test_headers_stay_what_was_sent(given: dict[str, str]) -> None:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["chat"])
        socket.headers.update(given)
        socket.headers.add("X-Two", "a")
        socket.headers.add("X-Two", "b")
        socket.set_cookie("id", "7")
        await socket.prepare(request)
        for _ in range(2):
            seen.append([(name.lower(), value) for name, value in socket.headers.items()])
        assert socket.headers.getall("x-two") == ["a", "b"]
        assert socket.headers is socket.headers
        socket.headers["X-Late"] = "1"
        assert socket.headers["x-late"] == "1"
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    async with (
        serving(app) as server,
        connected(server.port, "Sec-WebSocket-Protocol: chat") as peer,
    ):
        assert await peer.read_frame() == (0x88, b"\x03\xe8")
        assert seen == [fields_of(peer.head)] * 2
        assert dict(seen[0])["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def test_code_of_old_does_not_await_what_it_sends() -> None:
    async def play(socket: Any) -> None:
        async for message in socket:
            if message.type == web.MsgType.text:
                socket.send_str(f"Hello, {message.data}")
            elif message.type == web.MsgType.binary:
                socket.send_bytes(message.data)
            elif message.type == web.MsgType.close:
                break

    async with serving(site(play)) as server, connected(server.port) as peer:
        peer.send(TEXT, b"you")
        peer.send(BINARY, b"b")
        assert await peer.read_frame() == (0x81, b"Hello, you")
        assert await peer.read_frame() == (0x82, b"b")


async def test_before_prepare() -> None:
    socket = web.WebSocketResponse()
    assert not socket.prepared
    assert not socket.closed
    assert socket.close_code is None
    assert socket.ws_protocol is None
    assert socket.exception() is None
    assert socket.get_extra_info("peername", "none") == "none"
    for call in (
        lambda: socket.send_str("x"),
        lambda: socket.send_bytes(b"x"),
        lambda: socket.send_json({}),
        lambda: socket.send_json_bytes({}, dumps=lambda _: b""),
        lambda: socket.send_frame(b"", WSMsgType.TEXT),
        lambda: socket.ping(),
        lambda: socket.pong(),
        lambda: socket.receive(),
        lambda: socket.receive_str(),
        lambda: socket.close(),
        lambda: socket.write_eof(),
    ):
        with pytest.raises(RuntimeError):
            await call()
    with pytest.raises(RuntimeError):
        await socket.write(b"x")


async def test_every_way_to_send() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_str("s")
        await socket.send_bytes(b"b")
        await socket.send_bytes(bytearray(b"a"))
        await socket.send_bytes(memoryview(b"m"))
        await socket.send_json({"k": [1]})
        await socket.send_json([2], dumps=lambda value: json.dumps(value) + " ")
        await socket.send_json_bytes({"k": 3}, dumps=lambda value: json.dumps(value).encode())
        await socket.send_frame(b"f", WSMsgType.TEXT)
        await socket.send_frame(b"g", WSMsgType.BINARY)
        await socket.ping(b"i")
        await socket.ping("ï")
        await socket.pong(b"o")
        await socket.send_bytes(b"L" * 100_000)

    async with serving(site(play)) as server, connected(server.port) as peer:
        assert [await peer.read_frame() for _ in range(13)] == [
            (0x81, b"s"),
            (0x82, b"b"),
            (0x82, b"a"),
            (0x82, b"m"),
            (0x81, b'{"k": [1]}'),
            (0x81, b"[2] "),
            (0x82, b'{"k": 3}'),
            (0x81, b"f"),
            (0x82, b"g"),
            (0x89, b"i"),
            (0x89, "ï".encode()),
            (0x8A, b"o"),
            (0x82, b"L" * 100_000),
        ]


async def test_what_can_not_be_sent() -> None:
    wrong: list[tuple[Callable[[Any], Any], type[Exception]]] = [
        (lambda socket: socket.send_str(b"x"), TypeError),
        (lambda socket: socket.send_str("\ud800"), UnicodeEncodeError),
        (lambda socket: socket.send_bytes("x"), TypeError),
        (lambda socket: socket.send_json(object()), TypeError),
        (lambda socket: socket.send_json({}, dumps=lambda _: b"x"), TypeError),
        (lambda socket: socket.send_json_bytes({}, dumps=lambda _: "x"), TypeError),
        (lambda socket: socket.send_frame("x", WSMsgType.TEXT), TypeError),
        (lambda socket: socket.send_frame(b"x", WSMsgType.CONTINUATION), ValueError),
        (lambda socket: socket.send_frame(b"x", WSMsgType.CLOSED), ValueError),
        (lambda socket: socket.ping(b"x" * 126), ValueError),
        (lambda socket: socket.pong(b"x" * 126), ValueError),
        (lambda socket: socket.close(code=1006), ValueError),
        (lambda socket: socket.close(message=b"x" * 124), ValueError),
    ]

    async def play(socket: web.WebSocketResponse) -> None:
        for call, kind in wrong:
            with pytest.raises(kind):
                await call(socket)
        assert not socket.closed
        await socket.send_str("alive")

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x81, b"alive")
    assert ended == [None]


async def test_sending_is_as_good_as_a_coroutine() -> None:
    async def play(socket: web.WebSocketResponse) -> list[Any]:
        await asyncio.create_task(socket.send_str("1"))  # type: ignore[arg-type]
        await asyncio.wait_for(socket.send_str("2"), 5)
        await asyncio.gather(socket.send_str("3"), socket.send_str("4"))
        found = await asyncio.gather(
            socket.send_str(5),  # type: ignore[arg-type]
            socket.send_str("6"),
            return_exceptions=True,
        )
        task = asyncio.create_task(socket.send_str(7))  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            await task
        return found

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        texts = [(await peer.read_frame())[1] for _ in range(5)]
    assert texts == [b"1", b"2", b"3", b"4", b"6"]
    assert isinstance(ended[0][0], TypeError)
    assert ended[0][1] is None


async def test_one_reader_at_a_time() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        first = asyncio.create_task(socket.receive())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="Concurrent call to receive"):
            await socket.receive()
        await socket.send_str("go on")
        return (await first).data

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x81, b"go on")
        peer.send(TEXT, b"x")
        await until(lambda: ended)
    assert ended == ["x"]


async def test_receive_of_a_kind() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        assert await socket.receive_str() == "s"
        assert await socket.receive_bytes() == b"b"
        assert await socket.receive_json() == {"j": 1}
        with pytest.raises(tercel.WSMessageTypeError):
            await socket.receive_str()
        with pytest.raises(TypeError):
            await socket.receive_bytes()
        with pytest.raises(ValueError):
            await socket.receive_json()
        return "done"

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        for opcode, payload in (
            (TEXT, b"s"),
            (BINARY, b"b"),
            (TEXT, b'{"j": 1}'),
            (BINARY, b"no"),
            (TEXT, b"no"),
            (TEXT, b"no json"),
        ):
            peer.send(opcode, payload)
        await until(lambda: ended)
    assert ended == ["done"]


async def test_receive_timeout() -> None:
    async def play(socket: web.WebSocketResponse) -> str:
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive()
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(timeout=0.001)
        assert not socket.closed
        await socket.send_str("now")
        return await socket.receive_str(timeout=30)

    ended: list[Any] = []
    async with serving(site(play, ended, receive_timeout=0.01)) as server:
        async with connected(server.port) as peer:
            assert await peer.read_frame() == (0x81, b"now")
            peer.send(TEXT, b"late")
            await until(lambda: ended)
    assert ended == ["late"]


async def test_pings_are_answered_without_a_reader() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(60)

    async with serving(site(play)) as server, connected(server.port) as peer:
        peer.send(PING, b"1")
        peer.send(PING, b"")
        assert await peer.read_frame() == (0x8A, b"1")
        assert await peer.read_frame() == (0x8A, b"")


async def test_without_autoping() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        return [await socket.receive(), await socket.receive()]

    ended: list[Any] = []
    async with serving(site(play, ended, autoping=False)) as server:
        async with connected(server.port) as peer:
            peer.send(PING, b"i")
            peer.send(PONG, b"o")
            assert await peer.read_frame() == (0x88, b"\x03\xe8")
    assert ended == [[(WSMsgType.PING, b"i", ""), (WSMsgType.PONG, b"o", "")]]


async def test_without_autoclose() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        first = await socket.receive()
        assert first == (WSMsgType.CLOSE, 4000, "why")
        assert socket.closed
        assert (await socket.receive()).type is WSMsgType.CLOSING
        await socket.send_str("last words")
        assert await socket.close(code=4001)
        assert not await socket.close()
        return socket.close_code

    ended: list[Any] = []
    async with serving(site(play, ended, autoclose=False)) as server:
        async with connected(server.port) as peer:
            peer.send(CLOSE, b"\x0f\xa0why")
            assert await peer.read_frame() == (0x81, b"last words")
            assert await peer.read_frame() == (0x88, b"\x0f\xa1")
            assert await peer.read_frame() == (-1, b"")
    assert ended == [4000]


async def test_answers_to_messages_before_the_close_are_sent() -> None:
    async with serving(site(echo)) as server, connected(server.port) as peer:
        for text in (b"1", b"2", b"3"):
            peer.send(TEXT, text)
        peer.send(CLOSE, b"\x03\xe8")
        frames = [await peer.read_frame() for _ in range(4)]
    assert frames == [(0x81, b"1"), (0x81, b"2"), (0x81, b"3"), (0x88, b"\x03\xe8")]


async def test_close_shakes_hands() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        done = await socket.close(code=4002, message="because")
        return done, await socket.close(), socket.close_code, socket.exception()

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x88, b"\x0f\xa2because")
        peer.send(TEXT, b"dropped")
        peer.send(CLOSE, b"\x0f\xa3")
        assert await peer.read_frame() == (-1, b"")
    assert ended == [(True, False, 4003, None)]


async def test_close_has_a_limit() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        done = await socket.close()
        return done, socket.close_code, type(socket.exception())

    ended: list[Any] = []
    async with serving(site(play, ended, timeout=0.01)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x88, b"\x03\xe8")
        assert await peer.read_frame() == (-1, b"")
    assert ended == [(True, 1006, TimeoutError)]


async def test_close_from_another_task_wakes_the_reader() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        closing = asyncio.create_task(socket.close(code=1001))
        kinds = [(await socket.receive()).type]
        assert await closing
        kinds += [(await socket.receive()).type for _ in range(2)]
        with pytest.raises(tercel.ClientConnectionResetError):
            await socket.send_str("too late")
        return kinds

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x88, b"\x03\xe9")
        peer.send(CLOSE, b"\x03\xe9")
        await until(lambda: ended)
    assert ended == [[WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.CLOSED]]


async def test_a_peer_that_vanishes() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        kinds = [(await socket.receive()).type for _ in range(3)]
        with pytest.raises(ConnectionResetError):
            await socket.send_str("anybody?")
        return kinds, socket.close_code, type(socket.exception())

    ended: list[Any] = []
    async with serving(site(play, ended)) as server:
        async with connected(server.port) as peer:
            peer.send(TEXT, b"last")
            peer.writer.write(b"\x81\xfe\x01\x00 half a frame")
            await peer.writer.drain()
            peer.writer.close()
            await until(lambda: ended)
    assert ended[0] == (
        [WSMsgType.TEXT, WSMsgType.CLOSED, WSMsgType.CLOSED],
        1006,
        tercel.ClientConnectionResetError,
    )


async def test_who_asks_again_and_again_after_the_end_is_stopped() -> None:
    async def play(socket: web.WebSocketResponse) -> int:
        count = 0
        with pytest.raises(RuntimeError, match="closed"):
            while True:
                await socket.receive()
                count += 1
        return count

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        peer.send(CLOSE)
        await until(lambda: ended)
    assert ended == [5]


async def test_a_peer_that_breaks_the_rules() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        message = await socket.receive()
        after = await socket.receive()
        return message.type, message.data.code, after.type, socket.close_code, socket.exception()

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        peer.send(TEXT, b"\xff")
        assert await peer.read_frame() == (0x88, b"\x03\xef")
        assert await peer.read_frame() == (-1, b"")
    assert ended[0][:4] == (WSMsgType.ERROR, 1007, WSMsgType.CLOSED, 1007)
    assert isinstance(ended[0][4], tercel.WebSocketError)


async def test_what_came_before_the_offence_is_answered() -> None:
    async with serving(site(echo)) as server, connected(server.port) as peer:
        peer.writer.write(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(3) + frame(TEXT, b"3"))
        frames = [await peer.read_frame() for _ in range(4)]
    assert frames == [(0x81, b"1"), (0x81, b"2"), (0x88, b"\x03\xea"), (-1, b"")]


async def test_an_offence_nobody_reads_is_answered() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await asyncio.sleep(60)

    async with serving(site(play)) as server, connected(server.port) as peer:
        peer.send(3)
        assert await peer.read_frame() == (0x88, b"\x03\xea")


@pytest.mark.parametrize("size", [10, 11])
async def test_max_msg_size(size: int) -> None:
    async with serving(site(echo, max_msg_size=10)) as server, connected(server.port) as peer:
        peer.send(TEXT, b"x" * size)
        expected = (0x81, b"x" * 10) if size == 10 else (0x88, b"\x03\xf1")
        assert await peer.read_frame() == expected


async def test_text_as_bytes() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        return await socket.receive()

    ended: list[Any] = []
    async with serving(site(play, ended, decode_text=False)) as server:
        async with connected(server.port) as peer:
            peer.send(TEXT, b'{"a": 1}')
            await until(lambda: ended)
    assert ended[0] == (WSMsgType.TEXT, b'{"a": 1}', "")
    assert ended[0].json() == {"a": 1}


async def test_heartbeat_notices_a_dead_peer() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        message = await socket.receive()
        return message.type, type(message.data), socket.close_code, type(socket.exception())

    ended: list[Any] = []
    async with serving(site(play, ended, heartbeat=0.02)) as server:
        async with connected(server.port) as peer:
            assert await peer.read_frame() == (0x89, b"")
            assert await peer.read_frame() == (-1, b"")
            await until(lambda: ended)
    assert ended == [(WSMsgType.ERROR, TimeoutError, 1006, TimeoutError)]


async def test_heartbeat_leaves_a_living_peer_alone() -> None:
    ended: list[Any] = []
    async with serving(site(echo, ended, heartbeat=0.02)) as server:
        async with connected(server.port) as peer:
            for _ in range(4):
                assert await peer.read_frame() == (0x89, b"")
                peer.send(PONG)
            peer.send(TEXT, b"still here")
            assert await peer.read_frame() == (0x81, b"still here")
        await until(lambda: ended)


async def test_subprotocols() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        return socket.ws_protocol

    ended: list[Any] = []
    async with serving(site(play, ended, protocols=("two", "one"))) as server:
        async with connected(server.port, "Sec-WebSocket-Protocol: zero, one, two") as peer:
            assert b"\r\nSec-WebSocket-Protocol: one\r\n" in peer.head
        async with connected(server.port, "Sec-WebSocket-Protocol: zero") as peer:
            assert b"Sec-WebSocket-Protocol" not in peer.head
        await until(lambda: len(ended) == 2)
    assert ended == ["one", None]


@pytest.mark.loop_errors
async def test_a_handler_that_fails_says_so() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        raise LookupError("on purpose")

    async with serving(site(play)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x88, b"\x03\xf3")
        assert await peer.read_frame() == (-1, b"")


async def test_a_handler_that_ends_says_goodbye() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_str("that was all")

    async with serving(site(play)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x81, b"that was all")
        assert await peer.read_frame() == (0x88, b"\x03\xe8")
        peer.send(CLOSE, b"\x03\xe8")
        assert await peer.read_frame() == (-1, b"")


async def test_a_handler_that_is_cancelled_leaves_nothing() -> None:
    tasks: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        tasks.append(asyncio.current_task())
        await socket.receive()

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        await until(lambda: tasks)
        tasks[0].cancel()
        assert await peer.read_frame() == (-1, b"")
        await until(lambda: ended)
    assert isinstance(ended[0], asyncio.CancelledError)


async def test_a_close_that_is_cancelled_cuts_the_connection() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        closing = asyncio.create_task(socket.close())
        await socket.receive()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        return socket.close_code

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        assert await peer.read_frame() == (0x88, b"\x03\xe8")
        assert await peer.read_frame() == (-1, b"")
    assert ended == [1006]


async def test_shutdown_as_documented() -> None:
    app = site(echo)
    sockets: set[web.WebSocketResponse] = set()

    async def keep(request: web.Request, response: web.StreamResponse) -> None:
        if isinstance(response, web.WebSocketResponse):
            sockets.add(response)

    async def on_shutdown(app: web.Application) -> None:
        for socket in set(sockets):
            await socket.close(code=tercel.WSCloseCode.GOING_AWAY, message="Server shutdown")

    app.on_response_prepare.append(keep)
    app.on_shutdown.append(on_shutdown)
    async with serving(app) as server:
        async with connected(server.port) as peer:
            closing = asyncio.create_task(server.close())
            assert await peer.read_frame() == (0x88, b"\x03\xe9Server shutdown")
            peer.send(CLOSE, b"\x03\xe9")
            assert await peer.read_frame() == (-1, b"")
            await closing


async def test_a_slow_reader_stops_the_peer() -> None:
    let_go = asyncio.Event()
    held: list[int] = []

    async def play(socket: web.WebSocketResponse) -> int:
        channel: Any = socket._channel
        await let_go.wait()
        held.append(channel._wire.count_held() + channel._queued_octets)
        total = 0
        while total < 30_000_000:
            total += len(await socket.receive_bytes())
        return total

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        peer.writer.write(frame(BINARY, b"x" * 1000) * 30_000)
        buffered = peer.writer.transport.get_write_buffer_size
        while True:
            before = buffered()
            await asyncio.sleep(0.05)
            if before == buffered():
                break
        assert buffered() > 0, "the peer could send everything though nobody reads"
        let_go.set()
        await until(lambda: ended)
    assert ended == [30_000_000]
    assert held[0] < 600_000


async def test_tiny_frames_are_not_parsed_far_ahead() -> None:
    let_go = asyncio.Event()
    parsed: list[int] = []

    async def play(socket: web.WebSocketResponse) -> int:
        channel: Any = socket._channel
        await let_go.wait()
        parsed.append(len(channel._queue))
        count = 0
        while count < 20_000:
            assert await socket.receive_bytes() == b""
            count += 1
        return count

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        peer.writer.write(frame(BINARY) * 20_000)
        await asyncio.sleep(0.02)
        let_go.set()
        await until(lambda: ended)
    assert ended == [20_000]
    assert parsed[0] <= 32


async def test_a_slow_peer_stops_the_writer() -> None:
    waits: list[bool] = []

    async def play(socket: web.WebSocketResponse) -> str:
        data = b"x" * 100_000
        for _ in range(1000):
            sending = asyncio.ensure_future(socket.send_bytes(data))
            done, _ = await asyncio.wait({sending}, timeout=0.05)
            if not done:
                waits.append(True)
                await sending
                return "waited"
        return "never waited"

    ended: list[Any] = []
    async with serving(site(play, ended, writer_limit=1000)) as server:
        async with connected(server.port) as peer:
            await until(lambda: waits)
            while not ended:
                await peer.read_frame()
    assert ended == ["waited"]


async def test_a_peer_that_only_pings_makes_no_memory() -> None:
    """Pongs for a peer that does not read are not queued one by one."""
    sizes: list[int] = []

    async def play(socket: web.WebSocketResponse) -> None:
        channel: Any = socket._channel
        transport = channel.protocol.transport
        while True:
            await asyncio.sleep(0.005)
            sizes.append(transport.get_write_buffer_size())

    async with serving(site(play)) as server, connected(server.port) as peer:
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(60):
            peer.writer.write(frame(PING, b"p" * 125) * 1000)
            await asyncio.sleep(0)
        while peer.writer.transport.get_write_buffer_size():
            await asyncio.sleep(0.005)
    assert max(sizes) < 300_000


@pytest.mark.parametrize("how", ["", "; server_no_context_takeover; client_no_context_takeover"])
async def test_compressed(how: str) -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        await echo(socket)
        return socket.compress

    from tercel.wire.ws.connection import Connection
    from tercel.wire.ws.deflate import Deflater, Inflater

    takeover = not how
    wire = Connection(False, 0, True, Inflater(15, takeover), Deflater(15, False))
    ended: list[Any] = []
    async with serving(site(play, ended)) as server:
        offer = f"Sec-WebSocket-Extensions: permessage-deflate{how}"
        async with connected(server.port, offer) as peer:
            assert b"client_no_context_takeover" in peer.head
            assert (b"server_no_context_takeover" in peer.head) is not takeover
            for text in ("hello " * 100, "hello " * 100, ""):
                peer.writer.write(wire.encode(TEXT, text.encode(), b"abcd", -1))
                first, payload = await peer.read_frame()
                assert first == (0xC1 if text else 0x81)
                assert len(payload) < 40
                wire.feed_data(bytes((first, len(payload))) + payload)
                assert wire.next_event()[1] == text  # type: ignore[index]
            peer.writer.close()
            await until(lambda: ended)
    assert ended == [15]


async def test_compression_for_one_message() -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_str("x" * 500, compress=0)
        await socket.send_str("x" * 500, compress=1)
        await socket.send_str("x" * 500)

    async with serving(site(play)) as server:
        async with connected(server.port, "Sec-WebSocket-Extensions: permessage-deflate") as peer:
            assert [(await peer.read_frame())[0] for _ in range(3)] == [0x81, 0xC1, 0xC1]
    async with serving(site(play, compress=False)) as server:
        async with connected(server.port, "Sec-WebSocket-Extensions: permessage-deflate") as peer:
            assert [(await peer.read_frame())[0] for _ in range(3)] == [0x81, 0x81, 0x81]


async def test_get_extra_info() -> None:
    async def play(socket: web.WebSocketResponse) -> Any:
        return socket.get_extra_info("peername"), socket.get_extra_info("no such", 5)

    ended: list[Any] = []
    async with serving(site(play, ended)) as server, connected(server.port) as peer:
        await until(lambda: ended)
        assert ended == [(peer.writer.get_extra_info("sockname"), 5)]
