"""aiohttp_jinja2's documentation: templates, contexts, and the functions within templates."""

import importlib

import pytest

from tests.documented.subject import IS_TERCEL

jinja2 = pytest.importorskip("jinja2")


@pytest.fixture
def ours():
    """The module of the subject that renders templates."""
    name = "tercel.ext.jinja2" if IS_TERCEL else "aiohttp_jinja2"
    return pytest.importorskip(name) if not IS_TERCEL else importlib.import_module(name)


@pytest.fixture
def app(web, ours):
    app = web.Application()
    templates = {
        "tmpl.jinja2": "<h1>{{head}}</h1>{{text}}",
        "url.jinja2": "{{ url('index', name='John') }} {{ url('plain', query_={'a': 'b'}) }}",
        "static.jinja2": "{{ static('whatever.js') }}",
        "request.jinja2": "{{ request.path }} {{ app is defined }}",
        "context.jinja2": "{{ foo }}{{ bar }}",
        "filter.jinja2": "{{ 3 | add_2 }}",
    }
    ours.setup(app, loader=jinja2.DictLoader(templates))
    return app


async def test_template_decorator(serve, web, ours, app):
    @ours.template("tmpl.jinja2")
    async def handler(request):
        return {"head": "HEAD", "text": "<b>"}

    app.router.add_get("/", handler)
    answer = await (await serve(app)).get("/")
    assert answer.text == "<h1>HEAD</h1>&lt;b&gt;"
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer.status == 200


async def test_template_with_a_status(serve, web, ours, app):
    @ours.template("tmpl.jinja2", status=201)
    async def handler(request):
        return {"head": "1", "text": "2"}

    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).status == 201


async def test_template_on_a_view(serve, web, ours, app):
    class MyView(web.View):
        @ours.template("tmpl.jinja2")
        async def get(self):
            return {"head": "view", "text": self.request.path}

    app.router.add_view("/v", MyView)
    assert (await (await serve(app)).get("/v")).text == "<h1>view</h1>/v"


async def test_template_on_a_method(serve, web, ours, app):
    class Handler:
        @ours.template("tmpl.jinja2")
        async def meth(self, request):
            return {"head": "meth", "text": ""}

    app.router.add_get("/", Handler().meth)
    assert (await (await serve(app)).get("/")).text == "<h1>meth</h1>"


async def test_a_handler_may_answer_by_itself(serve, web, ours, app):
    @ours.template("tmpl.jinja2")
    async def handler(request):
        return web.Response(text="by itself")

    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "by itself"


async def test_render_template(serve, web, ours, app):
    async def handler(request):
        response = ours.render_template(
            "tmpl.jinja2", request, {"head": "H", "text": "\u0444"}, encoding="cp1251", status=202
        )
        response.headers["X-A"] = "1"
        return response

    app.router.add_get("/", handler)
    answer = await (await serve(app)).get("/")
    assert answer.body == "<h1>H</h1>\u0444".encode("cp1251")
    assert answer["Content-Type"] == "text/html; charset=cp1251"
    assert (answer.status, answer["X-A"]) == (202, "1")


async def test_render_string(serve, web, ours, app):
    async def handler(request):
        text = ours.render_string("tmpl.jinja2", request, {"head": "H", "text": "t"})
        return web.Response(text=text)

    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "<h1>H</h1>t"


async def test_url_and_static(serve, web, ours, app, tmp_path):
    @ours.template("url.jinja2")
    async def index(request):
        return {}

    @ours.template("static.jinja2")
    async def static(request):
        return {}

    app["static_root_url"] = "/static"
    app.router.add_get("/user/{name}", index, name="index")
    app.router.add_get("/plain", static, name="plain")
    server = await serve(app)
    assert (await server.get("/user/x")).text == "/user/John /plain?a=b"
    assert (await server.get("/plain")).text == "/static/whatever.js"


async def test_request_in_templates(serve, web, ours, app):
    ours.get_env(app)  # the environment exists once set up

    @ours.template("request.jinja2")
    async def handler(request):
        return {}

    app2 = web.Application()
    ours.setup(
        app2,
        loader=jinja2.DictLoader({"request.jinja2": "{{ request.path }}"}),
        context_processors=[ours.request_processor],
    )
    app2.router.add_get("/here", handler)
    assert (await (await serve(app2)).get("/here")).text == "/here"


async def test_context_processors(serve, web, ours):
    async def foo_processor(request):
        return {"foo": "FOO", "bar": "never"}

    async def bar_processor(request):
        return {"bar": "BAR"}

    @ours.template("context.jinja2")
    async def handler(request):
        return {}

    @ours.template("context.jinja2")
    async def override(request):
        return {"foo": "mine"}

    app = web.Application()
    ours.setup(
        app,
        loader=jinja2.DictLoader({"context.jinja2": "{{ foo }}{{ bar }}"}),
        context_processors=[foo_processor, bar_processor],
    )
    app.router.add_get("/", handler)
    app.router.add_get("/o", override)
    server = await serve(app)
    assert (await server.get("/")).text == "FOOBAR"
    assert (await server.get("/o")).text == "mineBAR"


async def test_filters(serve, web, ours):
    def add_2(value):
        return value + 2

    @ours.template("filter.jinja2")
    async def handler(request):
        return {}

    app = web.Application()
    ours.setup(
        app,
        loader=jinja2.DictLoader({"filter.jinja2": "{{ 3 | add_2 }}"}),
        filters={"add_2": add_2},
    )
    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).text == "5"


def test_environment(web, ours):
    app = web.Application()
    env = ours.setup(app, loader=jinja2.DictLoader({}))
    assert isinstance(env, jinja2.Environment)
    assert ours.get_env(app) is env
    assert env.autoescape


def test_environment_under_another_key(web, ours):
    app = web.Application()
    key = web.AppKey("other", jinja2.Environment)
    env = ours.setup(app, app_key=key, loader=jinja2.DictLoader({}))
    assert ours.get_env(app, app_key=key) is env


def test_no_autoescape(web, ours):
    env = ours.setup(web.Application(), loader=jinja2.DictLoader({}), autoescape=False)
    assert not env.autoescape


@pytest.mark.loop_errors
async def test_missing_template(serve, web, ours, app):
    @ours.template("none.jinja2")
    async def handler(request):
        return {}

    app.router.add_get("/", handler)
    assert (await (await serve(app)).get("/")).status == 500


@pytest.mark.loop_errors
async def test_not_set_up(serve, web, ours):
    @ours.template("tmpl.jinja2")
    async def handler(request):
        return {}

    assert (await (await serve(handler)).get("/")).status == 500


async def test_subapplications_have_their_own_templates(serve, web, ours, app):
    @ours.template("tmpl.jinja2")
    async def handler(request):
        return {"head": "h", "text": "t"}

    sub = web.Application()
    ours.setup(sub, loader=jinja2.DictLoader({"tmpl.jinja2": "sub {{ head }}"}))
    sub.router.add_get("/", handler)
    app.router.add_get("/", handler)
    app.add_subapp("/sub", sub)
    server = await serve(app)
    assert (await server.get("/sub/")).text == "sub h"
    assert (await server.get("/")).text == "<h1>h</h1>t"
