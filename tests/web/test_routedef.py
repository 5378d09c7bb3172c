"""tercel.web.routedef: definitions by function and by decorator."""

import pytest

from tercel import web
from tests.web.ask import ask


async def handler(request):
    return web.Response(text=request.method)


@pytest.mark.parametrize("name", ["get", "head", "options", "post", "put", "patch", "delete"])
async def test_functions_and_decorators(name):
    table = web.RouteTableDef()
    assert getattr(table, name)("/b")(handler) is handler
    app = web.Application()
    added = app.add_routes([getattr(web, name)("/a", handler), *table])
    assert [route.method for route in added] == [name.upper()] * 2
    for path in ("/a", "/b"):
        assert (await ask(app, name.upper(), path)).text == name.upper()


async def test_head_goes_with_get_unless_denied():
    app = web.Application()
    app.add_routes([web.get("/a", handler), web.get("/b", handler, allow_head=False)])
    assert (await ask(app, "HEAD", "/a")).text == "HEAD"
    with pytest.raises(web.HTTPMethodNotAllowed):
        await ask(app, "HEAD", "/b")


async def test_any_method_and_views():
    class Own(web.View):
        async def put(self):
            return web.Response(text="view")

    table = web.RouteTableDef()
    table.view("/v")(Own)
    table.route("PURGE", "/p", name="purge")(handler)
    app = web.Application()
    app.add_routes(table)
    app.add_routes([web.route("*", "/any", handler), web.view("/w", Own)])
    assert (await ask(app, "FOO", "/any")).text == "FOO"
    assert (await ask(app, "PURGE", "/p")).text == "PURGE"
    assert (await ask(app, "PUT", "/v")).text == "view"
    assert (await ask(app, "PUT", "/w")).text == "view"
    assert app.router["purge"].canonical == "/p"


def test_static(tmp_path):
    table = web.RouteTableDef()
    table.static("/a", tmp_path, name="a")
    added = web.Application().add_routes([web.static("/b", tmp_path), *table])
    assert [route.method for route in added] == ["GET", "HEAD", "GET", "HEAD"]


def test_definitions_are_values():
    assert web.get("/a", handler) == web.get("/a", handler)
    assert web.get("/a", handler) != web.post("/a", handler)
    definition = web.get("/a", handler, name="n")
    assert (definition.method, definition.path, definition.handler) == ("GET", "/a", handler)
    assert definition.kwargs == {"name": "n", "allow_head": True}
    assert repr(definition).startswith("<RouteDef GET /a -> 'handler'")
    table = web.RouteTableDef()
    table.get("/")(handler)
    assert len(table) == 1
    assert table[0] in table
    assert table[:1] == [table[0]]
