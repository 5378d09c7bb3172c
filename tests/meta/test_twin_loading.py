"""Both twins of a module load in one session, agree on a message, and leave each other alone."""

import sys

from tercel._build import COMPILED
from tests.twins import load_pure, load_twins

NAME = "tercel.wire.h1.connection"
MESSAGE = b"POST /p?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


def test_pure_twin_comes_from_the_source() -> None:
    before = dict(sys.modules)
    module = load_pure(NAME)
    assert str(module.__file__).endswith(".py")
    assert load_pure(NAME) is module
    after = {key: value for key, value in sys.modules.items() if key.startswith("tercel")}
    assert after == {key: value for key, value in before.items() if key.startswith("tercel")}


def test_twins_see_the_same_events() -> None:
    seen = []
    twins = load_twins(NAME)
    assert len(twins) == (2 if COMPILED else 1)
    for module in twins:
        connection = module.Connection(True)
        connection.feed_data(MESSAGE)
        head = connection.next_event()
        seen.append((head.method, head.target, head.raw_headers, connection.next_event()))
    assert seen[0][3] == b"abc"
    assert all(events == seen[0] for events in seen)
