"""Multipart events: rows fed whole, octet by octet, split everywhere and followed by garbage."""

import email.parser
import email.policy
import importlib
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tercel.wire.limits import MultipartLimits
from tests.twins import load_twins

TWINS = load_twins("tercel.wire.multipart")
A = b"A: 1\r\n"
Facts = list[tuple[object, ...]]


@pytest.fixture(params=TWINS, ids=lambda module: module.__class__.__name__)
def wire(request: pytest.FixtureRequest) -> Any:
    return request.param


def read_all(wire: Any, pieces: list[bytes], boundary: bytes = b"b", **how: Any) -> Facts:
    """What the octets tell: parts as (pairs, content, whether they ended), "end" or a refusal."""
    parser = wire.MultipartParser(boundary, **how)
    facts: Facts = []
    if how.get("within_part"):
        facts.append(("part", (), b"", False))
    try:
        for piece in [*pieces, None]:
            if piece is None:
                parser.feed_eof()
            else:
                parser.feed_data(piece)
            while (event := parser.next_event()) is not None:
                if isinstance(event, wire.PartHead):
                    facts.append(("part", event.pairs, b"", False))
                elif isinstance(event, bytes):
                    assert event, "an empty piece"
                    part = facts.pop()
                    facts.append(("part", part[1], part[2] + event, False))
                elif isinstance(event, wire.EndOfPart):
                    part = facts.pop()
                    facts.append(("part", part[1], part[2], True))
                else:
                    facts.append(("end",))
        assert parser.is_done == (facts[-1] == ("end",))
    except wire.TruncatedMultipart:
        facts.append(("truncated",))
    except wire.BadMultipart as error:
        facts.append(("refused",) if isinstance(error, ValueError) else (error,))
    return facts


def check(wire: Any, raw: bytes, expected: Facts, **how: Any) -> None:
    assert read_all(wire, [raw], **how) == expected
    assert read_all(wire, [raw[i : i + 1] for i in range(len(raw))], **how) == expected
    for cut in range(1, len(raw) if len(raw) < 2000 else 1):
        assert read_all(wire, [raw[:cut], raw[cut:]], **how) == expected, cut


def part(content: bytes = b"", *pairs: tuple[bytes, bytes]) -> tuple[object, ...]:
    return ("part", pairs, content, True)


END = ("end",)
ROWS: dict[str, tuple[bytes, Facts]] = {
    "one": (b"--b\r\n" + A + b"\r\nhi\r\n--b--\r\n", [part(b"hi", (b"A", b"1")), END]),
    "no line break at the end": (b"--b\r\n\r\nhi\r\n--b--", [part(b"hi"), END]),
    "two": (b"--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n", [part(b"1"), part(b"2"), END]),
    "none": (b"--b--\r\n", [END]),
    "empty": (b"--b\r\n\r\n\r\n--b--", [part(), END]),
    "empty without a line": (b"--b\r\n" + A + b"\r\n--b--", [part(b"", (b"A", b"1")), END]),
    "empty and bare": (b"--b\r\n\r\n--b--", [part(), END]),
    "preamble": (b"x\r\n--c\r\n--b\r\n\r\n1\r\n--b--\r\nepilogue\r\n--b\r\n", [part(b"1"), END]),
    "preamble of a line break": (b"\r\n--b--", [END]),
    "padding": (b"--b \t\r\n\r\n1\r\n--b  \r\n\r\n2\r\n--b-- \r\n", [part(b"1"), part(b"2"), END]),
    "nearly": (
        b"--b\r\n\r\n\r\n--\r\n--c\r\n-b\r--b\n--b--b\r\n--b--",
        [part(b"\r\n--\r\n--c\r\n-b\r--b\n--b--b"), END],
    ),
    "line breaks": (b"--b\r\n\r\n\r\r\n\r\n\r\n\r\n--b--", [part(b"\r\r\n\r\n\r\n"), END]),
    "fields": (b"--b\r\nA:\t x \t\r\nb:\r\n\xc3-\xa9: 1\r\n\r\n", [("refused",)]),
    "values": (
        b"--b\r\nA:\t x \t\r\nb:\r\nc:\xc3\xa9:\xff\r\n\r\n\r\n--b--",
        [part(b"", (b"A", b"x"), (b"b", b""), (b"c", b"\xc3\xa9:\xff")), END],
    ),
    "nothing": (b"", [("truncated",)]),
    "no delimiter": (b"hello", [("truncated",)]),
    "cut in content": (b"--b\r\n\r\nhi", [("part", (), b"hi", False), ("truncated",)]),
    "cut in a delimiter": (b"--b\r\n\r\nhi\r\n--b", [("part", (), b"hi", False), ("truncated",)]),
    "cut before its end": (b"--b\r\n\r\nhi\r\n--b-", [("part", (), b"hi", False), ("truncated",)]),
    "cut in a head": (b"--b\r\n" + A, [("truncated",)]),
    "cut after a delimiter": (b"--b\r\n", [("truncated",)]),
    "line feeds": (b"--b\n\nhi\n--b--\n", [("refused",)]),
    "a longer boundary": (
        b"--b\r\n\r\nhi\r\n--bx\r\n\r\n",
        [("part", (), b"hi", False), ("refused",)],
    ),
    "one dash": (b"--b\r\n\r\nhi\r\n--b-\r\n", [("part", (), b"hi", False), ("refused",)]),
    "padding and dashes": (
        b"--b\r\n\r\nhi\r\n--b --\r\n",
        [("part", (), b"hi", False), ("refused",)],
    ),
    "folded": (b"--b\r\nA: 1\r\n 2\r\n\r\n", [("refused",)]),
    "space before colon": (b"--b\r\nA : 1\r\n\r\n", [("refused",)]),
    "no colon": (b"--b\r\nA\r\n\r\n", [("refused",)]),
    "no name": (b"--b\r\n: 1\r\n\r\n", [("refused",)]),
    "no empty line": (b"--b\r\n--b\r\n\r\n", [("refused",)]),
}


