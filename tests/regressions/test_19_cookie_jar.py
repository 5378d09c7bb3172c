"""Family 19: limits, host-only cookies, suffixes, addresses, files, and expiry [CVE-2026-54279]."""

from pathlib import Path

import pytest
from yarl import URL

from tercel.client.cookies import CookieJar

HERE = URL("https://www.example.com/")


def jar_with(*lines: str, url: URL = HERE) -> CookieJar:
    jar = CookieJar()
    jar.update_cookies_from_headers(lines, url)
    return jar


@pytest.mark.parametrize(
    "attribute",
    [
        "Max-Age=" + "9" * 5000,
        "Max-Age=" + "9" * 1000,
        "Max-Age=1e400",
        "Max-Age=inf",
        "Max-Age=nan",
        "Max-Age=٣",
        "Expires=Fri, 31 Dec 9999 23:59:59 GMT",
        "Expires=Fri, 31 Dec 99999 23:59:59 GMT",
        "Expires=" + "9" * 1000,
    ],
)
def test_no_expiry_overflows(attribute: str, tmp_path: Path) -> None:
    jar = jar_with(f"a=1; {attribute}", "b=2")
    assert [each.key for each in jar] == ["a", "b"]
    jar.save(tmp_path / "jar")
    jar.load(tmp_path / "jar")
    assert len(jar) == 2


@pytest.mark.parametrize("stamp", ["1e999", "-1e999", "99999999999999999999999", "0", "-5"])
def test_no_expiry_of_a_file_overflows(stamp: str, tmp_path: Path) -> None:
    path = tmp_path / "jar"
    path.write_text(
        '{"a.com|/": {"a": {"key": "a", "value": "1", "coded_value": "1", '
        f'"expires_timestamp": {stamp}}}}}}}'
    )
    jar = CookieJar()
    jar.load(path)
    assert len(jar) == (not stamp.startswith(("0", "-")))


def test_a_server_can_not_fill_the_jar_of_others() -> None:
    jar = jar_with("mine=1", url=URL("https://mine.com"))
    for turn in range(20):
        lines = [f"c{turn}-{number}=x" for number in range(50)]
        jar.update_cookies_from_headers(lines, URL("https://greedy.com"))
    assert len(jar) <= 181
    assert "mine" in jar.filter_cookies(URL("https://mine.com"))


def test_the_whole_is_bounded() -> None:
    jar = CookieJar()
    for number in range(4000):
        jar.update_cookies_from_headers(["a=1"], URL(f"https://h{number}.example.com"))
    assert 3000 <= len(jar) <= 3300
    assert jar.filter_cookies(URL("https://h3999.example.com"))
    assert not jar.filter_cookies(URL("https://h0.example.com"))


def test_host_only_survives_a_file(tmp_path: Path) -> None:
    jar = jar_with("host=1", "domain=2; Domain=example.com")
    jar.save(tmp_path / "jar")
    again = CookieJar()
    again.load(tmp_path / "jar")
    assert list(again.filter_cookies(URL("https://sub.www.example.com/"))) == ["domain"]
    assert again.host_only_cookies == jar.host_only_cookies


def test_host_only_belongs_to_a_path() -> None:
    """A cookie for another path, set for the whole domain, doesn't widen this one."""
    jar = jar_with("a=host; Path=/")
    jar.update_cookies_from_headers(["a=domain; Path=/x; Domain=www.example.com"], HERE)
    found = jar.filter_cookies(URL("https://sub.www.example.com/x"))
    assert {name: each.value for name, each in found.items()} == {"a": "domain"}
    assert not jar.filter_cookies(URL("https://sub.www.example.com/"))


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.com", "com"),
        ("a.co.uk", "co.uk"),
        ("a.com.au", "com.au"),
        ("a.localhost", "localhost"),
        ("127.0.0.1", "0.0.1"),
        ("127.0.0.1", "1"),
        ("[::1]", "::1]"),
    ],
)
def test_nobody_sets_cookies_for_everybody(host: str, domain: str) -> None:
    jar = CookieJar(unsafe=True)
    jar.update_cookies_from_headers([f"a=1; Domain={domain}"], URL(f"https://{host}/"))
    assert len(jar) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "127.1", "0x7f000001", "2130706433"])
def test_addresses_are_refused(host: str) -> None:
    assert len(jar_with("a=1", url=URL(f"http://{host}/"))) == 0
