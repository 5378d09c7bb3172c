"""client_reference.rst "Connectors" and "Utilities": connectors, jars, forms, credentials, TLS."""

import asyncio
import datetime
import hashlib
import http.cookies
import io
import ssl
import subprocess

import pytest
from multidict import MultiDict
from yarl import URL

from tests.documented.site import reply
from tests.documented.subject import improvement
from tests.peers import require_program

# Connectors


async def test_defaults(aiohttp):
    connector = aiohttp.TCPConnector()
    assert isinstance(connector, aiohttp.BaseConnector)
    assert connector.closed is False
    assert connector.force_close is False
    assert connector.limit == 100
    assert connector.limit_per_host == 0
    assert connector.family == 0
    assert connector.use_dns_cache is True
    await connector.close()
    assert connector.closed


async def test_closing_twice(aiohttp):
    connector = aiohttp.TCPConnector()
    await connector.close()
    await connector.close()


async def test_force_close(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(force_close=True)
    assert connector.force_close
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(2):
            async with session.get(there.url) as resp:
                await resp.read()
    assert there.connections == 2


async def test_force_close_and_keepalive_timeout(aiohttp):
    with pytest.raises(ValueError):
        aiohttp.TCPConnector(force_close=True, keepalive_timeout=5)


async def test_keepalive_timeout(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(keepalive_timeout=0.01)
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(there.url) as resp:
            await resp.read()
        await asyncio.sleep(0.05)
        async with session.get(there.url) as resp:
            await resp.read()
    assert there.connections == 2


async def test_limit_per_host(site, aiohttp):
    most = busy = 0

    async def script(asked):
        nonlocal most, busy
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.005)
        busy -= 1
        return reply("ok")

    there = await site(script)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit_per_host=1)
    ) as session:

        async def ask():
            async with session.get(there.url) as resp:
                await resp.read()

        await asyncio.gather(*(ask() for _ in range(4)))
    assert most == 1


async def test_waiting_for_a_connection_times_out(site, aiohttp):
    go_on = asyncio.Event()

    async def script(asked):
        await go_on.wait()
        return reply("ok")

    there = await site(script)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        first = asyncio.create_task(read(session, there.url))
        while not there.requests:
            await asyncio.sleep(0.001)
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await session.get(there.url, timeout=aiohttp.ClientTimeout(connect=0.01))
        go_on.set()
        assert await first == b"ok"


async def read(session, url):
    async with session.get(url) as resp:
        return await resp.read()


class Names:
    """A resolver that knows one address."""

    def __init__(self):
        self.asked = []

    async def resolve(self, host, port=0, family=0):
        import socket

        self.asked.append((host, port))
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET,
             "proto": 0, "flags": socket.AI_NUMERICHOST}
        ]

    async def close(self):
        pass


@pytest.mark.parametrize(("cache", "count"), [(True, 2), (False, 4)])
async def test_dns_cache(site, aiohttp, cache, count):
    there = await site(reply("ok"))
    names = Names()
    connector = aiohttp.TCPConnector(resolver=names, use_dns_cache=cache, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(3):
            async with session.get(f"http://some.example:{there.port}/") as resp:
                await resp.read()
        connector.clear_dns_cache("some.example", there.port)
        async with session.get(f"http://some.example:{there.port}/") as resp:
            await resp.read()
        connector.clear_dns_cache()
        with pytest.raises(ValueError):
            connector.clear_dns_cache("some.example")
    assert names.asked == [("some.example", there.port)] * count
    assert there.last["Host"] == f"some.example:{there.port}"


@improvement("the documented views of the DNS cache exist")
async def test_cached_hosts(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(resolver=Names())
    assert connector.dns_cache is True
    assert dict(connector.cached_hosts) == {}
    async with aiohttp.ClientSession(connector=connector) as session:
        await read(session, f"http://some.example:{there.port}/")
        assert len(connector.cached_hosts) == 1
        with pytest.raises(TypeError):
            connector.cached_hosts["x"] = "y"


async def test_own_resolver_is_not_asked_for_addresses(site, aiohttp):
    there = await site(reply("ok"))
    names = Names()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=names)) as session:
        await read(session, there.url)
    assert names.asked == []


async def test_local_addr(site, aiohttp):
    there = await site(reply("ok"))
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(there.url) as resp:
            await resp.read()
    assert there.connections == 1


