"""Family 5: a lone CR, a lone LF or a NUL in every position of a message [CVE-2023-37276]."""

import pytest

from tests.h1rows import read_all

REQUEST = (
    b"POST /path?q HTTP/1.1\r\nHost: a\r\n"
    b"X: y z\r\nTransfer-Encoding: chunked\r\n\r\n3;e=f\r\nabc\r\n0\r\nT: u\r\n\r\n"
)
RESPONSE = b"HTTP/1.1 200 Very Well\r\nX: y z\r\nContent-Length: 2\r\n\r\nab"
EVIL = b"\r\nEvil: 1\r\n\r\nGET /evil HTTP/1.1\r\nHost: b\r\n\r\n"


def positions(message: bytes, body: bytes) -> list[int]:
    """Every place outside the body's own octets, where anything may stand."""
    start = message.rindex(body)
    return [i for i in range(1, len(message)) if not start < i < start + len(body)]


@pytest.mark.parametrize(
    "octet", [b"\r", b"\n", b"\0", b"\r\r", b"\n\n", b"\x0b", b"\x0c", b"\x7f"]
)
@pytest.mark.parametrize("server", [True, False])
def test_inserted_anywhere_it_is_refused_or_read_one_way(octet: bytes, server: bool) -> None:
    message, body = (REQUEST, b"abc") if server else (RESPONSE, b"ab")
    plain = read_all([message], server=server)
    for place in positions(message, body):
        mutated = message[:place] + octet + message[place:]
        facts = read_all([mutated + EVIL], server=server)
        if place >= len(message) - (0 if server else len(body)):
            continue
        whole = [fact for fact in facts if fact[0] != "refused"]
        assert facts[-1][0] == "refused" or facts[: len(plain)] != plain, (place, mutated, facts)
        assert not any(fact[0] == "request" and fact[2] == "/evil" for fact in whole), mutated


@pytest.mark.parametrize("octet", [b"\r", b"\n", b"\0"])
def test_in_place_of_a_line_end_it_is_refused(octet: bytes) -> None:
    start = 0
    while (start := REQUEST.find(b"\r\n", start)) >= 0:
        mutated = REQUEST[:start] + octet + REQUEST[start + 2 :]
        facts = read_all([mutated + b"\r\n" + EVIL])
        assert facts[-1][0] == "refused", (start, facts)
        start += 2


def test_leading_empty_lines_are_skipped_up_to_the_limit() -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert read_all([b"\r\n" * 8 + request])[0][0] == "request"
    assert read_all([b"\r\n" * 9 + request]) == [("refused", 400)]
    assert read_all([b"\n" + request]) == [("refused", 400)]
