"""tercel.web.middlewares: order, old and new forms, nested applications, path normalization."""

import pytest

from tercel import web
from tests.web.ask import ask


async def handler(request):
    return web.Response(text="x")


def make_middleware(name, seen):
    @web.middleware
    async def middle(request, handler):
        seen.append((name, request.app))
        response = await handler(request)
        seen.append((name + " out", request.app))
        return response

    return middle


async def test_order_and_application():
    seen = []
    app, mid, sub = (web.Application() for _ in range(3))
    app.middlewares.extend([make_middleware("a", seen), make_middleware("b", seen)])
    sub.middlewares.append(make_middleware("c", seen))
    sub.router.add_get("/", handler)
    mid.add_subapp("/sub", sub)
    app.add_subapp("/mid", mid)
    app.freeze()
    for _ in range(2):
        seen.clear()
        await ask(app, "GET", "/mid/sub/")
        assert seen == [
            ("a", app),
            ("b", app),
            ("c", sub),
            ("c out", sub),
            ("b out", app),
            ("a out", app),
        ]


async def test_a_miss_below_a_prefix_passes_both():
    seen = []
    app = web.Application(middlewares=[make_middleware("a", seen)])
    sub = web.Application(middlewares=[make_middleware("b", seen)])
    app.add_subapp("/sub", sub)
    with pytest.raises(web.HTTPNotFound):
        await ask(app, "GET", "/sub/x")
    assert [name for name, _ in seen] == ["a", "b"]


async def test_middlewares_may_answer_and_replace():
    @web.middleware
    async def answer(request, handler):
        return web.Response(text="instead")

    app = web.Application(middlewares=[answer])
    assert (await ask(app, "GET", "/nowhere")).text == "instead"


async def test_handler_is_given_by_name():
    @web.middleware
    async def odd(request, *, handler):
        return await handler(request)

    app = web.Application(middlewares=[odd])
    app.router.add_get("/", handler)
    assert (await ask(app, "GET", "/")).text == "x"


async def test_old_form_is_awaited_for_each_request():
    seen = []

    async def factory(app, handler):
        seen.append(app)

        async def middle(request):
            response = await handler(request)
            response.text += " wink"
            return response

        return middle

    app = web.Application(middlewares=[factory])
    app.router.add_get("/", handler)
    app.freeze()
    with pytest.warns(DeprecationWarning, match="old-style"):
        assert (await ask(app, "GET", "/")).text == "x wink"
    assert (await ask(app, "GET", "/")).text == "x wink"
    assert seen == [app, app]


async def test_without_a_mark_the_parameters_tell():
    async def middle(request, handler):
        response = await handler(request)
        response.text += "!"
        return response

    app = web.Application(middlewares=[middle])
    app.router.add_get("/", handler)
    assert (await ask(app, "GET", "/")).text == "x!"


async def test_middlewares_of_a_change_before_the_freeze():
    seen = []
    app = web.Application()
    app.router.add_get("/", handler)
    await ask(app, "GET", "/")
    app.middlewares.append(make_middleware("a", seen))
    await ask(app, "GET", "/")
    assert len(seen) == 2


def normalizing(routes, **options):
    app = web.Application(middlewares=[web.normalize_path_middleware(**options)])
    for path in routes:
        app.router.add_get(path, handler)
    return app


APPEND = {}
REMOVE = {"append_slash": False, "remove_slash": True}


@pytest.mark.parametrize(
    ("options", "path", "location"),
    [
        (APPEND, "/a", "/a/"),
        (APPEND, "/a?b=c&d", "/a/?b=c&d"),
        (APPEND, "/a?", "/a/"),
        (APPEND, "//a//", "/a/"),
        (APPEND, "//b", "/b"),
        (APPEND, "/c%20d", "/c%20d/"),
        (REMOVE, "/b/", "/b"),
        (REMOVE, "//b//", "/b"),
        (REMOVE, "/b/?x=//y", "/b?x=//y"),
        ({"merge_slashes": False}, "/a", "/a/"),
    ],
)
async def test_normalized_paths(options, path, location):
    app = normalizing(["/a/", "/b", "/c d/"], **options)
    with pytest.raises(web.HTTPPermanentRedirect) as caught:
        await ask(app, "GET", path)
    assert caught.value.headers["Location"] == location


@pytest.mark.parametrize(
    ("options", "path"),
    [
        (APPEND, "/b/"),
        (APPEND, "/nope"),
        (REMOVE, "/a"),
        ({"merge_slashes": False}, "//b"),
        ({"append_slash": False}, "/a"),
    ],
)
async def test_paths_that_stay(options, path):
    with pytest.raises(web.HTTPNotFound):
        await ask(normalizing(["/a/", "/b"], **options), "GET", path)


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "///evil.example",
        "//evil.example/..",
        "/\\evil.example",
        "/\\/evil.example",
        "//\\evil.example",
        "/%5Cevil.example",
        "//evil.example/%2e%2e",
        "/%2Fevil.example",
        "//user@evil.example",
        "http://other.example//evil.example",
    ],
)
@pytest.mark.parametrize("options", [APPEND, REMOVE, {"merge_slashes": False}])
async def test_no_way_to_another_host(path, options):
    routes = ["/{a}/", "/{a}/{b}/", "/{t:.*}/"] if options != REMOVE else ["/{a}", "/{a}/{b}"]
    app = normalizing(routes, **options)
    for suffix in ("", "/"):
        try:
            await ask(app, "GET", path + suffix)
        except web.HTTPMove as error:
            location = error.headers["Location"]
            assert location.startswith("/")
            assert not location.startswith(("//", "/\\"))
            assert "\\" not in location
        except web.HTTPNotFound:
            pass


async def test_method_and_class_of_the_redirect():
    app = web.Application(middlewares=[web.normalize_path_middleware(redirect_class=web.HTTPFound)])
    app.router.add_post("/a/", handler)
    with pytest.raises(web.HTTPFound):
        await ask(app, "POST", "/a")
    with pytest.raises(web.HTTPNotFound):
        await ask(app, "GET", "/a")


def test_append_and_remove_together():
    with pytest.raises(AssertionError):
        web.normalize_path_middleware(append_slash=True, remove_slash=True)


async def test_normalizing_below_a_prefix():
    app = web.Application()
    sub = normalizing(["/a/"])
    app.add_subapp("/sub", sub)
    with pytest.raises(web.HTTPPermanentRedirect) as caught:
        await ask(app, "GET", "/sub/a")
    assert caught.value.headers["Location"] == "/sub/a/"
