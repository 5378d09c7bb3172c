"""client_reference.rst "Response object" and "Client exceptions"."""

import asyncio
import http.cookies
import ssl

import pytest
from multidict import CIMultiDictProxy, MultiDictProxy
from yarl import URL

from tests.documented.site import Last, reply
from tests.documented.subject import improvement, load


@pytest.fixture
def answer_of(site, session):
    """The response to one scripted answer."""

    async def ask(script, method="GET", path="/", **options):
        there = await site(script)
        return await session.request(method, there.url + path, **options)

    return ask


async def test_attributes(answer_of, aiohttp):
    resp = await answer_of(
        reply("hello", "201 Made", {"Content-Type": "text/html; charset=UTF-8", "X-A": "b"}),
        "POST",
        "/a?b=c#d",
    )
    assert isinstance(resp, aiohttp.ClientResponse)
    assert resp.version == aiohttp.HttpVersion11
    assert resp.status == 201
    assert resp.reason == "Made"
    assert resp.ok is True
    assert resp.method == "POST"
    assert resp.url.path_qs == "/a?b=c"
    assert resp.url.fragment == ""
    assert resp.real_url.fragment == "d"
    assert resp.host == "127.0.0.1"
    assert isinstance(resp.content, aiohttp.StreamReader)
    assert isinstance(resp.cookies, http.cookies.SimpleCookie)
    assert isinstance(resp.headers, CIMultiDictProxy)
    assert resp.content_type == "text/html"
    assert resp.charset.lower() == "utf-8"
    assert resp.content_length == 5
    assert resp.content_disposition is None
    assert len(resp.history) == 0
    assert resp.get_encoding() == "utf-8"
    assert await resp.text() == "hello"
    assert resp.closed


@pytest.mark.parametrize(
    ("status", "ok"), [(200, True), (304, True), (399, True), (400, False), (500, False)]
)
async def test_ok(answer_of, status, ok):
    resp = await answer_of(reply("", status), allow_redirects=False)
    assert resp.ok is ok
    resp.release()


async def test_reason_may_be_empty(answer_of):
    resp = await answer_of(b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")
    assert resp.reason == ""


async def test_request_info(answer_of, aiohttp):
    resp = await answer_of(reply("ok"), "PUT", "/a#b", headers={"X-A": "1"})
    info = resp.request_info
    assert isinstance(info, aiohttp.RequestInfo)
    assert info.method == "PUT"
    assert info.url.path == "/a"
    assert info.real_url.fragment == "b"
    assert info.headers["X-A"] == "1"
    url, method, *_ = info
    assert (url, method) == (info.url, info.method)
    await resp.read()


@pytest.mark.parametrize(
    ("header", "content_type", "charset"),
    [
        (None, "application/octet-stream", None),
        ("text/html", "text/html", None),
        ("text/html;charset=cp1251", "text/html", "cp1251"),
        ("nonsense", "application/octet-stream", None),
    ],
)
async def test_content_type(answer_of, header, content_type, charset):
    resp = await answer_of(reply("", headers={"Content-Type": header} if header else {}))
    assert (resp.content_type, resp.charset) == (content_type, charset)


@pytest.mark.parametrize(
    ("header", "kind", "filename"),
    [
        ("attachment; filename=a.txt", "attachment", "a.txt"),
        ('attachment; filename="a b.txt"', "attachment", "a b.txt"),
        ("attachment; filename*=UTF-8''%D1%84.txt", "attachment", "\u0444.txt"),
        ("inline", "inline", None),
    ],
)
async def test_content_disposition(answer_of, header, kind, filename):
    resp = await answer_of(reply("", headers={"Content-Disposition": header}))
    found = resp.content_disposition
    assert (found.type, found.filename) == (kind, filename)
    with pytest.raises(TypeError):
        found.parameters["x"] = "y"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, {}),
        (
            "<http://example.com/>; rel=example",
            {"example": {"url": "http://example.com/", "rel": "example"}},
        ),
        (
            '<http://example.com/?page=2>; rel="next", </first>; rel="first"',
            {
                "next": {"url": "http://example.com/?page=2", "rel": "next"},
                "first": {"url": "{url}/first", "rel": "first"},
            },
        ),
        ("<http://example.com/x>", {"http://example.com/x": {"url": "http://example.com/x"}}),
    ],
)
async def test_links(answer_of, header, wanted):
    resp = await answer_of(reply("", headers={"Link": header} if header else {}))
    assert isinstance(resp.links, MultiDictProxy)
    seen = {
        key: {name: str(value) for name, value in link.items()} for key, link in resp.links.items()
    }
    base = str(resp.url.origin())
    for link in wanted.values():
        link["url"] = link["url"].replace("{url}", base)
    assert seen == wanted
    for link in resp.links.values():
        assert isinstance(link["url"], URL)


