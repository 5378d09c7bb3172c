"""One timer for all heartbeats, and windows dropped while idle."""

import asyncio

from tercel.net import pulse
from tercel.net.pulse import Pulse, WindowWatch, pulse_of
from tercel.wire.ws.deflate import Deflater


class Whom:
    def __init__(self, name: str, called: list[str]) -> None:
        self.name = name
        self.called = called

    def beat(self) -> None:
        self.called.append(self.name)
        if self.name == "broken":
            raise ZeroDivisionError


async def until(happened: object) -> None:
    while not happened():  # type: ignore[operator]
        await asyncio.sleep(0.001)


async def test_in_order_and_without_those_that_were_cancelled() -> None:
    beats = Pulse()
    called: list[str] = []
    now = asyncio.get_running_loop().time()
    beats.call_at(now + 0.03, Whom("third", called))
    beats.call_at(now + 0.01, Whom("first", called))
    gone = beats.call_at(now + 0.015, Whom("cancelled", called))
    beats.call_at(now + 0.02, Whom("second", called))
    beats.cancel(gone)
    beats.cancel(gone)
    await until(lambda: len(called) == 3)
    assert called == ["first", "second", "third"]
    assert beats._timer is None


async def test_the_timer_goes_with_the_last_entry() -> None:
    beats = Pulse()
    now = asyncio.get_running_loop().time()
    entries = [beats.call_at(now + 1000 + i, Whom("x", [])) for i in range(300)]
    for entry in entries[:250]:
        beats.cancel(entry)
    assert len(beats._heap) < 150
    for entry in entries[250:]:
        beats.cancel(entry)
    assert not beats._heap
    assert beats._timer is None


async def test_one_that_fails_does_not_stop_the_others() -> None:
    beats = Pulse()
    called: list[str] = []
    raised: list[object] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
    beats.call_at(loop.time(), Whom("broken", called))
    beats.call_at(loop.time(), Whom("whole", called))
    await until(lambda: len(called) == 2)
    loop.set_exception_handler(handler)
    assert [type(error) for error in raised] == [ZeroDivisionError]


async def test_one_pulse_for_each_loop() -> None:
    loop = asyncio.get_running_loop()
    assert pulse_of(loop) is pulse_of(loop)


async def test_a_window_is_dropped_once_it_is_idle(monkeypatch: object) -> None:
    monkeypatch.setattr(pulse, "_IDLE", 0.02)  # type: ignore[attr-defined]
    deflater = Deflater(15, True)
    watch = WindowWatch(asyncio.get_running_loop(), deflater)
    for _ in range(2):
        deflater.deflate(b"some words")
    watch.note()
    assert watch.is_on
    assert deflater.holds_window
    await until(lambda: not watch.is_on)
    assert not deflater.holds_window


async def test_the_end_of_a_socket_ends_its_watch() -> None:
    deflater = Deflater(15, True)
    watch = WindowWatch(asyncio.get_running_loop(), deflater)
    for _ in range(2):
        deflater.deflate(b"some words")
    watch.note()
    watch.end()
    assert not watch.is_on
    assert not deflater.holds_window
    watch.end()
