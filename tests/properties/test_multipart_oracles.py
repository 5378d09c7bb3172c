"""Multipart bodies against parsers that share nothing with ours: PyPI's `multipart`, and `email`.

Generated forms are read alike by all; what our writer makes is read by the others; and octets at
random end in parts or in one of the two documented errors, never in anything else.
"""

import asyncio
import email
import email.policy
from typing import Any

import multipart
from hypothesis import given, settings
from hypothesis import strategies as st

from tercel.content.assembly import MultipartWriter
from tercel.content.form import FormData
from tercel.content.multipart import BadMultipart, MultipartReader
from tercel.net.streams import StreamReader
from tercel.wire.multipart import (
    EndOfBody,
    EndOfPart,
    MultipartParser,
    PartHead,
    TruncatedMultipart,
)

BOUNDARIES = st.text(
    "0123456789abcXYZ'()+_,-./:=?", min_size=1, max_size=70
)  # those of RFC 2046 but the space
CONTENT = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b"-", b"--", b"\r\n--", b"x", b"\x00\xff", b"b" * 40])
    | st.binary(max_size=20),
    max_size=12,
).map(b"".join)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\%'))
Parts = list[tuple[str, str | None, bytes]]


@st.composite
def forms(draw: Any) -> tuple[bytes, Parts]:
    boundary = draw(BOUNDARIES).encode()
    mark = b"\r\n--" + boundary
    contents = CONTENT.filter(lambda data: mark not in b"\r\n" + data + b"\r\n--")
    return boundary, draw(
        st.lists(st.tuples(NAMES, st.none() | NAMES.filter(bool), contents), max_size=5)
    )


def encode(boundary: bytes, parts: Parts) -> bytes:
    out = []
    for name, filename, data in parts:
        says = f'Content-Disposition: form-data; name="{name}"'
        if filename is not None:
            says += f'; filename="{filename}"\r\nContent-Type: application/x-test'
        out.append(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, says.encode(), data))
    return b"".join(out) + b"--%b--\r\n" % boundary


async def read(kind: str, pieces: list[bytes]) -> Parts:
    stream = StreamReader()
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    reader = MultipartReader({"Content-Type": kind}, stream)
    parts: Parts = []
    while (part := await reader.next()) is not None:
        parts.append((part.name, part.filename, bytes(await part.read())))
    return parts


def read_with_multipart(boundary: bytes, raw: bytes) -> Parts:
    parts: Parts = []
    with multipart.PushMultipartParser(boundary, content_length=len(raw), strict=True) as parser:
        for event in parser.parse(raw):
            if isinstance(event, multipart.MultipartSegment):
                parts.append((event.name, event.filename, b""))
            elif event:
                name, filename, data = parts[-1]
                parts[-1] = name, filename, data + bytes(event)
    return parts


@settings(max_examples=150, deadline=None)
@given(forms(), st.data())
def test_forms(form: tuple[bytes, Parts], data: Any) -> None:
    boundary, parts = form
    raw = encode(boundary, parts)
    kind = f'multipart/form-data; boundary="{boundary.decode()}"'
    cut = data.draw(st.integers(0, len(raw)))
    ours = asyncio.run(read(kind, [raw[:cut], raw[cut:]]))
    assert ours == parts
    if parts:  # the other one refuses a form of none
        assert read_with_multipart(boundary, raw) == parts


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES.filter(bool), CONTENT), max_size=5))
def test_what_we_write(fields: list[tuple[str, str, bytes]]) -> None:
    form = FormData(default_to_multipart=True)
    for name, filename, data in fields:
        form.add_field(name, data, filename=filename, content_type="application/x-test")
    payload = form()
    assert isinstance(payload, MultipartWriter)

    async def written() -> bytes:
        return bytes(await payload.as_bytes())

    raw = asyncio.run(written())
    assert len(raw) == payload.size
    assert asyncio.run(read(payload.content_type, [raw])) == fields
    if not fields:
        return
    assert read_with_multipart(payload.boundary.encode(), raw) == fields
    head = b"MIME-Version: 1.0\r\nContent-Type: %b\r\n\r\n" % payload.content_type.encode()
    message = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
    seen = [part.get_payload(decode=True) for part in message.iter_parts()]  # type: ignore[attr-defined]
    assert [len(each) for each in seen] == [len(data) for _, _, data in fields]


FRAGMENTS = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"\r", b"\n", b"A: 1", b":", b" ", b"x", b"-", b"\x00", b"\xff"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=30), st.integers(1, 9), st.booleans())
def test_junk(fragments: list[bytes], size: int, whole: bool) -> None:
    raw = b"".join(fragments)
    if whole:
        raw = b"--b\r\n\r\n" + raw + b"\r\n--b--"
    outcomes = {told(raw, step) for step in (size, len(raw) or 1)}
    assert len(outcomes) == 1


def told(raw: bytes, size: int) -> tuple[Any, ...]:
    """The parts, or the error, however the octets are cut."""
    parser = MultipartParser(b"b")
    parts: list[bytes] = []
    events = 0
    try:
        for start in [*range(0, len(raw), size), None]:
            if start is None:
                parser.feed_eof()
            else:
                parser.feed_data(raw[start : start + size])
            while (event := parser.next_event()) is not None:
                events += 1
                assert events < 1000
                if isinstance(event, PartHead):
                    parts.append(b"")
                elif isinstance(event, bytes):
                    parts[-1] += event
                elif isinstance(event, EndOfBody):
                    return ("whole", *parts)
                else:
                    assert isinstance(event, EndOfPart)
    except BadMultipart:
        return ("bad",)
    except TruncatedMultipart:
        return ("cut off",)
    return ("more",)
