"""Which cookies are held, sent, expired and evicted, without a clock; and against another jar."""

import urllib.request
from email.message import Message
from http.cookiejar import CookieJar as OtherJar
from http.cookiejar import DefaultCookiePolicy
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from tercel.client.cookies import CookieJar
from tercel.client.cookiestore import (
    Cookie,
    CookieStore,
    domain_matches,
    is_address,
    is_public_suffix,
    path_matches,
)
from tercel.wire.morsels import make_morsel


def cookie(name: str, domain: str = "a.com", path: str = "/", **how: Any) -> Cookie:
    return Cookie(make_morsel(name, "v", "v"), domain, path, **how)


def names(found: list[Cookie]) -> list[str]:
    return [each.name for each in found]


def held(store: CookieStore) -> list[str]:
    return sorted(each.name for each in store)


@pytest.mark.parametrize(
    ("host", "domain", "wanted"),
    [
        ("a.com", "a.com", True),
        ("b.a.com", "a.com", True),
        ("c.b.a.com", "a.com", True),
        ("ba.com", "a.com", False),
        ("a.com", "b.a.com", False),
        ("com", "a.com", False),
        ("1.2.3.4", "3.4", False),
        ("1.2.3.4", "1.2.3.4", True),
    ],
)
def test_domains(host: str, domain: str, wanted: bool) -> None:
    assert domain_matches(host, domain) is wanted


@pytest.mark.parametrize(
    ("path", "of_cookie", "wanted"),
    [
        ("/a", "/", True),
        ("/a", "/a", True),
        ("/a/", "/a", True),
        ("/a/b", "/a", True),
        ("/a/b", "/a/", True),
        ("/ab", "/a", False),
        ("/", "/a", False),
        ("/a", "/a/", False),
    ],
)
def test_paths(path: str, of_cookie: str, wanted: bool) -> None:
    assert path_matches(path, of_cookie) is wanted


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("127.1", True),
        ("2130706433", True),
        ("0x7f000001", True),
        ("a.0x1", True),
        ("127.0.0.1.", True),
        ("localhost", False),
        ("a.com", False),
        ("1.2.3.4.com", False),
    ],
)
def test_addresses(host: str, wanted: bool) -> None:
    assert is_address(host) is wanted


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [
        ("com", True),
        ("localhost", True),
        ("co.uk", True),
        ("com.au", True),
        ("com.", True),
        ("a.com", False),
        ("a.co.uk", False),
        ("bbc.uk", False),
        ("co.com", False),
    ],
)
def test_public_suffixes(domain: str, wanted: bool) -> None:
    assert is_public_suffix(domain) is wanted


def test_longer_paths_and_older_cookies_come_first() -> None:
    store = CookieStore()
    for name, path in (("a", "/"), ("b", "/x/y"), ("c", "/x"), ("d", "/x/y"), ("e", "/")):
        store.put(cookie(name, path=path), 0)
    store.put(cookie("a", path="/"), 1)  # keeps its age
    assert names(store.find("a.com", "/x/y/z", 1, secure=True)) == ["b", "d", "c", "a", "e"]


def test_who_gets_what() -> None:
    store = CookieStore()
    store.put(cookie("host", host_only=True), 0)
    store.put(cookie("domain"), 0)
    store.put(cookie("secure", secure=True), 0)
    store.put(cookie("below", "b.a.com"), 0)
    store.put(cookie("everywhere", ""), 0)
    assert names(store.find("a.com", "/", 0, secure=True)) == [
        "host", "domain", "secure", "everywhere",
    ]  # fmt: skip
    assert names(store.find("b.a.com", "/", 0, secure=False)) == ["domain", "below", "everywhere"]
    assert names(store.find("ba.com", "/", 0, secure=True)) == ["everywhere"]
    assert names(store.find("", "/", 0, secure=True)) == ["everywhere"]


