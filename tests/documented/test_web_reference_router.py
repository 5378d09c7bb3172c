"""web_reference.rst "Application and Router": UrlDispatcher, resources, routes, match info."""

import re

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


# Adding


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [("GET", "/a", "GET"), ("get", "/a", "GET"), ("*", "/a", "*"), ("Propfind", "/a", "PROPFIND")],
)
def test_add_route(web, method, path, wanted):
    router = web.Application().router
    route = router.add_route(method, path, handler, name="n")
    assert isinstance(route, web.AbstractRoute)
    assert isinstance(route, web.ResourceRoute)
    assert route.method == wanted
    assert route.handler is handler
    assert route.name == "n"
    assert isinstance(route.resource, web.PlainResource)
    assert router["n"] is route.resource


@pytest.mark.parametrize("path", ["a", "a/b", "{x}", "?"])
def test_path_starts_with_a_slash(web, path):
    with pytest.raises(ValueError):
        web.Application().router.add_route("GET", path, handler)


@pytest.mark.parametrize(
    "path",
    [
        "/{",
        "/{}",
        "/{a",
        "/a}",
        "/{a}}",
        "/{a b}",
        "/{1a}",
        "/{a:}",
        "/{a:[}",
        "/{a:x(}",
        "/{{a}",
        "/{a}/{",
        "/{a-b}",
        "/{a.b}",
    ],
)
def test_bad_patterns(web, path):
    with pytest.raises(ValueError):
        web.Application().router.add_route("GET", path, handler)


@pytest.mark.parametrize("method", ["", "A B", "(", "G\0T"])
def test_bad_methods(web, method):
    with pytest.raises(ValueError):
        web.Application().router.add_route(method, "/", handler)


@improvement("a method ends where its token ends")
def test_bad_method_with_a_line_end(web):
    with pytest.raises(ValueError):
        web.Application().router.add_route("GET\n", "/", handler)


@pytest.mark.parametrize("name", ["a b", "1a", "a:1", "a..b", "if", "a-", "", "a.class"])
def test_bad_names(web, name):
    with pytest.raises(ValueError):
        web.Application().router.add_resource("/a", name=name)


@pytest.mark.parametrize("name", ["a", "a_b", "a-b", "a.b", "a:b", "a1", "a-b.c:d_e"])
def test_good_names(web, name):
    router = web.Application().router
    resource = router.add_resource("/a", name=name)
    assert router[name] is resource
    assert resource.name == name
    assert name in router
    assert list(router) == [name]
    assert len(router) == 1


def test_names_are_unique(web):
    router = web.Application().router
    router.add_route("GET", "/a", handler, name="n")
    with pytest.raises(ValueError):
        router.add_route("GET", "/b", handler, name="n")


def test_one_name_for_two_methods_of_one_path(web):
    router = web.Application().router
    first = router.add_get("/a", handler, name="n")
    second = router.add_post("/a", handler, name="n")
    assert first.resource is second.resource


def test_unknown_name(web):
    router = web.Application().router
    with pytest.raises(KeyError):
        router["none"]
    assert router.get("none") is None
    assert "none" not in router


def test_one_method_once_for_a_resource(web):
    resource = web.Application().router.add_resource("/a")
    resource.add_route("GET", handler)
    with pytest.raises(RuntimeError):
        resource.add_route("GET", handler)


@improvement("methods are compared as they will be matched")
def test_one_method_once_in_either_case(web):
    resource = web.Application().router.add_resource("/a")
    resource.add_route("GET", handler)
    with pytest.raises(RuntimeError):
        resource.add_route("get", handler)


def test_no_method_after_the_wildcard(web):
    resource = web.Application().router.add_resource("/a")
    resource.add_route("*", handler)
    with pytest.raises(RuntimeError):
        resource.add_route("GET", handler)


def test_resource_is_a_collection_of_routes(web):
    resource = web.Application().router.add_resource("/a")
    first = resource.add_route("GET", handler)
    second = resource.add_route("POST", handler)
    assert len(resource) == 2
    assert list(resource) == [first, second]
    assert first.resource is resource


@improvement("routes may change while the server runs, so a running router is not frozen")
async def test_adding_to_a_running_router(serve, web):
    app = web.Application()
    server = await serve(app)
    app.router.add_get("/late", handler)
    assert (await server.get("/late")).status == 200


def test_add_routes_returns_the_routes(web):
    app = web.Application()
    routes = app.add_routes(
        [web.get("/a", handler), web.post("/a", handler), web.view("/v", web.View)]
    )
    assert [route.method for route in routes] == ["GET", "POST", "*"]
    assert all(isinstance(route, web.AbstractRoute) for route in routes)


