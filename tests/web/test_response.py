"""Response: construction, body and text, what the connection may send at once, and sending."""

import gzip
import io
import json
import pathlib
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from multidict import CIMultiDict

from tercel.web.codings import ContentCoding
from tercel.web.response import Response, json_bytes_response, json_response
from tercel.web.stream import StreamResponse
from tercel.wire.version import HttpVersion10
from tests.web.fake_exchange import FakeExchange, FakeRequest


async def send(response: StreamResponse, request: FakeRequest | None = None) -> FakeExchange:
    """Do what the connection does with a handler's answer, and return the exchange."""
    request = request or FakeRequest()
    await response.prepare(request)  # type: ignore[arg-type]
    await response.write_eof()
    return request._exchange


# Construction


@pytest.mark.parametrize(
    ("arguments", "content_type", "charset", "body", "headers"),
    [
        ({}, "application/octet-stream", None, None, {}),
        ({"text": "a"}, "text/plain", "utf-8", b"a", {"Content-Type": "text/plain; charset=utf-8"}),
        ({"body": b"a"}, "application/octet-stream", None, b"a", {}),
        ({"text": ""}, "text/plain", "utf-8", b"", {"Content-Type": "text/plain; charset=utf-8"}),
        (
            {"text": "é", "charset": "latin1"},
            "text/plain",
            "latin1",
            b"\xe9",
            {"Content-Type": "text/plain; charset=latin1"},
        ),
        (
            {"text": "a", "content_type": "text/html"},
            "text/html",
            "utf-8",
            b"a",
            {"Content-Type": "text/html; charset=utf-8"},
        ),
        (
            {"text": "a", "content_type": "text/x-other"},
            "text/x-other",
            "utf-8",
            b"a",
            {"Content-Type": "text/x-other; charset=utf-8"},
        ),
        (
            {"body": b"a", "content_type": "image/png"},
            "image/png",
            None,
            b"a",
            {"Content-Type": "image/png"},
        ),
        (
            {"body": b"a", "content_type": "text/css", "charset": "utf-8"},
            "text/css",
            "utf-8",
            b"a",
            {"Content-Type": "text/css; charset=utf-8"},
        ),
        (
            {"text": "é", "headers": {"Content-Type": "a/b; charset=latin1"}},
            "a/b",
            "latin1",
            b"\xe9",
            {"Content-Type": "a/b; charset=latin1"},
        ),
        (
            {"text": "a", "headers": {"Content-Type": "a/b"}},
            "a/b",
            "utf-8",
            b"a",
            {"Content-Type": "a/b; charset=utf-8"},
        ),
        (
            {"text": "a", "headers": {"X-One": "1"}},
            "text/plain",
            "utf-8",
            b"a",
            {"X-One": "1", "Content-Type": "text/plain; charset=utf-8"},
        ),
    ],
)
def test_what_the_arguments_make(
    arguments: dict[str, Any],
    content_type: str,
    charset: str | None,
    body: bytes | None,
    headers: dict[str, str],
) -> None:
    response = Response(**arguments)
    assert response.content_type == content_type
    assert response.charset == charset
    assert response.body == body
    assert dict(response.headers) == headers
    assert response.content_length == len(body or b"")


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"body": b"a", "text": "a"}, ValueError, "body and text are not allowed together"),
        ({"text": b"a"}, TypeError, "text argument must be str"),
        (
            {"text": "a", "content_type": "text/html; charset=x"},
            ValueError,
            "charset must not be in content_type argument",
        ),
        (
            {"text": "a", "content_type": "a/b", "headers": {"content-type": "c/d"}},
            ValueError,
            "passing both Content-Type header and content_type or charset params is forbidden",
        ),
        (
            {"body": b"a", "charset": "utf-8", "headers": {"Content-Type": "c/d"}},
            ValueError,
            "passing both Content-Type header and content_type or charset params is forbidden",
        ),
        ({"body": 5}, ValueError, "Unsupported body type <class 'int'>"),
        ({"body": {}}, ValueError, "Unsupported body type <class 'dict'>"),
        ({"status": "many"}, ValueError, "invalid literal"),
        ({"reason": "a\r\nb"}, ValueError, "Reason cannot contain"),
        ({"reason": "a\nb"}, ValueError, "Reason cannot contain"),
    ],
)
def test_arguments_that_are_refused(
    arguments: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        Response(**arguments)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ({}, 200, "OK"),
        ({"status": 404}, 404, "Not Found"),
        ({"status": 404, "reason": "Gone fishing"}, 404, "Gone fishing"),
        ({"reason": "Fine"}, 200, "Fine"),
        ({"status": 999}, 999, ""),
        ({"status": "201"}, 201, "Created"),
        ({"status": 201, "reason": ""}, 201, ""),
    ],
)
def test_status_and_reason(arguments: dict[str, Any], status: int, reason: str) -> None:
    response = Response(**arguments)
    assert (response.status, response.reason) == (status, reason)


