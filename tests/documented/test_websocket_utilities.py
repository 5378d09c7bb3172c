"""websocket_utilities: close codes, kinds of messages, and messages."""

import enum
import json

import pytest

# RFC 6455 section 7.4.1 and the registry of close codes behind it.
CODES = {
    "OK": 1000,
    "GOING_AWAY": 1001,
    "PROTOCOL_ERROR": 1002,
    "UNSUPPORTED_DATA": 1003,
    "ABNORMAL_CLOSURE": 1006,
    "INVALID_TEXT": 1007,
    "POLICY_VIOLATION": 1008,
    "MESSAGE_TOO_BIG": 1009,
    "MANDATORY_EXTENSION": 1010,
    "INTERNAL_ERROR": 1011,
    "SERVICE_RESTART": 1012,
    "TRY_AGAIN_LATER": 1013,
    "BAD_GATEWAY": 1014,
}
OPCODES = {"CONTINUATION": 0, "TEXT": 1, "BINARY": 2, "CLOSE": 8, "PING": 9, "PONG": 10}


@pytest.mark.parametrize("name", CODES)
def test_close_codes(aiohttp, name):
    code = aiohttp.WSCloseCode[name]
    assert code == CODES[name]
    assert issubclass(aiohttp.WSCloseCode, enum.IntEnum)
    assert aiohttp.WSCloseCode(CODES[name]) is code


@pytest.mark.parametrize("name", OPCODES)
def test_kinds_of_messages_are_opcodes(aiohttp, name):
    assert aiohttp.WSMsgType[name] == OPCODES[name]


def test_two_kinds_are_flags_and_no_frames(aiohttp):
    assert issubclass(aiohttp.WSMsgType, enum.IntEnum)
    assert {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}.isdisjoint(OPCODES.values())


def test_web_has_the_same_kinds(aiohttp, web):
    assert web.WSMsgType is aiohttp.WSMsgType


async def test_what_messages_hold(aiohttp, web, serve, session):
    async def handler(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str('{"a": [1]}')
        await ws.send_bytes(b"\0\1")
        await ws.ping(b"are you there")
        await ws.close(code=aiohttp.WSCloseCode.TRY_AGAIN_LATER, message=b"too many")
        return ws

    server = await serve(handler)
    url = f"http://{server.authority}/"
    async with session.ws_connect(url, autoping=False, autoclose=False) as ws:
        text, binary, ping, close = [await ws.receive() for _ in range(4)]
    assert (text.type, text.data) == (aiohttp.WSMsgType.TEXT, '{"a": [1]}')
    assert isinstance(text.type, aiohttp.WSMsgType)
    assert text.json() == {"a": [1]}
    assert text.json(loads=lambda given: json.loads(given)["a"]) == [1]
    assert (binary.type, binary.data) == (aiohttp.WSMsgType.BINARY, b"\0\1")
    assert (ping.type, ping.data) == (aiohttp.WSMsgType.PING, b"are you there")
    assert (close.type, close.data) == (aiohttp.WSMsgType.CLOSE, 1013)
    assert close.extra == "too many"
