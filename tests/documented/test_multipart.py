"""multipart.rst: reading answers part by part, sending nested bodies, and the hacks."""

import io
import json

import pytest

from tests.documented.site import reply
from tests.documented.subject import improvement

BODY = (
    b"--:\r\nContent-Type: application/json\r\n\r\n"
    b'{"_id": "foo"}\r\n'
    b"--:\r\nContent-Type: text/plain\r\n"
    b"Content-Disposition: attachment; filename=secret.txt\r\n\r\nsecret\r\n"
    b"--:\r\nContent-Type: text/plain; charset=latin-1\r\n\r\n\xe9\r\n"
    b"--:\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=1&b=2\r\n"
    b"--:--\r\n"
)
PAIRS = (
    b"--:\r\nContent-Type: application/json\r\n\r\n"
    b'{"_id": "foo"}\r\n'
    b"--:\r\nContent-Type: multipart/related; boundary=--:\r\n\r\n"
    b"----:\r\nContent-Type: application/json\r\n\r\n"
    b'{"_id": "bar"}\r\n'
    b"----:\r\nContent-Type: text/plain\r\n"
    b"Content-Disposition: attachment; filename=bar.txt\r\n\r\nbar! bar! bar!\r\n"
    b"----:--\r\n"
    b"--:--\r\n"
)
MIXED = [("Content-Type", "multipart/mixed; boundary=:")]


@pytest.fixture
async def answer(site, session):
    async def get(body):
        there = await site(reply(body, headers=MIXED))
        return await session.get(there.url)

    return get


# Reading Multipart Responses


async def test_parts_come_one_by_one_and_none_after_the_last(aiohttp, answer):
    reader = aiohttp.MultipartReader.from_response(await answer(BODY))
    kinds = []
    while True:
        part = await reader.next()
        if part is None:
            break
        assert isinstance(part, aiohttp.BodyPartReader)
        kinds.append(part.headers[aiohttp.hdrs.CONTENT_TYPE])
    assert kinds == [
        "application/json",
        "text/plain",
        "text/plain; charset=latin-1",
        "application/x-www-form-urlencoded",
    ]
    assert reader.at_eof()


async def test_helpers_for_popular_types(aiohttp, answer):
    reader = aiohttp.MultipartReader.from_response(await answer(BODY))
    assert await (await reader.next()).json() == {"_id": "foo"}
    part = await reader.next()
    assert part.filename == "secret.txt"
    filedata = await part.read(decode=False)
    assert filedata == b"secret"
    assert part.decode(filedata) == b"secret"
    assert await (await reader.next()).text() == "é"
    assert await (await reader.next()).form() == [("a", "1"), ("b", "2")]


async def test_a_part_that_was_not_read_goes_to_the_void(aiohttp, answer):
    reader = aiohttp.MultipartReader.from_response(await answer(BODY))
    await reader.next()
    await reader.next()
    assert await (await reader.next()).text() == "é"


async def test_nested_parts_are_readers(aiohttp, answer):
    reader = aiohttp.MultipartReader.from_response(await answer(PAIRS))
    await reader.next()
    nested = await reader.next()
    assert isinstance(nested, aiohttp.MultipartReader)
    result = []
    while True:
        part = await nested.next()
        if part is None:
            break
        result.append(bytes(await part.read()))
    assert result == [b'{"_id": "bar"}', b"bar! bar! bar!"]
    assert await reader.next() is None


# Sending Multipart Requests


class Kept:
    def __init__(self):
        self.buffer = bytearray()

    async def write(self, data):
        self.buffer.extend(data)


async def sent(aiohttp, writer):
    kept = Kept()
    await writer.write(kept)
    return bytes(kept.buffer)


def reader_of(aiohttp, body, headers, stream_of):
    return aiohttp.MultipartReader(headers, stream_of(body))


async def test_nesting_with_blocks(aiohttp, stream_of):
    with aiohttp.MultipartWriter("mixed") as mpwriter:
        mpwriter.append("hello")
        with aiohttp.MultipartWriter("related") as subwriter:
            subwriter.append("in")
            with aiohttp.MultipartWriter("related") as subsubwriter:
                subsubwriter.append("deep")
            subwriter.append(subsubwriter)
        mpwriter.append(subwriter)
    reader = reader_of(aiohttp, await sent(aiohttp, mpwriter), mpwriter.headers, stream_of)
    assert await (await reader.next()).text() == "hello"
    nested = await reader.next()
    assert await (await nested.next()).text() == "in"
    assert await (await (await nested.next()).next()).text() == "deep"


