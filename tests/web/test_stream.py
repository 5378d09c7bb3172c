"""StreamResponse and the head it shares: the state machine, headers, cookies, framing."""

import asyncio
import datetime
import gzip
from http.cookies import CookieError
from typing import Any

import pytest

from tercel.web.answerhead import reason_phrase
from tercel.web.codings import ContentCoding
from tercel.web.keys import ResponseKey
from tercel.web.stream import SERVER_SOFTWARE, StreamResponse
from tercel.wire.ranges import ETag
from tercel.wire.version import HttpVersion10
from tests.web.fake_exchange import FakeExchange, FakeRequest


async def prepare(response: StreamResponse, request: FakeRequest | None = None) -> FakeExchange:
    request = request or FakeRequest()
    await response.prepare(request)  # type: ignore[arg-type]
    return request._exchange


# The state machine


async def test_the_way_of_a_stream() -> None:
    response = StreamResponse(status=201, headers={"X-One": "1"})
    request = FakeRequest()
    request.task = asyncio.current_task()  # type: ignore[assignment]
    assert not response.prepared
    assert response.task is None
    assert response.keep_alive is None
    assert repr(response) == "<StreamResponse Created not prepared>"
    exchange = await prepare(response, request)
    assert response.prepared
    assert response.task is asyncio.current_task()
    assert response.keep_alive is True
    assert repr(response) == "<StreamResponse Created GET /there >"
    assert exchange.started is not None
    assert exchange.started[:2] == (201, "Created")
    await response.write(b"ab")
    await response.write(bytearray(b"cd"))
    await response.write(memoryview(b"ef"))
    assert response.body_length == 6
    await response.write_eof(b"g")
    assert exchange.body == b"abcdefg"
    assert exchange.finished
    assert response.prepared
    assert repr(response) == "<StreamResponse Created eof>"


async def test_the_head_goes_at_once() -> None:
    exchange = await prepare(StreamResponse())
    assert exchange.pieces == [b""]


async def test_prepare_and_write_eof_are_idempotent() -> None:
    response, request = StreamResponse(), FakeRequest()
    await prepare(response, request)
    await prepare(response, request)
    await response.write_eof()
    await response.write_eof(b"more")
    await prepare(response, request)
    assert request._exchange.body == b""


async def test_a_response_answers_one_request() -> None:
    response = StreamResponse()
    await prepare(response)
    with pytest.raises(RuntimeError, match="This response answers another request"):
        await prepare(response)


async def test_writing_out_of_turn() -> None:
    response = StreamResponse()
    with pytest.raises(RuntimeError, match=r"Cannot call write\(\) before prepare\(\)"):
        await response.write(b"a")
    with pytest.raises(RuntimeError, match="Response has not been started"):
        await response.write_eof()
    with pytest.raises(RuntimeError, match="Response has not been started"):
        await response.drain()
    await prepare(response)
    await response.write_eof()
    with pytest.raises(RuntimeError, match=r"Cannot call write\(\) after write_eof\(\)"):
        await response.write(b"a")


@pytest.mark.parametrize("data", ["a", 5, None, [b"a"]])
async def test_only_bytes_are_written(data: Any) -> None:
    response = StreamResponse()
    await prepare(response)
    with pytest.raises(TypeError, match="data argument must be byte-ish"):
        await response.write(data)
    with pytest.raises(TypeError, match="data argument must be byte-ish"):
        await response.write_eof(data)


async def test_writing_waits_where_the_exchange_asks() -> None:
    response = StreamResponse()
    exchange = await prepare(response)
    await response.write(b"a")
    assert exchange.drains == 0
    exchange.must_drain = True
    await response.write(b"a")
    assert exchange.drains == 1
    await response.drain()
    assert exchange.drains == 2


async def test_writing_to_a_peer_that_left() -> None:
    response = StreamResponse()
    exchange = await prepare(response)
    exchange.closed = True
    with pytest.raises(ConnectionResetError, match="Cannot write to closing transport"):
        await response.write(b"a")


