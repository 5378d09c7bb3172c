"""tercel.web.views."""

import pytest

from tercel import web
from tests.web.ask import ask


class MyView(web.View):
    async def get(self):
        return web.Response(text=self.request.path)

    async def post(self):
        return web.Response(text="posted")

    async def secret(self):
        raise AssertionError


async def test_methods():
    app = web.Application()
    app.router.add_view("/v", MyView)
    assert (await ask(app, "GET", "/v")).text == "/v"
    assert (await ask(app, "POST", "/v")).text == "posted"


@pytest.mark.parametrize("method", ["PUT", "HEAD", "SECRET", "REQUEST", "__INIT__"])
async def test_methods_that_are_missing(method):
    app = web.Application()
    app.router.add_view("/v", MyView)
    with pytest.raises(web.HTTPMethodNotAllowed) as caught:
        await ask(app, method, "/v")
    assert caught.value.headers["Allow"] == "GET,POST"


async def test_a_view_for_one_method():
    app = web.Application()
    app.router.add_get("/v", MyView)
    assert (await ask(app, "GET", "/v")).text == "/v"
    with pytest.raises(web.HTTPMethodNotAllowed):
        await ask(app, "POST", "/v")
