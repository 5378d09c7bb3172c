"""web_advanced.rst "Nested applications", domains, context variables; applications of old."""

import asyncio
import contextlib
import contextvars

import pytest

from tests.documented.subject import improvement


@contextlib.asynccontextmanager
async def started(web, app):
    """Run the life of `app` without a socket."""
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()


# Nested applications


async def test_subapp(serve, web):
    async def handler(request):
        assert request.app is admin
        return web.Response(text=request.path + str(request.match_info.get("x")))

    admin = web.Application()
    admin.add_routes([web.get("/resource", handler, name="name"), web.get("/{x}/y", handler)])
    app = web.Application()
    resource = app.add_subapp("/admin/", admin)
    assert isinstance(resource, web.PrefixedSubAppResource)
    assert str(admin.router["name"].url_for()) == "/admin/resource"
    server = await serve(app)
    assert (await server.get("/admin/resource")).text == "/admin/resourceNone"
    assert (await server.get("/admin/1/y")).text == "/admin/1/y1"
    for path in ("/resource", "/admin", "/admin/", "/adminresource", "/admin/none"):
        assert (await server.get(path)).status == 404


@pytest.mark.parametrize("path", ["/sub/found", "/sub/missing", "/sub/raised"])
async def test_the_application_of_an_answer(serve, web, path):
    seen = []

    @web.middleware
    async def outer(request, handler):
        seen.append(request.app)
        try:
            return await handler(request)
        finally:
            seen.append(request.app)

    async def found(request):
        return web.Response()

    async def raised(request):
        raise web.HTTPConflict

    async def on_prepare(request, response):
        seen.append(request.app)

    app, sub = web.Application(middlewares=[outer]), web.Application()
    sub.add_routes([web.get("/found", found), web.get("/raised", raised)])
    app.on_response_prepare.append(on_prepare)
    sub.on_response_prepare.append(on_prepare)
    app.add_subapp("/sub", sub)
    await (await serve(app)).get(path)
    assert seen == [app, app, sub, sub]


async def test_three_levels(serve, web):
    async def handler(request):
        return web.Response(text=request.path)

    apps = [web.Application() for _ in range(3)]
    apps[2].router.add_get("/c/{x}", handler, name="deep")
    apps[1].add_subapp("/b", apps[2])
    apps[0].add_subapp("/a", apps[1])
    assert str(apps[2].router["deep"].url_for(x="1")) == "/a/b/c/1"
    assert (await (await serve(apps[0])).get("/a/b/c/1")).text == "/a/b/c/1"


async def test_signals_reach_subapps(web):
    seen = []

    def note(name):
        async def receiver(app):
            seen.append((name, app))

        return receiver

    app, sub = web.Application(), web.Application()
    for each in (app, sub):
        for name in ("startup", "shutdown", "cleanup"):
            getattr(each, f"on_{name}").append(note(name))
    app.add_subapp("/sub", sub)
    async with started(web, app):
        pass
    for name in ("startup", "shutdown", "cleanup"):
        assert {id(each) for event, each in seen if event == name} == {id(app), id(sub)}
    assert len(seen) == 6


async def test_prepare_signal_reaches_both(serve, web):
    seen = []

    def note(name):
        async def receiver(request, response):
            seen.append(name)

        return receiver

    async def handler(request):
        return web.Response()

    app, sub = web.Application(), web.Application()
    app.on_response_prepare.append(note("app"))
    sub.on_response_prepare.append(note("sub"))
    sub.router.add_get("/x", handler)
    app.router.add_get("/x", handler)
    app.add_subapp("/sub", sub)
    server = await serve(app)
    await server.get("/sub/x")
    assert seen == ["app", "sub"]
    await server.get("/x")
    assert seen == ["app", "sub", "app"]


async def test_config_dict(serve, web):
    ours, theirs = web.AppKey("ours", str), web.AppKey("theirs", str)
    both = web.AppKey("both", str)

    async def handler(request):
        config = request.config_dict
        assert theirs not in request.app
        assert config.get(web.AppKey("none", str)) is None
        with pytest.raises(TypeError):
            config[ours] = "x"
        return web.Response(text=config[ours] + config[theirs] + config[both])

    app, sub = web.Application(), web.Application()
    app[theirs], app[both] = "parent ", "never"
    sub[ours], sub[both] = "child ", "nearest"
    sub.router.add_get("/", handler)
    app.add_subapp("/sub", sub)
    assert (await (await serve(app)).get("/sub/")).text == "child parent nearest"


@pytest.mark.parametrize("prefix", ["", "/"])
def test_subapp_needs_a_prefix(web, prefix):
    with pytest.raises(ValueError):
        web.Application().add_subapp(prefix, web.Application())


async def test_subapp_to_a_frozen_application(web):
    app = web.Application()
    app.freeze()
    with pytest.raises(RuntimeError):
        app.add_subapp("/a", web.Application())


def test_subapp_resource_has_no_url(web):
    resource = web.Application().add_subapp("/a", web.Application())
    assert resource.canonical == "/a"
    with pytest.raises(RuntimeError):
        resource.url_for()