def test_expiry() -> None:
    store = CookieStore()
    store.put(cookie("short", expires=10.0), 0)
    store.put(cookie("long", expires=20.0), 0)
    store.put(cookie("session"), 0)
    store.expire(9.9)
    assert held(store) == ["long", "session", "short"]
    assert names(store.find("a.com", "/", 10.0, secure=True)) == ["long", "session"]
    assert len(store) == 2


def test_a_later_expiry_replaces_an_earlier_one() -> None:
    store = CookieStore()
    store.put(cookie("a", expires=10.0), 0)
    store.put(cookie("a", expires=30.0), 0)
    store.expire(20)
    assert held(store) == ["a"]
    store.put(cookie("a"), 20)
    store.expire(40)
    assert held(store) == ["a"]


def test_an_expired_cookie_removes() -> None:
    store = CookieStore()
    store.put(cookie("a"), 0)
    store.put(cookie("a", expires=0.0), 5)
    store.put(cookie("b", expires=5.0), 5)
    assert held(store) == []
    assert len(store) == 0


def test_the_heap_does_not_grow_with_replacements() -> None:
    store = CookieStore()
    for turn in range(10_000):
        store.put(cookie("a", expires=10.0 + turn), 0)
    assert len(store._expiries) < 200


def test_secure_cookies_are_left_alone() -> None:
    store = CookieStore()
    store.put(cookie("a", path="/login", secure=True), 0)
    assert not store.put(cookie("a", path="/login"), 0, secure=False)
    assert not store.put(cookie("a", path="/login/en"), 0, secure=False)
    assert not store.put(cookie("a", "b.a.com", path="/login"), 0, secure=False)
    assert store.put(cookie("a", path="/"), 0, secure=False)
    assert store.put(cookie("b", path="/login"), 0, secure=False)
    assert store.put(cookie("a", "c.com", path="/login"), 0, secure=False)
    assert store.put(cookie("a", path="/login"), 0, secure=True)


def test_a_domain_above_or_below_counts_as_related() -> None:
    store = CookieStore()
    store.put(cookie("a", "x.b.com", secure=True), 0)
    assert not store.put(cookie("a", "b.com"), 0, secure=False)
    assert store.put(cookie("a", "y.b.com"), 0, secure=False)


def test_a_full_domain_loses_plain_cookies_first() -> None:
    store = CookieStore(per_domain=10, per_domain_kept=6)
    for number in range(3):
        store.put(cookie(f"secure{number}", secure=True), 0)
    for number in range(7):
        store.put(cookie(f"plain{number}"), 0)
    store.put(cookie("plain0"), 0)  # used again
    store.put(cookie("new"), 0)
    assert held(store) == ["new", "plain0", "plain5", "plain6", "secure0", "secure1", "secure2"]


def test_a_domain_full_of_secure_cookies() -> None:
    store = CookieStore(per_domain=10, per_domain_kept=6)
    for number in range(10):
        store.put(cookie(f"s{number}", secure=True), 0)
    assert not store.put(cookie("plain"), 0)
    assert len(store) == 10
    assert store.put(cookie("t", secure=True), 0)
    assert held(store) == ["s4", "s5", "s6", "s7", "s8", "s9", "t"]


def test_expired_cookies_make_room() -> None:
    store = CookieStore(per_domain=2, per_domain_kept=1)
    store.put(cookie("a", expires=5.0), 0)
    store.put(cookie("b"), 0)
    store.put(cookie("c"), 6)
    assert held(store) == ["b", "c"]


def test_a_full_store_loses_what_was_used_longest_ago() -> None:
    store = CookieStore(total=10, total_kept=7)
    for number in range(10):
        store.put(cookie("a", f"{number}.com", secure=number % 2 == 0), 0)
    store.find("0.com", "/", 0, secure=True)
    store.put(cookie("a", "new.com"), 0)
    domains = {each.domain for each in store}
    assert domains == {f"{number}.com" for number in (0, 4, 5, 6, 7, 8, 9)} | {"new.com"}