async def test_resolvers(aiohttp):
    resolver = aiohttp.ThreadedResolver()
    found = await resolver.resolve("localhost", 80)
    assert {"hostname", "host", "port", "family", "proto", "flags"} <= set(found[0])
    assert found[0]["hostname"] == "localhost"
    assert found[0]["port"] == 80
    await resolver.close()


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for localhost of its own: paths of certificate and key."""
    require_program("openssl")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", str(folder / "key"), "-out", str(folder / "cert"), "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    return folder / "cert", folder / "key"


@pytest.fixture
async def secure(site, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    there = await site(reply("secure"), ssl_context=context)
    there.host = "localhost"
    return there


@pytest.fixture
def trust(certificate):
    return ssl.create_default_context(cafile=str(certificate[0]))


def digest_of(certificate):
    pem = certificate[0].read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


@pytest.mark.parametrize("where", ["request", "connector"])
async def test_ssl_context(secure, trust, aiohttp, where):
    connector = aiohttp.TCPConnector(ssl=trust if where == "connector" else True)
    options = {"ssl": trust} if where == "request" else {}
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(secure.url, **options) as resp:
            assert await resp.text() == "secure"


@pytest.mark.loop_errors
async def test_verification_is_on(secure, session, aiohttp):
    with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
        await session.get(secure.url)
    assert isinstance(caught.value, ssl.CertificateError)
    assert isinstance(caught.value, aiohttp.ClientSSLError)
    assert isinstance(caught.value.certificate_error, Exception)


async def test_ssl_false(secure, session):
    async with session.get(secure.url, ssl=False) as resp:
        assert await resp.text() == "secure"


@pytest.mark.loop_errors
async def test_wrong_host(secure, session, trust, aiohttp):
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await session.get(secure.url.replace("localhost", "127.0.0.1"), ssl=trust)


async def test_server_hostname(secure, session, trust):
    url = secure.url.replace("localhost", "127.0.0.1")
    async with session.get(url, ssl=trust, server_hostname="localhost") as resp:
        assert await resp.text() == "secure"


async def test_fingerprint(secure, session, aiohttp, certificate):
    good = aiohttp.Fingerprint(digest_of(certificate))
    assert good.fingerprint == digest_of(certificate)
    async with session.get(secure.url, ssl=good) as resp:
        assert await resp.text() == "secure"


async def test_wrong_fingerprint(secure, session, aiohttp, certificate):
    bad = b"0" * 32
    with pytest.raises(aiohttp.ServerFingerprintMismatch) as caught:
        await session.get(secure.url, ssl=aiohttp.Fingerprint(bad))
    assert caught.value.expected == bad
    assert caught.value.got == digest_of(certificate)


@pytest.mark.parametrize("digest", [b"short", hashlib.md5(b"").digest(), hashlib.sha1(b"").digest()])
def test_fingerprints_are_sha256(aiohttp, digest):
    with pytest.raises(ValueError):
        aiohttp.Fingerprint(digest)


@pytest.mark.parametrize(
    "options",
    [{"verify_ssl": False, "ssl_context": True}, {"fingerprint": b"0" * 32, "verify_ssl": False}],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_options_exclude_each_other(session, options):
    if "ssl_context" in options:
        options = {**options, "ssl_context": ssl.create_default_context()}
    with pytest.raises(ValueError):
        await session.get("https://localhost/", **options)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_options(secure, session, trust, certificate):
    for options in (
        {"verify_ssl": False},
        {"ssl_context": trust},
        {"fingerprint": digest_of(certificate)},
    ):
        async with session.get(secure.url, **options) as resp:
            assert await resp.text() == "secure"


@pytest.mark.parametrize("wrong", ["yes", 5])
async def test_ssl_of_another_type(session, wrong):
    with pytest.raises(TypeError):
        await session.get("https://localhost/", ssl=wrong)


# BasicAuth


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_basic_auth(aiohttp):
    auth = aiohttp.BasicAuth("nkim", "pwd")
    assert (auth.login, auth.password, auth.encoding) == ("nkim", "pwd", "latin1")
    assert auth.encode() == "Basic bmtpbTpwd2Q="
    assert aiohttp.BasicAuth.decode("Basic bmtpbTpwd2Q=") == auth
    assert aiohttp.BasicAuth.from_url(URL("http://nkim:pwd@h/")) == auth
    assert aiohttp.BasicAuth.from_url(URL("http://h/")) is None
    login, password, _ = auth
    assert (login, password) == ("nkim", "pwd")


@pytest.mark.parametrize("header", ["nonsense", "Basic", "Bearer abc", "Basic !!!", "Basic bmtpbQ=="])
def test_basic_auth_of_nonsense(aiohttp, header):
    with pytest.raises(ValueError):
        aiohttp.BasicAuth.decode(header)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_basic_auth_refuses(aiohttp):
    for arguments in (("a:b", "c"), (None, "b"), ("a", None)):
        with pytest.raises(ValueError):
            aiohttp.BasicAuth(*arguments)


# CookieJar


def cookies_for(jar, url):
    return {name: morsel.value for name, morsel in jar.filter_cookies(URL(url)).items()}


def received(jar, line, url="http://example.com/"):
    jar.update_cookies(http.cookies.SimpleCookie(line), URL(url))


async def test_jar_is_a_collection(aiohttp):
    jar = aiohttp.CookieJar()
    assert len(jar) == 0
    received(jar, "a=1; b=2")
    assert len(jar) == 2
    assert {cookie.key: cookie.value for cookie in jar} == {"a": "1", "b": "2"}
    assert {cookie["domain"] for cookie in jar} == {"example.com"}
    assert isinstance(jar.filter_cookies(URL("http://example.com/")), http.cookies.BaseCookie)


@pytest.mark.parametrize(
    ("line", "url", "there", "found"),
    [
        ("a=1", "http://example.com/", "http://example.com/x", True),
        ("a=1", "http://example.com/", "http://sub.example.com/", False),
        ("a=1", "http://example.com/", "http://other.com/", False),
        ("a=1; domain=example.com", "http://example.com/", "http://sub.example.com/", True),
        ("a=1; domain=.example.com", "http://example.com/", "http://sub.example.com/", True),
        ("a=1; domain=example.com", "http://sub.example.com/", "http://example.com/", True),
        ("a=1; domain=example.com", "http://other.com/", "http://example.com/", False),
        ("a=1; domain=sub.example.com", "http://example.com/", "http://sub.example.com/", False),
        ("a=1; domain=example.com", "http://example.com/", "http://badexample.com/", False),
        ("a=1; path=/p", "http://example.com/", "http://example.com/p", True),
        ("a=1; path=/p", "http://example.com/", "http://example.com/p/q", True),
        ("a=1; path=/p", "http://example.com/", "http://example.com/pq", False),
        ("a=1; path=/p", "http://example.com/", "http://example.com/", False),
        ("a=1", "http://example.com/dir/page", "http://example.com/dir/other", True),
        ("a=1", "http://example.com/dir/page", "http://example.com/other", False),
        ("a=1; secure", "https://example.com/", "https://example.com/", True),
        ("a=1; secure", "https://example.com/", "http://example.com/", False),
        ("a=1; max-age=0", "http://example.com/", "http://example.com/", False),
        ("a=1; max-age=100", "http://example.com/", "http://example.com/", True),
        ("a=1; expires=Wed, 02 Jan 1980 00:00:00 GMT", "http://example.com/", "http://example.com/", False),
        ("a=1; expires=Fri, 31 Dec 9999 23:59:59 GMT", "http://example.com/", "http://example.com/", True),
        ("a=1", "http://127.0.0.1/", "http://127.0.0.1/", False),
    ],
)
async def test_jar_rules(aiohttp, line, url, there, found):
    jar = aiohttp.CookieJar()
    received(jar, line, url)
    assert cookies_for(jar, there) == ({"a": "1"} if found else {})


@improvement("the first second of the epoch is past, too")
async def test_expired_at_the_epoch(aiohttp):
    jar = aiohttp.CookieJar()
    received(jar, "a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT")
    assert cookies_for(jar, "http://example.com/") == {}


async def test_unsafe_jar(aiohttp):
    jar = aiohttp.CookieJar(unsafe=True)
    received(jar, "a=1", "http://127.0.0.1/")
    assert cookies_for(jar, "http://127.0.0.1/x") == {"a": "1"}
    assert cookies_for(jar, "http://127.0.0.2/") == {}


async def test_shared_cookies(aiohttp):
    jar = aiohttp.CookieJar()
    jar.update_cookies({"shared": "1"})
    assert cookies_for(jar, "http://a.com/") == {"shared": "1"}
    assert cookies_for(jar, "http://b.com/") == {"shared": "1"}


@pytest.mark.parametrize("given", [{"a": "1"}, [("a", "1")], http.cookies.SimpleCookie("a=1")])
async def test_update_cookies_takes(aiohttp, given):
    jar = aiohttp.CookieJar()
    jar.update_cookies(given, URL("http://example.com/"))
    assert cookies_for(jar, "http://example.com/") == {"a": "1"}


async def test_a_later_cookie_replaces(aiohttp):
    jar = aiohttp.CookieJar()
    received(jar, "a=1")
    received(jar, "a=2")
    assert cookies_for(jar, "http://example.com/") == {"a": "2"}
    received(jar, "a=2; max-age=0")
    assert len(jar) == 0


@pytest.mark.parametrize(
    "origin", ["http://example.com", URL("http://example.com"), ["http://example.com"]]
)
async def test_treat_as_secure_origin(aiohttp, origin):
    jar = aiohttp.CookieJar(treat_as_secure_origin=origin)
    received(jar, "a=1; secure", "http://example.com/")
    assert cookies_for(jar, "http://example.com/") == {"a": "1"}
    assert cookies_for(jar, "http://example.com:81/") == {}
    assert jar.treat_as_secure_origin == frozenset([URL("http://example.com")])


async def test_clear(aiohttp):
    jar = aiohttp.CookieJar()
    received(jar, "a=1; b=2")
    jar.clear(lambda morsel: morsel.key == "a")
    assert cookies_for(jar, "http://example.com/") == {"b": "2"}
    jar.clear()
    assert len(jar) == 0


async def test_clear_domain(aiohttp):
    jar = aiohttp.CookieJar()
    for url in ("http://example.com/", "http://sub.example.com/", "http://other.com/"):
        received(jar, "a=1", url)
    jar.clear_domain("example.com")
    assert [cookie["domain"] for cookie in jar] == ["other.com"]


@pytest.mark.parametrize("convert", [str, lambda path: path])
async def test_save_and_load(aiohttp, tmp_path, convert):
    jar = aiohttp.CookieJar()
    received(jar, "a=1; path=/p; secure", "https://example.com/")
    received(jar, "b=2; domain=example.com")
    path = convert(tmp_path / "jar")
    jar.save(path)
    import json

    json.loads((tmp_path / "jar").read_text())
    other = aiohttp.CookieJar()
    other.load(path)
    assert cookies_for(other, "https://example.com/p") == {"a": "1", "b": "2"}
    assert cookies_for(other, "http://sub.example.com/") == {"b": "2"}


async def test_views_of_the_jar(aiohttp):
    jar = aiohttp.CookieJar()
    received(jar, "a=1; path=/p", "http://example.com/")
    received(jar, "b=2; domain=example.com; path=/", "http://example.com/")
    assert jar.host_only_cookies == frozenset([("example.com", "/p", "a")])
    found = {(domain, path.rstrip("/") or "/"): dict(kept) for (domain, path), kept in jar.cookies.items()}
    assert set(found[("example.com", "/p")]) == {"a"}


async def test_dummy_jar(aiohttp):
    jar = aiohttp.DummyCookieJar()
    jar.update_cookies({"a": "1"})
    assert len(jar) == 0
    assert list(jar) == []
    assert cookies_for(jar, "http://example.com/") == {}
    jar.clear()
    jar.clear_domain("example.com")


async def test_expiry_by_the_clock(aiohttp):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    jar = aiohttp.CookieJar()
    received(jar, f"a=1; expires={soon:%a, %d %b %Y %H:%M:%S} GMT")
    assert cookies_for(jar, "http://example.com/") == {"a": "1"}


# FormData


async def sent(site, session, form):
    there = await site(reply("ok"))
    async with session.post(there.url, data=form):
        pass
    return there.last


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"a": "1", "b": "2"}, b"a=1&b=2"),
        ([("a", "1"), ("a", "2")], b"a=1&a=2"),
        (MultiDict([("a", "1"), ("a", "\u0444")]), b"a=1&a=%D1%84"),
        ((), b""),
    ],
)
async def test_urlencoded_form(site, session, aiohttp, fields, body):
    form = aiohttp.FormData(fields)
    assert not form.is_multipart
    asked = await sent(site, session, form)
    assert asked.body == body
    assert asked["Content-Type"] == "application/x-www-form-urlencoded"


async def test_form_in_another_charset(site, session, aiohttp):
    form = aiohttp.FormData({"a": "\u0444"}, charset="cp1251")
    asked = await sent(site, session, form)
    assert asked.body == b"a=%F4"
    assert asked["Content-Type"] == "application/x-www-form-urlencoded; charset=cp1251"


async def test_a_form_is_callable(aiohttp):
    assert isinstance(aiohttp.FormData({"a": "1"})(), aiohttp.Payload)


@pytest.mark.parametrize(
    ("value", "options", "multipart"),
    [
        ("text", {}, False),
        ("text", {"content_type": "text/html"}, True),
        ("text", {"filename": "f"}, True),
        (b"bytes", {"filename": "f"}, True),
        (io.BytesIO(b"file"), {}, True),
    ],
)
async def test_when_a_form_is_multipart(aiohttp, value, options, multipart):
    form = aiohttp.FormData()
    form.add_field("n", value, **options)
    assert form.is_multipart is multipart


@pytest.mark.parametrize(
    "options", [{"content_type": 5}, {"filename": 5}, {"content_type": "a\r\nb: c"}]
)
async def test_bad_fields(aiohttp, options):
    with pytest.raises((TypeError, ValueError)):
        aiohttp.FormData().add_field("n", "v", **options)


async def test_bad_field_values(aiohttp):
    with pytest.raises(TypeError):
        aiohttp.FormData("text")
    with pytest.raises(TypeError):
        aiohttp.FormData([("a", "b", "c")])
