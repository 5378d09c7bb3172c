"""A plugin for pytest: coroutine tests, coroutine fixtures, servers and clients as fixtures.

In: `pytest_plugins = "tercel.pytest_plugin"` in a conftest, or `-p tercel.pytest_plugin`. Out: the
fixtures of testing.rst, "Pytest", and ours. Tests that pytest-asyncio takes, in its modes auto and
strict, are left to it, and our fixtures serve them too. With `--tercel-alias`, or TERCEL_ALIAS
in the environment, `import aiohttp` gives Tercel (see `tercel.compat`).
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import pytest

from tercel.testing.client import TestClient
from tercel.testing.fakes import loop_context
from tercel.testing.peer import Line, ScriptedPeer
from tercel.testing.server import BaseTestServer, RawTestServer, TestServer, unused_port
from tercel.web import Application, BaseRequest, StreamResponse

__all__ = (
    "AiohttpClient",
    "AiohttpRawServer",
    "AiohttpServer",
    "aiohttp_client",
    "aiohttp_client_cls",
    "aiohttp_raw_server",
    "aiohttp_server",
    "aiohttp_unused_port",
    "loop",
    "memory_client",
    "raw_server",
    "scripted_peer",
    "web_client",
    "web_server",
)


class AiohttpClient(Protocol):
    """The type of the fixture `aiohttp_client`."""

    async def __call__(
        self,
        served: Application | BaseTestServer[Any],
        server_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestClient[Any, Any]: ...


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


# The alias


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Take `--tercel-alias`; where it is given, act before pytest loads the plugins of others."""
    parser.getgroup("tercel").addoption(
        "--tercel-alias",
        action="store_true",
        help="import aiohttp gives Tercel (also TERCEL_ALIAS=1, or -p tercel.compat)",
    )
    config: Any = pluginmanager.get_plugin("pytestconfig")
    said = [*map(str, config.invocation_params.args), os.environ.get("PYTEST_ADDOPTS", "")]
    if os.environ.get("TERCEL_ALIAS", "") not in ("", "0") or "--tercel-alias" in " ".join(said):
        _install_alias()


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Take `--tercel-alias` from `addopts` of a configuration file too."""
    if early_config.known_args_namespace.tercel_alias:
        _install_alias()


def _install_alias() -> None:
    from tercel.compat import pytest_addoption as install

    install()


# Whose test it is


def _is_theirs(node: Any, config: pytest.Config) -> bool:
    """True where pytest-asyncio runs the coroutines of this test (or fixture's node)."""
    plugins = config.pluginmanager
    if plugins.hasplugin("asyncio"):
        mode = config.getoption("asyncio_mode", None) or config.getini("asyncio_mode")
        if str(getattr(mode, "value", mode)) == "auto" or not isinstance(node, pytest.Function):
            return True
        if node.get_closest_marker("asyncio") is not None:
            return True
    return False


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test in the loop of its fixtures."""
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    if _is_theirs(pyfuncitem, pyfuncitem.config):
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
    if _is_theirs(request.node, request.config):
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
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop of one test: ours, or pytest-asyncio's where the test is theirs."""
    if not _is_theirs(request.node, request.config):
        with loop_context() as made:
            yield made
        return
    runner = _find_their_runner(request)
    yield asyncio.get_event_loop() if runner is None else runner.get_loop()


def _find_their_runner(request: pytest.FixtureRequest) -> Any:
    """What pytest-asyncio runs this test with, set up so that it outlives our fixtures."""
    marker = request.node.get_closest_marker("asyncio")
    scope = None if marker is None else marker.kwargs.get("loop_scope")
    try:
        scope = scope or request.config.getini("asyncio_default_test_loop_scope") or "function"
        return request.getfixturevalue(f"_{scope}_scoped_runner")
    except (ValueError, pytest.FixtureLookupError):
        return None


if importlib.util.find_spec("pytest_asyncio") is None:

    @pytest.fixture
    def event_loop(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
        """`loop`, under the name that pytest-asyncio had for it."""
        return loop


class _Made:
    """What the fixtures of one test have made, to be closed in the loop that it was made in."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], Awaitable[Any]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def keep(self, close: Callable[[], Awaitable[Any]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._closers.append(close)

    async def _close(self) -> None:
        failures = []
        while self._closers:
            try:
                await self._closers.pop()()
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def close(self) -> None:
        if self._closers and self._loop is not None and not self._loop.is_closed():
            self._loop.run_until_complete(self._close())


@pytest.fixture
def _made(request: pytest.FixtureRequest) -> Iterator[_Made]:
    request.getfixturevalue("loop")  # which is to be closed after what lives in it
    made = _Made()
    yield made
    made.close()


# The documented fixtures


@pytest.fixture
def aiohttp_unused_port() -> Callable[[], int]:
    """A function that gives a free TCP port."""
    return unused_port


@pytest.fixture
def aiohttp_server(_made: _Made) -> AiohttpServer:
    """A function that serves an application until the test ends."""

    async def serve(app: Application, *, port: int | None = None, **kwargs: Any) -> TestServer:
        host = kwargs.pop("host", "127.0.0.1")
        server = TestServer(app, host=host, port=port)
        _made.keep(server.close)
        await server.start_server(**kwargs)
        return server

    return serve


@pytest.fixture
def aiohttp_raw_server(_made: _Made) -> AiohttpRawServer:
    """A function that serves a bare handler until the test ends."""

    async def serve(handler: Any, *, port: int | None = None, **kwargs: Any) -> RawTestServer:
        server = RawTestServer(handler, port=port)
        _made.keep(server.close)
        await server.start_server(**kwargs)
        return server

    return serve


@pytest.fixture
def aiohttp_client_cls() -> type[TestClient[Any, Any]]:
    """The class of the clients that `aiohttp_client` makes; override it for one of your own."""
    return TestClient


def _make_connect(made: _Made, kind: type[TestClient[Any, Any]], **ours: Any) -> AiohttpClient:
    async def connect(
        served: Application | BaseTestServer[Any],
        server_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> TestClient[Any, Any]:
        if isinstance(served, Application):
            server: BaseTestServer[Any] = TestServer(served, **{**ours, **(server_kwargs or {})})
        elif isinstance(served, BaseTestServer):
            server = served
        else:
            raise ValueError(f"Unknown argument type: {type(served)!r}")
        client = kind(server, **kwargs)
        made.keep(client.close)
        await client.start_server()
        return client

    return connect


@pytest.fixture
def aiohttp_client(_made: _Made, aiohttp_client_cls: type[TestClient[Any, Any]]) -> AiohttpClient:
    """A function that gives a client of an application or a test server until the test ends."""
    return _make_connect(_made, aiohttp_client_cls)


# Our own


@pytest.fixture
def memory_client(_made: _Made, aiohttp_client_cls: type[TestClient[Any, Any]]) -> AiohttpClient:
    """As `aiohttp_client`, for applications: client and server talk in memory, without sockets."""
    return _make_connect(_made, aiohttp_client_cls, memory=True)


@pytest.fixture
def scripted_peer(_made: _Made) -> Callable[..., Awaitable[ScriptedPeer]]:
    """A function that starts a `ScriptedPeer`; the scripts' end is checked when the test ends."""

    async def start(*scripts: Callable[[Line], Awaitable[None]], **kwargs: Any) -> ScriptedPeer:
        peer = ScriptedPeer(*scripts, **kwargs)
        _made.keep(peer.finish)
        await peer.start()
        return peer

    return start


@pytest.fixture
def web_client(aiohttp_client: AiohttpClient) -> AiohttpClient:
    """`aiohttp_client` by a name of ours."""
    return aiohttp_client


@pytest.fixture
def web_server(aiohttp_server: AiohttpServer) -> AiohttpServer:
    """`aiohttp_server` by a name of ours."""
    return aiohttp_server


@pytest.fixture
def raw_server(aiohttp_raw_server: AiohttpRawServer) -> AiohttpRawServer:
    """`aiohttp_raw_server` by a name of ours."""
    return aiohttp_raw_server
