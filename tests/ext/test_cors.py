"""Which other sites' pages may use a resource: preflights, answers, and what is not shared."""

from pathlib import Path
from typing import Any

import pytest

from tercel import web
from tercel.ext import cors as aiohttp_cors
from tercel.ext.cors import CorsViewMixin, ResourceOptions, custom_cors
from tests.documented.neutral import Answer
from tests.live import serving

O = "http://client.example.org"  # noqa: E741
X = "http://other.example.org"


async def handler(request: web.Request) -> web.Response:
    return web.Response(text="Hello!", headers={"X-Custom-Server-Header": "Custom data"})


async def bad(request: web.Request) -> web.Response:
    raise web.HTTPBadRequest(headers={"Vary": "Accept"})


class View(web.View, CorsViewMixin):
    cors_config = {"*": ResourceOptions(allow_credentials=True, allow_headers="X-Request-ID")}

    async def get(self) -> web.Response:
        return web.Response(text="Done")

    @custom_cors({O: ResourceOptions(allow_headers="*")})
    async def post(self) -> web.Response:
        return web.Response(text="Done")


async def ask(app: web.Application, *requests: tuple[str, str, dict[str, str]]) -> list[Answer]:
    async with serving(app) as server:
        answers = []
        for method, path, headers in requests:
            connection = await server.connect()
            answers.append(await connection.request(method, path, {"Host": "a", **headers}))
            await connection.close()
        return answers


def preflight(path: str, method: str, origin: str = O, headers: str = "") -> Any:
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        fields["Access-Control-Request-Headers"] = headers
    return "OPTIONS", path, fields


def fields_of(answer: Answer) -> dict[str, str]:
    prefix = "access-control-"
    return {
        name.lower().removeprefix(prefix): value
        for name, value in answer.fields
        if name.lower().startswith(prefix)
    }


def make_app() -> web.Application:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    resource = cors.add(app.router.add_resource("/hello"))
    options = ResourceOptions(
        allow_credentials=True,
        expose_headers=("X-Custom-Server-Header",),
        allow_headers=("X-Requested-With", "Content-Type"),
        max_age=3600,
    )
    route = cors.add(resource.add_route("GET", handler), {O: options})
    assert route.method == "GET"
    cors.add(
        resource.add_route("PUT", handler), {"*": {"expose_headers": "*", "allow_headers": "*"}}
    )
    some = cors.add(
        app.router.add_resource("/some"), {O: ResourceOptions(allow_methods=["post", "PUT"])}
    )
    some.add_route("POST", handler)
    some.add_route("PUT", bad)
    some.add_route("DELETE", handler)
    app.router.add_get("/private", handler)
    cors.add(app.router.add_view("/view", View), webview=True)
    return app


async def test_answers() -> None:
    plain, named, other, anybody, private = await ask(
        make_app(),
        ("GET", "/hello", {}),
        ("GET", "/hello", {"Origin": O}),
        ("GET", "/hello", {"Origin": X}),
        ("PUT", "/hello", {"Origin": X}),
        ("GET", "/private", {"Origin": O}),
    )
    assert fields_of(plain) == fields_of(other) == fields_of(private) == {}
    assert plain["Vary"] == other["Vary"] == "Origin"
    assert private.get("Vary") is None
    assert fields_of(named) == {
        "allow-origin": O,
        "allow-credentials": "true",
        "expose-headers": "X-Custom-Server-Header",
    }
    found = fields_of(anybody)
    exposed = found.pop("expose-headers").split(",")
    assert found == {"allow-origin": X}
    assert "X-Custom-Server-Header" in exposed
    assert "Content-Type" not in exposed


async def test_preflights() -> None:
    bare, simple, asking, any_header = await ask(
        make_app(),
        preflight("/hello", "GET"),
        preflight("/some", "POST"),
        preflight("/hello", "GET", O, "X-Requested-With, content-type"),
        preflight("/hello", "PUT", X, "x-other, bad name, x-more"),
    )
    assert [answer.status for answer in (bare, simple, asking, any_header)] == [200] * 4
    assert fields_of(bare) == {
        "allow-origin": O,
        "allow-methods": "GET",
        "allow-credentials": "true",
        "max-age": "3600",
    }
    assert "Origin" in bare["Vary"]
    assert fields_of(simple) == {"allow-origin": O, "allow-methods": "POST"}
    assert fields_of(asking)["allow-headers"] == "x-requested-with,content-type"
    assert fields_of(any_header) == {
        "allow-origin": X,
        "allow-methods": "PUT",
        "allow-headers": "x-other,x-more",
    }


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (("OPTIONS", "/hello", {}), "origin header is not specified in the request"),
        (
            ("OPTIONS", "/hello", {"Origin": O}),
            "'Access-Control-Request-Method' header is not specified",
        ),
        (preflight("/some", "POST", X), f"origin {X!r} is not allowed"),
        (preflight("/hello", "GET", X), f"request method 'GET' is not allowed for {X!r} origin"),
        (preflight("/hello", "POST"), f"request method 'POST' is not allowed for {O!r} origin"),
        (preflight("/some", "DELETE"), f"request method 'DELETE' is not allowed for {O!r} origin"),
        (preflight("/hello", "GET", O, "X-A, content-type"), "headers are not allowed: x-a"),
        (preflight("/hello", "get"), f"request method 'get' is not allowed for {O!r} origin"),
    ],
)
async def test_refusals(request_: Any, reason: str) -> None:
    (answer,) = await ask(make_app(), request_)
    assert answer.status == 403
    assert answer.text == f"CORS preflight request failed: {reason}"
    assert fields_of(answer) == {}


