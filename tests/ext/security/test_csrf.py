"""Forged requests are refused; those of the site's own pages are not."""

import re
from typing import Any

import jinja2
import pytest

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import FormData, web
from tercel.ext import security
from tercel.ext.security import (
    SessionIdentityPolicy,
    check_csrf,
    csrf_exempt,
    csrf_middleware,
    csrf_processor,
    csrf_token,
    remember,
)
from tercel.ext.session import SimpleCookieStorage, session_middleware
from tercel.test_utils import TestClient, TestServer

from .test_access import Jack

PAGE = '<form method="post">{{ csrf_field() }}</form>{{ csrf_token() }}'


async def show_token(request: web.Request) -> web.Response:
    return web.Response(text=await csrf_token(request))


async def change(request: web.Request) -> web.Response:
    form = await request.post()
    return web.Response(text=f"changed {form.get('name')}")


async def log_in(request: web.Request) -> web.Response:
    response = web.Response()
    await remember(request, response, "jack")
    return response


async def page(request: web.Request) -> web.Response:
    return aiohttp_jinja2.render_template("page", request, {})


async def plain(request: web.Request) -> web.Response:
    return aiohttp_jinja2.render_template("plain", request, {})


@csrf_exempt
async def hook(request: web.Request) -> web.Response:
    return web.Response(text="hooked")


@csrf_exempt
async def upload(request: web.Request) -> web.Response:
    token = None
    size = 0
    async for part in await request.multipart():
        if part.name == "csrf_token":
            token = await part.text()
        else:
            await check_csrf(request, token)
            size = len(await part.read())
    return web.Response(text=str(size))


@csrf_exempt
class Exempt(web.View):
    async def post(self) -> web.Response:
        return web.Response(text="view")


def make_app(**options: Any) -> web.Application:
    app = web.Application(
        middlewares=[session_middleware(SimpleCookieStorage()), csrf_middleware(**options)]
    )
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.DictLoader({"page": PAGE, "plain": "no form"}),
        context_processors=[csrf_processor],
    )
    security.setup(app, SessionIdentityPolicy(), Jack())
    app.add_routes(
        [
            web.get("/token", show_token),
            web.route("*", "/change", change),
            web.get("/login", log_in),
            web.get("/page", page),
            web.get("/plain", plain),
            web.post("/hook", hook),
            web.post("/upload", upload),
            web.view("/view", Exempt),
        ]
    )
    return app


async def ask(client: TestClient, method: str, path: str, **options: Any) -> tuple[int, str]:
    async with client.request(method, path, **options) as response:
        return response.status, await response.text()


async def take_token(client: TestClient) -> str:
    return (await ask(client, "GET", "/token"))[1]


async def test_field_and_header() -> None:
    async with TestClient(TestServer(make_app())) as client:
        token = await take_token(client)
        other = await take_token(client)
        assert token != other
        for good in (token, other):
            data = {"csrf_token": good, "name": "ada"}
            assert await ask(client, "POST", "/change", data=data) == (200, "changed ada")
        assert (await ask(client, "PUT", "/change", headers={"X-CSRF-Token": token}))[0] == 200
        form = FormData({"name": "ben", "csrf_token": token}, default_to_multipart=True)
        assert await ask(client, "POST", "/change", data=form) == (200, "changed ben")
        for method in ("GET", "HEAD", "OPTIONS"):
            assert (await ask(client, method, "/change"))[0] == 200


async def test_wrong_or_missing() -> None:
    missing = (403, "403: the form's token is missing: send it as the field csrf_token")
    wrong = (403, "403: the form's token is not the one of this session: load the page again")
    async with (
        TestClient(TestServer(make_app())) as client,
        TestClient(TestServer(make_app())) as stranger,
    ):
        token = await take_token(client)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert await ask(client, method, "/change") == missing
        assert await ask(client, "POST", "/change", json={"csrf_token": token}) == missing
        assert await ask(client, "POST", "/change", data={"name": "a"}) == missing
        strangers = await take_token(stranger)
        for bad in ("", "x", "ż", token[:-4], token[:-4] + "AAAA", "A" * 88, strangers):
            assert await ask(client, "POST", "/change", data={"csrf_token": bad}) == wrong, bad
        client.session.cookie_jar.clear()
        assert await ask(client, "POST", "/change", data={"csrf_token": token}) == wrong
        assert (await ask(client, "POST", "/nowhere"))[0] == 404


async def test_a_login_makes_new_tokens() -> None:
    async with TestClient(TestServer(make_app())) as client:
        token = await take_token(client)
        await ask(client, "GET", "/login")
        assert (await ask(client, "POST", "/change", data={"csrf_token": token}))[0] == 403
        token = await take_token(client)
        assert (await ask(client, "POST", "/change", data={"csrf_token": token}))[0] == 200


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://Admin.example:443"}, True),
        ({"Origin": "https://admin.example"}, True),
        ({"Origin": "http://admin.example"}, False),
        ({"Origin": "http://site.example", "Host": "site.example"}, True),
        ({"Origin": "https://site.example", "Host": "site.example"}, True),
        ({"Origin": "https://site.example:444", "Host": "site.example"}, False),
        ({"Origin": "https://site.example:444", "Host": "site.example:444"}, True),
        ({"Origin": "https://site.example.evil.example", "Host": "site.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "file://"}, False),
        ({"Origin": "https://[", "Host": "site.example"}, False),
        ({"Origin": ""}, False),
    ],
)
async def test_where_it_comes_from(headers: dict[str, str], passes: bool) -> None:
    app = make_app(trusted_origins=["https://admin.example"])
    async with TestClient(TestServer(app)) as client:
        headers = {**headers, "X-CSRF-Token": await take_token(client)}
        status, text = await ask(client, "POST", "/change", headers=headers)
        assert status == (200 if passes else 403)
        assert passes or text.startswith("403: the request comes from another site (")


def test_trusted_origins_are_origins() -> None:
    for wrong in ("admin.example", "https://", "https://admin.example/path", "ftp://a"):
        with pytest.raises(ValueError, match="a trusted origin is like"):
            csrf_middleware(trusted_origins=[wrong])


async def test_exempt() -> None:
    async with TestClient(TestServer(make_app())) as client:
        assert await ask(client, "POST", "/hook") == (200, "hooked")
        assert await ask(client, "POST", "/view") == (200, "view")
        token = await take_token(client)
        for given, status in ((token, 200), ("x", 403)):
            form = FormData({"csrf_token": given}, default_to_multipart=True)
            form.add_field("file", b"12345", filename="a.txt")
            assert (await ask(client, "POST", "/upload", data=form))[0] == status


async def test_templates() -> None:
    async with TestClient(TestServer(make_app())) as client:
        async with client.get("/plain") as response:
            assert "Set-Cookie" not in response.headers
        text = (await ask(client, "GET", "/page"))[1]
        found = re.fullmatch(
            r'<form method="post"><input type="hidden" name="csrf_token" value="([\w=-]+)"></form>'
            r"([\w=-]+)",
            text,
        )
        assert found is not None, text
        for token in found.groups():
            assert (await ask(client, "POST", "/change", data={"csrf_token": token}))[0] == 200
