"""How every test runs: coroutines in a fresh event loop each, and never on a stale extension.

A test that is `async def` runs for at most 30 seconds, and fails when it leaves tasks pending or
when an exception reaches the loop's exception handler (mark it `loop_errors` where that is the
point). Async fixtures (function scope only) share the loop of their test. What blocks the loop,
or is no coroutine, is ended by pytest-timeout (see pyproject.toml).
TERCEL_TEST_LOOP=uvloop chooses uvloop.
It never imports tercel: tests/documented runs where only aiohttp is installed.
"""

import asyncio
import functools
import inspect
import os
import pathlib
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest

from tests.services import RedisServer, serve_postgres
from tests.stale import find_stale_extensions

TEST_TIMEOUT = 30.0  # seconds, for the body of one coroutine test and for each async fixture
GRACE = 1.0  # seconds in which tasks that are about to end may end
SUBJECT_IS_TERCEL = os.environ.get("TERCEL_SUBJECT", "tercel") == "tercel"
SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"

_loop_key: pytest.StashKey["TestLoop"] = pytest.StashKey()


class TestLoop:
    """One event loop for one test: its runner, its errors, and whether fixtures live in it."""

    __test__ = False

    def __init__(self) -> None:
        self.has_fixtures = False
        self.errors: list[str] = []
        self._runner = asyncio.Runner(loop_factory=_choose_loop_factory())
        self._runner.get_loop().set_exception_handler(self._record)

    def _record(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        sentence = str(context.get("message", "an error without a message"))
        self.errors.append(f"{sentence}: {error!r}" if error is not None else sentence)
        loop.default_exception_handler(context)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(TEST_TIMEOUT):
                return await coroutine

        return self._runner.run(bounded())

    def take_pending(self) -> list[str]:
        """Give tasks a moment to end, then cancel and return those that did not."""

        async def settle() -> list[str]:
            for _ in range(5):
                await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if not others:
                return []
            _, pending = await asyncio.wait(others, timeout=GRACE)
            names = [repr(task) for task in pending]
            for task in pending:
                task.cancel()
            if pending:
                await asyncio.wait(pending, timeout=GRACE)
            return names

        return self._runner.run(settle())

    def close(self) -> None:
        self._runner.close()


def _choose_loop_factory() -> Any:
    name = os.environ.get("TERCEL_TEST_LOOP", "asyncio")
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    if name != "asyncio":
        raise pytest.UsageError(f"TERCEL_TEST_LOOP is {name!r}; it may be 'asyncio' or 'uvloop'")
    return None


def _loop_of(item: pytest.Item) -> TestLoop:
    found = item.stash.get(_loop_key, None)
    if found is None:
        found = item.stash[_loop_key] = TestLoop()
    return found


def _judge(item: pytest.Item, loop: TestLoop) -> None:
    pending = loop.take_pending()
    if pending:
        pytest.fail("the test left tasks pending:\n" + "\n".join(pending), pytrace=False)
    wanted = item.get_closest_marker("loop_errors") is not None or not SUBJECT_IS_TERCEL
    errors, loop.errors = loop.errors, []
    if errors and not wanted:
        pytest.fail("the event loop caught errors:\n" + "\n".join(errors), pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    loop = _loop_of(pyfuncitem)
    loop.run(pyfuncitem.obj(**arguments))
    if not loop.has_fixtures:
        _judge(pyfuncitem, loop)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        yield
    finally:
        loop = item.stash.get(_loop_key, None)
        if loop is not None:
            del item.stash[_loop_key]
            try:
                _judge(item, loop)
            finally:
                loop.close()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> object | None:
    function = fixturedef.func
    generates = inspect.isasyncgenfunction(function)
    if not generates and not inspect.iscoroutinefunction(function):
        return None
    if not isinstance(request.node, pytest.Item):
        raise pytest.UsageError(
            f"the async fixture {fixturedef.argname!r} has scope {fixturedef.scope!r}; "
            "each test has a loop of its own, so it must have scope 'function'"
        )
    if request.instance is not None and inspect.isfunction(function):
        first = next(iter(inspect.signature(function).parameters), None)
        if first == "self":
            function = functools.partial(function, request.instance)
    arguments = {name: request.getfixturevalue(name) for name in fixturedef.argnames}
    loop = _loop_of(request.node)
    loop.has_fixtures = True
    if not generates:
        value = loop.run(function(**arguments))
    else:
        generator = function(**arguments)
        value = loop.run(anext(generator))
        request.addfinalizer(lambda: loop.run(_finish(generator, fixturedef.argname)))
    fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
    return value if value is not None else _finished_without_value


_finished_without_value = object()


async def _finish(generator: AsyncIterator[Any], name: str) -> None:
    try:
        await anext(generator)
    except StopAsyncIteration:
        return
    raise pytest.UsageError(f"the async fixture {name!r} yields more than once")


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of its own for one test, answering on a Unix socket."""
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL of its own for the tests of one module."""
    with serve_postgres() as url:
        yield url


def _settle_hypothesis() -> None:
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    settings.register_profile(
        "house",
        deadline=None,
        derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("house")


def _listen_to_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background: no program would hear SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    _listen_to_ctrl_c()
    _settle_hypothesis()
    if not SUBJECT_IS_TERCEL:
        config.addinivalue_line("filterwarnings", "default::ResourceWarning")
        config.addinivalue_line(
            "filterwarnings", "default::pytest.PytestUnraisableExceptionWarning"
        )
        return
    if os.environ.get("TERCEL_PURE", "") not in ("", "0"):
        return
    stale = find_stale_extensions(SOURCE)
    if stale:
        raise pytest.UsageError(
            "compiled modules are older than their sources: "
            + ", ".join(str(path.relative_to(SOURCE)) for path in stale)
            + "; build again (make build), or set TERCEL_PURE=1"
        )
