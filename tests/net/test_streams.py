"""StreamReader as streams.rst documents it, and what a cancelled or failed read leaves behind."""

import asyncio
from typing import Any

import pytest

from tercel.net.streams import EMPTY_PAYLOAD, LineTooLong, StreamReader


class Flow:
    def __init__(self) -> None:
        self.is_paused = False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


def make(*pieces: bytes, eof: bool = False, **options: Any) -> StreamReader:
    stream = StreamReader(**options)
    for piece in pieces:
        stream.feed_data(piece)
    if eof:
        stream.feed_eof()
    return stream


async def begin(coroutine: Any) -> "asyncio.Task[Any]":
    task = asyncio.ensure_future(coroutine)
    await asyncio.sleep(0)
    return task


async def cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def step(coroutine: Any) -> Any:
    """The result of a coroutine that must not wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the coroutine waited")


def test_what_is_at_hand_needs_no_loop() -> None:
    assert step(make(b"abc").read(2)) == b"ab"
    assert step(make(b"abc", b"d").read(10)) == b"abcd"
    assert step(make(b"abc", b"d", eof=True).read()) == b"abcd"
    assert step(make(b"abc").readany()) == b"abc"
    assert step(make(b"abc").readexactly(3)) == b"abc"
    assert step(make(b"a\nb").readline()) == b"a\n"
    assert step(make(b"a\nb", eof=True).wait_eof()) is None
    assert step(make(b"abc", b"d").readchunk()) == (b"abc", False)


def test_zero_and_ended() -> None:
    assert step(make().read(0)) == b""
    assert step(make().readexactly(0)) == b""
    ended = make(eof=True)
    assert step(ended.read()) == step(ended.read(5)) == step(ended.readany()) == b""
    assert step(ended.readline()) == step(ended.readuntil(b"xx")) == b""
    assert step(ended.readchunk()) == (b"", False)
    assert ended.read_nowait() == b""


async def test_read_waits_for_the_first_octets_only() -> None:
    stream = make()
    task = await begin(stream.read(5))
    stream.feed_data(b"ab")
    assert await task == b"ab"


async def test_read_to_the_end() -> None:
    flow = Flow()
    stream = make(b"a" * 100, protocol=flow, limit=16)
    assert flow.is_paused
    task = await begin(stream.read())
    assert not flow.is_paused
    stream.feed_data(b"b")
    await asyncio.sleep(0)
    stream.feed_eof()
    assert await task == b"a" * 100 + b"b"
    assert stream.total_bytes == stream.total_raw_bytes == 101


async def test_readexactly_over_pieces_beyond_the_limit() -> None:
    flow = Flow()
    stream = make(protocol=flow, limit=4)
    task = await begin(stream.readexactly(50))
    for _ in range(51):
        stream.feed_data(b"x")
        await asyncio.sleep(0)
        assert not flow.is_paused
    assert await task == b"x" * 50
    assert stream.read_nowait() == b"x"


async def test_readexactly_of_a_body_too_short() -> None:
    stream = make(b"ab")
    task = await begin(stream.readexactly(5))
    stream.feed_data(b"c")
    stream.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await task
    assert caught.value.partial == b"abc"
    assert caught.value.expected == 5


async def test_readline_waits_and_ends() -> None:
    stream = make(b"a")
    task = await begin(stream.readline())
    stream.feed_data(b"b\nc")
    assert await task == b"ab\n"
    task = await begin(stream.readline())
    stream.feed_eof()
    assert await task == b"c"


async def test_a_line_longer_than_the_watermark_does_not_hang() -> None:
    flow = Flow()
    stream = make(b"x" * 9, protocol=flow, limit=4)
    assert flow.is_paused
    task = await begin(stream.readline(max_line_length=100))
    assert not flow.is_paused
    stream.feed_data(b"\n")
    assert await task == b"x" * 9 + b"\n"


async def test_line_limits() -> None:
    stream = make(b"x" * 33, limit=16)
    with pytest.raises(LineTooLong):
        await stream.readline()
    stream.feed_data(b"abc\n")
    with pytest.raises(ValueError, match="at most 3"):
        await stream.readuntil(max_size=3)
    with pytest.raises(ValueError, match="separator"):
        await stream.readuntil(b"")


async def test_exception_is_raised_by_every_read() -> None:
    stream = make(b"abc")
    error, cause = ConnectionError("gone"), OSError("why")
    stream.set_exception(error, cause)
    assert stream.exception() is error
    assert error.__cause__ is cause
    for coroutine in (
        stream.read(),
        stream.read(0),
        stream.read(1),
        stream.readany(),
        stream.readexactly(1),
        stream.readline(),
        stream.readchunk(),
        stream.wait_eof(),
    ):
        with pytest.raises(ConnectionError):
            await coroutine
    with pytest.raises(ConnectionError):
        stream.read_nowait()


@pytest.mark.parametrize(
    "read",
    ["read", "readany", "readline", "readchunk", "wait_eof"],
)
async def test_exception_and_end_wake_the_waiter(read: str) -> None:
    stream = make()
    task = await begin(getattr(stream, read)())
    stream.set_exception(ConnectionError("gone"))
    with pytest.raises(ConnectionError):
        await task
    stream = make()
    task = await begin(getattr(stream, read)())
    stream.feed_eof()
    assert await task in (b"", (b"", False), None)


@pytest.mark.parametrize(
    ("read", "arguments"),
    [
        ("read", ()),
        ("read", (5,)),
        ("readany", ()),
        ("readexactly", (50,)),
        ("readline", ()),
        ("readchunk", ()),
        ("readuntil", (b"--",)),
    ],
)
async def test_a_cancelled_read_leaves_no_waiter_and_loses_nothing(
    read: str, arguments: tuple[Any, ...]
) -> None:
    stream = make()
    task = await begin(getattr(stream, read)(*arguments))
    if read in ("readexactly", "readline", "readuntil") or (not arguments and read == "read"):
        stream.feed_data(b"abc")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await cancel(task)
    else:
        await cancel(task)
        stream.feed_data(b"abc")
    stream.feed_data(b"d")
    assert stream.read_nowait() == b"abcd"


async def test_a_read_cancelled_after_its_wake_loses_nothing() -> None:
    stream = make()
    task = await begin(stream.read(3))
    stream.feed_data(b"abc")
    await cancel(task)
    assert await stream.read(3) == b"abc"


async def test_one_reader_at_a_time() -> None:
    stream = make()
    task = await begin(stream.read(3))
    with pytest.raises(RuntimeError, match="another coroutine"):
        await stream.readany()
    with pytest.raises(RuntimeError, match="waits"):
        stream.read_nowait()
    stream.feed_data(b"abc")
    assert await task == b"abc"
    task = await begin(stream.wait_eof())
    with pytest.raises(RuntimeError, match="another coroutine"):
        await stream.wait_eof()
    await cancel(task)
    stream.feed_eof()
    await stream.wait_eof()


async def test_wait_eof_does_not_read() -> None:
    stream = make(b"abc")
    task = await begin(stream.wait_eof())
    stream.feed_eof()
    await task
    assert stream.is_eof()
    assert not stream.at_eof()
    assert await stream.read() == b"abc"
    assert stream.at_eof()


class Timer:
    def __init__(self) -> None:
        self.depth = self.entered = 0

    def __enter__(self) -> None:
        self.depth += 1
        self.entered += 1

    def __exit__(self, *args: object) -> None:
        self.depth -= 1


async def test_the_timer_runs_while_waiting_only() -> None:
    timer = Timer()
    stream = make(b"a", timer=timer)
    assert await stream.readany() == b"a"
    assert timer.entered == 0
    task = await begin(stream.readany())
    assert timer.depth == 1
    stream.feed_data(b"b")
    await task
    assert (timer.depth, timer.entered) == (0, 1)


async def test_http_chunks() -> None:
    stream = make()
    stream.begin_http_chunk_receiving()
    task = await begin(stream.readchunk())
    stream.feed_data(b"ab")
    assert await task == (b"ab", False)
    task = await begin(stream.readchunk())
    stream.end_http_chunk_receiving()
    assert await task == (b"", True)
    stream.begin_http_chunk_receiving()
    stream.feed_data(b"c")
    stream.end_http_chunk_receiving()
    stream.feed_eof()
    assert [found async for found in stream.iter_chunks()] == [(b"c", True)]


async def test_iteration() -> None:
    assert [x async for x in make(b"a\n\nb", b"c", eof=True)] == [b"a\n", b"\n", b"bc"]
    assert [x async for x in make(b"ab", b"c", eof=True).iter_chunked(2)] == [b"ab", b"c"]
    assert [x async for x in make(b"ab", b"c", eof=True).iter_any()] == [b"abc"]
    pairs = [x async for x in make(b"ab", b"c", eof=True).iter_chunks()]
    assert pairs == [(b"ab", False), (b"c", False)]
    assert make().get_read_buffer_limits() == (65536, 131072)


def test_iter_chunked_widens_the_limits() -> None:
    stream = make(limit=16)
    stream.iter_chunked(1000)
    assert stream.get_read_buffer_limits() == (1000, 2000)


def test_eof_callbacks(caplog: pytest.LogCaptureFixture) -> None:
    stream = make()
    calls: list[str] = []
    stream.on_eof(lambda: calls.append("first"))
    stream.on_eof(lambda: calls.remove("nothing"))
    stream.on_eof(lambda: calls.append("second"))
    assert calls == []
    stream.feed_eof()
    stream.feed_eof()
    stream.on_eof(lambda: calls.append("late"))
    assert calls == ["first", "second", "late"]
    assert [record.name for record in caplog.records] == ["tercel.internal"]


async def test_unread_data() -> None:
    stream = make(b"abc", eof=True)
    await stream.read(1)
    with pytest.warns(DeprecationWarning, match="unread_data"):
        stream.unread_data(b"xy")
    assert await stream.read() == b"xybc"
    assert stream.total_bytes == 3


def test_raw_bytes_of_a_compressed_body() -> None:
    stream = make(b"abc")
    stream.total_compressed_bytes = 2
    assert stream.total_raw_bytes == 2


def test_repr() -> None:
    assert repr(make(b"ab", limit=16)) == "<StreamReader 2 bytes low=16 high=32>"
    stream = make(eof=True, limit=16)
    stream.set_exception(ValueError("x"))
    assert repr(stream) == "<StreamReader eof low=16 high=32 exception=ValueError('x')>"


async def test_empty_payload_is_empty_for_everybody() -> None:
    stream = EMPTY_PAYLOAD
    stream.set_exception(ValueError("of one"))
    stream.feed_data(b"of another")
    stream.begin_http_chunk_receiving()
    stream.end_http_chunk_receiving()
    stream.set_read_chunk_size(2**30)
    with pytest.raises(RuntimeError):
        stream.unread_data(b"of a third")
    assert stream.exception() is None
    assert stream.is_eof()
    assert stream.at_eof()
    assert await stream.read() == await stream.readany() == await stream.readline() == b""
    assert await stream.readchunk() == (b"", False)
    with pytest.raises(asyncio.IncompleteReadError):
        await stream.readexactly(1)
    await stream.wait_eof()
    calls: list[int] = []
    stream.on_eof(lambda: calls.append(1))
    assert calls == [1]
    assert [x async for x in stream] == [x async for x in stream.iter_chunks()] == []
    assert stream.get_read_buffer_limits() == (65536, 131072)
    assert stream.total_bytes == stream.total_raw_bytes == 0
