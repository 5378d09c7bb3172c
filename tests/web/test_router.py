"""tercel.web.router, routetable and dispatcher: which route a path leads to."""

import gc
import weakref

import pytest

from tercel import web
from tests.web.ask import ask, make_request


async def handler(request):
    return web.Response(text="x")


def make_app(*routes):
    app = web.Application()
    for route in routes:
        method, path = ("GET", route) if isinstance(route, str) else route
        app.router.add_route(method, path, handler)
    return app


def look_up(app, method, path, host=None):
    """(canonical path, values), or (404, []), or (405, the methods that are allowed)."""
    info = app.router.table.find(method, path, host).info()
    if info.http_exception is not None:
        error = info.http_exception
        return error.status, sorted(getattr(error, "allowed_methods", ()))
    return info.route.resource.canonical, dict(info)


PLAIN = [
    "/",
    "/a b",
    "/é",
    "/x%20y",
    "/p%2Fq",
    "/a+b",
    "/tilde~",
    "/%7Euser",
    "/100%",
    "/a//b",
    "/a/",
]
DYNAMIC = [
    "/{n}",
    "/d/{n}/e",
    "/f/{n}.txt",
    "/g/{a}-{b}",
    "/h/{t:.*}",
    r"/i/{t:\d+}",
    "/j/{t:[^/]+/x}/y",
    "/k/{a:é}",
    r"/l/{y:\d{4}}-{m:\d{2}}",
    "/m/{a:(b|c)}/{d}",
]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/", "/"),
        ("/a%20b", "/a b"),
        ("/é", "/é"),
        ("/%C3%A9", "/é"),
        ("/%c3%a9", "/é"),
        ("/x%20y", "/x%20y"),  # the same path, however it was registered
        ("/p%2Fq", "/p%2Fq"),
        ("/p%2fq", "/p%2Fq"),
        ("/p/q", None),
        ("/a%2Bb", "/a+b"),
        ("/tilde%7E", "/tilde~"),
        ("/~user", "/%7Euser"),
        ("/100%25", "/100%"),
        ("/100%", "/100%"),
        ("/a//b", "/a//b"),
        ("/a/b", None),
        ("/a/", "/a/"),
        ("/a", None),
        ("//", None),
        ("*", None),
        ("", None),
        ("/%FF", None),
        ("/a\udcff%20", None),
    ],
)
def test_plain(path, found):
    expected = (404, []) if found is None else (found, {})
    assert look_up(make_app(*PLAIN), "GET", path) == expected


@pytest.mark.parametrize(
    ("path", "found", "values"),
    [
        ("/a%20b", "/{n}", {"n": "a b"}),
        ("/a%2Fb", "/{n}", {"n": "a/b"}),
        ("/a%252Fb", "/{n}", {"n": "a%2Fb"}),
        ("/%C3%A9", "/{n}", {"n": "é"}),
        ("/a+b", "/{n}", {"n": "a+b"}),
        ("/a:b@c;d", "/{n}", {"n": "a:b@c;d"}),
        ("/{x}", None, None),
        ("/%7Bx%7D", None, None),
        ("/", None, None),
        ("/d//e", None, None),
        ("/d/x/e", "/d/{n}/e", {"n": "x"}),
        ("/d/x/e/", None, None),
        ("/f/x.txt", "/f/{n}.txt", {"n": "x"}),
        ("/f/a.b.txt", "/f/{n}.txt", {"n": "a.b"}),
        ("/f/.txt", None, None),
        ("/f/atxt", None, None),
        ("/g/a-b-c", "/g/{a}-{b}", {"a": "a-b", "b": "c"}),
        ("/h/", "/h/{t}", {"t": ""}),
        ("/h/a/b", "/h/{t}", {"t": "a/b"}),
        ("/h/a%2Fb", "/h/{t}", {"t": "a/b"}),
        ("/h", "/{n}", {"n": "h"}),
        ("/i/12", "/i/{t}", {"t": "12"}),
        ("/i/1a", None, None),
        ("/j/a/x/y", "/j/{t}/y", {"t": "a/x"}),
        ("/k/%C3%A9", "/k/{a}", {"a": "é"}),
        ("/l/2024-05", "/l/{y}-{m}", {"y": "2024", "m": "05"}),
        ("/m/b/z", "/m/{a}/{d}", {"a": "b", "d": "z"}),
    ],
)
def test_dynamic(path, found, values):
    expected = (404, []) if found is None else (found, values)
    assert look_up(make_app(*DYNAMIC), "GET", path) == expected


