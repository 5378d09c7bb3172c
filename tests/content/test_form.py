"""Forms: what they accept, and when they become multipart (client_reference, "FormData")."""

import io
import pathlib
from typing import Any

import pytest
from multidict import MultiDict, MultiDictProxy

from tercel.content.form import FormData
from tercel.content.multipart import MultipartReader
from tercel.net.streams import StreamReader

PLAIN: list[tuple[Any, str]] = [
    ({}, ""),
    ({"a": "b c", "é": "ü"}, "a=b+c&%C3%A9=%C3%BC"),
    ({"a": 1, "b": 1.5, "c": True, "d": None}, "a=1&b=1.5&c=True&d=None"),
    ([("a", "1"), ("a", "2")], "a=1&a=2"),
    ((("a", "1"),), "a=1"),
    ([["a", "1"]], "a=1"),
    (MultiDict([("a", "1"), ("a", "2")]), "a=1&a=2"),
    (MultiDictProxy(MultiDict([("a", "1")])), "a=1"),
    ([MultiDict([("a", "1")]), ("b", "2")], "a=1&b=2"),
    ({"a": ["x", "y"]}, "a=x&a=y"),
    ({"a": "&=+%"}, "a=%26%3D%2B%25"),
]


@pytest.mark.parametrize(("fields", "body"), PLAIN)
def test_urlencoded(fields: Any, body: str) -> None:
    form = FormData(fields)
    assert not form.is_multipart
    payload = form()
    assert payload.decode() == body
    assert payload.content_type == "application/x-www-form-urlencoded"


def test_charset() -> None:
    payload = FormData({"a": "é"}, charset="latin-1")()
    assert payload.decode() == "a=%E9"
    assert payload.content_type == "application/x-www-form-urlencoded; charset=latin-1"


@pytest.mark.parametrize("fields", [5, "text", [5], [("a", "b", "c")], [("a",)], object()])
def test_refused(fields: Any) -> None:
    with pytest.raises(TypeError):
        FormData(fields)


def test_fields_are_added() -> None:
    form = FormData()
    form.add_field("a", "1")
    form.add_fields(("b", "2"), MultiDict(c="3"))
    assert form().decode() == "a=1&b=2&c=3"


MULTIPART: list[tuple[Any, dict[str, str]]] = [
    ("x", {"content_type": "text/plain"}),
    ("x", {"filename": "a.txt"}),
    ("x", {"content_transfer_encoding": "base64"}),
    (io.BytesIO(b"x"), {}),
    (b"x", {}),
]


@pytest.mark.parametrize(("value", "options"), MULTIPART)
def test_multipart(value: Any, options: dict[str, str]) -> None:
    form = FormData()
    form.add_field("a", value, **options)
    assert form.is_multipart


def test_default_to_multipart() -> None:
    assert FormData({"a": "b"}, default_to_multipart=True).is_multipart


@pytest.mark.parametrize("option", ["content_type", "filename", "content_transfer_encoding"])
def test_options_are_text(option: str) -> None:
    with pytest.raises(TypeError):
        FormData().add_field("a", "b", **{option: 5})  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["content_type", "content_transfer_encoding"])
def test_options_have_no_line_breaks(option: str) -> None:
    with pytest.raises(ValueError):
        FormData().add_field("a", "b", **{option: "x\r\ny"})


async def read_back(form: FormData) -> list[tuple[Any, ...]]:
    payload = form()
    raw = await payload.as_bytes()
    assert payload.size in (len(raw), None)
    stream = StreamReader()
    stream.feed_data(raw)
    stream.feed_eof()
    found = []
    async for part in MultipartReader(payload.headers, stream):
        kind = part.headers["Content-Type"]
        found.append((part.name, part.filename, kind, bytes(await part.read(decode=True))))
    return found


async def test_multipart_is_read_back(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a b.gif"
    path.write_bytes(b"GIF89a")
    form = FormData()
    form.add_field("a", "é")
    form.add_field("b", b"octets")
    form.add_field("c", "x", content_type="text/html", filename="c.htm")
    form.add_field("d", "coded", content_transfer_encoding="base64")
    with path.open("rb") as file:
        form.add_field("e", file)
        expected = [
            ("a", None, "text/plain; charset=utf-8", "é".encode()),
            ("b", "b", "application/octet-stream", b"octets"),
            ("c", "c.htm", "text/html", b"x"),
            ("d", None, "text/plain; charset=utf-8", b"coded"),
            ("e", "a b.gif", "image/gif", b"GIF89a"),
        ]
        assert await read_back(form) == expected
        assert await read_back(form) == expected
        form.add_field("f", "more")
        assert len(await read_back(form)) == 6


@pytest.mark.parametrize("quote_fields", [True, False])
@pytest.mark.parametrize("name", ["a", "ф é", 'a"b', "a\\b", "a;b=c", "100%", "a b", "%41"])
async def test_names_are_read_back(name: str, quote_fields: bool) -> None:
    form = FormData(quote_fields=quote_fields)
    form.add_field(name, "x", filename=name)
    assert [field[:2] for field in await read_back(form)] == [(name, name)]


async def test_line_breaks_in_names() -> None:
    form = FormData()
    form.add_field("a\r\nb", "x", filename="c\nd")
    assert b'name="a%0D%0Ab"; filename="c%0Ad"' in await form().as_bytes()
    form = FormData(quote_fields=False)
    form.add_field("a\r\nb", "x", filename="c")
    with pytest.raises(ValueError, match="line break"):
        form()


async def test_names_in_another_charset() -> None:
    form = FormData(charset="latin-1")
    form.add_field("é", "ü", filename="é.txt")
    raw = await form().as_bytes()
    assert b'name="\xe9"; filename="\xe9.txt"' in raw
    assert b"charset=latin-1\r\n" in raw
    assert b"\r\n\r\n\xfc\r\n" in raw


@pytest.mark.parametrize("value", [1, None, object()])
def test_values_that_no_part_can_hold(value: Any) -> None:
    form = FormData({"a": value}, default_to_multipart=True)
    with pytest.raises(TypeError, match="'a'"):
        form()
