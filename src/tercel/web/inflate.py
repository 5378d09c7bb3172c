"""A request's body on its way through its content codings to the stream that handlers read.

In: pieces as the connection feeds them. Out: decoded pieces in the stream, no more of them than it
has room for: what nobody reads is never decoded. A body that is malformed, or grows beyond its
ceiling, ends the stream with RequestPayloadError (400, 413).
"""

from collections import deque
from typing import Any

from tercel.net.streams import StreamReader
from tercel.web.badpayload import bad_payload
from tercel.wire.coding import Decoder, make_decoder
from tercel.wire.errors import WireError

__all__ = ("InflatedBody", "open_inflated")

#: Octets decoded at a time.
_PIECE = 65_536


def open_inflated(
    connection: Any, head: Any, stream: StreamReader, free: int | None, ratio: int | None
) -> "InflatedBody | StreamReader":
    """What is fed in place of `stream`: itself where the codings aren't known here.

    Then the handler gets the body as it came, as with `auto_decompress` switched off.
    """
    coding = ",".join(head.headers.getall("Content-Encoding", ()))
    try:
        decoder = make_decoder(coding, free, ratio)
    except ValueError:
        return stream
    return InflatedBody(connection, decoder, stream)


class InflatedBody:
    """Stands between `connection`, which it pauses and resumes, and `stream`."""

    __slots__ = ("_connection", "_decoder", "_ended", "_is_held", "_pieces", "_taken", "stream")

    def __init__(self, connection: Any, decoder: Decoder, stream: StreamReader) -> None:
        self._connection = connection
        self._decoder: Decoder | None = decoder
        self._ended = False
        self._is_held = False
        self._pieces: deque[bytes] = deque()
        self._taken = 0
        self.stream = stream
        stream._flow = self
        stream.total_compressed_bytes = 0

    # What the connection feeds.

    def feed_data(self, data: bytes) -> None:
        """A piece as it came; dropped once the stream has failed."""
        if self._decoder is not None:
            self._taken += len(data)
            self.stream.total_compressed_bytes = self._taken
            self._pieces.append(data)
            self._decode()

    def feed_eof(self) -> None:
        """The body is whole."""
        self._ended = True
        self._decode()

    def end_http_chunk_receiving(self) -> None:
        """A chunk has ended; told only where all of it was decoded."""
        if self._decoder is not None and not self._pieces and not self._decoder.pending:
            self.stream.end_http_chunk_receiving()

    def set_exception(self, error: BaseException) -> None:
        """The rest will not come, or nobody wants it."""
        self._decoder = None
        self._pieces.clear()
        self.stream.set_exception(error)

    def is_eof(self) -> bool:
        """True once the connection has fed the end."""
        return self._ended

    # What the stream asks for.

    def pause_reading(self) -> None:
        """The stream is full."""
        self._is_held = True
        self._connection.pause_reading()

    def resume_reading(self) -> None:
        """The stream has room."""
        self._is_held = False
        self._decode()
        if not self._is_held:
            self._connection.resume_reading()

    def _decode(self) -> None:
        """Decode as much of what has come as the stream has room for."""
        stream, pieces = self.stream, self._pieces
        try:
            while self._decoder is not None and not self._is_held:
                decoder = self._decoder
                if decoder.pending:
                    done = decoder.decode(b"", _PIECE)
                elif pieces:
                    done = decoder.decode(pieces.popleft(), _PIECE)
                else:
                    if self._ended:
                        decoder.finish()
                        self._decoder = None
                        stream.feed_eof()
                    return
                if done:
                    stream.feed_data(done)
        except WireError as error:
            self.set_exception(bad_payload(error))
