"""The cookie jars: what is taken from whom, what is given to whom, limits, and files."""

import json
import pickle
import stat
from http.cookies import CookieError, Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

import tercel
from tercel.client.cookies import MAX_AGE, CookieJar, DummyCookieJar, own_cookies
from tests.client.peer import answer, scripted, serving_peer

HERE = URL("https://www.example.com/dir/page")


def jar_with(*lines: str, url: URL = HERE, **how: Any) -> CookieJar:
    jar = CookieJar(**how)
    jar.update_cookies_from_headers(lines, url)
    return jar


def sent(jar: CookieJar, url: str) -> dict[str, str]:
    return {name: each.coded_value for name, each in jar.filter_cookies(URL(url)).items()}


@pytest.mark.parametrize(
    ("line", "domain", "path", "host_only"),
    [
        ("a=1", "www.example.com", "/dir", True),
        ("a=1; Path=/x", "www.example.com", "/x", True),
        ("a=1; Path=x", "www.example.com", "/dir", True),
        ("a=1; Path=", "www.example.com", "/dir", True),
        ("a=1; Domain=example.com", "example.com", "/dir", False),
        ("a=1; Domain=.EXAMPLE.com", "example.com", "/dir", False),
        ("a=1; Domain=www.example.com", "www.example.com", "/dir", False),
        ("a=1; Domain=", "www.example.com", "/dir", True),
        ("a=1; Secure", "www.example.com", "/dir", True),
    ],
)
def test_where_a_cookie_belongs(line: str, domain: str, path: str, host_only: bool) -> None:
    jar = jar_with(line)
    assert list(jar.cookies) == [(domain, path)]
    assert jar.host_only_cookies == ({(domain, path, "a")} if host_only else frozenset())
    (morsel,) = jar
    assert (morsel["domain"], morsel["path"]) == (domain, path)


@pytest.mark.parametrize(
    "line",
    [
        "a=1; Domain=other.com",
        "a=1; Domain=com",
        "a=1; Domain=.com",
        "a=1; Domain=sub.www.example.com",
        "a=1; Domain=ample.com",
        "a=1; Domain=example.com.",
        "a=1; Domain=127.0.0.1",
        "a=1; Max-Age=0",
        "a=1; Max-Age=-1",
        "a=1; Max-Age=0000",
        "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "=1",
        "a",
        "a\x00=1",
    ],
)
def test_what_is_not_taken(line: str) -> None:
    jar = jar_with(line)
    assert len(jar) == 0
    assert not sent(jar, "https://www.example.com/dir")


def test_a_public_suffix_as_domain() -> None:
    assert len(jar_with("a=1; Domain=co.uk", url=URL("https://a.co.uk"))) == 0
    jar = jar_with("a=1; Domain=localhost", url=URL("https://localhost"))
    assert jar.host_only_cookies == {("localhost", "/", "a")}


def test_domains_paths_and_secure_connections() -> None:
    jar = jar_with(
        "host=1; Path=/",
        "domain=2; Path=/; Domain=example.com",
        "deep=3; Path=/x",
        "secure=4; Path=/; Secure",
    )
    assert sent(jar, "https://www.example.com/") == {"host": "1", "domain": "2", "secure": "4"}
    assert sent(jar, "wss://www.example.com/") == {"host": "1", "domain": "2", "secure": "4"}
    assert sent(jar, "http://www.example.com:81/x/y") == {"deep": "3", "host": "1", "domain": "2"}
    assert sent(jar, "https://example.com/xy") == {"domain": "2"}
    assert sent(jar, "https://sub.www.example.com/") == {"domain": "2"}
    assert sent(jar, "https://other.com/") == {}


def test_the_longer_path_wins_among_equal_names() -> None:
    jar = jar_with("a=short; Path=/", "a=long; Path=/x", "a=other; Path=/y")
    assert sent(jar, "https://www.example.com/x/z") == {"a": "long"}
    assert sent(jar, "https://www.example.com/z") == {"a": "short"}


def test_values_go_back_as_they_came() -> None:
    jar = jar_with('a="x y"', "b=x y", r'c="\054"', 'd={"k":1}', "e=é")
    assert sent(jar, "https://www.example.com/dir") == {
        "a": '"x y"', "b": "x y", "c": r'"\054"', "d": '{"k":1}', "e": "é",
    }  # fmt: skip
    assert [each.value for each in jar] == ["x y", "x y", ",", '{"k":1}', "é"]