def test_views_of_resources_and_routes(web):
    router = web.Application().router
    route = router.add_post("/a", handler)
    assert list(router.resources()) == [route.resource]
    assert list(router.routes()) == [route]
    assert len(router.routes()) == 1
    assert route in router.routes()
    assert route.resource in router.resources()


# Class tree


def test_hierarchy(web):
    assert issubclass(web.PlainResource, web.Resource)
    assert issubclass(web.DynamicResource, web.Resource)
    assert issubclass(web.Resource, web.AbstractResource)
    assert issubclass(web.StaticResource, web.AbstractResource)
    assert issubclass(web.PrefixedSubAppResource, web.AbstractResource)
    assert issubclass(web.ResourceRoute, web.AbstractRoute)
    assert issubclass(web.RouteDef, web.AbstractRouteDef)
    assert issubclass(web.StaticDef, web.AbstractRouteDef)
    assert issubclass(web.UrlMappingMatchInfo, load("abc").AbstractMatchInfo)
    assert issubclass(web.UrlMappingMatchInfo, dict)
    assert issubclass(web.View, load("abc").AbstractView)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/path/to", "/path/to"),
        ("/", "/"),
        ("/get/{num}", "/get/{num}"),
        (r"/get/{num:^\d+}", "/get/{num}"),
        (r"/{a}/x{b:\d+}y/{c}", "/{a}/x{b}y/{c}"),
        ("/path with space", "/path with space"),
        ("/\u0444", "/\u0444"),
    ],
)
def test_canonical(web, path, canonical):
    resource = web.Application().router.add_resource(path)
    assert resource.canonical == canonical
    assert isinstance(resource, web.DynamicResource if "{" in path else web.PlainResource)


def test_get_info(web, tmp_path):
    router = web.Application().router
    assert router.add_resource("/a").get_info() == {"path": "/a"}
    info = router.add_resource("/a/{b}").get_info()
    assert info["formatter"] == "/a/{b}"
    assert isinstance(info["pattern"], re.Pattern)
    assert info["pattern"].fullmatch("/a/x")["b"] == "x"
    info = router.add_static("/s", tmp_path).get_info()
    assert info["prefix"] == "/s"
    assert info["directory"] == tmp_path


# url_for


def test_url_for_of_a_plain_resource(web):
    url = web.Application().router.add_resource("/path/to").url_for()
    assert isinstance(url, URL)
    assert url == URL("/path/to")


@pytest.mark.parametrize(
    ("path", "values", "url"),
    [
        ("/{to}", {"to": "val"}, "/val"),
        ("/path/{to}/{param}", {"to": "val1", "param": "val2"}, "/path/val1/val2"),
        ("/{to}", {"to": "a b"}, "/a%20b"),
        ("/{to}", {"to": "\u0444"}, "/%D1%84"),
        ("/{to}", {"to": "a%2Fb"}, "/a%252Fb"),
        ("/{to}", {"to": "a?b"}, "/a%3Fb"),
        ("/{to}", {"to": "a#b"}, "/a%23b"),
        ("/{to}", {"to": "a+b"}, "/a+b"),
        ("/{to}", {"to": "a@b:c"}, "/a@b:c"),
        (r"/{to:\d+}", {"to": "12"}, "/12"),
        ("/{tail:.*}", {"tail": "a/b"}, "/a/b"),
        ("/x{a}y{b}z", {"a": "1", "b": "2"}, "/x1y2z"),
        ("/\u0444/{to}", {"to": "x"}, "/%D1%84/x"),
    ],
)
def test_url_for_of_a_dynamic_resource(web, path, values, url):
    resource = web.Application().router.add_resource(path, name="n")
    assert str(resource.url_for(**values)) == url


def test_url_for_needs_every_part(web):
    resource = web.Application().router.add_resource("/{a}/{b}")
    with pytest.raises(KeyError):
        resource.url_for(a="1")


def test_url_for_of_a_route(web):
    route = web.Application().router.add_get("/{a}", handler)
    assert str(route.url_for(a="1")) == "/1"


async def test_url_for_gives_what_is_matched(serve, web):
    async def back(request):
        url = request.app.router["n"].url_for(**request.match_info)
        return web.Response(text=str(url) + " " + request.match_info["x"])

    server = await serve([web.get("/{x}/end", back, name="n")])
    for target in ("/a/end", "/%D1%84%20b/end", "/a%3Fb/end", "/a+b/end"):
        assert (await server.get(target)).text.split(" ")[0] == target