def test_headers_are_copied() -> None:
    given = CIMultiDict({"X-One": "1"})
    response = Response(headers=given)
    response.headers["X-Two"] = "2"
    assert "X-Two" not in given


def test_headers_may_be_pairs() -> None:
    response = Response(headers=[("X-One", "1"), ("X-One", "2")])
    assert response.headers.getall("x-one") == ["1", "2"]


# Body and text


def test_text_replaces_body_and_names_its_type() -> None:
    response = Response(body=b"abc")
    response.text = "déf"
    assert response.body == b"d\xc3\xa9f"
    assert response.text == "déf"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content_length == 4


def test_text_is_encoded_in_the_charset_at_hand() -> None:
    response = Response(text="a", charset="latin1", content_type="text/html")
    response.text = "é"
    assert response.body == b"\xe9"
    assert response.text == "é"
    assert response.headers["Content-Type"] == "text/html; charset=latin1"


def test_body_replaces_text_and_keeps_its_type() -> None:
    response = Response(text="abc")
    response.body = b"defg"
    assert response.text == "defg"
    assert response.content_length == 4
    assert response.content_type == "text/plain"


def test_no_body() -> None:
    response = Response(text="abc")
    response.body = None
    assert response.body is None
    assert response.text is None
    assert response.content_length == 0


def test_a_body_of_str_becomes_a_payload() -> None:
    response = Response(body="é")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text == "é"


def test_text_must_be_str() -> None:
    with pytest.raises(TypeError, match="text argument must be str"):
        Response().text = b"x"  # type: ignore[assignment]


def test_content_length_is_not_for_setting() -> None:
    with pytest.raises(RuntimeError, match="Content length is set automatically"):
        Response(text="abc").content_length = 5


def test_content_length_is_unknown_when_chunked() -> None:
    response = Response(text="abc")
    response.enable_chunked_encoding()
    assert response.chunked
    assert response.content_length is None


# What the connection may send without prepare()


@pytest.mark.parametrize(
    ("response", "headers"),
    [
        (Response(text="abc"), "text/plain; charset=utf-8"),
        (Response(body=b"abc"), "application/octet-stream"),
        (Response(text="abc", content_type="text/x"), "text/x; charset=utf-8"),
        (
            Response(body=b"abc", headers={"X-One": "1"}),
            CIMultiDict({"X-One": "1", "Content-Type": "application/octet-stream"}),
        ),
    ],
)
def test_a_plain_answer_is_hot(response: Response, headers: Any) -> None:
    assert response._payload_bytes() == b"abc"
    assert response._hot_headers() == headers


def test_an_empty_answer_is_hot_and_names_no_type() -> None:
    assert Response()._payload_bytes() == b""
    assert Response()._hot_headers() is None


def test_cookies_go_with_the_hot_headers() -> None:
    response = Response(text="abc")
    response.set_cookie("a", "b")
    assert response._payload_bytes() == b"abc"
    headers = response._hot_headers()
    assert isinstance(headers, CIMultiDict)
    assert headers["Set-Cookie"] == "a=b; Path=/"