@pytest.mark.parametrize(("quote", "value"), [(True, '"x y"'), (False, "x y")])
def test_values_that_are_given_are_quoted(quote: bool, value: str) -> None:
    jar = CookieJar(quote_cookie=quote)
    assert jar.quote_cookie is quote
    jar.update_cookies({"a": "x y"}, HERE)
    assert sent(jar, "https://www.example.com/dir") == {"a": value}


def test_shared_cookies_go_everywhere() -> None:
    jar = CookieJar()
    jar.update_cookies({"a": "1"})
    jar.update_cookies([("b", "2"), ("c", "3")], None)
    secure = SimpleCookie("d=4; Secure")
    jar.update_cookies(secure)
    for url in ("http://a.com/x", "http://127.0.0.1/"):
        assert sent(jar, url) == {"a": "1", "b": "2", "c": "3"}
    assert sent(jar, "https://a.com")["d"] == "4"
    jar.clear_domain("a.com")
    assert len(jar) == 4


def test_a_morsel_is_copied() -> None:
    cookies = SimpleCookie("a=1; Path=/x")
    jar = CookieJar()
    jar.update_cookies(cookies, HERE)
    cookies["a"]["path"] = "/changed"
    assert list(jar.cookies) == [("www.example.com", "/x")]
    found = jar.filter_cookies(HERE.with_path("/x"))
    found["a"].set("a", "2", "2")
    assert sent(jar, "https://www.example.com/x") == {"a": "1"}


def test_addresses() -> None:
    for url in (URL("http://127.0.0.1/"), URL("http://[::1]/"), URL("http://2130706433/")):
        assert len(jar_with("a=1", url=url)) == 0
        jar = jar_with("a=1; Path=/", url=url, unsafe=True)
        assert jar.unsafe
        assert sent(jar, str(url)) == {"a": "1"}
        assert sent(jar, "http://127.0.0.2/") == {}
        assert len(jar_with("a=1; Domain=0.0.1", url=url, unsafe=True)) == 0


def test_secure_cookies_need_a_secure_origin() -> None:
    plain = URL("http://www.example.com/")
    assert len(jar_with("a=1; Secure", url=plain)) == 0
    jar = jar_with("a=1; Secure", url=plain, treat_as_secure_origin=["http://www.example.com/x"])
    assert jar.treat_as_secure_origin == {URL("http://www.example.com")}
    assert sent(jar, "http://www.example.com/") == {"a": "1"}
    assert sent(jar, "http://www.example.com:8080/") == {}


@pytest.mark.parametrize(
    "given", ["http://a.com", URL("http://a.com"), ["http://a.com"], ("http://a.com",)]
)
def test_origins_that_count_as_secure(given: Any) -> None:
    assert CookieJar(treat_as_secure_origin=given).treat_as_secure_origin == {URL("http://a.com")}


def test_a_plain_answer_does_not_hide_a_secure_cookie() -> None:
    jar = jar_with("a=1; Path=/; Secure")
    jar.update_cookies_from_headers(["a=evil; Path=/"], HERE.with_scheme("http"))
    assert sent(jar, "https://www.example.com/") == {"a": "1"}


def test_expiry_follows_the_clock() -> None:
    now = 1_000_000.0
    jar = CookieJar()
    jar._clock = lambda: now
    jar.update_cookies_from_headers(
        [
            "age=1; Max-Age=10",
            "date=1; Expires=Mon, 12 Jan 1970 13:47:00 GMT",  # 1,000,020
            "both=1; Max-Age=30; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "odd=1; Max-Age=soon; Expires=whenever",
            "far=1; Max-Age=" + "9" * 500,
            "year=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
        ],
        HERE,
    )
    seen = []
    for seconds in (9, 11, 19, 21, 29, 31, MAX_AGE - 1, MAX_AGE + 1):
        now = 1_000_000.0 + seconds
        seen.append(sorted(each.key for each in jar))
    lasting = ["far", "odd", "year"]
    assert seen == [
        ["age", "both", "date", *lasting],
        ["both", "date", *lasting],
        ["both", "date", *lasting],
        ["both", *lasting],
        ["both", *lasting],
        lasting,
        lasting,
        ["odd"],
    ]


def test_clear() -> None:
    jar = jar_with("a=1", "b=2; Domain=example.com", "c=3")
    jar.clear(lambda morsel: morsel.key == "c")
    assert [each.key for each in jar] == ["a", "b"]
    jar.clear_domain("www.example.com")
    assert [each.key for each in jar] == ["b"]
    jar.clear_domain(".Example.com")
    assert len(jar) == 0
    jar.update_cookies({"x": "1"})
    jar.clear()
    assert list(jar) == []


