"""The deadlines of `net.progress` with a clock of our own: no test waits, none depends on speed."""

from collections.abc import Callable
from typing import Any

import pytest

from tercel.net.progress import WatchedProtocol
from tercel.wire.h1.connection import Connection
from tercel.wire.limits import DEFAULT_LIMITS


class Timer:
    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    """An event loop of which only the time is there."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, due: float, call: Callable[[], None]) -> Timer:
        timer = Timer(due, call)
        self.timers.append(timer)
        return timer

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and call what is due in its order."""
        end = self.now + seconds
        while True:
            due = [t for t in self.timers if not t.is_cancelled and t.due <= end]
            if not due:
                break
            timer = min(due, key=lambda each: each.due)
            self.timers.remove(timer)
            self.now = max(self.now, timer.due)
            timer.call()
        self.now = end


class Transport:
    def __init__(self) -> None:
        self.held = 0
        self.events: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self.held

    def is_closing(self) -> bool:
        return "close" in self.events

    def close(self) -> None:
        self.events.append("close")

    def abort(self) -> None:
        self.events.append("abort")

    def pause_reading(self) -> None:
        self.events.append("pause")

    def resume_reading(self) -> None:
        self.events.append("resume")


class Watched(WatchedProtocol):
    def __init__(self, clock: Any, body_time: float | None, send_time: float | None) -> None:
        super().__init__(clock, Connection(True, DEFAULT_LIMITS), body_time, send_time)
        self.told: list[str] = []
        self.is_our_fault = False

    def on_deadline(self) -> None:
        self.check_progress()

    def on_body_stuck(self) -> bool:
        self.told.append("body")
        return not self.is_our_fault

    def on_send_stuck(self) -> None:
        self.told.append("send")


def watch(
    body_time: float | None = 10.0, send_time: float | None = 10.0
) -> tuple[Clock, Watched, Transport]:
    clock = Clock()
    watched = Watched(clock, body_time, send_time)
    transport = Transport()
    watched.connection_made(transport)
    return clock, watched, transport


def test_a_body_that_stands_still_is_told_once() -> None:
    clock, watched, _ = watch()
    watched.note_body()
    clock.pass_time(9.9)
    assert watched.told == []
    clock.pass_time(0.2)
    assert watched.told == ["body"]
    watched.note_body()
    clock.pass_time(1000)
    assert watched.told == ["body"]


def test_a_body_that_moves_at_all_is_in_time_and_one_that_stops_is_not() -> None:
    clock, watched, _ = watch()
    for _ in range(100):
        watched.note_body()
        clock.pass_time(9.0)
    assert watched.told == []
    clock.pass_time(20.1)
    assert watched.told == ["body"]


def test_a_body_that_we_paused_has_all_its_time_again_once_we_read_on() -> None:
    clock, watched, transport = watch()
    watched.note_body()
    watched.pause_reading()
    clock.pass_time(95)
    watched.resume_reading()
    clock.pass_time(9)
    assert transport.events == ["pause", "resume"]
    assert watched.told == []
    clock.pass_time(20)
    assert watched.told == ["body"]


def test_a_body_that_is_late_through_our_fault_is_asked_about_again() -> None:
    clock, watched, _ = watch()
    watched.is_our_fault = True
    watched.note_body()
    clock.pass_time(19)
    assert watched.told == ["body"]
    watched.is_our_fault = False
    clock.pass_time(9)
    assert watched.told == ["body"]
    clock.pass_time(3)
    assert watched.told == ["body", "body"]


def test_another_message_forgets_the_body_before_it() -> None:
    clock, watched, _ = watch()
    watched.note_body()
    watched.forget_body()
    clock.pass_time(100)
    assert watched.told == []
    watched.note_body()
    clock.pass_time(10.1)
    assert watched.told == ["body"]


def test_an_answer_that_nobody_reads_is_told() -> None:
    clock, watched, transport = watch()
    transport.held = 100
    watched.pause_writing()
    clock.pass_time(9.9)
    assert watched.told == []
    clock.pass_time(0.2)
    assert watched.told == ["send"]


@pytest.mark.parametrize("grows", [0, 5])
def test_an_answer_that_is_read_slowly_is_in_time(grows: int) -> None:
    clock, watched, transport = watch()
    transport.held = 1000
    watched.pause_writing()
    for _ in range(100):
        clock.pass_time(9)
        transport.held -= 6
        transport.held += grows
    assert watched.told == []
    clock.pass_time(20.1)
    assert watched.told == ["send"]


def test_a_writer_that_does_not_drain_is_no_progress() -> None:
    clock, watched, transport = watch()
    transport.held = 1000
    watched.pause_writing()
    for _ in range(3):
        clock.pass_time(5)
        transport.held += 100
    assert watched.told == ["send"]


def test_an_answer_that_was_read_is_watched_no_more() -> None:
    clock, watched, transport = watch()
    transport.held = 1000
    watched.pause_writing()
    clock.pass_time(5)
    transport.held = 0
    watched.resume_writing()
    clock.pass_time(100)
    assert watched.told == []


def test_octets_that_keep_a_connection_from_closing_are_watched() -> None:
    clock, watched, transport = watch()
    transport.held = 10
    watched.close()
    clock.pass_time(10.1)
    assert transport.events == ["close"]
    assert watched.told == ["send"]


def test_a_connection_that_closes_with_nothing_to_send_is_not() -> None:
    clock, watched, transport = watch()
    watched.close()
    assert transport.events == ["close"]
    assert clock.timers == []


def test_both_directions_have_times_of_their_own() -> None:
    clock, watched, transport = watch(body_time=7.0, send_time=20.0)
    transport.held = 10
    watched.note_body()
    watched.pause_writing()
    clock.pass_time(19.0)
    assert watched.told == ["body"]
    clock.pass_time(1.1)
    assert watched.told == ["body", "send"]


def test_another_message_keeps_the_time_of_an_answer_that_is_not_read() -> None:
    clock, watched, transport = watch()
    transport.held = 10
    watched.pause_writing()
    watched.forget_body()
    clock.pass_time(10.1)
    assert watched.told == ["send"]


@pytest.mark.parametrize("off", [0, 0.0, None])
def test_times_may_be_switched_off(off: float | None) -> None:
    clock, watched, transport = watch(off, off)
    transport.held = 10
    watched.note_body()
    watched.pause_writing()
    watched.forget_body()
    watched.close()
    assert clock.timers == []
    assert watched.told == []


def test_the_end_of_the_connection_ends_the_watch() -> None:
    clock, watched, transport = watch()
    transport.held = 10
    watched.note_body()
    watched.pause_writing()
    watched.connection_lost(None)
    clock.pass_time(100)
    assert watched.told == []
