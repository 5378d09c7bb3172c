"""Family 31: a refused upgrade leaves no body on the wire; octets behind one are not lost."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import web
from tests.client.peer import read_request, serving_peer
from tests.live import serving
from tests.wsrows import TEXT, frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
)


def make_app(seen: list[str]) -> web.Application:
    async def socket_handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.path)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket

    async def plain(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(text="plain")

    app = web.Application()
    app.router.add_route("*", "/ws", socket_handler)
    app.router.add_route("*", "/{name}", plain)
    return app


SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

BODIES = {
    "a length": f"Content-Length: {len(SMUGGLED)}\r\n\r\n{SMUGGLED}",
    "chunks": f"Transfer-Encoding: chunked\r\n\r\n{len(SMUGGLED):x}\r\n{SMUGGLED}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["/ws", "/plain"])
async def test_the_body_of_a_refused_upgrade_is_no_request(body: str, path: str) -> None:
    seen: list[str] = []
    async with serving(make_app(seen)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = HANDSHAKE.replace("/ws", path, 1)
        last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        writer.write((head + BODIES[body] + last).encode())
        answers = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert b"101" not in answers.split(b"\r\n")[0]
    assert seen in ([path, "/last"], [path])
    assert answers.count(b"HTTP/1.1 ") == len(seen)


async def test_frames_right_behind_the_handshake_are_read() -> None:
    async with serving(make_app([])) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        frames = frame(TEXT, b"one") + frame(TEXT, b"two") + frame(8, b"\x03\xe8")
        writer.write(HANDSHAKE.encode() + b"\r\n" + frames)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert rest == b"\x81\x03ONE\x81\x03TWO\x88\x02\x03\xe8"


async def test_half_a_frame_right_behind_the_handshake_is_finished() -> None:
    async with serving(make_app([])) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        octets = frame(TEXT, b"one")
        writer.write(HANDSHAKE.encode() + b"\r\n" + octets[:4])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(octets[4:])
        assert await reader.readexactly(5) == b"\x81\x03ONE"
        writer.close()
        await writer.wait_closed()


async def test_what_follows_an_upgrade_is_no_request() -> None:
    seen: list[str] = []
    async with serving(make_app(seen)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write((HANDSHAKE + "\r\n" + SMUGGLED).encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert seen == ["/ws"]
    assert answer.endswith(b"\x88\x02\x03\xea")


@pytest.mark.parametrize(
    "framing",
    ["Content-Length: 37\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n25\r\n{}\r\n0\r\n\r\n"],
)
async def test_the_body_of_a_refusal_is_no_answer(framing: str) -> None:
    """The client reads the refusal's body by its framing, or never uses the connection again."""
    evil = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[:37].ljust(37)
    refusal = "HTTP/1.1 403 Forbidden\r\n" + framing.format(evil)
    honest = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhonest"

    async def play(peer: Any, reader: Any, writer: Any) -> None:
        while (asked := await read_request(reader)) is not None:
            writer.write((refusal if asked.get("Upgrade") else honest).encode())

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        for _ in range(3):
            with pytest.raises(tercel.WSServerHandshakeError) as caught:
                await session.ws_connect(peer.url)
            assert caught.value.status == 403
            async with session.get(peer.url) as response:
                assert await response.text() == "honest"


async def test_an_upgrade_nobody_asked_for_is_an_error() -> None:
    async def play(peer: Any, reader: Any, writer: Any) -> None:
        await read_request(reader)
        writer.write(
            b"HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nHTTP/1.1 200 OK\r\n"
        )
        await reader.read()

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        with pytest.raises(tercel.ClientError):
            await session.get(peer.url)
