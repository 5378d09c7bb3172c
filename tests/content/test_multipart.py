"""Multipart readers and writers: names, codings, limits, nesting, and bodies that go wrong."""

import base64
import gzip
import io
import subprocess
import sys
import zlib
from typing import Any

import pytest

from tercel.content.dispositions import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    parse_content_disposition,
    read_part_names,
)
from tercel.content.multipart import (
    BadMultipart,
    BodyPartReader,
    BodyPartReaderPayload,
    MultipartReader,
    MultipartWriter,
)
from tercel.content.payload import BytesPayload, get_payload
from tercel.net.streams import StreamReader

MIXED = {"Content-Type": "multipart/mixed; boundary=b"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


class Pieces:
    """A stream that gives what it was given, piece by piece."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def readany(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


class Sink:
    def __init__(self) -> None:
        self.data = bytearray()

    async def write(self, chunk: Any) -> None:
        self.data += chunk


def stream(data: bytes) -> StreamReader:
    made = StreamReader()
    made.feed_data(data)
    made.feed_eof()
    return made


def body(content: bytes, *fields: bytes) -> bytes:
    return b"--b\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + content + b"\r\n--b--\r\n"


async def first(data: bytes, headers: Any = MIXED, **options: Any) -> Any:
    return await MultipartReader(headers, stream(data), **options).next()


# Names

NAMES: list[tuple[str, str | None, str | None]] = [
    ('form-data; name="a"', "a", None),
    ("form-data; name=a; filename=b", "a", "b"),
    ('form-data; name="a;b"; filename="c=d; e"', "a;b", "c=d; e"),
    ('form-data; name="a"; filename=""', "a", ""),
    ('form-data; name="ф"; filename="ф.txt"', "ф", "ф.txt"),
    ('form-data; name="a%22b%0d%0A"; filename="c%22d"', 'a"b\r\n', 'c"d'),
    ('form-data; name="100%25"; filename="100%25.txt"', "100%25", "100%25.txt"),
    ('form-data; name="a\\"b"; filename="c\\\\d\\"e"', 'a"b', 'c\\d"e'),
    ('form-data; name=a; filename="C:\\dir\\a.txt"', "a", "C:\\dir\\a.txt"),
    ("form-data; name=a; filename=e.t; filename*=UTF-8''%C3%A9%22.t", "a", 'é".t'),
    ("form-data; name=a; filename*=iso-8859-1'en'%E9%2522.t", "a", "é%22.t"),
    ("form-data; name=a; filename*=UTF-8''%C3; filename=e.t", "a", "e.t"),
    ("attachment; filename*0=ab; filename*1=c.t", None, "abc.t"),
    ("attachment; filename*0*=UTF-8''%C3; filename*1*=%A9.t", None, "é.t"),
    ('attachment; filename="a%22"', None, "a%22"),
    ("form-data", None, None),
    ("form data; name=a", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("value", "name", "filename"), NAMES)
async def test_names(value: str, name: str | None, filename: str | None) -> None:
    assert read_part_names(value) == (name, filename)
    part = await first(body(b"", b"Content-Disposition: " + value.encode()), FORM)
    assert (part.name, part.filename) == (name, filename)


@pytest.mark.filterwarnings("error")
async def test_reading_a_part_never_warns() -> None:
    for value in (b"form data; name=a", b"form-data; name", b"a; filename*=utf-8''%C3"):
        assert (await first(body(b"", b"Content-Disposition: " + value))).name is None


def test_warnings() -> None:
    with pytest.warns(BadContentDispositionHeader):
        assert parse_content_disposition("form data; name=a") == (None, {})
    with pytest.warns(BadContentDispositionParam):
        assert parse_content_disposition("a; filename*=utf-8''%C3") == ("a", {})


# Reading


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
async def test_chunks(size: int) -> None:
    part = await first(body(b"0123456789"))
    pieces = []
    while piece := await part.read_chunk(size):
        assert len(piece) <= size
        pieces.append(piece)
    assert b"".join(pieces) == b"0123456789"
    assert part.at_eof()
    assert await part.read_chunk() == b""


@pytest.mark.parametrize("cut", range(1, 60, 7))
async def test_lines(cut: int) -> None:
    raw = body(b"x\r\ny\n\nz")
    reader = MultipartReader(MIXED, Pieces(raw[:cut], raw[cut:]))
    part = await reader.next()
    lines = []
    while line := await part.readline():
        lines.append(line)
    assert lines == [b"x\r\n", b"y\n", b"\n", b"z"]
    assert await reader.next() is None


async def test_a_line_without_end() -> None:
    part = await first(body(b"x" * 200_000))
    with pytest.raises(BadMultipart, match="line"):
        await part.readline()


async def test_what_was_not_read_is_skipped() -> None:
    raw = b"--b\r\n\r\none two\r\n--b\r\n\r\nthree\r\n--b--"
    reader = MultipartReader(MIXED, stream(raw))
    part = await reader.next()
    assert await part.read_chunk(3) == b"one"
    assert [bytes(await part.read()) async for part in reader] == [b"three"]
    assert reader.at_eof()
    assert await reader.next() is None


async def test_base64_chunks_can_be_decoded_one_by_one() -> None:
    data = bytes(range(256)) * 20
    part = await first(body(base64.encodebytes(data), b"Content-Transfer-Encoding: BASE64"))
    found = b""
    while chunk := await part.read_chunk(101):
        found += part.decode(chunk)
    assert found == data


@pytest.mark.parametrize("large", [1, 100_000])
@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
async def test_content_codings(coding: str, encode: Any, large: int) -> None:
    data = bytes(range(256)) * large
    raw = encode(data[:1_000_000])
    fields = (b"Content-Encoding: " + coding.encode(),)
    assert await (await first(body(raw, *fields))).read() == raw
    part = await first(body(raw, *fields))
    assert await part.read(decode=True) == data[:1_000_000]
    assert part.decode(raw) == data[:1_000_000]
    assert b"".join([piece async for piece in part.decode_iter(raw)]) == data[:1_000_000]


async def test_a_form_has_no_content_codings() -> None:
    # RFC 7578 section 4.8
    part = await first(body(b"x", b"Content-Encoding: gzip"), FORM)
    assert await part.read(decode=True) == b"x"


@pytest.mark.parametrize("field", [b"Content-Encoding: zip", b"Content-Transfer-Encoding: zip"])
async def test_unknown_codings(field: bytes) -> None:
    part = await first(body(b"x", field))
    with pytest.raises(RuntimeError, match="unknown"):
        part.decode(b"x")
    with pytest.raises(RuntimeError, match="unknown"):
        await part.text()


async def test_bombs() -> None:
    raw = body(gzip.compress(bytes(10_000_000)), b"Content-Encoding: gzip")
    part = await first(raw, client_max_size=1_000_000)
    with pytest.raises(ValueError, match="1000000"):
        await part.read(decode=True)
    part = await first(raw, client_max_size=1_000_000)
    with pytest.raises(ValueError, match="1000000"):
        part.decode(bytes(await part.read()))
    part = await first(raw)
    assert max([len(piece) async for piece in part.decode_iter(await part.read())]) <= 262_144


async def test_size_limit() -> None:
    assert len(await (await first(body(b"x" * 100), client_max_size=100)).read()) == 100
    part = await first(body(b"x" * 101), client_max_size=100)
    with pytest.raises(ValueError, match="100"):
        await part.read()


async def test_charset_of_a_form() -> None:
    field = b'Content-Disposition: form-data; name="%s"\r\n\r\n'
    raw = (
        b"--b\r\n" + field % b"_charset_" + b"latin-1\r\n--b\r\n" + field % b"a" + b"\xe9\r\n--b--"
    )
    part = await first(raw, FORM)
    assert part.name == "a"
    assert await part.text() == "é"
    for bad in (b"nonsense", b"x" * 32, b"hex"):
        with pytest.raises(BadMultipart):
            await first(raw.replace(b"latin-1", bad), FORM)


# Nesting


def nest(depth: int) -> bytes:
    raw = b"in"
    for level in range(depth, 0, -1):
        field = b"Content-Type: multipart/mixed; boundary=n%02d" % (level + 1)
        if level == depth:
            field = b"A: 1"
        raw = b"--n%02d\r\n%s\r\n\r\n%s\r\n--n%02d--" % (level, field, raw, level)
    return raw


async def test_nested() -> None:
    headers = {"Content-Type": "multipart/mixed; boundary=n01"}
    reader = MultipartReader(headers, stream(nest(16)))
    for _ in range(15):
        reader = await reader.next()
        assert isinstance(reader, MultipartReader)
    assert await (await reader.next()).read() == b"in"
    reader = MultipartReader(headers, stream(nest(17)))
    with pytest.raises(BadMultipart, match="deep"):
        for _ in range(16):
            reader = await reader.next()


async def test_a_nested_body_ends_with_its_part() -> None:
    field = b"Content-Type: multipart/mixed; boundary=c"
    raw = b"--b\r\n" + field + b"\r\n\r\n--c\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--"
    reader = MultipartReader(MIXED, stream(raw))
    nested = await reader.next()
    with pytest.raises(ValueError, match="ended"):
        await (await nested.next()).read()
    assert await (await reader.next()).read() == b"2"
    reader = MultipartReader(MIXED, stream(raw))
    await reader.next()
    assert await (await reader.next()).read() == b"2"
    assert await reader.next() is None


async def test_release() -> None:
    content = stream(b"--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n")
    reader = MultipartReader(MIXED, content)
    await reader.release()
    assert reader.at_eof()
    assert content.at_eof()


# Bodies that go wrong

BAD = [
    b"",
    b"x",
    b"--b",
    b"--b\r\n",
    b"--b\r\nA: 1\r\n",
    b"--b\r\n\r\nx",
    b"--b\r\n\r\nx\r\n--b",
    b"--b\r\nA 1\r\n\r\n\r\n--b--",
]


@pytest.mark.parametrize("raw", BAD)
@pytest.mark.parametrize("how", ["next", "release"])
async def test_truncated_and_malformed(raw: bytes, how: str) -> None:
    reader = MultipartReader(MIXED, stream(raw))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"multipart|part"):
            if how == "release":
                await reader.release()
            else:
                while (part := await reader.next()) is not None:
                    await part.read()


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/mixed",
        'multipart/mixed; boundary=""',
        "multipart/mixed; boundary=" + "x" * 71,
    ],
)
def test_types_that_are_refused(content_type: str) -> None:
    with pytest.raises(ValueError, match=r"multipart|boundary"):
        MultipartReader({"Content-Type": content_type}, stream(b""))


def test_without_assertions() -> None:
    program = (
        "import asyncio\n"
        "from tercel import MultipartReader, StreamReader\n"
        "async def read(kind, raw):\n"
        "    s = StreamReader(); s.feed_data(raw); s.feed_eof()\n"
        "    try:\n"
        "        r = MultipartReader({'Content-Type': kind}, s)\n"
        "        while (p := await r.next()) is not None: await p.read()\n"
        "    except ValueError: return 'refused'\n"
        "async def main():\n"
        f"    for raw in {BAD!r}: print(await read('multipart/x; boundary=b', raw))\n"
        "    print(await read('text/plain', b''))\n"
        "asyncio.run(main())"
    )
    run = subprocess.run(
        [sys.executable, "-O", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.split() == ["refused"] * (len(BAD) + 1)


# Writing


async def written(payload: Any) -> bytes:
    sink = Sink()
    await payload.write(sink)
    return bytes(sink.data)


async def test_what_is_written_is_read() -> None:
    writer = MultipartWriter("mixed", "outer")  # no beginning of the inner one's, which is hex
    writer.append("text é")
    writer.append_json({"a": 1})
    writer.append_form({"a": "b c"})
    writer.append(io.BytesIO(b"file"), {"Content-Type": "image/gif"})
    inner = MultipartWriter("related")
    inner.append(b"in")
    writer.append(inner)
    raw = await written(writer)
    assert len(raw) == writer.size
    assert raw == await writer.as_bytes()
    assert len(writer) == len(list(writer)) == 5
    reader = MultipartReader(writer.headers, stream(raw))
    assert await (await reader.next()).text() == "text é"
    assert await (await reader.next()).json() == {"a": 1}
    assert await (await reader.next()).form() == [("a", "b c")]
    part = await reader.next()
    assert part.headers["Content-Type"] == "image/gif"
    assert await part.read() == b"file"
    nested = await reader.next()
    assert await (await nested.next()).read() == b"in"


@pytest.mark.parametrize("content", ["", "gzip", "deflate"])
@pytest.mark.parametrize("transfer", ["", "base64", "quoted-printable", "binary"])
@pytest.mark.parametrize(
    "data", [b"", b"x", b"a = b \r\n\n\r \t", bytes(range(256)) * 300, b"line \n" * 500]
)
async def test_codings_are_undone(content: str, transfer: str, data: bytes) -> None:
    fields = {"Content-Encoding": content, "Content-Transfer-Encoding": transfer}
    writer = MultipartWriter("mixed", "b")
    writer.append(io.BytesIO(data), {name: value for name, value in fields.items() if value})
    raw = await written(writer)
    if transfer in ("base64", "quoted-printable"):
        assert max(map(len, raw.split(b"\r\n"))) <= 76
    part = await first(raw)
    assert await part.read(decode=True) == data


async def test_a_coding_set_later() -> None:
    writer = MultipartWriter("mixed", "b")
    part = writer.append("x" * 1000)
    assert part.headers["Content-Length"] == "1000"
    part.headers["Content-Encoding"] = "gzip"
    assert writer.size is None
    raw = await written(writer)
    assert b"Content-Length" not in raw
    assert await (await first(raw)).text() == "x" * 1000
    part.headers["Content-Encoding"] = "zip"
    with pytest.raises(RuntimeError, match="zip"):
        await written(writer)


@pytest.mark.parametrize("octet", [*range(9), *range(10, 32), 127])
@pytest.mark.parametrize("name", [True, False])
async def test_no_control_characters(octet: int, name: bool) -> None:
    text = f"a{chr(octet)}b"
    writer = MultipartWriter("mixed")
    writer.append("x", {text: "a"} if name else {"a": text})
    with pytest.raises(ValueError, match="field"):
        await written(writer)
    with pytest.raises(ValueError, match="field"):
        writer.size  # noqa: B018


@pytest.mark.parametrize("boundary", ["", "é", "x" * 71, "a\r\nb", "a\x00", "a "])
def test_boundaries_that_are_refused(boundary: str) -> None:
    with pytest.raises(ValueError, match="boundary"):
        MultipartWriter("mixed", boundary)


@pytest.mark.parametrize("boundary", ["x", "x" * 70, 'a"b', "a b;c=d", "a\\b", "'()+_,-./:=?"])
async def test_boundaries(boundary: str) -> None:
    writer = MultipartWriter("mixed", boundary)
    writer.append("x")
    assert await (await first(await written(writer), writer.headers)).read() == b"x"


async def test_sent_again_and_cut() -> None:
    writer = MultipartWriter("mixed", "b")
    writer.append(io.BytesIO(b"file"))
    raw = await written(writer)
    assert await written(writer) == raw
    sink = Sink()
    await writer.write_with_length(sink, 20)
    assert sink.data == raw[:20]


async def test_without_an_end() -> None:
    writer = MultipartWriter("x-mixed-replace", "b")
    writer.append("x")
    sink = Sink()
    await writer.write(sink, close_boundary=False)
    assert sink.data.endswith(b"\r\n\r\nx\r\n")


async def test_close_closes_every_part() -> None:
    closed = []

    class Part(BytesPayload):
        async def close(self) -> None:
            closed.append(self)
            raise OSError

    writer = MultipartWriter()
    parts = [writer.append(Part(b"")), writer.append(Part(b""))]
    with pytest.raises(OSError):
        await writer.close()
    assert closed == parts


async def test_a_part_is_sent_on() -> None:
    field = b'Content-Disposition: form-data; name="a"; filename="b.gif"'
    raw = body(b"aGk=", field, b"Content-Transfer-Encoding: base64", b"Content-Type: image/gif")
    part = await first(raw)
    assert isinstance(part, BodyPartReader)
    payload = get_payload(part)
    assert isinstance(payload, BodyPartReaderPayload)
    assert payload.content_type == "image/gif"
    assert payload.filename == "b.gif"
    assert await written(payload) == b"hi"
    assert payload.consumed
