"""HTTP dates (RFC 9110 section 5.6.7): the fixed form written, the three old and new forms read.

In: seconds since 1970 or an aware datetime; a field value. Out: str; an aware UTC datetime, or
None for what is no valid date. Never asks the clock and never knows a locale.
"""

import re
import time
from datetime import UTC, datetime, timedelta

__all__ = ("format_http_date", "parse_http_date")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}

_FIXED = re.compile(
    r"[A-Za-z]{3}, (\d{2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC)", re.ASCII
)
_RFC850 = re.compile(
    r"[A-Za-z]{6,9}, (\d{2})-([A-Za-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT", re.ASCII
)
_ASCTIME = re.compile(
    r"[A-Za-z]{3} ([A-Za-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})", re.ASCII
)


def format_http_date(when: float | datetime) -> str:
    """The IMF-fixdate form, such as "Sun, 06 Nov 1994 08:49:37 GMT"; fractions are cut off."""
    seconds = when.timestamp() if isinstance(when, datetime) else when
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds)[:7]
    return (
        f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} "
        f"{hour:02}:{minute:02}:{second:02} GMT"
    )


def parse_http_date(value: str | None) -> datetime | None:
    """The moment that a field value names, in UTC; None for None and for what is no valid date.

    A two-digit year more than 50 years ahead of 2000's century means the century before
    (RFC 9110 section 5.6.7): 70 to 99 are read as 1970 to 1999.
    """
    if value is None:
        return None
    value = value.strip()
    found = _FIXED.fullmatch(value)
    if found is not None:
        day, month, year, hour, minute, second = found.groups()
    elif (found := _RFC850.fullmatch(value)) is not None:
        day, month, year, hour, minute, second = found.groups()
        year = f"{'19' if year >= '70' else '20'}{year}"
    elif (found := _ASCTIME.fullmatch(value)) is not None:
        month, day, hour, minute, second, year = found.groups()
    else:
        return None
    number = _MONTH_NUMBERS.get(month.lower())
    if number is None:
        return None
    leap = second == "60"
    try:
        moment = datetime(
            int(year),
            number,
            int(day),
            int(hour),
            int(minute),
            59 if leap else int(second),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return moment + timedelta(seconds=1) if leap else moment