LATE_CHANGES = {
    "status": lambda r: r.set_status(404),
    "length": lambda r: setattr(r, "content_length", 1),
    "compression": lambda r: r.enable_compression(),
    "type": lambda r: setattr(r, "content_type", "a/b"),
    "charset": lambda r: setattr(r, "charset", "utf-8"),
    "modified": lambda r: setattr(r, "last_modified", 0),
    "etag": lambda r: setattr(r, "etag", "a"),
    "cookie": lambda r: r.set_cookie("a", "b"),
    "no cookie": lambda r: r.del_cookie("a"),
}


@pytest.mark.parametrize("change", LATE_CHANGES.values(), ids=LATE_CHANGES)
async def test_the_head_is_fixed_once_sent(change: Any) -> None:
    response = StreamResponse(headers={"Content-Type": "text/plain"})
    await prepare(response)
    with pytest.raises(RuntimeError, match="after the headers have been sent"):
        change(response)


async def test_chunked_encoding_comes_too_late_where_it_changes_something() -> None:
    response = StreamResponse()
    await prepare(response)
    response.enable_chunked_encoding()  # as it is sent already
    response = StreamResponse(headers={"Content-Length": "3"})
    await prepare(response)
    with pytest.raises(RuntimeError, match="after the headers have been sent"):
        response.enable_chunked_encoding()


# Status and reason


def test_set_status() -> None:
    response = StreamResponse(reason="Custom")
    assert (response.status, response.reason) == (200, "Custom")
    response.set_status(404)
    assert (response.status, response.reason) == (404, "Not Found")
    response.set_status(404, "Nowhere")
    assert response.reason == "Nowhere"
    with pytest.raises(ValueError, match="Reason cannot contain"):
        response.set_status(200, "a\rb")


@pytest.mark.parametrize(("status", "phrase"), [(200, "OK"), (418, "I'm a Teapot"), (599, "")])
def test_reason_phrases(status: int, phrase: str) -> None:
    assert reason_phrase(status) == phrase


# Header properties


def test_content_length() -> None:
    response = StreamResponse()
    assert response.content_length is None
    response.content_length = 5
    assert response.headers["Content-Length"] == "5"
    assert response.content_length == 5
    response.content_length = None
    assert "Content-Length" not in response.headers
    response.headers["content-length"] = "7"
    assert response.content_length == 7
    with pytest.raises(ValueError, match="can't be negative"):
        response.content_length = -1


@pytest.mark.parametrize("text", ["-1", "+1", "1_0", "0x1", "٣", "", "1 1"])
async def test_a_content_length_that_is_no_number_is_not_sent(text: str) -> None:
    response = StreamResponse(headers={"Content-Length": text})
    with pytest.raises(ValueError, match="Content-Length must be decimal digits"):
        await prepare(response)


def test_length_and_chunks_exclude_each_other() -> None:
    response = StreamResponse()
    response.content_length = 5
    with pytest.raises(RuntimeError, match="can't enable chunked encoding when a content length"):
        response.enable_chunked_encoding()
    response = StreamResponse()
    response.enable_chunked_encoding()
    assert response.chunked
    with pytest.raises(RuntimeError, match="can't set content length when chunked encoding"):
        response.content_length = 5


def test_content_type_and_charset() -> None:
    response = StreamResponse()
    assert response.content_type == "application/octet-stream"
    assert response.charset is None
    with pytest.raises(RuntimeError, match="doesn't make sense, setup content_type first"):
        response.charset = "utf-8"
    response.content_type = "text/html"
    response.charset = "UTF-8"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    response.content_type = "text/plain"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    response.charset = None
    assert response.headers["Content-Type"] == "text/plain"


def test_other_parameters_of_the_type_stay() -> None:
    response = StreamResponse(headers={"Content-Type": 'multipart/mixed; boundary="a b"'})
    assert response.content_type == "multipart/mixed"
    response.charset = "utf-8"
    assert response.headers["Content-Type"] == 'multipart/mixed; boundary="a b"; charset=utf-8'


UTC = datetime.UTC