async def test_cookies(answer_of):
    resp = await answer_of(
        reply(
            "", headers=[("Set-Cookie", "a=1; Path=/; HttpOnly"), ("Set-Cookie", "b=2; Max-Age=5")]
        )
    )
    assert resp.cookies["a"].value == "1"
    assert resp.cookies["a"]["path"] == "/"
    assert resp.cookies["b"]["max-age"] == "5"


async def test_raise_for_status(answer_of, aiohttp):
    resp = await answer_of(reply("", 204))
    resp.raise_for_status()
    resp = await answer_of(reply("body", "500 Broken"))
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        resp.raise_for_status()
    assert (caught.value.status, caught.value.message) == (500, "Broken")
    with pytest.warns(DeprecationWarning):
        assert caught.value.code == 500


async def test_release(site, session, aiohttp):
    there = await site(reply("ok"))
    for name in ("release", "close"):
        resp = await session.get(there.url)
        getattr(resp, name)()
        assert resp.closed
        with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
            await resp.read()


async def test_close_within_a_body(site, session, aiohttp):
    there = await site(reply(b"x", headers={"Content-Length": "100"}, length=False))
    resp = await session.get(there.url)
    resp.close()
    with pytest.raises(aiohttp.ClientConnectionError):
        await resp.read()


async def test_connection(site, session):
    there = await site(reply(b"x", headers={"Content-Length": "100"}, length=False))
    resp = await session.get(there.url)
    assert resp.connection is not None
    assert resp.connection.transport is not None
    resp.close()
    assert resp.connection is None


@pytest.mark.parametrize("status", [204, 304])
async def test_no_body(answer_of, status):
    resp = await answer_of(f"HTTP/1.1 {status} X\r\n\r\n".encode(), allow_redirects=False)
    assert await resp.read() == b""


async def test_head_has_no_body(answer_of):
    resp = await answer_of(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "HEAD")
    assert await resp.read() == b""
    assert resp.content_length == 100


async def test_interim_answers_are_skipped(answer_of):
    resp = await answer_of(
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        + reply("ok")
    )
    assert resp.status == 200
    assert await resp.text() == "ok"


async def test_until_close(answer_of):
    resp = await answer_of(Last(reply("until close", length=False)))
    assert await resp.text() == "until close"


# Payload errors


@pytest.mark.parametrize(
    "script",
    [
        Last(reply(b"short", headers={"Content-Length": "100"}, length=False)),
        Last(reply(b"5\r\nabc", headers={"Transfer-Encoding": "chunked"}, length=False)),
        Last(
            reply(b"zz\r\nabc\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}, length=False)
        ),
        reply(b"broken", headers={"Content-Encoding": "deflate"}),
    ],
)
async def test_payload_errors(answer_of, aiohttp, script):
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientResponseError)):
        resp = await answer_of(script)
        await resp.read()


# Connection errors


async def test_connection_refused(session, aiohttp, free_port):
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await session.get(f"http://127.0.0.1:{free_port}/")
    error = caught.value
    assert isinstance(error, OSError)
    assert error.host == "127.0.0.1"
    assert error.port == free_port
    assert error.os_error.errno
    assert isinstance(error.os_error, OSError)
    assert "127.0.0.1" in str(error)


