"""Names, values and the small classes that programs meet."""

import pytest

from tercel.wire.ws.codes import WebSocketError, WSCloseCode, WSMessage, WSMsgType, is_wire_code


def test_older_spellings() -> None:
    for name in ("text", "binary", "close", "ping", "pong", "closing", "closed", "error"):
        assert getattr(WSMsgType, name) is WSMsgType[name.upper()]
    assert len(WSMsgType) == 9


def test_message() -> None:
    message = WSMessage(WSMsgType.TEXT, '{"a": [1]}', "")
    assert message == (1, '{"a": [1]}', "")
    assert message.json() == {"a": [1]}
    assert message.json(loads=len) == 10


def test_error() -> None:
    error = WebSocketError(WSCloseCode.PROTOCOL_ERROR, "a sentence")
    assert error.code == 1002
    assert str(error) == "a sentence"


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (
            (1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999),
            True,
        ),
        ((0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535), False),
    ],
)
def test_codes_on_the_wire(codes: tuple[int, ...], expected: bool) -> None:
    assert {is_wire_code(code) for code in codes} == {expected}
