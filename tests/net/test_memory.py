"""net.memory: two transports joined in memory behave as two ends of a TCP connection do."""

import asyncio
from typing import Any

import pytest

from tercel.net.memory import MemoryTransport, join_in_memory
from tests.web.serving import eventually


class End(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self, keeps_open: bool = False) -> None:
        self.events: list[Any] = []
        self.data = b""
        self.keeps_open = keeps_open
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.data += data

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self.keeps_open

    def connection_lost(self, exc: BaseException | None) -> None:
        self.events.append(exc if exc is None else type(exc))

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")


async def turn(times: int = 10) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def join(keep_near: bool = False, keep_far: bool = False) -> tuple[End, End]:
    near, far = End(keep_near), End(keep_far)
    join_in_memory(asyncio.get_running_loop(), near, far)
    return near, far


async def test_both_ways_and_in_order() -> None:
    near, far = join()
    near.transport.write(b"a")
    near.transport.writelines([b"b", bytearray(b"c")])
    far.transport.write(memoryview(b"answer"))
    assert far.data == b""
    await turn()
    assert (near.data, far.data) == (b"answer", b"abc")
    assert near.events == far.events == ["made"]


async def test_a_buffer_may_be_used_again_after_a_write() -> None:
    near, far = join()
    buffer = bytearray(b"first")
    near.transport.write(buffer)
    buffer[:] = b"other"
    await turn()
    assert far.data == b"first"


async def test_what_is_told_of_the_addresses() -> None:
    near, far = End(), End()
    join_in_memory(
        asyncio.get_running_loop(), near, far, client_address=("::1", 5), server_address="/path"
    )
    assert near.transport.get_extra_info("sockname") == ("::1", 5)
    assert far.transport.get_extra_info("peername") == ("::1", 5)
    assert near.transport.get_extra_info("peername") == "/path"
    assert far.transport.get_extra_info("sockname") == "/path"
    assert near.transport.get_extra_info("socket") is None
    assert near.transport.get_extra_info("sslcontext", 3) == 3


async def test_back_pressure_when_the_reader_stops() -> None:
    near, far = join()
    far.transport.pause_reading()
    assert not far.transport.is_reading()
    near.transport.write(bytes(65536))
    assert near.events == ["made"]
    near.transport.write(b"x")
    assert near.events == ["made", "pause"]
    assert near.transport.get_write_buffer_size() == 65537
    await turn()
    assert far.data == b""
    far.transport.resume_reading()
    await turn()
    assert len(far.data) == 65537
    assert near.events == ["made", "pause", "resume"]
    assert near.transport.get_write_buffer_size() == 0


async def test_a_reader_that_stops_again_at_once_gets_a_bounded_piece() -> None:
    near, far = join()

    class Stopping(End):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.transport.pause_reading()

    stopping = Stopping()
    stopping.transport = far.transport
    far.transport.set_protocol(stopping)
    assert far.transport.get_protocol() is stopping
    near.transport.write(bytes(1_000_000))
    await turn()
    assert len(stopping.data) == 262144


async def test_marks() -> None:
    near, _ = join()
    transport: MemoryTransport = near.transport
    assert transport.get_write_buffer_limits() == (16384, 65536)
    transport.set_write_buffer_limits(low=10)
    assert transport.get_write_buffer_limits() == (10, 40)
    transport.set_write_buffer_limits(high=0)
    transport.write(b"x")
    assert near.events == ["made", "pause"]
    with pytest.raises(ValueError, match="must be >="):
        transport.set_write_buffer_limits(high=1, low=2)


async def test_half_close() -> None:
    near, far = join(keep_far=True)
    near.transport.write(b"question")
    assert near.transport.can_write_eof()
    near.transport.write_eof()
    with pytest.raises(RuntimeError, match="after write_eof"):
        near.transport.write(b"more")
    await turn()
    assert (far.data, far.events) == (b"question", ["made", "eof"])
    far.transport.write(b"answer")
    far.transport.close()
    await turn()
    assert near.data == b"answer"
    assert near.events == ["made", "eof", None]
    assert far.events == ["made", "eof", None]


async def test_an_end_that_is_not_kept_open_closes_both() -> None:
    near, far = join()
    near.transport.write_eof()
    await turn()
    assert far.events == ["made", "eof", None]
    assert near.events == ["made", "eof", None]


async def test_close_sends_what_was_written_first() -> None:
    near, far = join()
    far.transport.pause_reading()
    near.transport.write(b"last words")
    near.transport.close()
    near.transport.close()
    assert near.transport.is_closing()
    near.transport.write(b"lost")
    await turn()
    assert near.events == ["made"]
    far.transport.resume_reading()
    await turn()
    assert far.data == b"last words"
    assert near.events == ["made", None]
    assert far.events == ["made", "eof", None]


async def test_close_with_nothing_to_send_does_not_wait_for_the_reader() -> None:
    near, far = join()
    far.transport.pause_reading()
    near.transport.close()
    await turn()
    assert near.events == ["made", None]
    assert far.events == ["made"]
    far.transport.resume_reading()
    await turn()
    assert far.events == ["made", "eof", None]


async def test_abort_is_a_reset() -> None:
    near, far = join()
    near.transport.write(bytes(100_000))
    near.transport.abort()
    near.transport.abort()
    await turn()
    assert far.data == b""
    assert near.events == ["made", "pause", None]
    assert far.events == ["made", ConnectionResetError]


async def test_writing_to_an_end_that_is_gone_is_a_reset() -> None:
    near, far = join(keep_near=True)
    far.transport.close()
    await turn()
    assert near.events == ["made", "eof"]
    near.transport.write(b"anybody there?")
    await turn()
    assert near.events == ["made", "eof", ConnectionResetError]
    assert far.events == ["made", None]


async def test_a_writer_is_let_go_when_its_reader_closes() -> None:
    near, far = join(keep_near=True)
    far.transport.pause_reading()
    near.transport.write(bytes(100_000))
    assert near.events == ["made", "pause"]
    far.transport.close()
    await turn()
    assert near.events == ["made", "pause", "resume", "eof"]


@pytest.mark.loop_errors
async def test_a_protocol_that_fails_loses_its_connection() -> None:
    near, far = join()

    class Failing(End):
        def data_received(self, data: bytes) -> None:
            raise ZeroDivisionError

    failing = Failing()
    far.transport.set_protocol(failing)
    near.transport.write(b"x")
    await turn()
    assert failing.events == [ZeroDivisionError]
    assert near.events[:1] == ["made"]
    near.transport.abort()
    await eventually(lambda: near.events[-1] is None)


async def test_only_octets_are_written() -> None:
    near, _ = join()
    with pytest.raises(TypeError, match="bytes-like, got str"):
        near.transport.write("text")


async def test_a_protocol_with_a_buffer_of_its_own() -> None:
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.buffer = bytearray(3)
            self.pieces: list[bytes] = []

        def get_buffer(self, sizehint: int) -> bytearray:
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.pieces.append(bytes(self.buffer[:nbytes]))
            if len(self.pieces) == 2:
                far.transport.pause_reading()

    near, far = join()
    buffered = Buffered()
    far.transport.set_protocol(buffered)
    near.transport.write(b"abcdefgh")
    await turn()
    assert buffered.pieces == [b"abc", b"def"]
    assert near.transport.get_write_buffer_size() == 2
    far.transport.resume_reading()
    await turn()
    assert buffered.pieces == [b"abc", b"def", b"gh"]
