"""What the introductions of the years 2017 to 2020 show a beginner of the client, as they spell it.

Their httpbin.org is a scripted server here. Left out: `async_timeout.timeout` as a plain context
manager, which that package gave up, and coroutines given to `asyncio.wait`, which Python refuses.
"""

import asyncio
import hashlib
import json
import ssl
import warnings
import zlib
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.documented.site import reply
from tests.documented.subject import improvement, load


@pytest.fixture(autouse=True)
def quietly():
    """The spellings of that age warn; that they do is stated elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def say(value, headers=()):
    return reply(json.dumps(value), headers=[("Content-Type", "application/json"), *headers])


def answer(asked):
    """The pages of httpbin.org that the introductions ask for."""
    url = urlsplit(asked.target)
    if url.path == "/cookies":
        pairs = [pair.partition("=") for pair in (asked.get("Cookie") or "").split("; ") if pair]
        return say({"cookies": {name: value for name, _, value in pairs}})
    if url.path == "/cookies/set":
        cookies = [
            ("Set-Cookie", f"{name}={value}; Path=/") for name, value in parse_qsl(url.query)
        ]
        return reply("", 302, [("Location", "/cookies"), *cookies])
    if url.path == "/redirect":
        return reply("", 301, {"Location": "/get"})
    if asked.method == "HEAD":
        return reply()
    shown = {"url": asked.target, "headers": dict(asked.fields)}
    if asked.get("Content-Type") == "application/x-www-form-urlencoded":
        shown["form"] = dict(parse_qsl(asked.text))
    return say(shown)


@pytest.fixture
async def httpbin(site):
    there = await site(answer)
    there.host = "localhost"
    return there


async def test_fetch(httpbin, aiohttp):
    async def fetch(session, url):
        async with asyncio.timeout(10):
            async with session.get(url) as response:
                return await response.text()

    async with aiohttp.ClientSession() as session:
        html = await fetch(session, httpbin.url)
    assert html.startswith('{"url": "/"')


async def test_every_method(httpbin, session):
    await session.post(httpbin.url + "/post", data=b"data")
    await session.put(httpbin.url + "/put", data=b"data")
    await session.delete(httpbin.url + "/delete")
    await session.head(httpbin.url + "/get")
    await session.options(httpbin.url + "/get")
    await session.patch(httpbin.url + "/patch", data=b"data")
    methods = [asked.method for asked in httpbin.requests]
    assert methods == ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
    assert [asked.body for asked in httpbin.requests] == [b"data"] * 2 + [b""] * 3 + [b"data"]


async def test_json(httpbin, session):
    async with session.post(httpbin.url + "/post", json={"test": "object"}):
        pass
    assert json.loads(httpbin.last.body) == {"test": "object"}
    assert httpbin.last["Content-Type"] == "application/json"


async def test_params(httpbin, session):
    params = {"key1": "value1", "key2": "value2"}
    async with session.get(httpbin.url + "/get", params=params) as resp:
        assert str(resp.url) == httpbin.url + "/get?key1=value1&key2=value2"
    params = [("key", "value1"), ("key", "value2")]
    async with session.get(httpbin.url + "/get", params=params) as r:
        assert str(r.url) == httpbin.url + "/get?key=value1&key=value2"


async def test_the_answer_as_text_bytes_and_json(site, session):
    there = await site(reply('["\u0444"]'.encode("cp1251"), headers={"Content-Type": "text/plain"}))
    async with session.get(there.url) as resp:
        assert resp.status == 200
        assert await resp.text(encoding="windows-1251") == '["\u0444"]'
        assert await resp.read() == b'["\xf4"]'
        assert await resp.json(encoding="windows-1251", content_type=None) == ["\u0444"]


async def test_the_answer_as_a_stream(site, session, tmp_path):
    there = await site(reply(b"0123456789" * 10_000))
    async with session.get(there.url) as resp:
        assert await resp.content.read(10) == b"0123456789"
        with open(tmp_path / "file", "wb") as fd:
            while True:
                chunk = await resp.content.read(4096)
                if not chunk:
                    break
                fd.write(chunk)
    assert (tmp_path / "file").stat().st_size == 99_990


async def test_request_info(httpbin, session):
    async with session.get(httpbin.url + "/get", headers={"X-A": "1"}) as resp:
        assert str(resp.request_info.url) == httpbin.url + "/get"
        assert resp.request_info.headers["X-A"] == "1"


async def test_headers(httpbin, session):
    payload = {"some": "data"}
    headers = {"content-type": "application/json"}
    await session.post(httpbin.url + "/post", data=json.dumps(payload), headers=headers)
    assert httpbin.last.all("Content-Type") == ["application/json"]
    assert json.loads(httpbin.last.body) == payload


async def test_cookies(httpbin, aiohttp):
    cookies = {"cookies_are": "working"}
    async with aiohttp.ClientSession(cookies=cookies) as session:
        async with session.get(httpbin.url + "/cookies") as resp:
            assert await resp.json() == {"cookies": {"cookies_are": "working"}}


async def test_forms_and_texts(httpbin, session):
    payload = {"key1": "value1", "key2": "value2"}
    async with session.post(httpbin.url + "/post", data=payload) as resp:
        assert (await resp.json())["form"] == payload
    async with session.post(httpbin.url + "/post", data=json.dumps(payload)):
        assert json.loads(httpbin.last.body) == payload


@pytest.mark.parametrize("how", ["dict", "FormData"])
async def test_multipart_files(httpbin, session, aiohttp, tmp_path, how):
    (tmp_path / "report.xls").write_bytes(b"rows")
    with open(tmp_path / "report.xls", "rb") as file:
        if how == "dict":
            data = {"file": file}
        else:
            data = aiohttp.FormData()
            data.add_field(
                "file", file, filename="report.xls", content_type="application/vnd.ms-excel"
            )
        await session.post(httpbin.url + "/post", data=data)
    assert httpbin.last["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="report.xls"\r\n' in httpbin.last.body
    assert b"\r\n\r\nrows\r\n--" in httpbin.last.body


async def test_a_file_as_a_stream(httpbin, session, tmp_path):
    (tmp_path / "massive-body").write_bytes(b"m" * 100_000)
    with open(tmp_path / "massive-body", "rb") as f:
        await session.post(httpbin.url + "/post", data=f)
    assert httpbin.last.body == b"m" * 100_000


async def test_streamer(httpbin, session, aiohttp, tmp_path):
    (tmp_path / "huge_file").write_bytes(b"h" * 200_000)

    @aiohttp.streamer
    async def file_sender(writer, file_name=None):
        with open(file_name, "rb") as f:
            chunk = f.read(2**16)
            while chunk:
                await writer.write(chunk)
                chunk = f.read(2**16)

    data = file_sender(file_name=tmp_path / "huge_file")
    async with session.post(httpbin.url + "/post", data=data) as resp:
        assert resp.status == 200
    assert httpbin.last.body == b"h" * 200_000


@improvement("a streamer may be a generator, as it was written before async def")
async def test_streamer_that_yields(httpbin, session, aiohttp):
    @aiohttp.streamer
    def sender(writer, pieces):
        for piece in pieces:
            yield from writer.write(piece).__await__()

    async with session.post(httpbin.url + "/post", data=sender([b"a", b"b"])):
        assert httpbin.last.body == b"ab"


async def test_one_answer_fed_into_the_next_request(httpbin, session):
    async def feed_stream(resp, stream):
        h = hashlib.sha256()
        while True:
            chunk = await resp.content.readany()
            if not chunk:
                break
            h.update(chunk)
            stream.feed_data(chunk)
        return h.hexdigest()

    resp = await session.get(httpbin.url + "/get")
    stream = load("streams").StreamReader(
        resp.content._protocol if hasattr(resp.content, "_protocol") else None,
        2**16,
        loop=asyncio.get_running_loop(),
    )
    posting = asyncio.create_task(session.post(httpbin.url + "/post", data=stream))
    file_hash = await feed_stream(resp, stream)
    stream.feed_eof()
    await posting
    assert hashlib.sha256(httpbin.last.body).hexdigest() == file_hash


async def test_the_content_of_an_answer_as_a_body(httpbin, session):
    r = await session.get(httpbin.url + "/get")
    await session.post(httpbin.url + "/post", data=r.content)
    assert json.loads(httpbin.last.body)["url"] == "/get"


async def test_precompressed_data(httpbin, session):
    data = zlib.compress(b"my data")
    headers = {"Content-Encoding": "deflate"}
    async with session.post(httpbin.url + "/post", data=data, headers=headers):
        pass
    assert httpbin.last["Content-Encoding"] == "deflate"
    assert zlib.decompress(httpbin.last.body) == b"my data"


async def test_shared_cookies(httpbin, aiohttp):
    async with aiohttp.ClientSession() as session:
        await session.get(httpbin.url + "/cookies/set?my_cookie=my_value")
        filtered = session.cookie_jar.filter_cookies(httpbin.url)
        assert filtered["my_cookie"].value == "my_value"
        async with session.get(httpbin.url + "/cookies") as r:
            json_body = await r.json()
            assert json_body["cookies"]["my_cookie"] == "my_value"


async def test_headers_of_the_session(httpbin, aiohttp):
    headers = {"Authorization": "Basic bG9naW46cGFzcw=="}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(httpbin.url + "/headers") as r:
            json_body = await r.json()
            assert json_body["headers"]["Authorization"] == "Basic bG9naW46cGFzcw=="


@pytest.mark.parametrize(
    ("jar", "kept"),
    [
        (lambda aiohttp: aiohttp.CookieJar(unsafe=True), {"a": "b"}),
        (lambda aiohttp: aiohttp.DummyCookieJar(), {}),
    ],
)
async def test_jars(site, aiohttp, jar, kept):
    there = await site(answer)
    session = aiohttp.ClientSession(cookie_jar=jar(aiohttp))
    async with session.get(there.url + "/cookies/set?a=b") as resp:
        assert await resp.json() == {"cookies": kept}
    await session.close()


@pytest.mark.parametrize("options", [{}, {"limit": 30}, {"limit": 0}, {"limit_per_host": 30}])
async def test_connectors(httpbin, aiohttp, options):
    conn = aiohttp.TCPConnector(**options)
    assert conn.limit == options.get("limit", 100)
    assert conn.limit_per_host == options.get("limit_per_host", 0)
    session = aiohttp.ClientSession(connector=conn)
    await asyncio.gather(*(session.get(httpbin.url) for _ in range(5)))
    await session.close()
    assert len(httpbin.requests) == 5


async def test_own_name_servers(aiohttp):
    pytest.importorskip("aiodns")
    resolver = load("resolver").AsyncResolver(nameservers=["8.8.8.8", "8.8.4.4"])
    conn = aiohttp.TCPConnector(resolver=resolver)
    await conn.close()
    await resolver.close()


def test_errors_of_tls(aiohttp):
    assert issubclass(aiohttp.ClientConnectorSSLError, ssl.SSLError)
    assert issubclass(aiohttp.ClientConnectorCertificateError, ssl.CertificateError)
    assert issubclass(aiohttp.ClientConnectorSSLError, aiohttp.ClientSSLError)
    assert issubclass(aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)


@improvement("FingerprintMismatch is found where the older introductions look for it")
def test_fingerprint_mismatch_by_its_old_name(aiohttp):
    assert aiohttp.FingerprintMismatch is aiohttp.ServerFingerprintMismatch


async def test_unix_connector(site, aiohttp, tmp_path):
    there = await site(reply("local"))
    await there.close()
    await there.start(path=str(tmp_path / "socket"))
    conn = aiohttp.UnixConnector(path=str(tmp_path / "socket"))
    session = aiohttp.ClientSession(connector=conn)
    async with session.get("http://python.org/") as resp:
        assert await resp.text() == "local"
    await session.close()


@pytest.mark.parametrize("how", ["proxy_auth", "url", "nothing"])
async def test_proxies(site, aiohttp, how):
    proxy = await site(reply("through"))
    options = {
        "proxy_auth": {"proxy": proxy.url, "proxy_auth": aiohttp.BasicAuth("user", "pass")},
        "url": {"proxy": proxy.url.replace("//", "//user:pass@")},
        "nothing": {"proxy": proxy.url},
    }[how]
    async with aiohttp.ClientSession() as session:
        async with session.get("http://python.org/", **options) as resp:
            assert resp.status == 200
    assert proxy.last.target == "http://python.org/"
    wanted = None if how == "nothing" else "Basic dXNlcjpwYXNz"
    assert proxy.last.get("Proxy-Authorization") == wanted


@improvement("trust_env may be chosen for one request, as the older introductions show")
async def test_the_proxy_of_the_environment_for_one_request(site, session, monkeypatch):
    proxy = await site(reply("through"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    async with session.get("http://python.org", trust_env=True) as resp:
        assert await resp.text() == "through"


async def test_status_headers_cookies_and_history(httpbin, session):
    async with session.get(httpbin.url + "/redirect") as resp:
        assert resp.status == 200
        assert resp.headers["Content-Type"] == "application/json"
        assert resp.headers.get("content-type") == "application/json"
        assert (b"Content-Type", b"application/json") in resp.raw_headers
        assert [each.status for each in resp.history] == [301]
    async with session.get(httpbin.url + "/cookies/set?a=b", allow_redirects=False) as resp:
        assert resp.cookies["a"].value == "b"
        assert resp.history == ()


@pytest.mark.parametrize("timeout", [60, None, 0])
async def test_timeouts(httpbin, session, timeout):
    async with session.get(httpbin.url, timeout=timeout) as r:
        assert r.status == 200


async def test_a_timeout_around_everything(site, session):
    async def never(asked):
        await asyncio.Event().wait()

    there = await site(never)
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0.001):
            async with session.get(there.url) as r:
                await r.text()


async def test_scraping_pages_into_files(httpbin, aiohttp, tmp_path):
    async def download_pep(number):
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{httpbin.url}/pep-{number}/") as resp:
                return await resp.read()

    async def scrape(number):
        (tmp_path / f"async_{number}.html").write_bytes(await download_pep(number))

    tasks = [asyncio.create_task(scrape(number)) for number in range(8010, 8016)]
    await asyncio.wait(tasks)
    assert b"/pep-8015/" in (tmp_path / "async_8015.html").read_bytes()
    assert len(list(tmp_path.iterdir())) == 6


def test_the_loop_is_closed_after_a_moment(aiohttp, web):
    async def serve(request):
        return web.Response(text="page")

    async def read_website():
        runner = web.ServerRunner(web.Server(serve))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/") as response:
                await response.read()
        await runner.cleanup()
        return await response.text()

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(read_website()) == "page"
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
