"""client_reference.rst "CookieJar", "DummyCookieJar": RFC 6265 as the jar keeps it."""

import datetime
import http.cookies

import pytest
from yarl import URL

from tests.documented.subject import improvement

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
        (
            "a=1; expires=Wed, 02 Jan 1980 00:00:00 GMT",
            "http://example.com/",
            "http://example.com/",
            False,
        ),
        (
            "a=1; expires=Fri, 31 Dec 9999 23:59:59 GMT",
            "http://example.com/",
            "http://example.com/",
            True,
        ),
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
    found = {
        (domain, path.rstrip("/") or "/"): dict(kept)
        for (domain, path), kept in jar.cookies.items()
    }
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
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    jar = aiohttp.CookieJar()
    received(jar, f"a=1; expires={soon:%a, %d %b %Y %H:%M:%S} GMT")
    assert cookies_for(jar, "http://example.com/") == {"a": "1"}