def lukewarm() -> "list[Response]":
    chunked, compressed, closing = Response(text="a"), Response(text="a"), Response(text="a")
    chunked.enable_chunked_encoding()
    compressed.enable_compression()
    closing.force_close()
    return [
        chunked,
        compressed,
        closing,
        Response(status=204),
        Response(status=304),
        Response(status=101),
        Response(body=bytearray(b"a")),
        Response(body=io.BytesIO(b"a")),
        Response(text="a", headers={"Content-Length": "1"}),
        Response(text="a", headers={"Connection": "close"}),
        Response(text="a", headers={"Transfer-Encoding": "chunked"}),
    ]


@pytest.mark.parametrize("index", range(11))
def test_everything_else_goes_the_long_way(index: int) -> None:
    assert lukewarm()[index]._payload_bytes() is None


async def test_a_prepared_answer_is_not_hot() -> None:
    response, request = Response(text="a"), FakeRequest()
    await response.prepare(request)  # type: ignore[arg-type]
    assert response._payload_bytes() is None


def test_a_class_with_its_own_sending_is_not_hot() -> None:
    class Plain(Response):
        pass

    class Counting(Response):
        async def prepare(self, request: Any) -> Any:
            return await super().prepare(request)

    class Below(Counting):
        pass

    assert Plain(text="a")._payload_bytes() == b"a"
    assert Counting(text="a")._payload_bytes() is None
    assert Below(text="a")._payload_bytes() is None


def test_an_exception_can_be_a_response() -> None:
    class Refusal(Response, Exception):
        def __init__(self) -> None:
            Response.__init__(self, status=403, text="no")
            Exception.__init__(self, self.reason)

    refusal = Refusal()
    assert refusal._payload_bytes() == b"no"
    with pytest.raises(Refusal, match="Forbidden"):
        raise refusal


# Sending


async def test_head_and_body_on_the_long_way() -> None:
    exchange = await send(Response(text="hello", headers={"X-One": "1"}))
    assert exchange.started is not None
    assert exchange.started[:2] == (200, "OK")
    assert exchange.headers["Content-Length"] == "5"
    assert exchange.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert exchange.headers["X-One"] == "1"
    assert exchange.framing == (5, False)
    assert exchange.body == b"hello"
    assert exchange.finished


@pytest.mark.parametrize("status", [101, 204, 304])
async def test_a_status_without_body_names_no_length(status: int) -> None:
    response = Response(text="abc", status=status, headers={"Content-Length": "3"})
    exchange = await send(response)
    assert "Content-Length" not in exchange.headers
    assert "Transfer-Encoding" not in exchange.headers


async def test_a_length_that_lies_is_replaced() -> None:
    exchange = await send(Response(text="abc", headers={"Content-Length": "1"}))
    assert exchange.headers.getall("Content-Length") == ["3"]
    assert exchange.framing == (3, False)


async def test_a_transfer_encoding_header_does_not_frame_a_known_body() -> None:
    exchange = await send(Response(text="abc", headers={"Transfer-Encoding": "chunked"}))
    assert "Transfer-Encoding" not in exchange.headers
    assert exchange.framing == (3, False)


async def test_head_of_a_text_names_its_length() -> None:
    exchange = await send(Response(text="abc"), FakeRequest("HEAD"))
    assert exchange.headers["Content-Length"] == "3"


async def test_head_of_nothing_keeps_the_length_that_was_given() -> None:
    exchange = await send(Response(headers={"Content-Length": "77"}), FakeRequest("HEAD"))
    assert exchange.headers["Content-Length"] == "77"
    exchange = await send(Response(), FakeRequest("HEAD"))
    assert "Content-Length" not in exchange.headers
    assert "Transfer-Encoding" not in exchange.headers


async def test_chunked() -> None:
    response = Response(text="abc")
    response.enable_chunked_encoding()
    exchange = await send(response)
    assert exchange.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in exchange.headers
    assert exchange.framing == (None, True)
    assert exchange.body == b"abc"


