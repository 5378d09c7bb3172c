"""Family 20: malformed cookies fill no log."""

import logging

import pytest
from yarl import URL

from tercel.client.cookies import CookieJar
from tercel.wire.cookies import parse_cookie_header, parse_set_cookie

BAD = ["a b=1", "=", "a\x00=1", "a=\x1b[31m", "__Host-a=1", 'a="', "a=1; Domain=else.org", "\r\n"]


def test_bad_cookies_are_dropped_silently(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        jar = CookieJar()
        for line in BAD * 100:
            parse_set_cookie(line)
            parse_cookie_header(line)
            jar.update_cookies_from_headers([line], URL("https://a.com"))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["a=\x1b[31m", "a\x1b=1", "a=1; path=/\x1b"])
def test_escape_sequences_are_no_cookies(line: str) -> None:
    assert parse_set_cookie(line) is None
