"""Forms: what they accept, and when they become multipart (client_reference, "FormData")."""

import io
from typing import Any

import pytest
from multidict import MultiDict, MultiDictProxy

from tercel.content.form import FormData

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
