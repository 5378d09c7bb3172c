"""Any split of the same octets gives the same facts, for generated and for mutated messages."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.h1rows import read_all

TOKENS = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=12).map(str.encode)
VALUES = st.text('az09 \t"(),/:;<=>?@[]{}é', max_size=30).map(str.encode)
BODIES = st.binary(max_size=60)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """One request with a body framed in one of the three ways."""
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"OPTIONS", b"M-SEARCH"]))
    target = b"/" + draw(st.text("az/?&=%20", max_size=20)).encode()
    head = [method + b" " + target.replace(b"%0", b"") + b" HTTP/1.1", b"Host: example.com"]
    for name, value in draw(st.lists(st.tuples(TOKENS, VALUES), max_size=6)):
        head.append(b"X-" + name + b":" + value)
    body = draw(BODIES)
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    if framing == "none":
        return b"\r\n".join(head) + b"\r\n\r\n"
    if framing == "length":
        return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", b""]) + body
    chunks = b""
    while body:
        size = draw(st.integers(1, len(body)))
        extension = draw(st.sampled_from([b"", b";a=b", b' ; q="x"']))
        chunks += b"%x%b\r\n%b\r\n" % (size, extension, body[:size])
        body = body[size:]
    trailers = draw(st.sampled_from([b"", b"X-T: 1\r\n", b"A:b\r\nC: d\r\n"]))
    return (
        b"\r\n".join([*head, b"Transfer-Encoding: chunked", b"", b""])
        + chunks
        + b"0\r\n"
        + trailers
        + b"\r\n"
    )


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(raw) + 1) for place in places}), len(raw)]
    return [raw[a:b] for a, b in itertools.pairwise(edges) if a < b]


PLACES = st.lists(st.integers(0, 5000), max_size=30)


@settings(max_examples=300, deadline=None)
@given(st.lists(messages(), min_size=1, max_size=3), PLACES)
def test_valid_messages(parts: list[bytes], places: list[int]) -> None:
    raw = b"".join(parts)
    whole = read_all([raw])
    assert whole[-1][0] != "refused"
    assert sum(fact[0] == "request" for fact in whole) == len(parts)
    assert read_all(cut(raw, places)) == whole


@settings(max_examples=500, deadline=None)
@given(
    messages(),
    st.lists(
        st.tuples(
            st.integers(0, 5000), st.sampled_from(["cut", "put", "set"]), st.integers(0, 255)
        ),
        max_size=4,
    ),
    PLACES,
    st.booleans(),
)
def test_mutated_messages(
    raw: bytes, edits: list[tuple[int, str, int]], places: list[int], server: bool
) -> None:
    if not server:
        raw = b"HTTP/1.1 200 OK\r\n" + raw.partition(b"\r\n")[2]
    data = bytearray(raw)
    for place, kind, octet in edits:
        index = place % max(len(data), 1)
        if kind == "put":
            data.insert(index, octet)
        elif data and kind == "set":
            data[index] = octet
        elif data:
            del data[index]
    raw = bytes(data)
    for eof in (False, True):
        whole = read_all([raw], server=server, eof=eof)
        assert read_all(cut(raw, places), server=server, eof=eof) == whole
        assert read_all([raw[i : i + 1] for i in range(len(raw))], server=server, eof=eof) == whole
