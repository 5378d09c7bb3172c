"""Templates: environments, rendering, the decorator, context processors, url() and static()."""

import inspect
import json
from typing import Any

import jinja2
import pytest

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web
from tests.documented.neutral import Answer
from tests.live import serving

TEMPLATES = {
    "hello": "hello {{ name }}",
    "index": "{{ url('index') }}",
    "user": "{{ url('user', id=12) }}",
    "escaped": "{{ url('user', id='a b', query_={'q': 'c d'}) }}",
    "nowhere": "{{ url('nowhere') }}",
    "half": "{{ url('user') }}",
    "float": "{{ url('user', id=1.5) }}",
    "static": "{{ static('css/a.css') }} {{ static('/b.css') }}",
    "app": "{{ app['name'] }} {{ request.path }}",
    "both": "{{ one }} {{ two }}",
    "doubled": "{{ 2|double }}",
}
LOADER = jinja2.DictLoader(TEMPLATES)


async def nothing(request: web.Request) -> web.Response:
    return web.Response()


def make_app(**options: Any) -> web.Application:
    app = web.Application()
    aiohttp_jinja2.setup(app, loader=LOADER, **options)
    app.router.add_get("/i", nothing, name="index")
    app.router.add_get("/u/{id}", nothing, name="user")
    return app


async def ask(app: web.Application, handler: Any, path: str = "/here") -> Answer:
    """Serve `handler` at `path` and give its answer."""
    app.router.add_get(path, handler)
    async with serving(app) as server:
        return await server.get(path)


async def render(
    name: str, context: Any = None, app: web.Application | None = None, **options: Any
) -> str:
    """What `render_string` makes of a template in a handler; what it raises is raised here."""
    caught: list[Exception] = []

    async def handler(request: web.Request) -> web.Response:
        try:
            text = aiohttp_jinja2.render_string(
                name, request, {} if context is None else context, **options
            )
        except Exception as error:
            caught.append(error)
            text = ""
        return web.Response(text=text)

    answer = await ask(app or make_app(), handler)
    if caught:
        raise caught[0]
    return answer.text


# Environments


def test_setup_keeps_and_returns_the_environment() -> None:
    app = web.Application()
    env = aiohttp_jinja2.setup(app, loader=LOADER, trim_blocks=True)
    assert isinstance(env, jinja2.Environment)
    assert app[aiohttp_jinja2.APP_KEY] is env
    assert aiohttp_jinja2.get_env(app) is env
    assert env.autoescape is True
    assert env.trim_blocks is True
    assert {"app", "url", "static"} <= set(env.globals)
    assert len(app.middlewares) == 0


def test_setup_passes_options_on() -> None:
    app = web.Application()
    env = aiohttp_jinja2.setup(
        app, "<<%", "%>>", loader=LOADER, autoescape=False, default_helpers=False
    )
    assert env.block_start_string == "<<%"
    assert env.autoescape is False
    assert "url" not in env.globals
    assert "static" not in env.globals
    assert env.globals["app"] is app


def test_get_env_before_setup() -> None:
    with pytest.raises(RuntimeError, match=r"aiohttp_jinja2\.setup\(\.\.\.\) must be called first"):
        aiohttp_jinja2.get_env(web.Application())


@pytest.mark.parametrize("key", ["other", web.AppKey("other", jinja2.Environment)])
async def test_environments_side_by_side(key: Any) -> None:
    app = make_app()
    other = aiohttp_jinja2.setup(
        app, app_key=key, loader=jinja2.DictLoader({"hello": "bye {{ name }}"})
    )
    assert aiohttp_jinja2.get_env(app, app_key=key) is other
    assert await render("hello", {"name": "x"}, app, app_key=key) == "bye x"


@pytest.mark.parametrize(
    "filters", [{"double": lambda x: x * 2}, [("double", lambda x: x * 2)]], ids=["map", "pairs"]
)
async def test_filters(filters: Any) -> None:
    assert await render("doubled", app=make_app(filters=filters)) == "4"


async def test_autoescape_is_on() -> None:
    assert await render("hello", {"name": "<b>"}) == "hello &lt;b&gt;"
    assert await render("hello", {"name": "<b>"}, make_app(autoescape=False)) == "hello <b>"