def test_documented_limits() -> None:
    store = CookieStore()
    for number in range(180):
        store.put(cookie(f"c{number}"), 0)
    assert len(store) == 180
    store.put(cookie("one more"), 0)
    assert len(store) == 151
    store.clear()
    for number in range(3300):
        store.put(cookie("c", f"{number}.com"), 0)
    assert len(store) == 3300
    store.put(cookie("one more"), 0)
    assert len(store) == 3001


def test_a_lookup_visits_its_own_domains_only() -> None:
    """10,000 cookies of 1,000 domains: a lookup touches the ten that it finds."""
    store = CookieStore(total=20_000, total_kept=20_000)
    for domain in range(1000):
        for number in range(10):
            store.put(cookie(f"c{number}", f"d{domain}.com"), 0)
    assert len(store) == 10_000
    before = {id(each): each.used for each in store}
    assert len(store.find("www.d500.com", "/", 0, secure=True)) == 10
    assert sum(before[id(each)] != each.used for each in store) == 10
    visits = 0

    class Counting(dict):  # type: ignore[type-arg]
        def get(self, key: Any, default: Any = None) -> Any:
            nonlocal visits
            visits += 1
            return super().get(key, default)

        def __iter__(self) -> Any:
            raise AssertionError("a lookup goes through all domains")

        items = values = keys = __iter__

    store._domains = Counting(store._domains)
    store.find("www.d500.com", "/", 0, secure=True)
    assert visits == 4


# --- against http.cookiejar ------------------------------------------------------------------

HOSTS = ("example.com", "a.example.com", "b.a.example.com", "c.example.com", "other.org")
PATHS = ("/", "/x", "/x/", "/x/y", "/xy", "/x/y/z")


@st.composite
def settings_of_cookies(draw: st.DrawFn) -> tuple[str, str]:
    host = draw(st.sampled_from(HOSTS))
    domain = draw(st.sampled_from(("", *HOSTS)))
    # One name for each Domain: the two jars differ in how they tell host-only cookies apart.
    name = draw(st.sampled_from("ab")) + (domain or "-" + host).replace(".", "_")
    line = f"{name}={draw(st.integers(0, 9))}"
    if domain:
        line += f"; Domain={draw(st.sampled_from(('', '.')))}{domain}"
    path = draw(st.sampled_from(("", *PATHS)))
    if path:
        line += f"; Path={path}"
    line += draw(st.sampled_from(("", "", "; Secure", "; HttpOnly", "; Max-Age=999")))
    # The other jar lets any host remove cookies of any other by an expired one.
    if not domain or domain_matches(host, domain):
        old = "; expires=Thu, 01 Jan 1970 00:00:00 GMT"
        line += draw(st.sampled_from(("", "", "; Max-Age=0", old)))
    return f"https://{host}{draw(st.sampled_from(PATHS))}", line


def ask_other(jar: OtherJar, url: str) -> dict[str, str]:
    request = urllib.request.Request(url)
    jar.add_cookie_header(request)
    field = request.get_header("Cookie", "")
    found: dict[str, str] = {}
    for pair in field.split("; ") if field else ():
        name, _, value = pair.partition("=")
        found.setdefault(name, value)
    return found


@settings(deadline=None, max_examples=150)
@given(st.lists(settings_of_cookies(), max_size=12), st.data())
def test_the_same_cookies_as_another_jar(told: list[tuple[str, str]], data: st.DataObject) -> None:
    ours = CookieJar()
    policy = DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)
    other = OtherJar(policy)
    for url, line in told:
        ours.update_cookies_from_headers([line], URL(url))
        message = Message()
        message["Set-Cookie"] = line
        other.extract_cookies(
            SimpleNamespace(info=lambda message=message: message),  # type: ignore[arg-type]
            urllib.request.Request(url),
        )
    for scheme in ("http", "https"):
        for host in HOSTS:
            url = f"{scheme}://{host}{data.draw(st.sampled_from(PATHS))}"
            found = {name: each.value for name, each in ours.filter_cookies(URL(url)).items()}
            assert found == ask_other(other, url), url
