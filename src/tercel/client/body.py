"""The body of an answer as it comes: whole, in pieces, or as a stream, decoded on the way.

In: pieces, ends of chunks. Out: bytes where all of it came before anybody asked, else a
StreamReader. Decodes no more than the reader has room for.
"""

from typing import Any

from tercel.client.inflate import find_decoder
from tercel.client.options import ReadOptions
from tercel.net.streams import EMPTY_PAYLOAD, StreamReader
from tercel.wire.errors import WireError
from tercel.wire.h1.head import ResponseHead

__all__ = ("AnswerBody", "blank")

#: Which of its two forms this module has.
_IS_COMPILED = not __file__.endswith((".py", ".pyc"))
#: Compiled, the address of no octets at all: what is made of it is not set to anything.
_nowhere: Any

#: Octets that a decoder gives at a time.
_DECODED_PIECE = 65_536


def blank(size: int) -> bytes:
    """So many octets, to be written to by whoever has nobody beside; nobody has set them yet."""
    if not _IS_COMPILED:
        return bytes(size)
    return _nowhere[:size]  # type: ignore[no-any-return]  # noqa: F821


class AnswerBody:
    """What has come of a body.

    `protocol` is the connection's, `options` say how to read; `stream` is the reader, once there is
    one; `error` is what ended the body, `body_done` tells that all of it came.
    """

    __slots__ = (
        "_body",
        "_decoder",
        "_ends",
        "_pieces",
        "_size",
        "_undecoded",
        "body_done",
        "error",
        "options",
        "protocol",
        "stream",
    )

    def prepare(self, protocol: Any, options: ReadOptions) -> None:
        """Nothing has come yet. Called by `__init__` of what inherits, for the sake of speed."""
        self.protocol = protocol
        self.options = options
        self.stream: StreamReader | None = None
        self.error: BaseException | None = None
        self.body_done = False
        self._body = b""
        self._pieces: list[bytes] | None = None
        self._ends: list[bool] | None = None
        self._size = 0
        self._decoder: Any = None
        self._undecoded: list[bytes] | None = None

    def begin_body(self, head: ResponseHead) -> None:
        """A head has come that a body follows."""
        if head.chunked:
            self._ends = []
        if self.options.decompress and head.may_be_coded:
            self._decoder = find_decoder(head, self.options)
            if self._decoder is not None:
                self._undecoded = []

    def take_body(self) -> bytes | None:
        """The whole body where it is there and nobody asked for a stream, else None."""
        if self.body_done and self.stream is None and self.error is None:
            if self._pieces is not None:
                self._body = b"".join(self._pieces)
                self._pieces = None
            return self._body
        return None

    def open_stream(self) -> StreamReader:
        """The body as a stream."""
        stream = self.stream
        if stream is not None:
            return stream
        if self._pieces is None and self.body_done and not self._body and self.error is None:
            stream = EMPTY_PAYLOAD
            self.stream = stream
            return stream
        stream = StreamReader(self.protocol, self.options.bufsize, loop=self.protocol.loop)
        self.stream = stream
        pieces = self._pieces
        ends = self._ends
        self._pieces = None
        self._ends = None
        if ends is not None:
            stream.begin_http_chunk_receiving()
        if self._body:
            stream.feed_data(self._body)
        if pieces is not None:
            for index in range(len(pieces)):
                stream.feed_data(pieces[index])
                if ends is not None and ends[index]:
                    stream.end_http_chunk_receiving()
        if self.error is not None:
            stream.set_exception(self.error)
        elif self.body_done:
            stream.feed_eof()
        return stream

    def receive_piece(self, piece: bytes, ends_chunk: bool) -> None:
        """A piece of the body has come."""
        if self._decoder is None:
            self._put(piece, ends_chunk)
        else:
            if self._undecoded is not None:
                self._undecoded.append(piece)
            self._decode(ends_chunk)

    def go_on(self) -> None:
        """The reader has room again: decode what was held back."""
        if self._decoder is not None and (self._undecoded or self._decoder.pending):
            self._decode(False)

    def _decode(self, ends_chunk: bool) -> None:
        """Decode as much of what has come as the reader has room for."""
        decoder = self._decoder
        undecoded = self._undecoded
        try:
            while not self.protocol.is_held and self.error is None:
                if decoder.pending:
                    done = decoder.decode(b"", _DECODED_PIECE)
                elif undecoded:
                    done = decoder.decode(undecoded[0], _DECODED_PIECE)
                    del undecoded[0]
                else:
                    break
                if done:
                    self._put(done, False)
        except WireError as error:
            self.protocol.refuse(error)
            return
        if ends_chunk and not undecoded and self.stream is not None:
            self.stream.end_http_chunk_receiving()

    def _put(self, piece: bytes, ends_chunk: bool) -> None:
        stream = self.stream
        if stream is not None:
            stream.feed_data(piece)
            if ends_chunk:
                stream.end_http_chunk_receiving()
            return
        if self._pieces is None and not self._body and self._ends is None:
            self._body = piece
            self._size = len(piece)
            return
        if self._pieces is None:
            self._pieces = []
            if self._body:
                self._pieces.append(self._body)
                self._body = b""
        self._pieces.append(piece)
        if self._ends is not None:
            self._ends.append(ends_chunk)
        self._size += len(piece)
        if self._size > _DECODED_PIECE:
            self.open_stream()
