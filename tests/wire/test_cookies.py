"""Cookie and Set-Cookie values."""

import pytest

from tercel.wire.cookies import (
    MAX_ATTRIBUTE_VALUE,
    MAX_ATTRIBUTES,
    MAX_PAIR,
    parse_cookie_date,
    parse_cookie_header,
    parse_set_cookie,
    unquote_value,
)


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("a=1; b=2", [("a", "1"), ("b", "2")]),
        ("a=1;b=2;", [("a", "1"), ("b", "2")]),
        ("a=1; a=2", [("a", "1"), ("a", "2")]),
        (" a = 1 ", [("a", "1")]),
        ("a=b=c", [("a", "b=c")]),
        ("a=", [("a", "")]),
        ('a=""', [("a", "")]),
        ('a="b c"', [("a", "b c")]),
        (r'a="b\054c\"d\\"', [("a", 'b,c"d\\')]),
        ('a={"x":1,"y":2}', [("a", '{"x":1,"y":2}')]),
        ("path=/; expires=5", [("path", "/"), ("expires", "5")]),
        ("a[b]=1; c@d=2; $Version=1", [("a[b]", "1"), ("c@d", "2"), ("$Version", "1")]),
        ("a=é", [("a", "é")]),
        ("=x; a=1", [("a", "1")]),
        ("nameless; a=1", [("a", "1")]),
        ("", []),
        (";;", []),
    ],
)
def test_cookie_header(value: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_cookie_header(value) == pairs


def test_a_quoted_value_does_not_swallow_the_next_cookie() -> None:
    pairs = parse_cookie_header('a="; session=secret; b="')
    assert ("session", "secret") in pairs


@pytest.mark.parametrize("piece", ["a=1;", '"', "\\", ";", "=", 'a="\\', " ", "\\073", "a"])
def test_long_values_take_linear_time(piece: str) -> None:
    parse_cookie_header(piece * 100_000)
    parse_cookie_header('a="' + piece.replace(";", "") * 100_000 + '"')
    parse_set_cookie("a=1;" + piece * 100_000)
    parse_cookie_date(piece * 100_000)


def attributes(line: str) -> dict[str, object]:
    morsel = parse_set_cookie(line)
    assert morsel is not None
    return {key: value for key, value in morsel.items() if value}


def test_set_cookie_with_everything() -> None:
    morsel = parse_set_cookie(
        "a=1; Path=/x; DOMAIN=example.com; Secure; HttpOnly; SameSite=Lax; Max-Age=10; "
        "Expires=Wed, 21 Oct 2100 07:28:00 GMT; Partitioned; Priority=High"
    )
    assert morsel is not None
    assert (morsel.key, morsel.value, morsel.coded_value) == ("a", "1", "1")
    assert {key: value for key, value in morsel.items() if value} == {
        "path": "/x",
        "domain": "example.com",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "max-age": "10",
        "expires": "Wed, 21 Oct 2100 07:28:00 GMT",
        "partitioned": True,
    }


@pytest.mark.parametrize(
    ("line", "name", "value", "coded"),
    [
        ('a="b c"', "a", "b c", '"b c"'),
        ("a=b c", "a", "b c", "b c"),
        (r'a="\054"', "a", ",", r'"\054"'),
        ("a=b=c; path=/", "a", "b=c", "b=c"),
        (" a = 1 ", "a", "1", "1"),
        ("a@b[]=1", "a@b[]", "1", "1"),
        ("path=/x", "path", "/x", "/x"),
        ("a=", "a", "", ""),
        ("a=é", "a", "é", "é"),
        ('a="x;y"', "a", '"x', '"x'),
        ("a=\t1", "a", "1", "1"),
    ],
)
def test_names_and_values(line: str, name: str, value: str, coded: str) -> None:
    morsel = parse_set_cookie(line)
    assert morsel is not None
    assert (morsel.key, morsel.value, morsel.coded_value) == (name, value, coded)


@pytest.mark.parametrize("line", ["", "a", "=1", " =1", ";a=1", "a; b=1", "__Host-a"])
def test_nameless_cookies_are_none(line: str) -> None:
    assert parse_set_cookie(line) is None


@pytest.mark.parametrize("octet", [chr(n) for n in range(32) if n != 9] + ["\x7f"])
def test_control_characters_make_it_none(octet: str) -> None:
    assert parse_set_cookie(f"a=1{octet}; path=/") is None
    assert parse_set_cookie(f"a{octet}=1") is None
    assert parse_set_cookie(f"a=1; path=/{octet}") is None


def test_limits() -> None:
    assert parse_set_cookie("a=" + "x" * (MAX_PAIR - 1)) is not None
    assert parse_set_cookie("a=" + "x" * MAX_PAIR) is None
    assert parse_set_cookie("a=" + "é" * (MAX_PAIR // 2)) is None
    assert attributes("a=1; path=/" + "x" * (MAX_ATTRIBUTE_VALUE - 1))["path"]
    assert "path" not in attributes("a=1; path=/" + "x" * MAX_ATTRIBUTE_VALUE)
    assert attributes("a=1; secure=" + "x" * 9999) == {"secure": True}
    fill = "; x=y" * (MAX_ATTRIBUTES - 1)
    assert attributes(f"a=1{fill}; path=/p") == {"path": "/p"}
    assert attributes(f"a=1{fill}; x=y; path=/p") == {}


def test_the_last_attribute_of_a_name_counts() -> None:
    assert attributes("a=1; path=/a; path=/b") == {"path": "/b"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Wed, 21 Oct 2100 07:28:00 GMT", 4127786880),
        ("Thu, 01-Jan-70 00:00:00 GMT", 0),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("1 january 2020 0:0:0 +0500", 1577836800),
        ("2020 01 jan 00:00:00", 1577836800),
        ("Mon, 01-Jan-69 00:00:00", 3124224000),
        ("29 Feb 2024 12:00:00", 1709208000),
        ("29 Feb 2023 12:00:00", None),
        ("31 Apr 2023 12:00:00", None),
        ("1 Jan 1600 00:00:00", None),
        ("1 Jan 2020 24:00:00", None),
        ("1 Jan 2020 00:60:00", None),
        ("1 Jan 2020", None),
        ("00:00:00 Jan 2020", None),
        ("1 00:00:00 2020", None),
        ("1 Jan 00:00:00", None),
        ("", None),
        ("٣ Jan 2020 00:00:00", None),
    ],
)
def test_dates(text: str, seconds: int | None) -> None:
    assert parse_cookie_date(text) == seconds


@pytest.mark.parametrize("text", ["", '"', "a", '"a', 'a"', "'a'"])
def test_what_is_not_in_quotes_stays(text: str) -> None:
    assert unquote_value(text) == text
