"""The WebSockets of the introductions of the years 2017 to 2020, the server's and the client's."""

import asyncio
import warnings

import pytest

from tests.documented.subject import improvement


@pytest.fixture(autouse=True)
def quietly():
    """The spellings of that age warn; that they do is stated elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def url_of(server, path):
    return f"http://{server.host}:{server.port}{path}"


@pytest.fixture
async def answering(serve, aiohttp, web):
    """The introductions' handler at /websocket, and how many of its sockets are open."""
    app = web.Application()
    app["websockets"] = []

    async def websocket_handler(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        request.app["websockets"].append(ws)
        try:
            async for msg in ws:
                if msg.type == aiohttp.WSMsgType.TEXT:
                    if msg.data == "close":
                        await ws.close()
                    else:
                        await ws.send_str(msg.data + "/answer")
                elif msg.type == aiohttp.WSMsgType.ERROR:
                    print("ws connection closed with exception %s" % ws.exception())  # noqa: UP031
        finally:
            request.app["websockets"].remove(ws)
        return ws

    async def on_shutdown(app):
        for ws in set(app["websockets"]):
            await ws.close(code=aiohttp.WSCloseCode.GOING_AWAY, message="Server shutdown")

    app.router.add_get("/websocket", websocket_handler)
    app.on_shutdown.append(on_shutdown)
    server = await serve(app)
    server.app = app
    return server


async def test_answers(answering, session):
    async with session.ws_connect(url_of(answering, "/websocket")) as ws:
        await ws.send_str("hello")
        assert await ws.receive_str() == "hello/answer"
        assert len(answering.app["websockets"]) == 1
        await ws.send_str("close")
        assert (await ws.receive()).type.name == "CLOSE"
    assert ws.close_code == 1000


async def test_the_loop_of_the_client(answering, serve, aiohttp, web, session):
    seen = []

    async def asking(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("question")
        seen.append(await ws.receive_str())
        await ws.send_str("close cmd")
        seen.append((await ws.receive()).type)
        return ws

    app = web.Application()
    app.router.add_get("/ws", asking)
    server = await serve(app)
    async with session.ws_connect(url_of(server, "/ws")) as ws:
        async for msg in ws:
            if msg.type == aiohttp.WSMsgType.TEXT:
                if msg.data == "close cmd":
                    await ws.close()
                    break
                else:
                    await ws.send_str(msg.data + "/answer")
            elif msg.type == aiohttp.WSMsgType.CLOSED or msg.type == aiohttp.WSMsgType.ERROR:
                break
    assert seen == ["question/answer", aiohttp.WSMsgType.CLOSE]


async def test_shutdown_closes_what_is_open(answering, session, aiohttp):
    async with session.ws_connect(url_of(answering, "/websocket")) as ws:
        await ws.send_str("hello")
        await ws.receive_str()
        closing = asyncio.create_task(answering.runner.cleanup())
        msg = await ws.receive()
        assert (msg.type, msg.data, msg.extra) == (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSCloseCode.GOING_AWAY,
            "Server shutdown",
        )
        await ws.close()
        await closing
    assert answering.app["websockets"] == []


@improvement("MsgType is WSMsgType, and what is sent leaves without an await, as in 2017")
async def test_the_first_spelling(serve, web, session):
    async def ws_hello(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for msg in ws:
            if msg.type == web.MsgType.text:
                ws.send_str(f"Hello, {msg.data}")
            elif msg.type == web.MsgType.binary:
                ws.send_bytes(msg.data)
            elif msg.type == web.MsgType.close:
                break
        return ws

    app = web.Application()
    app.router.add_get("/echo", ws_hello)
    server = await serve(app)
    async with session.ws_connect(url_of(server, "/echo")) as ws:
        await ws.send_str("you")
        assert await ws.receive_str() == "Hello, you"
        await ws.send_bytes(b"raw")
        assert await ws.receive_bytes() == b"raw"
