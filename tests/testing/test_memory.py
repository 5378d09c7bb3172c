"""A test client and an application that talk in memory: everything works, and no socket is made."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

import tercel
from tercel import web
from tercel.test_utils import MemoryConnector, RawTestServer, TestClient, TestServer
from tests.web.serving import eventually


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every socket that is made from here on is an error."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a socket was made")

    asyncio.get_event_loop_policy()
    monkeypatch.setattr(socket.socket, "bind", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def client_of(app: web.Application, **kwargs: Any) -> TestClient[Any, Any]:
    return TestClient(TestServer(app, memory=True), **kwargs)


def app_of(**handlers: Any) -> web.Application:
    app = web.Application()
    for name, handler in handlers.items():
        app.router.add_route("*", f"/{name}", handler)
    return app


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read(), headers={"X-Method": request.method})


async def test_requests_share_a_connection() -> None:
    async with client_of(app_of(echo=echo)) as client:
        for n in range(3):
            async with client.post("/echo", data=b"%d" % n) as answer:
                assert await answer.read() == b"%d" % n
                assert answer.headers["X-Method"] == "POST"
        assert len(client.server.handler.connections) == 1
        assert client.server.handler.requests_count == 3
        assert client.server.server is None
        assert str(client.make_url("/a")) == "http://127.0.0.1/a"


async def test_a_megabyte_each_way_and_chunked() -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield bytes(10_000)

    async with client_of(app_of(echo=echo)) as client:
        client.app._client_max_size = 2**24
        for body in (bytes(1_000_000), pieces()):
            async with client.post("/echo", data=body) as answer:
                assert len(await answer.read()) == 1_000_000


async def test_a_stream_is_held_back_by_its_reader() -> None:
    sent = 0

    async def stream(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 5_000_000:
            await response.write(bytes(50_000))
            sent += 50_000
        return response

    async with client_of(app_of(stream=stream)) as client:
        async with client.get("/stream") as answer:
            before = -1
            while sent != before:
                before = sent
                for _ in range(50):
                    await asyncio.sleep(0)
            assert sent < 2_000_000
            assert sum([len(piece) async for piece in answer.content.iter_any()]) == 5_000_000


async def test_websockets() -> None:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.data == "bye":
                await socket.close(code=4000)
            else:
                await socket.send_str(message.data.upper())
        return socket

    async with client_of(app_of(chat=chat)) as client:
        async with client.ws_connect("/chat") as ws:
            for _ in range(3):
                await ws.send_str("hello")
                assert await ws.receive_str() == "HELLO"
            await ws.send_str("bye")
            assert (await ws.receive()).type is tercel.WSMsgType.CLOSE
            assert ws.close_code == 4000


async def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 2000)

    async def file(request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    async with client_of(app_of(file=file)) as client, client.get("/file") as answer:
        assert await answer.read() == path.read_bytes()


@pytest.mark.parametrize("cancels", [True, False])
async def test_a_client_that_vanishes_is_noticed(cancels: bool) -> None:
    ended = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        try:
            await request.wait_for_disconnection()
            assert not cancels
        except asyncio.CancelledError:
            assert cancels
            raise
        finally:
            ended.set()
        return web.Response()

    server = TestServer(app_of(wait=wait), memory=True, handler_cancellation=cancels)
    async with TestClient(server) as client:
        asking = asyncio.ensure_future(client.get("/wait"))
        await eventually(lambda: client.server.handler.connections)
        asking.cancel()
        await asyncio.wait({asking})
        await ended.wait()


async def test_a_server_that_breaks_off() -> None:
    async def abort(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with client_of(app_of(abort=abort)) as client:
        with pytest.raises(tercel.ClientConnectionError):
            await client.get("/abort")


async def test_redirects_cookies_and_addresses() -> None:
    async def go(request: web.Request) -> web.Response:
        response = web.HTTPFound("/cookie")
        response.set_cookie("a", "b")
        raise response

    async def cookie(request: web.Request) -> web.Response:
        return web.json_response([request.cookies.get("a"), request.remote, request.host])

    async with client_of(app_of(go=go, cookie=cookie)) as client:
        async with client.get("/go") as answer:
            assert await answer.json() == ["b", "127.0.0.1", "127.0.0.1"]


async def test_a_bare_handler_and_a_port() -> None:
    async def bare(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.headers["Host"])

    async with TestClient(RawTestServer(bare, memory=True, port=8080)) as client:
        assert client.port == 8080
        async with client.get("/") as answer:
            assert await answer.text() == "127.0.0.1:8080"


async def test_nothing_else_is_reached() -> None:
    async with client_of(app_of(echo=echo)) as client:
        for url in ("http://example.com/", "https://127.0.0.1/", "http://127.0.0.1:81/"):
            with pytest.raises(tercel.ClientConnectorError, match=r"only 127\.0\.0\.1:80 is there"):
                await client.session.get(url)


async def test_no_connection_to_a_closed_server() -> None:
    server = TestServer(app_of(echo=echo), memory=True)
    await server.start_server()
    async with tercel.ClientSession(connector=MemoryConnector(server)) as session:
        url = server.make_url("/echo")
        async with session.get(url) as answer:
            assert answer.status == 200
        await server.close()
        with pytest.raises(tercel.ClientConnectorError):
            await session.get(url)


async def test_no_tls() -> None:
    server = TestServer(app_of(echo=echo), memory=True, scheme="https")
    with pytest.raises(ValueError, match="speaks no TLS"):
        await server.start_server()


async def test_the_application_ends_with_the_client() -> None:
    events = []
    app = app_of(echo=echo)

    async def context(app: web.Application) -> Any:
        events.append("start")
        yield
        events.append("end")

    app.cleanup_ctx.append(context)
    async with client_of(app) as client:
        await client.get("/echo")
        handler = client.server.handler
    assert events == ["start", "end"]
    assert not handler.connections