def test_fifty_fields_of_one_answer() -> None:
    lines = ["bad", *(f"c{number}=1" for number in range(60))]
    assert len(jar_with(*lines)) == 50


def test_one_cookie_field_is_bounded() -> None:
    jar = CookieJar()
    for start in range(0, 180, 50):
        jar.update_cookies_from_headers([f"c{n}=1" for n in range(start, start + 50)], HERE)
    assert len(sent(jar, str(HERE))) == 150
    jar = jar_with(*(f"c{number}=" + "x" * 3000 for number in range(4)), "small=1")
    found = sent(jar, str(HERE))
    assert sorted(found) == ["c0", "c1", "small"]
    field = "Cookie: " + "; ".join(f"{name}={value}" for name, value in found.items())
    assert len(field) <= 8190


def test_a_field_of_exactly_the_limit() -> None:
    room = 8190 - len("Cookie: a=; b=")
    lines = ["a=" + "x" * 4090, "b=" + "x" * (room - 4090)]
    jar = CookieJar()
    jar.update_cookies(dict(line.split("=") for line in lines))
    assert len(sent(jar, str(HERE))) == 2
    jar.update_cookies({"b": "x" * (room - 4089)})
    assert len(sent(jar, str(HERE))) == 1


@pytest.mark.parametrize("name", ["a b", "a;b", "a\r\nb", "", "a=b", "é"])
def test_names_that_can_not_be_given(name: str) -> None:
    with pytest.raises(CookieError):
        CookieJar(quote_cookie=False).update_cookies({name: "1"})


def test_a_request_without_host_gets_shared_cookies_only() -> None:
    jar = jar_with("a=1")
    jar.update_cookies({"b": "2"})
    assert list(jar.filter_cookies()) == ["b"]


# --- a request's own cookies -----------------------------------------------------------------


def test_own_cookies_have_no_limits() -> None:
    given = {f"c{number}": "x" * 100 for number in range(200)}
    assert len(own_cookies(given, HERE)) == 200


def test_own_cookies_go_where_they_belong() -> None:
    given = SimpleCookie("a=1; b=2; c=3; d=4; e=5")
    given["a"]["domain"] = "example.com"
    given["b"]["domain"] = "other.com"
    given["c"]["path"] = "/dir"
    given["d"]["path"] = "/no"
    given["e"]["secure"] = True
    assert list(own_cookies(given, HERE)) == ["a", "c", "e"]
    assert list(own_cookies(given, HERE.with_scheme("http"))) == ["a", "c"]
    assert own_cookies([("q", "x y")], HERE)["q"].coded_value == '"x y"'
    assert own_cookies([("q", "x y")], HERE, False)["q"].coded_value == "x y"


# --- files -----------------------------------------------------------------------------------


def test_save_and_load(tmp_path: Path) -> None:
    jar = jar_with(
        'a="x y"; Path=/p; HttpOnly; SameSite=Lax',
        "b=2; Domain=example.com; Secure; Max-Age=100",
        "c@[]=3; Partitioned",
    )
    jar.update_cookies({"shared": "4"})
    path = tmp_path / "jar.json"
    jar.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    again = CookieJar()
    again.update_cookies({"gone": "1"})
    again.load(str(path))
    assert again.cookies.keys() == jar.cookies.keys()
    assert again.host_only_cookies == jar.host_only_cookies
    for url in ("https://www.example.com/p", "https://x.example.com/dir", "http://a.com"):
        assert sent(again, url) == sent(jar, url)
    found = {each.key: each for each in again}
    assert found["a"]["httponly"]
    assert found["a"]["samesite"] == "Lax"
    assert found["b"]["secure"]
    now = jar._clock()
    again._clock = lambda: now + 101
    assert "b" not in {each.key for each in again}


def test_saving_replaces_the_file_at_the_end_of_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "jar.json", tmp_path / "link.json"
    path.write_text("old")
    link.symlink_to(path)
    jar_with("a=1").save(link)
    assert link.is_symlink()
    assert "www.example.com|/dir" in json.loads(path.read_text())