@pytest.mark.parametrize(
    ("given", "text", "read"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT", datetime.datetime(1970, 1, 1, tzinfo=UTC)),
        (1.5, "Thu, 01 Jan 1970 00:00:02 GMT", datetime.datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)),
        (
            datetime.datetime(2020, 1, 1),
            "Wed, 01 Jan 2020 00:00:00 GMT",
            datetime.datetime(2020, 1, 1, tzinfo=UTC),
        ),
        (
            datetime.datetime(2020, 1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
            "Wed, 01 Jan 2020 00:00:00 GMT",
            datetime.datetime(2020, 1, 1, tzinfo=UTC),
        ),
        ("2020-01-01", "2020-01-01", None),
    ],
)
def test_last_modified(given: Any, text: str, read: datetime.datetime | None) -> None:
    response = StreamResponse()
    assert response.last_modified is None
    response.last_modified = given
    assert response.headers["Last-Modified"] == text
    assert response.last_modified == read
    response.last_modified = None
    assert "Last-Modified" not in response.headers


def test_last_modified_of_another_type() -> None:
    with pytest.raises(TypeError, match="Unsupported type for last_modified: bytes"):
        StreamResponse().last_modified = b"x"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("given", "text", "read"),
    [
        ("abc", '"abc"', ETag(value="abc", is_weak=False)),
        ("*", "*", ETag(value="*", is_weak=False)),
        (ETag(value="x", is_weak=True), 'W/"x"', ETag(value="x", is_weak=True)),
        (ETag(value="*", is_weak=True), "*", ETag(value="*", is_weak=False)),
    ],
)
def test_etag(given: Any, text: str, read: ETag) -> None:
    response = StreamResponse()
    assert response.etag is None
    response.etag = given
    assert response.headers["ETag"] == text
    assert response.etag == read
    response.etag = None
    assert "ETag" not in response.headers


@pytest.mark.parametrize("given", ['a"b', ETag(value="a b", is_weak=True), "", "a\r\nb", 5])
def test_what_is_no_etag(given: Any) -> None:
    with pytest.raises(ValueError, match="etag"):
        StreamResponse().etag = given


# Cookies


@pytest.mark.parametrize(
    ("attributes", "line"),
    [
        ({}, "name=value; Path=/"),
        ({"path": "/x"}, "name=value; Path=/x"),
        ({"path": None}, "name=value"),
        ({"domain": "example.com"}, "name=value; Domain=example.com; Path=/"),
        ({"max_age": 10}, "name=value; Max-Age=10; Path=/"),
        ({"max_age": 0}, "name=value; Max-Age=0; Path=/"),
        ({"max_age": "7"}, "name=value; Max-Age=7; Path=/"),
        ({"secure": True}, "name=value; Path=/; Secure"),
        ({"secure": False}, "name=value; Path=/"),
        ({"httponly": True}, "name=value; HttpOnly; Path=/"),
        ({"samesite": "Lax"}, "name=value; Path=/; SameSite=Lax"),
        ({"version": 1}, "name=value; Path=/; Version=1"),
        ({"secure": True, "partitioned": True}, "name=value; Partitioned; Path=/; Secure"),
        (
            {"expires": "Thu, 01 Jan 2026 00:00:00 GMT"},
            "name=value; expires=Thu, 01 Jan 2026 00:00:00 GMT; Path=/",
        ),
    ],
)
async def test_set_cookie(attributes: dict[str, Any], line: str) -> None:
    response = StreamResponse()
    response.set_cookie("name", "value", **attributes)
    exchange = await prepare(response)
    assert exchange.headers.getall("Set-Cookie") == [line]


async def test_the_last_word_on_a_cookie_counts() -> None:
    response = StreamResponse()
    response.set_cookie("a", "1", max_age=5)
    response.set_cookie("b", "2")
    response.set_cookie("a", "3")
    exchange = await prepare(response)
    assert exchange.headers.getall("Set-Cookie") == ["a=3; Path=/", "b=2; Path=/"]


async def test_del_cookie() -> None:
    response = StreamResponse()
    response.set_cookie("a", "1", max_age=5, httponly=True)
    response.del_cookie("a", domain="x", path="/y", secure=True, samesite="Lax")
    exchange = await prepare(response)
    assert exchange.headers["Set-Cookie"] == (
        'a=""; Domain=x; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/y; '
        "SameSite=Lax; Secure"
    )


