"""web_advanced.rst "Middlewares", with those of old; web_reference.rst "Middlewares"."""

import pytest


def noting(web, seen, name):
    @web.middleware
    async def middleware(request, handler):
        seen.append(f"{name} called")
        response = await handler(request)
        seen.append(f"{name} finished")
        return response

    return middleware


async def test_order(serve, web):
    seen = []

    async def handler(request):
        seen.append("handler")
        return web.Response(text="Hello")

    app = web.Application(middlewares=[noting(web, seen, "1"), noting(web, seen, "2")])
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "Hello"
    assert seen == ["1 called", "2 called", "handler", "2 finished", "1 finished"]


async def test_changing_the_response(serve, web):
    @web.middleware
    async def middleware(request, handler):
        resp = await handler(request)
        resp.text = resp.text + " wink"
        return resp

    async def handler(request):
        return web.Response(text="ok")

    app = web.Application(middlewares=[middleware])
    app.router.add_get("/", handler)
    answer = await (await serve(app)).get("/")
    assert answer.text == "ok wink"
    assert answer["Content-Length"] == "7"


async def test_appended_later(serve, web):
    seen = []

    async def handler(request):
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handler)
    app.middlewares.append(noting(web, seen, "1"))
    await (await serve(app)).get("/")
    assert seen == ["1 called", "1 finished"]


async def test_frozen_once_started(serve, web):
    app = web.Application()
    await serve(app)
    with pytest.raises(RuntimeError):
        app.middlewares.append(None)


async def test_a_middleware_may_answer_itself(serve, web):
    @web.middleware
    async def middleware(request, handler):
        raise web.HTTPForbidden(text="no entry")

    async def handler(request):
        raise AssertionError("it must not be called")

    app = web.Application(middlewares=[middleware])
    app.router.add_get("/", handler)
    answer = await (await serve(app)).get("/")
    assert (answer.status, answer.text) == (403, "no entry")


async def test_error_middleware(serve, web):
    @web.middleware
    async def error_middleware(request, handler):
        try:
            return await handler(request)
        except web.HTTPException as ex:
            if ex.status != 404:
                raise
            message = ex.reason
        return web.json_response({"error": message})

    app = web.Application(middlewares=[error_middleware])
    app.router.add_post("/post", error_middleware)
    server = await serve(app)
    assert (await server.get("/none")).text == '{"error": "Not Found"}'
    assert (await server.get("/post")).status == 405


@pytest.mark.parametrize("order", ["inner", "outer"])
async def test_other_exceptions_pass_the_chain(serve, web, order):
    @web.middleware
    async def catching(request, handler):
        try:
            return await handler(request)
        except ZeroDivisionError:
            return web.Response(text="caught")

    async def handler(request):
        return 1 / 0

    app = web.Application(middlewares=[catching])
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "caught"


async def test_factory_with_arguments(serve, web):
    def middleware_factory(text):
        @web.middleware
        async def sample_middleware(request, handler):
            resp = await handler(request)
            resp.text = resp.text + text
            return resp

        return sample_middleware

    async def handler(request):
        return web.Response(text="ok")

    app = web.Application(middlewares=[middleware_factory(" a"), middleware_factory(" b")])
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "ok b a"


async def test_a_middleware_class(serve, web):
    class Middleware:
        @web.middleware
        async def call(self, request, handler):
            response = await handler(request)
            response.headers["X-Class"] = type(self).__name__
            return response

    async def handler(request):
        return web.Response()

    app = web.Application(middlewares=[Middleware().call])
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/"))["X-Class"] == "Middleware"


async def test_chain_of_nested_applications(serve, web):
    seen = []

    async def handler(request):
        return web.Response()

    app = web.Application(middlewares=[noting(web, seen, "app")])
    sub = web.Application(middlewares=[noting(web, seen, "sub")])
    sub.router.add_get("/x", handler)
    app.add_subapp("/sub", sub)
    await (await serve(app)).get("/sub/x")
    assert seen == ["app called", "sub called", "sub finished", "app finished"]


async def test_request_app_within_the_chain(serve, web):
    apps = {}

    def look(name):
        @web.middleware
        async def middleware(request, handler):
            apps[name] = request.app
            return await handler(request)

        return middleware

    async def handler(request):
        apps["handler"] = request.app
        return web.Response()

    app = web.Application(middlewares=[look("outer")])
    sub = web.Application(middlewares=[look("inner")])
    sub.router.add_get("/x", handler)
    app.add_subapp("/sub", sub)
    await (await serve(app)).get("/sub/x")
    assert apps["outer"] is app
    assert apps["inner"] is sub
    assert apps["handler"] is sub


async def test_middlewares_see_404(serve, web):
    seen = []
    app = web.Application(middlewares=[noting(web, seen, "1")])
    assert (await (await serve(app)).get("/none")).status == 404
    assert seen == ["1 called"]


async def test_replacing_the_request(serve, web):
    @web.middleware
    async def middleware(request, handler):
        return await handler(request.clone(headers={"X-New": "1"}))

    async def handler(request):
        return web.Response(text=request.headers["X-New"])

    app = web.Application(middlewares=[middleware])
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "1"


async def test_middlewares_around_views(serve, web):
    @web.middleware
    async def middleware(request, handler):
        response = await handler(request)
        response.headers["X-Around"] = "1"
        return response

    class MyView(web.View):
        async def get(self):
            return web.Response(text="view")

    app = web.Application(middlewares=[middleware])
    app.router.add_view("/", MyView)
    answer = await (await serve(app)).get("/")
    assert (answer.text, answer["X-Around"]) == ("view", "1")


