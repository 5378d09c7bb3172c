"""client_advanced.rst: headers, authentication, middlewares."""

import base64

import pytest
from multidict import CIMultiDict

from tests.documented.site import reply

# Headers


async def test_headers_of_a_request(site, session):
    there = await site(reply("ok"))
    headers = {"content-type": "image/gif", "X-A": "1"}
    async with session.post(there.url, data=b"GIF89a", headers=headers):
        pass
    assert there.last.all("Content-Type") == ["image/gif"]
    assert there.last["X-A"] == "1"


async def test_headers_of_the_session(site, aiohttp):
    there = await site(reply("ok"))
    given = {"Authorization": "Basic bG9naW46cGFzcw==", "X-A": "session"}
    async with aiohttp.ClientSession(headers=given) as session:
        assert isinstance(session.headers, CIMultiDict)
        given["X-A"] = "changed later"
        async with session.get(there.url):
            pass
        assert there.last["Authorization"] == "Basic bG9naW46cGFzcw=="
        assert there.last["X-A"] == "session"
        async with session.get(there.url, headers={"x-a": "request"}):
            pass
        assert there.last.all("X-A") == ["request"]
        session.headers["Authorization"] = "Bearer token"
        async with session.get(there.url):
            pass
        assert there.last["Authorization"] == "Bearer token"


async def test_automatic_headers(site, session):
    there = await site(reply("ok"))
    async with session.post(there.url, data=b"x"):
        pass
    for name in (
        "Host",
        "Accept",
        "Accept-Encoding",
        "User-Agent",
        "Content-Type",
        "Content-Length",
    ):
        assert len(there.last.all(name)) == 1
    assert there.last["Accept"] == "*/*"


@pytest.mark.parametrize("where", ["session", "request"])
async def test_skip_auto_headers(site, aiohttp, where):
    there = await site(reply("ok"))
    skip = {"User-Agent", "content-type"}
    options = {"skip_auto_headers": skip}
    async with aiohttp.ClientSession(**(options if where == "session" else {})) as session:
        async with session.post(there.url, data=b"x", **(options if where == "request" else {})):
            pass
    assert there.last.get("User-Agent") is None
    assert there.last.get("Content-Type") is None
    assert there.last["Content-Length"] == "1"


TYPE = "application/octet-stream"


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("more", [{}, {"headers": {"X-A": "1"}}, {"cookies": {"a": "b"}}])
@pytest.mark.parametrize(
    ("method", "length", "kind"),
    [("GET", None, None), ("DELETE", "0", None), ("PUT", "0", TYPE), ("POST", "0", TYPE)],
)
async def test_fields_where_there_is_no_body(site, aiohttp, method, length, kind, more, skips):
    there = await site(reply("ok"))
    skip = ["Content-Type"] if skips else []
    async with aiohttp.ClientSession(skip_auto_headers=skip) as session:
        for _ in range(2):
            async with session.request(method, there.url, **more):
                pass
            assert there.last.get("Content-Length") == length
            assert there.last.get("Content-Type") == (None if skips else kind)
        async with session.request(method, there.url, headers={"Content-Type": "a/b"}):
            pass
        assert there.last.all("Content-Type") == ["a/b"]


async def test_own_user_agent_and_host(site, session):
    there = await site(reply("ok"))
    async with session.get(there.url, headers={"User-Agent": "me", "Host": "example.com"}):
        pass
    assert there.last.all("User-Agent") == ["me"]
    assert there.last.all("Host") == ["example.com"]


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
async def test_header_values_cannot_inject(site, session, bad):
    there = await site(reply("ok"))
    with pytest.raises(ValueError):
        await session.get(there.url, headers={"X-A": bad})
    assert not there.requests


@pytest.mark.parametrize("bad", ["GET / HTTP/1.1\r\nX: y", "G ET", "GET\n"])
async def test_methods_cannot_inject(site, session, bad):
    there = await site(reply("ok"))
    with pytest.raises(ValueError):
        await session.request(bad, there.url)
    assert not there.requests


# Authentication


def test_encode_basic_auth(aiohttp):
    assert aiohttp.encode_basic_auth("user", "pass") == "Basic dXNlcjpwYXNz"
    assert (
        aiohttp.encode_basic_auth("\u0444")
        == "Basic " + base64.b64encode("\u0444:".encode()).decode()
    )
    with pytest.raises(ValueError):
        aiohttp.encode_basic_auth("us:er", "pass")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_auth_argument(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "pass")) as session:
        async with session.get(there.url):
            pass
        assert there.last["Authorization"] == "Basic dXNlcjpwYXNz"
        async with session.get(there.url, auth=aiohttp.BasicAuth("other")):
            pass
        assert there.last["Authorization"] == "Basic b3RoZXI6"
        with pytest.raises(ValueError):
            await session.get(there.url, headers={"Authorization": "x"})


