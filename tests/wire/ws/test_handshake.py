"""The handshake's fields, as tables."""

import pytest

from tercel.wire.ws.handshake import (
    Agreement,
    HandshakeError,
    accept_value,
    choose_subprotocol,
    has_token,
    is_key,
    list_elements,
    make_key,
    offer_deflate,
    read_deflate_answer,
    settle_deflate,
)


def test_accept_value() -> None:
    assert accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("dGhlIHNhbXBsZSBub25jZQ==", True),
        (make_key(bytes(16)), True),
        ("", False),
        ("abc", False),
        (make_key(bytes(15)), False),
        (make_key(bytes(17)), False),
        ("dGhlIHNhbXBsZSBub25jZQ=!", False),
        ("dGhlIHNhbXBsZSBub25jZQ= ", False),
        ("dGhlIHNhbXBsZSBub25jZQé=", False),
        ("dGhlIHNhbXBsZSBub25jZ===", False),
    ],
)
def test_keys(key: str, expected: bool) -> None:
    assert is_key(key) is expected


def test_lists() -> None:
    assert list_elements(" a,, b ,\tc") == ["a", "b", "c"]
    assert has_token("keep-alive, Upgrade", "upgrade")
    assert not has_token("upgraded", "upgrade")
    assert choose_subprotocol(["a", "b"], ("b", "a")) == "a"
    assert choose_subprotocol(["c"], ("b", "a")) is None


OFFERS = {
    "": None,
    "x-webkit-deflate-frame": None,
    "permessage-deflate": (
        Agreement(client_takeover=False),
        "permessage-deflate; client_no_context_takeover",
    ),
    "permessage-deflate; client_max_window_bits": (
        Agreement(client_takeover=False),
        "permessage-deflate; client_no_context_takeover",
    ),
    'PerMessage-Deflate ; Client_Max_Window_Bits="10"': (
        Agreement(client_bits=10, client_takeover=False),
        "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
    ),
    "permessage-deflate; server_max_window_bits=8": (
        Agreement(server_bits=8, client_takeover=False),
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=8",
    ),
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover": (
        Agreement(server_takeover=False, client_takeover=False),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ),
    "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9": (
        Agreement(server_bits=9, client_takeover=False),
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
    ),
    "permessage-deflate; server_max_window_bits": None,
    "permessage-deflate; server_max_window_bits=7": None,
    "permessage-deflate; server_max_window_bits=16": None,
    "permessage-deflate; server_max_window_bits=010": None,
    "permessage-deflate; server_max_window_bits=+9": None,
    "permessage-deflate; server_max_window_bits=١٠": None,
    "permessage-deflate; client_max_window_bits=": None,
    "permessage-deflate; client_max_window_bits=9; client_max_window_bits=9": None,
    "permessage-deflate; server_no_context_takeover=1": None,
    "permessage-deflate;": None,
}


@pytest.mark.parametrize("offer", OFFERS)
def test_offers(offer: str) -> None:
    assert settle_deflate(offer) == OFFERS[offer]


def test_an_offer_is_not_read_without_end() -> None:
    assert settle_deflate("x, " * 5000 + "permessage-deflate") is None


def test_our_offers() -> None:
    assert offer_deflate(15) == "permessage-deflate; client_max_window_bits"
    assert settle_deflate(offer_deflate(12)) == (
        Agreement(server_bits=12, client_takeover=False),
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=12",
    )


ANSWERS = {
    ("", 15): None,
    ("permessage-deflate", 15): Agreement(),
    ("permessage-deflate", 12): Agreement(),
    ("permessage-deflate; server_max_window_bits=12", 12): Agreement(server_bits=12),
    ("permessage-deflate; client_max_window_bits=8", 15): Agreement(client_bits=8),
    ("permessage-deflate; client_no_context_takeover", 15): Agreement(client_takeover=False),
    ("permessage-deflate; server_no_context_takeover", 15): Agreement(server_takeover=False),
}


@pytest.mark.parametrize(("answer", "bits"), ANSWERS)
def test_answers(answer: str, bits: int) -> None:
    assert read_deflate_answer(answer, bits) == ANSWERS[answer, bits]


@pytest.mark.parametrize(
    ("answer", "bits"),
    [
        ("permessage-deflate", 0),
        ("other", 15),
        ("permessage-deflate, permessage-deflate", 15),
        ("permessage-deflate; server_max_window_bits=13", 12),
        ("permessage-deflate; server_max_window_bits=7", 15),
        ("permessage-deflate; client_max_window_bits", 15),
        ("permessage-deflate; unknown", 15),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", 15),
    ],
)
def test_answers_nobody_asked_for(answer: str, bits: int) -> None:
    with pytest.raises(HandshakeError):
        read_deflate_answer(answer, bits)
