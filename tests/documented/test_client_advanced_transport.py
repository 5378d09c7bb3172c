"""client_advanced.rst: compressed uploads, connectors, proxies, character sets."""

import asyncio
import gzip
import zlib

import pytest

from tests.documented.site import Last, reply
from tests.documented.subject import improvement

# Compression out


@pytest.mark.parametrize(
    ("value", "name", "decode"),
    [
        (True, "deflate", zlib.decompress),
        ("deflate", "deflate", zlib.decompress),
        ("gzip", "gzip", gzip.decompress),
    ],
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


@pytest.mark.parametrize("headers", [{"Transfer-Encoding": "chunked"}, {"Content-Length": "5"}])
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


async def test_schemes_of_connectors(site, aiohttp, tmp_path):
    path = str(tmp_path / "socket")
    await site(reply("unix"), path=path)
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=path)) as session:
        async with session.get("unix://localhost/a?b=c") as resp:
            assert await resp.text() == "unix"
            assert str(resp.url) == "unix://localhost/a?b=c"
        with pytest.raises(aiohttp.NonHttpUrlClientError):
            await session.get("tcp://localhost:80/")


async def test_the_scheme_of_tcp(site, session, aiohttp):
    there = await site(reply("tcp"))
    async with session.get(there.url.replace("http:", "tcp:") + "/a") as resp:
        assert await resp.text() == "tcp"
    assert there.last.target == "/a"
    assert there.last["Host"] == f"127.0.0.1:{there.port}"
    with pytest.raises(aiohttp.NonHttpUrlClientError):
        await session.get("unix://localhost/")


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


@pytest.mark.parametrize("proxy", ["x", "proxy.invalid:80", "mailto:x", "http:///x"])
async def test_a_proxy_that_is_no_address(session, aiohttp, proxy):
    with pytest.raises(aiohttp.InvalidURL):
        await session.get("http://example.invalid/", proxy=proxy)


async def test_an_empty_proxy_is_none(site, aiohttp):
    there = await site(reply("direct"))
    async with aiohttp.ClientSession(proxy="http://proxy.invalid/") as session:
        async with session.get(there.url, proxy="") as resp:
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
