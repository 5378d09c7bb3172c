"""The client against httpbin, a service made for trying clients."""

import asyncio
import base64
import json
import sys
from collections.abc import Iterator

import pytest

import tercel
from tests.interop.test_client_peers import running
from tests.peers import require_target
from tests.ports import free_port

SERVE = """
import sys
sys.path.insert(0, sys.argv[2])
from werkzeug.serving import WSGIRequestHandler, run_simple
from httpbin import app
WSGIRequestHandler.protocol_version = "HTTP/1.1"
WSGIRequestHandler.log = lambda *args, **more: None
run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True)
"""


@pytest.fixture(scope="module")
def httpbin() -> Iterator[str]:
    folder = require_target("httpbin")
    port = free_port()
    with running(port, sys.executable, "-c", SERVE, str(port), folder) as url:
        yield url + "/"


async def read_json(session: tercel.ClientSession, method: str, url: str, **more: object) -> dict:
    async with session.request(method, url, **more) as response:
        assert response.status == 200
        found: dict = await response.json()
        return found


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_methods(httpbin: str, method: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        found = await read_json(session, method, method.lower(), params={"a": "ü b", "c": "&"})
    assert found["args"] == {"a": "ü b", "c": "&"}


async def test_bodies(httpbin: str) -> None:
    form = tercel.FormData()
    form.add_field("a", "1")
    form.add_field("a", "ü")
    async with tercel.ClientSession(httpbin) as session:
        assert (await read_json(session, "POST", "post", json={"a": [1]}))["json"] == {"a": [1]}
        assert (await read_json(session, "POST", "post", data=form))["form"] == {"a": ["1", "ü"]}
        assert (await read_json(session, "PUT", "put", data="ümlaut"))["data"] == "ümlaut"
        large = b"y" * 3_000_000
        found = await read_json(session, "POST", "post", data=large)
        assert len(found["data"]) == len(large)


async def test_headers_are_sent_as_given(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin, headers={"X-Own": "1"}) as session:
        sent = (await read_json(session, "GET", "headers", headers={"X-More": "2"}))["headers"]
    assert (sent["X-Own"], sent["X-More"]) == ("1", "2")
    assert sent["Host"] == httpbin.removeprefix("http://").rstrip("/")
    assert "tercel" in sent["User-Agent"]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "brotli"])
async def test_codings(httpbin: str, coding: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        found = await read_json(session, "GET", coding)
    assert found[{"gzip": "gzipped", "deflate": "deflated", "brotli": "brotli"}[coding]] is True


@pytest.mark.parametrize("kind", ["redirect", "relative-redirect", "absolute-redirect"])
async def test_redirects(httpbin: str, kind: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        async with session.get(f"{kind}/5") as response:
            assert response.url.path == "/get"
            assert len(response.history) == 5
        with pytest.raises(tercel.TooManyRedirects):
            await session.get(f"{kind}/5", max_redirects=4)


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST")])
async def test_redirects_of_a_post(httpbin: str, status: int, method: str) -> None:
    where = {"url": "/anything", "status_code": str(status)}
    async with tercel.ClientSession(httpbin) as session:
        found = await read_json(session, "POST", "redirect-to", params=where, data=b"body")
    assert (found["method"], found["data"]) == (method, "body" if method == "POST" else "")


@pytest.mark.parametrize("status", [200, 204, 304, 400, 404, 418, 500, 503])
async def test_statuses(httpbin: str, status: int) -> None:
    async with tercel.ClientSession(httpbin) as session:
        async with session.get(f"status/{status}") as response:
            assert response.status == status
            await response.read()


async def test_cookies(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin, cookie_jar=tercel.CookieJar(unsafe=True)) as session:
        assert (await read_json(session, "GET", "cookies/set?a=1&b=2"))["cookies"] == {
            "a": "1",
            "b": "2",
        }
        assert (await read_json(session, "GET", "cookies/delete?a"))["cookies"] == {"b": "2"}
        own = await read_json(session, "GET", "cookies", cookies={"c": "3"})
        assert own["cookies"] == {"b": "2", "c": "3"}


async def test_basic_and_bearer(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        async with session.get("basic-auth/user/passwd") as response:
            assert response.status == 401
        auth = tercel.BasicAuth("user", "passwd")
        assert (await read_json(session, "GET", "basic-auth/user/passwd", auth=auth))["user"]
        bearer = {"Authorization": "Bearer abc"}
        assert (await read_json(session, "GET", "bearer", headers=bearer))["token"] == "abc"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
async def test_digest(httpbin: str, qop: str, algorithm: str) -> None:
    digest = tercel.DigestAuthMiddleware("user", "passwd")
    async with tercel.ClientSession(
        httpbin, middlewares=[digest], cookie_jar=tercel.CookieJar(unsafe=True)
    ) as session:
        for _ in range(3):
            url = f"digest-auth/{qop}/user/passwd/{algorithm}"
            assert (await read_json(session, "GET", url))["authenticated"] is True


async def test_streams(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        async with session.get("stream/20") as response:
            lines = [json.loads(line)["id"] async for line in response.content]
            assert lines == list(range(20))
        async with session.get("stream-bytes/100000?seed=1&chunk_size=777") as response:
            assert len(await response.read()) == 100_000
        async with session.get("drip?numbytes=20&duration=0.1&delay=0") as response:
            assert await response.read() == b"*" * 20
        async with session.get("range/1000", headers={"Range": "bytes=10-19"}) as response:
            assert (response.status, len(await response.read())) == (206, 10)


async def test_bytes_and_text(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        text = base64.urlsafe_b64encode("ünïcode".encode()).decode()
        async with session.get(f"base64/{text}") as response:
            assert await response.text() == "ünïcode"
        async with session.get("encoding/utf8") as response:
            assert "∮ E⋅da" in await response.text()
        async with session.get("image/png") as response:
            assert response.content_type == "image/png"
            assert (await response.read()).startswith(b"\x89PNG")


async def test_a_time_limit(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        with pytest.raises(asyncio.TimeoutError):
            await session.get("delay/10", timeout=tercel.ClientTimeout(total=0.1))
        assert (await read_json(session, "GET", "get"))["url"].endswith("/get")


async def test_many_at_once(httpbin: str) -> None:
    async with tercel.ClientSession(httpbin) as session:
        found = await asyncio.gather(
            *(read_json(session, "GET", "anything", params={"n": str(n)}) for n in range(40))
        )
    assert [each["args"]["n"] for each in found] == [str(n) for n in range(40)]