async def test_cookies_is_a_simple_cookie() -> None:
    response = StreamResponse()
    response.cookies["a"] = "1"
    response.cookies["a"]["path"] = "/p"
    response.headers.add("Set-Cookie", "own=1")
    exchange = await prepare(response)
    assert exchange.headers.getall("Set-Cookie") == ["own=1", "a=1; Path=/p"]


CONTROLS = [chr(n) for n in range(32)] + ["\x7f"]


@pytest.mark.parametrize("attribute", ["domain", "path", "samesite", "expires", "max_age"])
@pytest.mark.parametrize("octet", [*CONTROLS, ";"])
def test_attributes_can_not_end_early(attribute: str, octet: str) -> None:
    response = StreamResponse()
    with pytest.raises(ValueError, match="can't hold a semicolon or a control character"):
        response.set_cookie("name", "value", **{attribute: f"a{octet}b"})  # type: ignore[arg-type]


@pytest.mark.parametrize("octet", CONTROLS)
async def test_values_can_not_end_early(octet: str) -> None:
    response = StreamResponse()
    try:
        response.set_cookie("name", f"a{octet}b")
    except (CookieError, ValueError):
        return  # newer versions of http.cookies refuse by themselves
    exchange = await prepare(response)
    line = exchange.headers["Set-Cookie"]
    assert not any(ord(c) < 32 or ord(c) == 127 for c in line)
    assert line.startswith('name="a\\')


@pytest.mark.parametrize("name", ["", "na me", "na;me", "na=me", "na\r\nme", "na\x00me"])
def test_a_cookie_has_a_name(name: str) -> None:
    with pytest.raises(CookieError):
        StreamResponse().set_cookie(name, "value")


async def test_a_foreign_morsel_is_checked_too() -> None:
    response = StreamResponse()
    response.cookies["a"] = "1"
    dict.__setitem__(response.cookies["a"], "path", "/\r\nX-Evil: 1")
    with pytest.raises(ValueError, match="control character"):
        await prepare(response)


# Framing and default headers


async def test_default_headers() -> None:
    exchange = await prepare(StreamResponse())
    assert exchange.headers["Server"] == SERVER_SOFTWARE
    assert exchange.headers["Date"].endswith(" GMT")
    assert exchange.headers["Content-Type"] == "application/octet-stream"
    assert exchange.headers["Transfer-Encoding"] == "chunked"
    assert exchange.framing == (None, True)
    assert "Connection" not in exchange.headers


async def test_given_headers_stay() -> None:
    given = {"Server": "me", "Date": "now", "Content-Type": "a/b"}
    exchange = await prepare(StreamResponse(headers=given))
    assert {name: exchange.headers[name] for name in given} == given


async def test_a_length_frames() -> None:
    response = StreamResponse()
    response.content_length = 3
    exchange = await prepare(response)
    assert exchange.framing == (3, False)
    assert "Transfer-Encoding" not in exchange.headers


async def test_http10_without_length_ends_with_the_connection() -> None:
    exchange = FakeExchange(HttpVersion10, keep_alive=True)
    response = StreamResponse()
    await prepare(response, FakeRequest(exchange=exchange))
    assert exchange.framing == (None, False)
    assert not exchange.keep_alive
    assert response.keep_alive is False
    assert "Connection" not in exchange.headers


async def test_http10_with_length_stays_open() -> None:
    exchange = FakeExchange(HttpVersion10, keep_alive=True)
    response = StreamResponse()
    response.content_length = 3
    await prepare(response, FakeRequest(exchange=exchange))
    assert exchange.headers["Connection"] == "keep-alive"
    assert exchange.keep_alive


@pytest.mark.parametrize("how", ["force_close", "header", "request"])
async def test_closing_is_said(how: str) -> None:
    response = StreamResponse(headers={"Connection": "Close"} if how == "header" else None)
    if how == "force_close":
        response.force_close()
        assert response.keep_alive is False
    exchange = FakeExchange(keep_alive=how != "request")
    await prepare(response, FakeRequest(exchange=exchange))
    assert exchange.headers["Connection"].lower() == "close"
    assert not exchange.keep_alive
    assert response.keep_alive is False