async def test_404_in_a_subapp_passes_both_middlewares(serve, web):
    seen = []

    def note(name):
        @web.middleware
        async def middleware(request, handler):
            seen.append(name)
            return await handler(request)

        return middleware

    app = web.Application(middlewares=[note("app")])
    sub = web.Application(middlewares=[note("sub")])
    app.add_subapp("/sub", sub)
    server = await serve(app)
    assert (await server.get("/sub/none")).status == 404
    assert seen == ["app", "sub"]
    assert (await server.get("/none")).status == 404
    assert seen == ["app", "sub", "app"]


@pytest.mark.parametrize(
    ("mask", "host", "found"),
    [
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.com", True),
        ("example.com", "other.com", False),
        ("example.com", "a.example.com", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", True),
        ("example.com:8080", "example.com:8080", True),
        ("example.com:8080", "example.com:8081", False),
    ],
)
async def test_domains(serve, web, mask, host, found):
    async def main(request):
        return web.Response(text="main")

    async def special(request):
        return web.Response(text="special")

    app, sub = web.Application(), web.Application()
    sub.router.add_get("/", special)
    assert isinstance(app.add_domain(mask, sub), web.PrefixedSubAppResource)
    app.router.add_get("/", main) if not found else None
    answer = await (await serve(app)).get("/", {"Host": host})
    assert answer.text == ("special" if found else "main")


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        ("a.example.com", "/", "domain"),
        ("a.example.com", "/1", "domain 1"),
        ("a.example.com", "/only", "domain only"),
        ("a.example.com", "/more/than/that", 404),
        ("other.com", "/", "main"),
        ("other.com", "/only", "main"),
        ("other.com", "/more/than/that", 404),
    ],
)
@pytest.mark.parametrize("is_awaited", [False, True])
@pytest.mark.filterwarnings("ignore:router argument is deprecated:DeprecationWarning")
async def test_a_domain_comes_before_the_paths_of_its_parent(
    serve, web, host, path, found, is_awaited
):
    async def main(request):
        return web.Response(text="main")

    async def special(request):
        return web.Response(text=" ".join(["domain", *request.match_info.values()]))

    class Slow(web.UrlDispatcher):
        async def resolve(self, request):
            return await super().resolve(request)

    app = web.Application()
    sub = web.Application(router=Slow()) if is_awaited else web.Application()
    app.add_routes([web.get("/", main), web.get("/only", main), web.get("/{x:a|b}", main)])
    sub.add_routes([web.get("/", special), web.get("/{x}", special)])
    app.add_domain("*.example.com", sub)
    answer = await (await serve(app)).get(path, {"Host": host})
    assert found in (answer.text, answer.status)


@pytest.mark.parametrize("domain", ["", "http://a", "-a.com", "a..com"])
def test_bad_domains(web, domain):
    with pytest.raises(ValueError):
        web.Application().add_domain(domain, web.Application())


def test_domain_must_be_text(web):
    with pytest.raises(TypeError):
        web.Application().add_domain(b"a.com", web.Application())


# Context variables


VAR = contextvars.ContextVar("VAR", default="default")


async def test_contextvars(serve, web):
    seen = []

    async def handler(request):
        seen.append(VAR.get())
        VAR.set("handler")
        return web.Response()

    async def on_startup(app):
        seen.append(VAR.get())
        VAR.set("on_startup")

    async def on_cleanup(app):
        seen.append(VAR.get())

    VAR.set("init")
    app = web.Application()
    app.router.add_get("/", handler)
    app.on_startup.append(on_startup)
    app.on_cleanup.append(on_cleanup)
    server = await serve(app)
    connection = await server.connect()
    await connection.request("GET", "/")
    await connection.request("GET", "/")
    await connection.close()
    await server.runner.cleanup()
    assert seen == ["init", "on_startup", "on_startup", "on_startup"] or seen == [
        "init",
        "on_startup",
        "handler",
        "on_startup",
    ]


@improvement("every request starts from the server's context, on one connection too")
async def test_contextvars_on_one_connection(serve, web):
    seen = []

    async def handler(request):
        seen.append(VAR.get())
        VAR.set("handler")
        return web.Response()

    VAR.set("server")
    connection = await (await serve(handler)).connect()
    for _ in range(3):
        await connection.request("GET", "/")
    assert seen == ["server"] * 3


# The old ways


async def test_loop_argument_is_deprecated(web):
    with pytest.warns(DeprecationWarning):
        web.Application(loop=asyncio.get_running_loop())


async def test_make_handler_is_deprecated_and_serves(web):
    from tests.documented.neutral import Connection

    async def handler(request):
        return web.Response(text="old")

    app = web.Application()
    app.router.add_get("/", handler)
    loop = asyncio.get_running_loop()
    with pytest.warns(DeprecationWarning):
        factory = app.make_handler()
    await app.startup()
    server = await loop.create_server(factory, "127.0.0.1", 0)
    connection = Connection(*await asyncio.open_connection(*server.sockets[0].getsockname()[:2]))
    assert (await connection.request("GET", "/")).text == "old"
    await connection.close()
    server.close()
    await app.shutdown()
    await factory.shutdown(0.1)
    await app.cleanup()


def test_debug_is_deprecated(web):
    with pytest.warns(DeprecationWarning):
        app = web.Application(debug=True)
    with pytest.warns(DeprecationWarning):
        assert app.debug is True


def test_subclassing_is_discouraged(web):
    with pytest.warns(DeprecationWarning):

        class Mine(web.Application):
            pass
