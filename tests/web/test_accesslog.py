"""The access log: every atom of logging.rst, and what a client can't do to a line."""

import logging
import os
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tercel.web.accesslog import AccessLogger, compile_format, escape


def make_request(**headers: str) -> Any:
    return SimpleNamespace(
        remote="10.0.0.1",
        method="GET",
        path_qs="/p?q=1",
        version=SimpleNamespace(major=1, minor=1),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def make_response(**headers: str) -> Any:
    return SimpleNamespace(
        status=200,
        body_length=5,
        _exchange=SimpleNamespace(bytes_sent=123),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def write(
    caplog: pytest.LogCaptureFixture, log_format: str, request: Any = None, seconds: float = 3.14159
) -> logging.LogRecord:
    logger = AccessLogger(logging.getLogger("test.access"), log_format)
    with caplog.at_level(logging.INFO, "test.access"):
        logger.log(request or make_request(), make_response(Content_Type="text/plain"), seconds)
    return caplog.records[-1]


@pytest.mark.parametrize(
    ("log_format", "expected"),
    [
        ("%a", "10.0.0.1"),
        pytest.param("%P", f"<{os.getpid()}>", id="%P"),
        ("%r", "GET /p?q=1 HTTP/1.1"),
        ("%s", "200"),
        ("%b", "123"),
        ("%T", "3"),
        ("%Tf", "3.141590"),
        ("%D", "3141590"),
        ("%{Agent}i", "x"),
        ("%{Nothing}i", "-"),
        ("%{Content-Type}o", "text/plain"),
        ("%{Nothing}o", "-"),
        ("%%", "%"),
        ("%%s %%%s", "%s %200"),
        ("100% of %s", "100% of 200"),
        ("%s%", "200%"),
        ("plain", "plain"),
        ("%s-%s", "200-200"),
        ("%s%{Agent}i%s", "200x200"),
    ],
)
def test_atoms(caplog: pytest.LogCaptureFixture, log_format: str, expected: str) -> None:
    assert write(caplog, log_format, make_request(Agent="x")).getMessage() == expected


def test_start_time(caplog: pytest.LogCaptureFixture) -> None:
    text = write(caplog, "%t", seconds=100.0).getMessage()
    assert re.fullmatch(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", text)
    started = time.mktime(time.strptime(text[1:21], "%d/%b/%Y:%H:%M:%S"))
    assert abs(time.time() - 100 - started) < 5


def test_default_format_and_extra(caplog: pytest.LogCaptureFixture) -> None:
    record = write(caplog, AccessLogger.LOG_FORMAT, make_request(User_Agent="me"))
    assert record.getMessage().endswith('"GET /p?q=1 HTTP/1.1" 200 123 "-" "me"')
    assert record.remote_address == "10.0.0.1"  # type: ignore[attr-defined]
    assert record.response_size == 123  # type: ignore[attr-defined]
    assert record.request_header == {"Referer": "-", "User-Agent": "me"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("log_format", ["%x", "%{Agent}e", "%O"])
def test_unknown_atoms_are_refused(log_format: str) -> None:
    with pytest.raises(ValueError, match="no atom"):
        compile_format(log_format)


def test_without_a_request(caplog: pytest.LogCaptureFixture) -> None:
    logger = AccessLogger(logging.getLogger("test.access"), "%a %r %{Agent}i %s")
    with caplog.at_level(logging.INFO, "test.access"):
        logger.log(None, make_response(), 1.0)  # type: ignore[arg-type]
    assert caplog.messages == ["- - - 200"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain Ünï €", "plain Ünï €"),
        ("a\r\nb", "a\\x0d\\x0ab"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ('a" 200', 'a\\" 200'),
        ("a\\x0a", "a\\\\x0a"),
        ("\u2028\u202e", "\\u2028\\u202e"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\x00\x7f\xa0", "\\x00\\x7f\\xa0"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_escape(text: str, expected: str) -> None:
    assert escape(text) == expected


@pytest.mark.parametrize("code", [*range(32), *range(127, 160)])
def test_no_control_character_reaches_the_log(caplog: pytest.LogCaptureFixture, code: int) -> None:
    request = make_request(Agent=f"a{chr(code)}b")
    request.path_qs = f"/{chr(code)}"
    request.remote = f"1{chr(code)}"
    message = write(caplog, "%a %r %{Agent}i", request).getMessage()
    assert chr(code) not in message
    assert message.count(f"\\x{code:02x}") == 3


def test_percent_signs_of_a_client_stay(caplog: pytest.LogCaptureFixture) -> None:
    assert write(caplog, "%{Agent}i", make_request(Agent="%s %d")).getMessage() == "%s %d"


def test_enabled_follows_the_level() -> None:
    logger = logging.getLogger("test.access.level")
    logger.setLevel(logging.WARNING)
    assert not AccessLogger(logger, "%s").enabled
    logger.setLevel(logging.INFO)
    assert AccessLogger(logger, "%s").enabled
