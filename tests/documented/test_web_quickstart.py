"""web_quickstart.rst: a server, handlers, routes, views, JSON, forms and redirects."""

import pytest

from tests.documented.subject import improvement


async def test_a_handler_answers(serve, web):
    async def hello(request):
        return web.Response(text="Hello, world")

    app = web.Application()
    app.add_routes([web.get("/", hello)])
    answer = await (await serve(app)).get("/")
    assert answer.status == 200
    assert answer.reason == "OK"
    assert answer.text == "Hello, world"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Length"] == "12"
    assert "Date" in dict(answer.fields)
    assert "Server" in dict(answer.fields)


async def test_route_decorators(serve, web):
    routes = web.RouteTableDef()

    @routes.get("/")
    async def hello(request):
        return web.Response(text="Hello, world")

    app = web.Application()
    app.add_routes(routes)
    assert (await (await serve(app)).get("/")).text == "Hello, world"


@pytest.mark.parametrize("style", ["table", "decorators", "imperative"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
async def test_each_method_in_each_style(serve, web, style, method):
    async def handler(request):
        return web.Response(headers={"X-Method": request.method})

    app = web.Application()
    name = method.lower()
    if style == "table":
        app.add_routes([getattr(web, name)("/path", handler)])
    elif style == "decorators":
        routes = web.RouteTableDef()
        assert getattr(routes, name)("/path")(handler) is handler
        app.add_routes(routes)
    else:
        getattr(app.router, f"add_{name}")("/path", handler)
    answer = await (await serve(app)).request(method, "/path")
    assert answer.status == 200
    assert answer["X-Method"] == method


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "TRACE", "PROPFIND", "HEAD"])
async def test_wildcard_method(serve, web, method):
    async def handler(request):
        return web.Response(headers={"X-Method": request.method})

    server = await serve([web.route("*", "/path", handler)])
    assert (await server.request(method, "/path"))["X-Method"] == method


async def test_get_accepts_head(serve, web):
    calls = []

    async def handler(request):
        calls.append(request.method)
        return web.Response(text="12345", headers={"X-A": "b"})

    server = await serve([web.get("/", handler)])
    as_get = await server.get("/")
    as_head = await server.request("HEAD", "/")
    assert as_head.body == b""
    assert as_head["Content-Length"] == as_get["Content-Length"] == "5"
    assert as_head["Content-Type"] == as_get["Content-Type"]
    assert as_head["X-A"] == "b"
    assert calls == ["GET", "HEAD"]


async def test_get_without_head(serve, web):
    async def handler(request):
        raise AssertionError("it must not be called")

    server = await serve([web.get("/", handler, allow_head=False)])
    answer = await server.request("HEAD", "/")
    assert answer.status == 405
    assert answer["Allow"] == "GET"


async def test_additions_for_one_path_merge_into_one_resource(web):
    async def handler(request):
        pass

    app = web.Application()
    app.add_routes([web.get("/path1", handler), web.post("/path1", handler)])
    assert len(app.router.resources()) == 1
    assert sorted(route.method for route in app.router.routes()) == ["GET", "HEAD", "POST"]


@pytest.mark.parametrize("path", ["/a/b/c", "/a/1/c", "/a/etc/c"])
async def test_variable_resource(serve, web, path):
    async def handler(request):
        return web.Response(text=request.match_info["name"])

    server = await serve([web.get("/a/{name}/c", handler)])
    assert (await server.get(path)).text == path.split("/")[2]


@pytest.mark.parametrize("path", ["/a/c", "/a//c", "/a/b/d", "/a/b/c/", "/a/b/b/c", "/x/a/b/c"])
async def test_a_part_is_one_segment_and_not_empty(serve, web, path):
    async def handler(request):
        return web.Response(text=request.match_info["name"])

    server = await serve([web.get("/a/{name}/c", handler)])
    assert (await server.get(path)).status == 404


@pytest.mark.parametrize(("path", "status"), [("/42", 200), ("/x", 404), ("/4x", 404), ("/", 404)])
async def test_custom_regex(serve, web, path, status):
    async def handler(request):
        return web.Response(text=request.match_info["name"])

    server = await serve([web.get(r"/{name:\d+}", handler)])
    assert (await server.get(path)).status == status


async def test_named_resource_gives_its_url(serve, web):
    async def handler(request):
        url = request.app.router["root"].url_for().with_query({"a": "b", "c": "d"})
        return web.Response(text=str(url))

    server = await serve([web.get("/root", handler, name="root")])
    assert (await server.get("/root")).text == "/root?a=b&c=d"


async def test_named_variable_resource_gives_its_url(web):
    app = web.Application()
    app.router.add_resource(r"/{user}/info", name="user-info")
    url = app.router["user-info"].url_for(user="john_doe")
    assert str(url.with_query("a=b")) == "/john_doe/info?a=b"


async def test_handlers_in_classes(serve, web):
    class Handler:
        async def handle_intro(self, request):
            return web.Response(text="Hello, world")

        async def handle_greeting(self, request):
            name = request.match_info.get("name", "Anonymous")
            return web.Response(text=f"Hello, {name}")

    handler = Handler()
    server = await serve(
        [web.get("/intro", handler.handle_intro), web.get("/greet/{name}", handler.handle_greeting)]
    )
    assert (await server.get("/intro")).text == "Hello, world"
    assert (await server.get("/greet/Ann")).text == "Hello, Ann"


