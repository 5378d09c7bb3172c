"""Family 21: fields whose reading must not take quadratic time [CVE-2025-62727].

No clock: each of these inputs is long enough for a quadratic reader to run into the timeout.
"""

from collections.abc import Callable
from typing import Any

import pytest
from yarl import URL

from tercel.client.cookies import CookieJar
from tercel.wire.challenges import parse_challenges
from tercel.wire.cookies import parse_cookie_header, parse_set_cookie, unquote_value
from tercel.wire.dates import parse_http_date
from tercel.wire.links import parse_links
from tercel.wire.media import parse_content_disposition, parse_content_type
from tercel.wire.ranges import parse_etags, parse_ranges, parse_weighted, satisfiable_spans

COUNT = 100_000
READERS: dict[str, Callable[[str], Any]] = {
    "Cookie": parse_cookie_header,
    "Set-Cookie": parse_set_cookie,
    "Content-Type": parse_content_type.__wrapped__,
    "Content-Disposition": parse_content_disposition,
    "Link": parse_links,
    "WWW-Authenticate": parse_challenges,
    "If-Match": parse_etags,
    "Accept": parse_weighted,
    "Date": parse_http_date,
    "quoted": unquote_value,
}
PIECES = ["a", ";", "=", '"', "\\", ",", " ", "<", "a=b;", 'a="b";', '\\"', "\\073", "W/", "*", "'"]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", READERS)
def test_reading(name: str, piece: str) -> None:
    for text in (piece * COUNT, 'a="' + piece * COUNT, 'a/b;x="' + piece * COUNT + '"'):
        READERS[name](text)


def test_ten_thousand_ranges() -> None:
    for span in ("0-", "-1", "0-0", "5-3"):
        with pytest.raises(ValueError, match="Range"):
            parse_ranges("bytes=" + ",".join([span] * 10_000))
    served = satisfiable_spans(parse_ranges("bytes=" + ",".join(["0-"] * 32)), 1 << 40)
    assert served == [(0, 1 << 40)]


def test_a_jar_asked_with_a_long_host_and_path() -> None:
    jar = CookieJar()
    jar.update_cookies_from_headers(
        ["a=1; Domain=example.com; Path=/a"], URL("https://example.com/")
    )
    deep = "/a" * 20_000
    for _ in range(50):
        assert jar.filter_cookies(URL(f"https://x.example.com{deep}", encoded=True))
