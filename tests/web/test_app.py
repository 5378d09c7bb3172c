"""tercel.web.app and cleanup: life, sharing, sub-applications, the deprecated ways."""

import asyncio
import contextlib
import warnings

import pytest

from tercel import web
from tests.web.ask import ask, make_request


async def handler(request):
    return web.Response(text="x")


async def test_handlers_share_by_key():
    app = web.Application()
    key = web.AppKey("key", int)
    app[key] = 1
    with pytest.warns(web.NotAppKeyWarning):
        app["name"] = 2
    assert (app[key], app["name"], app.get("no", 3), len(app)) == (1, 2, 3, 2)
    del app["name"]
    assert list(app) == [key]
    assert bool(web.Application())
    assert web.Application() != web.Application()
    assert not hasattr(app, "copy")
    app.freeze()
    with pytest.warns(DeprecationWarning, match="Changing state"):
        app[key] = 2


async def test_what_the_freeze_forbids():
    app = web.Application()
    app.freeze()
    for collection in (app.middlewares, app.on_startup, app.on_response_prepare, app.cleanup_ctx):
        with pytest.raises(RuntimeError):
            collection.append(handler)
    with pytest.raises(RuntimeError, match="frozen application"):
        app.add_subapp("/x", web.Application())
    with pytest.raises(RuntimeError, match="Cannot add frozen"):
        web.Application().add_subapp("/x", app)


async def test_an_application_is_mounted_once():
    app, sub = web.Application(), web.Application()
    app.add_subapp("/a", sub)
    with pytest.raises(RuntimeError, match="part of an application"):
        app.add_subapp("/b", sub)
    with pytest.raises(RuntimeError, match="part of an application"):
        app.add_subapp("/b", app)
    for prefix in ("", "/"):
        with pytest.raises(ValueError, match="empty"):
            app.add_subapp(prefix, web.Application())
    with pytest.raises(ValueError):
        app.add_subapp("nope", web.Application())
    with pytest.raises(TypeError):
        app.add_subapp(5, web.Application())


async def test_signals_reach_sub_applications():
    seen = []

    def note(name):
        async def receiver(app):
            seen.append((name, app))

        return receiver

    app, sub = web.Application(), web.Application()
    for one in (app, sub):
        one.on_startup.append(note("startup"))
        one.on_shutdown.append(note("shutdown"))
        one.on_cleanup.append(note("cleanup"))
    app.add_subapp("/sub", sub)
    await app.startup()
    app.freeze()
    await app.shutdown()
    await app.cleanup()
    names = ["startup", "shutdown", "cleanup"]
    assert seen == [(name, one) for name in names for one in (app, sub)]


async def test_cleanup_contexts_of_both_kinds():
    seen = []

    async def generator(app):
        seen.append("generator in")
        yield
        seen.append("generator out")

    @contextlib.asynccontextmanager
    async def manager(app):
        seen.append("manager in")
        yield
        seen.append("manager out")

    app = web.Application()
    app.cleanup_ctx.extend([generator, manager])
    await app.startup()
    app.freeze()
    await app.cleanup()
    assert seen == ["generator in", "manager in", "manager out", "generator out"]


async def test_a_start_that_fails_closes_what_was_opened():
    seen = []

    async def good(app):
        seen.append("in")
        yield
        seen.append("out")

    async def bad(app):
        raise ValueError("bad")
        yield

    async def on_cleanup(app):
        seen.append("on_cleanup")

    app = web.Application()
    app.cleanup_ctx.extend([good, bad, good])
    app.on_cleanup.append(on_cleanup)
    with pytest.raises(ValueError, match="bad"):
        await app.startup()
    await app.cleanup()
    assert seen == ["in", "out"]


async def test_errors_at_cleanup():
    async def bad(app):
        yield
        raise ValueError("bad")

    async def twice(app):
        yield
        yield

    app = web.Application()
    app.cleanup_ctx.append(bad)
    await app.startup()
    app.freeze()
    with pytest.raises(ValueError, match="bad"):
        await app.cleanup()

    app = web.Application()
    app.cleanup_ctx.extend([bad, twice])
    await app.startup()
    app.freeze()
    with pytest.raises(web.CleanupError) as caught:
        await app.cleanup()
    assert [type(error) for error in caught.value.exceptions] == [RuntimeError, ValueError]


async def test_config_dict_and_app():
    key, other = web.AppKey("key", str), web.AppKey("other", str)

    async def show(request):
        config = request.config_dict
        assert request.app is sub
        with pytest.raises(TypeError):
            config[key] = "x"
        return web.Response(text=f"{config[key]} {config[other]} {config.get('no')}")

    app, sub = web.Application(), web.Application()
    app[key], app[other], sub[key] = "outer", "outer", "inner"
    sub.router.add_get("/", show)
    app.add_subapp("/sub", sub)
    app.freeze()
    assert (await ask(app, "GET", "/sub/")).text == "inner outer None"


