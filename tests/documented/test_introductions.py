"""What the introductions of the years 2017 to 2020 show a beginner, in their spelling, as tests.

Where aiohttp 3.14 no longer runs them, the test says so as an improvement.
"""

import asyncio
import json
import logging
import warnings

import pytest

from tests.documented.neutral import Connection
from tests.documented.subject import improvement, load


@pytest.fixture(autouse=True)
def quietly():
    """The spellings of that age warn; that they do is stated elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


async def test_hello_with_an_optional_name(serve, web):
    async def hello(request):
        name = request.match_info.get("name", "Anonymous")
        text = f"Hello, {name}"
        return web.Response(text=text)

    app = web.Application()
    app.router.add_get("/", hello)
    app.router.add_get("/{name}", hello)
    server = await serve(app)
    assert (await server.get("/")).text == "Hello, Anonymous"
    assert (await server.get("/world")).text == "Hello, world"


async def test_init_with_a_loop_and_make_handler(web):
    async def index(request):
        await asyncio.sleep(0)
        return web.Response(body=b"<h1>Index</h1>")

    async def hello(request):
        text = "<h1>hello, %s!</h1>" % request.match_info["name"]  # noqa: UP031
        return web.Response(body=text.encode("utf-8"))

    async def init(loop):
        app = web.Application(loop=loop)
        app.router.add_route("GET", "/", index)
        app.router.add_route("GET", "/hello/{name}", hello)
        return await loop.create_server(app.make_handler(), "127.0.0.1", 0)

    srv = await init(asyncio.get_running_loop())
    connection = Connection(*await asyncio.open_connection(*srv.sockets[0].getsockname()))
    answer = await connection.request("GET", "/")
    assert answer.text == "<h1>Index</h1>"
    assert answer["Content-Type"] == "application/octet-stream"
    answer = await connection.request("GET", "/hello/michael", {"Connection": "close"})
    assert answer.text == "<h1>hello, michael!</h1>"
    assert await connection.is_closed_by_server()
    await connection.close()
    srv.close()
    await srv.wait_closed()


async def test_a_plain_function_as_handler(serve, web):
    def handler(request):
        return web.Response()

    def index(request):
        return web.Response(text="Welcome home!")

    app = web.Application()
    app.router.add_get("/", handler)
    app.router.add_get("/index", index)
    server = await serve(app)
    assert (await server.get("/")).status == 200
    assert (await server.get("/index")).text == "Welcome home!"


async def test_every_method_of_a_view(serve, web):
    async def get_resp(request):
        return web.Response(text="get")

    async def post_resp(request):
        return web.Response(text="post")

    class MyView(web.View):
        async def get(self):
            return await get_resp(self.request)

        async def post(self):
            return await post_resp(self.request)

    app = web.Application()
    app.router.add_route("*", "/path/to", MyView)
    server = await serve(app)
    assert (await server.get("/path/to")).text == "get"
    assert (await server.post("/path/to", b"")).text == "post"
    assert (await server.request("PUT", "/path/to")).status == 405


async def test_wildcard_and_head(serve, web):
    async def handler(request):
        return web.Response(text=request.method)

    app = web.Application()
    app.router.add_get("/", handler, allow_head=False)
    app.router.add_post("/post", handler)
    app.router.add_route("*", "/path", handler)
    server = await serve(app)
    assert (await server.request("HEAD", "/")).status == 405
    assert (await server.post("/post", b"")).text == "POST"
    assert (await server.request("PATCH", "/path")).text == "PATCH"


async def test_wink(serve, web):
    from importlib import import_module

    middleware = import_module(web.__name__).middleware

    @middleware
    async def winking(request, handler):
        resp = await handler(request)
        resp.text = resp.text + " wink"
        return resp

    async def index(request):
        return web.Response(text="Hello Aiohttp!")

    app = web.Application(middlewares=[winking])
    app.router.add_get("/", index)
    assert (await (await serve(app)).get("/")).text == "Hello Aiohttp! wink"


async def test_an_exception_returned_is_deprecated(serve, web):
    async def handler(request):
        return web.HTTPFound("/redirect")

    server = await serve(handler)
    with pytest.warns(DeprecationWarning, match="return"):
        assert (await server.get("/")).status == 302


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("how", ["return", "raise"])
async def test_an_exception_returned_or_raised(serve, web, how):
    async def handler(request):
        if how == "return":
            return web.HTTPFound("/redirect")
        raise web.HTTPFound("/redirect")

    answer = await (await serve(handler)).get("/")
    assert (answer.status, answer["Location"]) == (302, "/redirect")


async def test_exceptions_with_the_parameters_of_old(serve, web):
    async def handler(request):
        raise web.HTTPNotFound(headers={"X-A": "1"}, reason="Nope", body=b"raw", content_type="a/b")

    answer = await (await serve(handler)).get("/")
    assert (answer.reason, answer.body, answer["X-A"]) == ("Nope", b"raw", "1")


async def test_sharing_data(serve, web):
    async def handler(request):
        request["my_private_key"] = "data"
        return web.Response(text=request.app["redis_conn"] + request["my_private_key"])

    async def create_app():
        app = web.Application()
        app["redis_conn"] = "redis "
        app.router.add_get("/", handler)
        return app

    assert (await (await serve(await create_app())).get("/")).text == "redis data"


async def test_database_by_signals(serve, web):
    seen = []

    class Engine:
        def close(self):
            seen.append("close")

        async def wait_closed(self):
            seen.append("wait_closed")

    async def init_pg(app):
        conf = app["config"]
        seen.append(conf["database"])
        app["db"] = Engine()

    async def close_pg(app):
        app["db"].close()
        await app["db"].wait_closed()

    async def handler(request):
        return web.Response(text=type(request.app["db"]).__name__)

    app = web.Application()
    app["config"] = {"database": "polls"}
    app.on_startup.append(init_pg)
    app.on_cleanup.append(close_pg)
    app.router.add_get("/", handler)
    server = await serve(app)
    assert (await server.get("/")).text == "Engine"
    await server.close()
    assert seen == ["polls", "close", "wait_closed"]


def old_error_pages(web, overrides):
    async def middleware(app, handler):
        async def middleware_handler(request):
            try:
                response = await handler(request)
                override = overrides.get(response.status)
                if override is None:
                    return response
                else:
                    return await override(request, response)
            except web.HTTPException as ex:
                override = overrides.get(ex.status)
                if override is None:
                    raise
                else:
                    return await override(request, ex)

        return middleware_handler

    return middleware


@pytest.mark.parametrize(
    ("path", "text"),
    [("/none", "page 404"), ("/fail", "page 500"), ("/fine", "fine"), ("/ret", "page 404")],
)
async def test_error_pages_by_the_old_factory(serve, web, path, text):
    async def handle_404(request, response):
        return web.Response(text="page 404", status=404)

    async def handle_500(request, response):
        return web.Response(text="page 500", status=500)

    async def fail(request):
        raise web.HTTPInternalServerError(text="x")

    async def fine(request):
        return web.Response(text="fine")

    async def ret(request):
        return web.Response(status=404)

    def setup_middlewares(app):
        app.middlewares.append(old_error_pages(web, {404: handle_404, 500: handle_500}))

    app = web.Application()
    setup_middlewares(app)
    app.router.add_get("/fail", fail)
    app.router.add_get("/fine", fine)
    app.router.add_get("/ret", ret)
    assert (await (await serve(app)).get(path)).text == text


async def test_error_pages_by_the_new_middleware(serve, web):
    async def handle_404(request):
        return web.Response(text="own page", status=404)

    def create_error_middleware(overrides):
        @web.middleware
        async def error_middelware(request, handler):
            try:
                response = await handler(request)
                override = overrides.get(response.status)
                if override:
                    return await override(request)
                return response
            except web.HTTPException as e:
                logging.info("error middleware: %s", e)
                override = overrides.get(e.status)
                if override:
                    return await override(request)
                raise

        return error_middelware

    app = web.Application()
    app.middlewares.append(create_error_middleware({404: handle_404}))
    answer = await (await serve(app)).get("/none")
    assert (answer.status, answer.text) == (404, "own page")


async def test_static_files_beside_routes(serve, web, tmp_path):
    async def index(request):
        return web.Response(text="index")

    (tmp_path / "style.css").write_text("body {}")
    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_static("/static/", path=str(tmp_path), name="static")
    server = await serve(app)
    assert (await server.get("/static/style.css")).text == "body {}"
    assert str(app.router["static"].url_for(filename="style.css")) == "/static/style.css"


async def test_query_and_form(serve, web):
    async def index(request):
        return web.json_response(dict(request.query.items()))

    async def login_post(request):
        data = await request.post()
        return web.json_response([data["name"], data["password"]])

    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_post("/login", login_post)
    server = await serve(app)
    assert json.loads((await server.get("/?a=1&b=2")).text) == {"a": "1", "b": "2"}
    answer = await server.post(
        "/login", b"name=n&password=p", {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert json.loads(answer.text) == ["n", "p"]


async def test_router_with_decorators_and_typed_handlers(serve, web):
    router = web.RouteTableDef()

    @router.get("/")
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="Hello world")

    @router.get("/{username}")
    async def greet_user(request: web.Request) -> web.Response:
        user = request.match_info.get("username", "")
        page_num = request.rel_url.query.get("page", "")
        return web.Response(text=f"Hello, {user} {page_num}")

    @router.post("/json")
    async def as_json(request: web.Request) -> web.Response:
        args = await request.json()
        return web.json_response({"value": args["key"]})

    async def init_app() -> web.Application:
        app = web.Application()
        app.add_routes(router)
        return app

    server = await serve(await init_app())
    assert (await server.get("/")).text == "Hello world"
    assert (await server.get("/student?page=2")).text == "Hello, student 2"
    assert (await server.post("/json", b'{"key": 5}')).text == '{"value": 5}'


async def test_database_by_a_cleanup_context(serve, web):
    import sqlite3

    router = web.RouteTableDef()
    closed = []

    @router.post("/post")
    async def new_post(request):
        post = await request.json()
        db = request.config_dict["DB"]
        cursor = db.execute(
            "INSERT INTO posts (title, text) VALUES(?, ?)", [post["title"], post["text"]]
        )
        return web.json_response({"new_post": cursor.lastrowid})

    async def init_db(app):
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, text TEXT)")
        app["DB"] = db
        yield
        db.close()
        closed.append(True)

    @web.middleware
    async def middleware(request, handler):
        db = request.config_dict["DB"]
        db.execute("BEGIN")
        try:
            resp = await handler(request)
            db.execute("COMMIT")
            return resp
        except Exception as e:
            db.execute("ROLLBACK")
            return web.json_response({"error": type(e).__name__})

    app = web.Application(middlewares=[middleware])
    app.add_routes(router)
    app.cleanup_ctx.append(init_db)
    server = await serve(app)
    body = b'{"title": "t", "text": "x"}'
    assert (await server.post("/post", body)).text == '{"new_post": 1}'
    assert (await server.post("/post", b"{}")).text == '{"error": "KeyError"}'
    assert (await server.post("/post", body)).text == '{"new_post": 2}'
    await server.close()
    assert closed


async def test_closing_long_answers_on_shutdown(serve, web):
    async def streaming(request):
        response = web.StreamResponse()
        await response.prepare(request)
        leave = asyncio.Event()
        request.app["streams"].append(leave)
        await response.write(b"begin ")
        await leave.wait()
        await response.write(b"end")
        return response

    async def on_shutdown(app):
        for leave in app["streams"]:
            leave.set()

    app = web.Application()
    app["streams"] = []
    app.on_shutdown.append(on_shutdown)
    app.router.add_get("/", streaming)
    server = await serve(app, shutdown_timeout=5)
    connection = await server.connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    while not app["streams"]:
        await asyncio.sleep(0.001)
    ending = asyncio.create_task(server.runner.cleanup())
    assert (await connection.receive()).text == "begin end"
    await ending


async def test_own_access_logger_for_make_handler(web, caplog):
    async def index(request):
        return web.Response()

    caplog.set_level(logging.INFO)
    app = web.Application()
    app.router.add_get("/", index)
    handler = app.make_handler(access_log=logging.getLogger("tests.documented.mine"))
    srv = await asyncio.get_running_loop().create_server(handler, "127.0.0.1", 0)
    connection = Connection(*await asyncio.open_connection(*srv.sockets[0].getsockname()))
    await connection.request("GET", "/", {"Connection": "close"})
    assert await connection.is_closed_by_server()
    await connection.close()
    srv.close()
    await srv.wait_closed()
    assert "tests.documented.mine" in {record.name for record in caplog.records}


@improvement("routes come and go while the server runs")
async def test_pluggable_routes(serve, web):
    async def index(request):
        return web.Response(text="index")

    app = web.Application()
    server = await serve(app)
    assert (await server.get("/new")).status == 404
    route = app.router.add_get("/new", index)
    assert (await server.get("/new")).text == "index"
    app.router.remove_route(route)
    assert (await server.get("/new")).status in (404, 405)


def test_names_by_their_old_paths(web):
    assert load("web").HTTPNotFound is web.HTTPNotFound
    assert load("web_exceptions").HTTPFound is web.HTTPFound