@pytest.mark.parametrize("row", ROWS)
def test_rows(wire: Any, row: str) -> None:
    raw, expected = ROWS[row]
    check(wire, raw, expected)
    if expected[-1] == END:
        check(wire, raw + b"\r\n--b\r\nA: 2\r\n\r\ngarbage\x00", expected)


@pytest.mark.parametrize("octet", [*range(0x20), 0x7F])
def test_control_characters_in_fields(wire: Any, octet: int) -> None:
    for line in (b"A%cB: 1", b"A: 1%c2", b"%cA: 1"):
        raw = b"--b\r\n" + line % octet + b"\r\n\r\nhi\r\n--b--"
        if octet == 9 and line == b"A: 1%c2":
            check(wire, raw, [part(b"hi", (b"A", b"1\t2")), END])
        else:
            check(wire, raw, [("refused",)])


def test_content_of_a_part(wire: Any) -> None:
    for raw, content in [
        (b"hi\r\n--b", b"hi"),
        (b"hi\r\n--b--\r\n", b"hi"),
        (b"--b--", b""),
        (b"\r\n--b--", b""),
    ]:
        check(wire, raw, [part(content), END], within_part=True)
    check(wire, b"hi", [("part", (), b"hi", False), ("truncated",)], within_part=True)


# Limits, on both sides.


def refuses(wire: Any, raw: bytes, **limits: int) -> bool:
    facts = read_all(wire, [raw], limits=MultipartLimits(**limits))
    assert facts == read_all(
        wire, [raw[i : i + 1] for i in range(len(raw))], limits=MultipartLimits(**limits)
    )
    return facts[-1] == ("refused",)


@pytest.mark.parametrize(
    ("limit", "build"),
    [
        ("max_preamble", lambda n: b"x" * n + b"\r\n--b--"),
        ("max_padding", lambda n: b"--b" + b" " * n + b"\r\n\r\n\r\n--b--"),
        ("max_headers", lambda n: b"--b\r\n" + A * n + b"\r\n\r\n--b--"),
        ("max_field_size", lambda n: b"--b\r\nA:" + b"x" * (n - 2) + b"\r\n\r\n\r\n--b--"),
        ("max_head_size", lambda n: b"--b\r\nA:" + b"x" * (n - 2) + b"\r\n\r\n\r\n--b--"),
    ],
)
def test_limits(wire: Any, limit: str, build: Any) -> None:
    # The line break before the first delimiter belongs to it.
    assert not refuses(wire, build(50), **{limit: 50})
    assert refuses(wire, build(51), **{limit: 50})
    if limit not in ("max_headers", "max_field_size"):
        assert refuses(wire, build(5000)[:-20], **{limit: 50})


def test_boundaries(wire: Any) -> None:
    longest = b"x" * 70
    assert read_all(wire, [b"--" + longest + b"--"], longest) == [END]
    for boundary in (b"", b"x" * 71):
        with pytest.raises(wire.BadMultipart, match="boundary"):
            wire.MultipartParser(boundary)


def test_nothing_is_held(wire: Any) -> None:
    parser = wire.MultipartParser(b"b")
    parser.feed_data(b"--b\r\n\r\n")
    assert isinstance(parser.next_event(), wire.PartHead)
    assert parser.next_event() is None
    piece = b"x" * 65_536
    for _ in range(16):
        parser.feed_data(piece)
        taken = 0
        while (event := parser.next_event()) is not None:
            taken += len(event)
        assert taken == len(piece)


# An independent parser as oracle.


def oracle(raw: bytes) -> list[bytes]:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    found = parser.parsebytes(head + raw)
    return [p.get_payload(decode=True) for p in found.get_payload()]


content = st.lists(
    st.sampled_from([b"x", b"-", b"--", b"\r\n", b"--c", b" ", b"y\xff", b"\r\n--", b"a"])
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(content, min_size=1, max_size=4), st.lists(st.integers(0, 200), max_size=5))
def test_against_email(contents: list[bytes], cuts: list[int]) -> None:
    fields = b"Content-Transfer-Encoding: binary\r\n\r\n"
    raw = b"".join(b"--b\r\n" + fields + one + b"\r\n" for one in contents) + b"--b--\r\n"
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    pieces = [raw[a:b] for a, b in itertools.pairwise(places)]
    wire = importlib.import_module("tercel.wire.multipart")
    facts = read_all(wire, pieces)
    assert [fact[2] for fact in facts[:-1]] == contents == oracle(raw)
    assert facts[-1] == END
