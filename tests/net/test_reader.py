"""ByteQueue: order, watermarks, boundaries, and work that grows with its input and no faster."""

from typing import Any

import pytest

from tercel.net.reader import ByteQueue, LineTooLong


class Flow:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.on_resume: Any = None

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")
        if self.on_resume is not None:
            self.on_resume()


def make(*pieces: bytes, limit: int = 16, flow: Any = None) -> ByteQueue:
    queue = ByteQueue(flow, limit, None, None)
    for piece in pieces:
        queue.feed_data(piece)
    return queue


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 100])
def test_takes_in_order_whatever_the_cut(n: int) -> None:
    queue = make(b"ab", b"", b"cde", b"f")
    parts = []
    while True:
        part = queue._take(n)
        if not part:
            break
        assert len(part) <= n
        parts.append(part)
    assert b"".join(parts) == b"abcdef"
    assert [len(part) for part in parts[:-1]] == [n] * (len(parts) - 1)
    assert queue.total_bytes == 6


def test_take_all_after_part_of_a_piece() -> None:
    queue = make(b"abc", b"def")
    assert queue._take(2) == b"ab"
    assert queue._take_all() == b"cdef"
    assert queue._take_all() == b""


def test_take_piece_keeps_the_cut() -> None:
    queue = make(b"abc", b"def")
    assert queue._take(1) == b"a"
    assert queue._take_piece() == b"bc"
    assert queue._take_piece() == b"def"
    assert queue._take_piece() == b""


def test_accepts_any_buffer_and_copies_it() -> None:
    buffer = bytearray(b"abc")
    queue = make()
    queue.feed_data(buffer)
    queue.feed_data(memoryview(b"def"))
    buffer[:] = b"xxx"
    assert queue._take_all() == b"abcdef"


def test_feeding_after_the_end_is_refused() -> None:
    queue = make(b"a")
    queue.feed_eof()
    with pytest.raises(RuntimeError, match="feed_eof"):
        queue.feed_data(b"b")


def test_watermarks() -> None:
    flow = Flow()
    queue = make(b"x" * 32, flow=flow)
    assert flow.calls == []
    queue.feed_data(b"x")
    queue.feed_data(b"x")
    assert flow.calls == ["pause"]
    queue._take(18)
    assert flow.calls == ["pause"]
    queue._take(1)
    assert flow.calls == ["pause", "resume"]
    queue._take_all()
    assert flow.calls == ["pause", "resume"]


@pytest.mark.parametrize("waiting", [None, "_waiter", "_eof_waiter"])
def test_a_source_is_held_for_nobody_who_waits(waiting: str | None) -> None:
    flow = Flow()
    queue = make(flow=flow)
    if waiting is not None:
        setattr(queue, waiting, object())
    queue.hold()
    queue.hold()
    assert flow.calls == (["pause"] if waiting is None else [])


def test_many_small_pieces_pause_too() -> None:
    flow = Flow()
    queue = make(limit=2**16, flow=flow)
    fed = 0
    while not flow.calls:
        queue.feed_data(b"ab")
        fed += 1
    assert fed == 1025
    queue._take(2 * 512)
    assert flow.calls == ["pause"]
    queue._take(2)
    assert flow.calls == ["pause", "resume"]


def test_many_small_http_chunks_pause_too() -> None:
    flow = Flow()
    queue = make(limit=2**16, flow=flow)
    for _ in range(2000):
        queue.begin_http_chunk_receiving()
        queue.feed_data(b"a")
        queue.end_http_chunk_receiving()
        if flow.calls:
            break
    else:
        pytest.fail("never paused")
    queue._take_all()
    assert flow.calls == ["pause", "resume"]


def test_resuming_may_feed_at_once() -> None:
    flow = Flow()
    queue = make(b"a" * 40, flow=flow)
    flow.on_resume = lambda: queue.feed_data(b"b" * 40)
    assert queue._take_all() == b"a" * 40
    flow.on_resume = None
    assert queue._take_all() == b"b" * 40
    assert flow.calls == ["pause", "resume", "pause", "resume"]


def test_limits_only_go_up() -> None:
    queue = make(limit=16)
    queue.set_read_chunk_size(4)
    assert queue.get_read_buffer_limits() == (16, 32)
    queue.set_read_chunk_size(100)
    assert queue.get_read_buffer_limits() == (100, 200)


