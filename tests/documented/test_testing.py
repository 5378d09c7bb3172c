"""testing: test servers and clients, mocked requests, and the small tools beside them."""

import asyncio
import socket
import ssl
import unittest
from unittest import mock

import pytest

from tests.documented.subject import improvement, load


@pytest.fixture
def test_utils():
    return load("test_utils")


@pytest.fixture
def make_app(web):
    def make():
        async def hello(request):
            return web.Response(text=f"Hello, world of {request.method}")

        app = web.Application()
        app.router.add_route("*", "/", hello)
        return app

    return make


async def test_a_client_of_an_application(test_utils, make_app):
    async with test_utils.TestClient(test_utils.TestServer(make_app())) as client:
        resp = await client.get("/")
        assert resp.status == 200
        assert "Hello, world" in await resp.text()
    assert client.session.closed


async def test_a_client_started_and_closed_by_hand(test_utils, make_app, aiohttp):
    app = make_app()
    client = test_utils.TestClient(test_utils.TestServer(app), cookie_jar=aiohttp.DummyCookieJar())
    await client.start_server()
    assert client.host == "127.0.0.1"
    assert client.port == client.server.port
    assert client.app is app
    assert str(client.make_url("/a?b=1")) == f"http://127.0.0.1:{client.port}/a?b=1"
    async with client.session.get(client.make_url("/")) as resp:
        assert resp.status == 200
    await client.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", client.port)


@pytest.mark.parametrize("method", ["get", "post", "options", "put", "patch", "delete"])
async def test_each_method(test_utils, make_app, method):
    async with test_utils.TestClient(test_utils.TestServer(make_app())) as client:
        async with getattr(client, method)("/") as resp:
            assert await resp.text() == f"Hello, world of {method.upper()}"
        async with client.request(method.upper(), "/") as resp:
            assert resp.status == 200
        async with client.head("/") as resp:
            assert await resp.read() == b""


