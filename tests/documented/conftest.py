"""Fixtures of the parity suite: the subject's modules, and servers of it on ephemeral ports."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from tests import ports
from tests.documented.neutral import Server
from tests.documented.site import Site, reply
from tests.documented.subject import SUBJECT, load

Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
def aiohttp() -> ModuleType:
    """The subject, whatever its name."""
    return load()


@pytest.fixture
def web() -> ModuleType:
    """The subject's server."""
    return load("web")


@pytest.fixture
def logger_root() -> str:
    """The first part of the names of the subject's loggers."""
    return SUBJECT


def build_app(web: ModuleType, what: Any) -> Any:
    """An application of `what`: itself, one handler for everything, or a list of routes."""
    if isinstance(what, web.Application):
        return what
    app = web.Application()
    if callable(what):
        app.router.add_route("*", "/{tail:.*}", what)
    else:
        app.add_routes(what)
    return app


@pytest.fixture
async def serve(web: ModuleType) -> AsyncIterator[Serve]:
    """Start a server: `server = await serve(app_or_handler_or_routes, **options of AppRunner)`."""
    running: list[Server] = []

    async def start(
        what: Any,
        *,
        ssl_context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        **options: Any,
    ) -> Server:
        options.setdefault("access_log", None)
        options.setdefault("shutdown_timeout", 0.1)
        if isinstance(what, web.Server):
            options.pop("access_log")
            runner = web.ServerRunner(what, **options)
        else:
            runner = web.AppRunner(build_app(web, what), **options)
        await runner.setup()
        site = web.TCPSite(runner, host, 0, ssl_context=ssl_context)
        await site.start()
        port = next(
            address[1] for address in runner.addresses if isinstance(address, (tuple, list))
        )
        server = Server(runner, site, host, port)
        running.append(server)
        return server

    yield start
    for server in reversed(running):
        await server.close()


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    return ports.free_port()


@pytest.fixture
def grab(serve: Serve, web: ModuleType) -> Callable[..., Awaitable[Any]]:
    """Answer what a handler sees: `await grab(lambda request: request.path, "GET", "/a")`.

    The function may be a coroutine function. What it raises is raised here.
    """

    async def ask(
        look: Callable[[Any], Any],
        method: str = "GET",
        target: str = "/",
        headers: Any = (),
        body: bytes | None = None,
        **options: Any,
    ) -> Any:
        seen: list[Any] = []
        errors: list[BaseException] = []

        async def handler(request: Any) -> Any:
            try:
                found = look(request)
                if hasattr(found, "__await__"):
                    found = await found
                seen.append(found)
            except Exception as error:
                errors.append(error)
            return web.Response(text="seen")

        server = await serve(handler, **options)
        answer = await server.request(method, target, headers, body)
        if errors:
            raise errors[0]
        assert seen, f"the handler was not called: {answer}"
        return seen[0]

    return ask


@pytest.fixture
async def site() -> AsyncIterator[Callable[..., Awaitable[Site]]]:
    """Start a scripted server: `there = await site(script)`; see tests/documented/site.py."""
    running: list[Site] = []

    async def start(script: Any = b"", *, continues: bool = True, **options: Any) -> Site:
        there = Site(script or reply(b"ok"), continues=continues)
        await there.start(**options)
        running.append(there)
        return there

    yield start
    for there in reversed(running):
        await there.close()


@pytest.fixture
async def session(aiohttp: ModuleType) -> AsyncIterator[Any]:
    """A client session of the subject, closed at the end."""
    async with aiohttp.ClientSession() as session:
        yield session
    await asyncio.sleep(0)


@pytest.fixture
def stream_of(aiohttp: ModuleType) -> Callable[[bytes], Any]:
    """Make a whole body of octets, as the subject's StreamReader."""

    class Flow:
        _reading_paused = False

        def pause_reading(self, *args: Any, **kwargs: Any) -> None:
            """Nothing more comes anyway."""

        resume_reading = pause_reading

    def make(data: bytes) -> Any:
        stream = aiohttp.StreamReader(Flow(), 2**16, loop=asyncio.get_running_loop())
        if data:
            stream.feed_data(data)
        stream.feed_eof()
        return stream

    return make
