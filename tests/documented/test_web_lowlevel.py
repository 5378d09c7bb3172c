"""web_lowlevel.rst and web_reference.rst `Server`: a handler without an application."""

import asyncio

import pytest

from tests.documented.neutral import Connection


async def test_server_runner(serve, web):
    async def handler(request):
        assert isinstance(request, web.BaseRequest)
        assert not isinstance(request, web.Request)
        return web.Response(text=f"{request.method} {request.path}")

    server = await serve(web.Server(handler))
    for method, path in (("GET", "/"), ("POST", "/a"), ("DELETE", "/b")):
        assert (await server.request(method, path)).text == f"{method} {path}"


async def test_as_protocol_factory(web):
    async def handler(request):
        return web.Response(text="OK")

    server = web.Server(handler)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    address = listener.sockets[0].getsockname()
    connection = Connection(*await asyncio.open_connection(*address))
    assert len(server.connections) == 1
    assert (await connection.request("GET", "/")).text == "OK"
    assert (await connection.request("GET", "/")).text == "OK"
    assert server.requests_count == 2
    listener.close()
    await server.shutdown(1)
    assert await connection.is_closed_by_server()
    assert len(server.connections) == 0
    await connection.close()


async def test_stream(serve, web):
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"a")
        await response.write(b"b")
        return response

    assert (await (await serve(web.Server(handler))).get("/")).text == "ab"


async def test_http_exception(serve, web):
    async def handler(request):
        raise web.HTTPForbidden(text="no")

    answer = await (await serve(web.Server(handler))).get("/")
    assert (answer.status, answer.text) == (403, "no")


@pytest.mark.loop_errors
async def test_any_other_exception(serve, web):
    async def handler(request):
        raise LookupError("x")

    answer = await (await serve(web.Server(handler))).get("/")
    assert answer.status == 500


async def test_bodies(serve, web):
    async def handler(request):
        return web.Response(body=await request.read())

    assert (await (await serve(web.Server(handler))).post("/", b"abc" * 5000)).body == b"abc" * 5000


async def test_options_of_the_protocol(serve, web):
    async def handler(request):
        return web.Response()

    server = await serve(web.Server(handler, max_line_size=50))
    assert (await server.get("/" + "a" * 100)).status in (400, 414)


async def test_it_is_a_mapping(serve, web):
    async def handler(request):
        request["a"] = 1
        return web.Response(text=str(request["a"]))

    assert (await (await serve(web.Server(handler))).get("/")).text == "1"