@pytest.mark.parametrize(
    ("routes", "method", "path", "found"),
    [
        (["/u/{x}/{y}/z", "/u/{x}/y/z"], "GET", "/u/1/y/z", "/u/{x}/{y}/z"),
        (["/u/{x}/y/z", "/u/{x}/{y}/z"], "GET", "/u/1/y/z", "/u/{x}/y/z"),
        (["/u/{x}/{y}/z", "/u/{x}/y/w"], "GET", "/u/1/y/w", "/u/{x}/y/w"),
        (["/a/{x}", "/a/b"], "GET", "/a/b", "/a/b"),
        (["/{y}/b", "/a/{x}"], "GET", "/a/b", "/a/{x}"),
        (["/{t:.*}", "/{n}", "/pre{n}"], "GET", "/prea", "/{t}"),
        (["/{t:.*}", "/pre/{n}"], "GET", "/pre/a", "/pre/{n}"),
        ([r"/{a:\d+}", "/{b}"], "GET", "/1", "/{a}"),
        (["/{b}", r"/{a:\d+}"], "GET", "/1", "/{b}"),
        (["/a/{x}", ("POST", "/a/b")], "GET", "/a/b", "/a/{x}"),
        ([("POST", "/{x}"), "/{y}"], "GET", "/q", "/{y}"),
        ([("*", "/s"), "/t", ("PUT", "/s")], "PUT", "/s", "/s"),
    ],
)
def test_order(routes, method, path, found):
    assert look_up(make_app(*routes), method, path)[0] == found


def test_earlier_resource_of_the_same_path_comes_first():
    app = web.Application()
    first = app.router.add_route("*", "/s", handler)
    app.router.add_post("/other", handler)
    app.router.add_get("/s", handler)
    assert app.router.table.find("GET", "/s").route is first


def test_method_not_allowed_sums_up_all_resources():
    app = make_app(("GET", "/a/{x}"), ("POST", "/a/b"), ("PUT", "/{y}/b"))
    assert look_up(app, "PATCH", "/a/b") == (405, ["GET", "POST", "PUT"])


async def test_allow_is_sorted():
    app = make_app(("PUT", "/a"), ("GET", "/a"), ("DELETE", "/a"))
    with pytest.raises(web.HTTPMethodNotAllowed) as caught:
        await ask(app, "POST", "/a")
    assert caught.value.headers["Allow"] == "DELETE,GET,PUT"


def test_add_get_takes_head():
    app = web.Application()
    app.router.add_get("/with", handler)
    app.router.add_get("/without", handler, allow_head=False)
    assert look_up(app, "HEAD", "/with")[0] == "/with"
    assert look_up(app, "HEAD", "/without") == (405, ["GET"])


def test_a_prefix_that_came_first_takes_the_plain_path():
    app, sub = web.Application(), web.Application()
    sub.router.add_post("", handler)
    app.add_subapp("/a", sub)
    app.router.add_get("/a", handler)
    app.router.add_get("/a/b", handler)
    assert look_up(app, "GET", "/a") == (405, ["POST"])
    assert look_up(app, "GET", "/a/b")[0] == "/a/b"
    assert look_up(app, "GET", "/a/c") == (404, [])
    assert look_up(app, "GET", "/ab") == (404, [])


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("x.ex.com", "/dom"),
        ("X.EX.com:80", "/dom"),
        ("y.x.ex.com.", "/dom"),
        ("ex.com", 405),
        ("xex.com", 405),
        ("x.ex.com.evil", 405),
    ],
)
async def test_domains(host, found):
    app, sub = web.Application(), web.Application()
    sub.router.add_get("/dom", handler)
    app.router.add_post("/dom", handler)
    app.add_domain("*.ex.com", sub)
    assert look_up(app, "GET", "/dom", host)[0] == found
    info = await app.router.resolve(make_request(app, "GET", "/dom", {"Host": host}))
    assert (info.http_exception is None) == (found == "/dom")


