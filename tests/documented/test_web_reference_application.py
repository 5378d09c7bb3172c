"""web_reference.rst "Application"; web_advanced.rst: data sharing, signals, contexts."""

import asyncio
import contextlib
import logging
import warnings

import pytest
from aiosignal import Signal

from tests.documented.subject import load


@contextlib.asynccontextmanager
async def started(web, app):
    """Run the life of `app` without a socket."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


# The mapping


def test_mapping(web):
    app = web.Application()
    key = web.AppKey("key", str)
    app[key] = "value"
    assert app[key] == "value"
    assert key in app
    assert len(app) == 1
    assert list(app) == [key]
    assert app.get(key) == "value"
    assert app.get(web.AppKey("other", str)) is None
    assert app.get(web.AppKey("other", int), 5) == 5
    del app[key]
    assert len(app) == 0
    assert bool(app)
    assert app == app
    assert app != web.Application()


def test_string_keys_work_with_a_warning(web):
    app = web.Application()
    with pytest.warns(web.NotAppKeyWarning):
        app["my_private_key"] = "data"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert app["my_private_key"] == "data"
        app[web.AppKey("x", int)] = 1


def test_keys_of_one_name_differ(web):
    app = web.Application()
    first, second = web.AppKey("key", str), web.AppKey("key", str)
    app[first] = "1"
    app[second] = "2"
    assert (app[first], app[second]) == ("1", "2")


def test_app_key_names_itself(web):
    key = web.AppKey("my_key", int)
    assert "my_key" in repr(key)
    assert "int" in repr(key)
    assert repr(key).startswith("<AppKey(")
    assert repr(web.RequestKey("r", str)).startswith("<RequestKey(")
    assert repr(web.ResponseKey("r", str)).startswith("<ResponseKey(")


def test_missing_key(web):
    with pytest.raises(KeyError):
        web.Application()[web.AppKey("none", str)]


@pytest.mark.loop_errors
async def test_the_mapping_is_frozen_once_started(web):
    app = web.Application()
    key = web.AppKey("key", int)
    app[key] = 1
    async with started(web, app):
        with pytest.warns(DeprecationWarning):
            app[key] = 2
        assert app[key] == 2


def test_logger(web, logger_root):
    assert web.Application().logger.name == f"{logger_root}.web"
    own = logging.getLogger("own")
    assert web.Application(logger=own).logger is own


def test_router(web):
    app = web.Application()
    assert isinstance(app.router, web.UrlDispatcher)
    assert isinstance(app.router, load("abc").AbstractRouter)


def test_it_cannot_be_copied(web):
    with pytest.raises((NotImplementedError, AttributeError, TypeError)):
        web.Application().copy()


def test_only_names(web):
    with pytest.raises(TypeError):
        web.Application(logging.getLogger())


@pytest.mark.parametrize("name", ["on_startup", "on_shutdown", "on_cleanup", "on_response_prepare"])
def test_signals_are_signals(web, name):
    assert isinstance(getattr(web.Application(), name), Signal)


async def test_startup_shutdown_cleanup_by_hand(web):
    app = web.Application()
    seen = []
    for name in ("startup", "shutdown", "cleanup"):

        async def note(app, name=name):
            seen.append(name)

        getattr(app, f"on_{name}").append(note)
    app.freeze()
    await app.startup()
    await app.shutdown()
    await app.cleanup()
    assert seen == ["startup", "shutdown", "cleanup"]


async def test_order_of_signals(web):
    app = web.Application()
    seen = []

    def note(name):
        async def receiver(given):
            assert given is app
            seen.append(name)

        return receiver

    for name in ("startup", "shutdown", "cleanup"):
        getattr(app, f"on_{name}").append(note(f"{name} 1"))
        getattr(app, f"on_{name}").append(note(f"{name} 2"))
    async with started(web, app):
        assert seen == ["startup 1", "startup 2"]
    assert seen[2:] == ["shutdown 1", "shutdown 2", "cleanup 1", "cleanup 2"]


async def test_signals_are_frozen_once_started(web):
    app = web.Application()
    async with started(web, app):
        for signal in (app.on_startup, app.on_cleanup, app.on_shutdown, app.on_response_prepare):
            assert signal.frozen
            with pytest.raises(RuntimeError):
                signal.append(None)
        assert app.frozen


async def test_on_response_prepare(serve, web):
    async def on_prepare(request, response):
        assert response.status == 200
        assert "Content-Type" in response.headers
        response.headers["My-Header"] = request.path

    async def handler(request):
        if request.path == "/stream":
            response = web.StreamResponse()
            await response.prepare(request)
            return response
        return web.Response(text="a")

    app = web.Application()
    app.on_response_prepare.append(on_prepare)
    app.router.add_get("/{tail}", handler)
    server = await serve(app)
    for path in ("/stream", "/plain"):
        answer = await server.get(path)
        assert answer["My-Header"] == path


@pytest.mark.parametrize("path", ["/whole", "/stream", "/missing"])
async def test_on_response_prepare_can_take_default_headers_away(serve, web, path):
    async def whole(request):
        return web.Response(text="whole")

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    async def on_prepare(request, response):
        for name in ("Server", "Date", "Content-Type"):
            del response.headers[name]

    app = web.Application()
    app.add_routes([web.get("/whole", whole), web.get("/stream", stream)])
    app.on_response_prepare.append(on_prepare)
    answer = await (await serve(app)).get(path)
    assert answer.status == (404 if path == "/missing" else 200)
    assert [answer.get(name) for name in ("Server", "Date", "Content-Type")] == [None] * 3


async def test_on_response_prepare_can_replace_default_headers(serve, web):
    async def on_prepare(request, response):
        response.headers["Server"] = "mine"
        response.headers.pop("Date", None)

    app = web.Application()
    app.on_response_prepare.append(on_prepare)
    answer = await (await serve(app)).get("/")
    assert answer.status == 404
    assert answer["Server"] == "mine"


# Cleanup contexts


async def test_cleanup_contexts_end_in_reverse(web):
    seen = []

    def make(number):
        async def context(app):
            seen.append(f"up {number}")
            yield
            seen.append(f"down {number}")

        return context

    app = web.Application()
    app.cleanup_ctx.extend([make(1), make(2), make(3)])
    async with started(web, app):
        assert seen == ["up 1", "up 2", "up 3"]
    assert seen[3:] == ["down 3", "down 2", "down 1"]


async def test_cleanup_context_by_asynccontextmanager(web):
    key = web.AppKey("key", str)
    seen = []

    @contextlib.asynccontextmanager
    async def context(app):
        app[key] = "up"
        yield
        seen.append(app[key])

    app = web.Application()
    app.cleanup_ctx.append(context)
    async with started(web, app):
        assert app[key] == "up"
    assert seen == ["up"]


async def test_cleanup_runs_only_for_what_started(web):
    seen = []

    async def good(app):
        seen.append("good up")
        yield
        seen.append("good down")

    async def bad(app):
        raise RuntimeError("no database")
        yield

    async def never(app):
        seen.append("never")
        yield

    app = web.Application()
    app.cleanup_ctx.extend([good, bad, never])
    runner = web.AppRunner(app)
    with pytest.raises(RuntimeError, match="no database"):
        await runner.setup()
    await runner.cleanup()
    assert seen == ["good up", "good down"]


async def test_one_error_in_cleanup_is_raised_as_it_is(web):
    seen = []

    async def first(app):
        yield
        seen.append("first")

    async def second(app):
        yield
        raise ValueError("in cleanup")

    app = web.Application()
    app.cleanup_ctx.extend([first, second])
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(ValueError, match="in cleanup"):
        await runner.cleanup()
    assert seen == ["first"]


async def test_many_errors_in_cleanup(web):
    def make(text):
        async def context(app):
            yield
            raise ValueError(text)

        return context

    app = web.Application()
    app.cleanup_ctx.extend([make("1"), make("2")])
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(web.CleanupError) as caught:
        await runner.cleanup()
    assert [str(error) for error in caught.value.exceptions] == ["2", "1"]


async def test_a_context_with_two_yields(web):
    async def context(app):
        yield
        yield

    app = web.Application()
    app.cleanup_ctx.append(context)
    runner = web.AppRunner(app)
    await runner.setup()
    with pytest.raises(RuntimeError):
        await runner.cleanup()


async def test_contexts_run_around_signals(web):
    seen = []

    async def context(app):
        seen.append("context up")
        yield
        seen.append("context down")

    def note(name):
        async def receiver(app):
            seen.append(name)

        return receiver

    app = web.Application()
    app.on_startup.append(note("startup"))
    app.cleanup_ctx.append(context)
    app.on_shutdown.append(note("shutdown"))
    app.on_cleanup.append(note("cleanup"))
    async with started(web, app):
        pass
    assert seen[:2] == ["context up", "startup"]
    assert seen[2] == "shutdown"
    assert sorted(seen[3:]) == ["cleanup", "context down"]


async def test_background_task(serve, web):
    key = web.AppKey("task", asyncio.Task)
    turns = []

    async def work():
        while True:
            turns.append(1)
            await asyncio.sleep(0.001)

    @contextlib.asynccontextmanager
    async def background(app):
        app[key] = asyncio.create_task(work())
        yield
        app[key].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await app[key]

    app = web.Application()
    app.cleanup_ctx.append(background)
    async with started(web, app):
        await asyncio.sleep(0.02)
    assert turns
    assert app[key].done()
