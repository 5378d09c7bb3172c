"""Packages of others that were written for aiohttp, run on Tercel through the alias.

Each program runs in a process of its own, with build/alias behind our source on the path. They were
installed without their dependencies (alias_packages.txt), so that no aiohttp is among them.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tercel
from tests.peers import require_folder

BEGIN = """
import asyncio
import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

def serve(handler, method="GET", path="/", app=None):
    app = app or web.Application()
    app.router.add_route(method, path, handler)
    return app
"""

END = """
async def bounded():
    async with asyncio.timeout(60):
        await main()
    print("kept every word")

asyncio.run(bounded())
"""

PROGRAMS = {
    "aiohttp_jinja2": """
import aiohttp_jinja2, jinja2

@aiohttp_jinja2.template("a.html")
async def page(request):
    return {"x": 5}

class View(web.View):
    @aiohttp_jinja2.template("a.html")
    async def get(self):
        return {"x": 6}

async def main():
    app = web.Application()
    loader = jinja2.DictLoader({"a.html": "{{ x }} {{ url('page', n='1') }}"})
    aiohttp_jinja2.setup(app, loader=loader)
    app.router.add_get("/{n}", page, name="page")
    app.router.add_view("/v/w", View)
    async with TestClient(TestServer(app)) as client:
        assert await (await client.get("/1")).text() == "5 /1"
        assert await (await client.get("/v/w")).text() == "6 /1"
""",
    "aiohttp_session": """
import aiohttp_session

async def count(request):
    session = await aiohttp_session.get_session(request)
    session["n"] = session.get("n", 0) + 1
    return web.json_response(session["n"])

async def main():
    app = serve(count)
    aiohttp_session.setup(app, aiohttp_session.SimpleCookieStorage())
    async with TestClient(TestServer(app)) as client:
        assert [await (await client.get("/")).json() for _ in range(3)] == [1, 2, 3]
""",
    "aiohttp_cors": """
import aiohttp_cors

async def hello(request):
    return web.Response(text="hello")

async def main():
    app = web.Application()
    options = aiohttp_cors.ResourceOptions(allow_credentials=True, allow_headers="*")
    cors = aiohttp_cors.setup(app, defaults={"http://a.example": options})
    cors.add(app.router.add_get("/", hello))
    async with TestClient(TestServer(app)) as client:
        origin = {"Origin": "http://a.example"}
        async with client.get("/", headers=origin) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "http://a.example"
        asked = {**origin, "Access-Control-Request-Method": "GET"}
        async with client.options("/", headers=asked) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Methods"] == "GET"
""",
    "aiohttp_security": """
import aiohttp_security

class Policy(aiohttp_security.AbstractAuthorizationPolicy):
    async def authorized_userid(self, identity):
        return identity

    async def permits(self, identity, permission, context=None):
        return permission == "read"

async def login(request):
    response = web.HTTPFound("/")
    await aiohttp_security.remember(request, response, "bob")
    raise response

async def index(request):
    await aiohttp_security.check_permission(request, "read")
    return web.Response(text=await aiohttp_security.authorized_userid(request))

async def secret(request):
    await aiohttp_security.check_permission(request, "write")

async def main():
    app = serve(index)
    serve(login, path="/login", app=app)
    serve(secret, path="/secret", app=app)
    aiohttp_security.setup(app, aiohttp_security.CookiesIdentityPolicy(), Policy())
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/")).status == 401
        assert await (await client.get("/login")).text() == "bob"
        assert (await client.get("/secret")).status == 403
""",
    "aiohttp_sse": """
from aiohttp_sse import sse_response

async def events(request):
    async with sse_response(request) as response:
        await response.send("one", id="1", event="e")
        await response.send("two\\nlines")
    return response

async def main():
    async with TestClient(TestServer(serve(events))) as client:
        answer = await client.get("/")
        assert answer.content_type == "text/event-stream"
        text = await answer.text()
        assert "id: 1" in text and "data: two" in text and "data: lines" in text
""",
    "aiojobs": """
