"""What all workers of the chat share: who is in a room, and what was said last.

`MemoryBoard` is for one process, `redis_board` has the one for several; both promise the same.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

HISTORY = 100  # entries that a room keeps
#: Called with a room and an event, in the order in which events happened.
Deliver = Callable[[str, dict[str, Any]], Awaitable[None]]
#: Called when events may have been missed.
Restart = Callable[[], Awaitable[None]]


async def stop(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it has ended.

    Once is not enough where it uses `asyncio.wait_for`, as the Redis client does: before Python
    3.12 that loses a cancellation that comes as it is done.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)
    if not task.cancelled():
        task.result()


class BoardError(Exception):
    """The board can't be reached; the message is one sentence."""


class Board(Protocol):
    """Every method but `run` may raise BoardError."""

    def run(self, deliver: Deliver, restart: Restart) -> Any:
        """A context: while it lasts, all events of all workers are delivered."""

    async def enter(self, room: str, name: str, key: str) -> bool:
        """Take a name in a room; False if somebody with another key has it."""

    async def stay(self, room: str, name: str, key: str) -> None:
        """Say that somebody is still there; a name that nobody speaks for is free after a while."""

    async def leave(self, room: str, name: str, key: str) -> None:
        """Give a name back."""

    async def people(self, room: str) -> list[str]:
        """The names in a room, in the order of the alphabet."""

    async def say(self, room: str, name: str, text: str) -> None:
        """Put an entry into the history and tell everybody: {kind, id, name, text, time}."""

    async def history(self, room: str) -> list[dict[str, Any]]:
        """The last entries, oldest first; their ids grow."""


class MemoryBoard:
    """The board of a single process."""

    def __init__(self) -> None:
        self._people: dict[str, dict[str, str]] = {}
        self._entries: dict[str, deque[dict[str, Any]]] = {}
        self._last_id = 0
        self._deliver: Deliver | None = None

    @asynccontextmanager
    async def run(self, deliver: Deliver, restart: Restart) -> AsyncIterator[None]:
        self._deliver = deliver
        try:
            yield
        finally:
            self._deliver = None

    async def _tell(self, room: str, event: dict[str, Any]) -> None:
        if self._deliver is not None:
            await self._deliver(room, event)

    async def enter(self, room: str, name: str, key: str) -> bool:
        if self._people.setdefault(room, {}).setdefault(name, key) != key:
            return False
        await self._tell(room, {"kind": "people"})
        return True

    async def stay(self, room: str, name: str, key: str) -> None:
        self._people.setdefault(room, {}).setdefault(name, key)

    async def leave(self, room: str, name: str, key: str) -> None:
        people = self._people.get(room, {})
        if people.get(name) == key:
            del people[name]
            if not people:
                del self._people[room]
            await self._tell(room, {"kind": "people"})

    async def people(self, room: str) -> list[str]:
        return sorted(self._people.get(room, {}), key=str.casefold)

    async def say(self, room: str, name: str, text: str) -> None:
        now = time.time()
        # Of the clock, so that a page that saw an earlier process knows them for new.
        self._last_id = max(self._last_id + 1, int(now * 1000))
        entry = make_entry(name, text, now) | {"id": self._last_id}
        self._entries.setdefault(room, deque(maxlen=HISTORY)).append(entry)
        await self._tell(room, entry)

    async def history(self, room: str) -> list[dict[str, Any]]:
        return list(self._entries.get(room, ()))


def make_entry(name: str, text: str, now: float) -> dict[str, Any]:
    return {"kind": "said", "name": name, "text": text, "time": int(now)}


def dump(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
