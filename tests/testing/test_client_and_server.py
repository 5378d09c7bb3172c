"""TestServer, RawTestServer and TestClient, as testing.rst has them."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from yarl import URL

import tercel
from tercel import web
from tercel.test_utils import (
    AioHTTPTestCase,
    RawTestServer,
    TestClient,
    TestServer,
    loop_context,
    make_mocked_coro,
    make_mocked_request,
)
from tests.ports import free_port

HELD = web.AppKey("held", dict)


async def previous(request: web.Request) -> web.Response:
    if request.method == "POST":
        request.app[HELD]["value"] = (await request.post())["value"]
        return web.Response(body=b"thanks for the data")
    return web.Response(text=f"value: {request.app[HELD]['value']}")


def make_app() -> web.Application:
    app = web.Application()
    app[HELD] = {"value": "none"}
    app.router.add_get("/", previous)
    app.router.add_post("/", previous)
    app.router.add_route("*", "/method", echo_method)
    app.router.add_get("/go", go)
    app.router.add_get("/cookie", give_cookie)
    return app


async def echo_method(request: web.Request) -> web.Response:
    return web.Response(headers={"X-Method": request.method})


async def go(request: web.Request) -> web.Response:
    raise web.HTTPFound("/")


async def give_cookie(request: web.Request) -> web.Response:
    response = web.Response(text=request.cookies.get("a", ""))
    response.set_cookie("a", "b")
    return response


async def test_client_of_an_application() -> None:
    async with TestClient(TestServer(make_app())) as client:
        response = await client.post("/", data={"value": "foo"})
        assert await response.text() == "thanks for the data"
        assert client.app[HELD]["value"] == "foo"
        async with client.get("/") as response:
            assert await response.text() == "value: foo"
        assert client.server.started
        assert not client.server.closed
        assert (client.scheme, client.host) == ("http", "127.0.0.1")
        assert client.make_url("/a") == URL(f"http://127.0.0.1:{client.port}/a")
        assert isinstance(client.session, tercel.ClientSession)
        assert isinstance(client.server.handler, web.Server)
    assert client.server.closed
    assert client.session.closed
    await client.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_methods(method: str) -> None:
    async with TestClient(TestServer(make_app())) as client:
        async with getattr(client, method.lower())("/method") as response:
            assert response.headers["X-Method"] == method
        async with client.request(method, "/method") as response:
            assert response.headers["X-Method"] == method


async def test_redirects_and_cookies() -> None:
    async with TestClient(TestServer(make_app())) as client:
        async with client.get("/go") as response:
            assert len(response.history) == 1
        async with client.head("/go") as response:
            assert response.status == 302
        await client.get("/cookie")
        async with client.get("/cookie") as response:
            assert await response.text() == "b"


async def test_raw_server() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.path)

    async with TestClient(RawTestServer(handler)) as client:
        assert client.app is None
        async with client.get("/raw") as response:
            assert await response.text() == "/raw"


async def test_server_by_itself() -> None:
    server = TestServer(make_app())
    with pytest.raises(AssertionError):
        server.make_url("/")
    async with server:
        with pytest.raises(AssertionError):
            server.make_url("http://other/")
        await server.start_server()
        async with tercel.request("GET", server.make_url("/method")) as response:
            assert response.status == 200
    await server.close()


async def test_server_on_a_chosen_port() -> None:
    port = free_port()
    async with TestServer(make_app(), port=port) as server:
        assert server.port == port


async def test_client_wants_a_server() -> None:
    with pytest.raises(TypeError):
        TestClient(make_app())  # type: ignore[type-var]


async def test_https(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    server = TestServer(make_app())
    await server.start_server(ssl=serving)
    async with TestClient(server) as client:
        assert client.scheme == "https"
        async with client.get("/method", ssl=trusting) as response:
            assert response.status == 200
        with pytest.raises(tercel.ClientConnectorCertificateError):
            await client.get("/method")


def test_unittest_case() -> None:
    seen: list[str] = []

    class Case(AioHTTPTestCase):
        async def get_application(self) -> web.Application:
            return make_app()

        async def test_it(self) -> None:
            async with self.client.get("/") as response:
                seen.append(await response.text())
            assert self.app is self.server.app  # type: ignore[attr-defined]

    result = Case("test_it").run()
    assert result is not None
    assert result.wasSuccessful(), result.errors + result.failures
    assert seen == ["value: none"]


def test_mocked_request() -> None:
    request = make_mocked_request(
        "GET",
        "/a/b?c=d",
        headers={"token": "x", "Cookie": "e=f"},
        match_info={"name": "n"},
        app=(app := make_app()),
    )
    assert isinstance(request, web.Request)
    assert (request.method, request.path, request.query_string) == ("GET", "/a/b", "c=d")
    assert request.headers["TOKEN"] == "x"
    assert request.cookies == {"e": "f"}
    assert request.match_info["name"] == "n"
    assert request.app is app
    assert not request.secure
    assert request.keep_alive
    assert make_mocked_request("GET", "/", sslcontext=object()).secure
    assert not make_mocked_request("GET", "/", closing=True).keep_alive


async def test_mocked_coroutine() -> None:
    mocked = make_mocked_coro(1)
    assert await mocked(1, 2) == 1
    mocked.assert_called_with(1, 2)
    with pytest.raises(KeyError):
        await make_mocked_coro(raise_exception=KeyError())()


def test_loop_context() -> None:
    async def work() -> int:
        return 5

    with loop_context() as loop:
        assert loop.run_until_complete(work()) == 5
    assert loop.is_closed()


PLUGIN_TESTS = """
import pytest
from tercel import web

async def hello(request):
    return web.Response(text="hello")

@pytest.fixture
async def cli(aiohttp_client):
    app = web.Application()
    app.router.add_get("/", hello)
    return await aiohttp_client(app)

@pytest.fixture
async def counted():
    yield 5

async def test_client(cli, counted):
    assert counted == 5
    response = await cli.get("/")
    assert await response.text() == "hello"

async def test_raw(aiohttp_raw_server, aiohttp_client, aiohttp_unused_port):
    server = await aiohttp_raw_server(hello, port=aiohttp_unused_port())
    client = await aiohttp_client(server)
    assert (await client.get("/x")).status == 200

async def test_server(aiohttp_server, aiohttp_client):
    server = await aiohttp_server(web.Application())
    client = await aiohttp_client(server)
    assert (await client.get("/x")).status == 404

async def test_in_memory(memory_client, event_loop, loop):
    app = web.Application()
    app.router.add_get("/", hello)
    client = await memory_client(app)
    assert client.server.server is None and event_loop is loop
    assert await (await client.get("/")).text() == "hello"

async def test_short_names(web_client, web_server, raw_server, scripted_peer):
    client = await web_client(await web_server(web.Application()))
    assert (await client.get("/x")).status == 404
    client = await web_client(await raw_server(hello))
    async def script(line):
        await line.expect_head()
        await line.say(b"HTTP/1.1 204 Well said\\r\\n\\r\\n")
    peer = await scripted_peer(script)
    assert (await client.session.get(peer.url())).reason == "Well said"

class TestClass:
    @pytest.fixture
    async def made(self):
        return self

    async def test_method(self, made):
        assert isinstance(made, TestClass)
"""


def test_plugin(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = "tercel.pytest_plugin"')
    (tmp_path / "test_it.py").write_text(PLUGIN_TESTS)
    source = str(Path(tercel.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