import aiojobs.aiohttp

done = asyncio.Event()

async def work():
    done.set()

async def spawn(request):
    await aiojobs.aiohttp.spawn(request, work())
    return web.Response()

@aiojobs.aiohttp.atomic
async def atomic(request):
    await asyncio.sleep(0)
    return web.Response(text="atomic")

async def main():
    app = serve(spawn)
    serve(atomic, path="/atomic", app=app)
    aiojobs.aiohttp.setup(app)
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/")).status == 200
        await done.wait()
        assert await (await client.get("/atomic")).text() == "atomic"
""",
    "aiohttp_retry": """
from aiohttp_retry import ExponentialRetry, RetryClient

count = 0

async def flaky(request):
    global count
    count += 1
    return web.Response(status=503 if count < 3 else 200)

async def main():
    async with TestServer(serve(flaky)) as server:
        options = ExponentialRetry(attempts=5, start_timeout=0.01)
        async with RetryClient(retry_options=options) as client:
            async with client.get(str(server.make_url("/"))) as answer:
                assert answer.status == 200
    assert count == 3
""",
    "aiohttp_client_cache": """
from aiohttp_client_cache import CachedSession, CacheBackend

async def main():
    asked = 0

    async def count(request):
        nonlocal asked
        asked += 1
        return web.json_response({"asked": asked}, headers={"X-A": "b"})

    async with TestServer(serve(count)) as server:
        async with CachedSession(cache=CacheBackend(expire_after=60)) as session:
            for is_kept in (False, True):
                async with session.get(server.make_url("/"), headers={"X": "1"}) as answer:
                    assert answer.from_cache is is_kept
                    assert await answer.json() == {"asked": 1}
                    assert (answer.status, answer.headers["X-A"]) == (200, "b")
                    assert answer.content_type == "application/json"
""",
    "aiohttp_socks": """
from aiohttp_socks import ProxyConnector

asked = []

