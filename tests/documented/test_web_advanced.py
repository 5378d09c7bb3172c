"""web_advanced.rst: Expect, custom routing, data sharing; faq.rst where it speaks of the server."""

import asyncio

import pytest

from tests.documented.subject import improvement


async def test_accept_chooser(serve, web):
    class AcceptChooser:
        def __init__(self):
            self._accepts = {}

        async def do_route(self, request):
            for accept in request.headers.getall("ACCEPT", []):
                acceptor = self._accepts.get(accept)
                if acceptor is not None:
                    return await acceptor(request)
            raise web.HTTPNotAcceptable()

        def reg_acceptor(self, accept, handler):
            self._accepts[accept] = handler

    async def handle_json(request):
        return web.Response(text="json")

    async def handle_xml(request):
        return web.Response(text="xml")

    chooser = AcceptChooser()
    app = web.Application()
    app.add_routes([web.get("/", chooser.do_route)])
    chooser.reg_acceptor("application/json", handle_json)
    chooser.reg_acceptor("application/xml", handle_xml)
    server = await serve(app)
    assert (await server.get("/", {"Accept": "application/xml"})).text == "xml"
    assert (await server.get("/", {"Accept": "text/plain"})).status == 406


async def test_unicode_in_paths_and_names(serve, web):
    async def handler(request):
        return web.Response(text=request.path + request.match_info["x"])

    server = await serve([web.get("/prefix/{x}", handler)])
    answer = await server.get("/prefix/%D0%BF%D1%83%D1%82%D1%8C")
    assert answer.text == "/prefix/путьпуть"


# Expect


@pytest.fixture
def expecting(serve, web):
    async def start(expect_handler=None):
        async def handler(request):
            return web.Response(text="body " + await request.text())

        options = {"expect_handler": expect_handler} if expect_handler else {}
        server = await serve([web.post("/", handler, **options)])
        return await server.connect()

    return start


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: %s\r\n%s\r\n"


@pytest.mark.parametrize("value", [b"100-continue", b"100-Continue"])
async def test_100_continue(expecting, value):
    connection = await expecting()
    await connection.send(HEAD % (value, b""))
    assert await connection.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.send(b"abc")
    answer = await connection.receive("POST")
    assert (answer.status, answer.text) == (200, "body abc")


async def test_another_expectation(expecting):
    connection = await expecting()
    await connection.send(HEAD % (b"spam", b"") + b"abc")
    assert (await connection.receive("POST")).status == 417


async def test_own_expect_handler(expecting, web, aiohttp):
    async def check_auth(request):
        if request.version != aiohttp.HttpVersion11:
            return
        if request.headers.get("EXPECT") != "100-continue":
            raise web.HTTPExpectationFailed(text="Unknown Expect")
        if request.headers.get("AUTHORIZATION") is None:
            raise web.HTTPForbidden()
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    connection = await expecting(check_auth)
    await connection.send(HEAD % (b"100-continue", b"Authorization: yes\r\n"))
    assert await connection.receive_head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.send(b"abc")
    assert (await connection.receive("POST")).text == "body abc"
    connection = await expecting(check_auth)
    await connection.send(HEAD % (b"100-continue", b""))
    assert (await connection.receive("POST")).status == 403
    await connection.send(b"abc")


async def test_expect_handler_that_answers(expecting, web):
    async def refuse(request):
        return web.Response(status=401, text="from the expect handler")

    connection = await expecting(refuse)
    await connection.send(HEAD % (b"100-continue", b""))
    answer = await connection.receive("POST")
    assert (answer.status, answer.text) == (401, "from the expect handler")
    await connection.send(b"abc")


async def test_expect_handler_is_a_coroutine(web):
    async def handler(request):
        pass

    with pytest.raises((AssertionError, TypeError)):
        web.Application().router.add_get("/", handler, expect_handler=lambda request: None)


async def test_expect_without_a_route(serve, web):
    connection = await (await serve(web.Application())).connect()
    await connection.send(HEAD % (b"100-continue", b""))
    head = await connection.receive_head()
    if b" 100 " in head:
        head = await connection.receive_head()
    assert b" 404 " in head
    await connection.send(b"abc")


@improvement("Expect of an HTTP/1.0 client is ignored, RFC 9110 section 10.1.1")
async def test_expect_of_1_0(expecting):
    connection = await expecting()
    data = (HEAD % (b"100-continue", b"")).replace(b"HTTP/1.1", b"HTTP/1.0")
    await connection.send(data + b"abc")
    answer = await connection.receive("POST")
    assert (answer.interim, answer.text) == ([], "body abc")


# Debug pages


@pytest.mark.loop_errors
async def test_traceback_page_in_debug_mode(serve, web):
    async def handler(request):
        raise ValueError("<the reason>")

    asyncio.get_running_loop().set_debug(True)
    server = await serve(handler)
    plain = await server.get("/")
    html = await server.get("/", {"Accept": "text/html"})
    asyncio.get_running_loop().set_debug(False)
    assert plain.status == html.status == 500
    assert "ValueError" in plain.text
    assert plain["Content-Type"].startswith("text/plain")
    assert html["Content-Type"].startswith("text/html")
    assert "&lt;the reason&gt;" in html.text
    assert "<the reason>" not in html.text


# faq.rst


async def test_prefix_route(serve, web):
    async def sink(request):
        return web.Response(text=request.match_info["tail"])

    app = web.Application()
    app.router.add_route("*", "/path/to/{tail:.+}", sink)
    server = await serve(app)
    assert (await server.request("PUT", "/path/to/a/b")).text == "a/b"
    assert (await server.get("/path/to/")).status == 404


async def test_middleware_stores_for_the_handler(serve, web):
    key = web.RequestKey("request_id_key", str)

    @web.middleware
    async def request_id(request, handler):
        request[key] = "some_request_id"
        return await handler(request)

    async def handler(request):
        return web.Response(text=request[key])

    app = web.Application(middlewares=[request_id])
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "some_request_id"


async def test_sharing_with_a_subapplication(serve, web):
    key = web.AppKey("db", str)

    async def handler(request):
        return web.Response(text=request.app[key])

    main, sub = web.Application(), web.Application()
    main[key] = "db"
    sub[key] = main[key]
    sub.router.add_get("/", handler)
    main.add_subapp("/prefix", sub)
    assert (await (await serve(main)).get("/prefix/")).text == "db"


async def test_work_after_the_answer(serve, web):
    answered, go_on, worked = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(request):
        resp = web.json_response({"message": "PONG"})
        await resp.prepare(request)
        await resp.write_eof()
        answered.set()
        await go_on.wait()
        worked.set()
        return resp

    server = await serve(handler)
    answer = await server.get("/")
    assert answer.text == '{"message": "PONG"}'
    assert not worked.is_set()
    go_on.set()
    await worked.wait()


async def test_tasks_within_a_handler(serve, web):
    async def get_some_data():
        await asyncio.sleep(0)
        return "data"

    async def handler(request):
        task = asyncio.create_task(get_some_data())
        async with asyncio.timeout(5):
            data = await task
        assert asyncio.current_task() is not None
        return web.Response(text=data)

    assert (await (await serve(handler)).get("/")).text == "data"


async def test_requests_run_in_parallel(serve, web):
    barrier = asyncio.Barrier(3)

    async def handler(request):
        await barrier.wait()
        return web.Response(text="all here")

    server = await serve(handler)
    answers = await asyncio.gather(*(server.get("/") for _ in range(3)))
    assert [answer.text for answer in answers] == ["all here"] * 3