@pytest.mark.parametrize(
    ("domain", "error"),
    [
        (5, TypeError),
        ("", ValueError),
        ("http://x", ValueError),
        ("a b", ValueError),
        ("-a.com", ValueError),
        ("a..b", ValueError),
        ("ex.com:*", ValueError),
    ],
)
def test_bad_domains(domain, error):
    with pytest.raises(error):
        web.Application().add_domain(domain, web.Application())


@pytest.mark.parametrize("count", [10, 10_000])
@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("/static/{}/x", "/static/7/x"),
        ("/api/{}/{{id}}", "/api/7/42"),
        ("/{{tenant}}/{}", "/acme/7"),
        ("/{{a}}/{{b}}/{}", "/1/2/7"),
    ],
)
def test_cost_does_not_grow(template, wanted, count):
    app = make_app(*[template.format(i) for i in range(count)])
    table = app.router.table
    assert table.find("GET", wanted).allowed is None
    assert table.steps <= 5
    table.find("GET", "/nowhere/at/all")
    assert table.steps <= 10


def test_equal_regexes_are_tried_once():
    app = make_app(*[rf"/{{id:\d+}}/{i}" for i in range(1000)])
    assert look_up(app, "GET", "/5/999")[0] == "/{id}/999"
    assert app.router.table.steps <= 5


# Changes while the server runs


async def test_routes_come_and_go_after_the_freeze():
    app = make_app("/a")
    app.freeze()
    assert (await ask(app, "GET", "/a")).text == "x"
    route = app.router.add_get("/late/{x}", handler, name="late")
    assert (await ask(app, "GET", "/late/1")).text == "x"
    assert (await ask(app, "HEAD", "/late/1")).text == "x"
    app.router.remove_route(route)
    for method in ("GET", "HEAD"):
        with pytest.raises(web.HTTPNotFound):
            await ask(app, method, "/late/1")
    assert "late" not in app.router
    app.router.add_get("/other", handler, name="late")


async def test_a_change_below_a_prefix_is_seen_above():
    app, sub = web.Application(), web.Application()
    sub.router.add_get("/a", handler)
    app.add_subapp("/sub", sub)
    app.freeze()
    assert look_up(app, "GET", "/sub/b") == (404, [])
    route = sub.router.add_get("/b/{x}", handler, name="b")
    assert look_up(app, "GET", "/sub/b/1") == ("/sub/b/{x}", {"x": "1"})
    assert str(sub.router["b"].url_for(x="2")) == "/sub/b/2"
    sub.router.remove_route(route)
    assert look_up(app, "GET", "/sub/b/1") == (404, [])


def test_a_table_never_changes():
    app = make_app("/a", "/{x}/b")
    table = app.router.table
    app.router.remove_route(next(iter(app.router.resources())))
    assert table.find("GET", "/a").allowed is None
    assert app.router.table is not table
    assert look_up(app, "GET", "/a") == (404, [])


def test_one_method_can_be_removed():
    app = make_app(("GET", "/a"), ("POST", "/a"))
    routes = list(app.router.routes())
    app.router.remove_route(routes[1])
    assert look_up(app, "POST", "/a") == (405, ["GET"])
    assert look_up(app, "GET", "/a") == ("/a", {})


def test_removing_what_is_not_there():
    app = make_app("/a")
    route = next(iter(app.router.routes()))
    app.router.remove_route(route)
    with pytest.raises(ValueError, match="not registered"):
        app.router.remove_route(route)
    with pytest.raises(ValueError, match="not registered"):
        app.router.remove_route(next(iter(make_app("/b").router.resources())))


async def test_a_mount_can_be_removed():
    app, sub = web.Application(), web.Application()
    sub.router.add_get("/a", handler)
    resource = app.add_subapp("/sub", sub)
    assert look_up(app, "GET", "/sub/a")[0] == "/sub/a"
    app.router.remove_route(resource)
    assert look_up(app, "GET", "/sub/a") == (404, [])


# Registering


@pytest.mark.parametrize(
    "path", ["/{", "/{a", "/a}", "/{a:}", "/{a:[}", "nope", "/{1a}", "/{a}/{a}", "/x{a-b}", "{a}"]
)
def test_bad_paths(path):
    app = web.Application()
    with pytest.raises(ValueError):
        app.router.add_get(path, handler)
    assert len(app.router.resources()) == 0