async def test_unknown_host(session, aiohttp):
    with pytest.raises(aiohttp.ClientConnectorDNSError) as caught:
        await session.get("http://name.invalid/")
    assert caught.value.host == "name.invalid"


async def test_server_disconnects(site, session, aiohttp):
    there = await site(lambda asked: None)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await session.get(there.url)


@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nX-A: b\r\n"])
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_server_disconnects_in_the_middle_of_a_head(site, session, aiohttp, interim, part):
    there = await site(Last(interim + part))
    with pytest.raises(aiohttp.ServerDisconnectedError) as caught:
        await session.post(there.url, data=b"x")
    assert caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
async def test_bad_answers(site, session, aiohttp, data):
    there = await site(Last(data))
    with pytest.raises(aiohttp.ClientResponseError):
        await session.get(there.url)


async def test_unix_socket_that_is_not_there(aiohttp, tmp_path):
    connector = aiohttp.UnixConnector(path=str(tmp_path / "none"))
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(load("client_exceptions").UnixClientConnectorError):
            await session.get("http://localhost/")


async def test_plain_server_asked_with_tls(site, session, aiohttp):
    there = await site(reply("ok"))
    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(there.url.replace("http:", "https:"))


# The tree


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("ClientError", [Exception]),
        ("ClientPayloadError", ["ClientError"]),
        ("UploadAbortedError", ["ClientError"]),
        ("InvalidURL", ["ClientError", ValueError]),
        ("InvalidUrlClientError", ["InvalidURL"]),
        ("RedirectClientError", ["ClientError"]),
        ("NonHttpUrlClientError", ["ClientError"]),
        ("InvalidUrlRedirectClientError", ["InvalidUrlClientError", "RedirectClientError"]),
        ("NonHttpUrlRedirectClientError", ["RedirectClientError", "NonHttpUrlClientError"]),
        ("ClientResponseError", ["ClientError"]),
        ("ContentTypeError", ["ClientResponseError"]),
        ("TooManyRedirects", ["ClientResponseError"]),
        ("WSServerHandshakeError", ["ClientResponseError"]),
        ("WSMessageTypeError", [TypeError]),
        ("ClientHttpProxyError", ["ClientResponseError"]),
        ("ClientConnectionError", ["ClientError"]),
        ("ClientConnectionResetError", ["ClientConnectionError", ConnectionResetError]),
        ("ClientOSError", ["ClientConnectionError", OSError]),
        ("ClientConnectorError", ["ClientOSError"]),
        ("ClientConnectorDNSError", ["ClientConnectorError"]),
        ("ClientProxyConnectionError", ["ClientConnectorError"]),
        ("ClientSSLError", ["ClientConnectorError"]),
        ("ClientConnectorSSLError", ["ClientSSLError", ssl.SSLError]),
        ("ClientConnectorCertificateError", ["ClientSSLError", ssl.CertificateError]),
        ("UnixClientConnectorError", ["ClientConnectorError"]),
        ("ServerConnectionError", ["ClientConnectionError"]),
        ("ServerDisconnectedError", ["ServerConnectionError"]),
        ("ServerFingerprintMismatch", ["ServerConnectionError"]),
        ("ServerTimeoutError", ["ServerConnectionError", asyncio.TimeoutError]),
        ("ConnectionTimeoutError", ["ServerTimeoutError"]),
        ("SocketTimeoutError", ["ServerTimeoutError"]),
    ],
)
def test_hierarchy(aiohttp, name, bases):
    errors = load("client_exceptions")
    kind = getattr(errors, name)
    for base in bases:
        assert issubclass(kind, getattr(errors, base) if isinstance(base, str) else base)
    if name != "UnixClientConnectorError":
        assert getattr(aiohttp, name) is kind


@improvement("every documented exception is a member of the package, as the page promises")
def test_unix_client_connector_error_is_a_member(aiohttp):
    assert issubclass(aiohttp.UnixClientConnectorError, aiohttp.ClientConnectorError)


def test_server_disconnected_message(aiohttp):
    assert aiohttp.ServerDisconnectedError("partial").message == "partial"
    assert aiohttp.ServerDisconnectedError().message