async def test_methods_of_a_resource() -> None:
    post, put, delete, head = await ask(
        make_app(),
        ("POST", "/some", {"Origin": O}),
        ("PUT", "/some", {"Origin": O}),
        ("DELETE", "/some", {"Origin": O}),
        ("HEAD", "/some", {"Origin": O}),
    )
    assert fields_of(post) == {"allow-origin": O}
    assert put.status == 400  # errors can be read too
    assert fields_of(put) == {"allow-origin": O}
    assert put["Vary"] == "Accept, Origin"
    assert fields_of(delete) == fields_of(head) == {}


async def test_views() -> None:
    got, posted, other, asked, refused, options, more = await ask(
        make_app(),
        ("GET", "/view", {"Origin": O}),
        ("POST", "/view", {"Origin": O}),
        ("POST", "/view", {"Origin": X}),
        preflight("/view", "POST", O, "anything"),
        preflight("/view", "GET", O, "anything"),
        ("OPTIONS", "/view", {}),
        preflight("/view", "GET", X, "x-request-id"),
    )
    assert fields_of(got) == {"allow-origin": O, "allow-credentials": "true"}
    assert fields_of(posted) == {"allow-origin": O}
    assert fields_of(other) == {"allow-origin": X, "allow-credentials": "true"}
    assert asked.status == 200
    assert fields_of(asked)["allow-headers"] == "anything"
    assert refused.status == 403
    assert options.status == 405  # the view's own answer
    assert more.status == 200


async def test_all_routes_and_defaults(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("static")
    app = web.Application()
    app.router.add_route("GET", "/hello", handler)
    app.router.add_route("PUT", "/hello", handler)
    app.router.add_get("/user/{name}", handler)
    app.router.add_route("*", "/any", handler)
    app.router.add_static("/static", tmp_path)
    defaults = {"*": ResourceOptions(allow_credentials=True, allow_headers="*")}
    cors = aiohttp_cors.setup(app, defaults=defaults)
    for route in list(app.router.routes()):
        cors.add(route)
    requests = []
    for method, path in (
        ("GET", "/hello"),
        ("PUT", "/hello"),
        ("GET", "/user/ada"),
        ("HEAD", "/user/ada"),
        ("PATCH", "/any"),
        ("GET", "/static/a.txt"),
    ):
        requests.append((method, path, {"Origin": O}))
        requests.append(preflight(path, method, O, "x-a"))
    for answer, (_, path, _) in zip(await ask(app, *requests), requests, strict=True):
        assert answer.status == 200, path
        assert fields_of(answer)["allow-origin"] == O, path
        assert fields_of(answer)["allow-credentials"] == "true", path


async def test_defaults_and_more() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app, defaults={O: ResourceOptions()})
    resource = cors.add(app.router.add_resource("/hello"))
    cors.add(resource.add_route("POST", handler))
    cors.add(resource.add_route("GET", handler), {X: ResourceOptions()})
    answers = await ask(
        app,
        *(
            (method, "/hello", {"Origin": origin})
            for method in ("GET", "HEAD", "POST")
            for origin in (O, X)
        ),
    )
    found = [fields_of(answer).get("allow-origin") for answer in answers]
    assert found == [O, X, None, None, O, None]  # there is no HEAD here: 405


async def test_in_a_part_of_an_application() -> None:
    inner = make_app()
    app = web.Application()
    app.add_subapp("/in", inner)
    got, asked, asked_view = await ask(
        app,
        ("GET", "/in/hello", {"Origin": O}),
        preflight("/in/hello", "GET"),
        preflight("/in/view", "GET"),
    )
    assert fields_of(got)["allow-origin"] == O
    assert fields_of(asked)["allow-origin"] == O
    assert fields_of(asked_view)["allow-origin"] == O


async def test_a_stream_and_a_body_that_is_gone() -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"pieces")
        return response

    app = web.Application()
    cors = aiohttp_cors.setup(app)
    cors.add(app.router.add_route("GET", "/stream", stream), {O: ResourceOptions()})
    (answer,) = await ask(app, ("GET", "/stream", {"Origin": O}))
    assert fields_of(answer) == {"allow-origin": O}
    assert answer.text == "pieces"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_age": -1}, "'max_age' must be non-negative integer, got -1"),
        ({"max_age": "1"}, "'max_age' must be non-negative integer, got '1'"),
        ({"max_age": True}, "'max_age' must be non-negative integer, got True"),
        ({"expose_headers": ["a b"]}, "'expose_headers' must be either"),
        ({"allow_headers": [1]}, "'allow_headers' must be either"),
        ({"allow_methods": ["GET,POST"]}, "'allow_methods' must be either"),
    ],
)
def test_options(options: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ResourceOptions(**options)


async def test_what_can_not_be_shared() -> None:
    app = web.Application()
    cors = aiohttp_cors.setup(app)
    with pytest.raises(TypeError, match="Resource or ResourceRoute expected"):
        cors.add("/hello")
    with pytest.raises(ValueError, match="Origin options must be either"):
        cors.add(app.router.add_resource("/a"), {O: None})  # type: ignore[dict-item]
    resource = app.router.add_resource("/b")
    resource.add_route("OPTIONS", handler)
    with pytest.raises(RuntimeError, match="OPTIONS is already registered"):
        cors.add(resource)
