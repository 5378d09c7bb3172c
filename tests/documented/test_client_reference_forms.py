"""client_reference.rst "FormData": url-encoded forms, and when a form is multipart."""

import io

import pytest
from multidict import MultiDict

from tests.documented.site import reply

# FormData


async def sent(site, session, form):
    there = await site(reply("ok"))
    async with session.post(there.url, data=form):
        pass
    return there.last


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"a": "1", "b": "2"}, b"a=1&b=2"),
        ([("a", "1"), ("a", "2")], b"a=1&a=2"),
        (MultiDict([("a", "1"), ("a", "\u0444")]), b"a=1&a=%D1%84"),
        ((), b""),
    ],
)
async def test_urlencoded_form(site, session, aiohttp, fields, body):
    form = aiohttp.FormData(fields)
    assert not form.is_multipart
    asked = await sent(site, session, form)
    assert asked.body == body
    assert asked["Content-Type"] == "application/x-www-form-urlencoded"


async def test_form_in_another_charset(site, session, aiohttp):
    form = aiohttp.FormData({"a": "\u0444"}, charset="cp1251")
    asked = await sent(site, session, form)
    assert asked.body == b"a=%F4"
    assert asked["Content-Type"] == "application/x-www-form-urlencoded; charset=cp1251"


async def test_a_form_is_callable(aiohttp):
    assert isinstance(aiohttp.FormData({"a": "1"})(), aiohttp.Payload)


@pytest.mark.parametrize(
    ("value", "options", "multipart"),
    [
        ("text", {}, False),
        ("text", {"content_type": "text/html"}, True),
        ("text", {"filename": "f"}, True),
        (b"bytes", {"filename": "f"}, True),
        (io.BytesIO(b"file"), {}, True),
    ],
)
async def test_when_a_form_is_multipart(aiohttp, value, options, multipart):
    form = aiohttp.FormData()
    form.add_field("n", value, **options)
    assert form.is_multipart is multipart


@pytest.mark.parametrize(
    "options", [{"content_type": 5}, {"filename": 5}, {"content_type": "a\r\nb: c"}]
)
async def test_bad_fields(aiohttp, options):
    with pytest.raises((TypeError, ValueError)):
        aiohttp.FormData().add_field("n", "v", **options)


async def test_bad_field_values(aiohttp):
    with pytest.raises(TypeError):
        aiohttp.FormData("text")
    with pytest.raises(TypeError):
        aiohttp.FormData([("a", "b", "c")])