async def test_transfer_encoding_may_say_chunked() -> None:
    exchange = await prepare(StreamResponse(headers={"Transfer-Encoding": "Chunked"}))
    assert exchange.headers.getall("Transfer-Encoding") == ["chunked"]
    assert exchange.framing == (None, True)


@pytest.mark.parametrize("value", ["gzip", "gzip, chunked", "xchunked", ""])
async def test_another_transfer_encoding_is_refused(value: str) -> None:
    with pytest.raises(RuntimeError, match=r"Transfer-Encoding .* can't be sent"):
        await prepare(StreamResponse(headers={"Transfer-Encoding": value}))


async def test_head_of_a_stream_names_no_framing() -> None:
    exchange = await prepare(StreamResponse(), FakeRequest("HEAD"))
    assert "Transfer-Encoding" not in exchange.headers
    assert "Content-Length" not in exchange.headers
    assert exchange.keep_alive


@pytest.mark.parametrize("status", [100, 204, 304])
async def test_a_status_without_body(status: int) -> None:
    response = StreamResponse(status=status)
    response.content_length = 3
    exchange = await prepare(response)
    assert "Content-Length" not in exchange.headers
    assert "Transfer-Encoding" not in exchange.headers
    assert "Content-Type" not in exchange.headers


async def test_connect_answers_without_framing() -> None:
    exchange = await prepare(StreamResponse(), FakeRequest("CONNECT"))
    assert "Transfer-Encoding" not in exchange.headers
    assert "Content-Length" not in exchange.headers


# The signal


async def test_the_signal_sees_default_headers_and_may_change_them() -> None:
    seen: dict[str, str] = {}

    async def hook(request: FakeRequest, response: StreamResponse) -> None:
        seen.update(response.headers)
        assert response.prepared
        response.headers["X-Late"] = "1"
        response.set_cookie("early", "2")
        response.set_cookie("late", "1")
        response.set_status(202)
        response.content_length = 3

    response = StreamResponse()
    response.set_cookie("early", "1")
    exchange = await prepare(response, FakeRequest(hook=hook))
    assert seen["Transfer-Encoding"] == "chunked"
    assert seen["Set-Cookie"] == "early=1; Path=/"
    assert "Date" in seen
    assert exchange.started is not None
    assert exchange.started[0] == 202
    assert exchange.headers["X-Late"] == "1"
    assert exchange.headers.getall("Set-Cookie") == ["early=2; Path=/", "late=1; Path=/"]
    assert exchange.framing == (3, False)
    assert "Transfer-Encoding" not in exchange.headers


# Compression


async def test_a_stream_is_compressed_as_it_goes() -> None:
    response = StreamResponse()
    response.content_length = 5
    response.enable_compression()
    assert response.compression
    exchange = await prepare(response, FakeRequest(headers={"Accept-Encoding": "gzip"}))
    assert exchange.headers["Content-Encoding"] == "gzip"
    assert "Content-Length" not in exchange.headers
    await response.write(b"hello ")
    await response.write_eof(b"world")
    assert gzip.decompress(exchange.body) == b"hello world"


def test_force_is_a_coding() -> None:
    response = StreamResponse()
    with pytest.raises(TypeError, match="force should be None or a ContentCoding"):
        response.enable_compression("gzip")  # type: ignore[arg-type]
    with pytest.warns(DeprecationWarning, match="Using boolean for force is deprecated"):
        response.enable_compression(True)
    assert response._compression_force is ContentCoding.deflate


# The mapping


def test_a_response_is_a_mapping() -> None:
    key = ResponseKey("key", int)
    response = StreamResponse()
    assert len(response) == 0
    assert list(response) == []
    assert "a" not in response
    with pytest.raises(KeyError):
        response["a"]
    with pytest.raises(KeyError):
        del response["a"]
    response["a"] = 1
    response[key] = 2
    assert response["a"] == 1
    assert response[key] == 2
    assert list(response) == ["a", key]
    del response["a"]
    assert response.get("a") is None
    assert len(response) == 1


def test_a_response_is_true_and_equal_to_itself_only() -> None:
    one, other = StreamResponse(), StreamResponse()
    assert one
    assert one == one
    assert one != other
    assert len({one, other}) == 2
