"""web_reference.rst "Running Applications"; web_advanced.rst "Graceful shutdown"."""

import asyncio
import socket

import pytest

from tests.documented.neutral import Connection
from tests.documented.subject import improvement


@pytest.fixture
def app(web):
    async def handler(request):
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def ask(host, port):
    connection = Connection(*await asyncio.open_connection(host, port))
    try:
        return (await connection.request("GET", "/")).text
    finally:
        await connection.close()


def test_hierarchy(web):
    for name in ("AppRunner", "ServerRunner"):
        assert issubclass(getattr(web, name), web.BaseRunner)
    for name in ("TCPSite", "UnixSite", "SockSite", "NamedPipeSite"):
        assert issubclass(getattr(web, name), web.BaseSite)
    assert issubclass(web.GracefulExit, SystemExit)
    assert web.GracefulExit().code == 1


async def test_runner_and_tcp_site(web, app):
    runner = web.AppRunner(app)
    assert runner.app is app
    assert runner.server is None
    await runner.setup()
    assert isinstance(runner.server, web.Server)
    assert runner.addresses == []
    assert runner.sites == set()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.sites == {site}
    ((host, port),) = runner.addresses
    assert host == "127.0.0.1"
    assert site.port == port
    assert await ask(host, port) == "hello"
    await runner.cleanup()
    assert runner.sites == set()
    assert runner.addresses == []
    with pytest.raises(OSError):
        await asyncio.open_connection(host, port)


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("127.0.0.1", 0, "http://127.0.0.1:0"),
        (None, None, "http://0.0.0.0:8080"),
        ("localhost", 82, "http://localhost:82"),
        ("::1", 81, "http://[::1]:81"),
    ],
)
async def test_name_of_a_tcp_site(web, app, host, port, name):
    runner = web.AppRunner(app)
    await runner.setup()
    assert web.TCPSite(runner, host, port).name == name
    await runner.cleanup()


async def test_site_before_setup(web, app):
    with pytest.raises(RuntimeError):
        web.TCPSite(web.AppRunner(app))


async def test_site_started_twice(web, app):
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    with pytest.raises(RuntimeError):
        await site.start()
    await runner.cleanup()


async def test_site_stopped_before_start(web, app):
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(RuntimeError):
        await web.TCPSite(runner, "127.0.0.1", 0).stop()
    await runner.cleanup()


async def test_stopping_one_site_of_two(web, app):
    runner = web.AppRunner(app)
    await runner.setup()
    sites = [web.TCPSite(runner, "127.0.0.1", 0) for _ in range(2)]
    for site in sites:
        await site.start()
    ports = [address[1] for address in runner.addresses]
    assert len(ports) == 2
    await sites[0].stop()
    assert runner.sites == {sites[1]}
    assert await ask("127.0.0.1", sites[1].port) == "hello"
    await runner.cleanup()


async def test_unix_site(web, app, tmp_path):
    path = str(tmp_path / "s")
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.UnixSite(runner, path)
    assert site.name == f"http://unix:{path}:"
    await site.start()
    assert runner.addresses == [path]
    connection = Connection(*await asyncio.open_unix_connection(path))
    assert (await connection.request("GET", "/")).text == "hello"
    await connection.close()
    await runner.cleanup()


async def test_sock_site(web, app):
    sock = socket.create_server(("127.0.0.1", 0))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.SockSite(runner, sock)
    await site.start()
    host, port = sock.getsockname()
    assert site.name == f"http://{host}:{port}"
    assert runner.addresses == [(host, port)]
    assert await ask(host, port) == "hello"
    await runner.cleanup()


async def test_sock_site_on_a_unix_socket(web, app, tmp_path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(tmp_path / "s"))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.SockSite(runner, sock)
    await site.start()
    assert site.name == f"http://unix:{tmp_path / 's'}:"
    await runner.cleanup()


async def test_port_in_use(web, app):
    taken = socket.create_server(("127.0.0.1", 0))
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(OSError):
        await web.TCPSite(runner, "127.0.0.1", taken.getsockname()[1]).start()
    await runner.cleanup()
    taken.close()


async def test_reuse_port(web, app):
    runner = web.AppRunner(app)
    await runner.setup()
    first = web.TCPSite(runner, "127.0.0.1", 0, reuse_port=True)
    await first.start()
    second = web.TCPSite(runner, "127.0.0.1", first.port, reuse_port=True)
    await second.start()
    assert first.port == second.port
    await runner.cleanup()


@pytest.mark.parametrize("wrong", [None, object(), "app"])
def test_a_runner_runs_applications(web, wrong):
    with pytest.raises(TypeError):
        web.AppRunner(wrong)


async def test_a_subapp_cannot_be_run(web):
    app, sub = web.Application(), web.Application()
    app.add_subapp("/a", sub)
    app.freeze()
    runner = web.AppRunner(app)
    await runner.setup()
    await runner.cleanup()


async def test_cleanup_twice_and_before_setup(web, app):
    runner = web.AppRunner(app)
    await runner.cleanup()
    await runner.setup()
    await runner.cleanup()
    await runner.cleanup()


async def test_failing_startup(web):
    async def fail(app):
        raise RuntimeError("cannot start")

    app = web.Application()
    app.on_startup.append(fail)
    runner = web.AppRunner(app)
    with pytest.raises(RuntimeError, match="cannot start"):
        await runner.setup()
    await runner.cleanup()


@improvement("a misspelt option is told, not dropped")
async def test_unknown_options(web, app):
    with pytest.raises(TypeError):
        runner = web.AppRunner(app, no_such_option=1)
        await runner.setup()