@pytest.mark.parametrize("method", ["B D", "G{", "", "GET\r\n", "é"])
def test_bad_methods(method):
    app = web.Application()
    with pytest.raises(ValueError, match="not allowed HTTP method"):
        app.router.add_route(method, "/", handler)
    assert len(app.router.resources()) == 0


def test_methods_are_upper_case_and_may_be_odd():
    app = make_app(("get", "/a"), ("purge", "/a"))
    assert look_up(app, "GET", "/a")[0] == "/a"
    assert look_up(app, "PURGE", "/a")[0] == "/a"


def test_a_method_twice():
    app = make_app(("GET", "/a"))
    with pytest.raises(RuntimeError, match="will never be executed"):
        app.router.add_route("GET", "/a", handler)
    app.router.add_route("*", "/b", handler)
    with pytest.raises(RuntimeError, match="will never be executed"):
        app.router.add_route("GET", "/b", handler)


@pytest.mark.parametrize("name", ["1d", "class", "a b", "a.", "x:def"])
def test_bad_names(name):
    with pytest.raises(ValueError, match="Incorrect route name"):
        web.Application().router.add_get("/", handler, name=name)


def test_names():
    router = web.Application().router
    router.add_get("/a", handler, name="a.b:c-d")
    router.add_post("/a", handler, name="a.b:c-d")
    assert list(router) == ["a.b:c-d"]
    assert len(router.named_resources()) == 1
    assert router.get("nope") is None
    with pytest.raises(ValueError, match="Duplicate"):
        router.add_get("/b", handler, name="a.b:c-d")
    with pytest.raises(TypeError):
        router.named_resources()["x"] = 1
    assert len(router.resources()) == 1
    assert len(router.routes()) == 3


async def test_match_info_of_a_miss():
    app = make_app(("PUT", "/a"))
    info = await app.router.resolve(make_request(app, "GET", "/a"))
    assert info.http_exception.status == 405
    assert (info.route.status, info.route.reason) == (405, "Method Not Allowed")
    assert info.get_info() == {"http_exception": info.http_exception}
    with pytest.raises(web.HTTPMethodNotAllowed):
        await info.handler(None)


async def test_own_resource():
    class Even(web.AbstractResource):
        canonical = "/even/{n}"

        def url_for(self, **kwargs):
            raise NotImplementedError

        def add_prefix(self, prefix):
            raise NotImplementedError

        def get_info(self):
            return {}

        def raw_match(self, path):
            return False

        async def resolve(self, request):
            if not request.path.startswith("/even/") or int(request.path[6:]) % 2:
                return None, set()
            return web.UrlMappingMatchInfo({"n": request.path[6:]}, self.route), {"GET"}

        def __iter__(self):
            return iter([self.route])

        def __len__(self):
            return 1

    async def show(request):
        assert request.app is app
        return web.Response(text=request.match_info["n"])

    app = make_app("/a", "/even/{other}")
    resource = Even()
    resource.route = web.ResourceRoute("GET", show, resource)
    app.router.register_resource(resource)
    app.router.add_get("/odd/{n}", handler)
    assert (await ask(app, "GET", "/a")).text == "x"
    assert (await ask(app, "GET", "/even/2")).text == "x"
    app.router.remove_route(list(app.router.resources())[1])
    assert (await ask(app, "GET", "/even/2")).text == "2"
    assert (await ask(app, "GET", "/odd/2")).text == "x"
    with pytest.raises(web.HTTPNotFound):
        await ask(app, "GET", "/even/3")


async def test_misses_through_middlewares_keep_nothing():
    @web.middleware
    async def middle(request, handler):
        return await handler(request)

    app = web.Application(middlewares=[middle])
    app.router.add_post("/a", handler)
    app.freeze()
    requests = []
    for path in ["/a", *[f"/nope/{i}" for i in range(20)]]:
        request = make_request(app, "GET", path)
        requests.append(weakref.ref(request))
        with pytest.raises(web.HTTPException):
            await app._handle(request)
        del request
    gc.collect()
    assert all(reference() is None for reference in requests)
    assert len(app.router.table.fixed) == 1