# Rendering


async def test_render_template() -> None:
    async def handler(request: web.Request) -> web.Response:
        response = aiohttp_jinja2.render_template(
            "hello", request, {"name": "é"}, status=201, encoding="latin1"
        )
        response.headers["Content-Language"] = "ru"
        return response

    answer = await ask(make_app(), handler)
    assert answer.status == 201
    assert answer["Content-Type"] == "text/html; charset=latin1"
    assert answer["Content-Language"] == "ru"
    assert answer.body == b"hello \xe9"


async def test_render_template_without_context() -> None:
    async def handler(request: web.Request) -> web.Response:
        return aiohttp_jinja2.render_template("hello", request, context=None)

    assert (await ask(make_app(), handler)).text == "hello "


@pytest.mark.parametrize(
    ("name", "context", "app", "sentence"),
    [
        ("missing", {}, make_app, "Template 'missing' not found"),
        ("hello", [1], make_app, "context should be mapping, not <class 'list'>"),
        (
            "hello",
            {},
            web.Application,
            "Template engine is not initialized, call aiohttp_jinja2.setup() first",
        ),
    ],
)
async def test_what_can_not_be_rendered(name: str, context: Any, app: Any, sentence: str) -> None:
    with pytest.raises(web.HTTPInternalServerError) as caught:
        await render(name, context, app())
    assert caught.value.text == sentence
    assert caught.value.reason == sentence


async def test_async_environments() -> None:
    async def handler(request: web.Request) -> web.Response:
        text = await aiohttp_jinja2.render_string_async("hello", request, {"name": "a"})
        response = await aiohttp_jinja2.render_template_async("hello", request, status=202)
        assert response.status == 202
        return web.Response(text=f"{text} {response.text}")

    answer = await ask(make_app(enable_async=True), handler)
    assert answer.text == "hello a hello "


# The decorator


@aiohttp_jinja2.template("hello")
async def coroutine(request: web.Request) -> Any:
    return {"name": "coroutine"}


@aiohttp_jinja2.template("hello")
def function(request: web.Request) -> Any:
    return {"name": "function"}


@aiohttp_jinja2.template("hello")
async def empty(request: web.Request) -> Any:
    return None


class Page(web.View):
    @aiohttp_jinja2.template("hello")
    async def get(self) -> Any:
        return {"name": self.request.path}


class Pages:
    @aiohttp_jinja2.template("hello")
    async def show(self, request: web.Request) -> Any:
        return {"name": "method"}


@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (coroutine, "hello coroutine"),
        (function, "hello function"),
        (empty, "hello "),
        (Page, "hello /here"),
        (Pages().show, "hello method"),
    ],
)
async def test_template(handler: Any, text: str, enable_async: bool) -> None:
    app = make_app(enable_async=enable_async)
    if inspect.isclass(handler):
        app.router.add_view("/here", handler)
    else:
        app.router.add_get("/here", handler)
    async with serving(app) as server:
        answer = await server.get("/here")
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert (answer.status, answer.text) == (200, text)


def test_template_keeps_the_name_of_the_handler() -> None:
    assert coroutine.__name__ == "coroutine"
    assert inspect.iscoroutinefunction(function)


async def test_template_with_status_and_encoding() -> None:
    @aiohttp_jinja2.template("hello", status=202, encoding="utf-16")
    async def handler(request: web.Request) -> Any:
        return {"name": "C"}

    answer = await ask(make_app(), handler)
    assert answer.status == 202
    assert answer["Content-Type"] == "text/html; charset=utf-16"
    assert answer.body.decode("utf-16") == "hello C"


async def test_a_response_is_passed_on() -> None:
    @aiohttp_jinja2.template("hello")
    async def handler(request: web.Request) -> Any:
        return web.Response(text="as it is")

    assert (await ask(make_app(), handler)).text == "as it is"


async def test_a_missing_template_is_an_error_of_the_server() -> None:
    @aiohttp_jinja2.template("missing")
    async def handler(request: web.Request) -> Any:
        return {}

    answer = await ask(make_app(), handler)
    assert (answer.status, answer.text) == (500, "Template 'missing' not found")