async def test_a_client_opens_websockets(test_utils, web):
    async def echo(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str(await ws.receive_str())
        return ws

    app = web.Application()
    app.router.add_get("/ws", echo)
    async with test_utils.TestClient(test_utils.TestServer(app)) as client:
        async with client.ws_connect("/ws") as ws:
            await ws.send_str("said")
            assert await ws.receive_str() == "said"


async def test_a_raw_server(test_utils, web):
    async def handler(request):
        if request.path == "/raise":
            raise web.HTTPConflict
        return web.Response(text=type(request).__name__)

    server = test_utils.RawTestServer(handler)
    assert isinstance(server, test_utils.BaseTestServer)
    async with test_utils.TestClient(server) as client:
        assert await (await client.get("/")).text() == "BaseRequest"
        assert (await client.get("/raise")).status == 409
        assert client.app is None


async def test_a_server_has_its_port_while_it_listens(test_utils, make_app):
    server = test_utils.TestServer(make_app())
    assert server.port is None
    async with server:
        assert server.port > 0
    assert server.port is None


async def test_a_server_by_itself(test_utils, make_app, web, session):
    port = test_utils.unused_port()
    app = make_app()
    server = test_utils.TestServer(app, port=port)
    await server.start_server()
    assert (server.scheme, server.host, server.port) == ("http", "127.0.0.1", port)
    assert server.app is app
    assert isinstance(server.handler, web.Server)
    async with session.get(server.make_url("/")) as resp:
        assert resp.status == 200
    await server.close()


@improvement("the client has the documented `scheme`, the server the documented `server`")
async def test_scheme_and_listening_server(test_utils, make_app):
    server = test_utils.TestServer(make_app())
    async with test_utils.TestClient(server) as client:
        assert client.scheme == "http"
        assert [sock.getsockname()[1] for sock in server.server.sockets] == [client.port]


async def test_urls_have_the_host_that_was_asked_for(test_utils, make_app):
    async with test_utils.TestClient(test_utils.TestServer(make_app(), host="localhost")) as client:
        assert client.make_url("/a").host == "localhost"
        assert (await client.get("/")).url.host == "localhost"


async def test_a_socket_of_ones_own_making(test_utils, make_app):
    asked = []

    def make_socket(host, port, family):
        asked.append((host, port, family))
        sock = socket.socket(family)
        sock.bind((host, port))
        return sock

    server = test_utils.TestServer(make_app(), socket_factory=make_socket)
    assert server.socket_factory is make_socket
    async with test_utils.TestClient(server) as client:
        assert (await client.get("/")).status == 200
    assert asked == [("127.0.0.1", 0, socket.AF_INET)]


def test_a_test_case(test_utils, make_app):
    seen = []

    class Case(test_utils.AioHTTPTestCase):
        async def get_application(self):
            return make_app()

        async def test_new(self):
            async with self.client.request("GET", "/") as response:
                assert response.status == 200
            seen.append(self.loop is asyncio.get_running_loop())

        async def test_old(self):
            assert self.client.app is self.app
            assert self.client.server is self.server
            seen.append(True)

        with pytest.warns(DeprecationWarning):
            test_old = test_utils.unittest_run_loop(test_old)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.wasSuccessful(), result.errors
    assert seen == [True, True]


def test_an_unused_port_can_be_bound(test_utils):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", test_utils.unused_port()))


def test_a_mocked_request(test_utils, web):
    def handler(request):
        assert request.headers.get("token") == "x"
        return web.Response(body=b"data")

    req = test_utils.make_mocked_request("GET", "/", headers={"token": "x"})
    assert isinstance(req, web.Request)
    assert handler(req).body == b"data"
    assert (req.host, str(req.url)) == ("127.0.0.1", "http://127.0.0.1/")


def test_what_a_mocked_request_is_given(test_utils, aiohttp, web):
    app = web.Application()
    req = test_utils.make_mocked_request(
        "POST",
        "/path?query=1",
        version=aiohttp.HttpVersion10,
        app=app,
        match_info={"name": "value"},
        sslcontext=ssl.create_default_context(),
        closing=True,
    )
    assert (req.method, req.path, req.query_string) == ("POST", "/path", "query=1")
    assert req.version == aiohttp.HttpVersion10
    assert req.match_info["name"] == "value"
    assert req.app is app
    assert req.scheme == "https"
    assert not req.keep_alive


def test_the_method_of_a_mocked_request(test_utils):
    assert test_utils.make_mocked_request("get", "/").method == "GET"


@pytest.mark.parametrize("kind", ["StreamResponse", "Response", "HTTPNotFound", "compressed"])
@pytest.mark.parametrize("minor", [0, 1])
async def test_answers_to_a_mocked_request(test_utils, aiohttp, web, kind, minor):
    response = web.Response(text="x") if kind == "compressed" else getattr(web, kind)()
    if kind == "compressed":
        response.enable_compression()
    request = test_utils.make_mocked_request(
        "GET",
        "/",
        headers={"Accept-Encoding": "gzip"},
        version=aiohttp.HttpVersion(1, minor),
    )
    await response.prepare(request)
    assert response.prepared
    assert response.keep_alive is bool(minor)
    assert {"Date", "Server"} <= set(response.headers)
    assert ("Content-Encoding" in response.headers) == (kind == "compressed")
    if kind == "StreamResponse":
        await response.write(b"data")
    await response.write_eof()
    assert "eof" in repr(response)


async def test_a_mocked_request_sends_the_signal_of_its_application(test_utils, web):
    async def on_prepare(request, response):
        response.headers["X-Seen"] = request.path

    app = web.Application()
    app.on_response_prepare.append(on_prepare)
    app.freeze()
    response = web.Response()
    await response.prepare(test_utils.make_mocked_request("GET", "/path", app=app))
    assert response.headers["X-Seen"] == "/path"


async def test_a_mocked_coroutine(test_utils):
    mocked = test_utils.make_mocked_coro(1)
    assert await mocked(1, 2) == 1
    mocked.assert_called_with(1, 2)
    assert isinstance(mocked, mock.Mock)


def test_a_loop_for_tests(test_utils):
    with test_utils.loop_context() as loop:
        assert loop.run_until_complete(asyncio.sleep(0, "done")) == "done"
    assert loop.is_closed()
