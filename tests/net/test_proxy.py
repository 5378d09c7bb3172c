"""CONNECT as a handshake without I/O: what is sent, and every answer split at every offset."""

import pytest

from tercel.net.proxy import ConnectHandshake, TunnelRefused, join_host
from tercel.wire.errors import WireError


@pytest.mark.parametrize(
    ("host", "port", "joined"),
    [("a.example", 443, "a.example:443"), ("::1", 80, "[::1]:80"), ("127.0.0.1", 1, "127.0.0.1:1")],
)
def test_join_host(host, port, joined):
    assert join_host(host, port) == joined


def test_the_request():
    sent = ConnectHandshake("a.example:443", [("X-Way", "1")]).start()
    assert sent == b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nX-Way: 1\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b"])
def test_a_header_can_not_end_its_line(value):
    with pytest.raises(ValueError):
        ConnectHandshake("a.example:443", [("X-Way", value)])


@pytest.mark.parametrize("authority", ["a b:443", "a\r\n:443", ""])
def test_an_authority_has_no_white_space(authority):
    with pytest.raises(ValueError):
        ConnectHandshake(authority)


ACCEPTED = [
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.0 200 Connection established\r\nProxy-Agent: x\r\n\r\n",
    b"HTTP/1.1 299 Odd\r\nContent-Length: 10\r\n\r\n",
    b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
]


@pytest.mark.parametrize("answer", ACCEPTED)
def test_accepted_at_every_split(answer):
    for cut in range(len(answer) + 1):
        handshake = ConnectHandshake("a:1")
        for piece in (answer[:cut], answer[cut:]):
            if piece:
                assert handshake.feed(piece) == b""
        assert handshake.is_done
        assert handshake.rest == b""


def test_what_comes_after_is_kept_apart():
    handshake = ConnectHandshake("a:1")
    handshake.feed(ACCEPTED[0] + b"more")
    assert handshake.is_done
    assert handshake.rest == b"more"


def test_a_refusal_tells_why():
    handshake = ConnectHandshake("a:1")
    with pytest.raises(TunnelRefused) as caught:
        handshake.feed(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\n\r\n")
    assert caught.value.answer_status == 407
    assert caught.value.reason == "Login"
    assert caught.value.headers["proxy-authenticate"] == "Basic"
    assert not handshake.is_done


@pytest.mark.parametrize("count", [16, 17])
def test_answers_of_1xx_are_bounded(count):
    handshake = ConnectHandshake("a:1")
    answer = b"HTTP/1.1 103 x\r\n\r\n" * count + ACCEPTED[0]
    if count == 16:
        handshake.feed(answer)
        assert handshake.is_done
    else:
        with pytest.raises(WireError):
            handshake.feed(answer)
