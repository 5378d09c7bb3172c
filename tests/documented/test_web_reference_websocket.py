"""web_reference, WebSocketResponse, and client_reference, ClientWebSocketResponse: the calls."""

import asyncio
import json

import pytest

from tests.documented.subject import improvement


@pytest.fixture
def pair(web, serve, session):
    """Connect: `ws, server_side = await pair(handler)`; the handler's end is `server_side[0]`."""

    async def connect(talk, server_options=None, **options):
        made = []

        async def handler(request):
            ws = web.WebSocketResponse(**(server_options or {}))
            made.append(ws)
            await ws.prepare(request)
            await talk(ws)
            return ws

        server = await serve(handler)
        ws = await session.ws_connect(f"http://{server.authority}/", **options)
        return ws, made

    return connect


async def echo(ws):
    async for message in ws:
        if message.type.name == "TEXT":
            await ws.send_str(message.data)
        else:
            await ws.send_bytes(message.data)


async def test_what_is_sent_arrives(pair):
    ws, _ = await pair(echo)
    await ws.send_str("text ✓")
    assert await ws.receive_str() == "text ✓"
    for octets in (b"bytes", bytearray(b"array"), memoryview(b"view")):
        await ws.send_bytes(octets)
        assert await ws.receive_bytes() == bytes(octets)
    await ws.send_json({"a": [1, None]})
    assert await ws.receive_json() == {"a": [1, None]}
    await ws.send_json(7, dumps=lambda value: f"<{value}>")
    assert await ws.receive_json(loads=lambda text: text.strip("<>")) == "7"
    await ws.send_json_bytes([1], dumps=lambda value: json.dumps(value).encode())
    assert await ws.receive_bytes() == b"[1]"
    assert await ws.close()


async def test_low_level_frames(pair, aiohttp):
    ws, _ = await pair(echo)
    await ws.send_frame(b"raw", aiohttp.WSMsgType.TEXT)
    assert await ws.receive_str() == "raw"
    await ws.close()


async def test_wrong_kinds_are_type_errors(pair):
    ws, _ = await pair(echo)
    with pytest.raises(TypeError):
        await ws.send_str(b"octets")
    with pytest.raises(TypeError):
        await ws.send_bytes("text")
    with pytest.raises(TypeError):
        await ws.send_json(1, dumps=lambda value: b"1")
    with pytest.raises(TypeError):
        await ws.send_json_bytes(1, dumps=lambda value: "1")
    await ws.close()


async def test_what_cannot_be_json_is_an_error(pair):
    ws, _ = await pair(echo)
    with pytest.raises((TypeError, ValueError)):
        await ws.send_json(object())
    await ws.send_str("{")
    with pytest.raises(ValueError):
        await ws.receive_json()
    await ws.close()


async def test_the_other_kind_of_message_is_a_type_error(pair, aiohttp):
    ws, _ = await pair(echo)
    await ws.send_bytes(b"octets")
    with pytest.raises(aiohttp.WSMessageTypeError):
        await ws.receive_str()
    await ws.send_str("text")
    with pytest.raises(aiohttp.WSMessageTypeError):
        await ws.receive_bytes()
    await ws.send_bytes(b"{}")
    with pytest.raises(TypeError):
        await ws.receive_json()
    await ws.close()


async def test_nothing_is_sent_before_prepare(web):
    ws = web.WebSocketResponse()
    for name, values in (
        ("send_str", "a"),
        ("send_bytes", [b"a"]),
        ("send_json", [1]),
        ("ping", []),
        ("pong", []),
        ("close", []),
    ):
        with pytest.raises(RuntimeError):
            await getattr(ws, name)(*values)
    with pytest.raises(RuntimeError):
        await ws.receive()
    assert (ws.prepared, ws.closed, ws.close_code) == (False, False, None)


async def test_closing_on_both_sides(pair, aiohttp):
    ws, made = await pair(echo)
    assert not ws.closed
    assert await ws.close(code=aiohttp.WSCloseCode.GOING_AWAY, message=b"bye") is True
    assert ws.closed
    assert await ws.close() is False
    there = made[0]
    while not there.closed:
        await asyncio.sleep(0.005)
    assert there.close_code == 1001
    assert ws.exception() is None
    assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSED


async def test_pings_are_answered(pair, aiohttp):
    ws, _ = await pair(echo, autoping=False)
    await ws.ping(b"here?")
    message = await ws.receive()
    assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"here?")
    await ws.close()


@improvement("the documented `str` is taken as the octets of a ping")
async def test_a_ping_of_text(pair):
    ws, _ = await pair(echo, autoping=False)
    await ws.ping("text")
    assert (await ws.receive()).data == b"text"
    await ws.close()


async def test_subprotocols(pair):
    options = {"protocols": ("chat", "superchat")}
    ws, made = await pair(echo, options, protocols=("unknown", "superchat"))
    assert ws.protocol == "superchat"
    assert made[0].ws_protocol == "superchat"
    await ws.close()
    other, made = await pair(echo, options, protocols=("unknown",))
    assert other.protocol is None
    assert made[0].ws_protocol is None
    await other.close()


async def test_what_the_transport_tells(pair):
    ws, made = await pair(echo)
    assert ws.get_extra_info("peername")[0] == "127.0.0.1"
    assert ws.get_extra_info("nothing", 5) == 5
    assert made[0].get_extra_info("peername") == ws.get_extra_info("sockname")
    assert made[0].get_extra_info("nothing") is None
    await ws.close()


async def test_can_prepare_looks_and_does_nothing(web, grab, serve):
    def look(request):
        return web.WebSocketResponse(protocols=["chat"]).can_prepare(request)

    plain = await grab(look)
    assert (plain.ok, plain.protocol) == (False, None)
    assert not plain
    asks = await grab(
        look,
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "chat",
        },
    )
    assert (asks.ok, asks.protocol) == (True, "chat")
    assert asks
    assert isinstance(asks, web.WebSocketReady)


async def test_prepare_refuses_what_is_no_websocket(web, serve):
    async def handler(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        return ws

    server = await serve(handler)
    assert (await server.get("/")).status == 400


async def test_receiving_has_a_time_limit(pair):
    ws, _ = await pair(echo)
    with pytest.raises(TimeoutError):
        await ws.receive(timeout=0.01)
    await ws.close()


async def test_a_message_that_is_too_big(pair, aiohttp):
    ws, _ = await pair(echo, {"max_msg_size": 100})
    await ws.send_bytes(bytes(101))
    message = await ws.receive()
    assert (message.type, message.data) == (
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSCloseCode.MESSAGE_TOO_BIG,
    )
    await ws.close()


@improvement("the side that refused says why, too")
async def test_the_close_code_of_a_message_that_is_too_big(pair):
    ws, made = await pair(echo, {"max_msg_size": 100})
    await ws.send_bytes(bytes(101))
    await ws.receive()
    assert made[0].close_code == 1009
    await ws.close()