async def relay(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()

async def proxy(reader, writer):
    await reader.readexactly(3)
    writer.write(bytes([5, 0]))
    head = await reader.readexactly(4)
    size = 4 if head[3] == 1 else (await reader.readexactly(1))[0]
    asked.append(await reader.readexactly(size))
    port = int.from_bytes(await reader.readexactly(2), "big")
    writer.write(bytes([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
    there = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(relay(reader, there[1]), relay(there[0], writer))

async def hello(request):
    return web.Response(text="hello")

async def main():
    listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with TestServer(serve(hello)) as server:
        for host, name in (("127.0.0.1", bytes([127, 0, 0, 1])), ("site.invalid", b"site.invalid")):
            connector = ProxyConnector.from_url(f"socks5://127.0.0.1:{port}", rdns=True)
            async with aiohttp.ClientSession(connector=connector) as session:
                for _ in range(2):
                    async with session.get(server.make_url("/").with_host(host)) as answer:
                        assert await answer.text() == "hello"
            assert asked.pop() == name and not asked
    listening.close()
""",
    "aiohttp_swagger3": """
from aiohttp_swagger3 import SwaggerDocs, SwaggerUiSettings

async def item(request, name: str):
    \"\"\"
    ---
    parameters:
      - {name: name, in: path, required: true, schema: {type: string}}
    responses:
      '200': {description: fine}
    \"\"\"
    return web.json_response({"name": name})

async def main():
    app = web.Application()
    docs = SwaggerDocs(app, swagger_ui_settings=SwaggerUiSettings(path="/docs"))
    docs.add_routes([web.get("/items/{name}", item)])
    async with TestClient(TestServer(app)) as client:
        assert await (await client.get("/items/a")).json() == {"name": "a"}
        assert "/items/{name}" in (await (await client.get("/docs/swagger.json")).json())["paths"]
""",
    "aioresponses": """
from aioresponses import aioresponses

async def main():
    async with aiohttp.ClientSession() as session:
        with aioresponses() as mocked:
            url = "http://example.com/x"
            mocked.get(url, payload={"a": 1}, headers={"X-A": "b", "Set-Cookie": "c=d"})
            mocked.post(url, status=500, reason="Bad day")
            mocked.get(url, exception=aiohttp.ClientConnectionError("none"))
            async with session.get(url) as answer:
                assert answer.status == 200 and answer.ok
                assert await answer.json() == {"a": 1}
                assert answer.headers["X-A"] == "b"
                assert (b"X-A", b"b") in answer.raw_headers
                assert str(answer.url) == url
            async with session.post(url, json={}) as answer:
                try:
                    answer.raise_for_status()
                except aiohttp.ClientResponseError as error:
                    assert error.status == 500
                else:
                    raise AssertionError
            try:
                await session.get(url)
            except aiohttp.ClientConnectionError:
                pass
            else:
                raise AssertionError
            mocked.assert_called_with(url, method="GET")
""",
    "gql": """
import json
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.aiohttp_websockets import AIOHTTPWebsocketsTransport

async def answer(request):
    return web.json_response({"data": {"asked": (await request.json())["query"]}})

async def stream(request):
    ws = web.WebSocketResponse(protocols=("graphql-transport-ws",))
    await ws.prepare(request)
    async for message in ws:
        asked = json.loads(message.data)
        if asked["type"] == "connection_init":
            await ws.send_json({"type": "connection_ack"})
        elif asked["type"] == "subscribe":
            for number in range(3):
                data = {"data": {"n": number}}
                await ws.send_json({"type": "next", "id": asked["id"], "payload": data})
            await ws.send_json({"type": "complete", "id": asked["id"]})
    return ws

async def main():
    app = serve(answer, "POST")
    app.router.add_get("/", stream)
    async with TestServer(app) as server:
        url = server.make_url("/")
        async with Client(transport=AIOHTTPTransport(url=str(url), ssl=False)) as session:
            assert "me" in (await session.execute(gql("{ me }")))["asked"]
        transport = AIOHTTPWebsocketsTransport(url=str(url.with_scheme("ws")))
        async with Client(transport=transport) as session:
            got = [each["n"] async for each in session.subscribe(gql("subscription { n }"))]
        assert got == [0, 1, 2]
""",
    "slack_sdk": """
from slack_sdk.web.async_client import AsyncWebClient

async def api(request):
    assert request.headers["Authorization"] == "Bearer xoxb-1"
    return web.json_response({"ok": True, "args": dict(await request.post())})

async def main():
    async with TestServer(serve(api, "*", "/api/{method}")) as server:
        client = AsyncWebClient(token="xoxb-1", base_url=str(server.make_url("/api/")))
        assert (await client.api_test(foo="bar"))["ok"]
        assert (await client.chat_postMessage(channel="#a", text="hi"))["ok"]
""",
    "socketio": """
import socketio

async def main():
    server = socketio.AsyncServer(async_mode="aiohttp")
    app = web.Application()
    server.attach(app)

    @server.event
    async def hello(sid, data):
        return "hello, " + data

    async with TestServer(app) as running:
        client = socketio.AsyncClient()
        await client.connect(str(running.make_url("")), transports=["websocket"])
        assert await client.call("hello", "you") == "hello, you"
        await client.disconnect()
""",
    "aiohttp_middlewares": """
from aiohttp_middlewares import cors_middleware, error_middleware

async def fail(request):
    raise web.HTTPConflict

async def main():
    app = serve(fail)
    app.middlewares.extend([error_middleware(), cors_middleware(allow_all=True)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/", headers={"Origin": "http://a.example"})
        assert answer.status == 409
""",
    "aiohttp_remotes": """
import aiohttp_remotes

async def tell(request):
    return web.json_response([request.remote, request.scheme, request.host])

async def main():
    app = serve(tell)
    await aiohttp_remotes.setup(app, aiohttp_remotes.XForwardedRelaxed())
    async with TestClient(TestServer(app)) as client:
        fields = {
            "X-Forwarded-For": "192.0.2.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "a.example",
        }
        answer = await client.get("/", headers=fields)
        assert await answer.json() == ["192.0.2.1", "https", "a.example"]
""",
}

SUITE = """
import asyncio
import aiohttp
import pytest
import pytest_aiohttp
import tercel
from aiohttp import web

async def hello(request):
    return web.Response(body=b"Hello, world")

def create_app():
    app = web.Application()
    app.router.add_route("GET", "/", hello)
    return app

@pytest.fixture
async def cli(aiohttp_client):
    return await aiohttp_client(create_app())

async def test_hello(aiohttp_client):
    client = await aiohttp_client(create_app())
    resp = await client.get("/")
    assert resp.status == 200
    assert "Hello, world" in await resp.text()

async def test_a_fixture(cli):
    assert (await cli.get("/")).status == 200
    assert isinstance(cli, tercel.test_utils.TestClient)

async def test_servers(aiohttp_raw_server, aiohttp_server, aiohttp_client):
    client = await aiohttp_client(await aiohttp_raw_server(hello))
    assert (await client.get("/x")).status == 200
    client = await aiohttp_client(await aiohttp_server(create_app()))
    assert (await client.get("/x")).status == 404

async def test_the_alias():
    assert web is tercel.web
"""


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python in `folder` with our source and the packages on its path."""
    source = str(Path(tercel.__file__).parent.parent)
    path = os.pathsep.join([source, require_folder("alias", "pytest_aiohttp")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": "", **more},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("package", sorted(PROGRAMS))
def test_a_package(package: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(BEGIN + PROGRAMS[package] + END)
    done = run(tmp_path, "-W", "ignore", "-m", "tercel", "compat", "program.py")
    assert (done.returncode, done.stdout) == (0, "kept every word\n"), done.stderr


@pytest.mark.parametrize("plugin", ["tercel.compat", "tercel.pytest_plugin"])
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_pytest_aiohttp(mode: str, plugin: str, tmp_path: Path) -> None:
    suite = SUITE
    if mode == "strict":
        suite = suite.replace("@pytest.fixture", "@__import__('pytest_asyncio').fixture")
        suite += "\npytestmark = pytest.mark.asyncio\n"
    (tmp_path / "test_it.py").write_text(suite)
    settings = f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(settings)
    flags = ["--tercel-alias"] if plugin == "tercel.pytest_plugin" else []
    done = run(tmp_path, "-m", "pytest", "-q", "-p", plugin, *flags)
    assert "4 passed" in done.stdout, done.stdout + done.stderr


ASYNCIO_SUITE = """
import asyncio
import pytest
import pytest_asyncio
from tercel import web

async def hello(request):
    return web.Response(text="hello")

def make_app():
    app = web.Application()
    app.router.add_get("/", hello)
    return app

@pytest_asyncio.fixture
async def cli(aiohttp_client):
    return await aiohttp_client(make_app())

@pytest.mark.asyncio
async def test_marked(cli, loop):
    assert loop is asyncio.get_running_loop()
    assert (await cli.get("/")).status == 200

@pytest.mark.asyncio(loop_scope="module")
async def test_in_the_loop_of_the_module(aiohttp_client, loop):
    assert loop is asyncio.get_running_loop()
    client = await aiohttp_client(make_app())
    assert (await client.get("/")).status == 200

@pytest.mark.asyncio
async def test_a_class_of_its_own(aiohttp_client, aiohttp_client_cls):
    assert type(await aiohttp_client(make_app())) is aiohttp_client_cls
"""

UNMARKED = """

@pytest.fixture
async def own(memory_client):
    return await memory_client(make_app())

async def test_unmarked(own, loop):
    assert loop is asyncio.get_running_loop()
    assert (await own.get("/")).status == 200
"""


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_our_plugin_beside_pytest_asyncio(mode: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(ASYNCIO_SUITE + UNMARKED)
    settings = f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(settings)
    flags = ["-p", "no:aiohttp", "-p", "tercel.pytest_plugin", "-W", "error::ResourceWarning"]
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "tercel.compat", *flags)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
