"""Family 18: nameless cookies, and names that promise more than a cookie holds."""

import pytest
from yarl import URL

from tercel.client.cookies import CookieJar
from tercel.wire.cookies import parse_cookie_header, parse_set_cookie

SECURE = URL("https://www.example.com/dir/page")


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("__Secure-a=1; Secure", True),
        ("__Secure-a=1", False),
        ("__secure-a=1", False),
        ("__SECURE-a=1; Path=/", False),
        ("__Host-a=1; Secure; Path=/", True),
        ("__Host-a=1; Path=/", False),
        ("__Host-a=1; Secure", False),
        ("__Host-a=1; Secure; Path=/dir", False),
        ("__Host-a=1; Secure; Path=/; Domain=example.com", False),
        ("__Host-a=1; Secure; Path=/; Domain=www.example.com", False),
        ("__hOST-a=1; Secure; Path=/; Domain=example.com", False),
        ("__Host=1", True),
        ("_Host-a=1", True),
    ],
)
def test_prefixes(line: str, taken: bool) -> None:
    jar = CookieJar()
    jar.update_cookies_from_headers([line], SECURE)
    assert len(jar) == taken


@pytest.mark.parametrize("line", ["__Secure-a=1; Secure", "__Host-a=1; Secure; Path=/"])
def test_prefixes_need_a_secure_connection(line: str) -> None:
    jar = CookieJar()
    jar.update_cookies_from_headers([line], SECURE.with_scheme("http"))
    assert len(jar) == 0


def test_the_root_has_to_be_asked_for() -> None:
    jar = CookieJar()
    jar.update_cookies_from_headers(["__Host-a=1; Secure"], URL("https://www.example.com/"))
    assert len(jar) == 0


@pytest.mark.parametrize("line", ["=__Host-a=1; Secure; Path=/", "=a=1", "a", "=", " = "])
def test_a_cookie_has_a_name(line: str) -> None:
    assert parse_set_cookie(line) is None
    jar = CookieJar()
    jar.update_cookies_from_headers([line], SECURE)
    assert len(jar) == 0


def test_the_server_ignores_what_has_no_name() -> None:
    assert parse_cookie_header("=__Host-a=1; b; c=2") == [("c", "2")]
