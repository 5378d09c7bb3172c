"""web_reference.rst "Resource": which route answers a request; match info, views, definitions."""

import asyncio

import pytest
from yarl import URL

from tests.documented.subject import improvement, load


async def handler(request):
    web = load("web")
    return web.Response(text=str(dict(request.match_info)))


def named(web, name):
    async def answer(request):
        return web.Response(text=name, headers={"X-Match": repr(dict(request.match_info))})

    return answer


# Lookup


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("/{name}", "/a", {"name": "a"}),
        ("/{name}", "/", None),
        ("/{name}", "/a/", None),
        ("/{name}", "/a%20b", {"name": "a b"}),
        ("/{name}", "/a%2Fb", {"name": "a/b"}),
        ("/{name}", "/%D1%84", {"name": "\u0444"}),
        ("/{name}", "/a%25b", {"name": "a%b"}),
        ("/{name}", "/a+b", {"name": "a+b"}),
        ("/{name}.html", "/test.html", {"name": "test"}),
        ("/{name}.{ext}", "/test.html", {"name": "test", "ext": "html"}),
        ("/{name}.{ext}", "/te.st.html", {"name": "te.st", "ext": "html"}),
        ("/{a}-{b}", "/1-2-3", {"a": "1-2", "b": "3"}),
        (r"/{a:\d+}-{b:\d+}", "/1-2", {"a": "1", "b": "2"}),
        (r"/{a:\d+}", "/1a", None),
        (r"/{a:\d{3}}", "/123", {"a": "123"}),
        (r"/{a:\d{3}}", "/12", None),
        ("/{tail:.*}", "/", {"tail": ""}),
        ("/{tail:.*}", "/a/b/c", {"tail": "a/b/c"}),
        ("/p/{tail:.+}", "/p/", None),
        ("/p/{tail:.+}", "/p/a/b", {"tail": "a/b"}),
        ("/{a:[^/]*}/x", "//x", {"a": ""}),
        ("/{a:x|y}/z", "/y/z", {"a": "y"}),
        ("/{a:x|y}/z", "/w/z", None),
        ("/\u0444", "/%D1%84", {}),
        ("/a b", "/a%20b", {}),
        ("/a", "/%61", {}),
        ("/a%2Fb", "/a/b", None),
        ("/a%2Fb", "/a%2Fb", {}),
        ("/a", "/A", None),
        ("/a", "/a/", None),
        ("/a/", "/a", None),
        ("/a", "/a?b=c", {}),
        ("/a//b", "/a/b", None),
        ("/a//b", "/a//b", {}),
    ],
)
async def test_matching(serve, web, pattern, path, wanted):
    answer = await (await serve([web.get(pattern, handler)])).get(path)
    if wanted is None:
        assert answer.status == 404
    else:
        assert answer.status == 200
        assert answer.text == str(wanted)


@improvement("Unicode is transparent beside variable parts too, as the page promises")
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/\u0444/{a}", "/%D1%84/b"),
        ("/{a}/x y", "/b/x%20y"),
        ("/%D1%84/{a}", "/%D1%84/b"),
        ("/a%20b", "/a%20b"),
    ],
)
async def test_unicode_beside_variable_parts(serve, web, pattern, path):
    assert (await (await serve([web.get(pattern, handler)])).get(path)).status == 200


@pytest.mark.parametrize("order", [1, -1])
async def test_fixed_paths_are_preferred(serve, web, order):
    routes = [web.get("/a/{x}", named(web, "variable")), web.get("/a/b", named(web, "fixed"))]
    server = await serve(routes[::order])
    assert (await server.get("/a/b")).text == "fixed"
    assert (await server.get("/a/c")).text == "variable"


async def test_variable_paths_in_order_of_registration(serve, web):
    server = await serve(
        [web.get("/users/{x}/{y}/z", named(web, "1")), web.get("/users/{x}/y/z", named(web, "2"))]
    )
    assert (await server.get("/users/1/y/z")).text == "1"


async def test_longer_fixed_prefixes_first(serve, web):
    server = await serve(
        [
            web.get("/{tail:.*}", named(web, "all")),
            web.get("/a/{tail:.*}", named(web, "a")),
            web.get("/a/b/{c}", named(web, "ab")),
        ]
    )
    assert (await server.get("/a/b/c")).text == "ab"
    assert (await server.get("/a/b/c/d")).text == "a"
    assert (await server.get("/a/x")).text == "a"
    assert (await server.get("/x")).text == "all"


