"""multipart_reference.rst, and forms with files: web_quickstart.rst, client_quickstart.rst."""

import base64
import gzip
import io
import zlib

import pytest

from tests.documented.site import reply
from tests.documented.subject import improvement

MIXED = {"Content-Type": "multipart/mixed; boundary=b"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'


def body(content, *fields):
    return b"--b\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + content + b"\r\n--b--\r\n"


@pytest.fixture
def part_of(aiohttp, stream_of):
    async def first(content, *fields, headers=MIXED):
        return await aiohttp.MultipartReader(headers, stream_of(body(content, *fields))).next()

    return first


# BodyPartReader


async def test_read(part_of):
    part = await part_of(b"hello")
    assert not part.at_eof()
    found = await part.read()
    assert isinstance(found, bytearray)
    assert found == b"hello"
    assert part.at_eof()


async def test_read_chunk(part_of):
    part = await part_of(b"x" * 10_000)
    assert part.chunk_size == 8192
    assert [len(await part.read_chunk()) for _ in range(3)] == [8192, 1808, 0]
    part = await part_of(b"x" * 250)
    assert [len(await part.read_chunk(size=100)) for _ in range(4)] == [100, 100, 50, 0]


@improvement("chunks may be as small as one octet")
async def test_small_chunks(part_of):
    part = await part_of(b"hello")
    assert [bytes(await part.read_chunk(size=2)) for _ in range(4)] == [b"he", b"ll", b"o", b""]


async def test_readline(part_of):
    part = await part_of(b"one\r\ntwo\r\nthree")
    assert (await part.readline()).rstrip() == b"one"
    assert (await part.readline()).rstrip() == b"two"
    assert (await part.readline()).rstrip() == b"three"


async def test_release(part_of):
    part = await part_of(b"hello")
    assert await part.release() is None
    assert part.at_eof()


async def test_text_json_and_form(part_of):
    latin = b"Content-Type: text/plain; charset=latin-1"
    assert await (await part_of(b"\xe9", latin)).text() == "é"
    assert await (await part_of("é".encode(), latin)).text(encoding="utf-8") == "é"
    assert await (await part_of(b'{"a": 1}')).json() == {"a": 1}
    assert await (await part_of('"é"'.encode("latin-1"))).json(encoding="latin-1") == "é"
    assert await (await part_of(b"a=%C3%A9&b=")).form() == [("a", "é"), ("b", "")]
    assert await (await part_of(b"a=%E9")).form(encoding="latin-1") == [("a", "é")]


@pytest.mark.parametrize(
    ("field", "encode"),
    [
        (b"Content-Encoding: gzip", gzip.compress),
        pytest.param(
            b"Content-Encoding: deflate",
            zlib.compress,
            marks=improvement("deflate is the zlib format (RFC 9110 section 8.4.1.2)"),
        ),
        (b"Content-Encoding: deflate", lambda data: zlib.compress(data, wbits=-15)),
        (b"Content-Encoding: identity", bytes),
        (b"Content-Transfer-Encoding: base64", base64.b64encode),
        (b"Content-Transfer-Encoding: quoted-printable", lambda data: data.replace(b"l", b"=6C")),
        (b"Content-Transfer-Encoding: binary", bytes),
    ],
)
async def test_decode(part_of, field, encode):
    raw = encode(b"hello")
    part = await part_of(raw, field)
    data = await part.read()
    assert data == raw
    assert part.decode(data) == b"hello"
    assert b"".join([piece async for piece in part.decode_iter(data)]) == b"hello"
    assert await (await part_of(raw, field)).read(decode=True) == b"hello"


@pytest.mark.parametrize("field", [b"Content-Encoding: x", b"Content-Transfer-Encoding: x"])
async def test_unknown_encodings(part_of, field):
    part = await part_of(b"hello", field)
    with pytest.raises(RuntimeError):
        part.decode(b"hello")


async def test_charset(part_of):
    part = await part_of(b"", b"Content-Type: text/plain; charset=latin-1")
    assert part.get_charset(default="utf-8") == "latin-1"
    part = await part_of(b"")
    assert part.get_charset(default="utf-8") == "utf-8"


async def test_names(part_of):
    part = await part_of(b"", b'Content-Disposition: form-data; name="a"; filename="b"')
    assert (part.name, part.filename) == ("a", "b")
    part = await part_of(b"")
    assert (part.name, part.filename) == (None, None)


# MultipartReader and MultipartResponseWrapper


async def test_reader(aiohttp, stream_of):
    reader = aiohttp.MultipartReader(MIXED, stream_of(body(b"1")))
    assert not reader.at_eof()
    await reader.release()
    assert reader.at_eof()
    assert await reader.next() is None


@improvement("the first part can be fetched too")
async def test_fetch_next_part(aiohttp, stream_of):
    reader = aiohttp.MultipartReader(MIXED, stream_of(body(b"1")))
    assert isinstance(await reader.fetch_next_part(), aiohttp.BodyPartReader)


async def test_response_wrapper(aiohttp, site, session):
    there = await site(reply(body(b"1"), headers=list(MIXED.items())))
    answer = await session.get(there.url)
    wrapper = aiohttp.MultipartReader.from_response(answer)
    assert type(wrapper).__name__ == "MultipartResponseWrapper"
    assert not wrapper.at_eof() or answer.content.at_eof()
    async for part in wrapper:
        assert await part.read() == b"1"
    assert wrapper.at_eof()
    await wrapper.release()


@improvement("a body that is malformed or cut off is a ValueError with and without assertions")
@pytest.mark.parametrize("raw", [b"", b"x", b"--b\r\n\r\nx", b"--b\r\nA B\r\n\r\n\r\n--b--"])
async def test_malformed_bodies(aiohttp, stream_of, raw):
    reader = aiohttp.MultipartReader(MIXED, stream_of(raw))
    with pytest.raises(ValueError, match="part"):
        while (part := await reader.next()) is not None:
            await part.read()


# MultipartWriter


async def test_writer(aiohttp):
    writer = aiohttp.MultipartWriter("mixed", boundary="b")
    assert writer.boundary == "b"
    assert writer.headers["Content-Type"] == "multipart/mixed; boundary=b"
    payload = aiohttp.get_payload("hello")
    assert writer.append_payload(payload) is payload
    raw = await writer.as_bytes()
    assert writer.size == len(raw)
    assert raw.endswith(b"\r\n\r\nhello\r\n--b--\r\n")
    with pytest.raises(ValueError):
        aiohttp.MultipartWriter("mixed", boundary="é")
    with pytest.raises(TypeError):
        writer.append(object())


# FormData (client_quickstart.rst, "POST a Multipart-Encoded File")


async def test_posting_a_file(aiohttp, site, session, stream_of, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"report")
    there = await site(reply("ok"))
    with path.open("rb") as file:
        async with session.post(there.url, data={"file": file}):
            pass
    headers = {"Content-Type": there.last["Content-Type"]}
    part = await aiohttp.MultipartReader(headers, stream_of(there.last.body)).next()
    assert (part.name, part.filename) == ("file", "report.html")
    assert await part.read() == b"report"


async def test_explicit_name_and_type(aiohttp, site, session, stream_of):
    there = await site(reply("ok"))
    data = aiohttp.FormData()
    data.add_field(
        "file", io.BytesIO(b"x"), filename="report.xls", content_type="application/vnd.ms-excel"
    )
    async with session.post(there.url, data=data):
        pass
    headers = {"Content-Type": there.last["Content-Type"]}
    part = await aiohttp.MultipartReader(headers, stream_of(there.last.body)).next()
    assert (part.name, part.filename) == ("file", "report.xls")
    assert part.headers["Content-Type"] == "application/vnd.ms-excel"


async def parts_of(aiohttp, stream_of, form):
    payload = form()
    raw = await payload.as_bytes()
    found = []
    async for part in aiohttp.MultipartReader(payload.headers, stream_of(raw)):
        found.append((part.name, part.filename, bytes(await part.read(decode=True))))
    return found


async def test_octets_have_the_name_of_their_field(aiohttp, stream_of):
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("a", b"1")
    form.add_field("b", "2")
    form.add_field("c", b"3", filename="d")
    assert await parts_of(aiohttp, stream_of, form) == [
        ("a", "a", b"1"),
        ("b", None, b"2"),
        ("c", "d", b"3"),
    ]


@improvement("names arrive as they were given, whatever they are")
@pytest.mark.parametrize("name", ["ф.txt", 'a"b', "a b", "100%"])
async def test_names_arrive(aiohttp, stream_of, name):
    form = aiohttp.FormData()
    form.add_field(name, "x", filename=name)
    assert await parts_of(aiohttp, stream_of, form) == [(name, name, b"x")]


@improvement("the documented content_transfer_encoding is sent, and the content encoded by it")
async def test_content_transfer_encoding(aiohttp, stream_of):
    form = aiohttp.FormData()
    form.add_field("a", "hello", content_transfer_encoding="base64")
    assert b"Content-Transfer-Encoding: base64" in await form().as_bytes()
    assert await parts_of(aiohttp, stream_of, form) == [("a", None, b"hello")]


# web_quickstart.rst, "File Uploads"; web_reference.rst, FileField


async def test_file_uploads(web, grab):
    async def store(request):
        data = await request.post()
        mp3 = data["mp3"]
        assert isinstance(mp3, web.FileField)
        return data["name"], mp3.name, mp3.filename, mp3.file.read(), mp3.content_type

    raw = FIELD % (b"name", b"song") + FILE % (b"mp3", b"a.mp3", b"ID3") + b"--b--\r\n"
    found = await grab(store, "POST", "/", FORM, raw)
    assert found == ("song", "mp3", "a.mp3", b"ID3", "application/octet-stream")


async def test_file_uploads_by_parts(grab):
    async def store(request):
        reader = await request.multipart()
        field = await reader.next()
        assert field.name == "name"
        name = await field.read(decode=True)
        field = await reader.next()
        assert field.name == "mp3"
        size = 0
        while chunk := await field.read_chunk():
            size += len(chunk)
        return bytes(name), field.filename, size

    raw = FIELD % (b"name", b"song") + FILE % (b"mp3", b"a.mp3", b"x" * 20_000) + b"--b--\r\n"
    assert await grab(store, "POST", "/", FORM, raw) == (b"song", "a.mp3", 20_000)


async def test_post_gives_the_same_mapping_again(grab):
    async def twice(request):
        return await request.post() == await request.post()

    assert await grab(twice, "POST", "/", FORM, FIELD % (b"a", b"1") + b"--b--\r\n")


@pytest.mark.parametrize(
    ("options", "raw"),
    [
        ({"client_max_size": 1000}, FIELD % (b"a", b"x" * 2000) + b"--b--\r\n"),
        ({"client_max_fields": 3}, FIELD % (b"a", b"1") * 4 + b"--b--\r\n"),
    ],
)
async def test_post_refuses_too_much(web, serve, options, raw):
    errors = []

    async def handler(request):
        try:
            await request.post()
        except web.HTTPRequestEntityTooLarge as error:
            errors.append(error)
            raise
        return web.Response()

    app = web.Application(**options)
    app.router.add_post("/", handler)
    server = await serve(app)
    assert (await server.post("/", raw, FORM)).status == 413
    assert len(errors) == 1


async def test_no_limit_of_fields(web, serve):
    async def handler(request):
        return web.Response(text=str(len(await request.post())))

    app = web.Application(client_max_fields=0)
    app.router.add_post("/", handler)
    server = await serve(app)
    raw = FIELD % (b"a", b"1") * 1500 + b"--b--\r\n"
    assert (await server.post("/", raw, FORM)).text == "1500"


@pytest.mark.parametrize("name", ["Content-Encoding", "Content-Transfer-Encoding"])
def test_a_part_of_an_unknown_coding_is_not_appended(aiohttp, name):
    with aiohttp.MultipartWriter() as writer:
        with pytest.raises(RuntimeError):
            writer.append("text", {name: "unheard-of"})
        assert len(writer) == 0