async def test_credentials_in_the_url(site, session):
    there = await site(reply("ok"))
    async with session.get(there.url.replace("//", "//user:p%20w@")) as resp:
        assert resp.url.user is None
    assert there.last["Authorization"] == "Basic " + base64.b64encode(b"user:p w").decode()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_credentials_twice(site, session, aiohttp):
    there = await site(reply("ok"))
    with pytest.raises(ValueError):
        await session.get(there.url.replace("//", "//user:pass@"), auth=aiohttp.BasicAuth("a", "b"))


@pytest.mark.parametrize("algorithm", [None, "MD5", "SHA-256", "MD5-sess"])
async def test_digest(site, aiohttp, algorithm):
    def script(asked):
        if asked.get("Authorization") is None:
            extra = f", algorithm={algorithm}" if algorithm else ""
            challenge = f'Digest realm="r", nonce="n", qop="auth"{extra}'
            return reply("no", 401, {"WWW-Authenticate": challenge})
        return reply("yes")

    there = await site(script)
    digest = aiohttp.DigestAuthMiddleware(login="user", password="password")
    async with aiohttp.ClientSession(middlewares=(digest,)) as session:
        async with session.get(there.url + "/a") as resp:
            assert await resp.text() == "yes"
        assert len(there.requests) == 2
        value = there.last["Authorization"]
        for part in ('Digest username="user"', 'realm="r"', 'nonce="n"', 'uri="/a"', "qop=auth"):
            assert part in value
        async with session.get(there.url + "/b"):
            pass
        assert len(there.requests) == 3  # the second time without being asked


# Middlewares


async def test_middleware(site, aiohttp):
    async def auth_middleware(req, handler):
        req.headers["Authorization"] = "token"
        return await handler(req)

    there = await site(reply("ok"))
    async with aiohttp.ClientSession(middlewares=(auth_middleware,)) as session:
        async with session.get(there.url):
            pass
        assert there.last["Authorization"] == "token"
        async with session.get(there.url, middlewares=()):
            pass
        assert there.last.get("Authorization") is None


async def test_order_of_middlewares(site, session):
    seen = []

    def make(name):
        async def middleware(request, handler):
            seen.append(f"{name} in")
            response = await handler(request)
            seen.append(f"{name} out")
            return response

        return middleware

    there = await site(reply("ok"))
    async with session.get(there.url, middlewares=(make("1"), make("2"))):
        pass
    assert seen == ["1 in", "2 in", "2 out", "1 out"]


async def test_retry_middleware(site, session):
    async def retry(request, handler):
        for _ in range(3):
            response = await handler(request)
            if response.ok:
                return response
        return response

    answers = iter([reply("", 503), reply("", 503), reply("ok")])
    there = await site(lambda asked: next(answers))
    async with session.post(there.url, data=b"body", middlewares=(retry,)) as resp:
        assert resp.status == 200
    assert [asked.body for asked in there.requests] == [b"body"] * 3


async def test_middleware_on_redirects(site, session):
    seen = []

    async def note(request, handler):
        seen.append(request.url.path)
        return await handler(request)

    there = await site(
        lambda asked: reply("", 302, {"Location": "/b"}) if asked.target == "/a" else reply("ok")
    )
    async with session.get(there.url + "/a", middlewares=(note,)):
        pass
    assert seen == ["/a", "/b"]


async def test_middleware_sees_the_request(site, session, aiohttp):
    seen = {}

    async def look(request, handler):
        seen.update(
            method=request.method,
            url=str(request.url),
            original=str(request.original_url),
            session=request.session,
            version=request.version,
            chunked=request.chunked,
            proxy=request.proxy,
        )
        assert isinstance(request, aiohttp.ClientRequest)
        return await handler(request)

    there = await site(reply("ok"))
    async with session.put(there.url + "/a#b", data=b"x", middlewares=(look,)):
        pass
    assert seen["method"] == "PUT"
    assert seen["url"] == there.url + "/a"
    assert seen["original"] == there.url + "/a#b"
    assert seen["session"] is session
    assert seen["version"] == aiohttp.HttpVersion11
    assert seen["proxy"] is None


@pytest.mark.parametrize("body", [b"new", "new", bytearray(b"new")])
async def test_update_body(site, session, body):
    async def change(request, handler):
        await request.update_body(body)
        return await handler(request)

    there = await site(reply("ok"))
    async with session.post(there.url, data=b"old body", middlewares=(change,)):
        pass
    assert there.last.body == b"new"
    assert there.last["Content-Length"] == "3"


async def test_a_middleware_may_refuse(site, session):
    async def refuse(request, handler):
        raise ValueError("not there")

    there = await site(reply("ok"))
    with pytest.raises(ValueError, match="not there"):
        await session.get(there.url, middlewares=(refuse,))
    assert not there.requests
