"""Family 36: handshakes that are none, on either side, and what is left of them."""

import asyncio
from typing import Any

import pytest

import tercel
from tercel import web
from tercel.wire.ws.handshake import accept_value
from tests.client.peer import read_request, serving_peer
from tests.live import serving
from tests.wsrows import TEXT, frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
CAN: web.AppKey[list[web.WebSocketReady]] = web.AppKey("can", list)
FIELDS = {
    "Host": "a",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


async def ask(port: int, fields: list[tuple[str, str]], line: str = "GET / HTTP/1.1") -> bytes:
    """The head of the answer to a handshake, and what follows it until a moment of silence."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        writer.write(f"{line}\r\n{lines}\r\n".encode())
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()


async def echo(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=("chat",))
    request.app[CAN].append(socket.can_prepare(request))
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


def make_app() -> web.Application:
    app = web.Application()
    app[CAN] = []
    app.router.add_route("*", "/", echo)
    return app


ACCEPTED = {
    "plain": {},
    "case and lists": {"Upgrade": "h2c, WebSocket", "Connection": "keep-alive, uPgrade"},
    "an extension nobody knows": {"Sec-WebSocket-Extensions": "x-unknown; a=b"},
    "an origin": {"Origin": "http://elsewhere.example"},
    "a subprotocol nobody knows": {"Sec-WebSocket-Protocol": "other"},
}
REFUSED = {
    "no Upgrade": ({"Upgrade": None}, 400),
    "another Upgrade": ({"Upgrade": "websockets"}, 400),
    "no Connection": ({"Connection": None}, 400),
    "Connection: close": ({"Connection": "close"}, 400),
    "Connection with a longer word": ({"Connection": "upgrades"}, 400),
    "no key": ({"Sec-WebSocket-Key": None}, 400),
    "an empty key": ({"Sec-WebSocket-Key": ""}, 400),
    "a short key": ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
    "a key of 17 octets": ({"Sec-WebSocket-Key": "MDEyMzQ1Njc4OTAxMjM0NTY="}, 400),
    "a key that is no base64": ({"Sec-WebSocket-Key": "!" * 24}, 400),
    "no version": ({"Sec-WebSocket-Version": None}, 426),
    "version 12": ({"Sec-WebSocket-Version": "12"}, 426),
    "version 130": ({"Sec-WebSocket-Version": "130"}, 426),
    "a list of versions": ({"Sec-WebSocket-Version": "8, 13"}, 426),
    "a long key": ({"Sec-WebSocket-Key": "A" * 5000}, 400),
    "a body": ({"Content-Length": "3"}, 400),
    "chunks": ({"Transfer-Encoding": "chunked"}, 400),
}


def fields_with(changes: dict[str, str | None]) -> list[tuple[str, str]]:
    merged = {**FIELDS, **changes}
    return [(name, value) for name, value in merged.items() if value is not None]


@pytest.mark.parametrize("row", ACCEPTED)
async def test_accepted(row: str) -> None:
    app = make_app()
    async with serving(app) as server:
        head = await ask(server.port, fields_with(ACCEPTED[row]))
    assert head.startswith(b"HTTP/1.1 101 ")
    assert accept_value(KEY).encode() in head
    assert b"Sec-WebSocket-Protocol" not in head
    assert b"Sec-WebSocket-Extensions" not in head
    assert app[CAN][0]


@pytest.mark.parametrize("row", REFUSED)
async def test_refused(row: str) -> None:
    app = make_app()
    changes, status = REFUSED[row]
    async with serving(app) as server:
        head = await ask(server.port, fields_with(changes))
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Sec-WebSocket-Accept" not in head
    assert not app[CAN][0]
    if status == 426:
        assert b"Sec-WebSocket-Version: 13\r\n" in head


async def test_two_keys_are_none() -> None:
    async with serving(make_app()) as server:
        head = await ask(server.port, [*FIELDS.items(), ("Sec-WebSocket-Key", KEY)])
    assert head.startswith(b"HTTP/1.1 400 ")


async def test_http_1_0_can_not_be_left() -> None:
    async with serving(make_app()) as server:
        head = await ask(server.port, list(FIELDS.items()), "GET / HTTP/1.0")
    assert b" 400 " in head.split(b"\r\n")[0]


async def test_a_field_that_is_too_long() -> None:
    async with serving(make_app()) as server:
        long = [*FIELDS.items(), ("Sec-WebSocket-Protocol", "a, " * 3000)]
        head = await ask(server.port, long)
    assert head.split(b" ")[1] in (b"400", b"431")


@pytest.mark.parametrize("name", ["chat\r\nX-Evil: 1", "chat\x00"])
async def test_a_subprotocol_can_not_inject(name: str) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        socket.headers["Sec-WebSocket-Protocol"] = name
        with pytest.raises(ValueError):
            await socket.prepare(request)
        return web.Response(text="refused")

    app = web.Application()
    app.router.add_get("/", handler)
    async with serving(app) as server:
        assert b"Evil" not in await ask(server.port, list(FIELDS.items()))


# --- the client ----------------------------------------------------------------------------------

UP = "Upgrade: websocket\r\n"
CON = "Connection: Upgrade\r\n"
ACC = "Sec-WebSocket-Accept: ACCEPT\r\n"
SWITCH = "HTTP/1.1 101 Switching Protocols\r\n"

ANSWERS = {
    "200": ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200),
    "403 with a body": ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
    "no Upgrade": (SWITCH + CON + ACC + "\r\n", 101),
    "another Upgrade": (SWITCH + "Upgrade: h2c\r\n" + CON + ACC + "\r\n", 101),
    "no Connection": (SWITCH + UP + ACC + "\r\n", 101),
    "no accept": (SWITCH + UP + CON + "\r\n", 101),
    "another accept": (
        SWITCH + UP + CON + f"Sec-WebSocket-Accept: {accept_value(KEY)}\r\n\r\n",
        101,
    ),
    "two accepts": (SWITCH + UP + CON + ACC + ACC + "\r\n", 101),
    "an extension nobody offered": (
        SWITCH + UP + CON + ACC + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        101,
    ),
}


async def answer_with(peer: Any, text: str, reader: Any, writer: Any) -> None:
    asked = await read_request(reader)
    key = asked.get("Sec-WebSocket-Key")
    peer.asked.append(asked)
    writer.write(text.replace("ACCEPT", accept_value(key)).encode("latin-1"))
    await reader.read()


@pytest.mark.parametrize("row", ANSWERS)
async def test_answers_that_are_no_acceptance(row: str) -> None:
    text, status = ANSWERS[row]

    async def play(peer: Any, reader: Any, writer: Any) -> None:
        await answer_with(peer, text, reader, writer)

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        with pytest.raises(tercel.WSServerHandshakeError) as caught:
            await session.ws_connect(peer.url)
        assert caught.value.status == status
        while status == 101 and peer.open_connections:
            await asyncio.sleep(0)  # a connection of no use is closed: else the test runs for ever


async def test_a_redirect_is_followed_with_the_handshake() -> None:
    async def play(peer: Any, reader: Any, writer: Any) -> None:
        text = SWITCH + UP + CON + ACC + "\r\n"
        if peer.connections == 1:
            text = f"HTTP/1.1 302 Found\r\nLocation: {peer.url}/there\r\nConnection: close\r\n"
            text += "Content-Length: 0\r\n\r\n"
        await answer_with(peer, text, reader, writer)

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        timeout = tercel.ClientWSTimeout(ws_close=0.05)
        async with session.ws_connect(peer.url, timeout=timeout) as socket:
            pass
        assert socket.close_code == 1006
    assert [asked.target for asked in peer.asked] == ["/", "/there"]
    assert all(asked.get("Upgrade") == "websocket" for asked in peer.asked)


async def test_frames_right_behind_the_answer_are_read() -> None:
    async def play(peer: Any, reader: Any, writer: Any) -> None:
        greeting = frame(TEXT, b"welcome", key=None).decode("latin-1")
        await answer_with(peer, SWITCH + UP + CON + ACC + "\r\n" + greeting, reader, writer)

    async with serving_peer(play) as peer, tercel.ClientSession() as session:
        timeout = tercel.ClientWSTimeout(ws_close=0.05)
        async with session.ws_connect(peer.url, timeout=timeout) as socket:
            assert await socket.receive_str() == "welcome"
