"""What a real browser makes of sessions, forms, policies and sharing: Chromium, and two sites."""

from collections.abc import AsyncIterator
from typing import Any

import jinja2
import pytest

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web
from tercel.ext import cors as aiohttp_cors
from tercel.ext import session
from tercel.ext.security import (
    csrf_middleware,
    csrf_processor,
    nonce_processor,
    setup_headers,
)
from tercel.test_utils import TestServer
from tests.peers import require_program

playwright = pytest.importorskip("playwright.async_api")

PAGE = """<!doctype html><title>start</title>
<style nonce="{{ csp_nonce() }}">p { color: rgb(1, 2, 3) }</style>
<style>p { color: rgb(9, 9, 9) }</style>
<p>text</p>
<script nonce="{{ csp_nonce() }}">document.title = "ran"</script>
<script>document.title = "ran what it must not"</script>
<form method="post" action="/change">{{ csrf_field() }}
<input name="name" value="ada"><button>Change</button></form>"""

EVIL = """<!doctype html><title>evil</title>
<form method="post" action="%s/change"><input name="name" value="eve"><button>Win</button></form>"""


async def page(request: web.Request) -> web.Response:
    return aiohttp_jinja2.render_template("page", request, {})


async def change(request: web.Request) -> web.Response:
    found = await session.get_session(request)
    found["changes"] = found.get("changes", 0) + 1
    name = (await request.post())["name"]
    return web.Response(text=f"changed {name} {found['changes']}")


async def shared(request: web.Request) -> web.Response:
    return web.json_response({"asked": request.headers.get("X-Asked")}, headers={"X-More": "more"})


def make_site(other: str) -> web.Application:
    app = web.Application()
    session.setup(app, session.SimpleCookieStorage())
    app.middlewares.append(csrf_middleware())
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.DictLoader({"page": PAGE}),
        context_processors=[csrf_processor, nonce_processor],
    )
    setup_headers(app)
    app.add_routes([web.get("/", page), web.post("/change", change), web.get("/private", shared)])
    cors = aiohttp_cors.setup(app)
    options = aiohttp_cors.ResourceOptions(allow_headers=["X-Asked"], expose_headers=["X-More"])
    cors.add(app.router.add_route("GET", "/shared", shared), {other: options})
    return app


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    path = require_program("chromium", "chromium-browser", "google-chrome")
    async with playwright.async_playwright() as engine:
        browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.mark.slow
async def test_two_sites(browser: Any) -> None:
    expect = playwright.expect
    evil = web.Application()
    async with TestServer(evil, host="localhost") as other:
        stranger = f"http://localhost:{other.port}"
        async with TestServer(make_site(stranger)) as served:
            site = f"http://127.0.0.1:{served.port}"

            async def lure(request: web.Request) -> web.Response:
                return web.Response(text=EVIL % site, content_type="text/html")

            evil.router.add_get("/", lure)
            tab = await browser.new_page()
            await tab.goto(site)
            # Scripts and styles run by their nonce alone, and no script reads the session.
            await expect(tab).to_have_title("ran")
            await expect(tab.locator("p")).to_have_css("color", "rgb(1, 2, 3)")
            assert await tab.evaluate("document.cookie") == ""
            assert [c["name"] for c in await tab.context.cookies()] == ["AIOHTTP_SESSION"]
            # The site's own form, twice from the page that was loaded once.
            for count in (1, 2):
                await tab.get_by_role("button", name="Change").click()
                await expect(tab.locator("body")).to_have_text(f"changed ada {count}")
                await tab.go_back()
            # Another site's form.
            await tab.goto(stranger)
            await tab.get_by_role("button", name="Win").click()
            await expect(tab.locator("body")).to_have_text(
                f"403: the request comes from another site ({stranger})"
            )
            # What is shared, and what is not.
            await tab.goto(stranger)
            answer = await tab.evaluate(
                """async url => {
                    const answer = await fetch(url, {headers: {"X-Asked": "yes"}});
                    return [await answer.json(), answer.headers.get("X-More")];
                }""",
                f"{site}/shared",
            )
            assert answer == [{"asked": "yes"}, "more"]
            for path, field in (("/shared", "X-Other"), ("/private", "X-Asked"), ("/private", "")):
                failed = await tab.evaluate(
                    """([url, field]) => fetch(url, field ? {headers: {[field]: "1"}} : {})
                        .then(answer => answer.status, error => error.name)""",
                    [f"{site}{path}", field],
                )
                assert failed == "TypeError", (path, field)
            await tab.close()
