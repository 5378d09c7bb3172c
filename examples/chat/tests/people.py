"""Somebody in a room, by the test client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import tercel
from tercel.test_utils import TestClient


class Person:
    """What a page would see: `name`, `people`, and what was said."""

    def __init__(self, socket: tercel.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.name = ""
        self.people: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.ids: list[int] = []
        self.problems: list[str] = []

    async def hear(self) -> None:
        event: dict[str, Any] = await self.socket.receive_json()
        self.people = event.get("people", self.people)
        self.name = event.get("you", self.name)
        entries = [event] if event["kind"] == "said" else event.get("history", [])
        self.said += [(entry["name"], entry["text"]) for entry in entries]
        self.ids += [entry["id"] for entry in entries]
        if event["kind"] == "failed":
            self.problems.append(event["reason"])

    async def say(self, text: str) -> None:
        await self.socket.send_json({"text": text})

    async def hear_until(self, text: str) -> None:
        while not self.said or self.said[-1][1] != text:
            await self.hear()

    async def see(self, *people: str) -> None:
        while self.people != list(people):
            await self.hear()


@asynccontextmanager
async def person(
    client: TestClient, name: str, room: str = "lobby", key: str = ""
) -> AsyncIterator[Person]:
    query = {"name": name, "key": key or name.encode().hex().ljust(16, "0")}
    async with client.ws_connect(f"/rooms/{room}/socket", params=query) as socket:
        found = Person(socket)
        while not found.name:
            await found.hear()
        yield found
