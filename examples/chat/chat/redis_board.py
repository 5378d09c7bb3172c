"""The board of several workers: kept in Redis, told through its publish/subscribe."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .board import HISTORY, BoardError, Deliver, Restart, dump, make_entry, stop

CHANNEL = "chat"
STAY = 30  # seconds for which a name is kept without a word from its worker
KEEP = 7 * 24 * 3600  # seconds for which a silent room's history is kept
MAX_PAUSE = 5.0  # seconds between attempts to reach Redis

# Scripts run in Redis as one step each, so two workers never give away the same name or id.
ENTER = """
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  local till, key = string.match(held, '^(%d+) (.*)$')
  if key ~= ARGV[2] and tonumber(till) > tonumber(ARGV[3]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4] .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""
LEAVE = """
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and string.match(held, '^%d+ (.*)$') == ARGV[2] then
  return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0
"""
SAY = """
local now = redis.call('TIME')
local id = now[1] * 1000 + math.floor(now[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if id <= last then id = last + 1 end
redis.call('SET', KEYS[2], string.format('%.0f', id), 'EX', ARGV[4])
local entry = string.format('{"id":%.0f,', id) .. string.sub(ARGV[1], 2)
redis.call('RPUSH', KEYS[1], entry)
redis.call('LTRIM', KEYS[1], -ARGV[2], -1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[5], '["' .. ARGV[3] .. '",' .. entry .. ']')
return 1
"""
LOG = logging.getLogger("chat")


class RedisBoard:
    """A board at `url`, such as redis://localhost:6379/0."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, decode_responses=True)

    @asynccontextmanager
    async def run(self, deliver: Deliver, restart: Restart) -> AsyncIterator[None]:
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            await self._redis.aclose()
            raise BoardError(f"Redis can't be reached: {error}") from None
        listening = asyncio.Event()
        listener = asyncio.create_task(self._listen(deliver, restart, listening))
        try:
            await listening.wait()
            yield
        finally:
            await stop(listener)
            await self._redis.aclose()

    async def _listen(self, deliver: Deliver, restart: Restart, listening: asyncio.Event) -> None:
        """Deliver what is published; after an interruption, begin anew."""
        pause = 0.1
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    if listening.is_set():
                        LOG.info("Redis is back")
                        await restart()
                    listening.set()
                    pause = 0.1
                    while True:
                        message = await channel.get_message(timeout=None)
                        if message is not None:
                            room, event = json.loads(message["data"])
                            await deliver(room, event)
            except (RedisError, OSError, BoardError) as error:
                LOG.warning("Redis can't be reached: %s", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE)

    async def _do(self, command: Any) -> Any:
        try:
            return await command
        except (RedisError, OSError) as error:
            raise BoardError(f"Redis can't be reached: {error}") from None

    async def _changed(self, room: str) -> None:
        await self._do(self._redis.publish(CHANNEL, dump([room, {"kind": "people"}])))

    async def _take(self, room: str, name: str, key: str) -> bool:
        now = int(time.time())
        values = (name, key, now, now + STAY, STAY * 2)
        return bool(await self._do(self._redis.eval(ENTER, 1, f"chat:{room}:people", *values)))

    async def enter(self, room: str, name: str, key: str) -> bool:
        if not await self._take(room, name, key):
            return False
        await self._changed(room)
        return True

    async def stay(self, room: str, name: str, key: str) -> None:
        await self._take(room, name, key)

    async def leave(self, room: str, name: str, key: str) -> None:
        await self._do(self._redis.eval(LEAVE, 1, f"chat:{room}:people", name, key))
        await self._changed(room)

    async def people(self, room: str) -> list[str]:
        held = await self._do(self._redis.hgetall(f"chat:{room}:people"))
        now = int(time.time())
        names = [name for name, value in held.items() if int(value.split(" ")[0]) > now]
        return sorted(names, key=str.casefold)

    async def say(self, room: str, name: str, text: str) -> None:
        keys = (f"chat:{room}:entries", f"chat:{room}:id")
        entry = dump(make_entry(name, text, time.time()))
        values = (entry, HISTORY, room, KEEP, CHANNEL)
        await self._do(self._redis.eval(SAY, 2, *keys, *values))

    async def history(self, room: str) -> list[dict[str, Any]]:
        entries = await self._do(self._redis.lrange(f"chat:{room}:entries", 0, -1))
        return [json.loads(entry) for entry in entries]