async def test_chunked_is_refused_for_http10() -> None:
    response = Response(text="abc")
    response.enable_chunked_encoding()
    with pytest.raises(RuntimeError, match=r"Using chunked encoding is forbidden for HTTP/1\.0"):
        await response.prepare(FakeRequest(exchange=FakeExchange(HttpVersion10)))  # type: ignore[arg-type]


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_an_async_iterable_is_sent_chunked() -> None:
    exchange = await send(Response(body=pieces(b"a", b"b")))
    assert exchange.framing == (None, True)
    assert exchange.headers["Transfer-Encoding"] == "chunked"
    assert exchange.headers["Content-Type"] == "application/octet-stream"
    assert exchange.body == b"ab"
    assert exchange.finished


async def test_an_async_iterable_under_http10_ends_with_the_connection() -> None:
    exchange = FakeExchange(HttpVersion10)
    await send(Response(body=pieces(b"a", b"b")), FakeRequest(exchange=exchange))
    assert exchange.framing == (None, False)
    assert not exchange.keep_alive
    assert exchange.body == b"ab"


async def test_a_file_is_sent_with_its_length() -> None:
    exchange = await send(Response(body=io.BytesIO(b"abc")))
    assert exchange.framing == (3, False)
    assert exchange.body == b"abc"


async def test_a_payload_is_closed_when_its_peer_leaves() -> None:
    closed = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    exchange = FakeExchange()
    request = FakeRequest(exchange=exchange)
    response = Response(body=endless())
    await response.prepare(request)  # type: ignore[arg-type]
    exchange.closed = True
    with pytest.raises(ConnectionResetError):
        await response.write_eof()
    assert closed == [True]


async def test_a_payload_is_closed_when_its_head_can_not_be_sent(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "three"
    place.write_bytes(b"abc")
    source = place.open("rb")

    async def hook(request: FakeRequest, response: StreamResponse) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await send(Response(body=source), FakeRequest(hook=hook))
    assert source.closed


async def test_a_payload_is_closed_unread_for_head(tmp_path: pathlib.Path) -> None:
    place = tmp_path / "three"
    place.write_bytes(b"abc")
    source = place.open("rb")
    exchange = await send(Response(body=source), FakeRequest("HEAD"))
    assert exchange.headers["Content-Length"] == "3"
    assert exchange.body == b""
    assert source.closed


# One response for many requests


async def test_a_sent_answer_can_be_sent_again() -> None:
    response = Response(text="abc", headers={"X-One": "1"})
    response.set_cookie("a", "b")
    first = await send(response, FakeRequest(exchange=FakeExchange(keep_alive=False)))
    assert first.headers["Connection"] == "close"
    second = await send(response)
    assert second is not first
    assert "Connection" not in second.headers
    assert response.keep_alive is True
    for name in ("Content-Length", "Content-Type", "Date", "Server", "Set-Cookie", "X-One"):
        assert len(second.headers.getall(name)) == 1
    assert second.body == b"abc"


async def test_a_compressed_answer_can_be_sent_again() -> None:
    response = Response(text="abc")
    response.enable_compression()
    coded = await send(response, FakeRequest(headers={"Accept-Encoding": "gzip"}))
    plain = await send(response)
    assert coded.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(coded.body) == b"abc"
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Content-Length"] == "3"
    assert plain.headers.getall("Vary") == ["Accept-Encoding"]
    assert plain.body == b"abc"


async def test_an_answer_that_is_under_way_can_not() -> None:
    response = Response(text="abc")
    await response.prepare(FakeRequest())  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="answers another request"):
        await response.prepare(FakeRequest())  # type: ignore[arg-type]


async def test_a_file_can_not_be_sent_again() -> None:
    response = Response(body=io.BytesIO(b"abc"))
    await send(response)
    assert response._payload_bytes() is None
    with pytest.raises(RuntimeError, match="answers another request"):
        await send(response)


async def test_nothing_stale_goes_the_short_way() -> None:
    response = Response()
    await send(response, FakeRequest("HEAD"))
    assert response._payload_bytes() is None


# Compression


@pytest.mark.parametrize(
    ("coding", "decode"),
    [(ContentCoding.gzip, gzip.decompress), (ContentCoding.deflate, zlib.decompress)],
)
async def test_a_body_is_compressed_whole(coding: ContentCoding, decode: Any) -> None:
    response = Response(text="abc" * 100)
    response.enable_compression(coding)
    exchange = await send(response)
    assert exchange.headers["Content-Encoding"] == coding.value
    assert exchange.headers["Content-Length"] == str(len(exchange.body))
    assert decode(exchange.body) == b"abc" * 100