async def test_body_read_in_a_middleware_is_there_for_the_handler(serve, web):
    @web.middleware
    async def logging_middleware(request, handler):
        request["seen"] = await request.text()
        return await handler(request)

    async def handler(request):
        return web.Response(text=request["seen"] + await request.text() + str(await request.json()))

    app = web.Application(middlewares=[logging_middleware])
    app.router.add_post("/", handler)
    assert (await (await serve(app)).post("/", b"12")).text == "121212"


async def test_stream_read_in_a_middleware_is_gone(serve, web):
    key = web.RequestKey("raw_body_key", bytes)

    @web.middleware
    async def stream_middleware(request, handler):
        request[key] = await request.content.read()
        return await handler(request)

    async def handler(request):
        assert await request.content.read() == b""
        return web.Response(body=request[key])

    app = web.Application(middlewares=[stream_middleware])
    app.router.add_post("/", handler)
    assert (await (await serve(app)).post("/", b"raw")).text == "raw"


# The factories of old: `async def factory(app, handler)`


async def test_old_style_factory(serve, web):
    seen = []

    async def factory(app, handler):
        seen.append(app)

        async def middleware_handler(request):
            response = await handler(request)
            response.headers["X-Old"] = "1"
            return response

        return middleware_handler

    async def handler(request):
        return web.Response(text="ok")

    app = web.Application(middlewares=[factory])
    app.router.add_get("/", handler)
    with pytest.warns(DeprecationWarning):
        server = await serve(app)
        answer = await server.get("/")
    assert (answer.text, answer["X-Old"]) == ("ok", "1")
    assert seen[0] is app


async def test_old_and_new_together(serve, web):
    seen = []

    async def factory(app, handler):
        async def middleware_handler(request):
            seen.append("old called")
            response = await handler(request)
            seen.append("old finished")
            return response

        return middleware_handler

    async def handler(request):
        return web.Response(text="ok")

    app = web.Application(middlewares=[noting(web, seen, "1"), factory, noting(web, seen, "2")])
    app.router.add_get("/", handler)
    with pytest.warns(DeprecationWarning):
        server = await serve(app)
        await server.get("/")
    assert seen == [
        "1 called",
        "old called",
        "2 called",
        "2 finished",
        "old finished",
        "1 finished",
    ]


# normalize_path_middleware


def normalizing(web, **options):
    async def handler(request):
        return web.Response(text="ok " + request.path_qs)

    app = web.Application(middlewares=[web.normalize_path_middleware(**options)])
    for path in (
        "/resource1",
        "/resource2/",
        "/resource1/a/b",
        "/resource2/a/b/",
        "/resource2/{x}/",
    ):
        app.router.add_get(path, handler)
    return app


@pytest.mark.parametrize(
    ("options", "path", "status", "location"),
    [
        ({}, "/resource1", 200, None),
        ({}, "/resource1/", 404, None),
        ({}, "/resource2", 308, "/resource2/"),
        ({}, "/resource2/", 200, None),
        ({}, "/resource2?a=b&c=%20", 308, "/resource2/?a=b&c=%20"),
        ({}, "/resource1?p1=1&p2=2", 200, None),
        ({}, "//resource1//a//b", 308, "/resource1/a/b"),
        ({}, "///resource2///a/b", 308, "/resource2/a/b/"),
        ({}, "/resource1//a//b//", 404, None),
        ({}, "/none", 404, None),
        ({}, "/resource2/a%2Fb", 308, "/resource2/a%2Fb/"),
        ({"append_slash": False}, "/resource2", 404, None),
        ({"append_slash": False}, "/resource1//a/b", 308, "/resource1/a/b"),
        ({"merge_slashes": False}, "//resource1", 404, None),
        ({"merge_slashes": False}, "/resource2", 308, "/resource2/"),
        ({"append_slash": False, "remove_slash": True}, "/resource1/", 308, "/resource1"),
        ({"append_slash": False, "remove_slash": True}, "/resource1/?a=b", 308, "/resource1?a=b"),
        ({"append_slash": False, "remove_slash": True}, "/resource1//a/b/", 308, "/resource1/a/b"),
        ({"append_slash": False, "remove_slash": True}, "/resource2", 404, None),
    ],
)
async def test_normalize_path(serve, web, options, path, status, location):
    answer = await (await serve(normalizing(web, **options))).get(path)
    assert answer.status == status
    assert answer.get("Location") == location


async def test_normalize_path_with_another_redirect(serve, web):
    app = normalizing(web, redirect_class=web.HTTPFound)
    assert (await (await serve(app)).get("/resource2")).status == 302


def test_normalize_path_cannot_do_both(web):
    with pytest.raises(AssertionError):
        web.normalize_path_middleware(append_slash=True, remove_slash=True)


@pytest.mark.parametrize("path", ["//example.com/..", "//example.com%2F..", "//evil.com"])
async def test_normalize_path_stays_on_this_host(serve, web, path):
    async def handler(request):
        return web.Response(text="ok")

    app = web.Application(middlewares=[web.normalize_path_middleware(merge_slashes=False)])
    app.router.add_get("/{tail:.*}/", handler)
    answer = await (await serve(app)).get(path)
    location = answer.get("Location")
    assert location is None or not location.startswith(("//", "/\\"))


# The exceptions of handlers


async def test_handler_returns_nothing(serve, web, caplog):
    async def handler(request):
        return None

    answer = await (await serve(handler)).get("/")
    assert answer.status == 500


@pytest.mark.parametrize("wrong", ["text", 5, {"a": 1}])
async def test_handler_returns_something_else(serve, web, wrong):
    async def handler(request):
        return wrong

    assert (await (await serve(handler)).get("/")).status == 500