TEXT = b"one--two-three----four--"


@pytest.mark.parametrize("size", range(1, len(TEXT) + 1))
def test_lines_whatever_the_cut(size: int) -> None:
    queue = make(*(TEXT[i : i + size] for i in range(0, len(TEXT), size)), limit=100)
    lines = []
    while (line := queue._take_until(b"--", -1)) is not None:
        lines.append(line)
    assert lines == [b"one--", b"two-three--", b"--", b"four--"]
    assert queue._take_all() == b""


def test_a_search_without_success_loses_nothing() -> None:
    queue = make(b"ab", b"cd")
    assert queue._take_until(b"\n", -1) is None
    assert queue._take(1) == b"a"
    assert queue._take_until(b"\n", -1) is None
    assert queue._take_until(b"c", -1) == b"bc"
    queue.feed_data(b"e\nf")
    assert queue._take_until(b"\n", -1) == b"de\n"
    assert queue._take_until(b"\n", -1) is None
    queue._put_back(b"z")
    assert queue._take_all() == b"zf"


@pytest.mark.parametrize(
    ("pieces", "limit", "fits"),
    [
        ([b"a" * 31 + b"\n"], -1, True),
        ([b"a" * 32 + b"\n"], -1, False),
        ([b"a" * 16, b"a" * 16], -1, None),
        ([b"a" * 16, b"a" * 17], -1, False),
        ([b"a" * 3, b"a\n"], 5, True),
        ([b"a" * 3, b"aa\n"], 5, False),
        ([b"aaaaa"], 5, None),
        ([b"aaaaaa"], 5, False),
        ([b"a" * 99 + b"\n"], 100, True),
    ],
)
def test_line_limits(pieces: list[bytes], limit: int, fits: bool | None) -> None:
    queue = make(*pieces, limit=16)
    if fits is False:
        with pytest.raises(LineTooLong) as caught:
            queue._take_until(b"\n", limit)
        assert isinstance(caught.value, ValueError)
        assert caught.value.status == 400
        assert queue._take_all() == b""
    elif fits is None:
        assert queue._take_until(b"\n", limit) is None
        assert queue._take_all() == b"".join(pieces)
    else:
        assert queue._take_until(b"\n", limit) == b"".join(pieces)


def test_a_line_too_long_leaves_the_next_one() -> None:
    queue = make(b"aaaaaa\nbb\n")
    with pytest.raises(LineTooLong):
        queue._take_until(b"\n", 4)
    assert queue._take_until(b"\n", 4) == b"bb\n"


def test_http_chunks() -> None:
    queue = make()
    for chunk in ([b"abc", b"def"], [], [b"ghi"]):
        queue.begin_http_chunk_receiving()
        for piece in chunk:
            queue.feed_data(piece)
        queue.end_http_chunk_receiving()
    queue.begin_http_chunk_receiving()
    queue.feed_data(b"jk")
    assert queue._take_chunk() == (b"abcdef", True)
    assert queue._take(2) == b"gh"
    assert queue._take_chunk() == (b"i", True)
    assert queue._take_chunk() == (b"jk", False)
    assert queue._take_chunk() is None
    queue.end_http_chunk_receiving()
    assert queue._take_chunk() == (b"", True)
    queue.feed_eof()
    assert queue._take_chunk() == (b"", False)


def test_http_chunk_calls_out_of_turn() -> None:
    with pytest.raises(RuntimeError, match="begin_http_chunk_receiving"):
        make(b"a").begin_http_chunk_receiving()
    with pytest.raises(RuntimeError, match="begin_http_chunk_receiving"):
        make().end_http_chunk_receiving()


def test_reading_byte_by_byte_copies_each_once() -> None:
    # Were the rest copied at each step, this would be 2**37 octets of work.
    data = bytes(range(256)) * 2**10
    queue = make(data, limit=2**18)
    assert b"".join(queue._take(1) for _ in range(len(data))) == data


def test_search_over_many_pieces_searches_each_octet_once() -> None:
    # Were the whole searched anew at each step, this would be 2**40 octets of work.
    queue = make(limit=2**21)
    for _ in range(2**20):
        queue.feed_data(b"a")
        if queue._take_until(b"\n", -1) is not None:
            pytest.fail("no line was fed")
    queue.feed_data(b"\n")
    assert queue._take_until(b"\n", -1) == b"a" * 2**20 + b"\n"
