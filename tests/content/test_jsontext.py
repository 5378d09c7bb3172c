"""Texts of `json.dumps` and values of `json.loads`, errors and all."""

import enum
import json
from typing import Any

import pytest

from tercel.content.jsontext import dump_text, load_text


class Level(enum.IntEnum):
    LOW = 1


def circle() -> Any:
    value: dict[str, Any] = {}
    value["self"] = [value, value]
    return value


def depth(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


SHARED = [1, 2]
VALUES: list[Any] = [
    None,
    "text with \u00fc, \U0001f985 and \ud800",
    {"a": 1, 2: [True, None, 1.5], None: (), True: {}},
    [float("nan"), float("inf"), -0.0, 10**30],
    [SHARED, SHARED, {"a": SHARED}],
    Level.LOW,
    depth(200),
]
WRONG: list[Any] = [object(), {"a": {1, 2}}, {(1, 2): 3}, b"octets", circle(), depth(100_000)]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_the_same_text(value: Any) -> None:
    assert dump_text(value, json.dumps) == json.dumps(value)


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_the_same_error(value: Any) -> None:
    with pytest.raises(Exception) as expected:
        json.dumps(value)
    with pytest.raises(expected.type) as raised:
        dump_text(value, json.dumps)
    assert str(raised.value) == str(expected.value)


def test_another_function_is_called() -> None:
    assert dump_text([1], lambda value: f"<{value}>") == "<[1]>"


def test_a_default_that_was_replaced_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.JSONEncoder, "default", lambda encoder, value: repr(value))
    assert dump_text([{1}], json.dumps) == '["{1}"]'


TEXTS: list[Any] = [
    '{"a": [1, 2.5, -0.0, 1e400, true, null, "\\u00fc\\ud800"], "a": {}}',
    "5",
    '"text"',
    " \t\r\n[1] \r\n\t",
    "[1]\n",
    "NaN",
    "[" * 300 + "]" * 300,
    b'{"octets": 1}',
    bytearray(b"[1]"),
    "123456789" * 40,
]
MALFORMED: list[Any] = [
    "",
    " ",
    "{",
    "[1, ]",
    "[1]]",
    "[1] x",
    "[1]\x0b",
    "\ufeff[1]",
    "nul",
    '{"a" 1}',
    '"\n"',
    "[" * 200_000,
    "9" * 5000,
    None,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_same_value(text: Any) -> None:
    assert repr(load_text(text, json.loads)) == repr(json.loads(text))


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_the_same_complaint(text: Any) -> None:
    with pytest.raises(Exception) as expected:
        json.loads(text)
    with pytest.raises(expected.type) as raised:
        load_text(text, json.loads)
    assert str(raised.value) == str(expected.value)


def test_another_function_reads() -> None:
    assert load_text("[1]", lambda text: f"<{text}>") == "<[1]>"
