"""Range, entity tags, If-Range and weighted lists."""

from datetime import UTC, datetime

import pytest

from tercel.wire.ranges import (
    MAX_RANGES,
    ETag,
    matches_etag,
    parse_etags,
    parse_if_range,
    parse_range_slice,
    parse_ranges,
    parse_weighted,
    satisfiable_spans,
)

BAD_SPANS = [
    "bytes=4-3",
    "bytes=-",
    "bytes=",
    "bytes=a-b",
    "bytes=1",
    "bytes=1-2-3",
    "bytes=+1-2",
    "bytes=1_0-20",
    "bytes=٣-٤",
    "bytes 1-2",
    "blocks=1-2",
    "1-2",
    "",
    "bytes=1-2\n",
    "bytes=" + "9" * 20 + "-",
]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, slice(None, None, 1)),
        ("bytes=0-499", slice(0, 500, 1)),
        ("bytes=0-0", slice(0, 1, 1)),
        ("bytes=5-", slice(5, None, 1)),
        ("bytes=-5", slice(-5, None, 1)),
        ("bytes=-0", slice(0, None, 1)),
        ("BYTES=1-2", slice(1, 3, 1)),
    ],
)
def test_range_slice(value: str | None, wanted: slice) -> None:
    assert parse_range_slice(value) == wanted


@pytest.mark.parametrize("value", [*BAD_SPANS, "bytes=0-1,2-3"])
def test_what_is_no_slice(value: str) -> None:
    with pytest.raises(ValueError, match="Range"):
        parse_range_slice(value)


def test_several_ranges() -> None:
    assert parse_ranges("bytes=0-1, 5-,-3 ,,") == ((0, 1), (5, None), (None, 3))


@pytest.mark.parametrize("value", [*BAD_SPANS, "bytes=0-1,x", "bytes=,", "bytes=0-1;2-3"])
def test_what_are_no_ranges(value: str) -> None:
    with pytest.raises(ValueError, match="Range"):
        parse_ranges(value)


def test_number_of_ranges_is_bounded() -> None:
    assert len(parse_ranges("bytes=" + ",".join(["0-0"] * MAX_RANGES))) == MAX_RANGES
    for count in (MAX_RANGES + 1, 10_000):
        with pytest.raises(ValueError, match="spans"):
            parse_ranges("bytes=" + ",".join(["0-0"] * count))


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        ("0-4", [(0, 5)]),
        ("0-99", [(0, 10)]),
        ("-3", [(7, 10)]),
        ("-99", [(0, 10)]),
        ("-0", []),
        ("10-", []),
        ("9-", [(9, 10)]),
        ("12-15,2-3", [(2, 4)]),
        ("0-1,5-6", [(0, 2), (5, 7)]),
        ("5-6,0-1", [(5, 7), (0, 2)]),
        ("0-5,3-8", [(0, 9)]),
        ("0-1,2-3", [(0, 4)]),
        ("0-1,6-7,1-6", [(0, 8)]),
        ("0-,0-,0-,-10", [(0, 10)]),
    ],
)
def test_satisfiable_spans(value: str, spans: list[tuple[int, int]]) -> None:
    assert satisfiable_spans(parse_ranges("bytes=" + value), 10) == spans


def test_an_empty_file_satisfies_nothing() -> None:
    assert satisfiable_spans(parse_ranges("bytes=0-,-5"), 0) == []


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"a"', (ETag("a"),)),
        ('W/"a", "b"', (ETag("a", True), ETag("b"))),
        ('"a","b"', (ETag("a"), ETag("b"))),
        (', "a", ,"b",', (ETag("a"), ETag("b"))),
        ("*", (ETag("*"),)),
        (' "a,b" ', (ETag("a,b"),)),
        ('"é"', (ETag("é"),)),
        ("a", ()),
        ('"a', ()),
        ('"a" "b"', ()),
        ('"a b"', ()),
        ('w/"a"', ()),
        ('"a", bad, "c"', ()),
        ('*, "a"', ()),
        ('""', ()),
        ("", ()),
    ],
)
def test_etags(value: str, tags: tuple[ETag, ...]) -> None:
    assert parse_etags(value) == tags


def test_comparison_of_etags() -> None:
    weak, strong, other = ETag("a", True), ETag("a"), ETag("b")
    assert matches_etag([strong], strong, strong=True)
    assert not matches_etag([weak], strong, strong=True)
    assert not matches_etag([strong], weak, strong=True)
    assert not matches_etag([weak], weak, strong=True)
    assert matches_etag([weak], strong, strong=False)
    assert matches_etag([other, strong], weak, strong=False)
    assert not matches_etag([other], strong, strong=False)
    assert matches_etag([ETag("*")], other, strong=True)
    assert not matches_etag([], other, strong=False)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ('"a"', ETag("a")),
        ('W/"a"', ETag("a", True)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ('"a", "b"', None),
        ("*", None),
        ("yesterday", None),
    ],
)
def test_if_range(value: str | None, wanted: object) -> None:
    assert parse_if_range(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("gzip", [("gzip", 1.0)]),
        ("gzip;q=0.5, br", [("br", 1.0), ("gzip", 0.5)]),
        ("a, b;q=1.0, c;q=0", [("a", 1.0), ("b", 1.0), ("c", 0.0)]),
        ("text/html;level=1;q=0.4;ext=2", [("text/html;level=1", 0.4)]),
        ("a;q=2, b;q=x, c;q=-1, d;q=0.1234, e;q=", []),
        ("A ; Q=0.001", [("a", 0.001)]),
        ('a;x="1,2", b', [('a;x="1,2"', 1.0), ("b", 1.0)]),
        ('a;x="\\",b", c', [('a;x="\\",b"', 1.0), ("c", 1.0)]),
        ("", []),
        (",,;q=1", []),
        ("*;q=0.1", [("*", 0.1)]),
    ],
)
def test_weighted(value: str, wanted: list[tuple[str, float]]) -> None:
    assert parse_weighted(value) == wanted


@pytest.mark.parametrize("piece", [",", '"a",', '"', " ", "a;q=1,", ";", 'W/"', "0-0,"])
def test_long_values_take_linear_time(piece: str) -> None:
    text = piece * 100_000
    parse_etags(text)
    parse_weighted(text)
    with pytest.raises(ValueError, match="Range"):
        parse_ranges("bytes=" + text)