def test_loading_what_the_reference_writes(tmp_path: Path) -> None:
    path = tmp_path / "jar.json"
    entry = {"key": "b", "value": "x y", "coded_value": '"x y"', "path": "/", "domain": "a.com",
             "httponly": True, "host_only": True, "expires_timestamp": 99999999999}  # fmt: skip
    path.write_text(json.dumps({"a.com|": {"b": entry}}))
    jar = CookieJar()
    jar.load(path)
    assert sent(jar, "http://a.com/") == {"b": '"x y"'}
    assert sent(jar, "http://x.a.com/") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"a|/": 5}',
        '{"a|/": {"x": 5}}',
        '{"a|/": {"x": {"key": "x"}}}',
        '{"a|/": {"x": {"key": "x", "value": 1, "coded_value": "1"}}}',
        '{"a|/": {"x": {"key": "", "value": "1", "coded_value": "1"}}}',
        '{"a": {"x": {"key": "x", "value": "1", "coded_value": "1"}}}',
        '{"a|/": {"x": {"key": "x", "value": "1", "coded_value": "1", "expires_timestamp": "x"}}}',
        '{"a|/": {"x": {"key": "x", "value": "1", "coded_value": "1", "expires_timestamp": NaN}}}',
    ],
)
def test_a_malformed_file_changes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "jar.json"
    path.write_text(text)
    jar = jar_with("a=1")
    with pytest.raises(ValueError, match=r"jar\.json"):
        jar.load(path)
    assert sent(jar, str(HERE)) == {"a": "1"}


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        CookieJar().load(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        jar_with("a=1").save(tmp_path / "none" / "jar.json")


def test_the_limits_hold_for_files(tmp_path: Path) -> None:
    path = tmp_path / "jar.json"
    cookies = {f"c{n}": {"key": f"c{n}", "value": "1", "coded_value": "1"} for n in range(200)}
    path.write_text(json.dumps({"a.com|/": cookies}))
    jar = CookieJar()
    jar.load(path)
    assert 150 <= len(jar) <= 180


def test_the_dummy_keeps_nothing() -> None:
    jar = DummyCookieJar()
    jar.update_cookies({"a": "1"}, HERE)
    jar.update_cookies_from_headers(["a=1"], HERE)
    jar.clear()
    jar.clear_domain("a.com")
    assert len(jar) == 0
    assert list(jar) == []
    assert not jar.filter_cookies(HERE)
    assert jar.quote_cookie
    assert isinstance(jar.filter_cookies(HERE), SimpleCookie)


class _Bomb:
    def __reduce__(self) -> Any:
        return (Path.write_text, (Path(self.path), "run"))

    path = ""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_unpickled(tmp_path: Path, protocol: int) -> None:
    trap, path = tmp_path / "ran", tmp_path / "jar"
    bomb = _Bomb()
    _Bomb.path = str(trap)
    path.write_bytes(pickle.dumps(bomb, protocol))
    with pytest.raises(ValueError, match="unpickled" if protocol > 1 else "jar"):
        CookieJar().load(path)
    assert not trap.exists()


def test_morsels_are_what_the_jar_gives() -> None:
    jar = jar_with("a=1")
    assert all(isinstance(each, Morsel) for each in jar)
    assert all(isinstance(each, Morsel) for each in jar.filter_cookies(HERE).values())


@pytest.mark.parametrize("octet", ["\r\n", "\n", "\0", "\x7f"])
@pytest.mark.parametrize("quote", [True, False])
@pytest.mark.parametrize("own", [True, False])
async def test_no_value_begins_another_field(octet: str, quote: bool, own: bool) -> None:
    """Family 16: what is sent is quoted, or nothing is sent."""
    jar = CookieJar(unsafe=True, quote_cookie=quote)
    given = {"a": f"x{octet}X-Evil: 1"}
    async with serving_peer(scripted(answer())) as peer:
        async with tercel.ClientSession(cookie_jar=jar) as session:
            try:
                if not own:
                    jar.update_cookies(given)
                async with session.get(peer.url, cookies=given if own else None):
                    pass
            except (ValueError, CookieError):
                assert not peer.asked
                return
    assert quote
    (asked,) = peer.asked
    assert asked.get("X-Evil") is None
    assert octet not in (asked.get("Cookie") or "")


def test_the_grammar_of_dates() -> None:
    """What the jar offers to code that reads cookie dates."""
    tokens = [
        found["token"]
        for found in CookieJar.DATE_TOKENS_RE.finditer("Wed, 09-Jun-2021 10:18:14 GMT")
    ]
    assert tokens == ["Wed", "09", "Jun", "2021", "10:18:14", "GMT"]
    time = CookieJar.DATE_HMS_TIME_RE.match("10:18:14")
    assert time is not None
    assert time.groups() == ("10", "18", "14")
    month = CookieJar.DATE_MONTH_RE.match("JUNE")
    assert month is not None
    assert month.lastindex == 6
    assert CookieJar.DATE_YEAR_RE.match("2021")
    assert CookieJar.DATE_DAY_OF_MONTH_RE.match("9")
    assert CookieJar.MAX_TIME == CookieJar.SUB_MAX_TIME + 1