@pytest.mark.parametrize("style", ["web.view", "routes.view", "add_view", "add_route"])
async def test_class_based_views(serve, web, style):
    class MyView(web.View):
        async def get(self):
            return web.Response(text="get " + self.request.path)

        async def post(self):
            return web.Response(text="post " + await self.request.text())

    app = web.Application()
    if style == "web.view":
        app.add_routes([web.view("/path/to", MyView)])
    elif style == "routes.view":
        routes = web.RouteTableDef()
        routes.view("/path/to")(MyView)
        app.add_routes(routes)
    elif style == "add_view":
        app.router.add_view("/path/to", MyView)
    else:
        app.router.add_route("*", "/path/to", MyView)
    server = await serve(app)
    assert (await server.get("/path/to")).text == "get /path/to"
    assert (await server.post("/path/to", b"x")).text == "post x"
    refused = await server.request("DELETE", "/path/to")
    assert refused.status == 405
    assert refused["Allow"] == "GET,POST"


async def test_view_is_called_for_head_only_when_it_has_head(serve, web):
    class MyView(web.View):
        async def get(self):
            return web.Response(text="get")

    answer = await (await serve([web.view("/", MyView)])).request("HEAD", "/")
    assert answer.status == 405
    assert answer["Allow"] == "GET"


async def test_view_of_the_whole_router(web):
    async def handler(request):
        pass

    app = web.Application()
    app.add_routes([web.get("/a", handler), web.get("/b/{c}", handler, name="b")])
    resources = list(app.router.resources())
    assert [resource.canonical for resource in resources] == ["/a", "/b/{c}"]
    assert len(app.router.resources()) == 2
    assert resources[0] in app.router.resources()
    named = app.router.named_resources()
    assert dict(named) == {"b": resources[1]}
    assert len(named) == 1
    assert "b" in named
    with pytest.raises(TypeError):
        named["x"] = resources[0]


async def test_json_response(serve, web):
    async def handler(request):
        response = web.json_response({"some": "data"})
        response.set_cookie("a", "b")
        return response

    answer = await (await serve(handler)).get("/")
    assert answer.text == '{"some": "data"}'
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert answer.cookie("a") == "a=b; Path=/"


async def test_form_by_get(serve, web):
    async def handler(request):
        return web.json_response(list(request.query.items()))

    server = await serve(handler)
    assert (await server.get("/?a=1&b=2+3&a=%D0%B0")).text == (
        '[["a", "1"], ["b", "2 3"], ["a", "\\u0430"]]'
    )


async def test_form_by_post(serve, web):
    async def do_login(request):
        data = await request.post()
        return web.Response(text=f"{data['login']}:{data['password']}")

    server = await serve([web.post("/login", do_login)])
    answer = await server.post(
        "/login",
        b"login=me&password=a%26b+c",
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.text == "me:a&b c"


async def test_redirect_by_exception(serve, web):
    async def handler(request):
        raise web.HTTPFound("/redirect")

    answer = await (await serve(handler)).get("/")
    assert (answer.status, answer.reason) == (302, "Found")
    assert answer["Location"] == "/redirect"
    assert answer.text == "302: Found"


async def test_redirect_to_a_named_route(serve, web):
    async def handler(request):
        raise web.HTTPFound(location=request.app.router["login"].url_for())

    async def login(request):
        pass

    app = web.Application()
    app.router.add_get("/handler", handler)
    app.router.add_get("/login", login, name="login")
    assert (await (await serve(app)).get("/handler"))["Location"] == "/login"


async def test_returning_an_exception_is_deprecated_and_works(serve, web):
    async def handler(request):
        return web.HTTPFound("/redirect")

    answer = await (await serve(handler)).get("/")
    assert answer.status == 302
    assert answer["Location"] == "/redirect"


async def test_the_name_of_the_head_route(web):
    async def handler(request):
        pass

    app = web.Application()
    app.router.add_get("/", handler, name="route")
    assert {route.method: route.name for route in app.router.routes()} == {
        "GET": "route",
        "HEAD": "route",
    }


async def test_unknown_path_is_404(serve, web):
    answer = await (await serve(web.Application())).get("/nowhere")
    assert (answer.status, answer.reason) == (404, "Not Found")
    assert answer.text == "404: Not Found"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


async def test_unknown_method_is_405_and_names_the_others(serve, web):
    async def handler(request):
        pass

    server = await serve([web.get("/", handler), web.post("/", handler), web.put("/", handler)])
    answer = await server.request("DELETE", "/")
    assert answer.status == 405
    assert answer["Allow"] == "GET,HEAD,POST,PUT"
    assert answer.text == "405: Method Not Allowed"


@pytest.mark.loop_errors
async def test_any_other_exception_is_500(serve, web):
    async def handler(request):
        raise ValueError("secret")

    answer = await (await serve(handler)).get("/")
    assert (answer.status, answer.reason) == (500, "Internal Server Error")
    assert "secret" not in answer.text


@pytest.mark.loop_errors
async def test_500_in_html_for_browsers(serve, web):
    async def handler(request):
        raise ValueError("secret")

    answer = await (await serve(handler)).get("/", {"Accept": "text/html"})
    assert answer["Content-Type"].startswith("text/html")
    assert "<h1>500 Internal Server Error</h1>" in answer.text


@improvement("routes can be removed while the server runs, as old introductions promise")
async def test_routes_can_be_removed_while_running(serve, web):
    async def handler(request):
        return web.Response(text="here")

    app = web.Application()
    route = app.router.add_get("/a", handler)
    server = await serve(app)
    assert (await server.get("/a")).status == 200
    app.router.remove_route(route.resource)
    assert (await server.get("/a")).status == 404
    app.router.add_get("/b", handler)
    assert (await server.get("/b")).text == "here"