async def test_another_resource_may_have_the_method(serve, web):
    server = await serve(
        [
            web.get("/a", named(web, "get")),
            web.post("/{x}", named(web, "post")),
            web.put("/{tail:.*}", named(web, "put")),
        ]
    )
    assert (await server.get("/a")).text == "get"
    assert (await server.post("/a", b"")).text == "post"
    assert (await server.request("PUT", "/a")).text == "put"
    refused = await server.request("DELETE", "/a")
    assert refused.status == 405
    assert refused["Allow"] == "GET,HEAD,POST,PUT"


async def test_two_dynamic_resources_share_a_path_by_method(serve, web):
    server = await serve([web.get("/{x:a.*}", named(web, "1")), web.post("/{y}", named(web, "2"))])
    assert (await server.get("/ab")).text == "1"
    assert (await server.post("/ab", b"")).text == "2"
    assert (await server.get("/b")).status == 405


async def test_one_path_added_again_later(serve, web):
    server = await serve(
        [
            web.get("/a", named(web, "1")),
            web.get("/{x}", named(web, "2")),
            web.post("/a", named(web, "3")),
        ]
    )
    assert (await server.post("/a", b"")).text == "3"


@pytest.mark.parametrize("count", [1, 300])
async def test_many_routes(serve, web, count):
    app = web.Application()
    for number in range(count):
        app.router.add_get(f"/static{number}", named(web, f"s{number}"))
        app.router.add_get(f"/group{number}/{{x}}", named(web, f"d{number}"))
    server = await serve(app)
    last = count - 1
    assert (await server.get(f"/static{last}")).text == f"s{last}"
    assert (await server.get(f"/group{last}/1")).text == f"d{last}"


async def test_handler_kinds(serve, web):
    class Awaitable:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()
            return web.Response(text="awaitable")

    class Callable:
        async def __call__(self, request):
            return web.Response(text="callable")

    import functools

    async def partial(extra, request):
        return web.Response(text=extra)

    app = web.Application()
    app.router.add_get("/callable", Callable().__call__)
    app.router.add_get("/partial", functools.partial(partial, "partial"))
    server = await serve(app)
    for name in ("callable", "partial"):
        assert (await server.get(f"/{name}")).text == name


async def test_plain_functions_are_deprecated_and_work(serve, web):
    def plain(request):
        return web.Response(text="plain")

    app = web.Application()
    with pytest.warns(DeprecationWarning):
        app.router.add_get("/", plain)
    assert (await (await serve(app)).get("/")).text == "plain"


async def test_functions_that_return_awaitables(serve, web):
    async def inner(request):
        return web.Response(text="inner")

    app = web.Application()
    with pytest.warns(DeprecationWarning):
        app.router.add_get("/", lambda request: inner(request))
    assert (await (await serve(app)).get("/")).text == "inner"


@pytest.mark.parametrize("wrong", [None, 5, "name"])
def test_handler_must_be_callable(web, wrong):
    with pytest.raises((AssertionError, TypeError)):
        web.Application().router.add_get("/", wrong)


# Match info


async def test_match_info(serve, web):
    seen = {}

    async def look(request):
        info = request.match_info
        seen.update(
            kind=type(info),
            route=info.route,
            handler=info.handler,
            http_exception=info.http_exception,
            apps=info.apps,
            expect=callable(info.expect_handler),
            info=info.get_info(),
        )
        return web.Response()

    app = web.Application()
    route = app.router.add_post("/{x}", look, name="n")
    await (await serve(app)).post("/1", b"")
    assert issubclass(seen["kind"], web.UrlMappingMatchInfo)
    assert seen["route"] is route
    assert seen["handler"] is look
    assert seen["http_exception"] is None
    assert tuple(seen["apps"]) == (app,)
    assert seen["expect"]
    assert seen["info"]["formatter"] == "/{x}"


async def test_match_info_of_404_and_405(serve, web):
    seen = []

    @web.middleware
    async def middleware(request, handler):
        seen.append(request.match_info)
        with pytest.raises(type(request.match_info.http_exception)):
            await request.match_info.handler(request)
        return await handler(request)

    app = web.Application(middlewares=[middleware])
    app.router.add_get("/a", handler)
    server = await serve(app)
    await server.get("/none")
    await server.post("/a", b"")
    missing, refused = seen
    assert isinstance(missing.http_exception, web.HTTPNotFound)
    assert isinstance(refused.http_exception, web.HTTPMethodNotAllowed)
    assert refused.http_exception.allowed_methods == {"GET", "HEAD"}
    assert missing.route.resource is None
    assert isinstance(missing.route, web.AbstractRoute)
    assert (missing.route.status, missing.route.reason) == (404, "Not Found")
    assert (refused.route.status, refused.route.reason) == (405, "Method Not Allowed")