async def test_handler_args(serve, web):
    async def handler(request):
        return web.Response()

    app = web.Application(handler_args={"max_line_size": 50})
    app.router.add_get("/{x}", handler)
    server = await serve(app)
    assert (await server.get("/" + "a" * 20)).status == 200
    assert (await server.get("/" + "a" * 100)).status in (400, 414)


async def test_tls(serve, web):
    import ssl
    import subprocess
    import tempfile

    from tests.peers import require_program

    require_program("openssl")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-keyout",
                f"{folder}/key",
                "-out",
                f"{folder}/cert",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ],
            check=True,
            capture_output=True,
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{folder}/cert", f"{folder}/key")
        trust = ssl.create_default_context(cafile=f"{folder}/cert")

    async def handler(request):
        assert request.transport.get_extra_info("ssl_object") is not None
        return web.Response(text=f"{request.scheme} {request.secure} {request.url}")

    server = await serve(handler, ssl_context=context)
    assert server.site.name.startswith("https://")
    connection = await server.connect(ssl=trust, server_hostname="localhost")
    answer = await connection.request("GET", "/a", {"Host": "h"})
    assert answer.text == "https True https://h/a"
    await connection.close()


# Shutdown


async def test_order_of_shutdown(web):
    seen = []
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def handler(request):
        inside.set()
        await go_on.wait()
        seen.append("handler done")
        return web.Response(text="done")

    async def on_shutdown(app):
        seen.append("on_shutdown")
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", site.port)
        go_on.set()

    async def on_cleanup(app):
        seen.append("on_cleanup")

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_shutdown.append(on_shutdown)
    app.on_cleanup.append(on_cleanup)
    runner = web.AppRunner(app, shutdown_timeout=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    busy = Connection(*await asyncio.open_connection("127.0.0.1", site.port))
    await busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await inside.wait()
    ending = asyncio.create_task(runner.cleanup())
    answer = await busy.receive()
    assert answer.text == "done"
    assert await busy.is_closed_by_server()
    await ending
    assert seen == ["on_shutdown", "handler done", "on_cleanup"]
    await busy.close()


async def test_idle_connections_are_closed(serve, app):
    server = await serve(app)
    idle = await server.connect()
    await idle.request("GET", "/")
    fresh = await server.connect()
    await asyncio.sleep(0.01)
    await server.runner.cleanup()
    assert await idle.is_closed_by_server()
    assert await fresh.is_closed_by_server()


@improvement("idle connections are closed before on_shutdown, in the documented order")
async def test_idle_connections_are_closed_first(serve, app):
    seen = []

    async def on_shutdown(app):
        seen.append(await asyncio.wait_for(idle.is_closed_by_server(), 5))

    app.on_shutdown.append(on_shutdown)
    server = await serve(app)
    idle = await server.connect()
    await idle.request("GET", "/")
    await server.runner.cleanup()
    assert seen == [True]


async def test_handlers_that_do_not_end_are_cancelled(web):
    seen = []
    inside = asyncio.Event()

    async def handler(request):
        inside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def on_cleanup(app):
        seen.append("on_cleanup")

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_cleanup.append(on_cleanup)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    busy = Connection(*await asyncio.open_connection("127.0.0.1", site.port))
    await busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await inside.wait()
    await runner.cleanup()
    assert seen == ["cancelled", "on_cleanup"]
    assert await busy.is_closed_by_server()
    await busy.close()


# Time


async def test_keepalive_timeout(serve, web):
    async def handler(request):
        return web.Response()

    connection = await (await serve(handler, keepalive_timeout=0.05)).connect()
    await connection.request("GET", "/")
    assert await connection.is_closed_by_server()


async def test_keepalive_timeout_bounds_the_first_request(serve, web):
    async def handler(request):
        return web.Response()

    connection = await (await serve(handler, keepalive_timeout=0.05)).connect()
    await connection.send(b"GET / HT")
    raw = await connection.receive_raw()
    assert raw == b"" or b" 408 " in raw


async def test_keepalive_timeout_does_not_stop_a_handler(serve, web):
    async def handler(request):
        await asyncio.sleep(0.15)
        return web.Response(text="slow")

    assert (await (await serve(handler, keepalive_timeout=0.05)).get("/")).text == "slow"


# Peer disconnection


async def test_a_handler_goes_on_when_its_client_leaves(serve, web):
    inside, left, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request):
        inside.set()
        await left.wait()
        await asyncio.sleep(0.02)
        ended.set()
        return web.Response()

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await inside.wait()
    connection.abort()
    left.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_handler_cancellation(serve, web):
    inside, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(request):
        inside.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    connection = await (await serve(handler, handler_cancellation=True)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await inside.wait()
    connection.abort()
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_handler_cancellation_while_it_reads(serve, web):
    inside, failed = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def handler(request):
        inside.set()
        try:
            await request.read()
        except BaseException as error:
            failed.set_result(type(error))
            raise

    connection = await (await serve(handler, handler_cancellation=True)).connect()
    await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    await inside.wait()
    connection.abort()
    assert await asyncio.wait_for(failed, 5) is asyncio.CancelledError


async def test_reading_from_a_client_that_left(serve, web):
    inside, failed = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def handler(request):
        inside.set()
        try:
            await request.text()
        except OSError as error:
            failed.set_result(error)
            raise

    connection = await (await serve(handler)).connect()
    await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    await inside.wait()
    connection.abort()
    assert isinstance(await asyncio.wait_for(failed, 5), OSError)


async def test_writing_to_a_client_that_left(serve, web):
    inside, failed = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        inside.set()
        try:
            while True:
                await response.write(b"x" * 10000)
                await asyncio.sleep(0)
        except OSError as error:
            failed.set_result(error)
            raise

    connection = await (await serve(handler)).connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await inside.wait()
    connection.abort()
    assert isinstance(await asyncio.wait_for(failed, 5), ConnectionError)