async def test_default_types(aiohttp, tmp_path):
    writer = aiohttp.MultipartWriter("mixed")
    assert writer.append("hello").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert writer.append(b"aiohttp").headers["Content-Type"] == "application/octet-stream"
    part = writer.append(io.BytesIO(b"GIF89a..."), {"CONTENT-TYPE": "image/gif"})
    assert part.headers.getall("Content-Type") == ["image/gif"]
    path = tmp_path / "page.html"
    path.write_text("<p>")
    with path.open("rb") as file:
        part = writer.append(file)
        assert part.headers["Content-Type"] == "text/html"
        assert 'filename="page.html"' in part.headers["Content-Disposition"]
        part.set_content_disposition("attachment", filename="secret.txt")
        assert part.headers["Content-Disposition"] == 'attachment; filename="secret.txt"'
        part.headers[aiohttp.hdrs.CONTENT_ID] = "<part1@example.com>"
        assert b"<part1@example.com>" in await sent(aiohttp, writer)


async def test_a_content_encoding_is_applied(aiohttp, stream_of):
    writer = aiohttp.MultipartWriter("mixed")
    writer.append("x" * 1000, {"Content-Encoding": "gzip"})
    body = await sent(aiohttp, writer)
    assert len(body) < 500
    part = await reader_of(aiohttp, body, writer.headers, stream_of).next()
    assert await part.text() == "x" * 1000


@improvement("an encoding that is set after the part was appended counts, as the page shows it")
async def test_a_content_encoding_that_is_set_later_is_applied(aiohttp, stream_of):
    writer = aiohttp.MultipartWriter("mixed")
    part = writer.append("x" * 1000)
    part.headers[aiohttp.hdrs.CONTENT_ENCODING] = "gzip"
    body = await sent(aiohttp, writer)
    assert len(body) < 500
    part = await reader_of(aiohttp, body, writer.headers, stream_of).next()
    assert await part.text() == "x" * 1000


async def test_json_and_forms(aiohttp, stream_of):
    writer = aiohttp.MultipartWriter("mixed")
    writer.append_json({"test": "passed"})
    writer.append_form([("key", "value")])
    reader = reader_of(aiohttp, await sent(aiohttp, writer), writer.headers, stream_of)
    assert await (await reader.next()).json() == {"test": "passed"}
    assert await (await reader.next()).form() == [("key", "value")]


async def test_posting_a_writer(aiohttp, site, session, stream_of):
    there = await site(reply("ok"))
    writer = aiohttp.MultipartWriter("mixed")
    writer.append("hello")
    async with session.post(there.url, data=writer):
        pass
    asked = there.last
    assert asked["Content-Type"] == f"multipart/mixed; boundary={writer.boundary}"
    part = await reader_of(aiohttp, asked.body, writer.headers, stream_of).next()
    assert await part.text() == "hello"


async def test_mjpeg_streams(aiohttp, web, serve):
    async def handler(request):
        response = web.StreamResponse(
            status=200,
            reason="OK",
            headers={"Content-Type": "multipart/x-mixed-replace;boundary=some-boundary"},
        )
        await response.prepare(request)
        for frame in (b"one", b"two"):
            with aiohttp.MultipartWriter("image/jpeg"[6:], boundary="some-boundary") as mpwriter:
                mpwriter.append(frame, {"Content-Type": "image/jpeg"})
                await mpwriter.write(response, close_boundary=False)
        return response

    server = await serve(handler)
    body = (await server.get("/")).body
    assert body.count(b"--some-boundary\r\n") == 2
    assert b"--some-boundary--" not in body
    assert body.endswith(b"two\r\n")


# Hacking Multipart


async def test_taking_the_content_length_out(aiohttp):
    writer = aiohttp.MultipartWriter("mixed")
    writer.append("hello")
    assert b"Content-Length" in await sent(aiohttp, writer)
    for found in writer:
        part = found[0] if isinstance(found, tuple) else found
        part.headers.pop(aiohttp.hdrs.CONTENT_LENGTH, None)
    assert b"Content-Length" not in await sent(aiohttp, writer)


@improvement("iterating over a writer gives its payloads, as the page shows it")
async def test_iterating_gives_payloads(aiohttp):
    writer = aiohttp.MultipartWriter("mixed")
    part = writer.append("hello")
    assert list(writer) == [part]


async def test_pairs_of_documents_and_files(aiohttp, answer):
    class PairsMultipartReader(aiohttp.MultipartReader):
        multipart_reader_cls = aiohttp.MultipartReader

        async def next(self):
            reader = await super().next()
            if self._at_eof:
                return None, None
            if isinstance(reader, self.multipart_reader_cls):
                doc = await (await reader.next()).json()
            else:
                doc = await reader.json()
            return doc, reader

    reader = PairsMultipartReader.from_response(await answer(PAIRS))
    result = []
    while True:
        doc, files_reader = await reader.next()
        if doc is None:
            break
        files = []
        if isinstance(files_reader, aiohttp.MultipartReader):
            while (part := await files_reader.next()) is not None:
                files.append((part.filename, bytes(await part.read())))
        result.append((json.dumps(doc), files))
    assert result == [
        ('{"_id": "foo"}', []),
        ('{"_id": "bar"}', [("bar.txt", b"bar! bar! bar!")]),
    ]
