"""Security headers: in every answer, with nonces where a page asked for one."""

import ssl
from typing import Any

import jinja2
import pytest

import tercel.ext.jinja2 as aiohttp_jinja2
from tercel import web
from tercel.ext.forwarded import forwarded_middleware
from tercel.ext.security import NONCE, csp_nonce, nonce_processor, setup_headers
from tercel.test_utils import TestClient, TestServer

PAGE = '<script nonce="{{ csp_nonce() }}">1</script><style nonce="{{ csp_nonce() }}"></style>'


async def plain(request: web.Request) -> web.Response:
    return web.json_response({})


async def page(request: web.Request) -> web.Response:
    return aiohttp_jinja2.render_template("page", request, {})


async def own(request: web.Request) -> web.Response:
    headers = {"X-Frame-Options": "SAMEORIGIN", "Content-Security-Policy": "default-src *"}
    return web.Response(headers=headers)


async def stream(request: web.Request) -> web.StreamResponse:
    assert csp_nonce(request) == csp_nonce(request)
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(csp_nonce(request).encode())
    return response


async def fail(request: web.Request) -> web.Response:
    raise ValueError("a failure of the test")


def make_app(**options: Any) -> web.Application:
    app = web.Application()
    aiohttp_jinja2.setup(
        app, loader=jinja2.DictLoader({"page": PAGE}), context_processors=[nonce_processor]
    )
    setup_headers(app, **options)
    for function in (plain, page, own, stream, fail):
        app.router.add_get(f"/{function.__name__}", function)
    return app


async def get(client: TestClient, path: str) -> tuple[Any, str]:
    async with client.get(path) as response:
        return response.headers, await response.text()


async def test_defaults() -> None:
    async with TestClient(TestServer(make_app())) as client:
        for path in ("/plain", "/nowhere", "/fail"):
            headers, _ = await get(client, path)
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert headers["Content-Security-Policy"] == (
                "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
            )
            assert "Strict-Transport-Security" not in headers
            assert "Permissions-Policy" not in headers


async def test_nonces() -> None:
    async with TestClient(TestServer(make_app())) as client:
        nonces = set()
        for _ in range(2):
            headers, text = await get(client, "/page")
            nonce = text.partition('nonce="')[2].partition('"')[0]
            assert text.count(f'nonce="{nonce}"') == 2
            policy = headers["Content-Security-Policy"]
            assert f"script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}';" in policy
            nonces.add(nonce)
        assert len(nonces) == 2
        headers, text = await get(client, "/stream")
        assert f"'nonce-{text}'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("first", [True, False])
async def test_behind_a_proxy(first: bool) -> None:
    app = web.Application()
    aiohttp_jinja2.setup(
        app, loader=jinja2.DictLoader({"page": PAGE}), context_processors=[nonce_processor]
    )
    if first:
        app.middlewares.append(forwarded_middleware())
        setup_headers(app)
    else:
        setup_headers(app)
        app.middlewares.append(forwarded_middleware())
        # An inner part sees the clone that the outer application made.
    inner = web.Application()
    setup_headers(inner, frame_options="SAMEORIGIN")
    for part in (app, inner):
        for function in (page, stream, plain):
            part.router.add_get(f"/{function.__name__}", function)
    app.add_subapp("/in", inner)
    sent = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    async with TestClient(TestServer(app)) as client:
        for path in ("/page", "/stream", "/plain", "/in/page", "/in/stream", "/in/plain"):
            async with client.get(path, headers=sent) as response:
                text = await response.text()
                assert response.status == 200
                policy = response.headers["Content-Security-Policy"]
                if "page" in path:
                    text = text.partition('nonce="')[2].partition('"')[0]
                if "plain" in path:
                    assert "nonce" not in policy
                else:
                    assert f"'nonce-{text}'" in policy, path
                if first or path.startswith("/in"):
                    assert "Strict-Transport-Security" in response.headers, path
                wanted = "SAMEORIGIN" if path.startswith("/in") else "DENY"
                if not path.endswith("stream"):
                    assert response.headers.getall("X-Frame-Options") == [wanted], path


async def test_a_handlers_own_are_left_alone() -> None:
    async with TestClient(TestServer(make_app())) as client:
        headers, _ = await get(client, "/own")
        assert headers.getall("X-Frame-Options") == ["SAMEORIGIN"]
        assert headers.getall("Content-Security-Policy") == ["default-src *"]


async def test_choices() -> None:
    app = make_app(
        content_security_policy={"script-src": [NONCE], "img-src": "*"},
        report_only=True,
        frame_options=None,
        referrer_policy="no-referrer",
        opener_policy=None,
        permissions_policy="camera=()",
        nosniff=False,
    )
    async with TestClient(TestServer(app)) as client:
        headers, _ = await get(client, "/plain")
        assert headers["Content-Security-Policy-Report-Only"] == "script-src 'none'; img-src *"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Permissions-Policy"] == "camera=()"
        for name in (
            "Content-Security-Policy",
            "X-Frame-Options",
            "X-Content-Type-Options",
            "Cross-Origin-Opener-Policy",
        ):
            assert name not in headers
    async with TestClient(TestServer(make_app(content_security_policy=None))) as client:
        headers, _ = await get(client, "/plain")
        assert "Content-Security-Policy" not in headers


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "max-age=31536000"),
        ({"hsts": 60, "hsts_subdomains": True}, "max-age=60; includeSubDomains"),
        ({"hsts": None}, None),
    ],
)
async def test_strict_transport_over_tls(options: Any, expected: str | None) -> None:
    import trustme

    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    served = TestServer(make_app(**options), scheme="https")
    await served.start_server(ssl=server)
    async with TestClient(served) as client, client.get("/plain", ssl=client_side) as response:
        assert response.headers.get("Strict-Transport-Security") == expected


@pytest.mark.parametrize(
    "policy", [{"Script": ["*"]}, {"script-src": ["a b"]}, {"script-src": ["a;b"]}, {"a": ["x,y"]}]
)
def test_policies_that_can_not_be_sent(policy: Any) -> None:
    with pytest.raises(ValueError, match=r"a (directive|source) of"):
        setup_headers(web.Application(), content_security_policy=policy)
