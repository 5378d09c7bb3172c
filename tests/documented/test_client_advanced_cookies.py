"""client_advanced.rst: custom cookies, the jar, headers of the response, redirects."""

import pytest
from multidict import CIMultiDictProxy
from yarl import URL

from tests.documented.site import reply

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
        reply(
            "ok",
            headers=[("Set-Cookie", "my_cookie=my_value; Path=/"), ("Set-Cookie", "x=y; Path=/p")],
        )
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
        lambda asked: (
            reply("", 302, {"Location": "/b", "Set-Cookie": "first=1"})
            if asked.target == "/a"
            else reply("ok", headers={"Set-Cookie": "second=2"})
        )
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
    [
        ("/b", "/b"),
        ("b", "/dir/b"),
        ("../b", "/b"),
        ("?x=y", "/dir/a?x=y"),
        ("/b#f", "/b"),
        ("{url}/abs", "/abs"),
        ("/\u0444", "/%D1%84"),
        ("/%61", "/a"),
        ("//{authority}/net", "/net"),
    ],
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
    [
        ("ftp://example.com/", "NonHttpUrlRedirectClientError"),
        ("mailto:a@b", "NonHttpUrlRedirectClientError"),
        ("http:///nohost", "InvalidUrlRedirectClientError"),
        ("http://[bad", "InvalidUrlRedirectClientError"),
    ],
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
