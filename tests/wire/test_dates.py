"""HTTP dates: one form written, three read, everything else refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tercel.wire.dates import format_http_date, parse_http_date

MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "  Sun, 06 Nov 1994 08:49:37 GMT ",
        "sun, 06 nov 1994 08:49:37 GMT",
    ],
)
def test_forms_that_are_read(text: str) -> None:
    assert parse_http_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "now",
        "Sun, 06 Nov 1994",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 30 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +0200",
        "Sun, ٠6 Nov 1994 08:49:37 GMT",
    ],
)
def test_what_is_no_date(text: str | None) -> None:
    assert parse_http_date(text) is None


def test_two_digit_years() -> None:
    assert parse_http_date("Sunday, 06-Nov-70 00:00:00 GMT") == datetime(1970, 11, 6, tzinfo=UTC)
    assert parse_http_date("Sunday, 06-Nov-69 00:00:00 GMT") == datetime(2069, 11, 6, tzinfo=UTC)


def test_leap_second_is_the_next_minute() -> None:
    assert parse_http_date("Fri, 30 Jun 2015 23:59:60 GMT") == datetime(2015, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "when",
    [
        MOMENT,
        MOMENT.timestamp(),
        MOMENT.timestamp() + 0.9,
        MOMENT.astimezone(timezone(timedelta(hours=5))),
    ],
)
def test_the_form_that_is_written(when: float | datetime) -> None:
    assert format_http_date(when) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_every_day_of_the_week_and_month_comes_back() -> None:
    moment = datetime(2024, 1, 1, 1, 2, 3, tzinfo=UTC)
    for _ in range(366):
        text = format_http_date(moment)
        assert parse_http_date(text) == moment
        assert text == moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
        moment += timedelta(days=1)