async def test_nesting_has_no_limit():
    apps = [web.Application() for _ in range(4)]
    apps[-1].router.add_get("/{x}", handler, name="leaf")
    for i in (2, 1, 0):
        apps[i].add_subapp(f"/{i}", apps[i + 1])
    assert str(apps[-1].router["leaf"].url_for(x="y")) == "/0/1/2/y"
    request = make_request(apps[0], "GET", "/0/1/2/y")
    apps[0].freeze()
    await apps[0]._handle(request)
    assert request.match_info.apps == tuple(apps)
    assert request.app is apps[-1]


async def test_response_prepare_hook_is_seen():
    async def receiver(request, response):
        pass

    app, sub = web.Application(), web.Application()
    sub.router.add_get("/", handler)
    app.router.add_get("/", handler)
    sub.on_response_prepare.append(receiver)
    app.add_subapp("/sub", sub)
    app.freeze()
    for path, expected in (("/", False), ("/sub/", True)):
        request = make_request(app, "GET", path)
        await app._handle(request)
        assert request._has_prepare_hook is expected


async def test_expect():
    async def check(request):
        if request.headers["Expect"] == "100-continue" and "Authorization" not in request.headers:
            raise web.HTTPForbidden
        return web.Response(text="no need")

    app = web.Application()
    app.router.add_get("/own", handler, expect_handler=check)
    expecting = {"Expect": "100-continue"}
    with pytest.raises(web.HTTPForbidden):
        await ask(app, "GET", "/own", expecting)
    assert (await ask(app, "GET", "/own", {**expecting, "Authorization": "x"})).text == "no need"
    assert (await ask(app, "GET", "/own")).text == "x"
    with pytest.raises(TypeError, match="Coroutine"):
        app.router.add_get("/bad", handler, expect_handler=lambda request: None)


async def test_unknown_expectations():
    app = web.Application()
    app.router.add_get("/", handler)
    with pytest.raises(web.HTTPExpectationFailed) as caught:
        await ask(app, "GET", "/", {"Expect": "more"})
    assert caught.value.text == "Unknown Expect: more"
    with pytest.raises(web.HTTPNotFound):
        await ask(app, "GET", "/nope", {"Expect": "more"})


async def test_plain_functions_and_other_callables():
    class Callable:
        async def __call__(self, request):
            return web.Response(text="object")

    def plain(request):
        return web.Response(text="plain")

    app = web.Application()
    with pytest.warns(DeprecationWarning, match="Bare functions"):
        app.router.add_get("/plain", plain)
    with pytest.warns(DeprecationWarning, match="Bare functions"):
        app.router.add_get("/lambda", lambda request: handler(request))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app.router.add_get("/object", Callable())
    for path, text in (("/plain", "plain"), ("/lambda", "x"), ("/object", "object")):
        assert (await ask(app, "GET", path)).text == text
    for nothing in (None, 5):
        with pytest.raises(TypeError):
            app.router.add_get("/none", nothing)


async def test_the_deprecated_arguments():
    loop = asyncio.get_running_loop()
    with pytest.warns(DeprecationWarning, match="loop argument"):
        app = web.Application(loop=loop)
    with pytest.warns(DeprecationWarning, match="loop property"):
        assert app.loop is loop
    with pytest.warns(DeprecationWarning, match="debug argument"):
        app = web.Application(debug=True)
    with pytest.warns(DeprecationWarning, match="debug property"):
        assert app.debug is True
    with pytest.warns(DeprecationWarning, match="router"), pytest.raises(TypeError):
        web.Application(router=5)
    with pytest.warns(DeprecationWarning, match="discouraged"):
        type("Own", (web.Application,), {})


async def test_own_router():
    from tercel.abc import AbstractRouter

    class Router(AbstractRouter):
        async def resolve(self, request):
            route = web.ResourceRoute("GET", handler, None)
            return web.UrlMappingMatchInfo({"path": request.path}, route)

    with pytest.warns(DeprecationWarning, match="router"):
        app = web.Application(router=Router())
    request = make_request(app, "GET", "/any")
    assert (await app._handle(request)).text == "x"
    assert request.match_info == {"path": "/any"}
    assert request.app is app


@pytest.mark.parametrize("calls_startup", [True, False])
async def test_make_handler(calls_startup):
    seen = []

    async def on_startup(app):
        await asyncio.sleep(0)
        seen.append("started")

    async def show(request):
        seen.append("asked")
        return web.Response(text="x")

    app = web.Application()
    app.on_startup.append(on_startup)
    app.router.add_get("/", show)
    with pytest.warns(DeprecationWarning, match="make_handler"):
        factory = app.make_handler()
    if calls_startup:
        await app.startup()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def get():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    answers = await asyncio.gather(get(), get())
    assert all(answer.startswith(b"HTTP/1.1 200 OK\r\n") for answer in answers)
    assert seen == ["started", "asked", "asked"]
    server.close()
    await app.shutdown()
    await factory.shutdown(1.0)
    await app.cleanup()


async def test_handler_args_have_the_last_word():
    app = web.Application(handler_args={"keepalive_timeout": 5})
    assert app._make_handler(keepalive_timeout=7).keepalive_timeout == 5
