"""The rooms as one process sees them: its own people's sockets, and what is said to them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tercel import WSCloseCode, web

from .board import Board, BoardError, dump, stop

REFRESH = 10  # seconds after which the board hears again who is there
LOG = logging.getLogger("chat")


@dataclass
class Room:
    """The members of a room that are connected to this process, with their names and keys."""

    sockets: web.WebSocketSet = field(default_factory=web.WebSocketSet)
    members: dict[web.WebSocketResponse, tuple[str, str]] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)


class Hub:
    """The open sockets of this process, room by room."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._rooms: dict[str, Room] = {}

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """While it lasts, what is said anywhere reaches the sockets here."""
        async with self.board.run(self.deliver, self.restart):
            refresher = asyncio.create_task(self._refresh())
            try:
                yield
            finally:
                await stop(refresher)

    @asynccontextmanager
    async def member(
        self, socket: web.WebSocketResponse, name: str, wanted: str, key: str
    ) -> AsyncIterator[str]:
        """Be in room `name` for a while: as `wanted`, or with a number where that is taken."""
        called = await self._enter(name, wanted, key)
        room = self._rooms.setdefault(name, Room())
        room.members[socket] = (called, key)
        room.sockets.add(socket)
        try:
            await socket.send_json(
                {
                    "kind": "welcome",
                    "you": called,
                    "people": await self.board.people(name),
                    "history": await self.board.history(name),
                },
                dumps=dump,
            )
            yield called
        finally:
            del room.members[socket]
            room.sockets.discard(socket)
            if not room.members:
                self._rooms.pop(name, None)
            # A page that came back is there already when its old connection ends.
            if (called, key) not in room.members.values():
                with contextlib.suppress(BoardError):
                    await self.board.leave(name, called, key)

    async def _enter(self, room: str, wanted: str, key: str) -> str:
        called, number = wanted, 1
        while not await self.board.enter(room, called, key):
            number += 1
            called = f"{wanted} {number}"
        return called

    async def deliver(self, name: str, event: dict[str, Any]) -> None:
        """Tell the people of a room; who is too slow is disconnected, and reads it when back."""
        room = self._rooms.get(name)
        if room is None:
            return
        if event["kind"] == "people":
            room.people = await self.board.people(name)
            event = {"kind": "people", "people": room.people}
        room.sockets.broadcast(dump(event), behind="disconnect")

    async def restart(self) -> None:
        """Something may have been missed: the pages come back and read the history."""
        await self.close(WSCloseCode.SERVICE_RESTART)

    async def close(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        await asyncio.gather(
            *(room.sockets.close(code=code) for room in list(self._rooms.values()))
        )

    async def _refresh(self) -> None:
        """Speak for those who are here, and notice who is not there any more elsewhere."""
        while True:
            await asyncio.sleep(REFRESH)
            try:
                for name, room in list(self._rooms.items()):
                    for called, key in list(room.members.values()):
                        await self.board.stay(name, called, key)
                    if await self.board.people(name) != room.people:
                        await self.deliver(name, {"kind": "people"})
            except BoardError as error:
                LOG.warning("%s", error)