# Context processors


async def one(request: web.Request) -> dict[str, Any]:
    return {"one": "one", "two": "two"}


async def two(request: web.Request) -> dict[str, Any]:
    return {"two": f"late {request.path}"}


async def test_context_processors_last_wins() -> None:
    app = make_app(context_processors=[one, two])
    assert len(app.middlewares) == 1
    assert await render("both", app=app) == "one late /here"


async def test_context_wins_over_processors() -> None:
    app = make_app(context_processors=(one,))
    assert await render("both", {"two": "mine"}, app) == "one mine"


async def test_request_processor_and_app() -> None:
    app = make_app(context_processors=[aiohttp_jinja2.request_processor])
    app["name"] = "shop"
    assert await render("app", app=app) == "shop /here"


async def test_no_request_without_its_processor() -> None:
    app = make_app()
    app["name"] = "shop"
    with pytest.raises(jinja2.UndefinedError, match="'request' is undefined"):
        await render("app", app=app)


async def test_processors_of_a_second_setup_join() -> None:
    app = make_app(context_processors=[one])
    aiohttp_jinja2.setup(app, app_key="more", loader=LOADER, context_processors=[two])
    assert len(app.middlewares) == 1
    assert await render("both", app=app) == "one late /here"


async def test_sub_applications() -> None:
    async def handler(request: web.Request) -> web.Response:
        return aiohttp_jinja2.render_template("both", request, {})

    root = make_app(context_processors=[one])
    with_own, without = web.Application(), web.Application()
    aiohttp_jinja2.setup(
        with_own,
        loader=jinja2.DictLoader({"both": "own {{ one }} {{ two }}"}),
        context_processors=[two],
    )
    for app, prefix in ((with_own, "/own"), (without, "/without")):
        app.router.add_get("/x", handler)
        root.add_subapp(prefix, app)
    async with serving(root) as server:
        assert (await server.get("/own/x")).text == "own one late /own/x"
        assert (await server.get("/without/x")).text == "one two"


async def test_processors_serve_error_pages_too() -> None:
    @web.middleware
    async def pages(request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except web.HTTPNotFound:
            return aiohttp_jinja2.render_template("both", request, {}, status=404)

    app = make_app(context_processors=[one])
    app.middlewares.append(pages)
    async with serving(app) as server:
        answer = await server.get("/nowhere")
    assert (answer.status, answer.text) == (404, "one two")


# url() and static()


@pytest.mark.parametrize(
    ("name", "text"),
    [("index", "/i"), ("user", "/u/12"), ("escaped", "/u/a%20b?q=c+d")],
)
async def test_url(name: str, text: str) -> None:
    assert await render(name) == text


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("nowhere", KeyError, "nowhere"),
        ("half", KeyError, "id"),
        ("float", TypeError, r"argument value should be str or int, got id -> .*float.* 1\.5"),
    ],
)
async def test_url_of_nothing(name: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        await render(name)


@pytest.mark.parametrize("root", ["/static", "/static/", "https://cdn.example/static"])
async def test_static(root: str) -> None:
    app = make_app()
    app[aiohttp_jinja2.static_root_key] = root
    base = root.rstrip("/")
    assert await render("static", app=app) == f"{base}/css/a.css {base}/b.css"


@pytest.mark.filterwarnings("ignore:It is recommended:tercel.web.NotAppKeyWarning")
async def test_static_takes_the_key_of_old() -> None:
    app = make_app()
    app["static_root_url"] = "/old"
    with pytest.warns(DeprecationWarning, match="'static_root_url' is deprecated"):
        assert await render("static", app=app) == "/old/css/a.css /old/b.css"


async def test_static_needs_its_root() -> None:
    with pytest.raises(RuntimeError, match="app does not define a static root url"):
        await render("static")


async def test_globals_can_be_added() -> None:
    app = make_app()
    aiohttp_jinja2.get_env(app).globals.update(dumps=json.dumps)
    env = aiohttp_jinja2.get_env(app)
    assert env.from_string("{{ dumps([1]) }}").render() == "[1]"
