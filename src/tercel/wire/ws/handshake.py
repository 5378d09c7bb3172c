"""The opening handshake: what its fields mean and which answer they get (RFC 6455 section 4).

In: field values as str. Out: facts, an accept value, an `Agreement` about permessage-deflate, or
`HandshakeError` with one sentence. Never sees a request object; random octets are an argument.
"""

import re
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterable
from hashlib import sha1
from typing import NamedTuple

__all__ = (
    "VERSION",
    "Agreement",
    "HandshakeError",
    "accept_value",
    "choose_subprotocol",
    "has_token",
    "is_key",
    "list_elements",
    "make_key",
    "offer_deflate",
    "read_deflate_answer",
    "settle_deflate",
)

VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_EXTENSION = "permessage-deflate"
#: Octets of a Sec-WebSocket-Extensions field that are looked at: real ones have a few dozen.
_MAX_EXTENSIONS = 4096
_BITS = re.compile(r"(?:[89]|1[0-5])\Z", re.ASCII)
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS = ("server_max_window_bits", "client_max_window_bits")


class HandshakeError(Exception):
    """The handshake can't be accepted; the message is one sentence."""


class Agreement(NamedTuple):
    """What both sides keep to under permessage-deflate (RFC 7692 section 7.1).

    Window bits from 8 to 15 for what the server sends and what the client sends, and whether each
    keeps its window from one message to the next.
    """

    server_bits: int = 15
    client_bits: int = 15
    server_takeover: bool = True
    client_takeover: bool = True


def list_elements(value: str) -> list[str]:
    """The elements of a comma-separated field value, without empty ones."""
    return [element for part in value.split(",") if (element := part.strip(" \t"))]


def has_token(value: str, token: str) -> bool:
    """True if the list `value` has `token`, in whatever case."""
    return token in (element.lower() for element in list_elements(value))


def is_key(value: str) -> bool:
    """True if a Sec-WebSocket-Key value is 16 octets in base64."""
    try:
        return len(value) == 24 and len(a2b_base64(value.encode("ascii"), strict_mode=True)) == 16
    except (NotBase64, UnicodeEncodeError):
        return False


def make_key(random: bytes) -> str:
    """A Sec-WebSocket-Key of 16 random octets."""
    return b64encode(random).decode()


def accept_value(key: str) -> str:
    """The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key."""
    return b64encode(sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()).decode()


def choose_subprotocol(offered: Iterable[str], known: Iterable[str]) -> str | None:
    """The first subprotocol of the client's list that the server knows, or None."""
    known = tuple(known)
    for name in offered:
        if name in known:
            return name
    return None


def _read_extensions(value: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Extensions with their parameters, in order; values without their quotes."""
    found = []
    for element in list_elements(value[:_MAX_EXTENSIONS]):
        name, *rest = element.split(";")
        parameters: list[tuple[str, str | None]] = []
        for part in rest:
            key, separator, given = part.partition("=")
            given = given.strip(" \t")
            if len(given) > 1 and given[0] == given[-1] == '"':
                given = given[1:-1]
            parameters.append((key.strip(" \t").lower(), given if separator else None))
        found.append((name.strip(" \t").lower(), parameters))
    return found


def _read_parameters(
    parameters: list[tuple[str, str | None]], *, may_be_bare: bool
) -> dict[str, int] | None:
    """The parameters of permessage-deflate by name, flags as 1; None where any is wrong.

    `may_be_bare`: client_max_window_bits may come without a value, which is 15 here.
    """
    found: dict[str, int] = {}
    for name, value in parameters:
        if name in found:
            return None
        if name in _FLAGS and value is None:
            found[name] = 1
        elif name in _WINDOWS and value is not None and _BITS.match(value):
            found[name] = int(value)
        elif name == "client_max_window_bits" and value is None and may_be_bare:
            found[name] = 15
        else:
            return None
    return found


def settle_deflate(value: str) -> tuple[Agreement, str] | None:
    """The server's choice among the client's offers, and its Sec-WebSocket-Extensions.

    The first offer that can be accepted counts; None where there is none. The client is always
    told to compress each message by itself (RFC 7692 section 7.1.1.2): a window kept for what it
    may send would cost 40 KiB a socket, idle or not.
    """
    for name, parameters in _read_extensions(value):
        if name != _EXTENSION:
            continue
        offer = _read_parameters(parameters, may_be_bare=True)
        if offer is None:
            continue
        agreement = Agreement(
            offer.get("server_max_window_bits", 15),
            offer.get("client_max_window_bits", 15),
            "server_no_context_takeover" not in offer,
            False,
        )
        answer = [_EXTENSION]
        answer.extend(flag for flag in _FLAGS if flag in offer or flag.startswith("client"))
        answer.extend(f"{key}={offer[key]}" for key in _WINDOWS if offer.get(key, 15) < 15)
        return agreement, "; ".join(answer)
    return None


def offer_deflate(window_bits: int) -> str:
    """The client's offer; `window_bits`, 9 to 15, bounds what the server sends."""
    offer = f"{_EXTENSION}; client_max_window_bits"
    return offer if window_bits >= 15 else f"{offer}; server_max_window_bits={window_bits}"


def read_deflate_answer(value: str, window_bits: int) -> Agreement | None:
    """What the server made of `offer_deflate(window_bits)`, 0 for no offer; None if it declined.

    HandshakeError for an answer that the offer does not allow (RFC 6455 section 9.1, RFC 7692
    section 7.1).
    """
    found = _read_extensions(value)
    if not found:
        return None
    if not window_bits or len(found) > 1 or found[0][0] != _EXTENSION:
        raise HandshakeError(
            f"the server chose the extensions {value[:80]!r}, which nobody offered"
        )
    answer = _read_parameters(found[0][1], may_be_bare=False)
    if answer is None:
        raise HandshakeError(f"the server's extension is {value[:80]!r}, which has no meaning")
    if answer.get("server_max_window_bits", 0) > window_bits:
        raise HandshakeError(
            f"the server's extension is {value[:80]!r}, expected {window_bits} window bits at most"
        )
    return Agreement(
        answer.get("server_max_window_bits", 15),
        answer.get("client_max_window_bits", 15),
        "server_no_context_takeover" not in answer,
        "client_no_context_takeover" not in answer,
    )