async def test_resolve_by_hand(serve, web):
    app = web.Application()
    seen = []

    async def look(request):
        seen.append(await app.router.resolve(request))
        seen.append(await app.router.resolve(request.clone(rel_url="/none/none")))
        resource = app.router["n"]
        seen.append(await resource.resolve(request))
        seen.append(await resource.resolve(request.clone(method="DELETE")))
        seen.append(await resource.resolve(request.clone(rel_url="/x/y")))
        return web.Response()

    app.router.add_post("/{x}", look, name="n")
    app.router.add_put("/{x}", look, name="n")
    await (await serve(app)).post("/1", b"")
    found, missing, (info, _), (none, allowed), (nothing, without) = seen
    assert found.handler is look
    assert dict(found) == {"x": "1"}
    assert missing.http_exception.status == 404
    assert dict(info) == {"x": "1"}
    assert none is None
    assert set(allowed) == {"POST", "PUT"}
    assert nothing is None
    assert not without


async def test_view_is_awaitable(serve, web):
    class MyView(web.View):
        async def get(self):
            assert isinstance(self.request, web.Request)
            return web.Response(text="view")

    async def delegate(request):
        return await MyView(request)

    assert (await (await serve(delegate)).get("/")).text == "view"


@pytest.mark.parametrize(
    "method", ["connect", "delete", "get", "head", "options", "patch", "post", "put", "trace"]
)
async def test_view_methods(serve, web, method):
    async def answer(self):
        return web.Response(headers={"X-Method": self.request.method})

    kind = type("Mine", (web.View,), {method: answer})
    server = await serve([web.view("/", kind)])
    if method == "connect":
        return
    assert (await server.request(method.upper(), "/"))["X-Method"] == method.upper()
    other = "PUT" if method == "get" else "GET"
    refused = await server.request(other, "/")
    assert (refused.status, refused["Allow"]) == (405, method.upper())


# Definitions


def test_route_def(web):
    definition = web.get("/a", handler, name="n", allow_head=False)
    assert isinstance(definition, web.RouteDef)
    assert (definition.method, definition.path, definition.handler) == ("GET", "/a", handler)
    assert definition.kwargs == {"name": "n", "allow_head": False}
    assert web.route("x", "/a", handler).method == "x"
    assert web.view("/a", web.View).method == "*"
    app = web.Application()
    routes = definition.register(app.router)
    assert [route.name for route in routes] == ["n"]


@pytest.mark.parametrize("name", ["get", "post", "head", "put", "patch", "delete", "options"])
def test_each_definition(web, name):
    assert getattr(web, name)("/a", handler).method == name.upper()


def test_static_def(web, tmp_path):
    definition = web.static("/s", tmp_path, name="n", show_index=True)
    assert isinstance(definition, web.StaticDef)
    assert (definition.prefix, definition.path) == ("/s", tmp_path)
    assert definition.kwargs == {"name": "n", "show_index": True}


def test_route_table_def_is_a_sequence(web, tmp_path):
    routes = web.RouteTableDef()
    for name in ("get", "post", "head", "put", "patch", "delete", "options"):
        assert getattr(routes, name)(f"/{name}")(handler) is handler
    routes.route("*", "/any", name="any")(handler)
    routes.static("/s", tmp_path)
    assert len(routes) == 9
    assert routes[0].method == "GET"
    assert [definition.path for definition in routes[:2]] == ["/get", "/post"]
    assert isinstance(routes[-1], web.StaticDef)
    assert routes[0] in routes
    app = web.Application()
    assert len(app.add_routes(routes)) == 10


def test_own_definition(web):
    class Mine(web.AbstractRouteDef):
        def register(self, router):
            return [router.add_get("/mine", handler, allow_head=False)]

    app = web.Application()
    (route,) = app.add_routes([Mine()])
    assert route.resource.canonical == "/mine"


async def test_register_resource(serve, web):
    """web_advanced.rst "Custom resource implementation"."""

    class Every(web.AbstractResource):
        def __init__(self):
            super().__init__(name="every")
            self.route = web.ResourceRoute("GET", handler, self)

        @property
        def canonical(self):
            return "/every"

        def url_for(self, *args, **kwargs):
            return URL("/every")

        def add_prefix(self, prefix):
            raise NotImplementedError

        def get_info(self):
            return {"path": "/every"}

        def raw_match(self, path):
            return False

        def freeze(self):
            pass

        async def resolve(self, request):
            if not request.path.startswith("/every"):
                return None, set()
            return web.UrlMappingMatchInfo({"path": request.path}, self.route), {"GET"}

        def __len__(self):
            return 1

        def __iter__(self):
            return iter([self.route])

    app = web.Application()
    resource = Every()
    app.router.register_resource(resource)
    assert app.router["every"] is resource
    assert resource in app.router.resources()
    server = await serve(app)
    assert (await server.get("/every/thing")).text == "{'path': '/every/thing'}"
    assert (await server.get("/other")).status == 404
