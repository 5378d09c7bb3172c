"""SOCKS handshakes, as rows: what comes, what is sent."""

import pytest

from tercel.wire.socks import Socks4Handshake, Socks5Handshake, SocksError

V4 = "192.0.2.1"


def run(handshake, answers, split):
    sent = handshake.start()
    data = b"".join(answers)
    pieces = [data[i : i + 1] for i in range(len(data))] if split else [data]
    for piece in pieces:
        sent += handshake.feed(piece)
    return sent


SOCKS4 = [
    (V4, 80, None, b"\4\1\0\x50\xc0\0\2\1\0"),
    (V4, 80, "joe", b"\4\1\0\x50\xc0\0\2\1joe\0"),
    ("a.example", 443, None, b"\4\1\1\xbb\0\0\0\1\0a.example\0"),
]


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("host", "port", "user", "request_"), SOCKS4)
def test_socks4(host, port, user, request_, split):
    handshake = Socks4Handshake(host, port, user)
    assert run(handshake, [b"\0\x5a" + bytes(6)], split) == request_
    assert handshake.is_done
    assert handshake.rest == b""


def test_socks4_keeps_what_comes_after():
    handshake = Socks4Handshake(V4, 80)
    handshake.start()
    handshake.feed(b"\0\x5a" + bytes(6) + b"HTTP")
    assert handshake.rest == b"HTTP"


@pytest.mark.parametrize("answer", [b"\0\x5b" + bytes(6), b"HTTP/1.1 400", b"\5\0", b"\4\x5a" * 4])
def test_socks4_refusals(answer):
    handshake = Socks4Handshake(V4, 80)
    handshake.start()
    with pytest.raises(SocksError):
        handshake.feed(answer)
    assert not handshake.is_done


@pytest.mark.parametrize(
    ("host", "port", "user"),
    [
        ("::1", 80, None),
        ("a\0b", 80, None),
        ("", 80, None),
        ("a", 0, None),
        ("a", 65536, None),
        ("a", 80, "j\0e"),
        ("a" * 256, 80, None),
        ("ä.example", 80, None),
    ],
)
def test_socks4_arguments(host, port, user):
    with pytest.raises(SocksError):
        Socks4Handshake(host, port, user)


GRANTED = b"\5\0\0\1\0\0\0\0\0\0"
SOCKS5 = [
    (V4, None, [b"\5\0", GRANTED], b"\5\1\0" + b"\5\1\0\1\xc0\0\2\1\0\x50"),
    ("::1", None, [b"\5\0", GRANTED], b"\5\1\0" + b"\5\1\0\4" + bytes(15) + b"\1\0\x50"),
    ("a.example", None, [b"\5\0", GRANTED], b"\5\1\0" + b"\5\1\0\3\x09a.example\0\x50"),
    (V4, ("u", "pw"), [b"\5\0", GRANTED], b"\5\2\0\2" + b"\5\1\0\1\xc0\0\2\1\0\x50"),
    (
        V4,
        ("u", "pw"),
        [b"\5\2", b"\1\0", GRANTED],
        b"\5\2\0\2" + b"\1\1u\2pw" + b"\5\1\0\1\xc0\0\2\1\0\x50",
    ),
    (V4, None, [b"\5\0", b"\5\0\0\3\3abc\0\0"], b"\5\1\0" + b"\5\1\0\1\xc0\0\2\1\0\x50"),
    (V4, None, [b"\5\0", b"\5\0\0\4" + bytes(18)], b"\5\1\0" + b"\5\1\0\1\xc0\0\2\1\0\x50"),
]


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("host", "login", "answers", "sent"), SOCKS5)
def test_socks5(host, login, answers, sent, split):
    handshake = Socks5Handshake(host, 80, *(login or ()))
    assert run(handshake, answers, split) == sent
    assert handshake.is_done
    assert handshake.rest == b""


def test_the_password_is_not_sent_unless_asked_for():
    handshake = Socks5Handshake(V4, 80, "u", "secret")
    assert b"secret" not in run(handshake, [b"\5\0", GRANTED], False)


@pytest.mark.parametrize(
    ("login", "answer"),
    [
        (None, b"HTTP/1.1 400 Bad"),
        (None, b"\4"),
        (None, b"\5\xff"),
        (None, b"\5\2"),
        (None, b"\5\1"),
        (("u", "p"), b"\5\xff"),
        (("u", "p"), b"\5\2\1\1"),
        (None, b"\5\0\4"),
        (None, b"\5\0\5\2\0\1"),
        (None, b"\5\0\5\0\0\7\0"),
    ],
)
def test_socks5_refusals(login, answer):
    handshake = Socks5Handshake(V4, 80, *(login or ()))
    handshake.start()
    with pytest.raises(SocksError):
        handshake.feed(answer)
    assert not handshake.is_done


def test_the_reply_is_told():
    handshake = Socks5Handshake(V4, 80)
    handshake.start()
    with pytest.raises(SocksError) as caught:
        handshake.feed(b"\5\0\5\5\0\1")
    assert caught.value.reply == 5
    assert "connection refused" in caught.value.message


@pytest.mark.parametrize("size", [255, 256])
@pytest.mark.parametrize("what", ["host", "user", "password"])
def test_socks5_lengths(size, what):
    values = {"host": "a", "user": "u", "password": "p", what: "x" * size}
    if size == 255:
        Socks5Handshake(values["host"], 80, values["user"], values["password"])
    else:
        with pytest.raises(SocksError):
            Socks5Handshake(values["host"], 80, values["user"], values["password"])


def test_a_refused_login_is_no_reply_about_the_server():
    handshake = Socks5Handshake("h", 80, "u", "p")
    assert handshake.feed(b"\5\2")[:1] == b"\1"
    with pytest.raises(SocksError) as caught:
        handshake.feed(b"\1\5")
    assert caught.value.reply is None
