"""What WebSockets call things: kinds of messages, close codes, the message itself and the error.

Out: `WSMsgType`, `WSCloseCode`, `WSMessage`, `WebSocketError` with their documented names and
values (websocket_utilities), and which close codes may be on the wire (RFC 6455 section 7.4).
"""

import json
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

__all__ = (
    "CLOSED_MESSAGE",
    "CLOSING_MESSAGE",
    "WSCloseCode",
    "WSMessage",
    "WSMsgType",
    "WebSocketError",
    "is_wire_code",
)


class WSCloseCode(IntEnum):
    """Close codes (websocket_utilities, WSCloseCode)."""

    OK = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014


class WSMsgType(IntEnum):
    """Kinds of messages (websocket_utilities, WSMsgType); the lower-case names are older spellings.

    Those over 255 are no frames: they tell what became of the connection.
    """

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    CLOSING = 0x100
    CLOSED = 0x101
    ERROR = 0x102

    text = TEXT
    binary = BINARY
    close = CLOSE
    ping = PING
    pong = PONG
    closing = CLOSING
    closed = CLOSED
    error = ERROR


class WSMessage(NamedTuple):
    """A message, or what became of the connection (websocket_utilities, WSMessage).

    `data`: str for TEXT (bytes where the socket does not decode), bytes for BINARY, PING and PONG,
    the close code for CLOSE, 0 where the peer gave none, the exception for ERROR, else None.
    `extra`: the reason of a CLOSE, empty for other frames, None for what is no frame.
    """

    type: WSMsgType
    data: Any
    extra: str | None

    def json(self, *, loads: Callable[[Any], Any] = json.loads) -> Any:
        """The data as JSON; ValueError where it is none."""
        return loads(self.data)


CLOSING_MESSAGE = WSMessage(WSMsgType.CLOSING, None, None)
CLOSED_MESSAGE = WSMessage(WSMsgType.CLOSED, None, None)


class WebSocketError(Exception):
    """The peer broke the protocol or a limit; `code` is the close code that tells it so."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


def is_wire_code(code: int) -> bool:
    """True if a Close frame may carry `code`: 1004 to 1006 and 1015 are for programs only."""
    return 3000 <= code <= 4999 or 1000 <= code <= 1003 or 1007 <= code <= 1014