async def test_a_large_body_is_compressed_in_the_executor() -> None:
    used = []

    class Watched(ThreadPoolExecutor):
        def submit(self, *args: Any, **kwargs: Any) -> Any:
            used.append(True)
            return super().submit(*args, **kwargs)

    with Watched(1) as executor:
        for size, uses in ((10, []), (11, [True])):
            response = Response(body=b"a" * size, zlib_executor_size=10, zlib_executor=executor)
            response.enable_compression(ContentCoding.gzip)
            exchange = await send(response)
            assert gzip.decompress(exchange.body) == b"a" * size
            assert used == uses


async def test_a_payload_is_compressed_as_it_goes() -> None:
    response = Response(body=pieces(b"a" * 1000, b"b" * 1000))
    response.enable_compression(ContentCoding.gzip)
    exchange = await send(response)
    assert exchange.framing == (None, True)
    assert gzip.decompress(exchange.body) == b"a" * 1000 + b"b" * 1000


async def test_a_file_that_is_compressed_has_no_known_length() -> None:
    response = Response(body=io.BytesIO(b"a" * 1000))
    response.enable_compression(ContentCoding.deflate)
    exchange = await send(response)
    assert exchange.framing == (None, True)
    assert "Content-Length" not in exchange.headers
    assert zlib.decompress(exchange.body) == b"a" * 1000


async def test_a_coded_body_is_left_alone() -> None:
    response = Response(body=b"coded", headers={"Content-Encoding": "br"})
    response.enable_compression(ContentCoding.gzip)
    exchange = await send(response)
    assert exchange.headers["Content-Encoding"] == "br"
    assert exchange.body == b"coded"


async def test_the_request_chooses_the_coding() -> None:
    response = Response(text="abc")
    response.enable_compression()
    exchange = await send(response, FakeRequest(headers={"Accept-Encoding": "gzip"}))
    assert exchange.headers["Content-Encoding"] == "gzip"
    assert exchange.headers["Vary"] == "Accept-Encoding"
    response = Response(text="abc", headers={"Vary": "Cookie"})
    response.enable_compression()
    exchange = await send(response)
    assert "Content-Encoding" not in exchange.headers
    assert exchange.headers["Vary"] == "Cookie, Accept-Encoding"
    assert exchange.body == b"abc"


async def test_identity_forces_no_coding() -> None:
    response = Response(text="abc")
    response.enable_compression(ContentCoding.identity)
    exchange = await send(response, FakeRequest(headers={"Accept-Encoding": "gzip"}))
    assert "Content-Encoding" not in exchange.headers
    assert exchange.body == b"abc"


# JSON


def test_json_response() -> None:
    response = json_response({"a": "é"})
    assert response.content_type == "application/json"
    assert response.charset == "utf-8"
    assert response.text is not None
    assert json.loads(response.text) == {"a": "é"}
    assert json_response(None).text == "null"
    assert json_response(1, dumps=lambda data: "one").text == "one"
    assert json_response(text="[]").body == b"[]"
    assert json_response(body=b"[]").body == b"[]"
    assert json_response().body is None
    assert json_response([], status=201, reason="Made", headers={"X": "1"}).reason == "Made"


@pytest.mark.parametrize("more", [{"text": "x"}, {"body": b"x"}])
def test_json_response_takes_one_source(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only one of data, text, or body should be specified"):
        json_response({}, **more)


def test_json_bytes_response() -> None:
    response = json_bytes_response({"a": 1}, dumps=lambda data: json.dumps(data).encode())
    assert response.body == b'{"a": 1}'
    assert response.content_type == "application/json"
    assert response.charset is None
    assert json_bytes_response(body=b"[]", dumps=lambda data: b"").body == b"[]"
    with pytest.raises(ValueError, match="only one of data or body should be specified"):
        json_bytes_response({}, body=b"", dumps=lambda data: b"")
