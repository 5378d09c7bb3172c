"""A plugin for pytest: coroutine tests, coroutine fixtures, servers and clients as fixtures.

In: `pytest_plugins = "tercel.pytest_plugin"` in a conftest. Out: the fixtures `aiohttp_client`,
`aiohttp_server`, `aiohttp_raw_server`, `aiohttp_unused_port` and `loop` (testing.rst, "Pytest").
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol

import pytest

from tercel.testing.client import TestClient
from tercel.testing.fakes import loop_context
from tercel.testing.server import BaseTestServer, RawTestServer, TestServer, unused_port
from tercel.web import Application, BaseRequest, StreamResponse

__all__ = (
    "AiohttpClient",
    "AiohttpRawServer",
    "AiohttpServer",
    "aiohttp_client",
    "aiohttp_raw_server",
    "aiohttp_server",
    "aiohttp_unused_port",
    "loop",
)


class AiohttpClient(Protocol):
    """The type of the fixture `aiohttp_client`."""

    async def __call__(
        self,
        served: Application | BaseTestServer,
        *,
        server_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestClient[Any]: ...


class AiohttpServer(Protocol):
    """The type of the fixture `aiohttp_server`."""

    async def __call__(
        self, app: Application, *, port: int | None = None, **kwargs: Any
    ) -> TestServer: ...


class AiohttpRawServer(Protocol):
    """The type of the fixture `aiohttp_raw_server`."""

    async def __call__(
        self,
        handler: Callable[[BaseRequest], Awaitable[StreamResponse]],
        *,
        port: int | None = None,
        **kwargs: Any,
    ) -> RawTestServer: ...


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test in the loop of its fixtures."""
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    running = pyfuncitem._request.getfixturevalue("loop")
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    running.run_until_complete(pyfuncitem.obj(**arguments))
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Any:
    """Set up a fixture that is a coroutine or an asynchronous generator."""
    make = fixturedef.func
    is_generator = inspect.isasyncgenfunction(make)
    if not is_generator and not inspect.iscoroutinefunction(make):
        return None
    running = request.getfixturevalue("loop")
    arguments = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
    if request.instance is not None and "self" in inspect.signature(make).parameters:
        make = make.__get__(request.instance)
    made = make(**arguments)
    if is_generator:
        fixturedef.addfinalizer(lambda: running.run_until_complete(anext(made, None)))
    value = running.run_until_complete(anext(made) if is_generator else made)
    fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
    return value


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop of one test."""
    with loop_context() as made:
        yield made


@pytest.fixture
def aiohttp_unused_port() -> Callable[[], int]:
    """A function that gives a free TCP port."""
    return unused_port


@pytest.fixture
async def aiohttp_server(loop: asyncio.AbstractEventLoop) -> AsyncIterator[AiohttpServer]:
    """A function that serves an application until the test ends."""
    servers: list[TestServer] = []

    async def serve(app: Application, *, port: int | None = None, **kwargs: Any) -> TestServer:
        host = kwargs.pop("host", "127.0.0.1")
        server = TestServer(app, host=host, port=port)
        await server.start_server(loop=loop, **kwargs)
        servers.append(server)
        return server

    yield serve
    while servers:
        await servers.pop().close()


@pytest.fixture
async def aiohttp_raw_server(loop: asyncio.AbstractEventLoop) -> AsyncIterator[AiohttpRawServer]:
    """A function that serves a bare handler until the test ends."""
    servers: list[RawTestServer] = []

    async def serve(handler: Any, *, port: int | None = None, **kwargs: Any) -> RawTestServer:
        server = RawTestServer(handler, port=port)
        await server.start_server(loop=loop, **kwargs)
        servers.append(server)
        return server

    yield serve
    while servers:
        await servers.pop().close()


@pytest.fixture
async def aiohttp_client(loop: asyncio.AbstractEventLoop) -> AsyncIterator[AiohttpClient]:
    """A function that gives a client of an application or a test server until the test ends."""
    clients: list[TestClient[Any]] = []

    async def connect(
        served: Application | BaseTestServer,
        *,
        server_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestClient[Any]:
        if isinstance(served, Application):
            server: BaseTestServer = TestServer(served, **(server_kwargs or {}))
        elif isinstance(served, BaseTestServer):
            server = served
        else:
            raise ValueError(f"Unknown argument type: {type(served)!r}")
        client = TestClient(server, loop=loop, **kwargs)
        await client.start_server()
        clients.append(client)
        return client

    yield connect
    while clients:
        await clients.pop().close()
