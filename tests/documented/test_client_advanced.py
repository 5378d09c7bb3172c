"""client_advanced.rst: headers, authentication, middlewares, cookies, redirects, compression, proxies."""

import asyncio
import base64
import gzip
import zlib

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tests.documented.site import Last, reply
from tests.documented.subject import improvement

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
    for name in ("Host", "Accept", "Accept-Encoding", "User-Agent", "Content-Type", "Content-Length"):
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
    assert aiohttp.encode_basic_auth("\u0444") == "Basic " + base64.b64encode("\u0444:".encode()).decode()
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
        await session.get(
            there.url.replace("//", "//user:pass@"), auth=aiohttp.BasicAuth("a", "b")
        )


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


# Cookies


@pytest.fixture
async def friendly(aiohttp):
    """A session whose jar takes cookies of addresses."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def test_cookies_of_the_session(site, aiohttp):
    there = await site(reply("ok"))
    async with aiohttp.ClientSession(cookies={"cookies_are": "working"}) as session:
        async with session.get(there.url):
            pass
    assert there.last["Cookie"] == "cookies_are=working"


async def test_cookies_of_a_request(site, friendly):
    there = await site(reply("ok", headers=[("Set-Cookie", "a=1")]))
    async with friendly.get(there.url):
        pass
    async with friendly.get(there.url, cookies={"b": "2"}):
        pass
    assert sorted(there.last["Cookie"].split("; ")) == ["a=1", "b=2"]
    async with friendly.get(there.url):
        pass
    assert there.last["Cookie"] == "a=1"


async def test_cookies_are_remembered(site, friendly):
    there = await site(
        reply("ok", headers=[("Set-Cookie", "my_cookie=my_value; Path=/"), ("Set-Cookie", "x=y; Path=/p")])
    )
    async with friendly.get(there.url) as resp:
        assert resp.cookies["my_cookie"].value == "my_value"
    async with friendly.get(there.url):
        pass
    assert there.last["Cookie"] == "my_cookie=my_value"
    async with friendly.get(there.url + "/p"):
        pass
    assert sorted(there.last["Cookie"].split("; ")) == ["my_cookie=my_value", "x=y"]
    assert len(friendly.cookie_jar) == 2


async def test_cookies_of_addresses_are_refused(site, session):
    there = await site(reply("ok", headers={"Set-Cookie": "a=1"}))
    async with session.get(there.url) as resp:
        assert resp.cookies["a"].value == "1"
    async with session.get(there.url):
        pass
    assert there.last.get("Cookie") is None
    assert len(session.cookie_jar) == 0


async def test_dummy_cookie_jar(site, aiohttp):
    there = await site(reply("ok", headers={"Set-Cookie": "a=1"}))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        for _ in range(2):
            async with session.get(there.url) as resp:
                assert resp.cookies["a"].value == "1"
    assert there.last.get("Cookie") is None


@pytest.mark.parametrize(("quote", "value"), [(True, '"a b"'), (False, "a b")])
async def test_cookie_quoting(site, aiohttp, quote, value):
    there = await site(reply("ok"))
    jar = aiohttp.CookieJar(unsafe=True, quote_cookie=quote)
    jar.update_cookies({"k": "a b"})
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(there.url):
            pass
    assert there.last["Cookie"] == f"k={value}"


async def test_cookies_over_redirects(site, friendly):
    there = await site(
        lambda asked: reply("", 302, {"Location": "/b", "Set-Cookie": "first=1"})
        if asked.target == "/a"
        else reply("ok", headers={"Set-Cookie": "second=2"})
    )
    async with friendly.get(there.url + "/a") as resp:
        assert list(resp.cookies) == ["second"]
        assert list(resp.history[0].cookies) == ["first"]
    assert there.last["Cookie"] == "first=1"
    assert {cookie.key for cookie in friendly.cookie_jar} == {"first", "second"}


# What the response says


async def test_response_headers(site, session):
    there = await site(
        b"HTTP/1.1 200 OK\r\nSERVER: nginx\r\nX-A: 1\r\nx-a: \xd1\x84\r\nContent-Length: 0\r\n\r\n"
    )
    async with session.get(there.url) as resp:
        assert isinstance(resp.headers, CIMultiDictProxy)
        assert resp.headers["server"] == resp.headers["SERVER"] == "nginx"
        assert resp.headers.getall("X-A") == ["1", "\u0444"]
        assert resp.raw_headers == (
            (b"SERVER", b"nginx"),
            (b"X-A", b"1"),
            (b"x-a", b"\xd1\x84"),
            (b"Content-Length", b"0"),
        )


# Redirects


@pytest.mark.parametrize(
    ("status", "method", "wanted", "body"),
    [
        (301, "GET", "GET", b""),
        (302, "GET", "GET", b""),
        (303, "GET", "GET", b""),
        (307, "GET", "GET", b""),
        (308, "GET", "GET", b""),
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (303, "POST", "GET", b""),
        (307, "POST", "POST", b"data"),
        (308, "POST", "POST", b"data"),
        (301, "PUT", "PUT", b"data"),
        (302, "PUT", "PUT", b"data"),
        (303, "PUT", "GET", b""),
        (307, "PUT", "PUT", b"data"),
        (303, "HEAD", "HEAD", b""),
    ],
)
async def test_methods_over_redirects(site, session, status, method, wanted, body):
    there = await site(
        lambda asked: reply("", status, {"Location": "/b"}) if asked.target == "/a" else reply("")
    )
    data = b"data" if method in ("POST", "PUT") else None
    async with session.request(method, there.url + "/a", data=data, allow_redirects=True) as resp:
        assert resp.status == 200
        assert [past.status for past in resp.history] == [status]
        assert resp.url == URL(there.url + "/b")
        assert resp.history[0].url == URL(there.url + "/a")
    assert (there.last.method, there.last.body) == (wanted, body)
    if not body:
        assert there.last.get("Content-Type") is None


@pytest.mark.parametrize(
    ("location", "target"),
    [("/b", "/b"), ("b", "/dir/b"), ("../b", "/b"), ("?x=y", "/dir/a?x=y"), ("/b#f", "/b"),
     ("{url}/abs", "/abs"), ("/\u0444", "/%D1%84"), ("/%61", "/a"), ("//{authority}/net", "/net")],
)
async def test_locations(site, session, location, target):
    def script(asked):
        if asked.target == "/dir/a":
            where = location.format(url=there.url, authority=there.url[7:])
            return reply("", 302, {"Location": where})
        return reply("ok")

    there = await site(script)
    async with session.get(there.url + "/dir/a") as resp:
        assert resp.status == 200
    assert there.last.target == target


async def test_uri_header_is_a_location(site, session):
    there = await site(
        lambda asked: reply("", 301, {"URI": "/b"}) if asked.target == "/a" else reply("ok")
    )
    async with session.get(there.url + "/a") as resp:
        assert resp.url.path == "/b"


async def test_redirect_without_a_location(site, session):
    there = await site(reply("body", 302))
    async with session.get(there.url) as resp:
        assert resp.status == 302
        assert await resp.text() == "body"
        assert len(resp.history) in (0, 1)


async def test_no_redirects(site, session):
    there = await site(reply("", 302, {"Location": "/b"}))
    async with session.get(there.url, allow_redirects=False) as resp:
        assert resp.status == 302
        assert len(resp.history) == 0
    async with session.head(there.url) as resp:
        assert resp.status == 302
    assert len(there.requests) == 2


@pytest.mark.parametrize(("options", "count"), [({}, 10), ({"max_redirects": 2}, 2)])
async def test_too_many_redirects(site, session, aiohttp, options, count):
    there = await site(reply("", 302, {"Location": "/b"}))
    with pytest.raises(aiohttp.TooManyRedirects) as caught:
        await session.get(there.url, **options)
    assert len(caught.value.history) == count
    assert caught.value.request_info.url == URL(there.url)
    assert len(there.requests) == count


@pytest.mark.parametrize(
    ("location", "name"),
    [("ftp://example.com/", "NonHttpUrlRedirectClientError"), ("mailto:a@b", "NonHttpUrlRedirectClientError"),
     ("http:///nohost", "InvalidUrlRedirectClientError"), ("http://[bad", "InvalidUrlRedirectClientError")],
)
async def test_bad_locations(site, session, aiohttp, location, name):
    there = await site(reply("", 302, {"Location": location}))
    with pytest.raises(getattr(aiohttp, name)) as caught:
        await session.get(there.url)
    assert isinstance(caught.value, aiohttp.RedirectClientError)


async def test_authorization_stays_with_its_origin(site, session):
    other = await site(reply("ok"))
    there = await site(lambda asked: reply("", 302, {"Location": other.url + "/x"}))
    headers = {"Authorization": "secret", "Cookie": "a=b", "X-A": "kept"}
    async with session.get(there.url, headers=headers):
        pass
    assert there.last["Authorization"] == "secret"
    assert other.last.get("Authorization") is None
    assert other.last.get("Cookie") is None
    assert other.last["X-A"] == "kept"


async def test_authorization_goes_on_within_the_origin(site, session):
    there = await site(
        lambda asked: reply("", 302, {"Location": "/b"}) if asked.target == "/a" else reply("ok")
    )
    async with session.get(there.url + "/a", headers={"Authorization": "secret"}):
        pass
    assert there.last["Authorization"] == "secret"


async def test_generators_cannot_be_sent_again(site, session, aiohttp):
    async def generate():
        yield b"once"

    there = await site(
        lambda asked: reply("", 307, {"Location": "/b"}) if asked.target == "/a" else reply("ok")
    )
    with pytest.raises(aiohttp.ClientPayloadError):
        await session.post(there.url + "/a", data=generate())


async def test_files_are_sent_again(site, session, tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    there = await site(
        lambda asked: reply("", 307, {"Location": "/b"}) if asked.target == "/a" else reply("ok")
    )
    with (tmp_path / "f").open("rb") as file:
        async with session.post(there.url + "/a", data=file):
            pass
    assert [asked.body for asked in there.requests] == [b"content", b"content"]


# Compression out


@pytest.mark.parametrize(
    ("value", "name", "decode"),
    [(True, "deflate", zlib.decompress), ("deflate", "deflate", zlib.decompress),
     ("gzip", "gzip", gzip.decompress)],
)
async def test_compress(site, session, value, name, decode):
    there = await site(reply("ok"))
    async with session.post(there.url, data=b"x" * 5000, compress=value):
        pass
    assert there.last["Content-Encoding"] == name
    assert there.last["Transfer-Encoding"] == "chunked"
    assert decode(there.last.body) == b"x" * 5000


async def test_precompressed_data(site, session):
    there = await site(reply("ok"))
    data = zlib.compress(b"data")
    async with session.post(there.url, data=data, headers={"Content-Encoding": "deflate"}):
        pass
    assert there.last.body == data
    assert there.last["Content-Encoding"] == "deflate"


async def test_compress_and_content_encoding(site, session):
    there = await site(reply("ok"))
    with pytest.raises(ValueError):
        await session.post(
            there.url, data=b"x", compress=True, headers={"Content-Encoding": "gzip"}
        )


async def test_chunked(site, session):
    there = await site(reply("ok"))
    async with session.post(there.url, data=b"hello", chunked=True):
        pass
    assert there.last["Transfer-Encoding"] == "chunked"
    assert there.last.get("Content-Length") is None
    assert there.last.body == b"hello"


@pytest.mark.parametrize(
    "headers", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "5"}]
)
async def test_chunked_with_the_headers(site, session, headers):
    there = await site(reply("ok"))
    with pytest.raises(ValueError):
        await session.post(there.url, data=b"hello", chunked=True, headers=headers)


async def test_expect100(site, session):
    there = await site(reply("ok"))
    async with session.post(there.url, data=b"hello", expect100=True) as resp:
        assert resp.status == 200
    assert there.last["Expect"] == "100-continue"
    assert there.last.body == b"hello"
    assert there.continued == 1


# Character sets


async def test_fallback_charset_resolver(site, aiohttp):
    there = await site(reply(b"\xf4", headers={"Content-Type": "text/plain"}))
    seen = []

    def resolver(resp, body):
        seen.append((resp.status, body))
        return "cp1251"

    async with aiohttp.ClientSession(fallback_charset_resolver=resolver) as session:
        async with session.get(there.url) as resp:
            assert await resp.text() == "\u0444"
    assert seen == [(200, b"\xf4")]


# Connectors


async def test_unix_connector(site, aiohttp, tmp_path):
    path = str(tmp_path / "s")
    there = await site(reply("ok"), path=path)
    connector = aiohttp.UnixConnector(path=path)
    assert connector.path == path
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get("http://localhost/get") as resp:
            assert await resp.text() == "ok"
    assert there.last["Host"] == "localhost"


async def test_socket_factory(site, aiohttp):
    import socket

    made = []

    def socket_factory(addr_info):
        family, kind, proto, _, _ = addr_info
        made.append(family)
        return socket.socket(family=family, type=kind, proto=proto)

    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(socket_factory=socket_factory)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(there.url):
            pass
    assert made == [socket.AF_INET]


async def test_limit(site, aiohttp):
    busy = 0
    most = 0

    async def script(asked):
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.005)
        busy -= 1
        return reply("ok")

    there = await site(script)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session:

        async def ask():
            async with session.get(there.url) as resp:
                return await resp.text()

        assert await asyncio.gather(*(ask() for _ in range(8))) == ["ok"] * 8
    assert most == 2
    assert there.connections == 2


async def test_shared_connector(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector()
    for _ in range(2):
        async with aiohttp.ClientSession(connector=connector, connector_owner=False) as session:
            async with session.get(there.url) as resp:
                await resp.read()
        assert not connector.closed
    assert there.connections == 1
    await connector.close()
    assert connector.closed


# Proxies


async def test_http_proxy(site, session):
    proxy = await site(reply("through the proxy"))
    async with session.get("http://example.invalid/path?q=1", proxy=proxy.url) as resp:
        assert await resp.text() == "through the proxy"
    assert proxy.last.target == "http://example.invalid/path?q=1"
    assert proxy.last["Host"] == "example.invalid"


@pytest.mark.parametrize("where", ["request", "session"])
async def test_proxy_credentials(site, aiohttp, where):
    proxy = await site(reply("ok"))
    options = {"proxy": proxy.url.replace("//", "//user:pass@")}
    async with aiohttp.ClientSession(**(options if where == "session" else {})) as session:
        async with session.get(
            "http://example.invalid/", **(options if where == "request" else {})
        ):
            pass
    assert proxy.last["Proxy-Authorization"] == aiohttp.encode_basic_auth("user", "pass")


@improvement("proxy_headers reach the proxy of a plain http: URL too, as the page shows")
async def test_proxy_headers(site, session, aiohttp):
    proxy = await site(reply("ok"))
    value = aiohttp.encode_basic_auth("user", "pass")
    async with session.get(
        "http://example.invalid/", proxy=proxy.url, proxy_headers={"Proxy-Authorization": value}
    ):
        pass
    assert proxy.last["Proxy-Authorization"] == value


async def test_proxy_headers_of_a_tunnel(site, session, aiohttp):
    proxy = await site(Last(reply("no", "403 Forbidden")))
    value = aiohttp.encode_basic_auth("user", "pass")
    with pytest.raises(aiohttp.ClientHttpProxyError):
        await session.get(
            "https://example.invalid/",
            proxy=proxy.url,
            proxy_headers={"Proxy-Authorization": value},
        )
    assert proxy.last["Proxy-Authorization"] == value


async def test_trust_env(site, aiohttp, monkeypatch):
    proxy = await site(reply("ok"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get("http://example.invalid/a"):
            pass
    assert proxy.last.target == "http://example.invalid/a"


async def test_no_proxy(site, aiohttp, monkeypatch):
    proxy = await site(reply("proxy"))
    there = await site(reply("direct"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get(there.url) as resp:
            assert await resp.text() == "direct"


async def test_the_environment_is_not_trusted_by_default(site, session, monkeypatch):
    proxy = await site(reply("proxy"))
    there = await site(reply("direct"))
    monkeypatch.setenv("http_proxy", proxy.url)
    async with session.get(there.url) as resp:
        assert await resp.text() == "direct"


async def test_a_proxy_that_refuses_to_tunnel(site, session, aiohttp):
    proxy = await site(Last(reply("no", "403 Forbidden")))
    with pytest.raises(aiohttp.ClientHttpProxyError) as caught:
        await session.get("https://example.invalid/", proxy=proxy.url)
    assert caught.value.status == 403
    assert proxy.last.method == "CONNECT"
    assert proxy.last.target == "example.invalid:443"


async def test_a_proxy_that_is_not_there(session, aiohttp, free_port):
    with pytest.raises(aiohttp.ClientProxyConnectionError):
        await session.get("http://example.invalid/", proxy=f"http://127.0.0.1:{free_port}")


@improvement("a resolved secret never leaves for another origin by a request's own cookies")
async def test_request_cookies_stay_with_their_origin(site, session):
    other = await site(reply("ok"))
    there = await site(lambda asked: reply("", 302, {"Location": other.url}))
    async with session.get(there.url, cookies={"token": "secret"}):
        pass
    assert other.last.get("Cookie") is None
