import time
from urllib.parse import parse_qsl, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tercel.web.forms import parse_forwarded, parse_urlencoded


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        (b"", []),
        (b"&&", []),
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"a", [("a", "")]),
        (b"=a", [("", "a")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a+b=c+d%2B", [("a b", "c d+")]),
        (b"a=%C3%A9", [("a", "é")]),
        (b"a=%", [("a", "%")]),
        (b"a=%4", [("a", "%4")]),
        (b"a=%zz%41", [("a", "%zzA")]),
        (b"a=%ff", [("a", "\ufffd")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b"a=%26%3D", [("a", "&=")]),
    ],
)
def test_pairs(data: bytes, pairs: list[tuple[str, str]]) -> None:
    assert parse_urlencoded(data) == pairs


def test_charset() -> None:
    assert parse_urlencoded(b"a=%E9", "latin-1") == [("a", "é")]
    with pytest.raises(LookupError):
        parse_urlencoded(b"a=1", "no-such-charset")


@given(st.lists(st.tuples(st.binary(min_size=1), st.binary())))
def test_as_the_standard_library_reads_it(fields: list[tuple[bytes, bytes]]) -> None:
    data = "&".join(f"{quote_from_bytes(k)}={quote_from_bytes(v)}" for k, v in fields)
    expected = parse_qsl(data, keep_blank_values=True, errors="replace")
    assert parse_urlencoded(data.encode()) == expected


@pytest.mark.parametrize(
    ("line", "elements"),
    [
        ("", [{}]),
        ("for=a", [{"for": "a"}]),
        ("For=a;PROTO=https", [{"for": "a", "proto": "https"}]),
        ("for=a, for=b", [{"for": "a"}, {"for": "b"}]),
        ('for="[2001:db8::1]:80"', [{"for": "[2001:db8::1]:80"}]),
        (r'for="a\"b"', [{"for": 'a"b'}]),
        ('for="a,b;c=d"', [{"for": "a,b;c=d"}]),
        ("for=a;", [{"for": "a"}]),
        ("for=a b, for=c", [{"for": "a"}, {"for": "c"}]),
        ('for="open', [{}]),
        ("for=_hidden;by=_b", [{"for": "_hidden", "by": "_b"}]),
    ],
)
def test_forwarded(line: str, elements: list[dict[str, str]]) -> None:
    assert [dict(each) for each in parse_forwarded([line])] == elements


def test_forwarded_fields_add_up() -> None:
    assert [dict(e) for e in parse_forwarded(["for=a", "for=b"])] == [{"for": "a"}, {"for": "b"}]


@pytest.mark.parametrize("unit", ['for="', "for=a;", ",", " ", '"\\', "a=", "for=a b,", ";"])
def test_forwarded_takes_linear_time(unit: str) -> None:
    def spent(count: int) -> float:
        line = unit * count
        best = 9.0
        for _ in range(3):
            begun = time.process_time()
            parse_forwarded([line])
            best = min(best, time.process_time() - begun)
        return best

    small, large = spent(4_000), spent(32_000)
    assert large < max(small, 0.002) * 32, f"8 times the input took {large / small:.0f} times"
